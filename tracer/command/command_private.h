#ifndef COMMAND_PRIVATE_H
#define COMMAND_PRIVATE_H
/*
 * command_private.h - what the files of the commands share.
 *
 *   main.c        finds the subcommand
 *   attach.c list.c run.c record.c replay.c ps.c tree.c stack.c events.c stat.c export.c   one each
 *   program.c     what is checked before a program is started or a trace is shown
 *   batch.c       a script of debugger commands
 *   language.c    one line of it
 *   table.c       the table of debugger commands
 *   moving.c looking.c breaking.c    what they do
 *   objects.c awaits.c stacks.c    lists, trees, stacks and JSON of what there is
 *   filter.c      expressions of `events --filter`, and of `break`
 *   columns.c     aligned text
 */
#include <getopt.h>
#include <tracer/command.h>
#include <tracer/export.h>
#include <tracer/json.h>

#define _cleanup_(function) __attribute__((cleanup(function)))

static inline void text_cleanup(struct text *text)
{
	text_done(text);
}

/* ---- program.c --------------------------------------------------------- */

/* One line on stderr: "coroscope: NAME: ...". */
void report(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The next option of a subcommand, as getopt_long says it; -1 after the last. --help and
 * mistakes are answered here: then -2, and *ret_status is what to exit with. */
int next_option(const struct subcommand *subcommand, int argc, char **argv, const char *letters,
				const struct option *options, int *ret_status);
/* The options that `run` and `record` share: how the program is started, and where its trace
 * goes. */
struct launch_options {
	bool virtual_time;
	const char *output; /* NULL: not said */
};
#define LAUNCH_OPTIONS                                                                             \
	{"virtual", no_argument, NULL, 'v'}, {"output", required_argument, NULL, 'o'},                 \
	{                                                                                              \
		"help", no_argument, NULL, 'h'                                                             \
	}
#define LAUNCH_LETTERS "+:ho:"
/* As next_option(), but these options are taken here. -1: the program comes next; when there is
 * none, that is a mistake. */
int next_launch_option(const struct subcommand *subcommand, int argc, char **argv,
					   const char *letters, const struct option *options,
					   struct launch_options *launch, int *ret_status);
/* A number of an option, 0 .. UINT64_MAX; false after a report. */
bool parse_number(const char *name, const char *option, const char *text, uint64_t *ret);

/* Looks up a program as a shell would: the path is malloc'ed. Reports, and returns the exit
 * status when there is none that could be started; 0 otherwise. */
int find_program(const char *name, const char *program, char **ret_path,
				 enum symbols_program *ret_kind);

/* A session on a running process, with its number as text, recorded into `output` (NULL: a file of its
 * own). Says which threads have not answered. Reports, and returns the exit status, or 0. */
int attach(const char *name, const char *text, const char *output,
		   const struct session_options *options, struct session **ret);
/* A session on a trace file. Reports, and returns the exit status; 0: it is there. */
int open_source(const char *name, const char *path, struct session **ret);
/* Opens a source, goes to after event `at` (UINT64_MAX: the end), and shows what is there. Returns what to
 * exit with: after a report, or what `show` returns. */
int show_moment(const char *name, const char *path, uint64_t at,
				int (*show)(void *context, struct session *session), void *context);
/* The whole of a subcommand that lists what there is: [--at N] [--all] [--json] FILE. */
#define SHOW_USAGE "[--at N] [--all] [--json] FILE"
#define SHOW_HELP                                                                                  \
	"  --at N         as they were after event N (the end)\n"                                      \
	"  --all          every object: futures, locks, queues, timers too\n"                          \
	"  --json         as a JSON array\n"                                                           \
	"  --help         this\n"
int show_source(const struct subcommand *subcommand, int argc, char **argv,
				void (*list)(struct session *, bool, struct text *),
				cJSON *(*list_json)(struct session *, bool));
/* The one file that the arguments end with. NULL after a report: none, or several. */
const char *one_file(const struct subcommand *subcommand, int argc, char **argv);
/* Says which part of a trace turned out to be damaged, if more than `torn` bytes are by now. */
void report_damage(const char *name, const char *path, struct trace *trace, uint64_t torn);
/* Prints one JSON value as one line, and deletes it. */
void json_print_line(cJSON *json);
/* Whether there is a terminal to open the UI on; reports if not. */
bool has_terminal(const char *name);

/* ---- batch.c ----------------------------------------------------------- */

/* The lines of a script. */
struct script {
	char **line; /* owned, each owned; NULL: they are read from standard input */
	size_t count;
};
void script_done(struct script *script);
int script_read(const char *name, const char *path, struct script *ret);
/* Runs it. Returns the exit status; *ret_kill: `quit kill` was said. */
int batch_run(const char *name, struct session *session, const struct script *script,
			  bool *ret_kill);

/* ---- language.c -------------------------------------------------------- */

/* The command of that name or alias, or NULL. */
const struct command *command_find(const char *name);
/* A bad argument: the answer says which. */
enum command_status bad(struct command_context *context, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* ---- the commands themselves ------------------------------------------- */

typedef enum command_status command_function(struct command_context *context, int argc,
											 char **argv);

/* moving.c */
command_function run_event, run_back, run_turn, run_into, run_over, run_out, run_done_step,
	run_continue;
command_function run_reverse_into, run_reverse_over, run_reverse_out, run_reverse_done,
	run_reverse_continue;
command_function run_goto, run_mark, run_find, run_reverse_find;
/* looking.c */
command_function run_ps, run_tree, run_chain, run_select, run_source, run_output, run_events;
command_function run_save;
/* stacks.c */
command_function run_stack, run_locals, run_print;
/* export.c */
command_function run_export;
/* breaking.c */
command_function run_break, run_tbreak, run_breakpoints, run_delete;
/* language.c */
command_function run_expect, run_help, run_quit;

/* ---- columns.c --------------------------------------------------------- */

/* Rows of cells that are printed under each other, each column as wide as its widest cell,
 * two blanks between. */
struct columns {
	char **cell; /* owned, each owned; rows of `width` cells */
	size_t count, room;
	unsigned width;
	unsigned right; /* bit i: column i is right-aligned */
};
void columns_done(struct columns *columns);
/* Takes the text out of `text`, which is empty then. */
void columns_add(struct columns *columns, struct text *text);
void columns_add_string(struct columns *columns, const char *string);
/* Lines without a final newline. */
void columns_print(const struct columns *columns, struct text *ret);

/* ---- objects.c --------------------------------------------------------- */

/* Whether `ps` shows it without --all: bodies and tasks. */
bool is_coroutine(const struct world_object *object);
void objects_list(struct session *session, bool all, struct text *ret);
cJSON *objects_json(struct session *session, bool all);
/* Where an object stands, as text. */
void object_place(struct text *text, struct session *session, const struct world_object *object);
/* What can be said of its kind, of those that facts.h lists and of the futures of gather and wait: the
 * keys stand in docs/commands.md. */
void object_add_facts(cJSON *json, const struct world *world, const struct world_object *object);
/* A line about one object: "internal #2  generator  suspended  channel.c:12". */
void object_line(struct session *session, const struct world_object *object, struct text *ret);

/* ---- looking.c --------------------------------------------------------- */

/* The object that an optional ID or name names; without one, the subject of a step. NULL: there is
 * none, which is answered, with the status to return. */
const struct world_object *command_object(struct command_context *context, int argc, char **argv,
										  enum command_status *ret_status);

/* ---- stacks.c ---------------------------------------------------------- */

struct backtrace;
struct stack_options {
	bool locals;  /* with the variables of each frame */
	bool runtime; /* with the frames of the runtime */
};
/* The logical stack of one object. */
void stack_text(struct session *session, uint64_t serial, const struct backtrace *backtrace,
				const struct stack_options *options, struct text *ret);
cJSON *stack_json(struct session *session, uint64_t serial, const struct backtrace *backtrace,
				  const struct stack_options *options);
/* Those of all that nobody delegates to or drives, equal ones folded unless there are locals in them. */
void stacks_list(struct session *session, const struct stack_options *options, struct text *ret);
cJSON *stacks_json(struct session *session, const struct stack_options *options);

/* ---- awaits.c ---------------------------------------------------------- */

void awaits_tree(struct session *session, bool all, struct text *ret);
cJSON *awaits_json(struct session *session, bool all);

/* ---- filter.c ---------------------------------------------------------- */

struct filter;
/* Parses an expression. On failure -EINVAL, with the place of the mistake (from 1) and what it is.
 */
int filter_parse(const char *expression, struct filter **ret, size_t *ret_position,
				 struct text *ret_why);
void filter_free(struct filter *filter);
bool filter_matches(const struct filter *filter, struct session *session,
					const struct trace_event *event, uint64_t turn);

/* ---- the subcommands --------------------------------------------------- */

extern const struct subcommand subcommand_attach, subcommand_list, subcommand_run, subcommand_record,
	subcommand_replay, subcommand_ps, subcommand_tree, subcommand_stack, subcommand_events, subcommand_stat,
	subcommand_export, subcommand_recover, subcommand_prune;

#endif
