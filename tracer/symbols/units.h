#ifndef TRACER_SYMBOLS_UNITS_H
#define TRACER_SYMBOLS_UNITS_H
/* units.h - the compile unit that an address belongs to. */
#include <elfutils/libdw.h>
#include <stdbool.h>

struct units;

/* Of a Dwarf, which must outlive it. 0, or -ENOMEM. */
int units_new(Dwarf *dwarf, struct units **ret);
void units_free(struct units *units);

struct unit {
	Dwarf_Die die;  /* has the line table, the ranges, and where the compiler ran */
	Dwarf_Die tree; /* what is in it: the same, or the unit of the .dwo file */
};
bool units_find(struct units *units, Dwarf_Addr address, struct unit *ret);
/* The tree of any unit: it, or the split one. */
Dwarf_Die unit_tree(Dwarf_Die *unit);

/* The next sibling, in place. false: there is none, or it is not behind `die`: a corrupt file
 * would lead in a circle. */
bool die_next(Dwarf_Die *die);

#endif
