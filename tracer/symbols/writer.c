/* writer.c - bounded text; see writer.h. */
#include "writer.h"
#include "printable.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void writer_init(struct writer *writer, char *buffer, size_t room)
{
	*writer = (struct writer){.buffer = buffer, .room = room};
	buffer[0] = 0;
}

/* Ends the text with dots, which replace whole characters. */
static void end(struct writer *writer)
{
	static const char dots[] = "...";
	size_t at = writer->length, most = writer->room - sizeof dots;

	writer->full = true;
	if (at > most)
		for (at = most; at > 0 && ((unsigned char)writer->buffer[at] & 0xc0) == 0x80; at--)
			;
	memcpy(writer->buffer + at, dots, sizeof dots);
	writer->length = at + strlen(dots);
}

static void put(struct writer *writer, const char *bytes, size_t count)
{
	if (writer->full)
		return;
	if (count >= writer->room - writer->length) {
		end(writer);
		return;
	}
	memcpy(writer->buffer + writer->length, bytes, count);
	writer->length += count;
	writer->buffer[writer->length] = 0;
}

void writer_add(struct writer *writer, const char *format, ...)
{
	char text[256];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	put(writer, text, (size_t)length < sizeof text ? (size_t)length : sizeof text - 1);
}

void writer_text(struct writer *writer, const char *text, size_t length, char quote)
{
	static const char escaped[] = "\n\t\r\\", letter[] = "ntr\\";

	for (size_t i = 0; i < length && !writer->full;) {
		/* A character that is cut off at the end of the text must not be looked at beyond it. */
		unsigned char bytes[5] = {0};
		const char *found = text[i] ? strchr(escaped, text[i]) : NULL;
		size_t count;

		memcpy(bytes, text + i, length - i < 4 ? length - i : 4);
		count = printable_length(bytes);
		if (quote && found) {
			writer_add(writer, "\\%c", letter[found - escaped]);
			i++;
		} else if (quote && text[i] == quote) {
			writer_add(writer, "\\%c", quote);
			i++;
		} else if (count > 0) {
			put(writer, text + i, count);
			i += count;
		} else {
			writer_add(writer, "\\x%02x", bytes[0]);
			i++;
		}
	}
}
