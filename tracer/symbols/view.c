/*
 * view.c - the variables of one logical frame, and the values that are handed out.
 *
 * The scopes of the frame are walked from the innermost out. Of a function that was inlined the DIE
 * at hand has only what is left of it; what its definition declares besides is told too: it was
 * optimised out.
 */
#include "value.h"

#include "initialiser.h"
#include "printable.h"
#include "scopes.h"
#include "units.h"

#include <dwarf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a view has at most, and how much effort there is for one question. */
enum { VARIABLES_MOST = 4096, ALLOWANCE = 20 * EFFORT_MOST, TYPE_TEXT = 256 };

void view_ask(struct locals_view *view)
{
	view->allowance = ALLOWANCE;
	view->granted = view->effort = 0;
}

struct context view_context(struct locals_view *view, struct debug *debug)
{
	struct context context = view->context;

	view->allowance -= view->granted - view->effort;
	view->granted = view->effort = view->allowance < EFFORT_MOST ? view->allowance : EFFORT_MOST;
	if (debug != context.debug) {
		/* What is of another module has nothing to do with the frame. */
		context.debug = debug;
		context.point = NULL;
		context.physical = LOCALS_NOWHERE;
	}
	return context;
}

const struct value *view_value(struct locals_view *view, const char *name,
							   const struct content *content)
{
	struct context context = view_context(view, content->type.debug);
	struct value *value = arena_take(&view->arena, sizeof *value);
	char type[TYPE_TEXT] = "", why[TYPE_TEXT];
	struct dynamic dynamic;
	struct object object;
	uint64_t word;

	if (!value)
		return NULL;
	value->content = *content;
	type_text(&context, &content->type, type, sizeof type);
	value->public = (struct locals_value){
		.name = arena_string(&view->arena, name),
		.type = arena_string(&view->arena, type),
		.kind = content_kind(&context, content),
		.reason = content->reason,
		.size = content->size,
		.in_memory = content->in_memory && content->bits == 0,
		.address = content->address,
		.children = content_children(&context, content),
	};
	value->public.why = arena_string(&view->arena, format_reason(content, why, sizeof why));
	if (value->public.kind == LOCALS_OBJECT && content_word(content, &word) &&
		object_at(&context, &content->type, word, &object))
		value->public.serial = object.serial;
	else if (value->public.kind == LOCALS_DYNAMIC && dynamic_read(&context, content, &dynamic))
		value->public.serial = dynamic_serial(&dynamic);
	return view->arena.failed ? NULL : value;
}

/* ---- Variables --------------------------------------------------------- */

static bool is_variable(Dwarf_Die *die)
{
	int tag = dwarf_tag(die);

	return tag == DW_TAG_variable || tag == DW_TAG_formal_parameter;
}

static bool has_flag(Dwarf_Die *die, unsigned name)
{
	Dwarf_Attribute attribute;
	bool set = false;

	return dwarf_attr_integrate(die, name, &attribute) && dwarf_formflag(&attribute, &set) == 0 &&
		   set;
}

/* Its place does not depend on the frame. */
static bool is_static(Dwarf_Die *die)
{
	Dwarf_Attribute attribute;
	Dwarf_Op *op;
	size_t count;

	return dwarf_attr_integrate(die, DW_AT_location, &attribute) &&
		   dwarf_getlocation(&attribute, &op, &count) == 0 && count > 0 &&
		   (op->atom == DW_OP_addr || op->atom == DW_OP_addrx || op->atom == DW_OP_GNU_addr_index ||
			op[count - 1].atom == DW_OP_form_tls_address ||
			op[count - 1].atom == DW_OP_GNU_push_tls_address);
}

static bool is_shadowed(const struct locals_view *view, const char *name, size_t before)
{
	for (size_t i = 0; i < before; i++)
		if (strcmp(view->variable[i].value->name, name) == 0)
			return true;
	return false;
}

static bool grow(struct locals_view *view)
{
	size_t room = view->room ? view->room * 2 : 32;
	struct locals_variable *variable = arena_take(&view->arena, room * sizeof *variable);

	if (!variable)
		return false;
	if (view->count > 0)
		memcpy(variable, view->variable, view->count * sizeof *variable);
	view->variable = variable;
	view->room = room;
	return true;
}

static const char *base_of(const char *file)
{
	const char *slash = strrchr(file, '/');

	return slash ? slash + 1 : file;
}

/* Lines of different files say nothing of what comes first. */
static bool is_of_file(Dwarf_Die *die, const char *file)
{
	const char *declared = scope_declared(die);

	return declared && file && strcmp(base_of(declared), base_of(file)) == 0;
}

/* Whether its declaration, or the end of its initialiser, is still to come. Where the build is
 * optimised, code is not in the order of the source. */
static bool is_early(struct locals_view *view, Dwarf_Die *die,
					 const struct locals_variable *variable)
{
	const struct locals_frame *frame = &view->point->frame[view->level].frame;
	struct declaration declaration = {.name = dwarf_diename(die), .line = variable->line};
	int column = 0;

	if (frame->optimised || frame->line == 0 || variable->parameter || variable->is_static ||
		variable->line == 0 || !is_of_file(die, frame->file))
		return false;
	if (variable->line > frame->line)
		return true;
	(void)dwarf_decl_column(die, &column);
	declaration.column = (uint32_t)column;
	return initialiser_goes_on(view->context.locals->symbols, frame, &declaration);
}

/* `before`: how many variables there were of inner blocks. */
static bool add_variable(struct locals_view *view, Dwarf_Die *die, unsigned block, size_t before)
{
	struct context context = view_context(view, view->context.debug);
	const char *name = dwarf_diename(die);
	char filtered[TYPE_TEXT] = "";
	const struct value *value;
	struct content content;
	int line = 0;

	/* Nameless parameters, what is defined elsewhere, and what the compiler made: bounds of arrays.
	 */
	if (!name || has_flag(die, DW_AT_declaration) ||
		(dwarf_tag(die) == DW_TAG_variable && has_flag(die, DW_AT_artificial)))
		return true;
	if (view->count == view->room && !grow(view))
		return false;
	printable_put(filtered, sizeof filtered, name);
	content_of(&context, die, &content);
	value = view_value(view, filtered, &content);
	if (!value)
		return false;
	(void)dwarf_decl_line(die, &line);
	view->variable[view->count] = (struct locals_variable){
		.value = &value->public,
		.line = (uint32_t)line,
		.block = block,
		.parameter = dwarf_tag(die) == DW_TAG_formal_parameter,
		.shadowed = is_shadowed(view, filtered, before),
		.is_static = is_static(die),
		.runtime = strncmp(name, "coro__", 6) == 0,
	};
	view->variable[view->count].early = is_early(view, die, &view->variable[view->count]);
	view->count++;
	return true;
}

static bool add_scope(struct locals_view *view, Dwarf_Die *scope, unsigned block)
{
	size_t before = view->count;
	Dwarf_Die die;

	if (dwarf_child(scope, &die) != 0)
		return true;
	do
		if (is_variable(&die) && !add_variable(view, &die, block, before))
			return false;
	while (view->count < VARIABLES_MOST && die_next(&die));
	return true;
}

/* Whether a variable of one of the frame's scopes is made of this one. */
static bool is_made(struct locals_view *view, const Dwarf_Die *origin)
{
	const struct point_frame *frame = &view->point->frame[view->level];
	unsigned entries = 0;

	for (unsigned i = frame->scope; i < frame->scope_end; i++) {
		Dwarf_Die die;

		if (dwarf_child(&view->point->scope[i], &die) != 0)
			continue;
		do {
			Dwarf_Attribute attribute;
			Dwarf_Die from;

			if (is_variable(&die) && dwarf_attr(&die, DW_AT_abstract_origin, &attribute) &&
				dwarf_formref_die(&attribute, &from) && from.addr == origin->addr)
				return true;
		} while (++entries < VARIABLES_MOST && die_next(&die));
	}
	return false;
}

/* What the definition of an inlined or copied function declares, and is left nowhere. */
static bool add_lost(struct locals_view *view, Dwarf_Die *scope)
{
	size_t before = view->count;
	Dwarf_Attribute attribute;
	Dwarf_Die origin, die;
	unsigned entries = 0;

	if (!dwarf_attr(scope, DW_AT_abstract_origin, &attribute) ||
		!dwarf_formref_die(&attribute, &origin) || dwarf_child(&origin, &die) != 0)
		return true;
	do
		if (is_variable(&die) && !is_made(view, &die) && !add_variable(view, &die, 0, before))
			return false;
	while (++entries < VARIABLES_MOST && view->count < VARIABLES_MOST && die_next(&die));
	return true;
}

static bool add_variables(struct locals_view *view)
{
	const struct point_frame *frame = &view->point->frame[view->level];

	for (unsigned i = frame->scope_end; i-- > frame->scope;)
		if (!add_scope(view, &view->point->scope[i], i - frame->scope))
			return false;
	return view->point->scope_count == 0 || add_lost(view, &view->point->scope[frame->scope]);
}

/* ---- Life cycle -------------------------------------------------------- */

int locals_view_new(struct locals *locals, const struct locals_stack *stack, size_t physical,
					unsigned level, struct locals_view **ret)
{
	struct locals_view *view;
	struct point *point = NULL;

	if (physical != LOCALS_NOWHERE) {
		if (physical >= stack->count)
			return -EINVAL;
		points_trim(locals);
		point = point_at(locals, stack->frame[physical].look);
		if (!point)
			return -ENOMEM;
		if (level >= point->frame_count)
			return -EINVAL;
	}
	view = calloc(1, sizeof *view);
	if (!view)
		return -ENOMEM;
	view->stack = *stack;
	view->arena.most = LOCALS_VIEW_MOST;
	view->point = point;
	view->level = level;
	view->context = (struct context){
		.locals = locals,
		.stack = &view->stack,
		.physical = physical,
		.point = point && point->debug ? point : NULL,
		.debug = point ? point->debug : NULL,
		.arena = &view->arena,
		.effort = &view->effort,
	};
	view_ask(view);
	if (point)
		point->references++;
	if (point && !add_variables(view)) {
		locals_view_free(view);
		return -ENOMEM;
	}
	*ret = view;
	return 0;
}

void locals_view_free(struct locals_view *view)
{
	if (!view)
		return;
	if (view->point)
		view->point->references--;
	arena_done(&view->arena);
	free(view);
}

/* ---- What is asked ----------------------------------------------------- */

const struct locals_variable *locals_variables(struct locals_view *view, size_t *ret_count)
{
	*ret_count = view->count;
	return view->variable;
}

/* What a child is called: "[3]" and "*next" where it has no name of its own. */
static void name_child(const struct value *parent, const char *member, uint64_t i, char *name,
					   size_t room)
{
	name[0] = 0;
	if (member) {
		printable_put(name, room, member);
	} else if (!parent->content.type.is_void && parent->content.type.tag == DW_TAG_array_type) {
		snprintf(name, room, "[%" PRIu64 "]", i);
	} else {
		printable_put(name, room, "*");
		printable_put(name, room, parent->public.name);
	}
}

int locals_child(struct locals_view *view, const struct locals_value *value, uint64_t i,
				 const struct locals_value **ret)
{
	const struct value *parent = (const struct value *)value, *child;
	struct context context;
	struct content content;
	const char *member;
	char name[TYPE_TEXT];

	view_ask(view);
	context = view_context(view, parent->content.type.debug);
	if (!content_child(&context, &parent->content, i, &content, &member))
		return -ENOENT;
	name_child(parent, member, i, name, sizeof name);
	child = view_value(view, name, &content);
	if (!child)
		return -ENOMEM;
	*ret = &child->public;
	return 0;
}

size_t locals_text(struct locals_view *view, const struct locals_value *value,
				   const struct locals_format *format, char *buffer, size_t room)
{
	const struct value *of = (const struct value *)value;
	struct arena_mark mark = arena_mark(&view->arena);
	struct context context;
	size_t length;

	view_ask(view);
	context = view_context(view, of->content.type.debug);
	length = format_content(&context, &of->content, format, buffer, room);
	arena_return(&view->arena, mark);
	return length;
}

size_t locals_bytes(struct locals_view *view, const struct locals_value *value,
					const uint8_t **ret_bytes, const uint8_t **ret_known)
{
	const struct content *content = &((const struct value *)value)->content;

	*ret_bytes = content->bytes;
	*ret_known = content->known;
	return content->bytes ? content->count : 0;
}
