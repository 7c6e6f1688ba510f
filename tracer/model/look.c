/*
 * look.c - questions to a World.
 *
 * Everything that is about two objects is found here, from one object's link and the trees
 * that hold the links' other ends:
 *
 *     task #5                  above: nobody          waits_on: future #9, its own
 *       │ drives
 *     worker #4  DELEGATING    above: #5              waits_on: #9, by its task
 *       │ delegate
 *     get #8     SUSPENDED     above: #4              waits_on: #9, by its task
 *
 * Links come from traces, so they may lead nowhere, or in a circle: every walk has an end.
 */
#include <stdint.h>
#include "state.h"

uint64_t world_at(const struct world *world)
{
	return world->at;
}

int64_t world_time(const struct world *world)
{
	return world->time;
}

uint64_t world_turn(const struct world *world)
{
	return world->turn;
}

uint64_t world_damage(const struct world *world)
{
	return world->damage;
}

uint64_t world_lost(const struct world *world)
{
	return world->lost;
}

bool world_is_unsure(const struct world *world, const struct world_object *object)
{
	return world->lost && object->changed_at <= world->lost_at;
}

const char *world_state_name(const struct world *world, const struct world_object *object)
{
	static const char *const unsure[CORO_STATE_LIMIT] = {
#define NAME_ENTRY(number, NAME, name) [number] = #name "?",
		CORO_STATES(NAME_ENTRY)
#undef NAME_ENTRY
	};
	unsigned state = world_state(world, object);

	return world_is_unsure(world, object) && state < CORO_STATE_LIMIT ? unsure[state]
																	  : trace_state_name(state);
}

uint64_t world_missing(const struct world *world)
{
	return world->missing;
}

const struct world_object *world_find(const struct world *world, uint64_t serial)
{
	const struct node *node = serial ? state_find(world, serial) : NULL;

	return node ? &node->object : NULL;
}

const struct world_object *world_next(const struct world *world, uint64_t after)
{
	const struct tree_entry *entry =
		tree_after(&world->objects, (struct tree_key){after, UINT64_MAX});

	return entry ? &((const struct node *)entry->value)->object : NULL;
}

struct visitor {
	void (*visit)(void *context, const struct world_object *object);
	void *context;
};

static void visit_one(void *context, void *value, void *none)
{
	const struct visitor *visitor = context;

	(void)none;
	visitor->visit(visitor->context, &((const struct node *)value)->object);
}

void world_visit(const struct world *world,
				 void (*visit)(void *context, const struct world_object *object), void *context)
{
	const struct tree none = {0};
	struct visitor visitor = {visit, context};

	tree_differ(&world->objects, &none, visit_one, &visitor);
}

size_t world_count_of(const struct world *world, unsigned kind, unsigned state)
{
	return kind < STATE_KINDS && state < STATE_STATES ? world->tally[kind][state] : 0;
}

bool world_is_late(const struct world *world)
{
	return world->late;
}

size_t world_count(const struct world *world)
{
	return world->objects.count;
}

const struct world_object *state_running(const struct world *world, uint32_t ring)
{
	const struct world_object *object =
		ring < world->rings ? world_find(world, world->running[ring]) : NULL;
	const struct world_object *above;

	if (!object)
		return NULL;
	if (state_is_finished(object)) {
		above = world_find(world, world_above(world, object));
		object = above && above->state == CORO_STATE_DELEGATING
					 ? above
					 : world_find(world, object->resumer);
	}
	if (object && (object->state == CORO_STATE_RUNNING || object->state == CORO_STATE_DELEGATING))
		return object;
	return NULL;
}

const struct world_object *world_running(const struct world *world)
{
	return state_running(world, world->ring);
}

const struct world_object *world_changed(const struct world *world)
{
	return world_find(world, world->changed);
}

/* ---- States ------------------------------------------------------------ */

/* It runs in a greenlet or tasklet that does not. */
static bool is_left(const struct world *world, const struct world_object *object)
{
	for (unsigned i = 0, most = state_deepest(world); i < most && object; i++) {
		if (object->kind == CORO_OBJECT_GREENLET || object->kind == CORO_OBJECT_TASKLET)
			return object->state == CORO_STATE_SUSPENDED || object->state == CORO_STATE_READY;
		object = world_find(world, object->resumer);
	}
	return false;
}

/* A delegator runs while anything below it does, or has control on its way down or up. */
static unsigned delegating_state(const struct world *world, const struct world_object *object)
{
	for (unsigned i = 0, most = state_deepest(world); i < most; i++) {
		if (object->state != CORO_STATE_DELEGATING)
			break;
		if (state_has_control(world, object->serial))
			return CORO_STATE_RUNNING;
		object = world_find(world, object->delegate);
		if (!object)
			return CORO_STATE_SUSPENDED;
	}
	if (object->state == CORO_STATE_RUNNING)
		return is_left(world, object) ? CORO_STATE_SUSPENDED : CORO_STATE_RUNNING;
	if (state_is_finished(object) && state_has_control(world, object->serial))
		return CORO_STATE_RUNNING;
	return CORO_STATE_SUSPENDED;
}

uint32_t world_place(const struct world_object *object, bool *ret_is_string)
{
	*ret_is_string = object->site ? object->site_is_string : object->creation_site != 0;
	if (object->site)
		return object->site;
	return object->creation_site ? object->creation_site : object->creation_pc;
}

unsigned world_state(const struct world *world, const struct world_object *object)
{
	const struct world_object *above;

	if (object->state == CORO_STATE_DELEGATING)
		return delegating_state(world, object);
	if (object->state != CORO_STATE_RUNNING || object->kind == CORO_OBJECT_TASK)
		return object->state;
	if (is_left(world, object))
		return CORO_STATE_SUSPENDED;
	above = world_find(world, world_above(world, object));
	if (above && above->kind == CORO_OBJECT_TASK &&
		(above->state == CORO_STATE_READY || above->state == CORO_STATE_SUSPENDED))
		return CORO_STATE_SUSPENDED;
	return object->state;
}

/* ---- Up and down ------------------------------------------------------- */

uint64_t world_below(const struct world *world, const struct world_object *object)
{
	return state_below(object);
}

/* Several may delegate to one: a generator may be driven from two sides. The one that changed
 * last is shown. */
uint64_t world_above(const struct world *world, const struct world_object *object)
{
	struct tree_key key = {object->serial, 0};
	const struct world_object *above, *best = NULL;
	const struct tree_entry *entry;

	for (unsigned i = 0; i < 64; i++) {
		entry = tree_after(&world->uppers, key);
		if (!entry || entry->key.major != object->serial)
			break;
		key = entry->key;
		above = world_find(world, key.minor);
		if (above && (!best || above->changed_at > best->changed_at))
			best = above;
	}
	return best ? best->serial : 0;
}

/* The outermost above an object; in a circle, some member of it. */
static const struct world_object *outermost(const struct world *world,
											const struct world_object *object)
{
	const struct world_object *above;

	for (unsigned i = 0, most = state_deepest(world); i < most; i++) {
		above = world_find(world, world_above(world, object));
		if (!above)
			break;
		object = above;
	}
	return object;
}

size_t world_chain(const struct world *world, uint64_t serial, uint64_t *ret, size_t room)
{
	const struct world_object *object = world_find(world, serial), *mark = NULL;
	size_t count = 0, next_mark = 1;

	if (!object)
		return 0;
	/* Brent's: the mark stands still for ever longer, and whoever meets it goes round. */
	for (object = outermost(world, object); object && object != mark;
		 object = world_find(world, state_below(object))) {
		if (count < room)
			ret[count] = object->serial;
		count++;
		if (count == next_mark) {
			mark = object;
			next_mark *= 2;
		}
	}
	return count;
}

/* ---- Waiting ----------------------------------------------------------- */

uint64_t world_waits_on(const struct world *world, const struct world_object *object)
{
	switch (object->kind) {
	case CORO_OBJECT_GENERATOR:
	case CORO_OBJECT_COROUTINE:
	case CORO_OBJECT_ASYNC_GENERATOR:
		object = outermost(world, object);
		return object->kind == CORO_OBJECT_TASK ? object->waits_on : 0;
	default:
		return object->waits_on;
	}
}

bool world_is_over(const struct world *world, uint64_t serial)
{
	const struct world_object *object = world_find(world, serial);

	return !object || state_is_finished(object);
}

/* Whether a future that was made for an object still stands in its line. */
static bool is_in_line(const struct world_object *future, const struct world_object *about)
{
	if (future->state == CORO_STATE_PENDING || !about)
		return future->state == CORO_STATE_PENDING;
	switch (about->kind) {
	case CORO_OBJECT_LOCK:
	case CORO_OBJECT_EVENT:
	case CORO_OBJECT_CONDITION:
	case CORO_OBJECT_SEMAPHORE:
	case CORO_OBJECT_BARRIER:
		return true;
	case CORO_OBJECT_QUEUE:
		return future->state == CORO_STATE_CANCELLED;
	default:
		/* A future that is done still says what it was for. */
		return false;
	}
}

/* The first of a kind after *after that stands under `serial` among the waiters, and moves *after
 * to it; NULL: there is none. A future that does not wait any more is passed over. */
static const struct world_object *next_under(const struct world *world, uint64_t serial,
											 unsigned kind, uint64_t *after)
{
	const struct world_object *about = world_find(world, serial), *object;
	const struct tree_entry *entry;

	while ((entry = tree_after(&world->waiters, (struct tree_key){serial, *after})) &&
		   entry->key.major == serial) {
		*after = entry->key.minor;
		object = world_find(world, *after);
		if (object &&
			(object->kind == kind ||
			 (kind == CORO_OBJECT_TASK && object->kind == CORO_OBJECT_TASKLET)) &&
			(kind != CORO_OBJECT_FUTURE || is_in_line(object, about)))
			return object;
	}
	return NULL;
}

/* The same of selects that wait for a channel. */
static const struct world_object *next_select(const struct world *world, uint64_t channel,
											  uint64_t *after)
{
	const struct world_object *object;

	while ((object = next_under(world, STATE_SELECTS, CORO_OBJECT_FUTURE, after))) {
		const struct node *node = state_find(world, object->serial);

		if (object->waits_on == channel)
			return object;
		for (size_t i = 0; i < object->children; i++)
			if (state_child(node, i) == channel)
				return object;
	}
	return NULL;
}

/* Those of a kind whose waits_on is `serial`, counted up to `most`. */
static size_t waiting_for(const struct world *world, uint64_t serial, unsigned kind, uint64_t *ret,
						  size_t room, size_t most)
{
	uint64_t after = 0;
	size_t count;

	for (count = 0; count < most && next_under(world, serial, kind, &after); count++)
		if (count < room)
			ret[count] = after;
	return count;
}

size_t world_awaiters(const struct world *world, uint64_t serial, uint64_t *ret, size_t room)
{
	return waiting_for(world, serial, CORO_OBJECT_TASK, ret, room, SIZE_MAX);
}

size_t world_waiters(const struct world *world, uint64_t serial, uint64_t *ret, size_t room)
{
	return world_waiters_most(world, serial, ret, room, SIZE_MAX);
}

size_t world_waiters_most(const struct world *world, uint64_t serial, uint64_t *ret, size_t room,
						  size_t most)
{
	const struct world_object *channel = world_find(world, serial), *plain, *select, *first;
	uint64_t after = 0, after_select = 0;
	size_t count;

	if (!channel || channel->kind != CORO_OBJECT_CHANNEL)
		return waiting_for(world, serial, CORO_OBJECT_FUTURE, ret, room, most);
	/* Two lists in the order of serials, which is that of coming, become one. */
	plain = next_under(world, serial, CORO_OBJECT_FUTURE, &after);
	select = next_select(world, serial, &after_select);
	for (count = 0; count < most && (plain || select); count++) {
		first = !select || (plain && plain->serial < select->serial) ? plain : select;
		if (count < room)
			ret[count] = first->serial;
		if (first == plain)
			plain = next_under(world, serial, CORO_OBJECT_FUTURE, &after);
		else
			select = next_select(world, serial, &after_select);
	}
	return count;
}

uint64_t world_waiter(const struct world *world, uint64_t serial)
{
	const struct world_object *future = world_find(world, serial);
	uint64_t task;

	if (waiting_for(world, serial, CORO_OBJECT_TASK, &task, 1, 1))
		return task;
	return future ? future->parent : 0;
}

uint64_t world_timeout(const struct world *world, uint64_t task)
{
	const struct world_object *timeout, *best = NULL;
	uint64_t after = 0;

	while ((timeout = next_under(world, task, CORO_OBJECT_TIMEOUT, &after)))
		if (timeout->state == CORO_STATE_OPEN && timeout->number != INT64_MAX &&
			(!best || timeout->number < best->number))
			best = timeout;
	return best ? best->serial : 0;
}

uint64_t world_timer(const struct world *world, uint64_t serial)
{
	uint64_t timer;

	return waiting_for(world, serial, CORO_OBJECT_TIMER, &timer, 1, 1) ? timer : 0;
}

size_t world_children(const struct world *world, uint64_t serial, uint64_t *ret, size_t room)
{
	const struct node *node = state_find(world, serial);
	uint64_t end;

	if (!node)
		return 0;
	end = node->object.children;
	for (const struct children *block = node->children; block; block = block->previous) {
		for (uint64_t i = block->before; i < end && i < room; i++)
			ret[i] = block->serials[i - block->before];
		end = block->before;
	}
	return node->object.children;
}

uint64_t world_next_parent(const struct world *world, uint64_t after)
{
	const struct tree_entry *entry =
		tree_after(&world->waiters, (struct tree_key){STATE_PARENTS, after});

	return entry && entry->key.major == STATE_PARENTS ? entry->key.minor : 0;
}

size_t world_ready(const struct world *world, uint64_t *ret, size_t room)
{
	struct tree_key key = {0, 0};
	const struct tree_entry *entry;

	for (size_t i = 0; i < room; i++) {
		entry = tree_after(&world->ready, key);
		if (!entry)
			break;
		key = entry->key;
		ret[i] = key.minor;
	}
	return world->ready.count;
}
