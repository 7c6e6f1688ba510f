/*
 * thread_end_test.c - what a thread leaves suspended when it ends.
 */
#include <pthread.h>
#include <coroscope/coro.h>
#include "runtime_check.h"

static coro_value counts(coro_value unused)
{
	coro_value sent = CORO_NONE;

	while (!coro_raised(sent))
		sent = coro_yield(coro_int(1));
	note("inner closed; ");
	return sent;
}

static coro_value owns_another(coro_value unused)
{
	CORO_AUTO struct coro_generator *inner = coro_generator(counts, CORO_NONE);
	coro_value result = coro_yield_from(coro_object(inner));

	note("outer closed; ");
	return result;
}

static coro_value fails_at_the_end(coro_value unused)
{
	if (coro_raised(coro_yield(CORO_NONE)))
		return coro_raise(CORO_ValueError, "no end");
	return CORO_NONE;
}

static coro_value refuses(coro_value unused)
{
	while (!coro_is_none(coro_yield(CORO_NONE)))
		continue;
	return CORO_NONE;
}

static void *leaves(void *functions)
{
	coro_function **function = functions;

	for (; *function; function++)
		coro_next(coro_generator_named(*function, CORO_NONE, "left", "here:1"));
	return NULL;
}

static void run_thread(coro_function **functions)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, leaves, functions), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
}

static void what_is_suspended_is_closed_with_what_it_owns(void **state)
{
	coro_function *functions[] = {owns_another, owns_another, counts, NULL};

	run_thread(functions);
	assert_string_equal(diary, "inner closed; outer closed; inner closed; outer closed; "
							   "inner closed; ");
	assert_string_equal(reports, "");
}

static void what_its_cleanup_raises_is_reported(void **state)
{
	coro_function *functions[] = {fails_at_the_end, refuses, counts, NULL};

	run_thread(functions);
	assert_non_null(strstr(reports, "Exception ignored in: <generator object left>"));
	assert_non_null(strstr(reports, "ValueError: no end"));
	assert_non_null(strstr(reports, "RuntimeError: generator ignored GeneratorExit"));
	assert_string_equal(diary, "inner closed; ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		sentence(what_is_suspended_is_closed_with_what_it_owns),
		sentence(what_its_cleanup_raises_is_reported),
	};

	return cmocka_run_group_tests_name("thread end", tests, NULL, NULL);
}
