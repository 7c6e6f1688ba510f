/* names.c - a hash table from names to DIEs; see names.h. */
#include "names.h"
#include "units.h"

#include <dwarf.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* What a walk may look at, and what an index may hold. */
enum { ENTRIES_MOST = 64 << 20, NAMES_MOST = 4 << 20 };

struct entry {
	const char *name; /* owned by the Dwarf; NULL: free */
	enum names_kind kind;
	bool external;
	Dwarf_Die die;
};

struct names {
	struct entry *entry; /* owned; open addressing */
	size_t room;         /* a power of two */
	size_t count;        /* at most three quarters of it */
};

static bool flag(Dwarf_Die *die, unsigned name)
{
	Dwarf_Attribute attribute;
	bool set = false;

	return dwarf_attr_integrate(die, name, &attribute) && dwarf_formflag(&attribute, &set) == 0 &&
		   set;
}

/* Whether a DIE is something that has a name, and is not only announced. */
static bool classify(Dwarf_Die *die, enum names_kind *ret)
{
	switch (dwarf_tag(die)) {
	case DW_TAG_variable:
		/* `extern int x;` is one; the definition may be another, which refers to it. */
		*ret = NAMES_VARIABLE;
		return dwarf_hasattr(die, DW_AT_location) || dwarf_hasattr(die, DW_AT_const_value);
	case DW_TAG_subprogram:
		*ret = NAMES_FUNCTION;
		return dwarf_hasattr(die, DW_AT_low_pc) || dwarf_hasattr(die, DW_AT_ranges);
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_union_type:
	case DW_TAG_enumeration_type:
		*ret = NAMES_TYPE;
		return !flag(die, DW_AT_declaration);
	default:
		return false;
	}
}

static struct entry *slot_of(struct entry *table, size_t room, enum names_kind kind,
							 const char *name)
{
	uint32_t hash = 2166136261u;
	size_t at;

	for (const char *byte = name; *byte; byte++)
		hash = (hash ^ (unsigned char)*byte) * 16777619u;
	at = (hash + kind) & (room - 1);
	while (table[at].name && (table[at].kind != kind || strcmp(table[at].name, name) != 0))
		at = (at + 1) & (room - 1);
	return &table[at];
}

static bool grow(struct names *names)
{
	size_t room = names->room ? names->room * 2 : 1024;
	struct entry *table = calloc(room, sizeof *table);

	if (!table)
		return false;
	for (size_t i = 0; i < names->room; i++)
		if (names->entry[i].name)
			*slot_of(table, room, names->entry[i].kind, names->entry[i].name) = names->entry[i];
	free(names->entry);
	names->entry = table;
	names->room = room;
	return true;
}

static bool add(struct names *names, enum names_kind kind, const char *name, Dwarf_Die *die)
{
	bool external = kind == NAMES_TYPE || flag(die, DW_AT_external);
	struct entry *entry;

	if (names->count + 1 > names->room / 4 * 3 && !grow(names))
		return false;
	entry = slot_of(names->entry, names->room, kind, name);
	if (entry->name && (entry->external || !external))
		return true;
	names->count += !entry->name;
	*entry = (struct entry){.name = name, .kind = kind, .external = external, .die = *die};
	return names->count < NAMES_MOST;
}

struct names *names_new(Dwarf *dwarf)
{
	struct names *names = calloc(1, sizeof *names);
	Dwarf_CU *cu = NULL;
	Dwarf_Die unit, tree, die;
	unsigned entries = 0;

	if (!names || !grow(names)) {
		free(names);
		return NULL;
	}
	while (dwarf_get_units(dwarf, cu, &cu, NULL, NULL, &unit, NULL) == 0) {
		tree = unit_tree(&unit);
		if (dwarf_child(&tree, &die) != 0)
			continue;
		do {
			enum names_kind kind;
			const char *name = classify(&die, &kind) ? dwarf_diename(&die) : NULL;

			if ((name && !add(names, kind, name, &die)) || ++entries > ENTRIES_MOST)
				return names;
		} while (die_next(&die));
	}
	return names;
}

void names_free(struct names *names)
{
	if (!names)
		return;
	free(names->entry);
	free(names);
}

bool names_find(struct names *names, enum names_kind kind, const char *name, Dwarf_Die *ret)
{
	struct entry *entry = slot_of(names->entry, names->room, kind, name);

	if (!entry->name)
		return false;
	*ret = entry->die;
	return true;
}

bool names_find_in(Dwarf_Die *tree, enum names_kind kind, const char *name, Dwarf_Die *ret)
{
	Dwarf_Die die;

	if (dwarf_child(tree, &die) != 0)
		return false;
	do {
		enum names_kind found;
		const char *called = classify(&die, &found) && found == kind ? dwarf_diename(&die) : NULL;

		if (called && strcmp(called, name) == 0) {
			*ret = die;
			return true;
		}
	} while (die_next(&die));
	return false;
}
