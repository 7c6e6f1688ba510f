#ifndef EXPORT_TRACKS_H
#define EXPORT_TRACKS_H
/*
 * tracks.h - events as slices and instants on tracks, for the formats that draw.
 *
 * Each thread has a track; so has each task and tasklet, below the thread that ran it first, for the
 * first TRACKS_TASKS of them. A *slice* is the time for which an object runs: a turn of
 * a loop, a step of a task, a body from a resume to its next yield. On a thread slices nest:
 *
 *     thread    [ loop                                               ]
 *     ann           [ step                 ]
 *                      [ baker ] [ inner ]
 *     bob                                      [ step   ]
 *
 * A body's slice lies on the track of the task that runs it, or of the thread. An event
 * that begins to run its object begins a slice, one after which the object does not run any more ends it;
 * all others are instants on the track of whoever runs.
 *
 * Invariants
 * - On each track begins and ends nest, times never go back, and an end is that of the slice
 *   begun last. Where the trace says otherwise, since part of it is missing or lies, slices are
 *   *cut*: they end where that becomes clear. An end without a begin is an instant.
 * - A task has an open slice on one thread only.
 */
#include <tracer/trace.h>
#include "serials.h"

#define TRACKS_TASKS 10000
#define TRACKS_DEPTH 512 /* slices in slices; what is deeper is instants */

struct track {
	uint64_t serial; /* of the task; 0: a thread's */
	uint32_t thread; /* ring: the thread, or the one it is below */
	uint32_t name;   /* of the task, string id */
	uint8_t kind;    /* enum coro_object_kind; 0: a thread */
	uint32_t open_on; /* ring + 1 of the thread that has an open slice of the task; 0: none */
	int64_t last;    /* time of the last thing on it */
};

struct slice {
	uint64_t serial;
	uint32_t track;
	uint32_t name; /* string id */
	uint8_t kind;
};

/* What becomes of an event. */
struct track_step {
	enum { TRACK_INSTANT, TRACK_BEGIN, TRACK_END } action;
	uint32_t track;
	uint32_t name; /* of the slice that begins or ends: an end has the name of its begin */
	uint8_t kind;
	int64_t t;
	/* An arrow from what made a task ready to its next step: the number of the wake's event, 0: none. */
	uint64_t flow_from; /* of a begin: an arrow ends here */
	uint64_t flow_to;   /* of an instant: an arrow begins here */
};

struct tracks {
	/* Set by the user: */
	void *context;
	void (*added)(void *context, uint32_t track);
	/* A slice of a thread is over, without an event. */
	void (*cut)(void *context, const struct slice *slice, uint32_t ring, int64_t t);
	bool flows_need_slices; /* an arrow can only begin in a slice */
	/* Counted here: */
	uint64_t cuts, moved;
	int64_t latest; /* the latest time on any track */
	/* Private: */
	struct track *track; /* owned */
	uint32_t count, room, tasks;
	struct tracks_thread *threads[CORO_RINGS]; /* each owned; NULL: nothing of it yet */
	struct serials by_serial; /* of a task -> its track */
	struct serials wakes;     /* of a task -> the event that made it ready */
};

void tracks_done(struct tracks *tracks);
/* The track of a thread. 0; -ERANGE: no program has so many threads; -ENOMEM. */
int tracks_thread(struct tracks *tracks, uint32_t ring, uint32_t *ret);
/* Puts an event on its track: 0, -ERANGE, -ENOMEM. */
int tracks_event(struct tracks *tracks, const struct trace_event *event, struct track_step *ret);
/* Events of a thread are missing here: who runs is not known. -ERANGE, -ENOMEM; else the
 * thread's track in *ret_track, and the time. */
int tracks_lost(struct tracks *tracks, uint32_t ring, uint32_t *ret_track, int64_t *ret_t);
/* Events of any threads are missing here; or this is the end. */
void tracks_cut_all(struct tracks *tracks);
/* What a slice is called: "turn", "step"; NULL: by its name. */
const char *slice_label(const struct slice *slice);

#endif
