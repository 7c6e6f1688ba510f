/*
 * recover.c - from a segment into a trace, when nobody did it while the program ran.
 *
 *     file      events 1 .. n, of ring 0 up to slot a, of ring 1 up to slot b    } each once
 *     segment   ring 0   ......a│■■■■■■■■■■│                                     }
 *               ring 1   ........b│■■■■■■■■■■■■│    by clock  ──►  n + 1 ...
 *               table    a row that is one event ahead of its ring: that event was under way
 *
 * LOSSES. A ring tells what it dropped as a count since its beginning, and the file what was told
 * of that so far. What is told again is taken off until that is used up (`told`). Of a ring that is
 * written over only what was told after its last event in the file can be told again: it is what
 * is missing behind that.
 *
 * NAMES. The file knows who is who, from the binds in it (trace_resume()). A careful ring has names
 * that are in no event: they are read again, as far back as it goes. In a new trace, what was bound
 * before the ring's first slot is looked up in the table, unless that row was bound again since.
 */
#include <tracer/recover.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tracer/live.h>
#include <tracer/symbols.h>
#include "merge.h"
#include "session_private.h"

#define ROOM 4096u /* slots of a ring that are read at once */

struct recovery {
	struct trace *trace;   /* owned */
	struct live *live;     /* owned */
	struct window *window; /* owned, and their slots: of each ring, from where the file ends */
	uint64_t *told; /* owned; by ring: of what it will tell as lost, what the file has already */
	unsigned rings;
	struct recovered *result;
	char **ret_why;
};

static int fail(const struct recovery *recovery, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static int fail(const struct recovery *recovery, int error, const char *format, ...)
{
	va_list arguments;

	free(*recovery->ret_why);
	va_start(arguments, format);
	if (vasprintf(recovery->ret_why, format, arguments) < 0)
		*recovery->ret_why = NULL;
	va_end(arguments);
	return error;
}

void recovered_done(struct recovered *recovered)
{
	free(recovered->segment);
	recovered->segment = NULL;
}

static void recovery_done(struct recovery *recovery)
{
	for (unsigned i = 0; recovery->window && i < recovery->rings; i++)
		free(recovery->window[i].slot);
	free(recovery->window);
	free(recovery->told);
	live_free(recovery->live);
	trace_free(recovery->trace);
}

/* ---- Where to begin ---------------------------------------------------- */

/* What the file says is lost of a ring, after the event `since`. */
static uint64_t told_since(struct trace *trace, uint32_t ring, uint64_t since)
{
	uint64_t after, count, told = 0;
	uint32_t of;

	for (size_t i = 0; trace_loss(trace, i, &after, &of, &count) >= 0; i++)
		if (of == ring && after >= since)
			told += count;
	return told;
}

/* Names that are in no event, of what is before `end`. A payload that was being written when the
 * program was killed stands in a slot of the time round before, whose word is still good. */
static int read_names(struct recovery *recovery, unsigned ring, uint64_t end, uint64_t size)
{
	uint64_t margin = recovery->result->alive ? size / 2 : 1 + CORO_EXT_MAX;
	uint64_t last = live_head(recovery->live, ring) + margin;
	struct coro_trace_slot *slots = recovery->window[ring].slot;
	uint64_t from = last > size ? last - size : 0;
	int result = 0;

	while (from < end && result >= 0) {
		unsigned count = end - from < ROOM ? (unsigned)(end - from) : ROOM;
		unsigned step = count > 2 * CORO_EXT_MAX ? count - CORO_EXT_MAX : count;

		/* An event that begins in this piece may end in the next one. */
		result = live_peek(recovery->live, ring, from, slots, count);
		if (result >= 0)
			result = trace_bind(recovery->trace, ring, from, slots, count);
		from += step;
	}
	return result;
}

static int begin_ring(struct recovery *recovery, unsigned ring)
{
	struct coro_ring_header header;
	uint64_t index, next, n = 0;
	bool known;

	if (window_reserve(&recovery->window[ring], ROOM) < 0)
		return -ENOMEM;
	if (live_ring_header(recovery->live, ring, &header) < 0)
		return 0;
	known = trace_resumed_at(recovery->trace, ring, &index, &n) >= 0;
	next = live_resume(recovery->live, ring, known ? &index : NULL);
	recovery->told[ring] = told_since(recovery->trace, ring, 0);
	if (header.policy == CORO_POLICY_OVERWRITE)
		recovery->told[ring] = told_since(recovery->trace, ring, n) +
							   (recovery->told[ring] ? header.dropped_nested : 0);
	return known && header.records
			   ? read_names(recovery, ring, next, (uint64_t)1 << header.log2_slots)
			   : 0;
}

/* ---- Names from the table ---------------------------------------------- */

static void mark_bound(struct recovery *recovery, unsigned ring, const struct live_table *table,
					   bool *bound)
{
	struct coro_trace_slot *slots = recovery->window[ring].slot;
	struct coro_ring_header header;
	uint64_t size, from;

	if (live_ring_header(recovery->live, ring, &header) < 0)
		return;
	size = (uint64_t)1 << header.log2_slots;
	from = header.head > size ? header.head - size : 0;
	for (uint64_t end = from + size + ROOM; from < end; from += ROOM) {
		if (live_peek(recovery->live, ring, from, slots, ROOM) < 0)
			return;
		for (unsigned i = 0; i < ROOM; i++)
			if (CORO_SLOT_FLAGS(slots[i].word) & CORO_SLOT_BIND && slots[i].row < table->count)
				bound[slots[i].row] = true;
	}
}

/* Rows that were bound before the first slot that is left, and not since. */
static int name_from_table(struct recovery *recovery)
{
	struct live_table table;
	bool *bound;
	int result = live_table_left(recovery->live, &table);

	if (result < 0)
		return 0; /* then they have no names */
	bound = calloc(table.count + 1, sizeof(*bound));
	for (unsigned ring = 0; bound && ring < recovery->rings; ring++)
		mark_bound(recovery, ring, &table, bound);
	for (uint32_t i = 1; bound && result >= 0 && i < table.count; i++) {
		const struct coro_mirror_row *row = &table.rows[i];
		struct coro_trace_bind bind = {.serial = row->serial,
									   .name = row->name,
									   .site = row->creation_site,
									   .gen = row->gen,
									   .kind = row->kind,
									   .reason = row->reason};
		struct coro_trace_slot slots[2] = {
			{.word = CORO_SLOT_WORD(CORO_EVENT_IDENTITY, CORO_SLOT_BIND, 0, 1, 1, 0, 0), .row = i},
			{.word = CORO_EVENT_EXT},
		};

		if (bound[i] || row->lock_seq & 1 || !live_table_has(&table, i))
			continue;
		memcpy((char *)&slots[1] + sizeof(slots[1].word), &bind, sizeof(bind));
		result = trace_bind(recovery->trace, row->ring, 0, slots, 2);
	}
	result = bound ? result : -ENOMEM;
	free(bound);
	live_table_done(&table);
	return result;
}

/* ---- Appending --------------------------------------------------------- */

/* What is lost before the window, and not in the trace yet. */
static void note_loss(struct recovery *recovery, unsigned ring, uint64_t lost)
{
	uint64_t known = lost < recovery->told[ring] ? lost : recovery->told[ring];

	recovery->told[ring] -= known;
	recovery->window[ring].lost += lost - known;
	recovery->result->lost += lost - known;
}

/* Reads on, behind what was appended, until there is something or no more. */
static void refill(struct recovery *recovery, unsigned ring)
{
	struct window *window = &recovery->window[ring];
	uint64_t lost;
	int count;

	do {
		live_take(recovery->live, ring, (unsigned)window->at);
		window->at = window->count = 0;
		count = live_read(recovery->live, ring, window->slot, ROOM, &window->index, &lost);
		note_loss(recovery, ring, lost);
	} while (count <= 0 && lost);
	window->count = count > 0 ? (size_t)count : 0;
	live_fetch_stacks(recovery->live, ring, window->slot, (unsigned)window->count);
}

static int stack_bytes(void *context, uint32_t ring, const struct coro_trace_stack *slot,
					   uint64_t *ret_sp, const uint8_t **ret)
{
	const struct recovery *recovery = context;

	return live_stack_bytes(recovery->live, ring, slot, ret_sp, ret);
}

/* The last event of a window may go on behind it. */
static int append_run(struct recovery *recovery, struct window *window, uint64_t until)
{
	unsigned ring = (unsigned)(window - recovery->window);
	int taken = merge_append(recovery->trace, ring, window, until, INT64_MAX, window->count < ROOM);

	if (taken == 0 || window->at == window->count)
		refill(recovery, ring);
	return taken < 0 ? taken : 0;
}

static int append(struct recovery *recovery)
{
	struct window *first;
	uint64_t until;
	const char *bytes;
	uint32_t id;
	size_t length;
	int result = 0;

	while (live_read_string(recovery->live, &id, &bytes, &length) > 0)
		trace_append_string(recovery->trace, id, bytes, length);
	for (unsigned i = 0; i < recovery->rings; i++)
		refill(recovery, i);
	while (result >= 0 && (first = merge_first(recovery->window, recovery->rings, &until)))
		result = append_run(recovery, first, until);
	for (unsigned i = 0; result >= 0 && i < recovery->rings; i++)
		if (recovery->window[i].lost)
			result = trace_append_lost(recovery->trace, i, recovery->window[i].lost);
	recovery->result->damage = live_damage(recovery->live);
	if (result >= 0 && recovery->result->damage)
		result = trace_append_damage(recovery->trace, recovery->result->damage);
	recovery->result->appended = trace_count(recovery->trace) - recovery->result->before;
	return result < 0 ? result : trace_flush(recovery->trace);
}

/* ---- The event that was under way -------------------------------------- */

static void note_under_way(struct recovery *recovery, const struct coro_mirror_row *row,
						   uint32_t number, uint32_t cseq, const struct world_object *object)
{
	struct recovered *result = recovery->result;
	struct recovered_event *event;
	const char *name;

	if (result->under_way++ >= RECOVERED_NAMES)
		return;
	event = &result->event[result->under_way - 1];
	*event = (struct recovered_event){.row = number, .cseq = cseq};
	if (object)
		event->serial = object->serial;
	else if (row->lock_seq != 1) /* else it may be the one that had the row before */
		event->serial = row->serial;
	name = event->serial ? trace_string(recovery->trace, object ? object->name : row->name) : NULL;
	snprintf(event->name, sizeof(event->name), "%s", name ? name : "");
}

static bool was_noted(const struct recovered *result, uint32_t row)
{
	for (unsigned i = 0; i < result->under_way && i < RECOVERED_NAMES; i++)
		if (result->event[i].row == row)
			return true;
	return false;
}

/* The count of the event that the row was written for last: it is locked with that, and before. */
static uint32_t cseq_of(const struct coro_mirror_row *row)
{
	return (uint32_t)(((uint64_t)row->lock_seq + 1) / 2);
}

/* A row is written under its lock, and before its event: it is locked, or it has one event more
 * than there are. */
static void look_at_row(struct recovery *recovery, const struct live_table *table, uint32_t i,
						const struct world *world, const bool *says)
{
	const struct coro_mirror_row *row = &table->rows[i];
	const struct world_object *object = row->serial ? world_find(world, row->serial) : NULL;
	uint32_t cseq = cseq_of(row);

	if ((int32_t)(row->baseline - table->baseline) < 0 || was_noted(recovery->result, i))
		return;
	if (row->lock_seq & 1)
		note_under_way(recovery, row, i, cseq, object);
	else if (!row->serial || row->ring >= recovery->rings || says[row->ring])
		return;
	else if (object ? object->cseq + 1 == cseq : cseq == 1 && row->state != CORO_STATE_NONE)
		note_under_way(recovery, row, i, cseq, object);
}

/* The last event of a ring in the trace is this one of this object. */
static bool is_last(struct recovery *recovery, unsigned ring, uint64_t serial, uint32_t cseq)
{
	struct trace_event event;

	for (uint64_t n = trace_count(recovery->trace); n > 0; n--)
		if (trace_event(recovery->trace, n, &event) >= 0 && event.ring == ring)
			return event.co == serial && event.cseq == cseq;
	return false;
}

/* A ring that may lose events says itself which row is written for it. */
static void look_at_ring(struct recovery *recovery, const struct live_table *table, unsigned ring,
						 const struct world *world, bool *ret_says)
{
	struct coro_ring_header header;
	const struct coro_mirror_row *row;
	uint32_t number, cseq;

	if (live_ring_header(recovery->live, ring, &header) < 0)
		return;
	*ret_says = header.policy == CORO_POLICY_OVERWRITE || header.dropped || header.records;
	number = (uint32_t)header.under_way;
	cseq = (uint32_t)(header.under_way >> 32);
	if (!number || number >= table->count)
		return;
	row = &table->rows[number];
	if (!is_last(recovery, ring, row->serial, cseq))
		note_under_way(recovery, row, number, cseq, world_find(world, row->serial));
}

static void find_under_way(struct recovery *recovery, const struct world *world)
{
	bool says[CORO_RINGS] = {false};
	struct live_table table;

	if (live_table_left(recovery->live, &table) < 0)
		return;
	for (unsigned i = 0; i < recovery->rings; i++)
		look_at_ring(recovery, &table, i, world, &says[i]);
	for (uint32_t i = 1; i < table.count; i++)
		look_at_row(recovery, &table, i, world, says);
	live_table_done(&table);
}

/* ---- All of it --------------------------------------------------------- */

static int complete(struct recovery *recovery)
{
	struct symbols *symbols = NULL;
	struct world *world = NULL;
	int result = symbols_new(recovery->trace, true, &symbols);

	if (result >= 0)
		result = session_fold_trace(recovery->trace, symbols, &world);
	if (result >= 0 && world && !recovery->result->alive)
		find_under_way(recovery, world);
	world_free(world);
	symbols_free(symbols);
	return result < 0 ? result : trace_close(recovery->trace);
}

static int open_segment(struct recovery *recovery, const char *segment)
{
	char *why = NULL;
	int result = live_open(segment, &recovery->live, &why);

	if (result < 0) {
		result =
			fail(recovery, result, result == -ENOENT ? "%s: there is no such segment" : "%s %s",
				 segment, why ? why : strerror(-result));
		free(why);
		return result;
	}
	recovery->result->segment = strdup(segment);
	recovery->result->alive = live_is_alive(recovery->live);
	recovery->rings = live_rings(recovery->live);
	recovery->window = calloc(recovery->rings + 1, sizeof(*recovery->window));
	recovery->told = calloc(recovery->rings + 1, sizeof(*recovery->told));
	return recovery->window && recovery->told && recovery->result->segment ? 0 : -ENOMEM;
}

/* Trace and segment are there. */
static int run(struct recovery *recovery, const char *path)
{
	int result = 0;

	for (unsigned i = 0; i < recovery->rings && result >= 0; i++)
		result = begin_ring(recovery, i);
	if (result >= 0 && !recovery->result->before)
		result = name_from_table(recovery);
	trace_set_stack_source(recovery->trace, stack_bytes, recovery);
	if (result >= 0)
		result = append(recovery);
	if (result >= 0)
		result = complete(recovery);
	if (result < 0)
		return fail(recovery, result, "%s: could not be written: %s", path, strerror(-result));
	if (!recovery->result->alive && !live_readers(recovery->live))
		live_remove(recovery->live);
	return 0;
}

/* ---- The file of a recorder -------------------------------------------- */

static int open_trace(struct recovery *recovery, const char *path)
{
	static const struct trace_emitter unknown;
	const struct trace_row *rows;
	char *why = NULL;
	uint64_t after;
	size_t count;
	int result = trace_resume(path, &recovery->trace, &why);

	if (result < 0) {
		result = fail(recovery, result, "%s %s", path, why ? why : strerror(-result));
		free(why);
		return result;
	}
	if (trace_ended(recovery->trace, NULL))
		return fail(recovery, -EALREADY, "%s is complete: its recorder saw the program's end",
					path);
	if (!memcmp(&trace_meta(recovery->trace)->emitter, &unknown, sizeof(unknown)))
		return fail(recovery, -ENOTSUP,
					"%s does not say which program's it is: it is of an older version, or of a "
					"program without events",
					path);
	if (trace_rows(recovery->trace, 0, &after, &rows, &count) >= 0)
		return fail(recovery, -ENOTSUP,
					"%s is of a debugger that was attached: it has what was seen, and cannot be "
					"gone on with",
					path);
	recovery->result->before = trace_count(recovery->trace);
	return 0;
}

static int find_segment(struct recovery *recovery, const char *path, const char *segment)
{
	const struct trace_meta *meta = trace_meta(recovery->trace);
	char *found = NULL;
	int result;

	if (!segment) {
		if (live_find_left(meta->pid, &meta->emitter, &found) < 0)
			return fail(recovery, -ENOENT,
						"%s: the segment of its program, process %u, is not there any more: the "
						"trace has all that there is",
						path, meta->pid);
		segment = found;
	}
	result = open_segment(recovery, segment);
	if (result >= 0 && !live_is_of(recovery->live, &meta->emitter))
		result = fail(recovery, -EINVAL, "%s: %s is the segment of another program", path, segment);
	free(found);
	return result;
}

int recover_trace(const char *path, const char *segment, struct recovered *ret, char **ret_why)
{
	_cleanup_(recovery_done) struct recovery recovery = {.result = ret, .ret_why = ret_why};
	int result;

	*ret = (struct recovered){0};
	*ret_why = NULL;
	result = open_trace(&recovery, path);
	if (result >= 0)
		result = find_segment(&recovery, path, segment);
	if (result >= 0)
		result = run(&recovery, path);
	if (result < 0)
		recovered_done(ret);
	return result;
}

/* ---- A trace of what is left ------------------------------------------- */

static int create_trace(struct recovery *recovery, const char *path)
{
	const struct coro_beacon *beacon = live_beacon(recovery->live);
	const struct live_clock early = {.ticks = beacon->clock0, .mono = beacon->mono0};
	char program[32];
	struct trace_meta meta = {
		.program = program,
		.arguments = "",
		.pid = beacon->pid,
		.arch = beacon->arch,
		.clock_hz = live_clock_hz(recovery->live, &early),
		.clock0 = beacon->clock0,
		.real0 = beacon->real0,
		.emitter = live_emitter(recovery->live),
	};
	int result;

	snprintf(program, sizeof(program), "process %u", beacon->pid);
	result = trace_create(path, &meta, &recovery->trace);
	return result < 0 ? fail(recovery, result, "%s: cannot be written: %s", path, strerror(-result))
					  : 0;
}

int recover_segment(const char *segment, const char *path, struct recovered *ret, char **ret_why)
{
	_cleanup_(recovery_done) struct recovery recovery = {.result = ret, .ret_why = ret_why};
	int result;

	*ret = (struct recovered){0};
	*ret_why = NULL;
	result = open_segment(&recovery, segment);
	if (result >= 0 && live_readers(recovery.live))
		result = fail(&recovery, -EBUSY, "%s is being read: by a recorder or a debugger that lives",
					  segment);
	else if (result >= 0 && ret->alive)
		result = fail(&recovery, -EBUSY, "process %u still runs: coroscope attach %u shows it",
					  live_beacon(recovery.live)->pid, live_beacon(recovery.live)->pid);
	if (result >= 0)
		result = create_trace(&recovery, path);
	if (result >= 0)
		result = run(&recovery, path);
	if (result < 0)
		recovered_done(ret);
	return result;
}
