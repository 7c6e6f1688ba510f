/*
 * wait_test.c - wait, as_completed, shield, wait_for and timeouts: rules W2, W3, K7-K9.
 */
#include "journal.h"

static struct coro_task *first, *second;

/* Sleeps argument/1000 seconds, returns it; tells when it is cancelled. */
static coro_value sleep_ms(coro_value milliseconds)
{
	coro_value slept = coro_sleep(coro_as_float(milliseconds) / 1000);

	note_value("slept", slept);
	return coro_raised(slept) ? slept : milliseconds;
}

static coro_value fail_after_ms(coro_value milliseconds)
{
	CORO_TRY(coro_sleep(coro_as_float(milliseconds) / 1000));
	return coro_raise(CORO_KeyError, "bad");
}

/* Returns a value instead of ending when it is cancelled. */
static coro_value sleep_stubbornly(coro_value milliseconds)
{
	coro_value slept = coro_sleep(coro_as_float(milliseconds) / 1000);

	return coro_raised(slept) ? coro_str("nevertheless") : slept;
}

static int now_ms(void)
{
	return (int)(coro_loop_time(coro_loop_current()) * 1000 + 0.5);
}

static struct coro_task *spawn(coro_function *function, int milliseconds)
{
	return coro_spawn_coroutine(coro_coroutine(function, coro_int(milliseconds)), NULL);
}

/* ---- wait --------------------------------------------------------------- */

static coro_value wait_in_all_ways(coro_value unused)
{
	coro_value both[2];

	first = spawn(sleep_ms, 10);
	second = spawn(fail_after_ms, 20);
	both[0] = coro_object(first);
	both[1] = coro_object(second);
	note_value("timeout", coro_wait(both, 2, CORO_ALL_COMPLETED, 0.005));
	note("at %d", now_ms());
	note_value("first", coro_wait(both, 2, CORO_FIRST_COMPLETED, CORO_FOREVER));
	note("at %d", now_ms());
	note_value("exception", coro_wait(both, 2, CORO_FIRST_EXCEPTION, CORO_FOREVER));
	note_value("all", coro_wait(both, 2, CORO_ALL_COMPLETED, CORO_FOREVER));
	note("at %d", now_ms());
	note_value("nothing", coro_wait(both, 0, CORO_ALL_COMPLETED, CORO_FOREVER));
	note_value("second", coro_task_exception(second));
	coro_task_free(first);
	coro_task_free(second);
	return CORO_NONE;
}

static void wait_returns_when_asked_and_raises_nothing_of_the_others(void **state)
{
	assert_false(coro_raised(run(wait_in_all_ways, CORO_NONE)));
	assert_journal("timeout 0; at 5; slept None; first 1; at 10; exception 2; all 2; at 20; "
				   "nothing raised ValueError Set of Tasks/Futures is empty.; "
				   "second KeyError('bad'); ");
}

static coro_value wait_for_a_coroutine(coro_value unused)
{
	struct coro_generator *coroutine = coro_coroutine(sleep_ms, coro_int(1));
	coro_value value = coro_object(coroutine), result;

	result = coro_wait(&value, 1, CORO_ALL_COMPLETED, CORO_FOREVER);
	note_value("wait", result);
	coro_close(coroutine);
	coro_free(coroutine);
	return CORO_NONE;
}

static void wait_refuses_a_coroutine(void **state)
{
	assert_false(coro_raised(run(wait_for_a_coroutine, CORO_NONE)));
	assert_journal(
		"wait raised TypeError Passing coroutines is forbidden, use tasks explicitly.; ");
}

static coro_value wait_and_be_cancelled(coro_value unused)
{
	coro_value task = coro_object(first);

	note_value("wait", coro_wait(&task, 1, CORO_ALL_COMPLETED, CORO_FOREVER));
	return CORO_NONE;
}

static coro_value cancel_who_waits(coro_value unused)
{
	first = spawn(sleep_ms, 10);
	second = coro_spawn(wait_and_be_cancelled, CORO_NONE, NULL);
	CORO_TRY(coro_sleep(0.001));
	coro_task_cancel(second, NULL);
	CORO_TRY(coro_await(second));
	CORO_TRY(coro_await(first));
	coro_task_free(first);
	coro_task_free(second);
	return CORO_NONE;
}

static void cancelling_who_waits_cancels_nothing_else(void **state)
{
	assert_false(coro_raised(run(cancel_who_waits, CORO_NONE)));
	assert_journal("wait raised CancelledError; slept None; ");
}

/* ---- as_completed ------------------------------------------------------- */

static coro_value take_as_completed(coro_value timeout)
{
	coro_value all[] = {coro_object(coro_coroutine(sleep_ms, coro_int(30))),
						coro_object(coro_coroutine(sleep_ms, coro_int(10))),
						coro_object(coro_coroutine(fail_after_ms, coro_int(20)))};
	struct coro_completion *completion = coro_as_completed(all, 3, coro_as_float(timeout));
	struct coro_generator *next;

	while ((next = coro_as_completed_next(completion))) {
		coro_value result = coro_await(next);

		note_value("got", result);
	}
	coro_as_completed_free(completion);
	return CORO_NONE;
}

static void as_completed_gives_results_in_the_order_of_completion(void **state)
{
	assert_false(coro_raised(run(take_as_completed, coro_float(1))));
	assert_journal("slept None; got 10; got raised KeyError bad; slept None; got 30; ");
}

static void as_completed_raises_timeout_for_what_is_late(void **state)
{
	assert_false(coro_raised(run(take_as_completed, coro_float(0.015))));
	assert_journal("slept None; got 10; got raised TimeoutError; got raised TimeoutError; "
				   "slept raised CancelledError; ");
}

/* ---- shield ------------------------------------------------------------- */

static coro_value shield_first(coro_value unused)
{
	note_value("shield", coro_shield(first));
	return CORO_NONE;
}

static coro_value cancel_a_shield(coro_value unused)
{
	first = spawn(sleep_ms, 10);
	second = coro_spawn(shield_first, CORO_NONE, NULL);
	CORO_TRY(coro_sleep(0.001));
	coro_task_cancel(second, NULL);
	CORO_TRY(coro_await(second));
	note_value("inner", coro_await(first));
	note_value("done", coro_shield(first));
	coro_task_free(first);
	coro_task_free(second);
	return CORO_NONE;
}

static void a_shielded_task_goes_on_when_who_waits_is_cancelled(void **state)
{
	assert_false(coro_raised(run(cancel_a_shield, CORO_NONE)));
	assert_journal("shield raised CancelledError; slept None; inner 10; done 10; ");
}

static coro_value cancel_the_inner(coro_value unused)
{
	first = spawn(sleep_ms, 10);
	second = coro_spawn(shield_first, CORO_NONE, NULL);
	CORO_TRY(coro_sleep(0.001));
	coro_task_cancel(first, NULL);
	CORO_TRY(coro_await(second));
	coro_task_free(first);
	coro_task_free(second);
	return CORO_NONE;
}

static void cancelling_the_inner_cancels_the_shield(void **state)
{
	assert_false(coro_raised(run(cancel_the_inner, CORO_NONE)));
	assert_journal("slept raised CancelledError; shield raised CancelledError; ");
}

/* ---- wait_for ----------------------------------------------------------- */

static coro_value wait_for_all_sorts(coro_value unused)
{
	note_value("in time", coro_wait_for(coro_coroutine(sleep_ms, coro_int(5)), 0.010));
	note_value("late", coro_wait_for(coro_coroutine(sleep_ms, coro_int(20)), 0.010));
	note("at %d", now_ms());
	note_value("stubborn", coro_wait_for(coro_coroutine(sleep_stubbornly, coro_int(20)), 0.010));
	note_value("no time", coro_wait_for(coro_coroutine(sleep_ms, coro_int(1)), 0));
	note_value("for ever", coro_wait_for(coro_coroutine(sleep_ms, coro_int(1)), CORO_FOREVER));
	return CORO_NONE;
}

static void wait_for_cancels_what_is_late_and_waits_for_its_end(void **state)
{
	assert_false(coro_raised(run(wait_for_all_sorts, CORO_NONE)));
	assert_journal("slept None; in time 5; slept raised CancelledError; late raised TimeoutError; "
				   "at 15; stubborn 'nevertheless'; no time raised TimeoutError; slept None; "
				   "for ever 1; ");
}

/* ---- timeout ------------------------------------------------------------ */

static coro_value time_out(coro_value unused)
{
	struct coro_timeout timeout = coro_timeout(0.010);
	coro_value result;

	CORO_TRY(coro_timeout_enter(&timeout));
	note_value("again", coro_timeout_enter(&timeout));
	result = coro_timeout_exit(&timeout, coro_sleep(1));
	note_value("section", result);
	note("cause %s", coro_exception_type(coro_cause(result))->name);
	note("expired %d", coro_timeout_expired(&timeout));
	note("cancelling %u", coro_task_cancelling(coro_task_current()));
	note_value("reschedule", coro_timeout_reschedule(&timeout, 1));
	return CORO_NONE;
}

static void a_section_that_takes_too_long_raises_timeout(void **state)
{
	assert_false(coro_raised(run(time_out, CORO_NONE)));
	assert_journal("again raised RuntimeError Timeout has already been entered; "
				   "section raised TimeoutError; cause CancelledError; expired 1; cancelling 0; "
				   "reschedule raised RuntimeError Cannot change state of expired Timeout; ");
}

static coro_value nest_timeouts(coro_value unused)
{
	struct coro_timeout outer = coro_timeout(0.010), inner = coro_timeout(0.020);
	coro_value result;

	CORO_TRY(coro_timeout_enter(&outer));
	CORO_TRY(coro_timeout_enter(&inner));
	result = coro_timeout_exit(&inner, coro_sleep(1));
	note_value("inner", result);
	result = coro_timeout_exit(&outer, result);
	note_value("outer", result);
	note("expired %d %d", coro_timeout_expired(&inner), coro_timeout_expired(&outer));
	return CORO_NONE;
}

static void of_nested_timeouts_only_the_expired_one_converts(void **state)
{
	assert_false(coro_raised(run(nest_timeouts, CORO_NONE)));
	assert_journal("inner raised CancelledError; outer raised TimeoutError; expired 0 1; ");
}

static coro_value reschedule(coro_value unused)
{
	struct coro_timeout timeout = coro_timeout(0.010);

	note_value("early", coro_timeout_reschedule(&timeout, 1));
	CORO_TRY(coro_timeout_enter(&timeout));
	CORO_TRY(coro_timeout_reschedule(&timeout, CORO_FOREVER));
	note_value("section", coro_timeout_exit(&timeout, coro_sleep(1)));
	return CORO_NONE;
}

static void a_timeout_can_be_rescheduled_to_never(void **state)
{
	assert_false(coro_raised(run(reschedule, CORO_NONE)));
	assert_journal("early raised RuntimeError Timeout has not been entered; section None; ");
}

static coro_value sleeps_long(coro_value unused)
{
	return coro_sleep(10);
}

static coro_value catch_a_timeout(coro_value unused)
{
	coro_value result = coro_wait_for(coro_coroutine(sleeps_long, CORO_NONE), 0.010);
	bool caught = false;

	CORO_EXCEPT(result, CORO_TimeoutError)
	caught = true;
	assert_true(caught);
	assert_true(coro_is_none(coro_handled_exception()));
	assert_true(coro_is_none(coro_context(coro_raise(CORO_ValueError, "later"))));
	return CORO_NONE;
}

static void nothing_is_handled_after_a_timeout_that_was_caught(void **state)
{
	assert_false(coro_raised(run(catch_a_timeout, CORO_NONE)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_handled_after_a_timeout_that_was_caught),
		cmocka_unit_test(wait_returns_when_asked_and_raises_nothing_of_the_others),
		cmocka_unit_test(wait_refuses_a_coroutine),
		cmocka_unit_test(cancelling_who_waits_cancels_nothing_else),
		cmocka_unit_test(as_completed_gives_results_in_the_order_of_completion),
		cmocka_unit_test(as_completed_raises_timeout_for_what_is_late),
		cmocka_unit_test(a_shielded_task_goes_on_when_who_waits_is_cancelled),
		cmocka_unit_test(cancelling_the_inner_cancels_the_shield),
		cmocka_unit_test(wait_for_cancels_what_is_late_and_waits_for_its_end),
		cmocka_unit_test(a_section_that_takes_too_long_raises_timeout),
		cmocka_unit_test(of_nested_timeouts_only_the_expired_one_converts),
		cmocka_unit_test(a_timeout_can_be_rescheduled_to_never),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
