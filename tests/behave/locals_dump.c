/*
 * locals_dump.c - the stack of a suspended body of a process, with all variables, as JSON.
 *
 *     locals_dump PID SP BASE [FRAME EXPRESSION]...
 *
 * BASE is the end of the stack: nothing but the bytes up to there and the program's files is looked
 * at, as in a trace; 0: the process is. FRAME counts the logical frames from the innermost one, 0.
 * `-`: an expression without a frame.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <coroscope/trace_abi.h>
#include <tracer/locals.h>
#include <tracer/memory.h>
#include <tracer/trace.h>
#include <tracer/unwind.h>

enum { FRAMES_MOST = 256, DEPTH = 3, CHILDREN_MOST = 40 };

static struct locals_stack stack;
static struct locals *locals;

static void require(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "locals_dump: %s\n", what);
	exit(1);
}

static void print_string(const char *text)
{
	putchar('"');
	for (const unsigned char *at = (const unsigned char *)text; at && *at; at++)
		if (*at == '"' || *at == '\\')
			printf("\\%c", *at);
		else if (*at < 0x20)
			printf("\\u%04x", *at);
		else
			putchar(*at);
	putchar('"');
}

static void print_text(const char *key, const char *text)
{
	printf("\"%s\": ", key);
	print_string(text);
}

static void print_value(struct locals_view *view, const struct locals_value *value, unsigned depth)
{
	char text[4096];
	const uint8_t *bytes, *known;
	size_t count = locals_bytes(view, value, &bytes, &known);

	locals_text(view, value, &LOCALS_FORMAT_LINE, text, sizeof text);
	print_text("name", value->name), printf(", ");
	print_text("type", value->type), printf(", ");
	print_text("text", text), printf(", ");
	print_text("why", value->why), printf(", ");
	printf("\"kind\": \"%s\", \"reason\": %d, \"size\": %" PRIu64 ", \"children\": %" PRIu64 ", ",
		   locals_kind_text(value->kind), value->reason, value->size, value->children);
	if (value->in_memory)
		printf("\"address\": %" PRIu64 ", ", value->address);
	printf("\"serial\": %" PRIu64 ", \"bytes\": \"", value->serial);
	for (size_t i = 0; i < count; i++)
		if (known && !known[i])
			printf("..");
		else
			printf("%02x", bytes[i]);
	printf("\"");
	if (depth > 0 && value->children > 0) {
		printf(", \"child\": [");
		for (uint64_t i = 0; i < value->children && i < CHILDREN_MOST; i++) {
			const struct locals_value *child;

			printf("%s{", i ? ", " : "");
			require(locals_child(view, value, i, &child) == 0, "a child");
			print_value(view, child, depth - 1);
			printf("}");
		}
		printf("]");
	}
}

static void print_frame(const struct locals_frame *frame)
{
	struct locals_view *view;
	const struct locals_variable *variable;
	size_t count;

	printf("{\"physical\": %zu, \"level\": %u, ", frame->physical, frame->level);
	print_text("function", frame->function), printf(", ");
	print_text("file", frame->file), printf(", ");
	print_text("module", frame->module), printf(", ");
	print_text("undescribed", frame->why), printf(", ");
	printf("\"line\": %u, \"column\": %u, \"inlined\": %d, \"optimised\": %d, \"runtime\": %d, "
		   "\"described\": %d, \"offset\": %" PRIu64 ", \"pc\": %" PRIu64 ", \"cfa\": %" PRIu64
		   ", \"variables\": [",
		   frame->line, frame->column, frame->inlined, frame->optimised, frame->runtime,
		   frame->described, frame->offset, stack.frame[frame->physical].pc,
		   stack.frame[frame->physical].cfa);
	require(locals_view_new(locals, &stack, frame->physical, frame->level, &view) == 0, "a view");
	variable = locals_variables(view, &count);
	for (size_t i = 0; i < count; i++) {
		printf("%s\n  {\"line\": %u, \"block\": %u, \"parameter\": %d, \"shadowed\": %d, "
			   "\"static\": %d, \"early\": %d, \"runtime\": %d, ",
			   i ? "," : "", variable[i].line, variable[i].block, variable[i].parameter,
			   variable[i].shadowed, variable[i].is_static, variable[i].early, variable[i].runtime);
		print_value(view, variable[i].value, DEPTH);
		printf("}");
	}
	locals_view_free(view);
	printf("]}");
}

static void print_evaluated(const struct locals_frame *frame, const char *expression)
{
	struct locals_view *view;
	struct locals_mistake mistake;
	const struct locals_value *value;

	require(locals_view_new(locals, &stack, frame ? frame->physical : LOCALS_NOWHERE,
							frame ? frame->level : 0, &view) == 0,
			"a view");
	printf("{");
	if (locals_evaluate(view, expression, &value, &mistake) == 0)
		print_value(view, value, 1);
	else
		printf("\"at\": %zu, ", mistake.at), print_text("mistake", mistake.text);
	printf("}");
	locals_view_free(view);
}

/* The memory of a trace: a copy of the stack, and what the files say. */
static struct memory recorded(const struct memory *process, struct symbols *symbols, uint64_t sp,
							  uint64_t base)
{
	static uint8_t copy[1 << 16];
	static struct memory_bytes bytes;
	static struct memory files;

	require(base > sp && base - sp <= sizeof copy, "BASE");
	require(memory_read(process, sp, copy, base - sp) == 0, "the stack");
	files = memory_of_files(symbols);
	bytes = (struct memory_bytes){
		.address = sp,
		.bytes = copy,
		.length = base - sp,
		.rest = &files,
	};
	return memory_of_bytes(&bytes);
}

int main(int argc, char **argv)
{
	static struct unwind_frame frame[FRAMES_MOST];
	static struct locals_frame logical[FRAMES_MOST];
	struct trace_meta meta = {.program = "locals_dump", .arguments = "", .clock_hz = 1000000000};
	struct trace *trace;
	struct symbols *symbols;
	struct memory_process *process;
	struct unwinder *unwinder;
	struct unwind_registers registers;
	struct memory memory;
	enum unwind_end end;
	char path[] = "/tmp/coroscope-locals-XXXXXX";
	uint32_t pid;
	uint64_t sp, base;
	size_t count = 0;
	int frames;

	require(argc >= 4, "PID SP BASE [FRAME EXPRESSION]...");
	pid = (uint32_t)strtoul(argv[1], NULL, 10);
	sp = strtoull(argv[2], NULL, 10);
	base = strtoull(argv[3], NULL, 10);
	meta.pid = pid;
	require(close(mkstemp(path)) == 0 && unlink(path) == 0, "a file");
	require(trace_create(path, &meta, &trace) == 0, "a trace");
	unlink(path);
	require(symbols_new(trace, true, &symbols) == 0, "symbols");
	require(symbols_add_modules(symbols, pid) > 0, "modules");
	require(memory_process_new(pid, &process) == 0, "memory");
	require(unwinder_new(symbols, &unwinder) == 0, "an unwinder");
	require(locals_new(symbols, &locals) == 0, "locals");
	memory = *memory_of_process(process);
	if (base)
		memory = recorded(&memory, symbols, sp, base);
	require(unwind_suspended(&memory, CORO_FRAME_X86_64_V1, sp, &registers) == 0, "registers");
	frames = unwind(unwinder, &memory, &registers, frame, FRAMES_MOST, &end);
	require(frames > 0, "frames");
	stack = (struct locals_stack){
		.memory = &memory,
		.frame = frame,
		.count = (size_t)frames,
	};

	printf("{\"end\": \"%s\", \"frames\": [", unwind_end_text(end));
	for (size_t i = 0; i < stack.count; i++) {
		int got = locals_frames(locals, &stack, i, logical + count, FRAMES_MOST - count);

		require(got > 0, "logical frames");
		for (int level = 0; level < got; level++) {
			printf("%s\n", count ? "," : "");
			print_frame(&logical[count++]);
		}
	}
	printf("], \"values\": [");
	for (int i = 4; i + 1 < argc; i += 2) {
		size_t at = strtoul(argv[i], NULL, 10);

		require(at < count, "no such frame");
		printf("%s\n", i > 4 ? "," : "");
		print_evaluated(argv[i][0] == '-' ? NULL : &logical[at], argv[i + 1]);
	}
	printf("]}\n");
	locals_free(locals);
	unwinder_free(unwinder);
	memory_process_free(process);
	symbols_free(symbols);
	trace_free(trace);
	return 0;
}
