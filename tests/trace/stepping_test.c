/*
 * stepping_test.c - each logical step on told traces: it stops at the event that its definition
 * names, and at no other, forward and backward.
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

#define F SESSION_FORWARD
#define B SESSION_BACKWARD

static struct session *open_general(void)
{
	struct story story;
	struct session *session;

	story_begin(&story, false);
	story_of_general(&story);
	assert_int_equal(session_replay(story_end(&story), NULL, &session), 0);
	return session;
}

static struct session *open_tasks(struct tasks *ret)
{
	struct story story;
	struct session *session;

	story_begin(&story, false);
	*ret = story_of_tasks(&story);
	assert_int_equal(session_replay(story_end(&story), NULL, &session), 0);
	return session;
}

typedef int step_function(struct session *session, enum session_direction direction);

/* Selects `subject` (0: follows) at event `from`, takes the step, and expects to be at `to`; 0:
 * there is nothing to stop at. */
static void check(struct session *session, step_function *step, enum session_direction direction,
				  uint64_t subject, uint64_t from, uint64_t to)
{
	int r;

	assert_int_equal(session_select(session, 0), 0);
	assert_int_equal(session_goto(session, from), 0);
	assert_int_equal(session_select(session, subject), 0);
	r = step(session, direction);
	if (to) {
		assert_int_equal(r, 0);
		assert_int_equal(session_playhead(session), to);
	} else {
		assert_true(r < 0);
		assert_int_equal(session_playhead(session), from);
		assert_true(session_why(session)[0]);
	}
}

static void over_goes_from_one_own_step_to_the_next(void **state)
{
	struct session *session = open_general();

	check(session, session_over, F, 1, 1, 2);
	check(session, session_over, F, 1, 2, 4);
	check(session, session_over, F, 1, 4, 9);
	check(session, session_over, F, 1, 6, 9);
	check(session, session_over, F, 1, 10, 11);
	check(session, session_over, F, 2, 6, 7);
	check(session, session_over, B, 1, 9, 4);
	check(session, session_over, B, 1, 11, 10);
	check(session, session_over, B, 2, 7, 6);
	check(session, session_over, B, 1, 2, 1);
	check(session, session_over, B, 1, 1, 0);
	check(session, session_over, F, 1, 12, 0);
	session_free(session, false);
}

static void into_goes_where_the_chain_next_runs(void **state)
{
	struct session *session = open_general();

	check(session, session_into, F, 0, 0, 2);
	check(session, session_into, F, 1, 2, 5);
	check(session, session_into, F, 1, 5, 7);
	check(session, session_into, F, 1, 7, 9);
	check(session, session_into, F, 2, 7, 8);
	check(session, session_into, B, 1, 9, 7);
	check(session, session_into, B, 1, 5, 2);
	check(session, session_into, B, 2, 5, 3);
	session_free(session, false);
}

static void out_goes_where_the_delegator_or_resumer_runs(void **state)
{
	struct session *session = open_general();

	check(session, session_out, F, 2, 5, 9);
	check(session, session_out, F, 2, 6, 9);
	check(session, session_out, F, 1, 2, 6);
	check(session, session_out, F, 1, 6, 10);
	check(session, session_out, F, 1, 11, 12);
	check(session, session_out, B, 2, 7, 4);
	check(session, session_out, B, 1, 10, 7);
	check(session, session_out, B, 1, 7, 2);
	session_free(session, false);
}

static void done_goes_to_the_end_and_back_to_the_creation(void **state)
{
	struct session *session = open_general();

	check(session, session_done, F, 2, 5, 8);
	check(session, session_done, F, 1, 1, 12);
	check(session, session_done, F, 1, 12, 0);
	check(session, session_done, B, 1, 12, 1);
	check(session, session_done, B, 2, 7, 3);
	check(session, session_done, B, 1, 1, 0);
	session_free(session, false);
}

static void a_step_follows_what_changed_when_nothing_is_selected(void **state)
{
	struct session *session = open_general();

	assert_int_equal(session_goto(session, 4), 0);
	assert_int_equal(session_subject(session), 1);
	check(session, session_over, F, 0, 3, 4);
	check(session, session_over, F, 0, 4, 9);
	assert_int_equal(session_goto(session, 6), 0);
	assert_int_equal(session_subject(session), 2);
	check(session, session_over, F, 0, 0, 2);
	session_free(session, false);
}

static void steps_of_a_task_pass_what_only_happens_to_it(void **state)
{
	struct tasks t;
	struct session *session = open_tasks(&t);

	check(session, session_over, F, t.worker_task, t.worker_await, t.worker_step[1]);
	check(session, session_over, F, t.worker_task, t.worker_step[1], t.worker_done);
	check(session, session_over, B, t.worker_task, t.worker_step[1], t.worker_await);
	check(session, session_over, F, t.work, t.work_yield, t.work_next[1]);
	check(session, session_over, F, t.main_task, t.main_await, t.main_step[1]);
	check(session, session_into, F, t.main_task, t.main_step[0], t.main_next[0]);
	check(session, session_into, F, t.main_task, t.main_await, t.main_step[1]);
	check(session, session_into, F, t.worker_task, t.main_await, t.worker_step[0]);
	check(session, session_into, B, t.worker_task, t.worker_await, t.work_next[0]);
	check(session, session_done, F, t.worker_task, t.main_await, t.worker_done);
	check(session, session_done, F, t.future, t.worker_await, t.future_set);
	session_free(session, false);
}

static void out_of_a_task_goes_to_its_awaiter(void **state)
{
	struct tasks t;
	struct session *session = open_tasks(&t);

	check(session, session_out, F, t.worker_task, t.worker_step[0], t.main_step[1]);
	check(session, session_out, F, t.work, t.work_next[0], t.main_step[1]);
	check(session, session_out, F, t.future, t.worker_await, t.worker_step[1]);
	check(session, session_out, F, t.main_task, t.main_await, t.main_done);
	check(session, session_out, B, t.worker_task, t.worker_done, t.main_await);
	check(session, session_out, F, t.loop, t.main_await, 0);
	session_free(session, false);
}

static void turns_are_walked_both_ways(void **state)
{
	struct tasks t;
	struct session *session = open_tasks(&t);

	assert_int_equal(session_turn(session, 1), 0);
	assert_int_equal(session_playhead(session), t.turn[0]);
	assert_int_equal(session_turn(session, 1), 0);
	assert_int_equal(session_playhead(session), t.turn[1]);
	assert_int_equal(session_turn(session, 1), -ENOENT);
	assert_int_equal(session_playhead(session), t.turn[1]);
	assert_non_null(strstr(session_why(session), "no later turn"));
	assert_int_equal(session_turn(session, -1), 0);
	assert_int_equal(session_playhead(session), t.turn[0]);
	assert_int_equal(session_turn(session, -1), -ENOENT);
	assert_int_equal(session_goto(session, 0), 0);
	assert_int_equal(session_turn(session, 2), 0);
	assert_int_equal(session_playhead(session), t.turn[1]);
	session_free(session, false);
}

static void a_program_without_a_loop_has_no_turns_and_says_so(void **state)
{
	struct session *session = open_general();

	assert_int_equal(session_turn(session, 1), -ENOENT);
	assert_int_equal(session_playhead(session), 0);
	assert_non_null(strstr(session_why(session), "no event loop"));
	session_free(session, false);
}

static void breakpoints_stop_every_step_in_both_directions(void **state)
{
	struct session *session = open_general();
	int id = session_break(session, CORO_EVENT_YIELD, "int*", false);

	assert_true(id > 0);
	check(session, session_over, F, 1, 4, 6);
	assert_non_null(strstr(session_why(session), "breakpoint 1"));
	check(session, session_continue, F, 0, 0, 6);
	check(session, session_continue, B, 0, 14, 6);
	assert_int_equal(session_next_break(session, 0)->hits, 3);
	assert_int_equal(session_delete_break(session, (unsigned)id), 0);
	assert_null(session_next_break(session, 0));
	check(session, session_continue, F, 0, 0, 14);
	assert_true(session_break(session, CORO_EVENT_RETURN, "", true) > 0);
	check(session, session_continue, F, 0, 0, 8);
	assert_null(session_next_break(session, 0));
	session_free(session, false);
}

static void events_are_walked_to_both_ends_and_no_farther(void **state)
{
	struct session *session = open_general();

	assert_int_equal(session_event(session, 100), 0);
	assert_int_equal(session_playhead(session), 14);
	assert_int_equal(session_event(session, 1), -ENOENT);
	assert_non_null(strstr(session_why(session), "end of the recording"));
	assert_int_equal(session_event(session, -100), 0);
	assert_int_equal(session_playhead(session), 0);
	assert_int_equal(session_event(session, -1), -ENOENT);
	assert_int_equal(session_goto(session, 15), -ENOENT);
	assert_int_equal(session_playhead(session), 0);
	session_free(session, false);
}

static void find_goes_to_events_by_their_words(void **state)
{
	struct session *session = open_general();

	assert_int_equal(session_find(session, "INTERNAL #2  yield", SESSION_FORWARD), 0);
	assert_int_equal(session_playhead(session), 6);
	assert_int_equal(session_find(session, "internal #2  yield", SESSION_FORWARD), -ENOENT);
	assert_int_equal(session_playhead(session), 6);
	assert_int_equal(session_find(session, "create", SESSION_BACKWARD), 0);
	assert_int_equal(session_playhead(session), 3);
	session_free(session, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(over_goes_from_one_own_step_to_the_next),
		cmocka_unit_test(into_goes_where_the_chain_next_runs),
		cmocka_unit_test(out_goes_where_the_delegator_or_resumer_runs),
		cmocka_unit_test(done_goes_to_the_end_and_back_to_the_creation),
		cmocka_unit_test(a_step_follows_what_changed_when_nothing_is_selected),
		cmocka_unit_test(steps_of_a_task_pass_what_only_happens_to_it),
		cmocka_unit_test(out_of_a_task_goes_to_its_awaiter),
		cmocka_unit_test(turns_are_walked_both_ways),
		cmocka_unit_test(a_program_without_a_loop_has_no_turns_and_says_so),
		cmocka_unit_test(breakpoints_stop_every_step_in_both_directions),
		cmocka_unit_test(events_are_walked_to_both_ends_and_no_farther),
		cmocka_unit_test(find_goes_to_events_by_their_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
