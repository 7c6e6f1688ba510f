#ifndef TUI_GLYPHS_H
#define TUI_GLYPHS_H
/*
 * glyphs.h - the signs of the screen, in three sets: utf8, utf8-noblocks (for fonts without
 * block elements) and ascii. Everything asks by role; `~` changes the set.
 *
 * All of them are one cell wide. Whether a terminal's font has a sign cannot be found out,
 * so utf8 has only signs that every font with box drawing has.
 */
#include <stdbool.h>

/*     role          utf8  noblocks  ascii */
#define UI_GLYPHS(X)                         \
	X(CURSOR,        "►",  "►",  ">")        \
	X(SEEN,          "▸",  "▸",  ":")        \
	X(FUTURE,        "·",  "·",  ".")        \
	X(CREATED,       "◇",  "◇",  "c")        \
	X(RUNNING,       "►",  "►",  ">")        \
	X(READY,         "●",  "●",  "*")        \
	X(SUSPENDED,     "○",  "○",  "o")        \
	X(DONE,          "✓",  "✓",  "=")        \
	X(FAILED,        "✗",  "✗",  "x")        \
	X(CANCELLED,     "×",  "×",  "%")        \
	X(OPEN,          "·",  "·",  ".")        \
	X(LOCKED,        "◆",  "◆",  "#")        \
	X(DOWN,          "▼",  "▼",  "v")        \
	X(UP,            "▲",  "▲",  "^")        \
	X(UNFOLDED,      "▾",  "▾",  "-")        \
	X(FOLDED,        "▸",  "▸",  "+")        \
	X(TREE_DOWN,     "│",  "│",  "|")        \
	X(TREE_BRANCH,   "├",  "├",  "|")        \
	X(TREE_LAST,     "└",  "└",  "`")        \
	X(TREE_ACROSS,   "─",  "─",  "-")        \
	X(MARK,          "●",  "●",  "o")        \
	X(PLAYHEAD,      "┃",  "│",  "#")        \
	X(CUT,           "…",  "…",  "~")        \
	X(LINE_H,        "─",  "─",  "-")        \
	X(LINE_V,        "│",  "│",  "|")        \
	X(LINE_DR,       "┌",  "┌",  "+")        \
	X(LINE_DL,       "┐",  "┐",  "+")        \
	X(LINE_UR,       "└",  "└",  "+")        \
	X(LINE_UL,       "┘",  "┘",  "+")        \
	X(LINE_UDR,      "├",  "├",  "+")        \
	X(LINE_UDL,      "┤",  "┤",  "+")        \
	X(LINE_DLR,      "┬",  "┬",  "+")        \
	X(LINE_ULR,      "┴",  "┴",  "+")        \
	X(LINE_UDLR,     "┼",  "┼",  "+")

enum ui_glyph {
#define X(role, utf8, noblocks, ascii) UI_GLYPH_##role,
	UI_GLYPHS(X)
#undef X
	UI_GLYPH_COUNT,
};

enum ui_glyph_set {
	UI_GLYPHS_UTF8,
	UI_GLYPHS_NOBLOCKS,
	UI_GLYPHS_ASCII,
	UI_GLYPH_SETS,
};

/* UTF8 if and only if the locale is UTF-8 and box drawing is one cell wide in it. */
enum ui_glyph_set ui_glyphs_best(void);
void ui_glyphs_use(enum ui_glyph_set set);
enum ui_glyph_set ui_glyphs_used(void);
const char *ui_glyph_set_name(enum ui_glyph_set set);

/* UTF-8, one cell. */
const char *ui_glyph(enum ui_glyph role);
/* Of an enum coro_state. */
enum ui_glyph ui_glyph_of_state(unsigned state);

#endif
