#ifndef BENCH_SCREENS_H
#define BENCH_SCREENS_H
/*
 * screens.h - how long the screen takes to answer a key, as whoever presses it sees it: in a
 * pseudo-terminal, from the key to the end of the frame that it causes.
 */
#include <stdbool.h>
#include <stdint.h>

struct screen_figures {
	double key;    /* ms, the longest answer to a motion, a search, a fold or a step */
	double memory; /* MiB, the peak of the program */
};

/* On a trace, at that event, whose list of tasks has `tasks` of them. False: it could not be measured. */
bool screen_measure(const char *path, uint64_t event, uint64_t tasks, struct screen_figures *ret);

#endif
