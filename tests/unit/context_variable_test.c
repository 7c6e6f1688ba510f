/*
 * context_variable_test.c - context variables: PEP 567. What Python does too is compared with it in
 * tests/behave/context_variables.c; here is the rest.
 */
#include <stdlib.h>
#include "journal.h"

static CORO_CONTEXT_VARIABLE(name);
static CORO_CONTEXT_VARIABLE(other);
static CORO_CONTEXT_VARIABLE_DEFAULT(text, STR, "none");
static CORO_CONTEXT_VARIABLE_DEFAULT(half, FLOAT, 0.5);
static CORO_CONTEXT_VARIABLE_DEFAULT(yes, BOOL, true);

static struct coro_context *shared;

/* ---- Memory that runs out ----------------------------------------------- */

static size_t allocations, fail_at; /* 0: never */

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

void *__wrap_malloc(size_t size)
{
	return ++allocations == fail_at ? NULL : __real_malloc(size);
}

/* ---- Helpers ------------------------------------------------------------ */

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

/* Runs `function` where nothing that it sets is seen by other tests. */
static coro_value alone(coro_function *function)
{
	struct coro_context *context = coro_context_new();
	coro_value result = coro_context_run(context, function, CORO_NONE);

	coro_context_free(context);
	return result;
}

/* ---- Variables ---------------------------------------------------------- */

static void defaults_are_of_any_plain_kind(void **state)
{
	assert_string_equal(coro_as_str(coro_context_variable_get(text)), "none");
	assert_int_equal(coro_length(coro_context_variable_get(text)), 4);
	assert_true(coro_as_float(coro_context_variable_get(half)) == 0.5);
	assert_true(coro_as_bool(coro_context_variable_get(yes)));
}

static coro_value keep_an_exception(coro_value unused)
{
	struct coro_context_variable *made =
		coro_context_variable_new_default("made", coro_error(CORO_ValueError, "default"));

	set(name, coro_error(CORO_KeyError, "kept"));
	for (int i = 0; i < 20; i++)
		coro_raise(CORO_ValueError, "another");
	coro_handled();
	assert_string_equal(coro_message(coro_context_variable_get(name)), "kept");
	assert_false(coro_raised(coro_context_variable_get(name)));
	assert_string_equal(coro_message(coro_context_variable_get(made)), "default");
	assert_true(coro_is(set(name, coro_raise(CORO_OSError, "passed on")), CORO_OSError));
	assert_string_equal(coro_message(coro_context_variable_get(name)), "kept");
	set(name, CORO_NONE);
	coro_context_variable_free(made);
	return CORO_NONE;
}

static void an_exception_in_a_variable_is_kept_and_a_raised_one_is_passed_on(void **state)
{
	alone(keep_an_exception);
}

static coro_value outlive(coro_value unused)
{
	struct coro_context_variable *made = coro_context_variable_new("made"), *found;
	struct coro_context *copy;
	coro_value value;

	set(made, coro_int(1));
	copy = coro_copy_context();
	coro_context_variable_free(made);
	assert_true(coro_context_at(copy, 0, &found, &value));
	assert_ptr_equal(found, made);
	assert_string_equal(found->name, "made");
	assert_int_equal(coro_as_int(value), 1);
	coro_context_free(copy);
	return CORO_NONE;
}

static void a_made_variable_lives_as_long_as_a_context_has_a_value_for_it(void **state)
{
	alone(outlive);
}

/* ---- Contexts ----------------------------------------------------------- */

static coro_value look_at_items(coro_value unused)
{
	struct coro_context *before, *context;
	struct coro_context_variable *variable;
	struct coro_context_token token;
	coro_value value;

	set(other, coro_int(1));
	coro_context_variable_set(name, coro_int(2), &token);
	before = coro_copy_context();
	set(text, coro_int(3));
	set(other, coro_int(4));
	coro_context_variable_reset(name, &token);
	context = coro_copy_context();
	assert_int_equal(coro_context_length(before), 2);
	assert_int_equal(coro_context_length(context), 2);
	assert_true(coro_context_at(context, 0, &variable, &value));
	assert_ptr_equal(variable, other);
	assert_int_equal(coro_as_int(value), 4);
	assert_true(coro_context_at(context, 1, &variable, NULL));
	assert_ptr_equal(variable, text);
	assert_false(coro_context_at(context, 2, &variable, &value));
	assert_true(coro_context_at(before, 1, &variable, &value));
	assert_ptr_equal(variable, name);
	assert_int_equal(coro_as_int(value), 2);
	coro_context_free(before);
	coro_context_free(context);
	return CORO_NONE;
}

static void items_come_in_the_order_of_their_first_set_and_copies_keep_theirs(void **state)
{
	alone(look_at_items);
	assert_false(coro_context_at(shared = coro_context_new(), 0, NULL, NULL));
	coro_context_free(shared);
}

static coro_value set_many(coro_value unused)
{
	static struct coro_context_variable variables[40];
	struct coro_context *copies[40];

	for (int i = 0; i < 40; i++) {
		variables[i].name = "many";
		set(&variables[i], coro_int(i));
		copies[i] = coro_copy_context();
	}
	for (int i = 0; i < 40; i++) {
		assert_int_equal(coro_context_length(copies[i]), (size_t)i + 1);
		assert_int_equal(coro_as_int(coro_context_get(copies[i], &variables[i / 2], CORO_NONE)),
						 i / 2);
		assert_int_equal(coro_as_int(coro_context_variable_get(&variables[i])), i);
		coro_context_free(copies[i]);
	}
	return CORO_NONE;
}

static void many_variables_and_copies_do_not_disturb_each_other(void **state)
{
	alone(set_many);
}

static coro_value share_current(coro_value unused)
{
	struct coro_task *task;

	shared = coro_context_current();
	task = coro_spawn_in_context(set_name, coro_str("child"), NULL, shared);
	coro_context_free(shared);
	CORO_TRY(coro_await(task));
	coro_task_free(task);
	note_value("shared", coro_context_variable_get(name));
	return CORO_NONE;
}

static void tasks_share_the_current_context_when_they_are_given_it(void **state)
{
	run(share_current, CORO_NONE);
	assert_journal("shared 'child'; ");
}

static coro_value look_at_word(coro_value expected)
{
	assert_int_equal(*coro__context_place() != 0, coro_as_bool(expected));
	return CORO_NONE;
}

static coro_value spawn_and_look(coro_value unused)
{
	struct coro_task *task = coro_spawn(look_at_word, coro_bool(false), NULL);
	size_t before;

	CORO_TRY(coro_await(task));
	coro_task_free(task);
	assert_false(*coro__context_place());
	set(name, CORO_NONE);
	task = coro_spawn(look_at_word, coro_bool(true), NULL);
	CORO_TRY(coro_await(task));
	before = allocations;
	coro_task_free(coro_spawn(look_at_word, coro_bool(true), NULL));
	assert_int_equal(allocations, before);
	CORO_TRY(coro_await(task));
	coro_task_free(task);
	return CORO_NONE;
}

static void a_task_has_a_context_only_when_something_was_set_and_then_without_memory(void **state)
{
	run(spawn_and_look, CORO_NONE);
}

/* ---- Running in one ----------------------------------------------------- */

static coro_value await_inside(coro_value unused)
{
	set(name, coro_str("inside"));
	CORO_TRY(coro_sleep(1));
	note_value("inside", coro_context_variable_get(name));
	return coro_str("result");
}

static coro_value runs_inside(coro_value unused)
{
	coro_value result;

	set(name, coro_str("task"));
	result = coro_context_run(shared, await_inside, CORO_NONE);
	note_value("outside", coro_context_variable_get(name));
	return result;
}

static coro_value await_in_run(coro_value unused)
{
	struct coro_task *task;

	shared = coro_context_new();
	set(name, coro_str("main"));
	task = coro_spawn(runs_inside, CORO_NONE, NULL);
	CORO_TRY(coro_sleep(0.5));
	note_value("main", coro_context_variable_get(name));
	assert_true(coro_is(coro_context_run(shared, get_name, CORO_NONE), CORO_RuntimeError));
	coro_handled();
	note_value("task", coro_await(task));
	note_value("now", coro_context_run(shared, get_name, CORO_NONE));
	coro_task_free(task);
	coro_context_free(shared);
	return CORO_NONE;
}

static void a_context_goes_with_the_task_that_awaits_in_it(void **state)
{
	run(await_in_run, CORO_NONE);
	assert_journal("main 'main'; inside 'inside'; outside 'task'; task 'result'; now 'inside'; ");
}

static coro_value nested_inside(coro_value unused)
{
	struct coro_context *inner = coro_context_new();
	coro_value result = coro_context_run(inner, await_inside, CORO_NONE);

	note_value("left", result);
	coro_context_free(inner);
	return result;
}

static coro_value runs_nested(coro_value unused)
{
	return coro_context_run(shared, nested_inside, CORO_NONE);
}

static void a_loop_that_is_closed_ends_what_is_suspended_in_a_context(void **state)
{
	struct coro_loop *loop = journal_loop();

	shared = coro_context_new();
	coro_spawn(runs_nested, CORO_NONE, NULL);
	coro_loop_run_until_complete(loop, coro_object(coro_coroutine(set_name, CORO_NONE)));
	coro_loop_close(loop);
	assert_journal("report 8 Task was destroyed but it is pending!: task 'Task-1'; "
				   "left raised GeneratorExit; ");
	assert_true(coro_is_none(coro_context_run(shared, set_name, coro_int(1))));
	coro_context_free(shared);
	coro_set_report_handler(NULL, NULL);
}

static coro_value yields(coro_value unused)
{
	set(name, coro_str("generator"));
	return coro_yield(coro_int(1));
}

static coro_value yields_inside(coro_value context)
{
	return coro_context_run(coro_as_ptr(context), yields, CORO_NONE);
}

static coro_value yield_in_run(coro_value unused)
{
	struct coro_context *first = coro_context_new(), *second = coro_context_new();
	struct coro_generator *one = coro_generator(yields_inside, coro_ptr(first));
	struct coro_generator *two = coro_generator(yields_inside, coro_ptr(second));
	coro_value error;

	set(name, coro_str("caller"));
	coro_next(one);
	coro_next(two);
	error = coro_next(one);
	assert_true(coro_is(error, CORO_RuntimeError));
	assert_string_equal(coro_message(error), "cannot exit context: thread state references a "
											 "different context object");
	coro_handled();
	error = coro_next(two);
	assert_true(coro_is(error, CORO_StopIteration));
	assert_string_equal(coro_as_str(coro_context_variable_get(name)), "caller");
	coro_free(one);
	coro_free(two);
	coro_context_free(first);
	coro_context_free(second);
	return CORO_NONE;
}

static void yielding_in_a_context_is_found_out_when_others_were_entered_meanwhile(void **state)
{
	alone(yield_in_run);
}

static struct coro_generator *left_behind;

static coro_value begins_generator(coro_value unused)
{
	CORO_TRY(coro_next(left_behind));
	note_value("task", coro_context_variable_get(name));
	return CORO_NONE;
}

static coro_value leave_generator(coro_value unused)
{
	struct coro_task *task;

	shared = coro_context_new();
	left_behind = coro_generator(yields_inside, coro_ptr(shared));
	task = coro_spawn(begins_generator, CORO_NONE, NULL);
	CORO_TRY(coro_await(task));
	coro_task_free(task);
	coro_free(left_behind);
	note_value("main", coro_context_variable_get_or(name, CORO_NONE));
	assert_true(coro_is_none(coro_context_run(shared, set_name, coro_int(1))));
	coro_context_free(shared);
	return CORO_NONE;
}

static void a_context_survives_the_task_that_it_was_left_in(void **state)
{
	run(leave_generator, CORO_NONE);
	assert_journal("task 'generator'; main None; ");
}

/* ---- Callbacks ---------------------------------------------------------- */

static coro_value cancel_callbacks(coro_value unused)
{
	struct coro_loop *loop = coro_loop_current();
	struct coro_handle soon, later;

	set(name, coro_str("main"));
	shared = coro_copy_context();
	soon = coro_loop_call_soon_in_context(loop, set_name, coro_str("soon"), shared);
	later = coro_loop_call_later_in_context(loop, 0.1, set_name, coro_str("later"), shared);
	coro_loop_call_later_in_context(loop, 100, set_name, CORO_NONE, shared);
	coro_loop_call_later(loop, 100, set_name, CORO_NONE);
	coro_handle_cancel(soon);
	coro_handle_cancel(later);
	CORO_TRY(coro_sleep(1));
	note_value("shared", coro_context_get(shared, name, CORO_NONE));
	coro_context_free(shared);
	return CORO_NONE;
}

static void callbacks_that_never_run_let_go_of_their_context(void **state)
{
	run(cancel_callbacks, CORO_NONE);
	assert_journal("shared 'main'; ");
}

/* ---- Errors ------------------------------------------------------------- */

static coro_value run_out_of_memory(coro_value unused)
{
	struct coro_context_token token;
	coro_value error;

	coro_context_variable_set(name, coro_int(1), &token);
	shared = coro_copy_context();
	fail_at = allocations + 1;
	error = set(name, coro_int(2));
	assert_true(coro_is(error, CORO_MemoryError));
	assert_int_equal(coro_as_int(coro_context_variable_get(name)), 1);
	fail_at = allocations + 1;
	assert_true(coro_is(coro_context_variable_reset(name, &token), CORO_MemoryError));
	assert_int_equal(coro_as_int(coro_context_variable_get(name)), 1);
	fail_at = allocations + 1;
	assert_null(coro_context_variable_new("name"));
	fail_at = 0;
	coro_handled();
	assert_true(coro_is_none(coro_context_variable_reset(name, &token)));
	coro_context_free(shared);
	return CORO_NONE;
}

static void without_memory_a_set_raises_and_changes_nothing(void **state)
{
	alone(run_out_of_memory);
}

static void a_token_that_no_set_gave_is_refused(void **state)
{
	struct coro_context_token token = {NULL, 0, CORO_NONE, false, false};
	coro_value error = coro_context_variable_reset(name, &token);

	assert_true(coro_is(error, CORO_ValueError));
	assert_string_equal(coro_message(error),
						"<Token var=<ContextVar>> was created by a different ContextVar");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_of_any_plain_kind),
		cmocka_unit_test(an_exception_in_a_variable_is_kept_and_a_raised_one_is_passed_on),
		cmocka_unit_test(a_made_variable_lives_as_long_as_a_context_has_a_value_for_it),
		cmocka_unit_test(items_come_in_the_order_of_their_first_set_and_copies_keep_theirs),
		cmocka_unit_test(many_variables_and_copies_do_not_disturb_each_other),
		cmocka_unit_test(tasks_share_the_current_context_when_they_are_given_it),
		cmocka_unit_test(a_task_has_a_context_only_when_something_was_set_and_then_without_memory),
		cmocka_unit_test(a_context_goes_with_the_task_that_awaits_in_it),
		cmocka_unit_test(a_loop_that_is_closed_ends_what_is_suspended_in_a_context),
		cmocka_unit_test(yielding_in_a_context_is_found_out_when_others_were_entered_meanwhile),
		cmocka_unit_test(a_context_survives_the_task_that_it_was_left_in),
		cmocka_unit_test(callbacks_that_never_run_let_go_of_their_context),
		cmocka_unit_test(without_memory_a_set_raises_and_changes_nothing),
		cmocka_unit_test(a_token_that_no_set_gave_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
