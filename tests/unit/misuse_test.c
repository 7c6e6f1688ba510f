/*
 * misuse_test.c - right handles in the wrong place: outside of a coroutine, twice, of another
 * loop, freed while somebody needs them. What Python raises is raised, with its text; the rest ends
 * the program, and names the object and the place.
 */
#include "aborts.h"

static coro_value nothing(coro_value unused)
{
	return CORO_NONE;
}

static coro_value yields(coro_value value)
{
	return coro_yield(value);
}

static coro_value suspends(coro_value value)
{
	return coro_suspend(value);
}

static coro_value awaits(coro_value value)
{
	return coro_await(value);
}

static coro_value in_new_loop(coro_function *function, coro_value argument)
{
	struct coro_loop *loop = coro_loop_new(NULL);
	coro_value result = coro_loop_run_until_complete(
		loop, coro_object(coro_coroutine_named(function, argument, "main", "here:1")));

	coro_loop_free(loop);
	return result;
}

/* ---- Outside of a coroutine -------------------------------------------- */

static coro_value await_in_a_generator(coro_value unused)
{
	struct coro_generator *inner = coro_coroutine(nothing, CORO_NONE);
	coro_value result = coro_await(inner);

	coro_close(inner);
	coro_free(inner);
	return result;
}

static void waiting_outside_of_a_coroutine_is_an_error(void **state)
{
	static const char await_outside[] = "await outside a coroutine";
	CORO_AUTO struct coro_generator *generator = coro_generator(await_in_a_generator, CORO_NONE);
	struct coro_generator *coroutine = coro_coroutine(yields, CORO_NONE);

	assert_raises(coro_yield(CORO_NONE), CORO_RuntimeError, "yield outside a generator");
	assert_raises(coro_yield_from(CORO_NONE), CORO_RuntimeError, "yield from outside a generator");
	assert_raises(coro_suspend(CORO_NONE), CORO_RuntimeError, await_outside);
	assert_raises(coro_next(generator), CORO_RuntimeError, await_outside);
	assert_raises(coro_send(coroutine, CORO_NONE), CORO_RuntimeError, "yield inside a coroutine");
	assert_raises(coro_sleep(0), CORO_RuntimeError, "'await' outside async function");
	coro_free(coroutine);
}

static void lock_outside(void)
{
	struct coro_lock *lock = coro_lock_new("l");
	coro_value result = coro_lock_acquire(lock);

	assert_raises(result, CORO_RuntimeError, "'await' outside async function");
	coro_lock_free(lock);
}

static void taking_a_lock_outside_of_a_coroutine_is_an_error(void **state)
{
	lock_outside();
}

/* ---- Twice ------------------------------------------------------------- */

static coro_value awaits_again(coro_value coroutine)
{
	CORO_TRY(coro_await(coroutine));
	return coro_await(coroutine);
}

static coro_value items(coro_value unused)
{
	coro_yield(coro_int(1));
	return coro_yield(coro_int(2));
}

static coro_value awaits_a_step_again(coro_value unused)
{
	struct coro_generator *generator = coro_async_generator(items, CORO_NONE);
	struct coro_async_step *step = coro_asend_step(generator, CORO_NONE);
	coro_value result;

	CORO_TRY(coro_async_step_await(step));
	result = coro_keep(coro_async_step_await(step));
	coro_async_step_free(step);
	coro_aclose(generator);
	coro_free(generator);
	coro_raise_again(result);
	coro_drop(result);
	return result;
}

static void awaiting_twice_is_an_error(void **state)
{
	struct coro_generator *held = coro_coroutine(nothing, CORO_NONE);
	struct coro_generator *suspended = coro_coroutine(suspends, CORO_NONE);
	struct coro_generator *first = coro_coroutine(awaits, coro_object(suspended));
	struct coro_generator *second = coro_coroutine(awaits, coro_object(suspended));

	coro_hold(held);
	assert_raises(in_new_loop(awaits_again, coro_object(held)), CORO_RuntimeError,
				  "cannot reuse already awaited coroutine");
	coro_free(held);
	coro_send(first, CORO_NONE);
	assert_raises(coro_send(second, CORO_NONE), CORO_RuntimeError,
				  "coroutine is being awaited already");
	coro_close(first);
	coro_free(first);
	coro_free(second);
	assert_raises(in_new_loop(awaits_a_step_again, CORO_NONE), CORO_RuntimeError,
				  "cannot reuse already awaited __anext__()/asend()");
}

static void await_a_consumed_one(void)
{
	struct coro_generator *coroutine =
		coro_coroutine_named(nothing, CORO_NONE, "consumed", "here:7");

	in_new_loop(awaits_again, coro_object(coroutine));
}

static void a_coroutine_that_was_consumed_is_not_awaited_again(void **state)
{
	assert_aborts(await_a_consumed_one,
				  "coroscope: coroutine 'consumed' #*, created at here:7, is used after it was "
				  "freed\n  called at misuse_test(+0x*)*\n  in coroutine main #*");
}

/* ---- While it runs ----------------------------------------------------- */

static struct coro_generator *itself;
static struct coro_loop *its_loop;

static coro_value frees_itself(coro_value unused)
{
	coro_free(itself);
	return CORO_NONE;
}

static void free_what_runs(void)
{
	itself = coro_generator(frees_itself, CORO_NONE);
	coro_next(itself);
}

static coro_value resumes_that_frees(coro_value unused)
{
	coro_next(coro_generator(frees_itself, CORO_NONE));
	return CORO_NONE;
}

static void free_who_waits_for_what_it_resumed(void)
{
	itself = coro_generator(resumes_that_frees, CORO_NONE);
	coro_next(itself);
}

static coro_value frees_its_loop(coro_value unused)
{
	coro_loop_free(its_loop);
	return CORO_NONE;
}

static coro_value closes_its_loop(coro_value unused)
{
	coro_loop_close(its_loop);
	return CORO_NONE;
}

static void free_the_loop_that_runs(void)
{
	its_loop = coro_loop_new(NULL);
	coro_loop_run_until_complete(its_loop, coro_object(coro_coroutine(frees_its_loop, CORO_NONE)));
}

static void close_the_loop_that_runs(void)
{
	its_loop = coro_loop_new(NULL);
	coro_loop_run_until_complete(its_loop, coro_object(coro_coroutine(closes_its_loop, CORO_NONE)));
}

static void what_runs_is_not_freed(void **state)
{
	assert_aborts(free_what_runs,
				  "coroscope: generator 'frees_itself' #*, created at *, is freed while it is "
				  "running" CALLED "in generator frees_itself #*");
	assert_aborts(free_who_waits_for_what_it_resumed,
				  "coroscope: generator 'resumes_that_frees' #*, is freed while it is "
				  "running" CALLED);
	assert_aborts(free_the_loop_that_runs,
				  "coroscope: loop 'loop' #*, is freed while it is running" CALLED);
	assert_aborts(close_the_loop_that_runs,
				  "coroscope: loop 'loop' #*, is freed while it is running" CALLED);
}

/* ---- While somebody waits ---------------------------------------------- */

static void *waited_for;

/* Defines a coroutine that waits with `call`, and an operation that frees `it` meanwhile. */
#define WAITING(name, call, make, release)                                                         \
	static coro_value name##_waits(coro_value unused)                                              \
	{                                                                                              \
		return call;                                                                               \
	}                                                                                              \
	static void name##_inside(void)                                                                \
	{                                                                                              \
		waited_for = make;                                                                         \
		coro_spawn(name##_waits, CORO_NONE, "waits");                                              \
		coro_sleep(0);                                                                             \
		coro_sleep(0);                                                                             \
		release(waited_for);                                                                       \
	}                                                                                              \
	static void name(void)                                                                         \
	{                                                                                              \
		in_loop(name##_inside);                                                                    \
	}

static struct coro_lock *locked(void)
{
	struct coro_lock *lock = coro_lock_new("it");

	coro_lock_acquire(lock);
	return lock;
}

static struct coro_queue *full(void)
{
	struct coro_queue *queue = coro_queue_new_named(1, "it");

	coro_queue_put_nowait(queue, CORO_NONE);
	return queue;
}

static coro_value waits_for_condition(void)
{
	CORO_TRY(coro_lock_acquire(coro_condition_lock(waited_for)));
	return coro_condition_wait(waited_for);
}

static coro_value waits_for_group(void)
{
	CORO_TRY(coro_task_group_enter(waited_for));
	coro_task_group_spawn(waited_for, suspends, CORO_NONE, NULL);
	coro_task_group_spawn(waited_for, awaits, coro_object(coro_future_new(CORO_REASON_NONE, NULL)),
						  NULL);
	return coro_task_group_exit(waited_for, CORO_NONE);
}

/* Woken, and freed before it runs. */
static void put_and_free(void *queue)
{
	coro_queue_put_nowait(queue, CORO_NONE);
	coro_queue_free(queue);
}

static struct coro_completion *of_a_future(void)
{
	coro_value future = coro_object(coro_future_new(CORO_REASON_NONE, NULL));

	return coro_as_completed(&future, 1, CORO_FOREVER);
}

WAITING(lock_waited_for, coro_lock_acquire(waited_for), locked(), coro_lock_free)
WAITING(event_waited_for, coro_event_wait(waited_for), coro_event_new("it"), coro_event_free)
WAITING(semaphore_waited_for, coro_semaphore_acquire(waited_for), coro_semaphore_new(0, "it"),
		coro_semaphore_free)
WAITING(condition_waited_for, waits_for_condition(), coro_condition_new(NULL, "it"),
		coro_condition_free)
WAITING(barrier_waited_for, coro_barrier_wait(waited_for), coro_barrier_new(2, "it"),
		coro_barrier_free)
WAITING(queue_got_from, coro_queue_get(waited_for), coro_queue_new_named(1, "it"), coro_queue_free)
WAITING(queue_put_into, coro_queue_put(waited_for, CORO_NONE), full(), coro_queue_free)
WAITING(queue_joined, coro_queue_join(waited_for), full(), coro_queue_free)
WAITING(queue_woken, coro_queue_get(waited_for), coro_queue_new_named(1, "it"), put_and_free)
WAITING(group_waited_for, waits_for_group(), coro_task_group_new("it"), coro_task_group_free)
WAITING(completion_waited_for, coro_await(coro_as_completed_next(waited_for)), of_a_future(),
		coro_as_completed_free)

static void what_a_task_waits_for_is_not_freed(void **state)
{
	static const struct {
		void (*what)(void);
		const char *kind;
	} uses[] = {
		{lock_waited_for, "lock"},
		{event_waited_for, "event"},
		{semaphore_waited_for, "semaphore"},
		{condition_waited_for, "condition"},
		{barrier_waited_for, "barrier"},
		{queue_got_from, "queue"},
		{queue_put_into, "queue"},
		{queue_joined, "queue"},
		{queue_woken, "queue"},
		{group_waited_for, "task group"},
	};
	char pattern[256];

	for (size_t i = 0; i < sizeof(uses) / sizeof(*uses); i++) {
		snprintf(pattern, sizeof(pattern),
				 "coroscope: %s 'it' #*, created at *misuse_test.c:*, is freed while a task waits "
				 "for it" CALLED,
				 uses[i].kind);
		assert_aborts(uses[i].what, pattern);
	}
	assert_aborts(completion_waited_for,
				  "coroscope: coro_as_completed is freed while a task waits for it" CALLED);
}

static coro_value waits_long(coro_value unused)
{
	CORO_TRY(coro_suspend(CORO_NONE));
	return coro_yield(CORO_NONE);
}

static struct coro_async_step *awaited_step;

static coro_value awaits_the_step(coro_value unused)
{
	return coro_async_step_await(awaited_step);
}

static void free_an_awaited_step(void)
{
	awaited_step = coro_asend_step(coro_async_generator(waits_long, CORO_NONE), CORO_NONE);
	coro_send(coro_coroutine(awaits_the_step, CORO_NONE), CORO_NONE);
	coro_async_step_free(awaited_step);
}

static void a_step_is_not_freed_while_it_is_awaited(void **state)
{
	assert_aborts(free_an_awaited_step, "coroscope: async generator 'waits_long' #*, has a step "
										"that is freed while it is awaited" CALLED);
}

/* ---- Of another loop --------------------------------------------------- */

static coro_value acquires(coro_value lock)
{
	return coro_lock_acquire(coro_as_ptr(lock));
}

static coro_value acquires_semaphore(coro_value semaphore)
{
	return coro_semaphore_acquire(coro_as_ptr(semaphore));
}

static coro_value waits_for_event(coro_value event)
{
	return coro_event_wait(coro_as_ptr(event));
}

static coro_value waits_in_condition(coro_value condition)
{
	coro_value result;

	CORO_TRY(coro_lock_acquire(coro_condition_lock(coro_as_ptr(condition))));
	result = coro_condition_wait(coro_as_ptr(condition));
	coro_lock_release(coro_condition_lock(coro_as_ptr(condition)));
	return result;
}

static coro_value waits_at_barrier(coro_value barrier)
{
	return coro_barrier_wait(coro_as_ptr(barrier));
}

static coro_value gets(coro_value queue)
{
	return coro_queue_get(coro_as_ptr(queue));
}

static coro_value puts_two(coro_value queue)
{
	CORO_TRY(coro_queue_put(coro_as_ptr(queue), CORO_NONE));
	return coro_queue_put(coro_as_ptr(queue), CORO_NONE);
}

static coro_value joins(coro_value queue)
{
	return coro_queue_join(coro_as_ptr(queue));
}

static coro_value receives(coro_value channel)
{
	return coro_channel_receive(coro_as_ptr(channel), NULL);
}

static coro_value sends(coro_value channel)
{
	return coro_channel_send(coro_as_ptr(channel), CORO_NONE);
}

static coro_value selects(coro_value channel)
{
	struct coro_case cases[] = {coro_case_receive(NULL), coro_case_receive(coro_as_ptr(channel))};

	return coro_select(cases, 2);
}

/* Waits in one loop, in vain, and in another. */
static void check_bound(coro_function *first, coro_function *second, void *object, const char *name)
{
	coro_value result = in_new_loop(first, coro_ptr(object));
	char text[64];

	assert_true(coro_is(result, CORO_DeadlockError));
	result = in_new_loop(second, coro_ptr(object));
	assert_true(coro_is(result, CORO_RuntimeError));
	snprintf(text, sizeof(text), "<%s it #*> is bound to a different event loop", name);
	if (fnmatch(text, coro_message(result), 0))
		fail_msg("%s", coro_message(result));
}

static void what_tasks_wait_for_is_bound_to_their_loop(void **state)
{
	struct coro_lock *lock = coro_lock_new("it");
	struct coro_semaphore *semaphore = coro_semaphore_new(0, "it");
	struct coro_event *event = coro_event_new("it");
	struct coro_condition *condition = coro_condition_new(NULL, "it");
	struct coro_barrier *barrier = coro_barrier_new(2, "it");
	struct coro_queue *queue = coro_queue_new_named(1, "it");
	struct coro_queue *joined = coro_queue_new_named(1, "it");
	struct coro_channel *channel = coro_channel_new_named(0, "it");
	struct coro_channel *sent = coro_channel_new_named(0, "it");
	struct coro_channel *selected = coro_channel_new_named(0, "it");

	assert_true(coro_as_bool(in_new_loop(acquires, coro_ptr(lock))));
	check_bound(acquires, acquires, lock, "Lock");
	check_bound(acquires_semaphore, acquires_semaphore, semaphore, "Semaphore");
	check_bound(waits_for_event, waits_for_event, event, "Event");
	check_bound(waits_in_condition, waits_in_condition, condition, "Condition");
	check_bound(waits_at_barrier, waits_at_barrier, barrier, "Condition");
	check_bound(gets, puts_two, queue, "Queue");
	check_bound(receives, sends, channel, "Channel");
	check_bound(sends, selects, sent, "Channel");
	check_bound(selects, receives, selected, "Channel");
	coro_queue_put_nowait(joined, CORO_NONE);
	check_bound(joins, joins, joined, "Queue");
	coro_lock_free(lock);
	coro_semaphore_free(semaphore);
	coro_event_free(event);
	coro_condition_free(condition);
	coro_barrier_free(barrier);
	coro_queue_free(queue);
	coro_queue_free(joined);
	coro_channel_free(channel);
	coro_channel_free(sent);
	coro_channel_free(selected);
}

static coro_value enters_and_exits(coro_value group)
{
	CORO_TRY(coro_task_group_enter(coro_as_ptr(group)));
	return coro_task_group_exit(coro_as_ptr(group), CORO_NONE);
}

static void a_task_group_is_entered_in_one_loop_only(void **state)
{
	struct coro_task_group *group = coro_task_group_new("it");

	assert_false(coro_raised(in_new_loop(enters_and_exits, coro_ptr(group))));
	assert_raises(in_new_loop(enters_and_exits, coro_ptr(group)), CORO_RuntimeError,
				  "TaskGroup <TaskGroup> has already been entered");
	coro_task_group_free(group);
}

static coro_value gathers(coro_value future)
{
	return coro_gather(&future, 1, false, NULL);
}

static coro_value waits_for(coro_value future)
{
	return coro_wait_for(future, 1);
}

static coro_value shields(coro_value future)
{
	return coro_shield(future);
}

static void futures_of_another_loop_are_refused(void **state)
{
	static const char belongs[] = "The future belongs to a different loop than the one specified "
								  "as the loop argument";
	static const char attached[] =
		"Task <Task 'Task-1'> got Future <Future > attached to a different loop";
	struct coro_loop *loop = coro_loop_new(NULL), *other = coro_loop_new(NULL);
	struct coro_future *future = coro_future_new(CORO_REASON_NONE, NULL);
	struct coro_task *task = coro_spawn(nothing, CORO_NONE, "of the first");

	assert_raises(in_new_loop(awaits, coro_object(future)), CORO_RuntimeError, attached);
	assert_raises(in_new_loop(awaits, coro_object(task)), CORO_RuntimeError, attached);
	assert_raises(in_new_loop(waits_for, coro_object(future)), CORO_RuntimeError, attached);
	assert_raises(in_new_loop(shields, coro_object(future)), CORO_RuntimeError, attached);
	assert_raises(in_new_loop(gathers, coro_object(future)), CORO_ValueError, belongs);
	assert_raises(coro_loop_run_until_complete(other, coro_object(future)), CORO_ValueError,
				  belongs);
	coro_loop_free(other);
	coro_future_free(future);
	coro_loop_free(loop);
}

/* ---- Reports ------------------------------------------------------------ */

static coro_value never_runs(coro_value unused)
{
	return CORO_NONE;
}

static void drops_a_coroutine(void)
{
	coro_free(coro_coroutine_named(never_runs, CORO_NONE, "dropped", "there:12"));
}

static void a_report_says_where_what_it_is_about_was_created(void **state)
{
	assert_int_equal(run(drops_a_coroutine), 0);
	assert_string_equal(said, "RuntimeWarning: coroutine 'dropped' was never awaited\n"
							  "  created at there:12\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		sentence(waiting_outside_of_a_coroutine_is_an_error),
		sentence(taking_a_lock_outside_of_a_coroutine_is_an_error),
		sentence(awaiting_twice_is_an_error),
		sentence(a_coroutine_that_was_consumed_is_not_awaited_again),
		sentence(what_runs_is_not_freed),
		sentence(what_a_task_waits_for_is_not_freed),
		sentence(a_step_is_not_freed_while_it_is_awaited),
		sentence(what_tasks_wait_for_is_bound_to_their_loop),
		sentence(futures_of_another_loop_are_refused),
		sentence(a_task_group_is_entered_in_one_loop_only),
		sentence(a_report_says_where_what_it_is_about_was_created),
	};

	return cmocka_run_group_tests_name("misuse", tests, NULL, NULL);
}
