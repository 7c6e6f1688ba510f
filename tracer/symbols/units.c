/*
 * units.c - the unit of an address.
 *
 * .debug_aranges tells it when there is one; clang writes none, and assembler units make it
 * partial, so an index of our own over the units' ranges follows, made when first needed.
 */
#include "units.h"

#include <dwarf.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

struct unit_range {
	Dwarf_Addr low, high; /* low <= address < high */
	Dwarf_Die unit;
};

struct units {
	Dwarf *dwarf;             /* borrowed, outlives it */
	struct unit_range *range; /* owned; sorted by low */
	size_t count, room;
	bool indexed; /* `range` is made */
};

int units_new(Dwarf *dwarf, struct units **ret)
{
	struct units *units = calloc(1, sizeof *units);

	if (!units)
		return -ENOMEM;
	units->dwarf = dwarf;
	*ret = units;
	return 0;
}

void units_free(struct units *units)
{
	if (!units)
		return;
	free(units->range);
	free(units);
}

static int by_low(const void *a, const void *b)
{
	const struct unit_range *x = a, *y = b;

	return x->low < y->low ? -1 : x->low > y->low;
}

static bool add_range(struct units *units, Dwarf_Addr low, Dwarf_Addr high, const Dwarf_Die *unit)
{
	if (units->count == units->room) {
		size_t room = units->room ? units->room * 2 : 64;
		struct unit_range *range = reallocarray(units->range, room, sizeof *range);

		if (!range)
			return false;
		units->range = range;
		units->room = room;
	}
	units->range[units->count++] = (struct unit_range){.low = low, .high = high, .unit = *unit};
	return true;
}

static bool add_unit(struct units *units, Dwarf_Die *unit)
{
	Dwarf_Addr base, low, high;
	ptrdiff_t at = 0;

	while ((at = dwarf_ranges(unit, at, &base, &low, &high)) > 0)
		if (low < high && !add_range(units, low, high, unit))
			return false;
	return true;
}

static void make_index(struct units *units)
{
	Dwarf_CU *cu = NULL;
	Dwarf_Die unit;

	units->indexed = true;
	while (dwarf_get_units(units->dwarf, cu, &cu, NULL, NULL, &unit, NULL) == 0 &&
		   add_unit(units, &unit))
		;
	if (units->count > 0)
		qsort(units->range, units->count, sizeof *units->range, by_low);
}

static bool find_die(struct units *units, Dwarf_Addr address, Dwarf_Die *ret)
{
	size_t low = 0, high;

	if (dwarf_addrdie(units->dwarf, address, ret) != NULL)
		return true;
	if (!units->indexed)
		make_index(units);
	high = units->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (units->range[middle].low <= address)
			low = middle + 1;
		else
			high = middle;
	}
	/* The ranges of one file do not overlap. */
	if (low == 0 || address >= units->range[low - 1].high)
		return false;
	*ret = units->range[low - 1].unit;
	return true;
}

Dwarf_Die unit_tree(Dwarf_Die *unit)
{
	Dwarf_Die split;
	uint8_t type = 0;

	if (dwarf_cu_info(unit->cu, NULL, &type, NULL, &split, NULL, NULL, NULL) == 0 &&
		type == DW_UT_skeleton && dwarf_tag(&split) > 0)
		return split;
	return *unit;
}

bool units_find(struct units *units, Dwarf_Addr address, struct unit *ret)
{
	if (!find_die(units, address, &ret->die))
		return false;
	ret->tree = unit_tree(&ret->die);
	return true;
}

bool die_next(Dwarf_Die *die)
{
	const void *before = die->addr;

	return dwarf_siblingof(die, die) == 0 && (uintptr_t)die->addr > (uintptr_t)before;
}
