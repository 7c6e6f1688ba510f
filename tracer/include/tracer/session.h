#ifndef TRACER_SESSION_H
#define TRACER_SESSION_H
/*
 * session.h - the debugger: a trace, a playhead in it, perhaps a live program at its end.
 *
 * Every view and every command looks at the World at the playhead. Behind the head of
 * the trace, stepping moves only the playhead. At the head of a live session, stepping
 * asks the program's gate for one more event. So live and replay are one code path.
 *
 * Moving functions return 0 when they moved, -errno otherwise, with the reason in
 * session_why(): a sentence for the user ("this is the end of the recording",
 * "this is the first event", "the program has ended", ...).
 */
#include <stdbool.h>
#include <stdint.h>
#include "symbols.h"
#include "target.h"
#include "trace.h"
#include "world.h"

struct session;

struct session_options {
	uint64_t checkpoint_every; /* events between checkpoints in memory; 0: as is best */
	int patience_ms; /* how long a moving function waits for a program that runs without an
	                    event; 0: for ever. Then it returns -EINPROGRESS, and session_poll()
	                    goes on with the move */
	bool by_event;   /* a live program is run event by event in every move, not in all but
	                    `continue`: slower, and every piece of its output has its exact place */
};

/* A session on a finished trace, which it owns from now on. */
int session_replay(struct trace *trace, const struct session_options *options, struct session **ret);
/* A session on a live program, whose target and trace it owns from now on. */
int session_live(struct target *target, struct trace *trace, const struct session_options *options,
                 struct session **ret);
/* `kill`: a live program is killed; otherwise released, to run on by itself. */
void session_free(struct session *session, bool kill);

struct trace *session_trace(struct session *session);
struct symbols *session_symbols(struct session *session);
struct target *session_target(struct session *session); /* NULL: replay, or gone */
/* The World at the playhead. */
const struct world *session_world(struct session *session);
/* A copy of it, the caller's, which another thread may use; NULL: memory is out. */
struct world *session_copy_world(struct session *session);
uint64_t session_playhead(struct session *session);
/* Events known so far. */
uint64_t session_head(struct session *session);
bool session_is_live(struct session *session);   /* a program is at the end */
bool session_is_moving(struct session *session); /* a live program runs: the head grows */
const char *session_why(struct session *session); /* why the last call did not move */

/* ---- Moving ------------------------------------------------------------
 *
 * A move ends just after the event that it looks for, or just after one at which a
 * breakpoint stops it (session_event and session_goto pass breakpoints).
 * When there is no such event, a replay stays where it is and the move returns
 * -ENOENT; a live program has run to its end meanwhile, the playhead is there, and the move
 * returns 0. Either way session_why() tells. The exact meaning of each logical step stands in
 * tracer/control/stepping.c and docs/debugging.md.
 */

enum session_direction { SESSION_FORWARD, SESSION_BACKWARD };

/* To just after event n. Beyond the head, a live program is let run to there, event by event; when it
 * ends before, the playhead is at its end. */
int session_goto(struct session *session, uint64_t n);
int session_event(struct session *session, int64_t count); /* < 0: back */
int session_turn(struct session *session, int64_t count);  /* to just after the next TURN_BEGIN */
/* Logical steps of session_subject(). `into`: to where it, or what it delegates to or
 * resumes, next runs. `over`: until its current yield, await or yield from has come back to it;
 * while it runs: to its own next event. `out`: until its awaiter or delegator runs. `done`:
 * until it is finished. Backward: `into` to where it last ran; `over` to where that yield, await
 * or yield from began; `out` to where its awaiter or delegator gave it control; `done` to
 * its creation. */
int session_into(struct session *session, enum session_direction direction);
int session_over(struct session *session, enum session_direction direction);
int session_out(struct session *session, enum session_direction direction);
int session_done(struct session *session, enum session_direction direction);
/* To the next breakpoint, or the end. */
int session_continue(struct session *session, enum session_direction direction);
/* As session_continue forward, but returns at once: session_poll() goes on with it. */
int session_play(struct session *session);
void session_pause(struct session *session);
/* Takes in what has arrived, for a UI's loop; moves the playhead while playing.
 * Returns whether anything changed. */
bool session_poll(struct session *session);

/* ---- Selection --------------------------------------------------------- */

/* The selected object; 0: follows what the last event changed. A step into, over ... of
 * an object that is not selected is of the followed one. */
uint64_t session_selected(struct session *session);
int session_select(struct session *session, uint64_t serial); /* 0: follow again */
/* What a logical step is about: the selected object; while following, the body, task or loop
 * that the last event changed. When that event changed something else, or only created an
 * object or made it ready, it is the one that runs; and when that object is finished now, the one
 * that runs, or else a task that awaits the outcome. 0: nobody. */
uint64_t session_subject(struct session *session);

/* ---- Breakpoints ------------------------------------------------------- */

/* What an event must fulfil besides, as whoever sets the breakpoint sees it. */
struct session_condition {
	/* `turn` is the number of the loop's turn that the event is in. */
	bool (*holds)(const void *context, struct session *session, const struct trace_event *event,
	              uint64_t turn);
	void (*free)(void *context);
	void *context; /* owned by the breakpoint */
	char *text;    /* owned: how it was written */
};

struct session_breakpoint {
	unsigned id;
	uint8_t kind;     /* enum coro_event_kind; 0: any */
	char name[64];    /* glob on the changed object's name; "": any */
	bool enabled, once;
	uint64_t hits;
	struct session_condition condition; /* without holds: none */
};
/* Adds one; returns its id, or -errno. */
int session_break(struct session *session, uint8_t kind, const char *name, bool once);
/* With a condition, which it takes, also when it fails. */
int session_break_when(struct session *session, uint8_t kind, const char *name, bool once,
                       const struct session_condition *condition);
int session_delete_break(struct session *session, unsigned id);
/* In the order of ids: first with id > after; NULL at the end. */
const struct session_breakpoint *session_next_break(struct session *session, unsigned after);

/* ---- Marks ------------------------------------------------------------- */

struct session_mark {
	char name[32];
	uint64_t n;
};
/* Remembers the playhead under a name, anew if there is such a mark. -EINVAL: the name is empty
 * or too long. */
int session_mark(struct session *session, const char *name);
/* Moves to where that mark is. */
int session_goto_mark(struct session *session, const char *name);
/* The i-th, in the order of their making; NULL at the end. */
const struct session_mark *session_mark_at(struct session *session, size_t i);

/* ---- Searching --------------------------------------------------------- */

/* The next event in that direction whose line (text.h) contains `text`, without regard to
 * case; moves there. */
int session_find(struct session *session, const char *text, enum session_direction direction);
/* The same in slices, for who must not wait: looks at `most` events beyond *n, which is the playhead at
 * first and moves on. -EINPROGRESS: there are more. */
int session_find_on(struct session *session, const char *text, enum session_direction direction,
                    uint64_t *n, uint64_t most);

/* ---- Keeping ----------------------------------------------------------- */

/* A copy of the trace so far, with its places and sources, as a file of its own. */
int session_save(struct session *session, const char *path);
/* Puts every place that the trace's events name, and the sources, into the trace. */
int session_resolve_trace(struct trace *trace, struct symbols *symbols);
/* The end of a recording: resolves, appends checkpoints, and finishes the trace with the
 * program's status (as from waitpid). */
int session_complete_trace(struct trace *trace, struct symbols *symbols, int status);
/* The same without the end. *ret is the World after the last event, the caller's; NULL when it could
 * not be kept. */
int session_fold_trace(struct trace *trace, struct symbols *symbols, struct world **ret);

#endif
