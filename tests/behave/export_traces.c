/*
 * export_traces.c - writes traces to be exported: what other tools must be told rightly.
 *
 *     export_traces CASE FILE [SEED EVENTS]
 *
 *     empty     a program that ended without an event
 *     threads   two loops on two threads; tasks of one are woken by the other
 *     lossy     losses before, in and behind slices of two threads, and of one that has no event
 *     unknown   a loss, and a future of which nothing else is known
 *     hostile   names with everything in them, times that go back, states and threads that cannot
 * be, slices without a begin, twice begun, 600 deep, or of one task on two threads output    a
 * terminal's output, with a character cut in two pipe      a pipe's, of two descriptors random
 * EVENTS events that fit nothing
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tracer/trace.h>

enum { SITE = 1, NAMES = 10, ROWS = 1000 };

static struct trace *trace;
static uint64_t now = 1000, next_index[16];
static uint32_t next_cseq[ROWS];

static void string(uint32_t id, const char *text)
{
	trace_append_string(trace, id, text, strlen(text));
}

static void append(uint32_t ring, struct coro_trace_slot *slots, unsigned count)
{
	slots[0].clock = now;
	slots[0].site = SITE;
	trace_append(trace, ring, next_index[ring % 16], slots, count);
	next_index[ring % 16] += count;
	now += 1000;
}

static void emit(uint32_t ring, unsigned kind, uint32_t row, uint32_t peer, unsigned prev,
				 unsigned next)
{
	struct coro_trace_slot slot = {.row = row, .peer = peer, .value = CORO_VALUE_ABSENT};

	slot.word = CORO_SLOT_WORD(kind, CORO_SLOT_FILELINE, prev, next, 0, 0, ++next_cseq[row % ROWS]);
	append(ring, &slot, 1);
}

/* An object comes into being; its serial is 100 more than its row. */
static void make(uint32_t ring, unsigned kind, uint32_t row, uint8_t object, uint32_t name,
				 unsigned state)
{
	const struct coro_trace_bind bind = {.serial = row + 100u, .name = name, .kind = object};
	struct coro_trace_slot slots[2] = {0};

	slots[0].word = CORO_SLOT_WORD(kind, CORO_SLOT_FILELINE | CORO_SLOT_BIND, 0, state, 1, 0,
								   ++next_cseq[row % ROWS]);
	slots[0].row = row;
	slots[1].word = CORO_SLOT_WORD(CORO_EVENT_EXT, 0, 0, 0, 0, 0, 0);
	memcpy((uint8_t *)&slots[1] + 8, &bind, sizeof(bind));
	append(ring, slots, 2);
}

static void output(int fd, const char *text)
{
	trace_append_output(trace, fd, (int64_t)now, text, strlen(text));
}

/* ---- Well-behaved things ----------------------------------------------- */

enum { CREATED = CORO_STATE_CREATED, RUNNING = CORO_STATE_RUNNING, READY = CORO_STATE_READY };
enum { SUSPENDED = CORO_STATE_SUSPENDED, DONE = CORO_STATE_DONE };

static void make_loop(uint32_t ring, uint32_t row)
{
	make(ring, CORO_EVENT_CREATE, row, CORO_OBJECT_LOOP, 0, CREATED);
}

/* A task of row `row`, and its coroutine of row `row` + 1. */
static void make_task(uint32_t ring, uint32_t row, uint32_t name)
{
	make(ring, CORO_EVENT_CREATE, row + 1, CORO_OBJECT_COROUTINE, name + 1, CREATED);
	make(ring, CORO_EVENT_SPAWN, row, CORO_OBJECT_TASK, name, CREATED);
	emit(ring, CORO_EVENT_READY, row, 0, CREATED, READY);
}

static void begin_step(uint32_t ring, uint32_t loop, uint32_t task, bool first)
{
	emit(ring, CORO_EVENT_STEP, task, loop, READY, RUNNING);
	emit(ring, CORO_EVENT_NEXT, task + 1, task, first ? CREATED : SUSPENDED, RUNNING);
}

static void end_step(uint32_t ring, uint32_t task, bool last)
{
	emit(ring, last ? CORO_EVENT_RETURN : CORO_EVENT_YIELD, task + 1, 0, RUNNING,
		 last ? DONE : SUSPENDED);
	emit(ring, last ? CORO_EVENT_DONE : CORO_EVENT_AWAIT, task, 0, RUNNING,
		 last ? DONE : SUSPENDED);
}

static void turn(uint32_t ring, uint32_t loop, bool begins)
{
	emit(ring, begins ? CORO_EVENT_TURN_BEGIN : CORO_EVENT_TURN_END, loop, 0,
		 begins ? SUSPENDED : RUNNING, begins ? RUNNING : SUSPENDED);
}

static void make_threads(void)
{
	string(NAMES, "server");
	string(NAMES + 1, "serve");
	string(NAMES + 2, "client");
	string(NAMES + 3, "ask");
	for (uint32_t ring = 0; ring < 2; ring++) {
		make_loop(ring, 1 + ring);
		make_task(ring, 10 + 10 * ring, NAMES + 2 * ring);
	}
	for (int i = 0; i < 5; i++) {
		for (uint32_t ring = 0; ring < 2; ring++) {
			turn(ring, 1 + ring, true);
			begin_step(ring, 1 + ring, 10 + 10 * ring, i == 0);
		}
		/* Both run: each wakes the other, who sleeps again before. */
		end_step(1, 20, i == 4);
		if (i < 4)
			emit(0, CORO_EVENT_WAKE, 20, 10, SUSPENDED, READY);
		end_step(0, 10, i == 4);
		if (i < 4)
			emit(1, CORO_EVENT_WAKE, 10, 20, SUSPENDED, READY);
		turn(0, 1, false);
		turn(1, 2, false);
	}
	output(1, "done\n");
}

/* ---- Losses ------------------------------------------------------------ */

static void make_lossy(void)
{
	string(NAMES, "worker");
	string(NAMES + 1, "work");
	trace_append_lost(trace, 0, 7); /* before the first event */
	make_loop(0, 1);
	make_loop(1, 2);
	make_task(0, 10, NAMES);
	make_task(1, 20, NAMES);
	turn(0, 1, true);
	begin_step(0, 1, 10, true);
	turn(1, 2, true);
	begin_step(1, 2, 20, true);
	trace_append_lost(trace, 0, 30); /* in a slice: three are cut */
	end_step(0, 10, false);          /* and their ends are instants */
	turn(0, 1, false);
	end_step(1, 20, false);
	turn(1, 2, false);
	emit(0, CORO_EVENT_WAKE, 10, 0, SUSPENDED, READY);
	trace_append_lost(trace, 0, 1); /* between slices */
	trace_append_lost(trace, 1, 2);
	trace_append_lost(trace, 3, 11); /* of a thread without events */
	turn(0, 1, true);
	begin_step(0, 1, 10, false);
	trace_append_lost(trace, 0, 5); /* behind the last one */
}

/* Nobody is known to live, but not because nobody does. */
static void make_unknown(void)
{
	trace_append_lost(trace, 0, 7);
	make(0, CORO_EVENT_FUTURE_NEW, 30, CORO_OBJECT_FUTURE, 0, CORO_STATE_PENDING);
}

/* ---- Lies -------------------------------------------------------------- */

static void make_hostile(void)
{
	static char long_name[3000];

	memset(long_name, 'n', sizeof(long_name) - 1);
	string(NAMES, "\"quoted\" \\back\\slash 'x' </script> %s %n ${HOME} `id`");
	string(NAMES + 1, "\033]0;title\a\033[2J\r\n\t\b\177");
	string(NAMES + 2, "bad \xff\xfe \xc3 \xed\xa0\x80 \xf4\x90\x80\x80 end");
	string(NAMES + 3, "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \xe2\x80\xae\xe2\x80\xa8\xc2\x85");
	string(NAMES + 4, long_name);
	string(NAMES + 5, "");
	for (uint32_t i = 0; i < 6; i++)
		make(0, CORO_EVENT_CREATE, 100 + i, CORO_OBJECT_GENERATOR, NAMES + i, CREATED);
	make(0, CORO_EVENT_SPAWN, 110, CORO_OBJECT_TASK, NAMES, CREATED);
	make(0, CORO_EVENT_SPAWN, 111, CORO_OBJECT_TASK, NAMES + 1, CREATED);
	make(0, CORO_EVENT_CREATE, 112, 200, 99, CREATED); /* a kind and a name that are not there */
	for (uint32_t i = 0; i < 6; i++) {
		emit(0, CORO_EVENT_NEXT, 100 + i, 0, CREATED, RUNNING);
		emit(0, CORO_EVENT_YIELD, 100 + i, 0, RUNNING, SUSPENDED);
	}
	/* One task on two threads; begun twice; ended twice; a row that nobody bound. */
	emit(0, CORO_EVENT_STEP, 110, 0, READY, RUNNING);
	emit(0, CORO_EVENT_NEXT, 100, 0, SUSPENDED, RUNNING);
	emit(1, CORO_EVENT_STEP, 110, 0, READY, RUNNING);
	emit(1, CORO_EVENT_NEXT, 100, 0, SUSPENDED, RUNNING);
	emit(0, CORO_EVENT_YIELD, 100, 0, RUNNING, SUSPENDED);
	emit(1, CORO_EVENT_STEP, 110, 0, READY, RUNNING);
	emit(1, CORO_EVENT_AWAIT, 110, 0, RUNNING, SUSPENDED);
	emit(1, CORO_EVENT_AWAIT, 110, 0, RUNNING, SUSPENDED);
	emit(1, CORO_EVENT_STEP, 999, 0, READY, RUNNING);
	emit(1, CORO_EVENT_NEXT, 0, 0, SUSPENDED, RUNNING);
	emit(1, CORO_EVENT_NEXT, 112, 998, SUSPENDED, RUNNING);
	/* The outer one ends first. */
	emit(0, CORO_EVENT_STEP, 111, 0, READY, RUNNING);
	emit(0, CORO_EVENT_NEXT, 101, 0, SUSPENDED, RUNNING);
	emit(0, CORO_EVENT_NEXT, 102, 0, SUSPENDED, RUNNING);
	emit(0, CORO_EVENT_AWAIT, 111, 0, RUNNING, SUSPENDED);
	emit(0, CORO_EVENT_YIELD, 102, 0, RUNNING, SUSPENDED);
	emit(0, CORO_EVENT_YIELD, 101, 0, RUNNING, SUSPENDED);
	/* Kinds and states of a later version. */
	for (unsigned kind = 55; kind < 256; kind += 10)
		emit(0, kind == 127 ? 128 : kind, 103, 110, 14, 15);
	/* Times before the start, back, and far ahead. */
	now = 1;
	emit(0, CORO_EVENT_NEXT, 103, 0, SUSPENDED, RUNNING);
	now = 0;
	emit(0, CORO_EVENT_YIELD, 103, 0, RUNNING, SUSPENDED);
	now = UINT64_C(1) << 50;
	emit(2, CORO_EVENT_NEXT, 104, 0, SUSPENDED, RUNNING);
	now = 5000000;
	emit(2, CORO_EVENT_YIELD, 104, 0, RUNNING, SUSPENDED);
	/* Wakes of who never runs, and destroyed twice. */
	emit(0, CORO_EVENT_WAKE, 111, 0, SUSPENDED, READY);
	emit(0, CORO_EVENT_WAKE, 111, 0, SUSPENDED, READY);
	emit(0, CORO_EVENT_DESTROY, 111, 0, READY, 0);
	emit(0, CORO_EVENT_DESTROY, 111, 0, 0, 0);
	/* Threads that cannot be. */
	emit(CORO_RINGS - 1, CORO_EVENT_NEXT, 105, 0, SUSPENDED, RUNNING);
	emit(CORO_RINGS, CORO_EVENT_YIELD, 105, 0, RUNNING, SUSPENDED);
	emit(UINT32_MAX, CORO_EVENT_YIELD, 105, 0, RUNNING, SUSPENDED);
	trace_append_lost(trace, CORO_RINGS + 5, 3);
	trace_flush(trace);
	/* 600 generators in each other. */
	for (uint32_t i = 0; i < 600; i++) {
		make(2, CORO_EVENT_CREATE, 200 + i, CORO_OBJECT_GENERATOR, NAMES + 3, CREATED);
		emit(2, CORO_EVENT_NEXT, 200 + i, 199 + i, CREATED, RUNNING);
	}
	for (uint32_t i = 600; i-- > 0;)
		emit(2, CORO_EVENT_RETURN, 200 + i, 0, RUNNING, DONE);
	output(1, "\033[2J\"quoted\" \xff\n");
	output(2, "half a line");
}

/* ---- Output ------------------------------------------------------------ */

static void make_output(void)
{
	make_loop(0, 1);
	output(1, "caf\xc3");
	output(1, "\xa9 \033[1mbold\033[0m\r\n");
	now += 1500000000;
	output(1, "up\nraw \xf0\x9f\x98");
	turn(0, 1, true);
	output(1, "\x80 \xe2\x82");
	output(1, "x\r\n\xe2");
}

static void make_pipe(void)
{
	make_loop(0, 1);
	output(1, "one\ntwo\r\nthr");
	output(2, "error\n");
	output(1, "ee\n\xe2\x82");
	output(2, "\xac\n");
}

/* ---- Anything ---------------------------------------------------------- */

static uint64_t random_state;

static uint64_t draw(uint64_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % limit;
}

static void make_random(uint64_t seed, uint64_t events)
{
	static const uint8_t kinds[] = {CORO_OBJECT_LOOP, CORO_OBJECT_TASK, CORO_OBJECT_GENERATOR,
									CORO_OBJECT_COROUTINE, CORO_OBJECT_TASKLET};
	uint64_t rows = 60;

	random_state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	for (uint32_t i = 0; i < 8; i++)
		string(NAMES + i, (const char *[]){"a", "b", "\"", "\\", "\n", "\xff", "\033", "h"}[i]);
	for (uint32_t row = 1; row < rows; row++)
		make((uint32_t)draw(4), CORO_EVENT_CREATE, row, kinds[draw(5)], NAMES + (uint32_t)draw(8),
			 CREATED);
	while (trace_count(trace) < events) {
		uint64_t what = draw(400);

		if (what == 0)
			trace_append_lost(trace, (uint32_t)draw(5), draw(100) + 1);
		else if (what == 1)
			output(1 + (int)draw(2), (const char *[]){"x", "y\n", "\xc3", "\033"}[draw(4)]);
		else if (what == 2)
			now -= draw(now < 10000 ? now : 10000);
		else if (what == 3)
			trace_flush(trace);
		else
			emit((uint32_t)draw(4), 1 + (unsigned)draw(CORO_EVENT_LIMIT), (uint32_t)draw(rows),
				 (uint32_t)draw(rows), (unsigned)draw(4), (unsigned)draw(4));
	}
}

int main(int argc, char **argv)
{
	const struct trace_meta meta = {.program = "a \"program\"\033[2J\\",
									.arguments = "with 'arguments' \xff",
									.pid = 4000000000u,
									.arch = CORO_ARCH_X86_64,
									.clock_hz = 1000000000,
									.clock0 = 500,
									.real0 = UINT64_C(1700000000123456789)};
	const char *name = argc > 2 ? argv[1] : "";

	if (argc < 3 || trace_create(argv[2], &meta, &trace) < 0)
		return 1;
	string(SITE, "made.c:7 \"work\"");
	if (strcmp(name, "threads") == 0)
		make_threads();
	else if (strcmp(name, "lossy") == 0)
		make_lossy();
	else if (strcmp(name, "unknown") == 0)
		make_unknown();
	else if (strcmp(name, "hostile") == 0)
		make_hostile();
	else if (strcmp(name, "output") == 0)
		make_output();
	else if (strcmp(name, "pipe") == 0)
		make_pipe();
	else if (strcmp(name, "random") == 0 && argc == 5)
		make_random(strtoull(argv[3], NULL, 10), strtoull(argv[4], NULL, 10));
	else if (strcmp(name, "empty") != 0)
		return 1;
	trace_finish(trace, 0);
	trace_free(trace);
	return 0;
}
