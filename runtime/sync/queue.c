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
 *
 * A LIFO queue takes out at the other end. A priority queue keeps its items as a binary heap, with
 * the very steps of Python's heapq, which decide about the order of equals.
 */
#include <stdlib.h>
#include <coroscope/queue.h>
#include "waiters.h"

enum { FIRST_ROOM = 8 };

struct coro_queue {
	struct coro_object object;
	size_t capacity; /* 0: no limit */
	enum queue_order { FIRST_OUT, LAST_OUT, LEAST_OUT } order;
	coro_before *before; /* LEAST_OUT: which of two comes out earlier */
	bool shut;           /* coro_queue_shutdown() */

	/* The ring: `count` items from `first` on. Room is a power of two, or 0. LAST_OUT and
	 * LEAST_OUT begin at 0 and never wrap: a stack, a binary heap. */
	coro_value *items; /* owned; exceptions among them are kept */
	size_t room, first, count;

	size_t unfinished; /* put, and not yet task_done */
	struct coro__waiters getters, putters, joiners;
};

static struct coro_queue *queue_new(enum queue_order order, size_t capacity, const char *name,
									const char *site, uintptr_t pc)
{
	struct coro_queue *queue = coro__slot_take_clear(CORO_OBJECT_QUEUE, sizeof(*queue));
	struct coro_probe_value value = {.kind = CORO_VALUE_INT, .integer = (int64_t)capacity};

	if (!queue)
		return NULL;
	queue->capacity = capacity;
	queue->order = order;
	coro_probe_object_init(&queue->object, CORO_OBJECT_QUEUE, name, site);
	queue->object.parent = coro__actor_row();
	coro_probe_event(&queue->object, CORO_EVENT_CREATE, CORO_STATE_OPEN, queue->object.parent, pc,
					 &value);
	return queue;
}

struct coro_queue *coro__queue_new_at(size_t capacity, const char *name, const char *site,
									  uintptr_t call)
{
	return queue_new(FIRST_OUT, capacity, name, site, call);
}

struct coro_queue *coro__queue_new(size_t capacity, const char *name, const char *site)
{
	return coro__handle(coro__queue_new_at(capacity, name, site, CORO__SITE));
}

struct coro_queue *coro__lifo_queue_new(size_t capacity, const char *name, const char *site)
{
	return coro__handle(queue_new(LAST_OUT, capacity, name, site, CORO__SITE));
}

/* Python's `<` of numbers and strings. */
static bool less(coro_value left, coro_value right)
{
	int order;
	size_t length;

	if (coro_kind(left) != CORO_VALUE_STRING || coro_kind(right) != CORO_VALUE_STRING)
		return coro_as_float(left) < coro_as_float(right);
	length = coro_length(left) < coro_length(right) ? coro_length(left) : coro_length(right);
	order = length ? memcmp(coro_as_str(left), coro_as_str(right), length) : 0;
	return order ? order < 0 : coro_length(left) < coro_length(right);
}

struct coro_queue *coro__priority_queue_new(size_t capacity, coro_before *before, const char *name,
											const char *site)
{
	struct coro_queue *queue = queue_new(LEAST_OUT, capacity, name, site, CORO__SITE);

	if (queue)
		queue->before = before ? before : less;
	return coro__handle(queue);
}

bool coro__queue_is_waited_for(const struct coro_queue *queue)
{
	return queue->getters.inside || queue->putters.inside || queue->joiners.inside;
}

void coro__queue_free_at(struct coro_queue *queue, uintptr_t call)
{
	if (!queue)
		return;
	if (coro__queue_is_waited_for(queue))
		coro__misused(&queue->object, "is freed while a task waits for it", call);
	while (queue->count--)
		coro_drop(queue->items[queue->first++ & (queue->room - 1)]);
	coro_probe_event(&queue->object, CORO_EVENT_DESTROY, CORO_STATE_NONE, 0, 0, NULL);
	coro_probe_object_done(&queue->object);
	free(queue->items);
	coro__slot_give(CORO_OBJECT_QUEUE, queue);
}

void coro_queue_free(struct coro_queue *queue)
{
	if (queue)
		coro__queue_free_at(coro__check(queue, CORO_OBJECT_QUEUE, CORO__SITE), CORO__SITE);
}

size_t coro_queue_size(const struct coro_queue *queue)
{
	CORO__CHECK(queue, CORO_OBJECT_QUEUE);
	return queue->count;
}

size_t coro_queue_capacity(const struct coro_queue *queue)
{
	CORO__CHECK(queue, CORO_OBJECT_QUEUE);
	return queue->capacity;
}

bool coro_queue_empty(const struct coro_queue *queue)
{
	CORO__CHECK(queue, CORO_OBJECT_QUEUE);
	return queue->count == 0;
}

static inline bool is_full(const struct coro_queue *queue)
{
	return queue->capacity && queue->count >= queue->capacity;
}

bool coro_queue_full(const struct coro_queue *queue)
{
	CORO__CHECK(queue, CORO_OBJECT_QUEUE);
	return is_full(queue);
}

size_t coro__queue_capacity(const struct coro_queue *queue)
{
	return queue->capacity;
}

size_t coro__queue_unfinished(const struct coro_queue *queue)
{
	return queue->unfinished;
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

bool coro__queue_reserve(struct coro_queue *queue, size_t items)
{
	while (queue->room < items)
		if (!grow(queue))
			return false;
	return true;
}

/* heapq's _siftdown: the item at `at` rises until its parent comes out before it. */
static void rise(struct coro_queue *queue, size_t at)
{
	coro_value *items = queue->items, item = items[at];

	while (at && queue->before(item, items[(at - 1) / 2])) {
		items[at] = items[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	items[at] = item;
}

/* heapq's heappop: the hole at the top sinks to the bottom, the last item fills it and rises. */
static coro_value take_least(struct coro_queue *queue)
{
	coro_value *items = queue->items, least = items[0], last = items[--queue->count];
	size_t at = 0, count = queue->count;

	if (!count)
		return least;
	for (size_t child = 1; child < count; child = 2 * at + 1) {
		if (child + 1 < count && !queue->before(items[child], items[child + 1]))
			child++;
		items[at] = items[child];
		at = child;
	}
	items[at] = last;
	rise(queue, at);
	return least;
}

static coro_value take(struct coro_queue *queue)
{
	coro_value item;

	if (queue->order == LAST_OUT)
		return queue->items[--queue->count];
	if (queue->order == LEAST_OUT)
		return take_least(queue);
	item = queue->items[queue->first & (queue->room - 1)];
	queue->first = (queue->first + 1) & (queue->room - 1);
	queue->count--;
	return item;
}

static const coro_value *next_item(const struct coro_queue *queue)
{
	size_t at = queue->order == LAST_OUT ? queue->count - 1 : queue->first;

	return &queue->items[at & (queue->room - 1)];
}

static coro_value put_now(struct coro_queue *queue, coro_value item, uintptr_t site)
{
	if (queue->shut)
		return coro__raise_at(site, CORO_QueueShutDown, "%s", "");
	if (is_full(queue))
		return coro__raise_at(site, CORO_QueueFull, "%s", "");
	if (queue->count == queue->room && !grow(queue))
		return coro__raise_at(site, CORO_MemoryError, "out of memory");
	coro__event_value(&queue->object, CORO_EVENT_QUEUE_PUT, CORO_STATE_OPEN, coro__actor_row(),
					  site, item);
	queue->items[(queue->first + queue->count++) & (queue->room - 1)] = coro_keep(item);
	if (queue->order == LEAST_OUT)
		rise(queue, queue->count - 1);
	queue->unfinished++;
	coro__waiters_wake_next(&queue->getters, CORO_NONE);
	return CORO_NONE;
}

static coro_value get_now(struct coro_queue *queue, uintptr_t site)
{
	coro_value item;

	if (!queue->count)
		return coro__raise_at(site, queue->shut ? CORO_QueueShutDown : CORO_QueueEmpty, "%s", "");
	coro__event_value(&queue->object, CORO_EVENT_QUEUE_GET, queue->object.state, coro__actor_row(),
					  site, *next_item(queue));
	item = take(queue);
	if (coro_kind(item) == CORO_VALUE_EXCEPTION) {
		/* From now on whoever got it keeps it valid, and not the queue. */
		coro__deliver_quietly(coro__current(), coro__raised_value(item));
		coro_drop(item);
	}
	coro__waiters_wake_next(&queue->putters, CORO_NONE);
	return item;
}

/* ---- Waiting ------------------------------------------------------------ */

/* Begins to wait in one of the queue's lines; `go_on` finds the queue in wait->object. */
static inline coro_value wait_begin(struct coro__wait *wait, struct coro_queue *queue,
									struct coro__waiters *waiters, enum coro_reason reason,
									uintptr_t site,
									coro_value (*go_on)(struct coro__wait *wait, coro_value sent))
{
	struct coro_loop *loop = coro__loop_need("coro_queue", site);
	struct coro_future *future;

	/* As asyncio has it: the queue is bound, and the event that joins it. */
	CORO_TRY(coro__bind(waiters == &queue->putters ? &queue->getters.loop : &waiters->loop,
						&queue->object, loop, site));
	future = coro__future_make(loop, reason, &queue->object, -1, NULL, site);
	if (!future)
		return coro__raise_at(site, CORO_MemoryError, "out of memory");
	coro__waiters_add(waiters, future);
	waiters->inside++;
	wait->go_on = go_on;
	wait->object = queue;
	return coro__future_await_begin(wait, future, site);
}

/* None, or raised: the waiter has left the line. */
static coro_value wait_end(struct coro__wait *wait, struct coro__waiters *waiters, coro_value sent)
{
	struct coro_queue *queue = wait->object;
	struct coro_future *future = wait->awaited;
	coro_value result = coro__future_await_end(wait, sent);
	bool woken;

	waiters->inside--;
	if (CORO__LIKELY(!coro_raised(result))) {
		coro__future_release(future);
		return CORO_NONE;
	}
	woken = coro__done(future) && future->object.state != CORO_STATE_CANCELLED;
	/* asyncio cancels it here, and a loop that is closed cannot tell anybody. */
	if (!coro__done(future) && future->loop->ending)
		result = coro__raise_at(wait->site, CORO_RuntimeError, "Event loop is closed");
	coro__waiters_remove(waiters, future);
	coro__future_release(future);
	/* Woken and cancelled: what it was woken for is the next one's. */
	if (woken && ((waiters == &queue->putters && !is_full(queue)) ||
				  (waiters == &queue->getters && queue->count)))
		coro__waiters_wake_next(waiters, CORO_NONE);
	return result;
}

/* ---- Putting ------------------------------------------------------------ */

static coro_value put_woken(struct coro__wait *wait, coro_value sent);

static coro_value put_or_wait(struct coro__wait *wait, struct coro_queue *queue, uintptr_t site)
{
	if (is_full(queue) && !queue->shut)
		return wait_begin(wait, queue, &queue->putters, CORO_REASON_QUEUE_PUT, site, put_woken);
	return put_now(queue, wait->value, site);
}

static coro_value put_woken(struct coro__wait *wait, coro_value sent)
{
	struct coro_queue *queue = wait->object;

	CORO_TRY(wait_end(wait, &queue->putters, sent));
	return put_or_wait(wait, queue, wait->site);
}

static coro_value put_begin(struct coro__wait *wait, struct coro_queue *queue, coro_value item,
							uintptr_t site)
{
	CORO_TRY(item);
	CORO_TRY(coro__may_await());
	wait->value = item;
	return put_or_wait(wait, queue, site);
}

coro_value coro__queue_put_begin(struct coro__wait *wait, struct coro_queue *queue, coro_value item)
{
	CORO__CHECK(queue, CORO_OBJECT_QUEUE);
	return coro__wait_begun(wait, put_begin(wait, queue, item, CORO__SITE));
}

coro_value(coro_queue_put)(struct coro_queue *queue, coro_value item)
{
	struct coro__wait wait = {.self = NULL};

	CORO__CHECK(queue, CORO_OBJECT_QUEUE);
	return coro__wait_through(&wait, put_begin(&wait, queue, item, CORO__SITE));
}

/* ---- Getting ------------------------------------------------------------ */

static coro_value got_woken(struct coro__wait *wait, coro_value sent);

static coro_value get_or_wait(struct coro__wait *wait, struct coro_queue *queue, uintptr_t site)
{
	if (!queue->count && !queue->shut)
		return wait_begin(wait, queue, &queue->getters, CORO_REASON_QUEUE_GET, site, got_woken);
	return get_now(queue, site);
}

static coro_value got_woken(struct coro__wait *wait, coro_value sent)
{
	struct coro_queue *queue = wait->object;

	CORO_TRY(wait_end(wait, &queue->getters, sent));
	return get_or_wait(wait, queue, wait->site);
}

static coro_value get_begin(struct coro__wait *wait, struct coro_queue *queue, uintptr_t site)
{
	CORO_TRY(coro__may_await());
	return get_or_wait(wait, queue, site);
}

coro_value coro__queue_get_begin(struct coro__wait *wait, struct coro_queue *queue)
{
	CORO__CHECK(queue, CORO_OBJECT_QUEUE);
	return coro__wait_begun(wait, get_begin(wait, queue, CORO__SITE));
}

coro_value coro__queue_get_at(struct coro_queue *queue, uintptr_t site)
{
	struct coro__wait wait = {.self = NULL};

	return coro__wait_through(&wait, get_begin(&wait, queue, site));
}

coro_value(coro_queue_get)(struct coro_queue *queue)
{
	CORO__CHECK(queue, CORO_OBJECT_QUEUE);
	return coro__queue_get_at(queue, CORO__SITE);
}

/* ---- Without waiting ---------------------------------------------------- */

coro_value coro__queue_put_nowait_at(struct coro_queue *queue, coro_value item, uintptr_t site)
{
	CORO_TRY(item);
	return put_now(queue, item, site);
}

coro_value(coro_queue_put_nowait)(struct coro_queue *queue, coro_value item)
{
	CORO__CHECK(queue, CORO_OBJECT_QUEUE);
	return coro__queue_put_nowait_at(queue, item, CORO__SITE);
}

coro_value(coro_queue_get_nowait)(struct coro_queue *queue)
{
	CORO__CHECK(queue, CORO_OBJECT_QUEUE);
	return get_now(queue, CORO__SITE);
}

static void wake_all(struct coro__waiters *waiters, coro_value value)
{
	while (waiters->first)
		coro__waiters_wake_next(waiters, value);
}

void coro_queue_shutdown(struct coro_queue *queue, bool immediate)
{
	struct coro_probe_value dropped = {.kind = CORO_VALUE_INT};

	CORO__CHECK(queue, CORO_OBJECT_QUEUE);
	dropped.integer = (int64_t)queue->count;
	queue->shut = true;
	coro_probe_event(&queue->object, CORO_EVENT_QUEUE_SHUTDOWN, CORO_STATE_CLOSED,
					 coro__actor_row(), CORO__SITE, immediate ? &dropped : NULL);
	if (immediate) {
		while (queue->count) {
			coro_drop(take(queue));
			if (queue->unfinished)
				queue->unfinished--;
		}
		if (!queue->unfinished)
			wake_all(&queue->joiners, coro_bool(true));
	}
	wake_all(&queue->getters, CORO_NONE);
	wake_all(&queue->putters, CORO_NONE);
}

coro_value(coro_queue_task_done)(struct coro_queue *queue)
{
	struct coro_probe_value left = {.kind = CORO_VALUE_INT};

	CORO__CHECK(queue, CORO_OBJECT_QUEUE);
	if (!queue->unfinished)
		return coro__raise_at(CORO__SITE, CORO_ValueError, "task_done() called too many times");
	if (CORO__UNLIKELY(coro__somebody_looks())) {
		left.integer = (int64_t)queue->unfinished - 1;
		coro_probe_event(&queue->object, CORO_EVENT_QUEUE_TASK_DONE, queue->object.state,
						 coro__actor_row(), CORO__SITE, &left);
	}
	if (--queue->unfinished)
		return CORO_NONE;
	wake_all(&queue->joiners, coro_bool(true));
	return CORO_NONE;
}

static coro_value joined(struct coro__wait *wait, coro_value sent)
{
	struct coro_queue *queue = wait->object;

	return wait_end(wait, &queue->joiners, sent);
}

coro_value(coro_queue_join)(struct coro_queue *queue)
{
	struct coro__wait wait = {.self = NULL};

	CORO__CHECK(queue, CORO_OBJECT_QUEUE);
	CORO_TRY(coro__may_await());
	if (!queue->unfinished)
		return CORO_NONE;
	return coro__wait_through(&wait, wait_begin(&wait, queue, &queue->joiners,
												CORO_REASON_QUEUE_JOIN, CORO__SITE, joined));
}

/* ---- Checking ----------------------------------------------------------- */

void coro__queue_check(const struct coro_queue *queue)
{
	CORO__HOLDS(queue->count <= queue->room && !(queue->room & (queue->room - 1)), &queue->object,
				"the ring of a queue has room for its items, a power of two");
	CORO__HOLDS(!queue->capacity || queue->count <= queue->capacity, &queue->object,
				"a queue holds no more than its capacity");
	CORO__HOLDS(queue->order == FIRST_OUT || !queue->first, &queue->object,
				"a stack and a heap begin at 0");
	CORO__HOLDS(queue->shut == (queue->object.state == CORO_STATE_CLOSED), &queue->object,
				"a queue that was shut down is closed");
	for (size_t i = 0; i < queue->count; i++)
		coro__check_value(queue->items[(queue->first + i) & (queue->room - 1)]);
	coro__waiters_check(&queue->getters, &queue->object);
	coro__waiters_check(&queue->putters, &queue->object);
	coro__waiters_check(&queue->joiners, &queue->object);
	CORO__HOLDS(!queue->shut || (!queue->getters.first && !queue->putters.first), &queue->object,
				"nobody waits for a queue that was shut down");
	CORO__HOLDS(queue->unfinished || !queue->joiners.first, &queue->object,
				"nobody waits for the last item of a queue when all are finished");
}
