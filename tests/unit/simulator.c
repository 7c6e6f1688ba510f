/*
 * simulator.c - random programs: generators, delegation, tasks, futures.
 *
 * One event at a time. What must follow the last event at once (UNDELEGATE after a delegate's
 * end, the resume after DELEGATE, AWAIT after the leaf's yield) comes first; else, whoever has
 * control does something at random.
 */
#include <string.h>
#include "simulator.h"

unsigned simulator_random(struct simulator *simulator, unsigned limit)
{
	simulator->random = simulator->random * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(simulator->random >> 33) % limit;
}

void simulator_init(struct simulator *simulator, uint64_t seed)
{
	memset(simulator, 0, sizeof(*simulator));
	simulator->random = seed * 7919 + 17;
}

uint64_t simulator_object(struct simulator *simulator, unsigned kind)
{
	struct simulated *object = &simulator->objects[++simulator->count];

	object->serial = simulator->count;
	object->kind = (uint8_t)kind;
	return object->serial;
}

static bool binds(unsigned kind)
{
	return kind == CORO_EVENT_CREATE || kind == CORO_EVENT_SPAWN || kind == CORO_EVENT_FUTURE_NEW ||
		   kind == CORO_EVENT_TIMER_SET || kind == CORO_EVENT_IO_REGISTER;
}

const struct trace_event *simulator_emit(struct simulator *simulator, unsigned kind, uint64_t co,
										 unsigned next, uint64_t peer)
{
	struct simulated *object = &simulator->objects[co];
	struct trace_event *event = &simulator->event;

	memset(event, 0, sizeof(*event));
	event->n = ++simulator->n;
	event->t = simulator->t += simulator_random(simulator, 1000);
	event->kind = (uint8_t)kind;
	event->prev = object->state;
	event->next = (uint8_t)next;
	event->cseq = ++object->cseq;
	event->co = co;
	event->peer = peer;
	event->object_kind = object->kind;
	event->name = (uint32_t)(co % 7);
	event->site = simulator_random(simulator, 3) ? (uint32_t)(1000 + simulator->n) : 0;
	if (binds(kind)) {
		event->flags |= CORO_SLOT_BIND;
		event->bind.serial = co;
		event->bind.kind = object->kind;
		event->bind.name = event->name;
		event->bind.site = (uint32_t)co;
	}
	if (simulator_random(simulator, 2)) {
		event->value.kind = CORO_VALUE_INT;
		event->value.integer = (int64_t)simulator->n;
	}
	object->state = (uint8_t)next;
	return event;
}

/* ---- What the truth is ------------------------------------------------- */

static uint64_t top(const struct simulator *simulator)
{
	return simulator->depth ? simulator->control[simulator->depth - 1] : 0;
}

static bool in_control_stack(const struct simulator *simulator, uint64_t serial)
{
	for (unsigned i = 0; i < simulator->depth; i++)
		if (simulator->control[i] == serial)
			return true;
	return false;
}

uint64_t simulator_running(const struct simulator *simulator)
{
	if (simulator->finished)
		return simulator->objects[simulator->finished].delegator;
	return simulator->started ? simulator->started : top(simulator);
}

static uint64_t leaf_of(const struct simulator *simulator, uint64_t serial)
{
	while (simulator->objects[serial].state == CORO_STATE_DELEGATING)
		serial = simulator->objects[serial].delegate;
	return serial;
}

unsigned simulator_state(const struct simulator *simulator, uint64_t serial)
{
	uint64_t body = serial;

	if (simulator->objects[serial].state != CORO_STATE_DELEGATING)
		return simulator->objects[serial].state;
	for (; simulator->objects[body].state == CORO_STATE_DELEGATING;
		 body = simulator->objects[body].delegate)
		if (body == simulator->started)
			return CORO_STATE_RUNNING;
	if (body == simulator->finished || in_control_stack(simulator, body))
		return CORO_STATE_RUNNING;
	return CORO_STATE_SUSPENDED;
}

/* ---- What may happen --------------------------------------------------- */

static bool is_body(const struct simulated *object)
{
	return object->kind == CORO_OBJECT_GENERATOR || object->kind == CORO_OBJECT_COROUTINE;
}

/* Does a task drive its chain? Then nobody else resumes it. */
static bool is_of_task(const struct simulator *simulator, uint64_t serial)
{
	while (simulator->objects[serial].delegator)
		serial = simulator->objects[serial].delegator;
	return simulator->objects[serial].task != 0;
}

/* Some body whose chain can be resumed, or 0. `whole`: nobody delegates to it. */
static uint64_t resumable(struct simulator *simulator, bool whole)
{
	uint64_t first = simulator->count ? simulator_random(simulator, (unsigned)simulator->count) : 0;

	for (uint64_t i = 0; i < simulator->count; i++) {
		uint64_t serial = (first + i) % simulator->count + 1, leaf;
		struct simulated *object = &simulator->objects[serial];

		if (object->gone || !is_body(object) || is_of_task(simulator, serial))
			continue;
		if (whole && object->delegator)
			continue;
		leaf = leaf_of(simulator, serial);
		if ((simulator->objects[leaf].state == CORO_STATE_CREATED ||
			 simulator->objects[leaf].state == CORO_STATE_SUSPENDED) &&
			!in_control_stack(simulator, leaf) && leaf != simulator->started)
			return serial;
	}
	return 0;
}

/* Does a chain of control go through this body? Then it may not be delegated to. */
static bool is_above_control(const struct simulator *simulator, uint64_t serial)
{
	for (unsigned i = 0; i < simulator->depth; i++) {
		uint64_t body = simulator->control[i];

		while (body) {
			if (body == serial)
				return true;
			body = simulator->objects[body].delegator;
		}
	}
	return false;
}

static const struct trace_event *resume(struct simulator *simulator, uint64_t body, uint64_t peer)
{
	uint64_t leaf = leaf_of(simulator, body);
	bool created = simulator->objects[leaf].state == CORO_STATE_CREATED;
	unsigned kind = created                          ? CORO_EVENT_NEXT
					: simulator_random(simulator, 2) ? CORO_EVENT_SEND
													 : CORO_EVENT_THROW;

	simulator->control[simulator->depth++] = leaf;
	return simulator_emit(simulator, kind, leaf, CORO_STATE_RUNNING, peer);
}

static const struct trace_event *create(struct simulator *simulator, unsigned kind)
{
	uint64_t body = simulator_object(simulator, kind);

	return simulator_emit(simulator, CORO_EVENT_CREATE, body, CORO_STATE_CREATED, top(simulator));
}

static const struct trace_event *delegate(struct simulator *simulator, uint64_t outer,
										  uint64_t inner)
{
	simulator->objects[outer].delegate = inner;
	simulator->objects[inner].delegator = outer;
	simulator->depth--;
	simulator->started = outer;
	return simulator_emit(simulator, CORO_EVENT_DELEGATE, outer, CORO_STATE_DELEGATING, inner);
}

static const struct trace_event *undelegate(struct simulator *simulator)
{
	uint64_t inner = simulator->finished, outer = simulator->objects[inner].delegator;

	simulator->finished = 0;
	simulator->objects[inner].delegator = 0;
	simulator->control[simulator->depth++] = outer;
	return simulator_emit(simulator, CORO_EVENT_UNDELEGATE, outer, CORO_STATE_RUNNING, inner);
}

static const struct trace_event *finish(struct simulator *simulator, uint64_t body)
{
	bool fails = simulator_random(simulator, 4) == 0;

	simulator->depth--;
	if (simulator->objects[body].delegator)
		simulator->finished = body;
	return simulator_emit(simulator, fails ? CORO_EVENT_RAISE : CORO_EVENT_RETURN, body,
						  fails ? CORO_STATE_FAILED : CORO_STATE_DONE, top(simulator));
}

static const struct trace_event *make_ready(struct simulator *simulator, unsigned kind,
											uint64_t task, uint64_t peer)
{
	simulator->ready[simulator->ready_count++] = task;
	return simulator_emit(simulator, kind, task, CORO_STATE_READY, peer);
}

/* A task has control alone: its coroutine has yielded, has ended, or is to be resumed. */
static const struct trace_event *task_goes_on(struct simulator *simulator, uint64_t task)
{
	struct simulated *object = &simulator->objects[task];
	struct simulated *coroutine = &simulator->objects[object->coroutine];

	if (coroutine->state == CORO_STATE_DONE || coroutine->state == CORO_STATE_FAILED) {
		simulator->depth--;
		return simulator_emit(simulator, CORO_EVENT_DONE, task, coroutine->state, 0);
	}
	if (simulator->event.kind == CORO_EVENT_STEP)
		return resume(simulator, object->coroutine, task);
	simulator->depth--;
	if (object->future && simulator->objects[object->future].state == CORO_STATE_PENDING)
		return simulator_emit(simulator, CORO_EVENT_AWAIT, task, CORO_STATE_SUSPENDED,
							  object->future);
	return make_ready(simulator, CORO_EVENT_READY, task, task);
}

static uint64_t task_of_control(const struct simulator *simulator)
{
	uint64_t serial = simulator->depth == 2 ? simulator->control[0] : 0;

	return serial && simulator->objects[serial].kind == CORO_OBJECT_TASK ? serial : 0;
}

static const struct trace_event *body_acts(struct simulator *simulator, uint64_t body)
{
	uint64_t inner, task = task_of_control(simulator), future;
	bool room = simulator->count < SIMULATED_MOST - 2;

	switch (simulator_random(simulator, 8)) {
	case 0:
		if (room)
			return create(simulator, CORO_OBJECT_GENERATOR);
		break;
	case 1:
		inner = resumable(simulator, false);
		if (inner && simulator->depth < SIMULATED_DEEPEST - 1)
			return resume(simulator, inner, body);
		break;
	case 2:
	case 3:
		inner = resumable(simulator, true);
		if (inner && !is_above_control(simulator, inner))
			return delegate(simulator, body, inner);
		break;
	case 4:
		return finish(simulator, body);
	case 5:
		if (task && room) {
			future = simulator_object(simulator, CORO_OBJECT_FUTURE);
			simulator->objects[task].future = future;
			return simulator_emit(simulator, CORO_EVENT_FUTURE_NEW, future, CORO_STATE_PENDING, 0);
		}
		break;
	default:
		break;
	}
	simulator->depth--;
	return simulator_emit(simulator, CORO_EVENT_YIELD, body, CORO_STATE_SUSPENDED, top(simulator));
}

/* Some object of a kind in a state, or 0. */
static uint64_t some(struct simulator *simulator, unsigned kind, unsigned state)
{
	for (uint64_t serial = 1; serial <= simulator->count; serial++)
		if (simulator->objects[serial].kind == kind && simulator->objects[serial].state == state &&
			!simulator->objects[serial].gone)
			return serial;
	return 0;
}

static const struct trace_event *loop_acts(struct simulator *simulator)
{
	uint64_t serial;
	bool room = simulator->count < SIMULATED_MOST - 2;

	serial = some(simulator, CORO_OBJECT_TASK, CORO_STATE_CREATED);
	if (serial)
		return make_ready(simulator, CORO_EVENT_READY, serial, 0);
	switch (simulator_random(simulator, 8)) {
	case 0:
		if (room)
			return create(simulator, CORO_OBJECT_GENERATOR);
		break;
	case 1:
		serial = resumable(simulator, true);
		if (serial && room) {
			uint64_t task = simulator_object(simulator, CORO_OBJECT_TASK);

			simulator->objects[task].coroutine = serial;
			simulator->objects[serial].task = task;
			return simulator_emit(simulator, CORO_EVENT_SPAWN, task, CORO_STATE_CREATED, serial);
		}
		break;
	case 2:
	case 3:
		serial = simulator->ready_count ? simulator->ready[0] : 0;
		if (serial) {
			memmove(simulator->ready, simulator->ready + 1,
					--simulator->ready_count * sizeof(simulator->ready[0]));
			simulator->control[simulator->depth++] = serial;
			return simulator_emit(simulator, CORO_EVENT_STEP, serial, CORO_STATE_RUNNING, 0);
		}
		break;
	case 4:
		serial = some(simulator, CORO_OBJECT_FUTURE, CORO_STATE_PENDING);
		if (serial)
			return simulator_emit(simulator, CORO_EVENT_FUTURE_SET, serial, CORO_STATE_DONE, 0);
		break;
	case 5:
		serial = some(simulator, CORO_OBJECT_TASK, CORO_STATE_SUSPENDED);
		if (serial &&
			simulator->objects[simulator->objects[serial].future].state == CORO_STATE_DONE)
			return make_ready(simulator, CORO_EVENT_WAKE, serial,
							  simulator->objects[serial].future);
		break;
	case 6:
		serial = some(simulator, CORO_OBJECT_GENERATOR, CORO_STATE_DONE);
		if (serial && !simulator->objects[serial].task) {
			simulator->objects[serial].gone = true;
			return simulator_emit(simulator, CORO_EVENT_DESTROY, serial, CORO_STATE_NONE, 0);
		}
		break;
	default:
		serial = resumable(simulator, false);
		if (serial)
			return resume(simulator, serial, 0);
		break;
	}
	serial = room ? simulator_object(simulator, CORO_OBJECT_QUEUE) : 0;
	if (serial)
		return simulator_emit(simulator, CORO_EVENT_CREATE, serial, CORO_STATE_OPEN, 0);
	serial = some(simulator, CORO_OBJECT_QUEUE, CORO_STATE_OPEN);
	return simulator_emit(simulator, CORO_EVENT_QUEUE_PUT, serial, CORO_STATE_OPEN, 0);
}

const struct trace_event *simulator_next(struct simulator *simulator)
{
	uint64_t serial = simulator->started;

	if (simulator->finished)
		return undelegate(simulator);
	if (serial) {
		simulator->started = 0;
		return resume(simulator, simulator->objects[serial].delegate,
					  simulator_random(simulator, 2) ? top(simulator) : serial);
	}
	if (simulator->n == 0)
		return simulator_emit(simulator, CORO_EVENT_CREATE,
							  simulator_object(simulator, CORO_OBJECT_QUEUE), CORO_STATE_OPEN, 0);
	serial = top(simulator);
	if (!serial)
		return loop_acts(simulator);
	if (simulator->objects[serial].kind == CORO_OBJECT_TASK)
		return task_goes_on(simulator, serial);
	return body_acts(simulator, serial);
}
