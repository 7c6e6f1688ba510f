/*
 * run.c - a program from beginning to end.
 *
 *     coro_run:   new loop -> main task until done -> cancel what is left, in the order
 *                 of creation, until it is done -> free the loop -> exit status
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../task/tasks.h"

enum { NAMED = 16, TEXT = 4096, PLACE = 192 };

/* ---- The end ------------------------------------------------------------ */

static void report_errors(struct coro_task **tasks, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct coro_future *future = &tasks[i]->future;

		if (future->object.state == CORO_STATE_FAILED &&
			!(future->object.flags & CORO__FUTURE_REPORTED))
			coro__report(CORO_REPORT_UNCAUGHT, coro_caught(future->outcome),
						 "unhandled exception during asyncio.run() shutdown: task '%s'",
						 coro_task_name(tasks[i]));
		future->object.flags |= CORO__FUTURE_REPORTED | CORO__FUTURE_RETRIEVED;
	}
}

coro_value coro_loop_cancel_all(struct coro_loop *loop)
{
	CORO__CHECK(loop, CORO_OBJECT_LOOP);
	return coro__loop_cancel_all_at(loop, CORO__SITE);
}

coro_value coro__loop_cancel_all_at(struct coro_loop *loop, uintptr_t call)
{
	coro_value result = CORO_NONE;
	struct coro_future *gather = NULL;
	struct coro_task **tasks;
	coro_value *values;
	size_t count = 0;

	for (struct coro_task *task = loop->first_task; task; task = task->next_task)
		count += !coro__done(&task->future);
	if (!count || loop->running || coro__loops.running)
		return CORO_NONE;
	tasks = calloc(count, sizeof(*tasks));
	values = calloc(count, sizeof(*values));
	if (tasks && values) {
		count = 0;
		for (struct coro_task *task = loop->first_task; task; task = task->next_task) {
			if (coro__done(&task->future))
				continue;
			tasks[count] = task;
			task->future.references++;
			values[count++] = coro_object(task);
		}
		for (size_t i = 0; i < count; i++)
			coro__future_cancel(&tasks[i]->future, NULL, call);
		gather = coro__gather_future_at(values, count, true, CORO_SITE_HERE, call);
		if (gather)
			result = coro__loop_run_until_complete_at(loop, coro_object(gather), call);
		report_errors(tasks, count);
		for (size_t i = 0; i < count; i++)
			coro__future_release(&tasks[i]->future);
		if (gather)
			coro__future_release(gather);
	}
	if (!gather)
		result = coro__raise_at(call, CORO_MemoryError, "out of memory");
	free(values);
	free(tasks);
	return coro_raised(result) ? result : CORO_NONE;
}

/* As Python's traceback: the way that the exception came, the innermost call last. A site is given
 * as what addr2line takes, and with its function where the program tells that. */
static void report_uncaught(coro_value exception)
{
	char text[TEXT];
	uintptr_t sites[NAMED];
	size_t count = coro_traceback(exception, sites, NAMED);
	size_t length = 0;

	text[0] = 0;
	for (size_t i = count < NAMED ? count : NAMED; i-- > 0;) {
		char place[PLACE];
		int written;

		coro__place(sites[i], place, sizeof(place));
		if (!*place)
			continue;
		written = snprintf(text + length, sizeof(text) - length, "\n  %s", place);
		if (written < 0 || (size_t)written >= sizeof(text) - length)
			break;
		length += (size_t)written;
	}
	coro__report(CORO_REPORT_UNCAUGHT, exception, "%s%s",
				 length ? "Traceback (most recent call last):" : "", text);
}

int coro__run(coro_function *fn, coro_value arg, const char *name, const char *site)
{
	uintptr_t call = CORO__SITE;
	struct coro_loop *loop;
	struct coro_task *task;
	coro_value result, handled;
	int status;

	if (coro__loops.running)
		return coro_exit_status(coro__raise_at(
			call, CORO_RuntimeError, "asyncio.run() cannot be called from a running event loop"));
	loop = coro__loop_new_at(NULL, call);
	if (!loop && errno == ENOMEM)
		return coro_exit_status(coro__raise_at(call, CORO_MemoryError, "out of memory"));
	if (!loop)
		return coro_exit_status(coro__raise_errno_at(call, errno));
	/* What is being handled here is that again at the end: who calls does not see what was raised
	 * meanwhile. */
	handled = coro_keep(coro_handling(CORO_NONE));
	coro_handling(handled);
	struct coro_loop *first = coro__loops.first;
	coro__loops.first = loop;
	task = coro__spawn_at(fn, arg, name, name, site, call);
	if (task)
		result = coro_keep(coro__loop_run_until_complete_at(loop, coro_object(task), call));
	else
		result = coro_keep(coro__raise_at(call, CORO_MemoryError, "out of memory"));
	if (task)
		coro__future_release(&task->future);
	coro__loop_cancel_all_at(loop, call);
	coro__loop_free_at(loop, call);
	coro__loops.first = first == loop ? NULL : first;
	if (coro_raised(result) && !coro_is(result, CORO_SystemExit)) {
		report_uncaught(coro_caught(result));
		status = EXIT_FAILURE;
	} else {
		status = coro_exit_status(result);
	}
	coro_drop(result);
	coro_handling(handled);
	coro_drop(handled);
	return status;
}
