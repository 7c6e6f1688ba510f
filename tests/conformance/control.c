/*
 * control.c - blocks, and calling functions.
 *
 * A block runs its operations one after the other until one does not go on:
 *
 *     run_block -> node->run -> GO_ON: the next one
 *                            -> BREAK, CONTINUE: to the loop around
 *                            -> RETURN, RAISE: to the function; a `try` on the way looks at it
 *
 * Which exception is being handled, is said to the runtime at the beginning and the end of each
 * except and finally block, and after each call of the runtime, which counts what it gives back
 * as handled itself.
 */
#include <string.h>
#include "scenario.h"

enum flow run_block(struct activation *activation, const struct block *block)
{
	for (const struct node *node = block->first; node; node = node->next) {
		enum flow flow = node->run(activation, node);

		if (flow != GO_ON)
			return flow;
	}
	return GO_ON;
}

/* ---- Outcomes of operations -------------------------------------------- */

coro_value returned(struct activation *activation, coro_value value)
{
	running = activation;
	keep_error(value);
	if (coro_raised(value))
		passes(value, activation);
	coro_handling(activation->handling);
	return value;
}

enum flow raise_in(struct activation *activation, coro_value raised)
{
	activation->outcome = returned(activation, raised);
	return RAISE;
}

enum flow finished(struct activation *activation, const struct node *node, const char *description,
				   coro_value result)
{
	set(activation, "(awaited)", CORO_NONE);
	result = as_list(returned(activation, result));
	if (!coro_raised(result)) {
		say(activation->label, format("%s => %s", description, show(result)));
		store(activation, node->target, result);
		return GO_ON;
	}
	say(activation->label, format("%s => raise %s", description, show_error(result)));
	if (!node->observed)
		return raise_in(activation, result);
	store(activation, node->target, CORO_NONE);
	return GO_ON;
}

enum flow driven(struct activation *activation, const struct node *node, const char *description,
				 coro_value result)
{
	returned(activation, result);
	if (!coro_raised(result)) {
		say(activation->label, format("%s => yield %s", description, show(result)));
		store(activation, node->target, result);
		return GO_ON;
	}
	if (coro_exception_type(result) == CORO_StopIteration)
		say(activation->label,
			format("%s => stop %s", description, show(coro_exception_value(result))));
	else
		say(activation->label, format("%s => raise %s", description, show_error(result)));
	if (!node->observed)
		return raise_in(activation, result);
	store(activation, node->target, CORO_NONE);
	return GO_ON;
}

const char *describe(struct activation *activation, const struct node *node, int count)
{
	const char *text = node->word;

	for (int i = 0; i < count; i++)
		text = format("%s %s", text, show(atom(activation, node->args[i])));
	return text;
}

void begins(struct activation *activation, const char *description)
{
	say(activation->label, format("%s ...", description));
}

/* ---- Functions --------------------------------------------------------- */

struct call *new_call(struct activation *activation, const struct function *function,
					  const char *call_label, char **args)
{
	struct call *call = keep_memory(sizeof(*call));

	call->function = function;
	call->label = call_label;
	for (size_t i = 0; i < 8 && args[i]; i++)
		call->args[i] = keep_error(atom(activation, args[i]));
	return call;
}

struct activation *activations;
const struct activation *running;

static void link_activation(struct activation *activation)
{
	activation->next = activations;
	if (activations)
		activations->previous = activation;
	activations = activation;
}

static void unlink_activation(struct activation *activation)
{
	if (activation->previous)
		activation->previous->next = activation->next;
	else
		activations = activation->next;
	if (activation->next)
		activation->next->previous = activation->previous;
}

/* The frame that awaits this one, or else drives it. */
static const struct activation *caller_of(const struct activation *activation)
{
	for (const struct activation *one = activations; one; one = one->next)
		if (awaits(one, activation))
			return one;
	return activation->driver;
}

/* What leaves it stays with the task, and with its traceback the local variables. */
static bool is_of_a_task(const struct activation *activation)
{
	struct coro_task *task = the_loop ? coro_task_current() : NULL;

	return task && !strcmp(activation->label, coro_task_name(task));
}

/* Not on the stack: one that ignored its end goes with it. */
coro_value run_plain(struct call *call, coro_value handling)
{
	struct activation *activation = keep_memory(sizeof(*activation));
	coro_value outcome = CORO_NONE;
	enum flow flow;

	*activation = (struct activation){
		.label = call->label,
		.function = call->function,
		.outcome = CORO_NONE,
		.handling = handling,
		.driver = running,
	};
	call->activation = running = activation;
	link_activation(activation);
	for (size_t i = 0; call->function->params[i]; i++)
		set(activation, call->function->params[i], call->args[i]);
	say(activation->label, "start");
	flow = run_block(activation, &call->function->body);
	if (flow == RETURN || flow == RAISE)
		outcome = activation->outcome;
	else
		say(activation->label, "return None");
	if (flow == RAISE)
		say(activation->label, format("raise %s", show_error(outcome)));
	activation->ended = true;
	activation->back = caller_of(activation);
	if (flow == RAISE ? is_of_a_task(activation) : is_in_a_ring(activation))
		return outcome;
	unlink_activation(activation);
	/* The traceback of an exception holds them. */
	if (flow != RAISE)
		free_unheld_steps();
	return outcome;
}

coro_value run_call(coro_value call)
{
	return run_plain(coro_as_ptr(call), CORO_NONE);
}

static enum flow run_invoke(struct activation *activation, const struct node *node)
{
	const struct function *function = find_function(node->args[0]);
	struct call *call =
		new_call(activation, function, label(node->args[0]), (char **)node->args + 1);
	coro_value result = run_plain(call, activation->handling);

	return finished(activation, node, format("invoke %s", node->args[0]), result);
}

/* ---- Simple operations ------------------------------------------------- */

static enum flow run_pass(struct activation *activation, const struct node *node)
{
	return GO_ON;
}

static enum flow run_log(struct activation *activation, const struct node *node)
{
	say(activation->label, describe(activation, node, node->arg_count));
	return GO_ON;
}

static enum flow run_set(struct activation *activation, const struct node *node)
{
	coro_value value = expression(activation, node->args + 1);

	if (coro_raised(value))
		return raise_in(activation, value);
	set(activation, node->args[0], value);
	return GO_ON;
}

static enum flow run_list(struct activation *activation, const struct node *node)
{
	coro_value list = new_list((size_t)node->arg_count - 1);

	for (int i = 1; i < node->arg_count; i++)
		((struct list *)coro_as_ptr(list))->items[i - 1] = atom(activation, node->args[i]);
	set(activation, node->args[0], list);
	return GO_ON;
}

static enum flow run_return(struct activation *activation, const struct node *node)
{
	coro_value value = expression(activation, node->args);

	if (coro_raised(value))
		return raise_in(activation, value);
	say(activation->label, format("return %s", show(value)));
	activation->outcome = value;
	return RETURN;
}

static enum flow run_break(struct activation *activation, const struct node *node)
{
	return BREAK;
}

static enum flow run_continue(struct activation *activation, const struct node *node)
{
	return CONTINUE;
}

static enum flow run_raise(struct activation *activation, const struct node *node)
{
	char *words[5] = {NULL};
	const char *cause = NULL;
	coro_value exception;

	for (int i = 0; i < node->arg_count && i < 4; i++) {
		if (!strcmp(node->args[i], "from")) {
			cause = node->args[i + 1];
			break;
		}
		words[i] = node->args[i];
	}
	exception = exception_of(activation, words);
	if (coro_raised(exception))
		return raise_in(activation, exception);
	exception = coro_raise_again(exception);
	if (cause)
		exception = coro_raise_from(exception, atom(activation, cause));
	return raise_in(activation, exception);
}

static enum flow run_reraise(struct activation *activation, const struct node *node)
{
	coro_value exception = coro_handled_exception();

	if (coro_is_none(exception))
		exception = coro_raise(CORO_RuntimeError, "No active exception to reraise");
	return raise_in(activation, coro_raise_again(exception));
}

static enum flow run_exc(struct activation *activation, const struct node *node)
{
	coro_value exception = exception_of(activation, node->args);

	if (coro_raised(exception))
		return raise_in(activation, exception);
	store(activation, node->target, exception);
	return GO_ON;
}

static enum flow run_chain(struct activation *activation, const struct node *node)
{
	say(activation->label, format("chain %s", show_chain(atom(activation, node->args[0]))));
	return GO_ON;
}

static enum flow run_raise_group(struct activation *activation, const struct node *node)
{
	coro_value message = atom(activation, node->args[0]), *children;
	size_t count = (size_t)node->arg_count - 1;

	children = keep_memory((count + 1) * sizeof(*children));
	for (size_t i = 0; i < count; i++)
		children[i] = atom(activation, node->args[i + 1]);
	return raise_in(activation, coro_raise_group(
									format("%.*s", (int)coro_length(message), coro_as_str(message)),
									children, count));
}

/* ---- Loops, conditions ------------------------------------------------- */

static enum flow run_loop(struct activation *activation, const struct node *node)
{
	coro_value count = atom(activation, node->args[0]);

	for (int64_t i = 0; i < coro_as_int(count); i++) {
		enum flow flow;

		if (node->arg_count > 2)
			set(activation, node->args[2], coro_int(i));
		flow = run_block(activation, &node->clauses->block);
		if (flow == BREAK)
			break;
		if (flow == RETURN || flow == RAISE)
			return flow;
	}
	return GO_ON;
}

static enum flow run_while(struct activation *activation, const struct node *node)
{
	for (;;) {
		coro_value condition = expression(activation, node->args);
		enum flow flow;

		if (coro_raised(condition))
			return raise_in(activation, condition);
		if (!is_true(condition))
			return GO_ON;
		count_round();
		flow = run_block(activation, &node->clauses->block);
		if (flow == BREAK)
			return GO_ON;
		if (flow == RETURN || flow == RAISE)
			return flow;
	}
}

static enum flow run_if(struct activation *activation, const struct node *node)
{
	const struct clause *clause = node->clauses;
	coro_value condition = expression(activation, node->args);

	if (coro_raised(condition))
		return raise_in(activation, condition);
	if (!is_true(condition))
		clause = clause->next;
	return clause ? run_block(activation, &clause->block) : GO_ON;
}

/* ---- try --------------------------------------------------------------- */

static bool matches(coro_value exception, char *const *words)
{
	if (!words[0] || !strcmp(words[0], "as"))
		return true;
	for (; *words && strcmp(*words, "as"); words++)
		if (coro_is(exception, exception_type_named(*words)))
			return true;
	return false;
}

static const char *name_after_as(char *const *words)
{
	for (; *words; words++)
		if (!strcmp(*words, "as"))
			return words[1];
	return NULL;
}

static void begin_handling(struct activation *activation, coro_value exception)
{
	struct handled *handled = keep_memory(sizeof(*handled));

	*handled = (struct handled){coro_caught(exception), activation->handling, activation->handled};
	activation->handled = handled;
	activation->handling = handled->exception;
	coro_handling(activation->handling);
}

static void end_handling(struct activation *activation)
{
	activation->handling = activation->handled->before;
	activation->handled = activation->handled->outer;
	coro_handling(activation->handling);
}

/* A block during which `exception` is being handled. */
static enum flow run_handling(struct activation *activation, const struct block *block,
							  coro_value exception)
{
	enum flow flow;

	begin_handling(activation, exception);
	flow = run_block(activation, block);
	end_handling(activation);
	return flow;
}

static enum flow run_except(struct activation *activation, const struct clause *clause,
							coro_value exception)
{
	const char *name = name_after_as(clause->head + 1);

	say(activation->label, format("caught %s", show_error(exception)));
	if (name)
		loses_traceback(exception);
	store(activation, name, coro_caught(exception));
	return run_handling(activation, &clause->block, exception);
}

/* PEP 654: each clause takes its part of the group; what is raised in them, and what nobody
 * took, goes on. */
static enum flow run_except_star(struct activation *activation, const struct clause *clause,
								 coro_value exception)
{
	coro_value rest = coro_caught(exception), raised[16], changed[16], cause[16];
	size_t count = 0, changed_count = 0;

	for (; clause && !strcmp(clause->head[0], "exceptstar"); clause = clause->next) {
		const struct coro_exception_type *types[8] = {NULL};
		size_t type_count = 0;
		coro_value match = CORO_NONE;
		enum flow flow;

		if (coro_is_none(rest))
			break;
		for (char **word = clause->head + 1; *word && strcmp(*word, "as"); word++)
			types[type_count++] = exception_type_named(*word);
		coro_group_split(rest, types, type_count, &match, &rest);
		keep_error(match);
		keep_error(rest);
		if (coro_is_none(match))
			continue;
		begin_handling(activation, exception);
		flow = run_except(activation, clause, match);
		end_handling(activation);
		if (flow == RAISE && count < 16) {
			raised[count++] = coro_caught(activation->outcome);
			/* `as` has taken its traceback: when it is raised again, it is not the same. */
			if (coro_equal(activation->outcome, match) && name_after_as(clause->head + 1)) {
				changed[changed_count++] = match;
			}
		} else if (flow == BREAK || flow == CONTINUE || flow == RETURN)
			return flow;
	}
	/* Alone it goes on as it is. */
	if (count == 1 && coro_is_none(rest))
		changed_count = 0;
	for (size_t i = 0; i < changed_count; i++) {
		cause[i] = coro_cause(changed[i]);
		coro_raise_from(changed[i], changed[i]);
	}
	rest = coro_group_merge(exception, raised, count, rest);
	while (changed_count--)
		coro_raise_from(changed[changed_count], cause[changed_count]);
	return coro_is_none(rest) ? GO_ON : raise_in(activation, rest);
}

static enum flow run_clauses(struct activation *activation, const struct node *node)
{
	enum flow flow = run_block(activation, &node->clauses->block);
	coro_value exception = activation->outcome;

	for (const struct clause *clause = node->clauses->next; clause; clause = clause->next) {
		const char *word = clause->head[0];

		if (flow == GO_ON && !strcmp(word, "else"))
			return run_block(activation, &clause->block);
		if (flow == RAISE && !strcmp(word, "except") && matches(exception, clause->head + 1))
			return run_except(activation, clause, exception);
		if (flow == RAISE && !strcmp(word, "exceptstar"))
			return run_except_star(activation, clause, exception);
	}
	return flow;
}

static enum flow run_try(struct activation *activation, const struct node *node)
{
	enum flow flow = run_clauses(activation, node), last;
	coro_value outcome = activation->outcome;

	for (const struct clause *clause = node->clauses; clause; clause = clause->next) {
		if (strcmp(clause->head[0], "finally"))
			continue;
		say(activation->label, "finally");
		last = flow == RAISE ? run_handling(activation, &clause->block, outcome)
							 : run_block(activation, &clause->block);
		if (last != GO_ON)
			return last;
		activation->outcome = outcome;
	}
	return flow;
}

const struct operation control_operations[] = {
	{"pass", run_pass},         {"log", run_log},       {"set", run_set},
	{"list", run_list},         {"return", run_return}, {"break", run_break},
	{"continue", run_continue}, {"raise", run_raise},   {"reraise", run_reraise},
	{"exc", run_exc},           {"chain", run_chain},   {"raise_group", run_raise_group},
	{"loop", run_loop},         {"while", run_while},   {"if", run_if},
	{"try", run_try},           {"invoke", run_invoke}, {NULL, NULL},
};
