/*
 * world.c - what each event does to the World.
 *
 * world_apply() copies the object that the event names, changes the copy by the rules below,
 * and puts it back; the body that did the event gets its place. Memory was fetched before. What the
 * event says wins over what the World believed: a disagreement is counted, and the event's word
 * taken.
 *
 * Who has control. Bodies resume each other, a task's step resumes its coroutine's leaf, and
 * delegators are passed over; `running` of a ring is who has it now:
 *
 *     STEP t         t                          the loop runs a task; t.resumer = who ran, if it is
 *                                               spawned eagerly
 *     NEXT .. x      x, and x.resumer = who     from outside: task, body or main
 *     YIELD x        x.resumer
 *     DELEGATE x     still x, until the delegate is resumed
 *     RETURN x       x itself for the moment: if somebody delegates to x, control goes there
 *                    (UNDELEGATE says so), else to x.resumer; the next event tells
 *     UNDELEGATE o   o if it goes on, and o.resumer = who resumed the delegate last
 *     AWAIT, DONE t  t.resumer                  nobody, the loop, unless it was spawned eagerly
 *     TURN_BEGIN ...                            nobody: the loop
 *     LEAVE g        nobody yet; g.resumer = who had control in g
 *     ENTER g        g.resumer: the innermost that runs in g; at first g itself
 *                    (of a tasklet, READY and AWAIT are a LEAVE, and STEP is an ENTER)
 *
 * In a World that began in the middle of things, control may be STATE_NOT_KNOWN, and a resumer
 * WORLD_UNKNOWN_RESUMER; both go together, and end with the first event that tells.
 *
 *     main ──send──► general ═yield from═► internal        resumer of internal: main
 *      ▲                                       │ YIELD: control goes to main;
 *      └───────────────────────────────────────┘        general is DELEGATING all the time
 */
#include <stdlib.h>
#include <string.h>
#include "state.h"

/* One event being applied. */
struct change {
	struct world *world;
	const struct trace_event *event;
	struct world_object object; /* what it becomes */
	uint64_t child;             /* to append to its children; 0: none */
	bool remove;                /* it goes, instead */
	bool damaged;               /* the event cannot be */
};

/* ---- Control ----------------------------------------------------------- */

static const struct world_object *look_up(struct world *world, uint64_t serial)
{
	const struct node *node = serial ? state_look_up(world, serial) : NULL;

	return node ? &node->object : NULL;
}

static uint64_t control(const struct world *world)
{
	return world->running[world->ring];
}

static void give_control(struct world *world, uint64_t serial)
{
	world->running[world->ring] = serial;
}

static bool is_unknown(const struct world_object *object, unsigned what)
{
	return object->unknown & what;
}

static void know(struct world_object *object, unsigned what)
{
	object->unknown &= (uint16_t)~what;
}

/* Who resumed it. */
static uint64_t resumer(const struct world_object *object)
{
	return is_unknown(object, WORLD_UNKNOWN_RESUMER) ? STATE_NOT_KNOWN : object->resumer;
}

static void set_resumer(struct world_object *object, uint64_t serial)
{
	object->resumer = serial == STATE_NOT_KNOWN ? 0 : serial;
	if (serial == STATE_NOT_KNOWN)
		object->unknown |= WORLD_UNKNOWN_RESUMER;
	else
		know(object, WORLD_UNKNOWN_RESUMER);
}

/* A body that had finished at the last event has passed control on by now. */
static void settle_control(struct world *world)
{
	const struct world_object *last = look_up(world, control(world));

	if (last && state_is_finished(last))
		give_control(world, resumer(last));
}

/* Who really resumes: the event's peer, but a delegator only passes on what came to it. */
static uint64_t resumer_of(struct world *world, uint64_t peer)
{
	const struct world_object *object = look_up(world, peer);

	if (!object || object->state != CORO_STATE_DELEGATING)
		return peer;
	return control(world) == peer ? resumer(object) : control(world);
}

/* Who makes a new object: the task that runs, or else the body; 0: main. */
static void set_creator(struct world *world, struct world_object *ret)
{
	const struct world_object *object = look_up(world, control(world));
	bool known = control(world) != STATE_NOT_KNOWN;

	ret->parent = known ? control(world) : 0;
	for (unsigned i = 0; object && i < 64; i++) {
		if (object->kind == CORO_OBJECT_TASK) {
			ret->parent = object->serial;
			return;
		}
		known &= !is_unknown(object, WORLD_UNKNOWN_RESUMER);
		object = look_up(world, object->resumer);
	}
	/* It may be a task that resumed them. */
	if (known)
		return;
	ret->parent = 0;
	ret->unknown |= WORLD_UNKNOWN_PARENT;
}

/* ---- Rules ------------------------------------------------------------- */

static bool has_integer(const struct trace_value *value)
{
	return value->kind == CORO_VALUE_INT || value->kind == CORO_VALUE_BOOL;
}

/* How many; 0: it does not say. */
static uint64_t count_of(const struct trace_value *value)
{
	return has_integer(value) && value->integer > 0 ? (uint64_t)value->integer : 0;
}

static int64_t due_of(const struct trace_value *value)
{
	return has_integer(value) ? value->integer : INT64_MAX;
}

/* A new object of that serial, as the event tells of it. */
static void begin_object(struct change *change)
{
	const struct trace_event *event = change->event;
	struct world_object *object = &change->object;

	*object = (struct world_object){.serial = event->co, .created_at = event->n};
	object->state = CORO_STATE_NONE;
	object->kind = event->object_kind;
	object->name = event->name;
	if (!(event->flags & CORO_SLOT_BIND))
		return;
	object->kind = event->bind.kind;
	object->reason = event->bind.reason;
	object->creation_site = event->bind.site;
	object->stack_kib = event->bind.stack_kib;
	if (event->bind.name)
		object->name = event->bind.name;
	if (!object->creation_site && event->flags & CORO_SLOT_FILELINE)
		object->creation_site = event->site;
	else if (!object->creation_site)
		object->creation_pc = event->site;
}

/* Its stack is switched to, and what runs in it is not always itself. */
static bool is_switched(const struct world_object *object)
{
	return object->kind == CORO_OBJECT_GREENLET || object->kind == CORO_OBJECT_TASKLET;
}

static void create(struct change *change)
{
	const struct trace_value *value = &change->event->value;
	struct world_object *object = &change->object;

	object->parent = change->event->peer;
	if (is_switched(object) && object->state == CORO_STATE_CREATED)
		object->resumer = object->serial;
	switch (object->kind) {
	case CORO_OBJECT_QUEUE:
	case CORO_OBJECT_CHANNEL:
	case CORO_OBJECT_BARRIER:
		object->capacity = count_of(value);
		break;
	case CORO_OBJECT_SEMAPHORE:
		object->length = count_of(value);
		break;
	case CORO_OBJECT_CONDITION:
		if (value->kind == CORO_VALUE_OBJECT)
			object->lock = value->object;
		break;
	case CORO_OBJECT_TIMEOUT:
		object->waits_on = change->event->peer;
		object->number = due_of(value);
		break;
	default:
		if (value->kind != CORO_VALUE_ABSENT)
			object->argument_at = change->event->n;
		break;
	}
}

static void leave(struct change *change)
{
	set_resumer(&change->object, control(change->world));
	give_control(change->world, 0);
}

static void enter(struct change *change)
{
	give_control(change->world, resumer(&change->object));
	set_resumer(&change->object, 0);
}

static void resume(struct change *change)
{
	struct world_object *object = &change->object;

	object->resumes++;
	object->down_at = change->event->n;
	object->closing = false;
	if (object->state != CORO_STATE_RUNNING)
		return;
	if (is_switched(object)) {
		enter(change);
		return;
	}
	object->closing = change->event->kind == CORO_EVENT_CLOSE;
	set_resumer(object, resumer_of(change->world, change->event->peer));
	if (object->resumer == object->serial)
		object->resumer = 0;
	give_control(change->world, object->serial);
}

static void come_out(struct change *change)
{
	struct world_object *object = &change->object;

	object->up_at = change->event->n;
	object->closing = false;
	if (change->event->kind == CORO_EVENT_YIELD) {
		give_control(change->world, resumer(object));
		set_resumer(object, 0);
	} else {
		give_control(change->world, object->serial);
	}
}

static void undelegate(struct change *change)
{
	struct world_object *object = &change->object;

	if (object->state == CORO_STATE_RUNNING) {
		if (control(change->world) != object->serial)
			set_resumer(object, control(change->world));
		give_control(change->world, object->serial);
	} else {
		set_resumer(object, 0);
	}
}

/* Who runs, when a task is stepped: nobody, unless it spawned that eagerly. */
static uint64_t who_spawns(const struct world *world, uint64_t task)
{
	const struct world_object *object = world_running(world);

	return object && object->serial != task && state_is_body(object) ? object->serial : 0;
}

/* The task does not run on: the loop does, or whoever ran when it was spawned eagerly. */
static void leave_task(struct change *change)
{
	give_control(change->world, resumer(&change->object));
	set_resumer(&change->object, 0);
}

/* A task left the loop's hands, or came back to them. */
static void task_changes(struct change *change)
{
	const struct trace_event *event = change->event;
	struct world_object *object = &change->object;
	struct world *world = change->world;

	switch (event->kind) {
	case CORO_EVENT_SPAWN:
		object->drives = event->peer;
		set_creator(world, object);
		return;
	case CORO_EVENT_READY:
	case CORO_EVENT_WAKE:
		object->woken_by = event->peer;
		object->ready_at = event->n;
		if (control(world) == object->serial)
			leave_task(change);
		return;
	case CORO_EVENT_STEP:
		object->resumes++;
		set_resumer(object, control(world) == STATE_NOT_KNOWN ? STATE_NOT_KNOWN
															  : who_spawns(world, object->serial));
		give_control(world, object->serial);
		return;
	case CORO_EVENT_AWAIT:
		object->waits_on = event->peer;
		know(object, WORLD_UNKNOWN_WAITS_ON);
		leave_task(change);
		return;
	case CORO_EVENT_CANCEL:
		object->cancels++;
		return;
	default:
		object->up_at = event->n;
		leave_task(change);
		return;
	}
}

static void tasklet_changes(struct change *change)
{
	const struct trace_event *event = change->event;
	struct world_object *object = &change->object;

	switch (event->kind) {
	case CORO_EVENT_READY:
	case CORO_EVENT_WAKE:
		object->woken_by = event->peer;
		object->ready_at = event->n;
		break;
	case CORO_EVENT_STEP:
		object->resumes++;
		enter(change);
		return;
	case CORO_EVENT_AWAIT:
		object->waits_on = event->peer;
		break;
	default:
		object->up_at = event->n;
		give_control(change->world, 0);
		return;
	}
	if (event->prev == CORO_STATE_RUNNING)
		leave(change);
}

static void future_begins(struct change *change)
{
	struct world_object *object = &change->object;

	object->waits_on = change->event->peer;
	set_creator(change->world, object);
	if (has_integer(&change->event->value))
		object->number = change->event->value.integer;
}

/* One more case of a select: what was said of one channel alone is said of each now. */
static void channel_waits(struct change *change)
{
	struct world_object *object = &change->object;

	change->child = change->event->peer;
	object->waits_on = 0;
	if (!object->children)
		object->number = 0;
	if (change->child && object->children < 63 && change->event->value.kind != CORO_VALUE_ABSENT)
		object->number |= (int64_t)1 << object->children;
}

/* One more; as long as it is not known how many there are, that stays so. */
static void add_one(struct change *change, uint64_t *count, unsigned what)
{
	if (!is_unknown(&change->object, what))
		(*count)++;
}

/* One item, place or task less. */
static void take_one(struct change *change, uint64_t *count)
{
	if (is_unknown(&change->object, WORLD_UNKNOWN_LENGTH))
		return;
	if (*count)
		(*count)--;
	else
		change->damaged = true;
}

static void queue_changes(struct change *change)
{
	const struct trace_value *value = &change->event->value;
	struct world_object *object = &change->object;

	switch (change->event->kind) {
	case CORO_EVENT_QUEUE_PUT:
		add_one(change, &object->length, WORLD_UNKNOWN_LENGTH);
		add_one(change, &object->unfinished, WORLD_UNKNOWN_UNFINISHED);
		break;
	case CORO_EVENT_QUEUE_GET:
		take_one(change, &object->length);
		break;
	case CORO_EVENT_QUEUE_TASK_DONE:
		object->unfinished = count_of(value);
		know(object, WORLD_UNKNOWN_UNFINISHED);
		break;
	default:
		if (!has_integer(value))
			break;
		object->length = 0;
		know(object, WORLD_UNKNOWN_LENGTH);
		object->unfinished -=
			count_of(value) < object->unfinished ? count_of(value) : object->unfinished;
		break;
	}
}

/* Somebody waits (+1) or is told (-1). Of a barrier that is who is inside; a semaphore gives its
 * place to whom it tells at once. */
static void sync_changes(struct change *change)
{
	struct world_object *object = &change->object;
	bool wakes = change->event->kind == CORO_EVENT_SYNC_WAKE;

	if (object->kind == CORO_OBJECT_BARRIER && !wakes)
		add_one(change, &object->length, WORLD_UNKNOWN_LENGTH);
	else if (wakes &&
			 (object->kind == CORO_OBJECT_BARRIER || object->kind == CORO_OBJECT_SEMAPHORE))
		take_one(change, &object->length);
}

/* What the kind of the event says besides the state. */
static void apply_kind(struct change *change)
{
	const struct trace_event *event = change->event;
	struct world_object *object = &change->object;

	switch (event->kind) {
	case CORO_EVENT_CREATE:
		create(change);
		break;
	case CORO_EVENT_DESTROY:
	case CORO_EVENT_TIMER_FIRE:
	case CORO_EVENT_TIMER_CANCEL:
		change->remove = true;
		break;
	case CORO_EVENT_NEXT:
	case CORO_EVENT_SEND:
	case CORO_EVENT_THROW:
	case CORO_EVENT_CLOSE:
		resume(change);
		break;
	case CORO_EVENT_YIELD:
	case CORO_EVENT_RETURN:
	case CORO_EVENT_RAISE:
		come_out(change);
		break;
	case CORO_EVENT_DELEGATE:
		object->delegate = event->peer;
		know(object, WORLD_UNKNOWN_WAITS_ON);
		give_control(change->world, object->serial);
		break;
	case CORO_EVENT_UNDELEGATE:
		undelegate(change);
		break;
	case CORO_EVENT_SPAWN:
	case CORO_EVENT_READY:
	case CORO_EVENT_STEP:
	case CORO_EVENT_AWAIT:
	case CORO_EVENT_WAKE:
	case CORO_EVENT_CANCEL:
	case CORO_EVENT_DONE:
		if (object->kind == CORO_OBJECT_TASKLET)
			tasklet_changes(change);
		else
			task_changes(change);
		break;
	case CORO_EVENT_GREENLET_ENTER:
		resume(change);
		break;
	case CORO_EVENT_GREENLET_LEAVE:
		leave(change);
		break;
	case CORO_EVENT_GREENLET_PARENT:
		object->owner = event->peer;
		know(object, WORLD_UNKNOWN_OWNER);
		break;
	case CORO_EVENT_FUTURE_NEW:
	case CORO_EVENT_TIMER_SET:
		future_begins(change);
		break;
	case CORO_EVENT_FUTURE_SET:
		object->up_at = event->n;
		break;
	case CORO_EVENT_AWAIT_CHILD:
	case CORO_EVENT_GROUP_ADD:
		change->child = event->peer;
		break;
	case CORO_EVENT_CHANNEL_WAIT:
		channel_waits(change);
		break;
	case CORO_EVENT_TURN_BEGIN:
		change->world->turn++;
		give_control(change->world, 0);
		break;
	case CORO_EVENT_SELECT:
	case CORO_EVENT_TURN_END:
	case CORO_EVENT_CALLBACK:
		give_control(change->world, 0);
		break;
	case CORO_EVENT_IO_REGISTER:
		object->parent = event->peer;
		if (has_integer(&event->value))
			object->number = event->value.integer;
		know(object, WORLD_UNKNOWN_PARENT | WORLD_UNKNOWN_NUMBER);
		break;
	case CORO_EVENT_LOCK_ACQUIRE:
	case CORO_EVENT_GROUP_ENTER:
		object->owner = event->peer;
		know(object, WORLD_UNKNOWN_OWNER);
		break;
	case CORO_EVENT_LOCK_RELEASE:
		object->owner = 0;
		know(object, WORLD_UNKNOWN_OWNER);
		break;
	case CORO_EVENT_QUEUE_PUT:
	case CORO_EVENT_QUEUE_GET:
	case CORO_EVENT_QUEUE_TASK_DONE:
	case CORO_EVENT_QUEUE_SHUTDOWN:
		queue_changes(change);
		break;
	case CORO_EVENT_CHANNEL_SEND:
		add_one(change, &object->length, WORLD_UNKNOWN_LENGTH);
		break;
	case CORO_EVENT_CHANNEL_RECV:
		take_one(change, &object->length);
		break;
	case CORO_EVENT_EVENT_SET:
	case CORO_EVENT_EVENT_CLEAR:
		object->set = event->kind == CORO_EVENT_EVENT_SET;
		know(object, WORLD_UNKNOWN_SET);
		break;
	case CORO_EVENT_SYNC_WAIT:
	case CORO_EVENT_SYNC_WAKE:
		sync_changes(change);
		break;
	case CORO_EVENT_SYNC_ACQUIRE:
	case CORO_EVENT_SYNC_RELEASE:
		object->length = count_of(&event->value);
		know(object, WORLD_UNKNOWN_LENGTH);
		break;
	case CORO_EVENT_BARRIER_PHASE:
		object->number = has_integer(&event->value) ? event->value.integer : 0;
		know(object, WORLD_UNKNOWN_NUMBER);
		break;
	case CORO_EVENT_TIMEOUT_RESCHEDULE:
		object->number = due_of(&event->value);
		know(object, WORLD_UNKNOWN_NUMBER);
		break;
	default:
		break;
	}
}

/* ---- Any event --------------------------------------------------------- */

static bool begins(const struct trace_event *event, bool known)
{
	switch (event->kind) {
	case CORO_EVENT_CREATE:
	case CORO_EVENT_SPAWN:
	case CORO_EVENT_FUTURE_NEW:
	case CORO_EVENT_TIMER_SET:
		return true;
	case CORO_EVENT_IO_REGISTER:
		return !known;
	default:
		return false;
	}
}

/* Some of its events are missing: all that they may have changed is not known any more. What was
 * fixed when it was made stays, and what this event says comes after this. */
static void forget(struct world_object *object)
{
	object->unknown =
		WORLD_UNKNOWN_ALL & (uint16_t) ~(WORLD_UNKNOWN_PARENT | WORLD_UNKNOWN_CAPACITY);
	object->closing = object->set = false;
	object->waits_on = object->delegate = object->resumer = object->woken_by = 0;
	if (object->kind != CORO_OBJECT_TIMEOUT && object->kind != CORO_OBJECT_DESCRIPTOR &&
		object->kind != CORO_OBJECT_TIMER && object->kind != CORO_OBJECT_FUTURE)
		object->number = 0;
	else
		know(object, WORLD_UNKNOWN_NUMBER);
	object->owner = 0;
	object->site = 0;
	object->site_is_string = false;
	object->down_at = object->up_at = object->ready_at = 0;
	object->resumes = object->length = object->unfinished = object->cancels = 0;
	object->run_ns = 0;
}

/* Events were lost before this one: nobody is known to run. */
static void lose(struct world *world, const struct trace_event *event)
{
	world->lost += event->lost;
	world->lost_at = event->n - 1;
	memset(world->running, 0, world->rings * sizeof(world->running[0]));
}

/* Is this the event that comes next for the object? Counts what is missing. */
static void check_sequence(struct change *change, uint32_t before)
{
	int32_t step = (int32_t)(change->event->cseq - before);

	if (step <= 0)
		change->damaged = true;
	else
		change->world->missing += (uint64_t)step - 1;
}

/* What others did to it: the site is theirs, and it still stands where it stood. */
static bool done_by_another(const struct trace_event *event, const struct world_object *object)
{
	switch (event->kind) {
	case CORO_EVENT_NEXT:
	case CORO_EVENT_SEND:
	case CORO_EVENT_THROW:
	case CORO_EVENT_CLOSE:
	case CORO_EVENT_CANCEL:
	case CORO_EVENT_WAKE:
	case CORO_EVENT_GREENLET_ENTER:
	case CORO_EVENT_GREENLET_PARENT:
		return true;
	case CORO_EVENT_READY:
		return event->peer && event->peer != event->co;
	case CORO_EVENT_CREATE:
		return state_is_body(object);
	default:
		return false;
	}
}

/* What only whoever it changes can do, whatever the World believes of who runs. */
static bool done_by_itself(unsigned kind)
{
	return kind == CORO_EVENT_YIELD || kind == CORO_EVENT_RETURN || kind == CORO_EVENT_RAISE ||
		   kind == CORO_EVENT_DELEGATE || kind == CORO_EVENT_UNDELEGATE;
}

/* The body that does the event to another, and gets its place from it; 0: none, or it is there
 * already. */
static uint64_t actor_of(struct world *world, const struct trace_event *event, uint32_t ring)
{
	const struct world_object *object = event->site ? state_running(world, ring) : NULL;

	if (!object || !state_is_body(object) || object->serial == event->co ||
		done_by_itself(event->kind))
		return 0;
	if (object->site == event->site &&
		object->site_is_string == ((event->flags & CORO_SLOT_FILELINE) != 0))
		return 0;
	return object->serial;
}

/* What every event says: a state, a time, a place. */
static void apply_state(struct change *change)
{
	const struct trace_event *event = change->event;
	struct world_object *object = &change->object;

	if ((object->kind == CORO_OBJECT_TASK || object->kind == CORO_OBJECT_TASKLET) &&
		object->state == CORO_STATE_RUNNING && event->t > object->changed_t)
		object->run_ns += event->t - object->changed_t;
	object->state = event->next;
	object->cseq = event->cseq;
	object->changed_at = event->n;
	object->changed_t = event->t;
	if (event->site && !done_by_another(event, object)) {
		object->site = event->site;
		object->site_is_string = event->flags & CORO_SLOT_FILELINE;
	}
	if (!object->kind)
		object->kind = event->object_kind;
	if (!object->name)
		object->name = event->name;
}

/* Links that hold in one state only. */
static void end_links(struct world_object *object)
{
	if (object->state != CORO_STATE_DELEGATING)
		object->delegate = 0;
	if ((object->kind == CORO_OBJECT_TASK || object->kind == CORO_OBJECT_TASKLET) &&
		object->state != CORO_STATE_SUSPENDED) {
		object->waits_on = 0;
		know(object, WORLD_UNKNOWN_WAITS_ON);
	}
}

static void apply(struct change *change, const struct world_object *known)
{
	const struct trace_event *event = change->event;
	struct world *world = change->world;
	bool missed = false;

	if (begins(event, known != NULL)) {
		change->damaged = known != NULL;
		begin_object(change);
	} else if (known) {
		change->object = *known;
		check_sequence(change, known->cseq);
		missed = world_is_unsure(world, known) && event->cseq != known->cseq + 1;
		if (missed)
			forget(&change->object);
	} else {
		/* It was there before, or its beginning was lost. */
		missed = world->late || world->lost;
		change->damaged = !missed;
		begin_object(change);
		change->object.unknown = missed ? WORLD_UNKNOWN_ALL : 0;
		change->object.created_at = missed ? 0 : event->n;
		change->object.state = event->prev;
		if (event->cseq && !world->late)
			check_sequence(change, 0);
	}
	if ((change->object.state != event->prev && !missed) ||
		!schema_fits(&world->schema, event->kind, change->object.kind, event->prev, event->next))
		change->damaged = true;

	settle_control(world);
	apply_state(change);
	apply_kind(change);
	end_links(&change->object);
	if (!change->remove) {
		state_replace(world, &change->object, change->child);
		world->changed = event->co;
		return;
	}
	if (control(world) == event->co)
		give_control(world, resumer(&change->object));
	if (known)
		state_remove(world, event->co);
	world->changed = 0;
}

int world_apply(struct world *world, const struct trace_event *event)
{
	struct change change = {.world = world, .event = event};
	bool child = event->peer &&
				 (event->kind == CORO_EVENT_AWAIT_CHILD || event->kind == CORO_EVENT_CHANNEL_WAIT ||
				  event->kind == CORO_EVENT_GROUP_ADD);
	uint32_t ring = event->ring;
	uint64_t actor;
	const struct node *node;
	int result;

	if (ring >= CORO_RINGS) {
		ring = 0;
		change.damaged = true;
	}
	actor = event->co && !event->lost ? actor_of(world, event, ring) : 0;
	if (event->co) {
		result = state_reserve(world, event->co, actor, ring, child);
		if (result < 0)
			return result;
	}
	if (actor)
		state_set_place(world, actor, event->site, event->flags & CORO_SLOT_FILELINE);
	if (event->co)
		world->ring = ring;
	world->at = event->n;
	if (event->lost)
		lose(world, event);
	world->time = event->t;
	world->changed = 0;
	if (event->co) {
		node = state_look_up(world, event->co);
		apply(&change, node ? &node->object : NULL);
	} else {
		change.damaged = !world->lost && !world->late;
	}
	world->damage += change.damaged;
	return 0;
}

/* ---- Life cycle -------------------------------------------------------- */

struct world *world_new(void)
{
	struct world *world = calloc(1, sizeof(*world));

	if (!world)
		return NULL;
	world->running = calloc(1, sizeof(world->running[0]));
	if (!world->running) {
		free(world);
		return NULL;
	}
	world->rings = 1;
	world->copies = 1;
	schema_init(&world->schema);
	return world;
}

void world_free(struct world *world)
{
	if (!world)
		return;
	tree_clear(&world->objects, &state_nodes);
	tree_clear(&world->uppers, NULL);
	tree_clear(&world->waiters, NULL);
	tree_clear(&world->ready, NULL);
	tree_pool_done(&world->pool);
	free(world->spare);
	free(world->running);
	free(world);
}

struct world *world_copy(struct world *world)
{
	struct world *copy = malloc(sizeof(*copy));
	size_t bytes = world->rings * sizeof(world->running[0]);

	if (!copy)
		return NULL;
	*copy = *world;
	copy->copies = ++world->copies;
	copy->pool = (struct tree_pool){0};
	copy->spare = NULL;
	copy->running = malloc(bytes);
	if (!copy->running) {
		free(copy);
		return NULL;
	}
	memcpy(copy->running, world->running, bytes);
	copy->objects = tree_share(&world->objects);
	copy->uppers = tree_share(&world->uppers);
	copy->waiters = tree_share(&world->waiters);
	copy->ready = tree_share(&world->ready);
	return copy;
}
