#ifndef TRACER_UNWIND_H
#define TRACER_UNWIND_H
/*
 * unwind.h - from the registers of a suspended body to its frames.
 *
 * A body that does not run is a saved stack pointer; at it stand the registers that
 * coro__switch saved, in the layout that the beacon's frame_version names (trace_abi.h).
 * From there libunwind walks outward by the call frame information of the ELF files, until
 * coro__trampoline, which has no caller and says so.
 *
 * Registers go by their DWARF numbers (System V psABI): on x86-64 0 rax, 1 rdx, 2 rcx, 3 rbx,
 * 4 rsi, 5 rdi, 6 rbp, 7 rsp, 8 to 15, 16 the return address.
 *
 * Threads: one at a time.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "memory.h"
#include "symbols.h"

enum { UNWIND_REGISTERS = 17, UNWIND_REGISTER_SP = 7, UNWIND_REGISTER_PC = 16 };

/* A register means something if and only if its bit in `known` is set: one that the callee did
 * not save is not known, never guessed. */
struct unwind_registers {
	uint64_t value[UNWIND_REGISTERS];
	uint32_t known; /* bit i: value[i] */
};

/* A physical frame: a call that has not returned. */
struct unwind_frame {
	uint64_t pc;   /* where it goes on */
	uint64_t look; /* an address inside of the call that it waits for, to be looked up: pc - 1; where
	                  a signal interrupted it, pc itself */
	uint64_t cfa;  /* canonical frame address: the stack pointer before it was called; 0: not known */
	struct unwind_registers registers; /* as they will be when it goes on */
};

/* Why a walk ended. */
enum unwind_end {
	UNWIND_COMPLETE,   /* at the trampoline, or at a frame that says it has no caller */
	UNWIND_NO_MODULE,  /* at a pc in no known module */
	UNWIND_NO_FILE,    /* at a pc in a module whose file cannot be read, or must not */
	UNWIND_NO_RULES,   /* at code without call frame information */
	UNWIND_UNREADABLE, /* the stack, or what it refers to, could not be read */
	UNWIND_BROKEN,     /* the stack does not grow outward: it was written over, or is no stack */
	UNWIND_TOO_DEEP,   /* the room is full */
};
/* In general words, without newline: "complete", "the stack is broken here". See
 * unwinder_end_text(). */
const char *unwind_end_text(enum unwind_end end);

struct unwinder;

/* For the modules of `symbols`, which must outlive it. -ENOTSUP: not for programs of this
 * machine (unwinding is done by code of one architecture). */
int unwinder_new(struct symbols *symbols, struct unwinder **ret);
void unwinder_free(struct unwinder *unwinder);
/* A module took the place of another one, or all are another process's now: what is known of their
 * files is forgotten. That modules were added is seen without it. */
void unwinder_forget(struct unwinder *unwinder);

/* The registers with which the body goes on that suspended at `sp`, one frame out of the
 * switch: read from memory, by the beacon's `frame_version` (CORO_FRAME_*). -ENOTSUP: a layout
 * that is not known here; else as memory_read(). */
int unwind_suspended(const struct memory *memory, uint32_t frame_version, uint64_t sp,
                     struct unwind_registers *ret);

/* Walks outward from `from`, innermost frame first, at most `room` frames. Returns how many, or
 * -errno; *ret_end: why there are no more. The first frame's pc is a return address too. */
int unwind(struct unwinder *unwinder, const struct memory *memory,
           const struct unwind_registers *from, struct unwind_frame *ret, size_t room,
           enum unwind_end *ret_end);

/* In the words of the last walk, which ended so: "no call frame information for 0x4011f2 in
 * libfoo.so", "libfoo.so: changed since the recording". One line; valid until the next call. */
const char *unwinder_end_text(struct unwinder *unwinder, enum unwind_end end);

#endif
