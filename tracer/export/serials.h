#ifndef EXPORT_SERIALS_H
#define EXPORT_SERIALS_H
/*
 * serials.h - from a 64-bit key, such as an object's serial, to a number.
 *
 * It holds SERIALS_MOST keys at most, so that a trace that never lets go of anything cannot
 * fill the memory. The hash is seeded: keys come from files, and nobody can choose keys that
 * collide.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SERIALS_MOST (1u << 20)

/* All zero is an empty one. */
struct serials {
	struct serials_entry *entry; /* owned; room of them */
	size_t room;                 /* 0 or a power of two */
	size_t count;
};

void serials_done(struct serials *serials);
void serials_clear(struct serials *serials);
/* Whether the key is there; then its number is in *ret (NULL: not wanted). */
bool serials_find(const struct serials *serials, uint64_t key, uint64_t *ret);
/* Sets the number of a key. false: it is full, or memory is out. */
bool serials_set(struct serials *serials, uint64_t key, uint64_t number);
/* Takes a key out: whether it was there. */
bool serials_take(struct serials *serials, uint64_t key, uint64_t *ret);

#endif
