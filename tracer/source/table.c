/*
 * table.c - the reader's half of a baseline: asking for it, and copying the table.
 *
 * READER ALGORITHM (the writer's is in runtime/probe/baseline.c and ring.c: table first, ring
 * second)
 *
 *  1. Take a lease; raise ctl.baseline; say which kinds are wanted; raise the gate's word; a byte
 *     into `wake`, which is emptied before, so that it is an edge for each selector.
 *  2. Wait, for a bounded time, until each thread of ctl.thread has a ring whose baseline_seq is
 *     that one. A thread that has not answered is left out: its ring is not read until it has.
 *  3. Of each ring: the index after its last committed slot, H0 (live_begin).
 *  4. Copy the table: three times in a row, and take the second copy of a row if its lock_seq is
 *     even and the same in the first and in the third, and its gen as well. The others again.
 *  5. Of each ring: the same index again, H1. Events from H0 on are applied if they are newer than
 *     the row: a greater cseq, or a greater gen. From H1 on all of them are.
 *
 *     An event before H0 had changed its row before H0: it is in the copy. One after H1 changed it
 *     after the copy, or is newer than it says. In between the cseq tells. So nothing is missing,
 * and nothing is twice; the program never waited.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "control_page.h"
#include "live_private.h"

#define PIECE       1024u /* rows that are copied at a time */
#define EAGER       16 /* tries for a row that is being written, before there are pauses between */
#define PAUSE_NS    1000 /* the first; each is twice as long as the one before, up to a limit */
#define PAUSE_MOST  16000000u
#define PATIENCE_NS 400000000u /* for all pauses of a table: few can be in the middle of a row */
#define ROWS_MAX    (1u << 22)

/* ---- Asking ------------------------------------------------------------ */

/* An edge for everybody who watches it. */
static void ring_bell(const struct live *live)
{
	int fd = openat(live->directory, "wake", O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat status;
	char bytes[256];

	if (fd < 0)
		return;
	if (!fstat(fd, &status) && S_ISFIFO(status.st_mode) && status.st_uid == live->owner) {
		while (read(fd, bytes, sizeof(bytes)) == (ssize_t)sizeof(bytes))
			;
		if (write(fd, "", 1) < 0)
			errno = 0;
	}
	close(fd);
}

int live_ask(struct live *live, uint64_t kinds)
{
	int result;

	if (live->beacon.minor < 1)
		return -EPROTONOSUPPORT;
	result = control_page_ask(live, &live->baseline);
	if (result >= 0)
		result = live_set_kinds(live, kinds);
	if (result < 0)
		return result;
	control_page_wake_gate(live);
	ring_bell(live);
	return 0;
}

bool live_has_answered(struct live *live, unsigned ring)
{
	struct coro_ring_header header;

	return live_ring_header(live, ring, &header) >= 0 && header.baseline_seq &&
		   (int32_t)((uint32_t)header.baseline_seq - live->baseline) >= 0;
}

unsigned live_threads(struct live *live, uint32_t *silent, unsigned room, unsigned *ret_silent)
{
	unsigned count = 0, rings = live_rings(live);
	uint32_t threads[CORO_THREADS];

	*ret_silent = 0;
	control_page_threads(live, threads);
	for (unsigned i = 0; i < CORO_THREADS; i++) {
		uint32_t thread = threads[i];
		bool answered = false;

		if (!thread)
			continue;
		count++;
		for (unsigned ring = 0; ring < rings && !answered; ring++) {
			struct coro_ring_header header;

			answered = live_ring_header(live, ring, &header) >= 0 && header.tid == thread &&
					   live_has_answered(live, ring);
		}
		if (answered)
			continue;
		if (*ret_silent < room)
			silent[*ret_silent] = thread;
		++*ret_silent;
	}
	return count;
}

/* ---- Heads ------------------------------------------------------------- */

uint64_t live_head(struct live *live, unsigned number)
{
	struct live_ring *ring = &live->ring[number];
	struct coro_trace_slot slots[128];
	struct coro_ring_header header;
	uint64_t index, found;

	if (live_ring_header(live, number, &header) < 0)
		return ring->next;
	index = header.head;
	do {
		uint64_t size = (uint64_t)1 << ring->log2_slots;
		uint64_t most = size < 128 ? size : 128;

		if (live_copy(ring, index, slots, most) < 0)
			break;
		found = live_count_committed(ring, slots, index, most);
		/* A payload stands before its event does: what is not whole has not been committed. */
		for (uint64_t i = 0; i < found; i += 1 + CORO_SLOT_EXT(slots[i].word))
			if (i + 1 + CORO_SLOT_EXT(slots[i].word) > found ||
				CORO_SLOT_KIND(slots[i].word) == CORO_EVENT_EXT) {
				found = i;
				break;
			}
		index += found;
	} while (found >= 64);
	return index;
}

uint64_t live_begin(struct live *live, unsigned number)
{
	struct live_ring *ring = &live->ring[number];

	ring->next = ring->tail = ring->checked = live_head(live, number);
	return ring->next;
}

/* ---- The table --------------------------------------------------------- */

/* Copies rows from `first` on; those that were written meanwhile are all zeros then, and *ret_torn
 * of them. */
static int copy_piece(int fd, uint32_t first, uint32_t count, struct coro_mirror_row *ret,
					  struct coro_mirror_row *scratch, uint32_t *ret_torn)
{
	uint64_t offset = (uint64_t)first * sizeof(*ret);
	size_t bytes = count * sizeof(*ret);
	struct coro_mirror_row *before = scratch, *after = scratch + count;

	if (live_read_at(fd, before, bytes, offset) < 0 || live_read_at(fd, ret, bytes, offset) < 0 ||
		live_read_at(fd, after, bytes, offset) < 0)
		return -EIO;
	*ret_torn = 0;
	for (uint32_t i = 0; i < count; i++) {
		if (!(before[i].lock_seq & 1) && before[i].lock_seq == after[i].lock_seq &&
			before[i].gen == after[i].gen && before[i].baseline == after[i].baseline)
			continue;
		memset(&ret[i], 0, sizeof(ret[i]));
		ret[i].lock_seq = 1;
		++*ret_torn;
	}
	return 0;
}

/* The same row until it is whole. Its writer may have been put aside in the middle, so there are
 * pauses, as long as there is patience; when that is at an end, each row is tried once more. */
static int copy_again(int fd, uint32_t row, struct coro_mirror_row *ret, uint32_t *patience)
{
	struct coro_mirror_row scratch[2];
	uint32_t torn = 1, pause = PAUSE_NS;

	for (int i = *patience ? 0 : EAGER; torn; i++) {
		if (copy_piece(fd, row, 1, ret, scratch, &torn) < 0)
			return -EIO;
		if (!torn || i < EAGER)
			continue;
		if (!*patience)
			break;
		pause = pause < *patience ? pause : *patience;
		nanosleep(&(struct timespec){.tv_nsec = pause}, NULL);
		*patience -= pause;
		pause = pause < PAUSE_MOST / 2 ? 2 * pause : PAUSE_MOST;
	}
	return (int)torn;
}

static int copy_rows(int fd, struct live_table *table)
{
	struct coro_mirror_row *scratch = malloc(2 * PIECE * sizeof(*scratch));
	int result = scratch ? 0 : -ENOMEM;
	uint32_t patience = PATIENCE_NS;

	for (uint32_t first = 0, part; result >= 0 && first < table->count; first += part) {
		uint32_t torn;

		part = table->count - first < PIECE ? table->count - first : PIECE;
		result = copy_piece(fd, first, part, &table->rows[first], scratch, &torn);
		for (uint32_t i = first; result >= 0 && torn && i < first + part; i++) {
			if (table->rows[i].lock_seq != 1)
				continue;
			result = copy_again(fd, i, &table->rows[i], &patience);
			table->torn += result > 0;
			torn--;
		}
	}
	free(scratch);
	return result < 0 ? result : 0;
}

int live_table(struct live *live, struct live_table *ret)
{
	struct live_table table = {.baseline = live->baseline};
	struct coro_mirror_row nobody;
	struct stat status;
	int fd = live_open_file(live, "tab", O_RDONLY, sizeof(nobody));
	int result = fd < 0 ? fd : live_read_at(fd, &nobody, sizeof(nobody), 0);

	if (result >= 0 && fstat(fd, &status))
		result = -errno;
	if (result >= 0) {
		uint64_t most = (uint64_t)status.st_size / sizeof(nobody);

		table.count = nobody.resumes < most ? nobody.resumes : (uint32_t)most;
		if (table.count > ROWS_MAX)
			table.count = ROWS_MAX;
		table.rows = calloc(table.count ? table.count : 1, sizeof(*table.rows));
		result = table.rows ? copy_rows(fd, &table) : -ENOMEM;
	}
	if (fd >= 0)
		close(fd);
	if (result < 0) {
		live_table_done(&table);
		return result;
	}
	live->damage += table.torn;
	*ret = table;
	return 0;
}

int live_table_row(struct live *live, uint32_t row, struct coro_mirror_row *ret)
{
	int fd = live_open_file(live, "tab", O_RDONLY, sizeof(*ret));
	uint32_t patience = PATIENCE_NS;
	int result = fd < 0 ? fd : copy_again(fd, row, ret, &patience);

	if (fd >= 0)
		close(fd);
	return result > 0 ? -EBUSY : result;
}

void live_table_done(struct live_table *table)
{
	free(table->rows);
	*table = (struct live_table){0};
}

bool live_table_has(const struct live_table *table, uint32_t row)
{
	const struct coro_mirror_row *it = &table->rows[row];

	return row && row < table->count && it->serial && it->state != CORO_STATE_NONE &&
		   it->state < 16 && (int32_t)(it->baseline - table->baseline) >= 0;
}
