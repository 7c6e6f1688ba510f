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
#include <coroscope/sync.h>
#include "waiters.h"

struct coro_lock {
	struct coro_object object; /* its state says whether it is locked */
	struct coro__waiters waiters;
	struct coro_task *owner; /* the handle of the task that took it last; NULL: none did */
};

struct coro_lock *coro__lock_new_at(const char *name, const char *site, uintptr_t call)
{
	struct coro_lock *lock = coro__slot_take_clear(CORO_OBJECT_LOCK, sizeof(*lock));

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
	return coro__handle(coro__lock_new_at(name, site, CORO__SITE));
}

void coro__lock_free_at(struct coro_lock *lock, uintptr_t call)
{
	coro__sync_end(&lock->object, &lock->waiters, call);
}

void coro_lock_free(struct coro_lock *lock)
{
	if (lock)
		coro__lock_free_at(coro__check(lock, CORO_OBJECT_LOCK, CORO__SITE), CORO__SITE);
}

static bool somebody_waits(const struct coro_lock *lock)
{
	for (const struct coro_future *future = lock->waiters.first; future; future = future->next)
		if (future->object.state != CORO_STATE_CANCELLED)
			return true;
	return false;
}

static void wake_first(struct coro_lock *lock)
{
	struct coro_future *first = lock->waiters.first;

	if (first && !coro__done(first))
		coro__future_complete(first, coro_bool(true), coro__actor_row(), 0);
}

static void take(struct coro_lock *lock, uintptr_t site)
{
	struct coro_task *task = coro__current_task();

	coro_probe_event(&lock->object, CORO_EVENT_LOCK_ACQUIRE, CORO_STATE_LOCKED,
					 task ? task->future.object.row : coro__actor_row(), site, NULL);
	lock->owner = coro__handle(task);
}

struct coro_task *coro__lock_owner(const struct coro_lock *lock)
{
	struct coro_task *task = coro__address(lock->owner);

	/* It may be over by now, and its memory another's. */
	if (!task || lock->object.state != CORO_STATE_LOCKED ||
		coro__slot_of(task)->key !=
			coro__expected_key(lock->owner, CORO_OBJECT_TASK, coro__active.thread) ||
		coro__done(&task->future))
		return NULL;
	return task;
}

bool coro__lock_locked(const struct coro_lock *lock)
{
	return lock->object.state == CORO_STATE_LOCKED;
}

bool coro_lock_locked(const struct coro_lock *lock)
{
	CORO__CHECK(lock, CORO_OBJECT_LOCK);
	return coro__lock_locked(lock);
}

/* Queues with `future`, and takes the lock when that is told. */
static coro_value wait_and_take(struct coro_lock *lock, struct coro_future *future, uintptr_t site)
{
	coro_value result;

	coro__waiters_add(&lock->waiters, future);
	if (coro__current_task())
		coro__look_for_cycle(coro__current_task(), future);
	result = coro__future_await(future, site);
	coro__waiters_remove(&lock->waiters, future);
	if (!coro_raised(result))
		take(lock, site);
	else if (!coro__lock_locked(lock))
		wake_first(lock);
	return result;
}

coro_value coro__lock_acquire_with(struct coro_lock *lock, struct coro_future *future,
								   uintptr_t site)
{
	if (!coro__lock_locked(lock) && !somebody_waits(lock)) {
		take(lock, site);
		return coro_bool(true);
	}
	/* A loop that is closed runs no task, and to Python a lock of it is another loop's. */
	if (CORO__UNLIKELY(future->loop->ending))
		return coro__raise_bound(&lock->object, site);
	CORO_TRY(coro__bind(&lock->waiters.loop, &lock->object, future->loop, site));
	coro_probe_event(&lock->object, CORO_EVENT_LOCK_WAIT, lock->object.state, coro__actor_row(),
					 site, NULL);
	coro__future_renew(future, CORO_REASON_LOCK, &lock->object, site);
	return wait_and_take(lock, future, site);
}

coro_value coro__lock_acquire_at(struct coro_lock *lock, uintptr_t site)
{
	coro_value result = coro__may_await();
	struct coro_future *future;
	struct coro_loop *loop;

	if (coro_raised(result))
		return result;
	if (!coro__lock_locked(lock) && !somebody_waits(lock)) {
		take(lock, site);
		return coro_bool(true);
	}
	loop = coro__loop_need("coro_lock_acquire", site);
	CORO_TRY(coro__bind(&lock->waiters.loop, &lock->object, loop, site));
	coro_probe_event(&lock->object, CORO_EVENT_LOCK_WAIT, lock->object.state, coro__actor_row(),
					 site, NULL);
	future = coro__future_make(loop, CORO_REASON_LOCK, &lock->object, -1, NULL, site);
	if (!future)
		return coro__raise_at(site, CORO_MemoryError, "out of memory");
	result = wait_and_take(lock, future, site);
	coro__future_release(future);
	return result;
}

coro_value(coro_lock_acquire)(struct coro_lock *lock)
{
	CORO__CHECK(lock, CORO_OBJECT_LOCK);
	return coro__lock_acquire_at(lock, CORO__SITE);
}

coro_value coro__lock_release_at(struct coro_lock *lock, uintptr_t site)
{
	if (!coro__lock_locked(lock))
		return coro__raise_at(site, CORO_RuntimeError, "Lock is not acquired.");
	coro_probe_event(&lock->object, CORO_EVENT_LOCK_RELEASE, CORO_STATE_UNLOCKED, coro__actor_row(),
					 site, NULL);
	if (coro__tells_nobody(lock->waiters.first))
		return coro__raise_at(site, CORO_RuntimeError, "Event loop is closed");
	wake_first(lock);
	return CORO_NONE;
}

coro_value(coro_lock_release)(struct coro_lock *lock)
{
	CORO__CHECK(lock, CORO_OBJECT_LOCK);
	return coro__lock_release_at(lock, CORO__SITE);
}

/* ---- Checking ----------------------------------------------------------- */

void coro__lock_check(const struct coro_lock *lock)
{
	CORO__HOLDS(lock->object.state == CORO_STATE_LOCKED ||
					lock->object.state == CORO_STATE_UNLOCKED,
				&lock->object, "a lock is locked or not");
	coro__waiters_check(&lock->waiters, &lock->object);
	/* Whoever is first was told, or was cancelled and will tell the next: no wake-up is lost. */
	CORO__HOLDS(lock->object.state == CORO_STATE_LOCKED || !lock->waiters.first ||
					coro__done(lock->waiters.first) || lock->waiters.first->loop->ending,
				&lock->object, "the first who waits for a lock that is free was told");
}
