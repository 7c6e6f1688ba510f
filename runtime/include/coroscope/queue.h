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
 * Invariants
 * - Waiters are woken in the order in which they came, one for each item or free place.
 * - A waiter that is cancelled after it was woken wakes the next: no item is lost.
 * - A queue that was shut down gives what it holds, and then raises.
 *
 * Items are values, borrowed as everywhere: what a pointer or string points to must
 * live until it was got. Not for threads, and for one loop, as in sync.h.
 *
 * Rules Q1-Q5. Manual: "Queues" of Python's asyncio.
 */
#include <stdbool.h>
#include <stddef.h>
#include "coroutine.h"

#ifdef __cplusplus
extern "C" {
#endif

struct coro_queue;

/* An empty queue of at most `capacity` items; 0: no limit. Yours: free it with coro_queue_free().
 * NULL when memory is out. (rule Q1) */
#define coro_queue_new(capacity) coro__queue_new((capacity), NULL, CORO_SITE_HERE)
/* The same with a name, which is for the debugger, borrowed, and may be NULL. (rule Q1) */
#define coro_queue_new_named(capacity, name) coro__queue_new((capacity), (name), CORO_SITE_HERE)
CORO_API struct coro_queue *coro__queue_new(size_t capacity, const char *name, const char *site);

/* The same, last in, first out. (asyncio.LifoQueue, rule Q4) */
#define coro_lifo_queue_new(capacity, name) coro__lifo_queue_new((capacity), (name), CORO_SITE_HERE)
CORO_API struct coro_queue *coro__lifo_queue_new(size_t capacity, const char *name,
												 const char *site);

/* The same, the least item first: the one that comes before all others. NULL: as Python's `<` has
 * it, of numbers or of strings. (asyncio.PriorityQueue, rule Q4) */
typedef bool coro_before(coro_value left, coro_value right);
#define coro_priority_queue_new(capacity, before, name)                                            \
	coro__priority_queue_new((capacity), (before), (name), CORO_SITE_HERE)
CORO_API struct coro_queue *coro__priority_queue_new(size_t capacity, coro_before *before,
													 const char *name, const char *site);

/* Frees it; the items in it are the program's. A task that waits for it ends the program. NULL is
 * allowed. */
CORO_API void coro_queue_free(struct coro_queue *queue);

/* Puts an item, waiting for a place. None, or raised (CancelledError, MemoryError): then it is not
 * in the queue. QueueShutDown when it was shut down. A raised `item` is not put but returned.
 * (rules Q1, Q3, Q5) */
CORO_API coro_value coro_queue_put(struct coro_queue *queue, coro_value item);
/* Takes the next item, waiting for one. Raises QueueShutDown when none will come, or
 * CancelledError. (rules Q1, Q3, Q5) */
CORO_API coro_value coro_queue_get(struct coro_queue *queue);

CORO_API coro_value coro__queue_put_begin(struct coro__wait *wait, struct coro_queue *queue,
										  coro_value item);
CORO_API coro_value coro__queue_get_begin(struct coro__wait *wait, struct coro_queue *queue);
#define coro_queue_put(queue, item) CORO__WAIT(coro__queue_put_begin, (queue), (item))
#define coro_queue_get(queue)       CORO__WAIT(coro__queue_get_begin, (queue))

/* The same without waiting; raise QueueFull and QueueEmpty. A raised `item` is returned likewise.
 * (rules Q1, Q5) */
CORO_API coro_value coro_queue_put_nowait(struct coro_queue *queue, coro_value item);
CORO_API coro_value coro_queue_get_nowait(struct coro_queue *queue);

/* An item that was got is finished. None, or raised: ValueError when there are not so many.
 * (rule Q2) */
CORO_API coro_value coro_queue_task_done(struct coro_queue *queue);
#define coro_queue_task_done(...) CORO__CALLED((coro_queue_task_done)(__VA_ARGS__))
/* Waits until all items that were put are finished. None, or raised (CancelledError). (rule Q2) */
CORO_API coro_value coro_queue_join(struct coro_queue *queue);
#define coro_queue_join(...) CORO__CALLED((coro_queue_join)(__VA_ARGS__))

/* From now on nothing can be put, and getting raises QueueShutDown when the queue is empty. Who waits
 * is woken. `immediate`: the items are dropped, and count as finished. (rule Q5) */
CORO_API void coro_queue_shutdown(struct coro_queue *queue, bool immediate);

/* How many items there are, and may be, 0: any number. (rule Q1) */
CORO_API size_t coro_queue_size(const struct coro_queue *queue);
CORO_API size_t coro_queue_capacity(const struct coro_queue *queue);
/* Getting would wait; and putting. (rule Q1) */
CORO_API bool coro_queue_empty(const struct coro_queue *queue);
CORO_API bool coro_queue_full(const struct coro_queue *queue);

/* Calls that stay calls, see CORO__CALLED. */
#define coro_queue_put_nowait(queue, item) CORO__CALLED((coro_queue_put_nowait)((queue), (item)))
#define coro_queue_get_nowait(queue)       CORO__CALLED((coro_queue_get_nowait)((queue)))

#ifdef __cplusplus
}
#endif
#endif
