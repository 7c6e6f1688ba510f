/*
 * traces.c - see traces.h. The debugger's own session is used as its screen uses it.
 */
#include "traces.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <tracer/session.h>

#define MOVES 50

/* The recording, and what `record` said of it. */
static struct {
	char path[64]; /* "": there is none yet */
	uint64_t events, lost, bytes;
	double seconds;
} recording;

static double now_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static void remove_recording(void)
{
	unlink(recording.path);
}

/* Records on any core; the summary line, without what stands before it. */
static bool record(const char *items, const char *sleepers, char *summary, size_t room)
{
	char *const arguments[] = {
		BENCH_COROSCOPE, "record",         "-o", recording.path, "--", BENCH_WORKLOAD,
		(char *)items,   (char *)sleepers, NULL};
	int pipes[2], status;
	size_t length = 0;
	ssize_t got;
	pid_t child;

	if (pipe2(pipes, O_CLOEXEC) < 0)
		return false;
	child = fork();
	if (child == 0) {
		cpu_set_t all;

		memset(&all, 0xff, sizeof all);
		sched_setaffinity(0, sizeof all, &all);
		dup2(pipes[1], STDERR_FILENO);
		execv(arguments[0], arguments);
		_exit(127);
	}
	close(pipes[1]);
	while ((got = read(pipes[0], summary + length, room - 1 - length)) > 0)
		length += (size_t)got;
	summary[length] = 0;
	close(pipes[0]);
	return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

static bool have_recording(bool quick)
{
	char summary[512];

	if (recording.path[0])
		return recording.events > 0;
	strcpy(recording.path, "/tmp/coroscope-bench-XXXXXX");
	close(mkstemp(recording.path));
	atexit(remove_recording);
	if (!record(quick ? "800" : "3100000", quick ? "10" : "10000", summary, sizeof summary))
		return false;
	return sscanf(summary,
				  "coroscope: %" SCNu64 " events, %" SCNu64 " lost, %" SCNu64 " bytes, %lf s",
				  &recording.events, &recording.lost, &recording.bytes, &recording.seconds) == 4;
}

double record_sustained(bool quick)
{
	if (!have_recording(quick) || recording.lost || recording.seconds <= 0)
		return -1;
	return (double)recording.events / recording.seconds / 1e6;
}

double record_bytes_per_event(bool quick)
{
	return have_recording(quick) ? (double)recording.bytes / (double)recording.events : -1;
}

/* ---- Looking ----------------------------------------------------------- */

static double opened_in, longest_seek, longest_back;

static uint64_t next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return *seed >> 33;
}

static double timed_goto(struct session *session, uint64_t n)
{
	double start = now_ms();

	return session_goto(session, n) < 0 ? -1 : now_ms() - start;
}

static double timed_back(struct session *session)
{
	double start = now_ms();

	return session_event(session, -1) < 0 ? -1 : now_ms() - start;
}

/* Once for all three. */
static bool look(bool quick)
{
	static bool looked, well;
	struct session *session;
	struct trace *trace;
	uint64_t seed = 1;
	double start;
	char *why;

	if (looked || !have_recording(quick))
		return looked && well;
	looked = true;
	start = now_ms();
	if (trace_open(recording.path, &trace, &why) < 0) {
		free(why);
		return false;
	}
	if (session_replay(trace, NULL, &session) < 0)
		return false;
	well = session_goto(session, 1) >= 0;
	opened_in = now_ms() - start;
	for (int i = 0; well && i < MOVES; i++) {
		double seek = timed_goto(session, 2 + next_random(&seed) % (recording.events - 1));
		double back = timed_back(session);

		well = seek >= 0 && back >= 0;
		longest_seek = seek > longest_seek ? seek : longest_seek;
		longest_back = back > longest_back ? back : longest_back;
	}
	session_free(session, false);
	return well;
}

double trace_open_100m(bool quick)
{
	return look(quick) ? opened_in : -1;
}

double trace_seek(bool quick)
{
	return look(quick) ? longest_seek : -1;
}

double trace_back(bool quick)
{
	return look(quick) ? longest_back : -1;
}

double trace_memory(bool quick)
{
	struct rusage usage;

	if (!look(quick) || getrusage(RUSAGE_SELF, &usage) < 0)
		return -1;
	return (double)usage.ru_maxrss / 1024;
}
