/*
 * launch.c - from a path to a running program that has been taken a lease on.
 *
 *     us                               keeper, then program
 *     look at the file; pty, sockets
 *     fork ──────────────────────────► keeper: session, terminal; fork, exec
 *     wait                             program: the probe makes its segment, before main
 *          ◄─────────── path of it ────
 *     open, lease, kinds, gate         waits
 *     modules from /proc, clock rate   waits
 *          ──────────── one byte ─────►
 *     recorder starts                  main, first event, gate
 */
#include "target_private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <tracer/symbols.h>

#include "keeper.h"

#define UNDO_MS 2000 /* in which a killed program is gone */

extern char **environ;

/* What launching needs beyond the target. */
struct launch {
	const struct target_options *options;
	struct target *target;
	char *path; /* owned; the program's file */
	enum symbols_program kind;
	char **environment; /* owned, and the first two strings of it */
	char variable[2][64];
	int socket;                 /* ours, for the handshake; -1: none */
	char segment[PATH_MAX + 1]; /* what the program answered */
	size_t segment_length;
	struct live_clock early;
	char **ret_why;
};

static int fail(const struct launch *launch, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static int fail(const struct launch *launch, int error, const char *format, ...)
{
	char *reason;
	va_list arguments;

	free(*launch->ret_why);
	*launch->ret_why = NULL;
	va_start(arguments, format);
	if (vasprintf(&reason, format, arguments) < 0)
		reason = NULL;
	va_end(arguments);
	if (!reason || asprintf(launch->ret_why, "%s: %s", launch->options->argv[0], reason) < 0)
		*launch->ret_why = NULL;
	free(reason);
	return error;
}

/* ---- The file ---------------------------------------------------------- */

/* As execvp() would look. */
static char *find_in_path(const char *name)
{
	const char *path = getenv("PATH");
	char *denied = NULL;

	for (const char *at = path ? path : "/usr/local/bin:/usr/bin:/bin"; at;) {
		const char *end = strchrnul(at, ':');
		struct stat status;
		char *candidate;

		if (asprintf(&candidate, "%.*s%s%s", (int)(end - at), at, end == at ? "" : "/", name) < 0)
			break;
		if (!stat(candidate, &status) && S_ISREG(status.st_mode)) {
			if (!access(candidate, X_OK)) {
				free(denied);
				return candidate;
			}
			free(denied);
			denied = candidate;
		} else {
			free(candidate);
		}
		at = *end ? end + 1 : NULL;
	}
	return denied;
}

static int check_file(struct launch *launch)
{
	const char *name = launch->options->argv[0];
	struct stat status;
	int result;

	launch->path = strchr(name, '/') ? strdup(name) : find_in_path(name);
	if (!launch->path)
		return fail(launch, -ENOENT, "not found");
	if (stat(launch->path, &status)) {
		int error = errno;

		return fail(launch, -error, "%s", error == ENOENT ? "not found" : strerror(error));
	}
	if (S_ISDIR(status.st_mode))
		return fail(launch, -EISDIR, "is a directory");
	if (!S_ISREG(status.st_mode))
		return fail(launch, -ENOEXEC, "is not a program");
	if (access(launch->path, X_OK))
		return fail(launch, -EACCES, "is not executable");
	result = symbols_program_kind(launch->path, &launch->kind);
	if (result < 0)
		launch->kind = SYMBOLS_NOT_ELF;
	if (!launch->options->paused || launch->kind == SYMBOLS_TRACEABLE)
		return 0;
	return fail(launch, -ENOTSUP, "%s",
				launch->kind == SYMBOLS_NOT_ELF
					? "is not an ELF program that links the coroscope runtime"
					: "does not link the coroscope runtime, so it has no events to step through");
}

/* ---- The process ------------------------------------------------------- */

static int make_environment(struct launch *launch, int fd)
{
	size_t count = 0, kept = 0, added = 0;

	while (environ[count])
		count++;
	launch->environment = calloc(count + 3, sizeof(char *));
	if (!launch->environment)
		return -ENOMEM;
	if (fd >= 0) {
		snprintf(launch->variable[0], sizeof(launch->variable[0]), "%s=%d", CORO_LAUNCH_VARIABLE,
				 fd);
		launch->environment[added++] = launch->variable[0];
	}
	if (launch->options->virtual_time) {
		strcpy(launch->variable[1], "COROSCOPE_TIME=virtual");
		launch->environment[added++] = launch->variable[1];
	}
	for (kept = 0; kept < count; kept++) {
		const char *entry = environ[kept];

		if (!strncmp(entry, CORO_LAUNCH_VARIABLE "=", sizeof(CORO_LAUNCH_VARIABLE)) ||
			!strcmp(entry, "COROSCOPE=off") ||
			(launch->options->virtual_time && !strncmp(entry, "COROSCOPE_TIME=", 15)))
			continue;
		launch->environment[added++] = environ[kept];
	}
	return 0;
}

static int make_sockets(int type, int ret[2])
{
	int pair[2];

	if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair))
		return -errno;
	for (int i = 0; i < 2; i++) {
		ret[i] = pair[i] > 2 ? pair[i] : fcntl(pair[i], F_DUPFD_CLOEXEC, 3);
		if (ret[i] != pair[i])
			close(pair[i]);
	}
	return 0;
}

/* Waits for a message of the keeper, which is never long in coming. */
static int hear(const struct launch *launch, struct keeper_news *ret)
{
	ssize_t length;

	do {
		length = recv(launch->target->keeper_socket, ret, sizeof(*ret), 0);
	} while (length < 0 && errno == EINTR);
	return length == sizeof(*ret) ? 0 : -ECHILD;
}

static int start(struct launch *launch)
{
	struct target *target = launch->target;
	struct terminal *terminal = &target->terminal;
	int control[2], hands[2] = {-1, -1};
	struct keeper_news news;
	int result = make_sockets(SOCK_SEQPACKET, control);

	if (result < 0)
		return fail(launch, result, "cannot be started: %s", strerror(-result));
	target->keeper_socket = control[0];
	if (launch->kind == SYMBOLS_TRACEABLE)
		result = make_sockets(SOCK_STREAM, hands);
	if (result >= 0)
		result = make_environment(launch, hands[1]);
	if (result >= 0)
		target->keeper = result = keeper_start(&(struct keeper_plan){
			.path = launch->path,
			.argv = launch->options->argv,
			.environment = launch->environment,
			.terminal = terminal->master >= 0 ? terminal->slave : NULL,
			.stdio = {terminal->stdio[0], terminal->stdio[1], terminal->stdio[2]},
			.launch = hands[1],
			.source = {terminal->source[0], terminal->source[1], terminal->source[2]},
			.copy = {terminal->copy[0], terminal->copy[1], terminal->copy[2]},
			.socket = control[1],
		});
	close(control[1]);
	if (hands[1] >= 0)
		close(hands[1]);
	launch->socket = hands[0];
	if (result < 0)
		return fail(launch, result, "cannot be started: %s", strerror(-result));
	terminal_start(terminal);
	if (hear(launch, &news) < 0)
		return fail(launch, -ECHILD, "cannot be started: its keeper died");
	if (news.what == KEEPER_FAILED)
		return fail(launch, -news.number, "cannot be executed: %s", strerror(news.number));
	target->pid = news.number;
	return 0;
}

/* ---- The handshake ----------------------------------------------------- */

/* Reads what the program says, up to a newline. 1: a whole line, 0: not yet, -1: it will not
 * come. */
static int read_line(struct launch *launch)
{
	size_t room = sizeof(launch->segment) - 1 - launch->segment_length;
	ssize_t length =
		recv(launch->socket, launch->segment + launch->segment_length, room, MSG_DONTWAIT);
	char *newline;

	if (length < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	if (length == 0)
		return -1;
	launch->segment_length += (size_t)length;
	launch->segment[launch->segment_length] = 0;
	newline = strchr(launch->segment, '\n');
	if (!newline)
		return launch->segment_length < sizeof(launch->segment) - 1 ? 0 : -1;
	*newline = 0;
	return launch->segment[0] == '/' ? 1 : -1;
}

/* Whether the keeper tells that the program was stopped, this early: then it goes on. */
static bool was_stopped(const struct launch *launch)
{
	struct keeper_news news;

	if (recv(launch->target->keeper_socket, &news, sizeof(news), MSG_PEEK | MSG_DONTWAIT) !=
			sizeof(news) ||
		(news.what != KEEPER_STOPPED && news.what != KEEPER_CONTINUED))
		return false;
	if (news.what == KEEPER_STOPPED)
		kill(-launch->target->pid, SIGCONT);
	return hear(launch, &news) == 0;
}

/* Waits until the program has said where its segment is, has closed the socket, or has
 * ended. 1, 0. What it writes meanwhile stays in the pty. */
static int wait_for_segment(struct launch *launch)
{
	for (;;) {
		struct pollfd polled[2] = {
			{.fd = launch->socket, .events = POLLIN},
			{.fd = launch->target->keeper_socket, .events = POLLIN},
		};
		int result;

		if (poll(polled, 2, -1) < 0 && errno != EINTR)
			return 0;
		result = polled[0].revents ? read_line(launch) : 0;
		if (result)
			return result > 0;
		if (polled[1].revents && !was_stopped(launch))
			return 0; /* it ended; the recorder will hear it */
	}
}

/* What is in the pty or the pipe of stderr: the loader's complaint, perhaps. */
static void read_complaint(struct launch *launch, char *text, size_t room)
{
	struct terminal *terminal = &launch->target->terminal;
	int fd = terminal->source[2] >= 0 ? terminal->source[2] : terminal->source[0];
	ssize_t length = fd >= 0 ? read(fd, text, room - 1) : 0;
	size_t end = 0;

	text[length > 0 ? length : 0] = 0;
	while (text[end] && text[end] != '\n' && text[end] != '\r')
		end++;
	text[end] = 0;
	for (size_t i = 0; i < end; i++)
		if ((unsigned char)text[i] < ' ' || (unsigned char)text[i] > '~')
			text[i] = '?';
}

/* The program will not have a segment: for `paused` that is a failure. */
static int do_without(struct launch *launch)
{
	struct keeper_news news;
	char complaint[256];
	struct pollfd ended = {.fd = launch->target->keeper_socket, .events = POLLIN};

	if (!launch->options->paused)
		return 0;
	if (poll(&ended, 1, 1000) <= 0 || hear(launch, &news) < 0 || news.what != KEEPER_ENDED) {
		kill(launch->target->pid, SIGKILL);
		return fail(launch, -ENOTSUP,
					"made no segment to be watched through (is /dev/shm full, or not writable?)");
	}
	launch->target->pid = 0; /* nothing is left to undo, and its number may be another's by now */
	read_complaint(launch, complaint, sizeof(complaint));
	if (WIFSIGNALED(news.number))
		return fail(launch, -ECHILD, "was killed by signal %d (%s) before it began%s%s",
					WTERMSIG(news.number), strsignal(WTERMSIG(news.number)),
					complaint[0] ? ": " : "", complaint);
	return fail(launch, -ECHILD, "ended with status %d before it began%s%s",
				WEXITSTATUS(news.number), complaint[0] ? ": " : "", complaint);
}

/* Slots of a ring that holds so many bytes, as a power of two; 0: as the program likes. */
static unsigned log2_of_ring(uint64_t bytes)
{
	unsigned log2 = CORO_RING_LOG2_LEAST_OVER;

	if (!bytes)
		return 0;
	while (log2 < CORO_RING_LOG2_MOST && sizeof(struct coro_trace_slot) << log2 < bytes)
		log2++;
	return log2;
}

static int take_hold(struct launch *launch)
{
	const struct target_options *options = launch->options;
	struct target *target = launch->target;
	uint32_t flags = CORO_LEASE_CONTROLLER;
	char *why;
	int result = live_open(launch->segment, &target->live, &why);

	if (result < 0) {
		result = fail(launch, result, "its segment %s: %s", launch->segment,
					  why ? why : strerror(-result));
		free(why);
		return result;
	}
	target->policy = options->policy;
	flags |= options->policy == CORO_POLICY_OVERWRITE ? CORO_LEASE_OBSERVER : CORO_LEASE_BLOCKING;
	result = live_take_lease(target->live, flags);
	if (result >= 0)
		result = live_set_policy(target->live, options->policy, log2_of_ring(options->last_bytes),
								 options->block_ms);
	if (result >= 0)
		result =
			recorder_want_stacks(target, options->stacks, options->stack_bytes, &launch->early);
	if (result >= 0)
		result = live_set_gate(target->live, launch->options->paused ? CORO_PAUSE : CORO_RUN, 0);
	if (result >= 0)
		result = live_set_kinds(target->live, ((uint64_t)1 << CORO_EVENT_LIMIT) - 2);
	if (result < 0)
		return fail(launch, result, "its segment cannot be used: %s", strerror(-result));
	target->has_probe = true;
	return 0;
}

/* ---- The trace --------------------------------------------------------- */

static char *join_arguments(char *const *argv)
{
	char *text = strdup("");

	for (int i = 1; text && argv[i]; i++) {
		char *longer;

		if (asprintf(&longer, "%s%s%s", text, i > 1 ? " " : "", argv[i]) < 0)
			longer = NULL;
		free(text);
		text = longer;
	}
	return text;
}

static uint64_t realtime(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int create_trace(struct launch *launch, struct trace **ret_trace)
{
	struct target *target = launch->target;
	char *arguments = join_arguments(launch->options->argv);
	struct trace_meta meta = {
		.program = launch->options->argv[0],
		.arguments = arguments,
		.pid = (uint32_t)target->pid,
		.arch = CORO_ARCH_X86_64,
		.clock_hz = 1000000000u,
		.clock0 = recorder_now(),
		.real0 = realtime(),
		.virtual_time = launch->options->virtual_time,
	};
	int result;

	if (!arguments)
		return fail(launch, -ENOMEM, "no memory");
	target->mono0 = meta.clock0;
	if (target->live) {
		struct live_clock now;

		meta.arch = live_beacon(target->live)->arch;
		meta.emitter = live_emitter(target->live);
		meta.clock_hz = live_clock_hz(target->live, &launch->early);
		live_clock_read(&now);
		meta.clock0 = live_beacon(target->live)->clock_hz == 1000000000u ? now.mono : now.ticks;
		meta.real0 = realtime();
		target->mono0 = now.mono;
	}
	result = trace_create(launch->options->trace_path, &meta, ret_trace);
	free(arguments);
	if (result < 0)
		return fail(launch, result, "its trace %s cannot be written: %s",
					launch->options->trace_path ? launch->options->trace_path : "file",
					strerror(-result));
	target->trace = *ret_trace;
	return 0;
}

/* Its modules, while it waits: all that it needs are mapped, and it cannot be gone yet. */
static void add_modules(struct launch *launch)
{
	struct symbols *symbols;

	if (symbols_new(launch->target->trace, true, &symbols) < 0)
		return;
	symbols_add_modules(symbols, (uint32_t)launch->target->pid);
	symbols_free(symbols);
}

static int go(struct launch *launch, struct trace **ret_trace)
{
	struct target *target = launch->target;
	int result = check_file(launch);

	if (result < 0)
		return result;
	live_clock_read(&launch->early);
	result = terminal_open(&target->terminal, launch->options);
	if (result < 0)
		return fail(launch, result, "cannot be started: %s", strerror(-result));
	result = start(launch);
	if (result < 0)
		return result;
	if (launch->socket >= 0 && wait_for_segment(launch))
		result = take_hold(launch);
	else
		result = do_without(launch);
	if (result >= 0)
		result = create_trace(launch, ret_trace);
	if (result >= 0 && target->has_probe)
		add_modules(launch);
	if (result >= 0)
		result = recorder_start(target);
	if (result >= 0 && launch->socket >= 0)
		send(launch->socket, "", 1, MSG_NOSIGNAL);
	return result;
}

/* The program does not go on without its launcher: nothing of it shall be left. */
static void undo(struct launch *launch)
{
	struct target *target = launch->target;
	struct pollfd ended = {.fd = target->keeper_socket, .events = POLLIN};

	if (target->pid <= 0)
		return;
	kill(target->pid, SIGKILL);
	if (poll(&ended, 1, UNDO_MS) > 0 && target->live)
		live_remove(target->live);
}

int launch_program(struct target *target, const struct target_options *options,
				   struct trace **ret_trace, char **ret_why)
{
	struct launch launch = {.options = options, .target = target, .socket = -1, .ret_why = ret_why};
	int result = go(&launch, ret_trace);

	if (result < 0)
		undo(&launch);
	if (launch.socket >= 0)
		close(launch.socket);
	free(launch.environment);
	free(launch.path);
	return result;
}
