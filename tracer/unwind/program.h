#ifndef TRACER_UNWIND_PROGRAM_H
#define TRACER_UNWIND_PROGRAM_H
/*
 * program.h - whether a call frame program (DWARF 5, section 6.4.2) may be run.
 *
 * libunwind, which runs it, believes what it reads: a register number indexes an array, a division
 * divides, a branch goes where it says. So that no file can lead it astray, only those programs are
 * given to it that
 *
 *   - end where they say, instruction by instruction, and operand by operand;
 *   - name registers of the processor alone (0 to 16);
 *   - use instructions that libunwind has: no set_loc, no val_offset;
 *   - do not remember more than 16 states, and none in which it is not said where the frame is;
 *   - have expressions that go straight on, and do not divide.
 *
 * No compiler or assembler for x86-64 writes others.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether it may. *defined: whether it is said where the frame is, by a program before this one, and
 * then for every instruction that this one is about. Unchanged if it may not be run. */
bool program_check(const uint8_t *program, size_t length, bool *defined);

#endif
