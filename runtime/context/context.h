#ifndef CORO_CONTEXT_H
#define CORO_CONTEXT_H
/*
 * context.h - stacks, and going from one to another.
 *
 * A body that does not run is a saved stack pointer. Below it, on its stack, stands what
 * coro__switch (switch_ARCH.S) saved; the numbers are what a debugger starts from:
 *
 *     x86-64, CORO_FRAME_X86_64_V1         aarch64, CORO_FRAME_AARCH64_V1
 *     sp + 0   r15                         sp + 0    d8 ... d15
 *          8   r14                             64    x19 ... x28
 *         16   r13                            144    x29
 *         24   r12                            152    x30: where it goes on
 *         32   rbx                            160    the caller's stack
 *         40   rbp
 *         48   where it goes on
 *         56   the caller's stack
 *
 * A body that has not started goes on at coro__trampoline + 1 (aarch64: + 4): inside of the
 * trampoline for whoever looks up pc - 1, as one does with return addresses.
 *
 * A stack
 *
 *     lowest                                                       highest
 *     | guard, 16 KiB |             stack_size             | fence | colour |
 *                     ^ stack                                      ^ stack_base
 *
 * The fence is 16 bytes of zeros, where a walk that missed the trampoline ends. The colour is
 * 0 to 31 cache lines: stacks whose tops were all equally aligned would fight for the same
 * few sets of the cache.
 *
 * Stacks are cut from mappings that grow (16 stacks, 32, ... 4096), so that a million need few.
 * Freed ones are kept: the warm with what they hold, the cold ones without (trimmed when there
 * are more than CORO__STACKS_WARM).
 */
#include <coroscope/generator.h>
#include "../core/fault.h"

enum { CORO__STACK_GUARD = 16384, CORO__STACK_DEFAULT = 65536, CORO__STACKS_WARM = 1024 };

struct coro__stack_region; /* a mapping */

/* The stacks of a thread, all of one size. */
struct coro__stack_pool {
	size_t size;      /* of a stack, without guard */
	size_t used;      /* stacks given out */
	size_t unguarded; /* stacks that could not be given a guard */
	/* Freed stacks: `stacks[0 .. cold)` hold nothing, `stacks[cold .. count)` are warm. Room for
	 * all stacks that were ever cut. */
	char **stacks;
	size_t cold, count, room;
	/* The newest mapping, and what is not cut yet of it. */
	struct coro__stack_region *regions;
	char *fresh, *fresh_end;
	unsigned colour;               /* of the next stack */
	struct coro__stack_pool *next; /* of another size, on the thread's list */
};

/* A stack that is not at hand: a new one, or after some were trimmed. NULL when memory is out. */
char *coro__stack_find(struct coro__stack_pool *pool);

enum { CORO__STACK_COLOURS = 32, CORO__STACK_COLOUR_STEP = 64 };

static inline char *coro__stack_coloured(struct coro__stack_pool *pool, char *stack,
										 char **ret_base)
{
	pool->used++;
	*ret_base = stack + pool->size - pool->colour * CORO__STACK_COLOUR_STEP;
	pool->colour = (pool->colour + 1) % CORO__STACK_COLOURS;
	return stack;
}

/* There is a warm one, and there are not too many of them. */
static inline bool coro__stack_at_hand(const struct coro__stack_pool *pool)
{
	return CORO__LIKELY(pool->count - pool->cold - 1 < CORO__STACKS_WARM);
}

/* Takes that one; see below. */
static inline char *coro__stack_take_warm(struct coro__stack_pool *pool, char **ret_base)
{
	return coro__stack_coloured(pool, pool->stacks[--pool->count], ret_base);
}

/* A stack: its lowest address; `*ret_base` is its stack_base. NULL when memory is out. */
static inline char *coro__stack_take(struct coro__stack_pool *pool, char **ret_base)
{
	char *stack;

	if (coro__refused())
		return NULL;
	if (coro__stack_at_hand(pool))
		return coro__stack_take_warm(pool, ret_base);
	stack = coro__stack_find(pool);
	return stack ? coro__stack_coloured(pool, stack, ret_base) : NULL;
}

/* Gives it back. It may be the one that runs, until the next coro__stack_take(). */
static inline void coro__stack_give(struct coro__stack_pool *pool, char *stack)
{
	pool->used--;
	pool->stacks[pool->count++] = stack;
}

/* Unmaps everything: no stack may be in use. */
void coro__stack_pool_done(struct coro__stack_pool *pool);

/* Where the trampoline calls to. Never returns. */
void coro__body_main(struct coro_generator *body, coro_value first) __attribute__((noreturn));
void coro__trampoline(void);

/* Makes the frame of a body that has not started; returns its saved stack pointer. Of the registers
 * only those count that the trampoline or a debugger looks at. */
static inline void *coro__stack_prepare(char *base, struct coro_generator *body)
{
	enum { FENCE_WORDS = 2 };
	uintptr_t *top = (uintptr_t *)(void *)base - FENCE_WORDS, *frame;

	top[0] = top[1] = 0;
#if defined(__x86_64__)
	/* r15 r14 r13 r12 rbx rbp pc */
	frame = top - 7;
	frame[3] = (uintptr_t)body;
	frame[5] = 0;
	frame[6] = (uintptr_t)coro__trampoline + 1;
#elif defined(__aarch64__)
	/* d8..d15 x19..x28 x29 x30 */
	frame = top - 20;
	frame[8] = (uintptr_t)body;
	frame[18] = 0;
	frame[19] = (uintptr_t)coro__trampoline + 4;
#else
#error "no switch for this architecture"
#endif
	return frame;
}

/* ---- Telling the tools, and whoever wants stacks (tools.c) -------------- */

/* Who is there: CORO__TOOLS_* */
enum {
	CORO__TOOLS_STACKS = 1,   /* wants to know which stacks there are */
	CORO__TOOLS_SWITCHES = 2, /* wants to know of every switch too */
};
unsigned coro__tools_present(void);

/* A stack begins and ends to belong to a body. */
void coro__tools_adopt(struct coro_generator *body);
void coro__tools_release(struct coro_generator *body);

/* Somebody wants to know of every switch: it is to be coro__switch_told(). */
static inline bool coro__switches_are_told(void)
{
	return coro__active.careful || coro_probe_stacks() != CORO_STACKS_NONE;
}

/* coro__switch from a body to another, with everybody told; NULL: outside of all bodies.
 * `ends`: the body that is left is finished. */
coro_value coro__switch_told(struct coro_generator *from, void **save_sp, struct coro_generator *to,
							 void *sp, coro_value value, bool ends);

/* coro__switch of a body with a stack, which coro__rests() hears of. */
coro_value coro__switch_kept(void **save_sp, void *sp, coro_value value,
							 struct coro_generator *from);
void coro__rests(struct coro_generator *from, void *sp);

/* The first thing that a body does. */
void coro__tools_arrived(void);

/* ---- Overflow (overflow.c) --------------------------------------------- */

/* Gives this thread a stack for signals, and the process a handler that names the body
 * whose stack overflowed. */
void coro__overflow_watch(void);
void coro__overflow_unwatch(void);

#endif
