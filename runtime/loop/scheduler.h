#ifndef CORO_LOOP_SCHEDULER_H
#define CORO_LOOP_SCHEDULER_H
/*
 * scheduler.h - the inside of a loop, for the parts of the runtime that schedule.
 *
 * Everything that the loop runs is an *entry*: four words of a task, of a callback, of a
 * child of a gather. An entry is on one list at most, so a task never needs memory to
 * be woken:
 *
 *     entry of a task   callbacks of the future that it awaits -> ready queue -> (runs)
 *     entry of a timer  (in the heap)                          -> ready queue -> (runs)
 */
#include <coroscope/loop.h>
#include <coroscope/probe.h>
#include "../core/core.h"
#include "heap.h"

struct coro__entry {
	struct coro__entry *next; /* on exactly one of: ready queue, callbacks of a future; none */
	void (*run)(struct coro_loop *loop, struct coro__entry *entry);
};

/* Entries in their order. */
struct coro__entries {
	struct coro__entry *first;
	struct coro__entry **last; /* where the next one is linked */
};

static inline void coro__entries_init(struct coro__entries *entries)
{
	entries->first = NULL;
	entries->last = &entries->first;
}

static inline void coro__entries_add(struct coro__entries *entries, struct coro__entry *entry)
{
	entry->next = NULL;
	*entries->last = entry;
	entries->last = &entry->next;
}

static inline struct coro__entry *coro__entries_take(struct coro__entries *entries)
{
	struct coro__entry *entry = entries->first;

	entries->first = entry->next;
	if (!entries->first)
		entries->last = &entries->first;
	return entry;
}

/* Takes one out of the middle; false when it is not there. */
bool coro__entries_remove(struct coro__entries *entries, struct coro__entry *entry);

/* What a struct coro_handle names. */
struct coro__callback {
	struct coro__entry entry;
	struct coro__heap_node node; /* of a timer: in the heap until it is due */
	uint64_t serial;             /* the handle's; 0: free */
	struct coro_loop *loop;      /* borrowed */
	bool timer;                  /* has a row, and is in the heap */
	bool cancelled;              /* in the ready queue, to be skipped */
	struct coro_object object;   /* of a timer */
	struct coro_future *future;  /* what it belongs to: a reference, unless it is a callback of
									that future and it is pending; NULL: nothing */
	coro_function *function;     /* NULL: sets the future to None */
	coro_value argument;
	coro__context context; /* in which the function is called */
};

/* A descriptor that the selector watches. */
struct coro__descriptor {
	struct coro_object object;
	int fd;
	bool watched;                   /* the environment knows it */
	struct coro_future *waiters[2]; /* who waits to read, to write; NULL: nobody */
	char name[16];
};

struct coro_loop {
	struct coro_object object;
	struct coro__entries ready;
	size_t ready_count;
	size_t batch;              /* handles that this turn will still run */
	coro__context *callback_context; /* of the callback that runs; NULL: none does */
	struct coro__heap timers;

	bool running;
	bool stopping;        /* to return after this turn */
	coro_value interrupt; /* SystemExit or KeyboardInterrupt on its way out of run; else none */

	struct coro_environment *environment; /* owned */
	int64_t origin;                       /* environment's time at the beginning */
	uint64_t turns;
	uint64_t checked; /* the turn at which coro_check() is called next, in builds that do */
	coro_turn_observer observer;
	void *observer_context;

	double slow; /* seconds of loop time from which on a handle is reported */
	bool timed;  /* ... if any is */
	bool eager;  /* tasks begin when they are spawned */
	bool running_hooks; /* the thread has the loop's hooks, and `hooks` are the thread's */
	bool ending;        /* nothing that is dropped is closed by it any more */
	struct coro__hooks hooks; /* for async generators; the loop's own while it does not run */
	struct coro__live_generator *generators;   /* async generators that were iterated, in order */
	struct coro__live_generator *last_generator;

	struct coro__descriptor **descriptors; /* owned, by number; NULL: not known */
	int descriptor_room;
	size_t descriptor_waiters; /* futures of descriptors that are pending */

	struct coro_task *first_task, *last_task; /* all that are not freed, in creation order */
	struct coro_future *gathers;              /* all that are not freed */
	struct coro__watch *watches;              /* likewise */
	/* The name of the next task that is given none, "Task-N", and the place of its last digit. */
	char task_name[24];
	unsigned task_digit;
	uint64_t choices; /* of a select among several cases, so far */
	/* The owner's, and one for each future and task that is alive: it goes when it is 0. */
	size_t references;
};

/* The loops of this thread. */
struct coro__loops {
	struct coro_loop *running;
	struct coro_loop *first; /* the current one while none runs */
	uint64_t callback_serials; /* of all loops: what tells a struct coro_handle from another */
};
extern __thread struct coro__loops coro__loops __attribute__((tls_model("initial-exec")));

static inline struct coro_loop *coro__loop_current(void)
{
	return coro__loops.running ? coro__loops.running : coro__loops.first;
}

/* The current loop. Ends the program when there is none: `what`, called at `site`, needs one. */
void coro__loop_missing(const char *what, uintptr_t site) __attribute__((noreturn, cold));
static inline struct coro_loop *coro__loop_need(const char *what, uintptr_t site)
{
	struct coro_loop *loop = coro__loop_current();

	if (CORO__UNLIKELY(!loop))
		coro__loop_missing(what, site);
	return loop;
}

/* coro_loop_new(), from the place `call` in the program. */
struct coro_loop *coro__loop_new_at(const struct coro_loop_options *options, uintptr_t call);

/* coro_loop_cancel_all() and others, likewise. */
coro_value coro__loop_cancel_all_at(struct coro_loop *loop, uintptr_t call);
void coro__loop_free_at(struct coro_loop *loop, uintptr_t call);
void coro__loop_close_at(struct coro_loop *loop, uintptr_t call);
coro_value coro__loop_run_until_complete_at(struct coro_loop *loop, coro_value awaitable,
											uintptr_t call);
struct coro_handle coro__loop_call_now(struct coro_loop *loop, coro_function *function,
									   coro_value argument);
struct coro_handle coro__loop_call_when(struct coro_loop *loop, double when,
										coro_function *function, coro_value argument,
										uintptr_t call);
struct coro_handle coro__loop_call_after(struct coro_loop *loop, double delay,
										 coro_function *function, coro_value argument,
										 uintptr_t call);

static inline void coro__ready(struct coro_loop *loop, struct coro__entry *entry)
{
	coro__entries_add(&loop->ready, entry);
	loop->ready_count++;
}

/* Loop time in nanoseconds. */
static inline int64_t coro__loop_now(struct coro_loop *loop)
{
	return loop->environment->operations->now(loop->environment) - loop->origin;
}

static inline double coro__loop_time(struct coro_loop *loop)
{
	return (double)coro__loop_now(loop) / 1e9;
}

/* Seconds as nanoseconds, within what a deadline can be. */
int64_t coro__nanoseconds(double seconds);

/* Drops one of the loop's references; the last one frees it. */
static inline void coro__loop_release(struct coro_loop *loop)
{
	if (!--loop->references)
		coro__slot_give(CORO_OBJECT_LOOP, loop);
}

/* Nothing can ever happen again. */
bool coro__loop_stuck(const struct coro_loop *loop);

/* A callback that calls function(argument), or sets `future` to None unless it is done by then.
 * It is on no list yet. NULL when there is no memory. */
struct coro__callback *coro__callback_new(struct coro_loop *loop, struct coro_future *future,
										  coro_function *function, coro_value argument);

/* It will be called in this context, not in a copy of the one that was current when it was made. Both
 * may be NULL: nothing changes then. */
void coro__callback_enter(struct coro__callback *callback, struct coro_context *context);

/* Makes a timer of it: TIMER_SET. False when there is no memory: then it is freed. */
bool coro__timer_start(struct coro_loop *loop, struct coro__callback *callback, int64_t when,
					   uintptr_t site);

/* Calls it, and frees it. */
void coro__callback_run(struct coro_loop *loop, struct coro__entry *entry);

/* The loop, or the future whose callback it is, ends before the entry could run. */
void coro__entry_drop(struct coro_loop *loop, struct coro__entry *entry);

/* Takes it back, from the heap or the ready queue; it is freed now or when its turn comes. */
void coro__callback_cancel(struct coro_loop *loop, struct coro__callback *callback);

/* Puts the timers that are due at the end of the ready queue. */
void coro__timers_collect(struct coro_loop *loop);

/* Frees all handles, and forgets all descriptors: the loop ends. */
void coro__callbacks_done(struct coro_loop *loop);
void coro__descriptors_done(struct coro_loop *loop);

/* The environment says that the descriptor is ready. */
void coro__descriptor_ready(struct coro_loop *loop, int fd, unsigned directions);

/* What raises when nothing can happen: names who waits for what, and for whom. */
coro_value coro__loop_deadlock(struct coro_loop *loop);

/* The loop's hooks for async generators come into place, and back. */
void coro__loop_hooks_swap(struct coro_loop *loop);
/* Runs the loop until the generators that are left are closed. It does not run now. */
void coro__loop_close_generators(struct coro_loop *loop);
/* Forgets the generators. */
void coro__live_generators_done(struct coro_loop *loop);

/* coro_check(), at the beginning of a turn; not each time when there is very much to check. */
void coro__loop_check_turn(struct coro_loop *loop);

/* coro_check(): the list of entries ends where it says; each is counted as listed. How many there are. */
size_t coro__entries_check(const struct coro__entries *entries, const struct coro_object *owner);
void coro__live_generators_check(const struct coro_loop *loop);

/* Who acts, for events: the task that runs, else the body that runs, else the loop that runs,
 * else nobody (0). A task begins with its object. */
static inline uint32_t coro__actor_row(void)
{
	const struct coro_generator *body = coro__active.current;

	if (CORO__LIKELY(body != NULL)) {
		const struct coro_object *task = body->root->task;

		return task ? task->row : body->object.row;
	}
	return coro__loops.running ? coro__loops.running->object.row : 0;
}

#endif
