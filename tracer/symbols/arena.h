#ifndef TRACER_SYMBOLS_ARENA_H
#define TRACER_SYMBOLS_ARENA_H
/*
 * arena.h - memory that is freed together, up to a bound.
 *
 * What is taken for a moment is given back by going back to a mark.
 */
#include <stdbool.h>
#include <stddef.h>

struct arena_chunk;
struct arena {
	struct arena_chunk *last; /* owned; the one that is filled */
	size_t used;              /* bytes of all chunks */
	size_t most;              /* what `used` may be */
	bool failed;              /* something could not be given: what was made of it says so little
	                             that it must not be believed */
};
struct arena_mark {
	struct arena_chunk *last;
	size_t filled;
};

/* Zeroed, aligned for anything. NULL: memory is out, or the bound is reached. */
void *arena_take(struct arena *arena, size_t size);
/* A copy of a string. */
char *arena_string(struct arena *arena, const char *text);
struct arena_mark arena_mark(const struct arena *arena);
void arena_return(struct arena *arena, struct arena_mark mark);
void arena_done(struct arena *arena);

#endif
