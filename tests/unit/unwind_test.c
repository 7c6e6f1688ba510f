/*
 * unwind_test.c - suspended bodies of this very program, sound and broken; see tracer/unwind.h.
 *
 * Whatever stands on a stack, a walk ends, its frames go outward, and it says why there are no
 * more.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <coroscope/coro.h>
#include <tracer/memory.h>
#include <tracer/module.h>
#include <tracer/unwind.h>
#include "../../tracer/unwind/program.h"

enum { ROOM = 64, PRESERVED = 1 << 3 | 1 << 6 | 1 << 12 | 1 << 13 | 1 << 14 | 1 << 15 };

static volatile int after = 1; /* among the data of this file */

__attribute__((noinline)) static coro_value innermost(int number)
{
	coro_value got = coro_yield(coro_int(number));

	after++;
	return got;
}

__attribute__((noinline)) static coro_value middle(int number)
{
	coro_value got = innermost(number + 1);

	after++;
	return got;
}

static coro_value body(coro_value argument)
{
	coro_value got = middle(1);

	after++;
	return got;
}

/* This program, a body of it, and a copy of its stack that may be written. */
struct fixture {
	char folder[64], path[128];
	struct trace *trace;
	struct symbols *symbols;
	struct unwinder *unwinder;
	struct memory_process *process;
	struct coro_generator *generator;
	struct memory_bytes bytes;
	struct memory memory; /* the copy, and this process behind it */
	uint64_t *copy;
	size_t words;
	uint64_t sp;
};

static int set_up(void **state)
{
	static struct fixture fixture;
	struct trace_meta meta = {
		.program = "test", .arguments = "", .pid = (uint32_t)getpid(), .clock_hz = 1000000000};
	struct coro_generator *address;
	struct memory_piece piece;

	fixture = (struct fixture){.folder = "/tmp/coroscope-unwind-XXXXXX"};
	assert_non_null(mkdtemp(fixture.folder));
	snprintf(fixture.path, sizeof fixture.path, "%s/test.coro", fixture.folder);
	assert_int_equal(trace_create(fixture.path, &meta, &fixture.trace), 0);
	assert_int_equal(symbols_new(fixture.trace, true, &fixture.symbols), 0);
	assert_true(symbols_add_modules(fixture.symbols, meta.pid) > 0);
	assert_int_equal(unwinder_new(fixture.symbols, &fixture.unwinder), 0);
	assert_int_equal(memory_process_new(meta.pid, &fixture.process), 0);

	fixture.generator = coro_generator(body, CORO_NONE);
	assert_int_equal(coro_as_int(coro_next(fixture.generator)), 2);
	address = coro__address(fixture.generator);
	fixture.sp = (uintptr_t)address->sp;
	fixture.words = ((uintptr_t)address->stack_base - fixture.sp) / 8;
	fixture.copy = malloc(fixture.words * 8);
	/* By the system, which does not mind what a sanitizer thinks of stacks. */
	piece = (struct memory_piece){fixture.sp, fixture.copy, fixture.words * 8, 0};
	memory_process_copy(fixture.process, &piece, 1);
	assert_int_equal(piece.result, 0);
	fixture.bytes = (struct memory_bytes){
		.address = fixture.sp,
		.bytes = fixture.copy,
		.length = fixture.words * 8,
		.rest = memory_of_process(fixture.process),
	};
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	coro_close(fixture->generator);
	coro_free(fixture->generator);
	free(fixture->copy);
	memory_process_free(fixture->process);
	unwinder_free(fixture->unwinder);
	symbols_free(fixture->symbols);
	trace_free(fixture->trace);
	unlink(fixture->path);
	return rmdir(fixture->folder);
}

/* Walks from the saved stack pointer, and looks at what must always hold. How many frames. */
static int walk(struct fixture *fixture, struct unwind_frame *frames, size_t room,
				enum unwind_end *ret_end)
{
	struct unwind_registers registers;
	int count;

	fixture->memory = memory_of_bytes(&fixture->bytes);
	count = unwind_suspended(&fixture->memory, CORO_FRAME_X86_64_V1, fixture->sp, &registers);
	if (count < 0)
		return count;
	count = unwind(fixture->unwinder, &fixture->memory, &registers, frames, room, ret_end);
	assert_in_range(count, 1, room);
	for (int i = 0; i < count; i++) {
		const struct unwind_registers *known = &frames[i].registers;

		assert_int_equal(frames[i].look, frames[i].pc - 1);
		assert_int_equal(known->value[UNWIND_REGISTER_PC], frames[i].pc);
		assert_int_equal(known->known & (1 << UNWIND_REGISTER_SP | 1 << UNWIND_REGISTER_PC),
						 1 << UNWIND_REGISTER_SP | 1 << UNWIND_REGISTER_PC);
		assert_int_equal(known->known & ~(uint32_t)(1 << UNWIND_REGISTER_SP |
													1 << UNWIND_REGISTER_PC | PRESERVED),
						 0);
		if (i > 0)
			assert_true(known->value[UNWIND_REGISTER_SP] >
						frames[i - 1].registers.value[UNWIND_REGISTER_SP]);
		if (i + 1 < count)
			assert_int_equal(frames[i].cfa, frames[i + 1].registers.value[UNWIND_REGISTER_SP]);
	}
	return count;
}

static const char *function_at(struct fixture *fixture, uint64_t address)
{
	struct symbols_module module;
	struct module_place place;

	assert_int_equal(symbols_module_at(fixture->symbols, address, &module), 0);
	assert_int_equal(module_place(module.module, address - module.bias, &place), 0);
	return place.function;
}

/* Which word of the copy holds a value; the last one. */
static size_t word_of(const struct fixture *fixture, uint64_t value)
{
	for (size_t i = fixture->words; i-- > 0;)
		if (fixture->copy[i] == value)
			return i;
	fail_msg("0x%llx is not on the stack", (unsigned long long)value);
	return 0;
}

/* ---- Sound ------------------------------------------------------------- */

/* Which frame is that of a function. */
static int frame_of(struct fixture *fixture, const struct unwind_frame *frames, int count,
					const char *name)
{
	for (int i = 0; i < count; i++)
		if (strcmp(function_at(fixture, frames[i].look), name) == 0)
			return i;
	fail_msg("%s is not on the stack", name);
	return 0;
}

static void a_suspended_body_has_its_frames(void **state)
{
	static const char *const names[] = {"innermost", "middle", "body", "coro__body_main",
										"coro__trampoline"};
	struct fixture *fixture = *state;
	struct unwind_frame frames[ROOM];
	enum unwind_end end;
	int count = walk(fixture, frames, ROOM, &end), first;
	size_t last;

	assert_int_equal(end, UNWIND_COMPLETE);
	assert_string_equal(unwinder_end_text(fixture->unwinder, end), "complete");
	/* What a yield is made of is further in. */
	first = frame_of(fixture, frames, count, "innermost");
	assert_int_equal(count, first + 5);
	for (int i = 0; i < 5; i++)
		assert_string_equal(function_at(fixture, frames[first + i].look), names[i]);
	/* Behind the trampoline is the fence. */
	last = (frames[count - 1].registers.value[UNWIND_REGISTER_SP] - fixture->sp) / 8;
	assert_true(last + 2 <= fixture->words);
	assert_int_equal(fixture->copy[last] | fixture->copy[last + 1], 0);
	/* What is called last is told again, and forgotten, and told again. */
	unwinder_forget(fixture->unwinder);
	assert_int_equal(walk(fixture, frames, ROOM, &end), count);
	assert_int_equal(end, UNWIND_COMPLETE);
}

static void a_body_that_has_not_started_is_in_the_trampoline(void **state)
{
	struct fixture *fixture = *state;
	struct coro_generator *generator = coro_generator(body, CORO_NONE);
	const struct memory *memory = memory_of_process(fixture->process);
	struct unwind_registers registers;
	struct unwind_frame frames[ROOM];
	enum unwind_end end;
	struct coro_generator *address = coro__address(generator);

	assert_int_equal(
		unwind_suspended(memory, CORO_FRAME_X86_64_V1, (uintptr_t)address->sp, &registers), 0);
	assert_int_equal(unwind(fixture->unwinder, memory, &registers, frames, ROOM, &end), 1);
	assert_int_equal(end, UNWIND_COMPLETE);
	assert_string_equal(function_at(fixture, frames[0].look), "coro__trampoline");
	assert_int_equal(registers.value[12], (uintptr_t)address);
	coro_free(generator);
}

static void the_room_is_never_left(void **state)
{
	struct fixture *fixture = *state;
	struct unwind_frame frames[ROOM];
	struct unwind_registers registers = {.known =
											 1 << UNWIND_REGISTER_SP | 1 << UNWIND_REGISTER_PC};
	enum unwind_end end;
	int whole = walk(fixture, frames, ROOM, &end);

	for (int room = 1; room < whole; room++) {
		assert_int_equal(walk(fixture, frames, (size_t)room, &end), room);
		assert_int_equal(end, UNWIND_TOO_DEEP);
	}
	assert_int_equal(walk(fixture, frames, (size_t)whole, &end), whole);
	assert_int_equal(end, UNWIND_COMPLETE);
	assert_int_equal(unwind(fixture->unwinder, &fixture->memory, &registers, frames, 0, &end), 0);
	assert_int_equal(end, UNWIND_TOO_DEEP);
	assert_string_equal(unwinder_end_text(fixture->unwinder, end), unwind_end_text(end));
}

/* ---- Broken ------------------------------------------------------------ */

static void other_layouts_are_not_supported(void **state)
{
	struct fixture *fixture = *state;
	const struct memory *memory = memory_of_process(fixture->process);
	struct unwind_registers registers = {.known = 1 << UNWIND_REGISTER_SP};
	struct unwind_frame frame;
	enum unwind_end end;

	assert_int_equal(unwind_suspended(memory, CORO_FRAME_NONE, fixture->sp, &registers), -ENOTSUP);
	assert_int_equal(unwind_suspended(memory, CORO_FRAME_AARCH64_V1, fixture->sp, &registers),
					 -ENOTSUP);
	assert_int_equal(unwind_suspended(memory, 99, fixture->sp, &registers), -ENOTSUP);
	assert_int_equal(unwind_suspended(memory, CORO_FRAME_X86_64_V1, 0, &registers), -EFAULT);
	/* Untouched by all of these. */
	assert_int_equal(registers.known, 1 << UNWIND_REGISTER_SP);
	assert_int_equal(unwind(fixture->unwinder, memory, &registers, &frame, 1, &end), -EINVAL);
	registers.known = 1 << UNWIND_REGISTER_PC;
	assert_int_equal(unwind(fixture->unwinder, memory, &registers, &frame, 1, &end), -EINVAL);
}

static void a_stack_that_was_cut_is_unreadable_from_there(void **state)
{
	struct fixture *fixture = *state;
	struct unwind_frame frames[ROOM], cut[ROOM];
	enum unwind_end end;
	int whole = walk(fixture, frames, ROOM, &end);

	fixture->bytes.rest = NULL;
	for (size_t words = 0; words < fixture->words; words++) {
		int count;

		fixture->bytes.length = words * 8;
		count = walk(fixture, cut, ROOM, &end);
		if (words < 7) {
			assert_int_equal(count, -ENODATA);
			continue;
		}
		assert_true(end == UNWIND_UNREADABLE || (end == UNWIND_COMPLETE && count == whole));
		for (int i = 0; i < count; i++)
			assert_int_equal(cut[i].pc, frames[i].pc);
		if (end == UNWIND_UNREADABLE)
			assert_string_equal(unwinder_end_text(fixture->unwinder, end),
								"the stack cannot be read any further");
	}
}

static void a_return_address_into_nothing_ends_the_walk(void **state)
{
	struct fixture *fixture = *state;
	struct unwind_frame frames[ROOM];
	enum unwind_end end;
	int at = frame_of(fixture, frames, walk(fixture, frames, ROOM, &end), "body");
	size_t word = word_of(fixture, frames[at].pc);

	fixture->copy[word] = 0x4242;
	assert_int_equal(walk(fixture, frames, ROOM, &end), at + 1);
	assert_int_equal(end, UNWIND_NO_MODULE);
	assert_int_equal(frames[at].pc, 0x4242);
	assert_string_equal(unwinder_end_text(fixture->unwinder, end),
						"0x4241 is in no file that is known");

	/* Zeros, as of a fence, are no frame. */
	fixture->copy[word] = 0;
	assert_int_equal(walk(fixture, frames, ROOM, &end), at);
	assert_int_equal(end, UNWIND_BROKEN);
	assert_string_equal(unwinder_end_text(fixture->unwinder, end), "the stack is broken here");

	/* A variable is no code, and has no call frame information. */
	fixture->copy[word] = (uintptr_t)&after;
	assert_int_equal(walk(fixture, frames, ROOM, &end), at + 1);
	assert_int_equal(end, UNWIND_NO_RULES);
	assert_non_null(strstr(unwinder_end_text(fixture->unwinder, end), " in unwind_test"));
}

static void a_frame_that_leads_inward_is_broken(void **state)
{
	struct fixture *fixture = *state;
	struct unwind_frame frames[ROOM];
	enum unwind_end end;

	/* Its frame is where rbp says: every word that could be one leads inward. */
	for (size_t i = 0; i < fixture->words; i++)
		if (fixture->copy[i] > fixture->sp && fixture->copy[i] < fixture->sp + fixture->words * 8)
			fixture->copy[i] = fixture->sp;
	(void)walk(fixture, frames, ROOM, &end);
	assert_true(end == UNWIND_BROKEN || end == UNWIND_COMPLETE || end == UNWIND_NO_MODULE);
}

static void whatever_a_stack_holds_its_walk_ends(void **state)
{
	struct fixture *fixture = *state;
	struct unwind_frame frames[ROOM];
	enum unwind_end end;
	uint64_t *sound = malloc(fixture->words * 8);
	uint64_t random = 88172645463325252u;

	memcpy(sound, fixture->copy, fixture->words * 8);
	for (size_t i = 0; i < fixture->words; i++) {
		const uint64_t values[] = {0,
								   1,
								   UINT64_MAX,
								   UINT64_MAX - 7,
								   fixture->sp,
								   fixture->sp - 8,
								   fixture->sp + 1,
								   fixture->sp + fixture->words * 8,
								   sound[6],
								   (uintptr_t)middle + 1,
								   (uintptr_t)body + 1,
								   (uintptr_t)qsort + 64,
								   UINT64_C(0xffffc00000000000),
								   UINT64_C(1) << 63};

		for (size_t j = 0; j < sizeof values / sizeof *values; j++) {
			fixture->copy[i] = values[j];
			(void)walk(fixture, frames, ROOM, &end);
		}
		fixture->copy[i] = sound[i];
	}
	/* And all of it at once, of what is on stacks. */
	for (unsigned round = 0; round < 5000; round++) {
		for (size_t i = 0; i < fixture->words; i++) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			fixture->copy[i] = random % 3 == 0   ? sound[random / 3 % fixture->words]
							   : random % 3 == 1 ? fixture->sp + random / 3 % (fixture->words * 8)
												 : random;
		}
		fixture->copy[6] = random % 2 ? (uintptr_t)middle + 1 + random / 2 % 64 : sound[6];
		(void)walk(fixture, frames, ROOM, &end);
	}
	free(sound);
}

static void each_end_has_its_words(void **state)
{
	for (enum unwind_end end = UNWIND_COMPLETE; end <= UNWIND_TOO_DEEP; end++) {
		assert_true(strlen(unwind_end_text(end)) > 0);
		assert_null(strchr(unwind_end_text(end), '\n'));
		for (enum unwind_end other = UNWIND_COMPLETE; other < end; other++)
			assert_string_not_equal(unwind_end_text(end), unwind_end_text(other));
	}
	assert_string_equal(unwind_end_text(UNWIND_TOO_DEEP + 1), "");
}

/* ---- Modules ----------------------------------------------------------- */

/* Where a page of a file is mapped as code, which is a library that is gone, or none. */
static void *map_page(const char *path)
{
	FILE *file = fopen(path, "r");
	void *page;

	assert_non_null(file);
	page = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fileno(file), 0);
	assert_ptr_not_equal(page, MAP_FAILED);
	fclose(file);
	return page;
}

static void why_a_module_cannot_be_read_is_told(void **state)
{
	struct fixture *fixture = *state;
	struct unwind_frame frames[ROOM];
	enum unwind_end end;
	char path[160];
	FILE *file;
	void *page;

	snprintf(path, sizeof path, "%s/lib\033.so", fixture->folder);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite("no ELF", 6, 1, file), 1);
	fclose(file);
	page = map_page(path);
	assert_true(symbols_add_modules(fixture->symbols, (uint32_t)getpid()) > 0);
	fixture->copy[6] = (uintptr_t)page + 100;
	assert_int_equal(walk(fixture, frames, ROOM, &end), 1);
	assert_int_equal(end, UNWIND_NO_FILE);
	assert_string_equal(unwinder_end_text(fixture->unwinder, end), "lib?.so: not an ELF file");
	munmap(page, 4096);
	unlink(path);
}

static void a_module_that_was_loaded_over_another_is_taken(void **state)
{
	struct fixture *fixture = *state;
	struct symbols_module module;
	char path[160];
	uint64_t start;
	void *page, *other;

	snprintf(path, sizeof path, "%s/first.so", fixture->folder);
	fclose(fopen(path, "w"));
	assert_int_equal(truncate(path, 8192), 0);
	page = map_page(path);
	start = (uintptr_t)page;
	assert_true(symbols_add_modules(fixture->symbols, (uint32_t)getpid()) > 0);
	unlink(path);
	snprintf(path, sizeof path, "%s/second.so", fixture->folder);
	fclose(fopen(path, "w"));
	assert_int_equal(truncate(path, 8192), 0);
	other = map_page(path);
	assert_ptr_equal(mremap(other, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, page), page);
	assert_true(symbols_add_modules(fixture->symbols, (uint32_t)getpid()) > 0);
	assert_int_equal(symbols_module_at(fixture->symbols, start, &module), 0);
	assert_string_equal(module.path, path);
	munmap(page, 4096);
	unlink(path);
}

/* ---- Programs of call frames ------------------------------------------- */

static void only_programs_that_libunwind_can_run_are_run(void **state)
{
	static const struct {
		const char *program;
		size_t length;
		bool good, defined;
	} cases[] = {
#define GOOD(text) {text, sizeof text - 1, true, false}
#define DEFINES(text)                                                                              \
	{                                                                                              \
		text, sizeof text - 1, true, true                                                          \
	}
#define BAD(text)                                                                                  \
	{                                                                                              \
		text, sizeof text - 1, false, false                                                        \
	}
		GOOD(""),
		GOOD("\x00\x00"),
		DEFINES("\x0c\x07\x08\x90\x01"),                  /* def_cfa rsp 8, offset rip */
		DEFINES("\x12\x07\x78"),                          /* def_cfa_sf */
		DEFINES("\x0f\x03\x76\x78\x06"),                  /* def_cfa_expression breg6 -8, deref */
		GOOD("\x41\x0c\x07\x08"),                         /* it is defined too late */
		GOOD("\x02\x01\x03\x01\x02\x04\x01\x02\x03\x04"), /* advances */
		GOOD("\x0e\x10\x13\x7f\x2e\x08"),                 /* offsets of the frame */
		GOOD("\x0d\x06\x86\x02\xc6\x06\x06"),             /* register, offset, restores */
		GOOD("\x05\x0f\x02\x11\x0f\x7e\x2f\x0f\x02"),
		GOOD("\x07\x10\x08\x03\x09\x0c\x0d"),         /* undefined, same, register */
		DEFINES("\x0c\x07\x08\x0a\x0a\x0b\x0b"),      /* remembered twice */
		GOOD("\x10\x06\x02\x77\x00\x16\x06\x01\x30"), /* expression, val_expression */
		GOOD("\x10\x06\x02\x94\x04"),                 /* deref_size 4 */
		GOOD("\x10\x06\x04\x92\x10\x7f\x96"),         /* bregx 16 */
		GOOD("\x10\x06\x25\x03"
			 "12345678"
			 "\x0e"
			 "12345678"
			 "\x0c"
			 "1234"
			 "\x0a"
			 "12"
			 "\x08"
			 "1\x15\x01\x23\x01\x10\x01\x11\x7f\x12"),
		BAD("\x0c\x07"),     /* ends too early */
		BAD("\x0c\x11\x08"), /* no such register */
		BAD("\x12\x11\x08"),
		BAD("\x09\x03\x11"), /* register: what libunwind does not check */
		BAD("\x09\x11\x03"),
		BAD("\x91\x01"),
		BAD("\xd1"),
		BAD("\x05\x11\x01"),
		BAD("\x11\x11\x01"),
		BAD("\x0d\x11"),
		BAD("\x0b"), /* nothing was remembered */
		BAD("\x0c\x07\x08\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a"),
		BAD("\x0a\x0c\x07\x08\x0b"),                 /* remembers that it is not defined */
		BAD("\x01\x01\x02\x03\x04\x05\x06\x07\x08"), /* set_loc */
		BAD("\x14\x03\x01"),                         /* val_offset */
		BAD("\x3f"),
		BAD("\x0f\x05\x76\x78"), /* an expression that ends behind the program */
		BAD("\x0f\x01\x76"),     /* an operand that ends behind the expression */
		BAD("\x0f\x02\x81\x00"), /* no such register */
		BAD("\x0f\x03\x92\x11\x00"),
		BAD("\x0f\x03\x31\x30\x1b"),     /* div */
		BAD("\x0f\x03\x2f\xfd\xff"),     /* skip, for ever */
		BAD("\x0f\x04\x31\x28\xfc\xff"), /* bra */
		BAD("\x0f\x01\x50"),             /* reg0 */
		BAD("\x0f\x03\x77\x00\x94"),
		BAD("\x0f\x02\x94\x03"), /* deref_size 3 */
		BAD("\x10\x11\x01\x30"),
		BAD("\x0e\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"), /* a number without an end */
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		bool defined = false;
		/* At the end of what may be read. */
		uint8_t *bytes = malloc(cases[i].length + 1);

		memcpy(bytes, cases[i].program, cases[i].length);
		if (program_check(bytes, cases[i].length, &defined) != cases[i].good ||
			defined != cases[i].defined)
			fail_msg("case %zu", i);
		free(bytes);
	}
}

static void a_program_of_more_than_64_kib_is_none(void **state)
{
	uint8_t *bytes = calloc(1, 65537);
	bool defined = true;

	assert_true(program_check(bytes, 65536, &defined));
	assert_false(program_check(bytes, 65537, &defined));
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_suspended_body_has_its_frames, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_body_that_has_not_started_is_in_the_trampoline, set_up,
										tear_down),
		cmocka_unit_test_setup_teardown(the_room_is_never_left, set_up, tear_down),
		cmocka_unit_test_setup_teardown(other_layouts_are_not_supported, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_stack_that_was_cut_is_unreadable_from_there, set_up,
										tear_down),
		cmocka_unit_test_setup_teardown(a_return_address_into_nothing_ends_the_walk, set_up,
										tear_down),
		cmocka_unit_test_setup_teardown(a_frame_that_leads_inward_is_broken, set_up, tear_down),
		cmocka_unit_test_setup_teardown(whatever_a_stack_holds_its_walk_ends, set_up, tear_down),
		cmocka_unit_test_setup_teardown(why_a_module_cannot_be_read_is_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_module_that_was_loaded_over_another_is_taken, set_up,
										tear_down),
		cmocka_unit_test(each_end_has_its_words),
		cmocka_unit_test(only_programs_that_libunwind_can_run_are_run),
		cmocka_unit_test(a_program_of_more_than_64_kib_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
