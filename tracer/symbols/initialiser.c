/* initialiser.c - the little of C that it takes to see whether an initialiser is over. */
#include "initialiser.h"

#include <string.h>
#include <tracer/symbols.h>

/* An initialiser of more lines is not followed. */
enum { LINES_MOST = 32 };

struct scan {
	bool assigned;  /* the `=` was seen */
	bool over;      /* the declaration ended, or is none that is understood */
	unsigned depth; /* of ( [ { */
	char quote;     /* in a string or character that begins with it; 0: in none */
	bool in_comment;
};

/* A character of the text behind the name; `next` is the one behind it. */
static void take(struct scan *scan, char character, char next)
{
	switch (character) {
	case '"':
	case '\'':
		scan->quote = character;
		break;
	case '(':
	case '[':
	case '{':
		scan->depth++;
		break;
	case ')':
	case ']':
	case '}':
		if (scan->depth == 0)
			scan->over = true;
		else
			scan->depth--;
		break;
	case '=':
		if (scan->depth == 0 && next != '=')
			scan->assigned = true;
		break;
	case ';':
	case ',':
		if (scan->depth == 0)
			scan->over = true;
		break;
	default:
		/* Between the name and the `=` there are at most dimensions. */
		if (!scan->assigned && scan->depth == 0 && !strchr(" \t", character))
			scan->over = true;
		break;
	}
}

static void take_line(struct scan *scan, const char *text, size_t length)
{
	for (size_t i = 0; i < length && !scan->over; i++) {
		char character = text[i], next = i + 1 < length ? text[i + 1] : 0;

		if (scan->in_comment) {
			if (character == '*' && next == '/')
				scan->in_comment = false, i++;
		} else if (scan->quote) {
			if (character == '\\')
				i++;
			else if (character == scan->quote)
				scan->quote = 0;
		} else if (character == '/' && next == '/') {
			return;
		} else if (character == '/' && next == '*') {
			scan->in_comment = true, i++;
		} else {
			take(scan, character, next);
		}
	}
}

bool initialiser_goes_on(struct symbols *symbols, const struct locals_frame *frame,
						 const struct declaration *declaration)
{
	size_t name = strlen(declaration->name), length;
	struct scan scan = {0};
	const char *text;

	if (!frame->file || declaration->column == 0 || frame->column == 0 ||
		declaration->line > frame->line || frame->line - declaration->line >= LINES_MOST ||
		symbols_source_changed(symbols, frame->file))
		return false;
	for (uint32_t line = declaration->line; line <= frame->line; line++) {
		size_t from = 0;

		if (symbols_source_line(symbols, frame->file, line, &text, &length) < 0)
			return false;
		if (line == frame->line && frame->column - 1 < length)
			length = frame->column - 1;
		if (line == declaration->line) {
			from = declaration->column - 1;
			if (from > length || length - from < name ||
				memcmp(text + from, declaration->name, name) != 0)
				return false;
			from += name;
		}
		take_line(&scan, text + from, length - from);
	}
	return scan.assigned && !scan.over;
}
