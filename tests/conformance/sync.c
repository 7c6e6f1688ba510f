/*
 * sync.c - operations on locks, semaphores, events, conditions, barriers and queues.
 *
 * An operation is given by what it does with the object: each of them is one function that may
 * await, or not. Which class of object it was meant for, is in the object.
 */
#include <string.h>
#include "scenario.h"

/* ---- Making ------------------------------------------------------------ */

static enum flow keep_object(struct activation *activation, const struct node *node, void *object,
							 void (*free_object)(void *))
{
	if (!object)
		return raise_in(activation, out_of_memory());
	set_label(object, label(node->args[0]));
	own_handle(object, free_object);
	set(activation, node->args[0], coro_object(object));
	return GO_ON;
}

static size_t size_argument(struct activation *activation, const struct node *node)
{
	int64_t size = node->arg_count > 1 ? coro_as_int(atom(activation, node->args[1])) : 0;

	return size > 0 ? (size_t)size : 0;
}

/* What is wrong with the size; NULL: nothing. */
static const char *complaint(struct activation *activation, const struct node *node)
{
	bool barrier = !strcmp(node->word, "barrier"), semaphore = strstr(node->word, "sem");

	if (!barrier && !semaphore)
		return NULL;
	if (coro_as_int(atom(activation, node->args[1])) >= barrier)
		return NULL;
	return barrier ? "parties must be > 0" : "Semaphore initial value must be >= 0";
}

#define MAKER(name, type, expression)                                                              \
	static void free_##name(void *object)                                                          \
	{                                                                                              \
		coro_##type##_free(object);                                                                \
	}                                                                                              \
	static enum flow make_##name(struct activation *activation, const struct node *node)           \
	{                                                                                              \
		const char *title = node->args[0];                                                         \
		size_t size = size_argument(activation, node);                                             \
                                                                                                   \
		(void)size;                                                                                \
		if (complaint(activation, node))                                                           \
			return raise_in(activation,                                                            \
							coro_raise(CORO_ValueError, "%s", complaint(activation, node)));       \
		return keep_object(activation, node, expression, free_##name);                             \
	}

MAKER(lock, lock, coro_lock_new(title))
MAKER(sem, semaphore, coro_semaphore_new(size, title))
MAKER(bsem, semaphore, coro_bounded_semaphore_new(size, title))
MAKER(event, event, coro_event_new(title))
MAKER(barrier, barrier, coro_barrier_new(size, title))
MAKER(queue, queue, coro_queue_new_named(size, title))
MAKER(lqueue, queue, coro_lifo_queue_new(size, title))

/* What a comparison raised: the queue cannot, so its operation does. */
static coro_value incomparable;

static bool before(coro_value left, coro_value right)
{
	coro_value answer = less(left, right);

	if (coro_raised(answer))
		incomparable = answer;
	return !coro_raised(answer) && is_true(answer);
}

static coro_value unless_incomparable(coro_value result)
{
	coro_value error = incomparable;

	incomparable = CORO_NONE;
	return coro_raised(error) ? error : result;
}

MAKER(pqueue, queue, coro_priority_queue_new(size, before, title))

static void free_cond(void *object)
{
	coro_condition_free(object);
}

static enum flow make_cond(struct activation *activation, const struct node *node)
{
	struct coro_lock *lock = NULL;
	coro_value error = CORO_NONE;

	if (node->arg_count > 1)
		lock = handle_of(atom(activation, node->args[1]), CORO_OBJECT_LOCK, "locked", &error);
	if (coro_raised(error))
		return raise_in(activation, error);
	return keep_object(activation, node, coro_condition_new(lock, node->args[0]), free_cond);
}

/* ---- Acquiring --------------------------------------------------------- */

/* The lock of a lock or a condition. */
static struct coro_lock *lock_of(coro_value value)
{
	if (is_object(value, CORO_OBJECT_LOCK))
		return (struct coro_lock *)coro_as_object(value);
	if (is_object(value, CORO_OBJECT_CONDITION))
		return coro_condition_lock((struct coro_condition *)coro_as_object(value));
	return NULL;
}

static coro_value no_attribute(coro_value value, const char *attribute)
{
	return coro_raise(CORO_AttributeError, "'%s' object has no attribute '%s'",
					  coro_type_name(value), attribute);
}

static coro_value acquire(coro_value value)
{
	if (lock_of(value))
		return coro_lock_acquire(lock_of(value));
	if (is_object(value, CORO_OBJECT_SEMAPHORE))
		return coro_semaphore_acquire((struct coro_semaphore *)coro_as_object(value));
	return no_attribute(value, "acquire");
}

static coro_value release(coro_value value)
{
	if (lock_of(value))
		return coro_lock_release(lock_of(value));
	if (is_object(value, CORO_OBJECT_SEMAPHORE))
		return coro_semaphore_release((struct coro_semaphore *)coro_as_object(value));
	return no_attribute(value, "release");
}

static coro_value locked(coro_value value)
{
	if (lock_of(value))
		return coro_bool(coro_lock_locked(lock_of(value)));
	if (is_object(value, CORO_OBJECT_SEMAPHORE))
		return coro_bool(coro_semaphore_locked((struct coro_semaphore *)coro_as_object(value)));
	return no_attribute(value, "locked");
}

/* An operation that awaits, on the object alone; and one that does not. */
static enum flow awaiting(struct activation *activation, const struct node *node,
						  coro_value (*operation)(coro_value value))
{
	coro_value object = atom(activation, node->args[0]), result;

	begins(activation, describe(activation, node, 1));
	result = operation(object);
	return finished(activation, node, describe(activation, node, 1), result);
}

static enum flow at_once(struct activation *activation, const struct node *node,
						 coro_value (*operation)(coro_value value))
{
	coro_value result = operation(atom(activation, node->args[0]));

	return finished(activation, node, describe(activation, node, 1), result);
}

/* `async with`: of a barrier it is to wait. */
static coro_value enter(coro_value value)
{
	if (is_object(value, CORO_OBJECT_BARRIER))
		return coro_barrier_wait((struct coro_barrier *)coro_as_object(value));
	return acquire(value);
}

static coro_value leave(coro_value value)
{
	return is_object(value, CORO_OBJECT_BARRIER) ? CORO_NONE : release(value);
}

static enum flow run_with(struct activation *activation, const struct node *node)
{
	coro_value object = atom(activation, node->args[0]), result, outcome;
	enum flow flow;

	begins(activation, describe(activation, node, 1));
	if (!lock_of(object) && !is_object(object, CORO_OBJECT_SEMAPHORE) &&
		!is_object(object, CORO_OBJECT_BARRIER))
		return raise_in(activation, coro_raise(CORO_TypeError,
											   "'%s' object does not support the asynchronous "
											   "context manager protocol",
											   coro_type_name(object)));
	result = returned(activation, enter(object));
	if (coro_raised(result))
		return raise_in(activation, result);
	say(activation->label, format("%s entered", describe(activation, node, 1)));
	flow = run_block(activation, &node->clauses->block);
	outcome = activation->outcome;
	if (flow == RAISE)
		coro_handling(coro_caught(outcome));
	result = returned(activation, leave(object));
	if (coro_raised(result))
		return raise_in(activation, result);
	activation->outcome = outcome;
	return flow;
}

/* ---- Objects of one class ---------------------------------------------- */

/* Defines do_NAME(value): `expression` of `it`, when value is such an object. */
#define ON(name, kind, type, attribute, expression)                                                \
	static coro_value do_##name(coro_value value)                                                  \
	{                                                                                              \
		struct type *it;                                                                           \
                                                                                                   \
		if (!is_object(value, kind))                                                               \
			return no_attribute(value, attribute);                                                 \
		it = (struct type *)coro_as_object(value);                                                 \
		return expression;                                                                         \
	}

ON(event_set, CORO_OBJECT_EVENT, coro_event, "set", (coro_event_set(it), CORO_NONE))
ON(event_clear, CORO_OBJECT_EVENT, coro_event, "clear", (coro_event_clear(it), CORO_NONE))
ON(event_is_set, CORO_OBJECT_EVENT, coro_event, "is_set", coro_bool(coro_event_is_set(it)))
ON(event_wait, CORO_OBJECT_EVENT, coro_event, "wait", coro_event_wait(it))
ON(wait, CORO_OBJECT_CONDITION, coro_condition, "wait", coro_condition_wait(it))
ON(notify_all, CORO_OBJECT_CONDITION, coro_condition, "notify_all", coro_condition_notify_all(it))
ON(barrier_wait, CORO_OBJECT_BARRIER, coro_barrier, "wait", coro_barrier_wait(it))
ON(barrier_abort, CORO_OBJECT_BARRIER, coro_barrier, "abort", coro_barrier_abort(it))
ON(barrier_reset, CORO_OBJECT_BARRIER, coro_barrier, "reset", coro_barrier_reset(it))
ON(get, CORO_OBJECT_QUEUE, coro_queue, "get", unless_incomparable(coro_queue_get(it)))
ON(get_nowait, CORO_OBJECT_QUEUE, coro_queue, "get_nowait",
   unless_incomparable(coro_queue_get_nowait(it)))
ON(task_done, CORO_OBJECT_QUEUE, coro_queue, "task_done", coro_queue_task_done(it))
ON(join, CORO_OBJECT_QUEUE, coro_queue, "join", coro_queue_join(it))
ON(size, CORO_OBJECT_QUEUE, coro_queue, "qsize", coro_int((int64_t)coro_queue_size(it)))

#define AWAITING(name, operation)                                                                  \
	static enum flow run_##name(struct activation *activation, const struct node *node)            \
	{                                                                                              \
		return awaiting(activation, node, operation);                                              \
	}
#define AT_ONCE(name, operation)                                                                   \
	static enum flow run_##name(struct activation *activation, const struct node *node)            \
	{                                                                                              \
		return at_once(activation, node, operation);                                               \
	}

AWAITING(acquire, acquire)
AT_ONCE(release, release)
AT_ONCE(locked, locked)
AT_ONCE(evset, do_event_set)
AT_ONCE(evclear, do_event_clear)
AT_ONCE(is_set, do_event_is_set)
AWAITING(evwait, do_event_wait)
AWAITING(cwait, do_wait)
AT_ONCE(notify_all, do_notify_all)
AWAITING(bwait, do_barrier_wait)
AWAITING(babort, do_barrier_abort)
AWAITING(breset, do_barrier_reset)
AWAITING(get, do_get)
AT_ONCE(get_nowait, do_get_nowait)
AT_ONCE(task_done, do_task_done)
AWAITING(join, do_join)
AT_ONCE(qsize, do_size)

static enum flow run_notify(struct activation *activation, const struct node *node)
{
	coro_value result = CORO_NONE;
	struct coro_condition *condition =
		handle_of(atom(activation, node->args[0]), CORO_OBJECT_CONDITION, "notify", &result);

	if (condition)
		result = coro_condition_notify(condition,
									   node->arg_count > 1 ? size_argument(activation, node) : 1);
	return finished(activation, node, describe(activation, node, 1), result);
}

static enum flow run_put(struct activation *activation, const struct node *node)
{
	bool waits = !strcmp(node->word, "put");
	coro_value item, result = CORO_NONE;
	struct coro_queue *queue;
	const char *text;

	item = expression(activation, node->args + 1);
	text = format("%s %s", describe(activation, node, 1), show(item));
	if (waits)
		begins(activation, text);
	queue = handle_of(atom(activation, node->args[0]), CORO_OBJECT_QUEUE, node->word, &result);
	if (queue)
		result = coro_raised(item) ? item
				 : waits           ? unless_incomparable(coro_queue_put(queue, item))
								   : unless_incomparable(coro_queue_put_nowait(queue, item));
	text = format("%s %s", describe(activation, node, 1),
				  show(expression(activation, node->args + 1)));
	return finished(activation, node, text, result);
}

static enum flow run_shutdown(struct activation *activation, const struct node *node)
{
	coro_value result = CORO_NONE;
	struct coro_queue *queue =
		handle_of(atom(activation, node->args[0]), CORO_OBJECT_QUEUE, "shutdown", &result);

	if (queue)
		coro_queue_shutdown(queue, node->arg_count > 1);
	return finished(activation, node, describe(activation, node, 1), result);
}

const struct operation sync_operations[] = {
	{"lock", make_lock},
	{"sem", make_sem},
	{"bsem", make_bsem},
	{"event", make_event},
	{"cond", make_cond},
	{"barrier", make_barrier},
	{"queue", make_queue},
	{"lqueue", make_lqueue},
	{"pqueue", make_pqueue},
	{"acquire", run_acquire},
	{"release", run_release},
	{"locked", run_locked},
	{"with", run_with},
	{"evset", run_evset},
	{"evclear", run_evclear},
	{"is_set", run_is_set},
	{"evwait", run_evwait},
	{"cwait", run_cwait},
	{"notify", run_notify},
	{"notify_all", run_notify_all},
	{"bwait", run_bwait},
	{"babort", run_babort},
	{"breset", run_breset},
	{"put", run_put},
	{"put_nowait", run_put},
	{"get", run_get},
	{"get_nowait", run_get_nowait},
	{"task_done", run_task_done},
	{"join", run_join},
	{"qsize", run_qsize},
	{"qshutdown", run_shutdown},
	{NULL, NULL},
};
