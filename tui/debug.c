/*
 * debug.c - the Debug view: six panes on one moment.
 *
 * The view places and frames the panes and hands on actions and clicks; what stands in a
 * pane is in its own file.
 */
#include <stdio.h>
#include "ui.h"

#define SEARCH_SLICE 5000 /* events that are looked at between two keys */

const struct ui_pane_ops *const ui_panes[UI_PANES] = {
	[UI_PANE_TASKS] = &ui_pane_tasks,   [UI_PANE_SOURCE] = &ui_pane_source,
	[UI_PANE_CHAIN] = &ui_pane_chain,   [UI_PANE_VALUES] = &ui_pane_values,
	[UI_PANE_LOCALS] = &ui_pane_locals, [UI_PANE_EVENTS] = &ui_pane_events,
};

void ui_draw_title(const struct ui_place *place, bool focused, const char *left, const char *right)
{
	struct ui_rect edge = place->frame;
	edge.rows = 1;
	int room = edge.columns - 4 - 2;
	if (room < 4)
		return;
	char shown[256], text[264];
	ui_shorten(left, room, false, shown, sizeof(shown));
	snprintf(text, sizeof(text), " %s ", shown);
	int column = ui_put(&edge, 0, 2, focused ? UI_ROLE_TITLE_FOCUS : UI_ROLE_TITLE, text);
	/* Facts only where they do not touch the title. */
	int width = ui_width(right);
	if (!width || column + width + 4 > edge.columns)
		return;
	snprintf(text, sizeof(text), " %s ", right);
	ui_put(&edge, 0, edge.columns - width - 4, UI_ROLE_DIM, text);
}

static void debug_draw(struct ui *ui)
{
	for (unsigned i = 0; i < UI_PANES; i++)
		if (ui->layout.pane[i].shown)
			ui_lines_add(&ui->layout.pane[i].frame, ui->layout.pane[i].edges);
	ui_lines_end();
	for (unsigned i = 0; i < UI_PANES; i++) {
		const struct ui_place *place = &ui->layout.pane[i];
		if (!place->shown)
			continue;
		/* Drawing first: a title may say what drawing found. */
		ui_panes[i]->draw(ui, &place->inside);
		struct text left = {0}, right = {0};
		ui_panes[i]->title(ui, &left, &right);
		ui_draw_title(place, i == ui->focus, text_string(&left), text_string(&right));
		text_done(&left);
		text_done(&right);
	}
}

/* The one `step` panes on; of Values and Locals the one that is shown. */
static enum ui_pane next_pane(const struct ui *ui, unsigned step)
{
	enum ui_pane hidden = ui->locals_shown ? UI_PANE_VALUES : UI_PANE_LOCALS;
	unsigned pane = (ui->focus + step) % UI_PANES;
	return pane == hidden ? (pane + step) % UI_PANES : pane;
}

static bool debug_act(struct ui *ui, enum ui_action action)
{
	if (ui_panes[ui->focus]->act && ui_panes[ui->focus]->act(ui, action))
		return true;
	switch (action) {
	case UI_ACTION_NEXT_PANE:
		ui->focus = next_pane(ui, 1);
		return true;
	case UI_ACTION_PREVIOUS_PANE:
		ui->focus = next_pane(ui, UI_PANES - 1);
		return true;
	default:
		return false;
	}
}

static bool inside(const struct ui_rect *rect, int row, int column)
{
	return row >= rect->row && row < rect->row + rect->rows && column >= rect->column &&
		   column < rect->column + rect->columns;
}

static void debug_mouse(struct ui *ui, const struct ui_mouse *mouse)
{
	for (unsigned i = 0; i < UI_PANES; i++) {
		const struct ui_place *place = &ui->layout.pane[i];
		if (!place->shown || !inside(&place->frame, mouse->row, mouse->column))
			continue;
		if (mouse->button == TERMINAL_CLICK) {
			ui->focus = i;
			if (ui_panes[i]->click && inside(&place->inside, mouse->row, mouse->column))
				ui_panes[i]->click(ui, mouse->row - place->inside.row);
			return;
		}
		for (int step = 0; step < 3 && ui_panes[i]->act; step++)
			ui_panes[i]->act(ui,
							 mouse->button == TERMINAL_WHEEL_UP ? UI_ACTION_UP : UI_ACTION_DOWN);
		return;
	}
}

/* Looks at the next events. */
int ui_events_search_on(struct ui *ui)
{
	return session_find_on(ui->session, ui->sought, ui->search.direction, &ui->search.n,
						   SEARCH_SLICE);
}

static int debug_find(struct ui *ui, const char *text, enum session_direction direction)
{
	if (ui_panes[ui->focus]->find)
		return ui_panes[ui->focus]->find(ui, text, direction);
	ui->events.held = false;
	ui->search.among = UI_SEARCH_EVENTS;
	ui->search.direction = direction;
	ui->search.n = session_playhead(ui->session);
	return ui_events_search_on(ui);
}

const struct ui_view_ops ui_debug_view = {
	.name = "Debug",
	.draw = debug_draw,
	.act = debug_act,
	.mouse = debug_mouse,
	.find = debug_find,
};
