/*
 * attach.c - from a number to a program that runs already, and has been asked what it has.
 *
 *     us                                the program, which nobody prepared
 *     find its segment; lease, kinds
 *     ask for a baseline ─────────────► each thread, at its next event or in its selector
 *     wait, SOON_MS at most  ◄───────── rows of the table, baseline_seq
 *     the trace, its rows, modules
 *     recorder starts: threads that answer later are taken then
 *
 * The program's end is seen by a pidfd: it is not our child, so that its status is not known.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <tracer/symbols.h>
#include "target_private.h"

#define SOON_MS 500 /* in which threads answer, unless they compute or are blocked */

struct attach {
	struct target *target;
	uint32_t pid;
	const char *trace_path;
	char **ret_why;
	struct live_clock early;
};

static int fail(const struct attach *attach, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static int fail(const struct attach *attach, int error, const char *format, ...)
{
	va_list arguments;
	char *reason;

	va_start(arguments, format);
	if (vasprintf(&reason, format, arguments) < 0)
		reason = NULL;
	va_end(arguments);
	if (!reason || asprintf(attach->ret_why, "process %u %s", attach->pid, reason) < 0)
		*attach->ret_why = NULL;
	free(reason);
	return error;
}

/* ---- What it is -------------------------------------------------------- */

/* Its environment has this entry. */
static bool has_entry(uint32_t pid, const char *wanted)
{
	char path[64], *entry = NULL;
	size_t room = 0;
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%u/environ", pid);
	file = fopen(path, "re");
	while (file && !found && getdelim(&entry, &room, 0, file) >= 0)
		found = !strcmp(entry, wanted);
	free(entry);
	if (file)
		fclose(file);
	return found;
}

/* There is a process, but no segment: why not? */
static int explain(const struct attach *attach)
{
	char path[64];
	enum symbols_program kind = SYMBOLS_TRACEABLE;

	snprintf(path, sizeof(path), "/proc/%u/exe", attach->pid);
	if (symbols_program_kind(path, &kind) >= 0 && kind != SYMBOLS_TRACEABLE)
		return fail(attach, -ENOTSUP,
					"does not link the coroscope runtime, so there is nothing to attach to");
	if (has_entry(attach->pid, "COROSCOPE=off"))
		return fail(attach, -ENOTSUP,
					"was started with COROSCOPE=off: start it without that to attach to it");
	return fail(attach, -ENOTSUP,
				"has no segment to attach to (was /dev/shm full when it started, or did it fork?)");
}

static int find(const struct attach *attach, char **ret_path)
{
	char path[64];
	struct stat status;

	snprintf(path, sizeof(path), "/proc/%u", attach->pid);
	if (stat(path, &status))
		return fail(attach, -ESRCH, "does not exist");
	if (status.st_uid != geteuid() && geteuid() != 0)
		return fail(attach, -EPERM, "belongs to another user");
	return live_find(attach->pid, ret_path) < 0 ? explain(attach) : 0;
}

/* The command line, "PROGRAM\0ARGUMENT ARGUMENT"; malloc'ed. */
static char *command_line(uint32_t pid)
{
	char path[64], *text = calloc(1, 4096);
	size_t length = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%u/cmdline", pid);
	file = text ? fopen(path, "re") : NULL;
	if (file) {
		length = fread(text, 1, 4094, file);
		fclose(file);
	}
	for (size_t i = text ? strlen(text) + 1 : 0; i + 1 < length; i++)
		if (!text[i])
			text[i] = ' ';
	return text;
}

/* ---- Holding it -------------------------------------------------------- */

static int take_hold(struct attach *attach, const char *path)
{
	const uint64_t kinds = ((uint64_t)1 << CORO_EVENT_LIMIT) - 2;
	struct target *target = attach->target;
	char *why = NULL;
	int result = live_open(path, &target->live, &why);

	if (result < 0) {
		result = fail(attach, result, "has a segment that %s", why ? why : strerror(-result));
		free(why);
		return result;
	}
	result = live_take_lease(target->live, CORO_LEASE_OBSERVER | CORO_LEASE_CONTROLLER);
	if (result == -EBUSY)
		return fail(attach, result, "is watched by %d debuggers already", CORO_LEASES);
	if (result >= 0)
		result =
			recorder_want_stacks(target, CORO_STACKS_RECORD, TARGET_STACK_BYTES, &attach->early);
	if (result >= 0)
		result = live_ask(target->live, kinds);
	if (result == -EPROTONOSUPPORT)
		return fail(attach, result,
					"was built with a runtime that is too old to attach to (%u.%u): `coroscope "
					"record` can record it",
					live_beacon(target->live)->major, live_beacon(target->live)->minor);
	if (result < 0)
		return fail(attach, result, "cannot be watched: %s", strerror(-result));
	target->has_probe = true;
	return 0;
}

/* Until all have answered, or no more do soon. */
static void wait_for_answers(const struct attach *attach)
{
	struct live *live = attach->target->live;
	uint64_t end = recorder_now() + SOON_MS * UINT64_C(1000000);

	for (;;) {
		uint32_t mark = live_mark(live, true);
		unsigned silent;

		live_threads(live, NULL, 0, &silent);
		if (!silent || recorder_now() >= end || !live_is_alive(live))
			return;
		live_sleep(live, mark, 20);
	}
}

/* ---- The trace --------------------------------------------------------- */

static int create_trace(struct attach *attach, struct trace **ret_trace)
{
	struct target *target = attach->target;
	char *line = command_line(attach->pid);
	struct timespec real;
	struct live_clock now;
	struct trace_meta meta = {
		.program = line ? line : "",
		.arguments = line ? line + strlen(line) + 1 : "",
		.pid = attach->pid,
		.arch = live_beacon(target->live)->arch,
		.clock_hz = live_clock_hz(target->live, &attach->early),
		.virtual_time = has_entry(attach->pid, "COROSCOPE_TIME=virtual"),
		.emitter = live_emitter(target->live),
	};
	int result;

	live_clock_read(&now);
	clock_gettime(CLOCK_REALTIME, &real);
	meta.clock0 = live_beacon(target->live)->clock_hz == 1000000000u ? now.mono : now.ticks;
	meta.real0 = (uint64_t)real.tv_sec * 1000000000u + (uint64_t)real.tv_nsec;
	target->mono0 = now.mono;
	result = trace_create(attach->trace_path, &meta, ret_trace);
	free(line);
	if (result < 0)
		return fail(attach, result, "cannot be recorded into %s: %s",
					attach->trace_path ? attach->trace_path : "a file", strerror(-result));
	target->trace = *ret_trace;
	return 0;
}

static void add_modules(const struct attach *attach)
{
	if (symbols_new(attach->target->trace, true, &attach->target->symbols) < 0)
		attach->target->symbols = NULL;
	else
		symbols_add_modules(attach->target->symbols, attach->pid);
}

int attach_program(struct target *target, uint32_t pid, const char *trace_path,
				   struct trace **ret_trace, char **ret_why)
{
	struct attach attach = {
		.target = target, .pid = pid, .trace_path = trace_path, .ret_why = ret_why};
	char *path = NULL;
	int result = find(&attach, &path);

	if (result < 0)
		return result;
	live_clock_read(&attach.early);
	target->pid = (pid_t)pid;
	target->keeper_socket = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
	if (target->keeper_socket < 0)
		result = fail(&attach, -errno, "is gone: %s", strerror(errno));
	if (result >= 0)
		result = take_hold(&attach, path);
	free(path);
	target->baseline = baseline_new();
	if (result >= 0 && !target->baseline)
		result = -ENOMEM;
	if (result >= 0)
		result = create_trace(&attach, ret_trace);
	if (result < 0)
		return result;
	wait_for_answers(&attach);
	if (!live_is_alive(target->live))
		return fail(&attach, -ESRCH, "has ended meanwhile");
	add_modules(&attach);
	result = recorder_take_baseline(target);
	if (result >= 0)
		result = recorder_start(target);
	return result < 0 ? fail(&attach, result, "cannot be watched: %s", strerror(-result)) : 0;
}
