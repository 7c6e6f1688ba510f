#ifndef TRACER_WALK_H
#define TRACER_WALK_H
/*
 * walk.h - a walk over a whole trace, from its first event to its last.
 *
 * All that a trace tells in an order comes by: the events, what the program wrote, what was
 * lost, and what stands in a damaged part of the file. After event n comes the output that
 * was seen before event n + 1, and then what was lost there; those of n = 0 come first.
 *
 * The memory that a walk takes does not grow with the trace.
 */
#include "text.h"
#include "trace.h"

/* A line that the program wrote, with its newline; or a part of one, when events came between,
 * or it went on with another descriptor, or is longer than WALK_LINE_MAX. How the program's
 * writes were cut into pieces tells nothing. */
struct walk_line {
	uint64_t after;   /* the event before it */
	int64_t t;        /* of its last piece, ns since the start */
	int fd;
	bool approximate; /* some of the events before it may come after it */
	const char *text; /* UTF-8; what is none, and 0, has become U+FFFD. Not filtered */
	size_t length;
};
#define WALK_LINE_MAX (64u << 10)

/* Who is told. Each may be NULL. */
struct walk {
	void *context;
	/* Each event that can be read. `turn`: how many turns of a loop have begun up to it. */
	void (*event)(void *context, const struct trace_event *event, uint64_t turn);
	/* `count` events that cannot be, the first with this number: told before the next one that
	 * can, or at the end. */
	void (*unreadable)(void *context, uint64_t first, uint64_t count);
	void (*output)(void *context, const struct walk_line *line);
	void (*output_unreadable)(void *context); /* a piece of it */
	void (*lost)(void *context, uint64_t after, uint32_t ring, uint64_t count);
	/* Whether to go on: asked now and then, before event n. */
	bool (*go_on)(void *context, uint64_t n);
};

/* From event `from` to `to`, or the last one there is now; from = 0 or 1: with what was before the
 * first. */
void trace_walk(struct trace *trace, uint64_t from, uint64_t to, const struct walk *walk);

#endif
