/*
 * control_page.c - lease, gate, breakpoints and tails: what the reader writes.
 *
 * The page is mapped, because both sides sleep on words of it. Its file belongs to the
 * program, which may cut it off; then an access raises SIGBUS. So each access is a little
 * function that guarded() calls: the handler jumps back out to it, and the segment is broken
 * from then on. A SIGBUS from anywhere else goes to whoever had the signal before.
 *
 * The gate's protocol is told in runtime/probe/gate.c.
 */
#include "control_page.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "live_private.h"

#define load(pointer)         __atomic_load_n(pointer, __ATOMIC_ACQUIRE)
#define store(pointer, value) __atomic_store_n(pointer, value, __ATOMIC_RELEASE)

/* ---- The guard --------------------------------------------------------- */

static _Thread_local sigjmp_buf *guard_out; /* where a fault leads to; NULL: no guard */
static struct sigaction before;

void live_on_fault(void)
{
	if (guard_out)
		siglongjmp(*guard_out, 1);
}

static void on_fault(int number, siginfo_t *information, void *context)
{
	live_on_fault();
	if (before.sa_flags & SA_SIGINFO) {
		before.sa_sigaction(number, information, context);
	} else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
		before.sa_handler(number);
	} else {
		/* Returning repeats the access, and then the default action follows. */
		signal(SIGBUS, SIG_DFL);
	}
}

/* Again for each segment: somebody may have set a handler of his own since. */
static void install(void)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
	struct sigaction now;

	sigemptyset(&action.sa_mask);
	pthread_mutex_lock(&lock);
	if (!sigaction(SIGBUS, NULL, &now) &&
		!(now.sa_flags & SA_SIGINFO && now.sa_sigaction == on_fault)) {
		before = now;
		sigaction(SIGBUS, &action, NULL);
	}
	pthread_mutex_unlock(&lock);
}

/* What an access is about, and what it found. */
struct request {
	int lease;
	unsigned ring;
	uint32_t word;
	uint64_t number;
	uint64_t found;
	uint32_t *threads; /* room for CORO_THREADS */
};

/* Does `access` under the guard. 0, or -EIO when the page is broken. */
static int guarded(struct live *live, void (*access)(struct coro_ctl *, struct request *),
				   struct request *request)
{
	sigjmp_buf out;

	if (live->control.broken)
		return -EIO;
	if (sigsetjmp(out, 0)) {
		guard_out = NULL;
		live->control.broken = true;
		return -EIO;
	}
	guard_out = &out;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	access(live->control.ctl, request);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	guard_out = NULL;
	return 0;
}

/* ---- Opening ----------------------------------------------------------- */

static void read_magic(struct coro_ctl *ctl, struct request *request)
{
	request->found = load(&ctl->magic);
}

int control_page_open(struct live *live)
{
	struct request request = {0};
	uint64_t wanted;
	void *memory;

	live->control.fd = live_open_file(live, "ctl", O_RDWR, sizeof(struct coro_ctl));
	if (live->control.fd < 0)
		return live->control.fd;
	memory = mmap(NULL, sizeof(struct coro_ctl), PROT_READ | PROT_WRITE, MAP_SHARED,
				  live->control.fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	live->control.ctl = memory;
	install();
	memcpy(&wanted, CORO_TRACE_MAGIC, sizeof(wanted));
	if (guarded(live, read_magic, &request) < 0)
		return -EIO;
	return request.found == wanted ? 0 : -EBADMSG;
}

void control_page_close(struct live *live)
{
	if (live->control.ctl)
		munmap(live->control.ctl, sizeof(struct coro_ctl));
	if (live->control.fd >= 0)
		close(live->control.fd);
	live->control.ctl = NULL;
	live->control.fd = -1;
}

/* ---- Lease ------------------------------------------------------------- */

static int set_lock(struct live *live, int lease, short type)
{
	struct flock lock = {.l_type = type,
						 .l_whence = SEEK_SET,
						 .l_start = (off_t)(offsetof(struct coro_ctl, lease) +
											(size_t)lease * sizeof(struct coro_lease)),
						 .l_len = sizeof(struct coro_lease)};

	return fcntl(live->control.fd, F_OFD_SETLK, &lock) ? -errno : 0;
}

static void fill_lease(struct coro_ctl *ctl, struct request *request)
{
	struct coro_lease *lease = &ctl->lease[request->lease];

	store(&lease->flags, 0);
	store(&lease->asleep, 0);
	memset(ctl->tail[request->lease], 0, sizeof(ctl->tail[0]));
	store(&lease->pid, (uint32_t)getpid());
	store(&lease->flags, request->word);
	request->found = load(&ctl->rings);
}

int live_take_lease(struct live *live, uint32_t flags)
{
	for (int i = 0; i < CORO_LEASES; i++) {
		struct request request = {.lease = i, .word = flags};

		if (set_lock(live, i, F_WRLCK) < 0)
			continue;
		live->control.lease = i;
		live->control.flags = flags;
		if (guarded(live, fill_lease, &request) < 0)
			return -EIO;
		live->control.rings_from = (int)(request.found < CORO_RINGS ? request.found : CORO_RINGS);
		return 0;
	}
	return -EBUSY;
}

static void futex_wake(uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

static void raise_gate(struct coro_ctl *ctl)
{
	__atomic_fetch_add(&ctl->gate_futex, 1, __ATOMIC_SEQ_CST);
}

static bool is_last_lease(const struct coro_ctl *ctl, int mine)
{
	for (int i = 0; i < CORO_LEASES; i++)
		if (i != mine && load(&ctl->lease[i].pid))
			return false;
	return true;
}

static void empty_lease(struct coro_ctl *ctl, struct request *request)
{
	struct coro_lease *lease = &ctl->lease[request->lease];

	if (is_last_lease(ctl, request->lease)) {
		store(&ctl->kind_mask, 0);
		store(&ctl->stacks, CORO_STACKS_NONE);
	}
	if (load(&lease->flags) & CORO_LEASE_CONTROLLER)
		store(&ctl->run_state, CORO_RUN);
	store(&lease->flags, 0);
	store(&lease->asleep, 0);
	store(&lease->pid, 0);
	raise_gate(ctl);
}

void live_release(struct live *live)
{
	int lease = live->control.lease;

	if (lease < 0)
		return;
	guarded(live, empty_lease, &(struct request){.lease = lease});
	futex_wake(&live->control.ctl->gate_futex);
	set_lock(live, lease, F_UNLCK);
	live->control.lease = -1;
	for (unsigned i = 0; i < live->ring_count; i++)
		futex_wake((uint32_t *)&live->control.ctl->tail[lease][i]);
}

/* ---- Gate -------------------------------------------------------------- */

static void set_kinds(struct coro_ctl *ctl, struct request *request)
{
	store(&ctl->kind_mask, request->number);
	raise_gate(ctl);
}

int live_set_kinds(struct live *live, uint64_t kinds)
{
	return guarded(live, set_kinds, &(struct request){.number = kinds});
}

static void set_policy(struct coro_ctl *ctl, struct request *request)
{
	store(&ctl->policy, request->word);
	store(&ctl->ring_log2, request->ring);
	store(&ctl->block_ms, (uint32_t)request->number);
}

int live_set_policy(struct live *live, enum coro_policy policy, unsigned ring_log2,
					uint32_t block_ms)
{
	return guarded(live, set_policy,
				   &(struct request){.word = policy, .ring = ring_log2, .number = block_ms});
}

/* Somebody else may want more. */
static void set_stacks(struct coro_ctl *ctl, struct request *request)
{
	if (!is_last_lease(ctl, request->lease) && load(&ctl->stacks) >= request->word)
		return;
	store(&ctl->stack_budget, request->number);
	store(&ctl->stacks, request->word);
}

int control_page_set_stacks(struct live *live, uint32_t stacks, uint64_t budget)
{
	return guarded(
		live, set_stacks,
		&(struct request){.lease = live->control.lease, .word = stacks, .number = budget});
}

static void set_gate(struct coro_ctl *ctl, struct request *request)
{
	store(&ctl->step_ring, CORO_STEP_ANY);
	store(&ctl->step_budget, request->number);
	__atomic_store_n(&ctl->run_state, request->word, __ATOMIC_SEQ_CST);
	raise_gate(ctl);
}

int live_set_gate(struct live *live, enum coro_run_state state, uint64_t budget)
{
	int result = guarded(live, set_gate, &(struct request){.word = state, .number = budget});

	futex_wake(&live->control.ctl->gate_futex);
	return result;
}

static void set_breaks(struct coro_ctl *ctl, struct request *request)
{
	struct coro_breakpoint *breakpoint = &ctl->breakpoint[0];

	__atomic_fetch_add(&breakpoint->seq, 1, __ATOMIC_SEQ_CST);
	store(&breakpoint->kind_mask, request->number);
	store(&breakpoint->ignore, 0);
	store(&breakpoint->flags, request->number ? CORO_BREAK_ENABLED : 0);
	__atomic_fetch_add(&breakpoint->seq, 1, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&ctl->ctl_seq, 1, __ATOMIC_SEQ_CST);
	raise_gate(ctl);
}

int live_set_breaks(struct live *live, uint64_t kinds)
{
	return guarded(live, set_breaks, &(struct request){.number = kinds});
}

/* Whether no event can pass, whatever the threads do. */
static void is_shut(struct coro_ctl *ctl, struct request *request)
{
	uint32_t state = __atomic_load_n(&ctl->run_state, __ATOMIC_SEQ_CST);

	request->found = state == CORO_PAUSE || (state == CORO_STEP && !load(&ctl->step_budget));
}

/* Whether a thread sleeps in the kernel, as in pthread_join() or read(): it is not on its way to
 * the gate, and may never be. It stands behind the name in /proc/PID/task/TID/stat. */
static bool is_blocked(const struct live *live, uint64_t tid)
{
	char path[64], text[256];
	const char *name_end;
	ssize_t length;
	int fd;

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/task/%" PRIu64 "/stat", live->beacon.pid, tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	length = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[length > 0 ? length : 0] = 0;
	name_end = strrchr(text, ')');
	return name_end && name_end[1] == ' ' && (name_end[2] == 'S' || name_end[2] == 'D');
}

/* Its thread is not at the gate and not in its selector. */
static bool is_elsewhere(struct live *live, unsigned ring, struct coro_ring_header *header)
{
	return live_ring_header(live, ring, header) >= 0 && header->at_gate != 1 &&
		   header->state != CORO_RING_PARKED && header->state != CORO_RING_EXITED;
}

enum live_rest live_rest(struct live *live)
{
	struct request request = {0};
	struct coro_ring_header header;
	bool held = false;
	unsigned rings;

	if (guarded(live, is_shut, &request) < 0 || !request.found)
		return LIVE_MOVES;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	rings = live_rings(live);
	for (unsigned i = 0; i < rings; i++)
		held |= live_ring_header(live, i, &header) >= 0 && header.at_gate == 1;
	/* With none at the gate, one that is blocked may be on its way there. */
	for (unsigned i = 0; i < rings; i++)
		if (is_elsewhere(live, i, &header) && !(held && is_blocked(live, header.tid)))
			return LIVE_MOVES;
	return held ? LIVE_HELD : rings ? LIVE_IDLE : LIVE_MOVES;
}

/* ---- Coming late ------------------------------------------------------- */

static void raise_baseline(struct coro_ctl *ctl, struct request *request)
{
	uint32_t raised = __atomic_add_fetch(&ctl->baseline, 1, __ATOMIC_SEQ_CST);

	/* 0 is what a thread begins with. */
	if (!raised)
		raised = __atomic_add_fetch(&ctl->baseline, 1, __ATOMIC_SEQ_CST);
	request->found = raised;
}

int control_page_ask(struct live *live, uint32_t *ret)
{
	struct request request = {0};
	int result = guarded(live, raise_baseline, &request);

	*ret = (uint32_t)request.found;
	return result;
}

static void read_threads(struct coro_ctl *ctl, struct request *request)
{
	for (unsigned i = 0; i < CORO_THREADS; i++)
		request->threads[i] = load(&ctl->thread[i]);
}

void control_page_threads(struct live *live, uint32_t ret[CORO_THREADS])
{
	memset(ret, 0, CORO_THREADS * sizeof(ret[0]));
	guarded(live, read_threads, &(struct request){.threads = ret});
}

void control_page_wake_gate(struct live *live)
{
	if (!live->control.broken)
		futex_wake(&live->control.ctl->gate_futex);
}

/* ---- Rings and tails --------------------------------------------------- */

static void read_rings(struct coro_ctl *ctl, struct request *request)
{
	request->found = load(&ctl->rings);
}

uint32_t control_page_rings(struct live *live)
{
	struct request request = {0};

	guarded(live, read_rings, &request);
	return (uint32_t)request.found;
}

/* And the lease itself, should somebody have written over it: without it nobody waits for us. */
static void set_tail(struct coro_ctl *ctl, struct request *request)
{
	struct coro_lease *lease = &ctl->lease[request->lease];

	store(&ctl->tail[request->lease][request->ring], request->number);
	if (load(&lease->pid) == (uint32_t)getpid() && load(&lease->flags) == request->word)
		return;
	store(&lease->pid, (uint32_t)getpid());
	store(&lease->flags, request->word);
	request->found = 1;
}

void control_page_set_tail(struct live *live, unsigned ring, uint64_t next)
{
	int lease = live->control.lease;
	struct request request = {
		.lease = lease, .ring = ring, .number = next, .word = live->control.flags};

	if (lease < 0)
		return;
	guarded(live, set_tail, &request);
	live->damage += request.found;
	futex_wake((uint32_t *)&live->control.ctl->tail[lease][ring]);
}

static void read_tail(struct coro_ctl *ctl, struct request *request)
{
	const struct coro_lease *lease = &ctl->lease[request->lease];

	request->found = load(&ctl->tail[request->lease][request->ring]) == request->number &&
					 load(&lease->pid) == (uint32_t)getpid() &&
					 load(&lease->flags) == request->word;
}

bool control_page_has_tail(struct live *live, unsigned ring, uint64_t next)
{
	struct request request = {
		.lease = live->control.lease, .ring = ring, .number = next, .word = live->control.flags};

	return request.lease < 0 || guarded(live, read_tail, &request) < 0 || request.found;
}

/* ---- Sleeping ---------------------------------------------------------- */

static void mark(struct coro_ctl *ctl, struct request *request)
{
	struct coro_lease *lease = &ctl->lease[request->lease];

	request->found = load(&lease->wake_futex);
	__atomic_store_n(&lease->asleep, request->word, __ATOMIC_SEQ_CST);
}

uint32_t live_mark(struct live *live, bool light)
{
	struct request request = {.lease = live->control.lease, .word = light ? 1 : 2};

	if (request.lease >= 0)
		guarded(live, mark, &request);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return (uint32_t)request.found;
}

void live_sleep(struct live *live, uint32_t raised, int timeout_ms)
{
	struct timespec timeout = {.tv_sec = timeout_ms / 1000,
							   .tv_nsec = timeout_ms % 1000 * 1000000L};
	int lease = live->control.lease;

	if (lease < 0 || live->control.broken)
		nanosleep(&timeout, NULL);
	else
		syscall(SYS_futex, &live->control.ctl->lease[lease].wake_futex, FUTEX_WAIT, raised,
				&timeout, NULL, 0);
}

static void raise_wake(struct coro_ctl *ctl, struct request *request)
{
	__atomic_fetch_add(&ctl->lease[request->lease].wake_futex, 1, __ATOMIC_SEQ_CST);
}

void live_interrupt(struct live *live)
{
	int lease = live->control.lease;

	if (lease < 0)
		return;
	guarded(live, raise_wake, &(struct request){.lease = lease});
	futex_wake(&live->control.ctl->lease[lease].wake_futex);
}
