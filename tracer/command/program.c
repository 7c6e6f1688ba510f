/*
 * program.c - options, programs and files: what can be wrong before anything is started.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "command_private.h"

void report(const char *name, const char *format, ...)
{
	_cleanup_(text_cleanup) struct text line = {0};
	char *sentence = NULL;
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(&sentence, format, arguments) < 0)
		sentence = NULL;
	va_end(arguments);
	/* One line, whatever is in a file's name. */
	if (sentence)
		text_add_filtered(&line, sentence, strlen(sentence));
	free(sentence);
	fflush(stdout);
	if (name)
		fprintf(stderr, "coroscope: %s: %s\n", name, text_string(&line));
	else
		fprintf(stderr, "coroscope: %s\n", text_string(&line));
}

/* ---- Options ----------------------------------------------------------- */

const char *command_screen_options = "";

static const char *screen_options_of(const struct subcommand *subcommand)
{
	bool has_screen = subcommand == &subcommand_run || subcommand == &subcommand_replay ||
					  subcommand == &subcommand_attach;

	return has_screen && command_user_interface ? command_screen_options : "";
}

int next_option(const struct subcommand *subcommand, int argc, char **argv, const char *letters,
				const struct option *options, int *ret_status)
{
	int option;

	opterr = 0;
	option = getopt_long(argc, argv, letters, options, NULL);
	if (option == 'h') {
		printf("usage: coroscope %s %s\n%s.\n\n%s%s", subcommand->name, subcommand->usage,
			   subcommand->sentence, subcommand->help, screen_options_of(subcommand));
		*ret_status = EXIT_DONE;
		return -2;
	}
	if (option == '?' || option == ':') {
		const char *given = argv[optind - 1];
		bool is_long = strncmp(given, "--", 2) == 0;

		if (option == ':' && is_long)
			report(subcommand->name, "%s needs a value: see coroscope %s --help", given,
				   subcommand->name);
		else if (option == ':')
			report(subcommand->name, "-%c needs a value: see coroscope %s --help", optopt,
				   subcommand->name);
		else if (is_long && optopt)
			report(subcommand->name, "%s takes no value: see coroscope %s --help", given,
				   subcommand->name);
		else if (is_long)
			report(subcommand->name, "unknown option '%s': see coroscope %s --help", given,
				   subcommand->name);
		else
			report(subcommand->name, "unknown option '-%c': see coroscope %s --help", optopt,
				   subcommand->name);
		*ret_status = EXIT_USAGE;
		return -2;
	}
	return option;
}

int next_launch_option(const struct subcommand *subcommand, int argc, char **argv,
					   const char *letters, const struct option *options,
					   struct launch_options *launch, int *ret_status)
{
	int option;

	while ((option = next_option(subcommand, argc, argv, letters, options, ret_status)) != -1) {
		if (option == 'v')
			launch->virtual_time = true;
		else if (option == 'o')
			launch->output = optarg;
		else
			return option;
	}
	if (optind < argc)
		return -1;
	report(subcommand->name, "which program? see coroscope %s --help", subcommand->name);
	*ret_status = EXIT_USAGE;
	return -2;
}

bool parse_number(const char *name, const char *option, const char *text, uint64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoull(text, &end, 10);
	if (isdigit((unsigned char)*text) && !*end && !errno)
		return true;
	report(name, "%s: '%s' is not a number", option, text);
	return false;
}

/* ---- Programs ---------------------------------------------------------- */

/* 0, or why this path cannot be started. */
static int check_program(const char *path)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return -errno;
	if (S_ISDIR(status.st_mode))
		return -EISDIR;
	if (!S_ISREG(status.st_mode))
		return -EACCES;
	return access(path, X_OK) < 0 ? -errno : 0;
}

static int search_path(const char *program, char **ret)
{
	const char *path = getenv("PATH");
	int result = -ENOENT;

	if (!path)
		path = "/usr/bin:/bin";
	for (;;) {
		size_t length = strcspn(path, ":");
		char *candidate = NULL;
		int r;

		if (asprintf(&candidate, "%.*s/%s", length ? (int)length : 1, length ? path : ".",
					 program) < 0)
			return -ENOMEM;
		r = check_program(candidate);
		if (r >= 0) {
			*ret = candidate;
			return 0;
		}
		free(candidate);
		if (r == -EACCES)
			result = r;
		if (!path[length])
			return result;
		path += length + 1;
	}
}

int find_program(const char *name, const char *program, char **ret_path,
				 enum symbols_program *ret_kind)
{
	char *path = NULL;
	int r;

	if (strchr(program, '/')) {
		r = check_program(program);
		path = r < 0 ? NULL : strdup(program);
	} else {
		r = *program ? search_path(program, &path) : -ENOENT;
	}
	if (r >= 0 && path)
		r = symbols_program_kind(path, ret_kind);
	if (r >= 0 && path) {
		*ret_path = path;
		return 0;
	}
	free(path);
	if (r == -ENOENT && strchr(program, '/'))
		report(name, "%s: no such file", program);
	else if (r == -ENOENT)
		report(name, "%s: no such program in PATH; for one in this folder write ./%s", program,
			   program);
	else if (r == -EACCES)
		report(name, "%s: not executable", program);
	else if (r == -EISDIR)
		report(name, "%s: is a folder, not a program", program);
	else
		report(name, "%s: %s", program, strerror(r < 0 ? -r : ENOMEM));
	return EXIT_COULD_NOT;
}

/* ---- Traces ------------------------------------------------------------ */

static bool is_number(const char *text)
{
	return *text && text[strspn(text, "0123456789")] == 0;
}

static void report_silent(const char *name, struct target *target)
{
	uint32_t silent[4];
	unsigned count = target_silent(target, silent, 4);

	for (unsigned i = 0; i < count && i < 4; i++)
		report(
			name,
			"thread %u gives no answer (it computes, or is blocked): what it has is not known yet",
			silent[i]);
	if (count > 4)
		report(name, "nor do %u more threads", count - 4);
}

int attach(const char *name, const char *text, const char *output,
		   const struct session_options *options, struct session **ret)
{
	struct target *target;
	struct trace *trace;
	char *why = NULL;
	uint64_t pid;
	int r;

	if (!parse_number(name, "the process", text, &pid))
		return EXIT_USAGE;
	if (!pid || pid > INT_MAX) {
		report(name, "%s is not the number of a process", text);
		return EXIT_COULD_NOT;
	}
	r = target_attach((uint32_t)pid, output, &target, &trace, &why);
	if (r < 0) {
		report(name, "%s", why ? why : strerror(-r));
		free(why);
		return EXIT_COULD_NOT;
	}
	report_silent(name, target);
	r = session_live(target, trace, options, ret);
	if (r < 0) {
		report(name, "process %s: %s", text, strerror(-r));
		return EXIT_COULD_NOT;
	}
	return 0;
}

int open_source(const char *name, const char *path, struct session **ret)
{
	const struct trace_row *rows;
	struct trace *trace = NULL;
	struct stat status;
	char *why = NULL;
	uint64_t after;
	size_t count;
	int r;

	if (stat(path, &status) < 0) {
		if (is_number(path))
			return attach(name, path, NULL, NULL, ret);
		report(name, "%s: %s", path, errno == ENOENT ? "no such file" : strerror(errno));
		return EXIT_COULD_NOT;
	}
	r = trace_open(path, &trace, &why);
	if (r < 0) {
		report(name, "%s %s", path, why ? why : strerror(-r));
		free(why);
		return EXIT_COULD_NOT;
	}
	if (!trace_count(trace) && !trace_output_count(trace) && !trace_ended(trace, NULL) &&
		trace_rows(trace, 0, &after, &rows, &count) < 0) {
		report(name, "%s: is cut off before its first event: there is nothing to show", path);
		trace_free(trace);
		return EXIT_COULD_NOT;
	}
	if (trace_torn(trace))
		report(name, "%s: the last %llu bytes could not be read; %llu events before them are shown",
			   path, (unsigned long long)trace_torn(trace), (unsigned long long)trace_count(trace));
	r = session_replay(trace, NULL, ret);
	if (r < 0) {
		report(name, "%s: %s", path, strerror(-r));
		return EXIT_COULD_NOT;
	}
	return 0;
}

const char *one_file(const struct subcommand *subcommand, int argc, char **argv)
{
	const char *what = subcommand == &subcommand_attach ? "process"
					   : subcommand == &subcommand_ps || subcommand == &subcommand_tree
						   ? "trace file or process"
						   : "trace file";

	if (argc - optind == 1)
		return argv[optind];
	if (argc == optind)
		report(subcommand->name, "which %s? see coroscope %s --help", what, subcommand->name);
	else
		report(subcommand->name, "one %s only: see coroscope %s --help", what, subcommand->name);
	return NULL;
}

void report_damage(const char *name, const char *path, struct trace *trace, uint64_t torn)
{
	if (trace_torn(trace) > torn)
		report(name, "%s: %llu bytes are damaged: what stood there is missing", path,
			   (unsigned long long)(trace_torn(trace) - torn));
}

void json_print_line(cJSON *json)
{
	_cleanup_(text_done) struct text text = {0};
	char *line = json ? cJSON_PrintUnformatted(json) : NULL;

	if (line) {
		text_add_json(&text, line);
		puts(text_string(&text));
	}
	cJSON_free(line);
	cJSON_Delete(json);
}

bool has_terminal(const char *name)
{
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		report(name, "there is no terminal to show the debugger on: use --batch");
		return false;
	}
	return true;
}

/* ---- Subcommands that show one moment of a trace ----------------------- */

int show_moment(const char *name, const char *path, uint64_t at,
				int (*show)(void *context, struct session *session), void *context)
{
	struct session *session;
	int status = open_source(name, path, &session);
	uint64_t torn;

	if (status)
		return status;
	torn = trace_torn(session_trace(session));
	if (session_goto(session, at == UINT64_MAX ? session_head(session) : at) < 0) {
		report(name, "%s: %s", path, session_why(session));
		status = EXIT_COULD_NOT;
	} else {
		status = show(context, session);
	}
	report_damage(name, path, session_trace(session), torn);
	session_free(session, false);
	return status;
}

struct listing {
	void (*list)(struct session *, bool, struct text *);
	cJSON *(*list_json)(struct session *, bool);
	bool all, json;
};

static int show_listing(void *context, struct session *session)
{
	_cleanup_(text_cleanup) struct text text = {0};
	const struct listing *listing = context;

	if (listing->json) {
		json_print_line(listing->list_json(session, listing->all));
	} else {
		listing->list(session, listing->all, &text);
		puts(text_string(&text));
	}
	return EXIT_DONE;
}

int show_source(const struct subcommand *subcommand, int argc, char **argv,
				void (*list)(struct session *, bool, struct text *),
				cJSON *(*list_json)(struct session *, bool))
{
	static const struct option options[] = {
		{"at", required_argument, NULL, 'n'},
		{"all", no_argument, NULL, 'a'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	struct listing listing = {.list = list, .list_json = list_json};
	const char *name = subcommand->name, *path;
	uint64_t at = UINT64_MAX;
	int option, status;

	while ((option = next_option(subcommand, argc, argv, ":h", options, &status)) != -1) {
		if (option == 'n' && !parse_number(name, "--at", optarg, &at))
			return EXIT_USAGE;
		if (option == -2)
			return status;
		listing.all |= option == 'a';
		listing.json |= option == 'j';
	}
	path = one_file(subcommand, argc, argv);
	return path ? show_moment(name, path, at, show_listing, &listing) : EXIT_USAGE;
}
