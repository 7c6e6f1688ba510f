/*
 * export.c - the table of formats, where an export goes, and what is said of it.
 *
 * An export is written beside its place and moved there when it is whole, so that there is never
 * half of one:
 *
 *     out.json      .out.json.XXXXXX --> rename         a file, also one that is replaced
 *     folder        .folder.XXXXXX/  --> rename         a folder, new or empty
 *     fifo, -       written to as it is
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "export_private.h"

const struct export_format export_formats[] = {
	{"ctf", true, export_ctf},
	{"perfetto", false, export_perfetto},
	{"chrome", false, export_chrome},
	{"speedscope", false, export_speedscope},
	{"asciicast", false, export_asciicast},
	{"json", false, export_json_lines},
	{0},
};

const struct export_format *export_find(const char *name)
{
	for (const struct export_format *format = export_formats; format->name; format++)
		if (strcmp(format->name, name) == 0)
			return format;
	return NULL;
}

void export_add_names(struct text *text)
{
	for (const struct export_format *format = export_formats; format->name; format++)
		text_add(text, "%s%s", format == export_formats ? "" : ", ", format->name);
}

/* ---- The sink ---------------------------------------------------------- */

#define SINK_ENOUGH (64u << 10)

int sink_flush(struct sink *sink)
{
	const uint8_t *data = sink->bytes.data;
	size_t left = sink->bytes.length;

	if (sink->bytes.failed && !sink->error)
		sink->error = -ENOMEM;
	while (left && !sink->error) {
		ssize_t part = write(sink->fd, data, left);

		if (part < 0 && errno == EINTR)
			continue;
		if (part <= 0) {
			sink->error = part < 0 ? -errno : -EIO;
			break;
		}
		data += part;
		left -= (size_t)part;
		sink->written += (uint64_t)part;
	}
	bytes_clear(&sink->bytes);
	return sink->error;
}

void sink_put(struct sink *sink, const void *bytes, size_t length)
{
	bytes_put(&sink->bytes, bytes, length);
	if (sink->bytes.length >= SINK_ENOUGH || sink->bytes.failed)
		sink_flush(sink);
}

void sink_put_string(struct sink *sink, const char *string)
{
	sink_put(sink, string, strlen(string));
}

void sink_put_json(struct sink *sink, cJSON *json)
{
	char *line = json ? cJSON_PrintUnformatted(json) : NULL;
	struct text text = {0};

	if (line) {
		text_add_json(&text, line);
		sink_put_string(sink, text_string(&text));
	} else if (!sink->error) {
		sink->error = -ENOMEM;
	}
	text_done(&text);
	cJSON_free(line);
	cJSON_Delete(json);
}

/* ---- What walks share -------------------------------------------------- */

bool export_go_on(void *context, uint64_t n)
{
	struct export *export = *(struct export **)context;

	if (export->progress)
		export->progress(n, export->report.events);
	return !export->sink.error;
}

void export_unreadable(void *context, uint64_t first, uint64_t count)
{
	struct export *export = *(struct export **)context;

	export->report.omitted[EXPORT_UNREADABLE] += count;
}

void export_output_unreadable(void *context)
{
	struct export *export = *(struct export **)context;

	export->report.output_unreadable++;
}

void export_no_output(void *context, const struct walk_line *line)
{
	struct export *export = *(struct export **)context;

	export->report.output++;
}

void export_add_name(struct text *text, const struct export *export, uint32_t name,
					 const char *otherwise)
{
	const char *string = name ? trace_string(export->trace, name) : NULL;

	if (string && *string)
		text_add_filtered(text, string, strlen(string));
	else
		text_add(text, "%s", otherwise);
}

void export_add_thread(struct text *text, uint32_t ring)
{
	text_add(text, "thread %u", ring + 1);
}

void export_add_program(struct text *text, const struct export *export)
{
	const char *program = trace_meta(export->trace)->program;

	text_add_filtered(text, program, strlen(program));
}

/* ---- Where it goes ----------------------------------------------------- */

int export_temporary(const struct export *export)
{
	char path[PATH_MAX];
	int fd = open(export->directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0)
		return fd;
	if (snprintf(path, sizeof(path), "%s/.coroscope-XXXXXX", export->directory) >=
		(int)sizeof(path))
		return -ENAMETOOLONG;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	unlink(path);
	return fd;
}

/* A place beside another one. */
struct place {
	char *path;      /* owned: what is asked for, without symbolic links at its end */
	char *directory; /* owned */
	char *temporary; /* owned; NULL: written to as it is */
};

static void place_done(struct place *place)
{
	free(place->path);
	free(place->directory);
	free(place->temporary);
}

static int place_beside(struct place *place, const char *path)
{
	size_t length = strlen(path), name;

	while (length > 1 && path[length - 1] == '/')
		length--;
	for (name = length; name && path[name - 1] != '/'; name--)
		;
	if (asprintf(&place->path, "%.*s", (int)length, path) < 0)
		place->path = NULL;
	if (asprintf(&place->directory, "%.*s", name ? (int)name : 1, name ? path : ".") < 0)
		place->directory = NULL;
	if (asprintf(&place->temporary, "%.*s.%.*s.XXXXXX", (int)name, path, (int)(length - name),
				 path + name) < 0)
		place->temporary = NULL;
	return place->path && place->directory && place->temporary ? 0 : -ENOMEM;
}

static int make_in(struct export *export, struct place *place, bool is_folder)
{
	if (is_folder)
		export->fd = mkdtemp(place->temporary)
						 ? open(place->temporary, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
						 : -1;
	else
		export->fd = mkostemp(place->temporary, O_CLOEXEC);
	export->directory = place->directory;
	return export->fd < 0 ? -errno : 0;
}

/* The rights that the umask gives; then to its place. */
static int move_in(const struct export *export, const struct place *place, bool is_folder)
{
	mode_t mask = umask(0);

	umask(mask);
	if (fchmod(export->fd, (is_folder ? 0777 : 0666) & ~mask) < 0 ||
		rename(place->temporary, place->path) < 0)
		return -errno;
	return 0;
}

/* Nothing is left of it: a folder's formats make files only. */
static void take_away(const struct export *export, const struct place *place, bool is_folder)
{
	char path[PATH_MAX];
	struct dirent **entry;
	int count;

	if (!is_folder) {
		unlink(place->temporary);
		return;
	}
	count = scandir(place->temporary, &entry, NULL, NULL);
	for (int i = 0; i < count; i++) {
		if (snprintf(path, sizeof(path), "%s/%s", place->temporary, entry[i]->d_name) <
			(int)sizeof(path))
			unlink(path);
		free(entry[i]);
	}
	if (count >= 0)
		free(entry);
	rmdir(place->temporary);
}

static bool is_empty(const char *path)
{
	struct dirent **entry;
	int count = scandir(path, &entry, NULL, NULL);

	for (int i = 0; i < count; i++)
		free(entry[i]);
	if (count >= 0)
		free(entry);
	return count == 2; /* . and .. */
}

static bool is_trace(const struct export *export, const struct stat *there)
{
	const char *path = trace_path(export->trace);
	struct stat own;

	return path && stat(path, &own) == 0 && own.st_dev == there->st_dev &&
		   own.st_ino == there->st_ino;
}

/* What is wrong with the place, NULL: nothing; and whether it is written to as it is. */
static const char *check_place(const struct export *export, const char *path, bool is_folder,
							   bool *ret_direct)
{
	struct stat there;

	*ret_direct = strcmp(path, "-") == 0;
	if (*ret_direct)
		return is_folder ? "this format is a folder: give its name" : NULL;
	if (stat(path, &there) < 0)
		return errno == ENOENT ? NULL : strerror(errno);
	if (is_folder && !S_ISDIR(there.st_mode))
		return "is not a folder";
	if (is_folder)
		return is_empty(path) ? NULL : "is a folder that is not empty";
	if (S_ISDIR(there.st_mode))
		return "is a folder";
	if (is_trace(export, &there))
		return "is the trace itself";
	*ret_direct = !S_ISREG(there.st_mode);
	return NULL;
}

static int open_direct(struct export *export, const char *path)
{
	const char *directory = getenv("TMPDIR");

	export->directory = directory && *directory == '/' ? directory : "/tmp";
	export->fd = strcmp(path, "-") == 0 ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
										: open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	return export->fd < 0 ? -errno : 0;
}

static int write_format(struct export *export, const struct export_format *format)
{
	int r;

	export->sink.fd = export->fd;
	r = format->write(export);
	if (sink_flush(&export->sink) < 0)
		r = export->sink.error;
	export->report.bytes += export->sink.written;
	bytes_done(&export->sink.bytes);
	return r;
}

static int write_beside(struct export *export, const struct export_format *format, const char *path)
{
	_cleanup_(place_done) struct place place = {0};
	char *real = realpath(path, NULL);
	int r = place_beside(&place, real ? real : path);

	free(real);
	if (r == 0)
		r = make_in(export, &place, format->is_folder);
	if (r < 0)
		return r;
	r = write_format(export, format);
	if (r == 0)
		r = move_in(export, &place, format->is_folder);
	if (r < 0)
		take_away(export, &place, format->is_folder);
	close(export->fd);
	return r;
}

static int write_direct(struct export *export, const struct export_format *format, const char *path)
{
	int r = open_direct(export, path);

	if (r < 0)
		return r;
	r = write_format(export, format);
	close(export->fd);
	return r;
}

int export_trace(struct session *session, const struct export_format *format, const char *path,
				 export_progress *progress, struct export_report *ret, struct text *ret_why)
{
	struct trace *trace = session_trace(session);
	struct export export = {
		.session = session,
		.trace = trace,
		.progress = progress,
		.report = {.events = trace_count(trace), .lost = trace_lost(trace)},
	};
	bool direct;
	const char *why = check_place(&export, path, format->is_folder, &direct);
	int r = why ? -EINVAL : 0;

	if (!why) {
		r = (direct ? write_direct : write_beside)(&export, format, path);
		why = r < 0 ? strerror(-r) : NULL;
	}
	if (r < 0) {
		text_add_filtered(ret_why, path, strlen(path));
		text_add(ret_why, ": %s", why);
		return r;
	}
	*ret = export.report;
	return 0;
}

/* ---- What is said of it ------------------------------------------------ */

static const struct {
	const char *name, *words;
} omissions[EXPORT_OMISSIONS] = {
	[EXPORT_UNREADABLE] = {"unreadable", "in a damaged part of the file"},
	[EXPORT_NO_PLACE] = {"no_place", "that the format has no place for"},
	[EXPORT_THREAD] = {"thread", "of threads that cannot be"},
};

const char *export_omission_name(enum export_omission omission)
{
	return omissions[omission].name;
}

static void add_count(struct text *text, uint64_t count, const char *one, const char *several)
{
	text_add(text, "%llu %s", (unsigned long long)count, count == 1 ? one : several);
}

void export_add_report(struct text *text, const struct export_report *report)
{
	uint64_t pieces = report->output - report->output_exported;
	const char *before = "; left out: ";

	text_add(text, "%llu of ", (unsigned long long)report->exported);
	add_count(text, report->events, "event", "events");
	if (report->output_exported) {
		text_add(text, " and ");
		add_count(text, report->output_exported, "piece of output", "pieces of output");
	}
	text_add(text, " exported");
	for (unsigned i = 0; i < EXPORT_OMISSIONS; i++) {
		if (!report->omitted[i])
			continue;
		text_add(text, "%s%llu %s", before, (unsigned long long)report->omitted[i],
				 omissions[i].words);
		before = ", ";
	}
	if (pieces) {
		text_add(text, "%s", before);
		add_count(text, pieces, "piece of output", "pieces of output");
		before = ", ";
	}
	if (report->output_unreadable) {
		text_add(text, "%s", before);
		add_count(text, report->output_unreadable, "damaged piece of output",
				  "damaged pieces of output");
	}
	if (report->lost)
		text_add(text, "; %llu lost while recording", (unsigned long long)report->lost);
	if (report->cut) {
		text_add(text, "; ");
		add_count(text, report->cut, "slice cut short", "slices cut short");
	}
	if (report->moved) {
		text_add(text, "; ");
		add_count(text, report->moved, "time put into order", "times put into order");
	}
}
