/*
 * evaluate.c - expressions of C, as far as they only look.
 *
 *     sum     = product { ("+" | "-") product }
 *     product = unary { ("*" | "/" | "%") unary }
 *     unary   = ("*" | "&" | "-" | "+" | "~" | "!") unary | postfix
 *     postfix = primary { "." name | "->" name | "[" sum "]" }
 *     primary = name | number | character | "(" sum ")"
 *
 * A name is a variable of the frame, the innermost of several; else one of the file, of the module,
 * of the program; else a function. Numbers are 64 bits and signed, except that a pointer plus a
 * number is a pointer. What is missing stays so, with its reason: only what has no meaning is a
 * mistake.
 */
#include "value.h"

#include "names.h"
#include "printable.h"

#include <ctype.h>
#include <dwarf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tracer/module.h>

enum { NESTED_MOST = 64, NAME_MOST = 128 };

struct parser {
	struct locals_view *view;
	const char *text, *at;
	unsigned depth;
	struct locals_mistake *mistake;
};

static bool parse_sum(struct parser *parser, struct content *ret);

/* ---- Words ------------------------------------------------------------- */

__attribute__((format(printf, 3, 4))) static bool wrong(struct parser *parser, const char *where,
														const char *format, ...)
{
	char text[sizeof parser->mistake->text];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	*parser->mistake = (struct locals_mistake){.at = (size_t)(where - parser->text)};
	printable_put(parser->mistake->text, sizeof parser->mistake->text, text);
	return false;
}

static void skip_blanks(struct parser *parser)
{
	while (*parser->at == ' ' || *parser->at == '\t')
		parser->at++;
}

/* Passes a sign, if it is the next. */
static bool take(struct parser *parser, const char *sign)
{
	skip_blanks(parser);
	if (strncmp(parser->at, sign, strlen(sign)) != 0)
		return false;
	parser->at += strlen(sign);
	return true;
}

static bool is_name(char character, bool first)
{
	return character == '_' || (character & 0x80) || isalpha((unsigned char)character) ||
		   (!first && isdigit((unsigned char)character));
}

/* Passes a name. */
static bool take_name(struct parser *parser, char name[NAME_MOST])
{
	const char *start;
	size_t length = 0;

	skip_blanks(parser);
	start = parser->at;
	while (is_name(start[length], length == 0))
		length++;
	if (length == 0)
		return wrong(parser, start, "a name is expected");
	if (length >= NAME_MOST)
		return wrong(parser, start, "the name is too long");
	memcpy(name, start, length);
	name[length] = 0;
	parser->at += length;
	return true;
}

static struct context context_of(struct parser *parser, const struct content *content)
{
	return view_context(parser->view, content->type.debug);
}

/* How a type is called in a mistake. */
static const char *called(struct parser *parser, const struct content *content, char *text,
						  size_t room)
{
	struct context context = context_of(parser, content);

	text[0] = 0;
	type_text(&context, &content->type, text, room);
	return text;
}

/* ---- Names ------------------------------------------------------------- */

static bool find_local(struct parser *parser, const char *name, struct content *ret)
{
	struct locals_view *view = parser->view;
	char filtered[NAME_MOST * 4] = "";

	printable_put(filtered, sizeof filtered, name);
	for (size_t i = 0; i < view->count; i++) {
		if (strcmp(view->variable[i].value->name, filtered) == 0) {
			*ret = ((const struct value *)view->variable[i].value)->content;
			return true;
		}
	}
	return false;
}

/* A variable or function that is outside of all frames. */
static bool set_global(struct parser *parser, struct debug *debug, enum names_kind kind,
					   Dwarf_Die *die, struct content *ret)
{
	struct context context = view_context(parser->view, debug);
	Dwarf_Addr entry;

	if (kind == NAMES_VARIABLE) {
		content_of(&context, die, ret);
		return true;
	}
	if (dwarf_entrypc(die, &entry) != 0)
		return false;
	*ret = (struct content){
		.type = type_at(debug, die),
		.in_memory = true,
		.address = entry + debug->load,
	};
	return true;
}

static bool find_in_module(struct parser *parser, struct debug *debug, enum names_kind kind,
						   const char *name, struct content *ret)
{
	Dwarf_Die die;

	if (!debug->names)
		debug->names = names_new(debug->dwarf);
	return debug->names && names_find(debug->names, kind, name, &die) &&
		   set_global(parser, debug, kind, &die, ret);
}

/* Those of the frame's unit and module come first. */
static bool find_global(struct parser *parser, enum names_kind kind, const char *name,
						struct content *ret)
{
	const struct point *point = parser->view->context.point;
	struct locals *locals = parser->view->context.locals;
	struct symbols_module mapped;
	Dwarf_Die tree, die;

	if (point) {
		tree = point->tree;
		if ((names_find_in(&tree, kind, name, &die) &&
			 set_global(parser, point->debug, kind, &die, ret)) ||
			find_in_module(parser, point->debug, kind, name, ret))
			return true;
	}
	for (size_t i = 0; symbols_module(locals->symbols, i, &mapped) == 0; i++) {
		struct debug *debug = debug_of(locals, &mapped);

		if (debug && find_in_module(parser, debug, kind, name, ret))
			return true;
	}
	return false;
}

static bool parse_name(struct parser *parser, struct content *ret)
{
	const char *start = parser->at;
	char name[NAME_MOST];

	if (!take_name(parser, name))
		return false;
	if (find_local(parser, name, ret) || find_global(parser, NAMES_VARIABLE, name, ret) ||
		find_global(parser, NAMES_FUNCTION, name, ret))
		return true;
	return wrong(parser, start, "no variable is called '%s'", name);
}

/* ---- Numbers ----------------------------------------------------------- */

static void set_number(struct parser *parser, uint64_t number, struct content *ret)
{
	struct type type = type_number(parser->view->context.debug);
	struct context context = view_context(parser->view, type.debug);

	content_number(&context, &type, number, ret);
}

static bool parse_number(struct parser *parser, struct content *ret)
{
	const char *start = parser->at;
	unsigned long long number;
	char *end;

	errno = 0;
	number = strtoull(start, &end, 0);
	if (errno == ERANGE)
		return wrong(parser, start, "the number is too large");
	while (*end && strchr("uUlL", *end))
		end++;
	if (is_name(*end, false) || *end == '.')
		return wrong(parser, start, "only whole numbers are understood");
	parser->at = end;
	set_number(parser, number, ret);
	return true;
}

static bool parse_character(struct parser *parser, struct content *ret)
{
	static const char letter[] = "ntr0\\'\"", meaning[] = "\n\t\r\0\\'\"";
	const char *start = parser->at, *at = start + 1, *found;
	char character = *at;
	char *end;

	if (character == '\\' && at[1] == 'x' && isxdigit((unsigned char)at[2])) {
		character = (char)strtoul(at + 2, &end, 16);
		at = end;
	} else if (character == '\\') {
		found = at[1] ? strchr(letter, at[1]) : NULL;
		if (!found)
			return wrong(parser, at, "no such escape");
		character = meaning[found - letter];
		at += 2;
	} else if (character && character != '\'') {
		at++;
	}
	if (*at != '\'' || at == start + 1)
		return wrong(parser, start, "a character is expected between quotes");
	parser->at = at + 1;
	set_number(parser, (uint64_t)(int64_t)character, ret);
	return true;
}

/* ---- Operations -------------------------------------------------------- */

static bool is_pointer(const struct content *content)
{
	return !content->type.is_void && content->type.tag == DW_TAG_pointer_type;
}

static bool is_array(const struct content *content)
{
	return !content->type.is_void && content->type.tag == DW_TAG_array_type;
}

static bool is_whole_number(struct parser *parser, const struct content *content)
{
	struct context context = context_of(parser, content);
	enum locals_kind kind = content_kind(&context, content);

	return kind == LOCALS_INTEGER || kind == LOCALS_CHARACTER || kind == LOCALS_BOOLEAN ||
		   kind == LOCALS_ENUMERATION;
}

/* The number of an operand; `*ret_known` false: it is missing, and so is what is made of it. */
static bool number_of(struct parser *parser, const char *where, const struct content *content,
					  uint64_t *ret, bool *ret_known)
{
	char type[NAME_MOST];

	if (!is_whole_number(parser, content))
		return wrong(parser, where, "a whole number is expected, and this is %s",
					 called(parser, content, type, sizeof type));
	*ret_known = content_word(content, ret);
	return true;
}

/* What a pointer points to, `index` elements further. */
static bool index_pointer(struct parser *parser, const char *where, const struct content *pointer,
						  uint64_t index, struct content *ret)
{
	struct type target = type_target(&pointer->type);
	struct context context = context_of(parser, pointer);
	uint64_t address, size = type_size(&context, &target);
	char type[NAME_MOST];

	if (target.is_void || (size == 0 && !type_has_members(&target) &&
						   target.tag != DW_TAG_array_type && !type_is_function(&target)))
		return wrong(parser, where, "%s points to nothing that has a size",
					 called(parser, pointer, type, sizeof type));
	if (index == 0) {
		content_target(&context, pointer, ret);
		return true;
	}
	if (!content_word(pointer, &address)) {
		content_missing(&target, pointer->reason, ret);
		return true;
	}
	content_at(&context, &target, object_address(&context, &pointer->type, address) + index * size,
			   ret);
	return true;
}

static bool dereference(struct parser *parser, const char *where, const struct content *content,
						uint64_t index, struct content *ret)
{
	struct context context = context_of(parser, content);
	char type[NAME_MOST];
	uint64_t count;

	if (is_pointer(content))
		return index_pointer(parser, where, content, index, ret);
	if (!is_array(content))
		return wrong(parser, where, "a pointer or an array is expected, and this is %s",
					 called(parser, content, type, sizeof type));
	if (!content->flexible && type_elements(&context, &content->type, &count) == LOCALS_COMPLETE &&
		index >= count)
		return wrong(parser, where, "there are %llu elements", (unsigned long long)count);
	content_element(&context, content, index, ret);
	return true;
}

static bool parse_index(struct parser *parser, const struct content *content, struct content *ret)
{
	const char *where;
	struct content index;
	uint64_t number;
	bool known;

	skip_blanks(parser);
	where = parser->at;
	if (!parse_sum(parser, &index) || !number_of(parser, where, &index, &number, &known))
		return false;
	if (!take(parser, "]"))
		return wrong(parser, parser->at, "']' is missing");
	if (known)
		return dereference(parser, where, content, number, ret);
	if (!dereference(parser, where, content, 0, ret))
		return false;
	content_missing(&ret->type, index.reason, ret);
	return true;
}

static bool parse_member(struct parser *parser, const char *sign, bool arrow,
						 const struct content *content, struct content *ret)
{
	struct context context = context_of(parser, content);
	const char *where;
	char name[NAME_MOST], type[NAME_MOST];
	struct content target;

	skip_blanks(parser);
	where = parser->at;
	if (!take_name(parser, name))
		return false;
	if (arrow && !is_pointer(content))
		return wrong(parser, sign, "'->' needs a pointer, and this is %s",
					 called(parser, content, type, sizeof type));
	if (is_pointer(content)) {
		content_target(&context, content, &target);
		content = &target;
	}
	if (!type_has_members(&content->type))
		return wrong(parser, sign, "a structure is expected, and this is %s",
					 called(parser, content, type, sizeof type));
	if (!content_named(&context, content, name, ret))
		return wrong(parser, where, "%s has no member '%s'",
					 called(parser, content, type, sizeof type), name);
	return true;
}

static bool parse_primary(struct parser *parser, struct content *ret)
{
	skip_blanks(parser);
	if (take(parser, "(")) {
		if (!parse_sum(parser, ret))
			return false;
		return take(parser, ")") || wrong(parser, parser->at, "')' is missing");
	}
	if (is_name(*parser->at, true))
		return parse_name(parser, ret);
	if (isdigit((unsigned char)*parser->at))
		return parse_number(parser, ret);
	if (*parser->at == '\'')
		return parse_character(parser, ret);
	return wrong(parser, parser->at, "a name or a number is expected");
}

static bool parse_postfix(struct parser *parser, struct content *ret)
{
	struct content content;

	if (!parse_primary(parser, ret))
		return false;
	for (;;) {
		const char *sign;

		skip_blanks(parser);
		sign = parser->at;
		content = *ret;
		if (take(parser, "->")) {
			if (!parse_member(parser, sign, true, &content, ret))
				return false;
		} else if (take(parser, ".")) {
			if (!parse_member(parser, sign, false, &content, ret))
				return false;
		} else if (take(parser, "[")) {
			if (!parse_index(parser, &content, ret))
				return false;
		} else {
			return true;
		}
	}
}

static bool address_of(struct parser *parser, const char *where, const struct content *content,
					   struct content *ret)
{
	struct type type = type_pointer(&content->type);
	struct context context = context_of(parser, content);

	if (content->bits > 0)
		return wrong(parser, where, "a bit-field has no address");
	if (content->in_memory) {
		content_number(&context, &type, content->address, ret);
		return true;
	}
	if (content->reason == LOCALS_COMPLETE || content->type.is_number)
		return wrong(parser, where, "it is in no memory, and has no address");
	content_missing(&type, content->reason, ret);
	return true;
}

static bool parse_sign(struct parser *parser, char sign, const char *where,
					   const struct content *operand, struct content *ret)
{
	uint64_t number = 0;
	bool known = false;

	if (!number_of(parser, where, operand, &number, &known))
		return false;
	set_number(parser,
			   sign == '-'   ? -number
			   : sign == '~' ? ~number
			   : sign == '!' ? !number
							 : number,
			   ret);
	if (!known)
		content_missing(&ret->type, operand->reason, ret);
	return true;
}

static bool parse_unary(struct parser *parser, struct content *ret)
{
	struct content operand;
	const char *where;
	char sign;
	bool good;

	skip_blanks(parser);
	sign = *parser->at;
	if (!sign || !strchr("*&-+~!", sign))
		return parse_postfix(parser, ret);
	parser->at++;
	skip_blanks(parser);
	where = parser->at;
	if (++parser->depth > NESTED_MOST)
		return wrong(parser, where, "the expression is too deep");
	good = parse_unary(parser, &operand);
	parser->depth--;
	if (!good)
		return false;
	if (sign == '*')
		return dereference(parser, where, &operand, 0, ret);
	if (sign == '&')
		return address_of(parser, where, &operand, ret);
	return parse_sign(parser, sign, where, &operand, ret);
}

/* A pointer, or an array as one, plus or minus a number. */
static bool shift_pointer(struct parser *parser, const char *where, const struct content *content,
						  uint64_t number, struct content *ret)
{
	struct content first;

	if (is_pointer(content) ? !index_pointer(parser, where, content, number, &first)
							: !dereference(parser, where, content, 0, &first))
		return false;
	if (!is_pointer(content) && first.in_memory)
		first.address += number * first.size;
	return address_of(parser, where, &first, ret);
}

static bool compute(struct parser *parser, const char *where, char sign, const struct content *left,
					const struct content *right, struct content *ret)
{
	uint64_t a = 0, b = 0;
	bool known = false, both = false;

	if (!number_of(parser, where, right, &b, &known))
		return false;
	if ((is_pointer(left) || is_array(left)) && (sign == '+' || sign == '-') && known)
		return shift_pointer(parser, where, left, sign == '-' ? -b : b, ret);
	if (!number_of(parser, where, left, &a, &both))
		return false;
	if (!known || !both) {
		set_number(parser, 0, ret);
		content_missing(&ret->type, known ? left->reason : right->reason, ret);
		return true;
	}
	switch (sign) {
	case '+':
		a += b;
		break;
	case '-':
		a -= b;
		break;
	case '*':
		a *= b;
		break;
	default:
		if (b == 0)
			return wrong(parser, where, "it is divided by 0");
		if ((int64_t)b == -1)
			a = sign == '/' ? -a : 0;
		else
			a = (uint64_t)(sign == '/' ? (int64_t)a / (int64_t)b : (int64_t)a % (int64_t)b);
		break;
	}
	set_number(parser, a, ret);
	return true;
}

/* Operands of `next` between signs. */
static bool parse_chain(struct parser *parser, const char *signs,
						bool (*next)(struct parser *parser, struct content *ret),
						struct content *ret)
{
	struct content left, right;
	const char *where;
	char sign;

	skip_blanks(parser);
	where = parser->at;
	if (!next(parser, ret))
		return false;
	for (;;) {
		skip_blanks(parser);
		sign = *parser->at;
		if (!sign || !strchr(signs, sign) || strncmp(parser->at, "->", 2) == 0)
			return true;
		parser->at++;
		left = *ret;
		if (!next(parser, &right) || !compute(parser, where, sign, &left, &right, ret))
			return false;
	}
}

static bool parse_product(struct parser *parser, struct content *ret)
{
	return parse_chain(parser, "*/%", parse_unary, ret);
}

static bool parse_sum(struct parser *parser, struct content *ret)
{
	bool good;

	if (++parser->depth > NESTED_MOST)
		return wrong(parser, parser->at, "the expression is too deep");
	good = parse_chain(parser, "+-", parse_product, ret);
	parser->depth--;
	return good;
}

int locals_evaluate(struct locals_view *view, const char *expression,
					const struct locals_value **ret, struct locals_mistake *ret_mistake)
{
	struct locals_mistake mistake = {0};
	struct parser parser = {
		.view = view, .text = expression, .at = expression, .mistake = &mistake};
	const struct value *value;
	struct content content;
	char name[256] = "";
	bool good;

	view_ask(view);
	good = parse_sum(&parser, &content);
	skip_blanks(&parser);
	if (good && *parser.at)
		good = wrong(&parser, parser.at, "nothing is expected behind the expression");
	if (view->arena.failed)
		return -ENOMEM;
	if (!good) {
		*ret_mistake = mistake;
		return -EINVAL;
	}
	printable_put(name, sizeof name, expression);
	value = view_value(view, name, &content);
	if (!value)
		return -ENOMEM;
	*ret = &value->public;
	return 0;
}
