#ifndef COROSCOPE_DEBUG_H
#define COROSCOPE_DEBUG_H
/*
 * debug.h - looking at a program that is stuck, and at a runtime that is suspected.
 *
 *     coro_dump(2)            what there is, and what it waits for
 *     coro_check()            ends the program if what there is contradicts itself
 *     coro_census()           how much there is: at a program's end, nothing
 *
 * All look at the calling thread: its loops, and what its bodies and tasks are. None of them changes
 * anything, emits an event, or needs the debugger.
 *
 * A dump has a line for each body and each task, in the order of their creation:
 *
 *     coroutine worker #9: suspended, created at server.c:40
 *     task 'reader' #10: suspended, awaits queue_get of queue 'jobs' #7, created at server.c:41
 *
 * The check walks all objects of the thread, and compares what is said of them in different places:
 * links in both directions, states and the lists that go with them, counts, references and those who
 * hold them, the heap of timers, chains of delegation, rows, stacks, the exceptions that are kept. It
 * costs as much as there are objects. A runtime that was built with -Dchecks=enabled, or for
 * debugging, checks itself at the beginning of each turn of a loop, or, when there are very many
 * objects, as often as costs no more than running the turns.
 *
 * Beyond Python: there gc.get_objects() and the debug builds of CPython come near.
 */
#include <stddef.h>
#include "value.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Ends the program with a message that names the object and what does not hold:
 *     coroscope: coro_check: task 'reader' #10, created at server.c:41: a task that is ready stands in
 *     the ready queue
 * Between any two calls of the runtime all of it holds. */
CORO_API void coro_check(void);

/* Writes the lines to descriptor `fd`. Async-signal-safe: allocates nothing, takes no lock, and gets
 * by with what it finds when it interrupts the runtime itself. */
CORO_API void coro_dump(int fd);

/* From now on the signal (SIGQUIT, say) makes whatever thread it comes to write a dump to standard
 * error, and go on. 0, or -1 with errno. */
CORO_API int coro_dump_on_signal(int number);

/* What is alive. */
struct coro_census {
	size_t objects;          /* of this thread: bodies, tasks, futures, callbacks, locks ... */
	size_t bodies;           /* those of them that are generators and coroutines */
	size_t stacks_used;      /* by its bodies */
	size_t stacks_pooled;    /* for its next bodies */
	size_t stacks_unguarded; /* without a guard: the system has no more of them */
	size_t exceptions;       /* of all threads; the last ones that were made or delivered count too */
};

/* Counts them. */
CORO_API struct coro_census coro_census(void);

#ifdef __cplusplus
}
#endif
#endif
