#ifndef COROSCOPE_ASYNC_ITERATOR_H
#define COROSCOPE_ASYNC_ITERATOR_H
/*
 * async_iterator.h - iterators that await: PEP 492.
 *
 *     struct coro_async_iterator pages = coro_async_map(fetch, addresses);
 *     struct coro_async_iterator ten = coro_async_take(&pages, 10);
 *
 *     CORO_ASYNC_FOR (page, &ten)
 *         ...
 *
 * All of iterator.h holds, but for this: who is asked for the next item may await, and so may the
 * functions of map and filter; the end is StopAsyncIteration; the sources are async generators and
 * async iterators. So they are iterated in a coroutine or an async generator. The functions run
 * one after the other, each when its item is asked for: gather tasks if they should not.
 *
 * Python's library has no such functions; each does what the sync one of the same name does, as if
 * written with `async for`.
 *
 * Nothing is closed by ending a loop early, as in Python. Close an async generator with
 * coro_aclose(), or CORO_ASYNC_WITH (coro_aclosing(generator)).
 */
#include "async_generator.h"
#include "iterator.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An iterator whose `next` may await, and that raises StopAsyncIteration at its end. One of your
 * own sets iterator.next. */
struct coro_async_iterator {
	struct coro_iterator iterator;
};

/* await anext(iterator). Raised: StopAsyncIteration, or an error. */
CORO_API coro_value coro_async_iterator_next(struct coro_async_iterator *iterator);
#define coro_async_iterator_next(iterator) CORO__CALLED((coro_async_iterator_next)(iterator))

/* aiter(generator), of an async generator: for coro_async_chain() and coro_async_zip(). */
CORO_API struct coro_async_iterator coro_async_iter(struct coro_generator *generator);

/* What is iterated without awaiting, as something that could: for functions that take both. */
#define coro_async_from(iterable) coro__async_from(CORO__SOURCE(iterable))
CORO_API struct coro_async_iterator coro__async_from(struct coro__source source);

/* As coro_map() and the others. */
#define coro_async_map(function, iterable) coro__async_map((function), CORO__ASYNC_SOURCE(iterable))
CORO_API struct coro_async_iterator coro__async_map(coro_function *function,
													struct coro__async_source source);
#define coro_async_filter(function, iterable)                                                      \
	coro__async_filter((function), CORO__ASYNC_SOURCE(iterable))
CORO_API struct coro_async_iterator coro__async_filter(coro_function *function,
													   struct coro__async_source source);
#define coro_async_take(iterable, count) coro__async_take(CORO__ASYNC_SOURCE(iterable), (count))
CORO_API struct coro_async_iterator coro__async_take(struct coro__async_source source,
													 size_t count);
#define coro_async_enumerate(iterable, start)                                                      \
	coro__async_enumerate(CORO__ASYNC_SOURCE(iterable), (start))
CORO_API struct coro_async_iterator coro__async_enumerate(struct coro__async_source source,
														  int64_t start);
CORO_API struct coro_async_iterator coro_async_chain(struct coro_async_iterator *const *iterators,
													 size_t count);
CORO_API struct coro_async_iterator coro_async_zip(struct coro_async_iterator *const *iterators,
												   size_t count, coro_value *tuple);
CORO_API struct coro_async_iterator
coro_async_zip_strict(struct coro_async_iterator *const *iterators, size_t count,
					  coro_value *tuple);

/* [item async for item in iterable]; as coro_collect(). */
#define coro_async_collect(iterable, ret_list)                                                     \
	CORO__CALLED(coro__async_collect(CORO__ASYNC_SOURCE(iterable), (ret_list)))
CORO_API coro_value coro__async_collect(struct coro__async_source source,
										struct coro_list *ret_list);
/* As coro_reduce(); the function may await. */
#define coro_async_reduce(function, iterable, initial)                                             \
	CORO__CALLED(coro__async_reduce((function), CORO__ASYNC_SOURCE(iterable), (initial)))
CORO_API coro_value coro__async_reduce(coro_value (*function)(coro_value left, coro_value right),
									   struct coro__async_source source, coro_value initial);

#ifdef __cplusplus
}
#endif
#endif
