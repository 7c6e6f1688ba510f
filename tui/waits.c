/*
 * waits.c - follows the links of waiting downward, depth first.
 *
 * A deadlock is a circle of links: its second time round, whoever closes it is told, and not
 * followed again.
 */
#include <string.h>
#include "waits.h"

struct walk {
	const struct world *world;
	struct waits *waits;
	uint64_t first; /* whom the lines are about */
};

static void follow(const struct walk *walk, const struct world_object *object, unsigned depth);

/* Does a new line of that depth stand under this one? */
static bool stands_above(const struct walk *walk, uint64_t serial, unsigned depth)
{
	const struct waits *waits = walk->waits;

	for (size_t i = waits->count; i-- > 0 && depth > 0;) {
		if (waits->wait[i].depth >= depth)
			continue;
		depth = waits->wait[i].depth;
		if (waits->wait[i].serial == serial)
			return true;
	}
	return serial == walk->first;
}

/* Adds a line, and those under it. */
static void add(const struct walk *walk, uint64_t serial, unsigned depth, bool last, bool owner)
{
	const struct world_object *object = world_find(walk->world, serial);
	bool circle = stands_above(walk, serial, depth);

	if (walk->waits->count == WAITS_MOST) {
		walk->waits->cut = true;
		return;
	}
	walk->waits->wait[walk->waits->count++] = (struct wait){serial, depth, last, owner, circle};
	if (object && !circle)
		follow(walk, object, depth + 1);
}

static void follow_future(const struct walk *walk, const struct world_object *future,
						  unsigned depth)
{
	uint64_t children[WAITS_MOST];
	size_t count = world_children(walk->world, future->serial, children, WAITS_MOST);
	size_t seen = count < WAITS_MOST ? count : WAITS_MOST;

	walk->waits->cut |= count > seen;
	for (size_t i = 0; i < seen; i++)
		add(walk, children[i], depth, i + 1 == seen && !future->waits_on, false);
	if (future->waits_on)
		add(walk, future->waits_on, depth, true, false);
}

/* A group, or the queue of as_completed: its children that are not over. */
static void follow_pending(const struct walk *walk, const struct world_object *object,
						   unsigned depth)
{
	uint64_t children[WAITS_MOST];
	size_t count = world_children(walk->world, object->serial, children, WAITS_MOST), pending = 0;
	size_t seen = count < WAITS_MOST ? count : WAITS_MOST;

	walk->waits->cut |= count > seen;
	for (size_t i = 0; i < seen; i++)
		if (!world_is_over(walk->world, children[i]))
			children[pending++] = children[i];
	for (size_t i = 0; i < pending; i++)
		add(walk, children[i], depth, i + 1 == pending, false);
}

static void follow(const struct walk *walk, const struct world_object *object, unsigned depth)
{
	if (object->kind == CORO_OBJECT_TASK && object->state == CORO_STATE_SUSPENDED &&
		object->waits_on)
		add(walk, object->waits_on, depth, true, false);
	else if (object->kind == CORO_OBJECT_FUTURE && object->state == CORO_STATE_PENDING)
		follow_future(walk, object, depth);
	else if (object->kind == CORO_OBJECT_LOCK && object->owner)
		add(walk, object->owner, depth, true, true);
	else if (object->kind == CORO_OBJECT_GROUP || object->kind == CORO_OBJECT_QUEUE)
		follow_pending(walk, object, depth);
}

void waits_make(const struct world *world, uint64_t serial, struct waits *ret)
{
	const struct world_object *object = world_find(world, serial);
	struct walk walk = {world, ret, serial};

	ret->count = 0;
	ret->cut = false;
	if (object)
		follow(&walk, object, 0);
}
