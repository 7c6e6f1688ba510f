/*
 * bench.c - measures the runtime beside its peers.
 *
 *     bench [--json] [--list] [--quick] [METRIC...]
 *
 * A metric is an operation of ours, the same one of each peer, and where there is one, a
 * limit: what it can physically not be below. All of them run in one process on one pinned
 * core. After a warm-up, which also finds how many operations take a sample's time,
 * they take turns:
 *
 *     ours peer peer limit   ours peer peer limit   ...   9 times
 *
 * so that whatever else the machine does meets all alike. Told is the median of each, in
 * ns per operation, and the ratio of ours to the best peer's. Times differ from machine to
 * machine; the ratios say something.
 *
 * Figures of traces are not compared, and measured once: see traces.h.
 *
 * --quick: tiny samples, whose figures mean nothing: that it works is all it tells.
 */
#include "locals.h"
#include "subject.h"
#include "unwinding.h"
#include "viewers.h"

#include <cjson/cJSON.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RUNS             9
#define CONTESTANTS_MOST 6
#define SAMPLE_NS        20e6
#define QUICK_NS         50e3
#define QUICK_MOST_NS    1e6

static const struct subject *const peers[] = {
#ifdef HAVE_BOOST_CONTEXT
	&subject_boost,
#endif
#ifdef HAVE_STATE_THREADS
	&subject_state_threads,
#endif
#ifdef HAVE_LUA
	&subject_lua,
#endif
#ifdef HAVE_LTTNG
	&subject_lttng,
#endif
	&subject_ucontext,
};
enum { PEERS = sizeof peers / sizeof *peers };

struct metric {
	const char *name;
	const char *sentence;
	size_t ours;    /* offset of the operation in struct subject */
	size_t limit;   /* the same of the limit, of ours too; 0: none */
	figure *figure; /* measures by itself; NULL: `ours` does */
	const char *unit;
	bool higher; /* is better */
};

#define OPERATION(name) offsetof(struct subject, name)

static const struct metric metrics[] = {
	{"resume_yield", "resume a generator, which yields a number", .ours = OPERATION(resume_yield)},
	{"resume_yield_deep100", "the same through 100 levels of yield from; limit: one level",
	 .ours = OPERATION(resume_yield_deep), .limit = OPERATION(resume_yield)},
	{"create_destroy", "make a generator, run it to its end, free it",
	 .ours = OPERATION(create_destroy)},
	{"task_switch_2", "from task to task through the loop, 2 tasks",
	 .ours = OPERATION(task_switch_2)},
	{"task_switch_100", "the same with 100", .ours = OPERATION(task_switch_100)},
	{"spawn_join", "spawn a task, which returns at once, wait for it, free it",
	 .ours = OPERATION(spawn_join)},
	{"queue_1", "a message from task to task, through a queue that holds one",
	 .ours = OPERATION(queue_1)},
	{"queue_128", "the same through a queue that holds 128", .ours = OPERATION(queue_128)},
	{"channel_0", "a message from task to task, through an unbuffered channel",
	 .ours = OPERATION(channel_0)},
	{"channel_128", "the same through a channel that holds 128", .ours = OPERATION(channel_128)},
	{"event_untraced", "an event that nobody looks at", .ours = OPERATION(event_untraced)},
	{"event_switch_clock", "a traced event of a task; one in four, the step, reads the clock",
	 .ours = OPERATION(event_switch_clock), .limit = OPERATION(quarter_clock)},
	{"event_full_clock", "a traced event that reads the clock", .ours = OPERATION(event_full_clock),
	 .limit = OPERATION(clock)},
	{"stack_copy_500", "keeping a stack of 504 bytes for the recorder",
	 .ours = OPERATION(stack_copy_500)},
	{"record_sustained",
	 "million events a second of a program that only emits, recorded to disk without stacks",
	 .figure = record_sustained, .unit = "M/s", .higher = true},
	{"record_bytes_per_event", "the file of that recording, checkpoints and all",
	 .figure = record_bytes_per_event, .unit = "bytes"},
	{"trace_open_100m", "opening a hundred million events, to the first World",
	 .figure = trace_open_100m, .unit = "ms"},
	{"trace_seek", "the longest of 50 seeks in it, with 10,000 live tasks", .figure = trace_seek,
	 .unit = "ms"},
	{"trace_back", "the longest of 50 steps back in it", .figure = trace_back, .unit = "ms"},
	{"trace_memory", "the most memory that took", .figure = trace_memory, .unit = "MiB"},
	{"trace_seek_1m", "the longest of 50 seeks in such a trace with a million live tasks",
	 .figure = trace_seek_1m, .unit = "ms"},
	{"trace_back_1m", "the longest of 50 steps back in it", .figure = trace_back_1m, .unit = "ms"},
	{"trace_memory_1m", "the most memory that took", .figure = trace_memory_1m, .unit = "MiB"},
	{"screen_frame_1m", "the longest from a key to its frame, on a screen with a million tasks",
	 .figure = screen_frame_1m, .unit = "ms"},
	{"viewer_death_delay", "the longest delay of a program whose viewer dies, in any state",
	 .figure = viewer_death_delay, .unit = "ms"},
	{"viewer_stop_delay", "the longest wait for a viewer that is stopped, with --block-timeout 20",
	 .figure = viewer_stop_delay, .unit = "ms"},
	{"unwind_10k", "all stacks of 10,000 suspended coroutines of another process",
	 .figure = unwind_10k, .unit = "ms"},
	{"locals_one", "one suspended stack, unwound and read anew, with all its variables as text",
	 .figure = locals_one, .unit = "ms"},
};
enum { METRICS = sizeof metrics / sizeof *metrics };

static operation *operation_of(const struct subject *subject, size_t offset)
{
	operation *const *field = (operation *const *)(const void *)((const char *)subject + offset);

	return *field;
}

/* ---- Measuring --------------------------------------------------------- */

/* Ours, then the peers, then the limit. */
struct contestant {
	const char *name; /* NULL: the limit */
	operation *work;
	uint64_t count; /* operations in a sample */
	double sample[RUNS];
	double median; /* ns per operation */
};

struct result {
	struct contestant contestant[CONTESTANTS_MOST];
	unsigned count;
	bool has_limit; /* the last one is it */
};

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static double take(const struct contestant *contestant)
{
	double start = now();

	contestant->work(contestant->count);
	return (now() - start) / (double)contestant->count;
}

/* Warms up, and finds the count whose sample takes `sample_ns`. */
static void calibrate(struct contestant *contestant, double sample_ns)
{
	contestant->count = 256;
	for (;;) {
		double spent = take(contestant) * (double)contestant->count;

		if (spent >= sample_ns)
			break;
		if (spent < sample_ns / 16)
			contestant->count *= 8;
		else
			contestant->count = (uint64_t)((double)contestant->count * sample_ns / spent) + 2;
	}
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void add(struct result *result, const char *name, operation *work)
{
	if (work)
		result->contestant[result->count++] = (struct contestant){.name = name, .work = work};
}

static void measure(const struct metric *metric, double sample_ns, struct result *ret)
{
	*ret = (struct result){.has_limit = metric->limit != 0};
	if (metric->figure) {
		ret->count = 1;
		ret->contestant[0].median = metric->figure(sample_ns < QUICK_MOST_NS);
		return;
	}
	add(ret, subject_coroscope.name, operation_of(&subject_coroscope, metric->ours));
	for (unsigned i = 0; i < PEERS; i++)
		if (operation_of(peers[i], metric->ours) && (!peers[i]->ready || peers[i]->ready()))
			add(ret, peers[i]->name, operation_of(peers[i], metric->ours));
	if (ret->has_limit)
		add(ret, NULL, operation_of(&subject_coroscope, metric->limit));
	for (unsigned i = 0; i < ret->count; i++)
		calibrate(&ret->contestant[i], sample_ns);
	for (unsigned run = 0; run < RUNS; run++)
		for (unsigned i = 0; i < ret->count; i++)
			ret->contestant[i].sample[run] = take(&ret->contestant[i]);
	for (unsigned i = 0; i < ret->count; i++) {
		qsort(ret->contestant[i].sample, RUNS, sizeof(double), by_value);
		ret->contestant[i].median = ret->contestant[i].sample[RUNS / 2];
	}
}

static unsigned peer_count(const struct result *result)
{
	return result->count - 1 - result->has_limit;
}

/* Ours to the best peer's; 0: there is none. */
static double ratio(const struct result *result)
{
	double best = 0;

	for (unsigned i = 1; i <= peer_count(result); i++)
		if (best == 0 || result->contestant[i].median < best)
			best = result->contestant[i].median;
	return best > 0 ? result->contestant[0].median / best : 0;
}

/* The whole process stays on one core: the last that it may use, for interrupts
 * like the first ones. */
static void pin(void)
{
	cpu_set_t allowed, one;

	if (sched_getaffinity(0, sizeof allowed, &allowed) < 0)
		return;
	for (int i = CPU_SETSIZE - 1; i >= 0; i--) {
		if (!CPU_ISSET(i, &allowed))
			continue;
		CPU_ZERO(&one);
		CPU_SET(i, &one);
		sched_setaffinity(0, sizeof one, &one);
		return;
	}
}

/* ---- Telling ----------------------------------------------------------- */

static const char *unit_of(const struct metric *metric)
{
	return metric->unit ? metric->unit : "ns";
}

static void print_line(const struct metric *metric, const struct result *result)
{
	if (result->contestant[0].median < 0) {
		printf("%-22s could not be measured\n", metric->name);
		return;
	}
	printf("%-22s %8.2f %s", metric->name, result->contestant[0].median, unit_of(metric));
	for (unsigned i = 1; i <= peer_count(result); i++)
		printf("   %s %.2f", result->contestant[i].name, result->contestant[i].median);
	if (peer_count(result) > 0)
		printf("   ratio %.2f", ratio(result));
	if (result->has_limit)
		printf("   limit %.2f", result->contestant[result->count - 1].median);
	printf("\n");
	fflush(stdout);
}

/* Two digits after the point: more than that is noise. */
static double rounded(double value)
{
	return (double)(int64_t)(value * 100 + 0.5) / 100;
}

static void add_json(cJSON *array, const struct metric *metric, const struct result *result)
{
	cJSON *object = cJSON_CreateObject(), *among;

	cJSON_AddItemToArray(array, object);
	cJSON_AddStringToObject(object, "metric", metric->name);
	if (result->contestant[0].median < 0)
		cJSON_AddNullToObject(object, "value");
	else
		cJSON_AddNumberToObject(object, "value", rounded(result->contestant[0].median));
	cJSON_AddStringToObject(object, "unit", unit_of(metric));
	cJSON_AddStringToObject(object, "better", metric->higher ? "higher" : "lower");
	among = cJSON_AddObjectToObject(object, "peers");
	for (unsigned i = 1; i <= peer_count(result); i++)
		cJSON_AddNumberToObject(among, result->contestant[i].name,
								rounded(result->contestant[i].median));
	if (peer_count(result) > 0)
		cJSON_AddNumberToObject(object, "ratio", rounded(ratio(result)));
	else
		cJSON_AddNullToObject(object, "ratio");
	if (result->has_limit)
		cJSON_AddNumberToObject(object, "limit",
								rounded(result->contestant[result->count - 1].median));
	else
		cJSON_AddNullToObject(object, "limit");
}

static const struct metric *find(const char *name)
{
	for (unsigned i = 0; i < METRICS; i++)
		if (strcmp(metrics[i].name, name) == 0)
			return &metrics[i];
	return NULL;
}

static int list(bool json)
{
	cJSON *array = cJSON_CreateArray();
	char *text;

	for (unsigned i = 0; i < METRICS; i++) {
		if (json)
			cJSON_AddItemToArray(array, cJSON_CreateString(metrics[i].name));
		else
			printf("%-22s %s\n", metrics[i].name, metrics[i].sentence);
	}
	text = cJSON_Print(array);
	if (json && text)
		puts(text);
	cJSON_free(text);
	cJSON_Delete(array);
	return 0;
}

int main(int argc, char **argv)
{
	bool json = false, listing = false, chosen[METRICS] = {false}, any = false;
	double sample_ns = SAMPLE_NS;
	cJSON *array;
	char *text;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0) {
			json = true;
		} else if (strcmp(argv[i], "--list") == 0) {
			listing = true;
		} else if (strcmp(argv[i], "--quick") == 0) {
			sample_ns = QUICK_NS;
		} else if (find(argv[i])) {
			chosen[find(argv[i]) - metrics] = any = true;
		} else {
			fprintf(stderr,
					"bench: %s is not a metric; --list tells them\n"
					"usage: bench [--json] [--list] [--quick] [METRIC...]\n",
					argv[i]);
			return 2;
		}
	}
	if (listing)
		return list(json);
	pin();
	array = cJSON_CreateArray();
	for (unsigned i = 0; i < METRICS; i++) {
		struct result result;

		if (any && !chosen[i])
			continue;
		measure(&metrics[i], sample_ns, &result);
		if (json)
			add_json(array, &metrics[i], &result);
		else
			print_line(&metrics[i], &result);
	}
	text = json ? cJSON_Print(array) : NULL;
	if (text)
		puts(text);
	cJSON_free(text);
	cJSON_Delete(array);
	return 0;
}
