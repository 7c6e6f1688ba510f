/*
 * draw.c - the only file that puts cells on the screen.
 */
#include <curses.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <wchar.h>
#include "draw.h"

size_t ui_decode(const char *text, unsigned *ret)
{
	const unsigned char *bytes = (const unsigned char *)text;
	unsigned lead = bytes[0];
	*ret = lead;
	if (lead < 0x80)
		return 1;
	*ret = 0xfffd;
	size_t length = lead >= 0xf0 && lead < 0xf5 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 1;
	if (length == 1 || lead >= 0xf5)
		return 1;
	unsigned code = lead & (0xff >> (length + 1));
	for (size_t i = 1; i < length; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 1;
		code = code << 6 | (bytes[i] & 0x3f);
	}
	*ret = code;
	return length;
}

/* How a character is shown, and in how many cells; 0 cells: a combining one. */
static wchar_t show(unsigned code, int *ret_cells)
{
	*ret_cells = 1;
	if (code < 0x20 || code == 0x7f)
		return L'?';
	if (code < 0x7f)
		return (wchar_t)code;
	if (code == 0x2026 && ui_glyphs_used() == UI_GLYPHS_ASCII)
		return L'~';
	int cells = wcwidth((wchar_t)code);
	if (cells < 0)
		return L'?';
	*ret_cells = cells;
	return (wchar_t)code;
}

size_t ui_fit(const char *text, int columns, int *ret_columns)
{
	size_t bytes = 0;
	int used = 0;
	while (text[bytes]) {
		unsigned code;
		int cells;
		size_t length = ui_decode(text + bytes, &code);
		show(code, &cells);
		if (used + cells > columns)
			break;
		used += cells;
		bytes += length;
	}
	if (ret_columns)
		*ret_columns = used;
	return bytes;
}

int ui_width(const char *text)
{
	int columns;
	ui_fit(text, INT32_MAX, &columns);
	return columns;
}

void ui_shorten(const char *text, int columns, bool middle, char *ret, size_t room)
{
	int width = ui_width(text);
	if (width <= columns) {
		snprintf(ret, room, "%s", text);
		return;
	}
	if (columns <= 0) {
		*ret = 0;
		return;
	}
	int head = middle ? (columns - 1) / 2 : columns - 1;
	int tail = columns - 1 - head;
	size_t head_bytes = ui_fit(text, head, NULL);
	/* The tail: skip characters until what is left fits. */
	size_t skip = ui_fit(text, width - tail, NULL);
	while (text[skip] && ui_width(text + skip) > tail) {
		unsigned code;
		skip += ui_decode(text + skip, &code);
	}
	snprintf(ret, room, "%.*s%s%s", (int)head_bytes, text, ui_glyph(UI_GLYPH_CUT), text + skip);
}

void ui_shorten_place(const char *place, int columns, char *ret, size_t room)
{
	const char *slash = strrchr(place, '/'), *colon = strrchr(place, ':');
	char head[256];
	if (ui_width(place) > columns && slash)
		place = slash + 1;
	int line = colon && colon > place ? ui_width(colon) : 0;
	if (ui_width(place) <= columns || !line || columns < line + 2) {
		ui_shorten(place, columns, true, ret, room);
		return;
	}
	snprintf(head, sizeof(head), "%.*s", (int)(colon - place), place);
	ui_shorten(head, columns - line, false, ret, room);
	snprintf(ret + strlen(ret), room - strlen(ret), "%s", colon);
}

/* ---- Drawing ----------------------------------------------------------- */

int ui_put(const struct ui_rect *rect, int row, int column, enum ui_role role, const char *text)
{
	if (row < 0 || row >= rect->rows || column < 0)
		return column;
	short pair;
	attr_t attributes = ui_attribute(role, &pair);
	attr_set(attributes, pair, NULL);
	wchar_t run[256];
	size_t length = 0;
	int start = column;
	while (*text) {
		unsigned code;
		int cells;
		text += ui_decode(text, &code);
		wchar_t shown = show(code, &cells);
		if (column + cells > rect->columns)
			break;
		run[length++] = shown;
		column += cells;
		if (length == sizeof(run) / sizeof(run[0])) {
			mvaddnwstr(rect->row + row, rect->column + start, run, (int)length);
			length = 0;
			start = column;
		}
	}
	if (length)
		mvaddnwstr(rect->row + row, rect->column + start, run, (int)length);
	attr_set(A_NORMAL, 0, NULL);
	return column;
}

int ui_putf(const struct ui_rect *rect, int row, int column, enum ui_role role, const char *format,
			...)
{
	char text[512];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	return ui_put(rect, row, column, role, text);
}

int ui_put_field(const struct ui_rect *rect, int row, int column, int columns, enum ui_role role,
				 const char *text)
{
	char shown[1024];
	if (columns <= 0)
		return column;
	ui_shorten(text, columns, false, shown, sizeof(shown));
	ui_put(rect, row, column, role, shown);
	return column + columns;
}

int ui_put_right(const struct ui_rect *rect, int row, int column, int columns, enum ui_role role,
				 const char *text)
{
	char shown[1024];
	if (columns <= 0)
		return column;
	ui_shorten(text, columns, true, shown, sizeof(shown));
	ui_put(rect, row, column + columns - ui_width(shown), role, shown);
	return column + columns;
}

int ui_put_glyph(const struct ui_rect *rect, int row, int column, enum ui_role role,
				 enum ui_glyph glyph)
{
	return ui_put(rect, row, column, role, ui_glyph(glyph));
}

void ui_paint_row(const struct ui_rect *rect, int row, enum ui_role role)
{
	if (row < 0 || row >= rect->rows || rect->columns <= 0)
		return;
	short pair;
	attr_t attributes = ui_attribute(role, &pair);
	mvchgat(rect->row + row, rect->column, rect->columns, attributes, pair, NULL);
}

void ui_paint_match(const struct ui_rect *rect, int row, const char *needle)
{
	size_t length = strlen(needle);
	if (!length || row < 0 || row >= rect->rows || rect->columns <= 0)
		return;
	short pair;
	attr_t attributes = ui_attribute(UI_ROLE_MATCH, &pair);
	/* Only ASCII needles are found on the screen: there a byte is a cell. */
	int cells = rect->columns;
	for (int start = 0; start + (int)length <= cells; start++) {
		size_t i = 0;
		for (; i < length; i++) {
			cchar_t cell;
			wchar_t characters[CCHARW_MAX + 1] = {0};
			attr_t cell_attributes;
			short cell_pair;
			if (mvin_wch(rect->row + row, rect->column + start + (int)i, &cell) == ERR ||
				getcchar(&cell, characters, &cell_attributes, &cell_pair, NULL) == ERR)
				break;
			unsigned shown = (unsigned)characters[0], wanted = (unsigned char)needle[i];
			if (shown - 'A' < 26u)
				shown += 32;
			if (wanted - 'A' < 26u)
				wanted += 32;
			if (shown != wanted)
				break;
		}
		if (i == length) {
			mvchgat(rect->row + row, rect->column + start, (int)length, attributes, pair, NULL);
			start += (int)length - 1;
		}
	}
}

void ui_clear(const struct ui_rect *rect)
{
	attr_set(A_NORMAL, 0, NULL);
	for (int row = 0; row < rect->rows; row++)
		mvhline(rect->row + row, rect->column, ' ', rect->columns);
}

/* ---- Lines ------------------------------------------------------------- */

enum { GOES_UP = 1, GOES_DOWN = 2, GOES_LEFT = 4, GOES_RIGHT = 8 };

static struct {
	uint8_t *cells; /* rows x columns of GOES_*; owned, kept from frame to frame */
	size_t room;
	int rows, columns;
} lines;

void ui_lines_begin(int rows, int columns)
{
	size_t count = (size_t)rows * (size_t)columns;
	if (count > lines.room) {
		uint8_t *cells = realloc(lines.cells, count);
		if (!cells) {
			lines.rows = lines.columns = 0;
			return;
		}
		lines.cells = cells;
		lines.room = count;
	}
	lines.rows = rows;
	lines.columns = columns;
	memset(lines.cells, 0, count);
}

static void mark(int row, int column, unsigned goes)
{
	if (row >= 0 && row < lines.rows && column >= 0 && column < lines.columns)
		lines.cells[row * lines.columns + column] |= (uint8_t)goes;
}

static void across(int row, int left, int right)
{
	for (int column = left; column <= right; column++)
		mark(row, column, (column > left ? GOES_LEFT : 0u) | (column < right ? GOES_RIGHT : 0u));
}

static void down(int column, int top, int bottom)
{
	for (int row = top; row <= bottom; row++)
		mark(row, column, (row > top ? GOES_UP : 0u) | (row < bottom ? GOES_DOWN : 0u));
}

void ui_lines_add(const struct ui_rect *frame, unsigned edges)
{
	int bottom = frame->row + frame->rows - 1, right = frame->column + frame->columns - 1;
	if (edges & UI_EDGE_TOP)
		across(frame->row, frame->column, right);
	if (edges & UI_EDGE_BOTTOM)
		across(bottom, frame->column, right);
	if (edges & UI_EDGE_LEFT)
		/* A side without a bottom ends in the line of whoever is below. */
		down(frame->column, frame->row, bottom + !(edges & UI_EDGE_BOTTOM));
	if (edges & UI_EDGE_RIGHT)
		down(right, frame->row, bottom);
}

static enum ui_glyph line_glyph(unsigned goes)
{
	switch (goes) {
	case GOES_DOWN | GOES_RIGHT:
		return UI_GLYPH_LINE_DR;
	case GOES_DOWN | GOES_LEFT:
		return UI_GLYPH_LINE_DL;
	case GOES_UP | GOES_RIGHT:
		return UI_GLYPH_LINE_UR;
	case GOES_UP | GOES_LEFT:
		return UI_GLYPH_LINE_UL;
	case GOES_UP | GOES_DOWN | GOES_RIGHT:
		return UI_GLYPH_LINE_UDR;
	case GOES_UP | GOES_DOWN | GOES_LEFT:
		return UI_GLYPH_LINE_UDL;
	case GOES_DOWN | GOES_LEFT | GOES_RIGHT:
		return UI_GLYPH_LINE_DLR;
	case GOES_UP | GOES_LEFT | GOES_RIGHT:
		return UI_GLYPH_LINE_ULR;
	case GOES_UP | GOES_DOWN | GOES_LEFT | GOES_RIGHT:
		return UI_GLYPH_LINE_UDLR;
	default:
		return goes & (GOES_LEFT | GOES_RIGHT) ? UI_GLYPH_LINE_H : UI_GLYPH_LINE_V;
	}
}

void ui_lines_end(void)
{
	struct ui_rect screen = {0, 0, lines.rows, lines.columns};
	for (int row = 0; row < lines.rows; row++)
		for (int column = 0; column < lines.columns; column++) {
			unsigned goes = lines.cells[row * lines.columns + column];
			if (goes)
				ui_put_glyph(&screen, row, column, UI_ROLE_FRAME, line_glyph(goes));
		}
}

bool ui_contains(const char *text, const char *needle)
{
	size_t length = strlen(needle);
	for (; *text; text++)
		if (strncasecmp(text, needle, length) == 0)
			return true;
	return length == 0;
}
