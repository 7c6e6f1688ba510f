/*
 * async_iterator.c - iterators that await: those of iterator.c, with another end.
 *
 *     struct coro_async_iterator { struct coro_iterator iterator; }
 *                                          .end = StopAsyncIteration
 *
 * What they ask may suspend the coroutine that asks them: their `next` runs on its stack, so
 * nothing of theirs is to be taken apart for it.
 */
#include "iterator.h"

static struct coro__source plain(struct coro__async_source source)
{
	return coro__source(source.iterator ? &source.iterator->iterator : NULL, source.generator);
}

static struct coro_async_iterator awaiting(struct coro_iterator iterator, const char *type)
{
	iterator.end = CORO_StopAsyncIteration;
	iterator.type = type;
	return (struct coro_async_iterator){iterator};
}

coro_value(coro_async_iterator_next)(struct coro_async_iterator *iterator)
{
	return coro__iterator_next_at(&iterator->iterator, CORO__SITE);
}

struct coro_async_iterator coro_async_iter(struct coro_generator *generator)
{
	return awaiting(coro_iter(generator), "async_generator");
}

static coro_value from_next(struct coro_iterator *self)
{
	const struct coro__source *source = &self->of.one.source;
	coro_value item = source->iterator ? coro__iterator_next_at(source->iterator, self->site)
									   : coro__next_at(source->generator, self->site);

	if (coro_raised(item) && coro_is(item, CORO_StopIteration))
		return coro__iteration_ends(self->end);
	return item;
}

struct coro_async_iterator coro__async_from(struct coro__source source)
{
	struct coro_iterator self = coro__iterator(from_next, NULL, NULL);

	self.of.one.source = source;
	return awaiting(self, "async_iterator");
}

struct coro_async_iterator coro__async_map(coro_function *function,
										   struct coro__async_source source)
{
	return awaiting(coro__map(function, plain(source)), "async_map");
}

struct coro_async_iterator coro__async_filter(coro_function *function,
											  struct coro__async_source source)
{
	return awaiting(coro__filter(function, plain(source)), "async_filter");
}

struct coro_async_iterator coro__async_take(struct coro__async_source source, size_t count)
{
	return awaiting(coro__take(plain(source), count), "async_islice");
}

struct coro_async_iterator coro__async_enumerate(struct coro__async_source source, int64_t start)
{
	return awaiting(coro__enumerate(plain(source), start), "async_enumerate");
}

static struct coro_async_iterator of_many(struct coro_iterator iterator,
										  struct coro_async_iterator *const *iterators,
										  const char *type)
{
	iterator.of.many.sources.async = iterators;
	return awaiting(iterator, type);
}

struct coro_async_iterator coro_async_chain(struct coro_async_iterator *const *iterators,
											size_t count)
{
	return of_many(coro_chain(NULL, count), iterators, "async_chain");
}

struct coro_async_iterator coro_async_zip(struct coro_async_iterator *const *iterators,
										  size_t count, coro_value *tuple)
{
	return of_many(coro_zip(NULL, count, tuple), iterators, "async_zip");
}

struct coro_async_iterator coro_async_zip_strict(struct coro_async_iterator *const *iterators,
												 size_t count, coro_value *tuple)
{
	return of_many(coro_zip_strict(NULL, count, tuple), iterators, "async_zip");
}

coro_value coro__async_collect(struct coro__async_source source, struct coro_list *ret_list)
{
	return coro__collect_at(plain(source), CORO_StopAsyncIteration, ret_list, CORO__SITE);
}

coro_value coro__async_reduce(coro_value (*function)(coro_value left, coro_value right),
							  struct coro__async_source source, coro_value initial)
{
	return coro__reduce_at(function, plain(source), CORO_StopAsyncIteration, initial, CORO__SITE);
}
