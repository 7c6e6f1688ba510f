/*
 * presence.c - tables of objects that were there, in memory and as chunks.
 */
#include "presence.h"
#include <errno.h>
#include <stdlib.h>

void trace__presence_done(struct presence *presence)
{
	for (size_t i = 0; i < presence->count; i++)
		free(presence->tables[i].rows);
	free(presence->tables);
	*presence = (struct presence){0};
}

/* Takes the rows. */
static int add(struct presence *presence, uint64_t after, struct trace_row *rows, size_t count)
{
	size_t at;

	if (presence->count == presence->room) {
		size_t room = presence->room ? presence->room * 2 : 4;
		struct present *tables = reallocarray(presence->tables, room, sizeof(*tables));

		if (!tables) {
			free(rows);
			return -ENOMEM;
		}
		presence->tables = tables;
		presence->room = room;
	}
	for (at = presence->count; at && presence->tables[at - 1].after > after; at--)
		presence->tables[at] = presence->tables[at - 1];
	presence->tables[at] = (struct present){after, rows, count};
	presence->count++;
	return 0;
}

int trace__presence_add(struct presence *presence, uint64_t after, const struct trace_row *rows,
						size_t count)
{
	struct trace_row *copy = malloc((count ? count : 1) * sizeof(*copy));

	if (!copy)
		return -ENOMEM;
	memcpy(copy, rows, count * sizeof(*copy));
	return add(presence, after, copy, count);
}

/* ---- Chunks ------------------------------------------------------------ */

static void put_link(struct bytes *bytes, uint64_t serial, uint64_t link)
{
	bytes_put_zigzag(bytes, link ? link - serial : 0);
}

void trace__presence_encode(const struct trace_row *rows, size_t count, struct bytes *ret)
{
	uint64_t last = 0;

	for (size_t i = 0; i < count; i++) {
		const struct trace_row *row = &rows[i];

		bytes_put_varint(ret, row->serial - last);
		put_link(ret, row->serial, row->waits_on);
		put_link(ret, row->serial, row->parent);
		put_link(ret, row->serial, row->link);
		bytes_put_varint(ret, row->cseq);
		bytes_put_varint(ret, row->ring);
		bytes_put_varint(ret, row->name);
		bytes_put_varint(ret, row->creation_site);
		bytes_put_varint(ret, row->site);
		bytes_put_varint(ret, row->number);
		bytes_put_varint(ret, row->resumes);
		bytes_put_u8(ret, row->kind);
		bytes_put_u8(ret, row->state);
		bytes_put_u8(ret, row->reason);
		bytes_put_u8(ret, row->unknown);
		last = row->serial;
	}
}

static uint64_t take_link(struct cursor *cursor, uint64_t serial)
{
	uint64_t difference = unzigzag(cursor_varint(cursor, UINT64_MAX));

	return difference ? serial + difference : 0;
}

static bool take_row(struct cursor *cursor, uint64_t last, struct trace_row *ret)
{
	uint64_t step = cursor_varint(cursor, UINT64_MAX);

	*ret = (struct trace_row){.serial = last + step};
	ret->waits_on = take_link(cursor, ret->serial);
	ret->parent = take_link(cursor, ret->serial);
	ret->link = take_link(cursor, ret->serial);
	ret->cseq = (uint32_t)cursor_varint(cursor, UINT32_MAX);
	ret->ring = (uint32_t)cursor_varint(cursor, CORO_RINGS - 1);
	ret->name = (uint32_t)cursor_varint(cursor, UINT32_MAX);
	ret->creation_site = (uint32_t)cursor_varint(cursor, UINT32_MAX);
	ret->site = (uint32_t)cursor_varint(cursor, UINT32_MAX);
	ret->number = (uint32_t)cursor_varint(cursor, UINT32_MAX);
	ret->resumes = (uint32_t)cursor_varint(cursor, UINT32_MAX);
	ret->kind = cursor_u8(cursor);
	ret->state = cursor_u8(cursor);
	ret->reason = cursor_u8(cursor);
	ret->unknown = cursor_u8(cursor);
	return !cursor->bad && step && ret->serial > last && ret->state <= 15;
}

int trace__presence_decode(struct presence *presence, uint64_t after, const struct bytes *payload,
						   uint32_t count)
{
	struct cursor cursor = cursor_over(payload->data, payload->length);
	struct trace_row *rows;
	uint64_t last = 0;

	/* An entry has 15 bytes at least. */
	if (count == 0 || count > payload->length / 15)
		return -EBADMSG;
	rows = calloc(count, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		if (!take_row(&cursor, last, &rows[i])) {
			free(rows);
			return -EBADMSG;
		}
		last = rows[i].serial;
	}
	if (!cursor_is_consumed(&cursor)) {
		free(rows);
		return -EBADMSG;
	}
	return add(presence, after, rows, count);
}
