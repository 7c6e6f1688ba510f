/*
 * golden_stacks.c - the stacks of a trace, a line each.
 *
 *     golden_stacks FILE
 *
 * Behind which event, whose, which event of his that was; why there are no bytes, or where they
 * were, how many they are, and a hash of them. For golden.py; nothing is printed of a trace without
 * stacks.
 */
#include <stdio.h>
#include <stdlib.h>
#include <tracer/trace.h>

static void print(struct trace *trace, uint64_t serial, uint64_t n)
{
	struct trace_stack stack;
	uint64_t hash = 14695981039346656037u;

	if (trace_find_stack_from(trace, serial, n, n, &stack) < 0)
		return;
	for (size_t i = 0; stack.bytes && i < stack.length; i++)
		hash = (hash ^ stack.bytes[i]) * 1099511628211u;
	printf("stack: %lu #%lu %u", (unsigned long)n, (unsigned long)serial, stack.cseq);
	if (stack.why == TRACE_STACK_HERE)
		printf(" %#lx %zu %016lx\n", (unsigned long)stack.sp, stack.length, (unsigned long)hash);
	else
		printf(" why %d, %zu\n", stack.why, stack.length);
	trace_stack_done(&stack);
}

int main(int argc, char **argv)
{
	struct trace *trace;
	struct trace_event event;
	char *why;

	if (argc != 2 || trace_open(argv[1], &trace, &why) < 0)
		return 1;
	for (uint64_t n = 1; n <= trace_count(trace); n++) {
		if (trace_event(trace, n, &event) < 0)
			continue;
		print(trace, event.co, n);
		if (event.peer != event.co)
			print(trace, event.peer, n);
	}
	trace_free(trace);
	return 0;
}
