#ifndef TRACER_UNWIND_BYTES_H
#define TRACER_UNWIND_BYTES_H
/*
 * bytes.h - reading numbers from bytes that may end at any time.
 *
 * Nothing is read past the end: `bad` is set instead, once and for all, and 0 is read. So a parser
 * checks once, when it is through.
 */
#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
	const uint8_t *at, *end;
	bool bad; /* more was asked for than there is, or a number does not fit 64 bits */
};

static inline const uint8_t *bytes_skip(struct bytes *bytes, uint64_t length)
{
	const uint8_t *at = bytes->at;

	if (bytes->bad || length > (size_t)(bytes->end - at)) {
		bytes->bad = true;
		return NULL;
	}
	bytes->at += length;
	return at;
}

/* Little-endian, `size` bytes: 1 to 8. */
static inline uint64_t bytes_fixed(struct bytes *bytes, unsigned size)
{
	const uint8_t *at = bytes_skip(bytes, size);
	uint64_t value = 0;

	if (at)
		memcpy(&value, at, size);
	return le64toh(value);
}

/* LEB128, without its sign; a byte that does not fit is an error. */
static inline uint64_t bytes_leb128(struct bytes *bytes, unsigned *ret_bits, bool *ret_negative)
{
	uint64_t value = 0;
	unsigned shift = 0;
	uint8_t byte;

	do {
		byte = (uint8_t)bytes_fixed(bytes, 1);
		if (bytes->bad || shift > 63) {
			bytes->bad = true;
			return 0;
		}
		value |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	*ret_bits = shift;
	*ret_negative = byte & 0x40;
	return value;
}

static inline uint64_t bytes_uleb128(struct bytes *bytes)
{
	unsigned bits;
	bool negative;

	return bytes_leb128(bytes, &bits, &negative);
}

static inline int64_t bytes_sleb128(struct bytes *bytes)
{
	unsigned bits = 64;
	bool negative = false;
	uint64_t value = bytes_leb128(bytes, &bits, &negative);

	if (negative && bits < 64)
		value |= ~UINT64_C(0) << bits;
	return (int64_t)value;
}

#endif
