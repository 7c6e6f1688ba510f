/* value.c - contents: from a place to bytes, and from bytes to parts of them; see value.h. */
#include "value.h"

#include <dwarf.h>
#include <errno.h>
#include <string.h>

/* Strings are read in steps. */
enum { STEP = 64 };

void content_missing(const struct type *type, enum locals_reason reason, struct content *ret)
{
	*ret = (struct content){.type = *type, .reason = reason};
}

bool content_complete(const struct content *content)
{
	return content->bytes && !content->known;
}

/* ---- Bytes ------------------------------------------------------------- */

static void load(const struct context *context, struct content *content)
{
	size_t count = content->size < LOCALS_BYTES_MOST ? content->size : LOCALS_BYTES_MOST;
	uint8_t *bytes;
	int result;

	if (count == 0)
		return;
	bytes = arena_take(context->arena, count);
	result = bytes ? memory_read(context->stack->memory, content->address, bytes, count) : 0;
	if (!bytes || result < 0) {
		content->reason = result == -ENODATA ? LOCALS_NOT_RECORDED : LOCALS_UNREADABLE;
		return;
	}
	content->bytes = bytes;
	content->count = count;
}

void content_at(const struct context *context, const struct type *type, uint64_t address,
				struct content *ret)
{
	*ret = (struct content){
		.type = *type,
		.size = type_size(context, type),
		.in_memory = true,
		.address = address,
	};
	load(context, ret);
}

static void set_bytes(const struct context *context, const void *bytes, size_t count, bool sign,
					  struct content *content)
{
	uint8_t *copy, *known;
	size_t size = content->size < LOCALS_BYTES_MOST ? content->size : LOCALS_BYTES_MOST;

	copy = arena_take(context->arena, size);
	if (!copy)
		return;
	content->bytes = copy;
	content->count = size;
	memset(copy, sign ? 0xff : 0, size);
	memcpy(copy, bytes, count < size ? count : size);
	if (count >= size || count == sizeof(uint64_t))
		return;
	/* A block that is shorter than its type. */
	known = arena_take(context->arena, size);
	if (known)
		memset(known, 1, count);
	content->known = known;
	content->reason = LOCALS_OPTIMISED_OUT;
}

void content_number(const struct context *context, const struct type *type, uint64_t number,
					struct content *ret)
{
	*ret = (struct content){.type = *type, .size = type_size(context, type)};
	set_bytes(context, &number, sizeof number, type_is_signed(type) && (int64_t)number < 0, ret);
}

static void constant(const struct context *context, Dwarf_Attribute *attribute,
					 struct content *content)
{
	unsigned form = dwarf_whatform(attribute);
	const char *string;
	Dwarf_Block block;
	Dwarf_Sword number;
	Dwarf_Word word;

	if (dwarf_formblock(attribute, &block) == 0) {
		set_bytes(context, block.data, block.length, false, content);
	} else if ((form == DW_FORM_sdata || form == DW_FORM_implicit_const) &&
			   dwarf_formsdata(attribute, &number) == 0) {
		set_bytes(context, &number, sizeof number, number < 0, content);
	} else if (dwarf_formudata(attribute, &word) == 0) {
		set_bytes(context, &word, sizeof word, false, content);
	} else {
		string = dwarf_formstring(attribute);
		if (string)
			set_bytes(context, string, strlen(string) + 1, false, content);
		else
			content->reason = LOCALS_UNSUPPORTED;
	}
}

void content_of(const struct context *context, Dwarf_Die *variable, struct content *ret)
{
	struct type type = type_of(context->debug, variable);
	Dwarf_Attribute attribute;
	struct place place;

	*ret = (struct content){.type = type, .size = type_size(context, &type)};
	if (dwarf_attr_integrate(variable, DW_AT_const_value, &attribute)) {
		constant(context, &attribute, ret);
		return;
	}
	if (!dwarf_attr_integrate(variable, DW_AT_location, &attribute)) {
		ret->reason = LOCALS_OPTIMISED_OUT;
		return;
	}
	expression_place(context, &attribute,
					 ret->size < LOCALS_BYTES_MOST ? ret->size : LOCALS_BYTES_MOST, &place);
	switch (place.kind) {
	case PLACE_MISSING:
		ret->reason = place.reason;
		ret->operation = place.operation;
		return;
	case PLACE_MEMORY:
		ret->in_memory = true;
		ret->address = place.address;
		load(context, ret);
		return;
	case PLACE_BYTES:
		ret->reason = place.reason;
		ret->operation = place.operation;
		ret->bytes = place.bytes;
		ret->known = place.known;
		ret->count = place.size;
		return;
	case PLACE_POINTER:
		ret->reason = place.reason;
		ret->points = true;
		ret->target = place.target;
		ret->offset = place.offset;
		return;
	}
}

bool content_word(const struct content *content, uint64_t *ret)
{
	size_t count = content->size < sizeof *ret ? content->size : sizeof *ret;
	uint64_t word = 0;
	unsigned above = 64 - (unsigned)count * 8;

	if (!content->bytes || count == 0 || content->count < count)
		return false;
	for (size_t i = 0; content->known && i < count; i++)
		if (!content->known[i])
			return false;
	memcpy(&word, content->bytes, count);
	if (above > 0 && type_is_signed(&content->type))
		word = (uint64_t)((int64_t)(word << above) >> above);
	*ret = word;
	return true;
}

size_t string_at(const struct memory *memory, uint64_t address, char *buffer, size_t most,
				 int *ret_error)
{
	size_t length = 0, step = STEP;

	*ret_error = 0;
	while (length < most) {
		size_t count = step < most - length ? step : most - length, end;

		*ret_error = memory_read(memory, address + length, buffer + length, count);
		if (*ret_error < 0) {
			/* The string may end before the memory does. */
			if (count == 1)
				return length;
			step = count / 2;
			continue;
		}
		end = strnlen(buffer + length, count);
		length += end;
		if (end < count)
			return length;
	}
	return length;
}

/* ---- Parts ------------------------------------------------------------- */

/* `size` bytes from `offset` on: of the whole's bytes, else from memory. */
static void slice(const struct context *context, const struct content *whole, uint64_t offset,
				  struct content *part)
{
	part->reason = whole->reason;
	part->operation = whole->operation;
	if (whole->in_memory) {
		part->in_memory = true;
		part->address = whole->address + offset;
	}
	if (whole->bytes && offset <= whole->count && part->size <= whole->count - offset) {
		size_t known = 0;

		part->bytes = whole->bytes + offset;
		part->count = part->size;
		for (size_t i = 0; whole->known && i < part->count; i++)
			known += whole->known[offset + i];
		if (!whole->known || known == part->count)
			part->reason = LOCALS_COMPLETE;
		else if (known == 0)
			part->bytes = NULL;
		else
			part->known = whole->known + offset;
	} else if (whole->in_memory) {
		part->reason = LOCALS_COMPLETE;
		load(context, part);
	} else if (part->reason == LOCALS_COMPLETE) {
		/* A part beyond the end of the whole. */
		part->reason = LOCALS_UNSUPPORTED;
	}
}

/* The number of a bit-field: `content` has its storage. */
static void extract(const struct context *context, const struct member *member,
					struct content *content)
{
	uint8_t number[16] = {0};
	uint64_t size = type_size(context, &member->type);
	bool sign;

	content->type = member->type;
	content->size = size;
	content->bits = member->bits;
	if (!content->bytes)
		return;
	if (content->known || size > sizeof number || member->bits > size * 8) {
		/* Some of its bits are missing: as a number it is of no use. */
		if (!content->known)
			content->reason = LOCALS_UNSUPPORTED;
		content->bytes = content->known = NULL;
		return;
	}
	for (unsigned i = 0; i < member->bits; i++) {
		unsigned from = member->bit + i;

		if (content->bytes[from / 8] >> from % 8 & 1)
			number[i / 8] |= (uint8_t)(1u << i % 8);
	}
	sign = type_is_signed(&member->type) &&
		   number[(member->bits - 1) / 8] >> (member->bits - 1) % 8 & 1;
	for (unsigned i = member->bits; sign && i < size * 8; i++)
		number[i / 8] |= (uint8_t)(1u << i % 8);
	set_bytes(context, number, size, false, content);
}

void content_member(const struct context *context, const struct content *content,
					const struct member *member, struct content *ret)
{
	content_missing(&member->type, member->reason, ret);
	ret->flexible = member->flexible;
	if (member->reason != LOCALS_COMPLETE)
		return;
	ret->size =
		member->bits > 0 ? (member->bit + member->bits + 7) / 8 : type_size(context, &member->type);
	slice(context, content, member->offset, ret);
	if (member->bits > 0)
		extract(context, member, ret);
}

void content_element(const struct context *context, const struct content *content, uint64_t i,
					 struct content *ret)
{
	struct type type = type_target(&content->type);
	uint64_t offset;

	content_missing(&type, LOCALS_UNSUPPORTED, ret);
	ret->size = type_size(context, &type);
	if (__builtin_mul_overflow(ret->size, i, &offset))
		return;
	slice(context, content, offset, ret);
}

/* A variable that has no address, from `offset` on. */
static void follow(const struct context *context, const struct content *pointer,
				   const struct type *type, struct content *ret)
{
	struct context inner = *context;
	Dwarf_Die target = pointer->target;
	struct content whole;

	inner.depth++;
	content_missing(type, LOCALS_UNSUPPORTED, ret);
	ret->size = type_size(context, type);
	if (inner.depth > CONTEXTS_MOST || pointer->offset < 0)
		return;
	content_of(&inner, &target, &whole);
	slice(&inner, &whole, (uint64_t)pointer->offset, ret);
}

void content_target(const struct context *context, const struct content *content,
					struct content *ret)
{
	struct type type = type_target(&content->type);
	uint64_t address;

	if (content->points)
		follow(context, content, &type, ret);
	else if (content_word(content, &address))
		content_at(context, &type, object_address(context, &content->type, address), ret);
	else
		content_missing(&type, content->reason, ret);
}

static bool is_pointer(const struct type *type)
{
	return !type->is_void &&
		   (type->tag == DW_TAG_pointer_type || type->tag == DW_TAG_reference_type ||
			type->tag == DW_TAG_rvalue_reference_type);
}

uint64_t content_children(const struct context *context, const struct content *content)
{
	const struct type *type = &content->type;
	struct type target;
	uint64_t count, word;

	if (type->is_void)
		return 0;
	if (type_has_members(type))
		return type_member_count(type);
	if (type->tag == DW_TAG_array_type)
		return type_elements(context, type, &count) == LOCALS_COMPLETE ? count : 0;
	if (!is_pointer(type))
		return 0;
	target = type_target(type);
	if (target.is_void || type_is_function(&target) ||
		(!content->points && (!content_word(content, &word) || word == 0)))
		return 0;
	return type_has_members(&target) ? type_member_count(&target) : 1;
}

bool content_child(const struct context *context, const struct content *content, uint64_t i,
				   struct content *ret, const char **ret_name)
{
	struct content target;
	struct member member;

	if (i >= content_children(context, content))
		return false;
	*ret_name = NULL;
	if (content->type.tag == DW_TAG_array_type) {
		content_element(context, content, i, ret);
		return true;
	}
	if (is_pointer(&content->type)) {
		content_target(context, content, &target);
		if (!type_has_members(&target.type)) {
			*ret = target;
			return true;
		}
		content = &target;
	}
	if (!type_member(context, &content->type, i, &member))
		return false;
	content_member(context, content, &member, ret);
	*ret_name = member.name ? member.name : "";
	return true;
}

static bool named(const struct context *context, const struct content *content, const char *name,
				  unsigned depth, struct content *ret)
{
	struct member member = {0};

	if (depth > CONTEXTS_MOST)
		return false;
	while (type_next_member(context, &content->type, &member)) {
		struct content inner;

		if (member.name && strcmp(member.name, name) == 0) {
			content_member(context, content, &member, ret);
			return true;
		}
		if (member.name && dwarf_tag(&member.die) != DW_TAG_inheritance)
			continue;
		content_member(context, content, &member, &inner);
		if (named(context, &inner, name, depth + 1, ret))
			return true;
	}
	return false;
}

bool content_named(const struct context *context, const struct content *content, const char *name,
				   struct content *ret)
{
	return named(context, content, name, 0, ret);
}

enum locals_kind content_kind(const struct context *context, const struct content *content)
{
	const struct type *type = &content->type;
	struct type target;
	struct object object;
	uint64_t word;

	if (type->is_void)
		return LOCALS_OTHER;
	if (dynamic_is(type))
		return LOCALS_DYNAMIC;
	if (type_has_members(type))
		return type->tag == DW_TAG_union_type ? LOCALS_UNION : LOCALS_STRUCTURE;
	if (type_is_function(type))
		return LOCALS_FUNCTION;
	if (type->tag == DW_TAG_enumeration_type)
		return LOCALS_ENUMERATION;
	if (type->tag == DW_TAG_array_type || is_pointer(type)) {
		target = type_target(type);
		if (type_is_char(&target))
			return LOCALS_STRING;
		if (type->tag == DW_TAG_array_type)
			return LOCALS_ARRAY;
		if (type_is_function(&target))
			return LOCALS_FUNCTION;
		if (content_word(content, &word) && object_at(context, type, word, &object) &&
			!object.freed)
			return LOCALS_OBJECT;
		return LOCALS_POINTER;
	}
	switch (type_encoding(type)) {
	case DW_ATE_boolean:
		return LOCALS_BOOLEAN;
	case DW_ATE_float:
	case DW_ATE_complex_float:
		return LOCALS_FLOAT;
	case DW_ATE_signed:
	case DW_ATE_unsigned:
	case DW_ATE_signed_char:
	case DW_ATE_unsigned_char:
	case DW_ATE_UTF:
		return type_is_char(type) ? LOCALS_CHARACTER : LOCALS_INTEGER;
	default:
		return LOCALS_OTHER;
	}
}
