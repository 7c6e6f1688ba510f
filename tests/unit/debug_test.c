/*
 * debug_test.c - the check finds what is broken, and the dump says what there is.
 *
 * Each contradiction is made by hand, in a process of its own.
 */
#include <fcntl.h>
#include "../../runtime/task/tasks.h"
#include "aborts.h"

static struct coro_loop *loop_here(void)
{
	return coro__address(coro_loop_current());
}

static coro_value wait_for_ever(coro_value future)
{
	return coro_await(future);
}

/* ---- What is broken ---------------------------------------------------- */

static coro_value yield_once(coro_value unused)
{
	return coro_yield(CORO_NONE);
}

static struct coro_generator *suspended(void)
{
	struct coro_generator *generator = coro_generator(yield_once, CORO_NONE);

	coro_next(generator);
	return coro__address(generator);
}

static void unlink_body(void)
{
	struct coro_generator *first = suspended(), *second = suspended();

	second->previous = NULL;
	(void)first;
	coro_check();
}

static void pretend_to_run(void)
{
	suspended()->object.state = CORO_STATE_RUNNING;
	coro_check();
}

static void delegate_to_nobody(void)
{
	suspended()->object.state = CORO_STATE_DELEGATING;
	coro_check();
}

static void lose_stack_pointer(void)
{
	struct coro_generator *body = suspended();

	body->sp = (char *)body->stack_base + 16;
	coro_check();
}

static void count_wrong(void)
{
	loop_here()->ready_count++;
	coro_check();
}

static void share_row(void)
{
	struct coro_generator *first = suspended(), *second = suspended();

	second->object.row = first->object.row;
	second->object.gen = first->object.gen;
	coro_check();
}

/* A task that waits for a future; both by address. */
static struct coro_task *waiting_task(struct coro_future **ret_future)
{
	struct coro_future *future = coro_future_new(CORO_REASON_NONE, NULL);
	struct coro_task *task = coro_spawn(wait_for_ever, coro_object(future), "waiting");

	coro_sleep(0);
	*ret_future = coro__address(future);
	return coro__address(task);
}

static void forget_to_tell(void)
{
	struct coro_future *future;
	struct coro_task *task = waiting_task(&future);

	coro__entries_remove(&future->callbacks, &task->entry);
	coro_check();
}

static void drop_too_often(void)
{
	struct coro_future *future;

	waiting_task(&future);
	future->references--;
	coro_check();
}

static void list_twice(void)
{
	struct coro_future *future;
	struct coro_task *task = waiting_task(&future);

	coro__ready(loop_here(), &task->entry);
	coro_check();
}

static void disorder_timers(void)
{
	struct coro_loop *loop = loop_here();

	for (int i = 1; i <= 6; i++)
		coro_loop_call_later(coro_loop_current(), i, yield_once, CORO_NONE);
	loop->timers.entries[5].when = 0;
	coro_check();
}

__attribute__((unused)) static void free_a_kept_exception(void)
{
	coro_drop(coro_caught(coro_raise(CORO_ValueError, "kept")));
	coro_check();
}

static void broken_outside(const char *pattern, void (*what)(void))
{
	assert_aborts(what, pattern);
}

static void (*breaking)(void);

static void in_main(void)
{
	in_loop(breaking);
}

static void broken_inside(const char *pattern, void (*what)(void))
{
	breaking = what;
	assert_aborts(in_main, pattern);
}

static void check_names_the_object_and_what_does_not_hold(void **state)
{
	broken_outside(
		"coroscope: coro_check: generator 'yield_once' #*, created at *: the list of bodies is "
		"linked both ways*",
		unlink_body);
	broken_outside("*: no body is running but those that run*", pretend_to_run);
	broken_outside("*generator 'yield_once' #*: a body that delegates has a delegate*",
				   delegate_to_nobody);
	broken_outside("*: the saved stack pointer of a body is in its stack*", lose_stack_pointer);
	broken_outside("*: an object has a row of its own*", share_row);
#ifndef __SANITIZE_ADDRESS__ /* which ends it before */
	broken_outside("*: an exception that is kept *", free_a_kept_exception);
#endif
}

static void check_compares_tasks_with_the_lists_they_are_on(void **state)
{
	broken_inside("*: what is ready is counted*", count_wrong);
	broken_inside(
		"*task 'waiting' #*: a task is in the ready queue, told by what it awaits, or runs, or is "
		"done*",
		forget_to_tell);
	broken_inside("*: a future has a reference for each who holds it*", drop_too_often);
	broken_inside("*: an entry is on one list at most, and once*", list_twice);
	broken_inside("*: the heap of timers has its order*", disorder_timers);
}

/* ---- What is whole ----------------------------------------------------- */

static coro_value look(coro_value unused)
{
	struct coro_future *future;
	coro_value pair[2];

	coro_check();
	pair[0] = coro_object(coro_coroutine(wait_for_ever, CORO_NONE));
	pair[1] = coro_object(coro_coroutine(wait_for_ever, CORO_NONE));
	future = coro_gather_future(pair, 2, true);
	coro_check();
	coro_sleep(0);
	coro_check();
	coro_await(future);
	coro_check();
	coro_future_free(future);
	return CORO_NONE;
}

static void check_is_content_at_any_moment(void **state)
{
	coro_check();
	assert_int_equal(coro_run(look, CORO_NONE), 0);
	coro_check();
}

/* ---- The dump ---------------------------------------------------------- */

static coro_value get_job(coro_value queue)
{
	return coro_queue_get((struct coro_queue *)coro_as_object(queue));
}

static coro_value work(coro_value queue)
{
	return CORO_CALL(get_job, queue);
}

static int dump_to;

static coro_value dump(coro_value by_signal)
{
	struct coro_queue *queue = coro_queue_new_named(1, "jobs");
	struct coro_task *worker = coro_spawn(work, coro_object(queue), "worker");

	coro_sleep(0);
	if (coro_as_bool(by_signal))
		raise(SIGQUIT);
	else
		coro_dump(dump_to);
	coro_task_cancel(worker, NULL);
	coro_await(worker);
	coro_task_free(worker);
	coro_queue_free(queue);
	return CORO_NONE;
}

static const char dumped[] = "coroutine 'dump' #*: running, of task 'dump' #*, created at *:*\n"
							 "coroutine 'work' #*: delegating to coroutine 'get_job' #*, of task "
							 "'worker' #*, created at *:*\n"
							 "coroutine 'get_job' #*: suspended*, created at *:*\n"
							 "task 'dump' #*: running, created at *:*\n"
							 "task 'worker' #*: suspended, awaits * of queue 'jobs' #*, created at "
							 "*:*\n";

static void dump_says_what_each_waits_for(void **state)
{
	char text[4096];
	int pipes[2];
	ssize_t got;

	assert_int_equal(pipe(pipes), 0);
	dump_to = pipes[1];
	assert_int_equal(coro_run(dump, coro_bool(false)), 0);
	got = read(pipes[0], text, sizeof(text) - 1);
	assert_true(got > 0);
	text[got] = 0;
	close(pipes[0]);
	close(pipes[1]);
	if (fnmatch(dumped, text, 0))
		fail_msg("dumped: %s", text);
}

static void dump_on_quit(void)
{
	coro_dump_on_signal(SIGQUIT);
	coro_run(dump, coro_bool(true));
}

static void dump_comes_on_a_signal_and_the_program_goes_on(void **state)
{
	int status = run(dump_on_quit);

	assert_true(WIFEXITED(status) && !WEXITSTATUS(status));
	if (fnmatch(dumped, said, 0))
		fail_msg("dumped: %s", said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		sentence(check_names_the_object_and_what_does_not_hold),
		sentence(check_compares_tasks_with_the_lists_they_are_on),
		sentence(check_is_content_at_any_moment),
		sentence(dump_says_what_each_waits_for),
		sentence(dump_comes_on_a_signal_and_the_program_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
