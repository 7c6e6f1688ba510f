/*
 * objects.c - the objects that there are at the playhead, one a line.
 */
#include <stdlib.h>
#include <string.h>
#include <tracer/facts.h>
#include "command_private.h"

#define LINKS_MOST 4096 /* awaiters or children that JSON lists for one object */

bool is_coroutine(const struct world_object *object)
{
	return trace_object_is_body(object->kind) || object->kind == CORO_OBJECT_TASK;
}

void object_place(struct text *text, struct session *session, const struct world_object *object)
{
	bool is_string;
	uint32_t site = world_place(object, &is_string);
	const char *place = symbols_text(session_symbols(session), site, is_string);

	text_add_filtered(text, place, strlen(place));
}

static const char *state_of(struct session *session, const struct world_object *object)
{
	return world_state_name(session_world(session), object);
}

/* What it waits for, and its facts: "get jobs, deadline 2 s". */
static void add_doing(struct text *text, struct session *session, const struct world_object *object)
{
	_cleanup_(text_cleanup) struct text facts = {0};
	size_t before = text->length;

	text_add_wait(text, session, object);
	text_add_facts(&facts, session, object);
	if (facts.length)
		text_add(text, "%s%s", text->length > before ? ", " : "", text_string(&facts));
}

void object_line(struct session *session, const struct world_object *object, struct text *ret)
{
	size_t before;

	text_add_object(ret, session, object->serial);
	text_add(ret, "  %s  %s", trace_object_kind_name(object->kind), state_of(session, object));
	before = ret->length;
	text_add(ret, "  ");
	add_doing(ret, session, object);
	if (ret->length > before + 2) {
		before = ret->length;
		text_add(ret, "  ");
	}
	object_place(ret, session, object);
	/* Nothing came after the blanks: take them back. */
	while (ret->length && ret->data[ret->length - 1] == ' ')
		ret->data[--ret->length] = 0;
}

void objects_list(struct session *session, bool all, struct text *ret)
{
	static const char *const heading[] = {"ID", "NAME", "KIND", "STATE", "WAITS ON", "AT"};
	_cleanup_(columns_done) struct columns columns = {.width = 6, .right = 1};
	_cleanup_(text_cleanup) struct text cell = {0};
	const struct world *world = session_world(session);

	for (unsigned i = 0; i < 6; i++)
		columns_add_string(&columns, heading[i]);
	for (const struct world_object *object = world_next(world, 0); object;
		 object = world_next(world, object->serial)) {
		if (!all && !is_coroutine(object))
			continue;
		text_add(&cell, "%llu", (unsigned long long)object->serial);
		columns_add(&columns, &cell);
		text_add_name(&cell, session, object);
		columns_add(&columns, &cell);
		columns_add_string(&columns, trace_object_kind_name(object->kind));
		columns_add_string(&columns, state_of(session, object));
		add_doing(&cell, session, object);
		columns_add(&columns, &cell);
		object_place(&cell, session, object);
		columns_add(&columns, &cell);
	}
	if (columns.count == 6)
		text_add(ret, "no %s at event %llu", all ? "objects" : "coroutines and tasks",
				 (unsigned long long)session_playhead(session));
	else
		columns_print(&columns, ret);
}

static void add_id(cJSON *array, uint64_t serial)
{
	if (serial)
		cJSON_AddItemToArray(array, cJSON_CreateNumber((double)serial));
}

static void add_ids(cJSON *array, const uint64_t *serials, size_t count)
{
	for (size_t i = 0; i < count && i < LINKS_MOST; i++)
		add_id(array, serials[i]);
}

static void add_links(cJSON *json, const struct world *world, const struct world_object *object)
{
	uint64_t serials[LINKS_MOST];
	cJSON *awaits = cJSON_AddArrayToObject(json, "awaits");
	cJSON *awaited_by;

	add_id(awaits, world_below(world, object));
	if (object->state == CORO_STATE_SUSPENDED || object->state == CORO_STATE_PENDING)
		add_id(awaits, object->waits_on);
	add_ids(awaits, serials, world_children(world, object->serial, serials, LINKS_MOST));
	awaited_by = cJSON_AddArrayToObject(json, "awaited_by");
	add_id(awaited_by, world_above(world, object));
	add_ids(awaited_by, serials, world_awaiters(world, object->serial, serials, LINKS_MOST));
}

/* Ids that the World lists for an object: the tasks behind its waiters of a reason (0: of any), or
 * its children, those that are not over or all. */
enum listed { WAITERS, CHILDREN, PENDING_CHILDREN };

static void add_listed(cJSON *json, const char *key, const struct world *world, uint64_t serial,
					   enum listed listed, unsigned reason)
{
	cJSON *array = cJSON_AddArrayToObject(json, key);
	size_t count = listed == WAITERS ? world_waiters(world, serial, NULL, 0)
									 : world_children(world, serial, NULL, 0);
	uint64_t *serials = count ? malloc(count * sizeof(*serials)) : NULL;

	if (!serials)
		return;
	if (listed == WAITERS)
		world_waiters(world, serial, serials, count);
	else
		world_children(world, serial, serials, count);
	for (size_t i = 0; i < count; i++) {
		const struct world_object *object = world_find(world, serials[i]);

		if (listed == WAITERS && object && (!reason || object->reason == reason))
			add_id(array, world_waiter(world, serials[i]));
		else if (listed == CHILDREN ||
				 (listed == PENDING_CHILDREN && !world_is_over(world, serials[i])))
			add_id(array, serials[i]);
	}
	free(serials);
}

static void add_children(cJSON *json, const struct world *world, uint64_t serial)
{
	add_listed(json, "children", world, serial, CHILDREN, 0);
	add_listed(json, "pending", world, serial, PENDING_CHILDREN, 0);
}

/* Does a future stand in a channel's line of that side? One of a select may stand in both. */
static bool is_at_side(const struct world *world, const struct world_object *future,
					   uint64_t channel, unsigned side)
{
	enum { TOLD = 63 }; /* cases whose side the World knows */
	uint64_t channels[TOLD];
	size_t count;

	if (future->reason != CORO_REASON_SELECT)
		return future->reason == side;
	count = world_children(world, future->serial, channels, TOLD);
	for (size_t i = 0; i < count && i < TOLD; i++)
		if (channels[i] == channel &&
			(future->number >> i & 1) == (side == CORO_REASON_CHANNEL_SEND))
			return true;
	return false;
}

static void add_side(cJSON *json, const char *key, const struct world *world, uint64_t channel,
					 unsigned side)
{
	cJSON *array = cJSON_AddArrayToObject(json, key);
	size_t count = world_waiters(world, channel, NULL, 0);
	uint64_t *futures = count ? malloc(count * sizeof(*futures)) : NULL;

	if (!futures)
		return;
	world_waiters(world, channel, futures, count);
	for (size_t i = 0; i < count; i++) {
		const struct world_object *future = world_find(world, futures[i]);

		if (future && is_at_side(world, future, channel, side))
			add_id(array, world_waiter(world, futures[i]));
	}
	free(futures);
}

/* A number, unless the debugger came too late to know. */
static void add_known(cJSON *json, const char *key, const struct world_object *object,
					  uint64_t number, unsigned flag)
{
	if (!(object->unknown & flag))
		json_add_number(json, key, number);
}

static void add_channel(cJSON *json, const struct world *world, const struct world_object *channel)
{
	add_known(json, "length", channel, channel->length, WORLD_UNKNOWN_LENGTH);
	add_known(json, "capacity", channel, channel->capacity, WORLD_UNKNOWN_CAPACITY);
	add_side(json, "senders", world, channel->serial, CORO_REASON_CHANNEL_SEND);
	add_side(json, "receivers", world, channel->serial, CORO_REASON_CHANNEL_RECEIVE);
}

static void add_queue(cJSON *json, const struct world *world, const struct world_object *queue)
{
	add_known(json, "length", queue, queue->length, WORLD_UNKNOWN_LENGTH);
	if (queue->capacity)
		json_add_number(json, "capacity", queue->capacity);
	add_known(json, "unfinished", queue, queue->unfinished, WORLD_UNKNOWN_UNFINISHED);
	add_listed(json, "getters", world, queue->serial, WAITERS, CORO_REASON_QUEUE_GET);
	add_listed(json, "putters", world, queue->serial, WAITERS, CORO_REASON_QUEUE_PUT);
	add_listed(json, "joiners", world, queue->serial, WAITERS, CORO_REASON_QUEUE_JOIN);
	if (queue->children)
		add_children(json, world, queue->serial);
}

/* A loop time, which may be before its origin. */
static void add_time(cJSON *json, const char *key, int64_t ns)
{
	if (ns < 0)
		cJSON_AddNumberToObject(json, key, (double)ns);
	else
		json_add_number(json, key, (uint64_t)ns);
}

static void add_deadline(cJSON *json, const struct world_object *timeout)
{
	if (timeout && timeout->number != INT64_MAX && !(timeout->unknown & WORLD_UNKNOWN_NUMBER))
		add_time(json, "deadline", timeout->number);
}

static void add_own(cJSON *json, const struct world *world, const struct world_object *object)
{
	static const char *const phases[] = {"filling", "draining", "resetting", "broken"};

	switch (object->kind) {
	case CORO_OBJECT_TASK:
		add_deadline(json, world_find(world, world_timeout(world, object->serial)));
		break;
	case CORO_OBJECT_FUTURE:
		if (object->children && object->reason != CORO_REASON_SELECT)
			add_children(json, world, object->serial);
		break;
	case CORO_OBJECT_LOCK:
		if (object->owner)
			json_add_number(json, "owner", object->owner);
		break;
	case CORO_OBJECT_QUEUE:
		add_queue(json, world, object);
		break;
	case CORO_OBJECT_CHANNEL:
		add_channel(json, world, object);
		break;
	case CORO_OBJECT_EVENT:
		if (!(object->unknown & WORLD_UNKNOWN_SET))
			cJSON_AddBoolToObject(json, "set", object->set);
		break;
	case CORO_OBJECT_SEMAPHORE:
		add_known(json, "places", object, object->length, WORLD_UNKNOWN_LENGTH);
		break;
	case CORO_OBJECT_CONDITION:
		if (object->lock)
			json_add_number(json, "lock", object->lock);
		break;
	case CORO_OBJECT_BARRIER:
		add_known(json, "parties", object, object->capacity, WORLD_UNKNOWN_CAPACITY);
		add_known(json, "inside", object, object->length, WORLD_UNKNOWN_LENGTH);
		if (!(object->unknown & WORLD_UNKNOWN_NUMBER))
			cJSON_AddStringToObject(json, "phase", phases[object->number & 3]);
		break;
	case CORO_OBJECT_GROUP:
		if (object->owner)
			json_add_number(json, "owner", object->owner);
		add_children(json, world, object->serial);
		cJSON_AddBoolToObject(json, "aborting", object->state == CORO_STATE_CLOSED);
		break;
	case CORO_OBJECT_TIMEOUT:
		json_add_number(json, "owner", object->waits_on);
		add_deadline(json, object);
		cJSON_AddBoolToObject(json, "expired", object->state == CORO_STATE_CLOSED);
		break;
	case CORO_OBJECT_TIMER:
		if (!(object->unknown & WORLD_UNKNOWN_NUMBER))
			add_time(json, "due", object->number);
		break;
	case CORO_OBJECT_DESCRIPTOR:
		if (!(object->unknown & WORLD_UNKNOWN_NUMBER))
			cJSON_AddNumberToObject(json, "fd", (double)object->number);
		break;
	}
}

void object_add_facts(cJSON *json, const struct world *world, const struct world_object *object)
{
	add_own(json, world, object);
	switch (object->kind) {
	case CORO_OBJECT_LOCK:
	case CORO_OBJECT_QUEUE:
	case CORO_OBJECT_CHANNEL:
	case CORO_OBJECT_EVENT:
	case CORO_OBJECT_SEMAPHORE:
	case CORO_OBJECT_CONDITION:
	case CORO_OBJECT_BARRIER:
	case CORO_OBJECT_DESCRIPTOR:
		add_listed(json, "waiters", world, object->serial, WAITERS, 0);
		break;
	}
}

static cJSON *object_json(struct session *session, const struct world_object *object)
{
	_cleanup_(text_cleanup) struct text text = {0};
	cJSON *json = cJSON_CreateObject();
	uint32_t site;
	bool is_string;

	json_add_number(json, "id", object->serial);
	text_add_name(&text, session, object);
	json_add_text(json, "name", &text);
	cJSON_AddStringToObject(json, "kind", trace_object_kind_name(object->kind));
	cJSON_AddStringToObject(json, "state",
							trace_state_name(world_state(session_world(session), object)));
	if (world_is_unsure(session_world(session), object))
		cJSON_AddTrueToObject(json, "unsure");
	if (object->unknown & WORLD_UNKNOWN_PAST)
		cJSON_AddTrueToObject(json, "partial");
	text_clear(&text);
	text_add_wait(&text, session, object);
	if (text.length)
		json_add_text(json, "waits_on", &text);
	add_links(json, session_world(session), object);
	object_add_facts(json, session_world(session), object);
	if (object->parent)
		json_add_number(json, "parent", object->parent);
	site = world_place(object, &is_string);
	json_add_place(json, "site", session, site, is_string);
	if (object->creation_site)
		json_add_place(json, "created_site", session, object->creation_site, true);
	else
		json_add_place(json, "created_site", session, object->creation_pc, false);
	add_known(json, "created_at", object, object->created_at, WORLD_UNKNOWN_PAST);
	add_known(json, "resumes", object, object->resumes, WORLD_UNKNOWN_RESUMES);
	if (object->stack_kib)
		json_add_number(json, "stack_bytes", (uint64_t)object->stack_kib * 1024);
	return json;
}

cJSON *objects_json(struct session *session, bool all)
{
	const struct world *world = session_world(session);
	cJSON *array = cJSON_CreateArray();

	for (const struct world_object *object = world_next(world, 0); object;
		 object = world_next(world, object->serial)) {
		if (all || is_coroutine(object))
			cJSON_AddItemToArray(array, object_json(session, object));
	}
	return array;
}
