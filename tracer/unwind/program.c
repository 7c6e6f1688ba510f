/* program.c - whether a call frame program may be run; see program.h. */
#include "program.h"
#include "bytes.h"

#include <dwarf.h>

enum {
	REGISTERS = 17,
	REMEMBERED_MOST = 16,
	PROGRAM_MOST = 65536, /* bytes; the longest of the C library has some hundreds */
};

/* ---- Expressions ------------------------------------------------------- */

/* Passes the operands of an operation. false: it is not to be run. */
static bool check_operation(struct bytes *bytes, uint8_t operation)
{
	if (operation >= DW_OP_lit0 && operation <= DW_OP_lit31)
		return true;
	if (operation >= DW_OP_breg0 && operation <= DW_OP_breg31) {
		(void)bytes_sleb128(bytes);
		return operation - DW_OP_breg0 < REGISTERS;
	}
	switch (operation) {
	case DW_OP_addr:
	case DW_OP_const8u:
	case DW_OP_const8s:
		(void)bytes_skip(bytes, 8);
		return true;
	case DW_OP_const4u:
	case DW_OP_const4s:
		(void)bytes_skip(bytes, 4);
		return true;
	case DW_OP_const2u:
	case DW_OP_const2s:
		(void)bytes_skip(bytes, 2);
		return true;
	case DW_OP_const1u:
	case DW_OP_const1s:
	case DW_OP_pick:
		(void)bytes_skip(bytes, 1);
		return true;
	case DW_OP_constu:
	case DW_OP_plus_uconst:
		(void)bytes_uleb128(bytes);
		return true;
	case DW_OP_consts:
		(void)bytes_sleb128(bytes);
		return true;
	case DW_OP_bregx: {
		bool fits = bytes_uleb128(bytes) < REGISTERS;

		(void)bytes_sleb128(bytes);
		return fits;
	}
	case DW_OP_deref_size: {
		uint64_t size = bytes_fixed(bytes, 1);

		/* The other sizes are read wrongly there. */
		return size == 1 || size == 2 || size == 4 || size == 8;
	}
	case DW_OP_deref:
	case DW_OP_dup:
	case DW_OP_drop:
	case DW_OP_over:
	case DW_OP_swap:
	case DW_OP_rot:
	case DW_OP_abs:
	case DW_OP_and:
	case DW_OP_minus:
	case DW_OP_mod:
	case DW_OP_mul:
	case DW_OP_neg:
	case DW_OP_not:
	case DW_OP_or:
	case DW_OP_plus:
	case DW_OP_shl:
	case DW_OP_shr:
	case DW_OP_shra:
	case DW_OP_xor:
	case DW_OP_eq:
	case DW_OP_ge:
	case DW_OP_gt:
	case DW_OP_le:
	case DW_OP_lt:
	case DW_OP_ne:
	case DW_OP_nop:
		return true;
	default:
		return false;
	}
}

/* A block: its length, and so many bytes of operations. */
static bool check_expression(struct bytes *bytes)
{
	uint64_t length = bytes_uleb128(bytes);
	const uint8_t *start = bytes_skip(bytes, length);
	struct bytes block;

	if (!start)
		return false;
	block = (struct bytes){.at = start, .end = start + length};
	while (block.at < block.end)
		if (!check_operation(&block, (uint8_t)bytes_fixed(&block, 1)) || block.bad)
			return false;
	return true;
}

/* ---- Instructions ------------------------------------------------------ */

/* What has been seen of a program. */
struct state {
	bool advanced; /* there was an advance */
	bool defined;  /* it was said where the frame is, before that */
	unsigned remembered;
};

static bool check_register(struct bytes *bytes)
{
	return bytes_uleb128(bytes) < REGISTERS;
}

static bool defines(struct state *state)
{
	if (!state->advanced)
		state->defined = true;
	return true;
}

static bool advances(struct state *state, struct bytes *bytes, unsigned size)
{
	(void)bytes_skip(bytes, size);
	state->advanced = true;
	return true;
}

/* Those whose operand is in the instruction's low bits, and those that follow from 0. */
static bool check_instruction(struct state *state, struct bytes *bytes, uint8_t instruction)
{
	bool fits;

	switch (instruction & 0xc0) {
	case DW_CFA_advance_loc:
		return advances(state, bytes, 0);
	case DW_CFA_offset:
		(void)bytes_uleb128(bytes);
		return (instruction & 0x3f) < REGISTERS;
	case DW_CFA_restore:
		return (instruction & 0x3f) < REGISTERS;
	}
	switch (instruction) {
	case DW_CFA_nop:
		return true;
	case DW_CFA_advance_loc1:
		return advances(state, bytes, 1);
	case DW_CFA_advance_loc2:
		return advances(state, bytes, 2);
	case DW_CFA_advance_loc4:
		return advances(state, bytes, 4);
	case DW_CFA_undefined:
	case DW_CFA_same_value:
	case DW_CFA_restore_extended:
	case DW_CFA_def_cfa_register:
		return check_register(bytes);
	case DW_CFA_register:
		fits = check_register(bytes);
		return check_register(bytes) && fits;
	case DW_CFA_offset_extended:
	case DW_CFA_GNU_negative_offset_extended:
		fits = check_register(bytes);
		(void)bytes_uleb128(bytes);
		return fits;
	case DW_CFA_offset_extended_sf:
		fits = check_register(bytes);
		(void)bytes_sleb128(bytes);
		return fits;
	case DW_CFA_def_cfa:
		fits = check_register(bytes);
		(void)bytes_uleb128(bytes);
		return defines(state) && fits;
	case DW_CFA_def_cfa_sf:
		fits = check_register(bytes);
		(void)bytes_sleb128(bytes);
		return defines(state) && fits;
	case DW_CFA_def_cfa_expression:
		return defines(state) && check_expression(bytes);
	case DW_CFA_def_cfa_offset:
	case DW_CFA_GNU_args_size:
		(void)bytes_uleb128(bytes);
		return true;
	case DW_CFA_def_cfa_offset_sf:
		(void)bytes_sleb128(bytes);
		return true;
	case DW_CFA_expression:
	case DW_CFA_val_expression:
		fits = check_register(bytes);
		return check_expression(bytes) && fits;
	case DW_CFA_remember_state:
		return state->defined && ++state->remembered <= REMEMBERED_MOST;
	case DW_CFA_restore_state:
		return state->remembered-- > 0;
	default:
		return false;
	}
}

bool program_check(const uint8_t *program, size_t length, bool *defined)
{
	struct bytes bytes = {.at = program, .end = program + length};
	struct state state = {.defined = *defined};

	if (length > PROGRAM_MOST)
		return false;
	while (bytes.at < bytes.end)
		if (!check_instruction(&state, &bytes, (uint8_t)bytes_fixed(&bytes, 1)) || bytes.bad)
			return false;
	*defined = state.defined;
	return true;
}
