/*
 * pane_chain.c - the chain through the subject, outermost first: reading down is calling in.
 *
 *      main
 *       │ ▼ send 'a'         ▲ yield 1
 *      general #1          channel.c:31  yield from
 *       │ ▼ send 'a'         ▲ yield 1
 *     ►internal #2         channel.c:12  suspended
 *
 * Between two levels is what went down last and what came up last; what the event of now
 * did is bold, with a `*`.
 *
 * Below the chain of a task that waits stands what it waits for, down to the end (waits.h); of a
 * future, a lock ... that alone.
 *
 *     amain() #2           producer_consumer.c:85  suspended
 *      └ future #13        gather 0/2
 *        ├ ann #10         put shelf
 *
 * The loop has no chain: of it the pane shows the ready queue, which is who runs next.
 */
#include <stdlib.h>
#include <string.h>
#include "ui.h"

static bool is_loop(struct ui *ui)
{
	const struct world_object *subject = world_find(session_world(ui->session), ui_subject(ui));
	return subject && subject->kind == CORO_OBJECT_LOOP;
}

static bool has_chain(struct ui *ui)
{
	const struct world_object *subject = world_find(session_world(ui->session), ui_subject(ui));
	return ui_is_body(subject) || (subject && subject->kind == CORO_OBJECT_TASK);
}

/* Lines of the chain proper. */
static size_t chain_lines(struct ui *ui)
{
	return has_chain(ui) && ui->levels.count ? 2 * ui->levels.count + 1 : 0;
}

/* A line of the pane: even ones are levels, odd ones are the links between them; the first
 * is whoever resumes from outside. Then come those of what is waited for. */
static size_t line_count(struct ui *ui)
{
	if (is_loop(ui))
		return world_ready(session_world(ui->session), NULL, 0);
	return chain_lines(ui) + ui->waits.count;
}

/* The words of what went down or came up last, in at most `columns` cells. */
static void add_passed(struct ui *ui, struct text *text, uint64_t n, enum ui_glyph glyph,
					   int columns)
{
	struct trace_event event;
	if (!n || trace_event(session_trace(ui->session), n, &event) < 0)
		return;
	const char *name = trace_event_name(event.kind);
	text_add(text, "%s %s", ui_glyph(glyph), name ? name : "?");
	if (event.value.kind != CORO_VALUE_ABSENT) {
		text_add(text, " ");
		int room = columns - ui_width(text_string(text)) - 2;
		text_add_value(text, ui->session, &event.value, room > 4 ? (size_t)room : 4);
	}
	if (n == session_playhead(ui->session))
		text_add(text, " *");
}

/* The cells that the downward words of all links need: so the upward ones stand in a column. */
static int down_columns(struct ui *ui, int most)
{
	int widest = 0;
	for (size_t i = 0; i < ui->levels.count; i++) {
		struct text text = {0};
		add_passed(ui, &text, ui->levels.level[i].down_at, UI_GLYPH_DOWN, most);
		int width = ui_width(text_string(&text));
		if (width > widest)
			widest = width;
		text_done(&text);
	}
	return widest < 12 ? 12 : widest > most ? most : widest;
}

static void draw_link(struct ui *ui, const struct ui_rect *rect, int row, size_t level)
{
	const struct chain_level *link = &ui->levels.level[level];
	const struct world_object *below = world_find(session_world(ui->session), link->serial);
	uint64_t now = session_playhead(ui->session);
	int most = (rect->columns - 4) / 2;
	int up_at = 4 + down_columns(ui, most) + 3, up_room = rect->columns - up_at;
	ui_put_glyph(rect, row, 2, UI_ROLE_FRAME, UI_GLYPH_TREE_DOWN);
	struct text text = {0};
	add_passed(ui, &text, link->down_at, UI_GLYPH_DOWN, most);
	if (!text.length && below && below->kind == CORO_OBJECT_TASK && below->resumes &&
		!(below->unknown & WORLD_UNKNOWN_RESUMES))
		text_add(&text, "step %llu", (unsigned long long)below->resumes);
	ui_put_field(rect, row, 4, most,
				 !link->down_at         ? UI_ROLE_DIM
				 : link->down_at == now ? UI_ROLE_NOW_DOWN
										: UI_ROLE_FLOW_DOWN,
				 text_string(&text));
	text_clear(&text);
	add_passed(ui, &text, link->up_at, UI_GLYPH_UP, up_room);
	ui_put_field(rect, row, up_at, up_room, link->up_at == now ? UI_ROLE_NOW_UP : UI_ROLE_FLOW_UP,
				 text_string(&text));
	text_done(&text);
}

/* What a level is doing, in a word or two. */
static const char *doing(struct ui *ui, size_t level, const struct world_object *object)
{
	const struct world *world = session_world(ui->session);
	if (object->state == CORO_STATE_DELEGATING)
		return object->kind == CORO_OBJECT_GENERATOR ? "yield from" : "await";
	if (level + 1 < ui->levels.count && ui->levels.level[level + 1].called)
		return "resumes";
	return world_state_name(world, object);
}

enum { WORD_COLUMNS = 10 };

static int site_columns(const struct ui_rect *rect)
{
	return rect->columns >= 56 ? 22 : rect->columns >= 40 ? 14 : 0;
}

static void put_site(struct ui *ui, const struct ui_rect *rect, int row, uint32_t site,
					 bool is_string)
{
	int columns = site_columns(rect);
	char shown[128];
	if (!columns || !site)
		return;
	ui_shorten_place(symbols_text(session_symbols(ui->session), site, is_string), columns, shown,
					 sizeof(shown));
	ui_put(rect, row, rect->columns - WORD_COLUMNS - columns - 1, UI_ROLE_DIM, shown);
}

/* Where whoever resumed a level did so. */
static void put_resume_site(struct ui *ui, const struct ui_rect *rect, int row, size_t level)
{
	struct trace_event event;
	uint64_t n = ui->levels.level[level].down_at;
	if (n && trace_event(session_trace(ui->session), n, &event) == 0)
		put_site(ui, rect, row, event.site, event.flags & CORO_SLOT_FILELINE);
}

static void draw_level(struct ui *ui, const struct ui_rect *rect, int row, size_t level)
{
	const struct world *world = session_world(ui->session);
	const struct world_object *object = world_find(world, ui->levels.level[level].serial);
	if (!object)
		return;
	unsigned state = world_state(world, object);
	struct text text = {0};
	ui_add_object(ui, &text, object);
	int word_at = rect->columns - WORD_COLUMNS;
	ui_put_field(rect, row, 1, word_at - site_columns(rect) - 3,
				 level == ui->levels.subject ? UI_ROLE_STRONG : UI_ROLE_NORMAL, text_string(&text));
	uint32_t site;
	bool is_string;
	if (level + 1 < ui->levels.count && ui->levels.level[level + 1].called)
		put_resume_site(ui, rect, row, level + 1);
	else if (ui_is_body(object) && ui_own_site(object, &site, &is_string))
		put_site(ui, rect, row, site, is_string);
	ui_put_field(rect, row, word_at, WORD_COLUMNS, ui_role_of_state(state),
				 doing(ui, level, object));
	text_done(&text);
}

static void draw_outside(struct ui *ui, const struct ui_rect *rect, int row)
{
	const struct world *world = session_world(ui->session);
	const struct world_object *top = world_find(world, ui->levels.level[0].serial);
	struct text text = {0};
	if (ui->levels.resumer)
		text_add_object_near(&text, ui->session, ui->levels.resumer, ui->levels.level[0].down_at);
	else
		text_add(&text, "%s", top && top->kind == CORO_OBJECT_TASK ? "loop" : "main");
	if (!ui->levels.outer) {
		text_clear(&text);
		text_add(&text, top && top->unknown & WORLD_UNKNOWN_PAST ? "resumed by whom is not known"
																 : "not resumed yet");
	}
	ui_put_field(rect, row, 1, rect->columns - 1, UI_ROLE_DIM, text_string(&text));
	if (ui->levels.outer && top && top->kind != CORO_OBJECT_TASK)
		put_resume_site(ui, rect, row, 0);
	text_done(&text);
}

/* The i-th of the ready queue; 0: there is none. */
static uint64_t ready_at(struct ui *ui, size_t i)
{
	size_t room = i + 1;
	uint64_t *serials = malloc(room * sizeof(*serials));
	uint64_t found = 0;
	if (serials && world_ready(session_world(ui->session), serials, room) > i)
		found = serials[i];
	free(serials);
	return found;
}

static void draw_ready(struct ui *ui, const struct ui_rect *rect, int row, size_t i)
{
	const struct world_object *task = world_find(session_world(ui->session), ready_at(ui, i));
	if (!task)
		return;
	struct text text = {0};
	ui_add_object(ui, &text, task);
	int column = ui_putf(rect, row, 1, UI_ROLE_DIM, "%3zu  ", i + 1);
	column = ui_put_field(rect, row, column, 20, UI_ROLE_ST_READY, text_string(&text)) + 1;
	if (task->woken_by) {
		text_clear(&text);
		text_add(&text, "by ");
		text_add_object_near(&text, ui->session, task->woken_by, task->ready_at);
		ui_put_field(rect, row, column, rect->columns - column, UI_ROLE_DIM, text_string(&text));
	}
	text_done(&text);
}

/* Does one of the lines after line i stand beside its ancestor of that depth? */
static bool goes_on(const struct waits *waits, size_t i, unsigned depth)
{
	while (++i < waits->count && waits->wait[i].depth >= depth)
		if (waits->wait[i].depth == depth)
			return true;
	return false;
}

static void draw_wait(struct ui *ui, const struct ui_rect *rect, int row, size_t i)
{
	const struct wait *wait = &ui->waits.wait[i];
	const struct world_object *object = world_find(session_world(ui->session), wait->serial);
	int words = rect->columns >= 56 ? 26 : 16, word_at = rect->columns - words, column = 2;
	struct ui_rect left = *rect;
	left.columns = word_at - 1;
	for (unsigned depth = 0; depth < wait->depth; depth++, column += 2)
		if (goes_on(&ui->waits, i, depth))
			ui_put_glyph(&left, row, column, UI_ROLE_FRAME, UI_GLYPH_TREE_DOWN);
	ui_put_glyph(&left, row, column, UI_ROLE_FRAME,
				 wait->last ? UI_GLYPH_TREE_LAST : UI_GLYPH_TREE_BRANCH);
	column += 2;
	struct text text = {0};
	if (wait->owner)
		text_add(&text, "owner ");
	text_add_object_near(&text, ui->session, wait->serial, session_playhead(ui->session));
	if (column < left.columns)
		ui_put_field(&left, row, column, left.columns - column, UI_ROLE_NORMAL, text_string(&text));
	text_clear(&text);
	if (wait->circle)
		text_add(&text, "waits for itself");
	else if (object)
		ui_add_wait(ui, &text, object);
	else
		text_add(&text, "has gone");
	ui_put_field(rect, row, word_at, words,
				 wait->circle ? UI_ROLE_WARNING
				 : object     ? ui_role_of_state(world_state(session_world(ui->session), object))
							  : UI_ROLE_DIM,
				 text_string(&text));
	text_done(&text);
}

static void draw_line(struct ui *ui, const struct ui_rect *rect, int row, size_t line)
{
	if (is_loop(ui)) {
		draw_ready(ui, rect, row, line);
		return;
	}
	if (line >= chain_lines(ui)) {
		draw_wait(ui, rect, row, line - chain_lines(ui));
		return;
	}
	if (line == 0)
		draw_outside(ui, rect, row);
	else if (line % 2)
		draw_link(ui, rect, row, line / 2);
	else
		draw_level(ui, rect, row, line / 2 - 1);
	if (line && line % 2 == 0 && line / 2 - 1 == ui->levels.subject)
		ui_put_glyph(rect, row, 0, UI_ROLE_STRONG, UI_GLYPH_CURSOR);
}

static void draw_nothing(struct ui *ui, const struct ui_rect *rect)
{
	uint64_t subject = ui_subject(ui);
	if (is_loop(ui))
		ui_put(rect, 0, 1, UI_ROLE_DIM, "no task is ready");
	else if (subject && !world_find(session_world(ui->session), subject))
		ui_putf(rect, 0, 1, UI_ROLE_DIM, "#%llu does not live at this event",
				(unsigned long long)subject);
	else
		ui_put(rect, 0, 1, UI_ROLE_DIM,
			   subject                         ? "it has no chain, and waits for nothing"
			   : session_playhead(ui->session) ? ui_nobody(ui)
											   : "nothing has run yet");
}

static void chain_draw(struct ui *ui, const struct ui_rect *rect)
{
	struct ui_list *list = &ui->chain;
	size_t count = line_count(ui);
	if (!list->held)
		list->cursor = count && !is_loop(ui) ? 2 * ui->levels.subject + 2 : 0;
	ui_list_settle(list, count, rect->rows);
	for (int row = 0; row < rect->rows && list->top + (size_t)row < count; row++) {
		size_t line = list->top + (size_t)row;
		draw_line(ui, rect, row, line);
		if (line == list->cursor && ui->focus == UI_PANE_CHAIN)
			ui_paint_row(rect, row, UI_ROLE_SELECT);
	}
	if (!count)
		draw_nothing(ui, rect);
}

static void chain_title(struct ui *ui, struct text *left, struct text *right)
{
	if (is_loop(ui)) {
		text_add(left, "Ready queue %zu", line_count(ui));
		text_add(right, "who runs next");
		return;
	}
	text_add(left, "Chain");
	size_t count = ui->levels.count;
	if (count && has_chain(ui))
		text_add(right, "outermost first, %zu level%s%s", count, count == 1 ? "" : "s",
				 ui->levels.cut ? " and more" : "");
}

static bool chain_act(struct ui *ui, enum ui_action action)
{
	struct ui_list *list = &ui->chain;
	size_t count = line_count(ui);
	if (action == UI_ACTION_OPEN && count) {
		if (is_loop(ui)) {
			session_select(ui->session, ready_at(ui, list->cursor));
			list->held = ui->tasks.list.held = false;
			return true;
		}
		if (list->cursor >= chain_lines(ui))
			session_select(ui->session, ui->waits.wait[list->cursor - chain_lines(ui)].serial);
		else if (list->cursor && list->cursor % 2 == 0)
			session_select(ui->session, ui->levels.level[list->cursor / 2 - 1].serial);
		else if (list->cursor % 2)
			session_goto(ui->session, ui->levels.level[list->cursor / 2].down_at
										  ? ui->levels.level[list->cursor / 2].down_at
										  : session_playhead(ui->session));
		list->held = ui->tasks.list.held = false;
		return true;
	}
	return ui_list_act(list, action, count);
}

static void chain_click(struct ui *ui, int row)
{
	size_t line = ui->chain.top + (size_t)row;
	if (line >= line_count(ui))
		return;
	ui->chain.cursor = line;
	ui->chain.held = true;
	if (is_loop(ui) || line >= chain_lines(ui) || (line && line % 2 == 0))
		chain_act(ui, UI_ACTION_OPEN);
}

const struct ui_pane_ops ui_pane_chain = {
	.name = "Chain",
	.title = chain_title,
	.draw = chain_draw,
	.act = chain_act,
	.click = chain_click,
};
