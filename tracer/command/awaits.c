/*
 * awaits.c - who awaits whom, as a tree: the waiting one above, what it waits for below it.
 *
 *     main #3  task  suspended  gather 1/2
 *       amain #2  coroutine  suspended  demo.c:40
 *       producer #5  task  suspended  put jobs
 *       consumer #7  task  ready
 *
 * An edge leads from a task to the coroutine that it drives, from a body to its delegate,
 * from a suspended task to what it awaits, from a lock to its owner, and from a group to its tasks.
 * A future that is made of others (gather) stands for its children, one that is made for a lock
 * for the lock's owner, for a group for the tasks of it that are not done, for another future
 * (shield) for that one; and any other future is the reason at the end of the line. With `all`,
 * futures are nodes themselves, and so is what they are for. The graph need not be a tree: what
 * was shown above is named, not repeated; what stands above itself is a cycle, and is said to be
 * one.
 */
#include <stdlib.h>
#include <string.h>
#include "command_private.h"

#define CHILDREN_MOST 4096
#define DEPTH_MOST    1000

enum mark { NOT_SEEN, OPEN, SEEN };

struct node {
	uint64_t serial;
	enum mark mark; /* OPEN: it stands on the way from the root to here */
	bool below;     /* somebody awaits it: it is no root */
};

struct awaits {
	struct session *session;
	bool all;
	struct node *node; /* owned; in the order of serials */
	size_t count;
	struct text *text; /* where the lines go; NULL: JSON */
};

static int compare(const void *key, const void *element)
{
	const uint64_t *serial = key;
	const struct node *node = element;

	return *serial < node->serial ? -1 : *serial > node->serial;
}

static struct node *find(struct awaits *awaits, uint64_t serial)
{
	if (!awaits->count)
		return NULL;
	return bsearch(&serial, awaits->node, awaits->count, sizeof(*awaits->node), compare);
}

/* Of what a pending future was made for, what others wait for in it: the owner of a lock, the
 * tasks of a group that are not done, the children of as_completed, or a future that is shielded.
 * As world_children. */
static size_t behind(const struct world *world, const struct world_object *about, uint64_t *ret,
					 size_t room)
{
	size_t count, kept = 0;

	switch (about->kind) {
	case CORO_OBJECT_TASK:
	case CORO_OBJECT_FUTURE:
		ret[0] = about->serial;
		return 1;
	case CORO_OBJECT_LOCK:
		ret[0] = about->owner;
		return about->owner != 0;
	case CORO_OBJECT_GROUP:
	case CORO_OBJECT_QUEUE:
		count = world_children(world, about->serial, ret, room);
		for (size_t i = 0; i < count && i < room; i++)
			if (!world_is_over(world, ret[i]))
				ret[kept++] = ret[i];
		return kept;
	default:
		return 0;
	}
}

/* Whom a pending future stands for: what it was made of, and for. */
static size_t add_reasons(struct awaits *awaits, const struct world_object *future, uint64_t *ret)
{
	const struct world *world = session_world(awaits->session);
	const struct world_object *about = world_find(world, future->waits_on);
	size_t count = world_children(world, future->serial, ret, CHILDREN_MOST);

	if (count > CHILDREN_MOST)
		count = CHILDREN_MOST;
	if (!about || future->state != CORO_STATE_PENDING)
		return count;
	if (!awaits->all)
		return count + behind(world, about, ret + count, CHILDREN_MOST + 1 - count);
	ret[count++] = about->serial;
	return count;
}

/* What a suspended task awaits; a future that is not shown stands for others. */
static size_t add_awaited(struct awaits *awaits, const struct world_object *task, uint64_t *ret)
{
	const struct world *world = session_world(awaits->session);
	const struct world_object *awaited = world_find(world, task->waits_on), *about;

	if (!awaited)
		return 0;
	if (awaits->all || awaited->kind != CORO_OBJECT_FUTURE) {
		ret[0] = awaited->serial;
		return awaits->all || is_coroutine(awaited);
	}
	/* A shield of a shield of a task. */
	for (unsigned depth = 0; depth < DEPTH_MOST; depth++) {
		about = world_find(world, awaited->waits_on);
		if (!about || about->kind != CORO_OBJECT_FUTURE || awaited->state != CORO_STATE_PENDING)
			break;
		awaited = about;
	}
	return add_reasons(awaits, awaited, ret);
}

/* What an object waits for, directly. `ret` has room for CHILDREN_MOST + 2. */
static size_t children(struct awaits *awaits, const struct world_object *object, uint64_t *ret)
{
	const struct world *world = session_world(awaits->session);
	uint64_t below = world_below(world, object);
	size_t count = 0, more;

	if (below)
		ret[count++] = below;
	if (object->kind == CORO_OBJECT_TASK && object->state == CORO_STATE_SUSPENDED)
		return count + add_awaited(awaits, object, ret + count);
	if (object->kind == CORO_OBJECT_FUTURE && object->state == CORO_STATE_PENDING)
		return count + add_reasons(awaits, object, ret + count);
	if (object->kind == CORO_OBJECT_LOCK && object->owner)
		ret[count++] = object->owner;
	if (object->kind == CORO_OBJECT_GROUP || object->kind == CORO_OBJECT_QUEUE) {
		more = world_children(world, object->serial, ret + count, CHILDREN_MOST);
		count += more < CHILDREN_MOST ? more : CHILDREN_MOST;
	}
	return count;
}

/* Collects the nodes, and marks those that somebody awaits. */
static bool collect(struct awaits *awaits)
{
	const struct world *world = session_world(awaits->session);
	uint64_t serial[CHILDREN_MOST + 2];
	size_t room = world_count(world);

	awaits->node = calloc(room ? room : 1, sizeof(*awaits->node));
	if (!awaits->node)
		return false;
	for (const struct world_object *object = world_next(world, 0); object && awaits->count < room;
		 object = world_next(world, object->serial)) {
		if (awaits->all || is_coroutine(object))
			awaits->node[awaits->count++].serial = object->serial;
	}
	for (size_t i = 0; i < awaits->count; i++) {
		size_t count = children(awaits, world_find(world, awaits->node[i].serial), serial);

		for (size_t k = 0; k < count; k++) {
			struct node *node = find(awaits, serial[k]);

			if (node)
				node->below = true;
		}
	}
	return true;
}

static cJSON *node_json(struct awaits *awaits, const struct world_object *object)
{
	_cleanup_(text_cleanup) struct text text = {0};
	cJSON *json = cJSON_CreateObject();

	json_add_number(json, "id", object->serial);
	text_add_name(&text, awaits->session, object);
	json_add_text(json, "name", &text);
	cJSON_AddStringToObject(json, "kind", trace_object_kind_name(object->kind));
	cJSON_AddStringToObject(json, "state",
							world_state_name(session_world(awaits->session), object));
	text_clear(&text);
	text_add_wait(&text, awaits->session, object);
	if (text.length)
		json_add_text(json, "waits_on", &text);
	object_add_facts(json, session_world(awaits->session), object);
	return json;
}

static void node_line(struct awaits *awaits, const struct world_object *object, unsigned depth,
					  const char *remark)
{
	if (!awaits->text)
		return;
	text_add(awaits->text, "%s%*s", awaits->text->length ? "\n" : "", (int)depth * 2, "");
	if (*remark) {
		text_add_object(awaits->text, awaits->session, object->serial);
		text_add(awaits->text, "  (%s)", remark);
	} else {
		object_line(awaits->session, object, awaits->text);
	}
}

/* Shows one node and what is below it; in JSON, returns it. */
static cJSON *show(struct awaits *awaits, struct node *node, unsigned depth)
{
	const struct world_object *object = world_find(session_world(awaits->session), node->serial);
	const char *remark = node->mark == OPEN   ? "cycle"
						 : node->mark == SEEN ? "shown above"
						 : depth > DEPTH_MOST ? "deeper"
											  : "";
	cJSON *json = awaits->text ? NULL : node_json(awaits, object), *list = NULL;
	uint64_t *serial;
	size_t count;

	node_line(awaits, object, depth, *remark == 'd' ? "" : remark);
	if (*remark && json)
		cJSON_AddStringToObject(json, "remark", remark);
	if (*remark)
		return json;
	serial = calloc(CHILDREN_MOST + 2, sizeof(*serial));
	if (!serial)
		return json;
	node->mark = OPEN;
	count = children(awaits, object, serial);
	for (size_t i = 0; i < count; i++) {
		struct node *child = find(awaits, serial[i]);
		cJSON *below = child ? show(awaits, child, depth + 1) : NULL;

		if (!below)
			continue;
		if (!list)
			list = cJSON_AddArrayToObject(json, "awaits");
		cJSON_AddItemToArray(list, below);
	}
	free(serial);
	node->mark = SEEN;
	return json;
}

/* First those whom nobody awaits; what is left after them are cycles. */
static cJSON *show_all(struct awaits *awaits)
{
	cJSON *array = awaits->text ? NULL : cJSON_CreateArray();

	if (!collect(awaits))
		return array;
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < awaits->count; i++) {
			struct node *node = &awaits->node[i];

			if (node->mark == SEEN || (round == 0 && node->below))
				continue;
			cJSON_AddItemToArray(array, show(awaits, node, 0));
		}
	}
	free(awaits->node);
	return array;
}

void awaits_tree(struct session *session, bool all, struct text *ret)
{
	struct awaits awaits = {.session = session, .all = all, .text = ret};

	show_all(&awaits);
	if (!ret->length)
		text_add(ret, "no %s at event %llu", all ? "objects" : "coroutines and tasks",
				 (unsigned long long)session_playhead(session));
}

cJSON *awaits_json(struct session *session, bool all)
{
	struct awaits awaits = {.session = session, .all = all};

	return show_all(&awaits);
}
