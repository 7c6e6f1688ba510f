/*
 * tree_test.c - a graph as text in, the drawing of its tree out.
 *
 * A line of the graph is "ID PARENT [finished] [keep]", in the order of ids.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "glyphs.h"
#include "tree.h"

static size_t parse(const char *graph, struct ui_tree_node **ret)
{
	size_t count = 0;
	*ret = calloc(strlen(graph) + 1, sizeof(**ret));
	while (*graph) {
		struct ui_tree_node *node = &(*ret)[count++];
		char line[128];
		size_t length = strcspn(graph, "\n");
		snprintf(line, sizeof(line), "%.*s", (int)length, graph);
		unsigned long id, parent;
		assert_int_equal(sscanf(line, "%lu %lu", &id, &parent), 2);
		node->id = id;
		node->parent = parent;
		node->finished = strstr(line, "finished");
		node->keep = strstr(line, "keep");
		graph += length + (graph[length] == '\n');
	}
	return count;
}

static char *drawing(const char *graph, const struct ui_tree_folds *folds)
{
	struct ui_tree_node *nodes;
	size_t count = parse(graph, &nodes), length = 0;
	struct ui_tree tree = {0};
	assert_int_equal(ui_tree_build(&tree, nodes, count, folds), 0);
	char *text = calloc(tree.count + 1, 160);
	for (size_t i = 0; i < tree.count; i++) {
		char guides[128];
		const struct ui_tree_row *row = &tree.rows[i];
		ui_tree_guides(row, guides, sizeof(guides));
		length += (size_t)sprintf(text + length, "%s", guides);
		if (row->finished)
			length +=
				(size_t)sprintf(text + length, "%lu finished\n", (unsigned long)row->finished);
		else
			length += (size_t)sprintf(text + length, "%lu\n", (unsigned long)row->id);
	}
	ui_tree_done(&tree);
	free(nodes);
	return text;
}

static void draws(const char *graph, const struct ui_tree_folds *folds, const char *expected)
{
	static const struct ui_tree_folds none;
	char *text = drawing(graph, folds ? folds : &none);
	assert_string_equal(text, expected);
	free(text);
}

static void siblings_stand_in_the_order_of_ids_under_their_parent(void **state)
{
	draws("1 0\n2 1\n3 1\n5 2\n6 2\n7 2\n9 6\n", NULL,
		  "▾ 1\n"
		  "├▾ 2\n"
		  "│ ├─ 5\n"
		  "│ ├▾ 6\n"
		  "│ │ └─ 9\n"
		  "│ └─ 7\n"
		  "└─ 3\n");
}

static void a_parent_may_have_a_higher_id_than_its_child(void **state)
{
	draws("2 3\n3 0\n4 5\n5 2\n", NULL,
		  "▾ 3\n"
		  "└▾ 2\n"
		  "  └▾ 5\n"
		  "    └─ 4\n");
}

static void several_roots_are_rows_of_one_level(void **state)
{
	draws("1 0\n2 1\n3 0\n4 0\n", NULL, "▾ 1\n└─ 2\n─ 3\n─ 4\n");
}

static void a_parent_that_is_not_there_makes_a_root(void **state)
{
	draws("2 1\n3 2\n", NULL, "▾ 2\n└─ 3\n");
}

static void a_cycle_is_cut_and_every_node_is_shown_once(void **state)
{
	draws("1 3\n2 1\n3 2\n4 4\n", NULL,
		  "▾ 2\n"
		  "└▾ 3\n"
		  "  └─ 1\n"
		  "─ 4\n");
}

static void finished_siblings_fold_into_one_row(void **state)
{
	draws("1 0\n2 1 finished\n3 1\n4 1 finished\n5 4 finished\n", NULL,
		  "▾ 1\n"
		  "├─ 3\n"
		  "└▸ 3 finished\n");
}

static void a_single_finished_one_stays_a_row(void **state)
{
	draws("1 0\n2 1 finished\n3 1\n", NULL, "▾ 1\n├─ 2\n└─ 3\n");
}

static void a_finished_one_above_a_living_one_stays(void **state)
{
	draws("1 0 finished\n2 1\n3 0 finished\n", NULL, "▾ 1\n└─ 2\n─ 3\n");
}

static void what_is_to_be_kept_in_sight_is_not_folded(void **state)
{
	draws("1 0\n2 1 finished\n3 1 finished keep\n4 1 finished\n", NULL,
		  "▾ 1\n├─ 3\n└▸ 2 finished\n");
}

static void folding_hides_and_counts_what_is_below(void **state)
{
	struct ui_tree_folds folds = {0};
	struct ui_tree_row row = {.id = 2};
	assert_int_equal(ui_tree_fold(&folds, &row), 0);
	draws("1 0\n2 1\n3 2\n4 2\n5 1\n", &folds, "▾ 1\n├▸ 2\n└─ 5\n");
	assert_int_equal(ui_tree_unfold(&folds, &row), 0);
	draws("1 0\n2 1\n3 2\n4 2\n5 1\n", &folds, "▾ 1\n├▾ 2\n│ ├─ 3\n│ └─ 4\n└─ 5\n");
	ui_tree_folds_done(&folds);
}

static void unfolding_finished_ones_shows_them(void **state)
{
	struct ui_tree_folds folds = {0};
	struct ui_tree_row row = {.id = 1, .finished = 2};
	assert_int_equal(ui_tree_unfold(&folds, &row), 0);
	draws("1 0\n2 1 finished\n3 1 finished\n", &folds, "▾ 1\n├─ 2\n└─ 3\n");
	ui_tree_folds_done(&folds);
}

static void the_ascii_drawing_has_the_same_shape(void **state)
{
	ui_glyphs_use(UI_GLYPHS_ASCII);
	draws("1 0\n2 1\n3 2\n4 1\n", NULL, "- 1\n|- 2\n| `- 3\n`- 4\n");
	ui_glyphs_use(UI_GLYPHS_UTF8);
}

static void a_chain_of_thousands_is_drawn_with_bounded_guides(void **state)
{
	enum { COUNT = 5000 };
	struct ui_tree_node *nodes = calloc(COUNT, sizeof(*nodes));
	for (unsigned i = 0; i < COUNT; i++)
		nodes[i] = (struct ui_tree_node){.id = i + 1, .parent = i};
	struct ui_tree tree = {0};
	struct ui_tree_folds folds = {0};
	assert_int_equal(ui_tree_build(&tree, nodes, COUNT, &folds), 0);
	assert_int_equal(tree.count, COUNT);
	assert_int_equal(tree.rows[COUNT - 1].depth, COUNT - 1);
	char guides[128];
	ui_tree_guides(&tree.rows[COUNT - 1], guides, sizeof(guides));
	assert_true(strncmp(guides, "… ", strlen("… ")) == 0);
	assert_int_equal(ui_tree_find(&tree, COUNT), COUNT - 1);
	assert_int_equal(ui_tree_find(&tree, COUNT + 1), -1);
	ui_tree_done(&tree);
	free(nodes);
}

static void nothing_is_an_empty_tree(void **state)
{
	draws("", NULL, "");
}

static int use_utf8(void **state)
{
	ui_glyphs_use(UI_GLYPHS_UTF8);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(siblings_stand_in_the_order_of_ids_under_their_parent),
		cmocka_unit_test(a_parent_may_have_a_higher_id_than_its_child),
		cmocka_unit_test(several_roots_are_rows_of_one_level),
		cmocka_unit_test(a_parent_that_is_not_there_makes_a_root),
		cmocka_unit_test(a_cycle_is_cut_and_every_node_is_shown_once),
		cmocka_unit_test(finished_siblings_fold_into_one_row),
		cmocka_unit_test(a_single_finished_one_stays_a_row),
		cmocka_unit_test(a_finished_one_above_a_living_one_stays),
		cmocka_unit_test(what_is_to_be_kept_in_sight_is_not_folded),
		cmocka_unit_test(folding_hides_and_counts_what_is_below),
		cmocka_unit_test(unfolding_finished_ones_shows_them),
		cmocka_unit_test(the_ascii_drawing_has_the_same_shape),
		cmocka_unit_test(a_chain_of_thousands_is_drawn_with_bounded_guides),
		cmocka_unit_test(nothing_is_an_empty_tree),
	};
	return cmocka_run_group_tests(tests, use_utf8, NULL);
}
