#ifndef CORO_TASK_TASKS_H
#define CORO_TASK_TASKS_H
/*
 * tasks.h - the inside of futures and tasks, for the parts of the runtime that wait.
 */
#include <coroscope/task.h>
#include "../loop/scheduler.h"

/* In object.flags of a future. */
enum {
	CORO__FUTURE_RETRIEVED = 1, /* its exception was fetched, or there is none */
	CORO__FUTURE_AWAITED = 2,   /* yielded by an await: how a task knows it from a bare yield */
	CORO__FUTURE_GATHER = 4,    /* the beginning of a struct gather */
	CORO__FUTURE_LISTED = 8,    /* on a list of waiters */
	CORO__FUTURE_REPORTED = 16, /* its exception was reported */
	CORO__FUTURE_ASKED = 32,    /* a request to cancel goes through it right now */
	CORO__FUTURE_QUIET = 64,    /* of a task: nobody need be told that it was pending at the end */
};

struct coro_future {
	struct coro_object object;
	struct coro_loop *loop;         /* borrowed; a reference is held */
	struct coro__entries callbacks; /* while pending: who is told */
	/* Done: the result. Failed: the exception, raised, kept. Cancelled: the CancelledError
	 * that a task ended with, kept, until somebody gets it; else none. */
	coro_value outcome;
	char *cancel_message; /* owned; NULL: none */
	/* What it waits for; borrowed, valid while it is pending; NULL: nothing of ours. */
	const struct coro_object *waited;
	/* The handle, each await that is suspended on it, each gather that it is a child of,
	 * and of a task that is not done, the loop. */
	uint32_t references;
	uint32_t owners; /* of the references: those of handles that the program has to free */
	void *
		mark; /* the gather that is being made of it, else NULL; and its place among the children */
	size_t mark_place;
	/* LISTED: on the waiters of one lock or queue. GATHER: on the loop's gathers. */
	struct coro_future *previous, *next;
};

struct coro_task {
	struct coro_future future;
	/* On exactly one of: ready queue (READY), callbacks of `awaited` (SUSPENDED), none. */
	struct coro__entry entry;
	struct coro_generator *body; /* owned; NULL once it is done */
	struct coro_future *awaited; /* what the last step awaited, until the next one; the frame of
									the await holds the reference */
	struct coro_future *awaits_next; /* what its coroutine has begun to await last; only to be
										compared with what comes up */
	coro_value thrown;           /* raised and kept: for the next step; none else */
	bool must_cancel;            /* CancelledError goes into the next step */
	uint16_t timeouts;           /* how many of those that it is in have a timer */
	uint32_t cancel_requests;
	char *request_message; /* owned: message of the last cancellation that was to wait in
							  must_cancel; it stays when that was delivered */
	uintptr_t await_site;  /* where its coroutine awaits */
	coro__context context; /* in which its steps run */
	struct coro_future *last_gather; /* keeps the exceptions among its last results; or NULL */
	struct coro_task *previous, *next_task; /* the loop's tasks */
	char *long_name;                        /* owned; NULL: in `name` */
	char name[24];
};

static inline bool coro__done(const struct coro_future *future)
{
	return future->object.state == CORO_STATE_DONE || future->object.state == CORO_STATE_FAILED ||
		   future->object.state == CORO_STATE_CANCELLED;
}

static inline bool coro__is_task(const struct coro_future *future)
{
	return future->object.kind == CORO_OBJECT_TASK;
}

static inline struct coro_task *coro__task_of(struct coro__entry *entry)
{
	return (struct coro_task *)((char *)entry - offsetof(struct coro_task, entry));
}

/* One of the references goes to the program, as a handle that it frees: coro_task_free(),
 * coro_future_free(). NULL of NULL. */
void *coro__own(struct coro_future *future);
/* That handle is freed. */
void coro__disown(struct coro_future *future, uintptr_t site);

/* A pending future with one reference, FUTURE_NEW emitted. `number` is the descriptor that it
 * waits for, or, of a sleep, how long, in ns; -1: none. NULL when there is no memory. */
struct coro_future *coro__future_make(struct coro_loop *loop, enum coro_reason reason,
									  const struct coro_object *object, int64_t number,
									  const char *site, uintptr_t pc);

/* The same in memory that is there: a slot that the caller has taken, and will give back. It takes it
 * down instead of releasing it; nobody else may hold it then. Both never fail. */
void coro__future_set_up(struct coro_future *future, struct coro_loop *loop,
						 enum coro_reason reason, const struct coro_object *object, int64_t number,
						 const char *site, uintptr_t pc);
void coro__future_take_down(struct coro_future *future);
/* One that only the caller holds becomes a new one, for who waits again and may not fail. */
void coro__future_renew(struct coro_future *future, enum coro_reason reason,
						const struct coro_object *object, uintptr_t pc);

/* The parts of a future that all kinds have. Its slot may be used or new: what future_done() leaves
 * behind, and zeros, need no setting. */
static inline void coro__future_init(struct coro_future *future, struct coro_loop *loop)
{
	future->loop = loop;
	loop->references++;
	coro__entries_init(&future->callbacks);
	future->outcome = CORO_NONE;
	future->references = 1;
	future->owners = 0;
	future->waited = NULL;
	future->object.flags = CORO__FUTURE_RETRIEVED;
}
void coro__future_done(struct coro_future *future);

/* The last reference was dropped: frees the future or task. */
void coro__future_end(struct coro_future *future);

/* Drops a reference. */
static inline void coro__future_release(struct coro_future *future)
{
	if (!--future->references)
		coro__future_end(future);
}

/* The rest of coro__future_await_begin(), of a future that is pending: a reference of the caller's is the
 * wait's from now on, and coro__future_await_end() drops it. */
static inline coro_value coro__future_wait(struct coro__wait *wait, struct coro_future *future,
										   uintptr_t site)
{
	struct coro_task *task = coro__current_task();

	if (CORO__LIKELY(task != NULL)) {
		task->await_site = site;
		task->awaits_next = future;
	}
	future->object.flags |= CORO__FUTURE_AWAITED;
	wait->site = site;
	wait->awaited = future;
	return coro__leave(wait, coro_object(future));
}

/* Completes a pending future that is not a task: FUTURE_SET, and its callbacks are ready.
 * The outcome is a result, or raised. `peer`: the row of who did it. */
void coro__future_complete(struct coro_future *future, coro_value outcome, uint32_t peer,
						   uintptr_t site);
/* The same for a cancellation. */
void coro__future_complete_cancelled(struct coro_future *future, const char *message, uint32_t peer,
									 uintptr_t site);

/* Puts all callbacks at the end of the ready queue; the future is done. */
void coro__future_tell(struct coro_future *future);

/* The exception of a failed or cancelled future, raised and kept once more for the caller. */
coro_value coro__future_error(struct coro_future *future);
/* The same, raised and delivered to who runs. */
coro_value coro__future_deliver_error(struct coro_future *future, uintptr_t site);

/* coro_future_result() and the others, from the place `site` in the program. */
coro_value coro__future_result(struct coro_future *future, uintptr_t site);
coro_value coro__future_exception(struct coro_future *future, uintptr_t site);
coro_value coro__future_set_exception(struct coro_future *future, coro_value exception,
									  uintptr_t site);

/* Awaits inside of the library: the result, or raised. Gives the caller's reference back. */
coro_value coro__future_await_and_free(struct coro_future *future, uintptr_t site);

/* RuntimeError: the caller cannot await, it is not in a coroutine. */
coro_value coro__cannot_await(void) __attribute__((cold));

/* None, or that. */
static inline coro_value coro__may_await(void)
{
	const struct coro_generator *body = coro__current();

	if (CORO__LIKELY(body && coro__awaits(body)))
		return CORO_NONE;
	return coro__cannot_await();
}

/* coro__suspend(), which is the switch alone when nobody looks. */
static inline coro_value coro__suspend_task(coro_value value, uintptr_t site)
{
	struct coro_generator *self = coro__active.current, *root;

	if (CORO__UNLIKELY(coro__somebody_looks()))
		return coro__suspend(value, site);
	root = self->root;
	self->object.state = CORO_STATE_SUSPENDED;
	coro__active.current = root->resumer;
	return coro__switch(&self->sp, root->resumer_sp, value);
}

/* coro_spawn(), from the place `call` in the program. */
struct coro_task *coro__spawn_at(coro_function *fn, coro_value arg, const char *function,
								 const char *name, const char *site, uintptr_t call);

/* coro_gather(), coro_gather_future() and what queues offer, likewise. */
coro_value coro__gather_at(const coro_value *awaitables, size_t count, bool return_exceptions,
						   coro_value *ret_values, const char *site, uintptr_t call);
struct coro_future *coro__gather_future_at(const coro_value *awaitables, size_t count,
										   bool return_exceptions, const char *site,
										   uintptr_t call);
struct coro_queue;
struct coro_queue *coro__queue_new_at(size_t capacity, const char *name, const char *site,
									  uintptr_t call);
bool coro__queue_is_waited_for(const struct coro_queue *queue);
void coro__queue_free_at(struct coro_queue *queue, uintptr_t call);
/* So many items will find room. False: memory is out. */
bool coro__queue_reserve(struct coro_queue *queue, size_t items);
coro_value coro__queue_get_at(struct coro_queue *queue, uintptr_t call);
coro_value coro__queue_put_nowait_at(struct coro_queue *queue, coro_value item, uintptr_t call);

/* Entering and leaving sections, likewise. */
struct coro_timeout;
coro_value coro__timeout_enter_at(struct coro_timeout *timeout, uintptr_t call);
coro_value coro__timeout_exit_at(struct coro_timeout *timeout, coro_value result, uintptr_t call);
struct coro_task_group;
coro_value coro__task_group_enter_at(struct coro_task_group *group, uintptr_t call);
coro_value coro__task_group_exit_at(struct coro_task_group *group, coro_value result,
									uintptr_t call);

/* "receive of 'jobs'": what a pending future waits for whose reason is a channel's or a select. */
void coro__select_describe(const struct coro_future *future, char *text, size_t size);

/* Any step of a task; and how the loop knows the entry of one: the turn then does coro__task_run()
 * itself. */
void coro__task_step(struct coro_loop *loop, struct coro__entry *entry);

/* coro_future_add_done_callback(); in a context, NULL: in a copy of the current one. */
coro_value coro__future_add_done_callback(struct coro_future *future, coro_function *function,
										  coro_value argument, struct coro_context *context,
										  uintptr_t site);

/* The step of a task, as far as it is not in coro__task_run(). */
void coro__task_yielded(struct coro_task *task, coro_value value);
void coro__task_cancel_awaited(struct coro_task *task);
void coro__task_finished(struct coro_task *task, enum coro__outcome outcome, coro_value value);

/* Reports the tasks that are not done: the loop ends without them. */
void coro__tasks_report(struct coro_loop *loop);

/* Closes the coroutines of tasks that are not done; and frees all tasks. */
void coro__tasks_close(struct coro_loop *loop);
/* The same of the task that waits for a future of such a loop: nothing else would ever run it. */
void coro__tasks_close_awaiting(const struct coro_future *future);
void coro__tasks_done(struct coro_loop *loop);

/* A coroutine, task or future as a future with a reference for the caller; a coroutine
 * becomes a task. Else raised in *ret_error: TypeError; ValueError of a future of another loop. NULL
 * for the loop: the current one, and futures of all are fine. */
struct coro_future *coro__ensure_future(struct coro_loop *loop, coro_value awaitable,
										coro_value *ret_error, uintptr_t site);

/* Whoever is handed awaitables takes the coroutines among them, also when it fails: gives up those of
 * `awaitables[from .. count)` that are not taken yet. */
void coro__discard(const coro_value *awaitables, size_t from, size_t count);
/* The first of the awaitables that is the coroutine at `index`: several are one task. `index` of
 * all others. `site` is the place in the program that asks. */
size_t coro__same_coroutine(const coro_value *awaitables, size_t index, uintptr_t site);

/* coro_future_cancel() and coro_task_cancel(), from the place `site` in the program; 0: not known. */
bool coro__future_cancel(struct coro_future *future, const char *message, uintptr_t site);

/* Where a request to cancel stands that goes through a gather (cancel.c). */
struct coro__asking {
	struct coro_future *gather;     /* the one that it came through before; NULL: none */
	struct coro_task *first, *last; /* the line of tasks that ends at this gather; NULL: none */
	size_t next;                    /* argument to ask */
	bool asked;                     /* one of those before could be cancelled */
};

/* Of the struct gather that the future begins. */
struct coro__asking *coro__gather_asking(struct coro_future *future);
/* NULL: there are no more. */
struct coro_future *coro__gather_argument(struct coro_future *future, size_t index);
/* The cancellation of its children was asked for: its own outcome is that. */
void coro__gather_cancelling(struct coro_future *future);
void coro__gather_free(struct coro_future *future);

/* A child of a gather is done; or never will be, because the loop ends. */
void coro__gather_child_run(struct coro_loop *loop, struct coro__entry *entry);
void coro__gather_child_drop(struct coro__entry *entry);
/* No child of any gather will be done any more. */
void coro__gathers_done(struct coro_loop *loop);

/* coro_check() of a gather, in its two rounds. */
void coro__gather_check(const struct coro_future *outer);
void coro__gather_check_counts(const struct coro_future *outer);

/* Whose end is waited for, of those that are not done: the children of a gather; the tasks of a
 * group; what a coro_wait() was given, or the as_completed whose queue it is that `waiter` waits for.
 * They write at most `room`, and return how many there are. */
struct coro_task_group;
size_t coro__gather_awaited(const struct coro_future *outer, struct coro_future **ret, size_t room);
size_t coro__group_awaited(const struct coro_task_group *group, struct coro_future **ret,
						   size_t room);
/* The task whose section the group is; NULL: nobody has begun it. */
const struct coro_object *coro__group_owner(const struct coro_task_group *group);
/* The timeout that a timer is for; NULL: it is for something else. */
const struct coro_object *coro__timeout_of(const struct coro__callback *timer);
size_t coro__wait_awaited(const struct coro_future *waiter, struct coro_future **ret, size_t room);

/* The task begins to wait for `future`: reports the circle that this closes, if there is one and
 * others go on. */
void coro__look_for_cycle(struct coro_task *task, struct coro_future *future);

/* The last reference is gone. The other does it if nothing of the task is left to be freed. */
void coro__task_free(struct coro_task *task);
bool coro__task_free_bare(struct coro_task *task);

/* A task with one reference for the caller. `body` is consumed. NULL when there is no memory. In a
 * context; NULL, and without one: in a copy of the current one. */
struct coro_task *coro__task_new(struct coro_loop *loop, struct coro_generator *body,
								 const char *name, const char *site, uintptr_t pc);
struct coro_task *coro__task_new_in(struct coro_loop *loop, struct coro_generator *body,
									const char *name, const char *site, uintptr_t pc,
									struct coro_context *context);

/* ---- A step ------------------------------------------------------------ */

/* The task waits until `future` is done. */
static inline void coro__task_wait_on(struct coro_task *task, struct coro_future *future)
{
	future->object.flags &= (uint8_t)~CORO__FUTURE_AWAITED;
	task->awaited = future;
	task->future.object.waits_on = future->object.row;
	task->future.object.reason = future->object.reason;
	coro_probe_event(&task->future.object, CORO_EVENT_AWAIT, CORO_STATE_SUSPENDED,
					 future->object.row, task->await_site, NULL);
	coro__entries_add(&future->callbacks, &task->entry);
	if (CORO__UNLIKELY(task->must_cancel))
		coro__task_cancel_awaited(task);
}

/* The await of a future of this loop, which is not the task itself: what a task waits for. */
static inline bool coro__task_may_wait_on(const struct coro_task *task, coro_value value)
{
	const struct coro_future *future = task->awaits_next;

	return coro_kind(value) == CORO_VALUE_OBJECT && value.pointer == future &&
		   future->object.flags & CORO__FUTURE_AWAITED && future->loop == task->future.loop &&
		   future != &task->future;
}

/* The task goes to the end of the ready queue: it gave way. */
static inline void coro__task_give_way(struct coro_task *task)
{
	struct coro_object *object = &task->future.object;

	coro_probe_event(object, CORO_EVENT_READY, CORO_STATE_READY, object->row, 0, NULL);
	coro__ready(task->future.loop, &task->entry);
}

/* Runs one step of the task. The plain one, which nobody looks at and in which nothing is raised,
 * stands in the turn itself, so that no function returns between the switch to one coroutine and the
 * switch to the next: the processor predicts a return by the last call, and a switch in between
 * makes it wrong each time. */
static inline void coro__task_run(struct coro_task *task)
{
	struct coro_generator *body = task->body, *leaf;
	coro_value value;

	if (CORO__UNLIKELY(task->must_cancel || !coro_is_none(task->thrown) ||
					   (task->awaited && task->awaited->object.state != CORO_STATE_DONE) ||
					   !(leaf = coro__step_down(body, true)))) {
		coro__task_step(task->future.loop, &task->entry);
		return;
	}
	if (task->awaited) {
		task->awaited = NULL;
		task->future.object.waits_on = 0;
		task->future.object.reason = CORO_REASON_NONE;
	}
	task->future.object.state = CORO_STATE_RUNNING;
	value = coro__switch(&body->resumer_sp, leaf->sp, CORO_NONE);
	if (CORO__UNLIKELY(coro_raised(value) || body->flags & CORO__BODY_RETURNED))
		coro__task_finished(task, coro_raised(value) ? CORO__FAILED : CORO__RETURNED, value);
	else if (coro_is_none(value))
		coro__task_give_way(task);
	else if (CORO__LIKELY(coro__task_may_wait_on(task, value)))
		coro__task_wait_on(task, task->awaits_next);
	else
		coro__task_yielded(task, value);
}

#endif
