/*
 * test_fault.c - somebody dies, lies or is not there, and nobody else is harmed.
 *
 * Argument: the path of the emitter.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include <tracer/live.h>
#include <tracer/target.h>

#define PATIENCE_MS 30000

static char *emitter;
static char directory[] = "/tmp/coroscope-fault-XXXXXX";
static char file[128];

/* ---- Waiting ----------------------------------------------------------- */

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Waits until the condition holds; fails after a generous time. */
#define wait_until(condition)                                                                      \
	do {                                                                                           \
		int64_t end = now_ms() + PATIENCE_MS;                                                      \
		while (!(condition)) {                                                                     \
			assert_true(now_ms() < end);                                                           \
			poll(NULL, 0, 1);                                                                      \
		}                                                                                          \
	} while (0)

static bool is_gone(pid_t pid)
{
	char path[64], text[512] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return true;

	bool zombie = read(fd, text, sizeof(text) - 1) > 0 && strstr(text, ") Z ");

	close(fd);
	return zombie;
}

static pid_t parent_of(pid_t pid)
{
	char path[64], text[512] = "";
	int fd, parent = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && read(fd, text, sizeof(text) - 1) > 0)
		sscanf(strrchr(text, ')') + 4, "%d", &parent);
	if (fd >= 0)
		close(fd);
	return parent;
}

/* Whether the file has exactly the lines 0 .. count-1. */
static bool has_lines(long count)
{
	FILE *lines = fopen(file, "r");
	char line[64], wanted[64];
	bool good = lines != NULL;

	for (long i = 0; good && i < count; i++) {
		snprintf(wanted, sizeof(wanted), "line %ld\n", i);
		good = fgets(line, sizeof(line), lines) && !strcmp(line, wanted);
	}
	good = good && !fgets(line, sizeof(line), lines);
	if (lines)
		fclose(lines);
	return good;
}

/* ---- Launching --------------------------------------------------------- */

static void launch(char *const *argv, bool paused, struct target **ret, struct trace **ret_trace)
{
	struct target_options options = {.argv = argv, .paused = paused, .stdio = TARGET_PTY};
	char *why;
	int result = target_launch(&options, ret, ret_trace, &why);

	if (result < 0)
		fail_msg("%s", why);
	assert_true(target_has_probe(*ret));
}

static void run_to_end(struct target *target)
{
	assert_int_equal(target_settle(target, PATIENCE_MS), 0);
	assert_int_equal(target_state(target), TARGET_EXITED);
}

/* Every event of the one object is there, in order, and time does not run backwards. */
static void check_order(struct trace *trace, uint64_t serial)
{
	uint64_t count = trace_count(trace);
	uint32_t cseq = 0;
	int64_t t = 0;

	for (uint64_t n = 1; n <= count; n++) {
		struct trace_event event;

		assert_int_equal(trace_event(trace, n, &event), 0);
		if (event.co != serial)
			continue;
		assert_int_equal(event.cseq, ++cseq);
		assert_true(event.t >= t);
		t = event.t;
	}
}

/* And nothing else is, and nothing was lost. */
static void check_events(struct trace *trace, uint64_t count, uint64_t serial)
{
	assert_int_equal(trace_count(trace), count);
	assert_int_equal(trace_lost(trace), 0);
	check_order(trace, serial);
}

/* A debugger of its own: launches, does what `work` says, tells the program's pid, and
 * waits to be killed. */
static pid_t start_debugger(char *const *argv, bool paused, void (*work)(struct target *),
							pid_t *ret_program)
{
	int ready[2];
	pid_t debugger, program = 0;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	debugger = fork();
	assert_true(debugger >= 0);
	if (debugger == 0) {
		struct target_options options = {.argv = argv, .paused = paused, .stdio = TARGET_PTY};
		struct target *target;
		struct trace *trace;
		char *why;

		if (target_launch(&options, &target, &trace, &why) < 0)
			_exit(1);
		if (work)
			work(target);
		program = (pid_t)target_pid(target);
		if (write(ready[1], &program, sizeof(program)) != sizeof(program))
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &program, sizeof(program)), sizeof(program));
	close(ready[0]);
	*ret_program = program;
	return debugger;
}

static void kill_debugger(pid_t debugger)
{
	kill(debugger, SIGKILL);
	assert_int_equal(waitpid(debugger, NULL, 0), debugger);
}

static void step_a_little(struct target *target)
{
	for (int i = 0; i < 7; i++) {
		target_step(target, 1);
		target_settle(target, PATIENCE_MS);
	}
}

/* ---- The debugger dies ------------------------------------------------- */

static void killed_debugger_lets_the_paused_program_run_on(void **state)
{
	/* Far more output than a pty holds: somebody must read it. */
	char *argv[] = {emitter, "20000", file, NULL};
	pid_t program, keeper, debugger = start_debugger(argv, true, step_a_little, &program);

	keeper = parent_of(program);
	assert_true(keeper > 1 && keeper != debugger);
	assert_false(is_gone(program));
	kill_debugger(debugger);
	wait_until(is_gone(program));
	assert_true(has_lines(20000));
	wait_until(is_gone(keeper));
}

/* How many slots the program's ring holds that its reader has not let go of, of 64. */
static unsigned unread_slots(pid_t program)
{
	char path[PATH_MAX], link[PATH_MAX];
	struct coro_ring_header header;
	uint64_t tail = 0;
	unsigned unread = 0;
	DIR *descriptors;

	snprintf(path, sizeof(path), "/proc/%d/map_files", (int)program);
	descriptors = opendir(path);
	for (struct dirent *entry; descriptors && (entry = readdir(descriptors));) {
		ssize_t length = readlinkat(dirfd(descriptors), entry->d_name, link, sizeof(link) - 8);
		int ring, ctl;

		if (length < 7 || memcmp(link + length - 7, "/ring.0", 7))
			continue;
		link[length] = 0;
		ring = open(link, O_RDONLY);
		strcpy(link + length - 7, "/ctl");
		ctl = open(link, O_RDONLY);
		if (pread(ring, &header, sizeof(header), 0) == sizeof(header) &&
			pread(ctl, &tail, sizeof(tail), offsetof(struct coro_ctl, tail)) == sizeof(tail))
			unread = (unsigned)(header.head - tail);
		close(ring);
		close(ctl);
	}
	if (descriptors)
		closedir(descriptors);
	return unread;
}

static void full_ring_of_a_dead_reader_does_not_hold_the_program(void **state)
{
	char *argv[] = {emitter, "20000", file, NULL};
	pid_t program, debugger;
	struct rlimit unused;

	if (access("/proc/self/map_files", R_OK | X_OK) || getrlimit(RLIMIT_FSIZE, &unused))
		skip();
	setenv("COROSCOPE_RING_LOG2", "6", 1);
	debugger = start_debugger(argv, true, NULL, &program);
	unsetenv("COROSCOPE_RING_LOG2");

	/* A stopped reader may be waited for; so the gate is opened by another hand. */
	kill(debugger, SIGSTOP);

	char path[PATH_MAX], link[PATH_MAX];
	DIR *maps;
	struct coro_ctl *ctl = NULL;

	snprintf(path, sizeof(path), "/proc/%d/map_files", (int)program);
	maps = opendir(path);
	assert_non_null(maps);
	for (struct dirent *entry; !ctl && (entry = readdir(maps));) {
		ssize_t length = readlinkat(dirfd(maps), entry->d_name, link, sizeof(link) - 1);

		if (length < 4 || memcmp(link + length - 4, "/ctl", 4))
			continue;
		link[length] = 0;

		int fd = open(link, O_RDWR);

		ctl = mmap(NULL, sizeof(*ctl), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		close(fd);
	}
	closedir(maps);
	assert_non_null(ctl);
	assert_ptr_not_equal(ctl, MAP_FAILED);
	__atomic_store_n(&ctl->run_state, CORO_RUN, __ATOMIC_SEQ_CST);
	wait_until(unread_slots(program) >= 60);
	assert_false(is_gone(program));
	kill_debugger(debugger);
	munmap(ctl, sizeof(*ctl));
	wait_until(is_gone(program));
	assert_true(has_lines(20000));
}

static void released_program_runs_on_and_its_output_is_read(void **state)
{
	char *argv[] = {emitter, "20000", file, NULL};
	struct target *target;
	struct trace *trace;
	pid_t program;

	launch(argv, true, &target, &trace);
	step_a_little(target);
	program = (pid_t)target_pid(target);
	target_free(target);
	trace_free(trace);
	wait_until(is_gone(program));
	assert_true(has_lines(20000));
	while (waitpid(-1, NULL, 0) > 0)
		;
}

/* ---- The program dies -------------------------------------------------- */

static void killed_program_leaves_every_event(void **state)
{
	char *argv[] = {emitter, "1000", "-", "quiet", "kill", NULL};
	struct target *target;
	struct trace *trace;

	launch(argv, false, &target, &trace);
	run_to_end(target);
	assert_true(WIFSIGNALED(target_status(target)));
	assert_int_equal(WTERMSIG(target_status(target)), SIGKILL);
	check_events(trace, 2001, 1);
	target_free(target);
	assert_true(trace_ended(trace, NULL));
	trace_free(trace);
}

static void program_killed_at_any_moment_leaves_a_whole_prefix(void **state)
{
	char *argv[] = {emitter, "100000000", "-", "quiet", NULL};

	for (uint64_t least = 1; least < 300000; least = least * 3 + 1) {
		struct target *target;
		struct trace *trace;

		launch(argv, false, &target, &trace);
		wait_until(trace_count(trace) >= least);
		kill((pid_t)target_pid(target), SIGKILL);
		run_to_end(target);
		assert_true(trace_count(trace) >= least);
		check_events(trace, trace_count(trace), 1);
		target_free(target);
		trace_free(trace);
	}
}

static void program_killed_while_paused_is_noticed(void **state)
{
	char *argv[] = {emitter, "1000", "-", NULL};
	struct target *target;
	struct trace *trace;

	launch(argv, true, &target, &trace);
	step_a_little(target);
	assert_int_equal(target_state(target), TARGET_PAUSED);
	kill((pid_t)target_pid(target), SIGKILL);
	wait_until(target_state(target) == TARGET_EXITED);
	check_events(trace, 7, 1);
	target_free(target);
	trace_free(trace);
}

/* ---- The gate ---------------------------------------------------------- */

static void output_appears_only_after_its_event_was_allowed(void **state)
{
	char *argv[] = {emitter, "50", "-", NULL};
	struct target *target;
	struct trace *trace;

	launch(argv, true, &target, &trace);
	assert_int_equal(target_settle(target, PATIENCE_MS), 0);
	assert_int_equal(trace_count(trace), 0);
	assert_int_equal(trace_output_count(trace), 0);
	for (uint64_t n = 1; target_state(target) == TARGET_PAUSED; n++) {
		struct trace_output output;
		size_t lines = n < 3 ? 0 : n > 101 ? 50 : (n - 1) / 2;

		target_step(target, 1);
		assert_int_equal(target_settle(target, PATIENCE_MS), 0);
		assert_int_equal(trace_count(trace), n < 103 ? n : 103);
		assert_int_equal(trace_output_count(trace), lines);
		if (!lines)
			continue;
		assert_int_equal(trace_output(trace, lines - 1, &output), 0);
		assert_int_equal(output.after, 2 * lines + 1);
	}
	target_free(target);
	trace_free(trace);
}

static void continue_stops_after_the_kind_that_was_asked_for(void **state)
{
	char *argv[] = {emitter, "50", "-", "quiet", NULL};
	struct target *target;
	struct trace *trace;
	struct trace_event event;

	launch(argv, true, &target, &trace);
	assert_int_equal(target_settle(target, PATIENCE_MS), 0);
	for (int i = 1; i <= 50; i++) {
		target_continue(target, UINT64_C(1) << CORO_EVENT_YIELD);
		assert_int_equal(target_settle(target, PATIENCE_MS), 0);
		assert_int_equal(target_state(target), TARGET_PAUSED);
		assert_int_equal(trace_count(trace), 1 + 2 * i);
		assert_int_equal(trace_event(trace, trace_count(trace), &event), 0);
		assert_int_equal(event.kind, CORO_EVENT_YIELD);
	}
	target_continue(target, UINT64_C(1) << CORO_EVENT_YIELD);
	run_to_end(target);
	target_free(target);
	trace_free(trace);
}

static void running_program_can_be_paused(void **state)
{
	char *argv[] = {emitter, "100000000", "-", "quiet", NULL};
	struct target *target;
	struct trace *trace;
	uint64_t count;

	launch(argv, false, &target, &trace);
	wait_until(trace_count(trace) > 1000);
	target_pause(target);
	assert_int_equal(target_settle(target, PATIENCE_MS), 0);
	assert_int_equal(target_state(target), TARGET_PAUSED);
	count = trace_count(trace);
	target_step(target, 5);
	assert_int_equal(target_settle(target, PATIENCE_MS), 0);
	assert_int_equal(trace_count(trace), count + 5);
	target_kill(target);
	target_free(target);
	check_events(trace, trace_count(trace), 1);
	trace_free(trace);
}

/* ---- Programs of their own mind ---------------------------------------- */

static void expect_exit(char *const *argv, uint64_t events, uint64_t serial)
{
	struct target *target;
	struct trace *trace;

	launch(argv, false, &target, &trace);
	run_to_end(target);
	assert_true(WIFEXITED(target_status(target)));
	assert_int_equal(WEXITSTATUS(target_status(target)), 0);
	check_events(trace, events, serial);
	target_free(target);
	trace_free(trace);
}

static void foreign_emitter_is_traced(void **state)
{
	char *argv[] = {emitter, "1000", "-", "quiet", NULL};

	expect_exit(argv, 2003, 1);
}

static void objects_that_come_and_go_keep_their_serials(void **state)
{
	char *argv[] = {emitter, "5000", "-", "quiet", "churn", NULL};
	struct target *target;
	struct trace *trace;
	struct trace_event event;

	launch(argv, false, &target, &trace);
	run_to_end(target);
	check_events(trace, 20003, 1);
	for (uint64_t i = 0; i < 5000; i++) {
		assert_int_equal(trace_event(trace, 4 * i + 4, &event), 0);
		assert_int_equal(event.kind, CORO_EVENT_CREATE);
		assert_int_equal(event.co, i + 2);
		assert_int_equal(event.peer, 1);
		assert_int_equal(trace_event(trace, 4 * i + 5, &event), 0);
		assert_int_equal(event.kind, CORO_EVENT_DESTROY);
		assert_int_equal(event.co, i + 2);
	}
	target_free(target);
	trace_free(trace);
}

static void many_objects_and_names_at_once_are_all_told(void **state)
{
	char *argv[] = {emitter, "1", "-", "quiet", "many", NULL};
	struct target *target;
	struct trace *trace;
	struct trace_event event;
	char name[64];

	launch(argv, false, &target, &trace);
	run_to_end(target);
	check_events(trace, 10005, 1);
	for (uint64_t i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "number %d of those that are all there at the same time",
				 (int)i);
		assert_int_equal(trace_event(trace, 4 + i, &event), 0);
		assert_int_equal(event.kind, CORO_EVENT_CREATE);
		assert_int_equal(event.co, i + 2);
		assert_string_equal(trace_string(trace, event.name), name);
		assert_int_equal(trace_event(trace, 5004 + i, &event), 0);
		assert_int_equal(event.kind, CORO_EVENT_DESTROY);
		assert_int_equal(event.co, i + 2);
	}
	target_free(target);
	trace_free(trace);
}

static void forked_child_is_not_seen_and_not_harmed(void **state)
{
	char *argv[] = {emitter, "1000", "-", "quiet", "fork", NULL};

	expect_exit(argv, 2003, 1);
}

static void program_that_closes_strange_descriptors_is_traced(void **state)
{
	char *argv[] = {emitter, "20000", file, "quiet", "closes", "churn", NULL};

	expect_exit(argv, 80003, 1);
	assert_true(has_lines(20000));
}

static void events_of_signal_handlers_do_not_disturb(void **state)
{
	char *argv[] = {emitter, "300000", "-", "quiet", "signals", NULL};
	struct target *target;
	struct trace *trace;

	launch(argv, false, &target, &trace);
	run_to_end(target);
	assert_int_equal(target_status(target), 0);
	assert_true(trace_count(trace) >= 600004);
	/* What a handler emits inside an emit is dropped, and counted; it never happened to its object.
	 */
	check_order(trace, 1);
	check_order(trace, 2);
	target_free(target);
	trace_free(trace);
}

/* ---- The control page lies --------------------------------------------- */

/* Starts it with a pipe as stdin, whose other end is *ret_input, or without. */
static pid_t start_untraced(char *const *argv, const char *runtime, int *ret_input)
{
	int input[2];
	pid_t pid;

	assert_int_equal(pipe2(input, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(input[0], 0);
		if (runtime)
			setenv("XDG_RUNTIME_DIR", runtime, 1);
		execv(argv[0], argv);
		_exit(127);
	}
	close(input[0]);
	if (ret_input)
		*ret_input = input[1];
	else
		close(input[1]);
	return pid;
}

/* The ctl of the only segment below `runtime`; NULL: not there yet. */
static struct coro_ctl *find_ctl(const char *runtime)
{
	char path[PATH_MAX];
	struct coro_ctl *ctl = NULL;
	struct stat status;
	DIR *processes;
	int fd;

	snprintf(path, sizeof(path), "%s/coroscope", runtime);
	processes = opendir(path);
	for (struct dirent *entry; !ctl && processes && (entry = readdir(processes));) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/coroscope/%s/0/ctl", runtime, entry->d_name);
		fd = open(path, O_RDWR);
		if (fd < 0)
			continue;
		if (!fstat(fd, &status) && status.st_size == sizeof(*ctl))
			ctl = mmap(NULL, sizeof(*ctl), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		close(fd);
		if (ctl && ctl->size != sizeof(*ctl)) {
			munmap(ctl, sizeof(*ctl));
			ctl = NULL;
		}
	}
	if (processes)
		closedir(processes);
	return ctl;
}

/* A directory in memory for the segments of one test; "" where there is none. */
static char *private_runtime(void)
{
	static char runtime[64];

	strcpy(runtime, "/dev/shm/coroscope-fault-XXXXXX");
	if (!mkdtemp(runtime))
		runtime[0] = 0;
	return runtime;
}

static void remove_tree(const char *path)
{
	char command[PATH_MAX];

	snprintf(command, sizeof(command), "rm -rf '%s'", path);
	assert_int_equal(system(command), 0);
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8 ^ *seed << 9;
}

static void hostile_control_page_does_not_disturb_the_program(void **state)
{
	char *argv[] = {emitter, "60000", file, "quiet", "churn", "wait", NULL};
	char *runtime = private_runtime();
	uint32_t seed = 12345;
	int status = 0;

	if (!runtime[0])
		skip();
	for (int round = 0; round < 4; round++) {
		int input;
		pid_t pid = start_untraced(argv, runtime, &input);
		struct coro_ctl *ctl = NULL;
		uint32_t *words;

		wait_until((ctl = find_ctl(runtime)) != NULL || is_gone(pid));
		assert_non_null(ctl);
		words = (uint32_t *)ctl;
		ctl->kind_mask = ~UINT64_C(0);
		close(input);
		do {
			for (int i = 0; i < 64; i++) {
				uint32_t place = next_random(&seed) % (i % 2 ? 0x40 : sizeof(*ctl) / 4);
				uint32_t value = next_random(&seed);

				__atomic_store_n(&words[place], i % 3 ? value : value % 4, __ATOMIC_RELAXED);
			}
			__atomic_store_n(&ctl->kind_mask, ~UINT64_C(0), __ATOMIC_RELAXED);
			__atomic_store_n(&ctl->run_state, next_random(&seed) % 4, __ATOMIC_RELAXED);
		} while (!waitpid(pid, &status, WNOHANG));
		munmap(ctl, sizeof(*ctl));
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
		assert_true(has_lines(60000));
		remove_tree(runtime);
		assert_int_equal(mkdir(runtime, 0700), 0);
	}
	remove_tree(runtime);
}

/* ---- There is no room -------------------------------------------------- */

static void program_without_room_for_a_segment_runs_untraced(void **state)
{
	static const rlim_t limits[] = {0, 4096, 70000, 200000, 1000000, 100000000};
	char count[16] = "100";
	char *argv[] = {emitter, count, "-", "quiet", NULL};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		int status;
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0) {
			struct rlimit limit = {limits[i], limits[i]};

			/* Built to count what is run, it would write its counts at the end: nowhere. */
			setenv("GCOV_PREFIX", "/dev/null", 1);
			setrlimit(RLIMIT_FSIZE, &limit);
			execv(argv[0], argv);
			_exit(127);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
}

static void program_without_room_for_its_events_runs_untraced(void **state)
{
	struct rlimit before, limit;
	char *argv[] = {emitter, "1000", "-", "quiet", NULL};
	struct target_options options = {.argv = argv, .stdio = TARGET_PTY, .trace_path = "/dev/null"};
	struct target *target;
	struct trace *trace;
	char *why;
	pid_t pid;
	int status;

	options.trace_path = NULL;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = before;
	limit.rlim_cur = 1000000; /* enough for beacon and ctl, not for a table */
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		setrlimit(RLIMIT_FSIZE, &limit);
		if (target_launch(&options, &target, &trace, &why) < 0)
			_exit(1);
		if (target_settle(target, PATIENCE_MS) < 0 || target_state(target) != TARGET_EXITED)
			_exit(2);
		if (target_status(target) != 0 || trace_count(trace) != 0)
			_exit(3);
		target_free(target);
		trace_free(trace);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static unsigned count_entries(const char *path)
{
	DIR *entries = opendir(path);
	unsigned count = 0;

	for (struct dirent *entry; entries && (entry = readdir(entries));)
		count += entry->d_name[0] != '.';
	if (entries)
		closedir(entries);
	return count;
}

static void dead_segments_are_pruned_beyond_a_cap(void **state)
{
	char *killed[] = {emitter, "1", "-", "quiet", "kill", NULL};
	char *normal[] = {emitter, "1", "-", "quiet", NULL};
	char *runtime = private_runtime(), path[PATH_MAX];
	int status;

	if (!runtime[0])
		skip();
	snprintf(path, sizeof(path), "%s/coroscope", runtime);
	for (int i = 0; i < 20; i++) {
		assert_true(waitpid(start_untraced(killed, runtime, NULL), &status, 0) > 0);
		assert_true(WIFSIGNALED(status));
		assert_true(count_entries(path) <= 9);
	}
	assert_true(count_entries(path) >= 8);
	assert_true(waitpid(start_untraced(normal, runtime, NULL), &status, 0) > 0);
	assert_int_equal(status, 0);
	assert_int_equal(count_entries(path), 8);
	remove_tree(runtime);
}

static void nothing_is_left_behind(void **state)
{
	char *argv[] = {emitter, "10", "-", "quiet", NULL};
	char *killed[] = {emitter, "10", "-", "quiet", "kill", NULL};
	char *runtime = private_runtime(), path[PATH_MAX];

	if (!runtime[0])
		skip();
	snprintf(path, sizeof(path), "%s/coroscope", runtime);
	setenv("XDG_RUNTIME_DIR", runtime, 1);
	expect_exit(argv, 23, 1);
	assert_int_equal(count_entries(path), 0);

	struct target *target;
	struct trace *trace;

	launch(killed, false, &target, &trace);
	run_to_end(target);
	target_free(target);
	trace_free(trace);
	assert_int_equal(count_entries(path), 0);

	launch(argv, true, &target, &trace);
	step_a_little(target);
	target_kill(target);
	target_free(target);
	trace_free(trace);
	assert_int_equal(count_entries(path), 0);

	struct target_options bad = {.argv = argv, .paused = true, .trace_path = "/no/such/place"};
	char *why;

	assert_true(target_launch(&bad, &target, &trace, &why) < 0);
	assert_non_null(why);
	free(why);
	assert_int_equal(count_entries(path), 0);

	pid_t program;

	launch(argv, true, &target, &trace);
	step_a_little(target);
	program = (pid_t)target_pid(target);
	target_free(target);
	trace_free(trace);
	wait_until(is_gone(program));
	assert_int_equal(count_entries(path), 0);
	unsetenv("XDG_RUNTIME_DIR");
	remove_tree(runtime);
}

/* ---- Bad programs ------------------------------------------------------ */

static void expect_refusal(char *program, int error, const char *reason)
{
	char *argv[] = {program, NULL};
	struct target_options options = {.argv = argv, .paused = true};
	struct target *target;
	struct trace *trace;
	char *why;

	assert_int_equal(target_launch(&options, &target, &trace, &why), error);
	assert_non_null(why);
	assert_non_null(strstr(why, reason));
	assert_memory_equal(why, program, strlen(program));
	free(why);
}

static void bad_programs_are_refused_with_a_sentence(void **state)
{
	char plain[160];
	FILE *text;

	expect_refusal("/no/such/program", -ENOENT, "not found");
	expect_refusal("coroscope-no-such-program", -ENOENT, "not found");
	expect_refusal("/tmp", -EISDIR, "directory");
	expect_refusal("/bin/true", -ENOTSUP, "does not link");
	snprintf(plain, sizeof(plain), "%s/plain", directory);
	text = fopen(plain, "w");
	assert_non_null(text);
	fputs("no program\n", text);
	fclose(text);
	expect_refusal(plain, -EACCES, "not executable");
	chmod(plain, 0755);
	expect_refusal(plain, -ENOTSUP, "ELF");
}

static void program_without_the_probe_is_run_when_recorded(void **state)
{
	char *argv[] = {"echo", "hello", NULL};
	struct target_options options = {.argv = argv, .stdio = TARGET_PTY};
	struct target *target;
	struct trace *trace;
	struct trace_output output;
	char *why;

	assert_int_equal(target_launch(&options, &target, &trace, &why), 0);
	assert_false(target_has_probe(target));
	run_to_end(target);
	assert_int_equal(target_status(target), 0);
	assert_int_equal(trace_count(trace), 0);
	assert_int_equal(trace_output(trace, 0, &output), 0);
	assert_int_equal(output.length, 6);
	assert_memory_equal(output.data, "hello\n", 6);
	target_free(target);
	trace_free(trace);
}

static void what_is_typed_reaches_the_program(void **state)
{
	char *argv[] = {"cat", NULL};
	struct target_options options = {.argv = argv, .stdio = TARGET_PTY};
	struct target *target;
	struct trace *trace;
	char *why;

	assert_int_equal(target_launch(&options, &target, &trace, &why), 0);
	assert_int_equal(target_write(target, "word\n\4", 6), 6);
	run_to_end(target);
	assert_int_equal(target_status(target), 0);
	assert_true(trace_output_count(trace) >= 1);
	target_free(target);
	trace_free(trace);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(foreign_emitter_is_traced),
		cmocka_unit_test(objects_that_come_and_go_keep_their_serials),
		cmocka_unit_test(many_objects_and_names_at_once_are_all_told),
		cmocka_unit_test(output_appears_only_after_its_event_was_allowed),
		cmocka_unit_test(continue_stops_after_the_kind_that_was_asked_for),
		cmocka_unit_test(running_program_can_be_paused),
		cmocka_unit_test(killed_debugger_lets_the_paused_program_run_on),
		cmocka_unit_test(full_ring_of_a_dead_reader_does_not_hold_the_program),
		cmocka_unit_test(released_program_runs_on_and_its_output_is_read),
		cmocka_unit_test(killed_program_leaves_every_event),
		cmocka_unit_test(program_killed_at_any_moment_leaves_a_whole_prefix),
		cmocka_unit_test(program_killed_while_paused_is_noticed),
		cmocka_unit_test(forked_child_is_not_seen_and_not_harmed),
		cmocka_unit_test(program_that_closes_strange_descriptors_is_traced),
		cmocka_unit_test(events_of_signal_handlers_do_not_disturb),
		cmocka_unit_test(hostile_control_page_does_not_disturb_the_program),
		cmocka_unit_test(program_without_room_for_a_segment_runs_untraced),
		cmocka_unit_test(program_without_room_for_its_events_runs_untraced),
		cmocka_unit_test(dead_segments_are_pruned_beyond_a_cap),
		cmocka_unit_test(nothing_is_left_behind),
		cmocka_unit_test(bad_programs_are_refused_with_a_sentence),
		cmocka_unit_test(program_without_the_probe_is_run_when_recorded),
		cmocka_unit_test(what_is_typed_reaches_the_program),
	};
	int failed;

	if (argc < 2 || !mkdtemp(directory))
		return 2;
	if (argc > 2)
		cmocka_set_test_filter(argv[2]);
	emitter = argv[1];
	snprintf(file, sizeof(file), "%s/lines", directory);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	remove_tree(directory);
	return failed != 0;
}
