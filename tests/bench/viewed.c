/*
 * viewed.c - a program that emits all the time, while one viewer after the other looks at it, and
 * dies: how long does that hold it up?
 *
 *     viewed STATE TRIES       the longest delay of so many tries, ms
 *
 * The viewer is a process of its own, and so is who kills it, when it is in the state in which it
 * shall die. What is measured is the longest time between that moment and the end of an event that
 * was then under way, or began in the next 20 ms.
 *
 *     blocking   the program waits for room: the viewer does not read
 *     stopped    the same, and the viewer was stopped before it is killed
 *     paused     the program waits at the gate
 *     stepping   it was let go event by event, and waits there for the next one
 *     observer   nobody waits
 *     waits      nobody dies: the viewer is stopped, and the program waits for 20 ms before it
 * drops
 *                (--block-timeout)
 */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <coroscope/probe.h>
#include <tracer/live.h>

#define AFTER_NS    20000000 /* the program is watched for so long after the death */
#define TIMEOUT_MS  20       /* of `waits` */
#define RING_LOG2   "9"
#define NEARLY_FULL 448 /* slots */

enum state { BLOCKING, STOPPED, PAUSED, STEPPING, OBSERVER, WAITS };
static const char *const names[] = {"blocking", "stopped",  "paused",
									"stepping", "observer", "waits"};
#define STATES (sizeof(names) / sizeof(names[0]))

static struct {
	uint32_t wanted; /* events are wanted by now */
	uint32_t ready;  /* the viewer is where it shall die */
	int64_t died_at; /* 0: not yet */
	uint32_t failed; /* the viewer could not even begin */
} * share;

static char segment[4096]; /* ours; a child does not know it any more */

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void sleep_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

/* ---- The viewer -------------------------------------------------------- */

static uint64_t head_of(struct live *live)
{
	struct coro_ring_header header;

	return live_rings(live) && live_ring_header(live, 0, &header) >= 0 ? header.head : 0;
}

/* Comes into the state; `before` slots were there when it came. */
static void take_place(struct live *live, enum state state, uint64_t before)
{
	switch (state) {
	case PAUSED:
	case STEPPING:
		live_set_gate(live, state == PAUSED ? CORO_PAUSE : CORO_STEP, 3);
		while (live_rest(live) != LIVE_HELD)
			sleep_ms(1);
		return;
	case OBSERVER:
		return;
	default:
		while (head_of(live) < before + NEARLY_FULL)
			sleep_ms(1);
		sleep_ms(2);
	}
}

/* What others left unread, before anything is wanted: the program has room then. */
static void read_all(struct live *live)
{
	static struct coro_trace_slot slots[1024];
	uint64_t index, lost;
	int count;

	for (unsigned ring = 0; ring < live_rings(live); ring++)
		while ((count = live_read(live, ring, slots, 1024, &index, &lost)) > 0 || lost)
			live_take(live, ring, (unsigned)count);
	live_advance(live);
}

static void view(enum state state)
{
	static const uint32_t flags[STATES] = {CORO_LEASE_BLOCKING,
										   CORO_LEASE_BLOCKING,
										   CORO_LEASE_CONTROLLER | CORO_LEASE_BLOCKING,
										   CORO_LEASE_CONTROLLER | CORO_LEASE_BLOCKING,
										   CORO_LEASE_OBSERVER,
										   CORO_LEASE_BLOCKING};
	struct live *live;
	uint64_t before;
	char *why;

	if (live_open(segment, &live, &why) < 0 || live_take_lease(live, flags[state]) < 0 ||
		live_set_policy(live, CORO_POLICY_BLOCK, 0, state == WAITS ? TIMEOUT_MS : 0) < 0)
		_exit(1);
	read_all(live);
	before = head_of(live);
	live_set_kinds(live, ((uint64_t)1 << CORO_EVENT_LIMIT) - 2);
	__atomic_store_n(&share->wanted, 1, __ATOMIC_RELEASE);
	if (state == WAITS)
		raise(SIGSTOP);
	take_place(live, state, before);
	__atomic_store_n(&share->ready, 1, __ATOMIC_RELEASE);
	if (state == STOPPED)
		raise(SIGSTOP);
	for (;;)
		pause();
}

/* The viewer's parent, which kills it. */
static void end_viewer(enum state state)
{
	pid_t viewer = fork();
	int status = 0x7f; /* it lives */

	if (viewer < 0)
		_exit(1);
	if (!viewer)
		view(state);
	if (state == STOPPED || state == WAITS)
		waitpid(viewer, &status, WUNTRACED);
	while (state != WAITS && !__atomic_load_n(&share->ready, __ATOMIC_ACQUIRE) &&
		   waitpid(viewer, &status, WNOHANG) != viewer)
		sleep_ms(1);
	if (WIFEXITED(status)) {
		share->failed = 1;
		__atomic_store_n(&share->wanted, 1, __ATOMIC_RELEASE);
	}
	if (state == WAITS)
		sleep_ms(5 * TIMEOUT_MS);
	__atomic_store_n(&share->died_at, now_ns(), __ATOMIC_RELEASE);
	kill(viewer, SIGKILL);
	waitpid(viewer, &status, 0);
	_exit(0);
}

/* ---- The program ------------------------------------------------------- */

static struct coro_object generator;

static int64_t emit_one(void)
{
	static bool runs;

	runs = !runs;
	coro_probe_event(&generator, runs ? CORO_EVENT_NEXT : CORO_EVENT_YIELD,
					 runs ? CORO_STATE_RUNNING : CORO_STATE_SUSPENDED, 0, 0, NULL);
	return now_ns();
}

/* One viewer, from its coming to its end. The longest delay, ns. */
static int64_t try_once(enum state state)
{
	int64_t longest = 0, last, died = 0;
	pid_t killer;

	memset(share, 0, sizeof(*share));
	killer = fork();
	if (killer < 0)
		exit(1);
	if (!killer)
		end_viewer(state);
	while (!__atomic_load_n(&share->wanted, __ATOMIC_ACQUIRE))
		sleep_ms(1);
	for (last = now_ns(); !died || last < died + AFTER_NS;) {
		int64_t time = emit_one(), from = last;

		died = __atomic_load_n(&share->died_at, __ATOMIC_ACQUIRE);
		if (state != WAITS && from < died)
			from = died;
		if ((died || state == WAITS) && time - from > longest)
			longest = time - from;
		last = time;
	}
	waitpid(killer, NULL, 0);
	return share->failed ? -1 : longest;
}

int main(int argc, char **argv)
{
	long tries = argc > 2 ? atol(argv[2]) : 50;
	int64_t longest = 0;
	size_t state = 0;

	while (argc > 1 && state < STATES && strcmp(argv[1], names[state]))
		state++;
	if (argc < 2 || state == STATES)
		return 2;
	if (!getenv("COROSCOPE_RING_LOG2")) {
		setenv("COROSCOPE_RING_LOG2", RING_LOG2, 1);
		execv("/proc/self/exe", argv);
		return 1;
	}
	share = mmap(NULL, sizeof(*share), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (share == MAP_FAILED || !coro_probe_segment())
		return 1;
	snprintf(segment, sizeof(segment), "%s", coro_probe_segment());
	coro_probe_object_init(&generator, CORO_OBJECT_GENERATOR, "counter", NULL);
	for (long i = 0; i < tries; i++) {
		int64_t delay = try_once((enum state)state);

		if (delay < 0)
			return 1;
		longest = delay > longest ? delay : longest;
	}
	printf("%.3f\n", (double)longest / 1e6);
	return 0;
}
