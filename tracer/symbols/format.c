/*
 * format.c - contents as text, on one line.
 *
 * Structures and arrays are written within each other down to a depth; what they have is read when
 * it is written, and forgotten then. Whatever the types say, it ends: by the depth, by the number
 * of elements, by the room, and by the effort.
 */
#include "point.h"
#include "scopes.h"
#include "value.h"
#include "writer.h"

#include <coroscope/trace_abi.h>
#include <dwarf.h>
#include <errno.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tracer/module.h>

enum { STRING_MOST = 4096, SHORT = 128 };

struct format {
	const struct context *context;
	const struct locals_format *format;
	struct writer writer;
};

static void write_content(struct format *format, const struct content *content, unsigned depth);

/* ---- What is missing --------------------------------------------------- */

const char *format_reason(const struct content *content, char *buffer, size_t room)
{
	if (content->reason != LOCALS_UNSUPPORTED || content->operation == 0)
		return locals_reason_text(content->reason);
	snprintf(buffer, room, "operation 0x%02x of DWARF not understood", content->operation);
	return buffer;
}

static void write_reason(struct format *format, const struct content *content)
{
	char buffer[SHORT];

	writer_add(&format->writer, "<%s>", format_reason(content, buffer, sizeof buffer));
}

/* ---- Numbers ----------------------------------------------------------- */

static void write_integer(struct format *format, const struct content *content)
{
	bool negative, is_signed = type_is_signed(&content->type);
	unsigned __int128 number = 0;
	char digits[48];
	size_t at = sizeof digits;
	uint64_t word;

	if (content->size > sizeof number) {
		writer_add(&format->writer, "<%" PRIu64 " bytes>", content->size);
		return;
	}
	if (content->size <= sizeof word) {
		if (content_word(content, &word))
			writer_add(&format->writer, is_signed ? "%" PRId64 : "%" PRIu64, word);
		return;
	}
	memcpy(&number, content->bytes, content->size);
	negative = is_signed && (__int128)number < 0;
	if (negative)
		number = -number;
	digits[--at] = 0;
	do
		digits[--at] = (char)('0' + (unsigned)(number % 10));
	while ((number /= 10) > 0);
	writer_add(&format->writer, "%s%s", negative ? "-" : "", digits + at);
}

/* The fewest digits that are read back as the same number. The locale may have a comma. */
static void write_real(struct format *format, long double number, int most)
{
	char text[64];

	if (isnan(number) || isinf(number)) {
		writer_add(&format->writer, "%s%s", signbit(number) ? "-" : "",
				   isnan(number) ? "nan" : "inf");
		return;
	}
	for (int precision = 1; precision <= most; precision++) {
		long double again;

		snprintf(text, sizeof text, "%.*Lg", precision, number);
		again = strtold(text, NULL);
		if (most == 9 ? (float)again == (float)number
					  : (most == 17 ? (double)again == (double)number : again == number))
			break;
	}
	for (char *at = text; *at; at++)
		if (!strchr("0123456789+-e", *at))
			*at = '.';
	writer_add(&format->writer, "%s%s", text, strpbrk(text, ".e") ? "" : ".0");
}

/* Of 4, 8 or, if it is x87's, 16 bytes. */
static bool write_float_at(struct format *format, const uint8_t *bytes, uint64_t size,
						   bool extended)
{
	float narrow;
	double wide;
	long double widest = 0;

	switch (size) {
	case sizeof narrow:
		memcpy(&narrow, bytes, sizeof narrow);
		write_real(format, (long double)narrow, 9);
		return true;
	case sizeof wide:
		memcpy(&wide, bytes, sizeof wide);
		write_real(format, (long double)wide, 17);
		return true;
	case 16:
		if (!extended || LDBL_MANT_DIG != 64)
			return false;
		memcpy(&widest, bytes, 10);
		write_real(format, widest, 21);
		return true;
	default:
		return false;
	}
}

static void write_raw(struct format *format, const struct content *content)
{
	writer_add(&format->writer, "0x");
	for (size_t i = content->count < 32 ? content->count : 32; i-- > 0;)
		writer_add(&format->writer, "%02x", content->bytes[i]);
}

static void write_float(struct format *format, const struct content *content)
{
	const char *name = type_tag_name(&content->type);
	bool extended = name && strstr(name, "long double") != NULL;
	bool is_complex = type_encoding(&content->type) == DW_ATE_complex_float;
	uint64_t size = is_complex ? content->size / 2 : content->size;

	if (!write_float_at(format, content->bytes, size, extended)) {
		write_raw(format, content);
		return;
	}
	if (is_complex) {
		writer_add(&format->writer, " + ");
		(void)write_float_at(format, content->bytes + size, size, extended);
		writer_add(&format->writer, "i");
	}
}

static void write_character(struct format *format, const struct content *content)
{
	char character = (char)content->bytes[0];

	writer_add(&format->writer, "'");
	if (character == 0)
		writer_add(&format->writer, "\\0");
	else
		writer_text(&format->writer, &character, 1, '\'');
	writer_add(&format->writer, "'");
}

/* ---- Enumerations ------------------------------------------------------ */

struct enumeration {
	struct format *format;
	uint64_t value, left; /* left: bits that no name was written for */
	const char *name;     /* of exactly this value */
	bool flags;           /* each enumerator has one bit, or none */
	unsigned written;
};

static bool find_name(void *data, const char *name, int64_t value)
{
	struct enumeration *enumeration = data;

	if ((uint64_t)value == enumeration->value)
		enumeration->name = name;
	if ((value & (value - 1)) != 0)
		enumeration->flags = false;
	return !enumeration->name;
}

static bool write_flag(void *data, const char *name, int64_t value)
{
	struct enumeration *enumeration = data;

	if (value == 0 || !(enumeration->left & (uint64_t)value))
		return true;
	writer_add(&enumeration->format->writer, "%s", enumeration->written++ ? " | " : "");
	writer_text(&enumeration->format->writer, name, strlen(name), 0);
	enumeration->left &= ~(uint64_t)value;
	return enumeration->left != 0;
}

static void write_enumeration(struct format *format, const struct content *content)
{
	struct enumeration enumeration = {.format = format, .flags = true};

	if (!content_word(content, &enumeration.value))
		return;
	type_enumerators(&content->type, find_name, &enumeration);
	if (enumeration.name) {
		writer_text(&format->writer, enumeration.name, strlen(enumeration.name), 0);
		return;
	}
	enumeration.left = enumeration.value;
	if (enumeration.flags)
		type_enumerators(&content->type, write_flag, &enumeration);
	if (enumeration.written == 0)
		write_integer(format, content);
	else if (enumeration.left != 0)
		writer_add(&format->writer, " | 0x%" PRIx64, enumeration.left);
}

/* ---- Strings and addresses --------------------------------------------- */

static void write_address(struct format *format, uint64_t address)
{
	if (address == 0)
		writer_add(&format->writer, "NULL");
	else
		writer_add(&format->writer, "0x%" PRIx64, address);
}

static void write_error(struct format *format, int error)
{
	writer_add(&format->writer, " <%s>",
			   locals_reason_text(error == -ENODATA ? LOCALS_NOT_RECORDED : LOCALS_UNREADABLE));
}

/* Up to the format's number of characters of a string at an address. `length`: of the whole, if it
 * is known, and may hold zeros; else SIZE_MAX. */
static void write_string_at(struct format *format, uint64_t address, uint64_t length, char quote)
{
	char text[STRING_MOST + 1];
	size_t most =
		format->format->characters < STRING_MOST ? format->format->characters : STRING_MOST;
	size_t got;
	int error = 0;
	bool more;

	if (length == SIZE_MAX) {
		got = string_at(format->context->stack->memory, address, text, most + 1, &error);
	} else {
		got = length < most + 1 ? length : most + 1;
		error = memory_read(format->context->stack->memory, address, text, got);
		if (error < 0)
			got = 0;
	}
	if (error < 0 && got == 0) {
		write_address(format, address);
		write_error(format, error);
		return;
	}
	more = got > most || error < 0;
	writer_add(&format->writer, "%c", quote);
	writer_text(&format->writer, text, got < most ? got : most, quote);
	writer_add(&format->writer, "%c%s", quote, more ? "..." : "");
	if (error < 0)
		write_error(format, error);
}

static void write_string(struct format *format, const struct content *content)
{
	size_t most = format->format->characters, length, known = 0;
	uint64_t address;

	if (content->type.tag != DW_TAG_array_type) {
		if (!content_word(content, &address))
			write_reason(format, content);
		else if (address == 0)
			writer_add(&format->writer, "NULL");
		else
			write_string_at(format, address, SIZE_MAX, '"');
		return;
	}
	while (known < content->count && (!content->known || content->known[known]))
		known++;
	length = strnlen((const char *)content->bytes, known);
	writer_add(&format->writer, "\"");
	writer_text(&format->writer, (const char *)content->bytes, length < most ? length : most, '"');
	writer_add(&format->writer, "\"%s", length > most ? "..." : "");
	if (length == known && known < content->count)
		write_reason(format, content);
}

/* The name of the function that is at an address of the program. */
static void write_function(struct format *format, const struct content *content)
{
	struct locals *locals = format->context->locals;
	struct symbols_module mapped;
	struct module_place place;
	struct point *point;
	Dwarf_Die function;
	Dwarf_Addr entry;
	const char *name;
	uint64_t address;

	if (type_is_function(&content->type)) {
		address = content->address;
	} else if (!content_word(content, &address)) {
		write_reason(format, content);
		return;
	}
	point = address ? point_at(locals, address) : NULL;
	if (!point || !point->frame[0].frame.module) {
		write_address(format, address);
		return;
	}
	if (point->scope_count > 0) {
		function = point->scope[0];
		name = dwarf_diename(&function);
		if (name && dwarf_entrypc(&function, &entry) == 0) {
			writer_text(&format->writer, name, strlen(name), 0);
			if (entry != point->address)
				writer_add(&format->writer, "+0x%" PRIx64, point->address - entry);
			return;
		}
	}
	if (symbols_module_at(locals->symbols, address, &mapped) < 0 || !mapped.module ||
		module_place(mapped.module, address - mapped.bias, &place) < 0 || !place.function) {
		write_address(format, address);
		return;
	}
	writer_text(&format->writer, place.function, strlen(place.function), 0);
	if (place.offset > 0)
		writer_add(&format->writer, "+0x%" PRIx64, place.offset);
}

/* ---- Coroscope's own --------------------------------------------------- */

static const char *kind_name(unsigned kind)
{
	switch (kind) {
#define CORO__X(number, NAME, name)                                                                \
	case CORO_OBJECT_##NAME:                                                                       \
		return #name;
		CORO_OBJECT_KINDS(CORO__X)
#undef CORO__X
	default:
		return "object";
	}
}

static void write_object(struct format *format, const struct object *object)
{
	writer_add(&format->writer, "%s #%" PRIu64, kind_name(object->kind), object->serial);
	if (object->name[0]) {
		writer_add(&format->writer, " ");
		writer_text(&format->writer, object->name, strlen(object->name), 0);
	}
}

/* The string that member `name` of a structure points to. */
static bool member_string(struct format *format, const struct content *content, const char *name,
						  char *buffer, size_t room)
{
	struct content member;
	uint64_t address;
	int error;

	if (!content_named(format->context, content, name, &member) ||
		!content_word(&member, &address) || address == 0)
		return false;
	buffer[string_at(format->context->stack->memory, address, buffer, room - 1, &error)] = 0;
	return true;
}

/* "ValueError('bad port')", as far as it can be read. */
static void write_exception(struct format *format, uint64_t address)
{
	char name[SHORT], message[SHORT];
	struct content exception, type, target;
	struct type found;

	if (!dynamic_exception(format->context, &found)) {
		writer_add(&format->writer, "exception");
		return;
	}
	content_at(format->context, &found, address, &exception);
	if (!content_named(format->context, &exception, "type", &type) || !content_complete(&type)) {
		writer_add(&format->writer, "exception");
		write_error(format, exception.reason == LOCALS_NOT_RECORDED ? -ENODATA : -EFAULT);
		return;
	}
	content_target(format->context, &type, &target);
	if (!member_string(format, &target, "name", name, sizeof name))
		strcpy(name, "exception");
	writer_text(&format->writer, name, strlen(name), 0);
	writer_add(&format->writer, "(");
	if (member_string(format, &exception, "message", message, sizeof message) && message[0]) {
		writer_add(&format->writer, "'");
		writer_text(&format->writer, message, strlen(message), '\'');
		writer_add(&format->writer, "'");
	}
	writer_add(&format->writer, ")");
}

static void write_typed_pointer(struct format *format, const struct dynamic *value)
{
	uint64_t type = value->tag >> 8;
	char name[SHORT];
	int error;

	if (type == 0 ||
		string_at(format->context->stack->memory, type, name, sizeof name - 1, &error) == 0) {
		write_address(format, value->word);
		return;
	}
	name[strnlen(name, sizeof name - 1)] = 0;
	writer_add(&format->writer, "<");
	writer_text(&format->writer, name, strlen(name), 0);
	writer_add(&format->writer, " 0x%" PRIx64 ">", value->word);
}

static void write_dynamic(struct format *format, const struct content *content)
{
	struct dynamic value;
	struct object object;
	double real;

	if (!dynamic_read(format->context, content, &value)) {
		write_reason(format, content);
		return;
	}
	if (value.tag >> 4 & 1)
		writer_add(&format->writer, "raised ");
	switch (value.tag & 15) {
	case CORO_VALUE_ABSENT:
		writer_add(&format->writer, "absent");
		break;
	case CORO_VALUE_NONE:
		writer_add(&format->writer, "None");
		break;
	case CORO_VALUE_BOOL:
		writer_add(&format->writer, value.word ? "True" : "False");
		break;
	case CORO_VALUE_INT:
		writer_add(&format->writer, "%" PRId64, (int64_t)value.word);
		break;
	case CORO_VALUE_FLOAT:
		memcpy(&real, &value.word, sizeof real);
		write_real(format, (long double)real, 17);
		break;
	case CORO_VALUE_BYTES:
		writer_add(&format->writer, "b");
		/* fallthrough */
	case CORO_VALUE_STRING:
		write_string_at(format, value.word, value.tag >> 8, '\'');
		break;
	case CORO_VALUE_POINTER:
		write_typed_pointer(format, &value);
		break;
	case CORO_VALUE_OBJECT:
		/* The serial is the value's own: the object may be gone, or not be recorded. */
		if (!dynamic_object(format->context, &value, &object))
			object = (struct object){.serial = value.tag >> 8};
		write_object(format, &object);
		break;
	case CORO_VALUE_EXCEPTION:
		write_exception(format, value.word);
		break;
	default:
		writer_add(&format->writer, "<no coro_value: tag 0x%" PRIx64 ">", value.tag);
		break;
	}
}

static void write_pointer(struct format *format, const struct content *content)
{
	struct object object;
	uint64_t address;

	if (!content_word(content, &address)) {
		write_reason(format, content);
		return;
	}
	if (!object_at(format->context, &content->type, address, &object)) {
		write_address(format, address);
	} else if (object.freed) {
		write_address(format, address);
		writer_add(&format->writer, " <freed>");
	} else {
		write_object(format, &object);
	}
}

/* ---- Structures and arrays --------------------------------------------- */

static void write_members(struct format *format, const struct content *content, unsigned depth)
{
	struct member member = {0};
	unsigned count = 0;

	if (content->size == 0 && type_is_announced(&content->type)) {
		writer_add(&format->writer, "<incomplete type>");
		return;
	}
	writer_add(&format->writer, "{");
	while (!format->writer.full && type_next_member(format->context, &content->type, &member)) {
		struct arena_mark mark = arena_mark(format->context->arena);
		struct content part;

		writer_add(&format->writer, "%s", count ? ", " : "");
		if (count++ == format->format->elements) {
			writer_add(&format->writer, "...");
			break;
		}
		if (member.name) {
			writer_text(&format->writer, member.name, strlen(member.name), 0);
			writer_add(&format->writer, " = ");
		}
		content_member(format->context, content, &member, &part);
		write_content(format, &part, depth + 1);
		arena_return(format->context->arena, mark);
	}
	writer_add(&format->writer, "}");
}

static void write_elements(struct format *format, const struct content *content, unsigned depth)
{
	enum locals_reason reason;
	struct content missing;
	uint64_t count;

	if (content->flexible) {
		writer_add(&format->writer, "[...]");
		return;
	}
	reason = type_elements(format->context, &content->type, &count);
	if (reason != LOCALS_COMPLETE) {
		content_missing(&content->type, reason, &missing);
		write_reason(format, &missing);
		return;
	}
	writer_add(&format->writer, "[");
	for (uint64_t i = 0; i < count && !format->writer.full; i++) {
		struct arena_mark mark = arena_mark(format->context->arena);
		struct content element;

		writer_add(&format->writer, "%s", i ? ", " : "");
		if (i == format->format->elements || !context_spend(format->context, 1)) {
			writer_add(&format->writer, "...");
			break;
		}
		content_element(format->context, content, i, &element);
		write_content(format, &element, depth + 1);
		arena_return(format->context->arena, mark);
	}
	writer_add(&format->writer, "]");
}

static void write_content(struct format *format, const struct content *content, unsigned depth)
{
	enum locals_kind kind = content_kind(format->context, content);
	bool nested = kind == LOCALS_STRUCTURE || kind == LOCALS_UNION || kind == LOCALS_ARRAY;

	/* Of what is nested each part has its own reason. */
	if (nested && !content->bytes && !content->in_memory && content->size > 0) {
		write_reason(format, content);
		return;
	}
	if (nested && depth >= format->format->depth) {
		writer_add(&format->writer, kind == LOCALS_ARRAY ? "[...]" : "{...}");
		return;
	}
	if (kind == LOCALS_STRUCTURE || kind == LOCALS_UNION) {
		if (!content->bytes && content->size > 0)
			write_reason(format, content);
		else
			write_members(format, content, depth);
		return;
	}
	if (kind == LOCALS_ARRAY) {
		write_elements(format, content, depth);
		return;
	}
	if (kind == LOCALS_DYNAMIC) {
		write_dynamic(format, content);
		return;
	}
	if (kind == LOCALS_FUNCTION) {
		write_function(format, content);
		return;
	}
	if (!content->bytes || (content->known && kind != LOCALS_STRING)) {
		if (content->size == 0 && content->reason == LOCALS_COMPLETE)
			writer_add(&format->writer, content->type.tag == DW_TAG_array_type ? "\"\"" : "void");
		else
			write_reason(format, content);
		return;
	}
	switch (kind) {
	case LOCALS_INTEGER:
		write_integer(format, content);
		break;
	case LOCALS_CHARACTER:
		write_character(format, content);
		break;
	case LOCALS_BOOLEAN:
		writer_add(&format->writer,
				   content->bytes[0] > 1    ? "true (%u)"
				   : content->bytes[0] == 1 ? "true"
											: "false",
				   content->bytes[0]);
		break;
	case LOCALS_FLOAT:
		write_float(format, content);
		break;
	case LOCALS_ENUMERATION:
		write_enumeration(format, content);
		break;
	case LOCALS_STRING:
		write_string(format, content);
		break;
	case LOCALS_POINTER:
	case LOCALS_OBJECT:
		write_pointer(format, content);
		break;
	default:
		write_raw(format, content);
		break;
	}
}

size_t format_content(const struct context *context, const struct content *content,
					  const struct locals_format *format, char *buffer, size_t room)
{
	struct format writing = {.context = context, .format = format};

	if (room < 4) {
		if (room > 0)
			buffer[0] = 0;
		return 0;
	}
	writer_init(&writing.writer, buffer, room);
	write_content(&writing, content, 0);
	return writing.writer.length;
}
