/*
 * condition.c - the condition: waiting for a change of what a lock protects.
 *
 *     has the lock -- wait --> gives it up, waits to be notified
 *                                           |  notified, or cancelled
 *                              takes the lock again, however often it is cancelled meanwhile
 *
 * Whoever leaves with an error may have been notified: it notifies another in its place.
 */
#include <stdlib.h>
#include <coroscope/sync.h>
#include "waiters.h"

struct coro_condition {
	struct coro_object object;
	struct coro__waiters waiters;
	struct coro_lock *lock;
	bool own_lock; /* the lock is freed with it */
};

static void check(const struct coro_condition *condition)
{
	coro__check_handle(condition ? &condition->object : NULL, CORO_OBJECT_CONDITION);
}

struct coro_condition *coro__condition_new_at(struct coro_lock *lock, const char *name,
											  const char *site, uintptr_t call)
{
	struct coro_condition *condition = calloc(1, sizeof(*condition));

	if (!condition)
		return NULL;
	condition->own_lock = !lock;
	condition->lock = lock ? lock : coro__lock_new_at(name, site, call);
	if (!condition->lock) {
		free(condition);
		return NULL;
	}
	coro__sync_begin(&condition->object, CORO_OBJECT_CONDITION, CORO_STATE_OPEN, name, site, call,
					 NULL);
	return condition;
}

struct coro_condition *coro__condition_new(struct coro_lock *lock, const char *name,
										   const char *site)
{
	return coro__condition_new_at(lock, name, site, CORO__SITE);
}

void coro_condition_free(struct coro_condition *condition)
{
	if (!condition)
		return;
	check(condition);
	coro__sync_end(&condition->object, &condition->waiters);
	if (condition->own_lock)
		coro_lock_free(condition->lock);
	free(condition);
}

struct coro_lock *coro_condition_lock(struct coro_condition *condition)
{
	check(condition);
	return condition->lock;
}

/* The last CancelledError on the way, kept; or what else ended it; None. */
static coro_value take_lock_again(struct coro_condition *condition, coro_value cancelled)
{
	for (;;) {
		coro_value result = coro__lock_acquire_at(condition->lock, 0);

		if (!coro_raised(result))
			return cancelled;
		coro_keep(result);
		coro_drop(cancelled);
		cancelled = result;
		if (!coro_is(result, CORO_CancelledError))
			return cancelled;
	}
}

coro_value coro__condition_wait_at(struct coro_condition *condition, uintptr_t site)
{
	coro_value result, error;
	bool told;

	check(condition);
	CORO_TRY(coro__may_await());
	if (!coro_lock_locked(condition->lock))
		return coro__raise_at(site, CORO_RuntimeError, "cannot wait on un-acquired lock");
	coro__lock_release_at(condition->lock, site);
	result = coro_keep(coro__waiters_wait(&condition->waiters, &condition->object,
										  CORO_REASON_CONDITION, site, &told));
	error = take_lock_again(condition, CORO_NONE);
	if (coro_raised(error)) {
		coro_drop(result);
		result = error;
	}
	if (!coro_raised(result))
		return coro_bool(true);
	coro__waiters_tell(&condition->waiters, &condition->object, 1, coro_bool(false));
	coro__deliver(result, site);
	coro_drop(result);
	return result;
}

coro_value(coro_condition_wait)(struct coro_condition *condition)
{
	return coro__condition_wait_at(condition, CORO__SITE);
}

coro_value(coro_condition_wait_for)(struct coro_condition *condition,
									coro_value (*predicate)(coro_value argument),
									coro_value argument)
{
	coro_value result = predicate(argument);

	while (!coro_raised(result) && (coro_is_none(result) || coro_equal(result, coro_bool(false)))) {
		CORO_TRY(coro__condition_wait_at(condition, CORO__SITE));
		result = predicate(argument);
	}
	return result;
}

coro_value coro__condition_notify_at(struct coro_condition *condition, size_t count, uintptr_t site)
{
	check(condition);
	if (!coro_lock_locked(condition->lock))
		return coro__raise_at(site, CORO_RuntimeError, "cannot notify on un-acquired lock");
	coro__waiters_tell(&condition->waiters, &condition->object, count, coro_bool(false));
	return CORO_NONE;
}

coro_value(coro_condition_notify)(struct coro_condition *condition, size_t count)
{
	return coro__condition_notify_at(condition, count, CORO__SITE);
}

coro_value(coro_condition_notify_all)(struct coro_condition *condition)
{
	return coro__condition_notify_at(condition, SIZE_MAX, CORO__SITE);
}
