#ifndef COROSCOPE_ASYNC_GENERATOR_H
#define COROSCOPE_ASYNC_GENERATOR_H
/*
 * async_generator.h - generators that may await: PEP 525.
 *
 *     static coro_value lines_of(coro_value connection)
 *     {
 *         for (;;) {
 *             coro_value line = CORO_TRY(coro_await(coro_coroutine(read_line, connection)));
 *             if (coro_is_none(line))
 *                 return CORO_NONE;
 *             CORO_TRY(coro_yield(line));
 *         }
 *     }
 *
 *     struct coro_generator *lines = coro_async_generator(lines_of, connection);
 *     CORO_ASYNC_FOR (line, lines)
 *         CORO_TRY(handle(line));
 *     CORO_TRY(coro_aclose(lines));
 *     coro_free(lines);
 *
 * What it yields goes to its consumer, who awaits the next item; what it awaits goes on to the
 * task that drives the consumer:
 *
 *     task <---- futures ---- consumer <---- futures, items ---- async generator
 *
 * Invariants
 * - Creating one runs nothing; neither does making a step (coro_asend_step() ...). A step is what
 *   Python's asend() and its like return: an awaitable that is used once.
 * - One step at a time: RuntimeError "anext(): asynchronous generator is already running".
 * - It ends with StopAsyncIteration, and returns no value.
 * - One that is dropped before its end is closed by its loop, in a task of its own, for
 *   closing may await. What the loop finds alive at its end, it closes then; so it
 *   does with those for whose closing there was no memory.
 *
 * Ownership: coro_free() gives it up, as for every body. Rules A1-A10.
 */
#include "coroutine.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An async generator that will run function(argument). Yours: free it with coro_free(). NULL
 * when memory is out. */
#define coro_async_generator(function, argument)                                                   \
	coro_async_generator_named((function), (argument), #function, CORO_SITE_HERE)
/* The same with a name of its own. `name` and `site` are borrowed and must outlive it. */
CORO_API struct coro_generator *coro_async_generator_named(coro_function *function,
														   coro_value argument, const char *name,
														   const char *site);

/* ---- Awaited at once (PEP 525, rules A2, A4-A7, A9) --------------------- */

/* Each of these is awaited: in a coroutine or another async generator. They return the next item;
 * raised: StopAsyncIteration at the end, or what left it; MemoryError, before anything has happened. */

/* await anext(generator) */
CORO_API coro_value coro_anext(struct coro_generator *generator);
/* await generator.asend(value): what it waits in gives `value`. Before the first yield there is
 * nothing to give it to: TypeError. */
CORO_API coro_value coro_asend(struct coro_generator *generator, coro_value value);
/* await generator.athrow(exception): what it waits in raises it. */
CORO_API coro_value coro_athrow(struct coro_generator *generator, coro_value exception);
/* await generator.aclose(): what it waits in raises GeneratorExit. None; raised: RuntimeError
 * "async generator ignored GeneratorExit" if it yielded, or what left it. */
CORO_API coro_value coro_aclose(struct coro_generator *generator);

/* async for item in iterable: true with the next one; false at the end: `*ret_item` is then None, or
 * something raised: look at it. `iterable` is a struct coro_generator * of an async generator, or a
 * struct coro_async_iterator * (async_iterator.h). */
#define coro_async_iterate(iterable, ret_item)                                                     \
	coro__async_iterate(CORO__ASYNC_SOURCE(iterable), (ret_item))

/* The same as a loop of its own, for functions that return a coro_value: what the iterable raises is
 * returned, as by CORO_TRY, so no error is lost. `iterable` is evaluated once. `break` leaves it
 * as it is: nothing is closed. */
#define CORO_ASYNC_FOR(item, iterable)                                                             \
	CORO__ASYNC_FOR(item, CORO__ASYNC_SOURCE(iterable), CORO__NAME(source), CORO__NAME(once),      \
					CORO__NAME(more))

/* ---- Step by step (PEP 525, rules A1, A3) ------------------------------- */

/* What asend(), athrow() and aclose() return: to be awaited later, or driven by hand. */
struct coro_async_step;

/* The step, and nothing runs yet. Yours: free it with coro_async_step_free(). It keeps the
 * generator until then. NULL when memory is out. */
CORO_API struct coro_async_step *coro_asend_step(struct coro_generator *generator,
												 coro_value value);
CORO_API struct coro_async_step *coro_athrow_step(struct coro_generator *generator,
												  coro_value exception);
CORO_API struct coro_async_step *coro_aclose_step(struct coro_generator *generator);

/* Frees it; one that was never used is reported. NULL is fine. */
CORO_API void coro_async_step_free(struct coro_async_step *step);

/* await step: the item, or raised StopAsyncIteration or what left the generator; RuntimeError of
 * one that was used already. */
CORO_API coro_value coro_async_step_await(struct coro_async_step *step);
#define coro_async_step_await(...) CORO__CALLED((coro_async_step_await)(__VA_ARGS__))

/* step.send(value), step.throw(exception), step.close(): as of a coroutine. What comes up is what
 * the generator awaits; raised: StopIteration with the item that it yielded, or an exception. */
CORO_API coro_value coro_async_step_send(struct coro_async_step *step, coro_value value);
#define coro_async_step_send(...) CORO__CALLED((coro_async_step_send)(__VA_ARGS__))
CORO_API coro_value coro_async_step_throw(struct coro_async_step *step, coro_value exception);
#define coro_async_step_throw(...) CORO__CALLED((coro_async_step_throw)(__VA_ARGS__))
CORO_API coro_value coro_async_step_close(struct coro_async_step *step);
#define coro_async_step_close(...) CORO__CALLED((coro_async_step_close)(__VA_ARGS__))

/* The step as a value: a pointer of one of these types. */
CORO_API extern const char coro_asend_type[], coro_athrow_type[];
CORO_API coro_value coro_async_step_value(struct coro_async_step *step);

/* ---- Hooks (PEP 525, rules A8, A10) ------------------------------------- */

/* Who is asked when an async generator begins and when it is dropped, on this thread, with `data`,
 * which is borrowed; NULL: nobody. A running loop has its own.
 * `first_iterated` is called with a generator of which the first step is made; `finalize` with one
 * that is freed before its end: true: the hook will see to its closing and calls coro_free()
 * again after that; false: it is gone, as it is. (sys.set_asyncgen_hooks, rule A8) */
typedef void coro_first_iteration_hook(struct coro_generator *generator, void *data);
typedef bool coro_finalizer_hook(struct coro_generator *generator, void *data);
CORO_API void coro_set_async_generator_hooks(coro_first_iteration_hook *first_iterated,
											 coro_finalizer_hook *finalize, void *data);

/* Closes all async generators of the loop that were started and not freed, in the order of their
 * first iteration, at once; what they raise is reported. Awaited. None, or raised: CancelledError,
 * MemoryError when some could not be closed. (loop.shutdown_asyncgens, rule A10) */
CORO_API coro_value coro_shutdown_async_generators(void);
#define coro_shutdown_async_generators(...) CORO__CALLED((coro_shutdown_async_generators)(__VA_ARGS__))

/* Calls that stay calls, see CORO__CALLED. */
#define coro_anext(generator)             CORO__CALLED((coro_anext)(generator))
#define coro_asend(generator, value)      CORO__CALLED((coro_asend)((generator), (value)))
#define coro_athrow(generator, exception) CORO__CALLED((coro_athrow)((generator), (exception)))
#define coro_aclose(generator)            CORO__CALLED((coro_aclose)(generator))

/* What can be iterated by awaiting: one of the two, the other is NULL. */
struct coro_async_iterator;
struct coro__async_source {
	struct coro_async_iterator *iterator;
	struct coro_generator *generator;
};
CORO_API bool coro__async_iterate(struct coro__async_source source, coro_value *ret_item);

CORO__INLINE struct coro__async_source coro__async_source(struct coro_async_iterator *iterator,
														  struct coro_generator *generator)
{
	struct coro__async_source source = {iterator, generator};
	return source;
}

#define CORO__ASYNC_FOR(item, begin, source, once, more)                                           \
	for (struct coro__async_source source = begin, *once = &source; once; once = NULL)             \
		for (coro_value item; __extension__({                                                      \
				 bool more = coro__async_iterate(source, &item);                                   \
				 if (!more)                                                                        \
					 (void)CORO_TRY(item);                                                         \
				 more;                                                                             \
			 });)

#ifdef __cplusplus
}
static inline struct coro__async_source coro__async_source_of(struct coro_async_iterator *iterator)
{
	return coro__async_source(iterator, NULL);
}
static inline struct coro__async_source coro__async_source_of(struct coro_generator *generator)
{
	return coro__async_source(NULL, generator);
}
#define CORO__ASYNC_SOURCE(x) coro__async_source_of(x)
#else
/* clang-format off */
#define CORO__ASYNC_SOURCE(x)                                                                      \
	coro__async_source(                                                                            \
		_Generic((x), struct coro_async_iterator *: (x), struct coro_generator *: NULL),           \
		_Generic((x), struct coro_generator *: (x), struct coro_async_iterator *: NULL))
/* clang-format on */
#endif
#endif
