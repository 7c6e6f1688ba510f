/*
 * pane_events.c - the events around now.
 *
 *        11  internal #2  yield 1
 *     ►  12  internal #2  send 'a'
 *     ·  13  internal #2  yield 2
 *
 * `[LOST n]` before an event: so many slots are missing there. `►` is now; `·` marks what is still
 * to come from here, and is known because it was recorded, or because the playhead has been there.
 * Row i is event i + 1.
 */
#include <stdlib.h>
#include <string.h>
#include "ui.h"

/* The cells for who: as few as the rows that are seen need. */
static int who_columns(struct ui *ui, const struct ui_rect *rect)
{
	int most = rect->columns >= 60 ? 24 : 14, widest = 8;
	uint64_t head = session_head(ui->session);
	for (int row = 0; row < rect->rows && ui->events.top + (size_t)row < head; row++) {
		struct trace_event event;
		struct text who = {0}, what = {0};
		if (trace_event(session_trace(ui->session), ui->events.top + (uint64_t)row + 1, &event) ==
			0)
			ui_add_event(ui, &event, &who, &what);
		int width = ui_width(text_string(&who));
		if (width > widest)
			widest = width;
		text_done(&who);
		text_done(&what);
	}
	return widest > most ? most : widest;
}

static void draw_event(struct ui *ui, const struct ui_rect *rect, int row, uint64_t n,
					   int number_columns, int who_room)
{
	uint64_t now = session_playhead(ui->session);
	struct trace_event event;
	char digits[32];
	bool future = n > now;
	enum ui_role role = n == now ? UI_ROLE_STRONG : future ? UI_ROLE_FUTURE : UI_ROLE_NORMAL;
	if (n == now)
		ui_put_glyph(rect, row, 0, UI_ROLE_STRONG, UI_GLYPH_CURSOR);
	else if (future)
		ui_put_glyph(rect, row, 0, UI_ROLE_FUTURE, UI_GLYPH_FUTURE);
	ui_put_right(rect, row, 2, number_columns, UI_ROLE_DIM, ui_number(n, digits));
	int column = 2 + number_columns + 2;
	if (trace_event(session_trace(ui->session), n, &event) < 0) {
		ui_put(rect, row, column, UI_ROLE_WARNING, "this event cannot be read");
		return;
	}
	struct text who = {0}, what = {0};
	ui_add_event(ui, &event, &who, &what);
	if (event.lost)
		column = ui_putf(rect, row, column, UI_ROLE_WARNING, "[LOST %llu] ",
						 (unsigned long long)event.lost);
	/* The id is the last word: the name gives way. */
	const char *id = strrchr(text_string(&who), ' ');
	if (id && ui_width(text_string(&who)) > who_room) {
		char shown[128];
		struct text name = {0};
		text_add(&name, "%.*s", (int)(id - text_string(&who)), text_string(&who));
		ui_shorten(text_string(&name), who_room - ui_width(id), false, shown, sizeof(shown));
		int after = ui_put(rect, row, column, role, shown);
		ui_put(rect, row, after, role, id);
		text_done(&name);
	} else {
		ui_put_field(rect, row, column, who_room, role, text_string(&who));
	}
	column += who_room + 2;
	bool down = event.kind >= CORO_EVENT_NEXT && event.kind <= CORO_EVENT_CLOSE;
	bool up = event.kind >= CORO_EVENT_YIELD && event.kind <= CORO_EVENT_RAISE;
	if (!future && down)
		role = n == now ? UI_ROLE_NOW_DOWN : UI_ROLE_FLOW_DOWN;
	if (!future && up)
		role = n == now ? UI_ROLE_NOW_UP : UI_ROLE_FLOW_UP;
	ui_put_field(rect, row, column, rect->columns - column, role, text_string(&what));
	text_done(&who);
	text_done(&what);
}

static void events_draw(struct ui *ui, const struct ui_rect *rect)
{
	struct ui_list *list = &ui->events;
	uint64_t head = session_head(ui->session), now = session_playhead(ui->session);
	char digits[32];
	int number_columns = ui_width(ui_number(head, digits));
	if (number_columns < 3)
		number_columns = 3;
	if (!list->held) {
		/* Now stands at two thirds, so that what is known to come is seen too. */
		list->cursor = now ? now - 1 : 0;
		size_t above = (size_t)(rect->rows > 1 ? (rect->rows - 1) * 2 / 3 : 0);
		list->top = list->cursor > above ? list->cursor - above : 0;
	}
	ui_list_settle(list, head, rect->rows);
	int who_room = who_columns(ui, rect);
	for (int row = 0; row < rect->rows && list->top + (size_t)row < head; row++) {
		uint64_t n = list->top + (uint64_t)row + 1;
		draw_event(ui, rect, row, n, number_columns, who_room);
		if (ui->sought[0] && ui->focus != UI_PANE_TASKS)
			ui_paint_match(rect, row, ui->sought);
		if (n == list->cursor + 1 && ui->focus == UI_PANE_EVENTS)
			ui_paint_row(rect, row, UI_ROLE_SELECT);
	}
	if (!head)
		ui_put(rect, 0, 1, UI_ROLE_DIM, "no event yet");
}

static void events_title(struct ui *ui, struct text *left, struct text *right)
{
	text_add(left, "Events");
	uint64_t head = session_head(ui->session), now = session_playhead(ui->session);
	char digits[32];
	if (head > now)
		text_add(right, "%s known to come", ui_number(head - now, digits));
}

static bool events_act(struct ui *ui, enum ui_action action)
{
	struct ui_list *list = &ui->events;
	uint64_t head = session_head(ui->session);
	if (action == UI_ACTION_OPEN && head) {
		if (session_goto(ui->session, list->cursor + 1) < 0)
			ui_say(ui, true, "%s", session_why(ui->session));
		list->held = ui->tasks.list.held = ui->source.held = false;
		return true;
	}
	return ui_list_act(list, action, head);
}

static void events_click(struct ui *ui, int row)
{
	size_t at = ui->events.top + (size_t)row;
	if (at >= session_head(ui->session))
		return;
	/* A second click on the same row goes there. */
	bool again = ui->events.held && ui->events.cursor == at;
	ui->events.cursor = at;
	ui->events.held = true;
	if (again)
		events_act(ui, UI_ACTION_OPEN);
}

const struct ui_pane_ops ui_pane_events = {
	.name = "Events",
	.title = events_title,
	.draw = events_draw,
	.act = events_act,
	.click = events_click,
};
