/*
 * gate.c - the program waits before an event, as long as a living debugger says so.
 *
 * run_state says whether events pass. A thread that may not pass publishes its ring,
 * sets at_gate in its header, wakes the reader and sleeps on gate_futex. What a reader
 * may conclude rests on the order in which a thread leaves:
 *
 *     thread                                 reader
 *     at_gate = 0                            step_budget = n, run_state = STEP
 *     fence                                  gate_futex++, wake
 *     take one from step_budget, pass        ...
 *     ... the event, its slots, head ...     sees step_budget == 0
 *     at the next event: at_gate = 1         then sees at_gate == 1: everything that
 *     fence, wake the reader                 may happen has happened
 *
 * at_gate is 0 before the budget is taken, so nobody sees an old 1 with a used-up
 * budget; and run_state is read after that store, so a reader that says PAUSE and then
 * finds at_gate == 1 knows that the thread will not pass.
 *
 * A thread that waits here has left its registers as the switch would have (frame_*.S), and says
 * where in gate_sp: so the body that runs can be looked at like one that does not.
 *
 * The gate's word is run_state and gate_futex together. A thread that found it open, no
 * breakpoint set and every kind wanted, keeps the word, and passes as long as it is the
 * same: a reader raises gate_futex after it changed any of these.
 *
 * Leases. A reader is waited for if and only if its process holds the lock on its lease,
 * and it is asked for each 10 ms of waiting. A lease without the lock is taken away, with
 * what came with it: its hold on the gate, its tail, and, with the last one, the events.
 * Each 10 ms the waiting thread also says again where it is: whoever scribbled over its
 * header cannot make the reader wait for a thread that waits for the reader.
 *
 * When a file of the segment is cut, nobody traces any more (cut.c), and who waits passes.
 *
 * Nothing in the control page is believed: an unknown run_state is RUN, an unlocked
 * controller is none, a breakpoint that is being written is no breakpoint.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "private.h"

void coro__futex_wait(uint32_t *word, uint32_t expected)
{
	struct timespec patience = {.tv_nsec = CORO__PATIENCE_NS};

	syscall(SYS_futex, word, FUTEX_WAIT, expected, &patience, NULL, 0);
}

void coro__futex_wake(uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/* ---- Leases ------------------------------------------------------------ */

static bool lease_is_locked(unsigned lease)
{
	struct flock lock = {
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = (off_t)(offsetof(struct coro_ctl, lease) + lease * sizeof(struct coro_lease)),
		.l_len = sizeof(struct coro_lease)};

	int fd = coro__segment_ctl();

	return fd >= 0 && !fcntl(fd, F_OFD_GETLK, &lock) && lock.l_type != F_UNLCK;
}

bool coro__lease_any(void)
{
	for (unsigned i = 0; i < CORO_LEASES; i++)
		if (coro__load(&coro__segment.ctl->lease[i].pid) && lease_is_locked(i))
			return true;
	return false;
}

bool coro__lease_lives(unsigned i)
{
	struct coro_ctl *ctl = coro__segment.ctl;
	struct coro_lease *lease = &ctl->lease[i];
	uint32_t pid = coro__load_acquire(&lease->pid), flags = coro__load_acquire(&lease->flags);

	if (!pid)
		return false;
	if (lease_is_locked(i))
		return true;
	/* First the events: a thread that finds no lease and events that are wanted writes for
	 * observers, over what the dead reader has left. */
	if (!coro__lease_any()) {
		coro__store_release(&ctl->kind_mask, 0);
		coro__store_release(&ctl->stacks, CORO_STACKS_NONE);
		coro__store_release(&ctl->run_state, CORO_RUN);
	}
	if (__atomic_compare_exchange_n(&lease->pid, &pid, 0, false, __ATOMIC_ACQ_REL,
									__ATOMIC_RELAXED)) {
		coro__store(&coro__segment.died[i], flags);
		coro__store_release(&lease->flags, 0);
		coro__store(&lease->asleep, 0);
	}
	return false;
}

void coro__lease_wake(bool urgent)
{
	int saved = errno;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (unsigned i = 0; i < CORO_LEASES; i++) {
		struct coro_lease *lease = &coro__segment.ctl->lease[i];

		if (coro__load(&lease->asleep) < (urgent ? 1 : 2))
			continue;
		coro__store(&lease->asleep, 0);
		__atomic_fetch_add(&lease->wake_futex, 1, __ATOMIC_RELEASE);
		coro__futex_wake(&lease->wake_futex);
	}
	errno = saved;
}

/* A controller, alive. Without one the gate is opened. */
static bool have_controller(void)
{
	struct coro_ctl *ctl = coro__segment.ctl;

	for (unsigned i = 0; i < CORO_LEASES; i++)
		if (coro__load(&ctl->lease[i].flags) & CORO_LEASE_CONTROLLER && coro__lease_lives(i))
			return true;
	coro__store_release(&ctl->run_state, CORO_RUN);
	return false;
}

/* ---- Waiting ----------------------------------------------------------- */

/* Whether it looks as if this thread may pass; take_step() says for certain. */
static bool may_pass(const struct coro__thread *thread)
{
	struct coro_ctl *ctl = coro__segment.ctl;
	uint32_t state = coro__load_acquire(&ctl->run_state);

	if (!coro__probe_is_on())
		return true;
	if (state == CORO_PAUSE)
		return false;
	if (state != CORO_STEP)
		return true;

	uint32_t ring = coro__load(&ctl->step_ring);

	return coro__load_acquire(&ctl->step_budget) &&
		   (ring == CORO_STEP_ANY || ring == thread->number);
}

static bool take_step(const struct coro__thread *thread)
{
	struct coro_ctl *ctl = coro__segment.ctl;

	for (;;) {
		uint32_t state = coro__load_acquire(&ctl->run_state);
		uint64_t budget = coro__load(&ctl->step_budget);

		if (!coro__probe_is_on())
			return true;
		if (state != CORO_STEP)
			return state != CORO_PAUSE;
		if (!may_pass(thread))
			return false;
		if (budget && __atomic_compare_exchange_n(&ctl->step_budget, &budget, budget - 1, false,
												  __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			return true;
	}
}

/* Everything before the gate is there to be read, and this thread stands at it. */
static void say_waiting(struct coro__thread *thread)
{
	coro__ring_publish(thread);
	coro__store(&thread->header->state, CORO_RING_PARKED);
	coro__store_release(&thread->header->at_gate, 1);
}

/* `sp`: where the registers of who called are. */
static void wait_at_gate(struct coro__thread *thread, const void *sp)
{
	struct coro_ctl *ctl = coro__segment.ctl;
	uint64_t since = coro__monotonic();

	coro__store(&thread->header->gate_sp, (uintptr_t)sp);
	coro__store(&thread->header->watermark, coro__clock_read());
	for (;;) {
		uint32_t raised = coro__load_acquire(&ctl->gate_futex);

		say_waiting(thread);
		coro__lease_wake(true);
		while (!may_pass(thread) && coro__load_acquire(&ctl->gate_futex) == raised) {
			coro__futex_wait(&ctl->gate_futex, raised);
			say_waiting(thread);
			if (coro__load_acquire(&ctl->gate_futex) == raised && !have_controller())
				break;
		}
		coro__baseline_look(thread);
		coro__store(&thread->header->at_gate, 0);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (take_step(thread))
			break;
	}
	coro__store(&thread->header->gate_sp, 0);
	coro__store_release(&thread->header->state, CORO_RING_LIVE);
	thread->paused_ns += coro__monotonic() - since;
	thread->clock_stale = true;
}

void coro__gate_wait(struct coro__thread *thread)
{
	int saved = errno;

	/* The common step: the budget is there already. at_gate is 0. */
	if (!take_step(thread) && have_controller())
		coro__framed(wait_at_gate, thread);
	errno = saved;
}

/* ---- Breakpoints ------------------------------------------------------- */

static bool matches(struct coro_breakpoint *breakpoint, unsigned kind, uint32_t row, uint32_t site)
{
	uint32_t seq = coro__load_acquire(&breakpoint->seq);
	uint32_t flags = coro__load(&breakpoint->flags);
	bool match = flags & CORO_BREAK_ENABLED && coro__load(&breakpoint->kind_mask) >> kind & 1 &&
				 (!(flags & CORO_BREAK_ROW) || coro__load(&breakpoint->row) == row) &&
				 (!(flags & CORO_BREAK_SITE) || coro__load(&breakpoint->site) == site);
	uint32_t ignore = coro__load(&breakpoint->ignore);

	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (!match || seq & 1 || coro__load(&breakpoint->seq) != seq)
		return false;
	return __atomic_fetch_add(&breakpoint->hits, 1, __ATOMIC_RELAXED) >= ignore;
}

void coro__gate_look(struct coro__thread *thread)
{
	const uint64_t all = ((uint64_t)1 << CORO_EVENT_LIMIT) - 2;
	struct coro_ctl *ctl = coro__segment.ctl;
	uint64_t word = coro__gate_word(ctl); /* before all else: it is raised after all else */
	uint32_t seq = coro__load_acquire(&ctl->ctl_seq);

	if (seq != thread->break_seq) {
		thread->break_seq = seq;
		thread->break_kinds = 0;
		for (unsigned i = 0; i < CORO_BREAKPOINTS; i++)
			if (coro__load(&ctl->breakpoint[i].flags) & CORO_BREAK_ENABLED)
				thread->break_kinds |= coro__load(&ctl->breakpoint[i].kind_mask);
	}
	thread->open_gate =
		(uint32_t)word == CORO_RUN && !thread->break_kinds && (coro_probe_mask() & all) == all
			? word
			: CORO__GATE_NEVER;
}

void coro__gate_break(struct coro__thread *thread, unsigned kind, uint32_t row, uint32_t site)
{
	struct coro_ctl *ctl = coro__segment.ctl;

	for (unsigned i = 0; i < CORO_BREAKPOINTS; i++) {
		uint32_t state = coro__load(&ctl->run_state);

		if (matches(&ctl->breakpoint[i], kind, row, site) && state != CORO_PAUSE)
			__atomic_compare_exchange_n(&ctl->run_state, &state, CORO_PAUSE, false,
										__ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
	}
}
