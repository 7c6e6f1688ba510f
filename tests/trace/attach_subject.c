/*
 * attach_subject.c - threads with a loop each that make and end coroutines for ever, at random.
 *
 *     attach_subject THREADS SEED
 *
 * For attach_test: whenever it is looked at, it is in the middle of something.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <coroscope/coro.h>

enum { WORKERS = 12 };

struct world {
	uint64_t random;
	struct coro_lock *lock;
	struct coro_queue *queue;
	struct coro_event *event;
	unsigned alive;
};

static uint64_t next(struct world *world)
{
	world->random ^= world->random << 13;
	world->random ^= world->random >> 7;
	world->random ^= world->random << 17;
	return world->random;
}

static coro_value inner(coro_value arg)
{
	for (int64_t i = 0; i < coro_as_int(arg); i++)
		CORO_TRY(coro_yield(coro_int(i)));
	return CORO_NONE;
}

static coro_value outer(coro_value arg)
{
	CORO_AUTO struct coro_generator *generator = coro_generator(inner, arg);

	return coro_yield_from(coro_object(generator));
}

static coro_value iterate(coro_value arg)
{
	struct world *world = coro_as_ptr(arg);
	CORO_AUTO struct coro_generator *generator =
		coro_generator(outer, coro_int((int64_t)(next(world) % 4)));
	coro_value value;

	while (coro_iterate(generator, &value))
		if (next(world) % 3 == 0)
			CORO_TRY(coro_sleep(0));
	return value;
}

static coro_value hold(coro_value arg)
{
	struct world *world = coro_as_ptr(arg);

	CORO_TRY(coro_lock_acquire(world->lock));
	coro_value result = coro_sleep(0);

	coro_lock_release(world->lock);
	return result;
}

static coro_value exchange(coro_value arg)
{
	struct world *world = coro_as_ptr(arg);

	if (next(world) % 2 && !coro_queue_full(world->queue))
		return coro_queue_put(world->queue, coro_int(1));
	return coro_queue_empty(world->queue) ? CORO_NONE : coro_queue_get(world->queue);
}

static coro_value both(coro_value arg)
{
	struct coro_task *left = coro_spawn(iterate, arg, "left");
	struct coro_task *right = coro_spawn(hold, arg, "right");
	coro_value two[] = {coro_object(left), coro_object(right)};
	coro_value result = coro_gather(two, 2, false, two);

	coro_task_free(left);
	coro_task_free(right);
	return result;
}

static coro_value wait_a_little(coro_value arg)
{
	return coro_sleep(0.0001);
}

static coro_value worker(coro_value arg)
{
	static coro_function *const does[] = {iterate, hold, exchange, both, wait_a_little};
	struct world *world = coro_as_ptr(arg);
	coro_value result = CORO_NONE;

	for (uint64_t i = next(world) % 6; i > 0 && !coro_raised(result); i--)
		result = does[next(world) % 5](arg);
	world->alive--;
	return result;
}

static coro_value amain(coro_value arg)
{
	struct world *world = coro_as_ptr(arg);

	world->lock = coro_lock_new("door");
	world->queue = coro_queue_new(3);
	for (;;) {
		while (world->alive < WORKERS) {
			world->alive++;
			coro_task_free(coro_spawn(worker, arg, NULL));
		}
		CORO_TRY(coro_sleep(0));
	}
}

static void *thread_main(void *seed)
{
	struct world world = {.random = (uint64_t)(uintptr_t)seed * 0x9e3779b97f4a7c15u + 1};

	coro_run(amain, coro_ptr(&world));
	return NULL;
}

int main(int argc, char **argv)
{
	int threads = argc > 1 ? atoi(argv[1]) : 1;
	uintptr_t seed = argc > 2 ? (uintptr_t)atoi(argv[2]) : 1;
	pthread_t thread;

	for (int i = 1; i < threads; i++)
		pthread_create(&thread, NULL, thread_main, (void *)(seed + (uintptr_t)i));
	thread_main((void *)seed);
	return 0;
}
