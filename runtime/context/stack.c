/*
 * stack.c - the pool of stacks. The picture stands in context.h.
 *
 * Taking and giving back is a push and a pop of a list of warm stacks, last in, first out.
 * What exceeds CORO__STACKS_WARM is trimmed at the next take: the oldest lose their pages to the
 * kernel and become cold. Trimming waits for a take because a body that ends gives its stack
 * back while it still stands on it.
 *
 * Guards: MADV_GUARD_INSTALL (Linux 6.13) marks pages without splitting the mapping. An older
 * kernel splits it with mprotect, which is limited by vm.max_map_count; beyond that limit stacks
 * have no guard, and are counted.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "context.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

enum { REGION_FIRST = 16, REGION_LIMIT = 4096 };

struct coro__stack_region {
	struct coro__stack_region *next; /* the one mapped before */
	char *start;
	size_t bytes;
	size_t stacks;
};

/* The kernel cannot read there. An emulator may say that it has taken advice, and ignore it. */
static bool is_guarded(const char *page)
{
	bool guarded;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return false;
	guarded = write(ends[1], page, 1) < 0 && errno == EFAULT;
	close(ends[0]);
	close(ends[1]);
	return guarded;
}

static bool guard(char *page)
{
	/* Nobody can tell a kernel that does not know the advice from one that has no memory; what
	 * it answered last is as good as asking. */
	static bool advice_fails, advice_works, protect_fails;

	if (!__atomic_load_n(&advice_fails, __ATOMIC_RELAXED)) {
		if (madvise(page, CORO__STACK_GUARD, MADV_GUARD_INSTALL) == 0 &&
			(__atomic_load_n(&advice_works, __ATOMIC_RELAXED) || is_guarded(page))) {
			__atomic_store_n(&advice_works, true, __ATOMIC_RELAXED);
			return true;
		}
		__atomic_store_n(&advice_fails, true, __ATOMIC_RELAXED);
	}
	if (!__atomic_load_n(&protect_fails, __ATOMIC_RELAXED)) {
		if (mprotect(page, CORO__STACK_GUARD, PROT_NONE) == 0)
			return true;
		__atomic_store_n(&protect_fails, true, __ATOMIC_RELAXED);
	}
	return false;
}

static bool map_region(struct coro__stack_pool *pool)
{
	size_t slot = CORO__STACK_GUARD + pool->size;
	size_t stacks = pool->regions ? pool->regions->stacks * 2 : REGION_FIRST;
	struct coro__stack_region *region = malloc(sizeof(*region));
	char **list;

	if (stacks > REGION_LIMIT)
		stacks = REGION_LIMIT;
	if (!region)
		return false;
	list = realloc(pool->stacks, (pool->room + stacks) * sizeof(*list));
	if (list)
		pool->stacks = list;
	region->start = MAP_FAILED;
	while (list && stacks &&
		   (region->start = mmap(NULL, stacks * slot, PROT_READ | PROT_WRITE,
								 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0)) ==
			   MAP_FAILED)
		stacks /= 2;
	if (region->start == MAP_FAILED) {
		free(region);
		return false;
	}
	/* A huge page would back 30 stacks of which each uses a page. */
	(void)madvise(region->start, stacks * slot, MADV_NOHUGEPAGE);
	region->bytes = stacks * slot;
	region->stacks = stacks;
	region->next = pool->regions;
	pool->regions = region;
	pool->room += stacks;
	pool->fresh = region->start;
	pool->fresh_end = region->start + region->bytes;
	return true;
}

static char *cut(struct coro__stack_pool *pool)
{
	char *stack;

	if (pool->fresh == pool->fresh_end && !map_region(pool))
		return NULL;
	stack = pool->fresh + CORO__STACK_GUARD;
	if (!guard(pool->fresh))
		pool->unguarded++;
	pool->fresh = stack + pool->size;
	return stack;
}

static void trim(struct coro__stack_pool *pool)
{
	while (pool->count - pool->cold > CORO__STACKS_WARM)
		(void)madvise(pool->stacks[pool->cold++], pool->size, MADV_DONTNEED);
}

char *coro__stack_find(struct coro__stack_pool *pool)
{
	char *stack;

	if (!pool->count)
		return cut(pool);
	trim(pool);
	stack = pool->stacks[--pool->count];
	if (pool->cold > pool->count)
		pool->cold = pool->count;
	return stack;
}

void coro__stack_pool_done(struct coro__stack_pool *pool)
{
	struct coro__stack_region *region, *next;

	for (region = pool->regions; region; region = next) {
		next = region->next;
		munmap(region->start, region->bytes);
		free(region);
	}
	free(pool->stacks);
	pool->regions = NULL;
	pool->stacks = NULL;
	pool->fresh = pool->fresh_end = NULL;
	pool->count = pool->cold = pool->room = 0;
}
