#ifndef TRACER_TRACE_H
#define TRACER_TRACE_H
/*
 * trace.h - a trace: all that is known of one run, live or recorded.
 *
 * A live session is a recording whose end is still being written. Both are a
 * struct trace: it is created empty and appended to by the recorder, or opened from
 * a .coro file; whoever looks at it cannot tell, and need not. Closed chunks lie in
 * the file, compressed; the open chunk is in memory; a few decoded chunks are cached.
 *
 * Events have numbers 1 .. trace_count(). Any may be asked for at any time.
 *
 * Threads: one thread may append while others read; every function takes the trace's
 * lock. Pointers that are handed out (strings, output bytes, sources) stay valid until
 * trace_free().
 *
 * The format is told in tracer/file/format.h.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "event.h"

struct trace;

/* Whose events they are: as its beacon has it. All zeros: not known. */
struct trace_emitter {
	uint64_t starttime;  /* of the process */
	uint8_t boot_id[16]; /* of the machine */
	uint64_t clock0;     /* ticks when its runtime was initialised */
};

/* What a trace says of the run as a whole, from its beginning on. Strings are owned by the trace. */
struct trace_meta {
	const char *program;   /* path as it was given */
	const char *arguments; /* the rest of the command line, blanks between; "" */
	uint32_t pid;
	uint32_t arch;         /* CORO_ARCH_* */
	uint64_t clock_hz;     /* ticks a second */
	uint64_t clock0;       /* ticks at t = 0 */
	uint64_t real0;        /* CLOCK_REALTIME at t = 0, ns */
	bool virtual_time;     /* the loop's clock was virtual */
	struct trace_emitter emitter;
};

/* A piece of what the program wrote. */
struct trace_output {
	uint64_t after;  /* the last event before it */
	int64_t t;       /* ns since the start */
	int fd;          /* 1 or 2; under a pty all is 1 */
	bool approximate; /* the program ran meanwhile: some of the events before it may come after it */
	const char *data; /* raw bytes, not a string */
	size_t length;
};

/* A loaded ELF file. */
struct trace_module {
	const char *path;
	uint64_t start, end; /* addresses */
	uint64_t bias;       /* address = bias + the file's virtual address */
	uint8_t build_id[32];
	uint8_t build_id_length; /* 0: has none */
};

/* A resolved program counter. */
struct trace_site {
	uint32_t site;        /* as in events */
	const char *function; /* NULL: not known */
	const char *file;     /* as the compiler wrote it; NULL: not known */
	uint32_t line;        /* 0: not known */
};

/* The text of a source file at record time. */
struct trace_source_text {
	const char *file; /* as in sites */
	const char *text;
	size_t length;
};

/* The stack of a body that did not run. */
enum trace_stack_why {
	TRACE_STACK_HERE,   /* its bytes are there */
	TRACE_STACK_LARGE,  /* it was larger than what is recorded, CORO_STACK_MOST */
	TRACE_STACK_BUDGET, /* more stacks than the recording allowed for that time */
	TRACE_STACK_FULL,   /* the recorder did not follow, or there was no memory for them */
	TRACE_STACK_LOST,   /* what was recorded of it could not be read */
};
struct trace_stack {
	uint64_t after; /* event with which control left the body: its own, or that of whom it resumed */
	uint32_t cseq;  /* of the body's last event at that time */
	enum trace_stack_why why;
	uint64_t sp;    /* valid if the bytes are there, as they are */
	uint8_t *bytes; /* owned: from sp on up to the base of the stack; NULL: not there */
	size_t length;  /* how many they are, or would be */
};

/* ---- Making one -------------------------------------------------------- */

/* A new trace that is written to `path` as it grows (which must not exist as a
 * non-regular file; it is truncated). NULL: to an unlinked file of its own under
 * $XDG_STATE_HOME/coroscope or $TMPDIR. meta is copied. Returns 0 or -errno: among others
 * -EISDIR, -ENOTSUP (not a regular file), -EBUSY (somebody records into it). */
int trace_create(const char *path, const struct trace_meta *meta, struct trace **ret);

/* Appends the events in `count` slots of a ring, the first with index `index`; lap is
 * not checked any more. They get the next numbers, and their rows become serials and names:
 * the trace follows the binds. Returns the slots taken: an event
 * whose payload is cut off is left for the next call; a slot that cannot begin an event is
 * taken and counted as lost. -errno when the file cannot be written: then nothing is
 * taken, now or later, by this or the calls below; the trace in memory stays whole and
 * can be read and saved elsewhere. A call in which the error first appears may still
 * have taken slots: it returns their count, and the next call returns the error. */
int trace_append(struct trace *trace, uint32_t ring, uint64_t index,
                 const struct coro_trace_slot *slots, unsigned count);
/* Also for the next ones: 0 or -errno; -EFBIG for a text of 8 MiB or more, which is left out. */
int trace_append_string(struct trace *trace, uint32_t id, const char *bytes, size_t length);
int trace_append_output(struct trace *trace, int fd, int64_t t, const char *data, size_t length);
/* The same, for what was written while events passed. */
int trace_append_approximate_output(struct trace *trace, int fd, int64_t t, const char *data,
                                    size_t length);
int trace_append_module(struct trace *trace, const struct trace_module *module);
int trace_append_site(struct trace *trace, const struct trace_site *site);
int trace_append_source(struct trace *trace, const char *file, const char *text, size_t length);
/* Where the bytes of a STACK slot are to be had from, which trace_append() is given: sets *ret_sp and *ret
 * to the slot's `length` bytes, borrowed until the next call. 0, or -errno: then they are lost. Called
 * with the trace's lock held. */
typedef int trace_stack_source(void *context, uint32_t ring, const struct coro_trace_stack *slot,
                               uint64_t *ret_sp, const uint8_t **ret);
void trace_set_stack_source(struct trace *trace, trace_stack_source *source, void *context);
/* `count` slots of a ring were lost after the events so far. */
int trace_append_lost(struct trace *trace, uint32_t ring, uint64_t count);
/* `count` more things in the program's segment could not be: somebody wrote into it. */
int trace_append_damage(struct trace *trace, uint64_t count);
/* Objects that are there after the events so far, and of which no event has told: their rows are
 * bound to them. The strings that they name are there already. */
int trace_append_rows(struct trace *trace, const struct trace_row *rows, size_t count);
/* A checkpoint: the World after event n, serialised by the model. */
int trace_append_checkpoint(struct trace *trace, uint64_t n, const uint8_t *bytes, size_t length);
/* Writes out the open chunk: called now and then (100 ms), and before a tail advances. */
int trace_flush(struct trace *trace);
/* The same in the background, by a thread of the trace: what of it was begun before is written when
 * this returns, and what is open now will be. */
int trace_flush_behind(struct trace *trace);
/* Nothing of that is under way. */
bool trace_is_flushed(struct trace *trace);
/* The program has ended with this status: says so, flushes, writes index and end. What
 * is appended after that is kept too; trace_free() then writes index and end anew. */
int trace_finish(struct trace *trace, int status);
/* A complete copy of the trace so far into a new file, as `save` does. */
int trace_save(struct trace *trace, const char *path);

/* Opens the file of a recording that did not come to its end, to go on with it: what is torn at
 * its end is cut off, rows are who they were, and all that is above can be called. Fails as
 * trace_open() does; -EBUSY: somebody records into it. */
int trace_resume(const char *path, struct trace **ret, char **ret_why);
/* Of a resumed one: the last event of that ring that was in the file. 0, or -ENOENT. */
int trace_resumed_at(struct trace *trace, uint32_t ring, uint64_t *ret_index, uint64_t *ret_n);
/* Slots that are in the trace already, or were lost from it, also say who rows are from then on. */
int trace_bind(struct trace *trace, uint32_t ring, uint64_t index,
               const struct coro_trace_slot *slots, unsigned count);
/* Writes index and end without saying that the program has ended. 0 or -errno. */
int trace_close(struct trace *trace);

/* ---- Opening one ------------------------------------------------------- */

/* Opens a file. On failure returns -errno and a sentence without the file's name,
 * malloc'ed, in *ret_why ("is not a trace", "is a trace of version 3.0; this program
 * reads 1.x", "is empty", ...). A torn tail opens up to the tear: see trace_torn. */
int trace_open(const char *path, struct trace **ret, char **ret_why);
void trace_free(struct trace *trace);

/* ---- Reading ----------------------------------------------------------- */

/* It never changes. */
const struct trace_meta *trace_meta(struct trace *trace);
/* Whether the program's end is in the trace; then *ret_status is its status as from waitpid
 * (NULL: not wanted). */
bool trace_ended(struct trace *trace, int *ret_status);
uint64_t trace_count(struct trace *trace);
/* 0, -ENOENT when there is no event n, -EBADMSG when its chunk is damaged. */
int trace_event(struct trace *trace, uint64_t n, struct trace_event *ret);
/* Events n, n + 1, ..., at most `most` of them: how many, at least 1, or an error as above. For
 * whoever looks at many. */
int trace_events(struct trace *trace, uint64_t n, struct trace_event *ret, unsigned most);
/* The bytes of a string, 0-terminated, raw: filter before showing (text.h). NULL: no such id. */
const char *trace_string(struct trace *trace, uint32_t id);
/* Output pieces 0 .. count-1, in order. */
size_t trace_output_count(struct trace *trace);
int trace_output(struct trace *trace, size_t i, struct trace_output *ret);
/* Modules, sites, sources. -ENOENT past the end or when not there. */
int trace_module(struct trace *trace, size_t i, struct trace_module *ret);
int trace_find_site(struct trace *trace, uint32_t site, struct trace_site *ret);
int trace_find_source(struct trace *trace, const char *file, struct trace_source_text *ret);
/* The last checkpoint at or before n: its number and bytes (malloc'ed); 0: none. With NULL only
 * its number, and whether it can be read is not looked at. */
uint64_t trace_checkpoint(struct trace *trace, uint64_t n, uint8_t **ret, size_t *ret_length);
/* The last stack of an object that is recorded after event n or before: of a body that does not run after
 * event n, how it stands. Whether it runs then says the World; a body that has run since has another cseq
 * there, or resumes somebody. 0 and *ret, whose bytes are there, or else whose `why` says why not;
 * -ENOENT: none is recorded. Looks back as far as it takes: who knows with which event control left
 * the body asks trace_find_stack_from(). */
int trace_find_stack(struct trace *trace, uint64_t serial, uint64_t n, struct trace_stack *ret);
/* The first one that is recorded after event `from` or the few behind it, but not behind n: for events
 * with which control leaves the body, this one's. Takes the same time wherever that is. */
int trace_find_stack_from(struct trace *trace, uint64_t serial, uint64_t from, uint64_t n,
                          struct trace_stack *ret);
void trace_stack_done(struct trace_stack *stack);
/* Objects that were there when the trace, or a thread's part of it, began: the i-th table of them,
 * which holds after event *ret_after. In the order of events. -ENOENT past the end. */
int trace_rows(struct trace *trace, size_t i, uint64_t *ret_after, const struct trace_row **ret, size_t *ret_count);
/* Things in the program's segment that could not be, and were passed over or mended while it
 * was recorded; of the file itself see trace_torn(). */
uint64_t trace_damage(struct trace *trace);
/* Lost slots so far, and lost pieces: i-th loss comes after event `*ret_after`. */
uint64_t trace_lost(struct trace *trace);
int trace_loss(struct trace *trace, size_t i, uint64_t *ret_after, uint32_t *ret_ring, uint64_t *ret_count);
/* Bytes of the file so far. */
uint64_t trace_bytes(struct trace *trace);
/* Bytes at the end, or in the middle, that could not be read; 0: whole, as far as it was
 * read: a damaged chunk in the middle is noticed when one of its events is asked for. */
uint64_t trace_torn(struct trace *trace);
/* The path it was opened from or is written to; NULL: a file of its own. */
const char *trace_path(struct trace *trace);
/* Ticks to ns since the start. */
int64_t trace_time(struct trace *trace, uint64_t clock);

#endif
