#ifndef TUI_LAYOUT_H
#define TUI_LAYOUT_H
/*
 * layout.h - where everything stands, as a pure function of view, rows and columns.
 *
 * Row 0 is the status, row 1 the views, the last but one the transport, the last the keys:
 * the same four rows in every view. What is between them, the body, belongs to the view.
 *
 *     FULL     110 x 30 and more: panes in frames that share their borders
 *     COMPACT  80 x 20 and more: one line above each pane, the focused one is larger
 *     SINGLE   40 x 10 and more: one pane at a time
 *     TOO_SMALL: one line that says so
 *
 * Invariants: every rectangle lies inside the screen; the insides of two shown panes never
 * overlap; the focused pane is shown, with at least one row, in every form but TOO_SMALL.
 */
#include <stdbool.h>

struct ui_rect {
	int row, column, rows, columns;
};

enum ui_view {
	UI_VIEW_DEBUG,
	UI_VIEW_LOG,
	UI_VIEWS,
};

/* The panes of the Debug view, in the order of Tab. */
enum ui_pane {
	UI_PANE_TASKS,
	UI_PANE_SOURCE,
	UI_PANE_CHAIN,
	UI_PANE_VALUES,
	UI_PANE_LOCALS, /* where Values is: one of the two is shown */
	UI_PANE_EVENTS,
	UI_PANES,
};

enum ui_form {
	UI_FORM_TOO_SMALL,
	UI_FORM_SINGLE,
	UI_FORM_COMPACT,
	UI_FORM_FULL,
};

enum { UI_LEAST_COLUMNS = 40, UI_LEAST_ROWS = 10 };

/* Which edges of its frame are drawn. */
enum { UI_EDGE_TOP = 1, UI_EDGE_BOTTOM = 2, UI_EDGE_LEFT = 4, UI_EDGE_RIGHT = 8, UI_EDGE_ALL = 15 };

struct ui_place {
	bool shown;
	unsigned edges;       /* UI_EDGE_* */
	struct ui_rect frame; /* with its edges; the title stands in the top one */
	struct ui_rect inside;
};

struct ui_layout {
	enum ui_form form;
	int rows, columns; /* of the screen */
	struct ui_rect status, tabs, body, transport, hints;
	struct ui_place pane[UI_PANES]; /* Debug */
	struct ui_place whole;          /* the only pane of the other views */
};

/* `locals`: Locals is shown and not Values, unless the focus says otherwise. */
void ui_layout(enum ui_view view, enum ui_pane focus, bool locals, bool maximised, int rows,
               int columns, struct ui_layout *ret);

#endif
