/* rules.c - how to go to the caller from an address; see rules.h. */
#include "rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct rule *place_of(struct rule *table, size_t room, uint64_t address)
{
	size_t at = (size_t)(address * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (room - 1);

	while (table[at].state != 0 && table[at].address != address)
		at = (at + 1) & (room - 1);
	return &table[at];
}

const struct rule *rules_find(const struct rules *rules, uint64_t address)
{
	const struct rule *rule;

	if (rules->room == 0)
		return NULL;
	rule = place_of(rules->table, rules->room, address);
	return rule->state != 0 ? rule : NULL;
}

void *rules_state(const struct rules *rules, const struct rule *rule)
{
	return rules->states + rule->state * rules->state_size;
}

static int grow(struct rules *rules, size_t size)
{
	size_t room = rules->room ? rules->room * 2 : 256;
	struct rule *table;
	/* One for each place that may be taken, and the one that is not used. */
	uint8_t *states = reallocarray(rules->states, room / 2 + 1, size);

	if (!states)
		return -ENOMEM;
	rules->states = states;
	rules->state_size = size;
	table = calloc(room, sizeof *table);
	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < rules->room; i++)
		if (rules->table[i].state != 0)
			*place_of(table, room, rules->table[i].address) = rules->table[i];
	free(rules->table);
	rules->table = table;
	rules->room = room;
	return 0;
}

int rules_add(struct rules *rules, uint64_t address, bool signal_frame, const void *state,
			  size_t size)
{
	struct rule *rule;

	if (rules->count == RULES_MOST)
		return -ENOSPC;
	if (rules->count == rules->room / 2 && grow(rules, size) < 0)
		return -ENOMEM;
	rule = place_of(rules->table, rules->room, address);
	*rule = (struct rule){
		.address = address,
		.state = (uint32_t)++rules->count,
		.signal_frame = signal_frame,
	};
	memcpy(rules_state(rules, rule), state, size);
	return 0;
}

void rules_done(struct rules *rules)
{
	free(rules->table);
	free(rules->states);
	*rules = (struct rules){0};
}
