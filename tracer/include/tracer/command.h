#ifndef TRACER_COMMAND_H
#define TRACER_COMMAND_H
/*
 * command.h - the debugger's one language, and the subcommands of the program.
 *
 * Keys, the `:` prompt, --batch and scripts all run commands by these names. A command
 * answers with text; the UI shows it, a batch prints it.
 */
#include <stdbool.h>
#include "session.h"
#include "text.h"

enum command_status {
	COMMAND_OK,
	COMMAND_FAILED,   /* could not: the answer says why */
	COMMAND_BAD,      /* not a command, or a bad argument: the answer says which */
	COMMAND_UNEXPECTED, /* `expect` did not find its text */
	COMMAND_QUIT,
	COMMAND_COULD_NOT, /* a file could not be written: the answer says which */
};

/* State of the language itself: what `expect` compares with, marks, filters. */
struct command_context {
	struct session *session; /* borrowed */
	struct text answer;      /* of the last command, without a final newline */
	struct text previous;    /* of the command before: what `expect` looks at */
	bool kill;               /* `quit kill` was said */
};
void command_init(struct command_context *context, struct session *session);
void command_done(struct command_context *context);

/* Runs one line. Empty lines and those that begin with # do nothing. */
enum command_status command_run(struct command_context *context, const char *line);

/* The table of commands, for help and for completion. */
struct command {
	const char *name;
	const char *alias;     /* or NULL */
	const char *arguments; /* "[N]" */
	const char *sentence;
	enum command_status (*run)(struct command_context *context, int argc, char **argv);
};
extern const struct command command_table[];
extern const unsigned command_count;

/* A subcommand of the program: coroscope NAME ... */
struct subcommand {
	const char *name;
	const char *usage;    /* "FILE [--json]" */
	const char *sentence; /* one line, for --help */
	const char *help;     /* the options, for NAME --help */
	int (*main)(int argc, char **argv); /* argv[0] is the name; returns the exit status */
};
/* Exit status: 0 done, 1 found something, 2 usage, 3 could not. */
enum { EXIT_DONE = 0, EXIT_FOUND = 1, EXIT_USAGE = 2, EXIT_COULD_NOT = 3 };

/* Opens the UI on a session, and returns the exit status; the session stays the
 * caller's. Set by whoever has a UI; NULL: only --batch works. `kill` is set when the
 * user asked that the program be killed. */
extern int (*command_user_interface)(struct session *session, bool *kill);

/* The options of that UI, for the help of `run` and `replay`: lines as in `help`; "": none. Set
 * by whoever takes them. */
extern const char *command_screen_options;

/* The whole program: finds the subcommand and runs it. */
int command_main(int argc, char **argv);

#endif
