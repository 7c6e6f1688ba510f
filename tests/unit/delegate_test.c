/*
 * delegate_test.c - rules Y1 to Y6 and C1 to C8: yield from, and coroutines.
 */
#include "runtime_check.h"

static coro_value counts(coro_value limit)
{
	for (int64_t i = 0; i < coro_as_int(limit); i++) {
		coro_value got = coro_yield(coro_int(i));

		if (coro_is(got, CORO_KeyError)) {
			note("inner handles ");
			continue;
		}
		if (coro_raised(got)) {
			note("inner %s ", coro_exception_type(got)->name);
			return got;
		}
		if (!coro_is_none(got))
			note("inner got %d ", (int)coro_as_int(got));
	}
	return coro_int(50);
}

/* yield from what the argument holds; 1000 + its result. */
static coro_value delegates(coro_value inner)
{
	coro_value result = coro_yield_from(inner);

	if (coro_raised(result)) {
		note("outer %s ", coro_exception_type(result)->name);
		return result;
	}
	return coro_int(coro_is_none(result) ? 1000 : 1000 + coro_as_int(result));
}

static coro_value nested(coro_value depth)
{
	CORO_AUTO struct coro_generator *inner =
		coro_as_int(depth) ? coro_generator(nested, coro_int(coro_as_int(depth) - 1))
						   : coro_generator(counts, coro_int(3));
	coro_value result = CORO_TRY(coro_yield_from(inner));

	return coro_int(coro_as_int(result) + 1);
}

/* Y1 */
static coro_value delegates_to_array(coro_value unused)
{
	const coro_value values[] = {coro_int(10), coro_int(20)};

	return coro_yield_from_array(values, 2);
}

static void an_array_delegates_with_next_alone_and_gives_none(void **state)
{
	CORO_AUTO struct coro_generator *g = coro_generator(delegates_to_array, CORO_NONE);

	assert_int_value(coro_next(g), 10);
	assert_int_value(coro_next(g), 20);
	assert_stops(coro_next(g));
}

/* Y2 */
static void sending_to_a_delegated_array_is_an_attribute_error_in_the_outer(void **state)
{
	CORO_AUTO struct coro_generator *g = coro_generator(delegates_to_array, CORO_NONE);

	coro_next(g);
	assert_raises(coro_send(g, coro_int(1)), CORO_AttributeError,
				  "'list_iterator' object has no attribute 'send'");
}

static void what_is_sent_goes_to_the_innermost(void **state)
{
	CORO_AUTO struct coro_generator *inner = coro_generator(counts, coro_int(2));
	CORO_AUTO struct coro_generator *outer = coro_generator(delegates, coro_object(inner));

	assert_int_value(coro_next(outer), 0);
	assert_ptr_equal(coro_delegate(outer), inner);
	assert_int_equal(coro_state(outer), CORO_STATE_SUSPENDED);
	assert_int_value(coro_send(outer, coro_int(7)), 1);
	assert_stops_with(coro_send(outer, coro_int(8)), 1050);
	assert_string_equal(diary, "inner got 7 inner got 8 ");
	assert_null(coro_delegate(outer));
}

static void a_hundred_levels_are_one_resume(void **state)
{
	CORO_AUTO struct coro_generator *g = coro_generator(nested, coro_int(100));

	assert_int_value(coro_next(g), 0);
	assert_ptr_not_equal(inside(g)->leaf, inside(g));
	assert_null(inside(g)->leaf->delegate);
	assert_int_value(coro_send(g, coro_int(5)), 1);
	assert_int_value(coro_next(g), 2);
	assert_stops_with(coro_next(g), 151);
	assert_string_equal(diary, "inner got 5 ");
}

/* Y3 */
static void throw_goes_to_the_innermost_first(void **state)
{
	CORO_AUTO struct coro_generator *g = coro_generator(nested, coro_int(3));

	coro_next(g);
	assert_int_value(coro_throw(g, coro_error(CORO_KeyError, "k")), 1);
	assert_raises(coro_throw(g, coro_error(CORO_OSError, "o")), CORO_OSError, "o");
	assert_string_equal(diary, "inner handles inner OSError ");
	assert_int_equal(coro_state(g), CORO_STATE_FAILED);
}

static coro_value returns_on_throw(coro_value unused)
{
	coro_value got = coro_yield(coro_int(1));

	return coro_raised(got) ? coro_int(9) : got;
}

static coro_value delegates_then_yields(coro_value inner)
{
	coro_value result = CORO_TRY(coro_yield_from(inner));

	CORO_TRY(coro_yield(coro_int(coro_as_int(result) * 2)));
	return CORO_NONE;
}

static void a_return_in_answer_to_a_throw_ends_that_delegation_alone(void **state)
{
	CORO_AUTO struct coro_generator *inner = coro_generator(returns_on_throw, CORO_NONE);
	CORO_AUTO struct coro_generator *outer =
		coro_generator(delegates_then_yields, coro_object(inner));

	coro_next(outer);
	assert_int_value(coro_throw(outer, coro_error(CORO_ValueError, "v")), 18);
	assert_stops(coro_next(outer));
}

/* Y4 */
static void close_closes_the_innermost_first(void **state)
{
	CORO_AUTO struct coro_generator *inner = coro_generator(counts, coro_int(3));
	CORO_AUTO struct coro_generator *outer = coro_generator(delegates, coro_object(inner));

	coro_next(outer);
	assert_none(coro_close(outer));
	assert_string_equal(diary, "inner GeneratorExit outer GeneratorExit ");
	assert_true(coro_finished(inner));
	assert_true(coro_finished(outer));
}

static coro_value returns_on_exit(coro_value unused)
{
	coro_value got = coro_yield(coro_int(1));

	note("inner %s ", coro_exception_type(got)->name);
	return coro_int(5);
}

static void what_the_inner_returns_to_close_is_dropped(void **state)
{
	CORO_AUTO struct coro_generator *inner = coro_generator(returns_on_exit, CORO_NONE);
	CORO_AUTO struct coro_generator *outer = coro_generator(delegates, coro_object(inner));

	coro_next(outer);
	assert_none(coro_close(outer));
	assert_string_equal(diary, "inner GeneratorExit outer GeneratorExit ");
}

static coro_value ignores_exit(coro_value unused)
{
	for (int64_t i = 0;; i++)
		if (coro_is(coro_yield(coro_int(i)), CORO_KeyError))
			return CORO_NONE;
}

static void an_inner_that_ignores_its_exit_raises_in_the_outer(void **state)
{
	CORO_AUTO struct coro_generator *inner = coro_generator(ignores_exit, CORO_NONE);
	CORO_AUTO struct coro_generator *outer = coro_generator(delegates, coro_object(inner));

	coro_next(outer);
	assert_raises(coro_close(outer), CORO_RuntimeError, "generator ignored GeneratorExit");
	assert_string_equal(diary, "outer RuntimeError ");
	assert_true(coro_finished(outer));
	assert_int_equal(coro_state(inner), CORO_STATE_SUSPENDED);
	assert_stops(coro_throw(inner, coro_error(CORO_KeyError, "k")));
}

static coro_value raises_on_exit(coro_value unused)
{
	CORO_EXCEPT(coro_yield(coro_int(1)), CORO_GeneratorExit)
	return coro_raise(CORO_OSError, "in cleanup");
	return CORO_NONE;
}

static void an_exception_of_the_inner_close_replaces_the_exit(void **state)
{
	CORO_AUTO struct coro_generator *inner = coro_generator(raises_on_exit, CORO_NONE);
	CORO_AUTO struct coro_generator *outer = coro_generator(delegates, coro_object(inner));

	coro_next(outer);
	assert_raises(coro_close(outer), CORO_OSError, "in cleanup");
	assert_string_equal(diary, "outer OSError ");
}

static coro_value yields_after_exit(coro_value inner)
{
	coro_value result = coro_yield_from(inner);

	note("outer %s ", coro_exception_type(result)->name);
	return CORO_TRY(coro_yield(coro_str("alive")));
}

static void a_thrown_generator_exit_closes_the_inner_then_is_raised_in_the_outer(void **state)
{
	CORO_AUTO struct coro_generator *inner = coro_generator(returns_on_exit, CORO_NONE);
	CORO_AUTO struct coro_generator *outer = coro_generator(yields_after_exit, coro_object(inner));

	coro_next(outer);
	assert_string_equal(coro_as_str(coro_throw(outer, coro_error(CORO_GeneratorExit, "%s", ""))),
						"alive");
	assert_string_equal(diary, "inner GeneratorExit outer GeneratorExit ");
	assert_stops(coro_next(outer));
}

static struct coro_generator *top;

static coro_value resumes_the_top_when_closed(coro_value unused)
{
	coro_value got = coro_yield(coro_int(1));

	assert_int_equal(coro_state(top), CORO_STATE_RUNNING);
	assert_raises(coro_next(top), CORO_ValueError, "generator already executing");
	return got;
}

static void those_who_wait_for_an_inner_close_count_as_running(void **state)
{
	CORO_AUTO struct coro_generator *inner = coro_generator(resumes_the_top_when_closed, CORO_NONE);
	CORO_AUTO struct coro_generator *middle = coro_generator(delegates, coro_object(inner));
	CORO_AUTO struct coro_generator *outer = coro_generator(delegates, coro_object(middle));

	top = outer;
	coro_next(outer);
	assert_none(coro_close(outer));
	assert_string_equal(diary, "outer GeneratorExit outer GeneratorExit ");
}

/* Y5 */
static coro_value resumes_the_top(coro_value unused)
{
	coro_value outcome;

	assert_int_equal(coro_state(top), CORO_STATE_RUNNING);
	outcome = coro_next(top);
	assert_raises(outcome, CORO_ValueError, "generator already executing");
	return CORO_TRY(coro_yield(coro_int(3)));
}

static void the_whole_chain_counts_as_executing(void **state)
{
	CORO_AUTO struct coro_generator *inner = coro_generator(resumes_the_top, CORO_NONE);
	CORO_AUTO struct coro_generator *middle = coro_generator(delegates, coro_object(inner));
	CORO_AUTO struct coro_generator *outer = coro_generator(delegates, coro_object(middle));

	top = outer;
	assert_int_value(coro_next(outer), 3);
	assert_int_equal(coro_state(outer), CORO_STATE_SUSPENDED);
	assert_stops_with(coro_next(outer), 2000);
}

static coro_value delegates_to_itself(coro_value unused)
{
	return coro_yield_from(top);
}

static void delegating_to_oneself_is_a_value_error(void **state)
{
	CORO_AUTO struct coro_generator *g = coro_generator(delegates_to_itself, CORO_NONE);

	top = g;
	assert_raises(coro_next(g), CORO_ValueError, "generator already executing");
}

static void an_inner_may_be_advanced_by_others(void **state)
{
	CORO_AUTO struct coro_generator *inner = coro_generator(counts, coro_int(4));
	CORO_AUTO struct coro_generator *outer = coro_generator(delegates, coro_object(inner));

	assert_int_value(coro_next(outer), 0);
	assert_int_value(coro_next(inner), 1);
	assert_int_value(coro_next(outer), 2);
	assert_int_value(coro_next(inner), 3);
	assert_stops_with(coro_next(inner), 50);
	/* The outer finds its delegate finished: next() of that stops without a value. */
	assert_stops_with(coro_next(outer), 1000);
}

static void an_inner_may_be_closed_by_others(void **state)
{
	CORO_AUTO struct coro_generator *inner = coro_generator(counts, coro_int(4));
	CORO_AUTO struct coro_generator *outer = coro_generator(delegates, coro_object(inner));

	coro_next(outer);
	assert_none(coro_close(inner));
	assert_stops_with(coro_send(outer, coro_int(3)), 1000);
}

static void an_exception_thrown_at_a_delegate_that_is_finished_is_raised_in_the_outer(void **state)
{
	CORO_AUTO struct coro_generator *inner = coro_generator(counts, coro_int(4));
	CORO_AUTO struct coro_generator *outer = coro_generator(delegates, coro_object(inner));

	coro_next(outer);
	coro_close(inner);
	assert_raises(coro_throw(outer, coro_error(CORO_KeyError, "k")), CORO_KeyError, "k");
	assert_string_equal(diary, "inner GeneratorExit outer KeyError ");
}

static void an_inner_may_be_freed_while_somebody_delegates_to_it(void **state)
{
	struct coro_generator *inner = coro_generator(counts, coro_int(4));
	CORO_AUTO struct coro_generator *outer = coro_generator(delegates, coro_object(inner));

	coro_next(outer);
	coro_free(inner);
	assert_stops_with(coro_next(outer), 1000);
}

static void two_may_delegate_to_one(void **state)
{
	CORO_AUTO struct coro_generator *inner = coro_generator(nested, coro_int(2));
	CORO_AUTO struct coro_generator *left = coro_generator(delegates, coro_object(inner));
	CORO_AUTO struct coro_generator *right = coro_generator(delegates, coro_object(inner));

	assert_int_value(coro_next(left), 0);
	assert_int_value(coro_next(right), 1);
	assert_int_value(coro_next(left), 2);
	assert_stops_with(coro_next(right), 1053);
	assert_stops_with(coro_next(left), 1000);
}

static void the_middle_of_a_chain_may_be_resumed_and_the_top_sees_it(void **state)
{
	CORO_AUTO struct coro_generator *bottom = coro_generator(counts, coro_int(1));
	CORO_AUTO struct coro_generator *middle =
		coro_generator(delegates_then_yields, coro_object(bottom));
	CORO_AUTO struct coro_generator *outer = coro_generator(delegates, coro_object(middle));

	assert_int_value(coro_next(outer), 0);
	/* Resumed in the middle, the chain gets shorter. */
	assert_int_value(coro_next(middle), 100);
	assert_stops_with(coro_next(outer), 1000);
}

static coro_value drives_the_top(coro_value unused)
{
	CORO_TRY(coro_yield(coro_int(1)));
	return coro_next(top);
}

static void a_delegate_that_is_running_raises_in_its_delegator(void **state)
{
	CORO_AUTO struct coro_generator *inner = coro_generator(drives_the_top, CORO_NONE);
	CORO_AUTO struct coro_generator *outer = coro_generator(delegates, coro_object(inner));

	top = outer;
	assert_int_value(coro_next(outer), 1);
	/* inner runs as its own, resumes outer, whose delegate is inner. */
	assert_raises(coro_next(inner), CORO_ValueError, "generator already executing");
	assert_string_equal(diary, "outer ValueError ");
	assert_true(coro_finished(outer));
}

/* Y6 */
static void a_finished_inner_gives_none_at_once(void **state)
{
	CORO_AUTO struct coro_generator *inner = coro_generator(counts, coro_int(0));
	CORO_AUTO struct coro_generator *outer = coro_generator(delegates, coro_object(inner));

	assert_stops_with(coro_next(inner), 50);
	assert_stops_with(coro_next(outer), 1000);
}

static void yield_from_of_a_number_is_a_type_error(void **state)
{
	CORO_AUTO struct coro_generator *outer = coro_generator(delegates, coro_int(3));

	assert_raises(coro_next(outer), CORO_TypeError, "'int' object is not iterable");
}

/* ---- Coroutines -------------------------------------------------------- */

static coro_value suspends(coro_value value)
{
	coro_value got = coro__suspend(value, CORO__SITE);

	if (coro_raised(got))
		note("raised %s ", coro_exception_type(got)->name);
	return got;
}

static coro_value awaits(coro_value awaitable)
{
	return coro_await(awaitable);
}

static coro_value awaits_suspends(coro_value value)
{
	coro_value got = CORO_TRY(coro_await(coro_coroutine(suspends, value)));

	return coro_int(coro_as_int(got) + 1);
}

static coro_value returns(coro_value value)
{
	return value;
}

static coro_value leaks_stop(coro_value unused)
{
	return coro_raise(CORO_StopIteration, "%s", "");
}

/* C1 */
static void a_coroutine_is_not_iterable(void **state)
{
	CORO_AUTO struct coro_generator *c = coro_coroutine(returns, coro_int(1));

	assert_raises(coro_next(c), CORO_TypeError, "'coroutine' object is not an iterator");
	assert_stops_with(coro_send(c, CORO_NONE), 1);
}

static void a_coroutine_cannot_be_yielded_from_nor_yield(void **state)
{
	CORO_AUTO struct coro_generator *c = coro_coroutine(delegates_to_array, CORO_NONE);
	CORO_AUTO struct coro_generator *g = coro_generator(delegates, coro_object(c));

	assert_raises(coro_next(g), CORO_TypeError,
				  "cannot 'yield from' a coroutine object in a non-coroutine generator");
	coro_close(c);
}

/* C2 */
static void texts_say_coroutine(void **state)
{
	CORO_AUTO struct coro_generator *c = coro_coroutine(suspends, coro_int(1));
	CORO_AUTO struct coro_generator *stop = coro_coroutine(leaks_stop, CORO_NONE);
	CORO_AUTO struct coro_generator *ignores = coro_coroutine(suspends, coro_int(1));

	assert_raises(coro_send(c, coro_int(1)), CORO_TypeError,
				  "can't send non-None value to a just-started coroutine");
	assert_raises(coro_send(stop, CORO_NONE), CORO_RuntimeError, "coroutine raised StopIteration");
	coro_close(c);
	coro_close(ignores);
}

/* C3 */
static void a_finished_coroutine_cannot_be_used_again(void **state)
{
	CORO_AUTO struct coro_generator *c = coro_coroutine(returns, coro_int(1));
	CORO_AUTO struct coro_generator *outer = coro_coroutine(awaits, coro_object(c));

	assert_stops_with(coro_send(c, CORO_NONE), 1);
	assert_raises(coro_send(c, CORO_NONE), CORO_RuntimeError,
				  "cannot reuse already awaited coroutine");
	assert_raises(coro_throw(c, coro_error(CORO_KeyError, "k")), CORO_RuntimeError,
				  "cannot reuse already awaited coroutine");
	assert_none(coro_close(c));
	assert_raises(coro_send(outer, CORO_NONE), CORO_RuntimeError,
				  "cannot reuse already awaited coroutine");
}

/* C4 */
static void a_coroutine_that_was_never_awaited_is_reported(void **state)
{
	coro_free(coro_coroutine(returns, CORO_NONE));
	assert_string_equal(reports, "1 RuntimeWarning: coroutine 'returns' was never awaited;");
}

static void a_coroutine_that_was_closed_is_not_reported(void **state)
{
	struct coro_generator *c = coro_coroutine(returns, CORO_NONE);

	coro_close(c);
	coro_free(c);
	assert_string_equal(reports, "");
}

/* C5 */
static void a_coroutine_cannot_be_awaited_twice_at_once(void **state)
{
	struct coro_generator *c = coro_coroutine(suspends, coro_int(1));
	CORO_AUTO struct coro_generator *first = coro_coroutine(awaits, coro_object(c));
	CORO_AUTO struct coro_generator *second = coro_coroutine(awaits, coro_object(c));

	assert_int_value(coro_send(first, CORO_NONE), 1);
	assert_raises(coro_send(second, CORO_NONE), CORO_RuntimeError,
				  "coroutine is being awaited already");
	assert_stops_with(coro_send(first, coro_int(4)), 4);
}

/* C6 */
static void await_runs_the_coroutine_inline_and_consumes_it(void **state)
{
	CORO_AUTO struct coro_generator *c = coro_coroutine(awaits_suspends, coro_int(7));

	assert_int_value(coro_send(c, CORO_NONE), 7);
	assert_int_equal(coro_census().bodies, 2);
	assert_stops_with(coro_send(c, coro_int(8)), 9);
	assert_int_equal(coro_census().bodies, 1);
}

static void closing_closes_what_is_awaited_first(void **state)
{
	CORO_AUTO struct coro_generator *c = coro_coroutine(awaits_suspends, coro_int(7));

	coro_send(c, CORO_NONE);
	assert_none(coro_close(c));
	assert_string_equal(diary, "raised GeneratorExit ");
}

/* C7 */
/* Python: A and B of this test, as generators that yield from each other. */
static struct coro_generator *ring_a, *ring_b;

static coro_value delegates_to_b(coro_value unused)
{
	coro_value got;

	CORO_TRY(coro_yield(coro_int(1)));
	got = CORO_TRY(coro_yield_from(ring_b));
	note("a got %d;", (int)coro_as_int(got));
	return coro_yield(coro_int(2));
}

static coro_value delegates_to_a(coro_value unused)
{
	coro_value result = coro_yield_from(ring_a);

	assert_raises(result, CORO_ValueError, "generator already executing");
	coro_handled();
	result = CORO_TRY(coro_yield(coro_int(11)));
	note("b got %d;", (int)coro_as_int(result));
	return coro_int(12);
}

static void those_who_delegate_to_each_other_are_no_ring(void **state)
{
	ring_a = coro_generator(delegates_to_b, CORO_NONE);
	ring_b = coro_generator(delegates_to_a, CORO_NONE);
	assert_int_value(coro_next(ring_b), 1);
	assert_int_value(coro_next(ring_a), 11);
	assert_int_value(coro_send(ring_a, coro_int(5)), 2);
	assert_string_equal(diary, "b got 5;a got 12;");
	assert_null(coro_delegate(ring_a));
	assert_true(coro_finished(ring_b));
	coro_free(ring_a);
	coro_free(ring_b);
}

static void awaiting_what_is_not_awaitable_is_a_type_error(void **state)
{
	CORO_AUTO struct coro_generator *g = coro_generator(counts, coro_int(1));
	const coro_value values[] = {coro_int(1), CORO_NONE, coro_str("x"), coro_object(g)};
	const char *const texts[] = {
		"object int can't be used in 'await' expression",
		"object NoneType can't be used in 'await' expression",
		"object str can't be used in 'await' expression",
		"object generator can't be used in 'await' expression",
	};

	for (size_t i = 0; i < 4; i++) {
		CORO_AUTO struct coro_generator *c = coro_coroutine(awaits, values[i]);

		assert_raises(coro_send(c, CORO_NONE), CORO_TypeError, texts[i]);
	}
}

static void await_outside_of_a_coroutine_is_an_error(void **state)
{
	CORO_AUTO struct coro_generator *c = coro_coroutine(returns, CORO_NONE);

	assert_raises(coro_await(c), CORO_RuntimeError, "await outside a coroutine");
	coro_close(c);
}

/* What tasks use. */
static void a_raw_resume_gives_the_outcome_itself(void **state)
{
	CORO_AUTO struct coro_generator *c = coro_coroutine(awaits_suspends, coro_int(7));
	enum coro__outcome outcome;
	coro_value value = coro__resume(inside(c), 77, CORO_NONE, 0, &outcome);

	assert_int_equal(outcome, CORO__YIELDED);
	assert_int_value(value, 7);
	value = coro__resume(inside(c), 77, coro_int(1), 0, &outcome);
	assert_int_equal(outcome, CORO__RETURNED);
	assert_int_value(value, 2);
	value = coro__resume(inside(c), 77, CORO_NONE, 0, &outcome);
	assert_int_equal(outcome, CORO__FAILED);
	assert_raises(value, CORO_RuntimeError, "cannot reuse already awaited coroutine");
}

static void a_raw_resume_leaves_nothing_to_be_handled(void **state)
{
	CORO_AUTO struct coro_generator *c = coro_coroutine(awaits_suspends, coro_int(7));
	enum coro__outcome outcome;
	coro_value cancel = coro__exception_new(CORO_CancelledError, "stop"), value;

	coro__resume(inside(c), 0, CORO_NONE, 0, &outcome);
	value = coro__resume(inside(c), 0, cancel, 0, &outcome);
	coro_drop(cancel);
	assert_int_equal(outcome, CORO__FAILED);
	assert_raises(value, CORO_CancelledError, "stop");
	assert_int_equal(coro_state(c), CORO_STATE_CANCELLED);
	assert_none(coro_handled_exception());
}

static void a_task_wants_a_coroutine(void **state)
{
	CORO_AUTO struct coro_generator *g = coro_generator(counts, coro_int(1));

	assert_true(coro_is(coro__consume(inside(g)), CORO_TypeError));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		sentence(an_array_delegates_with_next_alone_and_gives_none),
		sentence(sending_to_a_delegated_array_is_an_attribute_error_in_the_outer),
		sentence(what_is_sent_goes_to_the_innermost),
		sentence(a_hundred_levels_are_one_resume),
		sentence(throw_goes_to_the_innermost_first),
		sentence(a_return_in_answer_to_a_throw_ends_that_delegation_alone),
		sentence(close_closes_the_innermost_first),
		sentence(what_the_inner_returns_to_close_is_dropped),
		sentence(an_inner_that_ignores_its_exit_raises_in_the_outer),
		sentence(an_exception_of_the_inner_close_replaces_the_exit),
		sentence(a_thrown_generator_exit_closes_the_inner_then_is_raised_in_the_outer),
		sentence(those_who_wait_for_an_inner_close_count_as_running),
		sentence(the_whole_chain_counts_as_executing),
		sentence(delegating_to_oneself_is_a_value_error),
		sentence(an_inner_may_be_advanced_by_others),
		sentence(an_inner_may_be_closed_by_others),
		sentence(an_exception_thrown_at_a_delegate_that_is_finished_is_raised_in_the_outer),
		sentence(an_inner_may_be_freed_while_somebody_delegates_to_it),
		sentence(two_may_delegate_to_one),
		sentence(the_middle_of_a_chain_may_be_resumed_and_the_top_sees_it),
		sentence(a_delegate_that_is_running_raises_in_its_delegator),
		sentence(those_who_delegate_to_each_other_are_no_ring),
		sentence(a_finished_inner_gives_none_at_once),
		sentence(yield_from_of_a_number_is_a_type_error),
		sentence(a_coroutine_is_not_iterable),
		sentence(a_coroutine_cannot_be_yielded_from_nor_yield),
		sentence(texts_say_coroutine),
		sentence(a_finished_coroutine_cannot_be_used_again),
		sentence(a_coroutine_that_was_never_awaited_is_reported),
		sentence(a_coroutine_that_was_closed_is_not_reported),
		sentence(a_coroutine_cannot_be_awaited_twice_at_once),
		sentence(await_runs_the_coroutine_inline_and_consumes_it),
		sentence(closing_closes_what_is_awaited_first),
		sentence(awaiting_what_is_not_awaitable_is_a_type_error),
		sentence(await_outside_of_a_coroutine_is_an_error),
		sentence(a_raw_resume_gives_the_outcome_itself),
		sentence(a_raw_resume_leaves_nothing_to_be_handled),
		sentence(a_task_wants_a_coroutine),
	};

	return cmocka_run_group_tests_name("delegate", tests, NULL, NULL);
}
