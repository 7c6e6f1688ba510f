/*
 * exception_test.c - values, exceptions, what stays valid and how much that is.
 */
#include <errno.h>
#include "runtime_check.h"

CORO_EXCEPTION(BadPort, CORO_ValueError);

static const char *format(coro_value value)
{
	static char text[200];

	coro_format(value, text, sizeof(text));
	return text;
}

static void values_keep_what_they_were_given(void **state)
{
	int target;

	assert_int_equal(sizeof(coro_value), 16);
	assert_int_value(coro_int(INT64_MIN), INT64_MIN);
	assert_true(coro_as_bool(coro_bool(true)));
	assert_true(coro_as_float(coro_float(2.5)) == 2.5);
	assert_true(coro_as_float(coro_int(2)) == 2);
	assert_string_equal(coro_as_str(coro_str("text")), "text");
	assert_int_equal(coro_length(coro_bytes("a\0b", 3)), 3);
	assert_ptr_equal(coro_as_ptr(coro_ptr(&target)), &target);
	assert_string_equal(coro_type_name(coro_typed_ptr(&target, "struct job")), "struct job");
	assert_string_equal(coro_type_name(CORO_NONE), "NoneType");
	assert_false(coro_raised(coro_int(-1)));
}

static void values_are_written_as_python_writes_them(void **state)
{
	const struct {
		coro_value value;
		const char *text;
	} cases[] = {
		{CORO_NONE, "None"},
		{coro_bool(true), "True"},
		{coro_int(-3), "-3"},
		{coro_float(2), "2.0"},
		{coro_float(0.1), "0.1"},
		{coro_float(1e16), "1e+16"},
		{coro_float(1.5e-7), "1.5e-07"},
		{coro_float(-1.0 / 3), "-0.3333333333333333"},
		{coro_float(123456.75), "123456.75"},
		{coro_float(1e15), "1000000000000000.0"},
		{coro_str("it's"), "\"it's\""},
		{coro_str("a\nb\x1b\\"), "'a\\nb\\x1b\\\\'"},
		{coro_bytes("\0\xff", 2), "b'\\x00\\xff'"},
		{coro_error(CORO_KeyError, "k"), "KeyError('k')"},
		{coro_error_value(CORO_StopIteration, coro_int(3)), "StopIteration(3)"},
		{coro_error_value(CORO_StopIteration, CORO_NONE), "StopIteration()"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(format(cases[i].value), cases[i].text);
	assert_int_equal(coro_format(coro_str("long text"), NULL, 0), 11);
}

static void numbers_are_equal_across_kinds_and_text_by_content(void **state)
{
	char same[] = "same";

	assert_true(coro_equal(coro_int(1), coro_float(1)));
	assert_true(coro_equal(coro_bool(true), coro_int(1)));
	assert_true(coro_equal(coro_str(same), coro_str("same")));
	assert_false(coro_equal(coro_str("1"), coro_int(1)));
	assert_false(coro_equal(coro_str("a"), coro_bytes("a", 1)));
	assert_true(coro_equal(CORO_NONE, CORO_NONE));
}

static void is_follows_the_hierarchy(void **state)
{
	coro_value error = coro_raise(BadPort, "%d", 70000);

	assert_true(coro_is(error, BadPort));
	assert_true(coro_is(error, CORO_ValueError));
	assert_true(coro_is(error, CORO_Exception));
	assert_true(coro_is(error, CORO_BaseException));
	assert_false(coro_is(error, CORO_OSError));
	assert_false(coro_is(coro_int(3), CORO_BaseException));
	assert_false(coro_is(coro_error(CORO_CancelledError, "%s", ""), CORO_Exception));
	assert_true(coro_is(coro_error(CORO_TimeoutError, "%s", ""), CORO_OSError));
	assert_raises(error, BadPort, "70000");
}

static void an_errno_has_the_type_that_python_gives_it(void **state)
{
	coro_value error = coro_raise_errno(ECONNRESET);

	assert_true(coro_is(error, CORO_ConnectionResetError));
	assert_string_equal(coro_message(error), "[Errno 104] Connection reset by peer");
	assert_int_value(coro_exception_value(error), ECONNRESET);
}

static void raise_from_sets_the_cause_and_hides_the_context(void **state)
{
	coro_value cause = coro_error(CORO_KeyError, "why"), error;
	char text[300];

	error = coro_raise_from(coro_raise(CORO_ValueError, "what"), cause);
	assert_true(coro_suppresses_context(error));
	assert_ptr_equal(coro_cause(error).pointer, cause.pointer);
	coro_format_exception(error, text, sizeof(text));
	assert_string_equal(text, "KeyError: why\n\nThe above exception was the direct cause of the "
							  "following exception:\n\nValueError: what");
	error = coro_raise_from(coro_raise(CORO_ValueError, "what"), CORO_NONE);
	assert_none(coro_cause(error));
	coro_format_exception(error, text, sizeof(text));
	assert_string_equal(text, "ValueError: what");
}

static void a_ring_of_contexts_is_opened(void **state)
{
	coro_value first = coro_error(CORO_KeyError, "1"), second;

	CORO_EXCEPT(first, CORO_KeyError)
	{
		second = coro_raise(CORO_ValueError, "2");
		assert_ptr_equal(coro_context(second).pointer, first.pointer);
		CORO_EXCEPT(second, CORO_ValueError)
		coro_raise_again(first);
	}
	assert_ptr_equal(coro_context(first).pointer, second.pointer);
	assert_none(coro_context(second));
}

static void a_group_holds_its_exceptions(void **state)
{
	const coro_value two[] = {coro_error(CORO_KeyError, "a"), coro_error(CORO_OSError, "b")};
	const coro_value with_base[] = {coro_error(CORO_CancelledError, "c")};
	coro_value group = coro_raise_group("both", two, 2);

	assert_raises(group, CORO_ExceptionGroup, "both (2 sub-exceptions)");
	assert_true(coro_is(group, CORO_Exception));
	assert_int_equal(coro_group_count(group), 2);
	assert_string_equal(coro_message(coro_group_at(group, 1)), "b");
	group = coro_raise_group("one", with_base, 1);
	assert_raises(group, CORO_BaseExceptionGroup, "one (1 sub-exception)");
	assert_false(coro_is(group, CORO_Exception));
}

static coro_value fails(coro_value number)
{
	return coro_raise(CORO_ValueError, "%d", (int)coro_as_int(number));
}

/* CPython leaves these rings to its collector. */
static void exceptions_that_hold_each_other_leave_nothing(void **state)
{
	coro_value member = coro_error(CORO_ValueError, "member"), group, inner, other;

	/* A member that is raised again while its group is handled; also of a group in the group. */
	inner = coro_caught(coro_raise_group("inner", &member, 1));
	group = coro_caught(coro_raise_group("outer", &inner, 1));
	coro_handling(group);
	coro_raise_again(member);
	assert_ptr_equal(coro_context(member).pointer, group.pointer);

	/* A cause that is raised again while what it caused is handled; and one that is its own. */
	other = coro_caught(coro_raise_from(coro_raise(CORO_KeyError, "k"), member));
	coro_handling(other);
	coro_raise_again(member);
	assert_ptr_equal(coro_context(member).pointer, other.pointer);
	coro_raise_from(other, other);
	assert_ptr_equal(coro_cause(other).pointer, other.pointer);
	assert_true(coro_is_none(coro_context(member)));
	coro_raise_from(other, group);
	coro_handling(CORO_NONE);

	/* A way that is longer: no context. */
	member = coro_error(CORO_ValueError, "again");
	group = coro_caught(coro_raise_group("group", &member, 1));
	coro_handling(group);
	other = coro_caught(coro_raise(CORO_KeyError, "between"));
	coro_handling(other);
	coro_raise_again(member);
	assert_true(coro_is_none(coro_context(member)));
	coro_handling(CORO_NONE);
}

static void what_was_delivered_stays_valid_until_the_next(void **state)
{
	CORO_AUTO struct coro_generator *g = coro_generator(fails, coro_int(1));
	coro_value error = coro_next(g);

	for (int i = 0; i < 100; i++)
		coro_error(CORO_KeyError, "%d", i);
	assert_raises(error, CORO_ValueError, "1");
}

static void what_is_kept_stays_valid_for_longer(void **state)
{
	struct coro_generator *g = coro_generator(fails, coro_int(1));
	coro_value error = coro_keep(coro_next(g));

	coro_free(g);
	for (int i = 0; i < 100; i++) {
		g = coro_generator(fails, coro_int(i));
		coro_next(g);
		coro_free(g);
	}
	assert_raises(error, CORO_ValueError, "1");
	coro_drop(error);
}

static coro_value catches_in_a_loop(coro_value unused)
{
	for (;;) {
		CORO_AUTO struct coro_generator *g = coro_generator(fails, coro_int(3));
		coro_value error = coro_next(g);

		if (!coro_is(error, CORO_ValueError))
			return error;
		CORO_TRY(coro_yield(CORO_NONE));
	}
}

static void catching_for_ever_holds_no_more_than_catching_a_while(void **state)
{
	CORO_AUTO struct coro_generator *g = coro_generator(catches_in_a_loop, CORO_NONE);
	size_t after_a_while;

	for (int i = 0; i < 100; i++)
		coro_next(g);
	after_a_while = coro_census().exceptions;
	for (int i = 0; i < 20000; i++)
		coro_next(g);
	assert_int_equal(coro_census().exceptions, after_a_while);
}

static void a_long_chain_of_causes_is_freed_without_recursion(void **state)
{
	coro_value error = coro_keep(coro_error(CORO_KeyError, "0"));

	for (int i = 0; i < 200000; i++) {
		coro_value next = coro_keep(coro_raise_from(coro_error(CORO_KeyError, "%d", i), error));

		coro_drop(error);
		error = next;
	}
	coro_drop(error);
}

static coro_value passes_on(coro_value depth)
{
	CORO_AUTO struct coro_generator *g =
		coro_as_int(depth) ? coro_generator(passes_on, coro_int(coro_as_int(depth) - 1))
						   : coro_generator(fails, coro_int(1));

	return CORO_TRY(coro_next(g));
}

static void an_exception_remembers_the_calls_that_it_came_through(void **state)
{
	CORO_AUTO struct coro_generator *g = coro_generator(passes_on, coro_int(2));
	uintptr_t sites[16];
	coro_value error = coro_next(g);
	size_t count = coro_traceback(error, sites, 16);

	/* The raise, three times the next in passes_on, and the one here. */
	assert_int_equal(count, 1 + 1 + 1);
	assert_true(sites[0] > (uintptr_t)fails);
}

static void exit_status_reports_what_was_not_caught(void **state)
{
	assert_int_equal(coro_exit_status(CORO_NONE), 0);
	assert_int_equal(coro_exit_status(coro_raise(CORO_KeyError, "k")), 1);
	assert_string_equal(reports, "5 KeyError: k;");
	assert_int_equal(coro_exit_status(coro_raise_value(CORO_SystemExit, coro_int(3))), 3);
	assert_string_equal(reports, "5 KeyError: k;");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		sentence(values_keep_what_they_were_given),
		sentence(values_are_written_as_python_writes_them),
		sentence(numbers_are_equal_across_kinds_and_text_by_content),
		sentence(is_follows_the_hierarchy),
		sentence(an_errno_has_the_type_that_python_gives_it),
		sentence(raise_from_sets_the_cause_and_hides_the_context),
		sentence(a_ring_of_contexts_is_opened),
		sentence(a_group_holds_its_exceptions),
		sentence(exceptions_that_hold_each_other_leave_nothing),
		sentence(what_was_delivered_stays_valid_until_the_next),
		sentence(what_is_kept_stays_valid_for_longer),
		sentence(catching_for_ever_holds_no_more_than_catching_a_while),
		sentence(a_long_chain_of_causes_is_freed_without_recursion),
		sentence(an_exception_remembers_the_calls_that_it_came_through),
		sentence(exit_status_reports_what_was_not_caught),
	};

	return cmocka_run_group_tests_name("exception", tests, NULL, NULL);
}
