/*
 * objects.c - what is coroscope's own: handles of its objects, and coro_value.
 *
 * A handle is an address with 16 bits above it, the generation of the memory (handle.h of the
 * runtime); behind the address is a struct coro_object, and 16 bytes before that the generation
 * that the memory has now. So a handle of an object that was freed is known for one.
 */
#include "names.h"
#include "value.h"

#include <coroscope/trace_abi.h>
#include <dwarf.h>
#include <string.h>

enum { FIRST_MOST = 4, HANDLE_BITS = 48, SLOT = 16 };

/* Whether a structure begins with a struct coro_object, or is one of the library's that are
 * announced only. */
static bool is_object_type(const struct context *context, const struct type *type)
{
	struct type inner = *type;

	for (unsigned i = 0; i < FIRST_MOST && type_has_members(&inner); i++) {
		const char *name = type_tag_name(&inner);
		struct member first = {0};

		if (name && strcmp(name, "coro_object") == 0)
			return true;
		if (!type_next_member(context, &inner, &first))
			return name && strncmp(name, "coro_", 5) == 0;
		inner = first.type;
	}
	return false;
}

static bool is_handle(const struct context *context, const struct type *pointer)
{
	struct type target;

	if (pointer->is_void || pointer->tag != DW_TAG_pointer_type)
		return false;
	target = type_target(pointer);
	return is_object_type(context, &target);
}

uint64_t object_address(const struct context *context, const struct type *pointer, uint64_t handle)
{
	if (handle >> HANDLE_BITS == 0 || !is_handle(context, pointer))
		return handle;
	return handle & ((UINT64_C(1) << HANDLE_BITS) - 1);
}

/* The object at an address. */
static bool read_object(const struct memory *memory, uint64_t address, struct object *ret)
{
	struct coro_object object;
	uint64_t name;
	int error;

	if (memory_read(memory, address, &object, sizeof object) < 0 ||
		object.magic != CORO_OBJECT_MAGIC || object.kind == 0 || object.kind >= CORO_OBJECT_LIMIT)
		return false;
	*ret = (struct object){.serial = object.serial, .kind = object.kind};
	memcpy(&name, &object.name, sizeof name);
	if (name != 0)
		(void)string_at(memory, name, ret->name, sizeof ret->name - 1, &error);
	return true;
}

bool object_at(const struct context *context, const struct type *pointer, uint64_t handle,
			   struct object *ret)
{
	const struct memory *memory = context->stack->memory;
	uint64_t generation = handle >> HANDLE_BITS, key;
	uint64_t address = handle & ((UINT64_C(1) << HANDLE_BITS) - 1);

	if (address == 0 || !is_handle(context, pointer))
		return false;
	if (generation > 0 && memory_read(memory, address - SLOT, &key, sizeof key) == 0 &&
		key >> HANDLE_BITS != generation) {
		*ret = (struct object){.freed = true};
		return true;
	}
	return read_object(memory, address, ret);
}

/* ---- coro_value -------------------------------------------------------- */

bool dynamic_is(const struct type *type)
{
	const char *name = type_has_members(type) ? type_tag_name(type) : NULL;

	return name && strcmp(name, "coro_value") == 0;
}

bool dynamic_read(const struct context *context, const struct content *content, struct dynamic *ret)
{
	struct content tag, word;

	return content_named(context, content, "tag", &tag) &&
		   content_named(context, content, "integer", &word) && tag.size == sizeof ret->tag &&
		   word.size == sizeof ret->word && content_word(&tag, &ret->tag) &&
		   content_word(&word, &ret->word);
}

uint64_t dynamic_serial(const struct dynamic *value)
{
	return (value->tag & 15) == CORO_VALUE_OBJECT ? value->tag >> 8 : 0;
}

bool dynamic_object(const struct context *context, const struct dynamic *value, struct object *ret)
{
	return read_object(context->stack->memory, value->word, ret) && ret->serial == value->tag >> 8;
}

static bool find_exception(struct debug *debug, struct type *ret)
{
	Dwarf_Die found;

	if (!debug)
		return false;
	if (!debug->names)
		debug->names = names_new(debug->dwarf);
	if (!debug->names || !names_find(debug->names, NAMES_TYPE, "coro_exception", &found))
		return false;
	*ret = type_at(debug, &found);
	return true;
}

bool dynamic_exception(const struct context *context, struct type *ret)
{
	return find_exception(context->debug, ret) ||
		   find_exception(debug_of_runtime(context->locals), ret);
}
