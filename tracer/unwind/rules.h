#ifndef TRACER_UNWIND_RULES_H
#define TRACER_UNWIND_RULES_H
/*
 * rules.h - how to go to the caller from an address, as libunwind has once found out.
 *
 * The same few addresses stand on nearly all stacks of a program. What libunwind makes of their call
 * frame information, a state of so many bytes, is kept here by address; see unw_reg_states_iterate(3).
 * It has such a cache itself, which changes the thread's signal mask twice for each frame.
 *
 * Zeroed it is empty. Nothing is taken out until all is.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RULES_MOST = 65536 };

struct rule {
	uint64_t address;
	uint32_t state;    /* which one; 0: this place of the table is free */
	bool signal_frame; /* what it leads to was interrupted, and did not call */
};

struct rules {
	struct rule *table; /* owned; open addressing */
	size_t room;        /* a power of two; 0: none yet */
	size_t count;       /* at most half of it */
	uint8_t *states;    /* owned; the first one is not used */
	size_t state_size;  /* of each, bytes */
};

/* It is time to take all out. */
static inline bool rules_is_full(const struct rules *rules)
{
	return rules->count > RULES_MOST / 2;
}
/* NULL: not known. Valid until the next rules_add(). */
const struct rule *rules_find(const struct rules *rules, uint64_t address);
/* The state of a rule. */
void *rules_state(const struct rules *rules, const struct rule *rule);
/* Adds one that is not there: all states have one size. 0; -ENOMEM; -ENOSPC: there are RULES_MOST. */
int rules_add(struct rules *rules, uint64_t address, bool signal_frame, const void *state,
              size_t size);
void rules_done(struct rules *rules);

#endif
