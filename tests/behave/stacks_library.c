/* stacks_library.c - a frame in a library. */
#include "stacks.h"

__attribute__((noinline, visibility("default"))) uint64_t
stacks_call(uint64_t (*function)(uint64_t number), uint64_t number)
{
	volatile uint64_t numbers[8];
	uint64_t got;

	for (uint64_t i = 0; i < 8; i++)
		numbers[i] = number + i;
	got = function(number);
	return got + numbers[got % 8];
}
