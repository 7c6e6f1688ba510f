#ifndef TRACER_EXPORT_H
#define TRACER_EXPORT_H
/*
 * export.h - a trace in the formats of other tools.
 *
 * Each event of the trace becomes one thing of the format (an event, the begin or the end of
 * a slice, an instant, a line), or is left out, and then counted under a reason:
 *
 *     events == exported + all of omitted[]
 *
 * What the trace itself lacks (struct export_report.lost) is shown where it is missing, if the
 * format has something for that. Names and values read as everywhere (text.h); what the
 * program wrote is UTF-8 and otherwise as it was written, quoted as the format wants it.
 *
 * A trace is walked over once, from the first event to the last, and written meanwhile: the
 * memory that it takes does not grow with it, but with what is alive or has a name at one time.
 */
#include "session.h"
#include "text.h"

struct export; /* one that is being made */

struct export_format {
	const char *name;
	bool is_folder; /* of several files: cannot go to standard output */
	int (*write)(struct export *export); /* tracer/export/'s own */
};
/* The formats, the last one followed by one without a name. */
extern const struct export_format export_formats[];
/* The format of that name, or NULL. */
const struct export_format *export_find(const char *name);
/* "ctf, perfetto, ..." */
void export_add_names(struct text *text);

/* Why an event was left out. */
enum export_omission {
	EXPORT_UNREADABLE, /* it stands in a damaged part of the file */
	EXPORT_NO_PLACE,   /* the format has nothing for it */
	EXPORT_THREAD,     /* of thread CORO_RINGS + 1 or above: no program has so many */
	EXPORT_OMISSIONS,
};

struct export_report {
	uint64_t events; /* of the trace */
	uint64_t exported;
	uint64_t omitted[EXPORT_OMISSIONS];
	uint64_t lost;  /* events that the trace lacks: trace_lost() */
	uint64_t cut;   /* slices whose end is not in the trace: they end where the trace knows no more */
	uint64_t moved; /* times that were before an earlier one of the same track, and became that one */
	uint64_t output, output_exported; /* pieces of what the program wrote: lines; for asciicast as it
	                                     wrote them */
	uint64_t output_unreadable;       /* pieces in a damaged part of the file */
	uint64_t bytes; /* written */
};

/* How far it is, now and then: `n` events of `count`. */
typedef void export_progress(uint64_t n, uint64_t count);

/* Exports what there is of the trace now. `path`: a file, which is replaced when the export is
 * whole, and not touched before; a FIFO or a device; for a folder a new or an empty one; "-":
 * standard output. `progress` may be NULL. 0, or -errno with the reason in *ret_why: a sentence with the
 * path in it. */
int export_trace(struct session *session, const struct export_format *format, const char *path,
                 export_progress *progress, struct export_report *ret, struct text *ret_why);
/* The report in words: "26 events exported; left out: 12 that could not be read". */
void export_add_report(struct text *text, const struct export_report *report);
/* The name of an omission, for JSON. */
const char *export_omission_name(enum export_omission omission);

#endif
