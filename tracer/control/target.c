/*
 * target.c - the functions of target.h.
 *
 * Commands to the gate count generations. A drain that finds the program at rest notes the
 * generation in which it looked; target_settle() waits until that is the current one, so
 * that a rest from before the last command is not taken for one after it.
 *
 *            step, continue, pause                rest in this generation
 *     PAUSED ──────────────────────► RUNNING ───────────────────────────► PAUSED
 *                                       │ the program's end, drained
 *                                       └───────────────────────────────► EXITED
 */
#include "merge.h"
#include "target_private.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <tracer/symbols.h>

#define SLICE_MS  50
#define KEEPER_MS 200  /* in which the keeper of a program that has ended leaves */
#define KILL_MS   2000 /* in which a killed program is gone */

/* ---- Signals for a program whose terminal is passed through ------------ */

static const int forwarded[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP};
#define FORWARDED (sizeof(forwarded) / sizeof(forwarded[0]))
static struct sigaction signals_before[FORWARDED];
static struct sigaction stop_before;
static volatile pid_t forward_to;           /* the program's group; 0: nobody */
static volatile sig_atomic_t asked_to_stop; /* by SIGTSTP */

/* One that is stopped hears a signal only when it goes on. */
static void forward(int number)
{
	int saved = errno;

	if (forward_to) {
		kill(-forward_to, number);
		kill(-forward_to, SIGCONT);
	}
	errno = saved;
}

/* The program stops first, if it likes: see target_follow_job(). */
static void forward_stop(int number)
{
	int saved = errno;

	asked_to_stop = 1;
	if (forward_to)
		kill(-forward_to, number);
	errno = saved;
}

static void catch_stop(void)
{
	struct sigaction action = {.sa_handler = forward_stop, .sa_flags = SA_RESTART};

	sigaction(SIGTSTP, NULL, &stop_before);
	if (stop_before.sa_handler != SIG_IGN)
		sigaction(SIGTSTP, &action, NULL);
}

static void begin_forwarding(pid_t group)
{
	struct sigaction action = {.sa_handler = forward, .sa_flags = SA_RESTART};

	forward_to = group;
	for (size_t i = 0; i < FORWARDED; i++)
		sigaction(forwarded[i], &action, &signals_before[i]);
	catch_stop();
}

static void end_forwarding(void)
{
	forward_to = 0;
	for (size_t i = 0; i < FORWARDED; i++)
		sigaction(forwarded[i], &signals_before[i], NULL);
	sigaction(SIGTSTP, &stop_before, NULL);
}

void target_follow_job(struct target *target)
{
	bool stopped, typed;

	pthread_mutex_lock(&target->lock);
	typed = target->terminal.relay_input;
	stopped = target->stopped && target->state != TARGET_EXITED && (typed || asked_to_stop);
	if (stopped)
		terminal_leave(&target->terminal);
	pthread_mutex_unlock(&target->lock);
	if (stopped) {
		sigaction(SIGTSTP, &stop_before, NULL);
		/* Whoever shares the terminal with us would have got what was typed as well. This
		 * returns when we go on, or at once when nobody could let us go on. */
		kill(typed ? 0 : getpid(), SIGTSTP);
		catch_stop();
		asked_to_stop = 0;
	}
	pthread_mutex_lock(&target->lock);
	terminal_enter(&target->terminal);
	if (stopped) {
		target->stopped = false;
		kill(-target->pid, SIGCONT);
	}
	pthread_mutex_unlock(&target->lock);
}

/* ---- Life cycle -------------------------------------------------------- */

static void free_parts(struct target *target)
{
	terminal_close(&target->terminal);
	flight_done(&target->flight);
	baseline_free(target->baseline);
	symbols_free(target->symbols);
	for (unsigned i = 0; target->window && i < CORO_RINGS; i++)
		free(target->window[i].slot);
	free(target->window);
	live_free(target->live);
	if (target->keeper_socket >= 0)
		close(target->keeper_socket);
	if (target->news >= 0)
		close(target->news);
	if (target->poke >= 0)
		close(target->poke);
	pthread_cond_destroy(&target->changed);
	pthread_mutex_destroy(&target->lock);
	free(target);
}

/* One without a program. NULL: out of memory. */
static struct target *target_new(void)
{
	struct target *target = calloc(1, sizeof(*target));
	pthread_condattr_t monotonic;

	if (!target)
		return NULL;
	target->keeper_socket = -1;
	target->terminal.master = -1;
	for (int i = 0; i < TARGET_SOURCES; i++)
		target->terminal.source[i] = target->terminal.stdio[i] = -1;
	pthread_mutex_init(&target->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&target->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	target->news = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	target->poke = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	target->generation = 1;
	target->state = TARGET_RUNNING;
	if (target->news >= 0 && target->poke >= 0)
		return target;
	free_parts(target);
	return NULL;
}

static int give_up(struct target *target, struct trace *trace, int result)
{
	recorder_stop(target);
	free_parts(target);
	trace_free(trace);
	return result;
}

int target_attach(uint32_t pid, const char *trace_path, struct target **ret,
				  struct trace **ret_trace, char **ret_why)
{
	struct target *target = target_new();
	struct trace *trace = NULL;
	int result;

	*ret_why = NULL;
	if (!target)
		return -ENOMEM;
	target->attached = true;
	result = attach_program(target, pid, trace_path, &trace, ret_why);
	if (result < 0)
		return give_up(target, trace, result);
	*ret = target;
	*ret_trace = trace;
	return 0;
}

int target_launch(const struct target_options *options, struct target **ret,
				  struct trace **ret_trace, char **ret_why)
{
	struct target *target = target_new();
	struct trace *trace = NULL;
	int result;

	*ret_why = NULL;
	if (!target)
		return -ENOMEM;
	result = launch_program(target, options, &trace, ret_why);
	if (result < 0)
		return give_up(target, trace, result);
	if (options->stdio == TARGET_PASS_THROUGH)
		begin_forwarding(target->pid);
	*ret = target;
	*ret_trace = trace;
	return 0;
}

/* The keeper of a program that has ended leaves at once, unless a child of the program still
 * has its terminal: then it is init's, in the end. */
static void reap_keeper(pid_t keeper)
{
	int fd = (int)syscall(SYS_pidfd_open, keeper, 0);

	if (fd >= 0) {
		poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, KEEPER_MS);
		close(fd);
	}
	waitpid(keeper, NULL, WNOHANG);
}

void target_free(struct target *target)
{
	if (!target)
		return;
	if (target->killed)
		target_settle(target, KILL_MS);
	if (forward_to == target->pid)
		end_forwarding();
	recorder_stop(target);
	if (target->state == TARGET_EXITED && !trace_ended(target->trace, NULL))
		trace_finish(target->trace, target->status);
	/* The keeper leaves when its socket closes, unless the program still runs. */
	close(target->keeper_socket);
	target->keeper_socket = -1;
	if (target->state == TARGET_EXITED && !target->attached)
		reap_keeper(target->keeper);
	free_parts(target);
}

/* ---- Looking ----------------------------------------------------------- */

int target_fd(struct target *target)
{
	return target->news;
}

void target_attend(struct target *target)
{
	uint64_t count;

	while (read(target->news, &count, sizeof(count)) < 0 && errno == EINTR)
		;
}

enum target_state target_state(struct target *target)
{
	enum target_state state;

	pthread_mutex_lock(&target->lock);
	state = target->state;
	pthread_mutex_unlock(&target->lock);
	return state;
}

int target_status(struct target *target)
{
	int status;

	pthread_mutex_lock(&target->lock);
	status = target->status;
	pthread_mutex_unlock(&target->lock);
	return status;
}

int target_error(struct target *target)
{
	int error;

	pthread_mutex_lock(&target->lock);
	error = target->error;
	pthread_mutex_unlock(&target->lock);
	return error;
}

uint32_t target_pid(struct target *target)
{
	return (uint32_t)target->pid;
}

bool target_is_attached(struct target *target)
{
	return target->attached;
}

unsigned target_silent(struct target *target, uint32_t *ret, unsigned room)
{
	unsigned silent = 0;

	pthread_mutex_lock(&target->lock);
	if (target->attached && target->state != TARGET_EXITED)
		live_threads(target->live, ret, room, &silent);
	pthread_mutex_unlock(&target->lock);
	return silent;
}

bool target_has_probe(struct target *target)
{
	return target->has_probe;
}

/* ---- Gate -------------------------------------------------------------- */

static void command(struct target *target, enum coro_run_state state, uint64_t budget,
					uint64_t breaks)
{
	pthread_mutex_lock(&target->lock);
	if (target->live && target->state != TARGET_EXITED) {
		target->generation++;
		target->state = TARGET_RUNNING;
		target->deep = false;
		target->inexact |= state == CORO_RUN || budget > 1;
		live_set_breaks(target->live, breaks);
		live_set_gate(target->live, state, budget);
	}
	pthread_mutex_unlock(&target->lock);
}

void target_step(struct target *target, uint64_t count)
{
	if (count)
		command(target, CORO_STEP, count, 0);
}

void target_continue(struct target *target, uint64_t break_kinds)
{
	command(target, CORO_RUN, 0, break_kinds & (((uint64_t)1 << CORO_EVENT_LIMIT) - 1));
}

void target_pause(struct target *target)
{
	command(target, CORO_PAUSE, 0, 0);
}

static int64_t now_ms(void)
{
	return (int64_t)(recorder_now() / 1000000u);
}

/* Sleeps until the program says something, or for a slice. Without the lock. */
static void wait_a_little(struct target *target, uint32_t mark, int slice)
{
	struct timespec until;

	if (target->live) {
		pthread_mutex_unlock(&target->lock);
		live_sleep(target->live, mark, slice);
		pthread_mutex_lock(&target->lock);
		return;
	}
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += slice * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	pthread_cond_timedwait(&target->changed, &target->lock, &until);
}

int target_settle(struct target *target, int timeout_ms)
{
	int64_t end = now_ms() + timeout_ms;
	int result = -ETIMEDOUT;

	pthread_mutex_lock(&target->lock);
	for (;;) {
		uint32_t mark = target->live ? live_mark(target->live, !target->deep) : 0;
		int64_t left;

		recorder_drain(target);
		if (target->state == TARGET_EXITED ||
			(target->state == TARGET_PAUSED && target->settled == target->generation)) {
			result = 0;
			break;
		}
		left = timeout_ms < 0 ? SLICE_MS : end - now_ms();
		if (left <= 0)
			break;
		wait_a_little(target, mark, left < SLICE_MS ? (int)left : SLICE_MS);
	}
	pthread_mutex_unlock(&target->lock);
	return result;
}

void target_take(struct target *target)
{
	uint64_t one = 1;

	pthread_mutex_lock(&target->lock);
	target->wanted = true;
	pthread_mutex_unlock(&target->lock);
	while (write(target->poke, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

void target_kill(struct target *target)
{
	pthread_mutex_lock(&target->lock);
	if (!target->ended)
		kill(target->pid, SIGKILL);
	target->killed = true;
	if (target->state == TARGET_PAUSED)
		target->state = TARGET_RUNNING;
	target->generation++;
	pthread_mutex_unlock(&target->lock);
}

/* ---- Terminal ---------------------------------------------------------- */

int target_write(struct target *target, const char *data, size_t length)
{
	return terminal_write(&target->terminal, data, length);
}

void target_resize(struct target *target, unsigned short rows, unsigned short columns)
{
	struct winsize size = {.ws_row = rows, .ws_col = columns};

	pthread_mutex_lock(&target->lock);
	if (target->terminal.master >= 0) {
		target->terminal.rows = rows;
		target->terminal.columns = columns;
		ioctl(target->terminal.master, TIOCSWINSZ, &size);
	}
	pthread_mutex_unlock(&target->lock);
}
