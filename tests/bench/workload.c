/*
 * workload.c - a program to be recorded: what the demos do, again and again.
 *
 *     workload ITEMS [SLEEPERS]
 *
 *      numbers ==yield from==> count      a generator, for each producer
 *      producer x 8 --shelf (16 places)--> consumer x 8 --results (channel)--> main
 *
 * Producers take numbers from a generator that delegates to another one, and put them on a
 * shelf; a consumer takes one, awaits a coroutine that works on it (which gives way once), and
 * sends the result on. SLEEPERS tasks do nothing but wait for an event: they are live
 * coroutines that a World has to carry along.
 */
#include <stdlib.h>
#include <coroscope/coro.h>

enum { PAIRS = 8, PLACES = 16 };

struct world {
	struct coro_queue *shelf;
	struct coro_channel *results;
	struct coro_event *evening;
	int64_t items; /* of each producer */
	int64_t sleepers;
};

static coro_value count(coro_value to)
{
	for (int64_t i = 0; i < coro_as_int(to); i++)
		CORO_TRY(coro_yield(coro_int(i)));
	return to;
}

static coro_value numbers(coro_value to)
{
	CORO_AUTO struct coro_generator *inner = coro_generator(count, to);

	return coro_yield_from(inner);
}

static coro_value produce(coro_value arg)
{
	struct world *world = coro_as_ptr(arg);
	CORO_AUTO struct coro_generator *source = coro_generator(numbers, coro_int(world->items));

	CORO_FOR (number, source)
		CORO_TRY(coro_queue_put(world->shelf, number));
	return CORO_NONE;
}

static coro_value work(coro_value item)
{
	CORO_TRY(coro_sleep(0));
	return coro_int(2 * coro_as_int(item));
}

static coro_value consume(coro_value arg)
{
	struct world *world = coro_as_ptr(arg);

	for (int64_t i = 0; i < world->items; i++) {
		coro_value item = CORO_TRY(coro_queue_get(world->shelf));
		coro_value result = CORO_TRY(CORO_CALL(work, item));

		CORO_TRY(coro_channel_send(world->results, result));
	}
	return CORO_NONE;
}

static coro_value sleeper(coro_value evening)
{
	return coro_event_wait(coro_as_ptr(evening));
}

static coro_value amain(coro_value arg)
{
	struct world *world = coro_as_ptr(arg);
	struct coro_task_group *group = coro_task_group_new("all");

	world->shelf = coro_queue_new_named(PLACES, "shelf");
	world->results = coro_channel_new_named(0, "results");
	world->evening = coro_event_new("evening");
	CORO_ASYNC_WITH (group) {
		for (int64_t i = 0; i < world->sleepers; i++)
			coro_task_group_spawn(group, sleeper, coro_ptr(world->evening), "sleeper");
		for (int i = 0; i < PAIRS; i++) {
			coro_task_group_spawn(group, produce, arg, "produce");
			coro_task_group_spawn(group, consume, arg, "consume");
		}
		for (int64_t i = 0; i < PAIRS * world->items; i++)
			CORO_TRY(coro_channel_receive(world->results, NULL));
		coro_event_set(world->evening);
	}
	return CORO_NONE;
}

int main(int argc, char **argv)
{
	struct world world = {
		.items = argc > 1 ? atoll(argv[1]) / PAIRS : 1,
		.sleepers = argc > 2 ? atoll(argv[2]) : 0,
	};

	return coro_run(amain, coro_ptr(&world));
}
