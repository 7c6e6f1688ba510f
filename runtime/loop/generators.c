/*
 * generators.c - what a loop does for async generators: closing those that nobody closed.
 *
 *     first iteration ---> on the loop's list, in that order
 *     freed before its end: off the list; a callback spawns a task that closes it, and frees it
 *     coro_shutdown_async_generators(): all that are on the list are closed at once
 */
#include <stdlib.h>
#include <coroscope/async_generator.h>
#include "../core/check.h"
#include "../task/tasks.h"

struct coro__live_generator {
	struct coro_loop *loop;
	struct coro_generator *body;  /* borrowed: told by `gone` when it is freed */
	bool shut;                    /* somebody closes it, or has tried to */
	struct coro_async_step *step; /* of its closing, until that has begun; else NULL */
	struct coro__live_generator *previous, *next;
};

static void unlink_live(struct coro__live_generator *live)
{
	struct coro_loop *loop = live->loop;

	if (live->previous)
		live->previous->next = live->next;
	else
		loop->generators = live->next;
	if (live->next)
		live->next->previous = live->previous;
	else
		loop->last_generator = live->previous;
}

static void gone(struct coro_generator *body, void *data)
{
	unlink_live(data);
	free(data);
}

static bool finalize(struct coro_generator *body, void *data);

static void first_iterated(struct coro_generator *body, void *data)
{
	struct coro_loop *loop = data;
	struct coro__live_generator *live = calloc(1, sizeof(*live));

	body = coro__address(body);
	body->finalize = live ? finalize : NULL;
	body->finalize_data = live;
	body->forget = live ? gone : NULL;
	if (!live) {
		body->flags &= ~(uint32_t)CORO__BODY_HOOKED;
		return;
	}
	live->loop = loop;
	live->body = body;
	live->previous = loop->last_generator;
	if (loop->last_generator)
		loop->last_generator->next = live;
	else
		loop->generators = live;
	loop->last_generator = live;
}

/* ---- Closing one ------------------------------------------------------- */

/* It is not being closed any more, nor was: what closes all that are left at the end, closes it
 * too. Somebody may have given it up meanwhile. */
static void put_off(struct coro__live_generator *live)
{
	uint32_t given_up = live->body->flags & CORO__BODY_FREED;

	live->body->flags &= ~given_up; /* so that it outlives the step */
	coro__async_step_discard(live->step);
	live->body->flags |= given_up;
	live->step = NULL;
	live->shut = false;
}

/* The coroutine that was to close it is gone: without having begun, when there was no memory for
 * its task, or the loop ended. */
static void closing_gone(struct coro_generator *coroutine, void *data)
{
	if (!coroutine->object.resumes)
		put_off(data);
}

/* The coroutine that closes it. NULL: memory is out, and it is put off. */
static struct coro_generator *closing_of(struct coro__live_generator *live, uintptr_t site)
{
	struct coro_generator *coroutine = NULL;

	live->shut = true;
	if (!live->step)
		live->step = coro_aclose_step(live->body);
	if (live->step)
		coroutine = coro__async_step_coroutine(live->step, true, &live->step, site);
	if (!coroutine) {
		put_off(live);
		return NULL;
	}
	coroutine->flags |= CORO__BODY_AWAITED;
	coroutine->forget = closing_gone;
	coroutine->finalize_data = live;
	return coroutine;
}

/* ---- One that is dropped ----------------------------------------------- */

static coro_value spawn_closing(coro_value argument)
{
	struct coro__live_generator *live = coro_as_ptr(argument);
	struct coro_loop *loop = live->loop;
	struct coro_generator *coroutine = closing_of(live, 0);

	if (coroutine && !coro_raised(coro__consume(coroutine))) {
		struct coro_task *task =
			coro__task_new(loop, coroutine, NULL, coroutine->object.creation_site, 0);

		if (task)
			coro__future_release(&task->future);
		else
			coro__release(coroutine);
	}
	return CORO_NONE;
}

static bool finalize(struct coro_generator *body, void *data)
{
	struct coro__live_generator *live = data;
	struct coro_loop *loop = live->loop;

	body = coro__address(body);
	live->shut = true;
	if (loop->ending)
		return false;
	/* Its owner has given it up: it goes with the step. */
	body->flags |= CORO__BODY_FREED;
	live->step = coro_aclose_step(body);
	if (!live->step || !coro__loop_call_now(loop, spawn_closing, coro_ptr(live)).memory)
		put_off(live);
	return true;
}

/* ---- The end ----------------------------------------------------------- */

/* One that is being closed, and may be gone when that has ended. */
struct closing {
	struct coro_generator *body;
	uint64_t serial;
};

static coro_value still_there(const struct coro_loop *loop, const struct closing *closing)
{
	for (const struct coro__live_generator *live = loop->generators; live; live = live->next)
		if (live->body == closing->body && live->body->object.serial == closing->serial)
			return coro_object(live->body);
	return CORO_NONE;
}

static coro_value shut_down_at(uintptr_t site)
{
	struct coro_loop *loop = coro__loop_need("coro_shutdown_async_generators", site);
	coro_value no_memory = CORO_NONE, *values, result;
	struct coro__live_generator *live;
	struct closing *closings;
	size_t count = 0, begun = 0;

	CORO_TRY(coro__may_await());
	for (live = loop->generators; live; live = live->next)
		count += !live->shut;
	if (!count)
		return CORO_NONE;
	closings = calloc(count, sizeof(*closings));
	values = calloc(count, sizeof(*values));
	if (!closings || !values) {
		free(closings);
		free(values);
		return coro__raise_at(site, CORO_MemoryError, "out of memory");
	}
	for (live = loop->generators; live; live = live->next) {
		struct coro_generator *coroutine = live->shut ? NULL : closing_of(live, site);

		if (coroutine) {
			closings[begun] = (struct closing){live->body, live->body->object.serial};
			values[begun++] = coro_object(coroutine);
		} else if (!live->shut) {
			no_memory = coro__raise_at(site, CORO_MemoryError, "out of memory");
		}
	}
	result = coro__gather_at(values, begun, true, values, CORO_SITE_HERE, site);
	for (size_t i = 0; !coro_raised(result) && i < begun; i++)
		if (coro_is(values[i], CORO_Exception))
			coro__report_about(still_there(loop, &closings[i]), CORO_REPORT_SHUTDOWN, values[i],
							   "an error occurred during closing of asynchronous generator");
	free(closings);
	free(values);
	return coro_raised(result) ? result : no_memory;
}

coro_value(coro_shutdown_async_generators)(void)
{
	return shut_down_at(CORO__SITE);
}

static coro_value shut_down(coro_value unused)
{
	return shut_down_at(0);
}

void coro__loop_close_generators(struct coro_loop *loop)
{
	struct coro_generator *body;

	if (!loop->generators || loop->running || coro__loops.running)
		return;
	body = coro__coroutine_at(shut_down, CORO_NONE, "shut_down", CORO_SITE_HERE, 0);
	if (body)
		coro__loop_run_until_complete_at(loop, coro_object(body), 0);
}

/* Of one that outlives its loop: nobody is there to close it. */
static bool abandon(struct coro_generator *body, void *data)
{
	return false;
}

void coro__live_generators_done(struct coro_loop *loop)
{
	while (loop->generators) {
		struct coro__live_generator *live = loop->generators;
		struct coro_async_step *step = live->step;
		struct coro_generator *body = live->body;

		body->finalize = abandon;
		body->forget = NULL;
		unlink_live(live);
		free(live);
		/* Nobody has begun to close it: it goes, with its generator. */
		if (step) {
			coro_async_step_free(step);
		} else if (body->flags & CORO__BODY_FREED && !body->steps) {
			/* Its closing was put off, for want of memory, until now. */
			body->flags &= ~(uint32_t)CORO__BODY_FREED;
			body->finalize = NULL;
			coro__free_at(body, 0);
		}
	}
}

void coro__live_generators_check(const struct coro_loop *loop)
{
	const struct coro__live_generator *previous = NULL, *live = loop->generators;

	for (; live; previous = live, live = live->next) {
		CORO__HOLDS(live->previous == previous && live->loop == loop, &loop->object,
					"the list of async generators is linked both ways");
		CORO__HOLDS(live->body->forget == gone && live->body->finalize_data == live,
					&live->body->object, "an async generator knows its place with its loop");
		CORO__HOLDS(!live->step || live->shut, &live->body->object,
					"an async generator whose closing was begun is being closed");
	}
	CORO__HOLDS(loop->last_generator == previous, &loop->object,
				"the list of async generators ends with the last one");
}

void coro__loop_hooks_swap(struct coro_loop *loop)
{
	if (!loop->hooks.data && !loop->running_hooks)
		loop->hooks = (struct coro__hooks){first_iterated, finalize, loop};
	loop->hooks = coro__hooks_swap(loop->hooks);
	loop->running_hooks = !loop->running_hooks;
}
