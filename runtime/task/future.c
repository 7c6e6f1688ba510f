/*
 * future.c - futures: completing, telling, awaiting.
 *
 * A future that becomes done hands its callbacks, as they stand, to the end of the ready
 * queue. Nothing of them runs inside the call that completed it:
 *
 *     future.callbacks:  task A -> gather -> task B
 *                          |
 *     set_result           v
 *     loop.ready:  ... -> task A -> gather -> task B        all in the next turn
 *
 * The await of a future is written once, in coro__future_await_begin() and _end(): the coroutine
 * yields the future to whoever drives it, which is a task, and that one adds itself to the
 * callbacks.
 */
#include <stdlib.h>
#include <string.h>
#include "tasks.h"

/* ---- Life --------------------------------------------------------------- */

static void __attribute__((cold)) report_unretrieved(struct coro_future *future)
{
	bool task = coro__is_task(future);

	coro__report_about(coro_object(future), CORO_REPORT_UNRETRIEVED, coro_caught(future->outcome),
					   task ? "%s exception was never retrieved: task '%s'"
							: "%s exception was never retrieved%s",
					   coro_type_name(coro_object(future)),
					   task ? coro_task_name((struct coro_task *)future) : "");
}

void coro__future_done(struct coro_future *future)
{
	while (CORO__UNLIKELY(future->callbacks.first != NULL))
		coro__entry_drop(future->loop, coro__entries_take(&future->callbacks));
	if (CORO__UNLIKELY(!(future->object.flags & CORO__FUTURE_RETRIEVED)))
		report_unretrieved(future);
	coro__drop(future->outcome);
	if (CORO__UNLIKELY(future->cancel_message != NULL)) {
		free(future->cancel_message);
		future->cancel_message = NULL;
	}
	future->mark = NULL;
	coro_probe_event(&future->object, CORO_EVENT_DESTROY, CORO_STATE_NONE, 0, 0, NULL);
	coro_probe_object_done(&future->object);
	future->object.magic = 0;
}

/* What a new one is besides its identity. */
static inline void begin(struct coro_future *future, struct coro_loop *loop,
						 enum coro_reason reason, const struct coro_object *object)
{
	coro__future_init(future, loop);
	future->object.reason = (uint8_t)reason;
	future->object.parent = coro__actor_row();
	future->waited = object;
	future->object.waits_on = object ? object->row : 0;
}

void coro__future_set_up(struct coro_future *future, struct coro_loop *loop,
						 enum coro_reason reason, const struct coro_object *object, int64_t number,
						 const char *site, uintptr_t pc)
{
	coro_probe_object_init(&future->object, CORO_OBJECT_FUTURE, NULL, site);
	begin(future, loop, reason, object);
	if (number >= 0)
		coro__event_value(&future->object, CORO_EVENT_FUTURE_NEW, CORO_STATE_PENDING,
						  future->object.waits_on, pc, coro_int(number));
	else
		coro_probe_event(&future->object, CORO_EVENT_FUTURE_NEW, CORO_STATE_PENDING,
						 future->object.waits_on, pc, NULL);
}

void coro__future_take_down(struct coro_future *future)
{
	struct coro_loop *loop = future->loop;

	coro__future_done(future);
	coro__loop_release(loop);
}

void coro__future_renew(struct coro_future *future, enum coro_reason reason,
						const struct coro_object *object, uintptr_t pc)
{
	struct coro_loop *loop = future->loop;

	loop->references++;
	coro__future_take_down(future);
	coro__future_set_up(future, loop, reason, object, -1, NULL, pc);
	coro__loop_release(loop);
}

static struct coro_future *__attribute__((noinline))
make_slowly(struct coro_loop *loop, enum coro_reason reason, const struct coro_object *object,
			int64_t number, const char *site, uintptr_t pc)
{
	struct coro_future *future = coro__slot_take(CORO_OBJECT_FUTURE, sizeof(*future));

	if (future)
		coro__future_set_up(future, loop, reason, object, number, site, pc);
	return future;
}

/* Each wait makes a future. When all that it takes is at hand, and nobody looks, there is no call
 * in this function. */
struct coro_future *coro__future_make(struct coro_loop *loop, enum coro_reason reason,
									  const struct coro_object *object, int64_t number,
									  const char *site, uintptr_t pc)
{
	struct coro_future *future;

	if (CORO__UNLIKELY(!coro__slot_at_hand(CORO_OBJECT_FUTURE) || !coro__probe_row_at_hand() ||
					   coro_probe_mask()))
		return make_slowly(loop, reason, object, number, site, pc);
	future = coro__slot_take_free(CORO_OBJECT_FUTURE, CORO_OBJECT_FUTURE);
	coro__probe_object_init_at_hand(&future->object, CORO_OBJECT_FUTURE, NULL, site);
	begin(future, loop, reason, object);
	future->object.state = CORO_STATE_PENDING;
	return future;
}

static void __attribute__((noinline)) end_slowly(struct coro_future *future)
{
	struct coro_loop *loop = future->loop;

	if (coro__is_task(future)) {
		coro__task_free((struct coro_task *)future);
	} else if (future->object.flags & CORO__FUTURE_GATHER) {
		coro__gather_free(future);
	} else {
		coro__future_done(future);
		coro__slot_give(CORO_OBJECT_FUTURE, future);
	}
	coro__loop_release(loop);
}

/* Nothing of it is left but its slot and its row. */
static inline bool is_bare(const struct coro_future *future)
{
	return future->object.kind == CORO_OBJECT_FUTURE &&
		   (future->object.flags & (CORO__FUTURE_GATHER | CORO__FUTURE_RETRIEVED)) ==
			   CORO__FUTURE_RETRIEVED &&
		   !future->callbacks.first && coro_kind(future->outcome) != CORO_VALUE_EXCEPTION &&
		   !future->cancel_message;
}

void coro__future_end(struct coro_future *future)
{
	if (coro__is_task(future) && coro__task_free_bare((struct coro_task *)future)) {
		coro__loop_release(future->loop);
		return;
	}
	if (CORO__UNLIKELY(!is_bare(future) || coro_probe_mask() ||
					   !coro__probe_row_returns(&future->object))) {
		end_slowly(future);
		return;
	}
	coro__probe_object_done_at_hand(&future->object);
	future->object.state = CORO_STATE_NONE;
	future->mark = NULL;
	coro__slot_give(CORO_OBJECT_FUTURE, future);
	coro__loop_release(future->loop);
}

struct coro_future *coro__future_new(enum coro_reason reason, const struct coro_object *object,
									 const char *site)
{
	if (object)
		object = coro__check(object, 0, CORO__SITE);
	return coro__own(coro__future_make(coro__loop_need("coro_future_new", CORO__SITE), reason,
									   object, -1, site, CORO__SITE));
}

void *coro__own(struct coro_future *future)
{
	if (!future)
		return NULL;
	future->owners++;
	return coro__handle(future);
}

void coro__disown(struct coro_future *future, uintptr_t site)
{
	if (!future->owners)
		coro__misused(&future->object, "is freed twice, or by who does not own it", site);
	future->owners--;
	coro__future_release(future);
}

void coro_future_free(struct coro_future *future)
{
	if (future)
		coro__disown(coro__check(future, CORO_OBJECT_FUTURE, CORO__CALLER), CORO__CALLER);
}

/* ---- Completing --------------------------------------------------------- */

static void __attribute__((noinline)) tell_slowly(struct coro_future *future)
{
	struct coro_loop *loop = future->loop;
	struct coro__entry *next;

	for (struct coro__entry *entry = future->callbacks.first; entry; entry = next) {
		next = entry->next;
		if (entry->run == coro__task_step)
			coro_probe_event(&coro__task_of(entry)->future.object, CORO_EVENT_WAKE,
							 CORO_STATE_READY, future->object.row, 0, NULL);
		else if (entry->run == coro__callback_run)
			future->references++;
		coro__ready(loop, entry);
	}
	coro__entries_init(&future->callbacks);
}

void coro__future_tell(struct coro_future *future)
{
	struct coro__entry *entry = future->callbacks.first;

	if (!entry)
		return;
	if (CORO__UNLIKELY(entry->next || entry->run != coro__task_step || coro_probe_mask())) {
		tell_slowly(future);
		return;
	}
	/* One task waits, as nearly always. */
	coro__entries_init(&future->callbacks);
	coro__task_of(entry)->future.object.state = CORO_STATE_READY;
	coro__ready(future->loop, entry);
}

static void __attribute__((noinline))
complete_slowly(struct coro_future *future, coro_value outcome, uint32_t peer, uintptr_t site)
{
	bool failed = coro_raised(outcome);

	coro__event_value(&future->object, CORO_EVENT_FUTURE_SET,
					  failed ? CORO_STATE_FAILED : CORO_STATE_DONE, peer, site, outcome);
	if (failed)
		future->object.flags &= (uint8_t)~CORO__FUTURE_RETRIEVED;
	future->outcome = coro__keep(outcome);
	future->object.waits_on = 0;
	coro__future_tell(future);
}

void coro__future_complete(struct coro_future *future, coro_value outcome, uint32_t peer,
						   uintptr_t site)
{
	if (CORO__UNLIKELY(coro_kind(outcome) == CORO_VALUE_EXCEPTION || coro_probe_mask())) {
		complete_slowly(future, outcome, peer, site);
		return;
	}
	future->object.state = CORO_STATE_DONE;
	future->outcome = outcome;
	future->object.waits_on = 0;
	coro__future_tell(future);
}

void coro__future_complete_cancelled(struct coro_future *future, const char *message, uint32_t peer,
									 uintptr_t site)
{
	struct coro_probe_value value = {.kind = CORO_VALUE_EXCEPTION,
									 .type = "CancelledError",
									 .pointer = message ? message : "",
									 .length = message ? strlen(message) : 0};

	coro_probe_event(&future->object, CORO_EVENT_FUTURE_SET, CORO_STATE_CANCELLED, peer, site,
					 &value);
	future->cancel_message = message ? strdup(message) : NULL;
	future->object.waits_on = 0;
	coro__future_tell(future);
}

/* A task's outcome is what its coroutine ends with. */
static coro_value not_of_a_task(const char *operation, uintptr_t site)
{
	return coro__raise_at(site, CORO_RuntimeError, "Task does not support %s operation", operation);
}

static coro_value done_already(uintptr_t site)
{
	return coro__raise_at(site, CORO_InvalidStateError, "invalid state");
}

coro_value(coro_future_set_result)(struct coro_future *future, coro_value result)
{
	CORO__CHECK(future, CORO_OBJECT_FUTURE);
	if (coro_raised(result))
		return coro__future_set_exception(future, result, CORO__SITE);
	if (coro__is_task(future))
		return not_of_a_task("set_result", CORO__SITE);
	if (coro__done(future))
		return done_already(CORO__SITE);
	coro__future_complete(future, result, coro__actor_row(), CORO__SITE);
	return CORO_NONE;
}

coro_value coro__future_set_exception(struct coro_future *future, coro_value exception,
									  uintptr_t site)
{
	coro_value instead = CORO_NONE;

	if (coro__is_task(future))
		return not_of_a_task("set_exception", site);
	if (coro__done(future))
		return done_already(site);
	if (coro_kind(exception) != CORO_VALUE_EXCEPTION)
		return coro__raise_at(site, CORO_TypeError, "exceptions must derive from BaseException");
	if (coro_is(exception, CORO_StopIteration)) {
		instead = coro__exception_new(CORO_RuntimeError,
									  "StopIteration interacts badly with generators and "
									  "cannot be raised into a Future");
		exception = coro_raise_from(instead, exception);
	}
	coro__future_complete(future, coro__raised_value(exception), coro__actor_row(), site);
	coro_drop(instead);
	return CORO_NONE;
}

coro_value(coro_future_set_exception)(struct coro_future *future, coro_value exception)
{
	CORO__CHECK(future, CORO_OBJECT_FUTURE);
	return coro__future_set_exception(future, exception, CORO__SITE);
}

/* ---- Looking ------------------------------------------------------------ */

bool coro_future_done(const struct coro_future *future)
{
	CORO__CHECK(future, CORO_OBJECT_FUTURE);
	return coro__done(future);
}

bool coro_future_cancelled(const struct coro_future *future)
{
	CORO__CHECK(future, CORO_OBJECT_FUTURE);
	return future->object.state == CORO_STATE_CANCELLED;
}

coro_value coro__future_error(struct coro_future *future)
{
	coro_value error = future->outcome;

	future->object.flags |= CORO__FUTURE_RETRIEVED;
	if (future->object.state == CORO_STATE_FAILED)
		return coro_keep(error);
	/* The first to ask gets the very error that the task ended with. */
	future->outcome = CORO_NONE;
	if (coro_raised(error))
		return error;
	return coro__exception_new(CORO_CancelledError, "%s",
							   future->cancel_message ? future->cancel_message : "");
}

coro_value coro__future_deliver_error(struct coro_future *future, uintptr_t site)
{
	coro_value error = coro__future_error(future), raised;

	coro__chain(error);
	raised = coro__deliver(error, site);
	coro_drop(error);
	return raised;
}

/* What a future that is done gives to who runs. */
static coro_value __attribute__((noinline)) done_result(struct coro_future *future, uintptr_t site)
{
	return future->object.state == CORO_STATE_DONE
			   ? coro__hand_over(coro__active.current, future->outcome)
			   : coro__future_deliver_error(future, site);
}

coro_value coro__future_result(struct coro_future *future, uintptr_t site)
{
	if (!coro__done(future))
		return coro__raise_at(site, CORO_InvalidStateError, "Result is not set.");
	return done_result(future, site);
}

coro_value coro_future_result(struct coro_future *future)
{
	CORO__CHECK(future, CORO_OBJECT_FUTURE);
	return coro__future_result(future, CORO__SITE);
}

coro_value coro__future_exception(struct coro_future *future, uintptr_t site)
{
	if (!coro__done(future))
		return coro__raise_at(site, CORO_InvalidStateError, "Exception is not set.");
	if (future->object.state == CORO_STATE_DONE)
		return CORO_NONE;
	if (future->object.state == CORO_STATE_CANCELLED)
		return coro__future_deliver_error(future, site);
	future->object.flags |= CORO__FUTURE_RETRIEVED;
	return coro__hand_over(coro__active.current, coro_caught(future->outcome));
}

coro_value coro_future_exception(struct coro_future *future)
{
	CORO__CHECK(future, CORO_OBJECT_FUTURE);
	return coro__future_exception(future, CORO__SITE);
}

coro_value coro_future_peek(const struct coro_future *future)
{
	CORO__CHECK(future, CORO_OBJECT_FUTURE);
	return future->object.state == CORO_STATE_DONE || future->object.state == CORO_STATE_FAILED
			   ? future->outcome
			   : CORO_NONE;
}

/* ---- Awaiting ----------------------------------------------------------- */

coro_value coro__cannot_await(void)
{
	return coro__raise_at(0, CORO_RuntimeError, "'await' outside async function");
}

coro_value coro__future_await_begin(struct coro__wait *wait, struct coro_future *future,
									uintptr_t site)
{
	if (coro__done(future))
		return done_result(future, site);
	future->references++;
	return coro__future_wait(wait, future, site);
}

coro_value coro__task_await_begin(struct coro__wait *wait, struct coro_future *future,
								  uintptr_t site)
{
	struct coro_task *task = coro__current_task();

	/* Only one that waits itself can wait for who waits for it. */
	if (CORO__UNLIKELY(((struct coro_task *)future)->awaited) && !coro__done(future) && task)
		coro__look_for_cycle(task, future);
	return coro__future_await_begin(wait, future, site);
}

coro_value coro__future_await_end(struct coro__wait *wait, coro_value sent)
{
	struct coro_future *future = wait->awaited;

	if (CORO__UNLIKELY(coro_raised(sent)))
		sent = coro__deliver(sent, wait->site);
	else if (CORO__LIKELY(future->object.state == CORO_STATE_DONE))
		sent = coro__hand_over(coro__active.current, future->outcome);
	else if (coro__done(future))
		sent = coro__future_deliver_error(future, wait->site);
	else
		sent = coro__raise_at(wait->site, CORO_RuntimeError, "await wasn't used with future");
	coro__future_release(future);
	return sent;
}

coro_value coro__future_await(struct coro_future *future, uintptr_t site)
{
	struct coro__wait wait = {.go_on = coro__future_await_end};

	return coro__wait_through(&wait, coro__future_await_begin(&wait, future, site));
}

coro_value coro__future_await_and_free(struct coro_future *future, uintptr_t site)
{
	coro_value result = coro__future_await(future, site);

	coro__future_release(future);
	return result;
}

/* ---- Callbacks ---------------------------------------------------------- */

coro_value coro__future_add_done_callback(struct coro_future *future, coro_function *function,
										  coro_value argument, struct coro_context *context,
										  uintptr_t site)
{
	struct coro_loop *loop = future->loop;
	struct coro__callback *callback = coro__callback_new(loop, future, function, argument);

	if (!callback)
		return coro__raise_at(site, CORO_MemoryError, "out of memory");
	coro__callback_enter(callback, context);
	if (coro__done(future)) {
		future->references++;
		coro__ready(loop, &callback->entry);
	} else {
		coro__entries_add(&future->callbacks, &callback->entry);
	}
	return CORO_NONE;
}

coro_value(coro_future_add_done_callback)(struct coro_future *future, coro_function *function,
										  coro_value argument)
{
	CORO__CHECK(future, CORO_OBJECT_FUTURE);
	return coro__future_add_done_callback(future, function, argument, NULL, CORO__SITE);
}

coro_value(coro_future_add_done_callback_in_context)(struct coro_future *future,
													 coro_function *function, coro_value argument,
													 struct coro_context *context)
{
	CORO__CHECK(future, CORO_OBJECT_FUTURE);
	CORO__CHECK_UNLESS_NULL(context, CORO__SLOT_CONTEXT);
	return coro__future_add_done_callback(future, function, argument, context, CORO__SITE);
}
