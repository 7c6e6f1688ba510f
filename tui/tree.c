/*
 * tree.c - three passes over the nodes, none of them recursive.
 *
 *   1. Parents are found by binary search; a walk upwards that meets itself is a cycle,
 *      and is cut at the smallest place where it was entered.
 *   2. Depth first from the roots: `order` has every parent before its children. Backwards
 *      through it, every node learns whether all below it is finished, and how much it is.
 *   3. Depth first again, now skipping what is folded, and each step makes one row.
 *
 * A level's line goes on if and only if the ancestor at that level has a later sibling in
 * the rows; that is known when its row is made, so the bits are handed down.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "glyphs.h"
#include "tree.h"

enum { NOBODY = -1, GUIDE_LEVELS = 12 };

/* A node while the rows are made. Links are indices; NOBODY: none. */
struct link {
	long parent, first, next; /* first child, next sibling: in the order of ids */
	uint64_t below;           /* nodes below it */
	bool finished;            /* it and all below it */
	bool kept;                /* it, or one below it, is to be seen */
	uint8_t mark;             /* 0: not walked, 1: on this walk, 2: leads to a root */
	bool shown;               /* it is in `row` */
	uint32_t row;
};

/* What is still to be done in the third pass. */
struct visit {
	long node;
	unsigned depth;
	uint64_t guides;
};

void ui_tree_done(struct ui_tree *tree)
{
	free(tree->rows);
	free(tree->by_id);
	memset(tree, 0, sizeof(*tree));
}

void ui_tree_folds_done(struct ui_tree_folds *folds)
{
	free(folds->folded);
	free(folds->opened);
	memset(folds, 0, sizeof(*folds));
}

static int copy_set(uint64_t **ret, const uint64_t *ids, size_t count)
{
	*ret = count ? malloc(count * sizeof(*ids)) : NULL;
	if (count && !*ret)
		return -ENOMEM;
	if (count)
		memcpy(*ret, ids, count * sizeof(*ids));
	return 0;
}

int ui_tree_folds_copy(struct ui_tree_folds *ret, const struct ui_tree_folds *folds)
{
	struct ui_tree_folds copy = *folds;
	copy.folded = copy.opened = NULL;
	if (copy_set(&copy.folded, folds->folded, folds->folded_count) < 0 ||
		copy_set(&copy.opened, folds->opened, folds->opened_count) < 0) {
		free(copy.folded);
		return -ENOMEM;
	}
	*ret = copy;
	return 0;
}

/* ---- Sets of ids ------------------------------------------------------- */

static size_t set_place(const uint64_t *ids, size_t count, uint64_t id)
{
	size_t low = 0, high = count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (ids[middle] < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool set_has(const uint64_t *ids, size_t count, uint64_t id)
{
	size_t place = set_place(ids, count, id);
	return place < count && ids[place] == id;
}

static int set_add(uint64_t **ids, size_t *count, uint64_t id)
{
	size_t place = set_place(*ids, *count, id);
	if (place < *count && (*ids)[place] == id)
		return 0;
	uint64_t *grown = realloc(*ids, (*count + 1) * sizeof(id));
	if (!grown)
		return -ENOMEM;
	memmove(grown + place + 1, grown + place, (*count - place) * sizeof(id));
	grown[place] = id;
	*ids = grown;
	(*count)++;
	return 0;
}

static void set_remove(uint64_t *ids, size_t *count, uint64_t id)
{
	size_t place = set_place(ids, *count, id);
	if (place == *count || ids[place] != id)
		return;
	memmove(ids + place, ids + place + 1, (*count - place - 1) * sizeof(id));
	(*count)--;
}

int ui_tree_fold(struct ui_tree_folds *folds, const struct ui_tree_row *row)
{
	set_remove(folds->opened, &folds->opened_count, row->id);
	return row->finished ? 0 : set_add(&folds->folded, &folds->folded_count, row->id);
}

int ui_tree_unfold(struct ui_tree_folds *folds, const struct ui_tree_row *row)
{
	bool was_folded = set_has(folds->folded, folds->folded_count, row->id);
	set_remove(folds->folded, &folds->folded_count, row->id);
	return row->finished || !was_folded ? set_add(&folds->opened, &folds->opened_count, row->id)
										: 0;
}

/* ---- The passes -------------------------------------------------------- */

static long find_node(const struct ui_tree_node *nodes, size_t count, uint64_t id)
{
	size_t low = 0, high = count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (nodes[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return id && low < count && nodes[low].id == id ? (long)low : NOBODY;
}

static void cut_cycles(struct link *links, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		long at = (long)i;
		while (at != NOBODY && links[at].mark == 0) {
			links[at].mark = 1;
			long parent = links[at].parent;
			if (parent != NOBODY && links[parent].mark == 1)
				parent = links[at].parent = NOBODY;
			at = parent;
		}
		for (at = (long)i; at != NOBODY && links[at].mark == 1; at = links[at].parent)
			links[at].mark = 2;
	}
}

static bool folds_finished(const struct ui_tree_folds *folds, uint64_t parent)
{
	return !folds->all_opened && !set_has(folds->opened, folds->opened_count, parent);
}

/* How many of the siblings that begin at `first` are to be folded as finished. */
static uint64_t count_finished(const struct link *links, long first, uint64_t *ret_nodes)
{
	uint64_t siblings = 0;
	*ret_nodes = 0;
	for (long at = first; at != NOBODY; at = links[at].next)
		if (links[at].finished && !links[at].kept) {
			siblings++;
			*ret_nodes += 1 + links[at].below;
		}
	return siblings;
}

static int add_row(struct ui_tree *tree, const struct ui_tree_row *row)
{
	if (tree->count == tree->room) {
		size_t room = tree->room ? tree->room * 2 : 64;
		struct ui_tree_row *rows = realloc(tree->rows, room * sizeof(*rows));
		if (!rows)
			return -ENOMEM;
		tree->rows = rows;
		tree->room = room;
	}
	tree->rows[tree->count++] = *row;
	return 0;
}

/* Puts the siblings that begin at `first` onto the stack, so that the first is on top. The
 * row of finished ones is a visit of ~parent. */
static size_t push_siblings(const struct link *links, long first, long parent, uint64_t parent_id,
							unsigned depth, uint64_t guides, const struct ui_tree_folds *folds,
							struct visit *stack, size_t height)
{
	uint64_t nodes;
	bool fold = folds_finished(folds, parent_id) && count_finished(links, first, &nodes) >= 2;
	size_t base = height;
	for (long at = first; at != NOBODY; at = links[at].next)
		if (!fold || !links[at].finished || links[at].kept)
			stack[height++] = (struct visit){at, depth, guides};
	if (fold)
		stack[height++] = (struct visit){parent == NOBODY ? -2 : -3 - parent, depth, guides};
	for (size_t low = base, high = height; low + 1 < high; low++, high--) {
		struct visit swap = stack[low];
		stack[low] = stack[high - 1];
		stack[high - 1] = swap;
	}
	/* The one that is visited last is the last sibling: it lies lowest. All others get the
	 * bit of their own level. */
	for (size_t i = base + 1; i < height; i++)
		if (depth < 64)
			stack[i].guides |= 1ull << depth;
	return height;
}

/* Where each node that is shown has its row. */
static int index_rows(struct ui_tree *tree, const struct link *links, size_t count)
{
	uint32_t *by_id = reallocarray(tree->by_id, tree->count, sizeof(*by_id));
	if (!by_id)
		return -ENOMEM;
	tree->by_id = by_id;
	for (size_t i = 0; i < count; i++)
		if (links[i].shown)
			by_id[tree->nodes++] = links[i].row;
	return 0;
}

int ui_tree_build(struct ui_tree *tree, const struct ui_tree_node *nodes, size_t count,
				  const struct ui_tree_folds *folds)
{
	tree->count = tree->nodes = 0;
	if (!count)
		return 0;
	struct link *links = calloc(count, sizeof(*links));
	long *order = malloc(count * sizeof(*order));
	/* Every node and every group of finished ones is on the stack at most once. */
	struct visit *stack = malloc((2 * count + 1) * sizeof(*stack));
	int result = links && order && stack ? 0 : -ENOMEM;
	if (result)
		goto out;

	for (size_t i = 0; i < count; i++) {
		links[i].parent = find_node(nodes, count, nodes[i].parent);
		links[i].first = links[i].next = NOBODY;
	}
	cut_cycles(links, count);

	long first_root = NOBODY;
	for (size_t i = count; i-- > 0;) {
		long *head = links[i].parent == NOBODY ? &first_root : &links[links[i].parent].first;
		links[i].next = *head;
		*head = (long)i;
	}

	size_t height = 0, ordered = 0;
	for (long at = first_root; at != NOBODY; at = links[at].next) {
		stack[height++].node = at;
		while (height) {
			long node = stack[--height].node;
			order[ordered++] = node;
			for (long child = links[node].first; child != NOBODY; child = links[child].next)
				stack[height++].node = child;
		}
	}
	for (size_t i = 0; i < count; i++) {
		links[i].finished = nodes[i].finished;
		links[i].kept = nodes[i].keep;
	}
	for (size_t i = ordered; i-- > 0;) {
		struct link *link = &links[order[i]];
		if (link->parent == NOBODY)
			continue;
		struct link *parent = &links[link->parent];
		parent->below += 1 + link->below;
		parent->finished = parent->finished && link->finished;
		parent->kept = parent->kept || link->kept;
	}

	height = push_siblings(links, first_root, NOBODY, 0, 0, 0, folds, stack, 0);
	while (height && !result) {
		struct visit visit = stack[--height];
		bool more = visit.depth < 64 && (visit.guides >> visit.depth & 1);
		struct ui_tree_row row = {
			.depth = visit.depth,
			.guides = visit.guides,
			.last = !more,
		};
		if (visit.node < NOBODY) {
			long parent = visit.node == -2 ? NOBODY : -3 - visit.node;
			row.id = parent == NOBODY ? 0 : nodes[parent].id;
			count_finished(links, parent == NOBODY ? first_root : links[parent].first,
						   &row.finished);
			result = add_row(tree, &row);
			continue;
		}
		struct link *link = &links[visit.node];
		link->shown = true;
		link->row = (uint32_t)tree->count;
		row.id = nodes[visit.node].id;
		row.children = link->first != NOBODY;
		bool folded = set_has(folds->folded, folds->folded_count, row.id);
		if (folded)
			row.hidden = link->below;
		result = add_row(tree, &row);
		if (!folded)
			height = push_siblings(links, link->first, visit.node, row.id, visit.depth + 1,
								   visit.guides, folds, stack, height);
	}
	if (!result)
		result = index_rows(tree, links, count);
out:
	free(links);
	free(order);
	free(stack);
	return result;
}

long ui_tree_find(const struct ui_tree *tree, uint64_t id)
{
	size_t low = 0, high = tree->nodes;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (tree->rows[tree->by_id[middle]].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < tree->nodes && tree->rows[tree->by_id[low]].id == id ? (long)tree->by_id[low]
																	  : NOBODY;
}

void ui_tree_guides(const struct ui_tree_row *row, char *ret, size_t room)
{
	size_t length = 0;
	unsigned level = 1;
	*ret = 0;
	if (row->depth > GUIDE_LEVELS) {
		length += (size_t)snprintf(ret, room, "%s ", ui_glyph(UI_GLYPH_CUT));
		level = row->depth - GUIDE_LEVELS + 1;
	}
	for (; level < row->depth && length < room; level++)
		length += (size_t)snprintf(
			ret + length, room - length, "%s ",
			level < 64 && row->guides >> level & 1 ? ui_glyph(UI_GLYPH_TREE_DOWN) : " ");
	if (row->depth && length < room)
		length += (size_t)snprintf(ret + length, room - length, "%s",
								   ui_glyph(row->last ? UI_GLYPH_TREE_LAST : UI_GLYPH_TREE_BRANCH));
	enum ui_glyph handle = row->hidden     ? UI_GLYPH_FOLDED
						   : row->finished ? UI_GLYPH_FOLDED
						   : row->children ? UI_GLYPH_UNFOLDED
										   : UI_GLYPH_TREE_ACROSS;
	if (length < room)
		snprintf(ret + length, room - length, "%s ", ui_glyph(handle));
}
