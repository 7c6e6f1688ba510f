/*
 * layout.c - the arithmetic of the screen.
 *
 *     FULL                                   COMPACT
 *     status                                 status
 *     views                                  views
 *     ┌ Tasks ──────┬ Source ──────────┐     ── Tasks ──────┬─ Chain or Values ──
 *     │             │                  │                    │
 *     ├ Chain ──────┼ Values ┬ Events ─┤     ── Source ─────┴────────────────────
 *     │             │        │         │     ── Events ──────────────────────────
 *     └─────────────┴────────┴─────────┘
 *     transport                              transport
 *     keys                                   keys
 */
#include <string.h>
#include "layout.h"

/* At 120 x 36 these are the columns and rows of the drawings in the design; what a larger
 * screen has more is shared out, and so is what a smaller one has less. */
enum {
	DRAWN_COLUMNS = 120,
	DRAWN_ROWS = 36,
	LEFT_BORDER = 41,   /* between Tasks and Source */
	VALUES_BORDER = 71, /* between Values and Events */
	MIDDLE_BORDER = 20, /* between the upper and the lower panes */
};

static struct ui_rect rect(int row, int column, int rows, int columns)
{
	return (struct ui_rect){row, column, rows, columns};
}

/* A place with all its edges, from border to border. */
static struct ui_place framed(int top, int left, int bottom, int right)
{
	return (struct ui_place){
		.shown = true,
		.edges = UI_EDGE_ALL,
		.frame = rect(top, left, bottom - top + 1, right - left + 1),
		.inside = rect(top + 1, left + 1, bottom - top - 1, right - left - 1),
	};
}

/* A place with a line above it, and to its left where it does not begin at the screen's. */
static struct ui_place titled(int top, int left, int rows, int columns)
{
	bool beside = left > 0;
	return (struct ui_place){
		.shown = true,
		.edges = UI_EDGE_TOP | (beside ? UI_EDGE_LEFT : 0),
		.frame = rect(top, left, rows + 1, columns),
		.inside = rect(top + 1, left + beside, rows, columns - beside),
	};
}

static void layout_full(struct ui_layout *ret)
{
	int top = ret->body.row, bottom = ret->body.row + ret->body.rows - 1;
	int right = ret->columns - 1;
	int more_columns = ret->columns - DRAWN_COLUMNS, more_rows = ret->rows - DRAWN_ROWS;
	int left_border = LEFT_BORDER + more_columns * 3 / 10;
	int values_border = VALUES_BORDER + more_columns * 6 / 10;
	int middle = MIDDLE_BORDER + more_rows / 2;

	ret->pane[UI_PANE_TASKS] = framed(top, 0, middle, left_border);
	ret->pane[UI_PANE_SOURCE] = framed(top, left_border, middle, right);
	ret->pane[UI_PANE_CHAIN] = framed(middle, 0, bottom, left_border);
	ret->pane[UI_PANE_VALUES] = framed(middle, left_border, bottom, values_border);
	ret->pane[UI_PANE_EVENTS] = framed(middle, values_border, bottom, right);
}

static void layout_compact(struct ui_layout *ret, enum ui_pane focus)
{
	int top = ret->body.row, rows = ret->body.rows - 3;
	int tree_columns = ret->columns * 43 / 80;
	int upper, source, events;
	if (focus == UI_PANE_SOURCE) {
		upper = 4;
		events = 3;
		source = rows - upper - events;
	} else if (focus == UI_PANE_EVENTS) {
		upper = 4;
		source = 3;
		events = rows - upper - source;
	} else {
		source = 4 + (rows - 17) / 3;
		events = 3 + (rows - 17) / 3;
		if (source < 3)
			source = 3;
		if (events < 3)
			events = 3;
		upper = rows - source - events;
	}
	enum ui_pane beside = focus == UI_PANE_VALUES ? UI_PANE_VALUES : UI_PANE_CHAIN;
	ret->pane[UI_PANE_TASKS] = titled(top, 0, upper, tree_columns);
	ret->pane[UI_PANE_TASKS].frame.columns++; /* its line goes on into the neighbour's */
	ret->pane[beside] = titled(top, tree_columns, upper, ret->columns - tree_columns);
	ret->pane[UI_PANE_SOURCE] = titled(top + 1 + upper, 0, source, ret->columns);
	ret->pane[UI_PANE_EVENTS] = titled(top + 2 + upper + source, 0, events, ret->columns);
}

void ui_layout(enum ui_view view, enum ui_pane focus, bool locals, bool maximised, int rows,
			   int columns, struct ui_layout *ret)
{
	if (focus == UI_PANE_LOCALS || focus == UI_PANE_VALUES) {
		locals = focus == UI_PANE_LOCALS;
		focus = UI_PANE_VALUES;
	}
	memset(ret, 0, sizeof(*ret));
	ret->rows = rows;
	ret->columns = columns;
	if (rows < UI_LEAST_ROWS || columns < UI_LEAST_COLUMNS)
		return;
	ret->status = rect(0, 0, 1, columns);
	ret->tabs = rect(1, 0, 1, columns);
	ret->body = rect(2, 0, rows - 4, columns);
	ret->transport = rect(rows - 2, 0, 1, columns);
	ret->hints = rect(rows - 1, 0, 1, columns);
	if (rows >= 30 && columns >= 110)
		ret->form = UI_FORM_FULL;
	else if (rows >= 20 && columns >= 80)
		ret->form = UI_FORM_COMPACT;
	else
		ret->form = UI_FORM_SINGLE;

	int top = ret->body.row, bottom = top + ret->body.rows - 1;
	struct ui_place whole = ret->form == UI_FORM_FULL ? framed(top, 0, bottom, columns - 1)
													  : titled(top, 0, bottom - top, columns);
	if (view != UI_VIEW_DEBUG)
		ret->whole = whole;
	else if (maximised || ret->form == UI_FORM_SINGLE)
		ret->pane[focus] = whole;
	else if (ret->form == UI_FORM_COMPACT)
		layout_compact(ret, focus);
	else
		layout_full(ret);
	if (locals && ret->pane[UI_PANE_VALUES].shown) {
		ret->pane[UI_PANE_LOCALS] = ret->pane[UI_PANE_VALUES];
		ret->pane[UI_PANE_VALUES].shown = false;
	}
}
