/*
 * chrome.c - Trace Event Format: a JSON object with an array of events, which
 * chrome://tracing and Perfetto draw.
 *
 *     B, E     begin and end of a slice, by `tid`: a number of the track
 *     i        an instant
 *     b, e     creation and destruction of a body or task, by `id`, its serial
 *     s, f     an arrow from what woke a task to its next step, by `id`, the number of the wake
 *     M        names of tracks
 *
 * Times are microseconds with three decimals. Thread i is tid i, for i up to CORO_RINGS; the
 * tasks follow, in the order of their first step. Losses, events that cannot be read, and the
 * program's output are instants whose category is none of an object's.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <tracer/json.h>
#include "export_private.h"
#include "tracks.h"

struct chrome {
	struct export *export; /* first */
	struct tracks tracks;
	struct serials alive; /* of objects whose b was written */
	uint64_t count;       /* of JSON events */
	struct text text;
};

/* ---- JSON events ------------------------------------------------------- */

static uint64_t tid_of(const struct chrome *chrome, uint32_t track)
{
	const struct track *it = &chrome->tracks.track[track];

	return it->kind ? CORO_RINGS + 1 + (uint64_t)track : (uint64_t)it->thread + 1;
}

static void put(struct chrome *chrome, cJSON *json)
{
	sink_put_string(&chrome->export->sink, chrome->count++ ? ",\n" : "");
	sink_put_json(&chrome->export->sink, json);
}

static void add_time(cJSON *json, int64_t t)
{
	char microseconds[32];

	snprintf(microseconds, sizeof(microseconds), "%" PRId64 ".%03" PRId64, t / 1000, t % 1000);
	cJSON_AddRawToObject(json, "ts", microseconds);
}

static cJSON *create(const struct chrome *chrome, const char *phase, uint64_t tid)
{
	cJSON *json = cJSON_CreateObject();

	cJSON_AddStringToObject(json, "ph", phase);
	cJSON_AddNumberToObject(json, "pid", trace_meta(chrome->export->trace)->pid);
	json_add_number(json, "tid", tid);
	return json;
}

static cJSON *create_at(const struct chrome *chrome, const char *phase, uint32_t track, int64_t t)
{
	cJSON *json = create(chrome, phase, tid_of(chrome, track));

	add_time(json, t);
	return json;
}

static void add_id(cJSON *json, uint64_t id)
{
	char hexadecimal[24];

	snprintf(hexadecimal, sizeof(hexadecimal), "0x%" PRIx64, id);
	cJSON_AddStringToObject(json, "id", hexadecimal);
}

static void put_name(struct chrome *chrome, const char *what, uint64_t tid, const char *name)
{
	cJSON *json = create(chrome, "M", tid);

	cJSON_AddStringToObject(json, "name", what);
	cJSON_AddStringToObject(cJSON_AddObjectToObject(json, "args"), "name", name);
	put(chrome, json);
}

static void put_track(void *context, uint32_t track)
{
	struct chrome *chrome = context;
	const struct track *it = &chrome->tracks.track[track];
	uint64_t tid = tid_of(chrome, track);
	cJSON *json;

	text_clear(&chrome->text);
	if (it->kind) {
		export_add_name(&chrome->text, chrome->export, it->name, trace_object_kind_name(it->kind));
		text_add(&chrome->text, " #%" PRIu64, it->serial);
	} else {
		export_add_thread(&chrome->text, it->thread);
	}
	put_name(chrome, "thread_name", tid, text_string(&chrome->text));
	json = create(chrome, "M", tid);
	cJSON_AddStringToObject(json, "name", "thread_sort_index");
	json_add_number(cJSON_AddObjectToObject(json, "args"), "sort_index", tid);
	put(chrome, json);
}

/* ---- Events ------------------------------------------------------------ */

static void put_arrow(struct chrome *chrome, const struct track_step *step, uint64_t id)
{
	bool begins = step->flow_to != 0;
	cJSON *json = create_at(chrome, begins ? "s" : "f", step->track, step->t);

	cJSON_AddStringToObject(json, "cat", "wake");
	cJSON_AddStringToObject(json, "name", "wake");
	add_id(json, id);
	if (!begins)
		cJSON_AddStringToObject(json, "bp", "e");
	put(chrome, json);
}

static bool has_life(const struct trace_event *event)
{
	return trace_object_is_body(event->object_kind) || event->object_kind == CORO_OBJECT_TASK;
}

/* The phase of an instant: that of an object's life, or of none. */
static const char *phase_of(struct chrome *chrome, const struct trace_event *event)
{
	if ((event->kind == CORO_EVENT_CREATE || event->kind == CORO_EVENT_SPAWN) && has_life(event) &&
		!serials_find(&chrome->alive, event->co, NULL) &&
		serials_set(&chrome->alive, event->co, event->name))
		return "b";
	if (event->kind == CORO_EVENT_DESTROY && serials_take(&chrome->alive, event->co, NULL))
		return "e";
	return "i";
}

static void add_slice_name(struct chrome *chrome, cJSON *json, const struct trace_event *event)
{
	const struct slice slice = {.kind = event->object_kind};
	const char *label = slice_label(&slice);

	text_clear(&chrome->text);
	if (label)
		text_add(&chrome->text, "%s", label);
	else
		export_add_name(&chrome->text, chrome->export, event->name,
						trace_object_kind_name(event->object_kind));
	json_add_text(json, "name", &chrome->text);
}

/* Both ends of a life have the object's name: they belong together by it. */
static void add_life(struct chrome *chrome, cJSON *json, const struct trace_event *event)
{
	text_clear(&chrome->text);
	export_add_name(&chrome->text, chrome->export, event->name,
					trace_object_kind_name(event->object_kind));
	json_add_text(json, "name", &chrome->text);
	add_id(json, event->co);
}

/* Viewers put the arguments of both ends of a slice together: those of the end stand apart. */
static void add_arguments(struct chrome *chrome, cJSON *json, const struct trace_event *event,
						  bool ends)
{
	const char *kind = trace_event_name(event->kind);
	cJSON *arguments = cJSON_AddObjectToObject(json, "args");

	if (ends)
		arguments = cJSON_AddObjectToObject(arguments, "end");
	json_add_number(arguments, "n", event->n);
	cJSON_AddStringToObject(arguments, "kind", kind ? kind : "unknown");
	json_add_details(arguments, chrome->export->session, event);
}

static void put_event(void *context, const struct trace_event *event, uint64_t turn)
{
	static const char *const phases[] = {
		[TRACK_INSTANT] = "i", [TRACK_BEGIN] = "B", [TRACK_END] = "E"};
	struct chrome *chrome = context;
	struct export *export = chrome->export;
	const char *kind = trace_event_name(event->kind), *phase;
	struct track_step step;
	cJSON *json;
	int r = tracks_event(&chrome->tracks, event, &step);

	if (r < 0) {
		if (r == -ERANGE)
			export->report.omitted[EXPORT_THREAD]++;
		else
			export->sink.error = r;
		return;
	}
	phase = step.action == TRACK_INSTANT ? phase_of(chrome, event) : phases[step.action];
	json = create_at(chrome, phase, step.track, step.t);
	cJSON_AddStringToObject(json, "cat", trace_object_kind_name(event->object_kind));
	if (*phase == 'B')
		add_slice_name(chrome, json, event);
	else if (*phase == 'b' || *phase == 'e')
		add_life(chrome, json, event);
	else
		cJSON_AddStringToObject(json, "name", kind ? kind : "unknown");
	if (*phase == 'i')
		cJSON_AddStringToObject(json, "s", "t");
	add_arguments(chrome, json, event, *phase == 'E');
	put(chrome, json);
	export->report.exported++;
	if (step.flow_from || step.flow_to)
		put_arrow(chrome, &step, step.flow_to ? step.flow_to : step.flow_from);
}

static void put_cut(void *context, const struct slice *slice, uint32_t ring, int64_t t)
{
	struct chrome *chrome = context;
	cJSON *json = create_at(chrome, "E", slice->track, t);

	cJSON *arguments = cJSON_AddObjectToObject(json, "args");

	cJSON_AddStringToObject(cJSON_AddObjectToObject(arguments, "end"), "kind", "cut");
	put(chrome, json);
}

/* ---- What is no event -------------------------------------------------- */

/* An instant of this name; its arguments. */
static cJSON *put_mark(struct chrome *chrome, const char *name, uint32_t track, int64_t t,
					   cJSON **ret)
{
	cJSON *json = create_at(chrome, "i", track, t);

	cJSON_AddStringToObject(json, "cat", name);
	cJSON_AddStringToObject(json, "name", name);
	cJSON_AddStringToObject(json, "s", "t");
	*ret = cJSON_AddObjectToObject(json, "args");
	return json;
}

static void put_lost(void *context, uint64_t after, uint32_t ring, uint64_t count)
{
	struct chrome *chrome = context;
	cJSON *json, *arguments;
	uint32_t track;
	int64_t t;

	if (tracks_lost(&chrome->tracks, ring, &track, &t) < 0)
		return;
	json = put_mark(chrome, "lost", track, t, &arguments);
	json_add_number(arguments, "after", after);
	json_add_number(arguments, "count", count);
	put(chrome, json);
}

/* An instant of the whole process. */
static cJSON *create_global(struct chrome *chrome, const char *name, int64_t t, cJSON **ret)
{
	cJSON *json = create(chrome, "i", 0);

	add_time(json, t);
	cJSON_AddStringToObject(json, "cat", name);
	cJSON_AddStringToObject(json, "name", name);
	cJSON_AddStringToObject(json, "s", "p");
	*ret = cJSON_AddObjectToObject(json, "args");
	return json;
}

static void put_unreadable(void *context, uint64_t first, uint64_t count)
{
	struct chrome *chrome = context;
	cJSON *json, *arguments;

	export_unreadable(context, first, count);
	tracks_cut_all(&chrome->tracks);
	json = create_global(chrome, "unreadable", chrome->tracks.latest, &arguments);
	json_add_number(arguments, "after", first - 1);
	json_add_number(arguments, "count", count);
	put(chrome, json);
}

static void put_output(void *context, const struct walk_line *line)
{
	struct chrome *chrome = context;
	cJSON *json, *arguments;
	const struct text text = {.data = (char *)line->text, .length = line->length};

	json = create_global(chrome, "output", line->t > 0 ? line->t : 0, &arguments);
	json_add_number(arguments, "after", line->after);
	cJSON_AddNumberToObject(arguments, "fd", line->fd);
	json_add_text(arguments, "text", &text);
	put(chrome, json);
	chrome->export->report.output++;
	chrome->export->report.output_exported++;
}

/* ---- The file ---------------------------------------------------------- */

static void put_other_data(struct chrome *chrome)
{
	const struct trace_meta *meta = trace_meta(chrome->export->trace);
	cJSON *json = cJSON_CreateObject();

	json_add_filtered(json, "program", meta->program);
	json_add_filtered(json, "arguments", meta->arguments ? meta->arguments : "");
	json_add_number(json, "events", chrome->export->report.events);
	json_add_number(json, "lost", chrome->export->report.lost);
	json_add_number(json, "realtime_at_0_ns", meta->real0);
	sink_put_json(&chrome->export->sink, json);
}

int export_chrome(struct export *export)
{
	struct chrome chrome = {
		.export = export,
		.tracks = {.added = put_track, .cut = put_cut, .flows_need_slices = true},
	};
	const struct walk walk = {
		.context = &chrome,
		.event = put_event,
		.unreadable = put_unreadable,
		.output = put_output,
		.output_unreadable = export_output_unreadable,
		.lost = put_lost,
		.go_on = export_go_on,
	};

	chrome.tracks.context = &chrome;
	sink_put_string(&export->sink, "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n");
	export_add_program(&chrome.text, export);
	put_name(&chrome, "process_name", 0, text_string(&chrome.text));
	trace_walk(export->trace, 0, export->report.events, &walk);
	tracks_cut_all(&chrome.tracks);
	sink_put_string(&export->sink, "\n],\"otherData\":");
	put_other_data(&chrome);
	sink_put_string(&export->sink, "}\n");
	export->report.cut = chrome.tracks.cuts;
	export->report.moved = chrome.tracks.moved;
	tracks_done(&chrome.tracks);
	serials_done(&chrome.alive);
	text_done(&chrome.text);
	return 0;
}
