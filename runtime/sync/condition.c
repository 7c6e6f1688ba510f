/*
 * condition.c - the condition: waiting for a change of what a lock protects.
 *
 *     has the lock -- wait --> gives it up, waits to be notified
 *                                           |  notified, or cancelled
 *                              takes the lock again, however often it is cancelled meanwhile
 *
 * Whoever leaves with an error may have been notified: it notifies another in its place.
 */
#include <coroscope/sync.h>
#include "waiters.h"

struct coro_condition {
	struct coro_object object;
	struct coro__waiters waiters;
	struct coro_lock *lock; /* its handle: it may be freed before the condition is */
	bool own_lock;          /* the lock is freed with it */
};

struct coro_condition *coro__condition_new_at(struct coro_lock *lock, const char *name,
											  const char *site, uintptr_t call)
{
	struct coro_condition *condition =
		coro__slot_take_clear(CORO_OBJECT_CONDITION, sizeof(*condition));
	struct coro_probe_value value = {.kind = CORO_VALUE_OBJECT};

	if (!condition)
		return NULL;
	condition->own_lock = !lock;
	condition->lock = coro__handle(lock ? lock : coro__lock_new_at(name, site, call));
	if (!condition->lock) {
		coro__slot_give(CORO_OBJECT_CONDITION, condition);
		return NULL;
	}
	value.row = ((const struct coro_object *)coro__address(condition->lock))->row;
	coro__sync_begin(&condition->object, CORO_OBJECT_CONDITION, CORO_STATE_OPEN, name, site, call,
					 &value);
	return condition;
}

struct coro_condition *coro__condition_new(struct coro_lock *lock, const char *name,
										   const char *site)
{
	CORO__CHECK_UNLESS_NULL(lock, CORO_OBJECT_LOCK);
	return coro__handle(coro__condition_new_at(lock, name, site, CORO__SITE));
}

void coro__condition_free_at(struct coro_condition *condition, uintptr_t call)
{
	struct coro_lock *lock = condition->own_lock ? coro__condition_lock(condition, call) : NULL;

	coro__sync_end(&condition->object, &condition->waiters, call);
	if (lock)
		coro__lock_free_at(lock, call);
}

void coro_condition_free(struct coro_condition *condition)
{
	if (condition)
		coro__condition_free_at(coro__check(condition, CORO_OBJECT_CONDITION, CORO__SITE),
								CORO__SITE);
}

struct coro_lock *coro__condition_lock(const struct coro_condition *condition, uintptr_t call)
{
	return coro__check(condition->lock, CORO_OBJECT_LOCK, call);
}

const struct coro_object *coro__condition_uses(const struct coro_condition *condition)
{
	const struct coro_object *lock = coro__address(condition->lock);

	if (!lock || coro__slot_of(lock)->key !=
					 coro__expected_key(condition->lock, CORO_OBJECT_LOCK, coro__active.thread))
		return NULL;
	return lock;
}

struct coro_lock *coro_condition_lock(struct coro_condition *condition)
{
	CORO__CHECK(condition, CORO_OBJECT_CONDITION);
	return condition->lock;
}

/* The last CancelledError on the way, kept; or what else ended it; None. */
static coro_value take_lock_again(struct coro_condition *condition, struct coro_future *future,
								  uintptr_t site)
{
	coro_value cancelled = CORO_NONE;

	for (;;) {
		coro_value result =
			coro__lock_acquire_with(coro__condition_lock(condition, site), future, 0);

		if (!coro_raised(result))
			return cancelled;
		coro_keep(result);
		coro_drop(cancelled);
		cancelled = result;
		if (!coro_is(result, CORO_CancelledError))
			return cancelled;
	}
}

coro_value coro__condition_wait_about(struct coro_condition *condition, struct coro_object *about,
									  enum coro_reason reason, uintptr_t site)
{
	coro_value result, error;
	struct coro_future *future, *other;
	bool told;

	CORO_TRY(coro__may_await());
	if (!coro__lock_locked(coro__condition_lock(condition, site)))
		return coro__raise_at(site, CORO_RuntimeError, "cannot wait on un-acquired lock");
	CORO_TRY(coro__bind(&condition->waiters.loop, &condition->object,
						coro__loop_need("coro_condition_wait", site), site));
	/* What may fail comes first: the lock is still held then, and will be taken again with it. */
	future = coro__future_make(coro__loop_need("coro_condition_wait", site), reason, about, -1,
							   NULL, site);
	if (!future)
		return coro__raise_at(site, CORO_MemoryError, "out of memory");
	coro__lock_release_at(coro__condition_lock(condition, site), site);
	coro_probe_event(&condition->object, CORO_EVENT_SYNC_WAIT, condition->object.state,
					 coro__actor_row(), site, NULL);
	condition->waiters.inside++;
	result = coro_keep(coro__waiters_wait_with(&condition->waiters, future, site, &told));
	error = take_lock_again(condition, future, site);
	condition->waiters.inside--;
	coro__future_release(future);
	if (coro_raised(error)) {
		coro_drop(result);
		result = error;
	}
	if (!coro_raised(result))
		return coro_bool(true);
	other = coro__waiters_pending(&condition->waiters);
	if (coro__tells_nobody(other)) {
		/* Telling it fails, and drops the only reference to the task that waits: it ends now. */
		coro_drop(result);
		coro__tasks_close_awaiting(other);
		return coro__raise_at(site, CORO_RuntimeError, "Event loop is closed");
	}
	coro__waiters_tell(&condition->waiters, &condition->object, 1, coro_bool(false));
	coro__deliver(result, site);
	coro_drop(result);
	return result;
}

coro_value coro__condition_wait_at(struct coro_condition *condition, uintptr_t site)
{
	return coro__condition_wait_about(condition, &condition->object, CORO_REASON_CONDITION, site);
}

coro_value(coro_condition_wait)(struct coro_condition *condition)
{
	CORO__CHECK(condition, CORO_OBJECT_CONDITION);
	return coro__condition_wait_at(condition, CORO__SITE);
}

coro_value(coro_condition_wait_for)(struct coro_condition *condition,
									coro_value (*predicate)(coro_value argument),
									coro_value argument)
{
	coro_value result;

	CORO__CHECK(condition, CORO_OBJECT_CONDITION);
	result = predicate(argument);
	while (!coro_raised(result) && !coro_truth(result)) {
		CORO_TRY(coro__condition_wait_at(condition, CORO__SITE));
		result = predicate(argument);
	}
	return result;
}

coro_value coro__condition_notify_at(struct coro_condition *condition, size_t count, uintptr_t site)
{
	if (!coro__lock_locked(coro__condition_lock(condition, site)))
		return coro__raise_at(site, CORO_RuntimeError, "cannot notify on un-acquired lock");
	coro__waiters_tell(&condition->waiters, &condition->object, count, coro_bool(false));
	return CORO_NONE;
}

coro_value(coro_condition_notify)(struct coro_condition *condition, size_t count)
{
	CORO__CHECK(condition, CORO_OBJECT_CONDITION);
	return coro__condition_notify_at(condition, count, CORO__SITE);
}

coro_value(coro_condition_notify_all)(struct coro_condition *condition)
{
	CORO__CHECK(condition, CORO_OBJECT_CONDITION);
	return coro__condition_notify_at(condition, SIZE_MAX, CORO__SITE);
}

void coro__condition_check(const struct coro_condition *condition)
{
	CORO__HOLDS(condition->lock, &condition->object, "a condition has a lock");
	coro__waiters_check(&condition->waiters, &condition->object);
}
