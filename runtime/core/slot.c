/*
 * slot.c - chunks of slots: where they come from, who has them, where they go.
 *
 *      thread A            thread B              left by threads that ended
 *      kind TASK: c1 c4    kind TASK: c5         c2 c6
 *      kind LOCK: c3
 *
 *      all of them, newest first: c6 c5 c4 c3 c2 c1     to tell a handle from what is none
 *
 * Only growing, leaving and mistakes come here; taking a slot and giving it back are the thread's
 * own business (slot.h).
 */
#include <pthread.h>
#include <stdlib.h>
#include "body.h"
#include "check.h"

enum { CHUNK = CORO__CHUNK_BYTES, LINE = CORO__CHUNK_FIRST };
_Static_assert(sizeof(struct coro__chunk) <= LINE, "a chunk's header is one line");

__thread struct coro__pools coro__pools __attribute__((tls_model("initial-exec")));

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* Under the lock. */
struct coro__chunk *coro__chunks;
static struct coro__chunk *left;

static struct coro__slot *first_slot(struct coro__chunk *chunk)
{
	return (struct coro__slot *)((char *)chunk + LINE);
}

static struct coro__slot *next_slot(const struct coro__chunk *chunk, struct coro__slot *slot)
{
	return (struct coro__slot *)((char *)slot + chunk->stride);
}

static bool is_inside(const struct coro__chunk *chunk, const struct coro__slot *slot)
{
	return (const char *)slot + chunk->stride <= (const char *)chunk + CHUNK;
}

static struct coro__chunk *take_left(unsigned kind)
{
	struct coro__chunk **place = &left, *chunk;

	while (*place && (*place)->kind != kind)
		place = &(*place)->next;
	chunk = *place;
	if (chunk)
		*place = chunk->next;
	return chunk;
}

static struct coro__chunk *make(unsigned kind, size_t size)
{
	struct coro__chunk *chunk = aligned_alloc(LINE, CHUNK);

	if (!chunk)
		return NULL;
	memset(chunk, 0, CHUNK);
	chunk->kind = kind;
	chunk->stride = (sizeof(struct coro__slot) + size + LINE - 1) / LINE * LINE;
	for (struct coro__slot *slot = first_slot(chunk); is_inside(chunk, slot);
		 slot = next_slot(chunk, slot))
		slot->key = coro__next_key(0);
	chunk->next_all = coro__chunks;
	coro__chunks = chunk;
	return chunk;
}

bool coro__pool_grow(unsigned kind, size_t size)
{
	struct coro__pool *pool = &coro__pools.kind[kind];
	struct coro__slot **end = &pool->free;
	struct coro__chunk *chunk;

	coro__local_init();
	pthread_mutex_lock(&lock);
	chunk = take_left(kind);
	if (!chunk)
		chunk = make(kind, size);
	pthread_mutex_unlock(&lock);
	if (!chunk)
		return false;
	chunk->next = pool->chunks;
	pool->chunks = chunk;
	for (struct coro__slot *slot = first_slot(chunk); is_inside(chunk, slot);
		 slot = next_slot(chunk, slot)) {
		*end = slot;
		end = &slot->next;
	}
	*end = NULL;
	return true;
}

/* Somebody has it. */
static bool is_taken(const struct coro__slot *slot)
{
	return slot->key << (64 - CORO__KEY_GENERATION);
}

size_t coro__slots_taken(void)
{
	size_t taken = 0;

	for (unsigned kind = 0; kind < CORO__SLOT_KINDS; kind++)
		for (struct coro__chunk *chunk = coro__pools.kind[kind].chunks; chunk; chunk = chunk->next)
			for (struct coro__slot *slot = first_slot(chunk); is_inside(chunk, slot);
				 slot = next_slot(chunk, slot))
				taken += is_taken(slot);
	return taken;
}

/* What was not freed is over with its thread. */
static void empty(struct coro__chunk *chunk)
{
	for (struct coro__slot *slot = first_slot(chunk); is_inside(chunk, slot);
		 slot = next_slot(chunk, slot))
		if (is_taken(slot))
			slot->key = coro__next_key(slot->key);
}

void coro__pools_leave(void)
{
	pthread_mutex_lock(&lock);
	for (unsigned kind = 0; kind < CORO__SLOT_KINDS; kind++) {
		struct coro__pool *pool = &coro__pools.kind[kind];

		pool->free = NULL;
		while (pool->chunks) {
			struct coro__chunk *chunk = pool->chunks;

			pool->chunks = chunk->next;
			empty(chunk);
			chunk->next = left;
			left = chunk;
		}
	}
	pthread_mutex_unlock(&lock);
}

void coro__pools_free_left(void)
{
	pthread_mutex_lock(&lock);
	while (left) {
		struct coro__chunk *chunk = left, **place = &coro__chunks;

		left = chunk->next;
		while (*place != chunk)
			place = &(*place)->next_all;
		*place = chunk->next_all;
		free(chunk);
	}
	pthread_mutex_unlock(&lock);
}

bool coro__is_slot(const struct coro__slot *slot, unsigned *ret_kind)
{
	const struct coro__chunk *chunk; /* a chunk in use is not freed */
	size_t offset = 0;

	pthread_mutex_lock(&lock);
	for (chunk = coro__chunks; chunk; chunk = chunk->next_all) {
		offset = (uintptr_t)slot - (uintptr_t)chunk - LINE;
		if (offset < CHUNK - LINE)
			break;
	}
	pthread_mutex_unlock(&lock);
	if (!chunk || offset % chunk->stride)
		return false;
	*ret_kind = chunk->kind;
	return true;
}

static size_t count_free(const struct coro__pool *pool, size_t most)
{
	size_t count = 0;

	for (const struct coro__slot *slot = pool->free; slot; slot = slot->next) {
		CORO__HOLDS(!is_taken(slot), NULL, "a slot on the list of free ones is free");
		CORO__HOLDS(count++ < most, NULL, "the list of free slots ends");
	}
	return count;
}

void coro__slots_walk(unsigned kind, void (*visit)(void *object, void *data), void *data)
{
	struct coro__pool *pool = &coro__pools.kind[kind];
	size_t free_ones = 0;

	for (struct coro__chunk *chunk = pool->chunks; chunk; chunk = chunk->next)
		for (struct coro__slot *slot = first_slot(chunk); is_inside(chunk, slot);
			 slot = next_slot(chunk, slot))
			if (is_taken(slot))
				visit(slot + 1, data);
			else
				free_ones++;
	CORO__HOLDS(count_free(pool, free_ones) == free_ones, NULL,
				"each free slot is on the list of free ones");
}

void coro__slots_visit(void (*visit)(void *object, unsigned kind))
{
	for (unsigned kind = 0; kind < CORO__SLOT_KINDS; kind++)
		for (struct coro__chunk *chunk = coro__pools.kind[kind].chunks; chunk; chunk = chunk->next)
			for (struct coro__slot *slot = first_slot(chunk); is_inside(chunk, slot);
				 slot = next_slot(chunk, slot))
				if (is_taken(slot))
					visit(slot + 1, kind);
}
