/*
 * lock.c - the lock.
 *
 *     unlocked, nobody waits      acquire takes it at once
 *     locked                      acquire queues a future and awaits it
 *     release                     unlocked; the first waiter's future is set
 *     ... until that one runs     unlocked, but whoever comes now queues behind
 *     the waiter runs             leaves the queue, takes the lock
 *
 * The waiter stays in the queue until it runs: that is what keeps newcomers behind it. If it
 * is cancelled in between, it leaves, and tells the next one.
 */
#include <stdlib.h>
#include <coroscope/sync.h>
#include "waiters.h"

struct coro_lock {
	struct coro_object object; /* its state says whether it is locked */
	struct coro__waiters waiters;
};

static void check(const struct coro_lock *lock)
{
	coro__check_handle(lock ? &lock->object : NULL, CORO_OBJECT_LOCK);
}

struct coro_lock *coro__lock_new_at(const char *name, const char *site, uintptr_t call)
{
	struct coro_lock *lock = calloc(1, sizeof(*lock));

	if (!lock)
		return NULL;
	coro_probe_object_init(&lock->object, CORO_OBJECT_LOCK, name, site);
	lock->object.parent = coro__actor_row();
	coro_probe_event(&lock->object, CORO_EVENT_CREATE, CORO_STATE_UNLOCKED, lock->object.parent,
					 call, NULL);
	return lock;
}

struct coro_lock *coro__lock_new(const char *name, const char *site)
{
	return coro__lock_new_at(name, site, CORO__SITE);
}

void coro_lock_free(struct coro_lock *lock)
{
	if (!lock)
		return;
	check(lock);
	if (lock->waiters.first)
		coro__fatal("coro_lock_free: a task waits for the lock");
	coro_probe_event(&lock->object, CORO_EVENT_DESTROY, CORO_STATE_NONE, 0, 0, NULL);
	coro_probe_object_done(&lock->object);
	free(lock);
}

static bool somebody_waits(const struct coro_lock *lock)
{
	for (const struct coro_future *future = lock->waiters.first; future; future = future->next)
		if (future->object.state != CORO_STATE_CANCELLED)
			return true;
	return false;
}

/* Whoever waits for it will never run: a loop that is closed does not schedule. */
static bool wakes_nobody(const struct coro_lock *lock)
{
	const struct coro_future *first = lock->waiters.first;

	return first && first->loop->ending && !coro__done(first) && first->callbacks.first;
}

static void wake_first(struct coro_lock *lock)
{
	struct coro_future *first = lock->waiters.first;

	if (first && !coro__done(first))
		coro__future_complete(first, coro_bool(true), coro__actor_row(), 0);
}

static void take(struct coro_lock *lock, uintptr_t site)
{
	coro_probe_event(&lock->object, CORO_EVENT_LOCK_ACQUIRE, CORO_STATE_LOCKED, coro__actor_row(),
					 site, NULL);
}

bool coro_lock_locked(const struct coro_lock *lock)
{
	check(lock);
	return lock->object.state == CORO_STATE_LOCKED;
}

coro_value coro__lock_acquire_at(struct coro_lock *lock, uintptr_t site)
{
	coro_value result = coro__may_await();
	struct coro_future *future;

	check(lock);
	if (coro_raised(result))
		return result;
	if (!coro_lock_locked(lock) && !somebody_waits(lock)) {
		take(lock, site);
		return coro_bool(true);
	}
	coro_probe_event(&lock->object, CORO_EVENT_LOCK_WAIT, lock->object.state, coro__actor_row(),
					 site, NULL);
	future = coro__future_make(coro__loop_need("coro_lock_acquire"), CORO_REASON_LOCK,
							   &lock->object, -1, NULL, site);
	if (!future)
		return coro__raise_at(site, CORO_MemoryError, "out of memory");
	coro__waiters_add(&lock->waiters, future);
	result = coro__future_await(future, site);
	coro__waiters_remove(&lock->waiters, future);
	coro__future_release(future);
	if (!coro_raised(result))
		take(lock, site);
	else if (!coro_lock_locked(lock))
		wake_first(lock);
	return result;
}

coro_value(coro_lock_acquire)(struct coro_lock *lock)
{
	return coro__lock_acquire_at(lock, CORO__SITE);
}

coro_value coro__lock_release_at(struct coro_lock *lock, uintptr_t site)
{
	check(lock);
	if (!coro_lock_locked(lock))
		return coro__raise_at(site, CORO_RuntimeError, "Lock is not acquired.");
	coro_probe_event(&lock->object, CORO_EVENT_LOCK_RELEASE, CORO_STATE_UNLOCKED, coro__actor_row(),
					 site, NULL);
	if (wakes_nobody(lock))
		return coro__raise_at(site, CORO_RuntimeError, "Event loop is closed");
	wake_first(lock);
	return CORO_NONE;
}

coro_value(coro_lock_release)(struct coro_lock *lock)
{
	return coro__lock_release_at(lock, CORO__SITE);
}
