/*
 * barrier.c - the barrier: nobody goes on before all have come.
 *
 *     FILLING --- the last one comes ---> DRAINING --- the last one leaves ---> FILLING
 *        |                                   |
 *        |-- reset --> RESETTING -- ... -----+--- the last one leaves --------> FILLING
 *        '-- abort --> BROKEN, until reset
 *
 * It is made of a condition, as asyncio's: each change of state notifies all, and they look.
 */
#include <coroscope/sync.h>
#include "waiters.h"

enum barrier_state { FILLING, DRAINING, RESETTING, BROKEN };

struct coro_barrier {
	struct coro_object object;
	struct coro_condition *condition; /* owned */
	enum barrier_state state;
	size_t parties, count; /* count: inside of wait */
};

size_t coro__barrier_parties(const struct coro_barrier *barrier)
{
	return barrier->parties;
}

struct coro_barrier *coro__barrier_new(size_t parties, const char *name, const char *site)
{
	struct coro_barrier *barrier = coro__slot_take_clear(CORO_OBJECT_BARRIER, sizeof(*barrier));
	const struct coro_probe_value value = {.kind = CORO_VALUE_INT, .integer = (int64_t)parties};

	if (!barrier)
		return NULL;
	barrier->parties = parties;
	barrier->condition = coro__condition_new_at(NULL, name, site, CORO__SITE);
	if (!barrier->condition) {
		coro__slot_give(CORO_OBJECT_BARRIER, barrier);
		return NULL;
	}
	coro__sync_begin(&barrier->object, CORO_OBJECT_BARRIER, CORO_STATE_OPEN, name, site, CORO__SITE,
					 &value);
	return coro__handle(barrier);
}

void coro_barrier_free(struct coro_barrier *barrier)
{
	const struct coro__waiters nobody = {.first = NULL};

	if (!barrier)
		return;
	CORO__CHECK(barrier, CORO_OBJECT_BARRIER);
	if (barrier->count)
		coro__misused(&barrier->object, "is freed while a task waits for it", CORO__CALLER);
	coro__condition_free_at(barrier->condition, CORO__CALLER);
	coro__sync_end(&barrier->object, &nobody, CORO__CALLER);
}

static void set_state(struct coro_barrier *barrier, enum barrier_state state, uintptr_t site)
{
	const struct coro_probe_value value = {.kind = CORO_VALUE_INT, .integer = state};

	if (state != barrier->state)
		coro_probe_event(&barrier->object, CORO_EVENT_BARRIER_PHASE,
						 state == BROKEN ? CORO_STATE_CLOSED : CORO_STATE_OPEN, coro__actor_row(),
						 site, &value);
	barrier->state = state;
}

static coro_value enter(struct coro_barrier *barrier, uintptr_t site)
{
	return coro__lock_acquire_at(coro__condition_lock(barrier->condition, site), site);
}

/* What was to be given, after the lock is free again. */
static coro_value leave(struct coro_barrier *barrier, coro_value result, uintptr_t site)
{
	coro_value error = coro__lock_release_at(coro__condition_lock(barrier->condition, site), site);

	return coro_raised(error) ? error : result;
}

/* Waits until nobody of the last round is inside. */
static coro_value wait_for_turn(struct coro_barrier *barrier, uintptr_t site)
{
	while (barrier->state == DRAINING || barrier->state == RESETTING)
		CORO_TRY(coro__condition_wait_at(barrier->condition, site));
	if (barrier->state == BROKEN)
		return coro__raise_at(site, CORO_BrokenBarrierError, "Barrier aborted");
	return CORO_NONE;
}

static coro_value wait_for_others(struct coro_barrier *barrier, uintptr_t site)
{
	while (barrier->state == FILLING)
		CORO_TRY(coro__condition_wait_about(barrier->condition, &barrier->object,
											CORO_REASON_BARRIER, site));
	if (barrier->state == BROKEN || barrier->state == RESETTING)
		return coro__raise_at(site, CORO_BrokenBarrierError, "Abort or reset of barrier");
	return CORO_NONE;
}

static coro_value pass(struct coro_barrier *barrier, uintptr_t site)
{
	coro_value result = CORO_TRY(wait_for_turn(barrier, site));
	size_t number = barrier->count++;

	coro_probe_event(&barrier->object, CORO_EVENT_SYNC_WAIT, barrier->object.state,
					 coro__actor_row(), site, NULL);
	if (number + 1 == barrier->parties) {
		set_state(barrier, DRAINING, site);
		result = coro__condition_notify_at(barrier->condition, SIZE_MAX, site);
	} else {
		result = wait_for_others(barrier, site);
	}
	coro_probe_event(&barrier->object, CORO_EVENT_SYNC_WAKE, barrier->object.state,
					 coro__actor_row(), site, NULL);
	if (!--barrier->count) {
		if (barrier->state == RESETTING || barrier->state == DRAINING)
			set_state(barrier, FILLING, site);
		coro__condition_notify_at(barrier->condition, SIZE_MAX, site);
	}
	return coro_raised(result) ? result : coro_int((int64_t)number);
}

coro_value(coro_barrier_wait)(struct coro_barrier *barrier)
{
	CORO__CHECK(barrier, CORO_OBJECT_BARRIER);
	CORO_TRY(enter(barrier, CORO__SITE));
	return leave(barrier, pass(barrier, CORO__SITE), CORO__SITE);
}

coro_value(coro_barrier_reset)(struct coro_barrier *barrier)
{
	CORO__CHECK(barrier, CORO_OBJECT_BARRIER);
	CORO_TRY(enter(barrier, CORO__SITE));
	set_state(barrier, barrier->count ? RESETTING : FILLING, CORO__SITE);
	return leave(barrier, coro__condition_notify_at(barrier->condition, SIZE_MAX, CORO__SITE),
				 CORO__SITE);
}

coro_value(coro_barrier_abort)(struct coro_barrier *barrier)
{
	CORO__CHECK(barrier, CORO_OBJECT_BARRIER);
	CORO_TRY(enter(barrier, CORO__SITE));
	set_state(barrier, BROKEN, CORO__SITE);
	return leave(barrier, coro__condition_notify_at(barrier->condition, SIZE_MAX, CORO__SITE),
				 CORO__SITE);
}

size_t coro_barrier_parties(const struct coro_barrier *barrier)
{
	CORO__CHECK(barrier, CORO_OBJECT_BARRIER);
	return barrier->parties;
}

size_t coro_barrier_waiting(const struct coro_barrier *barrier)
{
	CORO__CHECK(barrier, CORO_OBJECT_BARRIER);
	return barrier->state == FILLING ? barrier->count : 0;
}

bool coro_barrier_broken(const struct coro_barrier *barrier)
{
	CORO__CHECK(barrier, CORO_OBJECT_BARRIER);
	return barrier->state == BROKEN;
}

void coro__barrier_check(const struct coro_barrier *barrier)
{
	CORO__HOLDS(barrier->condition && barrier->parties, &barrier->object,
				"a barrier has a condition, and parties");
	CORO__HOLDS(barrier->count <= barrier->parties, &barrier->object,
				"no more are inside of a barrier than it is for");
}
