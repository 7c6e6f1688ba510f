/*
 * live_stacks_test.c - stacks of a program that runs at full speed, and of one that does not tell
 * all.
 *
 * Arguments: the paths of stacks_subject and of coroscope.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <tracer/live.h>
#include <tracer/stacks.h>

enum { WORDS = 32, TRIES = 20000 };
static const uint64_t mark = UINT64_C(0x7061747465726e21);
static const uint64_t all_kinds = ((uint64_t)1 << CORO_EVENT_LIMIT) - 2;
static char *subject, *coroscope;

/* ---- At full speed ----------------------------------------------------- */

struct hot {
	pid_t pid;
	int input; /* its stdin: it ends when that is closed */
	struct live *live;
	uint32_t row[64]; /* of its bodies */
	uint64_t serial[64];
	unsigned rows;
};

static void start(struct hot *hot)
{
	int input[2], output[2];
	char line[5];

	assert_int_equal(pipe(input), 0);
	assert_int_equal(pipe(output), 0);
	hot->pid = fork();
	if (hot->pid == 0) {
		dup2(input[0], 0);
		dup2(output[1], 1);
		close(input[1]);
		execl(subject, subject, "hot", NULL);
		_exit(127);
	}
	close(input[0]);
	close(output[1]);
	hot->input = input[1];
	assert_int_equal(read(output[0], line, sizeof(line)), sizeof(line));
	close(output[0]);
}

static void wait_for_answers(struct live *live)
{
	unsigned silent = 1;

	while (live_threads(live, NULL, 0, &silent) == 0 || silent)
		live_sleep(live, live_mark(live, true), 10);
}

static void hold(struct hot *hot, enum coro_stacks stacks)
{
	struct live_table table;
	char *path, *why;

	assert_int_equal(live_find((uint32_t)hot->pid, &path), 0);
	assert_int_equal(live_open(path, &hot->live, &why), 0);
	free(path);
	assert_int_equal(live_take_lease(hot->live, CORO_LEASE_OBSERVER), 0);
	assert_int_equal(live_set_stacks(hot->live, stacks, 0, 0), 0);
	assert_int_equal(live_ask(hot->live, all_kinds), 0);
	wait_for_answers(hot->live);
	/* It may be at its very beginning. */
	for (hot->rows = 0; hot->rows < 4; live_table_done(&table)) {
		hot->rows = 0;
		assert_int_equal(live_table(hot->live, &table), 0);
		for (uint32_t i = 1; i < table.count && hot->rows < 64; i++) {
			if (!live_table_has(&table, i) || !trace_object_is_body(table.rows[i].kind))
				continue;
			hot->row[hot->rows] = i;
			hot->serial[hot->rows++] = table.rows[i].serial;
		}
	}
}

static void stop(struct hot *hot)
{
	live_free(hot->live);
	close(hot->input);
	assert_int_equal(waitpid(hot->pid, NULL, 0), hot->pid);
}

/* The words behind the mark are all the same. -1: there is no mark. */
static int is_whole(const uint8_t *bytes, size_t length)
{
	uint64_t word[2 + WORDS];

	for (size_t at = 0; at + sizeof(word) <= length; at += 8) {
		memcpy(word, bytes + at, sizeof(word));
		if (word[0] != mark || word[1] != ~mark)
			continue;
		for (int i = 1; i < WORDS; i++)
			if (word[2 + i] != word[2])
				return 0;
		return 1;
	}
	return -1;
}

static void no_stack_of_a_program_at_full_speed_is_torn(void **state)
{
	static uint8_t bytes[1 << 16];
	size_t whole = 0, moved = 0, unmarked = 0, ran = 0;
	struct hot hot = {0};
	uint64_t object;

	start(&hot);
	hold(&hot, CORO_STACKS_REST);
	for (int i = 0; i < TRIES; i++) {
		unsigned at = (unsigned)i % hot.rows;
		struct live_stack stack;
		int result =
			live_stack(hot.live, hot.row[at], hot.serial[at], bytes, sizeof(bytes), &stack);

		if (result == -EAGAIN || result == -ENOENT) {
			ran++;
			continue;
		}
		assert_int_equal(result, 0);
		assert_int_equal(live_object(hot.live, hot.row[at], &object), 0);
		assert_true(stack.object == object && stack.serial == hot.serial[at]);
		switch (is_whole(bytes, stack.length)) {
		case 0:
			moved++;
			break;
		case 1:
			whole++;
			break;
		default:
			unmarked++;
		}
	}
	printf("%zu whole, %zu torn, %zu without a mark, %zu ran\n", whole, moved, unmarked, ran);
	assert_int_equal(moved, 0);
	assert_int_equal(unmarked, 0);
	assert_true(whole > TRIES / 4);
	stop(&hot);
}

static void what_has_gone_or_never_was_has_no_stack(void **state)
{
	static uint8_t bytes[1 << 16];
	struct hot hot = {0};
	struct live_stack stack;
	uint64_t sp;

	start(&hot);
	hold(&hot, CORO_STACKS_REST);
	assert_int_equal(live_stack(hot.live, 0, 0, bytes, sizeof(bytes), &stack), -ENOENT);
	assert_int_equal(live_stack(hot.live, 900, 0, bytes, sizeof(bytes), &stack), -ENOENT);
	assert_int_equal(live_stack(hot.live, 1u << 31, 0, bytes, sizeof(bytes), &stack), -ENOENT);
	assert_int_equal(live_gate_frame(hot.live, 0, &sp), -ENOENT);
	assert_int_not_equal(
		live_stack(hot.live, hot.row[0], hot.serial[0] + 1000, bytes, sizeof(bytes), &stack), 0);
	stop(&hot);
}

/* ---- What is not recorded ---------------------------------------------- */

struct tally {
	size_t here, why[8];
	uint64_t events;
};

static struct tally record(char *const *argv, uint64_t bytes_a_second, enum coro_policy policy)
{
	struct target_options options = {.argv = argv,
									 .stdio = TARGET_PTY,
									 .stacks = CORO_STACKS_RECORD,
									 .stack_bytes = bytes_a_second,
									 .policy = policy};
	struct tally tally = {0};
	struct target *target;
	struct trace *trace;
	char *why;

	assert_int_equal(target_launch(&options, &target, &trace, &why), 0);
	while (target_state(target) != TARGET_EXITED) {
		struct pollfd news = {.fd = target_fd(target), .events = POLLIN};

		target_attend(target);
		poll(&news, 1, 100);
	}
	target_free(target);
	tally.events = trace_count(trace);
	for (uint64_t n = 1; n <= tally.events; n++) {
		struct trace_stack stack;
		struct trace_event event;

		assert_int_equal(trace_event(trace, n, &event), 0);
		if (event.kind != CORO_EVENT_YIELD)
			continue;
		if (trace_find_stack_from(trace, event.co, n, n, &stack) < 0) {
			tally.why[TRACE_STACK_LOST]++;
			continue;
		}
		assert_int_equal(stack.after, n);
		if (stack.cseq != event.cseq) { /* of an event that was dropped behind this one */
			assert_true(policy == CORO_POLICY_DROP);
			stack.why = TRACE_STACK_LOST;
		}
		tally.why[stack.why]++;
		if (stack.why == TRACE_STACK_HERE)
			assert_int_equal(is_whole(stack.bytes, stack.length), 1);
		else if (stack.why != TRACE_STACK_LOST)
			assert_null(stack.bytes);
		trace_stack_done(&stack);
	}
	trace_free(trace);
	return tally;
}

static void each_stack_is_there_without_a_budget(void **state)
{
	char *argv[] = {subject, "many", "30000", NULL};
	struct tally tally = record(argv, 0, CORO_POLICY_BLOCK);

	assert_int_equal(tally.why[TRACE_STACK_HERE], 30000);
}

static void what_is_over_the_budget_is_marked(void **state)
{
	char *argv[] = {subject, "many", "30000", NULL};
	struct tally tally = record(argv, 100000, CORO_POLICY_BLOCK);

	assert_int_equal(tally.why[TRACE_STACK_HERE] + tally.why[TRACE_STACK_BUDGET], 30000);
	assert_true(tally.why[TRACE_STACK_HERE] > 0);
	assert_true(tally.why[TRACE_STACK_BUDGET] > tally.why[TRACE_STACK_HERE]);
}

static void one_that_is_too_large_is_marked(void **state)
{
	char *argv[] = {subject, "large", NULL};
	struct tally tally = record(argv, 0, CORO_POLICY_BLOCK);

	assert_int_equal(tally.why[TRACE_STACK_LARGE], 1);
}

static void what_is_dropped_with_its_events_is_not_there(void **state)
{
	char *argv[] = {subject, "many", "300000", NULL};
	struct tally tally = record(argv, 0, CORO_POLICY_DROP);

	assert_int_equal(tally.why[TRACE_STACK_BUDGET] + tally.why[TRACE_STACK_LARGE], 0);
	assert_true(tally.why[TRACE_STACK_HERE] > 0);
}

/* ---- Modules ----------------------------------------------------------- */

static bool has_module(const char *path, const char *name)
{
	struct trace_module module;
	struct trace *trace;
	bool found = false;
	char *why;

	if (trace_open(path, &trace, &why) < 0) {
		free(why);
		return false;
	}
	for (size_t i = 0; !found && trace_module(trace, i, &module) == 0; i++)
		found = strstr(module.path, name) && module.build_id_length;
	trace_free(trace);
	return found;
}

static void a_module_that_is_loaded_later_is_in_the_trace(void **state)
{
	char path[] = "/tmp/stacks_late_XXXXXX";
	int file = mkstemp(path), input[2];
	pid_t pid;

	assert_true(file >= 0);
	assert_int_equal(pipe(input), 0);
	pid = fork();
	if (pid == 0) {
		dup2(input[0], 0);
		close(input[1]);
		execl(coroscope, coroscope, "record", "-o", path, "--", subject, "late", "libresolv.so.2",
			  NULL);
		_exit(127);
	}
	close(input[0]);
	for (int i = 0; i < 1000 && !has_module(path, "libresolv"); i++)
		poll(NULL, 0, 10);
	assert_true(has_module(path, "libresolv"));
	close(input[1]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(file);
	unlink(path);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_stack_of_a_program_at_full_speed_is_torn),
		cmocka_unit_test(what_has_gone_or_never_was_has_no_stack),
		cmocka_unit_test(each_stack_is_there_without_a_budget),
		cmocka_unit_test(what_is_over_the_budget_is_marked),
		cmocka_unit_test(one_that_is_too_large_is_marked),
		cmocka_unit_test(what_is_dropped_with_its_events_is_not_there),
		cmocka_unit_test(a_module_that_is_loaded_later_is_in_the_trace),
	};

	if (argc < 3)
		return 2;
	subject = argv[1];
	coroscope = argv[2];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
