/*
 * macros.c - the macros of the public headers, each used once, as C17 and as C++17: headers.py
 * compiles this. It is never run.
 */
#include <coroscope/coro.h>

static CORO_CONTEXT_VARIABLE(plain);
static CORO_CONTEXT_VARIABLE_DEFAULT(yes, BOOL, true);
static CORO_CONTEXT_VARIABLE_DEFAULT(number, INT, -1);
static CORO_CONTEXT_VARIABLE_DEFAULT(half, FLOAT, 0.5);
static CORO_CONTEXT_VARIABLE_DEFAULT(text, STR, "text");

static coro_value same(coro_value item)
{
	return item;
}

static coro_value first(coro_value left, coro_value right)
{
	(void)right;
	return left;
}

static coro_value variables(struct coro_loop *loop, struct coro_context *context,
							struct coro_task_group *group)
{
	struct coro_context_token token;

	CORO_TRY(coro_context_variable_set(plain, coro_context_variable_get(yes), &token));
	CORO_TRY(coro_context_variable_reset(plain, &token));
	CORO_TRY(coro_context_variable_get(half));
	CORO_TRY(coro_context_variable_get(text));
	coro_loop_call_soon_in_context(loop, same, CORO_NONE, context);
	coro_task_free(coro_spawn_in_context(same, CORO_NONE, NULL, context));
	CORO_TRY(coro_task_group_spawn_in_context(group, same, CORO_NONE, NULL, context));
	return coro_context_run(context, same, coro_context_variable_get(number));
}

static coro_value blocks(struct coro_lock *lock, struct coro_condition *condition,
						 struct coro_semaphore *semaphore, struct coro_task_group *group,
						 struct coro_generator *generator)
{
	struct coro_timeout timeout = coro_timeout(1);

	CORO_ASYNC_WITH (lock)
		CORO_ASYNC_WITH (condition) {
			CORO_ASYNC_WITH (semaphore) {
				CORO_ASYNC_WITH (&timeout)
					CORO_TRY(coro_sleep(1));
				break;
			}
			CORO_ASYNC_WITH (group)
				CORO_RETURN(coro_int(1));
		}
	CORO_ASYNC_WITH (coro_aclosing(generator))
		CORO_WITH (coro_closing(generator))
			CORO_TRY(coro_sleep(1));
	CORO_TRY(coro_async_with(lock, same, CORO_NONE));
	CORO_RETURN(coro_with(coro_closing(generator), same, CORO_NONE));
}

static coro_value loops(struct coro_generator *generator)
{
	struct coro_iterator a = coro_iter(generator), b = coro_map(same, generator);
	struct coro_iterator *both[] = {&a, &b};
	struct coro_iterator c = coro_chain(both, 2), d = coro_filter(same, &c);
	struct coro_iterator e = coro_enumerate(&d, 1), f = coro_take(&e, 3);
	struct coro_list list;
	coro_value item;

	CORO_FOR (x, &f)
		CORO_FOR (y, generator)
			if (coro_equal(x, y))
				break;
	while (coro_iterate(&f, &item) || coro_iterate(generator, &item))
		CORO_TRY(coro_iterator_next(&f));
	CORO_TRY(coro_yield_from(&f));
	CORO_TRY(coro_yield_from(generator));
	CORO_TRY(coro_collect(&f, &list));
	coro_list_free(&list);
	return coro_reduce(first, generator, CORO_NONE);
}

static coro_value awaiting_loops(struct coro_generator *generator)
{
	struct coro_async_iterator a = coro_async_iter(generator), b = coro_async_map(same, generator);
	struct coro_async_iterator *both[] = {&a, &b};
	struct coro_async_iterator c = coro_async_chain(both, 2), d = coro_async_filter(same, &c);
	struct coro_async_iterator e = coro_async_enumerate(&d, 1), f = coro_async_take(&e, 3);
	struct coro_async_iterator g = coro_async_from(generator);
	struct coro_list list;
	coro_value item;

	CORO_ASYNC_FOR (x, &f)
		CORO_ASYNC_FOR (y, generator)
			if (coro_equal(x, y))
				break;
	while (coro_async_iterate(&f, &item) || coro_async_iterate(generator, &item))
		CORO_TRY(coro_async_iterator_next(&g));
	CORO_TRY(coro_async_collect(&f, &list));
	coro_list_free(&list);
	return coro_async_reduce(first, generator, CORO_NONE);
}

int main(void)
{
	return coro_raised(variables(NULL, NULL, NULL)) +
		   coro_raised(blocks(NULL, NULL, NULL, NULL, NULL)) + coro_raised(loops(NULL)) +
		   coro_raised(awaiting_loops(NULL));
}
