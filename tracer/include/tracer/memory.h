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

#endif
