/*
 * bars.c - the four rows that are the same in every view.
 *
 *     coroscope  channel   pid 41872   PAUSED   turn 3   event 12/15   t 2.4 s     1► 2● 8○
 *    [1 Debug]   6 Log                                                    ?:help  q:quit
 *     ...
 *     |<  <<  <  ||  >  >>  >|   ├──────────┃────┤  80.0%
 *    Space play  . , event  > < turn ...
 *
 * What can be clicked is a region, made while it is drawn.
 */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include "ui.h"

const char *ui_number(uint64_t number, char ret[32])
{
	char digits[24];
	int length = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)number);
	char *out = ret;
	for (int i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			*out++ = ',';
		*out++ = digits[i];
	}
	*out = 0;
	return ret;
}

/* ---- Row 0 ------------------------------------------------------------- */

static void count_states(struct ui *ui)
{
	const struct world *world = session_world(ui->session);
	if (ui->states.of == world_at(world) + 1)
		return;
	memset(&ui->states, 0, sizeof(ui->states));
	ui->states.of = world_at(world) + 1;
	for (const struct world_object *object = world_next(world, 0); object;
		 object = world_next(world, object->serial)) {
		if (object->kind < CORO_OBJECT_GENERATOR || object->kind > CORO_OBJECT_TASK)
			continue;
		switch (world_state(world, object)) {
		case CORO_STATE_RUNNING:
			ui->states.running++;
			break;
		case CORO_STATE_READY:
			ui->states.ready++;
			break;
		case CORO_STATE_DONE:
			ui->states.done++;
			break;
		case CORO_STATE_FAILED:
		case CORO_STATE_CANCELLED:
			ui->states.failed++;
			break;
		default:
			ui->states.waiting++;
		}
	}
}

/* The one truth that matters: what the program is doing. */
static enum ui_role run_state(struct ui *ui, char *ret, size_t room)
{
	const struct trace_meta *meta = trace_meta(session_trace(ui->session));
	if (!ui->began_live) {
		snprintf(ret, room, "RECORDING");
		return UI_ROLE_STRONG;
	}
	if (session_is_live(ui->session)) {
		bool moving = session_is_moving(ui->session);
		snprintf(ret, room, "%s", moving ? "RUNNING" : "PAUSED");
		return moving ? UI_ROLE_ALIVE : UI_ROLE_STRONG;
	}
	if (meta->ended && WIFSIGNALED(meta->status)) {
		const char *name = sigabbrev_np(WTERMSIG(meta->status));
		snprintf(ret, room, "KILLED by SIG%s", name ? name : "?");
		return UI_ROLE_WARNING;
	}
	if (meta->ended && WIFEXITED(meta->status)) {
		snprintf(ret, room, "EXITED %d", WEXITSTATUS(meta->status));
		return WEXITSTATUS(meta->status) ? UI_ROLE_WARNING : UI_ROLE_STRONG;
	}
	snprintf(ret, room, "ENDED");
	return UI_ROLE_STRONG;
}

static const char *base_name(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;
	return slash ? slash + 1 : path ? path : "?";
}

static void anomalies(struct ui *ui, struct text *text)
{
	struct trace *trace = session_trace(ui->session);
	const struct world *world = session_world(ui->session);
	if (trace_lost(trace))
		text_add(text, "lost %llu!  ", (unsigned long long)trace_lost(trace));
	if (world_missing(world))
		text_add(text, "missing %llu!  ", (unsigned long long)world_missing(world));
	if (world_damage(world))
		text_add(text, "damaged %llu!  ", (unsigned long long)world_damage(world));
	if (trace_torn(trace))
		text_add(text, "torn!  ");
}

static int put_count(const struct ui_rect *rect, int column, unsigned count, unsigned state)
{
	if (!count)
		return column;
	column = ui_putf(rect, 0, column, ui_role_of_state(state), "%u%s", count,
					 ui_glyph(ui_glyph_of_state(state)));
	return column + 1;
}

static void draw_status(struct ui *ui)
{
	const struct ui_rect *rect = &ui->layout.status;
	struct trace *trace = session_trace(ui->session);
	const struct trace_meta *meta = trace_meta(trace);
	const struct world *world = session_world(ui->session);
	bool full = ui->layout.form == UI_FORM_FULL;
	const char *gap = full ? "   " : "  ";
	char a[32], b[32];
	struct text name = {0}, right = {0};

	count_states(ui);
	anomalies(ui, &right);
	unsigned counts[] = {ui->states.running, ui->states.ready, ui->states.waiting, ui->states.done,
						 ui->states.failed};
	int counts_width = 0;
	for (unsigned i = 0; i < 5; i++)
		if (counts[i])
			counts_width += snprintf(a, sizeof(a), "%u", counts[i]) + 2;
	int start = rect->columns - counts_width - ui_width(text_string(&right));
	struct ui_rect left = *rect;
	left.columns = start > 0 ? start : 0;

	const char *base = base_name(meta->program);
	text_add_filtered(&name, base, strlen(base));
	int column = 1;
	if (full)
		column = ui_put(&left, 0, column, UI_ROLE_DIM, "coroscope  ");
	char shown[64];
	ui_shorten(text_string(&name), full ? 30 : 18, true, shown, sizeof(shown));
	column = ui_put(&left, 0, column, UI_ROLE_STRONG, shown);
	if (full && ui->pin)
		column = ui_putf(&left, 0, column, UI_ROLE_DIM, "%spid -", gap);
	else if (full)
		column = ui_putf(&left, 0, column, UI_ROLE_DIM, "%spid %u", gap, meta->pid);
	char state[64];
	enum ui_role role = run_state(ui, state, sizeof(state));
	column = ui_put(&left, 0, column, UI_ROLE_NORMAL, gap);
	column = ui_put(&left, 0, column, role, state);
	column = ui_putf(&left, 0, column, UI_ROLE_NORMAL, "%sturn %s", gap,
					 ui_number(world_turn(world), a));
	column = ui_putf(&left, 0, column, UI_ROLE_STRONG, "%s%s %s/%s", gap, full ? "event" : "ev",
					 ui_number(session_playhead(ui->session), a),
					 ui_number(session_head(ui->session), b));
	if (ui->pin)
		column = ui_putf(&left, 0, column, UI_ROLE_NORMAL, "%st -", gap);
	else
		column = ui_putf(&left, 0, column, UI_ROLE_NORMAL, "%st %.*f s", gap, full ? 6 : 3,
						 (double)world_time(world) / 1e9);

	column = ui_put(rect, 0, start, UI_ROLE_WARNING, text_string(&right));
	column = put_count(rect, column, ui->states.running, CORO_STATE_RUNNING);
	column = put_count(rect, column, ui->states.ready, CORO_STATE_READY);
	column = put_count(rect, column, ui->states.waiting, CORO_STATE_SUSPENDED);
	column = put_count(rect, column, ui->states.done, CORO_STATE_DONE);
	put_count(rect, column, ui->states.failed, CORO_STATE_FAILED);
	text_done(&name);
	text_done(&right);
}

/* ---- Row 1 ------------------------------------------------------------- */

static int put_tab(struct ui *ui, int column, const char *name, bool here, enum ui_action action)
{
	const struct ui_rect *rect = &ui->layout.tabs;
	char key[8];
	ui_key_shown(ui_key_of(action), key, sizeof(key));
	int after;
	if (here)
		after = ui_putf(rect, 0, column, UI_ROLE_TAB, "[%s %s]", key, name);
	else
		after = ui_putf(rect, 0, column, UI_ROLE_HINT, " %s %s ", key, name);
	ui_region_add(ui, rect->row, rect->column + column, after - column, action);
	return after + 1;
}

static void draw_tabs(struct ui *ui)
{
	static const struct ui_pane_ops *const panes[UI_PANES] = {
		&ui_pane_tasks, &ui_pane_source, &ui_pane_chain, &ui_pane_values, &ui_pane_events};
	const struct ui_rect *rect = &ui->layout.tabs;
	int column = put_tab(ui, 1, "Debug", ui->view == UI_VIEW_DEBUG, UI_ACTION_VIEW_DEBUG);
	column = put_tab(ui, column, "Log", ui->view == UI_VIEW_LOG, UI_ACTION_VIEW_LOG);

	const char *leave = ui->page || ui->view != UI_VIEW_DEBUG ? "q:back" : "q:quit";
	int at = rect->columns - 1 - (int)strlen(leave);
	ui_put(rect, 0, at, UI_ROLE_DIM, leave);
	ui_region_add(ui, rect->row, rect->column + at, (int)strlen(leave), UI_ACTION_CLOSE);
	at -= 8;
	ui_put(rect, 0, at, UI_ROLE_DIM, "?:help");
	ui_region_add(ui, rect->row, rect->column + at, 6, UI_ACTION_HELP);
	if (ui->view != UI_VIEW_DEBUG || (ui->layout.form == UI_FORM_FULL && !ui->maximised))
		return;
	char text[64];
	int width = snprintf(text, sizeof(text), "pane %d/%d %s  Tab:next  M:%s", ui->focus + 1,
						 UI_PANES, panes[ui->focus]->name, ui->maximised ? "back" : "max");
	if (at - 2 - width > column) {
		ui_put(rect, 0, at - 2 - width, UI_ROLE_DIM, text);
		ui_region_add(ui, rect->row, rect->column + at - 2 - width, width - 7, UI_ACTION_NEXT_PANE);
		ui_region_add(ui, rect->row, rect->column + at - 2 - 5, 5, UI_ACTION_MAXIMISE);
	}
}

/* ---- The transport ----------------------------------------------------- */

static const struct {
	const char *sign;
	enum ui_action action;
} buttons[] = {
	{"|<", UI_ACTION_START}, {"<<", UI_ACTION_TURN_BACK}, {"<", UI_ACTION_BACK},
	{"||", UI_ACTION_PLAY},  {">", UI_ACTION_NEXT},       {">>", UI_ACTION_TURN},
	{">|", UI_ACTION_END},
};

/* Where the scrubber's cells are: [start, start + cells). */
static void scrubber_place(const struct ui *ui, int *ret_start, int *ret_cells)
{
	bool full = ui->layout.form == UI_FORM_FULL;
	*ret_start = full ? 28 : 22;
	*ret_cells = ui->layout.transport.columns - *ret_start - 9;
	if (*ret_cells < 4)
		*ret_cells = 0;
}

static int scrubber_cell(uint64_t at, uint64_t head, int cells)
{
	return head ? (int)((double)at / (double)head * (cells - 1) + 0.5) : 0;
}

static void draw_transport(struct ui *ui)
{
	const struct ui_rect *rect = &ui->layout.transport;
	bool full = ui->layout.form == UI_FORM_FULL;
	int column = 1;
	for (size_t i = 0; i < sizeof(buttons) / sizeof(buttons[0]); i++) {
		bool can = !ui_action_why(ui, buttons[i].action);
		int after = ui_put(rect, 0, column, can ? UI_ROLE_NORMAL : UI_ROLE_DIM, buttons[i].sign);
		ui_region_add(ui, rect->row, rect->column + column, after - column, buttons[i].action);
		column = after + (full ? 2 : 1);
	}
	uint64_t head = session_head(ui->session), at = session_playhead(ui->session);
	int start, cells;
	scrubber_place(ui, &start, &cells);
	if (cells) {
		column = ui_put_glyph(rect, 0, start - 1, UI_ROLE_FRAME, UI_GLYPH_LINE_UDR);
		for (int i = 0; i < cells; i++)
			column = ui_put_glyph(rect, 0, column, UI_ROLE_FRAME, UI_GLYPH_LINE_H);
		ui_put_glyph(rect, 0, column, UI_ROLE_FRAME, UI_GLYPH_LINE_UDL);
		for (unsigned letter = 0; letter < UI_MARKS; letter++)
			if (ui->marks[letter])
				ui_put_glyph(rect, 0, start + scrubber_cell(ui->marks[letter] - 1, head, cells),
							 UI_ROLE_KEY, UI_GLYPH_MARK);
		int cell = scrubber_cell(at, head, cells);
		ui_put_glyph(rect, 0, start + cell, UI_ROLE_PLAYHEAD, UI_GLYPH_PLAYHEAD);
		ui_region_add(ui, rect->row, rect->column + start, cells, UI_ACTION_NONE);
	}
	ui_putf(rect, 0, rect->columns - 7, UI_ROLE_NORMAL, "%5.1f%%",
			head ? (double)at * 100 / (double)head : 0.0);
}

int ui_scrubber_at(struct ui *ui, int row, int column)
{
	int start, cells;
	scrubber_place(ui, &start, &cells);
	const struct ui_rect *rect = &ui->layout.transport;
	int cell = column - rect->column - start;
	if (row != rect->row || cell < 0 || cell >= cells)
		return -1;
	return cell * 1000 / (cells - 1);
}

/* ---- The keys ---------------------------------------------------------- */

/* The columns that the keys with the hint of ui_keys[i] and their word take. */
static unsigned hint_end(unsigned i, unsigned context)
{
	unsigned end = i + 1;
	while (end < ui_key_count && strcmp(ui_keys[end].hint, ui_keys[i].hint) == 0 &&
		   ui_keys[end].contexts & context)
		end++;
	return end;
}

static void draw_hints(struct ui *ui)
{
	const struct ui_rect *rect = &ui->layout.hints;
	unsigned context = ui_context(ui);
	bool narrow = ui->layout.form != UI_FORM_FULL;
	int column = 1;
	for (unsigned i = 0, end; i < ui_key_count; i = end) {
		end = i + 1;
		if (!*ui_keys[i].hint || !(ui_keys[i].contexts & context))
			continue;
		end = hint_end(i, context);
		char names[64] = "", name[16];
		for (unsigned k = i; k < end; k++) {
			ui_key_shown(&ui_keys[k], name, sizeof(name));
			snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s", k > i ? " " : "",
					 name);
		}
		const char *bar = strchr(ui_keys[i].hint, '|');
		char word[32];
		if (ui_keys[i].action == UI_ACTION_CLOSE)
			snprintf(word, sizeof(word), "%s",
					 ui->page                    ? "close"
					 : ui->view != UI_VIEW_DEBUG ? "back"
												 : "quit");
		else if (bar && narrow)
			snprintf(word, sizeof(word), "%s", bar + 1);
		else
			snprintf(word, sizeof(word), "%.*s", (int)strcspn(ui_keys[i].hint, "|"),
					 ui_keys[i].hint);
		int width = ui_width(names) + 1 + ui_width(word);
		if (column + width > rect->columns)
			continue;
		bool any = false;
		int start = column;
		for (unsigned k = i; k < end; k++) {
			bool can = !ui_action_why(ui, ui_keys[k].action);
			any = any || can;
			ui_key_shown(&ui_keys[k], name, sizeof(name));
			int from = k == i ? start : column;
			column = ui_put(rect, 0, column, can ? UI_ROLE_KEY : UI_ROLE_DIM, name);
			column += k + 1 < end;
			int until = k + 1 < end ? column : start + width;
			ui_region_add(ui, rect->row, rect->column + from, until - from, ui_keys[k].action);
		}
		ui_put(rect, 0, column + 1, any ? UI_ROLE_HINT : UI_ROLE_DIM, word);
		column = start + width + (narrow ? 1 : 2);
	}
}

void ui_draw_bars(struct ui *ui)
{
	draw_status(ui);
	draw_tabs(ui);
	draw_transport(ui);
	if (ui->message[0]) {
		struct ui_rect rect = ui->layout.hints;
		ui_put_field(&rect, 0, 1, rect.columns - 1,
					 ui->message_bad ? UI_ROLE_WARNING : UI_ROLE_STRONG, ui->message);
	} else if (ui->prompt.kind == UI_PROMPT_NONE) {
		draw_hints(ui);
	}
}
