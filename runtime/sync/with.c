/*
 * with.c - the ends of sections: what with.h offers, and the managers that come with it.
 *
 * A block is a loop variable with a cleanup. There are three ways to its exit:
 *
 *     coro__with_next    enter; the body; exit(None)          the block ended, or `break`
 *     coro__with_leave   exit(result), and that of the blocks around it, inside out
 *                                                             CORO_TRY, CORO_RETURN
 *     coro__with_end     exit(None), unless that was done     the scope ends: `return`, `goto`
 *
 * The first one to come marks the block as left, and the others find it so.
 */
#include <coroscope/async_generator.h>
#include <coroscope/with.h>
#include "waiters.h"

/* Where in the program the section stands whose enter or exit is called: for those below, which
 * read it first of all. */
static __thread uintptr_t section_site;

/* ---- Sections ---------------------------------------------------------- */

static coro_value enter(const struct coro_context_manager *manager, uintptr_t site)
{
	section_site = site;
	return manager->enter(manager->object);
}

/* What goes on after the exit: `result`, or what that raised. *ret_swallowed: `result` was raised,
 * and does not. */
static coro_value leave(const struct coro_context_manager *manager, coro_value result,
						bool *ret_swallowed, uintptr_t site)
{
	coro_value answer, before = CORO_NONE;

	*ret_swallowed = false;
	section_site = site;
	if (!coro_raised(result)) {
		answer = manager->exit(manager->object, CORO_NONE);
		return coro_raised(answer) ? answer : result;
	}
	coro_keep(result);
	before = coro_keep(coro_handling(coro_caught(result)));
	answer = manager->exit(manager->object, result);
	*ret_swallowed = !coro_raised(answer) && coro_truth(answer);
	if (*ret_swallowed)
		coro_handling(before.pointer == result.pointer ? CORO_NONE : before);
	else
		answer = coro__deliver(coro_raised(answer) ? answer : result, site);
	coro_drop(before);
	coro_drop(result);
	return answer;
}

static coro_value call(const struct coro_context_manager *manager, coro_function *body,
					   coro_value argument, uintptr_t site)
{
	coro_value result = enter(manager, site);
	bool swallowed;

	if (coro_raised(result))
		return result;
	result = leave(manager, body(argument), &swallowed, site);
	return swallowed ? CORO_NONE : result;
}

coro_value(coro_with)(struct coro_context_manager manager, coro_function *body, coro_value argument)
{
	return call(&manager, body, argument, CORO__SITE);
}

coro_value(coro_async_with)(struct coro_async_context_manager manager, coro_function *body,
							coro_value argument)
{
	const struct coro_context_manager same = {manager.enter, manager.exit, manager.object};

	return call(&same, body, argument, CORO__SITE);
}

/* ---- Blocks ------------------------------------------------------------ */

/* Its exit, unless that was done. */
static coro_value leave_block(struct coro__with *block, coro_value result, uintptr_t site)
{
	coro_value before = result;
	bool swallowed;

	if (block->state != CORO__WITH_INSIDE)
		return result;
	block->state = CORO__WITH_LEFT;
	coro_keep(before);
	result = leave(&block->manager, result, &swallowed, site);
	if (swallowed)
		result = coro_raise_from(
			coro__raise_at(site, CORO_RuntimeError,
						   "a block cannot go on after its exit has swallowed %s: use coro_with()",
						   coro_exception_type(before)->name),
			coro_caught(before));
	coro_drop(before);
	return result;
}

coro_value coro__with_next(struct coro__with *block)
{
	coro_value result;

	if (block->state != CORO__WITH_CREATED)
		return leave_block(block, CORO_NONE, CORO__SITE);
	block->state = CORO__WITH_LEFT;
	result = enter(&block->manager, CORO__SITE);
	if (!coro_raised(result))
		block->state = CORO__WITH_INSIDE;
	return result;
}

coro_value coro__with_leave(struct coro__with *block, coro_value result)
{
	for (; block; block = block->outer)
		result = leave_block(block, result, CORO__SITE);
	return result;
}

void coro__with_end(struct coro__with *block)
{
	coro_value result = leave_block(block, CORO_NONE, CORO__SITE);

	if (coro_raised(result))
		coro__report(CORO_REPORT_UNRAISABLE, coro_caught(result),
					 "Exception ignored in: exit of a block that was left by return");
}

/* ---- The managers that come with it ------------------------------------ */

/* What an exit answers that gave `result` for `raised`. */
static coro_value answer(coro_value result, coro_value raised)
{
	return coro_raised(result) && result.pointer != raised.pointer ? result : CORO_NONE;
}

static coro_value lock_enter(void *lock)
{
	return coro__lock_acquire_at(coro__check(lock, CORO_OBJECT_LOCK, section_site), section_site);
}

static coro_value lock_exit(void *lock, coro_value raised)
{
	return coro__lock_release_at(coro__check(lock, CORO_OBJECT_LOCK, section_site), section_site);
}

struct coro_async_context_manager coro_lock_manager(struct coro_lock *lock)
{
	return (struct coro_async_context_manager){lock_enter, lock_exit, lock};
}

struct coro_async_context_manager coro_condition_manager(struct coro_condition *condition)
{
	CORO__CHECK(condition, CORO_OBJECT_CONDITION);
	return coro_lock_manager(coro__handle(coro__condition_lock(condition, CORO__CALLER)));
}

static coro_value semaphore_enter(void *semaphore)
{
	return coro__semaphore_acquire_at(coro__check(semaphore, CORO_OBJECT_SEMAPHORE, section_site),
									  section_site);
}

static coro_value semaphore_exit(void *semaphore, coro_value raised)
{
	return coro__semaphore_release_at(coro__check(semaphore, CORO_OBJECT_SEMAPHORE, section_site),
									  section_site);
}

struct coro_async_context_manager coro_semaphore_manager(struct coro_semaphore *semaphore)
{
	return (struct coro_async_context_manager){semaphore_enter, semaphore_exit, semaphore};
}

static coro_value timeout_enter(void *timeout)
{
	return coro__timeout_enter_at(timeout, section_site);
}

static coro_value timeout_exit(void *timeout, coro_value raised)
{
	return answer(coro__timeout_exit_at(timeout, raised, section_site), raised);
}

struct coro_async_context_manager coro_timeout_manager(struct coro_timeout *timeout)
{
	return (struct coro_async_context_manager){timeout_enter, timeout_exit, timeout};
}

static coro_value group_enter(void *group)
{
	return coro__task_group_enter_at(coro__check(group, CORO_OBJECT_GROUP, section_site),
									 section_site);
}

static coro_value group_exit(void *group, coro_value raised)
{
	return answer(coro__task_group_exit_at(coro__check(group, CORO_OBJECT_GROUP, section_site),
										   raised, section_site),
				  raised);
}

struct coro_async_context_manager coro_task_group_manager(struct coro_task_group *group)
{
	return (struct coro_async_context_manager){group_enter, group_exit, group};
}

static coro_value nothing(void *object)
{
	return CORO_NONE;
}

static coro_value close_generator(void *generator, coro_value raised)
{
	return answer(coro__close_at(coro__check_body(generator, section_site), section_site),
				  CORO_NONE);
}

struct coro_context_manager coro_closing(struct coro_generator *generator)
{
	return (struct coro_context_manager){nothing, close_generator, generator};
}

static coro_value aclose_generator(void *generator, coro_value raised)
{
	return coro__aclose_at(generator, section_site);
}

struct coro_async_context_manager coro_aclosing(struct coro_generator *generator)
{
	return (struct coro_async_context_manager){nothing, aclose_generator, generator};
}
