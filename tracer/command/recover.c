/*
 * recover.c - coroscope recover: what a killed program has left in its segment, into a trace; or
 * into the trace of a recorder that was killed.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <tracer/live.h>
#include <tracer/recover.h>
#include "command_private.h"

/* The segments of a process that has been killed. */
struct left {
	uint32_t pid;
	char *path; /* owned; the first one */
	unsigned count, living;
};

static void look(const char *path, uint32_t pid, void *context)
{
	struct left *left = context;
	struct live *live;
	char *why = NULL;

	if (pid != left->pid)
		return;
	if (live_open(path, &live, &why) < 0) {
		free(why);
		return;
	}
	left->living += live_is_alive(live);
	if (!left->count++)
		left->path = strdup(path);
	live_free(live);
}

static int find(const char *text, char **ret)
{
	struct left left = {0};
	uint64_t pid;

	if (!parse_number("recover", "the process", text, &pid))
		return EXIT_USAGE;
	left.pid = pid <= INT_MAX ? (uint32_t)pid : 0;
	live_each(look, &left);
	if (left.count == 1 && left.path) {
		*ret = left.path;
		return EXIT_DONE;
	}
	if (left.count)
		report("recover",
			   "process %s has left %u segments: coroscope list --json names them; say which", text,
			   left.count);
	else
		report("recover", "process %s has left nothing: coroscope list shows who has", text);
	free(left.path);
	return EXIT_COULD_NOT;
}

/* ---- What was done ----------------------------------------------------- */

static void add_event(struct text *text, const struct recovered_event *event)
{
	if (event->name[0])
		text_add_filtered(text, event->name, strlen(event->name));
	else
		text_add(text, "%s", event->serial ? "" : "a new object");
	if (event->serial)
		text_add(text, "%s#%llu", event->name[0] ? " " : "", (unsigned long long)event->serial);
	text_add(text, " (its event %u)", event->cseq);
}

static void print_text(const char *path, const struct recovered *recovered)
{
	_cleanup_(text_cleanup) struct text text = {0};
	unsigned named =
		recovered->under_way < RECOVERED_NAMES ? recovered->under_way : RECOVERED_NAMES;

	text_add_filtered(&text, path, strlen(path));
	text_add(&text, ": %llu events, and %llu more from ", (unsigned long long)recovered->before,
			 (unsigned long long)recovered->appended);
	text_add_filtered(&text, recovered->segment, strlen(recovered->segment));
	text_add(&text, "; %llu lost", (unsigned long long)recovered->lost);
	if (recovered->damage)
		text_add(&text, ", %llu damaged", (unsigned long long)recovered->damage);
	if (recovered->alive)
		text_add(&text, "; the program still runs: its segment was left");
	for (unsigned i = 0; i < named; i++) {
		text_add(&text, "%s", i ? ", " : "; under way when it was killed: ");
		add_event(&text, &recovered->event[i]);
	}
	puts(text_string(&text));
}

static void print_json(const char *path, const struct recovered *recovered)
{
	cJSON *json = cJSON_CreateObject(), *events = cJSON_CreateArray();
	unsigned named =
		recovered->under_way < RECOVERED_NAMES ? recovered->under_way : RECOVERED_NAMES;
	_cleanup_(text_cleanup) struct text text = {0};

	text_add_utf8(&text, path, strlen(path));
	json_add_text(json, "file", &text);
	cJSON_AddStringToObject(json, "segment", recovered->segment);
	json_add_number(json, "before", recovered->before);
	json_add_number(json, "recovered", recovered->appended);
	json_add_number(json, "lost", recovered->lost);
	json_add_number(json, "damage", recovered->damage);
	cJSON_AddBoolToObject(json, "running", recovered->alive);
	for (unsigned i = 0; i < named; i++) {
		const struct recovered_event *event = &recovered->event[i];
		cJSON *entry = cJSON_CreateObject();

		if (event->serial)
			json_add_number(entry, "co", event->serial);
		if (event->name[0]) {
			text_clear(&text);
			text_add_utf8(&text, event->name, strlen(event->name));
			json_add_text(entry, "name", &text);
		}
		json_add_number(entry, "cseq", event->cseq);
		cJSON_AddItemToArray(events, entry);
	}
	cJSON_AddItemToObject(json, "under_way", events);
	json_print_line(json);
}

/* ---- The command ------------------------------------------------------- */

static int recover(const char *what, const char *segment, const char *output, bool json)
{
	char *path = NULL, *why = NULL, own[32];
	struct recovered recovered;
	struct stat status;
	int r;

	if (stat(what, &status) >= 0 && S_ISDIR(status.st_mode)) {
		path = strdup(what);
	} else if (stat(what, &status) < 0 && what[strspn(what, "0123456789")] == 0) {
		r = find(what, &path);
		if (r)
			return r;
	} else if (output) {
		report("recover",
			   "%s is no process and no segment: without -o it is completed in its place", what);
		return EXIT_USAGE;
	}
	if (path && segment) {
		report("recover", "only a trace is completed from a segment: see coroscope recover --help");
		free(path);
		return EXIT_USAGE;
	}
	if (path && !output) {
		const char *base = strrchr(what, '/');

		snprintf(own, sizeof(own), "recovered.coro");
		if (!base && strlen(what) < sizeof(own) - 6)
			snprintf(own, sizeof(own), "%s.coro", what);
		output = own;
	}
	r = path ? recover_segment(path, output, &recovered, &why)
			 : recover_trace(what, segment, &recovered, &why);
	free(path);
	if (r < 0) {
		report("recover", "%s", why ? why : strerror(-r));
		free(why);
		return EXIT_COULD_NOT;
	}
	if (json)
		print_json(output ? output : what, &recovered);
	else
		print_text(output ? output : what, &recovered);
	recovered_done(&recovered);
	return EXIT_DONE;
}

static int main_recover(int argc, char **argv)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	const char *output = NULL;
	bool json = false;
	int option, status;

	while ((option = next_option(&subcommand_recover, argc, argv, ":ho:", options, &status)) !=
		   -1) {
		if (option == -2)
			return status;
		if (option == 'o')
			output = optarg;
		json |= option == 'j';
	}
	if (argc - optind != 1 && argc - optind != 2) {
		report("recover", "%s see coroscope recover --help",
			   argc == optind ? "which trace file or process?" : "one trace and one segment only:");
		return EXIT_USAGE;
	}
	return recover(argv[optind], argv[optind + 1], output, json);
}

const struct subcommand subcommand_recover = {
	"recover",
	"[--json] FILE [SEGMENT]\n"
	"       coroscope recover [-o FILE] [--json] PID|SEGMENT",
	"what a killed program or recorder has left, into a trace",
	"FILE is the trace of a recorder that was killed: what it had not written yet is still in the\n"
	"segment of its program, in shared memory, and is appended. Without a FILE, what is in the\n"
	"segment of a program that was killed becomes a new trace. Then the segment is removed.\n"
	"\n"
	"  -o FILE        the new trace (PID.coro, in this folder)\n"
	"  --json         JSON\n"
	"  --help         this\n"
	"\ncoroscope list shows who has left something.\n",
	main_recover,
};
