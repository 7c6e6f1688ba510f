/*
 * moves.c - the playhead, and the program at the end of the trace.
 *
 *      1 ................ playhead ............ head | the program, at its gate
 *                            |<-- apply -->|         |
 *      <------ seek ---------+                       +--- ask for one more event
 *
 * A move goes forward by one loop, advance(): it applies the events that are known, and asks
 * of each whether the move stops there (stepping.c, breakpoints.c). At the head it asks the
 * gate for more: for one event, or for all up to one whose kind is such that the move may stop
 * there. As the gate stops exactly after that event, no move passes its goal.
 *
 * While the program computes or sleeps there is nothing to apply. The move then stays
 * under way, and session_poll() goes on with it.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <tracer/text.h>
#include "session_private.h"

#define SLICE_MS      50   /* between two looks at what has arrived, while waiting */
#define EVENTS_A_POLL 4096 /* that session_poll applies at most */
#define BATCH         32   /* events that are read at once */
#define NEAR          256  /* a seek keeps a World so many events before its end */

/* ---- The playhead ------------------------------------------------------ */

/* The World is at the next event, and now the playhead, if `r` does not say that it could not. What
 * was there then without an event belongs to it: whoever seeks to here sees it too. */
static int move_on(struct session *session, int r)
{
	if (r < 0) {
		session_say(session, "event %llu cannot be shown: %s",
					(unsigned long long)session->playhead + 1, strerror(-r));
		return r;
	}
	session->playhead++;
	checkpoints_offer(&session->checkpoints, session->playhead, session->world);
	return adopt_present(session->world, session->trace, session->playhead);
}

/* Applies event `playhead + 1`. One that cannot be read (a damaged chunk) is passed: the
 * World counts what is missing by itself. */
static int apply_next(struct session *session, struct trace_event *ret)
{
	int r = trace_event(session->trace, session->playhead + 1, ret);

	if (r == -EBADMSG || r == -ENOENT) {
		memset(ret, 0, sizeof(*ret));
		return move_on(session, 0);
	}
	return move_on(session, r < 0 ? r : world_apply(session->world, ret));
}

/* Applies the events up to n. */
static int apply_up_to(struct session *session, uint64_t n)
{
	struct trace_event events[BATCH];
	int r = adopt_present(session->world, session->trace, session->playhead);

	while (r >= 0 && session->playhead < n) {
		uint64_t left = n - session->playhead;
		int count = trace_events(session->trace, session->playhead + 1, events,
								 left < BATCH ? (unsigned)left : BATCH);

		if (count < 0)
			r = apply_next(session, events);
		for (int i = 0; r >= 0 && i < count; i++)
			r = move_on(session, world_apply(session->world, &events[i]));
	}
	return r;
}

/* Brings the playhead to n, from where it is or from the nearest checkpoint. */
static int seek(struct session *session, uint64_t n)
{
	bool far = n > session->playhead && n - session->playhead > session->checkpoints.spacing;

	if (n < session->playhead || far) {
		struct world *world;
		uint64_t at;
		int r = checkpoints_world(&session->checkpoints, session->trace, n, &at, &world);

		if (r < 0)
			return r;
		if (n < session->playhead || at > session->playhead) {
			world_free(session->world);
			session->world = world;
			session->playhead = at;
		} else {
			world_free(world);
		}
	}
	/* The next step may be one back: that shall not come all the way. */
	if (n - session->playhead > NEAR) {
		int r = apply_up_to(session, n - NEAR);

		if (r < 0)
			return r;
		checkpoints_keep(&session->checkpoints, session->playhead, session->world);
	}
	return apply_up_to(session, n);
}

static void hit(struct session *session, struct session_breakpoint *breakpoint)
{
	breakpoint->hits++;
	session_say(session, "breakpoint %u", breakpoint->id);
	if (breakpoint->once)
		session_delete_break(session, breakpoint->id);
}

static bool heeds_breakpoints(const struct move *move)
{
	return move->kind != MOVE_EVENT && move->kind != MOVE_NONE;
}

/* ---- Backward ---------------------------------------------------------- */

/* The last event before the playhead at which the move stops, or 0. The past is searched in
 * stretches from one checkpoint to the next, each of them forward. */
static int search_backward(struct session *session, uint64_t *ret, bool *ret_breakpoint)
{
	uint64_t below = session->playhead ? session->playhead - 1 : 0;

	while (below > 0) {
		uint64_t at, found = 0;
		bool by_breakpoint = false;
		struct world *world;
		struct trace_event event;
		int r = checkpoints_world(&session->checkpoints, session->trace, below - 1, &at, &world);

		if (r < 0)
			return r;
		r = adopt_present(world, session->trace, at);
		for (uint64_t n = at + 1; r >= 0 && n <= below; n++) {
			if (trace_event(session->trace, n, &event) < 0)
				continue;
			r = world_apply(world, &event);
			if (r >= 0)
				r = adopt_present(world, session->trace, n);
			if (r >= 0 && heeds_breakpoints(&session->move) &&
				breakpoints_match(session, &event, world_turn(world))) {
				found = n;
				by_breakpoint = true;
			} else if (r >= 0 && move_stops(&session->move, world, &event)) {
				found = n;
				by_breakpoint = false;
			}
		}
		world_free(world);
		if (r < 0)
			return r;
		if (found) {
			*ret = found;
			*ret_breakpoint = by_breakpoint;
			return 0;
		}
		below = at;
	}
	*ret = 0;
	return 0;
}

static int no_earlier(struct session *session)
{
	static const char *const sentence[] = {
		[MOVE_NONE] = "",
		[MOVE_EVENT] = "this is the first event",
		[MOVE_TURN] = "there is no earlier turn",
		[MOVE_INTO] = "it did not run before",
		[MOVE_OVER] = "it did nothing before",
		[MOVE_OUT] = "nobody gave it control before",
		[MOVE_DONE] = "this is where it was created",
		[MOVE_CONTINUE] = "this is the start",
	};

	if (session->move.kind == MOVE_TURN && world_turn(session->world) == 0)
		session_say(session, "there is no turn of an event loop before this");
	else
		session_say(session, "%s", sentence[session->move.kind]);
	return -ENOENT;
}

static int go_back(struct session *session)
{
	uint64_t found = 0;
	bool by_breakpoint = false;
	int r = search_backward(session, &found, &by_breakpoint);

	if (r < 0)
		return r;
	if (found) {
		struct trace_event event;

		r = seek(session, found);
		if (r >= 0 && by_breakpoint && trace_event(session->trace, found, &event) >= 0) {
			struct session_breakpoint *breakpoint =
				breakpoints_match(session, &event, world_turn(session->world));

			if (breakpoint)
				hit(session, breakpoint);
		}
		return r;
	}
	no_earlier(session);
	if (session->move.kind != MOVE_CONTINUE || session->playhead == 0)
		return -ENOENT;
	return seek(session, 0);
}

/* ---- Forward ----------------------------------------------------------- */

/* What there is to say of the end of the trace. */
static void describe_end(struct session *session, char *room, size_t size)
{
	int status;

	if (!session->target && trace_torn(session->trace))
		snprintf(room, size, "the recording breaks off here");
	else if (!session->target)
		snprintf(room, size, "this is the end of the recording");
	else if (!trace_ended(session->trace, &status))
		snprintf(room, size, "the program has ended");
	else if (WIFSIGNALED(status))
		snprintf(room, size, "the program was killed by signal %d (%s)", WTERMSIG(status),
				 strsignal(WTERMSIG(status)));
	else
		snprintf(room, size, "the program has ended with exit status %d", WEXITSTATUS(status));
}

/* The forward move has found no stop up to the end. */
static int no_later(struct session *session)
{
	static const char *const sentence[] = {
		[MOVE_INTO] = "it does not run again",
		[MOVE_OVER] = "it does nothing more",
		[MOVE_OUT] = "nobody takes over from it",
		[MOVE_DONE] = "it is never finished",
	};
	enum move_kind kind = session->move.kind;
	char end[128];

	describe_end(session, end, sizeof(end));
	if (kind == MOVE_TURN && world_turn(session->world) == 0)
		session_say(session, "%s: it has no event loop, so there are no turns", end);
	else if (kind == MOVE_TURN)
		session_say(session, "%s: there is no later turn", end);
	else if (kind == MOVE_EVENT || kind == MOVE_CONTINUE)
		session_say(session, "%s", end);
	else
		session_say(session, "%s: %s", end,
					session->move.subject ? sentence[kind] : "nothing runs any more");
	if (kind != MOVE_EVENT && kind != MOVE_CONTINUE && !session->ran) {
		int r = seek(session, session->origin);

		return r < 0 ? r : -ENOENT;
	}
	return session->playhead > session->origin ? 0 : -ENOENT;
}

/* The event was just applied: whether the move stops at it. */
static bool stops_here(struct session *session, const struct trace_event *event)
{
	struct move *move = &session->move;

	if (heeds_breakpoints(move)) {
		struct session_breakpoint *breakpoint =
			breakpoints_match(session, event, world_turn(session->world));

		if (breakpoint) {
			hit(session, breakpoint);
			return true;
		}
	}
	if (!move_stops(move, session->world, event))
		return false;
	return move->left <= 1 || --move->left == 0;
}

static void note_end(struct session *session)
{
	if (!session_is_live(session) || target_state(session->target) != TARGET_EXITED ||
		target_settle(session->target, 0) < 0)
		return;
	session_resolve_trace(session->trace, session->symbols);
	trace_finish(session->trace, target_status(session->target));
	session->ended = true;
}

/* Lets the paused program go on towards the move's stop. */
static void let_run(struct session *session)
{
	const struct move *move = &session->move;
	uint64_t kinds = move_kinds(move);

	if (heeds_breakpoints(move))
		kinds |= breakpoints_kinds(&session->breakpoints);
	session->ran = true;
	/* One event at a time, what the program writes has its exact place between them. */
	if (session->by_event || move->kind != MOVE_CONTINUE || kinds == ~UINT64_C(0))
		target_step(session->target, 1);
	else
		target_continue(session->target, kinds);
}

/* At the head, and the program lives: waits for more, `wait_ms` at most (< 0: for ever).
 * Returns false when there is nothing yet. */
static bool wait_for_more(struct session *session, int wait_ms)
{
	struct target *target = session->target;
	int waited = 0;

	for (;;) {
		int slice = wait_ms < 0 || wait_ms - waited > SLICE_MS ? SLICE_MS : wait_ms - waited;

		if (target_state(target) == TARGET_PAUSED && target_settle(target, 0) >= 0) {
			if (trace_count(session->trace) > session->playhead)
				return true;
			let_run(session);
		}
		target_settle(target, slice);
		note_end(session);
		if (session->ended || trace_count(session->trace) > session->playhead)
			return true;
		waited += slice;
		if (wait_ms >= 0 && waited >= wait_ms)
			return false;
	}
}

/* The stop has been reached: lets what belongs to it arrive, such as what the program
 * writes before its next event. */
static void arrive(struct session *session)
{
	if (!session_is_live(session) || session->playhead < trace_count(session->trace))
		return;
	target_settle(session->target, session->patience_ms ? SLICE_MS : -1);
	symbols_add_modules(session->symbols, target_pid(session->target));
	note_end(session);
}

/* Goes on with the forward move, over at most `most` events. Returns 0 when it has arrived,
 * -EINPROGRESS when it has not yet, -errno when there is nowhere to arrive. */
static int advance(struct session *session, int wait_ms, uint64_t most)
{
	struct trace_event event;
	int r = adopt_present(session->world, session->trace, session->playhead);

	if (r < 0)
		return r;
	for (;;) {
		uint64_t head = trace_count(session->trace);

		while (session->playhead < head) {
			if (most-- == 0)
				return -EINPROGRESS;
			r = apply_next(session, &event);
			if (r < 0)
				return r;
			if (stops_here(session, &event)) {
				arrive(session);
				return 0;
			}
		}
		note_end(session);
		if (trace_count(session->trace) > session->playhead)
			continue;
		if (!session_is_live(session))
			return no_later(session);
		r = target_error(session->target);
		if (r < 0) {
			session_say(session,
						"the trace cannot be written any more (%s): the program runs on alone",
						strerror(-r));
			return r;
		}
		if (!wait_for_more(session, wait_ms))
			return -EINPROGRESS;
	}
}

/* ---- Moves ------------------------------------------------------------- */

/* Ends the move that is under way, if there is one. */
static void abandon(struct session *session)
{
	bool ran = session->move.kind != MOVE_NONE && session->ran;

	session->move.kind = MOVE_NONE;
	session->ran = false;
	if (ran && session_is_live(session))
		target_pause(session->target);
}

static int go(struct session *session, const struct move *move)
{
	int r;

	abandon(session);
	session->why[0] = 0;
	session->move = *move;
	session->origin = session->playhead;
	if (move->direction == SESSION_BACKWARD) {
		r = go_back(session);
	} else {
		r = advance(session, session->patience_ms ? session->patience_ms : -1, UINT64_MAX);
		if (r == -EINPROGRESS) {
			session_say(session, "the program is running, and has not come there yet");
			return r;
		}
	}
	session->move.kind = MOVE_NONE;
	return r;
}

/* To an event that the program has not come to yet. */
static int go_beyond(struct session *session, uint64_t n)
{
	int r = seek(session, trace_count(session->trace));

	if (r < 0)
		return r;
	return go(session, &(struct move){.kind = MOVE_EVENT, .left = n - session->playhead});
}

int session_goto(struct session *session, uint64_t n)
{
	uint64_t head = trace_count(session->trace);

	abandon(session);
	session->why[0] = 0;
	if (n <= head)
		return seek(session, n);
	if (session_is_live(session))
		return go_beyond(session, n);
	session_say(session, "there is no event %llu: the last one is %llu", (unsigned long long)n,
				(unsigned long long)head);
	return -ENOENT;
}

int session_event(struct session *session, int64_t count)
{
	struct move move = {.kind = MOVE_EVENT, .left = (uint64_t)count};

	if (count > 0)
		return go(session, &move);
	if (count == 0)
		return 0;
	if (session->playhead == 0) {
		session_say(session, "this is the start, before the first event");
		return -ENOENT;
	}
	if ((uint64_t)-count >= session->playhead)
		return session_goto(session, 0);
	return session_goto(session, session->playhead - (uint64_t)-count);
}

int session_turn(struct session *session, int64_t count)
{
	struct move move = {.kind = MOVE_TURN, .left = (uint64_t)count};
	uint64_t origin = session->playhead;

	if (count >= 0)
		return count ? go(session, &move) : 0;
	move.direction = SESSION_BACKWARD;
	move.left = 1;
	for (int64_t i = 0; i > count; i--) {
		int r = go(session, &move);

		if (r < 0)
			return session->playhead < origin ? 0 : r;
		if (session->why[0])
			return 0;
	}
	return 0;
}

static void done_text(struct text *text)
{
	text_done(text);
}

static int logical_step(struct session *session, enum move_kind kind,
						enum session_direction direction)
{
	_cleanup_(done_text) struct text who = {0};
	const struct world_object *changed = world_changed(session->world);
	uint64_t subject = session_subject(session);
	struct move move;
	int r;

	session->why[0] = 0;
	/* What is finished has only a past. */
	if (direction == SESSION_BACKWARD && !session->selected && changed && move_is_over(changed))
		subject = changed->serial;
	text_add_object(&who, session, subject);
	r = move_prepare(&move, session->world, kind, direction, subject, text_string(&who),
					 session->why, sizeof(session->why));
	return r < 0 ? r : go(session, &move);
}

int session_into(struct session *session, enum session_direction direction)
{
	return logical_step(session, MOVE_INTO, direction);
}

int session_over(struct session *session, enum session_direction direction)
{
	return logical_step(session, MOVE_OVER, direction);
}

int session_out(struct session *session, enum session_direction direction)
{
	return logical_step(session, MOVE_OUT, direction);
}

int session_done(struct session *session, enum session_direction direction)
{
	return logical_step(session, MOVE_DONE, direction);
}

int session_continue(struct session *session, enum session_direction direction)
{
	struct move move = {.kind = MOVE_CONTINUE, .direction = direction};

	return go(session, &move);
}

int session_play(struct session *session)
{
	abandon(session);
	session->why[0] = 0;
	session->move = (struct move){.kind = MOVE_CONTINUE};
	session->origin = session->playhead;
	session_poll(session);
	return 0;
}

void session_pause(struct session *session)
{
	bool was_playing = session->move.kind == MOVE_CONTINUE && session->ran;

	abandon(session);
	if (!session_is_live(session))
		return;
	target_pause(session->target);
	target_settle(session->target, SLICE_MS);
	note_end(session);
	if (was_playing)
		seek(session, trace_count(session->trace));
}

bool session_poll(struct session *session)
{
	uint64_t playhead = session->playhead, head;
	bool had_ended = session->ended;
	size_t output;
	int state;
	bool changed;

	if (session_is_live(session))
		target_attend(session->target);
	if (session->move.kind != MOVE_NONE) {
		int r;

		session->why[0] = 0;
		r = advance(session, 0, EVENTS_A_POLL);
		if (r != -EINPROGRESS)
			session->move.kind = MOVE_NONE;
	}
	note_end(session);
	adopt_present(session->world, session->trace, session->playhead);
	head = trace_count(session->trace);
	output = trace_output_count(session->trace);
	state = session_is_live(session) ? (int)target_state(session->target) : TARGET_EXITED;
	changed = playhead != session->playhead || had_ended != session->ended ||
			  head != session->seen_head || output != session->seen_output ||
			  state != session->seen_state;
	session->seen_head = head;
	session->seen_output = output;
	session->seen_state = state;
	return changed;
}

/* ---- Searching --------------------------------------------------------- */

int session_find_on(struct session *session, const char *text, enum session_direction direction,
					uint64_t *n, uint64_t most)
{
	_cleanup_(done_text) struct text line = {0};
	uint64_t head = trace_count(session->trace);
	struct trace_event event;

	abandon(session);
	session->why[0] = 0;
	while (direction == SESSION_FORWARD ? *n < head : *n > 1) {
		if (most-- == 0)
			return -EINPROGRESS;
		*n = direction == SESSION_FORWARD ? *n + 1 : *n - 1;
		if (trace_event(session->trace, *n, &event) < 0)
			continue;
		text_clear(&line);
		text_add_event(&line, session, &event);
		if (strcasestr(text_string(&line), text))
			return seek(session, *n);
	}
	session_say(session, "no %s event%s has \"%.100s\"",
				direction == SESSION_FORWARD ? "later" : "earlier",
				direction == SESSION_FORWARD && session_is_live(session) ? " so far" : "", text);
	return -ENOENT;
}

int session_find(struct session *session, const char *text, enum session_direction direction)
{
	uint64_t n = session->playhead;

	return session_find_on(session, text, direction, &n, UINT64_MAX);
}
