/*
 * trace_damage_test.c - files that are torn, bent, foreign or hostile: nothing crashes, no event
 * is invented, and the reason is said.
 */
#include "trace_support.h"
#include "columns.h"
#include <tracer/crc32c.h>
#include "format.h"
#include "store.h"

#define EVENTS 60
#define STEP   15

/* A small trace of every type of chunk: 4 flushes of STEP events each. */
struct sample {
	struct program program;
	uint8_t *bytes;
	size_t length;
	size_t flushed[EVENTS / STEP]; /* where the file ended after each flush */
};

/* An object that no event is about, with stacks that say which they are. */
#define BODY_ROW          600
#define BODY_SERIAL       99999
#define STACKS            3 /* behind each flush */
#define STACK_WORDS(cseq) (8 + (cseq) % 3)

static int stack_of(void *context, uint32_t ring, const struct coro_trace_stack *slot,
					uint64_t *ret_sp, const uint8_t **ret)
{
	static uint64_t words[16];
	uint32_t cseq = CORO_SLOT_CSEQ(slot->word), count = STACK_WORDS(cseq);

	for (uint32_t i = 0; i < count; i++) /* counted from the base: half of them stay */
		words[count - 1 - i] = i % 2 ? cseq : i;
	*ret_sp = 0x7000 - 8 * count;
	*ret = (const uint8_t *)words;
	return 0;
}

static void append_stacks(struct trace *trace, unsigned flush)
{
	struct coro_trace_bind who = {.serial = BODY_SERIAL, .kind = CORO_OBJECT_GENERATOR};
	struct coro_trace_slot name[2] = {
		{.word = CORO_SLOT_WORD(CORO_EVENT_IDENTITY, CORO_SLOT_BIND, 0, 0, 1, 0, 0),
		 .row = BODY_ROW},
		{.word = CORO_SLOT_WORD(CORO_EVENT_EXT, 0, 0, 0, 0, 0, 0)}};

	memcpy((uint8_t *)&name[1] + 8, &who, sizeof(who));
	assert_int_equal(trace_append(trace, 0, 1u << 20, name, 2), 2);
	trace_set_stack_source(trace, stack_of, NULL);
	for (uint32_t cseq = flush * STACKS + 1; cseq <= (flush + 1) * STACKS; cseq++) {
		struct coro_trace_stack stack = {.word = CORO_SLOT_WORD(CORO_EVENT_STACK,
																cseq % 5 ? 0 : CORO_STACK_BUDGET, 0,
																0, 0, 0, cseq),
										 .row = BODY_ROW,
										 .length = 8 * STACK_WORDS(cseq)};
		struct coro_trace_slot slot;

		memcpy(&slot, &stack, sizeof(slot));
		assert_int_equal(trace_append(trace, 0, 1u << 20, &slot, 1), 1);
	}
}

/* What is found is true. Returns how many stacks there are. */
static unsigned check_stacks(struct trace *trace)
{
	uint32_t last = 0;
	unsigned found = 0;

	for (uint64_t n = 0; n <= trace_count(trace) + 1; n++) {
		struct coro_trace_stack slot;
		struct trace_stack stack;
		const uint8_t *bytes;
		uint64_t sp;

		if (trace_find_stack(trace, BODY_SERIAL, n, &stack) < 0)
			continue;
		assert_true(stack.after <= n && stack.cseq >= last && stack.cseq <= EVENTS / STEP * STACKS);
		found += stack.cseq != last;
		last = stack.cseq;
		slot.word = CORO_SLOT_WORD(0, 0, 0, 0, 0, 0, stack.cseq);
		stack_of(NULL, 0, &slot, &sp, &bytes);
		assert_int_equal(stack.length, 8 * STACK_WORDS(stack.cseq));
		assert_int_equal(stack.why, stack.cseq % 5 ? TRACE_STACK_HERE : TRACE_STACK_BUDGET);
		if (stack.why == TRACE_STACK_HERE) {
			assert_int_equal(stack.sp, sp);
			assert_memory_equal(stack.bytes, bytes, stack.length);
		}
		trace_stack_done(&stack);
	}
	return found;
}

static struct sample make_sample(void)
{
	struct sample sample = {.program = program_make(EVENTS, 21)};
	const char *path = support_path("sample.coro");
	struct trace *trace = support_create(path);
	struct trace_site site = {.site = 0x400001, .function = "f", .file = "f.c", .line = 3};
	struct trace_module module = {.path = "/bin/x", .end = 9};
	char name[16];

	for (unsigned i = 0; i < EVENTS / STEP; i++) {
		snprintf(name, sizeof(name), "name %u", i);
		assert_int_equal(trace_append_string(trace, i + 1, name, strlen(name)), 0);
		program_append(&sample.program, trace, i * STEP, (i + 1) * STEP);
		assert_int_equal(trace_append_output(trace, 1, i, name, strlen(name)), 0);
		if (i == 1) {
			assert_int_equal(trace_append_lost(trace, 0, 3), 0);
			assert_int_equal(trace_append_module(trace, &module), 0);
			assert_int_equal(trace_append_source(trace, "f.c", "text", 4), 0);
			assert_int_equal(trace_append_checkpoint(trace, 20, (const uint8_t *)"world", 5), 0);
		}
		append_stacks(trace, i);
		assert_int_equal(trace_append_site(trace, &site), 0);
		assert_int_equal(trace_flush(trace), 0);
		sample.flushed[i] = trace_bytes(trace);
	}
	assert_int_equal(trace_finish(trace, 0), 0);
	trace_free(trace);
	sample.bytes = support_read(path, &sample.length);
	return sample;
}

static void sample_done(struct sample *sample)
{
	program_done(&sample->program);
	free(sample->bytes);
}

/* Reads all that there is; what is readable must be true. Returns how many events were read. */
static unsigned check_readable(struct trace *trace, const struct sample *sample)
{
	uint64_t count = trace_count(trace);
	struct trace_output output;
	struct trace_event event;
	char name[16];
	uint8_t *checkpoint;
	size_t length;
	unsigned read = 0;

	assert_true(count <= EVENTS);
	for (uint64_t n = 1; n <= count; n++) {
		int result = trace_event(trace, n, &event);

		if (result == 0 && trace_meta(trace)->clock_hz)
			assert_event(trace, &sample->program, n);
		else if (result < 0)
			assert_int_equal(result, -EBADMSG);
		read += result == 0;
	}
	for (unsigned i = 0; i < EVENTS / STEP; i++) {
		const char *string = trace_string(trace, i + 1);

		snprintf(name, sizeof(name), "name %u", i);
		if (string)
			assert_string_equal(string, name);
	}
	assert_true(trace_output_count(trace) <= EVENTS / STEP);
	for (size_t i = 0; i < trace_output_count(trace); i++) {
		if (trace_output(trace, i, &output) == 0) {
			assert_memory_equal(output.data, "name ", 5);
			assert_true(output.after % STEP == 0 && output.after <= EVENTS);
		}
	}
	check_stacks(trace);
	if (trace_checkpoint(trace, 30, &checkpoint, &length)) {
		assert_int_equal(length, 5);
		assert_memory_equal(checkpoint, "world", 5);
		free(checkpoint);
	}
	return read;
}

/* Whether whole chunks end at this byte. */
static bool is_boundary(const struct trace *whole, size_t at)
{
	if (at == FILE_HEADER)
		return true;
	for (uint32_t i = 0; i < whole->index.count; i++)
		if (whole->index.chunks[i].offset + chunk_length(&whole->index.chunks[i]) == at)
			return true;
	return false;
}

static void a_trace_cut_at_any_byte_opens_up_to_the_cut(void **state)
{
	struct sample sample = make_sample();
	const char *path = support_path("cut.coro");
	struct trace *original = support_open(support_path("sample.coro"));

	support_write(path, sample.bytes, sample.length);
	for (size_t length = sample.length + 1; length-- > 0;) {
		struct trace *trace = NULL;
		char *why = NULL;
		unsigned whole = 0;

		assert_int_equal(truncate(path, (off_t)length), 0);
		if (length < FILE_HEADER) {
			assert_int_equal(trace_open(path, &trace, &why), -EBADMSG);
			assert_non_null(why);
			if (length > 0)
				assert_non_null(strstr(why, "is cut off in its header"));
			free(why);
			continue;
		}
		trace = support_open(path);
		while (whole < EVENTS / STEP && length >= sample.flushed[whole])
			whole++;
		assert_true(trace_count(trace) >= whole * STEP);
		assert_int_equal(check_readable(trace, &sample), trace_count(trace));
		assert_true(check_stacks(trace) >= whole);
		if (length == sample.length || (whole && length == sample.flushed[whole - 1]))
			assert_int_equal(trace_torn(trace), 0);
		if (whole)
			assert_true(trace_torn(trace) <= length - sample.flushed[whole - 1]);
		assert_int_equal(trace_torn(trace) == 0, is_boundary(original, length));
		assert_int_equal(trace_ended(trace, NULL), length == sample.length);
		trace_free(trace);
	}
	trace_free(original);
	sample_done(&sample);
}

/* Opens the sample's file with one byte changed. */
static void check_bent(const struct sample *sample, const char *path, int fd, size_t at,
					   uint8_t change)
{
	uint8_t bent = sample->bytes[at] ^ change;
	struct trace *trace = NULL;
	char *why = NULL;
	int result;

	assert_int_equal(pwrite(fd, &bent, 1, (off_t)at), 1);
	result = trace_open(path, &trace, &why);
	if (at < FILE_HEADER) {
		assert_true(result < 0);
		assert_non_null(why);
	} else {
		assert_int_equal(result, 0);
		assert_true(check_readable(trace, sample) >= EVENTS - STEP);
		assert_true(trace_torn(trace) > 0 || at >= sample->flushed[3]);
	}
	free(why);
	trace_free(trace);
	assert_int_equal(pwrite(fd, &sample->bytes[at], 1, (off_t)at), 1);
}

static bool is_header(const struct sample *sample, size_t at)
{
	for (size_t from = at < CHUNK_HEADER ? 0 : at - CHUNK_HEADER + 1; from <= at; from++)
		if (from + 12 < sample->length && memcmp(sample->bytes + from + 8, "CSK1", 4) == 0)
			return true;
	return false;
}

static void a_bit_that_flipped_anywhere_is_noticed(void **state)
{
	struct sample sample = make_sample();
	const char *path = support_path("bent.coro");

	for (int indexed = 0; indexed < 2; indexed++) {
		size_t length = indexed ? sample.length : sample.flushed[3];
		int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

		support_write(path, sample.bytes, length);
		for (size_t at = 0; at < length; at += at == 63 ? FILE_HEADER - 64 : 1)
			for (unsigned bit = 0; bit < 8; bit++)
				if (is_header(&sample, at) || bit == at % 8 || at < 64)
					check_bent(&sample, path, fd, at, (uint8_t)(1u << bit));
		for (size_t at = FILE_HEADER - sizeof(uint32_t); at < FILE_HEADER; at++)
			for (unsigned bit = 0; bit < 8; bit++)
				check_bent(&sample, path, fd, at, (uint8_t)(1u << bit));
		close(fd);
	}
	sample_done(&sample);
}

static void what_lies_behind_damage_is_found_again(void **state)
{
	struct sample sample = make_sample();
	const char *path = support_path("hole.coro");
	struct trace_event event;
	struct trace *trace;

	/* Everything from the first flush to the third is overwritten. */
	memset(sample.bytes + sample.flushed[0], 0x5a, sample.flushed[2] - sample.flushed[0]);
	support_write(path, sample.bytes, sample.length);
	for (int pass = 0; pass < 2; pass++) {
		trace = support_open(path);
		assert_int_equal(trace_count(trace), EVENTS);
		assert_int_equal(check_readable(trace, &sample), 2 * STEP);
		assert_int_equal(trace_event(trace, STEP + 1, &event), -EBADMSG);
		assert_event(trace, &sample.program, STEP);
		assert_event(trace, &sample.program, 3 * STEP + 1);
		if (pass == 1)
			assert_int_equal(trace_torn(trace), sample.flushed[2] - sample.flushed[0]);
		assert_true(trace_torn(trace) > 0);
		trace_free(trace);
		/* Again without its index. */
		support_write(path, sample.bytes, sample.flushed[3]);
	}
	sample_done(&sample);
}

static void a_chunk_that_the_program_printed_is_not_taken_for_one(void **state)
{
	struct sample sample = make_sample();
	const char *path = support_path("printed.coro");
	struct trace *trace = support_create(path), *other;
	size_t start = sample.flushed[0], length = sample.flushed[1] - start, file_length;
	uint64_t before = trace_bytes(trace);
	uint8_t *bytes;

	/* What it prints is a part of another trace. It is then bared by damage before it. */
	assert_int_equal(trace_append_output(trace, 1, 0, (char *)sample.bytes + start, length), 0);
	trace_free(trace);
	bytes = support_read(path, &file_length);
	bytes[before] ^= 1;
	bytes = realloc(bytes, file_length + length);
	memcpy(bytes + file_length, sample.bytes + start, length);
	support_write(path, bytes, file_length + length);
	other = support_open(path);
	assert_int_equal(trace_count(other), 0);
	assert_true(trace_torn(other) >= length);
	trace_free(other);
	free(bytes);
	sample_done(&sample);
}

/* ---- Sentences ---------------------------------------------------------- */

static void assert_refused(const char *path, int error, const char *sentence)
{
	struct trace *trace = NULL;
	char *why = NULL;

	assert_int_equal(trace_open(path, &trace, &why), error);
	assert_null(trace);
	assert_string_equal(why, sentence);
	free(why);
}

static void what_is_not_a_trace_is_refused_with_a_sentence(void **state)
{
	struct sample sample = make_sample();
	const char *path = support_path("foreign.coro");

	support_write(path, "", 0);
	assert_refused(path, -EBADMSG, "is empty");
	support_write(path, "#!/bin/sh\necho\n", 15);
	assert_refused(path, -EBADMSG, "is not a trace");
	support_write(path, sample.bytes, 200);
	assert_refused(path, -EBADMSG, "is cut off in its header: it has 200 of 4096 bytes");
	sample.bytes[16] = 3;
	support_write(path, sample.bytes, sample.length);
	assert_refused(path, -EPROTONOSUPPORT, "is a trace of version 3.3; this program reads 1.x");
	sample.bytes[16] = 1;
	sample.bytes[100] = 1;
	support_write(path, sample.bytes, sample.length);
	assert_refused(path, -EBADMSG, "has a damaged header");
	assert_refused(support_directory(), -EISDIR, "is a directory");
	assert_refused(support_path("nowhere"), -ENOENT, "does not exist");
	assert_refused("/dev/null", -ENOTSUP, "is not a regular file");
	mkfifo(support_path("pipe"), 0600);
	assert_refused(support_path("pipe"), -ENOTSUP, "is not a regular file");
	assert_refused("/dev/null/x", -ENOTDIR, "cannot be opened: Not a directory");
	sample_done(&sample);
}

/* ---- Files of a newer, or of another, writer ---------------------------- */

/* A file with these chunks behind its header. */
struct forge {
	struct chunk_codec codec;
	struct bytes file;
	struct chunk last;
	uint64_t seq;
};

static void forge_add(struct forge *forge, struct chunk *chunk, const void *payload, size_t length)
{
	const uint8_t *bytes;
	size_t size;

	if (forge->file.length == 0) {
		uint8_t header[FILE_HEADER];

		trace__file_header_encode(forge->codec.uuid, &(struct trace_emitter){0}, header);
		bytes_put(&forge->file, header, sizeof(header));
	}
	chunk->seq = forge->seq++;
	chunk->previous = chunk->seq ? (uint32_t)chunk_length(&forge->last) : 0;
	assert_int_equal(trace__chunk_make(&forge->codec, chunk, payload, length, &bytes, &size), 0);
	bytes_put(&forge->file, bytes, size);
	forge->last = *chunk;
}

static void forge_done(struct forge *forge)
{
	trace__codec_done(&forge->codec);
	bytes_done(&forge->file);
}

static void an_unknown_chunk_is_passed_over_unless_it_must_be_known(void **state)
{
	const char *path = support_path("newer.coro");
	struct forge forge = {0};
	struct chunk strings = {.type = CHUNK_STRINGS, .count = 1}, unknown = {.type = 99};
	struct trace *trace;

	forge_add(&forge, &unknown, "whatever", 8);
	forge_add(&forge, &strings, "\x05\x02hi", 4);
	support_write(path, forge.file.data, forge.file.length);
	trace = support_open(path);
	assert_string_equal(trace_string(trace, 5), "hi");
	assert_int_equal(trace_torn(trace), 0);
	trace_free(trace);
	unknown.flags = CHUNK_MUST;
	forge_add(&forge, &unknown, "whatever", 8);
	support_write(path, forge.file.data, forge.file.length);
	assert_refused(path, -EPROTONOSUPPORT,
				   "has parts of kind 99, which this program does not know");
	forge_done(&forge);
}

static void tables_that_lie_are_damage(void **state)
{
	static const struct {
		uint16_t type;
		uint32_t count;
		const char *payload;
		size_t length;
	} lies[] = {
		{CHUNK_STRINGS, 2, "\x05\x02hi", 4},
		{CHUNK_STRINGS, 1, "\x05\x02hi!", 5},
		{CHUNK_STRINGS, 1, "\x05\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01hi", 13},
		{CHUNK_STRINGS, UINT32_MAX, "\x05\x02hi", 4},
		{CHUNK_SITES, 1, "\x05\x02", 2},
		{CHUNK_SITES, 1, "\xff\xff\xff\xff\xff\x01\x02\x03\x01x\x01y", 12},
		{CHUNK_MODULES, 1, "\x01x\x01\x02\x03\x21xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", 39},
		{CHUNK_SOURCE, 1, "\x01x\x7fy", 4},
		{CHUNK_LOST, 1, "\x01\x02", 2},
		{CHUNK_META, 1, "\x01x\x01y\x01", 5},
	};
	const char *path = support_path("lies.coro");

	for (unsigned i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
		struct forge forge = {0};
		struct chunk chunk = {.type = lies[i].type, .count = lies[i].count};
		struct trace *trace;

		forge_add(&forge, &chunk, lies[i].payload, lies[i].length);
		support_write(path, forge.file.data, forge.file.length);
		trace = support_open(path);
		assert_int_equal(trace_torn(trace), chunk_length(&chunk));
		trace_free(trace);
		forge_done(&forge);
	}
}

static void output_that_lies_is_damage(void **state)
{
	static const uint32_t counts[] = {1, 3, 1000000, UINT32_MAX};
	const char *path = support_path("output.coro");

	for (unsigned i = 0; i < 4; i++) {
		struct forge forge = {0};
		struct chunk chunk = {.type = CHUNK_STDIO, .count = counts[i]};
		struct trace_output output;
		struct trace *trace;

		forge_add(&forge, &chunk, "\x01\x02\x02\x01x\x01\x02\x02\x01y", 10);
		support_write(path, forge.file.data, forge.file.length);
		trace = support_open(path);
		assert_int_equal(trace_output_count(trace), counts[i]);
		assert_int_equal(trace_output(trace, 0, &output), -EBADMSG);
		assert_int_equal(trace_output(trace, counts[i] - 1, &output), -EBADMSG);
		assert_int_equal(trace_torn(trace), chunk_length(&chunk));
		trace_free(trace);
		forge_done(&forge);
	}
}

static void events_that_jump_without_damage_are_not_taken(void **state)
{
	const char *path = support_path("jump.coro");
	struct program program = program_make(10, 31);
	struct forge forge = {0};
	struct bytes payload = {0};
	struct rows rows = {.first = 1};
	struct chunk chunk = {.type = CHUNK_EVENTS, .first = 1, .count = 10};
	struct trace *trace;

	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(trace__rows_add(&rows, &program.events[i]), 0);
	assert_int_equal(trace__columns_encode(&rows, 0, 10, &payload), 0);
	chunk.clock = rows.row[0].clock;
	forge_add(&forge, &chunk, payload.data, payload.length);
	chunk.first = UINT64_C(1) << 60;
	forge_add(&forge, &chunk, payload.data, payload.length);
	chunk.first = 5;
	forge_add(&forge, &chunk, payload.data, payload.length);
	support_write(path, forge.file.data, forge.file.length);
	trace = support_open(path);
	assert_int_equal(trace_count(trace), 10);
	assert_true(trace_torn(trace) > 0);
	trace_free(trace);
	trace__rows_done(&rows);
	bytes_done(&payload);
	forge_done(&forge);
	program_done(&program);
}

static void a_payload_that_grows_beyond_its_header_is_damage(void **state)
{
	const char *path = support_path("bomb.coro");
	struct forge forge = {0};
	struct chunk chunk = {.type = CHUNK_STRINGS, .count = 1};
	uint8_t *zeros = calloc(1, CHUNK_RAW_MAX);
	struct trace *trace;

	forge_add(&forge, &chunk, zeros, CHUNK_RAW_MAX);
	chunk.raw = 1000;
	trace__chunk_header_encode(&forge.codec, &chunk, forge.file.data + FILE_HEADER);
	support_write(path, forge.file.data, forge.file.length);
	trace = support_open(path);
	assert_int_equal(trace_torn(trace), chunk_length(&chunk));
	trace_free(trace);
	free(zeros);
	forge_done(&forge);
}

/* The harness of tests/fuzz/trace_file.c. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The sample's chunks as input of the harness. */
static struct bytes unframe(const struct sample *sample)
{
	struct trace *trace = support_open(support_path("sample.coro"));
	struct bytes input = {0}, payload = {0};

	assert_true(sample->length > FILE_HEADER);
	for (uint32_t i = 0; i < trace->index.count; i++) {
		const struct chunk *chunk = &trace->index.chunks[i];

		assert_int_equal(trace__chunk_read(&trace->codec, trace->fd, chunk, &payload), 0);
		bytes_put_u8(&input, (uint8_t)chunk->type);
		bytes_put_u8(&input, (uint8_t)chunk->count);
		bytes_put_fixed(&input, payload.length, 2);
		bytes_put(&input, payload.data, payload.length);
	}
	bytes_done(&payload);
	trace_free(trace);
	return input;
}

static void chunks_that_only_lie_inside_are_read_or_refused(void **state)
{
	struct sample sample = make_sample();
	struct bytes input = unframe(&sample);
	uint8_t *bent = malloc(input.length);

	for (unsigned i = 0; i < 3000; i++) {
		unsigned changes = 1 + (unsigned)program_random(&sample.program, 6);

		memcpy(bent, input.data, input.length);
		while (changes--)
			bent[program_random(&sample.program, input.length)] =
				(uint8_t)program_random(&sample.program, 256);
		assert_int_equal(LLVMFuzzerTestOneInput(bent, input.length), 0);
	}
	free(bent);
	bytes_done(&input);
	sample_done(&sample);
}

/* ---- Columns ------------------------------------------------------------ */

static void assert_event_without_row(const struct program *program, const struct rows *rows)
{
	for (uint32_t i = 0; i < rows->count; i++) {
		struct trace_event event = {0}, expected = program->events[i];

		trace__rows_get(rows, i, &event);
		expected.row = 0;
		expected.t = 0;
		assert_memory_equal(&event, &expected, sizeof(event));
	}
}

static void columns_that_are_cut_or_changed_decode_to_events_or_not_at_all(void **state)
{
	struct program program = program_make(400, 41);
	struct rows rows = {.first = 1}, decoded = {0};
	struct bytes payload = {0};
	unsigned older = 0;

	for (unsigned i = 0; i < program.count; i++)
		assert_int_equal(trace__rows_add(&rows, &program.events[i]), 0);
	assert_int_equal(trace__columns_encode(&rows, 0, rows.count, &payload), 0);
	assert_true(payload.length <= rows.cost + 19 * 8);
	for (size_t length = 0; length < payload.length; length++) {
		uint8_t *cut = malloc(length + 1);
		int result;

		memcpy(cut, payload.data, length);
		result = trace__columns_decode(cut, length, 1, rows.count, &decoded);
		free(cut);
		if (result == 0) { /* without column ROW: as version 1.1 would have it */
			assert_event_without_row(&program, &decoded);
			trace__rows_done(&decoded);
			older++;
		} else {
			assert_int_equal(result, -EBADMSG);
		}
	}
	assert_int_equal(older, 1);
	for (unsigned i = 0; i < 20000; i++) {
		size_t at = program_random(&program, payload.length);
		uint8_t before = payload.data[at];
		int result;

		payload.data[at] = (uint8_t)program_random(&program, 256);
		result = trace__columns_decode(payload.data, payload.length, 1, rows.count, &decoded);
		if (result == 0) {
			struct trace_event event;

			for (uint32_t k = 0; k < decoded.count; k++)
				trace__rows_get(&decoded, k, &event);
			trace__rows_done(&decoded);
		} else {
			assert_int_equal(result, -EBADMSG);
		}
		payload.data[at] = before;
	}
	assert_int_equal(trace__columns_decode(payload.data, payload.length, 1, 399, &decoded),
					 -EBADMSG);
	assert_int_equal(trace__columns_decode(payload.data, payload.length, 1, 0, &decoded), -EBADMSG);
	assert_int_equal(trace__columns_decode(payload.data, payload.length, 1, UINT32_MAX, &decoded),
					 -EBADMSG);
	bytes_done(&payload);
	trace__rows_done(&rows);
	program_done(&program);
}

static void a_column_of_a_later_version_is_passed_over(void **state)
{
	struct program program = program_make(100, 42);
	struct rows rows = {.first = 1}, decoded = {0};
	struct bytes payload = {0};
	struct trace_event event = {0}, same = {0};

	for (unsigned i = 0; i < program.count; i++)
		assert_int_equal(trace__rows_add(&rows, &program.events[i]), 0);
	assert_int_equal(trace__columns_encode(&rows, 0, rows.count, &payload), 0);
	bytes_put(&payload, "\xff\x01\0\0\x03\0\0\0new", 11);
	assert_int_equal(trace__columns_decode(payload.data, payload.length, 1, 100, &decoded), 0);
	for (uint32_t i = 0; i < 100; i++) {
		trace__rows_get(&rows, i, &event);
		trace__rows_get(&decoded, i, &same);
		assert_memory_equal(&event, &same, sizeof(event));
	}
	trace__rows_done(&decoded);
	bytes_done(&payload);
	trace__rows_done(&rows);
	program_done(&program);
}

static void numbers_at_their_limits_come_back(void **state)
{
	static const uint64_t edges[] = {
		0,         1, 127, 128, 255, UINT32_MAX, UINT64_C(1) << 32, INT64_MAX, UINT64_C(1) << 63,
		UINT64_MAX};
	struct rows rows = {.first = 1}, decoded = {0};
	struct bytes payload = {0};

	for (unsigned i = 0; i < 1000; i++) {
		struct trace_event event = {
			.n = i + 1,
			.kind = CORO_EVENT_NOTE,
			.clock = edges[i % 10],
			.index = edges[i / 10 % 10],
			.ring = (uint32_t)edges[i / 100],
			.cseq = (uint32_t)edges[i / 3 % 10],
			.co = edges[i / 7 % 10],
			.peer = edges[i / 11 % 10],
			.site = (uint32_t)edges[i / 13 % 10],
			.value = {.kind = (uint8_t)(i % CORO_VALUE_LIMIT)},
		};

		if (trace__content(event.value.kind) == CONTENT_LENGTH)
			event.value.length = edges[i / 17 % 10];
		else if (trace__content(event.value.kind) != CONTENT_NONE)
			event.value.pointer = edges[i / 17 % 10];
		if (i % 5 == 0) {
			event.flags = CORO_SLOT_BIND;
			event.bind.serial = edges[i / 5 % 10];
			event.bind.stack_kib = UINT16_MAX;
			event.bind.gen = UINT32_MAX;
		}
		event.name = event.co ? (uint32_t)edges[i / 19 % 10] : 0;
		assert_int_equal(trace__rows_add(&rows, &event), 0);
	}
	assert_int_equal(trace__columns_encode(&rows, 0, rows.count, &payload), 0);
	assert_true(payload.length <= rows.cost + 18 * 8);
	assert_int_equal(trace__columns_decode(payload.data, payload.length, 1, 1000, &decoded), 0);
	for (uint32_t i = 0; i < 1000; i++) {
		struct trace_event event = {0}, same = {0};

		trace__rows_get(&rows, i, &event);
		trace__rows_get(&decoded, i, &same);
		assert_memory_equal(&event, &same, sizeof(event));
	}
	trace__rows_done(&decoded);
	trace__rows_done(&rows);
	bytes_done(&payload);
}

static void the_checksum_is_the_castagnoli_one(void **state)
{
	uint8_t zeros[32] = {0};

	assert_int_equal(trace_crc32c(0, "123456789", 9), 0xe3069283u);
	assert_int_equal(trace_crc32c(0, zeros, 32), 0x8a9136aau);
	assert_int_equal(trace_crc32c(trace_crc32c(0, "1234", 4), "56789", 5), 0xe3069283u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_trace_cut_at_any_byte_opens_up_to_the_cut),
		cmocka_unit_test(a_bit_that_flipped_anywhere_is_noticed),
		cmocka_unit_test(what_lies_behind_damage_is_found_again),
		cmocka_unit_test(a_chunk_that_the_program_printed_is_not_taken_for_one),
		cmocka_unit_test(what_is_not_a_trace_is_refused_with_a_sentence),
		cmocka_unit_test(an_unknown_chunk_is_passed_over_unless_it_must_be_known),
		cmocka_unit_test(tables_that_lie_are_damage),
		cmocka_unit_test(output_that_lies_is_damage),
		cmocka_unit_test(events_that_jump_without_damage_are_not_taken),
		cmocka_unit_test(a_payload_that_grows_beyond_its_header_is_damage),
		cmocka_unit_test(chunks_that_only_lie_inside_are_read_or_refused),
		cmocka_unit_test(columns_that_are_cut_or_changed_decode_to_events_or_not_at_all),
		cmocka_unit_test(a_column_of_a_later_version_is_passed_over),
		cmocka_unit_test(numbers_at_their_limits_come_back),
		cmocka_unit_test(the_checksum_is_the_castagnoli_one),
	};

	return cmocka_run_group_tests_name("trace_damage", tests, NULL, support_clean);
}
