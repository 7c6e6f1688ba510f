#ifndef TRACER_SYMBOLS_H
#define TRACER_SYMBOLS_H
/*
 * symbols.h - from a program counter to function, file, line and source text.
 *
 * A site is the low 32 bits of a program counter. With the module map of the trace it
 * becomes a place in an ELF file, and libdw tells its line. What was resolved is put
 * into the trace (trace_append_site), and so is the text of its source file, so that a
 * trace needs neither when it is replayed elsewhere.
 *
 * Threads: one at a time.
 */
#include <stdbool.h>
#include <stdint.h>
#include "trace.h"

struct symbols;
struct module;

/* For the modules and sites of a trace, which must outlive it. `trust_files`: the
 * trace's modules are this machine's (a live session): ELF files and source files may be
 * opened. Otherwise only what the trace holds is used. */
int symbols_new(struct trace *trace, bool trust_files, struct symbols **ret);
void symbols_free(struct symbols *symbols);

/* Reads the modules of a live process from /proc/PID/maps and appends those that are
 * new to the trace. Returns how many are new, or -errno. */
int symbols_add_modules(struct symbols *symbols, uint32_t pid);

/* For a trace that is looked at without its program: opens the files of its modules. One is used
 * if and only if it is a regular file with the build-id that was recorded: then it is the
 * file that ran. Returns how many are, or -errno. */
int symbols_open_modules(struct symbols *symbols);

/* A file that the program has mapped. Its addresses are the program's minus `bias`. */
struct symbols_module {
	const char *path; /* owned by `symbols` */
	uint64_t start, end, bias;
	struct module *module; /* module.h; owned by `symbols`; NULL: could not be opened, or must not be */
	const char *reason;    /* when there is no module: why, a line of text; else NULL */
};
/* That which has an address: the one that was added last, if an earlier one was unloaded. 0, or
 * -ENOENT. Valid until modules are added, its strings and its module as long as `symbols`. */
int symbols_module_at(struct symbols *symbols, uint64_t address, struct symbols_module *ret);
/* The i-th one, as valid as that. 0, or -ENOENT: there are no more. */
int symbols_module(struct symbols *symbols, size_t i, struct symbols_module *ret);

/* A place in the program. Pointers are valid as long as `symbols`. */
struct symbols_place {
	const char *function; /* NULL: not known; "NAME+0x1f" when the line is not known */
	const char *file;     /* as the compiler wrote it; NULL: not known */
	const char *base;     /* the last part of `file`; NULL */
	uint32_t line;        /* 0: not known */
	bool ambiguous;       /* two modules that link the probe could be meant: nothing else is set */
};

/* `site` of an event: a pc's low bits, or a string id "FILE:LINE FUNCTION" when
 * `is_string`. A pc is a return address: the place is that of the call before it.
 * Returns 0, or -ENOENT when nothing is known (all fields empty). Found places are
 * appended to the trace once. */
int symbols_place(struct symbols *symbols, uint32_t site, bool is_string, struct symbols_place *ret);

/* "channel.c:12", or "internal+0x1f", or "0x4011f2", or "" for no site; filtered of
 * what could drive a terminal. Valid until the next call. */
const char *symbols_text(struct symbols *symbols, uint32_t site, bool is_string);

/* Line `line` (from 1) of a source file: pointer and length without the newline. Found in
 * the trace, else (trust_files) on disk, and then appended to the trace. -ENOENT. */
int symbols_source_line(struct symbols *symbols, const char *file, uint32_t line,
                        const char **ret, size_t *ret_length);
/* How many lines the file has, or -ENOENT. */
int symbols_source_lines(struct symbols *symbols, const char *file);
/* The name by which the functions above know a source file that DWARF of `module` calls `file`, and
 * that was compiled in `directory` (NULL: not known). Owned by `symbols`; NULL when memory is out. */
const char *symbols_source_name(struct symbols *symbols, const struct module *module,
                                const char *file, const char *directory);
/* The file's text is not that of the build (newer than the program). */
bool symbols_source_changed(struct symbols *symbols, const char *file);

/* What kind of program a path is, before it is started. */
enum symbols_program {
	SYMBOLS_TRACEABLE,  /* links the probe, by itself or through a library that it needs */
	SYMBOLS_NO_PROBE,   /* an ELF program that does not */
	SYMBOLS_NOT_ELF,    /* a script, perhaps */
	SYMBOLS_INCOMPLETE, /* as NO_PROBE, but a library that it needs was not found: it may be there */
};
/* Reads the ELF note of the program and of its DT_NEEDED libraries. -errno: cannot be read. */
int symbols_program_kind(const char *path, enum symbols_program *ret);

#endif
