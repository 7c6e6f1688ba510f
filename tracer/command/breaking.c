/*
 * breaking.c - commands about breakpoints.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "command_private.h"

static void add_breakpoint(struct text *text, const struct session_breakpoint *breakpoint)
{
	text_add(text, "breakpoint %u  %s%s", breakpoint->id, breakpoint->once ? "once " : "",
			 breakpoint->kind ? trace_event_name(breakpoint->kind) : "any");
	if (breakpoint->name[0]) {
		text_add(text, " in ");
		text_add_filtered(text, breakpoint->name, strlen(breakpoint->name));
	}
}

static enum command_status set(struct command_context *context, int argc, char **argv, bool once)
{
	const char *name = "";
	unsigned kind = 0;
	int id;

	if (argc < 2)
		return bad(context, "%s: at which kind of event? (yield, await, ...; any)", argv[0]);
	if (strcmp(argv[1], "any") != 0) {
		kind = trace_event_kind(argv[1]);
		if (!kind)
			return bad(context, "%s: there is no kind of event '%.60s'", argv[0], argv[1]);
	}
	if (argc > 2 && (argc != 4 || strcmp(argv[2], "in") != 0))
		return bad(context, "%s: '%.60s' is not understood: KIND [in NAME]", argv[0], argv[2]);
	if (argc == 4)
		name = argv[3];
	id = session_break(context->session, (uint8_t)kind, name, once);
	if (id < 0)
		return bad(context, "%s: the name is too long", argv[0]);
	add_breakpoint(&context->answer, session_next_break(context->session, (unsigned)id - 1));
	return COMMAND_OK;
}

enum command_status run_break(struct command_context *context, int argc, char **argv)
{
	return set(context, argc, argv, false);
}

enum command_status run_tbreak(struct command_context *context, int argc, char **argv)
{
	return set(context, argc, argv, true);
}

enum command_status run_breakpoints(struct command_context *context, int argc, char **argv)
{
	const struct session_breakpoint *breakpoint = session_next_break(context->session, 0);
	struct text *answer = &context->answer;

	if (!breakpoint)
		text_add(answer, "there are no breakpoints");
	for (; breakpoint; breakpoint = session_next_break(context->session, breakpoint->id)) {
		text_add(answer, "%s", answer->length ? "\n" : "");
		add_breakpoint(answer, breakpoint);
		text_add(answer, "  %llu hit%s", (unsigned long long)breakpoint->hits,
				 breakpoint->hits == 1 ? "" : "s");
	}
	return COMMAND_OK;
}

enum command_status run_delete(struct command_context *context, int argc, char **argv)
{
	unsigned long id;
	char *end;

	if (argc != 2)
		return bad(context, "delete: which breakpoint?");
	id = strtoul(argv[1], &end, 10);
	if (!*argv[1] || *end || id > UINT32_MAX)
		return bad(context, "delete: '%.60s' is not a breakpoint's number", argv[1]);
	if (session_delete_break(context->session, (unsigned)id) < 0) {
		text_add(&context->answer, "there is no breakpoint %lu", id);
		return COMMAND_FAILED;
	}
	text_add(&context->answer, "breakpoint %lu is gone", id);
	return COMMAND_OK;
}
