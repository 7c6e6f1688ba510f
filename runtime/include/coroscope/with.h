#ifndef COROSCOPE_WITH_H
#define COROSCOPE_WITH_H
/*
 * with.h - sections with an end that is always reached: `with` and `async with`, PEP 343 and 492.
 *
 *     CORO_ASYNC_WITH (lock) {
 *         coro_value page = CORO_TRY(coro_await(fetch));
 *         if (coro_is_none(page))
 *             break;
 *         CORO_RETURN(page);
 *     }
 *
 * What may stand in the parentheses: a lock, condition, semaphore, &timeout or task group; or a
 * context manager, which is two functions and what they are about:
 *
 *     enter ---- block ----> exit(None)          the block ended
 *       |          |
 *       |          '-------> exit(raised)        an exception leaves the block: None: it goes on;
 *       |                                        true: it is swallowed; raised: that instead
 *       '- raised: no block, no exit
 *
 * There are two forms. The blocks, CORO_WITH and CORO_ASYNC_WITH, are for functions that return a
 * coro_value: what enter and exit raise is returned from the function, as by CORO_TRY. The calls,
 * coro_with() and coro_async_with(), take the body as a function. They have the whole of Python's
 * semantics; a block has it but for this:
 *
 *     how the block is left                exit gets    what exit raises
 *     its end, break, continue             None         is returned from the function
 *     CORO_TRY, CORO_RETURN(raised)        raised       is returned instead
 *     CORO_RETURN(value)                   None         is returned instead
 *     return, goto                         None (!)     goes to the report handler (UNRAISABLE)
 *
 *   - The value of a plain `return` is there before exit runs: exit neither sees it nor can it
 *     change it. So leave blocks by CORO_RETURN() whenever exit's word counts: timeouts, groups.
 *   - An exit that swallows an exception cannot make the function go on behind the block:
 *     RuntimeError is returned. coro_with() can.
 *
 * An error that leaves a block leaves the function too, as CORO_TRY does: what stands behind the block
 * is not reached then. In Python a `finally` around the block would do it; here it is what is declared
 * before the block, with a cleanup:
 *
 *     char *page = malloc(size);                      // wrong: lost when the block raises
 *     CORO_ASYNC_WITH (lock)
 *         CORO_TRY(coro_recv(fd, page, size));
 *     free(page);
 *
 *     __attribute__((cleanup(free_page))) char *page = malloc(size);      // right: on every way out;
 *     CORO_ASYNC_WITH (lock)                          // free_page(char **page) does free(*page)
 *         CORO_TRY(coro_recv(fd, page, size));
 *
 * CORO_AUTO is that for generators and coroutines. Or the body is a function of its own, and
 * coro_async_with() calls it: that returns, whatever happened, and what follows it runs.
 *
 * Invariants
 * - After a successful enter, exit runs exactly once, on every way out; blocks within each other
 *   from the inside out.
 * - While exit runs, the exception that it was given is being handled: the context of what it
 *   raises.
 * - `break` and `continue` leave the block, not a loop around it.
 * - CORO_TRY finds the blocks of its own function alone, by their scope.
 */
#include "sync.h"
#include "task_group.h"
#include "wait.h"

/* The names that the macros below declare hide those of blocks around: intended. */
#pragma GCC system_header

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Context managers -------------------------------------------------- */

/* A value: it may be copied. `object` is borrowed. What enter returns is of no interest unless
 * raised; `raised` of exit is the exception on its way out, raised, or None. */
struct coro_context_manager {
	coro_value (*enter)(void *object);
	coro_value (*exit)(void *object, coro_value raised);
	void *object;
};

/* The same, of functions that may await: __aenter__ and __aexit__. */
struct coro_async_context_manager {
	coro_value (*enter)(void *object);
	coro_value (*exit)(void *object, coro_value raised);
	void *object;
};

/* contextlib.closing(), contextlib.aclosing(): closes the generator at the end, and frees
 * nothing. */
CORO_API struct coro_context_manager coro_closing(struct coro_generator *generator);
CORO_API struct coro_async_context_manager coro_aclosing(struct coro_generator *generator);

/* async with lock, condition (its lock), semaphore, timeout, task group. CORO_ASYNC_WITH and
 * coro_async_with() do this by themselves. */
CORO_API struct coro_async_context_manager coro_lock_manager(struct coro_lock *lock);
CORO_API struct coro_async_context_manager coro_condition_manager(struct coro_condition *condition);
CORO_API struct coro_async_context_manager coro_semaphore_manager(struct coro_semaphore *semaphore);
CORO_API struct coro_async_context_manager coro_timeout_manager(struct coro_timeout *timeout);
CORO_API struct coro_async_context_manager coro_task_group_manager(struct coro_task_group *group);

/* ---- Calls ------------------------------------------------------------- */

/* with manager: body(argument). What the body returned; None when exit swallowed its exception;
 * raised: what enter, exit or else the body raised. (PEP 343) */
CORO_API coro_value coro_with(struct coro_context_manager manager, coro_function *body,
							  coro_value argument);
#define coro_with(manager, body, argument)                                                         \
	CORO__CALLED((coro_with)((manager), (body), (argument)))

/* async with manager: body(argument), likewise; in a coroutine. `manager` is what CORO_ASYNC_WITH
 * takes. (PEP 492) */
CORO_API coro_value coro_async_with(struct coro_async_context_manager manager, coro_function *body,
									coro_value argument);
#define coro_async_with(manager, body, argument)                                                   \
	CORO__CALLED((coro_async_with)(CORO__ASYNC_MANAGER(manager), (body), (argument)))

/* ---- Blocks ------------------------------------------------------------ */

/* with manager: the statement that follows. `manager` is a struct coro_context_manager. */
#define CORO_WITH(manager)                                                                         \
	CORO__WITH(coro__with_begin((struct coro__with *)(uintptr_t)coro__within, (manager)),          \
			   CORO__NAME(block), CORO__NAME(once))

/* async with manager: the statement that follows. `manager` is a pointer to a lock, condition,
 * semaphore, timeout or task group, or a struct coro_async_context_manager. */
#define CORO_ASYNC_WITH(manager)                                                                   \
	CORO__WITH(coro__async_with_begin((struct coro__with *)(uintptr_t)coro__within,                \
									  CORO__ASYNC_MANAGER(manager)),                               \
			   CORO__NAME(block), CORO__NAME(once))

/* Returns `value` from the function, through the exits of the blocks that it stands in. Outside of
 * all blocks it is `return`. */
#define CORO_RETURN(value) return CORO__LEAVE(value)

/* ---- How blocks are made ----------------------------------------------- */

enum coro__with_state { CORO__WITH_CREATED, CORO__WITH_INSIDE, CORO__WITH_LEFT };

/* One block. coro__within names it inside of it, and 0 elsewhere (value.h). */
struct coro__with {
	struct coro_context_manager manager;
	struct coro__with *outer; /* the block around it in the same function, or NULL */
	enum coro__with_state state;
};

CORO__INLINE struct coro__with coro__with_begin(struct coro__with *outer,
												struct coro_context_manager manager)
{
	struct coro__with block = {manager, outer, CORO__WITH_CREATED};
	return block;
}

CORO__INLINE struct coro__with coro__async_with_begin(struct coro__with *outer,
													  struct coro_async_context_manager manager)
{
	struct coro_context_manager same = {manager.enter, manager.exit, manager.object};
	return coro__with_begin(outer, same);
}

/* The first time enters, the second time exits. None, or raised. */
CORO_API coro_value coro__with_next(struct coro__with *block);
/* Its scope ends: exits, if that was not done. */
CORO_API void coro__with_end(struct coro__with *block);

/* Two loops of one turn each: the inner one is what `break` leaves, so that the outer one can exit,
 * and return what that raised. */
#define CORO__WITH(begin, block, once)                                                             \
	for (struct coro__with block __attribute__((cleanup(coro__with_end))) = begin,                 \
							*coro__within = &block;                                                \
		 __extension__({                                                                           \
			 CORO_TRY(CORO__CALLED(coro__with_next(&block)));                                      \
			 block.state == CORO__WITH_INSIDE;                                                     \
		 });)                                                                                      \
		for (bool once = true; once; once = false)

CORO__INLINE struct coro_async_context_manager
coro__same_manager(struct coro_async_context_manager manager)
{
	return manager;
}

#ifdef __cplusplus
}
static inline struct coro_async_context_manager
coro__async_manager(struct coro_async_context_manager manager)
{
	return manager;
}
static inline struct coro_async_context_manager coro__async_manager(struct coro_lock *lock)
{
	return coro_lock_manager(lock);
}
static inline struct coro_async_context_manager
coro__async_manager(struct coro_condition *condition)
{
	return coro_condition_manager(condition);
}
static inline struct coro_async_context_manager
coro__async_manager(struct coro_semaphore *semaphore)
{
	return coro_semaphore_manager(semaphore);
}
static inline struct coro_async_context_manager coro__async_manager(struct coro_timeout *timeout)
{
	return coro_timeout_manager(timeout);
}
static inline struct coro_async_context_manager coro__async_manager(struct coro_task_group *group)
{
	return coro_task_group_manager(group);
}
#define CORO__ASYNC_MANAGER(x) coro__async_manager(x)
#else
/* clang-format off */
#define CORO__ASYNC_MANAGER(x)                                                                     \
	_Generic((x), struct coro_lock *: coro_lock_manager,                                           \
	              struct coro_condition *: coro_condition_manager,                                 \
	              struct coro_semaphore *: coro_semaphore_manager,                                 \
	              struct coro_timeout *: coro_timeout_manager,                                     \
	              struct coro_task_group *: coro_task_group_manager,                               \
	              default: coro__same_manager)(x)
/* clang-format on */
#endif
#endif
