#ifndef TRACER_SYMBOLS_SCOPES_H
#define TRACER_SYMBOLS_SCOPES_H
/*
 * scopes.h - the functions and blocks around an address.
 *
 * It is the physical chain, also where a function was inlined from another unit:
 *
 *     general()                 subprogram           general.c  (line table of the caller)
 *       internal()              inlined_subroutine   called at general.c:20
 *         { ... }               lexical_block
 *           coro_yield_int()    inlined_subroutine   called at general.c:12
 *             <address>                              coroscope/generator.h:88
 *
 * libdw's own dwarf_getscopes() goes on with the scopes of the inlined function's definition, and
 * finds nothing when that is in another unit, as it is after link-time optimisation.
 */
#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stdint.h>

enum { SCOPES_MOST = 64 }; /* those deeper are not followed */

struct scopes {
	Dwarf_Die die[SCOPES_MOST]; /* outermost first */
	unsigned count;
};

/* In the tree of a unit. Empty when there are none. */
void scopes_find(Dwarf_Die *tree, Dwarf_Addr address, struct scopes *ret);
/* A function, inlined or not, and no block. */
bool scope_is_function(Dwarf_Die *scope);

/* Where an inlined subroutine was called; `tree` is that of its unit. Strings are owned by the
 * Dwarf. */
struct scope_call {
	const char *file;
	uint32_t line;
	uint32_t column; /* 0: not known */
};
bool scope_call(Dwarf_Die *tree, Dwarf_Die *scope, struct scope_call *ret);

/* The file where a function or variable was declared; NULL: not known. */
const char *scope_declared(Dwarf_Die *die);

/* The file is one of the runtime's public headers. */
bool is_own_header(const char *file);

#endif
