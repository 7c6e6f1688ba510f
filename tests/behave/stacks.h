#ifndef TESTS_BEHAVE_STACKS_H
#define TESTS_BEHAVE_STACKS_H
/* stacks.h - what a library has that stacks.c calls through. */
#include <stdint.h>

typedef uint64_t caller(uint64_t (*function)(uint64_t number), uint64_t number);

/* Calls the function with the number. */
caller stacks_call;

#endif
