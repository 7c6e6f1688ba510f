#ifndef COROSCOPE_QUEUE_H
#define COROSCOPE_QUEUE_H
/*
 * queue.h - handing work from task to task.
 *
 * A queue holds values, first in, first out, at most `capacity` of them. Putting waits
 * while it is full, getting while it is empty: a fast producer is slowed down to the
 * pace of its consumers.
 *
 *     producer --put--> [ 3 | 2 | 1 ] --get--> consumer --task_done--> join
 *
 * Each item put is unfinished until somebody calls coro_queue_task_done for it;
 * coro_queue_join waits until nothing is.
 *
 * Invariants (rules Q1-Q3)
 * - Waiters are woken in the order in which they came, one for each item or free place.
 * - A waiter that is cancelled after it was woken wakes the next: no item is lost.
 *
 * Items are values, borrowed as everywhere: what a pointer or string points to must
 * live until it was got. Not for threads.
 *
 * Manual: "Queues" of Python's asyncio.
 */
#include <stdbool.h>
#include <stddef.h>
#include "coroutine.h"

#ifdef __cplusplus
extern "C" {
#endif

struct coro_queue;

/* An empty queue; capacity 0: no limit. */
#define coro_queue_new(capacity) coro__queue_new((capacity), NULL, CORO_SITE_HERE)
/* `name` is for the debugger, borrowed, and may be NULL. */
#define coro_queue_new_named(capacity, name) coro__queue_new((capacity), (name), CORO_SITE_HERE)
CORO_API struct coro_queue *coro__queue_new(size_t capacity, const char *name, const char *site);

/* Nobody may wait for it. NULL is allowed. */
CORO_API void coro_queue_free(struct coro_queue *queue);

/* Puts an item, waiting for a place. None, or raised (CancelledError): then it is not
 * in the queue. */
CORO_API coro_value coro_queue_put(struct coro_queue *queue, coro_value item);
/* Takes the oldest item, waiting for one. */
CORO_API coro_value coro_queue_get(struct coro_queue *queue);

/* The same without waiting; raise QueueFull and QueueEmpty. */
CORO_API coro_value coro_queue_put_nowait(struct coro_queue *queue, coro_value item);
CORO_API coro_value coro_queue_get_nowait(struct coro_queue *queue);

/* An item that was got is finished. ValueError when there are not so many. */
CORO_API coro_value coro_queue_task_done(struct coro_queue *queue);
/* Waits until all items that were put are finished. */
CORO_API coro_value coro_queue_join(struct coro_queue *queue);

CORO_API size_t coro_queue_size(const struct coro_queue *queue);
CORO_API size_t coro_queue_capacity(const struct coro_queue *queue);
CORO_API bool coro_queue_empty(const struct coro_queue *queue);
CORO_API bool coro_queue_full(const struct coro_queue *queue);

/* Calls that stay calls, see CORO__CALLED. */
#define coro_queue_put(queue, item)        CORO__CALLED((coro_queue_put)((queue), (item)))
#define coro_queue_get(queue)              CORO__CALLED((coro_queue_get)((queue)))
#define coro_queue_put_nowait(queue, item) CORO__CALLED((coro_queue_put_nowait)((queue), (item)))
#define coro_queue_get_nowait(queue)       CORO__CALLED((coro_queue_get_nowait)((queue)))

#ifdef __cplusplus
}
#endif
#endif
