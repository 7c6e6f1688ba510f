/*
 * stale_handle_test.c - handles that are not what they should be: of what was freed, of another
 * kind, of a thread that has ended, none. The program ends with a message that says what is known,
 * and where it was; and nobody else's object is touched.
 */
#include <pthread.h>
#include "aborts.h"

static coro_value counts(coro_value from)
{
	for (int64_t i = coro_as_int(from); coro_is_none(coro_yield(coro_int(i))); i++)
		continue;
	return CORO_NONE;
}

static coro_value nothing(coro_value unused)
{
	return CORO_NONE;
}

/* ---- Freed: generators ------------------------------------------------- */

/* A handle of one that was freed; then others were made, run, and freed, and one lives. */
static struct coro_generator *stale(size_t others)
{
	struct coro_generator *body = coro_generator_named(counts, coro_int(1), "stale", "here:7");

	coro_next(body);
	coro_free(body);
	if (!others)
		return body;
	while (others--) {
		struct coro_generator *other = coro_generator(counts, coro_int(100));

		coro_next(other);
		coro_free(other);
	}
	coro_next(coro_generator_named(counts, coro_int(100), "other", "there:8"));
	return body;
}

static void next_of_a_stale_one(void)
{
	coro_next(stale(0));
}

static void send_to_a_stale_one(void)
{
	coro_send(stale(0), coro_int(1));
}

static void throw_into_a_stale_one(void)
{
	coro_throw(stale(0), coro_error(CORO_ValueError, "x"));
}

static void close_a_stale_one(void)
{
	coro_close(stale(0));
}

static void free_a_stale_one(void)
{
	coro_free(stale(0));
}

static void look_at_a_stale_one(void)
{
	coro_state(stale(0));
}

static void value_of_a_stale_one(void)
{
	coro_object(stale(0));
}

static void a_freed_generator_that_is_used_is_named_with_its_number_and_place(void **state)
{
	void (*const uses[])(void) = {next_of_a_stale_one, send_to_a_stale_one, throw_into_a_stale_one,
								  close_a_stale_one,   free_a_stale_one,    look_at_a_stale_one,
								  value_of_a_stale_one};

	for (size_t i = 0; i < sizeof(uses) / sizeof(*uses); i++)
		assert_aborts(uses[i], "coroscope: generator 'stale' #*, created at here:7, "
							   "is used after it was freed" CALLED);
}

static void next_after_one(void)
{
	coro_next(stale(1));
}

static void send_after_a_hundred(void)
{
	coro_send(stale(100), coro_int(1));
}

static void free_after_thousands(void)
{
	coro_free(stale(5000));
}

static void value_after_a_hundred(void)
{
	coro_object(stale(100));
}

static void a_freed_generator_is_never_taken_for_one_that_has_its_memory_now(void **state)
{
	static const char in_its_place[] =
		"coroscope: a generator is used after it was freed: in its place is now generator 'other' "
		"#*, created at there:8" CALLED;

	assert_aborts(next_after_one, in_its_place);
	assert_aborts(send_after_a_hundred, in_its_place);
	assert_aborts(free_after_thousands, in_its_place);
	assert_aborts(value_after_a_hundred,
				  "coroscope: an object is used after it was freed: in its place is now *" CALLED);
}

static coro_value stale_value(size_t others)
{
	struct coro_generator *body = coro_generator_named(counts, coro_int(1), "stale", "here:7");
	coro_value value = coro_object(body);

	coro_free(body);
	while (others--)
		coro_free(coro_generator(counts, coro_int(100)));
	coro_generator_named(counts, coro_int(100), "other", "there:8");
	return value;
}

static void object_of_a_stale_value(void)
{
	coro_as_object(stale_value(0));
}

/* As often as there are generations. */
static void object_of_a_very_stale_value(void)
{
	coro_as_object(stale_value(65534));
}

static void kind_of_a_stale_value(void)
{
	coro_object_kind(stale_value(3));
}

static coro_value delegates_to(coro_value value)
{
	return coro_yield_from(value);
}

static void delegate_to_a_stale_value(void)
{
	coro_next(coro_generator(delegates_to, stale_value(1)));
}

static void a_value_of_what_was_freed_is_found_out_for_ever(void **state)
{
	void (*const uses[])(void) = {object_of_a_stale_value, object_of_a_very_stale_value,
								  kind_of_a_stale_value, delegate_to_a_stale_value};

	for (size_t i = 0; i < sizeof(uses) / sizeof(*uses); i++)
		assert_aborts(uses[i], "coroscope: object #* is used after it was freed: in its place is "
							   "now generator 'other' #*" CALLED);
}

static void a_stale_value_is_shown_as_such(void **state)
{
	struct coro_generator *body = coro_generator(nothing, CORO_NONE), *other;
	coro_value value = coro_object(body);
	char text[64];

	coro_free(body);
	other = coro_generator(nothing, CORO_NONE);
	coro_format(value, text, sizeof(text));
	assert_int_equal(fnmatch("<freed object #*>", text, 0), 0);
	assert_string_equal(coro_type_name(value), "freed object");
	assert_false(coro_equal(value, coro_object(other)));
	assert_ptr_not_equal(body, other);
	coro_free(other);
}

/* ---- Freed: the other kinds -------------------------------------------- */

/* Makes, frees and makes again so many; then uses the first. */
#define STALE(name, type, make, release, use)                                                      \
	static void name##_inside(void)                                                                \
	{                                                                                              \
		type *stale_one = make, *other;                                                            \
                                                                                                   \
		release(stale_one);                                                                        \
		for (int i = 0; i < 100; i++) {                                                            \
			other = make;                                                                          \
			release(other);                                                                        \
		}                                                                                          \
		other = make;                                                                              \
		(void)(use);                                                                               \
	}                                                                                              \
	static void name(void)                                                                         \
	{                                                                                              \
		in_loop(name##_inside);                                                                    \
	}

static struct coro_task *done_task(void)
{
	struct coro_task *task = coro_spawn(nothing, CORO_NONE, "done");

	coro_await(task);
	return task;
}

static struct coro_completion *completion(void)
{
	struct coro_task *task = coro_spawn(nothing, CORO_NONE, "one");
	coro_value value = coro_object(task);
	struct coro_completion *all = coro_as_completed(&value, 1, CORO_FOREVER);

	coro_task_free(task);
	return all;
}

static coro_value items(coro_value unused)
{
	return coro_yield(CORO_NONE);
}

static struct coro_async_step *step(void)
{
	static struct coro_generator *generator;

	if (!generator)
		generator = coro_async_generator(items, CORO_NONE);
	return coro_aclose_step(generator);
}

static void free_step(struct coro_async_step *used)
{
	coro_async_step_close(used);
	coro_async_step_free(used);
}

STALE(stale_task, struct coro_task, done_task(), coro_task_free, coro_task_cancel(stale_one, NULL))
STALE(awaited_task, struct coro_task, done_task(), coro_task_free, coro_await(stale_one))
STALE(freed_task, struct coro_task, done_task(), coro_task_free, coro_task_free(stale_one))
STALE(stale_future, struct coro_future, coro_future_new(CORO_REASON_NONE, NULL), coro_future_free,
	  coro_future_set_result(stale_one, CORO_NONE))
STALE(stale_gather, struct coro_future, coro_gather_future(NULL, 0, false), coro_future_free,
	  coro_future_done(stale_one))
STALE(stale_lock, struct coro_lock, coro_lock_new("l"), coro_lock_free,
	  coro_lock_acquire(stale_one))
STALE(stale_event, struct coro_event, coro_event_new("e"), coro_event_free,
	  coro_event_set(stale_one))
STALE(stale_condition, struct coro_condition, coro_condition_new(NULL, "c"), coro_condition_free,
	  coro_condition_wait(stale_one))
STALE(stale_semaphore, struct coro_semaphore, coro_semaphore_new(1, "s"), coro_semaphore_free,
	  coro_semaphore_acquire(stale_one))
STALE(stale_barrier, struct coro_barrier, coro_barrier_new(1, "b"), coro_barrier_free,
	  coro_barrier_wait(stale_one))
STALE(stale_queue_put, struct coro_queue, coro_queue_new_named(1, "q"), coro_queue_free,
	  coro_queue_put(stale_one, CORO_NONE))
STALE(stale_queue_get, struct coro_queue, coro_queue_new_named(1, "q"), coro_queue_free,
	  coro_queue_get(stale_one))
STALE(stale_group, struct coro_task_group, coro_task_group_new("g"), coro_task_group_free,
	  coro_task_group_enter(stale_one))
STALE(stale_completion, struct coro_completion, completion(), coro_as_completed_free,
	  coro_as_completed_next(stale_one))
STALE(stale_step, struct coro_async_step, step(), free_step,
	  coro_async_step_send(stale_one, CORO_NONE))

static void stale_loop(void)
{
	struct coro_loop *loop = coro_loop_new(NULL), *other = NULL;

	for (int i = 0; i < 100; i++) {
		coro_loop_free(i ? other : loop);
		other = coro_loop_new(NULL);
	}
	coro_loop_call_soon(loop, nothing, CORO_NONE);
}

static void a_stale_handle_of_any_kind_is_found_out_however_often_its_memory_was_used(void **state)
{
	static const struct {
		void (*what)(void);
		const char *kind;
	} uses[] = {
		{stale_task, "a task"},
		{awaited_task, "an object"},
		{freed_task, "a task"},
		{stale_future, "a future"},
		{stale_gather, "a future"},
		{stale_lock, "a lock"},
		{stale_event, "an event"},
		{stale_condition, "a condition"},
		{stale_semaphore, "a semaphore"},
		{stale_barrier, "a barrier"},
		{stale_queue_put, "a queue"},
		{stale_queue_get, "a queue"},
		{stale_group, "a task group"},
		{stale_completion, "a coro_as_completed"},
		{stale_step, "a step of an async generator"},
		{stale_loop, "a loop"},
	};
	char pattern[256];

	for (size_t i = 0; i < sizeof(uses) / sizeof(*uses); i++) {
		snprintf(pattern, sizeof(pattern),
				 "coroscope: %s is used after it was freed: in its place is now %s*%s",
				 uses[i].kind,
				 strcmp(uses[i].kind, "an object") ? strchr(uses[i].kind, ' ') + 1 : "", CALLED);
		assert_aborts(uses[i].what, pattern);
	}
}

/* Its tasks and callbacks end with a loop, whoever has their handles. */
static void task_of_an_ended_loop(void)
{
	struct coro_loop *loop = coro_loop_new(NULL);
	struct coro_task *task = coro_spawn(nothing, CORO_NONE, "late");

	coro_loop_free(loop);
	coro_task_done(task);
}

static void a_task_is_over_with_its_loop(void **state)
{
	struct coro_loop *loop = coro_loop_new(NULL);
	struct coro_handle callback = coro_loop_call_soon(loop, nothing, CORO_NONE);

	coro_loop_free(loop);
	assert_false(coro_handle_cancel(callback));
	assert_aborts(task_of_an_ended_loop,
				  "coroscope: task 'late' #*, created at *stale_handle_test.c:*, is used after it "
				  "was freed" CALLED);
}

/* What a condition borrows. */
static void lock_of_a_condition_inside(void)
{
	struct coro_lock *lock = coro_lock_new("borrowed");
	struct coro_condition *condition = coro_condition_new(lock, "c");

	coro_lock_free(lock);
	coro_condition_notify_all(condition);
}

static void lock_of_a_condition(void)
{
	in_loop(lock_of_a_condition_inside);
}

static void a_condition_does_not_use_a_lock_that_was_freed(void **state)
{
	assert_aborts(lock_of_a_condition,
				  "coroscope: lock 'borrowed' #*, created at *, is used after it was freed" CALLED);
}

/* ---- Freed twice, or by somebody else ---------------------------------- */

static void pending_task_freed_twice_inside(void)
{
	struct coro_task *task = coro_spawn(nothing, CORO_NONE, "mine");

	coro_task_free(task);
	coro_task_free(task);
}

static void pending_task_freed_twice(void)
{
	in_loop(pending_task_freed_twice_inside);
}

static void task_of_a_group_inside(void)
{
	struct coro_task_group *group = coro_task_group_new("g");
	coro_value task;

	coro_task_group_enter(group);
	task = coro_task_group_spawn(group, nothing, CORO_NONE, "member");
	coro_task_free((struct coro_task *)coro_as_object(task));
}

static void task_of_a_group(void)
{
	in_loop(task_of_a_group_inside);
}

static void task_that_runs_inside(void)
{
	coro_task_free(coro_task_current());
}

static void task_that_runs(void)
{
	in_loop(task_that_runs_inside);
}

static coro_value holder(coro_value inner)
{
	return coro_yield_from(inner);
}

static void delegate_freed_twice(void)
{
	struct coro_generator *inner = coro_generator(counts, coro_int(1));
	struct coro_generator *outer = coro_generator(holder, coro_object(inner));

	coro_next(outer);
	coro_free(inner);
	coro_next(outer);
	coro_free(inner);
}

static void freeing_twice_and_freeing_what_is_not_ones_own_is_found_out(void **state)
{
	assert_aborts(pending_task_freed_twice,
				  "coroscope: task 'mine' #*, is freed twice, or by who does not own it" CALLED);
	assert_aborts(task_of_a_group,
				  "coroscope: task 'member' #*, is freed twice, or by who does not own it" CALLED);
	assert_aborts(task_that_runs,
				  "coroscope: task 'runs_it' #*, is freed twice, or by who does not own it" CALLED);
	assert_aborts(delegate_freed_twice,
				  "coroscope: generator 'counts' #*, created at *, is *freed*" CALLED);
}

/* ---- Of another kind, or none ------------------------------------------ */

static void queue_for_a_lock_inside(void)
{
	coro_lock_acquire((struct coro_lock *)coro_queue_new_named(3, "jobs"));
}

static void queue_for_a_lock(void)
{
	in_loop(queue_for_a_lock_inside);
}

static void task_for_a_generator_inside(void)
{
	coro_next((struct coro_generator *)coro_task_current());
}

static void task_for_a_generator(void)
{
	in_loop(task_for_a_generator_inside);
}

static void generator_for_an_async_one_inside(void)
{
	coro_anext(coro_generator(counts, CORO_NONE));
}

static void generator_for_an_async_one(void)
{
	in_loop(generator_for_an_async_one_inside);
}

static void future_for_a_task_inside(void)
{
	coro_task_cancel((struct coro_task *)coro_future_new(CORO_REASON_NONE, NULL), NULL);
}

static void future_for_a_task(void)
{
	in_loop(future_for_a_task_inside);
}

static void a_handle_of_another_kind_is_refused(void **state)
{
	assert_aborts(queue_for_a_lock,
				  "coroscope: a lock is expected, not queue 'jobs' #*, created at *" CALLED);
	assert_aborts(task_for_a_generator,
				  "coroscope: a generator is expected, not task 'runs_it' #*" CALLED);
	assert_aborts(generator_for_an_async_one,
				  "coroscope: an async generator is expected, not generator 'counts' #*" CALLED);
	assert_aborts(future_for_a_task, "coroscope: a task is expected, not future #*" CALLED);
}

static void lock_of_nothing_that_we_know(void)
{
	static uint64_t memory[64];

	coro_lock_locked((struct coro_lock *)&memory[32]);
}

static void a_pointer_to_something_else_is_no_handle(void **state)
{
	assert_aborts(lock_of_nothing_that_we_know,
				  "coroscope: a lock is expected, and 0x* is no handle" CALLED);
}

static void *volatile none;

static void next_of_none(void)
{
	coro_next((struct coro_generator *)none);
}

static void send_to_none(void)
{
	coro_send((struct coro_generator *)none, coro_int(1));
}

static void lock_none(void)
{
	coro_lock_locked((struct coro_lock *)none);
}

static void time_of_none(void)
{
	coro_loop_time((struct coro_loop *)none);
}

static void free_what_is_null(void)
{
	coro_free(none);
	coro_task_free(none);
	coro_future_free(none);
	coro_lock_free(none);
	coro_event_free(none);
	coro_condition_free(none);
	coro_semaphore_free(none);
	coro_barrier_free(none);
	coro_queue_free(none);
	coro_task_group_free(none);
	coro_as_completed_free(none);
	coro_async_step_free(none);
	coro_loop_free(none);
	coro_loop_close(none);
}

static void what_is_null_is_called_so(void **state)
{
	assert_aborts(next_of_none, "coroscope: a generator is expected, not NULL" CALLED);
	assert_aborts(send_to_none, "coroscope: a generator is expected, not NULL" CALLED);
	assert_aborts(lock_none, "coroscope: a lock is expected, not NULL" CALLED);
	assert_aborts(time_of_none, "coroscope: a loop is expected, not NULL" CALLED);
	free_what_is_null();
	assert_true(coro_is_none(coro_object(none)));
}

/* ---- Of a thread that has ended ---------------------------------------- */

static struct coro_generator *theirs;

static void *leaves_it(void *unused)
{
	theirs = coro_generator_named(counts, coro_int(1), "theirs", "here:7");
	coro_next(theirs);
	return NULL;
}

static void of_an_ended_thread(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, leaves_it, NULL);
	pthread_join(thread, NULL);
	coro_next(theirs);
}

/* The memory of a thread that has ended goes on to others. */
static void of_an_ended_thread_whose_memory_is_used(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, leaves_it, NULL);
	pthread_join(thread, NULL);
	for (int i = 0; i < 1000; i++)
		coro_generator_named(counts, coro_int(1), "other", "there:8");
	coro_next(theirs);
}

static void what_a_thread_left_at_its_end_is_freed(void **state)
{
	assert_aborts(of_an_ended_thread, "coroscope: generator 'theirs' #*, created at here:7, "
									  "is used after it was freed" CALLED);
	assert_aborts(of_an_ended_thread_whose_memory_is_used,
				  "coroscope: a generator is used after it was freed: in its place is now "
				  "generator 'other' #*" CALLED);
}

/* ---- Handles that are right -------------------------------------------- */

static void *gives_its_memory_on(void *unused)
{
	coro_free(coro_generator(counts, coro_int(1)));
	return NULL;
}

static void equal_handles_are_the_same_object(void **state)
{
	struct coro_generator *body = coro_generator(counts, coro_int(1));

	assert_ptr_equal(coro_as_object(coro_object(body)), body);
	assert_true(coro_equal(coro_object(body), coro_object(body)));
	assert_int_equal(coro_object_kind(coro_object(body)), CORO_OBJECT_GENERATOR);
	assert_string_equal(coro_name(body), "counts");
	coro_free(body);
}

static void threads_that_come_and_go_need_no_more_memory(void **state)
{
	struct coro_generator *first, *again;
	pthread_t thread;

	for (int i = 0; i < 50; i++) {
		assert_int_equal(pthread_create(&thread, NULL, gives_its_memory_on, NULL), 0);
		assert_int_equal(pthread_join(thread, NULL), 0);
	}
	/* What was freed last is used next. */
	first = coro_generator(counts, coro_int(1));
	coro_free(first);
	again = coro_generator(counts, coro_int(1));
	assert_ptr_equal(inside(again), inside(first));
	assert_ptr_not_equal(again, first);
	coro_free(again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		sentence(a_freed_generator_that_is_used_is_named_with_its_number_and_place),
		sentence(a_freed_generator_is_never_taken_for_one_that_has_its_memory_now),
		sentence(a_value_of_what_was_freed_is_found_out_for_ever),
		sentence(a_stale_value_is_shown_as_such),
		sentence(a_stale_handle_of_any_kind_is_found_out_however_often_its_memory_was_used),
		sentence(a_task_is_over_with_its_loop),
		sentence(a_condition_does_not_use_a_lock_that_was_freed),
		sentence(freeing_twice_and_freeing_what_is_not_ones_own_is_found_out),
		sentence(a_handle_of_another_kind_is_refused),
		sentence(a_pointer_to_something_else_is_no_handle),
		sentence(what_is_null_is_called_so),
		sentence(what_a_thread_left_at_its_end_is_freed),
		sentence(equal_handles_are_the_same_object),
		sentence(threads_that_come_and_go_need_no_more_memory),
	};

	return cmocka_run_group_tests_name("stale handle", tests, NULL, NULL);
}
