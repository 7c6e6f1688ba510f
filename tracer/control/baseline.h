#ifndef TRACER_CONTROL_BASELINE_H
#define TRACER_CONTROL_BASELINE_H
/*
 * baseline.h - what a program had when the debugger came: of each thread, once it has answered.
 *
 * Invariants
 * - A ring is read if and only if it is taken: its thread has answered, and what it had is in the
 *   trace, in a table of rows.
 * - Events that a row of that table had already are passed over.
 */
#include <stdbool.h>
#include <stdint.h>
#include <tracer/live.h>
#include <tracer/trace.h>

struct baseline;

/* NULL: out of memory. */
struct baseline *baseline_new(void);
void baseline_free(struct baseline *baseline);
/* What taking needs besides. */
struct baseline_help {
	void (*take_strings)(void *context); /* puts the program's strings into the trace */
	/* That place is not the program's, but in the library: where somebody looked when the body
	 * was suspended, its switch stands there. NULL: nobody can tell. */
	bool (*is_library)(void *context, uint32_t site);
	void *context;
};
/* Takes all rings whose threads have answered by now. 0 or -errno. */
int baseline_take(struct baseline *baseline, struct live *live, struct trace *trace,
				  const struct baseline_help *help);
bool baseline_has(const struct baseline *baseline, unsigned ring);
/* The index from which on the World is exact: the table had nothing that is newer. */
uint64_t baseline_exact_from(const struct baseline *baseline, unsigned ring);
/* Of `count` slots from `index` on, whole events: how many, from the first one on, are to be treated
 * alike; *ret_old: passed over, for they were in the table. */
unsigned baseline_run(struct baseline *baseline, unsigned ring, uint64_t index,
					  const struct coro_trace_slot *slots, unsigned count, bool *ret_old);

#endif
