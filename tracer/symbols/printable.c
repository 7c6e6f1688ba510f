/* printable.c - the filter of text; see printable.h. */
#include "printable.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

size_t printable_length(const unsigned char *at)
{
	uint32_t code;

	if (at[0] < 0x80)
		return at[0] >= 0x20 && at[0] != 0x7f;
	if (at[0] >= 0xc2 && at[0] < 0xe0 && (at[1] & 0xc0) == 0x80) {
		code = (at[0] & 0x1fu) << 6 | (at[1] & 0x3fu);
		return code >= 0xa0 && code != 0x61c ? 2 : 0;
	}
	if (at[0] >= 0xe0 && at[0] < 0xf0 && (at[1] & 0xc0) == 0x80 && (at[2] & 0xc0) == 0x80) {
		code = (at[0] & 0xfu) << 12 | (at[1] & 0x3fu) << 6 | (at[2] & 0x3fu);
		if (code < 0x800 || (code >= 0xd800 && code < 0xe000) ||
			(code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
			(code >= 0x2060 && code <= 0x206f) || code == 0xfeff)
			return 0;
		return 3;
	}
	if (at[0] >= 0xf0 && at[0] < 0xf5 && (at[1] & 0xc0) == 0x80 && (at[2] & 0xc0) == 0x80 &&
		(at[3] & 0xc0) == 0x80) {
		code = (at[0] & 7u) << 18 | (at[1] & 0x3fu) << 12 | (at[2] & 0x3fu) << 6 | (at[3] & 0x3fu);
		return code >= 0x10000 && code < 0x110000 ? 4 : 0;
	}
	return 0;
}

void printable_put(char *text, size_t room, const char *from)
{
	size_t length = strlen(text);

	for (const unsigned char *at = (const unsigned char *)from; *at;) {
		size_t bytes = printable_length(at);

		if (length + (bytes ? bytes : 4) >= room)
			break;
		if (bytes) {
			memcpy(text + length, at, bytes);
			length += bytes;
			at += bytes;
		} else {
			snprintf(text + length, room - length, "\\x%02x", *at++);
			length += 4;
		}
	}
	text[length] = 0;
}
