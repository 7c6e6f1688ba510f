/*
 * kill_test.c - a program is killed behind each of its stores that others may see, and leaves
 * exactly what is promised (docs/transport.md, "When something dies").
 *
 *     test ──fork, exec──► kill_subject: emits, and is killed at a test point
 *       │  reads along, into a trace, as a recorder does; then it stops as if it were killed, too
 *       └─ recovers: the file as it was then, and the segment
 *
 * The program says in a shared page which events it had begun, and the same program that is not
 * killed says which these are. So it is known what must be there: of each ring all events up
 * to the one that was under way, and that one named by its row as soon as this had been touched.
 *
 * Argument: the path of kill_subject.
 */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <tracer/live.h>
#include <tracer/recover.h>
#include <tracer/trace.h>
#include "kill_run.h"

#define ROUNDS "150"
#define BATCH  256u
#define PASSES 6 /* of each point at which it is killed */

/* What is known of the event that is emitted there. */
enum moment {
	BEFORE, /* nobody can know of it yet */
	BOUND,  /* its row is locked already if it says who that is or what it is linked to */
	UNDER,  /* its row says that it comes */
	DONE,   /* it is there, or counted */
	EITHER, /* it is a record's place as well as an event's */
};
static const struct {
	const char *name;
	enum moment moment;
} points[] = {
	{"ring file", BEFORE},
	{"ring header", BEFORE},
	{"ring count", BEFORE},
	{"string record", BEFORE},
	{"string bytes", BEFORE},
	{"string count", BEFORE},
	{"string blocks", BEFORE},
	{"table blocks", BEFORE},
	{"table ready", BEFORE},
	{"bind lock", UNDER},
	{"bind kind", UNDER},
	{"bind gen", UNDER},
	{"bind serial", UNDER},
	{"bind parent", UNDER},
	{"bind name", UNDER},
	{"bind creation", UNDER},
	{"bind baseline", UNDER},
	{"bind more", UNDER},
	{"link row", UNDER},
	{"link number", UNDER},
	{"slot fields", BOUND},
	{"slot clock", BOUND},
	{"row lock", UNDER},
	{"row state", UNDER},
	{"row waits_on", UNDER},
	{"row resumes", UNDER},
	{"row unlock", UNDER},
	{"payload bytes", UNDER},
	{"payload word", UNDER},
	{"slot word", DONE},
	{"index", DONE},
	{"head", DONE},
	{"wake", DONE},
	{"drop row", UNDER},
	{"drop count", DONE},
	{"over word", EITHER},
	{"room payload bytes", EITHER},
	{"room payload word", EITHER},
	{"room head", EITHER},
	{"room slot fields", UNDER},
	{"room slot word", DONE},
	{"room index", DONE},
	{"lost fields", BEFORE},
	{"lost word", BEFORE},
	{"name fields", BEFORE},
	{"name word", BEFORE},
	{"bind address", UNDER},
	{"stack file", DONE},
	{"stack header", DONE},
	{"stack claimed", DONE},
	{"stack bytes", DONE},
	{"stack slot fields", DONE},
	{"stack slot word", DONE},
};
#define POINTS (sizeof(points) / sizeof(points[0]))

/* How the events are read until the program dies. */
struct manner {
	enum coro_policy policy;
	unsigned log2;
	bool reads;
	int patience_ms; /* between two looks */
};

static char *subject;
static struct kill_share *share;
static struct kill_events whole[KILL_RINGS]; /* all that it emits */
static struct kill_events found[KILL_RINGS];
static bool was_killed_at[POINTS];

/* ---- A run ------------------------------------------------------------- */

/* As a recorder that cannot follow does: what it has not flushed is not in the file. */
static void read_some(struct live *live, struct trace *trace)
{
	struct coro_trace_slot slots[BATCH];
	const char *bytes;
	uint32_t id;
	size_t length;

	for (unsigned ring = 0; ring < live_rings(live); ring++) {
		uint64_t index, lost;
		int count = live_read(live, ring, slots, BATCH, &index, &lost);

		if (lost)
			assert_int_equal(trace_append_lost(trace, ring, lost), 0);
		if (count <= 0)
			continue;
		while (live_read_string(live, &id, &bytes, &length) > 0)
			trace_append_string(trace, id, bytes, length);
		live_take(live, ring, (unsigned)trace_append(trace, ring, index, slots, (unsigned)count));
	}
	if (live_debt(live) < LIVE_GREAT_DEBT)
		return;
	assert_int_equal(trace_flush(trace), 0);
	live_advance(live);
}

static int stack_bytes(void *context, uint32_t ring, const struct coro_trace_stack *slot,
					   uint64_t *ret_sp, const uint8_t **ret)
{
	return live_stack_bytes(context, ring, slot, ret_sp, ret);
}

static void copy_file(const char *from, const char *to)
{
	static char bytes[1 << 16];
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ssize_t length;

	while ((length = read(in, bytes, sizeof(bytes))) > 0)
		assert_int_equal(write(out, bytes, (size_t)length), length);
	close(in);
	close(out);
}

static struct trace *create_trace(const struct live *live, pid_t pid, const char *path)
{
	const struct trace_meta meta = {.program = "kill_subject",
									.pid = (uint32_t)pid,
									.arch = live_beacon(live)->arch,
									.clock_hz = 1000000000,
									.clock0 = live_beacon(live)->clock0,
									.emitter = live_emitter(live)};
	struct trace *trace;

	assert_int_equal(trace_create(path, &meta, &trace), 0);
	return trace;
}

/* Runs the subject until it is killed at that pass of the point, or to its end; its segment and
 * "left.coro" are there then. Returns its status. */
static int run(const struct manner *manner, const char *point, char *segment, size_t room)
{
	const uint32_t flags = manner->policy == CORO_POLICY_OVERWRITE
							   ? CORO_LEASE_OBSERVER | CORO_LEASE_CONTROLLER
							   : CORO_LEASE_BLOCKING;
	char *const arguments[] = {subject, ROUNDS, NULL};
	struct trace *trace;
	struct live *live;
	int launch, fd, status;
	char *why;
	pid_t pid;

	share = kill_share();
	pid = kill_start(arguments, point, &launch, segment, room);
	assert_int_equal(live_open(segment, &live, &why), 0);
	assert_int_equal(live_take_lease(live, flags), 0);
	assert_int_equal(live_set_policy(live, manner->policy, manner->log2, 0), 0);
	assert_int_equal(live_set_stacks(live, CORO_STACKS_RECORD, 0, 0), 0);
	assert_int_equal(live_set_kinds(live, ((uint64_t)1 << CORO_EVENT_LIMIT) - 2), 0);
	trace = create_trace(live, pid, kill_path("reader.coro"));
	trace_set_stack_source(trace, stack_bytes, live);
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	assert_true(fd >= 0);
	assert_int_equal(send(launch, "", 1, MSG_NOSIGNAL), 1);
	close(launch);
	while (!poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1,
				 manner->reads ? manner->patience_ms : -1))
		read_some(live, trace);
	close(fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	/* The names of an epoch go with a reader of a ring that has lost something: this one lives. */
	if (manner->policy == CORO_POLICY_DROP) {
		for (unsigned i = 0; i < 4u << manner->log2; i += BATCH)
			read_some(live, trace);
		assert_int_equal(trace_flush(trace), 0);
	}
	copy_file(kill_path("reader.coro"), kill_path("left.coro"));
	trace_free(trace);
	live_free(live);
	return status;
}

/* ---- What must be there ------------------------------------------------ */

static uint64_t lost_of(const char *path)
{
	struct trace *trace;
	uint64_t lost;
	char *why;

	assert_int_equal(trace_open(path, &trace, &why), 0);
	lost = trace_lost(trace);
	trace_free(trace);
	return lost;
}

/* What is there of a ring stands in its order, without a gap unless the policy makes some. Returns
 * the slots of begun events that are missing; *ret_last: the last one is. */
static uint64_t check_ring(unsigned ring, const struct manner *manner, bool *ret_last)
{
	uint64_t begun = share->begun[ring], missing = 0;
	size_t at = 0;

	assert_true(begun <= whole[ring].count && begun - share->done[ring] <= 1);
	for (uint64_t i = 0; i < begun; i++) {
		if (at < found[ring].count &&
			kill_event_equal(&found[ring].event[at], &whole[ring].event[i])) {
			at++;
			continue;
		}
		if (i == begun - 1)
			*ret_last = true;
		else if (manner->policy == CORO_POLICY_BLOCK ||
				 (manner->policy == CORO_POLICY_OVERWRITE && at > 0))
			fail_msg("ring %u: event %lu is missing", ring, (unsigned long)i);
		missing += whole[ring].event[i].slots;
	}
	if (at != found[ring].count)
		fail_msg("ring %u: its %zu. event of %zu is not one of the program's: %s, %lu. of #%lu",
				 ring, at + 1, found[ring].count,
				 trace_event_name(found[ring].event[at].event.kind),
				 (unsigned long)found[ring].event[at].event.cseq,
				 (unsigned long)found[ring].event[at].event.co);
	return missing;
}

static bool is_bound(unsigned kind)
{
	return kind == CORO_EVENT_CREATE || kind == CORO_EVENT_LOCK_ACQUIRE ||
		   kind == CORO_EVENT_LOCK_RELEASE;
}

/* The row of the event under way says which it is: exactly when it can. */
static void check_under_way(const struct recovered *recovered, bool is_counted,
							const struct kill_event *last, enum moment moment)
{
	bool told = moment == UNDER || (moment == BOUND && last && is_bound(last->event.kind));

	assert_true(recovered->under_way <= 1);
	if (moment != EITHER && !is_counted)
		assert_int_equal(recovered->under_way, told);
	if (!recovered->under_way || is_counted)
		return;
	assert_non_null(last);
	assert_int_equal(recovered->event[0].cseq, last->event.cseq);
	if (recovered->event[0].serial || last->event.kind != CORO_EVENT_CREATE)
		assert_int_equal(recovered->event[0].serial, last->event.co);
}

/* Each stack is whole; and there, if its slot could be and the program came to it. */
static void check_stacks(const struct manner *manner)
{
	uint64_t last[KILL_RINGS] = {0};
	struct trace_event event;
	struct trace_stack stack;
	struct trace *trace;
	char *why;

	assert_int_equal(trace_open(kill_path("left.coro"), &trace, &why), 0);
	for (uint64_t n = trace_count(trace); n > 0; n--) {
		assert_int_equal(trace_event(trace, n, &event), 0);
		if (!last[event.ring])
			last[event.ring] = n;
		if (event.kind != CORO_EVENT_YIELD)
			continue;
		if (trace_find_stack_from(trace, event.co, n, n, &stack) < 0) {
			assert_true(n == last[event.ring] || manner->policy != CORO_POLICY_BLOCK);
			continue;
		}
		assert_true(stack.cseq == event.cseq || manner->policy == CORO_POLICY_DROP);
		assert_int_equal(stack.why, TRACE_STACK_HERE);
		assert_int_equal(stack.length, KILL_WORDS * sizeof(uint64_t));
		for (size_t i = 0; i < KILL_WORDS; i++)
			assert_true(((const uint64_t *)stack.bytes)[i] == stack.cseq);
		trace_stack_done(&stack);
	}
	trace_free(trace);
}

static void check(const struct manner *manner, const char *segment, enum moment moment)
{
	const char *path = kill_path("left.coro");
	const struct kill_event *under_way = NULL;
	struct recovered recovered;
	uint64_t missing = 0;
	char *why;

	if (recover_trace(path, segment, &recovered, &why) < 0)
		fail_msg("%s", why);
	kill_read(path, found);
	for (unsigned ring = 0; ring < KILL_RINGS; ring++) {
		uint64_t begun = share->begun[ring];
		bool last = false;

		missing += check_ring(ring, manner, &last);
		if (!last)
			continue;
		/* One that was dropped was there before it was under way no more. */
		if (moment == DONE) {
			assert_int_equal(manner->policy, CORO_POLICY_DROP);
			continue;
		}
		assert_true(begun - share->done[ring] == 1 || manner->policy == CORO_POLICY_DROP);
		if (begun - share->done[ring] != 1)
			continue;
		assert_null(under_way);
		under_way = &whole[ring].event[begun - 1];
		missing -= under_way->slots;
	}
	/* One that was dropped may be named still. */
	check_under_way(&recovered, manner->policy == CORO_POLICY_DROP && moment == DONE, under_way,
					moment);
	if (manner->policy != CORO_POLICY_OVERWRITE)
		assert_int_equal(lost_of(path), missing);
	else
		assert_true(!missing || lost_of(path) > 0);
	assert_int_equal(recovered.damage, 0);
	assert_int_equal(access(segment, F_OK), -1);
	recovered_done(&recovered);
	check_stacks(manner);
}

/* ---- The tests --------------------------------------------------------- */

static uint64_t passes_of(const struct kill_share *counted, const char *point)
{
	for (unsigned i = 0; i < KILL_POINTS; i++)
		if (!strcmp(counted->point[i].name, point))
			return counted->point[i].passed;
	return 0;
}

/* The first passes, the last one, and some between. */
static uint64_t pass_of(unsigned i, uint64_t passes)
{
	static uint64_t random = 1;

	if (i < 2)
		return i + 1;
	if (i == 2)
		return passes;
	random = random * 6364136223846793005u + 1442695040888963407u;
	return 1 + (random >> 33) % passes;
}

static void kill_at(const struct manner *manner, size_t point, uint64_t pass)
{
	char segment[PATH_MAX] = "", text[64];
	int status;

	snprintf(text, sizeof(text), "%s:%lu", points[point].name, (unsigned long)pass);
	status = run(manner, text, segment, sizeof(segment));
	if (WIFSIGNALED(status)) {
		assert_int_equal(WTERMSIG(status), SIGKILL);
		was_killed_at[point] = true;
	} else {
		/* It did not come there so often: who reads, and when, decides what is dropped. */
		assert_int_equal(status, 0);
		assert_true(manner->reads);
	}
	print_message("%s\n", text);
	check(manner, segment, WIFSIGNALED(status) ? points[point].moment : DONE);
}

static void kill_at_all(const struct manner *manner)
{
	char segment[PATH_MAX] = "";
	struct kill_share counted;

	assert_int_equal(run(manner, NULL, segment, sizeof(segment)), 0);
	counted = *share;
	check(manner, segment, DONE);
	for (size_t point = 0; point < POINTS; point++) {
		uint64_t passes = passes_of(&counted, points[point].name);

		for (unsigned i = 0; i < PASSES && i < passes; i++)
			kill_at(manner, point, pass_of(i, passes));
	}
	/* None is left out. */
	for (unsigned i = 0; i < KILL_POINTS && counted.point[i].name[0]; i++) {
		size_t point = 0;

		while (point < POINTS && strcmp(points[point].name, counted.point[i].name))
			point++;
		if (point == POINTS)
			fail_msg("the point '%s' is not known here", counted.point[i].name);
	}
}

static void killed_program_that_nobody_read_leaves_all_but_the_event_under_way(void **state)
{
	kill_at_all(&(struct manner){.policy = CORO_POLICY_BLOCK, .log2 = 13});
}

static void
killed_program_that_waits_for_its_reader_leaves_all_but_the_event_under_way(void **state)
{
	kill_at_all(&(struct manner){.policy = CORO_POLICY_BLOCK, .log2 = 9, .reads = true});
}

static void killed_program_that_drops_leaves_what_it_did_not_and_counts_the_rest(void **state)
{
	kill_at_all(
		&(struct manner){.policy = CORO_POLICY_DROP, .log2 = 9, .reads = true, .patience_ms = 1});
}

static void killed_program_that_writes_over_leaves_the_last_ones(void **state)
{
	kill_at_all(&(struct manner){.policy = CORO_POLICY_OVERWRITE, .log2 = 10});
}

static void it_was_killed_at_every_point(void **state)
{
	for (size_t point = 0; point < POINTS; point++)
		if (!was_killed_at[point])
			fail_msg("never at '%s'", points[point].name);
}

static int know_all(void **state)
{
	char segment[PATH_MAX] = "";
	struct recovered recovered;
	char *why;

	if (run(&(struct manner){.policy = CORO_POLICY_BLOCK, .log2 = 14}, NULL, segment,
			sizeof(segment)) ||
		recover_trace(kill_path("left.coro"), segment, &recovered, &why) < 0)
		return -1;
	recovered_done(&recovered);
	kill_read(kill_path("left.coro"), whole);
	for (unsigned ring = 0; ring < KILL_RINGS; ring++)
		if (whole[ring].count != share->begun[ring] || whole[ring].count != share->done[ring])
			return -1;
	return whole[1].count > 3000 ? 0 : -1;
}

static int forget_all(void **state)
{
	kill_events_done(whole);
	kill_events_done(found);
	kill_clean();
	return 0;
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(killed_program_that_nobody_read_leaves_all_but_the_event_under_way),
		cmocka_unit_test(
			killed_program_that_waits_for_its_reader_leaves_all_but_the_event_under_way),
		cmocka_unit_test(killed_program_that_drops_leaves_what_it_did_not_and_counts_the_rest),
		cmocka_unit_test(killed_program_that_writes_over_leaves_the_last_ones),
		cmocka_unit_test(it_was_killed_at_every_point),
	};

	subject = argv[1];
	return argc == 2 ? cmocka_run_group_tests(tests, know_all, forget_all) : 2;
}
