/*
 * waiters.c - what the synchronisation objects have in common; waiters.h draws the list.
 */
#include "waiters.h"

void coro__sync_begin(struct coro_object *object, enum coro_object_kind kind, enum coro_state state,
					  const char *name, const char *site, uintptr_t pc,
					  const struct coro_probe_value *value)
{
	coro_probe_object_init(object, kind, name, site);
	object->parent = coro__actor_row();
	coro_probe_event(object, CORO_EVENT_CREATE, state, object->parent, pc, value);
}

void coro__sync_end(struct coro_object *object, const struct coro__waiters *waiters, uintptr_t site)
{
	unsigned kind = object->kind;

	if (waiters->first || waiters->inside)
		coro__misused(object, "is freed while a task waits for it", site);
	coro_probe_event(object, CORO_EVENT_DESTROY, CORO_STATE_NONE, 0, 0, NULL);
	coro_probe_object_done(object);
	coro__slot_give(kind, object);
}

coro_value coro__bind_first(uint64_t *bound, const struct coro_object *object,
							const struct coro_loop *loop, uintptr_t site)
{
	if (*bound)
		return coro__raise_bound(object, site);
	*bound = loop->object.serial;
	return CORO_NONE;
}

coro_value coro__raise_bound(const struct coro_object *object, uintptr_t site)
{
	char text[128];

	coro_format(coro_object(object), text, sizeof(text));
	return coro__raise_at(site, CORO_RuntimeError, "%s is bound to a different event loop", text);
}

coro_value coro__waiters_wait(struct coro__waiters *waiters, struct coro_object *object,
							  const struct coro_object *about, enum coro_reason reason,
							  uintptr_t site, bool *ret_told)
{
	struct coro_loop *loop = coro__loop_need("waiting", site);
	struct coro_future *future;
	coro_value result;

	*ret_told = false;
	CORO_TRY(coro__bind(&waiters->loop, object, loop, site));
	coro_probe_event(object, CORO_EVENT_SYNC_WAIT, object->state, coro__actor_row(), site, NULL);
	future = coro__future_make(loop, reason, about, -1, NULL, site);
	if (!future)
		return coro__raise_at(site, CORO_MemoryError, "out of memory");
	result = coro__waiters_wait_with(waiters, future, site, ret_told);
	coro__future_release(future);
	return result;
}

coro_value coro__waiters_wait_with(struct coro__waiters *waiters, struct coro_future *future,
								   uintptr_t site, bool *ret_told)
{
	coro_value result;

	coro__waiters_add(waiters, future);
	result = coro__future_await(future, site);
	*ret_told = future->object.state == CORO_STATE_DONE;
	coro__waiters_remove(waiters, future);
	return result;
}

void coro__waiters_check(const struct coro__waiters *waiters, const struct coro_object *object)
{
	const struct coro_future *previous = NULL, *future = waiters->first;

	for (; future; previous = future, future = future->next) {
		CORO__HOLDS(future->object.magic == CORO_OBJECT_MAGIC && future->previous == previous,
					object, "the list of who waits is linked both ways");
		/* Of a condition, what it is a part of: a barrier. */
		CORO__HOLDS(future->object.flags & CORO__FUTURE_LISTED &&
						(future->waited == object || object->kind == CORO_OBJECT_CONDITION),
					&future->object,
					"a future that stands in a line waits for what the line is for");
	}
	CORO__HOLDS(waiters->last == previous, object, "the list of who waits ends with the last one");
}
