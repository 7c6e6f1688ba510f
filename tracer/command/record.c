/*
 * record.c - coroscope record: run a program at full speed, and write its trace.
 *
 * The order matters: what can be wrong is found before the program is started, and the
 * file is there before its first event. The program's files are opened while it waits at the
 * gate, for one that ends at once leaves no second chance. Signals that ask us to end go to the
 * program (target.h), and what it does then is recorded.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "command_private.h"

#define LOOK_MS    100 /* between two looks for new modules: dlopen() is not told to anybody */
#define NOT_LOADED 127 /* exit status of a program whose libraries are not all there */

/* What becomes of events when the recorder cannot follow. */
struct policy {
	enum coro_policy policy;
	uint64_t block_ms, last_bytes; /* 0: not said */
	bool no_stacks;
};

struct recording {
	char **argv;
	char *path; /* owned: of the trace */
	bool made;  /* the file was not there before */
	struct target *target;
	struct trace *trace;
	struct symbols *symbols;
	const struct policy *policy;
	bool traceable;
	bool incomplete; /* a library that it needs was not found */
};

static void free_string(char **string)
{
	free(*string);
}

/* The trace can be written: found out before anything is started. */
static int check_output(struct recording *recording)
{
	struct stat status;
	int fd;

	if (stat(recording->path, &status) >= 0 && !S_ISREG(status.st_mode)) {
		report("record", "%s: %s", recording->path,
			   S_ISDIR(status.st_mode) ? "is a folder" : "is not a regular file");
		return EXIT_COULD_NOT;
	}
	fd = open(recording->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	recording->made = fd >= 0;
	if (fd < 0 && errno == EEXIST)
		fd = open(recording->path, O_WRONLY | O_CLOEXEC);
	if (fd < 0) {
		report("record", "%s: cannot be written: %s", recording->path, strerror(errno));
		return EXIT_COULD_NOT;
	}
	close(fd);
	return 0;
}

static int launch(struct recording *recording, const struct launch_options *options)
{
	_cleanup_(free_string) char *why = NULL;
	struct target_options target_options = {
		.argv = recording->argv,
		.paused = recording->traceable,
		.virtual_time = options->virtual_time,
		.stdio = TARGET_PASS_THROUGH,
		.policy = recording->policy->policy,
		.block_ms = (uint32_t)recording->policy->block_ms,
		.last_bytes = recording->policy->last_bytes,
		.stacks = recording->policy->no_stacks ? CORO_STACKS_NONE : CORO_STACKS_RECORD,
		.stack_bytes = TARGET_STACK_BYTES,
		.trace_path = recording->path};
	int r = target_launch(&target_options, &recording->target, &recording->trace, &why);

	if (r >= 0)
		r = symbols_new(recording->trace, true, &recording->symbols);
	if (r < 0) {
		if (why)
			report("record", "%s", why);
		else
			report("record", "%s: %s", recording->argv[0], strerror(-r));
		return EXIT_COULD_NOT;
	}
	if (!recording->traceable)
		return 0;
	symbols_add_modules(recording->symbols, target_pid(recording->target));
	target_continue(recording->target, 0);
	return 0;
}

/* SIGUSR1 asks for what is there now. */
static volatile sig_atomic_t asked;

static void ask(int number)
{
	asked = 1;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

static void wait_for_end(struct recording *recording)
{
	int64_t looked = now_ms();
	struct pollfd descriptor = {.fd = target_fd(recording->target), .events = POLLIN};
	struct timespec look = {.tv_sec = LOOK_MS / 1000, .tv_nsec = LOOK_MS % 1000 * 1000000L};
	sigset_t before;

	sigprocmask(SIG_SETMASK, NULL, &before);
	sigdelset(&before, SIGUSR1);
	while (target_state(recording->target) != TARGET_EXITED) {
		int ready = ppoll(&descriptor, 1, &look, &before);

		if (asked) {
			asked = 0;
			target_take(recording->target);
		}
		/* A busy program has news all the time. */
		if (recording->traceable && (ready == 0 || now_ms() - looked >= LOOK_MS)) {
			looked = now_ms();
			symbols_add_modules(recording->symbols, target_pid(recording->target));
		}
		if (ready > 0)
			target_attend(recording->target);
		target_follow_job(recording->target);
	}
	target_settle(recording->target, -1);
}

static void summarise(const struct recording *recording)
{
	struct trace *trace = recording->trace;
	uint64_t count = trace_count(trace);
	struct trace_event event;
	double seconds = 0;

	if (count && trace_event(trace, count, &event) >= 0)
		seconds = (double)event.t / 1e9;
	fflush(stdout);
	fprintf(stderr, "coroscope: %llu events, %llu lost, ", (unsigned long long)count,
			(unsigned long long)trace_lost(trace));
	if (trace_damage(trace))
		fprintf(stderr, "%llu damaged, ", (unsigned long long)trace_damage(trace));
	fprintf(stderr, "%llu bytes, %.3f s: %s\n", (unsigned long long)trace_bytes(trace), seconds,
			recording->path);
}

/* The program has ended: finishes the trace. Returns the exit status. */
static int complete(struct recording *recording)
{
	int status = target_status(recording->target);
	int r = target_error(recording->target);

	if (r >= 0)
		r = session_complete_trace(recording->trace, recording->symbols, status);
	if (r < 0) {
		report("record", "%s: could not be written to its end: %s", recording->path, strerror(-r));
		return EXIT_COULD_NOT;
	}
	if (!recording->traceable || !target_has_probe(recording->target)) {
		if (recording->incomplete && WIFEXITED(status) && WEXITSTATUS(status) == NOT_LOADED)
			report("record",
				   "%s: could not be started: it exited with status %d before it reached main; is "
				   "LD_LIBRARY_PATH right?",
				   recording->argv[0], NOT_LOADED);
		else
			report("record",
				   "%s: does not link the coroscope runtime: it ran, and there is no trace of it",
				   recording->argv[0]);
		if (recording->made)
			unlink(recording->path);
		return EXIT_COULD_NOT;
	}
	summarise(recording);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void hear_questions(void)
{
	struct sigaction action = {.sa_handler = ask, .sa_flags = SA_RESTART};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL); /* but while it waits for the end */
	sigaction(SIGUSR1, &action, NULL);
}

static int record(char **argv, const struct launch_options *options, const struct policy *policy)
{
	_cleanup_(free_string) char *program = NULL;
	struct recording recording = {.argv = argv, .policy = policy};
	enum symbols_program kind;
	int status = find_program("record", argv[0], &program, &kind);

	if (status)
		return status;
	recording.traceable = kind == SYMBOLS_TRACEABLE;
	recording.incomplete = kind == SYMBOLS_INCOMPLETE;
	if (options->output)
		recording.path = strdup(options->output);
	else if (asprintf(&recording.path, "%s.coro", basename(program)) < 0)
		recording.path = NULL;
	status = recording.path ? check_output(&recording) : EXIT_COULD_NOT;
	if (!status) {
		status = launch(&recording, options);
		if (!status) {
			hear_questions();
			wait_for_end(&recording);
			status = complete(&recording);
		} else if (recording.made) {
			unlink(recording.path);
		}
	}
	if (recording.target)
		target_free(recording.target);
	symbols_free(recording.symbols);
	trace_free(recording.trace);
	free(recording.path);
	return status;
}

/* Choices of which this version has one. */
static const struct choice {
	int option;
	const char *name, *only;
	const char *others[2]; /* that there may be one day */
} choices[] = {
	{'c', "clock", "switch", {"full", NULL}},
};

/* Whether that is what is done. Reports if not. */
static bool check_choice(int option, const char *value)
{
	const struct choice *choice = choices;

	while (choice->option != option)
		choice++;
	if (strcmp(value, choice->only) == 0)
		return true;
	for (unsigned i = 0; i < 2 && choice->others[i]; i++) {
		if (strcmp(value, choice->others[i]) == 0) {
			report("record", "--%s %s is not part of this version: only %s is", choice->name, value,
				   choice->only);
			return false;
		}
	}
	report("record", "--%s: '%s' is not known: only %s is", choice->name, value, choice->only);
	return false;
}

#define LAST_DEFAULT ((uint64_t)64 << 20)
#define LAST_MOST    (sizeof(struct coro_trace_slot) << CORO_RING_LOG2_MOST)

/* Bytes: a number, perhaps with K, M or G after it. */
static bool parse_bytes(const char *text, uint64_t *ret)
{
	char *end;
	unsigned long long number;
	unsigned shift = 0;

	errno = 0;
	number = strtoull(text, &end, 10);
	if (*end == 'K' || *end == 'M' || *end == 'G')
		shift = *end == 'K' ? 10 : *end++ == 'M' ? 20 : 30;
	if (shift == 10)
		end++;
	if (text[0] < '0' || text[0] > '9' || *end || errno || !number || number > LAST_MOST >> shift) {
		report("record", "--last: '%s' is not a size from 1 to %lluM", text,
			   (unsigned long long)(LAST_MOST >> 20));
		return false;
	}
	*ret = (uint64_t)number << shift;
	return true;
}

static bool parse_policy(const char *text, enum coro_policy *ret)
{
	static const char *const names[] = {
		[CORO_POLICY_BLOCK] = "block",
		[CORO_POLICY_DROP] = "drop",
		[CORO_POLICY_OVERWRITE] = "overwrite",
	};

	for (unsigned i = 0; i < CORO_POLICY_LIMIT; i++) {
		if (strcmp(text, names[i]) == 0) {
			*ret = i;
			return true;
		}
	}
	report("record", "--policy: '%s' is not known: block, drop and overwrite are", text);
	return false;
}

static bool parse_option(int option, const char *text, struct policy *policy)
{
	switch (option) {
	case 'p':
		return parse_policy(text, &policy->policy);
	case 't':
		if (!parse_number("record", "--block-timeout", text, &policy->block_ms))
			return false;
		if (policy->block_ms > 0 && policy->block_ms <= INT_MAX)
			return true;
		report("record", "--block-timeout: '%s' is not a number of milliseconds from 1", text);
		return false;
	case 'l':
		return parse_bytes(text, &policy->last_bytes);
	case 's':
		policy->no_stacks = strcmp(text, "none") == 0;
		if (policy->no_stacks || strcmp(text, "full") == 0)
			return true;
		report("record", "--stacks: '%s' is not known: full and none are", text);
		return false;
	default:
		return check_choice(option, text);
	}
}

/* Whether they go together. */
static bool check_policy(struct policy *policy)
{
	if (policy->block_ms && policy->policy != CORO_POLICY_BLOCK) {
		report("record", "--block-timeout: only with --policy block does the program wait");
		return false;
	}
	if (policy->last_bytes && policy->policy != CORO_POLICY_OVERWRITE) {
		report("record", "--last: only with --policy overwrite are the last events kept");
		return false;
	}
	if (policy->policy == CORO_POLICY_OVERWRITE && !policy->last_bytes)
		policy->last_bytes = LAST_DEFAULT;
	return true;
}

static int main_record(int argc, char **argv)
{
	static const struct option options[] = {
		{"policy", required_argument, NULL, 'p'},
		{"block-timeout", required_argument, NULL, 't'},
		{"last", required_argument, NULL, 'l'},
		{"stacks", required_argument, NULL, 's'},
		{"clock", required_argument, NULL, 'c'},
		LAUNCH_OPTIONS,
		{0},
	};
	struct launch_options chosen = {0};
	struct policy policy = {0};
	int option, status;

	while ((option = next_launch_option(&subcommand_record, argc, argv, LAUNCH_LETTERS, options,
										&chosen, &status)) != -1) {
		if (option == -2)
			return status;
		if (!parse_option(option, optarg, &policy))
			return EXIT_USAGE;
	}
	if (!check_policy(&policy))
		return EXIT_USAGE;
	return record(argv + optind, &chosen, &policy);
}

const struct subcommand subcommand_record = {
	"record",
	"[-o FILE] [--policy block|drop|overwrite] [--block-timeout MS] [--last SIZE] [--stacks "
	"full|none]\n"
	"                        [--clock switch] [--virtual] [--] PROG [ARG...]",
	"run a program at full speed and write its trace",
	"  -o FILE        where to (PROG.coro, in this folder)\n"
	"  --policy WHAT  what happens when the recorder cannot follow: block, the program waits;\n"
	"                 drop, events are lost, and counted where they are missing; overwrite, a\n"
	"                 flight recorder: the program writes over its oldest events, and the last\n"
	"                 ones are written to FILE when it ends or crashes, and on SIGUSR1\n"
	"  --block-timeout MS   with block: events are dropped when it has waited so long\n"
	"  --last SIZE    with overwrite: how much of each thread's events is kept (64M)\n"
	"  --stacks WHAT  what is kept of the stacks of suspended coroutines: full, up to 64 MiB a "
	"second\n"
	"                 of each thread (the rest is marked), or none\n"
	"  --clock WHAT   when the clock is read: switch, at each change of who runs\n"
	"  --virtual      the loop's clock is virtual: sleeps take no time\n"
	"  --help         this\n"
	"\nThe exit status is the program's (128 + N when signal N killed it), or 3 when it could not\n"
	"be recorded.\n",
	main_record,
};
