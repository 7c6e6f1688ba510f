/*
 * timeout.c - shield, wait_for and timeouts: who is cancelled, and who is not.
 *
 *     shield     awaiter ---> outer . . . inner      cancelling outer stops there;
 *                             the inner's outcome goes to outer, unless that is done
 *
 *     timeout    enter ---- section ---- exit
 *                  |           ^           |
 *                  '-- timer --' cancel    '-- uncancel; CancelledError -> TimeoutError,
 *                                              if nobody else has asked for it meanwhile
 */
#include <math.h>
#include <stdlib.h>
#include <coroscope/wait.h>
#include "watch.h"

/* ---- shield ------------------------------------------------------------ */

struct shield {
	struct coro__watch watch; /* of inner, then outer */
	struct coro_future *inner, *outer;
};

static void inner_is_done(struct coro_future *outer, struct coro_future *inner)
{
	if (outer->object.state == CORO_STATE_CANCELLED) {
		inner->object.flags |= CORO__FUTURE_RETRIEVED;
		return;
	}
	if (coro__done(outer))
		return;
	if (inner->object.state == CORO_STATE_CANCELLED) {
		coro__future_complete_cancelled(outer, NULL, inner->object.row, 0);
	} else if (inner->object.state == CORO_STATE_FAILED) {
		inner->object.flags |= CORO__FUTURE_RETRIEVED;
		coro__future_complete(outer, inner->outcome, inner->object.row, 0);
	} else {
		coro__future_complete(outer, inner->outcome, inner->object.row, 0);
	}
}

static void one_is_done(struct coro__watch *watch, struct coro_future *future)
{
	struct shield *shield = (struct shield *)watch;

	if (future == shield->inner)
		inner_is_done(shield->outer, future);
	else
		coro__watch_remove_one(watch, shield->inner);
}

static struct coro_future *shield_new(coro_value awaitable, coro_value *ret_error, uintptr_t site)
{
	struct coro_future *inner = coro__ensure_future(NULL, awaitable, ret_error, site);
	struct coro_loop *loop;
	struct shield *shield;

	if (!inner || coro__done(inner))
		return inner;
	loop = inner->loop;
	shield = coro__watch_new(loop, sizeof(*shield), 2, one_is_done, NULL);
	if (shield) {
		shield->inner = inner;
		shield->outer = coro__future_make(loop, CORO_REASON_SHIELD, &inner->object, -1, NULL, site);
	}
	coro__future_release(inner);
	if (!shield || !shield->outer) {
		if (shield)
			coro__watch_release(&shield->watch);
		*ret_error = coro__raise_at(site, CORO_MemoryError, "out of memory");
		return NULL;
	}
	coro__watch_add(&shield->watch, inner);
	coro__watch_add(&shield->watch, shield->outer);
	inner = shield->outer;
	coro__watch_release(&shield->watch);
	return inner;
}

struct coro_future *coro_shield_future(coro_value awaitable, coro_value *ret_error)
{
	return coro__own(shield_new(awaitable, ret_error, CORO__SITE));
}

coro_value(coro_shield)(coro_value awaitable)
{
	coro_value error = coro__may_await();
	struct coro_future *outer;

	if (coro_raised(error))
		return error;
	outer = shield_new(awaitable, &error, CORO__SITE);
	if (outer && coro__current_task())
		coro__look_for_cycle(coro__current_task(), outer);
	return outer ? coro__future_await_and_free(outer, CORO__SITE) : error;
}

/* ---- timeout ----------------------------------------------------------- */

struct coro_timeout coro_timeout_at(double when)
{
	return (struct coro_timeout){.when = when};
}

struct coro_timeout coro_timeout(double delay)
{
	return coro_timeout_at(coro__loop_time(coro__loop_need("coro_timeout", CORO__CALLER)) + delay);
}

static void set_timer(struct coro_timeout *timeout, struct coro_handle timer)
{
	struct coro_task *task = coro__address(timeout->task);

	if (task)
		task->timeouts =
			(uint16_t)(task->timeouts + (timer.memory != NULL) - (timeout->handle.memory != NULL));
	timeout->handle = timer;
}

static coro_value time_is_over(coro_value argument)
{
	struct coro_timeout *timeout = coro_as_ptr(argument);

	coro_probe_event(&timeout->object, CORO_EVENT_TIMEOUT_EXPIRE, CORO_STATE_CLOSED,
					 ((const struct coro_object *)coro__address(timeout->task))->row, 0, NULL);
	timeout->state = CORO_TIMEOUT_EXPIRING;
	set_timer(timeout, (struct coro_handle){NULL, 0});
	coro__future_cancel(coro__address(timeout->task), NULL, 0);
	return CORO_NONE;
}

const struct coro_object *coro__timeout_of(const struct coro__callback *timer)
{
	const struct coro_timeout *timeout;

	if (timer->function != time_is_over || timer->cancelled)
		return NULL;
	timeout = coro_as_ptr(timer->argument);
	return timeout->object.magic == CORO_OBJECT_MAGIC ? &timeout->object : NULL;
}

/* None, or raised: then it is as it was. */
static coro_value schedule(struct coro_timeout *timeout, double when, uintptr_t site)
{
	struct coro_loop *loop = coro__loop_need("coro_timeout", site);
	struct coro_handle handle = {NULL, 0};

	if (!isinf(when)) {
		if (coro__nanoseconds(when) <= coro__loop_now(loop))
			handle = coro__loop_call_now(loop, time_is_over, coro_ptr(timeout));
		else
			handle = coro__loop_call_when(loop, when, time_is_over, coro_ptr(timeout), 0);
		if (!handle.memory && !loop->ending)
			return coro__raise_at(site, CORO_MemoryError, "out of memory");
	}
	coro_handle_cancel(timeout->handle);
	set_timer(timeout, handle);
	timeout->when = when;
	return CORO_NONE;
}

/* CREATE or TIMEOUT_RESCHEDULE: who does it, and when the time is over, if it ever is. */
static void tell_deadline(struct coro_timeout *timeout, unsigned event, double when, uintptr_t site)
{
	const struct coro_probe_value due = {.kind = CORO_VALUE_INT,
										 .integer = coro__nanoseconds(when)};

	coro_probe_event(&timeout->object, event, CORO_STATE_OPEN, coro__actor_row(), site,
					 isinf(when) ? NULL : &due);
}

static void end_object(struct coro_timeout *timeout)
{
	coro_probe_event(&timeout->object, CORO_EVENT_DESTROY, CORO_STATE_NONE, 0, 0, NULL);
	coro_probe_object_done(&timeout->object);
}

coro_value(coro_timeout_reschedule)(struct coro_timeout *timeout, double when)
{
	static const char *const states[] = {"created", "active", "expiring", "expired", "finished"};
	coro_value result;

	if (timeout->state == CORO_TIMEOUT_CREATED)
		return coro__raise_at(CORO__SITE, CORO_RuntimeError, "Timeout has not been entered");
	if (timeout->state != CORO_TIMEOUT_ENTERED)
		return coro__raise_at(CORO__SITE, CORO_RuntimeError, "Cannot change state of %s Timeout",
							  states[timeout->state]);
	tell_deadline(timeout, CORO_EVENT_TIMEOUT_RESCHEDULE, when, CORO__SITE);
	result = schedule(timeout, when, CORO__SITE);
	if (coro_raised(result))
		tell_deadline(timeout, CORO_EVENT_TIMEOUT_RESCHEDULE, timeout->when, CORO__SITE);
	return result;
}

bool coro_timeout_expired(const struct coro_timeout *timeout)
{
	return timeout->state == CORO_TIMEOUT_EXPIRING || timeout->state == CORO_TIMEOUT_EXPIRED;
}

coro_value coro__timeout_enter_at(struct coro_timeout *timeout, uintptr_t site)
{
	struct coro_task *task = coro__current_task();
	const struct coro_loop *loop = coro__loops.running;
	coro_value result;

	if (!loop || !loop->running)
		return coro__raise_at(site, CORO_RuntimeError, "no running event loop");
	if (timeout->state != CORO_TIMEOUT_CREATED)
		return coro__raise_at(site, CORO_RuntimeError, "Timeout has already been entered");
	if (!task)
		return coro__raise_at(site, CORO_RuntimeError, "Timeout should be used inside a task");
	coro_probe_object_init(&timeout->object, CORO_OBJECT_TIMEOUT, NULL, NULL);
	timeout->object.parent = task->future.object.row;
	timeout->task = coro__handle(task);
	tell_deadline(timeout, CORO_EVENT_CREATE, timeout->when, site);
	result = schedule(timeout, timeout->when, site);
	if (coro_raised(result)) {
		end_object(timeout);
		return result;
	}
	timeout->state = CORO_TIMEOUT_ENTERED;
	timeout->cancelling = coro_task_cancelling(task);
	return CORO_NONE;
}

coro_value(coro_timeout_enter)(struct coro_timeout *timeout)
{
	return coro__timeout_enter_at(timeout, CORO__SITE);
}

coro_value coro__timeout_exit_at(struct coro_timeout *timeout, coro_value result, uintptr_t site)
{
	if (timeout->state == CORO_TIMEOUT_ENTERED || timeout->state == CORO_TIMEOUT_EXPIRING)
		end_object(timeout);
	coro_handle_cancel(timeout->handle);
	set_timer(timeout, (struct coro_handle){NULL, 0});
	if (timeout->state == CORO_TIMEOUT_ENTERED) {
		timeout->state = CORO_TIMEOUT_EXITED;
		return result;
	}
	if (timeout->state != CORO_TIMEOUT_EXPIRING)
		return result;
	timeout->state = CORO_TIMEOUT_EXPIRED;
	if (coro_task_uncancel(timeout->task) > timeout->cancelling || !coro_raised(result))
		return result;
	if (coro_is(result, CORO_CancelledError))
		return coro__deliver(
			coro_raise_from(coro__raise_at(site, CORO_TimeoutError, "%s", ""), coro_caught(result)),
			0);
	coro__timeout_context(result);
	return result;
}

coro_value(coro_timeout_exit)(struct coro_timeout *timeout, coro_value result)
{
	return coro__timeout_exit_at(timeout, result, CORO__SITE);
}

/* ---- wait_for ---------------------------------------------------------- */

static void release_waiter(struct coro__watch *watch, struct coro_future *future)
{
	struct shield *both = (struct shield *)watch;

	if (!coro__done(both->outer))
		coro__future_complete(both->outer, CORO_NONE, future->object.row, 0);
}

static void waiter_freed(struct coro__watch *watch)
{
	coro__future_release(((struct shield *)watch)->outer);
}

/* Cancels it, and waits until it is done; not on it, so that cancelling who waits here ends that.
 */
static coro_value cancel_and_wait(struct coro_future *future, uintptr_t site)
{
	struct shield *both =
		coro__watch_new(future->loop, sizeof(*both), 1, release_waiter, waiter_freed);
	coro_value result;

	if (both) {
		both->inner = future;
		both->outer =
			coro__future_make(future->loop, CORO_REASON_WAIT, &future->object, -1, NULL, site);
	}
	if (!both || !both->outer) {
		if (both) {
			both->watch.freed = NULL;
			coro__watch_release(&both->watch);
		}
		coro__future_cancel(future, NULL, site);
		return coro__raise_at(site, CORO_MemoryError, "out of memory");
	}
	coro__watch_add(&both->watch, future);
	coro__future_cancel(future, NULL, site);
	result = coro__future_await(both->outer, site);
	coro__watch_remove(&both->watch);
	coro__watch_release(&both->watch);
	return result;
}

static coro_value wait_not_at_all(coro_value awaitable, uintptr_t site)
{
	coro_value result = CORO_NONE;
	struct coro_future *future = coro__ensure_future(NULL, awaitable, &result, site);

	if (!future)
		return result;
	if (coro__done(future)) {
		result = coro__future_result(future, site);
	} else {
		result = cancel_and_wait(future, site);
		if (!coro_raised(result)) {
			result = coro__future_result(future, site);
			if (coro_raised(result) && coro_is(result, CORO_CancelledError))
				result = coro_raise_from(coro__raise_at(site, CORO_TimeoutError, "%s", ""),
										 coro_caught(result));
		}
	}
	coro__future_release(future);
	return result;
}

coro_value(coro_wait_for)(coro_value awaitable, double seconds)
{
	uintptr_t site = CORO__SITE;
	struct coro_timeout timeout;
	struct coro__inside inside;
	coro_value result;

	CORO_TRY(coro__may_await());
	inside = coro__inside_begin();
	if (seconds <= 0) {
		result = wait_not_at_all(awaitable, site);
	} else {
		timeout = coro_timeout(seconds);
		result = coro__timeout_enter_at(&timeout, site);
		if (coro_raised(result))
			coro__discard(&awaitable, 0, 1);
		else
			result = coro__timeout_exit_at(&timeout, coro__await_at(awaitable, site), site);
	}
	return coro__inside_end(inside, result);
}
