#ifndef TRACER_UNWIND_PLAIN_H
#define TRACER_UNWIND_PLAIN_H
/*
 * plain.h - call frame information as libunwind reads it: whatever file it comes from, in one form.
 *
 * libunwind reads by address, a word at a time. What it reads here is a window of addresses where no
 * program has memory (the kernel's half), so that neither can be taken for the other:
 *
 *     PLAIN_BASE + 0    a table of one row, which leads to the FDE that was asked for last
 *                  8    CIE, FDE    of an entry that was asked for
 *                ...    CIE, FDE    of another one
 *
 * The CIE is of version 1 and the FDE has the program's own addresses, whole; both are followed by
 * nops up to a word. Nothing is taken out until all is.
 */
#include "cfi.h"

#define PLAIN_BASE UINT64_C(0xffffc00000000000)

enum { PLAIN_MOST = 16 << 20 }; /* bytes; some ten thousand functions */

struct plain {
	uint8_t *bytes; /* owned */
	size_t length, room;
};

/* Appends an entry whose addresses are the program's minus `bias`. *ret_offset: of its FDE.
 * 0, -ENOMEM, or -ENOSPC: there are too many, and all should be taken out. */
int plain_add(struct plain *plain, const struct cfi_entry *entry, uint64_t bias,
              uint32_t *ret_offset);
/* It is time to take all out. */
static inline bool plain_is_full(const struct plain *plain)
{
	return plain->length > PLAIN_MOST / 2;
}
/* Makes the table lead to an FDE. */
void plain_select(struct plain *plain, uint32_t offset);
void plain_done(struct plain *plain);

#endif
