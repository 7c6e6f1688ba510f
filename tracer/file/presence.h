#ifndef TRACER_FILE_PRESENCE_H
#define TRACER_FILE_PRESENCE_H
/*
 * presence.h - objects that were there before the trace had an event of them.
 *
 * One table for each moment at which a thread told what it has: when the debugger attached, and,
 * of a thread that answered later, then. All in memory, as other tables are.
 */
#include <tracer/event.h>
#include <tracer/bytes.h>

/* A chunk of ROWS has at most so many entries: even the longest fit into it. */
#define PRESENCE_ROWS_MAX (64u << 10)

struct present {
	uint64_t after;         /* event */
	struct trace_row *rows; /* owned; never changed */
	size_t count;
};

struct presence {
	struct present *tables; /* owned; in the order of `after` */
	size_t count, room;
};

void trace__presence_done(struct presence *presence);
/* Adds a table, which is copied. 0 or -ENOMEM. */
int trace__presence_add(struct presence *presence, uint64_t after, const struct trace_row *rows,
						size_t count);
/* Rows as the payload of a chunk; their serials ascend. */
void trace__presence_encode(const struct trace_row *rows, size_t count, struct bytes *ret);
/* Adds what a chunk holds. 0, -EBADMSG or -ENOMEM. */
int trace__presence_decode(struct presence *presence, uint64_t after, const struct bytes *payload,
						   uint32_t count);

#endif
