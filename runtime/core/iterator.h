#ifndef CORO_CORE_ITERATOR_H
#define CORO_CORE_ITERATOR_H
/*
 * iterator.h - what iterator.c and async_iterator.c share.
 */
#include <coroscope/async_iterator.h>
#include "core.h"

/* An iterator of the library's: `end` says whether its sources are awaited. */
struct coro_iterator coro__iterator(coro_value (*next)(struct coro_iterator *iterator),
									const char *type, const struct coro_exception_type *end);

/* The end of an iteration of this kind, raised. */
coro_value coro__iteration_ends(const struct coro_exception_type *end);

/* coro_collect() and coro_reduce(), of sources that end so, from the place `site` in the
 * program. */
coro_value coro__collect_at(struct coro__source source, const struct coro_exception_type *end,
							struct coro_list *ret_list, uintptr_t site);
coro_value coro__reduce_at(coro_value (*function)(coro_value left, coro_value right),
						   struct coro__source source, const struct coro_exception_type *end,
						   coro_value initial, uintptr_t site);

#endif
