/*
 * launch.c - the probe's part in the life of the process: start, launcher, fork, end.
 *
 * Start: before main and before the constructors of the program. The segment is made; if
 * a launcher waits (CORO_LAUNCH_VARIABLE) it is told the path, and the program waits for
 * its answer: it then has its lease, and the first event finds the gate as it wants it.
 * COROSCOPE=off, a set-user-id program, or anything that fails: no segment, no tracing.
 *
 * Fork: the hot path's page is wiped by the kernel in the child (however it was forked),
 * so that the child sees nobody, emits nothing and waits for nobody. Where the kernel
 * cannot, the fork handler does it.
 *
 * End: the rings' heads are published. The directory is removed, unless a reader has a
 * lease: then it is the reader's to remove, when it has read the rest; or a recorder died
 * before it had: then it is left for `coroscope recover`.
 */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "private.h"

/* The note by which `run` knows a program that links the probe. It is written in assembly
 * because only there a section can be said to be of type NOTE, which linkers keep even
 * when they collect garbage. */
#define STRING2(x) #x
#define STRING(x)  STRING2(x)
_Static_assert(sizeof(CORO_NOTE_NAME) == 10, "the length in the note");
__asm__(".pushsection .note.coroscope, \"a\", %note\n"
		".balign 4\n"
		".long 10, 8, " STRING(CORO_NOTE_TYPE) "\n"
											   ".asciz \"" CORO_NOTE_NAME "\"\n"
											   ".balign 4\n"
											   ".long " STRING(CORO_TRACE_MAJOR) ", " STRING(
												   CORO_TRACE_MINOR) "\n"
																	 ".popsection\n");

static pthread_key_t thread_end;

void coro__probe_off(void)
{
	__atomic_store_n(&coro__probe_page.offset, 0, __ATOMIC_RELEASE);
}

const char *coro_probe_segment(void)
{
	return coro__segment.path[0] ? coro__segment.path : NULL;
}

/* ---- Launcher ---------------------------------------------------------- */

static int launcher_socket(void)
{
	const char *text = getenv(CORO_LAUNCH_VARIABLE);
	char *end;
	struct stat status;

	if (!text)
		return -1;

	long fd = strtol(text, &end, 10);

	unsetenv(CORO_LAUNCH_VARIABLE);
	if (*end || end == text || fd < 3 || fd > INT_MAX || fstat((int)fd, &status) ||
		!S_ISSOCK(status.st_mode))
		return -1;
	return (int)fd;
}

static void shake_hands(int fd)
{
	char line[PATH_MAX + 1], answer;
	size_t length = strlen(coro__segment.path), sent = 0;
	ssize_t result;

	memcpy(line, coro__segment.path, length);
	line[length++] = '\n';
	while (sent < length) {
		result = send(fd, line + sent, length - sent, MSG_NOSIGNAL);
		if (result < 0 && errno != EINTR)
			return;
		sent += result > 0 ? (size_t)result : 0;
	}
	do {
		result = recv(fd, &answer, 1, 0);
	} while (result < 0 && errno == EINTR);
}

/* ---- Fork -------------------------------------------------------------- */

static void after_fork_in_child(void)
{
	coro__probe_off();
	coro__probe_unlock_always(); /* held since before the fork */
	coro__segment.path[0] = 0;
	coro__segment.ctl = NULL;
	if (coro__segment_owns(coro__segment.ctl_fd, coro__segment.ctl_file))
		close(coro__segment.ctl_fd);
	if (coro__segment_owns(coro__segment.wake_fd, coro__segment.wake_file))
		close(coro__segment.wake_fd);
	coro__segment.ctl_fd = coro__segment.wake_fd = -1;
	coro__thread.header = NULL;
	coro__thread.stacks.header = NULL;
	coro__thread.limit = 0;
	coro__objects = NULL;
	coro__thread.place = 0;
	coro__thread.inside = 0;
}

/* ---- Start and end ----------------------------------------------------- */

static void end_of_thread(void *thread)
{
	coro__ring_exit(thread);
}

void coro__probe_watch_thread(struct coro__thread *thread)
{
	pthread_setspecific(thread_end, thread);
}

static bool wanted(void)
{
	const char *value = getenv("COROSCOPE");

	return !(value && !strcmp(value, "off")) && !getauxval(AT_SECURE);
}

__attribute__((constructor(101))) static void begin(void)
{
	int saved = errno;
	int launcher = launcher_socket();

	coro__clock_init();
	if (wanted() && !pthread_key_create(&thread_end, end_of_thread) && coro__segment_make()) {
		madvise(&coro__probe_page, sizeof(coro__probe_page), MADV_WIPEONFORK);
		coro__cut_watch();
		pthread_atfork(coro__probe_lock_always, coro__probe_unlock_always, after_fork_in_child);
		if (launcher >= 0)
			shake_hands(launcher);
		__atomic_store_n(
			&coro__probe_page.offset,
			(intptr_t)((uintptr_t)&coro__segment.ctl->kind_mask - (uintptr_t)coro__probe_nobody),
			__ATOMIC_RELEASE);
		if (coro_probe_mask() && !coro__ring_make(&coro__thread))
			coro__probe_off();
	}
	if (launcher >= 0)
		close(launcher);
	errno = saved;
}

__attribute__((destructor(101))) static void finish(void)
{
	bool lives = false;

	if (!coro__segment.path[0] || getpid() != coro__segment.pid)
		return;
	coro__probe_off();
	coro__ring_exit(&coro__thread);
	for (unsigned i = 0; i < CORO_LEASES; i++)
		lives |= coro__lease_lives(i);
	if (!lives && !coro__segment_is_unread())
		coro__segment_remove();
}
