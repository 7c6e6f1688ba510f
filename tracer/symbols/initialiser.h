#ifndef TRACER_SYMBOLS_INITIALISER_H
#define TRACER_SYMBOLS_INITIALISER_H
/* initialiser.h - whether a frame stands in the initialiser of one of its variables. */
#include <stdbool.h>
#include <stdint.h>
#include <tracer/locals.h>

struct declaration {
	const char *name;
	uint32_t line, column; /* of the name; the column from 1, 0: not known */
};

/* `int got = coro_as_int(coro_yield(x));`: while the coroutine is suspended in there, `got` is not
 * initialised. Told by the source: from the name on there is `=`, and what stands between that and where the
 * frame is does not end the declaration. false: it is over, or the source does not tell. */
bool initialiser_goes_on(struct symbols *symbols, const struct locals_frame *frame,
                         const struct declaration *declaration);

#endif
