/*
 * attach_test.c - what a debugger that comes late sees is what one that was there from the
 * beginning sees.
 *
 *     attach_test SUBJECT SWAPPED [ATTACHES]
 *
 * SUBJECT is attach_subject.c, with a long time between the store in the table and the one in the
 * ring; SWAPPED the same with the two in the wrong order, which must be found. This process is both
 * readers at once: one with the whole trace, a part for each thread as each has its own objects;
 * and one that attaches again and again at some instant. The first is brought to where the second
 * one's trace is exact, and the Worlds are compared.
 */
#include <errno.h>
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
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <tracer/live.h>
#include <tracer/trace.h>
#include <tracer/world.h>
#include "../../tracer/control/baseline.h"

#define ROOM      4096
#define RINGS     8
#define KINDS     (((uint64_t)1 << CORO_EVENT_LIMIT) - 2)
#define ANSWER_MS 20000

static const char *subject, *swapped;
static unsigned attaches = 60;

/* One reader's trace and World, of a ring or of all. */
struct picture {
	struct trace *trace;
	struct world *world;
	uint64_t applied;
};

struct all {
	pid_t pid;
	char path[PATH_MAX];
	struct live *live;
	struct picture ring[RINGS];
	unsigned rings;
	struct coro_trace_slot slots[ROOM];
	char why[512]; /* what did not agree */
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void picture_begin(struct picture *picture)
{
	*picture = (struct picture){.world = world_new()};
	assert_non_null(picture->world);
	assert_int_equal(
		trace_create(NULL, &(struct trace_meta){.clock_hz = 1000000000}, &picture->trace), 0);
}

static void picture_end(struct picture *picture)
{
	world_free(picture->world);
	trace_free(picture->trace);
}

static void picture_apply(struct picture *picture)
{
	struct trace_event event;

	while (picture->applied < trace_count(picture->trace)) {
		assert_int_equal(trace_event(picture->trace, picture->applied + 1, &event), 0);
		assert_int_equal(world_apply(picture->world, &event), 0);
		picture->applied++;
	}
}

/* ---- The program, and who watches it from the beginning ----------------- */

static void start(struct all *all, const char *program, unsigned threads, unsigned seed)
{
	int pair[2];
	char variable[64], number[2][16], *why;
	size_t length = 0;

	memset(all, 0, sizeof(*all));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	snprintf(variable, sizeof(variable), "%d", pair[1]);
	snprintf(number[0], sizeof(number[0]), "%u", threads);
	snprintf(number[1], sizeof(number[1]), "%u", seed);
	all->pid = fork();
	if (!all->pid) {
		close(pair[0]);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setenv(CORO_LAUNCH_VARIABLE, variable, 1);
		execl(program, program, number[0], number[1], NULL);
		_exit(127);
	}
	close(pair[1]);
	while (length < sizeof(all->path) - 1 && read(pair[0], all->path + length, 1) == 1 &&
		   all->path[length] != '\n')
		length++;
	all->path[length] = 0;
	assert_int_equal(live_open(all->path, &all->live, &why), 0);
	assert_int_equal(live_take_lease(all->live, CORO_LEASE_BLOCKING), 0);
	assert_int_equal(live_set_kinds(all->live, KINDS), 0);
	assert_int_equal(write(pair[0], "", 1), 1);
	close(pair[0]);
}

static void finish(struct all *all)
{
	kill(all->pid, SIGKILL);
	waitpid(all->pid, NULL, 0);
	live_remove(all->live);
	live_free(all->live);
	for (unsigned i = 0; i < all->rings; i++)
		picture_end(&all->ring[i]);
}

/* Takes what a ring has, up to an index. Returns whether it is there. */
static bool drain_ring(struct all *all, unsigned ring, uint64_t to)
{
	struct picture *picture = &all->ring[ring];
	uint64_t index, lost;
	const char *bytes;
	uint32_t id;
	size_t size;
	int count = live_read(all->live, ring, all->slots, ROOM, &index, &lost);

	assert_int_equal(lost, 0);
	if (count <= 0 || index >= to)
		return index >= to;
	if (index + (uint64_t)count > to)
		count = (int)(to - index);
	while (live_read_string(all->live, &id, &bytes, &size) > 0)
		for (unsigned i = 0; i < RINGS; i++)
			if (all->ring[i].trace)
				trace_append_string(all->ring[i].trace, id, bytes, size);
	count = trace_append(picture->trace, ring, index, all->slots, (unsigned)count);
	live_take(all->live, ring, (unsigned)count);
	live_advance(all->live);
	return index + (uint64_t)count >= to;
}

static void drain(struct all *all)
{
	unsigned rings = live_rings(all->live);

	assert_true(rings <= RINGS);
	while (all->rings < rings)
		picture_begin(&all->ring[all->rings++]);
	for (unsigned i = 0; i < rings; i++)
		drain_ring(all, i, UINT64_MAX);
}

/* ---- Who comes late ----------------------------------------------------- */

static void take_strings(void *context)
{
	(void)context;
}

/* Attaches, and reads on until the trace is exact; `until` is where each ring stands then. */
static void attach(struct all *all, struct picture *late, uint64_t *until)
{
	const struct baseline_help help = {.take_strings = take_strings};
	struct baseline *baseline = baseline_new();
	uint64_t end = now_ms() + ANSWER_MS;
	const struct trace_row *rows;
	struct live *live;
	unsigned silent, rings;
	uint64_t after;
	size_t count;
	char *why;

	assert_non_null(baseline);
	picture_begin(late);
	assert_int_equal(live_open(all->path, &live, &why), 0);
	assert_int_equal(live_take_lease(live, CORO_LEASE_OBSERVER), 0);
	assert_int_equal(live_ask(live, KINDS), 0);
	do {
		drain(all); /* a thread that waits for room does not answer */
		live_threads(live, NULL, 0, &silent);
		assert_true(now_ms() < end);
	} while (silent);
	assert_int_equal(baseline_take(baseline, live, late->trace, &help), 0);
	rings = live_rings(live);
	for (size_t i = 0; trace_rows(late->trace, i, &after, &rows, &count) >= 0; i++)
		assert_int_equal(world_adopt(late->world, rows, count), 0);
	for (unsigned i = 0; i < rings; i++) {
		while (baseline_has(baseline, i)) {
			uint64_t index, lost;
			int got = live_read(live, i, all->slots, ROOM, &index, &lost);
			bool old;

			assert_int_equal(lost, 0);
			until[i] = index;
			/* The first event after that has been asked about. */
			if (index > baseline_exact_from(baseline, i))
				break;
			if (got <= 0) {
				/* The thread may wait for the other reader. */
				drain_ring(all, i, baseline_exact_from(baseline, i));
				continue;
			}
			if (index == baseline_exact_from(baseline, i))
				got = 1 + CORO_SLOT_EXT(all->slots[0].word);
			got = (int)baseline_run(baseline, i, index, all->slots, (unsigned)got, &old);
			if (!old)
				got = trace_append(late->trace, i, index, all->slots, (unsigned)got);
			live_take(live, i, (unsigned)got);
		}
	}
	picture_apply(late);
	baseline_free(baseline);
	live_free(live);
}

/* ---- The comparison ----------------------------------------------------- */

static bool differ(struct all *all, const struct world_object *object, const char *what,
				   uint64_t full, uint64_t late)
{
	if (!all->why[0])
		snprintf(all->why, sizeof(all->why),
				 "object #%llu (%s): %s is %llu in the full trace, %llu in the late one",
				 (unsigned long long)object->serial, trace_object_kind_name(object->kind), what,
				 (unsigned long long)full, (unsigned long long)late);
	return false;
}

#define SAME(field, flag)                                                                          \
	((late->unknown & (flag)) || full->field == late->field ||                                     \
	 differ(all, full, #field, (uint64_t)full->field, (uint64_t)late->field))

static bool equal(struct all *all, const struct world_object *full, const struct world_object *late)
{
	return SAME(kind, 0) && SAME(state, 0) && SAME(cseq, 0) && SAME(name, 0) &&
		   SAME(creation_site, 0) && SAME(stack_kib, 0) &&
		   (full->kind != CORO_OBJECT_FUTURE || SAME(reason, 0)) &&
		   SAME(parent, WORLD_UNKNOWN_PARENT) && SAME(waits_on, WORLD_UNKNOWN_WAITS_ON) &&
		   SAME(delegate, WORLD_UNKNOWN_WAITS_ON) && SAME(drives, WORLD_UNKNOWN_OWNER) &&
		   SAME(owner, WORLD_UNKNOWN_OWNER) && SAME(lock, WORLD_UNKNOWN_OWNER) &&
		   SAME(length, WORLD_UNKNOWN_LENGTH) && SAME(capacity, WORLD_UNKNOWN_CAPACITY) &&
		   SAME(unfinished, WORLD_UNKNOWN_UNFINISHED) && SAME(number, WORLD_UNKNOWN_NUMBER) &&
		   SAME(children, WORLD_UNKNOWN_CHILDREN) && SAME(set, WORLD_UNKNOWN_SET) &&
		   (full->state != CORO_STATE_RUNNING || SAME(resumer, WORLD_UNKNOWN_RESUMER)) &&
		   SAME(resumes, WORLD_UNKNOWN_RESUMES);
}

static bool compare(struct all *all, const struct picture *late)
{
	const struct world_object *object, *other;
	bool same = true;

	for (unsigned i = 0; i < all->rings && same; i++)
		for (object = world_next(all->ring[i].world, 0); object && same;
			 object = world_next(all->ring[i].world, object->serial)) {
			other = world_find(late->world, object->serial);
			same = other ? equal(all, object, other)
						 : differ(all, object, "state", object->state, CORO_STATE_NONE);
		}
	for (object = world_next(late->world, 0); object && same;
		 object = world_next(late->world, object->serial)) {
		bool known = false;

		for (unsigned i = 0; i < all->rings; i++)
			known |= world_find(all->ring[i].world, object->serial) != NULL;
		same = known || differ(all, object, "state", CORO_STATE_NONE, object->state);
	}
	if (same && (world_damage(late->world) || world_missing(late->world))) {
		snprintf(all->why, sizeof(all->why), "%llu events cannot be, %llu are missing",
				 (unsigned long long)world_damage(late->world),
				 (unsigned long long)world_missing(late->world));
		same = false;
	}
	return same;
}

/* Attaches so often. Returns how often until it did not agree; `count`: it always did. */
static unsigned run(struct all *all, const char *program, unsigned threads, unsigned count)
{
	unsigned done;

	start(all, program, threads, count + threads);
	for (done = 0; done < count && !all->why[0]; done++) {
		uint64_t until[RINGS] = {0}, end = now_ms() + (uint64_t)(rand() % 8);
		struct picture late;

		do
			drain(all);
		while (now_ms() < end || live_rings(all->live) < threads);
		attach(all, &late, until);
		for (unsigned i = 0; i < all->rings; i++) {
			while (!drain_ring(all, i, until[i]))
				;
			picture_apply(&all->ring[i]);
			assert_int_equal(world_damage(all->ring[i].world), 0);
		}
		compare(all, &late);
		picture_end(&late);
	}
	finish(all);
	return done;
}

static void attaches_agree(unsigned threads)
{
	struct all *all = malloc(sizeof(*all));

	assert_non_null(all);
	run(all, subject, threads, attaches);
	if (all->why[0])
		fail_msg("%s", all->why);
	free(all);
}

static void attaches_to_one_thread_see_what_the_whole_trace_shows(void **state)
{
	attaches_agree(1);
}

static void attaches_to_two_threads_see_what_the_whole_trace_shows(void **state)
{
	attaches_agree(2);
}

static void attaches_to_four_threads_see_what_the_whole_trace_shows(void **state)
{
	attaches_agree(4);
}

static void the_ring_written_before_the_table_is_found(void **state)
{
	struct all *all = malloc(sizeof(*all));
	unsigned done;

	assert_non_null(all);
	done = run(all, swapped, 4, 2000);
	print_message("after %u attaches: %s\n", done, all->why);
	assert_true(all->why[0]);
	free(all);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attaches_to_one_thread_see_what_the_whole_trace_shows),
		cmocka_unit_test(attaches_to_two_threads_see_what_the_whole_trace_shows),
		cmocka_unit_test(attaches_to_four_threads_see_what_the_whole_trace_shows),
		cmocka_unit_test(the_ring_written_before_the_table_is_found),
	};

	if (argc < 3)
		return 2;
	subject = argv[1];
	swapped = argv[2];
	if (argc > 3)
		attaches = (unsigned)atoi(argv[3]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
