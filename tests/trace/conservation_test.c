/*
 * conservation_test.c - what a program emits is read or counted as lost, each slot once, whatever
 * becomes of its reader.
 *
 *     test ──fork, exec──► program: two threads, a ring each; says what it emitted, stays
 *       └──fork──────────► reader: takes the lease, reads, is slow, stops, or is killed
 *
 * The program knows what it emitted, and the reader what it read and what it was told is lost.
 * For block and drop each slot of an event is in one of these; for overwrite each slot
 * of the ring, for what was written over may have been a name.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include <coroscope/probe.h>
#include <tracer/live.h>

#define RINGS  3     /* the first one is the main thread's, which emits nothing */
#define ROUNDS 20000 /* of each thread */
#define LOG2   9
#define SIZE   ((uint64_t)1 << LOG2)
#define BATCH  64u

/* ---- The program ------------------------------------------------------- */

static pthread_barrier_t barrier;
static uint64_t emitted[RINGS]; /* slots of events, by ring */
static unsigned rings_made = 1;
static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;

static void emit(uint64_t *slots, struct coro_object *object, unsigned kind, unsigned next,
				 uint32_t peer, const struct coro_probe_value *value, unsigned needed)
{
	uint32_t before = object->cseq;

	coro_probe_event(object, kind, next, peer, 0, value);
	*slots += object->cseq != before ? needed : 0; /* else nobody traced by then */
}

static void *emit_all(void *data)
{
	static const struct coro_probe_value large = {.kind = CORO_VALUE_INT, .integer = INT64_MAX};
	struct coro_object first, second;
	uint64_t slots = 0;
	unsigned ring;

	pthread_mutex_lock(&making);
	coro_probe_object_init(&first, CORO_OBJECT_GENERATOR, "first", NULL);
	emit(&slots, &first, CORO_EVENT_CREATE, CORO_STATE_CREATED, 0, NULL, 2);
	ring = rings_made++;
	pthread_mutex_unlock(&making);
	for (unsigned i = 0; i < ROUNDS; i++) {
		coro_probe_object_init(&second, CORO_OBJECT_GENERATOR, "second", NULL);
		emit(&slots, &second, CORO_EVENT_CREATE, CORO_STATE_CREATED, first.row, NULL, 2);
		emit(&slots, &second, CORO_EVENT_SEND, CORO_STATE_RUNNING, first.row, &large, 2);
		emit(&slots, &first, CORO_EVENT_NEXT, CORO_STATE_RUNNING, second.row, NULL, 1);
		emit(&slots, &first, CORO_EVENT_YIELD, CORO_STATE_SUSPENDED, 0, NULL, 1);
		emit(&slots, &second, CORO_EVENT_DESTROY, CORO_STATE_NONE, 0, NULL, 1);
		coro_probe_object_done(&second);
	}
	emitted[ring] = slots;
	coro_probe_park(); /* publishes what there is */
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	return NULL;
}

/* Says what it emitted on stdout, and stays until stdin ends. */
static int run_program(void)
{
	pthread_t thread;
	char byte;

	pthread_barrier_init(&barrier, NULL, RINGS);
	for (unsigned i = 1; i < RINGS; i++)
		if (pthread_create(&thread, NULL, emit_all, NULL))
			return 1;
	pthread_barrier_wait(&barrier);
	if (write(1, emitted, sizeof(emitted)) != sizeof(emitted))
		return 1;
	return read(0, &byte, 1) != 0;
}

/* ---- The reader -------------------------------------------------------- */

enum manner { FAST, SLOW, STOPPED, KILLED_EARLY, KILLED_READING, KILLED_TAKEN, KILLED_TOLD };

/* What it has done so far; shared with the test. */
struct account {
	bool ready, finish, finished;
	struct {
		uint64_t next;   /* the first slot that it has not taken */
		uint64_t taken;  /* slots */
		uint64_t events; /* of these, those of events, but for binds that were added */
		uint64_t lost;
	} ring[CORO_RINGS];
};
static struct account *account;

static bool is_added(const struct coro_trace_slot *slot)
{
	unsigned kind = CORO_SLOT_KIND(slot->word);

	return CORO_SLOT_FLAGS(slot->word) & CORO_SLOT_BIND && kind != CORO_EVENT_CREATE;
}

static uint64_t count_events(const struct coro_trace_slot *slots, unsigned count)
{
	uint64_t events = 0;

	for (unsigned i = 0; i < count; i++) {
		unsigned kind = CORO_SLOT_KIND(slots[i].word);

		if (kind == CORO_EVENT_IDENTITY)
			events--; /* and its payload slot */
		else
			events += 1 - (uint64_t)is_added(&slots[i]);
	}
	return events;
}

static bool take(struct live *live, unsigned ring, unsigned room)
{
	struct coro_trace_slot slots[BATCH];
	uint64_t index, lost;
	int count = live_read(live, ring, slots, room, &index, &lost);

	if (count <= 0 && !lost)
		return false;
	account->ring[ring].lost += lost;
	account->ring[ring].taken += (uint64_t)count;
	account->ring[ring].events += count_events(slots, (unsigned)count);
	account->ring[ring].next = index + (uint64_t)count;
	live_take(live, ring, (unsigned)count);
	return true;
}

static struct coro_ring_header header_of(const char *segment, unsigned ring)
{
	struct coro_ring_header header = {0};
	char path[4200];
	int fd;

	snprintf(path, sizeof(path), "%s/ring.%u", segment, ring);
	fd = open(path, O_RDONLY);
	if (fd >= 0 && pread(fd, &header, sizeof(header), 0) != sizeof(header))
		header.head = 0;
	if (fd >= 0)
		close(fd);
	return header;
}

/* Whether the ring has no room for much, or nothing comes any more. */
static bool is_full(const char *segment, unsigned ring)
{
	return account->finish ||
		   header_of(segment, ring).head >= account->ring[ring].next + SIZE - BATCH;
}

static void die(void)
{
	kill(getpid(), SIGKILL);
}

static void read_rings(struct live *live, const char *segment, enum manner manner)
{
	unsigned rounds = 0;

	for (;;) {
		bool finish = __atomic_load_n(&account->finish, __ATOMIC_ACQUIRE), any = false;
		unsigned rings = live_rings(live);

		for (unsigned ring = 0; ring < rings; ring++) {
			if (manner == SLOW && !is_full(segment, ring))
				continue;
			if (manner == KILLED_READING && rounds > 2) {
				struct coro_trace_slot slots[BATCH];
				uint64_t index, lost;

				int count = live_read(live, ring, slots, BATCH, &index, &lost);

				account->ring[ring].lost += lost;
				account->ring[ring].next = index;
				if (count > 0)
					die();
			}
			while (take(live, ring, manner == SLOW ? 16 : BATCH) && (any = true))
				if (manner == SLOW || ++rounds % 8 == 0)
					break;
			if (manner == KILLED_TAKEN && rounds > 2)
				die();
			live_advance(live);
			if (manner == KILLED_TOLD && rounds > 2)
				die();
			if (manner == STOPPED && rounds > 2) {
				manner = FAST;
				raise(SIGSTOP);
			}
		}
		if (finish && !any)
			break;
		if (!any)
			sched_yield();
	}
	__atomic_store_n(&account->finished, true, __ATOMIC_RELEASE);
}

static int run_reader(const char *segment, enum coro_policy policy, uint32_t block_ms,
					  enum manner manner)
{
	struct live *live;
	char *why;

	if (live_open(segment, &live, &why) < 0 ||
		live_take_lease(live, policy == CORO_POLICY_OVERWRITE ? CORO_LEASE_OBSERVER
															  : CORO_LEASE_BLOCKING) < 0 ||
		live_set_policy(live, policy, LOG2, block_ms) < 0 ||
		live_set_kinds(live, ((uint64_t)1 << CORO_EVENT_LIMIT) - 2) < 0)
		return 1;
	__atomic_store_n(&account->ready, true, __ATOMIC_RELEASE);
	if (manner == KILLED_EARLY) {
		while (live_rings(live) < RINGS)
			sched_yield();
		die();
	}
	read_rings(live, segment, manner);
	live_free(live);
	return 0;
}

/* ---- The test ---------------------------------------------------------- */

static char *self;

struct run {
	pid_t program, reader;
	int input, output; /* the program's */
	char segment[4096];
};

static void begin_program(struct run *run)
{
	int launch[2], input[2], output[2];
	size_t length = 0;
	char number[16];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, launch), 0);
	assert_int_equal(pipe2(input, O_CLOEXEC), 0);
	assert_int_equal(pipe2(output, O_CLOEXEC), 0);
	fcntl(launch[0], F_SETFD, FD_CLOEXEC);
	run->program = fork();
	assert_true(run->program >= 0);
	if (!run->program) {
		snprintf(number, sizeof(number), "%d", launch[1]);
		setenv(CORO_LAUNCH_VARIABLE, number, 1);
		dup2(input[0], 0);
		dup2(output[1], 1);
		execl(self, self, "emit", (char *)NULL);
		_exit(127);
	}
	close(launch[1]);
	close(input[0]);
	close(output[1]);
	run->input = input[1];
	run->output = output[0];
	while (!length || run->segment[length - 1] != '\n') {
		ssize_t got = read(launch[0], run->segment + length, sizeof(run->segment) - length);

		assert_true(got > 0);
		length += (size_t)got;
	}
	run->segment[length - 1] = 0;
	/* It goes on when the reader is there: see go(). */
	run->reader = launch[0];
}

static void go(struct run *run, enum coro_policy policy, uint32_t block_ms, enum manner manner)
{
	int launch = run->reader;

	run->reader = fork();
	assert_true(run->reader >= 0);
	if (!run->reader)
		_exit(run_reader(run->segment, policy, block_ms, manner));
	while (!__atomic_load_n(&account->ready, __ATOMIC_ACQUIRE))
		sched_yield();
	assert_int_equal(send(launch, "", 1, 0), 1);
	close(launch);
}

static void wait_until_full(const struct run *run)
{
	for (unsigned ring = 1; ring < RINGS; ring++)
		while (!is_full(run->segment, ring))
			sched_yield();
}

static void hear(struct run *run)
{
	size_t length = 0;

	while (length < sizeof(emitted)) {
		ssize_t got = read(run->output, (char *)emitted + length, sizeof(emitted) - length);

		assert_true(got > 0);
		length += (size_t)got;
	}
}

/* What a reader that died has left in the segment. */
static void read_rest(const struct run *run, enum coro_policy policy)
{
	struct live *live;
	char *why;

	assert_int_equal(live_open(run->segment, &live, &why), 0);
	for (unsigned ring = 0; ring < live_rings(live); ring++) {
		struct coro_trace_slot slots[BATCH];
		uint64_t index, lost, next = account->ring[ring].next;
		int count;

		bool first = true;

		if (policy == CORO_POLICY_OVERWRITE)
			assert_int_equal(next, account->ring[ring].taken + account->ring[ring].lost);

		while ((count = live_read(live, ring, slots, BATCH, &index, &lost)) > 0 || lost) {
			/* The rest of an event whose beginning the other one took. */
			if (first && policy != CORO_POLICY_OVERWRITE && index > next)
				account->ring[ring].events += index - next < lost ? index - next : lost;
			first = false;
			for (int i = 0; i < count; i++) {
				if (index + (uint64_t)i < next)
					continue;
				/* Elsewhere it is a LOST that was passed over. */
				if (policy == CORO_POLICY_OVERWRITE)
					account->ring[ring].lost += index + (uint64_t)i - next;
				account->ring[ring].taken++;
				account->ring[ring].events += count_events(&slots[i], 1);
				next = index + (uint64_t)i + 1;
			}
			live_take(live, ring, (unsigned)count);
		}
		assert_true(next == header_of(run->segment, ring).head || policy != CORO_POLICY_OVERWRITE);
	}
	live_free(live);
}

static void check(const struct run *run, enum coro_policy policy)
{
	for (unsigned ring = 0; ring < RINGS; ring++) {
		struct coro_ring_header header = header_of(run->segment, ring);

		assert_int_equal(emitted[ring], header.head - header.records + header.dropped);
		if (!header.magic)
			continue; /* nobody traced any more when it would have been made */
		assert_int_equal(header.policy, policy);
		if (policy == CORO_POLICY_OVERWRITE)
			assert_int_equal(header.head + header.dropped,
							 account->ring[ring].taken + account->ring[ring].lost);
		else
			assert_int_equal(emitted[ring], account->ring[ring].events + account->ring[ring].lost);
	}
}

/* What a recorder has not read when it dies stays, for whoever recovers it. */
static void check_left(const struct run *run, enum coro_policy policy)
{
	struct live *live;
	char *why;

	if (policy == CORO_POLICY_OVERWRITE) {
		assert_int_equal(access(run->segment, F_OK), -1); /* of an observer nothing is left */
		return;
	}
	assert_int_equal(live_open(run->segment, &live, &why), 0);
	live_remove(live);
	live_free(live);
	assert_int_equal(access(run->segment, F_OK), -1);
}

static bool is_killed(enum manner manner)
{
	return manner >= KILLED_EARLY;
}

static void conserve(enum coro_policy policy, uint32_t block_ms, enum manner manner)
{
	struct run run = {0};
	int status;

	memset(account, 0, sizeof(*account));
	begin_program(&run);
	go(&run, policy, block_ms, manner);
	if (manner == STOPPED) {
		assert_int_equal(waitpid(run.reader, &status, WUNTRACED), run.reader);
		assert_true(WIFSTOPPED(status));
		if (policy == CORO_POLICY_BLOCK && !block_ms) {
			wait_until_full(&run);
			kill(run.reader, SIGCONT);
		}
	}
	hear(&run);
	__atomic_store_n(&account->finish, true, __ATOMIC_RELEASE);
	kill(run.reader, SIGCONT);
	assert_int_equal(waitpid(run.reader, &status, 0), run.reader);
	if (is_killed(manner)) {
		assert_true(WIFSIGNALED(status));
		read_rest(&run, policy);
		/* Of those that were dropped it was told when they were, or died before. */
		for (unsigned ring = 0; ring < RINGS; ring++) {
			uint64_t dropped = header_of(run.segment, ring).dropped;

			if (policy == CORO_POLICY_OVERWRITE)
				account->ring[ring].lost += dropped;
			else
				account->ring[ring].lost = dropped;
		}
	} else {
		assert_int_equal(status, 0);
	}
	check(&run, policy);
	if (policy != CORO_POLICY_BLOCK && manner == STOPPED)
		assert_true(account->ring[1].lost > 0);
	close(run.input);
	close(run.output);
	assert_int_equal(waitpid(run.program, &status, 0), run.program);
	assert_int_equal(status, 0);
	if (is_killed(manner))
		check_left(&run, policy);
}

#define CONSERVE(name, policy, block_ms)                                                           \
	static void name##_conserves_with_a_fast_reader(void **state)                                  \
	{                                                                                              \
		conserve(policy, block_ms, FAST);                                                          \
	}                                                                                              \
	static void name##_conserves_with_a_slow_reader(void **state)                                  \
	{                                                                                              \
		conserve(policy, block_ms, SLOW);                                                          \
	}                                                                                              \
	static void name##_conserves_with_a_stopped_reader(void **state)                               \
	{                                                                                              \
		conserve(policy, block_ms, STOPPED);                                                       \
	}                                                                                              \
	static void name##_conserves_with_a_killed_reader(void **state)                                \
	{                                                                                              \
		for (enum manner manner = KILLED_EARLY; manner <= KILLED_TOLD; manner++)                   \
			conserve(policy, block_ms, manner);                                                    \
	}
CONSERVE(block, CORO_POLICY_BLOCK, 0)
CONSERVE(block_with_a_timeout, CORO_POLICY_BLOCK, 1)
CONSERVE(drop, CORO_POLICY_DROP, 0)
CONSERVE(overwrite, CORO_POLICY_OVERWRITE, 0)

#define FOUR(name)                                                                                 \
	cmocka_unit_test(name##_conserves_with_a_fast_reader),                                         \
		cmocka_unit_test(name##_conserves_with_a_slow_reader),                                     \
		cmocka_unit_test(name##_conserves_with_a_stopped_reader),                                  \
		cmocka_unit_test(name##_conserves_with_a_killed_reader)

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		FOUR(block),
		FOUR(block_with_a_timeout),
		FOUR(drop),
		FOUR(overwrite),
	};

	if (argc > 1 && strcmp(argv[1], "emit") == 0)
		return run_program();
	self = argv[0];
	account =
		mmap(NULL, sizeof(*account), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return account == MAP_FAILED ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
