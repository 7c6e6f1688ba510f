/*
 * pane_source.c - the source around the current line: the call that made the last event.
 *
 *      30 │     coro_value got;
 *      31 ►     CORO_YIELD(got, coro_int(i));                    ▲ yield 1   ▼ send 'a'
 *      32 │     printf("%s %s\n", name, text(got));
 *
 * There are no line events: a line is current because the last event of the subject came
 * from a call in it. Where that event is past, and the subject somewhere behind the line, the
 * line was only seen last, and has a calm sign. At the right of a line stands what the chain knows
 * of it: what came and went there, or which level waits in it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "ui.h"

/* The facts of one line, for its right margin: of the current one what the last event of whose
 * place it is was; of others, who of the chain is there. */
static void add_facts(struct ui *ui, struct text *text, const struct symbols_place *place,
					  uint32_t line, bool current, uint64_t whose, enum ui_standing standing)
{
	const struct world *world = session_world(ui->session);
	struct symbols *symbols = session_symbols(ui->session);
	if (current && standing == UI_SEEN)
		return;
	if (current) {
		const struct world_object *object = world_find(world, whose);
		struct trace_event event;
		struct text who = {0};
		if (object && trace_event(session_trace(ui->session), object->changed_at, &event) == 0)
			ui_add_event(ui, &event, &who, text);
		text_done(&who);
		return;
	}
	for (size_t i = ui->levels.count; i-- > 0;) {
		const struct world_object *object = world_find(world, ui->levels.level[i].serial);
		struct symbols_place at;
		uint32_t site;
		bool is_string;
		if (!ui_is_body(object) || !ui_own_site(object, &site, &is_string) ||
			symbols_place(symbols, site, is_string, &at) < 0 || !at.file || at.line != line ||
			strcmp(at.file, place->file) != 0)
			continue;
		if (text->length)
			text_add(text, "  ");
		text_add_object(text, ui->session, object->serial);
	}
}

/* A source line as it is shown: tabs become blanks up to the next multiple of `tab`. */
static void add_source(struct text *text, const char *bytes, size_t length, unsigned tab)
{
	size_t start = 0, column = 0;
	for (size_t i = 0; i <= length; i++) {
		if (i < length && bytes[i] != '\t')
			continue;
		text_add_filtered(text, bytes + start, i - start);
		column += i - start;
		if (i < length)
			for (size_t to = column + tab - column % tab; column < to; column++)
				text_add(text, " ");
		start = i + 1;
	}
}

static void source_draw(struct ui *ui, const struct ui_rect *rect)
{
	struct ui_list *list = &ui->source;
	struct symbols *symbols = session_symbols(ui->session);
	struct symbols_place place;
	uint64_t whose;
	enum ui_standing standing;
	if (!ui_place_now(ui, &place, &whose, &standing) || !place.file) {
		const struct world_object *subject = world_find(session_world(ui->session), ui_subject(ui));
		ui_put(rect, 0, 1, UI_ROLE_DIM,
			   !session_playhead(ui->session)      ? "no event has happened yet"
			   : !subject                          ? ui_nobody(ui)
			   : subject->kind == CORO_OBJECT_LOOP ? "the loop runs: no line of the program"
			   : !ui_is_body(subject) && subject->kind != CORO_OBJECT_TASK
				   ? "this is not at a line of the program"
				   : "where this happened is not known: is there debug information?");
		return;
	}
	int lines = symbols_source_lines(symbols, place.file);
	if (lines < 0) {
		ui_putf(rect, 0, 1, UI_ROLE_DIM, "%s:%u", place.file, place.line);
		ui_put(rect, 1, 1, UI_ROLE_DIM, "the source file is not there");
		return;
	}
	if (!list->held) {
		/* The current line stands a little below the middle: what led to it matters more. */
		list->cursor = place.line ? place.line - 1 : 0;
		size_t above = (size_t)(rect->rows > 1 ? (rect->rows - 1) * 3 / 5 : 0);
		list->top = list->cursor > above ? list->cursor - above : 0;
	}
	ui_list_settle(list, (size_t)lines, rect->rows);
	for (int row = 0; row < rect->rows && list->top + (size_t)row < (size_t)lines; row++) {
		uint32_t line = (uint32_t)list->top + (uint32_t)row + 1;
		const char *bytes;
		size_t length;
		if (symbols_source_line(symbols, place.file, line, &bytes, &length) < 0)
			continue;
		bool current = line == place.line;
		struct text text = {0}, facts = {0};
		add_source(&text, bytes, length, rect->columns >= 90 ? 4 : 2);
		add_facts(ui, &facts, &place, line, current, whose, standing);
		ui_putf(rect, row, 0, UI_ROLE_DIM, "%5u ", line);
		bool there = current && standing == UI_STANDS;
		if (there)
			ui_put_glyph(rect, row, 6, UI_ROLE_STRONG, UI_GLYPH_CURSOR);
		else if (current)
			ui_put_glyph(rect, row, 6, UI_ROLE_DIM, UI_GLYPH_SEEN);
		else
			ui_put_glyph(rect, row, 6, UI_ROLE_FRAME, UI_GLYPH_TREE_DOWN);
		int room = rect->columns - 8;
		int facts_width = ui_width(text_string(&facts));
		/* The code comes first: facts stand only where they take nothing from it. */
		if (facts_width && ui_width(text_string(&text)) + 2 + facts_width < room) {
			ui_put_right(rect, row, rect->columns - facts_width - 1, facts_width,
						 current ? UI_ROLE_CHANGED : UI_ROLE_DIM, text_string(&facts));
		}
		ui_put_field(rect, row, 8, room, there ? UI_ROLE_STRONG : UI_ROLE_NORMAL,
					 text_string(&text));
		if (line == list->cursor + 1 && ui->focus == UI_PANE_SOURCE && list->held)
			ui_paint_row(rect, row, UI_ROLE_SELECT);
		text_done(&text);
		text_done(&facts);
	}
}

static void source_title(struct ui *ui, struct text *left, struct text *right)
{
	struct symbols_place place;
	uint64_t whose;
	enum ui_standing standing;
	if (!ui_place_now(ui, &place, &whose, &standing) || !place.base) {
		text_add(left, "Source");
		return;
	}
	text_add_filtered(left, place.base, strlen(place.base));
	text_add(left, ":%u%s", place.line,
			 standing == UI_SEEN      ? " last seen"
			 : standing == UI_CREATED ? " created"
									  : "");
	if (place.function) {
		text_add(left, "  ");
		text_add_filtered(left, place.function, strlen(place.function));
		text_add(left, "()");
	}
	const struct world_object *object = world_find(session_world(ui->session), whose);
	if (object) {
		struct text name = {0};
		text_add_name(&name, ui->session, object);
		bool same = place.function && strcmp(text_string(&name), place.function) == 0;
		text_add(left, "%s%s #%llu", same ? "" : "  ", same ? "" : text_string(&name),
				 (unsigned long long)object->serial);
		text_done(&name);
	}
	if (symbols_source_changed(session_symbols(ui->session), place.file))
		text_add(right, "the file is newer than the program!");
	else if (object && object->resumes && !(object->unknown & WORLD_UNKNOWN_RESUMES))
		text_add(right, "%s %llu", object->kind == CORO_OBJECT_TASK ? "step" : "resume",
				 (unsigned long long)object->resumes);
}

static bool source_act(struct ui *ui, enum ui_action action)
{
	struct symbols_place place;
	uint64_t whose;
	enum ui_standing standing;
	if (!ui_place_now(ui, &place, &whose, &standing) || !place.file)
		return false;
	int lines = symbols_source_lines(session_symbols(ui->session), place.file);
	return lines >= 0 && ui_list_act(&ui->source, action, (size_t)lines);
}

static void source_click(struct ui *ui, int row)
{
	ui->source.cursor = ui->source.top + (size_t)row;
	ui->source.held = true;
}

const struct ui_pane_ops ui_pane_source = {
	.name = "Source",
	.title = source_title,
	.draw = source_draw,
	.act = source_act,
	.click = source_click,
};
