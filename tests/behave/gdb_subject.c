/*
 * gdb_subject.c - a program for gdb to stop: coroutines in every state, on three threads.
 *
 *     gdb_subject [abort | greenlets]
 *
 * When all of it stands, it says what there is, with coro_dump(), and calls stop_here(), from a
 * generator that the coroutine of a task has resumed. `abort`: it ends there, with a core.
 * `greenlets`: it calls stop_here() twice, from a generator within a greenlet, which main() has
 * switched to, and then a generator.
 *
 * Each function that is suspended has a local variable `secret` with a value of its own, which is
 * needed after the suspension. Each run makes the same objects in the same order.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <coroscope/coro.h>

#define NOINLINE __attribute__((noinline))

static struct coro_queue *jobs;
static struct coro_lock *door;
static bool aborts;
static sem_t stands;

NOINLINE static void use(int64_t secret)
{
	__asm__ volatile("" : : "r"(secret) : "memory");
}

/* For gdb to call. */
NOINLINE static int stop_number(int number)
{
	return 1000 + number;
}

/* Inlined, so that the thread's innermost frame is no frame of its own. */
__attribute__((always_inline)) static inline void stop_inside(void)
{
	if (aborts)
		abort();
	__asm__ volatile("nop" : : : "memory"); /* gdb stops here */
}

NOINLINE static void stop_here(void)
{
	stop_inside();
	__asm__ volatile("" : : : "memory");
}

/* ---- Delegation -------------------------------------------------------- */

NOINLINE static coro_value fetch(coro_value argument)
{
	int64_t secret = coro_as_int(argument) + 3;
	coro_value job = coro_queue_get(jobs);

	use(secret);
	return job;
}

NOINLINE static coro_value load(coro_value argument)
{
	int64_t secret = coro_as_int(argument) + 2;
	coro_value job = coro_await(coro_coroutine(fetch, argument));

	use(secret);
	return job;
}

NOINLINE static coro_value reader(coro_value argument)
{
	int64_t secret = coro_as_int(argument) + 1;
	coro_value job = coro_await(coro_coroutine(load, argument));

	use(secret);
	return job;
}

/* ---- Generators -------------------------------------------------------- */

/* A yield that stands deep in plain calls. */
NOINLINE static coro_value descend(int64_t depth)
{
	int64_t secret = 1000 + depth;
	coro_value result = depth ? descend(depth - 1) : coro_yield(coro_int(secret));

	use(secret);
	return result;
}

NOINLINE static coro_value numbers(coro_value unused)
{
	int64_t secret = 77;
	coro_value result = descend(3);

	use(secret);
	return result;
}

NOINLINE static coro_value outer(coro_value inner)
{
	int64_t secret = 88;
	coro_value result = coro_yield_from(inner);

	use(secret);
	return result;
}

static coro_value brief(coro_value unused)
{
	return CORO_NONE;
}

static coro_value never(coro_value unused)
{
	return CORO_NONE;
}

/* Stops gdb from inside of a generator. */
NOINLINE static coro_value stopper(coro_value unused)
{
	int64_t secret = 99;

	coro_dump(STDOUT_FILENO);
	printf("everything stands\n");
	fflush(stdout);
	stop_here();
	use(secret);
	return coro_yield(CORO_NONE);
}

NOINLINE static coro_value switcher(coro_value main)
{
	int64_t secret = 33;
	coro_value result = coro_greenlet_switch(coro_as_ptr(main), CORO_NONE);

	use(secret);
	return result;
}

/* A greenlet that is left from within a generator. */
NOINLINE static coro_value traveller(coro_value main)
{
	struct coro_generator *inside = coro_generator(switcher, main);
	int64_t secret = 34;
	coro_value result = coro_next(inside);

	use(secret);
	return result;
}

NOINLINE static coro_value items(coro_value unused)
{
	int64_t secret = 22;
	coro_value item = coro_queue_get(jobs);

	use(secret);
	return coro_yield(item);
}

/* ---- Tasks ------------------------------------------------------------- */

static coro_value take_door(coro_value unused)
{
	int64_t secret = 55;
	coro_value result = coro_lock_acquire(door);

	use(secret);
	return result;
}

NOINLINE static coro_value consumer(coro_value unused)
{
	struct coro_generator *source = coro_async_generator(items, CORO_NONE);
	int64_t secret = 21;
	coro_value item = coro_anext(source);

	use(secret);
	return item;
}

static coro_value sleeper(coro_value seconds)
{
	int64_t secret = 66;
	coro_value result = coro_sleep(coro_as_float(seconds));

	use(secret);
	return result;
}

static coro_value post(coro_value unused)
{
	sem_post(&stands);
	return CORO_NONE;
}

/* What is called runs when all tasks are suspended. */
static coro_value tell(coro_value unused)
{
	coro_loop_call_soon(coro_loop_current(), post, CORO_NONE);
	return coro_sleep(1000);
}

static coro_value thread_main(coro_value unused)
{
	struct coro_task *tasks[2] = {coro_spawn(sleeper, coro_float(1000), "far sleeper"),
								  coro_spawn(tell, CORO_NONE, "teller")};

	return coro_await(tasks[0]);
}

static void *run_thread(void *unused)
{
	coro_run(thread_main, CORO_NONE);
	return NULL;
}

static coro_value amain(coro_value unused)
{
	struct coro_generator *first = coro_generator(numbers, CORO_NONE),
						  *second = coro_generator(numbers, CORO_NONE),
						  *outside = coro_generator(outer, coro_object(second)),
						  *finished = coro_generator(brief, CORO_NONE),
						  *fresh =
							  coro_generator_named(never, CORO_NONE, "new\033[2J", CORO_SITE_HERE),
						  *stop = coro_generator(stopper, CORO_NONE);
	int64_t secret = 44;

	jobs = coro_queue_new_named(0, "jobs");
	door = coro_lock_new("door");
	CORO_TRY(coro_lock_acquire(door));
	coro_spawn(reader, coro_int(100), "reader 1");
	coro_spawn(reader, coro_int(200), "reader 2");
	coro_spawn(take_door, CORO_NONE, "guest");
	coro_spawn(sleeper, coro_float(1000), "sleeper");
	coro_spawn(consumer, CORO_NONE, "consumer");
	for (int i = 0; i < 3; i++)
		CORO_TRY(coro_sleep(0));
	CORO_TRY(coro_next(first));
	CORO_TRY(coro_next(outside));
	coro_next(finished);
	coro_greenlet_switch(coro_greenlet(traveller, coro_ptr(coro_greenlet_current())), CORO_NONE);
	coro_next(stop);
	use(secret);
	use((intptr_t)fresh);
	use(stop_number(0));
	return CORO_NONE;
}

/* ---- Greenlets --------------------------------------------------------- */

static coro_value halt(coro_value unused)
{
	stop_here();
	return coro_yield(CORO_NONE);
}

static coro_value hike(coro_value unused)
{
	struct coro_generator *halts = coro_generator(halt, CORO_NONE);
	int64_t secret = 11;

	CORO_TRY(coro_next(halts));
	use(secret);
	return CORO_NONE;
}

static coro_value depart(coro_value unused)
{
	int64_t secret = 12;

	CORO_TRY(coro_greenlet_switch(coro_greenlet(hike, CORO_NONE), CORO_NONE));
	use(secret);
	return CORO_NONE;
}

NOINLINE static void switch_greenlets(void)
{
	struct coro_generator *departs = coro_generator(depart, CORO_NONE);
	int64_t secret = 13;

	coro_greenlet_switch(coro_greenlet(hike, CORO_NONE), CORO_NONE);
	use(secret);
	coro_next(departs);
	use(secret);
}

int main(int argc, char **argv)
{
	pthread_t threads[2];

	aborts = argc > 1 && !strcmp(argv[1], "abort");
	if (argc > 1 && !strcmp(argv[1], "greenlets"))
		switch_greenlets();
	sem_init(&stands, 0, 0);
	for (int i = 0; i < 2; i++) {
		pthread_create(&threads[i], NULL, run_thread, NULL);
		sem_wait(&stands);
	}
	coro_run(amain, CORO_NONE);
	fflush(stdout);
	_exit(0);
}
