/*
 * json_lines.c - the lines of `events --json`, into a file.
 */
#include <tracer/json.h>
#include "export_private.h"

struct json_lines {
	struct export *export; /* first, as the shared functions expect */
};

static void put(struct json_lines *lines, cJSON *json)
{
	sink_put_json(&lines->export->sink, json);
	sink_put(&lines->export->sink, "\n", 1);
}

static void put_event(void *context, const struct trace_event *event, uint64_t turn)
{
	struct json_lines *lines = context;

	put(lines, json_event(lines->export->session, event, turn));
	lines->export->report.exported++;
}

static void put_unreadable(void *context, uint64_t first, uint64_t count)
{
	export_unreadable(context, first, count);
	put(context, json_unreadable(first - 1, count));
}

static void put_output(void *context, const struct walk_line *line)
{
	struct json_lines *lines = context;

	put(lines, json_output(line));
	lines->export->report.output++;
	lines->export->report.output_exported++;
}

static void put_lost(void *context, uint64_t after, uint32_t ring, uint64_t count)
{
	put(context, json_lost(after, ring, count));
}

int export_json_lines(struct export *export)
{
	struct json_lines lines = {export};
	const struct walk walk = {
		.context = &lines,
		.event = put_event,
		.unreadable = put_unreadable,
		.output = put_output,
		.output_unreadable = export_output_unreadable,
		.lost = put_lost,
		.go_on = export_go_on,
	};

	trace_walk(export->trace, 0, export->report.events, &walk);
	return 0;
}
