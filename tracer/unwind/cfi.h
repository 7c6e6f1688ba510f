#ifndef TRACER_UNWIND_CFI_H
#define TRACER_UNWIND_CFI_H
/*
 * cfi.h - the call frame information of one ELF file.
 *
 * It stands in .eh_frame, and in .debug_frame, which may be in a separate debug file. Both are
 * lists of entries: a CIE says what many functions have in common, an FDE the rest of one.
 *
 *     .eh_frame    | CIE | FDE | FDE | CIE | FDE | ...          sorted table
 *                      ^─────┘                       ──────►    start, end, where its FDE is
 *
 * Which FDE an address belongs to is looked up in a table that is made once. The file's own such
 * table, .eh_frame_hdr, is not used: a program may have none, and one that is there may be wrong.
 * .debug_frame is read when .eh_frame does not know an address.
 *
 * Addresses here are the file's own. What is handed out was checked (program.h).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tracer/module.h>

struct cfi;

/* Of a module, which must outlive it. -ENOTSUP: not a file for x86-64. */
int cfi_new(struct module *module, struct cfi **ret);
void cfi_free(struct cfi *cfi);

/* How to find the caller of a function. Programs are owned by the module. */
struct cfi_entry {
	uint64_t start, end; /* the code */
	uint64_t code_align;
	int64_t data_align;
	bool signal_frame;      /* a handler's trampoline: what it returns to was interrupted */
	const uint8_t *initial; /* program of the CIE */
	size_t initial_length;
	const uint8_t *program; /* program of the FDE */
	size_t program_length;
};
/* -ENOENT: there is none for that address; -EBADMSG: there is, but it cannot be used. */
int cfi_find(struct cfi *cfi, uint64_t address, struct cfi_entry *ret);

#endif
