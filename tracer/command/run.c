/*
 * run.c - coroscope run: a program under the debugger, paused before its first event.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "command_private.h"

#define PATIENCE_MS 200 /* that a key may wait for a program that computes */

struct run_options {
	struct launch_options launch;
	bool batch;
	const char *script;
};

static void free_string(char **string)
{
	free(*string);
}

/* Whether it is a program that can be stepped. Reports, and returns the exit status, or 0. */
static int check(const char *program)
{
	_cleanup_(free_string) char *path = NULL;
	enum symbols_program kind;
	int status = find_program("run", program, &path, &kind);

	if (status || kind == SYMBOLS_TRACEABLE)
		return status;
	if (kind == SYMBOLS_INCOMPLETE) {
		report("run",
			   "%s: a library that it needs is not found, and what is found is not the coroscope "
			   "runtime; is LD_LIBRARY_PATH right?",
			   program);
		return EXIT_COULD_NOT;
	}
	report("run",
		   "%s: does not link the coroscope runtime, so there is nothing to step; link it "
		   "with libcoroscope",
		   program);
	return EXIT_COULD_NOT;
}

/* Starts it. Reports, and returns the exit status, or 0. */
static int start(char **argv, const struct run_options *options, struct session **ret)
{
	_cleanup_(free_string) char *why = NULL;
	struct target_options target_options = {.argv = argv,
											.paused = true,
											.virtual_time = options->launch.virtual_time,
											.stdio = TARGET_PTY,
											.stacks = CORO_STACKS_RECORD,
											.trace_path = options->launch.output};
	struct session_options session_options = {.patience_ms = options->batch ? 0 : PATIENCE_MS,
											  .by_event = options->batch};
	struct target *target;
	struct trace *trace;
	struct winsize size;
	int r;

	if (!options->batch && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) >= 0) {
		target_options.rows = size.ws_row;
		target_options.columns = size.ws_col;
	}
	r = target_launch(&target_options, &target, &trace, &why);
	if (r < 0) {
		if (why)
			report("run", "%s", why);
		else
			report("run", "%s: %s", argv[0], strerror(-r));
		return EXIT_COULD_NOT;
	}
	r = session_live(target, trace, &session_options, ret);
	if (r < 0) {
		report("run", "%s: %s", argv[0], strerror(-r));
		return EXIT_COULD_NOT;
	}
	return 0;
}

static int run(char **argv, const struct run_options *options)
{
	struct script script = {0};
	struct session *session;
	bool kill = false;
	int status;

	if (options->script && (status = script_read("run", options->script, &script)))
		return status;
	status = start(argv, options, &session);
	if (!status) {
		if (options->batch)
			status = batch_run("run", session, &script, &kill);
		else
			status = command_user_interface(session, &kill);
		if (options->launch.output) {
			session_resolve_trace(session_trace(session), session_symbols(session));
			trace_flush(session_trace(session));
		}
		session_free(session, kill);
	}
	script_done(&script);
	return status;
}

static int main_run(int argc, char **argv)
{
	static const struct option options[] = {
		{"batch", no_argument, NULL, 'b'},
		LAUNCH_OPTIONS,
		{0},
	};
	struct run_options chosen = {0};
	int option, status;

	while ((option = next_launch_option(&subcommand_run, argc, argv, LAUNCH_LETTERS "x:", options,
										&chosen.launch, &status)) != -1) {
		if (option != 'b' && option != 'x')
			return status;
		chosen.batch = true;
		if (option == 'x')
			chosen.script = optarg;
	}
	status = check(argv[optind]);
	if (status)
		return status;
	if (!chosen.batch && !has_terminal("run"))
		return EXIT_USAGE;
	if (!chosen.batch && !command_user_interface) {
		report("run", "this build has no user interface: use --batch");
		return EXIT_COULD_NOT;
	}
	return run(argv + optind, &chosen);
}

const struct subcommand subcommand_run = {
	"run",
	"[--batch] [-x SCRIPT] [--virtual] [-o FILE] [--] PROG [ARG...]",
	"start a program under the debugger, paused before its first event",
	"  --batch        no user interface: debugger commands from standard input\n"
	"  -x SCRIPT      no user interface: debugger commands from SCRIPT\n"
	"  --virtual      the loop's clock is virtual: sleeps take no time\n"
	"  -o FILE        keep the trace in FILE\n"
	"  --help         this\n"
	"\nIn a script, `help` lists the commands. Exit status: 1 when an `expect` failed, 2 when\n"
	"a command is not one, 3 when the program could not be started.\n",
	main_run,
};
