/*
 * tasks.c - operations of the loop: time, tasks, futures, callbacks.
 *
 * Times of a scenario are milliseconds, those of the runtime seconds.
 */
#include <string.h>
#include "scenario.h"

static double seconds(coro_value value)
{
	return (double)coro_as_int(value) / 1000;
}

static void free_future(void *future)
{
	coro_future_free(future);
}

/* ---- Time -------------------------------------------------------------- */

/* Tasks of `spawn`. Those that at the end of the run have given way, and that no variable holds,
 * CPython frees when the loop lets go of its ready queue, while the log goes on. */
struct loose {
	const char *name;
	struct coro_generator *coroutine;
	struct coro_task *task;
	int gave_way; /* when it did so last; 0: it does not right now */
	struct loose *next;
};
static struct loose *loose_tasks, **last_loose = &loose_tasks;
bool loop_closed;

static struct loose *new_loose(const char *name, struct coro_generator *coroutine)
{
	struct loose *loose = keep_memory(sizeof(*loose));

	loose->name = name;
	loose->coroutine = coroutine;
	*last_loose = loose;
	last_loose = &loose->next;
	return loose;
}

void gives_way(bool now)
{
	static int times;
	struct coro_task *task = coro_task_current();

	for (struct loose *loose = loose_tasks; task && loose; loose = loose->next)
		if (!strcmp(loose->name, coro_task_name(task)))
			loose->gave_way = now ? ++times : 0;
}

void forget_loose(const void *task)
{
	for (struct loose *loose = loose_tasks; loose; loose = loose->next)
		if (loose->task == task)
			loose->task = NULL;
}

static bool is_loose(const struct loose *loose)
{
	return loose->gave_way && loose->task && !coro_task_done(loose->task) &&
		   !is_held(coro_object(loose->task));
}

void close_loose_tasks(void)
{
	loop_closed = true;
	for (;;) {
		struct loose *first = NULL;
		coro_value result;

		for (struct loose *loose = loose_tasks; loose; loose = loose->next)
			if ((!first || loose->gave_way < first->gave_way) && is_loose(loose))
				first = loose;
		if (!first)
			return;
		result = coro_close(first->coroutine);
		first->task = NULL;
		if (coro_raised(result))
			say_late("unraisable", show_error(keep_error(result)));
		coro_handled();
	}
}

static enum flow run_sleep(struct activation *activation, const struct node *node)
{
	coro_value time = atom(activation, node->args[0]), result, value = CORO_NONE;

	begins(activation, describe(activation, node, 1));
	if (node->arg_count > 1)
		value = atom(activation, node->args[1]);
	gives_way(coro_as_int(time) <= 0);
	result = coro_sleep(seconds(time));
	gives_way(false);
	return finished(activation, node, describe(activation, node, 1),
					coro_raised(result) ? result : value);
}

static enum flow run_busy(struct activation *activation, const struct node *node)
{
	if (!loop_closed)
		coro_loop_advance(the_loop, seconds(atom(activation, node->args[0])));
	return GO_ON;
}

static enum flow run_time(struct activation *activation, const struct node *node)
{
	say(activation->label, format("time %d", milliseconds()));
	return GO_ON;
}

/* ---- Tasks ------------------------------------------------------------- */

static const struct naming *namings;
static int task_count = 1; /* main */

void naming_begin(struct naming *naming, const char *name)
{
	*naming = (struct naming){name, ++task_count, namings};
	namings = naming;
}

void naming_end(const struct naming *naming, bool spawned)
{
	namings = naming->outer;
	task_count -= !spawned;
}

void count_task(void)
{
	task_count++;
}

int number_of(const char *name)
{
	for (const struct naming *naming = namings; naming; naming = naming->outer)
		if (!strcmp(naming->name, name))
			return naming->number;
	return 0;
}

void count_tasks(const coro_value *values, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		bool step = is_step(values[i]);

		task_count += step || is_object(values[i], CORO_OBJECT_COROUTINE);
		if (step)
			keep_step(coro_as_ptr(values[i]));
	}
}

/* The run is over: all that is left is the cleanup of what never ended. */
static enum flow loop_is_closed(struct activation *activation)
{
	return raise_in(activation, coro_raise(CORO_RuntimeError, "Event loop is closed"));
}

static enum flow run_spawn(struct activation *activation, const struct node *node)
{
	const struct function *function = find_function(node->args[1]);
	const char *name = label(node->args[0]);
	struct call *call = new_call(activation, function, name, node->args + 2);
	struct coro_generator *coroutine = coro_coroutine_named(run_call, coro_ptr(call), name, NULL);
	struct naming naming;
	struct loose *loose;
	struct coro_task *task;

	if (loop_closed) {
		coro_free(coroutine);
		return loop_is_closed(activation);
	}
	naming_begin(&naming, name);
	loose = new_loose(name, coroutine);
	task = coro_spawn_coroutine(coroutine, name);
	loose->task = task;
	naming_end(&naming, true);
	returned(activation, CORO_NONE);
	if (!task)
		return raise_in(activation, out_of_memory());
	own_handle(task, free_task);
	set(activation, node->args[0], coro_object(task));
	say(activation->label, format("spawned %s", show(coro_object(task))));
	return GO_ON;
}

static enum flow run_self(struct activation *activation, const struct node *node)
{
	store(activation, node->target, coro_object(coro_task_current()));
	return GO_ON;
}

/* A synchronous operation on one object. */
static enum flow on_object(struct activation *activation, const struct node *node, unsigned kind,
						   coro_value (*operation)(struct activation *activation,
												   const struct node *node, void *handle))
{
	coro_value result = CORO_NONE;
	void *handle = handle_of(atom(activation, node->args[0]), kind, node->word, &result);

	if (handle)
		result = operation(activation, node, handle);
	return finished(activation, node, describe(activation, node, 1), result);
}

static coro_value do_cancel(struct activation *activation, const struct node *node, void *future)
{
	const char *message = NULL;

	if (node->arg_count > 1) {
		coro_value text = atom(activation, node->args[1]);

		message = format("%.*s", (int)coro_length(text), coro_as_str(text));
	}
	return coro_bool(coro_future_cancel(future, message));
}

static enum flow run_cancel(struct activation *activation, const struct node *node)
{
	return on_object(activation, node, CORO_OBJECT_FUTURE, do_cancel);
}

static coro_value do_uncancel(struct activation *activation, const struct node *node, void *task)
{
	return coro_int(coro_task_uncancel(task));
}

static enum flow run_uncancel(struct activation *activation, const struct node *node)
{
	return on_object(activation, node, CORO_OBJECT_TASK, do_uncancel);
}

static coro_value do_cancelling(struct activation *activation, const struct node *node, void *task)
{
	return coro_int(coro_task_cancelling(task));
}

static enum flow run_cancelling(struct activation *activation, const struct node *node)
{
	return on_object(activation, node, CORO_OBJECT_TASK, do_cancelling);
}

static coro_value do_done(struct activation *activation, const struct node *node, void *future)
{
	return coro_bool(coro_future_done(future));
}

static enum flow run_done(struct activation *activation, const struct node *node)
{
	return on_object(activation, node, CORO_OBJECT_FUTURE, do_done);
}

static coro_value do_cancelled(struct activation *activation, const struct node *node, void *future)
{
	return coro_bool(coro_future_cancelled(future));
}

static enum flow run_cancelled(struct activation *activation, const struct node *node)
{
	return on_object(activation, node, CORO_OBJECT_FUTURE, do_cancelled);
}

static coro_value do_result(struct activation *activation, const struct node *node, void *future)
{
	return coro_future_result(future);
}

static enum flow run_result(struct activation *activation, const struct node *node)
{
	return on_object(activation, node, CORO_OBJECT_FUTURE, do_result);
}

static coro_value do_exception(struct activation *activation, const struct node *node, void *future)
{
	return coro_future_exception(future);
}

static enum flow run_exception(struct activation *activation, const struct node *node)
{
	return on_object(activation, node, CORO_OBJECT_FUTURE, do_exception);
}

/* ---- Futures ----------------------------------------------------------- */

static enum flow run_future(struct activation *activation, const struct node *node)
{
	struct coro_future *future = coro_future_new(CORO_REASON_NONE, NULL);

	if (!future)
		return raise_in(activation, out_of_memory());
	set_label(future, label(node->args[0]));
	own_handle(future, free_future);
	set(activation, node->args[0], coro_object(future));
	return GO_ON;
}

static enum flow run_set_result(struct activation *activation, const struct node *node)
{
	coro_value value = expression(activation, node->args + 1), result = CORO_NONE;
	struct coro_future *future =
		handle_of(atom(activation, node->args[0]), CORO_OBJECT_FUTURE, node->word, &result);

	if (future)
		result = coro_raised(value) ? value : coro_future_set_result(future, value);
	return finished(activation, node, describe(activation, node, 1), result);
}

static enum flow run_set_exception(struct activation *activation, const struct node *node)
{
	coro_value exception = exception_of(activation, node->args + 1), result = CORO_NONE;
	struct coro_future *future;

	if (coro_raised(exception))
		return raise_in(activation, exception);
	future = handle_of(atom(activation, node->args[0]), CORO_OBJECT_FUTURE, node->word, &result);
	if (future)
		result = coro_future_set_exception(future, exception);
	return finished(activation, node, describe(activation, node, 1), result);
}

struct tag {
	const char *text;
	struct coro_future *future;
};

static coro_value tell_done(coro_value argument)
{
	const struct tag *tag = coro_as_ptr(argument);
	coro_value outcome = as_list(keep_error(coro_future_peek(tag->future)));
	const char *text = coro_future_cancelled(tag->future) ? "cancelled"
					   : coro_raised(outcome)             ? format("raise %s", show_error(outcome))
														  : format("= %s", show(outcome));

	say("loop", format("callback %s %s %s", tag->text, show(coro_object(tag->future)), text));
	return CORO_NONE;
}

static enum flow run_on_done(struct activation *activation, const struct node *node)
{
	coro_value error = CORO_NONE;
	struct tag *tag = keep_memory(sizeof(*tag));
	coro_value value = atom(activation, node->args[0]);

	tag->future = handle_of(value, CORO_OBJECT_FUTURE, "add_done_callback", &error);
	if (!tag->future)
		return raise_in(activation, error);
	tag->text = node->args[1];
	if (*tag->text == '"')
		tag->text = format("%.*s", (int)strlen(tag->text) - 2, tag->text + 1);
	error = coro_future_add_done_callback(tag->future, tell_done, coro_ptr(tag));
	return coro_raised(error) ? raise_in(activation, error) : GO_ON;
}

/* ---- Callbacks --------------------------------------------------------- */

static enum flow keep_handle(struct activation *activation, const struct node *node,
							 struct coro_handle handle, const char *type)
{
	struct coro_handle *kept = keep_memory(sizeof(*kept));

	if (!handle.memory)
		return raise_in(activation, out_of_memory());
	*kept = handle;
	store(activation, node->target, coro_typed_ptr(kept, type));
	return GO_ON;
}

static coro_value call_of(struct activation *activation, char **words)
{
	return coro_ptr(new_call(activation, find_function(words[0]), words[0], words + 1));
}

static enum flow run_call_soon(struct activation *activation, const struct node *node)
{
	if (loop_closed)
		return loop_is_closed(activation);
	return keep_handle(activation, node,
					   coro_loop_call_soon(the_loop, run_call, call_of(activation, node->args)),
					   handle_type);
}

static enum flow run_call_later(struct activation *activation, const struct node *node)
{
	double time = seconds(atom(activation, node->args[0]));
	coro_value call = call_of(activation, node->args + 1);

	if (loop_closed)
		return loop_is_closed(activation);
	return keep_handle(activation, node, coro_loop_call_later(the_loop, time, run_call, call),
					   timer_handle_type);
}

static enum flow run_call_at(struct activation *activation, const struct node *node)
{
	double time = seconds(atom(activation, node->args[0]));
	coro_value call = call_of(activation, node->args + 1);

	if (loop_closed)
		return loop_is_closed(activation);
	return keep_handle(activation, node, coro_loop_call_at(the_loop, time, run_call, call),
					   timer_handle_type);
}

static enum flow run_cancel_handle(struct activation *activation, const struct node *node)
{
	coro_value handle = atom(activation, node->args[0]);

	if (!is_type(handle, handle_type) && !is_type(handle, timer_handle_type))
		return raise_in(activation,
						coro_raise(CORO_AttributeError, "'%s' object has no attribute 'cancel'",
								   coro_type_name(handle)));
	coro_handle_cancel(*(struct coro_handle *)coro_as_ptr(handle));
	return GO_ON;
}

/* ---- gather ------------------------------------------------------------ */

/* The atoms from argument `first` on. */
static size_t atoms(struct activation *activation, const struct node *node, int first,
					coro_value *ret_values)
{
	size_t count = 0;

	for (int i = first; i < node->arg_count && count < 32; i++)
		ret_values[count++] = atom(activation, node->args[i]);
	return count;
}

static enum flow run_gather(struct activation *activation, const struct node *node)
{
	bool exceptions = node->arg_count && !strcmp(node->args[0], "rex");
	coro_value values[32], results[32], result;
	size_t count = atoms(activation, node, exceptions, values);

	begins(activation, "gather");
	count_tasks(values, count);
	result = coro_gather(values, count, exceptions, results);
	if (!coro_raised(result)) {
		struct coro_results all = {count, results};

		result = as_list(coro_typed_ptr(&all, "list"));
	}
	return finished(activation, node, "gather", result);
}

static enum flow run_make_gather(struct activation *activation, const struct node *node)
{
	bool exceptions = node->arg_count && !strcmp(node->args[0], "rex");
	coro_value values[32];
	size_t count = atoms(activation, node, exceptions, values);
	struct coro_future *future;

	for (size_t i = 0; i < count; i++)
		if (!can_be_awaited(values[i]))
			return raise_in(activation, coro_raise(CORO_TypeError, "An asyncio.Future, a coroutine "
																   "or an awaitable is required"));
	count_tasks(values, count);
	future = coro_gather_future(values, count, exceptions);
	returned(activation, CORO_NONE);
	if (!future)
		return raise_in(activation, out_of_memory());
	set_label(future, label("gather"));
	own_handle(future, free_future);
	store(activation, node->target, coro_object(future));
	return GO_ON;
}

const struct operation task_operations[] = {
	{"sleep", run_sleep},
	{"busy", run_busy},
	{"time", run_time},
	{"spawn", run_spawn},
	{"self", run_self},
	{"cancel", run_cancel},
	{"uncancel", run_uncancel},
	{"cancelling", run_cancelling},
	{"done", run_done},
	{"cancelled", run_cancelled},
	{"result", run_result},
	{"exception", run_exception},
	{"future", run_future},
	{"set_result", run_set_result},
	{"set_exception", run_set_exception},
	{"on_done", run_on_done},
	{"call_soon", run_call_soon},
	{"call_later", run_call_later},
	{"call_at", run_call_at},
	{"cancel_handle", run_cancel_handle},
	{"gather", run_gather},
	{"mk_gather", run_make_gather},
	{NULL, NULL},
};
