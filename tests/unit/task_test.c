/*
 * task_test.c - futures, tasks, cancellation, gather: rules F, T, K1-K6 and W1.
 */
#include <stdlib.h>
#include "journal.h"

static struct coro_task *task_a, *task_b;
static struct coro_future *shared;

/* ---- Bodies that many tests use ----------------------------------------- */

static coro_value return_argument(coro_value argument)
{
	note_value("runs", argument);
	return argument;
}

static coro_value raise_text(coro_value message)
{
	return coro_raise(CORO_ValueError, "%s", coro_as_str(message));
}

static coro_value sleep_long(coro_value unused)
{
	coro_value slept = coro_sleep(100);

	note_value("slept", slept);
	return slept;
}

static coro_value await_shared(coro_value number)
{
	coro_value result = coro_await(shared);

	note_value("waiter", number);
	note_value("got", result);
	return CORO_NONE;
}

/* Sleeps argument/1000 seconds, returns it. */
static coro_value sleep_ms(coro_value milliseconds)
{
	CORO_TRY(coro_sleep(coro_as_float(milliseconds) / 1000));
	note_value("slept", milliseconds);
	return milliseconds;
}

static coro_value fail_after_ms(coro_value milliseconds)
{
	CORO_TRY(coro_sleep(coro_as_float(milliseconds) / 1000));
	note_value("fails", milliseconds);
	return coro_raise(CORO_KeyError, "bad");
}

static double now(void)
{
	return coro_loop_time(coro_loop_current());
}

/* ---- Spawning and awaiting ---------------------------------------------- */

static coro_value spawn_two(coro_value unused)
{
	struct coro_task *a = coro_spawn(return_argument, coro_int(1), "a");
	struct coro_task *b = coro_spawn(return_argument, coro_int(2), "b");

	note("spawned");
	note_value("await b", coro_await(b));
	uint64_t turns = coro_loop_turns(coro_loop_current());
	note_value("await a", coro_await(a));
	assert_int_equal(coro_loop_turns(coro_loop_current()), turns);
	coro_task_free(a);
	coro_task_free(b);
	return CORO_NONE;
}

static void spawning_runs_nothing_and_tasks_start_in_order(void **state)
{
	run(spawn_two, CORO_NONE);
	assert_journal("spawned; runs 1; runs 2; await b 2; await a 1; ");
}

static coro_value count_turns(coro_value unused)
{
	struct coro_loop *loop = coro_loop_current();
	uint64_t first = coro_loop_turns(loop);
	struct coro_task *a = coro_spawn(return_argument, coro_int(5), NULL);

	CORO_TRY(coro_await(a));
	/* It ran in the turn after, and we in the one after that. */
	assert_int_equal(coro_loop_turns(loop) - first, 2);
	assert_string_equal(coro_task_name(a), "Task-1");
	coro_task_set_name(a, "a name that is longer than what fits into the task itself");
	assert_string_equal(coro_task_name(a),
						"a name that is longer than what fits into the task itself");
	coro_task_set_name(a, "short");
	assert_string_equal(coro_task_name(a), "short");
	assert_string_equal(coro_task_name(coro_task_current()), "main");
	coro_task_free(a);
	return CORO_NONE;
}

static void a_waiter_wakes_one_turn_after_the_task_is_done(void **state)
{
	assert_false(coro_raised(run(count_turns, CORO_NONE)));
	assert_null(coro_task_current());
}

static coro_value tells_the_task(coro_value unused)
{
	struct coro_task *task = coro_task_current();

	return coro_yield(task ? coro_str(coro_task_name(task)) : CORO_NONE);
}

static coro_value asks_a_generator(coro_value unused)
{
	CORO_AUTO struct coro_generator *generator = coro_generator(tells_the_task, CORO_NONE);

	note_value("generator", coro_next(generator));
	return CORO_NONE;
}

static void what_a_task_resumes_runs_in_that_task(void **state)
{
	assert_false(coro_raised(run(asks_a_generator, CORO_NONE)));
	assert_journal("generator 'main'; ");
}

static coro_value free_the_handle(coro_value unused)
{
	coro_task_free(coro_spawn(sleep_ms, coro_int(5), "free"));
	CORO_TRY(coro_sleep(0.010));
	note("main");
	return CORO_NONE;
}

static void a_task_whose_handle_was_freed_goes_on(void **state)
{
	run(free_the_handle, CORO_NONE);
	assert_journal("slept 5; main; ");
}

static coro_value look_at_a_task(coro_value unused)
{
	struct coro_task *a = coro_spawn(sleep_ms, coro_int(10), "a");

	assert_false(coro_task_done(a));
	note_value("result", coro_task_result(a));
	CORO_TRY(coro_sleep(0.020));
	assert_true(coro_task_done(a));
	assert_false(coro_task_cancelled(a));
	note_value("result", coro_task_result(a));
	note_value("exception", coro_task_exception(a));
	assert_false(coro_task_cancel(a, NULL));
	coro_task_free(a);
	return CORO_NONE;
}

static void a_task_tells_its_result_only_when_done(void **state)
{
	run(look_at_a_task, CORO_NONE);
	assert_journal("result raised InvalidStateError Result is not set.; slept 10; result 10; "
				   "exception None; ");
}

static coro_value drop_errors(coro_value unused)
{
	struct coro_task *lost = coro_spawn(raise_text, coro_str("lost"), "lost");
	struct coro_task *seen = coro_spawn(raise_text, coro_str("seen"), "seen");

	CORO_TRY(coro_sleep(0));
	note_value("exception", coro_task_exception(seen));
	coro_task_free(seen);
	coro_task_free(lost);
	note("freed");
	return CORO_NONE;
}

static void an_exception_nobody_fetched_is_reported_when_the_task_is_freed(void **state)
{
	run(drop_errors, CORO_NONE);
	assert_journal("exception ValueError('seen'); report 3 ValueError; freed; ");
}

static coro_value suspend_wrongly(coro_value value)
{
	note_value("suspended", coro__suspend(value, 0));
	return CORO_NONE;
}

static coro_value spawn_wrong_ones(coro_value unused)
{
	struct coro_task *a = coro_spawn(suspend_wrongly, coro_int(5), "a");
	struct coro_task *b = coro_spawn(suspend_wrongly, CORO_NONE, "b");

	shared = coro_future_new(CORO_REASON_NONE, NULL);
	struct coro_task *c = coro_spawn(suspend_wrongly, coro_object(shared), "c");
	coro_value all[] = {coro_object(a), coro_object(b), coro_object(c)};
	CORO_TRY(coro_gather(all, 3, false, NULL));
	coro_future_free(shared);
	return CORO_NONE;
}

static void yielding_what_is_no_future_raises_at_the_next_step(void **state)
{
	run(spawn_wrong_ones, CORO_NONE);
	assert_journal("suspended raised RuntimeError Task got bad yield: 5; suspended None; "
				   "suspended raised RuntimeError yield was used instead of yield from in task "
				   "<Task 'c'> with <Future >; ");
}

static coro_value await_oneself(coro_value unused)
{
	note_value("await", coro_await(coro_task_current()));
	return CORO_NONE;
}

static void a_task_cannot_await_itself(void **state)
{
	run(await_oneself, CORO_NONE);
	assert_journal("await raised RuntimeError Task cannot await on itself: <Task>; ");
}

static void waiting_outside_of_a_coroutine_raises(void **state)
{
	struct coro_loop *loop = journal_loop();

	note_value("sleep", coro_sleep(1));
	note_value("gather", coro_gather(NULL, 0, false, NULL));
	assert_journal("sleep raised RuntimeError 'await' outside async function; gather raised "
				   "RuntimeError 'await' outside async function; ");
	journal_end(loop);
}

/* ---- Futures ------------------------------------------------------------ */

static coro_value set_for_three(coro_value unused)
{
	shared = coro_future_new(CORO_REASON_NONE, NULL);
	for (int i = 1; i <= 3; i++)
		coro_task_free(coro_spawn(await_shared, coro_int(i), NULL));
	CORO_TRY(coro_sleep(0));
	CORO_TRY(coro_future_set_result(shared, coro_str("x")));
	note("set");
	note_value("again", coro_future_set_result(shared, CORO_NONE));
	assert_false(coro_future_cancel(shared, NULL));
	CORO_TRY(coro_sleep(0));
	note_value("main", coro_await(shared));
	coro_future_free(shared);
	return CORO_NONE;
}

static void waiters_of_a_future_wake_in_the_order_they_began_to_wait(void **state)
{
	run(set_for_three, CORO_NONE);
	assert_journal("set; again raised InvalidStateError invalid state; waiter 1; got 'x'; "
				   "waiter 2; got 'x'; waiter 3; got 'x'; main 'x'; ");
}

static coro_value fail_for_two(coro_value unused)
{
	shared = coro_future_new(CORO_REASON_NONE, NULL);
	for (int i = 1; i <= 2; i++)
		coro_task_free(coro_spawn(await_shared, coro_int(i), NULL));
	CORO_TRY(coro_sleep(0));
	note_value("set", coro_future_set_exception(shared, coro_error(CORO_KeyError, "boom")));
	CORO_TRY(coro_sleep(0));
	coro_future_free(shared);

	shared = coro_future_new(CORO_REASON_NONE, NULL);
	CORO_TRY(coro_future_set_exception(shared, coro_error(CORO_StopIteration, "%s", "")));
	coro_future_free(shared);
	return CORO_NONE;
}

static void the_exception_of_a_future_is_raised_in_every_waiter(void **state)
{
	run(fail_for_two, CORO_NONE);
	assert_journal("set None; waiter 1; got raised KeyError boom; waiter 2; got raised KeyError "
				   "boom; report 3 RuntimeError; ");
}

static coro_value note_callback(coro_value argument)
{
	note_value("callback", argument);
	return CORO_NONE;
}

static coro_value add_callbacks(coro_value unused)
{
	struct coro_future *future = coro_future_new(CORO_REASON_NONE, NULL);

	coro_future_add_done_callback(future, note_callback, coro_int(1));
	coro_future_add_done_callback(future, note_callback, coro_int(2));
	CORO_TRY(coro_future_set_result(future, CORO_NONE));
	coro_future_add_done_callback(future, note_callback, coro_int(3));
	coro_future_free(future);
	note("main");
	CORO_TRY(coro_sleep(0));

	/* One that is never done gives its callbacks up. */
	future = coro_future_new(CORO_REASON_NONE, NULL);
	coro_future_add_done_callback(future, note_callback, coro_int(4));
	coro_future_free(future);
	return CORO_NONE;
}

static void callbacks_run_through_the_ready_queue_in_their_order(void **state)
{
	run(add_callbacks, CORO_NONE);
	assert_journal("main; callback 1; callback 2; callback 3; ");
}

/* ---- Cancelling --------------------------------------------------------- */

static coro_value cancel_a_sleeper(coro_value unused)
{
	struct coro_task *a = coro_spawn(sleep_long, CORO_NONE, "a");

	CORO_TRY(coro_sleep(0.010));
	assert_true(coro_task_cancel(a, "why"));
	note("requested");
	assert_false(coro_task_done(a));
	note_value("await", coro_await(a));
	assert_true(coro_task_cancelled(a));
	assert_true(now() < 0.011);
	coro_task_free(a);
	return CORO_NONE;
}

static void cancel_raises_at_the_await_in_the_next_turn_with_its_message(void **state)
{
	run(cancel_a_sleeper, CORO_NONE);
	assert_journal("requested; slept raised CancelledError why; await raised CancelledError why; ");
}

static coro_value cancel_before_the_start(coro_value unused)
{
	struct coro_task *a = coro_spawn(return_argument, CORO_NONE, "a");

	assert_true(coro_task_cancel(a, NULL));
	note_value("await", coro_await(a));
	coro_task_free(a);
	return CORO_NONE;
}

static void a_task_cancelled_before_its_start_never_runs(void **state)
{
	run(cancel_before_the_start, CORO_NONE);
	assert_journal("await raised CancelledError; ");
}

static coro_value survive(coro_value unused)
{
	CORO_EXCEPT(coro_sleep(100), CORO_CancelledError)
	note("caught");
	CORO_TRY(coro_sleep(0.005));
	return coro_str("survived");
}

static coro_value cancel_a_survivor(coro_value unused)
{
	struct coro_task *a = coro_spawn(survive, CORO_NONE, "a");

	CORO_TRY(coro_sleep(0.001));
	assert_true(coro_task_cancel(a, NULL));
	assert_true(coro_task_cancel(a, NULL));
	note_value("await", coro_await(a));
	assert_int_equal(coro_task_cancelling(a), 2);
	assert_int_equal(coro_task_uncancel(a), 1);
	assert_int_equal(coro_task_uncancel(a), 0);
	assert_int_equal(coro_task_uncancel(a), 0);
	coro_task_free(a);
	return CORO_NONE;
}

static void a_cancellation_may_be_caught_and_two_requests_are_one_error(void **state)
{
	run(cancel_a_survivor, CORO_NONE);
	assert_journal("caught; await 'survived'; ");
}

static coro_value clean_up_slowly(coro_value unused)
{
	coro_value result = coro_sleep(100);

	note("closing");
	CORO_TRY(coro_sleep(0.050));
	note("closed");
	return result;
}

static coro_value cancel_cleanups(coro_value unused)
{
	struct coro_task *a = coro_spawn(clean_up_slowly, CORO_NONE, "a");
	struct coro_task *b = coro_spawn(clean_up_slowly, CORO_NONE, "b");

	CORO_TRY(coro_sleep(0.001));
	coro_task_cancel(a, NULL);
	note_value("await a", coro_await(a));
	coro_task_cancel(b, NULL);
	CORO_TRY(coro_sleep(0.001));
	coro_task_cancel(b, NULL);
	note_value("await b", coro_await(b));
	coro_task_free(a);
	coro_task_free(b);
	return CORO_NONE;
}

static void cleanup_may_await_and_may_be_cancelled_again(void **state)
{
	run(cancel_cleanups, CORO_NONE);
	assert_journal("closing; closed; await a raised CancelledError; closing; await b raised "
				   "CancelledError; ");
}

static coro_value await_a_child(coro_value unused)
{
	struct coro_task *child = coro_spawn(sleep_long, CORO_NONE, "child");
	coro_value result = coro_await(child);

	note_value("parent", result);
	coro_task_free(child);
	return result;
}

static coro_value cancel_a_parent(coro_value unused)
{
	struct coro_task *parent = coro_spawn(await_a_child, CORO_NONE, "parent");

	CORO_TRY(coro_sleep(0.001));
	coro_task_cancel(parent, NULL);
	note_value("main", coro_await(parent));
	coro_task_free(parent);
	return CORO_NONE;
}

static void cancelling_travels_to_the_task_that_is_awaited(void **state)
{
	run(cancel_a_parent, CORO_NONE);
	assert_journal("slept raised CancelledError; parent raised CancelledError; main raised "
				   "CancelledError; ");
}

static coro_value cancel_a_waiter(coro_value set_before)
{
	struct coro_task *a;

	shared = coro_future_new(CORO_REASON_NONE, NULL);
	a = coro_spawn(await_shared, coro_int(1), "a");
	CORO_TRY(coro_sleep(0));
	if (coro_as_bool(set_before))
		CORO_TRY(coro_future_set_result(shared, coro_int(1)));
	assert_true(coro_task_cancel(a, NULL));
	CORO_TRY(coro_await(a));
	assert_int_equal(coro_future_cancelled(shared), !coro_as_bool(set_before));
	coro_task_free(a);
	coro_future_free(shared);
	return CORO_NONE;
}

static void cancelling_a_waiter_cancels_its_future(void **state)
{
	run(cancel_a_waiter, coro_bool(false));
	assert_journal("waiter 1; got raised CancelledError; ");
}

static void a_cancellation_replaces_a_result_that_did_not_arrive_yet(void **state)
{
	run(cancel_a_waiter, coro_bool(true));
	assert_journal("waiter 1; got raised CancelledError; ");
}

static coro_value cancel_oneself(coro_value then_await)
{
	coro_task_cancel(coro_task_current(), NULL);
	note("goes on");
	if (coro_as_bool(then_await))
		note_value("sleep", coro_sleep(1));
	return coro_int(1);
}

static coro_value await_self_cancellers(coro_value unused)
{
	struct coro_task *a = coro_spawn(cancel_oneself, coro_bool(false), "a");
	struct coro_task *b = coro_spawn(cancel_oneself, coro_bool(true), "b");

	note_value("a", coro_await(a));
	note_value("b", coro_await(b));
	coro_task_free(a);
	coro_task_free(b);
	return CORO_NONE;
}

static void a_task_that_cancels_itself_feels_it_at_the_next_await_or_its_end(void **state)
{
	run(await_self_cancellers, CORO_NONE);
	assert_journal("goes on; goes on; a raised CancelledError; sleep raised CancelledError; b 1; ");
}

/* ---- Gather ------------------------------------------------------------- */

static coro_value gather_in_order(coro_value unused)
{
	coro_value results[3];

	task_a = coro_spawn(sleep_ms, coro_int(30), "a");
	coro_value all[] = {coro_object(task_a), coro_object(coro_coroutine(sleep_ms, coro_int(10))),
						coro_object(task_a)};
	CORO_TRY(coro_gather(all, 3, false, results));
	for (int i = 0; i < 3; i++)
		note_value("result", results[i]);
	note_value("none", coro_gather(NULL, 0, false, NULL));
	coro_task_free(task_a);
	return CORO_NONE;
}

static void gather_gives_results_in_the_order_of_its_arguments(void **state)
{
	run(gather_in_order, CORO_NONE);
	assert_journal("slept 10; slept 30; result 30; result 10; result 30; none None; ");
}

static coro_value gather_with_failures(coro_value unused)
{
	struct coro_task *a = coro_spawn(sleep_ms, coro_int(30), "a");
	struct coro_task *b = coro_spawn(fail_after_ms, coro_int(5), "b");
	struct coro_task *c = coro_spawn(fail_after_ms, coro_int(10), "c");
	coro_value all[] = {coro_object(a), coro_object(b), coro_object(c)};

	note_value("gather", coro_gather(all, 3, false, NULL));
	assert_true(now() < 0.006);
	CORO_TRY(coro_await(a));
	coro_task_free(a);
	coro_task_free(b);
	coro_task_free(c); /* its exception was seen by the gather */
	return CORO_NONE;
}

static void gather_raises_the_first_exception_and_the_others_go_on(void **state)
{
	run(gather_with_failures, CORO_NONE);
	assert_journal("fails 5; gather raised KeyError bad; fails 10; slept 30; ");
}

static coro_value gather_exceptions(coro_value unused)
{
	struct coro_task *cancelled = coro_spawn(sleep_long, CORO_NONE, "cancelled");
	coro_value all[] = {coro_object(coro_coroutine(sleep_ms, coro_int(10))),
						coro_object(coro_coroutine(fail_after_ms, coro_int(5))),
						coro_object(cancelled)};

	CORO_TRY(coro_sleep(0.001));
	coro_task_cancel(cancelled, NULL);
	CORO_TRY(coro_gather(all, 3, true, all));
	CORO_TRY(coro_sleep(0.001));
	note_value("result", all[0]);
	note_value("result", all[1]);
	assert_true(coro_is(all[2], CORO_CancelledError));
	coro_task_free(cancelled);
	return CORO_NONE;
}

static void gather_can_return_exceptions_as_results(void **state)
{
	run(gather_exceptions, CORO_NONE);
	assert_journal("slept raised CancelledError; fails 5; slept 10; result 10; result "
				   "KeyError('bad'); ");
}

static coro_value return_an_exception(coro_value message)
{
	return coro_error(CORO_ValueError, "%s", coro_as_str(message));
}

/* More exceptions than a thread or a coroutine keeps. */
static coro_value let_others_return_exceptions(void)
{
	for (int i = 0; i < 20; i++)
		coro_task_free(coro_spawn(return_an_exception, coro_str("other"), "other"));
	return coro_sleep(0.001);
}

static coro_value await_exceptions(coro_value unused)
{
	coro_value both[] = {coro_object(coro_coroutine(return_an_exception, coro_str("b"))),
						 coro_object(coro_coroutine(return_an_exception, coro_str("c")))};
	coro_value awaited;

	task_a = coro_spawn(return_an_exception, coro_str("a"), "a");
	awaited = coro_await(task_a);
	coro_task_free(task_a);
	CORO_TRY(coro_gather(both, 2, false, both));
	CORO_TRY(let_others_return_exceptions());
	note_value("result", awaited);
	note_value("result", both[0]);
	note_value("result", both[1]);
	return coro_error(CORO_ValueError, "d");
}

static void an_exception_that_is_a_result_stays_valid_after_its_task(void **state)
{
	note_value("last", run(await_exceptions, CORO_NONE));
	assert_journal("result ValueError('a'); result ValueError('b'); result ValueError('c'); "
				   "last ValueError('d'); ");
}

static coro_value gather_two_sleepers(coro_value unused)
{
	coro_value both[] = {coro_object(task_a), coro_object(task_b)};
	coro_value result = coro_gather(both, 2, false, NULL);

	note_value("gather", result);
	return result;
}

static coro_value cancel_a_gather(coro_value unused)
{
	struct coro_task *outer;

	task_a = coro_spawn(sleep_long, CORO_NONE, "a");
	task_b = coro_spawn(sleep_long, CORO_NONE, "b");
	outer = coro_spawn(gather_two_sleepers, CORO_NONE, "outer");
	CORO_TRY(coro_sleep(0.005));
	coro_task_cancel(outer, NULL);
	note_value("main", coro_await(outer));
	assert_true(coro_task_cancelled(task_a) && coro_task_cancelled(task_b));
	coro_task_free(task_a);
	coro_task_free(task_b);
	coro_task_free(outer);
	return CORO_NONE;
}

static void cancelling_a_gather_cancels_its_children(void **state)
{
	run(cancel_a_gather, CORO_NONE);
	assert_journal("slept raised CancelledError; slept raised CancelledError; gather raised "
				   "CancelledError; main raised CancelledError; ");
}

static coro_value gather_done_ones(coro_value unused)
{
	struct coro_task *a = coro_spawn(return_argument, coro_int(1), "a");
	struct coro_future *gather;
	coro_value results[1];

	CORO_TRY(coro_await(a));
	coro_value one[] = {coro_object(a)};
	gather = coro_gather_future(one, 1, false);
	assert_true(coro_future_done(gather));
	coro_future_free(gather);
	CORO_TRY(coro_gather(one, 1, false, results));
	note_value("result", results[0]);
	note_value("wrong", coro_gather(&results[0], 1, false, NULL));
	coro_task_free(a);
	return CORO_NONE;
}

static void children_that_are_done_count_at_once(void **state)
{
	run(gather_done_ones, CORO_NONE);
	assert_journal("runs 1; result 1; wrong raised TypeError An asyncio.Future, a coroutine or an "
				   "awaitable is required; ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_task_resumes_runs_in_that_task),
		cmocka_unit_test(spawning_runs_nothing_and_tasks_start_in_order),
		cmocka_unit_test(a_waiter_wakes_one_turn_after_the_task_is_done),
		cmocka_unit_test(a_task_whose_handle_was_freed_goes_on),
		cmocka_unit_test(a_task_tells_its_result_only_when_done),
		cmocka_unit_test(an_exception_nobody_fetched_is_reported_when_the_task_is_freed),
		cmocka_unit_test(yielding_what_is_no_future_raises_at_the_next_step),
		cmocka_unit_test(a_task_cannot_await_itself),
		cmocka_unit_test(waiting_outside_of_a_coroutine_raises),
		cmocka_unit_test(waiters_of_a_future_wake_in_the_order_they_began_to_wait),
		cmocka_unit_test(the_exception_of_a_future_is_raised_in_every_waiter),
		cmocka_unit_test(callbacks_run_through_the_ready_queue_in_their_order),
		cmocka_unit_test(cancel_raises_at_the_await_in_the_next_turn_with_its_message),
		cmocka_unit_test(a_task_cancelled_before_its_start_never_runs),
		cmocka_unit_test(a_cancellation_may_be_caught_and_two_requests_are_one_error),
		cmocka_unit_test(cleanup_may_await_and_may_be_cancelled_again),
		cmocka_unit_test(cancelling_travels_to_the_task_that_is_awaited),
		cmocka_unit_test(cancelling_a_waiter_cancels_its_future),
		cmocka_unit_test(a_cancellation_replaces_a_result_that_did_not_arrive_yet),
		cmocka_unit_test(a_task_that_cancels_itself_feels_it_at_the_next_await_or_its_end),
		cmocka_unit_test(gather_gives_results_in_the_order_of_its_arguments),
		cmocka_unit_test(gather_raises_the_first_exception_and_the_others_go_on),
		cmocka_unit_test(gather_can_return_exceptions_as_results),
		cmocka_unit_test(an_exception_that_is_a_result_stays_valid_after_its_task),
		cmocka_unit_test(cancelling_a_gather_cancels_its_children),
		cmocka_unit_test(children_that_are_done_count_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
