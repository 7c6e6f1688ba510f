/*
 * mirror.c - the table: one line of memory for each row, for those who come late.
 *
 * The program only writes it: the truth is in the objects themselves. A row is written
 * before the event that tells of the change (table first, ring second), under a sequence
 * lock: lock_seq is odd while the row is being written, and two times cseq afterwards.
 *
 * The table grows by blocks that are taken before they are touched, so that a full
 * /dev/shm is an error here and not a SIGBUS there. A row without room is not mirrored;
 * `serial` of row 0, which is nobody's, counts them. Its events are in the ring all the
 * same.
 */
#include "private.h"

#define TABLE_ROWS ((uint32_t)1 << 22)
#define TABLE_STEP ((uint32_t)1 << 10) /* rows for which blocks are taken at a time */
#define ROW_BYTES  sizeof(struct coro_mirror_row)

struct coro_mirror_row *coro__mirror;
uint32_t coro__mirror_ready;
static bool exhausted;   /* there are no more blocks */
static uint64_t without; /* writes that found no room */

bool coro__mirror_make(void)
{
	if (coro__mirror)
		return true;
	coro__mirror = coro__segment_file("tab", TABLE_ROWS * ROW_BYTES, TABLE_STEP * ROW_BYTES);
	if (!coro__mirror)
		return false;
	coro__mirror_ready = TABLE_STEP;
	return true;
}

bool coro__mirror_grow(uint32_t row)
{
	bool locked = coro__probe_lock();

	while (!exhausted && row >= coro__mirror_ready && row < TABLE_ROWS) {
		exhausted =
			!coro__segment_grow("tab", coro__mirror_ready * ROW_BYTES, TABLE_STEP * ROW_BYTES);
		if (!exhausted)
			coro__store(&coro__mirror_ready, coro__mirror_ready + TABLE_STEP);
	}
	if (row >= coro__mirror_ready)
		coro__store(&coro__mirror[0].serial, ++without);
	coro__probe_unlock(locked);
	return row < coro__mirror_ready;
}

void coro__mirror_bind(const struct coro_object *object, const struct coro_trace_bind *bind)
{
	if (object->row >= coro__load(&coro__mirror_ready) && !coro__mirror_grow(object->row))
		return;

	struct coro_mirror_row *row = &coro__mirror[object->row];

	coro__store(&row->lock_seq, 2 * object->cseq + 1);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	row->kind = object->kind;
	row->gen = object->gen;
	row->serial = object->serial;
	row->parent = object->parent;
	row->name = bind->name;
	row->creation_site = bind->site;
	row->stack_bytes = (uint32_t)bind->stack_kib * 1024;
}
