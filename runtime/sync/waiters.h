#ifndef CORO_SYNC_WAITERS_H
#define CORO_SYNC_WAITERS_H
/*
 * waiters.h - futures that queue for a lock or a queue, first come, first served.
 *
 *     first -> future of A <-> future of B <-> future of C <- last
 *
 * The list owns nothing: each future belongs to the call that waits with it.
 */
#include "../task/tasks.h"

struct coro__waiters {
	struct coro_future *first, *last;
};

static inline void coro__waiters_add(struct coro__waiters *waiters, struct coro_future *future)
{
	future->next = NULL;
	future->previous = waiters->last;
	if (waiters->last)
		waiters->last->next = future;
	else
		waiters->first = future;
	waiters->last = future;
	future->object.flags |= CORO__FUTURE_LISTED;
}

/* Does nothing to one that is not on the list (any more). */
static inline void coro__waiters_remove(struct coro__waiters *waiters, struct coro_future *future)
{
	if (!(future->object.flags & CORO__FUTURE_LISTED))
		return;
	if (future->previous)
		future->previous->next = future->next;
	else
		waiters->first = future->next;
	if (future->next)
		future->next->previous = future->previous;
	else
		waiters->last = future->previous;
	future->object.flags &= (uint8_t)~CORO__FUTURE_LISTED;
}

/* Takes waiters off until one was told; those that are done (cancelled) are passed over. */
static inline void coro__waiters_wake_next(struct coro__waiters *waiters, coro_value value)
{
	while (waiters->first) {
		struct coro_future *future = waiters->first;

		coro__waiters_remove(waiters, future);
		if (!coro__done(future)) {
			coro__future_complete(future, value, coro__actor_row(), 0);
			return;
		}
	}
}

#endif
