#ifndef BENCH_LOCALS_H
#define BENCH_LOCALS_H
/*
 * locals.h - how long it takes to look at one suspended stack.
 */
#include "traces.h"

figure locals_one; /* ms, the median of 50: unwound and read anew, all its variables as text */

#endif
