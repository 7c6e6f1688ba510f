/*
 * pages.c - what lies over a view: the help, and answers of more than one line.
 *
 * Both are lists of lines; they differ in where a line comes from.
 */
#include <stdio.h>
#include <string.h>
#include "ui.h"

/* A page covers the body. */
static struct ui_place page_place(struct ui *ui)
{
	struct ui_place place = {.shown = true, .frame = ui->layout.body, .edges = UI_EDGE_TOP};
	place.inside = place.frame;
	place.inside.row++;
	place.inside.rows--;
	if (ui->layout.form == UI_FORM_FULL) {
		place.edges = UI_EDGE_ALL;
		place.inside.rows--;
		place.inside.column++;
		place.inside.columns -= 2;
	}
	return place;
}

/* The title says which of the `count` lines are seen, where there are more. */
static void draw_frame(struct ui *ui, const struct ui_place *place, const char *name, size_t count)
{
	const struct ui_list *list = &ui->page_list;
	size_t last = list->top + (size_t)(place->inside.rows > 0 ? place->inside.rows : 0);
	char title[96];
	ui->page_goes_on = list->top > 0 || last < count;
	snprintf(title, sizeof(title), ui->page_goes_on ? "%s  %zu-%zu of %zu" : "%s", name,
			 list->top + 1, last < count ? last : count, count);
	ui_clear(&place->frame);
	ui_lines_begin(ui->rows, ui->columns);
	ui_lines_add(&place->frame, place->edges);
	ui_lines_end();
	ui_draw_title(place, true, title, "Esc or q closes");
}

static void page_mouse(struct ui *ui, const struct ui_mouse *mouse)
{
	struct ui_list *list = &ui->page_list;
	for (int i = 0; i < 3; i++) {
		if (mouse->button == TERMINAL_WHEEL_DOWN)
			list->top++;
		else if (mouse->button == TERMINAL_WHEEL_UP)
			list->top -= list->top > 0;
	}
}

/* A page has no cursor: motions move what is seen. */
static bool scroll(struct ui *ui, enum ui_action action, size_t count)
{
	struct ui_list *list = &ui->page_list;
	size_t rows = list->height > 0 ? (size_t)list->height : 1;
	size_t most = count > rows ? count - rows : 0;
	list->cursor = list->top;
	if (!ui_list_act(list, action, most + 1))
		return false;
	list->top = list->cursor;
	return true;
}

static void settle(struct ui *ui, size_t count, int height)
{
	struct ui_list *list = &ui->page_list;
	size_t rows = height > 0 ? (size_t)height : 1;
	list->height = height;
	if (list->top + rows > count)
		list->top = count > rows ? count - rows : 0;
}

/* ---- Help -------------------------------------------------------------- */

/* What the signs of the panes mean. */
static const struct {
	enum ui_glyph glyph;
	const char *word;
} legend[] = {
	{UI_GLYPH_CREATED, "created"},      {UI_GLYPH_RUNNING, "running"}, {UI_GLYPH_READY, "ready"},
	{UI_GLYPH_SUSPENDED, "waits"},      {UI_GLYPH_DONE, "done"},       {UI_GLYPH_FAILED, "failed"},
	{UI_GLYPH_CANCELLED, "cancelled"},  {UI_GLYPH_OPEN, "open"},       {UI_GLYPH_LOCKED, "locked"},
	{UI_GLYPH_DOWN, "went down"},       {UI_GLYPH_UP, "came up"},      {UI_GLYPH_SEEN, "last seen"},
	{UI_GLYPH_FUTURE, "still to come"},
};
enum { LEGEND = sizeof(legend) / sizeof(legend[0]), LEGEND_COLUMNS = 18 };

static size_t legend_per_row(const struct ui *ui)
{
	int columns = ui->layout.columns - 5;
	return columns >= LEGEND_COLUMNS ? (size_t)(columns / LEGEND_COLUMNS) : 1;
}

/* Its rows: a title, the signs, a blank. */
static size_t legend_count(const struct ui *ui)
{
	return 2 + (LEGEND + legend_per_row(ui) - 1) / legend_per_row(ui);
}

static void legend_draw(const struct ui *ui, const struct ui_rect *rect, int row, size_t line)
{
	if (line == 0)
		ui_put(rect, row, 1, UI_ROLE_STRONG, "Signs");
	size_t per_row = legend_per_row(ui);
	for (size_t i = 0; line && i < per_row && (line - 1) * per_row + i < LEGEND; i++) {
		size_t sign = (line - 1) * per_row + i;
		int column = 3 + (int)i * LEGEND_COLUMNS;
		ui_put_glyph(rect, row, column, UI_ROLE_KEY, legend[sign].glyph);
		ui_put(rect, row, column + 2, UI_ROLE_NORMAL, legend[sign].word);
	}
}

/* The context that the help is about: what is under it. */
static unsigned help_context(struct ui *ui)
{
	return ui->view == UI_VIEW_LOG ? UI_IN_LOG : 1u << ui->focus;
}

/* Row `wanted` of the help, or how many there are when it is past the end. */
static size_t help_row(struct ui *ui, size_t wanted, const struct ui_key **ret_key,
					   const char **ret_title)
{
	unsigned context = help_context(ui);
	size_t row = 0;
	*ret_key = NULL;
	*ret_title = NULL;
	for (unsigned group = 0; group < UI_KEY_GROUP_COUNT; group++) {
		bool any = false;
		for (unsigned i = 0; i < ui_key_count; i++) {
			if (ui_keys[i].group != group || !(ui_keys[i].contexts & context))
				continue;
			if (!any) {
				if (row) {
					if (row++ == wanted)
						return row;
				}
				if (row++ == wanted) {
					*ret_title = ui_key_group_title(group);
					return row;
				}
				any = true;
			}
			if (row++ == wanted) {
				*ret_key = &ui_keys[i];
				return row;
			}
		}
	}
	return row;
}

/* The signs come first where there is room for them, else after the keys. */
static size_t keys_begin(const struct ui *ui)
{
	return ui->layout.form == UI_FORM_FULL ? legend_count(ui) : 0;
}

static size_t key_count(struct ui *ui)
{
	const struct ui_key *key;
	const char *title;
	return help_row(ui, SIZE_MAX, &key, &title);
}

static size_t help_count(struct ui *ui)
{
	/* In the end, the legend has a blank before it, not after it. */
	return key_count(ui) + legend_count(ui);
}

static void help_draw(struct ui *ui)
{
	struct ui_place place = page_place(ui);
	const struct ui_rect *rect = &place.inside;
	settle(ui, help_count(ui), rect->rows);
	draw_frame(ui, &place, "Keys that are valid now", help_count(ui));
	bool wide = rect->columns >= 100;
	for (int row = 0; row < rect->rows; row++) {
		const struct ui_key *key;
		const char *title;
		size_t line = ui->page_list.top + (size_t)row, begin = keys_begin(ui);
		size_t keys = key_count(ui);
		if (line < begin) {
			legend_draw(ui, rect, row, line);
			continue;
		}
		line -= begin;
		if (line >= keys) {
			if (!begin && line > keys)
				legend_draw(ui, rect, row, line - keys - 1);
			continue;
		}
		help_row(ui, line, &key, &title);
		if (title)
			ui_put(rect, row, 1, UI_ROLE_STRONG, title);
		if (!key)
			continue;
		const char *why = ui_action_why(ui, key->action);
		int column = ui_put_field(rect, row, 3, 10, why ? UI_ROLE_DIM : UI_ROLE_KEY, key->keys) + 2;
		if (wide)
			column = ui_put_field(rect, row, column, 16, UI_ROLE_DIM, key->command) + 2;
		struct text text = {0};
		text_add(&text, "%s%s%s%s", key->sentence, why ? "  (now: " : "", why ? why : "",
				 why ? ")" : "");
		ui_put_field(rect, row, column, rect->columns - column, why ? UI_ROLE_DIM : UI_ROLE_NORMAL,
					 text_string(&text));
		text_done(&text);
	}
}

static bool help_act(struct ui *ui, enum ui_action action)
{
	return scroll(ui, action, help_count(ui));
}

const struct ui_view_ops ui_help_page = {
	.name = "Help",
	.draw = help_draw,
	.act = help_act,
	.mouse = page_mouse,
};

/* ---- Answers ----------------------------------------------------------- */

static size_t answer_count(struct ui *ui)
{
	size_t count = 1;
	for (const char *at = text_string(&ui->page_text); *at; at++)
		count += *at == '\n';
	return count;
}

static void answer_draw(struct ui *ui)
{
	struct ui_place place = page_place(ui);
	const struct ui_rect *rect = &place.inside;
	settle(ui, answer_count(ui), rect->rows);
	draw_frame(ui, &place, "Answer", answer_count(ui));
	const char *line = text_string(&ui->page_text);
	size_t skip = ui->page_list.top;
	while (skip && (line = strchr(line, '\n'))) {
		line++;
		skip--;
	}
	for (int row = 0; line && row < rect->rows; row++) {
		size_t length = strcspn(line, "\n");
		struct text text = {0};
		/* A tab becomes blanks; all else was filtered where it was made. */
		for (size_t i = 0; i < length; i++)
			if (line[i] == '\t')
				text_add(&text, "    ");
			else
				text_add(&text, "%c", line[i]);
		ui_put_field(rect, row, 1, rect->columns - 2, UI_ROLE_NORMAL, text_string(&text));
		text_done(&text);
		line = line[length] ? line + length + 1 : NULL;
	}
}

static bool answer_act(struct ui *ui, enum ui_action action)
{
	return scroll(ui, action, answer_count(ui));
}

const struct ui_view_ops ui_answer_page = {
	.name = "Answer",
	.draw = answer_draw,
	.act = answer_act,
	.mouse = page_mouse,
};

void ui_show_answer(struct ui *ui, bool bad, const char *text)
{
	if (!*text)
		return;
	if (!strchr(text, '\n')) {
		ui_say(ui, bad, "%s", text);
		return;
	}
	text_clear(&ui->page_text);
	text_add(&ui->page_text, "%s", text);
	ui->page = &ui_answer_page;
	ui->page_list = (struct ui_list){0};
}
