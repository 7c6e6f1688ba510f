/*
 * stacks.c - which recorded stack is the one at the playhead.
 *
 *     state        does it run?                              its stack is recorded behind
 *     created      no                                        its CREATE
 *     suspended    no                                        its last event
 *     delegating   until control has gone to its delegate    the event with which it went
 *     running      yes, unless whoever it resumed runs, or   the event with which it went
 *                  its greenlet waits to be switched to
 *     others       it has none
 *
 * Where an event came between (a note about a suspended body) it is looked for from the playhead
 * back. Its cseq says whether it is that of the body's last event. If not, events were lost, and
 * with them the stack: one that was recorded after a loss stands behind the last event before it.
 */
#include <tracer/stacks.h>

#include <errno.h>
#include "session_private.h"
#include "target_private.h"

/* ---- Recorded ---------------------------------------------------------- */

/* Whether `other` stands for control that has left `object`, which is RUNNING, and has not come
 * back. */
static bool has_control_of(const struct world *world, const struct world_object *other,
						   uint64_t serial)
{
	if (other->resumer != serial || other->unknown & WORLD_UNKNOWN_RESUMER)
		return false;
	if (other->kind == CORO_OBJECT_GREENLET || other->kind == CORO_OBJECT_TASKLET)
		return other->state != CORO_STATE_RUNNING && !world_is_over(world, other->serial);
	return world_state(world, other) == CORO_STATE_RUNNING;
}

/* Who has what control left a RUNNING body for; NULL: it has not. */
static const struct world_object *has_control(const struct world *world, uint64_t serial)
{
	const struct world_object *other = NULL;

	for (uint64_t after = 0; (other = world_next(world, after)); after = other->serial)
		if (has_control_of(world, other, serial))
			break;
	return other;
}

/* Behind which event the stack stands, or a few later; 0: not known. Returns 0, or why there is
 * none. */
static int when(const struct world *world, const struct world_object *object, uint64_t *ret)
{
	const struct world_object *other;

	*ret = object->changed_at;
	switch (object->state) {
	case CORO_STATE_CREATED:
	case CORO_STATE_SUSPENDED:
	case CORO_STATE_READY:
	case CORO_STATE_DELEGATING:
		return 0;
	case CORO_STATE_RUNNING:
		other = has_control(world, object->serial);
		if (!other)
			return -EBUSY;
		/* What was resumed with its last event; a greenlet left with it. */
		*ret = other->state == CORO_STATE_DELEGATING || other->kind == CORO_OBJECT_TASK
				   ? 0
				   : other->changed_at;
		return 0;
	default:
		return -ESRCH;
	}
}

/* Nothing that changes the stack can have come between it and what the World says. */
static bool is_of_now(struct trace *trace, const struct world_object *object,
					  const struct trace_stack *stack)
{
	struct trace_event event;

	if (stack->cseq == object->cseq)
		return true;
	return (int32_t)(stack->cseq - object->cseq) < 0 &&
		   (object->state == CORO_STATE_RUNNING ||
			(trace_event(trace, object->changed_at, &event) == 0 &&
			 event.prev != CORO_STATE_RUNNING));
}

int session_stack(struct session *session, uint64_t serial, struct trace_stack *ret)
{
	const struct world *world = session_world(session);
	const struct world_object *object = world_find(world, serial);
	struct trace *trace = session_trace(session);
	uint64_t n = session_playhead(session), from;
	int result;

	if (!object || !trace_object_is_body(object->kind))
		return -ESRCH;
	result = when(world, object, &from);
	if (result < 0)
		return result;
	result = from ? trace_find_stack_from(trace, serial, from, n, ret) : -ENOENT;
	if (result == 0 && ret->cseq != object->cseq) {
		trace_stack_done(ret);
		result = -ENOENT;
	}
	if (result != -ENOENT)
		return result;
	result = trace_find_stack(trace, serial, n, ret);
	if (result == 0 && object->state == CORO_STATE_DELEGATING && ret->cseq != object->cseq) {
		trace_stack_done(ret);
		return -EBUSY;
	}
	if (result == 0 && !is_of_now(trace, object, ret)) {
		trace_stack_done(ret);
		ret->why = TRACE_STACK_LOST;
	}
	return result;
}

/* ---- Live -------------------------------------------------------------- */

int session_row(struct session *session, uint64_t serial, uint32_t *ret)
{
	const struct world_object *object = world_find(session_world(session), serial);
	struct trace *trace = session_trace(session);
	const struct trace_row *rows;
	struct trace_event event;
	uint64_t after;
	size_t count;

	if (object && object->created_at && trace_event(trace, object->created_at, &event) == 0 &&
		event.row) {
		*ret = event.row;
		return 0;
	}
	for (size_t i = 0; trace_rows(trace, i, &after, &rows, &count) == 0; i++)
		for (size_t j = 0; j < count; j++)
			if (rows[j].serial == serial && rows[j].row) {
				*ret = rows[j].row;
				return 0;
			}
	return -ENOENT;
}

/* Takes the lock if there is a program. */
static int enter(struct target *target)
{
	pthread_mutex_lock(&target->lock);
	if (target->live && !target->ended)
		return 0;
	pthread_mutex_unlock(&target->lock);
	return -ESRCH;
}

static int leave(struct target *target, int result)
{
	pthread_mutex_unlock(&target->lock);
	return result;
}

int target_stack(struct target *target, uint32_t row, uint64_t serial, void *bytes, size_t room,
				 struct live_stack *ret)
{
	int result = enter(target);

	return result < 0 ? result
					  : leave(target, live_stack(target->live, row, serial, bytes, room, ret));
}

int target_object(struct target *target, uint32_t row, uint64_t *ret)
{
	int result = enter(target);

	return result < 0 ? result : leave(target, live_object(target->live, row, ret));
}

int target_gate_frame(struct target *target, unsigned ring, uint64_t *ret_sp)
{
	int result = enter(target);

	return result < 0 ? result : leave(target, live_gate_frame(target->live, ring, ret_sp));
}
