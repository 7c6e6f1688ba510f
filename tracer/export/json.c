/*
 * json.c - events and texts as JSON. Everything that a program could have put into a text is
 * filtered or made UTF-8 on the way.
 */
#include <stdio.h>
#include <string.h>
#include <tracer/json.h>

#define _cleanup_(function) __attribute__((cleanup(function)))

void json_add_text(cJSON *object, const char *key, const struct text *text)
{
	cJSON_AddStringToObject(object, key, text_string(text));
}

/* A double holds 53 bits: what is larger is written as it is. */
void json_add_number(cJSON *object, const char *key, uint64_t number)
{
	char digits[24];

	if (number <= UINT64_C(1) << 53) {
		cJSON_AddNumberToObject(object, key, (double)number);
		return;
	}
	snprintf(digits, sizeof(digits), "%llu", (unsigned long long)number);
	cJSON_AddRawToObject(object, key, digits);
}

void json_add_place(cJSON *object, const char *key, struct session *session, uint32_t site,
					bool is_string)
{
	_cleanup_(text_done) struct text text = {0};
	const char *place = site ? symbols_text(session_symbols(session), site, is_string) : "";

	if (!*place)
		return;
	text_add_filtered(&text, place, strlen(place));
	json_add_text(object, key, &text);
}

void json_add_filtered(cJSON *object, const char *key, const char *string)
{
	_cleanup_(text_done) struct text text = {0};

	text_add_filtered(&text, string, strlen(string));
	json_add_text(object, key, &text);
}

void json_add_details(cJSON *object, struct session *session, const struct trace_event *event)
{
	const char *name = event->name ? trace_string(session_trace(session), event->name) : NULL;
	_cleanup_(text_done) struct text text = {0};

	if (event->co)
		json_add_number(object, "co", event->co);
	if (name)
		json_add_filtered(object, "name", name);
	if (event->peer)
		json_add_number(object, "peer", event->peer);
	if (event->value.kind != CORO_VALUE_ABSENT) {
		text_add_value(&text, session, &event->value, 0);
		json_add_text(object, "value", &text);
	}
	json_add_place(object, "site", session, event->site, event->flags & CORO_SLOT_FILELINE);
}

cJSON *json_event(struct session *session, const struct trace_event *event, uint64_t turn)
{
	cJSON *json = cJSON_CreateObject();
	const char *kind = trace_event_name(event->kind);

	json_add_number(json, "n", event->n);
	cJSON_AddNumberToObject(json, "t", (double)event->t);
	if (turn)
		json_add_number(json, "turn", turn);
	json_add_number(json, "thread", (uint64_t)event->ring + 1);
	cJSON_AddStringToObject(json, "kind", kind ? kind : "unknown");
	json_add_details(json, session, event);
	return json;
}

cJSON *json_output(const struct walk_line *line)
{
	const struct text text = {.data = (char *)line->text, .length = line->length};
	cJSON *json = cJSON_CreateObject();

	json_add_number(json, "after", line->after);
	cJSON_AddStringToObject(json, "kind", "output");
	cJSON_AddNumberToObject(json, "fd", line->fd);
	if (line->approximate)
		cJSON_AddTrueToObject(json, "approximate");
	json_add_text(json, "text", &text);
	return json;
}

cJSON *json_lost(uint64_t after, uint32_t ring, uint64_t count)
{
	cJSON *json = cJSON_CreateObject();

	json_add_number(json, "after", after);
	cJSON_AddStringToObject(json, "kind", "lost");
	json_add_number(json, "thread", (uint64_t)ring + 1);
	json_add_number(json, "count", count);
	return json;
}

cJSON *json_unreadable(uint64_t after, uint64_t count)
{
	cJSON *json = cJSON_CreateObject();

	json_add_number(json, "after", after);
	cJSON_AddStringToObject(json, "kind", "unreadable");
	json_add_number(json, "count", count);
	return json;
}
