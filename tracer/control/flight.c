/*
 * flight.c - the flight recorder: the program writes over its oldest events, nobody reads along,
 * and what is left is taken at once: at its end, or when somebody asks for it.
 *
 * The rings are copied as fast as can be, each into memory of its own, for a program that runs
 * writes over what it wrote before. Then all of it goes into the trace as if it had been
 * drained: the run of slots whose clock is the least goes first, what the program printed
 * stands between by its time, and what was lost before a run is told before it.
 *
 *     ring 0   ── lost 81920 ── ■■■■■■■■■■■
 *     ring 1   ── lost 3 ──   ■■    ■■■■■■■■     ──►  trace, by clock
 *     output        "..."   "..."         "..."
 *
 * Asked for again, it takes what came since: the trace goes on, with a loss between.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "merge.h"
#include "target_private.h"

#define OUTPUT_MOST ((size_t)4 << 20) /* bytes of output that are kept; the oldest go */

struct flight_output {
	struct flight_output *next;
	int64_t t;
	int fd;
	size_t length;
	char data[];
};

/* ---- Output ------------------------------------------------------------ */

void flight_keep_output(struct flight *flight, int fd, int64_t t, const char *data, size_t length)
{
	struct flight_output *output = malloc(sizeof(*output) + length);

	if (!output)
		return;
	*output = (struct flight_output){.t = t, .fd = fd, .length = length};
	memcpy(output->data, data, length);
	*(flight->last ? &flight->last->next : &flight->first) = output;
	flight->last = output;
	flight->bytes += length;
	while (flight->bytes > OUTPUT_MOST && flight->first != flight->last) {
		output = flight->first;
		flight->first = output->next;
		flight->bytes -= output->length;
		free(output);
	}
}

static void put_output(struct target *target, int64_t until)
{
	struct flight *flight = &target->flight;

	while (flight->first && flight->first->t <= until) {
		struct flight_output *output = flight->first;

		trace_append_approximate_output(target->trace, output->fd, output->t, output->data,
										output->length);
		flight->first = output->next;
		if (!flight->first)
			flight->last = NULL;
		flight->bytes -= output->length;
		free(output);
	}
}

void flight_done(struct flight *flight)
{
	while (flight->first) {
		struct flight_output *output = flight->first;

		flight->first = output->next;
		free(output);
	}
	*flight = (struct flight){0};
}

/* ---- Windows ----------------------------------------------------------- */

/* All there is of a ring. A gap that opens while it is copied makes all before it lost: a window
 * has none inside. */
static int copy_window(struct live *live, unsigned ring, struct window *window)
{
	for (;;) {
		uint64_t index, lost;
		int count;

		if (window_reserve(window, RECORDER_BATCH) < 0)
			return -ENOMEM;
		count = live_read(live, ring, window->slot + window->count, RECORDER_BATCH, &index, &lost);
		if (lost && window->count && count >= 0) {
			window->lost += window->count;
			memmove(window->slot, window->slot + window->count,
					(size_t)count * sizeof(*window->slot));
			window->count = 0;
		}
		window->lost += lost;
		if (count <= 0 && !lost)
			return 0;
		if (!window->count)
			window->index = index;
		window->count += (size_t)count;
		live_take(live, ring, (unsigned)count);
	}
}

static int put_windows(struct target *target, struct window *window, unsigned count)
{
	struct window *first;
	uint64_t until;
	int result = 0;

	while (result >= 0 && (first = merge_first(window, count, &until))) {
		const struct flight_output *output;

		put_output(target, trace_time(target->trace, window_clock(first)));
		output = target->flight.first;
		result = merge_append(target->trace, (unsigned)(first - window), first, until,
							  output ? output->t : INT64_MAX, true);
	}
	/* Rings of which nothing is left. */
	for (unsigned i = 0; i < count; i++)
		if (window[i].lost)
			trace_append_lost(target->trace, i, window[i].lost);
	put_output(target, INT64_MAX);
	return result < 0 ? result : 0;
}

int flight_take(struct target *target)
{
	unsigned count = live_rings(target->live);
	struct window *window = calloc(count ? count : 1, sizeof(*window));
	int result = window ? 0 : -ENOMEM;

	for (unsigned i = 0; i < count && result >= 0; i++)
		result = copy_window(target->live, i, &window[i]);
	if (result >= 0) {
		recorder_take_strings(target);
		result = put_windows(target, window, count);
	}
	for (unsigned i = 0; window && i < count; i++)
		free(window[i].slot);
	free(window);
	return result;
}
