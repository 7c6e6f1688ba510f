/*
 * locals.c - see locals.h. The stack is that of tests/behave/locals_subject.c, which is not
 * optimised and has 89 variables of its own in 9 frames, and 6 frames of the C library and the
 * runtime.
 */
#include "locals.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <coroscope/trace_abi.h>
#include <tracer/locals.h>
#include <tracer/trace.h>

enum { TIMES = 50, FRAMES_MOST = 64 };

/* The program whose stack it is, and what its stack is read with. */
struct watched {
	pid_t pid;
	int input; /* its standard input; it ends when that does */
	uint64_t sp;
	char path[64];
	struct trace *trace;
	struct symbols *symbols;
	struct memory_process *memory;
	struct unwinder *unwinder;
	struct locals *locals;
};

static double now_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static bool start(struct watched *watched)
{
	int input[2], output[2];
	FILE *said;
	bool good;

	if (pipe2(input, O_CLOEXEC) < 0 || pipe2(output, O_CLOEXEC) < 0)
		return false;
	watched->pid = fork();
	if (watched->pid == 0) {
		dup2(input[0], STDIN_FILENO);
		dup2(output[1], STDOUT_FILENO);
		execl(BENCH_LOCALS_SUBJECT, BENCH_LOCALS_SUBJECT, (char *)NULL);
		_exit(127);
	}
	close(input[0]);
	close(output[1]);
	watched->input = input[1];
	said = fdopen(output[0], "r");
	good = said && fscanf(said, "%" SCNu64, &watched->sp) == 1;
	if (said)
		fclose(said);
	return good;
}

static bool attach(struct watched *watched)
{
	struct trace_meta meta = {.program = "locals_subject",
							  .arguments = "",
							  .pid = (uint32_t)watched->pid,
							  .clock_hz = 1000000000};
	int file;

	snprintf(watched->path, sizeof watched->path, "/tmp/coroscope-bench-XXXXXX");
	file = mkstemp(watched->path);
	if (file < 0)
		return false;
	close(file);
	unlink(watched->path);
	return trace_create(watched->path, &meta, &watched->trace) == 0 &&
		   symbols_new(watched->trace, true, &watched->symbols) == 0 &&
		   symbols_add_modules(watched->symbols, (uint32_t)watched->pid) > 0 &&
		   memory_process_new((uint32_t)watched->pid, &watched->memory) == 0 &&
		   unwinder_new(watched->symbols, &watched->unwinder) == 0 &&
		   locals_new(watched->symbols, &watched->locals) == 0;
}

static void finish(struct watched *watched)
{
	locals_free(watched->locals);
	unwinder_free(watched->unwinder);
	memory_process_free(watched->memory);
	symbols_free(watched->symbols);
	trace_free(watched->trace);
	unlink(watched->path);
	close(watched->input);
	waitpid(watched->pid, NULL, 0);
}

/* The texts of a logical frame's variables; how many. */
static size_t read_frame(struct watched *watched, const struct locals_stack *stack,
						 const struct locals_frame *frame)
{
	const struct locals_variable *variable;
	struct locals_view *view;
	char text[512];
	size_t count;

	if (locals_view_new(watched->locals, stack, frame->physical, frame->level, &view) < 0)
		return 0;
	variable = locals_variables(view, &count);
	for (size_t i = 0; i < count; i++)
		(void)locals_text(view, variable[i].value, &LOCALS_FORMAT_LINE, text, sizeof text);
	locals_view_free(view);
	return count;
}

/* The whole stack; how many variables. */
static size_t read_stack(struct watched *watched)
{
	struct unwind_frame frame[FRAMES_MOST];
	struct locals_frame logical[LOCALS_LEVELS_MOST];
	struct unwind_registers registers;
	struct locals_stack stack = {.memory = memory_of_process(watched->memory), .frame = frame};
	enum unwind_end end;
	size_t variables = 0;
	int count;

	memory_process_drop(watched->memory);
	if (unwind_suspended(stack.memory, CORO_FRAME_X86_64_V1, watched->sp, &registers) < 0)
		return 0;
	count = unwind(watched->unwinder, stack.memory, &registers, frame, FRAMES_MOST, &end);
	stack.count = count > 0 ? (size_t)count : 0;
	for (size_t i = 0; i < stack.count; i++) {
		int levels = locals_frames(watched->locals, &stack, i, logical, LOCALS_LEVELS_MOST);

		for (int level = 0; level < levels; level++)
			variables += read_frame(watched, &stack, &logical[level]);
	}
	return variables;
}

static int by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

double locals_one(bool quick)
{
	struct watched watched = {0};
	double took[TIMES], result = -1;
	unsigned times = quick ? 3 : TIMES;

	/* The first time reads the debug information. */
	if (start(&watched) && attach(&watched) && read_stack(&watched) > 0) {
		for (unsigned i = 0; i < times; i++) {
			double from = now_ms();

			read_stack(&watched);
			took[i] = now_ms() - from;
		}
		qsort(took, times, sizeof *took, by_size);
		result = took[times / 2];
	}
	finish(&watched);
	return result;
}
