#ifndef TRACER_SYMBOLS_NAMES_H
#define TRACER_SYMBOLS_NAMES_H
/*
 * names.h - what a module's DWARF calls by a name outside of all functions.
 *
 * Made when it is first asked, by a walk over all units; of several with one name that which is
 * external, else the first one.
 */
#include <elfutils/libdw.h>
#include <stdbool.h>

struct names;

enum names_kind {
	NAMES_VARIABLE,
	NAMES_FUNCTION,
	NAMES_TYPE, /* a structure, union or enumeration that is complete */
	NAMES_KINDS,
};

/* NULL: memory is out. */
struct names *names_new(Dwarf *dwarf);
void names_free(struct names *names);
bool names_find(struct names *names, enum names_kind kind, const char *name, Dwarf_Die *ret);

/* The same in one unit, without an index. */
bool names_find_in(Dwarf_Die *tree, enum names_kind kind, const char *name, Dwarf_Die *ret);

#endif
