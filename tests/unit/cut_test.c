/*
 * cut_test.c - somebody cuts a file of a traced program's segment: the program goes on, untraced.
 *
 *     cut_test            the tests
 *     cut_test WAY FILE   a program of theirs: it is watched, by itself, FILE is cut, and it goes
 * on
 *
 * Tracing ends with the first cut, so each is in a program of its own.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <coroscope/probe.h>
#include <tracer/live.h>

#define THREADS 4

/* ---- The programs ------------------------------------------------------ */

static struct live *live;
static atomic_bool over;

static void require(bool holds, const char *what)
{
	if (holds)
		return;
	printf("this should hold: %s\n", what);
	exit(1);
}
#define REQUIRE(condition) require(condition, #condition)

/* An object is born and does something, which is told in a ring, a row and a string. */
static void emit(void)
{
	static atomic_uint count;
	struct coro_object object;
	char name[32];

	snprintf(name, sizeof(name), "object %u", count++);
	coro_probe_object_init(&object, CORO_OBJECT_GENERATOR, name, NULL);
	coro_probe_event(&object, CORO_EVENT_CREATE, CORO_STATE_CREATED, 0, 0, NULL);
	for (int i = 0; i < 3; i++)
		coro_probe_event(&object, CORO_EVENT_YIELD, CORO_STATE_SUSPENDED, 0, 0, NULL);
	coro_probe_event(&object, CORO_EVENT_DESTROY, CORO_STATE_NONE, 0, 0, NULL);
	coro_probe_object_done(&object);
}

static void *emit_until_over(void *unused)
{
	while (!over)
		emit();
	return NULL;
}

static void *emit_much(void *unused)
{
	for (int i = 0; i < 1000; i++)
		emit();
	return NULL;
}

static void cut_to(const char *name, size_t length)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", coro_probe_segment(), name);
	REQUIRE(truncate(path, (off_t)length) == 0);
}

static void cut(const char *name)
{
	cut_to(name, 0);
}

static void watch(uint32_t flags)
{
	char *why = NULL;

	REQUIRE(live_open(coro_probe_segment(), &live, &why) == 0);
	REQUIRE(live_take_lease(live, flags) == 0);
	REQUIRE(live_set_kinds(live, ~(uint64_t)1) == 0);
}

static void run_one_thread(const char *file)
{
	watch(0);
	emit();
	cut(file);
	while (coro_probe_mask())
		emit();
	emit();
}

static void *block_and_emit(void *unused)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	coro_probe_thread_begin(NULL);
	emit_until_over(NULL);
	coro_probe_thread_end();
	return NULL;
}

static void run_blocked(const char *file)
{
	pthread_t thread;

	watch(0);
	pthread_create(&thread, NULL, block_and_emit, NULL);
	while (live_rings(live) < 1)
		sched_yield();
	cut(file);
	while (coro_probe_mask())
		sched_yield();
	over = true;
	pthread_join(thread, NULL);
}

static void run_threads(const char *file)
{
	pthread_t threads[THREADS];

	watch(0);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, emit_until_over, NULL);
	while (live_rings(live) < THREADS)
		sched_yield();
	cut(file);
	while (coro_probe_mask())
		sched_yield();
	over = true;
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

/* A reader that lives says that nothing passes. */
static void run_gate(const char *file)
{
	struct coro_ring_header header = {0};
	pthread_t thread;

	watch(CORO_LEASE_CONTROLLER);
	REQUIRE(live_set_gate(live, CORO_PAUSE, 0) == 0);
	pthread_create(&thread, NULL, emit_much, NULL);
	while (header.at_gate != 1)
		if (!live_rings(live) || live_ring_header(live, 0, &header) < 0)
			sched_yield();
	cut(file);
	pthread_join(thread, NULL);
}

/* A thread whose ring is full, and whose reader lives. */
static pthread_t fill_ring(void)
{
	struct coro_ring_header header = {0};
	pthread_t thread;

	watch(CORO_LEASE_BLOCKING);
	pthread_create(&thread, NULL, emit_much, NULL);
	while (header.head < 50)
		if (!live_rings(live) || live_ring_header(live, 0, &header) < 0)
			sched_yield();
	return thread;
}

static void run_room(const char *file)
{
	pthread_t thread = fill_ring();

	cut(file);
	pthread_join(thread, NULL);
}

/* What the thread touches is there, but not what the reader is to read. */
static void run_half(const char *file)
{
	pthread_t thread = fill_ring();
	struct coro_trace_slot slots[64];
	uint64_t index, lost;

	cut_to(file, sizeof(struct coro_ring_header) + sizeof(slots[0]));
	while (pthread_tryjoin_np(thread, NULL)) {
		int count = live_read(live, 0, slots, 64, &index, &lost);

		live_take(live, 0, (unsigned)count);
		live_advance(live);
	}
	REQUIRE(live_damage(live) > 0);
}

/* Not a file of the segment: it has been there and is mapped, but holds nothing. */
static volatile char *map_nothing(void)
{
	int fd = memfd_create("nothing", MFD_CLOEXEC);
	void *memory = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

	REQUIRE(memory != MAP_FAILED);
	return memory;
}

static void run_own_file(const char *file)
{
	setrlimit(RLIMIT_CORE, &(struct rlimit){0});
	printf("%d\n", *map_nothing());
}

static sigjmp_buf out;

static void get_out(int number)
{
	siglongjmp(out, 1);
}

static void run_own_handler(const char *file)
{
	struct sigaction action = {.sa_handler = get_out}, before;

	sigaction(SIGBUS, &action, &before);
	if (!sigsetjmp(out, 1))
		printf("%d\n", *map_nothing());
	/* Whoever puts back what was there has a cut file cared for again. */
	sigaction(SIGBUS, &before, NULL);
	run_one_thread(file);
}

static void run_sent(const char *file)
{
	setrlimit(RLIMIT_CORE, &(struct rlimit){0});
	raise(SIGBUS);
}

static const struct {
	const char *name;
	void (*run)(const char *file);
} ways[] = {
	{"one thread", run_one_thread},
	{"threads", run_threads},
	{"blocked", run_blocked},
	{"gate", run_gate},
	{"room", run_room},
	{"half", run_half},
	{"own file", run_own_file},
	{"own handler", run_own_handler},
	{"sent", run_sent},
};

static int run_program(const char *way, const char *file)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (strcmp(ways[i].name, way))
			continue;
		ways[i].run(file);
		live_free(live);
		puts("alive");
		return 0;
	}
	return 2;
}

/* ---- The tests --------------------------------------------------------- */

/* The wait status. */
static int run(const char *way, const char *file, void (*sigbus)(int))
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (!child) {
		signal(SIGBUS, sigbus);
		execl("/proc/self/exe", "cut_test", way, file, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static const char *const files[] = {"ctl", "tab", "str", "ring.0"};
#define FILES (sizeof(files) / sizeof(files[0]))

static void assert_each_is_survived(const char *way)
{
	for (size_t i = 0; i < FILES; i++)
		assert_int_equal(run(way, files[i], SIG_DFL), 0);
}

static void a_program_goes_on_untraced_whatever_file_is_cut(void **state)
{
	assert_each_is_survived("one thread");
}

static void so_do_threads_that_fault_at_once(void **state)
{
	assert_each_is_survived("threads");
}

static void so_does_a_thread_that_had_blocked_all_signals(void **state)
{
	assert_each_is_survived("blocked");
}

static void who_waits_at_the_gate_passes_when_a_file_is_cut_that_he_touches(void **state)
{
	assert_int_equal(run("gate", "ctl", SIG_DFL), 0);
	assert_int_equal(run("gate", "ring.0", SIG_DFL), 0);
}

static void who_waits_for_room_goes_on_when_a_file_is_cut_that_he_touches(void **state)
{
	assert_int_equal(run("room", "ctl", SIG_DFL), 0);
	assert_int_equal(run("room", "ring.0", SIG_DFL), 0);
}

static void nobody_waits_for_who_cannot_read_any_more(void **state)
{
	assert_int_equal(run("half", "ring.0", SIG_DFL), 0);
}

static void a_fault_of_another_file_is_what_it_was(void **state)
{
	int status = run("own file", "", SIG_DFL);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGBUS);
	/* A fault cannot be ignored. */
	status = run("own file", "", SIG_IGN);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGBUS);
}

static void a_signal_that_is_sent_is_what_it_was(void **state)
{
	int status = run("sent", "", SIG_DFL);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGBUS);
	assert_int_equal(run("sent", "", SIG_IGN), 0);
}

static void the_handler_of_a_program_has_the_signal_as_long_as_it_wants(void **state)
{
	assert_each_is_survived("own handler");
}

/* A sanitizer would have it before the probe, and report it. */
static void leave_signal_alone(void)
{
	const char *options = getenv("ASAN_OPTIONS");
	char more[1024];

	snprintf(more, sizeof(more), "%s:handle_sigbus=0", options ? options : "");
	setenv("ASAN_OPTIONS", more, 1);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_program_goes_on_untraced_whatever_file_is_cut),
		cmocka_unit_test(so_do_threads_that_fault_at_once),
		cmocka_unit_test(so_does_a_thread_that_had_blocked_all_signals),
		cmocka_unit_test(who_waits_at_the_gate_passes_when_a_file_is_cut_that_he_touches),
		cmocka_unit_test(who_waits_for_room_goes_on_when_a_file_is_cut_that_he_touches),
		cmocka_unit_test(nobody_waits_for_who_cannot_read_any_more),
		cmocka_unit_test(a_fault_of_another_file_is_what_it_was),
		cmocka_unit_test(a_signal_that_is_sent_is_what_it_was),
		cmocka_unit_test(the_handler_of_a_program_has_the_signal_as_long_as_it_wants),
	};

	if (argc == 3)
		return run_program(argv[1], argv[2]);
	setenv("COROSCOPE_RING_LOG2", "6", 1);
	unsetenv("COROSCOPE");
	leave_signal_alone();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
