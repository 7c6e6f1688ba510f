/*
 * wrong_thread_test.c - everything belongs to the thread that made it. Whoever uses it from
 * another one ends the program, and is told what it was and where.
 */
#include <pthread.h>
#include "aborts.h"

/* ---- What one thread makes --------------------------------------------- */

static struct {
	struct coro_generator *generator, *stream;
	struct coro_async_step *step;
	struct coro_loop *loop;
	struct coro_task *task;
	struct coro_future *future;
	struct coro_task_group *group;
	struct coro_lock *lock;
	struct coro_event *event;
	struct coro_condition *condition;
	struct coro_semaphore *semaphore, *bounded;
	struct coro_barrier *barrier;
	struct coro_queue *queue, *lifo, *priority;
	struct coro_channel *channel;
	struct coro_greenlet *greenlet;
	struct coro_tasklet *tasklet;
	struct coro_tasklet_channel *line;
	struct coro_context *context;
	coro_value value; /* the generator */
} theirs;

static coro_value yields(coro_value unused)
{
	coro_yield(coro_int(1));
	return CORO_NONE;
}

static coro_value nothing(coro_value unused)
{
	return CORO_NONE;
}

static coro_value delegates_to(coro_value value)
{
	return coro_yield_from(value);
}

static void make_all(void)
{
	theirs.loop = coro_loop_new(NULL);
	theirs.generator = coro_generator_named(yields, CORO_NONE, "theirs", "here:7");
	coro_next(theirs.generator);
	theirs.value = coro_object(theirs.generator);
	theirs.stream = coro_async_generator_named(yields, CORO_NONE, "theirs", "here:7");
	theirs.step = coro_asend_step(theirs.stream, CORO_NONE);
	theirs.task = coro_spawn(nothing, CORO_NONE, "theirs");
	theirs.future = coro_future_new(CORO_REASON_NONE, NULL);
	theirs.group = coro_task_group_new("theirs");
	theirs.lock = coro_lock_new("theirs");
	theirs.event = coro_event_new("theirs");
	theirs.condition = coro_condition_new(NULL, "theirs");
	theirs.semaphore = coro_semaphore_new(1, "theirs");
	theirs.bounded = coro_bounded_semaphore_new(1, "theirs");
	theirs.barrier = coro_barrier_new(2, "theirs");
	theirs.queue = coro_queue_new_named(1, "theirs");
	theirs.lifo = coro_lifo_queue_new(1, "theirs");
	theirs.priority = coro_priority_queue_new(1, NULL, "theirs");
	theirs.channel = coro_channel_new_named(1, "theirs");
	theirs.greenlet = coro_greenlet_named(nothing, CORO_NONE, "theirs", "here:7");
	theirs.tasklet = coro_tasklet_named(nothing, CORO_NONE, "theirs", "here:7");
	theirs.line = coro_tasklet_channel_new("theirs");
	theirs.context = coro_context_new();
}

/* ---- What another one does with it ------------------------------------- */

static void next_generator(void)
{
	coro_next(theirs.generator);
}

static void send_generator(void)
{
	coro_send(theirs.generator, coro_int(1));
}

static void throw_generator(void)
{
	coro_throw(theirs.generator, coro_error(CORO_ValueError, "x"));
}

static void close_generator(void)
{
	coro_close(theirs.generator);
}

static void free_generator(void)
{
	coro_free(theirs.generator);
}

static void state_of_generator(void)
{
	coro_state(theirs.generator);
}

static void delegate_to_generator(void)
{
	coro_next(coro_generator(delegates_to, theirs.value));
}

static void iterate_generator(void)
{
	struct coro_iterator iterator = coro_iter(theirs.generator);

	coro_iterator_next(&iterator);
}

static void step_of_stream(void)
{
	coro_anext(theirs.stream);
}

static void close_stream(void)
{
	coro_aclose_step(theirs.stream);
}

static void send_step(void)
{
	coro_async_step_send(theirs.step, CORO_NONE);
}

static void free_step(void)
{
	coro_async_step_free(theirs.step);
}

static void call_loop(void)
{
	coro_loop_call_soon(theirs.loop, nothing, CORO_NONE);
}

static void run_loop(void)
{
	coro_loop_run_until_complete(theirs.loop, CORO_NONE);
}

static void free_loop(void)
{
	coro_loop_free(theirs.loop);
}

static void cancel_task(void)
{
	coro_task_cancel(theirs.task, NULL);
}

static void name_of_task(void)
{
	coro_task_name(theirs.task);
}

static void free_task(void)
{
	coro_task_free(theirs.task);
}

static void set_future(void)
{
	coro_future_set_result(theirs.future, CORO_NONE);
}

static void free_future(void)
{
	coro_future_free(theirs.future);
}

static void enter_group(void)
{
	coro_task_group_enter(theirs.group);
}

static void exit_group(void)
{
	coro_task_group_exit(theirs.group, CORO_NONE);
}

static void free_group(void)
{
	coro_task_group_free(theirs.group);
}

static void acquire_lock(void)
{
	coro_lock_acquire(theirs.lock);
}

static void release_lock(void)
{
	coro_lock_release(theirs.lock);
}

static void free_lock(void)
{
	coro_lock_free(theirs.lock);
}

static void set_event(void)
{
	coro_event_set(theirs.event);
}

static void wait_event(void)
{
	coro_event_wait(theirs.event);
}

static void wait_condition(void)
{
	coro_condition_wait(theirs.condition);
}

static void notify_condition(void)
{
	coro_condition_notify(theirs.condition, 1);
}

static void acquire_semaphore(void)
{
	coro_semaphore_acquire(theirs.semaphore);
}

static void release_bounded(void)
{
	coro_semaphore_release(theirs.bounded);
}

static void wait_barrier(void)
{
	coro_barrier_wait(theirs.barrier);
}

static void abort_barrier(void)
{
	coro_barrier_abort(theirs.barrier);
}

static void put_queue(void)
{
	coro_queue_put_nowait(theirs.queue, CORO_NONE);
}

static void get_lifo(void)
{
	coro_queue_get(theirs.lifo);
}

static void join_priority(void)
{
	coro_queue_join(theirs.priority);
}

static void send_channel(void)
{
	coro_channel_send(theirs.channel, CORO_NONE);
}

static void close_channel(void)
{
	coro_channel_close(theirs.channel);
}

static void select_channel(void)
{
	struct coro_case cases[] = {coro_case_receive(theirs.channel)};

	coro_select_nowait(cases, 1);
}

static void run_tasklet(void)
{
	coro_tasklet_run(theirs.tasklet);
}

static void kill_tasklet(void)
{
	coro_tasklet_kill(theirs.tasklet);
}

static void send_line(void)
{
	coro_tasklet_channel_send(theirs.line, CORO_NONE);
}

static void free_greenlet(void)
{
	coro_greenlet_free(theirs.greenlet);
}

static void run_context(void)
{
	coro_context_run(theirs.context, nothing, CORO_NONE);
}

static void free_context(void)
{
	coro_context_free(theirs.context);
}

static void (*use)(void);
static bool makes_something; /* before: its thread is known to the library then */

static void *uses_it(void *unused)
{
	if (makes_something)
		coro_free(coro_generator(yields, CORO_NONE));
	use();
	return NULL;
}

static void in_another_thread(void)
{
	pthread_t thread;

	make_all();
	pthread_create(&thread, NULL, uses_it, NULL);
	pthread_join(thread, NULL);
}

static void what_belongs_to_another_thread_is_refused(void **state)
{
	static const struct {
		void (*use)(void);
		const char *what;
	} uses[] = {
		{next_generator, "generator 'theirs' #*"},
		{send_generator, "generator 'theirs' #*"},
		{throw_generator, "generator 'theirs' #*"},
		{close_generator, "generator 'theirs' #*"},
		{free_generator, "generator 'theirs' #*"},
		{state_of_generator, "generator 'theirs' #*"},
		{delegate_to_generator, "generator 'theirs' #*"},
		{iterate_generator, "generator 'theirs' #*"},
		{step_of_stream, "async generator 'theirs' #*"},
		{close_stream, "async generator 'theirs' #*"},
		{send_step, "step of an async generator"},
		{free_step, "step of an async generator"},
		{call_loop, "loop 'loop' #*"},
		{run_loop, "loop 'loop' #*"},
		{free_loop, "loop 'loop' #*"},
		{cancel_task, "task 'theirs' #*"},
		{name_of_task, "task 'theirs' #*"},
		{free_task, "task 'theirs' #*"},
		{set_future, "future #*"},
		{free_future, "future #*"},
		{enter_group, "task group 'theirs' #*"},
		{exit_group, "task group 'theirs' #*"},
		{free_group, "task group 'theirs' #*"},
		{acquire_lock, "lock 'theirs' #*"},
		{release_lock, "lock 'theirs' #*"},
		{free_lock, "lock 'theirs' #*"},
		{set_event, "event 'theirs' #*"},
		{wait_event, "event 'theirs' #*"},
		{wait_condition, "condition 'theirs' #*"},
		{notify_condition, "condition 'theirs' #*"},
		{acquire_semaphore, "semaphore 'theirs' #*"},
		{release_bounded, "semaphore 'theirs' #*"},
		{wait_barrier, "barrier 'theirs' #*"},
		{abort_barrier, "barrier 'theirs' #*"},
		{put_queue, "queue 'theirs' #*"},
		{get_lifo, "queue 'theirs' #*"},
		{join_priority, "queue 'theirs' #*"},
		{send_channel, "channel 'theirs' #*"},
		{close_channel, "channel 'theirs' #*"},
		{select_channel, "channel 'theirs' #*"},
		{run_tasklet, "tasklet 'theirs' #*"},
		{kill_tasklet, "tasklet 'theirs' #*"},
		{send_line, "channel of tasklets 'theirs' #*"},
		{free_greenlet, "greenlet 'theirs' #*"},
		{run_context, "context"},
		{free_context, "context"},
	};
	char pattern[256];

	for (size_t i = 0; i < 2 * sizeof(uses) / sizeof(*uses); i++) {
		makes_something = i % 2;
		use = uses[i / 2].use;
		snprintf(pattern, sizeof(pattern),
				 "coroscope: %s, is used by another thread than its own" CALLED, uses[i / 2].what);
		assert_aborts(in_another_thread, pattern);
	}
}

static coro_value greenlet_error;

static void switches(void)
{
	greenlet_error = coro_greenlet_switch(theirs.greenlet, CORO_NONE);
	assert_true(coro_is(greenlet_error, CORO_GreenletError));
	fputs("refused\n", stderr);
	abort();
}

/* As in greenlet, a switch is an error that can be caught. */
static void a_greenlet_of_another_thread_is_not_switched_to(void **state)
{
	use = switches;
	assert_aborts(in_another_thread, "refused\n*"); /* Valgrind says more */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		sentence(what_belongs_to_another_thread_is_refused),
		sentence(a_greenlet_of_another_thread_is_not_switched_to),
	};

	return cmocka_run_group_tests_name("wrong thread", tests, NULL, NULL);
}
