/*
 * adopt.c - objects that were there before the trace knew of them.
 *
 * A row of the program's table becomes an object of the World. What the table does not carry is
 * unknown, and marked so: nothing is guessed. Who has control on a ring is not in the table
 * either, but follows from the states where it is plain:
 *
 *     nobody runs on the ring                       main, or the loop
 *     one task, and the end of its chain            that end, which the task resumes
 *     anything else                                 not known, until an event tells
 */
#include <errno.h>
#include <stdlib.h>
#include "model_assert.h"
#include "state.h"

/* What is 0 for want of knowing, by kind. */
static uint16_t unknown_of(const struct trace_row *row)
{
	uint16_t unknown = WORLD_UNKNOWN_PAST;

	if (row->unknown & TRACE_ROW_PARENT)
		unknown |= WORLD_UNKNOWN_PARENT;
	if (row->unknown & TRACE_ROW_WAITS_ON)
		unknown |= WORLD_UNKNOWN_WAITS_ON;
	switch (row->kind) {
	case CORO_OBJECT_TASK:
		if (row->state == CORO_STATE_RUNNING)
			unknown |= WORLD_UNKNOWN_RESUMER;
		if (!row->link)
			unknown |= WORLD_UNKNOWN_OWNER;
		break;
	case CORO_OBJECT_FUTURE:
		unknown |= WORLD_UNKNOWN_NUMBER;
		if (row->state != CORO_STATE_PENDING)
			unknown |= WORLD_UNKNOWN_WAITS_ON;
		if (row->reason == CORO_REASON_GATHER || row->reason == CORO_REASON_WAIT ||
			row->reason == CORO_REASON_SELECT)
			unknown |= WORLD_UNKNOWN_CHILDREN;
		break;
	case CORO_OBJECT_TIMER:
	case CORO_OBJECT_TIMEOUT:
		unknown |= WORLD_UNKNOWN_NUMBER;
		break;
	case CORO_OBJECT_LOCK:
		if (row->state == CORO_STATE_LOCKED && !row->link)
			unknown |= WORLD_UNKNOWN_OWNER;
		break;
	case CORO_OBJECT_CONDITION:
		if (!row->link)
			unknown |= WORLD_UNKNOWN_OWNER;
		break;
	case CORO_OBJECT_GROUP:
		unknown |= WORLD_UNKNOWN_CHILDREN;
		if (row->unknown & TRACE_ROW_LINK)
			unknown |= WORLD_UNKNOWN_OWNER;
		break;
	case CORO_OBJECT_QUEUE:
		unknown |= WORLD_UNKNOWN_LENGTH | WORLD_UNKNOWN_UNFINISHED | WORLD_UNKNOWN_CHILDREN;
		break;
	case CORO_OBJECT_CHANNEL:
	case CORO_OBJECT_SEMAPHORE:
		unknown |= WORLD_UNKNOWN_LENGTH;
		break;
	case CORO_OBJECT_BARRIER:
		unknown |= WORLD_UNKNOWN_LENGTH | WORLD_UNKNOWN_NUMBER;
		break;
	case CORO_OBJECT_EVENT:
		unknown |= WORLD_UNKNOWN_SET;
		break;
	case CORO_OBJECT_GREENLET:
	case CORO_OBJECT_TASKLET:
		unknown |= WORLD_UNKNOWN_RESUMER | WORLD_UNKNOWN_OWNER;
		break;
	default:
		if (trace_object_is_body(row->kind) &&
			(row->state == CORO_STATE_RUNNING || row->state == CORO_STATE_DELEGATING))
			unknown |= WORLD_UNKNOWN_RESUMER;
		break;
	}
	if (row->number == CORO_NUMBER_UNKNOWN &&
		(row->kind == CORO_OBJECT_QUEUE || row->kind == CORO_OBJECT_CHANNEL ||
		 row->kind == CORO_OBJECT_BARRIER))
		unknown |= WORLD_UNKNOWN_CAPACITY;
	if (row->number == CORO_NUMBER_UNKNOWN && row->kind == CORO_OBJECT_DESCRIPTOR)
		unknown |= WORLD_UNKNOWN_NUMBER;
	if (!trace_object_is_body(row->kind))
		unknown |= WORLD_UNKNOWN_RESUMES;
	return unknown;
}

static void set_number(struct world_object *object, uint32_t number)
{
	if (number == CORO_NUMBER_UNKNOWN)
		return;
	if (object->kind == CORO_OBJECT_DESCRIPTOR)
		object->number = number;
	else if (object->kind == CORO_OBJECT_QUEUE || object->kind == CORO_OBJECT_CHANNEL ||
			 object->kind == CORO_OBJECT_BARRIER)
		object->capacity = number;
	else if (trace_object_is_body(object->kind))
		object->stack_kib = number < UINT16_MAX ? (uint16_t)number : UINT16_MAX;
}

static void set_links(struct world_object *object, const struct trace_row *row)
{
	bool body = state_is_body(object);

	object->parent = row->parent;
	if (row->kind == CORO_OBJECT_TASK)
		object->drives = row->link;
	else if (row->kind == CORO_OBJECT_LOCK || row->kind == CORO_OBJECT_GROUP)
		object->owner = row->link;
	else if (row->kind == CORO_OBJECT_CONDITION)
		object->lock = row->link;

	if (body && row->state == CORO_STATE_DELEGATING)
		object->delegate = row->waits_on;
	else if (row->kind == CORO_OBJECT_TIMEOUT)
		object->waits_on = row->parent;
	else if (row->kind == CORO_OBJECT_FUTURE && row->reason != CORO_REASON_TIMER &&
			 row->state == CORO_STATE_PENDING)
		object->waits_on = row->waits_on;
	else if (row->kind == CORO_OBJECT_TIMER ||
			 ((row->kind == CORO_OBJECT_TASK || row->kind == CORO_OBJECT_TASKLET) &&
			  row->state == CORO_STATE_SUSPENDED))
		object->waits_on = row->waits_on;
}

static struct world_object object_of(const struct world *world, const struct trace_row *row)
{
	struct world_object object = {
		.serial = row->serial,
		.kind = row->kind,
		.state = row->state,
		.reason = row->kind == CORO_OBJECT_FUTURE ? row->reason : CORO_REASON_NONE,
		.cseq = row->cseq,
		.name = row->name,
		.creation_site = row->creation_site,
		.changed_at = world->at,
		.changed_t = world->time,
		.unknown = unknown_of(row),
	};

	set_links(&object, row);
	set_number(&object, row->number);
	if (state_is_body(&object)) {
		object.resumes = row->resumes;
		if (row->state == CORO_STATE_SUSPENDED || row->state == CORO_STATE_DELEGATING)
			object.site = row->site;
	}
	return object;
}

/* ---- Control ----------------------------------------------------------- */

/* Who runs on a ring, of those that were adopted. */
struct runners {
	uint64_t task, body; /* the last of them */
	uint32_t tasks, bodies;
};

/* The end of the chain below a task. */
static uint64_t end_of_chain(const struct world *world, uint64_t task)
{
	const struct world_object *object = world_find(world, task);
	uint64_t serial = 0;

	for (unsigned i = 0, most = state_deepest(world); object && i < most; i++) {
		serial = object->serial;
		object = world_find(world, state_below(object));
	}
	return serial;
}

static void settle_ring(struct world *world, uint32_t ring, const struct runners *runners)
{
	struct world_object object;

	if (!runners->tasks && !runners->bodies) {
		world->running[ring] = 0;
		return;
	}
	world->running[ring] = STATE_NOT_KNOWN;
	if (runners->tasks != 1 || runners->bodies > 1)
		return;
	if (!runners->bodies) {
		world->running[ring] = runners->task;
	} else if (end_of_chain(world, runners->task) == runners->body) {
		object = *world_find(world, runners->body);
		object.resumer = runners->task;
		object.unknown &= (uint16_t)~WORLD_UNKNOWN_RESUMER;
		world->running[ring] = runners->body;
		state_replace(world, &object, 0);
	}
}

/* Who runs on the ring as far as is known: of a large table, what came before says a part. */
static struct runners runners_of(const struct world *world, uint32_t ring)
{
	const struct world_object *object = world_find(world, world->running[ring]);
	struct runners runners = {0};

	if (object && object->kind == CORO_OBJECT_TASK)
		runners = (struct runners){.task = object->serial, .tasks = 1};
	else if (object)
		runners = (struct runners){
			.task = object->resumer, .body = object->serial, .tasks = 1, .bodies = 1};
	return runners;
}

static void settle(struct world *world, const struct trace_row *rows, size_t count)
{
	for (uint32_t ring = 0; ring < CORO_RINGS && ring < world->rings; ring++) {
		struct runners runners = runners_of(world, ring);
		bool any = false;

		if (world->running[ring] == STATE_NOT_KNOWN)
			continue;
		for (size_t i = 0; i < count; i++) {
			if (rows[i].ring != ring)
				continue;
			any = true;
			if (rows[i].serial == runners.task || rows[i].serial == runners.body)
				continue;
			if (rows[i].state != CORO_STATE_RUNNING)
				continue;
			if (rows[i].kind == CORO_OBJECT_TASK) {
				runners.task = rows[i].serial;
				runners.tasks++;
			} else if (trace_object_is_body(rows[i].kind)) {
				runners.body = rows[i].serial;
				runners.bodies++;
			}
		}
		if (any)
			settle_ring(world, ring, &runners);
	}
}

/* ---- All of them ------------------------------------------------------- */

int world_adopt(struct world *world, const struct trace_row *rows, size_t count)
{
	size_t added = 0;

	for (size_t i = 0; i < count; i++) {
		struct world_object object = object_of(world, &rows[i]);

		if (!object.serial || rows[i].ring >= CORO_RINGS || world_find(world, object.serial))
			continue;
		if (state_reserve(world, object.serial, 0, rows[i].ring, false) < 0)
			return -ENOMEM;
		state_replace(world, &object, 0);
		added++;
	}
	if (!added)
		return 0;
	world->late = true;
	for (size_t i = 0; i < count; i++)
		if (rows[i].state == CORO_STATE_RUNNING && world_find(world, rows[i].serial) &&
			state_reserve(world, rows[i].serial, 0, rows[i].ring, false) < 0)
			return -ENOMEM;
	settle(world, rows, count);
	return 0;
}
