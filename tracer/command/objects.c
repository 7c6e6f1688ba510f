/*
 * objects.c - the objects that there are at the playhead, one a line.
 */
#include <string.h>
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
	return trace_state_name(world_state(session_world(session), object));
}

void object_line(struct session *session, const struct waiters *waiters,
				 const struct world_object *object, struct text *ret)
{
	size_t before;

	text_add_object(ret, session, object->serial);
	text_add(ret, "  %s  %s", trace_object_kind_name(object->kind), state_of(session, object));
	before = ret->length;
	text_add(ret, "  ");
	text_add_wait(ret, session, object);
	waiters_add_text(waiters, session, object, ret);
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
	_cleanup_(waiters_done) struct waiters waiters = {0};
	const struct world *world = session_world(session);

	if (all)
		waiters_collect(&waiters, world);
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
		text_add_wait(&cell, session, object);
		waiters_add_text(&waiters, session, object, &cell);
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

static cJSON *object_json(struct session *session, const struct waiters *waiters,
						  const struct world_object *object)
{
	_cleanup_(text_cleanup) struct text text = {0};
	cJSON *json = cJSON_CreateObject();
	uint32_t site;
	bool is_string;

	json_add_number(json, "id", object->serial);
	text_add_name(&text, session, object);
	json_add_text(json, "name", &text);
	cJSON_AddStringToObject(json, "kind", trace_object_kind_name(object->kind));
	cJSON_AddStringToObject(json, "state", state_of(session, object));
	text_clear(&text);
	text_add_wait(&text, session, object);
	if (text.length)
		json_add_text(json, "waits_on", &text);
	add_links(json, session_world(session), object);
	waiters_add_json(waiters, object, json);
	if (object->parent)
		json_add_number(json, "parent", object->parent);
	site = world_place(object, &is_string);
	json_add_place(json, "site", session, site, is_string);
	if (object->creation_site)
		json_add_place(json, "created_site", session, object->creation_site, true);
	else
		json_add_place(json, "created_site", session, object->creation_pc, false);
	json_add_number(json, "created_at", object->created_at);
	json_add_number(json, "resumes", object->resumes);
	if (object->stack_kib)
		json_add_number(json, "stack_bytes", (uint64_t)object->stack_kib * 1024);
	return json;
}

cJSON *objects_json(struct session *session, bool all)
{
	const struct world *world = session_world(session);
	_cleanup_(waiters_done) struct waiters waiters = {0};
	cJSON *array = cJSON_CreateArray();

	if (all)
		waiters_collect(&waiters, world);
	for (const struct world_object *object = world_next(world, 0); object;
		 object = world_next(world, object->serial)) {
		if (all || is_coroutine(object))
			cJSON_AddItemToArray(array, object_json(session, &waiters, object));
	}
	return array;
}
