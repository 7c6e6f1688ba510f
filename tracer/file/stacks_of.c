/*
 * stacks_of.c - stacks come into a trace, and are found in it.
 *
 *     STACK slot ── bytes from the stack ring ──► open block ── flush ──► STACKS chunk
 *                                                     │                        │ when asked for
 *                                                     └────────► find ◄──── kept block
 *
 * A STACK stands in its ring right behind the event with which control left the body, so it is in
 * the chunk beside that event's or, if a flush came between, the next one.
 */
#include "store.h"
#include <errno.h>

#define CHUNKS_LATER 4 /* of STACKS: so late may one be behind its event, with several rings */

void trace_set_stack_source(struct trace *trace, trace_stack_source *source, void *context)
{
	pthread_mutex_lock(&trace->lock);
	trace->stacks.source = source;
	trace->stacks.context = context;
	pthread_mutex_unlock(&trace->lock);
}

/* ---- Writing ----------------------------------------------------------- */

static unsigned why_not(unsigned flags)
{
	if (flags & CORO_STACK_LARGE)
		return STACK_LARGE;
	return flags & CORO_STACK_BUDGET ? STACK_BUDGET : STACK_FULL;
}

int trace__add_stack(struct trace *trace, uint32_t ring, const struct coro_trace_slot *slot,
					 uint64_t after)
{
	struct stacks *stacks = &trace->stacks;
	struct coro_trace_stack stack;
	struct stack_entry entry = {.after = after, .what = STACK_LOST};
	const uint8_t *bytes = NULL;
	unsigned flags = CORO_SLOT_FLAGS(slot->word);
	int result = 0;

	memcpy(&stack, slot, sizeof(stack));
	entry.serial = trace__bindings_find(&trace->bindings, ring, stack.row)->serial;
	entry.cseq = CORO_SLOT_CSEQ(stack.word);
	entry.length = stack.length & ~7u;
	if (flags)
		entry.what = (uint8_t)why_not(flags);
	else if (stack.length > CORO_STACK_MOST || stack.length % 8 || !stacks->source ||
			 stacks->source(stacks->context, ring, &stack, &entry.sp, &bytes) < 0)
		bytes = NULL;
	if (!entry.serial)
		return 0;
	if (trace__stacks_is_full(stacks, bytes ? entry.length : 0))
		result = trace__write_stacks(trace);
	return result == -ENOMEM ? result : trace__stacks_add(stacks, &entry, bytes);
}

/* ---- Finding ----------------------------------------------------------- */

static int load(struct trace *trace, const struct stack_range *range, struct stack_block **ret)
{
	struct chunk *chunk = &trace->index.chunks[range->chunk];
	int result;

	*ret = trace__stacks_block(&trace->stacks, range->chunk);
	if (*ret)
		return 0;
	if (chunk->damaged)
		return -EBADMSG;
	result = trace__chunk_read(&trace->codec, trace->fd, chunk, &trace->payload);
	if (result == 0)
		result = trace__stacks_load(&trace->stacks, range, &trace->payload, chunk->count, ret);
	if (result == -EBADMSG) {
		chunk->damaged = true;
		trace->torn += chunk_length(chunk);
	}
	return result;
}

static int give(struct trace *trace, struct stack_block *block, const struct stack_entry *entry,
				struct trace_stack *ret)
{
	static const enum trace_stack_why whys[] = {
		[STACK_WHOLE] = TRACE_STACK_HERE,  [STACK_CHANGES] = TRACE_STACK_HERE,
		[STACK_LARGE] = TRACE_STACK_LARGE, [STACK_BUDGET] = TRACE_STACK_BUDGET,
		[STACK_FULL] = TRACE_STACK_FULL,   [STACK_LOST] = TRACE_STACK_LOST,
	};
	struct trace_stack stack = {.after = entry->after,
								.cseq = entry->cseq,
								.why = whys[entry->what],
								.length = entry->length};
	int result = 0;

	if (stack.why == TRACE_STACK_HERE) {
		stack.sp = entry->sp;
		stack.bytes = malloc(entry->length + 1);
		result = stack.bytes ? trace__stacks_bytes(block, entry, stack.bytes) : -ENOMEM;
	}
	if (result == -EBADMSG && block != &trace->stacks.open) {
		trace->index.chunks[block->chunk].damaged = true;
		trace->torn += chunk_length(&trace->index.chunks[block->chunk]);
	}
	if (result < 0) {
		free(stack.bytes);
		return result;
	}
	*ret = stack;
	return 0;
}

/* Looks into one chunk. -ENOENT: it is not there. */
static int find_in(struct trace *trace, uint32_t i, uint64_t serial, uint64_t n,
				   struct trace_stack *ret)
{
	const struct stack_range *range = &trace->index.stacks[i];
	const struct stack_entry *entry;
	struct stack_block *block;
	int result = range->least > n ? -ENOENT : load(trace, range, &block);

	if (result < 0)
		return result;
	entry = trace__stacks_find(block, serial, n, false);
	return entry ? give(trace, block, entry, ret) : -ENOENT;
}

/* A damaged chunk is as if it were not there, until nothing else is found. Whoever records goes on
 * between two chunks. */
int trace_find_stack(struct trace *trace, uint64_t serial, uint64_t n, struct trace_stack *ret)
{
	const struct stack_entry *entry;
	int result = -ENOENT, failed = -ENOENT;
	uint32_t i;

	pthread_mutex_lock(&trace->lock);
	i = trace->index.stack_count;
	entry = trace__stacks_find(&trace->stacks.open, serial, n, false);
	if (entry)
		result = give(trace, &trace->stacks.open, entry, ret);
	pthread_mutex_unlock(&trace->lock);
	while (!entry && result != 0 && i-- > 0) {
		pthread_mutex_lock(&trace->lock);
		result = find_in(trace, i, serial, n, ret);
		pthread_mutex_unlock(&trace->lock);
		if (result < 0 && result != -ENOENT)
			failed = result;
	}
	return entry || result == 0 ? result : failed;
}

/* The first range that may hold what comes after event `from`. */
static uint32_t first_range(const struct index *index, uint64_t from)
{
	uint32_t low = 0, high = index->stack_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (index->stacks[middle].most < from)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int trace_find_stack_from(struct trace *trace, uint64_t serial, uint64_t from, uint64_t n,
						  struct trace_stack *ret)
{
	struct stack_block *block = NULL;
	const struct stack_entry *entry = NULL;
	int result, failed = -ENOENT;
	uint32_t first;

	pthread_mutex_lock(&trace->lock);
	first = first_range(&trace->index, from);
	for (uint32_t i = first; !entry && i < trace->index.stack_count && i - first < CHUNKS_LATER;
		 i++) {
		result = load(trace, &trace->index.stacks[i], &block);
		if (result == 0)
			entry = trace__stacks_find(block, serial, from, true);
		else
			failed = result;
	}
	if (!entry && trace->index.stack_count - first < CHUNKS_LATER) {
		block = &trace->stacks.open;
		entry = trace__stacks_find(block, serial, from, true);
	}
	result = entry && entry->after <= n ? give(trace, block, entry, ret) : failed;
	pthread_mutex_unlock(&trace->lock);
	return result;
}

void trace_stack_done(struct trace_stack *stack)
{
	free(stack->bytes);
	stack->bytes = NULL;
}
