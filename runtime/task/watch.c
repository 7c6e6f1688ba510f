/*
 * watch.c - callbacks of the runtime's own; watch.h draws them.
 */
#include <stdlib.h>
#include "watch.h"

static void begin(struct coro__watch *watch, struct coro_loop *loop,
				  void (*told)(struct coro__watch *watch, struct coro_future *future),
				  void (*freed)(struct coro__watch *watch))
{
	watch->loop = loop;
	watch->references = 1;
	watch->told = told;
	watch->freed = freed;
	watch->next = loop->watches;
	if (watch->next)
		watch->next->previous = watch;
	loop->watches = watch;
}

void *coro__watch_new(struct coro_loop *loop, size_t size, size_t count,
					  void (*told)(struct coro__watch *watch, struct coro_future *future),
					  void (*freed)(struct coro__watch *watch))
{
	struct coro__watch *watch;

	size = (size + 15) & ~(size_t)15;
	watch = calloc(1, size + (count + 1) * sizeof(struct coro__watcher));
	if (!watch)
		return NULL;
	watch->watchers = (struct coro__watcher *)((char *)watch + size);
	begin(watch, loop, told, freed);
	return watch;
}

void *coro__watch_new_in(unsigned slot, struct coro_loop *loop, size_t size, size_t count,
						 void (*told)(struct coro__watch *watch, struct coro_future *future),
						 void (*freed)(struct coro__watch *watch))
{
	struct coro__watch *watch = coro__slot_take_clear(slot, size);

	if (!watch)
		return NULL;
	watch->slot = slot;
	watch->watchers = calloc(count + 1, sizeof(*watch->watchers));
	if (!watch->watchers) {
		coro__slot_give(slot, watch);
		return NULL;
	}
	begin(watch, loop, told, freed);
	return watch;
}

static void unlink_watch(struct coro__watch *watch)
{
	if (watch->previous)
		watch->previous->next = watch->next;
	else
		watch->loop->watches = watch->next;
	if (watch->next)
		watch->next->previous = watch->previous;
}

static void release_futures(struct coro__watch *watch)
{
	for (size_t i = 0; i < watch->count; i++) {
		struct coro_future *future = watch->watchers[i].future;

		watch->watchers[i].future = NULL;
		if (future)
			coro__future_release(future);
	}
}

void coro__watch_release(struct coro__watch *watch)
{
	if (--watch->references)
		return;
	if (!watch->ended)
		unlink_watch(watch);
	if (watch->freed)
		watch->freed(watch);
	release_futures(watch);
	if (watch->slot) {
		free(watch->watchers);
		coro__slot_give(watch->slot, watch);
	} else {
		free(watch);
	}
}

void coro__watch_add(struct coro__watch *watch, struct coro_future *future)
{
	struct coro__watcher *watcher = &watch->watchers[watch->count++];

	watcher->entry.run = coro__watcher_run;
	watcher->watch = watch;
	watcher->future = future;
	watcher->listed = true;
	future->references++;
	watch->references++;
	if (coro__done(future))
		coro__ready(future->loop, &watcher->entry);
	else
		coro__entries_add(&future->callbacks, &watcher->entry);
}

static void remove_watcher(struct coro__watcher *watcher)
{
	if (!watcher->listed || !coro__entries_remove(&watcher->future->callbacks, &watcher->entry))
		return;
	watcher->listed = false;
	coro__watch_release(watcher->watch);
}

void coro__watch_remove(struct coro__watch *watch)
{
	watch->references++;
	for (size_t i = 0; i < watch->count; i++)
		remove_watcher(&watch->watchers[i]);
	coro__watch_release(watch);
}

void coro__watch_remove_one(struct coro__watch *watch, struct coro_future *future)
{
	watch->references++;
	for (size_t i = 0; i < watch->count; i++)
		if (watch->watchers[i].future == future)
			remove_watcher(&watch->watchers[i]);
	coro__watch_release(watch);
}

void coro__watcher_run(struct coro_loop *loop, struct coro__entry *entry)
{
	struct coro__watcher *watcher = (struct coro__watcher *)entry;
	struct coro__watch *watch = watcher->watch;

	coro_probe_event(&loop->object, CORO_EVENT_CALLBACK, CORO_STATE_RUNNING,
					 watcher->future->object.row, 0, NULL);
	watcher->listed = false;
	watch->told(watch, watcher->future);
	coro__watch_release(watch);
}

void coro__watcher_drop(struct coro__entry *entry)
{
	struct coro__watcher *watcher = (struct coro__watcher *)entry;

	watcher->listed = false;
	coro__watch_release(watcher->watch);
}

void coro__watches_done(struct coro_loop *loop)
{
	while (loop->watches) {
		struct coro__watch *watch = loop->watches;

		watch->references++;
		coro__watch_remove(watch);
		unlink_watch(watch);
		watch->ended = true;
		release_futures(watch);
		coro__watch_release(watch);
	}
}

struct coro_handle coro__release_later(struct coro_future *future, double delay, uintptr_t site)
{
	struct coro_loop *loop = future->loop;
	struct coro__callback *timer = coro__callback_new(loop, future, NULL, CORO_NONE);
	int64_t when = coro__loop_now(loop) + coro__nanoseconds(delay);

	if (timer && !coro__timer_start(loop, timer, when, site))
		timer = NULL;
	return (struct coro_handle){timer, timer ? timer->serial : 0};
}
