/*
 * recorder.c - from the rings, the arena and the pty into the trace.
 *
 * Two threads. The recorder drains; it sleeps in poll() on the program's output, the keeper
 * and `poke`. The waiter sleeps on the lease's futex and pokes the recorder: there is no
 * poll() for a futex. Whoever waits in target_settle() sleeps on the futex himself, and
 * drains under the same lock, so that a step needs two changes of context and not four.
 *
 * ORDER. One drain looks where the program is, then takes the slots of all rings, and then
 * the output. If the program was at rest when it looked, these are all slots and all output
 * up to the gate: output stands exactly after the event before it. At full speed it is
 * placed after the last event that was drained before it; the rings are looked at again once
 * it was read, so that it never stands before an event that came before it. Only what is
 * written at rest, or while a single event passes, has its place exactly: the rest is marked.
 *
 * Slots of several rings are merged by clock (merge.h). Each round looks at the clock, copies what
 * each ring has, and appends what is older than that look: what a thread does later has a later
 * clock, if it has seen anything of what others did since, for who was woken reads it. What is
 * newer stays in the rings for the next round.
 *
 * STRINGS. Slots are copied first, then new strings are appended, then the slots: a slot's
 * strings were published before it, so they are there before it is decoded.
 *
 * SAFETY. What was appended is flushed at most 100 ms later, or when a quarter of a ring
 * waits; only then the tails advance, so that what is not in the file is still in the ring. With a
 * quarter of a ring the trace's own thread does it (trace_flush_behind), and the tails advance with
 * the next quarter: half of the ring is the program's meanwhile.
 */
#include "target_private.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <tracer/symbols.h>

#include "keeper.h"
#include "merge.h"

#define FLUSH_NS    100000000u
#define LEAST_BATCH 1024u /* slots of each ring, when there are many */
#define BATCHES     8     /* of each ring in one drain of a running program */
#define BUSY_MS     10    /* how often a running program is looked at */
#define IDLE_LOOKS  20    /* without anything new before it is waited for instead */
#define IDLE_MS     1000

uint64_t recorder_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- Stacks ------------------------------------------------------------ */

int recorder_want_stacks(struct target *target, enum coro_stacks stacks, uint64_t bytes_a_second,
						 const struct live_clock *early)
{
	uint64_t hz = bytes_a_second ? live_clock_hz(target->live, early) : 0;
	int result;

	if (target->policy == CORO_POLICY_OVERWRITE)
		stacks = CORO_STACKS_NONE;
	result = live_set_stacks(target->live, stacks, bytes_a_second, hz);
	return result == -EPROTONOSUPPORT ? 0 : result;
}

static int stack_bytes(void *context, uint32_t ring, const struct coro_trace_stack *slot,
					   uint64_t *ret_sp, const uint8_t **ret)
{
	const struct target *target = context;

	return live_stack_bytes(target->live, ring, slot, ret_sp, ret);
}

/* ---- Draining ---------------------------------------------------------- */

/* Recording has ended, because the trace cannot be written: the program shall not wait. */
static void give_up(struct target *target, int error)
{
	if (target->error)
		return;
	target->error = error;
	live_release(target->live);
}

void recorder_take_strings(struct target *target)
{
	const char *bytes;
	uint32_t id;
	size_t length;

	while (live_read_string(target->live, &id, &bytes, &length) > 0)
		trace_append_string(target->trace, id, bytes, length);
}

static void take_strings(void *context)
{
	recorder_take_strings(context);
}

static bool is_library(void *context, uint32_t site)
{
	struct target *target = context;
	struct symbols_place place;

	return target->symbols && symbols_place(target->symbols, site, false, &place) >= 0 &&
		   place.function && !strncmp(place.function, "coro_", 5);
}

int recorder_take_baseline(struct target *target)
{
	int result = baseline_take(target->baseline, target->live, target->trace,
							   &(struct baseline_help){take_strings, is_library, target});

	if (result < 0)
		give_up(target, result);
	return result;
}

/* One batch of one ring. Returns whether there was anything. */
static bool take_batch(struct target *target, unsigned ring)
{
	uint64_t index, lost;
	int count, taken;

	if (target->baseline && !baseline_has(target->baseline, ring))
		return false;
	count = live_read(target->live, ring, target->slots, RECORDER_BATCH, &index, &lost);
	if (lost)
		trace_append_lost(target->trace, ring, lost);
	if (count <= 0)
		return lost > 0;
	/* Another ring was made before the last of these: they are left for merge_round(). */
	if (live_rings(target->live) > 1)
		return true;
	if (target->baseline) {
		bool old;

		count =
			(int)baseline_run(target->baseline, ring, index, target->slots, (unsigned)count, &old);
		if (old) {
			live_take(target->live, ring, (unsigned)count);
			return true;
		}
	}
	recorder_take_strings(target);
	live_fetch_stacks(target->live, ring, target->slots, (unsigned)count);
	taken = trace_append(target->trace, ring, index, target->slots, (unsigned)count);
	if (taken < 0) {
		give_up(target, taken);
		return false;
	}
	if (taken == 0 && (count > CORO_EXT_MAX || target->ended)) {
		/* No event begins like this, or it will never be whole: pass over one slot. */
		taken = 1;
		trace_append_lost(target->trace, ring, 1);
	}
	live_take(target->live, ring, (unsigned)taken);
	return taken > 0;
}

/* What is on its way to the file stays in the ring until it is there. */
static void flush_behind(struct target *target)
{
	int result = trace_flush_behind(target->trace);

	if (result < 0) {
		give_up(target, result);
		return;
	}
	live_advance_handed(target->live);
	live_hand_over(target->live);
}

static void flush(struct target *target, bool now)
{
	enum live_debt debt = live_debt(target->live);
	uint64_t time = recorder_now();
	int result;

	if (debt == LIVE_NO_DEBT || target->error)
		return;
	if (!now && debt == LIVE_SOME_DEBT && time - target->flushed_at < FLUSH_NS) {
		if (trace_is_flushed(target->trace))
			live_advance_handed(target->live);
		return;
	}
	target->flushed_at = time;
	if (!now && debt == LIVE_GREAT_DEBT) {
		flush_behind(target);
		return;
	}
	result = trace_flush(target->trace);
	if (result < 0)
		give_up(target, result);
	else
		live_advance(target->live);
}

static void tell_damage(struct target *target)
{
	uint64_t damage = live_damage(target->live);

	if (damage > target->damage_told)
		trace_append_damage(target->trace, damage - target->damage_told);
	target->damage_told = damage;
}

static void take_flight(struct target *target)
{
	int result = flight_take(target);

	target->wanted = false;
	tell_damage(target);
	if (result >= 0)
		result = trace_flush(target->trace);
	if (result < 0)
		give_up(target, result);
	else
		live_advance(target->live);
}

/* ---- Several rings ----------------------------------------------------- */

/* A window of `most` slots at most that the ring has, and leaves there. Returns whether it has
 * more, perhaps. */
static bool look(struct target *target, unsigned ring, unsigned most)
{
	struct window *window = &target->window[ring];
	int count = 0;
	bool old = true;

	window->count = window->at = 0;
	if (window_reserve(window, most) < 0) {
		give_up(target, -ENOMEM);
		return false;
	}
	while (old && !target->error) {
		uint64_t lost;

		old = false;
		if (target->baseline && !baseline_has(target->baseline, ring))
			return false;
		count = live_read(target->live, ring, window->slot, most, &window->index, &lost);
		window->lost += lost;
		if (count > 0 && target->baseline)
			count = (int)baseline_run(target->baseline, ring, window->index, window->slot,
									  (unsigned)count, &old);
		if (old)
			live_take(target->live, ring, (unsigned)count);
	}
	window->count = count > 0 ? (size_t)count : 0;
	live_fetch_stacks(target->live, ring, window->slot, (unsigned)window->count);
	return window->count == most;
}

/* One round: a window of each ring, and of all these what cannot be overtaken any more. What a
 * ring gets from now on, or one that is made from now on, was done after `now`, or by a thread that
 * has not seen anything since. */
static bool merge_round(struct target *target)
{
	uint64_t now = live_now(target->live), cut = now, until;
	unsigned rings = live_rings(target->live);
	unsigned most = rings < RECORDER_BATCH / LEAST_BATCH ? RECORDER_BATCH / rings : LEAST_BATCH;
	struct window *first;
	bool any = false;

	if (!target->window && !(target->window = calloc(CORO_RINGS, sizeof(*target->window)))) {
		give_up(target, -ENOMEM);
		return false;
	}
	for (unsigned ring = 0; ring < rings; ring++)
		if (look(target, ring, most) && window_last_clock(&target->window[ring]) < cut)
			cut = window_last_clock(&target->window[ring]);
	if (target->ended && cut == now)
		cut = UINT64_MAX;
	recorder_take_strings(target);
	while (!target->error && (first = merge_first(target->window, rings, &until)) &&
		   window_clock(first) <= cut) {
		unsigned ring = (unsigned)(first - target->window);
		/* The last event of a full window may go on behind it. */
		int taken = merge_append(target->trace, ring, first, until < cut ? until : cut, INT64_MAX,
								 target->ended && first->count < most);

		if (taken < 0)
			give_up(target, taken);
		if (taken <= 0)
			break;
		live_take(target->live, ring, (unsigned)taken);
		any = true;
	}
	for (unsigned ring = 0; ring < rings; ring++) {
		struct window *window = &target->window[ring];

		if (window->lost)
			trace_append_lost(target->trace, ring, window->lost);
		any |= window->lost || window->at < window->count;
		window->lost = 0;
	}
	return any;
}

static bool take_rings(struct target *target, bool all)
{
	bool any = false;

	if (target->baseline && recorder_take_baseline(target) < 0)
		return false;
	for (unsigned batch = 0; (all || batch < BATCHES) && !target->error; batch++) {
		target->more = live_rings(target->live) > 1 ? merge_round(target) : take_batch(target, 0);
		if (!target->more)
			break;
		any = true;
		flush(target, false);
	}
	if (!any)
		live_tell_again(target->live);
	tell_damage(target);
	return any;
}

/* The program's reader is gone: it shall learn that as it would without us. */
static void close_source(struct target *target, int i)
{
	struct terminal *terminal = &target->terminal;
	char number = (char)i;

	if (terminal->source[i] == terminal->master)
		return;
	close(terminal->source[i]);
	terminal->source[i] = -1;
	send(target->keeper_socket, &number, 1, MSG_NOSIGNAL);
}

static void copy_out(struct target *target, int i, const char *bytes, size_t length)
{
	int to = target->terminal.copy[i];

	while (to >= 0 && length > 0) {
		ssize_t written = write(to, bytes, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0 && errno == EAGAIN) {
			poll(&(struct pollfd){.fd = to, .events = POLLOUT}, 1, 1000);
			continue;
		}
		if (written < 0) {
			target->terminal.copy[i] = -1;
			close_source(target, i);
			return;
		}
		bytes += written;
		length -= (size_t)written;
	}
}

static bool take_output(struct target *target, int i)
{
	struct terminal *terminal = &target->terminal;
	int (*append)(struct trace *, int, int64_t, const char *, size_t) =
		target->inexact ? trace_append_approximate_output : trace_append_output;
	char bytes[16384];
	bool any = false;

	while (terminal->source[i] >= 0) {
		ssize_t length = read(terminal->source[i], bytes, sizeof(bytes));
		uint64_t now = recorder_now();

		if (length < 0 && errno == EINTR)
			continue;
		if (length == 0 && terminal->source[i] != terminal->master) {
			close(terminal->source[i]);
			terminal->source[i] = -1;
		}
		if (length <= 0)
			break;
		int64_t t = now > target->mono0 ? (int64_t)(now - target->mono0) : 0;

		any = true;
		if (target->live && target->policy == CORO_POLICY_OVERWRITE) {
			flight_keep_output(&target->flight, terminal->number[i], t, bytes, (size_t)length);
		} else {
			if (target->live && !target->error)
				take_rings(target, false);
			append(target->trace, terminal->number[i], t, bytes, (size_t)length);
		}
		copy_out(target, i, bytes, (size_t)length);
	}
	return any;
}

/* Something is new. */
static void tell(struct target *target)
{
	uint64_t one = 1;

	while (write(target->news, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

static void hear_keeper(struct target *target)
{
	struct keeper_news news;
	ssize_t length;

	if (target->ended)
		return;
	if (target->attached) {
		target->ended =
			poll(&(struct pollfd){.fd = target->keeper_socket, .events = POLLIN}, 1, 0) > 0;
		return;
	}
	length = recv(target->keeper_socket, &news, sizeof(news), MSG_DONTWAIT);
	if (length < 0)
		return;
	if (length == sizeof(news) && (news.what == KEEPER_STOPPED || news.what == KEEPER_CONTINUED)) {
		target->stopped = news.what == KEEPER_STOPPED;
		tell(target);
		return;
	}
	if (length == sizeof(news) && news.what == KEEPER_ENDED)
		target->status = news.number;
	else if (length != 0)
		return;
	else
		target->status = SIGKILL; /* somebody killed the keeper; nobody knows how it ended */
	target->ended = true;
}

bool recorder_drain(struct target *target)
{
	uint64_t generation = target->generation;
	bool any = false, rests = false, ended;
	enum target_state before = target->state;

	target->more = false;
	if (target->state == TARGET_EXITED)
		return false;
	hear_keeper(target);
	ended = target->ended;
	if (target->live && !target->error) {
		rests = !target->killed && live_rest(target->live) != LIVE_MOVES;
		if (target->policy != CORO_POLICY_OVERWRITE) {
			any = take_rings(target, rests || ended);
			flush(target, ended);
		}
	}
	for (int i = 0; i < TARGET_SOURCES; i++)
		any |= take_output(target, i);
	if (target->live && !target->error && (ended || target->wanted) &&
		target->policy == CORO_POLICY_OVERWRITE) {
		take_flight(target);
		any = true;
	}
	if (ended) {
		target->state = TARGET_EXITED;
		if (target->live && !target->attached)
			live_remove(target->live);
		else if (target->live)
			live_remove_left(target->live);
	} else if (rests) {
		target->state = TARGET_PAUSED;
	}
	if (rests || ended)
		target->settled = generation;
	if (rests)
		target->inexact = false;
	if (target->state != before)
		pthread_cond_broadcast(&target->changed);
	if (any || target->state != before)
		tell(target);
	return any;
}

/* ---- The threads ------------------------------------------------------- */

static void relay_input(struct target *target)
{
	char bytes[1024];
	ssize_t length = read(0, bytes, sizeof(bytes));

	if (length <= 0 && !(length < 0 && errno == EINTR))
		target->terminal.relay_input = false;
	if (length == 0)
		bytes[length++] = target->terminal.before.c_cc[VEOF];
	if (length > 0)
		terminal_type(&target->terminal, bytes, (size_t)length);
}

static void sleep_in_poll(struct target *target, int timeout)
{
	struct terminal *terminal = &target->terminal;
	bool relay = terminal->relay_input && !terminal->aside && !target->ended;
	struct pollfd polled[3 + TARGET_SOURCES] = {
		{.fd = target->poke, .events = POLLIN},
		{.fd = target->ended ? -1 : target->keeper_socket, .events = POLLIN},
		{.fd = relay ? 0 : -1, .events = POLLIN},
	};
	uint64_t count;

	for (int i = 0; i < TARGET_SOURCES; i++) {
		polled[3 + i].fd = target->ended ? -1 : terminal->source[i];
		polled[3 + i].events = POLLIN;
	}
	pthread_mutex_unlock(&target->lock);
	poll(polled, 3 + TARGET_SOURCES, timeout);
	/* A pty whose program has no end of it open is in POLLHUP, and would not let us sleep. */
	for (int i = 0; i < TARGET_SOURCES; i++)
		if (polled[3 + i].revents & POLLHUP && !(polled[3 + i].revents & POLLIN)) {
			poll(polled, 2, BUSY_MS);
			break;
		}
	pthread_mutex_lock(&target->lock);
	if (polled[0].revents && read(target->poke, &count, sizeof(count)) < 0)
		return;
	if (polled[2].revents && !target->stop && !terminal->aside)
		relay_input(target);
}

static void *record(void *data)
{
	struct target *target = data;
	unsigned idle = 0;

	pthread_mutex_lock(&target->lock);
	while (!target->stop) {
		bool deep = target->deep, any;

		any = recorder_drain(target);
		idle = any ? 0 : idle + 1;
		target->deep = target->state != TARGET_RUNNING || idle > IDLE_LOOKS;
		if (target->live && target->deep != deep)
			live_interrupt(target->live);
		terminal_follow_size(&target->terminal);
		if (target->more && !target->error)
			sleep_in_poll(target, 0);
		else if (target->live && live_debt(target->live) != LIVE_NO_DEBT)
			sleep_in_poll(target, BUSY_MS);
		else
			sleep_in_poll(target, target->deep ? IDLE_MS : BUSY_MS);
	}
	pthread_mutex_unlock(&target->lock);
	return NULL;
}

static void *wait_for_program(void *data)
{
	struct target *target = data;
	bool stop = false;

	while (!stop) {
		uint64_t one = 1;
		uint32_t mark;
		bool deep;

		pthread_mutex_lock(&target->lock);
		deep = target->deep;
		stop = target->stop;
		pthread_mutex_unlock(&target->lock);
		mark = live_mark(target->live, !deep);
		while (write(target->poke, &one, sizeof(one)) < 0 && errno == EINTR)
			;
		if (!stop)
			live_sleep(target->live, mark, IDLE_MS);
	}
	return NULL;
}

int recorder_start(struct target *target)
{
	sigset_t all, before;
	int error;

	target->slots = calloc(RECORDER_BATCH, sizeof(*target->slots));
	if (!target->slots)
		return -ENOMEM;
	if (target->live)
		trace_set_stack_source(target->trace, stack_bytes, target);
	sigfillset(&all);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGSEGV);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&target->recorder, NULL, record, target);
	target->recorder_runs = !error;
	if (!error && target->live) {
		error = pthread_create(&target->waiter, NULL, wait_for_program, target);
		target->waiter_runs = !error;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -error;
}

void recorder_stop(struct target *target)
{
	uint64_t one = 1;

	pthread_mutex_lock(&target->lock);
	target->stop = true;
	pthread_mutex_unlock(&target->lock);
	if (target->waiter_runs) {
		live_interrupt(target->live);
		pthread_join(target->waiter, NULL);
	}
	while (write(target->poke, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	if (target->recorder_runs)
		pthread_join(target->recorder, NULL);
	if (target->recorder_runs)
		trace_set_stack_source(target->trace, NULL, NULL);
	target->waiter_runs = target->recorder_runs = false;
	free(target->slots);
	target->slots = NULL;
}
