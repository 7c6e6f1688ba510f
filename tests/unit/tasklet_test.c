/*
 * tasklet_test.c - tasklets and their channels: what Stackless' documentation tells and its tests
 * pin, and how they go together with generators, greenlets, tasks and threads.
 */
#include <pthread.h>
#include <coroscope/coro.h>
#include "runtime_check.h"

static struct coro_tasklet *first, *second, *third;
static struct coro_tasklet_channel *channel, *other_channel;

static const char *state_of(struct coro_tasklet *tasklet)
{
	return !coro_tasklet_alive(tasklet)      ? "over"
		   : coro_tasklet_paused(tasklet)    ? "paused"
		   : coro_tasklet_blocked(tasklet)   ? "blocked"
		   : coro_tasklet_scheduled(tasklet) ? "scheduled"
											 : "?";
}

#define assert_state(tasklet, state) assert_string_equal(state_of(tasklet), state)

/* Made and given up: it lives until it ends. */
#define go(function, argument) coro_tasklet_free(coro_tasklet(function, argument))

static int begin_with_channels(void **state)
{
	channel = coro_tasklet_channel_new("channel");
	other_channel = coro_tasklet_channel_new("other");
	return begin(state);
}

/* Nobody but main can run, nobody waits, and nothing else is left. */
static int end_with_channels(void **state)
{
	assert_int_equal(coro_tasklet_run_count(), 1);
	assert_ptr_equal(coro_tasklet_current(), coro_tasklet_main());
	coro_tasklet_channel_free(channel);
	coro_tasklet_channel_free(other_channel);
	return nothing_left(state);
}

#undef sentence
#define sentence(name) cmocka_unit_test_setup_teardown(name, begin_with_channels, end_with_channels)

/* ---- Bodies that many tests use ------------------------------------------ */

static coro_value says(coro_value text)
{
	note("%s ", coro_as_str(text));
	return CORO_NONE;
}

static coro_value says_and_schedules(coro_value text)
{
	for (int i = 0; i < 3; i++) {
		note("%s%d ", coro_as_str(text), i);
		CORO_TRY(coro_tasklet_schedule());
	}
	return CORO_NONE;
}

static coro_value sends(coro_value value)
{
	CORO_TRY(coro_tasklet_channel_send(channel, value));
	note("sent %d ", (int)coro_as_int(value));
	return CORO_NONE;
}

static coro_value receives(coro_value unused)
{
	coro_value got = CORO_TRY(coro_tasklet_channel_receive(channel));

	note("got %d ", (int)coro_as_int(got));
	return CORO_NONE;
}

static coro_value pauses(coro_value text)
{
	coro_value result;

	note("%s ", coro_as_str(text));
	result = coro_tasklet_schedule_remove();
	if (coro_raised(result))
		note("%s in %s ", coro_exception_type(result)->name, coro_as_str(text));
	else
		note("%s again ", coro_as_str(text));
	return result;
}

static coro_value fails(coro_value text)
{
	return coro_raise(CORO_KeyError, "%s", coro_as_str(text));
}

/* ---- Scheduling ----------------------------------------------------------- */

static void tasklets_run_in_the_order_in_which_they_were_made(void **state)
{
	go(says, coro_str("a"));
	go(says, coro_str("b"));
	go(says, coro_str("c"));
	assert_int_equal(coro_tasklet_run_count(), 4);
	assert_string_equal(diary, "");
	assert_none(coro_tasklet_run_all());
	assert_string_equal(diary, "a b c ");
	assert_none(coro_tasklet_run_all());
	assert_none(coro_tasklet_schedule());
	assert_none(coro_tasklet_schedule_remove());
}

static void schedule_hands_over_round_the_ring(void **state)
{
	go(says_and_schedules, coro_str("a"));
	go(says_and_schedules, coro_str("b"));
	note("main ");
	assert_none(coro_tasklet_schedule());
	note("main ");
	assert_none(coro_tasklet_schedule());
	note("main ");
	assert_none(coro_tasklet_run_all());
	note("end ");
	assert_string_equal(diary, "main a0 b0 main a1 b1 main a2 b2 end ");
}

static void run_runs_one_at_once_and_comes_back(void **state)
{
	first = coro_tasklet(says_and_schedules, coro_str("a"));
	second = coro_tasklet(says, coro_str("b"));
	third = coro_tasklet(says, coro_str("c"));
	assert_none(coro_tasklet_remove(third));
	assert_state(third, "paused");
	/* It was paused: it is inserted before main, who is next. */
	assert_none(coro_tasklet_run(third));
	assert_string_equal(diary, "c ");
	/* It is in the ring: who follows it there runs before main. */
	assert_none(coro_tasklet_run(second));
	assert_string_equal(diary, "c b ");
	assert_none(coro_tasklet_run(first));
	assert_string_equal(diary, "c b a0 ");
	assert_none(coro_tasklet_run_all());
	assert_string_equal(diary, "c b a0 a1 a2 ");
	coro_tasklet_free(first);
	coro_tasklet_free(second);
	coro_tasklet_free(third);
}

static void the_ones_behind_a_run_tasklet_run_before_who_ran_it(void **state)
{
	first = coro_tasklet(says, coro_str("a"));
	go(says, coro_str("b"));
	assert_none(coro_tasklet_run(first));
	note("main ");
	assert_string_equal(diary, "a b main ");
	coro_tasklet_free(first);
}

static void a_removed_tasklet_waits_until_it_is_inserted(void **state)
{
	first = coro_tasklet(pauses, coro_str("a"));
	assert_state(first, "scheduled");
	assert_none(coro_tasklet_remove(first));
	assert_none(coro_tasklet_remove(first));
	assert_state(first, "paused");
	assert_int_equal(coro_tasklet_run_count(), 1);
	assert_none(coro_tasklet_run_all());
	assert_none(coro_tasklet_insert(first));
	assert_none(coro_tasklet_insert(first));
	assert_int_equal(coro_tasklet_run_count(), 2);
	assert_none(coro_tasklet_run_all());
	assert_string_equal(diary, "a ");
	assert_state(first, "paused");
	assert_none(coro_tasklet_insert(first));
	assert_none(coro_tasklet_run_all());
	assert_string_equal(diary, "a a again ");
	assert_state(first, "over");
	coro_tasklet_free(first);
}

static void what_cannot_run_is_said(void **state)
{
	first = coro_tasklet(sends, coro_int(1));
	second = coro_tasklet(says, coro_str("b"));
	assert_none(coro_tasklet_run_all());
	assert_state(first, "blocked");
	assert_raises(coro_tasklet_run(first), CORO_RuntimeError, "You cannot run a blocked tasklet");
	assert_raises(coro_tasklet_insert(first), CORO_RuntimeError,
				  "You cannot run a blocked tasklet");
	assert_raises(coro_tasklet_remove(first), CORO_RuntimeError,
				  "You cannot remove a blocked tasklet.");
	assert_raises(coro_tasklet_run(second), CORO_RuntimeError,
				  "You cannot run an unbound(dead) tasklet");
	assert_raises(coro_tasklet_insert(second), CORO_RuntimeError,
				  "You cannot run an unbound(dead) tasklet");
	assert_raises(coro_tasklet_remove(coro_tasklet_current()), CORO_RuntimeError,
				  "The current tasklet cannot be removed.");
	assert_none(coro_tasklet_run(coro_tasklet_current()));
	assert_int_value(coro_tasklet_channel_receive(channel), 1);
	assert_none(coro_tasklet_run_all());
	coro_tasklet_free(first);
	coro_tasklet_free(second);
}

static coro_value runs_all(coro_value text)
{
	note("%s begins ", coro_as_str(text));
	CORO_TRY(coro_tasklet_run_all());
	note("%s ends ", coro_as_str(text));
	return CORO_NONE;
}

static void run_all_in_a_tasklet_comes_back_before_mains(void **state)
{
	go(runs_all, coro_str("a"));
	go(says_and_schedules, coro_str("b"));
	go(runs_all, coro_str("c"));
	assert_none(coro_tasklet_run_all());
	assert_string_equal(diary, "a begins b0 c begins b1 b2 c ends a ends ");
}

static coro_value inserts_main(coro_value unused)
{
	CORO_TRY(coro_tasklet_insert(coro_tasklet_main()));
	CORO_TRY(coro_tasklet_schedule());
	note("not last ");
	return CORO_NONE;
}

static void who_is_inserted_while_it_waits_in_run_all_comes_back_from_it(void **state)
{
	go(inserts_main, CORO_NONE);
	assert_none(coro_tasklet_run_all());
	note("main ");
	assert_none(coro_tasklet_run_all());
	assert_string_equal(diary, "main not last ");
}

static coro_value knows_itself(coro_value unused)
{
	assert_ptr_equal(coro_tasklet_current(), first);
	assert_ptr_not_equal(coro_tasklet_main(), first);
	assert_int_equal(coro_tasklet_run_count(), 2);
	assert_state(first, "scheduled");
	assert_state(coro_tasklet_main(), "scheduled");
	assert_null(coro_task_current());
	return CORO_NONE;
}

static void a_tasklet_knows_who_it_is(void **state)
{
	first = coro_tasklet(knows_itself, CORO_NONE);
	assert_none(coro_tasklet_run(first));
	coro_tasklet_free(first);
}

/* ---- Exceptions ----------------------------------------------------------- */

static void an_exception_that_leaves_a_tasklet_is_raised_in_main(void **state)
{
	go(says, coro_str("a"));
	go(fails, coro_str("run_all"));
	go(says, coro_str("b"));
	assert_raises(coro_tasklet_run_all(), CORO_KeyError, "run_all");
	assert_string_equal(diary, "a ");
	assert_int_equal(coro_tasklet_run_count(), 2);
	assert_none(coro_tasklet_run_all());
	assert_string_equal(diary, "a b ");
	go(fails, coro_str("schedule"));
	assert_raises(coro_tasklet_schedule(), CORO_KeyError, "schedule");
	go(fails, coro_str("receive"));
	assert_raises(coro_tasklet_channel_receive(channel), CORO_KeyError, "receive");
	assert_int_equal(coro_tasklet_channel_balance(channel), 0);
	go(fails, coro_str("send"));
	assert_raises(coro_tasklet_channel_send(channel, coro_int(1)), CORO_KeyError, "send");
	assert_int_equal(coro_tasklet_channel_balance(channel), 0);
	first = coro_tasklet(fails, coro_str("run"));
	assert_raises(coro_tasklet_run(first), CORO_KeyError, "run");
	coro_tasklet_free(first);
}

static coro_value catches_what_fails(coro_value unused)
{
	coro_value result;

	go(fails, coro_str("inner"));
	result = coro_tasklet_run_all();
	note("%s ", coro_message(result));
	return CORO_NONE;
}

static void it_is_raised_in_the_innermost_run_all(void **state)
{
	go(catches_what_fails, CORO_NONE);
	assert_none(coro_tasklet_run_all());
	assert_string_equal(diary, "inner ");
}

static coro_value exits(coro_value unused)
{
	note("exits ");
	return coro_raise(CORO_TaskletExit, "silently");
}

static void tasklet_exit_ends_one_silently(void **state)
{
	go(exits, CORO_NONE);
	assert_none(coro_tasklet_run_all());
	assert_string_equal(diary, "exits ");
}

static void kill_raises_tasklet_exit_where_it_waits(void **state)
{
	first = coro_tasklet(pauses, coro_str("a"));
	second = coro_tasklet(receives, CORO_NONE);
	third = coro_tasklet(says, coro_str("c"));
	assert_none(coro_tasklet_kill(third));
	assert_state(third, "over");
	/* The ones before it in the ring have not run; those behind would have. */
	assert_string_equal(diary, "");
	assert_none(coro_tasklet_run_all());
	assert_string_equal(diary, "a ");
	assert_none(coro_tasklet_kill(first));
	assert_string_equal(diary, "a TaskletExit in a ");
	assert_state(first, "over");
	assert_int_equal(coro_tasklet_channel_balance(channel), -1);
	assert_none(coro_tasklet_kill(second));
	assert_int_equal(coro_tasklet_channel_balance(channel), 0);
	assert_state(second, "over");
	assert_none(coro_tasklet_kill(second));
	assert_raises(coro_tasklet_kill(coro_tasklet_current()), CORO_TaskletExit, "");
	coro_tasklet_free(first);
	coro_tasklet_free(second);
	coro_tasklet_free(third);
}

static void who_stands_behind_a_killed_one_runs_before_its_killer(void **state)
{
	first = coro_tasklet(says, coro_str("a"));
	go(says, coro_str("b"));
	assert_none(coro_tasklet_kill(first));
	note("main ");
	assert_string_equal(diary, "b main ");
	coro_tasklet_free(first);
}

static coro_value survives(coro_value unused)
{
	for (;;) {
		coro_value result = coro_tasklet_schedule_remove();

		if (coro_is(result, CORO_TaskletExit))
			return coro_raise(CORO_ValueError, "not so");
		note("%s ", coro_raised(result) ? coro_exception_type(result)->name : "inserted");
	}
}

static void raise_exception_raises_it_at_once(void **state)
{
	first = coro_tasklet(survives, CORO_NONE);
	assert_none(coro_tasklet_run(first));
	assert_none(coro_tasklet_raise_exception(first, coro_error(CORO_KeyError, "k")));
	assert_none(coro_tasklet_raise_exception(first, coro_error(CORO_IndexError, "i")));
	assert_string_equal(diary, "KeyError IndexError ");
	assert_state(first, "paused");
	assert_raises(coro_tasklet_kill(first), CORO_ValueError, "not so");
	assert_state(first, "over");
	assert_raises(coro_tasklet_raise_exception(first, coro_error(CORO_KeyError, "k")),
				  CORO_RuntimeError, "You cannot throw to a dead tasklet");
	assert_none(coro_tasklet_raise_exception(first, coro_error(CORO_TaskletExit, "k")));
	assert_raises(coro_tasklet_raise_exception(first, coro_int(3)), CORO_TypeError,
				  "exceptions must be classes, or instances, not int");
	assert_raises(
		coro_tasklet_raise_exception(coro_tasklet_current(), coro_error(CORO_OSError, "me")),
		CORO_OSError, "me");
	coro_tasklet_free(first);
}

static coro_value raises_with_a_context(coro_value unused)
{
	coro_value raised = coro_raise(CORO_ValueError, "in it");

	assert_none(coro_handled_exception());
	assert_none(coro_context(raised));
	return CORO_NONE;
}

static void each_has_its_own_exceptions(void **state)
{
	go(raises_with_a_context, CORO_NONE);
	CORO_EXCEPT(coro_raise(CORO_KeyError, "in main"), CORO_KeyError)
	{
		coro_value mine = coro_handled_exception();

		assert_none(coro_tasklet_run_all());
		assert_ptr_equal(coro_handled_exception().pointer, mine.pointer);
	}
}

/* ---- Channels ------------------------------------------------------------- */

static void a_channel_counts_who_waits(void **state)
{
	assert_int_equal(coro_tasklet_channel_balance(channel), 0);
	assert_null(coro_tasklet_channel_queue(channel));
	first = coro_tasklet(sends, coro_int(1));
	second = coro_tasklet(sends, coro_int(2));
	assert_none(coro_tasklet_run_all());
	assert_int_equal(coro_tasklet_channel_balance(channel), 2);
	assert_ptr_equal(coro_tasklet_channel_queue(channel), first);
	assert_none(coro_tasklet_kill(first));
	assert_int_equal(coro_tasklet_channel_balance(channel), 1);
	assert_ptr_equal(coro_tasklet_channel_queue(channel), second);
	assert_none(coro_tasklet_kill(second));
	assert_int_equal(coro_tasklet_channel_balance(channel), 0);
	coro_tasklet_free(first);
	coro_tasklet_free(second);
	first = coro_tasklet(receives, CORO_NONE);
	second = coro_tasklet(receives, CORO_NONE);
	assert_none(coro_tasklet_run_all());
	assert_int_equal(coro_tasklet_channel_balance(channel), -2);
	assert_none(coro_tasklet_channel_send(channel, coro_int(1)));
	assert_int_equal(coro_tasklet_channel_balance(channel), -1);
	assert_none(coro_tasklet_channel_send(channel, coro_int(2)));
	assert_string_equal(diary, "got 1 got 2 ");
	coro_tasklet_free(first);
	coro_tasklet_free(second);
}

static void values_come_in_the_order_in_which_they_were_sent(void **state)
{
	for (int i = 1; i <= 3; i++)
		go(sends, coro_int(i));
	assert_none(coro_tasklet_run_all());
	for (int i = 1; i <= 3; i++)
		assert_int_value(coro_tasklet_channel_receive(channel), i);
	assert_string_equal(diary, "");
	assert_none(coro_tasklet_run_all());
	assert_string_equal(diary, "sent 1 sent 2 sent 3 ");
}

/* What happens when main sends to a waiting receiver, and receives from a waiting sender, while
 * another one can run. */
static void meet(int preference)
{
	diary[0] = 0;
	coro_tasklet_channel_set_preference(channel, preference);
	go(receives, CORO_NONE);
	assert_none(coro_tasklet_run_all());
	go(says, coro_str("another"));
	assert_none(coro_tasklet_channel_send(channel, coro_int(1)));
	note("main sent ");
	assert_none(coro_tasklet_run_all());
	note("| ");
	go(sends, coro_int(2));
	assert_none(coro_tasklet_run_all());
	go(says, coro_str("another"));
	assert_int_value(coro_tasklet_channel_receive(channel), 2);
	note("main got ");
	assert_none(coro_tasklet_run_all());
}

static void preference_says_who_runs_when_two_meet(void **state)
{
	assert_int_equal(coro_tasklet_channel_preference(channel), -1);
	meet(-1);
	/* The sender is the last of the runnables. */
	assert_string_equal(diary, "got 1 another main sent | main got another sent 2 ");
	meet(0);
	assert_string_equal(diary, "main sent another got 1 | main got another sent 2 ");
	meet(1);
	assert_string_equal(diary, "main sent another got 1 | sent 2 another main got ");
	coro_tasklet_channel_set_preference(channel, 7);
	assert_int_equal(coro_tasklet_channel_preference(channel), 1);
	coro_tasklet_channel_set_preference(channel, -7);
	assert_int_equal(coro_tasklet_channel_preference(channel), -1);
}

static coro_value sends_two_errors(coro_value unused)
{
	CORO_TRY(coro_tasklet_channel_send_exception(channel, coro_error(CORO_ValueError, "one")));
	CORO_TRY(coro_tasklet_channel_send_exception(channel, coro_raise(CORO_IndexError, "another")));
	return CORO_NONE;
}

static void an_exception_can_be_sent(void **state)
{
	go(sends_two_errors, CORO_NONE);
	assert_none(coro_tasklet_run_all());
	assert_raises(coro_tasklet_channel_receive(channel), CORO_ValueError, "one");
	assert_raises(coro_tasklet_channel_receive(channel), CORO_IndexError, "another");
	assert_none(coro_tasklet_run_all());
	assert_raises(coro_tasklet_channel_send(channel, coro_raise(CORO_KeyError, "k")), CORO_KeyError,
				  "k");
	assert_raises(coro_tasklet_channel_send_exception(channel, coro_int(1)), CORO_TypeError,
				  "exceptions must be classes, or instances, not int");
	assert_int_equal(coro_tasklet_channel_balance(channel), 0);
}

static coro_value sends_errors_as_values(coro_value unused)
{
	for (int i = 0; i < 20; i++)
		CORO_TRY(coro_tasklet_channel_send(channel, coro_error(CORO_ValueError, "number %d", i)));
	return CORO_NONE;
}

static coro_value keeps_the_first(coro_value unused)
{
	coro_value one = CORO_TRY(coro_tasklet_channel_receive(channel)), more;

	for (int i = 1; i < 4; i++)
		more = CORO_TRY(coro_tasklet_channel_receive(channel));
	note("%s, %s ", coro_message(one), coro_message(more));
	return CORO_NONE;
}

static void an_exception_that_is_a_value_is_valid_where_it_arrives(void **state)
{
	coro_tasklet_channel_set_preference(channel, 0);
	go(keeps_the_first, CORO_NONE);
	first = coro_tasklet(sends_errors_as_values, CORO_NONE);
	assert_none(coro_tasklet_run_all());
	assert_none(coro_tasklet_kill(first));
	coro_tasklet_free(first);
	assert_string_equal(diary, "number 0, number 3 ");
}

static void a_closed_channel_lets_nobody_block(void **state)
{
	first = coro_tasklet(sends, coro_int(1));
	assert_none(coro_tasklet_run_all());
	assert_false(coro_tasklet_channel_closing(channel));
	coro_tasklet_channel_close(channel);
	assert_true(coro_tasklet_channel_closing(channel));
	assert_false(coro_tasklet_channel_closed(channel));
	assert_raises(coro_tasklet_channel_send(channel, coro_int(2)), CORO_ValueError,
				  "Send/receive operation on a closed channel");
	/* What waited is still there. */
	assert_int_value(coro_tasklet_channel_receive(channel), 1);
	assert_true(coro_tasklet_channel_closed(channel));
	assert_raises(coro_tasklet_channel_receive(channel), CORO_ValueError,
				  "Send/receive operation on a closed channel");
	assert_stops(coro_tasklet_channel_next(channel));
	assert_none(coro_tasklet_run_all());
	coro_tasklet_channel_open(channel);
	assert_false(coro_tasklet_channel_closing(channel));
	assert_false(coro_tasklet_channel_closed(channel));
	coro_tasklet_free(first);
}

static coro_value sends_and_closes(coro_value unused)
{
	for (int64_t i = 0; i < 5; i++)
		CORO_TRY(coro_tasklet_channel_send(channel, coro_int(i)));
	coro_tasklet_channel_close(channel);
	CORO_TRY(coro_tasklet_channel_send_exception(other_channel,
												 coro_raise_value(CORO_StopIteration, CORO_NONE)));
	return CORO_NONE;
}

static coro_value iterates(coro_value from)
{
	coro_value item;

	while (coro_tasklet_channel_iterate(coro_as_ptr(from), &item))
		note("%d ", (int)coro_as_int(item));
	assert_none(item);
	note("end ");
	return CORO_NONE;
}

static void a_channel_is_iterated_until_it_is_closed_or_a_stop_is_sent(void **state)
{
	coro_tasklet_channel_set_preference(channel, 1);
	go(sends_and_closes, CORO_NONE);
	go(iterates, coro_ptr(channel));
	go(iterates, coro_ptr(other_channel));
	assert_none(coro_tasklet_run_all());
	assert_string_equal(diary, "0 1 2 3 end 4 end ");
}

/* ---- Deadlock ------------------------------------------------------------- */

static void the_last_that_can_run_cannot_block(void **state)
{
	assert_raises(coro_tasklet_channel_receive(channel), CORO_RuntimeError,
				  "Deadlock: the last runnable tasklet cannot be blocked.");
	assert_raises(coro_tasklet_channel_send(channel, coro_int(1)), CORO_RuntimeError,
				  "Deadlock: the last runnable tasklet cannot be blocked.");
	assert_int_equal(coro_tasklet_channel_balance(channel), 0);
	assert_int_equal(coro_tasklet_run_count(), 1);
}

static coro_value receives_from_the_other(coro_value unused)
{
	coro_value got = coro_tasklet_channel_receive(other_channel);

	note("%s ", coro_message(got));
	CORO_TRY(coro_tasklet_channel_send(channel, coro_int(5)));
	return CORO_NONE;
}

static void that_is_told_to_the_last_and_not_to_main(void **state)
{
	go(receives_from_the_other, CORO_NONE);
	assert_int_value(coro_tasklet_channel_receive(channel), 5);
	assert_string_equal(diary, "Deadlock: the last runnable tasklet cannot be blocked. ");
	assert_int_equal(coro_tasklet_channel_balance(other_channel), 0);
	assert_none(coro_tasklet_run_all());
}

static void main_is_told_when_the_last_ends_while_it_waits(void **state)
{
	go(says, coro_str("a"));
	assert_raises(coro_tasklet_channel_receive(channel), CORO_RuntimeError,
				  "the main tasklet is receiving without a sender available.");
	go(says, coro_str("b"));
	assert_raises(coro_tasklet_channel_send(channel, coro_int(1)), CORO_RuntimeError,
				  "the main tasklet is sending without a receiver available.");
	assert_int_equal(coro_tasklet_channel_balance(channel), 0);
	assert_string_equal(diary, "a b ");
}

static void who_waits_in_run_all_goes_on_when_all_are_blocked(void **state)
{
	first = coro_tasklet(receives, CORO_NONE);
	assert_none(coro_tasklet_run_all());
	assert_state(first, "blocked");
	assert_none(coro_tasklet_channel_send(channel, coro_int(3)));
	assert_string_equal(diary, "got 3 ");
	coro_tasklet_free(first);
}

/* ---- Freeing -------------------------------------------------------------- */

static coro_value pauses_and_is_known(coro_value text)
{
	third = coro_tasklet_current();
	return pauses(text);
}

static void one_that_is_given_up_lives_until_it_ends(void **state)
{
	go(pauses_and_is_known, coro_str("a"));
	go(receives, CORO_NONE);
	assert_none(coro_tasklet_run_all());
	assert_int_equal(coro_census().bodies, 2);
	assert_none(coro_tasklet_channel_send(channel, coro_int(1)));
	assert_int_equal(coro_census().bodies, 1);
	/* Who got the handle in time can still insert it. */
	assert_none(coro_tasklet_insert(third));
	assert_none(coro_tasklet_run_all());
	assert_int_equal(coro_census().bodies, 0);
	/* One that is paused already, nobody would. */
	first = coro_tasklet(pauses, coro_str("b"));
	assert_none(coro_tasklet_run_all());
	coro_tasklet_free(first);
	assert_string_equal(diary, "a got 1 a again b TaskletExit in b ");
	assert_string_equal(reports, "");
}

static void *in_a_thread(void *unused)
{
	channel = coro_tasklet_channel_new("channel");
	go(pauses, coro_str("a"));
	go(receives, CORO_NONE);
	first = coro_tasklet(survives, CORO_NONE);
	second = coro_tasklet(says, coro_str("runs"));
	coro_tasklet_run_all();
	go(says, coro_str("never"));
	coro_tasklet_free(second);
	return NULL;
}

static void what_a_thread_leaves_is_killed_at_its_end(void **state)
{
	struct coro_tasklet_channel *mine = channel;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, in_a_thread, NULL), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	channel = mine; /* the thread's went with it */
	assert_string_equal(diary, "a runs TaskletExit in a ");
	assert_non_null(strstr(reports, "ValueError: not so"));
}

/* ---- Larger --------------------------------------------------------------- */

/* Takes from one channel what no prime before divides, and gives the rest to the next. */
static coro_value sieves(coro_value from)
{
	struct coro_tasklet_channel *in = coro_as_ptr(from), *out = NULL;
	coro_value prime = CORO_NONE, number;

	while (coro_tasklet_channel_iterate(in, &number)) {
		if (coro_is_none(prime)) {
			prime = number;
			note("%d ", (int)coro_as_int(prime));
			out = coro_tasklet_channel_new("out");
			go(sieves, coro_ptr(out));
		} else if (coro_as_int(number) % coro_as_int(prime)) {
			CORO_TRY(coro_tasklet_channel_send(out, number));
		}
	}
	if (out) {
		CORO_TRY(coro_tasklet_channel_send_exception(
			out, coro_raise_value(CORO_StopIteration, CORO_NONE)));
		coro_tasklet_channel_free(out);
	}
	return number;
}

static void a_sieve_of_tasklets_finds_primes(void **state)
{
	go(sieves, coro_ptr(channel));
	for (int64_t i = 2; i < 50; i++)
		assert_none(coro_tasklet_channel_send(channel, coro_int(i)));
	assert_none(coro_tasklet_channel_send_exception(
		channel, coro_raise_value(CORO_StopIteration, CORO_NONE)));
	assert_none(coro_tasklet_run_all());
	assert_string_equal(diary, "2 3 5 7 11 13 17 19 23 29 31 37 41 43 47 ");
}

enum { RING = 1000 };
static struct coro_tasklet_channel *ring[RING];

static coro_value passes_on(coro_value number)
{
	int64_t at = coro_as_int(number);

	for (;;) {
		coro_value token = CORO_TRY(coro_tasklet_channel_receive(ring[at]));

		CORO_TRY(
			coro_tasklet_channel_send(ring[(at + 1) % RING], coro_int(coro_as_int(token) + 1)));
	}
}

static void a_token_goes_round_a_thousand(void **state)
{
	static struct coro_tasklet *tasklets[RING];

	for (int i = 0; i < RING; i++)
		ring[i] = coro_tasklet_channel_new("ring");
	for (int i = 1; i < RING; i++)
		tasklets[i] = coro_tasklet(passes_on, coro_int(i));
	assert_none(coro_tasklet_run_all());
	for (int round = 0; round < 5; round++) {
		assert_none(coro_tasklet_channel_send(ring[1], coro_int(0)));
		assert_int_value(coro_tasklet_channel_receive(ring[0]), RING - 1);
	}
	assert_none(coro_tasklet_run_all());
	for (int i = 1; i < RING; i++) {
		assert_none(coro_tasklet_kill(tasklets[i]));
		coro_tasklet_free(tasklets[i]);
	}
	for (int i = 0; i < RING; i++)
		coro_tasklet_channel_free(ring[i]);
}

/* ---- With the rest -------------------------------------------------------- */

static coro_value yields_what_it_receives(coro_value unused)
{
	for (;;)
		CORO_TRY(coro_yield(CORO_TRY(coro_tasklet_channel_receive(channel))));
}

static struct coro_generator *shared_generator;

static coro_value steps_the_generator(coro_value unused)
{
	coro_value got = coro_next(shared_generator);

	note("%d ", coro_raised(got) ? -1 : (int)coro_as_int(got));
	return CORO_NONE;
}

static void a_generator_blocks_in_the_middle_of_a_step(void **state)
{
	shared_generator = coro_generator(yields_what_it_receives, CORO_NONE);
	go(steps_the_generator, CORO_NONE);
	assert_none(coro_tasklet_run_all());
	assert_raises(coro_next(shared_generator), CORO_ValueError, "generator already executing");
	assert_none(coro_tasklet_channel_send(channel, coro_int(1)));
	go(sends, coro_int(2));
	assert_int_value(coro_next(shared_generator), 2);
	assert_none(coro_tasklet_run_all());
	assert_string_equal(diary, "1 sent 2 ");
	/* And the tasklet that is killed there ends it. */
	first = coro_tasklet(steps_the_generator, CORO_NONE);
	assert_none(coro_tasklet_run_all());
	assert_none(coro_tasklet_kill(first));
	coro_tasklet_free(first);
	assert_true(coro_finished(shared_generator));
	coro_free(shared_generator);
	assert_string_equal(diary, "1 sent 2 -1 ");
}

static coro_value yields_and_awaits(coro_value unused)
{
	assert_raises(coro_yield(coro_int(1)), CORO_RuntimeError, "yield outside a generator");
	assert_raises(coro_await(coro_int(1)), CORO_RuntimeError, "await outside a coroutine");
	return CORO_NONE;
}

static void its_function_is_outside_of_all_bodies(void **state)
{
	go(yields_and_awaits, CORO_NONE);
	assert_none(coro_tasklet_run_all());
}

static struct coro_greenlet *in_main, *main_greenlet;

static coro_value has_no_greenlets(coro_value unused)
{
	assert_null(coro_greenlet_current());
	assert_null(coro_greenlet(says, coro_str("never")));
	assert_raises(coro_greenlet_switch(in_main, CORO_NONE), CORO_GreenletError,
				  "cannot switch greenlets in a tasklet");
	assert_raises(coro_greenlet_throw(in_main, CORO_NONE), CORO_GreenletError,
				  "cannot switch greenlets in a tasklet");
	assert_false(coro_greenlet_dead(in_main));
	return coro_tasklet_channel_send(channel, coro_int(7));
}

static coro_value receives_in_a_greenlet(coro_value unused)
{
	coro_value got = CORO_TRY(coro_tasklet_channel_receive(channel));

	assert_ptr_equal(coro_greenlet_current(), in_main);
	CORO_TRY(coro_greenlet_switch(main_greenlet, got));
	return CORO_NONE;
}

static void the_main_tasklet_is_the_thread_with_its_greenlets(void **state)
{
	main_greenlet = coro_greenlet_current();
	in_main = coro_greenlet(receives_in_a_greenlet, CORO_NONE);
	go(has_no_greenlets, CORO_NONE);
	assert_int_value(coro_greenlet_switch(in_main, CORO_NONE), 7);
	assert_ptr_equal(coro_greenlet_current(), main_greenlet);
	coro_greenlet_free(in_main);
	assert_none(coro_tasklet_run_all());
}

static coro_value ticks(coro_value unused)
{
	for (int i = 0; i < 3; i++) {
		note("tick ");
		CORO_TRY(coro_sleep(1));
	}
	return CORO_NONE;
}

static coro_value receives_in_a_task(coro_value unused)
{
	struct coro_task *clock = coro_spawn(ticks, CORO_NONE, "clock");

	CORO_TRY(coro_sleep(1.5));
	/* The loop stands still, and the tasklets run. */
	note("got %d ", (int)coro_as_int(CORO_TRY(coro_tasklet_channel_receive(channel))));
	assert_ptr_equal(coro_tasklet_current(), coro_tasklet_main());
	CORO_TRY(coro_await(clock));
	coro_task_free(clock);
	return CORO_NONE;
}

static coro_value schedules_then_sends(coro_value unused)
{
	for (int i = 0; i < 3; i++) {
		note("%d ", i);
		CORO_TRY(coro_tasklet_schedule());
	}
	return coro_tasklet_channel_send(channel, coro_int(3));
}

static coro_value run_loop(coro_value function)
{
	struct coro_loop *loop = coro_loop_new(&(struct coro_loop_options){.virtual_time = true});
	struct coro_generator *coroutine =
		coro_coroutine_named((coro_function *)coro_as_ptr(function), CORO_NONE, "main", "here:1");
	coro_value result = coro_loop_run_until_complete(loop, coro_object(coroutine));

	coro_loop_free(loop);
	return result;
}

static void a_task_that_blocks_at_a_channel_blocks_its_loop(void **state)
{
	go(schedules_then_sends, CORO_NONE);
	assert_none(run_loop(coro_ptr((void *)receives_in_a_task)));
	assert_string_equal(diary, "tick tick 0 1 2 got 3 tick ");
	assert_none(coro_tasklet_run_all());
}

static coro_value sleeps_and_sends(coro_value unused)
{
	CORO_TRY(coro_sleep(1));
	return coro_tasklet_channel_send(channel, coro_int(4));
}

static void a_loop_can_run_in_a_tasklet(void **state)
{
	go(run_loop, coro_ptr((void *)sleeps_and_sends));
	assert_int_value(coro_tasklet_channel_receive(channel), 4);
	assert_none(coro_tasklet_run_all());
}

static coro_value task_waits_for_task(coro_value unused)
{
	return coro_tasklet_channel_receive(channel);
}

static void a_task_cannot_wait_for_another_task_at_a_tasklets_channel(void **state)
{
	assert_raises(run_loop(coro_ptr((void *)task_waits_for_task)), CORO_RuntimeError,
				  "Deadlock: the last runnable tasklet cannot be blocked.");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		sentence(tasklets_run_in_the_order_in_which_they_were_made),
		sentence(schedule_hands_over_round_the_ring),
		sentence(run_runs_one_at_once_and_comes_back),
		sentence(the_ones_behind_a_run_tasklet_run_before_who_ran_it),
		sentence(a_removed_tasklet_waits_until_it_is_inserted),
		sentence(what_cannot_run_is_said),
		sentence(run_all_in_a_tasklet_comes_back_before_mains),
		sentence(who_is_inserted_while_it_waits_in_run_all_comes_back_from_it),
		sentence(a_tasklet_knows_who_it_is),
		sentence(an_exception_that_leaves_a_tasklet_is_raised_in_main),
		sentence(it_is_raised_in_the_innermost_run_all),
		sentence(tasklet_exit_ends_one_silently),
		sentence(kill_raises_tasklet_exit_where_it_waits),
		sentence(who_stands_behind_a_killed_one_runs_before_its_killer),
		sentence(raise_exception_raises_it_at_once),
		sentence(each_has_its_own_exceptions),
		sentence(a_channel_counts_who_waits),
		sentence(values_come_in_the_order_in_which_they_were_sent),
		sentence(preference_says_who_runs_when_two_meet),
		sentence(an_exception_can_be_sent),
		sentence(an_exception_that_is_a_value_is_valid_where_it_arrives),
		sentence(a_closed_channel_lets_nobody_block),
		sentence(a_channel_is_iterated_until_it_is_closed_or_a_stop_is_sent),
		sentence(the_last_that_can_run_cannot_block),
		sentence(that_is_told_to_the_last_and_not_to_main),
		sentence(main_is_told_when_the_last_ends_while_it_waits),
		sentence(who_waits_in_run_all_goes_on_when_all_are_blocked),
		sentence(one_that_is_given_up_lives_until_it_ends),
		sentence(what_a_thread_leaves_is_killed_at_its_end),
		sentence(a_sieve_of_tasklets_finds_primes),
		sentence(a_token_goes_round_a_thousand),
		sentence(a_generator_blocks_in_the_middle_of_a_step),
		sentence(its_function_is_outside_of_all_bodies),
		sentence(the_main_tasklet_is_the_thread_with_its_greenlets),
		sentence(a_task_that_blocks_at_a_channel_blocks_its_loop),
		sentence(a_loop_can_run_in_a_tasklet),
		sentence(a_task_cannot_wait_for_another_task_at_a_tasklets_channel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
