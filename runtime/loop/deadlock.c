/*
 * deadlock.c - who waits for whom; and what is said when they wait for each other.
 *
 * What a task waits for is a future, and many a future stands for tasks:
 *
 *     task 'a' ---> future (lock) ---> lock 'knife' ---> its owner, task 'b'
 *     task 'b' ---> task 'c'
 *     task 'c' ---> future (gather) ---> task 'a', task 'd'
 *
 * Nothing can ever happen again: a DeadlockError tells all, one task after the other, and every
 * circle among them, which a search finds, depth first:
 *
 *     deadlock: 4 tasks wait for ever
 *       'a' awaits lock 'knife', held by 'b'
 *       'b' awaits task 'c'
 *       'c' awaits gather of 'a', 'd'
 *       'd' awaits get of queue 'jobs', empty
 *       cycle: 'a' -> 'b' -> 'c' -> 'a'
 *
 * Others go on: the wait that closes a circle is the last one to begin, so that is where it is
 * looked for, along the line of tasks and owners that the one who begins to wait would then stand
 * at the end of. Where a line divides (a gather) it is not followed, for the others of it might end
 * the wait; nor through a task in a timeout, which will.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <coroscope/queue.h>
#include <coroscope/sync.h>
#include "../sync/waiters.h"
#include "../task/watch.h"

enum {
	TEXT = 4096,     /* of a message */
	NAMED = 16,      /* tasks of a message, and of a cycle */
	AWAITED = 3,     /* of those that one task waits for */
	CYCLES = 4,      /* of a message */
	FOUND = 4096,    /* tasks and futures that a search looks at */
	BRANCHES = 1024, /* of those that one future waits for */
	LONGEST = 100,   /* line that is followed when a wait begins */
};

/* ---- Whom a future waits for -------------------------------------------- */

/* Its only one; NULL: it is not known, or there are several. */
static struct coro_future *only_awaited(const struct coro_future *future)
{
	const struct coro_object *waited = future->waited;

	if (!waited)
		return NULL;
	if (waited->kind == CORO_OBJECT_LOCK)
		return (struct coro_future *)coro__lock_owner((const struct coro_lock *)waited);
	if (waited->kind == CORO_OBJECT_TASK || waited->kind == CORO_OBJECT_FUTURE)
		return (struct coro_future *)waited;
	return NULL;
}

/* All that are not done: writes at most `room`, returns how many there are. */
static size_t all_awaited(const struct coro_future *future, struct coro_future **ret, size_t room)
{
	struct coro_future *only = only_awaited(future);

	if (future->object.flags & CORO__FUTURE_GATHER)
		return coro__gather_awaited(future, ret, room);
	if (only) {
		if (room)
			ret[0] = only;
		return !coro__done(only);
	}
	if (future->waited && future->waited->kind == CORO_OBJECT_GROUP)
		return coro__group_awaited((const struct coro_task_group *)future->waited, ret, room);
	return coro__wait_awaited(future, ret, room);
}

/* ---- Words -------------------------------------------------------------- */

/* A text that grows as far as there is room. */
struct words {
	char *at;
	size_t room, length;
};

static void put(struct words *words, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct words *words, const char *format, ...)
{
	va_list arguments;
	int written;

	va_start(arguments, format);
	written = vsnprintf(words->at + words->length, words->room - words->length, format, arguments);
	va_end(arguments);
	if (written > 0)
		words->length += (size_t)written;
	if (words->length >= words->room)
		words->length = words->room - 1;
}

static void put_object(struct words *words, const struct coro_object *object)
{
	static const char *const kinds[CORO_OBJECT_LIMIT] = {
#define CORO__X(number, NAME, name) [number] = #name,
		CORO_OBJECT_KINDS(CORO__X)
#undef CORO__X
	};

	put(words, "%s ", kinds[object->kind] ? kinds[object->kind] : "object");
	if (object->name)
		put(words, "'%.60s'", object->name);
	else
		put(words, "#%llu", (unsigned long long)object->serial);
}

static const char *reason_name(unsigned reason)
{
	static const char *const names[] = {
#define CORO__X(number, NAME, name) [number] = #name,
		CORO_REASONS(CORO__X)
#undef CORO__X
	};

	return reason < CORO_REASON_LIMIT ? names[reason] : "?";
}

/* " of 'a', 'b' and 3 more" */
static void put_awaited(struct words *words, const struct coro_future *future)
{
	struct coro_future *awaited[AWAITED];
	size_t count = all_awaited(future, awaited, AWAITED);

	for (size_t i = 0; i < count && i < AWAITED; i++) {
		put(words, i ? ", " : " of ");
		if (coro__is_task(awaited[i]))
			put(words, "'%.60s'", coro_task_name((const struct coro_task *)awaited[i]));
		else
			put_object(words, &awaited[i]->object);
	}
	if (count > AWAITED)
		put(words, " and %zu more", count - AWAITED);
}

static void put_queue(struct words *words, const struct coro_future *future)
{
	const struct coro_queue *queue = (const struct coro_queue *)future->waited;

	if (all_awaited(future, NULL, 0)) {
		put(words, "as_completed");
		put_awaited(words, future);
		return;
	}
	put(words, "%s of ", reason_name(future->object.reason));
	put_object(words, future->waited);
	if (future->object.reason == CORO_REASON_QUEUE_JOIN)
		put(words, ", %zu unfinished", coro__queue_unfinished(queue));
	else if (coro_queue_empty(queue))
		put(words, ", empty");
	else if (coro_queue_full(queue))
		put(words, ", full");
}

static void put_lock(struct words *words, const struct coro_object *lock)
{
	const struct coro_task *owner = coro__lock_owner((const struct coro_lock *)lock);

	put_object(words, lock);
	if (owner)
		put(words, ", held by '%.60s'", coro_task_name(owner));
	else if (lock->state == CORO_STATE_LOCKED)
		put(words, ", held by none of them");
}

/* What a task awaits: "lock 'knife', held by 'b'". */
static void put_future(struct words *words, const struct coro_future *future)
{
	const struct coro_object *waited = future->waited;
	char cases[160];

	if (coro__is_task(future)) {
		put(words, "task '%.60s'", coro_task_name((const struct coro_task *)future));
		return;
	}
	if (future->object.reason == CORO_REASON_CHANNEL_SEND ||
		future->object.reason == CORO_REASON_CHANNEL_RECEIVE ||
		future->object.reason == CORO_REASON_SELECT) {
		coro__select_describe(future, cases, sizeof(cases));
		put(words, "%s", cases);
		return;
	}
	switch (waited ? waited->kind : 0) {
	case CORO_OBJECT_LOCK:
		put_lock(words, waited);
		return;
	case CORO_OBJECT_QUEUE:
		put_queue(words, future);
		return;
	case CORO_OBJECT_BARRIER:
		put_object(words, waited);
		put(words, ", where %zu of %zu wait",
			coro_barrier_waiting((const struct coro_barrier *)waited),
			coro_barrier_parties((const struct coro_barrier *)waited));
		return;
	case CORO_OBJECT_GROUP:
		put_object(words, waited);
		put_awaited(words, future);
		return;
	case 0:
		if (future->object.reason == CORO_REASON_NONE)
			put_object(words, &future->object);
		else
			put(words, "%s", reason_name(future->object.reason));
		put_awaited(words, future);
		return;
	default:
		/* An object that is waited for in one way has the name of that way. */
		if (future->object.reason == CORO_REASON_SHIELD ||
			future->object.reason == CORO_REASON_WAIT)
			put(words, "%s of ", reason_name(future->object.reason));
		put_object(words, waited);
		return;
	}
}

/* ---- Cycles ------------------------------------------------------------- */

enum mark { NEW, ON_PATH, DONE };

struct node {
	struct coro_future *future;
	uint32_t parent; /* index of the one before it on the path; of the first its own */
	uint8_t mark;    /* enum mark */
};

/* What is still to be done: to go to a node from its parent, or to leave it. */
struct step {
	uint32_t node, parent;
	bool leave;
};

/* A search among all that is waited for, depth first. */
struct search {
	struct node node[FOUND];
	uint32_t count;
	uint32_t slot[2 * FOUND]; /* hash table of futures: index of the node + 1; 0: none */
	struct step step[4 * FOUND];
	size_t steps;
	struct coro_future *branch[BRANCHES];
	struct words *words;
	unsigned cycles;
};

/* The node of a future; FOUND: there is no room for it. */
static uint32_t node_of(struct search *search, struct coro_future *future)
{
	uint32_t at = (uint32_t)(((uintptr_t)future >> 4) * 0x9e3779b97f4a7c15u >> 32);

	for (at %= 2 * FOUND; search->slot[at]; at = (at + 1) % (2 * FOUND))
		if (search->node[search->slot[at] - 1].future == future)
			return search->slot[at] - 1;
	if (search->count == FOUND)
		return FOUND;
	search->node[search->count] = (struct node){future, 0, NEW};
	search->slot[at] = ++search->count;
	return search->count - 1;
}

static void add_step(struct search *search, uint32_t node, uint32_t parent, bool leave)
{
	if (node < FOUND && search->steps < 4 * FOUND)
		search->step[search->steps++] = (struct step){node, parent, leave};
}

/* The path from `first` to `last`, which waits for `first`: its tasks. */
static void put_cycle(struct search *search, uint32_t first, uint32_t last)
{
	const struct coro_task *task[NAMED];
	size_t count = 0;

	if (search->cycles++ >= CYCLES)
		return;
	for (uint32_t at = last;; at = search->node[at].parent) {
		struct coro_future *future = search->node[at].future;

		if (coro__is_task(future)) {
			memmove(task + 1, task, (count < NAMED ? count : NAMED - 1) * sizeof(task[0]));
			task[0] = (const struct coro_task *)future;
			count++;
		}
		if (at == first)
			break;
	}
	if (!count)
		return;
	put(search->words, "\n  cycle: ");
	for (size_t i = 0; i < count && i < NAMED; i++)
		put(search->words, "'%.60s' -> ", coro_task_name(task[i]));
	if (count > NAMED)
		put(search->words, "%zu more -> ", count - NAMED);
	put(search->words, "'%.60s'", coro_task_name(task[0]));
}

static void enter(struct search *search, const struct step *step)
{
	struct node *node = &search->node[step->node];
	struct coro_future *future = node->future;
	size_t count;

	node->mark = ON_PATH;
	node->parent = step->parent;
	add_step(search, step->node, 0, true);
	if (coro__is_task(future)) {
		search->branch[0] = ((struct coro_task *)future)->awaited;
		count = search->branch[0] && !coro__done(search->branch[0]);
	} else {
		count = all_awaited(future, search->branch, BRANCHES);
		if (count > BRANCHES)
			count = BRANCHES;
	}
	/* What is put last is looked at first. */
	while (count--)
		add_step(search, node_of(search, search->branch[count]), step->node, false);
}

static void put_cycles(struct coro_loop *loop, struct words *words)
{
	struct search *search = calloc(1, sizeof(*search));

	if (!search)
		return;
	search->words = words;
	for (struct coro_task *task = loop->first_task; task; task = task->next_task) {
		uint32_t root = coro__done(&task->future) ? FOUND : node_of(search, &task->future);

		add_step(search, root, root, false);
		while (search->steps) {
			const struct step step = search->step[--search->steps];

			if (step.leave)
				search->node[step.node].mark = DONE;
			else if (search->node[step.node].mark == ON_PATH)
				put_cycle(search, step.node, step.parent);
			else if (search->node[step.node].mark == NEW)
				enter(search, &step);
		}
	}
	free(search);
}

/* ---- Nothing can happen any more ---------------------------------------- */

coro_value coro__loop_deadlock(struct coro_loop *loop)
{
	char text[TEXT] = "", circles[TEXT / 4] = "";
	struct words words = {text, sizeof(text) - sizeof(circles), 0};
	struct words cycles = {circles, sizeof(circles), 0};
	size_t waiting = 0;

	for (const struct coro_task *task = loop->first_task; task; task = task->next_task) {
		if (coro__done(&task->future) || ++waiting > NAMED)
			continue;
		put(&words, "\n  '%.60s' awaits ", coro_task_name(task));
		if (task->awaited)
			put_future(&words, task->awaited);
		else
			put(&words, "nothing");
	}
	if (waiting > NAMED)
		put(&words, "\n  and %zu more", waiting - NAMED);
	put_cycles(loop, &cycles);
	coro_value error =
		coro__exception_new(CORO_DeadlockError, "deadlock: %zu %s for ever%s%s", waiting,
							waiting == 1 ? "task waits" : "tasks wait", text, circles);
	coro_value raised = coro__deliver(error, 0);

	coro_drop(error);
	return raised;
}

/* ---- Others go on ------------------------------------------------------- */

/* The task at the end of what a future stands for; NULL: none, or several. */
static struct coro_task *task_behind(struct coro_future *future)
{
	for (unsigned i = 0; future && !coro__is_task(future); i++)
		future = i < LONGEST ? only_awaited(future) : NULL;
	return (struct coro_task *)future;
}

static bool will_be_ended(const struct coro_task *task)
{
	return coro__done(&task->future) || task->timeouts || !task->awaited ||
		   coro__done(task->awaited);
}

/* `first` awaits `future`, and that ends in the line of `count` tasks, which ends in `first`. */
static void report_cycle(struct coro_task *first, const struct coro_future *future,
						 struct coro_task *const *line, size_t count)
{
	struct words words = {malloc(TEXT), TEXT, 0};

	if (!words.at)
		return;
	put(&words, "'%.60s' awaits ", coro_task_name(first));
	put_future(&words, future);
	for (size_t i = 0; i < count && i < NAMED; i++) {
		put(&words, "; '%.60s' awaits ", coro_task_name(line[i]));
		put_future(&words, line[i]->awaited);
	}
	if (count > NAMED)
		put(&words, "; and %zu more", count - NAMED);
	coro__report_about(coro_object(first), CORO_REPORT_CYCLE, CORO_NONE, "%s: %s",
					   count ? "tasks wait for each other" : "a task waits for itself", words.at);
	free(words.at);
}

void coro__look_for_cycle(struct coro_task *task, struct coro_future *future)
{
	struct coro_task *line[LONGEST], *next = task_behind(future);
	size_t count = 0;

	/* To await itself is an error of its own. */
	if (task->timeouts || future == &task->future)
		return;
	for (; next != task; next = task_behind(next->awaited)) {
		if (!next || count == LONGEST || will_be_ended(next))
			return;
		line[count++] = next;
	}
	if (!coro__loop_stuck(task->future.loop))
		report_cycle(task, future, line, count);
}
