#ifndef TESTS_INLINED_H
#define TESTS_INLINED_H
/*
 * inlined.h - stands where the runtime's headers stand: what is inlined from here is told
 * as the line that called it.
 */
void symbols_here(void);

__attribute__((always_inline)) static inline void inlined_deeper(void)
{
	symbols_here();
	__asm__ volatile("" ::: "memory");
}

__attribute__((always_inline)) static inline void inlined_operation(void)
{
	inlined_deeper();
}

#endif
