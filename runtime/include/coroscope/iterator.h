#ifndef COROSCOPE_ITERATOR_H
#define COROSCOPE_ITERATOR_H
/*
 * iterator.h - everything that gives one value after the other, and what can be made of it.
 *
 *     struct coro_iterator numbers = coro_range(1, 100, 1);
 *     struct coro_iterator squares = coro_map(square, &numbers);
 *     struct coro_iterator odd = coro_filter(is_odd, &squares);
 *     struct coro_iterator five = coro_take(&odd, 5);
 *
 *     CORO_FOR (number, &five)
 *         ...
 *
 *     five ──asks──► odd ──asks──► squares ──asks──► numbers     nothing happens before
 *
 * A generator is iterated as it is: CORO_FOR, coro_iterate(), coro_yield_from() and all below
 * take a struct coro_generator * as well as a struct coro_iterator *.
 *
 * Invariants
 * - Making one asks for nothing. Each request is answered with as few requests to the source as it
 *   takes.
 * - An iterator that has ended raises StopIteration again when it is asked again, as far as its
 *   sources do. Who ends, and who is asked once too often, is as in Python: zip() asks in the order
 *   of its sources, and an item of an earlier one is lost when a later one has ended.
 * - What a source or a function raises comes through. Most iterators go on behind it when they are
 *   asked again; coro_take() has ended then, as islice() has.
 * - Ending a loop early closes nothing, as in Python: the sources stand where they stand. Only
 *   `yield from` passes on that it is closed: to a generator, and to an iterator that has a
 *   `close`.
 *
 * Ownership: an iterator is a plain value that holds no memory, and is dropped by forgetting it. It
 * refers to its sources, which stay their makers' and must outlive it; so it may not be moved once
 * another one refers to it. Only coro_collect() allocates.
 *
 * An iterator of your own is a structure that begins with a struct coro_iterator, of which it sets
 * the first three fields, the others to zero.
 *
 * Manual: "Built-in Functions" and "itertools" of Python's library.
 */
#include "generator.h"

#ifdef __cplusplus
extern "C" {
#endif

struct coro_iterator {
	/* The next value; raised: StopIteration at the end, or an error. */
	coro_value (*next)(struct coro_iterator *iterator);
	/* Called once, when a `yield from` over it ends early; NULL: nothing to do. */
	void (*close)(struct coro_iterator *iterator);
	const char *type; /* for texts of errors: "list_iterator" */

	/* The library's own. */
	uintptr_t site;                        /* where the program asks; set before `next` is called */
	const struct coro_exception_type *end; /* what it raises at its end */
	union {
		struct {
			const coro_value *values;
			size_t count, at;
		} array;
		struct {
			int64_t next, step;
			uint64_t left;
		} range;
		struct {
			struct coro__source source;
			coro_function *function; /* NULL: filter by the item itself */
			size_t left;             /* take */
		} one;
		struct {
			union {
				struct coro_iterator *const *plain;
				struct coro_async_iterator *const *async;
			} sources;
			size_t count, at; /* chain: which one gives */
			coro_value *tuple;
			bool strict;
		} many;
		struct {
			struct coro__source source;
			coro_value pair[2]; /* the index, and the item given last */
		} numbered;
	} of;
};

/* next(iterator). Raised: StopIteration, or an error. */
CORO_API coro_value coro_iterator_next(struct coro_iterator *iterator);
#define coro_iterator_next(iterator) CORO__CALLED((coro_iterator_next)(iterator))

/* ---- Where values come from -------------------------------------------- */

/* iter(generator): for coro_chain() and coro_zip(), which want iterators. `yield from` over it
 * delegates to the generator. */
CORO_API struct coro_iterator coro_iter(struct coro_generator *generator);

/* iter([values...]): borrowed. */
CORO_API struct coro_iterator coro_iter_array(const coro_value *values, size_t count);

/* iter(range(start, stop, step)). A step of 0: asking raises ValueError "range() arg 3 must not be
 * zero". */
CORO_API struct coro_iterator coro_range(int64_t start, int64_t stop, int64_t step);

/* ---- What can be made of them ------------------------------------------ */

/* map(function, iterable): function(item) of each. What the function raises comes out; a
 * StopIteration ends the iteration. Of several iterables: of the tuples of coro_zip(). */
#define coro_map(function, iterable) coro__map((function), CORO__SOURCE(iterable))
CORO_API struct coro_iterator coro__map(coro_function *function, struct coro__source source);

/* filter(function, iterable): the items of which function(item) is true (coro_truth()); NULL: those
 * that are true themselves. */
#define coro_filter(function, iterable) coro__filter((function), CORO__SOURCE(iterable))
CORO_API struct coro_iterator coro__filter(coro_function *function, struct coro__source source);

/* islice(iterable, count): the first `count` items. It does not ask for one more. */
#define coro_take(iterable, count) coro__take(CORO__SOURCE(iterable), (count))
CORO_API struct coro_iterator coro__take(struct coro__source source, size_t count);

/* enumerate(iterable, start): tuples of two, an index and an item. */
#define coro_enumerate(iterable, start) coro__enumerate(CORO__SOURCE(iterable), (start))
CORO_API struct coro_iterator coro__enumerate(struct coro__source source, int64_t start);

/* chain(*iterables): one after the other. The array is borrowed. */
CORO_API struct coro_iterator coro_chain(struct coro_iterator *const *iterators, size_t count);

/* zip(*iterables): tuples of one item of each; ends with the shortest. `tuple` has room for `count`
 * items, and is what comes out: an item is valid until the next is asked for. */
CORO_API struct coro_iterator coro_zip(struct coro_iterator *const *iterators, size_t count,
									   coro_value *tuple);
/* zip(*iterables, strict=True): when they are not equally long, ValueError "zip() argument 2 is
 * shorter than argument 1" and its like. (PEP 618) */
CORO_API struct coro_iterator coro_zip_strict(struct coro_iterator *const *iterators, size_t count,
											  coro_value *tuple);

/* tuple[index], of what coro_zip() and coro_enumerate() give. */
CORO__INLINE coro_value coro_tuple_at(coro_value tuple, size_t index)
{
	return ((const coro_value *)coro_as_ptr(tuple))[index];
}

/* ---- What they come to ------------------------------------------------- */

struct coro_list {
	size_t count, room;
	coro_value *values; /* exceptions among them are kept; else borrowed */
};

/* list(iterable): asks for everything. `*ret_list` is then the caller's to be freed with
 * coro_list_free(). None; raised: what came instead of the end, or MemoryError: the list is
 * empty then, and what was asked for is lost. */
#define coro_collect(iterable, ret_list)                                                           \
	CORO__CALLED(coro__collect(CORO__SOURCE(iterable), (ret_list)))
CORO_API coro_value coro__collect(struct coro__source source, struct coro_list *ret_list);
CORO_API void coro_list_free(struct coro_list *list);

/* reduce(function, iterable, initial): function(... function(function(initial, item), item) ...,
 * item). */
#define coro_reduce(function, iterable, initial)                                                   \
	CORO__CALLED(coro__reduce((function), CORO__SOURCE(iterable), (initial)))
CORO_API coro_value coro__reduce(coro_value (*function)(coro_value left, coro_value right),
								 struct coro__source source, coro_value initial);

#ifdef __cplusplus
}
#endif
#endif
