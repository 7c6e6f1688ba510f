#ifndef TRACER_FILE_BEHIND_H
#define TRACER_FILE_BEHIND_H
/*
 * behind.h - events become a chunk, and the chunk is written, behind the back of who appends.
 *
 *     who appends      | rows | rows | rows | ...
 *                          \      \
 *     this thread           columns, zstd, pwrite
 *
 * One chunk at a time. Its rows are in the cache, pinned: they are read there meanwhile, and nobody
 * changes them. All other chunks wait until this one has its place in the file, so that the order of
 * the file is the order in which things were handed over.
 */
#include <pthread.h>
#include "chunk.h"

struct cached;
struct trace;

struct behind {
	pthread_t thread;
	pthread_cond_t changed; /* any of what follows; under the trace's lock */
	bool runs;              /* there is a thread, and a condition */
	bool stop;              /* it shall end */
	struct cached *cached;  /* whose rows are to become a chunk; NULL: it has nothing to do */
	bool tried;             /* that failed for want of memory: who waits tries himself */
	uint32_t from;          /* the first of these rows that is in no chunk yet */
	/* The thread's own, while it works. */
	struct chunk chunk;
	struct chunk_codec codec;
	struct bytes payload;
};

/* Hands over the open rows, of which there are some that are not written; the trace goes on with empty
 * ones. Nothing is under way. 0, or -errno: then they are still open. */
int trace__behind_hand_over(struct trace *trace);
/* Waits until nothing is under way. 0, or -ENOMEM: it could not be made a chunk, and is still to be. */
int trace__behind_wait(struct trace *trace);
/* Ends the thread. Nothing is under way. */
void trace__behind_done(struct trace *trace);

#endif
