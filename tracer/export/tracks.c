/*
 * tracks.c - who runs, as a stack of slices for each thread.
 *
 *     event                    open slices of the thread
 *     loop  turn_begin         loop
 *     ann   step               loop  ann
 *     baker next               loop  ann  baker
 *     inner next               loop  ann  baker  inner
 *     inner yield              loop  ann  baker
 *     (37 events lost)         -                            all four were cut
 *     ann   await              -                            an instant: it has no begin
 *
 * A begin of what is open already, and an end of what is not on top, show that something is
 * missing: what is above it is cut.
 */
#include "tracks.h"
#include <errno.h>
#include <stdlib.h>

struct tracks_thread {
	uint32_t ring;
	struct slice *open; /* owned; the innermost last */
	uint32_t depth, room;
	uint32_t track;
	int64_t last;
};

void tracks_done(struct tracks *tracks)
{
	for (unsigned i = 0; i < CORO_RINGS; i++) {
		if (tracks->threads[i])
			free(tracks->threads[i]->open);
		free(tracks->threads[i]);
	}
	free(tracks->track);
	serials_done(&tracks->by_serial);
	serials_done(&tracks->wakes);
}

const char *slice_label(const struct slice *slice)
{
	if (slice->kind == CORO_OBJECT_LOOP)
		return "turn";
	return slice->kind == CORO_OBJECT_TASK || slice->kind == CORO_OBJECT_TASKLET ? "step" : NULL;
}

/* ---- Tracks ------------------------------------------------------------ */

static int add_track(struct tracks *tracks, const struct track *track, uint32_t *ret)
{
	if (tracks->count == tracks->room) {
		uint32_t room = tracks->room ? tracks->room * 2 : 64;
		struct track *larger = reallocarray(tracks->track, room, sizeof(*larger));

		if (!larger)
			return -ENOMEM;
		tracks->track = larger;
		tracks->room = room;
	}
	tracks->track[tracks->count] = *track;
	*ret = tracks->count++;
	if (tracks->added)
		tracks->added(tracks->context, *ret);
	return 0;
}

static int find_thread(struct tracks *tracks, uint32_t ring, struct tracks_thread **ret)
{
	struct tracks_thread *thread;
	int r;

	if (ring >= CORO_RINGS)
		return -ERANGE;
	if (!tracks->threads[ring]) {
		thread = calloc(1, sizeof(*thread));
		if (!thread)
			return -ENOMEM;
		r = add_track(tracks, &(struct track){.thread = ring}, &thread->track);
		if (r < 0) {
			free(thread);
			return r;
		}
		thread->ring = ring;
		tracks->threads[ring] = thread;
	}
	*ret = tracks->threads[ring];
	return 0;
}

int tracks_thread(struct tracks *tracks, uint32_t ring, uint32_t *ret)
{
	struct tracks_thread *thread;
	int r = find_thread(tracks, ring, &thread);

	if (r == 0)
		*ret = thread->track;
	return r;
}

/* The track on which whoever runs on a thread is drawn. */
static uint32_t current(const struct tracks_thread *thread)
{
	return thread->depth ? thread->open[thread->depth - 1].track : thread->track;
}

/* The track of a new slice. */
static int track_for(struct tracks *tracks, const struct tracks_thread *thread,
					 const struct trace_event *event, uint32_t *ret)
{
	const struct track track = {
		.serial = event->co,
		.thread = event->ring,
		.name = event->name,
		.kind = event->object_kind,
	};
	uint64_t number;
	int r;

	*ret = current(thread);
	if (event->object_kind != CORO_OBJECT_TASK && event->object_kind != CORO_OBJECT_TASKLET)
		return 0;
	if (serials_find(&tracks->by_serial, event->co, &number)) {
		*ret = (uint32_t)number;
		return 0;
	}
	*ret = thread->track;
	if (tracks->tasks == TRACKS_TASKS)
		return 0;
	r = add_track(tracks, &track, ret);
	if (r < 0)
		return r;
	tracks->tasks++;
	return serials_set(&tracks->by_serial, event->co, *ret) ? 0 : -ENOMEM;
}

static int64_t stamp(struct tracks *tracks, struct tracks_thread *thread, uint32_t track, int64_t t)
{
	int64_t least = tracks->track[track].last;

	least = thread->last > least ? thread->last : least;
	if (t < least) {
		tracks->moved++;
		t = least;
	}
	thread->last = tracks->track[track].last = t;
	tracks->latest = t > tracks->latest ? t : tracks->latest;
	return t;
}

/* ---- Slices ------------------------------------------------------------ */

static void close_top(struct tracks *tracks, struct tracks_thread *thread)
{
	const struct slice *slice = &thread->open[--thread->depth];

	if (tracks->track[slice->track].serial == slice->serial)
		tracks->track[slice->track].open_on = 0;
}

/* Cuts what is open on a thread down to `depth`, innermost first. */
static void cut(struct tracks *tracks, struct tracks_thread *thread, uint32_t depth)
{
	while (thread->depth > depth) {
		const struct slice slice = thread->open[thread->depth - 1];
		int64_t t = tracks->track[slice.track].last;

		close_top(tracks, thread);
		tracks->cuts++;
		t = t > thread->last ? t : thread->last;
		thread->last = tracks->track[slice.track].last = t;
		if (tracks->cut)
			tracks->cut(tracks->context, &slice, thread->ring, t);
	}
}

/* How deep the slice of an object is, from 1; 0: it is not open. */
static uint32_t find_open(const struct tracks_thread *thread, uint64_t serial)
{
	uint32_t depth = thread->depth;

	while (depth && thread->open[depth - 1].serial != serial)
		depth--;
	return depth;
}

/* The end of a slice that the trace did not tell. */
static void forget(struct tracks *tracks, struct tracks_thread *thread, uint64_t serial)
{
	uint32_t depth = find_open(thread, serial);

	if (depth)
		cut(tracks, thread, depth - 1);
}

static bool reserve(struct tracks_thread *thread)
{
	uint32_t room = thread->room ? thread->room * 2 : 8;
	struct slice *larger;

	if (thread->depth < thread->room)
		return true;
	larger = reallocarray(thread->open, room, sizeof(*larger));
	if (!larger)
		return false;
	thread->open = larger;
	thread->room = room;
	return true;
}

static int begin(struct tracks *tracks, struct tracks_thread *thread,
				 const struct trace_event *event, struct track_step *ret)
{
	struct slice slice = {event->co, 0, event->name, event->object_kind};
	struct track *track;
	int r;

	forget(tracks, thread, event->co);
	if (thread->depth >= TRACKS_DEPTH)
		return 0;
	if (!reserve(thread))
		return -ENOMEM;
	r = track_for(tracks, thread, event, &slice.track);
	if (r < 0)
		return r;
	track = &tracks->track[slice.track];
	if (track->serial == event->co) {
		if (track->open_on)
			forget(tracks, tracks->threads[track->open_on - 1], event->co);
		track->open_on = event->ring + 1;
	}
	thread->open[thread->depth++] = slice;
	ret->action = TRACK_BEGIN;
	ret->track = slice.track;
	ret->name = slice.name;
	ret->kind = slice.kind;
	serials_take(&tracks->wakes, event->co, &ret->flow_from);
	return 0;
}

static void end(struct tracks *tracks, struct tracks_thread *thread,
				const struct trace_event *event, struct track_step *ret)
{
	uint32_t depth = find_open(thread, event->co);

	if (!depth)
		return;
	cut(tracks, thread, depth);
	ret->action = TRACK_END;
	ret->track = current(thread);
	ret->name = thread->open[depth - 1].name;
	ret->kind = thread->open[depth - 1].kind;
	close_top(tracks, thread);
}

int tracks_event(struct tracks *tracks, const struct trace_event *event, struct track_step *ret)
{
	bool ran = event->prev == CORO_STATE_RUNNING, runs = event->next == CORO_STATE_RUNNING;
	struct track_step step = {.action = TRACK_INSTANT};
	struct tracks_thread *thread;
	int r = find_thread(tracks, event->ring, &thread);

	if (r < 0)
		return r;
	if (runs && !ran)
		r = begin(tracks, thread, event, &step);
	else if (ran && !runs)
		end(tracks, thread, event, &step);
	if (r < 0)
		return r;
	if (step.action == TRACK_INSTANT)
		step.track = current(thread);
	if (event->kind == CORO_EVENT_WAKE && step.action == TRACK_INSTANT &&
		(thread->depth || !tracks->flows_need_slices) &&
		serials_set(&tracks->wakes, event->co, event->n))
		step.flow_to = event->n;
	else if (event->kind == CORO_EVENT_DESTROY || event->kind == CORO_EVENT_DONE)
		serials_take(&tracks->wakes, event->co, NULL);
	step.t = stamp(tracks, thread, step.track, event->t);
	*ret = step;
	return 0;
}

/* ---- What is missing --------------------------------------------------- */

int tracks_lost(struct tracks *tracks, uint32_t ring, uint32_t *ret_track, int64_t *ret_t)
{
	struct tracks_thread *thread;
	int r = find_thread(tracks, ring, &thread);

	if (r < 0)
		return r;
	cut(tracks, thread, 0);
	*ret_track = thread->track;
	*ret_t = tracks->track[thread->track].last = thread->last;
	return 0;
}

void tracks_cut_all(struct tracks *tracks)
{
	for (unsigned i = 0; i < CORO_RINGS; i++)
		if (tracks->threads[i])
			cut(tracks, tracks->threads[i], 0);
}
