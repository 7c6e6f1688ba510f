/*
 * pane_locals.c - the local variables of the subject, where it is suspended.
 *
 * One frame at a time, the innermost first. A variable that has changed since the playhead stood
 * elsewhere has a `*`; `d` and a mark's letter show only what differs from there. Enter expands
 * structures, arrays and pointers.
 *
 *     subject, playhead, frame ──► rows (made anew when one of them changes) ──► screen
 *                                   │ before that
 *                                   └──► base: what they are compared with
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <tracer/backtrace.h>
#include "ui.h"

enum { CHILDREN_MOST = 100, DEPTH_MOST = 12, ROWS_MOST = 2000 };

struct ui_local {
	char *path;     /* owned: "job", "job/name"; tells rows of two moments apart */
	char *name;     /* owned */
	char *text;     /* owned: the value */
	uint64_t bytes; /* a hash of its bytes; 0: they are not all known */
	unsigned depth;
	bool opens;   /* has children */
	bool open;    /* they follow */
	bool missing; /* there is no value, but why */
	bool early;   /* not yet initialised */
	bool changed; /* it is not what the base has */
};

/* ---- Rows -------------------------------------------------------------- */

static void rows_done(struct ui_locals_rows *rows)
{
	for (size_t i = 0; i < rows->count; i++) {
		free(rows->row[i].path);
		free(rows->row[i].name);
		free(rows->row[i].text);
	}
	free(rows->row);
	*rows = (struct ui_locals_rows){0};
}

void ui_locals_done(struct ui *ui)
{
	struct ui_locals *locals = &ui->locals;
	rows_done(&locals->rows);
	rows_done(&locals->base);
	text_done(&locals->where);
	text_done(&locals->missing);
	for (size_t i = 0; i < locals->open_count; i++)
		free(locals->open[i]);
	free(locals->open);
}

static struct ui_local *add_row(struct ui_locals_rows *rows)
{
	if (rows->count == rows->room) {
		size_t room = rows->room ? rows->room * 2 : 32;
		struct ui_local *row = reallocarray(rows->row, room, sizeof(*row));
		if (!row)
			return NULL;
		rows->row = row;
		rows->room = room;
	}
	struct ui_local *row = &rows->row[rows->count++];
	*row = (struct ui_local){0};
	return row;
}

/* What tells two values apart: what a pointer leads to may be known of one of them alone. */
static uint64_t hash_bytes(struct locals_view *view, const struct locals_value *value)
{
	const uint8_t *bytes, *known;
	size_t count = locals_bytes(view, value, &bytes, &known);
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	if (!count || known)
		return 0;
	for (size_t i = 0; i < count; i++)
		hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
	return hash ? hash : 1;
}

static bool is_open(const struct ui_locals *locals, const char *path)
{
	for (size_t i = 0; i < locals->open_count; i++)
		if (strcmp(locals->open[i], path) == 0)
			return true;
	return false;
}

static void toggle(struct ui_locals *locals, const char *path)
{
	for (size_t i = 0; i < locals->open_count; i++)
		if (strcmp(locals->open[i], path) == 0) {
			free(locals->open[i]);
			locals->open[i] = locals->open[--locals->open_count];
			return;
		}
	char **open = reallocarray(locals->open, locals->open_count + 1, sizeof(*open));
	if (!open)
		return;
	locals->open = open;
	open[locals->open_count] = strdup(path);
	locals->open_count += open[locals->open_count] != NULL;
}

/* A value, and its children if it is open. Returns its row's index, or -1. */
static ptrdiff_t add_value(const struct ui_locals *locals, struct ui_locals_rows *rows,
						   struct locals_view *view, const struct locals_value *value,
						   const char *above, unsigned depth)
{
	struct ui_local *row = rows->count < ROWS_MOST ? add_row(rows) : NULL;
	if (!row)
		return -1;
	size_t index = rows->count - 1;
	struct text path = {0};
	char text[1024];
	locals_text(view, value, &LOCALS_FORMAT_LINE, text, sizeof(text));
	text_add(&path, "%s%s%s", above, *above ? "/" : "", value->name);
	row->path = strdup(text_string(&path));
	row->name = strdup(*value->name ? value->name : "(nameless)");
	row->text = strdup(text);
	row->bytes = hash_bytes(view, value);
	row->depth = depth;
	row->opens = value->children > 0 && value->reason != LOCALS_OPTIMISED_OUT &&
				 value->reason != LOCALS_NOT_SAVED;
	row->missing = value->reason != LOCALS_COMPLETE && *text == '<';
	row->open = row->opens && depth < DEPTH_MOST && is_open(locals, text_string(&path));
	bool open = row->open;
	for (uint64_t i = 0; open && i < value->children && i < CHILDREN_MOST; i++) {
		const struct locals_value *child;
		if (locals_child(view, value, i, &child) < 0 ||
			add_value(locals, rows, view, child, text_string(&path), depth + 1) < 0)
			break;
	}
	text_done(&path);
	return (ptrdiff_t)index;
}

static void tell_where(struct ui *ui, const struct backtrace *backtrace, size_t i)
{
	struct ui_locals *locals = &ui->locals;
	const struct locals_frame *frame = &backtrace_frame(backtrace, i)->frame;
	const char *function = frame->function ? frame->function : "??";
	text_add_filtered(&locals->where, function, strlen(function));
	if (frame->line)
		text_add(&locals->where, ":%u", frame->line);
	locals->optimised = frame->optimised;
}

static void add_frame(struct ui *ui, struct ui_locals_rows *rows, const struct backtrace *backtrace,
					  size_t i)
{
	struct ui_locals *locals = &ui->locals;
	struct locals_view *view;
	if (!backtrace_frame(backtrace, i)->frame.described) {
		text_add(&locals->missing, "no debug information: its variables are not known");
		return;
	}
	if (backtrace_view(backtrace, i, &view) < 0)
		return;
	size_t count;
	const struct locals_variable *variable = locals_variables(view, &count);
	for (size_t j = 0; j < count; j++) {
		if (variable[j].runtime)
			continue;
		ptrdiff_t row = add_value(locals, rows, view, variable[j].value, "", 0);
		if (row >= 0)
			rows->row[row].early = variable[j].early;
	}
	locals_view_free(view);
	if (!rows->count)
		text_add(&locals->missing, "no local variables");
}

/* The rows of the subject at the playhead. */
static void collect(struct ui *ui, uint64_t serial, struct ui_locals_rows *rows)
{
	struct ui_locals *locals = &ui->locals;
	struct backtrace *backtrace;
	text_clear(&locals->where);
	text_clear(&locals->missing);
	locals->frames = 0;
	int result = serial ? backtrace_new(ui->session, serial, &backtrace) : -ESRCH;
	if (result < 0) {
		if (result == -ENOTSUP)
			text_add(&locals->missing, "stacks of another architecture cannot be told here");
		else
			text_add(&locals->missing, "%s",
					 result == -ESRCH ? "it has no stack" : strerror(-result));
		return;
	}
	locals->frames = backtrace_numbers(backtrace);
	if (serial != locals->subject)
		locals->frame = backtrace_number_of(backtrace, serial);
	else if (locals->frame >= locals->frames)
		locals->frame = locals->frames ? locals->frames - 1 : 0;
	size_t frame = backtrace_numbered(backtrace, locals->frame);
	if (frame < backtrace_frames(backtrace)) {
		tell_where(ui, backtrace, frame);
		add_frame(ui, rows, backtrace, frame);
	} else {
		const char *missing = backtrace_part(backtrace, 0)->missing;
		text_add(&locals->missing, "%s", missing ? missing : "not started yet");
	}
	backtrace_free(backtrace);
}

/* ---- What they are compared with --------------------------------------- */

static const struct ui_local *find_row(const struct ui_locals_rows *rows, const char *path)
{
	for (size_t i = 0; i < rows->count; i++)
		if (rows->row[i].path && strcmp(rows->row[i].path, path) == 0)
			return &rows->row[i];
	return NULL;
}

static bool differ(const struct ui_local *row, const struct ui_local *before)
{
	if (row->bytes && before->bytes)
		return row->bytes != before->bytes;
	return !row->text || !before->text || strcmp(row->text, before->text) != 0;
}

static void compare(struct ui_locals *locals)
{
	for (size_t i = 0; i < locals->rows.count; i++) {
		struct ui_local *row = &locals->rows.row[i];
		const struct ui_local *before = row->path ? find_row(&locals->base, row->path) : NULL;
		row->changed = locals->has_base && (!before || differ(row, before));
	}
}

/* The subject's rows as they are at another event, and back. */
static void take_base(struct ui *ui, uint64_t n)
{
	struct ui_locals *locals = &ui->locals;
	uint64_t now = session_playhead(ui->session), subject = ui_subject(ui);
	rows_done(&locals->base);
	if (n == now || session_goto(ui->session, n) == 0) {
		collect(ui, subject, &locals->base);
		if (n != now)
			session_goto(ui->session, now);
	}
	locals->has_base = true;
}

void ui_locals_diff(struct ui *ui, uint64_t n)
{
	struct ui_locals *locals = &ui->locals;
	locals->diff = n;
	locals->of = 0;
	locals->list.held = false;
}

/* Makes them anew where something has changed. */
static void settle(struct ui *ui)
{
	struct ui_locals *locals = &ui->locals;
	uint64_t now = session_playhead(ui->session) + 1, subject = ui_subject(ui);
	bool same = locals->subject == subject && locals->shown_frame == locals->frame;
	if (locals->of == now && same && !locals->stale)
		return;
	if (!locals->diff && locals->of != now) {
		rows_done(&locals->base);
		locals->has_base = locals->of && same;
		locals->base = locals->rows;
		locals->rows = (struct ui_locals_rows){0};
	} else if (locals->diff) {
		take_base(ui, locals->diff);
	} else if (!same) {
		locals->has_base = false;
	}
	rows_done(&locals->rows);
	collect(ui, subject, &locals->rows);
	locals->of = now;
	locals->subject = subject;
	locals->shown_frame = locals->frame;
	locals->stale = false;
	compare(locals);
}

/* The i-th row that is shown; NULL: there are not so many. */
static const struct ui_local *shown(const struct ui_locals *locals, size_t i)
{
	for (size_t j = 0; j < locals->rows.count; j++) {
		const struct ui_local *row = &locals->rows.row[j];
		if ((!locals->diff || row->changed) && i-- == 0)
			return row;
	}
	return NULL;
}

static size_t shown_count(const struct ui_locals *locals)
{
	size_t count = 0;
	for (size_t i = 0; i < locals->rows.count; i++)
		count += !locals->diff || locals->rows.row[i].changed;
	return count;
}

/* ---- The pane ---------------------------------------------------------- */

static int name_width(const struct ui_locals *locals, int columns)
{
	int width = 4;
	for (size_t i = 0; i < locals->rows.count; i++) {
		const struct ui_local *row = &locals->rows.row[i];
		int own = row->name ? ui_width(row->name) + 2 * (int)row->depth : 0;
		width = own > width ? own : width;
	}
	return width > columns / 2 ? columns / 2 : width;
}

static void locals_draw(struct ui *ui, const struct ui_rect *rect)
{
	struct ui_locals *locals = &ui->locals;
	settle(ui);
	size_t count = shown_count(locals);
	ui_list_settle(&locals->list, count, rect->rows);
	if (!count) {
		const char *why = locals->missing.length ? text_string(&locals->missing)
						  : locals->diff         ? "nothing differs"
												 : "";
		ui_put_field(rect, 0, 1, rect->columns - 2, UI_ROLE_DIM, why);
		return;
	}
	int width = name_width(locals, rect->columns);
	for (int line = 0; line < rect->rows; line++) {
		size_t i = locals->list.top + (size_t)line;
		const struct ui_local *row = shown(locals, i);
		if (!row || !row->name || !row->text)
			break;
		int column = 1 + 2 * (int)row->depth;
		if (row->opens)
			ui_put_glyph(rect, line, column, UI_ROLE_DIM,
						 row->open ? UI_GLYPH_UNFOLDED : UI_GLYPH_FOLDED);
		int left = width - 2 * (int)row->depth;
		if (left > 0)
			ui_put_field(rect, line, column + 2, left, UI_ROLE_NORMAL, row->name);
		enum ui_role role = row->missing || row->early ? UI_ROLE_DIM
							: row->changed             ? UI_ROLE_CHANGED
													   : UI_ROLE_NORMAL;
		int from = width + 4, room = rect->columns - from - 2 * row->changed;
		char cut[1100];
		ui_shorten(row->text, room, false, cut, sizeof(cut));
		column = ui_put(rect, line, from, role, cut);
		if (row->changed)
			ui_put(rect, line, column, UI_ROLE_CHANGED, " *");
		if (i == locals->list.cursor && ui->focus == UI_PANE_LOCALS)
			ui_paint_row(rect, line, UI_ROLE_SELECT);
	}
}

static void locals_title(struct ui *ui, struct text *left, struct text *right)
{
	struct ui_locals *locals = &ui->locals;
	text_add(left, "Locals");
	if (locals->diff)
		text_add(left, " since %llu", (unsigned long long)locals->diff);
	if (locals->where.length)
		text_add(left, "  %s", text_string(&locals->where));
	if (locals->frames > 1)
		text_add(right, "frame %llu/%llu", (unsigned long long)locals->frame,
				 (unsigned long long)locals->frames);
	else if (locals->optimised && locals->frames)
		text_add(right, "optimised");
}

static bool locals_act(struct ui *ui, enum ui_action action)
{
	struct ui_locals *locals = &ui->locals;
	settle(ui);
	if (ui_list_act(&locals->list, action, shown_count(locals)))
		return true;
	const struct ui_local *row = shown(locals, locals->list.cursor);
	bool turns = action == UI_ACTION_OPEN || (action == UI_ACTION_RIGHT && row && !row->open) ||
				 (action == UI_ACTION_LEFT && row && row->open);
	if (!turns)
		return false;
	if (!row || !row->opens || !row->path)
		ui_say(ui, true, "there is nothing behind this line");
	else
		toggle(locals, row->path);
	locals->stale = true;
	return true;
}

static void locals_click(struct ui *ui, int row)
{
	ui->locals.list.cursor = ui->locals.list.top + (size_t)row;
	ui->locals.list.held = true;
}

const struct ui_pane_ops ui_pane_locals = {
	.name = "Locals",
	.title = locals_title,
	.draw = locals_draw,
	.act = locals_act,
	.click = locals_click,
};

void ui_locals_frame(struct ui *ui, int step)
{
	struct ui_locals *locals = &ui->locals;
	if (step > 0 && locals->frame + 1 < locals->frames)
		locals->frame++;
	else if (step < 0 && locals->frame > 0)
		locals->frame--;
	else
		ui_say(ui, true, step > 0 ? "this is the outermost frame" : "this is the innermost frame");
}
