/*
 * replay.c - coroscope replay: the debugger on a recording.
 */
#include "command_private.h"

static int replay(const char *path, bool batch, const char *script_path)
{
	struct script script = {0};
	struct session *session;
	bool kill;
	int status;

	if (script_path && (status = script_read("replay", script_path, &script)))
		return status;
	status = open_source("replay", path, &session);
	if (!status) {
		if (batch)
			status = batch_run("replay", session, &script, &kill);
		else if (!has_terminal("replay"))
			status = EXIT_USAGE;
		else
			status = command_user_interface(session, &kill);
		session_free(session, false);
	}
	script_done(&script);
	return status;
}

static int main_replay(int argc, char **argv)
{
	static const struct option options[] = {
		{"batch", no_argument, NULL, 'b'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	const char *script = NULL, *path;
	bool batch = false;
	int option, status;

	while ((option = next_option(&subcommand_replay, argc, argv, ":hx:", options, &status)) != -1) {
		if (option == 'b') {
			batch = true;
		} else if (option == 'x') {
			batch = true;
			script = optarg;
		} else {
			return status;
		}
	}
	path = one_file(&subcommand_replay, argc, argv);
	if (!path)
		return EXIT_USAGE;
	if (!batch && !command_user_interface) {
		report("replay", "this build has no user interface: use --batch");
		return EXIT_COULD_NOT;
	}
	return replay(path, batch, script);
}

const struct subcommand subcommand_replay = {
	"replay",
	"[--batch] [-x SCRIPT] FILE",
	"the debugger on a recording",
	"  --batch        no user interface: debugger commands from standard input\n"
	"  -x SCRIPT      no user interface: debugger commands from SCRIPT\n"
	"  --help         this\n",
	main_replay,
};
