/*
 * sync_test.c - the lock and the queue: rules S2 and Q1-Q3.
 */
#include "journal.h"

static struct coro_lock *lock;
static struct coro_queue *queue;

/* ---- The lock ----------------------------------------------------------- */

static coro_value hold_for_10_ms(coro_value number)
{
	CORO_TRY(coro_lock_acquire(lock));
	note_value("holds", number);
	CORO_TRY(coro_sleep(0.010));
	CORO_TRY(coro_lock_release(lock));
	return CORO_NONE;
}

static coro_value three_holders(coro_value unused)
{
	lock = coro_lock_new("lock");
	for (int i = 1; i <= 3; i++)
		coro_task_free(coro_spawn(hold_for_10_ms, coro_int(i), NULL));
	CORO_TRY(coro_sleep(0.005));
	assert_true(coro_lock_locked(lock));
	CORO_TRY(coro_sleep(0.045));
	assert_false(coro_lock_locked(lock));
	note_value("release", coro_lock_release(lock));
	coro_lock_free(lock);
	return CORO_NONE;
}

static void a_lock_is_handed_over_in_the_order_of_waiting(void **state)
{
	assert_false(coro_raised(run(three_holders, CORO_NONE)));
	assert_journal("holds 1; holds 2; holds 3; release raised RuntimeError Lock is not "
				   "acquired.; ");
}

static coro_value take_and_give(coro_value number)
{
	coro_value taken = coro_lock_acquire(lock);

	note_value("acquire", taken);
	CORO_TRY(taken);
	note_value("got", number);
	return coro_lock_release(lock);
}

static coro_value try_to_overtake(coro_value unused)
{
	lock = coro_lock_new("lock");
	note_value("acquire", coro_lock_acquire(lock));
	coro_task_free(coro_spawn(take_and_give, coro_int(1), "a"));
	CORO_TRY(coro_sleep(0));
	CORO_TRY(coro_lock_release(lock));
	assert_false(coro_lock_locked(lock));
	CORO_TRY(coro_lock_acquire(lock));
	note("main again");
	CORO_TRY(coro_lock_release(lock));
	coro_lock_free(lock);
	return CORO_NONE;
}

static void a_newcomer_does_not_overtake_who_waits(void **state)
{
	assert_false(coro_raised(run(try_to_overtake, CORO_NONE)));
	assert_journal("acquire True; acquire True; got 1; main again; ");
}

/* `woken`: the first waiter is cancelled after the release has told it; else before. */
static coro_value cancel_a_lock_waiter(coro_value woken)
{
	struct coro_task *a, *b;

	lock = coro_lock_new("lock");
	CORO_TRY(coro_lock_acquire(lock));
	a = coro_spawn(take_and_give, coro_int(1), "a");
	b = coro_spawn(take_and_give, coro_int(2), "b");
	CORO_TRY(coro_sleep(0));
	if (coro_as_bool(woken)) {
		CORO_TRY(coro_lock_release(lock));
		coro_task_cancel(a, NULL);
	} else {
		coro_task_cancel(a, NULL);
		CORO_TRY(coro_lock_release(lock));
	}
	note_value("a", coro_await(a));
	note_value("b", coro_await(b));
	coro_task_free(a);
	coro_task_free(b);
	coro_lock_free(lock);
	return CORO_NONE;
}

static void a_cancelled_waiter_passes_the_lock_on(void **state)
{
	const char *expected = "acquire raised CancelledError; acquire True; got 2; a raised "
						   "CancelledError; b None; ";

	assert_false(coro_raised(run(cancel_a_lock_waiter, coro_bool(false))));
	assert_journal(expected);
	/* Told and cancelled: the turn that it takes to find out is b's too. */
	assert_false(coro_raised(run(cancel_a_lock_waiter, coro_bool(true))));
	assert_journal(expected);
}

/* ---- The queue ---------------------------------------------------------- */

static coro_value put_five(coro_value unused)
{
	for (int i = 0; i < 5; i++) {
		CORO_TRY(coro_queue_put(queue, coro_int(i)));
		note("put %d", i);
	}
	return CORO_NONE;
}

static coro_value get_five(coro_value unused)
{
	for (int i = 0; i < 5; i++) {
		coro_value item = CORO_TRY(coro_queue_get(queue));

		note_value("got", item);
		CORO_TRY(coro_sleep(0.010));
	}
	return CORO_NONE;
}

static coro_value produce_and_consume(coro_value unused)
{
	struct coro_task *producer, *consumer;

	queue = coro_queue_new(2);
	assert_int_equal(coro_queue_capacity(queue), 2);
	producer = coro_spawn(put_five, CORO_NONE, "producer");
	consumer = coro_spawn(get_five, CORO_NONE, "consumer");
	CORO_TRY(coro_await(producer));
	CORO_TRY(coro_await(consumer));
	assert_true(coro_queue_empty(queue));
	coro_task_free(producer);
	coro_task_free(consumer);
	coro_queue_free(queue);
	return CORO_NONE;
}

static void a_bounded_queue_makes_its_producer_wait(void **state)
{
	assert_false(coro_raised(run(produce_and_consume, CORO_NONE)));
	assert_journal("put 0; put 1; got 0; put 2; got 1; put 3; got 2; put 4; got 3; got 4; ");
}

static coro_value do_not_wait(coro_value unused)
{
	queue = coro_queue_new(1);
	note_value("get", coro_queue_get_nowait(queue));
	note_value("put", coro_queue_put_nowait(queue, coro_int(1)));
	assert_true(coro_queue_full(queue));
	note_value("put", coro_queue_put_nowait(queue, coro_int(2)));
	assert_int_equal(coro_queue_size(queue), 1);
	note_value("get", coro_queue_get_nowait(queue));
	coro_queue_free(queue);

	/* Without a limit, in order, through growth, around the end of the ring. */
	queue = coro_queue_new(0);
	int next = 0, put = 0;
	for (int round = 1; round < 60; round++) {
		for (int i = 0; i < round; i++)
			CORO_TRY(coro_queue_put_nowait(queue, coro_int(put++)));
		for (int i = 0; i < round / 2; i++)
			assert_int_equal(coro_as_int(CORO_TRY(coro_queue_get_nowait(queue))), next++);
	}
	assert_int_equal(coro_queue_size(queue), put - next);
	coro_queue_free(queue);
	return CORO_NONE;
}

static void what_does_not_wait_raises_when_it_would_have_to(void **state)
{
	assert_false(coro_raised(run(do_not_wait, CORO_NONE)));
	assert_journal("get raised QueueEmpty; put None; put raised QueueFull; get 1; ");
}

static coro_value work(coro_value unused)
{
	for (;;) {
		CORO_TRY(coro_queue_get(queue));
		CORO_TRY(coro_sleep(0.010));
		CORO_TRY(coro_queue_task_done(queue));
		note("done");
	}
}

static coro_value join_the_work(coro_value unused)
{
	struct coro_task *worker;

	queue = coro_queue_new(0);
	note_value("join", coro_queue_join(queue));
	CORO_TRY(coro_queue_put(queue, coro_int(1)));
	CORO_TRY(coro_queue_put(queue, coro_int(2)));
	worker = coro_spawn(work, CORO_NONE, "worker");
	CORO_TRY(coro_queue_join(queue));
	note("joined");
	note_value("task_done", coro_queue_task_done(queue));
	coro_task_cancel(worker, NULL);
	assert_true(coro_is(coro_await(worker), CORO_CancelledError));
	coro_task_free(worker);
	coro_queue_free(queue);
	return CORO_NONE;
}

static void join_waits_until_all_items_are_done(void **state)
{
	assert_false(coro_raised(run(join_the_work, CORO_NONE)));
	assert_journal("join None; done; done; joined; task_done raised ValueError task_done() called "
				   "too many times; ");
}

static coro_value get_one(coro_value number)
{
	coro_value item = coro_queue_get(queue);

	note_value(coro_as_int(number) == 1 ? "first" : "second", item);
	return item;
}

static coro_value cancel_a_getter(coro_value unused)
{
	struct coro_task *a, *b;

	queue = coro_queue_new(0);
	a = coro_spawn(get_one, coro_int(1), "a");
	b = coro_spawn(get_one, coro_int(2), "b");
	CORO_TRY(coro_sleep(0));
	CORO_TRY(coro_queue_put_nowait(queue, coro_str("x")));
	coro_task_cancel(a, NULL);
	assert_true(coro_is(coro_await(a), CORO_CancelledError));
	CORO_TRY(coro_await(b));
	coro_task_free(a);
	coro_task_free(b);
	coro_queue_free(queue);
	return CORO_NONE;
}

static void a_getter_that_is_cancelled_after_its_wake_up_loses_no_item(void **state)
{
	assert_false(coro_raised(run(cancel_a_getter, CORO_NONE)));
	assert_journal("first raised CancelledError; second 'x'; ");
}

static coro_value put_one(coro_value number)
{
	coro_value result = coro_queue_put(queue, number);

	note_value(coro_as_int(number) == 1 ? "first" : "second", result);
	return result;
}

static coro_value cancel_a_putter(coro_value unused)
{
	struct coro_task *a, *b;

	queue = coro_queue_new(1);
	CORO_TRY(coro_queue_put(queue, coro_int(0)));
	a = coro_spawn(put_one, coro_int(1), "a");
	b = coro_spawn(put_one, coro_int(2), "b");
	CORO_TRY(coro_sleep(0));
	note_value("get", coro_queue_get_nowait(queue));
	coro_task_cancel(a, NULL);
	assert_true(coro_is(coro_await(a), CORO_CancelledError));
	CORO_TRY(coro_await(b));
	note_value("get", coro_queue_get_nowait(queue));
	coro_task_free(a);
	coro_task_free(b);
	coro_queue_free(queue);
	return CORO_NONE;
}

static void a_putter_that_is_cancelled_after_its_wake_up_leaves_its_place_to_the_next(void **state)
{
	assert_false(coro_raised(run(cancel_a_putter, CORO_NONE)));
	assert_journal("get 0; first raised CancelledError; second None; get 2; ");
}

static coro_value queue_exceptions(coro_value unused)
{
	queue = coro_queue_new(0);
	for (int i = 0; i < 20; i++)
		CORO_TRY(coro_queue_put_nowait(queue, coro_error(CORO_ValueError, "%d", i)));
	/* Longer ago than what a coroutine keeps valid by itself. */
	coro_value first = CORO_TRY(coro_queue_get_nowait(queue));
	note_value("got", first);
	coro_queue_free(queue);
	return CORO_NONE;
}

static void an_exception_in_a_queue_stays_valid(void **state)
{
	assert_false(coro_raised(run(queue_exceptions, CORO_NONE)));
	assert_journal("got ValueError('0'); ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lock_is_handed_over_in_the_order_of_waiting),
		cmocka_unit_test(a_newcomer_does_not_overtake_who_waits),
		cmocka_unit_test(a_cancelled_waiter_passes_the_lock_on),
		cmocka_unit_test(a_bounded_queue_makes_its_producer_wait),
		cmocka_unit_test(what_does_not_wait_raises_when_it_would_have_to),
		cmocka_unit_test(join_waits_until_all_items_are_done),
		cmocka_unit_test(a_getter_that_is_cancelled_after_its_wake_up_loses_no_item),
		cmocka_unit_test(a_putter_that_is_cancelled_after_its_wake_up_leaves_its_place_to_the_next),
		cmocka_unit_test(an_exception_in_a_queue_stays_valid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
