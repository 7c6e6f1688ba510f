/*
 * with_blocks.c - what the ends of sections see and do. with_blocks.py is the same in Python, and
 * both print the same lines. Here each case is done twice, by blocks and by calls, which must do
 * the same; where something is swallowed, by calls alone.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <coroscope/coro.h>

static const struct coro_exception_type SWALLOW[1] = {{"swallow", NULL}};

/* ---- The log ------------------------------------------------------------ */

static char texts[2][2048], *text = texts[0];

__attribute__((format(printf, 1, 2))) static void note(const char *format, ...)
{
	size_t length = strlen(text);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text + length, sizeof(texts[0]) - length, format, arguments);
	va_end(arguments);
}

static void note_value(const char *before, coro_value value, const char *after)
{
	char buffer[128];

	coro_format(coro_caught(value), buffer, sizeof(buffer));
	note("%s%s%s", before, buffer, after);
}

/* ---- Managers ----------------------------------------------------------- */

struct manager {
	const char *label;
	const struct coro_exception_type *at_enter, *at_exit;
};

static const struct manager a = {"a", NULL, NULL}, b = {"b", NULL, NULL},
							a_enters_badly = {"a", CORO_OSError, NULL},
							b_enters_badly = {"b", CORO_OSError, NULL},
							a_exits_badly = {"a", NULL, CORO_OSError},
							a_exits_otherwise = {"a", NULL, CORO_ValueError},
							b_exits_badly = {"b", NULL, CORO_OSError},
							a_swallows = {"a", NULL, SWALLOW}, b_swallows = {"b", NULL, SWALLOW};

static coro_value begin(void *object)
{
	const struct manager *manager = object;

	note("  enter %s\n", manager->label);
	if (manager->at_enter)
		return coro_raise(manager->at_enter, "enter of %s", manager->label);
	return CORO_NONE;
}

static coro_value end(void *object, coro_value raised)
{
	const struct manager *manager = object;

	note("  exit %s: ", manager->label);
	note_value("", raised, "\n");
	if (manager->at_exit == SWALLOW)
		return coro_bool(true);
	if (manager->at_exit)
		return coro_raise(manager->at_exit, "exit of %s", manager->label);
	return CORO_NONE;
}

static coro_value abegin(void *object)
{
	CORO_TRY(coro_sleep(0));
	return begin(object);
}

static coro_value aend(void *object, coro_value raised)
{
	CORO_TRY(coro_sleep(0));
	return end(object, raised);
}

static struct coro_context_manager with(const struct manager *manager)
{
	return (struct coro_context_manager){begin, end, (void *)(uintptr_t)manager};
}

static struct coro_async_context_manager awith(const struct manager *manager)
{
	return (struct coro_async_context_manager){abegin, aend, (void *)(uintptr_t)manager};
}

/* ---- Attempts ----------------------------------------------------------- */

struct what {
	const struct manager *outer, *inner;
	const struct coro_exception_type *raises, *child_raises;
	double delay;
	void *object;
	struct coro_async_context_manager manager;
	bool by_call;
};

static void note_outcome(coro_value result)
{
	bool first = true;

	if (!coro_raised(result)) {
		note_value("  returned ", result, "\n");
		return;
	}
	note("  raised ");
	for (coro_value error = coro_caught(result); !coro_is_none(error); first = false) {
		note_value(first ? "" : " <- ", error, "");
		if (!coro_is_none(coro_cause(error)))
			error = coro_cause(error);
		else
			error = coro_suppresses_context(error) ? CORO_NONE : coro_context(error);
	}
	note("\n");
}

static coro_value outcome(coro_value (*function)(const struct what *what), const struct what *what)
{
	coro_value result = function(what);

	note_outcome(result);
	coro_handled();
	return CORO_NONE;
}

static bool swallows(const struct what *what)
{
	return (what->outer && what->outer->at_exit == SWALLOW) ||
		   (what->inner && what->inner->at_exit == SWALLOW);
}

static void attempt_one(const char *title, coro_value (*function)(const struct what *what),
						struct what what)
{
	texts[0][0] = texts[1][0] = 0;
	what.by_call = true;
	text = texts[0];
	outcome(function, &what);
	if (!swallows(&what)) {
		what.by_call = false;
		text = texts[1];
		outcome(function, &what);
		if (strcmp(texts[0], texts[1])) {
			printf("by calls:\n%sby blocks:\n%s", texts[0], texts[1]);
			exit(1);
		}
	}
	printf("%s:\n%s", title, texts[0]);
}

#define attempt(title, function, ...) attempt_one(title, function, (struct what){__VA_ARGS__})

/* ---- with --------------------------------------------------------------- */

static const struct what *what_of(coro_value argument)
{
	return coro_as_ptr(argument);
}

static coro_value body(const struct coro_exception_type *raises)
{
	note("  body\n");
	if (raises)
		return coro_raise_value(raises, coro_str("body"));
	return coro_str("value");
}

static coro_value one_body(coro_value what)
{
	return body(what_of(what)->raises);
}

static coro_value one(const struct what *what)
{
	if (what->by_call)
		return coro_with(with(what->outer), one_body, coro_ptr(what));
	CORO_WITH (with(what->outer))
		CORO_RETURN(body(what->raises));
	return coro_str("not reached");
}

static coro_value inner_part(coro_value what)
{
	return coro_with(with(what_of(what)->inner), one_body, what);
}

static coro_value nested(const struct what *what)
{
	if (what->by_call)
		return coro_with(with(what->outer), inner_part, coro_ptr(what));
	CORO_WITH (with(what->outer)) {
		CORO_WITH (with(what->inner)) {
			coro_value value = CORO_TRY(body(what->raises));

			CORO_RETURN(value);
		}
	}
	return coro_str("not reached");
}

static coro_value ends(const struct what *what)
{
	if (what->by_call) {
		CORO_TRY(coro_with(with(what->outer), one_body, coro_ptr(what)));
	} else {
		CORO_WITH (with(what->outer))
			CORO_TRY(body(what->raises));
	}
	return coro_str("behind");
}

static coro_value breaks(const struct what *what)
{
	if (what->by_call)
		return ends(what);
	CORO_WITH (with(what->outer)) {
		CORO_TRY(body(what->raises));
		if (what)
			break;
		note("  not left\n");
	}
	return coro_str("behind");
}

static coro_value numbers(coro_value unused)
{
	coro_value result = coro_yield(coro_int(1));

	if (!coro_raised(result))
		result = coro_yield(coro_int(2));
	note("  numbers closed\n");
	return result;
}

static coro_value number_body(coro_value generator)
{
	coro_value number = CORO_TRY(coro_next((struct coro_generator *)coro_as_object(generator)));

	note_value("  number ", number, "\n");
	return body(CORO_KeyError);
}

static coro_value closing(const struct what *what)
{
	CORO_AUTO struct coro_generator *each = coro_generator(numbers, CORO_NONE);

	if (what->by_call)
		return coro_with(coro_closing(each), number_body, coro_object(each));
	CORO_WITH (coro_closing(each))
		CORO_TRY(number_body(coro_object(each)));
	return CORO_NONE;
}

static coro_value stubborn(coro_value unused)
{
	coro_value result = coro_yield(coro_int(1));

	return coro_is(result, CORO_GeneratorExit) ? coro_yield(coro_int(2)) : result;
}

static coro_value stubborn_body(coro_value generator)
{
	CORO_TRY(coro_next((struct coro_generator *)coro_as_object(generator)));
	return body(CORO_KeyError);
}

static coro_value closing_stubborn(const struct what *what)
{
	struct coro_generator *each = coro_generator(stubborn, CORO_NONE);
	coro_value result = coro_with(coro_closing(each), stubborn_body, coro_object(each));

	coro_keep(result);
	coro_close(each);
	coro_free(each);
	coro_drop(result);
	return result;
}

static void sync(void)
{
	attempt("plain", one, .outer = &a);
	attempt("enter raises", one, .outer = &a_enters_badly);
	attempt("body raises", one, .outer = &a, .raises = CORO_KeyError);
	attempt("exit raises", one, .outer = &a_exits_badly);
	attempt("both raise", one, .outer = &a_exits_badly, .raises = CORO_KeyError);
	attempt("swallowed", one, .outer = &a_swallows, .raises = CORO_KeyError);
	attempt("nothing to swallow", one, .outer = &a_swallows);
	attempt("nested", nested, .outer = &a, .inner = &b, .raises = CORO_KeyError);
	attempt("inner swallows", nested, .outer = &a, .inner = &b_swallows, .raises = CORO_KeyError);
	attempt("outer swallows", nested, .outer = &a_swallows, .inner = &b, .raises = CORO_KeyError);
	attempt("inner enter raises", nested, .outer = &a, .inner = &b_enters_badly);
	attempt("inner exit raises", nested, .outer = &a, .inner = &b_exits_badly,
			.raises = CORO_KeyError);
	attempt("both exits raise", nested, .outer = &a_exits_otherwise, .inner = &b_exits_badly,
			.raises = CORO_KeyError);
	attempt("end of block", ends, .outer = &a);
	attempt("exit raises at the end", ends, .outer = &a_exits_badly);
	attempt("break", breaks, .outer = &a);
	attempt("exit raises at break", breaks, .outer = &a_exits_badly);
	attempt("closing", closing, .outer = NULL);
	attempt("closing what will not", closing_stubborn, .outer = NULL);
}

/* ---- async with --------------------------------------------------------- */

static coro_value aone_body(coro_value what)
{
	CORO_TRY(coro_sleep(0));
	return body(what_of(what)->raises);
}

static coro_value aone(const struct what *what)
{
	if (what->by_call)
		return coro_async_with(awith(what->outer), aone_body, coro_ptr(what));
	CORO_ASYNC_WITH (awith(what->outer)) {
		CORO_TRY(coro_sleep(0));
		CORO_RETURN(body(what->raises));
	}
	return coro_str("not reached");
}

static coro_value ainner_part(coro_value what)
{
	return coro_async_with(awith(what_of(what)->inner), aone_body, what);
}

static coro_value anested(const struct what *what)
{
	if (what->by_call)
		return coro_async_with(awith(what->outer), ainner_part, coro_ptr(what));
	CORO_ASYNC_WITH (awith(what->outer))
		CORO_ASYNC_WITH (awith(what->inner)) {
			CORO_TRY(coro_sleep(0));
			CORO_RETURN(body(what->raises));
		}
	return coro_str("not reached");
}

static coro_value aends(const struct what *what)
{
	if (what->by_call) {
		CORO_TRY(coro_async_with(awith(what->outer), one_body, coro_ptr(what)));
	} else {
		CORO_ASYNC_WITH (awith(what->outer))
			CORO_TRY(body(what->raises));
	}
	return coro_str("behind");
}

static coro_value sleeps(coro_value seconds)
{
	CORO_TRY(coro_sleep(coro_as_float(seconds)));
	return coro_str("in time");
}

static coro_value late(const struct what *what)
{
	struct coro_timeout timeout = coro_timeout(what->delay);

	if (what->by_call)
		return coro_async_with(&timeout, sleeps, coro_int(1));
	CORO_ASYNC_WITH (&timeout) {
		CORO_TRY(coro_sleep(1));
		CORO_RETURN(coro_str("in time"));
	}
	return coro_str("not reached");
}

static coro_value late_inner(coro_value what)
{
	return coro_async_with(awith(what_of(what)->outer), sleeps, coro_int(1));
}

static coro_value late_with(const struct what *what)
{
	struct coro_timeout timeout = coro_timeout(what->delay);

	if (what->by_call)
		return coro_async_with(&timeout, late_inner, coro_ptr(what));
	CORO_ASYNC_WITH (&timeout) {
		CORO_ASYNC_WITH (awith(what->outer))
			CORO_TRY(coro_sleep(1));
	}
	return CORO_NONE;
}

struct child {
	const char *delay;
	const struct coro_exception_type *raises;
};

static coro_value child(coro_value argument)
{
	const struct child *child = coro_as_ptr(argument);
	coro_value slept = coro_sleep(atof(child->delay));

	if (coro_is(slept, CORO_CancelledError))
		note("  child %s cancelled\n", child->delay);
	CORO_TRY(slept);
	note("  child %s\n", child->delay);
	return child->raises ? coro_raise_value(child->raises, coro_str("child")) : CORO_NONE;
}

static struct child children[3];

static coro_value group_body(coro_value argument)
{
	const struct what *what = what_of(argument);
	struct coro_task_group *tasks = what->object;

	for (int i = 0; i < 3; i++)
		coro_task_group_spawn(tasks, child, coro_ptr(&children[i]), NULL);
	CORO_TRY(body(what->raises));
	return what->child_raises ? coro_sleep(5) : CORO_NONE;
}

static coro_value group(const struct what *what)
{
	struct coro_task_group *tasks = coro_task_group_new("tasks");
	struct what with_tasks = *what;
	coro_value result;

	children[0] = (struct child){"0.1", NULL};
	children[1] = (struct child){"0.2", what->child_raises};
	children[2] = (struct child){"0.3", NULL};
	with_tasks.object = tasks;
	result = coro_async_with(tasks, group_body, coro_ptr(&with_tasks));
	coro_keep(result);
	coro_task_group_free(tasks);
	coro_drop(result);
	return coro_raised(result) ? result : coro_str("all");
}

static coro_value group_in_block(const struct what *what, struct coro_task_group *tasks)
{
	CORO_ASYNC_WITH (tasks) {
		for (int i = 0; i < 3; i++)
			coro_task_group_spawn(tasks, child, coro_ptr(&children[i]), NULL);
		CORO_TRY(body(what->raises));
		if (what->child_raises)
			CORO_TRY(coro_sleep(5));
	}
	return coro_str("all");
}

static coro_value group_either(const struct what *what)
{
	struct coro_task_group *tasks;
	coro_value result;

	if (what->by_call)
		return group(what);
	tasks = coro_task_group_new("tasks");
	result = coro_keep(group_in_block(what, tasks));
	coro_task_group_free(tasks);
	coro_drop(result);
	return result;
}

static coro_value holds(const struct what *what)
{
	if (what->by_call)
		return coro_async_with(what->manager, one_body, coro_ptr(what));
	CORO_ASYNC_WITH (what->manager)
		CORO_RETURN(body(what->raises));
	return coro_str("not reached");
}

static coro_value anumbers(coro_value unused)
{
	coro_value result = coro_yield(coro_int(1));

	if (!coro_raised(result))
		result = coro_yield(coro_int(2));
	CORO_TRY(coro_sleep(0));
	note("  numbers closed\n");
	return result;
}

static coro_value anumber_body(coro_value generator)
{
	coro_value number = CORO_TRY(coro_anext((struct coro_generator *)coro_as_object(generator)));

	note_value("  number ", number, "\n");
	return body(CORO_KeyError);
}

static coro_value aclosing(const struct what *what)
{
	CORO_AUTO struct coro_generator *each = coro_async_generator(anumbers, CORO_NONE);

	if (what->by_call)
		return coro_async_with(coro_aclosing(each), anumber_body, coro_object(each));
	CORO_ASYNC_WITH (coro_aclosing(each))
		CORO_TRY(anumber_body(coro_object(each)));
	return CORO_NONE;
}

static coro_value aone_task(coro_value what)
{
	return aone(what_of(what));
}

static coro_value cancelled(const struct what *what)
{
	struct coro_task *task = coro_spawn(aone_task, coro_ptr(what), NULL);
	coro_value result;

	CORO_TRY(coro_sleep(0));
	CORO_TRY(coro_sleep(0));
	coro_task_cancel(task, "stop");
	result = coro_keep(coro_await(task));
	coro_task_free(task);
	coro_drop(result);
	return result;
}

static void print_locked(bool locked)
{
	printf("%s\n", locked ? "True" : "False");
}

static coro_value amain(coro_value unused)
{
	struct coro_lock *lock = coro_lock_new("lock");
	struct coro_condition *condition = coro_condition_new(NULL, "condition");
	struct coro_semaphore *semaphore = coro_bounded_semaphore_new(1, "semaphore");

	attempt("plain", aone, .outer = &a);
	attempt("enter raises", aone, .outer = &a_enters_badly);
	attempt("body raises", aone, .outer = &a, .raises = CORO_KeyError);
	attempt("both raise", aone, .outer = &a_exits_badly, .raises = CORO_KeyError);
	attempt("swallowed", aone, .outer = &a_swallows, .raises = CORO_KeyError);
	attempt("nested", anested, .outer = &a_exits_otherwise, .inner = &b, .raises = CORO_KeyError);
	attempt("exit raises at the end", aends, .outer = &a_exits_badly);
	attempt("in time", late, .delay = 5);
	attempt("too late", late, .delay = 0.5);
	attempt("too late within", late_with, .outer = &a, .delay = 0.5);
	attempt("too late, and an exit that raises", late_with, .outer = &a_exits_badly, .delay = 0.5);
	attempt("too late, and swallowed", late_with, .outer = &a_swallows, .delay = 0.5);
	attempt("group", group_either, .outer = NULL);
	attempt("group, the body raises", group_either, .raises = CORO_KeyError);
	attempt("group, a child raises", group_either, .child_raises = CORO_ValueError);
	attempt("lock", holds, .manager = coro_lock_manager(lock));
	attempt("lock, the body raises", holds, .raises = CORO_KeyError,
			.manager = coro_lock_manager(lock));
	print_locked(coro_lock_locked(lock));
	attempt("condition", holds, .raises = CORO_KeyError,
			.manager = coro_condition_manager(condition));
	print_locked(coro_lock_locked(coro_condition_lock(condition)));
	attempt("semaphore", holds, .raises = CORO_KeyError,
			.manager = coro_semaphore_manager(semaphore));
	print_locked(coro_semaphore_locked(semaphore));
	attempt("aclosing", aclosing, .outer = NULL);
	attempt("cancelled", cancelled, .outer = &a);
	coro_lock_free(lock);
	coro_condition_free(condition);
	coro_semaphore_free(semaphore);
	return CORO_NONE;
}

int main(void)
{
	printf("-- with\n");
	sync();
	printf("-- async with\n");
	return coro_run(amain, CORO_NONE);
}
