/*
 * cut.c - somebody has cut a file of the segment: the program goes on, and is not traced any more.
 *
 * The files belong to this user, and whoever is this user can cut them, at any time. An access
 * behind a file's end is SIGBUS, on which a program dies. So there is a handler:
 *
 *     thread                                    handler, in the same thread
 *     a load or a store in a mapping ─────────► it is ours, says the table below:
 *                                               nobody traces from now on (coro__probe_off)
 *                                               memory of our own is put in the mapping's place
 *     the same load or store, again ◄────────── returns
 *
 * That memory is zeros. Nothing that is read from a mapping was ever believed, so zeros are as good
 * as anything: of `ctl` they say that there is no reader and that the gate is open; a ring and a
 * table are only written. What a thread is in the middle of it finishes, into memory that nobody
 * sees. Who waits, for room or at the gate, looks whether anybody still traces, each 10 ms.
 *
 * Several threads may be here at once for the same mapping: each puts new zeros there, and what one
 * of them has stored meanwhile is gone, which is all the same. So nobody waits for anybody.
 *
 * A SIGBUS of anything else goes to whoever had the signal before. The program may take it: who
 * sets a handler after us has it, and then a cut file is his to handle. A fault whose signal is
 * blocked kills; so a thread does not block this one when it gets its first object. One that does
 * so later has chosen.
 */
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "private.h"

/* ctl, tab, obj, str and the beacon, and two rings of each thread: each is mapped once in a
 * process's life. */
#define MAPPINGS (5 + 2 * CORO_RINGS)

static struct {
	uintptr_t start; /* 0: it is not there any more */
	size_t bytes;
} mapping[MAPPINGS];
static uint32_t mappings; /* used so far; under the lock */
static struct sigaction before;

void coro__cut_begin(void *memory, size_t bytes)
{
	uint32_t i = mappings;

	mapping[i].bytes = bytes;
	coro__store_release(&mapping[i].start, (uintptr_t)memory);
	coro__store_release(&mappings, i + 1);
}

void coro__cut_end(void *memory)
{
	for (uint32_t i = 0; i < coro__load_acquire(&mappings); i++)
		if (coro__load(&mapping[i].start) == (uintptr_t)memory)
			coro__store(&mapping[i].start, 0);
}

/* Puts memory of our own where the address is. Returns whether it did. */
static bool mend(uintptr_t address)
{
	for (uint32_t i = 0; i < coro__load_acquire(&mappings); i++) {
		uintptr_t start = coro__load_acquire(&mapping[i].start);

		if (!start || address < start || address - start >= mapping[i].bytes)
			continue;
		coro__probe_off();
		return mmap((void *)start, mapping[i].bytes, PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) != MAP_FAILED;
	}
	return false;
}

/* Nobody had it: the program dies of it, when the access is done again or when the one that
 * somebody sent is sent again. */
static void die(int number, const siginfo_t *info)
{
	sigaction(number, &before, NULL);
	if (info->si_code <= 0)
		syscall(SYS_tgkill, getpid(), (pid_t)syscall(SYS_gettid), number);
}

static void on_fault(int number, siginfo_t *info, void *context)
{
	int saved = errno;

	if (info->si_code == BUS_ADRERR && mend((uintptr_t)info->si_addr)) {
		errno = saved;
		return;
	}
	errno = saved;
	if (before.sa_flags & SA_SIGINFO)
		before.sa_sigaction(number, info, context);
	else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN)
		before.sa_handler(number);
	else if (before.sa_handler == SIG_DFL || info->si_code > 0)
		die(number, info);
}

void coro__cut_heed(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGBUS);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

void coro__cut_watch(void)
{
	struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};

	sigemptyset(&action.sa_mask);
	sigaction(SIGBUS, &action, &before);
}
