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
	size_t output, loss; /* pieces that are behind us */
	int width;           /* of the column of numbers */
	struct text gaps;    /* owned: "1-26, 70-81", what could not be read */
};

static void print_event(struct listing *listing, const struct trace_event *event, uint64_t turn)
{
	_cleanup_(text_cleanup) struct text line = {0};

	if (listing->json) {
		json_print_line(json_event(listing->session, event, turn));
		return;
	}
	text_add_event(&line, listing->session, event);
	printf("%*llu  %11.6f  %s\n", listing->width, (unsigned long long)event->n,
		   (double)event->t / 1e9, text_string(&line));
}

/* One line of output. In JSON it keeps its newline. */
static void print_output(struct listing *listing, uint64_t after, int fd, bool approximate,
						 const char *data, size_t length)
{
	_cleanup_(text_cleanup) struct text text = {0};
	cJSON *json;

	if (!listing->json) {
		while (length && (data[length - 1] == '\n' || data[length - 1] == '\r'))
			length--;
		text_add_filtered(&text, data, length);
		printf("%*s  %11s %s| %s\n", listing->width, "", "", approximate ? "~" : " ",
			   text_string(&text));
		return;
	}
	json = cJSON_CreateObject();
	json_add_number(json, "after", after);
	cJSON_AddStringToObject(json, "kind", "output");
	cJSON_AddNumberToObject(json, "fd", fd);
	if (approximate)
		cJSON_AddTrueToObject(json, "approximate");
	add_utf8(&text, data, length);
	json_add_text(json, "text", &text);
	json_print_line(json);
}

/* The pieces that came after event n and before the next one, cut into lines: how the
 * program's writes were cut into pieces tells nothing. */
static void print_outputs(struct listing *listing, uint64_t n, bool shown)
{
	_cleanup_(text_cleanup) struct text pending = {0};
	struct trace *trace = session_trace(listing->session);
	struct trace_output output;
	bool approximate = false;
	int fd = 0, r;

	while ((r = trace_output(trace, listing->output, &output)) != -ENOENT) {
		const char *data = output.data;
		size_t length = output.length;

		if (r >= 0 && output.after > n)
			break;
		listing->output++;
		if (r < 0)
			continue; /* damaged, which is said in the end */
		if (!shown || !length)
			continue;
		if (pending.length && output.fd != fd) {
			print_output(listing, n, fd, approximate, pending.data, pending.length);
			text_clear(&pending);
		}
		approximate = output.approximate || (approximate && pending.length);
		fd = output.fd;
		while (length) {
			const char *newline = memchr(data, '\n', length);
			size_t part = newline ? (size_t)(newline - data) + 1 : length;

			add_utf8(&pending, data, part);
			if (newline) {
				print_output(listing, n, fd, approximate, pending.data, pending.length);
				text_clear(&pending);
			}
			data += part;
			length -= part;
		}
	}
	if (pending.length)
		print_output(listing, n, fd, approximate, pending.data, pending.length);
}

static void print_losses(struct listing *listing, uint64_t n, bool shown)
{
	uint64_t after, count;
	uint32_t ring;
	cJSON *json;

	while (trace_loss(session_trace(listing->session), listing->loss, &after, &ring, &count) >= 0 &&
		   after <= n) {
		listing->loss++;
		if (!shown)
			continue;
		if (!listing->json) {
			printf("%*s  %11s  %llu events of thread %u were lost here\n", listing->width, "", "",
				   (unsigned long long)count, ring + 1);
			continue;
		}
		json = cJSON_CreateObject();
		json_add_number(json, "after", after);
		cJSON_AddStringToObject(json, "kind", "lost");
		json_add_number(json, "thread", (uint64_t)ring + 1);
		json_add_number(json, "count", count);
		json_print_line(json);
	}
}

/* `count` events up to event n stand in a part of the file that is damaged. */
static void print_unreadable(struct listing *listing, uint64_t n, uint64_t count)
{
	_cleanup_(text_cleanup) struct text range = {0};
	cJSON *json;

	if (!count)
		return;
	if (count > 1)
		text_add(&range, "%llu-", (unsigned long long)(n - count + 1));
	text_add(&range, "%llu", (unsigned long long)n);
	if (listing->gaps.length < GAPS_LENGTH)
		text_add(&listing->gaps, "%s%s", listing->gaps.length ? ", " : "", text_string(&range));
	else if (listing->gaps.data[listing->gaps.length - 1] != '.')
		text_add(&listing->gaps, " ...");
	if (listing->filter)
		return;
	if (!listing->json) {
		printf("%*s  %11s  event%s %s could not be read\n", listing->width, "", "",
			   count > 1 ? "s" : "", text_string(&range));
		return;
	}
	json = cJSON_CreateObject();
	json_add_number(json, "after", n - count);
	cJSON_AddStringToObject(json, "kind", "unreadable");
	json_add_number(json, "count", count);
	json_print_line(json);
}

/* Output, losses and what cannot be read are no events: a filter leaves them out. */
static void list(struct listing *listing)
{
	struct trace *trace = session_trace(listing->session);
	uint64_t count = trace_count(trace), turn = 0, unreadable = 0;
	uint64_t last = listing->to < count ? listing->to : count;
	struct trace_event event;

	for (uint64_t n = 0; n <= last; n++) {
		bool shown = n >= listing->from || (n == 0 && listing->from <= 1);
		int r = n ? trace_event(trace, n, &event) : 0;

		if (r < 0) {
			unreadable += shown;
		} else if (n) {
			print_unreadable(listing, n - 1, unreadable);
			unreadable = 0;
			turn += event.kind == CORO_EVENT_TURN_BEGIN;
			if (shown && (!listing->filter ||
						  filter_matches(listing->filter, listing->session, &event, turn)))
				print_event(listing, &event, turn);
		}
		print_outputs(listing, n, shown && !listing->filter);
		print_losses(listing, n, shown && !listing->filter);
	}
	print_unreadable(listing, last, unreadable);
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
