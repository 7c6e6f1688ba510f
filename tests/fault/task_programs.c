/*
 * task_programs.c - programs of tasks: how they run, wait, and end.
 */
#include <string.h>
#include <sys/socket.h>
#include "programs.h"

/* ---- Coroutines, tasks ------------------------------------------------- */

static coro_value add_one(coro_value number)
{
	CORO_TRY(coro_sleep(0.001));
	return coro_int(coro_as_int(number) + 1);
}

static coro_value fail(coro_value text)
{
	CORO_TRY(coro_sleep(0.001));
	return coro_raise(CORO_ValueError, "%s", coro_as_str(text));
}

static coro_value forever(coro_value unused)
{
	for (;;)
		CORO_TRY(coro_sleep(1));
}

static coro_value stubborn(coro_value unused)
{
	coro_value result = coro_sleep(100);

	/* Cancelled; or it could not sleep. */
	check(coro_raised(result));
	return coro_int(5);
}

static coro_value calls(coro_value depth)
{
	coro_value result;

	if (!coro_as_int(depth))
		return CORO_CALL(add_one, coro_int(0));
	result = CORO_CALL(calls, coro_int(coro_as_int(depth) - 1));
	check_outcome(result);
	return coro_raised(result) ? result : coro_int(coro_as_int(result) + 1);
}

static coro_value coroutines_main(coro_value unused)
{
	coro_value result = CORO_CALL(calls, coro_int(4));

	check(no_memory(result) || coro_as_int(result) == 5);
	result = CORO_CALL(fail, coro_str("to be caught"));
	check(no_memory(result) || coro_is(result, CORO_ValueError));
	return CORO_NONE;
}

static void coroutines(void)
{
	run_main(coroutines_main);
}

static coro_value tasks_main(coro_value unused)
{
	struct coro_task *task =
		coro_spawn(add_one, coro_int(1), "a name that is longer than its place");
	coro_value result = join(task);

	check(!task || no_memory(result) || coro_as_int(result) == 2);
	task = coro_spawn(fail, coro_str("failed"), NULL);
	if (task) {
		coro_task_set_name(task, "another name that needs memory of its own");
		result = coro_await(task);
		check(no_memory(result) || coro_is(result, CORO_ValueError));
		result = coro_task_exception(task);
		check(coro_is(result, CORO_ValueError) || coro_is(result, CORO_MemoryError));
	}
	coro_task_free(task);

	task = coro_spawn(forever, CORO_NONE, NULL);
	coro_sleep(0);
	if (task && coro_task_cancel(task, "a message")) {
		result = coro_await(task);
		check(coro_is(result, CORO_CancelledError) || no_memory(result));
		check(coro_task_done(task));
	}
	coro_task_free(task);

	/* Cancelled before its first step, if it is not an eager one. */
	task = coro_spawn(stubborn, CORO_NONE, NULL);
	if (task) {
		coro_task_cancel(task, NULL);
		result = coro_await(task);
		check(coro_is(result, CORO_CancelledError) || coro_as_int(result) == 5);
	}
	coro_task_free(task);
	task = coro_spawn(stubborn, CORO_NONE, NULL);
	coro_sleep(0);
	if (task) {
		coro_task_cancel(task, NULL);
		result = coro_await(task);
		check(coro_as_int(result) == 5);
	}
	coro_task_free(task);
	/* Left over. */
	coro_task_free(coro_spawn(forever, CORO_NONE, "left over"));
	return CORO_NONE;
}

static void tasks(void)
{
	run_main(tasks_main);
}

static void eager_tasks(void)
{
	struct coro_loop_options options = {.virtual_time = true};
	struct coro_loop *loop = coro_loop_new(&options);
	struct coro_generator *coroutine;

	coro_set_report_handler(ignore_report, NULL);
	if (!loop)
		return;
	coro_loop_set_eager(loop, true);
	coroutine = coro_coroutine(tasks_main, CORO_NONE);
	if (coroutine)
		coro_loop_run_until_complete(loop, coro_object(coroutine));
	coro_loop_free(loop);
	coro_handled();
}

static coro_value whole_main(coro_value unused)
{
	struct coro_task *left = coro_spawn(forever, CORO_NONE, NULL);

	CORO_TRY(CORO_CALL(add_one, coro_int(1)));
	if (left)
		coro_task_free(left);
	return coro_raise(CORO_LookupError, "reported");
}

static void whole_program(void)
{
	coro_set_report_handler(ignore_report, NULL);
	check(coro_run(whole_main, CORO_NONE) == 1);
	coro_handled();
}

/* ---- Futures, callbacks ------------------------------------------------ */

static int called;

static coro_value note_call(coro_value unused)
{
	called++;
	return CORO_NONE;
}

static coro_value set_it(coro_value future)
{
	return coro_future_set_result((struct coro_future *)coro_as_object(future), coro_int(9));
}

static coro_value await_it(coro_value future)
{
	return coro_await(future);
}

static coro_value futures_main(coro_value unused)
{
	struct coro_future *future = coro_future_new(CORO_REASON_NONE, NULL);
	struct coro_loop *loop = coro_loop_current();
	struct coro_task *waiting;
	int wanted = 0;

	called = 0;
	if (!future)
		return CORO_NONE;
	waiting = coro_spawn(await_it, coro_object(future), NULL);
	for (int i = 0; i < 3; i++)
		wanted += !coro_raised(coro_future_add_done_callback(future, note_call, CORO_NONE));
	if (coro_loop_call_later(loop, 0.5, set_it, coro_object(future)).memory) {
		check(coro_as_int(coro_await(future)) == 9);
	} else {
		check_outcome(coro_future_set_result(future, coro_int(9)));
	}
	coro_value result = join(waiting);
	check(!waiting || coro_as_int(result) == 9);
	coro_sleep(0);
	check(called == wanted);
	wanted += !coro_raised(coro_future_add_done_callback(future, note_call, CORO_NONE));
	coro_sleep(0);
	check(called == wanted);
	coro_future_free(future);

	future = coro_future_new(CORO_REASON_NONE, NULL);
	if (future) {
		waiting = coro_spawn(await_it, coro_object(future), NULL);
		coro_sleep(0);
		coro_future_set_exception(future, coro_raise_value(CORO_StopIteration, coro_int(1)));
		if (waiting) {
			result = coro_await(waiting);
			check(coro_is(result, CORO_RuntimeError) || no_memory(result));
		}
		coro_task_free(waiting);
		coro_future_exception(future);
	}
	coro_future_free(future);
	future = coro_future_new(CORO_REASON_NONE, NULL);
	if (future) {
		coro_future_cancel(future, "cancelled with a message");
		check(coro_is(coro_await(future), CORO_CancelledError));
	}
	coro_future_free(future);
	return CORO_NONE;
}

static void futures(void)
{
	run_main(futures_main);
}

static coro_value timers_main(coro_value unused)
{
	struct coro_loop *loop = coro_loop_current();
	struct coro_handle handle[80];
	int wanted = 0;

	called = 0;
	for (int i = 0; i < 80; i++)
		handle[i] = coro_loop_call_later(loop, 0.001 * (i % 7), note_call, CORO_NONE);
	for (int i = 0; i < 80; i++)
		if (i % 3)
			wanted += handle[i].memory != NULL;
		else
			check(coro_handle_cancel(handle[i]) == (handle[i].memory != NULL));
	wanted += coro_loop_call_soon(loop, note_call, CORO_NONE).memory != NULL;
	if (no_memory(coro_sleep(1))) {
		coro_loop_advance(loop, 1);
		coro_sleep(0);
		coro_sleep(0);
	}
	check(called == wanted);
	return CORO_NONE;
}

static void timers(void)
{
	run_main(timers_main);
}

/* ---- Several at once --------------------------------------------------- */

static coro_value gather_main(coro_value unused)
{
	coro_value values[4], results[4], result;
	struct coro_future *gather;

	for (int i = 0; i < 4; i++)
		values[i] = coro_object(coro_coroutine(add_one, coro_int(i)));
	result = coro_gather(values, 4, false, results);
	if (!coro_raised(result))
		for (int i = 0; i < 4; i++)
			check(coro_as_int(results[i]) == i + 1);

	values[0] = coro_object(coro_coroutine(fail, coro_str("gathered")));
	values[1] = coro_object(coro_coroutine(add_one, coro_int(1)));
	result = coro_gather(values, 2, true, results);
	if (!coro_raised(result))
		check(coro_is(results[0], CORO_ValueError) || coro_is(results[0], CORO_MemoryError));

	values[0] = coro_object(coro_coroutine(forever, CORO_NONE));
	values[1] = coro_object(coro_coroutine(forever, CORO_NONE));
	if (coro_is_none(values[0]) || coro_is_none(values[1])) {
		for (int i = 0; i < 2; i++)
			if (!coro_is_none(values[i]))
				coro_free((struct coro_generator *)coro_as_object(values[i]));
		return CORO_NONE;
	}
	gather = coro_gather_future(values, 2, false);
	if (gather) {
		coro_sleep(0);
		coro_future_cancel(gather, NULL);
		result = coro_await(gather);
		check(coro_is(result, CORO_CancelledError) || no_memory(result));
	}
	coro_future_free(gather);
	return CORO_NONE;
}

static void gathers(void)
{
	run_main(gather_main);
}

static coro_value wait_main(coro_value unused)
{
	struct coro_task *quick = coro_spawn(add_one, coro_int(1), NULL),
					 *slow = coro_spawn(forever, CORO_NONE, NULL);
	coro_value both[2] = {coro_object(quick), coro_object(slow)}, result;
	struct coro_completion *completion;
	struct coro_generator *next;
	size_t given = 0;

	if (quick && slow) {
		result = coro_wait(both, 2, CORO_FIRST_COMPLETED, CORO_FOREVER);
		check_outcome(result);
		check(coro_raised(result) || coro_as_int(result) >= 1);
		result = coro_wait(both, 2, CORO_ALL_COMPLETED, 0.5);
		check_outcome(result);
	}
	if (slow)
		coro_task_cancel(slow, NULL);
	if (quick)
		coro_task_cancel(quick, NULL);
	coro_task_free(quick);
	coro_task_free(slow);

	both[0] = coro_object(coro_coroutine(add_one, coro_int(1)));
	both[1] = coro_object(coro_coroutine(fail, coro_str("completed")));
	if (coro_is_none(both[0]) || coro_is_none(both[1])) {
		for (int i = 0; i < 2; i++)
			if (!coro_is_none(both[i]))
				coro_free((struct coro_generator *)coro_as_object(both[i]));
		return CORO_NONE;
	}
	completion = coro_as_completed(both, 2, 5);
	if (!completion)
		return CORO_NONE;
	while ((next = coro_as_completed_next(completion))) {
		result = coro_await(next);
		check(!coro_raised(result) || coro_is(result, CORO_ValueError) || no_memory(result));
		given++;
	}
	check(given + coro_as_completed_left(completion) == 2);
	coro_as_completed_free(completion);
	return CORO_NONE;
}

static void waits(void)
{
	run_main(wait_main);
}

static coro_value timeouts_main(coro_value unused)
{
	struct coro_timeout timeout = coro_timeout(0.5);
	coro_value result;

	result = coro_wait_for(coro_coroutine(forever, CORO_NONE), 0.5);
	check(coro_is(result, CORO_TimeoutError) || no_memory(result));
	result = coro_wait_for(coro_coroutine(add_one, coro_int(1)), 5);
	check(no_memory(result) || coro_as_int(result) == 2);
	result = coro_wait_for(coro_coroutine(forever, CORO_NONE), 0);
	check(coro_is(result, CORO_TimeoutError) || no_memory(result));
	result = coro_timeout_enter(&timeout);
	check_outcome(result);
	if (!coro_raised(result)) {
		check_outcome(coro_timeout_reschedule(&timeout, coro_loop_time(coro_loop_current()) + 2));
		result = coro_timeout_exit(&timeout, CORO_CALL(forever, CORO_NONE));
		check(coro_is(result, CORO_TimeoutError) || no_memory(result));
	}
	result = coro_shield(coro_coroutine(add_one, coro_int(4)));
	check(no_memory(result) || coro_as_int(result) == 5);
	return CORO_NONE;
}

static void timeouts(void)
{
	run_main(timeouts_main);
}

static int alive;

static coro_value member(coro_value kind)
{
	coro_value result;

	alive++;
	result = coro_as_int(kind) == 0   ? CORO_CALL(add_one, coro_int(1))
			 : coro_as_int(kind) == 1 ? CORO_CALL(fail, coro_str("member"))
									  : coro_sleep(100);
	alive--;
	return result;
}

static void one_group(int failing)
{
	struct coro_task_group *group = coro_task_group_new("group");
	coro_value result;

	alive = 0;
	if (!group)
		return;
	result = coro_task_group_enter(group);
	if (!coro_raised(result)) {
		for (int i = 0; i < 3; i++)
			check_outcome(coro_task_group_spawn(group, member, coro_int(i == failing), NULL));
		/* It ends only if somebody fails. */
		if (failing >= 0)
			coro_task_group_spawn(group, member, coro_int(2), "waits until it is cancelled");
		result = coro_task_group_exit(group, failing >= 0 ? fail(coro_str("body")) : CORO_NONE);
		check(coro_raised(result) || failing < 0);
		check(!coro_is(result, CORO_CancelledError));
		check(alive == 0);
	}
	coro_task_group_free(group);
}

static coro_value groups_main(coro_value unused)
{
	one_group(-1);
	one_group(1);
	return CORO_NONE;
}

static void groups(void)
{
	run_main(groups_main);
}

/* ---- Async generators -------------------------------------------------- */

static int cleaned, begun;

static coro_value async_count(coro_value limit)
{
	coro_value result = CORO_NONE;

	begun++;
	for (int64_t i = 1; i <= coro_as_int(limit) && !coro_raised(result); i++) {
		result = coro_sleep(0);
		if (!coro_raised(result))
			result = coro_yield(coro_int(i));
	}
	cleaned++;
	return result;
}

static coro_value async_generators_main(coro_value unused)
{
	struct coro_generator *generator = coro_async_generator(async_count, coro_int(3));
	struct coro_async_step *step;
	coro_value item = CORO_NONE;

	if (generator) {
		while (coro_async_iterate(generator, &item))
			;
		check_outcome(item);
		check_outcome(coro_aclose(generator));
	}
	coro_free(generator);
	/* Dropped in the middle: the loop closes it. */
	generator = coro_async_generator(async_count, coro_int(3));
	if (generator)
		check_outcome(coro_anext(generator));
	coro_free(generator);
	for (int i = 0; i < 4; i++)
		coro_sleep(0);
	generator = coro_async_generator(async_count, coro_int(3));
	if (generator) {
		step = coro_asend_step(generator, CORO_NONE);
		if (step)
			check_outcome(coro_async_step_await(step));
		coro_async_step_free(step);
		item = coro_athrow(generator, coro_error(CORO_KeyError, "thrown"));
		check(coro_is(item, CORO_KeyError) || no_memory(item));
	}
	coro_free(generator);
	return CORO_NONE;
}

/* Alive at the end of the loop, which closes them. */
static struct coro_generator *left[3];

static coro_value left_generators_main(coro_value unused)
{
	for (int i = 0; i < 3; i++) {
		left[i] = coro_async_generator(async_count, coro_int(3));
		if (left[i])
			check_outcome(coro_anext(left[i]));
	}
	check_outcome(coro_shutdown_async_generators());
	return CORO_NONE;
}

static void async_generators(void)
{
	begun = cleaned = 0;
	run_main(async_generators_main);
	check(begun == cleaned);
	memset(left, 0, sizeof(left));
	run_main(left_generators_main);
	for (int i = 0; i < 3; i++)
		coro_free(left[i]);
}

/* ---- Contexts of tasks, and the end of a loop by hand ------------------ */

static struct coro_context_variable *seen_by_callbacks;
static int times_called;

static coro_value counts_call(coro_value unused)
{
	coro_value seen = coro_context_variable_get(seen_by_callbacks);

	check(coro_is_none(seen) || coro_as_int(seen) == 3);
	times_called++;
	return CORO_NONE;
}

static coro_value in_contexts_main(coro_value unused)
{
	struct coro_context *context = coro_copy_context(), *of_task;
	struct coro_future *future = coro_future_new(CORO_REASON_NONE, NULL);
	struct coro_task *task = coro_spawn(add_one, coro_int(1), NULL);
	int expected = 0;
	coro_value result;

	check_outcome(coro_context_variable_set(seen_by_callbacks, coro_int(3), NULL));
	if (future) {
		result = coro_future_add_done_callback_in_context(future, counts_call, CORO_NONE, context);
		check_outcome(result);
		expected += !coro_raised(result);
		check_outcome(coro_future_set_result(future, CORO_NONE));
	}
	if (task) {
		of_task = coro_task_context(task);
		coro_context_free(of_task);
		result = coro_task_add_done_callback_in_context(task, counts_call, CORO_NONE, NULL);
		check_outcome(result);
		expected += !coro_raised(result);
		check_outcome(coro_await(task));
	}
	result = coro_sleep(0.01);
	check(coro_raised(result) || times_called == expected);
	coro_task_free(task);
	coro_future_free(future);
	coro_context_free(context);
	return CORO_NONE;
}

static void contexts_of_tasks(void)
{
	seen_by_callbacks = coro_context_variable_new_default("called", CORO_NONE);
	times_called = 0;
	if (seen_by_callbacks)
		run_main(in_contexts_main);
	coro_context_variable_free(seen_by_callbacks);
}

static void loop_by_hand(void)
{
	struct coro_loop *loop = coro_loop_new(NULL);
	struct coro_task *task;
	coro_value result;

	if (!loop)
		return;
	coro_set_report_handler(ignore_report, NULL);
	task = coro_spawn_coroutine(coro_coroutine_named(forever, CORO_NONE, "named", "here:1"), NULL);
	result = coro_loop_run_until_complete(loop, CORO_NONE);
	check(coro_raised(result)); /* None cannot be awaited */
	result = coro_loop_cancel_all(loop);
	check_outcome(result);
	check(!task || coro_raised(result) || coro_task_cancelled(task));
	coro_task_free(task);
	coro_loop_free(loop);
	coro_set_report_handler(NULL, NULL);
}

/* ---- Descriptors ------------------------------------------------------- */

static coro_value echo(coro_value fd)
{
	char bytes[64];

	for (;;) {
		coro_value got = coro_recv((int)coro_as_int(fd), bytes, sizeof(bytes));

		if (coro_raised(got) || !coro_as_int(got))
			return got;
		CORO_TRY(coro_send_all((int)coro_as_int(fd), bytes, (size_t)coro_as_int(got)));
	}
}

static coro_value descriptors_main(coro_value unused)
{
	struct coro_task *task;
	coro_value result;
	char bytes[64];
	int ends[2];

	check(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends));
	task = coro_spawn(echo, coro_int(ends[1]), NULL);
	for (int i = 0; task && i < 3; i++) {
		result = coro_send_all(ends[0], "ping", 4);
		if (coro_raised(result))
			break;
		result = coro_recv(ends[0], bytes, sizeof(bytes));
		if (coro_raised(result) || coro_task_done(task))
			break;
	}
	coro_close_descriptor(ends[0]);
	if (task) {
		result = coro_await(task);
		check(!coro_raised(result) || no_memory(result) || coro_is(result, CORO_OSError));
	}
	coro_task_free(task);
	coro_close_descriptor(ends[1]);
	return CORO_NONE;
}

static void descriptors(void)
{
	run_main(descriptors_main);
}

const struct program task_programs[] = {
	{"coroutines", coroutines},
	{"tasks", tasks},
	{"eager tasks", eager_tasks},
	{"whole program", whole_program},
	{"futures", futures},
	{"timers", timers},
	{"gathers", gathers},
	{"waits", waits},
	{"timeouts", timeouts},
	{"groups", groups},
	{"async generators", async_generators},
	{"contexts of tasks", contexts_of_tasks},
	{"loop by hand", loop_by_hand},
	{"descriptors", descriptors},
	{NULL, NULL},
};
