/*
 * group.c - task groups: asyncio's TaskGroup, decision for decision.
 *
 *     group     parent task, members, errors
 *     members   task -> task -> task      in the order of their creation; each is watched,
 *                                         and leaves when its turn of being done has come
 *
 * A member that fails while the parent is in the body cancels the parent too, and exit takes that
 * request back. `aborting` keeps it to once.
 */
#include <stdlib.h>
#include <coroscope/task_group.h>
#include "watch.h"

struct member {
	struct coro__watch watch;
	struct coro_task_group *group; /* NULL: it is gone */
	struct coro_task *task;        /* a reference */
	bool running;                  /* counts as a task of the group */
	struct member *next;
};

struct coro_task_group {
	struct coro_object object;
	struct coro_task *parent;    /* borrowed: it is in the section */
	struct member *first, *last; /* all that were spawned */
	size_t members;              /* how many */
	size_t running;              /* of them */
	bool entered, exiting, aborting;
	bool parent_cancel_requested; /* by us: exit takes it back */
	bool waiting;                 /* exit awaits `completed` */
	/* A slot, from enter on, because to wait for all must not fail; a future while it is waited
	 * for. */
	struct coro_future *completed;
	coro_value base_error; /* kept; or None */
	coro_value *errors;    /* owned; each kept; room for one of each member and the body's */
	size_t error_count, error_room;
};

/* ---- Life --------------------------------------------------------------- */

struct coro_task_group *coro__task_group_new(const char *name, const char *site)
{
	struct coro_task_group *group = coro__slot_take_clear(CORO_OBJECT_GROUP, sizeof(*group));

	if (!group)
		return NULL;
	group->base_error = CORO_NONE;
	coro_probe_object_init(&group->object, CORO_OBJECT_GROUP, name, site);
	group->object.parent = coro__actor_row();
	coro_probe_event(&group->object, CORO_EVENT_CREATE, CORO_STATE_OPEN, group->object.parent,
					 CORO__SITE, NULL);
	return coro__handle(group);
}

/* Room for an error of each member and of the body, before there are any. */
static bool make_room(struct coro_task_group *group, size_t members)
{
	size_t room = group->error_room ? 2 * group->error_room : 8;
	coro_value *errors;

	if (members < group->error_room)
		return true;
	errors = realloc(group->errors, room * sizeof(*errors));
	if (!errors)
		return false;
	group->errors = errors;
	group->error_room = room;
	return true;
}

static void drop_errors(struct coro_task_group *group)
{
	while (group->error_count)
		coro_drop(group->errors[--group->error_count]);
	coro_drop(group->base_error);
	group->base_error = CORO_NONE;
}

void coro_task_group_free(struct coro_task_group *group)
{
	if (!group)
		return;
	CORO__CHECK(group, CORO_OBJECT_GROUP);
	if (group->waiting)
		coro__misused(&group->object, "is freed while a task waits for it", CORO__CALLER);
	while (group->first) {
		struct member *member = group->first;

		group->first = member->next;
		member->group = NULL;
		/* A task's handle ends with its loop. */
		if (!member->watch.ended) {
			coro__watch_remove(&member->watch);
			coro__future_release(&member->task->future);
		}
		coro__watch_release(&member->watch);
	}
	drop_errors(group);
	free(group->errors);
	if (group->completed)
		coro__slot_give(CORO_OBJECT_FUTURE, group->completed);
	coro_probe_event(&group->object, CORO_EVENT_DESTROY, CORO_STATE_NONE, 0, 0, NULL);
	coro_probe_object_done(&group->object);
	coro__slot_give(CORO_OBJECT_GROUP, group);
}

coro_value coro__task_group_enter_at(struct coro_task_group *group, uintptr_t site)
{
	const struct coro_loop *loop;

	if (group->entered)
		return coro__raise_at(site, CORO_RuntimeError,
							  "TaskGroup <TaskGroup> has already been entered");
	loop = coro__loops.running;
	if (!loop || !loop->running)
		return coro__raise_at(site, CORO_RuntimeError, "no running event loop");
	group->parent = coro__current_task();
	if (!group->parent)
		return coro__raise_at(site, CORO_RuntimeError,
							  "TaskGroup <TaskGroup> cannot determine the parent task");
	if (!group->completed)
		group->completed = coro__slot_take(CORO_OBJECT_FUTURE, sizeof(*group->completed));
	if (!group->completed || !make_room(group, 0))
		return coro__raise_at(site, CORO_MemoryError, "out of memory");
	coro_probe_event(&group->object, CORO_EVENT_GROUP_ENTER, group->object.state,
					 group->parent->future.object.row, site, NULL);
	group->entered = true;
	return CORO_NONE;
}

coro_value(coro_task_group_enter)(struct coro_task_group *group)
{
	CORO__CHECK(group, CORO_OBJECT_GROUP);
	return coro__task_group_enter_at(group, CORO__SITE);
}

/* ---- Members ------------------------------------------------------------ */

static bool is_base_error(coro_value error)
{
	return coro_is(error, CORO_SystemExit) || coro_is(error, CORO_KeyboardInterrupt);
}

static void abort_all(struct coro_task_group *group, uint32_t cause)
{
	group->aborting = true;
	coro_probe_event(&group->object, CORO_EVENT_GROUP_ABORT, CORO_STATE_CLOSED, cause, 0, NULL);
	for (struct member *member = group->first; member; member = member->next)
		if (member->running && !coro__done(&member->task->future))
			coro__future_cancel(&member->task->future, NULL, 0);
}

static void add_error(struct coro_task_group *group, coro_value error)
{
	group->errors[group->error_count++] = coro_keep(coro_caught(error));
}

static void set_base_error(struct coro_task_group *group, coro_value error)
{
	if (is_base_error(error) && coro_is_none(group->base_error))
		group->base_error = coro_keep(coro_caught(error));
}

static void member_is_done(struct coro__watch *watch, struct coro_future *future)
{
	struct member *member = (struct member *)watch;
	struct coro_task_group *group = member->group;

	if (!group)
		return;
	member->running = false;
	group->running--;
	coro_probe_event(&group->object, CORO_EVENT_GROUP_DONE, group->object.state, future->object.row,
					 0, NULL);
	if (group->waiting && !group->running && !coro__done(group->completed))
		coro__future_complete(group->completed, coro_bool(true), future->object.row, 0);
	if (future->object.state != CORO_STATE_FAILED)
		return;
	future->object.flags |= CORO__FUTURE_RETRIEVED;
	add_error(group, future->outcome);
	set_base_error(group, future->outcome);
	if (coro__done(&group->parent->future)) {
		coro__report_about(
			coro_object(future), CORO_REPORT_UNCAUGHT, coro_caught(future->outcome),
			"Task '%s' has errored out but its parent task '%s' is already completed",
			coro_task_name(member->task), coro_task_name(group->parent));
		return;
	}
	if (!group->aborting && !group->parent_cancel_requested) {
		abort_all(group, future->object.row);
		group->parent_cancel_requested = true;
		coro__future_cancel(&group->parent->future, NULL, 0);
	}
}

static const char *refusal(const struct coro_task_group *group)
{
	if (!group->entered)
		return "has not been entered";
	if (group->exiting && !group->running)
		return "is finished";
	return group->aborting ? "is shutting down" : NULL;
}

static coro_value spawn(struct coro_task_group *group, struct coro_generator *body,
						const char *name, struct coro_context *context, uintptr_t site)
{
	struct coro_loop *loop = coro__loop_need("coro_task_group_spawn", site);
	struct member *member;
	const char *why;

	group = coro__check(group, CORO_OBJECT_GROUP, site);
	if (!body)
		return coro__raise_at(site, CORO_MemoryError, "out of memory");
	body = coro__check_body(body, site);
	CORO_TRY(coro__consume(body));
	why = refusal(group);
	if (why) {
		coro__release(body);
		return coro__raise_at(site, CORO_RuntimeError, "TaskGroup <TaskGroup> %s", why);
	}
	member = make_room(group, group->members + 1)
				 ? coro__watch_new(loop, sizeof(*member), 1, member_is_done, NULL)
				 : NULL;
	if (member)
		member->task =
			coro__task_new_in(loop, body, name, body->object.creation_site, site, context);
	if (!member || !member->task) {
		if (member)
			coro__watch_release(&member->watch);
		coro__release(body);
		return coro__raise_at(site, CORO_MemoryError, "out of memory");
	}
	member->group = group;
	member->running = true;
	group->members++;
	group->running++;
	if (group->last)
		group->last->next = member;
	else
		group->first = member;
	group->last = member;
	coro_probe_event(&group->object, CORO_EVENT_GROUP_ADD, group->object.state,
					 member->task->future.object.row, site, NULL);
	if (coro__done(&member->task->future))
		member_is_done(&member->watch, &member->task->future);
	else
		coro__watch_add(&member->watch, &member->task->future);
	return coro_object(member->task);
}

coro_value(coro_task_group_spawn_coroutine)(struct coro_task_group *group,
											struct coro_generator *body, const char *name)
{
	return spawn(group, body, name, NULL, CORO__SITE);
}

coro_value(coro_task_group_spawn_coroutine_in_context)(struct coro_task_group *group,
													   struct coro_generator *body,
													   const char *name,
													   struct coro_context *context)
{
	CORO__CHECK_UNLESS_NULL(context, CORO__SLOT_CONTEXT);
	return spawn(group, body, name, context, CORO__SITE);
}

const struct coro_object *coro__group_owner(const struct coro_task_group *group)
{
	return group->entered && group->parent ? &group->parent->future.object : NULL;
}

size_t coro__group_awaited(const struct coro_task_group *group, struct coro_future **ret,
						   size_t room)
{
	size_t count = 0;

	for (const struct member *member = group->first; member; member = member->next) {
		if (!member->running)
			continue;
		if (count < room)
			ret[count] = &member->task->future;
		count++;
	}
	return count;
}

/* ---- The end ------------------------------------------------------------ */

/* Waits until no task is left. The CancelledError that came meanwhile from outside goes to
 * *cancelled, kept. None, or raised: something else. */
static coro_value wait_for_all(struct coro_task_group *group, coro_value *cancelled,
							   coro_value handling, uintptr_t site)
{
	struct coro_loop *loop = coro__loop_need("coro_task_group_exit", site);

	while (group->running) {
		coro_value result;

		coro__future_set_up(group->completed, loop, CORO_REASON_WAIT, &group->object, -1, NULL,
							site);
		group->waiting = true;
		result = coro__future_await(group->completed, site);
		group->waiting = false;
		coro__future_take_down(group->completed);
		if (!coro_raised(result))
			continue;
		if (!coro_is(result, CORO_CancelledError))
			return result;
		coro_handling(handling);
		if (group->aborting)
			continue;
		coro_drop(*cancelled);
		*cancelled = coro_keep(result);
		abort_all(group, group->parent->future.object.row);
	}
	return CORO_NONE;
}

static coro_value end(struct coro_task_group *group, coro_value result, coro_value *cancelled,
					  uintptr_t site)
{
	coro_value raised;

	if (!coro_is_none(group->base_error))
		return coro_raise_again(group->base_error);
	if (group->parent_cancel_requested && !coro_task_uncancel(group->parent)) {
		coro_drop(*cancelled);
		*cancelled = CORO_NONE;
	}
	if (coro_raised(*cancelled) && !group->error_count)
		return coro_raise_again(*cancelled);
	if (coro_raised(result) && !coro_is(result, CORO_CancelledError))
		add_error(group, result);
	if (!group->error_count)
		return result;
	if (coro_task_cancelling(group->parent)) {
		coro_task_uncancel(group->parent);
		coro__future_cancel(&group->parent->future, NULL, 0);
	}
	raised = coro__raise_group_at(0, "unhandled errors in a TaskGroup", group->errors,
								  group->error_count);
	return coro_raise_from(raised, CORO_NONE);
}

coro_value coro__task_group_exit_at(struct coro_task_group *group, coro_value result,
									uintptr_t site)
{
	coro_value cancelled = CORO_NONE, outcome;
	struct coro__inside inside;

	if (!group->entered)
		return coro__raise_at(site, CORO_RuntimeError,
							  "TaskGroup <TaskGroup> has not been entered");
	inside = coro__inside_begin();
	coro_keep(result);
	group->exiting = true;
	if (coro_raised(result)) {
		set_base_error(group, result);
		if (coro_is(result, CORO_CancelledError))
			cancelled = coro_keep(result);
		if (!group->aborting)
			abort_all(group, group->parent->future.object.row);
	}
	/* Cancelling them is a thing for the loop, which has ended: that is told, instead of waiting.
	 */
	if (group->running && group->parent->future.loop->ending)
		outcome = coro__raise_at(site, CORO_RuntimeError, "Event loop is closed");
	else
		outcome = wait_for_all(group, &cancelled, inside.handling, site);
	if (!coro_raised(outcome))
		outcome = end(group, result, &cancelled, site);
	coro__deliver(coro__inside_end(inside, outcome), site);
	drop_errors(group);
	coro_drop(cancelled);
	coro_drop(result);
	return outcome;
}

coro_value(coro_task_group_exit)(struct coro_task_group *group, coro_value result)
{
	CORO__CHECK(group, CORO_OBJECT_GROUP);
	return coro__task_group_exit_at(group, result, CORO__SITE);
}
