#ifndef KILL_SUBJECT_H
#define KILL_SUBJECT_H
/*
 * kill_subject.h - what a program that is killed, and the test that kills it, share: a page, in a file
 * that KILL_SHARE names. It outlives the program, and says how far it came.
 */
#include <stdint.h>

#define KILL_RINGS  3  /* the first one is the main thread's, which emits nothing */
#define KILL_POINTS 64
#define KILL_WORDS  40 /* of the stack that is left with each YIELD, all of them the event's cseq */

struct kill_share {
	uint32_t pid;
	uint32_t finished; /* main is at its end */
	uint64_t begun[KILL_RINGS];   /* events, by ring: of which the probe was told, ... */
	uint64_t done[KILL_RINGS];    /* ... and with which it was done. One that nobody traced is in neither */
	/* Where it was at which test point: how often it passed there. */
	struct {
		char name[24];
		uint64_t passed;
	} point[KILL_POINTS];
};

#endif
