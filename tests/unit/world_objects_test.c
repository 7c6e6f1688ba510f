/*
 * world_objects_test.c - what events tell a World of locks, queues, groups, timeouts and the like.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <tracer/world.h>
#include "simulator.h"

enum { NO_VALUE = -1000 };

/* A World, and who makes the events for it, with all states and numbers right. */
struct story {
	struct simulator simulator;
	struct world *world;
};

static void begin(struct story *story)
{
	simulator_init(&story->simulator, 1);
	story->world = world_new();
	assert_non_null(story->world);
}

/* It is the same World after bytes and back. */
static void end(struct story *story)
{
	struct world *back;
	uint8_t *bytes;
	size_t length;

	assert_int_equal(world_damage(story->world), 0);
	assert_int_equal(world_missing(story->world), 0);
	assert_int_equal(world_serialise(story->world, &bytes, &length), 0);
	assert_int_equal(world_deserialise(bytes, length, &back), 0);
	assert_true(world_hash(back) == world_hash(story->world));
	free(bytes);
	world_free(back);
	world_free(story->world);
}

static const struct world_object *tell_value(struct story *story, unsigned kind, uint64_t co,
											 unsigned next, uint64_t peer, struct trace_value value)
{
	simulator_emit(&story->simulator, kind, co, next, peer);
	story->simulator.event.value = value;
	assert_int_equal(world_apply(story->world, &story->simulator.event), 0);
	return world_find(story->world, co);
}

/* With an integer, or NO_VALUE. */
static const struct world_object *tell(struct story *story, unsigned kind, uint64_t co,
									   unsigned next, uint64_t peer, int64_t integer)
{
	struct trace_value value = {.kind = CORO_VALUE_INT, .integer = integer};

	if (integer == NO_VALUE)
		value = (struct trace_value){.kind = CORO_VALUE_ABSENT};
	return tell_value(story, kind, co, next, peer, value);
}

static uint64_t make(struct story *story, unsigned kind, unsigned state, uint64_t creator,
					 int64_t integer)
{
	uint64_t serial = simulator_object(&story->simulator, kind);

	tell(story, CORO_EVENT_CREATE, serial, state, creator, integer);
	return serial;
}

/* A task that runs: its coroutine does. */
static uint64_t task(struct story *story)
{
	uint64_t coroutine = make(story, CORO_OBJECT_COROUTINE, CORO_STATE_CREATED, 0, NO_VALUE);
	uint64_t serial = simulator_object(&story->simulator, CORO_OBJECT_TASK);

	tell(story, CORO_EVENT_SPAWN, serial, CORO_STATE_CREATED, coroutine, NO_VALUE);
	tell(story, CORO_EVENT_READY, serial, CORO_STATE_READY, 0, NO_VALUE);
	tell(story, CORO_EVENT_STEP, serial, CORO_STATE_RUNNING, 0, NO_VALUE);
	tell(story, CORO_EVENT_NEXT, coroutine, CORO_STATE_RUNNING, serial, NO_VALUE);
	return serial;
}

static uint64_t coroutine_of(struct story *story, uint64_t serial)
{
	return world_find(story->world, serial)->drives;
}

/* The running task makes a future for an object, and waits for it. */
static uint64_t wait_for(struct story *story, uint64_t who, uint64_t about, unsigned reason)
{
	uint64_t future = simulator_object(&story->simulator, CORO_OBJECT_FUTURE);

	simulator_emit(&story->simulator, CORO_EVENT_FUTURE_NEW, future, CORO_STATE_PENDING, about);
	story->simulator.event.bind.reason = (uint8_t)reason;
	assert_int_equal(world_apply(story->world, &story->simulator.event), 0);
	tell(story, CORO_EVENT_YIELD, coroutine_of(story, who), CORO_STATE_SUSPENDED, who, NO_VALUE);
	tell(story, CORO_EVENT_AWAIT, who, CORO_STATE_SUSPENDED, future, NO_VALUE);
	return future;
}

/* "task task" of the waiters, in the line's order. */
static void assert_line(struct story *story, uint64_t serial, size_t count, const uint64_t *tasks)
{
	uint64_t futures[8];

	assert_int_equal(world_waiters(story->world, serial, futures, 8), count);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(world_waiter(story->world, futures[i]), tasks[i]);
}

static void wake(struct story *story, uint64_t future, unsigned state, uint64_t who)
{
	tell(story, CORO_EVENT_FUTURE_SET, future, state, 0, NO_VALUE);
	tell(story, CORO_EVENT_WAKE, who, CORO_STATE_READY, future, NO_VALUE);
}

/* ---- Lines -------------------------------------------------------------- */

static void who_was_told_stands_in_the_line_of_a_lock_until_it_runs(void **state)
{
	struct story story;
	uint64_t lock, a, b, first, second;

	begin(&story);
	lock = make(&story, CORO_OBJECT_LOCK, CORO_STATE_UNLOCKED, 0, NO_VALUE);
	tell(&story, CORO_EVENT_LOCK_ACQUIRE, lock, CORO_STATE_LOCKED, 77, NO_VALUE);
	a = task(&story);
	first = wait_for(&story, a, lock, CORO_REASON_LOCK);
	b = task(&story);
	second = wait_for(&story, b, lock, CORO_REASON_LOCK);
	assert_line(&story, lock, 2, (uint64_t[]){a, b});
	assert_int_equal(world_find(story.world, lock)->owner, 77);
	tell(&story, CORO_EVENT_LOCK_RELEASE, lock, CORO_STATE_UNLOCKED, 77, NO_VALUE);
	wake(&story, first, CORO_STATE_DONE, a);
	assert_int_equal(world_find(story.world, lock)->owner, 0);
	assert_line(&story, lock, 2, (uint64_t[]){a, b});
	wake(&story, second, CORO_STATE_CANCELLED, b);
	assert_line(&story, lock, 2, (uint64_t[]){a, b});
	tell(&story, CORO_EVENT_STEP, a, CORO_STATE_RUNNING, 0, NO_VALUE);
	assert_line(&story, lock, 2, (uint64_t[]){a, b});
	tell(&story, CORO_EVENT_DESTROY, first, CORO_STATE_NONE, 0, NO_VALUE);
	assert_line(&story, lock, 1, (uint64_t[]){b});
	end(&story);
}

static void a_queue_takes_who_it_tells_out_of_its_line(void **state)
{
	struct story story;
	uint64_t queue, a, b, c, futures[3];

	begin(&story);
	queue = make(&story, CORO_OBJECT_QUEUE, CORO_STATE_OPEN, 0, 2);
	a = task(&story);
	futures[0] = wait_for(&story, a, queue, CORO_REASON_QUEUE_GET);
	b = task(&story);
	futures[1] = wait_for(&story, b, queue, CORO_REASON_QUEUE_GET);
	c = task(&story);
	futures[2] = wait_for(&story, c, queue, CORO_REASON_QUEUE_JOIN);
	assert_line(&story, queue, 3, (uint64_t[]){a, b, c});
	wake(&story, futures[0], CORO_STATE_DONE, a);
	assert_line(&story, queue, 2, (uint64_t[]){b, c});
	wake(&story, futures[1], CORO_STATE_CANCELLED, b);
	assert_line(&story, queue, 2, (uint64_t[]){b, c});
	assert_int_equal(world_waiter(story.world, 12345), 0);
	end(&story);
}

static void a_task_that_is_spawned_eagerly_gives_control_back(void **state)
{
	struct story story;
	uint64_t lock, outer, inner;

	begin(&story);
	lock = make(&story, CORO_OBJECT_LOCK, CORO_STATE_UNLOCKED, 0, NO_VALUE);
	outer = task(&story);
	inner = task(&story);
	assert_int_equal(world_running(story.world)->serial, coroutine_of(&story, inner));
	wait_for(&story, inner, lock, CORO_REASON_LOCK);
	assert_int_equal(world_running(story.world)->serial, coroutine_of(&story, outer));
	wake(&story, wait_for(&story, outer, lock, CORO_REASON_LOCK), CORO_STATE_DONE, outer);
	assert_line(&story, lock, 2, (uint64_t[]){inner, outer});
	assert_null(world_running(story.world));
	end(&story);
}

/* ---- What they hold ----------------------------------------------------- */

static void a_queue_knows_what_is_unfinished(void **state)
{
	struct story story;
	const struct world_object *object;
	uint64_t queue;

	begin(&story);
	queue = make(&story, CORO_OBJECT_QUEUE, CORO_STATE_OPEN, 0, 3);
	for (int i = 0; i < 3; i++)
		object = tell(&story, CORO_EVENT_QUEUE_PUT, queue, CORO_STATE_OPEN, 0, i);
	assert_int_equal(object->capacity, 3);
	assert_int_equal(object->length, 3);
	assert_int_equal(object->unfinished, 3);
	object = tell(&story, CORO_EVENT_QUEUE_GET, queue, CORO_STATE_OPEN, 0, 0);
	assert_int_equal(object->length, 2);
	assert_int_equal(object->unfinished, 3);
	object = tell(&story, CORO_EVENT_QUEUE_TASK_DONE, queue, CORO_STATE_OPEN, 0, 2);
	assert_int_equal(object->length, 2);
	assert_int_equal(object->unfinished, 2);
	object = tell(&story, CORO_EVENT_QUEUE_GET, queue, CORO_STATE_OPEN, 0, 1);
	object = tell(&story, CORO_EVENT_QUEUE_SHUTDOWN, queue, CORO_STATE_CLOSED, 0, NO_VALUE);
	assert_int_equal(object->length, 1);
	assert_int_equal(object->unfinished, 2);
	object = tell(&story, CORO_EVENT_QUEUE_SHUTDOWN, queue, CORO_STATE_CLOSED, 0, 1);
	assert_int_equal(object->length, 0);
	assert_int_equal(object->unfinished, 1);
	end(&story);
}

static void a_semaphore_gives_its_place_to_whom_it_tells(void **state)
{
	struct story story;
	uint64_t semaphore;

	begin(&story);
	semaphore = make(&story, CORO_OBJECT_SEMAPHORE, CORO_STATE_OPEN, 0, 2);
	assert_int_equal(world_find(story.world, semaphore)->length, 2);
	tell(&story, CORO_EVENT_SYNC_ACQUIRE, semaphore, CORO_STATE_OPEN, 0, 1);
	assert_int_equal(world_find(story.world, semaphore)->length, 1);
	tell(&story, CORO_EVENT_SYNC_WAIT, semaphore, CORO_STATE_OPEN, 0, NO_VALUE);
	assert_int_equal(world_find(story.world, semaphore)->length, 1);
	tell(&story, CORO_EVENT_SYNC_RELEASE, semaphore, CORO_STATE_OPEN, 0, 2);
	tell(&story, CORO_EVENT_SYNC_WAKE, semaphore, CORO_STATE_OPEN, 0, NO_VALUE);
	assert_int_equal(world_find(story.world, semaphore)->length, 1);
	end(&story);
}

static void an_event_is_set_until_it_is_cleared(void **state)
{
	struct story story;
	uint64_t event;

	begin(&story);
	event = make(&story, CORO_OBJECT_EVENT, CORO_STATE_OPEN, 0, NO_VALUE);
	assert_false(world_find(story.world, event)->set);
	assert_true(tell(&story, CORO_EVENT_EVENT_SET, event, CORO_STATE_OPEN, 0, NO_VALUE)->set);
	tell(&story, CORO_EVENT_SYNC_WAKE, event, CORO_STATE_OPEN, 0, NO_VALUE);
	assert_true(world_find(story.world, event)->set);
	assert_false(tell(&story, CORO_EVENT_EVENT_CLEAR, event, CORO_STATE_OPEN, 0, NO_VALUE)->set);
	end(&story);
}

static void a_condition_knows_its_lock(void **state)
{
	struct story story;
	uint64_t lock, condition;

	begin(&story);
	lock = make(&story, CORO_OBJECT_LOCK, CORO_STATE_UNLOCKED, 0, NO_VALUE);
	condition = simulator_object(&story.simulator, CORO_OBJECT_CONDITION);
	tell_value(&story, CORO_EVENT_CREATE, condition, CORO_STATE_OPEN, 0,
			   (struct trace_value){.kind = CORO_VALUE_OBJECT, .object = lock});
	assert_int_equal(world_find(story.world, condition)->lock, lock);
	assert_int_equal(world_find(story.world, condition)->argument_at, 0);
	end(&story);
}

static void a_barrier_counts_who_is_inside_and_has_a_phase(void **state)
{
	struct story story;
	const struct world_object *object;
	uint64_t barrier;

	begin(&story);
	barrier = make(&story, CORO_OBJECT_BARRIER, CORO_STATE_OPEN, 0, 2);
	tell(&story, CORO_EVENT_SYNC_WAIT, barrier, CORO_STATE_OPEN, 0, NO_VALUE);
	object = tell(&story, CORO_EVENT_SYNC_WAIT, barrier, CORO_STATE_OPEN, 0, NO_VALUE);
	assert_int_equal(object->capacity, 2);
	assert_int_equal(object->length, 2);
	assert_int_equal(object->number, WORLD_FILLING);
	object = tell(&story, CORO_EVENT_BARRIER_PHASE, barrier, CORO_STATE_OPEN, 0, WORLD_DRAINING);
	assert_int_equal(object->number, WORLD_DRAINING);
	object = tell(&story, CORO_EVENT_SYNC_WAKE, barrier, CORO_STATE_OPEN, 0, NO_VALUE);
	assert_int_equal(object->length, 1);
	object = tell(&story, CORO_EVENT_BARRIER_PHASE, barrier, CORO_STATE_CLOSED, 0, WORLD_BROKEN);
	assert_int_equal(object->number, WORLD_BROKEN);
	object = tell(&story, CORO_EVENT_SYNC_WAKE, barrier, CORO_STATE_CLOSED, 0, NO_VALUE);
	assert_int_equal(object->length, 0);
	end(&story);
}

/* ---- Groups and timeouts ------------------------------------------------ */

static void a_group_knows_its_owner_and_its_tasks(void **state)
{
	struct story story;
	uint64_t group, parent, a, b, found[4];

	begin(&story);
	parent = task(&story);
	group = make(&story, CORO_OBJECT_GROUP, CORO_STATE_OPEN, 0, NO_VALUE);
	assert_int_equal(world_find(story.world, group)->owner, 0);
	tell(&story, CORO_EVENT_GROUP_ENTER, group, CORO_STATE_OPEN, parent, NO_VALUE);
	a = task(&story);
	b = task(&story);
	tell(&story, CORO_EVENT_GROUP_ADD, group, CORO_STATE_OPEN, a, NO_VALUE);
	tell(&story, CORO_EVENT_GROUP_ADD, group, CORO_STATE_OPEN, b, NO_VALUE);
	assert_int_equal(world_find(story.world, group)->owner, parent);
	assert_int_equal(world_children(story.world, group, found, 4), 2);
	assert_int_equal(found[0], a);
	assert_int_equal(found[1], b);
	assert_false(world_is_over(story.world, a));
	tell(&story, CORO_EVENT_DONE, a, CORO_STATE_FAILED, 0, NO_VALUE);
	tell(&story, CORO_EVENT_GROUP_DONE, group, CORO_STATE_OPEN, a, NO_VALUE);
	assert_true(world_is_over(story.world, a));
	tell(&story, CORO_EVENT_DESTROY, a, CORO_STATE_NONE, 0, NO_VALUE);
	assert_true(world_is_over(story.world, a));
	tell(&story, CORO_EVENT_GROUP_ABORT, group, CORO_STATE_CLOSED, a, NO_VALUE);
	assert_int_equal(world_children(story.world, group, found, 4), 2);
	end(&story);
}

static void the_queue_of_as_completed_has_children(void **state)
{
	struct story story;
	uint64_t queue, child, found[2];

	begin(&story);
	queue = make(&story, CORO_OBJECT_QUEUE, CORO_STATE_OPEN, 0, 0);
	child = task(&story);
	tell(&story, CORO_EVENT_AWAIT_CHILD, queue, CORO_STATE_OPEN, child, NO_VALUE);
	assert_int_equal(world_children(story.world, queue, found, 2), 1);
	assert_int_equal(found[0], child);
	end(&story);
}

static void a_task_has_the_deadline_that_comes_first(void **state)
{
	struct story story;
	uint64_t who, outer, inner;

	begin(&story);
	who = task(&story);
	assert_int_equal(world_timeout(story.world, who), 0);
	outer = make(&story, CORO_OBJECT_TIMEOUT, CORO_STATE_OPEN, who, 500);
	inner = make(&story, CORO_OBJECT_TIMEOUT, CORO_STATE_OPEN, who, NO_VALUE);
	assert_int_equal(world_find(story.world, outer)->waits_on, who);
	assert_int_equal(world_find(story.world, outer)->number, 500);
	assert_int_equal(world_find(story.world, inner)->number, INT64_MAX);
	assert_int_equal(world_timeout(story.world, who), outer);
	tell(&story, CORO_EVENT_TIMEOUT_RESCHEDULE, inner, CORO_STATE_OPEN, who, 300);
	assert_int_equal(world_timeout(story.world, who), inner);
	tell(&story, CORO_EVENT_TIMEOUT_EXPIRE, inner, CORO_STATE_CLOSED, who, NO_VALUE);
	assert_int_equal(world_timeout(story.world, who), outer);
	tell(&story, CORO_EVENT_TIMEOUT_RESCHEDULE, outer, CORO_STATE_OPEN, who, NO_VALUE);
	assert_int_equal(world_timeout(story.world, who), 0);
	tell(&story, CORO_EVENT_DESTROY, inner, CORO_STATE_NONE, 0, NO_VALUE);
	assert_null(world_find(story.world, inner));
	end(&story);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_was_told_stands_in_the_line_of_a_lock_until_it_runs),
		cmocka_unit_test(a_queue_takes_who_it_tells_out_of_its_line),
		cmocka_unit_test(a_task_that_is_spawned_eagerly_gives_control_back),
		cmocka_unit_test(a_queue_knows_what_is_unfinished),
		cmocka_unit_test(a_semaphore_gives_its_place_to_whom_it_tells),
		cmocka_unit_test(an_event_is_set_until_it_is_cleared),
		cmocka_unit_test(a_condition_knows_its_lock),
		cmocka_unit_test(a_barrier_counts_who_is_inside_and_has_a_phase),
		cmocka_unit_test(a_group_knows_its_owner_and_its_tasks),
		cmocka_unit_test(the_queue_of_as_completed_has_children),
		cmocka_unit_test(a_task_has_the_deadline_that_comes_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
