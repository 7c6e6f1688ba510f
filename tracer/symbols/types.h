#ifndef TRACER_SYMBOLS_TYPES_H
#define TRACER_SYMBOLS_TYPES_H
/*
 * types.h - C's types, as DWARF has them.
 *
 * Types refer to types; a corrupt file makes chains without end, and circles. So chains have a
 * bound, and so has how deep a type is written.
 */
#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "expression.h"

struct type {
	struct debug *debug; /* whose DWARF it is */
	bool is_void;        /* void, or not known: of what is below `die` alone may be valid */
	int tag;             /* of `bare` */
	Dwarf_Die die;       /* as it was written */
	Dwarf_Die bare;      /* without typedefs and qualifiers; of a structure that is only announced the
	                        complete one, if the module has it */
	unsigned dimension;  /* of an array: how many dimensions are taken off already */
	unsigned pointers;   /* it is a pointer to that, or to a pointer to it, ...: so often; then `tag` is
	                        that of a pointer */
	bool is_number;      /* a signed number of 64 bits, without a DIE */
};

/* Of a variable, member, function, pointer, array, ...: what its DW_AT_type says. */
struct type type_of(struct debug *debug, Dwarf_Die *die);
/* Of the DIE of a type. */
struct type type_at(struct debug *debug, Dwarf_Die *die);
/* What has no DIE: the type of numbers in expressions, and that of the address of something. */
struct type type_number(struct debug *debug);
struct type type_pointer(const struct type *type);
/* What it points to, or has elements of; a function: what it returns. */
struct type type_target(const struct type *type);

/* Its size in bytes; 0: not known, or none. */
uint64_t type_size(const struct context *context, const struct type *type);
/* The number of elements of an array. COMPLETE, or why it cannot be told: OPTIMISED_OUT where there is no
 * bound. */
enum locals_reason type_elements(const struct context *context, const struct type *type,
                                 uint64_t *ret);

/* DW_ATE_* of a base type, of an enumeration that of its numbers; 0: is none. */
unsigned type_encoding(const struct type *type);
bool type_is_signed(const struct type *type);
/* Plain char. */
bool type_is_char(const struct type *type);
/* The name of a structure or union without typedefs, of a base type; NULL: has none. */
const char *type_tag_name(const struct type *type);
bool type_has_members(const struct type *type);
/* It is declared, and defined nowhere in the module. */
bool type_is_announced(const struct type *type);
bool type_is_function(const struct type *type);

struct member {
	const char *name; /* NULL: has none */
	struct type type;
	Dwarf_Die die;
	unsigned bits; /* of a bit-field; 0: is none */
	unsigned bit;  /* of a bit-field: its first bit, from the byte at `offset` on: 0 to 7 */
	uint64_t offset;
	bool flexible; /* an array without a bound */
	enum locals_reason reason; /* COMPLETE: the offset is known */
};
/* Member `i` of a structure or union. false: it has no more. */
bool type_member(const struct context *context, const struct type *type, uint64_t i,
                 struct member *ret);
uint64_t type_member_count(const struct type *type);
/* One by one: `*at` is what was returned last; zeroed at first. */
bool type_next_member(const struct context *context, const struct type *type, struct member *at);

/* Calls `each` with the enumerators, until it returns false. */
void type_enumerators(const struct type *type,
                      bool (*each)(void *data, const char *name, int64_t value), void *data);

/* Appends the type as C writes it, filtered: "unsigned int", "void (*)(int, char *)". */
void type_text(const struct context *context, const struct type *type, char *text, size_t room);

#endif
