#ifndef TRACER_MODULE_H
#define TRACER_MODULE_H
/*
 * module.h - one ELF file: its functions and, when it has them, its lines.
 *
 * The file is opened at once and kept open, so that a program that is built anew, or has
 * ended, is still read as it was started. Symbols and DWARF are read when first asked for;
 * a separate debug file is found by build-id or debuglink.
 *
 * Addresses here are the file's own (virtual addresses of the ELF file, before loading).
 */
#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct module;

/* Opens the ELF file `open_path`, which is called `path`. Not a regular file: -EINVAL;
 * not ELF: -ENOEXEC; else -errno. */
int module_open(const char *path, const char *open_path, struct module **ret);
/* Opens the file `path`, not through a symbolic link, if it has that build-id: -ESTALE: it has another
 * one, or none. */
int module_open_built(const char *path, const uint8_t *build_id, size_t length,
                      struct module **ret);
void module_close(struct module *module);

/* When the file was last written. */
struct timespec module_time(const struct module *module);
/* Its build-id: the number of bytes, at most `room`; 0: has none. */
size_t module_build_id(struct module *module, uint8_t *ret, size_t room);
/* The file's address of the byte at `offset` of the file. false: it is not loaded. */
bool module_address_of(struct module *module, uint64_t offset, uint64_t *ret);
/* Whether code is at that address. */
bool module_is_code(struct module *module, uint64_t address);

/* The file itself, owned by the module. */
Elf *module_elf(struct module *module);
/* Its DWARF, from a separate debug file if need be, owned by the module; NULL: has none. An address
 * of the DWARF is the file's own plus *ret_bias. */
Dwarf *module_dwarf(struct module *module, int64_t *ret_bias);

/* The compile unit that an address is of (it has the line table), and the tree of what is in it: the
 * same, or the one of a .dwo file. false: none, or no DWARF. */
bool module_unit(struct module *module, uint64_t address, Dwarf_Die *ret_unit,
                 Dwarf_Die *ret_tree);

/* What stands at an address. Strings are owned by the module. */
struct module_place {
	const char *function;  /* NULL: not known */
	uint64_t offset;       /* of the address in the function; valid when `file` is NULL */
	const char *file;      /* as the compiler was given it, or absolute; NULL: no line */
	const char *directory; /* where the compiler ran, NULL: not known */
	uint32_t line;         /* 0: not known */
};
/* Calls `each` with the directories where its units were compiled. */
void module_directories(struct module *module, void (*each)(void *data, const char *directory),
                        void *data);
/* 0, or -ENOENT when not even a function is known. */
int module_place(struct module *module, uint64_t address, struct module_place *ret);

#endif
