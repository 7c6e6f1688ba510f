/*
 * merge.c - slots of several rings become one trace, by clock.
 *
 *     ring 0   ── lost 3 ──   ■■    ■■■■■■■■
 *     ring 1        ■■■■■■■■■■■                 ──►  ── lost 3 ── ■■ ■■■■■■ ■■■ ...
 */
#include "merge.h"
#include <errno.h>
#include <stdlib.h>

#define RUN_MOST 16384u /* slots */

int window_reserve(struct window *window, size_t more)
{
	size_t room = window->room * 2 + more;
	struct coro_trace_slot *slot;

	if (window->room - window->count >= more)
		return 0;
	slot = reallocarray(window->slot, room, sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	window->slot = slot;
	window->room = room;
	return 0;
}

/* Payload slots have no clock, and are never the next. */
uint64_t window_clock(const struct window *window)
{
	return window->at < window->count ? window->slot[window->at].clock : UINT64_MAX;
}

uint64_t window_last_clock(const struct window *window)
{
	size_t last = window->count - 1;

	while (last > window->at && CORO_SLOT_KIND(window->slot[last].word) == CORO_EVENT_EXT)
		last--;
	return window->slot[last].clock;
}

struct window *merge_first(struct window *window, unsigned count, uint64_t *ret_until)
{
	struct window *first = NULL;

	*ret_until = UINT64_MAX;
	for (unsigned i = 0; i < count; i++) {
		uint64_t clock = window_clock(&window[i]);

		if (window[i].at == window[i].count)
			continue;
		if (!first || clock < window_clock(first)) {
			*ret_until = first ? window_clock(first) : UINT64_MAX;
			first = &window[i];
		} else if (clock < *ret_until) {
			*ret_until = clock;
		}
	}
	return first;
}

static unsigned length_of(const struct window *window, size_t at)
{
	return CORO_SLOT_KIND(window->slot[at].word) == CORO_EVENT_EXT
			   ? 1
			   : 1 + CORO_SLOT_EXT(window->slot[at].word);
}

int merge_append(struct trace *trace, unsigned ring, struct window *window, uint64_t until,
				 int64_t before, bool final)
{
	size_t end = window->at;
	int taken;

	if (window->lost)
		trace_append_lost(trace, ring, window->lost);
	window->lost = 0;
	do
		end += length_of(window, end);
	while (end < window->count && end - window->at < RUN_MOST && window->slot[end].clock <= until &&
		   (before == INT64_MAX || trace_time(trace, window->slot[end].clock) < before));
	if (end > window->count)
		end = window->count;
	taken = trace_append(trace, ring, window->index + window->at, window->slot + window->at,
						 (unsigned)(end - window->at));
	if (taken == 0 && (final || window->count - window->at > CORO_EXT_MAX)) {
		trace_append_lost(trace, ring, 1);
		taken = 1;
	}
	if (taken > 0)
		window->at += (size_t)taken;
	return taken;
}
