/*
 * strings.c - the string arena: names, creation sites, types. Append-only.
 *
 *     0         64                                            ready      STR_BYTES
 *     ┌─────────┬──────────────┬──────────────┬───┬───────────┬─ ─ ─ ─ ─ ─┐
 *     │ header  │ record 1     │ record 2     │   │ no record │ no blocks │
 *     │ count=2 │ len hash ... │ len hash ... │   │ yet       │ yet       │
 *     └─────────┴──────────────┴──────────────┴───┴───────────┴─ ─ ─ ─ ─ ─┘
 *
 * A record is written, then `bytes`, then `count` by a release store; none is ever
 * rewritten. So an id that a reader has seen in a committed slot is below `count`: the
 * string was published before the slot.
 *
 * The probe finds known strings through a table in private memory, and compares with a
 * private copy: what others may scribble into the arena does not change an id.
 */
#include <string.h>
#include "private.h"

#define STR_BYTES    ((size_t)64 << 20)
#define STR_STEP     ((size_t)64 << 10) /* blocks are taken in pieces of this */
#define TABLE_SLOTS  (1u << 20)         /* a power of 2 */
#define STRING_LIMIT (TABLE_SLOTS / 4 * 3)
#define LENGTH_LIMIT 4095u

struct known {
	uint32_t hash;
	uint32_t id;     /* 0: free slot of the table */
	uint32_t offset; /* of the record, in the copy as in the arena */
};

/* All under the lock of the probe. */
static struct coro_str_header *arena; /* mapped, shared; NULL: none */
static size_t ready;                  /* bytes of the arena that have blocks */
static uint8_t *copy;                 /* private, the same bytes at the same offsets */
static struct known *table;
static uint32_t count;
static size_t used = sizeof(struct coro_str_header);
static uint64_t lost;

bool coro__strings_make(void)
{
	if (arena)
		return true;
	copy = copy ? copy : coro__reserve(STR_BYTES);
	table = table ? table : coro__reserve(TABLE_SLOTS * sizeof(*table));
	if (!copy || !table)
		return false;
	arena = coro__segment_file("str", STR_BYTES, STR_STEP);
	if (!arena)
		return false;
	ready = STR_STEP;
	arena->magic = CORO_STR_MAGIC;
	coro__store(&arena->bytes, used);
	return true;
}

static uint32_t hash_of(const char *string, uint32_t length)
{
	uint32_t hash = 2166136261u;

	for (uint32_t i = 0; i < length; i++)
		hash = (hash ^ (uint8_t)string[i]) * 16777619u;
	return hash;
}

static struct known *find(const char *string, uint32_t length, uint32_t hash)
{
	for (uint32_t i = hash * 2654435769u;; i++) {
		struct known *known = &table[i & (TABLE_SLOTS - 1)];
		uint32_t known_length;

		if (!known->id)
			return known;
		if (known->hash != hash)
			continue;
		memcpy(&known_length, copy + known->offset, sizeof(known_length));
		if (known_length == length && !memcmp(copy + known->offset + 8, string, length))
			return known;
	}
}

static bool grow(size_t needed)
{
	while (ready < needed) {
		if (ready + STR_STEP > STR_BYTES || !coro__segment_grow("str", ready, STR_STEP))
			return false;
		CORO__TEST_POINT("string blocks");
		ready += STR_STEP;
	}
	return true;
}

static uint32_t append(struct known *known, const char *string, uint32_t length, uint32_t hash)
{
	size_t record = (8u + length + 7) & ~(size_t)7;

	if (count >= STRING_LIMIT || !grow(used + record)) {
		coro__store(&arena->lost, ++lost);
		return 0;
	}
	memcpy(copy + used, &length, sizeof(length));
	memcpy(copy + used + 4, &hash, sizeof(hash));
	memcpy(copy + used + 8, string, length);
	memcpy((uint8_t *)arena + used, copy + used, record);
	CORO__TEST_POINT("string record");
	*known = (struct known){.hash = hash, .id = ++count, .offset = (uint32_t)used};
	used += record;
	coro__store_release(&arena->bytes, used);
	CORO__TEST_POINT("string bytes");
	coro__store_release(&arena->count, count);
	CORO__TEST_POINT("string count");
	return count;
}

uint32_t coro__string(const char *string)
{
	uint32_t id = 0;

	if (!string)
		return 0;

	uint32_t length = (uint32_t)strnlen(string, LENGTH_LIMIT);
	uint32_t hash = hash_of(string, length);
	bool locked = coro__probe_lock();

	if (arena) {
		struct known *known = find(string, length, hash);

		id = known->id ? known->id : append(known, string, length, hash);
	}
	coro__probe_unlock(locked);
	return id;
}
