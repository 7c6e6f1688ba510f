#ifndef TRACER_BACKTRACE_H
#define TRACER_BACKTRACE_H
/*
 * backtrace.h - where an object is suspended, how it got there, and with which values.
 *
 * The logical stack of an object at the playhead: the frames of the leaf of its chain first, then
 * those of whoever delegates to it or awaits it, out to the task's coroutine. Each body of the
 * chain is a *part*, with a stack of its own:
 *
 *     part 0   read_line #9     frame 0  coro_await()      the runtime's own: see locals_frame
 *                               frame 1  read_line
 *     part 1   serve #7         frame 2  coro_await()
 *                               frame 3  parse  (inlined)
 *                               frame 4  serve
 *
 * Stacks come from the process while a live program is at the playhead, and else from the
 * trace: the same bytes, but that global variables and the heap are in the process alone.
 *
 * Files that a trace names are opened when the first backtrace asks for them, and used if and only
 * if they are the ones that ran (symbols_open_modules).
 *
 * Threads: the session's.
 */
#include "locals.h"
#include "session.h"

struct backtrace;

/* A body of the chain. */
struct backtrace_part {
	uint64_t serial;
	size_t first, count; /* its frames; none: `missing` says why */
	bool live;           /* read from the process, not from the trace */
	bool runs;           /* it has control: these are its registers at the gate */
	const char *missing; /* one line: why there are no frames, or not all of them; NULL: all are there */
};

struct backtrace_frame {
	struct locals_frame frame;
	size_t part;
};

/* The logical stack of an object; *ret is yours. 0, -ESRCH: no such object, or no body is in its chain;
 * -ENOTSUP: frames of this program cannot be told on this machine; -ENOMEM. Parts without frames are no
 * failure. */
int backtrace_new(struct session *session, uint64_t serial, struct backtrace **ret);
void backtrace_free(struct backtrace *backtrace);

size_t backtrace_parts(const struct backtrace *backtrace);
const struct backtrace_part *backtrace_part(const struct backtrace *backtrace, size_t i);
size_t backtrace_frames(const struct backtrace *backtrace);
const struct backtrace_frame *backtrace_frame(const struct backtrace *backtrace, size_t i);
/* Frames are numbered, for people, without those of the runtime: frame number `number` is the returned
 * one; backtrace_frames(): there is none. */
size_t backtrace_numbered(const struct backtrace *backtrace, uint64_t number);
/* How many have a number. */
uint64_t backtrace_numbers(const struct backtrace *backtrace);
/* The number of the frame that stands for an object: the innermost of that body; of the leaf, if it is
 * a task, or that body has none. */
uint64_t backtrace_number_of(const struct backtrace *backtrace, uint64_t serial);

/* The variables of a frame: yours, to be freed before the backtrace. As locals_view_new(). */
int backtrace_view(const struct backtrace *backtrace, size_t i, struct locals_view **ret);

#endif
