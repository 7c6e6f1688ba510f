/*
 * tasklet.c - tasklets and their scheduler, which is a ring and a rule for each way to leave it.
 *
 *      current = first of the ring
 *         v
 *       main --> A --> B --+            schedule          A is first
 *        ^                 |            schedule_remove   A is first, main on no ring
 *        +-----------------+            C.run             C before main, and first: main is next
 *                                       main blocks       A is first, main on a channel's ring
 *                                       A ends            B is first
 *
 * A hand-over has three parts: the one that runs stops (where it stands is noted, and what is to
 * wait for it can be given to it from then on), rings change, and another one goes on. That is
 * the switch of the greenlets, coro__transfer(), between the innermost bodies of both.
 *
 * A tasklet is a struct coro_generator as a greenlet is one (greenlet.c): `finalize_data` leads to
 * its struct coro__tasklet, `leaf` is NULL, `function` never returns.
 */
#include <stdlib.h>
#include "../context/context.h"
#include "tasklets.h"

static struct coro__tasklet *part(const struct coro_generator *body)
{
	return coro__tasklet_part(body);
}

static struct coro_generator *check(const struct coro_tasklet *tasklet, uintptr_t site)
{
	return coro__check(tasklet, CORO_OBJECT_TASKLET, site);
}

/* ---- Rings --------------------------------------------------------------- */

void coro__ring_append(struct coro_generator **first, struct coro_generator *body)
{
	struct coro__tasklet *own = part(body);

	if (!*first) {
		*first = own->next = own->previous = body;
		return;
	}
	own->next = *first;
	own->previous = part(*first)->previous;
	part(own->previous)->next = body;
	part(own->next)->previous = body;
}

void coro__ring_remove(struct coro_generator **first, struct coro_generator *body)
{
	struct coro__tasklet *own = part(body);

	if (*first == body)
		*first = own->next == body ? NULL : own->next;
	part(own->previous)->next = own->next;
	part(own->next)->previous = own->previous;
	own->next = own->previous = NULL;
}

/* ---- Handing over -------------------------------------------------------- */

void coro__tasklet_stops(struct coro__tasklets *tasklets, uintptr_t site)
{
	struct coro__tasklet *own = part(tasklets->current);

	own->innermost = coro__active.current;
	own->site = site;
	own->value = CORO_NONE;
}

void coro__tasklet_give(struct coro_generator *body, coro_value value)
{
	struct coro__tasklet *own = part(body);

	own->value = value;
	if (coro_raised(value))
		coro__deliver_to(own->innermost, value, own->site);
	else if (coro_kind(value) == CORO_VALUE_EXCEPTION)
		coro__deliver_quietly(own->innermost, coro__raised_value(value));
}

void coro__tasklet_wakes(struct coro__tasklets *tasklets, struct coro_generator *body,
						 uint32_t peer)
{
	coro_probe_event(&body->object,
					 body->object.state == CORO_STATE_CREATED ? CORO_EVENT_READY : CORO_EVENT_WAKE,
					 CORO_STATE_READY, peer, 0, NULL);
	body->object.waits_on = 0;
	coro__ring_append(&tasklets->runnables, body);
}

void coro__tasklet_is_ready(struct coro__tasklets *tasklets, uintptr_t site)
{
	struct coro_generator *self = tasklets->current;

	coro_probe_event(&self->object, CORO_EVENT_READY, CORO_STATE_READY, self->object.row, site,
					 NULL);
}

void coro__tasklet_waits(struct coro__tasklets *tasklets, uint32_t peer, uintptr_t site)
{
	struct coro_generator *self = tasklets->current;

	self->object.waits_on = peer;
	coro_probe_event(&self->object, CORO_EVENT_AWAIT, CORO_STATE_SUSPENDED, peer, site, NULL);
	coro__ring_remove(&tasklets->runnables, self);
}

/* `body` is the one that runs from now on, but for the switch. Gives where that goes. */
static struct coro_generator *enter(struct coro__tasklets *tasklets, struct coro_generator *body)
{
	coro_probe_event(&body->object, CORO_EVENT_STEP, CORO_STATE_RUNNING,
					 tasklets->current->object.row, 0, NULL);
	body->object.resumes++;
	tasklets->current = tasklets->runnables = body;
	coro__local.in_tasklet = body != tasklets->main;
	return part(body)->innermost;
}

coro_value coro__tasklet_go(struct coro__tasklets *tasklets, struct coro_generator *body)
{
	struct coro_generator *self = tasklets->current, *innermost = enter(tasklets, body);
	coro_value value;

	if (body != self)
		coro__transfer(innermost, CORO_NONE, false);
	value = part(self)->value;
	part(self)->value = CORO_NONE;
	return value;
}

/* Whom a failure, or the end of all that can run, is told to. */
static struct coro_generator *watcher(struct coro__tasklets *tasklets)
{
	return tasklets->runs_all ? tasklets->runs_all : tasklets->main;
}

coro_value coro__tasklet_block(struct coro__tasklets *tasklets)
{
	struct coro_generator *self = tasklets->current, *next = tasklets->runnables;
	coro_value error;

	if (next)
		return coro__tasklet_go(tasklets, next);
	next = watcher(tasklets);
	if (part(next)->channel) {
		next = self;
		if (part(self)->channel)
			coro__tasklet_leave_channel(self);
		error = coro__exception_new(CORO_RuntimeError,
									"Deadlock: the last runnable tasklet cannot be blocked.");
		coro__tasklet_give(self, error);
		coro_drop(error);
	}
	coro__tasklet_wakes(tasklets, next, self->object.row);
	return coro__tasklet_go(tasklets, next);
}

/* ---- The tasklet itself -------------------------------------------------- */

/* Who runs after the end of `self`, which is on no ring any more: with `error` raised, or None. */
static struct coro_generator *heir(struct coro__tasklets *tasklets, struct coro_generator *self,
								   coro_value error)
{
	struct coro_generator *next = watcher(tasklets);
	coro_value deadlock = CORO_NONE;

	if (!coro_raised(error)) {
		if (tasklets->runnables)
			return tasklets->runnables;
		if (part(next)->channel)
			error = deadlock = coro__exception_new(
				CORO_RuntimeError,
				coro__tasklet_is_sending(next)
					? "the main tasklet is sending without a receiver available."
					: "the main tasklet is receiving without a sender available.");
	}
	if (part(next)->channel)
		coro__tasklet_leave_channel(next);
	if (!part(next)->next)
		coro__tasklet_wakes(tasklets, next, self->object.row);
	if (coro_raised(error))
		coro__tasklet_give(next, error);
	coro_drop(deadlock);
	return next;
}

static void __attribute__((noreturn)) finish(struct coro_generator *self, coro_value result)
{
	struct coro__tasklets *tasklets = coro__local.tasklets;
	struct coro_generator *innermost;

	if (coro_is(result, CORO_TaskletExit) && coro_raised(result))
		result = CORO_NONE;
	coro__event_value(&self->object, CORO_EVENT_DONE,
					  coro_raised(result) ? CORO_STATE_FAILED : CORO_STATE_DONE, 0, 0, result);
	coro__ring_remove(&tasklets->runnables, self);
	innermost = enter(tasklets, heir(tasklets, self, result));
	coro__errors_free(&self->errors);
	coro__give_stack(self);
	if (part(self)->given_up)
		coro__dispose(self);
	coro__transfer(innermost, CORO_NONE, true);
	__builtin_unreachable();
}

/* What its stack begins with. */
static coro_value run(coro_value argument)
{
	struct coro_generator *self = coro__local.tasklets->current;
	struct coro__tasklet *own = part(self);
	coro_value thrown = own->value;

	own->value = CORO_NONE;
	finish(self, coro_raised(thrown) ? thrown : own->function(argument));
}

/* ---- Life ---------------------------------------------------------------- */

static void prepare(struct coro_generator *body, struct coro__tasklet *own)
{
	*own = (struct coro__tasklet){.value = CORO_NONE};
	body->finalize_data = own;
	body->root = body;
	body->leaf = NULL;
}

struct coro__tasklets *coro__tasklets_need(void)
{
	struct coro__tasklets *tasklets = coro__local.tasklets;

	if (CORO__LIKELY(tasklets != NULL))
		return tasklets;
	tasklets = calloc(1, sizeof(*tasklets));
	if (!tasklets)
		return NULL;
	tasklets->main = coro__main_body_new(CORO_OBJECT_TASKLET);
	if (!tasklets->main) {
		free(tasklets);
		return NULL;
	}
	prepare(tasklets->main, &tasklets->main_part);
	tasklets->current = tasklets->main;
	coro__ring_append(&tasklets->runnables, tasklets->main);
	coro__local.tasklets = tasklets;
	return tasklets;
}

static void forget(struct coro_generator *body, void *data)
{
	free(data);
}

struct coro_tasklet *coro_tasklet_named(coro_function *function, coro_value argument,
										const char *name, const char *site)
{
	struct coro__tasklets *tasklets = coro__tasklets_need();
	struct coro__tasklet *own = tasklets ? malloc(sizeof(*own)) : NULL;
	struct coro_generator *body;

	if (!own)
		return NULL;
	body = coro__body_new(CORO_OBJECT_TASKLET, run, argument, name, site, CORO__SITE);
	if (!body) {
		free(own);
		return NULL;
	}
	prepare(body, own);
	body->forget = forget;
	own->function = function;
	own->innermost = body;
	coro__tasklet_wakes(tasklets, body, tasklets->current->object.row);
	return coro__handle(body);
}

/* TL5. It is alive, and does not run. */
static coro_value throw_into(struct coro_generator *body, coro_value raised, uintptr_t site)
{
	struct coro__tasklets *tasklets = coro__local.tasklets;

	coro__tasklet_stops(tasklets, site);
	coro__tasklet_is_ready(tasklets, site);
	if (part(body)->channel)
		coro__tasklet_leave_channel(body);
	coro__tasklet_give(body, raised);
	if (!part(body)->next)
		coro__tasklet_wakes(tasklets, body, tasklets->current->object.row);
	return coro__tasklet_go(tasklets, body);
}

/* TaskletExit, which who runs keeps. */
static coro_value exit_made(void)
{
	coro_value exit = coro__exception_new(CORO_TaskletExit, "%s", "");

	coro__deliver_quietly(coro__active.current, exit);
	coro_drop(exit);
	return exit;
}

/* Nobody is there to catch what comes of it. */
static void kill_for_good(struct coro_generator *body, uintptr_t site)
{
	struct coro__errors saved = coro__errors_save();
	coro_value outcome = throw_into(body, exit_made(), site);

	if (coro_raised(outcome))
		coro__report(CORO_REPORT_UNRAISABLE, coro_caught(outcome), "Exception ignored in: %s",
					 "the killing of a tasklet");
	coro__errors_restore(&saved);
}

static bool is_paused(const struct coro_generator *body)
{
	return !coro__finished(body) && !part(body)->next && !part(body)->runs_all;
}

void coro_tasklet_free(struct coro_tasklet *tasklet)
{
	struct coro_generator *body;

	if (!tasklet)
		return;
	body = check(tasklet, CORO__SITE);
	if (!part(body)->function)
		coro__misused(&body->object, "is the main one, and cannot be freed", CORO__SITE);
	if (part(body)->given_up)
		coro__misused(&body->object, "is freed twice", CORO__SITE);
	if (coro__finished(body)) {
		coro__dispose(body);
		return;
	}
	part(body)->given_up = true;
	if (is_paused(body))
		kill_for_good(body, CORO__SITE);
}

void coro__tasklets_end(void)
{
	struct coro__tasklets *tasklets = coro__local.tasklets;
	struct coro_generator *body = coro__local.first;
	uint64_t last = 0;

	if (!tasklets)
		return;
	while (body) {
		bool kills = body->object.kind == CORO_OBJECT_TASKLET && !coro__finished(body) &&
					 body->object.serial > last;

		if (kills) {
			last = body->object.serial;
			/* So that nobody but this one runs. */
			while (part(tasklets->main)->next != tasklets->main) {
				struct coro_generator *next = part(tasklets->main)->next;

				coro_probe_event(&next->object, CORO_EVENT_AWAIT, CORO_STATE_SUSPENDED, 0, 0, NULL);
				coro__ring_remove(&tasklets->runnables, next);
			}
			kill_for_good(body, 0);
		}
		/* What its cleanup freed may be any of the list. */
		body = kills ? coro__local.first : body->next;
	}
}

void coro__main_tasklet_free(void)
{
	struct coro__tasklets *tasklets = coro__local.tasklets;

	if (!tasklets)
		return;
	coro__local.tasklets = NULL;
	coro__main_body_free(tasklets->main);
	free(tasklets);
}

/* ---- Scheduling ---------------------------------------------------------- */

static coro_value no_memory(uintptr_t site)
{
	return coro__deliver(coro__raise_at(site, CORO_MemoryError, "out of memory"), site);
}

coro_value(coro_tasklet_schedule)(void)
{
	struct coro__tasklets *tasklets = coro__tasklets_need();

	if (!tasklets)
		return no_memory(CORO__SITE);
	if (part(tasklets->current)->next == tasklets->current)
		return CORO_NONE;
	coro__tasklet_stops(tasklets, CORO__SITE);
	coro__tasklet_is_ready(tasklets, CORO__SITE);
	return coro__tasklet_go(tasklets, part(tasklets->current)->next);
}

coro_value(coro_tasklet_schedule_remove)(void)
{
	struct coro__tasklets *tasklets = coro__tasklets_need();

	if (!tasklets)
		return no_memory(CORO__SITE);
	coro__tasklet_stops(tasklets, CORO__SITE);
	coro__tasklet_waits(tasklets, 0, CORO__SITE);
	return coro__tasklet_block(tasklets);
}

/* `self` waits in run_all no more, nor do those that began to after it: they can run. */
static void end_run_all(struct coro__tasklets *tasklets, struct coro_generator *self)
{
	while (part(self)->runs_all) {
		struct coro_generator *body = tasklets->runs_all;

		tasklets->runs_all = part(body)->outer;
		part(body)->runs_all = false;
		if (body != self && !part(body)->next)
			coro__tasklet_wakes(tasklets, body, self->object.row);
	}
}

coro_value(coro_tasklet_run_all)(void)
{
	struct coro__tasklets *tasklets = coro__tasklets_need();
	struct coro_generator *self;
	coro_value result;

	if (!tasklets)
		return no_memory(CORO__SITE);
	self = tasklets->current;
	part(self)->runs_all = true;
	part(self)->outer = tasklets->runs_all;
	tasklets->runs_all = self;
	coro__tasklet_stops(tasklets, CORO__SITE);
	coro__tasklet_waits(tasklets, 0, CORO__SITE);
	result = coro__tasklet_block(tasklets);
	end_run_all(tasklets, self);
	return result;
}

/* None, or raised. */
static coro_value insert(struct coro_generator *body, uintptr_t site)
{
	struct coro__tasklets *tasklets = coro__local.tasklets;

	if (part(body)->channel)
		return coro__raise_text(CORO_RuntimeError, "You cannot run a blocked tasklet", "", site);
	if (coro__finished(body))
		return coro__raise_text(CORO_RuntimeError, "You cannot run an unbound(dead) tasklet", "",
								site);
	if (!part(body)->next)
		coro__tasklet_wakes(tasklets, body, tasklets->current->object.row);
	return CORO_NONE;
}

coro_value(coro_tasklet_run)(struct coro_tasklet *tasklet)
{
	struct coro_generator *body = check(tasklet, CORO__SITE);
	struct coro__tasklets *tasklets = coro__local.tasklets;

	CORO_TRY(insert(body, CORO__SITE));
	if (body == tasklets->current)
		return CORO_NONE;
	coro__tasklet_stops(tasklets, CORO__SITE);
	coro__tasklet_is_ready(tasklets, CORO__SITE);
	return coro__tasklet_go(tasklets, body);
}

coro_value(coro_tasklet_insert)(struct coro_tasklet *tasklet)
{
	return insert(check(tasklet, CORO__SITE), CORO__SITE);
}

coro_value(coro_tasklet_remove)(struct coro_tasklet *tasklet)
{
	struct coro_generator *body = check(tasklet, CORO__SITE);
	struct coro__tasklets *tasklets = coro__local.tasklets;

	if (part(body)->channel)
		return coro__raise_text(CORO_RuntimeError, "You cannot remove a blocked tasklet.", "",
								CORO__SITE);
	if (body == tasklets->current)
		return coro__raise_text(CORO_RuntimeError, "The current tasklet cannot be removed.", "",
								CORO__SITE);
	if (!part(body)->next)
		return CORO_NONE;
	coro_probe_event(&body->object, CORO_EVENT_AWAIT, CORO_STATE_SUSPENDED, 0, CORO__SITE, NULL);
	coro__ring_remove(&tasklets->runnables, body);
	return CORO_NONE;
}

static coro_value raise_in(struct coro_generator *body, coro_value raised, uintptr_t site)
{
	const struct coro__tasklets *tasklets = coro__local.tasklets;

	if (body == tasklets->current)
		return coro__deliver(raised, site);
	if (!coro__finished(body))
		return throw_into(body, raised, site);
	if (coro_is(raised, CORO_TaskletExit))
		return CORO_NONE;
	return coro__raise_text(CORO_RuntimeError, "You cannot throw to a dead tasklet", "", site);
}

coro_value(coro_tasklet_kill)(struct coro_tasklet *tasklet)
{
	struct coro_generator *body = check(tasklet, CORO__SITE);

	if (coro__finished(body))
		return CORO_NONE;
	return raise_in(body, exit_made(), CORO__SITE);
}

coro_value(coro_tasklet_raise_exception)(struct coro_tasklet *tasklet, coro_value exception)
{
	struct coro_generator *body = check(tasklet, CORO__SITE);

	if (coro_kind(exception) != CORO_VALUE_EXCEPTION)
		return coro__raise_text(CORO_TypeError, "exceptions must be classes, or instances, not ",
								coro_type_name(exception), CORO__SITE);
	return raise_in(body, coro__raised_value(exception), CORO__SITE);
}

/* ---- Looking ------------------------------------------------------------- */

struct coro_tasklet *coro_tasklet_current(void)
{
	struct coro__tasklets *tasklets = coro__tasklets_need();

	return tasklets ? coro__handle(tasklets->current) : NULL;
}

struct coro_tasklet *coro_tasklet_main(void)
{
	struct coro__tasklets *tasklets = coro__tasklets_need();

	return tasklets ? coro__handle(tasklets->main) : NULL;
}

size_t coro_tasklet_run_count(void)
{
	const struct coro__tasklets *tasklets = coro__tasklets_need();
	const struct coro_generator *body = tasklets ? tasklets->runnables : NULL;
	size_t count = 0;

	if (!body)
		return 1;
	do {
		body = part(body)->next;
		count++;
	} while (body != tasklets->runnables);
	return count;
}

bool coro_tasklet_alive(const struct coro_tasklet *tasklet)
{
	return !coro__finished(check(tasklet, CORO__CALLER));
}

bool coro_tasklet_blocked(const struct coro_tasklet *tasklet)
{
	return part(check(tasklet, CORO__CALLER))->channel;
}

bool coro_tasklet_scheduled(const struct coro_tasklet *tasklet)
{
	return part(check(tasklet, CORO__CALLER))->next;
}

bool coro_tasklet_paused(const struct coro_tasklet *tasklet)
{
	const struct coro_generator *body = check(tasklet, CORO__CALLER);

	return !coro__finished(body) && !part(body)->next;
}
