/*
 * faults.c - the C library's calls that may fail, wrapped; and a program under them.
 *
 * The process that runs a program is a new one for each n: whatever a failure breaks, is broken
 * there alone. In it the program has a thread of its own, because a thread gives back at its end
 * what the runtime holds for it: so nothing may be left then.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#define CORO_FAULTS
#include <coroscope/debug.h>
#include "../../runtime/core/body.h"
#include "../../runtime/core/fault.h"
#include "faults.h"

enum { PATIENCE = 120, TABLE = 64 << 20, PASSED = 0, FAILED = 10, BROKEN = 11 };

static size_t takings, failing;
static bool for_good_, failed_;
static size_t blocks, mappings;

void faults_arm(size_t n, bool for_good)
{
	takings = 0;
	failing = n;
	for_good_ = for_good;
	failed_ = false;
}

size_t faults_disarm(bool *ret_failed)
{
	failing = 0;
	*ret_failed = failed_;
	return takings;
}

size_t faults_blocks(void)
{
	return blocks;
}

size_t faults_mappings(void)
{
	return mappings;
}

bool coro__refused(void)
{
	takings++;
	if (!failing || takings < failing || (takings > failing && !for_good_))
		return false;
	failed_ = true;
	errno = ENOMEM;
	return true;
}

/* ---- What the linker puts in between ----------------------------------- */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void __real_free(void *memory);
char *__real_strdup(const char *text);
void *__real_mmap64(void *address, size_t length, int protection, int flags, int fd, off_t offset);
int __real_munmap(void *address, size_t length);
int __real_epoll_create1(int flags);
int __real_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event);
int __real_pipe2(int ends[2], int flags);
int __real_mprotect(void *address, size_t length, int protection);
int __real_madvise(void *address, size_t length, int advice);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void __wrap_free(void *memory);
char *__wrap_strdup(const char *text);
void *__wrap_mmap64(void *address, size_t length, int protection, int flags, int fd, off_t offset);
int __wrap_munmap(void *address, size_t length);
int __wrap_epoll_create1(int flags);
int __wrap_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event);
int __wrap_pipe2(int ends[2], int flags);
int __wrap_mprotect(void *address, size_t length, int protection);
int __wrap_madvise(void *address, size_t length, int advice);

static void *counted(void *memory)
{
	blocks += memory != NULL;
	return memory;
}

void *__wrap_malloc(size_t size)
{
	return coro__refused() ? NULL : counted(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
	return coro__refused() ? NULL : counted(__real_calloc(count, size));
}

void *__wrap_realloc(void *memory, size_t size)
{
	void *larger;

	if (coro__refused())
		return NULL;
	larger = __real_realloc(memory, size);
	blocks += larger && !memory;
	return larger;
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
	return coro__refused() ? NULL : counted(__real_aligned_alloc(alignment, size));
}

void __wrap_free(void *memory)
{
	blocks -= memory != NULL;
	__real_free(memory);
}

char *__wrap_strdup(const char *text)
{
	return coro__refused() ? NULL : counted(__real_strdup(text));
}

void *__wrap_mmap64(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
	void *memory = coro__refused() ? MAP_FAILED
								   : __real_mmap64(address, length, protection, flags, fd, offset);

	mappings += memory != MAP_FAILED && length < TABLE;
	return memory;
}

int __wrap_munmap(void *address, size_t length)
{
	mappings -= length < TABLE;
	return __real_munmap(address, length);
}

int __wrap_epoll_create1(int flags)
{
	return coro__refused() ? -1 : __real_epoll_create1(flags);
}

int __wrap_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
	return operation != EPOLL_CTL_DEL && coro__refused()
			   ? -1
			   : __real_epoll_ctl(epoll, operation, fd, event);
}

int __wrap_pipe2(int ends[2], int flags)
{
	return coro__refused() ? -1 : __real_pipe2(ends, flags);
}

int __wrap_mprotect(void *address, size_t length, int protection)
{
	return coro__refused() ? -1 : __real_mprotect(address, length, protection);
}

int __wrap_madvise(void *address, size_t length, int advice)
{
	return coro__refused() ? -1 : __real_madvise(address, length, advice);
}

/* ---- A program --------------------------------------------------------- */

struct run {
	void (*program)(void *context);
	void *context;
	size_t n;
	bool for_good, failed;
};

static size_t current_n;

void faults_wrong(const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "taking %zu: ", current_n);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	_exit(BROKEN);
}

void faults_leave(int status)
{
	_exit(failed_ ? FAILED : PASSED);
}

static int free_descriptor(void)
{
	int fd = dup(STDERR_FILENO);

	close(fd);
	return fd;
}

static void *run_thread(void *argument)
{
	struct run *run = argument;

	faults_arm(run->n, run->for_good);
	run->program(run->context);
	faults_disarm(&run->failed);
	if (coro_census().bodies)
		faults_wrong("%zu bodies are left", coro_census().bodies);
	if (coro_census().objects)
		faults_wrong("%zu objects are left", coro_census().objects);
	coro_check();
	return NULL;
}

static void __attribute__((noreturn)) run_here(struct run *run)
{
	int fd = free_descriptor();
	pthread_t thread;

	current_n = run->n;
	blocks = mappings = 0;
	if (pthread_create(&thread, NULL, run_thread, run) || pthread_join(thread, NULL))
		faults_wrong("no thread");
	coro__pools_free_left();
	if (coro__exceptions_alive())
		faults_wrong("%zu exceptions are left", coro__exceptions_alive());
	if (blocks)
		faults_wrong("%zu blocks of memory are left", blocks);
	if (mappings)
		faults_wrong("%zu mappings are left", mappings);
	if (free_descriptor() != fd)
		faults_wrong("a descriptor is left");
	_exit(run->failed ? FAILED : PASSED);
}

enum faults_result faults_run(void (*program)(void *context), void *context, size_t n,
							  bool for_good)
{
	struct run run = {program, context, n, for_good, false};
	int status;
	pid_t child;

	fflush(NULL);
	child = fork();
	if (!child) {
		alarm(PATIENCE);
		run_here(&run);
	}
	if (child < 0 || waitpid(child, &status, 0) != child) {
		perror("fork");
		return FAULTS_BROKEN;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == PASSED)
		return FAULTS_PASSED;
	if (WIFEXITED(status) && WEXITSTATUS(status) == FAILED)
		return FAULTS_FAILED;
	if (WIFSIGNALED(status))
		fprintf(stderr, "taking %zu: %s\n", n,
				WTERMSIG(status) == SIGALRM ? "it hangs" : strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) != BROKEN)
		fprintf(stderr, "taking %zu: exit status %d\n", n, WEXITSTATUS(status));
	return FAULTS_BROKEN;
}
