/*
 * gather.c - one future for many: done when all of its children are.
 *
 *     arguments   [ a, b, a, c ]
 *                   |  |  |  |
 *     places      [ 0, 1, 0, 2 ]          the child of each argument
 *
 *     children    a  b  c                 each once; its entry stands among the callbacks
 *                  \ | /                  of that future, and counts it as finished when
 *     outer       future  <- awaiter      its turn comes
 *
 * The children are kept alive by the gather, the gather by its children that are not
 * finished: also when the outer future is done early (an exception), somebody has to look at
 * the exceptions of the others, or they would be reported as lost.
 */
#include <stdlib.h>
#include "../core/check.h"
#include "tasks.h"

struct gather;

struct child {
	struct coro__entry entry;
	struct gather *gather;
	struct coro_future *future; /* a reference is held */
	bool listed;                /* its entry is on a list; it holds a reference to the gather */
};

struct gather {
	struct coro_future outer;
	bool return_exceptions;
	bool cancel_requested;
	struct coro__asking asking; /* while a request to cancel goes through it */
	size_t count;               /* arguments */
	size_t children;            /* different ones */
	size_t finished;
	struct coro_results results; /* what the outer future gives */
	size_t *places;
	struct child *child; /* owned */
};

static struct gather *gather_of(struct coro_future *outer)
{
	return (struct gather *)outer;
}

/* ---- Completion --------------------------------------------------------- */

static void complete_raised(struct gather *gather, coro_value error)
{
	coro__future_complete(&gather->outer, error, coro__actor_row(), 0);
	coro_drop(error);
}

/* As a result among results; an exception is kept for the gather. */
static coro_value result_of(struct coro_future *future)
{
	const char *message = future->cancel_message;

	if (future->object.state == CORO_STATE_DONE)
		return coro_keep(future->outcome);
	if (future->object.state == CORO_STATE_FAILED)
		return coro_caught(coro__future_error(future));
	if (message && *message)
		return coro_keep(coro_error(CORO_CancelledError, "%s", message));
	return coro_keep(coro_error_value(CORO_CancelledError, coro_str("")));
}

/* What CPython makes of a child that may have a result: the message of the last request to cancel
 * that it was given itself stays with it. */
static coro_value cancelled_error_of(struct coro_future *future)
{
	const char *message = NULL;

	if (future->object.state == CORO_STATE_CANCELLED)
		return coro__future_error(future);
	if (coro__is_task(future))
		message = ((struct coro_task *)future)->request_message;
	return coro__exception_new(CORO_CancelledError, "%s", message ? message : "");
}

static void complete(struct gather *gather)
{
	if (gather->cancel_requested) {
		for (size_t i = 0; i < gather->children; i++)
			gather->child[i].future->object.flags |= CORO__FUTURE_RETRIEVED;
		complete_raised(
			gather, cancelled_error_of(gather->child[gather->places[gather->count - 1]].future));
		return;
	}
	for (size_t i = 0; i < gather->count; i++) {
		struct coro_future *future = gather->child[gather->places[i]].future;

		gather->results.values[i] = result_of(future);
	}
	coro__future_complete(&gather->outer, coro_typed_ptr(&gather->results, "list"),
						  coro__actor_row(), 0);
}

static void child_finished(struct gather *gather, struct coro_future *future)
{
	gather->finished++;
	if (coro__done(&gather->outer)) {
		future->object.flags |= CORO__FUTURE_RETRIEVED;
		return;
	}
	if (!gather->return_exceptions && future->object.state != CORO_STATE_DONE)
		complete_raised(gather, coro__future_error(future));
	else if (gather->finished == gather->children)
		complete(gather);
}

void coro__gather_child_run(struct coro_loop *loop, struct coro__entry *entry)
{
	struct child *child = (struct child *)entry;
	struct gather *gather = child->gather;

	coro_probe_event(&loop->object, CORO_EVENT_CALLBACK, CORO_STATE_RUNNING,
					 gather->outer.object.row, 0, NULL);
	child->listed = false;
	child_finished(gather, child->future);
	coro__future_release(&gather->outer);
}

void coro__gather_child_drop(struct coro__entry *entry)
{
	struct child *child = (struct child *)entry;

	child->listed = false;
	coro__future_release(&child->gather->outer);
}

struct coro__asking *coro__gather_asking(struct coro_future *outer)
{
	return &gather_of(outer)->asking;
}

struct coro_future *coro__gather_argument(struct coro_future *outer, size_t index)
{
	struct gather *gather = gather_of(outer);

	return index < gather->count ? gather->child[gather->places[index]].future : NULL;
}

size_t coro__gather_awaited(const struct coro_future *outer, struct coro_future **ret, size_t room)
{
	const struct gather *gather = (const struct gather *)outer;
	size_t count = 0;

	for (size_t i = 0; i < gather->children; i++) {
		if (coro__done(gather->child[i].future))
			continue;
		if (count < room)
			ret[count] = gather->child[i].future;
		count++;
	}
	return count;
}

void coro__gather_cancelling(struct coro_future *outer)
{
	gather_of(outer)->cancel_requested = true;
}

/* ---- Life --------------------------------------------------------------- */

static void unlink_gather(struct coro_loop *loop, struct coro_future *outer)
{
	if (outer->previous)
		outer->previous->next = outer->next;
	else
		loop->gathers = outer->next;
	if (outer->next)
		outer->next->previous = outer->previous;
}

static void free_gather(struct gather *gather)
{
	free(gather->results.values);
	free(gather->places);
	free(gather->child);
	coro__slot_give(CORO__SLOT_GATHER, gather);
}

static void release_children(struct gather *gather)
{
	while (gather->children)
		coro__future_release(gather->child[--gather->children].future);
	gather->count = 0;
}

void coro__gather_free(struct coro_future *outer)
{
	struct gather *gather = gather_of(outer);

	coro__future_done(outer);
	unlink_gather(outer->loop, outer);
	if (gather->results.values)
		for (size_t i = 0; i < gather->results.count; i++)
			coro_drop(gather->results.values[i]);
	release_children(gather);
	free_gather(gather);
}

void coro__gathers_done(struct coro_loop *loop)
{
	struct coro_future *outer = loop->gathers;

	while (outer) {
		struct gather *gather = gather_of(outer);
		bool dropped = gather->children != 0;

		outer->references++;
		for (size_t i = 0; i < gather->children; i++) {
			struct child *child = &gather->child[i];

			if (!child->listed)
				continue;
			coro__entries_remove(&child->future->callbacks, &child->entry);
			coro__gather_child_drop(&child->entry);
		}
		/* Tasks end with their loop, whoever refers to them. */
		release_children(gather);
		struct coro_future *next = outer->next;
		coro__future_release(outer);
		/* A gather that is freed may free others with it. */
		outer = dropped ? loop->gathers : next;
	}
}

static struct gather *make(struct coro_loop *loop, size_t count, bool return_exceptions)
{
	struct gather *gather = coro__slot_take_clear(CORO__SLOT_GATHER, sizeof(*gather));

	if (!gather)
		return NULL;
	coro__slot_become(gather, CORO_OBJECT_FUTURE);
	gather->child = calloc(count + 1, sizeof(*gather->child));
	gather->places = calloc(count + 1, sizeof(*gather->places));
	gather->results.values = calloc(count + 1, sizeof(*gather->results.values));
	if (!gather->child || !gather->places || !gather->results.values) {
		free_gather(gather);
		return NULL;
	}
	for (size_t i = 0; i < count; i++)
		gather->results.values[i] = CORO_NONE;
	gather->results.count = count;
	gather->count = count;
	gather->return_exceptions = return_exceptions;
	return gather;
}

/* A child of a gather that there is not: nobody else will look at its exception. */
static coro_value look_at(coro_value child)
{
	struct coro_future *future = coro_as_ptr(child);

	future->object.flags |= CORO__FUTURE_RETRIEVED;
	return CORO_NONE;
}

/* Only what was made so far, when an argument was wrong. */
static void unmake(struct gather *gather)
{
	for (size_t i = 0; i < gather->children; i++) {
		struct coro_future *future = gather->child[i].future;

		future->mark = NULL;
		if (!coro__done(future))
			coro__future_add_done_callback(future, look_at, coro_ptr(future), NULL, 0);
	}
	release_children(gather);
	free_gather(gather);
}

/* The one that runs; while none does, that of the first argument, if it has one. */
static struct coro_loop *loop_of(const coro_value *awaitables, size_t count, uintptr_t site)
{
	if (!coro__loops.running && count && coro_kind(*awaitables) == CORO_VALUE_OBJECT) {
		const struct coro_object *object = coro__object_here(*awaitables, site);

		if (object->kind == CORO_OBJECT_FUTURE || object->kind == CORO_OBJECT_TASK)
			return ((const struct coro_future *)object)->loop;
	}
	return coro__loop_need("coro_gather", site);
}

static struct gather *gather_new(const coro_value *awaitables, size_t count, bool return_exceptions,
								 const char *site, uintptr_t pc, coro_value *ret_error)
{
	struct coro_loop *loop = loop_of(awaitables, count, pc);
	struct gather *gather = make(loop, count, return_exceptions);

	if (!gather) {
		coro__discard(awaitables, 0, count);
		*ret_error = coro__raise_at(pc, CORO_MemoryError, "out of memory");
		return NULL;
	}
	for (size_t i = 0; i < count; i++) {
		size_t before = coro__same_coroutine(awaitables, i, pc);
		struct coro_future *future;

		if (before < i) {
			gather->places[i] = gather->places[before];
			continue;
		}
		future = coro__ensure_future(loop, awaitables[i], ret_error, pc);
		if (!future) {
			coro__discard(awaitables, i + 1, count);
			unmake(gather);
			return NULL;
		}
		if (awaitables[i].pointer != future)
			future->object.flags |= CORO__FUTURE_QUIET;
		if (future->mark == gather) {
			coro__future_release(future);
		} else {
			future->mark = gather;
			future->mark_place = gather->children++;
			gather->child[future->mark_place].future = future;
		}
		gather->places[i] = future->mark_place;
	}
	for (size_t i = 0; i < gather->children; i++)
		gather->child[i].future->mark = NULL;

	struct coro_future *outer = &gather->outer;
	coro_probe_object_init(&outer->object, CORO_OBJECT_FUTURE, NULL, site);
	coro__future_init(outer, loop);
	outer->object.flags |= CORO__FUTURE_GATHER;
	outer->object.reason = CORO_REASON_GATHER;
	outer->object.parent = coro__actor_row();
	outer->previous = NULL;
	outer->next = loop->gathers;
	if (outer->next)
		outer->next->previous = outer;
	loop->gathers = outer;
	coro_probe_event(&outer->object, CORO_EVENT_FUTURE_NEW, CORO_STATE_PENDING, 0, pc, NULL);
	for (size_t i = 0; i < gather->children; i++) {
		struct child *child = &gather->child[i];

		child->entry.run = coro__gather_child_run;
		child->gather = gather;
		coro_probe_event(&outer->object, CORO_EVENT_AWAIT_CHILD, CORO_STATE_PENDING,
						 child->future->object.row, pc, NULL);
		if (coro__done(child->future))
			continue;
		child->listed = true;
		outer->references++;
		coro__entries_add(&child->future->callbacks, &child->entry);
	}
	/* What is done already counts at once, after the others are registered. */
	for (size_t i = 0; i < gather->children; i++)
		if (!gather->child[i].listed)
			child_finished(gather, gather->child[i].future);
	if (!count)
		coro__future_complete(outer, coro_typed_ptr(&gather->results, "list"), coro__actor_row(),
							  pc);
	return gather;
}

/* ---- Checking ----------------------------------------------------------- */

void coro__gather_check(const struct coro_future *outer)
{
	const struct gather *gather = (const struct gather *)outer;
	size_t listed = 0;

	CORO__HOLDS(gather->children <= gather->count && gather->finished <= gather->children,
				&outer->object, "a gather has no more children than arguments");
	for (size_t i = 0; i < gather->children; i++) {
		const struct child *child = &gather->child[i];

		CORO__HOLDS(child->gather == gather && child->future, &outer->object,
					"a child knows its gather");
		coro__count(CORO__REFERENCES, (uintptr_t)child->future);
		if (!child->listed)
			continue;
		listed++;
		coro__count(CORO__REFERENCES, (uintptr_t)outer);
	}
	CORO__HOLDS(outer->loop->ending || gather->finished + listed == gather->children,
				&outer->object, "each child of a gather is finished, or will be");
	for (size_t i = 0; i < gather->count; i++) {
		CORO__HOLDS(gather->places[i] < gather->children, &outer->object,
					"each argument of a gather has its child");
		coro__check_value(gather->results.values[i]);
	}
}

void coro__gather_check_counts(const struct coro_future *outer)
{
	const struct gather *gather = (const struct gather *)outer;

	for (size_t i = 0; i < gather->children; i++)
		CORO__HOLDS(coro__counted(CORO__LISTED, (uintptr_t)&gather->child[i].entry) ==
						gather->child[i].listed,
					&outer->object, "a child of a gather that is not finished is on a list");
}

/* ---- Use ---------------------------------------------------------------- */

struct coro_future *coro__gather_future_at(const coro_value *awaitables, size_t count,
										   bool return_exceptions, const char *site, uintptr_t call)
{
	coro_value error = CORO_NONE;
	struct gather *gather = gather_new(awaitables, count, return_exceptions, site, call, &error);

	if (!gather && !coro_is(error, CORO_MemoryError))
		coro__mistake(call, "coro_gather_future: %s", coro_message(error));
	return gather ? &gather->outer : NULL;
}

struct coro_future *coro__gather_future(const coro_value *awaitables, size_t count,
										bool return_exceptions, const char *site)
{
	return coro__own(
		coro__gather_future_at(awaitables, count, return_exceptions, site, CORO__SITE));
}

coro_value coro__gather(const coro_value *awaitables, size_t count, bool return_exceptions,
						coro_value *ret_values, const char *site)
{
	return coro__gather_at(awaitables, count, return_exceptions, ret_values, site, CORO__SITE);
}

coro_value coro__gather_at(const coro_value *awaitables, size_t count, bool return_exceptions,
						   coro_value *ret_values, const char *site, uintptr_t call)
{
	coro_value result = coro__may_await();
	struct coro_task *task = coro__current_task();
	struct gather *gather;
	bool keeps = false;

	if (coro_raised(result))
		return result;
	gather = gather_new(awaitables, count, return_exceptions, site, call, &result);
	if (!gather)
		return result;
	result = coro__future_await(&gather->outer, call);
	if (!coro_raised(result) && ret_values)
		for (size_t i = 0; i < count; i++) {
			ret_values[i] = gather->results.values[i];
			keeps |= coro_kind(ret_values[i]) == CORO_VALUE_EXCEPTION;
		}
	if (task && keeps) {
		if (task->last_gather)
			coro__future_release(task->last_gather);
		task->last_gather = &gather->outer;
	} else {
		coro__future_release(&gather->outer);
	}
	return coro_raised(result) ? result : CORO_NONE;
}
