#ifndef TRACER_TEXT_H
#define TRACER_TEXT_H
/*
 * text.h - how values, objects and events read, everywhere the same.
 *
 * Lists, trees, chains, batch answers and the screen all take their words from here, so
 * that one thing has one name. All text that came from the program (names, strings,
 * output) is filtered: control characters, bidi controls and bad UTF-8 become \xNN, so
 * that a name can never drive a terminal.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "session.h"

/* A growing, always 0-terminated string. */
struct text {
	char *data; /* owned; NULL while empty */
	size_t length, room;
};
void text_done(struct text *text);
void text_clear(struct text *text);
void text_add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_add_filtered(struct text *text, const char *bytes, size_t length);
/* Bytes as UTF-8: what is none, and 0, becomes U+FFFD. Not filtered. */
void text_add_utf8(struct text *text, const char *bytes, size_t length);
/* A line of JSON, which means the same as before: characters that text_add_filtered() would not let
 * through stand as \uNNNN. */
void text_add_json(struct text *text, const char *json);
/* How many bytes at the end may be the beginning of a character: 0 to 3. */
size_t text_unfinished(const char *bytes, size_t length);
/* How many columns filtered text takes. */
size_t text_columns(const char *bytes, size_t length);
const char *text_string(const struct text *text); /* "" while empty */

/* A value: 5  2.5  'text'  b'\x00'  None  True  <internal #4>  ValueError: bad port.
 * A pointer shows its type alone, <struct job>, for addresses differ from run to run.
 * Strings as Python's repr writes them, cut with "…" after `most` columns (0: whole). */
void text_add_value(struct text *text, struct session *session, const struct trace_value *value,
                    size_t most);
/* "internal #4"; "future #4" for one without a name; "#4" for one that is not there. */
void text_add_object(struct text *text, struct session *session, uint64_t serial);
/* As text_add_object; but one that has gone, or is still to come, is called as the trace called it
 * around event n. */
void text_add_object_near(struct text *text, struct session *session, uint64_t serial, uint64_t n);
/* Its name alone, or its kind where it has none. */
void text_add_name(struct text *text, struct session *session, const struct world_object *object);
/* Why it does not run: "get jobs", "sleep 100 ms", "gather 1/3", "internal #4", or "". */
void text_add_wait(struct text *text, struct session *session, const struct world_object *object);
/* One line for an event, without its number: "internal #4  yield 1  channel.c:12",
 * "jobs #3  queue_put 5 by producer #6  producer_consumer.c:31". */
void text_add_event(struct text *text, struct session *session, const struct trace_event *event);
/* A duration in ns, to three digits: "3.1 ms", "100 ms", "1.25 s". */
void text_add_duration(struct text *text, int64_t ns);

#endif
