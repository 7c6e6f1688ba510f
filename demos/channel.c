/*
 * channel.c - yield from opens a channel to the innermost generator.
 *
 *      main                general                internal
 *        | next, send         |                       |
 *        |--------------------|---------------------->|  what is sent goes straight through
 *        |<-------------------|-----------------------|  what is yielded comes straight back
 *        |                    |      yield from       |
 *        |                    |<----------------------|  only the returned value stops here
 *
 * `general` delegates to two `internal` generators, one after the other. While it does so it does
 * not run: main talks to the internal one, and general wakes up only when that is finished.
 *
 * Look at it with:   coroscope run build/demos/channel
 * channel.py is the same program in Python, and prints the same lines.
 */
#include <inttypes.h>
#include <stdio.h>
#include <coroscope/coro.h>

/* A body takes one value: this is what ours points to. */
struct internal {
	const char *name;
	int limit;
};

/* Yields 0, 1, 2, ... below the limit, and says what it got for each. */
static coro_value internal(coro_value argument)
{
	const struct internal *me = coro_as_ptr(argument);

	for (int i = 0; i < me->limit; i++) {
		coro_value got = CORO_TRY(coro_yield(coro_int(i)));

		printf("%s: got %" PRId64 "\n", me->name, coro_as_int(got));
	}
	return coro_str(me->name);
}

/* Opens a channel to the first, then to the second. */
static coro_value general(coro_value unused)
{
	struct internal parts[] = {{"first", 3}, {"second", 2}};
	int finished = 0;

	for (int i = 0; i < 2; i++) {
		CORO_AUTO struct coro_generator *inner =
			coro_generator(internal, coro_typed_ptr(&parts[i], "struct internal"));
		coro_value name = CORO_TRY(coro_yield_from(inner));

		printf("general: %s is finished\n", coro_as_str(name));
		finished++;
	}
	return coro_int(finished);
}

int main(void)
{
	CORO_AUTO struct coro_generator *channel = coro_generator(general, CORO_NONE);
	coro_value item = coro_next(channel);

	while (!coro_raised(item)) {
		printf("main: received %" PRId64 "\n", coro_as_int(item));
		item = coro_send(channel, coro_int(coro_as_int(item) + 100));
	}
	/* The end of a generator is a StopIteration, with the value that it returned. */
	if (coro_is(item, CORO_StopIteration))
		printf("main: general finished %" PRId64 "\n", coro_as_int(coro_exception_value(item)));
	return 0;
}
