/*
 * awaits.c - who awaits whom, as a tree: the waiting one above, what it waits for below it.
 *
 *     main #3  task  suspended  gather 1/2
 *       amain #2  coroutine  suspended  demo.c:40
 *       producer #5  task  suspended  put jobs
 *       consumer #7  task  ready
 *
 * An edge leads from a task to the coroutine that it drives, from a body to its delegate,
 * from a suspended task to what it awaits, and from a lock to its owner. A future that is made of
 * others (gather) stands for its children, one that is made for a lock stands for the lock's owner,
 * and any other future is the reason at the end of the line. The graph need not
 * be a tree: what was shown above is named, not repeated; what stands above itself
 * is a cycle, and is said to be one.
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
	struct waiters waiters; /* with `all` */
	struct text *text;      /* where the lines go; NULL: JSON */
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

/* The lock that a future was made for, while it waits for it. */
static const struct world_object *lock_of(const struct world *world,
										  const struct world_object *future)
{
	const struct world_object *about = world_find(world, future->waits_on);

	if (!about || about->kind != CORO_OBJECT_LOCK || future->state != CORO_STATE_PENDING)
		return NULL;
	return about;
}

static size_t add_awaited(struct awaits *awaits, const struct world_object *object, uint64_t *ret)
{
	const struct world *world = session_world(awaits->session);
	uint64_t target = object->waits_on;
	const struct world_object *awaited = target ? world_find(world, target) : NULL, *lock;
	size_t count;

	if (!awaited)
		return 0;
	if (awaits->all || awaited->kind != CORO_OBJECT_FUTURE) {
		ret[0] = target;
		return awaits->all || is_coroutine(awaited);
	}
	lock = lock_of(world, awaited);
	if (lock) {
		ret[0] = lock->owner;
		return lock->owner != 0;
	}
	count = world_children(world, target, ret, CHILDREN_MOST);
	return count < CHILDREN_MOST ? count : CHILDREN_MOST;
}

/* What an object waits for, directly. `ret` has room for CHILDREN_MOST + 1. */
static size_t children(struct awaits *awaits, const struct world_object *object, uint64_t *ret)
{
	const struct world *world = session_world(awaits->session);
	uint64_t below = world_below(world, object);
	size_t count = 0;

	if (below)
		ret[count++] = below;
	if (object->kind == CORO_OBJECT_TASK && object->state == CORO_STATE_SUSPENDED)
		count += add_awaited(awaits, object, ret + count);
	if (object->kind == CORO_OBJECT_FUTURE && object->state == CORO_STATE_PENDING) {
		size_t more = world_children(world, object->serial, ret + count, CHILDREN_MOST - count);

		count += more < CHILDREN_MOST - count ? more : CHILDREN_MOST - count;
		if (count < CHILDREN_MOST && lock_of(world, object))
			ret[count++] = object->waits_on;
	}
	if (object->kind == CORO_OBJECT_LOCK && object->owner)
		ret[count++] = object->owner;
	return count;
}

/* Collects the nodes, and marks those that somebody awaits. */
static bool collect(struct awaits *awaits)
{
	const struct world *world = session_world(awaits->session);
	uint64_t serial[CHILDREN_MOST + 1];
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
							trace_state_name(world_state(session_world(awaits->session), object)));
	text_clear(&text);
	text_add_wait(&text, awaits->session, object);
	if (text.length)
		json_add_text(json, "waits_on", &text);
	waiters_add_json(&awaits->waiters, object, json);
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
		object_line(awaits->session, &awaits->waiters, object, awaits->text);
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
	serial = calloc(CHILDREN_MOST + 1, sizeof(*serial));
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
	if (awaits->all)
		waiters_collect(&awaits->waiters, session_world(awaits->session));
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < awaits->count; i++) {
			struct node *node = &awaits->node[i];

			if (node->mark == SEEN || (round == 0 && node->below))
				continue;
			cJSON_AddItemToArray(array, show(awaits, node, 0));
		}
	}
	free(awaits->node);
	waiters_done(&awaits->waiters);
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
