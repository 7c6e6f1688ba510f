/* types.c - sizes, members and bounds; see types.h. How types are written: type_text.c. */
#include "types.h"
#include "names.h"
#include "units.h"

#include <dwarf.h>
#include <string.h>

enum { LINKS_MOST = 64, CHILDREN_MOST = 1 << 14, DIMENSIONS_MOST = 16, NESTED_MOST = 16 };

static bool unsigned_attribute(Dwarf_Die *die, unsigned name, Dwarf_Word *ret)
{
	Dwarf_Attribute attribute;

	return dwarf_attr_integrate(die, name, &attribute) && dwarf_formudata(&attribute, ret) == 0;
}

static bool has_flag(Dwarf_Die *die, unsigned name)
{
	Dwarf_Attribute attribute;
	bool set = false;

	return dwarf_attr_integrate(die, name, &attribute) && dwarf_formflag(&attribute, &set) == 0 &&
		   set;
}

static bool type_die(Dwarf_Die *die, Dwarf_Die *ret)
{
	Dwarf_Attribute attribute;

	return dwarf_attr_integrate(die, DW_AT_type, &attribute) && dwarf_formref_die(&attribute, ret);
}

static struct type void_type(struct debug *debug)
{
	return (struct type){.debug = debug, .is_void = true};
}

/* An announced structure becomes the complete one: that of a unit of types, or the one of its name.
 */
static void complete(struct type *type)
{
	Dwarf_Attribute attribute;
	const char *name;
	Dwarf_Die found;

	if (dwarf_attr(&type->bare, DW_AT_signature, &attribute) &&
		dwarf_formref_die(&attribute, &found)) {
		if (type->die.addr == type->bare.addr)
			type->die = found;
		type->bare = found;
		return;
	}
	if (!has_flag(&type->bare, DW_AT_declaration))
		return;
	name = dwarf_diename(&type->bare);
	if (!type->debug->names)
		type->debug->names = names_new(type->debug->dwarf);
	if (name && type->debug->names && names_find(type->debug->names, NAMES_TYPE, name, &found) &&
		dwarf_tag(&found) == type->tag)
		type->bare = found;
}

struct type type_at(struct debug *debug, Dwarf_Die *die)
{
	struct type type = {.debug = debug, .die = *die, .bare = *die};

	for (unsigned links = 0; links < LINKS_MOST; links++) {
		type.tag = dwarf_tag(&type.bare);
		switch (type.tag) {
		case DW_TAG_typedef:
		case DW_TAG_const_type:
		case DW_TAG_volatile_type:
		case DW_TAG_restrict_type:
		case DW_TAG_atomic_type:
		case DW_TAG_immutable_type:
		case DW_TAG_packed_type:
			if (type_die(&type.bare, &type.bare))
				continue;
			type.is_void = true; /* const void */
			return type;
		case DW_TAG_structure_type:
		case DW_TAG_class_type:
		case DW_TAG_union_type:
		case DW_TAG_enumeration_type:
			complete(&type);
			return type;
		case DW_TAG_invalid:
			return void_type(debug);
		default:
			return type;
		}
	}
	return void_type(debug);
}

struct type type_of(struct debug *debug, Dwarf_Die *die)
{
	Dwarf_Die found;

	return type_die(die, &found) ? type_at(debug, &found) : void_type(debug);
}

struct type type_number(struct debug *debug)
{
	return (struct type){.debug = debug, .tag = DW_TAG_base_type, .is_number = true};
}

struct type type_pointer(const struct type *type)
{
	struct type pointer = *type;

	pointer.pointers++;
	pointer.is_void = false;
	pointer.tag = DW_TAG_pointer_type;
	return pointer;
}

/* ---- Arrays ------------------------------------------------------------ */

/* The DIE of dimension `i`. */
static bool dimension(const struct type *type, unsigned i, Dwarf_Die *ret)
{
	Dwarf_Die array = type->bare;
	unsigned children = 0;

	if (i >= DIMENSIONS_MOST || dwarf_child(&array, ret) != 0)
		return false;
	do {
		int tag = dwarf_tag(ret);

		if ((tag == DW_TAG_subrange_type || tag == DW_TAG_enumeration_type) && i-- == 0)
			return true;
	} while (++children < DIMENSIONS_MOST && die_next(ret));
	return false;
}

struct type type_target(const struct type *type)
{
	Dwarf_Die bare = type->bare, next;
	struct type target;

	if (type->is_void || type->is_number)
		return void_type(type->debug);
	if (type->pointers > 0) {
		target = *type;
		target.tag = --target.pointers > 0 ? DW_TAG_pointer_type : dwarf_tag(&bare);
		return target;
	}
	if (type->tag == DW_TAG_array_type && dimension(type, type->dimension + 1, &next)) {
		target = *type;
		target.die = target.bare;
		target.dimension++;
		return target;
	}
	return type_of(type->debug, &bare);
}

enum locals_reason type_elements(const struct context *context, const struct type *type,
								 uint64_t *ret)
{
	Dwarf_Attribute attribute;
	Dwarf_Die range;
	enum locals_reason reason;
	uint64_t bound, low = 0;

	*ret = 0;
	if (!dimension(type, type->dimension, &range))
		return LOCALS_OPTIMISED_OUT;
	if (dwarf_attr_integrate(&range, DW_AT_count, &attribute))
		return attribute_number(context, &attribute, ret);
	if (!dwarf_attr_integrate(&range, DW_AT_upper_bound, &attribute))
		return LOCALS_OPTIMISED_OUT;
	reason = attribute_number(context, &attribute, &bound);
	if (reason != LOCALS_COMPLETE)
		return reason;
	if (dwarf_attr_integrate(&range, DW_AT_lower_bound, &attribute) &&
		attribute_number(context, &attribute, &low) != LOCALS_COMPLETE)
		return LOCALS_UNSUPPORTED;
	/* Upper bound -1: none. */
	*ret = (int64_t)bound < (int64_t)low ? 0 : bound - low + 1;
	return LOCALS_COMPLETE;
}

static uint64_t size_within(const struct context *context, const struct type *type, unsigned depth)
{
	Dwarf_Die bare = type->bare;
	Dwarf_Attribute attribute;
	struct type target;
	uint64_t size, count;

	if (type->is_void || depth > NESTED_MOST || !context_spend(context, 1))
		return 0;
	if (type->is_number || type->pointers > 0)
		return sizeof(uint64_t);
	/* Of an array it is that of all dimensions. */
	if ((type->tag != DW_TAG_array_type || type->dimension == 0) &&
		dwarf_attr_integrate(&bare, DW_AT_byte_size, &attribute))
		return attribute_number(context, &attribute, &size) == LOCALS_COMPLETE ? size : 0;
	switch (type->tag) {
	case DW_TAG_pointer_type:
	case DW_TAG_reference_type:
	case DW_TAG_rvalue_reference_type:
		return sizeof(uint64_t);
	case DW_TAG_array_type:
		target = type_target(type);
		size = size_within(context, &target, depth + 1);
		if (type_elements(context, type, &count) != LOCALS_COMPLETE ||
			__builtin_mul_overflow(size, count, &size))
			return 0;
		return size;
	default:
		return 0;
	}
}

uint64_t type_size(const struct context *context, const struct type *type)
{
	return size_within(context, type, 0);
}

/* ---- Numbers ----------------------------------------------------------- */

unsigned type_encoding(const struct type *type)
{
	Dwarf_Die bare = type->bare;
	Dwarf_Word encoding;
	struct type numbers;

	if (type->is_void || type->pointers > 0)
		return 0;
	if (type->is_number)
		return DW_ATE_signed;
	if (type->tag == DW_TAG_enumeration_type) {
		numbers = type_of(type->debug, &bare);
		if (!numbers.is_void && numbers.tag == DW_TAG_base_type)
			return type_encoding(&numbers);
		return unsigned_attribute(&bare, DW_AT_encoding, &encoding) ? (unsigned)encoding
																	: DW_ATE_signed;
	}
	if (type->tag != DW_TAG_base_type || !unsigned_attribute(&bare, DW_AT_encoding, &encoding))
		return 0;
	return (unsigned)encoding;
}

bool type_is_signed(const struct type *type)
{
	unsigned encoding = type_encoding(type);

	return encoding == DW_ATE_signed || encoding == DW_ATE_signed_char;
}

const char *type_tag_name(const struct type *type)
{
	Dwarf_Die bare = type->bare;

	return type->is_void || type->is_number || type->pointers > 0 ? NULL : dwarf_diename(&bare);
}

bool type_is_char(const struct type *type)
{
	const char *name = type_tag_name(type);

	return !type->is_void && type->tag == DW_TAG_base_type && name && strcmp(name, "char") == 0;
}

void type_enumerators(const struct type *type,
					  bool (*each)(void *data, const char *name, int64_t value), void *data)
{
	Dwarf_Die bare = type->bare, die;
	unsigned count = 0;

	if (dwarf_child(&bare, &die) != 0)
		return;
	do {
		Dwarf_Attribute attribute;
		Dwarf_Word word;
		Dwarf_Sword value;
		const char *name = dwarf_diename(&die);

		if (dwarf_tag(&die) != DW_TAG_enumerator || !name ||
			!dwarf_attr(&die, DW_AT_const_value, &attribute))
			continue;
		if (type_is_signed(type) || dwarf_formudata(&attribute, &word) != 0) {
			if (dwarf_formsdata(&attribute, &value) != 0)
				continue;
		} else {
			value = (Dwarf_Sword)word;
		}
		if (!each(data, name, value))
			return;
	} while (++count < CHILDREN_MOST && die_next(&die));
}

/* ---- Members ----------------------------------------------------------- */

bool type_has_members(const struct type *type)
{
	return !type->is_void && (type->tag == DW_TAG_structure_type ||
							  type->tag == DW_TAG_class_type || type->tag == DW_TAG_union_type);
}

bool type_is_announced(const struct type *type)
{
	Dwarf_Die bare = type->bare;

	return has_flag(&bare, DW_AT_declaration);
}

bool type_is_function(const struct type *type)
{
	return !type->is_void &&
		   (type->tag == DW_TAG_subroutine_type || type->tag == DW_TAG_subprogram);
}

static bool is_member(Dwarf_Die *die)
{
	int tag = dwarf_tag(die);

	return (tag == DW_TAG_member && !has_flag(die, DW_AT_external) &&
			!has_flag(die, DW_AT_declaration)) ||
		   tag == DW_TAG_inheritance;
}

/* Before DWARF 4 the first bit was counted from the most significant one of the member's storage.
 */
static void place_bits(const struct context *context, struct member *member)
{
	Dwarf_Word first, storage;

	if (unsigned_attribute(&member->die, DW_AT_data_bit_offset, &first)) {
		member->offset += first / 8;
		member->bit = (unsigned)(first % 8);
	} else if (unsigned_attribute(&member->die, DW_AT_bit_offset, &first)) {
		if (!unsigned_attribute(&member->die, DW_AT_byte_size, &storage))
			storage = type_size(context, &member->type);
		if (storage > 16 || first + member->bits > storage * 8) {
			member->reason = LOCALS_UNSUPPORTED;
			return;
		}
		first = storage * 8 - first - member->bits;
		member->offset += first / 8;
		member->bit = (unsigned)(first % 8);
	}
}

static bool is_flexible(const struct type *type)
{
	Dwarf_Die range;

	return !type->is_void && type->tag == DW_TAG_array_type &&
		   (!dimension(type, 0, &range) ||
			(!dwarf_hasattr(&range, DW_AT_count) && !dwarf_hasattr(&range, DW_AT_upper_bound)));
}

static void place(const struct context *context, const struct type *type, struct member *member)
{
	Dwarf_Attribute attribute;
	Dwarf_Word bits = 0;
	uint64_t zero = 0;

	member->type = type_of(type->debug, &member->die);
	member->name = dwarf_diename(&member->die);
	member->offset = 0;
	member->bit = 0;
	member->flexible = is_flexible(&member->type);
	member->reason = LOCALS_COMPLETE;
	if (dwarf_attr_integrate(&member->die, DW_AT_data_member_location, &attribute)) {
		/* An expression takes the structure's address: 0 gives the offset. */
		if (dwarf_whatform(&attribute) == DW_FORM_exprloc ||
			dwarf_whatform(&attribute) == DW_FORM_block1)
			member->reason = expression_number(context, &attribute, &zero, &member->offset);
		else
			member->reason = attribute_number(context, &attribute, &member->offset);
	}
	(void)unsigned_attribute(&member->die, DW_AT_bit_size, &bits);
	member->bits = bits <= 128 ? (unsigned)bits : 0;
	if (member->bits > 0)
		place_bits(context, member);
}

bool type_next_member(const struct context *context, const struct type *type, struct member *at)
{
	Dwarf_Die bare = type->bare;
	bool first = at->die.addr == NULL;

	if (!type_has_members(type))
		return false;
	for (;;) {
		if (!context_spend(context, 1) ||
			(first ? dwarf_child(&bare, &at->die) != 0 : !die_next(&at->die)))
			return false;
		first = false;
		if (is_member(&at->die)) {
			place(context, type, at);
			return true;
		}
	}
}

uint64_t type_member_count(const struct type *type)
{
	Dwarf_Die bare = type->bare, die;
	unsigned count = 0, children = 0;

	if (!type_has_members(type) || dwarf_child(&bare, &die) != 0)
		return 0;
	do
		count += is_member(&die);
	while (++children < CHILDREN_MOST && die_next(&die));
	return count;
}

bool type_member(const struct context *context, const struct type *type, uint64_t i,
				 struct member *ret)
{
	Dwarf_Die bare = type->bare;
	unsigned children = 0;

	if (!type_has_members(type) || dwarf_child(&bare, &ret->die) != 0)
		return false;
	do {
		if (is_member(&ret->die) && i-- == 0) {
			place(context, type, ret);
			return true;
		}
	} while (++children < CHILDREN_MOST && die_next(&ret->die));
	return false;
}
