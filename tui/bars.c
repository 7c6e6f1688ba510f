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

static void add_state(struct ui *ui, unsigned state, size_t count)
{
	ui->states.count[ui_glyph_of_state(state)] += (unsigned)count;
}

/* A body whose state is to be derived from others. */
static void count_moving(void *context, const struct world_object *object)
{
	struct ui *ui = context;
	if (ui_is_body(object) &&
		(object->state == CORO_STATE_RUNNING || object->state == CORO_STATE_DELEGATING))
		add_state(ui, world_state(session_world(ui->session), object), 1);
}

/* Of the kinds that are bodies: those whose state is what their row says are counted already. */
static void count_bodies(struct ui *ui)
{
	const struct world *world = session_world(ui->session);
	bool moving = false;
	for (unsigned kind = 0; kind < CORO_OBJECT_LIMIT; kind++)
		for (unsigned state = 0; state < CORO_STATE_LIMIT && trace_object_is_body(kind); state++) {
			size_t count = world_count_of(world, kind, state);
			if (state == CORO_STATE_RUNNING || state == CORO_STATE_DELEGATING)
				moving |= count > 0;
			else
				add_state(ui, state, count);
		}
	if (moving)
		world_visit(world, count_moving, ui);
}

/* Tasks by state; in a program that has none, its coroutines and generators. */
static void count_states(struct ui *ui)
{
	const struct world *world = session_world(ui->session);
	if (ui->states.of == world_at(world) + 1)
		return;
	memset(&ui->states, 0, sizeof(ui->states));
	ui->states.of = world_at(world) + 1;
	bool tasks = false;
	for (unsigned state = 0; state < CORO_STATE_LIMIT; state++) {
		size_t count = world_count_of(world, CORO_OBJECT_TASK, state);
		add_state(ui, state, count);
		tasks |= count > 0;
	}
	if (!tasks)
		count_bodies(ui);
}

/* The one truth that matters: what the program is doing. */
static enum ui_role run_state(struct ui *ui, char *ret, size_t room)
{
	int status;
	if (!ui->began_live) {
		snprintf(ret, room, "RECORDING");
		return UI_ROLE_STRONG;
	}
	if (session_is_live(ui->session)) {
		bool moving = session_is_moving(ui->session);
		snprintf(ret, room, "%s", moving ? "RUNNING" : "PAUSED");
		return moving ? UI_ROLE_ALIVE : UI_ROLE_STRONG;
	}
	bool ended = trace_ended(session_trace(ui->session), &status);
	if (ended && WIFSIGNALED(status)) {
		const char *name = sigabbrev_np(WTERMSIG(status));
		snprintf(ret, room, "KILLED by SIG%s", name ? name : "?");
		return UI_ROLE_WARNING;
	}
	if (ended && WIFEXITED(status)) {
		snprintf(ret, room, "EXITED %d", WEXITSTATUS(status));
		return WEXITSTATUS(status) ? UI_ROLE_WARNING : UI_ROLE_STRONG;
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
	if (world_damage(world) || trace_damage(trace))
		text_add(text, "damaged %llu!  ",
				 (unsigned long long)(world_damage(world) + trace_damage(trace)));
	if (trace_torn(trace))
		text_add(text, "torn!  ");
}

/* The order of the counts at the right. */
static const struct {
	enum ui_glyph glyph;
	unsigned state;
} counted[] = {
	{UI_GLYPH_CREATED, CORO_STATE_CREATED},     {UI_GLYPH_RUNNING, CORO_STATE_RUNNING},
	{UI_GLYPH_READY, CORO_STATE_READY},         {UI_GLYPH_SUSPENDED, CORO_STATE_SUSPENDED},
	{UI_GLYPH_DONE, CORO_STATE_DONE},           {UI_GLYPH_FAILED, CORO_STATE_FAILED},
	{UI_GLYPH_CANCELLED, CORO_STATE_CANCELLED},
};
enum { COUNTED = sizeof(counted) / sizeof(counted[0]) };

/* " 1► 8○": what it takes, a blank before each. */
static int counts_width(const struct ui *ui)
{
	int width = 0;
	for (unsigned i = 0; i < COUNTED; i++)
		if (ui->states.count[counted[i].glyph])
			width += 2 + snprintf(NULL, 0, "%u", ui->states.count[counted[i].glyph]);
	return width;
}

static void put_counts(const struct ui *ui, const struct ui_rect *rect, int column)
{
	for (unsigned i = 0; i < COUNTED; i++) {
		unsigned count = ui->states.count[counted[i].glyph];
		if (count)
			column = 1 + ui_putf(rect, 0, column, ui_role_of_state(counted[i].state), "%u%s", count,
								 ui_glyph(counted[i].glyph));
	}
}

/* The parts of the first row, from the left; each is there whole, or not at all. */
enum part {
	PART_NAME,
	PART_PROGRAM,
	PART_PID,
	PART_STATE,
	PART_TURN,
	PART_EVENT,
	PART_TIME,
	PARTS
};

/* What gives way first; the counts before all of these but the name of this program, what is
 * wrong with the trace only before the event. */
static const enum part gives_way[] = {PART_PID, PART_PROGRAM, PART_TIME, PART_TURN, PART_STATE};

static int left_width(const struct text *parts, int gap)
{
	int width = 0;
	for (unsigned i = 0; i < PARTS; i++)
		if (parts[i].length)
			width += gap + ui_width(text_string(&parts[i]));
	return width ? width - gap + 1 : 1;
}

/* Empties parts until they fit. */
static void fit_status(const struct ui *ui, struct text *parts, int gap, struct text *wrong,
					   int *counts)
{
	int columns = ui->layout.status.columns;
	for (unsigned i = 0; i < 3 + sizeof(gives_way) / sizeof(gives_way[0]); i++) {
		int right = *counts + ui_width(text_string(wrong));
		if (left_width(parts, gap) + (right ? gap - 1 + right : 0) <= columns)
			return;
		if (i == 0)
			text_clear(&parts[PART_NAME]);
		else if (i == 1)
			*counts = 0;
		else if (i - 2 < sizeof(gives_way) / sizeof(gives_way[0]))
			text_clear(&parts[gives_way[i - 2]]);
		else
			text_clear(wrong);
	}
}

static void name_program(struct text *text, const char *path, int columns)
{
	struct text name = {0};
	char shown[64];
	const char *base = base_name(path);
	text_add_filtered(&name, base, strlen(base));
	ui_shorten(text_string(&name), columns, true, shown, sizeof(shown));
	text_add(text, "%s", shown);
	text_done(&name);
}

static void draw_status(struct ui *ui)
{
	const struct ui_rect *rect = &ui->layout.status;
	const struct trace_meta *meta = trace_meta(session_trace(ui->session));
	const struct world *world = session_world(ui->session);
	bool full = ui->layout.form == UI_FORM_FULL;
	char a[32], b[32], state[64];
	enum ui_role roles[PARTS] = {[PART_NAME] = UI_ROLE_DIM,     [PART_PROGRAM] = UI_ROLE_STRONG,
								 [PART_PID] = UI_ROLE_DIM,      [PART_TURN] = UI_ROLE_NORMAL,
								 [PART_EVENT] = UI_ROLE_STRONG, [PART_TIME] = UI_ROLE_NORMAL};
	struct text parts[PARTS] = {0}, wrong = {0};

	name_program(&parts[PART_PROGRAM], meta->program, full ? 30 : 18);
	if (full) {
		text_add(&parts[PART_NAME], "coroscope");
		if (ui->pin)
			text_add(&parts[PART_PID], "pid -");
		else
			text_add(&parts[PART_PID], "pid %u", meta->pid);
	}
	roles[PART_STATE] = run_state(ui, state, sizeof(state));
	text_add(&parts[PART_STATE], "%s", state);
	text_add(&parts[PART_TURN], "turn %s", ui_number(world_turn(world), a));
	text_add(&parts[PART_EVENT], "%s %s/%s", full ? "event" : "ev",
			 ui_number(session_playhead(ui->session), a), ui_number(session_head(ui->session), b));
	if (ui->pin)
		text_add(&parts[PART_TIME], "t -");
	else
		text_add(&parts[PART_TIME], "t %.*f s", full ? 6 : 3, (double)world_time(world) / 1e9);

	count_states(ui);
	anomalies(ui, &wrong);
	int counts = counts_width(ui), gap = full ? 3 : 2, column = 1;
	fit_status(ui, parts, gap, &wrong, &counts);
	for (unsigned i = 0; i < PARTS; i++) {
		if (parts[i].length)
			column = gap + ui_put(rect, 0, column, roles[i], text_string(&parts[i]));
		text_done(&parts[i]);
	}
	column = rect->columns - counts - ui_width(text_string(&wrong));
	column = ui_put(rect, 0, column, UI_ROLE_WARNING, text_string(&wrong));
	if (counts)
		put_counts(ui, rect, column);
	text_done(&wrong);
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
	int width = snprintf(text, sizeof(text), "pane %d/%d %s  Tab:next  M:%s",
						 (int)ui->focus + 1 - (ui->focus > UI_PANE_VALUES), UI_PANES - 1,
						 ui_panes[ui->focus]->name, ui->maximised ? "back" : "max");
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
		const struct session_mark *mark;
		for (size_t i = 0; (mark = session_mark_at(ui->session, i)); i++)
			ui_put_glyph(rect, 0, start + scrubber_cell(mark->n, head, cells), UI_ROLE_KEY,
						 UI_GLYPH_MARK);
		int cell = scrubber_cell(at, head, cells);
		ui_put_glyph(rect, 0, start + cell, UI_ROLE_PLAYHEAD, UI_GLYPH_PLAYHEAD);
		ui_region_add(ui, rect->row, rect->column + start, cells, UI_ACTION_NONE);
	}
	ui_putf(rect, 0, rect->columns - 7, UI_ROLE_NORMAL, "%5.1f%%",
			head ? (double)at * 100 / (double)head : 0.0);
}

int ui_scrubber_near(struct ui *ui, int column)
{
	int start, cells;
	scrubber_place(ui, &start, &cells);
	int cell = column - ui->layout.transport.column - start;
	if (cell <= 0 || cells < 2)
		return 0;
	return cell >= cells ? 1000 : cell * 1000 / (cells - 1);
}

int ui_scrubber_at(struct ui *ui, int row, int column)
{
	int start, cells;
	scrubber_place(ui, &start, &cells);
	const struct ui_rect *rect = &ui->layout.transport;
	int cell = column - rect->column - start;
	if (row != rect->row || cell < 0 || cell >= cells)
		return -1;
	return ui_scrubber_near(ui, column);
}

/* ---- The keys ---------------------------------------------------------- */

/* Its word in the last row: the table's; on a page that goes on, its motions have one too. */
static const char *hint_of(const struct ui *ui, unsigned i)
{
	enum ui_action action = ui_keys[i].action;
	if (ui->page && ui->page_goes_on && (action == UI_ACTION_DOWN || action == UI_ACTION_UP))
		return "scroll";
	return ui_keys[i].hint;
}

/* The end of the keys from ui_keys[i] on that share its hint. */
static unsigned hint_end(const struct ui *ui, unsigned i, unsigned context)
{
	unsigned end = i + 1;
	while (end < ui_key_count && strcmp(hint_of(ui, end), hint_of(ui, i)) == 0 &&
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
		if (!*hint_of(ui, i) || !(ui_keys[i].contexts & context))
			continue;
		end = hint_end(ui, i, context);
		char names[64] = "", name[16];
		for (unsigned k = i; k < end; k++) {
			ui_key_shown(&ui_keys[k], name, sizeof(name));
			snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s", k > i ? " " : "",
					 name);
		}
		const char *hint = hint_of(ui, i), *bar = strchr(hint, '|');
		char word[32];
		if (ui_keys[i].action == UI_ACTION_CLOSE)
			snprintf(word, sizeof(word), "%s",
					 ui->page                    ? "close"
					 : ui->view != UI_VIEW_DEBUG ? "back"
												 : "quit");
		else if (bar && narrow)
			snprintf(word, sizeof(word), "%s", bar + 1);
		else
			snprintf(word, sizeof(word), "%.*s", (int)strcspn(hint, "|"), hint);
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
