#ifndef COROSCOPE_HANDLE_H
#define COROSCOPE_HANDLE_H
/*
 * handle.h - what the names of objects are: struct coro_generator *, coro_task *, coro_lock * ...
 *
 * A handle is the address of an object, with the generation of its memory above:
 *
 *      63        48 47                                                0
 *     | generation |                    address                        |
 *
 * User addresses of x86-64 and aarch64 end below bit 48, so there is room. It is a name, to
 * be handed to the library, compared with another one by ==, or held in a value (coro_object()).
 * It is not an address: nothing can be read through it, and a program that tries gets a signal.
 * Two handles are equal if and only if they name the same object.
 *
 * Objects of one kind share memory that never becomes anything else. Each stands in a slot, behind
 * 16 bytes that belong to it:
 *
 *     | key | next | object ...             |
 *       |
 *       generation 16 | kind 16 | thread 32      kind 0: nothing is in the slot
 *
 * Taking a slot fills in kind and thread; giving it back clears them, and counts the generation up
 * (1 to 65535, then 1 again). So whoever gets a handle knows with one comparison whether its
 * object is still there, is of the kind that it should be, and belongs to the thread that asks.
 *
 * What is found. Each of these ends the program, with a message that says what was expected, what
 * is there instead, and where the library was called:
 * - a handle of an object that was freed, also when its memory is another object's by now,
 * - a handle of another kind of object, behind a cast,
 * - a handle that another thread uses than the one that made its object: no object is for
 *   several threads, and all that a thread leaves at its end are freed,
 * - NULL, where the function does not say that NULL is fine.
 *
 * What is not found. A stale handle is taken for a new one when its memory was used again
 * exactly 65535 times since, or a multiple of it. A pointer that never was a handle is read
 * before it is refused. A value (coro_object()) holds the object's serial number instead, which
 * is never used again: a stale value is always found.
 *
 * What it costs: one instruction more in coro_next() than looking at the kind alone, which is not
 * measurable; 16 bytes an object; and memory of objects is given back not before their thread
 * ends, to other threads, and at the end of the process to the system. HWASan and others that
 * use the upper bits of addresses do not go with it.
 *
 * In gdb:
 *     print *(struct coro_generator *)((unsigned long)generator & 0xffffffffffff)
 * Of the other kinds every object begins with a struct coro_object.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "trace_abi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Everything that the library offers is marked so; the rest is hidden. */
#define CORO_API                  __attribute__((visibility("default")))
#define CORO__INLINE              static inline __attribute__((always_inline, unused))
#define CORO__LIKELY(condition)   __builtin_expect(!!(condition), 1)
#define CORO__UNLIKELY(condition) __builtin_expect(!!(condition), 0)

/* ---- Compiled into the program ----------------------------------------- */

struct coro__slot {
	uint64_t key;            /* generation << 48 | kind << 32 | thread; free: the generation alone */
	struct coro__slot *next; /* free: the next free one; else the library's own */
};
CORO__ASSERT(sizeof(void *) != 8 || sizeof(struct coro__slot) == 16, "slot");

enum { CORO__KEY_KIND = 32, CORO__KEY_GENERATION = 48 };

/* Of a handle, or of an address: the address. */
CORO__INLINE void *coro__address(const void *handle)
{
	return (void *)((uintptr_t)handle << 16 >> 16);
}

/* The slot of the object at an address. */
CORO__INLINE struct coro__slot *coro__slot_of(const void *object)
{
	return (struct coro__slot *)((uintptr_t)object - sizeof(struct coro__slot));
}

/* The handle of an object that is there; NULL of NULL. What the library hands out. */
CORO__INLINE void *coro__handle(const void *object)
{
	if (!object)
		return NULL;
	return (void *)((uintptr_t)object |
					(uintptr_t)(coro__slot_of(object)->key >> CORO__KEY_GENERATION
														   << CORO__KEY_GENERATION));
}

/* What the key of a handle's slot is, if its object is there, of this kind and this thread's. */
CORO__INLINE uint64_t coro__expected_key(const void *handle, unsigned kind, uint32_t thread)
{
	return ((uintptr_t)handle ^ (uintptr_t)coro__address(handle)) |
		   (uint64_t)kind << CORO__KEY_KIND | thread;
}

/* The handle's object is not there any more: ends the program. */
CORO_API void coro__stale(const void *handle) __attribute__((noreturn, cold));

#ifdef __cplusplus
}
#endif
#endif
