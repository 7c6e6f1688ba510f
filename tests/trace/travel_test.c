/*
 * travel_test.c - the World at event i is the same however it was reached: forward, by a seek, or
 * back from j; with checkpoints in the file, in memory, both, or none.
 *
 *     travel_test SHAPES GOLDEN [SEED]
 *
 *     SHAPES (shapes.c) ── recorded ──► trace ──► a file without checkpoints
 *     GOLDEN/1.x/       ─────────────────┘   └──► the same with some at random
 *
 * What is right is told without a session: the events up to i, and the tables of what was there,
 * folded one by one from the start. Worlds are compared in all: their bytes, in which every field
 * is, and whatever is looked up from the other end (ready queue, waiters, awaiters, chains).
 *
 * The trace of a program of several threads, or of one that is not waited for, is another one each
 * time: one that fails is kept, and can be given instead of SHAPES.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <tracer/session.h>

#define TRIPS 60    /* on each trace, in each of the ways below; a third on a long one */
#define LONG  20000 /* events */
#define ROOM  4096  /* serials that a question may answer */

static const char *shapes, *golden;
static uint64_t seed = 1;

static uint64_t next_random(uint64_t *random, uint64_t limit)
{
	*random = *random * 6364136223846793005u + 1442695040888963407u;
	return (*random >> 33) % limit;
}

/* ---- The whole World ---------------------------------------------------- */

static bool same_list(const char *what, uint64_t serial, const uint64_t *a, size_t a_count,
					  const uint64_t *b, size_t b_count)
{
	size_t known = a_count < ROOM ? a_count : ROOM;

	if (a_count == b_count && !memcmp(a, b, known * sizeof(*a)))
		return true;
	print_message("%s of #%llu: %zu and %zu, or in another order\n", what,
				  (unsigned long long)serial, a_count, b_count);
	return false;
}

static bool same_answers(const struct world *a, const struct world *b, uint64_t serial)
{
	static size_t (*const questions[])(const struct world *, uint64_t, uint64_t *, size_t) = {
		world_awaiters, world_waiters, world_chain, world_children};
	static const char *const names[] = {"awaiters", "waiters", "chain", "children"};
	static uint64_t of_a[ROOM], of_b[ROOM];
	const struct world_object *object = world_find(a, serial), *other = world_find(b, serial);

	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
		size_t a_count = questions[i](a, serial, of_a, ROOM);
		size_t b_count = questions[i](b, serial, of_b, ROOM);

		if (!same_list(names[i], serial, of_a, a_count, of_b, b_count))
			return false;
	}
	if (world_above(a, object) == world_above(b, other) &&
		world_below(a, object) == world_below(b, other) &&
		world_state(a, object) == world_state(b, other) &&
		world_is_unsure(a, object) == world_is_unsure(b, other) &&
		world_waits_on(a, object) == world_waits_on(b, other) &&
		world_waiter(a, serial) == world_waiter(b, serial) &&
		world_timeout(a, serial) == world_timeout(b, serial) &&
		world_timer(a, serial) == world_timer(b, serial))
		return true;
	print_message("what is looked up of #%llu differs\n", (unsigned long long)serial);
	return false;
}

static bool same_bytes(const struct world *a, const struct world *b)
{
	uint8_t *of_a, *of_b;
	size_t a_length, b_length;
	bool same;

	assert_int_equal(world_serialise(a, &of_a, &a_length), 0);
	assert_int_equal(world_serialise(b, &of_b, &b_length), 0);
	same = a_length == b_length && !memcmp(of_a, of_b, a_length);
	free(of_a);
	free(of_b);
	return same;
}

static const struct world_object *first_that_differs(const struct world *a, const struct world *b)
{
	const struct world_object *object = world_next(a, 0);

	while (object) {
		const struct world_object *other = world_find(b, object->serial);

		if (!other || object->changed_at != other->changed_at || object->state != other->state ||
			object->cseq != other->cseq || object->unknown != other->unknown)
			return object;
		object = world_next(a, object->serial);
	}
	return NULL;
}

static bool same_world(const struct world *a, const struct world *b)
{
	static uint64_t ready_a[ROOM], ready_b[ROOM];
	size_t a_count = world_ready(a, ready_a, ROOM), b_count = world_ready(b, ready_b, ROOM);
	const struct world_object *running = world_running(a), *other = world_running(b);

	if (!same_bytes(a, b)) {
		const struct world_object *object = first_that_differs(a, b);

		print_message("%zu and %zu objects, damage %llu and %llu; #%llu differs first\n",
					  world_count(a), world_count(b), (unsigned long long)world_damage(a),
					  (unsigned long long)world_damage(b),
					  object ? (unsigned long long)object->serial : 0);
		return false;
	}
	if (!same_list("ready queue", 0, ready_a, a_count, ready_b, b_count) ||
		(running ? running->serial : 0) != (other ? other->serial : 0))
		return false;
	for (const struct world_object *object = world_next(a, 0); object;
		 object = world_next(a, object->serial))
		if (!same_answers(a, b, object->serial))
			return false;
	return true;
}

/* ---- What is right ------------------------------------------------------ */

static void adopt(struct world *world, struct trace *trace, uint64_t n)
{
	const struct trace_row *rows;
	uint64_t after;
	size_t count;

	for (size_t i = 0; trace_rows(trace, i, &after, &rows, &count) >= 0; i++)
		if (after == n)
			assert_int_equal(world_adopt(world, rows, count), 0);
}

/* The World after event n, from nothing. */
static struct world *fold(struct trace *trace, uint64_t n)
{
	struct world *world = world_new();
	struct trace_event event;

	assert_non_null(world);
	for (uint64_t i = 1; i <= n; i++) {
		adopt(world, trace, i - 1);
		assert_int_equal(trace_event(trace, i, &event), 0);
		assert_int_equal(world_apply(world, &event), 0);
	}
	adopt(world, trace, n);
	return world;
}

/* ---- Travelling --------------------------------------------------------- */

struct travel {
	const char *shape;
	char path[2][PATH_MAX]; /* without, and with checkpoints in the file */
	uint64_t count;         /* events */
	uint64_t random;
	uint64_t special[64]; /* after these a table stands, or something was lost */
	size_t special_count;
};

static void check(struct travel *travel, struct session *session, uint64_t i, const char *how,
				  uint64_t from)
{
	struct world *world;

	assert_int_equal(session_playhead(session), i);
	world = fold(session_trace(session), i);
	if (!same_world(session_world(session), world))
		fail_msg("%s, seed %llu: event %llu, reached %s from %llu; %s is kept", travel->shape,
				 (unsigned long long)seed, (unsigned long long)i, how, (unsigned long long)from,
				 travel->path[0]);
	world_free(world);
}

static struct session *open_session(struct travel *travel, int which, uint64_t every)
{
	const struct session_options options = {.checkpoint_every = every};
	struct session *session;
	struct trace *trace;
	char *why;

	assert_int_equal(trace_open(travel->path[which], &trace, &why), 0);
	assert_int_equal(session_replay(trace, &options, &session), 0);
	return session;
}

static void find_special(struct travel *travel, struct trace *trace)
{
	const struct trace_row *rows;
	size_t room = sizeof(travel->special) / sizeof(travel->special[0]), count;
	uint64_t after, lost;
	uint32_t ring;

	travel->count = trace_count(trace);
	for (size_t i = 0;
		 travel->special_count < room / 2 && trace_rows(trace, i, &after, &rows, &count) >= 0; i++)
		travel->special[travel->special_count++] = after;
	for (size_t i = 0;
		 travel->special_count < room && trace_loss(trace, i, &after, &ring, &lost) >= 0; i++)
		travel->special[travel->special_count++] = after;
}

/* Anywhere, or at a place where more than an event stands, or one beside it. */
static uint64_t somewhere(struct travel *travel)
{
	uint64_t n = next_random(&travel->random, travel->count + 1);

	if (!travel->special_count || next_random(&travel->random, 2))
		return n;
	n = travel->special[next_random(&travel->random, travel->special_count)];
	n += next_random(&travel->random, 3);
	return n <= 1 ? 0 : n - 1 <= travel->count ? n - 1 : travel->count;
}

/* Most are short. */
static uint64_t some_way(struct travel *travel, uint64_t j, bool back)
{
	uint64_t most = back ? j : travel->count - j, i;

	if (next_random(&travel->random, 4))
		return next_random(&travel->random, most < 40 ? most + 1 : 40);
	i = somewhere(travel);
	return back ? (i < j ? j - i : 0) : (i > j ? i - j : 0);
}

static void go_forward(struct travel *travel, struct session *session)
{
	uint64_t j = session_playhead(session), way = some_way(travel, j, false);

	if (!way)
		return;
	assert_int_equal(session_event(session, (int64_t)way), 0);
	check(travel, session, j + way, "forward", j);
}

static void go_back(struct travel *travel, struct session *session)
{
	uint64_t j = session_playhead(session), way = some_way(travel, j, true);

	if (!way)
		return;
	assert_int_equal(session_event(session, -(int64_t)way), 0);
	check(travel, session, j - way, "back", j);
}

static void step_back(struct travel *travel, struct session *session)
{
	uint64_t j = session_playhead(session), steps = next_random(&travel->random, 20);

	for (uint64_t i = 0; i < steps && session_playhead(session) > 0; i++)
		assert_int_equal(session_event(session, -1), 0);
	check(travel, session, j > steps ? j - steps : 0, "step by step back", j);
}

static void go_to(struct travel *travel, struct session *session)
{
	uint64_t j = session_playhead(session), i = somewhere(travel);

	assert_int_equal(session_goto(session, i), 0);
	check(travel, session, i, "by a seek", j);
}

/* Whatever it stops at. */
static void by_steps_of_coroutines(struct travel *travel, struct session *session)
{
	static int (*const steps[])(struct session *, enum session_direction) = {
		session_into, session_over, session_out, session_done};
	uint64_t j = session_playhead(session);

	if (next_random(&travel->random, 4) == 0)
		session_turn(session, next_random(&travel->random, 2) ? 1 : -1);
	else
		steps[next_random(&travel->random, 4)](
			session, next_random(&travel->random, 2) ? SESSION_FORWARD : SESSION_BACKWARD);
	check(travel, session, session_playhead(session), "by a step", j);
}

static void travel_with(struct travel *travel, int which, uint64_t every)
{
	static void (*const ways[])(struct travel *, struct session *) = {
		go_to, go_forward, go_back, step_back, by_steps_of_coroutines};
	struct session *session = open_session(travel, which, every);

	assert_int_equal(session_head(session), travel->count);
	check(travel, session, 0, "by opening", 0);
	for (unsigned i = 0; i < (travel->count < LONG ? TRIPS : TRIPS / 3); i++)
		ways[next_random(&travel->random, sizeof(ways) / sizeof(ways[0]))](travel, session);
	assert_int_equal(session_goto(session, travel->count), 0);
	check(travel, session, travel->count, "by a seek", 0);
	session_free(session, false);
}

/* Puts checkpoints after some events: whole ones, and changes since the one before. */
static void add_checkpoints(struct trace *trace, uint64_t *random)
{
	uint64_t count = trace_count(trace), n = 0;
	struct world *world = world_new(), *last = NULL;
	struct trace_event event;

	while ((n += 1 + next_random(random, count / 12 + 1)) <= count) {
		uint8_t *bytes;
		size_t length;

		while (world_at(world) < n) {
			adopt(world, trace, world_at(world));
			assert_int_equal(trace_event(trace, world_at(world) + 1, &event), 0);
			assert_int_equal(world_apply(world, &event), 0);
		}
		if (last && next_random(random, 4))
			assert_int_equal(world_serialise_since(world, last, &bytes, &length), 0);
		else
			assert_int_equal(world_serialise(world, &bytes, &length), 0);
		assert_int_equal(trace_append_checkpoint(trace, n, bytes, length), 0);
		free(bytes);
		world_free(last);
		last = world_copy(world);
		assert_non_null(last);
	}
	world_free(last);
	world_free(world);
}

/* All ways on a trace, which is the caller's. */
static void travel_in(const char *shape, struct trace *trace)
{
	struct travel travel = {.shape = shape, .random = seed};

	find_special(&travel, trace);
	assert_true(travel.count > 8);
	for (int i = 0; i < 2; i++) {
		snprintf(travel.path[i], sizeof(travel.path[i]), "/tmp/travel_XXXXXX");
		close(mkstemp(travel.path[i]));
		if (i == 1)
			add_checkpoints(trace, &travel.random);
		assert_int_equal(trace_save(trace, travel.path[i]), 0);
	}
	travel_with(&travel, 0, travel.count + 1);
	travel_with(&travel, 0, 7);
	travel_with(&travel, 0, 0);
	travel_with(&travel, 1, travel.count + 1);
	travel_with(&travel, 1, 64);
	unlink(travel.path[0]);
	unlink(travel.path[1]);
}

/* ---- Traces ------------------------------------------------------------- */

static void record(const char *shape, const char *rounds, enum coro_policy policy,
				   uint64_t last_bytes, struct trace **ret)
{
	char number[32];
	char *argv[] = {(char *)shapes, (char *)shape, number, (char *)rounds, NULL};
	struct target_options options = {
		.argv = argv, .policy = policy, .last_bytes = last_bytes, .stdio = TARGET_PTY};
	struct target *target;
	char *why;

	snprintf(number, sizeof(number), "%llu", (unsigned long long)seed);
	assert_int_equal(target_launch(&options, &target, ret, &why), 0);
	while (target_state(target) != TARGET_EXITED)
		target_settle(target, 1000);
	assert_int_equal(target_status(target), 0);
	target_free(target);
}

static void travel_recorded(const char *shape, const char *rounds)
{
	struct trace *trace;

	record(shape, rounds, CORO_POLICY_BLOCK, 0, &trace);
	assert_int_equal(trace_lost(trace), 0);
	travel_in(shape, trace);
	trace_free(trace);
}

static void deep_delegation(void **state)
{
	travel_recorded("deep", "6");
}

static void many_tasks(void **state)
{
	travel_recorded("many", "40");
}

static void queues_locks_semaphores_conditions_and_barriers(void **state)
{
	travel_recorded("sync", "20");
}

static void channels_and_groups(void **state)
{
	travel_recorded("channels", "20");
}

static void timers_and_descriptors(void **state)
{
	travel_recorded("time", "20");
}

static void greenlets_and_tasklets(void **state)
{
	travel_recorded("switched", "50");
}

static void several_threads(void **state)
{
	travel_recorded("threads", "6");
}

/* Longer than the spacing of checkpoints at the end of a recording. */
static void checkpoints_of_a_recording(void **state)
{
	struct symbols *symbols;
	struct trace *trace;
	size_t length;
	uint8_t *bytes;

	record("many", "1200", CORO_POLICY_BLOCK, 0, &trace);
	assert_int_equal(symbols_new(trace, false, &symbols), 0);
	assert_int_equal(session_complete_trace(trace, symbols, 0), 0);
	symbols_free(symbols);
	assert_true(trace_checkpoint(trace, trace_count(trace), &bytes, &length) > 0);
	free(bytes);

	struct travel travel = {.shape = "many", .random = seed};

	find_special(&travel, trace);
	snprintf(travel.path[0], sizeof(travel.path[0]), "/tmp/travel_XXXXXX");
	close(mkstemp(travel.path[0]));
	assert_int_equal(trace_save(trace, travel.path[0]), 0);
	travel_with(&travel, 0, 0);
	unlink(travel.path[0]);
	trace_free(trace);
}

static void losses_under_drop(void **state)
{
	struct trace *trace;

	record("threads", "60", CORO_POLICY_DROP, 512 * sizeof(struct coro_trace_slot), &trace);
	assert_true(trace_lost(trace) > 0);
	travel_in("threads, drop", trace);
	trace_free(trace);
}

static void losses_under_overwrite(void **state)
{
	struct trace *trace;

	record("threads", "60", CORO_POLICY_OVERWRITE, 1024 * sizeof(struct coro_trace_slot), &trace);
	travel_in("threads, overwrite", trace);
	trace_free(trace);
}

/* Starts the shape that never ends; its second thread waits for *ret_input, standard input. */
static pid_t start_late(int *ret_input)
{
	int input[2], output[2];
	char number[32], byte;
	pid_t pid;

	assert_int_equal(pipe(input), 0);
	assert_int_equal(pipe(output), 0);
	snprintf(number, sizeof(number), "%llu", (unsigned long long)seed);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(input[0], 0);
		dup2(output[1], 1);
		close(input[0]);
		close(input[1]);
		close(output[0]);
		close(output[1]);
		execl(shapes, shapes, "late", number, NULL);
		_exit(127);
	}
	close(input[0]);
	close(output[1]);
	assert_int_equal(read(output[0], &byte, 1), 1);
	close(output[0]);
	*ret_input = input[1];
	return pid;
}

static void wait_for_events(struct target *target, struct trace *trace, uint64_t count)
{
	while (trace_count(trace) < count)
		target_settle(target, 1);
}

/* The table of the second thread comes when the first one has long been read. */
static void a_table_in_the_middle(void **state)
{
	const struct trace_row *rows;
	struct target *target;
	struct trace *trace;
	uint64_t after, most = 0;
	size_t count;
	char *why;
	int input;
	pid_t pid = start_late(&input);

	assert_int_equal(target_attach((uint32_t)pid, NULL, &target, &trace, &why), 0);
	wait_for_events(target, trace, 400);
	assert_int_equal(write(input, "x", 1), 1);
	for (size_t i = 0; !most; i = 0)
		while (trace_rows(trace, i++, &after, &rows, &count) >= 0)
			most = after > most ? after : most;
	wait_for_events(target, trace, most + 2000);
	target_free(target);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(input);
	travel_in("late", trace);
	trace_free(trace);
}

/* ---- Kept ones ---------------------------------------------------------- */

static void travel_in_file(const char *path)
{
	struct travel travel = {.shape = path, .random = seed};
	struct trace *trace;
	char *why;

	assert_int_equal(trace_open(path, &trace, &why), 0);
	find_special(&travel, trace);
	trace_free(trace);
	snprintf(travel.path[0], sizeof(travel.path[0]), "%s", path);
	travel_with(&travel, 0, travel.count + 1);
	travel_with(&travel, 0, 7);
	travel_with(&travel, 0, 0);
}

static bool is_trace(const char *name)
{
	size_t length = strlen(name);

	return length > 5 && !strcmp(name + length - 5, ".coro");
}

static void golden_traces(void **state)
{
	static const char *const versions[] = {"1.1", "1.2"};
	unsigned count = 0;

	for (unsigned i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		char folder[PATH_MAX], path[PATH_MAX + 256];
		struct dirent *entry;
		DIR *directory;

		snprintf(folder, sizeof(folder), "%s/%s", golden, versions[i]);
		directory = opendir(folder);
		assert_non_null(directory);
		while ((entry = readdir(directory))) {
			if (!is_trace(entry->d_name))
				continue;
			snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
			travel_in_file(path);
			count++;
		}
		closedir(directory);
	}
	assert_true(count >= 10);
}

static void a_kept_one(void **state)
{
	travel_in_file(shapes);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deep_delegation),
		cmocka_unit_test(many_tasks),
		cmocka_unit_test(queues_locks_semaphores_conditions_and_barriers),
		cmocka_unit_test(channels_and_groups),
		cmocka_unit_test(timers_and_descriptors),
		cmocka_unit_test(greenlets_and_tasklets),
		cmocka_unit_test(several_threads),
		cmocka_unit_test(checkpoints_of_a_recording),
		cmocka_unit_test(losses_under_drop),
		cmocka_unit_test(losses_under_overwrite),
		cmocka_unit_test(a_table_in_the_middle),
		cmocka_unit_test(golden_traces),
	};
	const struct CMUnitTest kept[] = {cmocka_unit_test(a_kept_one)};

	if (argc < 3)
		return 2;
	shapes = argv[1];
	golden = argv[2];
	if (argc > 3)
		seed = strtoull(argv[3], NULL, 10);
	if (is_trace(shapes))
		return cmocka_run_group_tests(kept, NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
