#ifndef TRACER_TARGET_H
#define TRACER_TARGET_H
/*
 * target.h - the live program: start it, hold it at its gate, read its rings.
 *
 * target_launch() starts a program under a pty (or on pipes), waits until its segment is
 * there, takes a lease, and lets it go on: paused before its first event, or running. A
 * recorder thread then drains its rings, strings and output into a trace, as long as it
 * lives. Everything else looks at the trace.
 *
 * Promises: the program never waits for a reader that has died; the reader never crashes
 * for what is in the segment; the program is not hung up when its debugger dies.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "trace.h"

struct target;

/* How much of stacks a program that is not stopped may record in a second, by each of its threads. */
#define TARGET_STACK_BYTES (UINT64_C(64) << 20)

enum target_stdio {
	TARGET_PTY,         /* a pty: the program believes that it has a terminal of its own */
	TARGET_PASS_THROUGH /* as PTY when ours is a terminal, pipes else; and copied to ours */
};

struct target_options {
	char *const *argv; /* argv[0] is the program, looked up in PATH when it has no slash */
	bool paused;       /* start at the gate, before the first event */
	bool virtual_time; /* COROSCOPE_TIME=virtual for the program */
	enum target_stdio stdio;
	unsigned short rows, columns; /* of the pty; 0: 24 x 80 */
	enum coro_policy policy; /* what becomes of events when the recorder cannot follow */
	uint32_t block_ms;       /* BLOCK: how long the program waits before it drops; 0: no limit */
	uint64_t last_bytes;     /* how much of each thread's events its ring holds, 32 bytes a slot,
	                            rounded up to a power of two; 0: 4 MiB. With OVERWRITE that is what
	                            the trace gets */
	enum coro_stacks stacks; /* what becomes of stacks of bodies that do not run; a program whose runtime
	                            cannot, and one of policy OVERWRITE, goes without */
	uint64_t stack_bytes;    /* how much of them each thread may record in a second; 0: no limit */
	const char *trace_path; /* where the trace is written; NULL: a file of its own */
};

/* Where the program is. */
enum target_state {
	TARGET_RUNNING, /* not at the gate */
	TARGET_PAUSED,  /* at the gate, before its next event */
	TARGET_EXITED,  /* gone; see target_status */
};

/* Starts it. On failure returns -errno and a malloc'ed sentence in *ret_why that names the
 * program ("demos/x: not found", ...). A program without the probe gives -ENOTSUP when
 * `paused`; otherwise it runs, with no events.
 * *ret_trace is the trace it is recorded into; it is the caller's, to be freed after the
 * target. */
int target_launch(const struct target_options *options, struct target **ret,
                  struct trace **ret_trace, char **ret_why);

/* Attaches to a program that runs, which links the probe and whose segment is ours: it goes on, and is
 * not waited for: of what it does faster than we read, the trace says how much is missing. What it
 * had is in the trace as a table (trace_rows()), thread by thread as they answer; those that answer
 * soon are in it when this returns. Fails as target_launch() does; the sentence names the process. */
int target_attach(uint32_t pid, const char *trace_path, struct target **ret,
                  struct trace **ret_trace, char **ret_why);
bool target_is_attached(struct target *target);
/* Threads of an attached program that have not answered yet, so that what they have is not known: how
 * many; their ids in `ret`, at most `room`. */
unsigned target_silent(struct target *target, uint32_t *ret, unsigned room);

/* Ends the session. A program that still runs is released, and runs on by itself; one that
 * target_kill() was called for is waited for. The trace of one that has ended is finished, if
 * nobody did that. */
void target_free(struct target *target);

/* Becomes readable when something has happened (events, output, a change of state):
 * for poll. target_attend() clears it. */
int target_fd(struct target *target);
void target_attend(struct target *target);

enum target_state target_state(struct target *target);
/* For a program whose stdio is passed through: when it was stopped, by ^Z on our terminal or by our
 * SIGTSTP, we stop as well, and go on together: one job for the shell. To be called by the main
 * thread when target_fd() becomes readable, and now and then. */
void target_follow_job(struct target *target);
/* As from waitpid, once EXITED. */
int target_status(struct target *target);
/* 0, or the -errno of the trace that could not be written any more: recording has ended then,
 * and the program runs on by itself. */
int target_error(struct target *target);
uint32_t target_pid(struct target *target);
bool target_has_probe(struct target *target);

/* At the gate: lets `count` events pass. Does not wait. */
void target_step(struct target *target, uint64_t count);
/* Lets it run; stops after an event whose kind is in `break_kinds` (bits), 0: never. */
void target_continue(struct target *target, uint64_t break_kinds);
/* Asks it to stop before its next event. */
void target_pause(struct target *target);
/* Waits until it is PAUSED or EXITED and everything that it emitted and wrote is in the
 * trace, at most `timeout_ms` (-1: for ever). 0, or -ETIMEDOUT. */
int target_settle(struct target *target, int timeout_ms);
/* Policy OVERWRITE: what is in the rings now goes into the trace, and the trace to its file, soon.
 * Otherwise it goes there anyway. */
void target_take(struct target *target);
void target_kill(struct target *target);
/* Bytes typed for the program, to its pty. */
int target_write(struct target *target, const char *data, size_t length);
/* How large the program's terminal is from now on. */
void target_resize(struct target *target, unsigned short rows, unsigned short columns);

#endif
