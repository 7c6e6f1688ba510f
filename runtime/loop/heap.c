/*
 * heap.c - a heap of four children.
 *
 * The entries stand in one array, each with its deadline beside it, so that a walk
 * down compares without following a pointer (only a tie looks into the nodes):
 *
 *                     0
 *         /      /         \       \
 *        1       2          3       4        children of i: 4i+1 .. 4i+4
 *     / | | \                                parent of i:   (i-1)/4
 *    5  6 7  8  ...
 *
 * An entry is 16 bytes, so four children are one cache line; the array begins 16
 * bytes before a line's end to make it so. Half the levels of a binary heap, one
 * line for each.
 */
#include "heap.h"
#include <stdlib.h>
#include <string.h>

enum { LINE = 64, FIRST_CAPACITY = 61 };

static bool before(const struct coro__heap_entry *a, const struct coro__heap_entry *b)
{
	return a->when < b->when || (a->when == b->when && a->node->order < b->node->order);
}

static void place(struct coro__heap *heap, uint32_t position, struct coro__heap_entry entry)
{
	heap->entries[position] = entry;
	entry.node->position = position;
}

static void move_up(struct coro__heap *heap, uint32_t position, struct coro__heap_entry entry)
{
	while (position > 0) {
		uint32_t parent = (position - 1) / 4;

		if (!before(&entry, &heap->entries[parent]))
			break;
		place(heap, position, heap->entries[parent]);
		position = parent;
	}
	place(heap, position, entry);
}

static void move_down(struct coro__heap *heap, uint32_t position, struct coro__heap_entry entry)
{
	for (;;) {
		uint32_t child = 4 * position + 1;
		uint32_t end = child + 4 < heap->count ? child + 4 : heap->count;
		uint32_t least = child;

		if (child >= heap->count)
			break;
		while (++child < end)
			if (before(&heap->entries[child], &heap->entries[least]))
				least = child;
		if (!before(&heap->entries[least], &entry))
			break;
		place(heap, position, heap->entries[least]);
		position = least;
	}
	place(heap, position, entry);
}

static bool grow(struct coro__heap *heap)
{
	uint32_t capacity = heap->capacity ? heap->capacity * 2 + 3 : FIRST_CAPACITY;
	size_t bytes = ((size_t)capacity + 3) * sizeof(struct coro__heap_entry);
	char *memory;

	if (capacity > UINT32_MAX / 4 - 1)
		return false;
	bytes = (bytes + LINE - 1) & ~(size_t)(LINE - 1);
	memory = aligned_alloc(LINE, bytes);
	if (!memory)
		return false;
	char *entries = memory + LINE - sizeof(struct coro__heap_entry);
	if (heap->count)
		memcpy(entries, heap->entries, heap->count * sizeof(struct coro__heap_entry));
	free(heap->memory);
	heap->memory = memory;
	heap->entries = (struct coro__heap_entry *)entries;
	heap->capacity = capacity;
	return true;
}

void coro__heap_done(struct coro__heap *heap)
{
	free(heap->memory);
	*heap = (struct coro__heap){0};
}

bool coro__heap_add(struct coro__heap *heap, struct coro__heap_node *node, int64_t when)
{
	if (heap->count == heap->capacity && !grow(heap))
		return false;
	node->order = heap->next_order++;
	move_up(heap, heap->count++, (struct coro__heap_entry){when, node});
	return true;
}

void coro__heap_remove(struct coro__heap *heap, struct coro__heap_node *node)
{
	uint32_t position = node->position;
	struct coro__heap_entry last = heap->entries[--heap->count];

	node->position = CORO__HEAP_NOWHERE;
	if (position == heap->count)
		return;
	/* The last entry fills the hole; it may have to go either way. */
	if (position > 0 && before(&last, &heap->entries[(position - 1) / 4]))
		move_up(heap, position, last);
	else
		move_down(heap, position, last);
}

bool coro__heap_is_whole(const struct coro__heap *heap)
{
	if (heap->count > heap->capacity)
		return false;
	for (uint32_t i = 0; i < heap->count; i++)
		if (heap->entries[i].node->position != i ||
			(i && before(&heap->entries[i], &heap->entries[(i - 1) / 4])))
			return false;
	return true;
}
