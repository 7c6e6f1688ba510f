/*
 * stacks.c - bodies that are suspended in every kind of frame.
 *
 * Prints "NAME ADDRESS" of each, and waits until its input ends. ADDRESS is that of the body, which
 * begins with a struct coro_object. What is in a frame's way is in the name of its function; each
 * function is one, whatever the compiler would rather do.
 *
 * Argument: a library with stacks_call(), which is loaded while the program runs.
 */
#include <alloca.h>
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <coroscope/coro.h>
#include "stacks.h"

#if defined(__clang__)
#define FRAME __attribute__((noinline))
#else
#define FRAME __attribute__((noipa))
#endif

static caller *loaded;

/* Something is done after each call, so that none of them is the last thing. */
static volatile uint64_t after;

FRAME static uint64_t leaf(uint64_t number)
{
	uint64_t got = (uint64_t)coro_as_int(coro_yield(coro_int((int64_t)number)));

	after += number;
	return got + number;
}

/* As many registers as there are must be kept over a call. */
FRAME static uint64_t registers(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
								uint64_t f)
{
	uint64_t g = a * b, h = c ^ d, i = e + f, j = leaf(g ^ h ^ i);

	after += a + b + c + d + e + f;
	return g + h + i + j;
}

FRAME static uint64_t recursive(unsigned depth)
{
	uint64_t got = depth == 0 ? registers(1, 2, 3, 4, 5, after) : recursive(depth - 1);

	after += depth;
	return got + depth;
}

FRAME static uint64_t with_alloca(size_t size)
{
	char *bytes = alloca(size);
	uint64_t got;

	memset(bytes, (int)size, size);
	got = leaf((uint64_t)bytes[size / 2]);
	after += (uint64_t)bytes[size / 3];
	return got;
}

FRAME static uint64_t with_vla(size_t size)
{
	uint64_t numbers[size], got;

	for (size_t i = 0; i < size; i++)
		numbers[i] = i;
	got = with_alloca(numbers[size / 2] + 40);
	after += numbers[size - 1];
	return got;
}

/* The frame begins at a multiple of 64: where it is, an expression tells. */
FRAME static uint64_t with_alignment(uint64_t number)
{
	_Alignas(64) volatile uint64_t numbers[16];
	uint64_t got;

	for (size_t i = 0; i < 16; i++)
		numbers[i] = number + i;
	got = with_vla(numbers[3]);
	after += numbers[7];
	return got;
}

/* And its size is not known either. */
FRAME static uint64_t with_both(size_t size)
{
	_Alignas(128) volatile uint64_t number = size;
	char *bytes = alloca(size);
	uint64_t got;

	memset(bytes, 1, size);
	got = with_alignment(number + (uint64_t)bytes[0]);
	after += number + (uint64_t)bytes[size - 1];
	return got;
}

FRAME static int compare(const void *a, const void *b)
{
	const int *left = a, *right = b;

	if (*left + *right == 3)
		after += leaf((uint64_t)*left);
	return *left - *right;
}

FRAME static uint64_t sorting(void)
{
	int numbers[] = {5, 4, 2, 1, 3};

	qsort(numbers, sizeof numbers / sizeof *numbers, sizeof *numbers, compare);
	after += (uint64_t)numbers[0];
	return after;
}

FRAME static uint64_t called(uint64_t number)
{
	uint64_t got = leaf(number);

	after += got;
	return got;
}

FRAME static uint64_t through_library(uint64_t number)
{
	uint64_t got = stacks_call(called, number);

	after += number;
	return got;
}

FRAME static uint64_t through_loaded(uint64_t number)
{
	uint64_t got = loaded(through_library, number);

	after += number;
	return got;
}

/* Its last call is the last instruction: what it returns to is behind it, in the next one. */
FRAME static void ends(void) __attribute__((noreturn));
static void ends(void)
{
	(void)leaf(1);
	abort();
}

FRAME static uint64_t never_returns(void)
{
	ends();
}

FRAME static uint64_t inner_of_two(void)
{
	uint64_t got = leaf(2);

	after += got;
	return got;
}

/* ---- Bodies ------------------------------------------------------------ */

static coro_value plain_body(coro_value unused)
{
	return coro_int((int64_t)recursive(5));
}

static coro_value aligned_body(coro_value unused)
{
	return coro_int((int64_t)with_both(72));
}

static coro_value sorting_body(coro_value unused)
{
	return coro_int((int64_t)sorting());
}

static coro_value library_body(coro_value unused)
{
	return coro_int((int64_t)through_loaded(4));
}

static coro_value noreturn_body(coro_value unused)
{
	return coro_int((int64_t)never_returns());
}

static coro_value inner_body(coro_value unused)
{
	return coro_int((int64_t)inner_of_two());
}

static coro_value outer_body(coro_value inner)
{
	coro_value got = coro_yield_from(inner);

	after++;
	return got;
}

static struct coro_generator *begin(const char *name, coro_function *function, coro_value argument)
{
	struct coro_generator *body = coro_generator(function, argument);

	printf("%s %p\n", name, coro__address(body));
	return body;
}

int main(int count, char **arguments)
{
	struct coro_generator *body[7];
	void *library;
	enum { BODIES = sizeof body / sizeof *body };

	/* Whoever runs the test is not our parent. */
	(void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
	if (count > 1) {
		library = dlopen(arguments[1], RTLD_NOW);
		loaded = library ? (caller *)(uintptr_t)dlsym(library, "stacks_call") : NULL;
	}
	if (!loaded)
		loaded = stacks_call;
	body[0] = begin("plain", plain_body, CORO_NONE);
	body[1] = begin("aligned", aligned_body, CORO_NONE);
	body[2] = begin("sorting", sorting_body, CORO_NONE);
	body[3] = begin("library", library_body, CORO_NONE);
	body[4] = begin("noreturn", noreturn_body, CORO_NONE);
	body[5] = begin("inner", inner_body, CORO_NONE);
	body[6] = begin("outer", outer_body, coro_object(body[5]));
	(void)begin("created", plain_body, CORO_NONE);
	for (size_t i = 0; i < BODIES; i++)
		if (i != 5)
			(void)coro_next(body[i]);
	fflush(stdout);
	while (getchar() != EOF)
		;
	_Exit(0);
}
