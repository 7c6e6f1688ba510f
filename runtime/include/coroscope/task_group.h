#ifndef COROSCOPE_TASK_GROUP_H
#define COROSCOPE_TASK_GROUP_H
/*
 * task_group.h - structured concurrency: tasks that do not outlive the section they belong to.
 *
 *     struct coro_task_group *group = coro_task_group_new("pages");
 *
 *     CORO_TRY(coro_task_group_enter(group));
 *     coro_task_group_spawn(group, fetch, first, NULL);
 *     coro_task_group_spawn(group, fetch, second, NULL);
 *     coro_value result = coro_task_group_exit(group, CORO_NONE);
 *     coro_task_group_free(group);
 *     CORO_TRY(result);
 *
 *     enter ---- body, which spawns ---- exit: waits for all tasks
 *                      ^                      |
 *                      | cancelled            v
 *     a task fails: all the others are cancelled, and the body; ExceptionGroup
 *
 * Invariants
 * - After exit no task of the group runs any more.
 * - The first that fails, task or body, cancels all others, in the order of their creation. Their
 *   errors are collected in the order of completion, the body's last, and raised as one
 *   ExceptionGroup "unhandled errors in a TaskGroup". Tasks that end cancelled do not count.
 * - Cancelling the task that waits in exit cancels all of them.
 * - SystemExit and KeyboardInterrupt come out as they are.
 *
 * Ownership: the group belongs to who made it, its tasks to the group: their handles are valid as
 * long as it.
 *
 * Rules N1-N6. Manual: "Task Groups" of Python's asyncio.
 */
#include "task.h"

#ifdef __cplusplus
extern "C" {
#endif

struct coro_task_group;

/* A group that nobody has entered. `name` is for the debugger, borrowed, and may be NULL. NULL
 * when memory is out. */
#define coro_task_group_new(name) coro__task_group_new((name), CORO_SITE_HERE)
CORO_API struct coro_task_group *coro__task_group_new(const char *name, const char *site);

/* Frees it, and gives up the handles of its tasks. NULL is allowed. Tasks that still run, because
 * exit was not reached, go on without it. */
CORO_API void coro_task_group_free(struct coro_task_group *group);

/* Begins the section: the task that runs is the group's parent. None, or raised: RuntimeError
 * outside of a task, or for the second time; MemoryError: it has not begun. (rule N1) */
CORO_API coro_value coro_task_group_enter(struct coro_task_group *group);
#define coro_task_group_enter(...) CORO__CALLED((coro_task_group_enter)(__VA_ARGS__))

/* Spawns a task of the group for function(argument). `name` is copied, and may be NULL. The task
 * (coro_as_task() is its handle), or raised: RuntimeError of a group that was not entered, is
 * finished, or is being cancelled; MemoryError. (rule N1) */
#define coro_task_group_spawn(group, function, argument, name)                                     \
	coro_task_group_spawn_coroutine(                                                               \
		(group), coro_coroutine_named((function), (argument), #function, CORO_SITE_HERE), (name))

/* The same for a coroutine that exists: it is consumed in any case. (rule N1) */
CORO_API coro_value coro_task_group_spawn_coroutine(struct coro_task_group *group,
													struct coro_generator *coroutine,
													const char *name);
#define coro_task_group_spawn_coroutine(...) CORO__CALLED((coro_task_group_spawn_coroutine)(__VA_ARGS__))

/* Both in a context (context_variable.h); NULL, as above: in a copy of the current one. */
#define coro_task_group_spawn_in_context(group, function, argument, name, context)                 \
	coro_task_group_spawn_coroutine_in_context(                                                    \
		(group), coro_coroutine_named((function), (argument), #function, CORO_SITE_HERE), (name),  \
		(context))
CORO_API coro_value coro_task_group_spawn_coroutine_in_context(struct coro_task_group *group,
															   struct coro_generator *coroutine,
															   const char *name,
															   struct coro_context *context);
#define coro_task_group_spawn_coroutine_in_context(...)                                            \
	CORO__CALLED((coro_task_group_spawn_coroutine_in_context)(__VA_ARGS__))

/* Ends the section, whatever came of its body: `result`, which may be raised. Waits for the tasks.
 * `result`, or raised as told above. Waiting needs no memory; when there is none for the
 * ExceptionGroup, MemoryError is raised in its place. (rules N2-N6) */
CORO_API coro_value coro_task_group_exit(struct coro_task_group *group, coro_value result);
#define coro_task_group_exit(...) CORO__CALLED((coro_task_group_exit)(__VA_ARGS__))

#ifdef __cplusplus
}
#endif
#endif
