/*
 * prompt.c - the line that is typed in the last row, and the question there.
 *
 * The line is UTF-8; the cursor is a byte offset that always stands before a character.
 */
#include <curses.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tracer/export.h>
#include "ui.h"

enum { HISTORY = sizeof(((struct ui_prompt *)0)->history) / sizeof(char *) };

void ui_prompt_open(struct ui *ui, enum ui_prompt_kind kind, const char *line)
{
	struct ui_prompt *prompt = &ui->prompt;
	prompt->kind = kind;
	snprintf(prompt->line, sizeof(prompt->line), "%s", line);
	prompt->length = prompt->cursor = strlen(prompt->line);
	prompt->history_at = prompt->history_count;
	ui->message[0] = 0;
}

void ui_prompt_done(struct ui *ui)
{
	for (size_t i = 0; i < ui->prompt.history_count; i++)
		free(ui->prompt.history[i]);
}

static void remember(struct ui_prompt *prompt)
{
	if (!prompt->length || (prompt->history_count &&
							strcmp(prompt->history[prompt->history_count - 1], prompt->line) == 0))
		return;
	char *line = strdup(prompt->line);
	if (!line)
		return;
	if (prompt->history_count == HISTORY) {
		free(prompt->history[0]);
		memmove(prompt->history, prompt->history + 1, (HISTORY - 1) * sizeof(char *));
		prompt->history_count--;
	}
	prompt->history[prompt->history_count++] = line;
}

static void set_line(struct ui_prompt *prompt, const char *line)
{
	snprintf(prompt->line, sizeof(prompt->line), "%s", line);
	prompt->length = prompt->cursor = strlen(prompt->line);
}

static void walk_history(struct ui_prompt *prompt, bool back)
{
	if (prompt->kind != UI_PROMPT_COMMAND)
		return;
	if (back && prompt->history_at > 0) {
		if (prompt->history_at == prompt->history_count)
			snprintf(prompt->edited, sizeof(prompt->edited), "%s", prompt->line);
		set_line(prompt, prompt->history[--prompt->history_at]);
	} else if (!back && prompt->history_at < prompt->history_count) {
		prompt->history_at++;
		set_line(prompt, prompt->history_at == prompt->history_count
							 ? prompt->edited
							 : prompt->history[prompt->history_at]);
	}
}

/* The i-th word that may stand where the line ends, `*ret_from` where it begins; NULL: no more. */
static const char *candidate(const struct ui_prompt *prompt, unsigned i, size_t *ret_from)
{
	static const char export[] = "export ";

	if (strncmp(prompt->line, export, sizeof(export) - 1) == 0) {
		*ret_from = sizeof(export) - 1;
		return export_formats[i].name;
	}
	*ret_from = 0;
	return i < command_count ? command_table[i].name : NULL;
}

static void complete(struct ui *ui)
{
	struct ui_prompt *prompt = &ui->prompt;
	const char *found = NULL, *name;
	size_t common = 0, from;
	if (prompt->kind != UI_PROMPT_COMMAND)
		return;
	for (unsigned i = 0; (name = candidate(prompt, i, &from)); i++) {
		if (strncmp(name, prompt->line + from, prompt->length - from) != 0)
			continue;
		if (!found) {
			found = name;
			common = strlen(name);
			continue;
		}
		size_t same = 0;
		while (same < common && found[same] == name[same])
			same++;
		common = same;
	}
	if (!found)
		return;
	char line[sizeof(prompt->line)];
	snprintf(line, sizeof(line), "%.*s%.*s%s", (int)from, prompt->line, (int)common, found,
			 found[common] ? "" : " ");
	set_line(prompt, line);
}

static size_t char_before(const struct ui_prompt *prompt)
{
	size_t at = prompt->cursor;
	while (at > 0 && ((unsigned char)prompt->line[--at] & 0xc0) == 0x80)
		;
	return at;
}

static size_t char_after(const struct ui_prompt *prompt)
{
	size_t at = prompt->cursor;
	if (at < prompt->length)
		at++;
	while (at < prompt->length && ((unsigned char)prompt->line[at] & 0xc0) == 0x80)
		at++;
	return at;
}

static void erase_range(struct ui_prompt *prompt, size_t from, size_t to)
{
	memmove(prompt->line + from, prompt->line + to, prompt->length - to + 1);
	prompt->length -= to - from;
	prompt->cursor = from;
}

static size_t word_before(const struct ui_prompt *prompt)
{
	size_t at = prompt->cursor;
	while (at > 0 && prompt->line[at - 1] == ' ')
		at--;
	while (at > 0 && prompt->line[at - 1] != ' ')
		at--;
	return at;
}

static void send_input(struct ui *ui, const char *line)
{
	struct target *target = session_target(ui->session);
	if (!target)
		return;
	char bytes[sizeof(ui->prompt.line) + 1];
	int length = snprintf(bytes, sizeof(bytes), "%s\n", line);
	if (target_write(target, bytes, (size_t)length) < 0)
		ui_say(ui, true, "the program does not take input now");
}

static void accept(struct ui *ui)
{
	struct ui_prompt *prompt = &ui->prompt;
	enum ui_prompt_kind kind = prompt->kind;
	char line[sizeof(prompt->line)];
	snprintf(line, sizeof(line), "%s", prompt->line);
	if (kind == UI_PROMPT_COMMAND)
		remember(prompt);
	prompt->kind = UI_PROMPT_NONE;
	switch (kind) {
	case UI_PROMPT_COMMAND:
		ui_run(ui, line);
		break;
	case UI_PROMPT_FIND:
		if (*line)
			snprintf(ui->sought, sizeof(ui->sought), "%.255s", line);
		ui_find(ui, SESSION_FORWARD);
		break;
	case UI_PROMPT_INPUT:
		send_input(ui, line);
		break;
	default:
		break;
	}
}

void ui_prompt_act(struct ui *ui, enum ui_action action)
{
	struct ui_prompt *prompt = &ui->prompt;
	switch (action) {
	case UI_ACTION_CANCEL:
	case UI_ACTION_INTERRUPT:
		prompt->kind = UI_PROMPT_NONE;
		break;
	case UI_ACTION_ACCEPT:
		accept(ui);
		break;
	case UI_ACTION_HISTORY_BACK:
	case UI_ACTION_HISTORY_FORWARD:
		walk_history(prompt, action == UI_ACTION_HISTORY_BACK);
		break;
	case UI_ACTION_COMPLETE:
		complete(ui);
		break;
	case UI_ACTION_CHAR_LEFT:
		prompt->cursor = char_before(prompt);
		break;
	case UI_ACTION_CHAR_RIGHT:
		prompt->cursor = char_after(prompt);
		break;
	case UI_ACTION_LINE_START:
		prompt->cursor = 0;
		break;
	case UI_ACTION_LINE_END:
		prompt->cursor = prompt->length;
		break;
	case UI_ACTION_ERASE:
		if (!prompt->length)
			prompt->kind = UI_PROMPT_NONE;
		else if (prompt->cursor)
			erase_range(prompt, char_before(prompt), prompt->cursor);
		break;
	case UI_ACTION_ERASE_RIGHT:
		erase_range(prompt, prompt->cursor, char_after(prompt));
		break;
	case UI_ACTION_ERASE_WORD:
		erase_range(prompt, word_before(prompt), prompt->cursor);
		break;
	case UI_ACTION_ERASE_LINE:
		erase_range(prompt, 0, prompt->cursor);
		break;
	default:
		break;
	}
}

static void insert(struct ui_prompt *prompt, int code)
{
	char bytes[4];
	size_t count;
	if (code < 0x80) {
		bytes[0] = (char)code;
		count = 1;
	} else if (code < 0x800) {
		bytes[0] = (char)(0xc0 | code >> 6);
		bytes[1] = (char)(0x80 | (code & 0x3f));
		count = 2;
	} else if (code < 0x10000) {
		bytes[0] = (char)(0xe0 | code >> 12);
		bytes[1] = (char)(0x80 | (code >> 6 & 0x3f));
		bytes[2] = (char)(0x80 | (code & 0x3f));
		count = 3;
	} else {
		bytes[0] = (char)(0xf0 | code >> 18);
		bytes[1] = (char)(0x80 | (code >> 12 & 0x3f));
		bytes[2] = (char)(0x80 | (code >> 6 & 0x3f));
		bytes[3] = (char)(0x80 | (code & 0x3f));
		count = 4;
	}
	if (prompt->length + count >= sizeof(prompt->line))
		return;
	memmove(prompt->line + prompt->cursor + count, prompt->line + prompt->cursor,
			prompt->length - prompt->cursor + 1);
	memcpy(prompt->line + prompt->cursor, bytes, count);
	prompt->length += count;
	prompt->cursor += count;
}

void ui_prompt_key(struct ui *ui, int key)
{
	struct ui_prompt *prompt = &ui->prompt;
	ui->dirty = true;
	if (ui_prompt_takes_letter(prompt->kind)) {
		enum ui_prompt_kind kind = prompt->kind;
		prompt->kind = UI_PROMPT_NONE;
		if (kind == UI_PROMPT_GO_MARK)
			ui_go_mark(ui, key);
		else if (kind == UI_PROMPT_DIFF_MARK)
			ui_diff_mark(ui, key);
		else
			ui_mark(ui, key);
		return;
	}
	if (prompt->kind != UI_PROMPT_QUIT && key >= 0x20 && key != 0x7f && key < 0x110000 &&
		!(key >= 0x80 && key < 0xa0))
		insert(prompt, key);
}

/* ---- Drawing ----------------------------------------------------------- */

static const char *find_label(struct ui *ui)
{
	if (ui->page)
		return "find in this page: ";
	if (ui->view == UI_VIEW_LOG)
		return "find in the log: ";
	return ui->focus == UI_PANE_TASKS ? "find in tasks: " : "find in events: ";
}

static void draw_question(struct ui *ui, const struct ui_rect *rect)
{
	int column =
		ui_putf(rect, 0, 1, UI_ROLE_STRONG,
				"the program is %s:  ", session_is_moving(ui->session) ? "running" : "paused");
	static const struct {
		const char *before, *key, *after;
		enum ui_action action;
	} answers[] = {
		{"[", "l", "]et it go on", UI_ACTION_LET_GO},
		{"[", "k", "]ill it", UI_ACTION_KILL},
		{"", "Esc", " stay here", UI_ACTION_CANCEL},
	};
	for (unsigned i = 0; i < 3; i++) {
		int start = column;
		column = ui_put(rect, 0, column, UI_ROLE_NORMAL, answers[i].before);
		column = ui_put(rect, 0, column, UI_ROLE_KEY, answers[i].key);
		column = ui_put(rect, 0, column, UI_ROLE_NORMAL, answers[i].after);
		ui_region_add(ui, rect->row, rect->column + start, column - start, answers[i].action);
		column += 2;
	}
}

void ui_prompt_draw(struct ui *ui)
{
	struct ui_prompt *prompt = &ui->prompt;
	const struct ui_rect *rect = &ui->layout.hints;
	const char *label = ":";
	switch (prompt->kind) {
	case UI_PROMPT_NONE:
		return;
	case UI_PROMPT_QUIT:
		draw_question(ui, rect);
		return;
	case UI_PROMPT_MARK:
		ui_put(rect, 0, 1, UI_ROLE_STRONG, "mark this event with which letter?");
		return;
	case UI_PROMPT_GO_MARK:
		ui_put(rect, 0, 1, UI_ROLE_STRONG, "go to which mark?");
		return;
	case UI_PROMPT_DIFF_MARK:
		ui_put(rect, 0, 1, UI_ROLE_STRONG, "what differs from which mark?");
		return;
	case UI_PROMPT_FIND:
		label = find_label(ui);
		break;
	case UI_PROMPT_INPUT:
		label = "input for the program: ";
		break;
	case UI_PROMPT_COMMAND:
		break;
	}
	int column = ui_put(rect, 0, 1, UI_ROLE_KEY, label);
	int room = rect->columns - column - 1;
	/* The part of the line around the cursor that fits. */
	size_t from = 0;
	char before[sizeof(prompt->line)];
	for (;;) {
		snprintf(before, sizeof(before), "%.*s", (int)(prompt->cursor - from), prompt->line + from);
		if (ui_width(before) <= room || from >= prompt->cursor)
			break;
		unsigned code;
		from += ui_decode(prompt->line + from, &code);
	}
	ui_put(rect, 0, column, UI_ROLE_NORMAL, prompt->line + from);
	move(rect->row, rect->column + column + ui_width(before));
	curs_set(1);
}
