#ifndef TRACER_TARGET_PRIVATE_H
#define TRACER_TARGET_PRIVATE_H
/*
 * target_private.h - what the files of a live program share.
 *
 *     target.c     the functions of target.h, and the states
 *     launch.c     from a path to a running program with its lease
 *     attach.c     from a number to a running program, likewise
 *     baseline.c   what it had by then
 *     keeper.c     the process between us and the program
 *     recorder.c   the thread that drains rings, strings and output into the trace
 *     merge.c      slots of several rings, by clock
 *     flight.c     the same for a program that writes over its oldest events: all at once
 *     terminal.c   the pty, the pipes, and our own terminal while it is passed through
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <termios.h>
#include <tracer/live.h>
#include <tracer/target.h>
#include "baseline.h"

#define TARGET_SOURCES 3 /* pty, pipe of stdout, pipe of stderr */

/* Where the program's output and input go. */
struct terminal {
	int master;                 /* owned; -1: no pty */
	char slave[64];             /* its other end's path */
	int source[TARGET_SOURCES]; /* master, and read ends of pipes, owned; -1: none, or closed */
	int stdio[3];               /* the program's ends, owned until it runs; -1: the pty */
	int copy[TARGET_SOURCES];   /* our descriptors to which the sources are copied; -1: nowhere */
	int number[TARGET_SOURCES]; /* 1 or 2: what the output is recorded as */
	bool relay_input;           /* our stdin is a terminal, and typed bytes go to the pty */
	bool raw;                   /* our terminal's modes were changed */
	bool aside;                 /* we are a stopped or a background job: it is not ours now */
	bool literal;               /* what was typed last takes the next character's meaning away */
	struct termios before;
	unsigned short rows, columns; /* of the pty, as it was told last */
};

/* What a flight recorder keeps of the program's output until it is asked for. */
struct flight_output;
struct flight {
	struct flight_output *first, *last; /* owned, in the order of time */
	size_t bytes;
};

struct target {
	/* Set before the threads start, and then constant. */
	struct trace *trace; /* borrowed from target_launch()'s caller, who frees it afterwards */
	bool has_probe;
	enum coro_policy policy;
	bool attached; /* to a program that ran already: there is no keeper */
	pid_t keeper;
	pid_t pid;
	uint64_t mono0;    /* CLOCK_MONOTONIC at t = 0 */
	int keeper_socket; /* owned; attached: a pidfd, which becomes readable at the end as well */
	int news;          /* owned, an eventfd: target_fd() */
	int poke;          /* owned, an eventfd: the recorder shall look */
	pthread_t recorder, waiter;
	bool recorder_runs, waiter_runs;

	/* All below under the lock. */
	pthread_mutex_t lock;
	pthread_cond_t changed; /* state or generation */
	struct live *live; /* owned; NULL: no probe. live_mark, _sleep and _interrupt need no lock */
	struct baseline *baseline; /* owned; attached: what there was; NULL: all events are there */
	struct symbols *symbols;   /* owned; attached: of the program; NULL: none */
	struct terminal terminal;
	enum target_state state;
	uint64_t generation;           /* of commands to the gate */
	uint64_t settled;              /* the generation in which it came to rest last */
	int status;                    /* valid if EXITED */
	bool ended;                    /* the keeper has told the status, or is gone */
	bool killed;                   /* by us: the gate says nothing any more */
	bool stopped;                  /* by a signal, ^Z perhaps, and we have not followed yet */
	bool inexact;                  /* what is written now stands somewhere among several events */
	bool stop;                     /* the threads shall end */
	bool more;                     /* the last drain left something in the rings */
	bool deep;                     /* nothing comes: sleep until told */
	int error;                     /* why recording ended; 0: it did not */
	bool wanted; /* policy OVERWRITE: somebody asked for what is there now */
	struct flight flight;
	uint64_t damage_told;          /* things of the segment that the trace counts as damaged */
	uint64_t flushed_at;           /* CLOCK_MONOTONIC of the last flush */
	struct coro_trace_slot *slots; /* owned: a batch, of the only ring */
	struct window *window;         /* owned: CORO_RINGS of them, of several rings */
};

/* terminal.c */
int terminal_open(struct terminal *terminal, const struct target_options *options);
/* The program runs: its ends are closed here, and ours get ready. */
void terminal_start(struct terminal *terminal);
void terminal_close(struct terminal *terminal);
/* Gives our own terminal back while we are stopped, and takes it again if it is ours then. */
void terminal_leave(struct terminal *terminal);
void terminal_enter(struct terminal *terminal);
/* Tells the pty its size, if ours changed. */
void terminal_follow_size(struct terminal *terminal);
int terminal_write(struct terminal *terminal, const char *data, size_t length);
/* What was typed on our terminal. */
void terminal_type(struct terminal *terminal, const char *data, size_t length);

/* launch.c */
int launch_program(struct target *target, const struct target_options *options,
				   struct trace **ret_trace, char **ret_why);

/* recorder.c */
#define RECORDER_BATCH 16384u /* slots */
int recorder_start(struct target *target);
void recorder_stop(struct target *target);
/* Takes in all there is; notes the program's rest and end. Under the lock. Returns whether
 * anything was new. */
bool recorder_drain(struct target *target);
/* New strings of the program's arena: after the slots that use them were copied. */
void recorder_take_strings(struct target *target);
uint64_t recorder_now(void);
/* Says so in the segment, before events are wanted. A program that cannot goes without. 0 or -errno. */
int recorder_want_stacks(struct target *target, enum coro_stacks stacks, uint64_t bytes_a_second,
						 const struct live_clock *early);
/* Takes what threads that have answered had. 0 or -errno: then the recording has ended. */
int recorder_take_baseline(struct target *target);

/* attach.c */
int attach_program(struct target *target, uint32_t pid, const char *trace_path,
				   struct trace **ret_trace, char **ret_why);

/* flight.c */
/* All that is in the rings goes into the trace, and the output that was kept. 0 or -errno. */
int flight_take(struct target *target);
void flight_keep_output(struct flight *flight, int fd, int64_t t, const char *data, size_t length);
void flight_done(struct flight *flight);

#endif
