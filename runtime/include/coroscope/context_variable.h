#ifndef COROSCOPE_CONTEXT_VARIABLE_H
#define COROSCOPE_CONTEXT_VARIABLE_H
/*
 * context_variable.h - variables that each task has for itself: PEP 567.
 *
 *     static CORO_CONTEXT_VARIABLE(request_id);
 *
 *     static coro_value serve(coro_value id)
 *     {
 *         CORO_TRY(coro_context_variable_set(request_id, id, NULL));
 *         return coro_await(coro_coroutine(answer, CORO_NONE)); // however deep: it can get it
 *     }
 *
 *     coro_value id = CORO_TRY(coro_context_variable_get(request_id));
 *
 * A context holds the values of variables. Whatever runs, runs in one:
 *
 *     a task, from its spawn on           a copy of what was current at the spawn
 *     a callback of a loop or a future    a copy of what was current when it was handed over
 *     coro_context_run()                  that context
 *     anything else                       the thread's own
 *
 * Who is given a context with it (coro_spawn_in_context() and its like in task.h, loop.h, future.h
 * and task_group.h) runs in that one, and not in a copy.
 *
 * Invariants
 * - What a task sets is not seen by who spawned it, nor by tasks that it spawned before.
 * - A coroutine that is awaited, a generator and an async generator have no context of their own:
 *   they see that of whoever drives them at the time, and set in it.
 * - Greenlets and tasklets have none of their own either: theirs is that of the task they run in, or
 *   the thread's own. A switch between them does not change it.
 * - Setting a variable emits no event: the debugger shows no contexts.
 * - Copying costs the same however many variables there are; the first change after a copy
 *   costs as much as there are. A program that sets none pays nothing.
 * - A context runs once at a time. Not for threads: a context belongs to the thread that made it.
 *   A variable may be used by all.
 *
 * Ownership: a handle of a context is its receiver's, to be given up with coro_context_free();
 * tasks and callbacks that run in a context keep it by themselves. Values are borrowed, as
 * everywhere; exceptions are kept. A static variable lives as long as the program; one that was
 * made lives until it is freed and no context has a value for it.
 *
 * Manual: "contextvars" of Python's library.
 */
#include "generator.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Variables --------------------------------------------------------- */

/* Its fields are the library's own. */
struct coro_context_variable {
	const char *name;         /* borrowed */
	bool has_default, made;   /* made: by coro_context_variable_new() */
	uint32_t references;      /* of one that was made: its handle, and each context with a value */
	coro_value default_value; /* if it has one; an exception is kept */
};

/* ContextVar('variable'), at file scope, static or not; in a header it is
 * `extern struct coro_context_variable variable[1];`. An array of one: the name alone is the
 * handle. */
#define CORO_CONTEXT_VARIABLE(variable)                                                            \
	struct coro_context_variable variable[1] = {                                                   \
		{#variable, false, false, 0, {CORO_VALUE_NONE, {0}}}}

/* The same with a default: CORO_CONTEXT_VARIABLE_DEFAULT(depth, INT, 0); also BOOL, FLOAT, and STR
 * with a string literal. */
#define CORO_CONTEXT_VARIABLE_DEFAULT(variable, KIND, constant)                                    \
	struct coro_context_variable variable[1] = {                                                   \
		{#variable, true, false, 0, CORO__CONSTANT_##KIND(constant)}}
#ifdef __cplusplus
#define CORO__CONSTANT_BOOL(x)  coro_bool(x)
#define CORO__CONSTANT_INT(x)   coro_int(x)
#define CORO__CONSTANT_FLOAT(x) coro_float(x)
#define CORO__CONSTANT_STR(x)   coro_string(x, sizeof(x) - 1)
#else
/* clang-format off */
#define CORO__CONSTANT_BOOL(x)  {CORO_VALUE_BOOL, {.integer = !!(x)}}
#define CORO__CONSTANT_INT(x)   {CORO_VALUE_INT, {.integer = (x)}}
#define CORO__CONSTANT_FLOAT(x) {CORO_VALUE_FLOAT, {.real = (x)}}
#define CORO__CONSTANT_STR(x)                                                                      \
	{CORO_VALUE_STRING | (uint64_t)(sizeof(x) - 1) << CORO__TAG_SHIFT, {.pointer = "" x}}
/* clang-format on */
#endif

/* One that is made while the program runs. `name` is borrowed, and must outlive it. NULL when
 * memory is out. (ContextVar(name), ContextVar(name, default=value)) */
CORO_API struct coro_context_variable *coro_context_variable_new(const char *name);
CORO_API struct coro_context_variable *coro_context_variable_new_default(const char *name,
																		 coro_value value);
/* Gives up the handle of one that was made. NULL is fine. */
CORO_API void coro_context_variable_free(struct coro_context_variable *variable);

/* Its value in the current context, else its default; raised: LookupError when it has neither.
 * An exception in it is valid as long as it is set. (ContextVar.get) */
CORO_API coro_value coro_context_variable_get(const struct coro_context_variable *variable);
/* The same with a default that goes before its own. Raises nothing. (ContextVar.get(default)) */
CORO_API coro_value coro_context_variable_get_or(const struct coro_context_variable *variable,
												 coro_value otherwise);

/* What a set has changed, to take it back once. A plain value: it is dropped by forgetting it. */
struct coro_context_token {
	const struct coro_context_variable *variable;
	uint64_t context;     /* which context it was */
	/* Token.old_value. Borrowed, an exception too: coro_keep() that to have it back. */
	coro_value old_value;
	bool was_set;         /* false: Token.MISSING */
	bool used;
};

/* Gives it a value in the current context. *ret_token may be NULL. None; raised: MemoryError. A
 * raised `value` is not set but returned. (ContextVar.set) */
CORO_API coro_value coro_context_variable_set(struct coro_context_variable *variable,
											  coro_value value,
											  struct coro_context_token *ret_token);

/* Puts back what was before the set that gave the token. None; raised: ValueError "<Token
 * var=<ContextVar name='x'>> was created by a different ContextVar", or "... in a different
 * Context"; RuntimeError "<Token used var=...> has already been used once". (ContextVar.reset) */
CORO_API coro_value coro_context_variable_reset(struct coro_context_variable *variable,
												struct coro_context_token *token);

/* ---- Contexts ---------------------------------------------------------- */

struct coro_context;

/* An empty one. NULL when memory is out. (Context()) */
CORO_API struct coro_context *coro_context_new(void);
/* A copy of the current one, or of another. NULL when memory is out. (copy_context(),
 * Context.copy) */
CORO_API struct coro_context *coro_copy_context(void);
CORO_API struct coro_context *coro_context_copy(const struct coro_context *context);
/* The current one itself: for who spawns tasks that shall share it. NULL when memory is out. */
CORO_API struct coro_context *coro_context_current(void);
/* Gives up a handle. NULL is fine. */
CORO_API void coro_context_free(struct coro_context *context);

/* Calls function(argument) in the context; what that returns. Raised RuntimeError of one that is
 * entered already: "cannot enter context: <_contextvars.Context object #3> is already entered".
 * The function may await, which Python's cannot: the context goes with the task. In a generator
 * it may not yield: "cannot exit context: thread state references a different context
 * object". (Context.run) */
CORO_API coro_value coro_context_run(struct coro_context *context, coro_function *function,
									 coro_value argument);

/* The value of a variable in it, or `otherwise`; its default does not count. (Context.get) */
CORO_API coro_value coro_context_get(const struct coro_context *context,
									 const struct coro_context_variable *variable,
									 coro_value otherwise);
/* It has a value for it. (variable in context) */
CORO_API bool coro_context_contains(const struct coro_context *context,
									const struct coro_context_variable *variable);

/* How many variables have a value in it; and the one at `index`, in the order in which they were
 * first set. False behind the last. Both results may be NULL. (len(), items()) */
CORO_API size_t coro_context_length(const struct coro_context *context);
CORO_API bool coro_context_at(const struct coro_context *context, size_t index,
							  struct coro_context_variable **ret_variable, coro_value *ret_value);

/* Calls that stay calls, see CORO__CALLED. */
#define coro_context_variable_get(variable) CORO__CALLED((coro_context_variable_get)(variable))
#define coro_context_variable_set(variable, value, ret_token)                                      \
	CORO__CALLED((coro_context_variable_set)((variable), (value), (ret_token)))
#define coro_context_variable_reset(variable, token)                                               \
	CORO__CALLED((coro_context_variable_reset)((variable), (token)))
#define coro_context_run(context, function, argument)                                              \
	CORO__CALLED((coro_context_run)((context), (function), (argument)))

#ifdef __cplusplus
}
#endif
#endif
