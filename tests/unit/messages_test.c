/*
 * messages_test.c - a worker that handles very many messages holds what it held after a few.
 *
 *     messages_test COUNT
 *
 * Half of the messages are handled by catching an exception, which a callee raised; and each time
 * an exception that was caught is used after two awaits more. The worker counts no references: it
 * neither keeps nor drops anything. What the runtime has of objects, exceptions and stacks, and
 * what the C library has given out, is the same after a tenth of the messages and after all.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <coroscope/coro.h>
#include "../../runtime/core/core.h"

static int64_t messages, handled, caught;

/* ---- The worker -------------------------------------------------------- */

static coro_value parse(coro_value message)
{
	if (coro_as_int(message) % 2)
		return coro_raise(CORO_ValueError, "%lld is odd", (long long)coro_as_int(message));
	return message;
}

static coro_value handle(coro_value message)
{
	CORO_TRY(coro_sleep(0));
	return parse(message);
}

static coro_value worker(coro_value argument)
{
	struct coro_queue *queue = (struct coro_queue *)coro_as_object(argument);
	coro_value last = CORO_NONE;

	for (;;) {
		coro_value message = CORO_TRY(coro_queue_get(queue)), result;

		if (coro_is_none(message))
			return last;
		result = CORO_CALL(handle, message);
		CORO_EXCEPT(result, CORO_ValueError)
		{
			/* It is used across two awaits. */
			CORO_TRY(coro_sleep(0));
			CORO_TRY(coro_sleep(0));
			if (coro_message(result)[0] == '1')
				last = coro_int(coro_as_int(message));
			caught++;
		}
		handled++;
		coro_queue_task_done(queue);
	}
}

/* ---- What is there ----------------------------------------------------- */

struct held {
	struct coro_census census;
	size_t bytes;
};

static struct held held_now(void)
{
	struct held held = {.census = coro_census()};

#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)
	held.bytes = mallinfo2().uordblks;
#endif
	return held;
}

static bool is_the_same(const struct held *one, const struct held *other)
{
	return one->census.bodies == other->census.bodies &&
		   one->census.exceptions == other->census.exceptions &&
		   one->census.objects == other->census.objects &&
		   one->census.stacks_used == other->census.stacks_used && one->bytes == other->bytes;
}

static coro_value amain(coro_value failed)
{
	struct coro_queue *queue = coro_queue_new(8);
	struct coro_task *task = coro_spawn(worker, coro_object(queue), "worker");
	struct held few = held_now(), many;

	for (int64_t i = 0; i < messages; i++) {
		CORO_TRY(coro_queue_put(queue, coro_int(i)));
		if (i == messages / 10) {
			CORO_TRY(coro_queue_join(queue));
			few = held_now();
		}
	}
	CORO_TRY(coro_queue_join(queue));
	many = held_now();
	if (!is_the_same(&few, &many)) {
		fprintf(stderr, "objects %zu, then %zu; exceptions %zu, then %zu; bytes %zu, then %zu\n",
				few.census.objects, many.census.objects, few.census.exceptions,
				many.census.exceptions, few.bytes, many.bytes);
		*(bool *)coro_as_ptr(failed) = true;
	}
	CORO_TRY(coro_queue_put(queue, CORO_NONE));
	CORO_TRY(coro_await(task));
	coro_task_free(task);
	coro_queue_free(queue);
	return CORO_NONE;
}

int main(int argc, char **argv)
{
	bool failed = false;

	messages = argc > 1 ? strtoll(argv[1], NULL, 10) : 10000;
	if (coro_run(amain, coro_ptr(&failed)) || failed)
		return 1;
	if (handled != messages || caught != messages / 2) {
		fprintf(stderr, "%lld handled, %lld of them caught\n", (long long)handled,
				(long long)caught);
		return 1;
	}
	if (coro_census().objects || coro_census().stacks_used) {
		fprintf(stderr, "%zu objects and %zu stacks are left\n", coro_census().objects,
				coro_census().stacks_used);
		return 1;
	}
	printf("%lld messages, %lld exceptions caught, memory the same\n", (long long)handled,
		   (long long)caught);
	return 0;
}
