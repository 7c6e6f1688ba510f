/*
 * stacks.c - the reader's half of stacks: those that a thread recorded, and those of bodies that do
 * not run now.
 *
 * RECORDED (the writer's half is runtime/probe/stacks.c). A STACK slot names a position in stk.N
 * and a length. What stands there is copied, of a run of slots at once, and is the stack if and
 * only if
 *  - position, length and the header before the bytes agree, and are within the ring;
 *  - after the copy, `claimed` has not gone so far that it was written over.
 *
 * LIVE. obj has the address of the row's object and `rest`, which is even while its body does not
 * run:
 *  1. rest is even, and not 0.
 *  2. Copy the control block from the process: its magic, row and serial are right.
 *  3. Copy the bytes from its saved stack pointer to its base.
 *  4. Copy the control block again, and then rest: nothing has changed. Else begin again.
 * So what is copied is a stack that did not run meanwhile; nobody waits for that.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include "control_page.h"
#include "live_private.h"

#define AT_ONCE     (4u << 20) /* bytes of a stack ring that are copied at once */
#define LIVE_MOST   (1u << 20) /* bytes of a stack that is copied from the process */
#define TRIES       64
#define EAGER       32 /* of them without a pause between */
#define PAUSE_NS    20000
#define BUDGET_LOG2 24

/* ---- Asking ------------------------------------------------------------ */

int live_set_stacks(struct live *live, enum coro_stacks stacks, uint64_t bytes_a_second,
					uint64_t clock_hz)
{
	uint64_t budget = 0;

	if (live->beacon.minor < 2)
		return stacks == CORO_STACKS_NONE ? 0 : -EPROTONOSUPPORT;
	if (bytes_a_second && clock_hz) {
		budget = (uint64_t)((double)bytes_a_second * (1u << BUDGET_LOG2) / (double)clock_hz);
		budget = budget ? budget : 1;
	}
	return control_page_set_stacks(live, stacks, budget);
}

/* ---- Recorded ---------------------------------------------------------- */

static bool has_bytes(const struct coro_trace_slot *slot)
{
	return CORO_SLOT_KIND(slot->word) == CORO_EVENT_STACK && !CORO_SLOT_FLAGS(slot->word);
}

static uint64_t size_of(uint32_t length)
{
	return sizeof(struct coro_stack_header) + (((uint64_t)length + 15) & ~(uint64_t)15);
}

static int open_ring(struct live *live, unsigned number)
{
	struct live_stacks *stacks = &live->ring[number].stacks;
	struct coro_stack_ring_header header;
	struct stat status;
	char name[32];
	int result;

	if (stacks->fd >= 0)
		return 0;
	snprintf(name, sizeof(name), "stk.%u", number);
	stacks->fd = live_open_file(live, name, O_RDONLY, sizeof(header));
	if (stacks->fd < 0)
		return stacks->fd;
	result = live_read_at(stacks->fd, &header, sizeof(header), 0);
	if (result >= 0 &&
		(header.magic != CORO_STACK_RING_MAGIC || header.ring != number ||
		 header.log2_bytes < CORO_STACK_RING_LOG2_LEAST ||
		 header.log2_bytes > CORO_STACK_RING_LOG2_MOST || fstat(stacks->fd, &status) ||
		 (uint64_t)status.st_size != sizeof(header) + ((uint64_t)1 << header.log2_bytes)))
		result = -EBADMSG;
	if (result >= 0) {
		stacks->size = (uint64_t)1 << header.log2_bytes;
		return 0;
	}
	close(stacks->fd);
	stacks->fd = -1;
	return result;
}

void live_stacks_close(struct live_ring *ring)
{
	if (ring->stacks.fd >= 0)
		close(ring->stacks.fd);
	free(ring->stacks.bytes);
	ring->stacks = (struct live_stacks){.fd = -1};
}

/* Copies what lies between two positions, around the ring's end. 0, or -errno. */
static int copy_ring(struct live *live, unsigned number, uint64_t from, uint64_t to)
{
	struct live_stacks *stacks = &live->ring[number].stacks;
	uint64_t count = to - from, place = from & (stacks->size - 1);
	uint64_t first = count < stacks->size - place ? count : stacks->size - place;
	struct coro_stack_ring_header header;
	int result;

	stacks->from = stacks->to = 0;
	if (count > stacks->room) {
		uint8_t *bytes = realloc(stacks->bytes, count);

		if (!bytes)
			return -ENOMEM;
		stacks->bytes = bytes;
		stacks->room = count;
	}
	result = live_read_at(stacks->fd, stacks->bytes, first, sizeof(header) + place);
	if (result >= 0 && first < count)
		result = live_read_at(stacks->fd, stacks->bytes + first, count - first, sizeof(header));
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (result >= 0)
		result = live_read_at(stacks->fd, &header, sizeof(header), 0);
	if (result < 0)
		return result;
	stacks->from = from;
	stacks->to = to;
	stacks->claimed = header.claimed;
	return 0;
}

/* Positions [from, to) that these slots name, as far as they follow one another. */
static bool find_run(const struct live_stacks *stacks, const struct coro_trace_slot *slots,
					 unsigned count, uint64_t *ret_from, uint64_t *ret_to)
{
	uint64_t most = stacks->size < AT_ONCE ? stacks->size : AT_ONCE;
	bool any = false;

	for (unsigned i = 0; i < count; i++) {
		struct coro_trace_stack stack;
		uint64_t end;

		if (!has_bytes(&slots[i]))
			continue;
		memcpy(&stack, &slots[i], sizeof(stack));
		end = stack.position + size_of(stack.length);
		if (!any)
			*ret_from = *ret_to = stack.position;
		any = true;
		if (stack.length > CORO_STACK_MOST || stack.position < *ret_to || end < stack.position ||
			end - *ret_from > most)
			break;
		*ret_to = end;
	}
	return any && *ret_to > *ret_from;
}

void live_fetch_stacks(struct live *live, unsigned number, const struct coro_trace_slot *slots,
					   unsigned count)
{
	uint64_t from, to;
	unsigned i = 0;

	while (i < count && !has_bytes(&slots[i]))
		i++;
	if (i < count && open_ring(live, number) >= 0 &&
		find_run(&live->ring[number].stacks, slots + i, count - i, &from, &to))
		(void)copy_ring(live, number, from, to);
}

/* All of an entry has been copied. */
static int look_at(struct live *live, const struct live_stacks *stacks,
				   const struct coro_trace_stack *slot, uint64_t *ret_sp, const uint8_t **ret)
{
	const uint8_t *at = stacks->bytes + (slot->position - stacks->from);
	struct coro_stack_header header;

	if (stacks->claimed - slot->position > stacks->size)
		return -ENODATA;
	memcpy(&header, at, sizeof(header));
	if (header.row != slot->row || header.length != slot->length || header.sp % 8) {
		live->damage++;
		return -EBADMSG;
	}
	*ret_sp = header.sp;
	*ret = at + sizeof(header);
	return 0;
}

int live_stack_bytes(struct live *live, unsigned number, const struct coro_trace_stack *slot,
					 uint64_t *ret_sp, const uint8_t **ret)
{
	uint64_t end = slot->position + size_of(slot->length);
	struct live_stacks *stacks;
	int result;

	if (number >= live->ring_count || (result = open_ring(live, number)) < 0)
		return -ENODATA;
	stacks = &live->ring[number].stacks;
	if (slot->length > CORO_STACK_MOST || slot->length % 8 || slot->position % 16 ||
		end < slot->position ||
		(slot->position & (stacks->size - 1)) + size_of(slot->length) > stacks->size) {
		live->damage++;
		return -EBADMSG;
	}
	stacks->next = end;
	if (slot->position < stacks->from || end > stacks->to) {
		uint64_t to = slot->position + AT_ONCE;

		if (to > stacks->claimed || to - slot->position > stacks->size)
			to = end;
		result = copy_ring(live, number, slot->position, to > end ? to : end);
		if (result < 0)
			return result;
	}
	return look_at(live, stacks, slot, ret_sp, ret);
}

/* ---- Live -------------------------------------------------------------- */

static int copy_memory(const struct live *live, uint64_t address, void *bytes, size_t length)
{
	struct iovec to = {.iov_base = bytes, .iov_len = length};
	struct iovec from = {.iov_base = (void *)(uintptr_t)address, .iov_len = length};
	ssize_t copied = process_vm_readv((pid_t)live->beacon.pid, &to, 1, &from, 1, 0);

	if (copied < 0)
		return -errno;
	return (size_t)copied == length ? 0 : -EFAULT;
}

static int read_place(struct live *live, uint32_t row, struct coro_object_place *ret)
{
	if (live->beacon.minor < 2)
		return -EPROTONOSUPPORT;
	if (live->objects < 0) {
		live->objects = live_open_file(live, "obj", O_RDONLY, 0);
		if (live->objects < 0)
			return -ENOENT;
	}
	return live_read_at(live->objects, ret, sizeof(*ret), (uint64_t)row * sizeof(*ret)) < 0
			   ? -ENOENT
			   : 0;
}

int live_object(struct live *live, uint32_t row, uint64_t *ret)
{
	struct coro_object_place place;
	int result = row ? read_place(live, row, &place) : -ENOENT;

	if (result >= 0 && !place.address)
		result = -ENOENT;
	if (result >= 0)
		*ret = place.address;
	return result;
}

/* What of a body's control block is pinned. */
struct block {
	struct coro_object object;
	uint64_t sp, base;
};
_Static_assert(offsetof(struct block, sp) == CORO_OBJECT_SP, "saved stack pointer");
_Static_assert(offsetof(struct block, base) == CORO_OBJECT_STACK_BASE, "stack base");

static int read_block(const struct live *live, uint32_t row, uint64_t serial, uint64_t address,
					  struct block *ret)
{
	int result = copy_memory(live, address, ret, sizeof(*ret));

	if (result < 0)
		return result;
	if (ret->object.magic != CORO_OBJECT_MAGIC || ret->object.row != row ||
		(serial && ret->object.serial != serial))
		return -ESRCH;
	return 0;
}

/* One try: -EAGAIN: it runs, or has run meanwhile. */
static int try_stack(struct live *live, uint32_t row, uint64_t serial, uint8_t *bytes, size_t room,
					 struct live_stack *ret)
{
	struct coro_object_place place, again;
	struct block block, now;
	int result = row ? read_place(live, row, &place) : -ENOENT;

	if (result < 0)
		return result;
	if (!place.address || !place.rest)
		return -ENOENT;
	if (place.rest & 1)
		return -EAGAIN;
	result = read_block(live, row, serial, place.address, &block);
	if (result == -ESRCH || result == -EFAULT)
		return -ESRCH;
	if (result < 0)
		return result;
	if (!block.sp || block.sp % 8 || block.base <= block.sp || block.base - block.sp > LIVE_MOST ||
		(block.base - block.sp) % 8)
		return -EAGAIN;
	ret->object = place.address;
	ret->serial = block.object.serial;
	ret->cseq = block.object.cseq;
	ret->sp = block.sp;
	ret->length = block.base - block.sp;
	if (ret->length > room)
		return -ENOBUFS;
	result = copy_memory(live, block.sp, bytes, ret->length);
	if (result >= 0)
		result = read_block(live, row, serial, place.address, &now);
	if (result < 0)
		return result == -EFAULT || result == -ESRCH ? -EAGAIN : result;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	result = read_place(live, row, &again);
	if (result < 0)
		return result;
	if (again.rest != place.rest || again.address != place.address || now.sp != block.sp ||
		now.base != block.base || now.object.cseq != block.object.cseq)
		return -EAGAIN;
	return 0;
}

int live_stack(struct live *live, uint32_t row, uint64_t serial, void *bytes, size_t room,
			   struct live_stack *ret)
{
	struct live_stack stack;
	int result;

	for (unsigned i = 0;; i++) {
		result = try_stack(live, row, serial, bytes, room, &stack);
		if (result != -EAGAIN || i == TRIES)
			break;
		if (i >= EAGER)
			nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
	}
	if (result >= 0 || result == -ENOBUFS)
		*ret = stack;
	return result;
}

int live_gate_frame(struct live *live, unsigned ring, uint64_t *ret_sp)
{
	struct coro_ring_header header;
	int result = live->beacon.minor < 2 ? -EPROTONOSUPPORT : live_ring_header(live, ring, &header);

	if (result < 0)
		return result;
	if (!header.at_gate || !header.gate_sp)
		return -ENOENT;
	*ret_sp = header.gate_sp;
	return 0;
}
