/*
 * tools.c - tells sanitizers and Valgrind that the stack changes, keeps the control words
 * of the floating point unit apart where the options say so, and tells the probe which bodies rest
 * when a debugger wants their stacks.
 *
 * All of them are found at run time: the sanitizers' functions are weak, so that the same
 * library serves a program with and without them, and Valgrind's requests do nothing outside of
 * it. Valgrind only wants to know which stacks there are; where a sanitizer is there, or the
 * control words are to be kept, the thread is `careful`: every switch comes through here.
 */
#include <pthread.h>
#include "../core/body.h"
#include "context.h"

#ifdef __has_include
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#endif
#endif
#ifndef RUNNING_ON_VALGRIND
#define RUNNING_ON_VALGRIND                      0
#define VALGRIND_STACK_REGISTER(start, end)      0
#define VALGRIND_STACK_DEREGISTER(id)            (void)(id)
#define VALGRIND_MAKE_MEM_UNDEFINED(start, size) (void)(start)
#endif

#define WEAK __attribute__((weak))
WEAK void __sanitizer_start_switch_fiber(void **fake_stack, const void *bottom, size_t size);
WEAK void __sanitizer_finish_switch_fiber(void *fake_stack, const void **bottom, size_t *size);
WEAK void __asan_unpoison_memory_region(const volatile void *address, size_t size);
WEAK void *__tsan_get_current_fiber(void);
WEAK void *__tsan_create_fiber(unsigned flags);
WEAK void __tsan_destroy_fiber(void *fiber);
WEAK void __tsan_switch_to_fiber(void *fiber, unsigned flags);

#if defined(__clang__)
#define UNINSTRUMENTED __attribute__((noinline, no_sanitize("thread", "address")))
#else
#define UNINSTRUMENTED __attribute__((noinline, no_sanitize("thread"), no_sanitize("address")))
#endif

unsigned coro__tools_present(void)
{
	if (__sanitizer_start_switch_fiber || __tsan_switch_to_fiber)
		return CORO__TOOLS_STACKS | CORO__TOOLS_SWITCHES;
	return RUNNING_ON_VALGRIND ? CORO__TOOLS_STACKS : 0;
}

void coro__tools_adopt(struct coro_generator *body)
{
	body->tool[0] = body->tool[1] = NULL;
	if (__tsan_create_fiber)
		body->tool[0] = __tsan_create_fiber(0);
	if (RUNNING_ON_VALGRIND)
		body->tool[1] =
			(void *)(uintptr_t)(VALGRIND_STACK_REGISTER(body->stack, body->stack_base) + 1);
}

void coro__tools_release(struct coro_generator *body)
{
	size_t size = (size_t)((char *)body->stack_base - (char *)body->stack);

	if (body->tool[1]) {
		VALGRIND_STACK_DEREGISTER((uintptr_t)body->tool[1] - 1);
		/* What was below the stack pointer counts as lost. */
		VALGRIND_MAKE_MEM_UNDEFINED(body->stack, size);
	}
	if (__tsan_destroy_fiber && body->tool[0])
		__tsan_destroy_fiber(body->tool[0]);
	/* Functions that never returned have left their red zones. */
	if (__asan_unpoison_memory_region)
		__asan_unpoison_memory_region(body->stack, size);
	body->tool[0] = body->tool[1] = NULL;
}

struct control_words {
#if defined(__x86_64__)
	uint32_t mxcsr;
	uint16_t x87;
#elif defined(__aarch64__)
	uint64_t fpcr;
#endif
};

static inline void save_control(struct control_words *words)
{
#if defined(__x86_64__)
	__asm__ volatile("stmxcsr %0" : "=m"(words->mxcsr));
	__asm__ volatile("fnstcw %0" : "=m"(words->x87));
#elif defined(__aarch64__)
	__asm__ volatile("mrs %0, fpcr" : "=r"(words->fpcr));
#endif
}

static inline void restore_control(const struct control_words *words)
{
#if defined(__x86_64__)
	__asm__ volatile("ldmxcsr %0" : : "m"(words->mxcsr));
	__asm__ volatile("fldcw %0" : : "m"(words->x87));
#elif defined(__aarch64__)
	__asm__ volatile("msr fpcr, %0" : : "r"(words->fpcr));
#endif
}

/* A stack is entered: the address sanitizer tells what was left, and when that was the thread's
 * own, this is where its bounds become known. */
static void arrived(void *fake_stack)
{
	struct coro__local *local = &coro__local;
	const void *bottom = NULL;
	size_t size = 0;

	if (!__sanitizer_finish_switch_fiber)
		return;
	__sanitizer_finish_switch_fiber(fake_stack, &bottom, &size);
	if (local->left_thread_stack) {
		local->thread_stack_bottom = bottom;
		local->thread_stack_size = size;
		local->left_thread_stack = false;
	}
}

void coro__tools_arrived(void)
{
	if (coro__active.careful)
		arrived(NULL);
}

void coro__rests(struct coro_generator *from, void *sp)
{
	from->sp = sp;
	coro_probe_rests(&from->object, sp, (size_t)((char *)from->stack_base - (char *)sp));
}

/* `from`: whose stack is wanted; NULL: nobody's. */
static inline coro_value switch_stack(struct coro_generator *from, void **save_sp, void *sp,
									  coro_value value)
{
	return CORO__UNLIKELY(from != NULL) ? coro__switch_kept(save_sp, sp, value, from)
										: coro__switch(save_sp, sp, value);
}

/* Nothing else may stand between telling the thread sanitizer and switching. */
UNINSTRUMENTED static coro_value switch_fiber(struct coro_generator *from, void **save_sp, void *sp,
											  coro_value value, void *fiber)
{
	if (fiber)
		__tsan_switch_to_fiber(fiber, 0);
	return switch_stack(from, save_sp, sp, value);
}

UNINSTRUMENTED static coro_value switch_carefully(struct coro_generator *from, void **save_sp,
												  struct coro_generator *to, void *sp,
												  coro_value value, bool ends,
												  struct coro_generator *wanted)
{
	struct coro__local *local = &coro__local;
	struct control_words words;
	void *fake_stack = NULL, *fiber = NULL;

	save_control(&words);
	if (__tsan_switch_to_fiber) {
		if (!from)
			local->thread_fiber = __tsan_get_current_fiber();
		fiber = to ? to->tool[0] : local->thread_fiber;
	}
	if (__sanitizer_start_switch_fiber) {
		const void *bottom = to ? to->stack : local->thread_stack_bottom;
		size_t size =
			to ? (size_t)((char *)to->stack_base - (char *)to->stack) : local->thread_stack_size;

		local->left_thread_stack = !from;
		__sanitizer_start_switch_fiber(ends ? NULL : &fake_stack, bottom, size);
	}
	value = switch_fiber(wanted, save_sp, sp, value, fiber);
	arrived(fake_stack);
	if (local->own_fpu_control)
		restore_control(&words);
	return value;
}

UNINSTRUMENTED coro_value coro__switch_told(struct coro_generator *from, void **save_sp,
											struct coro_generator *to, void *sp, coro_value value,
											bool ends)
{
	struct coro_generator *wanted = NULL;

	if (coro_probe_stacks() != CORO_STACKS_NONE) {
		wanted = from && from->stack_base && !ends ? from : NULL;
		if (to)
			coro_probe_runs(&to->object);
	}
	if (CORO__LIKELY(!coro__active.careful))
		return switch_stack(wanted, save_sp, sp, value);
	return switch_carefully(from, save_sp, to, sp, value, ends, wanted);
}
