#ifndef CORO_PROBE_PRIVATE_H
#define CORO_PROBE_PRIVATE_H
/*
 * private.h - what the files of the probe share.
 *
 *     launch.c    start-up and end of the process, fork, the launcher's handshake
 *     segment.c   the directory and its files; beacon; pruning of dead ones
 *     object.c    rows and serial numbers
 *     ring.c      an event becomes slots: the writer's algorithm
 *     room.c      what becomes of an event when its ring is full: wait, drop, write over
 *     write.h     how slots are stored: what both have in common
 *     value.c     a value becomes a small value or payload bytes
 *     gate.c      waiting while a debugger says so; leases and their death
 *     frame_*.S   what the switch would have saved of a thread that waits there
 *     stacks.c    the stacks of bodies that do not run
 *     mirror.c    the table of rows, and where their objects are
 *     baseline.c  the table is filled for who comes late
 *     strings.c   the string arena
 *     clock.c     ticks
 *     cut.c       a file of the segment is cut, and the program goes on
 *
 * Nothing here allocates from the heap, so that an event may come from a signal handler
 * that interrupted malloc. All system calls may fail: then the program goes on untraced.
 */
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <coroscope/probe.h>

#define coro__likely(x)                     __builtin_expect(!!(x), 1)
#define coro__unlikely(x)                   __builtin_expect(!!(x), 0)
#define coro__load(pointer)                 __atomic_load_n(pointer, __ATOMIC_RELAXED)
#define coro__load_acquire(pointer)         __atomic_load_n(pointer, __ATOMIC_ACQUIRE)
#define coro__store(pointer, value)         __atomic_store_n(pointer, value, __ATOMIC_RELAXED)
#define coro__store_release(pointer, value) __atomic_store_n(pointer, value, __ATOMIC_RELEASE)

/* Behind each store that others may see: where the tests kill the program (tests/fault/kill_test.c,
 * which compiles the probe once more). Else it is nothing. */
#ifdef CORO__TEST_POINTS
void coro__test_point(const char *name);
#define CORO__TEST_POINT(name) coro__test_point(name)
#else
#define CORO__TEST_POINT(name) ((void)0)
#endif

/* How long a wait lasts before the waiter asks whether anybody is still there. */
#define CORO__PATIENCE_NS 10000000L

/* The process's segment. */
struct coro__segment {
	char path[PATH_MAX];  /* of its directory; "": none */
	int pid;              /* whose it is: a forked child must not remove it */
	struct coro_ctl *ctl; /* mapped, shared; NULL: none */
	int ctl_fd;  /* holds a read lock on the header: the sign of life that pruning looks for */
	int wake_fd; /* the FIFO, both ends; -1: none */
	/* Inodes of the two. A program may close all descriptors that it does not know, and get
	 * the same numbers for files of its own: those must not be touched. */
	uint64_t ctl_file, wake_file;
	uint32_t rings;     /* made so far; under the lock */
	uint32_t ring_log2; /* of rings to be made */
	uint32_t died[CORO_LEASES]; /* flags of readers that died while they had the lease; 0: none */
};
extern struct coro__segment coro__segment;

struct coro__stack_mark;

/* A thread's stack ring: stacks.c's. */
struct coro__stack_ring {
	struct coro_stack_ring_header *header; /* mapped, shared; NULL: not made yet */
	uint8_t *bytes;                        /* valid if and only if header is */
	uint64_t wrap;                         /* number of bytes - 1 */
	uint64_t position;                     /* of the next one to be written */
	uint64_t limit;                        /* bytes below it may be written without looking */
	struct coro__stack_mark *mark;         /* mapped: `marks` of them, by slots of the event ring */
	uint64_t marks;
	uint64_t paid, paid_at; /* 256ths of bytes that the budget allows, and the clock then */
	bool refused;           /* it could not be made */
};

/* What the probe knows of a thread. All but `inside` is the thread's own. */
struct coro__thread {
	struct coro_ring_header *header; /* of its ring, mapped, shared; NULL: no ring yet */
	struct coro_trace_slot *slots;   /* valid if and only if header is */
	uint64_t index;  /* of the next slot to be written, counted from the ring's beginning */
	uint64_t limit;  /* slots below it may be written without looking at any tail */
	uint64_t wrap;   /* number of slots - 1 */
	uint64_t lap;    /* what the lap adds to a slot's word, for `index` */
	struct coro_ctl *ctl; /* the segment's; valid if and only if header is */
	uint32_t mirrored;    /* events of rows below it are plain: see ring.c */
	uint32_t number; /* N of ring.N */
	uint32_t log2_slots;
	uint64_t clock;               /* the last reading */
	bool clock_stale;             /* it waited since: the next event reads again */
	bool refused;                 /* no ring could be made: its events are dropped */
	volatile sig_atomic_t inside; /* emits: an event from a signal handler is dropped */
	uint64_t paused_ns;           /* waited at the gate so far */
	uint32_t break_seq;           /* ctl_seq for which break_kinds was computed */
	uint64_t break_kinds;         /* kinds that some breakpoint looks at */
	uint64_t open_gate; /* the gate's word with which every event passes; CORO__GATE_NEVER */
	uint32_t stack_row;           /* whose stack was told; 0: nobody's */
	uint16_t stack_kib;           /* its size, as in a bind */
	/* room.c's. Once careful, a ring has limit 0, so that each event comes through room.c. */
	uint32_t policy;     /* enum coro_policy */
	bool careful;        /* events were lost, or may be: rows are named anew */
	uint64_t room;       /* of a careful ring: slots below it may be written */
	uint64_t dropped;    /* slots, so far: the header's is a copy, and may be scribbled over */
	uint64_t lost;       /* slots dropped that no LOST has told of yet */
	uint64_t lost_clock; /* when the first of them was */
	uint64_t asked;      /* CLOCK_MONOTONIC or index: when it asked last whether its reader lives */
	uint64_t *named;     /* by row: gen and epoch in which this ring named it last; NULL: none */
	uint32_t baseline;            /* ctl.baseline for which it has filled the table */
	void (*walk)(void);           /* tells of its objects; NULL: it has none, or nobody tells */
	struct coro__stack_ring stacks;
	uint32_t place;               /* in ctl.thread, counted from 1; 0: none */
};
extern _Thread_local struct coro__thread coro__thread __attribute__((tls_model("initial-exec")));

/* The lock of all slow paths: rows, strings, table growth, new rings. Not taken while the
 * process has one thread. Returns whether it was taken. */
bool coro__probe_lock(void);
void coro__probe_unlock(bool locked);
void coro__probe_lock_always(void);
void coro__probe_unlock_always(void);

/* segment.c */
bool coro__segment_make(void);
void coro__segment_remove(void);
/* A new file of the segment, `bytes` long and mapped; `reserve` of them get their blocks
 * now. NULL: no room, or the directory is out of reach. */
void *coro__segment_file(const char *name, size_t bytes, size_t reserve);
/* Takes the blocks of another piece of it, before they are touched. */
bool coro__segment_grow(const char *name, size_t offset, size_t bytes);
/* A reader that died was to read all of a ring, and has not. */
bool coro__segment_is_unread(void);
/* The descriptor is open, and still that file. */
bool coro__segment_owns(int fd, uint64_t file);
/* A descriptor of ctl; -1: out of reach. */
int coro__segment_ctl(void);
/* Directory names that no living process owns, beyond a cap, are removed. */
void coro__segment_prune(const char *base);
/* Mapped private memory that costs nothing until it is touched; NULL: none. */
void *coro__reserve(size_t bytes);

/* launch.c */
void coro__probe_off(void); /* the hot path sees nobody from now on */
static inline bool coro__probe_is_on(void)
{
	return coro__load(&coro__probe_page.offset) != 0;
}
/* coro__ring_exit() is called at the end of this thread, which is the caller. */
void coro__probe_watch_thread(struct coro__thread *thread);

/* ring.c */
bool coro__ring_make(struct coro__thread *thread);
void coro__ring_publish(struct coro__thread *thread);
void coro__ring_exit(struct coro__thread *thread);
/* The index has come to a multiple of 64. */
void coro__ring_turned(struct coro__thread *thread);

/* room.c */
struct coro__record;
/* An event for which there is no room below `limit`, or that a careful ring has: waits, drops it,
 * or writes over old ones. `payload` is what the record says that it has; NULL: none. */
void coro__room_emit(struct coro__thread *thread, struct coro_object *object,
					 struct coro__record *record, const struct coro_probe_value *value,
					 const uint8_t *payload);
/* Each event of this ring comes through here from now on. */
void coro__room_careful(struct coro__thread *thread);
/* Before the thread sleeps, and at its end: tells of what was lost, if there is room for that. */
void coro__room_tell_loss(struct coro__thread *thread);
void coro__room_done(struct coro__thread *thread);
/* There is room for one slot that is no event, of an object that the ring names: or it waits for
 * that, as the policy says. *ret_over: what stands there may be being read. */
bool coro__room_for_record(struct coro__thread *thread, const struct coro_object *object,
						   bool *ret_over);
/* Waiting for a reader, for room elsewhere: his tail (the index if nobody is to be waited for); a
 * while, and false if there is nothing to wait for any more; and what it took. */
struct coro__wait_for_room {
	uint64_t since, tail;
	unsigned lease;
};
uint64_t coro__room_tail(struct coro__thread *thread, struct coro__wait_for_room *wait);
bool coro__room_wait(struct coro__thread *thread, struct coro__wait_for_room *wait);
void coro__room_waited(struct coro__thread *thread, const struct coro__wait_for_room *wait);

/* stacks.c */
/* In a baseline: where the object is, and whether it is a body at rest. */
void coro__stacks_present(const struct coro_object *object, bool rests);
void coro__stacks_done(struct coro__thread *thread);

/* frame_*.S */
void coro__framed(void (*wait)(struct coro__thread *thread, const void *sp),
				  struct coro__thread *thread);

/* gate.c */
/* Waits until the event may happen. */
void coro__gate_wait(struct coro__thread *thread);
static inline bool coro__gate_is_open(void)
{
	return coro__likely(coro__load_acquire(&coro__segment.ctl->run_state) == CORO_RUN);
}
/* run_state and gate_futex, which a reader raises after each change that matters here. */
#define CORO__GATE_NEVER UINT64_MAX
static inline uint64_t coro__gate_word(const struct coro_ctl *ctl)
{
	return __atomic_load_n((const uint64_t *)(const void *)&ctl->run_state, __ATOMIC_ACQUIRE);
}
/* Looks at breakpoints and kinds, and whether all events pass until the gate's word changes. */
void coro__gate_look(struct coro__thread *thread);
/* After an event of a kind in break_kinds: stops the program if a breakpoint says so. */
void coro__gate_break(struct coro__thread *thread, unsigned kind, uint32_t row, uint32_t site);
/* Whether a living process holds the lease; if not, it is taken away. */
bool coro__lease_lives(unsigned lease);
/* Wakes the readers that sleep; those that only sleep lightly (asleep = 1) when `urgent`. */
void coro__lease_wake(bool urgent);
bool coro__lease_any(void);
/* Sleeps until *word is not `expected` any more, or patience is at an end. */
void coro__futex_wait(uint32_t *word, uint32_t expected);
void coro__futex_wake(uint32_t *word);

/* mirror.c */
extern struct coro_mirror_row *coro__mirror; /* the table, mapped, shared; NULL: none */
extern uint32_t coro__mirror_ready;          /* rows that have blocks */
extern struct coro_object_place *coro__objects; /* as many, mapped, shared; NULL: none */
bool coro__mirror_make(void);
/* Takes blocks for a row; false: there is no room for it. */
bool coro__mirror_grow(uint32_t row);
static inline bool coro__mirror_has(uint32_t row)
{
	return row < coro__load(&coro__mirror_ready);
}
/* Two neighbours in one store: what an event costs is above all the number of its stores. */
static inline void coro__store_pair(uint32_t *pair, uint32_t first, uint32_t second)
{
	memcpy(pair, &(uint64_t){first | (uint64_t)second << 32}, sizeof(uint64_t));
}
/* What an event changes. The table has the row. */
static inline void coro__mirror_write(const struct coro__thread *thread,
									  const struct coro_object *object, uint32_t cseq,
									  unsigned state, uint32_t waits_on, uint32_t site)
{
	struct coro_mirror_row *row = &coro__mirror[object->row];

	coro__store_pair(&row->lock_seq, 2 * cseq - 1, cseq);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	CORO__TEST_POINT("row lock");
	memcpy(&row->state, &(uint16_t){(uint16_t)(state | object->reason << 8)}, sizeof(uint16_t));
	CORO__TEST_POINT("row state");
	if (site)
		coro__store_pair(&row->waits_on, waits_on, site);
	else
		row->waits_on = waits_on;
	CORO__TEST_POINT("row waits_on");
	coro__store_pair(&row->resumes, object->resumes, thread->number);
	CORO__TEST_POINT("row resumes");
	coro__store_release(&row->lock_seq, 2 * cseq);
	CORO__TEST_POINT("row unlock");
}
/* What some kinds of event change besides: who the object is, as `payload` says, or its link. Before
 * the object's cseq is counted up; nothing may wait from here on until the write, for the row is
 * locked. */
void coro__mirror_tell(const struct coro__thread *thread, const struct coro_object *object,
					   unsigned kind, uint32_t peer, const struct coro_probe_value *value,
					   const uint8_t *payload);

/* baseline.c */
/* The thread's objects are in the table from now on, if a reader wants that. The thread has a ring,
 * and is inside. */
void coro__baseline_make(struct coro__thread *thread);
static inline void coro__baseline_look(struct coro__thread *thread)
{
	if (coro__unlikely(coro__load_acquire(&thread->ctl->baseline) != thread->baseline))
		coro__baseline_make(thread);
}

/* cut.c */
/* An access to the mapping does not fail from now on, whatever becomes of its file; under the lock.
 * Only after coro__cut_watch(). */
void coro__cut_begin(void *memory, size_t bytes);
void coro__cut_end(void *memory); /* before it is unmapped */
void coro__cut_watch(void);
void coro__cut_heed(void); /* in each thread that has objects */

/* strings.c */
bool coro__strings_make(void);
/* The id of a string, new or known; 0: NULL, or no room. */
uint32_t coro__string(const char *string);

/* value.c */
/* Whether the value fits into a slot; then *ret is what stands there. */
static inline bool coro__value_small(const struct coro_probe_value *value, uint32_t *ret)
{
	if (!value) {
		*ret = CORO_VALUE_ABSENT;
		return true;
	}
	if (value->kind == CORO_VALUE_INT || value->kind == CORO_VALUE_BOOL) {
		*ret = value->kind | (uint32_t)value->integer << 4;
		return value->integer >= -(1 << 27) && value->integer < 1 << 27;
	}
	*ret = value->kind;
	return value->kind <= CORO_VALUE_NONE;
}
/* The slot's value; more bytes go to `payload`, and *ret_bytes says how many. */
uint32_t coro__value_encode(const struct coro_probe_value *value, uint8_t *payload,
							unsigned *ret_bytes);

/* clock.c */
void coro__clock_init(void);
uint64_t coro__clock_hz(void); /* 0: not known, see the beacon */
uint64_t coro__monotonic(void);
uint64_t coro__clock_slow(void); /* CLOCK_MONOTONIC */
extern bool coro__clock_ticks;   /* the processor's counter is used */
static inline uint64_t coro__clock_register(void)
{
#if defined(__x86_64__)
	return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
	uint64_t ticks;

	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
	return ticks;
#else
	return 0;
#endif
}
static inline uint64_t coro__clock_read(void)
{
	return coro__likely(coro__clock_ticks) ? coro__clock_register() : coro__clock_slow();
}

#endif
