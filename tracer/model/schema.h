#ifndef TRACER_MODEL_SCHEMA_H
#define TRACER_MODEL_SCHEMA_H
/*
 * schema.h - the columns of trace_events.def as sets, to judge an event by.
 */
#include <stdbool.h>
#include <stdint.h>
#include <coroscope/trace_abi.h>

struct schema {
	struct schema_kind {
		uint32_t rows;   /* bit k: object kind k may have such an event */
		uint16_t before; /* bit s: state s may be before it */
		uint16_t after;  /* bit s: state s may be after it; 0: the same as before */
	} kinds[CORO_EVENT_LIMIT];
};

void schema_init(struct schema *schema);

/* Does an event of this kind fit an object of this kind (0: not known) and these states?
 * An unknown kind of event fits everything. */
bool schema_fits(const struct schema *schema, unsigned kind, unsigned object_kind, unsigned prev,
				 unsigned next);

/* The set that a column of trace_events.def means: words with ", " between them; "any",
 * "any but ..."; -1: a word that is not known. For the test of trace_events.def. */
int64_t schema_object_kinds(const char *column);
int64_t schema_states(const char *column);

#endif
