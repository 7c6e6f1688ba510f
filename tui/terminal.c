/*
 * terminal.c - curses' life, signals, and the ways out.
 *
 *     taken ──suspend──► given back, stopped ──SIGCONT──► taken
 *       │ └────────────── SIGWINCH: 'w' in the pipe
 *       ├── q, Q, SIGTERM, SIGHUP, SIGINT: 't' in the pipe, the loop ends ──► ui_terminal_close
 *       ├── exit() anywhere ──► ui_terminal_close
 *       └── SIGSEGV, SIGABRT ... ──► write(farewell), tcsetattr, the default action
 */
#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>
#include <term.h>
#include <tracer/live.h>
#include "keys.h"
#include "terminal.h"

static const int crash_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
enum { CRASH_SIGNALS = sizeof(crash_signals) / sizeof(crash_signals[0]) };
static const int pipe_signals[] = {SIGWINCH, SIGTERM, SIGHUP, SIGINT, SIGTSTP, SIGCONT};
enum { PIPE_SIGNALS = sizeof(pipe_signals) / sizeof(pipe_signals[0]) };

static struct {
	SCREEN *screen; /* NULL: not open */
	FILE *in, *out;
	FILE *opened; /* /dev/tty, when one of them had to be opened; else NULL */
	bool sync;    /* frames are wrapped in synchronized output */
	bool drags;   /* it has a mouse, and tells of it while its button is held */
	int pipe[2];
	volatile sig_atomic_t taken; /* the terminal is curses' now */

	/* For the crash handler: how the terminal was, and what gives it back. */
	struct termios before;
	char farewell[256];
	size_t farewell_length;
	int out_fd, in_fd;

	int stderr_saved; /* the real one while ours is the memory file; -1: not */
	int stderr_memory;

	bool caught; /* the crash signals are */
	struct sigaction crash_before[CRASH_SIGNALS];
	struct sigaction pipe_before[PIPE_SIGNALS];
} terminal = {.pipe = {-1, -1}, .stderr_saved = -1, .stderr_memory = -1};

/* ---- Signals ----------------------------------------------------------- */

static void on_signal(int number)
{
	int saved = errno;
	char letter = number == SIGWINCH  ? 'w'
				  : number == SIGTSTP ? 'z'
				  : number == SIGCONT ? 'c'
									  : 't';
	ssize_t written = write(terminal.pipe[1], &letter, 1);
	(void)written; /* a full pipe holds enough news already */
	errno = saved;
}

static void say(const char *bytes)
{
	ssize_t written = write(terminal.out_fd, bytes, strlen(bytes));
	(void)written;
}

/* Whether the terminal tells of a mouse that moves while its button is held. curses reads such
 * reports, but does not ask for them. */
static void report_drags(bool wanted)
{
	if (terminal.drags)
		say(wanted ? "\033[?1002h" : "\033[?1002l");
}

static void copy_stderr(void)
{
	char bytes[4096];
	off_t offset = 0;
	ssize_t count;
	while ((count = pread(terminal.stderr_memory, bytes, sizeof(bytes), offset)) > 0) {
		if (write(terminal.stderr_saved, bytes, (size_t)count) < 0)
			break;
		offset += count;
	}
}

/* Only calls that a signal handler may make. */
static void give_back_in_haste(void)
{
	if (!terminal.taken)
		return;
	terminal.taken = 0;
	ssize_t written = write(terminal.out_fd, terminal.farewell, terminal.farewell_length);
	(void)written;
	tcsetattr(terminal.in_fd, TCSANOW, &terminal.before);
	if (terminal.stderr_saved >= 0) {
		copy_stderr();
		dup2(terminal.stderr_saved, STDERR_FILENO);
	}
}

static void on_crash(int number)
{
	if (number == SIGBUS)
		live_on_fault();
	give_back_in_haste();
	static const char text[] =
		"coroscope: crashed; the terminal is as it was, and a live program goes on\n";
	ssize_t written = write(STDERR_FILENO, text, sizeof(text) - 1);
	(void)written;
	for (unsigned i = 0; i < CRASH_SIGNALS; i++)
		if (crash_signals[i] == number)
			sigaction(number, &terminal.crash_before[i], NULL);
	raise(number);
}

void ui_terminal_failed(const char *condition, const char *file, int line)
{
	ui_terminal_close();
	fprintf(stderr, "coroscope: %s:%d: this should hold: %s\n", file, line, condition);
	abort();
}

static void catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	sigemptyset(&action.sa_mask);
	for (unsigned i = 0; i < PIPE_SIGNALS; i++)
		sigaction(pipe_signals[i], &action, NULL);
	terminal.caught = true;
	action = (struct sigaction){.sa_handler = on_crash, .sa_flags = SA_NODEFER};
	sigemptyset(&action.sa_mask);
	for (unsigned i = 0; i < CRASH_SIGNALS; i++)
		sigaction(crash_signals[i], &action, &terminal.crash_before[i]);
}

static void release_pipe_signals(void)
{
	for (unsigned i = 0; i < PIPE_SIGNALS; i++)
		sigaction(pipe_signals[i], &terminal.pipe_before[i], NULL);
}

static void release_crash_signals(void)
{
	for (unsigned i = 0; i < CRASH_SIGNALS; i++)
		sigaction(crash_signals[i], &terminal.crash_before[i], NULL);
}

char ui_terminal_signal(void)
{
	static bool again;
	static char kept;
	char letter;
	if (again) {
		again = false;
		return kept;
	}
	if (read(terminal.pipe[0], &letter, 1) != 1)
		return 0;
	while (letter == 'w') {
		if (read(terminal.pipe[0], &kept, 1) != 1)
			break;
		if (kept != 'w') {
			again = true;
			break;
		}
	}
	return letter;
}

/* ---- Open and close ---------------------------------------------------- */

static void add_farewell(const char *bytes)
{
	size_t length = bytes && bytes != (const char *)-1 ? strlen(bytes) : 0;
	if (terminal.farewell_length + length > sizeof(terminal.farewell))
		return;
	memcpy(terminal.farewell + terminal.farewell_length, bytes ? bytes : "", length);
	terminal.farewell_length += length;
}

static void keep_stderr(void)
{
	terminal.stderr_memory = memfd_create("coroscope-stderr", MFD_CLOEXEC);
	if (terminal.stderr_memory < 0)
		return;
	terminal.stderr_saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	if (terminal.stderr_saved >= 0)
		dup2(terminal.stderr_memory, STDERR_FILENO);
}

static void return_stderr(void)
{
	if (terminal.stderr_saved >= 0) {
		fflush(stderr);
		copy_stderr();
		dup2(terminal.stderr_saved, STDERR_FILENO);
		close(terminal.stderr_saved);
	}
	if (terminal.stderr_memory >= 0)
		close(terminal.stderr_memory);
	terminal.stderr_saved = terminal.stderr_memory = -1;
}

/* Terminals of which it is known, or which ignore what they do not know. */
static bool can_sync(const char *term)
{
	static const char *const able[] = {"xterm",     "tmux",  "screen",  "foot",
									   "alacritty", "kitty", "wezterm", "ghostty",
									   "contour",   "rio",   "vte"};
	for (size_t i = 0; term && i < sizeof(able) / sizeof(able[0]); i++)
		if (strncmp(term, able[i], strlen(able[i])) == 0)
			return true;
	return false;
}

static int choose_files(const char **ret_why)
{
	terminal.in = stdin;
	terminal.out = stdout;
	terminal.opened = NULL;
	if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
		return 0;
	terminal.opened = fopen("/dev/tty", "r+e");
	if (!terminal.opened) {
		*ret_why = "there is no terminal to draw on; --batch works without one";
		return -ENOTTY;
	}
	if (!isatty(STDIN_FILENO))
		terminal.in = terminal.opened;
	if (!isatty(STDOUT_FILENO))
		terminal.out = terminal.opened;
	return 0;
}

static void close_files(void)
{
	if (terminal.opened)
		fclose(terminal.opened);
	terminal.opened = NULL;
}

/* Asked before curses starts: it cannot clean up after a terminal that it does not know. */
static bool can_place_cursor(void)
{
	int error;
	if (setupterm(NULL, terminal.out_fd, &error) == ERR)
		return false;
	bool can = cursor_address;
	del_curterm(cur_term);
	return can;
}

int ui_terminal_open(const struct ui_terminal_options *options, const char **ret_why)
{
	int result = choose_files(ret_why);
	if (result < 0)
		return result;
	terminal.in_fd = fileno(terminal.in);
	terminal.out_fd = fileno(terminal.out);
	*ret_why = "the terminal cannot be set up";
	if (tcgetattr(terminal.in_fd, &terminal.before) < 0 ||
		pipe2(terminal.pipe, O_CLOEXEC | O_NONBLOCK) < 0) {
		result = -errno;
		close_files();
		return result;
	}
	/* Before curses puts its own handlers there. */
	for (unsigned i = 0; i < PIPE_SIGNALS; i++)
		sigaction(pipe_signals[i], NULL, &terminal.pipe_before[i]);
	const char *term = getenv("TERM");
	if (can_place_cursor())
		terminal.screen = newterm(NULL, terminal.out, terminal.in);
	if (!terminal.screen) {
		*ret_why = term && *term ? "TERM names a terminal that is not known, or that cannot place "
								   "its cursor; --batch works in any"
								 : "TERM is not set; --batch works without it";
		terminal.taken = 1;
		release_pipe_signals();
		ui_terminal_close();
		return -ENOTTY;
	}
	terminal.sync = !options->no_sync && can_sync(term);
	terminal.farewell_length = 0;
	if (terminal.sync)
		add_farewell("\033[?2026l");
	if (!options->no_mouse)
		add_farewell("\033[?1002l\033[?1000l\033[?1006l");
	add_farewell(tigetstr("sgr0"));
	add_farewell(tigetstr("rmkx"));
	add_farewell(tigetstr("cnorm"));
	add_farewell(tigetstr("rmcup"));
	terminal.taken = 1;
	keep_stderr();
	catch_signals();
	static bool registered;
	if (!registered)
		atexit(ui_terminal_close);
	registered = true;

	/* Keys that make signals elsewhere are keys here; signals are what others send. */
	raw();
	noecho();
	nonl();
	intrflush(stdscr, FALSE);
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(25);
	curs_set(0);
	if (!options->no_mouse) {
		mouseinterval(0);
		terminal.drags =
			mousemask(BUTTON1_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED | REPORT_MOUSE_POSITION,
					  NULL) != 0;
		report_drags(true);
	}
	ui_colours_open(options->colours);
	return 0;
}

void ui_terminal_close(void)
{
	if (!terminal.taken)
		return;
	if (terminal.screen) {
		report_drags(false);
		if (!isendwin())
			endwin();
		release_pipe_signals();
		if (terminal.caught)
			release_crash_signals();
		terminal.caught = false;
		delscreen(terminal.screen);
		terminal.screen = NULL;
	}
	terminal.taken = 0;
	tcsetattr(terminal.in_fd, TCSANOW, &terminal.before);
	return_stderr();
	close(terminal.pipe[0]);
	close(terminal.pipe[1]);
	terminal.pipe[0] = terminal.pipe[1] = -1;
	close_files();
}

/* ---- While it is open -------------------------------------------------- */

int ui_terminal_input(void)
{
	return terminal.in_fd;
}

int ui_terminal_signals(void)
{
	return terminal.pipe[0];
}

int ui_terminal_key(struct ui_mouse *ret_mouse)
{
	for (;;) {
		wint_t code;
		errno = 0;
		int kind = get_wch(&code);
		if (kind == ERR)
			return -1;
		if (kind == OK)
			return code == '\n' ? '\r' : code == 127 ? UI_FUNCTION_KEY + KEY_BACKSPACE : (int)code;
		if (code == KEY_ENTER)
			return '\r';
		if (code == KEY_RESIZE)
			continue;
		if (code != KEY_MOUSE)
			return UI_FUNCTION_KEY + (int)code;
		MEVENT event;
		if (getmouse(&event) != OK)
			continue;
		ret_mouse->row = event.y;
		ret_mouse->column = event.x;
		if (event.bstate & BUTTON4_PRESSED)
			ret_mouse->button = TERMINAL_WHEEL_UP;
		else if (event.bstate & BUTTON5_PRESSED)
			ret_mouse->button = TERMINAL_WHEEL_DOWN;
		else if (event.bstate & REPORT_MOUSE_POSITION)
			ret_mouse->button = TERMINAL_DRAG;
		else if (event.bstate & BUTTON1_PRESSED)
			ret_mouse->button = TERMINAL_CLICK;
		else
			continue;
		return TERMINAL_MOUSE;
	}
}

void ui_terminal_resize(int *ret_rows, int *ret_columns)
{
	struct winsize size;
	if (ioctl(terminal.out_fd, TIOCGWINSZ, &size) == 0 && size.ws_row && size.ws_col &&
		(size.ws_row != LINES || size.ws_col != COLS))
		resizeterm(size.ws_row, size.ws_col);
	*ret_rows = LINES;
	*ret_columns = COLS;
}

void ui_terminal_suspend(void)
{
	struct sigaction before, stop = {.sa_handler = SIG_DFL};
	sigemptyset(&stop.sa_mask);
	report_drags(false);
	endwin();
	sigaction(SIGTSTP, &stop, &before);
	kill(0, SIGTSTP);
	/* It goes on here after SIGCONT. */
	sigaction(SIGTSTP, &before, NULL);
	reset_prog_mode();
	report_drags(true);
}

void ui_terminal_show(bool all)
{
	if (terminal.sync)
		say("\033[?2026h");
	if (all)
		clearok(curscr, TRUE);
	wnoutrefresh(stdscr);
	doupdate();
	if (terminal.sync)
		say("\033[?2026l");
}
