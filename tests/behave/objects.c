/*
 * objects.c - one moment after the other at which something is known of each kind of object. Each
 * is announced by a line, which objects.py looks for.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include <coroscope/coro.h>

static struct coro_lock *lock;
static struct coro_queue *queue;
static struct coro_semaphore *semaphore;
static struct coro_event *event;
static struct coro_condition *condition;
static struct coro_barrier *barrier;
static struct coro_task_group *group;
static int pipes[2];

static void moment(const char *what)
{
	printf("%s\n", what);
	fflush(stdout);
}

/* Lets the others run until they wait. */
static coro_value settle(void)
{
	for (int i = 0; i < 4; i++)
		CORO_TRY(coro_sleep(0));
	return CORO_NONE;
}

static coro_value finish(struct coro_task *task)
{
	coro_value result = coro_await(task);

	coro_task_free(task);
	return coro_is(result, CORO_CancelledError) || coro_is(result, CORO_BrokenBarrierError)
			   ? CORO_NONE
			   : result;
}

static coro_value acquire_lock(coro_value unused)
{
	CORO_TRY(coro_lock_acquire(lock));
	return coro_lock_release(lock);
}

static coro_value locks(void)
{
	struct coro_task *b, *c, *d;

	lock = coro_lock_new("lock");
	CORO_TRY(coro_lock_acquire(lock));
	b = coro_spawn(acquire_lock, CORO_NONE, "b");
	c = coro_spawn(acquire_lock, CORO_NONE, "c");
	d = coro_spawn(acquire_lock, CORO_NONE, "d");
	CORO_TRY(settle());
	moment("lock: held");
	coro_task_cancel(c, NULL);
	moment("lock: cancelled");
	CORO_TRY(coro_sleep(0));
	CORO_TRY(coro_sleep(0));
	moment("lock: left");
	CORO_TRY(coro_lock_release(lock));
	moment("lock: handed on");
	CORO_TRY(finish(b));
	CORO_TRY(finish(c));
	CORO_TRY(finish(d));
	moment("lock: free");
	coro_lock_free(lock);
	return CORO_NONE;
}

static coro_value put(coro_value item)
{
	return coro_queue_put(queue, item);
}

static coro_value get(coro_value unused)
{
	return coro_queue_get(queue);
}

static coro_value join(coro_value unused)
{
	return coro_queue_join(queue);
}

static coro_value queues(void)
{
	struct coro_task *getter, *first, *second, *joiner;

	queue = coro_queue_new_named(2, "queue");
	getter = coro_spawn(get, CORO_NONE, "getter");
	CORO_TRY(settle());
	moment("queue: empty");
	coro_task_cancel(getter, NULL);
	CORO_TRY(finish(getter));
	CORO_TRY(coro_queue_put(queue, coro_int(1)));
	CORO_TRY(coro_queue_put(queue, coro_int(2)));
	first = coro_spawn(put, coro_int(3), "first");
	second = coro_spawn(put, coro_int(4), "second");
	joiner = coro_spawn(join, CORO_NONE, "joiner");
	CORO_TRY(settle());
	moment("queue: full");
	CORO_TRY(coro_queue_get(queue));
	moment("queue: a place");
	CORO_TRY(finish(first));
	CORO_TRY(coro_queue_task_done(queue));
	moment("queue: one done");
	coro_task_cancel(second, NULL);
	CORO_TRY(finish(second));
	coro_queue_shutdown(queue, true);
	moment("queue: shut");
	CORO_TRY(finish(joiner));
	coro_queue_free(queue);
	return CORO_NONE;
}

static coro_value take_place(coro_value unused)
{
	CORO_TRY(coro_semaphore_acquire(semaphore));
	return coro_semaphore_release(semaphore);
}

static coro_value semaphores(void)
{
	struct coro_task *b, *c;

	semaphore = coro_semaphore_new(2, "semaphore");
	CORO_TRY(coro_semaphore_acquire(semaphore));
	moment("semaphore: one left");
	CORO_TRY(coro_semaphore_acquire(semaphore));
	b = coro_spawn(take_place, CORO_NONE, "b");
	c = coro_spawn(take_place, CORO_NONE, "c");
	CORO_TRY(settle());
	moment("semaphore: none left");
	CORO_TRY(coro_semaphore_release(semaphore));
	moment("semaphore: given");
	coro_task_cancel(b, NULL);
	CORO_TRY(finish(b));
	CORO_TRY(finish(c));
	moment("semaphore: passed on");
	CORO_TRY(coro_semaphore_release(semaphore));
	moment("semaphore: all left");
	coro_semaphore_free(semaphore);
	return CORO_NONE;
}

static coro_value wait_for_event(coro_value unused)
{
	return coro_event_wait(event);
}

static coro_value events(void)
{
	struct coro_task *waiter;

	event = coro_event_new("event");
	waiter = coro_spawn(wait_for_event, CORO_NONE, "waiter");
	CORO_TRY(settle());
	moment("event: clear");
	coro_event_set(event);
	moment("event: set");
	CORO_TRY(finish(waiter));
	coro_event_clear(event);
	moment("event: clear again");
	coro_event_free(event);
	return CORO_NONE;
}

static coro_value wait_for_change(coro_value unused)
{
	CORO_TRY(coro_lock_acquire(coro_condition_lock(condition)));
	CORO_TRY(coro_condition_wait(condition));
	return coro_lock_release(coro_condition_lock(condition));
}

static coro_value conditions(void)
{
	struct coro_task *waiter;

	condition = coro_condition_new(NULL, "condition");
	waiter = coro_spawn(wait_for_change, CORO_NONE, "waiter");
	CORO_TRY(settle());
	moment("condition: waited for");
	CORO_TRY(coro_lock_acquire(coro_condition_lock(condition)));
	CORO_TRY(coro_condition_notify(condition, 1));
	CORO_TRY(settle());
	moment("condition: notified");
	CORO_TRY(coro_lock_release(coro_condition_lock(condition)));
	CORO_TRY(finish(waiter));
	coro_condition_free(condition);
	return CORO_NONE;
}

static coro_value pass(coro_value unused)
{
	return coro_barrier_wait(barrier);
}

static coro_value barriers(void)
{
	struct coro_task *b, *c;

	barrier = coro_barrier_new(3, "barrier");
	b = coro_spawn(pass, CORO_NONE, "b");
	c = coro_spawn(pass, CORO_NONE, "c");
	CORO_TRY(settle());
	moment("barrier: filling");
	CORO_TRY(coro_barrier_wait(barrier));
	moment("barrier: draining");
	CORO_TRY(finish(b));
	CORO_TRY(finish(c));
	moment("barrier: drained");
	b = coro_spawn(pass, CORO_NONE, "b");
	CORO_TRY(settle());
	CORO_TRY(coro_barrier_abort(barrier));
	moment("barrier: broken");
	CORO_TRY(finish(b));
	CORO_TRY(coro_barrier_reset(barrier));
	moment("barrier: reset");
	coro_barrier_free(barrier);
	return CORO_NONE;
}

static coro_value sleep_for(coro_value seconds)
{
	return coro_sleep(coro_as_float(seconds));
}

static coro_value fail_after(coro_value seconds)
{
	coro_value slept = coro_sleep(coro_as_float(seconds));

	return coro_raised(slept) ? slept : coro_raise(CORO_ValueError, "no");
}

/* Holds the cancellation up for a while. */
static coro_value end_slowly(coro_value seconds)
{
	coro_value result = coro_sleep(coro_as_float(seconds));

	CORO_TRY(coro_sleep(1));
	return result;
}

static coro_value run_group(coro_value unused)
{
	coro_value result;

	group = coro_task_group_new("group");
	CORO_TRY(coro_task_group_enter(group));
	CORO_TRY(coro_task_group_spawn(group, sleep_for, coro_float(1), "short"));
	CORO_TRY(coro_task_group_spawn(group, fail_after, coro_float(2), "failing"));
	CORO_TRY(coro_task_group_spawn(group, end_slowly, coro_float(9), "slow"));
	result = coro_task_group_exit(group, CORO_NONE);
	coro_task_group_free(group);
	return coro_raised(result) ? CORO_NONE : result;
}

static coro_value groups(void)
{
	struct coro_task *parent = coro_spawn(run_group, CORO_NONE, "parent");

	CORO_TRY(settle());
	moment("group: all run");
	CORO_TRY(coro_sleep(1.5));
	moment("group: one done");
	CORO_TRY(coro_sleep(1));
	moment("group: aborting");
	return finish(parent);
}

static coro_value limited(coro_value unused)
{
	struct coro_timeout outer = coro_timeout(10), inner = coro_timeout(20);
	coro_value result;

	CORO_TRY(coro_timeout_enter(&outer));
	moment("timeout: entered");
	CORO_TRY(coro_timeout_enter(&inner));
	CORO_TRY(coro_timeout_reschedule(&inner, coro_loop_time(coro_loop_current()) + 5));
	moment("timeout: rescheduled");
	CORO_TRY(coro_timeout_reschedule(&outer, CORO_FOREVER));
	moment("timeout: for ever");
	result = coro_sleep(9);
	moment("timeout: expired");
	coro_timeout_exit(&inner, result);
	moment("timeout: left");
	return coro_timeout_exit(&outer, CORO_NONE);
}

static coro_value timeouts(void)
{
	struct coro_task *task = coro_spawn(limited, CORO_NONE, "limited");

	CORO_TRY(settle());
	return finish(task);
}

static coro_value gather(coro_value tasks)
{
	return coro_gather(coro_as_ptr(tasks), 2, false, NULL);
}

static coro_value wait_for_all(coro_value tasks)
{
	return coro_wait(coro_as_ptr(tasks), 2, CORO_ALL_COMPLETED, CORO_FOREVER);
}

static coro_value complete(coro_value tasks)
{
	struct coro_completion *all = coro_as_completed(coro_as_ptr(tasks), 2, CORO_FOREVER);
	struct coro_generator *next;

	while ((next = coro_as_completed_next(all)))
		CORO_TRY(coro_await(next));
	coro_as_completed_free(all);
	return CORO_NONE;
}

static coro_value shield(coro_value tasks)
{
	return coro_shield(((coro_value *)coro_as_ptr(tasks))[1]);
}

static coro_value combinators(void)
{
	struct coro_task *children[2] = {coro_spawn(sleep_for, coro_float(1), "quick"),
									 coro_spawn(sleep_for, coro_float(2), "lazy")};
	coro_value tasks[2] = {coro_object(children[0]), coro_object(children[1])};
	struct coro_task *waiting[4] = {coro_spawn(gather, coro_ptr(tasks), "gatherer"),
									coro_spawn(wait_for_all, coro_ptr(tasks), "waiter"),
									coro_spawn(complete, coro_ptr(tasks), "completer"),
									coro_spawn(shield, coro_ptr(tasks), "shielder")};

	CORO_TRY(settle());
	moment("combinators: both run");
	CORO_TRY(coro_sleep(1.5));
	moment("combinators: one done");
	for (int i = 0; i < 4; i++)
		CORO_TRY(finish(waiting[i]));
	for (int i = 0; i < 2; i++)
		CORO_TRY(finish(children[i]));
	return CORO_NONE;
}

static coro_value read_a_byte(coro_value unused)
{
	return coro_wait_readable(pipes[0]);
}

static coro_value descriptors(void)
{
	struct coro_task *reader;

	if (pipe2(pipes, O_NONBLOCK) < 0)
		return coro_raise(CORO_OSError, "no pipe");
	reader = coro_spawn(read_a_byte, CORO_NONE, "reader");
	CORO_TRY(settle());
	moment("descriptor: waited for");
	if (write(pipes[1], "x", 1) != 1)
		return coro_raise(CORO_OSError, "no byte");
	CORO_TRY(finish(reader));
	coro_close_descriptor(pipes[0]);
	coro_close_descriptor(pipes[1]);
	return CORO_NONE;
}

static coro_value amain(coro_value unused)
{
	CORO_TRY(locks());
	CORO_TRY(queues());
	CORO_TRY(semaphores());
	CORO_TRY(events());
	CORO_TRY(conditions());
	CORO_TRY(barriers());
	CORO_TRY(groups());
	CORO_TRY(timeouts());
	CORO_TRY(combinators());
	return descriptors();
}

int main(void)
{
	return coro_run(amain, CORO_NONE);
}
