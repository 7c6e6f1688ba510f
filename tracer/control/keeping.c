/*
 * keeping.c - what is added to a trace before it is kept.
 *
 * A trace that is replayed elsewhere has neither the program nor its sources. So before it
 * leaves, every place that an event names is looked up once, which puts it and the text
 * of its source file into the trace.
 *
 * Then the Worlds: the whole trace is folded once, and every 64 Ki events the World
 * is appended, as long as such checkpoints take no more than 15 % of what the events take. They are
 * only a cache; a trace of a million live objects gets few of them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "session_private.h"

#define CHECKPOINT_SPACING (64u << 10)
#define CHECKPOINT_PERCENT 15

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

int session_resolve_trace(struct trace *trace, struct symbols *symbols)
{
	_cleanup_(sites_done) struct sites sites = {0};
	uint64_t count = trace_count(trace);
	struct trace_event event;

	for (uint64_t n = 1; n <= count; n++) {
		int r;

		if (trace_event(trace, n, &event) < 0)
			continue;
		r = resolve_event(&sites, symbols, &event);
		if (r < 0)
			return r;
	}
	return 0;
}

int session_complete_trace(struct trace *trace, struct symbols *symbols, int status)
{
	uint64_t count = trace_count(trace), taken = 0, gap = CHECKPOINT_SPACING, next = gap;
	uint64_t allowed = trace_bytes(trace) / 100 * CHECKPOINT_PERCENT;
	struct world *world = count >= next ? world_new() : NULL;
	struct trace_event event;
	int r = session_resolve_trace(trace, symbols);

	for (uint64_t n = 1; r >= 0 && world && n <= count; n++) {
		uint8_t *bytes;
		size_t length;

		if (trace_event(trace, n, &event) < 0)
			continue;
		r = world_apply(world, &event);
		if (r < 0 || n < next)
			continue;
		r = world_serialise(world, &bytes, &length);
		if (r < 0)
			break;
		/* What is allowed grows with the events that are behind us. */
		if (taken + length <= (uint64_t)((double)allowed * (double)n / (double)count)) {
			r = trace_append_checkpoint(trace, n, bytes, length);
			taken += length;
		} else {
			gap *= 2;
		}
		free(bytes);
		next = n + gap;
	}
	world_free(world);
	/* A checkpoint that could not be made is no reason to leave the trace unfinished. */
	if (r == -ENOMEM)
		r = 0;
	return r < 0 ? r : trace_finish(trace, status);
}

int session_save(struct session *session, const char *path)
{
	int r = session_resolve_trace(session->trace, session->symbols);

	return r < 0 ? r : trace_save(session->trace, path);
}
