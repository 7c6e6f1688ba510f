#ifndef CORO_TASKLETS_H
#define CORO_TASKLETS_H
/*
 * tasklets.h - the inside of tasklets: what tasklet.c and tasklet_channel.c share.
 *
 * A ring is a circle of tasklets of which one is the first; NULL is an empty one. A tasklet
 * is on one ring at most: the runnables, or those that wait at a channel.
 */
#include <coroscope/tasklet.h>
#include "body.h"

/* What a tasklet has besides its body. */
struct coro__tasklet {
	struct coro_generator *next, *previous;   /* on its ring; NULL: paused, over, or in run_all */
	struct coro_tasklet_channel *channel;     /* whose ring that is; NULL: the runnables */
	coro_function *function;                  /* NULL: it is the main one */
	bool given_up;                            /* nobody has the handle: it goes when it ends */
	bool runs_all;                            /* waits in coro_tasklet_run_all() */
	struct coro_generator *outer;             /* while it does: who began to before it, or NULL */

	/* While it does not run. */
	struct coro_generator *innermost; /* what runs in it: itself, or a body; NULL: main's own */
	uintptr_t site;                   /* where it waits */
	/* What its wait gives when it runs again; but of a tasklet that waits to send: what it sends.
	 * An exception is valid in the tasklet. */
	coro_value value;
};

/* A thread's. */
struct coro__tasklets {
	struct coro_generator *main; /* of coro__main_body_new() */
	struct coro__tasklet main_part;
	struct coro_generator *current;   /* the one that runs */
	struct coro_generator *runnables; /* ring; `current` is the first while it is on it */
	struct coro_generator *runs_all;  /* who waits in run_all, the last that began; or NULL */
};

static inline struct coro__tasklet *coro__tasklet_part(const struct coro_generator *body)
{
	return body->finalize_data;
}

/* The thread's, with a main tasklet; made when they are first asked for. NULL: no memory. */
struct coro__tasklets *coro__tasklets_need(void);

/* As the last of the ring; and out of it. */
void coro__ring_append(struct coro_generator **first, struct coro_generator *body);
void coro__ring_remove(struct coro_generator **first, struct coro_generator *body);

/* The tasklet that runs is about to stop at `site` in the program. */
void coro__tasklet_stops(struct coro__tasklets *tasklets, uintptr_t site);

/* What the wait of a tasklet will give, which has stopped. */
void coro__tasklet_give(struct coro_generator *body, coro_value value);

/* One that has stopped can run again: the last of the runnables. It has left its channel. */
void coro__tasklet_wakes(struct coro__tasklets *tasklets, struct coro_generator *body,
						 uint32_t peer);

/* The tasklet that runs stays in the ring, or leaves it to wait (for `peer`, a row, or 0). */
void coro__tasklet_is_ready(struct coro__tasklets *tasklets, uintptr_t site);
void coro__tasklet_waits(struct coro__tasklets *tasklets, uint32_t peer, uintptr_t site);

/* `body`, of the runnables, runs instead; or, after it left the ring, whoever can. Both give what
 * the wait of the tasklet that stopped gives. */
coro_value coro__tasklet_go(struct coro__tasklets *tasklets, struct coro_generator *body);
coro_value coro__tasklet_block(struct coro__tasklets *tasklets);

/* It is at the channel no more (tasklet_channel.c). */
void coro__tasklet_leave_channel(struct coro_generator *body);

/* It waits to send, not to receive. */
bool coro__tasklet_is_sending(const struct coro_generator *body);

#endif
