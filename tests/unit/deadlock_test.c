/*
 * deadlock_test.c - who waits for whom, when nothing can happen any more, and when others go on.
 */
#include "journal.h"

static struct coro_lock *fork_lock, *knife_lock;
static struct coro_queue *jobs;
static struct coro_task *ring[3];

/* Runs `function` as the task 'main' until nothing can happen: what the error says. */
static void assert_deadlock(coro_function *function, coro_value argument, const char *expected)
{
	struct coro_loop *loop = journal_loop();
	struct coro_task *task;
	coro_value result;

	fork_lock = coro_lock_new("fork");
	knife_lock = coro_lock_new("knife");
	jobs = coro_queue_new_named(1, "jobs");
	task = coro_spawn(function, argument, "main");
	result = coro_loop_run_until_complete(loop, coro_object(task));
	assert_true(coro_is(result, CORO_DeadlockError));
	assert_string_equal(coro_message(result), expected);
	coro_task_free(task);
	coro_loop_cancel_all(loop);
	coro_lock_free(fork_lock);
	coro_lock_free(knife_lock);
	coro_queue_free(jobs);
	journal_end(loop);
}

static coro_value get(coro_value unused)
{
	return coro_queue_get(jobs);
}

static coro_value sleep_for(coro_value seconds)
{
	return coro_sleep(coro_as_float(seconds));
}

/* ---- Nothing can happen any more ---------------------------------------- */

static coro_value eat(coro_value lock)
{
	struct coro_lock *first = coro_as_ptr(lock);
	struct coro_lock *second = first == fork_lock ? knife_lock : fork_lock;
	coro_value result;

	CORO_TRY(coro_lock_acquire(first));
	CORO_TRY(coro_sleep(0));
	result = coro_lock_acquire(second);
	coro_lock_release(first);
	return result;
}

static coro_value dine(coro_value unused)
{
	coro_value guests[] = {coro_object(coro_spawn(eat, coro_ptr(fork_lock), "left")),
						   coro_object(coro_spawn(eat, coro_ptr(knife_lock), "right"))};

	return coro_gather(guests, 2, false, NULL);
}

static void owners_of_locks_are_named_and_the_cycle_that_they_make(void **state)
{
	assert_deadlock(dine, CORO_NONE,
					"deadlock: 3 tasks wait for ever\n"
					"  'main' awaits gather of 'left', 'right'\n"
					"  'left' awaits lock 'knife', held by 'right'\n"
					"  'right' awaits lock 'fork', held by 'left'\n"
					"  cycle: 'left' -> 'right' -> 'left'");
}

static coro_value await_the_next(coro_value number)
{
	CORO_TRY(coro_sleep(0));
	return coro_await(ring[(coro_as_int(number) + 1) % 3]);
}

static coro_value await_a_ring(coro_value unused)
{
	static const char *const names[] = {"a", "b", "c"};

	for (int i = 0; i < 3; i++)
		ring[i] = coro_spawn(await_the_next, coro_int(i), names[i]);
	return coro_await(ring[0]);
}

static void a_ring_of_tasks_is_a_cycle_without_who_only_waits_for_it(void **state)
{
	assert_deadlock(await_a_ring, CORO_NONE,
					"deadlock: 4 tasks wait for ever\n"
					"  'main' awaits task 'a'\n"
					"  'a' awaits task 'b'\n"
					"  'b' awaits task 'c'\n"
					"  'c' awaits task 'a'\n"
					"  cycle: 'a' -> 'b' -> 'c' -> 'a'");
}

static coro_value acquire_twice(coro_value unused)
{
	coro_value result;

	CORO_TRY(coro_lock_acquire(fork_lock));
	result = coro_lock_acquire(fork_lock);
	coro_lock_release(fork_lock);
	return result;
}

static void who_holds_what_it_waits_for_is_a_cycle_of_one(void **state)
{
	assert_deadlock(acquire_twice, CORO_NONE,
					"deadlock: 1 task waits for ever\n"
					"  'main' awaits lock 'fork', held by 'main'\n"
					"  cycle: 'main' -> 'main'");
}

static coro_value gather_who_awaits_it(coro_value unused)
{
	coro_value both[2];

	ring[1] = coro_task_current();
	both[0] = coro_object(coro_spawn(get, CORO_NONE, "a"));
	both[1] = coro_object(coro_spawn(await_the_next, coro_int(0), "b"));
	return coro_gather(both, 2, false, NULL);
}

static void a_cycle_is_found_behind_a_gather(void **state)
{
	assert_deadlock(gather_who_awaits_it, CORO_NONE,
					"deadlock: 3 tasks wait for ever\n"
					"  'main' awaits gather of 'a', 'b'\n"
					"  'a' awaits get of queue 'jobs', empty\n"
					"  'b' awaits task 'main'\n"
					"  cycle: 'main' -> 'b' -> 'main'");
}

static coro_value take_and_end(coro_value unused)
{
	return coro_lock_acquire(fork_lock);
}

static coro_value put_too_much(coro_value unused)
{
	CORO_TRY(coro_queue_put(jobs, coro_int(1)));
	return coro_queue_put(jobs, coro_int(2));
}

static coro_value join(coro_value unused)
{
	return coro_queue_join(jobs);
}

static coro_value wait_for_a_lock_that_nobody_can_release(coro_value unused)
{
	coro_value three[3];

	CORO_TRY(coro_await(coro_spawn(take_and_end, CORO_NONE, "ender")));
	/* Its memory is this one's, perhaps. */
	three[0] = coro_object(coro_spawn(take_and_end, CORO_NONE, "taker"));
	three[1] = coro_object(coro_spawn(put_too_much, CORO_NONE, "putter"));
	three[2] = coro_object(coro_spawn(join, CORO_NONE, "joiner"));
	CORO_TRY(coro_sleep(0));
	return coro_gather(three, 3, false, NULL);
}

static void an_owner_that_is_over_is_nobody_and_the_sides_of_a_queue_are_told(void **state)
{
	assert_deadlock(wait_for_a_lock_that_nobody_can_release, CORO_NONE,
					"deadlock: 4 tasks wait for ever\n"
					"  'main' awaits gather of 'taker', 'putter', 'joiner'\n"
					"  'taker' awaits lock 'fork', held by none of them\n"
					"  'putter' awaits put of queue 'jobs', full\n"
					"  'joiner' awaits join of queue 'jobs', 1 unfinished");
}

static coro_value wait_in_a_group(coro_value unused)
{
	struct coro_task_group *group = coro_task_group_new("pages");
	coro_value result;

	CORO_TRY(coro_task_group_enter(group));
	CORO_TRY(coro_task_group_spawn(group, get, CORO_NONE, "page"));
	result = coro_task_group_exit(group, CORO_NONE);
	coro_task_group_free(group);
	return result;
}

static coro_value wait_for_it(coro_value task)
{
	return coro_wait(&task, 1, CORO_ALL_COMPLETED, CORO_FOREVER);
}

static coro_value wait_as_completed(coro_value task)
{
	struct coro_completion *all = coro_as_completed(&task, 1, CORO_FOREVER);
	coro_value result = coro_await(coro_as_completed_next(all));

	coro_as_completed_free(all);
	return result;
}

static coro_value shield_it(coro_value task)
{
	return coro_shield(task);
}

static coro_value wait_in_all_ways(coro_value unused)
{
	coro_value getter = coro_object(coro_spawn(get, CORO_NONE, "getter"));
	coro_value all[5] = {getter, coro_object(coro_spawn(wait_in_a_group, CORO_NONE, "grouper")),
						 coro_object(coro_spawn(wait_for_it, getter, "waiter")),
						 coro_object(coro_spawn(wait_as_completed, getter, "completer")),
						 coro_object(coro_spawn(shield_it, getter, "shielder"))};

	return coro_gather(all, 5, false, NULL);
}

static void those_behind_groups_waits_and_shields_are_named(void **state)
{
	assert_deadlock(wait_in_all_ways, CORO_NONE,
					"deadlock: 7 tasks wait for ever\n"
					"  'main' awaits gather of 'getter', 'grouper', 'waiter' and 2 more\n"
					"  'getter' awaits get of queue 'jobs', empty\n"
					"  'grouper' awaits group 'pages' of 'page'\n"
					"  'waiter' awaits wait of 'getter'\n"
					"  'completer' awaits as_completed of 'getter'\n"
					"  'shielder' awaits shield of task 'getter'\n"
					"  'page' awaits get of queue 'jobs', empty");
}

static coro_value wait_at(coro_value what)
{
	static struct coro_barrier *barrier;
	static struct coro_event *event;
	static struct coro_condition *condition;
	static struct coro_semaphore *semaphore;
	coro_value result = CORO_NONE;

	switch (coro_as_int(what)) {
	case 0:
		barrier = coro_barrier_new(3, "gate");
		result = coro_barrier_wait(barrier);
		coro_barrier_free(barrier);
		break;
	case 1:
		event = coro_event_new("go");
		result = coro_event_wait(event);
		coro_event_free(event);
		break;
	case 2:
		condition = coro_condition_new(NULL, "changed");
		CORO_TRY(coro_lock_acquire(coro_condition_lock(condition)));
		result = coro_condition_wait(condition);
		coro_lock_release(coro_condition_lock(condition));
		coro_condition_free(condition);
		break;
	default:
		semaphore = coro_semaphore_new(0, "places");
		result = coro_semaphore_acquire(semaphore);
		coro_semaphore_free(semaphore);
		break;
	}
	return result;
}

static coro_value wait_at_each(coro_value unused)
{
	coro_value all[4];

	for (int i = 0; i < 4; i++)
		all[i] = coro_object(coro_spawn(wait_at, coro_int(i), NULL));
	return coro_gather(all, 4, false, NULL);
}

static void what_is_waited_for_is_told_with_kind_and_name(void **state)
{
	assert_deadlock(wait_at_each, CORO_NONE,
					"deadlock: 5 tasks wait for ever\n"
					"  'main' awaits gather of 'Task-1', 'Task-2', 'Task-3' and 1 more\n"
					"  'Task-1' awaits barrier 'gate', where 1 of 3 wait\n"
					"  'Task-2' awaits event 'go'\n"
					"  'Task-3' awaits condition 'changed'\n"
					"  'Task-4' awaits semaphore 'places'");
}

/* More tasks than a message names, in rings of two: the cycles are told all the same. */
static struct coro_task *crowd[40];

static coro_value await_a_partner(coro_value number)
{
	CORO_TRY(coro_sleep(0));
	return coro_await(crowd[coro_as_int(number) ^ 1]);
}

static coro_value crowd_together(coro_value unused)
{
	for (int i = 0; i < 40; i++)
		crowd[i] = coro_spawn(await_a_partner, coro_int(i), NULL);
	return coro_await(crowd[0]);
}

static void a_long_story_is_cut_and_still_has_its_cycles(void **state)
{
	struct coro_loop *loop = journal_loop();
	struct coro_task *task = coro_spawn(crowd_together, CORO_NONE, "main");
	coro_value result = coro_loop_run_until_complete(loop, coro_object(task));

	assert_true(coro_is(result, CORO_DeadlockError));
	assert_non_null(strstr(coro_message(result), "\n  'Task-15' awaits task 'Task-16'\n"
												 "  and 25 more\n"
												 "  cycle: 'Task-1' -> 'Task-2' -> 'Task-1'\n"));
	assert_non_null(strstr(coro_message(result), "cycle: 'Task-7' -> 'Task-8' -> 'Task-7'"));
	assert_null(strstr(coro_message(result), "'Task-9' -> "));
	coro_task_free(task);
	coro_loop_cancel_all(loop);
	journal_end(loop);
}

/* ---- Others go on ------------------------------------------------------- */

/* Each runs beside a task that sleeps, and is cancelled by and by. */
static void assert_report(coro_function *function, coro_value argument, const char *expected)
{
	struct coro_loop *loop = journal_loop();
	struct coro_task *sleeper, *task;

	fork_lock = coro_lock_new("fork");
	knife_lock = coro_lock_new("knife");
	jobs = coro_queue_new_named(1, "jobs");
	sleeper = coro_spawn(sleep_for, coro_float(1), "sleeper");
	task = coro_spawn(function, argument, "main");
	assert_false(coro_raised(coro_loop_run_until_complete(loop, coro_object(sleeper))));
	assert_journal(expected);
	coro_loop_cancel_all(loop);
	coro_task_free(task);
	coro_task_free(sleeper);
	coro_lock_free(fork_lock);
	coro_lock_free(knife_lock);
	coro_queue_free(jobs);
	journal_end(loop);
}

static void a_cycle_is_reported_where_it_closes_while_others_go_on(void **state)
{
	assert_report(dine, CORO_NONE,
				  "report 9 tasks wait for each other: 'right' awaits lock 'fork', held by 'left'; "
				  "'left' awaits lock 'knife', held by 'right'; ");
	assert_report(await_a_ring, CORO_NONE,
				  "report 9 tasks wait for each other: 'c' awaits task 'a'; 'a' awaits task 'b'; "
				  "'b' awaits task 'c'; ");
	assert_report(acquire_twice, CORO_NONE,
				  "report 9 a task waits for itself: 'main' awaits lock 'fork', held by 'main'; ");
}

static coro_value shield_the_next(coro_value unused)
{
	ring[0] = coro_task_current();
	ring[1] = coro_spawn(shield_it, coro_object(ring[0]), "shielder");
	return coro_await(ring[1]);
}

static void a_shield_does_not_hide_a_cycle(void **state)
{
	assert_report(shield_the_next, CORO_NONE,
				  "report 9 tasks wait for each other: 'shielder' awaits shield of task 'main'; "
				  "'main' awaits task 'shielder'; ");
	assert_deadlock(shield_the_next, CORO_NONE,
					"deadlock: 2 tasks wait for ever\n"
					"  'main' awaits task 'shielder'\n"
					"  'shielder' awaits shield of task 'main'\n"
					"  cycle: 'main' -> 'shielder' -> 'main'");
}

static coro_value acquire_the_fork(coro_value unused)
{
	return coro_lock_acquire(fork_lock);
}

static coro_value acquire_twice_with_a_limit(coro_value unused)
{
	coro_value result;

	CORO_TRY(coro_lock_acquire(fork_lock));
	result = coro_wait_for(coro_coroutine(acquire_the_fork, CORO_NONE), 0.1);
	note_value("limited", result);
	result = coro_lock_acquire(fork_lock);
	coro_lock_release(fork_lock);
	return result;
}

static void a_timeout_ends_the_wait_so_that_there_is_nothing_to_report(void **state)
{
	assert_report(acquire_twice_with_a_limit, CORO_NONE,
				  "limited raised TimeoutError; "
				  "report 9 a task waits for itself: 'main' awaits lock 'fork', held by 'main'; ");
}

static coro_value eat_in_order(coro_value unused)
{
	CORO_TRY(coro_lock_acquire(fork_lock));
	CORO_TRY(coro_sleep(0.1));
	return coro_lock_release(fork_lock);
}

static coro_value await_in_line(coro_value before)
{
	return coro_is_none(before) ? coro_sleep(0.5) : coro_await(before);
}

static coro_value wait_without_a_cycle(coro_value unused)
{
	struct coro_task *line[300], *last = NULL;

	for (int i = 0; i < 300; i++) {
		line[i] = coro_spawn(await_in_line, last ? coro_object(last) : CORO_NONE, NULL);
		last = line[i];
	}
	for (int i = 0; i < 10; i++)
		coro_task_free(coro_spawn(eat_in_order, CORO_NONE, NULL));
	CORO_TRY(coro_await(last));
	for (int i = 0; i < 300; i++)
		coro_task_free(line[i]);
	return CORO_NONE;
}

static void lines_that_end_are_no_cycles(void **state)
{
	assert_report(wait_without_a_cycle, CORO_NONE, "");
}

static coro_value take_for_good(coro_value unused)
{
	return coro_lock_acquire(fork_lock);
}

/* The owner, its loop, and all memory of theirs are gone before the next loop looks at the lock. */
static void a_lock_outlives_its_owner_and_the_owner_s_loop(void **state)
{
	struct coro_loop *loop = journal_loop();
	struct coro_task *task, *sleeper;
	coro_value result;

	fork_lock = coro_lock_new("fork");
	task = coro_spawn(take_for_good, CORO_NONE, "first");
	assert_false(coro_raised(coro_loop_run_until_complete(loop, coro_object(task))));
	coro_task_free(task);
	coro_loop_free(loop);
	loop = journal_loop();
	sleeper = coro_spawn(sleep_for, coro_float(1), "sleeper");
	task = coro_spawn(take_for_good, CORO_NONE, "second");
	assert_false(coro_raised(coro_loop_run_until_complete(loop, coro_object(sleeper))));
	result = coro_loop_run_until_complete(loop, coro_object(task));
	assert_string_equal(coro_message(result),
						"deadlock: 1 task waits for ever\n"
						"  'second' awaits lock 'fork', held by none of them");
	assert_journal("");
	coro_loop_cancel_all(loop);
	coro_task_free(task);
	coro_task_free(sleeper);
	coro_lock_free(fork_lock);
	journal_end(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(owners_of_locks_are_named_and_the_cycle_that_they_make),
		cmocka_unit_test(a_ring_of_tasks_is_a_cycle_without_who_only_waits_for_it),
		cmocka_unit_test(who_holds_what_it_waits_for_is_a_cycle_of_one),
		cmocka_unit_test(a_cycle_is_found_behind_a_gather),
		cmocka_unit_test(an_owner_that_is_over_is_nobody_and_the_sides_of_a_queue_are_told),
		cmocka_unit_test(those_behind_groups_waits_and_shields_are_named),
		cmocka_unit_test(what_is_waited_for_is_told_with_kind_and_name),
		cmocka_unit_test(a_long_story_is_cut_and_still_has_its_cycles),
		cmocka_unit_test(a_cycle_is_reported_where_it_closes_while_others_go_on),
		cmocka_unit_test(a_shield_does_not_hide_a_cycle),
		cmocka_unit_test(a_timeout_ends_the_wait_so_that_there_is_nothing_to_report),
		cmocka_unit_test(lines_that_end_are_no_cycles),
		cmocka_unit_test(a_lock_outlives_its_owner_and_the_owner_s_loop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
