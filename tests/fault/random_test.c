/*
 * random_test.c - a generated program: agents that do at random whatever the runtime offers.
 *
 *     random_test OPERATIONS [SEED]
 *
 * An episode is a loop with virtual time, a set of objects of every kind that all share, and
 * agents: tasks that do one random operation after the other, on these objects, on each other, and
 * nested in each other (a timeout around a lock around a gather of agents ...). A keeper cancels
 * some now and then, so that none waits for ever. The runtime is one that verifies itself at each
 * turn. At the end of an episode nothing may be left. The same seed does the same.
 *
 *     episode   keeper -- cancels --> agent   agent   agent ...      until the operations are done
 *                                       |  do_something(depth)
 *                                       '--> lock, queue, gather, group, generator, ...
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <coroscope/coro.h>
#include "../../runtime/core/body.h"
#include "faults.h"

enum { EPISODE = 2000, AGENTS = 24, DEPTH = 4, FEW = 3, MANY = 8 };

/* ---- Chance ------------------------------------------------------------ */

static uint64_t seed, state;

static uint64_t bits(void)
{
	uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static unsigned below(unsigned limit)
{
	return (unsigned)(bits() % limit);
}

static bool one_in(unsigned count)
{
	return !below(count);
}

/* ---- What there is ----------------------------------------------------- */

static struct coro_lock *locks[FEW];
static struct coro_event *events[FEW];
static struct coro_condition *conditions[FEW];
static struct coro_semaphore *semaphores[FEW];
static struct coro_barrier *barriers[FEW];
static struct coro_queue *queues[FEW];
static struct coro_channel *channels[FEW];
static struct coro_future *futures[MANY];
static struct coro_task *tasks[MANY];
static struct coro_generator *generators[MANY], *async_generators[FEW];
static struct coro_handle handles[MANY];

static int64_t left; /* operations of the episode that are still to be done */
static int agents;
static bool ending, eager;
static uint64_t reports;

static coro_value do_something(int depth);
static coro_value agent(coro_value depth);

static void count_report(enum coro_report_kind kind, const char *text, coro_value exception,
						 void *data)
{
	reports++;
}

static coro_value some_error(void)
{
	static const struct coro_exception_type *const types[] = {CORO_ValueError, CORO_KeyError,
															  CORO_OSError, CORO_TimeoutError};

	return coro_error(types[below(4)], "number %u", below(1000));
}

static coro_value some_value(void)
{
	switch (below(5)) {
	case 0:
		return CORO_NONE;
	case 1:
		return coro_str("text");
	case 2:
		return coro_float(below(100) / 8.0);
	case 3:
		return some_error();
	default:
		return coro_int(below(1000));
	}
}

/* How long a section may last. */
static double some_time(void)
{
	return below(4) * 0.001;
}

/* What an operation raised: goes on, or is dealt with here. */
static coro_value deal_with(coro_value value)
{
	if (!coro_raised(value))
		return CORO_NONE;
	if (coro_is(value, CORO_GeneratorExit) || ending)
		return value;
	if (coro_is(value, CORO_CancelledError)) {
		if (!one_in(4) || !coro_task_current())
			return value;
		coro_task_uncancel(coro_task_current());
	}
	if (one_in(3))
		coro_handled();
	return CORO_NONE;
}
#define DEAL(expression) CORO_TRY(deal_with(expression))

/* ---- Generators -------------------------------------------------------- */

static coro_value generator_body(coro_value depth)
{
	for (unsigned i = below(6); i; i--) {
		struct coro_generator *other = generators[below(MANY)];
		static const coro_value values[] = {{CORO_VALUE_INT, {1}}, {CORO_VALUE_INT, {2}}};
		coro_value result;

		switch (below(7)) {
		case 0:
			result = other ? coro_yield_from(other) : CORO_NONE;
			break;
		case 1:
			result = coro_yield_from_array(values, 2);
			break;
		case 2:
			result = coro_as_int(depth) > 0 && other ? coro_next(other) : CORO_NONE;
			break;
		case 3:
			if (coro_as_int(depth) > 0) {
				CORO_AUTO struct coro_generator *inner =
					coro_generator(generator_body, coro_int(coro_as_int(depth) - 1));

				result = coro_yield_from(inner);
				break;
			}
			/* fall through */
		default:
			result = coro_yield(some_value());
		}
		if (coro_raised(result) && (coro_is(result, CORO_GeneratorExit) || one_in(2)))
			return result;
	}
	return one_in(5) ? coro_raise_again(some_error()) : some_value();
}

static void with_generator(void)
{
	unsigned place = below(MANY);
	struct coro_generator *generator = generators[place];

	if (!generator) {
		generators[place] = coro_generator(generator_body, coro_int(2));
		return;
	}
	switch (below(8)) {
	case 0:
		coro_close(generator);
		break;
	case 1:
		coro_throw(generator, some_error());
		break;
	case 2:
		coro_send(generator, some_value());
		break;
	case 3:
		if (coro_state(generator) == CORO_STATE_RUNNING)
			break;
		generators[place] = NULL;
		coro_free(generator);
		break;
	default:
		coro_next(generator);
	}
}

/* ---- Async generators -------------------------------------------------- */

static coro_value async_body(coro_value depth)
{
	for (unsigned i = below(5); i; i--) {
		coro_value result = one_in(3) ? coro_sleep(some_time()) : CORO_NONE;

		if (!coro_raised(result))
			result = coro_yield(some_value());
		if (coro_raised(result))
			return one_in(6) && !ending ? coro_sleep(0.001) : result;
	}
	return CORO_NONE;
}

static coro_value with_async_generator(void)
{
	unsigned place = below(FEW);
	struct coro_generator *generator = async_generators[place];
	struct coro_async_step *step;
	coro_value result;

	if (!generator) {
		async_generators[place] = coro_async_generator(async_body, CORO_NONE);
		return CORO_NONE;
	}
	switch (below(7)) {
	case 0:
		return coro_aclose(generator);
	case 1:
		return coro_athrow(generator, some_error());
	case 2:
		return coro_asend(generator, some_value());
	case 3:
		if (coro_state(generator) == CORO_STATE_RUNNING)
			return CORO_NONE;
		async_generators[place] = NULL;
		coro_free(generator);
		return CORO_NONE;
	case 4:
		step = one_in(2) ? coro_asend_step(generator, CORO_NONE) : coro_aclose_step(generator);
		result = one_in(3) ? CORO_NONE : coro_async_step_await(step);
		if (coro_raised(result))
			coro_keep(result);
		coro_async_step_free(step);
		if (coro_raised(result))
			coro_drop(result);
		return CORO_NONE;
	default:
		return coro_anext(generator);
	}
}

/* ---- Tasks ------------------------------------------------------------- */

static coro_value agents_end(coro_value unused)
{
	agents--;
	return CORO_NONE;
}

/* A task that was spawned after the one that runs; NULL: there is none at hand. Only such are
 * awaited: tasks that wait for each other in a ring can never be cancelled. */
static struct coro_task *a_younger_task(void)
{
	struct coro_task *task = tasks[below(MANY)];
	const struct coro_object *object = coro__address(task),
							 *self = coro__address(coro_task_current());

	return object && self && object->serial > self->serial ? task : NULL;
}

static coro_value a_coroutine(int depth)
{
	return coro_object(coro_coroutine(agent, coro_int(depth)));
}

static void spawn(int depth)
{
	const char *name = one_in(3) ? "an agent with a long name" : NULL;
	unsigned place = below(MANY);
	struct coro_task *task = tasks[place];

	if (agents >= AGENTS)
		return;
	tasks[place] = NULL;
	coro_task_free(task);
	agents++;
	task = coro_spawn(agent, coro_int(depth), name);
	if (!task || coro_raised(coro_task_add_done_callback(task, agents_end, CORO_NONE)))
		agents--;
	/* An eager one has perhaps put another there. */
	if (tasks[place])
		coro_task_free(task);
	else
		tasks[place] = task;
}

static coro_value with_task(int depth)
{
	struct coro_task *task = tasks[below(MANY)], *younger = a_younger_task();

	if (!task || one_in(3)) {
		spawn(depth);
		return CORO_NONE;
	}
	switch (below(7)) {
	case 0:
		coro_task_cancel(task, one_in(2) ? "a message" : NULL);
		return CORO_NONE;
	case 1:
		coro_task_uncancel(task);
		return CORO_NONE;
	case 2:
		coro_task_set_name(task, one_in(2) ? "short" : "a name that is too long for its place");
		return CORO_NONE;
	case 3:
		return coro_task_result(task);
	case 4:
		return younger ? coro_shield(younger) : CORO_NONE;
	case 5:
		return younger ? coro_wait_for(younger, some_time()) : CORO_NONE;
	default:
		return younger ? coro_await(younger) : CORO_NONE;
	}
}

/* ---- Futures and callbacks --------------------------------------------- */

static coro_value callback(coro_value unused)
{
	return one_in(4) ? coro_raise_again(some_error()) : CORO_NONE;
}

static coro_value with_future(void)
{
	unsigned place = below(MANY);
	struct coro_future *future = futures[place];

	if (!future || one_in(8)) {
		coro_future_free(future);
		futures[place] = coro_future_new(CORO_REASON_NONE, NULL);
		return CORO_NONE;
	}
	switch (below(7)) {
	case 0:
		return coro_future_set_result(future, some_value());
	case 1:
		return coro_future_set_exception(future, some_error());
	case 2:
		coro_future_cancel(future, one_in(2) ? "a message" : NULL);
		return CORO_NONE;
	case 3:
		return coro_future_add_done_callback(future, callback, CORO_NONE);
	case 4:
		return coro_future_result(future);
	case 5:
		return coro_wait_for(future, some_time());
	default:
		return coro_await(future);
	}
}

static void with_handle(void)
{
	struct coro_loop *loop = coro_loop_current();
	unsigned place = below(MANY);

	switch (below(4)) {
	case 0:
		coro_handle_cancel(handles[place]);
		break;
	case 1:
		handles[place] = coro_loop_call_soon(loop, callback, CORO_NONE);
		break;
	case 2:
		handles[place] = coro_loop_call_later(loop, some_time(), callback, CORO_NONE);
		break;
	default:
		handles[place] = coro_loop_call_at(loop, coro_loop_time(loop), callback, CORO_NONE);
	}
}

/* ---- Several ----------------------------------------------------------- */

/* Coroutines, tasks and futures. */
static size_t some_awaitables(coro_value *values, int depth)
{
	size_t count = below(4);

	for (size_t i = 0; i < count; i++) {
		struct coro_task *task = a_younger_task();
		struct coro_future *future = futures[below(MANY)];

		/* An eager one among them may free the others. */
		values[i] = task && one_in(3) && !eager     ? coro_object(task)
					: future && one_in(3) && !eager ? coro_object(future)
													: a_coroutine(depth);
	}
	return count;
}

static coro_value with_several(int depth)
{
	coro_value values[4], results[4], result;
	struct coro_completion *completion;
	struct coro_generator *next;
	struct coro_future *gather;
	size_t count = 0;

	switch (below(4)) {
	case 0:
		count = some_awaitables(values, depth);
		return coro_gather(values, count, one_in(2), results);
	case 1:
		count = some_awaitables(values, depth);
		gather = coro_gather_future(values, count, one_in(2));
		if (one_in(2) && gather)
			coro_future_cancel(gather, NULL);
		result = gather && one_in(2) ? coro_await(gather) : CORO_NONE;
		coro_future_free(gather);
		return result;
	case 2:
		for (size_t i = 0; i < 3; i++)
			if (tasks[i])
				values[count++] = coro_object(tasks[i]);
		return coro_wait(values, count, (enum coro_return_when)below(3), some_time());
	default:
		count = some_awaitables(values, depth);
		completion = coro_as_completed(values, count, some_time());
		result = CORO_NONE;
		while (completion && !coro_raised(result) && (next = coro_as_completed_next(completion)))
			result = coro_await(next);
		if (coro_raised(result))
			coro_keep(result);
		coro_as_completed_free(completion);
		if (coro_raised(result))
			coro_drop(result);
		return coro_raised(result) && coro_is(result, CORO_CancelledError) ? result : CORO_NONE;
	}
}

static coro_value with_group(int depth)
{
	struct coro_task_group *group = coro_task_group_new("group");
	coro_value result;

	if (!group)
		return CORO_NONE;
	result = coro_task_group_enter(group);
	if (!coro_raised(result)) {
		for (unsigned i = below(4); i; i--)
			coro_task_group_spawn(group, agent, coro_int(depth), NULL);
		result = coro_task_group_exit(group, do_something(depth));
	}
	coro_task_group_free(group);
	return result;
}

static coro_value with_timeout(int depth)
{
	struct coro_timeout timeout = coro_timeout(some_time());
	coro_value result = coro_timeout_enter(&timeout);

	if (coro_raised(result))
		return result;
	if (one_in(4))
		coro_timeout_reschedule(&timeout, coro_loop_time(coro_loop_current()) + some_time());
	result = do_something(depth);
	return coro_timeout_exit(&timeout, result);
}

/* ---- Synchronisation --------------------------------------------------- */

static coro_value with_lock(int depth)
{
	struct coro_lock *lock = locks[below(FEW)];
	coro_value result = CORO_TRY(coro_lock_acquire(lock));

	result = do_something(depth);
	if (coro_raised(result))
		coro_keep(result);
	coro_lock_release(lock);
	if (coro_raised(result))
		coro_drop(result);
	return coro_raised(result) ? coro_raise(CORO_RuntimeError, "in a lock") : CORO_NONE;
}

static coro_value with_semaphore(int depth)
{
	struct coro_semaphore *semaphore = semaphores[below(FEW)];

	CORO_TRY(coro_semaphore_acquire(semaphore));
	deal_with(do_something(depth));
	return coro_semaphore_release(semaphore);
}

static coro_value with_event(void)
{
	struct coro_event *event = events[below(FEW)];

	switch (below(3)) {
	case 0:
		coro_event_set(event);
		return CORO_NONE;
	case 1:
		coro_event_clear(event);
		return CORO_NONE;
	default:
		return coro_event_wait(event);
	}
}

static coro_value with_condition(void)
{
	struct coro_condition *condition = conditions[below(FEW)];
	coro_value result;

	CORO_TRY(coro_lock_acquire(coro_condition_lock(condition)));
	if (one_in(2))
		result = coro_condition_notify(condition, below(3));
	else
		result = coro_condition_wait(condition);
	if (coro_raised(result))
		coro_keep(result);
	/* Not held only if the wait was closed. */
	coro_lock_release(coro_condition_lock(condition));
	if (coro_raised(result))
		coro_drop(result);
	return coro_raised(result) ? coro_raise(CORO_RuntimeError, "in a condition") : CORO_NONE;
}

static coro_value with_barrier(void)
{
	struct coro_barrier *barrier = barriers[below(FEW)];

	switch (below(6)) {
	case 0:
		return coro_barrier_reset(barrier);
	case 1:
		return one_in(8) ? coro_barrier_abort(barrier) : CORO_NONE;
	default:
		return coro_barrier_wait(barrier);
	}
}

static coro_value with_queue(void)
{
	struct coro_queue *queue = queues[below(FEW)];

	switch (below(7)) {
	case 0:
		return coro_queue_put_nowait(queue, coro_int(below(100)));
	case 1:
		return coro_queue_get_nowait(queue);
	case 2:
		return coro_queue_task_done(queue);
	case 3:
		return coro_queue_join(queue);
	case 4:
		return coro_queue_put(queue, coro_int(below(100)));
	default:
		return coro_queue_get(queue);
	}
}

static coro_value with_channel(void)
{
	struct coro_channel *channel = channels[below(FEW)], *other = channels[below(FEW)];
	struct coro_case cases[] = {coro_case_send(channel, some_value()), coro_case_receive(other)};
	coro_value value;

	switch (below(6)) {
	case 0:
		return coro_channel_send_nowait(channel, some_value());
	case 1:
		return coro_channel_receive_nowait(channel, &value, NULL);
	case 2:
		return coro_select(cases, 2);
	case 3:
		return coro_select_nowait(cases, 2);
	case 4:
		return coro_channel_send(channel, some_value());
	default:
		return coro_channel_receive(channel, NULL);
	}
}

/* One that lives for a moment, and is shut down. */
static coro_value short_queue(int depth)
{
	struct coro_queue *queue = one_in(2) ? coro_lifo_queue_new(1 + below(3), "short")
										 : coro_priority_queue_new(below(3), NULL, "short");

	if (!queue)
		return CORO_NONE;
	for (unsigned i = below(5); i; i--)
		coro_queue_put_nowait(queue, coro_int(below(100)));
	if (one_in(2))
		coro_queue_get_nowait(queue);
	coro_queue_shutdown(queue, one_in(2));
	coro_queue_get_nowait(queue);
	coro_queue_free(queue);
	return CORO_NONE;
}

/* ---- Exceptions -------------------------------------------------------- */

static coro_value with_exceptions(void)
{
	static const struct coro_exception_type *const types[] = {CORO_OSError};
	coro_value errors[3], group, match, rest;
	char text[256];

	for (int i = 0; i < 3; i++)
		errors[i] = some_error();
	group = coro_raise_group("group", errors, 3);
	coro_group_split(group, types, 1, &match, &rest);
	coro_format_exception(group, text, sizeof(text));
	if (one_in(2))
		return coro_raise_from(coro_raise_value(CORO_LookupError, some_value()), errors[0]);
	group = coro_group_merge(group, NULL, 0, rest);
	if (one_in(2))
		coro_handled();
	return group;
}

/* ---- One operation, and agents ----------------------------------------- */

static coro_value do_something(int depth)
{
	bool deep = depth > 0;

	if (--left < 0 || ending)
		return CORO_NONE;
	switch (below(20)) {
	case 0:
		return coro_sleep(some_time());
	case 1:
		with_generator();
		with_generator();
		return CORO_NONE;
	case 2:
		return with_async_generator();
	case 3:
	case 4:
		return with_task(depth - 1);
	case 5:
		return with_future();
	case 6:
		with_handle();
		return CORO_NONE;
	case 7:
		return deep ? with_several(depth - 1) : CORO_NONE;
	case 8:
		return deep ? with_group(depth - 1) : CORO_NONE;
	case 9:
	case 10:
		return deep ? with_timeout(depth - 1) : CORO_NONE;
	case 11:
		return deep ? with_lock(depth - 1) : CORO_NONE;
	case 12:
		return deep ? with_semaphore(depth - 1) : CORO_NONE;
	case 13:
		return with_event();
	case 14:
		return with_condition();
	case 15:
		return with_barrier();
	case 16:
		return with_queue();
	case 17:
		return with_channel();
	case 18:
		return one_in(2) ? short_queue(depth) : with_exceptions();
	default:
		return deep ? CORO_CALL(agent, coro_int(depth - 1)) : coro_sleep(0);
	}
}

static coro_value agent(coro_value depth)
{
	for (unsigned i = 1 + below(8); i && left > 0 && !ending; i--)
		DEAL(do_something((int)coro_as_int(depth)));
	return one_in(6) ? coro_raise_again(some_error()) : some_value();
}

/* Sees to it that there are agents, and that none waits for ever. */
static coro_value keeper(coro_value unused)
{
	enum { ALL = 64 };
	struct coro_task *all[ALL];

	while (left > 0) {
		coro_value result = coro_sleep(one_in(2) ? 0 : 0.002);

		if (coro_raised(result))
			break;
		if (agents < 6)
			spawn(DEPTH);
		if (one_in(3)) {
			size_t count = coro_all_tasks(coro_loop_current(), all, ALL);
			struct coro_task *task = all[below((unsigned)(count < ALL ? count : ALL))];

			if (task != coro_task_current())
				coro_task_cancel(task, NULL);
		}
	}
	ending = true;
	return CORO_NONE;
}

/* ---- An episode -------------------------------------------------------- */

static void make_objects(void)
{
	for (int i = 0; i < FEW; i++) {
		locks[i] = coro_lock_new("lock");
		events[i] = coro_event_new("event");
		conditions[i] = coro_condition_new(NULL, "condition");
		semaphores[i] = coro_semaphore_new(1 + (unsigned)i, "semaphore");
		barriers[i] = coro_barrier_new(2 + (unsigned)i, "barrier");
		queues[i] = i ? coro_queue_new_named((size_t)i, "queue")
					  : coro_priority_queue_new(2, NULL, "queue");
		channels[i] = coro_channel_new_named((size_t)i, "channel");
	}
}

static void free_objects(void)
{
	for (int i = 0; i < MANY; i++) {
		coro_future_free(futures[i]);
		futures[i] = NULL;
	}
	for (int i = 0; i < FEW; i++) {
		coro_lock_free(locks[i]);
		coro_event_free(events[i]);
		coro_condition_free(conditions[i]);
		coro_semaphore_free(semaphores[i]);
		coro_barrier_free(barriers[i]);
		coro_queue_free(queues[i]);
		coro_channel_free(channels[i]);
	}
}

static void free_bodies(void)
{
	for (int i = 0; i < MANY; i++) {
		struct coro_generator *generator = generators[i];

		generators[i] = NULL;
		coro_free(generator);
	}
	for (int i = 0; i < FEW; i++) {
		struct coro_generator *generator = async_generators[i];

		async_generators[i] = NULL;
		coro_free(generator);
	}
}

static void episode(int64_t operations)
{
	struct coro_loop_options options = {.virtual_time = true};
	struct coro_loop *loop = coro_loop_new(&options);
	coro_value result;

	left = operations;
	agents = 0;
	ending = false;
	memset(handles, 0, sizeof(handles));
	make_objects();
	eager = one_in(4);
	coro_loop_set_eager(loop, eager);
	result = coro_loop_run_until_complete(loop, coro_object(coro_coroutine(keeper, CORO_NONE)));
	if (coro_raised(result)) {
		fprintf(stderr, "the keeper: %s: %s\n", coro_exception_type(result)->name,
				coro_message(result));
		abort();
	}
	for (int i = 0; i < MANY; i++) {
		coro_task_free(tasks[i]);
		tasks[i] = NULL;
	}
	coro_loop_free(loop);
	free_objects();
	free_bodies();
	coro_check();
	coro__reap();
	coro__errors_free(&coro__local.errors);
	if (coro_census().objects || coro_census().exceptions || coro_census().stacks_used) {
		fprintf(stderr, "%zu objects, %zu exceptions, %zu stacks are left\n", coro_census().objects,
				coro_census().exceptions, coro_census().stacks_used);
		abort();
	}
}

/* The last words, whatever the reason. */
static void tell_seed(int number)
{
	char text[96];
	int length = snprintf(text, sizeof(text), "random_test: seed %" PRIu64 "\n", seed);

	if (write(STDERR_FILENO, text, (size_t)length) < 0)
		_exit(2);
	signal(number, SIG_DFL);
	raise(number);
}

int main(int argc, char **argv)
{
	int64_t operations = argc > 1 ? strtoll(argv[1], NULL, 10) : 20000, done = 0;

	seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	signal(SIGABRT, tell_seed);
	signal(SIGALRM, tell_seed);
	coro_set_report_handler(count_report, NULL);
	for (; done < operations; done += EPISODE, seed++) {
		state = seed * UINT64_C(0x2545f4914f6cdd1d);
		alarm(120);
		episode(EPISODE);
	}
	printf("%" PRId64 " operations, %" PRIu64 " reports\n", done, reports);
	return 0;
}
