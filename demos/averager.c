/*
 * averager.c - a generator that is talked to: send, throw, close.
 *
 *      main          averager
 *        | next         |   runs to its first yield
 *        | send(10)     |   the yield gives 10; yields the average so far
 *        | throw(Reset) |   the yield raises Reset: starts again
 *        | throw(Bad)   |   not handled: comes back to main, and the averager is finished
 *        | close        |   the yield raises GeneratorExit: cleans up, returns
 *
 * What comes in through a yield is a value. It may be raised: then somebody threw an exception in,
 * or closed us. A body looks, and deals with it or returns it.
 *
 * averager.py is the same program in Python, and prints the same lines.
 */
#include <inttypes.h>
#include <stdio.h>
#include <coroscope/coro.h>

/* An exception of our own: asks the averager to start again. */
CORO_EXCEPTION(Reset, CORO_Exception);

static coro_value averager(coro_value unused)
{
	double total = 0, average = 0;
	int64_t count = 0;

	for (;;) {
		coro_value term = coro_yield(coro_float(average));

		if (coro_is(term, Reset)) {
			printf("averager: starts again after %" PRId64 " terms\n", count);
			coro_handled();
			total = average = 0;
			count = 0;
			continue;
		}
		if (coro_is(term, CORO_GeneratorExit)) {
			printf("averager: closed, the average was %.2f\n", average);
			return coro_int(count);
		}
		if (coro_raised(term)) {
			printf("averager: cannot handle %s\n", coro_exception_type(term)->name);
			return term;
		}
		total += coro_as_float(term);
		count++;
		average = total / (double)count;
	}
}

static void feed(struct coro_generator *to, double term)
{
	coro_value average = coro_send(to, coro_float(term));

	printf("main: sent %.1f, the average is %.2f\n", term, coro_as_float(average));
}

int main(void)
{
	CORO_AUTO struct coro_generator *one = coro_generator(averager, CORO_NONE);
	CORO_AUTO struct coro_generator *other = coro_generator(averager, CORO_NONE);
	coro_value outcome;

	/* send: a value for the yield that it waits in. */
	coro_next(one);
	feed(one, 10);
	feed(one, 20);
	feed(one, 3);

	/* throw: an exception that it handles, and goes on. */
	outcome = coro_throw(one, coro_error(Reset, "please"));
	printf("main: threw Reset, the average is %.2f\n", coro_as_float(outcome));
	feed(one, 7);

	/* close: it cleans up. What it returns is what close gives. */
	outcome = coro_close(one);
	printf("main: closed it, it had %" PRId64 " term\n", coro_as_int(outcome));

	/* throw: an exception that it does not handle comes back, and that was its end. */
	coro_next(other);
	feed(other, 1.5);
	outcome = coro_throw(other, coro_error(CORO_ValueError, "not a number"));
	CORO_EXCEPT(outcome, CORO_ValueError)
	printf("main: caught ValueError: %s\n", coro_message(outcome));
	outcome = coro_next(other);
	if (coro_is(outcome, CORO_StopIteration))
		printf("main: nothing more comes from it\n");
	return 0;
}
