/*
 * producer_consumer.c - tasks that hand work to each other through a bounded queue.
 *
 *      ann --.                          .--> cook
 *             >--> shelf (2 places) -->
 *      bob --'                          '--> chef
 *
 * Two bakers bake breads and put them on a shelf that holds two; a cook and a chef take them
 * and eat. The bakers are faster, so the shelf fills up, and they have to wait: that is
 * what a bounded queue is for. When the bakers are done and everything is eaten, main sends
 * the cook and the chef home by cancelling them.
 *
 * Look at it with:   coroscope run build/demos/producer_consumer
 * and press > to go from turn to turn of the loop. producer_consumer.py is the same
 * program in Python, and prints the same lines.
 */
#include <inttypes.h>
#include <stdio.h>
#include <coroscope/coro.h>

/* What a task gets to know: coroutines take one value, and this is a pointer to several. */
struct worker {
	const char *name;
	struct coro_queue *shelf;
	int first;    /* a baker's breads are first + 1, first + 2, ... */
	int count;    /* how many a baker bakes */
	double pause; /* seconds that one takes, to bake or to eat */
};

static coro_value baker(coro_value arg)
{
	const struct worker *me = coro_as_ptr(arg);

	for (int i = 1; i <= me->count; i++) {
		int bread = me->first + i;

		CORO_TRY(coro_sleep(me->pause));
		if (coro_queue_full(me->shelf))
			printf("%s: bread %d waits, the shelf is full\n", me->name, bread);
		CORO_TRY(coro_queue_put(me->shelf, coro_int(bread)));
		printf("%s: bread %d is on the shelf\n", me->name, bread);
	}
	printf("%s: done\n", me->name);
	return coro_int(me->count);
}

static coro_value eater(coro_value arg)
{
	const struct worker *me = coro_as_ptr(arg);
	int eaten = 0;

	for (;;) {
		coro_value bread = coro_queue_get(me->shelf);

		if (coro_is(bread, CORO_CancelledError))
			printf("%s: goes home after %d breads\n", me->name, eaten);
		if (coro_raised(bread))
			return bread;
		printf("%s: takes bread %" PRId64 "\n", me->name, coro_as_int(bread));
		CORO_TRY(coro_sleep(me->pause));
		printf("%s: ate bread %" PRId64 "\n", me->name, coro_as_int(bread));
		eaten++;
		CORO_TRY(coro_queue_task_done(me->shelf));
	}
}

static coro_value amain(coro_value unused)
{
	struct coro_queue *shelf = coro_queue_new_named(2, "shelf");
	struct worker ann = {"ann", shelf, 10, 4, 0.09};
	struct worker bob = {"bob", shelf, 20, 3, 0.12};
	struct worker cook = {"cook", shelf, 0, 0, 0.24};
	struct worker chef = {"chef", shelf, 0, 0, 0.18};

	struct coro_task *eaters[] = {
		coro_spawn(eater, coro_ptr(&cook), "cook"),
		coro_spawn(eater, coro_ptr(&chef), "chef"),
	};
	coro_value baked[] = {
		coro_object(coro_spawn(baker, coro_ptr(&ann), "ann")),
		coro_object(coro_spawn(baker, coro_ptr(&bob), "bob")),
	};

	/* Both bakers at once; their results, in this order. */
	CORO_TRY(coro_gather(baked, 2, false, baked));
	printf("main: %" PRId64 " breads are baked\n", coro_as_int(baked[0]) + coro_as_int(baked[1]));

	CORO_TRY(coro_queue_join(shelf));
	printf("main: all are eaten\n");

	for (int i = 0; i < 2; i++) {
		coro_task_cancel(eaters[i], NULL);
		/* The CancelledError comes out here: it is what we wanted. */
		CORO_EXCEPT(coro_await(eaters[i]), CORO_CancelledError)
		printf("main: %s is gone\n", coro_task_name(eaters[i]));
	}
	coro_queue_free(shelf);
	return CORO_NONE;
}

int main(void)
{
	return coro_run(amain, CORO_NONE);
}
