#ifndef TRACER_FILE_ROWS_H
#define TRACER_FILE_ROWS_H
/*
 * rows.h - neighbouring events in memory, in a fifth of the room that struct trace_event takes.
 *
 * What the open chunk holds, and what a decoded chunk becomes. The numbers of the events
 * are `first`, first + 1, ...
 */
#include <tracer/bytes.h>
#include <tracer/event.h>
#include "bindings.h"

struct row {
	uint64_t clock;
	uint64_t index;
	uint64_t co, peer; /* serials */
	uint64_t content;  /* the value's union, or its length if it has one */
	uint32_t name, peer_name;
	uint32_t ring;
	uint32_t cseq;
	uint32_t site;
	uint32_t type;   /* of the value */
	uint32_t extra;  /* where its bytes begin in rows->extra: a struct bound, if the flags say that
	                    there is a bind, then `stored` bytes of the value */
	uint16_t stored;
	uint8_t kind, flags;
	uint8_t states;  /* prev | next << 4 */
	uint8_t value_kind;
	uint8_t object_kind, peer_kind, value_object_kind;
};

/* Who a row is from an event on, and which row. */
struct bound {
	struct coro_trace_bind bind;
	uint32_t row; /* 0: not known */
};

struct rows {
	uint64_t first;
	uint32_t count, room;
	struct row *row; /* owned */
	struct bytes extra;
	size_t cost;     /* at most so many raw bytes will they be as columns */
};

/* What the union of a value of this kind holds. */
enum content {
	CONTENT_NONE,
	CONTENT_SIGNED,  /* BOOL, INT */
	CONTENT_REAL,    /* FLOAT */
	CONTENT_POINTER, /* POINTER */
	CONTENT_OBJECT,  /* OBJECT: a serial, and its type is the object's name */
	CONTENT_LENGTH,  /* STRING, BYTES, EXCEPTION: no union, but a length and bytes */
};
enum content trace__content(unsigned value_kind);
/* Whether a value of this kind has a type of its own. */
bool trace__content_has_type(unsigned value_kind);

void trace__rows_done(struct rows *rows);
/* No rows any more, but their room. */
void trace__rows_clear(struct rows *rows);
/* Room for so many in all; 0 or -ENOMEM. */
int trace__rows_reserve(struct rows *rows, uint32_t count);
/* Adds an event; 0 or -ENOMEM. What its kinds of value and its flags say is not there, is
 * not kept: such members come back as 0. n and t are not kept. */
int trace__rows_add(struct rows *rows, const struct trace_event *event);
/* Whether a slot is an event by itself, without a payload. */
bool trace__rows_is_plain(const struct coro_trace_slot *slot);
/* Adds such a one, `object` being the value if that is one, as trace_event_decode() and trace__bindings_apply() would make it, at a third of
 * the cost: nearly all events are such. 0 or -ENOMEM. */
int trace__rows_add_plain(struct rows *rows, const struct coro_trace_slot *slot, uint32_t ring,
                          uint64_t index, const struct binding *co, const struct binding *peer,
                          const struct binding *object);
/* The i-th event; its t is left 0. */
void trace__rows_get(const struct rows *rows, uint32_t i, struct trace_event *ret);

#endif
