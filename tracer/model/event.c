/*
 * event.c - the names of things, and one event out of the slots of a ring.
 *
 *     slot i      word: kind flags prev next ext lap cseq | clock | row peer | site value
 *     slot i+1    word: EXT                          lap  | 24 bytes  \
 *     ...                                                              > payload, ext slots
 *     slot i+ext  word: EXT                          lap  | 24 bytes  /
 *
 *     payload     [ bind, 24 bytes, if the flags say so ]
 *                 [ value header, 16 bytes, then `stored` bytes, if value is IN_EXT ]
 *
 * Slots come from memory that another process writes, so nothing is taken for granted:
 * an event is valid if and only if its payload slots are payload slots of the same lap
 * and hold what its flags and its value say that they hold. A payload may be longer than
 * that: a later minor version may have appended to it. Kinds that are not known are
 * decoded all the same; so are states, which the World judges.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <tracer/event.h>

struct kind_text {
	const char *name, *sentence;
};

static const struct kind_text kind_texts[CORO_EVENT_LIMIT] = {
#define CORO_EVENT(number, NAME, name, row, peer, value, before, after, sentence)                  \
	[number] = {#name, sentence},
#include <coroscope/trace_events.def>
#undef CORO_EVENT
};

#define NAME_ENTRY(number, NAME, name) [number] = #name,
static const char *const object_kind_names[CORO_OBJECT_LIMIT] = {CORO_OBJECT_KINDS(NAME_ENTRY)};
static const char *const state_names[CORO_STATE_LIMIT] = {CORO_STATES(NAME_ENTRY)};
static const char *const reason_names[CORO_REASON_LIMIT] = {CORO_REASONS(NAME_ENTRY)};
#undef NAME_ENTRY

const char *trace_event_name(unsigned kind)
{
	return kind < CORO_EVENT_LIMIT ? kind_texts[kind].name : NULL;
}

unsigned trace_event_kind(const char *name)
{
	for (unsigned kind = 1; kind < CORO_EVENT_LIMIT; kind++)
		if (kind_texts[kind].name && strcmp(kind_texts[kind].name, name) == 0)
			return kind;
	return 0;
}

const char *trace_event_sentence(unsigned kind)
{
	return kind < CORO_EVENT_LIMIT ? kind_texts[kind].sentence : NULL;
}

static const char *name_in(const char *const *names, unsigned limit, unsigned i)
{
	return i < limit && names[i] ? names[i] : "unknown";
}

bool trace_object_is_body(unsigned kind)
{
	return kind == CORO_OBJECT_GENERATOR || kind == CORO_OBJECT_COROUTINE ||
		   kind == CORO_OBJECT_ASYNC_GENERATOR || kind == CORO_OBJECT_GREENLET ||
		   kind == CORO_OBJECT_TASKLET;
}

const char *trace_object_kind_name(unsigned kind)
{
	return name_in(object_kind_names, CORO_OBJECT_LIMIT, kind);
}

const char *trace_state_name(unsigned state)
{
	return name_in(state_names, CORO_STATE_LIMIT, state);
}

const char *trace_reason_name(unsigned reason)
{
	return name_in(reason_names, CORO_REASON_LIMIT, reason);
}

/* The bytes that payload slots carry, as one piece. */
struct payload {
	uint8_t bytes[CORO_EXT_MAX * CORO_EXT_BYTES];
	size_t length, taken;
};

/* The next `length` bytes of the payload, or NULL when there are not so many. */
static const uint8_t *payload_take(struct payload *payload, size_t length)
{
	const uint8_t *bytes = payload->bytes + payload->taken;

	if (length > payload->length - payload->taken)
		return NULL;
	payload->taken += length;
	return bytes;
}

int trace_value_decode_small(uint32_t small, struct trace_value *ret)
{
	union {
		uint32_t bits;
		float real;
	} single = {.bits = small & ~15u};

	ret->integer = 0;
	switch (small & 15u) {
	case CORO_VALUE_ABSENT:
	case CORO_VALUE_NONE:
		break;
	case CORO_VALUE_BOOL:
		ret->integer = small >> 4 & 1;
		break;
	case CORO_VALUE_INT:
		ret->integer = (int32_t)small >> 4;
		break;
	case CORO_VALUE_FLOAT:
		ret->real = (double)single.real;
		break;
	case CORO_VALUE_OBJECT:
		ret->object = small >> 4;
		break;
	default:
		return -EBADMSG;
	}
	ret->kind = small & 15u;
	return 0;
}

/* A value that stands in the payload. */
static int decode_large(struct payload *payload, struct trace_value *ret)
{
	const uint8_t *bytes = payload_take(payload, sizeof(struct coro_trace_value));
	struct coro_trace_value header;

	if (!bytes)
		return -EBADMSG;
	memcpy(&header, bytes, sizeof(header));
	if (header.stored > CORO_TRACE_STORED_MAX)
		return -EBADMSG;
	bytes = payload_take(payload, header.stored);
	if (!bytes)
		return -EBADMSG;

	switch (header.kind) {
	case CORO_VALUE_ABSENT:
	case CORO_VALUE_NONE:
		break;
	case CORO_VALUE_BOOL:
		ret->integer = header.content != 0;
		break;
	case CORO_VALUE_INT:
		memcpy(&ret->integer, &header.content, sizeof(ret->integer));
		break;
	case CORO_VALUE_FLOAT:
		memcpy(&ret->real, &header.content, sizeof(ret->real));
		break;
	case CORO_VALUE_POINTER:
		ret->pointer = header.content;
		break;
	case CORO_VALUE_OBJECT:
		ret->object = header.content;
		break;
	case CORO_VALUE_STRING:
	case CORO_VALUE_BYTES:
	case CORO_VALUE_EXCEPTION:
		if (header.stored > header.content)
			return -EBADMSG;
		ret->length = header.content;
		ret->stored = header.stored;
		memcpy(ret->bytes, bytes, header.stored);
		break;
	default:
		return -EBADMSG;
	}
	ret->kind = header.kind;
	ret->type = header.type;
	return 0;
}

/* Whether a slot has the lap of its index; log2 < 0: not checked. */
static bool has_lap(uint64_t word, uint64_t index, int log2)
{
	return log2 < 0 || CORO_SLOT_LAP(word) == (((log2 < 64 ? index >> log2 : 0) + 1) & 15);
}

/* Collects the payload of the event whose first slot has index `index`. Each slot has the lap
 * of its own index: an event may go around the ring's end. */
static int gather_payload(const struct coro_trace_slot *slots, unsigned ext, uint64_t index,
						  int log2, struct payload *ret)
{
	for (unsigned i = 1; i <= ext; i++) {
		uint64_t word = slots[i].word;
		uint64_t expected = CORO_SLOT_WORD(CORO_EVENT_EXT, 0, 0, 0, 0, CORO_SLOT_LAP(word), 0);

		if (word != expected || !has_lap(word, index + i, log2))
			return -EBADMSG;
		memcpy(ret->bytes + (size_t)(i - 1) * CORO_EXT_BYTES,
			   (const uint8_t *)&slots[i] + offsetof(struct coro_trace_slot, clock),
			   CORO_EXT_BYTES);
	}
	ret->length = (size_t)ext * CORO_EXT_BYTES;
	ret->taken = 0;
	return 0;
}

int trace_event_decode(const struct coro_trace_slot *slots, unsigned count, uint32_t ring,
					   uint64_t index, int log2, struct trace_event *ret)
{
	struct payload payload;
	const uint8_t *bytes;
	unsigned ext;
	uint64_t word;
	int result;

	if (count == 0)
		return 0;
	word = slots[0].word;
	if (word == 0 || !has_lap(word, index, log2))
		return 0;
	if (CORO_SLOT_KIND(word) == 0 || CORO_SLOT_KIND(word) == CORO_EVENT_EXT ||
		CORO_SLOT_KIND(word) == CORO_EVENT_STACK)
		return -EBADMSG;
	ext = CORO_SLOT_EXT(word);
	result = gather_payload(slots, ext < count ? ext : count - 1, index, log2, &payload);
	if (result < 0)
		return result;
	if (ext >= count)
		return -EAGAIN;

	/* All but the bytes of a value, which are most of it. */
	memset(ret, 0, offsetof(struct trace_event, value.bytes));
	memset(&ret->bind, 0, sizeof(ret->bind));
	ret->clock = slots[0].clock;
	ret->index = index;
	ret->ring = ring;
	ret->kind = (uint8_t)CORO_SLOT_KIND(word);
	ret->flags = (uint8_t)CORO_SLOT_FLAGS(word);
	ret->prev = (uint8_t)CORO_SLOT_PREV(word);
	ret->next = (uint8_t)CORO_SLOT_NEXT(word);
	ret->cseq = CORO_SLOT_CSEQ(word);
	ret->co = slots[0].row;
	ret->peer = slots[0].peer;
	ret->site = slots[0].site;
	if (ret->flags & CORO_SLOT_BIND) {
		bytes = payload_take(&payload, sizeof(ret->bind));
		if (!bytes)
			return -EBADMSG;
		memcpy(&ret->bind, bytes, sizeof(ret->bind));
		ret->row = slots[0].row;
	}
	if ((slots[0].value & 15u) == CORO_VALUE_IN_EXT)
		result = decode_large(&payload, &ret->value);
	else
		result = trace_value_decode_small(slots[0].value, &ret->value);
	return result < 0 ? result : (int)ext + 1;
}
