#ifndef CORO_CORE_SLOT_H
#define CORO_CORE_SLOT_H
/*
 * slot.h - memory of objects, and the check of a handle. coroscope/handle.h says what both are.
 *
 * Each thread has a list of free slots for each kind of object, last in, first out: what was
 * freed last is in the cache. They are cut from chunks, which belong to their kind for good:
 *
 *     chunk   [ header | key next object | key next object | ... ]
 *
 * A thread's end leaves its chunks to the next thread that needs some of that kind, so whatever a
 * handle points to is a slot as long as the process lives.
 *
 * Invariants
 * - A slot's key is 0 below the generation if and only if the slot is free.
 * - Pointers inside of the library are addresses, and are not checked. What comes from the program
 *   is checked once, by the public function that gets it, and is an address from then on; what
 *   goes to the program is made a handle by the public function that returns it.
 */
#include <coroscope/generator.h>
#include "fault.h"

/* Kinds of slot: enum coro_object_kind, and those that are no object for the debugger. Bodies of
 * all kinds share the slots of the first. */
enum {
	CORO__SLOT_BODY = CORO_OBJECT_GENERATOR,
	CORO__SLOT_STEP = CORO_OBJECT_LIMIT, /* struct coro_async_step */
	CORO__SLOT_COMPLETION,               /* struct coro_completion */
	CORO__SLOT_CONTEXT,                  /* struct coro_context */
	CORO__SLOT_CALLBACK,                 /* what a struct coro_handle names */
	CORO__SLOT_GATHER,                   /* of a gather: its handle is a future's */
	CORO__SLOT_TASKLET_CHANNEL,          /* struct coro_tasklet_channel: its object is a channel */
	CORO__SLOT_KINDS,
};

enum { CORO__CHUNK_BYTES = 16384, CORO__CHUNK_FIRST = 64 /* from a chunk to its first slot */ };

struct coro__chunk {
	struct coro__chunk *next;     /* of its thread's pool, or of those that were left */
	struct coro__chunk *next_all; /* of all */
	unsigned kind;
	size_t stride; /* bytes from one slot to the next: whole cache lines */
};
/* All of them, newest first; under slot.c's lock. They stay as long as the process lives: whoever
 * has the program's memory alone begins here (runtime/loop/layout.h). */
extern struct coro__chunk *coro__chunks;

/* A thread's slots of one kind. */
struct coro__pool {
	struct coro__slot *free;
	struct coro__chunk *chunks; /* newest first */
};

struct coro__pools {
	struct coro__pool kind[CORO__SLOT_KINDS];
};
extern __thread struct coro__pools coro__pools __attribute__((tls_model("initial-exec")));

/* The slot is one; of what kind are the objects that it is for. */
bool coro__is_slot(const struct coro__slot *slot, unsigned *ret_kind);

/* The pool's list is empty: a chunk more. False when memory is out. */
bool coro__pool_grow(unsigned kind, size_t size);

/* There is a free one: taking it needs no memory. */
static inline bool coro__slot_at_hand(unsigned kind)
{
	return !CORO__MAY_REFUSE && CORO__LIKELY(coro__pools.kind[kind].free != NULL);
}

/* Takes that one; see below. */
static inline void *coro__slot_take_free(unsigned kind, unsigned as)
{
	struct coro__pool *pool = &coro__pools.kind[kind];
	struct coro__slot *slot = pool->free;

	pool->free = slot->next;
	slot->key |= (uint64_t)as << CORO__KEY_KIND | coro__active.thread;
	return slot + 1;
}

/* Memory for an object of `size` bytes, always the same of a kind: not cleared, but where it was
 * used before it holds what it held, and zeros where it was not. `as`: what kind of object it is in
 * its handle, when slots of `kind` serve for several. The thread is ready (coro__local_init()). NULL
 * when memory is out. */
static inline void *coro__slot_take_as(unsigned kind, unsigned as, size_t size)
{
	if (coro__refused() ||
		(CORO__UNLIKELY(!coro__pools.kind[kind].free) && !coro__pool_grow(kind, size)))
		return NULL;
	return coro__slot_take_free(kind, as);
}

static inline void *coro__slot_take(unsigned kind, size_t size)
{
	return coro__slot_take_as(kind, kind, size);
}

/* The same, cleared. */
static inline void *coro__slot_take_clear(unsigned kind, size_t size)
{
	void *object = coro__slot_take(kind, size);

	return object ? memset(object, 0, size) : NULL;
}

/* It is of another kind than most in such slots. */
static inline void coro__slot_become(void *object, unsigned kind)
{
	uint64_t *key = &coro__slot_of(object)->key;

	*key = (*key & ~(UINT64_C(0xffff) << CORO__KEY_KIND)) | (uint64_t)kind << CORO__KEY_KIND;
}

/* The key of the next generation, for a slot of nobody. */
static inline uint64_t coro__next_key(uint64_t key)
{
	key = ((key >> CORO__KEY_GENERATION) + 1) << CORO__KEY_GENERATION;
	return CORO__LIKELY(key) ? key : UINT64_C(1) << CORO__KEY_GENERATION;
}

/* The object is over: its handles are not valid from now on. By its own thread. */
static inline void coro__slot_give(unsigned kind, void *object)
{
	struct coro__pool *pool = &coro__pools.kind[kind];
	struct coro__slot *slot = coro__slot_of(object);

	slot->key = coro__next_key(slot->key);
	slot->next = pool->free;
	pool->free = slot;
}

/* Its handles are not valid from now on, but the library needs it for some time. */
static inline void coro__slot_retire(void *object)
{
	struct coro__slot *slot = coro__slot_of(object);
	uint64_t rest = slot->key & ((UINT64_C(1) << CORO__KEY_GENERATION) - 1);

	slot->key = coro__next_key(slot->key) | rest;
	slot->next = slot;
}

/* How many slots of the thread are taken. */
size_t coro__slots_taken(void);

/* visit(object, data) for each slot of this kind that this thread has taken. It must not take or give
 * any. Ends the program when a free one is not on the list of those, or a taken one is. */
void coro__slots_walk(unsigned kind, void (*visit)(void *object, void *data), void *data);

/* The same without the check: visit(object, kind) for each slot of the thread that is taken, of all
 * kinds. */
void coro__slots_visit(void (*visit)(void *object, unsigned kind));

/* The thread ends: what it has is left to others. */
void coro__pools_leave(void);
/* The process ends: what was left is freed. */
void coro__pools_free_left(void);

/* ---- The check of a handle --------------------------------------------- */

/* Where a public function was called, for the message about a mistake. Unlike CORO__SITE it
 * is not told to anybody when all is well, so the runtime may call such functions itself. */
#define CORO__CALLER ((uintptr_t)__builtin_return_address(0))

/* The rest of coro__check(): a task where a future will do, an address where the library calls
 * itself, and what is wrong, which ends the program. */
void *coro__check_slowly(const void *handle, unsigned kind, uintptr_t site);

/* The object of a handle, which is of this kind and of this thread. Ends the program otherwise:
 * `site` is the place of its call. */
static inline void *coro__check(const void *handle, unsigned kind, uintptr_t site)
{
	void *object = coro__address(handle);

	if (CORO__LIKELY(object && coro__slot_of(object)->key ==
								   coro__expected_key(handle, kind, coro__active.thread)))
		return object;
	return coro__check_slowly(handle, kind, site);
}

/* The first thing that a public function does with its handle: then it is the object's address. */
#define CORO__CHECK(handle, kind) ((handle) = coro__check((handle), (kind), CORO__CALLER))
/* The same where NULL is fine. */
#define CORO__CHECK_UNLESS_NULL(handle, kind)                                                      \
	((handle) = (handle) ? coro__check((handle), (kind), CORO__CALLER) : NULL)

/* The body of a handle: a generator, a coroutine, an async generator. */
static inline struct coro_generator *coro__check_body(const void *handle, uintptr_t site)
{
	void *object = coro__address(handle);

	if (CORO__LIKELY(object != NULL)) {
		uint64_t key = coro__slot_of(object)->key;
		unsigned kind = (uint16_t)(key >> CORO__KEY_KIND);

		if (CORO__LIKELY(kind - 1 < CORO_OBJECT_ASYNC_GENERATOR &&
						 key == coro__expected_key(handle, kind, coro__active.thread)))
			return object;
	}
	return coro__check_slowly(handle, CORO__SLOT_BODY, site);
}
#define CORO__CHECK_BODY(handle) ((handle) = coro__check_body((handle), CORO__CALLER))

/* The object that a value names, of whatever kind. It must not have been freed; ..._here: and be
 * this thread's. */
struct coro_object *coro__object_of(coro_value value, uintptr_t site);
struct coro_object *coro__object_here(coro_value value, uintptr_t site);

/* The value names an object that is still there. */
static inline bool coro__is_alive(coro_value value)
{
	const struct coro_object *object = (const struct coro_object *)value.pointer;

	return object->magic == CORO_OBJECT_MAGIC && object->serial == value.tag >> CORO__TAG_SHIFT;
}

#endif
