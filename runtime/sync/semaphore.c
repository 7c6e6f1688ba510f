/*
 * semaphore.c - the semaphore: so many places.
 *
 *     release   one place more, which the first waiter has at once: it is counted as taken
 *               before that one runs
 *     a waiter that is cancelled after it was woken gives its place back
 */
#include <coroscope/sync.h>
#include "waiters.h"

struct coro_semaphore {
	struct coro_object object;
	struct coro__waiters waiters;
	size_t value; /* places that nobody has */
	size_t bound; /* of a bounded one: the most that it may be */
};

struct coro_semaphore *coro__semaphore_new(size_t value, bool bounded, const char *name,
										   const char *site)
{
	struct coro_semaphore *semaphore =
		coro__slot_take_clear(CORO_OBJECT_SEMAPHORE, sizeof(*semaphore));
	const struct coro_probe_value places = {.kind = CORO_VALUE_INT, .integer = (int64_t)value};

	if (!semaphore)
		return NULL;
	semaphore->value = value;
	semaphore->bound = bounded ? value : SIZE_MAX;
	coro__sync_begin(&semaphore->object, CORO_OBJECT_SEMAPHORE, CORO_STATE_OPEN, name, site,
					 CORO__SITE, &places);
	return coro__handle(semaphore);
}

void coro_semaphore_free(struct coro_semaphore *semaphore)
{
	if (!semaphore)
		return;
	CORO__CHECK(semaphore, CORO_OBJECT_SEMAPHORE);
	coro__sync_end(&semaphore->object, &semaphore->waiters, CORO__CALLER);
}

static bool is_locked(const struct coro_semaphore *semaphore)
{
	return !semaphore->value || coro__waiters_any(&semaphore->waiters);
}

bool coro_semaphore_locked(const struct coro_semaphore *semaphore)
{
	CORO__CHECK(semaphore, CORO_OBJECT_SEMAPHORE);
	return is_locked(semaphore);
}

static void tell(struct coro_semaphore *semaphore, unsigned event, uintptr_t site)
{
	const struct coro_probe_value places = {.kind = CORO_VALUE_INT,
											.integer = (int64_t)semaphore->value};

	coro_probe_event(&semaphore->object, event, CORO_STATE_OPEN, coro__actor_row(), site, &places);
}

static bool wake_next(struct coro_semaphore *semaphore)
{
	if (!coro__waiters_tell(&semaphore->waiters, &semaphore->object, 1, coro_bool(true)))
		return false;
	semaphore->value--;
	return true;
}

coro_value coro__semaphore_acquire_at(struct coro_semaphore *semaphore, uintptr_t site)
{
	coro_value result;
	bool told;

	if (!is_locked(semaphore)) {
		semaphore->value--;
		tell(semaphore, CORO_EVENT_SYNC_ACQUIRE, site);
		return coro_bool(true);
	}
	CORO_TRY(coro__may_await());
	result = coro__waiters_wait(&semaphore->waiters, &semaphore->object, &semaphore->object,
								CORO_REASON_SEMAPHORE, site, &told);
	if (coro_raised(result) && told) {
		semaphore->value++;
		tell(semaphore, CORO_EVENT_SYNC_RELEASE, site);
	}
	while (semaphore->value && wake_next(semaphore))
		;
	if (!coro_raised(result))
		tell(semaphore, CORO_EVENT_SYNC_ACQUIRE, site);
	return result;
}

coro_value coro__semaphore_release_at(struct coro_semaphore *semaphore, uintptr_t site)
{
	if (semaphore->value >= semaphore->bound)
		return coro__raise_at(site, CORO_ValueError, "BoundedSemaphore released too many times");
	semaphore->value++;
	tell(semaphore, CORO_EVENT_SYNC_RELEASE, site);
	if (coro__tells_nobody(coro__waiters_pending(&semaphore->waiters))) {
		semaphore->value--;
		return coro__raise_at(site, CORO_RuntimeError, "Event loop is closed");
	}
	wake_next(semaphore);
	return CORO_NONE;
}

coro_value(coro_semaphore_acquire)(struct coro_semaphore *semaphore)
{
	CORO__CHECK(semaphore, CORO_OBJECT_SEMAPHORE);
	return coro__semaphore_acquire_at(semaphore, CORO__SITE);
}

coro_value(coro_semaphore_release)(struct coro_semaphore *semaphore)
{
	CORO__CHECK(semaphore, CORO_OBJECT_SEMAPHORE);
	return coro__semaphore_release_at(semaphore, CORO__SITE);
}

void coro__semaphore_check(const struct coro_semaphore *semaphore)
{
	CORO__HOLDS(semaphore->value <= semaphore->bound, &semaphore->object,
				"a semaphore has no more places than it was made with");
	coro__waiters_check(&semaphore->waiters, &semaphore->object);
}
