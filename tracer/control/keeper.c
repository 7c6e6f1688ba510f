/*
 * keeper.c - see keeper.h.
 *
 * The keeper is forked from a process that may have threads, and does not exec: between
 * here and its _exit() stand only functions that are safe after such a fork.
 *
 * The socket's end is the debugger's death: only the debugger holds the other end.
 *
 *     debugger lives    the keeper sleeps until the program ends or is stopped, and tells so
 *     debugger is gone  the keeper lets a stopped program go on, for nobody else would; it reads
 *                       what the program writes, copies it to where the
 *                       debugger would have, and leaves when the program has ended and
 *                       everybody has closed his end
 */
#include "keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define SOURCES 3

struct keeper {
	const struct keeper_plan *plan;
	pid_t program;
	bool program_ended;
	bool program_stopped; /* by its terminal, as ^Z does */
	bool alone;           /* the debugger is gone */
	int children;         /* signalfd of SIGCHLD */
	int source[SOURCES];  /* -1: closed */
	bool silent[SOURCES]; /* everybody has closed his end, for now */
};

static void tell(const struct keeper *keeper, int what, int number)
{
	struct keeper_news news = {.what = what, .number = number};

	while (send(keeper->plan->socket, &news, sizeof(news), MSG_NOSIGNAL) < 0 && errno == EINTR)
		;
}

/* ---- The program ------------------------------------------------------- */

static void default_signals(void)
{
	struct sigaction action = {.sa_handler = SIG_DFL};
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		sigaction(i, &action, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static bool set_stdio(const struct keeper_plan *plan, int terminal)
{
	for (int i = 0; i < 3; i++) {
		int from = plan->stdio[i] < 0 ? terminal : plan->stdio[i];

		if (from < 0)
			from = open("/dev/null", O_RDWR);
		/* The sources are above 2: see launch.c. */
		if (dup2(from, i) < 0)
			return false;
	}
	return true;
}

static void become_program(const struct keeper_plan *plan, int terminal, int failure)
{
	int launch = plan->launch;
	int error;

	setpgid(0, 0);
	if (terminal >= 0)
		tcsetpgrp(terminal, getpid());
	if (set_stdio(plan, terminal)) {
		if (launch >= 0)
			fcntl(launch, F_SETFD, 0);
		default_signals();
		execve(plan->path, plan->argv, plan->environment);
	}
	error = errno;
	while (write(failure, &error, sizeof(error)) < 0 && errno == EINTR)
		;
	_exit(127);
}

static int start_program(struct keeper *keeper)
{
	const struct keeper_plan *plan = keeper->plan;
	int terminal = plan->terminal ? open(plan->terminal, O_RDWR | O_CLOEXEC) : -1;
	int failure[2], error = 0;
	ssize_t length;

	if (terminal >= 0)
		ioctl(terminal, TIOCSCTTY, 0);
	if (pipe2(failure, O_CLOEXEC))
		return errno;
	keeper->program = fork();
	if (keeper->program == 0)
		become_program(plan, terminal, failure[1]);
	error = keeper->program < 0 ? errno : 0;
	close(failure[1]);
	while ((length = read(failure[0], &error, sizeof(error))) < 0 && errno == EINTR)
		;
	close(failure[0]);
	if (terminal >= 0)
		close(terminal);
	return error;
}

/* ---- Watching ---------------------------------------------------------- */

static void reap(struct keeper *keeper)
{
	struct signalfd_siginfo information;
	int status;

	while (read(keeper->children, &information, sizeof(information)) > 0)
		;
	while (!keeper->program_ended &&
		   waitpid(keeper->program, &status, WNOHANG | WUNTRACED | WCONTINUED) == keeper->program) {
		int what = WIFSTOPPED(status)     ? KEEPER_STOPPED
				   : WIFCONTINUED(status) ? KEEPER_CONTINUED
										  : KEEPER_ENDED;

		keeper->program_ended = what == KEEPER_ENDED;
		keeper->program_stopped = what == KEEPER_STOPPED && WSTOPSIG(status) != SIGSTOP;
		if (!keeper->alone)
			tell(keeper, what,
				 what == KEEPER_STOPPED     ? WSTOPSIG(status)
				 : what == KEEPER_CONTINUED ? 0
											: status);
	}
}

/* The debugger is gone. */
static void be_alone(struct keeper *keeper)
{
	keeper->alone = true;
	if (keeper->program_stopped && !keeper->program_ended)
		kill(-keeper->program, SIGCONT);
}

static void copy(struct keeper *keeper, int i, const char *bytes, size_t length)
{
	int to = keeper->plan->copy[i];

	while (to >= 0 && length > 0) {
		ssize_t written = write(to, bytes, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0 && errno == EAGAIN) {
			struct pollfd room = {.fd = to, .events = POLLOUT};

			poll(&room, 1, 1000);
			continue;
		}
		if (written < 0)
			return;
		bytes += written;
		length -= (size_t)written;
	}
}

static void take_output(struct keeper *keeper, int i)
{
	char bytes[16384];
	ssize_t length = read(keeper->source[i], bytes, sizeof(bytes));

	if (length > 0) {
		keeper->silent[i] = false;
		copy(keeper, i, bytes, (size_t)length);
	} else if (length == 0 || (errno != EAGAIN && errno != EINTR)) {
		/* A pty's slave may be opened again as long as somebody has it as his terminal. */
		keeper->silent[i] = true;
		if (length == 0 || errno != EIO)
			keeper->source[i] = -1;
	}
}

/* The debugger has closed this one for good, and the program shall learn it. */
static void forget_source(struct keeper *keeper, int i)
{
	if (i < 0 || i >= SOURCES || keeper->source[i] < 0)
		return;
	close(keeper->source[i]);
	keeper->source[i] = -1;
}

static bool all_silent(const struct keeper *keeper)
{
	for (int i = 0; i < SOURCES; i++)
		if (keeper->source[i] >= 0 && !keeper->silent[i])
			return false;
	return true;
}

static void watch(struct keeper *keeper)
{
	while (!(keeper->alone && keeper->program_ended && all_silent(keeper))) {
		struct pollfd polled[2 + SOURCES] = {
			{.fd = keeper->children, .events = POLLIN},
			{.fd = keeper->alone ? -1 : keeper->plan->socket, .events = POLLIN},
		};
		bool any_silent = false;

		for (int i = 0; i < SOURCES; i++) {
			bool silent = keeper->silent[i] && keeper->source[i] >= 0;

			polled[2 + i].fd = keeper->alone && !silent ? keeper->source[i] : -1;
			polled[2 + i].events = POLLIN;
			any_silent |= silent;
		}
		if (poll(polled, 2 + SOURCES, keeper->alone && any_silent ? 200 : -1) < 0 && errno != EINTR)
			return;
		reap(keeper);
		if (!keeper->alone && polled[1].revents) {
			char number;
			ssize_t length = recv(keeper->plan->socket, &number, 1, MSG_DONTWAIT);

			if (length == 0)
				be_alone(keeper);
			if (length == 1)
				forget_source(keeper, number);
		}
		for (int i = 0; keeper->alone && i < SOURCES; i++)
			if (keeper->source[i] >= 0)
				take_output(keeper, i);
	}
}

/* ---- Being one --------------------------------------------------------- */

static void close_stdio(int fd, const struct keeper_plan *plan)
{
	int null;

	for (int i = 0; i < 3; i++)
		if (fd == plan->copy[i])
			return;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fd <= 2)
		dup2(null, fd);
	else if (fd > 2)
		close(fd);
	if (null > 2)
		close(null);
}

static bool is_needed(const struct keeper_plan *plan, int fd)
{
	bool needed = fd == plan->socket || fd == plan->launch;

	for (int i = 0; i < 3; i++)
		needed |= fd == plan->stdio[i] || fd == plan->source[i] || fd == plan->copy[i];
	return needed;
}

static void close_others(const struct keeper_plan *plan)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	long most = sysconf(_SC_OPEN_MAX);
	int highest = 2;

	for (int i = 0; i < 3; i++)
		if (!is_needed(plan, i))
			dup2(null, i);
	for (int fd = 3; fd < most && fd < 4096; fd++)
		if (is_needed(plan, fd))
			highest = fd;
		else
			close(fd);
	close_range((unsigned)highest + 1, ~0u, 0);
}

static void prepare_signals(struct keeper *keeper)
{
	static const int ignored[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM, SIGPIPE,
								  SIGTSTP, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2};
	struct sigaction action = {.sa_handler = SIG_IGN};
	sigset_t children;

	default_signals();
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		sigaction(ignored[i], &action, NULL);
	sigemptyset(&children);
	sigaddset(&children, SIGCHLD);
	sigprocmask(SIG_SETMASK, &children, NULL);
	keeper->children = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* When a session leader leaves, the kernel hangs up the terminal's foreground group: let
 * that be the keeper's own, so that children that the program left behind live on. */
static void leave_terminal(void)
{
	int terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (terminal < 0)
		return;
	tcsetpgrp(terminal, getpid());
	close(terminal);
}

static void be_keeper(const struct keeper_plan *plan)
{
	struct keeper keeper = {.plan = plan};
	int error;

	prctl(PR_SET_NAME, "coroscope-keep");
	close_others(plan);
	setsid();
	prepare_signals(&keeper);
	error = start_program(&keeper);
	/* From here on only the program has its ends: theirs is the end of output. */
	for (int i = 0; i < 3; i++) {
		keeper.source[i] = plan->source[i];
		if (plan->stdio[i] >= 0)
			close_stdio(plan->stdio[i], plan);
	}
	if (plan->launch >= 0)
		close(plan->launch);
	if (error) {
		tell(&keeper, KEEPER_FAILED, error);
		_exit(0);
	}
	tell(&keeper, KEEPER_STARTED, keeper.program);
	watch(&keeper);
	leave_terminal();
	_exit(0);
}

pid_t keeper_start(const struct keeper_plan *plan)
{
	pid_t pid = fork();

	if (pid == 0)
		be_keeper(plan);
	return pid < 0 ? -errno : pid;
}
