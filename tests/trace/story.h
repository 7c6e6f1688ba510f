#ifndef TESTS_TRACE_STORY_H
#define TESTS_TRACE_STORY_H
/*
 * story.h - a trace that is told, event by event, as a program would have emitted it.
 *
 * A teller needs no program: it writes slots into a trace, keeps each row's sequence number
 * and state, and hands out rows whose serials are the same numbers. A story may be held
 * back: then its events are told later, one by one, as a live program's.
 */
#include <stdbool.h>
#include <stdint.h>
#include <tracer/trace.h>

#define STORY_MOST 256

struct story {
	struct trace *trace; /* owned until story_end() */
	uint64_t index;      /* of the next slot */
	uint64_t count;      /* events so far, held back or not */
	uint64_t told;       /* events that are in the trace */
	bool held;
	uint32_t rows; /* handed out so far */
	uint32_t strings;
	struct {
		uint32_t cseq;
		uint8_t state;
	} row[64];
	struct {
		uint64_t index;
		unsigned count, kind;
		struct coro_trace_slot slot[2];
	} event[STORY_MOST];
};

void story_begin(struct story *story, bool held);
/* A new object and its first event (CREATE, SPAWN, ...). Its row, which is its serial. */
uint32_t story_create(struct story *story, unsigned first_event, unsigned kind, unsigned state,
					  const char *name, uint32_t peer);
void story_event(struct story *story, unsigned kind, uint32_t row, unsigned next, uint32_t peer);
/* Tells the next event that is held back; returns its kind, 0 at the end. */
unsigned story_tell(struct story *story);
/* The finished trace, which is the caller's. */
struct trace *story_end(struct story *story);

/* Two generators, one delegating to the other, driven by main:
 *
 *     1 create general   5 next internal      9 undelegate general
 *     2 next general     6 yield internal    10 yield general
 *     3 create internal  7 send internal     11 send general
 *     4 delegate general 8 return internal   12 return general
 *                                            13 destroy internal, 14 destroy general
 */
void story_of_general(struct story *story);

/* A loop with two tasks: main awaits worker, and worker sleeps on a future from one turn to
 * the next. The numbers of the events that matter are noted. */
struct tasks {
	uint32_t loop, amain, main_task, work, worker_task, future;
	uint64_t turn[2], main_step[2], main_next[2], main_await, main_done, worker_step[2],
		work_next[2], work_yield, worker_await, future_set, worker_done;
};
struct tasks story_of_tasks(struct story *story);

#endif
