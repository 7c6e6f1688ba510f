#ifndef CORO_FAULT_H
#define CORO_FAULT_H
/*
 * fault.h - memory that could be had, and is refused: for tests.
 *
 * Most objects come out of pools, which seldom ask the C library. So that a test can let any taking
 * of memory fail, the pools ask here first. In a library that is built without CORO_FAULTS nothing
 * is refused, and nothing asked.
 */
#include <stdbool.h>

#ifdef CORO_FAULTS
enum { CORO__MAY_REFUSE = 1 };
bool coro__refused(void); /* the test's */
#else
enum { CORO__MAY_REFUSE = 0 };
static inline bool coro__refused(void)
{
	return false;
}
#endif

#endif
