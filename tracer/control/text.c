/*
 * text.c - strings that grow, and how objects, waits and events read.
 *
 * An event's line has the same four parts for every kind:
 *
 *     jobs #3  queue_put 5 by producer #6  producer_consumer.c:31
 *     who      kind      value  peer       where
 *
 * and a table says which of value and peer a kind shows, and with which word.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tracer/text.h>
#include "text_private.h"

/* ---- Strings that grow ------------------------------------------------- */

void text_done(struct text *text)
{
	free(text->data);
	*text = (struct text){0};
}

void text_clear(struct text *text)
{
	text->length = 0;
	if (text->data)
		text->data[0] = 0;
}

const char *text_string(const struct text *text)
{
	return text->data ? text->data : "";
}

/* Room for `length` more bytes and the 0. When memory is out, the text stays as it is. */
static bool reserve(struct text *text, size_t length)
{
	size_t room = text->room ? text->room : 64;
	char *data;

	if (length >= SIZE_MAX / 4 - text->length)
		return false;
	while (room <= text->length + length)
		room *= 2;
	if (room == text->room)
		return true;
	data = realloc(text->data, room);
	if (!data)
		return false;
	text->data = data;
	text->room = room;
	return true;
}

static void add_bytes(struct text *text, const char *bytes, size_t length)
{
	if (!reserve(text, length))
		return;
	memcpy(text->data + text->length, bytes, length);
	text->length += length;
	text->data[text->length] = 0;
}

void text_add(struct text *text, const char *format, ...)
{
	va_list list;
	int length;

	va_start(list, format);
	length = vsnprintf(NULL, 0, format, list);
	va_end(list);
	if (length < 0 || !reserve(text, (size_t)length))
		return;
	va_start(list, format);
	vsnprintf(text->data + text->length, (size_t)length + 1, format, list);
	va_end(list);
	text->length += (size_t)length;
}

/* ---- Characters -------------------------------------------------------- */

size_t text_decode(const char *bytes, size_t length, uint32_t *ret)
{
	const unsigned char *b = (const unsigned char *)bytes;
	uint32_t character, least;
	size_t size;

	if (b[0] < 0x80) {
		*ret = b[0];
		return 1;
	}
	if (b[0] >= 0xc2 && b[0] < 0xe0) {
		size = 2;
		least = 0x80;
		character = b[0] & 0x1f;
	} else if (b[0] >= 0xe0 && b[0] < 0xf0) {
		size = 3;
		least = 0x800;
		character = b[0] & 0x0f;
	} else if (b[0] >= 0xf0 && b[0] < 0xf5) {
		size = 4;
		least = 0x10000;
		character = b[0] & 0x07;
	} else {
		return 0;
	}
	if (size > length)
		return 0;
	for (size_t i = 1; i < size; i++) {
		if ((b[i] & 0xc0) != 0x80)
			return 0;
		character = character << 6 | (b[i] & 0x3f);
	}
	if (character < least || character > 0x10ffff || (character >= 0xd800 && character < 0xe000))
		return 0;
	*ret = character;
	return size;
}

void text_add_utf8(struct text *text, const char *bytes, size_t length)
{
	while (length) {
		size_t good = 0, one;
		uint32_t character;

		while (good < length && bytes[good] &&
			   (one = text_decode(bytes + good, length - good, &character)) > 0)
			good += one;
		add_bytes(text, bytes, good);
		bytes += good;
		length -= good;
		if (length) {
			add_bytes(text, "\xef\xbf\xbd", 3);
			bytes++;
			length--;
		}
	}
}

size_t text_unfinished(const char *bytes, size_t length)
{
	for (size_t back = 1; back <= 3 && back <= length; back++) {
		unsigned char byte = (unsigned char)bytes[length - back];

		if ((byte & 0xc0) == 0x80)
			continue;
		return byte >= (back == 3 ? 0xf0 : back == 2 ? 0xe0 : 0xc2) && byte < 0xf5 ? back : 0;
	}
	return 0;
}

struct range {
	uint32_t first, last;
};

static bool is_in(const struct range *ranges, size_t count, uint32_t character)
{
	for (size_t i = 0; i < count && ranges[i].first <= character; i++)
		if (character <= ranges[i].last)
			return true;
	return false;
}

#define IS_IN(ranges, character) is_in(ranges, sizeof(ranges) / sizeof(ranges[0]), character)

bool text_is_printable(uint32_t character)
{
	/* Controls, separators other than the blank, format characters, surrogates, private use,
	 * and code points that are no characters. */
	static const struct range hidden[] = {
		{0x0000, 0x001f},   {0x007f, 0x00a0},   {0x00ad, 0x00ad},   {0x0600, 0x0605},
		{0x061c, 0x061c},   {0x06dd, 0x06dd},   {0x070f, 0x070f},   {0x1680, 0x1680},
		{0x180e, 0x180e},   {0x2000, 0x200f},   {0x2028, 0x202f},   {0x205f, 0x206f},
		{0x3000, 0x3000},   {0xd800, 0xf8ff},   {0xfdd0, 0xfdef},   {0xfeff, 0xfeff},
		{0xfff0, 0xfffb},   {0xfffe, 0xffff},   {0x110bd, 0x110bd}, {0x110cd, 0x110cd},
		{0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe00ff}, {0xe01f0, 0x10ffff},
	};

	return !IS_IN(hidden, character);
}

/* Columns of a printable character on a terminal. */
static unsigned columns_of(uint32_t character)
{
	static const struct range none[] = {
		{0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x064b, 0x065f}, {0x1ab0, 0x1aff},
		{0x1dc0, 0x1dff}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xe0100, 0xe01ef},
	};
	static const struct range wide[] = {
		{0x1100, 0x115f},   {0x231a, 0x231b},   {0x2e80, 0x303e},   {0x3041, 0x33ff},
		{0x3400, 0x4dbf},   {0x4e00, 0xa4cf},   {0xa960, 0xa97f},   {0xac00, 0xd7a3},
		{0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},
		{0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd},
	};

	return IS_IN(none, character) ? 0 : IS_IN(wide, character) ? 2 : 1;
}

size_t text_columns(const char *bytes, size_t length)
{
	size_t columns = 0, size;
	uint32_t character;

	for (size_t i = 0; i < length; i += size) {
		size = text_decode(bytes + i, length - i, &character);
		columns += size ? columns_of(character) : 4;
		size = size ? size : 1;
	}
	return columns;
}

void text_add_filtered(struct text *text, const char *bytes, size_t length)
{
	size_t size;
	uint32_t character;

	for (size_t i = 0; i < length; i += size) {
		size = text_decode(bytes + i, length - i, &character);
		if (size && text_is_printable(character)) {
			add_bytes(text, bytes + i, size);
			continue;
		}
		size = size ? size : 1;
		for (size_t k = 0; k < size; k++)
			text_add(text, "\\x%02x", (unsigned char)bytes[i + k]);
	}
}

void text_add_json(struct text *text, const char *json)
{
	size_t length = strlen(json), size;
	uint32_t character;

	for (size_t i = 0; i < length; i += size) {
		size = text_decode(json + i, length - i, &character);
		if (!size) {
			text_add(text, "\\ufffd");
			size = 1;
		} else if (text_is_printable(character)) {
			add_bytes(text, json + i, size);
		} else if (character < 0x10000) {
			text_add(text, "\\u%04x", character);
		} else {
			text_add(text, "\\u%04x\\u%04x", 0xd7c0 + (character >> 10),
					 0xdc00 + (character & 0x3ff));
		}
	}
}

/* A string of the trace; `otherwise` where there is none. */
static void add_string(struct text *text, struct session *session, uint32_t id,
					   const char *otherwise)
{
	const char *string = id ? trace_string(session_trace(session), id) : NULL;

	if (string && string[0])
		text_add_filtered(text, string, strlen(string));
	else
		text_add(text, "%s", otherwise);
}

/* ---- Objects ----------------------------------------------------------- */

void text_add_duration(struct text *text, int64_t ns)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {{"s", 1000000000}, {"ms", 1000000}, {"us", 1000}, {"ns", 1}};
	uint64_t size = ns < 0 ? -(uint64_t)ns : (uint64_t)ns, unit, step;
	unsigned i = 0, digits;
	char part[8];

	while (i < 3 && size < units[i].ns)
		i++;
	unit = units[i].ns;
	digits = unit == 1 || size >= 100 * unit ? 0 : size >= 10 * unit ? 1 : 2;
	step = digits == 0 ? unit : digits == 1 ? unit / 10 : unit / 100;
	size = (size + step / 2) / step * step;
	if (i > 0 && size >= 1000 * unit)
		unit = units[--i].ns;
	text_add(text, "%s%" PRIu64, ns < 0 ? "-" : "", size / unit);
	snprintf(part, sizeof(part), "%0*u", (int)digits, (unsigned)(size % unit / step % 100));
	while (digits && part[digits - 1] == '0')
		part[--digits] = 0;
	text_add(text, "%s%.*s %s", digits ? "." : "", (int)digits, part, units[i].name);
}

/* "internal #4", from a name, else a kind, else the serial alone. */
static void add_who(struct text *text, struct session *session, uint64_t serial, uint32_t name,
					unsigned kind)
{
	const char *otherwise = kind ? trace_object_kind_name(kind) : "";
	size_t before = text->length;

	add_string(text, session, name, otherwise);
	text_add(text, text->length > before ? " #%" PRIu64 : "#%" PRIu64, serial);
}

void text_add_object(struct text *text, struct session *session, uint64_t serial)
{
	const struct world_object *object = world_find(session_world(session), serial);

	add_who(text, session, serial, object ? object->name : 0, object ? object->kind : 0);
}

/* What an event calls an object; false: it does not speak of it. */
static bool calls(const struct trace_event *event, uint64_t serial, uint32_t *ret_name,
				  unsigned *ret_kind)
{
	if (event->co == serial) {
		*ret_name = event->name;
		*ret_kind = event->object_kind;
	} else if (event->peer == serial) {
		*ret_name = event->peer_name;
		*ret_kind = event->peer_kind;
	} else if (event->value.kind == CORO_VALUE_OBJECT && event->value.object == serial) {
		*ret_name = event->value.type;
		*ret_kind = event->value.object_kind;
	} else {
		return false;
	}
	return *ret_name || *ret_kind;
}

/* The call that is nearest to event n, backward first. */
static void find_called(struct session *session, uint64_t serial, uint64_t n, uint32_t *ret_name,
						unsigned *ret_kind)
{
	enum { NEAR = 256 };
	struct trace *trace = session_trace(session);
	struct trace_event event;

	for (uint64_t i = n, left = NEAR; i && left && trace_event(trace, i, &event) == 0; i--, left--)
		if (calls(&event, serial, ret_name, ret_kind))
			return;
	for (uint64_t i = n + 1, left = NEAR; left && trace_event(trace, i, &event) == 0; i++, left--)
		if (calls(&event, serial, ret_name, ret_kind))
			return;
	*ret_name = 0;
	*ret_kind = 0;
}

void text_add_object_near(struct text *text, struct session *session, uint64_t serial, uint64_t n)
{
	unsigned kind;
	uint32_t name;

	if (world_find(session_world(session), serial)) {
		text_add_object(text, session, serial);
		return;
	}
	find_called(session, serial, n, &name, &kind);
	add_who(text, session, serial, name, kind);
}

void text_add_name(struct text *text, struct session *session, const struct world_object *object)
{
	add_string(text, session, object->name,
			   object->kind ? trace_object_kind_name(object->kind) : "object");
}

/* " 1/3": how many of its children are done. */
static void add_progress(struct text *text, struct session *session,
						 const struct world_object *object)
{
	const struct world *world = session_world(session);
	size_t count = world_children(world, object->serial, NULL, 0), over = 0;
	uint64_t *children = NULL;

	/* Of so many it takes too long to ask each. */
	if (count > COUNTED_MOST)
		text_add(text, " of %zu", count);
	else if (count > 0)
		children = malloc(count * sizeof(children[0]));
	if (!children)
		return;
	world_children(world, object->serial, children, count);
	for (size_t i = 0; i < count; i++)
		over += world_is_over(world, children[i]);
	text_add(text, " %zu/%zu", over, count);
	free(children);
}

/* " receive jobs, send results": the cases of a select. */
static void add_cases(struct text *text, struct session *session, const struct world_object *future)
{
	enum { MOST = 63 };
	const struct world *world = session_world(session);
	uint64_t channels[MOST];
	size_t count = world_children(world, future->serial, channels, MOST);

	for (size_t i = 0; i < count && i < MOST; i++) {
		const struct world_object *channel = world_find(world, channels[i]);

		text_add(text, "%s %s ", i ? "," : "",
				 trace_reason_name(future->number >> i & 1 ? CORO_REASON_CHANNEL_SEND
														   : CORO_REASON_CHANNEL_RECEIVE));
		if (channel && channel->name)
			text_add_name(text, session, channel);
		else
			text_add(text, "#%" PRIu64, channels[i]);
	}
	if (count > MOST)
		text_add(text, ", %zu more", count - MOST);
}

/* What a future is for: its reason, and what that is about. */
static void add_reason(struct text *text, struct session *session,
					   const struct world_object *future)
{
	const struct world_object *about = world_find(session_world(session), future->waits_on);

	if (future->reason == CORO_REASON_NONE) {
		text_add_object(text, session, future->serial);
		return;
	}
	text_add(text, "%s", trace_reason_name(future->reason));
	switch (future->reason) {
	case CORO_REASON_TIMER:
		if (future->number > 0) {
			text_add(text, " ");
			text_add_duration(text, future->number);
		}
		break;
	case CORO_REASON_READABLE:
	case CORO_REASON_WRITABLE:
		if (about && about->kind == CORO_OBJECT_DESCRIPTOR)
			text_add(text, " fd %" PRId64, about->number);
		else
			text_add(text, " fd %" PRId64, future->number);
		break;
	case CORO_REASON_GATHER:
		add_progress(text, session, future);
		break;
	case CORO_REASON_SELECT:
		add_cases(text, session, future);
		break;
	default:
		if (!future->waits_on) {
			add_progress(text, session, future);
			break;
		}
		text_add(text, " ");
		if (about && about->name)
			text_add_name(text, session, about);
		else
			text_add(text, "#%" PRIu64, future->waits_on);
		if (about && about->kind == CORO_OBJECT_GROUP)
			add_progress(text, session, about);
		break;
	}
}

void text_add_wait(struct text *text, struct session *session, const struct world_object *object)
{
	const struct world *world = session_world(session);
	const struct world_object *awaited;
	uint64_t serial;

	if (object->kind == CORO_OBJECT_FUTURE) {
		if (object->state == CORO_STATE_PENDING && object->reason != CORO_REASON_NONE)
			add_reason(text, session, object);
		return;
	}
	if (object->kind == CORO_OBJECT_TIMER || world_state(world, object) != CORO_STATE_SUSPENDED)
		return;
	serial = world_waits_on(world, object);
	if (!serial)
		return;
	awaited = world_find(world, serial);
	if (awaited && awaited->kind == CORO_OBJECT_FUTURE)
		add_reason(text, session, awaited);
	else
		text_add_object(text, session, serial);
}

/* ---- Events ------------------------------------------------------------ */

/* How a kind shows its value and its peer. */
struct phrase {
	enum {
		VALUE_PLAIN,
		VALUE_DURATION,
		VALUE_DUE,
		VALUE_READINESS,
		VALUE_DESCRIPTOR,
		VALUE_RAN,
		VALUE_PHASE
	} value;
	const char *peer; /* word before the peer; "": none; NULL: it is not shown */
	const char *unit; /* word after a plain number; NULL: none */
};

static const struct phrase phrases[CORO_EVENT_LIMIT] = {
	[CORO_EVENT_CREATE] = {VALUE_PLAIN, "by", NULL},
	[CORO_EVENT_NEXT] = {VALUE_PLAIN, "by", NULL},
	[CORO_EVENT_SEND] = {VALUE_PLAIN, "by", NULL},
	[CORO_EVENT_THROW] = {VALUE_PLAIN, "by", NULL},
	[CORO_EVENT_CLOSE] = {VALUE_PLAIN, "by", NULL},
	[CORO_EVENT_DELEGATE] = {VALUE_PLAIN, "to", NULL},
	[CORO_EVENT_UNDELEGATE] = {VALUE_PLAIN, "from", NULL},
	[CORO_EVENT_SPAWN] = {VALUE_PLAIN, "for", NULL},
	[CORO_EVENT_READY] = {VALUE_PLAIN, "by", NULL},
	[CORO_EVENT_AWAIT] = {VALUE_PLAIN, "", NULL},
	[CORO_EVENT_WAKE] = {VALUE_PLAIN, "by", NULL},
	[CORO_EVENT_CANCEL] = {VALUE_PLAIN, "by", NULL},
	[CORO_EVENT_FUTURE_NEW] = {VALUE_PLAIN, "for", NULL},
	[CORO_EVENT_FUTURE_SET] = {VALUE_PLAIN, "by", NULL},
	[CORO_EVENT_AWAIT_CHILD] = {VALUE_PLAIN, "", NULL},
	[CORO_EVENT_CALLBACK] = {VALUE_PLAIN, "of", NULL},
	[CORO_EVENT_SELECT] = {VALUE_DURATION, NULL, NULL},
	[CORO_EVENT_TURN_END] = {VALUE_RAN, NULL, NULL},
	[CORO_EVENT_TIMER_SET] = {VALUE_DUE, "for", NULL},
	[CORO_EVENT_IO_REGISTER] = {VALUE_DESCRIPTOR, NULL, NULL},
	[CORO_EVENT_IO_READY] = {VALUE_READINESS, NULL, NULL},
	[CORO_EVENT_LOCK_WAIT] = {VALUE_PLAIN, "by", NULL},
	[CORO_EVENT_LOCK_ACQUIRE] = {VALUE_PLAIN, "by", NULL},
	[CORO_EVENT_LOCK_RELEASE] = {VALUE_PLAIN, "by", NULL},
	[CORO_EVENT_QUEUE_PUT] = {VALUE_PLAIN, "by", NULL},
	[CORO_EVENT_QUEUE_GET] = {VALUE_PLAIN, "by", NULL},
	[CORO_EVENT_CHANNEL_SEND] = {VALUE_PLAIN, "by", NULL},
	[CORO_EVENT_CHANNEL_RECV] = {VALUE_PLAIN, "by", NULL},
	[CORO_EVENT_CHANNEL_CLOSE] = {VALUE_PLAIN, "by", NULL},
	[CORO_EVENT_CHANNEL_WAIT] = {VALUE_PLAIN, "at", NULL},
	[CORO_EVENT_CHANNEL_OPEN] = {VALUE_PLAIN, "by", NULL},
	[CORO_EVENT_GREENLET_LEAVE] = {VALUE_PLAIN, "for", NULL},
	[CORO_EVENT_GREENLET_ENTER] = {VALUE_PLAIN, "by", NULL},
	[CORO_EVENT_GREENLET_PARENT] = {VALUE_PLAIN, "", NULL},
	[CORO_EVENT_QUEUE_TASK_DONE] = {VALUE_PLAIN, "by", "left"},
	[CORO_EVENT_QUEUE_SHUTDOWN] = {VALUE_PLAIN, "by", "dropped"},
	[CORO_EVENT_EVENT_SET] = {VALUE_PLAIN, "by", NULL},
	[CORO_EVENT_EVENT_CLEAR] = {VALUE_PLAIN, "by", NULL},
	[CORO_EVENT_SYNC_WAIT] = {VALUE_PLAIN, "by", NULL},
	[CORO_EVENT_SYNC_WAKE] = {VALUE_PLAIN, "of", NULL},
	[CORO_EVENT_SYNC_ACQUIRE] = {VALUE_PLAIN, "by", "free"},
	[CORO_EVENT_SYNC_RELEASE] = {VALUE_PLAIN, "by", "free"},
	[CORO_EVENT_BARRIER_PHASE] = {VALUE_PHASE, "by", NULL},
	[CORO_EVENT_GROUP_ENTER] = {VALUE_PLAIN, "by", NULL},
	[CORO_EVENT_GROUP_ADD] = {VALUE_PLAIN, "", NULL},
	[CORO_EVENT_GROUP_DONE] = {VALUE_PLAIN, "", NULL},
	[CORO_EVENT_GROUP_ABORT] = {VALUE_PLAIN, "by", NULL},
	[CORO_EVENT_TIMEOUT_RESCHEDULE] = {VALUE_DUE, "by", NULL},
	[CORO_EVENT_TIMEOUT_EXPIRE] = {VALUE_PLAIN, "of", NULL},
};

/* A future's reason, with how long it sleeps or, where no descriptor is named, which one. */
static void add_new_future(struct text *text, const struct trace_event *event)
{
	bool integer = event->value.kind == CORO_VALUE_INT;

	if (event->bind.reason == CORO_REASON_NONE)
		return;
	text_add(text, " %s", trace_reason_name(event->bind.reason));
	if (!integer)
		return;
	if (event->bind.reason == CORO_REASON_TIMER) {
		text_add(text, " ");
		text_add_duration(text, event->value.integer);
	} else if (!event->peer) {
		text_add(text, " fd %" PRId64, event->value.integer);
	}
}

static void add_event_value(struct text *text, struct session *session,
							const struct trace_event *event, const struct phrase *phrase)
{
	static const char *const readiness[] = {"nothing", "readable", "writable",
											"readable, writable"};
	static const char *const phases[] = {"filling", "draining", "resetting", "broken"};
	const struct trace_value *value = &event->value;
	bool integer = value->kind == CORO_VALUE_INT;

	if (event->kind == CORO_EVENT_FUTURE_NEW && event->flags & CORO_SLOT_BIND) {
		add_new_future(text, event);
		return;
	}
	if (value->kind == CORO_VALUE_ABSENT)
		return;
	if (phrase->value == VALUE_DURATION && value->kind == CORO_VALUE_NONE) {
		text_add(text, " for ever");
		return;
	}
	text_add(text, " ");
	if (phrase->value == VALUE_DURATION && integer) {
		text_add_duration(text, value->integer);
	} else if (integer &&
			   (phrase->value == VALUE_DUE ||
				(event->kind == CORO_EVENT_CREATE && event->object_kind == CORO_OBJECT_TIMEOUT))) {
		text_add(text, "due ");
		text_add_duration(text, value->integer);
	} else if (phrase->value == VALUE_DESCRIPTOR && integer) {
		text_add(text, "fd %" PRId64, value->integer);
	} else if (phrase->value == VALUE_RAN && integer) {
		text_add(text, "ran %" PRId64, value->integer);
	} else if (phrase->value == VALUE_PHASE && integer) {
		text_add(text, "%s", phases[value->integer & 3]);
	} else if (phrase->value == VALUE_READINESS && integer) {
		text_add(text, "%s", readiness[value->integer & 3]);
	} else {
		text_add_value(text, session, value, 60);
		if (phrase->unit && integer)
			text_add(text, " %s", phrase->unit);
	}
}

void text_add_event(struct text *text, struct session *session, const struct trace_event *event)
{
	static const struct phrase plain = {VALUE_PLAIN, NULL, NULL};
	const struct phrase *phrase = event->kind < CORO_EVENT_LIMIT ? &phrases[event->kind] : &plain;
	const char *name = trace_event_name(event->kind), *site;

	add_who(text, session, event->co, event->name, event->object_kind);
	if (name)
		text_add(text, "  %s", name);
	else
		text_add(text, "  kind %u", event->kind);
	add_event_value(text, session, event, phrase);
	if (phrase->peer && event->peer) {
		text_add(text, phrase->peer[0] ? " %s " : "%s ", phrase->peer);
		add_who(text, session, event->peer, event->peer_name, event->peer_kind);
	}
	if (!event->site)
		return;
	site = symbols_text(session_symbols(session), event->site, event->flags & CORO_SLOT_FILELINE);
	if (site && site[0]) {
		text_add(text, "  ");
		text_add_filtered(text, site, strlen(site));
	}
}
