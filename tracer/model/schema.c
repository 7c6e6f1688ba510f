/*
 * schema.c - the words of trace_events.def, read.
 */
#include <string.h>
#include <tracer/event.h>
#include "schema.h"

typedef const char *name_of(unsigned number);

/* The bit of the word at `word` of that length, -1 when it is none of the `limit` names. */
static int64_t bit_of(const char *word, size_t length, name_of *name, unsigned limit)
{
	for (unsigned i = 0; i < limit; i++)
		if (strlen(name(i)) == length && memcmp(name(i), word, length) == 0)
			return (int64_t)1 << i;
	return -1;
}

static int64_t set_of(const char *column, name_of *name, unsigned limit)
{
	static const char but[] = "any but ";
	const int64_t all = ((int64_t)1 << limit) - 1;
	int64_t set = 0;
	bool except = strncmp(column, but, sizeof(but) - 1) == 0;

	if (strcmp(column, "any") == 0)
		return all;
	if (except)
		column += sizeof(but) - 1;
	while (*column) {
		size_t length = strcspn(column, ",");
		int64_t bit = bit_of(column, length, name, limit);

		if (bit < 0)
			return -1;
		set |= bit;
		column += length;
		column += strspn(column, ", ");
	}
	return except ? all & ~set : set;
}

int64_t schema_object_kinds(const char *column)
{
	return set_of(column, trace_object_kind_name, CORO_OBJECT_LIMIT);
}

int64_t schema_states(const char *column)
{
	return set_of(column, trace_state_name, CORO_STATE_LIMIT);
}

static void set_kind(struct schema_kind *kind, const char *rows, const char *before,
					 const char *after)
{
	kind->rows = (uint32_t)schema_object_kinds(rows);
	/* asend and athrow are send and throw on an async generator. */
	if (kind->rows & 1u << CORO_OBJECT_GENERATOR)
		kind->rows |= 1u << CORO_OBJECT_ASYNC_GENERATOR;
	kind->before = (uint16_t)schema_states(before);
	kind->after = strcmp(after, "same") == 0 ? 0 : (uint16_t)schema_states(after);
}

/* The words are read once: whoever is first keeps what it has read for the others. Who comes
 * meanwhile reads them, too, for there is nothing here to wait with. */
enum { NOBODY_READ, BEING_KEPT, KEPT };
static int progress;
static struct schema kept; /* valid if and only if progress is KEPT */

static void read_words(struct schema *schema)
{
	memset(schema, 0, sizeof(*schema));
#define CORO_EVENT(number, NAME, name, row, peer, value, before, after, sentence)                  \
	set_kind(&schema->kinds[number], row, before, after);
#include <coroscope/trace_events.def>
#undef CORO_EVENT
}

void schema_init(struct schema *schema)
{
	int expected = NOBODY_READ;

	if (__atomic_load_n(&progress, __ATOMIC_ACQUIRE) == KEPT) {
		*schema = kept;
		return;
	}
	read_words(schema);
	if (__atomic_compare_exchange_n(&progress, &expected, BEING_KEPT, false, __ATOMIC_RELAXED,
									__ATOMIC_RELAXED)) {
		kept = *schema;
		__atomic_store_n(&progress, KEPT, __ATOMIC_RELEASE);
	}
}

bool schema_fits(const struct schema *schema, unsigned kind, unsigned object_kind, unsigned prev,
				 unsigned next)
{
	const struct schema_kind *known;

	if (kind == 0 || kind >= CORO_EVENT_LIMIT)
		return true;
	known = &schema->kinds[kind];
	if (object_kind && (object_kind >= 32 || !(known->rows >> object_kind & 1)))
		return false;
	if (prev >= 16 || next >= 16 || !(known->before >> prev & 1))
		return false;
	return known->after ? known->after >> next & 1 : next == prev;
}
