/*
 * sync_programs.c - programs of tasks that share: locks, queues, channels.
 */
#include "programs.h"

/* ---- Synchronisation --------------------------------------------------- */

enum { WORKERS = 4, ROUNDS = 3 };

static int inside;
static struct coro_lock *lock;

/* Spawns the workers, and waits for them; the fewer there are, the less there is to do. */
static void work(coro_function *function)
{
	struct coro_task *workers[WORKERS];

	for (int i = 0; i < WORKERS; i++)
		workers[i] = coro_spawn(function, coro_int(i), NULL);
	for (int i = 0; i < WORKERS; i++)
		join(workers[i]);
}

static coro_value lock_worker(coro_value number)
{
	for (int i = 0; i < ROUNDS; i++) {
		coro_value result = coro_lock_acquire(lock);

		check_outcome(result);
		if (coro_raised(result))
			continue;
		check(inside++ == 0);
		coro_sleep(0.001);
		inside--;
		check_outcome(coro_lock_release(lock));
	}
	return CORO_NONE;
}

static coro_value lock_main(coro_value unused)
{
	inside = 0;
	lock = coro_lock_new("lock");
	if (!lock)
		return CORO_NONE;
	work(lock_worker);
	check(!coro_lock_locked(lock));
	coro_lock_free(lock);
	return CORO_NONE;
}

static void locks(void)
{
	run_main(lock_main);
}

static struct coro_condition *condition;
static int tokens, wanting;

static coro_value condition_worker(coro_value number)
{
	coro_value result = coro_lock_acquire(coro_condition_lock(condition));

	check_outcome(result);
	if (coro_raised(result))
		return CORO_NONE;
	wanting++;
	while (!tokens) {
		result = coro_condition_wait(condition);
		check_outcome(result);
		check(coro_lock_locked(coro_condition_lock(condition)));
		check(inside++ == 0);
		inside--;
		if (coro_raised(result))
			break;
	}
	wanting--;
	if (tokens)
		tokens--;
	check_outcome(coro_lock_release(coro_condition_lock(condition)));
	return CORO_NONE;
}

static coro_value condition_feeder(coro_value number)
{
	do {
		coro_value result;

		coro_sleep(0);
		result = coro_lock_acquire(coro_condition_lock(condition));
		check_outcome(result);
		if (coro_raised(result))
			continue;
		tokens++;
		check_outcome(coro_condition_notify(condition, 1));
		check_outcome(coro_lock_release(coro_condition_lock(condition)));
	} while (wanting);
	return CORO_NONE;
}

static coro_value condition_main(coro_value unused)
{
	struct coro_task *workers[WORKERS];

	tokens = wanting = inside = 0;
	condition = coro_condition_new(NULL, "condition");
	if (!condition)
		return CORO_NONE;
	for (int i = 0; i < WORKERS; i++)
		workers[i] = coro_spawn(condition_worker, coro_int(i), NULL);
	coro_sleep(0);
	coro_sleep(0);
	condition_feeder(CORO_NONE);
	for (int i = 0; i < WORKERS; i++)
		join(workers[i]);
	check(!coro_lock_locked(coro_condition_lock(condition)));
	coro_condition_free(condition);
	return CORO_NONE;
}

static void conditions(void)
{
	run_main(condition_main);
}

static struct coro_semaphore *semaphore;

static coro_value semaphore_worker(coro_value number)
{
	for (int i = 0; i < ROUNDS; i++) {
		coro_value result = coro_semaphore_acquire(semaphore);

		check_outcome(result);
		if (coro_raised(result))
			continue;
		check(inside++ < 2);
		coro_sleep(0.001);
		inside--;
		check_outcome(coro_semaphore_release(semaphore));
	}
	return CORO_NONE;
}

static coro_value semaphore_main(coro_value unused)
{
	inside = 0;
	semaphore = coro_bounded_semaphore_new(2, "semaphore");
	if (!semaphore)
		return CORO_NONE;
	work(semaphore_worker);
	/* Both places are there again. */
	check(!coro_raised(coro_semaphore_acquire(semaphore)));
	check(!coro_semaphore_locked(semaphore));
	check(!coro_raised(coro_semaphore_acquire(semaphore)));
	check(coro_semaphore_locked(semaphore));
	coro_semaphore_free(semaphore);
	return CORO_NONE;
}

static void semaphores(void)
{
	run_main(semaphore_main);
}

static struct coro_event *event;

static coro_value event_worker(coro_value number)
{
	check_outcome(coro_event_wait(event));
	return CORO_NONE;
}

static struct coro_barrier *barrier;

static coro_value barrier_worker(coro_value number)
{
	coro_value result = coro_barrier_wait(barrier);

	check(!coro_raised(result) || no_memory(result) || coro_is(result, CORO_BrokenBarrierError));
	return CORO_NONE;
}

static coro_value event_main(coro_value unused)
{
	struct coro_task *workers[WORKERS];

	event = coro_event_new("event");
	if (event) {
		for (int i = 0; i < WORKERS; i++)
			workers[i] = coro_spawn(event_worker, coro_int(i), NULL);
		coro_sleep(0);
		coro_event_set(event);
		for (int i = 0; i < WORKERS; i++)
			join(workers[i]);
		coro_event_free(event);
	}
	barrier = coro_barrier_new(WORKERS, "barrier");
	if (barrier) {
		for (int i = 0; i < WORKERS; i++)
			workers[i] = coro_spawn(barrier_worker, coro_int(i), NULL);
		for (int i = 0; i < 10; i++)
			coro_sleep(0);
		/* Without memory some have not come. */
		while (no_memory(coro_barrier_abort(barrier)))
			coro_sleep(0);
		for (int i = 0; i < WORKERS; i++)
			join(workers[i]);
		check(coro_barrier_waiting(barrier) == 0);
		coro_barrier_free(barrier);
	}
	return CORO_NONE;
}

static void events(void)
{
	run_main(event_main);
}

/* ---- Queues ------------------------------------------------------------ */

static struct coro_queue *queue;
static int64_t sum_put, sum_got;
static bool ending;

static coro_value consumer(coro_value number)
{
	for (;;) {
		coro_value item = coro_queue_get(queue);

		if (coro_is(item, CORO_QueueShutDown) || (no_memory(item) && ending))
			return CORO_NONE;
		check_outcome(item);
		if (coro_raised(item)) {
			coro_sleep(0);
			continue;
		}
		sum_got += coro_as_int(item);
		check_outcome(coro_queue_task_done(queue));
		coro_sleep(0);
	}
}

static coro_value producer(coro_value number)
{
	for (int i = 1; i <= 12; i++) {
		coro_value result = coro_queue_put(queue, coro_int(i));

		check_outcome(result);
		if (!coro_raised(result))
			sum_put += i;
	}
	return CORO_NONE;
}

static void one_queue(struct coro_queue *made)
{
	struct coro_task *consumers[2], *producers[2];

	queue = made;
	sum_put = sum_got = 0;
	ending = false;
	if (!queue)
		return;
	for (int i = 0; i < 2; i++) {
		consumers[i] = coro_spawn(consumer, CORO_NONE, NULL);
		producers[i] = consumers[0] ? coro_spawn(producer, CORO_NONE, NULL) : NULL;
	}
	for (int i = 0; i < 2; i++)
		join(producers[i]);
	if (consumers[0])
		check_outcome(coro_queue_join(queue));
	coro_queue_shutdown(queue, false);
	ending = true;
	for (int i = 0; i < 2; i++)
		join(consumers[i]);
	check(sum_got == sum_put);
	coro_queue_free(queue);
}

static coro_value queues_main(coro_value unused)
{
	one_queue(coro_queue_new(2));
	one_queue(coro_queue_new(0));
	one_queue(coro_lifo_queue_new(3, "lifo"));
	one_queue(coro_priority_queue_new(0, NULL, "priority"));
	return CORO_NONE;
}

static void queues(void)
{
	run_main(queues_main);
}

/* ---- Channels ---------------------------------------------------------- */

static struct coro_channel *numbers, *quits;

static coro_value channel_sender(coro_value count)
{
	for (int64_t i = 1; i <= coro_as_int(count); i++) {
		coro_value result = coro_channel_send(numbers, coro_int(i));

		check_outcome(result);
		if (!coro_raised(result))
			sum_put += i;
	}
	return CORO_NONE;
}

static coro_value channel_receiver(coro_value unused)
{
	for (;;) {
		struct coro_case cases[] = {coro_case_receive(numbers), coro_case_receive(quits)};
		coro_value chosen = coro_select(cases, 2);

		check_outcome(chosen);
		if (coro_raised(chosen) && !ending)
			coro_sleep(0);
		else if (coro_raised(chosen) || coro_as_int(chosen) == 1)
			return CORO_NONE;
		else if (cases[0].ok)
			sum_got += coro_as_int(cases[0].value);
	}
}

static coro_value channels_main(coro_value unused)
{
	struct coro_task *sender, *receiver;

	sum_put = sum_got = 0;
	ending = false;
	numbers = coro_channel_new(0);
	quits = coro_channel_new_named(1, "quits");
	if (numbers && quits) {
		receiver = coro_spawn(channel_receiver, CORO_NONE, NULL);
		sender = receiver ? coro_spawn(channel_sender, coro_int(10), NULL) : NULL;
		join(sender);
		ending = true;
		coro_channel_close(quits);
		join(receiver);
		check(sum_put == sum_got);
	}
	coro_channel_free(numbers);
	coro_channel_free(quits);
	return CORO_NONE;
}

static void channels(void)
{
	run_main(channels_main);
}

const struct program sync_programs[] = {
	{"locks", locks},
	{"conditions", conditions},
	{"semaphores", semaphores},
	{"events and barriers", events},
	{"queues", queues},
	{"channels", channels},
	{NULL, NULL},
};
