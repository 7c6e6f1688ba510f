/*
 * stacks.c - the payload of a STACKS chunk.
 *
 * A body that waits in a loop has nearly the same stack each time. So a stack is told by what has
 * changed since the one before of the same object in the same chunk, counted from the base, which
 * is where the frames are that stay:
 *
 *     base                                    sp
 *     | same 40 | other 2 | same 7 | other 3 |          words of 8 bytes
 *
 * and whole each DEPTH_MOST times, so that no stack is far from a whole one.
 *
 * Entry:
 *     zigzag   after        - that of the entry before it; of the first: - 0
 *     zigzag   serial       likewise
 *     varint   cseq
 *     u8       what         enum stack_what
 *     varint   words        of the stack
 *   WHOLE:
 *     varint   sp
 *     words * 8 bytes
 *   CHANGES:
 *     varint   size         of what follows
 *     { varint same, varint other, other * 8 bytes } from the base on until there are `words`. The
 *              bytes are those of ascending addresses; its sp has the same base
 *
 * `after` is an event that the trace has, or will have in the EVENTS chunk behind this one.
 */
#include "stacks.h"
#include <errno.h>

#define WORD       8u
#define DEPTH_MOST 64u
#define KEPT_MOST  (32u << 20)

static void block_done(struct stack_block *block)
{
	bytes_done(&block->payload);
	bytes_done(&block->kept);
	free(block->entries);
	free(block->chains);
	trace__map_done(&block->chain_of);
	*block = (struct stack_block){0};
}

void trace__stacks_done(struct stacks *stacks)
{
	block_done(&stacks->open);
	for (unsigned i = 0; i < STACK_BLOCKS; i++)
		block_done(&stacks->cache[i]);
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

static bool has_bytes(const struct stack_entry *entry)
{
	return entry->what <= STACK_CHANGES;
}

/* ---- Chains ------------------------------------------------------------ */

static struct stack_chain *chain_of(const struct stack_block *block, uint64_t serial)
{
	uint32_t place = trace__map_find(&block->chain_of, serial);

	return place == MAP_NONE ? NULL : &block->chains[place];
}

/* Room for an entry of this object: its chain, made if there is none. NULL: out of memory. */
static struct stack_chain *reserve(struct stack_block *block, uint64_t serial)
{
	struct stack_chain *chain = chain_of(block, serial);

	if (grow(&block->entries, block->count, &block->room, sizeof(*block->entries)) < 0)
		return NULL;
	if (chain)
		return chain;
	if (grow(&block->chains, block->chain_count, &block->chain_room, sizeof(*block->chains)) < 0 ||
		trace__map_set(&block->chain_of, serial, block->chain_count) < 0)
		return NULL;
	chain = &block->chains[block->chain_count++];
	*chain = (struct stack_chain){.last = MAP_NONE};
	return chain;
}

static const struct stack_entry *entry_at(const struct stack_block *block, uint32_t place)
{
	return place ? &block->entries[place - 1] : NULL;
}

/* Two jumps of the same length become one of twice that length: so from any entry, the k-th before
 * it is log k jumps away. (Myers, "An applicative random-access stack", 1983) */
static void set_jump(const struct stack_block *block, struct stack_entry *entry)
{
	const struct stack_entry *previous = entry_at(block, entry->previous), *jump, *second;

	entry->number = previous ? previous->number + 1 : 1;
	entry->jump = entry->previous;
	jump = previous ? entry_at(block, previous->jump) : NULL;
	second = jump ? entry_at(block, jump->jump) : NULL;
	if (second && previous->number - jump->number == jump->number - second->number)
		entry->jump = jump->jump;
}

/* There is room. */
static void append(struct stack_block *block, struct stack_chain *chain,
				   const struct stack_entry *entry)
{
	struct stack_entry *place = &block->entries[block->count];

	*place = *entry;
	place->previous = chain->last == MAP_NONE ? 0 : chain->last + 1;
	set_jump(block, place);
	chain->last = block->count++;
	if (has_bytes(entry))
		chain->base = block->count;
	if (block->count == 1 || entry->after < block->least)
		block->least = entry->after;
}

/* ---- Writing ----------------------------------------------------------- */

bool trace__stacks_is_full(const struct stacks *stacks, size_t length)
{
	const struct stack_block *open = &stacks->open;

	return open->count && (open->payload.length + 2 * length + 256 > CHUNK_RAW_GOAL ||
						   open->kept.length + length > KEPT_MOST);
}

static uint64_t word_at(const uint8_t *end, size_t i)
{
	uint64_t word;

	memcpy(&word, end - (i + 1) * WORD, WORD);
	return word;
}

/* Words from the base on that are the same, from `from` on. */
static size_t count_same(const uint8_t *end, const uint8_t *before, size_t from, size_t most)
{
	size_t i = from;

	while (i < most && word_at(end, i) == word_at(before, i))
		i++;
	return i - from;
}

static size_t count_other(const uint8_t *end, const uint8_t *before, size_t from, size_t both,
						  size_t words)
{
	size_t i = from;

	/* One word that is the same costs no more than to say so. */
	while (i < both && (word_at(end, i) != word_at(before, i) ||
						(i + 1 < both && word_at(end, i + 1) != word_at(before, i + 1))))
		i++;
	return (i < both ? i : words) - from;
}

/* `end` and `before`: one past the bytes of the stack, and of the one before. */
static void put_changes(struct bytes *payload, const uint8_t *end, size_t words,
						const uint8_t *before, size_t words_before)
{
	size_t both = words < words_before ? words : words_before;

	for (size_t at = 0; at < words;) {
		size_t same = count_same(end, before, at, both), other;

		at += same;
		other = at < words ? count_other(end, before, at, both, words) : 0;
		at += other;
		bytes_put_varint(payload, same);
		bytes_put_varint(payload, other);
		bytes_put(payload, end - at * WORD, other * WORD);
	}
}

/* The size of what follows is known when it stands there: it gets so many bytes. */
#define SIZE_BYTES 3u
static void put_size(uint8_t *at, uint32_t size)
{
	for (unsigned i = 0; i < SIZE_BYTES; i++)
		at[i] = (uint8_t)((size >> 7 * i & 127) | (i + 1 < SIZE_BYTES ? 128 : 0));
}

static bool has_base(const struct stack_block *block, const struct stack_chain *chain,
					 const struct stack_entry *entry)
{
	const struct stack_entry *base = chain->base ? &block->entries[chain->base - 1] : NULL;

	return base && chain->depth < DEPTH_MOST &&
		   base->sp + base->length == entry->sp + entry->length;
}

static void put_bytes(struct stack_block *block, const struct stack_chain *chain,
					  struct stack_entry *entry, const uint8_t *bytes)
{
	struct bytes *payload = &block->payload;
	size_t size_at;

	if (entry->what == STACK_WHOLE) {
		bytes_put_varint(payload, entry->sp);
		entry->body = (uint32_t)payload->length;
		bytes_put(payload, bytes, entry->length);
	} else {
		uint32_t before = block->entries[chain->base - 1].length;

		size_at = payload->length;
		bytes_put(payload, "\0\0\0", SIZE_BYTES);
		entry->body = (uint32_t)payload->length;
		put_changes(payload, bytes + entry->length, entry->length / WORD,
					block->kept.data + chain->kept + before, before / WORD);
		entry->size = (uint32_t)(payload->length - entry->body);
		if (!payload->failed)
			put_size(payload->data + size_at, entry->size);
	}
}

/* The bytes are what the next stack of this object is compared with. */
static bool keep(struct stack_block *block, struct stack_chain *chain, const uint8_t *bytes,
				 size_t length)
{
	if (length > chain->room) {
		if (!bytes_reserve(&block->kept, 2 * length))
			return false;
		chain->kept = block->kept.length;
		chain->room = 2 * length;
		block->kept.length += chain->room;
	}
	if (length)
		memcpy(block->kept.data + chain->kept, bytes, length);
	return true;
}

int trace__stacks_add(struct stacks *stacks, const struct stack_entry *entry, const uint8_t *bytes)
{
	struct stack_block *open = &stacks->open;
	struct stack_chain *chain = reserve(open, entry->serial);
	const struct stack_entry *last = open->count ? &open->entries[open->count - 1] : NULL;
	size_t length = open->payload.length;
	struct stack_entry added = *entry;

	if (!chain)
		return -ENOMEM;
	if (bytes)
		added.what = has_base(open, chain, entry) ? STACK_CHANGES : STACK_WHOLE;
	bytes_put_zigzag(&open->payload, entry->after - (last ? last->after : 0));
	bytes_put_zigzag(&open->payload, entry->serial - (last ? last->serial : 0));
	bytes_put_varint(&open->payload, entry->cseq);
	bytes_put_u8(&open->payload, added.what);
	bytes_put_varint(&open->payload, entry->length / WORD);
	if (bytes)
		put_bytes(open, chain, &added, bytes);
	if (open->payload.failed || (bytes && !keep(open, chain, bytes, entry->length))) {
		open->payload.length = length;
		open->payload.failed = open->kept.failed = false;
		return -ENOMEM;
	}
	if (bytes)
		chain->depth = added.what == STACK_WHOLE ? 0 : chain->depth + 1;
	append(open, chain, &added);
	return 0;
}

/* The one that was not used for the longest time, empty. */
static struct stack_block *free_block(struct stacks *stacks)
{
	struct stack_block *oldest = &stacks->cache[0];

	for (unsigned i = 0; i < STACK_BLOCKS; i++) {
		struct stack_block *block = &stacks->cache[i];

		if (!block->count)
			return block;
		if (block->used < oldest->used)
			oldest = block;
	}
	block_done(oldest);
	return oldest;
}

void trace__stacks_close(struct stacks *stacks, uint32_t chunk)
{
	struct stack_block *block = free_block(stacks);

	*block = stacks->open;
	bytes_done(&block->kept);
	block->chunk = chunk;
	block->used = ++stacks->clock;
	stacks->open = (struct stack_block){0};
}

/* ---- Reading ----------------------------------------------------------- */

struct stack_block *trace__stacks_block(struct stacks *stacks, uint32_t chunk)
{
	for (unsigned i = 0; i < STACK_BLOCKS; i++) {
		struct stack_block *block = &stacks->cache[i];

		if (!block->count || block->chunk != chunk)
			continue;
		block->used = ++stacks->clock;
		return block;
	}
	return NULL;
}

static void take_body(struct cursor *cursor, const struct stack_block *block,
					  const struct stack_chain *chain, struct stack_entry *entry)
{
	const struct stack_entry *base = chain->base ? &block->entries[chain->base - 1] : NULL;
	const uint8_t *body;

	if (entry->what == STACK_WHOLE) {
		entry->sp = cursor_varint(cursor, UINT64_MAX);
		entry->size = entry->length;
	} else if (entry->what == STACK_CHANGES && base) {
		entry->sp = base->sp + base->length - entry->length;
		entry->size = (uint32_t)cursor_varint(cursor, CHUNK_RAW_MAX);
	} else if (has_bytes(entry)) {
		cursor->bad = true;
	}
	body = cursor_take(cursor, entry->size);
	entry->body = body ? (uint32_t)(body - block->payload.data) : 0;
}

static int decode(struct stack_block *block, const struct stack_range *range, uint32_t count)
{
	struct cursor cursor = cursor_over(block->payload.data, block->payload.length);
	uint64_t after = 0, serial = 0;

	for (uint32_t i = 0; i < count; i++) {
		struct stack_entry entry = {0};
		struct stack_chain *chain;

		entry.after = after += cursor_zigzag(&cursor);
		entry.serial = serial += cursor_zigzag(&cursor);
		entry.cseq = (uint32_t)cursor_varint(&cursor, UINT32_MAX);
		entry.what = cursor_u8(&cursor);
		entry.length = (uint32_t)cursor_varint(&cursor, UINT32_MAX / WORD) * WORD;
		if (cursor.bad || entry.what >= STACK_WHATS || after < range->least ||
			after > range->most || (has_bytes(&entry) && entry.length > CORO_STACK_MOST))
			return -EBADMSG;
		chain = reserve(block, serial);
		if (!chain)
			return -ENOMEM;
		take_body(&cursor, block, chain, &entry);
		if (cursor.bad)
			return -EBADMSG;
		append(block, chain, &entry);
	}
	return count && cursor_is_consumed(&cursor) ? 0 : -EBADMSG;
}

int trace__stacks_load(struct stacks *stacks, const struct stack_range *range,
					   const struct bytes *payload, uint32_t count, struct stack_block **ret)
{
	struct stack_block block = {.chunk = range->chunk};
	int result;

	bytes_put(&block.payload, payload->data, payload->length);
	result = block.payload.failed ? -ENOMEM : decode(&block, range, count);
	if (result < 0) {
		block_done(&block);
		return result;
	}
	block.used = ++stacks->clock;
	*ret = free_block(stacks);
	**ret = block;
	return 0;
}

/* From an entry back as long as those before it are at or after n. */
static const struct stack_entry *go_back(const struct stack_block *block,
										 const struct stack_entry *entry, uint64_t n)
{
	for (;;) {
		const struct stack_entry *jump = entry_at(block, entry->jump);
		const struct stack_entry *previous = entry_at(block, entry->previous);

		if (jump && jump->after >= n)
			entry = jump;
		else if (previous && previous->after >= n)
			entry = previous;
		else
			return entry;
	}
}

const struct stack_entry *trace__stacks_find(const struct stack_block *block, uint64_t serial,
											 uint64_t n, bool first)
{
	const struct stack_chain *chain = chain_of(block, serial);
	const struct stack_entry *last = chain ? &block->entries[chain->last] : NULL;

	if (!last || (first && last->after < n))
		return NULL;
	if (first)
		return go_back(block, last, n);
	if (last->after <= n)
		return last;
	return entry_at(block, go_back(block, last, n + 1)->previous);
}

/* Makes of the stack before, whose `words` end at `end`, the next one. Returns its words, or 0. */
static size_t apply(uint8_t *end, size_t words, const struct stack_block *block,
					const struct stack_entry *entry)
{
	struct cursor cursor = cursor_over(block->payload.data + entry->body, entry->size);
	size_t most = entry->length / WORD, at = 0;

	while (at < most && !cursor.bad) {
		size_t same = cursor_varint(&cursor, most - at), other;
		const uint8_t *bytes;

		at += same;
		if (same && at > words)
			return 0;
		other = cursor_varint(&cursor, most - at);
		bytes = cursor_take(&cursor, other * WORD);
		if (!bytes || same + other == 0)
			return 0;
		at += other;
		memcpy(end - at * WORD, bytes, other * WORD);
	}
	return cursor_is_consumed(&cursor) ? most : 0;
}

int trace__stacks_bytes(const struct stack_block *block, const struct stack_entry *entry,
						uint8_t *ret)
{
	uint8_t room[CORO_STACK_MOST], *end = room + sizeof(room);
	uint32_t *steps = NULL, count = 0, depth = 0, i;
	size_t words = entry->length / WORD;
	int result = 0;

	/* Back to a whole one, then forward again. */
	for (i = (uint32_t)(entry - block->entries) + 1; block->entries[i - 1].what != STACK_WHOLE;
		 i = block->entries[i - 1].previous)
		count += block->entries[i - 1].what == STACK_CHANGES;
	words = block->entries[i - 1].length / WORD;
	memcpy(end - words * WORD, block->payload.data + block->entries[i - 1].body, words * WORD);
	if (count) {
		steps = malloc(count * sizeof(*steps));
		if (!steps)
			return -ENOMEM;
	}
	for (i = (uint32_t)(entry - block->entries) + 1; depth < count;
		 i = block->entries[i - 1].previous)
		if (block->entries[i - 1].what == STACK_CHANGES)
			steps[depth++] = i - 1;
	while (depth > 0 && result == 0) {
		const struct stack_entry *step = &block->entries[steps[--depth]];

		words = apply(end, words, block, step);
		if (words != step->length / WORD)
			result = -EBADMSG;
	}
	free(steps);
	if (result == 0)
		memcpy(ret, end - words * WORD, words * WORD);
	return result;
}
