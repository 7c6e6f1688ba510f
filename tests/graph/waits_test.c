/*
 * waits_test.c - what something waits for, as lines.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include "simulator.h"
#include "waits.h"

struct story {
	struct simulator simulator;
	struct world *world;
};

static void tell(struct story *story, unsigned kind, uint64_t co, unsigned next, uint64_t peer)
{
	assert_int_equal(
		world_apply(story->world, simulator_emit(&story->simulator, kind, co, next, peer)), 0);
}

static uint64_t future(struct story *story, uint64_t about)
{
	uint64_t serial = simulator_object(&story->simulator, CORO_OBJECT_FUTURE);
	tell(story, CORO_EVENT_FUTURE_NEW, serial, CORO_STATE_PENDING, about);
	return serial;
}

/* A task that runs. */
static uint64_t task(struct story *story)
{
	uint64_t coroutine = simulator_object(&story->simulator, CORO_OBJECT_COROUTINE);
	tell(story, CORO_EVENT_CREATE, coroutine, CORO_STATE_CREATED, 0);
	uint64_t serial = simulator_object(&story->simulator, CORO_OBJECT_TASK);
	tell(story, CORO_EVENT_SPAWN, serial, CORO_STATE_CREATED, coroutine);
	tell(story, CORO_EVENT_READY, serial, CORO_STATE_READY, 0);
	tell(story, CORO_EVENT_STEP, serial, CORO_STATE_RUNNING, 0);
	return serial;
}

/* A lock that `owner` holds. */
static uint64_t lock(struct story *story, uint64_t owner)
{
	uint64_t serial = simulator_object(&story->simulator, CORO_OBJECT_LOCK);
	tell(story, CORO_EVENT_CREATE, serial, CORO_STATE_UNLOCKED, 0);
	tell(story, CORO_EVENT_LOCK_ACQUIRE, serial, CORO_STATE_LOCKED, owner);
	return serial;
}

static void waits_for(struct story *story, uint64_t who, uint64_t awaited)
{
	tell(story, CORO_EVENT_AWAIT, who, CORO_STATE_SUSPENDED, awaited);
}

/* "depth:serial" for each line, with ! for an owner, @ for a circle, and / for the last. */
static void assert_waits(struct story *story, uint64_t serial, const char *expected)
{
	struct waits waits;
	char text[1024] = "";
	waits_make(story->world, serial, &waits);
	assert_false(waits.cut);
	for (size_t i = 0; i < waits.count; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%u:%llu%s%s%s", i ? " " : "",
				 waits.wait[i].depth, (unsigned long long)waits.wait[i].serial,
				 waits.wait[i].owner ? "!" : "", waits.wait[i].circle ? "@" : "",
				 waits.wait[i].last ? "/" : "");
	assert_string_equal(text, expected);
}

static void begin(struct story *story)
{
	simulator_init(&story->simulator, 1);
	story->world = world_new();
	assert_non_null(story->world);
}

static void a_gather_leads_to_its_children_and_to_what_they_wait_for(void **state)
{
	struct story story;
	begin(&story);
	uint64_t queue = simulator_object(&story.simulator, CORO_OBJECT_QUEUE); /* 1 */
	tell(&story, CORO_EVENT_CREATE, queue, CORO_STATE_OPEN, 0);
	uint64_t ann = task(&story), bob = task(&story); /* 3, 5 */
	uint64_t put = future(&story, queue);            /* 6 */
	waits_for(&story, ann, put);
	uint64_t all = future(&story, 0), amain = task(&story); /* 7, 9 */
	tell(&story, CORO_EVENT_AWAIT_CHILD, all, CORO_STATE_PENDING, ann);
	tell(&story, CORO_EVENT_AWAIT_CHILD, all, CORO_STATE_PENDING, bob);
	assert_waits(&story, amain, "");
	waits_for(&story, amain, all);
	assert_waits(&story, amain, "0:7/ 1:3 2:6/ 3:1/ 1:5/");
	assert_waits(&story, all, "0:3 1:6/ 2:1/ 0:5/");
	assert_waits(&story, queue, "");
	assert_waits(&story, 77, "");
	/* What is done is waited for no more. */
	tell(&story, CORO_EVENT_FUTURE_SET, put, CORO_STATE_DONE, 0);
	assert_waits(&story, ann, "0:6/");
	world_free(story.world);
}

static void a_group_leads_to_its_tasks_that_are_not_done(void **state)
{
	struct story story;
	begin(&story);
	uint64_t group = simulator_object(&story.simulator, CORO_OBJECT_GROUP); /* 1 */
	tell(&story, CORO_EVENT_CREATE, group, CORO_STATE_OPEN, 0);
	uint64_t ann = task(&story), bob = task(&story), amain = task(&story); /* 3, 5, 7 */
	tell(&story, CORO_EVENT_GROUP_ADD, group, CORO_STATE_OPEN, ann);
	tell(&story, CORO_EVENT_GROUP_ADD, group, CORO_STATE_OPEN, bob);
	waits_for(&story, amain, future(&story, group)); /* 8 */
	assert_waits(&story, amain, "0:8/ 1:1/ 2:3 2:5/");
	tell(&story, CORO_EVENT_DONE, ann, CORO_STATE_DONE, 0);
	assert_waits(&story, group, "0:5/");
	world_free(story.world);
}

static void a_deadlock_ends_where_it_closes(void **state)
{
	struct story story;
	begin(&story);
	uint64_t a = task(&story), b = task(&story);              /* 2, 4 */
	uint64_t left = lock(&story, a), right = lock(&story, b); /* 5, 6 */
	waits_for(&story, a, future(&story, right));              /* 7 */
	assert_waits(&story, a, "0:7/ 1:6/ 2:4!/");
	waits_for(&story, b, future(&story, left)); /* 8 */
	assert_waits(&story, a, "0:7/ 1:6/ 2:4!/ 3:8/ 4:5/ 5:2!@/");
	world_free(story.world);
}

static void more_than_there_is_room_for_is_cut(void **state)
{
	struct story story;
	struct waits waits;
	begin(&story);
	uint64_t all = future(&story, 0);
	for (unsigned i = 0; i < WAITS_MOST + 5; i++)
		tell(&story, CORO_EVENT_AWAIT_CHILD, all, CORO_STATE_PENDING, 1000 + i);
	waits_make(story.world, all, &waits);
	assert_int_equal(waits.count, WAITS_MOST);
	assert_true(waits.cut);
	world_free(story.world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_gather_leads_to_its_children_and_to_what_they_wait_for),
		cmocka_unit_test(a_group_leads_to_its_tasks_that_are_not_done),
		cmocka_unit_test(a_deadlock_ends_where_it_closes),
		cmocka_unit_test(more_than_there_is_room_for_is_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
