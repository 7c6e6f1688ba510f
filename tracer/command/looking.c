/*
 * looking.c - commands that show what there is at the playhead.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "command_private.h"

#define CHAIN_MOST     1024
#define NAMESAKES_MOST 20
#define SOURCE_AROUND  4 /* lines before and after the current one */

static bool get_all(int argc, char **argv, bool *ret)
{
	*ret = argc == 2;
	return argc == 1 || strcmp(argv[1], "all") == 0 || strcmp(argv[1], "--all") == 0;
}

enum command_status run_ps(struct command_context *context, int argc, char **argv)
{
	bool all;

	if (!get_all(argc, argv, &all))
		return bad(context, "ps: '%.60s' is not 'all'", argv[1]);
	objects_list(context->session, all, &context->answer);
	return COMMAND_OK;
}

enum command_status run_tree(struct command_context *context, int argc, char **argv)
{
	bool all;

	if (!get_all(argc, argv, &all))
		return bad(context, "tree: '%.60s' is not 'all'", argv[1]);
	awaits_tree(context->session, all, &context->answer);
	return COMMAND_OK;
}

/* The only object of that name at the playhead. NULL: there is none, or several, which is
 * answered. */
static const struct world_object *find_by_name(struct command_context *context, const char *name)
{
	const struct world *world = session_world(context->session);
	const struct world_object *found = NULL;
	_cleanup_(text_cleanup) struct text own = {0}, all = {0};
	unsigned count = 0;

	for (const struct world_object *object = world_next(world, 0); object;
		 object = world_next(world, object->serial)) {
		text_clear(&own);
		text_add_name(&own, context->session, object);
		if (!object->name || strcmp(text_string(&own), name) != 0)
			continue;
		found = object;
		if (++count <= NAMESAKES_MOST)
			text_add(&all, "%s#%llu", count > 1 ? " " : "", (unsigned long long)object->serial);
	}
	if (count <= 1)
		return found;
	text_add_filtered(&context->answer, name, strlen(name));
	text_add(&context->answer, " is the name of %u objects: %s%s", count, text_string(&all),
			 count > NAMESAKES_MOST ? " ..." : "");
	return NULL;
}

const struct world_object *command_object(struct command_context *context, int argc, char **argv,
										  enum command_status *ret_status)
{
	unsigned long long serial = session_subject(context->session);
	const struct world_object *object;
	char *end;

	if (argc > 1) {
		const char *digits = argv[1] + (*argv[1] == '#');

		errno = 0;
		serial = strtoull(digits, &end, 10);
		if (*digits < '0' || *digits > '9' || *end || errno) {
			object = find_by_name(context, argv[1]);
			if (!object && !context->answer.length)
				*ret_status = bad(context, "%s: '%.60s' is not the id or name of an object here",
								  argv[0], argv[1]);
			else
				*ret_status = COMMAND_FAILED;
			return object;
		}
	}
	object = world_find(session_world(context->session), serial);
	if (object)
		return object;
	if (serial)
		text_add(&context->answer, "object #%llu does not exist at this event", serial);
	else
		text_add(&context->answer, "nothing is selected, and nothing runs here");
	*ret_status = COMMAND_FAILED;
	return NULL;
}

enum command_status run_select(struct command_context *context, int argc, char **argv)
{
	const struct world_object *object;
	enum command_status status;

	if (argc == 2 && strcmp(argv[1], "follow") == 0) {
		session_select(context->session, 0);
		text_add(&context->answer, "follows whatever changes");
		return COMMAND_OK;
	}
	object = command_object(context, argc, argv, &status);
	if (!object)
		return status;
	if (argc > 1)
		session_select(context->session, object->serial);
	object_line(context->session, object, &context->answer);
	return COMMAND_OK;
}

/* What went in or came out at event n: "send 5", "yield 2". */
static void add_value_at(struct text *text, struct session *session, uint64_t n)
{
	struct trace_event event;

	if (!n || trace_event(session_trace(session), n, &event) < 0)
		return;
	text_add(text, "%s", trace_event_name(event.kind) ? trace_event_name(event.kind) : "unknown");
	if (event.value.kind == CORO_VALUE_ABSENT)
		return;
	text_add(text, " ");
	text_add_value(text, session, &event.value, 40);
}

enum command_status run_chain(struct command_context *context, int argc, char **argv)
{
	static const char *const heading[] = {"CHAIN", "STATE", "DOWN", "UP", "AT"};
	_cleanup_(columns_done) struct columns columns = {.width = 5};
	_cleanup_(text_cleanup) struct text cell = {0};
	struct session *session = context->session;
	const struct world *world = session_world(session);
	enum command_status status;
	const struct world_object *object = command_object(context, argc, argv, &status);
	uint64_t serial[CHAIN_MOST];
	size_t count;

	if (!object)
		return status;
	for (unsigned i = 0; i < 5; i++)
		columns_add_string(&columns, heading[i]);
	count = world_chain(world, object->serial, serial, CHAIN_MOST);
	for (size_t i = 0; i < count && i < CHAIN_MOST; i++) {
		object = world_find(world, serial[i]);
		if (!object)
			continue;
		text_add_object(&cell, session, object->serial);
		columns_add(&columns, &cell);
		columns_add_string(&columns, world_state_name(world, object));
		add_value_at(&cell, session, object->down_at);
		columns_add(&columns, &cell);
		add_value_at(&cell, session, object->up_at);
		columns_add(&columns, &cell);
		object_place(&cell, session, object);
		columns_add(&columns, &cell);
	}
	columns_print(&columns, &context->answer);
	if (count > CHAIN_MOST)
		text_add(&context->answer, "\n... and %zu more below", count - CHAIN_MOST);
	return COMMAND_OK;
}

static void add_source_line(struct text *text, const char *line, size_t length)
{
	const char *tab;

	while ((tab = memchr(line, '\t', length))) {
		text_add_filtered(text, line, (size_t)(tab - line));
		text_add(text, "    ");
		length -= (size_t)(tab - line) + 1;
		line = tab + 1;
	}
	text_add_filtered(text, line, length);
}

enum command_status run_source(struct command_context *context, int argc, char **argv)
{
	struct symbols *symbols = session_symbols(context->session);
	struct text *answer = &context->answer;
	enum command_status status;
	const struct world_object *object = command_object(context, argc, argv, &status);
	struct symbols_place place;
	uint32_t first, line, site;
	bool is_string;

	if (!object)
		return status;
	site = world_place(object, &is_string);
	if (!site || symbols_place(symbols, site, is_string, &place) < 0 || !place.file) {
		text_add(answer, "the place where it is is not known");
		return COMMAND_FAILED;
	}
	text_add_filtered(answer, place.base, strlen(place.base));
	text_add(answer, ":%u", place.line);
	if (place.function) {
		text_add(answer, "  ");
		text_add_filtered(answer, place.function, strlen(place.function));
	}
	if (symbols_source_lines(symbols, place.file) < 0) {
		text_add(answer, "\nits source is not in the trace");
		return COMMAND_OK;
	}
	first = place.line > SOURCE_AROUND ? place.line - SOURCE_AROUND : 1;
	for (line = first; line <= place.line + SOURCE_AROUND; line++) {
		const char *text;
		size_t length;

		if (symbols_source_line(symbols, place.file, line, &text, &length) < 0)
			break;
		text_add(answer, "\n%s %4u  ", line == place.line ? ">" : " ", line);
		add_source_line(answer, text, length);
		while (answer->data[answer->length - 1] == ' ')
			answer->data[--answer->length] = 0;
	}
	return COMMAND_OK;
}

enum command_status run_events(struct command_context *context, int argc, char **argv)
{
	_cleanup_(columns_done) struct columns columns = {.width = 2, .right = 1};
	_cleanup_(text_cleanup) struct text cell = {0};
	struct session *session = context->session;
	uint64_t n, last = session_playhead(session);
	unsigned long long count = 10;
	struct trace_event event;
	char *end;

	if (argc > 1) {
		errno = 0;
		count = strtoull(argv[1], &end, 10);
		if (*argv[1] < '0' || *argv[1] > '9' || *end || errno)
			return bad(context, "events: '%.60s' is not a number of events", argv[1]);
	}
	if (last == 0 || count == 0) {
		text_add(&context->answer, "no events yet");
		return COMMAND_OK;
	}
	for (n = last > count ? last - count + 1 : 1; n <= last; n++) {
		text_add(&cell, "%llu", (unsigned long long)n);
		columns_add(&columns, &cell);
		if (trace_event(session_trace(session), n, &event) < 0)
			text_add(&cell, "cannot be read");
		else
			text_add_event(&cell, session, &event);
		columns_add(&columns, &cell);
	}
	columns_print(&columns, &context->answer);
	return COMMAND_OK;
}

enum command_status run_output(struct command_context *context, int argc, char **argv)
{
	_cleanup_(text_cleanup) struct text raw = {0};
	struct session *session = context->session;
	struct text *answer = &context->answer;
	size_t count = trace_output_count(session_trace(session));
	struct trace_output output;
	bool damaged = false;
	const char *line;

	for (size_t i = 0; i < count; i++) {
		if (trace_output(session_trace(session), i, &output) < 0) {
			damaged = true;
			continue;
		}
		if (output.after > session_playhead(session))
			break;
		text_add_utf8(&raw, output.data, output.length);
	}
	for (line = text_string(&raw); *line;) {
		size_t length = strcspn(line, "\n"), shown = length;

		if (shown && line[shown - 1] == '\r')
			shown--;
		text_add(answer, "%s", answer->length ? "\n" : "");
		text_add_filtered(answer, line, shown);
		line += length + (line[length] == '\n');
	}
	if (damaged)
		text_add(answer, "%ssome of the output cannot be read: that part of the trace is damaged",
				 answer->length ? "\n" : "");
	else if (!raw.length)
		text_add(answer, "no output yet");
	return COMMAND_OK;
}

enum command_status run_save(struct command_context *context, int argc, char **argv)
{
	int r;

	if (argc != 2)
		return bad(context, "save: into which file?");
	r = session_save(context->session, argv[1]);
	if (r < 0) {
		text_add(&context->answer, "save: ");
		text_add_filtered(&context->answer, argv[1], strlen(argv[1]));
		text_add(&context->answer, ": %s", strerror(-r));
		return COMMAND_COULD_NOT;
	}
	text_add(&context->answer, "%llu events saved in ",
			 (unsigned long long)session_head(context->session));
	text_add_filtered(&context->answer, argv[1], strlen(argv[1]));
	return COMMAND_OK;
}
