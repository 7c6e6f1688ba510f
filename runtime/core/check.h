#ifndef CORO_CORE_CHECK_H
#define CORO_CORE_CHECK_H
/*
 * check.h - what coro_check() is made of: each module verifies what it promises.
 *
 * In two rounds. The first walks all lists, and counts whatever it meets there: an entry for each list
 * that it is on, an object for each reference to it. The second compares these counts with what the
 * objects say of themselves.
 *
 *     round 1   core, loop, task, sync      CORO__HOLDS(...), coro__count(...)
 *     round 2   core, task, loop            CORO__HOLDS(... coro__counted(...) ...)
 *
 * Counts stand in a table beside the objects, so that these need no room for them. Without memory for
 * the table only the first round is made.
 */
#include "core.h"

/* What is counted: one thing may be counted for several reasons. */
enum coro__counted {
	CORO__REFERENCES, /* to a future, an exception, a loop, a watch */
	CORO__LISTED,     /* an entry, on a list of entries; a body, on its thread's list */
	CORO__ROWS,       /* objects with this row */
};

/* False: there is no memory. The counts are 0. */
bool coro__count_begin(void);
/* One more; *ret_first: it was 0. */
void coro__count(enum coro__counted what, uintptr_t thing);
uint32_t coro__counted(enum coro__counted what, uintptr_t thing);
/* There was room for all. */
bool coro__counted_all(void);
/* The thread ends. */
void coro__count_done(void);

/* Ends the program: about `object` it does not hold that `invariant`. */
void coro__broken(const struct coro_object *object, const char *invariant)
	__attribute__((noreturn, cold));
#define CORO__HOLDS(condition, object, invariant)                                                  \
	do {                                                                                           \
		if (CORO__UNLIKELY(!(condition)))                                                          \
			coro__broken((object), (invariant));                                                   \
	} while (0)

/* What is true of every object that is alive; counts its row. */
void coro__check_object(const struct coro_object *object);

/* A reference to an exception, or to none. */
struct coro_exception;
void coro__check_exception(const struct coro_exception *exception);
/* The same of a value, which may be anything. */
void coro__check_value(coro_value value);
/* Exceptions have as many references as were counted, or more: the program's are not known. */
void coro__check_exceptions(void);

/* The two rounds of each folder. What it returns: how many objects there were. */
size_t coro__core_check(void);
void coro__core_check_counts(void);
size_t coro__loop_check(void);
void coro__loop_check_counts(void);
size_t coro__task_check(void);
void coro__task_check_counts(void);
size_t coro__sync_check(void);

#endif
