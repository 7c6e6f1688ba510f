/*
 * iterator.c - iterators: range, map, filter, take, enumerate, chain, zip; lists of what they give.
 *
 *     CORO_FOR ──next──► take ──ask──► filter ──ask──► map ──ask──► generator
 *                  site         site            site          site    event NEXT, at the site
 *
 * An iterator is asked through its `next`, after it was told for which place in the program: that
 * is handed on to its source, and stands in the events of the generators at the end.
 *
 * Those of async_iterator.h are the same. The one difference is in `end`, StopAsyncIteration:
 * sources that end so are asked by awaiting, which in a coroutine is a call like any other.
 *
 * Each `next` does what that of CPython does, in the same order (bltinmodule.c, itertoolsmodule.c):
 * the order is what decides which source has been asked once too often.
 */
#include <stdlib.h>
#include "iterator.h"

enum { ROOM = 8 };

struct coro_iterator coro__iterator(coro_value (*next)(struct coro_iterator *iterator),
									const char *type, const struct coro_exception_type *end)
{
	return (struct coro_iterator){.next = next, .type = type, .end = end};
}

coro_value coro__iteration_ends(const struct coro_exception_type *end)
{
	return coro__raise_value_at(0, end, CORO_NONE);
}

coro_value coro__iterator_next_at(struct coro_iterator *iterator, uintptr_t site)
{
	iterator->site = site;
	return iterator->next(iterator);
}

coro_value(coro_iterator_next)(struct coro_iterator *iterator)
{
	return coro__iterator_next_at(iterator, CORO__SITE);
}

/* ---- Sources ----------------------------------------------------------- */

static coro_value ask_source(const struct coro__source *source,
							 const struct coro_exception_type *end, uintptr_t site)
{
	if (source->iterator)
		return coro__iterator_next_at(source->iterator, site);
	if (end == CORO_StopIteration)
		return coro__next_at(source->generator, site);
	return coro__anext_at(source->generator, site);
}

static coro_value ask(const struct coro_iterator *self)
{
	return ask_source(&self->of.one.source, self->end, self->site);
}

static coro_value ask_number(const struct coro_iterator *self, size_t number)
{
	if (self->end == CORO_StopIteration)
		return coro__iterator_next_at(self->of.many.sources.plain[number], self->site);
	return coro__iterator_next_at(&self->of.many.sources.async[number]->iterator, self->site);
}

static bool is_end(coro_value value, const struct coro_exception_type *end)
{
	return coro_raised(value) && coro_is(value, end);
}

static coro_value generator_next(struct coro_iterator *self)
{
	return ask(self);
}

struct coro_iterator coro_iter(struct coro_generator *generator)
{
	struct coro_iterator self = coro__iterator(generator_next, "generator", CORO_StopIteration);

	self.of.one.source.generator = generator;
	return self;
}

struct coro_generator *coro__iterator_generator(const struct coro_iterator *iterator)
{
	return iterator->next == generator_next ? iterator->of.one.source.generator : NULL;
}

static coro_value array_next(struct coro_iterator *self)
{
	if (self->of.array.at == self->of.array.count)
		return coro__iteration_ends(self->end);
	return self->of.array.values[self->of.array.at++];
}

struct coro_iterator coro_iter_array(const coro_value *values, size_t count)
{
	struct coro_iterator self = coro__iterator(array_next, "list_iterator", CORO_StopIteration);

	self.of.array.values = values;
	self.of.array.count = count;
	return self;
}

static coro_value range_next(struct coro_iterator *self)
{
	int64_t next = self->of.range.next;

	if (!self->of.range.step)
		return coro__raise_at(self->site, CORO_ValueError, "range() arg 3 must not be zero");
	if (!self->of.range.left)
		return coro__iteration_ends(self->end);
	if (--self->of.range.left)
		self->of.range.next += self->of.range.step;
	return coro_int(next);
}

struct coro_iterator coro_range(int64_t start, int64_t stop, int64_t step)
{
	struct coro_iterator self = coro__iterator(range_next, "range_iterator", CORO_StopIteration);
	uint64_t distance, stride;

	self.of.range.next = start;
	self.of.range.step = step;
	if (!step || (step > 0 ? start >= stop : start <= stop))
		return self;
	distance = step > 0 ? (uint64_t)stop - (uint64_t)start : (uint64_t)start - (uint64_t)stop;
	stride = step > 0 ? (uint64_t)step : -(uint64_t)step;
	self.of.range.left = (distance - 1) / stride + 1;
	return self;
}

/* ---- Of one source ----------------------------------------------------- */

static struct coro_iterator of_one(coro_value (*next)(struct coro_iterator *iterator),
								   const char *type, struct coro__source source)
{
	struct coro_iterator self = coro__iterator(next, type, CORO_StopIteration);

	self.of.one.source = source;
	return self;
}

static coro_value map_next(struct coro_iterator *self)
{
	coro_value item = ask(self);

	return coro_raised(item) ? item : self->of.one.function(item);
}

struct coro_iterator coro__map(coro_function *function, struct coro__source source)
{
	struct coro_iterator self = of_one(map_next, "map", source);

	self.of.one.function = function;
	return self;
}

static coro_value filter_next(struct coro_iterator *self)
{
	for (;;) {
		coro_value item = ask(self), verdict = item;

		if (coro_raised(item))
			return item;
		if (self->of.one.function)
			verdict = self->of.one.function(item);
		if (coro_raised(verdict))
			return verdict;
		if (coro_truth(verdict))
			return item;
	}
}

struct coro_iterator coro__filter(coro_function *function, struct coro__source source)
{
	struct coro_iterator self = of_one(filter_next, "filter", source);

	self.of.one.function = function;
	return self;
}

static coro_value take_next(struct coro_iterator *self)
{
	coro_value item;

	if (!self->of.one.left)
		return coro__iteration_ends(self->end);
	self->of.one.left--;
	item = ask(self);
	if (coro_raised(item))
		self->of.one.left = 0;
	return item;
}

struct coro_iterator coro__take(struct coro__source source, size_t count)
{
	struct coro_iterator self = of_one(take_next, "itertools.islice", source);

	self.of.one.left = count;
	return self;
}

static coro_value enumerate_next(struct coro_iterator *self)
{
	coro_value *pair = self->of.numbered.pair;
	coro_value item = ask_source(&self->of.numbered.source, self->end, self->site);

	if (coro_raised(item))
		return item;
	pair[0].integer++;
	pair[1] = item;
	return coro_typed_ptr(pair, "tuple");
}

struct coro_iterator coro__enumerate(struct coro__source source, int64_t start)
{
	struct coro_iterator self = coro__iterator(enumerate_next, "enumerate", CORO_StopIteration);

	self.of.numbered.source = source;
	self.of.numbered.pair[0] = coro_int((int64_t)((uint64_t)start - 1));
	return self;
}

/* ---- Of several sources ------------------------------------------------ */

static struct coro_iterator of_many(coro_value (*next)(struct coro_iterator *iterator),
									const char *type, struct coro_iterator *const *sources,
									size_t count)
{
	struct coro_iterator self = coro__iterator(next, type, CORO_StopIteration);

	self.of.many.sources.plain = sources;
	self.of.many.count = count;
	return self;
}

static coro_value chain_next(struct coro_iterator *self)
{
	for (; self->of.many.at < self->of.many.count; self->of.many.at++) {
		coro_value item = ask_number(self, self->of.many.at);

		if (!is_end(item, self->end))
			return item;
	}
	return coro__iteration_ends(self->end);
}

struct coro_iterator coro_chain(struct coro_iterator *const *iterators, size_t count)
{
	return of_many(chain_next, "itertools.chain", iterators, count);
}

/* "zip() argument 3 is shorter than arguments 1-2" */
static coro_value not_equally_long(const struct coro_iterator *self, size_t number, const char *how)
{
	return coro__raise_at(self->site, CORO_ValueError,
						  "zip() argument %zu is %s than argument%s%zu", number + 1, how,
						  number == 1 ? " " : "s 1-", number);
}

/* The source with this number has ended. */
static coro_value zip_ends(const struct coro_iterator *self, size_t number)
{
	if (!self->of.many.strict)
		return coro__iteration_ends(self->end);
	if (number)
		return not_equally_long(self, number, "shorter");
	for (number = 1; number < self->of.many.count; number++) {
		coro_value item = ask_number(self, number);

		if (!coro_raised(item))
			return not_equally_long(self, number, "longer");
		if (!is_end(item, self->end))
			return item;
	}
	return coro__iteration_ends(self->end);
}

static coro_value zip_next(struct coro_iterator *self)
{
	if (!self->of.many.count)
		return coro__iteration_ends(self->end);
	for (size_t i = 0; i < self->of.many.count; i++) {
		coro_value item = ask_number(self, i);

		if (is_end(item, self->end))
			return zip_ends(self, i);
		if (coro_raised(item))
			return item;
		self->of.many.tuple[i] = item;
	}
	return coro_typed_ptr(self->of.many.tuple, "tuple");
}

struct coro_iterator coro_zip(struct coro_iterator *const *iterators, size_t count,
							  coro_value *tuple)
{
	struct coro_iterator self = of_many(zip_next, "zip", iterators, count);

	self.of.many.tuple = tuple;
	return self;
}

struct coro_iterator coro_zip_strict(struct coro_iterator *const *iterators, size_t count,
									 coro_value *tuple)
{
	struct coro_iterator self = coro_zip(iterators, count, tuple);

	self.of.many.strict = true;
	return self;
}

/* ---- What they come to ------------------------------------------------- */

static bool add(struct coro_list *list, coro_value item)
{
	if (list->count == list->room) {
		size_t room = list->room ? 2 * list->room : ROOM;
		coro_value *values = realloc(list->values, room * sizeof(*values));

		if (!values)
			return false;
		list->values = values;
		list->room = room;
	}
	list->values[list->count++] = coro__keep(item);
	return true;
}

coro_value coro__collect_at(struct coro__source source, const struct coro_exception_type *end,
							struct coro_list *ret_list, uintptr_t site)
{
	struct coro_list list = {0, 0, NULL};
	coro_value item;

	*ret_list = list;
	while (!coro_raised(item = ask_source(&source, end, site)))
		if (!add(&list, item)) {
			item = coro__raise_at(site, CORO_MemoryError, "out of memory");
			break;
		}
	if (is_end(item, end)) {
		*ret_list = list;
		return CORO_NONE;
	}
	coro_list_free(&list);
	return item;
}

coro_value coro__collect(struct coro__source source, struct coro_list *ret_list)
{
	return coro__collect_at(source, CORO_StopIteration, ret_list, CORO__SITE);
}

void coro_list_free(struct coro_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		coro__drop(list->values[i]);
	free(list->values);
	*list = (struct coro_list){0, 0, NULL};
}

coro_value coro__reduce_at(coro_value (*function)(coro_value left, coro_value right),
						   struct coro__source source, const struct coro_exception_type *end,
						   coro_value initial, uintptr_t site)
{
	coro_value result = initial;

	while (!coro_raised(result)) {
		coro_value item = ask_source(&source, end, site);

		if (is_end(item, end))
			return result;
		result = coro_raised(item) ? item : function(result, item);
	}
	return result;
}

coro_value coro__reduce(coro_value (*function)(coro_value left, coro_value right),
						struct coro__source source, coro_value initial)
{
	return coro__reduce_at(function, source, CORO_StopIteration, initial, CORO__SITE);
}
