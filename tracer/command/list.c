/*
 * list.c - coroscope list: the programs of this user that can be attached to, and what killed ones
 * have left.
 *
 * Looking disturbs nobody: of a program that nobody watches only that is known, that it is there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <tracer/live.h>
#include "command_private.h"

#define MEASURE_MS 100 /* over which events are counted */

struct entry {
	uint32_t pid;
	char *path;        /* owned */
	struct live *live; /* owned */
	char *program;     /* owned */
	bool alive;
	unsigned threads, readers;
	uint64_t coroutines, events, events_before;
};

struct list {
	struct entry *entry; /* owned */
	size_t count, room;
};

static void list_done(struct list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		live_free(list->entry[i].live);
		free(list->entry[i].path);
		free(list->entry[i].program);
	}
	free(list->entry);
}

/* Its command line; "?" when it is gone. */
static char *program_of(uint32_t pid)
{
	char path[64], text[256];
	size_t length = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%u/cmdline", pid);
	file = fopen(path, "re");
	if (file) {
		length = fread(text, 1, sizeof(text) - 1, file);
		fclose(file);
	}
	while (length && !text[length - 1])
		length--;
	for (size_t i = 0; i < length; i++)
		if (!text[i])
			text[i] = ' ';
	text[length] = 0;
	return strdup(length ? text : "?");
}

static void look(const char *path, uint32_t pid, void *context)
{
	struct list *list = context;
	struct entry entry = {.pid = pid};
	char *why = NULL;
	unsigned silent;

	if (list->count == list->room) {
		size_t room = list->room ? list->room * 2 : 16;
		struct entry *more = reallocarray(list->entry, room, sizeof(*more));

		if (!more)
			return;
		list->entry = more;
		list->room = room;
	}
	if (live_open(path, &entry.live, &why) < 0) {
		free(why);
		return;
	}
	entry.path = strdup(path);
	entry.alive = live_is_alive(entry.live);
	entry.program = entry.alive ? program_of(pid) : strdup("?");
	entry.readers = live_readers(entry.live);
	entry.threads = live_threads(entry.live, NULL, 0, &silent);
	if (entry.readers || !entry.alive)
		live_count(entry.live, &entry.coroutines, &entry.events_before);
	list->entry[list->count++] = entry;
}

static void measure(struct list *list)
{
	bool any = false;

	for (size_t i = 0; i < list->count; i++)
		any |= list->entry[i].alive && list->entry[i].readers;
	if (!any)
		return;
	nanosleep(&(struct timespec){.tv_nsec = MEASURE_MS * 1000000L}, NULL);
	for (size_t i = 0; i < list->count; i++)
		if (list->entry[i].alive && list->entry[i].readers)
			live_count(list->entry[i].live, &list->entry[i].coroutines, &list->entry[i].events);
}

static uint64_t rate(const struct entry *entry)
{
	return entry->events > entry->events_before
			   ? (entry->events - entry->events_before) * 1000 / MEASURE_MS
			   : 0;
}

static int by_pid(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->pid != y->pid ? (x->pid < y->pid ? -1 : 1) : strcmp(x->path, y->path);
}

static const char *state_of(const struct entry *entry)
{
	return !entry->alive ? "killed" : entry->readers ? "watched" : "running";
}

static void print_text(const struct list *list)
{
	static const char *const heading[] = {"PID",        "STATE",    "THREADS",
										  "COROUTINES", "EVENTS/S", "PROGRAM"};
	_cleanup_(columns_done) struct columns columns = {.width = 6, .right = 1 | 4 | 8 | 16};
	_cleanup_(text_cleanup) struct text text = {0};

	for (unsigned i = 0; i < 6; i++)
		columns_add_string(&columns, heading[i]);
	for (size_t i = 0; i < list->count; i++) {
		const struct entry *entry = &list->entry[i];
		bool counted = entry->readers || !entry->alive;

		text_add(&text, "%u", entry->pid);
		columns_add(&columns, &text);
		columns_add_string(&columns, state_of(entry));
		text_add(&text, "%u", entry->threads);
		columns_add(&columns, &text);
		text_add(&text, counted ? "%llu" : "-", (unsigned long long)entry->coroutines);
		columns_add(&columns, &text);
		text_add(&text, entry->alive && counted ? "%llu" : "-", (unsigned long long)rate(entry));
		columns_add(&columns, &text);
		text_add_filtered(&text, entry->alive ? entry->program : entry->path,
						  strlen(entry->alive ? entry->program : entry->path));
		columns_add(&columns, &text);
	}
	text_clear(&text);
	columns_print(&columns, &text);
	puts(list->count ? text_string(&text) : "no program of yours links the coroscope runtime");
}

static void print_json(const struct list *list)
{
	cJSON *array = cJSON_CreateArray();

	for (size_t i = 0; i < list->count; i++) {
		const struct entry *entry = &list->entry[i];
		_cleanup_(text_cleanup) struct text program = {0};
		cJSON *json = cJSON_CreateObject();

		json_add_number(json, "pid", entry->pid);
		cJSON_AddStringToObject(json, "state", state_of(entry));
		if (entry->alive) {
			text_add_utf8(&program, entry->program, strlen(entry->program));
			json_add_text(json, "program", &program);
		}
		json_add_number(json, "threads", entry->threads);
		json_add_number(json, "readers", entry->readers);
		if (entry->readers || !entry->alive)
			json_add_number(json, "coroutines", entry->coroutines);
		if (entry->readers && entry->alive)
			json_add_number(json, "events_per_s", rate(entry));
		cJSON_AddStringToObject(json, "segment", entry->path);
		cJSON_AddItemToArray(array, json);
	}
	json_print_line(array);
}

static int main_list(int argc, char **argv)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	struct list list = {0};
	bool json = false;
	int option, status;

	while ((option = next_option(&subcommand_list, argc, argv, ":h", options, &status)) != -1) {
		if (option == -2)
			return status;
		json = true;
	}
	if (optind < argc) {
		report("list", "takes no arguments: see coroscope list --help");
		return EXIT_USAGE;
	}
	live_each(look, &list);
	qsort(list.entry, list.count, list.entry ? sizeof(*list.entry) : 1, by_pid);
	measure(&list);
	if (json)
		print_json(&list);
	else
		print_text(&list);
	list_done(&list);
	return EXIT_DONE;
}

const struct subcommand subcommand_list = {
	"list",
	"[--json]",
	"programs that can be attached to, and what killed ones have left",
	"  --json         JSON\n"
	"  --help         this\n"
	"\nNobody is disturbed by it: coroutines and events a second are known of programs that "
	"somebody\n"
	"watches, and shown as - of others.\n",
	main_list,
};
