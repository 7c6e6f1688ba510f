#ifndef CORO_LOOP_POOL_H
#define CORO_LOOP_POOL_H
/*
 * pool.h - memory for the small objects of a loop, all of one size.
 *
 *     chunks:  [header | object | object | object | ...] -> [ ... ] -> NULL
 *     free:    object -> object -> NULL      those given back first come first
 *
 * Taking and giving back are a few instructions. Chunks are given back only with the
 * whole pool: the memory of an object that is over stays readable, which is how a
 * stale handle is recognised. Only its first word is overwritten, and the memory is not another
 * object's before CORO__POOL_KEPT more were given back.
 */
#include <stddef.h>
#include <stdlib.h>

struct coro__pool_chunk {
	struct coro__pool_chunk *next;
	void *unused; /* objects begin at 16 bytes */
};

struct coro__pool {
	void *free, *last_free;          /* list of objects given back, by their first word */
	size_t free_count;
	char *fresh, *end;               /* what was never used of the newest chunk */
	struct coro__pool_chunk *chunks; /* owned, newest first */
	size_t size;                     /* of an object, a multiple of 16 */
};

enum { CORO__POOL_CHUNK = 16384, CORO__POOL_KEPT = 32 };

static inline void coro__pool_init(struct coro__pool *pool, size_t size)
{
	*pool = (struct coro__pool){.size = (size + 15) & ~(size_t)15};
}

static inline void coro__pool_done(struct coro__pool *pool)
{
	while (pool->chunks) {
		struct coro__pool_chunk *next = pool->chunks->next;

		free(pool->chunks);
		pool->chunks = next;
	}
}

/* An object, not cleared. NULL when there is no memory. */
static inline void *coro__pool_take(struct coro__pool *pool)
{
	void *object = pool->free;

	if (__builtin_expect(pool->free_count > CORO__POOL_KEPT, 1)) {
		pool->free = *(void **)object;
		pool->free_count--;
		return object;
	}
	if (pool->fresh == pool->end) {
		size_t room =
			(CORO__POOL_CHUNK - sizeof(struct coro__pool_chunk)) / pool->size * pool->size;
		struct coro__pool_chunk *chunk = malloc(sizeof(*chunk) + room);

		if (!chunk)
			return NULL;
		chunk->next = pool->chunks;
		pool->chunks = chunk;
		pool->fresh = (char *)(chunk + 1);
		pool->end = pool->fresh + room;
	}
	object = pool->fresh;
	pool->fresh += pool->size;
	return object;
}

static inline void coro__pool_give(struct coro__pool *pool, void *object)
{
	*(void **)object = NULL;
	if (pool->free_count++)
		*(void **)pool->last_free = object;
	else
		pool->free = object;
	pool->last_free = object;
}

#endif
