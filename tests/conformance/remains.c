/*
 * remains.c - what is left when the scenario is over: nothing.
 *
 *     main begins                  descriptors and bytes are counted
 *     main ends                    the scenario has freed all that it owned: there are no objects
 *     the library's destructor     gives back what it kept for the next coroutine
 *     our destructor               exceptions, descriptors and bytes are counted again
 *
 * Bytes are counted where the C library counts exactly, which it does with GLIBC_TUNABLES=
 * glibc.malloc.tcache_count=0: conformance.py sets that. Sanitizers and Valgrind have counts of
 * their own.
 */
#include <dirent.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "scenario.h"

enum { SOMETHING_IS_LEFT = 3 };

static size_t descriptors, bytes;
static bool counting, left;

static size_t count_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	size_t count = 0;

	while (folder && readdir(folder))
		count++;
	if (folder)
		closedir(folder);
	return count;
}

static size_t count_bytes(void)
{
	return mallinfo2().uordblks;
}

/* A byte more is a byte more, and one less is one less. */
static bool counts_bytes(void)
{
	size_t before = count_bytes(), during;
	void *volatile memory = malloc(100);

	during = count_bytes();
	free(memory);
	return during > before && count_bytes() == before;
}

/* So that the output does not count. */
static char output[1 << 16];

void remains_begin(void)
{
	setvbuf(stdout, output, _IOFBF, sizeof(output));
	descriptors = count_descriptors();
	bytes = count_bytes();
}

static void tell(const char *what, size_t is, size_t was)
{
	if (is == was)
		return;
	fprintf(stderr, "left: %s: %zu, and %zu before\n", what, is, was);
	left = true;
}

void remains_end(void)
{
	struct coro_census census = coro_census();

	/* One that has no end leaves what its calls had. */
	if (somebody_ignored)
		return;
	counting = true;
	tell("coroutines", census.bodies, 0);
	tell("stacks", census.stacks_used, 0);
	tell("objects", census.objects, 0);
}

void remains_leave(const char *what)
{
	void *volatile memory;

	if (!strcmp(what, "coroutine"))
		coro_generator_named(run_call, CORO_NONE, "left", NULL);
	else if (!strcmp(what, "exception"))
		coro_keep(coro_error(CORO_ValueError, "left"));
	else if (!strcmp(what, "object"))
		coro_lock_new("left");
	else if (!strcmp(what, "byte"))
		memory = malloc(1);
	else if (!strcmp(what, "descriptor") && dup(STDOUT_FILENO) < 0)
		abort();
	(void)memory;
}

/* The library's own has no priority, and so comes first. */
__attribute__((destructor(102))) static void count_again(void)
{
	struct coro_census census = coro_census();

	if (!counting)
		return;
	fflush(stdout);
	tell("stacks", census.stacks_pooled, 0);
	tell("exceptions", census.exceptions, 0);
	tell("descriptors", count_descriptors(), descriptors);
	if (counts_bytes())
		tell("bytes", count_bytes(), bytes);
	if (left)
		_exit(SOMETHING_IS_LEFT);
}
