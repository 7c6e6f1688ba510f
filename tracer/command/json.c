/*
 * json.c - events and texts as JSON. Everything that a program could have put into a text is
 * filtered or made UTF-8 on the way.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "command_private.h"

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
	_cleanup_(text_cleanup) struct text text = {0};
	const char *place = site ? symbols_text(session_symbols(session), site, is_string) : "";

	if (!*place)
		return;
	text_add_filtered(&text, place, strlen(place));
	json_add_text(object, key, &text);
}

cJSON *json_event(struct session *session, const struct trace_event *event, uint64_t turn)
{
	cJSON *json = cJSON_CreateObject();
	const char *kind = trace_event_name(event->kind);
	const char *name = event->name ? trace_string(session_trace(session), event->name) : NULL;
	_cleanup_(text_cleanup) struct text text = {0};

	json_add_number(json, "n", event->n);
	cJSON_AddNumberToObject(json, "t", (double)event->t);
	if (turn)
		json_add_number(json, "turn", turn);
	json_add_number(json, "thread", (uint64_t)event->ring + 1);
	cJSON_AddStringToObject(json, "kind", kind ? kind : "unknown");
	if (event->co)
		json_add_number(json, "co", event->co);
	if (name) {
		text_add_filtered(&text, name, strlen(name));
		json_add_text(json, "name", &text);
		text_clear(&text);
	}
	if (event->peer)
		json_add_number(json, "peer", event->peer);
	if (event->value.kind != CORO_VALUE_ABSENT) {
		text_add_value(&text, session, &event->value, 0);
		json_add_text(json, "value", &text);
	}
	json_add_place(json, "site", session, event->site, event->flags & CORO_SLOT_FILELINE);
	return json;
}

void json_print_line(cJSON *json)
{
	char *line = json ? cJSON_PrintUnformatted(json) : NULL;

	if (line)
		puts(line);
	cJSON_free(line);
	cJSON_Delete(json);
}

/* The length of the UTF-8 sequence at `bytes`, or 0 when it is none. */
static size_t sequence(const unsigned char *bytes, size_t length)
{
	unsigned least, code;
	size_t more;

	if (bytes[0] < 0x80)
		return bytes[0] != 0;
	more = bytes[0] >= 0xf0 ? 3 : bytes[0] >= 0xe0 ? 2 : 1;
	if (bytes[0] < 0xc2 || bytes[0] > 0xf4 || more >= length)
		return 0;
	code = bytes[0] & (0x3fu >> more);
	for (size_t i = 1; i <= more; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (bytes[i] & 0x3fu);
	}
	least = more == 3 ? 0x10000 : more == 2 ? 0x800 : 0x80;
	if (code < least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	return more + 1;
}

void add_utf8(struct text *text, const char *bytes, size_t length)
{
	while (length) {
		size_t good = 0, one;

		while (good < length &&
			   (one = sequence((const unsigned char *)bytes + good, length - good)) > 0)
			good += one;
		if (good)
			text_add(text, "%.*s", (int)good, bytes);
		bytes += good;
		length -= good;
		if (length) {
			text_add(text, "\xef\xbf\xbd");
			bytes++;
			length--;
		}
	}
}
