#ifndef TRACER_SYMBOLS_WRITER_H
#define TRACER_SYMBOLS_WRITER_H
/*
 * writer.h - text into a buffer of a fixed size, which ends in "..." when there is no more room.
 *
 * It is always 0-terminated. What was full stays so: nothing is added behind a gap.
 */
#include <stdbool.h>
#include <stddef.h>

struct writer {
	char *buffer;
	size_t room, length;
	bool full;
};

/* `room` is at least 4. */
void writer_init(struct writer *writer, char *buffer, size_t room);
void writer_add(struct writer *writer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Filtered: characters that are not harmless become \xNN; so does `quote`, behind a backslash. */
void writer_text(struct writer *writer, const char *text, size_t length, char quote);

#endif
