#ifndef TRACER_FILE_MAP_H
#define TRACER_FILE_MAP_H
/*
 * map.h - from a 64-bit key to a place in an array.
 *
 * Open addressing, never more than half full, nothing is ever taken out. The keys come
 * from programs and files, so the hash is seeded: nobody can choose keys that collide.
 */
#include <stdint.h>
#include <stddef.h>

#define MAP_NONE UINT32_MAX

/* All zero is an empty one. */
struct map {
	uint64_t *keys;   /* owned; room of them */
	uint32_t *places; /* owned; place + 1, 0: the slot is free */
	size_t room;      /* 0 or a power of two */
	size_t count;
};

void trace__map_done(struct map *map);
/* The place of a key, or MAP_NONE. */
uint32_t trace__map_find(const struct map *map, uint64_t key);
/* Sets the place of a key, which replaces the one it had. 0 or -ENOMEM. */
int trace__map_set(struct map *map, uint64_t key, uint32_t place);

#endif
