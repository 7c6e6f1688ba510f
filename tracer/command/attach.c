/*
 * attach.c - coroscope attach: the debugger on a program that runs already.
 */
#include "command_private.h"

#define PATIENCE_MS 200 /* that a key may wait for a program that computes */

static int debug(const char *pid, bool batch, const char *script_path, const char *output)
{
	struct session_options options = {.patience_ms = batch ? 0 : PATIENCE_MS, .by_event = batch};
	struct script script = {0};
	struct session *session;
	bool kill = false;
	int status;

	if (script_path && (status = script_read("attach", script_path, &script)))
		return status;
	status = attach("attach", pid, output, &options, &session);
	if (!status) {
		if (batch)
			session_pause(session);
		session_goto(session, session_head(session));
		if (batch) {
			status = batch_run("attach", session, &script, &kill);
		} else {
			session_play(session);
			status = command_user_interface(session, &kill);
		}
		if (output) {
			session_resolve_trace(session_trace(session), session_symbols(session));
			trace_flush(session_trace(session));
		}
		session_free(session, kill);
	}
	script_done(&script);
	return status;
}

static int main_attach(int argc, char **argv)
{
	static const struct option options[] = {
		{"batch", no_argument, NULL, 'b'},
		{"output", required_argument, NULL, 'o'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	const char *script = NULL, *output = NULL, *pid;
	bool batch = false;
	int option, status;

	while ((option = next_option(&subcommand_attach, argc, argv, ":hx:o:", options, &status)) !=
		   -1) {
		if (option == -2)
			return status;
		batch |= option != 'o';
		if (option == 'x')
			script = optarg;
		else if (option == 'o')
			output = optarg;
	}
	pid = one_file(&subcommand_attach, argc, argv);
	if (!pid)
		return EXIT_USAGE;
	if (!batch && !has_terminal("attach"))
		return EXIT_USAGE;
	if (!batch && !command_user_interface) {
		report("attach", "this build has no user interface: use --batch");
		return EXIT_COULD_NOT;
	}
	return debug(pid, batch, script, output);
}

const struct subcommand subcommand_attach = {
	"attach",
	"[--batch] [-x SCRIPT] [-o FILE] PID",
	"the debugger on a program that runs already; leaving lets it go on",
	"  --batch        no user interface: debugger commands from standard input\n"
	"  -x SCRIPT      no user interface: debugger commands from SCRIPT\n"
	"  -o FILE        keep what is recorded from now on in FILE\n"
	"  --help         this\n"
	"\nThe program needs no preparation but to link the runtime; `coroscope list` shows those "
	"that\n"
	"do. What it had before is known as far as it keeps it: its coroutines, what they wait for, "
	"where\n"
	"they were made; not what it did. In a script it is held before its next event; in the\n"
	"user interface it runs until you pause it.\n",
	main_attach,
};
