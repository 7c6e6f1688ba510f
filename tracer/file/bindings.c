/*
 * bindings.c - a table in pages, which are made when one of their rows is bound.
 *
 *     row  23..8  page     [ | * |  |  | * | ... ]   65536 pages
 *           7..0  entry        |           |
 *                          256 bindings  256 bindings
 */
#include "bindings.h"
#include <errno.h>
#include <stdlib.h>

#define PAGE_ROWS 256

static const struct binding nobody;

void trace__bindings_done(struct bindings *bindings)
{
	for (size_t i = 0; bindings->page && i < BINDINGS_ROWS / PAGE_ROWS; i++)
		free(bindings->page[i]);
	free(bindings->page);
	bindings->page = NULL;
}

static int bind_row(struct bindings *bindings, uint64_t row, const struct coro_trace_bind *bind)
{
	struct binding **page;

	if (row == 0 || row >= BINDINGS_ROWS)
		return 0;
	if (!bindings->page) {
		bindings->page = calloc(BINDINGS_ROWS / PAGE_ROWS, sizeof(*bindings->page));
		if (!bindings->page)
			return -ENOMEM;
	}
	page = &bindings->page[row / PAGE_ROWS];
	if (!*page) {
		*page = calloc(PAGE_ROWS, sizeof(**page));
		if (!*page)
			return -ENOMEM;
	}
	(*page)[row % PAGE_ROWS] =
		(struct binding){.serial = bind->serial, .name = bind->name, .kind = bind->kind};
	return 0;
}

const struct binding *trace__bindings_find(const struct bindings *bindings, uint64_t row)
{
	const struct binding *page;

	if (!bindings->page || row == 0 || row >= BINDINGS_ROWS)
		return &nobody;
	page = bindings->page[row / PAGE_ROWS];
	return page ? &page[row % PAGE_ROWS] : &nobody;
}

int trace__bindings_apply(struct bindings *bindings, struct trace_event *event)
{
	const struct binding *binding;

	if (event->flags & CORO_SLOT_BIND) {
		int result = bind_row(bindings, event->co, &event->bind);

		if (result < 0)
			return result;
	}
	binding = trace__bindings_find(bindings, event->co);
	event->co = binding->serial;
	event->name = binding->name;
	event->object_kind = binding->kind;
	binding = trace__bindings_find(bindings, event->peer);
	event->peer = binding->serial;
	event->peer_name = binding->name;
	event->peer_kind = binding->kind;
	if (event->value.kind == CORO_VALUE_OBJECT) {
		binding = trace__bindings_find(bindings, event->value.object);
		event->value.object = binding->serial;
		event->value.type = binding->name;
		event->value.object_kind = binding->kind;
	}
	return 0;
}
