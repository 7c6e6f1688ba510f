/*
 * parked.c - a program whose coroutines all wait, some calls deep, for their stacks to be looked
 * at.
 *
 *     parked COUNT        prints where the COUNT addresses of its bodies are, and waits for its
 * input to end
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <coroscope/coro.h>

enum { DEEP = 4 };

/* What such a function has: a request, and what it works on. */
struct request {
	uint64_t number;
	char text[48];
};

__attribute__((noinline)) static coro_value waits(struct request *request)
{
	coro_value got = coro_yield(coro_int((int64_t)request->number));

	request->number++;
	return got;
}

__attribute__((noinline)) static coro_value handles(const struct request *request, unsigned deep)
{
	struct request inner = *request;
	coro_value got;

	inner.number += deep;
	got = deep == 0 ? waits(&inner) : handles(&inner, deep - 1);
	/* Not the last thing, so that the frame stays. */
	if (coro_raised(got) && inner.number == 0)
		abort();
	return got;
}

static coro_value body(coro_value number)
{
	struct request request = {.number = (uint64_t)coro_as_int(number)};

	snprintf(request.text, sizeof request.text, "request %" PRIu64, request.number);
	return handles(&request, DEEP);
}

int main(int argc, char **argv)
{
	size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
	struct coro_generator **generators = calloc(count, sizeof *generators);
	uint64_t *addresses = calloc(count, sizeof *addresses);

	if (!generators || !addresses)
		return 1;
	/* Whoever measures is its parent's child, perhaps. */
	(void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
	for (size_t i = 0; i < count; i++) {
		generators[i] = coro_generator(body, coro_int((int64_t)i));
		(void)coro_next(generators[i]);
		addresses[i] = (uintptr_t)coro__address(generators[i]);
	}
	printf("%" PRIuPTR "\n", (uintptr_t)addresses);
	fflush(stdout);
	while (getchar() != EOF)
		;
	_exit(0);
}
