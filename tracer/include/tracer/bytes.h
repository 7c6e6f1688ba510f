#ifndef TRACER_BYTES_H
#define TRACER_BYTES_H
/*
 * bytes.h - writing numbers into bytes that grow, and reading them from bytes that may lie.
 *
 * Neither side checks each step: a writer that ran out of memory and a reader that ran out
 * of bytes remember it, do nothing more, and are asked once, at the end.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Bytes that grow at the end. All zero is an empty one. */
struct bytes {
	uint8_t *data; /* owned */
	size_t length, room;
	bool failed; /* out of memory: the content is not complete */
};

static inline void bytes_done(struct bytes *bytes)
{
	free(bytes->data);
	*bytes = (struct bytes){0};
}

static inline void bytes_clear(struct bytes *bytes)
{
	bytes->length = 0;
	bytes->failed = false;
}

/* Makes room for `more` bytes; false when there is none. */
static inline bool bytes_reserve(struct bytes *bytes, size_t more)
{
	size_t room = bytes->room ? bytes->room : 256;
	uint8_t *data;

	if (bytes->failed)
		return false;
	if (more <= bytes->room - bytes->length)
		return true;
	while (room - bytes->length < more && room <= SIZE_MAX / 2)
		room *= 2;
	data = room - bytes->length < more ? NULL : realloc(bytes->data, room);
	if (!data) {
		bytes->failed = true;
		return false;
	}
	bytes->data = data;
	bytes->room = room;
	return true;
}

static inline void bytes_put(struct bytes *bytes, const void *data, size_t length)
{
	if (length && bytes_reserve(bytes, length)) {
		memcpy(bytes->data + bytes->length, data, length);
		bytes->length += length;
	}
}

static inline void bytes_put_u8(struct bytes *bytes, uint8_t value)
{
	if (bytes_reserve(bytes, 1))
		bytes->data[bytes->length++] = value;
}

/* The low `size` bytes of a number. */
static inline void bytes_put_fixed(struct bytes *bytes, uint64_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		bytes_put_u8(bytes, (uint8_t)(value >> 8 * i));
}

/* Writes at a place that has room for VARINT_MOST bytes, and returns the one behind. */
#define VARINT_MOST 10
static inline uint8_t *put_varint(uint8_t *at, uint64_t value)
{
	for (; value >= 128; value >>= 7)
		*at++ = (uint8_t)(value | 128);
	*at++ = (uint8_t)value;
	return at;
}

static inline void bytes_put_varint(struct bytes *bytes, uint64_t value)
{
	if (bytes_reserve(bytes, VARINT_MOST))
		bytes->length = (size_t)(put_varint(bytes->data + bytes->length, value) - bytes->data);
}

/* Signed numbers so that small ones are short. A difference of any two 64-bit numbers
 * goes through and back, as arithmetic modulo 2^64. */
static inline uint64_t zigzag(uint64_t difference)
{
	return difference << 1 ^ -(difference >> 63);
}

static inline uint64_t unzigzag(uint64_t value)
{
	return value >> 1 ^ -(value & 1);
}

static inline void bytes_put_zigzag(struct bytes *bytes, uint64_t difference)
{
	bytes_put_varint(bytes, zigzag(difference));
}

static inline void bytes_put_text(struct bytes *bytes, const void *text, size_t length)
{
	bytes_put_varint(bytes, length);
	bytes_put(bytes, text, length);
}

static inline void bytes_put_string(struct bytes *bytes, const char *string)
{
	bytes_put_text(bytes, string ? string : "", string ? strlen(string) : 0);
}

/* ---- Reading ----------------------------------------------------------- */

struct cursor {
	const uint8_t *at, *end; /* borrowed */
	bool bad; /* asked for more than there was, or for a number that does not fit */
};

static inline struct cursor cursor_over(const void *data, size_t length)
{
	const uint8_t *start = length ? data : (const uint8_t *)"";

	return (struct cursor){.at = start, .end = start + length};
}

/* Everything was read, and was right. */
static inline bool cursor_is_consumed(const struct cursor *cursor)
{
	return !cursor->bad && cursor->at == cursor->end;
}

/* The next `length` bytes; NULL when there are fewer. */
static inline const uint8_t *cursor_take(struct cursor *cursor, uint64_t length)
{
	const uint8_t *taken = cursor->at;

	if (cursor->bad || length > (uint64_t)(cursor->end - cursor->at)) {
		cursor->bad = true;
		return NULL;
	}
	cursor->at += length;
	return taken;
}

static inline uint8_t cursor_u8(struct cursor *cursor)
{
	const uint8_t *byte = cursor_take(cursor, 1);

	return byte ? *byte : 0;
}

static inline uint64_t cursor_fixed(struct cursor *cursor, unsigned size)
{
	const uint8_t *bytes = cursor_take(cursor, size);
	uint64_t value = 0;

	for (unsigned i = 0; bytes && i < size; i++)
		value |= (uint64_t)bytes[i] << 8 * i;
	return value;
}

/* A varint of at most 10 bytes whose value is at most `most`. */
static inline uint64_t cursor_varint(struct cursor *cursor, uint64_t most)
{
	uint64_t value = 0;

	/* Nearly all of them are one byte. */
	if (cursor->at < cursor->end && *cursor->at < 128 && *cursor->at <= most && !cursor->bad)
		return *cursor->at++;
	for (unsigned shift = 0; shift < 70; shift += 7) {
		uint8_t byte = cursor_u8(cursor);

		if (shift == 63 && byte > 1)
			break;
		value |= (uint64_t)(byte & 127) << shift;
		if (byte < 128) {
			if (value > most)
				break;
			return cursor->bad ? 0 : value;
		}
	}
	cursor->bad = true;
	return 0;
}

static inline uint64_t cursor_zigzag(struct cursor *cursor)
{
	return unzigzag(cursor_varint(cursor, UINT64_MAX));
}

/* A text: its bytes, which are not terminated; NULL when it is not whole. */
static inline const char *cursor_text(struct cursor *cursor, size_t *ret_length)
{
	uint64_t length = cursor_varint(cursor, UINT64_MAX);
	const uint8_t *text = cursor_take(cursor, length);

	*ret_length = text ? (size_t)length : 0;
	return (const char *)text;
}

#endif
