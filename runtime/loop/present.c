/*
 * present.c - what the thread has, for a debugger that comes late: the walk of probe/baseline.c.
 *
 * All objects stand in slots, but for descriptors, which their loops have, and timeouts, which
 * stand in the program's memory and are found through their timers: one without a timer is not
 * told. A slot may be taken and its object not begun, or over: then it has no magic, or no state.
 *
 * Where a body is suspended is told by its own switch. In a program that nobody traced that stands
 * in the program itself, at the yield or the await; else it is in the library, and whoever reads it
 * finds that.
 */
#include "../core/body.h"
#include "../sync/waiters.h"
#include "../task/tasks.h"

static bool is_there(const struct coro_object *object)
{
	return object->magic == CORO_OBJECT_MAGIC && object->state != CORO_STATE_NONE;
}

static struct coro_probe_details details_of(const struct coro_object *object)
{
	return (struct coro_probe_details){.waits_on = object->waits_on, .number = CORO_NUMBER_UNKNOWN};
}

/* With a link to another object; NULL: to none. */
static void present_linked(const struct coro_object *object, struct coro_probe_details *details,
						   const struct coro_object *other)
{
	if (other) {
		details->link = other->row;
		details->number = other->gen;
	}
	coro_probe_present(object, details);
}

static void present_number(const struct coro_object *object, struct coro_probe_details *details,
						   size_t number)
{
	if (number < CORO_NUMBER_UNKNOWN)
		details->number = (uint32_t)number;
	coro_probe_present(object, details);
}

static void present_body(const struct coro_generator *body)
{
	struct coro_probe_details details = details_of(&body->object);

	if (body->object.state == CORO_STATE_SUSPENDED && body->sp && !coro__is_greenlet(body))
		details.site = coro__saved_site(body->sp);
	else if (body->object.state == CORO_STATE_DELEGATING)
		details.site = body->site;
	/* Who resumed another has saved its stack pointer elsewhere. */
	details.rests =
		body->stack_base &&
		(body->object.state == CORO_STATE_CREATED || body->object.state == CORO_STATE_SUSPENDED ||
		 (body->object.state == CORO_STATE_DELEGATING && body != coro__active.current));
	present_number(&body->object, &details,
				   body->pool ? coro__pools_size(body) / 1024 : CORO_NUMBER_UNKNOWN);
}

static void present_task(const struct coro_task *task)
{
	struct coro_probe_details details = details_of(&task->future.object);

	if (task->future.object.state == CORO_STATE_SUSPENDED)
		details.site = task->await_site;
	present_linked(&task->future.object, &details, task->body ? &task->body->object : NULL);
}

static void present_loop(const struct coro_loop *loop)
{
	struct coro_probe_details details = details_of(&loop->object);

	coro_probe_present(&loop->object, &details);
	for (int fd = 0; fd < loop->descriptor_room; fd++) {
		const struct coro__descriptor *descriptor = loop->descriptors[fd];

		if (!descriptor || !is_there(&descriptor->object))
			continue;
		details = details_of(&descriptor->object);
		present_number(&descriptor->object, &details, (size_t)fd);
	}
}

static void present_timer(const struct coro__callback *timer)
{
	struct coro_probe_details details = details_of(&timer->object);
	const struct coro_object *timeout = coro__timeout_of(timer);

	details.waits_on = timer->future ? timer->future->object.row : timer->loop->object.row;
	coro_probe_present(&timer->object, &details);
	if (!timeout || !is_there(timeout))
		return;
	details = details_of(timeout);
	coro_probe_present(timeout, &details);
}

static void present_object(const struct coro_object *object)
{
	struct coro_probe_details details = details_of(object);
	const struct coro_task *owner;

	switch (object->kind) {
	case CORO_OBJECT_LOCK:
		owner = coro__lock_owner((const struct coro_lock *)object);
		present_linked(object, &details, owner ? &owner->future.object : NULL);
		break;
	case CORO_OBJECT_GROUP:
		present_linked(object, &details, coro__group_owner((const struct coro_task_group *)object));
		break;
	case CORO_OBJECT_CONDITION:
		present_linked(object, &details,
					   coro__condition_uses((const struct coro_condition *)object));
		break;
	case CORO_OBJECT_QUEUE:
		present_number(object, &details, coro__queue_capacity((const struct coro_queue *)object));
		break;
	case CORO_OBJECT_BARRIER:
		present_number(object, &details,
					   coro__barrier_parties((const struct coro_barrier *)object));
		break;
	default:
		coro_probe_present(object, &details);
		break;
	}
}

static void visit(void *object, unsigned kind)
{
	const struct coro__callback *callback = object;
	struct coro_probe_details details;

	switch (kind) {
	case CORO__SLOT_STEP:
	case CORO__SLOT_COMPLETION:
	case CORO__SLOT_CONTEXT:
		return;
	case CORO__SLOT_CALLBACK:
		if (callback->timer && is_there(&callback->object))
			present_timer(callback);
		return;
	default:
		break;
	}
	if (!is_there(object))
		return;
	switch (kind) {
	case CORO__SLOT_BODY:
		present_body(object);
		return;
	case CORO_OBJECT_TASK:
		present_task(object);
		return;
	case CORO_OBJECT_LOOP:
		present_loop(object);
		return;
	case CORO_OBJECT_CHANNEL:
		details = details_of(object);
		present_number(object, &details, coro__channel_capacity(object));
		return;
	default:
		present_object(object);
		return;
	}
}

void coro__present_all(void)
{
	coro__slots_visit(visit);
}
