/*
 * clock.c - ticks of the processor's counter, where it can be trusted.
 *
 * x86-64: the time stamp counter, if the processor says that it is invariant (it runs at
 * one rate, and through sleep states: Linux calls that constant_tsc and nonstop_tsc).
 * aarch64: the virtual counter. Elsewhere, and otherwise, CLOCK_MONOTONIC in ns.
 *
 * The rate of the x86 counter is not measured here: that would take milliseconds at the
 * start of every program. The beacon holds one reading of both clocks, and whoever reads
 * the segment takes a second one.
 */
#include <time.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif
#include "private.h"

bool coro__clock_ticks;

void coro__clock_init(void)
{
#if defined(__x86_64__)
	unsigned a, b, c, d;

	coro__clock_ticks = __get_cpuid(0x80000007, &a, &b, &c, &d) && (d & 1u << 8);
#endif
}

uint64_t coro__monotonic(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t coro__clock_slow(void)
{
	return coro__monotonic();
}

uint64_t coro__clock_hz(void)
{
#if defined(__aarch64__)
	uint64_t frequency;

	__asm__("mrs %0, cntfrq_el0" : "=r"(frequency));
	return frequency;
#else
	return coro__clock_ticks ? 0 : 1000000000u;
#endif
}
