#ifndef COROSCOPE_TASK_H
#define COROSCOPE_TASK_H
/*
 * task.h - coroutines that run side by side.
 *
 * A task drives one coroutine. Each step runs it until it awaits something that is not
 * done; then the task is suspended until that is. A task is itself a future: done when
 * its coroutine returns, with what it returned.
 *
 *     struct coro_task *reader = coro_spawn(read_all, coro_ptr(stream), "reader");
 *     ...
 *     coro_value text = CORO_TRY(coro_await(reader));
 *     coro_task_free(reader);
 *
 *                     first await          await done
 *     created -> ready -> running -> suspended -> ready -> running ...
 *                            |
 *                            +-> done | failed | cancelled
 *
 * Cancelling (rules K1-K6) is a request. coro_task_cancel raises CancelledError at the
 * task's await, in the loop's next turn; the coroutine cleans up, awaiting as it needs,
 * and lets the error through. It may also catch it and go on; then coro_task_cancelling
 * tells that somebody asked, until coro_task_uncancel. A task that waits for another
 * task or a gather passes the request on to it.
 *
 * Invariants
 * - Spawning runs nothing: the first step is in the next turn, in the order of spawning.
 * - A task waits for at most one future at a time.
 * - Each exception of a task is either fetched (by awaiting it or by asking) or
 *   reported when the task is freed.
 *
 * Ownership: a task belongs to who spawned it. coro_task_free gives up the handle: a
 * task that is not done goes on, and is freed when it is. Handles that were not freed
 * end with the loop, so in a program that ends with its main task nothing leaks; a
 * server frees its handles, at the latest when it forgets them. Other handles of the
 * same task (coro_task_current(), coro_all_tasks(), a group's) are borrowed: freeing them ends
 * the program, as does freeing twice.
 *
 * Rules T1-T7, K1-K6, W1. Manual: "Coroutines and Tasks" of Python's asyncio.
 */
#include <stdbool.h>
#include <stddef.h>
#include "future.h"

#ifdef __cplusplus
extern "C" {
#endif

struct coro_loop;
struct coro_task;

/* ---- Spawning (rules T1-T3) --------------------------------------------- */

/* Spawns a task of the current loop for a new coroutine `fn(arg)`. `name` is copied (without memory
 * for a long one: its first 23 bytes), and NULL becomes "Task-1", "Task-2" ...
 * Returns NULL when memory is out. (asyncio.create_task, rule T1) */
#define coro_spawn(fn, arg, name) coro__spawn((fn), (arg), #fn, (name), CORO_SITE_HERE)
CORO_API struct coro_task *coro__spawn(coro_function *fn, coro_value arg, const char *function,
									   const char *name, const char *site);

/* The same for a coroutine that exists, and is consumed, also when memory is out. NULL of NULL.
 * (asyncio.create_task, rule T1) */
#define coro_spawn_coroutine(coroutine, name)                                                      \
	coro__spawn_coroutine((coroutine), (name), CORO_SITE_HERE)
CORO_API struct coro_task *coro__spawn_coroutine(struct coro_generator *coroutine, const char *name,
												 const char *site);

/* Both in a context (context_variable.h); NULL, as above: in a copy of the current one. */
#define coro_spawn_in_context(fn, arg, name, context)                                              \
	coro__spawn_in_context((fn), (arg), #fn, (name), (context), CORO_SITE_HERE)
CORO_API struct coro_task *coro__spawn_in_context(coro_function *fn, coro_value arg,
												  const char *function, const char *name,
												  struct coro_context *context, const char *site);
#define coro_spawn_coroutine_in_context(coroutine, name, context)                                  \
	coro__spawn_coroutine_in_context((coroutine), (name), (context), CORO_SITE_HERE)
CORO_API struct coro_task *coro__spawn_coroutine_in_context(struct coro_generator *coroutine,
															const char *name,
															struct coro_context *context,
															const char *site);

/* Gives up the handle; NULL is allowed. An exception that nobody fetched is reported when the task
 * is freed. (rule T6) */
CORO_API void coro_task_free(struct coro_task *task);

/* The task that is running on this thread, or NULL. Borrowed. (asyncio.current_task) */
CORO_API struct coro_task *coro_task_current(void);

/* The tasks of `loop` that are not done, in creation order, borrowed. Returns how many there
 * are, and writes up to `room`. (asyncio.all_tasks) */
CORO_API size_t coro_all_tasks(const struct coro_loop *loop, struct coro_task **ret_tasks,
							   size_t room);

/* ---- Looking at tasks (rules T5, T6) ------------------------------------ */

/* The task that a value holds, as coro_task_group_spawn() gives it. Ends the program when the value is
 * something else, or the task was freed. */
CORO_API struct coro_task *coro_as_task(coro_value value);

/* The task as the future that it is: the same handle. coro_object(task) is the value of it. */
CORO_API struct coro_future *coro_task_future(struct coro_task *task);

/* task.get_name(): borrowed, until the name is set anew. */
CORO_API const char *coro_task_name(const struct coro_task *task);
/* task.set_name(name): it is copied, as coro_spawn() does. */
CORO_API void coro_task_set_name(struct coro_task *task, const char *name);

/* The context that it runs in. Yours: coro_context_free(). NULL when memory is out.
 * (Task.get_context) */
CORO_API struct coro_context *coro_task_context(struct coro_task *task);

/* As coro_future_done(), coro_future_cancelled(), coro_future_result() and
 * coro_future_exception(). */
CORO_API bool coro_task_done(const struct coro_task *task);
CORO_API bool coro_task_cancelled(const struct coro_task *task);
CORO_API coro_value coro_task_result(struct coro_task *task);
CORO_API coro_value coro_task_exception(struct coro_task *task);

/* Called when the task is done, through the ready queue. What it raises goes to the report
 * handler. None, or raised MemoryError: then it will not be called. (rules F2, L5) */
CORO_API coro_value coro_task_add_done_callback(struct coro_task *task, coro_function *callback,
												coro_value arg);
#define coro_task_add_done_callback(...) CORO__CALLED((coro_task_add_done_callback)(__VA_ARGS__))
/* The same in a context (context_variable.h); NULL, as above: in a copy of the current one. (rule F2,
 * PEP 567) */
CORO_API coro_value coro_task_add_done_callback_in_context(struct coro_task *task,
														   coro_function *callback, coro_value arg,
														   struct coro_context *context);
#define coro_task_add_done_callback_in_context(...)                                                \
	CORO__CALLED((coro_task_add_done_callback_in_context)(__VA_ARGS__))

/* ---- Cancelling (rules K1-K6) ------------------------------------------- */

/* Asks the task to end. True; false when it is done already. `message` may be NULL, and is
 * copied; without memory for it the CancelledError has none. */
CORO_API bool coro_task_cancel(struct coro_task *task, const char *message);
/* How many requests stand; and one less, returning how many are left. (rule K3) */
CORO_API unsigned coro_task_cancelling(const struct coro_task *task);
CORO_API unsigned coro_task_uncancel(struct coro_task *task);

/* ---- Gathering (rule W1) ------------------------------------------------ */

/* What a gather hands out: a result for each argument, in their order. */
struct coro_results {
	size_t count;
	coro_value *values;
};

/* Awaits, itself, all of `awaitables` (coroutines, which become tasks and are consumed, tasks,
 * futures) at once. `ret_values` gets their results, in the order of the arguments, and
 * may be NULL. The first exception is raised at once and the others go on; with
 * `return_exceptions` exceptions are results like any other, CancelledError too.
 * Cancelling whoever waits here cancels them all. Exceptions in `ret_values` stay valid
 * until the calling task's next gather. The coroutines are consumed also when it raises at once
 * (MemoryError, TypeError); those that were tasks by then go on. (asyncio.gather, rule W1)
 *
 *     coro_value both[] = {coro_object(first), coro_object(second)};
 *     CORO_TRY(coro_gather(both, 2, false, both));
 *
 * An array that is written right there stands in parentheses: coro_gather(((coro_value[]){a, b}), ... */
#define coro_gather(awaitables, count, return_exceptions, ret_values)                              \
	CORO__CALLED(                                                                                  \
		coro__gather((awaitables), (count), (return_exceptions), (ret_values), CORO_SITE_HERE))
CORO_API coro_value coro__gather(const coro_value *awaitables, size_t count, bool return_exceptions,
								 coro_value *ret_values, const char *site);

/* The same without waiting: a future whose result is a pointer to a struct coro_results,
 * which lives as long as the future. Freed with coro_future_free. NULL when memory is out. */
#define coro_gather_future(awaitables, count, return_exceptions)                                   \
	coro__gather_future((awaitables), (count), (return_exceptions), CORO_SITE_HERE)
CORO_API struct coro_future *coro__gather_future(const coro_value *awaitables, size_t count,
												 bool return_exceptions, const char *site);

#ifdef __cplusplus
}
#endif
#endif
