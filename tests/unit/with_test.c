/*
 * with_test.c - sections with an end: what blocks do that Python's do not have. The rest is
 * compared with Python in tests/behave/with_blocks.c.
 */
#include "journal.h"

/* A manager that writes down what happens; its exit gives `answer`. */
static coro_value answer;

static coro_value begin(void *label)
{
	note("enter %s", (const char *)label);
	return CORO_NONE;
}

static coro_value end(void *label, coro_value raised)
{
	char text[64];

	snprintf(text, sizeof(text), "exit %s", (const char *)label);
	note_value(text, raised);
	return answer;
}

static coro_value end_raising(void *label, coro_value raised)
{
	end(label, raised);
	return coro_raise(CORO_OSError, "exit of %s", (const char *)label);
}

static coro_value refuse(void *label)
{
	note("refuse %s", (const char *)label);
	return coro_raise(CORO_OSError, "enter of %s", (const char *)label);
}

static const struct coro_context_manager a = {begin, end, (void *)"a"},
										 b = {begin, end, (void *)"b"},
										 bad_end = {begin, end_raising, (void *)"bad"},
										 bad_begin = {refuse, end, (void *)"bad"};

static int prepare(void **state)
{
	journal_length = 0;
	journal[0] = 0;
	answer = CORO_NONE;
	coro_set_report_handler(journal_report, NULL);
	return 0;
}

static int tidy(void **state)
{
	coro_handled();
	coro_set_report_handler(NULL, NULL);
	return 0;
}

#define sentence(name) cmocka_unit_test_setup_teardown(name, prepare, tidy)

static coro_value fails(void)
{
	return coro_raise(CORO_ValueError, "body");
}

/* ---- Ways out ----------------------------------------------------------- */

static coro_value return_within(coro_value value)
{
	CORO_WITH (a) {
		CORO_WITH (b)
			return value;
	}
	return CORO_NONE;
}

static void a_plain_return_runs_the_exits_after_its_value_was_made(void **state)
{
	assert_int_equal(coro_as_int(return_within(coro_int(7))), 7);
	assert_journal("enter a; enter b; exit b None; exit a None; ");
	assert_true(coro_is(return_within(fails()), CORO_ValueError));
	assert_journal("enter a; enter b; exit b None; exit a None; ");
}

static coro_value return_from_bad_end(coro_value value)
{
	CORO_WITH (bad_end)
		return value;
	return CORO_NONE;
}

static void what_an_exit_raises_after_a_plain_return_is_reported(void **state)
{
	assert_int_equal(coro_as_int(return_from_bad_end(coro_int(7))), 7);
	assert_journal("enter bad; exit bad None; report 2 OSError; ");
}

static coro_value coro_return_from_bad_end(coro_value value)
{
	CORO_WITH (bad_end)
		CORO_RETURN(value);
	return CORO_NONE;
}

static void what_an_exit_raises_is_returned_instead_by_coro_return(void **state)
{
	coro_value result = coro_return_from_bad_end(coro_int(7));

	assert_true(coro_is(result, CORO_OSError));
	assert_true(coro_is_none(coro_context(result)));
	assert_journal("enter bad; exit bad None; ");
	coro_handled();
	result = coro_return_from_bad_end(fails());
	assert_true(coro_is(result, CORO_OSError));
	assert_true(coro_is(coro_context(result), CORO_ValueError));
	assert_journal("enter bad; exit bad raised ValueError body; ");
}

static coro_value coro_return_outside(coro_value value)
{
	CORO_WITH (a)
		note("block");
	CORO_RETURN(value);
}

static void coro_return_outside_of_blocks_is_return(void **state)
{
	assert_int_equal(coro_as_int(coro_return_outside(coro_int(7))), 7);
	assert_journal("enter a; block; exit a None; ");
}

static coro_value jump(void)
{
	int rounds = 0;

again:
	CORO_WITH (a) {
		if (rounds++ < 1)
			goto again;
		goto behind;
	}
	note("never");
behind:
	note("behind");
	return CORO_NONE;
}

static void a_goto_out_of_the_block_runs_its_exit(void **state)
{
	jump();
	assert_journal("enter a; exit a None; enter a; exit a None; behind; ");
}

static coro_value leave_rounds(void)
{
	for (int i = 0; i < 3; i++) {
		CORO_WITH (a) {
			for (;;) {
				note("inner loop");
				break;
			}
			if (i == 0)
				continue;
			if (i == 1)
				break;
			note("end");
		}
		note("round %d", i);
	}
	return CORO_NONE;
}

static void break_and_continue_leave_the_block_and_not_a_loop_around_it(void **state)
{
	leave_rounds();
	assert_journal("enter a; inner loop; exit a None; round 0; "
				   "enter a; inner loop; exit a None; round 1; "
				   "enter a; inner loop; end; exit a None; round 2; ");
}

static coro_value leave_loops(void)
{
	CORO_WITH (a) {
		for (int i = 0;; i++) {
			switch (i) {
			case 2:
				CORO_WITH (b)
					CORO_TRY(fails());
				break;
			default:
				note("%d", i);
			}
		}
	}
	return CORO_NONE;
}

static void coro_try_leaves_all_blocks_and_loops_of_its_function(void **state)
{
	assert_true(coro_is(leave_loops(), CORO_ValueError));
	assert_journal("enter a; 0; 1; enter b; exit b raised ValueError body; "
				   "exit a raised ValueError body; ");
}

static coro_value inner_function(void)
{
	CORO_TRY(fails());
	return CORO_NONE;
}

static coro_value catch_within(void)
{
	CORO_WITH (a) {
		coro_value result = inner_function();

		assert_true(coro_is(result, CORO_ValueError));
		note("caught");
		coro_handled();
	}
	return CORO_NONE;
}

static void coro_try_in_a_function_that_the_block_calls_leaves_only_that(void **state)
{
	assert_true(coro_is_none(catch_within()));
	assert_journal("enter a; caught; exit a None; ");
}

/* ---- Enter -------------------------------------------------------------- */

static coro_value enter_badly(void)
{
	CORO_WITH (a) {
		CORO_WITH (bad_begin)
			note("never");
		note("never");
	}
	return CORO_NONE;
}

static void an_enter_that_raises_skips_its_block_and_leaves_those_around_it(void **state)
{
	coro_value result = enter_badly();

	assert_true(coro_is(result, CORO_OSError));
	assert_string_equal(coro_message(result), "enter of bad");
	assert_journal("enter a; refuse bad; exit a raised OSError enter of bad; ");
}

static struct coro_context_manager make_manager(void)
{
	note("manager");
	return a;
}

static coro_value make_once(void)
{
	CORO_WITH (make_manager())
		note("block");
	return CORO_NONE;
}

static void the_manager_is_evaluated_once(void **state)
{
	make_once();
	assert_journal("manager; enter a; block; exit a None; ");
}

/* ---- Swallowing --------------------------------------------------------- */

static coro_value swallow_in_block(void)
{
	CORO_WITH (b) {
		CORO_WITH (a)
			CORO_TRY(fails());
		note("never");
	}
	return CORO_NONE;
}

static void a_block_whose_exit_swallows_an_exception_says_that_it_cannot(void **state)
{
	coro_value result;

	answer = coro_bool(true);
	result = swallow_in_block();
	assert_true(coro_is(result, CORO_RuntimeError));
	assert_journal("enter b; enter a; exit a raised ValueError body; "
				   "exit b raised RuntimeError a block cannot go on after its exit has swallowed "
				   "ValueError: use coro_with(); ");
}

static coro_value body(coro_value unused)
{
	return fails();
}

static void a_call_whose_exit_swallows_an_exception_gives_none_and_it_is_handled(void **state)
{
	coro_handled();
	answer = coro_int(1);
	assert_true(coro_is_none(coro_with(a, body, CORO_NONE)));
	assert_true(coro_is_none(coro_handled_exception()));
	answer = coro_str("");
	assert_true(coro_is(coro_with(a, body, CORO_NONE), CORO_ValueError));
	assert_true(coro_is(coro_handled_exception(), CORO_ValueError));
}

/* ---- Bodies that are closed --------------------------------------------- */

static coro_value yields_within(coro_value unused)
{
	CORO_WITH (a)
		for (int i = 0;; i++)
			CORO_TRY(coro_yield(coro_int(i)));
	return CORO_NONE;
}

static void a_generator_that_is_freed_within_a_block_runs_its_exit(void **state)
{
	struct coro_generator *generator = coro_generator(yields_within, CORO_NONE);

	coro_next(generator);
	coro_next(generator);
	coro_free(generator);
	assert_journal("enter a; exit a raised GeneratorExit; ");
}

static coro_value waits_for_lock(coro_value lock)
{
	CORO_ASYNC_WITH ((struct coro_lock *)coro_as_object(lock)) {
		note("locked");
		CORO_TRY(coro_sleep(1));
		note("never");
	}
	return CORO_NONE;
}

static coro_value cancel_within(coro_value unused)
{
	struct coro_lock *lock = coro_lock_new("lock");
	struct coro_task *first =
		coro_spawn(waits_for_lock, coro_object((struct coro_object *)lock), NULL);
	struct coro_task *second =
		coro_spawn(waits_for_lock, coro_object((struct coro_object *)lock), NULL);

	CORO_TRY(coro_sleep(0.1));
	coro_task_cancel(second, NULL);
	CORO_TRY(coro_sleep(0.1));
	assert_true(coro_lock_locked(lock));
	coro_task_cancel(first, NULL);
	CORO_TRY(coro_sleep(0.1));
	assert_false(coro_lock_locked(lock));
	coro_task_free(first);
	coro_task_free(second);
	coro_lock_free(lock);
	return CORO_NONE;
}

static void a_task_cancelled_while_it_enters_does_not_exit(void **state)
{
	assert_true(coro_is_none(run(cancel_within, CORO_NONE)));
	assert_journal("locked; ");
}

/* ---- Exits that await --------------------------------------------------- */

static coro_value abegin(void *label)
{
	return begin(label);
}

static coro_value aend(void *label, coro_value raised)
{
	coro_value slept = coro_sleep(1);

	note_value("slept", slept);
	end(label, raised);
	return coro_raised(slept) ? slept : CORO_NONE;
}

static coro_value returns_while_exit_awaits(coro_value unused)
{
	const struct coro_async_context_manager slow = {abegin, aend, (void *)"slow"};

	CORO_ASYNC_WITH (slow)
		return coro_str("returned");
	return CORO_NONE;
}

static coro_value tick(coro_value unused)
{
	CORO_TRY(coro_sleep(0.5));
	note("tick");
	return CORO_NONE;
}

static coro_value await_in_exit(coro_value unused)
{
	struct coro_task *task = coro_spawn(returns_while_exit_awaits, CORO_NONE, NULL);
	struct coro_task *other = coro_spawn(tick, CORO_NONE, NULL);

	note_value("task", coro_await(task));
	coro_task_free(task);
	coro_task_free(other);
	return CORO_NONE;
}

static void an_exit_may_await_also_after_a_plain_return(void **state)
{
	run(await_in_exit, CORO_NONE);
	assert_journal("enter slow; tick; slept None; exit slow None; task 'returned'; ");
}

static coro_value cancel_exit(coro_value unused)
{
	struct coro_task *task = coro_spawn(returns_while_exit_awaits, CORO_NONE, NULL);

	CORO_TRY(coro_sleep(0.5));
	coro_task_cancel(task, NULL);
	note_value("task", coro_await(task));
	coro_task_free(task);
	return CORO_NONE;
}

static void a_cancellation_that_hits_the_exit_of_a_plain_return_is_reported(void **state)
{
	run(cancel_exit, CORO_NONE);
	assert_journal("enter slow; slept raised CancelledError; exit slow None; report 2 "
				   "CancelledError; task 'returned'; ");
}

static coro_value outside(void)
{
	struct coro_lock *lock = coro_lock_new("lock");
	coro_value result = coro_async_with(lock, body, CORO_NONE);

	coro_lock_free(lock);
	return result;
}

static void async_with_needs_a_coroutine(void **state)
{
	assert_true(coro_is(outside(), CORO_RuntimeError));
}

static coro_value closes_wrong_kind(void)
{
	struct coro_generator *wrong = coro_async_generator(yields_within, CORO_NONE);
	coro_value result = coro_with(coro_closing(wrong), body, CORO_NONE);

	coro_free(wrong);
	return result;
}

static void closing_of_an_async_generator_is_refused(void **state)
{
	coro_value result = closes_wrong_kind();

	assert_true(coro_is(result, CORO_AttributeError));
	assert_string_equal(coro_message(result), "'async_generator' object has no attribute 'close'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		sentence(a_plain_return_runs_the_exits_after_its_value_was_made),
		sentence(what_an_exit_raises_after_a_plain_return_is_reported),
		sentence(what_an_exit_raises_is_returned_instead_by_coro_return),
		sentence(coro_return_outside_of_blocks_is_return),
		sentence(a_goto_out_of_the_block_runs_its_exit),
		sentence(break_and_continue_leave_the_block_and_not_a_loop_around_it),
		sentence(coro_try_leaves_all_blocks_and_loops_of_its_function),
		sentence(coro_try_in_a_function_that_the_block_calls_leaves_only_that),
		sentence(an_enter_that_raises_skips_its_block_and_leaves_those_around_it),
		sentence(the_manager_is_evaluated_once),
		sentence(a_block_whose_exit_swallows_an_exception_says_that_it_cannot),
		sentence(a_call_whose_exit_swallows_an_exception_gives_none_and_it_is_handled),
		sentence(a_generator_that_is_freed_within_a_block_runs_its_exit),
		sentence(a_task_cancelled_while_it_enters_does_not_exit),
		sentence(an_exit_may_await_also_after_a_plain_return),
		sentence(a_cancellation_that_hits_the_exit_of_a_plain_return_is_reported),
		sentence(async_with_needs_a_coroutine),
		sentence(closing_of_an_async_generator_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
