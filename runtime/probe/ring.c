/*
 * ring.c - an event becomes slots of the calling thread's ring.
 *
 * THE FILE
 *
 * ring.N belongs to one thread, which alone writes it. It is a header of 256 bytes and
 * then 2^k slots of 32 bytes (k = 17: 4 MiB). Slots are counted from the ring's beginning
 * by a 64-bit index that never wraps; slot `index` lies at index mod 2^k.
 *
 *     header  0x00  u32 magic, u32 N, u32 k, u32 policy      never changes
 *             0x10  u64 tid, u32 name, u32 0, u64 birth_clock
 *             0x40  u64 head        all slots below are committed (there may be more)
 *             0x48  u64 watermark   clock until which a parked ring has nothing more
 *             0x50  u64 dropped     slots that found no room
 *             0x58  u64 dropped_nested   events from signal handlers inside an emit
 *             0x80  u64 baseline_seq, u64 blocked_ns, u64 blocked_count
 *             0x98  u32 state       LIVE, PARKED, EXITED
 *             0x9c  u32 at_gate, u64 gate_sp    see gate.c
 *             0xa8  u64 stacks      slots of STACK, which are no events: see stacks.c
 *
 *     slot    0     u64 word        kind 8 | flags 8 | prev 4 | next 4 | ext 4 | lap 4 | cseq 32
 *             8     u64 clock
 *             16    u32 row, u32 peer, u32 site, u32 value
 *
 * An event is one slot and, where it needs more, `ext` payload slots (kind EXT, at most
 * 15) right after it, with 24 bytes each from byte 8 on. The payload is a struct
 * coro_trace_bind if the flag BIND is set, then, if `value` is CORO_VALUE_IN_EXT, a
 * struct coro_trace_value and its bytes, then zeros.
 *
 * VALIDITY
 *
 * The slot at `index` is committed if and only if kind is not 0 and
 *     lap == ((index >> k) + 1) mod 16.
 * A new file is all zeros, and lap 0 with kind 0 is nothing; a slot of an earlier time
 * round has another lap, up to 15 times back, and none can be older, for every slot is
 * written each time round. An event is whole if and only if its first slot is committed:
 * the payload was stored before.
 *
 *                    tail (reader)                  index (writer)
 *                      │                              │
 *     ┌────────┬───────▼──────────────────────────────▼─────────────────┐
 *     │ lap 3  │ lap 3 │ committed, unread      lap 3 │ lap 2, was read │
 *     └────────┴───────┴──────────────────────────────┴─────────────────┘
 *
 * WRITER
 *
 *  1. Pass the gate (gate.c). Nothing has changed yet. If it was found open for all events
 *     before, and its word is the same, no more is asked.
 *  2. Room: index + needed <= limit, where limit = least tail of a blocking reader + 2^k.
 *     Only when the cached limit is reached are the tails read, and the ring's policy says
 *     what follows: see room.c.
 *  3. Count the object's cseq up; write its row of the mirror table (table first).
 *  4. Write the fields of the first slot and the payload slots, each of these with its word
 *     last; then the first slot's word, in one release store: this is the commit (ring
 *     second).
 *  5. index += needed. Publish head when it passes a multiple of 64; also before any wait
 *     and at the thread's end.
 *  6. If a breakpoint matches, shut the gate: the next event waits there.
 *
 * READER (tracer/source/live.c)
 *
 * Copies slots from its tail on and takes them as long as they are committed; it need not
 * look at head, which only saves it from looking further. It advances its tail when it has
 * put what it took in safety. After that the writer may use the slots again.
 *
 * CRASHES
 *
 *  - The program dies between 3 and 4: the table's cseq is one ahead of the ring: that one
 *    event was under way. Payload slots without a first slot: the first slot's place is
 *    not committed, so the reader stops before them.
 *  - It dies after the commit, before head: the reader goes by the word, and loses nothing.
 *  - The reader dies: its lock is gone, so the writer waits at most 10 ms for its tail.
 *  - The reader writes nonsense into a tail: one that is not in [index - 2^k, index] is
 *    as if there were none.
 *  - A signal handler emits while its thread is inside 1 to 6: the event is dropped and
 *    counted; the ring is as it was.
 *
 * Numbers are little-endian; every machine that this runs on is.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "write.h"

/* tests/trace/attach_test.c compiles this file again: with a long time between the two stores, and
 * with them in the wrong order, which it must find. */
#define CORO_TABLE_FIRST 1
#define CORO_RING_FIRST  2
#ifndef CORO_TEST_ORDER
#define CORO_TEST_ORDER 0
#endif

#define INLINED static inline __attribute__((always_inline))

const uint64_t coro__probe_nobody[8];
/* Said again: a definition without it takes the model of the whole file. */
_Thread_local struct coro__thread coro__thread __attribute__((tls_model("initial-exec")));

/* ---- Making and leaving a ring ----------------------------------------- */

static void *make_file(uint32_t number, uint32_t *log2)
{
	char name[32];

	snprintf(name, sizeof(name), "ring.%u", number);
	for (;; --*log2) {
		size_t bytes = sizeof(struct coro_ring_header) + (sizeof(struct coro_trace_slot) << *log2);
		void *memory = coro__segment_file(name, bytes, bytes);

		if (memory)
			madvise(memory, bytes, MADV_WILLNEED);
		if (memory || *log2 <= CORO_RING_LOG2_LEAST_OVER)
			return memory;
	}
}

static bool make(struct coro__thread *thread, uint32_t thread_name)
{
	struct coro_ctl *ctl = coro__segment.ctl;
	uint32_t log2 = coro__load(&ctl->ring_log2), number = coro__segment.rings;
	uint32_t policy = coro__load(&ctl->policy);
	struct coro_ring_header *header;

	if (!coro__mirror_make() || number >= CORO_RINGS)
		return false;
	if (log2 < CORO_RING_LOG2_LEAST || log2 > CORO_RING_LOG2_MOST)
		log2 = coro__segment.ring_log2;
	if (policy == CORO_POLICY_OVERWRITE && log2 < CORO_RING_LOG2_LEAST_OVER)
		log2 = CORO_RING_LOG2_LEAST_OVER;
	header = make_file(number, &log2);
	if (!header)
		return false;
	CORO__TEST_POINT("ring file");
	header->magic = CORO_RING_MAGIC;
	header->ring = number;
	header->log2_slots = log2;
	header->policy = policy < CORO_POLICY_LIMIT ? policy : CORO_POLICY_BLOCK;
	header->tid = (uint64_t)syscall(SYS_gettid);
	header->name = thread_name;
	header->birth_clock = coro__clock_read();
	header->state = CORO_RING_LIVE;
	CORO__TEST_POINT("ring header");

	thread->header = header;
	thread->slots = (struct coro_trace_slot *)(header + 1);
	thread->index = 0;
	thread->lap = CORO_SLOT_WORD(0, 0, 0, 0, 0, 1, 0);
	thread->limit = (uint64_t)1 << log2;
	thread->wrap = thread->limit - 1;
	thread->number = number;
	thread->log2_slots = log2;
	thread->clock_stale = true;
	thread->break_seq = ~coro__load(&coro__segment.ctl->ctl_seq);
	thread->open_gate = CORO__GATE_NEVER;
	thread->ctl = ctl;
	thread->policy = header->policy;
	thread->careful = false;
	thread->room = thread->dropped = thread->lost = thread->asked = 0;
	thread->stacks = (struct coro__stack_ring){0};
	if (thread->policy == CORO_POLICY_OVERWRITE)
		coro__room_careful(thread);
	coro__segment.rings = number + 1;
	coro__store_release(&coro__segment.ctl->rings, number + 1);
	CORO__TEST_POINT("ring count");
	return true;
}

bool coro__ring_make(struct coro__thread *thread)
{
	char name[17] = "";
	int saved = errno;

	if (thread->refused)
		return false;
	prctl(PR_GET_NAME, name);
	coro__probe_lock_always();
	thread->refused = !coro__strings_make();
	coro__probe_unlock_always();

	uint32_t thread_name = thread->refused ? 0 : coro__string(name);

	coro__probe_lock_always();
	thread->refused = thread->refused || !make(thread, thread_name);
	coro__probe_unlock_always();
	if (!thread->refused)
		coro__probe_watch_thread(thread);
	errno = saved;
	return !thread->refused;
}

void coro__ring_publish(struct coro__thread *thread)
{
	coro__store_release(&thread->header->head, thread->index);
}

void coro__ring_exit(struct coro__thread *thread)
{
	struct coro_ring_header *header = thread->header;

	if (!header)
		return;
	coro__room_tell_loss(thread);
	coro__ring_publish(thread);
	coro__store(&header->watermark, coro__clock_read());
	coro__store_release(&header->state, CORO_RING_EXITED);
	if (coro_probe_mask())
		coro__lease_wake(true);
	thread->header = NULL;
	thread->limit = 0;
	coro__room_done(thread);
	coro__stacks_done(thread);
	coro__cut_end(header);
	munmap(header, sizeof(*header) + (thread->wrap + 1) * sizeof(struct coro_trace_slot));
}

/* ---- Emitting ---------------------------------------------------------- */

static void write_payload(struct coro__thread *thread, const uint8_t *payload, unsigned slots)
{
	for (unsigned i = slots; i > 0; i--) {
		uint64_t index = thread->index + i;
		struct coro_trace_slot *slot = &thread->slots[index & thread->wrap];

		memcpy((uint8_t *)slot + sizeof(slot->word), payload + (i - 1) * CORO_EXT_BYTES,
			   CORO_EXT_BYTES);
		CORO__TEST_POINT("payload bytes");
		coro__store_release(&slot->word, CORO_SLOT_WORD(CORO_EVENT_EXT, 0, 0, 0, 0,
														(index >> thread->log2_slots) + 1, 0));
		CORO__TEST_POINT("payload word");
	}
}

void coro__ring_turned(struct coro__thread *thread)
{
	thread->lap = CORO_SLOT_WORD(0, 0, 0, 0, 0, (thread->index >> thread->log2_slots) + 1, 0);
	coro__ring_publish(thread);
	CORO__TEST_POINT("head");
	coro__lease_wake(false);
	CORO__TEST_POINT("wake");
}

/* The end of an event that began a new piece of the ring, or was not plain. */
static __attribute__((noinline)) void end_slowly(struct coro__thread *thread, uint64_t before,
												 unsigned kind, uint32_t row, uint32_t site)
{
	if ((before ^ thread->index) & ~(uint64_t)63)
		coro__ring_turned(thread);
	if (coro__unlikely(thread->break_kinds >> kind & 1))
		coro__gate_break(thread, kind, row, site);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	thread->inside = 0;
}

/* Step 3. */
INLINED void write_row(const struct coro__thread *thread, const struct coro_object *object,
					   const struct coro__record *record, uint32_t cseq, uint32_t word, bool plain)
{
	if (plain || coro__mirror_has(object->row))
		coro__mirror_write(thread, object, cseq, word >> 20,
						   record->what & CORO__EMIT_WAITS ? record->peer : object->waits_on,
						   record->site);
}

/* Steps 3 to 6; there is room for the slot and the `ext` payload slots behind it. Compiled twice:
 * once for the plain case, as straight code without a call but at its end. */
INLINED void write_event(struct coro__thread *thread, struct coro_object *object,
						 struct coro__record record, unsigned ext, const uint8_t *payload,
						 bool plain)
{
	uint64_t index = thread->index;
	struct coro_trace_slot *slot = &thread->slots[index & thread->wrap];
	uint32_t word = record.what & CORO__EMIT_WORD, cseq;

	slot->row = object->row;
	slot->peer = record.peer;
	slot->site = record.site;
	slot->value = record.value;
	CORO__TEST_POINT("slot fields");
	if (record.what & CORO__EMIT_READS_CLOCK || coro__unlikely(thread->clock_stale)) {
		thread->clock = plain ? coro__clock_register() : coro__clock_read();
		if (coro__unlikely(thread->clock_stale))
			thread->clock_stale = false;
		word &= ~((uint32_t)CORO_SLOT_INHERIT << 8);
	}
	slot->clock = thread->clock;
	cseq = ++object->cseq;
	CORO__TEST_POINT("slot clock");
	if (CORO_TEST_ORDER != CORO_RING_FIRST)
		write_row(thread, object, &record, cseq, word, plain);
	if (CORO_TEST_ORDER && !(index & 31))
		sched_yield();
	if (!plain)
		write_payload(thread, payload, ext);
	coro__store_release(&slot->word, (uint64_t)cseq << 32 | thread->lap | ext << 24 | word |
										 (uint32_t)object->state << 16);
	CORO__TEST_POINT("slot word");
	if (CORO_TEST_ORDER == CORO_RING_FIRST) {
		if (!(index & 31))
			sched_yield();
		write_row(thread, object, &record, cseq, word, plain);
	}
	thread->index = index + 1 + ext;
	CORO__TEST_POINT("index");
	if (!plain || coro__unlikely(!(thread->index & 63))) {
		end_slowly(thread, index, CORO_SLOT_KIND(word), object->row, record.site);
		return;
	}
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	thread->inside = 0;
}

void coro__pack(struct coro__thread *thread, const struct coro_object *object,
				struct coro__record *record, const struct coro_probe_value *value, bool bind,
				uint8_t *payload)
{
	unsigned bytes = 0, value_bytes = 0;
	bool first = CORO__KINDS_OF_BIND >> CORO_SLOT_KIND(record->what) & 1; /* says so by itself */

	if (bind) {
		struct coro_trace_bind who = {
			.serial = object->serial,
			.name = coro__string(object->name),
			.site = coro__string(object->creation_site),
			.gen = object->gen,
			.kind = object->kind,
			.reason = object->reason,
			.stack_kib = thread->stack_row == object->row ? thread->stack_kib : 0,
		};

		memcpy(payload, &who, sizeof(who));
		bytes = sizeof(who);
		record->what |= CORO_SLOT_BIND << 8;
		if (first)
			thread->stack_row = 0;
	}
	if (value)
		record->value = coro__value_encode(value, payload + bytes, &value_bytes);
	bytes += value_bytes;
	record->ext = (bytes + CORO_EXT_BYTES - 1) / CORO_EXT_BYTES;
	memset(payload + bytes, 0, record->ext * CORO_EXT_BYTES - bytes);
}

/* An event with a payload: a bind, a large value, or both. */
static void emit_large(struct coro__thread *thread, struct coro_object *object,
					   struct coro__record record, const struct coro_probe_value *value)
{
	_Alignas(8) uint8_t payload[CORO__PAYLOAD_MAX];

	coro__pack(thread, object, &record, value, record.what & CORO_SLOT_BIND << 8, payload);
	if (coro__unlikely(thread->index + 1 + record.ext > thread->limit)) {
		coro__room_emit(thread, object, &record, value, payload);
		return;
	}
	/* From here on the row is locked: nothing waits until the event is written. */
	coro__mirror_tell(thread, object, CORO_SLOT_KIND(record.what), record.peer, value, payload);
	write_event(thread, object, record, record.ext, payload, false);
}

void coro_probe_stack(const struct coro_object *object, size_t bytes)
{
	size_t kib = bytes / 1024 + (bytes % 1024 != 0);

	coro__thread.stack_row = object->row;
	coro__thread.stack_kib = kib < UINT16_MAX ? (uint16_t)kib : UINT16_MAX;
}

/* A signal handler's event inside another one of its thread. */
static void drop_nested(struct coro__thread *thread)
{
	struct coro_ring_header *header = thread->header;

	if (header)
		coro__store(&header->dropped_nested, header->dropped_nested + 1);
}

static bool is_wanted(unsigned kind)
{
	return kind < CORO_EVENT_LIMIT && coro_probe_mask() >> kind & 1;
}

/* Whether the event is wanted, the thread has a ring, the gate is passed, and it is wanted still.
 */
static bool come_to_pass(struct coro__thread *thread, unsigned kind)
{
	if (!is_wanted(kind) || (!thread->header && !coro__ring_make(thread)))
		return false;
	coro__baseline_look(thread);
	if (!coro__gate_is_open())
		coro__gate_wait(thread);
	return is_wanted(kind);
}

/* Whatever is not the plain case: no ring yet, no room, a gate that is shut or that a breakpoint
 * may shut, kinds that are not wanted, a payload, a row that the table has no blocks for, a clock
 * that is not a register. */
static __attribute__((noinline)) void emit_slowly(struct coro_object *object, uint32_t what,
												  uint32_t peer, uint32_t site,
												  const struct coro_probe_value *value)
{
	struct coro__thread *thread = &coro__thread;
	struct coro__record record = {.what = what, .peer = peer, .site = site};

	if (!come_to_pass(thread, CORO_SLOT_KIND(what))) {
		thread->inside = 0;
		return;
	}
	if (!coro__mirror_has(object->row))
		(void)coro__mirror_grow(object->row);
	thread->mirrored = coro__clock_ticks ? coro__load(&coro__mirror_ready) : 0;
	coro__gate_look(thread);
	if (record.what & CORO_SLOT_BIND << 8 || !coro__value_small(value, &record.value)) {
		emit_large(thread, object, record, value);
		return;
	}
	if (thread->index + 1 > thread->limit) {
		coro__room_emit(thread, object, &record, value, NULL);
		return;
	}
	coro__mirror_tell(thread, object, CORO_SLOT_KIND(what), peer, value, NULL);
	write_event(thread, object, record, 0, NULL, false);
}

void coro__probe_emit(struct coro_object *object, uint32_t what, uint32_t peer, uint32_t site,
					  const struct coro_probe_value *value)
{
	struct coro__thread *thread = &coro__thread;
	struct coro__record record = {
		.what = what, .peer = peer, .site = site, .value = CORO_VALUE_ABSENT};

	if (coro__unlikely(thread->inside)) {
		drop_nested(thread);
		return;
	}
	thread->inside = 1;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	/* Without a ring there is no room either. */
	if (coro__unlikely(what & CORO__EMIT_SLOWLY) ||
		coro__unlikely(thread->index >= thread->limit) ||
		coro__unlikely(coro__gate_word(thread->ctl) != thread->open_gate) ||
		coro__unlikely(object->row >= thread->mirrored) ||
		coro__unlikely(value && !coro__value_small(value, &record.value))) {
		emit_slowly(object, what, peer, site, value);
		return;
	}
	write_event(thread, object, record, 0, NULL, true);
}

/* ---- Parking ----------------------------------------------------------- */

void coro_probe_park(void)
{
	struct coro__thread *thread = &coro__thread;

	if (!thread->header || thread->inside)
		return;
	coro__room_tell_loss(thread);
	coro__ring_publish(
		thread); /* also of one whose reader died: what it has not read shall be found */
	if (!coro_probe_mask())
		return;
	coro__store(&thread->header->watermark, coro__clock_read());
	coro__store_release(&thread->header->state, CORO_RING_PARKED);
	coro__lease_wake(false);
}

void coro_probe_resume(void)
{
	struct coro__thread *thread = &coro__thread;

	if (!coro_probe_mask() || !thread->header || thread->inside)
		return;
	coro__store_release(&thread->header->state, CORO_RING_LIVE);
	thread->clock_stale = true;
}

uint64_t coro_probe_paused_ns(void)
{
	return coro__thread.paused_ns;
}
