/*
 * drive.c - operations on generators, coroutines and async generators, from inside and outside.
 */
#include <string.h>
#include "scenario.h"

/* What next, send, throw and close drive by hand. */
static bool is_body(coro_value value)
{
	return is_object(value, CORO_OBJECT_GENERATOR) || is_object(value, CORO_OBJECT_COROUTINE);
}

static coro_value no_attribute(coro_value value, const char *attribute)
{
	return coro_raise(CORO_AttributeError, "'%s' object has no attribute '%s'",
					  coro_type_name(value), attribute);
}

static struct coro_generator *body_of(coro_value value)
{
	return (struct coro_generator *)coro_as_object(value);
}

/* ---- From outside ------------------------------------------------------ */

static coro_value next_of(coro_value value)
{
	if (is_body(value))
		return coro_next(body_of(value));
	if (is_step(value))
		return coro_async_step_send(coro_as_ptr(value), CORO_NONE);
	return coro_raise(CORO_TypeError, "'%s' object is not an iterator", coro_type_name(value));
}

static enum flow run_next(struct activation *activation, const struct node *node)
{
	coro_value result = next_of(atom(activation, node->args[0]));

	return driven(activation, node, describe(activation, node, 1), result);
}

static enum flow run_send(struct activation *activation, const struct node *node)
{
	coro_value value = atom(activation, node->args[0]), result;
	coro_value sent = expression(activation, node->args + 1);

	if (coro_raised(sent))
		result = sent;
	else if (is_body(value))
		result = coro_send(body_of(value), sent);
	else if (is_step(value))
		result = coro_async_step_send(coro_as_ptr(value), sent);
	else
		result = no_attribute(value, "send");
	return driven(activation, node,
				  format("%s %s", describe(activation, node, 1),
						 show(expression(activation, node->args + 1))),
				  result);
}

static enum flow run_throw(struct activation *activation, const struct node *node)
{
	coro_value value = atom(activation, node->args[0]), result;
	coro_value exception = exception_of(activation, node->args + 1);

	if (coro_raised(exception))
		return raise_in(activation, exception);
	if (is_body(value))
		result = coro_throw(body_of(value), exception);
	else if (is_step(value))
		result = coro_async_step_throw(coro_as_ptr(value), exception);
	else
		result = no_attribute(value, "throw");
	return driven(activation, node,
				  format("%s %s", describe(activation, node, 1), show_error(exception)), result);
}

static enum flow run_close(struct activation *activation, const struct node *node)
{
	coro_value value = atom(activation, node->args[0]), result;

	if (is_body(value))
		result = coro_close(body_of(value));
	else if (is_step(value))
		result = coro_async_step_close(coro_as_ptr(value));
	else
		result = no_attribute(value, "close");
	return finished(activation, node, describe(activation, node, 1), result);
}

/* ---- Objects ----------------------------------------------------------- */

static enum flow run_new(struct activation *activation, const struct node *node)
{
	const struct function *function = find_function(node->args[1]);
	const char *name = label(node->args[0]);
	coro_value call = coro_ptr(new_call(activation, function, name, node->args + 2));
	struct coro_generator *body;

	if (function->kind == GEN)
		body = coro_generator_named(run_call, call, name, NULL);
	else if (function->kind == AGEN)
		body = coro_async_generator_named(run_call, call, name, NULL);
	else
		body = coro_coroutine_named(run_call, call, name, NULL);
	if (!body)
		return raise_in(activation, out_of_memory());
	note_body(body, coro_as_ptr(call));
	own_body(body);
	set(activation, node->args[0], coro_object(body));
	return GO_ON;
}

static enum flow run_del(struct activation *activation, const struct node *node)
{
	coro_value value = atom(activation, node->args[0]);
	bool before = journal_immediate;

	say(activation->label, format("del %s", node->args[0]));
	set(activation, node->args[0], CORO_NONE);
	free_unheld_steps();
	journal_immediate = true;
	if (is_body(value) || is_object(value, CORO_OBJECT_ASYNC_GENERATOR))
		disown_body(body_of(value));
	else if (is_step(value))
		disown_handle(coro_as_ptr(value));
	else if (coro_kind(value) == CORO_VALUE_OBJECT)
		disown_handle(coro_as_object(value));
	journal_immediate = before;
	returned(activation, CORO_NONE);
	return GO_ON;
}

static const char *state_of(coro_value value)
{
	enum coro_object_kind kind;

	if (coro_kind(value) != CORO_VALUE_OBJECT)
		return "?";
	kind = coro_object_kind(value);
	if (kind == CORO_OBJECT_FUTURE || kind == CORO_OBJECT_TASK) {
		const struct coro_future *future = (const struct coro_future *)coro_as_object(value);

		return coro_future_cancelled(future) ? "CANCELLED"
			   : coro_future_done(future)    ? "DONE"
											 : "PENDING";
	}
	if (!is_body(value) && kind != CORO_OBJECT_ASYNC_GENERATOR)
		return "?";
	switch (coro_state(body_of(value))) {
	case CORO_STATE_CREATED:
		/* The oracle cannot tell it of an async generator: CPython's begins behind its first
		 * instruction. */
		return kind == CORO_OBJECT_ASYNC_GENERATOR ? "SUSPENDED" : "CREATED";
	case CORO_STATE_RUNNING:
		return "RUNNING";
	case CORO_STATE_SUSPENDED:
		return "SUSPENDED";
	default:
		return "CLOSED";
	}
}

static enum flow run_state(struct activation *activation, const struct node *node)
{
	say(activation->label,
		format("%s %s", describe(activation, node, 1), state_of(atom(activation, node->args[0]))));
	return GO_ON;
}

/* A string as the list of its characters; other values as they are. */
static coro_value characters(coro_value value)
{
	size_t length = coro_kind(value) == CORO_VALUE_STRING ? coro_length(value) : 0;
	struct list *list;
	coro_value result;

	if (coro_kind(value) != CORO_VALUE_STRING)
		return value;
	result = new_list(length);
	list = coro_as_ptr(result);
	for (list->count = 0; list->count < length; list->count++)
		list->items[list->count] = coro_string(coro_as_str(value) + list->count, 1);
	return result;
}

static enum flow run_for(struct activation *activation, const struct node *node)
{
	coro_value iterated = atom(activation, node->args[2]), item;
	const struct list *list = list_of(characters(iterated));

	if (!list && !is_object(iterated, CORO_OBJECT_GENERATOR) && !is_step(iterated))
		return raise_in(activation, coro_raise(CORO_TypeError, "'%s' object is not iterable",
											   coro_type_name(iterated)));
	for (size_t i = 0;; i++) {
		enum flow flow;

		if (list && i >= list->count)
			return GO_ON;
		item = returned(activation, list ? list->items[i] : next_of(iterated));
		if (coro_is(item, CORO_StopIteration) && coro_raised(item))
			return GO_ON;
		if (coro_raised(item))
			return raise_in(activation, item);
		set(activation, node->args[0], item);
		say(activation->label, format("item %s", show(item)));
		flow = run_block(activation, &node->clauses->block);
		if (flow == BREAK)
			return GO_ON;
		if (flow == RETURN || flow == RAISE)
			return flow;
	}
}

/* ---- From inside ------------------------------------------------------- */

static enum flow resumed(struct activation *activation, const struct node *node, coro_value sent)
{
	activation->driver = running;
	returned(activation, sent);
	if (coro_raised(sent)) {
		say(activation->label, format("exc %s", show_error(sent)));
		return raise_in(activation, sent);
	}
	say(activation->label, format("recv %s", show(sent)));
	store(activation, node->target, sent);
	return GO_ON;
}

static enum flow run_yield(struct activation *activation, const struct node *node)
{
	coro_value value = expression(activation, node->args);

	if (coro_raised(value))
		return raise_in(activation, value);
	say(activation->label, format("yield %s", show(value)));
	return resumed(activation, node, coro_yield(value));
}

static enum flow run_suspend(struct activation *activation, const struct node *node)
{
	coro_value value = expression(activation, node->args);

	if (coro_raised(value))
		return raise_in(activation, value);
	say(activation->label, format("suspend %s", show(value)));
	gives_way(coro_is_none(value));
	value = coro_suspend(value);
	gives_way(false);
	return resumed(activation, node, value);
}

struct string_iterator {
	struct coro_iterator iterator;
	const struct list *characters;
	size_t at;
};

static coro_value next_character(struct coro_iterator *iterator)
{
	struct string_iterator *string = (struct string_iterator *)iterator;

	if (string->at == string->characters->count)
		return coro_raise_value(CORO_StopIteration, CORO_NONE);
	return string->characters->items[string->at++];
}

static enum flow run_from(struct activation *activation, const struct node *node)
{
	coro_value inner = atom(activation, node->args[0]), result;

	begins(activation, describe(activation, node, 1));
	set(activation, "(awaited)", inner);
	if (list_of(inner)) {
		result = coro_yield_from_array(list_of(inner)->items, list_of(inner)->count);
	} else if (coro_kind(inner) == CORO_VALUE_STRING) {
		struct string_iterator string = {
			{.next = next_character, .type = "str_ascii_iterator"},
			list_of(characters(inner)),
			0,
		};

		result = coro_yield_from_iterator(&string.iterator);
	} else {
		result = coro_yield_from(inner);
	}
	return finished(activation, node, describe(activation, node, 1), result);
}

static enum flow run_await(struct activation *activation, const struct node *node)
{
	coro_value awaited = atom(activation, node->args[0]), result;

	begins(activation, describe(activation, node, 1));
	set(activation, "(awaited)", awaited);
	result = coro_await(awaited);
	return finished(activation, node, describe(activation, node, 1), result);
}

static enum flow run_call_op(struct activation *activation, const struct node *node)
{
	const struct function *function = find_function(node->args[0]);
	const char *description = format("call %s", node->args[0]), *name;
	struct coro_generator *body;
	coro_value call, result;

	begins(activation, description);
	name = label(node->args[0]);
	call = coro_ptr(new_call(activation, function, name, node->args + 1));
	body = function->kind == GEN ? coro_generator_named(run_call, call, name, NULL)
								 : coro_coroutine_named(run_call, call, name, NULL);
	if (!body)
		return raise_in(activation, out_of_memory());
	note_body(body, coro_as_ptr(call));
	set(activation, "(awaited)", coro_object(body));
	result = coro_await(coro_object(body));
	if (function->kind == GEN)
		coro_free(body);
	return finished(activation, node, description, result);
}

/* ---- Async generators -------------------------------------------------- */

static struct coro_async_step *new_step(struct activation *activation, const struct node *node,
										coro_value *ret_error)
{
	const char *method = strchr(node->word, '_') ? strchr(node->word, '_') + 1 : node->word;
	coro_value value = CORO_NONE;
	struct coro_generator *body;
	struct coro_async_step *step;

	if (!strcmp(method, "asend"))
		value = expression(activation, node->args + 1);
	else if (!strcmp(method, "athrow"))
		value = exception_of(activation, node->args + 1);
	if (coro_raised(value)) {
		*ret_error = value;
		return NULL;
	}
	body = handle_of(atom(activation, node->args[0]), CORO_OBJECT_ASYNC_GENERATOR,
					 !strcmp(method, "anext") ? "__anext__" : method, ret_error);
	if (!body)
		return NULL;
	step = !strcmp(method, "athrow")   ? coro_athrow_step(body, value)
		   : !strcmp(method, "aclose") ? coro_aclose_step(body)
									   : coro_asend_step(body, value);
	if (step)
		note_step(step, coro_object(body), value);
	else
		*ret_error = out_of_memory();
	return step;
}

static enum flow run_make_step(struct activation *activation, const struct node *node)
{
	coro_value error = CORO_NONE;
	struct coro_async_step *step = new_step(activation, node, &error);

	if (!step)
		return raise_in(activation, error);
	own_handle(step, free_step);
	store(activation, node->target, coro_async_step_value(step));
	return GO_ON;
}

static const char *describe_step(struct activation *activation, const struct node *node)
{
	const char *text = describe(activation, node, 1);

	if (!strcmp(node->word, "asend"))
		text = format("%s %s", text, show(expression(activation, node->args + 1)));
	return text;
}

static enum flow run_step(struct activation *activation, const struct node *node)
{
	coro_value result = CORO_NONE;
	struct coro_async_step *step;

	begins(activation, describe_step(activation, node));
	step = new_step(activation, node, &result);
	if (step) {
		set(activation, "(awaited)", coro_async_step_value(step));
		result = keep_error(coro_async_step_await(step));
	}
	coro_async_step_free(step);
	return finished(activation, node, describe_step(activation, node), result);
}

static enum flow run_async_for(struct activation *activation, const struct node *node)
{
	coro_value iterated = atom(activation, node->args[2]), item;

	if (!is_object(iterated, CORO_OBJECT_ASYNC_GENERATOR))
		return raise_in(activation,
						coro_raise(CORO_TypeError,
								   "'async for' requires an object with __aiter__ method, got %s",
								   coro_type_name(iterated)));
	for (;;) {
		enum flow flow;

		item = returned(activation, coro_anext(body_of(iterated)));
		if (coro_is(item, CORO_StopAsyncIteration) && coro_raised(item))
			return GO_ON;
		if (coro_raised(item))
			return raise_in(activation, item);
		set(activation, node->args[0], item);
		say(activation->label, format("item %s", show(item)));
		flow = run_block(activation, &node->clauses->block);
		if (flow == BREAK)
			return GO_ON;
		if (flow == RETURN || flow == RAISE)
			return flow;
	}
}

static void first_iterated(struct coro_generator *generator, void *data)
{
	say("hook", format("firstiter %s", show(coro_object(generator))));
}

static bool finalized(struct coro_generator *generator, void *data)
{
	say("hook", format("finalizer %s", show(coro_object(generator))));
	return false;
}

static enum flow run_hooks(struct activation *activation, const struct node *node)
{
	bool on = !strcmp(node->args[0], "on");

	coro_set_async_generator_hooks(on ? first_iterated : NULL, on ? finalized : NULL, NULL);
	return GO_ON;
}

const struct operation drive_operations[] = {
	{"next", run_next},
	{"send", run_send},
	{"throw", run_throw},
	{"close", run_close},
	{"new", run_new},
	{"del", run_del},
	{"state", run_state},
	{"for", run_for},
	{"yield", run_yield},
	{"suspend", run_suspend},
	{"from", run_from},
	{"await", run_await},
	{"call", run_call_op},
	{"anext", run_step},
	{"asend", run_step},
	{"athrow", run_step},
	{"aclose", run_step},
	{"mk_anext", run_make_step},
	{"mk_asend", run_make_step},
	{"mk_athrow", run_make_step},
	{"mk_aclose", run_make_step},
	{"afor", run_async_for},
	{"agen_hooks", run_hooks},
	{NULL, NULL},
};
