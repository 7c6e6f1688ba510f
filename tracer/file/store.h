#ifndef TRACER_FILE_STORE_H
#define TRACER_FILE_STORE_H
/*
 * store.h - a trace, from inside.
 *
 *                      append ------+
 *                                   v
 *     events   [ closed chunks    | open rows              ]
 *                in the file      |  written   | not yet
 *                 |   (cache)     |  as chunks | (flush)
 *                 v
 *     index    [ chunk 0 | chunk 1 | ... ]   all types, in the order of the file
 *
 * The open rows stay in memory until there are 64 Ki of them, even those that a
 * flush has written, so that the end of a live trace is read without decoding. When a
 * chunk cannot be written, it is kept in memory, at the offset that it would have had, and
 * `error` says why; nothing more is taken then.
 *
 * Files: chunk.c frames, columns.c and rows.c hold events, tables.c the small tables,
 * output.c the program's output, stacks.c and stacks_of.c stacks, presence.c objects that were there before, index.c the chunks,
 * writer.c appends, behind.c writes chunks of events, reader.c opens, resume.c goes on, trace.c answers.
 */
#include <pthread.h>
#include <tracer/trace.h>
#include "behind.h"
#include "bindings.h"
#include "chunk.h"
#include "output.h"
#include "presence.h"
#include "rows.h"
#include "stacks.h"
#include "tables.h"

/* Where events are: one entry for each EVENTS chunk, ascending. */
struct event_range {
	uint64_t first;
	uint32_t count;
	uint32_t chunk;
};

/* One entry for each whole checkpoint, ascending. */
struct checkpoint_range {
	uint64_t n;
	uint32_t chunk; /* of the first part */
	uint32_t parts;
};

struct index {
	struct chunk *chunks; /* owned */
	uint32_t count, room;
	struct event_range *events; /* owned */
	uint32_t event_count, event_room;
	struct checkpoint_range *checkpoints; /* owned */
	uint32_t checkpoint_count, checkpoint_room;
	struct stack_range *stacks; /* owned; in the order of the file */
	uint32_t stack_count, stack_room;
	uint64_t last_event;
	uint64_t missing; /* chunks that seq says are missing, since the last EVENTS */
};

/* A decoded chunk. */
struct cached {
	struct rows rows;
	uint64_t used; /* when it was used last: the one with the least goes first */
	bool pinned;   /* they become a chunk: see behind.h */
};
#define CACHE_SLOTS 64
#define CACHE_ROWS (4u * CHUNK_EVENTS_MAX) /* in all slots together, or one slot */

/* The last event of a ring that was in a file which is gone on with. */
struct resumed {
	uint64_t index;
	uint64_t n; /* 0: there was none */
};

struct trace {
	struct trace_meta meta; /* set before anybody else has the trace, and then constant */
	pthread_mutex_t lock;   /* over all that follows */
	bool ended;             /* the program's end is in the trace */
	int status;             /* as from waitpid; valid if ended */
	char *path; /* owned; NULL: an unlinked file of its own */
	int fd;
	bool recording; /* made by trace_create(), or gone on with by trace_resume() */
	int error;      /* recording: why no more can be written, -errno; 0: can */

	struct chunk_codec codec;
	struct index index;
	uint64_t end;     /* where the next chunk goes; reading: where the last one ends */
	uint64_t written; /* bytes of the file that are valid; less than `end` after an error */
	uint64_t torn;    /* bytes that could not be read */
	uint32_t sealed;  /* index.count when the last END was made: nothing is new since */

	struct bindings bindings;
	struct rows open;
	uint32_t open_written; /* rows of `open` that are in chunks */
	struct cached cache[CACHE_SLOTS];
	uint32_t cached_rows;
	struct rows spare; /* room of a chunk that was forgotten, for the next one: no rows in it */
	struct behind behind;
	struct rows *last; /* where the last event was found; NULL: nowhere */
	uint64_t clock;    /* ticks of the cache: raised by each use */

	struct resumed *resumed; /* owned, by ring; NULL: was not resumed */

	struct tables tables;
	struct output output;
	struct presence presence;
	struct stacks stacks;
	struct bytes payload; /* scratch: what was read, or is to be written */
};

/* ---- index.c ----------------------------------------------------------- */

void trace__index_done(struct index *index);
/* Adds the next chunk, which has its offset. 0 or -ENOMEM. */
int trace__index_add(struct index *index, const struct chunk *chunk);
/* The range of events that has number n; NULL: none. */
const struct event_range *trace__index_event(const struct index *index, uint64_t n);
/* Payload of an INDEX chunk over all chunks so far. 0 or -ENOMEM. */
int trace__index_encode(const struct index *index, struct bytes *ret);
/* The chunks that an INDEX names; `offset` is where it lies. 0, -EBADMSG or -ENOMEM. */
int trace__index_decode(const struct bytes *payload, uint32_t count, uint64_t offset,
						struct index *ret);
/* Whether a chunk may come after those that are known, `skipped` damaged bytes behind them. */
bool trace__index_follows(const struct index *index, const struct chunk *chunk, uint64_t skipped);

/* ---- trace.c ----------------------------------------------------------- */

/* An empty one; NULL: out of memory. */
struct trace *trace__new(void);
/* Puts rows into the cache, which takes them. */
struct cached *trace__cache(struct trace *trace, struct rows *rows);
/* Empty rows, with the room that is to spare. */
struct rows trace__take_spare(struct trace *trace);
uint64_t trace__count(const struct trace *trace);

/* ---- writer.c ---------------------------------------------------------- */

/* Gives a chunk its place, behind the last one. */
void trace__chunk_begin(const struct trace *trace, struct chunk *chunk);
/* Writes it there. After an error, what may stand there is cut off again; if even that fails, a reader
 * does it. 0 or -errno, which is not -ENOMEM. */
int trace__write_out(struct trace *trace, uint64_t offset, const uint8_t *bytes, size_t size);
/* It is part of the trace from now on: in the file, or in memory if it could not be written, which
 * `error` says, and then trace->error. Returns that, or -ENOMEM: it is not. */
int trace__chunk_keep(struct trace *trace, struct chunk *chunk, const uint8_t *bytes, size_t size,
					  int error);
/* A STACK that a ring gave, `after` an event. 0 or -ENOMEM. (stacks_of.c) */
int trace__add_stack(struct trace *trace, uint32_t ring, const struct coro_trace_slot *slot,
					 uint64_t after);
/* The stacks that are open become a chunk. 0, -ENOMEM or trace->error. */
int trace__write_stacks(struct trace *trace);
/* What trace_free() still has to write: what is open, and an end. */
void trace__seal(struct trace *trace);

/* An empty file that has no name. 0 and the descriptor, or -errno. (place.c) */
int trace__own_file(void);

#endif
