/*
 * programs.c - see programs.h.
 */
#include <math.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <coroscope/coro.h>
#include "faults.h"
#include "programs.h"

#define check(condition)                                                                           \
	do {                                                                                           \
		if (!(condition))                                                                          \
			faults_wrong("%s:%d: %s", __FILE__, __LINE__, #condition);                             \
	} while (0)

/* Nothing but the want of memory has gone wrong. */
static void check_outcome(coro_value value, int line)
{
	if (!coro_raised(value) || coro_is(value, CORO_MemoryError))
		return;
	if (coro_is(value, CORO_BaseExceptionGroup)) {
		for (size_t i = 0; i < coro_group_count(value); i++)
			check_outcome(coro_group_at(value, i), line);
		return;
	}
	faults_wrong("%s:%d: %s: %s", __FILE__, line, coro_exception_type(value)->name,
				 coro_message(value));
}
#define check_outcome(value) check_outcome((value), __LINE__)

static bool no_memory(coro_value value)
{
	return coro_raised(value) && coro_is(value, CORO_MemoryError);
}

static void ignore_report(enum coro_report_kind kind, const char *text, coro_value exception,
						  void *data)
{
	check(text && *text);
}

/* Runs a coroutine under a loop with virtual time, to its end. */
static void run_main(coro_function *function)
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

/* Awaits what was spawned, if it was. */
static coro_value join(struct coro_task *task)
{
	coro_value result;

	if (!task)
		return CORO_NONE;
	result = coro_await(task);
	check_outcome(result);
	coro_task_free(task);
	return result;
}

/* ---- Generators -------------------------------------------------------- */

static coro_value count_to(coro_value limit)
{
	for (int64_t i = 1; i <= coro_as_int(limit); i++)
		CORO_TRY(coro_yield(coro_int(i)));
	return coro_str("done");
}

static coro_value nested(coro_value depth)
{
	CORO_AUTO struct coro_generator *inner =
		coro_as_int(depth) ? coro_generator(nested, coro_int(coro_as_int(depth) - 1))
						   : coro_generator(count_to, coro_int(3));
	static const coro_value some[] = {{CORO_VALUE_INT, {7}}, {CORO_VALUE_INT, {8}}};

	CORO_TRY(coro_yield_from_array(some, 2));
	return coro_yield_from(inner);
}

static coro_value catcher(coro_value unused)
{
	for (int64_t caught = 0;;) {
		coro_value value = coro_yield(coro_int(caught));

		if (coro_raised(value) && !coro_is(value, CORO_ValueError))
			return value;
		CORO_EXCEPT(value, CORO_ValueError)
		caught++;
	}
}

static void generators(void)
{
	struct coro_generator *generator = coro_generator(count_to, coro_int(3));
	coro_value value = CORO_NONE;
	int64_t last = 0;

	if (generator) {
		while (coro_iterate(generator, &value))
			last = coro_as_int(value);
		check_outcome(value);
		check(last == 3);
		check(no_memory(value) || coro_equal(value, coro_str("done")));
		check_outcome(coro_close(generator));
	}
	coro_free(generator);

	generator = coro_generator(nested, coro_int(3));
	if (generator) {
		while (coro_iterate(generator, &value))
			last = coro_as_int(value);
		check_outcome(value);
	}
	coro_free(generator);

	generator = coro_generator(catcher, CORO_NONE);
	if (generator) {
		check_outcome(coro_next(generator));
		for (int i = 0; i < 3 && !coro_finished(generator); i++) {
			value = coro_throw(generator, coro_error(CORO_ValueError, "number %d", i));
			check_outcome(value);
		}
		check_outcome(coro_close(generator));
		check(coro_finished(generator));
	}
	coro_free(generator);

	/* Closed by being freed. */
	generator = coro_generator(nested, coro_int(2));
	if (generator)
		for (int i = 0; i < 7 && !coro_finished(generator); i++)
			check_outcome(coro_next(generator));
	coro_free(generator);
}

/* ---- Exceptions -------------------------------------------------------- */

static coro_value leaks_stop(coro_value unused)
{
	return coro_raise_value(CORO_StopIteration, coro_int(3));
}

static void groups_of_exceptions(void)
{
	const struct coro_exception_type *const types[] = {CORO_ValueError};
	coro_value children[3], group, match, rest;

	children[0] = coro_error(CORO_ValueError, "one");
	children[1] = coro_error(CORO_KeyError, "two");
	children[2] = coro_caught(coro_raise_group("inner", children, 2));
	group = coro_raise_group("outer", children, 3);
	check(coro_raised(group));
	coro_group_split(group, types, 1, &match, &rest);
	if (!no_memory(group) && !no_memory(rest) && coro_is(children[0], CORO_ValueError) &&
		coro_is(children[1], CORO_KeyError) && coro_group_count(children[2])) {
		check(coro_group_count(match) == 2);
		check(coro_group_count(rest) == 2);
	}
	if (coro_raised(rest))
		check(no_memory(rest) && coro_is_none(match));
	group = coro_group_merge(group, NULL, 0, rest);
	check(coro_raised(group));
}

static void exceptions(void)
{
	struct coro_generator *generator;
	coro_value error, cause;
	char text[512];

	coro_set_report_handler(ignore_report, NULL);
	cause = coro_keep(coro_raise(CORO_KeyError, "%d %s", 3, "long enough to need some room"));
	error = coro_keep(coro_raise_from(coro_raise_value(CORO_ValueError, coro_str("text")), cause));
	check(coro_raised(error) && coro_message(error));
	coro_format_exception(error, text, sizeof(text));
	coro_format(error, text, sizeof(text));
	coro_raise_value(CORO_LookupError, coro_float(2.5));
	check(coro_message(coro_raise_errno(2)));
	coro_drop(error);
	coro_drop(cause);
	groups_of_exceptions();

	generator = coro_generator(leaks_stop, CORO_NONE);
	if (generator) {
		error = coro_next(generator);
		check(coro_is(error, CORO_RuntimeError) || no_memory(error));
		check(coro_exit_status(error) == 1);
	}
	coro_free(generator);
}

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

/* ---- Synchronisation --------------------------------------------------- */

enum { WORKERS = 4, ROUNDS = 3 };

static int inside;
static struct coro_lock *lock;

/* Spawns the workers, and waits for them; the fewer there are, the less there is to do. */
static void work(coro_function *function)
{
	struct coro_task *workers[WORKERS];

	for (int i = 0; i < WORKERS; i++)
		workers[i] = coro_spawn(function, coro_int(i), NULL);
	for (int i = 0; i < WORKERS; i++)
		join(workers[i]);
}

static coro_value lock_worker(coro_value number)
{
	for (int i = 0; i < ROUNDS; i++) {
		coro_value result = coro_lock_acquire(lock);

		check_outcome(result);
		if (coro_raised(result))
			continue;
		check(inside++ == 0);
		coro_sleep(0.001);
		inside--;
		check_outcome(coro_lock_release(lock));
	}
	return CORO_NONE;
}

static coro_value lock_main(coro_value unused)
{
	inside = 0;
	lock = coro_lock_new("lock");
	if (!lock)
		return CORO_NONE;
	work(lock_worker);
	check(!coro_lock_locked(lock));
	coro_lock_free(lock);
	return CORO_NONE;
}

static void locks(void)
{
	run_main(lock_main);
}

static struct coro_condition *condition;
static int tokens, wanting;

static coro_value condition_worker(coro_value number)
{
	coro_value result = coro_lock_acquire(coro_condition_lock(condition));

	check_outcome(result);
	if (coro_raised(result))
		return CORO_NONE;
	wanting++;
	while (!tokens) {
		result = coro_condition_wait(condition);
		check_outcome(result);
		check(coro_lock_locked(coro_condition_lock(condition)));
		check(inside++ == 0);
		inside--;
		if (coro_raised(result))
			break;
	}
	wanting--;
	if (tokens)
		tokens--;
	check_outcome(coro_lock_release(coro_condition_lock(condition)));
	return CORO_NONE;
}

static coro_value condition_feeder(coro_value number)
{
	do {
		coro_value result;

		coro_sleep(0);
		result = coro_lock_acquire(coro_condition_lock(condition));
		check_outcome(result);
		if (coro_raised(result))
			continue;
		tokens++;
		check_outcome(coro_condition_notify(condition, 1));
		check_outcome(coro_lock_release(coro_condition_lock(condition)));
	} while (wanting);
	return CORO_NONE;
}

static coro_value condition_main(coro_value unused)
{
	struct coro_task *workers[WORKERS];

	tokens = wanting = inside = 0;
	condition = coro_condition_new(NULL, "condition");
	if (!condition)
		return CORO_NONE;
	for (int i = 0; i < WORKERS; i++)
		workers[i] = coro_spawn(condition_worker, coro_int(i), NULL);
	coro_sleep(0);
	coro_sleep(0);
	condition_feeder(CORO_NONE);
	for (int i = 0; i < WORKERS; i++)
		join(workers[i]);
	check(!coro_lock_locked(coro_condition_lock(condition)));
	coro_condition_free(condition);
	return CORO_NONE;
}

static void conditions(void)
{
	run_main(condition_main);
}

static struct coro_semaphore *semaphore;

static coro_value semaphore_worker(coro_value number)
{
	for (int i = 0; i < ROUNDS; i++) {
		coro_value result = coro_semaphore_acquire(semaphore);

		check_outcome(result);
		if (coro_raised(result))
			continue;
		check(inside++ < 2);
		coro_sleep(0.001);
		inside--;
		check_outcome(coro_semaphore_release(semaphore));
	}
	return CORO_NONE;
}

static coro_value semaphore_main(coro_value unused)
{
	inside = 0;
	semaphore = coro_bounded_semaphore_new(2, "semaphore");
	if (!semaphore)
		return CORO_NONE;
	work(semaphore_worker);
	/* Both places are there again. */
	check(!coro_raised(coro_semaphore_acquire(semaphore)));
	check(!coro_semaphore_locked(semaphore));
	check(!coro_raised(coro_semaphore_acquire(semaphore)));
	check(coro_semaphore_locked(semaphore));
	coro_semaphore_free(semaphore);
	return CORO_NONE;
}

static void semaphores(void)
{
	run_main(semaphore_main);
}

static struct coro_event *event;

static coro_value event_worker(coro_value number)
{
	check_outcome(coro_event_wait(event));
	return CORO_NONE;
}

static struct coro_barrier *barrier;

static coro_value barrier_worker(coro_value number)
{
	coro_value result = coro_barrier_wait(barrier);

	check(!coro_raised(result) || no_memory(result) || coro_is(result, CORO_BrokenBarrierError));
	return CORO_NONE;
}

static coro_value event_main(coro_value unused)
{
	struct coro_task *workers[WORKERS];

	event = coro_event_new("event");
	if (event) {
		for (int i = 0; i < WORKERS; i++)
			workers[i] = coro_spawn(event_worker, coro_int(i), NULL);
		coro_sleep(0);
		coro_event_set(event);
		for (int i = 0; i < WORKERS; i++)
			join(workers[i]);
		coro_event_free(event);
	}
	barrier = coro_barrier_new(WORKERS, "barrier");
	if (barrier) {
		for (int i = 0; i < WORKERS; i++)
			workers[i] = coro_spawn(barrier_worker, coro_int(i), NULL);
		for (int i = 0; i < 10; i++)
			coro_sleep(0);
		/* Without memory some have not come. */
		while (no_memory(coro_barrier_abort(barrier)))
			coro_sleep(0);
		for (int i = 0; i < WORKERS; i++)
			join(workers[i]);
		check(coro_barrier_waiting(barrier) == 0);
		coro_barrier_free(barrier);
	}
	return CORO_NONE;
}

static void events(void)
{
	run_main(event_main);
}

/* ---- Queues ------------------------------------------------------------ */

static struct coro_queue *queue;
static int64_t sum_put, sum_got;
static bool ending;

static coro_value consumer(coro_value number)
{
	for (;;) {
		coro_value item = coro_queue_get(queue);

		if (coro_is(item, CORO_QueueShutDown) || (no_memory(item) && ending))
			return CORO_NONE;
		check_outcome(item);
		if (coro_raised(item)) {
			coro_sleep(0);
			continue;
		}
		sum_got += coro_as_int(item);
		check_outcome(coro_queue_task_done(queue));
		coro_sleep(0);
	}
}

static coro_value producer(coro_value number)
{
	for (int i = 1; i <= 12; i++) {
		coro_value result = coro_queue_put(queue, coro_int(i));

		check_outcome(result);
		if (!coro_raised(result))
			sum_put += i;
	}
	return CORO_NONE;
}

static void one_queue(struct coro_queue *made)
{
	struct coro_task *consumers[2], *producers[2];

	queue = made;
	sum_put = sum_got = 0;
	ending = false;
	if (!queue)
		return;
	for (int i = 0; i < 2; i++) {
		consumers[i] = coro_spawn(consumer, CORO_NONE, NULL);
		producers[i] = consumers[0] ? coro_spawn(producer, CORO_NONE, NULL) : NULL;
	}
	for (int i = 0; i < 2; i++)
		join(producers[i]);
	if (consumers[0])
		check_outcome(coro_queue_join(queue));
	coro_queue_shutdown(queue, false);
	ending = true;
	for (int i = 0; i < 2; i++)
		join(consumers[i]);
	check(sum_got == sum_put);
	coro_queue_free(queue);
}

static coro_value queues_main(coro_value unused)
{
	one_queue(coro_queue_new(2));
	one_queue(coro_queue_new(0));
	one_queue(coro_lifo_queue_new(3, "lifo"));
	one_queue(coro_priority_queue_new(0, NULL, "priority"));
	return CORO_NONE;
}

static void queues(void)
{
	run_main(queues_main);
}

/* ---- Channels ---------------------------------------------------------- */

static struct coro_channel *numbers, *quits;

static coro_value channel_sender(coro_value count)
{
	for (int64_t i = 1; i <= coro_as_int(count); i++) {
		coro_value result = coro_channel_send(numbers, coro_int(i));

		check_outcome(result);
		if (!coro_raised(result))
			sum_put += i;
	}
	return CORO_NONE;
}

static coro_value channel_receiver(coro_value unused)
{
	for (;;) {
		struct coro_case cases[] = {coro_case_receive(numbers), coro_case_receive(quits)};
		coro_value chosen = coro_select(cases, 2);

		check_outcome(chosen);
		if (coro_raised(chosen) && !ending)
			coro_sleep(0);
		else if (coro_raised(chosen) || coro_as_int(chosen) == 1)
			return CORO_NONE;
		else if (cases[0].ok)
			sum_got += coro_as_int(cases[0].value);
	}
}

static coro_value channels_main(coro_value unused)
{
	struct coro_task *sender, *receiver;

	sum_put = sum_got = 0;
	ending = false;
	numbers = coro_channel_new(0);
	quits = coro_channel_new_named(1, "quits");
	if (numbers && quits) {
		receiver = coro_spawn(channel_receiver, CORO_NONE, NULL);
		sender = receiver ? coro_spawn(channel_sender, coro_int(10), NULL) : NULL;
		join(sender);
		ending = true;
		coro_channel_close(quits);
		join(receiver);
		check(sum_put == sum_got);
	}
	coro_channel_free(numbers);
	coro_channel_free(quits);
	return CORO_NONE;
}

static void channels(void)
{
	run_main(channels_main);
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

/* ---- Stacks ------------------------------------------------------------ */

static void many_bodies(void)
{
	struct coro_options options = {.stack_size = 32768};
	struct coro_generator *generators_[50];

	coro_set_options(&options);
	for (int i = 0; i < 50; i++) {
		generators_[i] = coro_generator(count_to, coro_int(2));
		if (generators_[i])
			check_outcome(coro_next(generators_[i]));
		if (i == 25) {
			options.stack_size = 0;
			coro_set_options(&options);
		}
	}
	for (int i = 0; i < 50; i++)
		coro_free(generators_[i]);
}

const struct program programs[] = {
	{"generators", generators},
	{"exceptions", exceptions},
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
	{"locks", locks},
	{"conditions", conditions},
	{"semaphores", semaphores},
	{"events and barriers", events},
	{"queues", queues},
	{"channels", channels},
	{"async generators", async_generators},
	{"descriptors", descriptors},
	{"many bodies", many_bodies},
	{NULL, NULL},
};
