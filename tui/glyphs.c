/*
 * glyphs.c - the three sets, indexed by role.
 */
#include <langinfo.h>
#include <string.h>
#include <wchar.h>
#include <tracer/event.h>
#include "glyphs.h"

static const char *const glyphs[UI_GLYPH_SETS][UI_GLYPH_COUNT] = {
#define X(role, utf8, noblocks, ascii) [UI_GLYPH_##role] = utf8,
	[UI_GLYPHS_UTF8] = {UI_GLYPHS(X)},
#undef X
#define X(role, utf8, noblocks, ascii) [UI_GLYPH_##role] = noblocks,
	[UI_GLYPHS_NOBLOCKS] = {UI_GLYPHS(X)},
#undef X
#define X(role, utf8, noblocks, ascii) [UI_GLYPH_##role] = ascii,
	[UI_GLYPHS_ASCII] = {UI_GLYPHS(X)},
#undef X
};

static const char *const names[UI_GLYPH_SETS] = {"utf8", "utf8-noblocks", "ascii"};

static enum ui_glyph_set used = UI_GLYPHS_ASCII;

enum ui_glyph_set ui_glyphs_best(void)
{
	if (strcmp(nl_langinfo(CODESET), "UTF-8") == 0 && wcwidth(L'\u2502') == 1)
		return UI_GLYPHS_UTF8;
	return UI_GLYPHS_ASCII;
}

void ui_glyphs_use(enum ui_glyph_set set)
{
	used = set;
}

enum ui_glyph_set ui_glyphs_used(void)
{
	return used;
}

const char *ui_glyph_set_name(enum ui_glyph_set set)
{
	return names[set];
}

const char *ui_glyph(enum ui_glyph role)
{
	return glyphs[used][role];
}

enum ui_glyph ui_glyph_of_state(unsigned state)
{
	switch (state) {
	case CORO_STATE_CREATED:
		return UI_GLYPH_CREATED;
	case CORO_STATE_RUNNING:
		return UI_GLYPH_RUNNING;
	case CORO_STATE_READY:
		return UI_GLYPH_READY;
	case CORO_STATE_DONE:
	case CORO_STATE_CLOSED:
		return UI_GLYPH_DONE;
	case CORO_STATE_FAILED:
		return UI_GLYPH_FAILED;
	case CORO_STATE_CANCELLED:
		return UI_GLYPH_CANCELLED;
	case CORO_STATE_OPEN:
	case CORO_STATE_UNLOCKED:
		return UI_GLYPH_OPEN;
	case CORO_STATE_LOCKED:
		return UI_GLYPH_LOCKED;
	default:
		return UI_GLYPH_SUSPENDED;
	}
}
