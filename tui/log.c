/*
 * log.c - the Log view: what the program wrote, and after which event.
 *
 *       AFTER  OUTPUT
 *           4  A got a
 *     ►     7  A got b
 *     ·    12  B got c
 *
 * The program writes to a terminal of its own; the pieces that came out of it are cut into
 * lines once, as they come, and only the places of lines are kept: text is made for the
 * lines that are seen. What was written after the event of now is still to come, and dim.
 */
#include <stdlib.h>
#include <string.h>
#include "ui.h"

static void add_line(struct ui *ui, size_t piece, size_t offset, uint64_t after)
{
	if (ui->log.count == ui->log.room) {
		size_t room = ui->log.room ? ui->log.room * 2 : 256;
		void *lines = realloc(ui->log.lines, room * sizeof(*ui->log.lines));
		if (!lines)
			return;
		ui->log.lines = lines;
		ui->log.room = room;
	}
	ui->log.lines[ui->log.count++] = (struct ui_log_line){piece, offset, after};
}

/* Cuts the pieces that are new into lines. */
static void take_in(struct ui *ui)
{
	struct trace *trace = session_trace(ui->session);
	size_t pieces = trace_output_count(trace);
	for (; ui->log.pieces < pieces; ui->log.pieces++) {
		struct trace_output output;
		if (trace_output(trace, ui->log.pieces, &output) < 0)
			continue;
		for (size_t i = 0; i < output.length; i++) {
			if (!ui->log.open)
				add_line(ui, ui->log.pieces, i, output.after);
			ui->log.open = output.data[i] != '\n';
		}
	}
}

/* The text of a line, filtered; at most 4096 bytes of it. */
static void add_text(struct ui *ui, struct text *text, const struct ui_log_line *line)
{
	struct trace *trace = session_trace(ui->session);
	char bytes[4096];
	size_t length = 0, piece = line->piece, offset = line->offset;
	for (; piece < ui->log.pieces && length < sizeof(bytes); piece++, offset = 0) {
		struct trace_output output;
		if (trace_output(trace, piece, &output) < 0)
			break;
		const char *start = output.data + offset;
		size_t most = output.length - offset;
		const char *end = memchr(start, '\n', most);
		size_t count = end ? (size_t)(end - start) : most;
		if (count > sizeof(bytes) - length)
			count = sizeof(bytes) - length;
		memcpy(bytes + length, start, count);
		length += count;
		if (end)
			break;
	}
	while (length && bytes[length - 1] == '\r')
		length--;
	for (size_t i = 0, from = 0; i <= length; i++) {
		if (i < length && bytes[i] != '\t')
			continue;
		text_add_filtered(text, bytes + from, i - from);
		if (i < length)
			text_add(text, "    ");
		from = i + 1;
	}
}

/* How many lines were written by now. */
static size_t written_by_now(struct ui *ui)
{
	uint64_t now = session_playhead(ui->session);
	size_t low = 0, high = ui->log.count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (ui->log.lines[middle].after <= now)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void log_draw(struct ui *ui)
{
	const struct ui_place *place = &ui->layout.whole;
	struct ui_list *list = &ui->log.list;
	take_in(ui);
	ui_lines_add(&place->frame, place->edges);
	ui_lines_end();
	size_t written = written_by_now(ui);
	struct text title = {0}, right = {0};
	char digits[32];
	text_add(&title, "Log  %s line%s", ui_number(written, digits), written == 1 ? "" : "s");
	if (written < ui->log.count)
		text_add(&right, "%s known to come", ui_number(ui->log.count - written, digits));
	ui_draw_title(place, true, text_string(&title), text_string(&right));
	text_done(&title);
	text_done(&right);

	struct ui_rect body = place->inside;
	int number_columns = ui_width(ui_number(session_head(ui->session), digits));
	if (number_columns < 5)
		number_columns = 5;
	if (body.rows > 4) {
		ui_put_right(&body, 0, 2, number_columns, UI_ROLE_HEADING, "AFTER");
		ui_put(&body, 0, number_columns + 4, UI_ROLE_HEADING, "OUTPUT");
		body.row++;
		body.rows--;
	}
	if (!list->held)
		list->cursor = written ? written - 1 : 0;
	ui_list_settle(list, ui->log.count, body.rows);
	for (int row = 0; row < body.rows && list->top + (size_t)row < ui->log.count; row++) {
		size_t i = list->top + (size_t)row;
		const struct ui_log_line *line = &ui->log.lines[i];
		bool future = i >= written;
		if (future)
			ui_put_glyph(&body, row, 0, UI_ROLE_FUTURE, UI_GLYPH_FUTURE);
		else if (i + 1 == written)
			ui_put_glyph(&body, row, 0, UI_ROLE_STRONG, UI_GLYPH_CURSOR);
		ui_put_right(&body, row, 2, number_columns, UI_ROLE_DIM, ui_number(line->after, digits));
		struct text text = {0};
		add_text(ui, &text, line);
		const char *shown = text_string(&text);
		shown += ui_fit(shown, ui->log.sideways, NULL);
		int column = number_columns + 4;
		ui_put_field(&body, row, column, body.columns - column,
					 future ? UI_ROLE_FUTURE : UI_ROLE_NORMAL, shown);
		text_done(&text);
		if (ui->sought[0])
			ui_paint_match(&body, row, ui->sought);
		if (i == list->cursor && list->held)
			ui_paint_row(&body, row, UI_ROLE_SELECT);
	}
	if (!ui->log.count)
		ui_put(&body, 0, 1, UI_ROLE_DIM, "the program has written nothing yet");
}

static bool log_act(struct ui *ui, enum ui_action action)
{
	struct ui_list *list = &ui->log.list;
	take_in(ui);
	switch (action) {
	case UI_ACTION_LEFT:
		ui->log.sideways -= ui->log.sideways < 8 ? ui->log.sideways : 8;
		return true;
	case UI_ACTION_RIGHT:
		ui->log.sideways += ui->log.sideways < 4096 ? 8 : 0;
		return true;
	case UI_ACTION_OPEN:
		if (list->cursor < ui->log.count)
			session_goto(ui->session, ui->log.lines[list->cursor].after);
		list->held = false;
		return true;
	case UI_ACTION_CANCEL:
		if (!list->held)
			return false;
		list->held = false;
		return true;
	default:
		return ui_list_act(list, action, ui->log.count);
	}
}

static void log_mouse(struct ui *ui, const struct ui_mouse *mouse)
{
	if (mouse->button == TERMINAL_CLICK) {
		const struct ui_rect *rect = &ui->layout.whole.inside;
		int row = mouse->row - rect->row - (rect->rows > 4);
		size_t at = ui->log.list.top + (size_t)(row > 0 ? row : 0);
		if (row >= 0 && at < ui->log.count) {
			ui->log.list.cursor = at;
			ui->log.list.held = true;
		}
		return;
	}
	for (int i = 0; i < 3; i++)
		ui_list_act(&ui->log.list,
					mouse->button == TERMINAL_WHEEL_UP ? UI_ACTION_UP : UI_ACTION_DOWN,
					ui->log.count);
}

static int log_find(struct ui *ui, const char *text, enum session_direction direction)
{
	take_in(ui);
	size_t at = ui->log.list.cursor;
	for (size_t i = 0; i < ui->log.count; i++) {
		at = direction == SESSION_FORWARD ? (at + 1) % ui->log.count
										  : (at + ui->log.count - 1) % ui->log.count;
		struct text line = {0};
		add_text(ui, &line, &ui->log.lines[at]);
		bool found = ui_contains(text_string(&line), text);
		text_done(&line);
		if (found) {
			ui->log.list.cursor = at;
			ui->log.list.held = true;
			return 0;
		}
	}
	return -1;
}

void ui_log_done(struct ui *ui)
{
	free(ui->log.lines);
}

const struct ui_view_ops ui_log_view = {
	.name = "Log",
	.draw = log_draw,
	.act = log_act,
	.mouse = log_mouse,
	.find = log_find,
};
