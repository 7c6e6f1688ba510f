#ifndef TRACER_SYMBOLS_PRINTABLE_H
#define TRACER_SYMBOLS_PRINTABLE_H
/* printable.h - text that comes from a program, made harmless for a terminal. */
#include <stddef.h>

/* Length of the UTF-8 character at `at`, which ends in a 0, if it is one that moves no cursor and
 * turns no text around; else 0. */
size_t printable_length(const unsigned char *at);

/* Appends to `text`, of `room` bytes, as much of `from` as has room; what is not harmless becomes
 * "\x1b". */
void printable_put(char *text, size_t room, const char *from);

#endif
