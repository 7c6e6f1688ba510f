/*
 * stacks.c - stacks of suspended coroutines, their local variables and expressions, as text and
 * JSON.
 *
 * Frames are numbered from the innermost that is the program's own; those of the runtime have no
 * number, and are shown only when asked for.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <tracer/backtrace.h>
#include "command_private.h"

#define CELL_BYTES    4096 /* of a value as text */
#define CREATORS_MOST 64   /* generations that are told */

static void backtrace_cleanup(struct backtrace **backtrace)
{
	backtrace_free(*backtrace);
}

static void view_cleanup(struct locals_view **view)
{
	locals_view_free(*view);
}

/* ---- A frame ----------------------------------------------------------- */

static const char *base_of(const char *file)
{
	const char *slash = strrchr(file, '/');

	return slash ? slash + 1 : file;
}

static void add_filtered(struct text *text, const char *string)
{
	text_add_filtered(text, string, strlen(string));
}

static void add_function(struct text *text, const struct locals_frame *frame)
{
	if (frame->function)
		add_filtered(text, frame->function);
	else
		text_add(text, "??");
	if (frame->function && !frame->file && frame->offset)
		text_add(text, "+0x%llx", (unsigned long long)frame->offset);
	if (frame->inlined)
		text_add(text, " (inlined)");
}

static void add_place(struct text *text, const struct locals_frame *frame)
{
	if (frame->file) {
		add_filtered(text, base_of(frame->file));
		if (frame->line)
			text_add(text, ":%u", frame->line);
	} else if (frame->module) {
		add_filtered(text, base_of(frame->module));
	}
}

static bool is_shown(const struct backtrace_frame *frame, bool runtime)
{
	return runtime || !frame->frame.runtime;
}

/* ---- A stack ----------------------------------------------------------- */

/* One value in one line; why it is missing, if all of it is. */
static void add_value(struct text *text, struct locals_view *view, const struct locals_value *value,
					  const struct locals_format *format)
{
	char cell[CELL_BYTES];

	locals_text(view, value, format, cell, sizeof(cell));
	text_add(text, "%s", cell);
}

static void add_note(struct text *text, const struct locals_variable *variable)
{
	if (variable->early)
		text_add(text, "  (not yet initialised)");
	else if (variable->shadowed)
		text_add(text, "  (shadowed)");
	else if (variable->is_static)
		text_add(text, "  (static)");
}

/* The variables of a frame, each a line that begins with `indent` blanks. */
static size_t add_variables(struct text *text, const struct backtrace *backtrace, size_t frame,
							bool runtime, int indent)
{
	_cleanup_(view_cleanup) struct locals_view *view = NULL;
	const struct locals_variable *variable;
	size_t count, shown = 0, width = 0;

	if (backtrace_view(backtrace, frame, &view) < 0)
		return 0;
	variable = locals_variables(view, &count);
	for (size_t i = 0; i < count; i++)
		if ((runtime || !variable[i].runtime) && strlen(variable[i].value->name) > width)
			width = strlen(variable[i].value->name);
	width = width > 24 ? 24 : width;
	for (size_t i = 0; i < count; i++) {
		if (variable[i].runtime && !runtime)
			continue;
		text_add(text, "%s%*s%-*s = ", text->length ? "\n" : "", indent, "", (int)width,
				 variable[i].value->name);
		add_value(text, view, variable[i].value, &LOCALS_FORMAT_LINE);
		add_note(text, &variable[i]);
		shown++;
	}
	return shown;
}

static void add_part(struct text *text, struct session *session, const struct backtrace *backtrace,
					 size_t number)
{
	const struct backtrace_part *part = backtrace_part(backtrace, number);
	const struct world_object *object = world_find(session_world(session), part->serial);

	text_add_object(text, session, part->serial);
	if (object)
		text_add(text, "  %s  %s", trace_object_kind_name(object->kind),
				 world_state_name(session_world(session), object));
}

/* The frames of a part, numbered from *number on. */
static void add_frames(struct text *text, const struct backtrace *backtrace, size_t number,
					   const struct stack_options *options, unsigned *next)
{
	_cleanup_(columns_done) struct columns columns = {.width = 3, .right = 1};
	_cleanup_(text_cleanup) struct text cell = {0};
	const struct backtrace_part *part = backtrace_part(backtrace, number);
	bool any = false;

	for (size_t i = part->first; i < part->first + part->count; i++) {
		const struct backtrace_frame *frame = backtrace_frame(backtrace, i);

		if (!is_shown(frame, options->runtime))
			continue;
		any = true;
		if (frame->frame.runtime)
			text_add(&cell, "    ");
		else
			text_add(&cell, "%4u", (*next)++);
		columns_add(&columns, &cell);
		add_function(&cell, &frame->frame);
		columns_add(&columns, &cell);
		add_place(&cell, &frame->frame);
		columns_add(&columns, &cell);
		if (options->locals) {
			text_add(text, "\n");
			columns_print(&columns, text);
			columns_done(&columns);
			add_variables(text, backtrace, i, options->runtime, 8);
		}
	}
	if (columns.count) {
		text_add(text, "\n");
		columns_print(&columns, text);
	}
	if (part->missing || !any) {
		text_add(text, "\n      ");
		add_filtered(text, part->missing ? part->missing : "not started yet");
	}
}

/* Where it was created, and by whom, and where that was, and so on. */
static void add_creation(struct text *text, struct session *session, uint64_t serial)
{
	const struct world *world = session_world(session);
	const struct world_object *object = world_find(world, serial);

	for (unsigned i = 0; object && i < CREATORS_MOST; i++) {
		struct symbols *symbols = session_symbols(session);
		const char *place = object->creation_site
								? symbols_text(symbols, object->creation_site, true)
								: symbols_text(symbols, object->creation_pc, false);

		text_add(text, "\ncreated");
		if (*place)
			text_add(text, " at ");
		add_filtered(text, place);
		text_add(text, " by ");
		if (!object->parent) {
			text_add(text, "%s", object->unknown & WORLD_UNKNOWN_PARENT ? "?" : "main");
			return;
		}
		text_add_object_near(text, session, object->parent, object->created_at);
		object = world_find(world, object->parent);
	}
}

void stack_text(struct session *session, uint64_t serial, const struct backtrace *backtrace,
				const struct stack_options *options, struct text *ret)
{
	const struct world_object *object = world_find(session_world(session), serial);
	unsigned next = 0;

	/* A task has no frames of its own. */
	if (object && !trace_object_is_body(object->kind)) {
		object_line(session, object, ret);
		text_add(ret, "\n");
	}
	for (size_t i = 0; i < backtrace_parts(backtrace); i++) {
		text_add(ret, "%s", i ? "\n" : "");
		add_part(ret, session, backtrace, i);
		add_frames(ret, backtrace, i, options, &next);
	}
	add_creation(ret, session, serial);
}

/* ---- All of them ------------------------------------------------------- */

/* Stacks that look the same, but for who they are of and what is in them. */
struct group {
	char *text; /* owned: the frames */
	uint64_t serial;
	size_t count;
};

struct groups {
	struct group *list; /* owned; in the order of their first */
	size_t count, room;
	size_t *table; /* owned; open addressing by text: index + 1, 0: free */
	size_t table_room;
};

static void groups_done(struct groups *groups)
{
	for (size_t i = 0; i < groups->count; i++)
		free(groups->list[i].text);
	free(groups->list);
	free(groups->table);
}

static size_t *slot_of(const struct groups *groups, const char *text)
{
	size_t at = 5381;

	for (const char *c = text; *c; c++)
		at = at * 33 ^ (unsigned char)*c;
	for (at &= groups->table_room - 1; groups->table[at]; at = (at + 1) & (groups->table_room - 1))
		if (strcmp(groups->list[groups->table[at] - 1].text, text) == 0)
			break;
	return &groups->table[at];
}

static bool groups_grow(struct groups *groups)
{
	size_t room = groups->room ? groups->room * 2 : 64;
	struct group *list = reallocarray(groups->list, room, sizeof(*list));
	size_t *table;

	if (!list)
		return false;
	groups->list = list;
	table = calloc(2 * room, sizeof(*table));
	if (!table)
		return false;
	free(groups->table);
	groups->table = table;
	groups->table_room = 2 * room;
	groups->room = room;
	for (size_t i = 0; i < groups->count; i++)
		*slot_of(groups, list[i].text) = i + 1;
	return true;
}

static void groups_add(struct groups *groups, const char *text, uint64_t serial)
{
	size_t *slot;

	if (groups->count == groups->room && !groups_grow(groups))
		return;
	slot = slot_of(groups, text);
	if (!*slot) {
		char *copy = strdup(text);

		if (!copy)
			return;
		groups->list[groups->count++] = (struct group){.text = copy, .serial = serial};
		*slot = groups->count;
	}
	groups->list[*slot - 1].count++;
}

/* What stacks that are folded have in common. */
static void add_key(struct text *key, struct session *session, const struct backtrace *backtrace,
					const struct stack_options *options)
{
	struct stack_options plain = {.runtime = options->runtime};
	unsigned next = 0;

	for (size_t i = 0; i < backtrace_parts(backtrace); i++) {
		const struct backtrace_part *part = backtrace_part(backtrace, i);
		const struct world_object *object = world_find(session_world(session), part->serial);

		text_add(key, "%s", key->length ? "\n" : "");
		if (object)
			text_add_name(key, session, object);
		text_add(key, "  %s", object ? world_state_name(session_world(session), object) : "");
		add_frames(key, backtrace, i, &plain, &next);
	}
}

/* Nobody delegates to it, and no task drives it: what is above it is said with it. */
static bool is_root(const struct world *world, const struct world_object *object)
{
	return is_coroutine(object) && !world_is_over(world, object->serial) &&
		   !world_above(world, object);
}

/* Calls `each` with the backtrace of every root that has one. */
static void each_root(struct session *session,
					  void (*each)(void *context, uint64_t serial,
								   const struct backtrace *backtrace),
					  void *context)
{
	const struct world *world = session_world(session);

	for (const struct world_object *object = world_next(world, 0); object;
		 object = world_next(world, object->serial)) {
		_cleanup_(backtrace_cleanup) struct backtrace *backtrace = NULL;

		if (is_root(world, object) && backtrace_new(session, object->serial, &backtrace) == 0)
			each(context, object->serial, backtrace);
	}
}

struct listing {
	struct session *session;
	const struct stack_options *options;
	struct groups groups;
	struct text key;
	struct text *text;
	cJSON *json;
};

static void list_one(void *context, uint64_t serial, const struct backtrace *backtrace)
{
	struct listing *listing = context;

	if (listing->options->locals) {
		text_add(listing->text, "%s", listing->text->length ? "\n\n" : "");
		stack_text(listing->session, serial, backtrace, listing->options, listing->text);
		return;
	}
	text_clear(&listing->key);
	add_key(&listing->key, listing->session, backtrace, listing->options);
	groups_add(&listing->groups, text_string(&listing->key), serial);
}

void stacks_list(struct session *session, const struct stack_options *options, struct text *ret)
{
	struct listing listing = {.session = session, .options = options, .text = ret};

	each_root(session, list_one, &listing);
	for (size_t i = 0; i < listing.groups.count; i++) {
		const struct group *group = &listing.groups.list[i];

		text_add(ret, "%s", ret->length ? "\n\n" : "");
		text_add_object(ret, session, group->serial);
		if (group->count > 1)
			text_add(ret, "  \u00d7%zu", group->count);
		text_add(ret, "\n%s", group->text);
	}
	if (!ret->length)
		text_add(ret, "no stacks at event %llu", (unsigned long long)session_playhead(session));
	groups_done(&listing.groups);
	text_done(&listing.key);
}

/* ---- JSON -------------------------------------------------------------- */

static void add_variable_json(cJSON *array, struct locals_view *view,
							  const struct locals_variable *variable)
{
	_cleanup_(text_cleanup) struct text text = {0};
	cJSON *json = cJSON_CreateObject();

	add_value(&text, view, variable->value, &LOCALS_FORMAT_LINE);
	cJSON_AddStringToObject(json, "name", variable->value->name);
	cJSON_AddStringToObject(json, "type", variable->value->type);
	cJSON_AddStringToObject(json, "value", text_string(&text));
	if (variable->value->reason != LOCALS_COMPLETE)
		cJSON_AddStringToObject(json, "note", locals_reason_text(variable->value->reason));
	else if (variable->early)
		cJSON_AddStringToObject(json, "note", "not yet initialised");
	cJSON_AddItemToArray(array, json);
}

static void add_variables_json(cJSON *json, const struct backtrace *backtrace, size_t frame,
							   bool runtime)
{
	_cleanup_(view_cleanup) struct locals_view *view = NULL;
	cJSON *array = cJSON_AddArrayToObject(json, "locals");
	const struct locals_variable *variable;
	size_t count;

	if (backtrace_view(backtrace, frame, &view) < 0)
		return;
	variable = locals_variables(view, &count);
	for (size_t i = 0; i < count; i++)
		if (runtime || !variable[i].runtime)
			add_variable_json(array, view, &variable[i]);
}

static cJSON *frame_json(const struct backtrace *backtrace, size_t i,
						 const struct stack_options *options)
{
	const struct backtrace_frame *frame = backtrace_frame(backtrace, i);
	cJSON *json = cJSON_CreateObject();

	cJSON_AddNumberToObject(json, "co", (double)backtrace_part(backtrace, frame->part)->serial);
	if (frame->frame.function)
		cJSON_AddStringToObject(json, "function", frame->frame.function);
	if (frame->frame.file)
		cJSON_AddStringToObject(json, "file", frame->frame.file);
	if (frame->frame.line)
		cJSON_AddNumberToObject(json, "line", frame->frame.line);
	cJSON_AddBoolToObject(json, "inlined", frame->frame.inlined);
	if (options->locals)
		add_variables_json(json, backtrace, i, options->runtime);
	return json;
}

cJSON *stack_json(struct session *session, uint64_t serial, const struct backtrace *backtrace,
				  const struct stack_options *options)
{
	const struct world_object *object = world_find(session_world(session), serial);
	_cleanup_(text_cleanup) struct text name = {0};
	cJSON *json = cJSON_CreateObject(), *frames;
	bool complete = true;

	cJSON_AddNumberToObject(json, "id", (double)serial);
	if (object)
		text_add_name(&name, session, object);
	cJSON_AddStringToObject(json, "name", text_string(&name));
	cJSON_AddNumberToObject(json, "count", 1);
	for (size_t i = 0; i < backtrace_parts(backtrace); i++)
		complete &= !backtrace_part(backtrace, i)->missing;
	cJSON_AddBoolToObject(json, "complete", complete);
	for (size_t i = 0; i < backtrace_parts(backtrace); i++)
		if (backtrace_part(backtrace, i)->missing && !cJSON_HasObjectItem(json, "why"))
			cJSON_AddStringToObject(json, "why", backtrace_part(backtrace, i)->missing);
	frames = cJSON_AddArrayToObject(json, "frames");
	for (size_t i = 0; i < backtrace_frames(backtrace); i++)
		if (is_shown(backtrace_frame(backtrace, i), options->runtime))
			cJSON_AddItemToArray(frames, frame_json(backtrace, i, options));
	return json;
}

static void list_one_json(void *context, uint64_t serial, const struct backtrace *backtrace)
{
	struct listing *listing = context;
	size_t before = listing->groups.count;

	if (!listing->options->locals) {
		text_clear(&listing->key);
		add_key(&listing->key, listing->session, backtrace, listing->options);
		groups_add(&listing->groups, text_string(&listing->key), serial);
		if (listing->groups.count == before)
			return;
	}
	cJSON_AddItemToArray(listing->json,
						 stack_json(listing->session, serial, backtrace, listing->options));
}

cJSON *stacks_json(struct session *session, const struct stack_options *options)
{
	struct listing listing = {.session = session, .options = options, .json = cJSON_CreateArray()};
	cJSON *item;
	size_t i = 0;

	each_root(session, list_one_json, &listing);
	cJSON_ArrayForEach(item, listing.json)
	{
		if (i < listing.groups.count)
			cJSON_SetNumberValue(cJSON_GetObjectItem(item, "count"),
								 (double)listing.groups.list[i].count);
		i++;
	}
	groups_done(&listing.groups);
	text_done(&listing.key);
	return listing.json;
}

/* ---- Debugger commands ------------------------------------------------- */

/* The logical stack of the object that the arguments name. NULL after an answer. */
static struct backtrace *get_backtrace(struct command_context *context, int argc, char **argv,
									   uint64_t *ret_serial, enum command_status *ret_status)
{
	const struct world_object *object = command_object(context, argc, argv, ret_status);
	struct backtrace *backtrace;
	int result;

	if (!object)
		return NULL;
	*ret_serial = object->serial;
	result = backtrace_new(context->session, object->serial, &backtrace);
	if (result == 0)
		return backtrace;
	*ret_status = COMMAND_FAILED;
	if (result == -ESRCH) {
		text_add_object(&context->answer, context->session, object->serial);
		text_add(
			&context->answer, " has no stack: it is a %s%s", trace_object_kind_name(object->kind),
			world_is_over(session_world(context->session), object->serial) ? " that is finished"
																		   : "");
	} else if (result == -ENOTSUP) {
		text_add(&context->answer,
				 "%s: stacks of a program of another architecture cannot be told here", argv[0]);
	} else {
		text_add(&context->answer, "%s: %s", argv[0], strerror(-result));
	}
	return NULL;
}

enum command_status run_stack(struct command_context *context, int argc, char **argv)
{
	_cleanup_(backtrace_cleanup) struct backtrace *backtrace = NULL;
	struct stack_options options = {0};
	enum command_status status;
	uint64_t serial;

	if (argc > 1 && strcmp(argv[argc - 1], "all") == 0) {
		options.runtime = true;
		argc--;
	}
	if (argc > 2)
		return bad(context, "stack: '%.60s' is not 'all'", argv[2]);
	backtrace = get_backtrace(context, argc, argv, &serial, &status);
	if (!backtrace)
		return status;
	stack_text(context->session, serial, backtrace, &options, &context->answer);
	return COMMAND_OK;
}

/* The heading of a frame's variables: "produce #6  frame 0  produce  demo.c:31  (optimised)". */
static void add_heading(struct command_context *context, const struct backtrace *backtrace,
						size_t i, uint64_t number)
{
	const struct backtrace_frame *frame = backtrace_frame(backtrace, i);
	struct text *answer = &context->answer;

	text_add_object(answer, context->session, backtrace_part(backtrace, frame->part)->serial);
	text_add(answer, "  frame %llu  ", (unsigned long long)number);
	add_function(answer, &frame->frame);
	text_add(answer, "  ");
	add_place(answer, &frame->frame);
	if (frame->frame.optimised)
		text_add(answer, "  (optimised)");
}

enum command_status run_locals(struct command_context *context, int argc, char **argv)
{
	_cleanup_(backtrace_cleanup) struct backtrace *backtrace = NULL;
	struct text *answer = &context->answer;
	enum command_status status;
	uint64_t serial, number = 0;
	size_t frame;

	if (argc == 3) {
		char *end;

		number = strtoull(argv[2], &end, 10);
		if (*argv[2] < '0' || *argv[2] > '9' || *end)
			return bad(context, "locals: '%.60s' is not the number of a frame", argv[2]);
	}
	backtrace = get_backtrace(context, argc > 2 ? 2 : argc, argv, &serial, &status);
	if (!backtrace)
		return status;
	if (argc < 3)
		number = backtrace_number_of(backtrace, serial);
	frame = backtrace_numbered(backtrace, number);
	if (frame == backtrace_frames(backtrace)) {
		const char *missing = backtrace_part(backtrace, 0)->missing;

		if (backtrace_numbers(backtrace) == 0)
			add_filtered(answer, missing ? missing : "not started yet");
		else
			text_add(answer, "locals: there is no frame %llu: see stack",
					 (unsigned long long)number);
		return COMMAND_FAILED;
	}
	add_heading(context, backtrace, frame, number);
	if (!backtrace_frame(backtrace, frame)->frame.described)
		text_add(answer, "\nno debug information: its variables are not known");
	else if (!add_variables(answer, backtrace, frame, false, 0))
		text_add(answer, "\nno local variables");
	return COMMAND_OK;
}

enum command_status run_print(struct command_context *context, int argc, char **argv)
{
	static const struct locals_format format = {.depth = 8, .elements = 200, .characters = 1000};
	_cleanup_(backtrace_cleanup) struct backtrace *backtrace = NULL;
	_cleanup_(view_cleanup) struct locals_view *view = NULL;
	const struct locals_value *value;
	struct locals_mistake mistake;
	enum command_status status;
	uint64_t serial;
	size_t frame;
	int result;

	if (argc < 2 || !*argv[1])
		return bad(context, "print: which expression?");
	backtrace = get_backtrace(context, 1, argv, &serial, &status);
	if (!backtrace)
		return status;
	frame = backtrace_numbered(backtrace, backtrace_number_of(backtrace, serial));
	if (frame == backtrace_frames(backtrace)) {
		const char *missing = backtrace_part(backtrace, 0)->missing;

		add_filtered(&context->answer, missing ? missing : "not started yet");
		return COMMAND_FAILED;
	}
	result = backtrace_view(backtrace, frame, &view);
	if (result == 0)
		result = locals_evaluate(view, argv[1], &value, &mistake);
	if (result == -EINVAL)
		return bad(context, "print: column %zu: %s", mistake.at + 1, mistake.text);
	if (result < 0) {
		text_add(&context->answer, "print: %s", strerror(-result));
		return COMMAND_FAILED;
	}
	add_value(&context->answer, view, value, &format);
	return COMMAND_OK;
}
