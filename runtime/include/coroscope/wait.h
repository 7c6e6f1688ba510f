#ifndef COROSCOPE_WAIT_H
#define COROSCOPE_WAIT_H
/*
 * wait.h - waiting for several, for the first, and not for too long.
 *
 *     coro_gather()        all results, in order; the first exception ends it   (task.h)
 *     coro_wait()          until all, or the first, is done; never raises for them
 *     coro_as_completed()  one after the other, as they are done
 *     coro_shield()        one, which is not cancelled when we are
 *     coro_wait_for()      one, for so long; then it is cancelled
 *     coro_timeout         a whole section, for so long
 *
 *     struct coro_timeout deadline = coro_timeout(5);
 *
 *     CORO_TRY(coro_timeout_enter(&deadline));
 *     coro_value page = coro_timeout_exit(&deadline, CORO_CALL(fetch, address));
 *     if (coro_is(page, CORO_TimeoutError))
 *         ...
 *
 * Invariants
 * - Time is loop time, in seconds; CORO_FOREVER: no limit. A time that is over acts in the loop's
 *   next turn, not at once.
 * - What is awaited is not cancelled by coro_wait() and coro_as_completed(); by coro_wait_for()
 *   and timeouts it is, and they wait until that has ended.
 *
 * Rules W1-W3, K7-K9. Manual: "Coroutines and Tasks" of Python's asyncio.
 */
#include "task.h"
#include "loop.h"

#ifdef __cplusplus
extern "C" {
#endif

/* No limit, as a time. */
#define CORO_FOREVER (__builtin_inf())

/* ---- Several ----------------------------------------------------------- */

enum coro_return_when {
	CORO_ALL_COMPLETED,
	CORO_FIRST_COMPLETED,
	CORO_FIRST_EXCEPTION, /* a cancelled one does not count */
};

/* Waits until what is asked for has happened among `futures` (tasks, futures; at least one), or
 * `timeout` seconds are over. None of them is cancelled, and nothing of theirs is raised: look at
 * them. The number that are done (int); or raised: CancelledError, TypeError of a coroutine,
 * ValueError of nothing at all, MemoryError. (asyncio.wait, rule W2) */
CORO_API coro_value coro_wait(const coro_value *futures, size_t count, enum coro_return_when when,
							  double timeout);
#define coro_wait(...) CORO__CALLED((coro_wait)(__VA_ARGS__))

/* An iteration over awaitables in the order of their completion:
 *
 *     struct coro_completion *all = coro_as_completed(fetches, 3, CORO_FOREVER);
 *     struct coro_generator *next;
 *     while ((next = coro_as_completed_next(all)))
 *         CORO_TRY(use(CORO_TRY(coro_await(next))));
 *     coro_as_completed_free(all);
 *
 * Coroutines become tasks, and are consumed, also when it returns NULL: memory is out. What cannot be
 * awaited ends the program. What is done is never lost for want of memory. Yours: free it with
 * coro_as_completed_free(). (asyncio.as_completed, rule W3) */
struct coro_completion;
CORO_API struct coro_completion *coro_as_completed(const coro_value *awaitables, size_t count,
												   double timeout);
/* A coroutine that gives the result of the next one that is done, or raises what that did; or
 * TimeoutError when `timeout` (seconds from the beginning) is over first. To be awaited. NULL after
 * as many as there are; also when memory is out: then some are left. (rule W3) */
CORO_API struct coro_generator *coro_as_completed_next(struct coro_completion *completion);
/* How many it has not given yet. (rule W3) */
CORO_API size_t coro_as_completed_left(const struct coro_completion *completion);
/* Ends the iteration; what it was about goes on. NULL is fine. No coroutine that it gave may be
 * waiting any more. (rule W3) */
CORO_API void coro_as_completed_free(struct coro_completion *completion);

/* ---- One --------------------------------------------------------------- */

/* Awaits `awaitable` so that cancelling who waits here does not cancel it: CancelledError is raised
 * here, and it goes on. What it returns, or raised what left it. (asyncio.shield, rule K7) */
CORO_API coro_value coro_shield(coro_value awaitable);
#define coro_shield(awaitable) CORO__CALLED((coro_shield)(CORO__VALUE(awaitable)))

/* The same without waiting: a future that is done when `awaitable` is; if it is done already,
 * that one itself. A handle of its own, freed with coro_future_free(). Raised TypeError, in
 * *ret_error, of what cannot be awaited, or MemoryError: then NULL. (asyncio.shield, rule K7) */
CORO_API struct coro_future *coro_shield_future(coro_value awaitable, coro_value *ret_error);

/* Awaits `awaitable` for at most `timeout` seconds: what it returns, or raised what left it. After
 * that it is cancelled, and when that is done TimeoutError is raised; if it returns nevertheless,
 * that is the result. Without memory to watch the time: MemoryError, and a coroutine is consumed
 * without having begun. (asyncio.wait_for, rule K8) */
CORO_API coro_value coro_wait_for(coro_value awaitable, double timeout);
#define coro_wait_for(awaitable, timeout)                                                          \
	CORO__CALLED((coro_wait_for)(CORO__VALUE(awaitable), (timeout)))

/* ---- A section (rule K9) ------------------------------------------------ */

/* Lives where it is declared: between _enter and _exit it may not be moved. */
struct coro_timeout {
	struct coro_object object; /* between _enter and _exit: what events and debuggers see */
	double when; /* loop time; CORO_FOREVER: never */
	enum {
		CORO_TIMEOUT_CREATED,
		CORO_TIMEOUT_ENTERED,
		CORO_TIMEOUT_EXPIRING,
		CORO_TIMEOUT_EXPIRED,
		CORO_TIMEOUT_EXITED,
	} state;
	struct coro_task *task; /* borrowed: who entered */
	unsigned cancelling;    /* its requests at the entry */
	struct coro_handle handle;
};

/* One that ends `delay` seconds from now; CORO_FOREVER: never, unless rescheduled. Nothing of it
 * needs freeing. (asyncio.timeout, rule K9) */
CORO_API struct coro_timeout coro_timeout(double delay);
/* One that ends when coro_loop_time() reaches `when`. (asyncio.timeout_at, rule K9) */
CORO_API struct coro_timeout coro_timeout_at(double when);

/* Begins the section: from now on the task that runs is cancelled when the time is over. None, or
 * raised: RuntimeError outside of a task, or for the second time; MemoryError: it has not begun. */
CORO_API coro_value coro_timeout_enter(struct coro_timeout *timeout);
#define coro_timeout_enter(...) CORO__CALLED((coro_timeout_enter)(__VA_ARGS__))

/* Ends it, whatever came of it: `result`. A CancelledError that is the timeout's own becomes
 * TimeoutError; everything else is given back as it is. */
CORO_API coro_value coro_timeout_exit(struct coro_timeout *timeout, coro_value result);
#define coro_timeout_exit(...) CORO__CALLED((coro_timeout_exit)(__VA_ARGS__))

/* Another deadline, in loop time; CORO_FOREVER: none. None, or raised: RuntimeError outside of the
 * section; MemoryError: the one before stands. */
CORO_API coro_value coro_timeout_reschedule(struct coro_timeout *timeout, double when);
#define coro_timeout_reschedule(...) CORO__CALLED((coro_timeout_reschedule)(__VA_ARGS__))

/* Its time was over before the section ended. */
CORO_API bool coro_timeout_expired(const struct coro_timeout *timeout);

#ifdef __cplusplus
}
#endif
#endif
