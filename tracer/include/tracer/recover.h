#ifndef TRACER_RECOVER_H
#define TRACER_RECOVER_H
/*
 * recover.h - what is in a segment, and in no trace yet: of a program that was killed, or whose
 * recorder was.
 *
 * Invariants
 * - An event that the trace has is not appended again, and none that the segment has is left out; what
 *   is missing is counted as lost, unless the trace counts it already.
 * - A segment is removed only when all of it is in a file and nobody lives who uses it.
 */
#include <stdbool.h>
#include <stdint.h>

#define RECOVERED_NAMES 8

/* An event that its program had begun when it was killed: its object's row says that there is one
 * more than there are in the ring. */
struct recovered_event {
	uint64_t serial; /* of the object; 0: not known, it was about to be made */
	uint32_t row;
	uint32_t cseq; /* the event would have been this one of its object */
	char name[64]; /* of the object, raw; "": not known */
};

/* What was done. */
struct recovered {
	char *segment;      /* owned; where it was */
	uint64_t before;    /* events that the trace had */
	uint64_t appended;  /* events that came from the segment */
	uint64_t lost;      /* slots that are missing, and were not counted before */
	uint64_t damage;    /* things in the segment that could not be */
	bool alive;         /* the program still runs: more may come, and the segment was left */
	unsigned under_way; /* events, of which the first are in `event` */
	struct recovered_event event[RECOVERED_NAMES];
};
void recovered_done(struct recovered *recovered);

/* Completes the file of a recorder that was killed, from the segment of its program: it is found, or
 * `segment` is its directory. On failure returns -errno and a malloc'ed sentence that names what it
 * is about; then nothing was appended, unless the file could not be written. */
int recover_trace(const char *path, const char *segment, struct recovered *ret, char **ret_why);
/* Makes a trace of what is in the segment of a program that does not run any more. */
int recover_segment(const char *segment, const char *path, struct recovered *ret, char **ret_why);

#endif
