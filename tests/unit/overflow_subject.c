/*
 * overflow_subject.c - a program that dies of a stack: overflow_test runs it.
 *
 *     overflow_subject generator    a generator's stack overflows
 *     overflow_subject coroutine    one that is resumed from another body
 *     overflow_subject thread       a generator's, on a thread that is not the first
 *     overflow_subject fault        a fault that is no overflow
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <coroscope/coroutine.h>

static volatile int depth;

static int __attribute__((noinline)) recurse(int n)
{
	volatile char block[500];

	memset((void *)(uintptr_t)block, n, sizeof(block));
	depth++;
	if (depth > 100000000)
		return 0;
	return recurse(n + 1) + block[n & 255];
}

static coro_value greedy(coro_value unused)
{
	return coro_int(recurse(0));
}

static coro_value innocent(coro_value inner)
{
	return coro_next((struct coro_generator *)coro_as_object(inner));
}

static coro_value faulty(coro_value unused)
{
	volatile int *volatile nowhere = NULL;

	*nowhere = 1;
	return CORO_NONE;
}

static void *drive_a_greedy_one(void *unused)
{
	puts("alive");
	fflush(stdout);
	coro_next(coro_generator(greedy, CORO_NONE));
	return NULL;
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	const struct rlimit no_core = {0, 0};
	struct coro_generator *body;
	pthread_t thread;

	setrlimit(RLIMIT_CORE, &no_core);
	if (strcmp(how, "thread") == 0) {
		if (!pthread_create(&thread, NULL, drive_a_greedy_one, NULL))
			pthread_join(thread, NULL);
		return 0;
	}
	if (strcmp(how, "generator") == 0)
		body = coro_generator(greedy, CORO_NONE);
	else if (strcmp(how, "coroutine") == 0)
		body = coro_generator(innocent, coro_object(coro_generator(greedy, CORO_NONE)));
	else
		body = coro_generator(faulty, CORO_NONE);
	puts("alive");
	fflush(stdout);
	coro_next(body);
	return 0;
}
