/*
 * index.c - the chunks of a file, and where events and checkpoints are among them.
 *
 *     chunks       META STRINGS EVENTS STDIO EVENTS CKPT CKPT EVENTS ...
 *     events                    1..64         65..90           91..200
 *     checkpoints                                   n=90
 *     stacks       of STACKS chunks, likewise
 *
 * The same chunks come from three sides: the writer adds what it wrote, the scan of a file
 * adds what it finds, and an INDEX chunk gives all of them at once. All three go
 * through trace__index_add(), so that the three indexes are the same.
 */
#include "store.h"
#include <errno.h>

void trace__index_done(struct index *index)
{
	for (uint32_t i = 0; i < index->count; i++)
		free(index->chunks[i].memory);
	free(index->chunks);
	free(index->events);
	free(index->checkpoints);
	free(index->stacks);
	*index = (struct index){0};
}

static int grow(void *array, uint32_t count, uint32_t *room, size_t size)
{
	uint32_t larger = *room ? *room * 2 : 64;
	void *grown;

	if (count < *room)
		return 0;
	grown = larger > *room ? realloc(*(void **)array, larger * size) : NULL;
	if (!grown)
		return -ENOMEM;
	*(void **)array = grown;
	*room = larger;
	return 0;
}

/* The last chunk is the last part of a checkpoint: finds its first one. */
static void add_checkpoint(struct index *index)
{
	uint32_t last = index->count - 1, first = last, at = index->checkpoint_count;
	const struct chunk *chunk = &index->chunks[last];

	while (first > 0 && index->chunks[first - 1].type == CHUNK_CKPT &&
		   index->chunks[first - 1].first == chunk->first &&
		   index->chunks[first - 1].count == index->chunks[first].count + 1)
		first--;
	if (chunk->clock != last - first + 1)
		return;
	while (at > 0 && index->checkpoints[at - 1].n > chunk->first)
		at--;
	if (at > 0 && index->checkpoints[at - 1].n == chunk->first)
		return;
	memmove(index->checkpoints + at + 1, index->checkpoints + at,
			(index->checkpoint_count - at) * sizeof(*index->checkpoints));
	index->checkpoints[at] = (struct checkpoint_range){
		.n = chunk->first,
		.chunk = first,
		.parts = last - first + 1,
	};
	index->checkpoint_count++;
}

int trace__index_add(struct index *index, const struct chunk *chunk)
{
	if (grow(&index->chunks, index->count, &index->room, sizeof(*index->chunks)) < 0 ||
		grow(&index->events, index->event_count, &index->event_room, sizeof(*index->events)) < 0 ||
		grow(&index->checkpoints, index->checkpoint_count, &index->checkpoint_room,
			 sizeof(*index->checkpoints)) < 0 ||
		grow(&index->stacks, index->stack_count, &index->stack_room, sizeof(*index->stacks)) < 0)
		return -ENOMEM;
	index->missing += chunk->seq - (index->count ? index->chunks[index->count - 1].seq + 1 : 0);
	index->chunks[index->count++] = *chunk;
	if (chunk->type == CHUNK_EVENTS) {
		index->missing = 0;
		index->events[index->event_count++] = (struct event_range){
			.first = chunk->first,
			.count = chunk->count,
			.chunk = index->count - 1,
		};
		index->last_event = chunk->first + chunk->count - 1;
	}
	if (chunk->type == CHUNK_STACKS)
		index->stacks[index->stack_count++] = (struct stack_range){
			.least = chunk->clock,
			.most = chunk->first,
			.chunk = index->count - 1,
		};
	if (chunk->type == CHUNK_CKPT && chunk->count == 1)
		add_checkpoint(index);
	return 0;
}

const struct event_range *trace__index_event(const struct index *index, uint64_t n)
{
	uint32_t low = 0, high = index->event_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct event_range *range = &index->events[middle];

		if (n < range->first)
			high = middle;
		else if (n - range->first >= range->count)
			low = middle + 1;
		else
			return range;
	}
	return NULL;
}

bool trace__index_follows(const struct index *index, const struct chunk *chunk, uint64_t skipped)
{
	const struct chunk *last = index->count ? &index->chunks[index->count - 1] : NULL;
	uint64_t seq = last ? last->seq + 1 : 0, missing;

	if (chunk->seq < seq || chunk->seq - seq > skipped / CHUNK_HEADER)
		return false;
	missing = index->missing + (chunk->seq - seq);
	if (!skipped && chunk->previous != (last ? chunk_length(last) : 0))
		return false;
	if (chunk->type != CHUNK_EVENTS)
		return true;
	return chunk->first > index->last_event &&
		   chunk->first - index->last_event - 1 <= missing * CHUNK_EVENTS_MAX;
}

/* ---- The INDEX chunk --------------------------------------------------- */

int trace__index_encode(const struct index *index, struct bytes *ret)
{
	static const struct chunk none;
	const struct chunk *last = &none;

	for (uint32_t i = 0; i < index->count; i++) {
		const struct chunk *chunk = &index->chunks[i];

		bytes_put_varint(ret, chunk->type);
		bytes_put_varint(ret, chunk->flags);
		bytes_put_varint(ret, chunk->count);
		bytes_put_varint(ret, chunk->compressed);
		bytes_put_varint(ret, chunk->raw);
		bytes_put_zigzag(ret, chunk->first - last->first);
		bytes_put_zigzag(ret, chunk->clock - last->clock);
		bytes_put_fixed(ret, chunk->payload_crc, 4);
		last = chunk;
	}
	return ret->failed ? -ENOMEM : 0;
}

/* The next entry, as the chunk that follows `last` in the file. */
static struct chunk decode_entry(struct cursor *cursor, const struct chunk *last, uint64_t seq)
{
	struct chunk chunk = {.seq = seq, .offset = FILE_HEADER};

	if (seq > 0) {
		chunk.offset = last->offset + chunk_length(last);
		chunk.previous = (uint32_t)chunk_length(last);
	}
	chunk.type = (uint16_t)cursor_varint(cursor, UINT16_MAX);
	chunk.flags = (uint16_t)cursor_varint(cursor, UINT16_MAX);
	chunk.count = (uint32_t)cursor_varint(cursor, UINT32_MAX);
	chunk.compressed = (uint32_t)cursor_varint(cursor, CHUNK_COMPRESSED_MAX);
	chunk.raw = (uint32_t)cursor_varint(cursor, CHUNK_RAW_MAX);
	chunk.first = last->first + cursor_zigzag(cursor);
	chunk.clock = last->clock + cursor_zigzag(cursor);
	chunk.payload_crc = (uint32_t)cursor_fixed(cursor, 4);
	return chunk;
}

int trace__index_decode(const struct bytes *payload, uint32_t count, uint64_t offset,
						struct index *ret)
{
	struct cursor cursor = cursor_over(payload->data, payload->length);
	struct index index = {0};
	struct chunk chunk = {0};
	int result = 0;

	for (uint32_t i = 0; i < count && result == 0; i++) {
		chunk = decode_entry(&cursor, &chunk, i);
		if (cursor.bad || !chunk.compressed != !chunk.raw ||
			(chunk.type == CHUNK_EVENTS && (chunk.count == 0 || chunk.count > CHUNK_EVENTS_MAX)) ||
			!trace__index_follows(&index, &chunk, 0))
			result = -EBADMSG;
		else
			result = trace__index_add(&index, &chunk);
	}
	if (result == 0 && (!cursor_is_consumed(&cursor) || count == 0 ||
						chunk.offset + chunk_length(&chunk) != offset))
		result = -EBADMSG;
	if (result < 0) {
		trace__index_done(&index);
		return result;
	}
	*ret = index;
	return 0;
}
