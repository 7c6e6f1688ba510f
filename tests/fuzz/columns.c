/*
 * columns.c - the decoders of an EVENTS chunk's columns, fed with anything.
 *
 *     u16 count; u16 spare; payload
 *
 * What decodes is read: each event is whole, its number is its place, and encoded again it decodes
 * to the same.
 */
#include <stdlib.h>
#include <string.h>
#include "columns.h"
#include "fuzz.h"

static void encode_again(const struct rows *rows)
{
	struct bytes payload = {0};
	struct rows again = {0};
	struct trace_event first, second;

	if (trace__columns_encode(rows, 0, rows->count, &payload) < 0 ||
		trace__columns_decode(payload.data, payload.length, 1, rows->count, &again) < 0 ||
		again.count != rows->count)
		abort();
	for (uint32_t i = 0; i < rows->count; i++) {
		trace__rows_get(rows, i, &first);
		trace__rows_get(&again, i, &second);
		if (first.n != second.n || first.kind != second.kind || first.co != second.co ||
			first.peer != second.peer || first.cseq != second.cseq || first.ring != second.ring ||
			first.site != second.site || first.value.kind != second.value.kind)
			abort();
	}
	bytes_done(&payload);
	trace__rows_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rows rows = {0};
	struct trace_event event;
	uint32_t count;

	if (size < 4)
		return 0;
	count = (uint32_t)data[0] | (uint32_t)data[1] << 8;
	if (trace__columns_decode(data + 4, size - 4, 1, count, &rows) < 0)
		return 0;
	if (rows.count != count)
		abort();
	for (uint32_t i = 0; i < rows.count; i++) {
		trace__rows_get(&rows, i, &event);
		if (event.n != i + 1 || event.value.stored > CORO_TRACE_STORED_MAX)
			abort();
	}
	encode_again(&rows);
	trace__rows_done(&rows);
	return 0;
}
