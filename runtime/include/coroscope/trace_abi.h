#ifndef COROSCOPE_TRACE_ABI_H
#define COROSCOPE_TRACE_ABI_H
/*
 * trace_abi.h - what a traced program and whoever reads it agree on.
 *
 * A program that links the probe (coroscope/probe.h) owns one directory, its
 * *segment*, for as long as it lives:
 *
 *     $XDG_RUNTIME_DIR/coroscope/<pid>-<starttime>/<k>/
 *     /dev/shm/coroscope-<uid>/<pid>-<starttime>/<k>/       (when that is unset)
 *
 *       beacon   4 KiB, immutable once written: who I am, where things are
 *       ctl      64 KiB, written by both sides: leases, gate, breakpoints, tails
 *       wake     a FIFO; a byte in it wakes a loop that sleeps in its selector
 *       tab      mirror table: one row an object      \
 *       str      strings and creation sites             |
 *       obj      where the objects are                  > made when somebody traces
 *       ring.N   events of thread N                     |
 *       stk.N    stacks of thread N, if wanted         /
 *
 * All files but `ctl` and `wake` are written by the program alone. Numbers are
 * little-endian, nothing holds a pointer, every offset is checked by whoever
 * reads it. Major versions refuse each other; minor versions only append.
 *
 * The rules of writing and reading are told where they are done: the writer's
 * in runtime/probe/ring.c, the reader's in tracer/source/live.c. This header
 * is the layout alone. It needs nothing but the C library's integer types, so
 * that another runtime, in another language, can emit.
 *
 * Beyond Python: the layout of a segment in shared memory.
 */
#include <stdint.h>

#ifdef __cplusplus
#define CORO__ASSERT(condition, text) static_assert(condition, text)
extern "C" {
#else
#define CORO__ASSERT(condition, text) _Static_assert(condition, text)
#endif

/* What a beacon begins with, and must agree on. */
#define CORO_TRACE_MAGIC "COROSCP1" /* 8 bytes, without the 0 */
#define CORO_TRACE_MAJOR 1
#define CORO_TRACE_MINOR 2 /* 1: a thread fills the table when it is asked to: ctl.baseline; 2: stacks:
                              ctl.stacks, obj, stk.N, the kind STACK, gate_sp of a ring */
#define CORO_TRACE_ENDIAN 0x01020304u

/* ---- Words ------------------------------------------------------------- */

/* Kinds of event. 0 is an empty slot, CORO_EVENT_EXT a payload slot. STACK, IDENTITY and LOST are
 * records that are no events, and take no number. */
enum coro_event_kind {
#define CORO_EVENT(number, NAME, name, row, peer, value, before, after, sentence) \
	CORO_EVENT_##NAME = number,
#include "trace_events.def"
#undef CORO_EVENT
	CORO_EVENT_LIMIT, /* one more than the highest kind */
	CORO_EVENT_STACK = 124,    /* a struct coro_trace_stack */
	CORO_EVENT_IDENTITY = 125, /* who `row` is: a bind in one payload slot */
	CORO_EVENT_LOST = 126,     /* a struct coro_trace_lost */
	CORO_EVENT_EXT = 127,
};
CORO__ASSERT(CORO_EVENT_LIMIT <= 64, "kinds must fit the 64-bit kind mask");

/* What a row stands for. `name` is what people and JSON see. */
#define CORO_OBJECT_KINDS(X)               \
	X(1, GENERATOR, generator)             \
	X(2, COROUTINE, coroutine)             \
	X(3, ASYNC_GENERATOR, async_generator) \
	X(4, TASK, task)                       \
	X(5, FUTURE, future)                   \
	X(6, LOOP, loop)                       \
	X(7, TIMER, timer)                     \
	X(8, DESCRIPTOR, descriptor)           \
	X(9, LOCK, lock)                       \
	X(10, QUEUE, queue)                    \
	X(11, EVENT, event)                    \
	X(12, CONDITION, condition)            \
	X(13, SEMAPHORE, semaphore)            \
	X(14, BARRIER, barrier)                \
	X(15, CHANNEL, channel)                \
	X(16, GROUP, group)                    \
	X(17, GREENLET, greenlet)              \
	X(18, TASKLET, tasklet)                \
	X(19, TIMEOUT, timeout)
enum coro_object_kind {
#define CORO__X(number, NAME, name) CORO_OBJECT_##NAME = number,
	CORO_OBJECT_KINDS(CORO__X)
#undef CORO__X
	CORO_OBJECT_LIMIT,
};

/* States of a row, four bits. A body that delegates is DELEGATING whatever its
 * innermost delegate does: whether that reads as running or as suspended is
 * derived, so that a resume through a hundred levels changes one row. */
#define CORO_STATES(X)        \
	X(0, NONE, none)          \
	X(1, CREATED, created)    \
	X(2, RUNNING, running)    \
	X(3, READY, ready)        \
	X(4, SUSPENDED, suspended) \
	X(5, DELEGATING, delegating) \
	X(6, DONE, done)          \
	X(7, FAILED, failed)      \
	X(8, CANCELLED, cancelled) \
	X(9, PENDING, pending)    \
	X(10, OPEN, open)         \
	X(11, CLOSED, closed)     \
	X(12, UNLOCKED, unlocked) \
	X(13, LOCKED, locked)
enum coro_state {
#define CORO__X(number, NAME, name) CORO_STATE_##NAME = number,
	CORO_STATES(CORO__X)
#undef CORO__X
	CORO_STATE_LIMIT,
};

/* What a future is for: why whoever awaits it does not run. */
#define CORO_REASONS(X)      \
	X(0, NONE, none)         \
	X(1, TIMER, sleep)       \
	X(2, READABLE, readable) \
	X(3, WRITABLE, writable) \
	X(4, LOCK, lock)         \
	X(5, QUEUE_GET, get)     \
	X(6, QUEUE_PUT, put)     \
	X(7, GATHER, gather)     \
	X(8, EVENT, event)       \
	X(9, CONDITION, condition) \
	X(10, SEMAPHORE, semaphore) \
	X(11, BARRIER, barrier)  \
	X(12, QUEUE_JOIN, join)  \
	X(13, SELECT, select)    \
	X(14, EXECUTOR, thread)  \
	X(15, SHIELD, shield)    \
	X(16, WAIT, wait)        \
	X(17, CHANNEL_SEND, send) \
	X(18, CHANNEL_RECEIVE, receive)
enum coro_reason {
#define CORO__X(number, NAME, name) CORO_REASON_##NAME = number,
	CORO_REASONS(CORO__X)
#undef CORO__X
	CORO_REASON_LIMIT,
};

/* ---- Values ------------------------------------------------------------ */

/* Kinds of value. The same numbers tag a coro_value of the runtime. */
#define CORO_VALUE_KINDS(X) \
	X(0, ABSENT, absent)    \
	X(1, NONE, none)        \
	X(2, BOOL, bool)        \
	X(3, INT, int)          \
	X(4, FLOAT, float)      \
	X(5, STRING, string)    \
	X(6, BYTES, bytes)      \
	X(7, POINTER, pointer)  \
	X(8, OBJECT, object)    \
	X(9, EXCEPTION, exception)
enum coro_value_kind {
#define CORO__X(number, NAME, name) CORO_VALUE_##NAME = number,
	CORO_VALUE_KINDS(CORO__X)
#undef CORO__X
	CORO_VALUE_LIMIT,
};

/* The slot's 32-bit `value`: kind in the low four bits, content above.
 *   none            nothing
 *   bool            bit 4
 *   int             28 bits, signed, when it fits
 *   float           the upper 28 bits of the float32, when that is exact
 *   object          the row
 * Anything else is CORO_VALUE_IN_EXT, and the payload slots hold it. */
#define CORO_VALUE_IN_EXT 15u

/* A value in the payload: this header, then `stored` bytes. A string shows its
 * first bytes, with the full length; of an exception the bytes are the message. */
struct coro_trace_value {
	uint8_t kind;      /* enum coro_value_kind */
	uint8_t flags;     /* none yet, 0 */
	uint16_t stored;   /* bytes that follow */
	uint32_t type;     /* string id: exception type or pointer's type name; 0: none */
	uint64_t content;  /* int: two's complement; float: its bits; pointer: address;
	                      string, bytes, exception: full length */
};
CORO__ASSERT(sizeof(struct coro_trace_value) == 16, "value header");
#define CORO_TRACE_STORED_MAX 256 /* bytes of a string that an event keeps */

/* ---- A slot of a ring -------------------------------------------------- */

/* 32 bytes. `word` is stored last, in one release store: it is the commit word.
 * lap = ((index >> log2_slots) + 1) & 15, so a slot is valid for an index if and
 * only if its lap is that index's. */
struct coro_trace_slot {
	uint64_t word;  /* see CORO_SLOT_* */
	uint64_t clock; /* ticks */
	uint32_t row;
	uint32_t peer;  /* the other row, 0: none */
	uint32_t site;  /* low 32 bits of a program counter; with FILELINE a string id; 0: none */
	uint32_t value; /* small value, or count, or CORO_VALUE_IN_EXT */
};
CORO__ASSERT(sizeof(struct coro_trace_slot) == 32, "slot");

/* A slot of kind CORO_EVENT_LOST: what the ring had no room for before it. The kind and the lap are
 * all that its word says. */
struct coro_trace_lost {
	uint64_t word;
	uint64_t last_clock;  /* of what was lost last */
	uint64_t dropped;     /* slots, since the ring's beginning: as in the ring's header */
	uint64_t first_clock; /* of what was lost first, after the LOST before this one */
};
CORO__ASSERT(sizeof(struct coro_trace_lost) == 32, "lost");

/* A slot of kind CORO_EVENT_STACK: the body of `row` does not run from here on, and this is its stack.
 * It follows the event with which the body gave control away: its own, or that of whom it resumed. The
 * cseq of its word is that of the row's last event; its flags are CORO_STACK_*. */
struct coro_trace_stack {
	uint64_t word;
	uint64_t clock; /* as of an event that inherits it */
	uint32_t row;
	uint32_t length;   /* bytes of the stack, from the saved stack pointer to its base */
	uint64_t position; /* in stk.N: of its struct coro_stack_header; nothing, if the flags say why */
};
CORO__ASSERT(sizeof(struct coro_trace_stack) == 32, "stack");

/* Why the bytes are not there. */
enum {
	CORO_STACK_LARGE = 1,  /* they are more than CORO_STACK_MOST */
	CORO_STACK_BUDGET = 2, /* more than the reader wants in this time: ctl.stack_budget */
	CORO_STACK_FULL = 4,   /* stk.N is full of what its reader has not read, or could not be made */
};
#define CORO_STACK_MOST 65536u

/* The commit word, and what it is made of: the kind; CORO_SLOT_INHERIT and the like; the states before
 * and after; how many payload slots follow; the lap; and the row's count of events, 32 bits. */
#define CORO_SLOT_WORD(kind, flags, prev, next, ext, lap, cseq)                                   \
	((uint64_t)(uint8_t)(kind) | (uint64_t)(uint8_t)(flags) << 8 | (uint64_t)((prev)&15) << 16 |   \
	 (uint64_t)((next)&15) << 20 | (uint64_t)((ext)&15) << 24 | (uint64_t)((lap)&15) << 28 |       \
	 (uint64_t)(uint32_t)(cseq) << 32)
#define CORO_SLOT_KIND(word) ((unsigned)((word)&255))
#define CORO_SLOT_FLAGS(word) ((unsigned)((word) >> 8 & 255))
#define CORO_SLOT_PREV(word) ((unsigned)((word) >> 16 & 15))
#define CORO_SLOT_NEXT(word) ((unsigned)((word) >> 20 & 15))
#define CORO_SLOT_EXT(word) ((unsigned)((word) >> 24 & 15)) /* payload slots that follow */
#define CORO_SLOT_LAP(word) ((unsigned)((word) >> 28 & 15))
#define CORO_SLOT_CSEQ(word) ((uint32_t)((word) >> 32))

enum {
	CORO_SLOT_INHERIT = 1,  /* the clock is that of the last read, not of this event */
	CORO_SLOT_FILELINE = 2, /* site is a string id, "FILE:LINE FUNCTION" */
	CORO_SLOT_BIND = 4,     /* the payload begins with a coro_trace_bind */
};

/* A payload slot: `word` has kind EXT, the lap, and nothing else; 24 bytes of
 * payload follow. Payload slots are stored before the slot they belong to, and
 * stand after it. */
#define CORO_EXT_BYTES 24
#define CORO_EXT_MAX 15

/* Who a row is from now on: the payload of CREATE, SPAWN, FUTURE_NEW, TIMER_SET
 * and IO_REGISTER, one payload slot. */
struct coro_trace_bind {
	uint64_t serial; /* the id that people see; never reused, one space for all kinds */
	uint32_t name;   /* string id, 0: no name */
	uint32_t site;   /* string id "FILE:LINE FUNCTION" of the creation, 0: see the slot's site */
	uint32_t gen;    /* how often the row was used before */
	uint8_t kind;    /* enum coro_object_kind */
	uint8_t reason;  /* enum coro_reason, of a future */
	uint16_t stack_kib; /* size of its stack, without guards, in KiB, rounded up; 65535: that or
	                       more; 0: it has none of its own, or the emitter does not say */
};
CORO__ASSERT(sizeof(struct coro_trace_bind) == CORO_EXT_BYTES, "bind");

/* ---- beacon ------------------------------------------------------------ */

enum coro_section_type {
	CORO_SECTION_CTL = 1,
	CORO_SECTION_WAKE = 2,
	CORO_SECTION_TAB = 3,
	CORO_SECTION_STR = 4,
	CORO_SECTION_RING = 5,  /* file ring.N; off and len of a full one */
	CORO_SECTION_STACK = 6, /* file stk.N; off and len of a full one */
	CORO_SECTION_OBJECTS = 7, /* file obj */
};

/* One part of the segment. An old reader skips types that it does not know. */
struct coro_section {
	uint32_t type;
	uint32_t flags;
	uint32_t file;   /* = type for single files; the first N for rings */
	uint32_t stride; /* bytes from one record to the next; only grows */
	uint64_t off;    /* where the records begin */
	uint64_t len;    /* the most bytes that they take */
};
CORO__ASSERT(sizeof(struct coro_section) == 32, "section");

enum { CORO_ARCH_X86_64 = 62, CORO_ARCH_AARCH64 = 183 }; /* as ELF's e_machine */
enum { CORO_LANGUAGE_C = 1 };

struct coro_beacon {
	char magic[8];
	uint16_t major, minor;
	uint32_t header_length; /* 4096 */
	uint64_t total_length;  /* of this file */
	uint32_t endian;
	uint32_t arch;
	uint32_t pid; /* 0x20 */
	uint32_t language;
	uint64_t starttime; /* field 22 of /proc/PID/stat */
	uint8_t boot_id[16];
	uint64_t zero0;
	uint64_t clock_hz; /* 0x48: ticks a second; 1000000000: the clock is CLOCK_MONOTONIC;
	                      0: whoever reads measures it, from these three and a later reading */
	uint64_t clock0;   /* these three were read together */
	uint64_t mono0;    /* CLOCK_MONOTONIC, ns */
	uint64_t real0;    /* CLOCK_REALTIME, ns */
	uint64_t zero1[3];
	struct coro_section section[32]; /* 0x80 */
	uint64_t schema_hash;            /* 0x480: of trace_events.def */
	uint32_t frame_version;          /* what the switch saves; CORO_FRAME_* */
	uint32_t control_block_size;
	uint8_t zero2[0xffc - 0x490];
	uint32_t crc; /* 0xffc: CRC-32C of all before it */
};
CORO__ASSERT(sizeof(struct coro_beacon) == 4096, "beacon");
#ifndef __cplusplus
CORO__ASSERT(__builtin_offsetof(struct coro_beacon, pid) == 0x20, "beacon");
CORO__ASSERT(__builtin_offsetof(struct coro_beacon, clock_hz) == 0x48, "beacon");
CORO__ASSERT(__builtin_offsetof(struct coro_beacon, section) == 0x80, "beacon");
CORO__ASSERT(__builtin_offsetof(struct coro_beacon, schema_hash) == 0x480, "beacon");
#endif

/* ---- ctl --------------------------------------------------------------- */

/* Who may stop the program at its gate. */
enum coro_run_state {
	CORO_RUN = 0,   /* events pass */
	CORO_PAUSE = 1, /* a thread waits before its next event */
	CORO_STEP = 2,  /* as PAUSE, but step_budget events may pass first */
};

/* What a thread does whose ring is full of what a BLOCKING reader has not read. */
enum coro_policy {
	CORO_POLICY_BLOCK = 0,     /* waits: as long as the reader lives, or for block_ms */
	CORO_POLICY_DROP = 1,      /* drops its events, and counts them */
	CORO_POLICY_OVERWRITE = 2, /* is never full: writes over what is oldest, read or not */
	CORO_POLICY_LIMIT,
};

/* What becomes of the stack of a body that stops running. */
enum coro_stacks {
	CORO_STACKS_NONE = 0,
	CORO_STACKS_REST = 1,   /* obj says that it is at rest: a reader can copy it from the process */
	CORO_STACKS_RECORD = 2, /* and its bytes go into stk.N */
};

enum {
	CORO_LEASE_BLOCKING = 1,   /* what this reader has not read is not written over, unless the
	                              ring's policy is OVERWRITE */
	CORO_LEASE_OBSERVER = 2,   /* what this reader has not read may be written over */
	CORO_LEASE_CONTROLLER = 4, /* the gate obeys this reader, and opens when it dies */
};

/* A reader's right to be waited for. Lease i is held if and only if its holder
 * has an OFD write lock on the 64 bytes of it; the kernel drops the lock when
 * the holder dies, so a dead reader holds nothing. */
struct coro_lease {
	uint32_t pid;   /* 0: free */
	uint32_t flags; /* CORO_LEASE_* */
	uint64_t starttime;
	uint32_t wake_futex; /* raised by the program when there is something to read */
	uint32_t asleep;     /* 1: the reader sleeps on wake_futex and wants to be woken when the program
	                        waits, for it or at the gate; 2: and when it parks or has emitted a few
	                        dozen events. The program sets it to 0 as it wakes the reader */
	uint8_t zero[40];
};
CORO__ASSERT(sizeof(struct coro_lease) == 64, "lease");

enum { CORO_BREAK_ENABLED = 1, CORO_BREAK_ROW = 2, CORO_BREAK_SITE = 4 };

/* Stops after an event that matches: its kind is in kind_mask and, if the flags
 * say so, its row and its site are these. A condition that is more than this is
 * the reader's to evaluate, after the stop. */
struct coro_breakpoint {
	uint64_t kind_mask;
	uint32_t seq; /* odd while the reader writes it */
	uint32_t row;
	uint32_t site;
	uint32_t ignore; /* matches to let pass */
	uint32_t flags;  /* CORO_BREAK_* */
	uint32_t zero;
	uint64_t hits;
};
CORO__ASSERT(sizeof(struct coro_breakpoint) == 40, "breakpoint");

enum { CORO_LEASES = 4, CORO_BREAKPOINTS = 64, CORO_RINGS = 1024, CORO_THREADS = 256 };

struct coro_ctl {
	uint64_t magic; /* the beacon's, as a number */
	uint32_t abi;   /* CORO_TRACE_MAJOR */
	uint32_t size;  /* 65536 */
	uint8_t zero0[0x30];
	uint64_t kind_mask;   /* 0x40: bit k: kind k is emitted; 0: nobody traces */
	uint32_t run_state;   /* enum coro_run_state */
	uint32_t gate_futex;  /* raised by the reader after each change of state, budget, kinds, breakpoints */
	uint64_t step_budget; /* 0x50: events that may still pass while STEP */
	uint32_t step_ring;   /* which ring may; CORO_STEP_ANY */
	uint32_t ctl_seq; /* raised by the reader after it changed breakpoints */
	uint32_t policy;    /* 0x60: enum coro_policy, of rings that are made from now on */
	uint32_t ring_log2; /* their size; 0: the program's own choice */
	uint32_t block_ms;  /* BLOCK: how long a full ring waits before it drops; 0: no limit */
	uint32_t stacks;    /* enum coro_stacks */
	uint64_t stack_budget; /* 0x70: bytes of stacks that a thread may record in 2^24 ticks; 0: no limit */
	uint32_t stack_log2;   /* size of each stk.N that is made from now on; 0: the program's choice */
	uint8_t zero1[4];
	struct coro_lease lease[CORO_LEASES]; /* 0x80 */
	uint8_t zero2[0x80];
	struct coro_breakpoint breakpoint[CORO_BREAKPOINTS]; /* 0x200 */
	uint8_t mailbox[32][64];                             /* 0xc00: requests of later versions */
	uint32_t rings;                                      /* 0x1400: rings made so far */
	uint32_t baseline; /* raised by a reader that attaches: see runtime/probe/baseline.c */
	uint32_t thread[CORO_THREADS]; /* ids of threads that have objects, or had; 0: free */
	uint8_t zero3[0x7f8];
	uint64_t tail[CORO_LEASES][CORO_RINGS]; /* 0x2000: next index that the holder will read */
	uint8_t zero4[0x10000 - 0xa000];
};
/* In `step_ring`: whichever comes first. */
#define CORO_STEP_ANY 0xffffffffu
CORO__ASSERT(sizeof(struct coro_ctl) == 0x10000, "ctl");
#ifndef __cplusplus
CORO__ASSERT(__builtin_offsetof(struct coro_ctl, kind_mask) == 0x40, "ctl");
CORO__ASSERT(__builtin_offsetof(struct coro_ctl, step_budget) == 0x50, "ctl");
CORO__ASSERT(__builtin_offsetof(struct coro_ctl, policy) == 0x60, "ctl");
CORO__ASSERT(__builtin_offsetof(struct coro_ctl, stacks) == 0x6c, "ctl");
CORO__ASSERT(__builtin_offsetof(struct coro_ctl, lease) == 0x80, "ctl");
CORO__ASSERT(__builtin_offsetof(struct coro_ctl, breakpoint) == 0x200, "ctl");
CORO__ASSERT(__builtin_offsetof(struct coro_ctl, mailbox) == 0xc00, "ctl");
CORO__ASSERT(__builtin_offsetof(struct coro_ctl, rings) == 0x1400, "ctl");
CORO__ASSERT(__builtin_offsetof(struct coro_ctl, tail) == 0x2000, "ctl");
#endif

/* ---- ring.N ------------------------------------------------------------ */

enum coro_ring_state { CORO_RING_LIVE = 1, CORO_RING_PARKED = 2, CORO_RING_EXITED = 3 };

/* What a ring begins with, and how many slots it has: 2^17, or what a reader or the program's
 * environment asks for. */
#define CORO_RING_MAGIC 0x474e4952u /* "RING" */
#define CORO_RING_LOG2_DEFAULT 17
#define CORO_RING_LOG2_LEAST 6
#define CORO_RING_LOG2_MOST 24
#define CORO_RING_LOG2_LEAST_OVER 9 /* of policy OVERWRITE */
/* A ring that is written over has 2^3 epochs: in each of them every row is named anew, by an IDENTITY
 * or a bind, before it is used. So a reader that begins with an epoch knows who is who. */
#define CORO_RING_LOG2_EPOCHS 3

struct coro_ring_header {
	/* Never changes. */
	uint32_t magic;
	uint32_t ring;       /* N */
	uint32_t log2_slots; /* 2^k slots follow this header */
	uint32_t policy;     /* enum coro_policy */
	uint64_t tid;
	uint32_t name; /* string id of the thread's name */
	uint32_t zero0;
	uint64_t birth_clock;
	uint8_t zero1[24];
	/* The producer's. 0x40 */
	uint64_t head;      /* slots committed, at least: published each 64 slots, before any wait, at exit */
	uint64_t watermark; /* clock up to which a parked ring has nothing more */
	uint64_t dropped;   /* slots that were not written because the ring was full */
	uint64_t dropped_nested; /* events of signal handlers inside an emit */
	uint64_t records;   /* slots of IDENTITY and LOST, and of binds of events that have none
	                       elsewhere: what a ring holds besides the program's events */
	uint64_t under_way; /* the event that is being written, or dropped: its row, and its cseq in the
	                       upper half; 0: none, or the table says it (see room.c) */
	uint8_t zero2[16];
	/* The producer's. 0x80 */
	uint64_t baseline_seq; /* ctl.baseline for which this thread has filled the table; 0: none */
	uint64_t blocked_ns;
	uint64_t blocked_count;
	uint32_t state;   /* enum coro_ring_state; PARKED: waits at the gate, or in the selector */
	uint32_t at_gate; /* 1: waits at the gate */
	uint64_t gate_sp; /* then: what the switch would have saved of the thread stands there, in the
	                     layout of the beacon's frame_version; else nothing */
	uint64_t stacks;  /* slots of STACK: no events, and not among `records` */
	uint8_t zero3[16];
	uint8_t zero4[64];
};
CORO__ASSERT(sizeof(struct coro_ring_header) == 256, "ring header");

/* ---- stk.N ------------------------------------------------------------- */

/* What a stack ring begins with; 2^k bytes follow. A position counts bytes from the ring's beginning,
 * never wraps, and lies at position mod 2^k of these. What stands at a position is in one piece.
 * What a reader has not read is what STACKs in slots stand for that are not behind its tail. */
#define CORO_STACK_RING_MAGIC 0x534b5453u /* "STKS" */
#define CORO_STACK_RING_LOG2_DEFAULT 22
#define CORO_STACK_RING_LOG2_LEAST 18
#define CORO_STACK_RING_LOG2_MOST 30
struct coro_stack_ring_header {
	uint32_t magic;
	uint32_t ring;       /* N */
	uint32_t log2_bytes; /* k */
	uint32_t zero0;
	uint8_t zero1[48];
	/* The producer's. 0x40 */
	uint64_t claimed; /* all before this position is written, or being written: what lies 2^k before
	                     it is gone */
	uint64_t skipped; /* stacks that were left out: CORO_STACK_LARGE and so on */
	uint64_t dropped; /* STACKs for which the event ring had no room: nothing else tells of these */
	uint8_t zero2[40];
	uint8_t zero3[128];
};
CORO__ASSERT(sizeof(struct coro_stack_ring_header) == 256, "stack ring header");

/* Stands before the bytes of a stack; so the position of a STACK is a multiple of 16. */
struct coro_stack_header {
	uint64_t sp; /* where the bytes were: the saved stack pointer */
	uint32_t row;
	uint32_t length;
};
CORO__ASSERT(sizeof(struct coro_stack_header) == 16, "stack header");

/* ---- tab --------------------------------------------------------------- */

/* The mirror of one object: written by the program before the event, read by
 * whoever attaches late. One cache line. Row 0 is nobody: its `serial` counts writes that found
 * no room, its `resumes` says how many rows have blocks.
 *
 * A row means something if and only if its `baseline` is its ring's baseline_seq: others are left
 * from when somebody traced before. */
struct coro_mirror_row {
	uint32_t lock_seq; /* odd while it is written */
	uint32_t cseq;     /* events so far about this row */
	uint8_t kind, state, reason, zero;
	uint32_t gen;
	uint64_t serial;
	uint32_t waits_on; /* row */
	uint32_t site;     /* of the last suspension */
	uint32_t parent;   /* row of the creator */
	uint32_t creation_site;
	uint32_t name;
	uint32_t baseline; /* ctl.baseline when its thread filled the table, or made it after that */
	uint32_t link;     /* row: of a task its coroutine; of a lock who holds it; of a group the task
	                      whose section it is; of a condition its lock; 0: none, or not known */
	uint32_t number;   /* if there is a link: how often that row was used before; of a body: its
	                      stack, KiB; of a queue, channel or barrier: its capacity; of a descriptor:
	                      its number; all ones: not known */
	uint32_t resumes;  /* of a generator or coroutine */
	uint32_t ring;
};
CORO__ASSERT(sizeof(struct coro_mirror_row) == 64, "mirror row");
#define CORO_NUMBER_UNKNOWN 0xffffffffu

/* ---- obj --------------------------------------------------------------- */

/* Where the object of a row is, in the program's memory; as many as `tab` has blocks for. Written when the
 * row is bound and in a baseline, and left as it is when the object goes: so an address means something
 * if and only if a struct coro_object of this row and serial stands there. */
struct coro_object_place {
	uint64_t address;
	uint32_t rest; /* even, not 0: it is a body, and its stack is as the switch left it, from `sp` of
	                  the control block on. Odd: it runs, or may. It only grows, and changes before
	                  the stack does. Valid if ctl.stacks was not 0 when the body stopped running */
	uint32_t zero;
};
CORO__ASSERT(sizeof(struct coro_object_place) == 16, "object place");

/* ---- str --------------------------------------------------------------- */

/* Header of the string arena; records follow it, each
 *     u32 length; u32 hash (FNV-1a); bytes; zeros up to a multiple of 8
 * String ids count records from 1. Id i is valid if and only if i <= count. */
#define CORO_STR_MAGIC 0x53525453u /* "STRS" */
struct coro_str_header {
	uint32_t magic;
	uint32_t count; /* records published, by a release store */
	uint64_t bytes; /* length of the records that `count` covers */
	uint64_t lost;  /* strings that found no room */
	uint8_t zero[40];
};
CORO__ASSERT(sizeof(struct coro_str_header) == 64, "str header");

/* ---- The private control block ----------------------------------------- */

/* Every traced object of an emitter begins with this, in its own memory: the
 * truth that the table mirrors. gdb, a core file and the tracer find it there
 * without the program's help. It ends before 64 bytes are full. */
#define CORO_OBJECT_MAGIC 0x4f524f43u /* "CORO" */
struct coro_object {
	uint32_t magic; /* CORO_OBJECT_MAGIC; 0 when freed */
	uint32_t row;   /* its row of the table; never 0 while alive */
	uint64_t serial;
	uint32_t cseq;
	uint8_t kind;   /* enum coro_object_kind */
	uint8_t state;  /* enum coro_state */
	uint8_t reason; /* enum coro_reason: of a future, or what a task's future is for */
	uint8_t flags;  /* the emitter's own */
	uint32_t waits_on; /* row of what it awaits or delegates to, 0: nothing */
	uint32_t parent;   /* row of its creator */
	const char *name;  /* borrowed from the emitter; NULL: none */
	const char *creation_site; /* static "FILE:LINE FUNCTION"; NULL: none */
	uint32_t gen;      /* how often the row was used before */
	uint32_t resumes;
};
CORO__ASSERT(sizeof(struct coro_object) == 56, "control block");

/* Of bodies, the saved stack pointer and the base of the stack (one past its highest byte) follow. */
enum { CORO_OBJECT_SP = 56, CORO_OBJECT_STACK_BASE = 64 };

/* What runtime/context/switch_*.S saves; the number changes with its layout. */
enum { CORO_FRAME_NONE = 0, CORO_FRAME_X86_64_V1 = 1, CORO_FRAME_AARCH64_V1 = 2 };

/* ---- The ELF note ------------------------------------------------------ */

/* A program or library that links the probe has a note of this name and type in
 * section .note.coroscope: that is how `run` knows it before it starts it. */
#define CORO_NOTE_NAME "Coroscope"
#define CORO_NOTE_TYPE 1

/* ---- Launching --------------------------------------------------------- */

/* A launcher passes a connected socket's number in this variable. The probe, once
 * its segment exists, writes the segment's path and a newline to it, and waits for
 * one byte or the end of the stream, whichever comes first; then it closes it and
 * removes the variable. So a launcher can take its lease before the first event,
 * and one that died delays nobody. */
#define CORO_LAUNCH_VARIABLE "COROSCOPE_LAUNCH_FD"

#ifdef __cplusplus
}
#endif
#endif
