#ifndef BENCH_SUBJECT_H
#define BENCH_SUBJECT_H
/*
 * subject.h - what is measured: ours and its peers, each with the same operations.
 *
 * An operation does its work `count` times, with as little around it as can be. What must be
 * there before (stacks, contexts) is made on the first call and kept.
 */
#include <stdbool.h>
#include <stdint.h>

typedef void operation(uint64_t count);

/* Bytes of each stack, for all. */
#define STACK_BYTES (64 * 1024)

/* The operations of one library; NULL: it has none of that kind. */
struct subject {
	const char *name;
	bool (*ready)(void);            /* whether it works here; NULL: it does */
	operation *resume_yield;        /* resume a coroutine, which yields a number */
	operation *resume_yield_deep;   /* the same, through 100 delegations */
	operation *create_destroy;      /* make one, run it to its end, free it */
	operation *task_switch_2;       /* from one of 2 tasks to the next, through a ready queue */
	operation *task_switch_100;     /* of 100 */
	operation *spawn_join;          /* spawn a task, which returns at once; wait for it; free it */
	operation *queue_1;             /* a message from task to task, one at a time */
	operation *queue_128;           /* the same through a queue that holds 128 */
	operation *channel_0;           /* a message from task to task, through an unbuffered channel */
	operation *channel_128;         /* through one that holds 128 */
	operation *event_untraced;      /* an event that nobody wants to see */
	operation *event_switch_clock;  /* a traced one; one in four reads the clock */
	operation *event_full_clock;    /* a traced one that reads the clock */
	operation *stack_copy_500;      /* a stack of 504 bytes is kept for a recorder */
	operation *clock;               /* a reading of the clock: what cannot be saved */
	operation *quarter_clock;       /* ... at one operation in four */
};

extern const struct subject subject_coroscope;
extern const struct subject subject_ucontext;
#ifdef HAVE_BOOST_CONTEXT
extern const struct subject subject_boost;
#endif
#ifdef HAVE_STATE_THREADS
extern const struct subject subject_state_threads;
#endif
#ifdef HAVE_LTTNG
extern const struct subject subject_lttng;
#endif
#ifdef HAVE_LUA
extern const struct subject subject_lua;
#endif

/* Keeps the compiler from dropping what is only computed. */
static inline void keep(uint64_t value)
{
	__asm__ volatile("" : : "r"(value) : "memory");
}

#endif
