#ifndef TRACER_SYMBOLS_POINT_H
#define TRACER_SYMBOLS_POINT_H
/*
 * point.h - a point in the code: all that DWARF says of it, whoever stands there.
 *
 * Its scopes, outermost first, are cut into logical frames, innermost first:
 *
 *     scope    0 subprogram   1 block   2 inlined   3 block   4 inlined
 *     level    2 ───────────────────►   1 ────────────────►   0 ───────►
 */
#include <elfutils/libdw.h>
#include <stddef.h>
#include <stdint.h>
#include <tracer/locals.h>

struct names;

/* A module that has DWARF. */
struct debug {
	struct debug *next;    /* of the list in struct locals */
	struct module *module; /* borrowed from `symbols` */
	Dwarf *dwarf;          /* of module */
	uint64_t load;         /* the program's address = load + DWARF's */
	struct names *names;   /* owned; NULL: not made yet (names.h) */
};

/* One level of a point. */
struct point_frame {
	struct locals_frame frame; /* `physical` means nothing, `offset` is that of the point */
	unsigned scope, scope_end; /* its scopes: scope <= i < scope_end */
};

struct point {
	struct point *next;  /* of its bucket */
	unsigned references; /* by views */
	uint64_t look;       /* the program's address */
	struct debug *debug; /* NULL: there is no DWARF for it, hence no scopes */
	Dwarf_Addr address;  /* DWARF's */
	Dwarf_Die unit, tree;
	unsigned scope_count;
	unsigned frame_count;      /* at least 1 */
	Dwarf_Die *scope;          /* owned; [0] is the physical function */
	struct point_frame *frame; /* owned; [0] is the innermost */
};

enum { POINT_BUCKETS = 1024, POINTS_MOST = 1 << 14 };

struct locals {
	struct symbols *symbols;            /* borrowed, outlives it */
	struct debug *debugs;               /* owned */
	struct point *point[POINT_BUCKETS]; /* owned; by their look */
	size_t points;
};

/* What is known of an address of the program; NULL: memory is out. Valid until points_trim() or
 * points_forget(). */
struct point *point_at(struct locals *locals, uint64_t look);
/* When there are too many: frees those that no view refers to. */
void points_trim(struct locals *locals);
void points_forget(struct locals *locals);

/* A module's DWARF; NULL: it has none, or memory is out. */
struct debug *debug_of(struct locals *locals, const struct symbols_module *mapped);
/* That of the runtime, where it is a library of its own. */
struct debug *debug_of_runtime(struct locals *locals);

#endif
