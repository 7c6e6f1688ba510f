#ifndef TRACER_SYMBOLS_LINES_H
#define TRACER_SYMBOLS_LINES_H
/*
 * lines.h - from an address to function, file and line, through DWARF.
 *
 * An address that was inlined from one of coroscope's own headers is told as the place in
 * the program that called it: `coro_yield(x)` is a line of the program, whatever that
 * expands to.
 */
#include <elfutils/libdw.h>
#include <stddef.h>
#include <stdint.h>

struct lines;
struct units;

/* Of a Dwarf, which must outlive it. */
int lines_new(Dwarf *dwarf, struct lines **ret);
void lines_free(struct lines *lines);
/* The units of that Dwarf, owned by `lines`. */
struct units *lines_units(struct lines *lines);

/* Strings are owned by the Dwarf. */
struct lines_place {
	const char *function;  /* NULL: not known */
	const char *file;      /* NULL: not known */
	const char *directory; /* where the compiler ran; NULL: not known */
	uint32_t line;         /* 0: not known */
};
/* 0, or -ENOENT. */
int lines_find(struct lines *lines, Dwarf_Addr address, struct lines_place *ret);
/* Calls `each` with the directory where each unit was compiled. */
void lines_directories(struct lines *lines, void (*each)(void *data, const char *directory),
                       void *data);

#endif
