#ifndef COROSCOPE_DEBUG_H
#define COROSCOPE_DEBUG_H
/*
 * debug.h - looking at the runtime itself.
 *
 *     struct coro_census census = coro_census();
 *     assert(!census.bodies && !census.objects);      // nothing is left
 *
 * Invariants
 * - Looking changes nothing, emits no event, and allocates nothing.
 *
 * Beyond Python: there gc.get_objects() tells.
 */
#include <stddef.h>
#include "value.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What is alive. */
struct coro_census {
	size_t objects;          /* of this thread: bodies, tasks, futures, callbacks, locks ... */
	size_t bodies;           /* those of them that are generators and coroutines */
	size_t stacks_used;      /* by its bodies */
	size_t stacks_pooled;    /* for its next bodies */
	size_t stacks_unguarded; /* without a guard: the system has no more of them */
	size_t exceptions;       /* of all threads; the last ones that were made or delivered count too */
};

/* Counts them. */
CORO_API struct coro_census coro_census(void);

#ifdef __cplusplus
}
#endif
#endif
