/*
 * task.c - tasks: spawning, stepping, cancelling.
 *
 * One step of a task, drawn with what it may lead to:
 *
 *     ready queue -> step -> resume the coroutine -> it ...
 *                                                    yielded a future: wait on it
 *                                                    yielded None: to the ready queue
 *                                                    yielded anything else: an error goes
 *                                                        into the next step
 *                                                    returned, or something left it: done
 *
 * What goes into the coroutine is None when what it awaited has a result (the await
 * reads it itself), else the exception of what it awaited, or CancelledError when that
 * was asked for meanwhile.
 *
 * A request to cancel is passed on to what the task waits for, and comes back as the
 * CancelledError of that. Only when there is nothing to pass it to (the task is ready, or
 * runs) must_cancel keeps it for the next step.
 */
#include <stdlib.h>
#include <string.h>
#include "tasks.h"

/* ---- Life --------------------------------------------------------------- */

/* "Task-9" becomes "Task-10". */
static void count_up(struct coro_loop *loop)
{
	char *last = loop->task_name + loop->task_digit, *digit = last;

	while (*digit == '9')
		*digit-- = '0';
	if (*digit != '-') {
		++*digit;
		return;
	}
	digit[1] = '1';
	last[1] = '0';
	loop->task_digit++;
}

/* Most tasks are given no other name, so that must cost nothing: no number is printed. */
static void name_by_number(struct coro_task *task)
{
	memcpy(task->name, task->future.loop->task_name, sizeof(task->name));
	task->future.object.name = task->name;
	count_up(task->future.loop);
}

static void set_name(struct coro_task *task, const char *name)
{
	char *old = task->long_name;
	size_t length;

	task->long_name = NULL;
	if (name) {
		length = strlen(name);
		if (length >= sizeof(task->name)) {
			task->long_name = strdup(name);
			length = sizeof(task->name) - 1;
		}
		memmove(task->name, name, length);
		task->name[length] = 0;
		task->future.object.name = task->long_name ? task->long_name : task->name;
	} else {
		name_by_number(task);
	}
	free(old);
}

static void link_last(struct coro_loop *loop, struct coro_task *task)
{
	task->next_task = NULL;
	task->previous = loop->last_task;
	if (loop->last_task)
		loop->last_task->next_task = task;
	else
		loop->first_task = task;
	loop->last_task = task;
}

static void unlink_task(struct coro_loop *loop, struct coro_task *task)
{
	if (task->previous)
		task->previous->next_task = task->next_task;
	else
		loop->first_task = task->next_task;
	if (task->next_task)
		task->next_task->previous = task->previous;
	else
		loop->last_task = task->previous;
}

/* What a new one is besides its identity and its name. What a freed task leaves in its slot needs
 * no setting. */
static inline void begin(struct coro_task *task, struct coro_loop *loop,
						 struct coro_generator *body, uint32_t actor)
{
	coro__future_init(&task->future, loop);
	task->future.references++; /* the loop's, until it is done */
	task->future.object.parent = actor;
	task->entry.run = coro__task_step;
	task->body = body;
	task->thrown = CORO_NONE;
	task->must_cancel = false;
	task->timeouts = 0;
	task->cancel_requests = 0;
	task->await_site = 0;
	coro__set_task(body, task);
	link_last(loop, task);
}

static struct coro_task *__attribute__((noinline))
new_slowly(struct coro_loop *loop, struct coro_generator *body, const char *name, const char *site,
		   uintptr_t pc, coro__context context)
{
	struct coro_task *task = coro__slot_take(CORO_OBJECT_TASK, sizeof(*task));
	uint32_t actor = coro__actor_row();

	if (!task) {
		coro__context_drop(&context);
		return NULL;
	}
	coro_probe_object_init(&task->future.object, CORO_OBJECT_TASK, NULL, site);
	begin(task, loop, body, actor);
	task->context = context;
	set_name(task, name);
	coro_probe_event(&task->future.object, CORO_EVENT_SPAWN, CORO_STATE_CREATED, body->object.row,
					 pc, NULL);
	coro_probe_event(&task->future.object, CORO_EVENT_READY, CORO_STATE_READY, actor, pc, NULL);
	if (loop->eager && loop->running) {
		coro__task_step(loop, &task->entry);
		/* It counts as made now: what it spawned was before it. */
		unlink_task(loop, task);
		link_last(loop, task);
	} else {
		coro__ready(loop, &task->entry);
	}
	return task;
}

struct coro_task *coro__task_new(struct coro_loop *loop, struct coro_generator *body,
								 const char *name, const char *site, uintptr_t pc)
{
	struct coro_task *task;

	if (CORO__UNLIKELY(name || loop->eager || !coro__slot_at_hand(CORO_OBJECT_TASK) ||
					   !coro__probe_row_at_hand() || coro_probe_mask() || coro__contexts_used))
		return new_slowly(loop, body, name, site, pc, coro__context_snapshot());
	task = coro__slot_take_free(CORO_OBJECT_TASK, CORO_OBJECT_TASK);
	coro__probe_object_init_at_hand(&task->future.object, CORO_OBJECT_TASK, NULL, site);
	begin(task, loop, body, coro__actor_row());
	name_by_number(task);
	task->future.object.state = CORO_STATE_READY;
	coro__ready(loop, &task->entry);
	return task;
}

struct coro_task *coro__task_new_in(struct coro_loop *loop, struct coro_generator *body,
									const char *name, const char *site, uintptr_t pc,
									struct coro_context *context)
{
	if (context)
		return new_slowly(loop, body, name, site, pc, coro__context_of(context));
	return coro__task_new(loop, body, name, site, pc);
}

/* Nothing of it is left but its slot, its row and its place among the loop's tasks. */
static inline bool is_bare(const struct coro_task *task)
{
	const struct coro_future *future = &task->future;

	return future->object.flags & CORO__FUTURE_RETRIEVED && !future->callbacks.first &&
		   coro_kind(future->outcome) != CORO_VALUE_EXCEPTION && !future->cancel_message &&
		   !task->last_gather && !task->body && coro_is_none(task->thrown) &&
		   !task->request_message && !task->long_name && !task->context;
}

bool coro__task_free_bare(struct coro_task *task)
{
	if (CORO__UNLIKELY(!is_bare(task) || coro_probe_mask() ||
					   !coro__probe_row_returns(&task->future.object)))
		return false;
	unlink_task(task->future.loop, task);
	coro__probe_object_done_at_hand(&task->future.object);
	task->future.object.state = CORO_STATE_NONE;
	task->future.mark = NULL;
	task->awaited = task->awaits_next = NULL;
	coro__slot_give(CORO_OBJECT_TASK, task);
	return true;
}

void coro__task_free(struct coro_task *task)
{
	struct coro_loop *loop = task->future.loop;

	if (CORO__UNLIKELY(task->last_gather != NULL)) {
		coro__future_release(task->last_gather);
		task->last_gather = NULL;
	}
	if (CORO__UNLIKELY(task->body != NULL))
		coro__release(task->body);
	coro__drop(task->thrown);
	coro__context_drop(&task->context);
	unlink_task(loop, task);
	coro__future_done(&task->future);
	if (CORO__UNLIKELY(task->request_message || task->long_name)) {
		free(task->request_message);
		free(task->long_name);
		task->request_message = task->long_name = NULL;
		task->future.object.name = task->name; /* for who still has a handle */
	}
	task->awaited = task->awaits_next = NULL;
	coro__slot_give(CORO_OBJECT_TASK, task);
}

void coro_task_free(struct coro_task *task)
{
	if (task)
		coro__disown(coro__check(task, CORO_OBJECT_TASK, CORO__CALLER), CORO__CALLER);
}

void coro__tasks_report(struct coro_loop *loop)
{
	for (struct coro_task *task = loop->first_task; task; task = task->next_task)
		if (!coro__done(&task->future) && !(task->future.object.flags & CORO__FUTURE_QUIET))
			coro__report_about(coro_object(task), CORO_REPORT_PENDING, CORO_NONE,
							   "Task was destroyed but it is pending!: task '%s'",
							   coro_task_name(task));
}

static void close_task(struct coro_task *task)
{
	struct coro_generator *body = task->body;

	if (task->awaited)
		coro__entries_remove(&task->awaited->callbacks, &task->entry);
	task->awaited = NULL;
	task->body = NULL;
	coro__set_task(body, NULL);
	/* It never ran: Python says of its coroutine that nobody awaited it, too. */
	if (body->object.state == CORO_STATE_CREATED)
		body->flags &= ~(uint32_t)CORO__BODY_AWAITED;
	coro__release(body);
}

void coro__tasks_close(struct coro_loop *loop)
{
	/* Closing a coroutine runs its cleanup, which may do anything, spawn included. */
	for (struct coro_task *task = loop->first_task; task;) {
		if (!task->body) {
			task = task->next_task;
			continue;
		}
		close_task(task);
		task = loop->first_task;
	}
}

void coro__tasks_close_awaiting(const struct coro_future *future)
{
	for (struct coro_task *task = future->loop->first_task; task; task = task->next_task) {
		if (task->body && task->awaited == future) {
			close_task(task);
			return;
		}
	}
}

void coro__tasks_done(struct coro_loop *loop)
{
	while (loop->first_task) {
		coro__task_free(loop->first_task);
		coro__loop_release(loop);
	}
}

struct coro_task *coro__spawn(coro_function *fn, coro_value arg, const char *function,
							  const char *name, const char *site)
{
	struct coro_task *task = coro__spawn_at(fn, arg, function, name, site, CORO__SITE);

	return coro__own(task ? &task->future : NULL);
}

static struct coro_task *spawn(coro_function *fn, coro_value arg, const char *function,
							   const char *name, struct coro_context *context, const char *site,
							   uintptr_t call)
{
	struct coro_loop *loop = coro__loop_need("coro_spawn", call);
	struct coro_generator *body = coro__coroutine_at(fn, arg, function, site, call);
	struct coro_task *task;
	coro_value error;

	if (!body)
		return NULL;
	error = coro__consume(body);
	if (coro_raised(error))
		coro__fatal("coro_spawn: a new coroutine cannot be spawned");
	task = coro__task_new_in(loop, body, name, site, call, context);
	if (!task)
		coro__release(body);
	return task;
}

struct coro_task *coro__spawn_at(coro_function *fn, coro_value arg, const char *function,
								 const char *name, const char *site, uintptr_t call)
{
	return spawn(fn, arg, function, name, NULL, site, call);
}

struct coro_task *coro__spawn_in_context(coro_function *fn, coro_value arg, const char *function,
										 const char *name, struct coro_context *context,
										 const char *site)
{
	struct coro_task *task;

	CORO__CHECK_UNLESS_NULL(context, CORO__SLOT_CONTEXT);
	task = spawn(fn, arg, function, name, context, site, CORO__SITE);
	return coro__own(task ? &task->future : NULL);
}

static struct coro_task *spawn_coroutine(struct coro_generator *body, const char *name,
										 struct coro_context *context, const char *site,
										 uintptr_t call)
{
	struct coro_loop *loop = coro__loop_need("coro_spawn_coroutine", call);
	struct coro_task *task;
	coro_value error;

	if (!body)
		return NULL;
	body = coro__check_body(body, call);
	error = coro__consume(body);
	if (coro_raised(error))
		coro__mistake(call, "coro_spawn_coroutine: %s", coro_message(error));
	task = coro__task_new_in(loop, body, name, site, call, context);
	if (!task)
		coro__release(body);
	return coro__own(task ? &task->future : NULL);
}

struct coro_task *coro__spawn_coroutine(struct coro_generator *body, const char *name,
										const char *site)
{
	return spawn_coroutine(body, name, NULL, site, CORO__SITE);
}

struct coro_task *coro__spawn_coroutine_in_context(struct coro_generator *body, const char *name,
												   struct coro_context *context, const char *site)
{
	CORO__CHECK_UNLESS_NULL(context, CORO__SLOT_CONTEXT);
	return spawn_coroutine(body, name, context, site, CORO__SITE);
}

size_t coro__same_coroutine(const coro_value *awaitables, size_t index, uintptr_t site)
{
	const coro_value *awaitable = &awaitables[index];
	size_t place = 0;

	/* One that has no task yet is no other's. */
	if (coro_kind(*awaitable) != CORO_VALUE_OBJECT ||
		coro__object_here(*awaitable, site)->kind != CORO_OBJECT_COROUTINE ||
		!(((const struct coro_generator *)awaitable->pointer)->flags & CORO__BODY_AWAITED))
		return index;
	while (awaitables[place].pointer != awaitable->pointer)
		place++;
	return place;
}

static struct coro_future *spawn_awaited(struct coro_loop *loop, struct coro_generator *body,
										 coro_value *ret_error, uintptr_t site)
{
	struct coro_task *task;

	*ret_error = coro__consume(body);
	if (coro_raised(*ret_error))
		return NULL;
	task = coro__task_new(loop ? loop : coro__loop_need("a task", site), body, NULL,
						  body->object.creation_site, site);
	if (task)
		return &task->future;
	coro__release(body);
	*ret_error = coro__raise_at(site, CORO_MemoryError, "out of memory");
	return NULL;
}

struct coro_future *coro__ensure_future(struct coro_loop *loop, coro_value awaitable,
										coro_value *ret_error, uintptr_t site)
{
	if (coro_kind(awaitable) == CORO_VALUE_OBJECT) {
		struct coro_object *object = coro__object_here(awaitable, site);

		if (object->kind == CORO_OBJECT_FUTURE || object->kind == CORO_OBJECT_TASK) {
			struct coro_future *future = (struct coro_future *)object;

			if (loop && future->loop != loop) {
				*ret_error = coro__raise_at(site, CORO_ValueError,
											"The future belongs to a different loop than the one "
											"specified as the loop argument");
				return NULL;
			}
			future->references++;
			return future;
		}
		if (object->kind == CORO_OBJECT_COROUTINE)
			return spawn_awaited(loop, (struct coro_generator *)object, ret_error, site);
	}
	if (coro__is_async_step(awaitable)) {
		struct coro_generator *body =
			coro__async_step_coroutine(coro_as_ptr(awaitable), false, NULL, site);

		if (body)
			return spawn_awaited(loop, body, ret_error, site);
		*ret_error = coro__raise_at(site, CORO_MemoryError, "out of memory");
		return NULL;
	}
	if (coro_raised(awaitable)) {
		*ret_error = awaitable;
		return NULL;
	}
	*ret_error = coro__raise_at(site, CORO_TypeError,
								"An asyncio.Future, a coroutine or an awaitable is required");
	return NULL;
}

static bool is_there(const coro_value *values, size_t count, const void *pointer)
{
	while (count--)
		if (coro_kind(values[count]) == CORO_VALUE_OBJECT && values[count].pointer == pointer)
			return true;
	return false;
}

void coro__discard(const coro_value *awaitables, size_t from, size_t count)
{
	for (size_t i = from; i < count; i++) {
		struct coro_generator *body;

		if (coro_kind(awaitables[i]) != CORO_VALUE_OBJECT ||
			is_there(awaitables, i, awaitables[i].pointer))
			continue;
		body = (struct coro_generator *)coro__object_here(awaitables[i], 0);
		if (body->object.kind == CORO_OBJECT_COROUTINE &&
			body->object.state == CORO_STATE_CREATED && !(body->flags & CORO__BODY_CONSUMED))
			coro__release(body);
	}
}

/* ---- A step ------------------------------------------------------------- */

/* `outcome` is the result, or raised and kept for the task. */
static void finish(struct coro_task *task, enum coro_state state, coro_value outcome)
{
	struct coro_generator *body = task->body;
	struct coro_future *gather = task->last_gather;

	if (state == CORO_STATE_FAILED)
		task->future.object.flags &= (uint8_t)~CORO__FUTURE_RETRIEVED;
	task->future.outcome = outcome;
	task->future.object.waits_on = 0;
	coro__event_value(&task->future.object, CORO_EVENT_DONE, state, 0, 0, outcome);
	coro__future_tell(&task->future);
	task->body = NULL;
	task->last_gather = NULL;
	coro__set_task(body, NULL); /* it may go on without: somebody else drove it */
	coro__release_finished(body);
	if (CORO__UNLIKELY(gather != NULL))
		coro__future_release(gather);
	coro__future_release(&task->future); /* the loop's */
}

static void finish_failed(struct coro_task *task, coro_value error)
{
	struct coro_loop *loop = task->future.loop;

	coro_keep(error);
	if (coro_is(error, CORO_CancelledError)) {
		finish(task, CORO_STATE_CANCELLED, error);
		return;
	}
	if (coro_is(error, CORO_KeyboardInterrupt) || coro_is(error, CORO_SystemExit)) {
		coro_drop(loop->interrupt);
		loop->interrupt = coro_keep(error);
		loop->batch = 0;
	}
	finish(task, CORO_STATE_FAILED, error);
}

static void finish_returned(struct coro_task *task, coro_value result)
{
	if (!task->must_cancel) {
		finish(task, CORO_STATE_DONE, coro__keep(result));
		return;
	}
	/* Cancelled right before it returned: the result is dropped. */
	task->must_cancel = false;
	task->future.cancel_message = task->request_message;
	task->request_message = NULL;
	result = coro__exception_new(CORO_CancelledError, "%s",
								 task->future.cancel_message ? task->future.cancel_message : "");
	finish(task, CORO_STATE_CANCELLED, result);
}

/* The next step raises: its coroutine yielded what it should not have. */
static void step_raising(struct coro_task *task, coro_value error)
{
	task->thrown = error;
	coro_probe_event(&task->future.object, CORO_EVENT_READY, CORO_STATE_READY,
					 task->future.object.row, 0, NULL);
	coro__ready(task->future.loop, &task->entry);
}

/* It was asked to cancel while it ran: what it awaits now is asked. */
void coro__task_cancel_awaited(struct coro_task *task)
{
	/* Its own: the request may come back to this task. */
	char *message = task->request_message ? strdup(task->request_message) : NULL;

	task->must_cancel = !coro__future_cancel(task->awaited, message, 0);
	free(message);
}

void coro__task_yielded(struct coro_task *task, coro_value value)
{
	struct coro_future *future;
	char text[160];

	if (coro_is_none(value)) {
		coro__task_give_way(task);
		return;
	}
	if (coro_kind(value) == CORO_VALUE_OBJECT) {
		const struct coro_object *object = coro__object_of(value, 0);

		if (object->kind == CORO_OBJECT_FUTURE || object->kind == CORO_OBJECT_TASK) {
			future = (struct coro_future *)object;
			if (future->loop != task->future.loop)
				step_raising(task, coro__exception_new(CORO_RuntimeError,
													   "Task <Task '%s'> got Future <Future > "
													   "attached to a different loop",
													   coro_task_name(task)));
			else if (!(object->flags & CORO__FUTURE_AWAITED))
				step_raising(task, coro__exception_new(CORO_RuntimeError,
													   "yield was used instead of yield from "
													   "in task <Task '%s'> with <Future >",
													   coro_task_name(task)));
			else if (future == &task->future)
				step_raising(task, coro__exception_new(CORO_RuntimeError,
													   "Task cannot await on itself: <Task>"));
			else
				coro__task_wait_on(task, future);
			return;
		}
	}
	coro_format(value, text, sizeof(text));
	step_raising(task, coro__exception_new(CORO_RuntimeError, "Task got bad yield: %s", text));
}

/* What goes into the coroutine: None, or an error, raised and kept for the caller. */
static coro_value what_is_sent(struct coro_task *task)
{
	struct coro_future *awaited = task->awaited;
	coro_value sent = task->thrown;

	task->awaited = NULL;
	task->thrown = CORO_NONE;
	task->future.object.waits_on = 0;
	task->future.object.reason = CORO_REASON_NONE;
	if (awaited && awaited->object.state != CORO_STATE_DONE)
		sent = coro__future_error(awaited);
	if (task->must_cancel) {
		task->must_cancel = false;
		if (!coro_is(sent, CORO_CancelledError)) {
			coro_drop(sent);
			sent = coro__exception_new(CORO_CancelledError, "%s",
									   task->request_message ? task->request_message : "");
		}
	}
	return sent;
}

void coro__task_finished(struct coro_task *task, enum coro__outcome outcome, coro_value value)
{
	if (outcome == CORO__RETURNED)
		finish_returned(task, value);
	else
		finish_failed(task, value);
}

void coro__task_step(struct coro_loop *loop, struct coro__entry *entry)
{
	struct coro_task *task = coro__task_of(entry);
	struct coro_object *object = &task->future.object;
	coro_value sent = what_is_sent(task), value;
	enum coro__outcome outcome;

	coro_probe_event(object, CORO_EVENT_STEP, CORO_STATE_RUNNING, loop->object.row, 0, NULL);
	value = coro__resume(task->body, object->row, sent, 0, &outcome);
	if (outcome == CORO__YIELDED)
		coro__task_yielded(task, value);
	else
		coro__task_finished(task, outcome, value);
	coro_drop(sent);
}

/* ---- Cancelling --------------------------------------------------------- */

unsigned coro_task_cancelling(const struct coro_task *task)
{
	CORO__CHECK(task, CORO_OBJECT_TASK);
	return task->cancel_requests;
}

unsigned coro_task_uncancel(struct coro_task *task)
{
	CORO__CHECK(task, CORO_OBJECT_TASK);
	if (task->cancel_requests && !--task->cancel_requests)
		task->must_cancel = false;
	return task->cancel_requests;
}

/* ---- Looking ------------------------------------------------------------ */

struct coro_task *coro_task_current(void)
{
	return coro__handle(coro__current_task());
}

size_t coro_all_tasks(const struct coro_loop *loop, struct coro_task **ret_tasks, size_t room)
{
	size_t count = 0;

	CORO__CHECK(loop, CORO_OBJECT_LOOP);
	for (struct coro_task *task = loop->first_task; task; task = task->next_task)
		if (!coro__done(&task->future)) {
			if (count < room)
				ret_tasks[count] = coro__handle(task);
			count++;
		}
	return count;
}

struct coro_task *coro_as_task(coro_value value)
{
	coro__expect(value, CORO_VALUE_OBJECT);
	return coro__handle(
		coro__check(coro__object_of(value, CORO__CALLER), CORO_OBJECT_TASK, CORO__CALLER));
}

struct coro_future *coro_task_future(struct coro_task *task)
{
	CORO__CHECK(task, CORO_OBJECT_TASK);
	return coro__handle(&task->future);
}

const char *coro_task_name(const struct coro_task *task)
{
	CORO__CHECK(task, CORO_OBJECT_TASK);
	return task->long_name ? task->long_name : task->name;
}

void coro_task_set_name(struct coro_task *task, const char *name)
{
	CORO__CHECK(task, CORO_OBJECT_TASK);
	set_name(task, name);
}

struct coro_context *coro_task_context(struct coro_task *task)
{
	CORO__CHECK(task, CORO_OBJECT_TASK);
	return coro__context_handle(&task->context);
}

bool coro_task_done(const struct coro_task *task)
{
	CORO__CHECK(task, CORO_OBJECT_TASK);
	return coro__done(&task->future);
}

bool coro_task_cancelled(const struct coro_task *task)
{
	CORO__CHECK(task, CORO_OBJECT_TASK);
	return task->future.object.state == CORO_STATE_CANCELLED;
}

coro_value coro_task_result(struct coro_task *task)
{
	CORO__CHECK(task, CORO_OBJECT_TASK);
	return coro__future_result(&task->future, CORO__SITE);
}

coro_value coro_task_exception(struct coro_task *task)
{
	CORO__CHECK(task, CORO_OBJECT_TASK);
	return coro__future_exception(&task->future, CORO__SITE);
}

coro_value(coro_task_add_done_callback)(struct coro_task *task, coro_function *callback,
										coro_value arg)
{
	CORO__CHECK(task, CORO_OBJECT_TASK);
	return coro__future_add_done_callback(&task->future, callback, arg, NULL, CORO__SITE);
}

coro_value(coro_task_add_done_callback_in_context)(struct coro_task *task, coro_function *callback,
												   coro_value arg, struct coro_context *context)
{
	CORO__CHECK(task, CORO_OBJECT_TASK);
	CORO__CHECK_UNLESS_NULL(context, CORO__SLOT_CONTEXT);
	return coro__future_add_done_callback(&task->future, callback, arg, context, CORO__SITE);
}
