/*
 * early.c - a program that goes wrong before anything of coroscope has run in it.
 *
 *     early exit        ends with status 7, with a word on stderr
 *     early die         is killed by SIGKILL
 *     early hide        takes no notice of whoever launched it
 *     early lie         names a segment that is none
 *     early babble      says something else than a segment
 *     early silent      closes the socket
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <coroscope/coro.h>

static void say(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) < 0)
		_exit(9);
}

static void before(int argc, char **argv, char **environment)
{
	const char *how = argc > 1 ? argv[1] : "";
	int launcher = -1;

	/* Nothing is set up yet, so that only the environment tells. */
	for (; *environment; environment++)
		if (strncmp(*environment, CORO_LAUNCH_VARIABLE "=", sizeof(CORO_LAUNCH_VARIABLE)) == 0)
			launcher = atoi(*environment + sizeof(CORO_LAUNCH_VARIABLE));
	if (strcmp(how, "exit") == 0) {
		say(STDERR_FILENO, "no luck \033[31m today\nand more\n");
		_exit(7);
	}
	if (strcmp(how, "die") == 0)
		kill(getpid(), SIGKILL);
	if (strcmp(how, "lie") == 0)
		say(launcher, "/no/such/segment\n");
	if (strcmp(how, "babble") == 0)
		say(launcher, "hello\n");
	if (strcmp(how, "silent") == 0)
		close(launcher);
	if (strcmp(how, "hide") == 0 || strcmp(how, "silent") == 0)
		for (;;) {
			close(launcher);
			pause();
		}
}

#ifdef NEEDS_ABSENT
extern const volatile size_t absent;
#endif

typedef void initialiser(int argc, char **argv, char **environment);
static initialiser *const first __attribute__((used, section(".preinit_array"))) = before;

static coro_value nothing(coro_value unused)
{
	return CORO_NONE;
}

int main(void)
{
	CORO_AUTO struct coro_generator *body = coro_generator(nothing, CORO_NONE);

#ifdef NEEDS_ABSENT
	if (!absent)
		return 1;
#endif
	coro_next(body);
	return 0;
}
