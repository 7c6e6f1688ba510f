/*
 * channel_test.c - channels: rules H1-H4 and H7-H9, and what Go's own tests check (chan_test.go,
 * test/chan/). Select is in select_test.c.
 */
#include "channel_support.h"

/* ---- H1: values and waiting --------------------------------------------- */

static coro_value send_three(coro_value unused)
{
	for (int i = 1; i <= 3; i++) {
		CORO_TRY(coro_channel_send(channel, coro_int(i)));
		note("sent %d", i);
	}
	return CORO_NONE;
}

static coro_value send_before_receiving(coro_value capacity)
{
	struct coro_task *task;

	channel = coro_channel_new((size_t)coro_as_int(capacity));
	task = coro_spawn(send_three, CORO_NONE, NULL);
	CORO_TRY(yield_turn());
	for (int i = 1; i <= 3; i++) {
		note_value("received", coro_channel_receive(channel, NULL));
		CORO_TRY(yield_turn());
	}
	CORO_TRY(finish(task));
	coro_channel_free(channel);
	return CORO_NONE;
}

static void an_unbuffered_send_waits_for_its_receiver(void **state)
{
	assert_false(coro_raised(run(send_before_receiving, coro_int(0))));
	assert_journal("received 1; sent 1; received 2; sent 2; received 3; sent 3; ");
}

static void a_buffered_send_waits_only_while_the_channel_is_full(void **state)
{
	assert_false(coro_raised(run(send_before_receiving, coro_int(2))));
	assert_journal("sent 1; sent 2; received 1; sent 3; received 2; received 3; ");
	assert_false(coro_raised(run(send_before_receiving, coro_int(3))));
	assert_journal("sent 1; sent 2; sent 3; received 1; received 2; received 3; ");
}

static coro_value receive_before_sending(coro_value capacity)
{
	struct coro_task *task;

	channel = coro_channel_new((size_t)coro_as_int(capacity));
	task = receiver("early");
	CORO_TRY(yield_turn());
	note("waits");
	CORO_TRY(coro_channel_send(channel, coro_int(7)));
	note("sent");
	CORO_TRY(finish(task));
	coro_channel_free(channel);
	return CORO_NONE;
}

static void a_receiver_waits_for_a_value_and_its_sender_does_not(void **state)
{
	for (int capacity = 0; capacity < 3; capacity++) {
		assert_false(coro_raised(run(receive_before_sending, coro_int(capacity))));
		assert_journal("waits; sent; early 7 ok; ");
	}
}

enum { MANY = 1000 };

static coro_value send_many(coro_value unused)
{
	for (int i = 0; i < MANY; i++) {
		CORO_TRY(coro_channel_send(channel, coro_int(i)));
		/* Now the one is faster, now the other. */
		if (i % 7 == 3 || i % 64 > 40)
			CORO_TRY(yield_turn());
	}
	return coro_channel_close(channel);
}

static coro_value receive_many(coro_value capacity)
{
	struct coro_task *task;
	int next = 0;

	channel = coro_channel_new((size_t)coro_as_int(capacity));
	task = coro_spawn(send_many, CORO_NONE, NULL);
	CORO_CHANNEL_FOR(value, channel)
	{
		assert_int_equal(coro_as_int(value), next++);
		assert_true(coro_channel_length(channel) <= coro_channel_capacity(channel));
		if (next % 5 == 2 || next % 50 > 30)
			CORO_TRY(yield_turn());
	}
	assert_int_equal(next, MANY);
	CORO_TRY(finish(task));
	coro_channel_free(channel);
	return CORO_NONE;
}

static void values_arrive_in_the_order_in_which_they_were_sent(void **state)
{
	for (int capacity = 0; capacity < 20; capacity++)
		assert_false(coro_raised(run(receive_many, coro_int(capacity))));
}

/* ---- H2, H3, H4: closing ------------------------------------------------ */

static coro_value close_with_values_in_it(coro_value unused)
{
	coro_value value = CORO_NONE;
	bool ok = false;

	channel = coro_channel_new(3);
	CORO_TRY(coro_channel_send(channel, coro_int(1)));
	CORO_TRY(coro_channel_send(channel, CORO_NONE));
	assert_false(coro_channel_closed(channel));
	note_value("close", coro_channel_close(channel));
	assert_true(coro_channel_closed(channel));
	assert_int_equal(coro_channel_length(channel), 2);
	receive_and_tell(coro_str("first"));
	receive_and_tell(coro_str("second"));
	receive_and_tell(coro_str("third"));
	note_value("again", coro_channel_receive(channel, NULL));
	note_value("at once", coro_channel_receive_nowait(channel, &value, &ok));
	assert_false(ok);
	note_value("send", coro_channel_send(channel, coro_int(3)));
	note_value("send at once", coro_channel_send_nowait(channel, coro_int(3)));
	note_value("close", coro_channel_close(channel));
	note_value("nil", coro_channel_close(NULL));
	coro_channel_free(channel);
	return CORO_NONE;
}

static void a_closed_channel_gives_what_was_sent_and_then_none(void **state)
{
	assert_false(coro_raised(run(close_with_values_in_it, CORO_NONE)));
	assert_journal("close None; first 1 ok; second None ok; third None closed; again None; "
				   "at once True; send raised RuntimeError send on closed channel; "
				   "send at once raised RuntimeError send on closed channel; "
				   "close raised RuntimeError close of closed channel; "
				   "nil raised RuntimeError close of nil channel; ");
}

static coro_value close_before_two_receivers(coro_value capacity)
{
	struct coro_task *a, *b;

	channel = coro_channel_new((size_t)coro_as_int(capacity));
	a = receiver("a");
	b = receiver("b");
	CORO_TRY(yield_turn());
	CORO_TRY(coro_channel_close(channel));
	note("closed");
	CORO_TRY(finish(a));
	CORO_TRY(finish(b));
	coro_channel_free(channel);
	return CORO_NONE;
}

static void closing_tells_all_who_wait_to_receive(void **state)
{
	for (int capacity = 0; capacity < 2; capacity++) {
		assert_false(coro_raised(run(close_before_two_receivers, coro_int(capacity))));
		assert_journal("closed; a None closed; b None closed; ");
	}
}

static coro_value close_before_two_senders(coro_value unused)
{
	struct message one = {"a", coro_int(1)}, two = {"b", coro_int(2)};
	struct coro_task *a, *b;

	channel = coro_channel_new(1);
	CORO_TRY(coro_channel_send(channel, coro_int(0)));
	a = sender(&one);
	b = sender(&two);
	CORO_TRY(yield_turn());
	CORO_TRY(coro_channel_close(channel));
	finish(a);
	finish(b);
	CORO_CHANNEL_FOR(value, channel)
	note_value("left", value);
	coro_channel_free(channel);
	return CORO_NONE;
}

static void closing_raises_in_all_who_wait_to_send(void **state)
{
	assert_false(coro_raised(run(close_before_two_senders, CORO_NONE)));
	assert_journal("a raised RuntimeError send on closed channel; "
				   "b raised RuntimeError send on closed channel; left 0; ");
}

/* ---- Waiting for ever ---------------------------------------------------- */

static coro_value wait_for_nil(coro_value unused)
{
	struct message message = {"sender", coro_int(1)};
	struct coro_task *a, *b;
	coro_value result;

	channel = NULL;
	a = receiver("receiver");
	b = sender(&message);
	result = coro_await(a);
	coro_task_free(a);
	coro_task_free(b);
	return result;
}

static void a_nil_channel_is_never_ready(void **state)
{
	run_to_deadlock(wait_for_nil);
	assert_journal("deadlock: 3 tasks wait for ever\n"
				   "  'main' awaits task 'receiver'\n"
				   "  'receiver' awaits receive of a nil channel\n"
				   "  'sender' awaits send of a nil channel; "
				   "receiver raised CancelledError; sender raised CancelledError; ");
	assert_int_equal(coro_channel_length(NULL), 0);
	assert_int_equal(coro_channel_capacity(NULL), 0);
	assert_false(coro_channel_closed(NULL));
}

static coro_value wait_on_both_sides(coro_value unused)
{
	struct coro_channel *jobs = coro_channel_new_named(0, "jobs"), *results = coro_channel_new(1);
	struct message message = {"sender", coro_int(1)};
	struct coro_task *a, *b;

	channel = jobs;
	a = sender(&message);
	coro_sleep(0);
	channel = results;
	b = receiver("receiver");
	coro_await(b);
	coro_await(a);
	coro_task_free(a);
	coro_task_free(b);
	coro_channel_free(jobs);
	coro_channel_free(results);
	return CORO_NONE;
}

static void a_deadlock_names_the_channel_and_the_side(void **state)
{
	run_to_deadlock(wait_on_both_sides);
	assert_non_null(strstr(journal, "  'main' awaits task 'receiver'\n"
									"  'sender' awaits send of 'jobs'\n"
									"  'receiver' awaits receive of channel #"));
	journal_length = 0;
	journal[0] = 0;
}

/* ---- Without waiting ------------------------------------------------------ */

static coro_value do_not_wait(coro_value unused)
{
	struct message message = {"sender", coro_int(5)};
	coro_value value = coro_int(-1);
	struct coro_task *a, *b;
	bool ok = false;

	channel = coro_channel_new(0);
	note_value("nobody receives", coro_channel_send_nowait(channel, coro_int(1)));
	note_value("nobody sends", coro_channel_receive_nowait(channel, &value, &ok));
	assert_int_equal(coro_as_int(value), -1);
	a = receiver("receiver");
	b = sender(&message);
	CORO_TRY(yield_turn());
	CORO_TRY(finish(a));
	CORO_TRY(finish(b));
	a = receiver("receiver");
	CORO_TRY(yield_turn());
	note_value("somebody receives", coro_channel_send_nowait(channel, coro_int(2)));
	CORO_TRY(finish(a));
	b = sender(&message);
	CORO_TRY(yield_turn());
	note_value("somebody sends", coro_channel_receive_nowait(channel, &value, &ok));
	assert_int_equal(coro_as_int(value), 5);
	assert_true(ok);
	CORO_TRY(finish(b));
	coro_channel_free(channel);

	channel = coro_channel_new(1);
	note_value("a place", coro_channel_send_nowait(channel, coro_int(1)));
	note_value("full", coro_channel_send_nowait(channel, coro_int(2)));
	note_value("a value", coro_channel_receive_nowait(channel, &value, NULL));
	note_value("empty", coro_channel_receive_nowait(channel, &value, NULL));
	coro_channel_free(channel);
	note_value("nil", coro_channel_send_nowait(NULL, coro_int(1)));
	note_value("nil", coro_channel_receive_nowait(NULL, &value, NULL));
	return CORO_NONE;
}

static void what_would_wait_says_so(void **state)
{
	assert_false(coro_raised(run(do_not_wait, CORO_NONE)));
	assert_journal("nobody receives False; nobody sends False; sender sent; receiver 5 ok; "
				   "somebody receives True; receiver 2 ok; somebody sends True; sender sent; "
				   "a place True; full False; a value True; empty False; nil False; nil False; ");
}

static void outside_of_a_coroutine_nothing_waits(void **state)
{
	struct coro_loop *loop = journal_loop();
	coro_value value;

	channel = coro_channel_new(1);
	note_value("send", coro_channel_send(channel, coro_int(1)));
	note_value("receive", coro_channel_receive(channel, NULL));
	note_value("send at once", coro_channel_send_nowait(channel, coro_int(1)));
	note_value("receive at once", coro_channel_receive_nowait(channel, &value, NULL));
	note_value("close", coro_channel_close(channel));
	coro_channel_free(channel);
	coro_channel_free(NULL);
	assert_journal("send raised RuntimeError 'await' outside async function; "
				   "receive raised RuntimeError 'await' outside async function; "
				   "send at once True; receive at once True; close None; ");
	journal_end(loop);
}

static coro_value send_something_raised(coro_value unused)
{
	channel = coro_channel_new(1);
	note_value("send", coro_channel_send(channel, coro_raise(CORO_KeyError, "x")));
	note_value("at once", coro_channel_send_nowait(channel, coro_raise(CORO_KeyError, "y")));
	assert_int_equal(coro_channel_length(channel), 0);
	coro_channel_free(channel);
	return CORO_NONE;
}

static void something_raised_is_returned_and_not_sent(void **state)
{
	assert_false(coro_raised(run(send_something_raised, CORO_NONE)));
	assert_journal("send raised KeyError x; at once raised KeyError y; ");
}

/* ---- H7: who waits is served in turn -------------------------------------- */

static coro_value serve_three(coro_value receive)
{
	struct message messages[] = {{"a", coro_int(1)}, {"b", coro_int(2)}, {"c", coro_int(3)}};
	struct coro_task *tasks[3];

	channel = coro_channel_new(0);
	for (int i = 0; i < 3; i++)
		tasks[i] = coro_as_bool(receive) ? receiver(messages[i].name) : sender(&messages[i]);
	CORO_TRY(yield_turn());
	for (int i = 1; i <= 3; i++) {
		if (coro_as_bool(receive))
			CORO_TRY(coro_channel_send(channel, coro_int(i)));
		else
			note_value("received", coro_channel_receive(channel, NULL));
	}
	for (int i = 0; i < 3; i++)
		CORO_TRY(finish(tasks[i]));
	coro_channel_free(channel);
	return CORO_NONE;
}

static void who_waits_is_served_in_the_order_of_coming(void **state)
{
	assert_false(coro_raised(run(serve_three, coro_bool(true))));
	assert_journal("a 1 ok; b 2 ok; c 3 ok; ");
	assert_false(coro_raised(run(serve_three, coro_bool(false))));
	assert_journal("received 1; received 2; received 3; a sent; b sent; c sent; ");
}

static coro_value overtake(coro_value unused)
{
	struct message message = {"sender", coro_int(2)};
	struct coro_task *task;
	coro_value value;

	/* The value is the first receiver's when it is sent, although that has not run yet. */
	channel = coro_channel_new(1);
	task = receiver("first");
	CORO_TRY(yield_turn());
	CORO_TRY(coro_channel_send(channel, coro_int(1)));
	assert_int_equal(coro_channel_length(channel), 0);
	note_value("newcomer", coro_channel_receive_nowait(channel, &value, NULL));
	CORO_TRY(finish(task));

	/* The place is the first sender's when it is free. */
	CORO_TRY(coro_channel_send(channel, coro_int(1)));
	task = sender(&message);
	CORO_TRY(yield_turn());
	CORO_TRY(coro_channel_receive(channel, NULL));
	assert_int_equal(coro_channel_length(channel), 1);
	note_value("newcomer", coro_channel_send_nowait(channel, coro_int(3)));
	note_value("then", coro_channel_receive(channel, NULL));
	CORO_TRY(finish(task));
	coro_channel_free(channel);
	return CORO_NONE;
}

static void a_newcomer_does_not_overtake(void **state)
{
	assert_false(coro_raised(run(overtake, CORO_NONE)));
	assert_journal("newcomer False; first 1 ok; newcomer False; then 2; sender sent; ");
}

/* ---- H8: cancellation ----------------------------------------------------- */

static coro_value cancel_who_waits(coro_value unused)
{
	struct message message = {"a", coro_int(1)}, other = {"b", coro_int(2)};
	struct coro_task *a, *b;

	channel = coro_channel_new(0);
	a = receiver("a");
	b = receiver("b");
	CORO_TRY(yield_turn());
	coro_task_cancel(a, NULL);
	CORO_TRY(coro_channel_send(channel, coro_int(7)));
	finish(a);
	finish(b);

	a = sender(&message);
	b = sender(&other);
	CORO_TRY(yield_turn());
	coro_task_cancel(a, NULL);
	note_value("received", coro_channel_receive(channel, NULL));
	finish(a);
	finish(b);

	/* With nobody behind it, whoever comes waits. */
	a = receiver("a");
	CORO_TRY(yield_turn());
	coro_task_cancel(a, NULL);
	note_value("send at once", coro_channel_send_nowait(channel, coro_int(8)));
	finish(a);
	coro_channel_free(channel);
	return CORO_NONE;
}

static void who_is_cancelled_while_it_waits_has_not_communicated(void **state)
{
	assert_false(coro_raised(run(cancel_who_waits, CORO_NONE)));
	assert_journal("a raised CancelledError; b 7 ok; received 2; a raised CancelledError; b sent; "
				   "send at once False; a raised CancelledError; ");
}

static coro_value cancel_after_the_hand_over(coro_value unused)
{
	struct coro_task *a, *b;

	channel = coro_channel_new(0);
	a = receiver("a");
	b = receiver("b");
	CORO_TRY(yield_turn());
	CORO_TRY(coro_channel_send(channel, coro_int(1)));
	coro_task_cancel(a, NULL);
	finish(a);
	finish(b);
	coro_channel_free(channel);
	return CORO_NONE;
}

static void a_value_of_a_cancelled_receiver_goes_to_the_next_one(void **state)
{
	assert_false(coro_raised(run(cancel_after_the_hand_over, CORO_NONE)));
	assert_journal("a raised CancelledError; b 1 ok; ");
}

enum { CANCELLED = 9 };

static coro_value cancel_many_after_the_hand_over(coro_value capacity)
{
	struct coro_task *tasks[CANCELLED];
	int next = 0;

	channel = coro_channel_new((size_t)coro_as_int(capacity));
	for (int i = 0; i < CANCELLED; i++)
		tasks[i] = receiver("receiver");
	CORO_TRY(yield_turn());
	for (int i = 0; i < CANCELLED; i++)
		CORO_TRY(coro_channel_send(channel, coro_int(i)));
	if (coro_as_int(capacity))
		CORO_TRY(coro_channel_send(channel, coro_int(CANCELLED)));
	for (int i = 0; i < CANCELLED; i++)
		coro_task_cancel(tasks[i], NULL);
	for (int i = 0; i < CANCELLED; i++)
		finish(tasks[i]);
	assert_int_equal(coro_channel_length(channel), CANCELLED + coro_as_int(capacity));
	/* Nothing more goes in, and what is in it can be got even when it is closed. */
	assert_false(coro_as_bool(coro_channel_send_nowait(channel, coro_int(100))));
	CORO_TRY(coro_channel_close(channel));
	CORO_CHANNEL_FOR(value, channel)
	assert_int_equal(coro_as_int(value), next++);
	assert_int_equal(next, CANCELLED + coro_as_int(capacity));
	coro_channel_free(channel);
	return CORO_NONE;
}

static void values_of_cancelled_receivers_go_back_in_their_order(void **state)
{
	assert_false(coro_raised(run(cancel_many_after_the_hand_over, coro_int(0))));
	assert_false(coro_raised(run(cancel_many_after_the_hand_over, coro_int(1))));
}

static coro_value cancel_a_sender_after_the_hand_over(coro_value capacity)
{
	struct message message = {"sender", coro_int(7)};
	struct coro_task *task;

	channel = coro_channel_new((size_t)coro_as_int(capacity));
	for (int i = 0; i < coro_as_int(capacity); i++)
		CORO_TRY(coro_channel_send(channel, coro_int(i)));
	task = sender(&message);
	CORO_TRY(yield_turn());
	note_value("received", coro_channel_receive(channel, NULL));
	coro_task_cancel(task, NULL);
	finish(task);
	CORO_TRY(coro_channel_close(channel));
	CORO_CHANNEL_FOR(value, channel)
	note_value("left", value);
	coro_channel_free(channel);
	return CORO_NONE;
}

static void a_value_that_was_taken_stays_sent(void **state)
{
	assert_false(coro_raised(run(cancel_a_sender_after_the_hand_over, coro_int(0))));
	assert_journal("received 7; sender raised CancelledError; ");
	assert_false(coro_raised(run(cancel_a_sender_after_the_hand_over, coro_int(1))));
	assert_journal("received 0; sender raised CancelledError; left 7; ");
}

static coro_value cancel_after_the_close(coro_value unused)
{
	struct coro_task *task;

	channel = coro_channel_new(0);
	task = receiver("receiver");
	CORO_TRY(yield_turn());
	CORO_TRY(coro_channel_close(channel));
	coro_task_cancel(task, NULL);
	finish(task);
	assert_int_equal(coro_channel_length(channel), 0);
	coro_channel_free(channel);
	return CORO_NONE;
}

static void nothing_goes_back_into_a_closed_channel_that_gave_nothing(void **state)
{
	assert_false(coro_raised(run(cancel_after_the_close, CORO_NONE)));
	assert_journal("receiver raised CancelledError; ");
}

static coro_value receive_in_time(coro_value unused)
{
	bool ok = true;
	coro_value value;

	channel = coro_channel_new(0);
	value = coro_wait_for(coro_object(coro_coroutine(receive_and_tell, coro_str("late"))), 0.5);
	note_value("wait_for", value);
	note_value("send", coro_channel_send_nowait(channel, coro_int(1)));
	note_value("receive", coro_channel_receive_nowait(channel, &value, &ok));
	coro_channel_free(channel);
	return CORO_NONE;
}

static void a_receive_can_be_given_up_after_a_while(void **state)
{
	assert_false(coro_raised(run(receive_in_time, CORO_NONE)));
	assert_journal("late raised CancelledError; wait_for raised TimeoutError; send False; "
				   "receive False; ");
}

static coro_value leave_them_waiting(coro_value unused)
{
	static struct message message = {"sender", {0}};

	message.value = coro_int(1);
	coro_task_free(receiver("receiver"));
	CORO_TRY(yield_turn());
	coro_task_free(sender(&message));
	coro_task_free(sender(&message));
	return yield_turn();
}

static void the_end_of_the_loop_leaves_nobody_on_a_channel(void **state)
{
	struct coro_loop *loop = journal_loop();
	struct coro_task *main_task;

	/* One pair meets; the second sender still waits when the loop is freed. */
	channel = coro_channel_new(0);
	main_task = coro_spawn(leave_them_waiting, CORO_NONE, "main");
	assert_false(coro_raised(coro_loop_run_until_complete(loop, coro_object(main_task))));
	coro_task_free(main_task);
	coro_loop_free(loop);
	coro_channel_free(channel);
	journal_end(NULL);
}

/* ---- Items ---------------------------------------------------------------- */

static coro_value send_an_error(coro_value unused)
{
	coro_value error = coro_raise(CORO_ValueError, "bad port");

	return coro_channel_send(channel, coro_caught(error));
}

static coro_value receive_an_error(coro_value capacity)
{
	struct coro_task *task;
	coro_value value;

	channel = coro_channel_new((size_t)coro_as_int(capacity));
	task = coro_spawn(send_an_error, CORO_NONE, NULL);
	if (coro_as_int(capacity)) /* first sent, then received; else the other way round */
		CORO_TRY(finish(task));
	value = coro_channel_receive(channel, NULL);
	assert_false(coro_raised(value));
	note("%s %s", coro_exception_type(value)->name, coro_message(value));
	if (!coro_as_int(capacity))
		CORO_TRY(finish(task));
	/* One that nobody receives. */
	if (coro_as_int(capacity))
		CORO_TRY(send_an_error(CORO_NONE));
	coro_channel_free(channel);
	return CORO_NONE;
}

static void an_exception_that_is_sent_stays_valid(void **state)
{
	for (int capacity = 0; capacity < 3; capacity++) {
		assert_false(coro_raised(run(receive_an_error, coro_int(capacity))));
		assert_journal("ValueError bad port; ");
	}
	coro_raise(CORO_ValueError, "the last one that the thread keeps");
}

static coro_value give_back_an_error(coro_value unused)
{
	coro_value value;
	struct coro_task *task;

	channel = coro_channel_new(0);
	task = receiver("receiver");
	CORO_TRY(yield_turn());
	CORO_TRY(send_an_error(CORO_NONE));
	coro_task_cancel(task, NULL);
	finish(task);
	value = coro_channel_receive(channel, NULL);
	note("%s %s", coro_exception_type(value)->name, coro_message(value));

	/* One that is dropped with the channel. */
	task = receiver("receiver");
	CORO_TRY(yield_turn());
	CORO_TRY(send_an_error(CORO_NONE));
	coro_task_cancel(task, NULL);
	finish(task);
	coro_channel_free(channel);
	return CORO_NONE;
}

static void an_exception_that_goes_back_stays_valid(void **state)
{
	assert_false(coro_raised(run(give_back_an_error, CORO_NONE)));
	assert_journal("receiver raised CancelledError; ValueError bad port; "
				   "receiver raised CancelledError; ");
}

/* ---- Programs ------------------------------------------------------------- */

/* Go's test/chan/sieve1.go: each prime is a task that passes on what it does not divide. */
struct filter {
	int64_t prime;
	struct coro_channel *in, *out;
};

static coro_value generate(coro_value out)
{
	for (int i = 2;; i++)
		CORO_TRY(coro_channel_send(coro_as_ptr(out), coro_int(i)));
}

static coro_value pass_on(coro_value arg)
{
	const struct filter *filter = coro_as_ptr(arg);

	for (;;) {
		int64_t number = coro_as_int(CORO_TRY(coro_channel_receive(filter->in, NULL)));

		if (number % filter->prime)
			CORO_TRY(coro_channel_send(filter->out, coro_int(number)));
	}
}

static coro_value sieve(coro_value unused)
{
	enum { PRIMES = 40 };
	struct filter filters[PRIMES];
	struct coro_task *tasks[PRIMES + 1];
	struct coro_channel *first = coro_channel_new(0), *in = first;

	tasks[0] = coro_spawn(generate, coro_ptr(first), NULL);
	for (int i = 0; i < PRIMES; i++) {
		filters[i] = (struct filter){.in = in, .out = coro_channel_new(0)};
		filters[i].prime = coro_as_int(CORO_TRY(coro_channel_receive(in, NULL)));
		tasks[i + 1] = coro_spawn(pass_on, coro_ptr(&filters[i]), NULL);
		in = filters[i].out;
	}
	assert_int_equal(filters[PRIMES - 1].prime, 173);
	for (int i = 0; i <= PRIMES; i++) {
		coro_task_cancel(tasks[i], NULL);
		finish(tasks[i]);
	}
	coro_channel_free(first);
	for (int i = 0; i < PRIMES; i++)
		coro_channel_free(filters[i].out);
	return CORO_NONE;
}

static void a_sieve_of_channels_finds_the_primes(void **state)
{
	assert_false(coro_raised(run(sieve, CORO_NONE)));
}

/* Go's TestMultiConsumer. */
static struct coro_channel *results;

static coro_value consume(coro_value pause)
{
	CORO_CHANNEL_FOR(value, channel)
	{
		if (coro_as_int(value) % coro_as_int(pause) == 0)
			CORO_TRY(yield_turn());
		CORO_TRY(coro_channel_send(results, value));
	}
	return CORO_NONE;
}

static coro_value produce(coro_value count)
{
	for (int64_t i = 1; i <= coro_as_int(count); i++)
		CORO_TRY(coro_channel_send(channel, coro_int(i)));
	return coro_channel_close(channel);
}

static coro_value close_results(coro_value unused)
{
	static const int pauses[] = {2, 3, 5, 7};
	struct coro_task *tasks[4];

	for (int i = 0; i < 4; i++)
		tasks[i] = coro_spawn(consume, coro_int(pauses[i]), NULL);
	for (int i = 0; i < 4; i++)
		CORO_TRY(finish(tasks[i]));
	return coro_channel_close(results);
}

static coro_value many_consumers(coro_value capacity)
{
	struct coro_task *producer, *closer;
	int64_t sum = 0, count = 0;

	channel = coro_channel_new((size_t)coro_as_int(capacity));
	results = coro_channel_new(3);
	producer = coro_spawn(produce, coro_int(MANY), NULL);
	closer = coro_spawn(close_results, CORO_NONE, NULL);
	CORO_CHANNEL_FOR(value, results)
	{
		sum += coro_as_int(value);
		count++;
	}
	assert_int_equal(count, MANY);
	assert_int_equal(sum, MANY * (MANY + 1) / 2);
	CORO_TRY(finish(producer));
	CORO_TRY(finish(closer));
	coro_channel_free(channel);
	coro_channel_free(results);
	return CORO_NONE;
}

static void each_value_is_received_once_by_one_of_many(void **state)
{
	for (int capacity = 0; capacity < 6; capacity++)
		assert_false(coro_raised(run(many_consumers, coro_int(capacity))));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_unbuffered_send_waits_for_its_receiver),
		cmocka_unit_test(a_buffered_send_waits_only_while_the_channel_is_full),
		cmocka_unit_test(a_receiver_waits_for_a_value_and_its_sender_does_not),
		cmocka_unit_test(values_arrive_in_the_order_in_which_they_were_sent),
		cmocka_unit_test(a_closed_channel_gives_what_was_sent_and_then_none),
		cmocka_unit_test(closing_tells_all_who_wait_to_receive),
		cmocka_unit_test(closing_raises_in_all_who_wait_to_send),
		cmocka_unit_test(a_nil_channel_is_never_ready),
		cmocka_unit_test(a_deadlock_names_the_channel_and_the_side),
		cmocka_unit_test(what_would_wait_says_so),
		cmocka_unit_test(outside_of_a_coroutine_nothing_waits),
		cmocka_unit_test(something_raised_is_returned_and_not_sent),
		cmocka_unit_test(who_waits_is_served_in_the_order_of_coming),
		cmocka_unit_test(a_newcomer_does_not_overtake),
		cmocka_unit_test(who_is_cancelled_while_it_waits_has_not_communicated),
		cmocka_unit_test(a_value_of_a_cancelled_receiver_goes_to_the_next_one),
		cmocka_unit_test(values_of_cancelled_receivers_go_back_in_their_order),
		cmocka_unit_test(a_value_that_was_taken_stays_sent),
		cmocka_unit_test(nothing_goes_back_into_a_closed_channel_that_gave_nothing),
		cmocka_unit_test(a_receive_can_be_given_up_after_a_while),
		cmocka_unit_test(the_end_of_the_loop_leaves_nobody_on_a_channel),
		cmocka_unit_test(an_exception_that_is_sent_stays_valid),
		cmocka_unit_test(an_exception_that_goes_back_stays_valid),
		cmocka_unit_test(a_sieve_of_channels_finds_the_primes),
		cmocka_unit_test(each_value_is_received_once_by_one_of_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
