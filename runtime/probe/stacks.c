/*
 * stacks.c - the stack of a body that does not run becomes bytes of the thread's stack ring.
 *
 * THE FILE
 *
 * stk.N goes with ring.N, and is made when stacks are to be recorded. It is a header of 256 bytes
 * and then 2^k bytes (k = 22: 4 MiB), which positions count from the ring's beginning.
 *
 *     header  0x00  u32 magic, u32 N, u32 k                  never changes
 *             0x40  u64 claimed     what lies 2^k before this is gone
 *             0x48  u64 skipped, u64 dropped
 *
 *     ring.N  ... | YIELD row 7 | STACK row 7, length, position ─┐ | STEP ...
 *     stk.N   ... | sp, row 7, length | bytes from sp to base | ... (sp, row, length again)
 *                 ▲───────────────────────────────────────────┘
 *
 * A STACK follows the event with which the body gave control away, and is no event: it passes no
 * gate, counts no cseq and gets no number. What does not fit before the ring's end begins at its
 * start.
 *
 * WRITER
 *
 *  1. All of it will lie below `limit`, up to which nothing is unread; else look how far that is.
 *  2. claimed = its end; a release fence.
 *  3. The header and the bytes.
 *  4. The slot in ring.N, with its word last: the commit.
 *
 * What is unread is what STACKs name at which no blocking reader's tail has been. `mark` knows
 * where the first STACK of each 64 slots lies, so that a tail of the event ring is one of the stack
 * ring as well. Policies are those of the event ring (room.c), but that no STACK is written over:
 * where no reader is to be waited for, bytes are, and readers see by `claimed` which.
 *
 * A STACK that has no bytes says why: too large, over the budget, no room. Where not even a slot is
 * to be had, `dropped` counts it.
 *
 * AT REST. obj has a sequence number for each row, which is even while the stack is as the switch
 * left it, so that a reader who finds the same even one before and after has copied a stack that
 * did not run meanwhile.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include "private.h"

#define MARK_SLOTS 64u

/* Stacks have poisoned places when a sanitizer is there; what copies them must not look. */
#if defined(__clang__)
#define UNINSTRUMENTED __attribute__((noinline, no_sanitize("thread", "address")))
#else
#define UNINSTRUMENTED __attribute__((noinline, no_sanitize("thread"), no_sanitize("address")))
#endif

struct coro__stack_mark {
	uint64_t block;    /* index of its slots / MARK_SLOTS, + 1 */
	uint64_t position; /* of the first STACK among them */
};

/* ---- At rest ----------------------------------------------------------- */

static uint32_t *rest_of(const struct coro_object *object)
{
	return coro__objects && coro__mirror_has(object->row) ? &coro__objects[object->row].rest : NULL;
}

static void set_resting(uint32_t *rest)
{
	coro__store_release(rest, (coro__load(rest) | 1) + 1);
}

static void set_running(uint32_t *rest)
{
	coro__store(rest, coro__load(rest) | 1);
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

void coro_probe_runs(const struct coro_object *object)
{
	uint32_t *rest = rest_of(object);

	if (rest)
		set_running(rest);
}

void coro__stacks_present(const struct coro_object *object, bool rests)
{
	uint32_t *rest = rest_of(object);

	if (!rest)
		return;
	coro__objects[object->row].address = (uintptr_t)object;
	if (rests)
		set_resting(rest);
	else
		set_running(rest);
}

/* ---- The ring ---------------------------------------------------------- */

static void *make_file(const struct coro__thread *thread, uint32_t log2)
{
	size_t bytes = sizeof(struct coro_stack_ring_header) + ((size_t)1 << log2);
	char name[32];
	void *memory;

	snprintf(name, sizeof(name), "stk.%u", thread->number);
	coro__probe_lock_always();
	memory = coro__segment_file(name, bytes, bytes);
	coro__probe_unlock_always();
	/* The first touch of a page costs more than fifty stacks. */
	if (memory && madvise(memory, bytes, MADV_POPULATE_WRITE))
		madvise(memory, bytes, MADV_WILLNEED);
	return memory;
}

static bool make(struct coro__thread *thread)
{
	struct coro__stack_ring *ring = &thread->stacks;
	uint32_t log2 = coro__load(&thread->ctl->stack_log2);
	struct coro_stack_ring_header *header;

	if (log2 < CORO_STACK_RING_LOG2_LEAST || log2 > CORO_STACK_RING_LOG2_MOST)
		log2 = CORO_STACK_RING_LOG2_DEFAULT;
	ring->marks = (thread->wrap + 1) / MARK_SLOTS;
	ring->mark = coro__reserve(ring->marks * sizeof(*ring->mark));
	header = ring->mark ? make_file(thread, log2) : NULL;
	CORO__TEST_POINT("stack file");
	if (!header) {
		coro__stacks_done(thread);
		return false;
	}
	header->ring = thread->number;
	header->log2_bytes = log2;
	coro__store_release(&header->magic, CORO_STACK_RING_MAGIC);
	CORO__TEST_POINT("stack header");
	ring->bytes = (uint8_t *)(header + 1);
	ring->wrap = ((uint64_t)1 << log2) - 1;
	ring->position = 0;
	ring->limit = ring->wrap + 1;
	ring->header = header;
	return true;
}

void coro__stacks_done(struct coro__thread *thread)
{
	struct coro__stack_ring *ring = &thread->stacks;

	if (ring->header) {
		coro__cut_end(ring->header);
		munmap(ring->header, sizeof(*ring->header) + ring->wrap + 1);
	}
	if (ring->mark)
		munmap(ring->mark, ring->marks * sizeof(*ring->mark));
	ring->header = NULL;
	ring->mark = NULL;
}

/* ---- Room -------------------------------------------------------------- */

/* Where what is unread begins, when slots from `tail` on are. */
static uint64_t unread_from(const struct coro__thread *thread, uint64_t tail)
{
	const struct coro__stack_ring *ring = &thread->stacks;

	for (uint64_t block = tail / MARK_SLOTS;
		 tail < thread->index && block <= thread->index / MARK_SLOTS; block++) {
		const struct coro__stack_mark *mark = &ring->mark[block % ring->marks];

		if (mark->block == block + 1)
			return mark->position;
	}
	return ring->position;
}

static bool has_room(struct coro__thread *thread, uint64_t tail, uint64_t end)
{
	thread->stacks.limit = unread_from(thread, tail) + thread->stacks.wrap + 1;
	return end <= thread->stacks.limit;
}

/* Until `end` nothing is unread; waits for that as the policy says. */
static bool find_room(struct coro__thread *thread, uint64_t end)
{
	struct coro__wait_for_room wait = {0};
	bool room;
	int saved = errno;

	while (!(room = has_room(thread, coro__room_tail(thread, &wait), end)) &&
		   coro__room_wait(thread, &wait))
		;
	coro__room_waited(thread, &wait);
	errno = saved;
	return room;
}

/* ---- The budget -------------------------------------------------------- */

/* A budget is bytes in 2^24 ticks; what is not used is kept for so many ticks. */
#define BUDGET_TICKS_LOG2 24
#define BURST_TICKS_LOG2  28

static bool is_within_budget(struct coro__thread *thread, uint64_t bytes)
{
	struct coro__stack_ring *ring = &thread->stacks;
	uint64_t budget = coro__load(&thread->ctl->stack_budget), since;

	if (!budget)
		return true;
	since = thread->clock - ring->paid_at;
	if (since > (uint64_t)1 << BURST_TICKS_LOG2)
		since = (uint64_t)1 << BURST_TICKS_LOG2;
	if (budget > (uint64_t)1 << 32)
		budget = (uint64_t)1 << 32;
	ring->paid_at = thread->clock;
	ring->paid += (since * budget) >> (BUDGET_TICKS_LOG2 - 8);
	if (ring->paid > budget << (8 + BURST_TICKS_LOG2 - BUDGET_TICKS_LOG2))
		ring->paid = budget << (8 + BURST_TICKS_LOG2 - BUDGET_TICKS_LOG2);
	if (ring->paid < bytes << 8)
		return false;
	ring->paid -= bytes << 8;
	return true;
}

/* ---- Recording --------------------------------------------------------- */

typedef uint64_t __attribute__((vector_size(16), may_alias, aligned(8))) pair;

/* A stack's end is at least as much aligned as any of its words. */
UNINSTRUMENTED static void copy(void *to, const void *from, size_t length)
{
	pair *target = to;
	const pair *source = from;

	for (; length >= 64; length -= 64, target += 4, source += 4) {
		pair a = source[0], b = source[1], c = source[2], d = source[3];

		target[0] = a;
		target[1] = b;
		target[2] = c;
		target[3] = d;
	}
	for (; length >= 16; length -= 16)
		*target++ = *source++;
	if (length)
		*(uint64_t *)target = *(const uint64_t *)source;
}

/* The slot's place is free. */
static void write_slot(struct coro__thread *thread, const struct coro_object *object,
					   const struct coro_trace_stack *stack, unsigned flags, bool over)
{
	struct coro_trace_stack *slot =
		(struct coro_trace_stack *)&thread->slots[thread->index & thread->wrap];

	if (coro__unlikely(over)) {
		coro__store(&slot->word, 0);
		__atomic_thread_fence(__ATOMIC_RELEASE);
	}
	slot->clock = thread->clock;
	slot->row = stack->row;
	slot->length = stack->length;
	slot->position = stack->position;
	CORO__TEST_POINT("stack slot fields");
	coro__store_release(&slot->word,
						(uint64_t)object->cseq << 32 | thread->lap | CORO_EVENT_STACK | flags << 8);
	CORO__TEST_POINT("stack slot word");
	thread->index++;
	coro__store(&thread->header->stacks, thread->header->stacks + 1);
	if (coro__unlikely(!(thread->index & 63)))
		coro__ring_turned(thread);
}

/* Where so many bytes in one piece will stand. */
static uint64_t place_for(const struct coro__stack_ring *ring, uint64_t bytes)
{
	uint64_t rest = ring->wrap + 1 - (ring->position & ring->wrap);

	return rest < bytes ? ring->position + rest : ring->position;
}

static bool write_bytes(struct coro__thread *thread, const struct coro_object *object,
						const void *sp, size_t length, uint64_t *ret_position)
{
	struct coro__stack_ring *ring = &thread->stacks;
	uint64_t bytes = sizeof(struct coro_stack_header) + ((length + 15) & ~(size_t)15);
	uint64_t place = place_for(ring, bytes), block = thread->index / MARK_SLOTS;
	struct coro__stack_mark *mark = &ring->mark[block % ring->marks];
	struct coro_stack_header *header;

	if (coro__unlikely(place + bytes > ring->limit) && !find_room(thread, place + bytes))
		return false;
	coro__store(&ring->header->claimed, place + bytes);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	CORO__TEST_POINT("stack claimed");
	header = (struct coro_stack_header *)(ring->bytes + (place & ring->wrap));
	header->sp = (uintptr_t)sp;
	header->row = object->row;
	header->length = (uint32_t)length;
	copy(header + 1, sp, length);
	CORO__TEST_POINT("stack bytes");
	if (mark->block != block + 1)
		*mark = (struct coro__stack_mark){.block = block + 1, .position = place};
	ring->position = place + bytes;
	*ret_position = place;
	return true;
}

static void count(uint64_t *counter)
{
	coro__store(counter, coro__load(counter) + 1);
}

/* The thread has a ring, and is inside. */
static void record(struct coro__thread *thread, struct coro_object *object, const void *sp,
				   size_t length)
{
	struct coro__stack_ring *ring = &thread->stacks;
	struct coro_trace_stack stack = {.row = object->row, .length = (uint32_t)length};
	unsigned flags = 0;
	bool over = false;

	if (coro__unlikely(!ring->header) && !ring->refused)
		ring->refused = !make(thread);
	if (coro__unlikely(thread->index >= thread->limit) &&
		!coro__room_for_record(thread, object, &over)) {
		if (ring->header)
			count(&ring->header->dropped);
		return;
	}
	if (coro__unlikely(length > CORO_STACK_MOST))
		flags = CORO_STACK_LARGE;
	else if (coro__unlikely(!is_within_budget(thread, length)))
		flags = CORO_STACK_BUDGET;
	else if (coro__unlikely(!ring->header) ||
			 coro__unlikely(!write_bytes(thread, object, sp, length, &stack.position)))
		flags = CORO_STACK_FULL;
	if (coro__unlikely(flags) && ring->header)
		count(&ring->header->skipped);
	write_slot(thread, object, &stack, flags, over);
}

void coro_probe_rests(struct coro_object *object, const void *sp, size_t length)
{
	struct coro__thread *thread = &coro__thread;
	uint32_t *rest = rest_of(object);

	if (rest)
		set_resting(rest);
	if (coro_probe_stacks() != CORO_STACKS_RECORD || !coro_probe_mask() || !thread->header ||
		thread->inside)
		return;
	thread->inside = 1;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	record(thread, object, sp, length);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	thread->inside = 0;
}
