/*
 * groups.c - operations that wait for several, or not for too long: wait, shield, timeouts, groups.
 */
#include <string.h>
#include "scenario.h"

static double seconds(coro_value value)
{
	return coro_is_none(value) ? CORO_FOREVER : (double)coro_as_int(value) / 1000;
}

static void free_future(void *future)
{
	coro_future_free(future);
}

/* ---- wait, as_completed ------------------------------------------------ */

static coro_value done_and_pending(const coro_value *values, size_t count)
{
	coro_value both = new_list(2), part[2] = {new_list(count), new_list(count)};
	struct list *lists[2] = {coro_as_ptr(part[0]), coro_as_ptr(part[1])};

	lists[0]->count = lists[1]->count = 0;
	for (size_t i = 0; i < count; i++) {
		struct list *list =
			lists[!coro_future_done((struct coro_future *)coro_as_object(values[i]))];

		list->items[list->count++] = values[i];
	}
	((struct list *)coro_as_ptr(both))->items[0] = part[0];
	((struct list *)coro_as_ptr(both))->items[1] = part[1];
	return both;
}

static enum flow run_wait(struct activation *activation, const struct node *node)
{
	static const struct {
		const char *word, *name;
		enum coro_return_when when;
	} modes[] = {{"all", "wait ALL_COMPLETED", CORO_ALL_COMPLETED},
				 {"first", "wait FIRST_COMPLETED", CORO_FIRST_COMPLETED},
				 {"exc", "wait FIRST_EXCEPTION", CORO_FIRST_EXCEPTION}};
	double timeout = CORO_FOREVER;
	size_t mode = 0, count = 0;
	coro_value values[32], result;
	struct node silent = *node;
	int at = 1;

	while (mode < 2 && strcmp(modes[mode].word, node->args[0]))
		mode++;
	if (node->args[at] && !strcmp(node->args[at], "timeout")) {
		timeout = seconds(atom(activation, node->args[at + 1]));
		at += 2;
	}
	for (; at < node->arg_count && count < 32; at++)
		values[count++] = atom(activation, node->args[at]);
	begins(activation, modes[mode].name);
	result = coro_wait(values, count, modes[mode].when, timeout);
	if (!coro_raised(result))
		result = done_and_pending(values, count);
	silent.target = NULL;
	return finished(activation, &silent, modes[mode].name, result);
}

static void free_completion(void *completion)
{
	coro_as_completed_free(completion);
}

static enum flow run_as_completed(struct activation *activation, const struct node *node)
{
	struct coro_completion *completion;
	struct coro_generator *next;
	coro_value values[32];
	size_t count = 0;

	for (int i = 2; i < node->arg_count && count < 32; i++)
		values[count++] = atom(activation, node->args[i]);
	for (size_t i = 0; i < count; i++)
		if (!can_be_awaited(values[i]))
			return raise_in(activation, coro_raise(CORO_TypeError, "An asyncio.Future, a coroutine "
																   "or an awaitable is required"));
	count_tasks(values, count);
	completion = coro_as_completed(values, count, CORO_FOREVER);
	if (!completion)
		return raise_in(activation, out_of_memory());
	own_handle(completion, free_completion);
	while ((next = coro_as_completed_next(completion))) {
		enum flow flow;

		coro_hold(next);
		own_handle(next, free_late_body);
		set(activation, node->args[0], coro_object(next));
		flow = run_block(activation, &node->clauses->block);
		if (flow == BREAK)
			break;
		if (flow == RETURN || flow == RAISE)
			return flow;
	}
	if (!next && coro_as_completed_left(completion))
		return raise_in(activation, out_of_memory());
	return GO_ON;
}

/* ---- shield, wait_for -------------------------------------------------- */

static enum flow run_shield(struct activation *activation, const struct node *node)
{
	coro_value awaited = atom(activation, node->args[0]), result;

	begins(activation, describe(activation, node, 1));
	count_tasks(&awaited, 1);
	result = coro_shield(awaited);
	return finished(activation, node, describe(activation, node, 1), result);
}

static enum flow run_make_shield(struct activation *activation, const struct node *node)
{
	coro_value awaited = atom(activation, node->args[0]), error = CORO_NONE;
	struct coro_future *future;

	count_tasks(&awaited, 1);
	future = coro_shield_future(awaited, &error);

	returned(activation, CORO_NONE);
	if (!future)
		return raise_in(activation, error);
	set_label(future, label("shield"));
	/* Of what is done, it is that itself. */
	if (coro_equal(coro_object(future), awaited))
		coro_future_free(future);
	else
		own_handle(future, free_future);
	store(activation, node->target, coro_object(future));
	return GO_ON;
}

static enum flow run_wait_for(struct activation *activation, const struct node *node)
{
	coro_value time = atom(activation, node->args[0]), awaited = atom(activation, node->args[1]);
	coro_value result;

	begins(activation, describe(activation, node, 2));
	set(activation, "(awaited)", awaited);
	result = coro_wait_for(awaited, seconds(time));
	set(activation, "(awaited)", CORO_NONE);
	return finished(activation, node, describe(activation, node, 2), result);
}

/* ---- timeout ----------------------------------------------------------- */

static enum flow run_timeout(struct activation *activation, const struct node *node)
{
	struct coro_timeout *timeout = keep_memory(sizeof(*timeout));
	coro_value result;
	enum flow flow;

	say(activation->label, format("timeout enter %s", show(atom(activation, node->args[0]))));
	*timeout = coro_timeout(seconds(atom(activation, node->args[0])));
	result = returned(activation, coro_timeout_enter(timeout));
	if (coro_raised(result))
		return raise_in(activation, result);
	if (node->arg_count > 2)
		set(activation, node->args[2], coro_typed_ptr(timeout, timeout_type));
	flow = run_block(activation, &node->clauses->block);
	result = returned(activation,
					  coro_timeout_exit(timeout, flow == RAISE ? activation->outcome : CORO_NONE));
	if (coro_raised(result))
		return raise_in(activation, result);
	if (flow == GO_ON)
		say(activation->label, "timeout exit");
	return flow;
}

/* NULL with *ret_error raised. */
static struct coro_timeout *timeout_of(struct activation *activation, const struct node *node,
									   coro_value *ret_error)
{
	coro_value timeout = atom(activation, node->args[0]);

	if (is_type(timeout, timeout_type))
		return coro_as_ptr(timeout);
	*ret_error = coro_raise(CORO_AttributeError, "'%s' object has no attribute '%s'",
							coro_type_name(timeout), node->word);
	return NULL;
}

static enum flow run_reschedule(struct activation *activation, const struct node *node)
{
	double delay = seconds(atom(activation, node->args[1]));
	struct coro_timeout *timeout;
	coro_value result;

	if (loop_closed)
		return raise_in(activation, coro_raise(CORO_RuntimeError, "no running event loop"));
	timeout = timeout_of(activation, node, &result);
	if (timeout)
		result = coro_timeout_reschedule(timeout, coro_loop_time(the_loop) + delay);
	return coro_raised(result) ? raise_in(activation, result) : GO_ON;
}

static enum flow run_expired(struct activation *activation, const struct node *node)
{
	coro_value error;
	const struct coro_timeout *timeout = timeout_of(activation, node, &error);

	if (!timeout)
		return raise_in(activation, error);
	say(activation->label, format("expired %s", coro_timeout_expired(timeout) ? "True" : "False"));
	return GO_ON;
}

/* ---- taskgroup --------------------------------------------------------- */

static void free_group(void *group)
{
	coro_task_group_free(group);
}

static enum flow run_group(struct activation *activation, const struct node *node)
{
	struct coro_task_group *group = coro_task_group_new(node->args[0]);
	coro_value result;
	enum flow flow;

	if (!group)
		return raise_in(activation, out_of_memory());
	own_handle(group, free_group);
	say(activation->label, "taskgroup enter");
	result = coro_task_group_enter(group);
	if (coro_raised(result))
		return raise_in(activation, result);
	set(activation, node->args[0], coro_object(group));
	flow = run_block(activation, &node->clauses->block);
	if (flow == GO_ON)
		say(activation->label, "taskgroup body-end");
	if (flow == RAISE) {
		coro_value before = activation->handling;

		coro_handling(coro_caught(activation->outcome));
		result = coro_task_group_exit(group, activation->outcome);
		activation->handling = before;
	} else {
		coro_value outcome = activation->outcome;

		result = coro_task_group_exit(group, CORO_NONE);
		activation->outcome = outcome;
	}
	returned(activation, result);
	if (coro_raised(result))
		return raise_in(activation, result);
	if (flow == GO_ON)
		say(activation->label, "taskgroup exit");
	return flow;
}

static enum flow run_group_spawn(struct activation *activation, const struct node *node)
{
	const struct function *function = find_function(node->args[2]);
	struct node stored = *node;
	coro_value result = CORO_NONE;
	struct coro_task_group *group =
		handle_of(atom(activation, node->args[0]), CORO_OBJECT_GROUP, "create_task", &result);
	const char *name = label(node->args[1]);
	struct call *call = new_call(activation, function, name, node->args + 3);
	struct naming naming;

	naming_begin(&naming, name);
	if (group)
		result = coro_task_group_spawn_coroutine(
			group, coro_coroutine_named(run_call, coro_ptr(call), name, NULL), name);
	naming_end(&naming, !coro_raised(result));
	stored.target = node->args[1];
	return finished(activation, &stored, "tgspawn", result);
}

const struct operation group_operations[] = {
	{"wait", run_wait},
	{"as_completed", run_as_completed},
	{"shield", run_shield},
	{"mk_shield", run_make_shield},
	{"wait_for", run_wait_for},
	{"timeout", run_timeout},
	{"reschedule", run_reschedule},
	{"expired", run_expired},
	{"taskgroup", run_group},
	{"tgspawn", run_group_spawn},
	{NULL, NULL},
};
