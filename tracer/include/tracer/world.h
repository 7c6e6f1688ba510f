#ifndef TRACER_WORLD_H
#define TRACER_WORLD_H
/*
 * world.h - what the program's coroutines look like after event n.
 *
 * A World is made empty and is changed by events alone: world_apply(world, event)
 * is the whole of it. No clock, no file, no process: the same events give the same
 * World, so that live, replayed, sought and stepped back are one thing.
 *
 * Invariants
 * - An event changes the state of one object, its `co`; everything that is
 *   about two objects (who resumes whom, who awaits whom) is looked up, not stored
 *   twice. Besides, it tells where the actor is: its site is the line of whoever did it, the
 *   body that ran then, and becomes the place of that one too.
 * - Objects are known by serial: never reused, one space for all kinds, in the order
 *   of creation.
 * - Values are not kept: the World keeps the number of the event that showed them.
 * - Events may be lost (event.lost). What an object was like then is not known until its next event:
 *   world_is_unsure(). That event's cseq says whether some of its own are missing; if so, what
 *   is not known any more is forgotten, and marked `unknown`.
 * - Whatever an event says that cannot be (an unknown object, a state that does not
 *   fit, a gap in cseq) is counted in `damage` or `missing`, never an abort: what
 *   it names is then taken as the event says.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "event.h"

struct world_object {
	uint64_t serial; /* the id that people see */
	uint8_t kind;    /* enum coro_object_kind; 0: not known */
	uint8_t state;   /* enum coro_state, of the row; see world_state() for what to show */
	uint8_t reason;  /* enum coro_reason, of a future */
	bool closing;    /* its CLOSE was the last to resume it: GeneratorExit is in flight */
	bool set;        /* event: its flag */
	uint16_t unknown; /* WORLD_UNKNOWN_*: what no event has told since it was lost, or before it came */
	uint32_t cseq;   /* of its last event */
	uint32_t name;   /* string id; 0: none */
	uint32_t creation_site; /* string id "FILE:LINE FUNCTION"; 0: none */
	uint32_t creation_pc;   /* else: low bits of the pc; 0: none */
	uint64_t parent;     /* serial of its creator; of a task, future or timer: the task that
	                        ran then, or else the body; 0: the program's main */
	uint64_t created_at; /* event number */
	uint64_t changed_at; /* event number of its last event */
	int64_t changed_t;   /* its time */

	/* Links; serials, 0: none. */
	uint64_t waits_on; /* task: the future or task it awaits, while SUSPENDED; tasklet: the channel;
	                      future: what it is for; timer: the future it sets; timeout: the
	                      task it cancels */
	uint64_t delegate; /* generator, coroutine: whom it delegates to, while DELEGATING */
	uint64_t resumer;  /* generator, coroutine: who resumed it last, from outside its chain; 0:
	                      main. Valid from then on until it yields.
	                      Task: the body that spawned it eagerly, while it runs on behalf of that; 0:
	                      the loop runs it.
	                      greenlet, tasklet: the innermost body that runs in it, itself or 0 (main's
	                      function), while it waits to be switched to */
	uint64_t drives;   /* task: its coroutine */
	uint64_t owner;    /* lock: who holds it; group: the task whose section it is; greenlet: its
	                      parent */
	uint64_t lock;     /* condition: its lock */
	uint64_t woken_by; /* task, tasklet: peer of its last WAKE or READY */

	/* Where it was seen last: the site of the last event that had one and that it did, to itself
	 * or, while it ran, to another; what others did to it (resuming it, waking it, cancelling
	 * it) has their site. For a suspended body that is the yield or await it waits in. 0: not
	 * seen yet. See world_place(). */
	uint32_t site;
	bool site_is_string; /* a string id (CORO_SLOT_FILELINE), not a pc */
	uint16_t stack_kib;  /* body: its stack, as in struct coro_trace_bind; 0: not known */

	/* Event numbers; 0: has not happened. */
	uint64_t argument_at; /* its CREATE, when it showed the argument */
	uint64_t down_at;     /* what was last sent or thrown in (NEXT, SEND, THROW, CLOSE) */
	uint64_t up_at;       /* what last came out (YIELD, RETURN, RAISE); task: DONE; future: FUTURE_SET */
	uint64_t ready_at;    /* task: when it became READY; orders the ready queue */

	uint64_t resumes;  /* NEXT, SEND, THROW, CLOSE; task: STEP */
	int64_t run_ns;    /* task, tasklet: time in RUNNING so far, up to its last event */
	uint64_t length;   /* queue, channel: items in it; semaphore: places that are free; barrier: how
	                      many tasks are inside */
	uint64_t capacity; /* queue: most items, 0: no bound; channel: most items that need no receiver;
	                      barrier: its parties */
	uint64_t unfinished; /* queue: items that were put, and are not done */
	int64_t number;    /* timer: due time, ns; timeout: likewise, INT64_MAX: never; barrier: its
	                      phase, enum world_phase; descriptor: its number; future: descriptor's
	                      number, or, of a sleep, how long, ns; of a select: bit i: its case i, if it
	                      is one of the first 63, sends; 0: not known */
	uint64_t children; /* future of a gather or wait, queue of as_completed, group: how many
	                      AWAIT_CHILD or GROUP_ADD so far; of a select: how many CHANNEL_WAIT */
	uint64_t cancels;  /* task: CANCELs so far */
};

/* What a barrier does: BARRIER_PHASE. */
enum world_phase { WORLD_FILLING, WORLD_DRAINING, WORLD_RESETTING, WORLD_BROKEN };

/* Of an object that was there before the trace began: what its program's table does not carry. Of one
 * that lost events: what they may have changed. The fields named are 0, or count from then on.
 * Whatever an event says is known then. */
enum {
	WORLD_UNKNOWN_PARENT = 1 << 0,
	WORLD_UNKNOWN_WAITS_ON = 1 << 1,
	WORLD_UNKNOWN_RESUMER = 1 << 2, /* while it runs */
	WORLD_UNKNOWN_OWNER = 1 << 3,   /* and drives, lock */
	WORLD_UNKNOWN_LENGTH = 1 << 4,
	WORLD_UNKNOWN_CAPACITY = 1 << 5,
	WORLD_UNKNOWN_NUMBER = 1 << 6,
	WORLD_UNKNOWN_CHILDREN = 1 << 7, /* those from before are missing */
	WORLD_UNKNOWN_SET = 1 << 8,
	WORLD_UNKNOWN_PAST = 1 << 9, /* created_at, argument_at, down_at, up_at, ready_at, woken_by; run_ns,
	                                cancels */
	WORLD_UNKNOWN_UNFINISHED = 1 << 10,
	WORLD_UNKNOWN_RESUMES = 1 << 11,
	WORLD_UNKNOWN_ALL = (1 << 12) - 1,
};

/* Copies share what has not changed since, so that a copy costs next to nothing; they may
 * be used by different threads, one each. */
struct world;

/* Life cycle. NULL only when memory is out. */
struct world *world_new(void);
void world_free(struct world *world);
struct world *world_copy(struct world *world);

/* Applies the next event. Events are applied in the order of their numbers.
 * Returns 0, or -ENOMEM (the World is then as before). */
int world_apply(struct world *world, const struct trace_event *event);

/* Adds objects that were there after the last event, and that no event has told of; one that the World
 * has already is passed over. 0 or -ENOMEM. */
int world_adopt(struct world *world, const struct trace_row *rows, size_t count);

/* Number of the last event applied; 0 at the start. */
uint64_t world_at(const struct world *world);
int64_t world_time(const struct world *world);  /* its t, ns */
uint64_t world_turn(const struct world *world); /* TURN_BEGINs so far */
uint64_t world_damage(const struct world *world);  /* events that could not be */
uint64_t world_lost(const struct world *world);    /* slots lost so far */
/* Events were lost since its last one: it was like this then, and may have changed. */
bool world_is_unsure(const struct world *world, const struct world_object *object);
uint64_t world_missing(const struct world *world); /* events that gaps in cseq say are missing */

/* Objects; borrowed from the World, valid until it changes. */
const struct world_object *world_find(const struct world *world, uint64_t serial); /* NULL: none */
/* In the order of serials: first with serial > after, NULL at the end. Start with 0. */
const struct world_object *world_next(const struct world *world, uint64_t after);
size_t world_count(const struct world *world);
/* How many there are of a kind, in a state as its row has it. */
size_t world_count_of(const struct world *world, unsigned kind, unsigned state);
/* All of them in the order of serials: much faster than one by one, for whoever looks at all. */
void world_visit(const struct world *world,
                 void (*visit)(void *context, const struct world_object *object), void *context);
/* Some objects were adopted: the program's past is not in the trace. */
bool world_is_late(const struct world *world);

/* Who has control, on the ring of the last event: the innermost body or task that is
 * RUNNING (or DELEGATING, while its delegate has not been resumed yet, or has just finished);
 * NULL: main or the loop itself. */
const struct world_object *world_running(const struct world *world);
/* The object that the last event changed, NULL at the start or after its DESTROY. */
const struct world_object *world_changed(const struct world *world);

/* The state to show: a DELEGATING body is RUNNING while something below it runs or control
 * is on its way between them, else SUSPENDED; a coroutine of a READY task is SUSPENDED.
 * enum coro_state. */
unsigned world_state(const struct world *world, const struct world_object *object);
/* Its name ("suspended"), with a question mark if that is not sure ("suspended?"). */
const char *world_state_name(const struct world *world, const struct world_object *object);
/* Where it stands: where it was seen last, or else where it was created. As `site`; 0: not known. */
uint32_t world_place(const struct world_object *object, bool *ret_is_string);
/* Who stands directly above it: the body that delegates to it, the task that drives
 * it; 0: nobody. */
uint64_t world_above(const struct world *world, const struct world_object *object);
/* Directly below: its delegate, the coroutine it drives; 0: nothing. May have gone. */
uint64_t world_below(const struct world *world, const struct world_object *object);
/* What it waits for, in the end: for a body, its task's future; 0: nothing. */
uint64_t world_waits_on(const struct world *world, const struct world_object *object);
/* The whole chain through an object, outermost first: task, its coroutine, delegates down
 * to the leaf. Writes at most `room` serials, returns how many there are. Cut at `room`
 * and at cycles. */
size_t world_chain(const struct world *world, uint64_t serial, uint64_t *ret, size_t room);
/* Who awaits it: tasks and tasklets whose waits_on it is. As world_chain. */
size_t world_awaiters(const struct world *world, uint64_t serial, uint64_t *ret, size_t room);
/* The timer that is armed for a future, 0: none. */
uint64_t world_timer(const struct world *world, uint64_t serial);
/* Who stands in the line of a queue, lock, descriptor ...: the futures that were made for it, and
 * those of selects over a channel, in the order in which they came; the reason tells the side. As
 * world_chain. One that was told, or cancelled, stands there until its task runs (then it is
 * done, or cancelled), but queues and channels take those that they tell out of their lines. */
size_t world_waiters(const struct world *world, uint64_t serial, uint64_t *ret, size_t room);
/* The same, counted up to `most`: there may be a million. */
size_t world_waiters_most(const struct world *world, uint64_t serial, uint64_t *ret, size_t room,
                          size_t most);
/* The task behind one of them: who awaits it, or else who made it; 0: not known. */
uint64_t world_waiter(const struct world *world, uint64_t future);
/* The timeout of a task that is due first, of those that are not over; 0: none. */
uint64_t world_timeout(const struct world *world, uint64_t task);
/* Whom a future waits for, whom the queue of as_completed or a group is for: serials, in the
 * order of AWAIT_CHILD or GROUP_ADD. Of a select the channels of its cases. They may have gone. */
size_t world_children(const struct world *world, uint64_t serial, uint64_t *ret, size_t room);
/* Futures that have children, in the order of serials: first with serial > after, 0 at the end. */
uint64_t world_next_parent(const struct world *world, uint64_t after);
/* Whether it is done, failed or cancelled; or has gone. */
bool world_is_over(const struct world *world, uint64_t serial);
/* The ready queue, in order. */
size_t world_ready(const struct world *world, uint64_t *ret, size_t room);

/* A checkpoint: the World as bytes, the same on every machine, and back. `*ret` is
 * malloc'ed. Deserialising trusts nothing: -EBADMSG for bytes that no World wrote. */
int world_serialise(const struct world *world, uint8_t **ret, size_t *ret_length);
int world_deserialise(const uint8_t *bytes, size_t length, struct world **ret);
/* The same as what has changed since an earlier World, which this one was a copy of: what both
 * still share costs nothing. *ret is a World that shares with `since`, which must be the one that it was
 * written for: -EBADMSG for bytes, or a World, that cannot be. */
int world_serialise_since(const struct world *world, const struct world *since, uint8_t **ret,
                          size_t *ret_length);
int world_deserialise_since(const uint8_t *bytes, size_t length, struct world *since,
                            struct world **ret);
/* After which event stood the World that these bytes are changes since; 0: they are a whole one. */
uint64_t world_bytes_since(const uint8_t *bytes, size_t length);
/* Equal Worlds have equal hashes (over the serialised form). */
uint64_t world_hash(const struct world *world);

#endif
