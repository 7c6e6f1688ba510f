#ifndef TUI_DRAW_H
#define TUI_DRAW_H
/*
 * draw.h - text into rectangles.
 *
 * Everything on the screen goes through ui_put(), which clips at the rectangle and at the
 * screen, so nothing can be drawn past an edge, whatever the sizes are. Text is UTF-8 and
 * was filtered by text.h; what the locale cannot show becomes `?`, a wide character that
 * would stick out of the rectangle becomes a blank.
 *
 * Lines are put first as flags (this cell goes on upwards, to the right ...), and become
 * glyphs when all are known: so borders join by themselves.
 */
#include <stdbool.h>
#include <stddef.h>
#include "colours.h"
#include "glyphs.h"
#include "layout.h"

/* ---- Measuring; no terminal is needed ---------------------------------- */

/* Decodes one character: returns its bytes, at least 1 (a bad one reads as U+FFFD). */
size_t ui_decode(const char *text, unsigned *ret);
/* Cells of a string. */
int ui_width(const char *text);
/* How many bytes of `text` fit `columns`; *ret_columns is what they take, unless NULL. */
size_t ui_fit(const char *text, int columns, int *ret_columns);
/* A copy of `text` that fits: cut at the end, or in the middle where `middle`. A static
 * buffer of the caller's. */
void ui_shorten(const char *text, int columns, bool middle, char *ret, size_t room);
/* The same for a place, "dir/file.c:12": the directory goes first, then the end of the name, and
 * the line stays. */
void ui_shorten_place(const char *place, int columns, char *ret, size_t room);

/* ---- Drawing ----------------------------------------------------------- */

/* At (row, column) of the rectangle; returns the column after it. */
int ui_put(const struct ui_rect *rect, int row, int column, enum ui_role role, const char *text);
int ui_putf(const struct ui_rect *rect, int row, int column, enum ui_role role, const char *format,
            ...) __attribute__((format(printf, 5, 6)));
/* In `columns` cells from there; what does not fit ends in the cut sign. Returns the column
 * after the field, always column + columns. */
int ui_put_field(const struct ui_rect *rect, int row, int column, int columns, enum ui_role role,
                 const char *text);
/* The same, but flush right in it. */
int ui_put_right(const struct ui_rect *rect, int row, int column, int columns, enum ui_role role,
                 const char *text);
int ui_put_glyph(const struct ui_rect *rect, int row, int column, enum ui_role role,
                 enum ui_glyph glyph);
/* Changes the look of a whole row that is already drawn. */
void ui_paint_row(const struct ui_rect *rect, int row, enum ui_role role);
/* Changes the look of every occurrence of `needle` in a drawn row, without regard to case. */
void ui_paint_match(const struct ui_rect *rect, int row, const char *needle);
/* Blanks all of it. */
void ui_clear(const struct ui_rect *rect);

/* The edges of a place, then all of them at once. */
void ui_lines_begin(int rows, int columns);
void ui_lines_add(const struct ui_rect *frame, unsigned edges);
void ui_lines_end(void);

/* Contains, without regard to case in ASCII. */
bool ui_contains(const char *text, const char *needle);

#endif
