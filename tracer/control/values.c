/*
 * values.c - values as Python's repr writes them.
 *
 * What was cut off, by the event that kept only the first bytes or by the columns that
 * there are, is shown by "…": 'the first byt…'.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tracer/text.h>
#include "text_private.h"

/* ---- Numbers ----------------------------------------------------------- */

/* The fewest digits that are read back as the same number, and where the point is:
 * 0.d1d2d3... * 10^point. Returns how many digits. */
static int shortest_digits(double value, char digits[20], int *ret_point)
{
	char number[40];
	int count = 0;

	for (int precision = 0; precision < 17; precision++) {
		snprintf(number, sizeof(number), "%.*e", precision, value);
		if (strtod(number, NULL) == value)
			break;
	}
	for (const char *c = number; *c && *c != 'e'; c++)
		if (*c >= '0' && *c <= '9')
			digits[count++] = *c;
	*ret_point = (int)strtol(strchr(number, 'e') + 1, NULL, 10) + 1;
	while (count > 1 && digits[count - 1] == '0')
		count--;
	digits[count] = 0;
	return count;
}

static void add_float(struct text *text, double value)
{
	char digits[20];
	int point, count;

	if (isnan(value)) {
		text_add(text, "nan");
		return;
	}
	if (signbit(value)) {
		text_add(text, "-");
		value = -value;
	}
	if (isinf(value)) {
		text_add(text, "inf");
		return;
	}
	count = shortest_digits(value, digits, &point);
	if (value != 0 && (point < -3 || point > 16)) {
		text_add(text, "%c%s%s", digits[0], count > 1 ? "." : "", digits + 1);
		text_add(text, "e%c%02d", point > 0 ? '+' : '-', abs(point - 1));
	} else if (point <= 0) {
		text_add(text, "0.%.*s%s", -point, "0000", digits);
	} else if (count <= point) {
		text_add(text, "%s%.*s.0", digits, point - count, "0000000000000000");
	} else {
		text_add(text, "%.*s.%s", point, digits, digits + point);
	}
}

/* ---- Strings ----------------------------------------------------------- */

/* As Python: single quotes, unless there are such and no double ones inside. */
static char quote_for(const char *bytes, size_t length)
{
	return memchr(bytes, '\'', length) && !memchr(bytes, '"', length) ? '"' : '\'';
}

/* A character that has an escape of its own, or the quote; false: it has none. */
static bool add_escape(struct text *text, uint32_t character, char quote)
{
	switch (character) {
	case '\n':
		text_add(text, "\\n");
		return true;
	case '\r':
		text_add(text, "\\r");
		return true;
	case '\t':
		text_add(text, "\\t");
		return true;
	case '\\':
		text_add(text, "\\\\");
		return true;
	default:
		if (character != (uint32_t)quote)
			return false;
		text_add(text, "\\%c", quote);
		return true;
	}
}

static void add_quoted(struct text *text, const struct trace_value *value)
{
	const char *bytes = value->bytes;
	size_t length = value->stored, size;
	char quote = quote_for(bytes, length);
	uint32_t character;

	text_add(text, "%c", quote);
	for (size_t i = 0; i < length; i += size) {
		size = text_decode(bytes + i, length - i, &character);
		if (!size) {
			/* The last character may be cut in two: that is no bad byte. */
			if (value->stored < value->length && length - i < 4 && (bytes[i] & 0xc0) == 0xc0)
				break;
			text_add(text, "\\x%02x", (unsigned char)bytes[i]);
			size = 1;
		} else if (add_escape(text, character, quote)) {
			continue;
		} else if (text_is_printable(character)) {
			text_add(text, "%.*s", (int)size, bytes + i);
		} else if (character < 0x100) {
			text_add(text, "\\x%02x", character);
		} else if (character < 0x10000) {
			text_add(text, "\\u%04x", character);
		} else {
			text_add(text, "\\U%08x", character);
		}
	}
	text_add(text, value->stored < value->length ? "…%c" : "%c", quote);
}

static void add_bytes(struct text *text, const struct trace_value *value)
{
	char quote = quote_for(value->bytes, value->stored);

	text_add(text, "b%c", quote);
	for (size_t i = 0; i < value->stored; i++) {
		unsigned char byte = (unsigned char)value->bytes[i];

		if (add_escape(text, byte, quote))
			continue;
		text_add(text, byte < 0x20 || byte >= 0x7f ? "\\x%02x" : "%c", byte);
	}
	text_add(text, value->stored < value->length ? "…%c" : "%c", quote);
}

/* ---- The rest ---------------------------------------------------------- */

static void add_type(struct text *text, struct session *session, uint32_t type,
					 const char *otherwise)
{
	const char *name = type ? trace_string(session_trace(session), type) : NULL;

	if (name && name[0])
		text_add_filtered(text, name, strlen(name));
	else
		text_add(text, "%s", otherwise);
}

static void add_object(struct text *text, struct session *session, const struct trace_value *value)
{
	const struct world_object *object;
	unsigned kind = value->object_kind;

	text_add(text, "<");
	if (value->type) {
		add_type(text, session, value->type, "object");
		text_add(text, " #%" PRIu64 ">", value->object);
		return;
	}
	if (!kind) {
		object = world_find(session_world(session), value->object);
		kind = object ? object->kind : 0;
	}
	if (kind)
		text_add(text, "%s ", trace_object_kind_name(kind));
	text_add(text, "#%" PRIu64 ">", value->object);
}

static void add_exception(struct text *text, struct session *session,
						  const struct trace_value *value)
{
	add_type(text, session, value->type, "exception");
	if (!value->length)
		return;
	text_add(text, ": ");
	text_add_filtered(text, value->bytes, value->stored);
	if (value->stored < value->length)
		text_add(text, "…");
}

/* Cuts what was added since `start` to `most` columns. */
static void cut(struct text *text, size_t start, size_t most)
{
	size_t columns = 0, end = start, size;
	uint32_t character;

	if (text_columns(text->data + start, text->length - start) <= most)
		return;
	while (end < text->length) {
		size = text_decode(text->data + end, text->length - end, &character);
		size = size ? size : 1;
		columns += text_columns(text->data + end, size);
		if (columns > most - 1)
			break;
		end += size;
	}
	text->length = end;
	text->data[end] = 0;
	text_add(text, "…");
}

void text_add_value(struct text *text, struct session *session, const struct trace_value *value,
					size_t most)
{
	size_t start = text->length;

	switch (value->kind) {
	case CORO_VALUE_ABSENT:
		break;
	case CORO_VALUE_NONE:
		text_add(text, "None");
		break;
	case CORO_VALUE_BOOL:
		text_add(text, "%s", value->integer ? "True" : "False");
		break;
	case CORO_VALUE_INT:
		text_add(text, "%" PRId64, value->integer);
		break;
	case CORO_VALUE_FLOAT:
		add_float(text, value->real);
		break;
	case CORO_VALUE_STRING:
		add_quoted(text, value);
		break;
	case CORO_VALUE_BYTES:
		add_bytes(text, value);
		break;
	case CORO_VALUE_POINTER:
		text_add(text, "<");
		/* No address: it differs from run to run, and what reads the same should be the same. */
		add_type(text, session, value->type, "pointer");
		text_add(text, value->pointer ? ">" : " 0x0>");
		break;
	case CORO_VALUE_OBJECT:
		add_object(text, session, value);
		break;
	case CORO_VALUE_EXCEPTION:
		add_exception(text, session, value);
		break;
	default:
		text_add(text, "<unknown>");
		break;
	}
	if (most && text->length > start)
		cut(text, start, most);
}
