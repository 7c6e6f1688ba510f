/*
 * room.c - what becomes of an event when its ring is full.
 *
 * A ring is full when the next event would be written over a slot that a BLOCKING reader has
 * not read. Only ring.c's cached limit stands between an event and this file:
 *
 *     policy       full, and the reader lives                          nobody is to be waited for
 *     BLOCK        wait; each 10 ms ask whether he lives;               nobody traces: drop it;
 *                  after block_ms drop, until there is room again       observers: write over
 *     DROP         drop, until there is room again                     the same
 *     OVERWRITE    never full: write over what is oldest; each 2^14 slots ask whether anybody lives
 *
 * WHAT IS DROPPED counts: the object's cseq and its row of the table go on, so that whoever
 * reads its next event sees how many are missing; the header's `dropped` counts slots. The
 * first record that is written when there is room again is a LOST, which stands where the
 * events would. A thread that sleeps or ends before that leaves them to `dropped`.
 *
 * WHO IS WHO. Events name rows, which are reused; the event that said whose the row is may be
 * the one that was lost. So a ring that has lost something, or may lose it, is *careful*:
 * before an event it names each row of it which it has not named in this epoch: the event's
 * own by a bind in its payload, others by an IDENTITY record. An epoch is an eighth
 * of the ring. `named` says, by row, in which epoch and for which use of the row that was.
 *
 *     ring     ......│ I(7) e(3,7) e(3,7) e(7,3) ... │ I(7) e(3b,7) e(3,7) ...
 *                  epoch                           epoch      b: with a bind
 *
 * THE EVENT UNDER WAY. Elsewhere a row is ahead of its ring by the one event that was being emitted
 * when the program was killed. Where events are missing that says nothing. So the header says it.
 *
 * A reader whose place was written over goes on with the next epoch, and counts what is before
 * it as lost.
 *
 * Bounds. DROP and OVERWRITE never wait. BLOCK waits for a living reader as long as it
 * stops, or for block_ms each time the ring fills; a wait ends at most 10 ms after the
 * reader died.
 */
#include <errno.h>
#include <sys/mman.h>
#include "write.h"

#define NAMED_ROWS   CORO__PROBE_ROWS
#define NAMED_BYTES  (NAMED_ROWS * sizeof(uint64_t))
#define ASK_SLOTS    ((uint64_t)1 << 14)
#define RECORDS_MOST 10 /* slots besides an event: a LOST, two IDENTITYs twice, its bind */
#define MIRROR_TRIES 16

/* ---- Room -------------------------------------------------------------- */

enum room { ROOM, FULL, NOBODY };

/* The least tail of the blocking readers, and whose it is; the index when there is none. */
static uint64_t least_tail(const struct coro__thread *thread, unsigned *ret_lease)
{
	struct coro_ctl *ctl = coro__segment.ctl;
	uint64_t least = thread->index;

	*ret_lease = CORO_LEASES;
	for (unsigned i = 0; i < CORO_LEASES; i++) {
		uint64_t tail = coro__load_acquire(&ctl->tail[i][thread->number]);

		if (!(coro__load_acquire(&ctl->lease[i].flags) & CORO_LEASE_BLOCKING) ||
			!coro__load_acquire(&ctl->lease[i].pid) || thread->index - tail > thread->wrap + 1)
			continue;
		if (tail < least || *ret_lease == CORO_LEASES) {
			least = tail;
			*ret_lease = i;
		}
	}
	return least;
}

static enum room look_for_room(struct coro__thread *thread, unsigned needed, unsigned *ret_lease,
							   uint64_t *ret_tail)
{
	*ret_tail = least_tail(thread, ret_lease);
	if (*ret_lease == CORO_LEASES)
		return NOBODY;
	thread->room = *ret_tail + thread->wrap + 1;
	return thread->index + needed <= thread->room ? ROOM : FULL;
}

/* Whether the thread waits any longer. Who has begun to drop does not wait again before there is
 * room. */
static bool has_patience(const struct coro__thread *thread, uint64_t since, uint64_t now)
{
	uint32_t limit = coro__load(&coro__segment.ctl->block_ms);

	if (thread->policy != CORO_POLICY_BLOCK || thread->lost)
		return false;
	return !limit || now - since < (uint64_t)limit * 1000000u;
}

uint64_t coro__room_tail(struct coro__thread *thread, struct coro__wait_for_room *wait)
{
	wait->tail = least_tail(thread, &wait->lease);
	return wait->tail;
}

bool coro__room_wait(struct coro__thread *thread, struct coro__wait_for_room *wait)
{
	struct coro_ctl *ctl = coro__segment.ctl;
	uint64_t now = coro__monotonic();

	if (!coro__probe_is_on())
		return false;
	wait->since = wait->since ? wait->since : now;
	coro__ring_publish(thread); /* each time: the reader may have found nonsense there */
	coro__lease_wake(true);
	if (!has_patience(thread, wait->since, now)) {
		if (now - thread->asked < CORO__PATIENCE_NS)
			return false;
		thread->asked = now;
		return !coro__lease_lives(wait->lease);
	}
	coro__futex_wait((uint32_t *)&ctl->tail[wait->lease][thread->number], (uint32_t)wait->tail);
	if (coro__load_acquire(&ctl->tail[wait->lease][thread->number]) == wait->tail)
		coro__lease_lives(wait->lease);
	return true;
}

void coro__room_waited(struct coro__thread *thread, const struct coro__wait_for_room *wait)
{
	if (!wait->since || thread->policy != CORO_POLICY_BLOCK || thread->lost)
		return;
	coro__store(&thread->header->blocked_ns,
				thread->header->blocked_ns + coro__monotonic() - wait->since);
	coro__store(&thread->header->blocked_count, thread->header->blocked_count + 1);
	thread->clock_stale = true;
}

/* Looks for room, and waits for it as the policy says. */
static enum room find_room(struct coro__thread *thread, unsigned needed)
{
	struct coro__wait_for_room wait = {0};
	enum room room;

	while ((room = look_for_room(thread, needed, &wait.lease, &wait.tail)) == FULL &&
		   coro__room_wait(thread, &wait))
		;
	coro__room_waited(thread, &wait);
	return room == FULL && !coro__probe_is_on() ? NOBODY : room;
}

/* ---- Losing ------------------------------------------------------------ */

void coro__room_careful(struct coro__thread *thread)
{
	if (thread->careful)
		return;
	thread->careful = true;
	thread->limit = 0;
	thread->named = coro__reserve(NAMED_BYTES);
}

static unsigned kind_of(const struct coro__record *record)
{
	return CORO_SLOT_KIND(record->what);
}

/* Counts the object's cseq up, and writes its row: what is dropped happened all the same. */
static void write_row(struct coro__thread *thread, struct coro_object *object,
					  const struct coro__record *record, const struct coro_probe_value *value,
					  const uint8_t *payload)
{
	coro__store(&thread->header->under_way, object->row | (uint64_t)(uint32_t)(object->cseq + 1)
															  << 32);
	coro__mirror_tell(thread, object, kind_of(record), record->peer, value, payload);
	object->cseq++;
	if (coro__mirror_has(object->row))
		coro__mirror_write(thread, object, object->cseq, record->what >> 20 & 15,
						   record->what & CORO__EMIT_WAITS ? record->peer : object->waits_on,
						   record->site);
}

static void drop(struct coro__thread *thread, struct coro_object *object,
				 const struct coro__record *record, const struct coro_probe_value *value,
				 const uint8_t *payload)
{
	unsigned slots = 1 + record->ext;

	coro__room_careful(thread);
	thread->clock = coro__clock_read();
	if (!thread->lost)
		thread->lost_clock = thread->clock;
	thread->lost += slots;
	thread->clock_stale = true;
	write_row(thread, object, record, value, payload);
	CORO__TEST_POINT("drop row");
	thread->dropped += slots;
	coro__store(&thread->header->dropped, thread->dropped);
	CORO__TEST_POINT("drop count");
	coro__store(&thread->header->under_way, 0);
}

/* ---- Slots ------------------------------------------------------------- */

/* A slot that somebody may be copying is invalidated before anything else of it changes. A
 * reader that finds the same good word before and after its copy has copied nothing of what
 * was stored between. */
static struct coro_trace_slot *slot_at(struct coro__thread *thread, uint64_t index, bool over)
{
	struct coro_trace_slot *slot = &thread->slots[index & thread->wrap];

	if (over) {
		coro__store(&slot->word, 0);
		__atomic_thread_fence(__ATOMIC_RELEASE);
		CORO__TEST_POINT("over word");
	}
	return slot;
}

static void commit(struct coro__thread *thread, struct coro_trace_slot *slot, uint64_t index,
				   uint64_t word)
{
	coro__store_release(&slot->word,
						word | CORO_SLOT_WORD(0, 0, 0, 0, 0, (index >> thread->log2_slots) + 1, 0));
}

static void write_payload(struct coro__thread *thread, const uint8_t *payload, unsigned slots,
						  bool over)
{
	for (unsigned i = slots; i > 0; i--) {
		uint64_t index = thread->index + i;
		struct coro_trace_slot *slot = slot_at(thread, index, over);

		memcpy((uint8_t *)slot + sizeof(slot->word), payload + (i - 1) * CORO_EXT_BYTES,
			   CORO_EXT_BYTES);
		CORO__TEST_POINT("room payload bytes");
		commit(thread, slot, index, CORO_EVENT_EXT);
		CORO__TEST_POINT("room payload word");
	}
}

static void advance(struct coro__thread *thread, unsigned slots)
{
	uint64_t before = thread->index;

	thread->index += slots;
	thread->lap = CORO_SLOT_WORD(0, 0, 0, 0, 0, (thread->index >> thread->log2_slots) + 1, 0);
	if ((before ^ thread->index) & ~(uint64_t)63) {
		coro__ring_publish(thread);
		CORO__TEST_POINT("room head");
		coro__lease_wake(false);
	}
}

static void write_event(struct coro__thread *thread, struct coro_object *object,
						const struct coro__record *record, const struct coro_probe_value *value,
						const uint8_t *payload, bool over)
{
	uint32_t word = record->what & CORO__EMIT_WORD;
	uint64_t index = thread->index;
	struct coro_trace_slot *slot;

	if (record->what & CORO__EMIT_READS_CLOCK || thread->clock_stale) {
		thread->clock = coro__clock_read();
		thread->clock_stale = false;
		word &= ~((uint32_t)CORO_SLOT_INHERIT << 8);
	}
	write_row(thread, object, record, value, payload);
	slot = slot_at(thread, index, over);
	write_payload(thread, payload, record->ext, over);
	slot->clock = thread->clock;
	slot->row = object->row;
	slot->peer = record->peer;
	slot->site = record->site;
	slot->value = record->value;
	CORO__TEST_POINT("room slot fields");
	commit(thread, slot, index,
		   (uint64_t)object->cseq << 32 | record->ext << 24 | word | (uint32_t)object->state << 16);
	CORO__TEST_POINT("room slot word");
	coro__store(&thread->header->under_way, 0);
	advance(thread, 1 + record->ext);
	CORO__TEST_POINT("room index");
}

static void count_records(struct coro__thread *thread, unsigned slots)
{
	coro__store(&thread->header->records, thread->header->records + slots);
	advance(thread, slots);
}

static void write_lost(struct coro__thread *thread, bool over)
{
	uint64_t index = thread->index;
	struct coro_trace_lost *lost = (struct coro_trace_lost *)slot_at(thread, index, over);

	lost->last_clock = thread->clock;
	lost->dropped = thread->dropped;
	lost->first_clock = thread->lost_clock;
	CORO__TEST_POINT("lost fields");
	commit(thread, (struct coro_trace_slot *)lost, index, CORO_EVENT_LOST);
	CORO__TEST_POINT("lost word");
	thread->lost = 0;
	count_records(thread, 1);
}

void coro__room_tell_loss(struct coro__thread *thread)
{
	unsigned lease;
	uint64_t tail;

	if (thread->lost && look_for_room(thread, 1, &lease, &tail) == ROOM)
		write_lost(thread, false);
}

void coro__room_done(struct coro__thread *thread)
{
	if (thread->named)
		munmap(thread->named, NAMED_BYTES);
	thread->named = NULL;
}

/* ---- Names ------------------------------------------------------------- */

static uint64_t epoch(const struct coro__thread *thread, uint32_t gen)
{
	return (uint64_t)gen << 32 |
		   (uint32_t)((thread->index >> (thread->log2_slots - CORO_RING_LOG2_EPOCHS)) + 1);
}

static bool is_named(const struct coro__thread *thread, uint32_t row, uint32_t gen)
{
	return row < NAMED_ROWS && thread->named && thread->named[row] == epoch(thread, gen);
}

static void note_name(struct coro__thread *thread, uint32_t row, uint32_t gen)
{
	if (row < NAMED_ROWS && thread->named)
		thread->named[row] = epoch(thread, gen);
}

/* How often a row that is no argument of this event was used before. */
static uint32_t gen_of(uint32_t row)
{
	return coro__probe_rows.rows && row < CORO__PROBE_ROWS
			   ? coro__load(&coro__probe_rows.rows[row].gen)
			   : 0;
}

/* Who that row is, as the table says; nobody if it says that of another use of the row, or is
 * being written all the time. */
static struct coro_trace_bind bind_of(uint32_t row, uint32_t gen)
{
	struct coro_trace_bind bind = {0};

	if (row >= coro__load(&coro__mirror_ready))
		return bind;
	for (unsigned i = 0; i < MIRROR_TRIES; i++) {
		struct coro_mirror_row *mirror = &coro__mirror[row], copy;
		uint32_t seq = coro__load_acquire(&mirror->lock_seq);

		copy = *mirror;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (seq & 1 || coro__load(&mirror->lock_seq) != seq)
			continue;
		if (copy.gen == gen)
			bind = (struct coro_trace_bind){
				.serial = copy.serial,
				.name = copy.name,
				.site = copy.creation_site,
				.gen = gen,
				.kind = copy.kind,
				.reason = copy.reason,
			};
		break;
	}
	return bind;
}

/* Names a row of another object, unless this epoch knows it. Returns whether it had to, and has
 * noted that. */
static bool name_other(struct coro__thread *thread, uint32_t row, bool over)
{
	uint32_t gen = gen_of(row);
	uint64_t index = thread->index;
	_Alignas(8) uint8_t payload[CORO_EXT_BYTES];

	if (!row || is_named(thread, row, gen))
		return false;

	struct coro_trace_bind bind = bind_of(row, gen);
	struct coro_trace_slot *slot = slot_at(thread, index, over);

	memcpy(payload, &bind, sizeof(bind));
	write_payload(thread, payload, 1, over);
	slot->clock = thread->clock;
	slot->row = row;
	slot->peer = slot->site = slot->value = 0;
	note_name(thread, row, gen);
	CORO__TEST_POINT("name fields");
	commit(thread, slot, index, CORO_SLOT_WORD(CORO_EVENT_IDENTITY, CORO_SLOT_BIND, 0, 0, 1, 0, 0));
	CORO__TEST_POINT("name word");
	count_records(thread, 2);
	return thread->named && row < NAMED_ROWS;
}

/* Names all rows of an event but its own. A record may have been the last of an epoch: then all
 * are named again in the new one. */
static void name_others(struct coro__thread *thread, const struct coro__record *record,
						const struct coro_probe_value *value, bool over)
{
	uint32_t row = value && value->kind == CORO_VALUE_OBJECT ? value->row : 0;
	bool again;

	do {
		again = name_other(thread, record->peer, over);
		again |= name_other(thread, row, over);
	} while (again);
}

/* ---- Emitting ---------------------------------------------------------- */

static void write_named(struct coro__thread *thread, struct coro_object *object,
						struct coro__record *record, const struct coro_probe_value *value,
						const uint8_t *payload, bool over)
{
	_Alignas(8) uint8_t bound[CORO__PAYLOAD_MAX];

	if (thread->lost)
		write_lost(thread, over);
	name_others(thread, record, value, over);
	if (!(record->what & CORO_SLOT_BIND << 8) && !is_named(thread, object->row, object->gen)) {
		unsigned ext = record->ext;

		coro__pack(thread, object, record, value, true, bound);
		payload = bound;
		coro__store(&thread->header->records, thread->header->records + record->ext - ext);
	}
	if (record->what & CORO_SLOT_BIND << 8)
		note_name(thread, object->row, object->gen);
	write_event(thread, object, record, value, payload, over);
}

/* What is oldest is written over from here on: each 2^14 slots it is asked whether anybody lives.
 */
static void begin_over(struct coro__thread *thread)
{
	coro__room_careful(thread);
	if (thread->index - thread->asked < ASK_SLOTS)
		return;
	thread->asked = thread->index;
	for (unsigned i = 0; i < CORO_LEASES; i++)
		coro__lease_lives(i);
}

bool coro__room_for_record(struct coro__thread *thread, const struct coro_object *object,
						   bool *ret_over)
{
	const unsigned needed = 1 + (thread->careful ? RECORDS_MOST : 0);
	int saved = errno;
	enum room room = ROOM;

	if (thread->policy == CORO_POLICY_OVERWRITE)
		return false;
	if (!thread->careful || thread->index + needed > thread->room)
		room = find_room(thread, needed);
	if (room == NOBODY && coro_probe_mask())
		begin_over(thread);
	errno = saved;
	if (room == FULL || (room == NOBODY && !coro_probe_mask()))
		return false;
	*ret_over = room == NOBODY;
	if (!thread->careful) {
		thread->limit = thread->room;
		return true;
	}
	if (thread->lost)
		write_lost(thread, *ret_over);
	/* Its name may be the last record of an epoch. */
	while (name_other(thread, object->row, *ret_over))
		;
	return true;
}

static void write_over(struct coro__thread *thread, struct coro_object *object,
					   struct coro__record *record, const struct coro_probe_value *value,
					   const uint8_t *payload)
{
	begin_over(thread);
	write_named(thread, object, record, value, payload, true);
}

void coro__room_emit(struct coro__thread *thread, struct coro_object *object,
					 struct coro__record *record, const struct coro_probe_value *value,
					 const uint8_t *payload)
{
	unsigned needed = 1 + record->ext + (thread->careful ? RECORDS_MOST : 0);
	int saved = errno;
	enum room room = ROOM;

	if (thread->policy == CORO_POLICY_OVERWRITE)
		room = NOBODY;
	else if (!thread->careful || thread->index + needed > thread->room)
		room = find_room(thread, needed);
	if (room == FULL || (room == NOBODY && !coro_probe_mask())) {
		drop(thread, object, record, value, payload);
	} else if (room == NOBODY) {
		write_over(thread, object, record, value, payload);
	} else if (thread->careful) {
		write_named(thread, object, record, value, payload, false);
	} else {
		thread->limit = thread->room;
		write_event(thread, object, record, value, payload, false);
	}
	if (thread->break_kinds >> kind_of(record) & 1)
		coro__gate_break(thread, kind_of(record), object->row, record->site);
	errno = saved;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	thread->inside = 0;
}
