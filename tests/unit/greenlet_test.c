/*
 * greenlet_test.c - greenlets: what greenlet's documentation tells and its tests pin, and how they
 * go together with generators, tasks and threads.
 */
#include <pthread.h>
#include <coroscope/coro.h>
#include "runtime_check.h"

static struct coro_greenlet *first, *second, *third;

static coro_value to_parent(coro_value value)
{
	return coro_greenlet_switch(coro_greenlet_parent(coro_greenlet_current()), value);
}

static coro_value returns_at_once(coro_value value)
{
	return value;
}

/* Gives to its parent what it is switched to with, until something is raised. */
static coro_value echoes(coro_value value)
{
	for (;;)
		value = CORO_TRY(to_parent(value));
}

/* Waits in main, and says what was raised there. */
static coro_value tells_what_is_raised(coro_value unused)
{
	coro_value sent = to_parent(coro_str("waits"));

	if (coro_raised(sent))
		note("%s; ", coro_exception_type(sent)->name);
	return sent;
}

/* ---- Switching ---------------------------------------------------------- */

static coro_value test1(coro_value unused)
{
	note("12 ");
	CORO_TRY(coro_greenlet_switch(second, CORO_NONE));
	note("34 ");
	return coro_str("done");
}

static coro_value test2(coro_value unused)
{
	note("56 ");
	CORO_TRY(coro_greenlet_switch(first, CORO_NONE));
	note("78 ");
	return CORO_NONE;
}

/* The first example of the documentation: 78 is never printed. */
static void two_greenlets_switch_to_each_other(void **state)
{
	first = coro_greenlet(test1, CORO_NONE);
	second = coro_greenlet(test2, CORO_NONE);
	assert_string_equal(coro_as_str(coro_greenlet_switch(first, CORO_NONE)), "done");
	assert_string_equal(diary, "12 56 34 ");
	assert_true(coro_greenlet_dead(first));
	assert_false(coro_greenlet_dead(second));
	coro_greenlet_free(first);
	coro_greenlet_free(second);
	assert_string_equal(reports, "");
}

static coro_value gives_and_gets(coro_value got)
{
	for (int64_t i = 1; i <= 3; i++) {
		note("got %lld; ", (long long)coro_as_int(got));
		got = CORO_TRY(to_parent(coro_int(i)));
	}
	return got;
}

static void the_first_switch_brings_the_argument_and_the_others_what_a_switch_gives(void **state)
{
	first = coro_greenlet(gives_and_gets, CORO_NONE);
	assert_false(coro_greenlet_active(first));
	assert_int_value(coro_greenlet_switch(first, coro_int(10)), 1);
	assert_true(coro_greenlet_active(first));
	assert_int_value(coro_greenlet_switch(first, coro_int(20)), 2);
	assert_int_value(coro_greenlet_switch(first, coro_int(30)), 3);
	assert_int_value(coro_greenlet_switch(first, coro_int(40)), 40);
	assert_false(coro_greenlet_active(first));
	assert_true(coro_greenlet_dead(first));
	assert_string_equal(diary, "got 10; got 20; got 30; ");
	coro_greenlet_free(first);
}

static void one_with_an_argument_of_its_own_takes_no_value_at_first(void **state)
{
	first = coro_greenlet(gives_and_gets, coro_int(5));
	assert_int_value(coro_greenlet_switch(first, CORO_NONE), 1);
	assert_string_equal(diary, "got 5; ");
	coro_greenlet_free(first);
	second = coro_greenlet(gives_and_gets, coro_int(5));
	assert_raises(coro_greenlet_switch(second, coro_int(6)), CORO_TypeError,
				  "greenlet gives_and_gets takes no value: it has an argument already");
	assert_true(coro_greenlet_dead(second));
	coro_greenlet_free(second);
	assert_string_equal(diary, "got 5; ");
}

/* Counts, round and round. */
static coro_value cycles(coro_value next)
{
	struct coro_greenlet *const *to = coro_as_ptr(next);
	coro_value count = CORO_NONE;

	for (;;) {
		count = CORO_TRY(coro_greenlet_switch(*to, count));
		count = coro_int(coro_is_none(count) ? 0 : coro_as_int(count) + 1);
		if (coro_as_int(count) >= 3000)
			return count;
	}
}

static void a_ring_of_three_goes_round_and_one_ends_into_main(void **state)
{
	first = coro_greenlet(cycles, coro_ptr(&second));
	second = coro_greenlet(cycles, coro_ptr(&third));
	third = coro_greenlet(cycles, coro_ptr(&first));
	assert_int_value(coro_greenlet_switch(first, CORO_NONE), 3000);
	assert_int_equal(
		coro_greenlet_dead(first) + coro_greenlet_dead(second) + coro_greenlet_dead(third), 1);
	coro_greenlet_free(first);
	coro_greenlet_free(second);
	coro_greenlet_free(third);
	assert_string_equal(reports, "");
}

static void a_switch_to_itself_gives_the_value_at_once(void **state)
{
	struct coro_greenlet *main = coro_greenlet_current();

	assert_int_value(coro_greenlet_switch(main, coro_int(3)), 3);
	assert_raises(coro_greenlet_throw(main, coro_error(CORO_ValueError, "mine")), CORO_ValueError,
				  "mine");
	assert_null(coro_greenlet_parent(main));
	assert_false(coro_greenlet_dead(main));
	assert_true(coro_greenlet_active(main));
}

static void a_raised_value_is_returned_and_nobody_is_switched_to(void **state)
{
	first = coro_greenlet(gives_and_gets, CORO_NONE);
	assert_raises(coro_greenlet_switch(first, coro_raise(CORO_KeyError, "k")), CORO_KeyError, "k");
	assert_false(coro_greenlet_active(first));
	coro_greenlet_free(first);
	assert_string_equal(diary, "");
}

/* ---- Parents ------------------------------------------------------------ */

static coro_value gives_control_to_the_first(coro_value unused)
{
	return coro_greenlet_switch(first, CORO_NONE);
}

static void an_end_goes_to_the_parent_and_not_to_who_switched(void **state)
{
	first = coro_greenlet(returns_at_once, coro_int(1));
	second = coro_greenlet(gives_control_to_the_first, CORO_NONE);
	assert_int_value(coro_greenlet_switch(second, CORO_NONE), 1);
	assert_true(coro_greenlet_dead(first));
	assert_true(coro_greenlet_active(second));
	assert_int_value(coro_greenlet_switch(second, coro_int(2)), 2);
	assert_true(coro_greenlet_dead(second));
	coro_greenlet_free(first);
	coro_greenlet_free(second);
}

static coro_value waits_then_fails(coro_value unused)
{
	CORO_TRY(tells_what_is_raised(CORO_NONE));
	return coro_raise(CORO_IndexError, "at the end");
}

/* greenlet's test_exception */
static void an_exception_goes_through_its_parents(void **state)
{
	first = coro_greenlet(waits_then_fails, CORO_NONE);
	second = coro_greenlet(waits_then_fails, CORO_NONE);
	coro_greenlet_switch(first, CORO_NONE);
	coro_greenlet_switch(second, CORO_NONE);
	assert_none(coro_greenlet_set_parent(second, first));
	assert_ptr_equal(coro_greenlet_parent(second), first);
	assert_string_equal(diary, "");
	assert_raises(coro_greenlet_switch(second, CORO_NONE), CORO_IndexError, "at the end");
	assert_string_equal(diary, "IndexError; ");
	assert_true(coro_greenlet_dead(first));
	assert_true(coro_greenlet_dead(second));
	assert_none(coro_greenlet_switch(second, CORO_NONE));
	assert_int_value(coro_greenlet_switch(second, coro_int(25)), 25);
	assert_string_equal(diary, "IndexError; ");
	coro_greenlet_free(second);
	coro_greenlet_free(first);
}

static coro_value fails(coro_value unused)
{
	return coro_raise(CORO_KeyError, "k");
}

static void a_dead_parent_passes_on(void **state)
{
	first = coro_greenlet(returns_at_once, CORO_NONE);
	coro_greenlet_switch(first, CORO_NONE);
	second = coro_greenlet(fails, CORO_NONE);
	third = coro_greenlet(returns_at_once, coro_int(4));
	assert_none(coro_greenlet_set_parent(second, first));
	assert_none(coro_greenlet_set_parent(third, first));
	assert_raises(coro_greenlet_switch(second, CORO_NONE), CORO_KeyError, "k");
	assert_int_value(coro_greenlet_switch(third, CORO_NONE), 4);
	coro_greenlet_free(first);
	coro_greenlet_free(second);
	coro_greenlet_free(third);
}

static void a_parent_that_has_not_started_is_started_by_an_end(void **state)
{
	first = coro_greenlet(gives_and_gets, CORO_NONE);
	second = coro_greenlet(returns_at_once, coro_int(7));
	assert_none(coro_greenlet_set_parent(second, first));
	assert_int_value(coro_greenlet_switch(second, CORO_NONE), 1);
	assert_string_equal(diary, "got 7; ");
	assert_true(coro_greenlet_active(first));
	coro_greenlet_free(second);
	coro_greenlet_free(first);
}

static void parents_make_no_circle(void **state)
{
	struct coro_greenlet *main = coro_greenlet_current();

	first = coro_greenlet(returns_at_once, CORO_NONE);
	second = coro_greenlet(returns_at_once, CORO_NONE);
	assert_ptr_equal(coro_greenlet_parent(first), main);
	assert_none(coro_greenlet_set_parent(second, first));
	assert_raises(coro_greenlet_set_parent(first, second), CORO_ValueError, "cyclic parent chain");
	assert_raises(coro_greenlet_set_parent(first, first), CORO_ValueError, "cyclic parent chain");
	assert_raises(coro_greenlet_set_parent(main, first), CORO_AttributeError,
				  "cannot set the parent of a main greenlet");
	assert_ptr_equal(coro_greenlet_parent(first), main);
	coro_greenlet_free(first);
	assert_ptr_equal(coro_greenlet_parent(second), main);
	coro_greenlet_free(second);
}

static coro_value makes_another(coro_value unused)
{
	coro_value got;

	note("a ");
	second = coro_greenlet(tells_what_is_raised, CORO_NONE);
	assert_ptr_equal(coro_greenlet_parent(second), coro_greenlet_current());
	got = coro_greenlet_switch(second, CORO_NONE);
	assert_string_equal(coro_as_str(got), "waits");
	note("c ");
	return CORO_NONE;
}

static void a_greenlet_has_children_of_its_own(void **state)
{
	first = coro_greenlet(makes_another, CORO_NONE);
	assert_none(coro_greenlet_switch(first, CORO_NONE));
	assert_string_equal(diary, "a c ");
	assert_true(coro_greenlet_active(second));
	/* Its parent is dead: it ends into main. */
	assert_none(coro_greenlet_switch(second, CORO_NONE));
	coro_greenlet_free(first);
	coro_greenlet_free(second);
}

static coro_value goes_deeper(coro_value depth)
{
	struct coro_greenlet *child;
	coro_value result;

	if (coro_as_int(depth) == 0)
		return coro_raise(CORO_OSError, "from the deepest");
	child = coro_greenlet(goes_deeper, CORO_NONE);
	result = coro_greenlet_switch(child, coro_int(coro_as_int(depth) - 1));
	coro_greenlet_free(child);
	return result;
}

static void a_chain_of_a_thousand_parents_raises_to_its_top(void **state)
{
	first = coro_greenlet(goes_deeper, CORO_NONE);
	assert_raises(coro_greenlet_switch(first, coro_int(1000)), CORO_OSError, "from the deepest");
	coro_greenlet_free(first);
}

static void a_chain_of_a_thousand_that_never_started_dies_of_an_exception(void **state)
{
	struct coro_greenlet *chain[1000];

	for (int i = 0; i < 1000; i++) {
		chain[i] = coro_greenlet(returns_at_once, CORO_NONE);
		if (i)
			assert_none(coro_greenlet_set_parent(chain[i], chain[i - 1]));
	}
	assert_raises(coro_greenlet_throw(chain[999], coro_error(CORO_OSError, "up")), CORO_OSError,
				  "up");
	for (int i = 0; i < 1000; i++) {
		assert_true(coro_greenlet_dead(chain[i]));
		coro_greenlet_free(chain[i]);
	}
}

/* ---- Throwing ----------------------------------------------------------- */

static coro_value catches_runtime_error(coro_value unused)
{
	coro_value got = to_parent(coro_str("ok"));

	if (coro_is(got, CORO_RuntimeError) && !strcmp(coro_message(got), "ciao")) {
		CORO_TRY(to_parent(coro_str("caught")));
		return CORO_NONE;
	}
	return CORO_TRY(to_parent(coro_str("fail")));
}

static void what_is_thrown_is_raised_by_its_switch(void **state)
{
	first = coro_greenlet(catches_runtime_error, CORO_NONE);
	assert_string_equal(coro_as_str(coro_greenlet_switch(first, CORO_NONE)), "ok");
	assert_string_equal(
		coro_as_str(coro_greenlet_throw(first, coro_error(CORO_RuntimeError, "ciao"))), "caught");
	assert_none(coro_greenlet_switch(first, CORO_NONE));
	assert_true(coro_greenlet_dead(first));
	coro_greenlet_free(first);
}

static void greenlet_exit_becomes_a_value_for_the_parent(void **state)
{
	coro_value result;

	first = coro_greenlet(tells_what_is_raised, CORO_NONE);
	coro_greenlet_switch(first, CORO_NONE);
	result = coro_greenlet_throw(first, CORO_NONE);
	assert_false(coro_raised(result));
	assert_true(coro_is(result, CORO_GreenletExit));
	assert_true(coro_greenlet_dead(first));
	assert_string_equal(diary, "GreenletExit; ");
	/* Eaten by one that is dead already. */
	result = coro_greenlet_throw(first, CORO_NONE);
	assert_false(coro_raised(result));
	assert_true(coro_is(result, CORO_GreenletExit));
	assert_raises(coro_greenlet_throw(first, coro_error(CORO_ValueError, "x")), CORO_ValueError,
				  "x");
	coro_greenlet_free(first);
	/* And by one that never started. */
	first = coro_greenlet(tells_what_is_raised, CORO_NONE);
	result = coro_greenlet_throw(first, coro_error(CORO_GreenletExit, "bye"));
	assert_false(coro_raised(result));
	assert_string_equal(coro_message(result), "bye");
	assert_true(coro_greenlet_dead(first));
	coro_greenlet_free(first);
	assert_string_equal(diary, "GreenletExit; ");
}

static coro_value catches_index_error(coro_value unused)
{
	coro_value got = to_parent(coro_str("ready to catch"));

	return coro_is(got, CORO_IndexError) ? coro_str("caught") : got;
}

static coro_value switches_to_main(coro_value unused)
{
	return coro_greenlet_switch(third, coro_str("from the second"));
}

/* greenlet's test_throw_goes_to_original_parent */
static void what_is_thrown_goes_to_the_parent_of_what_it_ends(void **state)
{
	third = coro_greenlet_current();
	for (int started = 0; started < 3; started++) {
		coro_value result;

		first = coro_greenlet(catches_index_error, CORO_NONE);
		second = coro_greenlet(switches_to_main, CORO_NONE);
		assert_none(coro_greenlet_set_parent(second, first));
		if (started >= 1)
			assert_string_equal(coro_as_str(coro_greenlet_switch(first, CORO_NONE)),
								"ready to catch");
		if (started == 2)
			assert_string_equal(coro_as_str(coro_greenlet_switch(second, CORO_NONE)),
								"from the second");
		result = coro_greenlet_throw(second, coro_error(CORO_IndexError, "out"));
		if (started)
			assert_string_equal(coro_as_str(result), "caught");
		else
			assert_raises(result, CORO_IndexError, "out");
		assert_true(coro_greenlet_dead(first));
		assert_true(coro_greenlet_dead(second));
		coro_greenlet_free(first);
		coro_greenlet_free(second);
	}
}

static void only_exceptions_can_be_thrown(void **state)
{
	first = coro_greenlet(returns_at_once, CORO_NONE);
	assert_raises(coro_greenlet_throw(first, coro_str("abc")), CORO_TypeError,
				  "exceptions must be classes, or instances, not str");
	assert_false(coro_greenlet_dead(first));
	coro_greenlet_free(first);
}

static coro_value raises_with_a_context(coro_value unused)
{
	assert_none(coro_handled_exception());
	return coro_context(coro_raise(CORO_ValueError, "in it"));
}

static coro_value handles_one(coro_value unused)
{
	coro_value got;

	CORO_EXCEPT(coro_raise(CORO_KeyError, "handled"), CORO_KeyError)
	got = to_parent(CORO_NONE);
	return coro_context(got);
}

static void each_has_its_own_exceptions(void **state)
{
	first = coro_greenlet(raises_with_a_context, CORO_NONE);
	second = coro_greenlet(handles_one, CORO_NONE);
	third = coro_greenlet(fails, CORO_NONE);
	CORO_EXCEPT(coro_raise(CORO_OSError, "handled in main"), CORO_OSError)
	{
		coro_value mine = coro_handled_exception();

		assert_none(coro_greenlet_switch(first, CORO_NONE));
		coro_greenlet_switch(second, CORO_NONE);
		assert_none(coro_greenlet_throw(second, coro_error(CORO_ValueError, "thrown")));
		assert_ptr_equal(coro_handled_exception().pointer, mine.pointer);
		assert_none(coro_context(coro_greenlet_switch(third, CORO_NONE)));
	}
	coro_greenlet_free(first);
	coro_greenlet_free(second);
	coro_greenlet_free(third);
}

static coro_value fails_again_and_again(coro_value unused)
{
	for (;;)
		CORO_TRY(to_parent(coro_caught(coro_raise(CORO_KeyError, "again"))));
}

static void an_exception_as_a_value_stays_valid_where_it_arrives(void **state)
{
	coro_value one;

	first = coro_greenlet(fails_again_and_again, CORO_NONE);
	one = coro_greenlet_switch(first, CORO_NONE);
	for (int i = 0; i < 100; i++) {
		one = coro_greenlet_switch(first, CORO_NONE);
		assert_false(coro_raised(one));
	}
	coro_greenlet_free(first);
	assert_string_equal(coro_message(one), "again");
}

/* ---- Freeing ------------------------------------------------------------ */

static void one_that_is_suspended_gets_greenlet_exit(void **state)
{
	first = coro_greenlet(tells_what_is_raised, CORO_NONE);
	second = coro_greenlet(tells_what_is_raised, CORO_NONE);
	coro_greenlet_switch(first, CORO_NONE);
	coro_greenlet_switch(second, CORO_NONE);
	coro_greenlet_free(first);
	assert_string_equal(diary, "GreenletExit; ");
	coro_greenlet_free(second);
	assert_string_equal(diary, "GreenletExit; GreenletExit; ");
	assert_string_equal(reports, "");
}

static void one_that_never_started_is_only_freed(void **state)
{
	coro_greenlet_free(coro_greenlet(fails, CORO_NONE));
	coro_greenlet_free(NULL);
	{
		CORO_AUTO_GREENLET struct coro_greenlet *mine = coro_greenlet(echoes, CORO_NONE);

		assert_int_value(coro_greenlet_switch(mine, coro_int(3)), 3);
	}
	assert_string_equal(reports, "");
}

static coro_value raises_when_killed(coro_value unused)
{
	coro_value got = to_parent(CORO_NONE);

	return coro_is(got, CORO_GreenletExit) ? coro_raise(CORO_ValueError, "no end") : got;
}

static void what_leaves_one_that_is_freed_is_reported(void **state)
{
	first = coro_greenlet(raises_when_killed, CORO_NONE);
	coro_greenlet_switch(first, CORO_NONE);
	coro_greenlet_free(first);
	assert_non_null(strstr(reports, "Exception ignored in: <greenlet object raises_when_killed>"));
	assert_non_null(strstr(reports, "ValueError: no end"));
}

static coro_value says_its_parent_when_killed(coro_value unused)
{
	coro_value got = coro_greenlet_switch(third, CORO_NONE);

	note("%s parent; ",
		 coro_greenlet_parent(coro_greenlet_current()) == third ? "main is its" : "another");
	return got;
}

/* greenlet's test_parent_restored_on_kill */
static void whoever_frees_it_is_its_parent_for_that_time(void **state)
{
	third = coro_greenlet_current();
	second = coro_greenlet(fails, CORO_NONE); /* a hub that must not run */
	first = coro_greenlet(says_its_parent_when_killed, CORO_NONE);
	assert_none(coro_greenlet_set_parent(first, second));
	coro_greenlet_switch(first, CORO_NONE);
	coro_greenlet_free(first);
	assert_string_equal(diary, "main is its parent; ");
	assert_false(coro_greenlet_dead(second));
	coro_greenlet_free(second);
	assert_string_equal(reports, "");
}

static coro_value will_not_die(coro_value unused)
{
	to_parent(coro_int(1));
	note("killed; ");
	to_parent(coro_int(2));
	note("ends; ");
	return coro_int(3);
}

static void one_that_ignores_it_is_reported_and_lives_until_it_ends(void **state)
{
	first = coro_greenlet(will_not_die, CORO_NONE);
	assert_int_value(coro_greenlet_switch(first, CORO_NONE), 1);
	coro_greenlet_free(first);
	assert_non_null(strstr(reports, "GreenletExit did not kill <greenlet object will_not_die>"));
	assert_true(coro_greenlet_active(first));
	assert_int_equal(coro_census().bodies, 1);
	assert_int_value(coro_greenlet_switch(first, CORO_NONE), 3);
	assert_string_equal(diary, "killed; ends; ");
	assert_int_equal(coro_census().bodies, 0);
}

static coro_value frees_its_parent(coro_value unused)
{
	coro_greenlet_free(first);
	assert_ptr_equal(coro_greenlet_parent(coro_greenlet_current()), third);
	note("freed; ");
	return coro_int(9);
}

static coro_value starts_the_second(coro_value unused)
{
	coro_value got;

	second = coro_greenlet(frees_its_parent, CORO_NONE);
	got = coro_greenlet_switch(second, CORO_NONE);
	note("%s; ", coro_raised(got) ? coro_exception_type(got)->name : "?");
	return got;
}

static void a_parent_can_be_freed_by_its_child(void **state)
{
	third = coro_greenlet_current();
	first = coro_greenlet(starts_the_second, CORO_NONE);
	assert_int_value(coro_greenlet_switch(first, CORO_NONE), 9);
	assert_string_equal(diary, "GreenletExit; freed; ");
	coro_greenlet_free(second);
	assert_string_equal(reports, "");
}

/* ---- With generators ---------------------------------------------------- */

static coro_value switches_out_of_a_generator(coro_value unused)
{
	CORO_TRY(coro_greenlet_switch(third, coro_str("from the generator")));
	CORO_TRY(coro_yield(coro_int(1)));
	return coro_int(2);
}

static coro_value steps(coro_value generator)
{
	return coro_next((struct coro_generator *)coro_as_object(generator));
}

static void a_generator_stays_where_the_switch_left_it(void **state)
{
	struct coro_generator *g = coro_generator(switches_out_of_a_generator, CORO_NONE);

	third = coro_greenlet_current();
	first = coro_greenlet(steps, CORO_NONE);
	assert_string_equal(coro_as_str(coro_greenlet_switch(first, coro_object(g))),
						"from the generator");
	assert_int_equal(coro_state(g), CORO_STATE_RUNNING);
	assert_raises(coro_next(g), CORO_ValueError, "generator already executing");
	assert_raises(coro_close(g), CORO_ValueError, "generator already executing");
	assert_int_value(coro_greenlet_switch(first, CORO_NONE), 1);
	/* Suspended, it is everybody's. */
	second = coro_greenlet(steps, CORO_NONE);
	assert_stops_with(coro_greenlet_switch(second, coro_object(g)), 2);
	coro_greenlet_free(first);
	coro_greenlet_free(second);
	coro_free(g);
}

static coro_value delegates(coro_value inner)
{
	return coro_yield_from(inner);
}

static void a_delegating_chain_stays_too(void **state)
{
	struct coro_generator *g = coro_generator(switches_out_of_a_generator, CORO_NONE);
	struct coro_generator *outer = coro_generator(delegates, coro_object(g));

	third = coro_greenlet_current();
	first = coro_greenlet(steps, CORO_NONE);
	coro_greenlet_switch(first, coro_object(outer));
	assert_raises(coro_next(outer), CORO_ValueError, "generator already executing");
	assert_raises(coro_next(g), CORO_ValueError, "generator already executing");
	assert_int_value(coro_greenlet_switch(first, CORO_NONE), 1);
	assert_stops_with(coro_next(outer), 2);
	coro_greenlet_free(first);
	coro_free(outer);
	coro_free(g);
}

static coro_value notes_its_end(coro_value unused)
{
	coro_value got = coro_greenlet_switch(third, CORO_NONE);

	note("%s in the generator; ", coro_exception_type(got)->name);
	return got;
}

static void a_killed_greenlet_ends_the_generators_that_run_in_it(void **state)
{
	struct coro_generator *g = coro_generator(notes_its_end, CORO_NONE);

	third = coro_greenlet_current();
	first = coro_greenlet(steps, CORO_NONE);
	coro_greenlet_switch(first, coro_object(g));
	coro_greenlet_free(first);
	assert_string_equal(diary, "GreenletExit in the generator; ");
	assert_true(coro_finished(g));
	coro_free(g);
	assert_string_equal(reports, "");
}

static coro_value yields_and_awaits(coro_value unused)
{
	assert_raises(coro_yield(coro_int(1)), CORO_RuntimeError, "yield outside a generator");
	assert_raises(coro_yield_from(coro_int(1)), CORO_RuntimeError,
				  "yield from outside a generator");
	assert_raises(coro_await(coro_int(1)), CORO_RuntimeError, "await outside a coroutine");
	assert_raises(coro_sleep(0), CORO_RuntimeError, "'await' outside async function");
	return CORO_NONE;
}

static void its_function_is_outside_of_all_bodies(void **state)
{
	struct coro_generator *g = coro_generator(gives_control_to_the_first, CORO_NONE);

	first = coro_greenlet(yields_and_awaits, CORO_NONE);
	assert_none(coro_greenlet_switch(first, CORO_NONE));
	coro_greenlet_free(first);
	/* The same when a generator switches to it. */
	first = coro_greenlet(yields_and_awaits, CORO_NONE);
	assert_stops(coro_next(g));
	coro_greenlet_free(first);
	coro_free(g);
}

/* A generator made of a greenlet: from any depth of calls, as greenlet's test_generator. */
static coro_value gives_numbers(coro_value unused)
{
	for (int64_t i = 0; i < 10; i++)
		CORO_TRY(to_parent(coro_int(i)));
	return CORO_NONE;
}

static coro_value iterates_a_greenlet(coro_value greenlet)
{
	struct coro_greenlet *source = coro_as_ptr(greenlet);

	for (;;) {
		coro_value value = CORO_TRY(coro_greenlet_switch(source, CORO_NONE));

		if (coro_greenlet_dead(source))
			return CORO_NONE;
		CORO_TRY(coro_yield(value));
	}
}

static void a_generator_gives_what_a_greenlet_gives(void **state)
{
	struct coro_generator *g;
	coro_value value;
	int64_t expected = 0;

	first = coro_greenlet(gives_numbers, CORO_NONE);
	g = coro_generator(iterates_a_greenlet, coro_ptr(first));
	while (coro_iterate(g, &value))
		assert_int_value(value, expected++);
	assert_none(value);
	assert_int_equal(expected, 10);
	coro_free(g);
	coro_greenlet_free(first);
}

/* ---- With tasks --------------------------------------------------------- */

/* Runs it as the only task of a loop whose time is virtual. */
#define run_loop(function) run_in_a_loop(coro_coroutine(function, CORO_NONE))
static coro_value run_in_a_loop(struct coro_generator *coroutine)
{
	struct coro_loop *loop = coro_loop_new(&(struct coro_loop_options){.virtual_time = true});
	coro_value result = coro_loop_run_until_complete(loop, coro_object(coroutine));

	coro_loop_free(loop);
	return result;
}

/* The bridge: a plain function, deep in calls, has something awaited by the coroutine around. */
static coro_value plain(coro_value unused)
{
	coro_value sum = CORO_NONE;
	int64_t total = 0;

	for (int64_t i = 1; i <= 3; i++) {
		sum = CORO_TRY(to_parent(coro_int(i)));
		total += coro_as_int(sum);
	}
	assert_non_null(coro_task_current());
	note("%s; ", coro_task_name(coro_task_current()));
	return coro_int(total);
}

static coro_value sleeps_and_doubles(coro_value number)
{
	CORO_TRY(coro_sleep(0.001));
	return coro_int(2 * coro_as_int(number));
}

static coro_value bridges(coro_value unused)
{
	CORO_AUTO_GREENLET struct coro_greenlet *inside = coro_greenlet(plain, CORO_NONE);
	coro_value wanted = CORO_TRY(coro_greenlet_switch(inside, CORO_NONE));

	while (!coro_greenlet_dead(inside)) {
		coro_value result = coro_await(coro_coroutine(sleeps_and_doubles, wanted));

		wanted = coro_raised(result) ? coro_greenlet_throw(inside, result)
									 : coro_greenlet_switch(inside, result);
		CORO_TRY(wanted);
	}
	return wanted;
}

static coro_value bridges_twice(coro_value unused)
{
	struct coro_task *one = coro_spawn(bridges, CORO_NONE, "one");
	struct coro_task *other = coro_spawn(bridges, CORO_NONE, "other");

	assert_int_value(CORO_TRY(coro_await(one)), 12);
	assert_int_value(CORO_TRY(coro_await(other)), 12);
	coro_task_free(one);
	coro_task_free(other);
	return CORO_NONE;
}

static void plain_code_in_a_greenlet_is_bridged_to_await(void **state)
{
	assert_none(run_loop(bridges_twice));
	assert_string_equal(diary, "one; other; ");
}

static coro_value waits_in_main(coro_value unused)
{
	for (;;) {
		struct coro_task *task = coro_task_current();

		note("in %s; ", task ? coro_task_name(task) : "none");
		CORO_TRY(coro_greenlet_switch(third, CORO_NONE));
	}
}

static coro_value visits(coro_value unused)
{
	return coro_greenlet_switch(first, CORO_NONE);
}

static coro_value visits_from_two_tasks(coro_value unused)
{
	struct coro_task *one = coro_spawn(visits, CORO_NONE, "one");
	struct coro_task *other = coro_spawn(visits, CORO_NONE, "other");

	CORO_TRY(coro_await(one));
	CORO_TRY(coro_await(other));
	coro_task_free(one);
	coro_task_free(other);
	return CORO_NONE;
}

static void a_greenlet_is_entered_from_any_task_and_from_none(void **state)
{
	third = coro_greenlet_current();
	first = coro_greenlet(waits_in_main, CORO_NONE);
	coro_greenlet_switch(first, CORO_NONE);
	assert_none(run_loop(visits_from_two_tasks));
	coro_greenlet_switch(first, CORO_NONE);
	assert_string_equal(diary, "in none; in one; in other; in none; ");
	coro_greenlet_free(first);
}

static coro_value sleeps_thrice(coro_value unused)
{
	for (int i = 0; i < 3; i++) {
		note("%d ", i);
		CORO_TRY(coro_sleep(1));
		CORO_TRY(coro_greenlet_switch(third, CORO_NONE));
	}
	return coro_str("slept");
}

static coro_value runs_a_loop(coro_value unused)
{
	return run_loop(sleeps_thrice);
}

static void a_whole_loop_runs_in_a_greenlet_and_stops_where_a_task_switches(void **state)
{
	struct coro_generator *other = coro_coroutine(sleeps_thrice, CORO_NONE);
	struct coro_loop *loop = coro_loop_new(NULL);

	third = coro_greenlet_current();
	first = coro_greenlet(runs_a_loop, CORO_NONE);
	for (int i = 0; i < 3; i++) {
		assert_none(coro_greenlet_switch(first, CORO_NONE));
		note("main ");
		assert_raises(coro_loop_run_until_complete(loop, coro_object(other)), CORO_RuntimeError,
					  "Cannot run the event loop while another loop is running");
	}
	coro_free(other);
	coro_loop_free(loop);
	assert_string_equal(coro_as_str(coro_greenlet_switch(first, CORO_NONE)), "slept");
	assert_string_equal(diary, "0 main 1 main 2 main ");
	coro_greenlet_free(first);
}

/* ---- A hub -------------------------------------------------------------- */

enum { WORKERS = 5 };

static struct {
	struct coro_greenlet *hub, *ready[WORKERS + 1];
	size_t first, last;
} hub;

static void make_ready(struct coro_greenlet *greenlet)
{
	hub.ready[hub.last++ % (WORKERS + 1)] = greenlet;
}

/* Switches to whoever is ready; what ends comes back here, its parent. */
static coro_value runs_the_hub(coro_value unused)
{
	while (hub.first != hub.last) {
		coro_value got = coro_greenlet_switch(hub.ready[hub.first++ % (WORKERS + 1)], CORO_NONE);

		if (coro_raised(got))
			note("%s! ", coro_message(got));
	}
	return coro_str("all ended");
}

static coro_value works(coro_value number)
{
	for (int round = 0; round < 2; round++) {
		note("%d", (int)coro_as_int(number));
		make_ready(coro_greenlet_current());
		CORO_TRY(coro_greenlet_switch(hub.hub, CORO_NONE));
	}
	if (coro_as_int(number) == 3)
		return coro_raise(CORO_ValueError, "three");
	return CORO_NONE;
}

static void a_hub_schedules_its_workers(void **state)
{
	struct coro_greenlet *workers[WORKERS];

	hub.first = hub.last = 0;
	hub.hub = coro_greenlet(runs_the_hub, CORO_NONE);
	for (int i = 0; i < WORKERS; i++) {
		workers[i] = coro_greenlet(works, coro_int(i));
		assert_none(coro_greenlet_set_parent(workers[i], hub.hub));
		make_ready(workers[i]);
	}
	assert_string_equal(coro_as_str(coro_greenlet_switch(hub.hub, CORO_NONE)), "all ended");
	assert_string_equal(diary, "0123401234three! ");
	for (int i = 0; i < WORKERS; i++) {
		assert_true(coro_greenlet_dead(workers[i]));
		coro_greenlet_free(workers[i]);
	}
	coro_greenlet_free(hub.hub);
}

/* ---- Threads ------------------------------------------------------------ */

static void *uses_anothers(void *unused)
{
	struct coro_greenlet *mine = coro_greenlet(returns_at_once, CORO_NONE);

	assert_raises(coro_greenlet_switch(first, CORO_NONE), CORO_GreenletError,
				  "cannot switch to a different thread");
	assert_raises(coro_greenlet_throw(first, CORO_NONE), CORO_GreenletError,
				  "cannot switch to a different thread");
	assert_raises(coro_greenlet_set_parent(mine, first), CORO_ValueError,
				  "parent cannot be on a different thread");
	coro_greenlet_free(mine);
	return NULL;
}

static void *leaves_some(void *unused)
{
	struct coro_greenlet *left = coro_greenlet(tells_what_is_raised, CORO_NONE);

	coro_greenlet(fails, CORO_NONE);
	coro_greenlet_switch(coro_greenlet(will_not_die, CORO_NONE), CORO_NONE);
	coro_greenlet_switch(left, CORO_NONE);
	coro_greenlet_switch(coro_greenlet(steps, CORO_NONE),
						 coro_object(coro_generator(tells_what_is_raised, CORO_NONE)));
	return NULL;
}

static void run_thread(void *(*function)(void *))
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, function, NULL), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
}

static void one_stays_with_its_thread(void **state)
{
	first = coro_greenlet(tells_what_is_raised, CORO_NONE);
	run_thread(uses_anothers);
	coro_greenlet_switch(first, CORO_NONE);
	run_thread(uses_anothers);
	coro_greenlet_free(first);
}

static void what_a_thread_leaves_is_killed_at_its_end(void **state)
{
	run_thread(leaves_some);
	assert_string_equal(diary, "GreenletExit; killed; GreenletExit; ");
	assert_non_null(strstr(reports, "GreenletExit did not kill <greenlet object will_not_die>"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		sentence(two_greenlets_switch_to_each_other),
		sentence(the_first_switch_brings_the_argument_and_the_others_what_a_switch_gives),
		sentence(one_with_an_argument_of_its_own_takes_no_value_at_first),
		sentence(a_ring_of_three_goes_round_and_one_ends_into_main),
		sentence(a_switch_to_itself_gives_the_value_at_once),
		sentence(a_raised_value_is_returned_and_nobody_is_switched_to),
		sentence(an_end_goes_to_the_parent_and_not_to_who_switched),
		sentence(an_exception_goes_through_its_parents),
		sentence(a_dead_parent_passes_on),
		sentence(a_parent_that_has_not_started_is_started_by_an_end),
		sentence(parents_make_no_circle),
		sentence(a_greenlet_has_children_of_its_own),
		sentence(a_chain_of_a_thousand_parents_raises_to_its_top),
		sentence(a_chain_of_a_thousand_that_never_started_dies_of_an_exception),
		sentence(what_is_thrown_is_raised_by_its_switch),
		sentence(greenlet_exit_becomes_a_value_for_the_parent),
		sentence(what_is_thrown_goes_to_the_parent_of_what_it_ends),
		sentence(only_exceptions_can_be_thrown),
		sentence(each_has_its_own_exceptions),
		sentence(an_exception_as_a_value_stays_valid_where_it_arrives),
		sentence(one_that_is_suspended_gets_greenlet_exit),
		sentence(one_that_never_started_is_only_freed),
		sentence(what_leaves_one_that_is_freed_is_reported),
		sentence(whoever_frees_it_is_its_parent_for_that_time),
		sentence(one_that_ignores_it_is_reported_and_lives_until_it_ends),
		sentence(a_parent_can_be_freed_by_its_child),
		sentence(a_generator_stays_where_the_switch_left_it),
		sentence(a_delegating_chain_stays_too),
		sentence(a_killed_greenlet_ends_the_generators_that_run_in_it),
		sentence(its_function_is_outside_of_all_bodies),
		sentence(a_generator_gives_what_a_greenlet_gives),
		sentence(plain_code_in_a_greenlet_is_bridged_to_await),
		sentence(a_greenlet_is_entered_from_any_task_and_from_none),
		sentence(a_whole_loop_runs_in_a_greenlet_and_stops_where_a_task_switches),
		sentence(a_hub_schedules_its_workers),
		sentence(one_stays_with_its_thread),
		sentence(what_a_thread_leaves_is_killed_at_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
