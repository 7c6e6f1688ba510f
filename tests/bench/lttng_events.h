/*
 * lttng_events.h - the two events that LTTng-UST is measured with: what a resume and a yield
 * say, field for field. It is read several times, as LTTng's headers want it.
 */
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER coroscope_bench
#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "./lttng_events.h"

#if !defined BENCH_LTTNG_EVENTS_H || defined LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ
#define BENCH_LTTNG_EVENTS_H

#include <lttng/tracepoint.h>
#include <stdint.h>

/* clang-format off */
LTTNG_UST_TRACEPOINT_EVENT(coroscope_bench, resume,
	LTTNG_UST_TP_ARGS(uint32_t, row, uint32_t, peer, uint32_t, site),
	LTTNG_UST_TP_FIELDS(
		lttng_ust_field_integer(uint32_t, row, row)
		lttng_ust_field_integer(uint32_t, peer, peer)
		lttng_ust_field_integer(uint32_t, site, site)))
LTTNG_UST_TRACEPOINT_EVENT(coroscope_bench, yield,
	LTTNG_UST_TP_ARGS(uint32_t, row, uint32_t, peer, uint32_t, site, int64_t, value),
	LTTNG_UST_TP_FIELDS(
		lttng_ust_field_integer(uint32_t, row, row)
		lttng_ust_field_integer(uint32_t, peer, peer)
		lttng_ust_field_integer(uint32_t, site, site)
		lttng_ust_field_integer(int64_t, value, value)))
/* clang-format on */

#endif
#include <lttng/tracepoint-event.h>
