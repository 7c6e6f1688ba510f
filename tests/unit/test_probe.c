/*
 * test_probe.c - the probe and the reader of its segment, in one process.
 *
 * The test is the traced program and its own debugger: leases are locks of open files, so
 * that the two halves of it are strangers to each other.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include <coroscope/probe.h>
#include <tracer/event.h>
#include <tracer/live.h>

#define ALL_KINDS  (((uint64_t)1 << CORO_EVENT_LIMIT) - 2)
#define RING_SLOTS 64u /* see main() */

static struct live *live;
static struct coro_trace_slot slots[256];
static unsigned slot_count; /* in slots[], read and not decoded yet */
static unsigned slot_next;
static uint64_t slot_index; /* of slots[0] */

static void open_live(uint32_t flags)
{
	char *why;

	assert_non_null(coro_probe_segment());
	if (live_open(coro_probe_segment(), &live, &why) < 0)
		fail_msg("%s", why);
	if (flags) {
		assert_int_equal(live_take_lease(live, flags), 0);
		assert_int_equal(live_set_kinds(live, ALL_KINDS), 0);
	}
}

/* Reads what is there, so that a test begins with an empty ring. */
static void skip_events(void)
{
	uint64_t lost;
	int count;

	while ((count = live_read(live, 0, slots, 256, &slot_index, &lost)) > 0) {
		live_take(live, 0, (unsigned)count);
		live_advance(live);
	}
	slot_count = slot_next = 0;
}

static int begin(void **state)
{
	open_live(CORO_LEASE_BLOCKING | CORO_LEASE_CONTROLLER);
	live_rings(live);
	skip_events();
	return 0;
}

static int end(void **state)
{
	live_free(live);
	live = NULL;
	return coro_probe_mask() != 0;
}

/* The next event of this thread's ring. */
static struct trace_event next_event(void)
{
	struct trace_event event;
	uint64_t lost;
	int taken;

	if (slot_next == slot_count) {
		live_rings(live);

		int count = live_read(live, 0, slots, 256, &slot_index, &lost);

		assert_true(count > 0);
		assert_int_equal(lost, 0);
		live_take(live, 0, (unsigned)count);
		live_advance(live);
		slot_count = (unsigned)count;
		slot_next = 0;
	}
	taken = trace_event_decode(slots + slot_next, slot_count - slot_next, 0, slot_index + slot_next,
							   6, &event);
	assert_true(taken > 0);
	slot_next += (unsigned)taken;
	return event;
}

static bool no_more_events(void)
{
	uint64_t index, lost;

	return slot_next == slot_count && live_read(live, 0, slots, 256, &index, &lost) == 0;
}

/* The string of an id, by reading the arena anew. */
static void check_string(uint32_t wanted, const char *text)
{
	struct live *other;
	const char *bytes = NULL;
	size_t length = 0;
	uint32_t id = 0;
	char *why;

	assert_int_equal(live_open(coro_probe_segment(), &other, &why), 0);
	while (id != wanted)
		assert_int_equal(live_read_string(other, &id, &bytes, &length), 1);
	assert_int_equal(length, strlen(text));
	assert_string_equal(bytes, text);
	live_free(other);
}

static void create(struct coro_object *object, const char *name)
{
	coro_probe_object_init(object, CORO_OBJECT_GENERATOR, name, "file.c:7");
	coro_probe_event(object, CORO_EVENT_CREATE, CORO_STATE_CREATED, 0, 0, NULL);
}

static void destroy(struct coro_object *object)
{
	coro_probe_event(object, CORO_EVENT_DESTROY, CORO_STATE_NONE, 0, 0, NULL);
	coro_probe_object_done(object);
}

/* ---- Objects ----------------------------------------------------------- */

static void serials_count_and_rows_are_used_again(void **state)
{
	struct coro_object first, second, third;

	coro_probe_object_init(&first, CORO_OBJECT_TASK, "first", NULL);
	coro_probe_object_init(&second, CORO_OBJECT_TASK, "second", NULL);
	assert_int_equal(second.serial, first.serial + 1);
	assert_int_not_equal(second.row, first.row);
	assert_int_equal(first.magic, CORO_OBJECT_MAGIC);
	uint32_t row = first.row, gen = first.gen;

	coro_probe_object_done(&first);
	assert_int_equal(first.magic, 0);
	coro_probe_object_init(&third, CORO_OBJECT_QUEUE, "third", NULL);
	assert_int_equal(third.row, row);
	assert_int_equal(third.gen, gen + 1);
	assert_int_equal(third.serial, second.serial + 1);
	coro_probe_object_done(&second);
	coro_probe_object_done(&third);
}

static void untraced_events_only_set_the_state(void **state)
{
	struct coro_object object;

	assert_true(coro_probe_mask() == 0);
	create(&object, "silent");
	assert_int_equal(object.state, CORO_STATE_CREATED);
	assert_int_equal(object.cseq, 0);
	destroy(&object);
}

/* ---- Events ------------------------------------------------------------ */

static void event_shows_who_what_and_where(void **state)
{
	struct coro_object object, peer;
	struct trace_event event;

	create(&peer, "peer");
	create(&object, "object");
	coro_probe_event(&object, CORO_EVENT_NEXT, CORO_STATE_RUNNING, peer.row, 0x1234567890u, NULL);
	event = next_event();
	event = next_event();
	assert_int_equal(event.kind, CORO_EVENT_CREATE);
	assert_int_equal(event.prev, CORO_STATE_NONE);
	assert_int_equal(event.next, CORO_STATE_CREATED);
	assert_int_equal(event.cseq, 1);
	assert_true(event.flags & CORO_SLOT_BIND);
	assert_int_equal(event.bind.serial, object.serial);
	assert_int_equal(event.bind.kind, CORO_OBJECT_GENERATOR);
	check_string(event.bind.name, "object");
	check_string(event.bind.site, "file.c:7");
	assert_int_equal(event.value.kind, CORO_VALUE_ABSENT);
	event = next_event();
	assert_int_equal(event.kind, CORO_EVENT_NEXT);
	assert_int_equal(event.co, object.row);
	assert_int_equal(event.peer, peer.row);
	assert_int_equal(event.site, 0x34567890u);
	assert_int_equal(event.prev, CORO_STATE_CREATED);
	assert_int_equal(event.next, CORO_STATE_RUNNING);
	assert_int_equal(event.cseq, 2);
	destroy(&object);
	destroy(&peer);
}

static struct trace_value shown(struct coro_probe_value value)
{
	struct coro_object object;

	create(&object, "shower");
	next_event();
	coro_probe_event(&object, CORO_EVENT_YIELD, CORO_STATE_SUSPENDED, 0, 0, &value);

	struct trace_event event = next_event();

	destroy(&object);
	next_event();
	return event.value;
}

static void values_come_out_as_they_went_in(void **state)
{
	static const int64_t integers[] = {
		0, 1, -1, (1 << 27) - 1, 1 << 27, -(1 << 27), -(1 << 27) - 1, INT64_MAX, INT64_MIN};
	static const double reals[] = {0.0, 1.5, -2.25, 0.1, 1e300, -0.0, 3.4028234663852886e38};
	struct trace_value value;

	for (size_t i = 0; i < sizeof(integers) / sizeof(integers[0]); i++) {
		value = shown((struct coro_probe_value){.kind = CORO_VALUE_INT, .integer = integers[i]});
		assert_int_equal(value.kind, CORO_VALUE_INT);
		assert_true(value.integer == integers[i]);
	}
	for (size_t i = 0; i < sizeof(reals) / sizeof(reals[0]); i++) {
		value = shown((struct coro_probe_value){.kind = CORO_VALUE_FLOAT, .real = reals[i]});
		assert_int_equal(value.kind, CORO_VALUE_FLOAT);
		assert_memory_equal(&value.real, &reals[i], sizeof(double));
	}
	value = shown((struct coro_probe_value){.kind = CORO_VALUE_NONE});
	assert_int_equal(value.kind, CORO_VALUE_NONE);
	value = shown((struct coro_probe_value){.kind = CORO_VALUE_BOOL, .integer = 1});
	assert_int_equal(value.kind, CORO_VALUE_BOOL);
	assert_int_equal(value.integer, 1);
	value = shown((struct coro_probe_value){.kind = CORO_VALUE_OBJECT, .row = 77});
	assert_int_equal(value.kind, CORO_VALUE_OBJECT);
	assert_int_equal(value.object, 77);
	value = shown((struct coro_probe_value){.kind = CORO_VALUE_OBJECT, .row = 0x12345678});
	assert_int_equal(value.kind, CORO_VALUE_OBJECT);
	assert_int_equal(value.object, 0x12345678);
	value = shown((struct coro_probe_value){.kind = CORO_VALUE_POINTER,
											.type = "struct job",
											.pointer = &values_come_out_as_they_went_in});
	assert_int_equal(value.kind, CORO_VALUE_POINTER);
	assert_true(value.pointer == (uintptr_t)&values_come_out_as_they_went_in);
	check_string(value.type, "struct job");
	value = shown((struct coro_probe_value){
		.kind = CORO_VALUE_EXCEPTION, .type = "ValueError", .pointer = "bad port", .length = 8});
	assert_int_equal(value.kind, CORO_VALUE_EXCEPTION);
	assert_int_equal(value.stored, 8);
	assert_memory_equal(value.bytes, "bad port", 8);
	check_string(value.type, "ValueError");
}

static void long_strings_keep_their_beginning_and_their_length(void **state)
{
	char text[1000];
	struct trace_value value;

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)('a' + i % 26);
	for (size_t length = 0; length <= 300; length += 1 + length / 9) {
		value = shown((struct coro_probe_value){
			.kind = CORO_VALUE_STRING, .pointer = text, .length = length});
		assert_int_equal(value.kind, CORO_VALUE_STRING);
		assert_int_equal(value.length, length);
		assert_int_equal(value.stored,
						 length < CORO_TRACE_STORED_MAX ? length : CORO_TRACE_STORED_MAX);
		assert_memory_equal(value.bytes, text, value.stored);
	}
}

static void only_switches_read_the_clock(void **state)
{
	struct coro_object object;
	struct trace_event first, second, third;

	create(&object, "clock");
	next_event();
	coro_probe_event(&object, CORO_EVENT_NEXT, CORO_STATE_RUNNING, 0, 0, NULL);
	coro_probe_event(&object, CORO_EVENT_YIELD, CORO_STATE_SUSPENDED, 0, 0, NULL);
	coro_probe_event(&object, CORO_EVENT_SEND, CORO_STATE_RUNNING, 0, 0, NULL);
	first = next_event();
	second = next_event();
	third = next_event();
	assert_false(first.flags & CORO_SLOT_INHERIT);
	assert_true(second.flags & CORO_SLOT_INHERIT);
	assert_false(third.flags & CORO_SLOT_INHERIT);
	assert_true(second.clock == first.clock);
	assert_true(third.clock > second.clock);
	destroy(&object);
}

static void equal_names_are_one_string(void **state)
{
	struct coro_object first, second;
	char name[] = "twice";
	struct trace_event a, b;

	create(&first, "twice");
	create(&second, name);
	a = next_event();
	b = next_event();
	assert_int_equal(a.bind.name, b.bind.name);
	assert_int_not_equal(a.bind.name, 0);
	destroy(&first);
	destroy(&second);
}

static void events_are_read_before_head_is_published(void **state)
{
	struct coro_object object;

	create(&object, "eager");
	assert_int_equal(next_event().kind, CORO_EVENT_CREATE);
	assert_true(no_more_events());
	destroy(&object);
	assert_int_equal(next_event().kind, CORO_EVENT_DESTROY);
	assert_true(no_more_events());
}

static void ring_goes_round_many_times(void **state)
{
	struct coro_object object;
	uint32_t cseq = 1;

	create(&object, "round");
	next_event();
	for (uint32_t i = 0; i < 40 * RING_SLOTS; i++) {
		struct coro_probe_value value = {.kind = CORO_VALUE_STRING,
										 .pointer = "0123456789abcdefghijklmnopqrstuvwxyz",
										 .length = i % 37};

		coro_probe_event(&object, CORO_EVENT_YIELD, CORO_STATE_SUSPENDED, 0, 0, &value);
		if (i % 5 < 4 && i != 40 * RING_SLOTS - 1)
			continue;
		while (cseq < object.cseq) {
			struct trace_event event = next_event();

			assert_int_equal(event.cseq, ++cseq);
			assert_int_equal(event.value.length, (cseq - 2) % 37);
		}
	}
	destroy(&object);
}

/* ---- Signals ----------------------------------------------------------- */

static struct coro_object signalled;

static void on_signal(int number)
{
	coro_probe_event(&signalled, CORO_EVENT_NOTE, CORO_STATE_CREATED, 0, 0, NULL);
}

static void event_from_a_signal_handler_is_an_event(void **state)
{
	create(&signalled, "signalled");
	signal(SIGUSR1, on_signal);
	raise(SIGUSR1);
	assert_int_equal(next_event().kind, CORO_EVENT_CREATE);
	assert_int_equal(next_event().kind, CORO_EVENT_NOTE);
	destroy(&signalled);
}

/* ---- The gate ---------------------------------------------------------- */

/* A thread that emits `work` events, each counted after it has happened. */
static _Atomic int happened;
static _Atomic uint64_t worker_paused_ns;
static int work;

static void *emit_some(void *data)
{
	struct coro_object object;

	coro_probe_object_init(&object, CORO_OBJECT_GENERATOR, "worker", NULL);
	for (int i = 0; i < work; i++) {
		coro_probe_event(&object, i % 2 ? CORO_EVENT_YIELD : CORO_EVENT_NEXT,
						 i % 2 ? CORO_STATE_SUSPENDED : CORO_STATE_RUNNING, 0, 0, NULL);
		happened++;
	}
	coro_probe_object_done(&object);
	worker_paused_ns = coro_probe_paused_ns();
	return NULL;
}

static pthread_t start_worker(int events)
{
	pthread_t thread;

	happened = 0;
	work = events;
	assert_int_equal(pthread_create(&thread, NULL, emit_some, NULL), 0);
	return thread;
}

/* Waits until the worker is at the gate. The test's own ring lives, and is not there. */
static void wait_at_gate(void)
{
	for (int i = 0; i < 30000; i++) {
		coro_probe_park();
		if (live_rest(live) == LIVE_HELD) {
			coro_probe_resume();
			return;
		}
		poll(NULL, 0, 1);
	}
	fail_msg("the worker does not come to the gate");
}

static void paused_thread_waits_before_its_event(void **state)
{
	pthread_t thread;

	live_set_gate(live, CORO_PAUSE, 0);
	thread = start_worker(3);
	wait_at_gate();
	assert_int_equal(happened, 0);
	live_set_gate(live, CORO_RUN, 0);
	pthread_join(thread, NULL);
	assert_int_equal(happened, 3);
}

static void steps_let_exactly_so_many_events_pass(void **state)
{
	pthread_t thread;
	int passed = 0;

	live_set_gate(live, CORO_PAUSE, 0);
	thread = start_worker(60); /* nobody reads its ring of 64 */
	wait_at_gate();
	for (int steps = 1; passed + steps < 60; steps = steps % 7 + 1) {
		live_set_gate(live, CORO_STEP, (uint64_t)steps);
		passed += steps;
		wait_at_gate();
		assert_int_equal(happened, passed);
	}
	live_set_gate(live, CORO_RUN, 0);
	pthread_join(thread, NULL);
}

static void breakpoint_stops_before_the_next_event(void **state)
{
	pthread_t thread;

	live_set_breaks(live, UINT64_C(1) << CORO_EVENT_YIELD);
	thread = start_worker(10);
	wait_at_gate();
	assert_int_equal(happened, 2);
	live_set_breaks(live, 0);
	live_set_gate(live, CORO_RUN, 0);
	pthread_join(thread, NULL);
	assert_int_equal(happened, 10);
}

static void gate_opens_when_its_controller_is_gone(void **state)
{
	pthread_t thread;

	live_set_gate(live, CORO_PAUSE, 0);
	thread = start_worker(3);
	wait_at_gate();
	live_free(live);
	pthread_join(thread, NULL);
	assert_int_equal(happened, 3);
	open_live(CORO_LEASE_BLOCKING | CORO_LEASE_CONTROLLER);
}

static void full_ring_waits_for_its_reader_and_loses_nothing(void **state)
{
	struct coro_trace_slot batch[16];
	pthread_t thread = start_worker(20 * (int)RING_SLOTS);
	unsigned ring = 0, taken = 0;

	/* The ring of the worker is the youngest. */
	while (taken < 20 * RING_SLOTS) {
		uint64_t index, lost;
		int count;

		if (!taken)
			ring = live_rings(live) - 1;
		count = ring ? live_read(live, ring, batch, 16, &index, &lost) : 0;
		if (count <= 0) {
			poll(NULL, 0, 1);
			continue;
		}
		assert_int_equal(index, taken);
		assert_int_equal(lost, 0);
		assert_true(happened <= (int)(taken + RING_SLOTS) + 1);
		live_take(live, ring, (unsigned)count);
		live_advance(live);
		taken += (unsigned)count;
	}
	pthread_join(thread, NULL);
	assert_int_equal(happened, 20 * RING_SLOTS);
}

static void waiting_at_the_gate_is_counted(void **state)
{
	struct timespec before, after;
	uint64_t waited;
	pthread_t thread;

	live_set_gate(live, CORO_PAUSE, 0);
	thread = start_worker(1);
	wait_at_gate();
	clock_gettime(CLOCK_MONOTONIC, &before);
	do
		clock_gettime(CLOCK_MONOTONIC, &after);
	while ((waited = (uint64_t)(after.tv_sec - before.tv_sec) * 1000000000u +
					 (uint64_t)after.tv_nsec - (uint64_t)before.tv_nsec) < 1000000);
	live_set_gate(live, CORO_RUN, 0);
	pthread_join(thread, NULL);
	assert_true(worker_paused_ns >= waited);
	assert_true(coro_probe_paused_ns() == 0);
}

/* ---- Damage ------------------------------------------------------------ */

static void copy_segment(const char *to)
{
	char command[8192];

	snprintf(command, sizeof(command), "mkdir -m 700 '%s' && cp -r '%s'/[bcrst]* '%s'/", to,
			 coro_probe_segment(), to);
	assert_int_equal(system(command), 0);
}

static void poke(const char *directory, const char *file, off_t offset, const void *bytes,
				 size_t length)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", directory, file);
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, length, offset), (ssize_t)length);
	close(fd);
}

static void expect_refused(const char *directory, const char *reason)
{
	struct live *other = NULL;
	char *why;

	assert_true(live_open(directory, &other, &why) < 0);
	assert_null(other);
	assert_non_null(why);
	assert_non_null(strstr(why, reason));
	free(why);
}

static void damaged_segment_is_refused_or_read_as_far_as_it_goes(void **state)
{
	char base[] = "/tmp/coroscope-probe-XXXXXX", copy[64], path[128], command[128];
	struct coro_trace_slot batch[64];
	struct live *other;
	uint64_t index, lost, huge = UINT64_MAX / 3;
	uint32_t many = 0xffffffff, id;
	uint16_t major = CORO_TRACE_MAJOR + 1;
	const char *bytes;
	size_t length;
	char *why;

	assert_non_null(mkdtemp(base));
	snprintf(copy, sizeof(copy), "%s/copy", base);
	expect_refused(copy, "opened");
	copy_segment(copy);
	assert_int_equal(live_open(copy, &other, &why), 0);
	assert_true(live_rings(other) >= 1);
	live_free(other);

	/* Heads and lengths that cannot be. */
	poke(copy, "ring.0", offsetof(struct coro_ring_header, head), &huge, sizeof(huge));
	poke(copy, "str", sizeof(struct coro_str_header), &many, sizeof(many));
	poke(copy, "ctl", offsetof(struct coro_ctl, rings), &many, sizeof(many));
	assert_int_equal(live_open(copy, &other, &why), 0);
	assert_int_equal(live_rings(other), CORO_RINGS);
	assert_true(live_read(other, 0, batch, 64, &index, &lost) >= 0);
	assert_int_equal(live_read(other, CORO_RINGS - 1, batch, 64, &index, &lost), 0);
	assert_int_equal(live_read_string(other, &id, &bytes, &length), 0);
	assert_true(live_damage(other) > 0);

	/* Files that shrink under the reader. */
	snprintf(path, sizeof(path), "%s/ring.0", copy);
	assert_int_equal(truncate(path, 10), 0);
	assert_int_equal(live_read(other, 0, batch, 64, &index, &lost), 0);
	snprintf(path, sizeof(path), "%s/ctl", copy);
	assert_int_equal(truncate(path, 0), 0);
	assert_true(live_set_gate(other, CORO_PAUSE, 0) < 0);
	assert_true(live_take_lease(other, CORO_LEASE_OBSERVER) < 0);
	live_free(other);
	expect_refused(copy, "control page");

	poke(copy, "beacon", 200, "x", 1);
	expect_refused(copy, "damaged");
	poke(copy, "beacon", offsetof(struct coro_beacon, major), &major, sizeof(major));
	expect_refused(copy, "version");
	poke(copy, "beacon", 0, "x", 1);
	expect_refused(copy, "not a segment");
	snprintf(path, sizeof(path), "%s/beacon", copy);
	assert_int_equal(unlink(path), 0);
	expect_refused(copy, "no beacon");
	assert_int_equal(mkfifo(path, 0600), 0);
	expect_refused(copy, "no beacon");
	assert_int_equal(chmod(copy, 0755), 0);
	expect_refused(copy, "other users");

	snprintf(command, sizeof(command), "rm -rf '%s'", base);
	assert_int_equal(system(command), 0);
}

static void four_readers_have_a_lease_and_a_fifth_has_not(void **state)
{
	struct live *readers[CORO_LEASES];
	char *why;

	for (int i = 0; i < CORO_LEASES; i++) {
		assert_int_equal(live_open(coro_probe_segment(), &readers[i], &why), 0);
		/* One is the test's own. */
		assert_int_equal(live_take_lease(readers[i], CORO_LEASE_OBSERVER),
						 i < CORO_LEASES - 1 ? 0 : -EBUSY);
	}
	for (int i = 0; i < CORO_LEASES; i++)
		live_free(readers[i]);
}

static void beacon_says_who_and_when(void **state)
{
	const struct coro_beacon *beacon = live_beacon(live);

	assert_int_equal(beacon->pid, getpid());
	assert_true(live_is_alive(live));
	assert_true(beacon->starttime > 0);
	assert_true(beacon->mono0 > 0);
	assert_int_equal(beacon->section[0].type, CORO_SECTION_CTL);
	assert_int_equal(beacon->section[4].type, CORO_SECTION_RING);
	assert_int_equal(beacon->section[4].len, RING_SLOTS * sizeof(struct coro_trace_slot));
}

#define traced(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(serials_count_and_rows_are_used_again),
		cmocka_unit_test(untraced_events_only_set_the_state),
		traced(beacon_says_who_and_when),
		traced(event_shows_who_what_and_where),
		traced(values_come_out_as_they_went_in),
		traced(long_strings_keep_their_beginning_and_their_length),
		traced(only_switches_read_the_clock),
		traced(equal_names_are_one_string),
		traced(events_are_read_before_head_is_published),
		traced(ring_goes_round_many_times),
		traced(event_from_a_signal_handler_is_an_event),
		traced(paused_thread_waits_before_its_event),
		traced(steps_let_exactly_so_many_events_pass),
		traced(breakpoint_stops_before_the_next_event),
		traced(gate_opens_when_its_controller_is_gone),
		traced(full_ring_waits_for_its_reader_and_loses_nothing),
		traced(four_readers_have_a_lease_and_a_fifth_has_not),
		traced(damaged_segment_is_refused_or_read_as_far_as_it_goes),
		traced(waiting_at_the_gate_is_counted),
	};

	/* The probe reads this before main: start again with a small ring. */
	if (!getenv("COROSCOPE_RING_LOG2")) {
		setenv("COROSCOPE_RING_LOG2", "6", 1);
		unsetenv("COROSCOPE");
		execv("/proc/self/exe", argv);
		return 2;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
