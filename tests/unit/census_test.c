/*
 * census_test.c - what the runtime says is alive, is.
 */
#include <pthread.h>
#include <coroscope/coro.h>
#include "runtime_check.h"

static coro_value waits(coro_value unused)
{
	return coro_yield(unused);
}

static void census_counts_each_kind_and_forgets_it(void **state)
{
	struct coro_census before = coro_census(), during, after;
	struct coro_generator *generator = coro_generator(waits, CORO_NONE);
	struct coro_lock *lock = coro_lock_new("counted");
	coro_value error = coro_keep(coro_error(CORO_ValueError, "counted"));

	during = coro_census();
	assert_int_equal(during.bodies, before.bodies + 1);
	assert_int_equal(during.stacks_used, before.stacks_used + 1);
	assert_int_equal(during.exceptions, before.exceptions + 1);
	assert_int_equal(during.objects, before.objects + 2);
	coro_free(generator);
	coro_lock_free(lock);
	coro_drop(error);
	after = coro_census();
	assert_int_equal(after.bodies, before.bodies);
	assert_int_equal(after.stacks_used, before.stacks_used);
	assert_int_equal(after.stacks_pooled, before.stacks_pooled + 1);
	assert_int_equal(after.objects, before.objects);
}

static void *count_here(void *data)
{
	*(struct coro_census *)data = coro_census();
	return NULL;
}

static void another_thread_has_its_own(void **state)
{
	struct coro_generator *generator = coro_generator(waits, CORO_NONE);
	struct coro_census other;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, count_here, &other), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(other.bodies, 0);
	assert_int_equal(other.stacks_used, 0);
	assert_int_equal(other.objects, 0);
	coro_free(generator);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		sentence(census_counts_each_kind_and_forgets_it),
		sentence(another_thread_has_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
