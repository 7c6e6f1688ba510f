/*
 * call_frames_test.c - call frame information in every form, good and bad; see tracer/unwind/cfi.h.
 *
 * Each case is a file of its own, with a function at 0x100 to 0x300 of it. A walk begins in there,
 * on a stack that holds nothing but one return address, to where there is no code.
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

#include <tracer/memory.h>
#include <tracer/unwind.h>
#include "../../tracer/unwind/rules.h"
#include "../fuzz/call_frame_file.h"

enum {
	START = 0x100,
	LENGTH = 0x200,
	SECTION_MOST = 1 << 17,
	ROOM = 600,
	ABSPTR = 0,
	ULEB = 1,
	UDATA2 = 2,
	UDATA4 = 3,
	UDATA8 = 4,
	SLEB = 9,
	SDATA2 = 10,
	SDATA4 = 11,
	SDATA8 = 12,
	PCREL = 0x10,
};

#define BASE     UINT64_C(0x555555550000)
#define STACK    UINT64_C(0x7f0000001000)
#define NOWHERE  0x4242
#define STANDARD "\x0c\x07\x08\x90\x01" /* CFA = rsp + 8, return address at CFA - 8 */

static struct symbols_module mapping;
static struct unwinder *unwinder;

/* Instead of that in tracer/symbols. */
int symbols_module_at(struct symbols *symbols, uint64_t address, struct symbols_module *ret)
{
	if (address < mapping.start || address >= mapping.end)
		return -ENOENT;
	*ret = mapping;
	return 0;
}

/* ---- A section, as it is written ----------------------------------------- */

static uint8_t section[SECTION_MOST];
static size_t length;

static void put(const void *bytes, size_t count)
{
	if (count > 0)
		memcpy(section + length, bytes, count);
	length += count;
}

static void put8(unsigned value)
{
	section[length++] = (uint8_t)value;
}

static void put32(uint32_t value)
{
	put(&value, sizeof value);
}

/* An address or a length, as the encoding says. */
static void put_encoded(unsigned encoding, uint64_t value)
{
	static const uint8_t sizes[16] = {[ABSPTR] = 8, [UDATA2] = 2, [UDATA4] = 4, [UDATA8] = 8,
									  [SDATA2] = 2, [SDATA4] = 4, [SDATA8] = 8};

	if (encoding & PCREL)
		value -= CALL_FRAME_ADDRESS + length;
	if ((encoding & 15) != ULEB && (encoding & 15) != SLEB) {
		put(&value, sizes[encoding & 15]);
		return;
	}
	/* In ten bytes, whatever it is. */
	for (unsigned i = 0; i < 9; i++) {
		put8((unsigned)(value & 127) | 128);
		value = (uint64_t)((int64_t)value >> 7);
	}
	put8((unsigned)value & 1);
}

static void end_entry(size_t start)
{
	uint32_t size = (uint32_t)(length - start - 4);

	memcpy(section + start, &size, sizeof size);
}

/* What a CIE says; what is left out is usual. */
struct form {
	enum call_frame_kind kind;
	const char *augmentation; /* NULL: "zR" */
	const char *data;         /* of it; NULL: the encoding alone */
	size_t data_length;
	unsigned encoding;
	unsigned return_address; /* 0: 16 */
	const char *initial;     /* NULL: STANDARD */
	size_t initial_length;
	const char *program; /* of the FDE */
	size_t program_length;
	bool cie_last;
	uint64_t start;  /* of the function; 0: START */
	uint64_t length; /* 0: LENGTH */
};

static size_t put_cie(const struct form *form)
{
	const char *augmentation = form->augmentation ? form->augmentation : "zR";
	size_t start = length;

	put32(0);
	put32(form->kind == CALL_FRAME_DEBUG ? UINT32_MAX : 0);
	put8(1);
	put(augmentation, strlen(augmentation) + 1);
	put8(1);
	put8(0x78); /* -8 */
	put8(form->return_address ? form->return_address : 16);
	if (form->data) {
		put8((unsigned)form->data_length);
		put(form->data, form->data_length);
	} else if (augmentation[0] == 'z') {
		put8(1);
		put8(form->encoding);
	}
	if (form->initial)
		put(form->initial, form->initial_length);
	else
		put(STANDARD, sizeof STANDARD - 1);
	end_entry(start);
	return start;
}

static void put_fde(const struct form *form, uint32_t cie)
{
	size_t start = length;

	put32(0);
	put32(form->kind == CALL_FRAME_DEBUG ? cie : (uint32_t)length - cie);
	put_encoded(form->encoding, form->start ? form->start : START);
	put_encoded(form->encoding & 15, form->length ? form->length : LENGTH);
	if (!form->augmentation || form->augmentation[0] == 'z')
		put8(0);
	put(form->program, form->program_length);
	end_entry(start);
}

static void put_section(const struct form *form)
{
	length = 0;
	if (form->cie_last) {
		/* Its place is known: behind an FDE of a length that does not depend on it. */
		put_fde(form, 0);
		put_fde(form, (uint32_t)(2 * length));
		memmove(section, section + length / 2, length / 2);
		length /= 2;
		section[4] = (uint8_t)length;
		put_cie(form);
	} else {
		put_fde(form, (uint32_t)put_cie(form));
	}
	put32(0);
}

/* ---- A walk ------------------------------------------------------------ */

static void open_file(enum call_frame_kind kind)
{
	mapping = (struct symbols_module){
		.path = "/somewhere/any", .start = BASE, .end = BASE + CALL_FRAME_CODE, .bias = BASE};
	assert_int_equal(call_frame_file(kind, section, length, &mapping.module), 0);
	unwinder_forget(unwinder);
}

static void close_file(void)
{
	unwinder_forget(unwinder);
	module_close(mapping.module);
}

static int walk_at(uint64_t pc, uint64_t *words, size_t count, struct unwind_frame *frames,
				   enum unwind_end *ret_end)
{
	struct memory_bytes bytes = {.address = STACK, .bytes = words, .length = count * 8};
	struct memory memory = memory_of_bytes(&bytes);
	struct unwind_registers registers = {
		.known = 1u | 1u << 3 | 1u << 6 | 1u << UNWIND_REGISTER_SP | 1u << UNWIND_REGISTER_PC};

	registers.value[3] = 33;
	registers.value[6] = STACK + 16;
	registers.value[UNWIND_REGISTER_SP] = STACK;
	registers.value[UNWIND_REGISTER_PC] = pc;
	return unwind(unwinder, &memory, &registers, frames, ROOM, ret_end);
}

static char end_text[256]; /* of the last walk */

static int walk(const struct form *form, struct unwind_frame *frames, enum unwind_end *ret_end)
{
	uint64_t words[8] = {NOWHERE, 1, 2, 3, 4, 5, 6, 7};
	int count;

	put_section(form);
	open_file(form->kind);
	count = walk_at(BASE + (form->start ? form->start : START) + 16, words, 8, frames, ret_end);
	snprintf(end_text, sizeof end_text, "%s", unwinder_end_text(unwinder, *ret_end));
	close_file();
	return count;
}

static struct unwind_frame frames[ROOM];

/* The function's caller is found, or it is said that there are no rules. */
static void expect_found(const struct form *form)
{
	enum unwind_end end;

	assert_int_equal(walk(form, frames, &end), 2);
	assert_int_equal(end, UNWIND_NO_MODULE);
	assert_int_equal(frames[0].cfa, STACK + 8);
	assert_int_equal(frames[1].pc, NOWHERE);
	assert_int_equal(frames[1].registers.value[3], 33);
}

static void expect_refused(const struct form *form)
{
	enum unwind_end end;

	assert_int_equal(walk(form, frames, &end), 1);
	assert_int_equal(end, UNWIND_NO_RULES);
	assert_string_equal(end_text, "no call frame information for 0x55555555010f in any");
}

/* ---- Forms ------------------------------------------------------------- */

static void functions_are_found_in_each_encoding(void **state)
{
	static const uint8_t encodings[] = {
		ABSPTR, ULEB,   UDATA2,         UDATA4,         UDATA8,         SLEB,          SDATA2,
		SDATA4, SDATA8, PCREL | ABSPTR, PCREL | SDATA2, PCREL | SDATA4, PCREL | SDATA8};
	static const uint8_t unknown[] = {5, 0x20, 0x30, 0x40, 0x50, 0x80, 0x90, 0xff};

	for (size_t i = 0; i < sizeof encodings; i++)
		for (unsigned kind = CALL_FRAME_EH; kind <= CALL_FRAME_NO_SECTIONS; kind++) {
			/* .debug_frame is not loaded: nothing is relative to where it is. */
			if (kind != CALL_FRAME_DEBUG)
				expect_found(&(struct form){.kind = kind, .encoding = encodings[i]});
		}
	for (size_t i = 0; i < sizeof unknown; i++)
		expect_refused(&(struct form){.encoding = unknown[i]});
}

static void debug_frame_is_read_where_there_is_no_eh_frame(void **state)
{
	expect_found(&(struct form){.kind = CALL_FRAME_DEBUG, .augmentation = ""});
	/* Its entries may refer to what comes later. */
	expect_found(&(struct form){.kind = CALL_FRAME_DEBUG, .augmentation = "", .cie_last = true});
}

static void augmentations_are_understood_or_refused(void **state)
{
	expect_found(&(struct form){.augmentation = ""});
	expect_found(&(struct form){.augmentation = "zPLR",
								.data = "\x1b\1\2\3\4\x1b\x1b",
								.data_length = 7,
								.encoding = 0x1b});
	assert_int_equal(frames[1].look, NOWHERE - 1);
	/* What a signal's handler returns to did not call it. */
	expect_found(
		&(struct form){.augmentation = "zRS", .data = "\x1b", .data_length = 1, .encoding = 0x1b});
	assert_int_equal(frames[1].look, NOWHERE);
	expect_refused(&(struct form){.augmentation = "eh"});
	expect_refused(&(struct form){.augmentation = "zX"});
	expect_refused(&(struct form){.augmentation = "zRRR", .data = "\x1b", .data_length = 1});
	expect_refused(&(struct form){.augmentation = "zP", .data = "\x07", .data_length = 1});
}

static void a_return_address_elsewhere_is_refused(void **state)
{
	expect_refused(&(struct form){.return_address = 30});
}

static void where_the_frame_is_must_be_said(void **state)
{
#define PROGRAM(text) .program = text, .program_length = sizeof text - 1
	/* By nobody; by the function alone; too late. */
	expect_refused(&(struct form){.initial = ""});
	expect_found(&(struct form){.initial = "", PROGRAM(STANDARD)});
	expect_refused(&(struct form){.initial = "", PROGRAM("\x41" STANDARD)});
	/* Remembered when it was not said yet: to restore that would end the process. */
	expect_refused(&(struct form){.initial = "", PROGRAM("\x0a" STANDARD "\x41\x0b")});
	expect_found(&(struct form){PROGRAM("\x0a\x0e\x10\x41\x0b")});
	/* A program that is cut off, and a register that is none. */
	expect_refused(&(struct form){PROGRAM("\x0c\x07")});
	expect_refused(&(struct form){PROGRAM("\x09\x03\x70")});
	expect_refused(&(struct form){.initial = "\x09\x03\x70", .initial_length = 3});
}

static void a_frame_may_be_where_a_kept_register_says(void **state)
{
	struct form form = {PROGRAM("\x0c\x06\x08")}; /* CFA = rbp + 8: the third word is returned to */
	enum unwind_end end;

	assert_int_equal(walk(&form, frames, &end), 2);
	assert_int_equal(frames[0].cfa, STACK + 24);
	assert_int_equal(frames[1].pc, 2);

	/* By an expression, which reads the stack: rbp + 8 is at STACK + 24, and holds 3. */
	form = (struct form){PROGRAM("\x0f\x05\x76\x08\x06\x23\x04")};
	assert_int_equal(walk(&form, frames, &end), 1);
	assert_int_equal(end, UNWIND_UNREADABLE);

	/* rax is what a callee may use: whatever it is now, it tells nothing of the frame. */
	form = (struct form){PROGRAM("\x0c\x00\x08")};
	assert_int_equal(walk(&form, frames, &end), 1);
	assert_int_equal(end, UNWIND_NO_RULES);
}

static void what_a_register_was_is_known_or_not(void **state)
{
	/* rbx is at CFA - 0: the second word. Nobody knows rbp, which is not the end of the stack. */
	struct form form = {PROGRAM("\x83\x00\x07\x06")};
	enum unwind_end end;

	assert_int_equal(walk(&form, frames, &end), 2);
	assert_int_equal(end, UNWIND_NO_MODULE);
	assert_int_equal(frames[0].cfa, STACK + 8);
	assert_int_equal(frames[1].pc, NOWHERE);
	assert_int_equal(frames[1].registers.value[UNWIND_REGISTER_SP], STACK + 8);
	assert_int_equal(frames[1].registers.value[3], 1);
	assert_int_equal(frames[1].registers.known,
					 1u << 3 | 1u << UNWIND_REGISTER_SP | 1u << UNWIND_REGISTER_PC);
	/* And its return address cannot be read. */
	form = (struct form){PROGRAM("\x90\x80\x80\x04\x07\x06")};
	assert_int_equal(walk(&form, frames, &end), 1);
	assert_int_equal(end, UNWIND_UNREADABLE);

	/* It is where nothing can be read. */
	form = (struct form){PROGRAM("\x83\x00\x86\x80\x80\x04")};
	assert_int_equal(walk(&form, frames, &end), 2);
	assert_int_equal(frames[1].registers.value[3], 1);
	assert_int_equal(frames[1].registers.known,
					 1u << 3 | 1u << UNWIND_REGISTER_SP | 1u << UNWIND_REGISTER_PC);

	/* No return address: no caller. */
	form = (struct form){PROGRAM("\x07\x10")};
	assert_int_equal(walk(&form, frames, &end), 1);
	assert_int_equal(end, UNWIND_COMPLETE);
	assert_int_equal(frames[0].cfa, STACK + 8);
}

static void code_between_functions_has_no_rules(void **state)
{
	struct form first = {.encoding = UDATA8}, second = {.encoding = UDATA8, .start = 0x400};
	uint64_t words[2] = {NOWHERE, 0};
	static const struct {
		uint64_t pc;
		int frames;
	} cases[] = {{0x100, 1}, {0x101, 2}, {0x300, 2}, {0x301, 1},
				 {0x400, 1}, {0x401, 2}, {0x600, 2}, {0x601, 1}};
	enum unwind_end end;

	length = 0;
	put_fde(&second, (uint32_t)put_cie(&first));
	put_fde(&first, 0);
	put32(0);
	open_file(CALL_FRAME_EH);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(walk_at(BASE + cases[i].pc, words, 2, frames, &end), cases[i].frames);
		assert_int_equal(end, cases[i].frames == 1 ? UNWIND_NO_RULES : UNWIND_NO_MODULE);
	}
	close_file();
}

/* ---- Files that are not what they should be -------------------------------- */

static void a_file_for_another_machine_is_told(void **state)
{
	enum unwind_end end;

	assert_int_equal(walk(&(struct form){.kind = CALL_FRAME_FOREIGN}, frames, &end), 1);
	assert_int_equal(end, UNWIND_NO_FILE);
	assert_string_equal(end_text, "any: not a program for this machine");
}

static void a_file_without_any_is_no_error(void **state)
{
	enum unwind_end end;

	length = 0;
	for (unsigned kind = CALL_FRAME_EH; kind <= CALL_FRAME_NO_SECTIONS; kind++) {
		open_file(kind);
		assert_int_equal(walk_at(BASE + START + 16, (uint64_t[]){NOWHERE}, 1, frames, &end), 1);
		assert_int_equal(end, UNWIND_NO_RULES);
		close_file();
	}
}

static void a_bias_that_cannot_be_has_no_rules(void **state)
{
	uint64_t words[8] = {NOWHERE, 1, 2, STACK + 40, NOWHERE, 5, 6, 7};
	/* The function begins before the end of all addresses, and ends behind it. */
	const uint64_t bias = -UINT64_C(0x180);
	enum unwind_end end;

	put_section(&(struct form){.encoding = UDATA8});
	open_file(CALL_FRAME_EH);
	mapping.bias = bias;
	mapping.start = 0;
	mapping.end = UINT64_MAX;
	for (uint64_t at = 1; at <= LENGTH; at += 8) {
		assert_int_equal(walk_at(bias + START + at, words, 8, frames, &end), 1);
		assert_int_equal(end, UNWIND_NO_RULES);
	}
	close_file();
}

/* ---- As much as there may be ------------------------------------------------ */

/* A function whose information is as long as may be: 60,000 times nothing. */
static void put_long(struct form *form, char *nops)
{
	memset(nops, 0, 60000);
	*form = (struct form){.program = nops, .program_length = 60000, .encoding = UDATA8};
	put_section(form);
	open_file(CALL_FRAME_EH);
}

static void a_walk_that_reads_too_much_is_broken(void **state)
{
	char *nops = malloc(60000);
	uint64_t words[256];
	struct form form;
	enum unwind_end end;
	int count;

	put_long(&form, nops);
	/* Each at another place, so that nothing is known of it yet. */
	for (size_t i = 0; i < 256; i++)
		words[i] = BASE + START + 1 + i;
	count = walk_at(BASE + START + 1, words, 256, frames, &end);
	assert_int_equal(end, UNWIND_BROKEN);
	assert_in_range(count, 2, 40);
	close_file();
	free(nops);
}

static void more_is_asked_for_than_is_kept(void **state)
{
	char *nops = malloc(60000);
	struct form form;
	enum unwind_end end;

	put_long(&form, nops);
	for (unsigned round = 0; round < 2; round++)
		for (uint64_t at = 1; at < LENGTH; at++) {
			assert_int_equal(walk_at(BASE + START + at, (uint64_t[]){NOWHERE}, 1, frames, &end), 2);
			assert_int_equal(end, UNWIND_NO_MODULE);
		}
	close_file();
	free(nops);
}

static void more_addresses_are_asked_for_than_are_kept(void **state)
{
	struct form form = {.encoding = UDATA8, .length = CALL_FRAME_CODE - START};
	enum unwind_end end;

	put_section(&form);
	open_file(CALL_FRAME_EH);
	for (uint64_t at = START + 1; at < CALL_FRAME_CODE; at++)
		assert_int_equal(walk_at(BASE + at, (uint64_t[]){NOWHERE}, 1, frames, &end), 2);
	close_file();
}

static void rules_are_found_by_address(void **state)
{
	struct rules rules = {0};
	uint64_t content;

	assert_null(rules_find(&rules, 0));
	for (uint64_t i = 0; i < RULES_MOST; i++) {
		content = i * 3;
		assert_int_equal(rules_add(&rules, i << 32 | i, i % 2, &content, sizeof content), 0);
	}
	assert_int_equal(rules_add(&rules, 1, false, &content, sizeof content), -ENOSPC);
	assert_true(rules_is_full(&rules));
	for (uint64_t i = 0; i < RULES_MOST; i++) {
		const struct rule *rule = rules_find(&rules, i << 32 | i);

		assert_non_null(rule);
		assert_int_equal(rule->signal_frame, i % 2);
		memcpy(&content, rules_state(&rules, rule), sizeof content);
		assert_int_equal(content, i * 3);
		assert_null(rules_find(&rules, i << 32 | (i + 1)));
	}
	rules_done(&rules);
	assert_null(rules_find(&rules, 0));
}

static int set_up(void **state)
{
	return unwinder_new(NULL, &unwinder);
}

static int tear_down(void **state)
{
	unwinder_free(unwinder);
	unwinder_free(NULL);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_are_found_in_each_encoding),
		cmocka_unit_test(debug_frame_is_read_where_there_is_no_eh_frame),
		cmocka_unit_test(augmentations_are_understood_or_refused),
		cmocka_unit_test(a_return_address_elsewhere_is_refused),
		cmocka_unit_test(where_the_frame_is_must_be_said),
		cmocka_unit_test(a_frame_may_be_where_a_kept_register_says),
		cmocka_unit_test(what_a_register_was_is_known_or_not),
		cmocka_unit_test(code_between_functions_has_no_rules),
		cmocka_unit_test(a_file_for_another_machine_is_told),
		cmocka_unit_test(a_file_without_any_is_no_error),
		cmocka_unit_test(a_bias_that_cannot_be_has_no_rules),
		cmocka_unit_test(a_walk_that_reads_too_much_is_broken),
		cmocka_unit_test(more_is_asked_for_than_is_kept),
		cmocka_unit_test(more_addresses_are_asked_for_than_are_kept),
		cmocka_unit_test(rules_are_found_by_address),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
