/*
 * batch.c - a script of debugger commands. Answers go to standard output, and nothing else
 * does but what a live program writes, each line of it marked and at its place:
 *
 *     event 4/…  internal #2  yield 0  channel.c:12
 *     | general got 0
 *     event 5/…  general #1  send 'x'  channel.c:30
 *
 * As the program waits at its gate, what it wrote after event 4 was written before event 5.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "command_private.h"

struct batch {
	const char *name; /* of the subcommand */
	struct session *session;
	struct command_context context;
	size_t output;       /* pieces of output that were taken */
	struct text partial; /* of a line that has not ended yet */
	uint64_t torn;       /* bytes of which it is known that they are damaged */
};

void script_done(struct script *script)
{
	for (size_t i = 0; i < script->count; i++)
		free(script->line[i]);
	free(script->line);
	script->line = NULL;
	script->count = 0;
}

int script_read(const char *name, const char *path, struct script *ret)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t room = 0, rooms = 0;
	int error;

	if (!file) {
		report(name, "%s: %s", path, errno == ENOENT ? "no such file" : strerror(errno));
		return EXIT_COULD_NOT;
	}
	ret->count = 0;
	ret->line = calloc(1, sizeof(*ret->line));
	errno = 0;
	while (getline(&line, &room, file) >= 0) {
		if (ret->count + 1 >= rooms) {
			char **lines = reallocarray(ret->line, rooms ? rooms * 2 : 16, sizeof(*lines));

			if (!lines)
				break;
			ret->line = lines;
			rooms = rooms ? rooms * 2 : 16;
		}
		ret->line[ret->count++] = line;
		line = NULL;
		room = 0;
	}
	error = ferror(file) ? errno : 0;
	free(line);
	fclose(file);
	if (!error)
		return 0;
	report(name, "%s: %s", path, strerror(error));
	script_done(ret);
	return EXIT_COULD_NOT;
}

/* ---- Output of the program --------------------------------------------- */

static void print_output_line(struct batch *batch)
{
	_cleanup_(text_cleanup) struct text line = {0};
	size_t length = batch->partial.length;

	if (length && batch->partial.data[length - 1] == '\r')
		length--;
	text_add_filtered(&line, text_string(&batch->partial), length);
	printf("| %s\n", text_string(&line));
	text_clear(&batch->partial);
}

static void take_output(struct batch *batch, const char *data, size_t length)
{
	while (length) {
		const char *newline = memchr(data, '\n', length);
		size_t part = newline ? (size_t)(newline - data) : length;

		text_add_utf8(&batch->partial, data, part);
		if (newline)
			print_output_line(batch);
		part += newline != NULL;
		data += part;
		length -= part;
	}
}

/* Shows what was written before event `before`. */
static void show_output(struct batch *batch, uint64_t before)
{
	struct trace *trace = session_trace(batch->session);
	struct trace_output output;

	while (trace_output(trace, batch->output, &output) >= 0 && output.after < before) {
		batch->output++;
		take_output(batch, output.data, output.length);
	}
}

/* ---- Commands ---------------------------------------------------------- */

/* On one line of stderr: an answer may have several. */
static const char *one_line(const struct text *answer, struct text *room)
{
	for (const char *at = text_string(answer); *at; at++) {
		if (*at == '\n')
			text_add(room, " | ");
		else
			text_add(room, "%c", *at);
	}
	return text_string(room);
}

/* What the command needed could not be read: it is said once. */
static void note_damage(struct batch *batch, unsigned number)
{
	struct trace *trace = session_trace(batch->session);
	uint64_t torn = trace_torn(trace);

	if (torn > batch->torn)
		report(batch->name,
			   "line %u: %llu bytes of the trace are damaged: what stood there is missing", number,
			   (unsigned long long)(torn - batch->torn));
	batch->torn = torn;
}

/* Runs one line. Returns the exit status when the script ends with it, or -1. */
static int run_line(struct batch *batch, const char *line, unsigned number, bool live)
{
	_cleanup_(text_cleanup) struct text sentence = {0};
	struct command_context *context = &batch->context;
	enum command_status status = command_run(context, line);

	if (live)
		show_output(batch, session_playhead(batch->session));
	note_damage(batch, number);
	switch (status) {
	case COMMAND_OK:
	case COMMAND_FAILED:
		if (context->answer.length)
			puts(text_string(&context->answer));
		break;
	case COMMAND_BAD:
		report(batch->name, "line %u: %s: see help", number, one_line(&context->answer, &sentence));
		return EXIT_USAGE;
	case COMMAND_UNEXPECTED:
		report(batch->name, "line %u: %s", number, one_line(&context->answer, &sentence));
		return EXIT_FOUND;
	case COMMAND_COULD_NOT:
		report(batch->name, "line %u: %s", number, one_line(&context->answer, &sentence));
		return EXIT_COULD_NOT;
	case COMMAND_QUIT:
		return EXIT_DONE;
	}
	if (live)
		show_output(batch, UINT64_MAX);
	fflush(stdout);
	return -1;
}

static int run_standard_input(struct batch *batch, bool live)
{
	unsigned number = 0;
	char *line = NULL;
	size_t room = 0;
	int status = -1;

	while (status < 0 && getline(&line, &room, stdin) >= 0)
		status = run_line(batch, line, ++number, live);
	free(line);
	return status;
}

int batch_run(const char *name, struct session *session, const struct script *script,
			  bool *ret_kill)
{
	struct batch batch = {
		.name = name, .session = session, .torn = trace_torn(session_trace(session))};
	bool live = session_is_live(session);
	int status = -1;

	command_init(&batch.context, session);
	if (!script->line)
		status = run_standard_input(&batch, live);
	for (size_t i = 0; script->line && status < 0 && i < script->count; i++)
		status = run_line(&batch, script->line[i], (unsigned)i + 1, live);
	if (batch.partial.length)
		print_output_line(&batch);
	*ret_kill = batch.context.kill;
	command_done(&batch.context);
	text_done(&batch.partial);
	return status < 0 ? EXIT_DONE : status;
}
