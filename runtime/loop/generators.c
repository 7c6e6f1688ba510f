/*
 * generators.c - what a loop does for async generators: closing those that nobody closed.
 *
 *     first iteration ---> on the loop's list, in that order
 *     freed before its end: off the list; a callback spawns a task that closes it, and frees it
 *     coro_shutdown_async_generators(): all that are on the list are closed at once
 */
#include <stdlib.h>
#include <coroscope/async_generator.h>
#include "../task/tasks.h"

struct coro__live_generator {
	struct coro_loop *loop;
	struct coro_generator *body;  /* borrowed: told by `gone` when it is freed */
	bool shut;                    /* somebody closes it, or has tried to */
	struct coro_async_step *step; /* of its closing, until a task has that; else NULL */
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
	if (!live)
		return;
	live->loop = loop;
	live->body = body;
	live->previous = loop->last_generator;
	if (loop->last_generator)
		loop->last_generator->next = live;
	else
		loop->generators = live;
	loop->last_generator = live;
}

/* ---- One that is dropped ----------------------------------------------- */

static coro_value spawn_closing(coro_value argument)
{
	struct coro__live_generator *live = coro_as_ptr(argument);
	struct coro_async_step *step = live->step;
	struct coro_generator *body = coro__async_step_coroutine(step, true, 0);
	struct coro_task *task;

	if (!body)
		return CORO_NONE;
	live->step = NULL; /* the task may end within its spawn, and `live` with it */
	coro__consume(body);
	task = coro__task_new(live->loop, body, NULL, CORO_SITE_HERE, 0);
	if (!task) {
		live->step = step;
		coro__release(body);
	} else {
		coro__future_release(&task->future);
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
	live->step = coro_aclose_step(body);
	if (!live->step)
		return false;
	/* Its owner has given it up: it goes with the step. */
	body->flags |= CORO__BODY_FREED;
	coro__loop_call_now(loop, spawn_closing, coro_ptr(live));
	return true;
}

/* ---- The end ----------------------------------------------------------- */

static coro_value shut_down_at(uintptr_t site)
{
	struct coro_loop *loop = coro__loop_need("coro_shutdown_async_generators");
	struct coro__live_generator *live;
	struct coro_generator **bodies = NULL;
	coro_value *values = NULL, result;
	size_t count = 0;

	CORO_TRY(coro__may_await());
	for (live = loop->generators; live; live = live->next)
		count += !live->shut;
	if (!count)
		return CORO_NONE;
	bodies = calloc(count, sizeof(*bodies));
	values = calloc(count, sizeof(*values));
	if (!bodies || !values) {
		free(bodies);
		free(values);
		return coro__raise_at(site, CORO_MemoryError, "out of memory");
	}
	count = 0;
	for (live = loop->generators; live; live = live->next) {
		if (live->shut)
			continue;
		live->shut = true;
		bodies[count] = live->body;
		values[count++] =
			coro_object(coro__async_step_coroutine(coro_aclose_step(live->body), true, site));
	}
	result = coro__gather_at(values, count, true, values, CORO_SITE_HERE, site);
	for (size_t i = 0; !coro_raised(result) && i < count; i++)
		if (coro_is(values[i], CORO_Exception))
			coro__report_about(coro_object(bodies[i]), CORO_REPORT_SHUTDOWN, values[i],
							   "an error occurred during closing of asynchronous generator");
	free(bodies);
	free(values);
	return coro_raised(result) ? result : CORO_NONE;
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

		live->body->finalize = abandon;
		live->body->forget = NULL;
		unlink_live(live);
		free(live);
		/* Nobody has begun to close it: it goes, with its generator. */
		coro_async_step_free(step);
	}
}

void coro__loop_hooks_swap(struct coro_loop *loop)
{
	if (!loop->hooks.data && !loop->running_hooks)
		loop->hooks = (struct coro__hooks){first_iterated, finalize, loop};
	loop->hooks = coro__hooks_swap(loop->hooks);
	loop->running_hooks = !loop->running_hooks;
}
