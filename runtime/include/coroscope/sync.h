#ifndef COROSCOPE_SYNC_H
#define COROSCOPE_SYNC_H
/*
 * sync.h - taking turns, and waiting for each other: lock, event, condition, semaphore, barrier.
 *
 * Tasks of one loop run one at a time, and only change over where they await. So a
 * lock is needed only around a section that awaits in the middle:
 *
 *     CORO_TRY(coro_lock_acquire(lock));
 *     ... CORO_TRY-free code that may await ...
 *     coro_lock_release(lock);
 *
 *     lock         one at a time
 *     semaphore    so many at a time
 *     event        until somebody says so; then all
 *     condition    until what a lock protects has changed
 *     barrier      until so many have come
 *
 * Invariants
 * - Waiters are woken in the order in which they came; a newcomer never overtakes.
 * - Releasing a lock wakes the first waiter, which takes the lock when it runs: in between the
 *   lock is free, but nobody else can have it. A semaphore counts the place as taken already.
 * - A waiter that is cancelled after it was woken passes the wake-up on.
 *
 * Not for threads: each belongs to the thread that made it, and to the loop of the tasks that wait
 * for it: RuntimeError "<Lock jobs #3> is bound to a different event loop" for others. All are freed
 * by who made them, when nobody waits; NULL is allowed. Names are for the debugger, borrowed, and may
 * be NULL. A constructor returns NULL when memory is out. Whatever waits may raise MemoryError
 * instead: then nothing has changed, neither a lock nor a place is taken or given up.
 *
 * Rules S1-S5. Manual: "Synchronization Primitives" of Python's asyncio.
 */
#include <stdbool.h>
#include "coroutine.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Lock (rule S2) ----------------------------------------------------- */

struct coro_lock;

/* A free lock. */
#define coro_lock_new(name) coro__lock_new((name), CORO_SITE_HERE)
CORO_API struct coro_lock *coro__lock_new(const char *name, const char *site);
/* Frees it. A task that waits for it ends the program. */
CORO_API void coro_lock_free(struct coro_lock *lock);

/* Waits until the lock is ours. True, or raised (CancelledError): then it is not. */
CORO_API coro_value coro_lock_acquire(struct coro_lock *lock);

/* Gives it to the first waiter, or frees it. None, or raised: RuntimeError when it is
 * not locked. */
CORO_API coro_value coro_lock_release(struct coro_lock *lock);

/* Somebody has it. */
CORO_API bool coro_lock_locked(const struct coro_lock *lock);

/* ---- Event (rule S1) ---------------------------------------------------- */

struct coro_event;

/* One that is not set. */
#define coro_event_new(name) coro__event_new((name), CORO_SITE_HERE)
CORO_API struct coro_event *coro__event_new(const char *name, const char *site);
/* Frees it. A task that waits for it ends the program. */
CORO_API void coro_event_free(struct coro_event *event);

/* Sets it, and wakes all who wait; those stay woken if it is cleared before they run. */
CORO_API void coro_event_set(struct coro_event *event);
/* From now on it is to be waited for again. */
CORO_API void coro_event_clear(struct coro_event *event);
/* It is set. */
CORO_API bool coro_event_is_set(const struct coro_event *event);

/* Waits until it is set; does not suspend when it is. True, or raised (CancelledError). */
CORO_API coro_value coro_event_wait(struct coro_event *event);

/* ---- Condition (rule S4) ------------------------------------------------ */

struct coro_condition;

/* With `lock`, which is borrowed and may be that of several conditions; NULL: with one of its
 * own. */
#define coro_condition_new(lock, name) coro__condition_new((lock), (name), CORO_SITE_HERE)
CORO_API struct coro_condition *coro__condition_new(struct coro_lock *lock, const char *name,
													const char *site);
/* Frees it, and the lock if that is its own. A task that waits for it ends the program. */
CORO_API void coro_condition_free(struct coro_condition *condition);

/* The lock: to be acquired before anything else, and released after. */
CORO_API struct coro_lock *coro_condition_lock(struct coro_condition *condition);

/* Gives up the lock, waits to be notified, and takes the lock again, also when it is cancelled
 * meanwhile. True, or raised: CancelledError, RuntimeError when nobody has the lock, MemoryError. Wake-ups
 * without a cause are possible: look again at what you wait for. */
CORO_API coro_value coro_condition_wait(struct coro_condition *condition);

/* Waits until predicate(argument) gives neither None nor False nor 0. What it gave; or raised: what
 * it raised, or what coro_condition_wait() raises. */
CORO_API coro_value coro_condition_wait_for(struct coro_condition *condition,
											coro_value (*predicate)(coro_value argument),
											coro_value argument);
#define coro_condition_wait_for(...) CORO__CALLED((coro_condition_wait_for)(__VA_ARGS__))

/* Wakes up to `count` of those who wait; they run when they get the lock. None, or raised:
 * RuntimeError when nobody has the lock. */
CORO_API coro_value coro_condition_notify(struct coro_condition *condition, size_t count);
#define coro_condition_notify(...) CORO__CALLED((coro_condition_notify)(__VA_ARGS__))
/* The same for all of them. */
CORO_API coro_value coro_condition_notify_all(struct coro_condition *condition);
#define coro_condition_notify_all(...) CORO__CALLED((coro_condition_notify_all)(__VA_ARGS__))

/* ---- Semaphore (rule S3) ------------------------------------------------ */

struct coro_semaphore;

/* One with `value` places that are free, 0 or more. */
#define coro_semaphore_new(value, name)                                                            \
	coro__semaphore_new((value), false, (name), CORO_SITE_HERE)
/* One that is never released more often than acquired: ValueError. */
#define coro_bounded_semaphore_new(value, name)                                                    \
	coro__semaphore_new((value), true, (name), CORO_SITE_HERE)
CORO_API struct coro_semaphore *coro__semaphore_new(size_t value, bool bounded, const char *name,
													const char *site);
/* Frees it. A task that waits for it ends the program. */
CORO_API void coro_semaphore_free(struct coro_semaphore *semaphore);

/* Waits for a place, and takes it. True, or raised (CancelledError): then it has none. */
CORO_API coro_value coro_semaphore_acquire(struct coro_semaphore *semaphore);
/* Gives one back. None, or raised: ValueError, of a bounded one. */
CORO_API coro_value coro_semaphore_release(struct coro_semaphore *semaphore);

/* Acquiring would wait: there is no place, or somebody waits already. */
CORO_API bool coro_semaphore_locked(const struct coro_semaphore *semaphore);

/* ---- Barrier (rule S5) -------------------------------------------------- */

struct coro_barrier;

/* One for `parties` tasks, 1 or more. */
#define coro_barrier_new(parties, name) coro__barrier_new((parties), (name), CORO_SITE_HERE)
CORO_API struct coro_barrier *coro__barrier_new(size_t parties, const char *name,
												const char *site);
/* Frees it. A task that waits for it ends the program. */
CORO_API void coro_barrier_free(struct coro_barrier *barrier);

/* Waits until as many have come as it is for; then all go on, and it can be used again. Gives each
 * a number of its own from 0 (int); or raised: CancelledError, BrokenBarrierError. */
CORO_API coro_value coro_barrier_wait(struct coro_barrier *barrier);

/* Sends away who waits, with BrokenBarrierError: reset leaves it empty, abort broken, until it
 * is reset. Both await. */
CORO_API coro_value coro_barrier_reset(struct coro_barrier *barrier);
#define coro_barrier_reset(...) CORO__CALLED((coro_barrier_reset)(__VA_ARGS__))
CORO_API coro_value coro_barrier_abort(struct coro_barrier *barrier);
#define coro_barrier_abort(...) CORO__CALLED((coro_barrier_abort)(__VA_ARGS__))

/* How many tasks it is for. */
CORO_API size_t coro_barrier_parties(const struct coro_barrier *barrier);
/* How many wait for the others. */
CORO_API size_t coro_barrier_waiting(const struct coro_barrier *barrier);
/* It was aborted, and nobody has reset it. */
CORO_API bool coro_barrier_broken(const struct coro_barrier *barrier);

/* Calls that stay calls, see CORO__CALLED. */
#define coro_lock_acquire(lock)           CORO__CALLED((coro_lock_acquire)((lock)))
#define coro_lock_release(lock)           CORO__CALLED((coro_lock_release)((lock)))
#define coro_event_wait(event)            CORO__CALLED((coro_event_wait)((event)))
#define coro_condition_wait(condition)    CORO__CALLED((coro_condition_wait)((condition)))
#define coro_semaphore_acquire(semaphore) CORO__CALLED((coro_semaphore_acquire)((semaphore)))
#define coro_semaphore_release(semaphore) CORO__CALLED((coro_semaphore_release)((semaphore)))
#define coro_barrier_wait(barrier)        CORO__CALLED((coro_barrier_wait)((barrier)))

#ifdef __cplusplus
}
#endif
#endif
