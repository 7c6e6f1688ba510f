#ifndef EXPORT_PRIVATE_H
#define EXPORT_PRIVATE_H
/*
 * export_private.h - what the formats share.
 *
 *   export.c      the table of formats; where an export goes, and what is said of it
 *   walk.c        over a trace (tracer/walk.h)
 *   tracks.c      events as slices on tracks
 *   serials.c     from serial to number, with things taken out
 *   json.c        events as JSON (tracer/json.h)
 *   ctf.c perfetto.c chrome.c speedscope.c asciicast.c json_lines.c    one format each
 */
#include <cjson/cJSON.h>
#include <tracer/bytes.h>
#include <tracer/export.h>
#include <tracer/walk.h>

#define _cleanup_(function) __attribute__((cleanup(function)))

/* Where bytes go: they are collected, and written when there are enough. An error is
 * remembered, and nothing is written any more. */
struct sink {
	int fd;             /* borrowed */
	int error;          /* 0 or -errno */
	uint64_t written;
	struct bytes bytes; /* not written yet */
};
void sink_put(struct sink *sink, const void *bytes, size_t length);
void sink_put_string(struct sink *sink, const char *string);
/* A JSON value without blanks, which is deleted. */
void sink_put_json(struct sink *sink, cJSON *json);
/* Writes out what is left; returns sink->error. */
int sink_flush(struct sink *sink);

struct export {
	struct session *session; /* borrowed */
	struct trace *trace;     /* the session's */
	int fd;                  /* the file, or the folder */
	const char *directory;   /* of the file; for temporary ones */
	export_progress *progress;
	struct sink sink; /* to the file; not used by a folder's formats */
	struct export_report report;
};

/* An unnamed file beside the export: its descriptor, which is the caller's, or -errno. */
int export_temporary(const struct export *export);

/* ---- For walks whose context begins with `struct export *` -------------- */

/* Progress; ends the walk after an error of the sink. */
bool export_go_on(void *context, uint64_t n);
/* Counts events, or pieces of output, that cannot be read. */
void export_unreadable(void *context, uint64_t first, uint64_t count);
void export_output_unreadable(void *context);
/* Counts output that the format has no place for. */
void export_no_output(void *context, const struct walk_line *line);

/* ---- Names ------------------------------------------------------------- */

/* A name of the trace, filtered; `otherwise` when there is none. Appended. */
void export_add_name(struct text *text, const struct export *export, uint32_t name,
                     const char *otherwise);
/* "thread 2" */
void export_add_thread(struct text *text, uint32_t ring);
/* The trace's program, filtered. */
void export_add_program(struct text *text, const struct export *export);

/* ---- The formats ------------------------------------------------------- */

int export_ctf(struct export *export);
int export_perfetto(struct export *export);
int export_chrome(struct export *export);
int export_speedscope(struct export *export);
int export_asciicast(struct export *export);
int export_json_lines(struct export *export);

#endif
