/*
 * hostile_trace.c - writes a trace in which every text would drive the terminal.
 *
 *     hostile_trace FILE
 *
 * One generator for each hostile text: that is its name, the line that made it, the type and the
 * bytes of its values, and what the program wrote. So are the program's own name, its arguments,
 * its modules and its sources.
 */
#include <stdio.h>
#include <string.h>
#include <tracer/trace.h>

static const char *const texts[] = {
	"\033]0;title\a", /* ESC: a title, a question, a device string, a reset */
	"\033[6n\033[c\033[21t",
	"\033P+q544e\033\\",
	"\033c",
	"\033",
	"\b\b\b\r\v\f\t\n\x7f", /* C0 and DEL */
	"\001\002\003\004\005\006\007\016\017\020\021\023\030\032\034\035\036\037",
	"\xc2\x9b"
	"6n\xc2\x9d"
	"0;t\xc2\x9c\xc2\x90\xc2\x85", /* C1, as UTF-8 */
	"\x9b"
	"6n\x9d"
	"0;t\x07\x90\x85", /* C1, as bytes */
	"\xc3",
	"\xff\xfe\xf8",
	"\xc0\x9b\xe0\x80\x9b",
	"\xed\xa0\x80\xf4\x90\x80\x80",                     /* no UTF-8 */
	"\xe2\x80\xae\xe2\x81\xa6\xe2\x80\x8f\xe2\x80\xa8", /* of bidi, and a line's end */
};
#define TEXTS (sizeof(texts) / sizeof(texts[0]))

static struct trace *trace;
static uint64_t clock_now, next_index;
static uint32_t next_cseq[TEXTS + 1];

static uint32_t name_of(unsigned i)
{
	return 2 * i + 1;
}

static uint32_t site_of(unsigned i)
{
	return 2 * i + 2;
}

static void emit(unsigned kind, unsigned i, unsigned prev, unsigned next, const void *payload,
				 size_t length)
{
	struct coro_trace_slot slots[1 + CORO_EXT_MAX] = {0};
	unsigned ext = (unsigned)((length + CORO_EXT_BYTES - 1) / CORO_EXT_BYTES);
	unsigned flags = CORO_SLOT_FILELINE | (kind == CORO_EVENT_CREATE ? CORO_SLOT_BIND : 0);
	uint32_t row = i + 1;

	slots[0].word = CORO_SLOT_WORD(kind, flags, prev, next, ext, 0, ++next_cseq[i]);
	slots[0].clock = clock_now += 1000;
	slots[0].row = row;
	slots[0].site = site_of(i);
	slots[0].value = length && kind != CORO_EVENT_CREATE ? CORO_VALUE_IN_EXT : CORO_VALUE_ABSENT;
	for (unsigned k = 0; k < ext; k++) {
		size_t from = (size_t)k * CORO_EXT_BYTES;

		slots[1 + k].word = CORO_SLOT_WORD(CORO_EVENT_EXT, 0, 0, 0, 0, 0, 0);
		memcpy((uint8_t *)&slots[1 + k] + 8, (const uint8_t *)payload + from,
			   length - from < CORO_EXT_BYTES ? length - from : CORO_EXT_BYTES);
	}
	trace_append(trace, 0, next_index, slots, 1 + ext);
	next_index += 1 + ext;
}

static void yield(unsigned i, uint8_t kind)
{
	struct {
		struct coro_trace_value value;
		char bytes[64];
	} payload = {.value = {.kind = kind, .type = name_of(i)}};
	size_t length = strlen(texts[i]);

	payload.value.content = payload.value.stored = (uint16_t)length;
	memcpy((char *)&payload + sizeof(payload.value), texts[i], length);
	emit(CORO_EVENT_NEXT, i, CORO_STATE_SUSPENDED, CORO_STATE_RUNNING, NULL, 0);
	emit(CORO_EVENT_YIELD, i, CORO_STATE_RUNNING, CORO_STATE_SUSPENDED, &payload,
		 sizeof(payload.value) + length);
}

static void tell(unsigned i)
{
	struct trace_module module = {.path = texts[i], .start = 1, .end = 9};
	struct coro_trace_bind bind = {
		.serial = i + 1, .name = name_of(i), .site = site_of(i), .kind = CORO_OBJECT_GENERATOR};
	char site[256];

	trace_append_string(trace, name_of(i), texts[i], strlen(texts[i]));
	snprintf(site, sizeof(site), "%s.c:7 %s", texts[i], texts[i]);
	trace_append_string(trace, site_of(i), site, strlen(site));
	snprintf(site, sizeof(site), "%s.c", texts[i]);
	trace_append_source(trace, site, texts[i], strlen(texts[i]));
	trace_append_module(trace, &module);
	emit(CORO_EVENT_CREATE, i, CORO_STATE_NONE, CORO_STATE_CREATED, &bind, sizeof(bind));
	yield(i, CORO_VALUE_STRING);
	yield(i, CORO_VALUE_BYTES);
	yield(i, CORO_VALUE_EXCEPTION);
	yield(i, CORO_VALUE_POINTER);
	trace_append_output(trace, 1 + (int)(i % 2), (int64_t)clock_now, texts[i], strlen(texts[i]));
}

int main(int argc, char **argv)
{
	const struct trace_meta meta = {.program = "\033]0;title\a\x9b"
											   "6n",
									.arguments = "\033]0;title\a \x9b"
												 "6n",
									.pid = 1,
									.arch = CORO_ARCH_X86_64,
									.clock_hz = 1000000000};

	if (argc != 2 || trace_create(argv[1], &meta, &trace) < 0)
		return 1;
	for (unsigned i = 0; i < TEXTS; i++)
		tell(i);
	trace_finish(trace, 0);
	trace_free(trace);
	return 0;
}
