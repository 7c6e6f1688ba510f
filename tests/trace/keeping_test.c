/*
 * keeping_test.c - the end of a recording: a long one gets checkpoints, and they are used.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <tracer/session.h>

#define ROUNDS 100000 /* of next and yield */

static uint32_t cseq;
static uint64_t index_of_next;

static void tell(struct trace *trace, unsigned kind, uint32_t row, unsigned prev, unsigned next,
				 const struct coro_trace_bind *bind)
{
	struct coro_trace_slot slot[2] = {{0}};

	slot[0].word = CORO_SLOT_WORD(kind, bind ? CORO_SLOT_BIND : 0, prev, next, bind ? 1 : 0, 0,
								  bind ? 1 : ++cseq);
	slot[0].clock = 1000 + 10 * index_of_next;
	slot[0].row = row;
	if (bind) {
		slot[1].word = CORO_EVENT_EXT;
		memcpy(&slot[1].clock, bind, sizeof(*bind));
	}
	assert_true(trace_append(trace, 0, index_of_next, slot, bind ? 2 : 1) > 0);
	index_of_next += bind ? 2 : 1;
}

static uint64_t event_bytes; /* of the last recording, in its file, before anything was added */

/* `crowd` generators that only stand there, and one that runs and yields. */
static void record(const char *path, unsigned crowd)
{
	struct trace_meta meta = {.program = "long", .arguments = "", .pid = 1, .clock_hz = 1000000000};
	struct symbols *symbols;
	struct trace *trace;

	cseq = 1;
	index_of_next = 0;
	assert_int_equal(trace_create(path, &meta, &trace), 0);
	for (unsigned i = 1; i <= crowd + 1; i++) {
		/* No two are alike, so that a World of them cannot be made small. */
		uint32_t noise = i * 2654435761u;
		struct coro_trace_bind bind = {
			.serial = (uint64_t)i << 6 | noise >> 26,
			.kind = CORO_OBJECT_GENERATOR,
			.gen = noise,
			.site = noise >> 8,
			.stack_kib = (uint16_t)(noise >> 4),
		};

		tell(trace, CORO_EVENT_CREATE, i, CORO_STATE_NONE, CORO_STATE_CREATED, &bind);
	}
	for (unsigned i = 0; i < ROUNDS; i++) {
		tell(trace, CORO_EVENT_NEXT, crowd + 1, i ? CORO_STATE_SUSPENDED : CORO_STATE_CREATED,
			 CORO_STATE_RUNNING, NULL);
		tell(trace, CORO_EVENT_YIELD, crowd + 1, CORO_STATE_RUNNING, CORO_STATE_SUSPENDED, NULL);
	}
	assert_int_equal(trace_flush(trace), 0);
	event_bytes = trace_bytes(trace);
	assert_int_equal(symbols_new(trace, false, &symbols), 0);
	assert_int_equal(session_complete_trace(trace, symbols, 0), 0);
	symbols_free(symbols);
	trace_free(trace);
}

static unsigned count_checkpoints(struct trace *trace)
{
	uint64_t n = trace_count(trace);
	unsigned count = 0;
	size_t length;
	uint8_t *bytes;

	while ((n = trace_checkpoint(trace, n, &bytes, &length)) > 0) {
		free(bytes);
		count++;
		n--;
	}
	return count;
}

static void a_long_recording_has_checkpoints_and_seeks_through_them(void **state)
{
	char path[] = "/tmp/keeping_XXXXXX", *why;
	struct session *session;
	struct trace_event event;
	struct trace *trace;
	struct world *world = world_new();

	close(mkstemp(path));
	record(path, 0);
	assert_int_equal(trace_open(path, &trace, &why), 0);
	unlink(path);
	assert_int_equal(count_checkpoints(trace), trace_count(trace) / 65536);
	assert_true(trace_ended(trace, NULL));
	for (uint64_t n = 1; n <= 150000; n++) {
		assert_int_equal(trace_event(trace, n, &event), 0);
		assert_int_equal(world_apply(world, &event), 0);
	}
	assert_int_equal(session_replay(trace, NULL, &session), 0);
	assert_int_equal(session_goto(session, 150000), 0);
	assert_int_equal(world_hash(session_world(session)), world_hash(world));
	world_free(world);
	session_free(session, false);
}

static void checkpoints_of_a_crowded_world_stay_within_their_budget(void **state)
{
	char path[] = "/tmp/keeping_XXXXXX", *why;
	struct trace *trace;
	unsigned checkpoints;

	close(mkstemp(path));
	record(path, 30000);
	assert_int_equal(trace_open(path, &trace, &why), 0);
	unlink(path);
	checkpoints = count_checkpoints(trace);
	assert_true(checkpoints < trace_count(trace) / 65536);
	/* 4096: the index and the end. */
	assert_true(trace_bytes(trace) - event_bytes <= event_bytes / 100 * 15 + 4096);
	trace_free(trace);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_long_recording_has_checkpoints_and_seeks_through_them),
		cmocka_unit_test(checkpoints_of_a_crowded_world_stay_within_their_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
