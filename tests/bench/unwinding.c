/*
 * unwinding.c - see unwinding.h. The program that is looked at is another one.
 */
#include "unwinding.h"

#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <coroscope/trace_abi.h>
#include <tracer/memory.h>
#include <tracer/unwind.h>

/* FRAMES: a stack has at least as many; a yield of its own some more, where it is not optimised. */
enum { BODIES = 10000, BODIES_QUICK = 100, TIMES = 5, FRAMES = 9, ROOM = 32 };

/* The end of a control block: where the body goes on, and the end of its stack. */
struct body {
	struct coro_object object;
	uint64_t sp, stack_base;
};

/* A program with so many bodies. */
struct parked {
	pid_t pid;
	int input; /* it ends with this */
	size_t count;
	uint64_t addresses; /* in the program: `count` of them */
};

static bool start(size_t count, struct parked *ret)
{
	int input[2], output[2];
	char number[24];
	FILE *told;

	if (pipe(input) < 0 || pipe(output) < 0)
		return false;
	snprintf(number, sizeof number, "%zu", count);
	*ret = (struct parked){.pid = fork(), .input = input[1], .count = count};
	if (ret->pid < 0)
		return false;
	if (ret->pid == 0) {
		dup2(input[0], 0);
		dup2(output[1], 1);
		for (size_t i = 0; i < 2; i++) {
			close(input[i]);
			close(output[i]);
		}
		setenv("COROSCOPE", "off", 1);
		execl(BENCH_PARKED, BENCH_PARKED, number, (char *)NULL);
		_exit(1);
	}
	close(input[0]);
	close(output[1]);
	told = fdopen(output[0], "r");
	if (!told || fscanf(told, "%" SCNu64, &ret->addresses) != 1)
		ret->addresses = 0;
	if (told)
		fclose(told);
	return ret->addresses != 0;
}

static void stop(struct parked *parked)
{
	close(parked->input);
	if (parked->pid > 0)
		waitpid(parked->pid, NULL, 0);
}

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* The frames of one body, from a copy of its stack. false: they are not what they should be. */
static bool walk(struct unwinder *unwinder, const struct memory *rest, const struct body *body,
				 const void *stack)
{
	struct memory_bytes bytes = {
		.address = body->sp,
		.bytes = stack,
		.length = body->stack_base - body->sp,
		.rest = rest,
	};
	struct memory memory = memory_of_bytes(&bytes);
	struct unwind_frame frames[ROOM];
	struct unwind_registers registers;
	enum unwind_end end;

	return unwind_suspended(&memory, CORO_FRAME_X86_64_V1, body->sp, &registers) == 0 &&
		   unwind(unwinder, &memory, &registers, frames, ROOM, &end) >= FRAMES &&
		   end == UNWIND_COMPLETE;
}

/* All of them, ms; below 0: they could not be had. */
static double walk_all(const struct parked *parked, struct symbols *symbols)
{
	uint64_t *addresses = calloc(parked->count, sizeof *addresses);
	struct body *bodies = calloc(parked->count, sizeof *bodies);
	struct memory_piece *pieces = calloc(parked->count, sizeof *pieces);
	struct memory_process *process = NULL;
	struct unwinder *unwinder = NULL;
	size_t length = 0;
	char *stacks = NULL;
	double start_time = now_ms(), took = -1;
	bool good = addresses && bodies && pieces &&
				memory_process_new((uint32_t)parked->pid, &process) == 0 &&
				unwinder_new(symbols, &unwinder) == 0;

	if (good) {
		struct memory_piece list = {parked->addresses, addresses, parked->count * sizeof *addresses,
									0};

		memory_process_copy(process, &list, 1);
		for (size_t i = 0; i < parked->count; i++)
			pieces[i] = (struct memory_piece){addresses[i], &bodies[i], sizeof *bodies, 0};
		memory_process_copy(process, pieces, parked->count);
		for (size_t i = 0; i < parked->count; i++)
			length += bodies[i].stack_base - bodies[i].sp;
		stacks = malloc(length);
		good = stacks != NULL;
	}
	if (good) {
		char *at = stacks;

		for (size_t i = 0; i < parked->count; i++) {
			size_t own = bodies[i].stack_base - bodies[i].sp;

			pieces[i] = (struct memory_piece){bodies[i].sp, at, own, 0};
			at += own;
		}
		memory_process_copy(process, pieces, parked->count);
		for (size_t i = 0; good && i < parked->count; i++)
			good = pieces[i].result == 0 &&
				   walk(unwinder, memory_of_process(process), &bodies[i], pieces[i].buffer);
	}
	if (good)
		took = now_ms() - start_time;
	free(stacks);
	unwinder_free(unwinder);
	memory_process_free(process);
	free(pieces);
	free(bodies);
	free(addresses);
	return took;
}

static int compare(const void *a, const void *b)
{
	const double *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

/* With a trace to put the list of files into, which is removed. */
static double measure(const struct parked *parked)
{
	char folder[] = "/tmp/coroscope-bench-XXXXXX", path[64];
	struct trace_meta meta = {
		.program = "parked", .arguments = "", .pid = (uint32_t)parked->pid, .clock_hz = 1000000000};
	struct symbols *symbols = NULL;
	struct trace *trace = NULL;
	double took[TIMES] = {-1};

	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof path, "%s/parked.coro", folder);
	if (trace_create(path, &meta, &trace) == 0 && symbols_new(trace, true, &symbols) == 0 &&
		symbols_add_modules(symbols, meta.pid) > 0)
		for (size_t i = 0; i < TIMES; i++)
			took[i] = walk_all(parked, symbols);
	qsort(took, TIMES, sizeof *took, compare);
	symbols_free(symbols);
	trace_free(trace);
	unlink(path);
	rmdir(folder);
	return took[0] < 0 ? -1 : took[TIMES / 2];
}

double unwind_10k(bool quick)
{
	struct parked parked;
	double took = -1;

	if (start(quick ? BODIES_QUICK : BODIES, &parked))
		took = measure(&parked);
	stop(&parked);
	return took;
}
