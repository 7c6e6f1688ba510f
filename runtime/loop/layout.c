/*
 * layout.c - the table of layout.h.
 *
 * It is referred to by each thread's beginning, so that a program that is linked statically has it.
 */
#include "../core/body.h"
#include "../task/tasks.h"
#include "layout.h"

#if defined(__x86_64__)
enum { CORO_FRAME_HERE = CORO_FRAME_X86_64_V1 };
#elif defined(__aarch64__)
enum { CORO_FRAME_HERE = CORO_FRAME_AARCH64_V1 };
#endif

/* Used by the note, where the compiler does not see it. */
__attribute__((used)) struct coro__layout coro__layout = {.magic = CORO__LAYOUT_MAGIC,
														  .bytes = sizeof(struct coro__layout),
#define CORO__X(name, what) .name = what,
														  CORO__LAYOUT(CORO__X)
#undef CORO__X
};

/* Beside the probe's own note (runtime/probe/launch.c). */
#define STRING2(x) #x
#define STRING(x)  STRING2(x)
__asm__(".pushsection .note.coroscope, \"a\", %note\n"
		".balign 4\n"
		".long 10, 8, " STRING(CORO__LAYOUT_NOTE_TYPE) "\n"
													   ".asciz \"" CORO_NOTE_NAME "\"\n"
													   ".balign 4\n"
													   ".quad coro__layout - .\n"
													   ".popsection\n");

static uintptr_t thread_pointer(void)
{
	uintptr_t pointer;

#if defined(__x86_64__)
	__asm__("movq %%fs:0, %0" : "=r"(pointer));
#elif defined(__aarch64__)
	__asm__("mrs %0, tpidr_el0" : "=r"(pointer));
#endif
	return pointer;
}

/* These variables are at the same distance in all threads (tls_model initial-exec). */
void coro__layout_thread(void)
{
	__atomic_store_n(&coro__layout.thread_active, (uintptr_t)&coro__active - thread_pointer(),
					 __ATOMIC_RELAXED);
	__atomic_store_n(&coro__layout.thread_local_part, (uintptr_t)&coro__local - thread_pointer(),
					 __ATOMIC_RELAXED);
}
