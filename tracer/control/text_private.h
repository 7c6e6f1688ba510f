#ifndef TRACER_CONTROL_TEXT_PRIVATE_H
#define TRACER_CONTROL_TEXT_PRIVATE_H
/*
 * text_private.h - characters, for text.c and values.c; and how far all of them count.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of so many children or waiters each is looked at, to say how many are over or wait; of more only as
 * many, as there may be a million in each frame. */
#define COUNTED_MOST 10000

/* Decodes the first character of `length` > 0 bytes of UTF-8. Returns how many bytes it has,
 * or 0 when they are not a character (overlong, surrogate, cut off, beyond U+10FFFF). */
size_t text_decode(const char *bytes, size_t length, uint32_t *ret);

/* Would Python's repr show it as it is? No: controls, bidi and other format characters,
 * odd spaces, private use. Takes characters of newer Unicode versions for printable. */
bool text_is_printable(uint32_t character);

#endif
