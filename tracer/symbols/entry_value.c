/*
 * entry_value.c - what a parameter was when the function was called, told by the caller.
 *
 * A function that needs its parameter no more drops it. But the compiler, when it made the
 * call, often knew what it passed in terms that are still there: a constant, a saved register, a
 * place of the caller's frame. DWARF has that at the call:
 *
 *     call_site            return_pc = where the caller goes on,  origin = the function that is
 * called call_site_parameter  location = the register,  value = an expression in the caller's frame
 *
 * The call may have been to another function, which left by a jump to this one (a tail call), with
 * other arguments. So it counts only if it is known to be to this function: by its origin, or, of a
 * call through a pointer, by an address that can still be computed.
 */
#include "expression.h"
#include "units.h"

#include <dwarf.h>
#include <string.h>

/* What it costs to look at an entry of the caller. */
enum { EFFORT_ENTRY = 4 };

/* Follows to the entry that stands for the function or parameter: the one that others are made of.
 */
static Dwarf_Die origin_of(Dwarf_Die die)
{
	static const unsigned link[] = {DW_AT_abstract_origin, DW_AT_specification};

	for (unsigned steps = 0; steps < 16; steps++) {
		Dwarf_Attribute attribute;
		Dwarf_Die next;
		bool found = false;

		for (size_t i = 0; i < sizeof link / sizeof *link && !found; i++)
			found = dwarf_attr(&die, link[i], &attribute) && dwarf_formref_die(&attribute, &next);
		if (!found)
			break;
		die = next;
	}
	return die;
}

static bool has_flag(Dwarf_Die *die, unsigned name)
{
	Dwarf_Attribute attribute;
	bool set = false;

	return dwarf_attr_integrate(die, name, &attribute) && dwarf_formflag(&attribute, &set) == 0 &&
		   set;
}

/* The entry may be a declaration, in another unit, of an external function. */
static bool is_same_function(Dwarf_Die called, Dwarf_Die function)
{
	const char *called_name, *name;

	called = origin_of(called);
	function = origin_of(function);
	if (called.addr == function.addr)
		return true;
	called_name = dwarf_diename(&called);
	name = dwarf_diename(&function);
	return called_name && name && strcmp(called_name, name) == 0 &&
		   has_flag(&called, DW_AT_external) && has_flag(&function, DW_AT_external);
}

static bool get(Dwarf_Die *die, unsigned name, unsigned gnu_name, Dwarf_Attribute *ret)
{
	return dwarf_attr(die, name, ret) || (gnu_name && dwarf_attr(die, gnu_name, ret));
}

/* Whether a call is known to be to the function of the context. */
static bool leads_to(const struct context *caller, Dwarf_Die *site, const struct context *context)
{
	const struct point *point = context->point;
	Dwarf_Attribute attribute;
	Dwarf_Die function = point->scope[0], called;
	Dwarf_Addr entry;
	uint64_t target;

	if (get(site, DW_AT_call_origin, DW_AT_abstract_origin, &attribute))
		return dwarf_formref_die(&attribute, &called) && is_same_function(called, function);
	return get(site, DW_AT_call_target, DW_AT_GNU_call_site_target, &attribute) &&
		   dwarf_entrypc(&function, &entry) == 0 &&
		   expression_number(caller, &attribute, NULL, &target) == LOCALS_COMPLETE &&
		   target == entry + point->debug->load;
}

static bool is_call_site(Dwarf_Die *die)
{
	return dwarf_tag(die) == DW_TAG_call_site || dwarf_tag(die) == DW_TAG_GNU_call_site;
}

/* The call that returns to `pc` (DWARF's address), among the children of the caller's scopes. */
static bool find_site(const struct context *caller, Dwarf_Addr pc, Dwarf_Die *ret)
{
	for (unsigned i = caller->point->scope_count; i-- > 0;) {
		if (dwarf_child(&caller->point->scope[i], ret) != 0)
			continue;
		do {
			Dwarf_Attribute attribute;
			Dwarf_Addr returns;

			if (!context_spend(caller, EFFORT_ENTRY))
				return false;
			if (is_call_site(ret) && get(ret, DW_AT_call_return_pc, DW_AT_low_pc, &attribute) &&
				dwarf_formaddr(&attribute, &returns) == 0 && returns == pc)
				return true;
		} while (die_next(ret));
	}
	return false;
}

/* The frame that called that of the context, and the call. */
static enum locals_reason find_call(const struct context *context, struct context *ret_caller,
									Dwarf_Die *ret_site)
{
	const struct unwind_frame *frame;

	if (!context->point || context->point->scope_count == 0)
		return LOCALS_NO_FRAME;
	if (context->depth >= CONTEXTS_MOST)
		return LOCALS_UNSUPPORTED;
	if (context->physical + 1 >= context->stack->count)
		return LOCALS_OPTIMISED_OUT;
	frame = &context->stack->frame[context->physical + 1];
	*ret_caller = *context;
	ret_caller->physical++;
	ret_caller->depth++;
	ret_caller->point = point_at(context->locals, frame->look);
	if (!ret_caller->point || !ret_caller->point->debug)
		return LOCALS_OPTIMISED_OUT;
	ret_caller->debug = ret_caller->point->debug;
	if (!find_site(ret_caller, frame->pc - ret_caller->debug->load, ret_site) ||
		!leads_to(ret_caller, ret_site, context))
		return LOCALS_OPTIMISED_OUT;
	return LOCALS_COMPLETE;
}

static bool is_parameter(Dwarf_Die *die)
{
	return dwarf_tag(die) == DW_TAG_call_site_parameter ||
		   dwarf_tag(die) == DW_TAG_GNU_call_site_parameter;
}

static enum locals_reason passed(const struct context *caller, Dwarf_Die *parameter, uint64_t *ret)
{
	Dwarf_Attribute attribute;

	if (!get(parameter, DW_AT_call_value, DW_AT_GNU_call_site_value, &attribute))
		return LOCALS_OPTIMISED_OUT;
	return expression_number(caller, &attribute, NULL, ret);
}

/* The parameter is passed in this register. */
static bool is_in_register(Dwarf_Die *parameter, unsigned number)
{
	Dwarf_Attribute attribute;
	Dwarf_Op *op;
	size_t count;

	return dwarf_attr(parameter, DW_AT_location, &attribute) &&
		   dwarf_getlocation(&attribute, &op, &count) == 0 && count == 1 &&
		   ((op->atom >= DW_OP_reg0 && op->atom <= DW_OP_reg31 &&
			 op->atom - DW_OP_reg0 == (int)number) ||
			(op->atom == DW_OP_regx && op->number == number));
}

enum locals_reason entry_value(const struct context *context, unsigned number, uint64_t *ret)
{
	struct context caller;
	Dwarf_Die site, parameter;
	enum locals_reason reason = find_call(context, &caller, &site);

	if (reason != LOCALS_COMPLETE)
		return reason;
	if (dwarf_child(&site, &parameter) != 0)
		return LOCALS_OPTIMISED_OUT;
	do {
		if (!context_spend(context, EFFORT_ENTRY))
			return LOCALS_UNSUPPORTED;
		if (is_parameter(&parameter) && is_in_register(&parameter, number))
			return passed(&caller, &parameter, ret);
	} while (die_next(&parameter));
	return LOCALS_OPTIMISED_OUT;
}

enum locals_reason entry_parameter(const struct context *context, Dwarf_Die *formal, uint64_t *ret)
{
	struct context caller;
	Dwarf_Die site, parameter;
	enum locals_reason reason = find_call(context, &caller, &site);

	if (reason != LOCALS_COMPLETE)
		return reason;
	if (dwarf_child(&site, &parameter) != 0)
		return LOCALS_OPTIMISED_OUT;
	do {
		Dwarf_Attribute attribute;
		Dwarf_Die refers;

		if (!context_spend(context, EFFORT_ENTRY))
			return LOCALS_UNSUPPORTED;
		if (is_parameter(&parameter) &&
			get(&parameter, DW_AT_call_parameter, DW_AT_abstract_origin, &attribute) &&
			dwarf_formref_die(&attribute, &refers) &&
			origin_of(refers).addr == origin_of(*formal).addr)
			return passed(&caller, &parameter, ret);
	} while (die_next(&parameter));
	return LOCALS_OPTIMISED_OUT;
}
