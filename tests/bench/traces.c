/*
 * traces.c - see traces.h. The debugger's own session is used as its screen uses it.
 */
#include "traces.h"
#include "screens.h"

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

#define MOVES   50
#define WORKERS 17 /* tasks of the workload that do not sleep */

/* A recording, and what `record` said of it; and what it was like to look at. */
struct recording {
	const char *items[2], *sleepers[2]; /* of the workload; of a quick one */
	char path[64];                      /* "": there is none yet */
	uint64_t events, lost, bytes;
	double seconds;
	bool looked, well;
	double opened_in, longest_seek, longest_back, memory;
};

static struct recording usual = {.items = {"3100000", "800"}, .sleepers = {"10000", "10"}};
/* A hundred million events as well; in its middle all of them live. In a quick one there are as
 * many as make the screen's list of them grow beside its loop. */
static struct recording crowd = {.items = {"2500000", "40000"}, .sleepers = {"1000000", "21000"}};

static double now_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static void remove_recordings(void)
{
	if (usual.path[0])
		unlink(usual.path);
	if (crowd.path[0])
		unlink(crowd.path);
}

/* Records on any core; the summary line, without what stands before it. */
static bool record(const struct recording *recording, bool quick, char *summary, size_t room)
{
	char *const arguments[] = {BENCH_COROSCOPE,
							   "record",
							   "--stacks",
							   "none",
							   "-o",
							   (char *)recording->path,
							   "--",
							   BENCH_WORKLOAD,
							   (char *)recording->items[quick],
							   (char *)recording->sleepers[quick],
							   NULL};
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

static bool have(struct recording *recording, bool quick)
{
	char summary[512];

	if (recording->path[0])
		return recording->events > 0;
	strcpy(recording->path, "/tmp/coroscope-bench-XXXXXX");
	close(mkstemp(recording->path));
	atexit(remove_recordings);
	if (!record(recording, quick, summary, sizeof summary))
		return false;
	return sscanf(
			   summary, "coroscope: %" SCNu64 " events, %" SCNu64 " lost, %" SCNu64 " bytes, %lf s",
			   &recording->events, &recording->lost, &recording->bytes, &recording->seconds) == 4;
}

double record_sustained(bool quick)
{
	if (!have(&usual, quick) || usual.lost || usual.seconds <= 0)
		return -1;
	return (double)usual.events / usual.seconds / 1e6;
}

double record_bytes_per_event(bool quick)
{
	return have(&usual, quick) ? (double)usual.bytes / (double)usual.events : -1;
}

/* ---- Looking ----------------------------------------------------------- */

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

/* Once for all of its figures. Of a crowd the seeks are to where all of it lives, and the first
 * one, which takes the World out of the file, is one of them. */
static bool look(struct recording *recording, bool quick)
{
	struct session *session;
	struct trace *trace;
	struct rusage usage;
	uint64_t seed = 1, first = 2, span;
	double start;
	char *why;

	if (recording->looked || !have(recording, quick))
		return recording->looked && recording->well;
	recording->looked = true;
	if (recording == &crowd)
		first = recording->events / 2;
	span = recording->events - first - recording->events / 5;
	start = now_ms();
	if (trace_open(recording->path, &trace, &why) < 0) {
		free(why);
		return false;
	}
	if (session_replay(trace, NULL, &session) < 0)
		return false;
	recording->well = session_goto(session, 1) >= 0;
	recording->opened_in = now_ms() - start;
	for (int i = 0; recording->well && i < MOVES; i++) {
		double seek = timed_goto(session, first + next_random(&seed) % span);
		double back = timed_back(session);

		recording->well = seek >= 0 && back >= 0;
		recording->longest_seek = seek > recording->longest_seek ? seek : recording->longest_seek;
		recording->longest_back = back > recording->longest_back ? back : recording->longest_back;
	}
	session_free(session, false);
	recording->well &= getrusage(RUSAGE_SELF, &usage) == 0;
	recording->memory = (double)usage.ru_maxrss / 1024;
	return recording->well;
}

double trace_open_100m(bool quick)
{
	return look(&usual, quick) ? usual.opened_in : -1;
}

double trace_seek(bool quick)
{
	return look(&usual, quick) ? usual.longest_seek : -1;
}

double trace_back(bool quick)
{
	return look(&usual, quick) ? usual.longest_back : -1;
}

double trace_memory(bool quick)
{
	return look(&usual, quick) ? usual.memory : -1;
}

/* ---- A million --------------------------------------------------------- */

double trace_seek_1m(bool quick)
{
	return look(&crowd, quick) ? crowd.longest_seek : -1;
}

double trace_back_1m(bool quick)
{
	return look(&crowd, quick) ? crowd.longest_back : -1;
}

double trace_memory_1m(bool quick)
{
	return look(&crowd, quick) ? crowd.memory : -1;
}

double screen_frame_1m(bool quick)
{
	struct screen_figures figures;

	if (!have(&crowd, quick) ||
		!screen_measure(crowd.path, crowd.events / 2,
						strtoull(crowd.sleepers[quick], NULL, 10) + WORKERS, &figures))
		return -1;
	return figures.key;
}
