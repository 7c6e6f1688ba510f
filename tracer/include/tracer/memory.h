#ifndef TRACER_MEMORY_H
#define TRACER_MEMORY_H
/*
 * memory.h - the memory of a program, wherever it is: the process itself, the bytes that a
 * trace has of a stack, or what the ELF files say of it.
 *
 * The unwinder and the evaluator of locals see nothing else, so that a live program and a
 * recorded moment are read by the same code. Whatever is read is hostile: a reader checks it.
 */
#include <stddef.h>
#include <stdint.h>
#include "symbols.h"

struct memory {
	/* Copies `length` bytes at `address`. All of them, or none: 0; -EFAULT: the program has no
	 * memory there; -ENODATA: it may have had, but that was not recorded; else -errno. */
	int (*read)(void *data, uint64_t address, void *buffer, size_t length);
	void *data; /* borrowed */
};

static inline int memory_read(const struct memory *memory, uint64_t address, void *buffer,
                              size_t length)
{
	return memory->read(memory->data, address, buffer, length);
}

/* ---- A process ----------------------------------------------------------- */

/* What was read of it is kept, by pages, until it is dropped: what belongs together is read between
 * two drops. Whoever drops once the program may have gone on sees no page that is older. */
struct memory_process;

/* Of a process that may be traced by this user. Reading fails with -ESRCH when it has ended, with
 * -EPERM when it is another user's. 0 or -ENOMEM. */
int memory_process_new(uint32_t pid, struct memory_process **ret);
void memory_process_free(struct memory_process *process);
/* Its reader; owned by `process`. */
const struct memory *memory_of_process(struct memory_process *process);
void memory_process_drop(struct memory_process *process);

/* A piece of memory to copy. */
struct memory_piece {
	uint64_t address;
	void *buffer; /* borrowed; room for `length` bytes */
	size_t length;
	int result; /* as of memory_read() */
};
/* Copies pieces as they are now, past what is kept, with few calls of the system: for many stacks. */
void memory_process_copy(struct memory_process *process, struct memory_piece *pieces, size_t count);

/* ---- Bytes, and what is behind them -------------------------------------- */

/* Bytes that are known to have been at an address, and for all else another memory: a stack that was
 * copied from a process, or recorded. */
struct memory_bytes {
	uint64_t address;
	const void *bytes; /* borrowed */
	size_t length;
	const struct memory *rest; /* borrowed; NULL: all else is -ENODATA */
};
/* As memory; `bytes` must outlive it. */
struct memory memory_of_bytes(struct memory_bytes *bytes);

/* What the program's files say of its memory: the loaded segments that cannot be written. All else is
 * -ENODATA. */
struct memory memory_of_files(struct symbols *symbols);

#endif
