/*
 * language.c - one line of the debugger's language.
 *
 * A line is a command's name and its arguments, separated by blanks; an argument with
 * blanks stands in quotes. A command whose arguments begin with TEXT takes the rest of the line
 * as it is, and so does one with an EXPR, which has quotes of its own. What the table writes as
 * 'MARK begins with a quote that needs no other.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "command_private.h"

#define ARGUMENTS_MOST 16

void command_init(struct command_context *context, struct session *session)
{
	memset(context, 0, sizeof(*context));
	context->session = session;
}

void command_done(struct command_context *context)
{
	text_done(&context->answer);
	text_done(&context->previous);
}

const struct command *command_find(const char *name)
{
	for (unsigned i = 0; i < command_count; i++) {
		const struct command *command = &command_table[i];

		if (strcmp(command->name, name) == 0 ||
			(command->alias && strcmp(command->alias, name) == 0))
			return command;
	}
	return NULL;
}

enum command_status bad(struct command_context *context, const char *format, ...)
{
	char sentence[256];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(sentence, sizeof(sentence), format, arguments);
	va_end(arguments);
	text_clear(&context->answer);
	text_add_filtered(&context->answer, sentence, strlen(sentence));
	return COMMAND_BAD;
}

/* Splits in place, into no more words than there is room for. Returns their number, or -1 for
 * an open quote. */
static int split(char *line, char **word, int room)
{
	int count = 0;

	for (;;) {
		char quote = 0, *to;

		while (isspace((unsigned char)*line))
			line++;
		if (!*line)
			return count;
		if (count == room)
			return count;
		word[count++] = to = line;
		for (; *line && (quote || !isspace((unsigned char)*line)); line++) {
			if (quote ? *line == quote : *line == '"' || *line == '\'')
				quote = quote ? 0 : *line;
			else
				*to++ = *line;
		}
		if (quote)
			return -1;
		if (*line)
			line++;
		*to = 0;
	}
}

/* The rest of the line, without blanks around it. */
static char *trimmed(char *rest)
{
	size_t length;

	while (isspace((unsigned char)*rest))
		rest++;
	length = strlen(rest);
	while (length && isspace((unsigned char)rest[length - 1]))
		rest[--length] = 0;
	return rest;
}

/* The rest of the line as one argument: without blanks around it, without quotes. */
static char *whole(char *rest)
{
	size_t length;

	rest = trimmed(rest);
	length = strlen(rest);
	if (length >= 2 && (*rest == '"' || *rest == '\'') && rest[length - 1] == *rest) {
		rest[length - 1] = 0;
		rest++;
	}
	return rest;
}

/* How many arguments a command takes at most: "KIND [in NAME]" are three. */
static int most_arguments(const struct command *command)
{
	int count = *command->arguments != 0;

	for (const char *at = command->arguments; *at; at++)
		count += *at == ' ';
	return count;
}

/* Whether the rest of the line is the name of a mark, as `goto` takes it: 'NAME. */
static bool is_mark(const struct command *command, const char *rest)
{
	rest += strspn(rest, " \t");
	return strstr(command->arguments, "'MARK") && *rest == '\'' && !strchr(rest + 1, '\'');
}

static enum command_status run_words(struct command_context *context, const char *line, char *copy)
{
	char *word[ARGUMENTS_MOST], *rest = copy;
	const struct command *command;
	int count = 1;

	while (*rest && !isspace((unsigned char)*rest))
		rest++;
	if (*rest)
		*rest++ = 0;
	word[0] = copy;
	command = command_find(copy);
	if (!command)
		return bad(context, "unknown command '%.60s'", copy);
	if (strncmp(command->arguments, "TEXT", 4) == 0) {
		word[1] = whole(rest);
		count += *word[1] != 0;
	} else if (strstr(command->arguments, "EXPR")) {
		word[1] = trimmed(rest);
		count++;
	} else if (is_mark(command, rest)) {
		word[1] = trimmed(rest);
		count++;
	} else {
		int more = split(rest, word + 1, ARGUMENTS_MOST - 1);

		if (more < 0)
			return bad(context, "'%.60s' does not end: a quote is open", line);
		if (more > most_arguments(command))
			return bad(context, "%s: '%.60s' is one argument too many", copy,
					   word[most_arguments(command) + 1]);
		count += more;
	}
	return command->run(context, count, word);
}

static void keep_answer(struct command_context *context)
{
	text_clear(&context->previous);
	text_add(&context->previous, "%s", text_string(&context->answer));
}

enum command_status command_run(struct command_context *context, const char *line)
{
	enum command_status status;
	char *copy;

	text_clear(&context->answer);
	while (isspace((unsigned char)*line))
		line++;
	if (!*line || *line == '#')
		return COMMAND_OK;
	copy = strdup(line);
	if (!copy) {
		text_add(&context->answer, "out of memory");
		return COMMAND_FAILED;
	}
	status = run_words(context, line, copy);
	free(copy);
	if (context->answer.length && status != COMMAND_UNEXPECTED)
		keep_answer(context);
	return status;
}

/* ---- Commands about the language itself -------------------------------- */

enum command_status run_expect(struct command_context *context, int argc, char **argv)
{
	if (argc < 2)
		return bad(context, "expect: which text?");
	if (strstr(text_string(&context->previous), argv[1]))
		return COMMAND_OK;
	text_add(&context->answer, "expect: no '%s' in the last answer, which is '%s'", argv[1],
			 text_string(&context->previous));
	return COMMAND_UNEXPECTED;
}

static void describe(struct text *text, const struct command *command)
{
	text_add(text, "%s%s%s", command->name, *command->arguments ? " " : "", command->arguments);
	if (command->alias)
		text_add(text, " (%s)", command->alias);
}

enum command_status run_help(struct command_context *context, int argc, char **argv)
{
	_cleanup_(columns_done) struct columns columns = {.width = 2};
	_cleanup_(text_cleanup) struct text cell = {0};

	for (unsigned i = 0; i < command_count; i++) {
		const struct command *command = &command_table[i];

		if (argc > 1 && command != command_find(argv[1]))
			continue;
		describe(&cell, command);
		columns_add(&columns, &cell);
		columns_add_string(&columns, command->sentence);
	}
	if (columns.count) {
		columns_print(&columns, &context->answer);
		return COMMAND_OK;
	}
	/* A word of the events, perhaps: what does it mean? */
	if (argc > 1 && trace_event_kind(argv[1])) {
		text_add(&context->answer, "%s  %s", argv[1],
				 trace_event_sentence(trace_event_kind(argv[1])));
		return COMMAND_OK;
	}
	return bad(context, "help: there is no command and no event '%.60s'", argv[1]);
}

enum command_status run_quit(struct command_context *context, int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "kill") != 0)
		return bad(context, "quit: '%.60s' is not 'kill'", argv[1]);
	context->kill = argc == 2;
	return COMMAND_QUIT;
}
