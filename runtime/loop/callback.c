/*
 * callback.c - handles: callbacks now, later and at a time; and sleeping.
 *
 *      call_soon ----------------------------------.
 *                                                  v
 *      call_later, call_at --> heap of timers --> ready queue --> called, freed
 *                                   |      due         |
 *      cancel ----------------------+------------------+--> freed; in the ready queue it
 *                                                           stays, and is skipped
 *
 * A sleep is a timer that sets a future. As in asyncio the timer's turn only completes the
 * future, and the task that awaits it runs in the next one.
 */
#include <math.h>
#include "../task/watch.h"

enum { NANO = 1000000000 };

int64_t coro__nanoseconds(double seconds)
{
	double nanoseconds = seconds * NANO;
	const double most = 4e18;

	if (!(nanoseconds < most))
		return (int64_t)most;
	if (nanoseconds < -most)
		return -(int64_t)most;
	/* Rounded to the nearest: 0.1 is 100000000. */
	return (int64_t)(nanoseconds < 0 ? nanoseconds - 0.5 : nanoseconds + 0.5);
}

/* ---- Life --------------------------------------------------------------- */

struct coro__callback *coro__callback_new(struct coro_loop *loop, struct coro_future *future,
										  coro_function *function, coro_value argument)
{
	struct coro__callback *callback = coro__slot_take(CORO__SLOT_CALLBACK, sizeof(*callback));

	if (!callback)
		return NULL;
	callback->entry.run = coro__callback_run;
	callback->serial = ++coro__loops.callback_serials;
	callback->node.position = CORO__HEAP_NOWHERE;
	callback->timer = false;
	callback->cancelled = false;
	callback->loop = loop;
	callback->future = future;
	callback->function = function;
	callback->argument = argument;
	callback->context = function ? coro__context_snapshot() : 0;
	return callback;
}

void coro__callback_enter(struct coro__callback *callback, struct coro_context *context)
{
	if (!callback || !context)
		return;
	coro__context_drop(&callback->context);
	callback->context = coro__context_of(context);
}

static void free_callback(struct coro_loop *loop, struct coro__callback *callback)
{
	coro__context_drop(&callback->context);
	callback->serial = 0;
	coro__slot_give(CORO__SLOT_CALLBACK, callback);
}

void coro__callback_run(struct coro_loop *loop, struct coro__entry *entry)
{
	struct coro__callback *callback = (struct coro__callback *)entry;
	struct coro_future *future = callback->future;
	coro_function *function = callback->function;
	coro_value argument = callback->argument;
	coro__context context = callback->context;
	bool cancelled = callback->cancelled;

	callback->context = 0;
	free_callback(loop, callback);
	if (!cancelled) {
		coro_probe_event(&loop->object, CORO_EVENT_CALLBACK, CORO_STATE_RUNNING,
						 future ? future->object.row : 0, 0, NULL);
		if (function) {
			coro_value result;

			loop->callback_context = &context;
			result = function(argument);
			loop->callback_context = NULL;
			if (coro_is(result, CORO_SystemExit) || coro_is(result, CORO_KeyboardInterrupt)) {
				coro_drop(loop->interrupt);
				loop->interrupt = coro_keep(result);
				loop->batch = 0;
			} else if (coro_raised(result))
				coro__report(CORO_REPORT_CALLBACK, coro_caught(result), "Exception in callback");
		} else if (!coro__done(future)) {
			coro__future_complete(future, CORO_NONE, loop->object.row, 0);
		}
	}
	coro__context_drop(&context);
	if (future)
		coro__future_release(future);
}

void coro__entry_drop(struct coro_loop *loop, struct coro__entry *entry)
{
	if (entry->run == coro__callback_run)
		free_callback(loop, (struct coro__callback *)entry);
	else if (entry->run == coro__gather_child_run)
		coro__gather_child_drop(entry);
	else if (entry->run == coro__watcher_run)
		coro__watcher_drop(entry);
}

/* Out of the heap, with its last event. */
static void end_timer(struct coro_loop *loop, struct coro__callback *callback, unsigned event)
{
	coro__heap_remove(&loop->timers, &callback->node);
	coro_probe_event(&callback->object, event, CORO_STATE_NONE, 0, 0, NULL);
	coro_probe_object_done(&callback->object);
	callback->timer = false;
}

void coro__callback_cancel(struct coro_loop *loop, struct coro__callback *callback)
{
	struct coro_future *future = callback->future;

	if (!callback->timer) {
		callback->cancelled = true;
		return;
	}
	end_timer(loop, callback, CORO_EVENT_TIMER_CANCEL);
	free_callback(loop, callback);
	if (future)
		coro__future_release(future);
}

void coro__callbacks_done(struct coro_loop *loop)
{
	struct coro__heap_node *node;

	while ((node = coro__heap_first(&loop->timers)))
		coro__callback_cancel(
			loop, (struct coro__callback *)((char *)node - offsetof(struct coro__callback, node)));
	while (loop->ready.first) {
		struct coro__entry *entry = coro__entries_take(&loop->ready);
		struct coro_future *future = NULL;

		if (entry->run == coro__callback_run)
			future = ((struct coro__callback *)entry)->future;
		coro__entry_drop(loop, entry);
		if (future)
			coro__future_release(future);
	}
	loop->ready_count = 0;
}

/* ---- Timers ------------------------------------------------------------- */

bool coro__timer_start(struct coro_loop *loop, struct coro__callback *callback, int64_t when,
					   uintptr_t site)
{
	struct coro_future *future = callback->future;
	struct coro_probe_value value = {.kind = CORO_VALUE_INT, .integer = when};

	if (!coro__heap_add(&loop->timers, &callback->node, when)) {
		free_callback(loop, callback);
		return false;
	}
	callback->timer = true;
	if (future)
		future->references++;
	coro_probe_object_init(&callback->object, CORO_OBJECT_TIMER, NULL, NULL);
	callback->object.parent = coro__actor_row();
	coro_probe_event(&callback->object, CORO_EVENT_TIMER_SET, CORO_STATE_PENDING,
					 future ? future->object.row : loop->object.row, site, &value);
	return true;
}

void coro__timers_collect(struct coro_loop *loop)
{
	int64_t now = coro__loop_now(loop);

	while (loop->timers.count && coro__heap_when(&loop->timers) <= now) {
		struct coro__callback *callback =
			(struct coro__callback *)((char *)coro__heap_first(&loop->timers) -
									  offsetof(struct coro__callback, node));

		end_timer(loop, callback, CORO_EVENT_TIMER_FIRE);
		coro__ready(loop, &callback->entry);
	}
}

/* ---- Handles ------------------------------------------------------------ */

static struct coro_handle handle_of(struct coro__callback *callback)
{
	return (struct coro_handle){callback, callback ? callback->serial : 0};
}

static struct coro_handle call_soon(struct coro_loop *loop, coro_function *function, coro_value arg,
									struct coro_context *context)
{
	struct coro__callback *callback =
		loop->ending ? NULL : coro__callback_new(loop, NULL, function, arg);

	coro__callback_enter(callback, context);
	if (callback)
		coro__ready(loop, &callback->entry);
	return handle_of(callback);
}

struct coro_handle coro_loop_call_soon(struct coro_loop *loop, coro_function *function,
									   coro_value arg)
{
	CORO__CHECK(loop, CORO_OBJECT_LOOP);
	return coro__loop_call_now(loop, function, arg);
}

struct coro_handle coro__loop_call_now(struct coro_loop *loop, coro_function *function,
									   coro_value arg)
{
	return call_soon(loop, function, arg, NULL);
}

struct coro_handle coro_loop_call_soon_in_context(struct coro_loop *loop, coro_function *function,
												  coro_value arg, struct coro_context *context)
{
	CORO__CHECK(loop, CORO_OBJECT_LOOP);
	CORO__CHECK_UNLESS_NULL(context, CORO__SLOT_CONTEXT);
	return call_soon(loop, function, arg, context);
}

static struct coro_handle call_at(struct coro_loop *loop, int64_t when, coro_function *function,
								  coro_value arg, struct coro_context *context, uintptr_t site)
{
	struct coro__callback *callback =
		loop->ending ? NULL : coro__callback_new(loop, NULL, function, arg);

	coro__callback_enter(callback, context);
	if (callback && !coro__timer_start(loop, callback, when, site))
		callback = NULL;
	return handle_of(callback);
}

struct coro_handle coro__loop_call_after(struct coro_loop *loop, double delay,
										 coro_function *function, coro_value arg, uintptr_t site)
{
	return call_at(loop, coro__loop_now(loop) + coro__nanoseconds(delay), function, arg, NULL,
				   site);
}

struct coro_handle coro_loop_call_later(struct coro_loop *loop, double delay,
										coro_function *function, coro_value arg)
{
	CORO__CHECK(loop, CORO_OBJECT_LOOP);
	return coro__loop_call_after(loop, delay, function, arg, CORO__SITE);
}

struct coro_handle coro_loop_call_later_in_context(struct coro_loop *loop, double delay,
												   coro_function *function, coro_value arg,
												   struct coro_context *context)
{
	CORO__CHECK(loop, CORO_OBJECT_LOOP);
	CORO__CHECK_UNLESS_NULL(context, CORO__SLOT_CONTEXT);
	return call_at(loop, coro__loop_now(loop) + coro__nanoseconds(delay), function, arg, context,
				   CORO__SITE);
}

struct coro_handle coro__loop_call_when(struct coro_loop *loop, double when,
										coro_function *function, coro_value arg, uintptr_t site)
{
	return call_at(loop, coro__nanoseconds(when), function, arg, NULL, site);
}

struct coro_handle coro_loop_call_at(struct coro_loop *loop, double when, coro_function *function,
									 coro_value arg)
{
	CORO__CHECK(loop, CORO_OBJECT_LOOP);
	return coro__loop_call_when(loop, when, function, arg, CORO__SITE);
}

struct coro_handle coro_loop_call_at_in_context(struct coro_loop *loop, double when,
												coro_function *function, coro_value arg,
												struct coro_context *context)
{
	CORO__CHECK(loop, CORO_OBJECT_LOOP);
	CORO__CHECK_UNLESS_NULL(context, CORO__SLOT_CONTEXT);
	return call_at(loop, coro__nanoseconds(when), function, arg, context, CORO__SITE);
}

bool coro_handle_cancel(struct coro_handle handle)
{
	struct coro__callback *callback = handle.memory;
	uint64_t key;

	if (!callback || callback->serial != handle.serial || callback->cancelled)
		return false;
	key = coro__slot_of(callback)->key;
	if (!(key << 16)) /* its thread has ended */
		return false;
	if ((uint32_t)key != coro__active.thread)
		coro__mistake(CORO__CALLER, "a callback is cancelled by another thread than its loop's");
	coro__callback_cancel(callback->loop, callback);
	return true;
}

/* ---- Time --------------------------------------------------------------- */

double coro_loop_time(struct coro_loop *loop)
{
	CORO__CHECK(loop, CORO_OBJECT_LOOP);
	return coro__loop_time(loop);
}

void coro_loop_advance(struct coro_loop *loop, double seconds)
{
	CORO__CHECK(loop, CORO_OBJECT_LOOP);
	if (loop->environment->operations->advance)
		loop->environment->operations->advance(loop->environment, coro__nanoseconds(seconds));
}

coro_value(coro_sleep)(double seconds)
{
	coro_value result = coro__may_await();
	uintptr_t site = CORO__SITE;
	struct coro__callback *timer;
	struct coro_future *future;
	struct coro_loop *loop;
	uint64_t serial;

	if (coro_raised(result))
		return result;
	if (seconds <= 0) {
		result = coro__suspend_task(CORO_NONE, site);
		return coro_raised(result) ? result : CORO_NONE;
	}
	if (isnan(seconds))
		return coro__raise_at(site, CORO_ValueError, "Invalid delay: NaN (not a number)");
	loop = coro__loops.running;
	if (!loop || !loop->running)
		return coro__raise_at(site, CORO_RuntimeError, "no running event loop");
	future =
		coro__future_make(loop, CORO_REASON_TIMER, NULL, coro__nanoseconds(seconds), NULL, site);
	if (!future)
		return coro__raise_at(site, CORO_MemoryError, "out of memory");
	timer = coro__callback_new(loop, future, NULL, CORO_NONE);
	if (!timer ||
		!coro__timer_start(loop, timer, coro__loop_now(loop) + coro__nanoseconds(seconds), site)) {
		coro__future_release(future);
		return coro__raise_at(site, CORO_MemoryError, "out of memory");
	}
	serial = timer->serial;
	future->object.waits_on = timer->object.row;
	result = coro__future_await(future, site);
	/* Its memory is another timer's perhaps, once it was due. */
	if (coro_raised(result) && timer->serial == serial && !timer->cancelled)
		coro__callback_cancel(loop, timer);
	coro__future_release(future);
	return result;
}
