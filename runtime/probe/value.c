/*
 * value.c - how a value is shown in an event: in 32 bits of the slot if it fits, else in
 * the payload, as a struct coro_trace_value and its first bytes.
 */
#include <string.h>
#include "private.h"

static uint32_t small(unsigned kind, uint32_t content)
{
	return kind | content << 4;
}

uint32_t coro__value_encode(const struct coro_probe_value *value, uint8_t *payload,
							unsigned *ret_bytes)
{
	struct coro_trace_value header = {.kind = value->kind};
	const void *bytes = NULL;

	*ret_bytes = 0;
	switch (value->kind) {
	case CORO_VALUE_ABSENT:
	case CORO_VALUE_NONE:
		return small(value->kind, 0);
	case CORO_VALUE_BOOL:
		return small(value->kind, value->integer != 0);
	case CORO_VALUE_INT:
		if (value->integer >= -(1 << 27) && value->integer < 1 << 27)
			return small(value->kind, (uint32_t)value->integer);
		header.content = (uint64_t)value->integer;
		break;
	case CORO_VALUE_FLOAT: {
		float narrow = (float)value->real;
		uint32_t bits;

		memcpy(&bits, &narrow, sizeof(bits));
		if ((double)narrow == value->real && !(bits & 15))
			return value->kind | bits;
		memcpy(&header.content, &value->real, sizeof(header.content));
		break;
	}
	case CORO_VALUE_OBJECT:
		if (value->row < 1u << 28)
			return small(value->kind, value->row);
		header.content = value->row;
		break;
	case CORO_VALUE_POINTER:
		header.content = (uintptr_t)value->pointer;
		header.type = coro__string(value->type);
		break;
	case CORO_VALUE_EXCEPTION:
		header.type = coro__string(value->type);
		/* fall through */
	case CORO_VALUE_STRING:
	case CORO_VALUE_BYTES:
		bytes = value->pointer;
		header.content = bytes ? value->length : 0;
		header.stored = header.content < CORO_TRACE_STORED_MAX ? (uint16_t)header.content
															   : CORO_TRACE_STORED_MAX;
		break;
	default: /* a kind of a later version: at least that it was there */
		header.content = (uint64_t)value->integer;
		break;
	}
	memcpy(payload, &header, sizeof(header));
	if (header.stored)
		memcpy(payload + sizeof(header), bytes, header.stored);
	*ret_bytes = sizeof(header) + header.stored;
	return CORO_VALUE_IN_EXT;
}
