#ifndef BENCH_VIEWERS_H
#define BENCH_VIEWERS_H
/*
 * viewers.h - how long a viewer that dies, or is stopped, holds its program up: see viewed.c.
 */
#include "traces.h"

figure viewer_death_delay; /* ms, the longest of 50 deaths in each of five states */
figure viewer_stop_delay;  /* ms, the longest wait for one that is stopped, of --block-timeout 20 */

#endif
