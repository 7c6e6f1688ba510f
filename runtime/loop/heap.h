#ifndef CORO_LOOP_HEAP_H
#define CORO_LOOP_HEAP_H
/*
 * heap.h - the timers of a loop, the earliest first.
 *
 * Equal deadlines come out in the order in which they were added. Whoever is in
 * the heap embeds a node, so that it can be taken out of the middle.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Position of a node that is in no heap. */
#define CORO__HEAP_NOWHERE UINT32_MAX

struct coro__heap_node {
	uint64_t order;    /* when it was added: a smaller one comes out before, on a tie */
	uint32_t position; /* index of its entry, or CORO__HEAP_NOWHERE */
};

struct coro__heap_entry {
	int64_t when;                 /* deadline, ns of loop time */
	struct coro__heap_node *node; /* borrowed from the timer, which leaves before it dies */
};

struct coro__heap {
	struct coro__heap_entry *entries; /* owned, inside `memory`; entries[0] is the earliest */
	void *memory;                     /* owned */
	uint32_t count;
	uint32_t capacity;
	uint64_t next_order;
};

/* All zero is an empty heap. */
void coro__heap_done(struct coro__heap *heap);

/* Adds a node that is in no heap. False when there is no memory. */
bool coro__heap_add(struct coro__heap *heap, struct coro__heap_node *node, int64_t when);

/* Takes out a node of this heap, wherever it is: O(log n). */
void coro__heap_remove(struct coro__heap *heap, struct coro__heap_node *node);

/* The earliest deadline; the heap is not empty. */
static inline int64_t coro__heap_when(const struct coro__heap *heap)
{
	return heap->entries[0].when;
}

static inline struct coro__heap_node *coro__heap_first(const struct coro__heap *heap)
{
	return heap->count ? heap->entries[0].node : NULL;
}

/* Verifies the order and the places: false when they are not right. */
bool coro__heap_is_whole(const struct coro__heap *heap);

#endif
