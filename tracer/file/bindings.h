#ifndef TRACER_FILE_BINDINGS_H
#define TRACER_FILE_BINDINGS_H
/*
 * bindings.h - who a row is, now.
 *
 * Programs name rows of their table, which they reuse. An event with a bind says who the
 * row of it is from then on; that holds, even after the object is gone, until the next one.
 */
#include <stddef.h>
#include <tracer/event.h>

/* Rows above this are nobody: a program has not so many, and a hostile one gets no memory. */
#define BINDINGS_ROWS (1u << 24)
#define BINDINGS_PAGE 256u /* rows of a page of a table */

/* Who a row is. */
struct binding {
	uint64_t serial; /* 0: nobody that is known */
	uint32_t name;   /* string id */
	uint8_t kind;    /* enum coro_object_kind */
};

struct binding_table {
	struct binding **page; /* owned, and what they point to; NULL: nobody was bound in it */
	uint32_t pages;
};

struct bindings {
	struct binding_table all;   /* of all rings */
	struct binding_table *ring; /* of each by itself; owned; NULL: there is one only */
	uint32_t first;             /* that one; valid if `all` has pages */
};

void trace__bindings_done(struct bindings *bindings);
/* From now on the row is this object, of the thread of that ring. 0 or -ENOMEM. */
int trace__bindings_bind(struct bindings *bindings, uint32_t ring, uint64_t row,
						 const struct coro_trace_bind *bind);
/* Takes the event's bind, if there is one, and replaces the rows in co, peer and value by
 * serials, with their names and kinds. 0 or -ENOMEM. */
int trace__bindings_apply(struct bindings *bindings, struct trace_event *event);
/* The object of that row is gone, as far as that ring is concerned. */
void trace__bindings_forget(struct bindings *bindings, uint32_t ring, uint64_t row);

extern const struct binding trace__nobody;

/* The place of a row that is bound; NULL: it is not. */
static inline struct binding *trace__binding_table_find(const struct binding_table *table,
														uint64_t row)
{
	struct binding *page = row / BINDINGS_PAGE < table->pages ? table->page[row / BINDINGS_PAGE]
															  : NULL;
	struct binding *binding = page ? &page[row % BINDINGS_PAGE] : NULL;

	return binding && binding->serial ? binding : NULL;
}

/* Who a row is now; borrowed until the next one is bound. */
static inline const struct binding *trace__bindings_find(const struct bindings *bindings,
														 uint32_t ring, uint64_t row)
{
	const struct binding *binding = NULL;

	if (row == 0 || row >= BINDINGS_ROWS)
		return &trace__nobody;
	if (bindings->ring && ring < CORO_RINGS)
		binding = trace__binding_table_find(&bindings->ring[ring], row);
	if (!binding)
		binding = trace__binding_table_find(&bindings->all, row);
	return binding ? binding : &trace__nobody;
}

#endif
