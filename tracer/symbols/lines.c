/*
 * lines.c - the line of an address, and the functions around it.
 *
 * 1. The compile unit. .debug_aranges tells it when there is one; clang writes none, and
 *    assembler units make it partial, so an index of our own over the units' ranges
 *    follows, made when first needed.
 * 2. The line, from the unit's line table.
 * 3. The scopes, from the outermost in: a walk over the tree of the unit that follows
 *    whoever contains the address. It sees the physical chain, also where a function
 *    was inlined from another unit:
 *
 *        general()                 subprogram           general.c  (line table of the caller)
 *          internal()              inlined_subroutine   called at general.c:20
 *            coro_yield_int()      inlined_subroutine   called at general.c:12
 *              <address>                                coroscope/generator.h:88
 *
 * 4. Outward: while the position is in a header of coroscope and its scope was inlined,
 *    the position becomes that scope's call: general.c:12, in internal().
 */
#include "lines.h"

#include <dwarf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Scopes deeper than this are not followed. */
#define SCOPES_MOST 64

struct unit_range {
	Dwarf_Addr low, high; /* low <= address < high */
	Dwarf_Die unit;
};

struct lines {
	Dwarf *dwarf;             /* borrowed, outlives it */
	struct unit_range *range; /* owned; sorted by low */
	size_t count, room;
	bool indexed; /* `range` is made */
};

struct scopes {
	Dwarf_Die die[SCOPES_MOST]; /* subprograms and inlined subroutines, outermost first */
	unsigned count;
};

int lines_new(Dwarf *dwarf, struct lines **ret)
{
	struct lines *lines = calloc(1, sizeof *lines);

	if (!lines)
		return -ENOMEM;
	lines->dwarf = dwarf;
	*ret = lines;
	return 0;
}

void lines_free(struct lines *lines)
{
	if (!lines)
		return;
	free(lines->range);
	free(lines);
}

/* ---- The compile unit -------------------------------------------------- */

static int by_low(const void *a, const void *b)
{
	const struct unit_range *x = a, *y = b;

	return x->low < y->low ? -1 : x->low > y->low;
}

static bool add_range(struct lines *lines, Dwarf_Addr low, Dwarf_Addr high, const Dwarf_Die *unit)
{
	if (lines->count == lines->room) {
		size_t room = lines->room ? lines->room * 2 : 64;
		struct unit_range *range = reallocarray(lines->range, room, sizeof *range);

		if (!range)
			return false;
		lines->range = range;
		lines->room = room;
	}
	lines->range[lines->count++] = (struct unit_range){.low = low, .high = high, .unit = *unit};
	return true;
}

static void make_index(struct lines *lines)
{
	Dwarf_CU *cu = NULL;
	Dwarf_Die unit;

	lines->indexed = true;
	while (dwarf_get_units(lines->dwarf, cu, &cu, NULL, NULL, &unit, NULL) == 0) {
		Dwarf_Addr base, low, high;
		ptrdiff_t at = 0;

		while ((at = dwarf_ranges(&unit, at, &base, &low, &high)) > 0)
			if (low < high && !add_range(lines, low, high, &unit))
				return;
	}
	if (lines->count > 0)
		qsort(lines->range, lines->count, sizeof *lines->range, by_low);
}

static bool find_unit(struct lines *lines, Dwarf_Addr address, Dwarf_Die *ret)
{
	size_t low = 0, high;

	if (dwarf_addrdie(lines->dwarf, address, ret) != NULL)
		return true;
	if (!lines->indexed)
		make_index(lines);
	high = lines->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (lines->range[middle].low <= address)
			low = middle + 1;
		else
			high = middle;
	}
	/* The ranges of one file do not overlap. */
	if (low == 0 || address >= lines->range[low - 1].high)
		return false;
	*ret = lines->range[low - 1].unit;
	return true;
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

/* ---- The scopes -------------------------------------------------------- */

static void find_scopes(Dwarf_Die *parent, Dwarf_Addr address, unsigned depth,
						struct scopes *scopes)
{
	Dwarf_Die die;

	if (depth >= SCOPES_MOST || dwarf_child(parent, &die) != 0)
		return;
	do {
		bool is_function = false;

		switch (dwarf_tag(&die)) {
		case DW_TAG_subprogram:
		case DW_TAG_inlined_subroutine:
			is_function = true;
			break;
		case DW_TAG_lexical_block:
			break;
		case DW_TAG_namespace:
		case DW_TAG_class_type:
		case DW_TAG_structure_type:
		case DW_TAG_module:
			find_scopes(&die, address, depth + 1, scopes);
			if (scopes->count > 0)
				return;
			continue;
		default:
			continue;
		}
		if (dwarf_haspc(&die, address) <= 0)
			continue;
		if (is_function && scopes->count < SCOPES_MOST)
			scopes->die[scopes->count++] = die;
		find_scopes(&die, address, depth + 1, scopes);
		return;
	} while (dwarf_siblingof(&die, &die) == 0);
}

/* ---- Outward ----------------------------------------------------------- */

static bool is_own_header(const char *file)
{
	const char *base = file ? strrchr(file, '/') : NULL;
	static const char directory[] = "include/coroscope";
	size_t length = base ? (size_t)(base - file) : 0;

	if (length < strlen(directory) ||
		memcmp(base - strlen(directory), directory, strlen(directory)) != 0)
		return false;
	return length == strlen(directory) || base[-(ptrdiff_t)strlen(directory) - 1] == '/';
}

static bool unsigned_attribute(Dwarf_Die *die, unsigned name, Dwarf_Word *ret)
{
	Dwarf_Attribute attribute;

	return dwarf_attr(die, name, &attribute) && dwarf_formudata(&attribute, ret) == 0;
}

/* Where an inlined subroutine was called. */
static bool call_place(Dwarf_Die *unit, Dwarf_Die *scope, const char **ret_file, uint32_t *ret_line)
{
	Dwarf_Word number, line;
	Dwarf_Files *files;
	size_t count;
	const char *file;

	if (!unsigned_attribute(scope, DW_AT_call_file, &number) ||
		!unsigned_attribute(scope, DW_AT_call_line, &line) ||
		dwarf_getsrcfiles(unit, &files, &count) != 0 || number >= count)
		return false;
	file = dwarf_filesrc(files, number, NULL, NULL);
	if (!file)
		return false;
	*ret_file = file;
	*ret_line = (uint32_t)line;
	return true;
}

int lines_find(struct lines *lines, Dwarf_Addr address, struct lines_place *ret)
{
	struct lines_place place = {0};
	struct scopes scopes = {.count = 0};
	Dwarf_Die unit, split, *tree = &unit;
	Dwarf_Attribute attribute;
	Dwarf_Line *line;
	uint8_t type = 0;
	int number = 0;
	unsigned scope;

	if (!find_unit(lines, address, &unit))
		return -ENOENT;
	if (dwarf_cu_info(unit.cu, NULL, &type, NULL, &split, NULL, NULL, NULL) == 0 &&
		type == DW_UT_skeleton && dwarf_tag(&split) > 0)
		tree = &split;
	if (dwarf_attr(&unit, DW_AT_comp_dir, &attribute))
		place.directory = dwarf_formstring(&attribute);
	line = dwarf_getsrc_die(&unit, address);
	if (line) {
		place.file = dwarf_linesrc(line, NULL, NULL);
		if (place.file && dwarf_lineno(line, &number) == 0 && number > 0)
			place.line = (uint32_t)number;
	}

	find_scopes(tree, address, 0, &scopes);
	scope = scopes.count;
	while (scope > 1 && is_own_header(place.file) &&
		   dwarf_tag(&scopes.die[scope - 1]) == DW_TAG_inlined_subroutine &&
		   call_place(tree, &scopes.die[scope - 1], &place.file, &place.line))
		scope--;
	if (scope > 0)
		place.function = dwarf_diename(&scopes.die[scope - 1]);
	if (!place.function && !place.file)
		return -ENOENT;
	*ret = place;
	return 0;
}
