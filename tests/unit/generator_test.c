/*
 * generator_test.c - rules G1 to G18: generators as CPython 3.13 has them.
 */
#include <pthread.h>
#include "runtime_check.h"

static coro_value count_to(coro_value limit)
{
	note("start ");
	for (int64_t i = 1; i <= coro_as_int(limit); i++) {
		coro_value got = CORO_TRY(coro_yield(coro_int(i)));

		if (!coro_is_none(got))
			note("got %d ", (int)coro_as_int(got));
	}
	return coro_int(100);
}

static coro_value returns_nothing(coro_value unused)
{
	return CORO_NONE;
}

static coro_value with_cleanup(coro_value unused)
{
	coro_value got = coro_yield(coro_int(1));

	note("cleanup ");
	if (coro_raised(got))
		return got;
	return coro_int(2);
}

static coro_value ignores_exit(coro_value unused)
{
	for (int64_t i = 1;; i++) {
		coro_value got = coro_yield(coro_int(i));

		if (coro_is(got, CORO_GeneratorExit))
			note("ignored ");
		if (coro_is(got, CORO_KeyError))
			return got;
	}
}

static coro_value answers_exit(coro_value unused)
{
	coro_value got = coro_yield(coro_int(1));

	return coro_is(got, CORO_GeneratorExit) ? coro_int(7) : got;
}

static coro_value handles_everything(coro_value unused)
{
	coro_value got = coro_yield(coro_int(1));

	for (int64_t i = 2;; i++) {
		note("%s ", coro_raised(got) ? coro_exception_type(got)->name : "plain");
		got = coro_yield(coro_int(i));
		if (coro_is(got, CORO_GeneratorExit))
			return got;
	}
}

static coro_value raises(coro_value unused)
{
	return coro_raise(CORO_KeyError, "from %s", "inside");
}

static coro_value raises_stop(coro_value unused)
{
	return coro_raise_value(CORO_StopIteration, coro_int(3));
}

static coro_value leaks_stop(coro_value generator)
{
	return CORO_TRY(coro_next((struct coro_generator *)coro_as_object(generator)));
}

static struct coro_generator *me;

static coro_value resumes_itself(coro_value how)
{
	coro_value outcome = CORO_NONE;

	switch (coro_as_int(how)) {
	case 0:
		outcome = coro_next(me);
		break;
	case 1:
		outcome = coro_send(me, coro_int(1));
		break;
	case 2:
		outcome = coro_throw(me, coro_error(CORO_KeyError, "no"));
		break;
	default:
		outcome = coro_close(me);
	}
	assert_raises(outcome, CORO_ValueError, "generator already executing");
	assert_int_equal(coro_state(me), CORO_STATE_RUNNING);
	return CORO_TRY(coro_yield(coro_int(5)));
}

/* G1, G2 */
static void creating_a_generator_runs_nothing(void **state)
{
	CORO_AUTO struct coro_generator *g = coro_generator(count_to, coro_int(2));

	assert_string_equal(diary, "");
	assert_int_equal(coro_state(g), CORO_STATE_CREATED);
	assert_string_equal(coro_name(g), "count_to");
	assert_non_null(strstr(coro_creation_site(g), "generator_test.c:"));
}

static void a_generator_goes_through_its_states(void **state)
{
	CORO_AUTO struct coro_generator *g = coro_generator(count_to, coro_int(1));

	assert_int_value(coro_next(g), 1);
	assert_int_equal(coro_state(g), CORO_STATE_SUSPENDED);
	assert_false(coro_finished(g));
	assert_stops_with(coro_next(g), 100);
	assert_int_equal(coro_state(g), CORO_STATE_DONE);
	assert_true(coro_finished(g));
}

/* G3 */
static void next_gives_yielded_values_then_stop_with_the_returned_one(void **state)
{
	CORO_AUTO struct coro_generator *g = coro_generator(count_to, coro_int(3));

	assert_int_value(coro_next(g), 1);
	assert_int_value(coro_send(g, CORO_NONE), 2);
	assert_int_value(coro_next(g), 3);
	assert_stops_with(coro_next(g), 100);
}

static void returning_none_is_a_stop_without_a_value(void **state)
{
	CORO_AUTO struct coro_generator *g = coro_generator(returns_nothing, CORO_NONE);
	coro_value stop = coro_next(g);

	assert_stops(stop);
	assert_none(coro_exception_value(stop));
}

static void iterate_eats_the_stop_and_gives_its_value(void **state)
{
	CORO_AUTO struct coro_generator *g = coro_generator(count_to, coro_int(3));
	coro_value value;
	int64_t sum = 0;

	while (coro_iterate(g, &value))
		sum += coro_as_int(value);
	assert_int_equal(sum, 6);
	assert_int_value(value, 100);
}

static void iterate_stops_at_an_exception_and_gives_it(void **state)
{
	CORO_AUTO struct coro_generator *g = coro_generator(raises, CORO_NONE);
	coro_value value;

	assert_false(coro_iterate(g, &value));
	assert_raises(value, CORO_KeyError, "from inside");
}

static coro_value leave_at_two(struct coro_generator *g)
{
	CORO_FOR (value, g)
		if (coro_as_int(value) == 2)
			break;
	return CORO_NONE;
}

static void leaving_a_loop_leaves_the_generator_suspended(void **state)
{
	CORO_AUTO struct coro_generator *g = coro_generator(count_to, coro_int(3));

	assert_none(leave_at_two(g));
	assert_int_equal(coro_state(g), CORO_STATE_SUSPENDED);
	assert_int_value(coro_next(g), 3);
}

static void an_exception_leaves_the_generator_finished(void **state)
{
	CORO_AUTO struct coro_generator *g = coro_generator(raises, CORO_NONE);

	assert_raises(coro_next(g), CORO_KeyError, "from inside");
	assert_int_equal(coro_state(g), CORO_STATE_FAILED);
	assert_stops(coro_next(g));
}

static void send_is_what_the_yield_gives(void **state)
{
	CORO_AUTO struct coro_generator *g = coro_generator(count_to, coro_int(3));

	coro_next(g);
	assert_int_value(coro_send(g, coro_int(20)), 2);
	assert_int_value(coro_send(g, coro_int(30)), 3);
	assert_string_equal(diary, "start got 20 got 30 ");
}

/* G4 */
static void sending_to_a_just_started_generator_is_refused(void **state)
{
	CORO_AUTO struct coro_generator *g = coro_generator(count_to, coro_int(1));

	assert_raises(coro_send(g, coro_int(1)), CORO_TypeError,
				  "can't send non-None value to a just-started generator");
	assert_int_equal(coro_state(g), CORO_STATE_CREATED);
	assert_int_value(coro_send(g, CORO_NONE), 1);
}

/* G5 */
static void a_running_generator_cannot_be_resumed_and_is_not_affected(void **state)
{
	for (int how = 0; how < 4; how++) {
		CORO_AUTO struct coro_generator *g = coro_generator(resumes_itself, coro_int(how));

		me = g;
		assert_int_value(coro_next(g), 5);
		assert_int_equal(coro_state(g), CORO_STATE_SUSPENDED);
	}
}

static coro_value resumes_that(coro_value other)
{
	return coro_next((struct coro_generator *)coro_as_object(other));
}

static void a_generator_that_waits_for_the_one_it_resumed_counts_as_running(void **state)
{
	CORO_AUTO struct coro_generator *a, *b = NULL;

	a = coro_generator(resumes_that, CORO_NONE);
	b = coro_generator(resumes_that, coro_object(a));
	inside(a)->argument = coro_object(b);
	assert_raises(coro_next(a), CORO_ValueError, "generator already executing");
}

/* G6 */
static void a_finished_generator_stops_for_ever(void **state)
{
	CORO_AUTO struct coro_generator *g = coro_generator(returns_nothing, CORO_NONE);

	for (int i = 0; i < 3; i++)
		assert_stops(coro_next(g));
	assert_stops(coro_send(g, coro_int(1)));
}

/* G7 */
static void throw_into_suspended_generator_runs_its_cleanup(void **state)
{
	CORO_AUTO struct coro_generator *g = coro_generator(with_cleanup, CORO_NONE);

	coro_next(g);
	assert_raises(coro_throw(g, coro_error(CORO_ValueError, "bad %d", 3)), CORO_ValueError,
				  "bad 3");
	assert_string_equal(diary, "cleanup ");
	assert_int_equal(coro_state(g), CORO_STATE_FAILED);
}

static void a_thrown_exception_that_is_handled_gives_the_next_yield(void **state)
{
	CORO_AUTO struct coro_generator *g = coro_generator(handles_everything, CORO_NONE);

	coro_next(g);
	assert_int_value(coro_throw(g, coro_error(CORO_OSError, "x")), 2);
	assert_int_value(coro_next(g), 3);
	assert_string_equal(diary, "OSError plain ");
}

static void a_thrown_generator_exit_is_an_ordinary_exception(void **state)
{
	CORO_AUTO struct coro_generator *g = coro_generator(ignores_exit, CORO_NONE);

	coro_next(g);
	assert_int_value(coro_throw(g, coro_error(CORO_GeneratorExit, "%s", "")), 2);
	assert_string_equal(diary, "ignored ");
	assert_raises(coro_throw(g, coro_error(CORO_KeyError, "out")), CORO_KeyError, "out");
}

static void throwing_something_else_is_a_type_error(void **state)
{
	CORO_AUTO struct coro_generator *g = coro_generator(count_to, coro_int(1));

	assert_raises(coro_throw(g, coro_int(3)), CORO_TypeError,
				  "exceptions must be classes or instances deriving from BaseException, not int");
}

/* G8 */
static void throw_into_a_created_generator_never_runs_it(void **state)
{
	CORO_AUTO struct coro_generator *g = coro_generator(count_to, coro_int(1));

	assert_raises(coro_throw(g, coro_error(CORO_KeyError, "early")), CORO_KeyError, "early");
	assert_string_equal(diary, "");
	assert_true(coro_finished(g));
	assert_stops(coro_next(g));
}

static void stop_iteration_thrown_into_a_created_generator_comes_out_as_itself(void **state)
{
	CORO_AUTO struct coro_generator *g = coro_generator(count_to, coro_int(1));

	assert_stops_with(coro_throw(g, coro_error_value(CORO_StopIteration, coro_int(4))), 4);
}

/* G9 */
static void throw_into_a_finished_generator_comes_back(void **state)
{
	CORO_AUTO struct coro_generator *g = coro_generator(returns_nothing, CORO_NONE);

	coro_next(g);
	assert_raises(coro_throw(g, coro_error(CORO_KeyError, "late")), CORO_KeyError, "late");
	assert_stops(coro_throw(g, coro_error(CORO_StopIteration, "%s", "")));
}

/* G10 */
static void close_of_a_created_generator_is_silent(void **state)
{
	CORO_AUTO struct coro_generator *g = coro_generator(count_to, coro_int(1));

	assert_none(coro_close(g));
	assert_int_equal(coro_state(g), CORO_STATE_DONE);
	assert_none(coro_close(g));
	assert_stops(coro_next(g));
	assert_string_equal(diary, "");
}

static void close_of_a_suspended_generator_runs_its_cleanup(void **state)
{
	CORO_AUTO struct coro_generator *g = coro_generator(with_cleanup, CORO_NONE);

	coro_next(g);
	assert_none(coro_close(g));
	assert_string_equal(diary, "cleanup ");
	assert_int_equal(coro_state(g), CORO_STATE_DONE);
}

/* G11 */
static void a_generator_that_yields_while_it_is_closed_is_an_error_but_lives(void **state)
{
	CORO_AUTO struct coro_generator *g = coro_generator(ignores_exit, CORO_NONE);

	coro_next(g);
	assert_raises(coro_close(g), CORO_RuntimeError, "generator ignored GeneratorExit");
	assert_int_equal(coro_state(g), CORO_STATE_SUSPENDED);
	assert_int_value(coro_next(g), 3);
	coro_throw(g, coro_error(CORO_KeyError, "end"));
}

static coro_value fails_in_cleanup(coro_value unused)
{
	CORO_EXCEPT(coro_yield(CORO_NONE), CORO_GeneratorExit)
	return coro_raise(CORO_OSError, "disk full");
	return CORO_NONE;
}

/* G12 */
static void another_exception_during_close_comes_out_of_it(void **state)
{
	CORO_AUTO struct coro_generator *g = coro_generator(fails_in_cleanup, CORO_NONE);
	coro_value error;

	coro_next(g);
	error = coro_close(g);
	assert_raises(error, CORO_OSError, "disk full");
	assert_true(coro_is(coro_context(error), CORO_GeneratorExit));
}

/* G13 */
static void close_gives_what_the_generator_returned(void **state)
{
	CORO_AUTO struct coro_generator *g = coro_generator(answers_exit, CORO_NONE);

	coro_next(g);
	assert_int_value(coro_close(g), 7);
	assert_none(coro_close(g));
}

/* G14 */
static void a_stop_iteration_that_is_raised_inside_becomes_a_runtime_error(void **state)
{
	CORO_AUTO struct coro_generator *g = coro_generator(raises_stop, CORO_NONE);
	coro_value error = coro_next(g);

	assert_raises(error, CORO_RuntimeError, "generator raised StopIteration");
	assert_true(coro_is(coro_cause(error), CORO_StopIteration));
	assert_true(coro_is(coro_context(error), CORO_StopIteration));
	assert_int_value(coro_exception_value(coro_cause(error)), 3);
}

static void a_stop_iteration_that_leaks_from_next_becomes_a_runtime_error(void **state)
{
	CORO_AUTO struct coro_generator *inner = coro_generator(returns_nothing, CORO_NONE);
	CORO_AUTO struct coro_generator *g = coro_generator(leaks_stop, coro_object(inner));

	assert_raises(coro_next(g), CORO_RuntimeError, "generator raised StopIteration");
}

static void a_stop_iteration_that_is_thrown_in_becomes_a_runtime_error(void **state)
{
	CORO_AUTO struct coro_generator *g = coro_generator(count_to, coro_int(1));

	coro_next(g);
	assert_raises(coro_throw(g, coro_error(CORO_StopIteration, "%s", "")), CORO_RuntimeError,
				  "generator raised StopIteration");
}

static coro_value raises_while_handling(coro_value unused)
{
	coro_value got = coro_yield(coro_int(1));

	if (coro_raised(got))
		return coro_raise(CORO_ValueError, "second");
	return got;
}

/* G16 */
static void raising_while_handling_sets_the_context(void **state)
{
	CORO_AUTO struct coro_generator *g = coro_generator(raises_while_handling, CORO_NONE);
	coro_value error;

	coro_next(g);
	error = coro_throw(g, coro_error(CORO_KeyError, "first"));
	assert_raises(error, CORO_ValueError, "second");
	assert_raises(coro__raised_value(coro_context(error)), CORO_KeyError, "first");
	assert_none(coro_cause(error));
}

static coro_value catches_yields_and_raises(coro_value unused)
{
	CORO_EXCEPT(coro_raise(CORO_OSError, "inner"), CORO_OSError)
	CORO_TRY(coro_yield(coro_int(1)));
	return coro_raise(CORO_KeyError, "after");
}

/* G17 */
static void what_is_handled_is_each_generators_own_and_the_resumers_is_beyond(void **state)
{
	CORO_AUTO struct coro_generator *g = coro_generator(catches_yields_and_raises, CORO_NONE);
	coro_value error;

	coro_next(g);
	assert_none(coro_handled_exception());
	CORO_EXCEPT(coro_raise(CORO_ValueError, "outer"), CORO_ValueError)
	{
		error = coro_next(g);
		assert_raises(error, CORO_KeyError, "after");
		assert_raises(coro__raised_value(coro_context(error)), CORO_ValueError, "outer");
	}
}

/* G18 */
static void freeing_a_suspended_generator_closes_it(void **state)
{
	struct coro_generator *g = coro_generator(with_cleanup, CORO_NONE);

	coro_next(g);
	coro_free(g);
	assert_string_equal(diary, "cleanup ");
	assert_string_equal(reports, "");
}

static void what_a_freed_generator_raises_is_reported(void **state)
{
	struct coro_generator *g = coro_generator(fails_in_cleanup, CORO_NONE);

	coro_next(g);
	coro_free(g);
	assert_non_null(strstr(reports, "Exception ignored in: <generator object fails_in_cleanup>"));
	assert_non_null(strstr(reports, "OSError: disk full"));
}

static void freeing_one_that_ignores_its_exit_is_reported(void **state)
{
	struct coro_generator *g = coro_generator(ignores_exit, CORO_NONE);

	coro_next(g);
	coro_free(g);
	assert_non_null(strstr(reports, "RuntimeError: generator ignored GeneratorExit"));
}

static void freeing_a_created_or_finished_generator_is_silent(void **state)
{
	struct coro_generator *g = coro_generator(count_to, coro_int(1));

	coro_free(g);
	g = coro_generator(raises, CORO_NONE);
	coro_next(g);
	coro_free(g);
	coro_free(NULL);
	assert_string_equal(reports, "");
	assert_string_equal(diary, "");
}

static coro_value frees_while_an_exception_is_in_flight(coro_value unused)
{
	CORO_AUTO struct coro_generator *inner = coro_generator(fails_in_cleanup, CORO_NONE);

	coro_next(inner);
	return CORO_TRY(coro_yield(coro_int(1)));
}

static void cleanup_on_the_way_out_leaves_the_exception_in_flight_alone(void **state)
{
	CORO_AUTO struct coro_generator *g =
		coro_generator(frees_while_an_exception_is_in_flight, CORO_NONE);

	coro_next(g);
	assert_raises(coro_throw(g, coro_error(CORO_KeyError, "in flight")), CORO_KeyError,
				  "in flight");
	assert_non_null(strstr(reports, "OSError: disk full"));
}

/* Beyond Python. */
static coro_value yield_deep(int depth)
{
	if (depth)
		return CORO_TRY(yield_deep(depth - 1));
	return coro_yield(coro_int(42));
}

static coro_value yields_from_a_depth(coro_value depth)
{
	return yield_deep((int)coro_as_int(depth));
}

static void a_body_may_yield_from_any_depth_of_calls(void **state)
{
	CORO_AUTO struct coro_generator *g = coro_generator(yields_from_a_depth, coro_int(50));

	assert_int_value(coro_next(g), 42);
	assert_stops_with(coro_send(g, coro_int(43)), 43);
}

static void yielding_outside_of_a_generator_is_an_error(void **state)
{
	assert_raises(coro_yield(coro_int(1)), CORO_RuntimeError, "yield outside a generator");
}

static void a_raised_value_is_not_sent_nor_yielded_but_returned(void **state)
{
	CORO_AUTO struct coro_generator *g = coro_generator(count_to, coro_int(2));

	coro_next(g);
	assert_raises(coro_send(g, coro_raise(CORO_KeyError, "argument")), CORO_KeyError, "argument");
	assert_int_value(coro_next(g), 2);
	assert_raises(coro_yield(coro_raise(CORO_KeyError, "argument")), CORO_KeyError, "argument");
}

static void *leaves_generators(void *unused)
{
	struct coro_generator *inner = coro_generator(with_cleanup, CORO_NONE);
	struct coro_generator *outer = coro_generator(leaks_stop, coro_object(inner));

	coro_next(outer);
	coro_generator(count_to, coro_int(1));
	coro_next(coro_generator(ignores_exit, CORO_NONE));
	return NULL;
}

static void a_thread_that_ends_closes_its_suspended_generators(void **state)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, leaves_generators, NULL), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_string_equal(diary, "cleanup ignored ");
}

static coro_value fills_memory(coro_value unused)
{
	volatile char block[8192];

	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = (char)i;
	CORO_TRY(coro_yield(CORO_NONE));
	return coro_int(block[100]);
}

static void many_generators_live_at_once(void **state)
{
	enum { MANY = 3000 };
	static struct coro_generator *all[MANY];

	for (int i = 0; i < MANY; i++) {
		all[i] = coro_generator(fills_memory, CORO_NONE);
		assert_non_null(all[i]);
		coro_next(all[i]);
	}
	assert_int_equal(coro_census().bodies, MANY);
	assert_int_equal(coro_census().stacks_unguarded, 0);
	for (int i = MANY; i--;) {
		assert_stops_with(coro_next(all[i]), 100);
		coro_free(all[i]);
	}
	/* All but the warm ones are trimmed, and all come back. */
	for (int i = 0; i < MANY; i++) {
		all[i] = coro_generator(fills_memory, CORO_NONE);
		coro_next(all[i]);
	}
	for (int i = 0; i < MANY; i++) {
		assert_stops_with(coro_next(all[i]), 100);
		coro_free(all[i]);
	}
}

/* How the floating point unit rounds: 0 to the nearest. */
static unsigned rounding(void)
{
#if defined(__x86_64__)
	uint32_t control;

	__asm__ volatile("stmxcsr %0" : "=m"(control));
	return control >> 13 & 3;
#else
	uint64_t control;

	__asm__ volatile("mrs %0, fpcr" : "=r"(control));
	return (unsigned)(control >> 22 & 3);
#endif
}

static void round_down(void)
{
#if defined(__x86_64__)
	uint32_t control;

	__asm__ volatile("stmxcsr %0" : "=m"(control));
	control |= 1u << 13;
	__asm__ volatile("ldmxcsr %0" : : "m"(control));
#else
	uint64_t control;

	__asm__ volatile("mrs %0, fpcr" : "=r"(control));
	control |= (uint64_t)2 << 22;
	__asm__ volatile("msr fpcr, %0" : : "r"(control));
#endif
}

static coro_value rounds_down(coro_value unused)
{
	round_down();
	for (;;)
		CORO_TRY(coro_yield(coro_int(rounding())));
}

static void control_words_can_be_each_bodys_own(void **state)
{
	struct coro_options own = {.own_fpu_control = true}, shared = {.own_fpu_control = false};
	unsigned usual = rounding(), theirs;
	struct coro_generator *g;

	coro_set_options(&own);
	g = coro_generator(rounds_down, CORO_NONE);
	for (int i = 0; i < 3; i++) {
		theirs = (unsigned)coro_as_int(coro_next(g));
		assert_int_not_equal(theirs, usual);
		assert_int_equal(rounding(), usual);
	}
	coro_free(g);
	coro_set_options(&shared);
}

static void stack_sizes_can_be_chosen(void **state)
{
	struct coro_options large = {.stack_size = 1 << 20}, usual = {0};
	struct coro_generator *g, *small;

	coro_set_options(&large);
	g = coro_generator(yields_from_a_depth, coro_int(2000));
	coro_set_options(&usual);
	small = coro_generator(yields_from_a_depth, coro_int(5));
	assert_int_value(coro_next(g), 42);
	assert_int_value(coro_next(small), 42);
	assert_true((size_t)((char *)inside(g)->stack_base - (char *)inside(g)->stack) > 900000);
	coro_free(g);
	coro_free(small);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		sentence(creating_a_generator_runs_nothing),
		sentence(a_generator_goes_through_its_states),
		sentence(next_gives_yielded_values_then_stop_with_the_returned_one),
		sentence(returning_none_is_a_stop_without_a_value),
		sentence(iterate_eats_the_stop_and_gives_its_value),
		sentence(iterate_stops_at_an_exception_and_gives_it),
		sentence(leaving_a_loop_leaves_the_generator_suspended),
		sentence(an_exception_leaves_the_generator_finished),
		sentence(send_is_what_the_yield_gives),
		sentence(sending_to_a_just_started_generator_is_refused),
		sentence(a_running_generator_cannot_be_resumed_and_is_not_affected),
		sentence(a_generator_that_waits_for_the_one_it_resumed_counts_as_running),
		sentence(a_finished_generator_stops_for_ever),
		sentence(throw_into_suspended_generator_runs_its_cleanup),
		sentence(a_thrown_exception_that_is_handled_gives_the_next_yield),
		sentence(a_thrown_generator_exit_is_an_ordinary_exception),
		sentence(throwing_something_else_is_a_type_error),
		sentence(throw_into_a_created_generator_never_runs_it),
		sentence(stop_iteration_thrown_into_a_created_generator_comes_out_as_itself),
		sentence(throw_into_a_finished_generator_comes_back),
		sentence(close_of_a_created_generator_is_silent),
		sentence(close_of_a_suspended_generator_runs_its_cleanup),
		sentence(a_generator_that_yields_while_it_is_closed_is_an_error_but_lives),
		sentence(another_exception_during_close_comes_out_of_it),
		sentence(close_gives_what_the_generator_returned),
		sentence(a_stop_iteration_that_is_raised_inside_becomes_a_runtime_error),
		sentence(a_stop_iteration_that_leaks_from_next_becomes_a_runtime_error),
		sentence(a_stop_iteration_that_is_thrown_in_becomes_a_runtime_error),
		sentence(raising_while_handling_sets_the_context),
		sentence(what_is_handled_is_each_generators_own_and_the_resumers_is_beyond),
		sentence(freeing_a_suspended_generator_closes_it),
		sentence(what_a_freed_generator_raises_is_reported),
		sentence(freeing_one_that_ignores_its_exit_is_reported),
		sentence(freeing_a_created_or_finished_generator_is_silent),
		sentence(cleanup_on_the_way_out_leaves_the_exception_in_flight_alone),
		sentence(a_body_may_yield_from_any_depth_of_calls),
		sentence(yielding_outside_of_a_generator_is_an_error),
		sentence(a_raised_value_is_not_sent_nor_yielded_but_returned),
		sentence(a_thread_that_ends_closes_its_suspended_generators),
		sentence(many_generators_live_at_once),
		sentence(control_words_can_be_each_bodys_own),
		sentence(stack_sizes_can_be_chosen),
	};

	return cmocka_run_group_tests_name("generator", tests, NULL, NULL);
}
