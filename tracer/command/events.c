/*
 * events.c - coroscope events: the events of a trace, one a line, in their order, with what the
 * program wrote and what was lost between them.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "command_private.h"

#define GAPS_LENGTH 200 /* of the list of them in a report */

struct listing {
	struct session *session;
	struct filter *filter; /* owned; NULL: all */
	uint64_t from, to;
	bool json;
	int width;        /* of the column of numbers */
	struct text gaps; /* owned: "1-26, 70-81", what could not be read */
};

static void print_event(void *context, const struct trace_event *event, uint64_t turn)
{
	_cleanup_(text_cleanup) struct text line = {0};
	struct listing *listing = context;

	if (listing->filter && !filter_matches(listing->filter, listing->session, event, turn))
		return;
	if (listing->json) {
		json_print_line(json_event(listing->session, event, turn));
		return;
	}
	text_add_event(&line, listing->session, event);
	printf("%*llu  %11.6f  %s\n", listing->width, (unsigned long long)event->n,
		   (double)event->t / 1e9, text_string(&line));
}

/* In JSON a line keeps its newline. */
static void print_output(void *context, const struct walk_line *line)
{
	_cleanup_(text_cleanup) struct text text = {0};
	struct listing *listing = context;
	size_t length = line->length;

	if (listing->json) {
		json_print_line(json_output(line));
		return;
	}
	while (length && (line->text[length - 1] == '\n' || line->text[length - 1] == '\r'))
		length--;
	text_add_filtered(&text, line->text, length);
	printf("%*s  %11s %s| %s\n", listing->width, "", "", line->approximate ? "~" : " ",
		   text_string(&text));
}

static void print_lost(void *context, uint64_t after, uint32_t ring, uint64_t count)
{
	struct listing *listing = context;

	if (listing->json)
		json_print_line(json_lost(after, ring, count));
	else
		printf("%*s  %11s  [LOST %llu] of thread %u\n", listing->width, "", "",
			   (unsigned long long)count, ring + 1);
}

static void print_unreadable(void *context, uint64_t first, uint64_t count)
{
	_cleanup_(text_cleanup) struct text range = {0};
	struct listing *listing = context;

	if (count > 1)
		text_add(&range, "%llu-", (unsigned long long)first);
	text_add(&range, "%llu", (unsigned long long)(first + count - 1));
	if (listing->gaps.length < GAPS_LENGTH)
		text_add(&listing->gaps, "%s%s", listing->gaps.length ? ", " : "", text_string(&range));
	else if (listing->gaps.data[listing->gaps.length - 1] != '.')
		text_add(&listing->gaps, " ...");
	if (listing->filter)
		return;
	if (listing->json)
		json_print_line(json_unreadable(first - 1, count));
	else
		printf("%*s  %11s  event%s %s could not be read\n", listing->width, "", "",
			   count > 1 ? "s" : "", text_string(&range));
}

/* Output, losses and what cannot be read are no events: a filter leaves them out. */
static void list(struct listing *listing)
{
	const struct walk walk = {
		.context = listing,
		.event = print_event,
		.unreadable = print_unreadable,
		.output = listing->filter ? NULL : print_output,
		.lost = listing->filter ? NULL : print_lost,
	};

	trace_walk(session_trace(listing->session), listing->from, listing->to, &walk);
}

static int show_events(const char *path, struct listing *listing)
{
	int status = open_source("events", path, &listing->session);
	struct trace *trace;
	uint64_t count, torn;

	if (status)
		return status;
	trace = session_trace(listing->session);
	torn = trace_torn(trace);
	count = session_head(listing->session);
	if (listing->from > count && listing->from > 1) {
		report("events", "%s: there is no event %llu: the last one is %llu", path,
			   (unsigned long long)listing->from, (unsigned long long)count);
		status = EXIT_COULD_NOT;
	} else {
		listing->width = snprintf(NULL, 0, "%llu", (unsigned long long)count);
		list(listing);
		if (listing->gaps.length)
			report("events", "%s: events %s could not be read: that part of the file is damaged",
				   path, text_string(&listing->gaps));
		else
			report_damage("events", path, trace, torn);
	}
	session_free(listing->session, false);
	return status;
}

static int set_filter(struct listing *listing, const char *expression)
{
	_cleanup_(text_cleanup) struct text why = {0};
	size_t position;

	filter_free(listing->filter);
	listing->filter = NULL;
	if (filter_parse(expression, &listing->filter, &position, &why) >= 0)
		return 0;
	report("events", "--filter: at position %zu of '%s': %s", position, expression,
		   text_string(&why));
	return EXIT_USAGE;
}

static int main_events(int argc, char **argv)
{
	static const struct option options[] = {
		{"filter", required_argument, NULL, 'e'}, {"from", required_argument, NULL, 'f'},
		{"to", required_argument, NULL, 't'},     {"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},         {0},
	};
	struct listing listing = {.from = 1, .to = UINT64_MAX};
	const char *path;
	int option, status = 0;

	while (!status &&
		   (option = next_option(&subcommand_events, argc, argv, ":h", options, &status)) != -1) {
		if (option == -2)
			goto out;
		if (option == 'e')
			status = set_filter(&listing, optarg);
		else if (option == 'f' && !parse_number("events", "--from", optarg, &listing.from))
			status = EXIT_USAGE;
		else if (option == 't' && !parse_number("events", "--to", optarg, &listing.to))
			status = EXIT_USAGE;
		listing.json |= option == 'j';
	}
	if (!status) {
		path = one_file(&subcommand_events, argc, argv);
		status = path ? show_events(path, &listing) : EXIT_USAGE;
	}
out:
	filter_free(listing.filter);
	text_done(&listing.gaps);
	return status;
}

const struct subcommand subcommand_events = {
	"events",
	"[--filter EXPR] [--from N] [--to N] [--json] FILE",
	"the events, one a line",
	"  --filter EXPR  only those for which EXPR holds, such as\n"
	"                   'kind == yield and name ~ \"fetch.*\" and not value > 3'\n"
	"                   fields: kind name co peer value site turn thread t n\n"
	"                   operators: == != < > <= >= ~ and or not ( )\n"
	"  --from N       from event N on\n"
	"  --to N         up to event N\n"
	"  --json         a JSON object a line; lines of output and of losses have \"after\"\n"
	"  --help         this\n",
	main_events,
};
