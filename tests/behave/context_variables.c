/*
 * context_variables.c - who sees which value of a context variable. context_variables.py is the
 * same in Python, and both print the same lines.
 */
#include <stdio.h>
#include <string.h>
#include <coroscope/coro.h>

static CORO_CONTEXT_VARIABLE(name);
static CORO_CONTEXT_VARIABLE_DEFAULT(depth, INT, 0);

static const char *repr(coro_value value)
{
	static char texts[4][64];
	static unsigned next;
	char *text = texts[next++ % 4];

	coro_format(value, text, sizeof(texts[0]));
	return text;
}

static coro_value show(coro_value where)
{
	printf("%s: name=%s depth=%s\n", coro_as_str(where),
		   repr(coro_context_variable_get_or(name, CORO_NONE)),
		   repr(coro_context_variable_get(depth)));
	return CORO_NONE;
}

static void show_at(const char *where)
{
	show(coro_str(where));
}

/* Without the numbers of contexts: Python has addresses there. */
static void attempt(const char *what, coro_value result)
{
	const char *text, *number;

	if (!coro_raised(result)) {
		printf("%s: %s\n", what, repr(result));
		return;
	}
	text = coro_message(result);
	number = strstr(text, " #");
	if (number)
		printf("%s: %s: %.*s%s\n", what, coro_exception_type(result)->name, (int)(number - text),
			   text, strchr(number, '>'));
	else
		printf("%s: %s: %s\n", what, coro_exception_type(result)->name, text);
}

static coro_value set(struct coro_context_variable *variable, coro_value value)
{
	return coro_context_variable_set(variable, value, NULL);
}

static coro_value set_name(coro_value value)
{
	return set(name, value);
}

static coro_value get_name(coro_value unused)
{
	return coro_context_variable_get(name);
}

static coro_value reset_name(coro_value token)
{
	return coro_context_variable_reset(name, coro_as_ptr(token));
}

/* ---- Variables and tokens ---------------------------------------------- */

static coro_value variables(coro_value unused)
{
	struct coro_context_token token, second;
	struct coro_context *copy;

	attempt("get unset", coro_context_variable_get(name));
	attempt("get with default", coro_context_variable_get_or(name, coro_str("other")));
	attempt("get default of its own", coro_context_variable_get(depth));
	attempt("get with a default that goes first", coro_context_variable_get_or(depth, coro_int(7)));
	coro_context_variable_set(name, coro_str("first"), &token);
	coro_context_variable_set(name, coro_str("second"), &second);
	attempt("get", coro_context_variable_get(name));
	attempt("reset of another", coro_context_variable_reset(depth, &token));
	copy = coro_copy_context();
	attempt("reset in another context", coro_context_run(copy, reset_name, coro_ptr(&token)));
	coro_context_free(copy);
	attempt("reset", coro_context_variable_reset(name, &second));
	attempt("get", coro_context_variable_get(name));
	attempt("reset twice", coro_context_variable_reset(name, &second));
	attempt("reset twice, of another", coro_context_variable_reset(depth, &second));
	attempt("reset", coro_context_variable_reset(name, &token));
	attempt("get", coro_context_variable_get(name));
	coro_context_variable_set(depth, coro_int(1), &token);
	attempt("reset", coro_context_variable_reset(depth, &token));
	attempt("reset again", coro_context_variable_reset(depth, &token));
	return CORO_NONE;
}

/* ---- Contexts ---------------------------------------------------------- */

static struct coro_context *copy, *other;

static coro_value inside(coro_value value)
{
	coro_value before = coro_context_variable_get_or(name, CORO_NONE);

	set(name, value);
	return before;
}

static coro_value run_copy(coro_value where)
{
	return coro_context_run(copy, show, where);
}

static coro_value run_copy_in_other(coro_value where)
{
	return coro_context_run(other, run_copy, where);
}

static coro_value run_other(coro_value where)
{
	return coro_context_run(other, show, where);
}

static coro_value fails(coro_value unused)
{
	set(name, coro_str("failed"));
	return coro_raise_value(CORO_KeyError, coro_str("left"));
}

static coro_value set_token(coro_value token)
{
	return coro_context_variable_set(name, coro_str("token"), coro_as_ptr(token));
}

static coro_value contexts(coro_value unused)
{
	struct coro_context *empty = coro_context_new(), *twin;
	struct coro_context_token token;

	set(name, coro_str("outer"));
	copy = coro_copy_context();
	attempt("run", coro_context_run(copy, inside, coro_str("inner")));
	attempt("run again", coro_context_run(copy, inside, coro_str("more")));
	show_at("outside of run");
	printf("in it: %s %s %s %s %zu\n", repr(coro_context_get(copy, name, CORO_NONE)),
		   repr(coro_bool(coro_context_contains(copy, name))),
		   repr(coro_bool(coro_context_contains(copy, depth))),
		   coro_as_str(coro_context_get(copy, depth, coro_str("none"))), coro_context_length(copy));
	attempt("run in an empty one", coro_context_run(empty, inside, coro_str("filled")));
	twin = coro_context_copy(empty);
	attempt("run in its copy", coro_context_run(twin, inside, coro_str("copied")));
	printf("both: %s %s\n", repr(coro_context_get(empty, name, CORO_NONE)),
		   repr(coro_context_get(twin, name, CORO_NONE)));
	attempt("itself within", coro_context_run(copy, run_copy, coro_str("never")));
	other = coro_context_copy(copy);
	attempt("below another", coro_context_run(copy, run_copy_in_other, coro_str("never")));
	attempt("others within", coro_context_run(copy, run_other, coro_str("innermost")));
	attempt("and again after that", coro_context_run(copy, show, coro_str("after")));
	attempt("an error leaves it", coro_context_run(copy, fails, CORO_NONE));
	attempt("what it had set stays", coro_context_run(copy, get_name, CORO_NONE));
	coro_context_run(copy, set_token, coro_ptr(&token));
	attempt("token of another run", coro_context_variable_reset(name, &token));
	show_at("at the end");
	coro_context_free(copy);
	coro_context_free(other);
	coro_context_free(empty);
	coro_context_free(twin);
	return CORO_NONE;
}

/* ---- Generators -------------------------------------------------------- */

static coro_value numbers(coro_value unused)
{
	show_at("generator begins");
	set(name, coro_str("generator"));
	CORO_TRY(coro_yield(coro_int(1)));
	show_at("generator goes on");
	return coro_yield(coro_int(2));
}

static coro_value next_of(coro_value generator)
{
	return coro_next((struct coro_generator *)coro_as_object(generator));
}

static coro_value generators(coro_value unused)
{
	struct coro_generator *each = coro_generator(numbers, CORO_NONE);
	struct coro_context *one;

	set(name, coro_str("caller"));
	coro_next(each);
	show_at("after next");
	set(name, coro_str("changed"));
	one = coro_copy_context();
	coro_context_run(one, next_of, coro_object(each));
	show_at("after next in a copy");
	coro_close(each);
	coro_free(each);
	coro_context_free(one);
	return CORO_NONE;
}

/* ---- Tasks ------------------------------------------------------------- */

static coro_value child(coro_value label)
{
	char text[64];

	snprintf(text, sizeof(text), "%s begins", coro_as_str(label));
	show_at(text);
	set(name, label);
	CORO_TRY(coro_sleep(0));
	snprintf(text, sizeof(text), "%s ends", coro_as_str(label));
	show_at(text);
	return CORO_NONE;
}

static struct coro_task *spawn_child(const char *label)
{
	return coro_spawn(child, coro_str(label), NULL);
}

static coro_value awaited(coro_value unused)
{
	show_at("awaited begins");
	set(name, coro_str("awaited"));
	CORO_TRY(coro_sleep(0));
	set(depth, coro_int(5));
	return CORO_NONE;
}

static coro_value items(coro_value unused)
{
	coro_value result;

	show_at("async generator begins");
	set(name, coro_str("async generator"));
	CORO_TRY(coro_yield(coro_int(1)));
	CORO_TRY(coro_sleep(0));
	show_at("async generator goes on");
	result = coro_yield(coro_int(2));
	show_at("async generator ends");
	return coro_raised(result) ? result : CORO_NONE;
}

static coro_value done(coro_value where)
{
	return show(where);
}

static coro_value tasks(coro_value unused)
{
	struct coro_loop *loop = coro_loop_current();
	struct coro_task *first, *second, *task;
	struct coro_generator *each;
	struct coro_task_group *group;
	struct coro_context *shared, *its;
	coro_value both[2], item;

	set(name, coro_str("main"));
	first = spawn_child("first");
	set(name, coro_str("main later"));
	second = spawn_child("second");
	CORO_TRY(coro_await(first));
	CORO_TRY(coro_await(second));
	coro_task_free(first);
	coro_task_free(second);
	show_at("main after tasks");
	CORO_TRY(CORO_CALL(awaited, CORO_NONE));
	show_at("main after awaited");
	both[0] = coro_object(coro_coroutine(child, coro_str("left")));
	both[1] = coro_object(coro_coroutine(child, coro_str("right")));
	CORO_TRY(coro_gather(both, 2, false, NULL));
	show_at("main after gather");
	CORO_TRY(coro_wait_for(coro_coroutine(awaited, CORO_NONE), 5));
	show_at("main after wait_for");
	CORO_TRY(coro_shield(coro_coroutine(child, coro_str("shielded"))));
	each = coro_async_generator(items, CORO_NONE);
	while (coro_async_iterate(each, &item)) {
		char text[32];

		snprintf(text, sizeof(text), "item %d", (int)coro_as_int(item));
		show_at(text);
		set(name, coro_str("consumer"));
	}
	coro_free(each);
	show_at("main after async for");
	group = coro_task_group_new("group");
	CORO_TRY(coro_task_group_enter(group));
	coro_task_group_spawn(group, child, coro_str("member"), NULL);
	shared = coro_copy_context();
	coro_task_group_spawn_in_context(group, child, coro_str("one of two"), NULL, shared);
	coro_task_group_spawn_in_context(group, child, coro_str("two of two"), NULL, shared);
	CORO_TRY(coro_task_group_exit(group, CORO_NONE));
	coro_task_group_free(group);
	show_at("main after group");
	printf("shared: %s\n", repr(coro_context_get(shared, name, CORO_NONE)));
	task = coro_spawn_in_context(child, coro_str("given"), NULL, shared);
	CORO_TRY(coro_await(task));
	its = coro_task_context(task);
	printf("shared: %s %s\n", repr(coro_context_get(shared, name, CORO_NONE)),
		   repr(coro_bool(its == shared)));
	coro_context_free(its);
	coro_task_add_done_callback(task, done, coro_str("done callback"));
	coro_task_add_done_callback_in_context(task, done, coro_str("done callback in shared"), shared);
	set(name, coro_str("main at callbacks"));
	coro_loop_call_soon(loop, show, coro_str("soon"));
	coro_loop_call_soon_in_context(loop, show, coro_str("soon in shared"), shared);
	coro_loop_call_soon(loop, set_name, coro_str("nobody sees it"));
	coro_loop_call_later(loop, 0.001, show, coro_str("later"));
	coro_loop_call_at(loop, coro_loop_time(loop) + 0.002, show, coro_str("at"));
	coro_loop_call_later_in_context(loop, 0.003, show, coro_str("later in shared"), shared);
	coro_loop_call_at_in_context(loop, coro_loop_time(loop) + 0.004, show, coro_str("at in shared"),
								 shared);
	coro_loop_call_later_in_context(loop, 0.005, set_name, coro_str("in shared"), shared);
	coro_loop_call_later_in_context(loop, 0.006, show, coro_str("after that in shared"), shared);
	set(name, coro_str("main after callbacks"));
	CORO_TRY(coro_sleep(0.1));
	show_at("main after sleep");
	coro_task_free(task);
	coro_context_free(shared);
	return CORO_NONE;
}

static coro_value callback(coro_value unused)
{
	set(name, coro_str("callback"));
	coro_task_free(spawn_child("of callback"));
	return CORO_NONE;
}

static coro_value eager(coro_value unused)
{
	struct coro_loop *loop = coro_loop_current();
	struct coro_task *task;

	set(name, coro_str("main"));
	coro_loop_set_eager(loop, true);
	task = spawn_child("eager");
	show_at("main after eager begin");
	CORO_TRY(coro_await(task));
	coro_task_free(task);
	coro_loop_set_eager(loop, false);
	show_at("main after eager");
	coro_loop_call_soon(loop, callback, CORO_NONE);
	return coro_sleep(0.01);
}

static coro_value dropped(coro_value unused)
{
	struct coro_generator *each = coro_async_generator(items, CORO_NONE);

	set(name, coro_str("dropper"));
	CORO_TRY(coro_anext(each));
	CORO_TRY(coro_anext(each));
	set(name, coro_str("at the drop"));
	coro_free(each);
	set(name, coro_str("after the drop"));
	return coro_sleep(0.01);
}

static coro_value look(coro_value unused)
{
	show_at("main task");
	return set(name, coro_str("main task"));
}

static void run_part(const char *part, coro_function *function)
{
	struct coro_context *context = coro_context_new();

	printf("-- %s\n", part);
	coro_context_run(context, function, CORO_NONE);
	coro_context_free(context);
}

int main(void)
{
	run_part("variables", variables);
	run_part("contexts", contexts);
	run_part("generators", generators);
	printf("-- tasks\n");
	coro_run(tasks, CORO_NONE);
	printf("-- eager\n");
	coro_run(eager, CORO_NONE);
	printf("-- dropped\n");
	coro_run(dropped, CORO_NONE);
	show_at("thread");
	set(name, coro_str("thread"));
	coro_run(look, CORO_NONE);
	show_at("thread");
	return 0;
}
