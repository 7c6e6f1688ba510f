/*
 * world_test.c - what events do to a World, and that there is one World for them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <tracer/world.h>
#include "simulator.h"

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

static void end(struct story *story)
{
	assert_int_equal(world_damage(story->world), 0);
	assert_int_equal(world_missing(story->world), 0);
	world_free(story->world);
}

static const struct world_object *tell(struct story *story, unsigned kind, uint64_t co,
									   unsigned next, uint64_t peer)
{
	assert_int_equal(
		world_apply(story->world, simulator_emit(&story->simulator, kind, co, next, peer)), 0);
	return world_find(story->world, co);
}

static const struct world_object *tell_value(struct story *story, unsigned kind, uint64_t co,
											 unsigned next, uint64_t peer, int64_t integer)
{
	simulator_emit(&story->simulator, kind, co, next, peer);
	story->simulator.event.value = (struct trace_value){.kind = CORO_VALUE_INT, .integer = integer};
	assert_int_equal(world_apply(story->world, &story->simulator.event), 0);
	return world_find(story->world, co);
}

static uint64_t make(struct story *story, unsigned kind, unsigned state)
{
	uint64_t serial = simulator_object(&story->simulator, kind);

	tell(story, CORO_EVENT_CREATE, serial, state, 0);
	return serial;
}

static uint64_t make_future(struct story *story, unsigned reason, uint64_t about)
{
	uint64_t serial = simulator_object(&story->simulator, CORO_OBJECT_FUTURE);

	simulator_emit(&story->simulator, CORO_EVENT_FUTURE_NEW, serial, CORO_STATE_PENDING, about);
	story->simulator.event.bind.reason = (uint8_t)reason;
	assert_int_equal(world_apply(story->world, &story->simulator.event), 0);
	return serial;
}

/* One more case of a select. */
static void tell_case(struct story *story, uint64_t select, uint64_t channel, bool sends)
{
	simulator_emit(&story->simulator, CORO_EVENT_CHANNEL_WAIT, select, CORO_STATE_PENDING, channel);
	story->simulator.event.value =
		(struct trace_value){.kind = sends ? CORO_VALUE_NONE : CORO_VALUE_ABSENT};
	assert_int_equal(world_apply(story->world, &story->simulator.event), 0);
}

static uint64_t generator(struct story *story)
{
	return make(story, CORO_OBJECT_GENERATOR, CORO_STATE_CREATED);
}

static uint64_t running(const struct story *story)
{
	const struct world_object *object = world_running(story->world);

	return object ? object->serial : 0;
}

static unsigned shown(const struct story *story, uint64_t serial)
{
	return world_state(story->world, world_find(story->world, serial));
}

/* A task for a coroutine, made ready and stepped, up to where its coroutine runs. */
static uint64_t run_task(struct story *story, uint64_t coroutine)
{
	uint64_t task = simulator_object(&story->simulator, CORO_OBJECT_TASK);

	tell(story, CORO_EVENT_SPAWN, task, CORO_STATE_CREATED, coroutine);
	tell(story, CORO_EVENT_READY, task, CORO_STATE_READY, 0);
	tell(story, CORO_EVENT_STEP, task, CORO_STATE_RUNNING, 0);
	tell(story, CORO_EVENT_NEXT, coroutine, CORO_STATE_RUNNING, task);
	return task;
}

/* ---- Rules ------------------------------------------------------------- */

static void an_empty_world_has_nothing(void **state)
{
	struct story story;

	begin(&story);
	assert_int_equal(world_at(story.world), 0);
	assert_int_equal(world_count(story.world), 0);
	assert_null(world_next(story.world, 0));
	assert_null(world_find(story.world, 0));
	assert_null(world_running(story.world));
	assert_null(world_changed(story.world));
	assert_int_equal(world_chain(story.world, 3, NULL, 0), 0);
	assert_int_equal(world_ready(story.world, NULL, 0), 0);
	end(&story);
}

static void a_created_generator_is_known(void **state)
{
	struct story story;
	uint64_t g;
	const struct world_object *object;

	begin(&story);
	g = generator(&story);
	object = world_find(story.world, g);
	assert_int_equal(object->kind, CORO_OBJECT_GENERATOR);
	assert_int_equal(object->state, CORO_STATE_CREATED);
	assert_int_equal(object->creation_site, g);
	assert_int_equal(object->created_at, 1);
	assert_ptr_equal(world_changed(story.world), object);
	assert_int_equal(world_count(story.world), 1);
	tell(&story, CORO_EVENT_DESTROY, g, CORO_STATE_NONE, 0);
	assert_int_equal(world_count(story.world), 0);
	assert_null(world_changed(story.world));
	end(&story);
}

static void what_goes_down_and_comes_up_is_remembered_by_number(void **state)
{
	struct story story;
	uint64_t g;
	const struct world_object *object;

	begin(&story);
	g = generator(&story);
	tell(&story, CORO_EVENT_NEXT, g, CORO_STATE_RUNNING, 0);
	assert_int_equal(running(&story), g);
	tell(&story, CORO_EVENT_YIELD, g, CORO_STATE_SUSPENDED, 0);
	assert_int_equal(running(&story), 0);
	object = tell(&story, CORO_EVENT_SEND, g, CORO_STATE_RUNNING, 0);
	assert_int_equal(object->down_at, 4);
	assert_int_equal(object->up_at, 3);
	assert_int_equal(object->resumes, 2);
	assert_false(object->closing);
	tell(&story, CORO_EVENT_YIELD, g, CORO_STATE_SUSPENDED, 0);
	object = tell(&story, CORO_EVENT_CLOSE, g, CORO_STATE_RUNNING, 0);
	assert_true(object->closing);
	object = tell(&story, CORO_EVENT_RAISE, g, CORO_STATE_DONE, 0);
	assert_false(object->closing);
	assert_int_equal(object->up_at, 7);
	assert_int_equal(shown(&story, g), CORO_STATE_DONE);
	assert_int_equal(running(&story), 0);
	end(&story);
}

static void control_returns_to_whoever_resumed(void **state)
{
	struct story story;
	uint64_t a, b, c;

	begin(&story);
	a = generator(&story);
	b = generator(&story);
	c = generator(&story);
	tell(&story, CORO_EVENT_NEXT, a, CORO_STATE_RUNNING, 0);
	tell(&story, CORO_EVENT_NEXT, b, CORO_STATE_RUNNING, a);
	tell(&story, CORO_EVENT_NEXT, c, CORO_STATE_RUNNING, b);
	assert_int_equal(running(&story), c);
	assert_int_equal(world_find(story.world, c)->resumer, b);
	tell(&story, CORO_EVENT_YIELD, c, CORO_STATE_SUSPENDED, b);
	assert_int_equal(running(&story), b);
	tell(&story, CORO_EVENT_RETURN, b, CORO_STATE_DONE, a);
	assert_int_equal(running(&story), a);
	/* Driving with next() is no delegation. */
	assert_int_equal(world_above(story.world, world_find(story.world, c)), 0);
	/* And another may drive it next. */
	tell(&story, CORO_EVENT_YIELD, a, CORO_STATE_SUSPENDED, 0);
	tell(&story, CORO_EVENT_NEXT, c, CORO_STATE_RUNNING, 0);
	tell(&story, CORO_EVENT_YIELD, c, CORO_STATE_SUSPENDED, 0);
	assert_int_equal(running(&story), 0);
	end(&story);
}

static void a_delegator_shows_what_its_innermost_delegate_does(void **state)
{
	struct story story;
	uint64_t outer, middle, inner, chain[4];

	begin(&story);
	outer = generator(&story);
	middle = generator(&story);
	inner = generator(&story);
	tell(&story, CORO_EVENT_NEXT, outer, CORO_STATE_RUNNING, 0);
	tell(&story, CORO_EVENT_DELEGATE, outer, CORO_STATE_DELEGATING, middle);
	assert_int_equal(shown(&story, outer), CORO_STATE_RUNNING);
	assert_int_equal(running(&story), outer);
	tell(&story, CORO_EVENT_NEXT, middle, CORO_STATE_RUNNING, 0);
	tell(&story, CORO_EVENT_DELEGATE, middle, CORO_STATE_DELEGATING, inner);
	tell(&story, CORO_EVENT_NEXT, inner, CORO_STATE_RUNNING, 0);
	assert_int_equal(shown(&story, outer), CORO_STATE_RUNNING);
	assert_int_equal(shown(&story, middle), CORO_STATE_RUNNING);
	assert_int_equal(running(&story), inner);
	tell(&story, CORO_EVENT_YIELD, inner, CORO_STATE_SUSPENDED, 0);
	assert_int_equal(shown(&story, outer), CORO_STATE_SUSPENDED);
	assert_int_equal(world_find(story.world, outer)->state, CORO_STATE_DELEGATING);
	assert_int_equal(running(&story), 0);

	assert_int_equal(world_chain(story.world, middle, chain, 4), 3);
	assert_int_equal(chain[0], outer);
	assert_int_equal(chain[1], middle);
	assert_int_equal(chain[2], inner);
	assert_int_equal(world_chain(story.world, inner, chain, 1), 3);
	assert_int_equal(world_above(story.world, world_find(story.world, inner)), middle);
	assert_int_equal(world_below(story.world, world_find(story.world, outer)), middle);

	/* The inner one ends: control is on its way up, and the middle one goes on. */
	tell(&story, CORO_EVENT_SEND, inner, CORO_STATE_RUNNING, 0);
	tell(&story, CORO_EVENT_RETURN, inner, CORO_STATE_DONE, 0);
	assert_int_equal(running(&story), middle);
	assert_int_equal(shown(&story, middle), CORO_STATE_RUNNING);
	assert_int_equal(shown(&story, outer), CORO_STATE_RUNNING);
	tell(&story, CORO_EVENT_UNDELEGATE, middle, CORO_STATE_RUNNING, inner);
	assert_int_equal(running(&story), middle);
	assert_int_equal(world_above(story.world, world_find(story.world, inner)), 0);
	tell(&story, CORO_EVENT_YIELD, middle, CORO_STATE_SUSPENDED, 0);
	assert_int_equal(running(&story), 0);
	assert_int_equal(shown(&story, outer), CORO_STATE_SUSPENDED);
	end(&story);
}

static void who_resumed_a_chain_is_found_again_when_the_delegate_ends(void **state)
{
	struct story story;
	uint64_t driver, outer, inner;

	begin(&story);
	driver = generator(&story);
	outer = generator(&story);
	inner = generator(&story);
	tell(&story, CORO_EVENT_NEXT, outer, CORO_STATE_RUNNING, 0);
	tell(&story, CORO_EVENT_DELEGATE, outer, CORO_STATE_DELEGATING, inner);
	tell(&story, CORO_EVENT_NEXT, inner, CORO_STATE_RUNNING, outer);
	assert_int_equal(world_find(story.world, inner)->resumer, 0);
	tell(&story, CORO_EVENT_YIELD, inner, CORO_STATE_SUSPENDED, 0);
	tell(&story, CORO_EVENT_NEXT, driver, CORO_STATE_RUNNING, 0);
	tell(&story, CORO_EVENT_NEXT, inner, CORO_STATE_RUNNING, driver);
	tell(&story, CORO_EVENT_RETURN, inner, CORO_STATE_DONE, driver);
	tell(&story, CORO_EVENT_DESTROY, inner, CORO_STATE_NONE, 0);
	tell(&story, CORO_EVENT_UNDELEGATE, outer, CORO_STATE_RUNNING, inner);
	assert_int_equal(world_find(story.world, outer)->resumer, driver);
	tell(&story, CORO_EVENT_YIELD, outer, CORO_STATE_SUSPENDED, driver);
	assert_int_equal(running(&story), driver);
	end(&story);
}

static void closing_a_delegator_closes_the_inner_one_first(void **state)
{
	struct story story;
	uint64_t driver, outer, inner;

	begin(&story);
	driver = generator(&story);
	outer = generator(&story);
	inner = generator(&story);
	tell(&story, CORO_EVENT_NEXT, outer, CORO_STATE_RUNNING, 0);
	tell(&story, CORO_EVENT_DELEGATE, outer, CORO_STATE_DELEGATING, inner);
	tell(&story, CORO_EVENT_NEXT, inner, CORO_STATE_RUNNING, 0);
	tell(&story, CORO_EVENT_YIELD, inner, CORO_STATE_SUSPENDED, 0);
	tell(&story, CORO_EVENT_NEXT, driver, CORO_STATE_RUNNING, 0);
	tell(&story, CORO_EVENT_CLOSE, inner, CORO_STATE_RUNNING, outer);
	assert_int_equal(running(&story), inner);
	assert_int_equal(world_find(story.world, inner)->resumer, driver);
	tell(&story, CORO_EVENT_RAISE, inner, CORO_STATE_DONE, outer);
	tell(&story, CORO_EVENT_UNDELEGATE, outer, CORO_STATE_SUSPENDED, inner);
	assert_int_equal(running(&story), driver);
	tell(&story, CORO_EVENT_CLOSE, outer, CORO_STATE_RUNNING, driver);
	assert_true(world_find(story.world, outer)->closing);
	tell(&story, CORO_EVENT_RAISE, outer, CORO_STATE_DONE, driver);
	assert_int_equal(running(&story), driver);
	end(&story);
}

static void
a_delegate_that_is_driven_to_its_end_by_another_leaves_the_delegator_waiting(void **state)
{
	struct story story;
	uint64_t outer, inner, other;

	begin(&story);
	outer = generator(&story);
	inner = generator(&story);
	other = generator(&story);
	tell(&story, CORO_EVENT_NEXT, outer, CORO_STATE_RUNNING, 0);
	tell(&story, CORO_EVENT_DELEGATE, outer, CORO_STATE_DELEGATING, inner);
	tell(&story, CORO_EVENT_NEXT, inner, CORO_STATE_RUNNING, 0);
	tell(&story, CORO_EVENT_YIELD, inner, CORO_STATE_SUSPENDED, 0);
	tell(&story, CORO_EVENT_NEXT, other, CORO_STATE_RUNNING, 0);
	tell(&story, CORO_EVENT_NEXT, inner, CORO_STATE_RUNNING, other);
	tell(&story, CORO_EVENT_RETURN, inner, CORO_STATE_DONE, other);
	tell(&story, CORO_EVENT_YIELD, other, CORO_STATE_SUSPENDED, 0);
	assert_int_equal(running(&story), 0);
	assert_int_equal(shown(&story, outer), CORO_STATE_SUSPENDED);
	end(&story);
}

static void two_may_delegate_to_one(void **state)
{
	struct story story;
	uint64_t a, b, inner;

	begin(&story);
	a = generator(&story);
	b = generator(&story);
	inner = generator(&story);
	tell(&story, CORO_EVENT_NEXT, a, CORO_STATE_RUNNING, 0);
	tell(&story, CORO_EVENT_DELEGATE, a, CORO_STATE_DELEGATING, inner);
	tell(&story, CORO_EVENT_NEXT, inner, CORO_STATE_RUNNING, 0);
	tell(&story, CORO_EVENT_YIELD, inner, CORO_STATE_SUSPENDED, 0);
	tell(&story, CORO_EVENT_NEXT, b, CORO_STATE_RUNNING, 0);
	tell(&story, CORO_EVENT_DELEGATE, b, CORO_STATE_DELEGATING, inner);
	assert_int_equal(world_above(story.world, world_find(story.world, inner)), b);
	tell(&story, CORO_EVENT_UNDELEGATE, b, CORO_STATE_RUNNING, inner);
	assert_int_equal(world_above(story.world, world_find(story.world, inner)), a);
	end(&story);
}

static void a_task_waits_is_woken_and_runs_in_turn(void **state)
{
	struct story story;
	uint64_t body, leaf, task, other, future, found[4];
	const struct world_object *object;
	int64_t ran;

	begin(&story);
	body = make(&story, CORO_OBJECT_COROUTINE, CORO_STATE_CREATED);
	leaf = make(&story, CORO_OBJECT_COROUTINE, CORO_STATE_CREATED);
	task = run_task(&story, body);
	assert_int_equal(running(&story), body);
	future = simulator_object(&story.simulator, CORO_OBJECT_FUTURE);
	tell(&story, CORO_EVENT_DELEGATE, body, CORO_STATE_DELEGATING, leaf);
	tell(&story, CORO_EVENT_NEXT, leaf, CORO_STATE_RUNNING, task);
	object = tell_value(&story, CORO_EVENT_FUTURE_NEW, future, CORO_STATE_PENDING, 0, 9);
	assert_int_equal(object->parent, task);
	assert_int_equal(object->number, 9);
	tell(&story, CORO_EVENT_YIELD, leaf, CORO_STATE_SUSPENDED, task);
	assert_int_equal(running(&story), task);
	object = tell(&story, CORO_EVENT_AWAIT, task, CORO_STATE_SUSPENDED, future);
	assert_int_equal(running(&story), 0);
	assert_int_equal(object->waits_on, future);
	assert_int_equal(shown(&story, body), CORO_STATE_SUSPENDED);
	assert_int_equal(world_waits_on(story.world, world_find(story.world, leaf)), future);
	assert_int_equal(world_awaiters(story.world, future, found, 4), 1);
	assert_int_equal(found[0], task);
	assert_int_equal(world_chain(story.world, leaf, found, 4), 3);
	assert_int_equal(found[0], task);
	assert_int_equal(found[1], body);
	assert_int_equal(found[2], leaf);
	ran = object->run_ns;

	other = make(&story, CORO_OBJECT_COROUTINE, CORO_STATE_CREATED);
	other = run_task(&story, other);
	tell(&story, CORO_EVENT_YIELD, other - 1, CORO_STATE_SUSPENDED, other);
	tell(&story, CORO_EVENT_READY, other, CORO_STATE_READY, other);
	tell(&story, CORO_EVENT_FUTURE_SET, future, CORO_STATE_DONE, 0);
	object = tell(&story, CORO_EVENT_WAKE, task, CORO_STATE_READY, future);
	assert_int_equal(object->woken_by, future);
	assert_int_equal(object->waits_on, 0);
	assert_int_equal(object->run_ns, ran);
	assert_int_equal(world_awaiters(story.world, future, found, 4), 0);
	assert_int_equal(world_ready(story.world, found, 4), 2);
	assert_int_equal(found[0], other);
	assert_int_equal(found[1], task);
	tell(&story, CORO_EVENT_STEP, other, CORO_STATE_RUNNING, 0);
	assert_int_equal(world_ready(story.world, found, 4), 1);
	assert_int_equal(found[0], task);
	tell(&story, CORO_EVENT_CANCEL, task, CORO_STATE_READY, other);
	assert_int_equal(world_find(story.world, task)->cancels, 1);
	assert_int_equal(world_ready(story.world, found, 4), 1);
	object = tell(&story, CORO_EVENT_DONE, other, CORO_STATE_DONE, 0);
	assert_true(object->run_ns > 0);
	assert_int_equal(object->up_at, world_at(story.world));
	assert_int_equal(running(&story), 0);
	end(&story);
}

static void a_task_knows_which_task_spawned_it(void **state)
{
	struct story story;
	uint64_t body, child, driven, task;

	begin(&story);
	body = make(&story, CORO_OBJECT_COROUTINE, CORO_STATE_CREATED);
	child = make(&story, CORO_OBJECT_COROUTINE, CORO_STATE_CREATED);
	driven = generator(&story);
	task = run_task(&story, body);
	assert_int_equal(world_find(story.world, task)->parent, 0);
	tell(&story, CORO_EVENT_NEXT, driven, CORO_STATE_RUNNING, body);
	child = run_task(&story, child);
	assert_int_equal(world_find(story.world, child)->parent, task);
	end(&story);
}

static void a_gather_knows_its_children(void **state)
{
	struct story story;
	uint64_t gather, child[10], found[10];

	begin(&story);
	gather = simulator_object(&story.simulator, CORO_OBJECT_FUTURE);
	tell(&story, CORO_EVENT_FUTURE_NEW, gather, CORO_STATE_PENDING, 0);
	for (unsigned i = 0; i < 10; i++) {
		child[i] = simulator_object(&story.simulator, CORO_OBJECT_FUTURE);
		tell(&story, CORO_EVENT_FUTURE_NEW, child[i], CORO_STATE_PENDING, 0);
	}
	for (unsigned i = 0; i < 10; i++)
		tell(&story, CORO_EVENT_AWAIT_CHILD, gather, CORO_STATE_PENDING, child[9 - i]);
	assert_int_equal(world_children(story.world, gather, found, 10), 10);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(found[i], child[9 - i]);
	assert_int_equal(world_find(story.world, gather)->children, 10);
	assert_int_equal(world_children(story.world, child[0], found, 10), 0);
	end(&story);
}

static void a_timer_is_there_while_it_is_armed(void **state)
{
	struct story story;
	uint64_t timer, future;
	const struct world_object *object;

	begin(&story);
	future = simulator_object(&story.simulator, CORO_OBJECT_FUTURE);
	tell(&story, CORO_EVENT_FUTURE_NEW, future, CORO_STATE_PENDING, 0);
	timer = simulator_object(&story.simulator, CORO_OBJECT_TIMER);
	object = tell_value(&story, CORO_EVENT_TIMER_SET, timer, CORO_STATE_PENDING, future, 500);
	assert_int_equal(object->number, 500);
	assert_int_equal(world_timer(story.world, future), timer);
	assert_int_equal(world_awaiters(story.world, future, NULL, 0), 0);
	tell(&story, CORO_EVENT_TIMER_FIRE, timer, CORO_STATE_NONE, 0);
	assert_null(world_find(story.world, timer));
	assert_int_equal(world_timer(story.world, future), 0);
	end(&story);
}

static void locks_queues_descriptors_and_turns_are_kept(void **state)
{
	struct story story;
	uint64_t lock, queue, descriptor, loop, task;
	const struct world_object *object;

	begin(&story);
	task = generator(&story);
	lock = make(&story, CORO_OBJECT_LOCK, CORO_STATE_UNLOCKED);
	tell(&story, CORO_EVENT_LOCK_WAIT, lock, CORO_STATE_UNLOCKED, task);
	object = tell(&story, CORO_EVENT_LOCK_ACQUIRE, lock, CORO_STATE_LOCKED, task);
	assert_int_equal(object->owner, task);
	object = tell(&story, CORO_EVENT_LOCK_RELEASE, lock, CORO_STATE_UNLOCKED, task);
	assert_int_equal(object->owner, 0);

	queue = simulator_object(&story.simulator, CORO_OBJECT_QUEUE);
	object = tell_value(&story, CORO_EVENT_CREATE, queue, CORO_STATE_OPEN, 0, 2);
	assert_int_equal(object->capacity, 2);
	tell(&story, CORO_EVENT_QUEUE_PUT, queue, CORO_STATE_OPEN, task);
	tell(&story, CORO_EVENT_QUEUE_PUT, queue, CORO_STATE_OPEN, task);
	object = tell(&story, CORO_EVENT_QUEUE_GET, queue, CORO_STATE_OPEN, task);
	assert_int_equal(object->length, 1);

	loop = make(&story, CORO_OBJECT_LOOP, CORO_STATE_CREATED);
	descriptor = simulator_object(&story.simulator, CORO_OBJECT_DESCRIPTOR);
	object = tell_value(&story, CORO_EVENT_IO_REGISTER, descriptor, CORO_STATE_OPEN, loop, 9);
	assert_int_equal(object->number, 9);
	tell(&story, CORO_EVENT_TURN_BEGIN, loop, CORO_STATE_RUNNING, 0);
	tell(&story, CORO_EVENT_SELECT, loop, CORO_STATE_RUNNING, 0);
	tell(&story, CORO_EVENT_IO_READY, descriptor, CORO_STATE_OPEN, 0);
	tell(&story, CORO_EVENT_TURN_END, loop, CORO_STATE_SUSPENDED, 0);
	tell(&story, CORO_EVENT_TURN_BEGIN, loop, CORO_STATE_RUNNING, 0);
	assert_int_equal(world_turn(story.world), 2);
	assert_null(world_running(story.world));
	end(&story);
}

static void the_place_is_that_of_its_own_last_event_that_had_one(void **state)
{
	struct story story;
	struct trace_event *event = &story.simulator.event;
	const struct world_object *object;
	bool is_string;
	uint64_t g;

	begin(&story);
	g = generator(&story);
	simulator_emit(&story.simulator, CORO_EVENT_NEXT, g, CORO_STATE_RUNNING, 0);
	event->site = 77; /* its resumer's */
	assert_int_equal(world_apply(story.world, event), 0);
	object = world_find(story.world, g);
	assert_int_equal(object->site, 0);
	assert_int_equal(world_place(object, &is_string),
					 object->creation_site ? object->creation_site : object->creation_pc);
	simulator_emit(&story.simulator, CORO_EVENT_YIELD, g, CORO_STATE_SUSPENDED, 0);
	event->site = 78;
	event->flags = CORO_SLOT_FILELINE;
	assert_int_equal(world_apply(story.world, event), 0);
	simulator_emit(&story.simulator, CORO_EVENT_SEND, g, CORO_STATE_RUNNING, 0);
	event->site = 79;
	assert_int_equal(world_apply(story.world, event), 0);
	assert_int_equal(world_place(world_find(story.world, g), &is_string), 78);
	assert_true(is_string);
	simulator_emit(&story.simulator, CORO_EVENT_YIELD, g, CORO_STATE_SUSPENDED, 0);
	event->site = 0;
	assert_int_equal(world_apply(story.world, event), 0);
	assert_int_equal(world_find(story.world, g)->site, 78);
	end(&story);
}

/* An event at a site; the place of `whose` after it. */
static uint32_t place_after(struct story *story, unsigned kind, uint64_t co, unsigned next,
							uint64_t peer, uint32_t site, uint64_t whose)
{
	bool is_string;

	simulator_emit(&story->simulator, kind, co, next, peer);
	story->simulator.event.site = site;
	assert_int_equal(world_apply(story->world, &story->simulator.event), 0);
	return world_place(world_find(story->world, whose), &is_string);
}

static void who_does_something_to_another_is_where_it_does_it(void **state)
{
	struct story story;
	uint64_t coroutine, task, queue, future, inner, other;

	begin(&story);
	other = generator(&story);
	queue = make(&story, CORO_OBJECT_QUEUE, CORO_STATE_OPEN);
	coroutine = make(&story, CORO_OBJECT_COROUTINE, CORO_STATE_CREATED);
	task = run_task(&story, coroutine);
	assert_int_equal(
		place_after(&story, CORO_EVENT_QUEUE_PUT, queue, CORO_STATE_OPEN, task, 40, coroutine), 40);
	/* What it causes has no site of its own, or the same one: it does not go back. */
	future = simulator_object(&story.simulator, CORO_OBJECT_FUTURE);
	assert_int_equal(
		place_after(&story, CORO_EVENT_FUTURE_NEW, future, CORO_STATE_PENDING, 0, 41, coroutine),
		41);
	assert_int_equal(
		place_after(&story, CORO_EVENT_FUTURE_SET, future, CORO_STATE_DONE, task, 0, coroutine),
		41);
	assert_int_equal(world_find(story.world, queue)->site, 40);

	/* A resumer is at its line, and who is resumed where it was. */
	inner = simulator_object(&story.simulator, CORO_OBJECT_GENERATOR);
	assert_int_equal(
		place_after(&story, CORO_EVENT_CREATE, inner, CORO_STATE_CREATED, coroutine, 42, coroutine),
		42);
	assert_int_equal(
		place_after(&story, CORO_EVENT_NEXT, inner, CORO_STATE_RUNNING, coroutine, 43, coroutine),
		43);
	assert_int_equal(world_find(story.world, inner)->site, 0);
	assert_int_equal(
		place_after(&story, CORO_EVENT_YIELD, inner, CORO_STATE_SUSPENDED, coroutine, 50, inner),
		50);
	assert_int_equal(world_find(story.world, coroutine)->site, 43);

	/* What another ring does is not its doing. */
	simulator_emit(&story.simulator, CORO_EVENT_NEXT, other, CORO_STATE_RUNNING, 0);
	story.simulator.event.ring = 3;
	story.simulator.event.site = 60;
	assert_int_equal(world_apply(story.world, &story.simulator.event), 0);
	assert_int_equal(world_find(story.world, coroutine)->site, 43);

	/* The loop has no place. */
	assert_int_equal(
		place_after(&story, CORO_EVENT_YIELD, coroutine, CORO_STATE_SUSPENDED, task, 44, coroutine),
		44);
	assert_int_equal(
		place_after(&story, CORO_EVENT_QUEUE_GET, queue, CORO_STATE_OPEN, 0, 70, coroutine), 44);
	end(&story);
}

static void a_place_is_kept_by_copies_and_bytes(void **state)
{
	struct story story;
	struct world *copy, *back;
	uint64_t coroutine, queue;
	uint8_t *bytes;
	size_t length;

	begin(&story);
	queue = make(&story, CORO_OBJECT_QUEUE, CORO_STATE_OPEN);
	coroutine = make(&story, CORO_OBJECT_COROUTINE, CORO_STATE_CREATED);
	run_task(&story, coroutine);
	copy = world_copy(story.world);
	assert_int_equal(
		place_after(&story, CORO_EVENT_QUEUE_PUT, queue, CORO_STATE_OPEN, 0, 40, coroutine), 40);
	assert_int_equal(world_find(copy, coroutine)->site, 0);
	assert_true(world_hash(copy) != world_hash(story.world));
	assert_int_equal(world_serialise(story.world, &bytes, &length), 0);
	assert_int_equal(world_deserialise(bytes, length, &back), 0);
	assert_int_equal(world_find(back, coroutine)->site, 40);
	assert_true(world_hash(back) == world_hash(story.world));
	free(bytes);
	world_free(back);
	world_free(copy);
	end(&story);
}

static void who_waits_at_a_thing_is_found(void **state)
{
	struct story story;
	uint64_t queue, put, get, found[4];

	begin(&story);
	queue = make(&story, CORO_OBJECT_QUEUE, CORO_STATE_OPEN);
	put = simulator_object(&story.simulator, CORO_OBJECT_FUTURE);
	tell(&story, CORO_EVENT_FUTURE_NEW, put, CORO_STATE_PENDING, queue);
	get = simulator_object(&story.simulator, CORO_OBJECT_FUTURE);
	tell(&story, CORO_EVENT_FUTURE_NEW, get, CORO_STATE_PENDING, queue);
	assert_int_equal(world_waiters(story.world, queue, found, 4), 2);
	assert_int_equal(found[0], put);
	assert_int_equal(found[1], get);
	tell(&story, CORO_EVENT_FUTURE_SET, put, CORO_STATE_DONE, 0);
	assert_int_equal(world_waiters(story.world, queue, found, 4), 1);
	assert_int_equal(found[0], get);
	end(&story);
}

static void who_waits_at_a_channel_is_found_through_selects_too(void **state)
{
	struct story story;
	uint64_t a, b, sender, select, receiver, found[4];
	struct world *back;
	uint8_t *bytes;
	size_t length;

	begin(&story);
	a = make(&story, CORO_OBJECT_CHANNEL, CORO_STATE_OPEN);
	b = make(&story, CORO_OBJECT_CHANNEL, CORO_STATE_OPEN);
	sender = make_future(&story, CORO_REASON_CHANNEL_SEND, b);
	select = make_future(&story, CORO_REASON_SELECT, a);
	assert_int_equal(world_waiters(story.world, a, found, 4), 1);
	tell_case(&story, select, a, false);
	tell_case(&story, select, b, true);
	tell_case(&story, select, a, false);
	receiver = make_future(&story, CORO_REASON_CHANNEL_RECEIVE, a);
	assert_int_equal(world_find(story.world, select)->children, 3);
	assert_int_equal(world_find(story.world, select)->number, 1 << 1);

	assert_int_equal(world_waiters(story.world, a, found, 4), 2);
	assert_int_equal(found[0], select);
	assert_int_equal(found[1], receiver);
	assert_int_equal(world_serialise(story.world, &bytes, &length), 0);
	assert_int_equal(world_deserialise(bytes, length, &back), 0);
	free(bytes);
	assert_int_equal(world_waiters(back, b, found, 4), 2);
	assert_int_equal(found[0], sender);
	assert_int_equal(found[1], select);
	assert_int_equal(world_waiters(back, b, found, 1), 2);
	world_free(back);

	tell(&story, CORO_EVENT_FUTURE_SET, select, CORO_STATE_DONE, 0);
	assert_int_equal(world_waiters(story.world, a, found, 4), 1);
	assert_int_equal(found[0], receiver);
	tell(&story, CORO_EVENT_DESTROY, select, CORO_STATE_NONE, 0);
	assert_int_equal(world_waiters(story.world, b, found, 4), 1);
	assert_int_equal(found[0], sender);
	end(&story);
}

static void a_channel_has_the_length_of_what_was_sent_and_not_received(void **state)
{
	const struct world_object *object;
	struct story story;
	uint64_t channel;

	begin(&story);
	channel = simulator_object(&story.simulator, CORO_OBJECT_CHANNEL);
	object = tell_value(&story, CORO_EVENT_CREATE, channel, CORO_STATE_OPEN, 0, 3);
	assert_int_equal(object->capacity, 3);
	tell(&story, CORO_EVENT_CHANNEL_SEND, channel, CORO_STATE_OPEN, 0);
	tell(&story, CORO_EVENT_CHANNEL_SEND, channel, CORO_STATE_OPEN, 0);
	object = tell(&story, CORO_EVENT_CHANNEL_CLOSE, channel, CORO_STATE_CLOSED, 0);
	assert_int_equal(object->length, 2);
	object = tell(&story, CORO_EVENT_CHANNEL_RECV, channel, CORO_STATE_CLOSED, 0);
	assert_int_equal(object->length, 1);
	/* Given back by a receiver that was cancelled. */
	object = tell(&story, CORO_EVENT_CHANNEL_SEND, channel, CORO_STATE_CLOSED, 0);
	assert_int_equal(object->length, 2);
	end(&story);
}

static void a_greenlet_goes_on_in_what_ran_in_it(void **state)
{
	struct story story;
	uint64_t main, g, body;

	begin(&story);
	main = make(&story, CORO_OBJECT_GREENLET, CORO_STATE_RUNNING);
	g = make(&story, CORO_OBJECT_GREENLET, CORO_STATE_CREATED);
	tell(&story, CORO_EVENT_GREENLET_PARENT, g, CORO_STATE_CREATED, main);
	assert_int_equal(world_find(story.world, g)->owner, main);
	assert_int_equal(running(&story), 0);
	tell(&story, CORO_EVENT_GREENLET_LEAVE, main, CORO_STATE_SUSPENDED, g);
	tell_value(&story, CORO_EVENT_GREENLET_ENTER, g, CORO_STATE_RUNNING, main, 5);
	assert_int_equal(running(&story), g);
	assert_int_equal(world_find(story.world, g)->resumes, 1);
	assert_int_equal(world_find(story.world, g)->down_at, story.simulator.event.n);
	body = generator(&story);
	tell(&story, CORO_EVENT_NEXT, body, CORO_STATE_RUNNING, g);
	assert_int_equal(running(&story), body);
	/* The generator switches away: it and its greenlet wait. */
	tell(&story, CORO_EVENT_GREENLET_LEAVE, g, CORO_STATE_SUSPENDED, main);
	tell(&story, CORO_EVENT_GREENLET_ENTER, main, CORO_STATE_RUNNING, g);
	assert_int_equal(running(&story), 0);
	assert_int_equal(shown(&story, body), CORO_STATE_SUSPENDED);
	assert_int_equal(shown(&story, g), CORO_STATE_SUSPENDED);
	assert_int_equal(shown(&story, main), CORO_STATE_RUNNING);
	/* And it is the generator that goes on. */
	tell(&story, CORO_EVENT_GREENLET_LEAVE, main, CORO_STATE_SUSPENDED, g);
	tell(&story, CORO_EVENT_THROW, g, CORO_STATE_RUNNING, main);
	assert_int_equal(running(&story), body);
	assert_int_equal(shown(&story, body), CORO_STATE_RUNNING);
	tell(&story, CORO_EVENT_RETURN, body, CORO_STATE_DONE, g);
	assert_int_equal(running(&story), g);
	tell(&story, CORO_EVENT_RAISE, g, CORO_STATE_FAILED, main);
	tell(&story, CORO_EVENT_THROW, main, CORO_STATE_RUNNING, g);
	assert_int_equal(running(&story), 0);
	end(&story);
}

static void a_tasklet_goes_on_in_what_ran_in_it(void **state)
{
	struct story story;
	uint64_t main, t, body, channel, waiter;
	const struct world_object *object;

	begin(&story);
	main = make(&story, CORO_OBJECT_TASKLET, CORO_STATE_RUNNING);
	channel = make(&story, CORO_OBJECT_CHANNEL, CORO_STATE_OPEN);
	t = make(&story, CORO_OBJECT_TASKLET, CORO_STATE_CREATED);
	tell(&story, CORO_EVENT_READY, t, CORO_STATE_READY, main);
	tell(&story, CORO_EVENT_READY, main, CORO_STATE_READY, main);
	assert_int_equal(world_ready(story.world, NULL, 0), 2);
	tell(&story, CORO_EVENT_STEP, t, CORO_STATE_RUNNING, main);
	assert_int_equal(running(&story), t);
	body = generator(&story);
	tell(&story, CORO_EVENT_NEXT, body, CORO_STATE_RUNNING, t);
	object = tell(&story, CORO_EVENT_AWAIT, t, CORO_STATE_SUSPENDED, channel);
	assert_int_equal(object->waits_on, channel);
	assert_int_equal(world_awaiters(story.world, channel, &waiter, 1), 1);
	assert_int_equal(waiter, t);
	tell(&story, CORO_EVENT_STEP, main, CORO_STATE_RUNNING, t);
	assert_int_equal(running(&story), 0);
	assert_int_equal(shown(&story, body), CORO_STATE_SUSPENDED);
	tell(&story, CORO_EVENT_WAKE, t, CORO_STATE_READY, channel);
	assert_int_equal(world_awaiters(story.world, channel, NULL, 0), 0);
	assert_int_equal(shown(&story, body), CORO_STATE_SUSPENDED);
	tell(&story, CORO_EVENT_READY, main, CORO_STATE_READY, main);
	tell(&story, CORO_EVENT_STEP, t, CORO_STATE_RUNNING, main);
	assert_int_equal(running(&story), body);
	tell(&story, CORO_EVENT_RETURN, body, CORO_STATE_DONE, t);
	object = tell(&story, CORO_EVENT_DONE, t, CORO_STATE_DONE, 0);
	assert_int_equal(object->resumes, 2);
	tell(&story, CORO_EVENT_STEP, main, CORO_STATE_RUNNING, t);
	assert_int_equal(running(&story), 0);
	end(&story);
}

static void rings_have_control_each_for_itself(void **state)
{
	struct story story;
	uint64_t a, b, outer;

	begin(&story);
	a = generator(&story);
	b = generator(&story);
	outer = generator(&story);
	tell(&story, CORO_EVENT_NEXT, outer, CORO_STATE_RUNNING, 0);
	tell(&story, CORO_EVENT_DELEGATE, outer, CORO_STATE_DELEGATING, a);
	tell(&story, CORO_EVENT_NEXT, a, CORO_STATE_RUNNING, 0);
	simulator_emit(&story.simulator, CORO_EVENT_NEXT, b, CORO_STATE_RUNNING, 0);
	story.simulator.event.ring = 3;
	assert_int_equal(world_apply(story.world, &story.simulator.event), 0);
	assert_int_equal(running(&story), b);
	assert_int_equal(shown(&story, outer), CORO_STATE_RUNNING);
	tell(&story, CORO_EVENT_YIELD, a, CORO_STATE_SUSPENDED, 0);
	assert_int_equal(running(&story), 0);
	simulator_emit(&story.simulator, CORO_EVENT_YIELD, b, CORO_STATE_SUSPENDED, 0);
	story.simulator.event.ring = 3;
	assert_int_equal(world_apply(story.world, &story.simulator.event), 0);
	assert_int_equal(running(&story), 0);
	end(&story);
}

/* ---- Coming late ------------------------------------------------------- */

static void who_runs_is_known_from_a_table_in_pieces(void **state)
{
	static const struct trace_row rows[] = {
		{.serial = 1,
		 .row = 1,
		 .ring = 1,
		 .kind = CORO_OBJECT_TASK,
		 .state = CORO_STATE_RUNNING,
		 .link = 3},
		{.serial = 2, .row = 2, .ring = 1, .kind = CORO_OBJECT_TASK, .state = CORO_STATE_READY},
		{.serial = 3,
		 .row = 3,
		 .ring = 1,
		 .kind = CORO_OBJECT_COROUTINE,
		 .state = CORO_STATE_RUNNING},
	};
	struct trace_event event = {.n = 1,
								.ring = 1,
								.co = 4,
								.kind = CORO_EVENT_SPAWN,
								.next = CORO_STATE_CREATED,
								.flags = CORO_SLOT_BIND,
								.object_kind = CORO_OBJECT_TASK,
								.cseq = 1,
								.bind = {.serial = 4, .kind = CORO_OBJECT_TASK}};

	for (size_t first = 1; first <= 3; first++) {
		struct world *world = world_new();

		assert_int_equal(world_adopt(world, rows, first), 0);
		if (first < 3)
			assert_int_equal(world_adopt(world, rows + first, 3 - first), 0);
		/* The same again changes nothing. */
		assert_int_equal(world_adopt(world, rows, 3), 0);
		assert_int_equal(world_apply(world, &event), 0);
		assert_int_equal(world_find(world, 4)->parent, 1);
		assert_false(world_find(world, 4)->unknown & WORLD_UNKNOWN_PARENT);
		assert_int_equal(world_find(world, 3)->resumer, 1);
		assert_int_equal(world_damage(world), 0);
		world_free(world);
	}
}

/* ---- Damage ------------------------------------------------------------ */

static void what_cannot_be_is_counted_and_taken(void **state)
{
	struct story story;
	struct simulated *truth;
	uint64_t g;

	begin(&story);
	truth = story.simulator.objects;
	g = generator(&story);
	/* A gap. */
	truth[g].cseq += 3;
	tell(&story, CORO_EVENT_NEXT, g, CORO_STATE_RUNNING, 0);
	assert_int_equal(world_missing(story.world), 3);
	assert_int_equal(world_damage(story.world), 0);
	/* A number that has been. */
	truth[g].cseq -= 2;
	tell(&story, CORO_EVENT_YIELD, g, CORO_STATE_SUSPENDED, 0);
	assert_int_equal(world_damage(story.world), 1);
	assert_int_equal(world_missing(story.world), 3);
	/* Another state before than it was in. */
	truth[g].state = CORO_STATE_CREATED;
	tell(&story, CORO_EVENT_NEXT, g, CORO_STATE_RUNNING, 0);
	assert_int_equal(world_damage(story.world), 2);
	/* States that the kind of event cannot lead to. */
	tell(&story, CORO_EVENT_YIELD, g, CORO_STATE_LOCKED, 0);
	assert_int_equal(world_damage(story.world), 3);
	assert_int_equal(world_find(story.world, g)->state, CORO_STATE_LOCKED);
	/* An event about nobody; one about somebody who was never made, or is made twice. */
	tell(&story, CORO_EVENT_NOTE, 0, 0, 0);
	assert_int_equal(world_damage(story.world), 4);
	truth[9].kind = CORO_OBJECT_TASK;
	truth[9].state = CORO_STATE_RUNNING;
	tell(&story, CORO_EVENT_READY, 9, CORO_STATE_READY, 0);
	assert_int_equal(world_damage(story.world), 5);
	assert_int_equal(world_find(story.world, 9)->kind, CORO_OBJECT_TASK);
	assert_int_equal(world_ready(story.world, NULL, 0), 1);
	truth[9].state = CORO_STATE_NONE;
	tell(&story, CORO_EVENT_SPAWN, 9, CORO_STATE_CREATED, g);
	assert_int_equal(world_damage(story.world), 6);
	assert_int_equal(world_ready(story.world, NULL, 0), 0);
	/* The wrong kind of object; an item out of an empty queue; a ring that cannot be. */
	tell(&story, CORO_EVENT_YIELD, 9, CORO_STATE_SUSPENDED, 0);
	assert_int_equal(world_damage(story.world), 7);
	g = make(&story, CORO_OBJECT_QUEUE, CORO_STATE_OPEN);
	tell(&story, CORO_EVENT_QUEUE_GET, g, CORO_STATE_OPEN, 0);
	assert_int_equal(world_damage(story.world), 8);
	simulator_emit(&story.simulator, CORO_EVENT_QUEUE_PUT, g, CORO_STATE_OPEN, 0);
	story.simulator.event.ring = 4000000000u;
	assert_int_equal(world_apply(story.world, &story.simulator.event), 0);
	assert_int_equal(world_damage(story.world), 9);
	/* A kind of event that is not known is no damage, and its state is taken. */
	tell(&story, CORO_EVENT_LIMIT + 3, g, CORO_STATE_CLOSED, 0);
	assert_int_equal(world_damage(story.world), 9);
	assert_int_equal(world_find(story.world, g)->state, CORO_STATE_CLOSED);
	world_free(story.world);
}

static void circles_of_delegation_end(void **state)
{
	struct story story;
	uint64_t a, b, chain[8];

	begin(&story);
	a = generator(&story);
	b = generator(&story);
	tell(&story, CORO_EVENT_NEXT, a, CORO_STATE_RUNNING, 0);
	tell(&story, CORO_EVENT_DELEGATE, a, CORO_STATE_DELEGATING, b);
	tell(&story, CORO_EVENT_NEXT, b, CORO_STATE_RUNNING, 0);
	tell(&story, CORO_EVENT_DELEGATE, b, CORO_STATE_DELEGATING, a);
	assert_true(world_chain(story.world, a, chain, 8) >= 2);
	assert_int_equal(shown(&story, a), CORO_STATE_RUNNING);
	tell(&story, CORO_EVENT_NEXT, generator(&story), CORO_STATE_RUNNING, 0);
	assert_int_equal(shown(&story, a), CORO_STATE_SUSPENDED);
	assert_int_equal(world_waits_on(story.world, world_find(story.world, a)), 0);
	end(&story);
}

/* ---- One World --------------------------------------------------------- */

static struct world *through_bytes(const struct world *world)
{
	struct world *again = NULL;
	size_t length;
	uint8_t *bytes;

	assert_int_equal(world_serialise(world, &bytes, &length), 0);
	assert_int_equal(world_deserialise(bytes, length, &again), 0);
	free(bytes);
	return again;
}

/* All that can be asked is answered the same. */
static void assert_same(const struct world *a, const struct world *b)
{
	const struct world_object *object, *other;
	uint64_t found[2][64];

	assert_true(world_hash(a) == world_hash(b));
	assert_int_equal(world_count(a), world_count(b));
	assert_int_equal(world_at(a), world_at(b));
	other = world_running(b);
	object = world_running(a);
	assert_int_equal(object ? object->serial : 0, other ? other->serial : 0);
	assert_int_equal(world_ready(a, found[0], 64), world_ready(b, found[1], 64));
	assert_memory_equal(found[0], found[1], sizeof(found[0][0]) * world_ready(a, NULL, 0));
	for (object = world_next(a, 0); object; object = world_next(a, object->serial)) {
		other = world_find(b, object->serial);
		assert_non_null(other);
		assert_int_equal(world_state(a, object), world_state(b, other));
		assert_int_equal(world_above(a, object), world_above(b, other));
		assert_int_equal(world_waits_on(a, object), world_waits_on(b, other));
		assert_int_equal(world_chain(a, object->serial, found[0], 64),
						 world_chain(b, object->serial, found[1], 64));
		assert_int_equal(world_awaiters(a, object->serial, found[0], 64),
						 world_awaiters(b, object->serial, found[1], 64));
	}
}

static void a_world_is_what_the_program_knows_of_itself(void **state)
{
	static struct story story;
	const struct world_object *object;

	for (uint64_t seed = 1; seed <= 30; seed++) {
		begin(&story);
		simulator_init(&story.simulator, seed);
		for (unsigned n = 1; n <= 1500; n++) {
			assert_int_equal(world_apply(story.world, simulator_next(&story.simulator)), 0);
			assert_int_equal(running(&story), simulator_running(&story.simulator));
			assert_int_equal(world_ready(story.world, NULL, 0), story.simulator.ready_count);
			for (object = world_next(story.world, 0); object;
				 object = world_next(story.world, object->serial))
				assert_int_equal(world_state(story.world, object),
								 simulator_state(&story.simulator, object->serial));
		}
		end(&story);
	}
}

static void every_way_to_an_event_gives_the_same_world(void **state)
{
	enum { EVENTS = 400 };
	static struct simulator simulator;
	static struct trace_event events[EVENTS + 1];
	static uint64_t hashes[EVENTS + 1];
	struct world *world, *copy, *again;
	struct world *kept[EVENTS / 40 + 1];

	for (uint64_t seed = 100; seed < 108; seed++) {
		simulator_init(&simulator, seed);
		world = world_new();
		hashes[0] = world_hash(world);
		for (unsigned n = 1; n <= EVENTS; n++) {
			events[n] = *simulator_next(&simulator);
			if (n % 40 == 1)
				kept[n / 40] = world_copy(world);
			assert_int_equal(world_apply(world, &events[n]), 0);
			hashes[n] = world_hash(world);
			assert_true(hashes[n] != hashes[n - 1]);
			again = through_bytes(world);
			assert_same(world, again);
			copy = world_copy(world);
			assert_same(world, copy);
			world_free(again);
			world_free(copy);
		}
		/* From each checkpoint forward; what it was copied from, and its copies, stay. */
		for (unsigned k = 0; k * 40 < EVENTS; k++) {
			assert_true(world_hash(kept[k]) == hashes[k * 40]);
			copy = world_copy(kept[k]);
			again = through_bytes(kept[k]);
			for (unsigned n = k * 40 + 1; n <= EVENTS; n++) {
				assert_int_equal(world_apply(copy, &events[n]), 0);
				assert_int_equal(world_apply(again, &events[n]), 0);
				assert_true(world_hash(copy) == hashes[n]);
				assert_true(world_hash(again) == hashes[n]);
			}
			assert_same(copy, world);
			assert_true(world_hash(kept[k]) == hashes[k * 40]);
			world_free(copy);
			world_free(again);
		}
		for (unsigned k = 0; k * 40 < EVENTS; k++)
			world_free(kept[k]);
		world_free(world);
	}
}

static void bytes_that_no_world_wrote_are_refused(void **state)
{
	static struct story story;
	struct world *none = NULL;
	uint8_t *bytes;
	size_t length;

	begin(&story);
	for (unsigned n = 0; n < 60; n++)
		assert_int_equal(world_apply(story.world, simulator_next(&story.simulator)), 0);
	assert_int_equal(world_serialise(story.world, &bytes, &length), 0);
	for (size_t cut = 0; cut < length; cut++)
		assert_int_equal(world_deserialise(bytes, cut, &none), -EBADMSG);
	for (size_t bit = 0; bit < length * 8; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(world_deserialise(bytes, length, &none), -EBADMSG);
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(world_deserialise(bytes, length, &none), 0);
	world_free(none);
	free(bytes);
	end(&story);
}

/* The hash of a checkpoint, so that what is wrong inside can be reached. */
static uint64_t hash_of(const uint8_t *bytes, size_t words)
{
	uint64_t hash = 0, word;

	for (size_t i = 0; i < words; i++) {
		memcpy(&word, bytes + i * 8, 8);
		hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
		hash ^= hash >> 29;
	}
	return hash;
}

static void hostile_checkpoints_with_a_right_hash_do_no_harm(void **state)
{
	static struct story story;
	struct world *again;
	uint8_t *bytes, *bad;
	size_t length, refused = 0;
	uint64_t hash, ready[4];

	begin(&story);
	for (unsigned n = 0; n < 200; n++)
		assert_int_equal(world_apply(story.world, simulator_next(&story.simulator)), 0);
	assert_int_equal(world_serialise(story.world, &bytes, &length), 0);
	bad = malloc(length);
	assert_true(hash_of(bytes, length / 8 - 1) == world_hash(story.world));
	for (unsigned i = 0; i < 5000; i++) {
		size_t at = simulator_random(&story.simulator, (unsigned)length - 8);
		size_t words =
			i % 7 ? length / 8 : 3 + simulator_random(&story.simulator, (unsigned)length / 8 - 3);

		memcpy(bad, bytes, length);
		bad[at] ^= (uint8_t)(1 << i % 8);
		hash = hash_of(bad, words - 1);
		memcpy(bad + (words - 1) * 8, &hash, 8);
		again = NULL;
		if (world_deserialise(bad, words * 8, &again) < 0) {
			assert_null(again);
			refused++;
			continue;
		}
		/* A World that could be: it takes what may come. */
		assert_true(world_hash(again) == hash);
		world_ready(again, ready, 4);
		for (const struct world_object *o = world_next(again, 0); o;
			 o = world_next(again, o->serial))
			world_state(again, o);
		world_apply(again, &story.simulator.event);
		world_free(again);
	}
	assert_true(refused > 500);
	free(bad);
	free(bytes);
	end(&story);
}

/* Changes since an earlier World, onto it: the same as the World itself; also when the earlier one
 * is not the one that was copied, but as good. */
static void what_changed_since_an_earlier_world_makes_the_later_one(void **state)
{
	static struct story story;
	struct world *earlier, *again;
	uint8_t *bytes;
	size_t length;

	begin(&story);
	for (unsigned round = 0; round < 60; round++) {
		earlier = world_copy(story.world);
		assert_non_null(earlier);
		for (unsigned n = 0; n <= round * round; n++)
			assert_int_equal(world_apply(story.world, simulator_next(&story.simulator)), 0);
		assert_int_equal(world_serialise_since(story.world, earlier, &bytes, &length), 0);
		assert_int_equal(world_bytes_since(bytes, length), world_at(earlier));
		if (round % 2) {
			again = through_bytes(earlier);
			world_free(earlier);
			earlier = again;
		}
		if (world_at(earlier) > 0) {
			assert_int_equal(world_deserialise_since(bytes, length, earlier, &again), 0);
			assert_same(story.world, again);
			world_free(again);
		}
		assert_int_equal(world_deserialise(bytes, length, &again), -EBADMSG);
		assert_int_equal(world_deserialise_since(bytes, length, story.world, &again), -EBADMSG);
		free(bytes);
		world_free(earlier);
	}
	end(&story);
}

static void hostile_changes_with_a_right_hash_do_no_harm(void **state)
{
	static struct story story;
	struct world *earlier, *again;
	uint8_t *bytes, *bad;
	size_t length, refused = 0;
	uint64_t hash, before;

	begin(&story);
	for (unsigned n = 0; n < 200; n++)
		assert_int_equal(world_apply(story.world, simulator_next(&story.simulator)), 0);
	earlier = world_copy(story.world);
	before = world_hash(earlier);
	for (unsigned n = 0; n < 200; n++)
		assert_int_equal(world_apply(story.world, simulator_next(&story.simulator)), 0);
	assert_int_equal(world_serialise_since(story.world, earlier, &bytes, &length), 0);
	bad = malloc(length);
	for (unsigned i = 0; i < 5000; i++) {
		size_t at = simulator_random(&story.simulator, (unsigned)length - 8);
		size_t words =
			i % 7 ? length / 8 : 3 + simulator_random(&story.simulator, (unsigned)length / 8 - 3);

		memcpy(bad, bytes, length);
		bad[at] ^= (uint8_t)(1 << i % 8);
		hash = hash_of(bad, words - 1);
		memcpy(bad + (words - 1) * 8, &hash, 8);
		again = NULL;
		if (world_deserialise_since(bad, words * 8, earlier, &again) < 0) {
			assert_null(again);
			refused++;
			continue;
		}
		assert_same(again, again);
		world_apply(again, &story.simulator.event);
		world_free(again);
	}
	assert_true(refused > 500);
	assert_true(world_hash(earlier) == before);
	world_free(earlier);
	free(bad);
	free(bytes);
	end(&story);
}

static void a_thousand_children_are_shared_by_copies_and_go_through_bytes(void **state)
{
	static struct story story;
	struct world *earlier = NULL, *again;
	uint64_t gather, children[3000];
	uint8_t *bytes;
	size_t length;

	begin(&story);
	gather = simulator_object(&story.simulator, CORO_OBJECT_FUTURE);
	tell(&story, CORO_EVENT_FUTURE_NEW, gather, CORO_STATE_PENDING, 0);
	for (unsigned i = 1; i <= 2500; i++) {
		if (i % 300 == 0) {
			world_free(earlier);
			earlier = world_copy(story.world);
		}
		tell(&story, CORO_EVENT_AWAIT_CHILD, gather, CORO_STATE_PENDING, 1000 + i);
		assert_int_equal(world_children(story.world, gather, children, 3000), i);
		assert_int_equal(children[i - 1], 1000 + i);
	}
	assert_int_equal(world_children(earlier, gather, children, 3000), 2399);
	for (unsigned i = 1; i <= 2399; i++)
		assert_int_equal(children[i - 1], 1000 + i);
	assert_int_equal(world_next_parent(story.world, 0), gather);
	assert_int_equal(world_next_parent(story.world, gather), 0);
	again = through_bytes(story.world);
	assert_same(story.world, again);
	assert_int_equal(world_children(again, gather, children, 3000), 2500);
	assert_int_equal(children[2499], 3500);
	world_free(again);
	assert_int_equal(world_serialise_since(story.world, earlier, &bytes, &length), 0);
	assert_true(length < 200 * 8);
	assert_int_equal(world_deserialise_since(bytes, length, earlier, &again), 0);
	assert_int_equal(world_children(again, gather, children, 3000), 2500);
	for (unsigned i = 1; i <= 2500; i++)
		assert_int_equal(children[i - 1], 1000 + i);
	free(bytes);
	world_free(again);
	world_free(earlier);
	end(&story);
}

static void random_events_never_harm(void **state)
{
	static struct trace_event event;
	static struct simulator random;
	const struct world_object *object;
	struct world *world, *copy;
	uint64_t chain[8];

	for (uint64_t seed = 1; seed <= 20; seed++) {
		simulator_init(&random, seed);
		world = world_new();
		copy = NULL;
		for (unsigned n = 1; n <= 4000; n++) {
			event.n = n;
			event.t = (int64_t)simulator_random(&random, 1u << 31) << simulator_random(&random, 33);
			event.kind = (uint8_t)simulator_random(&random, CORO_EVENT_LIMIT + 2);
			event.flags = (uint8_t)simulator_random(&random, 8);
			event.prev = (uint8_t)simulator_random(&random, 16);
			event.next = (uint8_t)simulator_random(&random, 16);
			event.cseq = simulator_random(&random, 4);
			event.co = simulator_random(&random, seed % 2 ? 8 : 300);
			event.peer = simulator_random(&random, seed % 2 ? 8 : 300);
			if (simulator_random(&random, 50) == 0)
				event.co <<= simulator_random(&random, 60);
			event.ring = simulator_random(&random, 30) ? 0 : simulator_random(&random, 2000);
			event.object_kind = (uint8_t)simulator_random(&random, CORO_OBJECT_LIMIT + 1);
			event.bind.kind = event.object_kind;
			event.value.kind = CORO_VALUE_INT;
			event.value.integer = (int64_t)simulator_random(&random, 100) - 50;
			assert_int_equal(world_apply(world, &event), 0);
			if (n % 100)
				continue;
			world_free(copy);
			copy = world_copy(world);
			for (object = world_next(world, 0); object;
				 object = world_next(world, object->serial)) {
				world_state(world, object);
				world_waits_on(world, object);
				world_chain(world, object->serial, chain, 8);
				world_children(world, object->serial, chain, 8);
			}
			world_running(world);
		}
		assert_same(world, copy);
		world_free(copy);
		copy = through_bytes(world);
		assert_same(world, copy);
		world_free(copy);
		world_free(world);
	}
}

/* Its trees become lower by several levels at once, of which the lower ones are the copy's as well.
 */
static void what_goes_from_a_world_stays_in_its_copy(void **state)
{
	for (uint64_t count = 600; count < 1700; count += 37) {
		struct world *world = world_new(), *copy;
		struct trace_event event = {.kind = CORO_EVENT_CREATE,
									.next = CORO_STATE_CREATED,
									.flags = CORO_SLOT_BIND,
									.cseq = 1,
									.object_kind = CORO_OBJECT_GENERATOR};
		uint64_t hash;

		for (uint64_t i = 1; i <= count; i++) {
			event.n = event.co = event.bind.serial = i;
			event.bind.kind = CORO_OBJECT_GENERATOR;
			assert_int_equal(world_apply(world, &event), 0);
		}
		copy = world_copy(world);
		hash = world_hash(copy);
		event.kind = CORO_EVENT_DESTROY;
		event.prev = CORO_STATE_CREATED;
		event.next = CORO_STATE_NONE;
		event.flags = 0;
		event.cseq = 2;
		for (uint64_t i = 1; i < count; i++) {
			event.n++;
			event.co = i;
			assert_int_equal(world_apply(world, &event), 0);
		}
		assert_int_equal(world_count(world), 1);
		assert_int_equal(world_count(copy), count);
		assert_true(world_hash(copy) == hash);
		world_free(world);
		assert_true(world_hash(copy) == hash);
		world_free(copy);
	}
}

static void a_hundred_thousand_objects_are_copied_by_sharing(void **state)
{
	enum { MANY = 100000 };
	struct trace_event event = {.kind = CORO_EVENT_CREATE,
								.next = CORO_STATE_CREATED,
								.object_kind = CORO_OBJECT_GENERATOR,
								.cseq = 1};
	struct world *world = world_new(), *copies[200];
	uint64_t serial = 0;
	size_t count = 0;

	for (event.n = 1; event.n <= MANY; event.n++) {
		event.co = event.n * 3;
		assert_int_equal(world_apply(world, &event), 0);
	}
	event.kind = CORO_EVENT_NEXT;
	event.prev = CORO_STATE_CREATED;
	event.next = CORO_STATE_RUNNING;
	event.cseq = 2;
	for (unsigned i = 0; i < 200; i++, event.n++) {
		copies[i] = world_copy(world);
		event.co = 3 + 300 * i;
		assert_int_equal(world_apply(world, &event), 0);
	}
	assert_int_equal(world_damage(world), 0);
	for (unsigned i = 0; i < 200; i++) {
		assert_int_equal(world_find(copies[i], 3 + 300 * i)->state, CORO_STATE_CREATED);
		assert_int_equal(world_find(world, 3 + 300 * i)->state, CORO_STATE_RUNNING);
		world_free(copies[i]);
	}
	for (const struct world_object *object = world_next(world, 0); object;
		 object = world_next(world, serial)) {
		assert_true(object->serial > serial);
		serial = object->serial;
		count++;
	}
	assert_int_equal(count, MANY);

	/* The old go, the young stay. */
	event.kind = CORO_EVENT_DESTROY;
	event.next = CORO_STATE_NONE;
	for (uint64_t i = 1; i < MANY; i++, event.n++) {
		event.co = i * 3;
		assert_int_equal(world_apply(world, &event), 0);
	}
	assert_int_equal(world_count(world), 1);
	assert_int_equal(world_next(world, 0)->serial, MANY * 3);
	world_free(world);
}

/* ---- Memory ------------------------------------------------------------ */

/* The linker leads every malloc and realloc of the model here. */
void *__real_malloc(size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_realloc(void *memory, size_t size);

static unsigned allocations_left = UINT32_MAX;

static bool may_allocate(void)
{
	if (allocations_left == 0)
		return false;
	if (allocations_left != UINT32_MAX)
		allocations_left--;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return may_allocate() ? __real_malloc(size) : NULL;
}

void *__wrap_realloc(void *memory, size_t size)
{
	return may_allocate() ? __real_realloc(memory, size) : NULL;
}

static void an_event_that_finds_no_memory_changes_nothing(void **state)
{
	static struct story story;
	struct world *copy = NULL;
	unsigned refused = 0, failures;
	uint64_t hash;
	int result;

	begin(&story);
	simulator_init(&story.simulator, 42);
	for (unsigned n = 1; n <= 1500; n++) {
		simulator_next(&story.simulator);
		/* Nodes are shared again and again, so that events need memory. */
		if (n % 5 == 0) {
			world_free(copy);
			copy = world_copy(story.world);
		}
		hash = world_hash(story.world);
		for (failures = 0;; failures++) {
			allocations_left = failures;
			result = world_apply(story.world, &story.simulator.event);
			allocations_left = UINT32_MAX;
			if (result == 0)
				break;
			assert_int_equal(result, -ENOMEM);
			assert_true(world_hash(story.world) == hash);
			assert_true(failures < 200);
		}
		refused += failures;
	}
	assert_true(refused > 500);
	world_free(copy);
	end(&story);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_world_has_nothing),
		cmocka_unit_test(a_created_generator_is_known),
		cmocka_unit_test(what_goes_down_and_comes_up_is_remembered_by_number),
		cmocka_unit_test(control_returns_to_whoever_resumed),
		cmocka_unit_test(a_delegator_shows_what_its_innermost_delegate_does),
		cmocka_unit_test(who_resumed_a_chain_is_found_again_when_the_delegate_ends),
		cmocka_unit_test(closing_a_delegator_closes_the_inner_one_first),
		cmocka_unit_test(
			a_delegate_that_is_driven_to_its_end_by_another_leaves_the_delegator_waiting),
		cmocka_unit_test(two_may_delegate_to_one),
		cmocka_unit_test(a_task_waits_is_woken_and_runs_in_turn),
		cmocka_unit_test(a_task_knows_which_task_spawned_it),
		cmocka_unit_test(a_gather_knows_its_children),
		cmocka_unit_test(a_timer_is_there_while_it_is_armed),
		cmocka_unit_test(locks_queues_descriptors_and_turns_are_kept),
		cmocka_unit_test(the_place_is_that_of_its_own_last_event_that_had_one),
		cmocka_unit_test(who_does_something_to_another_is_where_it_does_it),
		cmocka_unit_test(a_place_is_kept_by_copies_and_bytes),
		cmocka_unit_test(who_waits_at_a_thing_is_found),
		cmocka_unit_test(who_waits_at_a_channel_is_found_through_selects_too),
		cmocka_unit_test(a_channel_has_the_length_of_what_was_sent_and_not_received),
		cmocka_unit_test(a_greenlet_goes_on_in_what_ran_in_it),
		cmocka_unit_test(a_tasklet_goes_on_in_what_ran_in_it),
		cmocka_unit_test(rings_have_control_each_for_itself),
		cmocka_unit_test(who_runs_is_known_from_a_table_in_pieces),
		cmocka_unit_test(what_cannot_be_is_counted_and_taken),
		cmocka_unit_test(circles_of_delegation_end),
		cmocka_unit_test(a_world_is_what_the_program_knows_of_itself),
		cmocka_unit_test(every_way_to_an_event_gives_the_same_world),
		cmocka_unit_test(bytes_that_no_world_wrote_are_refused),
		cmocka_unit_test(hostile_checkpoints_with_a_right_hash_do_no_harm),
		cmocka_unit_test(what_changed_since_an_earlier_world_makes_the_later_one),
		cmocka_unit_test(hostile_changes_with_a_right_hash_do_no_harm),
		cmocka_unit_test(a_thousand_children_are_shared_by_copies_and_go_through_bytes),
		cmocka_unit_test(random_events_never_harm),
		cmocka_unit_test(what_goes_from_a_world_stays_in_its_copy),
		cmocka_unit_test(a_hundred_thousand_objects_are_copied_by_sharing),
		cmocka_unit_test(an_event_that_finds_no_memory_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
