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
		if (scan->assigned || scan->depth > 0)
			break;
		scan->over = next == '=';
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

static bool is_word(char character)
{
	return character == '_' || (character >= '0' && character <= '9') ||
		   (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z');
}

/* Where the name ends in the line of its declaration; 0: it is not there. clang does not tell its
 * column: then it must be there once. */
static size_t name_end(const struct declaration *declaration, const char *text, size_t length)
{
	size_t name = strlen(declaration->name), found = 0;

	if (declaration->column > 0) {
		size_t from = declaration->column - 1;

		return from <= length && length - from >= name &&
					   memcmp(text + from, declaration->name, name) == 0
				   ? from + name
				   : 0;
	}
	for (size_t i = 0; i + name <= length; i++) {
		if (memcmp(text + i, declaration->name, name) != 0 || (i > 0 && is_word(text[i - 1])) ||
			(i + name < length && is_word(text[i + name])))
			continue;
		if (found > 0)
			return 0;
		found = i + name;
	}
	return found;
}

bool initialiser_goes_on(struct symbols *symbols, const struct locals_frame *frame,
						 const struct declaration *declaration)
{
	size_t length;
	struct scan scan = {0};
	const char *text;

	if (!frame->file || frame->column == 0 || declaration->line > frame->line ||
		frame->line - declaration->line >= LINES_MOST ||
		symbols_source_changed(symbols, frame->file))
		return false;
	for (uint32_t line = declaration->line; line <= frame->line; line++) {
		size_t from = 0;

		if (symbols_source_line(symbols, frame->file, line, &text, &length) < 0)
			return false;
		if (line == frame->line && frame->column - 1 < length)
			length = frame->column - 1;
		if (line == declaration->line) {
			from = name_end(declaration, text, length);
			if (from == 0)
				return false;
		}
		take_line(&scan, text + from, length - from);
	}
	return scan.assigned && !scan.over;
}
