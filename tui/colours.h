#ifndef TUI_COLOURS_H
#define TUI_COLOURS_H
/*
 * colours.h - roles to attributes of the terminal.
 *
 * How many colours: --color, else NO_COLOR (set and not empty: none), else TERM=dumb
 * (none), else COLORTERM=truecolor or 24bit (256 of them are used), else what terminfo
 * says.
 */
#include <stdbool.h>

enum ui_role {
#define UI_ROLE(NAME, colour256, colour8, attributes, mono) UI_ROLE_##NAME,
#include "roles.def"
#undef UI_ROLE
	UI_ROLES,
};

enum ui_colours {
	UI_COLOURS_AUTO = -1,
	UI_COLOURS_NONE = 0,
	UI_COLOURS_8 = 8,
	UI_COLOURS_16 = 16,
	UI_COLOURS_256 = 256,
};

/* "never", "auto", "8", "16", "256", "true". Returns false for other words. */
bool ui_colours_parse(const char *word, enum ui_colours *ret);
/* The precedence above, without the terminal: `terminal` is what terminfo says. */
enum ui_colours ui_colours_choose(enum ui_colours asked, const char *no_color, const char *term,
                                  const char *colorterm, int terminal);
/* After the terminal is open: makes the pairs. */
void ui_colours_open(enum ui_colours asked);

/* A curses attribute with its colour pair; unsigned as attr_t is. */
unsigned ui_attribute(enum ui_role role, short *ret_pair);
enum ui_role ui_role_of_state(unsigned state);

#endif
