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
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "command_private.h"

#define LOOK_MS 1000 /* between two looks for new modules */

struct record_options {
	bool virtual_time;
	const char *output; /* NULL: PROG.coro, here */
};

struct recording {
	char **argv;
	char *path; /* owned: of the trace */
	bool made;  /* the file was not there before */
	struct target *target;
	struct trace *trace;
	struct symbols *symbols;
	bool traceable;
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

static int launch(struct recording *recording, const struct record_options *options)
{
	_cleanup_(free_string) char *why = NULL;
	struct target_options target_options = {.argv = recording->argv,
											.paused = recording->traceable,
											.virtual_time = options->virtual_time,
											.stdio = TARGET_PASS_THROUGH,
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

static void wait_for_end(struct recording *recording)
{
	struct pollfd descriptor = {.fd = target_fd(recording->target), .events = POLLIN};

	while (target_state(recording->target) != TARGET_EXITED) {
		int ready = poll(&descriptor, 1, LOOK_MS);

		if (ready == 0 && recording->traceable)
			symbols_add_modules(recording->symbols, target_pid(recording->target));
		if (ready > 0)
			target_attend(recording->target);
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
	fprintf(stderr, "coroscope: %llu events, %llu lost, %llu bytes, %.3f s: %s\n",
			(unsigned long long)count, (unsigned long long)trace_lost(trace),
			(unsigned long long)trace_bytes(trace), seconds, recording->path);
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

static int record(char **argv, const struct record_options *options)
{
	_cleanup_(free_string) char *program = NULL;
	struct recording recording = {.argv = argv};
	enum symbols_program kind;
	int status = find_program("record", argv[0], &program, &kind);

	if (status)
		return status;
	recording.traceable = kind == SYMBOLS_TRACEABLE;
	if (options->output)
		recording.path = strdup(options->output);
	else if (asprintf(&recording.path, "%s.coro", basename(program)) < 0)
		recording.path = NULL;
	status = recording.path ? check_output(&recording) : EXIT_COULD_NOT;
	if (!status) {
		status = launch(&recording, options);
		if (!status) {
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

static int main_record(int argc, char **argv)
{
	static const struct option options[] = {
		{"output", required_argument, NULL, 'o'},
		{"policy", required_argument, NULL, 'p'},
		{"virtual", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	struct record_options chosen = {0};
	int option, status;

	while ((option = next_option(&subcommand_record, argc, argv, "+:ho:", options, &status)) !=
		   -1) {
		if (option == 'o') {
			chosen.output = optarg;
		} else if (option == 'v') {
			chosen.virtual_time = true;
		} else if (option != 'p') {
			return status;
		} else if (strcmp(optarg, "drop") == 0 || strcmp(optarg, "overwrite") == 0) {
			report("record", "--policy %s is not part of this version: only block is", optarg);
			return EXIT_USAGE;
		} else if (strcmp(optarg, "block") != 0) {
			report("record", "--policy: '%s' is not a policy: only block is", optarg);
			return EXIT_USAGE;
		}
	}
	if (optind == argc) {
		report("record", "which program? see coroscope record --help");
		return EXIT_USAGE;
	}
	return record(argv + optind, &chosen);
}

const struct subcommand subcommand_record = {
	"record",
	"[-o FILE] [--policy block] [--virtual] [--] PROG [ARG...]",
	"run a program at full speed and write its trace",
	"  -o FILE        where to (PROG.coro, in this folder)\n"
	"  --policy WHAT  what happens when the recorder cannot follow: block, the program waits\n"
	"  --virtual      the loop's clock is virtual: sleeps take no time\n"
	"  --help         this\n"
	"\nThe exit status is the program's (128 + N when signal N killed it), or 3 when it could not\n"
	"be recorded.\n",
	main_record,
};
