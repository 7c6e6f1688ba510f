/*
 * column.c - each column of an EVENTS chunk by itself, fed with anything.
 *
 * A payload must have every column to get beyond the first check, so the harness has a good
 * one, of events of every shape, and the input replaces columns of it:
 *     u8 number of events, minus 1; then { u8 column; u8 length; `length` bytes } ...
 * The last one may be longer: length 255 is all that is left. Column 0 is the whole payload. What
 * decodes must be the same after another round.
 */
#include <stdlib.h>
#include <string.h>
#include "columns.h"
#include "fuzz.h"

#define BASE_EVENTS 24
#define COLUMNS     19 /* columns.c */
#define ALL_LEFT    255

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void add_event(struct rows *rows, unsigned i)
{
	struct trace_event event = {
		.clock = 1000 + i * 3u,
		.index = i,
		.ring = i / 10,
		.kind = (uint8_t)(1 + i),
		.flags = i % 8 == 0 ? CORO_SLOT_BIND : 0,
		.prev = i & 3,
		.next = i >> 1 & 3,
		.cseq = i,
		.co = 1 + i % 5,
		.peer = i % 3,
		.name = 1 + i % 5,
		.peer_name = i % 3,
		.object_kind = 1,
		.peer_kind = 2,
		.site = i % 4 ? 0x1000 + i % 6 : 0,
		.value = {.kind = (uint8_t)(i % 12), .type = 3, .integer = (int64_t)i - 8},
		.bind = {.serial = 1 + i % 5, .name = 1 + i % 5, .gen = i, .kind = 1},
	};

	if (trace__content(event.value.kind) == CONTENT_LENGTH) {
		event.value.length = i * 9u;
		event.value.stored = (uint16_t)i;
		memset(event.value.bytes, 'a' + (int)i, i);
	}
	if (event.value.kind == CORO_VALUE_OBJECT) {
		event.value.object = 1 + i % 5;
		event.value.object_kind = 1;
	}
	require(trace__rows_add(rows, &event) == 0);
}

/* The columns of the good payload. */
static const struct cursor *base_columns(void)
{
	static struct cursor column[COLUMNS + 1];
	static struct bytes payload;
	struct rows rows = {.first = 1};
	struct cursor cursor;

	if (payload.length)
		return column;
	for (unsigned i = 0; i < BASE_EVENTS; i++)
		add_event(&rows, i);
	require(trace__columns_encode(&rows, 0, rows.count, &payload) == 0);
	trace__rows_done(&rows);
	cursor = cursor_over(payload.data, payload.length);
	while (cursor.at < cursor.end) {
		uint64_t id = cursor_fixed(&cursor, 4), length = cursor_fixed(&cursor, 4);

		require(id && id <= COLUMNS);
		column[id] = cursor_over(cursor_take(&cursor, length), length);
	}
	return column;
}

/* The payload that the input makes of it. */
static void compose(struct cursor *input, struct bytes *ret)
{
	struct cursor column[COLUMNS + 1];

	memcpy(column, base_columns(), sizeof(column));
	while (input->at < input->end) {
		unsigned id = cursor_u8(input) % (COLUMNS + 1);
		uint64_t length = cursor_u8(input), left = (uint64_t)(input->end - input->at);

		if (length == ALL_LEFT || length > left)
			length = left;
		column[id] = cursor_over(cursor_take(input, length), length);
	}
	if (column[0].at != column[0].end) {
		bytes_put(ret, column[0].at, (size_t)(column[0].end - column[0].at));
		return;
	}
	for (unsigned id = 1; id <= COLUMNS; id++) {
		size_t length = (size_t)(column[id].end - column[id].at);

		bytes_put_fixed(ret, id, 4);
		bytes_put_fixed(ret, length, 4);
		bytes_put(ret, column[id].at, length);
	}
}

static void check_round(const struct rows *rows)
{
	struct rows again = {0};
	struct bytes payload = {0};

	require(trace__columns_encode(rows, 0, rows->count, &payload) == 0);
	require(trace__columns_decode(payload.data, payload.length, rows->first, rows->count, &again) ==
			0);
	require(again.count == rows->count && again.extra.length == rows->extra.length);
	for (uint32_t i = 0; i < rows->count; i++) {
		struct trace_event one = {0}, other = {0};

		trace__rows_get(rows, i, &one);
		trace__rows_get(&again, i, &other);
		require(memcmp(&one, &other, sizeof(one)) == 0);
	}
	trace__rows_done(&again);
	bytes_done(&payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct bytes payload;
	struct cursor input = cursor_over(data, size);
	uint32_t count = 1u + cursor_u8(&input);
	struct rows rows = {0};

	if (size == 0)
		return 0;
	bytes_clear(&payload);
	compose(&input, &payload);
	/* Of a size of its own, so that a byte too many is noticed. */
	uint8_t *exact = malloc(payload.length + !payload.length);

	memcpy(exact, payload.data, payload.length);
	if (trace__columns_decode(exact, payload.length, 1, count, &rows) == 0) {
		check_round(&rows);
		trace__rows_done(&rows);
	}
	free(exact);
	return 0;
}
