/*
 * task_group_test.c - task groups, exception groups, eager tasks: rules N1-N6, T7.
 */
#include "journal.h"

static struct coro_task_group *group;

static coro_value sleep_ms(coro_value milliseconds)
{
	coro_value slept = coro_sleep(coro_as_float(milliseconds) / 1000);

	note_value("slept", slept);
	return slept;
}

static coro_value fail_after_ms(coro_value milliseconds)
{
	CORO_TRY(coro_sleep(coro_as_float(milliseconds) / 1000));
	note_value("fails", milliseconds);
	return coro_raise(CORO_KeyError, "bad");
}

/* "outcome: ExceptionGroup [KeyError ValueError]" */
static void note_group(coro_value raised)
{
	char text[128];
	size_t length;

	length = (size_t)snprintf(text, sizeof(text), "%s [", coro_exception_type(raised)->name);
	for (size_t i = 0; i < coro_group_count(raised); i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%s", i ? " " : "",
								   coro_exception_type(coro_group_at(raised, i))->name);
	note("%s]", text);
}

/* ---- Task groups -------------------------------------------------------- */

static coro_value wait_for_children(coro_value unused)
{
	coro_value result;

	group = coro_task_group_new("group");
	note_value("early", coro_task_group_spawn(group, sleep_ms, coro_int(1), NULL));
	CORO_TRY(coro_task_group_enter(group));
	note_value("again", coro_task_group_enter(group));
	CORO_TRY(coro_task_group_spawn(group, sleep_ms, coro_int(20), "a"));
	CORO_TRY(coro_task_group_spawn(group, sleep_ms, coro_int(10), "b"));
	result = coro_task_group_exit(group, coro_int(7));
	note_value("result", result);
	note_value("late", coro_task_group_spawn(group, sleep_ms, coro_int(1), NULL));
	coro_task_group_free(group);
	return CORO_NONE;
}

static void a_group_waits_for_its_tasks_and_then_refuses_more(void **state)
{
	assert_false(coro_raised(run(wait_for_children, CORO_NONE)));
	assert_journal("early raised RuntimeError TaskGroup <TaskGroup> has not been entered; "
				   "again raised RuntimeError TaskGroup <TaskGroup> has already been entered; "
				   "slept None; slept None; result 7; "
				   "late raised RuntimeError TaskGroup <TaskGroup> is finished; ");
}

static coro_value fail_in_a_child(coro_value unused)
{
	coro_value result;

	group = coro_task_group_new("group");
	CORO_TRY(coro_task_group_enter(group));
	CORO_TRY(coro_task_group_spawn(group, sleep_ms, coro_int(20), NULL));
	CORO_TRY(coro_task_group_spawn(group, fail_after_ms, coro_int(10), NULL));
	result = coro_sleep(1);
	note_value("body", result);
	result = coro_task_group_exit(group, result);
	note_value("exit", result);
	note_group(result);
	note("cancelling %u", coro_task_cancelling(coro_task_current()));
	coro_task_group_free(group);
	return CORO_NONE;
}

static void a_child_that_fails_cancels_the_others_and_the_body(void **state)
{
	assert_false(coro_raised(run(fail_in_a_child, CORO_NONE)));
	assert_journal("fails 10; slept raised CancelledError; body raised CancelledError; "
				   "exit raised ExceptionGroup unhandled errors in a TaskGroup (1 sub-exception); "
				   "ExceptionGroup [KeyError]; cancelling 0; ");
}

static coro_value fail_in_the_body(coro_value unused)
{
	coro_value result;

	group = coro_task_group_new("group");
	CORO_TRY(coro_task_group_enter(group));
	CORO_TRY(coro_task_group_spawn(group, sleep_ms, coro_int(20), NULL));
	CORO_TRY(coro_sleep(0));
	result = coro_task_group_exit(group, coro_raise(CORO_ValueError, "body"));
	note_group(result);
	coro_task_group_free(group);
	return CORO_NONE;
}

static void a_body_that_fails_cancels_the_children(void **state)
{
	assert_false(coro_raised(run(fail_in_the_body, CORO_NONE)));
	assert_journal("slept raised CancelledError; ExceptionGroup [ValueError]; ");
}

static coro_value hold_a_group(coro_value unused)
{
	coro_value result;

	group = coro_task_group_new("group");
	CORO_TRY(coro_task_group_enter(group));
	CORO_TRY(coro_task_group_spawn(group, sleep_ms, coro_int(20), NULL));
	result = coro_task_group_exit(group, CORO_NONE);
	coro_task_group_free(group);
	return result;
}

static coro_value cancel_the_parent(coro_value unused)
{
	struct coro_task *parent = coro_spawn(hold_a_group, CORO_NONE, NULL);

	CORO_TRY(coro_sleep(0.005));
	coro_task_cancel(parent, NULL);
	note_value("parent", coro_await(parent));
	coro_task_free(parent);
	return CORO_NONE;
}

static void cancelling_the_parent_cancels_the_children(void **state)
{
	assert_false(coro_raised(run(cancel_the_parent, CORO_NONE)));
	assert_journal("slept raised CancelledError; parent raised CancelledError; ");
}

/* ---- Exception groups --------------------------------------------------- */

static coro_value split(coro_value unused)
{
	const struct coro_exception_type *keys[] = {CORO_KeyError};
	coro_value inner[] = {coro_error(CORO_KeyError, "k"), coro_error(CORO_ValueError, "v")};
	coro_value outer[2], whole, match, rest, merged;

	outer[0] = coro_caught(coro_raise_group("inner", inner, 2));
	outer[1] = coro_error(CORO_TypeError, "t");
	whole = coro_raise_group("outer", outer, 2);
	coro_keep(whole);
	coro_group_split(whole, keys, 1, &match, &rest);
	note_group(match);
	note_group(coro_group_at(match, 0));
	note_group(rest);
	note_group(coro_group_at(rest, 0));
	merged = coro_group_merge(coro_caught(whole), NULL, 0, rest);
	note_group(merged);
	merged = coro_group_merge(coro_caught(whole), &outer[1], 1, CORO_NONE);
	note_value("anew", merged);
	note_value("nothing", coro_group_merge(coro_caught(whole), NULL, 0, CORO_NONE));
	coro_group_split(outer[1], keys, 1, &match, &rest);
	note_value("match", match);
	note_value("rest", rest);
	coro_drop(whole);
	return CORO_NONE;
}

static void splitting_a_group_keeps_its_shape(void **state)
{
	assert_false(coro_raised(run(split, CORO_NONE)));
	assert_journal("ExceptionGroup [ExceptionGroup]; ExceptionGroup [KeyError]; "
				   "ExceptionGroup [ExceptionGroup TypeError]; ExceptionGroup [ValueError]; "
				   "ExceptionGroup [ExceptionGroup TypeError]; anew raised TypeError t; "
				   "nothing None; match None; rest TypeError('t'); ");
}

/* ---- Eager tasks -------------------------------------------------------- */

static coro_value return_at_once(coro_value number)
{
	note_value("runs", number);
	return number;
}

static coro_value spawn_eagerly(coro_value unused)
{
	struct coro_task *at_once, *later;

	coro_loop_set_eager(coro_loop_current(), true);
	at_once = coro_spawn(return_at_once, coro_int(1), NULL);
	note("done %d", coro_task_done(at_once));
	later = coro_spawn(sleep_ms, coro_int(1), NULL);
	note("done %d", coro_task_done(later));
	note("current %d", coro_task_current() != later);
	CORO_TRY(coro_await(later));
	note_value("result", coro_await(at_once));
	coro_task_free(at_once);
	coro_task_free(later);
	return CORO_NONE;
}

static void an_eager_task_runs_up_to_its_first_wait_in_spawn(void **state)
{
	assert_false(coro_raised(run(spawn_eagerly, CORO_NONE)));
	assert_journal("runs 1; done 1; done 0; current 1; slept None; result 1; ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_group_waits_for_its_tasks_and_then_refuses_more),
		cmocka_unit_test(a_child_that_fails_cancels_the_others_and_the_body),
		cmocka_unit_test(a_body_that_fails_cancels_the_children),
		cmocka_unit_test(cancelling_the_parent_cancels_the_children),
		cmocka_unit_test(splitting_a_group_keeps_its_shape),
		cmocka_unit_test(an_eager_task_runs_up_to_its_first_wait_in_spawn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
