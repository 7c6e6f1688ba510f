#ifndef BENCH_UNWINDING_H
#define BENCH_UNWINDING_H
/*
 * unwinding.h - how long it takes to have the stacks of a program with many coroutines: see parked.c.
 */
#include "traces.h"

/* ms for all of 10,000 suspended coroutines of another process, 9 frames each: their control blocks
 * and stacks are copied, and unwound. Nothing was looked at before but the list of the program's
 * files. The median of 5. */
figure unwind_10k;

#endif
