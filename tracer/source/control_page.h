#ifndef TRACER_CONTROL_PAGE_H
#define TRACER_CONTROL_PAGE_H
/*
 * control_page.h - the one file of a segment that both sides write.
 */
#include <stdbool.h>
#include <stdint.h>
#include <coroscope/trace_abi.h>

struct live;

int control_page_open(struct live *live);
void control_page_close(struct live *live);
/* How many rings the program says it has made. */
uint32_t control_page_rings(struct live *live);
/* Raises ctl.baseline; its new value. */
int control_page_ask(struct live *live, uint32_t *ret);
/* ctl.thread[i]; 0: nobody. */
uint32_t control_page_thread(struct live *live, unsigned i);
/* What is wanted of stacks: enum coro_stacks, and the budget. */
int control_page_set_stacks(struct live *live, uint32_t stacks, uint64_t budget);
/* Copies ctl.thread; all 0, nobody, when that cannot be read. */
void control_page_threads(struct live *live, uint32_t ret[CORO_THREADS]);
/* All who sleep at the gate look again. */
void control_page_wake_gate(struct live *live);
/* The next index of a ring that will be read; wakes a writer that waits for room. */
void control_page_set_tail(struct live *live, unsigned ring, uint64_t next);
/* Whether that is what it says, and the lease is ours there; true as well when there is no lease. */
bool control_page_has_tail(struct live *live, unsigned ring, uint64_t next);

#endif
