#ifndef BENCH_TRACES_H
#define BENCH_TRACES_H
/*
 * traces.h - figures of recording and of looking at what was recorded.
 *
 * All are of one recording of tests/bench/workload.c, which is made when it is first asked for and
 * is removed at the end: a hundred million events with ten thousand sleeping tasks. It is in the
 * page cache then. With `quick` it is a small one, whose figures mean nothing.
 */
#include <stdbool.h>

/* What is measured; below 0: it could not be. */
typedef double figure(bool quick);

figure record_sustained;        /* million events a second, to disk, none lost */
figure record_bytes_per_event;  /* of the whole file, checkpoints and all */
figure trace_open_100m;         /* ms until the World of the first event is there */
figure trace_seek;              /* ms, the longest of 50 to anywhere */
figure trace_back;              /* ms, the longest of 50 single steps back */
figure trace_memory;            /* MiB, the peak of the process that did these */

#endif
