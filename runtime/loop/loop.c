/*
 * loop.c - a loop and its turns.
 *
 *      .--------------------------------------------------------------.
 *      |                                                              |
 *      v                                                              |
 *   TURN_BEGIN --> SELECT --------> due timers ------> run n handles --> TURN_END
 *      |           wakes who          to the end         n: what was
 *      |           waits for a        of the ready       ready when
 *      |           descriptor         queue              it began
 *      |
 *      +-- may sleep: 0 when something is ready, else until the first timer,
 *          else for ever
 *
 * What a handle adds to the ready queue waits for the next turn, so two tasks that wake
 * each other for ever still let timers and descriptors in.
 *
 * Before a turn that would sleep for ever without a descriptor to wait for, the loop stops
 * with an error instead: nothing can ever happen again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "../task/watch.h"

__thread struct coro__loops coro__loops __attribute__((tls_model("initial-exec")));

enum { REPORTS = 64 };

/* ---- Life --------------------------------------------------------------- */

static bool virtual_time(const struct coro_loop_options *options)
{
	const char *time = getenv("COROSCOPE_TIME");

	return (options && options->virtual_time) || (time && !strcmp(time, "virtual"));
}

struct coro_loop *coro_loop_new(const struct coro_loop_options *options)
{
	return coro__handle(coro__loop_new_at(options, CORO__SITE));
}

struct coro_loop *coro__loop_new_at(const struct coro_loop_options *options, uintptr_t call)
{
	struct coro_loop *loop = coro__slot_take_clear(CORO_OBJECT_LOOP, sizeof(*loop));

	if (!loop)
		return NULL;
	if (options && options->environment)
		loop->environment = options->environment;
	else
		loop->environment =
			virtual_time(options) ? coro_environment_virtual() : coro_environment_real();
	if (!loop->environment) {
		int error = errno;

		coro__slot_give(CORO_OBJECT_LOOP, loop);
		errno = error;
		return NULL;
	}
	coro__entries_init(&loop->ready);
	strcpy(loop->task_name, "Task-1");
	loop->task_digit = sizeof("Task-1") - 2;
	loop->interrupt = CORO_NONE;
	loop->references = 1;
	loop->origin = loop->environment->operations->now(loop->environment);
	coro_probe_object_init(&loop->object, CORO_OBJECT_LOOP, "loop", NULL);
	coro_probe_event(&loop->object, CORO_EVENT_CREATE, CORO_STATE_CREATED, coro__current_row(),
					 call, NULL);
	if (!coro__loops.first)
		coro__loops.first = loop;
	return loop;
}

void coro_loop_free(struct coro_loop *loop)
{
	if (loop)
		coro__loop_free_at(coro__check(loop, CORO_OBJECT_LOOP, CORO__SITE), CORO__SITE);
}

void coro_loop_close(struct coro_loop *loop)
{
	if (loop)
		coro__loop_close_at(coro__check(loop, CORO_OBJECT_LOOP, CORO__SITE), CORO__SITE);
}

void coro__loop_free_at(struct coro_loop *loop, uintptr_t call)
{
	if (!loop->running) {
		coro__loop_cancel_all_at(loop, call);
		coro__loop_close_generators(loop);
	}
	coro__loop_close_at(loop, call);
}

void coro__loop_close_at(struct coro_loop *loop, uintptr_t call)
{
	struct coro_loop *running = coro__loops.running;

	if (loop->running)
		coro__misused(&loop->object, "is freed while it is running", call);
	if (loop->ending)
		coro__misused(&loop->object, "is freed twice", call);
	coro__tasks_report(loop);
	loop->ending = true;
	coro__loops.running = loop; /* what the cleanup of coroutines makes, ends with it */
	coro__insist(true);
	coro__tasks_close(loop);
	coro__callbacks_done(loop);
	coro__live_generators_done(loop);
	coro__insist(false);
	coro__watches_done(loop);
	coro__gathers_done(loop);
	coro__tasks_done(loop);
	coro__loops.running = running == loop ? NULL : running;
	if (coro__loops.first == loop)
		coro__loops.first = NULL;
	coro__descriptors_done(loop);
	coro_drop(loop->interrupt);
	loop->environment->operations->free(loop->environment);
	coro__heap_done(&loop->timers);
	coro_probe_event(&loop->object, CORO_EVENT_DESTROY, CORO_STATE_NONE, 0, 0, NULL);
	coro_probe_object_done(&loop->object);
	coro__slot_retire(loop);
	coro__loop_release(loop);
}

struct coro_loop *coro_loop_current(void)
{
	return coro__handle(coro__loop_current());
}

void coro__loop_missing(const char *what, uintptr_t site)
{
	coro__mistake(site, "%s: there is no loop on this thread (use coro_run)", what);
}

/* A generator that a task steps, or a coroutine that it drives by hand, is a root without a task:
 * the task stands among those who wait for it. */
coro__context *coro__context_place(void)
{
	struct coro_loop *loop = coro__loops.running;
	struct coro_task *task = coro__current_task();

	if (task)
		return &task->context;
	return loop && loop->callback_context ? loop->callback_context : &coro__thread_context;
}

bool coro__entries_remove(struct coro__entries *entries, struct coro__entry *entry)
{
	for (struct coro__entry **link = &entries->first; *link; link = &(*link)->next) {
		if (*link != entry)
			continue;
		*link = entry->next;
		if (!entry->next)
			entries->last = link;
		return true;
	}
	return false;
}

/* ---- Turns -------------------------------------------------------------- */

static int64_t sleep_time(struct coro_loop *loop)
{
	int64_t timeout;

	if (loop->ready.first)
		return 0;
	if (!loop->timers.count)
		return -1;
	timeout = coro__heap_when(&loop->timers) - coro__loop_now(loop);
	return timeout > 0 ? timeout : 0;
}

static void __attribute__((noinline)) ask_environment(struct coro_loop *loop, int64_t timeout)
{
	struct coro_readiness reports[REPORTS];
	int count;

	do {
		count = loop->environment->operations->wait(
			loop->environment, timeout, loop->descriptor_waiters == 0, reports, REPORTS);
		for (int i = 0; i < count; i++)
			coro__descriptor_ready(loop, reports[i].fd, reports[i].directions);
		timeout = 0;
	} while (count == REPORTS);
	if (count < 0)
		coro__fatal("the selector of the loop failed: %s", strerror(-count));
}

static inline void select_ready(struct coro_loop *loop)
{
	int64_t timeout = sleep_time(loop);

	if (CORO__UNLIKELY(coro_probe_mask() != 0)) {
		struct coro_probe_value value = {.kind = timeout < 0 ? CORO_VALUE_NONE : CORO_VALUE_INT,
										 .integer = timeout};

		coro_probe_event(&loop->object, CORO_EVENT_SELECT, CORO_STATE_RUNNING, 0, 0, &value);
	}
	/* With work at hand and nobody waiting for a descriptor there is nothing to learn. */
	if (timeout != 0 || loop->descriptor_waiters)
		ask_environment(loop, timeout);
}

/* Runs a handle, and reports it when it was slow. */
static void run_timed(struct coro_loop *loop, struct coro__entry *entry)
{
	int64_t begin = coro__loop_now(loop), spent;
	double seconds;

	entry->run(loop, entry);
	spent = coro__loop_now(loop) - begin;
	if (spent < coro__nanoseconds(loop->slow))
		return;
	seconds = (double)spent / 1e9;
	coro__report_about(coro_float(seconds), CORO_REPORT_SLOW, CORO_NONE,
					   "Executing a handle took %.3f seconds", seconds);
}

/* An event of the loop with a number. */
static inline void tell(struct coro_loop *loop, unsigned event, unsigned next_state,
						uint64_t number)
{
	coro__event_value(&loop->object, event, next_state, 0, 0, coro_int((int64_t)number));
}

/* Stands in turn_until_stopped(), for the reason that coro__task_run() tells. */
static inline __attribute__((always_inline)) void turn(struct coro_loop *loop)
{
	size_t handles;

#ifdef CORO_CHECKS
	coro__loop_check_turn(loop);
#endif
	tell(loop, CORO_EVENT_TURN_BEGIN, CORO_STATE_RUNNING, ++loop->turns);
	if (CORO__UNLIKELY(loop->observer != NULL))
		loop->observer(coro__handle(loop), loop->ready_count, loop->observer_context);
	select_ready(loop);
	if (CORO__UNLIKELY(loop->timers.count))
		coro__timers_collect(loop);
	handles = loop->ready_count;
	for (loop->batch = handles; loop->batch;) {
		struct coro__entry *entry = coro__entries_take(&loop->ready);

		loop->batch--;
		loop->ready_count--;
		if (CORO__UNLIKELY(loop->timed))
			run_timed(loop, entry);
		else if (CORO__LIKELY(entry->run == coro__task_step))
			coro__task_run(coro__task_of(entry));
		else
			entry->run(loop, entry);
	}
	tell(loop, CORO_EVENT_TURN_END, CORO_STATE_SUSPENDED, handles);
}

bool coro__loop_stuck(const struct coro_loop *loop)
{
	return !loop->ready.first && !loop->timers.count && !loop->descriptor_waiters;
}

/* ---- Running ------------------------------------------------------------ */

/* The callback of run_until_complete, on the stack of that. */
static void stop(struct coro_loop *loop, struct coro__entry *entry)
{
	coro_probe_event(&loop->object, CORO_EVENT_CALLBACK, CORO_STATE_RUNNING, 0, 0, NULL);
	loop->stopping = true;
	entry->run = NULL; /* it has run */
}

static coro_value turn_until_stopped(struct coro_loop *loop)
{
	coro_value raised = CORO_NONE;
	struct coro_loop *outer = coro__loops.running;

	coro__loops.running = loop;
	loop->running = true;
	loop->stopping = false;
	coro__loop_hooks_swap(loop);
	while (!loop->stopping && coro_is_none(loop->interrupt)) {
		if (coro__loop_stuck(loop)) {
			raised = coro__loop_deadlock(loop);
			break;
		}
		turn(loop);
	}
	coro__loop_hooks_swap(loop);
	loop->running = false;
	coro__loops.running = outer;
	if (!coro_is_none(loop->interrupt)) {
		raised = coro__deliver(coro__raised_value(loop->interrupt), 0);
		coro_drop(loop->interrupt);
		loop->interrupt = CORO_NONE;
	}
	return raised;
}

coro_value coro__loop_run_until_complete_at(struct coro_loop *loop, coro_value awaitable,
											uintptr_t site)
{
	struct coro__entry entry = {NULL, stop};
	struct coro_future *future;
	coro_value result = CORO_NONE;

	if (loop->running)
		return coro__raise_at(site, CORO_RuntimeError, "This event loop is already running");
	if (coro__loops.running)
		return coro__raise_at(site, CORO_RuntimeError,
							  "Cannot run the event loop while another loop is running");
	future = coro__ensure_future(loop, awaitable, &result, site);
	if (!future)
		return result;
	if (coro__done(future))
		coro__ready(loop, &entry);
	else
		coro__entries_add(&future->callbacks, &entry);
	result = turn_until_stopped(loop);
	if (entry.run) {
		if (coro__entries_remove(&loop->ready, &entry))
			loop->ready_count--;
		else
			coro__entries_remove(&future->callbacks, &entry);
	}
	if (coro_raised(result))
		future->object.flags |= CORO__FUTURE_RETRIEVED;
	else if (future->object.state == CORO_STATE_DONE)
		result = coro__hand_over(coro__active.current, future->outcome);
	else
		result = coro__future_deliver_error(future, 0);
	coro__future_release(future);
	return result;
}

coro_value coro_loop_run_until_complete(struct coro_loop *loop, coro_value awaitable)
{
	CORO__CHECK(loop, CORO_OBJECT_LOOP);
	return coro__loop_run_until_complete_at(loop, awaitable, CORO__SITE);
}

/* ---- Looking ------------------------------------------------------------ */

void coro_loop_set_slow(struct coro_loop *loop, double seconds)
{
	CORO__CHECK(loop, CORO_OBJECT_LOOP);
	loop->slow = seconds;
	loop->timed = seconds > 0;
}

void coro_loop_set_eager(struct coro_loop *loop, bool eager)
{
	CORO__CHECK(loop, CORO_OBJECT_LOOP);
	loop->eager = eager;
}

uint64_t coro_loop_turns(const struct coro_loop *loop)
{
	CORO__CHECK(loop, CORO_OBJECT_LOOP);
	return loop->turns;
}

size_t coro_loop_ready(const struct coro_loop *loop)
{
	CORO__CHECK(loop, CORO_OBJECT_LOOP);
	return loop->ready_count;
}

void coro_loop_observe_turns(struct coro_loop *loop, coro_turn_observer observer, void *context)
{
	CORO__CHECK(loop, CORO_OBJECT_LOOP);
	loop->observer = observer;
	loop->observer_context = context;
}
