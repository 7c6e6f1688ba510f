#ifndef TRACER_CONTROL_MERGE_H
#define TRACER_CONTROL_MERGE_H
/*
 * merge.h - slots of several rings become one trace, by clock.
 *
 * Within a ring the order is that of its slots; their clocks never go back. Between rings the event
 * with the lesser clock goes first, of equal ones that of the lesser ring. A window is what was
 * copied of one ring.
 */
#include <stddef.h>
#include <tracer/live.h>
#include <tracer/trace.h>

struct window {
	struct coro_trace_slot *slot; /* owned */
	size_t count, room;
	size_t at;      /* the next one to be appended */
	uint64_t index; /* of slot 0 */
	uint64_t lost;  /* before it, and before all others */
};

/* Room for `more` slots behind those that it has. 0 or -ENOMEM. */
int window_reserve(struct window *window, size_t more);

/* The clock of its next event; UINT64_MAX: there is none. */
uint64_t window_clock(const struct window *window);
/* The clock of its last event. It has one. */
uint64_t window_last_clock(const struct window *window);

/* The window whose next event is the first of all; NULL: there is none. *ret_until: no other has one
 * before that clock. */
struct window *merge_first(struct window *window, unsigned count, uint64_t *ret_until);

/* Appends events of a window, one at least, up to `until` and as long as their time is before
 * `before`; first what was lost before them. What is no event's beginning is lost as well; so is an
 * event that is not whole, if the window is `final`. Returns how many slots are done with, 0 for an event
 * that is not whole yet, or -errno. */
int merge_append(struct trace *trace, unsigned ring, struct window *window, uint64_t until,
				 int64_t before, bool final);

#endif
