/*
 * stepping.c - where each kind of move stops.
 *
 * A move looks at one event after the other, forward or backward, and asks of each: is it here?
 * The answer depends on the event and on the World just after it, on nothing else. So a
 * step finds the same place in a recording and in a program that is only now running
 * there, and a step backward is the same question asked of the past.
 *
 *     event      2      4          5      6       7      8        9            10
 *     general    next   delegate                                  undelegate   yield
 *     internal                     next   yield   send   return
 *
 *     over of general      2 -> 4 -> 9 -> 10
 *     into of general      2 -> 5 -> 7 -> 9
 *     out of general       2 -> 6, 7 -> 10
 *     out of internal      5 -> 9
 *     done of internal     5 -> 8
 *
 * The subject of a step is one object. What counts:
 *
 *   runs       an event that makes it RUNNING when it was not: next, send, throw,
 *              close; undelegate of a body that goes on; step of a task; turn_begin of a loop
 *   own step   an event of its own row that is a step of it, and not only something that
 *              happens to it: for a task neither wake nor ready nor cancel, but ready by
 *              which it gives way (sleep(0)); for nothing a note
 *   finished   an event after which it is done, failed, cancelled, closed or gone
 *
 *   into       the subject, or one below it in its chain (what it delegates to, the
 *              coroutine that it drives), or one that it resumes, runs. Or it is finished.
 *   over       an own step of the subject. While it is suspended or delegates, its next own
 *              step is by definition the end of that yield, await or yield from.
 *   into, over without a subject: anybody but a loop runs.
 *   out        with a delegator: that one runs, or is finished.
 *              of a task, its coroutine, or a future: a task that awaits it, also through
 *              a gather, is stepped because of it. Or it is finished and nobody awaits it.
 *              of a generator that is resumed by next() or send(): it gives control
 *              back: it, or the one at the end of its chain, yields; or it is finished.
 *   done       it is finished.
 *   turn       turn_begin.
 *
 * Backward, the stop is where the same thing was done before; for `out`, where control was
 * handed in: the delegate of its delegator, the await of its awaiter, or its own resume; for
 * `done`, its creation. And none goes back beyond the creation of its subject.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "session_private.h"

#define CHAIN_MOST    100000 /* levels of a chain that are followed: it may be a cycle */
#define CHILDREN_MOST 1024

static bool is_over(unsigned state)
{
	return state == CORO_STATE_DONE || state == CORO_STATE_FAILED ||
		   state == CORO_STATE_CANCELLED || state == CORO_STATE_CLOSED;
}

static bool runs(const struct trace_event *event)
{
	return event->next == CORO_STATE_RUNNING && event->prev != CORO_STATE_RUNNING;
}

/* To whom, is not the body's to say; a greenlet says it, and a tasklet's is the next. */
static bool gives_control_away(const struct trace_event *event)
{
	return event->kind == CORO_EVENT_YIELD || event->kind == CORO_EVENT_GREENLET_LEAVE ||
		   (event->object_kind == CORO_OBJECT_TASKLET && event->prev == CORO_STATE_RUNNING);
}

static bool is_finished(const struct trace_event *event, uint64_t serial)
{
	return event->co == serial && (is_over(event->next) || event->next == CORO_STATE_NONE);
}

static bool is_created(const struct trace_event *event, uint64_t serial)
{
	return event->co == serial && event->prev == CORO_STATE_NONE;
}

static bool is_own_step(const struct trace_event *event, uint64_t serial)
{
	if (event->co != serial)
		return false;
	switch (event->kind) {
	case CORO_EVENT_NOTE:
	case CORO_EVENT_WAKE:
	case CORO_EVENT_CANCEL:
	case CORO_EVENT_AWAIT_CHILD:
	case CORO_EVENT_CHANNEL_WAIT:
	case CORO_EVENT_GREENLET_PARENT:
		return false;
	case CORO_EVENT_READY:
		return event->prev == CORO_STATE_RUNNING;
	}
	return true;
}

/* Whether `serial` is `top` or stands below it in its chain. */
static bool is_within(const struct world *world, uint64_t serial, uint64_t top)
{
	for (unsigned level = 0; level < CHAIN_MOST && serial; level++) {
		const struct world_object *object;

		if (serial == top)
			return true;
		object = world_find(world, serial);
		if (!object)
			return false;
		serial = world_above(world, object);
	}
	return false;
}

static bool is_child(const struct world *world, uint64_t parent, uint64_t child)
{
	uint64_t children[CHILDREN_MOST];
	size_t count = world_children(world, parent, children, CHILDREN_MOST);

	for (size_t i = 0; i < count && i < CHILDREN_MOST; i++) {
		if (children[i] == child)
			return true;
	}
	return false;
}

/* Whether a task that waits now will be woken by the end of `serial`. */
static bool is_awaited(const struct world *world, uint64_t serial)
{
	uint64_t one;

	if (world_awaiters(world, serial, &one, 1) > 0)
		return true;
	for (uint64_t parent = world_next_parent(world, 0); parent;
		 parent = world_next_parent(world, parent))
		if (world_find(world, parent)->state == CORO_STATE_PENDING &&
			is_child(world, parent, serial))
			return true;
	return false;
}

/* Whether the task that this event steps runs because `serial` is done. */
static bool is_step_because_of(const struct world *world, const struct trace_event *event,
							   uint64_t serial)
{
	const struct world_object *task;

	if (event->kind != CORO_EVENT_STEP)
		return false;
	task = world_find(world, event->co);
	if (!task || !task->woken_by)
		return false;
	return task->woken_by == serial || is_child(world, task->woken_by, serial);
}

/* Whether somebody outside its chain resumes `serial`, itself or through its delegates. What a
 * delegation begins with by itself, the first next() of a fresh delegate, is not that. */
static bool is_resume_from_outside(const struct world *world, const struct trace_event *event,
								   uint64_t serial)
{
	if (!runs(event) || event->kind == CORO_EVENT_UNDELEGATE)
		return false;
	if (event->co == serial)
		return true;
	return event->prev != CORO_STATE_CREATED && is_within(world, event->co, serial) &&
		   !is_within(world, event->peer, serial);
}

static bool stops_out(const struct move *move, const struct world *world,
					  const struct trace_event *event)
{
	bool back = move->direction == SESSION_BACKWARD;

	if (move->outer) {
		if (back)
			return event->kind == CORO_EVENT_DELEGATE && event->co == move->outer &&
				   event->peer == move->subject;
		return (event->co == move->outer && runs(event)) || is_finished(event, move->outer);
	}
	if (move->to_awaiter) {
		if (back)
			return event->kind == CORO_EVENT_AWAIT &&
				   (event->peer == move->subject || is_child(world, event->peer, move->subject));
		return is_step_because_of(world, event, move->subject) ||
			   (is_finished(event, move->subject) && !is_awaited(world, move->subject));
	}
	if (back)
		return is_resume_from_outside(world, event, move->subject);
	if (gives_control_away(event))
		return is_within(world, event->co, move->subject);
	return is_finished(event, move->subject);
}

static bool stops_into(const struct move *move, const struct world *world,
					   const struct trace_event *event)
{
	if (!move->subject)
		return runs(event) && event->object_kind != CORO_OBJECT_LOOP;
	if (move->direction == SESSION_FORWARD && is_finished(event, move->subject))
		return true;
	if (!trace_object_is_body(move->subject_kind) && move->subject_kind != CORO_OBJECT_TASK &&
		move->subject_kind != CORO_OBJECT_LOOP)
		return is_own_step(event, move->subject);
	if (!runs(event))
		return false;
	return (event->peer == move->subject && event->kind != CORO_EVENT_UNDELEGATE) ||
		   is_within(world, event->co, move->subject);
}

bool move_stops(const struct move *move, const struct world *world, const struct trace_event *event)
{
	if (move->subject && move->direction == SESSION_BACKWARD && is_created(event, move->subject))
		return true;
	switch (move->kind) {
	case MOVE_EVENT:
		return true;
	case MOVE_TURN:
		return event->kind == CORO_EVENT_TURN_BEGIN;
	case MOVE_INTO:
		return stops_into(move, world, event);
	case MOVE_OVER:
		return move->subject ? is_own_step(event, move->subject) : stops_into(move, world, event);
	case MOVE_OUT:
		return stops_out(move, world, event);
	case MOVE_DONE:
		return move->direction == SESSION_FORWARD && is_finished(event, move->subject);
	case MOVE_NONE:
	case MOVE_CONTINUE:
		break;
	}
	return false;
}

#define BIT(NAME) (UINT64_C(1) << CORO_EVENT_##NAME)
#define RESUMES                                                                                    \
	(BIT(NEXT) | BIT(SEND) | BIT(THROW) | BIT(CLOSE) | BIT(UNDELEGATE) | BIT(STEP) |               \
	 BIT(GREENLET_ENTER))
#define GIVES_AWAY (BIT(YIELD) | BIT(GREENLET_LEAVE) | BIT(AWAIT) | BIT(READY))
#define ENDS                                                                                       \
	(BIT(RETURN) | BIT(RAISE) | BIT(THROW) | BIT(CLOSE) | BIT(DONE) | BIT(FUTURE_SET) |            \
	 BIT(TIMER_FIRE) | BIT(TIMER_CANCEL) | BIT(DESTROY))

uint64_t move_kinds(const struct move *move)
{
	switch (move->kind) {
	case MOVE_TURN:
		return BIT(TURN_BEGIN);
	case MOVE_INTO:
		if (!move->subject || trace_object_is_body(move->subject_kind) ||
			move->subject_kind == CORO_OBJECT_TASK)
			return RESUMES | ENDS;
		break;
	case MOVE_OVER:
		if (!move->subject)
			return RESUMES | ENDS;
		if (trace_object_is_body(move->subject_kind))
			return RESUMES | ENDS | GIVES_AWAY | BIT(DELEGATE);
		if (move->subject_kind == CORO_OBJECT_TASK)
			return BIT(STEP) | BIT(AWAIT) | BIT(READY) | ENDS;
		break;
	case MOVE_OUT:
		return RESUMES | ENDS | GIVES_AWAY;
	case MOVE_DONE:
		if (trace_object_is_body(move->subject_kind) || move->subject_kind == CORO_OBJECT_TASK ||
			move->subject_kind == CORO_OBJECT_FUTURE)
			return ENDS;
		break;
	case MOVE_NONE:
	case MOVE_CONTINUE:
		return 0;
	case MOVE_EVENT:
		break;
	}
	return ~UINT64_C(0);
}

bool move_is_over(const struct world_object *object)
{
	return is_over(object->state);
}

uint64_t move_heir(const struct world *world, uint64_t serial)
{
	uint64_t heir;

	if (world_awaiters(world, serial, &heir, 1) > 0)
		return heir;
	for (uint64_t parent = world_next_parent(world, 0); parent;
		 parent = world_next_parent(world, parent))
		if (is_child(world, parent, serial) && world_awaiters(world, parent, &heir, 1) > 0)
			return heir;
	return 0;
}

/* Whom `out` leads to: see the explanation above. */
static int prepare_out(struct move *move, const struct world *world,
					   const struct world_object *object, char *why, size_t room)
{
	const struct world_object *above = world_find(world, world_above(world, object));

	if (trace_object_is_body(object->kind) && above && trace_object_is_body(above->kind)) {
		move->outer = above->serial;
		return 0;
	}
	if (trace_object_is_body(object->kind) && !above)
		return 0;
	if (trace_object_is_body(object->kind)) {
		move->subject = above->serial;
		move->subject_kind = above->kind;
	} else if (object->kind != CORO_OBJECT_TASK && object->kind != CORO_OBJECT_FUTURE) {
		snprintf(why, room, "a %s is not awaited: there is nothing to step out to",
				 trace_object_kind_name(object->kind));
		return -EINVAL;
	}
	move->to_awaiter = true;
	return 0;
}

int move_prepare(struct move *move, const struct world *world, enum move_kind kind,
				 enum session_direction direction, uint64_t subject, const char *who, char *why,
				 size_t room)
{
	const struct world_object *object = subject ? world_find(world, subject) : NULL;

	memset(move, 0, sizeof(*move));
	move->kind = kind;
	move->direction = direction;
	if (!subject && (kind == MOVE_INTO || kind == MOVE_OVER))
		return 0;
	if (!subject) {
		snprintf(why, room, "nothing runs here: select an object first, or step by event");
		return -EINVAL;
	}
	if (!object) {
		snprintf(why, room, "object #%llu does not exist at this event",
				 (unsigned long long)subject);
		return -EINVAL;
	}
	move->subject = subject;
	move->subject_kind = object->kind;
	if (direction == SESSION_FORWARD && is_over(object->state)) {
		snprintf(why, room, "%s is finished: it does not run again", who);
		return -EINVAL;
	}
	if (kind == MOVE_OUT)
		return prepare_out(move, world, object, why, room);
	return 0;
}
