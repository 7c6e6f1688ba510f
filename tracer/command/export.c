/*
 * export.c - coroscope export: a trace for other tools.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "command_private.h"

/* Work that is longer than a second shows on a terminal how far it is. */
static void show_progress(uint64_t n, uint64_t count)
{
	static struct timespec shown;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!n)
		shown = now;
	if (now.tv_sec - shown.tv_sec < 1 || !count)
		return;
	shown = now;
	fprintf(stderr, "\r%llu %% of %llu events", (unsigned long long)(n * 100 / count),
			(unsigned long long)count);
	fputs("\033[K", stderr);
}

static void print_json(const struct export_format *format, const char *path,
					   const struct export_report *report)
{
	cJSON *json = cJSON_CreateObject(), *omitted;

	cJSON_AddStringToObject(json, "format", format->name);
	json_add_filtered(json, "file", path);
	json_add_number(json, "events", report->events);
	json_add_number(json, "exported", report->exported);
	omitted = cJSON_AddObjectToObject(json, "omitted");
	for (unsigned i = 0; i < EXPORT_OMISSIONS; i++)
		if (report->omitted[i])
			json_add_number(omitted, export_omission_name(i), report->omitted[i]);
	json_add_number(json, "lost", report->lost);
	json_add_number(json, "output", report->output);
	json_add_number(json, "output_exported", report->output_exported);
	json_add_number(json, "output_unreadable", report->output_unreadable);
	json_add_number(json, "cut", report->cut);
	json_add_number(json, "moved", report->moved);
	json_add_number(json, "bytes", report->bytes);
	json_print_line(json);
}

static int export_file(const char *path, const struct export_format *format, const char *to,
					   bool json)
{
	_cleanup_(text_cleanup) struct text text = {0};
	bool progress = isatty(STDERR_FILENO);
	struct export_report result;
	struct session *session;
	struct trace *trace;
	uint64_t torn;
	int status = open_source("export", path, &session), r;

	if (status)
		return status;
	trace = session_trace(session);
	torn = trace_torn(trace);
	r = export_trace(session, format, to, progress ? show_progress : NULL, &result, &text);
	if (progress)
		fputs("\r\033[K", stderr);
	report_damage("export", path, trace, torn);
	if (r < 0) {
		report("export", "%s", text_string(&text));
		status = EXIT_COULD_NOT;
	} else if (json) {
		print_json(format, to, &result);
	} else {
		export_add_report(&text, &result);
		report("export", "%s: %s", to, text_string(&text));
	}
	session_free(session, false);
	return status;
}

static const struct export_format *parse_format(const char *name)
{
	const struct export_format *format = export_find(name);
	_cleanup_(text_cleanup) struct text names = {0};

	if (format)
		return format;
	export_add_names(&names);
	report("export", "--format: '%s' is none of %s", name, text_string(&names));
	return NULL;
}

/* ---- The command ------------------------------------------------------- */

enum command_status run_export(struct command_context *context, int argc, char **argv)
{
	_cleanup_(text_cleanup) struct text why = {0};
	const struct export_format *format = argc > 1 ? export_find(argv[1]) : NULL;
	struct text *answer = &context->answer;
	struct export_report result;

	if (!format) {
		export_add_names(&why);
		return bad(context, "export: as what? %s", text_string(&why));
	}
	if (argc != 3)
		return bad(context, "export: into which file?");
	if (export_trace(context->session, format, argv[2], NULL, &result, &why) < 0) {
		text_add(answer, "export: %s", text_string(&why));
		return COMMAND_COULD_NOT;
	}
	export_add_report(answer, &result);
	return COMMAND_OK;
}

/* ---- The subcommand ---------------------------------------------------- */

static int main_export(int argc, char **argv)
{
	static const struct option options[] = {
		{"format", required_argument, NULL, 'f'},
		{"output", required_argument, NULL, 'o'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	const struct export_format *format = NULL;
	const char *path, *to = NULL;
	bool json = false;
	int option, status;

	while ((option = next_option(&subcommand_export, argc, argv, ":ho:", options, &status)) != -1) {
		if (option == -2)
			return status;
		if (option == 'f' && !(format = parse_format(optarg)))
			return EXIT_USAGE;
		if (option == 'o')
			to = optarg;
		json |= option == 'j';
	}
	path = one_file(&subcommand_export, argc, argv);
	if (!path)
		return EXIT_USAGE;
	if (!format || !to) {
		report("export", "%s: see coroscope export --help",
			   format ? "into which file? -o FILE" : "as what? --format FORMAT");
		return EXIT_USAGE;
	}
	if (json && strcmp(to, "-") == 0) {
		report("export", "--json and '-o -' both want standard output");
		return EXIT_USAGE;
	}
	return export_file(path, format, to, json);
}

const struct subcommand subcommand_export = {
	"export",
	"--format FORMAT -o OUT [--json] FILE",
	"a trace for other tools",
	"  --format FORMAT  ctf         Common Trace Format 1.8, a folder: babeltrace2, Trace Compass\n"
	"                   perfetto    Perfetto's protobuf: ui.perfetto.dev\n"
	"                   chrome      Trace Event Format, JSON: chrome://tracing, Perfetto\n"
	"                   speedscope  who ran for how long, JSON: speedscope.app\n"
	"                   asciicast   what the program wrote, asciicast v2: asciinema\n"
	"                   json        JSON lines, those of events --json\n"
	"  -o OUT           where to: a file, which is replaced; for ctf a new or an empty folder;\n"
	"                   -: standard output\n"
	"  --json           what was exported and what was left out, as a JSON object\n"
	"  --help           this\n",
	main_export,
};
