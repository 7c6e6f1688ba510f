/*
 * value.c - values as text, and as events show them.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "body.h"

const char *coro_type_name(coro_value value)
{
	static const char *const names[] = {
		[CORO_VALUE_ABSENT] = "absent", [CORO_VALUE_NONE] = "NoneType",
		[CORO_VALUE_BOOL] = "bool",     [CORO_VALUE_INT] = "int",
		[CORO_VALUE_FLOAT] = "float",   [CORO_VALUE_STRING] = "str",
		[CORO_VALUE_BYTES] = "bytes",   [CORO_VALUE_POINTER] = "pointer",
		[CORO_VALUE_OBJECT] = "object", [CORO_VALUE_EXCEPTION] = "exception",
	};
	static const char *const objects[CORO_OBJECT_LIMIT] = {
		[CORO_OBJECT_GENERATOR] = "generator",
		[CORO_OBJECT_COROUTINE] = "coroutine",
		[CORO_OBJECT_ASYNC_GENERATOR] = "async_generator",
		[CORO_OBJECT_TASK] = "Task",
		[CORO_OBJECT_FUTURE] = "Future",
		[CORO_OBJECT_LOOP] = "Loop",
		[CORO_OBJECT_TIMER] = "TimerHandle",
		[CORO_OBJECT_DESCRIPTOR] = "Descriptor",
		[CORO_OBJECT_LOCK] = "Lock",
		[CORO_OBJECT_QUEUE] = "Queue",
		[CORO_OBJECT_EVENT] = "Event",
		[CORO_OBJECT_CONDITION] = "Condition",
		[CORO_OBJECT_SEMAPHORE] = "Semaphore",
		[CORO_OBJECT_BARRIER] = "Barrier",
		[CORO_OBJECT_CHANNEL] = "Channel",
		[CORO_OBJECT_GROUP] = "TaskGroup",
		[CORO_OBJECT_GREENLET] = "greenlet",
		[CORO_OBJECT_TASKLET] = "tasklet",
		[CORO_OBJECT_TIMEOUT] = "Timeout",
	};
	unsigned kind = coro_kind(value);

	if (kind == CORO_VALUE_EXCEPTION)
		return coro_exception_type(value)->name;
	if (kind == CORO_VALUE_POINTER && value.tag >> CORO__TAG_SHIFT)
		return (const char *)(uintptr_t)(value.tag >> CORO__TAG_SHIFT);
	if (kind == CORO_VALUE_OBJECT) {
		const struct coro_object *object = value.pointer;

		if (!coro__is_alive(value))
			return "freed object";
		if (object->kind == CORO_OBJECT_FUTURE && object->reason == CORO_REASON_GATHER)
			return "_GatheringFuture";
		return object->kind < CORO_OBJECT_LIMIT && objects[object->kind] ? objects[object->kind]
																		 : "object";
	}
	return kind < sizeof(names) / sizeof(*names) ? names[kind] : "?";
}

void coro__wrong_kind_at(coro_value value, enum coro_value_kind wanted, uintptr_t site)
{
	static const char *const names[] = {"absent",    "None",        "a bool", "an int",
										"a float",   "a str",       "bytes",  "a pointer",
										"an object", "an exception"};
	char text[160];

	coro_format(value, text, sizeof(text));
	coro__mistake(site, "%s is not %s", text, names[wanted % 10]);
}

void coro__wrong_kind(coro_value value, enum coro_value_kind wanted)
{
	coro__wrong_kind_at(value, wanted, CORO__CALLER);
}

struct coro_object *coro_as_object(coro_value value)
{
	return coro__handle(coro__object_of(value, CORO__CALLER));
}

enum coro_object_kind coro_object_kind(coro_value value)
{
	return (enum coro_object_kind)coro__object_of(value, CORO__CALLER)->kind;
}

static bool is_number(coro_value value)
{
	return coro_kind(value) == CORO_VALUE_BOOL || coro_kind(value) == CORO_VALUE_INT ||
		   coro_kind(value) == CORO_VALUE_FLOAT;
}

/* Exact: a double does not hold every integer of 64 bits. */
static bool equal_numbers(coro_value left, coro_value right)
{
	double real;

	if (coro_kind(left) != CORO_VALUE_FLOAT) {
		if (coro_kind(right) != CORO_VALUE_FLOAT)
			return left.integer == right.integer;
		return equal_numbers(right, left);
	}
	real = left.real;
	if (coro_kind(right) == CORO_VALUE_FLOAT)
		return real == right.real;
	return real >= -0x1p63 && real < 0x1p63 && (double)(int64_t)real == real &&
		   (int64_t)real == right.integer;
}

bool coro_truth(coro_value value)
{
	switch (coro_kind(value)) {
	case CORO_VALUE_ABSENT:
	case CORO_VALUE_NONE:
		return false;
	case CORO_VALUE_BOOL:
	case CORO_VALUE_INT:
		return value.integer;
	case CORO_VALUE_FLOAT:
		return value.real != 0;
	case CORO_VALUE_STRING:
	case CORO_VALUE_BYTES:
		return coro_length(value);
	default:
		return true;
	}
}

bool coro_equal(coro_value left, coro_value right)
{
	if (is_number(left) && is_number(right))
		return equal_numbers(left, right);
	if (coro_kind(left) != coro_kind(right))
		return false;
	switch (coro_kind(left)) {
	case CORO_VALUE_ABSENT:
	case CORO_VALUE_NONE:
		return true;
	case CORO_VALUE_STRING:
	case CORO_VALUE_BYTES:
		return coro_length(left) == coro_length(right) &&
			   (coro_length(left) == 0 ||
				memcmp(left.pointer, right.pointer, coro_length(left)) == 0);
	case CORO_VALUE_OBJECT:
		return left.pointer == right.pointer && left.tag == right.tag;
	default:
		return left.pointer == right.pointer;
	}
}

/* Text that is written as far as there is room, and measured whole. */
struct text {
	char *at;
	size_t room, length;
};

static void put(struct text *text, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++, text->length++)
		if (text->length + 1 < text->room)
			text->at[text->length] = bytes[i];
}

static void __attribute__((format(printf, 2, 3))) print(struct text *text, const char *format, ...)
{
	char line[512];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	if (length > 0)
		put(text, line, (size_t)length < sizeof(line) ? (size_t)length : sizeof(line) - 1);
}

/* One of UTF-8: how many bytes it has; 0: there is none. */
static size_t decode(const unsigned char *bytes, size_t length, uint32_t *ret_character)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t count = bytes[0] < 0xc0 ? 0 : bytes[0] < 0xe0 ? 2 : bytes[0] < 0xf0 ? 3 : 4;
	uint32_t character = bytes[0] & (0x7fu >> count);

	if (!count || bytes[0] > 0xf4 || count > length)
		return 0;
	for (size_t i = 1; i < count; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		character = character << 6 | (bytes[i] & 0x3f);
	}
	*ret_character = character;
	return character < least[count] || character > 0x10ffff ||
				   (character >= 0xd800 && character < 0xe000)
			   ? 0
			   : count;
}

/* A character beyond ASCII: how many bytes it took. A byte that is none is what Python's
 * surrogateescape makes of it. */
static size_t print_character(struct text *text, const char *bytes, size_t length)
{
	uint32_t character;
	size_t count = decode((const unsigned char *)bytes, length, &character);

	if (!count)
		print(text, "\\udc%02x", (unsigned char)*bytes);
	else if (coro__printable(character))
		put(text, bytes, count);
	else
		print(text,
			  character < 0x100     ? "\\x%02x"
			  : character < 0x10000 ? "\\u%04x"
									: "\\U%08x",
			  character);
	return count ? count : 1;
}

static void print_quoted(struct text *text, const char *bytes, size_t length, bool binary)
{
	bool single = length && memchr(bytes, '\'', length),
		 twice = length && memchr(bytes, '"', length);
	char quote = single && !twice ? '"' : '\'';

	put(text, &quote, 1);
	for (size_t i = 0; i < length; i++) {
		unsigned char byte = (unsigned char)bytes[i];

		if (byte == '\n')
			print(text, "\\n");
		else if (byte == '\t')
			print(text, "\\t");
		else if (byte == '\r')
			print(text, "\\r");
		else if (byte == '\\' || byte == (unsigned char)quote)
			print(text, "\\%c", byte);
		else if (byte < 32 || byte == 127 || (binary && byte > 127))
			print(text, "\\x%02x", byte);
		else if (byte < 128)
			put(text, bytes + i, 1);
		else
			i += print_character(text, bytes + i, length - i) - 1;
	}
	put(text, &quote, 1);
}

/* The shortest digits that read back as the same number, as repr() has it. */
static void print_float(struct text *text, double real)
{
	char digits[40], *e;

	if (isnan(real)) {
		print(text, "nan");
		return;
	}
	if (isinf(real)) {
		print(text, real < 0 ? "-inf" : "inf");
		return;
	}
	for (int precision = 1; precision <= 17; precision++) {
		snprintf(digits, sizeof(digits), "%.*e", precision - 1, real);
		if (strtod(digits, NULL) == real)
			break;
	}
	e = strchr(digits, 'e');

	int exponent = atoi(e + 1), decimals = (int)(e - digits) - (digits[0] == '-') - 2;

	if (decimals < 0)
		decimals = 0;
	if (exponent < -4 || exponent >= 16) {
		*e = 0;
		print(text, "%se%c%02d", digits, exponent < 0 ? '-' : '+', abs(exponent));
		return;
	}
	decimals = decimals > exponent ? decimals - exponent : 0;
	print(text, "%.*f", decimals ? decimals : 1, real);
}

static void print_value(struct text *text, coro_value value)
{
	size_t room = text->length < text->room ? text->room - text->length : 0;

	text->length += coro_format(value, room ? text->at + text->length : NULL, room);
}

/* What repr() of an exception has between the parentheses. */
static void print_arguments(struct text *text, coro_value exception)
{
	coro_value argument = coro_exception_value(exception);
	const char *message = coro_message(exception);
	size_t count = coro_group_count(exception);
	char prefix[32];

	if (coro_is(exception, CORO_OSError) && coro_kind(argument) == CORO_VALUE_INT) {
		int length = snprintf(prefix, sizeof(prefix), "[Errno %lld] ", (long long)argument.integer);

		print_value(text, argument);
		put(text, ", ", 2);
		message += strncmp(message, prefix, (size_t)length) == 0 ? length : 0;
		print_quoted(text, message, strlen(message), false);
	} else if (!coro_is_none(argument)) {
		print_value(text, argument);
	} else if (*message) {
		print_quoted(text, message, strlen(message), false);
	}
	if (!count)
		return;
	for (size_t i = 0; i < count; i++) {
		put(text, i ? ", " : ", [", i ? 2 : 3);
		print_value(text, coro_group_at(exception, i));
	}
	put(text, "]", 1);
}

size_t coro_format(coro_value value, char *buffer, size_t size)
{
	struct text text = {buffer, size, 0};
	const struct coro_object *object;

	switch (coro_kind(value)) {
	case CORO_VALUE_BOOL:
		print(&text, value.integer ? "True" : "False");
		break;
	case CORO_VALUE_INT:
		print(&text, "%lld", (long long)value.integer);
		break;
	case CORO_VALUE_FLOAT:
		print_float(&text, value.real);
		break;
	case CORO_VALUE_BYTES:
		put(&text, "b", 1);
		print_quoted(&text, value.pointer, coro_length(value), true);
		break;
	case CORO_VALUE_STRING:
		print_quoted(&text, value.pointer, coro_length(value), false);
		break;
	case CORO_VALUE_POINTER:
		print(&text, "<%s at %p>", coro_type_name(value), value.pointer);
		break;
	case CORO_VALUE_OBJECT:
		object = value.pointer;
		if (!coro__is_alive(value)) {
			print(&text, "<freed object #%llu>",
				  (unsigned long long)(value.tag >> CORO__TAG_SHIFT));
			break;
		}
		print(&text, "<%s ", coro_type_name(value));
		if (object->name)
			print(&text, "%s ", object->name);
		print(&text, "#%llu>", (unsigned long long)object->serial);
		break;
	case CORO_VALUE_EXCEPTION:
		print(&text, "%s(", coro_exception_type(value)->name);
		print_arguments(&text, value);
		put(&text, ")", 1);
		break;
	default:
		print(&text, "None");
	}
	if (size)
		buffer[text.length < size ? text.length : size - 1] = 0;
	return text.length;
}

struct coro_probe_value coro__probe_value(coro_value value)
{
	struct coro_probe_value seen = {.kind = (uint8_t)coro_kind(value)};

	switch (coro_kind(value)) {
	case CORO_VALUE_BOOL:
	case CORO_VALUE_INT:
		seen.integer = value.integer;
		break;
	case CORO_VALUE_FLOAT:
		seen.real = value.real;
		break;
	case CORO_VALUE_STRING:
	case CORO_VALUE_BYTES:
		seen.pointer = value.pointer;
		seen.length = coro_length(value);
		break;
	case CORO_VALUE_POINTER:
		seen.pointer = value.pointer;
		seen.type = (const char *)(uintptr_t)(value.tag >> CORO__TAG_SHIFT);
		break;
	case CORO_VALUE_OBJECT:
		if (coro__is_alive(value))
			seen.row = ((const struct coro_object *)value.pointer)->row;
		break;
	case CORO_VALUE_EXCEPTION:
		seen.type = coro_exception_type(value)->name;
		seen.pointer = coro_message(value);
		seen.length = strlen(seen.pointer);
		break;
	default:
		break;
	}
	return seen;
}

void coro__emit_value(struct coro_object *object, unsigned kind, unsigned next_state, uint32_t peer,
					  uintptr_t site, coro_value value)
{
	struct coro_probe_value seen = coro__probe_value(value);

	coro__probe_emit(object, coro__probe_what(kind, next_state), peer, (uint32_t)site, &seen);
}
