/*
 * terminal.c - what stands between the program's stdio and ours.
 *
 *     TARGET_PTY            program ══ pty ══► recorder
 *     TARGET_PASS_THROUGH   program ══ pty or pipe, as ours is ══► recorder ──► ours
 *                           program ◄═ pty ══ recorder ◄── ours     (our stdin a terminal)
 *                           program ◄─────────────────────  ours     (our stdin anything else)
 *
 * The pty does not translate newlines: what is recorded is what was written, byte for byte.
 * While our own terminal is passed through it is raw for input, so that control characters
 * reach the program's terminal and mean there what they mean. Those that are signals there (^C,
 * ^Z) are given as signals: their echo is shown, but is no output of the program's.
 */
#include "target_private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WRITE_PATIENCE_MS 100 /* for a program that does not read what is typed */

/* Descriptors of ours are never 0 to 2, which the program's get. */
static int above_stdio(int fd)
{
	int high;

	if (fd < 0 || fd > 2)
		return fd;
	high = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	close(fd);
	return high;
}

static int open_pty(struct terminal *terminal, unsigned short rows, unsigned short columns)
{
	struct winsize size = {.ws_row = rows ? rows : 24, .ws_col = columns ? columns : 80};
	struct termios modes;
	int master = above_stdio(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));

	if (master < 0)
		return -errno;
	if (grantpt(master) || unlockpt(master) ||
		ptsname_r(master, terminal->slave, sizeof(terminal->slave)) ||
		fcntl(master, F_SETFL, O_NONBLOCK) || ioctl(master, TIOCSWINSZ, &size) ||
		tcgetattr(master, &modes)) {
		int error = -errno;

		close(master);
		return error;
	}
	modes.c_oflag &= ~(tcflag_t)OPOST;
	tcsetattr(master, TCSANOW, &modes);
	terminal->master = terminal->source[0] = master;
	terminal->rows = size.ws_row;
	terminal->columns = size.ws_col;
	return 0;
}

static int open_pipe(struct terminal *terminal, int fd)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	ends[0] = above_stdio(ends[0]);
	ends[1] = above_stdio(ends[1]);
	if (ends[0] < 0 || ends[1] < 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK))
		return -errno;
	terminal->source[fd] = ends[0];
	terminal->stdio[fd] = ends[1];
	return 0;
}

static bool is_ours(int fd)
{
	return isatty(fd) && (fd != 0 || tcgetpgrp(fd) == getpgrp());
}

int terminal_open(struct terminal *terminal, const struct target_options *options)
{
	bool pass = options->stdio == TARGET_PASS_THROUGH;
	bool tty[3] = {true, true, true};
	int result = 0;

	terminal->master = -1;
	for (int i = 0; i < 3; i++) {
		terminal->source[i] = terminal->stdio[i] = terminal->copy[i] = -1;
		terminal->number[i] = i ? i : 1;
		if (pass)
			tty[i] = is_ours(i);
	}
	if (tty[0] || tty[1] || tty[2]) {
		result = open_pty(terminal, options->rows, options->columns);
		if (result < 0)
			tty[0] = tty[1] = tty[2] = false;
	}
	if (!tty[0])
		terminal->stdio[0] = pass ? 0 : above_stdio(open("/dev/null", O_RDONLY | O_CLOEXEC));
	for (int i = 1; i < 3; i++) {
		result = tty[i] ? 0 : open_pipe(terminal, i);
		if (result < 0)
			return result;
		if (pass)
			terminal->copy[tty[i] ? 0 : i] = i;
	}
	if (tty[1])
		terminal->number[0] = 1;
	else if (tty[2])
		terminal->number[0] = 2;
	if (pass && tty[1])
		terminal->copy[0] = 1;
	else if (pass && tty[0] && !tty[2])
		terminal->copy[0] = 0; /* the echo of what is typed */
	terminal->relay_input = pass && tty[0];
	terminal_follow_size(terminal);
	return 0;
}

static void make_raw(struct terminal *terminal)
{
	struct termios modes;

	if (!terminal->relay_input || tcgetattr(0, &terminal->before))
		return;
	modes = terminal->before;
	cfmakeraw(&modes);
	modes.c_oflag = terminal->before.c_oflag;
	terminal->raw = !tcsetattr(0, TCSADRAIN, &modes);
}

void terminal_start(struct terminal *terminal)
{
	for (int i = 0; i < 3; i++) {
		if (terminal->stdio[i] > 2)
			close(terminal->stdio[i]);
		terminal->stdio[i] = -1;
	}
	make_raw(terminal);
}

void terminal_leave(struct terminal *terminal)
{
	if (terminal->raw)
		tcsetattr(0, TCSADRAIN, &terminal->before);
	terminal->raw = false;
	terminal->aside = true;
}

void terminal_enter(struct terminal *terminal)
{
	if (!terminal->aside || (terminal->relay_input && !is_ours(0)))
		return;
	make_raw(terminal);
	terminal->aside = false;
}

void terminal_close(struct terminal *terminal)
{
	if (terminal->raw)
		tcsetattr(0, TCSADRAIN, &terminal->before);
	terminal->raw = false;
	for (int i = 0; i < 3; i++) {
		if (terminal->source[i] >= 0 && terminal->source[i] != terminal->master)
			close(terminal->source[i]);
		if (terminal->stdio[i] > 2)
			close(terminal->stdio[i]);
		terminal->source[i] = terminal->stdio[i] = -1;
	}
	if (terminal->master >= 0)
		close(terminal->master);
	terminal->master = -1;
}

void terminal_follow_size(struct terminal *terminal)
{
	struct winsize size;
	int ours = terminal->copy[0] >= 0 ? terminal->copy[0] : terminal->relay_input ? 0 : -1;

	if (terminal->master < 0 || ours < 0 || ioctl(ours, TIOCGWINSZ, &size) ||
		(size.ws_row == terminal->rows && size.ws_col == terminal->columns))
		return;
	terminal->rows = size.ws_row;
	terminal->columns = size.ws_col;
	ioctl(terminal->master, TIOCSWINSZ, &size);
}

int terminal_write(struct terminal *terminal, const char *data, size_t length)
{
	size_t done = 0;

	if (terminal->master < 0)
		return -ENOTTY;
	while (done < length) {
		ssize_t written = write(terminal->master, data + done, length - done);
		struct pollfd room = {.fd = terminal->master, .events = POLLOUT};

		if (written >= 0)
			done += (size_t)written;
		else if (errno != EINTR && errno != EAGAIN)
			return -errno;
		else if (errno == EAGAIN && poll(&room, 1, WRITE_PATIENCE_MS) == 0)
			return done ? (int)done : -EAGAIN;
	}
	return (int)done;
}

/* ---- Typing ------------------------------------------------------------ */

/* The signal that a character is on the program's terminal, or 0. */
static int signal_of(const struct termios *modes, char character)
{
	static const struct {
		unsigned char which;
		int number;
	} signals[] = {{VINTR, SIGINT}, {VQUIT, SIGQUIT}, {VSUSP, SIGTSTP}};

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if ((unsigned char)character == modes->c_cc[signals[i].which] &&
			modes->c_cc[signals[i].which] != _POSIX_VDISABLE)
			return signals[i].number;
	return 0;
}

/* Signals the program's foreground, as its terminal would do. Returns whether that was possible. */
static bool type_signal(struct terminal *terminal, const struct termios *modes, char character,
						int number)
{
	char echo[] = {'^', (char)(character ^ 0x40)};
	int ours = terminal->copy[0] >= 0 ? terminal->copy[0] : 0, slave;

	if (ioctl(terminal->master, TIOCSIG, number))
		return false;
	if (!(modes->c_lflag & NOFLSH)) {
		slave = open(terminal->slave, O_RDWR | O_NOCTTY | O_CLOEXEC);
		if (slave >= 0) {
			tcflush(slave, TCIFLUSH);
			close(slave);
		}
	}
	if ((modes->c_lflag & (ECHO | ECHOCTL)) == (ECHO | ECHOCTL) &&
		write(ours, echo, sizeof(echo)) < 0)
		return true; /* nobody sees it */
	return true;
}

void terminal_type(struct terminal *terminal, const char *data, size_t length)
{
	struct termios modes;
	size_t begin = 0;

	if (tcgetattr(terminal->master, &modes))
		modes.c_lflag = 0;
	for (size_t i = 0; i < length; i++) {
		int number = modes.c_lflag & ISIG && !terminal->literal ? signal_of(&modes, data[i]) : 0;

		terminal->literal =
			!terminal->literal && modes.c_lflag & IEXTEN && data[i] == (char)modes.c_cc[VLNEXT];
		if (!number)
			continue;
		terminal_write(terminal, data + begin, i - begin);
		begin = type_signal(terminal, &modes, data[i], number) ? i + 1 : i;
	}
	terminal_write(terminal, data + begin, length - begin);
}
