/*
 * unwound.c - the frames of suspended bodies of another process.
 *
 *     unwound TRACE PID NAME=ADDRESS...
 *
 * Prints a line for each body: "live NAME END PC:FUNCTION:REGISTERS ...", and then what it is as a
 * recorded moment: "recorded NAME ...", from a copy of its stack and the files of the modules that
 * the new trace TRACE has. REGISTERS are rsp, rbx, rbp and r12 to r15 with commas between; those
 * that are not known are empty.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <coroscope/trace_abi.h>
#include <tracer/memory.h>
#include <tracer/module.h>
#include <tracer/symbols.h>
#include <tracer/trace.h>
#include <tracer/unwind.h>

enum { ROOM = 256 };

static void fail(const char *what, int error)
{
	fprintf(stderr, "unwound: %s: %s\n", what, strerror(-error));
	exit(1);
}

static void print_function(struct symbols *symbols, uint64_t address)
{
	struct symbols_module module;
	struct module_place place;

	if (symbols_module_at(symbols, address, &module) == 0 && module.module &&
		module_place(module.module, address - module.bias, &place) == 0 && place.function)
		printf("%s", place.function);
	else
		printf("?");
}

static void print_registers(const struct unwind_registers *registers)
{
	static const int numbers[] = {UNWIND_REGISTER_SP, 3, 6, 12, 13, 14, 15};

	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		printf("%s", i == 0 ? ":" : ",");
		if (registers->known >> numbers[i] & 1)
			printf("%" PRIx64, registers->value[numbers[i]]);
	}
}

static void print_stack(const char *what, const char *name, struct symbols *symbols,
						struct unwinder *unwinder, const struct memory *memory, uint64_t sp)
{
	static struct unwind_frame frames[ROOM];
	struct unwind_registers registers;
	enum unwind_end end = UNWIND_COMPLETE;
	int count = unwind_suspended(memory, CORO_FRAME_X86_64_V1, sp, &registers);

	if (count == 0)
		count = unwind(unwinder, memory, &registers, frames, ROOM, &end);
	if (count < 0)
		fail(name, count);
	printf("%s\t%s\t%s", what, name, unwinder_end_text(unwinder, end));
	for (int i = 0; i < count; i++) {
		printf("\t%" PRIx64 ":", frames[i].pc);
		print_function(symbols, frames[i].look);
		print_registers(&frames[i].registers);
	}
	printf("\n");
}

/* The body's saved stack pointer and the end of its stack. */
static void read_body(const struct memory *memory, const char *argument, uint64_t ret[2])
{
	uint64_t address = strtoull(strchr(argument, '=') + 1, NULL, 0);
	struct coro_object object;
	int result = memory_read(memory, address, &object, sizeof object);

	if (result == 0 && object.magic != CORO_OBJECT_MAGIC)
		result = -EINVAL;
	if (result == 0)
		result = memory_read(memory, address + sizeof object, ret, 2 * sizeof *ret);
	if (result < 0)
		fail(argument, result);
}

int main(int count, char **arguments)
{
	struct trace_meta meta = {.program = "stacks", .arguments = "", .clock_hz = 1000000000};
	struct memory_process *process = NULL;
	struct symbols *symbols, *later = NULL;
	struct unwinder *unwinder, *later_unwinder = NULL;
	struct trace *trace;
	struct memory files;
	int result;

	if (count < 4)
		return 2;
	meta.pid = (uint32_t)atoi(arguments[2]);
	if ((result = trace_create(arguments[1], &meta, &trace)) < 0 ||
		(result = symbols_new(trace, true, &symbols)) < 0 ||
		(result = symbols_add_modules(symbols, meta.pid)) < 0 ||
		(result = symbols_new(trace, false, &later)) < 0 ||
		(result = symbols_open_modules(later)) < 0 ||
		(result = unwinder_new(symbols, &unwinder)) < 0 ||
		(result = unwinder_new(later, &later_unwinder)) < 0 ||
		(result = memory_process_new(meta.pid, &process)) < 0)
		fail(arguments[1], result);
	files = memory_of_files(later);
	for (int i = 3; i < count; i++) {
		const struct memory *live = memory_of_process(process);
		uint64_t body[2];
		char name[64];

		snprintf(name, sizeof name, "%.*s", (int)strcspn(arguments[i], "="), arguments[i]);
		read_body(live, arguments[i], body);
		print_stack("live", name, symbols, unwinder, live, body[0]);

		struct memory_piece piece = {
			.address = body[0], .buffer = malloc(body[1] - body[0]), .length = body[1] - body[0]};
		struct memory_bytes bytes = {
			.address = piece.address,
			.bytes = piece.buffer,
			.length = piece.length,
			.rest = &files,
		};
		struct memory recorded = memory_of_bytes(&bytes);

		memory_process_copy(process, &piece, 1);
		if (piece.result < 0)
			fail(name, piece.result);
		print_stack("recorded", name, later, later_unwinder, &recorded, body[0]);
		free(piece.buffer);
	}
	memory_process_free(process);
	unwinder_free(later_unwinder);
	unwinder_free(unwinder);
	symbols_free(later);
	symbols_free(symbols);
	trace_close(trace);
	return 0;
}
