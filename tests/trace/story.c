/*
 * story.c - writes the slots of a story, and tells two of them.
 */
#include <assert.h>
#include <string.h>
#include "story.h"

enum {
	CREATED = CORO_STATE_CREATED,
	RUNNING = CORO_STATE_RUNNING,
	READY = CORO_STATE_READY,
	SUSPENDED = CORO_STATE_SUSPENDED,
	DELEGATING = CORO_STATE_DELEGATING,
	DONE = CORO_STATE_DONE,
	PENDING = CORO_STATE_PENDING,
	NONE = CORO_STATE_NONE,
};

void story_begin(struct story *story, bool held)
{
	struct trace_meta meta = {
		.program = "story", .arguments = "", .pid = 1, .clock_hz = 1000000000};
	int r;

	memset(story, 0, sizeof(*story));
	story->held = held;
	r = trace_create(NULL, &meta, &story->trace);
	assert(r >= 0);
}

unsigned story_tell(struct story *story)
{
	uint64_t i = story->told;

	if (i == story->count)
		return 0;
	trace_append(story->trace, 0, story->event[i].index, story->event[i].slot,
				 story->event[i].count);
	story->told++;
	return story->event[i].kind;
}

static void add(struct story *story, unsigned kind, uint32_t row, unsigned next, uint32_t peer,
				const struct coro_trace_bind *bind)
{
	unsigned prev = story->row[row].state;
	struct coro_trace_slot *slot = story->event[story->count].slot;

	assert(story->count < STORY_MOST);
	slot[0].word = CORO_SLOT_WORD(kind, bind ? CORO_SLOT_BIND : 0, prev, next, bind ? 1 : 0, 0,
								  ++story->row[row].cseq);
	slot[0].clock = 1000 * (story->index + 1);
	slot[0].row = row;
	slot[0].peer = peer;
	if (bind) {
		slot[1].word = CORO_EVENT_EXT;
		memcpy(&slot[1].clock, bind, sizeof(*bind));
	}
	story->row[row].state = (uint8_t)next;
	story->event[story->count].index = story->index;
	story->event[story->count].kind = kind;
	story->event[story->count].count = bind ? 2 : 1;
	story->index += bind ? 2 : 1;
	story->count++;
	if (!story->held)
		story_tell(story);
}

uint32_t story_create(struct story *story, unsigned first_event, unsigned kind, unsigned state,
					  const char *name, uint32_t peer)
{
	uint32_t row = ++story->rows;
	struct coro_trace_bind bind = {.serial = row, .name = ++story->strings, .kind = (uint8_t)kind};

	trace_append_string(story->trace, bind.name, name, strlen(name));
	add(story, first_event, row, state, peer, &bind);
	return row;
}

void story_event(struct story *story, unsigned kind, uint32_t row, unsigned next, uint32_t peer)
{
	add(story, kind, row, next, peer, NULL);
}

struct trace *story_end(struct story *story)
{
	struct trace *trace = story->trace;

	trace_finish(trace, 0);
	story->trace = NULL;
	return trace;
}

/* ---- Stories ----------------------------------------------------------- */

void story_of_general(struct story *s)
{
	uint32_t general, internal;

	general = story_create(s, CORO_EVENT_CREATE, CORO_OBJECT_GENERATOR, CREATED, "general", 0);
	story_event(s, CORO_EVENT_NEXT, general, RUNNING, 0);
	internal =
		story_create(s, CORO_EVENT_CREATE, CORO_OBJECT_GENERATOR, CREATED, "internal", general);
	story_event(s, CORO_EVENT_DELEGATE, general, DELEGATING, internal);
	story_event(s, CORO_EVENT_NEXT, internal, RUNNING, 0);
	story_event(s, CORO_EVENT_YIELD, internal, SUSPENDED, 0);
	story_event(s, CORO_EVENT_SEND, internal, RUNNING, 0);
	story_event(s, CORO_EVENT_RETURN, internal, DONE, 0);
	story_event(s, CORO_EVENT_UNDELEGATE, general, RUNNING, internal);
	story_event(s, CORO_EVENT_YIELD, general, SUSPENDED, 0);
	story_event(s, CORO_EVENT_SEND, general, RUNNING, 0);
	story_event(s, CORO_EVENT_RETURN, general, DONE, 0);
	story_event(s, CORO_EVENT_DESTROY, internal, NONE, 0);
	story_event(s, CORO_EVENT_DESTROY, general, NONE, 0);
}

struct tasks story_of_tasks(struct story *s)
{
	struct tasks t = {0};

	t.loop = story_create(s, CORO_EVENT_CREATE, CORO_OBJECT_LOOP, SUSPENDED, "loop", 0);
	t.amain = story_create(s, CORO_EVENT_CREATE, CORO_OBJECT_COROUTINE, CREATED, "amain", 0);
	t.main_task = story_create(s, CORO_EVENT_SPAWN, CORO_OBJECT_TASK, CREATED, "main", t.amain);
	story_event(s, CORO_EVENT_READY, t.main_task, READY, 0);
	story_event(s, CORO_EVENT_TURN_BEGIN, t.loop, RUNNING, 0);
	t.turn[0] = s->count;
	story_event(s, CORO_EVENT_STEP, t.main_task, RUNNING, t.loop);
	t.main_step[0] = s->count;
	story_event(s, CORO_EVENT_NEXT, t.amain, RUNNING, t.main_task);
	t.main_next[0] = s->count;
	t.work = story_create(s, CORO_EVENT_CREATE, CORO_OBJECT_COROUTINE, CREATED, "work", t.amain);
	t.worker_task = story_create(s, CORO_EVENT_SPAWN, CORO_OBJECT_TASK, CREATED, "worker", t.work);
	story_event(s, CORO_EVENT_READY, t.worker_task, READY, 0);
	story_event(s, CORO_EVENT_YIELD, t.amain, SUSPENDED, t.main_task);
	story_event(s, CORO_EVENT_AWAIT, t.main_task, SUSPENDED, t.worker_task);
	t.main_await = s->count;
	story_event(s, CORO_EVENT_STEP, t.worker_task, RUNNING, t.loop);
	t.worker_step[0] = s->count;
	story_event(s, CORO_EVENT_NEXT, t.work, RUNNING, t.worker_task);
	t.work_next[0] = s->count;
	t.future = story_create(s, CORO_EVENT_FUTURE_NEW, CORO_OBJECT_FUTURE, PENDING, "sleep", 0);
	story_event(s, CORO_EVENT_YIELD, t.work, SUSPENDED, t.worker_task);
	t.work_yield = s->count;
	story_event(s, CORO_EVENT_AWAIT, t.worker_task, SUSPENDED, t.future);
	t.worker_await = s->count;
	story_event(s, CORO_EVENT_TURN_END, t.loop, SUSPENDED, 0);
	story_event(s, CORO_EVENT_TURN_BEGIN, t.loop, RUNNING, 0);
	t.turn[1] = s->count;
	story_event(s, CORO_EVENT_FUTURE_SET, t.future, DONE, 0);
	t.future_set = s->count;
	story_event(s, CORO_EVENT_WAKE, t.worker_task, READY, t.future);
	story_event(s, CORO_EVENT_STEP, t.worker_task, RUNNING, t.loop);
	t.worker_step[1] = s->count;
	story_event(s, CORO_EVENT_NEXT, t.work, RUNNING, t.worker_task);
	t.work_next[1] = s->count;
	story_event(s, CORO_EVENT_RETURN, t.work, DONE, t.worker_task);
	story_event(s, CORO_EVENT_DONE, t.worker_task, DONE, 0);
	t.worker_done = s->count;
	story_event(s, CORO_EVENT_WAKE, t.main_task, READY, t.worker_task);
	story_event(s, CORO_EVENT_STEP, t.main_task, RUNNING, t.loop);
	t.main_step[1] = s->count;
	story_event(s, CORO_EVENT_NEXT, t.amain, RUNNING, t.main_task);
	t.main_next[1] = s->count;
	story_event(s, CORO_EVENT_RETURN, t.amain, DONE, t.main_task);
	story_event(s, CORO_EVENT_DONE, t.main_task, DONE, 0);
	t.main_done = s->count;
	story_event(s, CORO_EVENT_TURN_END, t.loop, SUSPENDED, 0);
	return t;
}
