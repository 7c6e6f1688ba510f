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

void coro__sync_end(struct coro_object *object, const struct coro__waiters *waiters)
{
	if (waiters->first)
		coro__fatal("%s '%s' is freed while a task waits for it",
					coro_type_name(coro_object(object)), object->name ? object->name : "");
	coro_probe_event(object, CORO_EVENT_DESTROY, CORO_STATE_NONE, 0, 0, NULL);
	coro_probe_object_done(object);
	object->magic = 0;
}

coro_value coro__waiters_wait(struct coro__waiters *waiters, struct coro_object *object,
							  enum coro_reason reason, uintptr_t site, bool *ret_told)
{
	struct coro_future *future;
	coro_value result;

	coro_probe_event(object, CORO_EVENT_SYNC_WAIT, object->state, coro__actor_row(), site, NULL);
	future = coro__future_make(coro__loop_need("waiting"), reason, object, -1, NULL, site);
	*ret_told = false;
	if (!future)
		return coro__raise_at(site, CORO_MemoryError, "out of memory");
	coro__waiters_add(waiters, future);
	result = coro__future_await(future, site);
	*ret_told = future->object.state == CORO_STATE_DONE;
	coro__waiters_remove(waiters, future);
	coro__future_release(future);
	return result;
}
