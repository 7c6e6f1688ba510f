/*
 * stacks_subject.c - bodies whose stacks say whether they were copied whole.
 *
 *     stacks_subject hot            generators that one drives for ever
 *     stacks_subject large          a generator that has more on its stack than is recorded
 *     stacks_subject many COUNT     COUNT yields of one whose stack changes each time
 *     stacks_subject late LIBRARY   one that loads the library, and yields for ever
 *
 * Each but the last two has words that are all the same when control leaves it, and never while it
 * runs. "hot" says so once it runs. It and "late" end with their stdin.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <coroscope/coro.h>

enum { WORDS = 32, GENERATORS = 3, LARGE = 100000 };

struct pattern {
	volatile uint64_t mark[2];
	volatile uint64_t word[WORDS];
};

static inline __attribute__((always_inline)) void begin(struct pattern *pattern)
{
	pattern->mark[0] = 0x7061747465726e21u;
	pattern->mark[1] = ~0x7061747465726e21u;
	/* It is in one piece: somebody else may look at it. */
	__asm__ volatile("" : : "r"(pattern) : "memory");
}

static inline __attribute__((always_inline)) void fill(struct pattern *pattern, uint64_t value)
{
	for (int i = 0; i < WORDS; i++)
		pattern->word[i] = value;
}

static inline __attribute__((always_inline)) void spoil(struct pattern *pattern)
{
	for (int i = 0; i < WORDS; i++)
		pattern->word[i] = (uint64_t)i << 56;
}

static coro_value count(coro_value arg)
{
	struct pattern pattern;

	begin(&pattern);
	for (uint64_t i = 1;; i++) {
		fill(&pattern, i);
		CORO_TRY(coro_yield(coro_int((int64_t)i & 1023)));
		spoil(&pattern);
	}
}

static coro_value drive(coro_value arg)
{
	struct coro_generator *generator[GENERATORS];
	struct pattern pattern;

	begin(&pattern);
	for (int i = 0; i < GENERATORS; i++)
		generator[i] = coro_generator(count, CORO_NONE);
	for (uint64_t i = 1;; i++) {
		fill(&pattern, i);
		CORO_TRY(coro_next(generator[i % GENERATORS]));
		spoil(&pattern);
	}
}

static void *leave(void *unused)
{
	char byte;

	(void)unused;
	while (read(0, &byte, 1) > 0)
		;
	_exit(0);
}

static coro_value load(coro_value arg)
{
	if (!dlopen(coro_as_ptr(arg), RTLD_NOW))
		abort();
	for (;;)
		CORO_TRY(coro_yield(CORO_NONE));
}

static coro_value fill_much(coro_value arg)
{
	volatile uint8_t much[LARGE];

	for (int i = 0; i < LARGE; i++)
		much[i] = (uint8_t)i;
	CORO_TRY(coro_yield(coro_int(much[LARGE / 2])));
	return CORO_NONE;
}

static coro_value yield_many(coro_value arg)
{
	struct pattern pattern;

	begin(&pattern);
	for (int64_t i = 0; i < coro_as_int(arg); i++) {
		fill(&pattern, (uint64_t)i * 0x9e3779b97f4a7c15u);
		CORO_TRY(coro_yield(coro_int(i & 1023)));
	}
	return CORO_NONE;
}

static void exhaust(struct coro_generator *generator)
{
	coro_value value;

	while (coro_iterate(generator, &value))
		;
	coro_free(generator);
}

int main(int argc, char **argv)
{
	pthread_t thread;

	if (argc > 1 && !strcmp(argv[1], "hot")) {
		if (pthread_create(&thread, NULL, leave, NULL))
			return 1;
		puts("runs");
		fflush(stdout);
		exhaust(coro_generator(drive, CORO_NONE));
	} else if (argc > 2 && !strcmp(argv[1], "late")) {
		if (pthread_create(&thread, NULL, leave, NULL))
			return 1;
		exhaust(coro_generator(load, coro_ptr(argv[2])));
	} else if (argc > 1 && !strcmp(argv[1], "large")) {
		coro_set_options(&(struct coro_options){.stack_size = 4 * LARGE});
		exhaust(coro_generator(fill_much, CORO_NONE));
	} else if (argc > 2 && !strcmp(argv[1], "many")) {
		exhaust(coro_generator(yield_many, coro_int(atoll(argv[2]))));
	}
	return 0;
}
