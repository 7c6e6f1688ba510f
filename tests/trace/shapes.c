/*
 * shapes.c - programs whose traces have one shape each, random from a seed.
 *
 *     shapes SHAPE SEED [ROUNDS]
 *
 *     deep       generators that delegate to each other, up to 60 deep, with exceptions through
 * them many       tasks that are spawned, gathered, cancelled and awaited sync       queues, locks,
 * semaphores, conditions, barriers channels   channels, selects, groups time       timers,
 * timeouts, pipes switched   greenlets and tasklets threads    all of these in four threads at once
 *     late       main does all of these for ever; a second thread has objects too, and is in
 * read(0) until something comes, then it does the same
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <coroscope/coro.h>

enum { DEEPEST = 60, CROWD = 12 };

struct shape {
	uint64_t random;
	int64_t rounds;
	coro_value (*round)(struct shape *shape);
	bool waits_for_input; /* before all but the first round */
	struct coro_queue *queue;
	struct coro_lock *lock;
	struct coro_semaphore *semaphore;
	struct coro_condition *condition;
	struct coro_channel *channels[2];
	struct coro_tasklet_channel *tasklets;
	int pipes[2];
};

static uint64_t next(struct shape *shape, uint64_t limit)
{
	shape->random ^= shape->random << 13;
	shape->random ^= shape->random >> 7;
	shape->random ^= shape->random << 17;
	return shape->random % limit;
}

/* What is thrown about here ends here. */
static coro_value settle(coro_value result)
{
	return coro_is(result, CORO_ValueError) || coro_is(result, CORO_CancelledError) ||
				   coro_is(result, CORO_TimeoutError)
			   ? CORO_NONE
			   : result;
}

static coro_value finish(struct coro_task **tasks, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		CORO_TRY(settle(coro_await(tasks[i])));
		coro_task_free(tasks[i]);
	}
	return CORO_NONE;
}

/* ---- Delegation --------------------------------------------------------- */

static coro_value descend(coro_value levels)
{
	coro_value got = CORO_NONE;

	if (coro_as_int(levels) > 0) {
		CORO_AUTO struct coro_generator *inner =
			coro_generator(descend, coro_int(coro_as_int(levels) - 1));

		CORO_TRY(coro_yield_from(inner));
	}
	for (int i = 0; i < 2; i++)
		got = CORO_TRY(coro_yield(levels));
	return got;
}

static coro_value deep(struct shape *shape)
{
	CORO_AUTO struct coro_generator *top =
		coro_generator(descend, coro_int((int64_t)next(shape, DEEPEST)));
	coro_value value = coro_next(top);

	for (uint64_t i = next(shape, 200); i > 0 && !coro_raised(value); i--) {
		if (next(shape, 40) == 0)
			value = settle(coro_throw(top, coro_error(CORO_ValueError, "thrown in")));
		else
			value = coro_send(top, coro_int((int64_t)i));
		if (coro_finished(top))
			break;
	}
	return coro_is(value, CORO_StopIteration) ? CORO_NONE : settle(value);
}

/* ---- Tasks -------------------------------------------------------------- */

static coro_value leaf(coro_value turns)
{
	for (int64_t i = 0; i < coro_as_int(turns); i++)
		CORO_TRY(coro_sleep(0));
	if (coro_as_int(turns) == 3)
		return coro_raise(CORO_ValueError, "three");
	return turns;
}

static coro_value work(coro_value arg)
{
	struct shape *shape = coro_as_ptr(arg);

	return CORO_CALL(leaf, coro_int((int64_t)next(shape, 5)));
}

static coro_value many(struct shape *shape)
{
	struct coro_task *tasks[CROWD];
	coro_value values[CROWD];
	unsigned count = 2 + (unsigned)next(shape, CROWD - 2);

	for (unsigned i = 0; i < count; i++) {
		tasks[i] = coro_spawn(work, coro_ptr(shape), NULL);
		values[i] = coro_object(tasks[i]);
	}
	if (next(shape, 2))
		CORO_TRY(settle(coro_gather(values, count, next(shape, 2), values)));
	else
		coro_task_cancel(tasks[next(shape, count)], "enough");
	return finish(tasks, count);
}

/* ---- Synchronisation ---------------------------------------------------- */

static coro_value uses_sync(coro_value arg)
{
	struct shape *shape = coro_as_ptr(arg);
	coro_value result;

	switch (next(shape, 6)) {
	case 0:
		return coro_queue_put(shape->queue, coro_int(1));
	case 1:
		return coro_queue_get(shape->queue);
	case 2:
		CORO_TRY(coro_lock_acquire(shape->lock));
		result = coro_sleep(0);
		coro_lock_release(shape->lock);
		return result;
	case 3:
		CORO_TRY(coro_semaphore_acquire(shape->semaphore));
		result = coro_sleep(0);
		coro_semaphore_release(shape->semaphore);
		return result;
	case 4:
		CORO_TRY(coro_lock_acquire(shape->lock));
		result = coro_condition_wait(shape->condition);
		coro_lock_release(shape->lock);
		return result;
	default:
		CORO_TRY(coro_lock_acquire(shape->lock));
		coro_condition_notify(shape->condition, 1 + next(shape, 2));
		return coro_lock_release(shape->lock);
	}
}

static coro_value meet(coro_value barrier)
{
	return coro_barrier_wait(coro_as_ptr(barrier));
}

static coro_value sync_round(struct shape *shape)
{
	struct coro_task *tasks[CROWD];

	for (unsigned i = 0; i < CROWD; i++)
		tasks[i] = coro_spawn(uses_sync, coro_ptr(shape), NULL);
	for (int i = 0; i < 8; i++)
		CORO_TRY(coro_sleep(0));
	for (unsigned i = 0; i < CROWD; i++)
		coro_task_cancel(tasks[i], NULL);
	CORO_TRY(finish(tasks, CROWD));

	struct coro_barrier *barrier = coro_barrier_new(3, "barrier");

	for (unsigned i = 0; i < 3; i++)
		tasks[i] = coro_spawn(meet, coro_ptr(barrier), NULL);
	CORO_TRY(finish(tasks, 3));
	coro_barrier_free(barrier);
	return CORO_NONE;
}

/* ---- Channels ----------------------------------------------------------- */

static coro_value uses_channels(coro_value arg)
{
	struct shape *shape = coro_as_ptr(arg);
	struct coro_channel *channel = shape->channels[next(shape, 2)];
	struct coro_case cases[] = {
		coro_case_send(shape->channels[0], coro_int(1)),
		coro_case_receive(shape->channels[1]),
	};

	switch (next(shape, 3)) {
	case 0:
		return coro_channel_send(channel, coro_int(7));
	case 1:
		return coro_channel_receive(channel, NULL);
	default:
		return coro_select(cases, 2);
	}
}

static coro_value channels(struct shape *shape)
{
	struct coro_task_group *group = coro_task_group_new("group");
	struct coro_task *tasks[CROWD];

	for (unsigned i = 0; i < CROWD; i++)
		tasks[i] = coro_spawn(uses_channels, coro_ptr(shape), NULL);
	CORO_ASYNC_WITH (group) {
		coro_task_group_spawn(group, leaf, coro_int(1), "in group");
		coro_task_group_spawn(group, leaf, coro_int(2), "in group");
	}
	coro_task_group_free(group);
	for (unsigned i = 0; i < CROWD; i++)
		coro_task_cancel(tasks[i], NULL);
	return finish(tasks, CROWD);
}

/* ---- Time and descriptors ----------------------------------------------- */

static coro_value reads(coro_value arg)
{
	struct shape *shape = coro_as_ptr(arg);
	char byte;

	CORO_TRY(coro_wait_readable(shape->pipes[0]));
	return coro_int(read(shape->pipes[0], &byte, 1));
}

static coro_value sleeps(coro_value arg)
{
	return coro_sleep((double)next(coro_as_ptr(arg), 5) / 10000);
}

static coro_value time_round(struct shape *shape)
{
	struct coro_task *tasks[CROWD];

	for (unsigned i = 0; i + 1 < CROWD; i++)
		tasks[i] = coro_spawn(sleeps, coro_ptr(shape), NULL);
	tasks[CROWD - 1] = coro_spawn(reads, coro_ptr(shape), "reader");
	CORO_TRY(settle(coro_wait_for(coro_object(tasks[0]), 0.0001)));
	if (write(shape->pipes[1], "x", 1) != 1)
		abort();
	return finish(tasks, CROWD);
}

/* ---- Greenlets and tasklets --------------------------------------------- */

static coro_value switches(coro_value times)
{
	for (int64_t i = 0; i < coro_as_int(times); i++)
		CORO_TRY(coro_greenlet_switch(coro_greenlet_parent(coro_greenlet_current()), coro_int(i)));
	return times;
}

static coro_value receives(coro_value channel)
{
	return coro_tasklet_channel_receive(coro_as_ptr(channel));
}

static coro_value schedules(coro_value times)
{
	for (int64_t i = 0; i < coro_as_int(times); i++)
		CORO_TRY(coro_tasklet_schedule());
	return CORO_NONE;
}

static coro_value switched(struct shape *shape)
{
	CORO_AUTO_GREENLET struct coro_greenlet *left = coro_greenlet(switches, coro_int(9));
	CORO_AUTO_GREENLET struct coro_greenlet *right = coro_greenlet(switches, coro_int(9));
	struct coro_tasklet *receiver = coro_tasklet(receives, coro_ptr(shape->tasklets));
	struct coro_tasklet *other = coro_tasklet(schedules, coro_int((int64_t)next(shape, 4)));

	for (int i = 0; i < 12; i++)
		coro_greenlet_switch(next(shape, 2) ? left : right, CORO_NONE);
	coro_tasklet_schedule();
	if (coro_tasklet_channel_balance(shape->tasklets) < 0)
		coro_tasklet_channel_send(shape->tasklets, coro_int(1));
	coro_tasklet_run_all();
	coro_tasklet_free(receiver);
	coro_tasklet_free(other);
	return CORO_NONE;
}

/* ---- All ---------------------------------------------------------------- */

static coro_value any(struct shape *shape)
{
	static coro_value (*const rounds[])(struct shape *) = {deep, many, sync_round, channels,
														   time_round};

	return rounds[next(shape, sizeof(rounds) / sizeof(rounds[0]))](shape);
}

static const struct {
	const char *name;
	coro_value (*round)(struct shape *shape);
	unsigned threads;
} shapes[] = {
	{"deep", deep, 1},         {"many", many, 1},       {"sync", sync_round, 1},
	{"channels", channels, 1}, {"time", time_round, 1}, {"switched", switched, 1},
	{"threads", any, 4},       {"late", any, 2},
};

static coro_value amain(coro_value arg)
{
	struct shape *shape = coro_as_ptr(arg);
	char byte;

	shape->queue = coro_queue_new_named(2, "queue");
	shape->lock = coro_lock_new("lock");
	shape->semaphore = coro_semaphore_new(1, "semaphore");
	shape->condition = coro_condition_new(shape->lock, "condition");
	shape->channels[0] = coro_channel_new_named(0, "bare");
	shape->channels[1] = coro_channel_new_named(2, "buffered");
	for (int64_t i = 0; i < shape->rounds; i++) {
		CORO_TRY(shape->round(shape));
		if (i == 0 && shape->waits_for_input && (write(1, "w", 1) != 1 || read(0, &byte, 1) != 1))
			abort();
	}
	coro_channel_free(shape->channels[0]);
	coro_channel_free(shape->channels[1]);
	coro_condition_free(shape->condition);
	coro_semaphore_free(shape->semaphore);
	coro_lock_free(shape->lock);
	coro_queue_free(shape->queue);
	return CORO_NONE;
}

static void *thread_main(void *arg)
{
	struct shape *shape = arg;

	if (pipe2(shape->pipes, O_CLOEXEC) < 0)
		abort();
	/* Tasklets are the thread's own, and have no loop. */
	if (shape->round == switched) {
		shape->tasklets = coro_tasklet_channel_new("tasklets");
		for (int64_t i = 0; i < shape->rounds; i++)
			switched(shape);
		coro_tasklet_channel_free(shape->tasklets);
	} else if (coro_run(amain, coro_ptr(shape)) != 0) {
		abort();
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct shape *all;
	pthread_t threads[8];
	unsigned which = 0;

	while (argc > 2 && which < sizeof(shapes) / sizeof(shapes[0]) &&
		   strcmp(shapes[which].name, argv[1]) != 0)
		which++;
	if (argc < 3 || which == sizeof(shapes) / sizeof(shapes[0]))
		return 2;
	all = calloc(shapes[which].threads, sizeof(*all));
	for (unsigned i = 0; i < shapes[which].threads; i++) {
		all[i].random = (strtoull(argv[2], NULL, 10) + i) * UINT64_C(0x9e3779b97f4a7c15) + 1;
		all[i].rounds = argc > 3 ? atoll(argv[3]) : INT64_MAX;
		all[i].round = shapes[which].round;
		all[i].waits_for_input = i == 1 && strcmp(argv[1], "late") == 0;
	}
	for (unsigned i = 1; i < shapes[which].threads; i++)
		pthread_create(&threads[i], NULL, thread_main, &all[i]);
	thread_main(&all[0]);
	for (unsigned i = 1; i < shapes[which].threads; i++)
		pthread_join(threads[i], NULL);
	free(all);
	return 0;
}
