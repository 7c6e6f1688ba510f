#ifndef CORO_TASK_WATCH_H
#define CORO_TASK_WATCH_H
/*
 * watch.h - callbacks of the runtime's own on several futures at once.
 *
 *     watch   [ told, references, count ]
 *     watchers[ . | . | . ]       each stands among the callbacks of its future, or, when
 *               |   |   |         that is done, in the ready queue
 *               a   b   c
 *
 * Each watcher that is on a list holds a reference to the watch, and the watch one to each of its
 * futures. Taking a watch back removes the watchers of futures that are not done; what is in the
 * ready queue already runs, as in asyncio.
 */
#include "tasks.h"

struct coro__watch;

struct coro__watcher {
	struct coro__entry entry;
	struct coro__watch *watch;
	struct coro_future *future; /* a reference is held; NULL: not in use */
	bool listed;                /* on a list */
};

struct coro__watch {
	struct coro_loop *loop;
	uint32_t references; /* its maker's, and one of each listed watcher */
	/* A future is done, and its turn in the ready queue has come. */
	void (*told)(struct coro__watch *watch, struct coro_future *future);
	void (*freed)(struct coro__watch *watch); /* NULL: nothing to do */
	struct coro__watch *previous, *next;      /* the loop's watches */
	bool ended; /* the loop has ended: no future is held any more, nor watched */
	unsigned slot; /* the kind of slot that it stands in; 0: none, but memory of its own */
	size_t count;
	struct coro__watcher *watchers; /* behind the structure that embeds the watch; of one in a
									   slot owned */
};

/* Memory for a structure of `size` bytes that begins with a watch, and `count` watchers. One
 * reference. NULL when memory is out. */
void *coro__watch_new(struct coro_loop *loop, size_t size, size_t count,
					  void (*told)(struct coro__watch *watch, struct coro_future *future),
					  void (*freed)(struct coro__watch *watch));
/* The same in a slot, for what the program has a handle of. */
void *coro__watch_new_in(unsigned slot, struct coro_loop *loop, size_t size, size_t count,
						 void (*told)(struct coro__watch *watch, struct coro_future *future),
						 void (*freed)(struct coro__watch *watch));
/* Watches a future with the next free watcher. */
void coro__watch_add(struct coro__watch *watch, struct coro_future *future);
/* Takes back what can be. */
void coro__watch_remove(struct coro__watch *watch);
void coro__watch_remove_one(struct coro__watch *watch, struct coro_future *future);
void coro__watch_release(struct coro__watch *watch) __attribute__((noinline));

/* Of the entry of a watcher. */
void coro__watcher_run(struct coro_loop *loop, struct coro__entry *entry);
void coro__watcher_drop(struct coro__entry *entry);
/* The loop ends: no future will be done any more. */
void coro__watches_done(struct coro_loop *loop);

/* A timer that sets `future` to None, unless that is done. {NULL} without memory. */
struct coro_handle coro__release_later(struct coro_future *future, double delay, uintptr_t site);

#endif
