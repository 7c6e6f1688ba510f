/*
 * output.c - pieces of output, added, closed, found and loaded.
 *
 *     blocks   [ 0..57 | 58..90 | 91..130 ]   open [ 131..135 )
 *                 |        |         |
 *              chunk 4  chunk 9   chunk 12
 */
#include "output.h"
#include "format.h"
#include <errno.h>

/* An open block has this much data at most. */
#define BLOCK_DATA (256u << 10)
#define FIRST_DATA 4096u

static void block_done(struct output_block *block)
{
	free(block->pieces);
	bytes_done(&block->data);
	block->pieces = NULL;
}

void trace__output_done(struct output *output)
{
	for (uint32_t i = 0; i < output->block_count; i++)
		block_done(&output->blocks[i]);
	free(output->blocks);
	block_done(&output->open);
	*output = (struct output){0};
}

size_t trace__output_count(const struct output *output)
{
	return output->open.first + output->open.count;
}

/* ---- Writing ----------------------------------------------------------- */

bool trace__output_fits(const struct output *output, size_t length)
{
	const struct bytes *data = &output->open.data;

	if (length > BLOCK_DATA - data->length)
		return false;
	return !output->shown || length <= data->room - data->length;
}

/* Room for one more closed block. */
static int reserve_block(struct output *output)
{
	if (output->block_count == output->block_room) {
		uint32_t room = output->block_room ? output->block_room * 2 : 16;
		struct output_block *blocks = realloc(output->blocks, room * sizeof(*blocks));

		if (!blocks)
			return -ENOMEM;
		output->blocks = blocks;
		output->block_room = room;
	}
	return 0;
}

int trace__output_add(struct output *output, const struct trace_output *piece)
{
	struct output_block *open = &output->open;
	const uint8_t *before = open->data.data;
	struct trace_output copy = *piece;

	if (reserve_block(output) < 0)
		return -ENOMEM;
	if (open->count == output->piece_room) {
		uint32_t room = output->piece_room ? output->piece_room * 2 : 16;
		struct trace_output *pieces = realloc(open->pieces, room * sizeof(*pieces));

		if (!pieces)
			return -ENOMEM;
		open->pieces = pieces;
		output->piece_room = room;
	}
	if (!bytes_reserve(&open->data, open->data.room ? piece->length : FIRST_DATA) ||
		!bytes_reserve(&open->data, piece->length)) {
		open->data.failed = false;
		return -ENOMEM;
	}
	if (before && before != open->data.data)
		for (uint32_t i = 0; i < open->count; i++)
			open->pieces[i].data =
				(const char *)open->data.data + (open->pieces[i].data - (const char *)before);
	copy.data = (const char *)open->data.data + open->data.length;
	bytes_put(&open->data, piece->data, piece->length);
	open->pieces[open->count++] = copy;
	return 0;
}

int trace__output_encode(const struct output *output, struct bytes *ret)
{
	for (uint32_t i = 0; i < output->open.count; i++) {
		const struct trace_output *piece = &output->open.pieces[i];

		bytes_put_varint(ret, piece->after);
		bytes_put_zigzag(ret, (uint64_t)piece->t);
		bytes_put_zigzag(
			ret, (uint64_t)((int64_t)piece->fd + (piece->approximate ? OUTPUT_APPROXIMATE : 0)));
		bytes_put_text(ret, piece->data, piece->length);
	}
	return ret->failed ? -ENOMEM : 0;
}

void trace__output_close(struct output *output, uint32_t chunk)
{
	size_t next = trace__output_count(output);

	output->open.chunk = chunk;
	if (!output->shown)
		block_done(&output->open);
	output->blocks[output->block_count++] = output->open;
	output->open = (struct output_block){.first = next};
	output->piece_room = 0;
	output->shown = false;
}

/* ---- Reading ----------------------------------------------------------- */

int trace__output_found(struct output *output, uint32_t chunk, uint32_t count)
{
	struct output_block block = {.first = output->open.first, .count = count, .chunk = chunk};

	if (count == 0)
		return 0;
	if (reserve_block(output) < 0)
		return -ENOMEM;
	output->blocks[output->block_count++] = block;
	output->open.first += count;
	return 0;
}

struct output_block *trace__output_block(struct output *output, size_t i)
{
	uint32_t low = 0, high = output->block_count;

	if (i >= trace__output_count(output))
		return NULL;
	if (i >= output->open.first)
		return &output->open;
	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (output->blocks[middle].first <= i)
			low = middle;
		else
			high = middle;
	}
	return &output->blocks[low];
}

int trace__output_load(struct output *output, struct output_block *block, struct bytes *payload)
{
	struct cursor cursor = cursor_over(payload->data, payload->length);
	struct trace_output *pieces;
	int64_t fd;

	/* A piece has four bytes at least. */
	if (block->count > payload->length / 4 || payload->length > OUTPUT_RAW_MAX - output->loaded)
		return -EBADMSG;
	pieces = calloc(block->count, sizeof(*pieces));
	if (!pieces)
		return -ENOMEM;
	for (uint32_t i = 0; i < block->count; i++) {
		pieces[i].after = cursor_varint(&cursor, UINT64_MAX);
		pieces[i].t = (int64_t)cursor_zigzag(&cursor);
		fd = (int64_t)cursor_zigzag(&cursor);
		pieces[i].approximate = fd >= OUTPUT_APPROXIMATE && fd < 2 * OUTPUT_APPROXIMATE;
		pieces[i].fd = (int)(pieces[i].approximate ? fd - OUTPUT_APPROXIMATE : fd);
		pieces[i].data = cursor_text(&cursor, &pieces[i].length);
	}
	if (!cursor_is_consumed(&cursor)) {
		free(pieces);
		return -EBADMSG;
	}
	output->loaded += payload->length;
	block->pieces = pieces;
	block->data = *payload;
	*payload = (struct bytes){0};
	return 0;
}
