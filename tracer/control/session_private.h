#ifndef SESSION_PRIVATE_H
#define SESSION_PRIVATE_H
/*
 * session_private.h - what the files of the session share.
 *
 *   session.c      life, selection, marks
 *   moves.c        the playhead: seeking, and moves forward and backward
 *   stepping.c     where each kind of move stops: the one question "is it here?"
 *   adopting.c     objects that were there before the trace knew of them
 *   checkpoints.c  Worlds in memory, for going back and for seeking
 *   breakpoints.c  the list of breakpoints
 *   backtrace.c    stacks and local variables of what does not run
 *   keeping.c      what is added to a trace before it is kept
 */
#include <tracer/session.h>

/* ---- adopting.c -------------------------------------------------------- */

/* The World stands after event n: it gets the objects that the trace says were there then, if it has
 * them not yet. 0 or -ENOMEM. */
int adopt_present(struct world *world, struct trace *trace, uint64_t n);

/* ---- checkpoints.c ----------------------------------------------------- */

/* Worlds after the events spacing, 2 spacing, 3 spacing ... as far as the playhead
 * has been. When they are too many every other one is dropped, and the spacing doubles: so
 * there is always one near, whatever the length of the trace. */
struct checkpoints {
	struct checkpoint {
		uint64_t n;
		struct world *world; /* owned */
		uint64_t base;       /* what it shares all but its changes with: see checkpoints.c */
		bool from_trace;     /* it is what the trace's checkpoint says, and nothing has been added */
	} * list;                /* owned; in the order of n */
	size_t count, room;
	size_t loaded; /* how many of them are from the trace */
	uint64_t base, last_base; /* of the playhead's World; the last one that was made */
	uint64_t spacing;
	bool fixed; /* the spacing was asked for: it stays */
};

void checkpoints_init(struct checkpoints *checkpoints, uint64_t spacing);
void checkpoints_done(struct checkpoints *checkpoints);
/* Offers the World after event n; a copy is kept if there is to be one here. Out of memory
 * only means that there is none. */
void checkpoints_offer(struct checkpoints *checkpoints, uint64_t n, struct world *world);
/* Keeps a copy of it, wherever that is: somebody will soon go back to near here. */
void checkpoints_keep(struct checkpoints *checkpoints, uint64_t n, struct world *world);
/* A World of the caller's own, after the greatest n <= `most` that is kept here or in the
 * trace; at worst the empty one, with n = 0. */
int checkpoints_world(struct checkpoints *checkpoints, struct trace *trace, uint64_t most,
					  uint64_t *ret_n, struct world **ret);

/* ---- breakpoints.c ----------------------------------------------------- */

struct breakpoints {
	struct session_breakpoint *list; /* owned; in the order of ids */
	size_t count, room;
	unsigned last_id;
};

void breakpoints_done(struct breakpoints *breakpoints);
/* The first enabled one that matches an event in that turn, or NULL. */
struct session_breakpoint *breakpoints_match(struct session *session,
											 const struct trace_event *event, uint64_t turn);
/* Bits of the kinds at which one of them may stop. */
uint64_t breakpoints_kinds(const struct breakpoints *breakpoints);

/* ---- stepping.c -------------------------------------------------------- */

enum move_kind {
	MOVE_NONE,
	MOVE_EVENT,
	MOVE_TURN,
	MOVE_INTO,
	MOVE_OVER,
	MOVE_OUT,
	MOVE_DONE,
	MOVE_CONTINUE,
};

/* A move: what it looks for. */
struct move {
	enum move_kind kind;
	enum session_direction direction;
	uint64_t subject;     /* serial, of a logical step; 0: of anything */
	uint8_t subject_kind; /* enum coro_object_kind */
	uint64_t outer;       /* MOVE_OUT: the delegator; 0: there is none */
	bool to_awaiter;      /* MOVE_OUT: until a task that awaits the subject runs */
	uint64_t left;        /* MOVE_EVENT, MOVE_TURN: stops still to come */
};

/* Fills in a logical step of `subject`, which is called `who`, as things are in `world`. Returns 0,
 * or -EINVAL with a reason in `why`. */
int move_prepare(struct move *move, const struct world *world, enum move_kind kind,
				 enum session_direction direction, uint64_t subject, const char *who, char *why,
				 size_t room);
/* Who runs because the object is finished, as far as that can be told now: a task that awaits
 * it, directly or through a gather. 0: nobody. */
uint64_t move_heir(const struct world *world, uint64_t serial);
bool move_is_over(const struct world_object *object);
/* Whether `event`, after which `world` stands, is where the move stops. The World may be one of
 * the past: the answer depends on nothing else. */
bool move_stops(const struct move *move, const struct world *world,
				const struct trace_event *event);
/* Bits of the kinds of event at which it may stop: a superset. */
uint64_t move_kinds(const struct move *move);

/* ---- backtrace.c ------------------------------------------------------- */

struct inspector;
void inspector_free(struct inspector *inspector);

/* ---- session.c --------------------------------------------------------- */

struct session {
	struct trace *trace;     /* owned */
	struct target *target;   /* owned; NULL: a replay */
	struct symbols *symbols; /* owned */
	struct inspector *inspector; /* owned; NULL: no stack was asked for yet */
	struct world *world;     /* owned: at the playhead */
	uint64_t playhead;
	struct checkpoints checkpoints;
	struct breakpoints breakpoints;
	struct move move;  /* under way; MOVE_NONE: none */
	uint64_t origin;   /* where that move began */
	bool ran;          /* that move has let the program run */
	bool ended;        /* the program's end has been seen, and all of it is in the trace */
	uint64_t selected; /* serial; 0: follows */
	struct session_mark *marks; /* owned */
	size_t mark_count;
	int patience_ms;   /* 0: for ever */
	bool by_event;
	/* As session_poll() reported them last. */
	uint64_t seen_head;
	size_t seen_output;
	int seen_state;
	char why[256];
};

/* What session_why() tells from now on. */
void session_say(struct session *session, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#define _cleanup_(function) __attribute__((cleanup(function)))

#endif
