#ifndef TUI_TERMINAL_H
#define TUI_TERMINAL_H
/*
 * terminal.h - the terminal: taken, given back, and given back whatever happens.
 *
 * While it is open, curses has it; standard error goes to a memory file and is shown at the
 * end, so that a stray warning cannot smear the screen. It is given back by
 * ui_terminal_close(), at exit(), and by the handler of a crash, which writes bytes that were
 * prepared beforehand, because it may not call curses.
 *
 * Signals become bytes in a pipe (ui_terminal_signals()), and are handled between two frames:
 *   'w' the size changed   't' terminate   'z' stop   'c' continued
 */
#include <stdbool.h>
#include "colours.h"

struct ui_terminal_options {
	enum ui_colours colours;
	bool no_mouse;
	bool no_sync;
};

/* Opens the controlling terminal. 0, or -errno with a sentence in *ret_why (static). */
int ui_terminal_open(const struct ui_terminal_options *options, const char **ret_why);
/* Gives it back. What was written to standard error meanwhile follows. May be called twice. */
void ui_terminal_close(void);

/* For poll. */
int ui_terminal_input(void);
int ui_terminal_signals(void);
/* The next signal's letter, or 0. A burst of 'w' reads as one. */
char ui_terminal_signal(void);

/* The next key (keys.h), -1: there is none; -2: the terminal is gone. A mouse event is
 * TERMINAL_MOUSE, with its place. */
enum { TERMINAL_MOUSE = 0x400000 };
enum ui_mouse_button {
	TERMINAL_CLICK,
	TERMINAL_DRAG, /* it moved while the button was held */
	TERMINAL_WHEEL_UP,
	TERMINAL_WHEEL_DOWN,
};
struct ui_mouse {
	int row, column;
	enum ui_mouse_button button;
};
int ui_terminal_key(struct ui_mouse *ret_mouse);

/* Takes on the terminal's present size. */
void ui_terminal_resize(int *ret_rows, int *ret_columns);
/* Stops the process group, as Ctrl-Z does elsewhere; returns when it goes on. */
void ui_terminal_suspend(void);
/* Shows the frame that was drawn. `all`: every cell, whatever was there. */
void ui_terminal_show(bool all);

/* An assertion that gives the terminal back first. In force in all builds. */
#define ui_terminal_assert(condition) \
	((condition) ? (void)0 : ui_terminal_failed(#condition, __FILE__, __LINE__))
void ui_terminal_failed(const char *condition, const char *file, int line) __attribute__((noreturn));

#endif
