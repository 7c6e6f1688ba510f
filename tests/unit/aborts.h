#ifndef ABORTS_H
#define ABORTS_H
/*
 * aborts.h - for tests of what ends the program: it runs in a process of its own, whose standard
 * error and end are looked at.
 */
#include <fnmatch.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <coroscope/coro.h>
#include "runtime_check.h"

static char said[4096];

/* Runs it in a child; what it says is in `said`. Returns the wait status. */
static int run(void (*what)(void))
{
	size_t length = 0;
	ssize_t got;
	int pipes[2], status;
	pid_t child;

	assert_int_equal(pipe(pipes), 0);
	fflush(NULL);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		const struct rlimit no_core = {0, 0};

		setrlimit(RLIMIT_CORE, &no_core);
		signal(SIGABRT, SIG_DFL);
		dup2(pipes[1], STDERR_FILENO);
		close(pipes[0]);
		coro_set_report_handler(NULL, NULL);
		what();
		exit(0);
	}
	close(pipes[1]);
	while ((got = read(pipes[0], said + length, sizeof(said) - 1 - length)) > 0)
		length += (size_t)got;
	said[length] = 0;
	close(pipes[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

/* It aborts, and says what matches the pattern, in which * stands for anything. */
static inline void __attribute__((unused)) assert_aborts(void (*what)(void), const char *pattern)
{
	int status = run(what);

	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT || fnmatch(pattern, said, 0))
		fail_msg("status %d, said: %s\nexpected: %s", status, said, pattern);
}

/* The end of each message: where the library was called. */
#define CALLED "\n  called at *_test(+0x*)*"

static void (*in_a_task)(void);

static coro_value runs_it(coro_value unused)
{
	in_a_task();
	return CORO_NONE;
}

/* Runs it in the main task of a loop. */
static inline void __attribute__((unused)) in_loop(void (*what)(void))
{
	in_a_task = what;
	coro_run(runs_it, CORO_NONE);
}

#endif
