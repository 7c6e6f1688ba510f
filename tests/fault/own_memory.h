#ifndef OWN_MEMORY_H
#define OWN_MEMORY_H
/*
 * own_memory.h - included before all else in the files of a test whose own memory never fails and is
 * not counted: there the C library's names are those behind the linker's --wrap.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void __real_free(void *memory);

void faults_leave(int status) __attribute__((noreturn));

#define _Exit(status)                         faults_leave(status)
#define malloc(size)                          __real_malloc(size)
#define calloc(count, size)                   __real_calloc((count), (size))
#define realloc(memory, size)                 __real_realloc((memory), (size))
#define free(memory)                          __real_free(memory)

#endif
