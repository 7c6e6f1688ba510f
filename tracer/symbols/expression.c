/*
 * expression.c - the stack machine.
 *
 *     breg7 8  deref  stack_value  piece 4  |  reg3  piece 4  |  piece 8
 *     ------------ description ------------    - another one -    nowhere
 *
 * A location is one description, or several, each for a piece of the variable. They are evaluated
 * one by one, so that a piece that cannot be had leaves the others as they are: the bytes of the
 * variable have a mask. A jump stays within its description.
 *
 * A number on the stack is of the generic type, 64 bits, or of a base type (DWARF 5, 2.5.1):
 * signed, unsigned, or floating, of 1 to 8 bytes.
 */
#include "expression.h"
#include "units.h"

#include <dwarf.h>
#include <errno.h>
#include <string.h>

enum { STACK_MOST = 64, DEREFERENCE_MOST = 8 };

/* Numbers are kept in the form that `word` has after normalise(). */
struct operand {
	enum { GENERIC, SIGNED, UNSIGNED, FLOATING } type;
	uint8_t size; /* of the type, in bytes */
	uint64_t word;
};

/* What a description says. */
struct description {
	enum {
		NOWHERE,
		ADDRESS,  /* top of the stack */
		REGISTER, /* `reg` */
		VALUE,    /* top of the stack is the variable */
		BLOCK,
		POINTER,
	} kind;
	unsigned reg;
	Dwarf_Block block;
	Dwarf_Die target;
	Dwarf_Sword offset;
};

struct machine {
	const struct context *context;
	Dwarf_Attribute *attribute; /* whose expression it is */
	const Dwarf_Op *op;
	size_t count;
	struct operand stack[STACK_MOST];
	unsigned depth;
	struct description description;
	enum locals_reason reason; /* COMPLETE: nothing is wrong yet */
	uint8_t operation;         /* that is not supported */
};

bool context_spend(const struct context *context, unsigned effort)
{
	if (*context->effort < effort) {
		*context->effort = 0;
		return false;
	}
	*context->effort -= effort;
	return true;
}

static bool fail(struct machine *machine, enum locals_reason reason)
{
	machine->reason = reason;
	return false;
}

/* ---- Numbers ----------------------------------------------------------- */

static const struct operand generic = {.type = GENERIC, .size = 8};

/* The number with what is above its size made right. */
static struct operand normalise(struct operand operand)
{
	unsigned above = 64 - operand.size * 8u;

	if (above > 0 && operand.type == SIGNED)
		operand.word = (uint64_t)((int64_t)(operand.word << above) >> above);
	else if (above > 0)
		operand.word = operand.word << above >> above;
	return operand;
}

static double real(struct operand operand)
{
	double wide;
	float narrow;

	if (operand.size == sizeof narrow) {
		memcpy(&narrow, &operand.word, sizeof narrow);
		return (double)narrow;
	}
	memcpy(&wide, &operand.word, sizeof wide);
	return wide;
}

static struct operand of_real(double number, struct operand like)
{
	float narrow = (float)number;

	like.word = 0;
	if (like.size == sizeof narrow)
		memcpy(&like.word, &narrow, sizeof narrow);
	else
		memcpy(&like.word, &number, sizeof number);
	return like;
}

static bool push(struct machine *machine, struct operand operand)
{
	if (machine->depth == STACK_MOST)
		return fail(machine, LOCALS_UNSUPPORTED);
	machine->stack[machine->depth++] = normalise(operand);
	return true;
}

static bool push_word(struct machine *machine, uint64_t word)
{
	struct operand operand = generic;

	operand.word = word;
	return push(machine, operand);
}

static bool pop(struct machine *machine, struct operand *ret)
{
	if (machine->depth == 0)
		return fail(machine, LOCALS_UNSUPPORTED);
	*ret = machine->stack[--machine->depth];
	return true;
}

/* The base type at a DIE. */
static bool base_type(Dwarf_Die *die, struct operand *ret)
{
	Dwarf_Attribute attribute;
	Dwarf_Word encoding, size;

	if (dwarf_tag(die) != DW_TAG_base_type ||
		dwarf_formudata(dwarf_attr(die, DW_AT_encoding, &attribute), &encoding) != 0 ||
		dwarf_formudata(dwarf_attr(die, DW_AT_byte_size, &attribute), &size) != 0 || size == 0 ||
		size > 8)
		return false;
	*ret = (struct operand){.size = (uint8_t)size};
	switch (encoding) {
	case DW_ATE_signed:
	case DW_ATE_signed_char:
		ret->type = SIGNED;
		return true;
	case DW_ATE_float:
		ret->type = FLOATING;
		return size == sizeof(float) || size == sizeof(double);
	default:
		ret->type = UNSIGNED;
		return true;
	}
}

static bool operation_type(struct machine *machine, const Dwarf_Op *op, struct operand *ret)
{
	Dwarf_Die die;

	/* 0 is the generic type. */
	if ((op->atom == DW_OP_convert || op->atom == DW_OP_GNU_convert ||
		 op->atom == DW_OP_reinterpret || op->atom == DW_OP_GNU_reinterpret) &&
		op->number == 0) {
		*ret = generic;
		return true;
	}
	if (dwarf_getlocation_die(machine->attribute, op, &die) != 0 || !base_type(&die, ret))
		return fail(machine, LOCALS_UNSUPPORTED);
	return true;
}

static bool convert(struct machine *machine, struct operand to)
{
	struct operand from;
	double number;

	if (!pop(machine, &from))
		return false;
	if (from.type != FLOATING && to.type != FLOATING) {
		to.word = from.word;
		return push(machine, to);
	}
	number = from.type == FLOATING ? real(from)
			 : from.type == SIGNED ? (double)(int64_t)from.word
								   : (double)from.word;
	if (to.type == FLOATING)
		return push(machine, of_real(number, to));
	/* What does not fit is undefined in C, and nothing that a compiler computes with. */
	if (!(number > -9.3e18 && number < 9.2e18))
		return fail(machine, LOCALS_UNSUPPORTED);
	to.word = (uint64_t)(int64_t)number;
	return push(machine, to);
}

/* ---- Arithmetic -------------------------------------------------------- */

static bool unary(struct machine *machine, const Dwarf_Op *op)
{
	struct operand x;

	if (!pop(machine, &x))
		return false;
	if (x.type == FLOATING) {
		double number = real(x);

		if (op->atom == DW_OP_not)
			return fail(machine, LOCALS_UNSUPPORTED);
		return push(machine, of_real(op->atom == DW_OP_abs && number > 0 ? number : -number, x));
	}
	switch (op->atom) {
	case DW_OP_abs:
		if (x.type != UNSIGNED && (int64_t)x.word < 0)
			x.word = -x.word;
		break;
	case DW_OP_neg:
		x.word = -x.word;
		break;
	case DW_OP_not:
		x.word = ~x.word;
		break;
	default: /* plus_uconst */
		x.word += op->number;
		break;
	}
	return push(machine, x);
}

static bool floating(struct machine *machine, uint8_t atom, struct operand x, struct operand y)
{
	double a = real(x), b = real(y);

	switch (atom) {
	case DW_OP_plus:
		return push(machine, of_real(a + b, x));
	case DW_OP_minus:
		return push(machine, of_real(a - b, x));
	case DW_OP_mul:
		return push(machine, of_real(a * b, x));
	case DW_OP_div:
		return push(machine, of_real(a / b, x));
	case DW_OP_eq:
		return push_word(machine, a == b);
	case DW_OP_ne:
		return push_word(machine, a != b);
	case DW_OP_lt:
		return push_word(machine, a < b);
	case DW_OP_le:
		return push_word(machine, a <= b);
	case DW_OP_gt:
		return push_word(machine, a > b);
	case DW_OP_ge:
		return push_word(machine, a >= b);
	default:
		return fail(machine, LOCALS_UNSUPPORTED);
	}
}

static bool compare(struct machine *machine, uint8_t atom, struct operand x, struct operand y)
{
	/* The generic type compares as signed. */
	bool as_unsigned = x.type == UNSIGNED;
	bool less = as_unsigned ? x.word < y.word : (int64_t)x.word < (int64_t)y.word;
	bool equal = x.word == y.word;

	switch (atom) {
	case DW_OP_eq:
		return push_word(machine, equal);
	case DW_OP_ne:
		return push_word(machine, !equal);
	case DW_OP_lt:
		return push_word(machine, less);
	case DW_OP_le:
		return push_word(machine, less || equal);
	case DW_OP_gt:
		return push_word(machine, !less && !equal);
	default:
		return push_word(machine, !less);
	}
}

static bool divide(struct machine *machine, uint8_t atom, struct operand x, struct operand y)
{
	/* Of the generic type div is signed, and mod is not. */
	bool as_unsigned = x.type == UNSIGNED || (x.type == GENERIC && atom == DW_OP_mod);
	int64_t a = (int64_t)x.word, b = (int64_t)y.word;

	if (y.word == 0)
		return fail(machine, LOCALS_UNSUPPORTED);
	if (as_unsigned)
		x.word = atom == DW_OP_div ? x.word / y.word : x.word % y.word;
	else if (b == -1)
		x.word = atom == DW_OP_div ? -x.word : 0;
	else
		x.word = (uint64_t)(atom == DW_OP_div ? a / b : a % b);
	return push(machine, x);
}

static bool is_shift(uint8_t atom)
{
	return atom == DW_OP_shl || atom == DW_OP_shr || atom == DW_OP_shra;
}

static bool binary(struct machine *machine, uint8_t atom)
{
	struct operand x, y;
	unsigned shift;

	if (!pop(machine, &y) || !pop(machine, &x))
		return false;
	/* DWARF 5, 2.5.1.4: both have the same type. Where they do not, the compiler was mistaken:
	 * clang forgets to read a variable from memory, for instance, and computes with its address. */
	if (!is_shift(atom) && (x.type != y.type || x.size != y.size))
		return fail(machine, LOCALS_UNSUPPORTED);
	if (x.type == FLOATING)
		return floating(machine, atom, x, y);
	shift = y.word < 64 ? (unsigned)y.word : 63;
	switch (atom) {
	case DW_OP_and:
		x.word &= y.word;
		break;
	case DW_OP_or:
		x.word |= y.word;
		break;
	case DW_OP_xor:
		x.word ^= y.word;
		break;
	case DW_OP_plus:
		x.word += y.word;
		break;
	case DW_OP_minus:
		x.word -= y.word;
		break;
	case DW_OP_mul:
		x.word *= y.word;
		break;
	case DW_OP_shl:
		x.word = y.word < 64 ? x.word << shift : 0;
		break;
	case DW_OP_shr: {
		unsigned above = 64 - x.size * 8u;

		x.word = y.word < 64 ? x.word << above >> above >> shift : 0;
		break;
	}
	case DW_OP_shra:
		x.word = (uint64_t)((int64_t)x.word >> shift);
		break;
	case DW_OP_div:
	case DW_OP_mod:
		return divide(machine, atom, x, y);
	default:
		return compare(machine, atom, x, y);
	}
	return push(machine, x);
}

/* ---- What it reads ----------------------------------------------------- */

static enum locals_reason read_register(const struct context *context, uint64_t number,
										uint64_t *ret)
{
	const struct unwind_registers *registers;

	if (!context->point)
		return LOCALS_NO_FRAME;
	registers = &context->stack->frame[context->physical].registers;
	if (number >= UNWIND_REGISTERS || !(registers->known >> number & 1))
		return LOCALS_NOT_SAVED;
	*ret = registers->value[number];
	return LOCALS_COMPLETE;
}

static bool push_register(struct machine *machine, uint64_t number, uint64_t offset,
						  struct operand type)
{
	enum locals_reason reason = read_register(machine->context, number, &type.word);

	if (reason != LOCALS_COMPLETE)
		return fail(machine, reason);
	type.word += offset;
	return push(machine, type);
}

static enum locals_reason reason_of(int error)
{
	return error == -ENODATA ? LOCALS_NOT_RECORDED : LOCALS_UNREADABLE;
}

static bool dereference(struct machine *machine, uint64_t size, struct operand type)
{
	struct operand address;
	int result;

	if (!pop(machine, &address))
		return false;
	if (size == 0 || size > DEREFERENCE_MOST)
		return fail(machine, LOCALS_UNSUPPORTED);
	type.word = 0;
	result = memory_read(machine->context->stack->memory, address.word, &type.word, size);
	if (result < 0)
		return fail(machine, reason_of(result));
	return push(machine, type);
}

static bool push_frame_address(struct machine *machine)
{
	const struct context *context = machine->context;
	uint64_t cfa = context->point ? context->stack->frame[context->physical].cfa : 0;

	if (cfa == 0)
		return fail(machine, LOCALS_NO_FRAME);
	return push_word(machine, cfa);
}

/* The frame base is what the function says: a place in memory, or the content of a register. */
static bool push_frame_base(struct machine *machine, uint64_t offset)
{
	const struct context *context = machine->context;
	struct context inner = *context;
	Dwarf_Attribute attribute;
	Dwarf_Die function;
	struct place place;
	uint64_t base;

	if (!context->point || context->point->scope_count == 0)
		return fail(machine, LOCALS_NO_FRAME);
	function = context->point->scope[0];
	if (!dwarf_attr_integrate(&function, DW_AT_frame_base, &attribute))
		return fail(machine, LOCALS_UNSUPPORTED);
	inner.depth++;
	expression_place(&inner, &attribute, sizeof base, &place);
	if (place.kind == PLACE_MEMORY) {
		base = place.address;
	} else if (place.kind == PLACE_BYTES && !place.known) {
		memcpy(&base, place.bytes, sizeof base);
	} else {
		return fail(machine, place.reason == LOCALS_COMPLETE ? LOCALS_UNSUPPORTED : place.reason);
	}
	return push_word(machine, base + offset);
}

/* Of an index into .debug_addr. `address`: it is one, and moves with the module. */
static bool push_indexed(struct machine *machine, const Dwarf_Op *op, bool address)
{
	Dwarf_Attribute attribute;
	Dwarf_Addr found;

	if (dwarf_getlocation_attr(machine->attribute, op, &attribute) != 0 ||
		dwarf_formaddr(&attribute, &found) != 0)
		return fail(machine, LOCALS_UNSUPPORTED);
	return push_word(machine, address ? found + machine->context->debug->load : found);
}

static bool push_constant(struct machine *machine, const Dwarf_Op *op)
{
	Dwarf_Attribute attribute;
	struct operand type;
	Dwarf_Block block;

	if (!operation_type(machine, op, &type))
		return false;
	if (dwarf_getlocation_attr(machine->attribute, op, &attribute) != 0 ||
		dwarf_formblock(&attribute, &block) != 0 || block.length > sizeof type.word)
		return fail(machine, LOCALS_UNSUPPORTED);
	type.word = 0;
	memcpy(&type.word, block.data, block.length);
	return push(machine, type);
}

/* What a register, the only thing that compilers ask for, was at the function's entry. */
static bool push_entry_value(struct machine *machine, const Dwarf_Op *op)
{
	Dwarf_Attribute attribute;
	enum locals_reason reason;
	Dwarf_Op *inner;
	uint64_t word;
	size_t count;
	unsigned number;

	if (dwarf_getlocation_attr(machine->attribute, op, &attribute) != 0 ||
		dwarf_getlocation(&attribute, &inner, &count) != 0 || count != 1)
		return fail(machine, LOCALS_UNSUPPORTED);
	if (inner->atom >= DW_OP_reg0 && inner->atom <= DW_OP_reg31)
		number = inner->atom - DW_OP_reg0;
	else if (inner->atom == DW_OP_regx)
		number = (unsigned)inner->number;
	else
		return fail(machine, LOCALS_UNSUPPORTED);
	reason = entry_value(machine->context, number, &word);
	return reason == LOCALS_COMPLETE ? push_word(machine, word) : fail(machine, reason);
}

static bool push_parameter(struct machine *machine, const Dwarf_Op *op)
{
	enum locals_reason reason;
	Dwarf_Die parameter;
	uint64_t word;

	if (dwarf_getlocation_die(machine->attribute, op, &parameter) != 0)
		return fail(machine, LOCALS_UNSUPPORTED);
	reason = entry_parameter(machine->context, &parameter, &word);
	return reason == LOCALS_COMPLETE ? push_word(machine, word) : fail(machine, reason);
}

/* A variable, whose place may be a register or memory, as a number. */
static enum locals_reason variable_number(const struct context *context, Dwarf_Die *variable,
										  uint64_t *ret)
{
	struct context inner = *context;
	Dwarf_Attribute attribute;
	struct place place;
	struct operand type = generic;
	Dwarf_Die base = *variable;

	/* Through typedefs and qualifiers. */
	for (unsigned i = 0; i < 16 && dwarf_tag(&base) != DW_TAG_pointer_type &&
						 dwarf_attr_integrate(&base, DW_AT_type, &attribute);
		 i++) {
		Dwarf_Die next;

		if (!dwarf_formref_die(&attribute, &next))
			break;
		base = next;
	}
	if (!base_type(&base, &type)) {
		if (dwarf_tag(&base) != DW_TAG_pointer_type)
			return LOCALS_UNSUPPORTED;
		type = generic;
	}
	if (dwarf_attr_integrate(variable, DW_AT_const_value, &attribute))
		return dwarf_formudata(&attribute, ret) == 0 ? LOCALS_COMPLETE : LOCALS_UNSUPPORTED;
	if (!dwarf_attr_integrate(variable, DW_AT_location, &attribute))
		return LOCALS_OPTIMISED_OUT;
	inner.depth++;
	expression_place(&inner, &attribute, type.size, &place);
	type.word = 0;
	if (place.kind == PLACE_MEMORY) {
		int result = memory_read(context->stack->memory, place.address, &type.word, type.size);

		if (result < 0)
			return reason_of(result);
	} else if (place.kind == PLACE_BYTES && !place.known) {
		memcpy(&type.word, place.bytes, place.size);
	} else {
		return place.reason == LOCALS_COMPLETE ? LOCALS_UNSUPPORTED : place.reason;
	}
	*ret = normalise(type).word;
	return LOCALS_COMPLETE;
}

static bool push_variable(struct machine *machine, const Dwarf_Op *op)
{
	enum locals_reason reason;
	Dwarf_Die variable;
	uint64_t word;

	if (dwarf_getlocation_die(machine->attribute, op, &variable) != 0)
		return fail(machine, LOCALS_UNSUPPORTED);
	reason = variable_number(machine->context, &variable, &word);
	return reason == LOCALS_COMPLETE ? push_word(machine, word) : fail(machine, reason);
}

/* ---- The machine ------------------------------------------------------- */

static bool shuffle(struct machine *machine, const Dwarf_Op *op)
{
	struct operand *top = machine->stack + machine->depth;
	unsigned needed = op->atom == DW_OP_rot                              ? 3
					  : op->atom == DW_OP_swap || op->atom == DW_OP_over ? 2
					  : op->atom == DW_OP_pick                           ? (unsigned)op->number + 1
																		 : 1;

	if (needed > machine->depth)
		return fail(machine, LOCALS_UNSUPPORTED);
	switch (op->atom) {
	case DW_OP_drop:
		machine->depth--;
		return true;
	case DW_OP_swap: {
		struct operand first = top[-1];

		top[-1] = top[-2];
		top[-2] = first;
		return true;
	}
	case DW_OP_rot: {
		struct operand first = top[-1];

		top[-1] = top[-2];
		top[-2] = top[-3];
		top[-3] = first;
		return true;
	}
	default: /* dup, over, pick */
		return push(machine, top[-(ptrdiff_t)needed]);
	}
}

/* The index of the operation that a jump leads to; the count: the end. */
static bool jump(struct machine *machine, size_t *at)
{
	const Dwarf_Op *op = &machine->op[*at];
	Dwarf_Word target = op->offset + 3 + (Dwarf_Word)(Dwarf_Sword)(int16_t)op->number;

	for (size_t i = 0; i < machine->count; i++) {
		if (machine->op[i].offset == target) {
			*at = i;
			return true;
		}
	}
	if (target <= machine->op[machine->count - 1].offset)
		return fail(machine, LOCALS_UNSUPPORTED);
	*at = machine->count;
	return true;
}

static bool unsupported(struct machine *machine, uint8_t operation)
{
	machine->operation = operation;
	return fail(machine, LOCALS_UNSUPPORTED);
}

static bool set_pointer(struct machine *machine, const Dwarf_Op *op)
{
	if (dwarf_getlocation_die(machine->attribute, op, &machine->description.target) != 0)
		return fail(machine, LOCALS_UNSUPPORTED);
	machine->description.kind = POINTER;
	machine->description.offset = (Dwarf_Sword)op->number2;
	return true;
}

/* One operation that is no jump. */
static bool operate(struct machine *machine, const Dwarf_Op *op)
{
	struct operand type;

	if (op->atom >= DW_OP_lit0 && op->atom <= DW_OP_lit31)
		return push_word(machine, op->atom - DW_OP_lit0);
	if (op->atom >= DW_OP_breg0 && op->atom <= DW_OP_breg31)
		return push_register(machine, op->atom - DW_OP_breg0, op->number, generic);
	if (op->atom >= DW_OP_reg0 && op->atom <= DW_OP_reg31) {
		machine->description = (struct description){.kind = REGISTER, .reg = op->atom - DW_OP_reg0};
		return true;
	}
	switch (op->atom) {
	case DW_OP_nop:
	case DW_OP_GNU_uninit:
		return true;
	case DW_OP_addr:
		return push_word(machine, op->number + machine->context->debug->load);
	case DW_OP_addrx:
	case DW_OP_GNU_addr_index:
		return push_indexed(machine, op, true);
	case DW_OP_constx:
	case DW_OP_GNU_const_index:
		return push_indexed(machine, op, false);
	case DW_OP_const1u:
	case DW_OP_const1s:
	case DW_OP_const2u:
	case DW_OP_const2s:
	case DW_OP_const4u:
	case DW_OP_const4s:
	case DW_OP_const8u:
	case DW_OP_const8s:
	case DW_OP_constu:
	case DW_OP_consts:
		return push_word(machine, op->number);
	case DW_OP_const_type:
	case DW_OP_GNU_const_type:
		return push_constant(machine, op);
	case DW_OP_regx:
		machine->description = (struct description){.kind = REGISTER, .reg = (unsigned)op->number};
		return true;
	case DW_OP_bregx:
		return push_register(machine, op->number, op->number2, generic);
	case DW_OP_regval_type:
	case DW_OP_GNU_regval_type:
		return operation_type(machine, op, &type) && push_register(machine, op->number, 0, type);
	case DW_OP_fbreg:
		return push_frame_base(machine, op->number);
	case DW_OP_call_frame_cfa:
		return push_frame_address(machine);
	case DW_OP_deref:
		return dereference(machine, sizeof(uint64_t), generic);
	case DW_OP_deref_size:
		return dereference(machine, op->number, generic);
	case DW_OP_deref_type:
	case DW_OP_GNU_deref_type:
		return operation_type(machine, op, &type) && dereference(machine, op->number, type);
	case DW_OP_dup:
	case DW_OP_drop:
	case DW_OP_over:
	case DW_OP_pick:
	case DW_OP_swap:
	case DW_OP_rot:
		return shuffle(machine, op);
	case DW_OP_abs:
	case DW_OP_neg:
	case DW_OP_not:
	case DW_OP_plus_uconst:
		return unary(machine, op);
	case DW_OP_and:
	case DW_OP_div:
	case DW_OP_minus:
	case DW_OP_mod:
	case DW_OP_mul:
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
		return binary(machine, op->atom);
	case DW_OP_convert:
	case DW_OP_GNU_convert:
		return operation_type(machine, op, &type) && convert(machine, type);
	case DW_OP_reinterpret:
	case DW_OP_GNU_reinterpret: {
		struct operand from;

		if (!operation_type(machine, op, &type) || !pop(machine, &from))
			return false;
		type.word = from.word;
		return push(machine, type);
	}
	case DW_OP_stack_value:
		machine->description.kind = VALUE;
		return true;
	case DW_OP_implicit_value:
		machine->description.kind = BLOCK;
		return dwarf_getlocation_implicit_value(machine->attribute, op,
												&machine->description.block) == 0 ||
			   fail(machine, LOCALS_UNSUPPORTED);
	case DW_OP_implicit_pointer:
	case DW_OP_GNU_implicit_pointer:
		return set_pointer(machine, op);
	case DW_OP_entry_value:
	case DW_OP_GNU_entry_value:
		return push_entry_value(machine, op);
	case DW_OP_GNU_parameter_ref:
		return push_parameter(machine, op);
	case DW_OP_GNU_variable_value:
		return push_variable(machine, op);
	case DW_OP_form_tls_address:
	case DW_OP_GNU_push_tls_address:
		return fail(machine, LOCALS_THREAD_LOCAL);
	default:
		return unsupported(machine, op->atom);
	}
}

/* Runs one description. What it comes to is in machine->description, or machine->reason. */
static void run(struct machine *machine)
{
	machine->description = (struct description){.kind = NOWHERE};
	machine->reason = LOCALS_COMPLETE;
	for (size_t at = 0; at < machine->count;) {
		const Dwarf_Op *op = &machine->op[at];
		struct operand condition = {.word = 1};

		if (machine->context->depth > CONTEXTS_MOST || !context_spend(machine->context, 1)) {
			fail(machine, LOCALS_UNSUPPORTED);
			return;
		}
		if (op->atom != DW_OP_skip && op->atom != DW_OP_bra) {
			if (!operate(machine, op))
				return;
			at++;
			continue;
		}
		/* To look for the target takes a while. */
		if (!context_spend(machine->context, (unsigned)machine->count) ||
			(op->atom == DW_OP_bra && !pop(machine, &condition))) {
			fail(machine, LOCALS_UNSUPPORTED);
			return;
		}
		if (condition.word == 0)
			at++;
		else if (!jump(machine, &at))
			return;
	}
	if (machine->description.kind == NOWHERE && machine->depth > 0)
		machine->description.kind = ADDRESS;
	if (machine->description.kind == VALUE && machine->depth == 0)
		fail(machine, LOCALS_UNSUPPORTED);
}

/* ---- Bytes and pieces -------------------------------------------------- */

/* Copies `count` bits, from bit `from_bit` of `from` to bit `to_bit` of `to`; little-endian. */
static void copy_bits(uint8_t *to, size_t to_bit, const uint8_t *from, size_t from_bit,
					  size_t count)
{
	if (to_bit % 8 == 0 && from_bit % 8 == 0 && count % 8 == 0) {
		memcpy(to + to_bit / 8, from + from_bit / 8, count / 8);
		return;
	}
	for (size_t i = 0; i < count; i++, to_bit++, from_bit++) {
		uint8_t bit = (uint8_t)(1u << to_bit % 8);

		if (from[from_bit / 8] >> from_bit % 8 & 1)
			to[to_bit / 8] |= bit;
		else
			to[to_bit / 8] &= (uint8_t)~bit;
	}
}

/* Reads `size` bytes of what a description says, from bit `skip` on. */
static enum locals_reason description_bytes(struct machine *machine, size_t skip, uint8_t *bytes,
											size_t size, size_t *ret_size)
{
	const struct description *description = &machine->description;
	struct operand word = generic;
	enum locals_reason reason;
	int result;

	*ret_size = size;
	switch (description->kind) {
	case NOWHERE:
		return LOCALS_OPTIMISED_OUT;
	case ADDRESS:
		result = memory_read(machine->context->stack->memory,
							 machine->stack[machine->depth - 1].word + skip / 8, bytes, size);
		return result < 0 ? reason_of(result) : LOCALS_COMPLETE;
	case REGISTER:
		reason = read_register(machine->context, description->reg, &word.word);
		if (reason != LOCALS_COMPLETE)
			return reason;
		break;
	case VALUE:
		word = machine->stack[machine->depth - 1];
		break;
	case BLOCK:
		if (skip / 8 > description->block.length)
			return LOCALS_UNSUPPORTED;
		if (size > description->block.length - skip / 8)
			*ret_size = description->block.length - skip / 8;
		memcpy(bytes, description->block.data + skip / 8, *ret_size);
		return LOCALS_COMPLETE;
	case POINTER:
		return LOCALS_OPTIMISED_OUT;
	}
	if (skip / 8 > sizeof word.word)
		return LOCALS_UNSUPPORTED;
	if (size > sizeof word.word - skip / 8)
		*ret_size = sizeof word.word - skip / 8;
	memcpy(bytes, (const uint8_t *)&word.word + skip / 8, *ret_size);
	return LOCALS_COMPLETE;
}

static void missing(struct place *ret, enum locals_reason reason)
{
	*ret = (struct place){.kind = PLACE_MISSING, .reason = reason};
}

static bool take_bytes(const struct context *context, size_t size, struct place *ret)
{
	*ret = (struct place){.kind = PLACE_BYTES, .size = size};
	ret->bytes = arena_take(context->arena, size);
	ret->known = arena_take(context->arena, size);
	if (ret->bytes && ret->known)
		return true;
	missing(ret, LOCALS_UNSUPPORTED);
	return false;
}

/* All bytes are known: no mask. None is: nothing is. */
static void settle(struct place *place)
{
	size_t known = 0;

	for (size_t i = 0; i < place->size; i++)
		known += place->known[i];
	if (known == place->size) {
		place->known = NULL;
		place->reason = LOCALS_COMPLETE;
	} else if (known == 0) {
		missing(place, place->reason);
	}
}

static void note(struct place *place, enum locals_reason reason, uint8_t operation)
{
	if (place->reason != LOCALS_COMPLETE)
		return;
	place->reason = reason;
	place->operation = operation;
}

/* One description for the whole. */
static void whole(struct machine *machine, size_t size, struct place *ret)
{
	const struct context *context = machine->context;
	enum locals_reason reason;
	size_t got;

	run(machine);
	if (machine->reason != LOCALS_COMPLETE) {
		missing(ret, machine->reason);
		ret->operation = machine->operation;
		return;
	}
	if (machine->description.kind == ADDRESS) {
		*ret = (struct place){
			.kind = PLACE_MEMORY,
			.address = machine->stack[machine->depth - 1].word,
		};
		return;
	}
	if (machine->description.kind == POINTER) {
		*ret = (struct place){
			.kind = PLACE_POINTER,
			.reason = LOCALS_OPTIMISED_OUT,
			.target = machine->description.target,
			.offset = machine->description.offset,
		};
		return;
	}
	if (!take_bytes(context, size, ret))
		return;
	reason = description_bytes(machine, 0, ret->bytes, size, &got);
	if (reason != LOCALS_COMPLETE) {
		missing(ret, reason);
		return;
	}
	memset(ret->known, 1, got);
	note(ret, LOCALS_UNSUPPORTED, 0);
	settle(ret);
}

/* One piece into the whole; `at` and `bits` are of the whole. */
static void piece(struct machine *machine, size_t at, size_t bits, size_t skip, struct place *ret)
{
	struct arena_mark mark = arena_mark(machine->context->arena);
	size_t size = (skip % 8 + bits + 7) / 8, got;
	enum locals_reason reason;
	uint8_t *bytes;

	run(machine);
	if (machine->reason != LOCALS_COMPLETE) {
		note(ret, machine->reason, machine->operation);
		return;
	}
	bytes = arena_take(machine->context->arena, size);
	if (!bytes) {
		note(ret, LOCALS_UNSUPPORTED, 0);
		return;
	}
	reason = description_bytes(machine, skip, bytes, size, &got);
	if (reason == LOCALS_COMPLETE && got < size)
		reason = LOCALS_UNSUPPORTED;
	if (reason == LOCALS_COMPLETE) {
		copy_bits(ret->bytes, at, bytes, skip % 8, bits);
		/* A byte is known when its last bit is: pieces come in their order. */
		for (size_t i = at / 8; i < (at + bits) / 8; i++)
			ret->known[i] = 1;
	} else {
		note(ret, reason, 0);
	}
	arena_return(machine->context->arena, mark);
}

static bool is_piece(const Dwarf_Op *op)
{
	return op->atom == DW_OP_piece || op->atom == DW_OP_bit_piece;
}

static void pieces(struct machine *machine, const Dwarf_Op *op, size_t count, size_t size,
				   struct place *ret)
{
	size_t at = 0, first = 0; /* bits of the whole; first operation of the description */

	if (!take_bytes(machine->context, size, ret))
		return;
	for (size_t i = 0; i < count && at < size * 8; i++) {
		size_t bits, skip = 0;

		if (!is_piece(&op[i]))
			continue;
		if (op[i].atom == DW_OP_piece) {
			bits = op[i].number < size ? op[i].number * 8 : size * 8;
		} else {
			bits = op[i].number < size * 8 ? op[i].number : size * 8;
			skip = op[i].number2;
		}
		if (bits > size * 8 - at)
			bits = size * 8 - at;
		machine->op = op + first;
		machine->count = i - first;
		machine->depth = 0;
		machine->operation = 0;
		piece(machine, at, bits, skip, ret);
		at += bits;
		first = i + 1;
	}
	note(ret, LOCALS_OPTIMISED_OUT, 0);
	settle(ret);
}

void expression_place(const struct context *context, Dwarf_Attribute *attribute, size_t size,
					  struct place *ret)
{
	struct machine machine = {.context = context, .attribute = attribute};
	Dwarf_Addr address = context->point ? context->point->address : 0;
	Dwarf_Op *op;
	size_t count;
	int found;

	if (context->depth > CONTEXTS_MOST || !context_spend(context, 1)) {
		missing(ret, LOCALS_UNSUPPORTED);
		return;
	}
	found = dwarf_getlocation_addr(attribute, address, &op, &count, 1);
	if (found <= 0 || count == 0) {
		missing(ret, found < 0 ? LOCALS_UNSUPPORTED : LOCALS_OPTIMISED_OUT);
		return;
	}
	machine.op = op;
	machine.count = count;
	for (size_t i = 0; i < count; i++) {
		if (is_piece(&op[i])) {
			pieces(&machine, op, count, size, ret);
			return;
		}
	}
	whole(&machine, size, ret);
}

enum locals_reason expression_number(const struct context *context, Dwarf_Attribute *attribute,
									 const uint64_t *pushed, uint64_t *ret)
{
	struct machine machine = {.context = context, .attribute = attribute};
	Dwarf_Addr address = context->point ? context->point->address : 0;
	Dwarf_Op *op;
	int found;

	if (context->depth > CONTEXTS_MOST || !context_spend(context, 1))
		return LOCALS_UNSUPPORTED;
	found = dwarf_getlocation_addr(attribute, address, &op, &machine.count, 1);
	if (found <= 0)
		return found < 0 ? LOCALS_UNSUPPORTED : LOCALS_OPTIMISED_OUT;
	machine.op = op;
	if (pushed && !push_word(&machine, *pushed))
		return machine.reason;
	run(&machine);
	if (machine.reason != LOCALS_COMPLETE)
		return machine.reason;
	switch (machine.description.kind) {
	case ADDRESS:
	case VALUE:
		*ret = machine.stack[machine.depth - 1].word;
		return LOCALS_COMPLETE;
	case REGISTER:
		return read_register(context, machine.description.reg, ret);
	case NOWHERE:
		return LOCALS_OPTIMISED_OUT;
	default:
		return LOCALS_UNSUPPORTED;
	}
}

enum locals_reason attribute_number(const struct context *context, Dwarf_Attribute *attribute,
									uint64_t *ret)
{
	Dwarf_Sword number;
	Dwarf_Die variable;

	switch (dwarf_whatform(attribute)) {
	case DW_FORM_data1:
	case DW_FORM_data2:
	case DW_FORM_data4:
	case DW_FORM_data8:
	case DW_FORM_udata: {
		Dwarf_Word word;

		if (dwarf_formudata(attribute, &word) != 0)
			return LOCALS_UNSUPPORTED;
		*ret = word;
		return LOCALS_COMPLETE;
	}
	case DW_FORM_sdata:
	case DW_FORM_implicit_const:
		if (dwarf_formsdata(attribute, &number) != 0)
			return LOCALS_UNSUPPORTED;
		*ret = (uint64_t)number;
		return LOCALS_COMPLETE;
	case DW_FORM_exprloc:
	case DW_FORM_block:
	case DW_FORM_block1:
	case DW_FORM_block2:
	case DW_FORM_block4:
	case DW_FORM_sec_offset:
	case DW_FORM_loclistx:
		return expression_number(context, attribute, NULL, ret);
	default:
		if (!dwarf_formref_die(attribute, &variable))
			return LOCALS_UNSUPPORTED;
		return variable_number(context, &variable, ret);
	}
}
