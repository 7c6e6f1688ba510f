/*
 * serials.c - linear probing, and taking out without leaving a mark.
 *
 *     [ k7 | k3 | k9 |    ]     k3 goes:  k9, which would stand where k3 stood if it could,
 *     [ k7 | k9 |    |    ]     moves there, and so on up to a free slot
 */
#include "serials.h"
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct serials_entry {
	uint64_t key, number;
	bool used;
};

static uint64_t seed;

static size_t home(const struct serials *serials, uint64_t key)
{
	uint64_t hash = (key ^ seed) * UINT64_C(0x9e3779b97f4a7c15);

	hash = (hash ^ hash >> 32) * UINT64_C(0xd6e8feb86659fd93);
	return (hash ^ hash >> 29) & (serials->room - 1);
}

/* The slot of a key, or the free one where it would stand. */
static size_t slot_of(const struct serials *serials, uint64_t key)
{
	size_t slot = home(serials, key);

	while (serials->entry[slot].used && serials->entry[slot].key != key)
		slot = (slot + 1) & (serials->room - 1);
	return slot;
}

void serials_done(struct serials *serials)
{
	free(serials->entry);
	*serials = (struct serials){0};
}

void serials_clear(struct serials *serials)
{
	if (serials->room)
		memset(serials->entry, 0, serials->room * sizeof(*serials->entry));
	serials->count = 0;
}

bool serials_find(const struct serials *serials, uint64_t key, uint64_t *ret)
{
	const struct serials_entry *entry;

	if (!serials->room)
		return false;
	entry = &serials->entry[slot_of(serials, key)];
	if (entry->used && ret)
		*ret = entry->number;
	return entry->used;
}

static bool grow(struct serials *serials)
{
	struct serials larger = {.room = serials->room ? serials->room * 2 : 64};

	while (!seed)
		if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed))
			seed = (uint64_t)(uintptr_t)&seed;
	larger.entry = calloc(larger.room, sizeof(*larger.entry));
	if (!larger.entry)
		return false;
	larger.count = serials->count;
	for (size_t i = 0; i < serials->room; i++)
		if (serials->entry[i].used)
			larger.entry[slot_of(&larger, serials->entry[i].key)] = serials->entry[i];
	serials_done(serials);
	*serials = larger;
	return true;
}

bool serials_set(struct serials *serials, uint64_t key, uint64_t number)
{
	struct serials_entry *entry;

	if (serials->count * 2 >= serials->room && (serials->count >= SERIALS_MOST || !grow(serials)) &&
		!serials_find(serials, key, NULL))
		return false;
	entry = &serials->entry[slot_of(serials, key)];
	serials->count += !entry->used;
	*entry = (struct serials_entry){.key = key, .number = number, .used = true};
	return true;
}

bool serials_take(struct serials *serials, uint64_t key, uint64_t *ret)
{
	size_t mask = serials->room - 1, free_slot, slot;

	if (!serials->room || !serials->entry[free_slot = slot_of(serials, key)].used)
		return false;
	if (ret)
		*ret = serials->entry[free_slot].number;
	for (slot = (free_slot + 1) & mask; serials->entry[slot].used; slot = (slot + 1) & mask) {
		/* It may move back if that is not before its home. */
		if (((slot - home(serials, serials->entry[slot].key)) & mask) >=
			((slot - free_slot) & mask)) {
			serials->entry[free_slot] = serials->entry[slot];
			free_slot = slot;
		}
	}
	serials->entry[free_slot].used = false;
	serials->count--;
	return true;
}
