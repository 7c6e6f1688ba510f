#ifndef TUI_WAITS_H
#define TUI_WAITS_H
/*
 * waits.h - what something waits for, and what that waits for, down to the end.
 *
 *     future #13           gather 0/2        a task waits for a future or a task; a future
 *      ├ ann #10           put shelf         for its children, or for what it is about (a
 *      │  └ future #20     put shelf         queue, a lock, a task); a lock for its owner;
 *      │     └ shelf #4    2 of 2 items      a group and the queue of as_completed for
 *      └ bob #12           running           those of theirs that are not done.
 *
 * Whoever waits for itself in the end stands twice, and the second time says so.
 */
#include <tracer/world.h>

enum { WAITS_MOST = 64 };

struct wait {
	uint64_t serial;
	unsigned depth; /* 0: what the first one waits for */
	bool last;      /* of those under the same one */
	bool owner;     /* it stands there because it owns the one above */
	bool circle;    /* it stands above itself: what it waits for is not told again */
};

struct waits {
	struct wait wait[WAITS_MOST];
	size_t count;
	bool cut; /* there were more */
};

void waits_make(const struct world *world, uint64_t serial, struct waits *ret);

#endif
