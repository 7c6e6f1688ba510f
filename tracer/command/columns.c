/*
 * columns.c - aligned text.
 */
#include <stdlib.h>
#include <string.h>
#include "command_private.h"

void columns_done(struct columns *columns)
{
	for (size_t i = 0; i < columns->count; i++)
		free(columns->cell[i]);
	free(columns->cell);
	columns->cell = NULL;
	columns->count = columns->room = 0;
}

static void add(struct columns *columns, char *cell)
{
	if (columns->count == columns->room) {
		size_t room = columns->room ? columns->room * 2 : 64;
		char **cells = reallocarray(columns->cell, room, sizeof(*cells));

		if (!cells) {
			free(cell);
			return;
		}
		columns->cell = cells;
		columns->room = room;
	}
	columns->cell[columns->count++] = cell;
}

void columns_add(struct columns *columns, struct text *text)
{
	add(columns, strdup(text_string(text)));
	text_clear(text);
}

void columns_add_string(struct columns *columns, const char *string)
{
	add(columns, strdup(string));
}

/* Characters, for names are UTF-8. */
static size_t length_of(const char *cell)
{
	size_t length = 0;

	for (; cell && *cell; cell++)
		length += (*cell & 0xc0) != 0x80;
	return length;
}

static size_t width_of(const struct columns *columns, unsigned column)
{
	size_t width = 0;

	for (size_t i = column; i < columns->count; i += columns->width) {
		size_t length = length_of(columns->cell[i]);

		if (length > width)
			width = length;
	}
	return width;
}

static void trim(struct text *text)
{
	while (text->length && text->data[text->length - 1] == ' ')
		text->data[--text->length] = 0;
}

void columns_print(const struct columns *columns, struct text *ret)
{
	size_t width[16] = {0};

	for (unsigned i = 0; i < columns->width && i < 16; i++)
		width[i] = width_of(columns, i);
	for (size_t i = 0; i < columns->count; i++) {
		unsigned column = (unsigned)(i % columns->width);
		const char *cell = columns->cell[i] ? columns->cell[i] : "";
		int blanks = (int)(width[column] - length_of(cell));

		if (column == 0 && i > 0) {
			trim(ret);
			text_add(ret, "\n");
		}
		if (column > 0 && width[column] > 0)
			text_add(ret, "  ");
		if (columns->right & 1u << column)
			text_add(ret, "%*s%s", blanks, "", cell);
		else
			text_add(ret, "%s%*s", cell, blanks, "");
	}
	trim(ret);
}
