#ifndef TESTS_UNIT_TRACE_SUPPORT_H
#define TESTS_UNIT_TRACE_SUPPORT_H
/*
 * trace_support.h - for the tests of the trace file: slots as a program would write them,
 * the events that they must come back as, and files to put them into.
 *
 * What is expected is made from trace_event_decode() and a table of rows of the test's own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <tracer/trace.h>

#define SUPPORT_ROWS 512
#define SUPPORT_RINGS 3

/* A made-up program: what it has emitted so far, and what must be read. */
struct program {
	uint64_t random; /* state of the generator: the same seed, the same program */
	uint64_t serial; /* last one given */
	uint64_t clock;
	struct support_row {
		uint64_t serial;
		uint32_t name, cseq, gen;
		uint8_t kind;
	} row[SUPPORT_ROWS];
	/* What each ring's thread bound and has not destroyed, since a second ring has bound a row. */
	struct support_row own[SUPPORT_RINGS][SUPPORT_ROWS];
	bool any, several;
	uint32_t first; /* the ring that bound the first row; valid if `any` */

	struct coro_trace_slot *slots; /* of the events, one behind the other */
	unsigned slot_count, slot_room;
	uint32_t *rings;     /* of each event */
	unsigned *positions; /* of each event in slots */
	uint64_t *indexes;   /* of each event in its ring */
	uint64_t ring_index[SUPPORT_RINGS];
	struct trace_event *events; /* events[n - 1] is what event n must be */
	unsigned count, room;
};

static inline uint64_t program_random(struct program *program, uint64_t below)
{
	program->random ^= program->random << 13;
	program->random ^= program->random >> 7;
	program->random ^= program->random << 17;
	return program->random % below;
}

static inline void program_done(struct program *program)
{
	free(program->slots);
	free(program->rings);
	free(program->positions);
	free(program->indexes);
	free(program->events);
}

static inline const struct trace_meta *support_meta(void)
{
	static const struct trace_meta meta = {
		.program = "./channel",
		.arguments = "left right",
		.pid = 4711,
		.arch = CORO_ARCH_X86_64,
		.clock_hz = 2500000000,
		.clock0 = 1000000,
		.real0 = 1700000000000000000,
		.virtual_time = true,
	};
	return &meta;
}

static inline void support_bind(struct program *program, uint32_t ring, uint64_t row,
								const struct coro_trace_bind *bind)
{
	if (!program->any)
		program->first = ring;
	program->any = true;
	if (!program->several && ring != program->first) {
		memcpy(program->own[program->first], program->row, sizeof(program->row));
		program->several = true;
	}
	program->row[row].serial = program->own[ring][row].serial = bind->serial;
	program->row[row].name = program->own[ring][row].name = bind->name;
	program->row[row].kind = program->own[ring][row].kind = bind->kind;
}

static inline const struct support_row *support_who(const struct program *program, uint32_t ring,
													uint64_t row)
{
	const struct support_row *own = &program->own[ring][row];

	return program->several && own->serial ? own : &program->row[row];
}

/* Puts slots behind the program's, and what they must be read as behind its events. */
static inline void program_emit(struct program *program, uint32_t ring,
								const struct coro_trace_slot *slots, unsigned count)
{
	const struct support_row *who;
	struct trace_event *event;
	uint64_t row;
	unsigned n = program->count;

	if (program->slot_count + count > program->slot_room) {
		program->slot_room = program->slot_room * 2 + count + 64;
		program->slots = realloc(program->slots, program->slot_room * sizeof(*slots));
	}
	if (n == program->room) {
		program->room = program->room * 2 + 64;
		program->rings = realloc(program->rings, program->room * sizeof(*program->rings));
		program->positions =
			realloc(program->positions, program->room * sizeof(*program->positions));
		program->indexes = realloc(program->indexes, program->room * sizeof(*program->indexes));
		program->events = realloc(program->events, program->room * sizeof(*program->events));
	}
	memcpy(program->slots + program->slot_count, slots, count * sizeof(*slots));
	program->positions[n] = program->slot_count;
	program->rings[n] = ring;
	program->indexes[n] = program->ring_index[ring];
	program->slot_count += count;
	program->ring_index[ring] += count;

	event = &program->events[n];
	memset(event, 0, sizeof(*event));
	assert_int_equal(trace_event_decode(slots, count, ring, program->indexes[n], -1, event),
					 (int)count);
	event->n = n + 1;
	event->t = (int64_t)((__int128)(event->clock - support_meta()->clock0) * 1000000000 /
						 support_meta()->clock_hz);
	row = event->co;
	if (event->flags & CORO_SLOT_BIND)
		support_bind(program, ring, row, &event->bind);
	who = support_who(program, ring, row);
	event->name = who->name;
	event->object_kind = who->kind;
	event->co = who->serial;
	who = support_who(program, ring, event->peer);
	event->peer_name = who->name;
	event->peer_kind = who->kind;
	event->peer = who->serial;
	if (event->value.kind == CORO_VALUE_OBJECT) {
		who = support_who(program, ring, event->value.object);
		event->value.type = who->name;
		event->value.object_kind = who->kind;
		event->value.object = who->serial;
	}
	if (event->next == CORO_STATE_NONE && program->several)
		program->own[ring][row].serial = 0;
	program->count++;
}

/* Payload bytes behind the first slot. */
static inline unsigned support_payload(struct coro_trace_slot *slots, const uint8_t *bytes,
									   size_t length)
{
	unsigned ext = (unsigned)((length + CORO_EXT_BYTES - 1) / CORO_EXT_BYTES);

	for (unsigned i = 0; i < ext; i++) {
		size_t from = (size_t)i * CORO_EXT_BYTES;
		size_t part = length - from < CORO_EXT_BYTES ? length - from : CORO_EXT_BYTES;

		memset(&slots[1 + i], 0, sizeof(*slots));
		slots[1 + i].word = CORO_SLOT_WORD(CORO_EVENT_EXT, 0, 0, 0, 0, 0, 0);
		memcpy((uint8_t *)&slots[1 + i] + 8, bytes + from, part);
	}
	return ext;
}

/* A value of a random kind; small ones in the return value, others as payload. */
static inline uint32_t support_value(struct program *program, uint8_t *payload, size_t *length)
{
	struct coro_trace_value header = {0};
	double real = (double)(int64_t)program->random * 1e-3;

	switch (program_random(program, 12)) {
	case 0:
		return CORO_VALUE_ABSENT;
	case 1:
		return CORO_VALUE_NONE;
	case 2:
		return CORO_VALUE_BOOL | (uint32_t)program_random(program, 2) << 4;
	case 3:
	case 4:
		return CORO_VALUE_INT | (uint32_t)program_random(program, 1u << 28) << 4;
	case 5:
		return CORO_VALUE_FLOAT | 0x40490fd0u;
	case 6:
		return CORO_VALUE_OBJECT | (uint32_t)program_random(program, SUPPORT_ROWS) << 4;
	case 7:
		header.kind = CORO_VALUE_INT;
		header.content = program->random;
		break;
	case 8:
		header.kind = CORO_VALUE_FLOAT;
		memcpy(&header.content, &real, 8);
		break;
	case 9:
		header.kind = CORO_VALUE_POINTER;
		header.type = 77;
		header.content = 0x7f0000000000u + program_random(program, 1 << 20);
		break;
	default:
		header.kind = (uint8_t)(program_random(program, 3) == 0   ? CORO_VALUE_EXCEPTION
								: program_random(program, 2) == 0 ? CORO_VALUE_BYTES
																  : CORO_VALUE_STRING);
		header.type = header.kind == CORO_VALUE_EXCEPTION ? 5 : 0;
		header.stored = (uint16_t)program_random(
			program, program_random(program, 20) ? 24 : CORO_TRACE_STORED_MAX + 1);
		header.content = header.stored < CORO_TRACE_STORED_MAX ? header.stored : 100000;
		for (unsigned i = 0; i < header.stored; i++)
			payload[*length + sizeof(header) + i] = (uint8_t)program_random(program, 256);
	}
	memcpy(payload + *length, &header, sizeof(header));
	*length += sizeof(header) + header.stored;
	return CORO_VALUE_IN_EXT;
}

/* One more event, of any kind and shape. */
static inline void program_step(struct program *program)
{
	struct coro_trace_slot slots[1 + CORO_EXT_MAX];
	uint32_t ring = program_random(program, 50) ? 0 : (uint32_t)program_random(program, 3);
	uint32_t row = 1 + (uint32_t)program_random(program, SUPPORT_ROWS - 1);
	uint8_t payload[CORO_EXT_MAX * CORO_EXT_BYTES] = {0};
	bool bind = program_random(program, 10) == 0;
	uint32_t value;
	unsigned ext;
	size_t length = 0;

	memset(slots, 0, sizeof(slots));
	if (bind) {
		struct coro_trace_bind who = {
			.serial = ++program->serial,
			.name = (uint32_t)program_random(program, 40),
			.site = (uint32_t)program_random(program, 9),
			.gen = program->row[row].gen++,
			.kind = (uint8_t)(1 + program_random(program, CORO_OBJECT_LIMIT - 1)),
			.reason = (uint8_t)program_random(program, 4),
		};
		memcpy(payload, &who, sizeof(who));
		length = sizeof(who);
		program->row[row].cseq = 0;
	}
	value = support_value(program, payload, &length);
	ext = support_payload(slots, payload, length);
	program->clock += program_random(program, 3) ? program_random(program, 5000) : 0;
	slots[0].clock = support_meta()->clock0 + program->clock;
	slots[0].row = row;
	slots[0].peer = (uint32_t)program_random(program, 3) ? (uint32_t)program_random(program, 9) : 0;
	slots[0].site = program_random(program, 8) ? 0x400000 + (uint32_t)program_random(program, 30) : 0;
	slots[0].value = value;
	slots[0].word = CORO_SLOT_WORD(1 + program_random(program, CORO_EVENT_LIMIT - 1),
								   (bind ? CORO_SLOT_BIND : 0) | program_random(program, 4),
								   program_random(program, 16), program_random(program, 16), ext, 0,
								   ++program->row[row].cseq);
	program_emit(program, ring, slots, 1 + ext);
}

static inline struct program program_make(unsigned count, uint64_t seed)
{
	struct program program = {.random = seed * 2654435761u + 88172645463325252u};

	while (program.count < count)
		program_step(&program);
	return program;
}

/* Appends events [from, to), a few of one ring at a time. */
static inline void program_append(struct program *program, struct trace *trace, unsigned from,
								  unsigned to)
{
	while (from < to) {
		unsigned next = from + 1, slots, taken;

		while (next < to && program->rings[next] == program->rings[from] && next - from < 1000)
			next++;
		slots = (next < program->count ? program->positions[next] : program->slot_count) -
				program->positions[from];
		taken = (unsigned)trace_append(trace, program->rings[from], program->indexes[from],
									   program->slots + program->positions[from], slots);
		assert_int_equal(taken, slots);
		from = next;
	}
}

static inline void assert_event(struct trace *trace, const struct program *program, uint64_t n)
{
	struct trace_event event = {0}; /* what is behind a value's bytes is left as it is */

	assert_int_equal(trace_event(trace, n, &event), 0);
	event.lost = 0; /* is the trace's, not the event's */
	if (memcmp(&event, &program->events[n - 1], sizeof(event)) != 0)
		fail_msg("event %lu is not what was appended", (unsigned long)n);
}

/* ---- Files ------------------------------------------------------------- */

/* A directory of the test's own. */
static inline const char *support_directory(void)
{
	static char path[64];

	if (!path[0]) {
		strcpy(path, "/tmp/coroscope-test-XXXXXX");
		assert_non_null(mkdtemp(path));
	}
	return path;
}

static inline const char *support_path(const char *name)
{
	static char paths[4][128];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", support_directory(), name);
	return path;
}

static inline uint8_t *support_read(const char *path, size_t *ret_length)
{
	FILE *file = fopen(path, "rb");
	uint8_t *bytes;
	long length;

	assert_non_null(file);
	fseek(file, 0, SEEK_END);
	length = ftell(file);
	rewind(file);
	bytes = malloc((size_t)length + 1);
	assert_int_equal(fread(bytes, 1, (size_t)length, file), length);
	fclose(file);
	*ret_length = (size_t)length;
	return bytes;
}

static inline void support_write(const char *path, const void *bytes, size_t length)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, length), (ssize_t)length);
	close(fd);
}

static inline struct trace *support_open(const char *path)
{
	struct trace *trace = NULL;
	char *why = NULL;
	int result = trace_open(path, &trace, &why);

	if (result < 0)
		fail_msg("%s: %s", path, why);
	return trace;
}

static inline struct trace *support_create(const char *path)
{
	struct trace *trace = NULL;

	assert_int_equal(trace_create(path, support_meta(), &trace), 0);
	return trace;
}

static inline int support_clean(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", support_directory());
	return system(command);
}

#endif
