/*
 * loop_test.c - the loop: turns, timers, descriptors, its end. Rules L1-L9.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "journal.h"
#include "loop/heap.h"

/* ---- The heap ----------------------------------------------------------- */

struct timer {
	struct coro__heap_node node;
	int64_t when;
	bool in;
};

static void the_heap_gives_deadlines_in_order_and_ties_by_age(void **state)
{
	enum { COUNT = 2000 };
	struct timer *timers = calloc(COUNT, sizeof(*timers));
	struct coro__heap heap = {0};
	uint32_t chance = 12345;
	int64_t last = -1;
	uint64_t last_order = 0;
	uint32_t left = 0;

	for (int round = 0; round < 3 * COUNT; round++) {
		chance = chance * 1664525 + 1013904223;
		struct timer *timer = &timers[(chance >> 8) % COUNT];

		if (timer->in) {
			coro__heap_remove(&heap, &timer->node);
			left--;
		} else {
			timer->when = chance >> 20 & 255;
			assert_true(coro__heap_add(&heap, &timer->node, timer->when));
			left++;
		}
		timer->in = !timer->in;
		assert_int_equal(heap.count, left);
	}
	assert_true(left > 100);
	while (heap.count) {
		struct timer *timer = (struct timer *)coro__heap_first(&heap);

		assert_true(timer->when > last || (timer->when == last && timer->node.order > last_order));
		last = timer->when;
		last_order = timer->node.order;
		coro__heap_remove(&heap, &timer->node);
		left--;
	}
	assert_int_equal(left, 0);
	coro__heap_done(&heap);
	free(timers);
}

/* ---- Turns -------------------------------------------------------------- */

static void note_turn(struct coro_loop *loop, size_t handles, void *unused)
{
	note("turn %d ready=%zu", (int)coro_loop_turns(loop), handles);
}

static coro_value note_argument(coro_value argument)
{
	note_value("call", argument);
	return CORO_NONE;
}

static coro_value call_another(coro_value argument)
{
	note_value("call", argument);
	coro_loop_call_soon(coro_loop_current(), note_argument, coro_str("c"));
	return CORO_NONE;
}

static coro_value call_soon_twice(coro_value unused)
{
	struct coro_loop *loop = coro_loop_current();

	coro_loop_call_soon(loop, call_another, coro_str("a"));
	coro_loop_call_soon(loop, note_argument, coro_str("b"));
	CORO_TRY(coro_sleep(0));
	note("one");
	CORO_TRY(coro_sleep(0));
	note("two");
	coro_loop_observe_turns(loop, NULL, NULL);
	return CORO_NONE;
}

static coro_value observe(coro_value unused)
{
	coro_loop_observe_turns(coro_loop_current(), note_turn, NULL);
	return call_soon_twice(unused);
}

static void a_turn_runs_exactly_what_was_ready(void **state)
{
	run(observe, CORO_NONE);
	assert_journal("turn 2 ready=3; call 'a'; call 'b'; one; turn 3 ready=2; call 'c'; two; ");
}

static coro_value set_timers(coro_value unused)
{
	struct coro_loop *loop = coro_loop_current();

	coro_loop_call_later(loop, 0.020, note_argument, coro_int(1));
	coro_loop_call_later(loop, 0.010, note_argument, coro_int(2));
	coro_loop_call_later(loop, 0.010, note_argument, coro_int(3));
	coro_loop_call_later(loop, 0, note_argument, coro_int(4));
	coro_loop_call_at(loop, 0.010, note_argument, coro_int(5));
	coro_loop_call_soon(loop, note_argument, coro_int(6));
	return coro_sleep(0.030);
}

static void timers_fire_by_deadline_and_ties_in_the_order_of_the_calls(void **state)
{
	run(set_timers, CORO_NONE);
	assert_journal("call 6; call 4; call 2; call 3; call 5; call 1; ");
}

static coro_value note_two_turns(coro_value unused)
{
	CORO_TRY(coro_sleep(0));
	note("x 2");
	CORO_TRY(coro_sleep(0));
	note("x 3");
	return CORO_NONE;
}

static coro_value time_passes(coro_value unused)
{
	struct coro_loop *loop = coro_loop_current();
	struct coro_task *x;

	coro_loop_call_later(loop, 0, note_argument, coro_int(1));
	x = coro_spawn(note_two_turns, CORO_NONE, "x");
	coro_loop_advance(loop, 0.005);
	coro_loop_call_later(loop, -0.003, note_argument, coro_int(2));
	CORO_TRY(coro_sleep(0));
	note("main");
	CORO_TRY(coro_await(x));
	coro_task_free(x);
	assert_true(fabs(coro_loop_time(loop) - 0.005) < 1e-9);
	return CORO_NONE;
}

static void a_due_timer_joins_behind_what_is_ready(void **state)
{
	run(time_passes, CORO_NONE);
	assert_journal("main; call 1; call 2; x 2; x 3; ");
}

static coro_value raise_key_error(coro_value unused)
{
	return coro_raise(CORO_KeyError, "cb");
}

static coro_value call_what_raises(coro_value unused)
{
	struct coro_loop *loop = coro_loop_current();

	coro_loop_call_soon(loop, raise_key_error, CORO_NONE);
	coro_loop_call_soon(loop, note_argument, coro_int(1));
	CORO_TRY(coro_sleep(0));
	note("alive");
	return CORO_NONE;
}

static void an_exception_in_a_callback_is_reported_and_the_loop_goes_on(void **state)
{
	run(call_what_raises, CORO_NONE);
	assert_journal("report 4 KeyError; call 1; alive; ");
}

static coro_value cancel_handles(coro_value unused)
{
	struct coro_loop *loop = coro_loop_current();
	struct coro_handle soon = coro_loop_call_soon(loop, note_argument, coro_int(1));
	struct coro_handle later = coro_loop_call_later(loop, 0.001, note_argument, coro_int(2));
	struct coro_handle kept = coro_loop_call_later(loop, 0.001, note_argument, coro_int(3));

	assert_int_equal(coro_loop_ready(loop), 1);
	assert_true(coro_handle_cancel(soon));
	assert_false(coro_handle_cancel(soon));
	assert_int_equal(coro_loop_ready(loop), 1);
	assert_true(coro_handle_cancel(later));
	assert_false(coro_handle_cancel(later));
	CORO_TRY(coro_sleep(0.002));
	assert_false(coro_handle_cancel(kept));

	/* The memory serves another handle now: the old name does not reach it. */
	struct coro_handle next = coro_loop_call_soon(loop, note_argument, coro_int(4));
	assert_false(coro_handle_cancel(kept));
	assert_false(coro_handle_cancel(later));
	assert_false(coro_handle_cancel(soon));
	CORO_TRY(coro_sleep(0));
	assert_false(coro_handle_cancel(next));
	return CORO_NONE;
}

static void a_handle_is_cancelled_once_and_a_stale_name_does_nothing(void **state)
{
	run(cancel_handles, CORO_NONE);
	assert_journal("call 3; call 4; ");
}

/* ---- Sleeping ----------------------------------------------------------- */

static coro_value sleep_and_note(coro_value milliseconds)
{
	CORO_TRY(coro_sleep(coro_as_float(milliseconds) / 1000));
	note_value("woke", milliseconds);
	return CORO_NONE;
}

static coro_value spawn_sleepers(coro_value unused)
{
	static const int times[] = {30, 10, 20, 10};

	for (int i = 0; i < 4; i++)
		coro_task_free(coro_spawn(sleep_and_note, coro_int(times[i]), NULL));
	CORO_TRY(coro_sleep(0.040));
	note_value("nan", coro_sleep(NAN));
	note_value("negative", coro_sleep(-1));
	assert_true(fabs(coro_loop_time(coro_loop_current()) - 0.040) < 1e-9);
	return CORO_NONE;
}

static void sleepers_wake_by_deadline(void **state)
{
	run(spawn_sleepers, CORO_NONE);
	assert_journal("woke 10; woke 10; woke 20; woke 30; nan raised ValueError Invalid delay: NaN "
				   "(not a number); negative None; ");
}

static coro_value sleep_really(coro_value unused)
{
	double before = coro_loop_time(coro_loop_current());

	CORO_TRY(coro_sleep(0.0125));
	assert_true(coro_loop_time(coro_loop_current()) - before >= 0.0125);
	return CORO_NONE;
}

static void real_time_passes_while_sleeping_and_no_less(void **state)
{
	struct coro_loop *loop = coro_loop_new(NULL);
	struct coro_task *task = coro_spawn(sleep_really, CORO_NONE, NULL);

	assert_false(coro_raised(coro_loop_run_until_complete(loop, coro_object(task))));
	coro_loop_free(loop);
}

/* ---- Deadlock, leftovers, the end --------------------------------------- */

static coro_value get_for_ever(coro_value queue)
{
	coro_value item = coro_queue_get(coro_as_ptr(queue));

	note_value("get", item);
	return item;
}

static coro_value await_the_reader(coro_value queue)
{
	struct coro_task *reader = coro_spawn(get_for_ever, queue, "reader");
	coro_value result = coro_await(reader);

	note_value("main", result);
	return result;
}

static void a_deadlock_raises_and_names_who_waits_for_what(void **state)
{
	struct coro_loop *loop = journal_loop();
	struct coro_queue *queue = coro_queue_new_named(0, "jobs");
	struct coro_task *task = coro_spawn(await_the_reader, coro_ptr(queue), "main");
	coro_value result = coro_loop_run_until_complete(loop, coro_object(task));

	assert_true(coro_is(result, CORO_RuntimeError));
	assert_string_equal(coro_message(result), "deadlock: 2 tasks wait for ever\n"
											  "  'main' awaits task 'reader'\n"
											  "  'reader' awaits get of queue 'jobs', empty");
	assert_journal("");
	coro_loop_cancel_all(loop);
	assert_journal("get raised CancelledError; main raised CancelledError; ");
	coro_queue_free(queue);
	journal_end(loop);
}

static coro_value wait_and_tell(coro_value name)
{
	coro_value result = coro_sleep(100);

	note_value(coro_as_str(name), result);
	if (!strcmp(coro_as_str(name), "b"))
		return coro_raise(CORO_KeyError, "b");
	return result;
}

static coro_value leave_tasks_behind(coro_value unused)
{
	coro_spawn(wait_and_tell, coro_str("a"), "a");
	coro_task_free(coro_spawn(wait_and_tell, coro_str("b"), "b"));
	CORO_TRY(coro_sleep(0.001));
	note("main ends");
	return coro_raise(CORO_ValueError, "the end");
}

static void run_cancels_what_is_left_in_the_order_of_creation(void **state)
{
	setenv("COROSCOPE_TIME", "virtual", 1);
	coro_set_report_handler(journal_report, NULL);
	assert_int_equal(coro_run(leave_tasks_behind, CORO_NONE), 1);
	coro_set_report_handler(NULL, NULL);
	assert_journal(
		"main ends; a raised CancelledError; b raised CancelledError; report 5 KeyError; "
		"report 5 ValueError; ");
	assert_null(coro_loop_current());
}

static coro_value return_a_value(coro_value argument)
{
	return argument;
}

static coro_value leave_the_system(coro_value status)
{
	return coro_raise_value(CORO_SystemExit, status);
}

static void run_returns_the_exit_status(void **state)
{
	assert_int_equal(coro_run(return_a_value, coro_int(3)), 0);
	assert_int_equal(coro_run(leave_the_system, coro_int(7)), 7);
}

static coro_value exit_soon(coro_value unused)
{
	coro_task_free(coro_spawn(leave_the_system, coro_int(1), "exits"));
	CORO_TRY(coro_sleep(0));
	note("not reached");
	return CORO_NONE;
}

static void system_exit_in_a_task_leaves_run_at_once(void **state)
{
	struct coro_loop *loop = journal_loop();
	struct coro_task *task = coro_spawn(exit_soon, CORO_NONE, "main");
	coro_value result = coro_loop_run_until_complete(loop, coro_object(task));

	assert_true(coro_is(result, CORO_SystemExit));
	assert_false(coro_task_done(task));
	/* As in asyncio, the task that raised it had nobody to look at it. */
	assert_journal("report 3 SystemExit; ");
	coro_loop_cancel_all(loop);
	assert_true(coro_task_done(task));
	journal_end(loop);
}

static coro_value refuse_to_end(coro_value unused)
{
	for (;;) {
		struct coro_future *never = coro_future_new(CORO_REASON_NONE, NULL);
		coro_value result = coro_await(never);

		coro_future_free(never);
		if (coro_is(result, CORO_GeneratorExit)) {
			note("closed");
			return result;
		}
	}
}

static void a_task_that_refuses_to_end_is_closed_with_the_loop(void **state)
{
	struct coro_loop *loop = journal_loop();

	coro_spawn(refuse_to_end, CORO_NONE, "refuses");
	coro_loop_run_until_complete(loop, coro_object(coro_coroutine(sleep_and_note, coro_int(1))));
	assert_journal("woke 1; ");
	coro_loop_free(loop);
	assert_journal("report 8 Task was destroyed but it is pending!: task 'refuses'; closed; ");
	coro_set_report_handler(NULL, NULL);
	assert_int_equal(coro_census().bodies, 0);
}

static coro_value run_inside(coro_value unused)
{
	coro_value coroutine = coro_object(coro_coroutine(return_a_value, CORO_NONE));

	note_value("run", coro_loop_run_until_complete(coro_loop_current(), coroutine));
	CORO_TRY(coro_await(coroutine));
	return CORO_NONE;
}

static void a_loop_cannot_run_inside_itself(void **state)
{
	run(run_inside, CORO_NONE);
	assert_journal("run raised RuntimeError This event loop is already running; ");
}

static coro_value spawn_many(coro_value unused)
{
	enum { COUNT = 1000 };
	static coro_value tasks[COUNT];

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < COUNT; i++)
			tasks[i] = coro_object(coro_spawn(sleep_and_note, coro_int(0), NULL));
		journal_length = 0;
		for (int i = 0; i < COUNT; i++) {
			CORO_TRY(coro_await(tasks[i]));
			journal_length = 0;
			coro_task_free((struct coro_task *)coro_as_object(tasks[i]));
		}
	}
	return CORO_NONE;
}

static void a_thousand_tasks_run_side_by_side(void **state)
{
	struct coro_loop *loop = journal_loop();
	coro_value coroutine = coro_object(coro_coroutine(spawn_many, CORO_NONE));

	/* The journal would be too short for them. */
	(void)coroutine;
	coro_set_report_handler(NULL, NULL);
	assert_false(coro_raised(coro_loop_run_until_complete(loop, coroutine)));
	journal_end(loop);
}

/* ---- Descriptors -------------------------------------------------------- */

static int pair[2];

static coro_value read_pair(coro_value index)
{
	int fd = pair[coro_as_int(index)];
	char buffer[64];
	coro_value got = coro_recv(fd, buffer, sizeof(buffer));

	if (coro_raised(got)) {
		note_value("recv", got);
		return CORO_NONE;
	}
	note("got %.*s", (int)coro_as_int(got), buffer);
	return got;
}

static void open_pair(void)
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
}

static coro_value talk(coro_value unused)
{
	struct coro_task *reader = coro_spawn(read_pair, coro_int(1), "reader");
	struct coro_task *second = coro_spawn(read_pair, coro_int(1), "second");

	CORO_TRY(coro_sleep(0.001));
	CORO_TRY(coro_send_all(pair[0], "hello", 5));
	note("sent");
	CORO_TRY(coro_await(reader));
	CORO_TRY(coro_await(second));

	/* There is something already: no suspension, and no new registration. */
	CORO_TRY(coro_send_all(pair[0], "again", 5));
	uint64_t turns = coro_loop_turns(coro_loop_current());
	CORO_TRY(read_pair(coro_int(1)));
	assert_int_equal(coro_loop_turns(coro_loop_current()), turns);
	coro_task_free(reader);
	coro_task_free(second);
	return CORO_NONE;
}

static void a_reader_wakes_when_bytes_arrive_and_a_second_one_is_refused(void **state)
{
	char expected[256];

	open_pair();
	run(talk, CORO_NONE);
	snprintf(expected, sizeof(expected),
			 "recv raised RuntimeError another task waits for descriptor %d already; sent; got "
			 "hello; got again; ",
			 pair[1]);
	assert_journal(expected);
	close(pair[0]);
	close(pair[1]);
}

static coro_value wait_for_both(coro_value unused)
{
	/* Level-triggered: it is asked anew each time. */
	assert_int_equal(write(pair[0], "xy", 2), 2);
	for (int i = 0; i < 2; i++) {
		char byte;

		CORO_TRY(coro_wait_readable(pair[1]));
		assert_int_equal(read(pair[1], &byte, 1), 1);
		note("%c", byte);
	}
	CORO_TRY(coro_wait_writable(pair[1]));
	note("writable");

	int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	note_value("file", coro_wait_readable(file));
	coro_close_descriptor(file);
	assert_true(coro_is(coro_wait_readable(file), CORO_OSError));
	assert_true(coro_is(coro_wait_readable(-1), CORO_OSError));
	return CORO_NONE;
}

static void waiting_reports_what_is_ready_already(void **state)
{
	open_pair();
	assert_false(coro_raised(run(wait_for_both, CORO_NONE)));
	assert_journal("x; y; writable; file None; ");
	close(pair[0]);
	close(pair[1]);
}

static coro_value send_much(coro_value size)
{
	size_t length = (size_t)coro_as_int(size);
	char *bytes = malloc(length);
	coro_value result;

	assert_non_null(bytes);
	for (size_t i = 0; i < length; i++)
		bytes[i] = (char)(i * 7);
	result = coro_send_all(pair[0], bytes, length);
	coro_close_descriptor(pair[0]);
	free(bytes);
	return result;
}

static coro_value receive_much(coro_value size)
{
	struct coro_task *sender = coro_spawn(send_much, size, "sender");
	char buffer[1000];
	int64_t total = 0;

	for (;;) {
		coro_value got = CORO_TRY(coro_recv(pair[1], buffer, sizeof(buffer)));

		if (coro_as_int(got) == 0)
			break;
		for (int64_t i = 0; i < coro_as_int(got); i++)
			assert_int_equal(buffer[i], (char)((total + i) * 7));
		total += coro_as_int(got);
	}
	CORO_TRY(coro_await(sender));
	coro_task_free(sender);
	coro_close_descriptor(pair[1]);
	return coro_int(total);
}

static void a_sender_waits_until_the_receiver_took_enough(void **state)
{
	open_pair();
	assert_int_equal(coro_as_int(run(receive_much, coro_int(3000000))), 3000000);
}

static coro_value close_under_a_reader(coro_value unused)
{
	struct coro_task *reader = coro_spawn(read_pair, coro_int(1), "reader");

	CORO_TRY(coro_sleep(0.001));
	coro_close_descriptor(pair[1]);
	CORO_TRY(coro_await(reader));
	coro_task_free(reader);

	/* Nobody is there: an error, not a signal. */
	note_value("send", coro_send_all(pair[0], "x", 1));
	coro_close_descriptor(pair[0]);

	open_pair();
	reader = coro_spawn(read_pair, coro_int(0), "reader");
	CORO_TRY(coro_sleep(0.001));
	coro_task_cancel(reader, NULL);
	CORO_TRY(coro_await(reader));
	coro_task_free(reader);
	reader = coro_spawn(read_pair, coro_int(0), "reader");
	CORO_TRY(coro_sleep(0.001));
	coro_close_descriptor(pair[1]);
	CORO_TRY(coro_await(reader));
	coro_task_free(reader);
	coro_close_descriptor(pair[0]);
	return CORO_NONE;
}

static void closing_cancelling_and_the_end_of_the_stream_wake_a_reader(void **state)
{
	open_pair();
	assert_false(coro_raised(run(close_under_a_reader, CORO_NONE)));
	assert_journal("recv raised OSError [Errno 9] Bad file descriptor; send raised BrokenPipeError "
				   "[Errno 32] Broken pipe; recv raised CancelledError; got ; ");
}

static coro_value echo_once(coro_value listener)
{
	int fd = (int)coro_as_int(CORO_TRY(coro_accept((int)coro_as_int(listener))));
	char buffer[64];
	coro_value got = CORO_TRY(coro_recv(fd, buffer, sizeof(buffer)));

	CORO_TRY(coro_send_all(fd, buffer, (size_t)coro_as_int(got)));
	coro_close_descriptor(fd);
	return CORO_NONE;
}

static coro_value connect_to_it(coro_value unused)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct coro_task *server;
	char buffer[64];

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, length), 0);
	assert_int_equal(listen(listener, 8), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
	server = coro_spawn(echo_once, coro_int(listener), "server");
	CORO_TRY(coro_sleep(0));
	CORO_TRY(coro_connect(fd, (struct sockaddr *)&address, length));
	CORO_TRY(coro_send_all(fd, "ping", 4));
	coro_value got = CORO_TRY(coro_recv(fd, buffer, sizeof(buffer)));
	note("%.*s", (int)coro_as_int(got), buffer);
	CORO_TRY(coro_await(server));
	coro_task_free(server);
	coro_close_descriptor(fd);
	coro_close_descriptor(listener);

	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_true(coro_is(coro_connect(fd, (struct sockaddr *)&address, length),
						CORO_ConnectionRefusedError));
	coro_close_descriptor(fd);
	return CORO_NONE;
}

static void a_client_and_a_server_meet_on_one_loop(void **state)
{
	assert_false(coro_raised(run(connect_to_it, CORO_NONE)));
	assert_journal("ping; ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_heap_gives_deadlines_in_order_and_ties_by_age),
		cmocka_unit_test(a_turn_runs_exactly_what_was_ready),
		cmocka_unit_test(timers_fire_by_deadline_and_ties_in_the_order_of_the_calls),
		cmocka_unit_test(a_due_timer_joins_behind_what_is_ready),
		cmocka_unit_test(an_exception_in_a_callback_is_reported_and_the_loop_goes_on),
		cmocka_unit_test(a_handle_is_cancelled_once_and_a_stale_name_does_nothing),
		cmocka_unit_test(sleepers_wake_by_deadline),
		cmocka_unit_test(real_time_passes_while_sleeping_and_no_less),
		cmocka_unit_test(a_deadlock_raises_and_names_who_waits_for_what),
		cmocka_unit_test(run_cancels_what_is_left_in_the_order_of_creation),
		cmocka_unit_test(run_returns_the_exit_status),
		cmocka_unit_test(system_exit_in_a_task_leaves_run_at_once),
		cmocka_unit_test(a_task_that_refuses_to_end_is_closed_with_the_loop),
		cmocka_unit_test(a_loop_cannot_run_inside_itself),
		cmocka_unit_test(a_thousand_tasks_run_side_by_side),
		cmocka_unit_test(a_reader_wakes_when_bytes_arrive_and_a_second_one_is_refused),
		cmocka_unit_test(waiting_reports_what_is_ready_already),
		cmocka_unit_test(a_sender_waits_until_the_receiver_took_enough),
		cmocka_unit_test(closing_cancelling_and_the_end_of_the_stream_wake_a_reader),
		cmocka_unit_test(a_client_and_a_server_meet_on_one_loop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
