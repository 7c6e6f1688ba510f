#ifndef COROSCOPE_COROUTINE_H
#define COROSCOPE_COROUTINE_H
/*
 * coroutine.h - functions that wait: PEP 492.
 *
 *     static coro_value fetch(coro_value address)
 *     {
 *         coro_value connection = CORO_TRY(coro_await(coro_coroutine(connect_to, address)));
 *         ...
 *     }
 *
 * A coroutine is what `async def` makes. Underneath it is a generator (struct coro_generator, as
 * CPython's is), whose kind is coroutine: it is driven by send, throw and close, or awaited;
 * it does not yield, but awaits. Awaiting another coroutine runs that one at once, without any
 * loop; a future that is not done suspends the whole chain up to the task that drives it.
 *
 * Invariants
 * - An awaited or spawned coroutine is consumed: it is freed when it is finished, and its handle
 *   is not valid after that. Any other is its maker's to free.
 * - coro_hold() keeps the handle valid nevertheless, for who wants to look at it afterwards.
 * - A coroutine is awaited once. Freed without having been, it is reported:
 *   RuntimeWarning: coroutine 'NAME' was never awaited.
 * - A generator is not awaitable.
 *
 * Rules C1-C8. Manual: "Coroutines and Tasks" of Python's asyncio.
 */
#include "generator.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A coroutine that will run function(argument); nothing runs yet. To be awaited, spawned, or freed
 * with coro_free(). NULL when memory is out. (PEP 492, rules C1, C4) */
#define coro_coroutine(function, argument)                                                         \
	coro_coroutine_named((function), (argument), #function, CORO_SITE_HERE)

/* The same with a name of its own. `name` and `site` are borrowed and must outlive it.
 * (PEP 492, rules C1, C4) */
CORO_API struct coro_generator *coro_coroutine_named(coro_function *function, coro_value argument,
													 const char *name, const char *site);

/* await awaitable: what it returns, or raised what left it. `awaitable` is the handle of a
 * coroutine, a task or a future, or a value that holds one. Of anything else: TypeError "object
 * int can't be used in 'await' expression". Only in a coroutine: RuntimeError elsewhere.
 * A raised value is returned as it is. A handle that is NULL, for memory was out when it was to be
 * made, is MemoryError: so CORO_CALL() needs no look at what it makes.
 *
 * Of a coroutine that is suspended in an await already: RuntimeError "coroutine is being awaited
 * already"; of a finished one: RuntimeError "cannot reuse already awaited coroutine".
 * (PEP 492, rules C3, C5-C8) */
CORO_API coro_value coro_await(coro_value awaitable);
CORO_API coro_value coro__await_begin(struct coro__wait *wait, coro_value awaitable);
#define coro_await(awaitable) CORO__WAIT(coro__await_begin, CORO__VALUE(awaitable))

/* What a bare `yield value` is in a function decorated with @types.coroutine: gives `value` to
 * whoever drives the chain, and waits. Returns what is sent, or raised what is thrown. This is what
 * awaiting is made of; a task understands only None (let the others run) and the futures that
 * coro_await() gives it. Only in a coroutine or async generator: RuntimeError elsewhere.
 * (types.coroutine, PEP 492) */
CORO_API coro_value coro_suspend(coro_value value);
#define coro_suspend(value) CORO__CALLED((coro_suspend)(value))

/* await function(argument): a coroutine made, awaited and consumed in one. (PEP 492, rule C6) */
#define CORO_CALL(function, argument) coro_await(coro_coroutine(function, argument))

#ifdef __cplusplus
}
#endif
#endif
