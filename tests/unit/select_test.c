/*
 * select_test.c - select over channels: rules H5, H6 and H8, and what Go's own tests check
 * (chan_test.go, test/chan/select*.go).
 */
#include <stdlib.h>
#include "channel_support.h"

/* The linker puts this in the place of the C library's: see --wrap in meson.build. */
void *__wrap_realloc(void *memory, size_t size);
void *__real_realloc(void *memory, size_t size);

static bool no_memory;

void *__wrap_realloc(void *memory, size_t size)
{
	return no_memory ? NULL : __real_realloc(memory, size);
}

enum { CHANNELS = 5 };

static struct coro_channel *channels[CHANNELS];

static void open_channels(size_t capacity)
{
	for (int i = 0; i < CHANNELS; i++)
		channels[i] = coro_channel_new(capacity);
	channel = channels[0];
}

static void free_channels(void)
{
	for (int i = 0; i < CHANNELS; i++)
		coro_channel_free(channels[i]);
}

/* "WHAT 2: value ok", "WHAT 1 sent", or "WHAT raised ...". */
static void note_select(const char *what, const struct coro_case *cases, coro_value result)
{
	char text[64];
	int64_t index;

	if (coro_raised(result)) {
		note_value(what, result);
		return;
	}
	index = coro_as_int(result);
	if (index == CORO_SELECT_DEFAULT) {
		note("%s default", what);
	} else if (cases[index].sends) {
		note("%s %d sent", what, (int)index);
	} else {
		coro_format(cases[index].value, text, sizeof(text));
		note("%s %d: %s %s", what, (int)index, text, cases[index].ok ? "ok" : "closed");
	}
}

/* A task: receives from channels 0, 1 and 2, whichever is first. */
static coro_value select_three(coro_value name)
{
	struct coro_case cases[] = {coro_case_receive(channels[0]), coro_case_receive(channels[1]),
								coro_case_receive(channels[2])};
	coro_value result = coro_select(cases, 3);

	note_select(coro_as_str(name), cases, result);
	return result;
}

/* ---- H5: which cases can proceed ------------------------------------------ */

static coro_value select_what_is_ready(coro_value unused)
{
	open_channels(1);
	struct coro_case cases[] = {coro_case_receive(channels[0]), coro_case_receive(NULL),
								coro_case_send(NULL, coro_int(1)), coro_case_receive(channels[1]),
								coro_case_send(channels[2], coro_int(3))};

	CORO_TRY(coro_channel_send(channels[2], coro_int(2)));
	note_select("nothing", cases, coro_select_nowait(cases, 5));
	CORO_TRY(coro_channel_send(channels[1], coro_int(1)));
	note_select("receive", cases, coro_select(cases, 5));
	note_select("nothing", cases, coro_select_nowait(cases, 5));
	note_value("room", coro_channel_receive(channels[2], NULL));
	note_select("send", cases, coro_select(cases, 5));
	note_value("sent", coro_channel_receive(channels[2], NULL));
	CORO_TRY(coro_channel_send(channels[2], coro_int(2)));
	CORO_TRY(coro_channel_close(channels[0]));
	note_select("closed", cases, coro_select(cases, 5));
	note_select("closed", cases, coro_select_nowait(cases, 5));
	note_select("no cases", NULL, coro_select_nowait(NULL, 0));
	free_channels();
	return CORO_NONE;
}

static void a_select_does_the_one_that_can_proceed(void **state)
{
	assert_false(coro_raised(run(select_what_is_ready, CORO_NONE)));
	assert_journal("nothing default; receive 3: 1 ok; nothing default; room 2; send 4 sent; "
				   "sent 3; closed 0: None closed; closed 0: None closed; no cases default; ");
}

static coro_value select_a_send_on_a_closed_channel(coro_value unused)
{
	struct coro_case cases[2];
	struct coro_task *task;

	open_channels(0);
	cases[0] = coro_case_send(channels[0], coro_int(1));
	cases[1] = coro_case_receive(channels[1]);
	CORO_TRY(coro_channel_close(channels[0]));
	note_select("select", cases, coro_select(cases, 2));
	note_select("nowait", cases, coro_select_nowait(cases, 2));
	cases[0].value = coro_raise(CORO_KeyError, "x");
	note_select("raised value", cases, coro_select(cases, 2));
	task = coro_spawn(select_three, coro_str("other"), NULL);
	CORO_TRY(finish(task));
	free_channels();
	return CORO_NONE;
}

static void a_send_on_a_closed_channel_raises_when_it_is_chosen(void **state)
{
	assert_false(coro_raised(run(select_a_send_on_a_closed_channel, CORO_NONE)));
	assert_journal("select raised RuntimeError send on closed channel; "
				   "nowait raised RuntimeError send on closed channel; "
				   "raised value raised KeyError x; other 0: None closed; ");
}

static coro_value wait_to_send(coro_value unused)
{
	struct coro_case cases[] = {coro_case_send(channels[0], coro_int(1)),
								coro_case_send(channels[1], coro_int(2))};
	coro_value result = coro_select(cases, 2);

	note_select("select", cases, result);
	return result;
}

static coro_value close_under_a_select(coro_value unused)
{
	struct coro_task *task;

	open_channels(0);
	task = coro_spawn(wait_to_send, CORO_NONE, NULL);
	CORO_TRY(yield_turn());
	CORO_TRY(coro_channel_close(channels[1]));
	finish(task);
	task = coro_spawn(select_three, coro_str("other"), NULL);
	CORO_TRY(finish(task));
	free_channels();
	open_channels(0);
	task = coro_spawn(select_three, coro_str("third"), NULL);
	CORO_TRY(yield_turn());
	CORO_TRY(coro_channel_close(channels[2]));
	CORO_TRY(finish(task));
	free_channels();
	return CORO_NONE;
}

static void closing_a_channel_ends_the_selects_that_wait_for_it(void **state)
{
	assert_false(coro_raised(run(close_under_a_select, CORO_NONE)));
	assert_journal("select raised RuntimeError send on closed channel; other 1: None closed; "
				   "third 2: None closed; ");
}

/* ---- Waiting ---------------------------------------------------------------- */

static coro_value select_waits(coro_value unused)
{
	struct coro_task *a, *b;

	open_channels(0);
	a = coro_spawn(select_three, coro_str("a"), NULL);
	b = coro_spawn(select_three, coro_str("b"), NULL);
	CORO_TRY(yield_turn());
	note("wait");
	CORO_TRY(coro_channel_send(channels[2], coro_int(20)));
	/* `a` has left all its channels, although it has not run yet. */
	CORO_TRY(coro_channel_send(channels[2], coro_int(21)));
	for (int i = 0; i < 3; i++)
		assert_false(coro_as_bool(coro_channel_send_nowait(channels[i], coro_int(-1))));
	CORO_TRY(finish(a));
	CORO_TRY(finish(b));

	a = coro_spawn(wait_to_send, CORO_NONE, NULL);
	CORO_TRY(yield_turn());
	note_value("received", coro_channel_receive(channels[1], NULL));
	assert_false(coro_as_bool(coro_channel_receive_nowait(channels[0], &(coro_value){0}, NULL)));
	CORO_TRY(finish(a));
	free_channels();
	return CORO_NONE;
}

static void a_select_waits_for_the_first_of_its_channels(void **state)
{
	assert_false(coro_raised(run(select_waits, CORO_NONE)));
	assert_journal("wait; a 2: 20 ok; b 2: 21 ok; received 2; select 1 sent; ");
}

/* Go's issue 2075 (test/chan/select6.go): the cases that were not chosen leave the middle and the
 * end of their lines, and who waits there besides stays. */
static coro_value leave_the_middle(coro_value unused)
{
	struct coro_task *tasks[5];

	open_channels(0);
	tasks[0] = receiver("before");
	tasks[1] = coro_spawn(select_three, coro_str("select"), NULL);
	tasks[2] = receiver("after");
	tasks[3] = coro_spawn(select_three, coro_str("last"), NULL);
	CORO_TRY(yield_turn());
	CORO_TRY(coro_channel_send(channels[1], coro_int(10)));
	CORO_TRY(coro_channel_send(channels[2], coro_int(11)));
	tasks[4] = receiver("newcomer");
	CORO_TRY(yield_turn());
	for (int i = 0; i < 3; i++)
		CORO_TRY(coro_channel_send(channels[0], coro_int(i)));
	for (int i = 0; i < 5; i++)
		CORO_TRY(finish(tasks[i]));
	free_channels();
	return CORO_NONE;
}

static void cases_that_were_not_chosen_leave_the_lines_in_order(void **state)
{
	assert_false(coro_raised(run(leave_the_middle, CORO_NONE)));
	assert_journal("select 1: 10 ok; last 2: 11 ok; before 0 ok; after 1 ok; newcomer 2 ok; ");
}

static coro_value select_twice_the_same(coro_value unused)
{
	struct coro_case cases[] = {coro_case_receive(channel), coro_case_receive(channel),
								coro_case_receive(channels[1]), coro_case_receive(channel)};
	coro_value result = coro_select(cases, 4);

	note_select("select", cases, result);
	return result;
}

static coro_value duplicate_channels(coro_value unused)
{
	int64_t times[4] = {0};
	struct coro_task *task;

	open_channels(0);
	for (int i = 0; i < 300; i++) {
		task = coro_spawn(select_twice_the_same, CORO_NONE, NULL);
		CORO_TRY(yield_turn());
		CORO_TRY(coro_channel_send(channel, coro_int(1)));
		assert_false(coro_as_bool(coro_channel_send_nowait(channel, coro_int(2))));
		times[coro_as_int(CORO_TRY(finish(task)))]++;
		journal_length = 0;
	}
	assert_int_equal(times[0], 100);
	assert_int_equal(times[1], 100);
	assert_int_equal(times[3], 100);
	task = coro_spawn(select_twice_the_same, CORO_NONE, NULL);
	CORO_TRY(yield_turn());
	CORO_TRY(coro_channel_close(channels[1]));
	CORO_TRY(finish(task));
	free_channels();
	return CORO_NONE;
}

static void a_channel_may_be_in_several_cases(void **state)
{
	assert_false(coro_raised(run(duplicate_channels, CORO_NONE)));
	assert_journal("select 2: None closed; ");
}

/* Go's TestSelfSelect: both send and receive on one channel, in one select. */
static coro_value self_select(coro_value name)
{
	for (int i = 0; i < 100; i++) {
		struct coro_case cases[] = {coro_case_send(channel, name), coro_case_receive(channel)};
		int64_t index = coro_as_int(CORO_TRY(coro_select(cases, 2)));

		/* On an unbuffered channel it never meets itself. */
		if (index == 1 && !coro_channel_capacity(channel))
			assert_false(coro_equal(cases[1].value, name));
	}
	return CORO_NONE;
}

static coro_value two_self_selects(coro_value capacity)
{
	struct coro_task *a, *b;

	channel = coro_channel_new((size_t)coro_as_int(capacity));
	a = coro_spawn(self_select, coro_int(1), "a");
	b = coro_spawn(self_select, coro_int(2), "b");
	CORO_TRY(finish(a));
	CORO_TRY(finish(b));
	coro_channel_free(channel);
	return CORO_NONE;
}

static void a_select_that_sends_and_receives_never_meets_itself(void **state)
{
	for (int capacity = 0; capacity < 3; capacity++)
		assert_false(coro_raised(run(two_self_selects, coro_int(capacity))));
}

static coro_value select_itself(coro_value unused)
{
	struct coro_channel *only = coro_channel_new_named(0, "only");
	struct coro_case cases[] = {coro_case_send(only, coro_int(1)), coro_case_receive(only),
								coro_case_receive(NULL)};
	coro_value result = coro_select(cases, 3);

	coro_channel_free(only);
	return result;
}

static coro_value select_nothing(coro_value nil)
{
	struct coro_case cases[] = {coro_case_receive(NULL), coro_case_send(NULL, coro_int(1))};

	return coro_select(cases, coro_is_none(nil) ? 0 : 2);
}

static coro_value select_nil(coro_value unused)
{
	return select_nothing(coro_int(1));
}

static void a_select_that_cannot_proceed_waits_for_ever(void **state)
{
	run_to_deadlock(select_nothing);
	assert_journal("deadlock: 1 task waits for ever\n  'main' awaits select of no channel; ");
	run_to_deadlock(select_nil);
	assert_journal("deadlock: 1 task waits for ever\n  'main' awaits select of no channel; ");
	run_to_deadlock(select_itself);
	assert_journal("deadlock: 1 task waits for ever\n  'main' awaits select of send of 'only', "
				   "receive of 'only', receive of a nil channel; ");
}

static void outside_of_a_coroutine_only_a_default_is_possible(void **state)
{
	struct coro_loop *loop = journal_loop();
	struct coro_case one;

	channel = coro_channel_new(1);
	one = coro_case_send(channel, coro_int(1));
	note_select("select", &one, coro_select(&one, 1));
	note_select("nowait", &one, coro_select_nowait(&one, 1));
	note_select("nowait", &one, coro_select_nowait(&one, 1));
	coro_channel_free(channel);
	assert_journal("select raised RuntimeError 'await' outside async function; nowait 0 sent; "
				   "nowait default; ");
	journal_end(loop);
}

/* ---- H6: a fair choice ------------------------------------------------------ */

static int chosen[CHANNELS], other_chosen[CHANNELS];
static char choices[2048];

/* `count` channels that always have something; `rounds` selects over all of them. */
static coro_value choose_among(coro_value arg)
{
	int count = (int)coro_as_int(arg), selects = 120 * count;
	struct coro_case cases[CHANNELS];

	open_channels(1);
	memset(chosen, 0, sizeof(chosen));
	for (int i = 0; i < count; i++) {
		CORO_TRY(coro_channel_send(channels[i], CORO_NONE));
		cases[i] = coro_case_receive(channels[i]);
	}
	for (int i = 0; i < selects; i++) {
		int index = (int)coro_as_int(CORO_TRY(coro_select(cases, (size_t)count)));

		chosen[index]++;
		choices[i] = (char)('0' + index);
		choices[i + 1] = 0;
		CORO_TRY(coro_channel_send(channels[index], CORO_NONE));
		/* Each round gives every case its turn. */
		for (int k = 0; i % count == count - 1 && k < count; k++)
			assert_int_equal(chosen[k], i / count + 1);
	}
	free_channels();
	return CORO_NONE;
}

static void cases_that_are_always_ready_are_chosen_equally_often(void **state)
{
	for (int count = 2; count <= CHANNELS; count++) {
		assert_false(coro_raised(run(choose_among, coro_int(count))));
		for (int i = 0; i < count; i++)
			assert_int_equal(chosen[i], 120);
	}
}

static void the_same_program_makes_the_same_choices(void **state)
{
	char before[sizeof(choices)];

	assert_false(coro_raised(run(choose_among, coro_int(3))));
	strcpy(before, choices);
	assert_false(coro_raised(run(choose_among, coro_int(3))));
	assert_string_equal(choices, before);
	/* The rule of channel.h, worked out: who replays a recording elsewhere gets the same. */
	assert_memory_equal(choices, "120201120012120201", 18);
}

/* Two selects take turns; a rule that only counts would give each of them the same case for ever.
 */
static coro_value alternate(coro_value arg)
{
	int count = (int)coro_as_int(arg);
	struct coro_case cases[CHANNELS], others[CHANNELS];

	open_channels(0);
	memset(chosen, 0, sizeof(chosen));
	memset(other_chosen, 0, sizeof(other_chosen));
	for (int i = 0; i < CHANNELS; i++) {
		CORO_TRY(coro_channel_close(channels[i]));
		cases[i] = others[i] = coro_case_receive(channels[i]);
	}
	for (int i = 0; i < 1000; i++) {
		chosen[coro_as_int(CORO_TRY(coro_select(cases, 2)))]++;
		other_chosen[coro_as_int(CORO_TRY(coro_select_nowait(others, (size_t)count)))]++;
	}
	free_channels();
	return CORO_NONE;
}

static void selects_that_alternate_are_fair_each(void **state)
{
	for (int count = 2; count <= CHANNELS; count++) {
		assert_false(coro_raised(run(alternate, coro_int(count))));
		for (int i = 0; i < 2; i++)
			assert_in_range(chosen[i], 450, 550);
		for (int i = 0; i < count; i++)
			assert_in_range(other_chosen[i], 1000 / count - 60, 1000 / count + 60);
	}
}

/* Go's TestSelectFairness, and TestPseudoRandomSend. */
static coro_value send_bits(coro_value unused)
{
	for (int i = 0; i < 1000; i++) {
		struct coro_case cases[] = {coro_case_send(channel, coro_int(0)),
									coro_case_send(channel, coro_int(1))};

		CORO_TRY(coro_select(cases, 2));
	}
	return CORO_NONE;
}

static coro_value receive_bits(coro_value capacity)
{
	struct coro_task *task;
	int ones = 0, changes = 0, last = 0;

	channel = coro_channel_new((size_t)coro_as_int(capacity));
	task = coro_spawn(send_bits, CORO_NONE, NULL);
	for (int i = 0; i < 1000; i++) {
		int bit = (int)coro_as_int(CORO_TRY(coro_channel_receive(channel, NULL)));

		ones += bit;
		changes += bit != last;
		last = bit;
		CORO_TRY(yield_turn());
	}
	if (coro_as_int(capacity)) {
		assert_in_range(ones, 450, 550);
		assert_in_range(changes, 600, 900);
	}
	CORO_TRY(finish(task));
	coro_channel_free(channel);
	return CORO_NONE;
}

static void a_select_of_two_sends_sends_both(void **state)
{
	assert_false(coro_raised(run(receive_bits, coro_int(4))));
	assert_false(coro_raised(run(receive_bits, coro_int(0))));
}

/* ---- H8: cancellation ------------------------------------------------------- */

static coro_value cancel_a_select(coro_value unused)
{
	struct message message = {"sender", coro_int(30)};
	struct coro_task *a, *b;
	coro_value value;

	/* While it waits: nothing was received, and nothing is left on any line. */
	open_channels(0);
	a = coro_spawn(select_three, coro_str("a"), NULL);
	CORO_TRY(yield_turn());
	coro_task_cancel(a, NULL);
	for (int i = 0; i < 3; i++)
		assert_false(coro_as_bool(coro_channel_send_nowait(channels[i], coro_int(i))));
	finish(a);

	/* After it was handed a value: that goes to the next who waits. */
	a = coro_spawn(select_three, coro_str("a"), NULL);
	b = coro_spawn(select_three, coro_str("b"), NULL);
	CORO_TRY(yield_turn());
	CORO_TRY(coro_channel_send(channels[1], coro_int(10)));
	coro_task_cancel(a, NULL);
	finish(a);
	finish(b);

	/* Or back into its channel, and it is the first to come out. */
	a = coro_spawn(select_three, coro_str("a"), NULL);
	CORO_TRY(yield_turn());
	CORO_TRY(coro_channel_send(channels[0], coro_int(20)));
	coro_task_cancel(a, NULL);
	b = sender(&message);
	finish(a);
	CORO_TRY(yield_turn());
	assert_int_equal(coro_channel_length(channels[0]), 1);
	note_value("first", coro_channel_receive(channels[0], NULL));
	note_value("second", coro_channel_receive(channels[0], NULL));
	CORO_TRY(finish(b));

	/* What it sent stays sent. */
	a = coro_spawn(wait_to_send, CORO_NONE, NULL);
	CORO_TRY(yield_turn());
	note_value("received", coro_channel_receive(channels[1], NULL));
	coro_task_cancel(a, NULL);
	finish(a);
	assert_false(coro_as_bool(coro_channel_receive_nowait(channels[0], &value, NULL)));
	free_channels();
	return CORO_NONE;
}

static void a_select_that_is_cancelled_loses_nothing(void **state)
{
	assert_false(coro_raised(run(cancel_a_select, CORO_NONE)));
	assert_journal("a raised CancelledError; a raised CancelledError; b 1: 10 ok; "
				   "a raised CancelledError; first 20; second 30; sender sent; received 2; "
				   "select raised CancelledError; ");
}

static coro_value select_errors(coro_value unused)
{
	coro_value error = coro_caught(coro_raise(CORO_ValueError, "bad"));
	struct coro_case cases[] = {coro_case_send(channels[0], error),
								coro_case_send(channels[1], error)};

	return coro_select(cases, 2);
}

static coro_value receive_selected_errors(coro_value unused)
{
	struct coro_task *task;
	coro_value value;

	open_channels(0);
	task = coro_spawn(select_errors, CORO_NONE, NULL);
	CORO_TRY(yield_turn());
	value = coro_channel_receive(channels[1], NULL);
	note("%s", coro_message(value));
	CORO_TRY(finish(task));
	task = coro_spawn(select_errors, CORO_NONE, NULL);
	CORO_TRY(yield_turn());
	coro_task_cancel(task, NULL);
	finish(task);
	task = coro_spawn(select_errors, CORO_NONE, NULL);
	CORO_TRY(yield_turn());
	CORO_TRY(coro_channel_close(channels[0]));
	note_value("closed", finish(task));
	free_channels();
	return CORO_NONE;
}

static void exceptions_that_a_select_sends_stay_valid(void **state)
{
	assert_false(coro_raised(run(receive_selected_errors, CORO_NONE)));
	assert_journal("bad; closed raised RuntimeError send on closed channel; ");
}

/* ---- No memory -------------------------------------------------------------- */

static coro_value select_without_memory(coro_value unused)
{
	struct coro_case cases[3];
	coro_value result;

	open_channels(0);
	cases[0] = coro_case_send(channels[0], coro_int(1));
	cases[1] = coro_case_receive(channels[1]);
	cases[2] = coro_case_receive(NULL);
	no_memory = true;
	result = coro_select(cases, 3);
	note_select("select", cases, result);
	note_value("receive", coro_channel_receive(channels[1], NULL));
	no_memory = false;
	/* It stands in no line. */
	assert_false(coro_as_bool(coro_channel_receive_nowait(channels[0], &result, NULL)));
	assert_false(coro_as_bool(coro_channel_send_nowait(channels[1], coro_int(1))));
	free_channels();
	return CORO_NONE;
}

static void without_memory_to_give_a_value_back_nobody_waits(void **state)
{
	assert_false(coro_raised(run(select_without_memory, CORO_NONE)));
	assert_journal("select raised MemoryError out of memory; "
				   "receive raised MemoryError out of memory; ");
}

/* ---- Programs --------------------------------------------------------------- */

/* Go's TestSelectStress: four channels, each with a sender and a receiver of its own, and a
 * sender and a receiver that select over all of them. Everybody does the same number. */
enum { STRESS = 4, EACH = 500 };

static coro_value send_to_one(coro_value index)
{
	for (int i = 0; i < EACH; i++) {
		CORO_TRY(coro_channel_send(channels[coro_as_int(index)], coro_int(i)));
		if (i % 16 == coro_as_int(index))
			CORO_TRY(yield_turn());
	}
	return CORO_NONE;
}

static coro_value receive_from_one(coro_value index)
{
	for (int i = 0; i < EACH; i++)
		CORO_TRY(coro_channel_receive(channels[coro_as_int(index)], NULL));
	return CORO_NONE;
}

/* Each channel so often; then its case is NULL. */
static coro_value select_all(coro_value sends)
{
	struct coro_case cases[STRESS];
	int left[STRESS];

	for (int i = 0; i < STRESS; i++) {
		cases[i] = coro_as_bool(sends) ? coro_case_send(channels[i], coro_int(i))
									   : coro_case_receive(channels[i]);
		left[i] = EACH;
	}
	for (int i = 0; i < STRESS * EACH; i++) {
		int64_t index = coro_as_int(CORO_TRY(coro_select(cases, STRESS)));

		if (!--left[index])
			cases[index].channel = NULL;
		if (i % 10 == 0)
			CORO_TRY(yield_turn());
	}
	return CORO_NONE;
}

static coro_value stress(coro_value unused)
{
	struct coro_task *tasks[2 * STRESS + 2];
	int count = 0;

	for (int i = 0; i < CHANNELS; i++)
		channels[i] = coro_channel_new((size_t)(i == 2 ? 2 : i == 3 ? 3 : 0));
	for (int i = 0; i < STRESS; i++) {
		tasks[count++] = coro_spawn(send_to_one, coro_int(i), NULL);
		tasks[count++] = coro_spawn(receive_from_one, coro_int(i), NULL);
	}
	tasks[count++] = coro_spawn(select_all, coro_bool(true), NULL);
	tasks[count++] = coro_spawn(select_all, coro_bool(false), NULL);
	for (int i = 0; i < count; i++)
		CORO_TRY(finish(tasks[i]));
	for (int i = 0; i < STRESS; i++)
		assert_int_equal(coro_channel_length(channels[i]), 0);
	free_channels();
	return CORO_NONE;
}

static void selects_and_plain_tasks_share_their_channels(void **state)
{
	assert_false(coro_raised(run(stress, CORO_NONE)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_select_does_the_one_that_can_proceed),
		cmocka_unit_test(a_send_on_a_closed_channel_raises_when_it_is_chosen),
		cmocka_unit_test(closing_a_channel_ends_the_selects_that_wait_for_it),
		cmocka_unit_test(a_select_waits_for_the_first_of_its_channels),
		cmocka_unit_test(cases_that_were_not_chosen_leave_the_lines_in_order),
		cmocka_unit_test(a_channel_may_be_in_several_cases),
		cmocka_unit_test(a_select_that_sends_and_receives_never_meets_itself),
		cmocka_unit_test(a_select_that_cannot_proceed_waits_for_ever),
		cmocka_unit_test(outside_of_a_coroutine_only_a_default_is_possible),
		cmocka_unit_test(cases_that_are_always_ready_are_chosen_equally_often),
		cmocka_unit_test(the_same_program_makes_the_same_choices),
		cmocka_unit_test(selects_that_alternate_are_fair_each),
		cmocka_unit_test(a_select_of_two_sends_sends_both),
		cmocka_unit_test(a_select_that_is_cancelled_loses_nothing),
		cmocka_unit_test(exceptions_that_a_select_sends_stay_valid),
		cmocka_unit_test(without_memory_to_give_a_value_back_nobody_waits),
		cmocka_unit_test(selects_and_plain_tasks_share_their_channels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
