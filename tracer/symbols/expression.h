#ifndef TRACER_SYMBOLS_EXPRESSION_H
#define TRACER_SYMBOLS_EXPRESSION_H
/*
 * expression.h - DWARF's expressions: where a variable is, or what a number is, in a frame.
 *
 * An expression is a program of a small stack machine, which may read registers and memory and jump
 * backwards. Whatever it does costs effort, of which there is so much for one variable, with all
 * that its expressions refer to.
 */
#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "arena.h"
#include "point.h"

/* Where an expression is evaluated. */
struct context {
	struct locals *locals;
	const struct locals_stack *stack;
	size_t physical;           /* LOCALS_NOWHERE: in no frame */
	const struct point *point; /* of that frame, NULL: in none */
	struct debug *debug;       /* whose expressions these are */
	struct arena *arena;       /* where results go */
	unsigned depth;            /* of contexts that led to this one */
	unsigned *effort;          /* what is left, shared with these */
};
enum { CONTEXTS_MOST = 16, EFFORT_MOST = 100000 };

/* false: the effort is spent. */
bool context_spend(const struct context *context, unsigned effort);

/* Where something is. */
enum place_kind {
	PLACE_MISSING, /* nowhere, for a reason */
	PLACE_MEMORY,  /* at an address */
	PLACE_BYTES,   /* in registers, or it is computed: its bytes */
	PLACE_POINTER, /* it is a pointer to something that has no address */
};
struct place {
	enum place_kind kind;
	enum locals_reason reason; /* MISSING: why; BYTES: why the first of those that are not known */
	uint8_t operation;         /* UNSUPPORTED: which operation of DWARF; 0: none */
	uint64_t address;          /* MEMORY */
	uint8_t *bytes;            /* BYTES; of the context's arena */
	uint8_t *known;            /* of each of them; NULL: all are */
	size_t size;
	Dwarf_Die target;      /* POINTER: the variable */
	Dwarf_Sword offset;    /* in it */
};

/* Evaluates the location that an attribute has here, of something of so many bytes. */
void expression_place(const struct context *context, Dwarf_Attribute *attribute, size_t size,
                      struct place *ret);
/* Evaluates it as a number; `pushed`, if not NULL, is on the stack before. */
enum locals_reason expression_number(const struct context *context, Dwarf_Attribute *attribute,
                                     const uint64_t *pushed, uint64_t *ret);
/* A number that is a constant, an expression, or another DIE (a variable): bounds of arrays. */
enum locals_reason attribute_number(const struct context *context, Dwarf_Attribute *attribute,
                                    uint64_t *ret);

/* What register `number` was when the frame's function was called: entry_value.c. */
enum locals_reason entry_value(const struct context *context, unsigned number, uint64_t *ret);
/* What was passed for a parameter: the same by its DIE. */
enum locals_reason entry_parameter(const struct context *context, Dwarf_Die *parameter,
                                   uint64_t *ret);

#endif
