#ifndef TRACER_JSON_H
#define TRACER_JSON_H
/*
 * json.h - a trace's events, output and losses as JSON, everywhere the same.
 *
 * `events --json` prints these objects, and the exports that are JSON hold them or parts of
 * them. What their keys mean stands in docs/commands.md. All text that came from the
 * program is filtered (text.h), or made UTF-8.
 *
 * Each cJSON that is returned is the caller's; NULL, or one that lacks a key: out of memory.
 */
#include <cjson/cJSON.h>
#include "text.h"
#include "walk.h"

/* A JSON string of a text. */
void json_add_text(cJSON *object, const char *key, const struct text *text);
/* A number, to its last digit. */
void json_add_number(cJSON *object, const char *key, uint64_t number);
/* Text of the program's, filtered. */
void json_add_filtered(cJSON *object, const char *key, const char *string);
/* A place as symbols_text() says it; nothing when there is none. */
void json_add_place(cJSON *object, const char *key, struct session *session, uint32_t site,
                    bool is_string);
/* What an event says but for when, where and which: `co` `name` `peer` `value` `site`. */
void json_add_details(cJSON *object, struct session *session, const struct trace_event *event);

/* An event, with its turn (0: in none). */
cJSON *json_event(struct session *session, const struct trace_event *event, uint64_t turn);
cJSON *json_output(const struct walk_line *line);
cJSON *json_lost(uint64_t after, uint32_t ring, uint64_t count);
cJSON *json_unreadable(uint64_t after, uint64_t count);

#endif
