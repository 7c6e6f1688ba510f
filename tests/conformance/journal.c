/*
 * journal.c - the log: its lines, the labels in them, what the runtime reports.
 *
 * Reports of the end of an object come when the object is freed. CPython frees at moments of its
 * own, so those that do not come in a `del` are kept, and stand sorted at the end: "final ...".
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "scenario.h"

enum { ROUNDS = 20000 };

bool journal_closed, journal_immediate, somebody_ignored;

static char **late;
static size_t late_count, late_room;
static int said, rounds;

/* ---- Memory ------------------------------------------------------------ */

struct piece {
	struct piece *next;
	void *unused; /* what follows is as aligned as malloc's */
};
static struct piece *pieces;
static coro_value *errors;
static size_t error_count, error_room;

void *keep_memory(size_t size)
{
	struct piece *piece = calloc(1, sizeof(*piece) + size);

	if (!piece)
		abort();
	piece->next = pieces;
	pieces = piece;
	return piece + 1;
}

char *keep_text(const char *text)
{
	return strcpy(keep_memory(strlen(text) + 1), text);
}

static void *larger(void *array, size_t *room, size_t size)
{
	*room = *room ? 2 * *room : 64;
	array = realloc(array, *room * size);
	if (!array)
		abort();
	return array;
}

coro_value keep_error(coro_value exception)
{
	if (coro_kind(exception) != CORO_VALUE_EXCEPTION)
		return exception;
	if (error_count == error_room)
		errors = larger(errors, &error_room, sizeof(*errors));
	errors[error_count++] = coro_keep(exception);
	return exception;
}

static void free_all(void)
{
	while (error_count)
		coro_drop(errors[--error_count]);
	free(errors);
	for (size_t i = 0; i < late_count; i++)
		free(late[i]);
	free(late);
	while (pieces) {
		struct piece *next = pieces->next;

		free(pieces);
		pieces = next;
	}
}

/* ---- Lines ------------------------------------------------------------- */

static void exhausted(void)
{
	puts("- fuel exhausted");
	fflush(stdout);
	_Exit(0);
}

void say(const char *who, const char *text)
{
	if (journal_closed)
		return;
	if (++said > scenario.fuel)
		exhausted();
	if (the_loop)
		printf("%d %s %s\n", milliseconds(), who, text);
	else
		printf("- %s %s\n", who, text);
}

void count_round(void)
{
	if (++rounds > ROUNDS)
		exhausted();
}

void say_late(const char *who, const char *text)
{
	if (journal_immediate) {
		say(who, text);
		return;
	}
	if (late_count == late_room)
		late = larger(late, &late_room, sizeof(*late));
	/* A tab sorts before every letter: as a pair of strings sorts. */
	if (asprintf(&late[late_count], "%s\t%s", who, text) < 0)
		abort();
	late_count++;
}

static int by_text(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

void forget_late(void)
{
	while (late_count)
		free(late[--late_count]);
}

void journal_end(void)
{
	if (late_count)
		qsort(late, late_count, sizeof(*late), by_text);
	for (size_t i = 0; i < late_count; i++) {
		*strchr(late[i], '\t') = ' ';
		printf("final %s\n", late[i]);
	}
	puts("final end");
	fflush(stdout);
	free_all();
}

/* ---- Labels ------------------------------------------------------------ */

struct counter {
	const char *name;
	int count;
	struct counter *next;
};
static struct counter *counters;

const char *label(const char *name)
{
	struct counter *counter = counters;

	name += *name == '@';
	while (counter && strcmp(counter->name, name))
		counter = counter->next;
	if (!counter) {
		counter = keep_memory(sizeof(*counter));
		counter->name = name;
		counter->next = counters;
		counters = counter;
	}
	return ++counter->count == 1 ? name : format("%s#%d", name, counter->count);
}

struct labelled {
	const void *object;
	const char *text;
	struct labelled *next;
};
static struct labelled *labelled;

void set_label(const void *object, const char *text)
{
	struct labelled *entry = keep_memory(sizeof(*entry));

	*entry = (struct labelled){object, text, labelled};
	labelled = entry;
}

const char *label_of(const void *object)
{
	for (const struct labelled *entry = labelled; entry; entry = entry->next)
		if (entry->object == object)
			return entry->text;
	return NULL;
}

/* ---- Reports ----------------------------------------------------------- */

static const char *first_line(const char *text)
{
	char *line = keep_text(text);

	line[strcspn(line, "\n")] = 0;
	return line;
}

bool ignored(const char *report)
{
	return strstr(report, "ignored GeneratorExit") != NULL;
}

static void take_report(enum coro_report_kind kind, const char *text, coro_value exception,
						void *data)
{
	switch (kind) {
	case CORO_REPORT_NEVER_AWAITED:
		say_late("warning", first_line(text));
		break;
	case CORO_REPORT_UNRAISABLE:
		somebody_ignored |= ignored(text);
		if (journal_closed && is_never_freed(coro_report_object()))
			break;
		say_late("unraisable", show_error(keep_error(exception)));
		break;
	case CORO_REPORT_UNRETRIEVED:
		say_late("loop", format("exception-handler %.*s %s %s", (int)strcspn(text, ":\n"), text,
								show(coro_report_object()), show_error(keep_error(exception))));
		break;
	case CORO_REPORT_PENDING:
		say_late("loop", format("exception-handler %.*s %s", (int)strcspn(text, ":\n"), text,
								show(coro_report_object())));
		break;
	case CORO_REPORT_CALLBACK:
	case CORO_REPORT_SHUTDOWN:
		say("loop",
			format("exception-handler %s %s", first_line(text), show_error(keep_error(exception))));
		break;
	case CORO_REPORT_SLOW:
		say("loop",
			format("slow-callback %d", (int)(coro_as_float(coro_report_object()) * 1000 + .5)));
		break;
	case CORO_REPORT_CYCLE:
		/* Of that asyncio says nothing. */
		break;
	default:
		say("loop", first_line(text));
	}
}

void journal_begin(void)
{
	coro_set_report_handler(take_report, NULL);
}
