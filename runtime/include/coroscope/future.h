#ifndef COROSCOPE_FUTURE_H
#define COROSCOPE_FUTURE_H
/*
 * future.h - a result that is not there yet, and says what it is waiting for.
 *
 * A future is pending until somebody sets its result or its exception or cancels it,
 * once. Whoever awaits it meanwhile is suspended; when it is done they become ready,
 * in the order in which they began to wait, and run in the loop's next turn.
 *
 *             set_result      -> done
 *     pending set_exception   -> failed
 *             cancel          -> cancelled
 *
 * It is the one thing that a suspended task waits for: a sleep, a lock, a queue, a
 * descriptor, a gather are futures made for you, each with its reason. "Why is this
 * task not running?" is answered by the future that it awaits.
 *
 * Invariants
 * - A future that is done never changes.
 * - Callbacks never run inside the call that completes the future: they go to the end
 *   of the ready queue, in the order of their registration (rule F2).
 * - A future belongs to one loop, the one that was current when it was made: RuntimeError for
 *   a task of another one that awaits it, ValueError where several are taken.
 *
 * Ownership: a future belongs to who made it, and is freed with coro_future_free;
 * tasks that await it keep it alive that long. An exception in it that nobody has
 * fetched by then is reported. Values in it are borrowed, as everywhere; exceptions
 * are kept.
 *
 * Rules F1, F2. Manual: "Futures" of Python's asyncio.
 */
#include <stdbool.h>
#include "coroutine.h"

#ifdef __cplusplus
extern "C" {
#endif

struct coro_context;
struct coro_future;

/* A pending future of the current loop. coro_object(future) is the value of it; NULL when
 * memory is out. `reason` says what it waits for, and `object`
 * which one, if that is an object of ours, else NULL: CORO_REASON_NONE and NULL where there is nothing
 * to say. (loop.create_future, rule F1) */
#define coro_future_new(reason, object) coro__future_new((reason), (object), CORO_SITE_HERE)
CORO_API struct coro_future *coro__future_new(enum coro_reason reason,
											  const struct coro_object *object, const char *site);

/* Gives up the handle; NULL is allowed. An exception that nobody fetched is reported when the last
 * lets go. (rule T6) */
CORO_API void coro_future_free(struct coro_future *future);

/* It has a result or an exception, or was cancelled. */
CORO_API bool coro_future_done(const struct coro_future *future);
/* It was cancelled. */
CORO_API bool coro_future_cancelled(const struct coro_future *future);

/* The result; or raised: the exception, CancelledError, or InvalidStateError while it
 * is pending. */
CORO_API coro_value coro_future_result(struct coro_future *future);

/* The exception as a value, or none; raised as above when cancelled or pending. */
CORO_API coro_value coro_future_exception(struct coro_future *future);

/* For who only watches: the result, or raised the exception (CancelledError: none is made, and
 * None given); None while it is pending. Does not count as fetching the exception.
 * Borrowed from the future: valid as long as that is. Beyond Python: for debuggers and tests. */
CORO_API coro_value coro_future_peek(const struct coro_future *future);

/* Completes it. None, or raised: InvalidStateError when it is done already. A raised `result` is set
 * as its exception. */
CORO_API coro_value coro_future_set_result(struct coro_future *future, coro_value result);
/* The same with `exception`, raised or not, which is kept. StopIteration cannot be raised into
 * whoever awaits: it becomes a RuntimeError. */
CORO_API coro_value coro_future_set_exception(struct coro_future *future, coro_value exception);

/* Cancels it: who awaits it gets CancelledError. True; false when it is done already: its exception
 * counts as fetched then. `message` is copied, and may be NULL; without memory for it the
 * CancelledError has none. Cancelling the future of a gather
 * cancels its children. */
CORO_API bool coro_future_cancel(struct coro_future *future, const char *message);

/* Calls callback(arg) through the ready queue once the future is done, or at the next
 * turn when it is already. What it raises goes to the report handler. None, or raised MemoryError:
 * then it will not be called. (rules F2, L5) */
CORO_API coro_value coro_future_add_done_callback(struct coro_future *future,
												  coro_function *callback, coro_value arg);
/* The same in a context (context_variable.h); NULL, as above: in a copy of the current one. */
CORO_API coro_value coro_future_add_done_callback_in_context(struct coro_future *future,
															 coro_function *callback,
															 coro_value arg,
															 struct coro_context *context);

/* Calls that stay calls, see CORO__CALLED. */
#define coro_future_set_result(future, result)                                                     \
	CORO__CALLED((coro_future_set_result)((future), (result)))
#define coro_future_set_exception(future, exception)                                               \
	CORO__CALLED((coro_future_set_exception)((future), (exception)))
#define coro_future_add_done_callback(...) CORO__CALLED((coro_future_add_done_callback)(__VA_ARGS__))
#define coro_future_add_done_callback_in_context(...)                                              \
	CORO__CALLED((coro_future_add_done_callback_in_context)(__VA_ARGS__))

#ifdef __cplusplus
}
#endif
#endif
