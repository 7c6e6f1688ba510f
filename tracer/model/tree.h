#ifndef TRACER_MODEL_TREE_H
#define TRACER_MODEL_TREE_H
/*
 * tree.h - an ordered map that is copied by sharing.
 *
 * A B-tree from pairs of numbers to pointers. Its nodes are counted references: a copy of a
 * tree shares all of them, and whoever changes a tree first copies the nodes on the path that
 * it does not own alone. So a copy costs nothing, and a tree that has none is changed in place.
 *
 * Changing needs memory, and may not fail in the middle of an event: nodes come from a pool that
 * is filled beforehand. tree_need() says how many one change can take at the most.
 *
 * Threads: trees that share nodes may be used by different threads, one each.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TREE_FANOUT  32
#define TREE_DEEPEST 16 /* levels: see tree.c */

struct tree_key {
	uint64_t major, minor;
};

struct tree_node;

struct tree_entry {
	struct tree_key key; /* in an inner node: no key below it is smaller */
	union {
		struct tree_node *child; /* inner node: owned, one reference */
		void *value;             /* leaf: owned by the tree's user */
	};
};

struct tree_node {
	uint32_t references;                    /* trees and nodes that point here */
	uint32_t count;                         /* entries in use: 1 .. TREE_FANOUT */
	struct tree_entry entries[TREE_FANOUT]; /* ascending */
};

/* Nodes that lie ready. A node in it is linked by its first entry's child. */
struct tree_pool {
	struct tree_node *first; /* owned */
	size_t count;
};

/* What the values are, where they are anything: how to share and to drop one. */
struct tree_values {
	void (*ref)(void *value);
	void (*unref)(void *value);
};

struct tree {
	struct tree_node *root; /* NULL: empty */
	unsigned height;        /* levels: 1: the root is a leaf; 0: empty */
	size_t count;           /* entries */
};

int tree_pool_fill(struct tree_pool *pool, size_t count); /* 0 or -ENOMEM */
void tree_pool_done(struct tree_pool *pool);

/* Nodes that one tree_insert or tree_remove can take. */
static inline size_t tree_need(const struct tree *tree)
{
	return 2 * (size_t)tree->height + 2;
}

/* A second tree with the same content. */
struct tree tree_share(const struct tree *tree);
void tree_clear(struct tree *tree, const struct tree_values *values);

/* The entry of a key, or NULL. */
const struct tree_entry *tree_find(const struct tree *tree, struct tree_key key);
/* The first entry whose key is greater, or NULL. */
const struct tree_entry *tree_after(const struct tree *tree, struct tree_key key);

/* Puts a value under a key that is not there yet. The pool has what tree_need() says. */
void tree_insert(struct tree *tree, struct tree_pool *pool, const struct tree_values *values,
				 struct tree_key key, void *value);
/* Takes the key out and returns its value, which is the caller's now. The key is there. */
void *tree_remove(struct tree *tree, struct tree_pool *pool, const struct tree_values *values,
				  struct tree_key key);
/* Puts a value behind all others, in a tree that shares nothing; its key is the greatest. For
 * who makes a tree of what is in order. 0 or -ENOMEM: then nothing has changed. */
int tree_append(struct tree *tree, struct tree_key key, void *value);
/* Tells of each key, ascending, that one of two trees has alone, or that has another value in the
 * other; NULL: it has none. What the trees share is passed over, so that it costs what differs. */
void tree_differ(const struct tree *a, const struct tree *b,
				 void (*tell)(void *context, void *of_a, void *of_b), void *context);
/* Where the value of a key that is there may be replaced: its path is the tree's own now. */
void **tree_own(struct tree *tree, struct tree_pool *pool, const struct tree_values *values,
				struct tree_key key);

#endif
