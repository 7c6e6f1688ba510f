/*
 * colours.c - one pair a role; the background stays the terminal's own.
 */
#include <curses.h>
#include <stdlib.h>
#include <string.h>
#include <tracer/event.h>
#include "colours.h"

struct role {
	short colour256, colour8;
	attr_t attributes, mono;
};

static const struct role roles[UI_ROLES] = {
#define UI_ROLE(NAME, colour256, colour8, attributes, mono)                                        \
	[UI_ROLE_##NAME] = {colour256, colour8, attributes, mono},
#include "roles.def"
#undef UI_ROLE
};

/* What each role became when the terminal was opened. */
static attr_t attributes[UI_ROLES];
static short pairs[UI_ROLES];

bool ui_colours_parse(const char *word, enum ui_colours *ret)
{
	static const struct {
		const char *word;
		enum ui_colours colours;
	} words[] = {
		{"never", UI_COLOURS_NONE}, {"auto", UI_COLOURS_AUTO}, {"8", UI_COLOURS_8},
		{"16", UI_COLOURS_16},      {"256", UI_COLOURS_256},   {"true", UI_COLOURS_256},
	};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(word, words[i].word) == 0) {
			*ret = words[i].colours;
			return true;
		}
	return false;
}

enum ui_colours ui_colours_choose(enum ui_colours asked, const char *no_color, const char *term,
								  const char *colorterm, int terminal)
{
	if (asked != UI_COLOURS_AUTO)
		return asked;
	if (no_color && *no_color)
		return UI_COLOURS_NONE;
	if (term && strcmp(term, "dumb") == 0)
		return UI_COLOURS_NONE;
	if (colorterm && (strcmp(colorterm, "truecolor") == 0 || strcmp(colorterm, "24bit") == 0))
		return UI_COLOURS_256;
	if (terminal >= 256)
		return UI_COLOURS_256;
	if (terminal >= 16)
		return UI_COLOURS_16;
	return terminal >= 8 ? UI_COLOURS_8 : UI_COLOURS_NONE;
}

void ui_colours_open(enum ui_colours asked)
{
	enum ui_colours colours =
		ui_colours_choose(asked, getenv("NO_COLOR"), getenv("TERM"), getenv("COLORTERM"),
						  has_colors() ? tigetnum("colors") : 0);
	if (colours != UI_COLOURS_NONE &&
		(!has_colors() || start_color() == ERR || use_default_colors() == ERR))
		colours = UI_COLOURS_NONE;
	/* More than the terminal has cannot be asked of curses. */
	if (colours > COLORS)
		colours = COLORS >= 8 ? UI_COLOURS_8 : UI_COLOURS_NONE;

	short next = 1;
	for (unsigned i = 0; i < UI_ROLES; i++) {
		pairs[i] = 0;
		if (colours == UI_COLOURS_NONE) {
			attributes[i] = roles[i].mono;
			continue;
		}
		attributes[i] = roles[i].attributes;
		short colour = colours == UI_COLOURS_256 ? roles[i].colour256 : roles[i].colour8;
		/* Grey is not among the eight: what is grey elsewhere is dim there. */
		if (colours != UI_COLOURS_256 && roles[i].colour256 >= 0 && roles[i].colour8 < 0)
			attributes[i] |= roles[i].mono & A_DIM;
		if (colour >= 0 && init_pair(next, colour, -1) != ERR)
			pairs[i] = next++;
	}
}

unsigned ui_attribute(enum ui_role role, short *ret_pair)
{
	*ret_pair = pairs[role];
	return attributes[role];
}

enum ui_role ui_role_of_state(unsigned state)
{
	switch (state) {
	case CORO_STATE_CREATED:
		return UI_ROLE_ST_CREATED;
	case CORO_STATE_RUNNING:
		return UI_ROLE_ST_RUNNING;
	case CORO_STATE_READY:
		return UI_ROLE_ST_READY;
	case CORO_STATE_DONE:
	case CORO_STATE_CLOSED:
		return UI_ROLE_ST_DONE;
	case CORO_STATE_FAILED:
	case CORO_STATE_CANCELLED:
		return UI_ROLE_ST_FAIL;
	default:
		return UI_ROLE_ST_WAIT;
	}
}
