/*
 * baseline.c - from the program's table, and the heads around it, to a World that is exact.
 *
 *     ring   ......│ old   new   old   new │ new  new ...
 *                  H0        table        H1
 *
 * The rows were copied one after the other, so that they are brought to one moment, H1, by the
 * events of the stretch between the heads, which are not in the trace: it begins at H1.
 *
 * An event of the stretch is old if the copied row shows it already: the same generation of the row
 * and no greater cseq. A slot does not tell its generation, but the births do: after one it is that
 * one's, before the first of the stretch it is the one before that. Without any it is the row's
 * own, if the row is this ring's; if not, the row was given to another thread, and the event is
 * from before.
 *
 * One generation is not in the stretch and yet in the copy: that of a birth which is the first
 * event from H1 on, under way while the table was copied. Such a row is at its first cseq, and
 * stays there until the birth is in the ring, whereas an event of the stretch has changed the row
 * before H1. So a second look at the row, and then at the first slot from H1 on, tells whose the
 * stretch's events are.
 *
 * What a row names is another row, which was used again perhaps: one without a birth in the stretch
 * is the copied one; with one it is who was born last when it was named. If that was before the
 * first birth, it is not known.
 *
 * Of each ring the first event from H1 on may be old too: its thread had written the row, which was
 * copied, and not the slot yet. There is no second one, so that it alone is asked about when it
 * comes; for that the table is kept, and the births of the stretch.
 */
#include "baseline.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <tracer/event.h>

struct copy {
	struct live_table table;
	unsigned users; /* rings whose first event after H1 has not come */
};

struct birth {
	uint32_t row, gen;
};

struct part {
	bool taken;
	uint64_t from, to;    /* H0, H1 */
	uint8_t *old;         /* owned; for each slot from `from` on; NULL: none is */
	struct birth *births; /* owned; of the stretch, in their order */
	size_t birth_count;
	struct copy *copy; /* shared; NULL: nothing is old any more */
};

struct baseline {
	struct part ring[CORO_RINGS];
};

/* What is known of a row within a stretch. */
struct known {
	uint32_t stretch; /* in which; else nothing is */
	uint32_t gen;     /* of the events from here on */
	uint64_t serial;  /* who was born last; 0: nobody yet */
};

/* The table on its way to H1. */
struct fold {
	struct live *live;
	const struct live_table *table;
	uint32_t count;         /* rows of it, and those beyond it that were born in the stretch */
	struct known *known;    /* owned; of the stretch that is folded */
	bool *born;             /* owned; the row had a birth, on any ring, up to the copy */
	bool *after;            /* owned; and that one is behind the stretch */
	struct trace_row *rows; /* owned; serial 0: nobody is there */
	/* Owned: those whose row has another object already, of a thread whose stretch ends later. */
	struct trace_row *moved;
	size_t moved_count, moved_room;
	bool fresh[CORO_RINGS]; /* rings that are being taken */
};

struct baseline *baseline_new(void)
{
	return calloc(1, sizeof(struct baseline));
}

/* Nothing that comes on this ring is old any more. */
static void settle(struct part *part)
{
	free(part->births);
	part->births = NULL;
	part->birth_count = 0;
	if (part->copy && --part->copy->users == 0) {
		live_table_done(&part->copy->table);
		free(part->copy);
	}
	part->copy = NULL;
}

void baseline_free(struct baseline *baseline)
{
	if (!baseline)
		return;
	for (unsigned i = 0; i < CORO_RINGS; i++)
		settle(&baseline->ring[i]);
	free(baseline);
}

bool baseline_has(const struct baseline *baseline, unsigned ring)
{
	return ring < CORO_RINGS && baseline->ring[ring].taken;
}

uint64_t baseline_exact_from(const struct baseline *baseline, unsigned ring)
{
	return baseline->ring[ring].to;
}

/* ---- The stretch between the heads ------------------------------------- */

/* The event begins a generation of its row. */
static bool is_birth(const struct trace_event *event)
{
	return event->flags & CORO_SLOT_BIND && event->prev == CORO_STATE_NONE;
}

enum age { EARLIER, OLD, NEW }; /* of an earlier generation; the row shows it; it does not */

static enum age age_of(const struct live_table *table, unsigned ring,
					   const struct trace_event *event, const struct known *known, uint32_t stretch)
{
	const struct coro_mirror_row *row = &table->rows[event->co];
	int32_t generation;

	if (event->co >= table->count || !row->serial)
		return NEW;
	if (is_birth(event))
		generation = (int32_t)(event->bind.gen - row->gen);
	else if (known->stretch == stretch)
		generation = (int32_t)(known->gen - row->gen);
	else
		generation = row->ring == ring ? 0 : -1;
	if (generation)
		return generation < 0 ? EARLIER : NEW;
	return (int32_t)(event->cseq - row->cseq) <= 0 ? OLD : NEW;
}

/* ---- Who is named ------------------------------------------------------ */

/* The serial of a row that another one names; 0, with `flag` in *unknown: it is not known. */
static uint64_t name(const struct fold *fold, uint64_t row, uint32_t stretch, uint8_t flag,
					 uint8_t *unknown)
{
	uint64_t serial = 0;

	*unknown &= (uint8_t)~flag;
	if (!row)
		return 0;
	if (row < fold->count && fold->known[row].stretch == stretch && fold->known[row].serial)
		serial = fold->known[row].serial;
	else if (row < fold->count && !fold->born[row] && live_table_has(fold->table, (uint32_t)row))
		serial = fold->table->rows[row].serial;
	if (!serial)
		*unknown |= flag;
	return serial;
}

static uint64_t name_parent(const struct fold *fold, uint64_t row, uint32_t stretch,
							struct trace_row *child)
{
	uint64_t serial = name(fold, row, stretch, TRACE_ROW_PARENT, &child->unknown);

	/* A row is used again: who made this object is older than it. */
	if (serial < child->serial)
		return serial;
	child->unknown |= TRACE_ROW_PARENT;
	return 0;
}

/* Whether `link` is a row at all, by kind. */
static bool is_linked(unsigned kind)
{
	return kind == CORO_OBJECT_TASK || kind == CORO_OBJECT_LOCK || kind == CORO_OBJECT_GROUP ||
		   kind == CORO_OBJECT_CONDITION;
}

static struct trace_row row_of(const struct fold *fold, uint32_t number)
{
	const struct coro_mirror_row *row = &fold->table->rows[number];
	struct trace_row ret = {
		.serial = row->serial,
		.row = number,
		.cseq = row->cseq,
		.ring = row->ring,
		.name = row->name,
		.creation_site = row->creation_site,
		.site = row->site,
		.number = row->number,
		.resumes = row->resumes,
		.kind = row->kind,
		.state = row->state,
		.reason = row->reason,
	};

	ret.waits_on = name(fold, row->waits_on, UINT32_MAX, TRACE_ROW_WAITS_ON, &ret.unknown);
	ret.parent = name_parent(fold, row->parent, UINT32_MAX, &ret);
	if (!is_linked(row->kind))
		return ret;
	ret.number = CORO_NUMBER_UNKNOWN;
	ret.link = name(fold, row->link, UINT32_MAX, TRACE_ROW_LINK, &ret.unknown);
	if (ret.link && fold->table->rows[row->link].gen != row->number) {
		ret.link = 0;
		ret.unknown |= TRACE_ROW_LINK;
	}
	return ret;
}

/* ---- Folding ----------------------------------------------------------- */

#define BIT(NAME)        ((uint64_t)1 << CORO_EVENT_##NAME)
#define IS(event, kinds) ((kinds) >> (event)->kind & 1)
#define RESUMES          (BIT(NEXT) | BIT(SEND) | BIT(THROW) | BIT(CLOSE) | BIT(GREENLET_ENTER))
#define WAITS            (BIT(AWAIT) | BIT(DELEGATE) | BIT(FUTURE_NEW) | BIT(TIMER_SET))
#define LINKS            (BIT(SPAWN) | BIT(LOCK_ACQUIRE) | BIT(GROUP_ENTER))

static struct trace_row born_row(const struct trace_event *event, unsigned ring)
{
	struct trace_row row = {
		.serial = event->bind.serial,
		.row = (uint32_t)event->co,
		.ring = ring,
		.name = event->bind.name,
		.creation_site = event->bind.site,
		.number = CORO_NUMBER_UNKNOWN,
		.kind = event->bind.kind,
		.reason = event->bind.reason,
		.unknown = TRACE_ROW_PARENT,
	};

	if (event->bind.stack_kib)
		row.number = event->bind.stack_kib;
	else if (event->value.kind == CORO_VALUE_INT && event->kind != CORO_EVENT_FUTURE_NEW &&
			 event->kind != CORO_EVENT_TIMER_SET && event->value.integer >= 0 &&
			 event->value.integer < CORO_NUMBER_UNKNOWN)
		row.number = (uint32_t)event->value.integer;
	if (row.kind == CORO_OBJECT_CONDITION)
		row.unknown |= TRACE_ROW_LINK;
	return row;
}

/* The object of that row and ring. NULL: it is not there. */
static struct trace_row *object_at(struct fold *fold, uint64_t row, unsigned ring)
{
	if (fold->rows[row].serial && fold->rows[row].ring == ring)
		return &fold->rows[row];
	for (size_t i = 0; i < fold->moved_count; i++)
		if (fold->moved[i].serial && fold->moved[i].row == row && fold->moved[i].ring == ring)
			return &fold->moved[i];
	return NULL;
}

/* A new object takes the row, which another ring's may have still. */
static int move_away(struct fold *fold, uint64_t row, unsigned ring)
{
	if (!fold->rows[row].serial || fold->rows[row].ring == ring)
		return 0;
	if (fold->moved_count == fold->moved_room) {
		size_t room = fold->moved_room ? fold->moved_room * 2 : 16;
		struct trace_row *moved = reallocarray(fold->moved, room, sizeof(*moved));

		if (!moved)
			return -ENOMEM;
		fold->moved = moved;
		fold->moved_room = room;
	}
	fold->moved[fold->moved_count++] = fold->rows[row];
	return 0;
}

/* Links that the event tells, if the row still has them. */
static void fold_links(const struct fold *fold, struct trace_row *row,
					   const struct trace_event *event, enum age age, uint32_t stretch)
{
	const struct coro_mirror_row *copied = &fold->table->rows[event->co];

	if (IS(event, WAITS) && (age == NEW || copied->waits_on == event->peer))
		row->waits_on = name(fold, event->peer, stretch, TRACE_ROW_WAITS_ON, &row->unknown);
	if (IS(event, LINKS) && (age == NEW || copied->link == event->peer))
		row->link = name(fold, event->peer, stretch, TRACE_ROW_LINK, &row->unknown);
	if (event->kind == CORO_EVENT_LOCK_RELEASE && age == NEW) {
		row->link = 0;
		row->unknown &= (uint8_t)~TRACE_ROW_LINK;
	}
	if (is_birth(event) && age == OLD)
		row->parent = name_parent(fold, copied->parent, stretch, row);
	else if (event->kind == CORO_EVENT_CREATE)
		row->parent = name_parent(fold, event->peer, stretch, row);
}

static void fold_event(struct fold *fold, const struct trace_event *event, enum age age,
					   unsigned ring, uint32_t stretch)
{
	struct trace_row *row;

	if (age == NEW && is_birth(event)) {
		if (move_away(fold, event->co, ring) < 0)
			return;
		fold->rows[event->co] = born_row(event, ring);
	}
	row = object_at(fold, event->co, ring);
	if (!row)
		return;
	fold_links(fold, row, event, age, stretch);
	if (age != NEW)
		return;
	row->state = event->next;
	row->cseq = event->cseq;
	if (event->kind == CORO_EVENT_YIELD || event->kind == CORO_EVENT_DELEGATE)
		row->site = event->site;
	row->resumes += IS(event, RESUMES) ? 1 : 0;
	if (event->next == CORO_STATE_NONE)
		*row = (struct trace_row){0};
}

/* Whether the copied row is of a birth that is not in its ring's stretch, but the first event
 * behind it. */
static bool is_born_after(const struct fold *fold, const struct part *part, unsigned ring,
						  uint32_t number)
{
	const struct coro_mirror_row *copied = &fold->table->rows[number];
	struct coro_trace_slot slots[1 + CORO_EXT_MAX];
	struct coro_mirror_row row;
	struct trace_event event;
	uint64_t first = part->to;

	if (live_table_row(fold->live, number, &row) < 0 ||
		(row.gen == copied->gen && row.cseq == copied->cseq))
		return true;
	if (live_peek(fold->live, ring, first, slots, 1) >= 0 &&
		CORO_SLOT_KIND(slots[0].word) == CORO_EVENT_STACK)
		first++;
	return live_peek(fold->live, ring, first, slots, 1 + CORO_EXT_MAX) >= 0 &&
		   trace_event_decode(slots, 1 + CORO_EXT_MAX, ring, first, -1, &event) > 0 &&
		   is_birth(&event) && event.co == number && event.bind.gen == copied->gen;
}

/* What known.stretch is while it is only asked who is born in the stretch of that ring. */
#define BORN_IN(ring) ((ring) + 1 + CORO_RINGS)

/* What the first round left open: rows that events of the stretch name, that were not born in it,
 * and that were copied with their first event. */
static void find_born_after(struct fold *fold, const struct part *part, unsigned ring,
							uint32_t number)
{
	const struct coro_mirror_row *copied = &fold->table->rows[number];

	if (number >= fold->table->count || fold->known[number].stretch == BORN_IN(ring) ||
		fold->after[number] || !copied->serial || copied->ring != ring || copied->cseq != 1)
		return;
	fold->after[number] = is_born_after(fold, part, ring, number);
	fold->born[number] |= fold->after[number];
}

enum round {
	ROUND_BORN,       /* who is born in it */
	ROUND_BORN_AFTER, /* who is, right behind it */
	ROUND_FIRST,      /* the generation that each of those rows has at first */
	ROUND_FOLD,
};

static void fold_stretch(struct fold *fold, struct part *part, unsigned ring,
						 const struct coro_trace_slot *slots, unsigned count, enum round round)
{
	uint32_t stretch = ring + 1;

	for (unsigned at = 0; at < count;) {
		struct trace_event event;
		int taken = trace_event_decode(slots + at, count - at, ring, 0, -1, &event);
		struct known *known;
		enum age age;

		at += taken > 0 ? (unsigned)taken : 1;
		if (taken <= 0 || event.co >= fold->count || !event.co)
			continue;
		known = &fold->known[event.co];
		if (round == ROUND_BORN) {
			if (is_birth(&event)) {
				fold->born[event.co] = true;
				known->stretch = BORN_IN(ring);
			}
			continue;
		}
		if (round == ROUND_BORN_AFTER) {
			find_born_after(fold, part, ring, (uint32_t)event.co);
			continue;
		}
		if (round == ROUND_FIRST) {
			if (known->stretch == stretch)
				continue;
			if (is_birth(&event))
				*known = (struct known){stretch, event.bind.gen - 1, 0};
			else if (fold->after[event.co] && fold->table->rows[event.co].ring == ring)
				*known = (struct known){stretch, fold->table->rows[event.co].gen - 1, 0};
			continue;
		}
		age = age_of(fold->table, ring, &event, known, stretch);
		if (is_birth(&event)) {
			*known = (struct known){stretch, event.bind.gen, event.bind.serial};
			part->births[part->birth_count++] = (struct birth){(uint32_t)event.co, event.bind.gen};
		}
		if (age != EARLIER)
			fold_event(fold, &event, age, ring, stretch);
	}
}

/* Slots of a stretch; NULL: there are none, or the program wrote over them. */
static struct coro_trace_slot *read_stretch(const struct part *part, unsigned ring,
											struct live *live, unsigned *ret_count)
{
	uint64_t count = part->to - part->from, index, lost;
	struct coro_trace_slot *slots;
	int got;

	*ret_count = 0;
	if (!count || count > 1u << 24)
		return NULL;
	slots = calloc(count + CORO_EXT_MAX + 1, sizeof(*slots));
	if (!slots)
		return NULL;
	got = live_read(live, ring, slots, (unsigned)count + CORO_EXT_MAX + 1, &index, &lost);
	if (index == part->from && got > 0)
		*ret_count = (uint64_t)got < count ? (unsigned)got : (unsigned)count;
	return slots;
}

/* ---- All of it --------------------------------------------------------- */

static int by_serial(const void *a, const void *b)
{
	const struct trace_row *x = a, *y = b;

	return x->serial < y->serial ? -1 : x->serial > y->serial;
}

static int add_rows(struct fold *fold, struct trace *trace, const struct baseline_help *help)
{
	size_t count = 0, kept = 0;

	for (uint32_t i = 1; i < fold->count; i++)
		if (fold->rows[i].serial)
			fold->rows[count++] = fold->rows[i];
	/* There is room: a row that was taken twice is one that is not counted for another. */
	for (size_t i = 0; i < fold->moved_count && count < fold->count; i++)
		if (fold->moved[i].serial)
			fold->rows[count++] = fold->moved[i];
	qsort(fold->rows, count, sizeof(fold->rows[0]), by_serial);
	for (size_t i = 0; i < count; i++)
		if (!kept || fold->rows[kept - 1].serial != fold->rows[i].serial)
			fold->rows[kept++] = fold->rows[i];
	for (size_t i = 0; i < kept; i++)
		if (fold->rows[i].site && help->is_library &&
			help->is_library(help->context, fold->rows[i].site))
			fold->rows[i].site = 0;
	return trace_append_rows(trace, fold->rows, kept);
}

static int fold_all(struct fold *fold, struct baseline *baseline, struct live *live, unsigned rings,
					struct trace *trace, const struct baseline_help *help)
{
	struct coro_trace_slot *slots[CORO_RINGS] = {NULL};
	unsigned counts[CORO_RINGS] = {0};
	int result;

	fold->count = fold->table->count + 4096;
	fold->known = calloc(fold->count, sizeof(*fold->known));
	fold->born = calloc(fold->count, sizeof(*fold->born));
	fold->after = calloc(fold->count, sizeof(*fold->after));
	fold->rows = calloc(fold->count, sizeof(*fold->rows));
	for (unsigned i = 0; i < rings; i++)
		if (fold->fresh[i])
			slots[i] = read_stretch(&baseline->ring[i], i, live, &counts[i]);
	result = fold->known && fold->born && fold->after && fold->rows ? 0 : -ENOMEM;
	fold->live = live;
	for (unsigned i = 0; i < rings && result >= 0; i++) {
		fold_stretch(fold, &baseline->ring[i], i, slots[i], counts[i], ROUND_BORN);
		fold_stretch(fold, &baseline->ring[i], i, slots[i], counts[i], ROUND_BORN_AFTER);
	}
	for (uint32_t i = 1; i < fold->table->count && result >= 0; i++)
		if (live_table_has(fold->table, i) && fold->table->rows[i].ring < CORO_RINGS &&
			fold->fresh[fold->table->rows[i].ring])
			fold->rows[i] = row_of(fold, i);
	for (unsigned i = 0; i < rings && result >= 0; i++) {
		struct part *part = &baseline->ring[i];

		part->births = counts[i] ? calloc(counts[i], sizeof(*part->births)) : NULL;
		if (counts[i] && !part->births) {
			result = -ENOMEM;
			break;
		}
		fold_stretch(fold, part, i, slots[i], counts[i], ROUND_FIRST);
		fold_stretch(fold, part, i, slots[i], counts[i], ROUND_FOLD);
	}
	if (result >= 0)
		result = add_rows(fold, trace, help);
	for (unsigned i = 0; i < rings; i++)
		free(slots[i]);
	free(fold->known);
	free(fold->born);
	free(fold->after);
	free(fold->rows);
	free(fold->moved);
	return result;
}

int baseline_take(struct baseline *baseline, struct live *live, struct trace *trace,
				  const struct baseline_help *help)
{
	unsigned rings = live_rings(live);
	struct fold fold = {0};
	struct copy *copy;
	bool any = false;
	int result;

	for (unsigned i = 0; i < rings; i++) {
		fold.fresh[i] = !baseline->ring[i].taken && live_has_answered(live, i);
		if (fold.fresh[i])
			baseline->ring[i].from = live_begin(live, i);
		any |= fold.fresh[i];
	}
	if (!any)
		return 0;
	copy = calloc(1, sizeof(*copy));
	result = copy ? live_table(live, &copy->table) : -ENOMEM;
	if (result < 0) {
		free(copy);
		return result;
	}
	for (unsigned i = 0; i < rings; i++)
		if (fold.fresh[i])
			baseline->ring[i].to = live_head(live, i);
	help->take_strings(help->context);
	fold.table = &copy->table;
	result = fold_all(&fold, baseline, live, rings, trace, help);
	for (unsigned i = 0; i < rings; i++) {
		if (!fold.fresh[i])
			continue;
		baseline->ring[i].taken = true;
		baseline->ring[i].copy = copy;
		copy->users++;
	}
	return result;
}

unsigned baseline_run(struct baseline *baseline, unsigned ring, uint64_t index,
					  const struct coro_trace_slot *slots, unsigned count, bool *ret_old)
{
	struct part *part = &baseline->ring[ring];

	*ret_old = false;
	if (!part->copy)
		return count;
	/* No event, and none that a birth would have to stand behind. */
	if (index == part->to && CORO_SLOT_KIND(slots[0].word) == CORO_EVENT_STACK)
		part->to++;
	if (index < part->to) {
		*ret_old = true;
		return part->to - index < count ? (unsigned)(part->to - index) : count;
	}

	struct trace_event event;
	struct known known = {0};
	int first = trace_event_decode(slots, count, ring, index, -1, &event);

	for (size_t i = 0; first > 0 && i < part->birth_count; i++)
		if (part->births[i].row == event.co)
			known = (struct known){ring + 1, part->births[i].gen, 0};
	*ret_old = first > 0 && index == part->to &&
			   age_of(&part->copy->table, ring, &event, &known, ring + 1) == OLD;
	settle(part);
	return *ret_old ? (unsigned)first : count;
}
