/*
 * event.c - the event: a flag that tasks wait for.
 *
 *     set     wakes everybody who waits; who comes later does not wait at all
 *     clear   who comes now waits again; who was woken stays woken
 */
#include <coroscope/sync.h>
#include "waiters.h"

struct coro_event {
	struct coro_object object;
	struct coro__waiters waiters;
	bool set;
};

struct coro_event *coro__event_new(const char *name, const char *site)
{
	struct coro_event *event = coro__slot_take_clear(CORO_OBJECT_EVENT, sizeof(*event));

	if (event)
		coro__sync_begin(&event->object, CORO_OBJECT_EVENT, CORO_STATE_OPEN, name, site, CORO__SITE,
						 NULL);
	return coro__handle(event);
}

void coro_event_free(struct coro_event *event)
{
	if (!event)
		return;
	CORO__CHECK(event, CORO_OBJECT_EVENT);
	coro__sync_end(&event->object, &event->waiters, CORO__CALLER);
}

void coro_event_set(struct coro_event *event)
{
	CORO__CHECK(event, CORO_OBJECT_EVENT);
	if (event->set)
		return;
	event->set = true;
	coro_probe_event(&event->object, CORO_EVENT_EVENT_SET, CORO_STATE_OPEN, coro__actor_row(),
					 CORO__SITE, NULL);
	coro__waiters_tell(&event->waiters, &event->object, SIZE_MAX, coro_bool(true));
}

void coro_event_clear(struct coro_event *event)
{
	CORO__CHECK(event, CORO_OBJECT_EVENT);
	if (!event->set)
		return;
	event->set = false;
	coro_probe_event(&event->object, CORO_EVENT_EVENT_CLEAR, CORO_STATE_OPEN, coro__actor_row(),
					 CORO__SITE, NULL);
}

bool coro_event_is_set(const struct coro_event *event)
{
	CORO__CHECK(event, CORO_OBJECT_EVENT);
	return event->set;
}

coro_value(coro_event_wait)(struct coro_event *event)
{
	bool told;

	CORO__CHECK(event, CORO_OBJECT_EVENT);
	if (event->set)
		return coro_bool(true);
	CORO_TRY(coro__may_await());
	return coro__waiters_wait(&event->waiters, &event->object, &event->object, CORO_REASON_EVENT,
							  CORO__SITE, &told);
}

void coro__event_check(const struct coro_event *event)
{
	coro__waiters_check(&event->waiters, &event->object);
	for (const struct coro_future *future = event->waiters.first; future && event->set;
		 future = future->next)
		CORO__HOLDS(coro__done(future), &event->object,
					"who waits for an event that is set was told");
}
