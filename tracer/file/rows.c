/*
 * rows.c - one event into a row and back.
 *
 *     struct trace_event           struct row             rows->extra
 *     ------------------           ----------             -----------
 *     kind, clock, co, ...  <-->   the same
 *     value.integer, ...    <-->   content
 *     bind, row             <-->   extra ---------------> struct bound
 *     value.bytes           <-->   stored                 then so many
 */
#include "rows.h"
#include <errno.h>

enum content trace__content(unsigned value_kind)
{
	switch (value_kind) {
	case CORO_VALUE_BOOL:
	case CORO_VALUE_INT:
		return CONTENT_SIGNED;
	case CORO_VALUE_FLOAT:
		return CONTENT_REAL;
	case CORO_VALUE_POINTER:
		return CONTENT_POINTER;
	case CORO_VALUE_OBJECT:
		return CONTENT_OBJECT;
	case CORO_VALUE_STRING:
	case CORO_VALUE_BYTES:
	case CORO_VALUE_EXCEPTION:
		return CONTENT_LENGTH;
	default:
		return CONTENT_NONE;
	}
}

bool trace__content_has_type(unsigned value_kind)
{
	return trace__content(value_kind) == CONTENT_LENGTH || value_kind == CORO_VALUE_POINTER;
}

void trace__rows_done(struct rows *rows)
{
	free(rows->row);
	bytes_done(&rows->extra);
	*rows = (struct rows){0};
}

int trace__rows_reserve(struct rows *rows, uint32_t count)
{
	uint32_t room = rows->room ? rows->room : 32;
	struct row *row;

	if (count <= rows->room)
		return 0;
	while (room < count)
		room *= 2;
	row = realloc(rows->row, room * sizeof(*row));
	if (!row)
		return -ENOMEM;
	rows->row = row;
	rows->room = room;
	return 0;
}

void trace__rows_clear(struct rows *rows)
{
	rows->first = 0;
	rows->count = 0;
	rows->cost = 0;
	bytes_clear(&rows->extra);
}

/* The most that an event without payload costs; see cost_of(). */
#define PLAIN_COST (3 * 16 + 10 + 3 + 10 + 18 + 6 + 5 + 8 + 1)

/* An upper bound of what columns.c makes of an event, whatever its numbers are: the entries of
 * the dictionary (16 bytes each), the ring's run, and each column at its longest. */
static size_t cost_of(const struct row *row)
{
	size_t objects = (row->co != 0) + (row->peer != 0) + (row->value_kind == CORO_VALUE_OBJECT);
	size_t bind = row->flags & CORO_SLOT_BIND ? 10 + 5 + 5 + 5 + 4 + 5 : 0;
	size_t value = row->value_kind > CORO_VALUE_NONE ? 10 : 0;

	if (trace__content_has_type(row->value_kind))
		value += 5 + 2 + row->stored;
	return 16 * objects + bind + value + 3 /* kind, flags, states */ + 10 /* clock */ +
		   18 /* ring and index */ + 6 /* co, peer */ + 5 /* cseq */ + 8 /* site */ + 1;
}

int trace__rows_add(struct rows *rows, const struct trace_event *event)
{
	const struct trace_value *value = &event->value;
	size_t extra = rows->extra.length;
	struct row *row;

	if (extra > UINT32_MAX - (sizeof(struct bound) + CORO_TRACE_STORED_MAX) ||
		trace__rows_reserve(rows, rows->count + 1) < 0)
		return -ENOMEM;
	row = &rows->row[rows->count];
	*row = (struct row){
		.clock = event->clock,
		.index = event->index,
		.co = event->co,
		.peer = event->peer,
		.name = event->co ? event->name : 0,
		.peer_name = event->peer ? event->peer_name : 0,
		.ring = event->ring,
		.cseq = event->cseq,
		.site = event->site,
		.extra = (uint32_t)extra,
		.kind = event->kind,
		.flags = event->flags,
		.states = (uint8_t)((event->prev & 15) | (event->next & 15) << 4),
		.value_kind = value->kind,
		.object_kind = event->co ? event->object_kind : 0,
		.peer_kind = event->peer ? event->peer_kind : 0,
	};
	if (event->flags & CORO_SLOT_BIND)
		bytes_put(&rows->extra, &(struct bound){event->bind, event->row}, sizeof(struct bound));
	if (trace__content_has_type(value->kind))
		row->type = value->type;
	switch (trace__content(value->kind)) {
	case CONTENT_NONE:
		break;
	case CONTENT_OBJECT:
		row->type = value->object ? value->type : 0;
		row->content = value->object;
		row->value_object_kind = value->object ? value->object_kind : 0;
		break;
	case CONTENT_LENGTH:
		row->content = value->length;
		row->stored = value->stored < CORO_TRACE_STORED_MAX ? value->stored : CORO_TRACE_STORED_MAX;
		if (row->stored > row->content)
			row->stored = (uint16_t)row->content;
		bytes_put(&rows->extra, value->bytes, row->stored);
		break;
	default:
		memcpy(&row->content, &value->integer, sizeof(row->content));
	}
	if (rows->extra.failed) {
		rows->extra.failed = false;
		rows->extra.length = extra;
		return -ENOMEM;
	}
	rows->cost += cost_of(row);
	rows->count++;
	return 0;
}

bool trace__rows_is_plain(const struct coro_trace_slot *slot)
{
	unsigned kind = CORO_SLOT_KIND(slot->word);

	return kind != 0 && kind != CORO_EVENT_EXT && CORO_SLOT_EXT(slot->word) == 0 &&
		   !(CORO_SLOT_FLAGS(slot->word) & CORO_SLOT_BIND) &&
		   ((slot->value & 15) <= CORO_VALUE_FLOAT || (slot->value & 15) == CORO_VALUE_OBJECT);
}

int trace__rows_add_plain(struct rows *rows, const struct coro_trace_slot *slot, uint32_t ring,
						  uint64_t index, const struct binding *co, const struct binding *peer,
						  const struct binding *object)
{
	struct trace_value value;
	struct row *row;

	if (rows->count == rows->room && trace__rows_reserve(rows, rows->count + 1) < 0)
		return -ENOMEM;
	trace_value_decode_small(slot->value, &value);
	row = &rows->row[rows->count++];
	row->clock = slot->clock;
	row->index = index;
	row->co = co->serial;
	row->peer = peer->serial;
	row->content = (uint64_t)value.integer;
	row->name = co->name;
	row->peer_name = peer->name;
	row->ring = ring;
	row->cseq = CORO_SLOT_CSEQ(slot->word);
	row->site = slot->site;
	row->type = 0;
	row->value_object_kind = 0;
	if (value.kind == CORO_VALUE_OBJECT) {
		row->content = object->serial;
		row->type = object->name;
		row->value_object_kind = object->kind;
	}
	row->extra = (uint32_t)rows->extra.length;
	row->stored = 0;
	row->kind = (uint8_t)CORO_SLOT_KIND(slot->word);
	row->flags = (uint8_t)CORO_SLOT_FLAGS(slot->word);
	row->states = (uint8_t)(slot->word >> 16);
	row->value_kind = value.kind;
	row->object_kind = co->kind;
	row->peer_kind = peer->kind;
	rows->cost += PLAIN_COST;
	return 0;
}

void trace__rows_get(const struct rows *rows, uint32_t i, struct trace_event *ret)
{
	const struct row *row = &rows->row[i];
	const uint8_t *extra = rows->extra.data ? rows->extra.data + row->extra : NULL;

	/* All but the bytes of a value, which are most of it. */
	memset(ret, 0, offsetof(struct trace_event, value.bytes));
	memset(&ret->bind, 0, sizeof(ret->bind));
	ret->n = rows->first + i;
	ret->clock = row->clock;
	ret->index = row->index;
	ret->ring = row->ring;
	ret->kind = row->kind;
	ret->flags = row->flags;
	ret->prev = row->states & 15;
	ret->next = row->states >> 4;
	ret->cseq = row->cseq;
	ret->co = row->co;
	ret->peer = row->peer;
	ret->name = row->name;
	ret->peer_name = row->peer_name;
	ret->object_kind = row->object_kind;
	ret->value.object_kind = row->value_object_kind;
	ret->peer_kind = row->peer_kind;
	ret->site = row->site;
	if (row->flags & CORO_SLOT_BIND) {
		struct bound bound;

		memcpy(&bound, extra, sizeof(bound));
		ret->bind = bound.bind;
		ret->row = bound.row;
		extra += sizeof(bound);
	}
	ret->value.kind = row->value_kind;
	ret->value.type = row->type;
	if (trace__content(row->value_kind) == CONTENT_LENGTH) {
		ret->value.length = row->content;
		ret->value.stored = row->stored;
		if (row->stored)
			memcpy(ret->value.bytes, extra, row->stored);
	} else {
		memcpy(&ret->value.integer, &row->content, sizeof(row->content));
	}
}
