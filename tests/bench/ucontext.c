/* ucontext.c - the C library's contexts: each switch saves the signal mask in the kernel. */
#include "subject.h"

#include <stdlib.h>
#include <ucontext.h>

static ucontext_t outside; /* whoever resumes */
static uint64_t yielded;   /* what came up */

/* getcontext() may return twice, as far as the compiler knows: so it stands alone. */
static __attribute__((noinline)) void make_on(ucontext_t *context, void *stack, void (*body)(void))
{
	getcontext(context);
	context->uc_stack.ss_sp = stack;
	context->uc_stack.ss_size = STACK_BYTES;
	context->uc_link = &outside;
	makecontext(context, body, 0);
}

static void make(ucontext_t *context, void (*body)(void))
{
	void *stack = malloc(STACK_BYTES);

	if (!stack)
		abort();
	make_on(context, stack, body);
}

/* ---- Generators -------------------------------------------------------- */

static ucontext_t generator;

static void forever(void)
{
	for (uint64_t i = 0;; i++) {
		yielded = i;
		swapcontext(&generator, &outside);
	}
}

static void resume_yield(uint64_t count)
{
	uint64_t sum = 0;

	if (!generator.uc_stack.ss_sp)
		make(&generator, forever);
	for (uint64_t i = 0; i < count; i++) {
		swapcontext(&outside, &generator);
		sum += yielded;
	}
	keep(sum);
}

static void at_once(void)
{
	yielded = 1;
}

static void create_destroy(uint64_t count)
{
	static char stack[STACK_BYTES];
	static ucontext_t context;

	for (uint64_t i = 0; i < count; i++) {
		make_on(&context, stack, at_once);
		swapcontext(&outside, &context);
	}
}

/* ---- Tasks: contexts that take turns ----------------------------------- */

static ucontext_t tasks[100];
static unsigned running;

static void switching(void)
{
	for (;;)
		swapcontext(&tasks[running], &outside);
}

static void task_switch(unsigned count_of_tasks, uint64_t count)
{
	for (unsigned i = 0; i < count_of_tasks; i++)
		if (!tasks[i].uc_stack.ss_sp)
			make(&tasks[i], switching);
	for (uint64_t i = 0; i < count; i++) {
		swapcontext(&outside, &tasks[running]);
		running = running + 1 < count_of_tasks ? running + 1 : 0;
	}
	running = 0;
}

static void task_switch_2(uint64_t count)
{
	task_switch(2, count);
}

static void task_switch_100(uint64_t count)
{
	task_switch(100, count);
}

const struct subject subject_ucontext = {
	.name = "ucontext",
	.resume_yield = resume_yield,
	.create_destroy = create_destroy,
	.task_switch_2 = task_switch_2,
	.task_switch_100 = task_switch_100,
};
