/*
 * asciicast.c - what the program wrote, as asciicast v2: a line of JSON that says how wide the
 * terminal was, then one for each piece, [seconds, "o", text].
 *
 * The text is what the program wrote, controls and all: whoever plays it has a terminal for it.
 * What is not UTF-8 becomes U+FFFD; a character that was cut in two is put together again. The
 * trace does not know the size of the terminal: it is said to be 80 x 24.
 *
 * A player's terminal is raw: a newline alone moves down, not to the left. A program that wrote
 * into a pipe has none of the carriage returns that a terminal adds, so they are added here; the
 * first newline tells which it was.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "export_private.h"

struct asciicast {
	struct export *export;
	char part[4]; /* the beginning of a character */
	size_t part_length;
	int fd; /* whose part it is */
	int64_t t;
	enum { UNKNOWN, TERMINAL, PIPE } from;
	char last; /* byte before */
	struct bytes raw;
	struct text text;
};

static void put_line(struct asciicast *cast)
{
	cJSON *line = cJSON_CreateArray(), *text;
	char seconds[32];

	text_clear(&cast->text);
	text_add_utf8(&cast->text, (const char *)cast->raw.data, cast->raw.length);
	bytes_clear(&cast->raw);
	text = cJSON_CreateString(text_string(&cast->text));
	snprintf(seconds, sizeof(seconds), "%lld.%06lld", (long long)(cast->t / 1000000000),
			 (long long)(cast->t / 1000 % 1000000));
	cJSON_AddItemToArray(line, cJSON_CreateRaw(seconds));
	cJSON_AddItemToArray(line, cJSON_CreateString("o"));
	cJSON_AddItemToArray(line, text);
	sink_put_json(&cast->export->sink, line);
	sink_put(&cast->export->sink, "\n", 1);
}

/* Adds bytes, with the carriage returns that are missing. */
static void take(struct asciicast *cast, const char *data, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (data[i] == '\n' && cast->from == UNKNOWN)
			cast->from = cast->last == '\r' ? TERMINAL : PIPE;
		if (data[i] == '\n' && cast->from == PIPE && cast->last != '\r')
			bytes_put_u8(&cast->raw, '\r');
		bytes_put_u8(&cast->raw, (uint8_t)data[i]);
		cast->last = data[i];
	}
}

/* What was the beginning of a character, and did not go on. */
static void end_part(struct asciicast *cast)
{
	if (!cast->part_length)
		return;
	take(cast, cast->part, cast->part_length);
	cast->part_length = 0;
	put_line(cast);
}

static void put_piece(struct asciicast *cast, const struct trace_output *piece)
{
	size_t length = piece->length, unfinished;

	if (cast->part_length && piece->fd != cast->fd)
		end_part(cast);
	cast->t = piece->t > cast->t ? piece->t : cast->t;
	cast->fd = piece->fd;
	/* At most 3 bytes, and a whole piece behind them. */
	take(cast, cast->part, cast->part_length);
	cast->part_length = 0;
	take(cast, piece->data, length);
	if (cast->raw.failed) {
		cast->export->sink.error = -ENOMEM;
		return;
	}
	unfinished = text_unfinished((const char *)cast->raw.data, cast->raw.length);
	memcpy(cast->part, cast->raw.data + cast->raw.length - unfinished, unfinished);
	cast->part_length = unfinished;
	cast->raw.length -= unfinished;
	if (cast->raw.length)
		put_line(cast);
}

static void put_header(struct export *export)
{
	const struct trace_meta *meta = trace_meta(export->trace);
	_cleanup_(text_done) struct text title = {0};
	cJSON *header = cJSON_CreateObject();

	export_add_program(&title, export);
	if (meta->arguments && *meta->arguments) {
		text_add(&title, " ");
		text_add_filtered(&title, meta->arguments, strlen(meta->arguments));
	}
	cJSON_AddNumberToObject(header, "version", 2);
	cJSON_AddNumberToObject(header, "width", 80);
	cJSON_AddNumberToObject(header, "height", 24);
	cJSON_AddNumberToObject(header, "timestamp", (double)(meta->real0 / 1000000000));
	cJSON_AddStringToObject(header, "title", text_string(&title));
	sink_put_json(&export->sink, header);
	sink_put(&export->sink, "\n", 1);
}

int export_asciicast(struct export *export)
{
	struct export_report *report = &export->report;
	struct asciicast cast = {.export = export};
	struct trace_output piece;
	uint64_t events = report->events;
	int r;

	put_header(export);
	for (size_t i = 0; (r = trace_output(export->trace, i, &piece)) != -ENOENT; i++) {
		if (export->sink.error)
			break;
		if (r < 0) {
			report->output_unreadable++;
			continue;
		}
		report->output++;
		report->output_exported++;
		if (piece.length)
			put_piece(&cast, &piece);
		if (export->progress && i % 4096 == 0)
			export->progress(piece.after < events ? piece.after : events, events);
	}
	end_part(&cast);
	report->omitted[EXPORT_NO_PLACE] = events;
	bytes_done(&cast.raw);
	text_done(&cast.text);
	return 0;
}
