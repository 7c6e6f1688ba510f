/*
 * wait.c - wait and as_completed: looking at several futures without touching them.
 *
 *     futures   a    b    c        each tells the watch when it is done, in its turn
 *                \   |   /
 *     watch     counts down; enough: sets the waiter
 *                    |
 *     waiter    the future that the caller awaits; a timer may set it too
 *
 * as_completed has a queue in the place of the waiter: each future that is done goes into it, and
 * each coroutine that it hands out takes one out.
 */
#include <math.h>
#include <stdlib.h>
#include <coroscope/queue.h>
#include <coroscope/wait.h>
#include "watch.h"

/* ---- wait -------------------------------------------------------------- */

struct wait {
	struct coro__watch watch;
	struct coro_future *waiter; /* a reference */
	enum coro_return_when when;
	size_t left;
	struct coro_handle timer;
};

static bool failed(struct coro_future *future)
{
	if (future->object.state != CORO_STATE_FAILED)
		return false;
	future->object.flags |= CORO__FUTURE_RETRIEVED;
	return true;
}

static void one_is_done(struct coro__watch *watch, struct coro_future *future)
{
	struct wait *wait = (struct wait *)watch;

	wait->left--;
	if (wait->left && wait->when != CORO_FIRST_COMPLETED &&
		!(wait->when == CORO_FIRST_EXCEPTION && failed(future)))
		return;
	coro_handle_cancel(wait->timer);
	if (!coro__done(wait->waiter))
		coro__future_complete(wait->waiter, CORO_NONE, future->object.row, 0);
}

static void wait_freed(struct coro__watch *watch)
{
	coro__future_release(((struct wait *)watch)->waiter);
}

static struct coro_future *future_of(coro_value value, uintptr_t site)
{
	struct coro_object *object;

	if (coro_kind(value) != CORO_VALUE_OBJECT)
		return NULL;
	object = coro__object_here(value, site);
	if (object->kind != CORO_OBJECT_TASK && object->kind != CORO_OBJECT_FUTURE)
		return NULL;
	return (struct coro_future *)object;
}

static coro_value is_no_future(coro_value value, uintptr_t site)
{
	if (coro_kind(value) == CORO_VALUE_OBJECT &&
		coro__object_here(value, site)->kind == CORO_OBJECT_COROUTINE)
		return coro__raise_at(0, CORO_TypeError,
							  "Passing coroutines is forbidden, use tasks explicitly.");
	return coro__raise_at(0, CORO_AttributeError,
						  "'%s' object has no attribute 'add_done_callback'",
						  coro_type_name(value));
}

static coro_value check_futures(const coro_value *futures, size_t count, uintptr_t site)
{
	if (!count)
		return coro__raise_at(0, CORO_ValueError, "Set of Tasks/Futures is empty.");
	for (size_t i = 0; i < count; i++)
		if (!future_of(futures[i], site))
			return is_no_future(futures[i], site);
	return CORO_NONE;
}

coro_value(coro_wait)(const coro_value *futures, size_t count, enum coro_return_when when,
					  double timeout)
{
	struct coro_loop *loop = coro__loop_need("coro_wait", CORO__SITE);
	uintptr_t site = CORO__SITE;
	struct wait *wait;
	coro_value result;
	int64_t done = 0;

	CORO_TRY(coro__may_await());
	CORO_TRY(check_futures(futures, count, site));
	wait = coro__watch_new(loop, sizeof(*wait), count, one_is_done, wait_freed);
	if (!wait)
		return coro__raise_at(site, CORO_MemoryError, "out of memory");
	wait->when = when;
	wait->waiter = coro__future_make(loop, CORO_REASON_WAIT, NULL, -1, NULL, site);
	if (!wait->waiter) {
		wait->watch.freed = NULL;
		coro__watch_release(&wait->watch);
		return coro__raise_at(site, CORO_MemoryError, "out of memory");
	}
	if (!isinf(timeout)) {
		wait->timer = coro__release_later(wait->waiter, timeout, site);
		if (!wait->timer.memory) {
			coro__watch_release(&wait->watch);
			return coro__raise_at(site, CORO_MemoryError, "out of memory");
		}
	}
	for (size_t i = 0; i < count; i++) {
		struct coro_future *future = future_of(futures[i], site);

		if (future->mark == wait)
			continue;
		future->mark = wait;
		wait->left++;
		coro_probe_event(&wait->waiter->object, CORO_EVENT_AWAIT_CHILD, CORO_STATE_PENDING,
						 future->object.row, site, NULL);
		coro__watch_add(&wait->watch, future);
	}
	for (size_t i = 0; i < count; i++)
		future_of(futures[i], site)->mark = NULL;
	result = coro__future_await(wait->waiter, site);
	coro_handle_cancel(wait->timer);
	coro__watch_remove(&wait->watch);
	for (size_t i = 0; !coro_raised(result) && i < wait->watch.count; i++)
		done += coro__done(wait->watch.watchers[i].future);
	coro__watch_release(&wait->watch);
	return coro_raised(result) ? result : coro_int(done);
}

/* ---- as_completed ------------------------------------------------------ */

struct coro_completion {
	struct coro__watch watch;
	struct coro_queue *done; /* owned: futures; None: the time was over */
	size_t todo;             /* not in the queue yet */
	size_t left;             /* not handed out */
	struct coro_handle timer;
};

static void one_is_complete(struct coro__watch *watch, struct coro_future *future)
{
	struct coro_completion *completion = (struct coro_completion *)watch;

	if (!completion->todo)
		return;
	coro__queue_put_nowait_at(completion->done, coro_object(future), 0);
	if (!--completion->todo)
		coro_handle_cancel(completion->timer);
}

static void completion_freed(struct coro__watch *watch)
{
	coro__queue_free_at(((struct coro_completion *)watch)->done, 0);
}

static coro_value time_is_over(coro_value argument)
{
	struct coro_completion *completion = coro_as_ptr(argument);

	coro__watch_remove(&completion->watch);
	for (; completion->todo; completion->todo--)
		coro__queue_put_nowait_at(completion->done, CORO_NONE, 0);
	return CORO_NONE;
}

/* With room in the queue for all: what is done, must not be lost. NULL: memory is out. */
static struct coro_completion *completion_new(struct coro_loop *loop, size_t count, uintptr_t site)
{
	struct coro_completion *completion = coro__watch_new_in(
		CORO__SLOT_COMPLETION, loop, sizeof(*completion), count, one_is_complete, completion_freed);

	if (!completion)
		return NULL;
	completion->done = coro__queue_new_at(0, "as_completed", CORO_SITE_HERE, site);
	if (completion->done && coro__queue_reserve(completion->done, count))
		return completion;
	coro__watch_release(&completion->watch);
	return NULL;
}

struct coro_completion *coro_as_completed(const coro_value *awaitables, size_t count,
										  double timeout)
{
	struct coro_loop *loop = coro__loop_need("coro_as_completed", CORO__SITE);
	struct coro_completion *completion = completion_new(loop, count, CORO__SITE);
	bool failed = !completion;

	if (failed)
		coro__discard(awaitables, 0, count);
	for (size_t i = 0; !failed && i < count; i++) {
		coro_value error = CORO_NONE;
		struct coro_future *future;

		if (coro__same_coroutine(awaitables, i, CORO__SITE) < i)
			continue;
		future = coro__ensure_future(loop, awaitables[i], &error, CORO__SITE);
		if (!future) {
			if (!coro_is(error, CORO_MemoryError))
				coro__mistake(CORO__SITE, "coro_as_completed: %s", coro_message(error));
			coro__discard(awaitables, i + 1, count);
			failed = true;
			break;
		}
		if (future->mark != completion) {
			future->mark = completion;
			if (completion->done)
				coro_probe_event((struct coro_object *)completion->done, CORO_EVENT_AWAIT_CHILD,
								 CORO_STATE_OPEN, future->object.row, CORO__SITE, NULL);
			coro__watch_add(&completion->watch, future);
		}
		coro__future_release(future);
	}
	if (!completion)
		return NULL;
	completion->todo = completion->left = completion->watch.count;
	for (size_t i = 0; i < completion->left; i++)
		completion->watch.watchers[i].future->mark = NULL;
	if (!failed && completion->todo && !isinf(timeout)) {
		completion->timer =
			coro__loop_call_after(loop, timeout, time_is_over, coro_ptr(completion), CORO__SITE);
		failed = !completion->timer.memory && !loop->ending;
	}
	if (!failed)
		return coro__handle(completion);
	coro_as_completed_free(completion);
	return NULL;
}

static coro_value wait_for_one(coro_value argument)
{
	struct coro_completion *completion =
		coro__check(coro_as_ptr(argument), CORO__SLOT_COMPLETION, 0);
	coro_value future = CORO_TRY(coro__queue_get_at(completion->done, 0));

	if (coro_is_none(future))
		return coro__raise_at(0, CORO_TimeoutError, "%s", "");
	return coro__future_result((struct coro_future *)coro__object_of(future, 0), 0);
}

struct coro_generator *coro_as_completed_next(struct coro_completion *completion)
{
	void *handle = completion;
	struct coro_generator *next = NULL;

	CORO__CHECK(completion, CORO__SLOT_COMPLETION);
	if (completion->left)
		next =
			coro__coroutine_at(wait_for_one, coro_ptr(handle), "_wait_for_one", NULL, CORO__SITE);
	if (next)
		completion->left--;
	return coro__handle(next);
}

size_t coro_as_completed_left(const struct coro_completion *completion)
{
	CORO__CHECK(completion, CORO__SLOT_COMPLETION);
	return completion->left;
}

void coro_as_completed_free(struct coro_completion *completion)
{
	if (!completion)
		return;
	CORO__CHECK(completion, CORO__SLOT_COMPLETION);
	if (coro__queue_is_waited_for(completion->done))
		coro__mistake(CORO__CALLER, "coro_as_completed is freed while a task waits for it");
	coro__slot_retire(completion);
	completion->todo = 0;
	if (!completion->watch.ended) {
		coro_handle_cancel(completion->timer);
		coro__watch_remove(&completion->watch);
	}
	coro__watch_release(&completion->watch);
}

/* ---- Whom a future waits for -------------------------------------------- */

/* Does this watch set that future? */
static bool sets(struct coro__watch *watch, const struct coro_future *waiter)
{
	if (watch->told == one_is_done)
		return ((struct wait *)watch)->waiter == waiter;
	return watch->told == one_is_complete && waiter->waited &&
		   (const void *)((struct coro_completion *)watch)->done == waiter->waited;
}

size_t coro__wait_awaited(const struct coro_future *waiter, struct coro_future **ret, size_t room)
{
	struct coro__watch *watch = waiter->loop->watches;
	size_t count = 0;

	while (watch && !sets(watch, waiter))
		watch = watch->next;
	for (size_t i = 0; watch && i < watch->count; i++) {
		const struct coro__watcher *watcher = &watch->watchers[i];

		if (!watcher->listed || coro__done(watcher->future))
			continue;
		if (count < room)
			ret[count] = watcher->future;
		count++;
	}
	return count;
}
