/*
 * check.c - the tasks' part of coro_check(): futures, tasks, gathers, watches, and who holds them.
 *
 * A future has at least as many references as its holders are found; those of calls that are under
 * way, and of the runtime's own structures that wait, are not looked for.
 */
#include "../core/check.h"
#include "watch.h"

static bool is_alive(const struct coro_future *future)
{
	return future->object.magic == CORO_OBJECT_MAGIC;
}

/* Who is told: each of them is one that can be. */
static void check_callbacks(const struct coro_future *future)
{
	coro__entries_check(&future->callbacks, &future->object);
	CORO__HOLDS(!future->callbacks.first || !coro__done(future), &future->object,
				"a future that is done has nobody to tell");
	for (const struct coro__entry *entry = future->callbacks.first; entry; entry = entry->next) {
		if (entry->run == coro__task_step)
			CORO__HOLDS(coro__task_of((struct coro__entry *)(uintptr_t)entry)->awaited == future,
						&future->object, "a task that is told by a future awaits it");
		else if (entry->run == coro__callback_run)
			CORO__HOLDS(((const struct coro__callback *)entry)->future == future, &future->object,
						"a callback of a future knows it");
		else if (entry->run == coro__watcher_run)
			CORO__HOLDS(((const struct coro__watcher *)entry)->future == future, &future->object,
						"who watches a future knows it");
	}
}

static void check_future(const struct coro_future *future)
{
	unsigned state = future->object.state;

	coro__check_object(&future->object);
	CORO__HOLDS(future->references && future->owners <= future->references, &future->object,
				"a future that is there has references, and handles are among them");
	CORO__HOLDS(!future->mark, &future->object, "no gather is being made of a future");
	CORO__HOLDS(!(future->object.flags & CORO__FUTURE_ASKED), &future->object,
				"no request to cancel is under way");
	CORO__HOLDS(state != CORO_STATE_FAILED || coro_raised(future->outcome), &future->object,
				"a future that failed has an exception");
	CORO__HOLDS(coro__done(future) || coro_is_none(future->outcome), &future->object,
				"a future that is pending has no outcome");
	coro__check_value(future->outcome);
	coro__count(CORO__REFERENCES, (uintptr_t)future->loop);
	check_callbacks(future);
}

static void check_plain(void *object, void *count)
{
	const struct coro_future *future = object;

	/* A slot that was only reserved. */
	if (!is_alive(future))
		return;
	++*(size_t *)count;
	check_future(future);
	CORO__HOLDS(coro__done(future) || future->object.state == CORO_STATE_PENDING, &future->object,
				"a future is pending, or done");
}

static void check_gather(void *object, void *count)
{
	const struct coro_future *outer = object;

	check_plain(object, count);
	if (!is_alive(outer))
		return;
	CORO__HOLDS(outer->object.flags & CORO__FUTURE_GATHER, &outer->object, "a gather is one");
	coro__gather_check(outer);
}

static void check_task(void *object, void *count)
{
	const struct coro_task *task = object;
	const struct coro_future *future = &task->future;
	unsigned state = future->object.state;

	if (!is_alive(future))
		return;
	++*(size_t *)count;
	check_future(future);
	coro__check_value(task->thrown);
	if (future->loop->ending)
		return;
	CORO__HOLDS(!coro__done(future) == (task->body != NULL), &future->object,
				"a task has a coroutine until it is done");
	CORO__HOLDS(!task->body || task->body->task == task, &future->object,
				"the coroutine of a task knows it");
	CORO__HOLDS(state != CORO_STATE_SUSPENDED || task->awaited, &future->object,
				"a task that is suspended awaits something");
	CORO__HOLDS(state != CORO_STATE_SUSPENDED || !coro__done(task->awaited), &future->object,
				"a task that awaits what is done is ready");
	if (!coro__done(future))
		coro__count(CORO__REFERENCES, (uintptr_t)future);
	if (task->awaited)
		coro__count(CORO__REFERENCES, (uintptr_t)task->awaited);
	if (task->last_gather)
		coro__count(CORO__REFERENCES, (uintptr_t)task->last_gather);
}

/* ---- What a loop has ---------------------------------------------------- */

static void check_tasks(const struct coro_loop *loop)
{
	const struct coro_task *previous = NULL, *task = loop->first_task;

	for (; task; previous = task, task = task->next_task) {
		CORO__HOLDS(is_alive(&task->future) && task->future.loop == loop, &loop->object,
					"the tasks of a loop are there");
		CORO__HOLDS(task->previous == previous, &task->future.object,
					"the list of tasks is linked both ways");
	}
	CORO__HOLDS(loop->last_task == previous, &loop->object,
				"the list of tasks ends with the last one");
}

static void check_watch(const struct coro__watch *watch, const struct coro_loop *loop)
{
	CORO__HOLDS(watch->loop == loop && watch->references, &loop->object,
				"a watch that is there has references");
	for (size_t i = 0; i < watch->count; i++) {
		const struct coro__watcher *watcher = &watch->watchers[i];

		CORO__HOLDS(watcher->watch == watch && watcher->future, &loop->object,
					"a watcher in use has a future");
		coro__count(CORO__REFERENCES, (uintptr_t)watcher->future);
		if (watcher->listed)
			coro__count(CORO__REFERENCES, (uintptr_t)watch);
	}
}

static void check_loop(void *object, void *unused)
{
	const struct coro_loop *loop = object;
	const struct coro_future *outer_before = NULL;
	const struct coro__watch *before = NULL;

	(void)unused;
	if (loop->object.magic != CORO_OBJECT_MAGIC)
		return;
	check_tasks(loop);
	for (const struct coro_future *outer = loop->gathers; outer; outer = outer->next) {
		CORO__HOLDS(is_alive(outer) && outer->previous == outer_before, &loop->object,
					"the list of gathers is linked both ways");
		outer_before = outer;
	}
	for (const struct coro__watch *watch = loop->watches; watch; watch = watch->next) {
		CORO__HOLDS(watch->previous == before, &loop->object,
					"the list of watches is linked both ways");
		before = watch;
		check_watch(watch, loop);
	}
	/* In the ready queue a callback holds what it belongs to. */
	for (const struct coro__entry *entry = loop->ready.first; entry; entry = entry->next)
		if (entry->run == coro__callback_run && ((const struct coro__callback *)entry)->future)
			coro__count(CORO__REFERENCES,
						(uintptr_t)((const struct coro__callback *)entry)->future);
}

size_t coro__task_check(void)
{
	size_t count = 0;

	coro__slots_walk(CORO_OBJECT_FUTURE, check_plain, &count);
	coro__slots_walk(CORO__SLOT_GATHER, check_gather, &count);
	coro__slots_walk(CORO_OBJECT_TASK, check_task, &count);
	coro__slots_walk(CORO_OBJECT_LOOP, check_loop, NULL);
	return count;
}

/* ---- The second round --------------------------------------------------- */

static void compare_future(void *object, void *unused)
{
	const struct coro_future *future = object;

	(void)unused;
	if (!is_alive(future))
		return;
	CORO__HOLDS(future->references >=
					future->owners + coro__counted(CORO__REFERENCES, (uintptr_t)future),
				&future->object, "a future has a reference for each who holds it");
	CORO__HOLDS(coro__counted(CORO__ROWS, future->object.row) == 1, &future->object,
				"an object has a row of its own");
	if (future->object.flags & CORO__FUTURE_GATHER)
		coro__gather_check_counts(future);
}

static void compare_task(void *object, void *unused)
{
	const struct coro_task *task = object;
	unsigned state = task->future.object.state;
	bool waits = state == CORO_STATE_READY || state == CORO_STATE_SUSPENDED;

	compare_future(object, unused);
	if (!is_alive(&task->future) || task->future.loop->ending)
		return;
	CORO__HOLDS(coro__counted(CORO__LISTED, (uintptr_t)&task->entry) == waits, &task->future.object,
				"a task is in the ready queue, told by what it awaits, or runs, or is done");
}

static void compare_loop(void *object, void *unused)
{
	const struct coro_loop *loop = object;

	(void)unused;
	if (loop->object.magic != CORO_OBJECT_MAGIC)
		return;
	for (const struct coro__watch *watch = loop->watches; watch; watch = watch->next) {
		CORO__HOLDS(watch->references >= coro__counted(CORO__REFERENCES, (uintptr_t)watch),
					&loop->object, "a watch has a reference for each watcher on a list");
		for (size_t i = 0; i < watch->count; i++)
			CORO__HOLDS(coro__counted(CORO__LISTED, (uintptr_t)&watch->watchers[i].entry) ==
							watch->watchers[i].listed,
						&loop->object, "a watcher that is listed is on a list");
	}
}

void coro__task_check_counts(void)
{
	coro__slots_walk(CORO_OBJECT_FUTURE, compare_future, NULL);
	coro__slots_walk(CORO__SLOT_GATHER, compare_future, NULL);
	coro__slots_walk(CORO_OBJECT_TASK, compare_task, NULL);
	coro__slots_walk(CORO_OBJECT_LOOP, compare_loop, NULL);
}
