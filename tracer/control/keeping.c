/*
 * keeping.c - what is added to a trace before it is kept.
 *
 * A trace that is replayed elsewhere has neither the program nor its sources. So before it
 * leaves, every place that an event names is looked up once, which puts it and the text
 * of its source file into the trace.
 *
 * On the same way the World: the events are folded, and every 64 Ki of them, or more, the World is
 * appended, so that all such checkpoints take no more than 15 % of what the events take. They
 * are only a cache. Most are what has changed since the one before; when all that since the last
 * whole one has become more than that, there is another whole one, as soon as there is room for it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "session_private.h"

#define CHECKPOINT_SPACING (64u << 10)
#define CHECKPOINT_PERCENT 15
#define COMPRESSION        16 /* of a World's bytes, about; only a guess before one is made */
#define BATCH              32 /* events that are read at once */

/* Sites that were looked up already: an open hash table; 0 is an empty slot. */
struct sites {
	uint64_t *slot; /* owned; site, with bit 32 for a string, bit 33 set */
	size_t count, room;
};

static void sites_done(struct sites *sites)
{
	free(sites->slot);
}

static int sites_grow(struct sites *sites)
{
	size_t room = sites->room ? sites->room * 2 : 256;
	uint64_t *slot = calloc(room, sizeof(*slot));

	if (!slot)
		return -ENOMEM;
	for (size_t i = 0; i < sites->room; i++) {
		size_t at = (sites->slot[i] * UINT64_C(0x9e3779b97f4a7c15)) >> 32 & (room - 1);

		if (!sites->slot[i])
			continue;
		while (slot[at])
			at = (at + 1) & (room - 1);
		slot[at] = sites->slot[i];
	}
	free(sites->slot);
	sites->slot = slot;
	sites->room = room;
	return 0;
}

/* 1 if it is new, 0 if not, -ENOMEM. */
static int sites_add(struct sites *sites, uint32_t site, bool is_string)
{
	uint64_t key = site | (uint64_t)is_string << 32 | UINT64_C(1) << 33;
	size_t at;

	if (sites->count * 2 >= sites->room) {
		int r = sites_grow(sites);

		if (r < 0)
			return r;
	}
	at = (key * UINT64_C(0x9e3779b97f4a7c15)) >> 32 & (sites->room - 1);
	while (sites->slot[at]) {
		if (sites->slot[at] == key)
			return 0;
		at = (at + 1) & (sites->room - 1);
	}
	sites->slot[at] = key;
	sites->count++;
	return 1;
}

static int resolve(struct sites *sites, struct symbols *symbols, uint32_t site, bool is_string)
{
	struct symbols_place place;
	const char *line;
	size_t length;
	int r;

	if (!site)
		return 0;
	r = sites_add(sites, site, is_string);
	if (r <= 0)
		return r;
	if (symbols_place(symbols, site, is_string, &place) >= 0 && place.file)
		symbols_source_line(symbols, place.file, 1, &line, &length);
	return 0;
}

static int resolve_event(struct sites *sites, struct symbols *symbols,
						 const struct trace_event *event)
{
	int r = resolve(sites, symbols, event->site, event->flags & CORO_SLOT_FILELINE);

	if (r >= 0 && event->flags & CORO_SLOT_BIND)
		r = resolve(sites, symbols, event->bind.site, true);
	return r;
}

/* Looks up every place of a trace, and, with a World, folds it. */
struct fold {
	struct trace *trace;
	struct symbols *symbols;
	struct sites sites;
	struct world *world; /* owned; NULL: no checkpoints are wanted, or none any more */
	struct world *last;  /* owned; as the last checkpoint has it; NULL: there is none */
	size_t whole;        /* bytes of the last one that is whole, before compression */
	size_t since;        /* of those since then */
	uint64_t count;      /* events */
	uint64_t allowed;    /* bytes that all checkpoints together may take */
	uint64_t taken;      /* bytes that they took so far */
	uint64_t next;       /* at which event the next one is due */
};

static void fold_done(struct fold *fold)
{
	sites_done(&fold->sites);
	world_free(fold->world);
	world_free(fold->last);
}

/* At which event there will be room for a checkpoint of so many bytes: what is allowed grows with
 * the events that are behind. */
static uint64_t due_with(const struct fold *fold, uint64_t n, uint64_t bytes)
{
	double share = (double)(fold->taken + bytes) / (double)(fold->allowed + 1);
	uint64_t due = share < 1 ? (uint64_t)(share * (double)fold->count) : UINT64_MAX;

	return due > n + CHECKPOINT_SPACING ? due : n + CHECKPOINT_SPACING;
}

/* There is one now, of so many bytes before compression. */
static int note_kept(struct fold *fold, bool whole, size_t length)
{
	struct world *copy = world_copy(fold->world);

	if (!copy)
		return -ENOMEM;
	world_free(fold->last);
	fold->last = copy;
	if (whole)
		fold->whole = length;
	fold->since = whole ? 0 : fold->since + length;
	return 0;
}

static int append_world(struct fold *fold, uint64_t n, bool whole, const uint8_t *bytes,
						size_t length)
{
	uint64_t before = trace_bytes(fold->trace), size;
	int r = trace_append_checkpoint(fold->trace, n, bytes, length);

	if (r < 0)
		return r;
	size = trace_bytes(fold->trace) - before;
	fold->taken += size;
	fold->next = due_with(fold, n, size);
	return note_kept(fold, whole, length);
}

static int keep_whole(struct fold *fold, uint64_t n)
{
	uint8_t *bytes;
	size_t length;
	int r = world_serialise(fold->world, &bytes, &length);

	if (r < 0)
		return r;
	if (!fold->last && due_with(fold, 0, length / COMPRESSION) > n)
		fold->next = due_with(fold, n, length / COMPRESSION);
	else
		r = append_world(fold, n, true, bytes, length);
	free(bytes);
	return r;
}

static int keep_changes(struct fold *fold, uint64_t n)
{
	uint8_t *bytes;
	size_t length;
	int r = world_serialise_since(fold->world, fold->last, &bytes, &length);

	if (r < 0)
		return r;
	r = append_world(fold, n, false, bytes, length);
	free(bytes);
	return r;
}

static int keep_world(struct fold *fold, uint64_t n)
{
	uint64_t guess = (fold->whole + fold->since) / COMPRESSION;

	if (!fold->last || (fold->since > fold->whole && due_with(fold, 0, guess) <= n))
		return keep_whole(fold, n);
	return keep_changes(fold, n);
}

static int fold_event(struct fold *fold, const struct trace_event *event)
{
	int r = resolve_event(&fold->sites, fold->symbols, event);

	if (r < 0 || !fold->world)
		return r;
	r = adopt_present(fold->world, fold->trace, event->n - 1);
	if (r >= 0)
		r = world_apply(fold->world, event);
	if (r >= 0 && event->n >= fold->next)
		r = keep_world(fold, event->n);
	if (r == -ENOMEM || r == -EINVAL) {
		/* A checkpoint that could not be made, or is too large for a trace, is no reason to leave
		 * the trace unfinished. */
		world_free(fold->world);
		fold->world = NULL;
		r = 0;
	}
	return r;
}

static int fold_trace(struct fold *fold)
{
	struct trace_event events[BATCH];
	int r = 0;

	for (uint64_t n = 1; r >= 0 && n <= fold->count;) {
		int count = trace_events(fold->trace, n, events, BATCH);

		for (int i = 0; r >= 0 && i < count; i++)
			r = fold_event(fold, &events[i]);
		n += count > 0 ? (unsigned)count : 1;
	}
	return r;
}

/* A fold of the whole trace that makes checkpoints, as soon as it has a World. */
static struct fold fold_of(struct trace *trace, struct symbols *symbols)
{
	return (struct fold){
		.trace = trace,
		.symbols = symbols,
		.count = trace_count(trace),
		.allowed = trace_bytes(trace) / 100 * CHECKPOINT_PERCENT,
		.next = CHECKPOINT_SPACING,
	};
}

int session_resolve_trace(struct trace *trace, struct symbols *symbols)
{
	_cleanup_(fold_done) struct fold fold = fold_of(trace, symbols);

	return fold_trace(&fold);
}

int session_fold_trace(struct trace *trace, struct symbols *symbols, struct world **ret)
{
	_cleanup_(fold_done) struct fold fold = fold_of(trace, symbols);
	int r;

	/* Some may be there already. */
	fold.next += trace_checkpoint(trace, fold.count, NULL, NULL);
	fold.world = world_new();
	r = fold_trace(&fold);
	if (r >= 0) {
		*ret = fold.world;
		fold.world = NULL;
	}
	return r;
}

int session_complete_trace(struct trace *trace, struct symbols *symbols, int status)
{
	_cleanup_(fold_done) struct fold fold = fold_of(trace, symbols);
	int r;

	if (fold.count >= fold.next)
		fold.world = world_new();
	r = fold_trace(&fold);
	return r < 0 ? r : trace_finish(trace, status);
}

int session_save(struct session *session, const char *path)
{
	int r = session_resolve_trace(session->trace, session->symbols);

	return r < 0 ? r : trace_save(session->trace, path);
}
