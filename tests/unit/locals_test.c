/*
 * locals_test.c - locations and types of locals_debug.S, in a frame that is made up.
 *
 * Registers, memory and debug information are all known here, so each value and each reason is.
 * What compilers write is in tests/behave/locals.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <coroscope/inlined.h>
#include <tracer/locals.h>
#include <tracer/module.h>
#include <tracer/trace.h>
#include "../../tracer/symbols/initialiser.h"

extern char locals_described[], locals_described_middle[];
extern char locals_static[];
extern char locals_calls_it[], locals_calls_another[], locals_calls_through[];
extern char locals_calls_elsewhere[], locals_calls_unknown[];

static uintptr_t seen; /* where symbols_here() was called from */

__attribute__((noinline)) void symbols_here(void)
{
	seen = (uintptr_t)__builtin_return_address(0);
	__asm__ volatile("" ::: "memory");
}

/* Memory: a piece at BASE, nothing recorded at LOST, the static variable, and no more. */
enum { BASE = 0x10000, PIECE = 0x100, LOST = 0x3000, LOST_END = 0x4000 };
enum { RBX = 3, RBP = 6, RBX_VALUE = 0x567890 };
static uint8_t piece[PIECE];

static int read_memory(void *data, uint64_t address, void *buffer, size_t length)
{
	uint64_t fixed = (uintptr_t)locals_static;

	if (address >= BASE && address <= BASE + PIECE && length <= BASE + PIECE - address)
		memcpy(buffer, piece + (address - BASE), length);
	else if (address >= fixed && address <= fixed + 8 && length <= fixed + 8 - address)
		memcpy(buffer, locals_static + (address - fixed), length);
	else
		return address >= LOST && address < LOST_END ? -ENODATA : -EFAULT;
	return 0;
}

static const struct memory memory = {.read = read_memory};

struct fixture {
	char path[64];
	struct trace *trace;
	struct symbols *symbols;
	struct locals *locals;
	struct unwind_frame frame, caller; /* one behind the other */
	struct locals_stack stack;
	struct locals_view *view;
};

static void set_word(size_t at, uint64_t word)
{
	memcpy(piece + at, &word, sizeof word);
}

static int set_up(void **state)
{
	static struct fixture fixture;
	struct trace_meta meta = {
		.program = "test", .arguments = "", .pid = (uint32_t)getpid(), .clock_hz = 1000000000};
	uintptr_t middle = (uintptr_t)locals_described_middle;

	fixture = (struct fixture){.path = "/tmp/coroscope-locals-XXXXXX"};
	assert_true(close(mkstemp(fixture.path)) == 0 && unlink(fixture.path) == 0);
	assert_int_equal(trace_create(fixture.path, &meta, &fixture.trace), 0);
	assert_int_equal(symbols_new(fixture.trace, true, &fixture.symbols), 0);
	assert_true(symbols_add_modules(fixture.symbols, (uint32_t)getpid()) > 0);
	assert_int_equal(locals_new(fixture.symbols, &fixture.locals), 0);
	fixture.frame = (struct unwind_frame){.pc = middle, .look = middle - 1, .cfa = BASE + 0x20};
	fixture.frame.registers.known = 1u << RBX | 1u << RBP;
	fixture.frame.registers.value[RBX] = UINT64_C(0x1200000000) + RBX_VALUE;
	fixture.frame.registers.value[RBP] = BASE;
	fixture.stack = (struct locals_stack){.memory = &memory, .frame = &fixture.frame, .count = 1};
	set_word(8, 0x04030201);
	set_word(0x10, UINT64_C(0xfedcba98fedcba98));
	set_word(0x18, BASE + 0x40);
	set_word(0x20, 77);
	memcpy(piece + 0x40, "hello", 6);
	memset(piece + PIECE - 4, 'x', 4);
	assert_int_equal(locals_view_new(fixture.locals, &fixture.stack, 0, 0, &fixture.view), 0);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	locals_view_free(fixture->view);
	locals_free(fixture->locals);
	symbols_free(fixture->symbols);
	trace_free(fixture->trace);
	return unlink(fixture->path);
}

static const struct locals_value *value_of(struct locals_view *view, const char *name)
{
	size_t count;
	const struct locals_variable *variable = locals_variables(view, &count);

	for (size_t i = 0; i < count; i++)
		if (strcmp(variable[i].value->name, name) == 0)
			return variable[i].value;
	fail_msg("no variable is called %s", name);
	return NULL;
}

static const char *text_of(struct locals_view *view, const char *name)
{
	static char text[512];

	locals_text(view, value_of(view, name), &LOCALS_FORMAT_LINE, text, sizeof text);
	return text;
}

struct expected {
	const char *name, *text;
};

static void check_texts(struct locals_view *view, const struct expected *expected)
{
	for (; expected->name; expected++)
		if (strcmp(text_of(view, expected->name), expected->text) != 0)
			fail_msg("%s is %s, not %s", expected->name, text_of(view, expected->name),
					 expected->text);
}

static void check_expression(struct locals_view *view, const char *expression, const char *expected)
{
	const struct locals_value *value;
	struct locals_mistake mistake;
	char text[256];

	if (locals_evaluate(view, expression, &value, &mistake) == 0)
		locals_text(view, value, &LOCALS_FORMAT_LINE, text, sizeof text);
	else
		snprintf(text, sizeof text, "%zu: %s", mistake.at, mistake.text);
	if (strcmp(text, expected) != 0)
		fail_msg("'%s' is '%s', not '%s'", expression, text, expected);
}

/* ---- Expressions ------------------------------------------------------- */

static void every_operation_gives_its_number(void **state)
{
	struct fixture *fixture = *state;
	static const struct expected expected[] = {
		{"literal", "7"},
		{"const1u", "200"},
		{"const1s", "-56"},
		{"const2u", "65280"},
		{"const2s", "-256"},
		{"const4u", "4278190080"},
		{"const4s", "-16777216"},
		{"const8u", "9801809732607083009"},
		{"const8s", "-2"},
		{"constu", "624485"},
		{"consts", "-1"},
		{"dup", "4"},
		{"drop", "1"},
		{"over", "1"},
		{"pick", "1"},
		{"swap", "1"},
		{"rot", "2"},
		{"abs", "5"},
		{"and", "8"},
		{"div", "-4"},
		{"div_minus_one", "-7"},
		{"minus", "-1"},
		{"mod", "3"},
		{"mul", "28"},
		{"neg", "-7"},
		{"not", "-8"},
		{"or", "15"},
		{"plus", "11"},
		{"plus_uconst", "135"},
		{"shl", "16"},
		{"shl_far", "0"},
		{"shr", "15"},
		{"shr_far", "0"},
		{"shra", "-4"},
		{"shra_far", "-1"},
		{"xor", "6"},
		{"eq", "1"},
		{"ge", "0"},
		{"gt", "1"},
		{"le", "1"},
		{"lt", "1"},
		{"ne", "0"},
		{"nop", "7"},
		{"skip", "7"},
		{"bra_taken", "7"},
		{"bra_not_taken", "8"},
		{"loop", "0"},
		{"to_the_end", "67305985"},
		{NULL, NULL},
	};

	check_texts(fixture->view, expected);
}

static void numbers_have_types(void **state)
{
	struct fixture *fixture = *state;
	static const struct expected expected[] = {
		{"typed_unsigned", "4294967295"},
		{"typed_signed", "-1"},
		{"typed_divided", "-4"},
		{"typed_above", "1"},
		{"typed_generic", "6"},
		{"typed_old", "5"},
		{"typed_float", "2.5"},
		{"typed_narrowed", "2.5"},
		{"typed_to_float", "-3.0"},
		{"typed_to_int", "-2"},
		{"floating 0x22", "1080033280"}, /* 3.5f */
		{"floating 0x1c", "1069547520"}, /* 1.5f */
		{"floating 0x1e", "1075838976"}, /* 2.5f */
		{"floating 0x1b", "1075838976"},
		{"floating 0x29", "0"},
		{"floating 0x2e", "1"},
		{"floating 0x2d", "0"},
		{"floating 0x2c", "0"},
		{"floating 0x2b", "1"},
		{"floating 0x2a", "1"},
		{"floating 0x1a", "<debug information not understood>"},
		{"floating 0x19", "2.5"},
		{"floating 0x1f", "2.5"},
		{"floating 0x20", "<debug information not understood>"},
		{"reinterpreted", "1075838976"},
		{"regval", "5666960"},
		{"dereferenced", "-19088744"},
		{"typed_mixed", "<debug information not understood>"},
		{"typed_both", "<debug information not understood>"},
		{"typed_too_large", "<debug information not understood>"},
		{NULL, NULL},
	};

	check_texts(fixture->view, expected);
}

static void a_register_that_was_not_saved_is_said_to_be_so(void **state)
{
	struct fixture *fixture = *state;
	static const struct expected expected[] = {
		{"in_register", "77315078288"},
		{"in_regx", "77315078288"},
		{"low_half", "5666960"},
		{"from_breg", "77315078289"},
		{"from_bregx", "77315078289"},
		{"not_saved", "<register not saved>"},
		{"in_vector", "<register not saved>"},
		{"in_no_register", "<register not saved>"},
		{"from_lost_breg", "<register not saved>"},
		{NULL, NULL},
	};

	check_texts(fixture->view, expected);
	assert_int_equal(value_of(fixture->view, "not_saved")->reason, LOCALS_NOT_SAVED);
	assert_string_equal(value_of(fixture->view, "not_saved")->why, "register not saved");
}

static void memory_that_is_missing_is_said_to_be_so(void **state)
{
	struct fixture *fixture = *state;
	static const struct expected expected[] = {
		{"in_frame", "67305985"},
		{"at_cfa", "77"},
		{"deref", "-81985526925837672"},
		{"deref_size", "47768"},
		{"not_recorded", "<memory not recorded>"},
		{"unreadable", "<memory unreadable>"},
		{"deref_not_recorded", "<memory not recorded>"},
		{"deref_unreadable", "<memory unreadable>"},
		{"deref_too_wide", "<debug information not understood>"},
		{"text", "\"hello\""},
		{"lost_text", "0x3000 <memory not recorded>"},
		{"pointer_to_lost", "0x3000"},
		{"static", "1234605616436508552"},
		{NULL, NULL},
	};
	const struct locals_value *child;
	size_t count;
	const struct locals_variable *variable = locals_variables(fixture->view, &count);

	check_texts(fixture->view, expected);
	assert_true(value_of(fixture->view, "in_frame")->in_memory);
	assert_int_equal(value_of(fixture->view, "in_frame")->address, BASE + 8);
	assert_int_equal(
		locals_child(fixture->view, value_of(fixture->view, "pointer_to_lost"), 0, &child), 0);
	assert_int_equal(child->reason, LOCALS_NOT_RECORDED);
	assert_string_equal(child->name, "*pointer_to_lost");
	for (size_t i = 0; i < count; i++)
		assert_int_equal(variable[i].is_static,
						 strcmp(variable[i].value->name, "static") == 0 ||
							 strstr(variable[i].value->name, "thread_local") != NULL);
}

static void what_each_thread_has_is_said_to_be_so(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(value_of(fixture->view, "thread_local")->reason, LOCALS_THREAD_LOCAL);
	assert_string_equal(text_of(fixture->view, "gnu_thread_local"), "<thread-local>");
}

static void without_the_frames_address_there_is_no_place(void **state)
{
	struct fixture *fixture = *state;
	struct locals_view *view;

	fixture->frame.cfa = 0;
	assert_int_equal(locals_view_new(fixture->locals, &fixture->stack, 0, 0, &view), 0);
	assert_string_equal(text_of(view, "at_cfa"), "<frame address not known>");
	locals_view_free(view);
	fixture->frame.registers.known = 0;
	assert_int_equal(locals_view_new(fixture->locals, &fixture->stack, 0, 0, &view), 0);
	assert_string_equal(text_of(view, "in_frame"), "<register not saved>");
	locals_view_free(view);
}

static void pieces_have_each_their_reason(void **state)
{
	struct fixture *fixture = *state;
	static const struct expected expected[] = {
		{"pieces", "{first = 77315078288, second = 7}"},
		{"half_lost", "{first = <register not saved>, second = 7}"},
		{"half_nowhere", "{first = 7, second = <optimised out>}"},
		{"half_unreadable", "{first = 7, second = <memory unreadable>}"},
		{"short_pieces", "{first = 7, second = <optimised out>}"},
		{"all_lost", "<register not saved>"},
		{"piece_in_memory", "{first = 67305985, second = -81985526925837672}"},
		{"too_many_pieces", "7"},
		{"bit_pieces", "125"},
		{"implicit", "-9223372036854775807"},
		{"implicit_piece", "67305985"},
		{"bit_piece_of_value", "<debug information not understood>"},
		{"bit_piece_of_block", "<debug information not understood>"},
		{"implicit_short", "{first = 1, second = <debug information not understood>}"},
		{NULL, NULL},
	};
	const uint8_t *bytes, *known;

	check_texts(fixture->view, expected);
	assert_int_equal(
		locals_bytes(fixture->view, value_of(fixture->view, "half_lost"), &bytes, &known), 16);
	assert_non_null(known);
	for (size_t i = 0; i < 16; i++)
		assert_int_equal(known[i] != 0, i >= 8);
	assert_int_equal(bytes[8], 7);
	assert_int_equal(locals_bytes(fixture->view, value_of(fixture->view, "pieces"), &bytes, &known),
					 16);
	assert_null(known);
	assert_int_equal(
		locals_bytes(fixture->view, value_of(fixture->view, "all_lost"), &bytes, &known), 0);
}

static void what_is_nowhere_was_optimised_out(void **state)
{
	struct fixture *fixture = *state;
	static const struct expected expected[] = {
		{"nowhere", "<optimised out>"},
		{"passed", "<optimised out>"}, /* the stack has no caller */
		{"constant", "-9"},
		{"constant_block", "2.5"},
		{"constant_short", "{first = <optimised out>, second = <optimised out>}"},
		{"constant_byte", "200"},
		{"constant_text", "[99, 111, 110, 115, 116, 97, 110, 116]"},
		{NULL, NULL},
	};

	check_texts(fixture->view, expected);
}

static void odd_numbers_are_shown_as_they_are(void **state)
{
	struct fixture *fixture = *state;
	static const struct expected expected[] = {
		{"quadruple", "0xfedcba98fedcba980000000004030201"},
		{"decimal", "0x04030201"},
		{"odd_bool", "true"},
		{"zero_char", "'\\0'"},
		{"control_char", "'\\x1b'"},
		{"quote_char", "'\\''"},
		{"bit_fields", "{low = 1, middle = -64, beyond = <debug information not understood>}"},
		{NULL, NULL},
	};

	check_texts(fixture->view, expected);
}

static void what_contradicts_itself_is_not_understood(void **state)
{
	struct fixture *fixture = *state;
	static const char *const name[] = {
		"malformed", "underflow", "underflow_shuffle", "no_value",
		"by_zero",   "endless",   "growing",           "into_the_middle",
	};
	static const struct expected expected[] = {
		{"unknown_operation", "<debug information not understood>"},
		{"object_address", "<operation 0x97 of DWARF not understood>"},
		{"in_circle", "void"},
		{"endless_bound", "<debug information not understood>"},
		{"backward", "[67305985, 0, -19088744]"},
		{NULL, NULL},
	};

	for (size_t i = 0; i < sizeof name / sizeof *name; i++)
		if (value_of(fixture->view, name[i])->reason != LOCALS_UNSUPPORTED)
			fail_msg("%s is %s", name[i], text_of(fixture->view, name[i]));
	check_texts(fixture->view, expected);
}

static void types_without_end_have_an_end(void **state)
{
	struct fixture *fixture = *state;
	const struct locals_value *value = value_of(fixture->view, "in_itself");
	struct locals_format deep = {.depth = 1000000, .elements = 1000000, .characters = 1000000};
	char text[1024];

	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(locals_child(fixture->view, value, 1, &value), 0);
	assert_string_equal(value->name, "once_more");
	assert_true(locals_text(fixture->view, value, &deep, text, sizeof text) < sizeof text);
	assert_true(locals_text(fixture->view, value_of(fixture->view, "huge"), &deep, text,
							sizeof text) < sizeof text);
	assert_int_equal(value_of(fixture->view, "huge")->children, UINT64_C(0x80000000));
}

/* ---- What the caller knows --------------------------------------------- */

/* The view of the frame when it was called from the call that returns to `pc`. */
static struct locals_view *called_from(struct fixture *fixture, const char *pc)
{
	struct locals_view *view;

	fixture->caller = fixture->frame;
	fixture->caller.pc = (uintptr_t)pc;
	fixture->caller.look = (uintptr_t)pc - 1;
	fixture->caller.registers.value[RBX] = 1000;
	fixture->stack.count = 2;
	assert_int_equal(locals_view_new(fixture->locals, &fixture->stack, 0, 0, &view), 0);
	return view;
}

static void a_parameter_is_what_the_caller_passed(void **state)
{
	struct fixture *fixture = *state;
	static const struct expected expected[] = {
		{"passed", "1001"},
		{"passed_regx", "1001"},
		{"passed_for", "15"},
		{"passed_for_none", "<optimised out>"},
		{"passed_lost", "<register not saved>"},
		{"passed_no_value", "<optimised out>"},
		{"passed_nothing", "<optimised out>"},
		{"passed_memory", "<debug information not understood>"},
		{NULL, NULL},
	};
	const char *const sure[] = {locals_calls_it, locals_calls_through};

	for (size_t i = 0; i < sizeof sure / sizeof *sure; i++) {
		struct locals_view *view = called_from(fixture, sure[i]);

		check_texts(view, expected);
		locals_view_free(view);
	}
}

static void a_call_that_may_have_been_to_another_function_tells_nothing(void **state)
{
	struct fixture *fixture = *state;
	const char *const unsure[] = {
		locals_calls_another,    locals_calls_elsewhere, locals_calls_unknown,
		locals_described_middle, (const char *)8,
	};

	for (size_t i = 0; i < sizeof unsure / sizeof *unsure; i++) {
		struct locals_view *view = called_from(fixture, unsure[i]);

		assert_string_equal(text_of(view, "passed"), "<optimised out>");
		assert_string_equal(text_of(view, "passed_for"), "<optimised out>");
		locals_view_free(view);
	}
}

/* ---- Other variables --------------------------------------------------- */

static void an_expression_may_use_other_variables(void **state)
{
	struct fixture *fixture = *state;
	static const struct expected expected[] = {
		{"number_of_number", "-3"},
		{"number_of_memory", "67305985"},
		{"number_of_const", "9"},
		{"number_of_lost", "<register not saved>"},
		{"number_of_unrecorded", "<memory not recorded>"},
		{"number_of_formal", "<optimised out>"},
		{"number_of_pair", "<debug information not understood>"},
		{NULL, NULL},
	};

	check_texts(fixture->view, expected);
}

static void a_pointer_may_lead_to_what_has_no_address(void **state)
{
	struct fixture *fixture = *state;
	static const struct expected expected[] = {
		{"points_to_target->first", "77315078288"},
		{"points_to_target->second", "7"},
		{"(*points_to_target).second", "7"},
		{"*points_into_target", "7"},
		{"*points_to_memory", "67305985"},
		{"*points_beyond", "<debug information not understood>"},
		{"*points_before", "<debug information not understood>"},
		{"*points_to_itself", "<optimised out>"},
		{"points_into_target[1]", "<optimised out>"},
		{"points_to_target", "<optimised out>"},
		{"pointer_piece", "{first = <optimised out>, second = 7}"},
		{NULL, NULL},
	};

	for (const struct expected *at = expected; at->name; at++)
		check_expression(fixture->view, at->name, at->text);
	assert_int_equal(value_of(fixture->view, "points_to_target")->children, 2);
	assert_int_equal(value_of(fixture->view, "points_to_target")->reason, LOCALS_OPTIMISED_OUT);
}

static void what_is_of_cpp_can_be_read(void **state)
{
	struct fixture *fixture = *state;
	static const struct expected expected[] = {
		{"derived", "{{first = 67305985, second = -81985526925837672}, computed = 65600}"},
		{"derived.second", "-81985526925837672"},
		{"derived.computed", "65600"},
		{NULL, NULL},
	};

	for (const struct expected *at = expected; at->name; at++)
		check_expression(fixture->view, at->name, at->text);
	assert_string_equal(value_of(fixture->view, "derived")->type, "class derived");
	assert_string_equal(value_of(fixture->view, "reference")->type, "struct pair &");
	assert_string_equal(value_of(fixture->view, "rvalue_reference")->type, "int &&");
	assert_string_equal(value_of(fixture->view, "const_void_pointer")->type, "const void *");
	assert_int_equal(value_of(fixture->view, "const_void_pointer")->children, 0);
	assert_int_equal(value_of(fixture->view, "reference")->children, 2);
}

/* ---- Frames ------------------------------------------------------------ */

static void a_frame_without_lines_has_a_function(void **state)
{
	struct fixture *fixture = *state;
	struct locals_frame frame[LOCALS_LEVELS_MOST];

	assert_int_equal(locals_frames(fixture->locals, &fixture->stack, 0, frame, LOCALS_LEVELS_MOST),
					 1);
	assert_string_equal(frame[0].function, "locals_described");
	assert_null(frame[0].file);
	assert_int_equal(frame[0].offset, locals_described_middle - locals_described);
	assert_true(frame[0].described && !frame[0].why);
	assert_false(frame[0].inlined || frame[0].optimised || frame[0].runtime);
	assert_int_equal(locals_frames(fixture->locals, &fixture->stack, 1, frame, 1), -EINVAL);
	assert_int_equal(locals_frames(fixture->locals, &fixture->stack, 0, frame, 0), -EINVAL);
}

static void a_frame_in_no_module_is_nothing_but_an_address(void **state)
{
	struct fixture *fixture = *state;
	struct locals_frame frame;
	struct locals_view *view;
	size_t count;

	fixture->frame.look = 0x10;
	assert_int_equal(locals_frames(fixture->locals, &fixture->stack, 0, &frame, 1), 1);
	assert_true(!frame.function && !frame.module && !frame.file && !frame.described);
	assert_string_equal(frame.why, "no module has this address");
	assert_int_equal(locals_view_new(fixture->locals, &fixture->stack, 0, 0, &view), 0);
	locals_variables(view, &count);
	assert_int_equal(count, 0);
	locals_view_free(view);
	assert_int_equal(locals_view_new(fixture->locals, &fixture->stack, 0, 1, &view), -EINVAL);
	assert_int_equal(locals_view_new(fixture->locals, &fixture->stack, 1, 0, &view), -EINVAL);
}

static void what_a_header_of_coroscope_inlines_is_a_frame_of_the_runtime(void **state)
{
	struct fixture *fixture = *state;
	struct locals_frame frame[LOCALS_LEVELS_MOST];
	uint32_t line;
	int count;

	inlined_operation(), line = __LINE__;
	fixture->frame.pc = seen;
	fixture->frame.look = seen - 1;
	count = locals_frames(fixture->locals, &fixture->stack, 0, frame, LOCALS_LEVELS_MOST);
	assert_true(count >= 2);
	assert_true(frame[0].runtime && frame[0].inlined);
	assert_non_null(strstr(frame[0].file, "coroscope/inlined.h"));
	assert_false(frame[count - 1].runtime || frame[count - 1].inlined);
	assert_string_equal(frame[count - 1].function, __func__);
	assert_int_equal(frame[count - 1].line, line);
	assert_int_equal(frame[count - 1].level, count - 1);
	/* The outermost are left out. */
	assert_int_equal(locals_frames(fixture->locals, &fixture->stack, 0, frame, 1), 1);
	assert_true(frame[0].inlined);
}

static void many_places_do_not_stay(void **state)
{
	struct fixture *fixture = *state;
	struct locals_frame frame;

	/* More than are kept; the view still has its own. */
	for (uint64_t i = 0; i < 40000; i++) {
		fixture->frame.look = i;
		assert_int_equal(locals_frames(fixture->locals, &fixture->stack, 0, &frame, 1), 1);
	}
	assert_string_equal(text_of(fixture->view, "literal"), "7");
	check_expression(fixture->view, "file_wide", "1234605616436508552");
	locals_view_free(fixture->view);
	fixture->view = NULL;
	locals_forget(fixture->locals);
	assert_int_equal(locals_frames(fixture->locals, &fixture->stack, 0, &frame, 1), 1);
}

/* ---- Initialisers ------------------------------------------------------ */

static void an_initialiser_goes_on_until_its_declaration_ends(void **state)
{
	/* `@` is where the frame stands; `v` is the variable. */
	static const struct {
		const char *source;
		bool column, goes_on;
	} cases[] = {
		{"int v = @f();", true, true},
		{"int v = g(1, 2) + @f();", true, true},
		{"int v[2] = {1, @f()};", true, true},
		{"int v = '\\'' + @f();", true, true},
		{"int v = \";\"[@f()];", true, true},
		{"int v = /* ; */ @f();", true, true},
		{"int v = 1 + // ;\n  @f();", true, true},
		{"int v = /* ;\n ; */ @f();", true, true},
		{"int v =\n\n  @f();", true, true},
		{"int v = 1 == 2 ? 3 : @f();", true, true},
		{"int v = @f();", false, true},
		{"int vv, v = @f();", false, true},
		{"int v = 1, w = @f();", true, false},
		{"int v = 1; @f();", true, false},
		{"int v; v = @f();", true, false},
		{"int v; @f();", true, false},
		{"for (int v = 0; v < @f();)", true, false},
		{"if (v == @f())", true, false},
		{"g(v, w = @f());", true, false},
		{"g(v) + @f();", true, false},
		{"v + @f();", true, false},
		{"int v = 1; v = @f();", false, false},
		{"int never = @f();", false, false},
		{"int v = 0;\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n@f();",
		 true, false},
	};
	struct fixture *fixture = *state;
	struct symbols_module mapped;

	assert_int_equal(symbols_module_at(fixture->symbols, fixture->frame.look, &mapped), 0);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char path[] = "/tmp/coroscope-source-XXXXXX";
		struct timespec old[2] = {{0}, {0}};
		struct declaration declaration = {.name = "v", .line = 1};
		struct locals_frame frame = {.line = 1, .column = 1};
		const char *name = strchr(cases[i].source, 'v');
		FILE *file = fdopen(mkstemp(path), "w");

		/* The first that is a word. */
		if (strncmp(name, "vv", 2) == 0)
			name = strchr(name + 2, 'v');
		declaration.column = cases[i].column ? (uint32_t)(name - cases[i].source) + 1 : 0;
		for (const char *at = cases[i].source; *at != '@'; at++) {
			frame.column = *at == '\n' ? 1 : frame.column + 1;
			frame.line += *at == '\n';
		}
		for (const char *at = cases[i].source; *at; at++)
			if (*at != '@')
				fputc(*at, file);
		fputc('\n', file);
		fclose(file);
		/* A file that is newer than the program may be another one. */
		assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
		frame.file = symbols_source_name(fixture->symbols, mapped.module, path, NULL);
		if (initialiser_goes_on(fixture->symbols, &frame, &declaration) != cases[i].goes_on)
			fail_msg("%s", cases[i].source);
		unlink(path);
	}
}

static void a_source_that_is_not_there_tells_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct declaration declaration = {.name = "v", .line = 1, .column = 1};
	struct locals_frame frame = {.file = "/nowhere.c", .line = 1, .column = 9};

	assert_false(initialiser_goes_on(fixture->symbols, &frame, &declaration));
	frame.file = NULL;
	assert_false(initialiser_goes_on(fixture->symbols, &frame, &declaration));
}

/* ---- Text -------------------------------------------------------------- */

static void text_has_as_much_room_as_there_is(void **state)
{
	struct fixture *fixture = *state;
	const struct locals_value *value = value_of(fixture->view, "pieces");
	struct locals_format flat = {.depth = 0, .elements = 1, .characters = 2};
	struct locals_format few = {.depth = 1, .elements = 1, .characters = 2};
	char text[64];

	for (size_t room = 0; room < sizeof text; room++) {
		size_t length;

		memset(text, '#', sizeof text);
		length = locals_text(fixture->view, value, &LOCALS_FORMAT_LINE, text, room);
		assert_true(length < room || room == 0);
		assert_true(room == 0 || text[length] == 0);
		assert_int_equal(room < sizeof text ? text[room] : '#', '#');
	}
	assert_int_equal(locals_text(fixture->view, value, &LOCALS_FORMAT_LINE, text, 12), 11);
	assert_string_equal(text, "{first =...");
	locals_text(fixture->view, value, &flat, text, sizeof text);
	assert_string_equal(text, "{...}");
	locals_text(fixture->view, value, &few, text, sizeof text);
	assert_string_equal(text, "{first = 77315078288, ...}");
	locals_text(fixture->view, value_of(fixture->view, "text"), &few, text, sizeof text);
	assert_string_equal(text, "\"he\"...");
	locals_text(fixture->view, value_of(fixture->view, "constant_text"), &flat, text, sizeof text);
	assert_string_equal(text, "[...]");
}

static void a_string_ends_where_memory_does(void **state)
{
	struct fixture *fixture = *state;
	struct locals_view *view;

	set_word(0x18, BASE + PIECE - 4);
	assert_int_equal(locals_view_new(fixture->locals, &fixture->stack, 0, 0, &view), 0);
	assert_string_equal(text_of(view, "text"), "\"xxxx\"... <memory unreadable>");
	locals_view_free(view);
}

/* ---- print ------------------------------------------------------------- */

static void expressions_are_those_of_c(void **state)
{
	struct fixture *fixture = *state;
	static const struct expected expected[] = {
		{"literal", "7"},
		{" literal ", "7"},
		{"pieces.second", "7"},
		{"(&in_frame)[2]", "-19088744"},
		{"*&in_frame", "67305985"},
		{"&in_frame", "0x10008"},
		{"&in_frame + 1", "0x1000c"},
		{"&in_frame - 1 + 1", "0x10008"},
		{"*(&in_frame + literal - 5)", "-19088744"},
		{"backward[2]", "-19088744"},
		{"backward[literal - 5]", "-19088744"},
		{"*backward", "67305985"},
		{"backward + 1", "0x1000c"},
		{"text[1]", "'e'"},
		{"*text == 3", "6: nothing is expected behind the expression"},
		{"literal*2+3", "17"},
		{"3+literal*2", "17"},
		{"(3 + literal) * 2", "20"},
		{"17 / 5 % 2", "1"},
		{"-8 / -1", "8"},
		{"8 % -1", "0"},
		{"-literal", "-7"},
		{"~literal", "-8"},
		{"!literal", "0"},
		{"+literal", "7"},
		{"0x10 + 010", "24"},
		{"18446744073709551615u", "-1"},
		{"18446744073709551616", "0: the number is too large"},
		{"'a'", "97"},
		{"'\\n' + '\\x41' + '\\0' + '\\''", "114"},
		{"'", "0: a character is expected between quotes"},
		{"''", "0: a character is expected between quotes"},
		{"'ab'", "0: a character is expected between quotes"},
		{"'\\q'", "1: no such escape"},
		{"1.5", "0: only whole numbers are understood"},
		{"2x", "0: only whole numbers are understood"},
		{"file_wide", "1234605616436508552"},
		{"&file_wide + 0 - 0", NULL},
		{"locals_described", "locals_described"},
		/* What is missing stays so. */
		{"nowhere", "<optimised out>"},
		{"&nowhere", "<optimised out>"},
		{"nowhere + 1", "<optimised out>"},
		{"1 + not_saved", "<register not saved>"},
		{"-nowhere", "<optimised out>"},
		{"backward[nowhere]", "<optimised out>"},
		{"*pointer_to_lost", "<memory not recorded>"},
		{"pointer_to_lost[1]", "<memory not recorded>"},
		{"half_lost.first", "<register not saved>"},
		{"half_lost.second", "7"},
		/* Mistakes. */
		{"", "0: a name or a number is expected"},
		{"  ", "2: a name or a number is expected"},
		{"cuont", "0: no variable is called 'cuont'"},
		{"1 + cuont", "4: no variable is called 'cuont'"},
		{"\033[2J", "0: a name or a number is expected"},
		{"literal.x", "7: a structure is expected, and this is int"},
		{"literal->x", "7: '->' needs a pointer, and this is int"},
		{"pieces->x", "6: '->' needs a pointer, and this is struct pair"},
		{"pieces.third", "7: struct pair has no member 'third'"},
		{"pieces.", "7: a name is expected"},
		{"pieces.3", "7: a name is expected"},
		{"*literal", "1: a pointer or an array is expected, and this is int"},
		{"backward[3]", "9: there are 3 elements"},
		{"backward[-1]", "9: there are 3 elements"},
		{"backward[pieces]", "9: a whole number is expected, and this is struct pair"},
		{"backward[1", "10: ']' is missing"},
		{"(literal", "8: ')' is missing"},
		{"literal)", "7: nothing is expected behind the expression"},
		{"pieces + 1", "0: a whole number is expected, and this is struct pair"},
		{"literal / 0", "0: it is divided by 0"},
		{"&literal", "1: it is in no memory, and has no address"},
		{"&5", "1: it is in no memory, and has no address"},
		{"&-nowhere", "1: it is in no memory, and has no address"},
		{"&bit_fields.low", "1: a bit-field has no address"},
		{NULL, NULL},
	};

	for (const struct expected *at = expected; at->name; at++)
		if (at->text)
			check_expression(fixture->view, at->name, at->text);
}

static void an_expression_has_a_type(void **state)
{
	struct fixture *fixture = *state;
	static const struct expected expected[] = {
		{"1 + 1", "long"},
		{"&in_frame", "int *"},
		{"&backward", "int (*)[3]"},
		{"&text", "char **"},
		{"*&text", "char *"},
		{"pieces", "struct pair"},
		{"huge[0][1]", "int [2147483648]"},
		{"&locals_described", "void (*)(void)"},
		{NULL, NULL},
	};
	const struct locals_value *value;
	struct locals_mistake mistake;

	for (const struct expected *at = expected; at->name; at++) {
		if (locals_evaluate(fixture->view, at->name, &value, &mistake) < 0)
			fail_msg("%s: %s", at->name, mistake.text);
		assert_string_equal(value->type, at->text);
		assert_string_equal(value->name, at->name);
	}
}

static void an_expression_may_be_deep_but_not_bottomless(void **state)
{
	struct fixture *fixture = *state;
	char text[100001];

	memset(text, '(', sizeof text);
	text[sizeof text - 1] = 0;
	check_expression(fixture->view, text, "64: the expression is too deep");
	memset(text, '-', sizeof text - 1);
	check_expression(fixture->view, text, "64: the expression is too deep");
	memset(text, 'a', sizeof text - 1);
	check_expression(fixture->view, text, "0: the name is too long");
	check_expression(fixture->view, "((((((((((1))))))))))", "1");
}

static void without_a_frame_there_is_what_is_global(void **state)
{
	struct fixture *fixture = *state;
	struct locals_view *view;

	assert_int_equal(locals_view_new(fixture->locals, &fixture->stack, LOCALS_NOWHERE, 0, &view),
					 0);
	check_expression(view, "file_wide", "1234605616436508552");
	check_expression(view, "locals_described", "locals_described");
	check_expression(view, "twice", "2");
	check_expression(fixture->view, "twice", "1");
	check_expression(view, "literal", "0: no variable is called 'literal'");
	check_expression(view, "1 + 1", "2");
	locals_view_free(view);
}

/* ---- Limits ------------------------------------------------------------ */

static void a_view_holds_so_much_and_says_so(void **state)
{
	struct fixture *fixture = *state;
	const struct locals_value *value = value_of(fixture->view, "huge"), *child;
	uint64_t count = 0;
	int result;

	while ((result = locals_child(fixture->view, value, 1, &child)) == 0)
		count++;
	assert_int_equal(result, -ENOMEM);
	assert_true(count > 1000 && count < LOCALS_VIEW_MOST);
	assert_int_equal(locals_child(fixture->view, value_of(fixture->view, "literal"), 0, &child),
					 -ENOENT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(every_operation_gives_its_number),
		TEST(numbers_have_types),
		TEST(a_register_that_was_not_saved_is_said_to_be_so),
		TEST(memory_that_is_missing_is_said_to_be_so),
		TEST(what_each_thread_has_is_said_to_be_so),
		TEST(without_the_frames_address_there_is_no_place),
		TEST(pieces_have_each_their_reason),
		TEST(what_is_nowhere_was_optimised_out),
		TEST(odd_numbers_are_shown_as_they_are),
		TEST(what_contradicts_itself_is_not_understood),
		TEST(types_without_end_have_an_end),
		TEST(a_parameter_is_what_the_caller_passed),
		TEST(a_call_that_may_have_been_to_another_function_tells_nothing),
		TEST(an_expression_may_use_other_variables),
		TEST(a_pointer_may_lead_to_what_has_no_address),
		TEST(what_is_of_cpp_can_be_read),
		TEST(a_frame_without_lines_has_a_function),
		TEST(a_frame_in_no_module_is_nothing_but_an_address),
		TEST(what_a_header_of_coroscope_inlines_is_a_frame_of_the_runtime),
		TEST(many_places_do_not_stay),
		TEST(an_initialiser_goes_on_until_its_declaration_ends),
		TEST(a_source_that_is_not_there_tells_nothing),
		TEST(text_has_as_much_room_as_there_is),
		TEST(a_string_ends_where_memory_does),
		TEST(expressions_are_those_of_c),
		TEST(an_expression_has_a_type),
		TEST(an_expression_may_be_deep_but_not_bottomless),
		TEST(without_a_frame_there_is_what_is_global),
		TEST(a_view_holds_so_much_and_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
