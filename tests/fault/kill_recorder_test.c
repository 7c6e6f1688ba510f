/*
 * kill_recorder_test.c - recorders are killed, and programs, and both: each event that was emitted
 * is in the trace once, or is counted as lost, when `recover` has done its work.
 *
 *     test ──► kill_recorder record ──► keeper ──► kill_subject
 *
 * kill_recorder dies at a certain write, or is killed at a random moment, as is its program. The
 * program says in a shared page what it emitted; the whole story is known from one that lived.
 *
 *     kill_recorder_test RECORDER SUBJECT                  at each write
 *     kill_recorder_test RECORDER SUBJECT COUNT [SEED]     at random moments, so often
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include <tracer/live.h>
#include <tracer/recover.h>
#include <tracer/trace.h>
#include "kill_run.h"

#define FEW  "100"
#define SOME "1000" /* so that most kills hit a program that emits */
#define MANY "6000" /* enough for checkpoints */

static char *recorder, *subject;
static unsigned long random_count, random_seed = 1;
static struct kill_share *share;
static struct kill_events whole[KILL_RINGS], found[KILL_RINGS];

/* ---- Processes --------------------------------------------------------- */

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static pid_t start(const char *rounds, const char *moment)
{
	pid_t pid;

	share = kill_share();
	unlink(kill_path("left.coro"));
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		for (int fd = 0; fd < 3; fd++)
			dup2(null, fd);
		if (moment)
			setenv("KILL_RECORDER", moment, 1);
		execl(recorder, recorder, "record", "-o", kill_path("left.coro"), "--", subject, rounds,
			  (char *)NULL);
		_exit(127);
	}
	return pid;
}

/* The recorder is no more; its keeper and its program, which are ours now, go on to their end. */
static void wait_for_program(void)
{
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
	assert_int_equal(errno, ECHILD);
}

/* ---- What must be there ------------------------------------------------ */

static char left[PATH_MAX]; /* a segment that is there; "": none */

static void note_left(const char *path, uint32_t pid, void *context)
{
	if (pid == share->pid)
		snprintf(left, sizeof(left), "%s", path);
}

static bool is_whole(const char *segment)
{
	char path[PATH_MAX + 16];

	snprintf(path, sizeof(path), "%s/beacon", segment);
	return segment[0] && access(path, F_OK) == 0;
}

/* Makes the trace whole, whatever there is of it. Returns false when nothing was recorded at all.
 */
static bool make_whole(struct recovered *ret)
{
	const char *path = kill_path("left.coro");
	struct trace *trace;
	char *why = NULL;
	bool opens = trace_open(path, &trace, &why) >= 0, has_emitter;

	*ret = (struct recovered){0};
	if (opens) {
		has_emitter = trace_meta(trace)->pid != 0;
		trace_free(trace);
	}
	free(why);
	left[0] = 0;
	live_each(note_left, NULL);
	if (opens && has_emitter) {
		if (recover_trace(path, NULL, ret, &why) < 0) {
			/* All of it was read, and in the file, before the segment went. */
			if (is_whole(left))
				fail_msg("%s", why);
			free(why);
		}
		return true;
	}
	if (!left[0])
		return false;
	if (recover_segment(left, path, ret, &why) < 0)
		fail_msg("%s", why);
	return true;
}

static void check(void)
{
	const char *path = kill_path("left.coro");
	struct recovered recovered;
	uint64_t missing = 0, lost;
	unsigned under_way = 0;
	struct trace *trace;
	char *why;

	if (!make_whole(&recovered)) {
		/* It died before it had a file, and its program was traced by nobody. */
		for (unsigned ring = 0; ring < KILL_RINGS; ring++)
			assert_int_equal(share->begun[ring], 0);
		return;
	}
	kill_read(path, found);
	for (unsigned ring = 0; ring < KILL_RINGS; ring++) {
		uint64_t begun = share->begun[ring];
		size_t at = 0;

		assert_true(begun <= whole[ring].count && begun - share->done[ring] <= 1);
		for (uint64_t i = 0; i < begun; i++) {
			if (at < found[ring].count &&
				kill_event_equal(&found[ring].event[at], &whole[ring].event[i]))
				at++;
			else if (i == begun - 1 && begun != share->done[ring])
				under_way++;
			else
				missing += whole[ring].event[i].slots;
		}
		if (at != found[ring].count)
			fail_msg("ring %u: its %zu. event of %zu is not one of the program's", ring, at + 1,
					 found[ring].count);
	}
	assert_true(under_way <= 1 && recovered.under_way <= 1);
	assert_int_equal(trace_open(path, &trace, &why), 0);
	lost = trace_lost(trace);
	trace_free(trace);
	assert_int_equal(lost, missing);
	left[0] = 0;
	live_each(note_left, NULL);
	if (recovered.segment)
		assert_int_equal(left[0], 0);
	recovered_done(&recovered);
}

static int know_all(const char *rounds)
{
	int status;
	pid_t pid = start(rounds, NULL);

	if (waitpid(pid, &status, 0) != pid || status)
		return -1;
	kill_read(kill_path("left.coro"), whole);
	for (unsigned ring = 0; ring < KILL_RINGS; ring++)
		if (whole[ring].count != share->begun[ring])
			return -1;
	return whole[1].count > 100 ? 0 : -1;
}

/* ---- At each write ----------------------------------------------------- */

/* Kills it at `what`, for the first time, the second ..., until there is no such time. */
static void kill_at_each(const char *rounds, const char *what, unsigned first, unsigned step)
{
	for (unsigned n = first;; n += step) {
		char moment[32];
		int status;
		pid_t pid;

		snprintf(moment, sizeof(moment), "%s:%u", what, n);
		pid = start(rounds, moment);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		wait_for_program();
		print_message("%s\n", moment);
		check();
		if (WIFEXITED(status)) {
			assert_int_equal(WEXITSTATUS(status), 0);
			assert_true(n > first);
			return;
		}
		assert_int_equal(WTERMSIG(status), SIGKILL);
		if (n > 100)
			return;
	}
}

static void killed_before_a_write_its_file_is_completed(void **state)
{
	assert_int_equal(know_all(FEW), 0);
	kill_at_each(FEW, "before", 1, 1);
}

static void killed_in_the_middle_of_a_write_its_file_is_completed(void **state)
{
	assert_int_equal(know_all(FEW), 0);
	kill_at_each(FEW, "part", 1, 1);
}

static void killed_before_its_tails_move_its_file_has_nothing_twice(void **state)
{
	assert_int_equal(know_all(FEW), 0);
	kill_at_each(FEW, "after", 1, 1);
	kill_at_each(FEW, "syscall", 1, 7);
}

static void killed_while_it_removes_the_segment_its_file_has_all(void **state)
{
	assert_int_equal(know_all(FEW), 0);
	kill_at_each(FEW, "unlink", 1, 1);
}

static void
killed_with_a_small_ring_its_program_goes_on_and_what_it_dropped_is_counted(void **state)
{
	setenv("COROSCOPE_RING_LOG2", "9", 1);
	assert_int_equal(know_all(FEW), 0);
	kill_at_each(FEW, "before", 3, 3);
	kill_at_each(FEW, "part", 2, 3);
	kill_at_each(FEW, "after", 1, 3);
	unsetenv("COROSCOPE_RING_LOG2");
}

static void killed_between_checkpoints_and_the_end_its_file_has_all(void **state)
{
	assert_int_equal(know_all(MANY), 0);
	kill_at_each(MANY, "part", 2, 3);
}

/* ---- At random --------------------------------------------------------- */

static uint64_t next_random(uint64_t bound)
{
	random_seed = random_seed * 6364136223846793005u + 1442695040888963407u;
	return (random_seed >> 33) % bound;
}

static void sleep_ns(int64_t ns)
{
	nanosleep(&(struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000}, NULL);
}

/* At any moment at which there is a program, and a little after. */
static void kill_somebody(int64_t duration)
{
	static const char *const whom[] = {"program", "recorder", "both"};
	unsigned victim = (unsigned)next_random(3);
	int64_t delay = (int64_t)next_random((uint64_t)duration);
	pid_t pid = start(SOME, NULL);
	int status;

	sleep_ns(delay);
	if (victim != 1 && share->pid)
		kill((pid_t)share->pid, SIGKILL);
	if (victim != 0)
		kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	wait_for_program();
	print_message("%s after %ld us: %lu events\n", whom[victim], (long)(delay / 1000),
				  (unsigned long)(share->begun[1] + share->begun[2]));
	check();
}

static void killed_at_any_moment_nothing_is_twice_and_nothing_missing(void **state)
{
	int64_t since = now_ns();

	print_message("seed %lu\n", random_seed);
	assert_int_equal(know_all(SOME), 0);
	since = now_ns() - since;
	for (unsigned long i = 0; i < random_count; i++) {
		if (i % 2)
			setenv("COROSCOPE_RING_LOG2", "9", 1);
		else
			unsetenv("COROSCOPE_RING_LOG2");
		kill_somebody(since);
	}
	unsetenv("COROSCOPE_RING_LOG2");
}

/* ------------------------------------------------------------------------ */

static int forget_all(void **state)
{
	kill_events_done(whole);
	kill_events_done(found);
	kill_clean();
	return 0;
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest at_writes[] = {
		cmocka_unit_test(killed_before_a_write_its_file_is_completed),
		cmocka_unit_test(killed_in_the_middle_of_a_write_its_file_is_completed),
		cmocka_unit_test(killed_before_its_tails_move_its_file_has_nothing_twice),
		cmocka_unit_test(killed_while_it_removes_the_segment_its_file_has_all),
		cmocka_unit_test(
			killed_with_a_small_ring_its_program_goes_on_and_what_it_dropped_is_counted),
		cmocka_unit_test(killed_between_checkpoints_and_the_end_its_file_has_all),
	};
	static const struct CMUnitTest at_random[] = {
		cmocka_unit_test(killed_at_any_moment_nothing_is_twice_and_nothing_missing),
	};

	if (argc < 3)
		return 2;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	recorder = argv[1];
	subject = argv[2];
	if (argc == 3)
		return cmocka_run_group_tests(at_writes, NULL, forget_all);
	random_count = strtoul(argv[3], NULL, 10);
	random_seed = argc > 4 ? strtoul(argv[4], NULL, 10) : (unsigned long)now_ns();
	return cmocka_run_group_tests(at_random, NULL, forget_all);
}
