#ifndef PROGRAMS_H
#define PROGRAMS_H
/*
 * programs.h - small programs that use all of the runtime, and go on when it has no memory.
 *
 * Each of them ends by itself whatever fails: who gets a MemoryError does without, and who gets NULL
 * too. What must hold nevertheless is checked: no lock is left held, nobody waits for ever, no item
 * is lost that was put.
 */

#include <coroscope/coro.h>
#include "faults.h"

struct program {
	const char *name;
	void (*run)(void);
};

/* The last one of each has no name. */
extern const struct program body_programs[], task_programs[], sync_programs[];

/* ---- What they share ---------------------------------------------------- */

#define check(condition)                                                                           \
	do {                                                                                           \
		if (!(condition))                                                                          \
			faults_wrong("%s:%d: %s", __FILE__, __LINE__, #condition);                             \
	} while (0)

/* Nothing but the want of memory has gone wrong. */
#define check_outcome(value) programs_check_outcome((value), __FILE__, __LINE__)
void programs_check_outcome(coro_value value, const char *file, int line);

bool no_memory(coro_value value);

/* A report handler. */
void ignore_report(enum coro_report_kind kind, const char *text, coro_value exception, void *data);

/* Runs a coroutine under a loop with virtual time, to its end. */
void run_main(coro_function *function);

/* Awaits what was spawned, if it was. */
coro_value join(struct coro_task *task);

#endif
