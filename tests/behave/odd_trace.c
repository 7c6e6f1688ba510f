/*
 * odd_trace.c - writes a trace that no well-behaved program leaves: what a reader must cope with.
 *
 *     odd_trace FILE
 *
 * One generator, one task, values of every kind, hostile names, output that is no UTF-8, losses,
 * numbers beyond 2^53, and an end by a signal.
 */
#include <stdio.h>
#include <string.h>
#include <tracer/trace.h>

enum { GENERATOR = 1, TASK = 2, NAME = 1, TASK_NAME, TYPE, SITE };

#define LARGE ((UINT64_C(1) << 53) + 1)

static struct trace *trace;
static uint64_t clock_now, next_index[2];
static uint32_t next_cseq[3];

/* Payload behind the first slot. */
struct payload {
	uint8_t bytes[CORO_EXT_MAX * CORO_EXT_BYTES];
	size_t length;
};

static void add(struct payload *payload, const void *bytes, size_t length)
{
	memcpy(payload->bytes + payload->length, bytes, length);
	payload->length += length;
}

static void emit(uint32_t ring, unsigned kind, uint32_t row, unsigned prev, unsigned next,
				 uint32_t small, const struct payload *payload)
{
	struct coro_trace_slot slots[1 + CORO_EXT_MAX] = {0};
	size_t length = payload ? payload->length : 0;
	unsigned ext = (unsigned)((length + CORO_EXT_BYTES - 1) / CORO_EXT_BYTES);
	unsigned flags = CORO_SLOT_FILELINE |
					 (kind == CORO_EVENT_CREATE || kind == CORO_EVENT_SPAWN ? CORO_SLOT_BIND : 0);

	slots[0].word = CORO_SLOT_WORD(kind, flags, prev, next, ext, 0, ++next_cseq[row]);
	slots[0].clock = clock_now += 1000;
	slots[0].row = row;
	slots[0].site = SITE;
	slots[0].value = small;
	for (unsigned i = 0; i < ext; i++) {
		slots[1 + i].word = CORO_SLOT_WORD(CORO_EVENT_EXT, 0, 0, 0, 0, 0, 0);
		memcpy((uint8_t *)&slots[1 + i] + 8, payload->bytes + i * CORO_EXT_BYTES, CORO_EXT_BYTES);
	}
	trace_append(trace, ring, next_index[ring], slots, 1 + ext);
	next_index[ring] += 1 + ext;
}

static void create(unsigned kind, uint32_t row, uint64_t serial, uint32_t name, uint8_t object)
{
	struct coro_trace_bind bind = {.serial = serial, .name = name, .site = SITE, .kind = object};
	struct payload payload = {.length = 0};

	add(&payload, &bind, sizeof(bind));
	emit(0, kind, row, CORO_STATE_NONE, CORO_STATE_CREATED, CORO_VALUE_ABSENT, &payload);
}

/* A resume of the generator, and a yield of a value. */
static void yield(uint32_t small, const struct payload *payload)
{
	emit(0, CORO_EVENT_NEXT, GENERATOR, CORO_STATE_SUSPENDED, CORO_STATE_RUNNING, CORO_VALUE_ABSENT,
		 NULL);
	emit(0, CORO_EVENT_YIELD, GENERATOR, CORO_STATE_RUNNING, CORO_STATE_SUSPENDED, small, payload);
}

static void yield_long(uint8_t kind, uint32_t type, uint64_t content, const char *text)
{
	struct coro_trace_value value = {.kind = kind, .type = type, .content = content};
	struct payload payload = {.length = 0};

	value.stored = (uint16_t)strlen(text);
	add(&payload, &value, sizeof(value));
	add(&payload, text, strlen(text));
	yield(CORO_VALUE_IN_EXT, &payload);
}

static void output(int fd, const char *data, size_t length)
{
	trace_append_output(trace, fd, (int64_t)clock_now, data, length);
}

static void string(uint32_t id, const char *text)
{
	trace_append_string(trace, id, text, strlen(text));
}

int main(int argc, char **argv)
{
	const struct trace_meta meta = {.program = "odd\033[2J",
									.arguments = "with arguments",
									.pid = 1,
									.arch = CORO_ARCH_X86_64,
									.clock_hz = 1000000000};
	static const char mixed[] =
		"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80|\xff|\xc3|\xe2\x82|"
		"\xed\xa0\x80|\xf4\x90\x80\x80|\xc0\x80|\xe0\x80\x80|\xf0\x80\x80\x80|"
		"\0|\xc3";

	if (argc != 2 || trace_create(argv[1], &meta, &trace) < 0)
		return 1;
	string(NAME, "odd \033]0;title\a\xe2\x80\xae");
	string(TASK_NAME, "worker");
	string(TYPE, "struct thing");
	string(SITE, "odd.c:7 work");
	create(CORO_EVENT_CREATE, GENERATOR, LARGE, NAME, CORO_OBJECT_GENERATOR);
	trace_append_lost(trace, 0, 3);
	trace_append_lost(trace, 1, 2);
	yield(CORO_VALUE_NONE, NULL);
	yield(CORO_VALUE_BOOL | 1 << 4, NULL);
	yield(CORO_VALUE_FLOAT | 0x40490fd0u, NULL);
	yield(CORO_VALUE_OBJECT | GENERATOR << 4, NULL);
	trace_flush(trace); /* a chunk of its own, that can be damaged */
	yield_long(CORO_VALUE_INT, 0, (uint64_t)INT64_MIN, "");
	yield_long(CORO_VALUE_BOOL, 0, 1, "");
	yield_long(CORO_VALUE_OBJECT, 0, TASK, "");
	yield_long(CORO_VALUE_STRING, 0, 5, "it's\n");
	yield_long(CORO_VALUE_STRING, 0, 1000, "the beginning of");
	yield_long(CORO_VALUE_BYTES, 0, 3, "\x01z\xff");
	yield_long(CORO_VALUE_POINTER, TYPE, 0xdeadbeef, "");
	yield_long(CORO_VALUE_EXCEPTION, TYPE, 4, "oops");
	trace_flush(trace);
	output(1, "out ", 4);
	output(2, "error\n", 6);
	output(1, mixed, sizeof(mixed) - 1);
	create(CORO_EVENT_SPAWN, TASK, 5, TASK_NAME, CORO_OBJECT_TASK);
	for (int i = 0; i < 3; i++) {
		emit(1, CORO_EVENT_STEP, TASK, CORO_STATE_READY, CORO_STATE_RUNNING, CORO_VALUE_ABSENT,
			 NULL);
		clock_now += 1000000u * (unsigned)i;
		emit(1, CORO_EVENT_READY, TASK, CORO_STATE_RUNNING, CORO_STATE_READY, CORO_VALUE_ABSENT,
			 NULL);
	}
	trace_finish(trace, 9);
	trace_free(trace);
	return 0;
}
