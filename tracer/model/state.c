/*
 * state.c - objects, and their links looked up from the other end.
 *
 *      object 7: waits_on 9            waiters  (9, 7)
 *      object 8: a select              waiters  (SELECTS, 8)
 *      object 4: delegate 6            uppers   (6, 4)
 *      object 7: ready since 120       ready    (120, 7)
 *
 * A change of an object is: its old links out of the trees, its new ones in. All memory was
 * fetched before, by state_reserve(), so that a change is whole or does not happen.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "model_assert.h"
#include "state.h"

/* ---- References -------------------------------------------------------- */

static void children_unref(struct children *children)
{
	while (children && __atomic_sub_fetch(&children->references, 1, __ATOMIC_ACQ_REL) == 0) {
		struct children *previous = children->previous;

		free(children);
		children = previous;
	}
}

static void node_ref(void *value)
{
	struct node *node = value;

	__atomic_add_fetch(&node->references, 1, __ATOMIC_RELAXED);
}

static void node_unref(void *value)
{
	struct node *node = value;

	if (__atomic_sub_fetch(&node->references, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	children_unref(node->children);
	free(node);
}

const struct tree_values state_nodes = {node_ref, node_unref};

static struct tree_key key_of(uint64_t major, uint64_t minor)
{
	return (struct tree_key){major, minor};
}

const struct node *state_find(const struct world *world, uint64_t serial)
{
	const struct recent *recent = &world->recent[serial % RECENT];
	const struct tree_entry *entry;

	if (recent->serial == serial)
		return serial ? recent->node : NULL;
	entry = tree_find(&world->objects, key_of(serial, 0));
	return entry ? entry->value : NULL;
}

const struct node *state_look_up(struct world *world, uint64_t serial)
{
	struct recent *recent = &world->recent[serial % RECENT];
	const struct node *node = state_find(world, serial);

	if (node && recent->serial != serial)
		*recent = (struct recent){serial, (struct node *)node, 0};
	return node;
}

/* ---- Memory ------------------------------------------------------------ */

/* Makes the node in *place one that only this World can reach; its tree path is that already. */
static struct node *own_node(void **place)
{
	struct node *old = *place, *node;

	if (__atomic_load_n(&old->references, __ATOMIC_ACQUIRE) == 1)
		return old;
	node = malloc(sizeof(*node));
	if (!node)
		return NULL;
	*node = *old;
	node->references = 1;
	if (node->children)
		__atomic_add_fetch(&node->children->references, 1, __ATOMIC_RELAXED);
	*place = node;
	node_unref(old);
	return node;
}

/* Makes the last block of an owned node's list its own, with room for one more. */
static int own_children(struct node *node)
{
	struct children *old = node->children, *block;
	uint64_t count = old ? node->object.children - old->before : 0;
	bool full = old && count == old->room, begins = full && old->room == CHILDREN_BLOCK;
	uint32_t room = !old ? 4 : begins ? CHILDREN_BLOCK : full ? old->room * 2 : old->room;

	if (old && !full && __atomic_load_n(&old->references, __ATOMIC_ACQUIRE) == 1)
		return 0;
	block = malloc(sizeof(*block) + room * sizeof(block->serials[0]));
	if (!block)
		return -ENOMEM;
	*block = (struct children){.references = 1, .room = room};
	node->children = block;
	if (begins) {
		/* The reference of the node is the new block's now. */
		block->before = old->before + count;
		block->previous = old;
		return 0;
	}
	if (old) {
		block->before = old->before;
		block->previous = old->previous;
		if (block->previous)
			__atomic_add_fetch(&block->previous->references, 1, __ATOMIC_RELAXED);
		memcpy(block->serials, old->serials, count * sizeof(old->serials[0]));
	}
	children_unref(old);
	return 0;
}

static int reserve_ring(struct world *world, uint32_t ring)
{
	uint64_t *running;

	if (ring < world->rings)
		return 0;
	running = realloc(world->running, ((size_t)ring + 1) * sizeof(running[0]));
	if (!running)
		return -ENOMEM;
	memset(running + world->rings, 0, (ring + 1 - world->rings) * sizeof(running[0]));
	world->running = running;
	world->rings = ring + 1;
	return 0;
}

static struct node *spare_node(struct world *world)
{
	if (!world->spare)
		world->spare = malloc(sizeof(*world->spare));
	return world->spare;
}

/* The node of an object that is there, to change; NULL: memory is out. */
static struct node *own_object(struct world *world, uint64_t serial)
{
	struct recent *recent = &world->recent[serial % RECENT];
	struct node *node;

	if (recent->serial == serial && recent->owned == world->copies)
		return recent->node;
	node = own_node(tree_own(&world->objects, &world->pool, &state_nodes, key_of(serial, 0)));
	if (node)
		*recent = (struct recent){serial, node, world->copies};
	return node;
}

int state_reserve(struct world *world, uint64_t serial, uint64_t actor, uint32_t ring, bool child)
{
	size_t need = (actor ? 2 : 1) * tree_need(&world->objects) + 2 * tree_need(&world->uppers) +
				  4 * tree_need(&world->waiters) + 2 * tree_need(&world->ready);
	struct node *node;

	if (reserve_ring(world, ring) < 0 || tree_pool_fill(&world->pool, need) < 0)
		return -ENOMEM;
	if (actor && !own_object(world, actor))
		return -ENOMEM;
	if (!state_look_up(world, serial)) {
		node = spare_node(world);
		if (!node)
			return -ENOMEM;
		memset(node, 0, sizeof(*node));
		node->references = 1;
	} else {
		node = own_object(world, serial);
		if (!node)
			return -ENOMEM;
	}
	return child ? own_children(node) : 0;
}

/* ---- Changes ----------------------------------------------------------- */

uint64_t state_below(const struct world_object *object)
{
	return object->delegate ? object->delegate : object->drives;
}

/* Under what it is found by what it waits for; 0: under nothing. */
static uint64_t waits_under(const struct world_object *object)
{
	bool selects = object->kind == CORO_OBJECT_FUTURE && object->reason == CORO_REASON_SELECT;

	return selects ? STATE_SELECTS : object->waits_on;
}

/* Under what it is found as one that has children; 0: under nothing. */
static uint64_t parent_under(const struct world_object *object)
{
	return object->kind == CORO_OBJECT_FUTURE && object->children ? STATE_PARENTS : 0;
}

/* Moves a link in a tree from the key `old` to the key `new`; major 0: none. */
static void move_link(struct world *world, struct tree *tree, struct tree_key old,
					  struct tree_key new)
{
	if (old.major == new.major && old.minor == new.minor)
		return;
	if (old.major)
		tree_remove(tree, &world->pool, NULL, old);
	if (new.major)
		tree_insert(tree, &world->pool, NULL, new, NULL);
}

/* Moves the links of an object from what it was to what it is. */
static void move_links(struct world *world, const struct world_object *old,
					   const struct world_object *new)
{
	uint64_t old_ready = old->state == CORO_STATE_READY ? old->ready_at : 0;
	uint64_t new_ready = new->state == CORO_STATE_READY ? new->ready_at : 0;

	move_link(world, &world->uppers, key_of(state_below(old), old->serial),
			  key_of(state_below(new), new->serial));
	move_link(world, &world->waiters, key_of(waits_under(old), old->serial),
			  key_of(waits_under(new), new->serial));
	move_link(world, &world->waiters, key_of(parent_under(old), old->serial),
			  key_of(parent_under(new), new->serial));
	move_link(world, &world->ready, key_of(old_ready, old->serial), key_of(new_ready, new->serial));
}

/* An object more (+1) or less (-1) of that kind in that state. */
static void count(struct world *world, const struct world_object *object, int by)
{
	world->tally[object->kind % STATE_KINDS][object->state % STATE_STATES] += (uint32_t)by;
}

/* There is room. */
static void append_child(struct node *node, uint64_t child)
{
	node->children->serials[node->object.children - node->children->before] = child;
	node->object.children++;
}

void state_replace(struct world *world, const struct world_object *object, uint64_t child)
{
	const struct world_object nothing = {.serial = object->serial};
	struct node *node = (struct node *)state_look_up(world, object->serial);
	struct world_object become = *object;

	become.children += child != 0;
	if (!node) {
		node = world->spare;
		model_assert(node != NULL);
		world->spare = NULL;
		world->recent[object->serial % RECENT] =
			(struct recent){object->serial, node, world->copies};
		tree_insert(&world->objects, &world->pool, &state_nodes, key_of(object->serial, 0), node);
		move_links(world, &nothing, &become);
	} else {
		move_links(world, &node->object, &become);
		count(world, &node->object, -1);
	}
	count(world, object, 1);
	node->object = *object;
	if (child)
		append_child(node, child);
}

int state_add_child(struct world *world, uint64_t serial, uint64_t child)
{
	int result = state_reserve(world, serial, 0, 0, true);
	struct world_object object;

	if (result == 0) {
		object = state_look_up(world, serial)->object;
		state_replace(world, &object, child);
	}
	return result;
}

void state_remove(struct world *world, uint64_t serial)
{
	const struct world_object nothing = {.serial = serial};
	const struct node *node = state_look_up(world, serial);

	model_assert(node != NULL);
	world->recent[serial % RECENT].serial = 0;
	move_links(world, &node->object, &nothing);
	count(world, &node->object, -1);
	node_unref(tree_remove(&world->objects, &world->pool, &state_nodes, key_of(serial, 0)));
}

void state_set_place(struct world *world, uint64_t actor, uint32_t site, bool is_string)
{
	struct node *node = (struct node *)state_look_up(world, actor);

	model_assert(node != NULL && node->references == 1);
	node->object.site = site;
	node->object.site_is_string = is_string;
}

/* ---- Loading ----------------------------------------------------------- */

/* Keys of a tree to be, in whatever order. They come as a few rows that ascend, one between the
 * other: each pile has one of them, and what fits none waits to be sorted. */
#define PILES 8
struct keys {
	struct pile {
		struct tree_key *key; /* owned */
		size_t count, room, at;
	} piles[PILES], rest;
};

struct state_loader {
	struct world *world; /* borrowed */
	struct keys uppers, waiters, ready;
};

static void keys_done(struct keys *keys)
{
	for (unsigned i = 0; i < PILES; i++)
		free(keys->piles[i].key);
	free(keys->rest.key);
}

static int compare_keys(const void *a, const void *b)
{
	const struct tree_key *first = a, *second = b;

	if (first->major != second->major)
		return first->major < second->major ? -1 : 1;
	return first->minor < second->minor ? -1 : first->minor > second->minor;
}

static int keys_add(struct keys *keys, struct tree_key key)
{
	struct pile *pile = &keys->rest;

	if (!key.major)
		return 0;
	for (unsigned i = 0; i < PILES && pile == &keys->rest; i++)
		if (!keys->piles[i].count ||
			compare_keys(&keys->piles[i].key[keys->piles[i].count - 1], &key) < 0)
			pile = &keys->piles[i];
	if (pile->count == pile->room) {
		size_t room = pile->room ? pile->room * 2 : 64;
		struct tree_key *grown = reallocarray(pile->key, room, sizeof(key));

		if (!grown)
			return -ENOMEM;
		pile->key = grown;
		pile->room = room;
	}
	pile->key[pile->count++] = key;
	return 0;
}

/* Their tree. */
static int keys_merge(struct keys *keys, struct tree *tree)
{
	struct pile *first;
	int result = 0;

	if (keys->rest.count)
		qsort(keys->rest.key, keys->rest.count, sizeof(keys->rest.key[0]), compare_keys);
	do {
		first = keys->rest.at < keys->rest.count ? &keys->rest : NULL;
		for (unsigned i = 0; i < PILES; i++) {
			struct pile *pile = &keys->piles[i];

			if (pile->at < pile->count &&
				(!first || compare_keys(&pile->key[pile->at], &first->key[first->at]) < 0))
				first = pile;
		}
		if (first)
			result = tree_append(tree, first->key[first->at++], NULL);
	} while (first && result == 0);
	return result;
}

struct state_loader *state_load(struct world *world)
{
	struct state_loader *loader = calloc(1, sizeof(*loader));

	if (loader)
		loader->world = world;
	return loader;
}

int state_load_object(struct state_loader *loader, const struct world_object *object,
					  struct node **ret)
{
	struct node *node = malloc(sizeof(*node));
	uint64_t ready = object->state == CORO_STATE_READY ? object->ready_at : 0;

	if (!node)
		return -ENOMEM;
	*node = (struct node){.references = 1, .object = *object};
	node->object.children = 0;
	if (tree_append(&loader->world->objects, key_of(object->serial, 0), node) < 0) {
		free(node);
		return -ENOMEM;
	}
	*ret = node;
	count(loader->world, object, 1);
	if (keys_add(&loader->uppers, key_of(state_below(object), object->serial)) < 0 ||
		keys_add(&loader->waiters, key_of(waits_under(object), object->serial)) < 0 ||
		keys_add(&loader->waiters, key_of(parent_under(object), object->serial)) < 0 ||
		keys_add(&loader->ready, key_of(ready, object->serial)) < 0)
		return -ENOMEM;
	return 0;
}

int state_load_child(struct node *node, uint64_t child)
{
	if (own_children(node) < 0)
		return -ENOMEM;
	append_child(node, child);
	return 0;
}

int state_loaded(struct state_loader *loader)
{
	if (keys_merge(&loader->uppers, &loader->world->uppers) < 0 ||
		keys_merge(&loader->waiters, &loader->world->waiters) < 0 ||
		keys_merge(&loader->ready, &loader->world->ready) < 0)
		return -ENOMEM;
	return 0;
}

void state_loader_free(struct state_loader *loader)
{
	if (!loader)
		return;
	keys_done(&loader->uppers);
	keys_done(&loader->waiters);
	keys_done(&loader->ready);
	free(loader);
}

/* ---- Questions --------------------------------------------------------- */

uint64_t state_child(const struct node *node, uint64_t i)
{
	const struct children *block = node->children;

	while (i < block->before)
		block = block->previous;
	return block->serials[i - block->before];
}

bool state_is_body(const struct world_object *object)
{
	return trace_object_is_body(object->kind);
}

bool state_is_finished(const struct world_object *object)
{
	return object->state == CORO_STATE_DONE || object->state == CORO_STATE_FAILED ||
		   object->state == CORO_STATE_CANCELLED;
}

bool state_has_control(const struct world *world, uint64_t serial)
{
	for (uint32_t ring = 0; ring < world->rings; ring++)
		if (world->running[ring] == serial)
			return true;
	return false;
}
