#ifndef BENCH_TRACES_H
#define BENCH_TRACES_H
/*
 * traces.h - figures of recording and of looking at what was recorded.
 *
 * They are of two recordings of tests/bench/workload.c, each made when it is first asked for and
 * removed at the end: a hundred million events with ten thousand sleeping tasks, and with a million.
 * They are in the page cache then. With `quick` they are small, and their figures mean nothing.
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

/* The same with a million tasks that wait; the first seek takes the World of them out of the file. */
figure trace_seek_1m;
figure trace_back_1m;
figure trace_memory_1m;
figure screen_frame_1m; /* ms, the longest from a key to the end of its frame: motions, searches, steps */

#endif
