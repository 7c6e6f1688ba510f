/*
 * loop_events_test.c - the events that tasks, futures, the loop, and what tasks share emit, seen
 * where they are handed to the probe. Each one is held against its line in trace_events.def.
 */
#include <sys/socket.h>
#include "journal.h"

/* The linker puts this in the place of the probe's: see --wrap in meson.build. */
void __wrap_coro__probe_emit(struct coro_object *object, uint32_t what, uint32_t peer,
							 uint32_t site, const struct coro_probe_value *value);

static const uint64_t everything[8] = {~(uint64_t)0}; /* of a control file, from its mask on */

static const struct {
	const char *name, *row, *peer, *value, *before, *after;
} kinds[] = {
#define CORO_EVENT(number, NAME, name, row, peer, value, before, after, sentence)                  \
	[number] = {#name, row, peer, value, before, after},
#include <coroscope/trace_events.def>
#undef CORO_EVENT
};
static const char *const states[] = {
#define NAME(number, NAME_, name) [number] = #name,
	CORO_STATES(NAME)
#undef NAME
};
static const char *const objects[] = {
#define NAME(number, NAME_, name) [number] = #name,
	CORO_OBJECT_KINDS(NAME)
#undef NAME
};

/* Whose row a number is now. */
static const struct coro_object *rows[256];

static void assert_listed(const char *what, const char *list, const char *kind)
{
	const char *at = strstr(list, what);

	if (strcmp(list, "any") && strncmp(list, "any but", 7) && !at)
		fail_msg("%s: %s is not one of: %s", kind, what, list);
	if (!strncmp(list, "any but", 7) && at)
		fail_msg("%s: %s is one of: %s", kind, what, list);
}

static const char *short_name(const struct coro_object *object)
{
	return object->name ? object->name : objects[object->kind];
}

/* "NAME kind peer>state; " */
void __wrap_coro__probe_emit(struct coro_object *object, uint32_t what, uint32_t peer,
							 uint32_t site, const struct coro_probe_value *value)
{
	unsigned kind = CORO_SLOT_KIND(what), next_state = CORO_SLOT_NEXT(what);
	const char *name = kinds[kind].name;

	assert_listed(objects[object->kind], kinds[kind].row, name);
	assert_listed(states[object->state], kinds[kind].before, name);
	if (!strcmp(kinds[kind].after, "same"))
		assert_int_equal(object->state, next_state);
	else
		assert_listed(states[next_state], kinds[kind].after, name);
	if (!strcmp(kinds[kind].peer, "-"))
		assert_int_equal(peer, 0);
	if (!strcmp(kinds[kind].value, "-"))
		assert_null(value);
	assert_true(object->row < 256 && peer < 256);
	assert_true(!peer || rows[peer]);
	rows[object->row] = object;
	note("%s %s%s%s>%s", short_name(object), name, peer ? " " : "",
		 peer ? short_name(rows[peer]) : "", states[next_state]);
	if (next_state == CORO_STATE_NONE)
		rows[object->row] = NULL;
}

/* Runs `function`, whose coroutine has that name; the journal holds the events between the first
 * and the last of what it does, if it calls begin_events() and end_events(), else all. */
static void begin_events(void)
{
	journal_length = 0;
	journal[0] = 0;
}

static char events[8192];

static void end_events(void)
{
	strcpy(events, journal);
	begin_events();
}

static void watch(coro_function *function)
{
	coro__probe_page.offset = (const char *)everything - (const char *)coro__probe_nobody;
	events[0] = 0;
	assert_false(coro_raised(run(function, CORO_NONE)));
	coro__probe_page.offset = 0;
	/* Everything that came was gone at the end. */
	for (int row = 0; row < 256; row++)
		assert_null(rows[row]);
	begin_events();
}

static coro_value sleeper(coro_value unused)
{
	return coro_sleep(1);
}

static coro_value spawn_a_sleeper(coro_value unused)
{
	struct coro_task *task;

	begin_events();
	task = coro_spawn(sleeper, CORO_NONE, "task");
	CORO_TRY(coro_await(task));
	coro_task_free(task);
	end_events();
	return CORO_NONE;
}

static void a_task_that_sleeps_tells_the_story_of_a_wait(void **state)
{
	watch(spawn_a_sleeper);
	assert_string_equal(
		events,
		"sleeper create function>created; task spawn sleeper>created; task ready main>ready; "
		"function yield main>suspended; main await task>suspended; loop turn_end>suspended; "
		"loop turn_begin>running; loop select>running; "
		"task step loop>running; sleeper next task>running; "
		"future future_new>pending; timer timer_set future>pending; "
		"sleeper yield task>suspended; task await future>suspended; loop turn_end>suspended; "
		"loop turn_begin>running; loop select>running; timer timer_fire>none; "
		"loop callback future>running; future future_set loop>done; task wake future>ready; "
		"loop turn_end>suspended; loop turn_begin>running; loop select>running; "
		"task step loop>running; sleeper next task>running; future destroy>none; "
		"sleeper return task>done; task done>done; main wake task>ready; sleeper destroy>none; "
		"loop turn_end>suspended; loop turn_begin>running; loop select>running; "
		"main step loop>running; function next main>running; task destroy>none; ");
}

static coro_value cancel_a_sleeper(coro_value unused)
{
	struct coro_task *task = coro_spawn(sleeper, CORO_NONE, "task");

	CORO_TRY(coro_sleep(0));
	begin_events();
	coro_task_cancel(task, "enough");
	assert_true(coro_is(coro_await(task), CORO_CancelledError));
	end_events();
	coro_task_free(task);
	return CORO_NONE;
}

static void a_cancellation_is_seen_from_the_request_to_the_end(void **state)
{
	watch(cancel_a_sleeper);
	assert_string_equal(
		events,
		"task cancel main>suspended; future future_set main>cancelled; task wake future>ready; "
		"function yield main>suspended; main await task>suspended; loop turn_end>suspended; "
		"loop turn_begin>running; loop select>running; "
		"task step loop>running; sleeper throw task>running; timer timer_cancel>none; "
		"future destroy>none; sleeper raise task>cancelled; task done>cancelled; "
		"main wake task>ready; sleeper destroy>none; loop turn_end>suspended; "
		"loop turn_begin>running; loop select>running; "
		"main step loop>running; function throw main>running; ");
}

static coro_value holder(coro_value lock)
{
	CORO_TRY(coro_lock_acquire(coro_as_ptr(lock)));
	return coro_lock_release(coro_as_ptr(lock));
}

static coro_value share_a_lock(coro_value unused)
{
	struct coro_lock *lock;
	struct coro_task *task;

	begin_events();
	lock = coro_lock_new("lock");
	CORO_TRY(coro_lock_acquire(lock));
	task = coro_spawn(holder, coro_ptr(lock), "task");
	CORO_TRY(coro_sleep(0));
	CORO_TRY(coro_lock_release(lock));
	CORO_TRY(coro_await(task));
	coro_lock_free(lock);
	end_events();
	coro_task_free(task);
	return CORO_NONE;
}

static void a_lock_tells_who_waits_and_who_has_it(void **state)
{
	const char *at;

	watch(share_a_lock);
	at = strstr(events, "lock create");
	assert_non_null(at);
	static const char *const story[] = {
		"lock create main>unlocked; ",
		"lock lock_acquire main>locked; ",
		"lock lock_wait task>locked; ",
		"future future_new lock>pending; ",
		"lock lock_release main>unlocked; future future_set main>done; task wake future>ready; ",
		"lock lock_acquire task>locked; ",
		"lock lock_release task>unlocked; ",
		"lock destroy>none; "};
	for (size_t i = 0; i < sizeof(story) / sizeof(*story); i++) {
		at = strstr(at, story[i]);
		if (!at)
			fail_msg("missing or out of order: %s in: %s", story[i], events);
		at += strlen(story[i]);
	}
}

static coro_value getter(coro_value queue)
{
	return coro_queue_get(coro_as_ptr(queue));
}

static coro_value gather_two_getters(coro_value unused)
{
	struct coro_queue *queue = coro_queue_new_named(1, "queue");
	coro_value both[] = {coro_object(coro_spawn(getter, coro_ptr(queue), "a")),
						 coro_object(coro_spawn(getter, coro_ptr(queue), "b"))};

	CORO_TRY(coro_sleep(0));
	begin_events();
	CORO_TRY(coro_queue_put(queue, coro_int(1)));
	CORO_TRY(coro_queue_put(queue, coro_int(2)));
	CORO_TRY(coro_gather(both, 2, false, both));
	end_events();
	coro_queue_free(queue);
	return CORO_NONE;
}

static void a_queue_and_a_gather_tell_what_they_do(void **state)
{
	watch(gather_two_getters);
	assert_string_equal(
		events,
		"queue queue_put main>open; future future_set main>done; a wake future>ready; "
		"future future_new queue>pending; function yield main>suspended; "
		"main await future>suspended; loop turn_end>suspended; "
		"loop turn_begin>running; loop select>running; "
		"a step loop>running; getter next a>running; future destroy>none; "
		"queue queue_get a>open; future future_set a>done; main wake future>ready; "
		"getter return a>done; a done>done; getter destroy>none; loop turn_end>suspended; "
		"loop turn_begin>running; loop select>running; "
		"main step loop>running; function next main>running; future destroy>none; "
		"queue queue_put main>open; future future_set main>done; b wake future>ready; "
		"future future_new>pending; future await_child a>pending; future await_child b>pending; "
		"function yield main>suspended; main await future>suspended; "
		"loop turn_end>suspended; loop turn_begin>running; loop select>running; "
		"b step loop>running; getter next b>running; future destroy>none; "
		"queue queue_get b>open; getter return b>done; b done>done; getter destroy>none; "
		"loop turn_end>suspended; loop turn_begin>running; loop select>running; "
		"loop callback future>running; future future_set loop>done; main wake future>ready; "
		"loop turn_end>suspended; loop turn_begin>running; loop select>running; "
		"main step loop>running; function next main>running; future destroy>none; ");
}

static coro_value reader(coro_value fd)
{
	char byte;
	coro_value got = coro_recv((int)coro_as_int(fd), &byte, 1);

	coro_close_descriptor((int)coro_as_int(fd));
	return got;
}

static coro_value read_a_socket(coro_value unused)
{
	int pair[2];
	struct coro_task *task;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	task = coro_spawn(reader, coro_int(pair[0]), "task");
	CORO_TRY(coro_sleep(0));
	begin_events();
	CORO_TRY(coro_sleep(0));
	CORO_TRY(coro_send_all(pair[1], "x", 1));
	CORO_TRY(coro_await(task));
	coro_task_free(task);
	end_events();
	coro_close_descriptor(pair[1]);
	return CORO_NONE;
}

static void a_descriptor_wakes_who_waits_for_it(void **state)
{
	watch(read_a_socket);
	assert_non_null(strstr(events, "io_ready>open; future future_set fd "));
	assert_non_null(strstr(events, ">done; task wake future>ready; "));
	assert_non_null(strstr(events, "destroy>none; "));
}

static struct coro_semaphore *semaphore;
static struct coro_event *event;

static coro_value acquire_it(coro_value unused)
{
	CORO_TRY(coro_semaphore_acquire(semaphore));
	return coro_semaphore_release(semaphore);
}

static coro_value hand_over_a_semaphore(coro_value unused)
{
	struct coro_task *task;

	begin_events();
	semaphore = coro_semaphore_new(1, "places");
	CORO_TRY(coro_semaphore_acquire(semaphore));
	task = coro_spawn(acquire_it, CORO_NONE, "task");
	CORO_TRY(coro_sleep(0));
	CORO_TRY(coro_semaphore_release(semaphore));
	CORO_TRY(coro_await(task));
	coro_task_free(task);
	coro_semaphore_free(semaphore);
	end_events();
	return CORO_NONE;
}

static void a_semaphore_tells_who_waits_and_who_has_a_place(void **state)
{
	watch(hand_over_a_semaphore);
	assert_non_null(strstr(events, "places create main>open; places sync_acquire main>open; "));
	assert_non_null(strstr(events, "places sync_wait task>open; future future_new places>pending"));
	assert_non_null(strstr(events, "places sync_release main>open; places sync_wake future>open; "
								   "future future_set main>done; task wake future>ready; "));
	assert_non_null(strstr(events, "places sync_acquire task>open; "));
	assert_non_null(strstr(events, "places destroy>none; "));
}

static coro_value await_event(coro_value unused)
{
	return coro_event_wait(event);
}

static coro_value set_an_event(coro_value unused)
{
	struct coro_task *task;

	event = coro_event_new("sign");
	task = coro_spawn(await_event, CORO_NONE, "task");
	CORO_TRY(coro_sleep(0));
	begin_events();
	coro_event_set(event);
	coro_event_clear(event);
	end_events();
	CORO_TRY(coro_await(task));
	coro_task_free(task);
	coro_event_free(event);
	return CORO_NONE;
}

static void an_event_tells_whom_it_wakes(void **state)
{
	watch(set_an_event);
	assert_string_equal(events, "sign event_set main>open; sign sync_wake future>open; "
								"future future_set main>done; task wake future>ready; "
								"sign event_clear main>open; ");
}

static coro_value fail_at_once(coro_value unused)
{
	return coro_raise(CORO_ValueError, "bad");
}

static coro_value fail_in_a_group(coro_value unused)
{
	struct coro_task_group *group;
	coro_value result;

	begin_events();
	group = coro_task_group_new("group");
	CORO_TRY(coro_task_group_enter(group));
	CORO_TRY(coro_task_group_spawn(group, sleeper, CORO_NONE, "long"));
	CORO_TRY(coro_task_group_spawn(group, fail_at_once, CORO_NONE, "short"));
	result = coro_task_group_exit(group, CORO_NONE);
	assert_true(coro_is(result, CORO_ExceptionGroup));
	coro_task_group_free(group);
	end_events();
	return CORO_NONE;
}

static void a_group_tells_its_tasks_and_what_ends_them(void **state)
{
	watch(fail_in_a_group);
	assert_non_null(strstr(events, "group create main>open; group group_enter main>open; "));
	assert_non_null(strstr(events, "group group_add long>open; "));
	assert_non_null(strstr(events, "group group_done short>open; group group_abort short>closed; "
								   "long cancel "));
	assert_non_null(strstr(events, "group group_done long>closed; "));
	assert_non_null(strstr(events, "group destroy>none; "));
}

static coro_value limit_a_sleep(coro_value unused)
{
	struct coro_timeout timeout = coro_timeout(5);
	coro_value result;

	begin_events();
	CORO_TRY(coro_timeout_enter(&timeout));
	CORO_TRY(coro_timeout_reschedule(&timeout, 1));
	result = coro_timeout_exit(&timeout, coro_sleep(9));
	assert_true(coro_is(result, CORO_TimeoutError));
	end_events();
	return CORO_NONE;
}

static void a_timeout_tells_its_deadline_and_when_it_is_over(void **state)
{
	watch(limit_a_sleep);
	assert_non_null(strstr(events,
						   "timeout create main>open; timer timer_set loop>pending; "
						   "timeout timeout_reschedule main>open; timer timer_set loop>pending; "
						   "timer timer_cancel>none; "));
	assert_non_null(strstr(events, "loop callback>running; timeout timeout_expire main>closed; "
								   "main cancel loop>suspended; "));
	assert_non_null(strstr(events, "timeout destroy>none; "));
}

static coro_value finish_items(coro_value unused)
{
	struct coro_queue *queue = coro_queue_new_named(0, "queue");

	begin_events();
	CORO_TRY(coro_queue_put(queue, coro_int(1)));
	CORO_TRY(coro_queue_put(queue, coro_int(2)));
	CORO_TRY(coro_queue_get(queue));
	CORO_TRY(coro_queue_task_done(queue));
	coro_queue_shutdown(queue, true);
	end_events();
	coro_queue_free(queue);
	return CORO_NONE;
}

static void a_queue_tells_what_is_finished(void **state)
{
	watch(finish_items);
	assert_string_equal(events, "queue queue_put main>open; queue queue_put main>open; "
								"queue queue_get main>open; queue queue_task_done main>open; "
								"queue queue_shutdown main>closed; ");
}

static coro_value pass_alone(coro_value unused)
{
	struct coro_barrier *barrier = coro_barrier_new(1, "barrier");

	begin_events();
	CORO_TRY(coro_barrier_wait(barrier));
	CORO_TRY(coro_barrier_abort(barrier));
	CORO_TRY(coro_barrier_reset(barrier));
	end_events();
	coro_barrier_free(barrier);
	return CORO_NONE;
}

static void a_barrier_tells_its_phases(void **state)
{
	watch(pass_alone);
	assert_string_equal(events,
						"barrier lock_acquire main>locked; barrier sync_wait main>open; "
						"barrier barrier_phase main>open; barrier sync_wake main>open; "
						"barrier barrier_phase main>open; barrier lock_release main>unlocked; "
						"barrier lock_acquire main>locked; barrier barrier_phase main>closed; "
						"barrier lock_release main>unlocked; barrier lock_acquire main>locked; "
						"barrier barrier_phase main>open; barrier lock_release main>unlocked; ");
}

static coro_value anext_of(coro_value generator)
{
	return coro_anext((struct coro_generator *)coro_as_object(generator));
}

static coro_value count(coro_value unused)
{
	CORO_TRY(coro_sleep(1));
	CORO_TRY(coro_yield(coro_int(1)));
	return CORO_NONE;
}

static coro_value iterate_asynchronously(coro_value unused)
{
	struct coro_generator *generator;

	begin_events();
	generator = coro_async_generator(count, CORO_NONE);
	CORO_TRY(CORO_CALL(anext_of, coro_object(generator)));
	coro_aclose(generator);
	coro_free(generator);
	end_events();
	return CORO_NONE;
}

static void an_async_generator_tells_what_it_awaits_and_gives(void **state)
{
	watch(iterate_asynchronously);
	assert_non_null(strstr(events, "count create function>created; "));
	assert_non_null(strstr(events, "count next anext_of>running; "));
	assert_non_null(strstr(events, "count yield anext_of>suspended; anext_of yield main>suspended; "
								   "main await future>suspended; "));
	assert_non_null(strstr(events, "count yield anext_of>suspended; anext_of return "));
	assert_non_null(strstr(events, "count destroy>none; "));
}

static struct coro_channel *channels[2];

static coro_value select_both(coro_value unused)
{
	struct coro_case cases[] = {coro_case_send(channels[0], coro_int(1)),
								coro_case_receive(channels[1])};

	return coro_select(cases, 2);
}

static coro_value receive_one(coro_value unused)
{
	return coro_channel_receive(channels[0], NULL);
}

static coro_value use_channels(coro_value unused)
{
	struct coro_task *select, *receiver;

	begin_events();
	channels[0] = coro_channel_new_named(0, "a");
	channels[1] = coro_channel_new_named(1, "b");
	select = coro_spawn(select_both, CORO_NONE, "select");
	CORO_TRY(coro_sleep(0));
	CORO_TRY(coro_channel_send(channels[1], coro_int(2)));
	CORO_TRY(coro_channel_send(channels[1], coro_int(3)));
	CORO_TRY(coro_channel_close(channels[1]));
	CORO_TRY(coro_channel_receive(channels[1], NULL));
	CORO_TRY(coro_channel_receive(channels[1], NULL));
	CORO_TRY(coro_await(select));
	coro_task_free(select);
	/* One is cancelled after it was handed a value, and gives it back. */
	receiver = coro_spawn(receive_one, CORO_NONE, "receiver");
	CORO_TRY(coro_sleep(0));
	CORO_TRY(coro_channel_send(channels[0], coro_int(4)));
	coro_task_cancel(receiver, NULL);
	coro_await(receiver);
	coro_task_free(receiver);
	coro_channel_free(channels[0]);
	coro_channel_free(channels[1]);
	end_events();
	return CORO_NONE;
}

static void a_channel_tells_of_each_value_and_who_waits(void **state)
{
	watch(use_channels);
	assert_non_null(strstr(events, "a create main>open; b create main>open; "));
	assert_non_null(strstr(events, "future future_new a>pending; future channel_wait a>pending; "
								   "future channel_wait b>pending; select_both yield "));
	assert_non_null(strstr(events, "b channel_send main>open; b channel_recv select>open; "
								   "future future_set main>done; select wake future>ready; "
								   "b channel_send main>open; b channel_close main>closed; "
								   "b channel_recv main>closed; "));
	assert_non_null(strstr(events, "future future_new a>pending; receive_one yield "));
	assert_non_null(strstr(events, "a channel_send main>open; a channel_recv receiver>open; "
								   "future future_set main>done; receiver wake future>ready; "
								   "receiver cancel main>ready; "));
	assert_non_null(strstr(events, "future destroy>none; a channel_send receiver>open; "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_task_that_sleeps_tells_the_story_of_a_wait),
		cmocka_unit_test(a_cancellation_is_seen_from_the_request_to_the_end),
		cmocka_unit_test(a_lock_tells_who_waits_and_who_has_it),
		cmocka_unit_test(a_queue_and_a_gather_tell_what_they_do),
		cmocka_unit_test(a_descriptor_wakes_who_waits_for_it),
		cmocka_unit_test(a_semaphore_tells_who_waits_and_who_has_a_place),
		cmocka_unit_test(an_event_tells_whom_it_wakes),
		cmocka_unit_test(a_group_tells_its_tasks_and_what_ends_them),
		cmocka_unit_test(a_timeout_tells_its_deadline_and_when_it_is_over),
		cmocka_unit_test(a_queue_tells_what_is_finished),
		cmocka_unit_test(a_barrier_tells_its_phases),
		cmocka_unit_test(an_async_generator_tells_what_it_awaits_and_gives),
		cmocka_unit_test(a_channel_tells_of_each_value_and_who_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
