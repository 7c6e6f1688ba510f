/*
 * lttng_events.c - a module with LTTng-UST's two events, loaded when they are measured and not
 * before: its library starts threads in whatever process it is loaded into.
 */
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "lttng_events.h"

#include <stdbool.h>

__attribute__((visibility("default"))) void bench_lttng_emit(uint64_t count);
__attribute__((visibility("default"))) bool bench_lttng_enabled(void);

void bench_lttng_emit(uint64_t count)
{
	for (uint64_t i = 0; i < count; i += 2) {
		lttng_ust_tracepoint(coroscope_bench, resume, 7, 0, 0x1234);
		lttng_ust_tracepoint(coroscope_bench, yield, 7, 0, 0x1234, (int64_t)(i & 0xffff));
	}
}

bool bench_lttng_enabled(void)
{
	return lttng_ust_tracepoint_enabled(coroscope_bench, yield);
}
