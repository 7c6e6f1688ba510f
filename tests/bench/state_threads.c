/*
 * state_threads.c - State Threads: coroutines with a scheduler, as tasks are.
 *
 * It has no queue: messages go through an array and a condition. It cannot just give way either.
 */
#include "subject.h"

#include <st.h>
#include <stdbool.h>
#include <stdlib.h>

static void ready(void)
{
	static bool begun;

	if (!begun && st_init() < 0)
		abort();
	begun = true;
}

static st_thread_t start(void *(*function)(void *), void *argument)
{
	st_thread_t thread;

	ready();
	thread = st_thread_create(function, argument, /* joinable= */ 1, STACK_BYTES);
	if (!thread)
		abort();
	return thread;
}

/* ---- Tasks ------------------------------------------------------------- */

static void *at_once(void *argument)
{
	return argument;
}

static void spawn_join(uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		st_thread_join(start(at_once, NULL), NULL);
}

/* ---- Messages ---------------------------------------------------------- */

struct messages {
	uint64_t count, items[128];
	unsigned capacity, first, held;
	st_cond_t changed;
};

static void *put_all(void *argument)
{
	struct messages *messages = argument;

	for (uint64_t i = 0; i < messages->count; i++) {
		while (messages->held == messages->capacity)
			st_cond_wait(messages->changed);
		messages->items[(messages->first + messages->held++) % messages->capacity] = i;
		st_cond_signal(messages->changed);
	}
	return NULL;
}

static void queue(unsigned capacity, uint64_t count)
{
	struct messages messages = {.count = count, .capacity = capacity};
	st_thread_t producer = start(put_all, &messages);
	uint64_t sum = 0;

	messages.changed = st_cond_new();
	for (uint64_t i = 0; i < count; i++) {
		while (!messages.held)
			st_cond_wait(messages.changed);
		sum += messages.items[messages.first];
		messages.first = (messages.first + 1) % capacity;
		messages.held--;
		st_cond_signal(messages.changed);
	}
	keep(sum);
	st_thread_join(producer, NULL);
	st_cond_destroy(messages.changed);
}

static void queue_1(uint64_t count)
{
	queue(1, count);
}

static void queue_128(uint64_t count)
{
	queue(128, count);
}

const struct subject subject_state_threads = {
	.name = "state_threads",
	.spawn_join = spawn_join,
	.queue_1 = queue_1,
	.queue_128 = queue_128,
};
