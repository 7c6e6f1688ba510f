/*
 * overflow.c - a body's stack overflowed: says whose, then lets the program die of it.
 *
 * The fault is in the guard below a stack. The signal handler runs on a stack of its own, finds
 * the body by the address, and writes
 *
 *     stack overflow in coroutine NAME #ID (64 KiB stack), created at FILE:LINE
 *
 * to descriptor 2 and as a note into the trace. Then the action that was there before is put
 * back, and the instruction faults again. Any other fault goes that way at once. (SIGBUS is the
 * probe's: runtime/probe/cut.c. Its handler runs on this stack as well.)
 *
 * Only async-signal-safe functions are called. The list of bodies may be read: no code of the
 * runtime that changes it can be what overflowed a body's stack and left the list broken, since
 * an insertion is complete with its last store.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>
#include "../core/body.h"
#include "context.h"

enum { SIGNAL_STACK = 65536, MESSAGE = 512 };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct sigaction before;

struct text {
	char bytes[MESSAGE];
	size_t length;
};

static void add(struct text *text, const char *more)
{
	while (*more && text->length < MESSAGE)
		text->bytes[text->length++] = *more++;
}

static void add_number(struct text *text, uint64_t number)
{
	char digits[24];
	size_t at = sizeof(digits) - 1;

	digits[at] = 0;
	do
		digits[--at] = (char)('0' + number % 10);
	while (number /= 10);
	add(text, digits + at);
}

static struct coro_generator *find_body(uintptr_t address)
{
	struct coro_generator *body;

	for (body = coro__local.first; body; body = body->next) {
		uintptr_t stack = (uintptr_t)body->stack;

		if (stack && address < stack && address >= stack - CORO__STACK_GUARD)
			return body;
	}
	return NULL;
}

static uintptr_t program_counter(const void *context)
{
	const ucontext_t *machine = context;

#if defined(__x86_64__)
	return (uintptr_t)machine->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
	return (uintptr_t)machine->uc_mcontext.pc;
#endif
}

static void tell(struct coro_generator *body, const void *context)
{
	struct text text = {.length = 0};
	struct coro_probe_value note = {.kind = CORO_VALUE_STRING};

	add(&text, "stack overflow in coroutine ");
	add(&text, body->object.name ? body->object.name : "?");
	add(&text, " #");
	add_number(&text, body->object.serial);
	add(&text, " (");
	add_number(&text, coro__pools_size(body) / 1024);
	add(&text, " KiB stack), created at ");
	add(&text, body->object.creation_site ? body->object.creation_site : "?");
	if (text.length == MESSAGE)
		text.length--;
	text.bytes[text.length] = '\n';
	if (write(STDERR_FILENO, text.bytes, text.length + 1) < 0)
		errno = 0;

	note.pointer = text.bytes;
	note.length = text.length;
	/* A return address is one past the instruction, and is looked up so. */
	coro_probe_event(&body->object, CORO_EVENT_NOTE, body->object.state, 0,
					 program_counter(context) + 1, &note);
	coro_probe_park();
}

static void on_fault(int number, siginfo_t *info, void *context)
{
	struct coro_generator *body = find_body((uintptr_t)info->si_addr);
	struct sigaction action = before;

	if (body)
		tell(body, context);
	else if (before.sa_flags & SA_SIGINFO) {
		before.sa_sigaction(number, info, context);
		return;
	} else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
		before.sa_handler(number);
		return;
	}
	/* Whoever was there before cannot handle an overflow either: a sanitizer would report it
	 * from the stack that has no room. */
	if (body) {
		memset(&action, 0, sizeof(action));
		action.sa_handler = SIG_DFL;
	}
	sigaction(number, &action, NULL);
}

static void install(void)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_sigaction = on_fault;
	action.sa_flags = SA_SIGINFO | SA_ONSTACK;
	sigemptyset(&action.sa_mask);
	sigaction(SIGSEGV, &action, &before);
}

void coro__overflow_watch(void)
{
	stack_t present, own;

	pthread_once(&once, install);
	if (sigaltstack(NULL, &present) == 0 && !(present.ss_flags & SS_DISABLE) &&
		present.ss_size >= SIGNAL_STACK)
		return;
	memset(&own, 0, sizeof(own));
	own.ss_size = SIGNAL_STACK;
	own.ss_sp = mmap(NULL, SIGNAL_STACK, PROT_READ | PROT_WRITE,
					 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (own.ss_sp == MAP_FAILED)
		return;
	if (sigaltstack(&own, NULL) == 0)
		coro__local.signal_stack = own.ss_sp;
	else
		munmap(own.ss_sp, SIGNAL_STACK);
}

void coro__overflow_unwatch(void)
{
	stack_t none;

	if (!coro__local.signal_stack)
		return;
	memset(&none, 0, sizeof(none));
	none.ss_flags = SS_DISABLE;
	sigaltstack(&none, NULL);
	munmap(coro__local.signal_stack, SIGNAL_STACK);
	coro__local.signal_stack = NULL;
}
