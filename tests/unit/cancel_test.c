/*
 * cancel_test.c - requests to cancel on their way down: lines of tasks, gathers of gathers, rings.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <coroscope/coro.h>

static char reports[1024];

static void keep_report(enum coro_report_kind kind, const char *text, coro_value exception,
						void *data)
{
	snprintf(reports + strlen(reports), sizeof(reports) - strlen(reports), "%s;", text);
}

static int begin(void **state)
{
	reports[0] = 0;
	coro_set_report_handler(keep_report, NULL);
	return 0;
}

static coro_value pause_turns(int turns)
{
	while (turns--)
		CORO_TRY(coro_sleep(0));
	return CORO_NONE;
}

static coro_value sleeper(coro_value unused)
{
	return coro_sleep(1000);
}

/* ---- Long ways --------------------------------------------------------- */

static coro_value link_of_line(coro_value below)
{
	int64_t left = coro_as_int(below);
	struct coro_task *task = left ? coro_spawn(link_of_line, coro_int(left - 1), NULL)
								  : coro_spawn(sleeper, CORO_NONE, NULL);
	coro_value result = coro_await(coro_object(task));

	coro_task_free(task);
	return result;
}

static coro_value cancels_a_line(coro_value unused)
{
	enum { LENGTH = 5000 };
	struct coro_task *first = coro_spawn(link_of_line, coro_int(LENGTH), "first");
	coro_value result;

	CORO_TRY(pause_turns(LENGTH + 5));
	assert_true(coro_task_cancel(first, "enough"));
	result = coro_await(coro_object(first));
	assert_true(coro_is(result, CORO_CancelledError));
	assert_string_equal(coro_message(result), "enough");
	coro_handled();
	coro_task_free(first);
	return CORO_NONE;
}

static void a_line_of_thousands_of_tasks_is_cancelled_from_a_small_stack(void **state)
{
	assert_int_equal(coro_run(cancels_a_line, CORO_NONE), 0);
	assert_string_equal(reports, "");
}

/* Each level gathers the next one and a sleeper. */
static coro_value level(coro_value below)
{
	int64_t left = coro_as_int(below);
	coro_value children[2];

	children[0] = coro_object(left ? coro_coroutine(level, coro_int(left - 1))
								   : coro_coroutine(sleeper, CORO_NONE));
	children[1] = coro_object(coro_coroutine(sleeper, CORO_NONE));
	return coro_gather(children, 2, false, NULL);
}

static coro_value cancels_levels(coro_value unused)
{
	enum { DEPTH = 2000 };
	struct coro_task *first = coro_spawn(level, coro_int(DEPTH), "first");
	coro_value result;

	CORO_TRY(pause_turns(DEPTH + 5));
	assert_true(coro_task_cancel(first, NULL));
	result = coro_await(coro_object(first));
	assert_true(coro_is(result, CORO_CancelledError));
	coro_handled();
	coro_task_free(first);
	return CORO_NONE;
}

static void gathers_of_gathers_are_cancelled_from_a_small_stack(void **state)
{
	assert_int_equal(coro_run(cancels_levels, CORO_NONE), 0);
	assert_string_equal(reports, "");
}

/* ---- What comes back up ------------------------------------------------ */

static coro_value awaits(coro_value awaitable)
{
	return coro_await(awaitable);
}

/* What two await is asked by each of them: the second finds nothing to cancel. */
static coro_value cancels_what_two_await(coro_value unused)
{
	struct coro_task *shared = coro_spawn(sleeper, CORO_NONE, "shared");
	struct coro_task *tasks[2] = {coro_spawn(awaits, coro_object(shared), "one"),
								  coro_spawn(awaits, coro_object(shared), "two")};
	coro_value both[2] = {coro_object(tasks[0]), coro_object(tasks[1])};
	struct coro_future *gather = coro_gather_future(both, 2, true);

	CORO_TRY(pause_turns(3));
	assert_true(coro_future_cancel(gather, "both"));
	assert_int_equal(coro_task_cancelling(tasks[0]), 1);
	assert_int_equal(coro_task_cancelling(tasks[1]), 1);
	assert_int_equal(coro_task_cancelling(shared), 2);
	assert_true(coro_is(coro_await(coro_object(gather)), CORO_CancelledError));
	coro_handled();
	assert_true(coro_task_cancelled(tasks[0]) && coro_task_cancelled(tasks[1]));
	assert_true(coro_task_cancelled(shared));
	coro_future_free(gather);
	coro_task_free(tasks[0]);
	coro_task_free(tasks[1]);
	coro_task_free(shared);
	return CORO_NONE;
}

static void a_task_that_two_await_is_asked_twice(void **state)
{
	assert_int_equal(coro_run(cancels_what_two_await, CORO_NONE), 0);
	assert_string_equal(reports, "");
}

static coro_value done_children(coro_value unused)
{
	struct coro_future *done = coro_future_new(CORO_REASON_NONE, NULL);
	coro_value children[1] = {coro_object(done)};
	struct coro_future *gather = coro_gather_future(children, 1, false);

	/* Done, but nobody has told the gather yet. */
	coro_future_set_result(done, coro_int(1));
	assert_false(coro_future_cancel(gather, NULL));
	assert_false(coro_raised(coro_await(coro_object(gather))));
	coro_future_free(gather);
	coro_future_free(done);
	return CORO_NONE;
}

static void a_gather_of_what_is_done_cannot_be_cancelled(void **state)
{
	assert_int_equal(coro_run(done_children, CORO_NONE), 0);
}

/* ---- Rings ------------------------------------------------------------- */

static struct coro_task *ring[2];

static coro_value waits_for_the_other(coro_value place)
{
	return coro_await(coro_object(ring[coro_as_int(place)]));
}

static coro_value makes_a_ring(coro_value unused)
{
	ring[0] = coro_spawn(waits_for_the_other, coro_int(1), "one");
	ring[1] = coro_spawn(waits_for_the_other, coro_int(0), "two");
	CORO_TRY(pause_turns(3));
	assert_true(coro_task_cancel(ring[0], "round"));
	assert_int_equal(coro_task_cancelling(ring[0]), 1);
	assert_int_equal(coro_task_cancelling(ring[1]), 1);
	return CORO_NONE;
}

static void tasks_that_wait_for_each_other_are_asked_once(void **state)
{
	/* They cannot end by themselves; the end of the loop closes and frees them. */
	coro_run(makes_a_ring, CORO_NONE);
}

/* ---- Before the first step --------------------------------------------- */

static coro_value fails(coro_value unused)
{
	return coro_raise(CORO_ValueError, "x");
}

static coro_value cancels_before_the_first_step(coro_value unused)
{
	struct coro_task *early = coro_spawn(sleeper, CORO_NONE, "early"), *later;
	coro_value result;

	coro_task_cancel(early, NULL);
	CORO_TRY(pause_turns(2));
	assert_true(coro_task_cancelled(early));
	later = coro_spawn(fails, CORO_NONE, "later");
	result = coro_await(coro_object(later));
	assert_true(coro_is(result, CORO_ValueError));
	assert_true(coro_is_none(coro_context(result)));
	coro_handled();
	coro_task_free(early);
	coro_task_free(later);
	return CORO_NONE;
}

static void a_cancellation_before_the_first_step_is_nobodys_context(void **state)
{
	assert_int_equal(coro_run(cancels_before_the_first_step, CORO_NONE), 0);
}

#define sentence(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		sentence(a_line_of_thousands_of_tasks_is_cancelled_from_a_small_stack),
		sentence(gathers_of_gathers_are_cancelled_from_a_small_stack),
		sentence(a_task_that_two_await_is_asked_twice),
		sentence(a_gather_of_what_is_done_cannot_be_cancelled),
		sentence(tasks_that_wait_for_each_other_are_asked_once),
		sentence(a_cancellation_before_the_first_step_is_nobodys_context),
	};

	return cmocka_run_group_tests_name("cancel", tests, NULL, NULL);
}
