/*
 * primitives_test.c - event, condition, semaphore, barrier, LIFO and priority queues, shutdown:
 * rules S1, S3-S5, Q4, Q5.
 */
#include "journal.h"

static struct coro_event *event;
static struct coro_condition *condition;
static struct coro_semaphore *semaphore;
static struct coro_barrier *barrier;
static struct coro_queue *queue;

static struct coro_task *tasks[4];

static void spawn_all(coro_function *function, int count)
{
	for (int i = 0; i < count; i++)
		tasks[i] = coro_spawn_coroutine(coro_coroutine(function, coro_int(i + 1)), NULL);
}

static coro_value join_all(int count)
{
	for (int i = 0; i < count; i++) {
		coro_value result = coro_await(tasks[i]);

		coro_task_free(tasks[i]);
		if (coro_raised(result) && !coro_is(result, CORO_CancelledError))
			return result;
	}
	return CORO_NONE;
}

/* ---- Event -------------------------------------------------------------- */

static coro_value wait_for_event(coro_value number)
{
	coro_value result = coro_event_wait(event);

	note_value("woken", coro_raised(result) ? result : number);
	return result;
}

static coro_value use_an_event(coro_value unused)
{
	event = coro_event_new("event");
	spawn_all(wait_for_event, 3);
	CORO_TRY(coro_sleep(0));
	coro_task_cancel(tasks[1], NULL);
	CORO_TRY(coro_sleep(0.001));
	coro_event_set(event);
	coro_event_clear(event);
	note("set %d", coro_event_is_set(event));
	CORO_TRY(join_all(3));
	coro_event_set(event);
	note_value("at once", coro_event_wait(event));
	coro_event_free(event);
	return CORO_NONE;
}

static void setting_an_event_wakes_all_in_their_order(void **state)
{
	assert_false(coro_raised(run(use_an_event, CORO_NONE)));
	assert_journal("woken raised CancelledError; set 0; woken 1; woken 3; at once True; ");
}

/* ---- Condition ---------------------------------------------------------- */

static coro_value wait_for_condition(coro_value number)
{
	coro_value result;

	CORO_TRY(coro_lock_acquire(coro_condition_lock(condition)));
	result = coro_condition_wait(condition);
	note_value("woken", coro_raised(result) ? result : number);
	note("has the lock %d", coro_lock_locked(coro_condition_lock(condition)));
	coro_lock_release(coro_condition_lock(condition));
	return result;
}

static coro_value use_a_condition(coro_value unused)
{
	condition = coro_condition_new(NULL, "condition");
	note_value("wait", coro_condition_wait(condition));
	note_value("notify", coro_condition_notify(condition, 1));
	spawn_all(wait_for_condition, 3);
	CORO_TRY(coro_sleep(0.001));
	CORO_TRY(coro_lock_acquire(coro_condition_lock(condition)));
	coro_task_cancel(tasks[0], NULL);
	CORO_TRY(coro_condition_notify(condition, 1));
	coro_lock_release(coro_condition_lock(condition));
	CORO_TRY(coro_sleep(0.001));
	CORO_TRY(coro_lock_acquire(coro_condition_lock(condition)));
	CORO_TRY(coro_condition_notify_all(condition));
	coro_lock_release(coro_condition_lock(condition));
	CORO_TRY(join_all(3));
	coro_condition_free(condition);
	return CORO_NONE;
}

static void a_condition_has_its_lock_again_however_the_wait_ends(void **state)
{
	assert_false(coro_raised(run(use_a_condition, CORO_NONE)));
	assert_journal("wait raised RuntimeError cannot wait on un-acquired lock; "
				   "notify raised RuntimeError cannot notify on un-acquired lock; "
				   "woken raised CancelledError; has the lock 1; woken 2; has the lock 1; "
				   "woken 3; has the lock 1; ");
}

/* ---- Semaphore ---------------------------------------------------------- */

static coro_value hold_a_place(coro_value number)
{
	CORO_TRY(coro_semaphore_acquire(semaphore));
	note_value("in", number);
	CORO_TRY(coro_sleep(0.010));
	note_value("out", number);
	return coro_semaphore_release(semaphore);
}

static coro_value use_a_semaphore(coro_value unused)
{
	semaphore = coro_bounded_semaphore_new(2, "semaphore");
	spawn_all(hold_a_place, 4);
	CORO_TRY(coro_sleep(0.001));
	note("locked %d", coro_semaphore_locked(semaphore));
	coro_task_cancel(tasks[2], NULL);
	CORO_TRY(join_all(4));
	note_value("release", coro_semaphore_release(semaphore));
	coro_semaphore_free(semaphore);
	return CORO_NONE;
}

static void a_semaphore_lets_so_many_in_and_skips_the_cancelled(void **state)
{
	assert_false(coro_raised(run(use_a_semaphore, CORO_NONE)));
	assert_journal("in 1; in 2; locked 1; out 1; out 2; in 4; out 4; "
				   "release raised ValueError BoundedSemaphore released too many times; ");
}

/* ---- Barrier ------------------------------------------------------------ */

static coro_value pass_the_barrier(coro_value number)
{
	CORO_TRY(coro_sleep(coro_as_float(number) / 1000));
	note_value("passed", coro_barrier_wait(barrier));
	return CORO_NONE;
}

static coro_value use_a_barrier(coro_value unused)
{
	barrier = coro_barrier_new(3, "barrier");
	spawn_all(pass_the_barrier, 3);
	CORO_TRY(coro_sleep(0.0025));
	note("waiting %zu of %zu", coro_barrier_waiting(barrier), coro_barrier_parties(barrier));
	CORO_TRY(join_all(3));
	spawn_all(pass_the_barrier, 1);
	CORO_TRY(coro_sleep(0.002));
	CORO_TRY(coro_barrier_abort(barrier));
	note("broken %d", coro_barrier_broken(barrier));
	CORO_TRY(join_all(1));
	CORO_TRY(coro_barrier_reset(barrier));
	note("broken %d", coro_barrier_broken(barrier));
	coro_barrier_free(barrier);
	return CORO_NONE;
}

static void a_barrier_lets_all_go_when_all_have_come(void **state)
{
	assert_false(coro_raised(run(use_a_barrier, CORO_NONE)));
	assert_journal("waiting 2 of 3; passed 2; passed 0; passed 1; broken 1; "
				   "passed raised BrokenBarrierError Abort or reset of barrier; broken 0; ");
}

/* ---- Queues ------------------------------------------------------------- */

static coro_value drain(struct coro_queue *from, const char *what)
{
	static const int items[] = {3, 1, 2, 5, 4};

	for (size_t i = 0; i < 5; i++)
		CORO_TRY(coro_queue_put(from, coro_int(items[i])));
	for (size_t i = 0; i < 5; i++)
		note_value(what, CORO_TRY(coro_queue_get(from)));
	coro_queue_free(from);
	return CORO_NONE;
}

static bool greater(coro_value left, coro_value right)
{
	return coro_as_int(left) > coro_as_int(right);
}

static coro_value use_all_orders(coro_value unused)
{
	CORO_TRY(drain(coro_lifo_queue_new(0, NULL), "lifo"));
	CORO_TRY(drain(coro_priority_queue_new(0, NULL, NULL), "least"));
	return drain(coro_priority_queue_new(0, greater, NULL), "most");
}

static void lifo_and_priority_queues_have_their_order(void **state)
{
	assert_false(coro_raised(run(use_all_orders, CORO_NONE)));
	assert_journal("lifo 4; lifo 5; lifo 2; lifo 1; lifo 3; least 1; least 2; least 3; least 4; "
				   "least 5; most 5; most 4; most 3; most 2; most 1; ");
}

static coro_value get_one(coro_value number)
{
	note_value("got", coro_queue_get(queue));
	return CORO_NONE;
}

static coro_value shut_down(coro_value immediate)
{
	queue = coro_queue_new(2);
	spawn_all(get_one, 1);
	CORO_TRY(coro_sleep(0));
	CORO_TRY(coro_queue_put(queue, coro_int(1)));
	CORO_TRY(join_all(1));
	CORO_TRY(coro_queue_put(queue, coro_int(2)));
	spawn_all(get_one, 2);
	coro_queue_shutdown(queue, coro_as_bool(immediate));
	CORO_TRY(join_all(2));
	note_value("put", coro_queue_put(queue, coro_int(3)));
	note_value("nowait", coro_queue_get_nowait(queue));
	coro_queue_free(queue);
	return CORO_NONE;
}

static void a_queue_that_is_shut_down_gives_what_it_holds(void **state)
{
	assert_false(coro_raised(run(shut_down, coro_bool(false))));
	assert_journal("got 1; got 2; got raised QueueShutDown; put raised QueueShutDown; "
				   "nowait raised QueueShutDown; ");
}

static void an_immediate_shutdown_drops_what_it_holds(void **state)
{
	assert_false(coro_raised(run(shut_down, coro_bool(true))));
	assert_journal("got 1; got raised QueueShutDown; got raised QueueShutDown; "
				   "put raised QueueShutDown; nowait raised QueueShutDown; ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(setting_an_event_wakes_all_in_their_order),
		cmocka_unit_test(a_condition_has_its_lock_again_however_the_wait_ends),
		cmocka_unit_test(a_semaphore_lets_so_many_in_and_skips_the_cancelled),
		cmocka_unit_test(a_barrier_lets_all_go_when_all_have_come),
		cmocka_unit_test(lifo_and_priority_queues_have_their_order),
		cmocka_unit_test(a_queue_that_is_shut_down_gives_what_it_holds),
		cmocka_unit_test(an_immediate_shutdown_drops_what_it_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
