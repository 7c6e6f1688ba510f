/*
 * type_text.c - types as C writes them.
 *
 * C writes a type around the name of what has it: `int (*name[3])(char)`. So it goes from the name
 * outward: each step adds to the declarator, which begins empty, and the last one writes what
 * stands before it.
 *
 *     array of 3    declarator "[3]"
 *     pointer       "*[3]"
 *     function      "(*[3])(char)"
 *     int           "int (*[3])(char)"
 */
#include "printable.h"
#include "types.h"
#include "units.h"

#include <dwarf.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { DECLARATOR_MOST = 200, WRITTEN_MOST = 12, PARAMETERS_MOST = 16 };

struct declarator {
	char text[DECLARATOR_MOST];
};

/* What does not fit is left out, visibly. */
static void prepend(struct declarator *declarator, const char *before, const char *after)
{
	struct declarator whole;

	if (snprintf(whole.text, sizeof whole.text, "%s%s%s", before, declarator->text, after) >=
		(int)sizeof whole.text)
		strcpy(whole.text, "...");
	*declarator = whole;
}

static void write_type(const struct context *context, const struct type *type,
					   struct declarator *declarator, unsigned depth, char *text, size_t room);

static void finish(const char *keyword, const char *name, const struct declarator *declarator,
				   char *text, size_t room)
{
	printable_put(text, room, keyword);
	printable_put(text, room, name);
	if (declarator->text[0])
		printable_put(text, room, " ");
	printable_put(text, room, declarator->text);
}

/* The type one link further, with its own qualifiers and typedefs. */
static struct type next_of(const struct type *type)
{
	Dwarf_Die die = type->die;

	return type_of(type->debug, &die);
}

static bool is_derived(const struct type *type)
{
	Dwarf_Die die = type->die;
	int tag = type->is_void ? 0 : dwarf_tag(&die);

	return tag == DW_TAG_pointer_type || tag == DW_TAG_reference_type;
}

/* Whether `*` before a declarator of it needs parentheses. */
static bool binds_tighter(const struct type *type)
{
	Dwarf_Die die = type->die;
	int tag = type->is_void ? 0 : dwarf_tag(&die);

	return tag == DW_TAG_array_type || tag == DW_TAG_subroutine_type || tag == DW_TAG_subprogram;
}

static void write_pointer(const struct context *context, const struct type *type, const char *sign,
						  struct declarator *declarator, unsigned depth, char *text, size_t room)
{
	struct type target = next_of(type);
	char before[4];

	snprintf(before, sizeof before, "%s%s", binds_tighter(&target) ? "(" : "", sign);
	prepend(declarator, before, binds_tighter(&target) ? ")" : "");
	write_type(context, &target, declarator, depth + 1, text, room);
}

static void write_qualified(const struct context *context, const struct type *type,
							const char *qualifier, struct declarator *declarator, unsigned depth,
							char *text, size_t room)
{
	struct type target = next_of(type);
	char before[16];

	/* Of a pointer it stands behind the star. */
	if (is_derived(&target)) {
		snprintf(before, sizeof before, "%s%s", qualifier, declarator->text[0] ? " " : "");
		prepend(declarator, before, "");
	} else {
		printable_put(text, room, qualifier);
		printable_put(text, room, " ");
	}
	write_type(context, &target, declarator, depth + 1, text, room);
}

static void write_array(const struct context *context, const struct type *type,
						struct declarator *declarator, unsigned depth, char *text, size_t room)
{
	struct type target = *type;
	uint64_t count;
	char bound[24];

	do {
		Dwarf_Die bare = target.bare;
		enum locals_reason reason = type_elements(context, &target, &count);
		unsigned dimension = target.dimension;

		if (reason != LOCALS_COMPLETE)
			strcpy(bound, "[]");
		else
			snprintf(bound, sizeof bound, "[%" PRIu64 "]", count);
		prepend(declarator, "", bound);
		target = type_target(&target);
		if (target.is_void || target.tag != DW_TAG_array_type || target.bare.addr != bare.addr ||
			target.dimension != dimension + 1)
			break;
	} while (context_spend(context, 1));
	write_type(context, &target, declarator, depth + 1, text, room);
}

static void write_function(const struct context *context, const struct type *type,
						   struct declarator *declarator, unsigned depth, char *text, size_t room)
{
	Dwarf_Die die = type->die, parameter;
	char parameters[DECLARATOR_MOST] = "(";
	struct type result = next_of(type);
	unsigned count = 0;

	if (dwarf_child(&die, &parameter) == 0) {
		do {
			struct declarator none = {""};
			struct type passed;
			int tag = dwarf_tag(&parameter);

			if (!context_spend(context, 1))
				break;
			if (tag != DW_TAG_formal_parameter && tag != DW_TAG_unspecified_parameters)
				continue;
			if (count > 0)
				printable_put(parameters, sizeof parameters, ", ");
			if (tag == DW_TAG_unspecified_parameters || count == PARAMETERS_MOST) {
				printable_put(parameters, sizeof parameters, "...");
				break;
			}
			passed = type_of(type->debug, &parameter);
			write_type(context, &passed, &none, depth + 1, parameters, sizeof parameters);
			count++;
		} while (die_next(&parameter));
	}
	if (count == 0 && parameters[1] == 0)
		printable_put(parameters, sizeof parameters, "void");
	printable_put(parameters, sizeof parameters, ")");
	prepend(declarator, "", parameters);
	write_type(context, &result, declarator, depth + 1, text, room);
}

static void write_type(const struct context *context, const struct type *type,
					   struct declarator *declarator, unsigned depth, char *text, size_t room)
{
	Dwarf_Die die = type->die;
	const char *name;

	if (depth > WRITTEN_MOST || !context_spend(context, 1)) {
		finish("", "...", declarator, text, room);
		return;
	}
	/* Of `const void` there is still the const. */
	if (type->is_void && !type->die.addr) {
		finish("", "void", declarator, text, room);
		return;
	}
	switch (dwarf_tag(&die)) {
	case DW_TAG_pointer_type:
		write_pointer(context, type, "*", declarator, depth, text, room);
		return;
	case DW_TAG_reference_type:
		write_pointer(context, type, "&", declarator, depth, text, room);
		return;
	case DW_TAG_rvalue_reference_type:
		write_pointer(context, type, "&&", declarator, depth, text, room);
		return;
	case DW_TAG_const_type:
		write_qualified(context, type, "const", declarator, depth, text, room);
		return;
	case DW_TAG_volatile_type:
		write_qualified(context, type, "volatile", declarator, depth, text, room);
		return;
	case DW_TAG_restrict_type:
		write_qualified(context, type, "restrict", declarator, depth, text, room);
		return;
	case DW_TAG_atomic_type:
		write_qualified(context, type, "_Atomic", declarator, depth, text, room);
		return;
	case DW_TAG_array_type:
		write_array(context, type, declarator, depth, text, room);
		return;
	case DW_TAG_subroutine_type:
	case DW_TAG_subprogram:
		write_function(context, type, declarator, depth, text, room);
		return;
	default:
		break;
	}
	name = dwarf_diename(&die);
	switch (dwarf_tag(&die)) {
	case DW_TAG_structure_type:
		finish("struct ", name ? name : "{...}", declarator, text, room);
		return;
	case DW_TAG_class_type:
		finish("class ", name ? name : "{...}", declarator, text, room);
		return;
	case DW_TAG_union_type:
		finish("union ", name ? name : "{...}", declarator, text, room);
		return;
	case DW_TAG_enumeration_type:
		finish("enum ", name ? name : "{...}", declarator, text, room);
		return;
	default:
		finish("", name ? name : "?", declarator, text, room);
		return;
	}
}

void type_text(const struct context *context, const struct type *type, char *text, size_t room)
{
	struct declarator declarator = {""};
	struct type written = *type;

	if (type->is_number && type->pointers == 0) {
		printable_put(text, room, "long");
		return;
	}
	/* The address of something: its type, with stars. */
	for (; written.pointers > 0; written = type_target(&written))
		prepend(&declarator, "*", "");
	if (type->pointers > 0 && binds_tighter(&written))
		prepend(&declarator, "(", ")");
	write_type(context, &written, &declarator, 0, text, room);
}
