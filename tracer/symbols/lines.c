/*
 * lines.c - the line of an address, and the function around it.
 *
 * 1. The compile unit (units.h), and the line from its line table.
 * 2. The scopes, from the outermost in (scopes.h).
 * 3. Outward: while the position is in a header of coroscope and its function was inlined,
 *    the position becomes that function's call: general.c:12, in internal().
 */
#include "lines.h"
#include "scopes.h"
#include "units.h"

#include <dwarf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

struct lines {
	Dwarf *dwarf;        /* borrowed, outlives it */
	struct units *units; /* owned */
};

int lines_new(Dwarf *dwarf, struct lines **ret)
{
	struct lines *lines = calloc(1, sizeof *lines);

	if (!lines || units_new(dwarf, &lines->units) < 0) {
		free(lines);
		return -ENOMEM;
	}
	lines->dwarf = dwarf;
	*ret = lines;
	return 0;
}

void lines_free(struct lines *lines)
{
	if (!lines)
		return;
	units_free(lines->units);
	free(lines);
}

struct units *lines_units(struct lines *lines)
{
	return lines->units;
}

void lines_directories(struct lines *lines, void (*each)(void *data, const char *directory),
					   void *data)
{
	Dwarf_CU *cu = NULL;
	Dwarf_Die unit;

	while (dwarf_get_units(lines->dwarf, cu, &cu, NULL, NULL, &unit, NULL) == 0) {
		Dwarf_Attribute attribute;
		const char *directory = NULL;

		if (dwarf_attr(&unit, DW_AT_comp_dir, &attribute))
			directory = dwarf_formstring(&attribute);
		if (directory)
			each(data, directory);
	}
}

static bool is_inlined(Dwarf_Die *scope)
{
	return dwarf_tag(scope) == DW_TAG_inlined_subroutine;
}

int lines_find(struct lines *lines, Dwarf_Addr address, struct lines_place *ret)
{
	struct lines_place place = {0};
	struct scopes scopes;
	struct scope_call call;
	struct unit unit;
	Dwarf_Attribute attribute;
	Dwarf_Line *line;
	int number = 0;
	unsigned scope;

	if (!units_find(lines->units, address, &unit))
		return -ENOENT;
	if (dwarf_attr(&unit.die, DW_AT_comp_dir, &attribute))
		place.directory = dwarf_formstring(&attribute);
	line = dwarf_getsrc_die(&unit.die, address);
	if (line) {
		place.file = dwarf_linesrc(line, NULL, NULL);
		if (place.file && dwarf_lineno(line, &number) == 0 && number > 0)
			place.line = (uint32_t)number;
	}

	scopes_find(&unit.tree, address, &scopes);
	for (scope = scopes.count; scope > 0; scope--) {
		Dwarf_Die *die = &scopes.die[scope - 1];

		if (!scope_is_function(die))
			continue;
		if (!is_own_header(place.file) || !is_inlined(die) || !scope_call(&unit.tree, die, &call))
			break;
		place.file = call.file;
		place.line = call.line;
	}
	if (scope > 0)
		place.function = dwarf_diename(&scopes.die[scope - 1]);
	if (!place.function && !place.file)
		return -ENOENT;
	*ret = place;
	return 0;
}
