/*
 * pipeline.c - stages that hand values on through channels, and a select over two of them.
 *
 *      count --numbers--> square --squares--.
 *                                            >--> main
 *      clock --ticks------------------------'
 *
 * count sends the numbers, square takes each and sends its square on, clock sends a tick now and
 * then. Main does not know who will be first, so it selects: it takes whatever is there. Whoever
 * has no more closes its channel; main sees that, and takes the channel out of its select by making
 * it NULL, which is never ready. When both are gone it is done.
 *
 * Look at it with:   coroscope run build/demos/pipeline
 * It is a program as one writes it in Go; Python has no select over queues, so it has no twin.
 */
#include <inttypes.h>
#include <stdio.h>
#include <coroscope/coro.h>

struct stage {
	struct coro_channel *in, *out;
};

static coro_value count(coro_value arg)
{
	const struct stage *me = coro_as_ptr(arg);

	for (int number = 1; number <= 5; number++) {
		CORO_TRY(coro_channel_send(me->out, coro_int(number)));
		printf("count: %d is on its way\n", number);
	}
	return coro_channel_close(me->out);
}

static coro_value square(coro_value arg)
{
	const struct stage *me = coro_as_ptr(arg);

	CORO_CHANNEL_FOR(number, me->in)
	{
		CORO_TRY(coro_sleep(0.1));
		CORO_TRY(coro_channel_send(me->out, coro_int(coro_as_int(number) * coro_as_int(number))));
	}
	return coro_channel_close(me->out);
}

static coro_value clock_ticks(coro_value arg)
{
	const struct stage *me = coro_as_ptr(arg);

	for (int tick = 1; tick <= 2; tick++) {
		CORO_TRY(coro_sleep(0.35));
		CORO_TRY(coro_channel_send(me->out, coro_int(tick)));
	}
	return coro_channel_close(me->out);
}

static coro_value watch(struct coro_channel *squares, struct coro_channel *ticks)
{
	struct coro_case cases[] = {coro_case_receive(squares), coro_case_receive(ticks)};
	static const char *const names[] = {"square", "tick"};

	while (cases[0].channel || cases[1].channel) {
		int64_t which = coro_as_int(CORO_TRY(coro_select(cases, 2)));

		if (cases[which].ok) {
			printf("main: %s %" PRId64 "\n", names[which], coro_as_int(cases[which].value));
		} else {
			printf("main: no more %ss\n", names[which]);
			cases[which].channel = NULL;
		}
	}
	return CORO_NONE;
}

static coro_value amain(coro_value unused)
{
	struct coro_channel *numbers = coro_channel_new_named(2, "numbers");
	struct coro_channel *squares = coro_channel_new_named(0, "squares");
	struct coro_channel *ticks = coro_channel_new_named(0, "ticks");
	struct stage first = {NULL, numbers}, second = {numbers, squares}, third = {NULL, ticks};
	struct coro_task *tasks[] = {
		coro_spawn(count, coro_ptr(&first), "count"),
		coro_spawn(square, coro_ptr(&second), "square"),
		coro_spawn(clock_ticks, coro_ptr(&third), "clock"),
	};
	coro_value result = watch(squares, ticks);

	for (int i = 0; i < 3; i++) {
		coro_await(tasks[i]);
		coro_task_free(tasks[i]);
	}
	coro_channel_free(numbers);
	coro_channel_free(squares);
	coro_channel_free(ticks);
	return result;
}

int main(void)
{
	return coro_run(amain, CORO_NONE);
}
