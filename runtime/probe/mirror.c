/*
 * mirror.c - the table: one line of memory for each row, for those who come late.
 *
 * The program only writes it: the truth is in the objects themselves. A row is written
 * before the event that tells of the change (table first, ring second), under a sequence
 * lock: lock_seq is odd while the row is being written, and two times cseq afterwards.
 *
 * obj has, row by row, where the objects are, and which bodies are at rest (stacks.c). It has
 * blocks for as many rows.
 *
 * The table grows by blocks that are taken before they are touched, so that a full
 * /dev/shm is an error here and not a SIGBUS there. A row without room is not mirrored;
 * `serial` of row 0, which is nobody's, counts them. Its events are in the ring all the
 * same.
 */
#include <string.h>
#include "private.h"

#define TABLE_ROWS  ((uint32_t)1 << 22)
#define TABLE_STEP  ((uint32_t)1 << 10) /* rows for which blocks are taken at a time */
#define ROW_BYTES   sizeof(struct coro_mirror_row)
#define PLACE_BYTES sizeof(struct coro_object_place)

struct coro_mirror_row *coro__mirror;
uint32_t coro__mirror_ready;
struct coro_object_place *coro__objects;
static bool exhausted;   /* there are no more blocks */
static uint64_t without; /* writes that found no room */

bool coro__mirror_make(void)
{
	if (coro__mirror)
		return true;
	coro__mirror = coro__segment_file("tab", TABLE_ROWS * ROW_BYTES, TABLE_STEP * ROW_BYTES);
	if (!coro__mirror)
		return false;
	coro__objects = coro__segment_file("obj", TABLE_ROWS * PLACE_BYTES, TABLE_STEP * PLACE_BYTES);
	coro__mirror_ready = TABLE_STEP;
	coro__store_release(&coro__mirror[0].resumes, TABLE_STEP);
	return true;
}

bool coro__mirror_grow(uint32_t row)
{
	bool locked = coro__probe_lock();

	while (!exhausted && row >= coro__mirror_ready && row < TABLE_ROWS) {
		exhausted =
			!coro__segment_grow("tab", coro__mirror_ready * ROW_BYTES, TABLE_STEP * ROW_BYTES) ||
			(coro__objects && !coro__segment_grow("obj", coro__mirror_ready * PLACE_BYTES,
												  TABLE_STEP * PLACE_BYTES));
		CORO__TEST_POINT("table blocks");
		if (!exhausted) {
			coro__store(&coro__mirror_ready, coro__mirror_ready + TABLE_STEP);
			coro__store_release(&coro__mirror[0].resumes, coro__mirror_ready);
			CORO__TEST_POINT("table ready");
		}
	}
	if (row >= coro__mirror_ready)
		coro__store(&coro__mirror[0].serial, ++without);
	coro__probe_unlock(locked);
	return row < coro__mirror_ready;
}

/* Until the write of the event that is under way. */
static struct coro_mirror_row *lock_row(const struct coro_object *object)
{
	struct coro_mirror_row *row = &coro__mirror[object->row];

	coro__store(&row->lock_seq, 2 * object->cseq + 1);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	CORO__TEST_POINT("bind lock");
	return row;
}

/* What the table knows of the object besides the object itself, as its first event tells. */
static void tell_more(struct coro_mirror_row *row, const struct coro_trace_bind *bind,
					  uint32_t peer, const struct coro_probe_value *value)
{
	row->link = 0;
	row->number = CORO_NUMBER_UNKNOWN;
	switch (bind->kind) {
	case CORO_OBJECT_TASK:
		row->link = peer;
		row->number = coro_probe_generation(peer);
		return;
	case CORO_OBJECT_CONDITION:
		if (!value || value->kind != CORO_VALUE_OBJECT)
			return;
		row->link = value->row;
		row->number = coro_probe_generation(value->row);
		return;
	case CORO_OBJECT_QUEUE:
	case CORO_OBJECT_CHANNEL:
	case CORO_OBJECT_BARRIER:
	case CORO_OBJECT_DESCRIPTOR:
		if (value && value->kind == CORO_VALUE_INT && value->integer >= 0 &&
			value->integer < CORO_NUMBER_UNKNOWN)
			row->number = (uint32_t)value->integer;
		return;
	default:
		if (bind->stack_kib)
			row->number = bind->stack_kib;
		return;
	}
}

static void bind_row(const struct coro__thread *thread, const struct coro_object *object,
					 const struct coro_trace_bind *bind, uint32_t peer,
					 const struct coro_probe_value *value)
{
	struct coro_mirror_row *row = lock_row(object);

	row->kind = object->kind;
	CORO__TEST_POINT("bind kind");
	row->gen = object->gen;
	CORO__TEST_POINT("bind gen");
	row->serial = object->serial;
	CORO__TEST_POINT("bind serial");
	row->parent = object->parent;
	CORO__TEST_POINT("bind parent");
	row->name = bind->name;
	CORO__TEST_POINT("bind name");
	row->creation_site = bind->site;
	CORO__TEST_POINT("bind creation");
	row->baseline = thread->baseline;
	row->site = 0;
	CORO__TEST_POINT("bind baseline");
	tell_more(row, bind, peer, value);
	CORO__TEST_POINT("bind more");
	coro__stacks_present(object, false);
	CORO__TEST_POINT("bind address");
}

static void link_row(const struct coro_object *object, uint32_t link)
{
	struct coro_mirror_row *row = lock_row(object);

	row->link = link;
	CORO__TEST_POINT("link row");
	row->number = coro_probe_generation(link);
	CORO__TEST_POINT("link number");
}

void coro__mirror_tell(const struct coro__thread *thread, const struct coro_object *object,
					   unsigned kind, uint32_t peer, const struct coro_probe_value *value,
					   const uint8_t *payload)
{
	struct coro_trace_bind bind;

	if (!coro__mirror_has(object->row))
		return;
	if (CORO__KINDS_OF_BIND >> kind & 1) {
		memcpy(&bind, payload, sizeof(bind));
		bind_row(thread, object, &bind, peer, value);
	} else if (CORO__KINDS_OF_LINK >> kind & 1) {
		link_row(object, kind == CORO_EVENT_LOCK_RELEASE ? 0 : peer);
	}
}
