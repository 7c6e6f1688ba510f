/*
 * async_generator_test.c - async generators: rules A1-A10.
 */
#include "journal.h"

static struct coro_generator *numbers;

static coro_value count_slowly(coro_value limit)
{
	for (int64_t i = 1; i <= coro_as_int(limit); i++) {
		coro_value sent;

		CORO_TRY(coro_sleep(0.001));
		sent = coro_yield(coro_int(i));
		if (coro_raised(sent)) {
			note_value("gets", sent);
			CORO_TRY(coro_sleep(0.001));
			return sent;
		}
		if (!coro_is_none(sent))
			note_value("gets", sent);
	}
	return CORO_NONE;
}

static coro_value iterate(coro_value unused)
{
	coro_value last;

	numbers = coro_async_generator(count_slowly, coro_int(3));
	CORO_ASYNC_FOR (number, numbers)
		note_value("item", number);
	last = coro_anext(numbers);
	note_value("after", last);
	coro_free(numbers);
	return CORO_NONE;
}

static void items_go_to_the_consumer_and_waits_to_the_loop(void **state)
{
	assert_false(coro_raised(run(iterate, CORO_NONE)));
	assert_journal("item 1; item 2; item 3; after raised StopAsyncIteration; ");
}

static coro_value send_and_close(coro_value unused)
{
	numbers = coro_async_generator(count_slowly, coro_int(3));
	note_value("first", coro_asend(numbers, coro_int(5)));
	note_value("first", coro_anext(numbers));
	note_value("second", coro_asend(numbers, coro_str("more")));
	note_value("close", coro_aclose(numbers));
	note_value("close", coro_aclose(numbers));
	note_value("after", coro_anext(numbers));
	coro_free(numbers);
	return CORO_NONE;
}

static void asend_needs_a_yield_and_aclose_ends_it(void **state)
{
	assert_false(coro_raised(run(send_and_close, CORO_NONE)));
	assert_journal(
		"first raised TypeError can't send non-None value to a just-started async generator; "
		"first 1; gets 'more'; second 2; gets raised GeneratorExit; close None; close None; "
		"after raised StopAsyncIteration; ");
}

static coro_value throw_in(coro_value unused)
{
	numbers = coro_async_generator(count_slowly, coro_int(3));
	CORO_TRY(coro_anext(numbers));
	note_value("throw", coro_athrow(numbers, coro_error(CORO_KeyError, "k")));
	coro_free(numbers);
	return CORO_NONE;
}

static void athrow_raises_at_the_yield(void **state)
{
	assert_false(coro_raised(run(throw_in, CORO_NONE)));
	assert_journal("gets raised KeyError k; throw raised KeyError k; ");
}

static coro_value take_one(coro_value unused)
{
	note_value("one", coro_anext(numbers));
	return CORO_NONE;
}

static coro_value two_at_once(coro_value unused)
{
	struct coro_task *other;

	numbers = coro_async_generator(count_slowly, coro_int(3));
	other = coro_spawn(take_one, CORO_NONE, NULL);
	CORO_TRY(coro_sleep(0));
	note("state %d", coro_state(numbers) == CORO_STATE_RUNNING);
	note_value("two", coro_anext(numbers));
	CORO_TRY(coro_await(other));
	CORO_TRY(coro_aclose(numbers));
	coro_task_free(other);
	coro_free(numbers);
	return CORO_NONE;
}

static void only_one_step_at_a_time(void **state)
{
	assert_false(coro_raised(run(two_at_once, CORO_NONE)));
	assert_journal("state 1; two raised RuntimeError anext(): asynchronous generator is already "
				   "running; one 1; gets raised GeneratorExit; ");
}

static coro_value drop_it(coro_value unused)
{
	numbers = coro_async_generator(count_slowly, coro_int(3));
	CORO_TRY(coro_anext(numbers));
	coro_free(numbers);
	note("dropped");
	return coro_sleep(0.010);
}

static void one_that_is_dropped_is_closed_by_the_loop(void **state)
{
	assert_false(coro_raised(run(drop_it, CORO_NONE)));
	assert_journal("dropped; gets raised GeneratorExit; ");
}

static coro_value leave_it(coro_value unused)
{
	numbers = coro_async_generator(count_slowly, coro_int(3));
	return coro_anext(numbers);
}

static coro_value shut_down(coro_value unused)
{
	return coro_shutdown_async_generators();
}

static void what_is_left_is_closed_when_asked(void **state)
{
	struct coro_loop *loop = journal_loop();
	struct coro_generator *coroutine = coro_coroutine(leave_it, CORO_NONE);

	coro_loop_run_until_complete(loop, coro_object(coroutine));
	coroutine = coro_coroutine(shut_down, CORO_NONE);
	assert_true(coro_is_none(coro_loop_run_until_complete(loop, coro_object(coroutine))));
	assert_journal("gets raised GeneratorExit; ");
	assert_true(coro_finished(numbers));
	coro_free(numbers);
	journal_end(loop);
}

static void the_end_of_the_loop_closes_what_is_left(void **state)
{
	struct coro_loop *loop = journal_loop();
	struct coro_generator *coroutine = coro_coroutine(leave_it, CORO_NONE);

	coro_loop_run_until_complete(loop, coro_object(coroutine));
	coro_loop_free(loop);
	coro_set_report_handler(NULL, NULL);
	assert_journal("gets raised GeneratorExit; ");
	coro_free(numbers);
	assert_int_equal(coro_census().bodies, 0);
}

static coro_value just_yield(coro_value unused)
{
	CORO_TRY(coro_yield(coro_int(1)));
	CORO_TRY(coro_suspend(coro_str("waits")));
	return CORO_NONE;
}

static void a_step_is_driven_by_hand_and_used_once(void **state)
{
	struct coro_generator *generator = coro_async_generator(just_yield, CORO_NONE);
	struct coro_async_step *step = coro_asend_step(generator, CORO_NONE);

	journal_length = 0;
	journal[0] = 0;
	note_value("item", coro_exception_value(coro_async_step_send(step, CORO_NONE)));
	note_value("again", coro_async_step_send(step, CORO_NONE));
	coro_async_step_free(step);
	step = coro_asend_step(generator, CORO_NONE);
	note_value("awaits", coro_async_step_send(step, CORO_NONE));
	note_value("end", coro_async_step_send(step, CORO_NONE));
	coro_async_step_free(step);
	note_value("next", coro_next(generator));
	coro_free(generator);
	assert_journal("item 1; again raised RuntimeError cannot reuse already awaited "
				   "__anext__()/asend(); awaits 'waits'; end raised StopAsyncIteration; "
				   "next raised TypeError 'async_generator' object is not an iterator; ");
	assert_int_equal(coro_census().bodies, 0);
}

static void a_step_that_is_never_used_is_reported(void **state)
{
	struct coro_generator *generator = coro_async_generator(just_yield, CORO_NONE);
	struct coro_async_step *step = coro_aclose_step(generator);

	coro_set_report_handler(journal_report, NULL);
	journal_length = 0;
	coro_free(generator);
	coro_async_step_free(step);
	coro_set_report_handler(NULL, NULL);
	assert_journal("report 1 RuntimeWarning: coroutine method 'aclose' of 'just_yield' was never "
				   "awaited; ");
	assert_int_equal(coro_census().bodies, 0);
}

static coro_value return_two(coro_value unused)
{
	return coro_int(2);
}

static coro_value await_a_held_one(coro_value unused)
{
	struct coro_generator *held = coro_coroutine(return_two, CORO_NONE);

	coro_hold(held);
	note_value("first", coro_await(held));
	note("finished %d", coro_finished(held));
	note_value("second", coro_await(held));
	coro_free(held);
	return CORO_NONE;
}

static void a_coroutine_that_is_held_can_be_looked_at_after_its_await(void **state)
{
	assert_false(coro_raised(run(await_a_held_one, CORO_NONE)));
	assert_journal("first 2; finished 1; second raised RuntimeError cannot reuse already awaited "
				   "coroutine; ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_go_to_the_consumer_and_waits_to_the_loop),
		cmocka_unit_test(asend_needs_a_yield_and_aclose_ends_it),
		cmocka_unit_test(athrow_raises_at_the_yield),
		cmocka_unit_test(only_one_step_at_a_time),
		cmocka_unit_test(one_that_is_dropped_is_closed_by_the_loop),
		cmocka_unit_test(what_is_left_is_closed_when_asked),
		cmocka_unit_test(the_end_of_the_loop_closes_what_is_left),
		cmocka_unit_test(a_step_is_driven_by_hand_and_used_once),
		cmocka_unit_test(a_step_that_is_never_used_is_reported),
		cmocka_unit_test(a_coroutine_that_is_held_can_be_looked_at_after_its_await),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
