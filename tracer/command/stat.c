/*
 * stat.c - coroscope stat: what a trace is made of.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include "command_private.h"

/* A task's time. */
struct busy {
	uint64_t serial;
	int64_t since; /* of the slice that is going on; -1: none */
	int64_t total;
	uint64_t slices;
};

#define BATCH 32 /* events that are read at once */

/* What a thread's ring brought. */
struct ring_statistics {
	uint64_t events, lost; /* lost: slots */
};

struct statistics {
	uint64_t kinds[256]; /* events by kind */
	struct ring_statistics rings[CORO_RINGS];
	unsigned ring_count; /* up to the last that brought or lost anything */
	uint64_t coroutines, tasks, turns, unreadable;
	int64_t duration_ns;
	int64_t longest_ns; /* the longest slice of a task, and the event that ended it */
	uint64_t longest_n, longest_serial;
	/* The longest turn of a loop, from the end of its sleep on. */
	int64_t longest_turn_ns;
	uint64_t longest_turn, longest_turn_n; /* its number; the event that ended it, 0: none */
	uint64_t loop;                         /* whose turn goes on; 0: nobody's */
	int64_t turn_since;                    /* -1: it sleeps */
	struct busy *busy;                     /* owned; in the order of serials */
	size_t count, room;
};

static struct busy *find_busy(struct statistics *statistics, uint64_t serial)
{
	size_t low = 0, high = statistics->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (statistics->busy[middle].serial < serial)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < statistics->count && statistics->busy[low].serial == serial)
		return &statistics->busy[low];
	if (statistics->count == statistics->room) {
		size_t room = statistics->room ? statistics->room * 2 : 64;
		struct busy *busy = reallocarray(statistics->busy, room, sizeof(*busy));

		if (!busy)
			return NULL;
		statistics->busy = busy;
		statistics->room = room;
	}
	memmove(&statistics->busy[low + 1], &statistics->busy[low],
			(statistics->count - low) * sizeof(*statistics->busy));
	statistics->count++;
	statistics->busy[low] = (struct busy){.serial = serial, .since = -1};
	return &statistics->busy[low];
}

/* A slice lasts from a task's step until it does not run any more. */
static void count_slice(struct statistics *statistics, const struct trace_event *event)
{
	struct busy *busy;
	int64_t length;

	if (event->kind != CORO_EVENT_STEP && event->prev != CORO_STATE_RUNNING)
		return;
	busy = find_busy(statistics, event->co);
	if (!busy)
		return;
	if (event->kind == CORO_EVENT_STEP) {
		busy->since = event->t;
		busy->slices++;
		return;
	}
	if (event->next == CORO_STATE_RUNNING || busy->since < 0)
		return;
	length = event->t - busy->since;
	busy->since = -1;
	busy->total += length;
	if (length > statistics->longest_ns) {
		statistics->longest_ns = length;
		statistics->longest_n = event->n;
		statistics->longest_serial = event->co;
	}
}

static void count_turn(struct statistics *statistics, const struct trace_event *event)
{
	if (event->kind == CORO_EVENT_TURN_BEGIN) {
		statistics->turns++;
		statistics->loop = event->co;
		statistics->turn_since = event->t;
	} else if (event->kind == CORO_EVENT_SELECT) {
		statistics->turn_since = -1;
	} else if (statistics->turn_since < 0) {
		statistics->turn_since = event->t;
	}
	if (event->kind != CORO_EVENT_TURN_END || event->co != statistics->loop)
		return;
	statistics->loop = 0;
	if (statistics->longest_turn_n &&
		event->t - statistics->turn_since <= statistics->longest_turn_ns)
		return;
	statistics->longest_turn_ns = event->t - statistics->turn_since;
	statistics->longest_turn = statistics->turns;
	statistics->longest_turn_n = event->n;
}

static void count_ring(struct statistics *statistics, uint32_t ring, uint64_t events, uint64_t lost)
{
	if (ring >= CORO_RINGS)
		return;
	statistics->rings[ring].events += events;
	statistics->rings[ring].lost += lost;
	if (ring >= statistics->ring_count)
		statistics->ring_count = ring + 1;
}

static void count_losses(struct statistics *statistics, struct trace *trace)
{
	uint64_t after, count;
	uint32_t ring;

	for (size_t i = 0; trace_loss(trace, i, &after, &ring, &count) >= 0; i++)
		count_ring(statistics, ring, 0, count);
}

static void count_event(struct statistics *statistics, const struct trace_event *event)
{
	unsigned kind = event->object_kind;

	count_ring(statistics, event->ring, 1, 0);
	statistics->kinds[event->kind]++;
	count_turn(statistics, event);
	statistics->tasks += event->kind == CORO_EVENT_SPAWN;
	statistics->coroutines += event->kind == CORO_EVENT_CREATE && trace_object_is_body(kind);
	if (event->t > statistics->duration_ns)
		statistics->duration_ns = event->t;
	if (kind == CORO_OBJECT_TASK)
		count_slice(statistics, event);
}

/* The task that ran the most; NULL: none did. */
static const struct busy *find_busiest(const struct statistics *statistics)
{
	const struct busy *busiest = NULL;

	for (size_t i = 0; i < statistics->count; i++) {
		if (!busiest || statistics->busy[i].total > busiest->total)
			busiest = &statistics->busy[i];
	}
	return statistics->longest_n ? busiest : NULL;
}

/* An object of its own with a task, as it is at the playhead, and a duration. */
static cJSON *add_task(cJSON *json, const char *key, struct session *session, uint64_t serial,
					   int64_t duration_ns)
{
	_cleanup_(text_cleanup) struct text name = {0};
	const struct world_object *object = world_find(session_world(session), serial);
	cJSON *task = cJSON_AddObjectToObject(json, key);

	json_add_number(task, "id", serial);
	if (object) {
		text_add_name(&name, session, object);
		json_add_text(task, "name", &name);
	}
	cJSON_AddNumberToObject(task, "duration_ns", (double)duration_ns);
	return task;
}

static void add_slices_json(cJSON *json, struct session *session,
							const struct statistics *statistics)
{
	const struct busy *busiest = find_busiest(statistics);
	cJSON *turn;

	if (statistics->longest_turn_n) {
		turn = cJSON_AddObjectToObject(json, "longest_turn");
		json_add_number(turn, "turn", statistics->longest_turn);
		cJSON_AddNumberToObject(turn, "duration_ns", (double)statistics->longest_turn_ns);
		json_add_number(turn, "at", statistics->longest_turn_n);
	}
	if (!busiest)
		return;
	session_goto(session, statistics->longest_n);
	json_add_number(add_task(json, "longest_slice", session, statistics->longest_serial,
							 statistics->longest_ns),
					"at", statistics->longest_n);
	json_add_number(add_task(json, "busiest_task", session, busiest->serial, busiest->total),
					"slices", busiest->slices);
}

static bool has_any(const struct statistics *statistics, unsigned ring)
{
	return statistics->rings[ring].events || statistics->rings[ring].lost;
}

static void add_rings_json(cJSON *json, const struct statistics *statistics)
{
	cJSON *threads = cJSON_AddArrayToObject(json, "threads"), *thread;

	for (unsigned ring = 0; ring < statistics->ring_count; ring++) {
		if (!has_any(statistics, ring))
			continue;
		thread = cJSON_CreateObject();
		json_add_number(thread, "thread", ring + 1);
		json_add_number(thread, "events", statistics->rings[ring].events);
		json_add_number(thread, "lost", statistics->rings[ring].lost);
		cJSON_AddItemToArray(threads, thread);
	}
}

static void print_json(struct session *session, const struct statistics *statistics)
{
	struct trace *trace = session_trace(session);
	const struct trace_meta *meta = trace_meta(trace);
	cJSON *json = cJSON_CreateObject(), *kinds;
	uint64_t unknown = 0;
	int status;

	json_add_filtered(json, "program", meta->program);
	if (meta->arguments && *meta->arguments)
		json_add_filtered(json, "arguments", meta->arguments);
	json_add_number(json, "events", trace_count(trace));
	json_add_number(json, "lost", trace_lost(trace));
	json_add_number(json, "damage", trace_damage(trace));
	cJSON_AddNumberToObject(json, "duration_ns", (double)statistics->duration_ns);
	json_add_number(json, "coroutines", statistics->coroutines);
	json_add_number(json, "tasks", statistics->tasks);
	json_add_number(json, "turns", statistics->turns);
	kinds = cJSON_AddObjectToObject(json, "kinds");
	for (unsigned kind = 0; kind < 256; kind++) {
		if (statistics->kinds[kind] && trace_event_name(kind))
			json_add_number(kinds, trace_event_name(kind), statistics->kinds[kind]);
		else
			unknown += statistics->kinds[kind];
	}
	if (unknown)
		json_add_number(kinds, "unknown", unknown);
	if (trace_ended(trace, &status) && WIFSIGNALED(status))
		cJSON_AddNumberToObject(json, "signal", WTERMSIG(status));
	else if (trace_ended(trace, NULL))
		cJSON_AddNumberToObject(json, "exit_status", WEXITSTATUS(status));
	json_add_number(json, "bytes", trace_bytes(trace));
	add_rings_json(json, statistics);
	add_slices_json(json, session, statistics);
	if (statistics->unreadable)
		json_add_number(json, "unreadable", statistics->unreadable);
	json_print_line(json);
}

static void add_slices(struct session *session, const struct statistics *statistics,
					   struct text *text)
{
	const struct busy *busiest = find_busiest(statistics);

	if (statistics->longest_turn_n) {
		text_add(text, "\nlongest turn   %llu, ", (unsigned long long)statistics->longest_turn);
		text_add_duration(text, statistics->longest_turn_ns);
		text_add(text, " up to event %llu", (unsigned long long)statistics->longest_turn_n);
	}
	if (!busiest)
		return;
	session_goto(session, statistics->longest_n);
	text_add(text, "\nlongest slice  ");
	text_add_object(text, session, statistics->longest_serial);
	text_add(text, ", ");
	text_add_duration(text, statistics->longest_ns);
	text_add(text, " up to event %llu", (unsigned long long)statistics->longest_n);
	text_add(text, "\nbusiest task   ");
	text_add_object(text, session, busiest->serial);
	text_add(text, ", ");
	text_add_duration(text, busiest->total);
	text_add(text, " in %llu slices", (unsigned long long)busiest->slices);
}

static void print_text(struct session *session, const struct statistics *statistics)
{
	_cleanup_(columns_done) struct columns columns = {.width = 2, .right = 2};
	_cleanup_(text_cleanup) struct text text = {0}, cell = {0};
	struct trace *trace = session_trace(session);
	const struct trace_meta *meta = trace_meta(trace);
	int status;

	text_add(&text, "program        ");
	text_add_filtered(&text, meta->program, strlen(meta->program));
	if (meta->arguments && *meta->arguments) {
		text_add(&text, " ");
		text_add_filtered(&text, meta->arguments, strlen(meta->arguments));
	}
	text_add(&text, "\nended          ");
	if (!trace_ended(trace, &status))
		text_add(&text, "after this trace, or nobody knows how");
	else if (WIFSIGNALED(status))
		text_add(&text, "killed by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		text_add(&text, "with exit status %d", WEXITSTATUS(status));
	text_add(&text, "\nevents         %llu", (unsigned long long)trace_count(trace));
	text_add(&text, "\nlost           %llu", (unsigned long long)trace_lost(trace));
	for (unsigned ring = 0; ring < statistics->ring_count; ring++)
		if (has_any(statistics, ring) &&
			(statistics->ring_count > 1 || statistics->rings[ring].lost))
			text_add(&text, "\n  thread %-5u %llu events, %llu lost", ring + 1,
					 (unsigned long long)statistics->rings[ring].events,
					 (unsigned long long)statistics->rings[ring].lost);
	if (trace_damage(trace))
		text_add(&text, "\ndamaged        %llu", (unsigned long long)trace_damage(trace));
	if (statistics->unreadable)
		text_add(&text, "\nunreadable     %llu", (unsigned long long)statistics->unreadable);
	text_add(&text, "\nduration       ");
	text_add_duration(&text, statistics->duration_ns);
	text_add(&text, "\ncoroutines     %llu", (unsigned long long)statistics->coroutines);
	text_add(&text, "\ntasks          %llu", (unsigned long long)statistics->tasks);
	text_add(&text, "\nturns          %llu", (unsigned long long)statistics->turns);
	text_add(&text, "\nbytes          %llu", (unsigned long long)trace_bytes(trace));
	if (trace_count(trace))
		text_add(&text, ", %.1f an event", (double)trace_bytes(trace) / (double)trace_count(trace));
	add_slices(session, statistics, &text);
	for (unsigned kind = 0; kind < 256; kind++) {
		if (!statistics->kinds[kind])
			continue;
		columns_add_string(&columns, trace_event_name(kind) ? trace_event_name(kind) : "unknown");
		text_add(&cell, "%llu", (unsigned long long)statistics->kinds[kind]);
		columns_add(&columns, &cell);
	}
	if (columns.count) {
		text_add(&text, "\n\n");
		columns_print(&columns, &text);
	}
	puts(text_string(&text));
}

static int show_statistics(const char *path, bool json)
{
	struct statistics *statistics = calloc(1, sizeof(*statistics));
	struct session *session;
	struct trace_event events[BATCH];
	int status = statistics ? open_source("stat", path, &session) : EXIT_COULD_NOT;

	if (status) {
		free(statistics);
		return status;
	}
	for (uint64_t n = 1; n <= session_head(session);) {
		int count = trace_events(session_trace(session), n, events, BATCH);

		statistics->unreadable += count < 0;
		for (int i = 0; i < count; i++)
			count_event(statistics, &events[i]);
		n += count > 0 ? (unsigned)count : 1;
	}
	count_losses(statistics, session_trace(session));
	if (json)
		print_json(session, statistics);
	else
		print_text(session, statistics);
	free(statistics->busy);
	free(statistics);
	session_free(session, false);
	return EXIT_DONE;
}

static int main_stat(int argc, char **argv)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	const char *path;
	bool json = false;
	int option, status;

	while ((option = next_option(&subcommand_stat, argc, argv, ":h", options, &status)) != -1) {
		if (option == -2)
			return status;
		json |= option == 'j';
	}
	path = one_file(&subcommand_stat, argc, argv);
	return path ? show_statistics(path, json) : EXIT_USAGE;
}

const struct subcommand subcommand_stat = {
	"stat",
	"[--json] FILE",
	"counts by kind, slices, turns, what was lost of which thread, size",
	"  --json         as a JSON object\n"
	"  --help         this\n",
	main_stat,
};
