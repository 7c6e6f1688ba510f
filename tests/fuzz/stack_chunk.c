/*
 * stack_chunk.c - the payload of a STACKS chunk, fed with anything.
 *
 * The input is u8 number of entries, low byte, u8 high byte, and the payload. Whatever decodes has
 * stacks of which each can be told or is refused, is found again, and is the same after it was
 * written and read once more.
 */
#include <stdlib.h>
#include <string.h>
#include "stacks.h"
#include "fuzz.h"

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* The same stacks, written anew, are the same ones. */
static void go_round(const struct stack_block *block)
{
	static uint8_t bytes[CORO_STACK_MOST], again[CORO_STACK_MOST];
	const struct stack_range range = {.most = UINT64_MAX};
	struct stacks *stacks = calloc(1, sizeof(*stacks));
	struct stack_block *other;
	struct bytes payload;

	for (uint32_t i = 0; i < block->count; i++) {
		const struct stack_entry *entry = &block->entries[i];
		bool has = entry->what <= STACK_CHANGES;

		if (has && trace__stacks_bytes(block, entry, bytes) < 0)
			goto out;
		require(trace__stacks_add(stacks, entry, has ? bytes : NULL) == 0);
	}
	payload = stacks->open.payload;
	require(trace__stacks_load(stacks, &range, &payload, block->count, &other) == 0);
	for (uint32_t i = 0; i < block->count; i++) {
		const struct stack_entry *a = &block->entries[i], *b = &other->entries[i];

		require(a->serial == b->serial && a->after == b->after && a->cseq == b->cseq &&
				a->length == b->length);
		if (a->what > STACK_CHANGES) {
			require(a->what == b->what);
			continue;
		}
		require(a->sp == b->sp && trace__stacks_bytes(block, a, bytes) == 0 &&
				trace__stacks_bytes(other, b, again) == 0 && !memcmp(bytes, again, a->length));
	}
out:
	trace__stacks_done(stacks);
	free(stacks);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct stack_range range = {.most = UINT64_MAX};
	struct stacks *stacks;
	struct stack_block *block;
	struct bytes payload = {0};

	if (size < 2 || !(stacks = calloc(1, sizeof(*stacks))))
		return 0;
	payload.data = (uint8_t *)(uintptr_t)(data + 2);
	payload.length = size - 2;
	if (trace__stacks_load(stacks, &range, &payload, data[0] | (uint32_t)data[1] << 8, &block) ==
		0) {
		for (uint32_t i = 0; i < block->count; i += 1 + block->count / 16) {
			const struct stack_entry *entry = &block->entries[i], *found;

			found = trace__stacks_find(block, entry->serial, entry->after, false);
			require(!found || found->serial == entry->serial);
			found = trace__stacks_find(block, entry->serial, entry->after, true);
			require(!found || found->serial == entry->serial);
			require(!trace__stacks_find(block, ~entry->serial, entry->after, false) ||
					block->count > 1);
		}
		go_round(block);
	}
	trace__stacks_done(stacks);
	free(stacks);
	return 0;
}
