#ifndef TRACER_LIVE_H
#define TRACER_LIVE_H
/*
 * live.h - the segment of a program, seen by a reader.
 *
 * The layout is told in trace_abi.h, the writer's half in runtime/probe/ring.c and gate.c.
 *
 * Invariants
 * - Nothing in a segment is believed. Files are opened without following links and must be
 *   regular, of this user, and large enough; data is copied by pread(), never mapped, so
 *   that a file that shrinks is a short read and not a signal; every offset and count is
 *   checked. What cannot be is counted in live_damage().
 * - The one mapping is `ctl`. Every access to it is guarded: should its file shrink, the
 *   segment reads as broken from then on, and functions return -EIO.
 * - Slots are handed out once and in order. The program may use their room again only
 *   after live_advance().
 *
 * Threads: one at a time, but for live_mark(), live_sleep() and live_interrupt(), which
 * may be called while another thread uses the segment.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <coroscope/trace_abi.h>
#include "trace.h"

struct live;

/* Opens a segment's directory. On failure returns -errno and a malloc'ed sentence without
 * the path in *ret_why ("is of version 2.0; this program reads 1.x", ...). */
int live_open(const char *path, struct live **ret, char **ret_why);
/* Gives a lease back, if there is one. */
void live_free(struct live *live);

/* The beacon, checked: magic, version, byte order, CRC. */
const struct coro_beacon *live_beacon(const struct live *live);
/* Whether the program that the beacon names is alive and the same. */
bool live_is_alive(const struct live *live);
/* Removes the directory of a program that has ended. */
void live_remove(struct live *live);
/* The same, if it ended by itself and no other reader is left: what a killed one left can be
 * recovered. Gives our lease back. */
void live_remove_left(struct live *live);
/* The segment of a process: a malloc'ed path. -ENOENT: it has none that we can find. */
int live_find(uint32_t pid, char **ret);
/* Calls `see` with the path of each segment of this user there is, and whose it is or was. */
void live_each(void (*see)(const char *path, uint32_t pid, void *context), void *context);
/* For a handler of SIGBUS that is set while a segment is open: does not return if the access was one to a
 * page of a segment, which its program, or somebody else, may cut off: that goes on as an error. Else it
 * does nothing. Async-signal-safe; the handler must have SA_NODEFER. */
void live_on_fault(void);
/* Things in the segment that could not be, so far. */
uint64_t live_damage(const struct live *live);

/* How many readers have a lease. */
unsigned live_readers(struct live *live);
/* Objects in the table, and events so far, as far as they are published; 0: nobody has traced yet. */
void live_count(struct live *live, uint64_t *ret_coroutines, uint64_t *ret_events);

/* ---- Lease and gate ---------------------------------------------------- */

/* Takes a free lease, with flags CORO_LEASE_*. -EBUSY: all are held. */
int live_take_lease(struct live *live, uint32_t flags);
/* Opens the gate, wants no more events, and gives the lease back. */
void live_release(struct live *live);
/* Which kinds of event are wanted: bits. */
int live_set_kinds(struct live *live, uint64_t kinds);
/* What becomes of events for which there is no room, in rings that are made from now on; how
 * large these are (2^ring_log2 slots, 0: as the program likes); and how long a ring of policy BLOCK
 * waits before it drops (ms, 0: as long as we live). To be called before live_set_kinds(). */
int live_set_policy(struct live *live, enum coro_policy policy, unsigned ring_log2,
                    uint32_t block_ms);
/* What becomes of the stacks of bodies that do not run (trace_abi.h), from now on; and how many bytes of
 * them each thread may record in a second, 0: as many as there are. clock_hz: live_clock_hz(). To be
 * called before live_set_kinds() or live_ask(). -EPROTONOSUPPORT of a program whose runtime cannot. */
int live_set_stacks(struct live *live, enum coro_stacks stacks, uint64_t bytes_a_second,
                    uint64_t clock_hz);
/* The gate. `budget` counts for CORO_STEP: events that may pass. */
int live_set_gate(struct live *live, enum coro_run_state state, uint64_t budget);
/* Stop after an event of these kinds; 0: of none. */
int live_set_breaks(struct live *live, uint64_t kinds);

enum live_rest {
	LIVE_MOVES, /* an event may come at any moment */
	LIVE_HELD,  /* no event can pass, and at least one thread waits at the gate; the others do too, or
	               are in their selectors, or sleep elsewhere in the kernel */
	LIVE_IDLE,  /* no event can pass; all threads are in their selectors, or there is none */
};
/* Where the program is. Everything that was emitted before it came to rest is there to be
 * read after this call. */
enum live_rest live_rest(struct live *live);

/* ---- Reading ----------------------------------------------------------- */

/* Rings known so far: 0 .. n-1. */
unsigned live_rings(struct live *live);
/* Copies committed slots of a ring, at most `room` (at least 16), that follow those that were
 * taken; *ret_index is the first one's. Returns how many, 0 when there are no more. *ret_lost:
 * how many slots were lost before them, because the program dropped them or wrote over
 * them, or because they are damaged; if there are some, more may follow even when it returns 0. A
 * clock that cannot be is replaced by the last good one. */
int live_read(struct live *live, unsigned ring, struct coro_trace_slot *slots, unsigned room,
			  uint64_t *ret_index, uint64_t *ret_lost);
/* `count` of the slots that live_read() gave are taken: the next call gives what follows. */
void live_take(struct live *live, unsigned ring, unsigned count);
/* What was taken and is not in safety yet; great: a quarter of some ring is not even handed over;
 * urgent: half of one. */
enum live_debt { LIVE_NO_DEBT, LIVE_SOME_DEBT, LIVE_GREAT_DEBT, LIVE_URGENT_DEBT };
enum live_debt live_debt(const struct live *live);
/* All that was taken is in safety: the program may use the room again. */
void live_advance(struct live *live);
/* All that was taken is on its way to safety; and what was handed over is there. */
void live_hand_over(struct live *live);
void live_advance_handed(struct live *live);
/* What live_advance() said is said again where somebody wrote over it, or over the lease: a program that
 * waits for room would wait for ever. To be called when there is nothing more to take. */
void live_tell_again(struct live *live);
/* The next string: id, bytes (valid until the next call), length. 1, or 0 when there is
 * none for now. */
int live_read_string(struct live *live, uint32_t *ret_id, const char **ret, size_t *ret_length);

/* ---- Stacks ------------------------------------------------------------ */

/* Copies what the STACKs among `count` slots of a ring name, as much as can be at once: for
 * live_stack_bytes(), which copies what was not copied yet. */
void live_fetch_stacks(struct live *live, unsigned ring, const struct coro_trace_slot *slots,
                       unsigned count);
/* The bytes of a STACK of a ring that says nothing against it: slot->length of them, and where they were.
 * Borrowed until the next call. 0; -ENODATA: they were written over; -EBADMSG: they cannot be; -errno. */
int live_stack_bytes(struct live *live, unsigned ring, const struct coro_trace_stack *slot,
                     uint64_t *ret_sp, const uint8_t **ret);
/* Where the object of a row is in the process: a struct coro_object of this row, if it has not gone
 * since. -ENOENT: nobody has said that yet; -EPROTONOSUPPORT: its runtime does not. */
int live_object(struct live *live, uint32_t row, uint64_t *ret);
/* The stack of a body that does not run, of a process that goes on meanwhile. */
struct live_stack {
	uint64_t object; /* address of its control block */
	uint64_t serial;
	uint32_t cseq;   /* of its last event by then */
	uint64_t sp;     /* saved stack pointer: where the bytes were */
	size_t length;   /* from there to the base of the stack */
};
/* Copies it, as it was at one moment, into `room` bytes. `serial`: who it must be, 0: whoever has the
 * row. 0; -EAGAIN: it runs, or never rests so long as a copy takes; -ENOBUFS: *ret says how long it is;
 * -ESRCH: it has gone; -ENOENT: it was not told of, or has not stopped since stacks are wanted; -EPERM:
 * we may not read this process; -errno. */
int live_stack(struct live *live, uint32_t row, uint64_t serial, void *bytes, size_t room,
               struct live_stack *ret);
/* The thread of that ring waits at the gate: where the registers are with which it goes on, in the layout
 * of the beacon's frame_version, as if it had been left by the switch. -ENOENT: it does not wait. */
int live_gate_frame(struct live *live, unsigned ring, uint64_t *ret_sp);

/* ---- Coming late ------------------------------------------------------- */

/* Asks all threads for a baseline (runtime/probe/baseline.c), and wants these kinds of event. With a
 * lease. 0 or -errno: -EPROTONOSUPPORT for a program whose runtime cannot. */
int live_ask(struct live *live, uint64_t kinds);
/* Threads that have objects: how many there are, and how many of them have not answered; their ids in
 * `silent`, at most `room` of them. */
unsigned live_threads(struct live *live, uint32_t *silent, unsigned room, unsigned *ret_silent);
/* The thread of that ring has answered. */
bool live_has_answered(struct live *live, unsigned ring);
/* Reading of the ring begins with what will be committed next, or was just now: its index. */
uint64_t live_begin(struct live *live, unsigned ring);
/* The index after the last slot that is committed. */
uint64_t live_head(struct live *live, unsigned ring);

/* A copy of the table. */
struct live_table {
	struct coro_mirror_row *rows; /* owned; row 0 is nobody */
	uint32_t count;
	uint32_t torn; /* rows that were being written all the time: theirs are all zeros */
	uint32_t baseline; /* rows with an older one mean nothing */
};
int live_table(struct live *live, struct live_table *ret);
void live_table_done(struct live_table *table);
/* One row of it, as it is now. 0 or -errno; -EBUSY: it was being written all the time. */
int live_table_row(struct live *live, uint32_t row, struct coro_mirror_row *ret);
/* What the row says is so, of who is there. */
bool live_table_has(const struct live_table *table, uint32_t row);

/* ---- What was left ------------------------------------------------------ */

/* Whose segment it is, as a trace says it. */
struct trace_emitter live_emitter(const struct live *live);
bool live_is_of(const struct live *live, const struct trace_emitter *emitter);
/* The segment of that emitter, of a process that lives or does not any more: a malloc'ed path.
 * -ENOENT: there is none. */
int live_find_left(uint32_t pid, const struct trace_emitter *emitter, char **ret);
/* Reading of the ring begins after the event whose first slot is *last, or, if that is NULL, with
 * the first slot ever: returns its index. What it dropped is told from the ring's beginning on. */
uint64_t live_resume(struct live *live, unsigned ring, const uint64_t *last);
/* Copies those of `count` slots from `index` on that are in the ring; others become all zeros. 0 or
 * -errno. */
int live_peek(struct live *live, unsigned ring, uint64_t index, struct coro_trace_slot *slots,
              unsigned count);
/* The table of a program that does not run any more, with the rows that it was about to write when
 * it was killed (lock_seq is odd). 0 or -errno. */
int live_table_left(struct live *live, struct live_table *ret);
/* Header of a ring, as it is. 0 or -errno. */
int live_ring_header(struct live *live, unsigned ring, struct coro_ring_header *ret);

/* ---- Sleeping ---------------------------------------------------------- */

/* A mark before looking for news; live_sleep() with it returns at once when the program has
 * said since that there are some. `light`: only when it waits at the gate or for room; else
 * also when it sleeps in its selector or has emitted a few dozen events. */
uint32_t live_mark(struct live *live, bool light);
void live_sleep(struct live *live, uint32_t mark, int timeout_ms);
/* Ends a sleep from another thread. */
void live_interrupt(struct live *live);

/* ---- Clock ------------------------------------------------------------- */

/* The program's ticks and CLOCK_MONOTONIC, read together on this machine. */
struct live_clock {
	uint64_t ticks, mono;
};
void live_clock_read(struct live_clock *ret);
/* The clock of the program's events, as it is now. */
uint64_t live_now(const struct live *live);
/* Ticks a second, from the beacon or else from now and an early reading: sleeps until that is
 * 10 ms ago, if it is not. */
uint64_t live_clock_hz(const struct live *live, const struct live_clock *early);

#endif
