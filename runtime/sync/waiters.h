#ifndef CORO_SYNC_WAITERS_H
#define CORO_SYNC_WAITERS_H
/*
 * waiters.h - futures that queue for a lock or a queue, first come, first served.
 *
 *     first -> future of A <-> future of B <-> future of C <- last
 *
 * The list owns nothing: each future belongs to the call that waits with it.
 */
#include "../core/check.h"
#include "../task/tasks.h"

struct coro_event;
struct coro_semaphore;
struct coro_barrier;
struct coro_queue;
struct coro_channel;
struct coro_lock;
struct coro_condition;

/* Public functions, from the place `call` in the program. */
struct coro_lock *coro__lock_new_at(const char *name, const char *site, uintptr_t call);
coro_value coro__lock_acquire_at(struct coro_lock *lock, uintptr_t call);
/* The same with a future that the caller has, and nobody else: it is renewed, so that nothing fails. */
coro_value coro__lock_acquire_with(struct coro_lock *lock, struct coro_future *future,
								   uintptr_t call);
coro_value coro__lock_release_at(struct coro_lock *lock, uintptr_t call);
void coro__lock_free_at(struct coro_lock *lock, uintptr_t call);
bool coro__lock_locked(const struct coro_lock *lock);
/* The task that holds it; NULL: nobody does, or none that is not done. */
struct coro_task *coro__lock_owner(const struct coro_lock *lock);
size_t coro__queue_unfinished(const struct coro_queue *queue);
/* What debuggers are told: the most items, 0: no limit; the most items without a receiver; how many
 * have to meet; the lock, NULL: it is gone. */
size_t coro__queue_capacity(const struct coro_queue *queue);
size_t coro__channel_capacity(const struct coro_channel *channel);
size_t coro__barrier_parties(const struct coro_barrier *barrier);
const struct coro_object *coro__condition_uses(const struct coro_condition *condition);
struct coro_condition *coro__condition_new_at(struct coro_lock *lock, const char *name,
											  const char *site, uintptr_t call);
void coro__condition_free_at(struct coro_condition *condition, uintptr_t call);
struct coro_lock *coro__condition_lock(const struct coro_condition *condition, uintptr_t call);
coro_value coro__condition_wait_at(struct coro_condition *condition, uintptr_t call);
/* The same for what the condition is part of, and what the wait counts as. */
coro_value coro__condition_wait_about(struct coro_condition *condition, struct coro_object *about,
									enum coro_reason reason, uintptr_t call);
coro_value coro__condition_notify_at(struct coro_condition *condition, size_t count,
									 uintptr_t call);
struct coro_semaphore;
coro_value coro__semaphore_acquire_at(struct coro_semaphore *semaphore, uintptr_t call);
coro_value coro__semaphore_release_at(struct coro_semaphore *semaphore, uintptr_t call);

struct coro__waiters {
	struct coro_future *first, *last;
	uint32_t inside; /* calls that wait, or were woken and have not run since */
	uint64_t loop;   /* serial number of the loop whose tasks wait here; 0: none has yet */
};

/* The tasks of `loop` wait for the object from now on: *bound is its serial number, or 0. None, or
 * raised: RuntimeError when those of another have. (asyncio's _LoopBoundMixin) */
coro_value coro__bind_first(uint64_t *bound, const struct coro_object *object,
							const struct coro_loop *loop, uintptr_t site);
/* That RuntimeError. */
coro_value coro__raise_bound(const struct coro_object *object, uintptr_t site);
static inline coro_value coro__bind(uint64_t *bound, const struct coro_object *object,
									const struct coro_loop *loop, uintptr_t site)
{
	if (CORO__LIKELY(*bound == loop->object.serial))
		return CORO_NONE;
	return coro__bind_first(bound, object, loop, site);
}

static inline void coro__waiters_add(struct coro__waiters *waiters, struct coro_future *future)
{
	future->next = NULL;
	future->previous = waiters->last;
	if (waiters->last)
		waiters->last->next = future;
	else
		waiters->first = future;
	waiters->last = future;
	future->object.flags |= CORO__FUTURE_LISTED;
}

/* Does nothing to one that is not on the list (any more). */
static inline void coro__waiters_remove(struct coro__waiters *waiters, struct coro_future *future)
{
	if (!(future->object.flags & CORO__FUTURE_LISTED))
		return;
	if (future->previous)
		future->previous->next = future->next;
	else
		waiters->first = future->next;
	if (future->next)
		future->next->previous = future->previous;
	else
		waiters->last = future->previous;
	future->object.flags &= (uint8_t)~CORO__FUTURE_LISTED;
}

/* Somebody waits who was not cancelled. */
static inline bool coro__waiters_any(const struct coro__waiters *waiters)
{
	for (const struct coro_future *future = waiters->first; future; future = future->next)
		if (future->object.state != CORO_STATE_CANCELLED)
			return true;
	return false;
}

/* Whoever waits with it would be told, but will never run: a loop that is closed does not schedule, and
 * asyncio raises RuntimeError "Event loop is closed". NULL: nobody waits. */
static inline bool coro__tells_nobody(const struct coro_future *future)
{
	return CORO__UNLIKELY(future && future->loop->ending) && !coro__done(future) &&
		   future->callbacks.first;
}

/* The first that is not done; NULL: none. */
static inline struct coro_future *coro__waiters_pending(const struct coro__waiters *waiters)
{
	struct coro_future *future = waiters->first;

	while (future && coro__done(future))
		future = future->next;
	return future;
}

/* Tells up to `count` of those that are not done; they stay on the list until they run. Returns
 * how many there were. */
static inline size_t coro__waiters_tell(struct coro__waiters *waiters, struct coro_object *object,
										size_t count, coro_value value)
{
	size_t told = 0;

	for (struct coro_future *future = waiters->first; future && told < count;
		 future = future->next) {
		if (coro__done(future))
			continue;
		coro_probe_event(object, CORO_EVENT_SYNC_WAKE, object->state, future->object.row, 0, NULL);
		coro__future_complete(future, value, coro__actor_row(), 0);
		told++;
	}
	return told;
}

/* Suspends the task that runs, on a future of its own at the end of the list, until that is told
 * or it is cancelled. The list is that of `object`; `about` is what the task waits for, that one or
 * what it is part of. *ret_told: it was told, whatever is raised. */
coro_value coro__waiters_wait(struct coro__waiters *waiters, struct coro_object *object,
							  const struct coro_object *about, enum coro_reason reason,
							  uintptr_t site, bool *ret_told);

/* The same with a future that was made before, and stays the caller's. */
coro_value coro__waiters_wait_with(struct coro__waiters *waiters, struct coro_future *future,
								   uintptr_t site, bool *ret_told);

/* The object of a new one of this kind: CREATE, in `state`, with `value` (NULL: none). */
void coro__sync_begin(struct coro_object *object, enum coro_object_kind kind,
					  enum coro_state state, const char *name, const char *site, uintptr_t pc,
					  const struct coro_probe_value *value);
/* Ends the program when somebody waits; gives back the object's memory. */
void coro__sync_end(struct coro_object *object, const struct coro__waiters *waiters,
					uintptr_t site);

/* coro_check(): the list is linked both ways, and each on it waits for `object`. */
void coro__waiters_check(const struct coro__waiters *waiters, const struct coro_object *object);
/* Of one object; each in its own file. */
void coro__lock_check(const struct coro_lock *lock);
void coro__event_check(const struct coro_event *event);
void coro__condition_check(const struct coro_condition *condition);
void coro__semaphore_check(const struct coro_semaphore *semaphore);
void coro__barrier_check(const struct coro_barrier *barrier);
void coro__queue_check(const struct coro_queue *queue);
void coro__channel_check(const struct coro_channel *channel);

/* Takes waiters off until one was told; those that are done (cancelled) are passed over. */
static inline void coro__waiters_wake_next(struct coro__waiters *waiters, coro_value value)
{
	while (waiters->first) {
		struct coro_future *future = waiters->first;

		coro__waiters_remove(waiters, future);
		if (!coro__done(future)) {
			coro__future_complete(future, value, coro__actor_row(), 0);
			return;
		}
	}
}

#endif
