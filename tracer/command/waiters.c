/*
 * waiters.c - who waits for a lock, a queue and the like, told from its side.
 *
 * A task that waits for one awaits a future that was made for it:
 *
 *     ann #10 ──waits on──► future #24 (put) ──for──► shelf #4
 *
 * so the tasks are looked at once, and what they found is sorted by what they wait for. A select
 * waits for several channels, and is told by each.
 */
#include <stdlib.h>
#include "command_private.h"

void waiters_done(struct waiters *waiters)
{
	free(waiters->list);
	*waiters = (struct waiters){0};
}

/* Whether others wait for such an object by name. */
static bool is_shared(const struct world_object *object)
{
	switch (object->kind) {
	case CORO_OBJECT_LOCK:
	case CORO_OBJECT_QUEUE:
	case CORO_OBJECT_CHANNEL:
	case CORO_OBJECT_EVENT:
	case CORO_OBJECT_SEMAPHORE:
	case CORO_OBJECT_CONDITION:
	case CORO_OBJECT_BARRIER:
		return true;
	}
	return false;
}

static int compare(const void *first, const void *second)
{
	const struct waiter *a = first, *b = second;

	if (a->about != b->about)
		return a->about < b->about ? -1 : 1;
	if (a->since != b->since)
		return a->since < b->since ? -1 : 1;
	return a->who < b->who ? -1 : a->who > b->who;
}

/* `task` waits, by `future`, for `about`. False: memory is out. */
static bool add_waiter(struct waiters *waiters, const struct world *world, uint64_t about,
					   const struct world_object *future, const struct world_object *task)
{
	const struct world_object *object = world_find(world, about);

	if (!object || !is_shared(object))
		return true;
	if (waiters->count == waiters->room) {
		size_t room = waiters->room ? waiters->room * 2 : 16;
		struct waiter *list = reallocarray(waiters->list, room, sizeof(*list));

		if (!list)
			return false;
		waiters->list = list;
		waiters->room = room;
	}
	waiters->list[waiters->count++] =
		(struct waiter){about, future->serial, task->serial, future->reason};
	return true;
}

/* The same for each channel of a select, once. */
static bool add_select(struct waiters *waiters, const struct world *world,
					   const struct world_object *future, const struct world_object *task)
{
	enum { MOST = 64 };
	uint64_t channels[MOST];
	size_t count = world_children(world, future->serial, channels, MOST);

	for (size_t i = 0; i < count && i < MOST; i++) {
		size_t same = 0;

		while (channels[same] != channels[i])
			same++;
		if (same == i && !add_waiter(waiters, world, channels[i], future, task))
			return false;
	}
	return true;
}

void waiters_collect(struct waiters *waiters, const struct world *world)
{
	for (const struct world_object *task = world_next(world, 0); task;
		 task = world_next(world, task->serial)) {
		const struct world_object *future = world_find(world, task->waits_on);

		if (task->kind != CORO_OBJECT_TASK || task->state != CORO_STATE_SUSPENDED || !future ||
			future->kind != CORO_OBJECT_FUTURE || future->state != CORO_STATE_PENDING)
			continue;
		if (!add_waiter(waiters, world, future->waits_on, future, task) ||
			(future->reason == CORO_REASON_SELECT && !add_select(waiters, world, future, task)))
			break;
	}
	if (waiters->count)
		qsort(waiters->list, waiters->count, sizeof(*waiters->list), compare);
}

/* The first that waits for it; the others follow. */
static size_t first_of(const struct waiters *waiters, uint64_t about)
{
	size_t low = 0, high = waiters->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (waiters->list[middle].about < about)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void waiters_add_text(const struct waiters *waiters, struct session *session,
					  const struct world_object *object, struct text *ret)
{
	const char *before = "";

	if (!is_shared(object))
		return;
	if (object->owner) {
		text_add(ret, "owner ");
		text_add_object(ret, session, object->owner);
		before = ", ";
	}
	for (size_t i = first_of(waiters, object->serial);
		 i < waiters->count && waiters->list[i].about == object->serial; i++) {
		text_add(ret, "%swaiting ", before);
		text_add_object(ret, session, waiters->list[i].who);
		text_add(ret, " (%s)", trace_reason_name(waiters->list[i].reason));
		before = ", ";
	}
}

void waiters_add_json(const struct waiters *waiters, const struct world_object *object, cJSON *json)
{
	cJSON *list;

	if (!is_shared(object))
		return;
	if (object->owner)
		json_add_number(json, "owner", object->owner);
	list = cJSON_AddArrayToObject(json, "waiters");
	for (size_t i = first_of(waiters, object->serial);
		 i < waiters->count && waiters->list[i].about == object->serial; i++)
		cJSON_AddItemToArray(list, cJSON_CreateNumber((double)waiters->list[i].who));
}
