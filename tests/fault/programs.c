/*
 * programs.c - see programs.h.
 */
#include "programs.h"

void programs_check_outcome(coro_value value, const char *file, int line)
{
	if (!coro_raised(value) || coro_is(value, CORO_MemoryError))
		return;
	if (coro_is(value, CORO_BaseExceptionGroup)) {
		for (size_t i = 0; i < coro_group_count(value); i++)
			programs_check_outcome(coro_group_at(value, i), file, line);
		return;
	}
	faults_wrong("%s:%d: %s: %s", file, line, coro_exception_type(value)->name,
				 coro_message(value));
}

bool no_memory(coro_value value)
{
	return coro_raised(value) && coro_is(value, CORO_MemoryError);
}

void ignore_report(enum coro_report_kind kind, const char *text, coro_value exception, void *data)
{
	check(text && *text);
}

void run_main(coro_function *function)
{
	struct coro_loop_options options = {.virtual_time = true};
	struct coro_loop *loop = coro_loop_new(&options);
	struct coro_generator *coroutine;

	coro_set_report_handler(ignore_report, NULL);
	if (!loop)
		return;
	coroutine = coro_coroutine(function, CORO_NONE);
	if (coroutine)
		check_outcome(coro_loop_run_until_complete(loop, coro_object(coroutine)));
	coro_loop_free(loop);
	coro_handled();
}

coro_value join(struct coro_task *task)
{
	coro_value result;

	if (!task)
		return CORO_NONE;
	result = coro_await(task);
	check_outcome(result);
	coro_task_free(task);
	return result;
}
