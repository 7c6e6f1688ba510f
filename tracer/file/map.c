/*
 * map.c - linear probing.
 *
 *     hash(key) --> [ k7 | k3 |    | k9 | ... ]
 *                     |    ^ taken: try the next one, until the key or a free slot
 */
#include "map.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

static uint64_t seed;
static pthread_once_t seed_once = PTHREAD_ONCE_INIT;

static void make_seed(void)
{
	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed))
		seed = (uint64_t)(uintptr_t)&seed;
}

static size_t slot_of(const struct map *map, uint64_t key)
{
	uint64_t hash = (key ^ seed) * UINT64_C(0x9e3779b97f4a7c15);
	size_t slot;

	hash = (hash ^ hash >> 32) * UINT64_C(0xd6e8feb86659fd93);
	slot = (hash ^ hash >> 29) & (map->room - 1);
	while (map->places[slot] && map->keys[slot] != key)
		slot = (slot + 1) & (map->room - 1);
	return slot;
}

void trace__map_done(struct map *map)
{
	free(map->keys);
	free(map->places);
	*map = (struct map){0};
}

uint32_t trace__map_find(const struct map *map, uint64_t key)
{
	if (!map->room)
		return MAP_NONE;
	return map->places[slot_of(map, key)] - 1; /* a free slot's 0 becomes MAP_NONE */
}

static int grow(struct map *map)
{
	struct map larger = {.room = map->room ? map->room * 2 : 64, .count = map->count};

	larger.keys = calloc(larger.room, sizeof(*larger.keys));
	larger.places = calloc(larger.room, sizeof(*larger.places));
	if (!larger.keys || !larger.places) {
		trace__map_done(&larger);
		return -ENOMEM;
	}
	for (size_t i = 0; i < map->room; i++) {
		if (map->places[i]) {
			size_t slot = slot_of(&larger, map->keys[i]);

			larger.keys[slot] = map->keys[i];
			larger.places[slot] = map->places[i];
		}
	}
	trace__map_done(map);
	*map = larger;
	return 0;
}

int trace__map_set(struct map *map, uint64_t key, uint32_t place)
{
	size_t slot;

	pthread_once(&seed_once, make_seed);
	if (map->count * 2 >= map->room) {
		int result = grow(map);

		if (result < 0)
			return result;
	}
	slot = slot_of(map, key);
	if (!map->places[slot])
		map->count++;
	map->keys[slot] = key;
	map->places[slot] = place + 1;
	return 0;
}
