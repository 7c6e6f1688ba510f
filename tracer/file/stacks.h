#ifndef TRACER_FILE_STACKS_H
#define TRACER_FILE_STACKS_H
/*
 * stacks.h - the stacks of bodies that did not run: what is appended, and what was.
 *
 * A block is what one STACKS chunk holds: the one that is being filled, or one that was read. In it the
 * stacks of an object are a chain, and all but some of them say only what has changed since the one
 * before.
 */
#include <stdbool.h>
#include <tracer/bytes.h>
#include <tracer/trace.h>
#include "chunk.h"
#include "map.h"

/* What an entry of the file holds. Its numbers are those of the format. */
enum stack_what {
	STACK_WHOLE,
	STACK_CHANGES,
	STACK_LARGE,
	STACK_BUDGET,
	STACK_FULL,
	STACK_LOST,
	STACK_WHATS,
};

struct stack_entry {
	uint64_t serial, after;
	uint32_t cseq;
	uint32_t length;   /* bytes of the stack */
	uint32_t body;     /* where it begins in the payload */
	uint32_t size;     /* of it */
	uint32_t previous; /* the entry of this object before it, + 1; 0: none */
	uint32_t jump;     /* one far before it, + 1, so that any is found in few jumps; 0: none */
	uint32_t number;   /* of this object's, from 1 */
	uint64_t sp;       /* valid if it has bytes */
	uint8_t what;      /* enum stack_what */
};

/* Of an object in a block. */
struct stack_chain {
	uint32_t last; /* its last entry */
	uint32_t base; /* its last entry that has bytes, + 1; 0: none */
	/* While the block is filled: the bytes of that. */
	size_t kept, room; /* place and size in block->kept */
	unsigned depth;    /* so many entries lie between it and a whole one */
};

struct stack_block {
	struct bytes payload;
	struct stack_entry *entries; /* owned */
	uint32_t count, room;
	struct map chain_of;        /* from serials */
	struct stack_chain *chains; /* owned */
	uint32_t chain_count, chain_room;
	uint64_t least;    /* `after` of the entry with the least */
	uint32_t chunk;    /* that it was read from; of the one that is being filled nothing */
	uint64_t used;     /* when it was used last */
	struct bytes kept; /* while it is filled */
};

#define STACK_BLOCKS 8 /* that are kept */

/* Where stacks are: one entry for each STACKS chunk, in the order of the file. */
struct stack_range {
	uint64_t least, most; /* `after` of its entries */
	uint32_t chunk;
};

struct stacks {
	trace_stack_source *source; /* NULL: whatever STACKs there are, they are lost */
	void *context;
	uint64_t last[CORO_RINGS]; /* by ring: number of the last event; 0: none */
	struct stack_block open;
	struct stack_block cache[STACK_BLOCKS]; /* those without entries are free */
	uint64_t clock;
};

void trace__stacks_done(struct stacks *stacks);

/* ---- Writing ----------------------------------------------------------- */

/* One more of such a length would perhaps not fit into the same chunk. */
bool trace__stacks_is_full(const struct stacks *stacks, size_t length);
/* The body did not run from event `after` on. `bytes` is NULL if `what` says why there are none. 0 or
 * -ENOMEM. */
int trace__stacks_add(struct stacks *stacks, const struct stack_entry *entry, const uint8_t *bytes);
/* The open block was written as this chunk: another one begins. */
void trace__stacks_close(struct stacks *stacks, uint32_t chunk);

/* ---- Reading ----------------------------------------------------------- */

/* The kept block of a chunk; NULL: none. */
struct stack_block *trace__stacks_block(struct stacks *stacks, uint32_t chunk);
/* Keeps what a chunk holds: its entries, each `after` in [least, most]. 0, -EBADMSG or -ENOMEM. */
int trace__stacks_load(struct stacks *stacks, const struct stack_range *range,
					   const struct bytes *payload, uint32_t count, struct stack_block **ret);
/* The last entry of an object with `after` at most n, or, if `first`, the first with `after` at least
 * n; NULL: none. */
const struct stack_entry *trace__stacks_find(const struct stack_block *block, uint64_t serial,
											 uint64_t n, bool first);
/* Its bytes, into entry->length of them. 0 or -EBADMSG. */
int trace__stacks_bytes(const struct stack_block *block, const struct stack_entry *entry,
						uint8_t *ret);

#endif
