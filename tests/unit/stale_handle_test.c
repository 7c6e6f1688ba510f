/*
 * stale_handle_test.c - handles of what is not there: the program ends with a message that says
 * what it was, and nobody else's generator is driven.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <coroscope/coro.h>
#include "runtime_check.h"

static char said[1024];

/* Runs it in a child, which has to abort; what it says is in `said`. */
static void assert_aborts(void (*what)(void))
{
	const struct rlimit no_core = {0, 0};
	size_t length = 0;
	ssize_t got;
	int pipes[2], status;
	pid_t child;

	assert_int_equal(pipe(pipes), 0);
	fflush(NULL);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		setrlimit(RLIMIT_CORE, &no_core);
		signal(SIGABRT, SIG_DFL);
		dup2(pipes[1], STDERR_FILENO);
		what();
		_exit(0);
	}
	close(pipes[1]);
	while ((got = read(pipes[0], said + length, sizeof(said) - 1 - length)) > 0)
		length += (size_t)got;
	said[length] = 0;
	close(pipes[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
		fail_msg("status %d: %s", status, said);
}

static coro_value counts(coro_value from)
{
	for (int64_t i = coro_as_int(from); coro_is_none(coro_yield(coro_int(i))); i++)
		continue;
	return CORO_NONE;
}

/* A handle of one that was freed; then others were made, run, and freed. */
static struct coro_generator *stale(size_t others)
{
	struct coro_generator *body = coro_generator_named(counts, coro_int(1), "stale", "here:7");

	coro_next(body);
	coro_free(body);
	while (others--) {
		struct coro_generator *other = coro_generator(counts, coro_int(100));

		coro_next(other);
		coro_free(other);
	}
	coro_next(coro_generator(counts, coro_int(100)));
	return body;
}

static void next_of_a_stale_one(void)
{
	coro_next(stale(0));
}

static void send_to_a_stale_one(void)
{
	coro_send(stale(0), coro_int(1));
}

static void free_a_stale_one(void)
{
	coro_free(stale(0));
}

static void next_after_thirty(void)
{
	coro_next(stale(30));
}

static void a_freed_generator_that_is_used_is_named_with_its_number_and_place(void **state)
{
	void (*const uses[])(void) = {next_of_a_stale_one, send_to_a_stale_one, free_a_stale_one,
								  next_after_thirty};

	for (size_t i = 0; i < sizeof(uses) / sizeof(*uses); i++) {
		assert_aborts(uses[i]);
		assert_non_null(strstr(said, "generator stale #"));
		assert_non_null(strstr(said, " is used after it was freed, created at here:7"));
	}
}

static void next_of_none(void)
{
	struct coro_generator *volatile none = NULL;

	coro_next(none);
}

static void send_to_none(void)
{
	struct coro_generator *volatile none = NULL;

	coro_send(none, coro_int(1));
}

static void what_is_null_is_called_so(void **state)
{
	assert_aborts(next_of_none);
	assert_non_null(strstr(said, "a generator is NULL"));
	assert_aborts(send_to_none);
	assert_non_null(strstr(said, "a generator is NULL"));
}

static coro_value nothing(coro_value unused)
{
	return coro_sleep(0);
}

static coro_value uses_a_freed_task(coro_value unused)
{
	struct coro_task *task = coro_spawn(nothing, CORO_NONE, "gone");

	CORO_TRY(coro_await(coro_object(task)));
	coro_task_free(task);
	coro_spawn(nothing, CORO_NONE, "next");
	coro_task_cancel(task, NULL);
	return CORO_NONE;
}

static void cancel_a_stale_task(void)
{
	coro_run(uses_a_freed_task, CORO_NONE);
}

static void a_freed_task_is_not_taken_for_the_next_one(void **state)
{
	assert_aborts(cancel_a_stale_task);
	if (!strstr(said, "a task was used that is not one, or was freed"))
		fail_msg("%s", said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		sentence(a_freed_generator_that_is_used_is_named_with_its_number_and_place),
		sentence(what_is_null_is_called_so),
		sentence(a_freed_task_is_not_taken_for_the_next_one),
	};

	return cmocka_run_group_tests_name("stale handle", tests, NULL, NULL);
}
