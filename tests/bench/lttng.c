/*
 * lttng.c - LTTng-UST: the fastest tracer of user programs that is widely used.
 *
 * It needs a session daemon. Where none runs, one is started, and ended with the benchmark. The
 * session is a flight recorder ("snapshot"): nobody consumes the events while they are
 * measured, as nobody drains our ring. Its daemons are not bound to our core.
 */
#include "subject.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SESSION    "coroscope-bench"
#define PATIENCE_S 20

static operation *emit;           /* of the module */
static bool (*is_enabled)(void);  /* of the module */
static pid_t daemon_process = -1; /* ours; -1: none */

/* Starts a command on any core and in silence; its process, or -1. */
static pid_t start(char *const *arguments)
{
	pid_t child = fork();

	if (child == 0) {
		int nothing = open("/dev/null", O_RDWR);
		cpu_set_t all;

		memset(&all, 0xff, sizeof all);
		sched_setaffinity(0, sizeof all, &all);
		if (dup2(nothing, 0) == 0 && dup2(nothing, 1) == 1 && dup2(nothing, 2) == 2)
			execvp(arguments[0], arguments);
		_exit(127);
	}
	return child;
}

/* Runs one; its exit status, or -1. */
static int run(char *const *arguments)
{
	pid_t child = start(arguments);
	int status;

	if (child < 0 || waitpid(child, &status, 0) != child)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define RUN(...) run((char *const[]){__VA_ARGS__, NULL})

/* A daemon of our own ends with us. */
static void leave(void)
{
	RUN("lttng", "--no-sessiond", "destroy", SESSION);
	if (daemon_process > 0 && kill(daemon_process, SIGTERM) == 0)
		waitpid(daemon_process, NULL, 0);
}

static bool is_answering(void)
{
	return RUN("lttng", "--no-sessiond", "list") == 0;
}

static bool wait_until(bool (*condition)(void))
{
	struct timespec now, end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += PATIENCE_S;
	do {
		if (condition())
			return true;
		sched_yield();
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec < end.tv_sec);
	return false;
}

static bool start_session(void)
{
	if (!is_answering()) {
		daemon_process = start((char *const[]){"lttng-sessiond", "--no-kernel", NULL});
		if (daemon_process < 0 || !wait_until(is_answering))
			return false;
	}
	RUN("lttng", "--no-sessiond", "destroy", SESSION);
	return RUN("lttng", "--no-sessiond", "create", SESSION, "--snapshot") == 0 &&
		   RUN("lttng", "enable-channel", "--userspace", "--session=" SESSION, "--subbuf-size=1M",
			   "--num-subbuf=4", "channel") == 0 &&
		   RUN("lttng", "enable-event", "--userspace", "--session=" SESSION, "--channel=channel",
			   "coroscope_bench:*") == 0 &&
		   RUN("lttng", "start", SESSION) == 0;
}

static bool load_module(void)
{
	void *module = dlopen(BENCH_LTTNG_MODULE, RTLD_NOW);

	if (!module)
		return false;
	is_enabled = (bool (*)(void))dlsym(module, "bench_lttng_enabled");
	emit = (operation *)dlsym(module, "bench_lttng_emit");
	return is_enabled && emit;
}

static bool ready(void)
{
	static bool tried, works;

	if (tried)
		return works;
	tried = true;
	atexit(leave);
	/* The daemon switches the events on some time after the module is loaded. */
	works = start_session() && load_module() && wait_until(is_enabled);
	return works;
}

/* Each of its events reads the clock. */
static void event(uint64_t count)
{
	emit(count);
}

const struct subject subject_lttng = {
	.name = "LTTng-UST",
	.ready = ready,
	.event_switch_clock = event,
	.event_full_clock = event,
};
