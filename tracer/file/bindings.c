/*
 * bindings.c - tables in pages, which are made when one of their rows is bound.
 *
 *     row  23..8  page     [ | * |  |  | * | ... ]   65536 pages at most, as many as are needed
 *           7..0  entry        |           |
 *                          256 bindings  256 bindings
 *
 * A row that one thread gave back may be another's next. Their events come from two rings, and need
 * not be appended in that order. So each ring has a table of its own, as soon as there are two:
 * what its thread bound, and has not destroyed. What is not in that is looked up in the table of
 * all.
 */
#include "bindings.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PAGES (BINDINGS_ROWS / BINDINGS_PAGE)

const struct binding trace__nobody;

static void table_done(struct binding_table *table)
{
	for (uint32_t i = 0; i < table->pages; i++)
		free(table->page[i]);
	free(table->page);
}

void trace__bindings_done(struct bindings *bindings)
{
	table_done(&bindings->all);
	for (size_t i = 0; bindings->ring && i < CORO_RINGS; i++)
		table_done(&bindings->ring[i]);
	free(bindings->ring);
	*bindings = (struct bindings){0};
}

static bool grow(struct binding_table *table, uint32_t pages)
{
	uint32_t room = pages < 2 * table->pages ? 2 * table->pages : pages;
	struct binding **page;

	room = room < PAGES ? room : PAGES;
	page = reallocarray(table->page, room, sizeof(*page));
	if (!page)
		return false;
	memset(page + table->pages, 0, (room - table->pages) * sizeof(*page));
	table->page = page;
	table->pages = room;
	return true;
}

/* The place of a row, to be written. NULL: out of memory. */
static struct binding *own(struct binding_table *table, uint64_t row)
{
	uint32_t number = (uint32_t)(row / BINDINGS_PAGE);
	struct binding **page;

	if (number >= table->pages && !grow(table, number + 1))
		return NULL;
	page = &table->page[number];
	if (!*page)
		*page = calloc(BINDINGS_PAGE, sizeof(**page));
	return *page ? &(*page)[row % BINDINGS_PAGE] : NULL;
}

/* A second ring: what was bound so far is the first one's. */
static int begin_rings(struct bindings *bindings)
{
	struct binding_table *ring = calloc(CORO_RINGS, sizeof(*ring));

	if (!ring)
		return -ENOMEM;
	for (uint32_t i = 0; i < bindings->all.pages; i++) {
		struct binding *copy;

		if (!bindings->all.page[i])
			continue;
		copy = own(&ring[bindings->first], i * BINDINGS_PAGE);
		if (!copy) {
			table_done(&ring[bindings->first]);
			free(ring);
			return -ENOMEM;
		}
		memcpy(copy, bindings->all.page[i], BINDINGS_PAGE * sizeof(*copy));
	}
	bindings->ring = ring;
	return 0;
}

int trace__bindings_bind(struct bindings *bindings, uint32_t ring, uint64_t row,
						 const struct coro_trace_bind *bind)
{
	const struct binding binding = {.serial = bind->serial, .name = bind->name, .kind = bind->kind};
	struct binding *place;

	if (row == 0 || row >= BINDINGS_ROWS)
		return 0;
	ring = ring < CORO_RINGS ? ring : 0;
	if (!bindings->all.pages)
		bindings->first = ring;
	if (!bindings->ring && ring != bindings->first && begin_rings(bindings) < 0)
		return -ENOMEM;
	if (bindings->ring) {
		place = own(&bindings->ring[ring], row);
		if (!place)
			return -ENOMEM;
		*place = binding;
	}
	place = own(&bindings->all, row);
	if (!place)
		return -ENOMEM;
	*place = binding;
	return 0;
}

void trace__bindings_forget(struct bindings *bindings, uint32_t ring, uint64_t row)
{
	struct binding *binding;

	if (!bindings->ring || ring >= CORO_RINGS || row >= BINDINGS_ROWS)
		return;
	binding = trace__binding_table_find(&bindings->ring[ring], row);
	if (binding)
		*binding = trace__nobody;
}

int trace__bindings_apply(struct bindings *bindings, struct trace_event *event)
{
	const struct binding *binding;
	uint32_t ring = event->ring;
	uint64_t row = event->co;

	if (event->flags & CORO_SLOT_BIND) {
		int result = trace__bindings_bind(bindings, ring, row, &event->bind);

		if (result < 0)
			return result;
	}
	binding = trace__bindings_find(bindings, ring, row);
	event->co = binding->serial;
	event->name = binding->name;
	event->object_kind = binding->kind;
	binding = trace__bindings_find(bindings, ring, event->peer);
	event->peer = binding->serial;
	event->peer_name = binding->name;
	event->peer_kind = binding->kind;
	if (event->value.kind == CORO_VALUE_OBJECT) {
		binding = trace__bindings_find(bindings, ring, event->value.object);
		event->value.object = binding->serial;
		event->value.type = binding->name;
		event->value.object_kind = binding->kind;
	}
	if (event->next == CORO_STATE_NONE)
		trace__bindings_forget(bindings, ring, row);
	return 0;
}
