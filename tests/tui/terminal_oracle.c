/*
 * terminal_oracle.c - forkpty on one side, libvterm on the other.
 */
#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "terminal_oracle.h"

static long now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int on_property(VTermProp property, VTermValue *value, void *user)
{
	struct oracle *oracle = user;
	if (property == VTERM_PROP_ALTSCREEN)
		oracle->altscreen = value->boolean;
	if (property == VTERM_PROP_CURSORVISIBLE)
		oracle->cursor_seen = value->boolean;
	return 1;
}

static const VTermScreenCallbacks callbacks = {.settermprop = on_property};

static void set_environment(const char *const *environment)
{
	static const char *const fixed[] = {"TERM=xterm-256color",
										"LC_ALL=C.UTF-8",
										"TZ=UTC",
										"COLORTERM",
										"NO_COLOR",
										"LINES",
										"COLUMNS",
										NULL};
	const char *const *lists[] = {fixed, environment};
	for (int i = 0; i < 2; i++)
		for (const char *const *at = lists[i]; at && *at; at++) {
			char *equals = strchr(*at, '=');
			if (equals)
				putenv((char *)*at);
			else
				unsetenv(*at);
		}
}

/* Runs argv as a job of its own; says when it stops, and goes on after a line of input. */
static void run_as_job(char *const *argv)
{
	signal(SIGTTOU, SIG_IGN);
	pid_t pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		tcsetpgrp(0, getpid());
		signal(SIGTTOU, SIG_DFL);
		execv(argv[0], argv);
		_exit(127);
	}
	setpgid(pid, pid);
	tcsetpgrp(0, pid);
	int status;
	while (waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status)) {
		char line[64];
		tcsetpgrp(0, getpid());
		printf("[stopped]\n");
		fflush(stdout);
		if (!fgets(line, sizeof(line), stdin))
			_exit(126);
		tcsetpgrp(0, pid);
		kill(-pid, SIGCONT);
	}
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 125);
}

void oracle_start(struct oracle *oracle, int rows, int columns, char *const *argv,
				  const char *const *environment, bool job)
{
	memset(oracle, 0, sizeof(*oracle));
	oracle->rows = rows;
	oracle->columns = columns;
	oracle->cursor_seen = true;
	oracle->terminal = vterm_new(rows, columns);
	vterm_set_utf8(oracle->terminal, 1);
	oracle->screen = vterm_obtain_screen(oracle->terminal);
	vterm_screen_set_callbacks(oracle->screen, &callbacks, oracle);
	vterm_screen_enable_altscreen(oracle->screen, 1);
	vterm_screen_reset(oracle->screen, 1);

	struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
	oracle->pid = forkpty(&oracle->master, NULL, NULL, &size);
	if (oracle->pid == 0) {
		set_environment(environment);
		if (job)
			run_as_job(argv);
		execv(argv[0], argv);
		_exit(127);
	}
	tcgetattr(oracle->master, &oracle->before);
}

void oracle_stop(struct oracle *oracle)
{
	if (oracle->pid > 0) {
		kill(oracle->pid, SIGKILL);
		waitpid(oracle->pid, &oracle->status, 0);
	}
	close(oracle->master);
	vterm_free(oracle->terminal);
	free(oracle->raw);
	memset(oracle, 0, sizeof(*oracle));
}

/* ---- What it writes ---------------------------------------------------- */

static void take_raw(struct oracle *oracle, const char *bytes, size_t length)
{
	oracle->raw = realloc(oracle->raw, oracle->raw_length + length + 1);
	memcpy(oracle->raw + oracle->raw_length, bytes, length);
	oracle->raw_length += length;
	oracle->raw[oracle->raw_length] = 0;
}

/* Byte by byte, so that marks that are cut by a read are found. */
static bool take(struct oracle *oracle, const char *bytes, size_t length)
{
	static const char begin[] = "\033[?2026h", end[] = "\033[?2026l";
	bool whole = false;
	vterm_input_write(oracle->terminal, bytes, length);
	vterm_screen_flush_damage(oracle->screen);
	take_raw(oracle, bytes, length);
	for (size_t i = 0; i < length; i++) {
		memmove(oracle->tail, oracle->tail + 1, sizeof(oracle->tail) - 1);
		oracle->tail[sizeof(oracle->tail) - 1] = bytes[i];
		const char *last = oracle->tail + sizeof(oracle->tail) - (sizeof(begin) - 1);
		if (memcmp(last, begin, sizeof(begin) - 1) == 0)
			oracle->in_frame = true;
		if (memcmp(last, end, sizeof(end) - 1) == 0) {
			oracle->in_frame = false;
			oracle->frames++;
			whole = true;
		}
	}
	char reply[256];
	size_t replied = vterm_output_read(oracle->terminal, reply, sizeof(reply));
	if (replied && write(oracle->master, reply, replied) < 0)
		return whole;
	return whole;
}

bool oracle_pump(struct oracle *oracle, int timeout_ms)
{
	struct pollfd fd = {.fd = oracle->master, .events = POLLIN};
	char bytes[16384];
	if (poll(&fd, 1, timeout_ms) <= 0)
		return false;
	ssize_t count = read(oracle->master, bytes, sizeof(bytes));
	if (count <= 0) {
		if (oracle->pid > 0 && waitpid(oracle->pid, &oracle->status, 0) == oracle->pid)
			oracle->pid = 0;
		return false;
	}
	return take(oracle, bytes, (size_t)count);
}

void oracle_type(struct oracle *oracle, const char *keys)
{
	size_t length = strlen(keys);
	if (write(oracle->master, keys, length) < 0)
		return;
}

void oracle_resize(struct oracle *oracle, int rows, int columns)
{
	struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
	oracle->rows = rows;
	oracle->columns = columns;
	vterm_set_size(oracle->terminal, rows, columns);
	vterm_screen_flush_damage(oracle->screen);
	ioctl(oracle->master, TIOCSWINSZ, &size);
}

static bool wait_until(struct oracle *oracle, const char *text, bool there)
{
	long until = now_ms() + ORACLE_PATIENCE_MS;
	for (;;) {
		if (!oracle->in_frame && oracle_contains(oracle, text) == there)
			return true;
		if (oracle->pid == 0 || now_ms() >= until)
			return false;
		oracle_pump(oracle, 100);
	}
}

bool oracle_wait(struct oracle *oracle, const char *text)
{
	return wait_until(oracle, text, true);
}

bool oracle_wait_gone(struct oracle *oracle, const char *text)
{
	return wait_until(oracle, text, false);
}

bool oracle_wait_raw(struct oracle *oracle, const char *text)
{
	long until = now_ms() + ORACLE_PATIENCE_MS;
	while (!oracle->raw || !strstr(oracle->raw, text)) {
		if (oracle->pid == 0 || now_ms() >= until)
			return false;
		oracle_pump(oracle, 100);
	}
	return true;
}

int oracle_wait_end(struct oracle *oracle)
{
	long until = now_ms() + ORACLE_PATIENCE_MS;
	while (oracle->pid > 0) {
		if (now_ms() >= until)
			return -1;
		oracle_pump(oracle, 100);
		if (oracle->pid > 0 && waitpid(oracle->pid, &oracle->status, WNOHANG) == oracle->pid) {
			oracle->pid = 0;
			while (oracle_pump(oracle, 0) || errno == 0) {
				struct pollfd fd = {.fd = oracle->master, .events = POLLIN};
				if (poll(&fd, 1, 0) <= 0 || !(fd.revents & POLLIN))
					break;
			}
		}
	}
	return oracle->status;
}

/* ---- What is seen ------------------------------------------------------ */

static size_t put_utf8(char *out, uint32_t code)
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xc0 | code >> 6);
		out[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (char)(0xe0 | code >> 12);
		out[1] = (char)(0x80 | (code >> 6 & 0x3f));
		out[2] = (char)(0x80 | (code & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | code >> 18);
	out[1] = (char)(0x80 | (code >> 12 & 0x3f));
	out[2] = (char)(0x80 | (code >> 6 & 0x3f));
	out[3] = (char)(0x80 | (code & 0x3f));
	return 4;
}

char *oracle_row(struct oracle *oracle, int row)
{
	char *text = calloc(1, (size_t)oracle->columns * 4 * VTERM_MAX_CHARS_PER_CELL + 1);
	size_t length = 0, end = 0;
	for (int column = 0; column < oracle->columns;) {
		VTermPos position = {.row = row, .col = column};
		VTermScreenCell cell;
		vterm_screen_get_cell(oracle->screen, position, &cell);
		if (!cell.chars[0])
			text[length++] = ' ';
		for (int i = 0; i < VTERM_MAX_CHARS_PER_CELL && cell.chars[i]; i++) {
			length += put_utf8(text + length, cell.chars[i]);
			if (cell.chars[i] != ' ')
				end = length;
		}
		column += cell.width > 0 ? cell.width : 1;
	}
	text[end] = 0;
	return text;
}

char *oracle_text(struct oracle *oracle)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);
	for (int row = 0; row < oracle->rows; row++) {
		char *line = oracle_row(oracle, row);
		fprintf(out, "%s\n", line);
		free(line);
	}
	fclose(out);
	return text;
}

bool oracle_contains(struct oracle *oracle, const char *needle)
{
	char *text = oracle_text(oracle);
	bool found = strstr(text, needle);
	free(text);
	return found;
}

uint32_t oracle_colours(struct oracle *oracle, int row, const char *text)
{
	char *line = oracle_row(oracle, row), *at = strstr(line, text);
	VTermPos position = {.row = row};
	VTermScreenCell cell;
	/* Each sign before it takes one column. */
	for (const char *c = line; at && c < at; c++)
		position.col += (*c & 0xc0) != 0x80;
	free(line);
	vterm_screen_get_cell(oracle->screen, position, &cell);
	vterm_screen_convert_color_to_rgb(oracle->screen, &cell.fg);
	return (uint32_t)cell.fg.rgb.red << 16 | (uint32_t)cell.fg.rgb.green << 8 | cell.fg.rgb.blue;
}

bool oracle_coloured(struct oracle *oracle)
{
	for (int row = 0; row < oracle->rows; row++)
		for (int column = 0; column < oracle->columns; column++) {
			VTermPos position = {.row = row, .col = column};
			VTermScreenCell cell;
			vterm_screen_get_cell(oracle->screen, position, &cell);
			if (!VTERM_COLOR_IS_DEFAULT_FG(&cell.fg) || !VTERM_COLOR_IS_DEFAULT_BG(&cell.bg))
				return true;
		}
	return false;
}

bool oracle_restored(struct oracle *oracle)
{
	struct termios now;
	return tcgetattr(oracle->master, &now) == 0 && now.c_iflag == oracle->before.c_iflag &&
		   now.c_oflag == oracle->before.c_oflag && now.c_lflag == oracle->before.c_lflag &&
		   now.c_cflag == oracle->before.c_cflag && !oracle->altscreen && oracle->cursor_seen;
}
