/*
 * layout_test.c - where everything stands, at many sizes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "layout.h"

static bool contains(const struct ui_rect *outer, const struct ui_rect *inner)
{
	return inner->row >= outer->row && inner->column >= outer->column &&
		   inner->row + inner->rows <= outer->row + outer->rows &&
		   inner->column + inner->columns <= outer->column + outer->columns;
}

static bool overlap(const struct ui_rect *a, const struct ui_rect *b)
{
	return a->row < b->row + b->rows && b->row < a->row + a->rows &&
		   a->column < b->column + b->columns && b->column < a->column + a->columns;
}

static void check(enum ui_view view, enum ui_pane focus, bool maximised, int rows, int columns)
{
	struct ui_layout layout;
	ui_layout(view, focus, false, maximised, rows, columns, &layout);
	struct ui_rect screen = {0, 0, rows, columns};
	if (rows < UI_LEAST_ROWS || columns < UI_LEAST_COLUMNS) {
		assert_int_equal(layout.form, UI_FORM_TOO_SMALL);
		return;
	}
	assert_int_not_equal(layout.form, UI_FORM_TOO_SMALL);
	assert_true(contains(&screen, &layout.body));
	assert_int_equal(layout.status.row, 0);
	assert_int_equal(layout.tabs.row, 1);
	assert_int_equal(layout.transport.row, rows - 2);
	assert_int_equal(layout.hints.row, rows - 1);
	const struct ui_place *places[UI_PANES + 1] = {&layout.whole};
	for (int i = 0; i < UI_PANES; i++)
		places[i + 1] = &layout.pane[i];
	for (int i = 0; i <= UI_PANES; i++) {
		if (!places[i]->shown)
			continue;
		assert_true(contains(&layout.body, &places[i]->frame));
		assert_true(contains(&places[i]->frame, &places[i]->inside));
		assert_true(places[i]->inside.rows >= 1);
		assert_true(places[i]->inside.columns >= 20);
		for (int k = 0; k < i; k++)
			if (places[k]->shown)
				assert_false(overlap(&places[i]->inside, &places[k]->inside));
	}
	if (view == UI_VIEW_DEBUG)
		assert_true(layout.pane[focus].shown);
	else
		assert_true(layout.whole.shown);
}

static void every_size_has_a_layout_whose_panes_lie_inside_and_apart(void **state)
{
	for (int rows = 1; rows <= 80; rows++)
		for (int columns = 1; columns <= 240; columns += columns < 130 ? 1 : 13)
			for (int focus = 0; focus < UI_PANES; focus++) {
				check(UI_VIEW_DEBUG, (enum ui_pane)focus, false, rows, columns);
				check(UI_VIEW_DEBUG, (enum ui_pane)focus, true, rows, columns);
				check(UI_VIEW_LOG, (enum ui_pane)focus, false, rows, columns);
			}
}

static void the_form_follows_from_the_size(void **state)
{
	static const struct {
		int columns, rows;
		enum ui_form form;
	} sizes[] = {
		{120, 36, UI_FORM_FULL},     {200, 60, UI_FORM_FULL},    {110, 30, UI_FORM_FULL},
		{109, 36, UI_FORM_COMPACT},  {80, 24, UI_FORM_COMPACT},  {200, 24, UI_FORM_COMPACT},
		{79, 24, UI_FORM_SINGLE},    {60, 15, UI_FORM_SINGLE},   {40, 10, UI_FORM_SINGLE},
		{39, 10, UI_FORM_TOO_SMALL}, {40, 9, UI_FORM_TOO_SMALL}, {20, 5, UI_FORM_TOO_SMALL},
	};
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct ui_layout layout;
		ui_layout(UI_VIEW_DEBUG, UI_PANE_TASKS, false, false, sizes[i].rows, sizes[i].columns,
				  &layout);
		assert_int_equal(layout.form, sizes[i].form);
	}
}

static void the_full_form_at_its_drawn_size_is_the_drawing(void **state)
{
	struct ui_layout layout;
	ui_layout(UI_VIEW_DEBUG, UI_PANE_TASKS, false, false, 36, 120, &layout);
	const struct ui_rect *tasks = &layout.pane[UI_PANE_TASKS].inside;
	assert_int_equal(tasks->row, 3);
	assert_int_equal(tasks->rows, 17);
	assert_int_equal(tasks->columns, 40);
	const struct ui_rect *events = &layout.pane[UI_PANE_EVENTS].inside;
	assert_int_equal(events->row, 21);
	assert_int_equal(events->rows, 12);
	assert_int_equal(events->columns, 47);
	assert_int_equal(events->column + events->columns, 119);
}

static void the_focused_pane_is_the_largest_in_the_compact_form(void **state)
{
	struct ui_layout events, source;
	ui_layout(UI_VIEW_DEBUG, UI_PANE_EVENTS, false, false, 24, 80, &events);
	assert_int_equal(events.pane[UI_PANE_EVENTS].inside.rows, 10);
	assert_int_equal(events.pane[UI_PANE_SOURCE].inside.rows, 3);
	ui_layout(UI_VIEW_DEBUG, UI_PANE_SOURCE, false, false, 24, 80, &source);
	assert_int_equal(source.pane[UI_PANE_SOURCE].inside.rows, 10);
	assert_int_equal(source.pane[UI_PANE_EVENTS].inside.rows, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_size_has_a_layout_whose_panes_lie_inside_and_apart),
		cmocka_unit_test(the_form_follows_from_the_size),
		cmocka_unit_test(the_full_form_at_its_drawn_size_is_the_drawing),
		cmocka_unit_test(the_focused_pane_is_the_largest_in_the_compact_form),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
