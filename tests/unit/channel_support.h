#ifndef UNIT_CHANNEL_SUPPORT_H
#define UNIT_CHANNEL_SUPPORT_H
/*
 * channel_support.h - what the tests of channels and of select share: tasks that send and
 * receive, and tell.
 */
#include "journal.h"

static struct coro_channel *channel;

__attribute__((unused)) static coro_value yield_turn(void)
{
	return coro_sleep(0);
}

/* Receives once: "NAME value ok" or "NAME raised ...". */
__attribute__((unused)) static coro_value receive_and_tell(coro_value name)
{
	bool ok = true;
	coro_value value = coro_channel_receive(channel, &ok);
	char text[64];

	coro_format(value, text, sizeof(text));
	if (coro_raised(value))
		note_value(coro_as_str(name), value);
	else
		note("%s %s %s", coro_as_str(name), text, ok ? "ok" : "closed");
	return value;
}

struct message {
	const char *name;
	coro_value value;
};

/* Sends one: "NAME sent" or "NAME raised ...". */
__attribute__((unused)) static coro_value send_and_tell(coro_value arg)
{
	const struct message *message = coro_as_ptr(arg);
	coro_value sent = coro_channel_send(channel, message->value);

	if (coro_raised(sent))
		note_value(message->name, sent);
	else
		note("%s sent", message->name);
	return sent;
}

__attribute__((unused)) static struct coro_task *receiver(const char *name)
{
	return coro_spawn(receive_and_tell, coro_str(name), name);
}

__attribute__((unused)) static struct coro_task *sender(struct message *message)
{
	return coro_spawn(send_and_tell, coro_ptr(message), message->name);
}

/* Waits for a task and gives it up; what it raised stays with it. */
__attribute__((unused)) static coro_value finish(struct coro_task *task)
{
	coro_value result = coro_await(task);

	coro_task_free(task);
	return result;
}

/* Runs `function` as the main task until nothing can happen any more; the deadlock is noted, and
 * everything cancelled. */
__attribute__((unused)) static void run_to_deadlock(coro_function *function)
{
	struct coro_loop *loop = journal_loop();
	struct coro_task *task = coro_spawn(function, CORO_NONE, "main");
	coro_value result = coro_loop_run_until_complete(loop, coro_object(task));

	assert_true(coro_is(result, CORO_DeadlockError));
	note("%s", coro_message(result));
	coro_loop_cancel_all(loop);
	coro_task_free(task);
	journal_end(loop);
}

#endif
