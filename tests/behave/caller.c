/*
 * caller.c - a program that calls much of what emits events, each time as the last thing that a
 * function does: an optimiser then likes to jump there instead of calling, and the caller would be
 * somebody else.
 */
#include <coroscope/coro.h>

static struct coro_lock *lock;
static struct coro_condition *condition;
static struct coro_queue *queue;
static struct coro_channel *channel;
static bool open_now;

static coro_value counts(coro_value unused)
{
	return coro_yield(coro_int(1));
}

static coro_value delegates(coro_value inner)
{
	return coro_yield_from(inner);
}

static coro_value yields_all(coro_value unused)
{
	static const coro_value values[] = {{CORO_VALUE_INT, {1}}, {CORO_VALUE_INT, {2}}};

	return coro_yield_from_array(values, 2);
}

static coro_value sleeps(coro_value unused)
{
	return coro_sleep(1);
}

static coro_value sleeps_long(coro_value unused)
{
	return coro_sleep(1000);
}

static coro_value gathers(coro_value unused)
{
	const coro_value both[] = {coro_object(coro_coroutine(sleeps, CORO_NONE)),
							   coro_object(coro_coroutine(sleeps_long, CORO_NONE))};

	return coro_gather(both, 2, true, NULL);
}

static coro_value gets(coro_value unused)
{
	return coro_queue_get(queue);
}

static coro_value puts_one(coro_value unused)
{
	return coro_queue_put(queue, coro_int(1));
}

static coro_value puts_at_once(coro_value unused)
{
	return coro_queue_put_nowait(queue, coro_int(2));
}

static coro_value joins(coro_value unused)
{
	return coro_queue_join(queue);
}

static coro_value acquires(coro_value unused)
{
	return coro_lock_acquire(lock);
}

static coro_value releases(coro_value unused)
{
	return coro_lock_release(lock);
}

static coro_value is_open(coro_value unused)
{
	return coro_bool(open_now);
}

static coro_value waits_until_open(coro_value unused)
{
	return coro_condition_wait_for(condition, is_open, CORO_NONE);
}

static coro_value notifies(coro_value unused)
{
	return coro_condition_notify_all(condition);
}

static coro_value waits_for(coro_value unused)
{
	return coro_wait_for(coro_object(coro_coroutine(sleeps_long, CORO_NONE)), 0.5);
}

static coro_value awaits(coro_value awaitable)
{
	return coro_await(awaitable);
}

static coro_value cancels(coro_value task)
{
	coro_task_cancel(coro_as_task(task), "enough");
	return CORO_NONE;
}

static coro_value raises(coro_value unused)
{
	return coro_raise_value(CORO_ValueError, CORO_NONE);
}

static void run_generators(void)
{
	CORO_AUTO struct coro_generator *inner = coro_generator(counts, CORO_NONE);
	CORO_AUTO struct coro_generator *outer = coro_generator(delegates, coro_object(inner));
	CORO_AUTO struct coro_generator *all = coro_generator(yields_all, CORO_NONE);

	coro_next(outer);
	coro_throw(outer, coro_error(CORO_ValueError, "x"));
	coro_handled();
	coro_next(all);
	coro_send(all, CORO_NONE);
	coro_close(all);
}

static coro_value sends(coro_value unused)
{
	return coro_channel_send(channel, coro_int(1));
}

static coro_value sends_at_once(coro_value unused)
{
	return coro_channel_send_nowait(channel, coro_int(2));
}

static coro_value receives(coro_value unused)
{
	return coro_channel_receive(channel, NULL);
}

static coro_value selects(coro_value unused)
{
	struct coro_case cases[] = {coro_case_receive(channel), coro_case_send(NULL, CORO_NONE)};

	return coro_select(cases, 2);
}

static coro_value selects_at_once(coro_value unused)
{
	struct coro_case cases[] = {coro_case_send(channel, coro_int(3))};

	return coro_select_nowait(cases, 1);
}

static coro_value iterates(coro_value unused)
{
	CORO_CHANNEL_FOR(value, channel)
	coro_sleep(1);
	return CORO_NONE;
}

static coro_value closes(coro_value unused)
{
	return coro_channel_close(channel);
}

static coro_value part(coro_function *function)
{
	return coro_await(coro_object(coro_coroutine(function, CORO_NONE)));
}

static coro_value use_channel(void)
{
	coro_function *const at_once[] = {sends_at_once, selects_at_once, closes};
	coro_function *const receivers[] = {receives, selects, iterates};
	struct coro_task *task;

	channel = coro_channel_new_named(0, "numbers");
	task = coro_spawn(sends, CORO_NONE, "sends");
	CORO_TRY(coro_sleep(0));
	CORO_TRY(part(receives));
	CORO_TRY(coro_await(coro_object(task)));
	coro_task_free(task);
	for (int i = 0; i < 3; i++) {
		task = coro_spawn(receivers[i], CORO_NONE, "receives");
		CORO_TRY(coro_sleep(0));
		CORO_TRY(part(at_once[i]));
		CORO_TRY(coro_await(coro_object(task)));
		coro_task_free(task);
	}
	coro_channel_free(channel);
	return CORO_NONE;
}

static coro_value amain(coro_value unused)
{
	struct coro_task *task, *waiter;

	lock = coro_lock_new("door");
	condition = coro_condition_new(lock, "change");
	queue = coro_queue_new_named(1, "jobs");
	run_generators();

	task = coro_spawn(gathers, CORO_NONE, "gathers");
	CORO_TRY(part(sleeps));
	CORO_TRY(part(sleeps));
	waiter = coro_spawn(awaits, coro_object(task), "awaits");
	CORO_TRY(coro_sleep(0));
	cancels(coro_object(waiter));
	coro_await(coro_object(waiter));
	coro_handled();
	coro_task_free(waiter);
	coro_task_free(task);

	task = coro_spawn(gets, CORO_NONE, "gets");
	CORO_TRY(coro_sleep(0));
	CORO_TRY(part(puts_one));
	CORO_TRY(coro_await(coro_object(task)));
	CORO_TRY(part(puts_at_once));
	coro_task_free(task);
	task = coro_spawn(joins, CORO_NONE, "joins");
	CORO_TRY(coro_sleep(0));
	coro_queue_task_done(queue);
	CORO_TRY(part(gets));
	coro_queue_task_done(queue);
	CORO_TRY(coro_await(coro_object(task)));
	coro_task_free(task);

	CORO_TRY(part(acquires));
	task = coro_spawn(acquires, CORO_NONE, "acquires");
	CORO_TRY(coro_sleep(0));
	CORO_TRY(part(releases));
	CORO_TRY(coro_await(coro_object(task)));
	coro_task_free(task);
	task = coro_spawn(waits_until_open, CORO_NONE, "waits");
	CORO_TRY(coro_sleep(0));
	CORO_TRY(part(acquires));
	open_now = true;
	CORO_TRY(part(notifies));
	CORO_TRY(part(releases));
	CORO_TRY(coro_await(coro_object(task)));
	coro_task_free(task);

	CORO_TRY(use_channel());

	part(waits_for);
	coro_handled();
	part(raises);
	coro_handled();
	coro_spawn(sleeps_long, CORO_NONE, "left");
	CORO_TRY(coro_sleep(0));
	coro_queue_free(queue);
	coro_condition_free(condition);
	coro_lock_free(lock);
	return CORO_NONE;
}

int main(void)
{
	return coro_run(amain, CORO_NONE);
}
