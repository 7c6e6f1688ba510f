/*
 * boost.c - Boost.Context's fcontext: the bare switch under its C++ classes, by its own
 * three functions.
 */
#include "subject.h"

#include <stddef.h>
#include <stdlib.h>

struct transfer {
	void *from; /* the context that jumped */
	void *data;
};
struct transfer jump_fcontext(void *to, void *data);
void *make_fcontext(void *stack_top, size_t size, void (*body)(struct transfer));

static void *make(void (*body)(struct transfer))
{
	char *stack = malloc(STACK_BYTES);

	if (!stack)
		abort();
	return make_fcontext(stack + STACK_BYTES, STACK_BYTES, body);
}

/* ---- Generators -------------------------------------------------------- */

static void forever(struct transfer outside)
{
	for (uintptr_t i = 0;; i++)
		outside = jump_fcontext(outside.from, (void *)i);
}

static void resume_yield(uint64_t count)
{
	static void *generator;
	uint64_t sum = 0;

	if (!generator)
		generator = make(forever);
	for (uint64_t i = 0; i < count; i++) {
		struct transfer up = jump_fcontext(generator, NULL);

		generator = up.from;
		sum += (uintptr_t)up.data;
	}
	keep(sum);
}

static void at_once(struct transfer outside)
{
	jump_fcontext(outside.from, NULL);
}

static void create_destroy(uint64_t count)
{
	static char stack[STACK_BYTES] __attribute__((aligned(64)));

	for (uint64_t i = 0; i < count; i++)
		jump_fcontext(make_fcontext(stack + sizeof stack, sizeof stack, at_once), NULL);
}

/* ---- Tasks: contexts that take turns ----------------------------------- */

static void switching(struct transfer outside)
{
	for (;;)
		outside = jump_fcontext(outside.from, NULL);
}

static void task_switch(unsigned count_of_tasks, uint64_t count)
{
	static void *tasks[100];
	unsigned running = 0;

	for (unsigned i = 0; i < count_of_tasks; i++)
		if (!tasks[i])
			tasks[i] = make(switching);
	for (uint64_t i = 0; i < count; i++) {
		tasks[running] = jump_fcontext(tasks[running], NULL).from;
		running = running + 1 < count_of_tasks ? running + 1 : 0;
	}
}

static void task_switch_2(uint64_t count)
{
	task_switch(2, count);
}

static void task_switch_100(uint64_t count)
{
	task_switch(100, count);
}

const struct subject subject_boost = {
	.name = "boost_fcontext",
	.resume_yield = resume_yield,
	.create_destroy = create_destroy,
	.task_switch_2 = task_switch_2,
	.task_switch_100 = task_switch_100,
};
