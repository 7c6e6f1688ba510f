/*
 * live_damage_test.c - somebody writes into a ring while it is read: what cannot be is counted,
 * what was not touched is read, and reading goes on.
 *
 * The program is this process: it emits into a ring of 64 slots, for a reader that had its lease
 * before the ring was made.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <coroscope/probe.h>
#include <tracer/live.h>

#define RING_SLOTS 64u

static struct live *live;
static struct coro_object object;
static struct coro_trace_slot slots[256];
static uint64_t emitted; /* slots */
static uint64_t taken;   /* and what of them was read or counted as lost */

static void poke(const char *file, size_t offset, const void *bytes, size_t length)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", coro_probe_segment(), file);
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, length, (off_t)offset), (ssize_t)length);
	close(fd);
}

static void poke_head(uint64_t head)
{
	poke("ring.0", offsetof(struct coro_ring_header, head), &head, sizeof(head));
}

static void poke_slot(uint64_t index, size_t offset, uint64_t number)
{
	poke("ring.0",
		 sizeof(struct coro_ring_header) + index % RING_SLOTS * sizeof(struct coro_trace_slot) +
			 offset,
		 &number, sizeof(number));
}

/* Events without a payload: a slot each. */
static void emit(unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		coro_probe_event(&object, CORO_EVENT_YIELD, CORO_STATE_SUSPENDED, 0, 0, NULL);
	emitted += count;
}

/* Likewise, from a ring that was written over: it names its rows now and then, which takes slots as
 * well. */
static void emit_careful(unsigned count)
{
	struct coro_ring_header header;
	char path[4096];
	int fd;

	emit(count);
	coro_probe_park(); /* publishes the head */
	coro_probe_resume();
	snprintf(path, sizeof(path), "%s/ring.0", coro_probe_segment());
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &header, sizeof(header), 0), sizeof(header));
	close(fd);
	assert_true(header.head >= emitted);
	emitted = header.head;
}

/* Reads and takes all there is. Returns how many slots; *ret_lost: how many besides. */
static unsigned read_all(uint64_t *ret_lost)
{
	uint64_t index, lost;
	unsigned all = 0;
	int count;

	*ret_lost = 0;
	live_rings(live);
	while ((count = live_read(live, 0, slots, 256, &index, &lost)) > 0 || lost) {
		*ret_lost += lost;
		assert_int_equal(index, taken + lost);
		taken += lost + (unsigned)count;
		assert_true(taken <= emitted);
		all += (unsigned)count;
		live_take(live, 0, (unsigned)count);
		live_advance(live);
	}
	return all;
}

static void heads_that_cannot_be_are_damage_and_nothing_is_lost(void **state)
{
	uint64_t lost, damage = live_damage(live);
	const uint64_t away[] = {UINT64_C(1) << 40, 1000 * 16 * RING_SLOTS, 100 * RING_SLOTS, 65};

	for (unsigned i = 0; i < 4; i++) {
		emit(3);
		poke_head(emitted + away[i]);
		assert_int_equal(read_all(&lost), 3);
		assert_int_equal(lost, 0);
		assert_int_equal(live_damage(live), ++damage);
		assert_int_equal(read_all(&lost), 0);
		assert_int_equal(live_damage(live), damage);
	}
}

static void a_head_that_promises_too_much_does_not_lead_astray(void **state)
{
	uint64_t lost;

	emit(2);
	poke_head(emitted + 50);
	assert_int_equal(read_all(&lost), 2);
	assert_int_equal(lost, 0);
	emit(40);
	assert_int_equal(read_all(&lost), 40);
	assert_int_equal(lost, 0);
}

static void a_head_that_went_back_holds_nothing_up(void **state)
{
	uint64_t lost;

	emit(7);
	poke_head(0);
	assert_int_equal(read_all(&lost), 7);
	assert_int_equal(lost, 0);
}

static void a_damaged_slot_is_passed_over_and_counted(void **state)
{
	uint64_t lost, damage = live_damage(live), first = emitted;

	emit(20);
	poke_slot(first, 0, 0);
	poke_slot(first + 7, 0, 0);
	poke_head(emitted);
	assert_int_equal(read_all(&lost), 18);
	assert_int_equal(lost, 2);
	assert_true(live_damage(live) > damage);
}

static void one_slot_of_nonsense_beyond_the_end_is_no_news(void **state)
{
	uint64_t lost,
		word = CORO_SLOT_WORD(CORO_EVENT_YIELD, 0, 0, 0, 0, (emitted + 30) / RING_SLOTS + 1, 1);

	assert_int_equal(read_all(&lost), 0);
	poke_slot(emitted + 30, 0, word);
	poke_head(emitted + (UINT64_C(1) << 50));
	assert_int_equal(read_all(&lost), 0);
	assert_int_equal(lost, 0);
	poke_head(emitted + 40);
	assert_int_equal(read_all(&lost), 0);
	assert_int_equal(lost, 0);
	emit(35);
	assert_int_equal(read_all(&lost), 35);
	assert_int_equal(lost, 0);
}

static void a_writer_that_did_not_wait_is_found_again(void **state)
{
	for (unsigned more = 20; more <= 500; more += 160) {
		uint64_t lost, nowhere = UINT64_C(1) << 60;

		/* The tail is gone, and so nobody is waited for. */
		poke("ctl", offsetof(struct coro_ctl, tail), &nowhere, sizeof(nowhere));
		emit_careful(RING_SLOTS + more);
		assert_true(read_all(&lost) > 0);
		assert_true(lost >= more);
		emit_careful(RING_SLOTS / 2);
		read_all(&lost);
		assert_true(taken + RING_SLOTS >= emitted);
		emit_careful(RING_SLOTS / 2);
		read_all(&lost);
	}
	/* From here on it waits again. */
	for (unsigned i = 0; i < 10; i++) {
		uint64_t lost;

		emit_careful(30);
		assert_true(read_all(&lost) >= 30);
		assert_int_equal(lost, 0);
	}
	assert_int_equal(taken, emitted);
}

static void a_lease_that_was_written_over_is_taken_again(void **state)
{
	uint64_t lost, damage = live_damage(live);
	struct coro_lease lease = {.pid = 1};

	poke("ctl", offsetof(struct coro_ctl, lease), &lease, 8);
	emit(5);
	assert_int_equal(read_all(&lost), 5);
	assert_int_equal(live_damage(live), damage + 1);
	emit(5);
	assert_int_equal(read_all(&lost), 5);
	assert_int_equal(live_damage(live), damage + 1);
}

static void a_tail_that_was_set_back_is_said_again(void **state)
{
	uint64_t lost, damage = live_damage(live), back, tail;
	char path[4096];
	int fd;

	emit(10);
	read_all(&lost);
	live_tell_again(live);
	assert_int_equal(live_damage(live), damage);
	/* One that could be, and at which the ring is full: the program would wait for us. */
	back = taken - RING_SLOTS;
	poke("ctl", offsetof(struct coro_ctl, tail), &back, sizeof(back));
	live_tell_again(live);
	assert_int_equal(live_damage(live), damage + 1);
	snprintf(path, sizeof(path), "%s/ctl", coro_probe_segment());
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &tail, sizeof(tail), offsetof(struct coro_ctl, tail)), sizeof(tail));
	close(fd);
	assert_int_equal(tail, taken);
	live_tell_again(live);
	assert_int_equal(live_damage(live), damage + 1);
}

static void clocks_that_cannot_be_become_the_last_good_one(void **state)
{
	uint64_t lost, damage = live_damage(live), first = emitted, good;

	emit(4);
	poke_slot(first + 1, offsetof(struct coro_trace_slot, clock), 0);
	poke_slot(first + 2, offsetof(struct coro_trace_slot, clock), UINT64_MAX);
	poke_slot(first + 3, offsetof(struct coro_trace_slot, clock), live_beacon(live)->clock0 - 1);
	assert_int_equal(read_all(&lost), 4);
	good = slots[0].clock;
	assert_true(good >= live_beacon(live)->clock0);
	for (unsigned i = 1; i < 4; i++)
		assert_int_equal(slots[i].clock, good);
	assert_int_equal(live_damage(live), damage + 3);
}

static int begin(void **state)
{
	char *why;

	if (!coro_probe_segment() || live_open(coro_probe_segment(), &live, &why) < 0)
		return 1;
	coro_probe_object_init(&object, CORO_OBJECT_GENERATOR, "damaged", NULL);
	return live_take_lease(live, CORO_LEASE_BLOCKING) < 0 || live_set_kinds(live, UINT64_MAX) < 0;
}

static int end(void **state)
{
	live_free(live);
	coro_probe_object_done(&object);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(heads_that_cannot_be_are_damage_and_nothing_is_lost),
		cmocka_unit_test(a_head_that_promises_too_much_does_not_lead_astray),
		cmocka_unit_test(a_head_that_went_back_holds_nothing_up),
		cmocka_unit_test(a_damaged_slot_is_passed_over_and_counted),
		cmocka_unit_test(one_slot_of_nonsense_beyond_the_end_is_no_news),
		cmocka_unit_test(a_tail_that_was_set_back_is_said_again),
		cmocka_unit_test(clocks_that_cannot_be_become_the_last_good_one),
		cmocka_unit_test(a_lease_that_was_written_over_is_taken_again),
		cmocka_unit_test(a_writer_that_did_not_wait_is_found_again),
	};

	/* The probe reads this before main: start again with a small ring. */
	if (!getenv("COROSCOPE_RING_LOG2")) {
		setenv("COROSCOPE_RING_LOG2", "6", 1);
		unsetenv("COROSCOPE");
		execv("/proc/self/exe", argv);
		return 2;
	}
	return cmocka_run_group_tests(tests, begin, end);
}
