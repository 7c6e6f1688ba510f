#ifndef TUI_ROSTER_H
#define TUI_ROSTER_H
/*
 * roster.h - the rows of the tree of tasks, for any number of objects.
 *
 * Rows are made of all objects of a World. Of up to ROSTER_AT_ONCE that is done when it is asked for. Of
 * more it takes longer than a key may: a thread makes them of a copy of the World, which costs nothing,
 * and meanwhile the rows of before are shown; what stands in a row is said of the World of now.
 *
 *     roster_want(event 7) ──► thread: rows of 7 ──► roster_fd() is readable ──► roster_take()
 *     roster_want(event 8) ──► remembered: one at a time
 *
 * Invariant: `tree` is whole at all times, and belongs to the loop.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tracer/session.h>
#include "tree.h"

#define ROSTER_AT_ONCE 20000 /* objects */

struct roster_job;

struct roster {
	struct ui_tree tree;
	uint64_t of;           /* event that the tree was made for, + 1; 0: never */
	uint64_t kept;         /* the finished object that was kept in sight; 0: none */
	size_t tasks, bodies;  /* that live, folded or not */
	uint64_t most;         /* no serial in a row is greater */
	struct roster_job *job; /* owned; NULL: nobody makes rows */
	int fd;                /* an eventfd; -1: not needed yet */
};

void roster_init(struct roster *roster);
/* Waits for a thread that makes rows. */
void roster_done(struct roster *roster);
/* Rows of the session's World: now, or soon. `kept`: an object that is to be seen though it is finished; 0:
 * none. 0, or -errno: then the rows are as before. */
int roster_want(struct roster *roster, struct session *session, uint64_t kept,
                const struct ui_tree_folds *folds);
/* Readable when rows are there that were not made at once; -1: nobody makes any. */
int roster_fd(const struct roster *roster);
/* Takes them. Returns whether there were any; the tree may be of another event than the session's. */
bool roster_take(struct roster *roster);
/* Whether rows are being made. */
bool roster_is_late(const struct roster *roster);

#endif
