/* scopes.c - a walk over the tree of a unit that follows whoever contains the address. */
#include "scopes.h"
#include "units.h"

#include <dwarf.h>
#include <string.h>

/* What a walk may look at: a corrupt file could send it through the same entries again and again.
 */
enum { ENTRIES_MOST = 4 << 20 };

struct walk {
	Dwarf_Addr address;
	unsigned entries; /* looked at */
	struct scopes *scopes;
};

bool scope_is_function(Dwarf_Die *scope)
{
	int tag = dwarf_tag(scope);

	return tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine;
}

static void find(struct walk *walk, Dwarf_Die *parent, unsigned depth)
{
	Dwarf_Die die;

	if (depth >= SCOPES_MOST || dwarf_child(parent, &die) != 0)
		return;
	do {
		if (++walk->entries > ENTRIES_MOST)
			return;
		switch (dwarf_tag(&die)) {
		case DW_TAG_subprogram:
		case DW_TAG_inlined_subroutine:
		case DW_TAG_lexical_block:
			break;
		case DW_TAG_namespace:
		case DW_TAG_class_type:
		case DW_TAG_structure_type:
		case DW_TAG_module:
			find(walk, &die, depth + 1);
			if (walk->scopes->count > 0)
				return;
			continue;
		default:
			continue;
		}
		if (dwarf_haspc(&die, walk->address) <= 0)
			continue;
		if (walk->scopes->count < SCOPES_MOST)
			walk->scopes->die[walk->scopes->count++] = die;
		find(walk, &die, depth + 1);
		return;
	} while (die_next(&die));
}

void scopes_find(Dwarf_Die *tree, Dwarf_Addr address, struct scopes *ret)
{
	struct walk walk = {.address = address, .scopes = ret};

	ret->count = 0;
	find(&walk, tree, 0);
}

static bool unsigned_attribute(Dwarf_Die *die, unsigned name, Dwarf_Word *ret)
{
	Dwarf_Attribute attribute;

	return dwarf_attr(die, name, &attribute) && dwarf_formudata(&attribute, ret) == 0;
}

bool scope_call(Dwarf_Die *tree, Dwarf_Die *scope, struct scope_call *ret)
{
	Dwarf_Word number, line, column = 0;
	Dwarf_Files *files;
	size_t count;
	const char *file;

	if (!unsigned_attribute(scope, DW_AT_call_file, &number) ||
		!unsigned_attribute(scope, DW_AT_call_line, &line) ||
		dwarf_getsrcfiles(tree, &files, &count) != 0 || number >= count)
		return false;
	file = dwarf_filesrc(files, number, NULL, NULL);
	if (!file)
		return false;
	(void)unsigned_attribute(scope, DW_AT_call_column, &column);
	*ret = (struct scope_call){.file = file, .line = (uint32_t)line, .column = (uint32_t)column};
	return true;
}

/* dwarf_decl_file() of libdw ends the process when a unit has no table of files. */
const char *scope_declared(Dwarf_Die *die)
{
	Dwarf_Attribute attribute;
	Dwarf_Word number;
	Dwarf_Files *files;
	Dwarf_Die unit;
	size_t count;

	if (!dwarf_attr_integrate(die, DW_AT_decl_file, &attribute) ||
		dwarf_formudata(&attribute, &number) != 0 ||
		dwarf_cu_info(attribute.cu, NULL, NULL, &unit, NULL, NULL, NULL, NULL) != 0 ||
		dwarf_getsrcfiles(&unit, &files, &count) != 0 || number >= count)
		return NULL;
	return dwarf_filesrc(files, number, NULL, NULL);
}

bool is_own_header(const char *file)
{
	const char *base = file ? strrchr(file, '/') : NULL;
	static const char directory[] = "include/coroscope";
	size_t length = base ? (size_t)(base - file) : 0;

	if (length < strlen(directory) ||
		memcmp(base - strlen(directory), directory, strlen(directory)) != 0)
		return false;
	return length == strlen(directory) || base[-(ptrdiff_t)strlen(directory) - 1] == '/';
}
