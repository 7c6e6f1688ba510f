#ifndef KILL_RUN_H
#define KILL_RUN_H
/*
 * kill_run.h - starting kill_subject, and what it must have left.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <tracer/event.h>
#include "kill_subject.h"

/* An event, as far as it is the same in each run. */
struct kill_event {
	struct trace_event event; /* without numbers, clocks, flags; name and value's type: 0 */
	uint64_t name;            /* a hash of it */
	uint64_t slots;           /* that it took in its ring; of the last one 1 */
};
struct kill_events {
	struct kill_event *event; /* owned */
	size_t count, room;
};

/* The events of a trace, ring by ring. */
void kill_read(const char *path, struct kill_events ret[KILL_RINGS]);
void kill_events_done(struct kill_events events[KILL_RINGS]);
bool kill_event_equal(const struct kill_event *a, const struct kill_event *b);

/* Where the test works: a folder of its own; and one in memory for segments, which no other program
 * prunes. Both are made at first use, and removed by kill_clean(). */
const char *kill_path(const char *name);
void kill_clean(void);
/* A share, all zeros, that KILL_SHARE names; always the same one. */
struct kill_share *kill_share(void);
/* Starts the subject with `arguments` under a launcher: it waits for a byte on *ret_launch; its segment
 * is in `segment` then. */
pid_t kill_start(char *const arguments[], const char *point, int *ret_launch, char *segment,
				 size_t room);

#endif
