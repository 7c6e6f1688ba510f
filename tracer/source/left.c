/*
 * left.c - what somebody has left: a program that was killed its segment, and a reader that was
 * killed its place in the rings.
 *
 *     ring   ......│ e  x  x  e │ e  e  x  e │ not committed
 *                    ▲            ▲          ▲
 *        the last event that      here it    and here it ends: live_read() until there is
 *        the dead reader had      goes on    nothing more
 *
 * The slots of a dead program do not change, so that one copy of them is enough.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "live_private.h"

#define ROWS_MAX (1u << 22)

struct trace_emitter live_emitter(const struct live *live)
{
	struct trace_emitter emitter = {.starttime = live->beacon.starttime,
									.clock0 = live->beacon.clock0};

	memcpy(emitter.boot_id, live->beacon.boot_id, sizeof(emitter.boot_id));
	return emitter;
}

/* ---- Whose it is ------------------------------------------------------- */

bool live_is_of(const struct live *live, const struct trace_emitter *emitter)
{
	return live->beacon.starttime == emitter->starttime && live->beacon.clock0 == emitter->clock0 &&
		   !memcmp(live->beacon.boot_id, emitter->boot_id, sizeof(emitter->boot_id));
}

/* ---- Going on ---------------------------------------------------------- */

/* The index after the event whose first slot is at `index`: its payload slots follow it. Where they
 * were written over, the reader was past them. */
static uint64_t end_of_event(const struct live_ring *ring, uint64_t index)
{
	struct coro_trace_slot slot;

	for (unsigned i = 1; i <= CORO_EXT_MAX; i++) {
		uint64_t at = index + i, size = (uint64_t)1 << ring->log2_slots;

		if (live_copy(ring, at, &slot, 1) < 0)
			return at;
		if (live_count_committed(ring, &slot, at, 1)
				? CORO_SLOT_KIND(slot.word) != CORO_EVENT_EXT
				: !live_count_committed(ring, &slot, at + size, 1))
			return at;
	}
	return index + 1 + CORO_EXT_MAX;
}

uint64_t live_resume(struct live *live, unsigned number, const uint64_t *last)
{
	struct live_ring *ring = &live->ring[number];
	struct coro_trace_slot slot;
	uint64_t next, head, size;

	if (ring->fd < 0)
		return 0;
	next = last ? end_of_event(ring, *last) : 0;
	head = live_head(live, number);
	size = (uint64_t)1 << ring->log2_slots;
	/* Behind its last event the reader passed over records, and gave these back as well: what has
	 * been written over of a ring that waits was taken. */
	if (last && !ring->written_over && head > size && next < head - size) {
		next = head - size;
		while (next < head && live_copy(ring, next, &slot, 1) >= 0 &&
			   CORO_SLOT_KIND(slot.word) == CORO_EVENT_EXT)
			next++;
	}
	ring->next = ring->tail = ring->checked = next;
	ring->dropped = ring->nested = 0;
	ring->inside = false;
	return next;
}

int live_peek(struct live *live, unsigned number, uint64_t index, struct coro_trace_slot *slots,
			  unsigned count)
{
	const struct live_ring *ring = &live->ring[number];
	int result = ring->fd < 0 ? -EBADF : live_copy(ring, index, slots, count);

	for (unsigned i = 0; result >= 0 && i < count; i++)
		if (!live_count_committed(ring, &slots[i], index + i, 1))
			memset(&slots[i], 0, sizeof(slots[i]));
	return result;
}

/* ---- The table --------------------------------------------------------- */

int live_table_left(struct live *live, struct live_table *ret)
{
	struct live_table table = {0};
	struct stat status;
	int fd = live_open_file(live, "tab", O_RDONLY, sizeof(*table.rows)), result = fd < 0 ? fd : 0;
	struct coro_mirror_row nobody;

	if (result >= 0 && fstat(fd, &status))
		result = -errno;
	if (result >= 0)
		result = live_read_at(fd, &nobody, sizeof(nobody), 0);
	if (result >= 0) {
		uint64_t most = (uint64_t)status.st_size / sizeof(nobody);

		table.count = nobody.resumes < most ? nobody.resumes : (uint32_t)most;
		if (table.count > ROWS_MAX)
			table.count = ROWS_MAX;
		table.rows = calloc(table.count ? table.count : 1, sizeof(*table.rows));
		result =
			table.rows ? live_read_at(fd, table.rows, table.count * sizeof(nobody), 0) : -ENOMEM;
	}
	if (fd >= 0)
		close(fd);
	if (result < 0) {
		live_table_done(&table);
		return result;
	}
	for (unsigned i = 0; i < live_rings(live); i++) {
		struct coro_ring_header header;

		if (live_ring_header(live, i, &header) >= 0 &&
			(uint32_t)header.baseline_seq > table.baseline)
			table.baseline = (uint32_t)header.baseline_seq;
	}
	*ret = table;
	return 0;
}
