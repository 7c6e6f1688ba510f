/*
 * value.c - variables, expressions; and values as the log prints them.
 *
 * A value of a scenario is a coro_value. What the language has besides (lists, handles of
 * callbacks, timeouts) are pointers with the name of their type.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "scenario.h"

CORO_EXCEPTION(E1, CORO_Exception);
CORO_EXCEPTION(E2, E1);
CORO_EXCEPTION(E3, CORO_BaseException);

const char list_type[] = "list", handle_type[] = "Handle", timer_handle_type[] = "TimerHandle",
		   timeout_type[] = "Timeout";

/* ---- Variables --------------------------------------------------------- */

struct variable *globals;

static struct variable *find(struct activation *activation, const char *name)
{
	struct variable **list = *name == '@' ? &globals : &activation->locals, *variable;

	for (variable = *list; variable; variable = variable->next)
		if (!strcmp(variable->name, name))
			return variable;
	variable = keep_memory(sizeof(*variable));
	*variable = (struct variable){name, CORO_NONE, *list};
	*list = variable;
	return variable;
}

coro_value get(struct activation *activation, const char *name)
{
	return find(activation, name)->value;
}

void set(struct activation *activation, const char *name, coro_value value)
{
	struct variable *variable = find(activation, name);
	coro_value before = variable->value;

	variable->value = keep_error(value);
	if (is_step(before))
		free_unheld_steps();
}

void store(struct activation *activation, const char *name, coro_value value)
{
	if (name)
		set(activation, name, value);
}

static bool holds(coro_value held, coro_value value)
{
	const struct list *list = list_of(held);

	for (size_t i = 0; list && i < list->count; i++)
		if (holds(list->items[i], value))
			return true;
	return coro_equal(held, value);
}

static bool one_holds(const struct variable *variable, coro_value value)
{
	for (; variable; variable = variable->next)
		if (holds(variable->value, value))
			return true;
	return false;
}

bool is_held(coro_value value)
{
	for (const struct activation *one = activations; one; one = one->next)
		if (one_holds(one->locals, value))
			return true;
	return one_holds(globals, value);
}

void forget_globals(void)
{
	globals = NULL;
}

coro_value atom(struct activation *activation, const char *word)
{
	size_t length = strlen(word);
	char *end;
	long long number;

	if (*word == '"')
		return coro_string(word + 1, length - 2);
	if (!strcmp(word, "None"))
		return CORO_NONE;
	if (!strcmp(word, "True") || !strcmp(word, "False"))
		return coro_bool(*word == 'T');
	number = strtoll(word, &end, 10);
	if (!*end)
		return coro_int(number);
	return get(activation, word);
}

coro_value new_list(size_t count)
{
	struct list *list = keep_memory(sizeof(*list));

	list->count = count;
	list->items = keep_memory((count + 1) * sizeof(coro_value));
	return coro_typed_ptr(list, list_type);
}

coro_value as_list(coro_value value)
{
	const struct coro_results *from;
	coro_value list;

	if (coro_kind(value) != CORO_VALUE_POINTER || is_type(value, list_type) ||
		strcmp(coro_type_name(value), list_type))
		return value;
	from = coro_as_ptr(value);
	list = new_list(from->count);
	for (size_t i = 0; i < from->count; i++)
		((struct list *)coro_as_ptr(list))->items[i] = as_list(keep_error(from->values[i]));
	return list;
}

/* ---- Kinds ------------------------------------------------------------- */

bool is_object(coro_value value, unsigned kind)
{
	return coro_kind(value) == CORO_VALUE_OBJECT && coro_object_kind(value) == kind;
}

bool is_type(coro_value value, const char *type)
{
	return coro_kind(value) == CORO_VALUE_POINTER && coro_type_name(value) == type;
}

bool is_step(coro_value value)
{
	return is_type(value, coro_asend_type) || is_type(value, coro_athrow_type);
}

bool can_be_awaited(coro_value value)
{
	return is_object(value, CORO_OBJECT_COROUTINE) || is_object(value, CORO_OBJECT_FUTURE) ||
		   is_object(value, CORO_OBJECT_TASK) || is_step(value);
}

void *handle_of(coro_value value, unsigned kind, const char *attribute, coro_value *ret_error)
{
	if (is_object(value, kind) ||
		(kind == CORO_OBJECT_FUTURE && is_object(value, CORO_OBJECT_TASK)))
		return coro_as_object(value);
	*ret_error = coro_raise(CORO_AttributeError, "'%s' object has no attribute '%s'",
							coro_type_name(value), attribute);
	return NULL;
}

const struct list *list_of(coro_value value)
{
	return is_type(value, list_type) ? coro_as_ptr(value) : NULL;
}

const char *text_of(coro_value string)
{
	return format("%.*s", (int)coro_length(string), coro_as_str(string));
}

static bool is_number(coro_value value)
{
	return coro_kind(value) == CORO_VALUE_INT || coro_kind(value) == CORO_VALUE_BOOL;
}

bool is_true(coro_value value)
{
	switch (coro_kind(value)) {
	case CORO_VALUE_NONE:
		return false;
	case CORO_VALUE_BOOL:
	case CORO_VALUE_INT:
		return coro_as_int(value) != 0;
	case CORO_VALUE_STRING:
		return coro_length(value) != 0;
	default:
		return !list_of(value) || list_of(value)->count;
	}
}

/* ---- Expressions ------------------------------------------------------- */

static bool equal(coro_value left, coro_value right)
{
	const struct list *one = list_of(left), *other = list_of(right);

	if (!one || !other)
		return coro_equal(left, right);
	for (size_t i = 0; i < one->count && i < other->count; i++)
		if (!equal(one->items[i], other->items[i]))
			return false;
	return one->count == other->count;
}

/* -1, 0, 1; *ret_error: raised TypeError when they have no order, else None. */
static int order_of(coro_value left, const char *operator, coro_value right, coro_value *ret_error)
{
	const struct list *one = list_of(left), *other = list_of(right);

	*ret_error = CORO_NONE;
	if (is_number(left) && is_number(right))
		return (coro_as_int(left) > coro_as_int(right)) - (coro_as_int(left) < coro_as_int(right));
	if (coro_kind(left) == CORO_VALUE_STRING && coro_kind(right) == CORO_VALUE_STRING)
		return strcmp(text_of(left), text_of(right));
	if (one && other) {
		for (size_t i = 0; i < one->count && i < other->count; i++)
			if (!equal(one->items[i], other->items[i]))
				return order_of(one->items[i], operator, other->items[i], ret_error);
		return (one->count > other->count) - (one->count < other->count);
	}
	*ret_error = coro_raise(CORO_TypeError,
							"'%s' not supported between instances of '%s' and '%s'", operator,
							coro_type_name(left), coro_type_name(right));
	return 0;
}

coro_value less(coro_value left, coro_value right)
{
	coro_value error;
	int order = order_of(left, "<", right, &error);

	return coro_raised(error) ? error : coro_bool(order < 0);
}

static coro_value compare(coro_value left, const char *operator, coro_value right)
{
	coro_value error;
	int order;

	if (!strcmp(operator, "=="))
		return coro_bool(equal(left, right));
	if (!strcmp(operator, "!="))
		return coro_bool(!equal(left, right));
	order = order_of(left, operator, right, &error);
	if (coro_raised(error))
		return error;
	if (*operator== '<')
		return coro_bool(operator[1] ? order <= 0 : order<0);
	return coro_bool(operator[1] ? order >= 0 : order> 0);
}

static coro_value calculate_numbers(int64_t left, char operator, int64_t right)
{
	switch (operator) {
	case '+':
		return coro_int(left + right);
	case '-':
		return coro_int(left - right);
	case '*':
		return coro_int(left * right);
	default:
		if (!right)
			return coro_raise(CORO_ZeroDivisionError, "integer modulo by zero");
		return coro_int((left % right + right) % right);
	}
}

static coro_value joined(const struct list *left, const struct list *right)
{
	coro_value list = new_list(left->count + right->count);
	coro_value *items = ((struct list *)coro_as_ptr(list))->items;

	memcpy(items, left->items, left->count * sizeof(*items));
	memcpy(items + left->count, right->items, right->count * sizeof(*items));
	return list;
}

/* "a" * 3, [1] * 3 */
static coro_value repeated(coro_value value, int64_t times)
{
	coro_value list = list_of(value) ? new_list(0) : coro_str("");

	for (int64_t i = 0; i < times; i++)
		list = list_of(value) ? joined(list_of(list), list_of(value))
							  : coro_str(format("%s%s", text_of(list), text_of(value)));
	return list;
}

static bool is_sequence(coro_value value)
{
	return list_of(value) || coro_kind(value) == CORO_VALUE_STRING;
}

static coro_value calculate(coro_value left, const char *operator, coro_value right)
{
	if (is_number(left) && is_number(right))
		return calculate_numbers(coro_as_int(left), *operator, coro_as_int(right));
	if (*operator== '+' && list_of(left) && list_of(right))
		return joined(list_of(left), list_of(right));
	if (*operator== '+' && is_sequence(left)) {
		const char *type = coro_type_name(left);

		if (coro_kind(left) == CORO_VALUE_STRING && coro_kind(right) == CORO_VALUE_STRING)
			return coro_str(format("%s%s", text_of(left), text_of(right)));
		return coro_raise(CORO_TypeError, "can only concatenate %s (not \"%s\") to %s", type,
						  coro_type_name(right), type);
	}
	if (*operator== '*' && is_sequence(left) && is_number(right))
		return repeated(left, coro_as_int(right));
	if (*operator== '*' && is_sequence(right) && is_number(left))
		return repeated(right, coro_as_int(left));
	if (*operator== '*' &&(is_sequence(left) || is_sequence(right)))
		return coro_raise(CORO_TypeError, "can't multiply sequence by non-int of type '%s'",
						  coro_type_name(is_sequence(left) ? right : left));
	if (*operator== '%' && coro_kind(left) == CORO_VALUE_STRING)
		return coro_raise(CORO_TypeError, "not all arguments converted during string formatting");
	return coro_raise(CORO_TypeError, "unsupported operand type(s) for %s: '%s' and '%s'", operator,
					  coro_type_name(left), coro_type_name(right));
}

coro_value expression(struct activation *activation, char **words)
{
	coro_value left, right;

	if (!words[0])
		return CORO_NONE;
	left = atom(activation, words[0]);
	if (!words[1])
		return left;
	right = atom(activation, words[2]);
	if (strchr("=!<>", words[1][0]))
		return compare(left, words[1], right);
	return calculate(left, words[1], right);
}

const struct coro_exception_type *exception_type_named(const char *name)
{
	static const struct coro_exception_type *const types[] = {E1, E2, E3, CORO_BaseException,
#define X(type, base) CORO_##type,
															  CORO_EXCEPTION_TYPES(X)
#undef X
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (!strcmp(types[i]->name, name))
			return types[i];
	return NULL;
}

/* E1(None) is not E1(), to Python. */
struct argument_none {
	coro_value exception;
	struct argument_none *next;
};
static struct argument_none *nones;

static void made_with_none(coro_value exception)
{
	struct argument_none *entry = keep_memory(sizeof(*entry));

	*entry = (struct argument_none){exception, nones};
	nones = entry;
}

static bool was_made_with_none(coro_value exception)
{
	for (const struct argument_none *entry = nones; entry; entry = entry->next)
		if (coro_equal(entry->exception, exception))
			return true;
	return false;
}

coro_value exception_of(struct activation *activation, char **words)
{
	const struct coro_exception_type *type = exception_type_named(words[0]);
	coro_value value, exception;

	if (type && words[1]) {
		value = expression(activation, words + 1);
		if (coro_raised(value))
			return value;
		exception = keep_error(coro_error_value(type, value));
		if (coro_is_none(value))
			made_with_none(exception);
		return exception;
	}
	if (type)
		return keep_error(coro_error(type, "%s", ""));
	value = atom(activation, words[0]);
	if (coro_kind(value) != CORO_VALUE_EXCEPTION)
		return coro_raise(CORO_TypeError, "exceptions must derive from BaseException");
	return value;
}

coro_value out_of_memory(void)
{
	return coro_raise(CORO_MemoryError, "out of memory");
}

/* ---- Text -------------------------------------------------------------- */

const char *format(const char *pattern, ...)
{
	char *text = NULL, *kept;
	va_list arguments;

	va_start(arguments, pattern);
	if (vasprintf(&text, pattern, arguments) < 0)
		abort();
	va_end(arguments);
	kept = keep_text(text);
	free(text);
	return kept;
}

static const char *show_object(coro_value value)
{
	const void *handle = coro_as_object(value);
	enum coro_object_kind kind = coro_object_kind(value);
	const char *text = label_of(handle);

	if (kind == CORO_OBJECT_TASK) {
		const char *name = coro_task_name(handle);

		if (scenario.eager && number_of(name))
			return format("<Task-%d>", number_of(name));
		/* A task without a name of its own. */
		return strncmp(name, "Task-", 5) ? format("<%s>", name) : format("<anon%s>", name + 5);
	}
	if (kind == CORO_OBJECT_GENERATOR || kind == CORO_OBJECT_COROUTINE ||
		kind == CORO_OBJECT_ASYNC_GENERATOR)
		text = coro_name(handle);
	return format("<%s>", text ? text : coro_type_name(value));
}

const char *show(coro_value value)
{
	const char *text;

	switch (coro_kind(value)) {
	case CORO_VALUE_STRING:
		return format("'%s'", text_of(value));
	case CORO_VALUE_EXCEPTION:
		return format("<%s>", show_error(value));
	case CORO_VALUE_OBJECT:
		return show_object(value);
	case CORO_VALUE_POINTER:
		if (is_type(value, list_type)) {
			const struct list *list = coro_as_ptr(value);

			text = "[";
			for (size_t i = 0; i < list->count; i++)
				text = format("%s%s%s", text, i ? ", " : "", show(list->items[i]));
			return format("%s]", text);
		}
		return format("<%s>", coro_type_name(value));
	default: {
		char buffer[64];

		coro_format(value, buffer, sizeof(buffer));
		return keep_text(buffer);
	}
	}
}

/* One pass of: <Task name='x' coro=<y>> is <Task>. False when nothing is left to cut. */
static bool cut_representation(char *text)
{
	for (char *open = text; (open = strchr(open, '<')); open++) {
		size_t word = strspn(open + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"
									   "0123456789");
		char *end = open + 1 + word;

		if (!word || !strchr(" .(", *end) || !*end)
			continue;
		end += strcspn(end, "<>");
		if (*end != '>')
			continue;
		*open = '{';
		open[1 + word] = '}';
		memmove(open + word + 2, end + 1, strlen(end + 1) + 1);
		return true;
	}
	return false;
}

/* "<list at 0x55...>" is [1, 2]. */
static const char *with_lists(const char *message)
{
	const char *found = strstr(message, "<list at ");
	void *list;
	int end = 0;

	if (!found || sscanf(found, "<list at %p>%n", &list, &end) != 1 || !end)
		return message;
	return with_lists(format("%.*s%s%s", (int)(found - message), message,
							 show(coro_typed_ptr(list, list_type)), found + end));
}

static const char *without_representations(const char *message)
{
	char *text = keep_text(with_lists(message));

	while (cut_representation(text))
		;
	for (char *byte = text; *byte; byte++)
		*byte = *byte == '{' ? '<' : *byte == '}' ? '>' : *byte;
	return text;
}

const char *show_error(coro_value exception)
{
	const char *name = coro_exception_type(exception)->name;
	coro_value value = coro_exception_value(exception);
	const char *text;

	if (coro_is(exception, CORO_BaseExceptionGroup)) {
		text = format("%s: %.*s [", name, (int)coro_length(value), coro_as_str(value));
		for (size_t i = 0; i < coro_group_count(exception); i++)
			text = format("%s%s%s", text, i ? ", " : "", show_error(coro_group_at(exception, i)));
		return format("%s]", text);
	}
	if (!strcmp(name, "InvalidStateError"))
		return name;
	if (coro_kind(value) == CORO_VALUE_STRING)
		return format(
			"%s: %s", name,
			without_representations(format("%.*s", (int)coro_length(value), coro_as_str(value))));
	if (!coro_is_none(value))
		return format("%s: %s", name, show(value));
	if (was_made_with_none(exception))
		return format("%s: None", name);
	if (!*coro_message(exception))
		return name;
	return format("%s: %s", name, without_representations(coro_message(exception)));
}

static const char *show_links(coro_value exception, int depth)
{
	const char *text;
	coro_value cause, context;

	if (coro_kind(exception) != CORO_VALUE_EXCEPTION)
		return show(exception);
	text = show_error(exception);
	if (depth > 8)
		return text;
	cause = coro_cause(exception);
	context = coro_context(exception);
	if (!coro_is_none(cause))
		return format("%s <cause %s", text, show_links(cause, depth + 1));
	if (!coro_is_none(context))
		return format("%s <%s %s", text,
					  coro_suppresses_context(exception) ? "suppressed" : "context",
					  show_links(context, depth + 1));
	return text;
}

const char *show_chain(coro_value exception)
{
	return show_links(exception, 0);
}
