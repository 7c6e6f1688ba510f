/*
 * unwind.c - from registers to frames, with libunwind; see unwind.h.
 *
 *     registers ──► cursor ──step──► cursor ──step──► ... ──step──► 0: the return address is
 *                     │                │                            undefined: no caller
 *                     ▼                ▼
 *                  frame 0          frame 1
 *
 * A step applies the rules of the address that is looked up for a frame. They are made when they
 * are first asked for: the call frame information comes out of the module's file, checked and put
 * into one form (cfi.h, plain.h); libunwind runs it; and what that leads to is kept (rules.h). So
 * most steps find their rules there, and only read the stack.
 *
 * It takes every register that the information does not mention as unchanged. That is right for
 * those that a function must preserve, and for no other, so those alone are ever told.
 *
 * How much a walk may read is limited: whatever the stack and the files hold, it ends soon.
 */
#include <tracer/unwind.h>
#include "cfi.h"
#include "plain.h"
#include "rules.h"

#include <errno.h>
#include <inttypes.h>
#include <libunwind.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* libunwind has it for those who know the tables' place themselves, but no header does. */
extern int UNW_OBJ(dwarf_search_unwind_table)(unw_addr_space_t space, unw_word_t ip,
											  unw_dyn_info_t *table, unw_proc_info_t *ret,
											  int need_unwind_info, void *argument);

/* Words that a walk may read, and more for each frame. A step takes about ten when its rules are
 * known, some hundreds when not. */
enum { READS = 1 << 18, READS_OF_FRAME = 256 };

/* A file of the program, as far as it was needed. */
struct mapping {
	uint64_t start, end, bias;
	const char *path;   /* owned by symbols */
	const char *reason; /* owned by symbols; why there is no file */
	struct cfi *cfi;    /* owned; NULL: it has no file, or not one that can be used */
};

struct unwinder {
	struct symbols *symbols; /* borrowed, outlives it */
	unw_addr_space_t space;  /* owned */
	struct mapping *mapping; /* owned */
	size_t mapping_count;
	struct plain plain;
	struct rules rules;

	/* Of the walk that goes on, or was the last one. */
	const struct memory *memory;         /* borrowed */
	const struct unwind_registers *from; /* borrowed */
	size_t reads;                        /* that are left */
	enum unwind_end fault;               /* what a callback has found wrong */
	uint64_t look;                       /* whose rules were looked for last */
	bool signal_frame;                   /* of those that are being made */
	char text[256];                      /* of unwinder_end_text() */
};

/* Those that a function must preserve: rbx, rbp, r12 to r15. */
static const uint32_t preserved = 1u << 3 | 1u << 6 | 1u << 12 | 1u << 13 | 1u << 14 | 1u << 15;

#define SP (UINT32_C(1) << UNWIND_REGISTER_SP)
#define PC (UINT32_C(1) << UNWIND_REGISTER_PC)

/* ---- Modules ----------------------------------------------------------- */

static const struct mapping *mapping_at(struct unwinder *unwinder, uint64_t address)
{
	struct symbols_module module;
	struct mapping *mapping;

	for (size_t i = 0; i < unwinder->mapping_count; i++)
		if (address >= unwinder->mapping[i].start && address < unwinder->mapping[i].end)
			return &unwinder->mapping[i];
	if (symbols_module_at(unwinder->symbols, address, &module) < 0)
		return NULL;
	mapping = reallocarray(unwinder->mapping, unwinder->mapping_count + 1, sizeof *mapping);
	if (!mapping)
		return NULL;
	unwinder->mapping = mapping;
	mapping += unwinder->mapping_count++;
	*mapping = (struct mapping){
		.start = module.start,
		.end = module.end,
		.bias = module.bias,
		.path = module.path,
		.reason = module.reason,
	};
	if (module.module && cfi_new(module.module, &mapping->cfi) < 0)
		mapping->reason = "not a program for this machine";
	return mapping;
}

/* ---- What libunwind asks for ------------------------------------------- */

static int fault(struct unwinder *unwinder, enum unwind_end end)
{
	unwinder->fault = end;
	/* Any error but -UNW_ENOINFO, after which libunwind would guess. */
	return -UNW_EBADFRAME;
}

static int find_proc_info(unw_addr_space_t space, unw_word_t ip, unw_proc_info_t *ret,
						  int need_unwind_info, void *argument)
{
	struct unwinder *unwinder = argument;
	const struct mapping *mapping = mapping_at(unwinder, ip);
	struct cfi_entry entry;
	unw_dyn_info_t table = {0};
	uint32_t offset;
	int result;

	if (!mapping)
		return fault(unwinder, UNWIND_NO_MODULE);
	if (!mapping->cfi)
		return fault(unwinder, UNWIND_NO_FILE);
	result = cfi_find(mapping->cfi, ip - mapping->bias, &entry);
	if (result == 0)
		result = plain_add(&unwinder->plain, &entry, mapping->bias, &offset);
	/* The bias is the trace's, and need not be what it should. */
	if (result < 0 || entry.start + mapping->bias > ip || entry.end + mapping->bias <= ip)
		return fault(unwinder, UNWIND_NO_RULES);
	plain_select(&unwinder->plain, offset);
	unwinder->signal_frame = entry.signal_frame;
	table.format = UNW_INFO_FORMAT_REMOTE_TABLE;
	table.start_ip = entry.start + mapping->bias;
	table.end_ip = entry.end + mapping->bias;
	table.u.rti.segbase = PLAIN_BASE;
	table.u.rti.table_data = PLAIN_BASE;
	table.u.rti.table_len = 1; /* words: a row */
	return UNW_OBJ(dwarf_search_unwind_table)(space, ip, &table, ret, need_unwind_info, argument);
}

/* The information itself is given back by libunwind. */
static void put_unwind_info(unw_addr_space_t space, unw_proc_info_t *info, void *argument)
{
}

static int get_dyn_info_list_addr(unw_addr_space_t space, unw_word_t *ret, void *argument)
{
	return -UNW_ENOINFO; /* no code is made as the program runs */
}

static int access_mem(unw_addr_space_t space, unw_word_t address, unw_word_t *word, int write,
					  void *argument)
{
	struct unwinder *unwinder = argument;

	if (unwinder->reads == 0)
		return fault(unwinder, UNWIND_BROKEN);
	unwinder->reads--;
	if (address >= PLAIN_BASE && address - PLAIN_BASE < unwinder->plain.length)
		/* Its length is a multiple of a word, and what libunwind reads here is aligned. */
		memcpy(word, unwinder->plain.bytes + (address - PLAIN_BASE), sizeof *word);
	else if (memory_read(unwinder->memory, address, word, sizeof *word) < 0)
		return fault(unwinder, UNWIND_UNREADABLE);
	return 0;
}

static int access_reg(unw_addr_space_t space, unw_regnum_t number, unw_word_t *value, int write,
					  void *argument)
{
	struct unwinder *unwinder = argument;
	const struct unwind_registers *from = unwinder->from;

	if (number < 0 || number >= UNWIND_REGISTERS ||
		!((preserved | SP | PC) & from->known & UINT32_C(1) << number)) {
		(void)fault(unwinder, UNWIND_NO_RULES);
		return -UNW_EBADREG;
	}
	*value = from->value[number];
	return 0;
}

/* ---- Life cycle -------------------------------------------------------- */

int unwinder_new(struct symbols *symbols, struct unwinder **ret)
{
	static unw_accessors_t accessors = {
		.find_proc_info = find_proc_info,
		.put_unwind_info = put_unwind_info,
		.get_dyn_info_list_addr = get_dyn_info_list_addr,
		.access_mem = access_mem,
		.access_reg = access_reg,
	};
	struct unwinder *unwinder = calloc(1, sizeof *unwinder);

	if (!unwinder)
		return -ENOMEM;
	unwinder->symbols = symbols;
	unwinder->space = unw_create_addr_space(&accessors, 0);
	if (!unwinder->space) {
		free(unwinder);
		return -ENOMEM;
	}
	*ret = unwinder;
	return 0;
}

void unwinder_forget(struct unwinder *unwinder)
{
	for (size_t i = 0; i < unwinder->mapping_count; i++)
		cfi_free(unwinder->mapping[i].cfi);
	free(unwinder->mapping);
	unwinder->mapping = NULL;
	unwinder->mapping_count = 0;
	plain_done(&unwinder->plain);
	rules_done(&unwinder->rules);
}

void unwinder_free(struct unwinder *unwinder)
{
	if (!unwinder)
		return;
	unwinder_forget(unwinder);
	unw_destroy_addr_space(unwinder->space);
	free(unwinder);
}

/* ---- Rules ------------------------------------------------------------- */

/* One of the states that a function goes through, which holds for addresses from `start` on. */
static int keep_state(void *data, void *state, size_t size, unw_word_t start, unw_word_t end)
{
	struct unwinder *unwinder = data;

	if (unwinder->look < start || unwinder->look >= end)
		return 0;
	(void)rules_add(&unwinder->rules, unwinder->look, unwinder->signal_frame, state, size);
	return -UNW_ESTOPUNWIND;
}

/* The rules for unwinder->look. NULL: unwinder->fault says why there are none. */
static const struct rule *get_rule(struct unwinder *unwinder)
{
	const struct rule *rule = rules_find(&unwinder->rules, unwinder->look);
	const struct unwind_registers *from = unwinder->from;
	/* A cursor that is there, and has gone nowhere: libunwind takes its address for exact. */
	struct unwind_registers there = {.known = SP | PC};
	unw_cursor_t cursor;

	if (rule)
		return rule;
	there.value[UNWIND_REGISTER_PC] = unwinder->look;
	unwinder->from = &there;
	unwinder->fault = UNWIND_NO_RULES;
	if (unw_init_remote(&cursor, unwinder->space, unwinder) >= 0)
		(void)unw_reg_states_iterate(&cursor, keep_state, unwinder);
	unwinder->from = from;
	return rules_find(&unwinder->rules, unwinder->look);
}

/* ---- Walking ----------------------------------------------------------- */

static uint64_t register_of(unw_cursor_t *cursor, int number)
{
	unw_word_t value = 0;

	(void)unw_get_reg(cursor, number, &value);
	return value;
}

/* The registers of a frame that is not the first one. */
static void read_registers(unw_cursor_t *cursor, struct unwind_registers *ret)
{
	*ret = (struct unwind_registers){.known = SP | PC};
	for (int i = 0; i < UNWIND_REGISTERS - 1; i++) {
		unw_word_t value;

		if (preserved >> i & 1 && unw_get_reg(cursor, i, &value) >= 0) {
			ret->value[i] = value;
			ret->known |= UINT32_C(1) << i;
		}
	}
	ret->value[UNWIND_REGISTER_SP] = register_of(cursor, UNW_REG_SP);
	ret->value[UNWIND_REGISTER_PC] = register_of(cursor, UNW_REG_IP);
}

/* Goes to the caller of a frame: *ret. false: *ret_end says why not. */
static bool step(struct unwinder *unwinder, unw_cursor_t *cursor, struct unwind_frame *frame,
				 struct unwind_frame *ret, enum unwind_end *ret_end)
{
	const struct rule *rule;
	int result;

	unwinder->look = frame->look;
	rule = get_rule(unwinder);
	if (!rule) {
		*ret_end = unwinder->fault;
		return false;
	}
	unwinder->fault = UNWIND_BROKEN;
	result = unw_apply_reg_state(cursor, rules_state(&unwinder->rules, rule));
	if (result < 0) {
		*ret_end = unwinder->fault;
		return false;
	}
	frame->cfa = register_of(cursor, UNW_REG_SP);
	*ret_end = result == 0 ? UNWIND_COMPLETE : UNWIND_BROKEN;
	if (result == 0)
		return false;
	*ret = (struct unwind_frame){0};
	read_registers(cursor, &ret->registers);
	ret->pc = ret->registers.value[UNWIND_REGISTER_PC];
	ret->look = ret->pc - !rule->signal_frame;
	/* A caller's frame is further out. Where the stack of a body ends there are zeros. */
	return frame->cfa > frame->registers.value[UNWIND_REGISTER_SP] && ret->pc != 0;
}

int unwind(struct unwinder *unwinder, const struct memory *memory,
		   const struct unwind_registers *from, struct unwind_frame *ret, size_t room,
		   enum unwind_end *ret_end)
{
	struct unwind_frame frame = {
		.pc = from->value[UNWIND_REGISTER_PC],
		.look = from->value[UNWIND_REGISTER_PC] - 1,
		.registers = *from,
	};
	unw_cursor_t cursor;
	size_t count = 0;

	if ((from->known & (SP | PC)) != (SP | PC))
		return -EINVAL;
	if (plain_is_full(&unwinder->plain) || rules_is_full(&unwinder->rules))
		unwinder_forget(unwinder);
	unwinder->memory = memory;
	unwinder->from = from;
	unwinder->reads = READS + READS_OF_FRAME * room;
	if (unw_init_remote(&cursor, unwinder->space, unwinder) < 0)
		return -EINVAL;
	while (count < room) {
		ret[count] = frame;
		if (!step(unwinder, &cursor, &ret[count++], &frame, ret_end))
			return (int)count;
	}
	*ret_end = UNWIND_TOO_DEEP;
	return (int)count;
}

/* ---- Words ------------------------------------------------------------- */

/* The last part of a path, as far as it is harmless. */
static void put_base(char *text, size_t room, const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t length = 0;

	for (const char *at = slash ? slash + 1 : path; *at && length < room - 1; at++)
		text[length++] = *at >= 0x20 && *at < 0x7f ? *at : '?';
	text[length] = 0;
}

const char *unwinder_end_text(struct unwinder *unwinder, enum unwind_end end)
{
	const struct mapping *mapping = mapping_at(unwinder, unwinder->look);
	char base[64] = "";

	if (mapping)
		put_base(base, sizeof base, mapping->path);
	if (end == UNWIND_NO_MODULE)
		snprintf(unwinder->text, sizeof unwinder->text, "0x%" PRIx64 " is in no file that is known",
				 unwinder->look);
	else if (end == UNWIND_NO_FILE && mapping && mapping->reason)
		snprintf(unwinder->text, sizeof unwinder->text, "%s: %s", base, mapping->reason);
	else if (end == UNWIND_NO_RULES && mapping)
		snprintf(unwinder->text, sizeof unwinder->text,
				 "no call frame information for 0x%" PRIx64 " in %s", unwinder->look, base);
	else
		return unwind_end_text(end);
	return unwinder->text;
}
