#ifndef TESTS_UNIT_SIMULATOR_H
#define TESTS_UNIT_SIMULATOR_H
/*
 * simulator.h - a program that is not there: it makes up events as a real one would emit them.
 *
 * It knows by itself who runs, who delegates to whom and who is ready, so that a World can be
 * compared with it after each event.
 */
#include <stdbool.h>
#include <tracer/event.h>

enum { SIMULATED_MOST = 256, SIMULATED_DEEPEST = 32 };

struct simulated {
	uint64_t serial;
	uint8_t kind, state;
	uint32_t cseq;
	uint64_t delegate;  /* while delegating */
	uint64_t delegator; /* who delegates to it */
	uint64_t coroutine; /* task */
	uint64_t task;      /* coroutine: of this task */
	uint64_t future;    /* task: awaited */
	bool gone;
};

struct simulator {
	uint64_t random;
	uint64_t n;
	int64_t t;
	struct simulated objects[SIMULATED_MOST + 1]; /* by serial */
	uint64_t count;
	/* Who resumed whom: the last has control. */
	uint64_t control[SIMULATED_DEEPEST];
	unsigned depth;
	uint64_t finished;              /* a delegate that has just finished; 0: none */
	uint64_t started;               /* a body that has just begun to delegate; 0: none */
	uint64_t ready[SIMULATED_MOST]; /* tasks, in order */
	unsigned ready_count;
	struct trace_event event; /* the last one */
};

void simulator_init(struct simulator *simulator, uint64_t seed);
/* Makes the next event. */
const struct trace_event *simulator_next(struct simulator *simulator);

/* One event about object `co`, with its cseq and states right. */
const struct trace_event *simulator_emit(struct simulator *simulator, unsigned kind, uint64_t co,
										 unsigned next, uint64_t peer);
/* A new object of a kind, in state NONE, for simulator_emit(). */
uint64_t simulator_object(struct simulator *simulator, unsigned kind);
/* A number below `limit`. */
unsigned simulator_random(struct simulator *simulator, unsigned limit);

/* Who has control: a body or a task; 0: main or the loop. */
uint64_t simulator_running(const struct simulator *simulator);
/* What a body's state is to be shown as. */
unsigned simulator_state(const struct simulator *simulator, uint64_t serial);

#endif
