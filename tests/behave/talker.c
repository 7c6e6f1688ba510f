/*
 * talker.c - a program that looks at its terminal, and answers what is typed.
 *
 *     talker [flood]
 *
 * Says on stderr which of its descriptors are a terminal of which size, then answers each line of
 * stdin; `flood` writes until nobody reads. Its exit status is 5.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <coroscope/coro.h>

static volatile sig_atomic_t got;

static void on_signal(int number)
{
	got = number;
}

static void tell_signal(void)
{
	if (got)
		puts(got == SIGINT ? "interrupted" : got == SIGHUP ? "hung up" : "terminated");
	got = 0;
}

static void tell_sizes(void)
{
	static const char *const name[] = {"stdin", " stdout", " stderr"};
	struct winsize size;

	for (int i = 0; i < 3; i++) {
		if (ioctl(i, TIOCGWINSZ, &size) == 0)
			fprintf(stderr, "%s %dx%d", name[i], size.ws_row, size.ws_col);
		else
			fprintf(stderr, "%s none", name[i]);
	}
	fputs("\n", stderr);
}

/* Yields each line of stdin, without its end. Signals come only while it waits for one. */
static coro_value lines(coro_value unused)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	char line[256];
	sigset_t none;
	ssize_t length;

	sigemptyset(&none);
	for (;;) {
		if (ppoll(&input, 1, NULL, &none) < 0) {
			tell_signal();
			continue;
		}
		length = read(STDIN_FILENO, line, sizeof(line) - 1);
		if (length < 0 && errno == EINTR)
			continue;
		if (length <= 0)
			return CORO_NONE;
		line[length] = 0;
		line[strcspn(line, "\n")] = 0;
		CORO_TRY(coro_yield(coro_str(line)));
	}
}

int main(int argc, char **argv)
{
	CORO_AUTO struct coro_generator *input = coro_generator(lines, CORO_NONE);
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction action = {.sa_handler = on_signal};
	sigset_t blocked;
	coro_value line;

	sigemptyset(&blocked);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		sigaction(numbers[i], &action, NULL);
		sigaddset(&blocked, numbers[i]);
	}
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	setvbuf(stdout, NULL, _IONBF, 0);
	while (argc > 1 && strcmp(argv[1], "flood") == 0)
		puts("one more line that somebody may read");
	tell_sizes();
	puts("ready");
	for (line = coro_next(input); !coro_raised(line); line = coro_next(input)) {
		printf("you said %s\n", coro_as_str(line));
		tell_sizes();
		puts("ready");
	}
	puts("the end");
	return 5;
}
