/*
 * overflow_test.c - a stack that overflows kills the program, and its message says whose it was.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static const char *subject;
static char output[4096];

/* Runs the subject; its descriptor 2 is in `output`. Returns the wait status. */
static int run(const char *how)
{
	size_t length = 0;
	ssize_t got;
	int pipes[2], status;
	pid_t child;

	assert_int_equal(pipe(pipes), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		dup2(pipes[1], STDERR_FILENO);
		dup2(pipes[1], STDOUT_FILENO);
		close(pipes[0]);
		/* Built for another machine, it needs what runs such programs, as this test does. */
		if (getenv("MESON_EXE_WRAPPER"))
			execl("/bin/sh", "sh", "-c", "exec $MESON_EXE_WRAPPER \"$0\" \"$1\"", subject, how,
				  (char *)NULL);
		execl(subject, subject, how, (char *)NULL);
		_exit(127);
	}
	close(pipes[1]);
	while ((got = read(pipes[0], output + length, sizeof(output) - 1 - length)) > 0)
		length += (size_t)got;
	output[length] = 0;
	close(pipes[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_non_null(strstr(output, "alive"));
	return status;
}

static void an_overflow_names_the_generator_its_size_and_where_it_was_made(void **state)
{
	int status = run("generator");

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSEGV);
	assert_non_null(strstr(output, "stack overflow in coroutine greedy #"));
	assert_non_null(strstr(output, " (64 KiB stack), created at "));
	assert_non_null(strstr(output, "overflow_subject.c:"));
}

static void the_one_that_overflowed_is_named_not_the_one_that_resumed_it(void **state)
{
	int status = run("coroutine");

	assert_true(WIFSIGNALED(status));
	assert_non_null(strstr(output, "stack overflow in coroutine greedy #1 "));
	assert_null(strstr(output, "innocent"));
}

static void an_overflow_on_a_second_thread_is_told_too(void **state)
{
	int status = run("thread");

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSEGV);
	assert_non_null(strstr(output, "stack overflow in coroutine greedy #1 (64 KiB stack)"));
	assert_non_null(strstr(output, "overflow_subject.c:"));
}

static void another_fault_is_not_called_an_overflow(void **state)
{
	int status = run("fault");

	assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) != 0);
	assert_null(strstr(output, "stack overflow in coroutine"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_overflow_names_the_generator_its_size_and_where_it_was_made),
		cmocka_unit_test(the_one_that_overflowed_is_named_not_the_one_that_resumed_it),
		cmocka_unit_test(an_overflow_on_a_second_thread_is_told_too),
		cmocka_unit_test(another_fault_is_not_called_an_overflow),
	};

	if (argc < 2)
		return 2;
	subject = argv[1];
	return cmocka_run_group_tests_name("overflow", tests, NULL, NULL);
}
