/*
 * check.c - the loop's part of coro_check(): ready queue, timers, descriptors.
 */
#include "../core/check.h"
#include "../task/tasks.h"

size_t coro__entries_check(const struct coro__entries *entries, const struct coro_object *owner)
{
	struct coro__entry *const *link = &entries->first;
	size_t count = 0;

	for (; *link; link = &(*link)->next, count++) {
		CORO__HOLDS((*link)->run, owner, "an entry on a list has something to run");
		CORO__HOLDS(!coro__counted_all() || !coro__counted(CORO__LISTED, (uintptr_t)*link), owner,
					"an entry is on one list at most, and once");
		coro__count(CORO__LISTED, (uintptr_t)*link);
	}
	CORO__HOLDS(entries->last == link, owner, "a list of entries ends where the next is linked");
	return count;
}

static void check_descriptors(const struct coro_loop *loop)
{
	size_t waiters = 0;

	for (int fd = 0; fd < loop->descriptor_room; fd++) {
		const struct coro__descriptor *descriptor = loop->descriptors[fd];

		if (!descriptor)
			continue;
		coro__check_object(&descriptor->object);
		CORO__HOLDS(descriptor->fd == fd, &descriptor->object, "a descriptor stands at its number");
		for (int direction = 0; direction < 2; direction++) {
			const struct coro_future *future = descriptor->waiters[direction];

			if (!future)
				continue;
			waiters++;
			CORO__HOLDS(future->waited == &descriptor->object, &descriptor->object,
						"who waits for a descriptor says so");
		}
	}
	CORO__HOLDS(waiters == loop->descriptor_waiters, &loop->object,
				"who waits for descriptors is counted");
}

static void check_loop(void *object, void *count)
{
	const struct coro_loop *loop = object;

	/* Closed, and kept for those who still refer to it. */
	if (loop->object.magic != CORO_OBJECT_MAGIC)
		return;
	++*(size_t *)count;
	coro__check_object(&loop->object);
	CORO__HOLDS(coro__entries_check(&loop->ready, &loop->object) == loop->ready_count,
				&loop->object, "what is ready is counted");
	CORO__HOLDS(loop->batch <= loop->ready_count, &loop->object,
				"a turn runs no more than what is ready");
	CORO__HOLDS(coro__heap_is_whole(&loop->timers), &loop->object,
				"the heap of timers has its order, and each timer its place");
	CORO__HOLDS(!loop->running_hooks || loop->running || loop->ending, &loop->object,
				"a loop's hooks are in place while it runs");
	check_descriptors(loop);
	coro__live_generators_check(loop);
	coro__check_value(loop->interrupt);
}

static void check_callback(void *object, void *count)
{
	const struct coro__callback *callback = object;
	const struct coro__heap *timers = &callback->loop->timers;
	uint32_t position = callback->node.position;

	++*(size_t *)count;
	CORO__HOLDS(callback->serial, NULL, "a callback that is there has a number");
	CORO__HOLDS(callback->function || callback->future, NULL, "a callback has something to do");
	CORO__HOLDS(callback->timer == (position != CORO__HEAP_NOWHERE), NULL,
				"a timer is in the heap, and no other callback is");
	if (callback->timer) {
		coro__check_object(&callback->object);
		CORO__HOLDS(position < timers->count && timers->entries[position].node == &callback->node,
					&callback->object, "a timer is where it says in the heap of its loop");
		if (callback->future)
			coro__count(CORO__REFERENCES, (uintptr_t)callback->future);
	}
}

size_t coro__loop_check(void)
{
	size_t count = 0;

	coro__slots_walk(CORO_OBJECT_LOOP, check_loop, &count);
	coro__slots_walk(CORO__SLOT_CALLBACK, check_callback, &count);
	return count;
}

static void check_references(void *object, void *unused)
{
	const struct coro_loop *loop = object;

	(void)unused;
	CORO__HOLDS(loop->references >= coro__counted(CORO__REFERENCES, (uintptr_t)loop),
				loop->object.magic == CORO_OBJECT_MAGIC ? &loop->object : NULL,
				"a loop has a reference for each future and task");
}

static void check_listed(void *object, void *unused)
{
	const struct coro__callback *callback = object;

	(void)unused;
	CORO__HOLDS(coro__counted(CORO__LISTED, (uintptr_t)&callback->entry) == !callback->timer, NULL,
				"a callback is in the heap, in the ready queue, or among those of its future");
}

void coro__loop_check_counts(void)
{
	coro__slots_walk(CORO_OBJECT_LOOP, check_references, NULL);
	coro__slots_walk(CORO__SLOT_CALLBACK, check_listed, NULL);
}
