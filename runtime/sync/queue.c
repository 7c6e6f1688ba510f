/*
 * queue.c - the queue: a ring of values between two lines of waiters.
 *
 *     putters -> wait while full   [ . . 7 6 5 . ]   wait while empty <- getters
 *                                        ^     ^
 *                                      last  first
 *
 * Getting an item wakes the first putter, putting one the first getter. A woken waiter does
 * not own the item or the place: it looks again when it runs, and waits again if somebody was
 * faster. If it is cancelled instead of running, it wakes the next one of its line when there
 * is still something for it.
 */
#include <stdlib.h>
#include <coroscope/queue.h>
#include "waiters.h"

enum { FIRST_ROOM = 8 };

struct coro_queue {
	struct coro_object object;
	size_t capacity; /* 0: no limit */

	/* The ring: `count` items from `first` on. Room is a power of two, or 0. */
	coro_value *items; /* owned; exceptions among them are kept */
	size_t room, first, count;

	size_t unfinished; /* put, and not yet task_done */
	struct coro__waiters getters, putters, joiners;
};

static void check(const struct coro_queue *queue)
{
	coro__check_handle(queue ? &queue->object : NULL, CORO_OBJECT_QUEUE);
}

struct coro_queue *coro__queue_new(size_t capacity, const char *name, const char *site)
{
	struct coro_queue *queue = calloc(1, sizeof(*queue));
	struct coro_probe_value value = {.kind = CORO_VALUE_INT, .integer = (int64_t)capacity};

	if (!queue)
		return NULL;
	queue->capacity = capacity;
	coro_probe_object_init(&queue->object, CORO_OBJECT_QUEUE, name, site);
	queue->object.parent = coro__actor_row();
	coro_probe_event(&queue->object, CORO_EVENT_CREATE, CORO_STATE_OPEN, queue->object.parent,
					 CORO__SITE, &value);
	return queue;
}

void coro_queue_free(struct coro_queue *queue)
{
	if (!queue)
		return;
	check(queue);
	if (queue->getters.first || queue->putters.first || queue->joiners.first)
		coro__fatal("coro_queue_free: a task waits for the queue");
	while (queue->count--)
		coro_drop(queue->items[queue->first++ & (queue->room - 1)]);
	coro_probe_event(&queue->object, CORO_EVENT_DESTROY, CORO_STATE_NONE, 0, 0, NULL);
	coro_probe_object_done(&queue->object);
	free(queue->items);
	free(queue);
}

size_t coro_queue_size(const struct coro_queue *queue)
{
	check(queue);
	return queue->count;
}

size_t coro_queue_capacity(const struct coro_queue *queue)
{
	check(queue);
	return queue->capacity;
}

bool coro_queue_empty(const struct coro_queue *queue)
{
	check(queue);
	return queue->count == 0;
}

bool coro_queue_full(const struct coro_queue *queue)
{
	check(queue);
	return queue->capacity && queue->count >= queue->capacity;
}

/* ---- Items -------------------------------------------------------------- */

static bool grow(struct coro_queue *queue)
{
	size_t room = queue->room ? queue->room * 2 : FIRST_ROOM;
	coro_value *items = malloc(room * sizeof(coro_value));

	if (!items)
		return false;
	for (size_t i = 0; i < queue->count; i++)
		items[i] = queue->items[(queue->first + i) & (queue->room - 1)];
	free(queue->items);
	queue->items = items;
	queue->room = room;
	queue->first = 0;
	return true;
}

static coro_value put_now(struct coro_queue *queue, coro_value item, uintptr_t site)
{
	if (queue->count == queue->room && !grow(queue))
		return coro_raise(CORO_MemoryError, "out of memory");
	coro__event_value(&queue->object, CORO_EVENT_QUEUE_PUT, CORO_STATE_OPEN, coro__actor_row(),
					  site, item);
	queue->items[(queue->first + queue->count++) & (queue->room - 1)] = coro_keep(item);
	queue->unfinished++;
	coro__waiters_wake_next(&queue->getters, CORO_NONE);
	return CORO_NONE;
}

static coro_value get_now(struct coro_queue *queue, uintptr_t site)
{
	coro_value item = queue->items[queue->first & (queue->room - 1)];

	coro__event_value(&queue->object, CORO_EVENT_QUEUE_GET, CORO_STATE_OPEN, coro__actor_row(),
					  site, item);
	queue->first = (queue->first + 1) & (queue->room - 1);
	queue->count--;
	if (coro_kind(item) == CORO_VALUE_EXCEPTION) {
		/* From now on whoever got it keeps it valid, and not the queue. */
		coro__deliver_quietly(coro__current(), coro__raised_value(item));
		coro_drop(item);
	}
	coro__waiters_wake_next(&queue->putters, CORO_NONE);
	return item;
}

/* ---- Waiting ------------------------------------------------------------ */

static coro_value wait_in(struct coro_queue *queue, struct coro__waiters *waiters,
						  enum coro_reason reason, uintptr_t site)
{
	struct coro_future *future =
		coro__future_make(coro__loop_need("coro_queue"), reason, &queue->object, -1, NULL, site);
	coro_value result;
	bool cancelled;

	if (!future)
		return coro_raise(CORO_MemoryError, "out of memory");
	coro__waiters_add(waiters, future);
	result = coro__future_await(&future->object, site);
	cancelled = future->object.state == CORO_STATE_CANCELLED || !coro__done(future);
	coro__waiters_remove(waiters, future);
	coro__future_release(future);
	/* Woken and cancelled: what it was woken for is the next one's. */
	if (coro_raised(result) && !cancelled) {
		if (waiters == &queue->putters && !coro_queue_full(queue))
			coro__waiters_wake_next(waiters, CORO_NONE);
		else if (waiters == &queue->getters && queue->count)
			coro__waiters_wake_next(waiters, CORO_NONE);
	}
	return result;
}

coro_value(coro_queue_put)(struct coro_queue *queue, coro_value item)
{
	check(queue);
	CORO_TRY(coro__may_await());
	while (coro_queue_full(queue))
		CORO_TRY(wait_in(queue, &queue->putters, CORO_REASON_QUEUE_PUT, CORO__SITE));
	return put_now(queue, item, CORO__SITE);
}

coro_value(coro_queue_get)(struct coro_queue *queue)
{
	check(queue);
	CORO_TRY(coro__may_await());
	while (!queue->count)
		CORO_TRY(wait_in(queue, &queue->getters, CORO_REASON_QUEUE_GET, CORO__SITE));
	return get_now(queue, CORO__SITE);
}

coro_value(coro_queue_put_nowait)(struct coro_queue *queue, coro_value item)
{
	check(queue);
	if (coro_queue_full(queue))
		return coro_raise(CORO_QueueFull, "%s", "");
	return put_now(queue, item, CORO__SITE);
}

coro_value(coro_queue_get_nowait)(struct coro_queue *queue)
{
	check(queue);
	if (!queue->count)
		return coro_raise(CORO_QueueEmpty, "%s", "");
	return get_now(queue, CORO__SITE);
}

coro_value coro_queue_task_done(struct coro_queue *queue)
{
	check(queue);
	if (!queue->unfinished)
		return coro_raise(CORO_ValueError, "task_done() called too many times");
	if (--queue->unfinished)
		return CORO_NONE;
	while (queue->joiners.first)
		coro__waiters_wake_next(&queue->joiners, coro_bool(true));
	return CORO_NONE;
}

coro_value coro_queue_join(struct coro_queue *queue)
{
	check(queue);
	CORO_TRY(coro__may_await());
	if (queue->unfinished)
		CORO_TRY(wait_in(queue, &queue->joiners, CORO_REASON_QUEUE_JOIN, CORO__SITE));
	return CORO_NONE;
}
