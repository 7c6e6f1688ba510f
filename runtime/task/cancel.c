/*
 * cancel.c - a request to cancel, on its way down to what is waited for.
 *
 *     task A ---> task B ---> gather ---> task C ---> future
 *                                   '---> task D ---> future
 *
 *     A is asked, then B; then of the gather one child after the other, each down to its future,
 *     which is cancelled. What comes back up is whether there was anything to cancel: when
 *     there was not, the task above it keeps the request for its own next step, must_cancel.
 *
 * Such a chain may be longer than the stack of who asks is deep, so nothing recurs here. Tasks that
 * await tasks are a line: whatever comes back, comes back to the last of them. A gather remembers
 * in itself where among its children the request is, and which gather it came through.
 *
 * Tasks that wait for each other in a ring are asked once: where the ring closes there is nothing
 * more to cancel.
 */
#include <stdlib.h>
#include <string.h>
#include "tasks.h"

/* A request, and the place in the program that makes it. */
struct request {
	const char *message; /* or NULL */
	uint32_t actor;
	uintptr_t site;
};

/* It can be asked, and is not being asked already. Asked when it is done, nobody will be told of
 * its exception: so asyncio's futures have it, but not a gather. */
static bool can_be_asked(struct coro_future *future)
{
	if (!future)
		return false;
	if (coro__done(future)) {
		if (!(future->object.flags & CORO__FUTURE_GATHER))
			future->object.flags |= CORO__FUTURE_RETRIEVED;
		return false;
	}
	return !(future->object.flags & CORO__FUTURE_ASKED);
}

static void ask_task(struct coro_task *task, const struct request *request)
{
	struct coro_probe_value value = {.kind = CORO_VALUE_STRING};

	if (request->message) {
		value.pointer = request->message;
		value.length = strlen(request->message);
	}
	task->future.object.flags |= CORO__FUTURE_ASKED;
	coro_probe_event(&task->future.object, CORO_EVENT_CANCEL, task->future.object.state,
					 request->actor, request->site, request->message ? &value : NULL);
	task->cancel_requests++;
}

/* What came back to a line of tasks: true when it has any. */
static bool settle(struct coro_task *first, struct coro_task *last, bool asked,
				   const struct request *request)
{
	struct coro_task *task;

	if (!last)
		return asked;
	if (!asked) {
		last->must_cancel = true;
		free(last->request_message);
		last->request_message = request->message ? strdup(request->message) : NULL;
	}
	for (task = first; task != last; task = (struct coro_task *)task->awaited)
		task->future.object.flags &= (uint8_t)~CORO__FUTURE_ASKED;
	last->future.object.flags &= (uint8_t)~CORO__FUTURE_ASKED;
	return true;
}

bool coro__future_cancel(struct coro_future *future, const char *message, uintptr_t site)
{
	const struct request request = {message, coro__actor_row(), site};
	struct coro_future *gather = NULL; /* whose children are being asked */
	struct coro__asking *asking;
	bool asked;

	for (;;) {
		struct coro_task *first = NULL, *last = NULL;

		while (can_be_asked(future) && coro__is_task(future)) {
			last = (struct coro_task *)future;
			if (!first)
				first = last;
			ask_task(last, &request);
			future = last->awaited;
		}
		asked = can_be_asked(future);
		if (asked && future->object.flags & CORO__FUTURE_GATHER) {
			future->object.flags |= CORO__FUTURE_ASKED;
			*coro__gather_asking(future) = (struct coro__asking){gather, first, last, 0, false};
			gather = future;
		} else {
			if (asked)
				coro__future_complete_cancelled(future, message, request.actor, site);
			asked = settle(first, last, asked, &request);
			if (!gather)
				return asked;
			if (asked)
				coro__gather_asking(gather)->asked = true;
		}
		/* On to the next child of the gather, or of the one above that. */
		while (asking = coro__gather_asking(gather),
			   !(future = coro__gather_argument(gather, asking->next++))) {
			gather->object.flags &= (uint8_t)~CORO__FUTURE_ASKED;
			if (asking->asked)
				coro__gather_cancelling(gather);
			asked = settle(asking->first, asking->last, asking->asked, &request);
			gather = asking->gather;
			if (!gather)
				return asked;
			if (asked)
				coro__gather_asking(gather)->asked = true;
		}
	}
}

bool coro_task_cancel(struct coro_task *task, const char *message)
{
	CORO__CHECK(task, CORO_OBJECT_TASK);
	return coro__future_cancel(&task->future, message, CORO__SITE);
}

bool coro_future_cancel(struct coro_future *future, const char *message)
{
	CORO__CHECK(future, CORO_OBJECT_FUTURE);
	return coro__future_cancel(future, message, CORO__SITE);
}
