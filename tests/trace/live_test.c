/*
 * live_test.c - a session on a live program, which is a story that is held back: its gate lets
 * exactly as many events pass as it is told to, so that any overshoot shows.
 *
 * This file is the target: its functions stand in for those of target.c.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <tracer/session.h>
#include "story.h"

/* ---- The target -------------------------------------------------------- */

struct target {
	struct story story;
	uint64_t budget; /* events that may still pass */
	uint64_t kinds;  /* running: stops after one of these */
	bool running;    /* all may pass, up to such a kind */
	bool exited;
	unsigned slowness; /* how often a wait finds nothing before the next event comes */
	unsigned waited;
	bool paused_by_us, killed;
	int error; /* of the trace, from now on */
};

enum target_state target_state(struct target *target)
{
	if (target->exited)
		return TARGET_EXITED;
	return target->running || target->budget ? TARGET_RUNNING : TARGET_PAUSED;
}

int target_settle(struct target *target, int timeout_ms)
{
	while (target_state(target) == TARGET_RUNNING) {
		unsigned kind;

		if (target->waited++ < target->slowness)
			return -ETIMEDOUT;
		target->waited = 0;
		kind = story_tell(&target->story);
		if (!kind)
			target->exited = true;
		else if (target->budget)
			target->budget--;
		else if (target->kinds & UINT64_C(1) << kind)
			target->running = false;
	}
	return 0;
}

void target_step(struct target *target, uint64_t count)
{
	target->budget += count;
	/* The end of the program lets nobody wait. */
	if (target->story.told == target->story.count)
		target->exited = true;
}

void target_continue(struct target *target, uint64_t break_kinds)
{
	target->running = true;
	target->kinds = break_kinds;
}

void target_pause(struct target *target)
{
	target->running = false;
	target->budget = 0;
	target->paused_by_us = true;
}

void target_kill(struct target *target)
{
	target->killed = true;
}

void target_free(struct target *target)
{
}

int target_fd(struct target *target)
{
	return -1;
}

void target_attend(struct target *target)
{
}

int target_status(struct target *target)
{
	return 7 << 8;
}

int target_error(struct target *target)
{
	return target->error;
}

uint32_t target_pid(struct target *target)
{
	return 0;
}

/* ---- Sessions ---------------------------------------------------------- */

static struct session *begin(struct target *target, bool tasks, int patience_ms)
{
	struct session_options options = {.patience_ms = patience_ms};
	struct session *session;

	memset(target, 0, sizeof(*target));
	story_begin(&target->story, true);
	if (tasks)
		story_of_tasks(&target->story);
	else
		story_of_general(&target->story);
	assert_int_equal(session_live(target, target->story.trace, &options, &session), 0);
	return session;
}

static struct session *begin_replay(bool tasks)
{
	struct story story;
	struct session *session;

	story_begin(&story, false);
	if (tasks)
		story_of_tasks(&story);
	else
		story_of_general(&story);
	assert_int_equal(session_replay(story_end(&story), NULL, &session), 0);
	return session;
}

static void events_pass_one_by_one(void **state)
{
	struct target target;
	struct session *session = begin(&target, false, 0);

	for (uint64_t n = 1; n <= target.story.count; n++) {
		assert_int_equal(session_event(session, 1), 0);
		assert_int_equal(session_playhead(session), n);
		assert_int_equal(target.story.told, n);
	}
	assert_true(session_is_live(session));
	assert_int_equal(session_event(session, 1), -ENOENT);
	assert_string_equal(session_why(session), "the program has ended with exit status 7");
	assert_false(session_is_live(session));
	assert_null(session_target(session));
	session_free(session, false);
}

static int turn(struct session *session, enum session_direction direction)
{
	return session_turn(session, direction == SESSION_FORWARD ? 1 : -1);
}

/* From every event, every step, of every object: a live program stops at the event at which
 * a recording of it does, and not one event later. */
static void a_live_program_stops_where_its_recording_does(void **state)
{
	static int (*const steps[])(struct session *, enum session_direction) = {
		session_into, session_over, session_out, session_done, turn};
	unsigned checked = 0;

	for (unsigned tasks = 0; tasks < 2; tasks++) {
		struct session *replay = begin_replay(tasks);
		uint64_t count = session_head(replay);

		for (uint64_t from = 0; from < count; from++) {
			for (unsigned step = 0; step < 5; step++) {
				for (uint64_t subject = 0; subject <= 6; subject++) {
					struct target target;
					struct session *live;
					int r;

					assert_int_equal(session_select(replay, 0), 0);
					assert_int_equal(session_goto(replay, from), 0);
					if (session_select(replay, subject) < 0)
						continue;
					r = steps[step](replay, SESSION_FORWARD);
					live = begin(&target, tasks, 0);
					if (from)
						assert_int_equal(session_event(live, (int64_t)from), 0);
					assert_int_equal(session_select(live, subject), 0);
					if (r == 0) {
						assert_int_equal(steps[step](live, SESSION_FORWARD), 0);
						assert_int_equal(session_playhead(live), session_playhead(replay));
						assert_int_equal(target.story.told, session_playhead(replay));
						checked++;
					}
					session_free(live, false);
				}
			}
		}
		session_free(replay, false);
	}
	assert_true(checked > 200);
}

static void stepping_back_does_not_ask_the_program(void **state)
{
	struct target target;
	struct session *session = begin(&target, false, 0);

	assert_int_equal(session_event(session, 6), 0);
	assert_int_equal(session_event(session, -4), 0);
	assert_int_equal(session_playhead(session), 2);
	assert_int_equal(session_event(session, 3), 0);
	assert_int_equal(session_playhead(session), 5);
	assert_int_equal(target.story.told, 6);
	session_free(session, false);
}

static void a_slow_program_is_waited_for_in_the_background(void **state)
{
	struct target target;
	struct session *session = begin(&target, false, 1);
	unsigned polls = 0;

	assert_int_equal(session_event(session, 2), 0);
	target.slowness = 5;
	assert_int_equal(session_over(session, SESSION_FORWARD), -EINPROGRESS);
	assert_true(session_is_moving(session));
	while (session_playhead(session) < 4 && polls++ < 1000) {
		target_settle(&target, 0);
		session_poll(session);
	}
	assert_int_equal(session_playhead(session), 4);
	assert_int_equal(target.story.told, 4);
	session_free(session, false);
}

static void a_move_that_is_under_way_can_be_ended(void **state)
{
	struct target target;
	struct session *session = begin(&target, false, 1);

	target.slowness = 1000000;
	assert_int_equal(session_done(session, SESSION_FORWARD), -EINVAL);
	assert_int_equal(session_event(session, 1), -EINPROGRESS);
	session_pause(session);
	assert_true(target.paused_by_us);
	assert_false(session_is_moving(session));
	target.slowness = 0;
	assert_int_equal(session_event(session, 1), 0);
	assert_int_equal(session_playhead(session), 1);
	session_free(session, false);
}

static void playing_follows_the_program_to_its_end(void **state)
{
	struct target target;
	struct session *session = begin(&target, true, 1);
	unsigned polls = 0;

	assert_int_equal(session_play(session), 0);
	while (session_is_live(session) && polls++ < 1000) {
		target_settle(&target, 0);
		session_poll(session);
	}
	assert_int_equal(session_playhead(session), target.story.count);
	assert_non_null(strstr(session_why(session), "exit status 7"));
	session_free(session, false);
}

static void a_breakpoint_stops_a_running_program(void **state)
{
	struct target target;
	struct session *session = begin(&target, true, 0);

	assert_true(session_break(session, CORO_EVENT_NEXT, "work", false) > 0);
	assert_int_equal(session_continue(session, SESSION_FORWARD), 0);
	assert_int_equal(target.story.told, session_playhead(session));
	assert_int_equal(session_next_break(session, 0)->hits, 1);
	assert_int_equal(session_continue(session, SESSION_FORWARD), 0);
	assert_int_equal(target.story.told, session_playhead(session));
	assert_int_equal(session_next_break(session, 0)->hits, 2);
	session_free(session, false);
}

static void a_trace_that_cannot_be_written_ends_a_move_and_says_so(void **state)
{
	struct target target;
	struct session *session = begin(&target, false, 0);

	assert_int_equal(session_event(session, 3), 0);
	target.error = -ENOSPC;
	assert_int_equal(session_event(session, 1), -ENOSPC);
	assert_non_null(strstr(session_why(session), "No space left"));
	assert_int_equal(session_event(session, -2), 0);
	assert_int_equal(session_playhead(session), 1);
	session_free(session, false);
}

static void leaving_kills_only_when_asked(void **state)
{
	struct target target;

	session_free(begin(&target, false, 0), false);
	assert_false(target.killed);
	session_free(begin(&target, false, 0), true);
	assert_true(target.killed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_pass_one_by_one),
		cmocka_unit_test(a_live_program_stops_where_its_recording_does),
		cmocka_unit_test(stepping_back_does_not_ask_the_program),
		cmocka_unit_test(a_slow_program_is_waited_for_in_the_background),
		cmocka_unit_test(a_move_that_is_under_way_can_be_ended),
		cmocka_unit_test(playing_follows_the_program_to_its_end),
		cmocka_unit_test(a_breakpoint_stops_a_running_program),
		cmocka_unit_test(a_trace_that_cannot_be_written_ends_a_move_and_says_so),
		cmocka_unit_test(leaving_kills_only_when_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
