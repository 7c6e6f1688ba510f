#ifndef TUI_TREE_H
#define TUI_TREE_H
/*
 * tree.h - from objects with parents to the rows of a tree.
 *
 *     main
 *     ├▾ crawler          a row knows its depth, whether it is its parent's last child,
 *     │ ├─ fetch /index   and for each level above it whether the line there goes on
 *     │ └─ fetch /about
 *     └─ writer
 *     … 3 finished        finished siblings, two or more, are folded into one row
 *
 * Pure: no World, no screen. Rows are flat and cheap, and are made for all objects; text
 * is made only for the rows that are seen.
 *
 * Invariants of the result: each shown id stands in exactly one row; siblings are in the
 * order of ids, so nothing jumps when states change; a parent that is not there, or that
 * would close a cycle, makes its child a root.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An object, as it goes in. Nodes are given in the order of ids. */
struct ui_tree_node {
	uint64_t id;
	uint64_t parent; /* 0: none */
	bool finished;
	bool keep; /* is shown though finished, and all above it are unfolded */
};

struct ui_tree_row {
	uint64_t id;       /* of the node; for a row of finished ones: their parent's, 0: roots */
	uint64_t finished; /* how many finished ones this row stands for; 0: it is a node */
	uint64_t hidden;   /* nodes below it that are folded away */
	uint64_t guides;   /* bit k: the line at level k goes on below this row */
	unsigned depth;    /* 0: a root */
	bool last;         /* of its siblings */
	bool children;     /* has some */
};

/* What the user has folded and unfolded. A set of ids; 0 stands for the roots. */
struct ui_tree_folds {
	uint64_t *folded; /* owned, ascending */
	size_t folded_count;
	uint64_t *opened; /* owned, ascending: whose finished children are shown */
	size_t opened_count;
	bool all_opened;  /* finished ones are shown everywhere */
};

struct ui_tree {
	struct ui_tree_row *rows; /* owned */
	size_t count, room;
	uint32_t *by_id; /* owned; indices of rows that are nodes, in the order of their ids */
	size_t nodes;    /* how many those are */
};

void ui_tree_done(struct ui_tree *tree);
void ui_tree_folds_done(struct ui_tree_folds *folds);
/* 0 or -ENOMEM. */
int ui_tree_folds_copy(struct ui_tree_folds *ret, const struct ui_tree_folds *folds);

/* Makes the rows. 0 or -ENOMEM. */
int ui_tree_build(struct ui_tree *tree, const struct ui_tree_node *nodes, size_t count,
               const struct ui_tree_folds *folds);
/* The row of an id, or -1. */
long ui_tree_find(const struct ui_tree *tree, uint64_t id);

/* Folds or unfolds what stands in a row. 0 or -ENOMEM. */
int ui_tree_fold(struct ui_tree_folds *folds, const struct ui_tree_row *row);
int ui_tree_unfold(struct ui_tree_folds *folds, const struct ui_tree_row *row);

/* The lines before a row's name, in the glyphs of the day, with a blank at the end:
 * "│ ├▾ ". Levels beyond 12 are drawn as one cut sign. */
void ui_tree_guides(const struct ui_tree_row *row, char *ret, size_t room);

#endif
