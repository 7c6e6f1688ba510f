/*
 * text_test.c - how values, objects, waits and events read.
 *
 * The session is a World and a handful of strings.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <string.h>
#include <tracer/text.h>

static struct world *world;
static const char *const strings[] = {NULL,     "internal", "ValueError",    "jobs",
									  "worker", "A",        "evil\x1b[2J\n", ""};

struct trace *session_trace(struct session *session)
{
	return NULL;
}

const struct world *session_world(struct session *session)
{
	return world;
}

struct symbols *session_symbols(struct session *session)
{
	return NULL;
}

const char *trace_string(struct trace *trace, uint32_t id)
{
	return id < sizeof(strings) / sizeof(strings[0]) ? strings[id] : NULL;
}

/* A trace of three events: future 40 is made, is awaited by task 41, and gives way to `lock A`. */
int trace_event(struct trace *trace, uint64_t n, struct trace_event *ret)
{
	static const struct trace_event told[] = {
		{.kind = CORO_EVENT_FUTURE_NEW, .object_kind = CORO_OBJECT_FUTURE, .co = 40},
		{.kind = CORO_EVENT_AWAIT, .co = 41, .name = 4, .peer = 40},
		{.kind = CORO_EVENT_YIELD,
		 .co = 42,
		 .value =
			 {.kind = CORO_VALUE_OBJECT, .object = 43, .type = 5, .object_kind = CORO_OBJECT_LOCK}},
	};

	if (n < 1 || n > 3)
		return -ENOENT;
	*ret = told[n - 1];
	return 0;
}

const char *symbols_text(struct symbols *symbols, uint32_t site, bool is_string)
{
	return is_string ? "notes.py:3" : site == 12 ? "channel.c:12" : "";
}

static int set_up(void **state)
{
	world = world_new();
	return 0;
}

static int tear_down(void **state)
{
	world_free(world);
	return 0;
}

/* ---- Values ------------------------------------------------------------ */

#define assert_value(expected, ...)                                                                \
	assert_value_columns(expected, 0, &(struct trace_value){__VA_ARGS__})

static void assert_value_columns(const char *expected, size_t most, const struct trace_value *value)
{
	struct text text = {0};

	text_add(&text, "v=");
	text_add_value(&text, NULL, value, most);
	assert_string_equal(text_string(&text) + 2, expected);
	assert_int_equal(text.length, strlen(text.data));
	text_done(&text);
}

static void assert_string_value(const char *expected, const char *bytes, size_t length)
{
	struct trace_value value = {
		.kind = CORO_VALUE_STRING, .length = length, .stored = (uint16_t)length};

	memcpy(value.bytes, bytes, length);
	assert_value_columns(expected, 0, &value);
}

static void numbers_read_as_in_python(void **state)
{
	static const struct {
		double value;
		const char *expected;
	} floats[] = {
		{0.0, "0.0"},
		{-0.0, "-0.0"},
		{1.0, "1.0"},
		{2.5, "2.5"},
		{-12.75, "-12.75"},
		{0.1, "0.1"},
		{1.0 / 3, "0.3333333333333333"},
		{100.0, "100.0"},
		{123456789.0, "123456789.0"},
		{1e15, "1000000000000000.0"},
		{1e16, "1e+16"},
		{9999999999999998.0, "9999999999999998.0"},
		{1.5e300, "1.5e+300"},
		{0.0001, "0.0001"},
		{0.00012, "0.00012"},
		{0.00001, "1e-05"},
		{1.25e-7, "1.25e-07"},
		{5e-324, "5e-324"},
		{1.7976931348623157e308, "1.7976931348623157e+308"},
		{0.1 + 0.2, "0.30000000000000004"},
	};

	for (unsigned i = 0; i < sizeof(floats) / sizeof(floats[0]); i++)
		assert_value(floats[i].expected, .kind = CORO_VALUE_FLOAT, .real = floats[i].value);
	assert_value("inf", .kind = CORO_VALUE_FLOAT, .real = INFINITY);
	assert_value("-inf", .kind = CORO_VALUE_FLOAT, .real = -INFINITY);
	assert_value("nan", .kind = CORO_VALUE_FLOAT, .real = NAN);
	assert_value("-9223372036854775808", .kind = CORO_VALUE_INT, .integer = INT64_MIN);
	assert_value("5", .kind = CORO_VALUE_INT, .integer = 5);
	assert_value("None", .kind = CORO_VALUE_NONE);
	assert_value("True", .kind = CORO_VALUE_BOOL, .integer = 1);
	assert_value("False", .kind = CORO_VALUE_BOOL);
	assert_value("", .kind = CORO_VALUE_ABSENT);
	assert_value("<unknown>", .kind = 99);
}

#define assert_repr(expected, bytes) assert_string_value(expected, bytes, sizeof(bytes) - 1)

static void strings_read_as_in_python(void **state)
{
	assert_repr("''", "");
	assert_repr("'text'", "text");
	assert_repr("\"it's\"", "it's");
	assert_repr("'say \"hi\"'", "say \"hi\"");
	assert_repr("'it\\'s \"so\"'", "it's \"so\"");
	assert_repr("'a\\nb\\tc\\rd\\\\e'", "a\nb\tc\rd\\e");
	assert_repr("'\\x00\\x1b[2J\\x7f'", "\0\x1b[2J\x7f");
	assert_repr("'caf\xc3\xa9 \xe2\x82\xac'", "caf\xc3\xa9 \xe2\x82\xac");
	assert_repr("'\\x9b\\xa0\\xad'", "\xc2\x9b\xc2\xa0\xc2\xad");
	assert_repr("'\\u202eabc'", "\xe2\x80\xae"
								"abc");
	assert_repr("'\\U000e0041'", "\xf3\xa0\x81\x81");
	/* Bad UTF-8: a lone byte, an overlong slash, a surrogate, a cut character. */
	assert_repr("'\\xff\\xc0\\xaf\\xed\\xa0\\x80\\xe2\\x82'", "\xff\xc0\xaf\xed\xa0\x80\xe2\x82");
}

static void bytes_read_as_in_python(void **state)
{
	struct trace_value value = {
		.kind = CORO_VALUE_BYTES, .length = 7, .stored = 7, .bytes = "a'\\\n\0\xff\""};

	assert_value_columns("b'a\\'\\\\\\n\\x00\\xff\"'", 0, &value);
	value.length = value.stored = 2;
	assert_value_columns("b\"a'\"", 0, &value);
	value.length = 900;
	assert_value_columns("b\"a'…\"", 0, &value);
}

static void what_was_cut_off_shows(void **state)
{
	struct trace_value value = {
		.kind = CORO_VALUE_STRING, .length = 500, .stored = 7, .bytes = "hello \xe2\x82"};

	/* The last character was cut in two by the event: not a bad byte. */
	value.stored = 8;
	assert_value_columns("'hello …'", 0, &value);
	value.stored = 6;
	assert_value_columns("'hello …'", 9, &value);
	assert_value_columns("'hello…", 7, &value);
	assert_value_columns("'…", 2, &value);
	assert_value_columns("…", 1, &value);
	value = (struct trace_value){.kind = CORO_VALUE_STRING,
								 .length = 9,
								 .stored = 9,
								 .bytes = "\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2"};
	assert_value_columns("'\xe6\xbc\xa2…", 5, &value);
	assert_value_columns("'\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2'", 8, &value);
	value = (struct trace_value){.kind = CORO_VALUE_INT, .integer = 1234567};
	assert_value_columns("1234567", 7, &value);
	assert_value_columns("1234…", 5, &value);
}

static void exceptions_pointers_and_objects_read_short(void **state)
{
	struct trace_value value = {
		.kind = CORO_VALUE_EXCEPTION, .type = 2, .length = 8, .stored = 8, .bytes = "bad port"};

	assert_value_columns("ValueError: bad port", 0, &value);
	value.length = 100;
	assert_value_columns("ValueError: bad port…", 0, &value);
	value.length = value.stored = 0;
	assert_value_columns("ValueError", 0, &value);
	value = (struct trace_value){
		.kind = CORO_VALUE_EXCEPTION, .type = 500, .length = 3, .stored = 3, .bytes = "a\x1b\n"};
	assert_value_columns("exception: a\\x1b\\x0a", 0, &value);

	assert_value("<jobs>", .kind = CORO_VALUE_POINTER, .type = 3, .pointer = 0x7fff12);
	assert_value("<pointer 0x0>", .kind = CORO_VALUE_POINTER);
	assert_value("<internal #4>", .kind = CORO_VALUE_OBJECT, .type = 1, .object = 4);
	assert_value("<future #4>", .kind = CORO_VALUE_OBJECT, .object_kind = CORO_OBJECT_FUTURE,
				 .object = 4);
	assert_value("<#4>", .kind = CORO_VALUE_OBJECT, .object = 4);
	assert_value("<evil\\x1b[2J\\x0a #4>", .kind = CORO_VALUE_OBJECT, .type = 6, .object = 4);
}

/* ---- Strings ----------------------------------------------------------- */

static void text_grows(void **state)
{
	struct text text = {0};

	assert_string_equal(text_string(&text), "");
	for (unsigned i = 0; i < 1000; i++)
		text_add(&text, "%u,", i % 10);
	assert_int_equal(text.length, 2000);
	assert_int_equal(strlen(text_string(&text)), 2000);
	text_clear(&text);
	assert_string_equal(text_string(&text), "");
	text_add(&text, "%s", "again");
	assert_string_equal(text_string(&text), "again");
	text_done(&text);
	assert_string_equal(text_string(&text), "");
}

static void nothing_that_drives_a_terminal_passes_the_filter(void **state)
{
	struct text text = {0};
	char all[256];

	for (unsigned i = 0; i < 256; i++)
		all[i] = (char)i;
	text_add_filtered(&text, all, sizeof(all));
	for (size_t i = 0; i < text.length; i++)
		assert_true(text.data[i] >= 0x20 && text.data[i] < 0x7f);
	assert_int_equal(text_columns(text.data, text.length), text.length);
	text_clear(&text);
	text_add_filtered(&text, "\xe2\x80\xae\xc2\x9b\xe2\x81\xa6ok\xc3\xa9", 12);
	assert_string_equal(text_string(&text), "\\xe2\\x80\\xae\\xc2\\x9b\\xe2\\x81\\xa6ok\xc3\xa9");
	text_done(&text);
}

static void assert_duration(const char *expected, int64_t ns)
{
	struct text text = {0};

	text_add_duration(&text, ns);
	assert_string_equal(text_string(&text), expected);
	text_done(&text);
}

static void durations_have_three_digits_and_a_unit(void **state)
{
	assert_duration("0 ns", 0);
	assert_duration("7 ns", 7);
	assert_duration("999 ns", 999);
	assert_duration("1 us", 1000);
	assert_duration("1.5 us", 1500);
	assert_duration("3.1 ms", 3100000);
	assert_duration("3.14 ms", 3141592);
	assert_duration("42.5 ms", 42500000);
	assert_duration("100 ms", 100000000);
	assert_duration("999 ms", 999400000);
	assert_duration("1 s", 999960000);
	assert_duration("1.25 s", 1250000000);
	assert_duration("10 s", 9999000000);
	assert_duration("3600 s", 3600000000000);
	assert_duration("-20 ms", -20000000);
	assert_duration("-9223372037 s", INT64_MIN);
}

/* ---- Objects and events ------------------------------------------------ */

static struct trace_event event; /* the last one told */

/* Tells the World of an event; the object is as the last call said. */
static void tell(unsigned kind, unsigned object_kind, uint64_t co, unsigned prev, unsigned next,
				 uint64_t peer)
{
	static uint32_t cseq;

	event.n++;
	event.kind = (uint8_t)kind;
	event.object_kind = (uint8_t)object_kind;
	event.co = co;
	event.prev = (uint8_t)prev;
	event.next = (uint8_t)next;
	event.peer = peer;
	event.cseq = ++cseq;
	event.bind.kind = (uint8_t)object_kind;
	event.bind.name = event.name;
	assert_int_equal(world_apply(world, &event), 0);
	event.bind = (struct coro_trace_bind){0};
	event.flags = 0;
	event.name = 0;
	event.value = (struct trace_value){0};
}

static void create(unsigned kind, uint64_t serial, uint32_t name, unsigned state)
{
	event.flags = CORO_SLOT_BIND;
	event.name = name;
	tell(CORO_EVENT_CREATE, kind, serial, CORO_STATE_NONE, state, 0);
}

static void new_future(uint64_t serial, unsigned reason, uint64_t about, int64_t number)
{
	event.flags = CORO_SLOT_BIND;
	event.bind.reason = (uint8_t)reason;
	event.value = (struct trace_value){.kind = CORO_VALUE_INT, .integer = number};
	tell(CORO_EVENT_FUTURE_NEW, CORO_OBJECT_FUTURE, serial, CORO_STATE_NONE, CORO_STATE_PENDING,
		 about);
}

static void assert_wait(const char *expected, uint64_t serial)
{
	struct text text = {0};

	text_add_wait(&text, NULL, world_find(world, serial));
	assert_string_equal(text_string(&text), expected);
	text_done(&text);
}

static void objects_are_called_by_name_and_serial(void **state)
{
	struct text text = {0};

	event = (struct trace_event){0};
	create(CORO_OBJECT_GENERATOR, 4, 1, CORO_STATE_CREATED);
	create(CORO_OBJECT_LOCK, 5, 0, CORO_STATE_UNLOCKED);
	create(CORO_OBJECT_QUEUE, 6, 6, CORO_STATE_OPEN);
	text_add_object(&text, NULL, 4);
	text_add(&text, ", ");
	text_add_object(&text, NULL, 5);
	text_add(&text, ", ");
	text_add_object(&text, NULL, 6);
	text_add(&text, ", ");
	text_add_object(&text, NULL, 77);
	text_add(&text, ", ");
	text_add_name(&text, NULL, world_find(world, 4));
	text_add(&text, ", ");
	text_add_name(&text, NULL, world_find(world, 5));
	assert_string_equal(text_string(&text),
						"internal #4, lock #5, evil\\x1b[2J\\x0a #6, #77, internal, lock");
	text_done(&text);
}

static void assert_near(const char *expected, uint64_t serial, uint64_t n)
{
	struct text text = {0};

	text_add_object_near(&text, NULL, serial, n);
	assert_string_equal(text_string(&text), expected);
	text_done(&text);
}

static void one_that_has_gone_is_called_as_the_trace_called_it(void **state)
{
	event = (struct trace_event){0};
	assert_near("future #40", 40, 1);
	assert_near("future #40", 40, 3);
	assert_near("worker #41", 41, 0);
	assert_near("A #43", 43, 3);
	assert_near("A #43", 43, 1);
	assert_near("#44", 44, 2);
	/* An event that has neither its name nor its kind tells nothing. */
	assert_near("#42", 42, 3);
	create(CORO_OBJECT_QUEUE, 40, 3, CORO_STATE_OPEN);
	assert_near("jobs #40", 40, 2);
}

/* Task 2 drives coroutine 1 and waits for `future`. */
static void let_task_wait(uint64_t future)
{
	if (!world_find(world, 2)) {
		create(CORO_OBJECT_COROUTINE, 1, 4, CORO_STATE_SUSPENDED);
		event.flags = CORO_SLOT_BIND;
		event.name = 4;
		tell(CORO_EVENT_SPAWN, CORO_OBJECT_TASK, 2, CORO_STATE_NONE, CORO_STATE_CREATED, 1);
	}
	tell(CORO_EVENT_STEP, CORO_OBJECT_TASK, 2, CORO_STATE_READY, CORO_STATE_RUNNING, 0);
	tell(CORO_EVENT_AWAIT, CORO_OBJECT_TASK, 2, CORO_STATE_RUNNING, CORO_STATE_SUSPENDED, future);
}

static void a_wait_says_what_for(void **state)
{
	event = (struct trace_event){0};
	create(CORO_OBJECT_QUEUE, 10, 3, CORO_STATE_OPEN);
	create(CORO_OBJECT_LOCK, 11, 5, CORO_STATE_LOCKED);
	create(CORO_OBJECT_DESCRIPTOR, 12, 0, CORO_STATE_OPEN);
	event.value = (struct trace_value){.kind = CORO_VALUE_INT, .integer = 9};
	tell(CORO_EVENT_IO_REGISTER, CORO_OBJECT_DESCRIPTOR, 12, CORO_STATE_OPEN, CORO_STATE_OPEN, 0);

	new_future(20, CORO_REASON_QUEUE_GET, 10, 0);
	let_task_wait(20);
	assert_wait("get jobs", 2);
	assert_wait("get jobs", 1);
	assert_wait("get jobs", 20);
	new_future(21, CORO_REASON_TIMER, 0, 100000000);
	let_task_wait(21);
	assert_wait("sleep 100 ms", 2);
	new_future(22, CORO_REASON_LOCK, 11, 0);
	let_task_wait(22);
	assert_wait("lock A", 2);
	new_future(23, CORO_REASON_READABLE, 12, 0);
	let_task_wait(23);
	assert_wait("readable fd 9", 2);
	new_future(24, CORO_REASON_WRITABLE, 0, 7);
	let_task_wait(24);
	assert_wait("writable fd 7", 2);
	new_future(25, CORO_REASON_NONE, 0, 0);
	let_task_wait(25);
	assert_wait("future #25", 2);
	new_future(26, CORO_REASON_QUEUE_JOIN, 99, 0);
	let_task_wait(26);
	assert_wait("join #99", 2);

	new_future(27, CORO_REASON_GATHER, 0, 0);
	for (uint64_t child = 20; child < 23; child++)
		tell(CORO_EVENT_AWAIT_CHILD, CORO_OBJECT_FUTURE, 27, CORO_STATE_PENDING, CORO_STATE_PENDING,
			 child);
	tell(CORO_EVENT_FUTURE_SET, CORO_OBJECT_FUTURE, 21, CORO_STATE_PENDING, CORO_STATE_DONE, 0);
	let_task_wait(27);
	assert_wait("gather 1/3", 2);

	create(CORO_OBJECT_CHANNEL, 13, 3, CORO_STATE_OPEN);
	new_future(28, CORO_REASON_CHANNEL_SEND, 13, 0);
	let_task_wait(28);
	assert_wait("send jobs", 2);
	new_future(29, CORO_REASON_SELECT, 13, 0);
	tell(CORO_EVENT_CHANNEL_WAIT, CORO_OBJECT_FUTURE, 29, CORO_STATE_PENDING, CORO_STATE_PENDING,
		 13);
	event.value = (struct trace_value){.kind = CORO_VALUE_INT, .integer = 9};
	tell(CORO_EVENT_CHANNEL_WAIT, CORO_OBJECT_FUTURE, 29, CORO_STATE_PENDING, CORO_STATE_PENDING,
		 14);
	let_task_wait(29);
	assert_wait("select receive jobs, send #14", 2);

	event.flags = CORO_SLOT_BIND;
	event.name = 4;
	tell(CORO_EVENT_SPAWN, CORO_OBJECT_TASK, 30, CORO_STATE_NONE, CORO_STATE_CREATED, 0);
	let_task_wait(30);
	assert_wait("worker #30", 2);
	let_task_wait(500);
	assert_wait("#500", 2);
	tell(CORO_EVENT_WAKE, CORO_OBJECT_TASK, 2, CORO_STATE_SUSPENDED, CORO_STATE_READY, 500);
	assert_wait("", 2);
	assert_wait("", 10);
}

static void assert_event(const char *expected, const struct trace_event *told)
{
	struct text text = {0};

	text_add_event(&text, NULL, told);
	assert_string_equal(text_string(&text), expected);
	text_done(&text);
}

static struct trace_event said(unsigned kind, unsigned object_kind, uint32_t name, uint64_t co)
{
	return (struct trace_event){
		.kind = (uint8_t)kind, .object_kind = (uint8_t)object_kind, .name = name, .co = co};
}

static struct trace_value integer(int64_t value)
{
	return (struct trace_value){.kind = CORO_VALUE_INT, .integer = value};
}

static void an_event_reads_as_one_line(void **state)
{
	struct trace_event told = said(CORO_EVENT_YIELD, CORO_OBJECT_GENERATOR, 1, 4);

	told.value = integer(1);
	told.site = 12;
	told.peer = 3;
	assert_event("internal #4  yield 1  channel.c:12", &told);
	told.kind = CORO_EVENT_SEND;
	assert_event("internal #4  send 1 by #3  channel.c:12", &told);
	told = said(CORO_EVENT_QUEUE_PUT, CORO_OBJECT_QUEUE, 3, 3);
	told.value = integer(5);
	told.peer = 6;
	told.peer_name = 4;
	told.site = 8;
	told.flags = CORO_SLOT_FILELINE;
	assert_event("jobs #3  queue_put 5 by worker #6  notes.py:3", &told);
	told = said(CORO_EVENT_AWAIT, CORO_OBJECT_TASK, 4, 6);
	told.peer = 9;
	told.peer_kind = CORO_OBJECT_FUTURE;
	assert_event("worker #6  await future #9", &told);
	told = said(CORO_EVENT_DELEGATE, CORO_OBJECT_GENERATOR, 1, 4);
	told.peer = 5;
	told.peer_name = 1;
	assert_event("internal #4  delegate to internal #5", &told);
	told = said(CORO_EVENT_SELECT, CORO_OBJECT_LOOP, 0, 1);
	told.value = integer(1500000);
	assert_event("loop #1  select 1.5 ms", &told);
	told.value = (struct trace_value){.kind = CORO_VALUE_NONE};
	assert_event("loop #1  select for ever", &told);
	told = said(CORO_EVENT_TURN_END, CORO_OBJECT_LOOP, 0, 1);
	told.value = integer(3);
	assert_event("loop #1  turn_end ran 3", &told);
	told = said(CORO_EVENT_TIMER_SET, CORO_OBJECT_TIMER, 0, 8);
	told.value = integer(250000000);
	told.peer = 9;
	told.peer_kind = CORO_OBJECT_FUTURE;
	assert_event("timer #8  timer_set due 250 ms for future #9", &told);
	told = said(CORO_EVENT_FUTURE_NEW, CORO_OBJECT_FUTURE, 0, 9);
	told.flags = CORO_SLOT_BIND;
	told.bind.reason = CORO_REASON_QUEUE_GET;
	told.peer = 3;
	told.peer_name = 3;
	assert_event("future #9  future_new get for jobs #3", &told);
	told.bind.reason = CORO_REASON_TIMER;
	told.value = integer(100000000);
	told.peer = 0;
	assert_event("future #9  future_new sleep 100 ms", &told);
	told.bind.reason = CORO_REASON_READABLE;
	told.value = integer(6);
	assert_event("future #9  future_new readable fd 6", &told);
	told.peer = 7;
	told.peer_kind = CORO_OBJECT_DESCRIPTOR;
	told.peer_name = 0;
	assert_event("future #9  future_new readable for descriptor #7", &told);
	told = said(CORO_EVENT_CHANNEL_WAIT, CORO_OBJECT_FUTURE, 0, 9);
	told.value = integer(6);
	told.peer = 3;
	told.peer_name = 3;
	assert_event("future #9  channel_wait 6 at jobs #3", &told);
	told = said(CORO_EVENT_CHANNEL_CLOSE, CORO_OBJECT_CHANNEL, 3, 3);
	told.peer = 4;
	told.peer_name = 1;
	assert_event("jobs #3  channel_close by internal #4", &told);
	told = said(CORO_EVENT_IO_READY, CORO_OBJECT_DESCRIPTOR, 0, 7);
	told.value = integer(3);
	assert_event("descriptor #7  io_ready readable, writable", &told);
	told.value = integer(-1);
	told.kind = 60;
	assert_event("descriptor #7  kind 60 -1", &told);
	told = said(CORO_EVENT_NOTE, 0, 0, 0);
	assert_event("#0  note", &told);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(numbers_read_as_in_python, set_up, tear_down),
		cmocka_unit_test_setup_teardown(strings_read_as_in_python, set_up, tear_down),
		cmocka_unit_test_setup_teardown(bytes_read_as_in_python, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_was_cut_off_shows, set_up, tear_down),
		cmocka_unit_test_setup_teardown(exceptions_pointers_and_objects_read_short, set_up,
										tear_down),
		cmocka_unit_test_setup_teardown(text_grows, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nothing_that_drives_a_terminal_passes_the_filter, set_up,
										tear_down),
		cmocka_unit_test_setup_teardown(durations_have_three_digits_and_a_unit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(objects_are_called_by_name_and_serial, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_that_has_gone_is_called_as_the_trace_called_it, set_up,
										tear_down),
		cmocka_unit_test_setup_teardown(a_wait_says_what_for, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_event_reads_as_one_line, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
