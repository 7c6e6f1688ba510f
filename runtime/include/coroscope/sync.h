#ifndef COROSCOPE_SYNC_H
#define COROSCOPE_SYNC_H
/*
 * sync.h - taking turns: the lock.
 *
 * Tasks of one loop run one at a time, and only change over where they await. So a
 * lock is needed only around a section that awaits in the middle:
 *
 *     CORO_TRY(coro_lock_acquire(lock));
 *     ... CORO_TRY-free code that may await ...
 *     coro_lock_release(lock);
 *
 * Invariants (rule S2)
 * - Waiters get the lock in the order in which they came; a newcomer never overtakes.
 * - Releasing wakes the first waiter, which takes the lock when it runs: in between the
 *   lock is free, but nobody else can have it.
 * - A waiter that is cancelled after it was woken passes the wake-up on.
 *
 * Not for threads: a lock belongs to the loop of the tasks that use it.
 *
 * Manual: "Synchronization Primitives" of Python's asyncio.
 */
#include <stdbool.h>
#include "coroutine.h"

#ifdef __cplusplus
extern "C" {
#endif

struct coro_lock;

/* A free lock. `name` is for the debugger, borrowed, and may be NULL. */
#define coro_lock_new(name) coro__lock_new((name), CORO_SITE_HERE)
CORO_API struct coro_lock *coro__lock_new(const char *name, const char *site);

/* Nobody may hold it or wait for it. NULL is allowed. */
CORO_API void coro_lock_free(struct coro_lock *lock);

/* Waits until the lock is ours. True, or raised (CancelledError): then it is not. */
CORO_API coro_value coro_lock_acquire(struct coro_lock *lock);

/* Gives it to the first waiter, or frees it. None, or raised: RuntimeError when it is
 * not locked. */
CORO_API coro_value coro_lock_release(struct coro_lock *lock);

CORO_API bool coro_lock_locked(const struct coro_lock *lock);

/* Calls that stay calls, see CORO__CALLED. */
#define coro_lock_acquire(lock) CORO__CALLED((coro_lock_acquire)((lock)))
#define coro_lock_release(lock) CORO__CALLED((coro_lock_release)((lock)))

#ifdef __cplusplus
}
#endif
#endif
