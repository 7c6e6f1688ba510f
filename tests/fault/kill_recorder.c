/*
 * kill_recorder.c - the program coroscope, which is killed at a certain moment:
 * KILL_RECORDER=WHAT:N.
 *
 *     before    its N-th write into a file
 *     part      in the middle of it
 *     after     it: what it flushed is in the file, and the tails have not moved
 *     syscall   before its N-th call of what has no name in the C library: it wakes the program
 * there unlink    before the N-th file that it removes
 *
 * The linker leads those functions here.
 */
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>
#include <tracer/command.h>

ssize_t __real_pwrite64(int fd, const void *bytes, size_t length, off_t offset);
ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t length, off_t offset);
long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
int __real_unlinkat(int directory, const char *path, int flags);
int __wrap_unlinkat(int directory, const char *path, int flags);

static struct {
	const char *text;
	size_t length;
	long left;
} wanted;

/* Whether it dies here, this time. */
static int is_now(const char *what)
{
	return wanted.left > 0 && strlen(what) == wanted.length &&
		   !strncmp(what, wanted.text, wanted.length) &&
		   __atomic_sub_fetch(&wanted.left, 1, __ATOMIC_RELAXED) == 0;
}

static void die(void)
{
	kill(getpid(), SIGKILL);
}

ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t length, off_t offset)
{
	ssize_t result;

	if (is_now("before"))
		die();
	if (is_now("part")) {
		__real_pwrite64(fd, bytes, length / 2, offset);
		die();
	}
	result = __real_pwrite64(fd, bytes, length, offset);
	if (is_now("after"))
		die();
	return result;
}

long __wrap_syscall(long number, ...)
{
	long argument[6];
	va_list arguments;

	va_start(arguments, number);
	for (int i = 0; i < 6; i++)
		argument[i] = va_arg(arguments, long);
	va_end(arguments);
	if (is_now("syscall"))
		die();
	return __real_syscall(number, argument[0], argument[1], argument[2], argument[3], argument[4],
						  argument[5]);
}

int __wrap_unlinkat(int directory, const char *path, int flags)
{
	if (is_now("unlink"))
		die();
	return __real_unlinkat(directory, path, flags);
}

int main(int argc, char **argv)
{
	const char *text = getenv("KILL_RECORDER"), *colon = text ? strchr(text, ':') : NULL;

	if (colon) {
		wanted.text = text;
		wanted.length = (size_t)(colon - text);
		wanted.left = atol(colon + 1);
	}
	return command_main(argc, argv);
}
