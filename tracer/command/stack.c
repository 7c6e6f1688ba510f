/*
 * stack.c - coroscope stack: suspended stacks; equal ones folded with a count.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <tracer/backtrace.h>
#include "command_private.h"

struct request {
	struct stack_options options;
	bool json;
	uint64_t at;           /* UINT64_MAX: the end */
	const char *path, *id; /* id NULL: all */
};

static int show_one(const char *name, struct session *session, const struct request *request)
{
	_cleanup_(text_cleanup) struct text answer = {0};
	struct backtrace *backtrace;
	uint64_t serial;
	int result;

	if (!parse_number(name, "the id", request->id + (*request->id == '#'), &serial))
		return EXIT_USAGE;
	result = backtrace_new(session, serial, &backtrace);
	if (result < 0) {
		if (!world_find(session_world(session), serial))
			report(name, "object #%llu does not exist at event %llu", (unsigned long long)serial,
				   (unsigned long long)session_playhead(session));
		else if (result == -ESRCH)
			report(name, "object #%llu has no stack", (unsigned long long)serial);
		else if (result == -ENOTSUP)
			report(name, "%s: stacks of a program of another architecture cannot be told here",
				   request->path);
		else
			report(name, "%s", strerror(-result));
		return EXIT_COULD_NOT;
	}
	if (request->json) {
		cJSON *array = cJSON_CreateArray();

		cJSON_AddItemToArray(array, stack_json(session, serial, backtrace, &request->options));
		json_print_line(array);
	} else {
		stack_text(session, serial, backtrace, &request->options, &answer);
		puts(text_string(&answer));
	}
	backtrace_free(backtrace);
	return EXIT_DONE;
}

static int show(void *context, struct session *session)
{
	_cleanup_(text_cleanup) struct text text = {0};
	const struct request *request = context;

	if (request->id)
		return show_one(subcommand_stack.name, session, request);
	if (request->json) {
		json_print_line(stacks_json(session, &request->options));
	} else {
		stacks_list(session, &request->options, &text);
		puts(text_string(&text));
	}
	return EXIT_DONE;
}

static int main_stack(int argc, char **argv)
{
	static const struct option options[] = {
		{"at", required_argument, NULL, 'n'}, {"all", no_argument, NULL, 'a'},
		{"locals", no_argument, NULL, 'l'},   {"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},     {0},
	};
	const char *name = subcommand_stack.name;
	struct request request = {.at = UINT64_MAX};
	int option, status;

	while ((option = next_option(&subcommand_stack, argc, argv, ":h", options, &status)) != -1) {
		if (option == 'n' && !parse_number(name, "--at", optarg, &request.at))
			return EXIT_USAGE;
		if (option == -2)
			return status;
		request.options.runtime |= option == 'a';
		request.options.locals |= option == 'l';
		request.json |= option == 'j';
	}
	if (argc - optind == 2)
		request.id = argv[--argc];
	request.path = one_file(&subcommand_stack, argc, argv);
	return request.path ? show_moment(name, request.path, request.at, show, &request) : EXIT_USAGE;
}

const struct subcommand subcommand_stack = {
	"stack",
	"[--at N] [--locals] [--all] [--json] FILE|PID [ID]",
	"where coroutines are suspended, and how they got there",
	"  --at N         as they were after event N (the end)\n"
	"  --locals       with the local variables of each frame; equal stacks are not folded then\n"
	"  --all          with the frames of the runtime\n"
	"  --json         as a JSON array\n"
	"  --help         this\n"
	"\n"
	"Without an ID every task and every coroutine that nobody delegates to, equal ones together, "
	"with how\n"
	"many they are. With one, that task or coroutine, and what it awaits, down to the innermost "
	"frame.\n",
	main_stack,
};
