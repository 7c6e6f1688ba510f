/*
 * screens.c - see screens.h. Frames end with CSI ?2026l.
 */
#include "screens.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 120000
#define QUIET_MS    100 /* without output: it waits for keys */
#define KEYS        6   /* times that each is pressed */

struct screen {
	pid_t pid;
	int terminal;
	char seen[1 << 16]; /* the last of what it wrote */
	size_t length;
};

static double now_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static bool start(struct screen *screen, const char *path)
{
	struct winsize size = {.ws_row = 40, .ws_col = 120};
	const char *name;
	int slave;

	screen->length = 0;
	screen->terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (screen->terminal < 0 || grantpt(screen->terminal) < 0 || unlockpt(screen->terminal) < 0)
		return false;
	ioctl(screen->terminal, TIOCSWINSZ, &size);
	name = ptsname(screen->terminal);
	slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	screen->pid = fork();
	if (screen->pid == 0) {
		cpu_set_t all;

		memset(&all, 0xff, sizeof all);
		sched_setaffinity(0, sizeof all, &all);
		setsid();
		ioctl(slave, TIOCSCTTY, 0);
		for (int i = 0; i < 3; i++)
			dup2(slave, i);
		setenv("TERM", "xterm-256color", 1);
		execl(BENCH_COROSCOPE, BENCH_COROSCOPE, "replay", path, NULL);
		_exit(127);
	}
	close(slave);
	return screen->pid > 0;
}

/* Takes in what it writes, up to the end of a frame. False: there was none for so long. */
static bool frame(struct screen *screen, int timeout_ms)
{
	static const char end[] = "\033[?2026l";
	struct pollfd fd = {.fd = screen->terminal, .events = POLLIN};
	double until = now_ms() + timeout_ms;

	for (;;) {
		double left = until - now_ms();
		ssize_t got;

		if (left <= 0 || poll(&fd, 1, (int)left + 1) <= 0)
			return false;
		if (sizeof screen->seen - 1 - screen->length < 16384) {
			memmove(screen->seen, screen->seen + screen->length / 2,
					screen->length - screen->length / 2);
			screen->length -= screen->length / 2;
		}
		got = read(screen->terminal, screen->seen + screen->length, 16384);
		if (got <= 0)
			return false;
		screen->length += (size_t)got;
		screen->seen[screen->length] = 0;
		if (screen->length >= sizeof end - 1 &&
			!memcmp(screen->seen + screen->length - (sizeof end - 1), end, sizeof end - 1))
			return true;
	}
}

static void press(struct screen *screen, const char *keys)
{
	if (write(screen->terminal, keys, strlen(keys)) < 0)
		return;
}

static void settle(struct screen *screen)
{
	while (frame(screen, QUIET_MS))
		;
}

/* From the key to its frame. */
static double answer(struct screen *screen, const char *keys)
{
	double start;

	settle(screen);
	start = now_ms();
	press(screen, keys);
	return frame(screen, PATIENCE_MS) ? now_ms() - start : -1;
}

/* Draws all anew until that stands there. */
static bool wait_for(struct screen *screen, const char *text)
{
	double until = now_ms() + PATIENCE_MS;

	while (now_ms() < until) {
		screen->length = 0;
		if (answer(screen, "\f") < 0)
			return false;
		if (strstr(screen->seen, text))
			return true;
	}
	return false;
}

static double peak_of(pid_t pid)
{
	char path[64], line[256];
	double peak = -1;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof line, file))
		if (sscanf(line, "VmHWM: %lf", &peak) == 1)
			peak /= 1024;
	if (file)
		fclose(file);
	return peak;
}

static bool measure(struct screen *screen, uint64_t event, uint64_t tasks,
					struct screen_figures *ret)
{
	/* Motions, a fold and back, what is found at once and what is not there at all, steps. */
	static const char *const keys[] = {"j", "\006",      "G", "\002", "g", "/sleeper\r",
									   "n", "/nobody\r", ".", ",",    ".", ".",
									   ",", "z",         "z", "\t"};
	char text[64];

	if (!frame(screen, PATIENCE_MS))
		return false;
	snprintf(text, sizeof text, ":goto %" PRIu64 "\r", event);
	press(screen, text);
	snprintf(text, sizeof text, "Tasks %" PRIu64, tasks);
	if (!wait_for(screen, text))
		return false;
	ret->key = 0;
	for (int i = 0; i < KEYS; i++)
		for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
			double took = answer(screen, keys[k]);

			if (took < 0)
				return false;
			ret->key = took > ret->key ? took : ret->key;
		}
	ret->memory = peak_of(screen->pid);
	return true;
}

bool screen_measure(const char *path, uint64_t event, uint64_t tasks, struct screen_figures *ret)
{
	struct screen screen;
	bool well = start(&screen, path) && measure(&screen, event, tasks, ret);

	if (screen.terminal >= 0)
		close(screen.terminal);
	if (screen.pid > 0) {
		kill(screen.pid, SIGKILL);
		waitpid(screen.pid, NULL, 0);
	}
	return well;
}
