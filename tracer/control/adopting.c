/*
 * adopting.c - objects that were there before the trace knew of them, into a World.
 *
 * A table of them stands between two events. Whoever applies the first one adopts after it,
 * wherever he goes from there; and who goes on from there, or waits there, adopts again: it may be
 * that the table came later than he.
 */
#include "session_private.h"

int adopt_present(struct world *world, struct trace *trace, uint64_t n)
{
	const struct trace_row *rows;
	uint64_t after;
	size_t count;

	for (size_t i = 0; trace_rows(trace, i, &after, &rows, &count) >= 0 && after <= n; i++) {
		int r = after == n ? world_adopt(world, rows, count) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}
