/*
 * tree.c - a B-tree whose copies share nodes.
 *
 *     copy     tree A   tree B          A is changed in leaf y:
 *                  \     /                A ─► root'──┐    B ─► root
 *                   root (2)                   │ │    │         │ │
 *                  / │ \                       │ y'   │         │ y
 *                 x  y  z                      x (2) ◄┼─────────┘ │
 *                                                     z (2) ◄─────┘
 *
 * A node with more than one reference is never written. own() makes a node the tree's: it
 * copies a shared one, which takes one more reference on each of its children, and leaves the
 * original to the others. Every way down to a change begins with it, so below an owned node a
 * count of 1 means that nobody else can reach the node.
 *
 * Nodes split when they are full; they are not merged, only taken out when they are empty:
 * keys are serials, so a tree grows at its right and dies at its left. A split at the right
 * end leaves the full node full.
 *
 * The height is bounded by the number of inserts: a level gets a node for each 16 of the level
 * below, at the most, and the root grows only when it splits. So 16 levels need more inserts
 * than can be made.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "model_assert.h"
#include "tree.h"

static bool less(struct tree_key a, struct tree_key b)
{
	return a.major < b.major || (a.major == b.major && a.minor < b.minor);
}

/* How many entries have keys that are not greater. */
static uint32_t rank(const struct tree_node *node, struct tree_key key)
{
	uint32_t low = 0, high = node->count;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (less(key, node->entries[middle].key))
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* Which child of an inner node a key belongs to. */
static uint32_t child_of(const struct tree_node *node, struct tree_key key)
{
	uint32_t i = rank(node, key);

	return i ? i - 1 : 0;
}

/* ---- Nodes ------------------------------------------------------------- */

int tree_pool_fill(struct tree_pool *pool, size_t count)
{
	while (pool->count < count) {
		struct tree_node *node = malloc(sizeof(*node));

		if (!node)
			return -ENOMEM;
		node->entries[0].child = pool->first;
		pool->first = node;
		pool->count++;
	}
	return 0;
}

void tree_pool_done(struct tree_pool *pool)
{
	while (pool->first) {
		struct tree_node *node = pool->first;

		pool->first = node->entries[0].child;
		free(node);
	}
	pool->count = 0;
}

static struct tree_node *take(struct tree_pool *pool)
{
	struct tree_node *node = pool->first;

	model_assert(node != NULL);
	pool->first = node->entries[0].child;
	pool->count--;
	node->references = 1;
	node->count = 0;
	return node;
}

/* Drops one reference; `level` is 1 for a leaf. */
static void drop(struct tree_node *node, unsigned level, const struct tree_values *values)
{
	if (__atomic_sub_fetch(&node->references, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	for (uint32_t i = 0; i < node->count; i++) {
		if (level > 1)
			drop(node->entries[i].child, level - 1, values);
		else if (values)
			values->unref(node->entries[i].value);
	}
	free(node);
}

/* Makes the node in *place one that only this tree can reach. */
static struct tree_node *own(struct tree_node **place, unsigned level, struct tree_pool *pool,
							 const struct tree_values *values)
{
	struct tree_node *old = *place, *node;

	if (__atomic_load_n(&old->references, __ATOMIC_ACQUIRE) == 1)
		return old;
	node = take(pool);
	node->count = old->count;
	memcpy(node->entries, old->entries, old->count * sizeof(old->entries[0]));
	for (uint32_t i = 0; i < node->count; i++) {
		if (level > 1)
			__atomic_add_fetch(&node->entries[i].child->references, 1, __ATOMIC_RELAXED);
		else if (values)
			values->ref(node->entries[i].value);
	}
	*place = node;
	drop(old, level, values);
	return node;
}

/* ---- The whole tree ---------------------------------------------------- */

struct tree tree_share(const struct tree *tree)
{
	if (tree->root)
		__atomic_add_fetch(&tree->root->references, 1, __ATOMIC_RELAXED);
	return *tree;
}

void tree_clear(struct tree *tree, const struct tree_values *values)
{
	if (tree->root)
		drop(tree->root, tree->height, values);
	*tree = (struct tree){0};
}

const struct tree_entry *tree_find(const struct tree *tree, struct tree_key key)
{
	const struct tree_node *node = tree->root;
	uint32_t i;

	if (!node)
		return NULL;
	for (unsigned level = tree->height; level > 1; level--)
		node = node->entries[child_of(node, key)].child;
	i = rank(node, key);
	return i > 0 && !less(node->entries[i - 1].key, key) ? &node->entries[i - 1] : NULL;
}

const struct tree_entry *tree_after(const struct tree *tree, struct tree_key key)
{
	const struct tree_node *node = tree->root, *right = NULL;
	unsigned right_level = 0;
	uint32_t i;

	if (!node)
		return NULL;
	for (unsigned level = tree->height; level > 1; level--) {
		i = child_of(node, key);
		if (i + 1 < node->count) {
			right = node->entries[i + 1].child;
			right_level = level - 1;
		}
		node = node->entries[i].child;
	}
	i = rank(node, key);
	if (i < node->count)
		return &node->entries[i];
	if (!right)
		return NULL;
	for (; right_level > 1; right_level--)
		right = right->entries[0].child;
	return &right->entries[0];
}

/* Makes room for an entry at `i` of an owned node; the entry is left as it is. */
static struct tree_entry *open_gap(struct tree_node *node, uint32_t i)
{
	memmove(&node->entries[i + 1], &node->entries[i], (node->count - i) * sizeof(node->entries[0]));
	node->count++;
	return &node->entries[i];
}

/* Puts an entry into an owned node at `i`. A full node is split first: returns the new right
 * half, else NULL. */
static struct tree_node *put(struct tree_node *node, uint32_t i, struct tree_entry entry,
							 struct tree_pool *pool)
{
	struct tree_node *right = NULL;

	if (node->count == TREE_FANOUT) {
		uint32_t kept = i == TREE_FANOUT ? TREE_FANOUT : TREE_FANOUT / 2;

		right = take(pool);
		right->count = node->count - kept;
		memcpy(right->entries, &node->entries[kept], right->count * sizeof(entry));
		node->count = kept;
		if (i > kept || kept == TREE_FANOUT) {
			*open_gap(right, i - kept) = entry;
			return right;
		}
	}
	*open_gap(node, i) = entry;
	return right;
}

/* Inserts below *place. Returns the right half when the node was split, else NULL. */
static struct tree_node *insert(struct tree_node **place, unsigned level, struct tree_pool *pool,
								const struct tree_values *values, struct tree_entry entry)
{
	struct tree_node *node = own(place, level, pool, values), *right;
	uint32_t i;

	if (level == 1)
		return put(node, rank(node, entry.key), entry, pool);
	i = child_of(node, entry.key);
	if (less(entry.key, node->entries[i].key))
		node->entries[i].key = entry.key;
	right = insert(&node->entries[i].child, level - 1, pool, values, entry);
	if (!right)
		return NULL;
	return put(node, i + 1, (struct tree_entry){.key = right->entries[0].key, .child = right},
			   pool);
}

void tree_insert(struct tree *tree, struct tree_pool *pool, const struct tree_values *values,
				 struct tree_key key, void *value)
{
	struct tree_entry entry = {.key = key, .value = value};
	struct tree_node *right, *root;

	if (!tree->root) {
		tree->root = take(pool);
		tree->height = 1;
	}
	right = insert(&tree->root, tree->height, pool, values, entry);
	if (right) {
		root = take(pool);
		root->count = 2;
		root->entries[0] =
			(struct tree_entry){.key = tree->root->entries[0].key, .child = tree->root};
		root->entries[1] = (struct tree_entry){.key = right->entries[0].key, .child = right};
		tree->root = root;
		tree->height++;
	}
	tree->count++;
}

static void close_gap(struct tree_node *node, uint32_t i)
{
	node->count--;
	memmove(&node->entries[i], &node->entries[i + 1], (node->count - i) * sizeof(node->entries[0]));
}

/* Removes below *place; true when the node has become empty and is gone. */
static bool remove_below(struct tree_node **place, unsigned level, struct tree_pool *pool,
						 const struct tree_values *values, struct tree_key key, void **ret)
{
	struct tree_node *node = own(place, level, pool, values);
	uint32_t i = child_of(node, key);

	if (level == 1) {
		*ret = node->entries[i].value;
		close_gap(node, i);
	} else if (remove_below(&node->entries[i].child, level - 1, pool, values, key, ret)) {
		close_gap(node, i);
	}
	if (node->count)
		return false;
	free(node);
	return true;
}

void *tree_remove(struct tree *tree, struct tree_pool *pool, const struct tree_values *values,
				  struct tree_key key)
{
	void *value = NULL;

	if (remove_below(&tree->root, tree->height, pool, values, key, &value)) {
		tree->root = NULL;
		tree->height = 0;
	}
	/* The first of these is the tree's own; those below it may be a copy's as well. */
	while (tree->height > 1 && tree->root->count == 1) {
		struct tree_node *root = tree->root;

		tree->root = root->entries[0].child;
		__atomic_add_fetch(&tree->root->references, 1, __ATOMIC_RELAXED);
		drop(root, tree->height, values);
		tree->height--;
	}
	tree->count--;
	return value;
}

void **tree_own(struct tree *tree, struct tree_pool *pool, const struct tree_values *values,
				struct tree_key key)
{
	struct tree_node **place = &tree->root;

	for (unsigned level = tree->height; level > 1; level--) {
		struct tree_node *node = own(place, level, pool, values);

		place = &node->entries[child_of(node, key)].child;
	}
	return &own(place, 1, pool, values)->entries[child_of(*place, key)].value;
}

int tree_append(struct tree *tree, struct tree_key key, void *value)
{
	struct tree_node *path[TREE_DEEPEST], *node = tree->root, *root;
	struct tree_entry entry = {.key = key, .value = value};
	unsigned full = 0;

	for (unsigned level = tree->height; level > 0; level--) {
		path[level - 1] = node;
		node = node->entries[node->count - 1].child;
	}
	while (full < tree->height && path[full]->count == TREE_FANOUT)
		full++;
	/* A node of one entry for each level that is full, and, if all are, a root above them. */
	for (unsigned i = 0; i < full + (full == tree->height); i++) {
		node = malloc(sizeof(*node));
		if (!node) {
			for (; i > 0; i--, entry = node->entries[0], free(node))
				node = entry.child;
			return -ENOMEM;
		}
		node->references = 1;
		node->count = 1;
		node->entries[0] = entry;
		entry = (struct tree_entry){.key = key, .child = node};
	}
	if (full == tree->height) {
		root = entry.child;
		if (tree->root) {
			root->entries[1] = root->entries[0];
			root->entries[0] =
				(struct tree_entry){.key = tree->root->entries[0].key, .child = tree->root};
			root->count = 2;
		}
		tree->root = root;
		tree->height++;
	} else {
		path[full]->entries[path[full]->count++] = entry;
	}
	tree->count++;
	return 0;
}

/* ---- Differences ------------------------------------------------------- */

/* An entry of a tree, at some level; level 0: behind the last. */
struct cursor {
	const struct tree_node *node[TREE_DEEPEST + 1]; /* by level; from the root's down to `level` */
	uint32_t at[TREE_DEEPEST + 1];
	unsigned level, height;
};

static struct cursor cursor_of(const struct tree *tree)
{
	struct cursor cursor = {.level = tree->height, .height = tree->height};

	cursor.node[tree->height] = tree->root;
	return cursor;
}

static const struct tree_entry *entry_at(const struct cursor *cursor)
{
	return &cursor->node[cursor->level]->entries[cursor->at[cursor->level]];
}

static void pass(struct cursor *cursor)
{
	while (++cursor->at[cursor->level] == cursor->node[cursor->level]->count) {
		if (cursor->level == cursor->height) {
			cursor->level = 0;
			return;
		}
		cursor->level++;
	}
}

static void descend(struct cursor *cursor)
{
	const struct tree_node *child = entry_at(cursor)->child;

	cursor->level--;
	cursor->node[cursor->level] = child;
	cursor->at[cursor->level] = 0;
}

void tree_differ(const struct tree *a, const struct tree *b,
				 void (*tell)(void *context, void *of_a, void *of_b), void *context)
{
	struct cursor in_a = cursor_of(a), in_b = cursor_of(b);

	if (a->root == b->root)
		return;
	while (in_a.level || in_b.level) {
		const struct tree_entry *of_a = in_a.level ? entry_at(&in_a) : NULL;
		const struct tree_entry *of_b = in_b.level ? entry_at(&in_b) : NULL;

		/* Both have come past the same keys: an equal entry is the same in both. */
		if (in_a.level == in_b.level && of_a->value == of_b->value) {
			pass(&in_a);
			pass(&in_b);
		} else if (in_a.level > 1 && in_a.level >= in_b.level) {
			descend(&in_a);
		} else if (in_b.level > 1) {
			descend(&in_b);
		} else if (!of_b || (of_a && less(of_a->key, of_b->key))) {
			tell(context, of_a->value, NULL);
			pass(&in_a);
		} else if (!of_a || less(of_b->key, of_a->key)) {
			tell(context, NULL, of_b->value);
			pass(&in_b);
		} else {
			tell(context, of_a->value, of_b->value);
			pass(&in_a);
			pass(&in_b);
		}
	}
}
