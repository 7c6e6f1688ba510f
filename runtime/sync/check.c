/*
 * check.c - the synchronisation objects' part of coro_check(): each verifies itself in its own
 * file.
 */
#include "waiters.h"

#define CHECKER(type)                                                                              \
	static void check_##type(void *object, void *count)                                            \
	{                                                                                              \
		++*(size_t *)count;                                                                        \
		coro__check_object(object);                                                                \
		coro__##type##_check(object);                                                              \
	}
CHECKER(lock)
CHECKER(event)
CHECKER(condition)
CHECKER(semaphore)
CHECKER(barrier)
CHECKER(queue)
CHECKER(channel)

size_t coro__sync_check(void)
{
	size_t count = 0;

	coro__slots_walk(CORO_OBJECT_LOCK, check_lock, &count);
	coro__slots_walk(CORO_OBJECT_EVENT, check_event, &count);
	coro__slots_walk(CORO_OBJECT_CONDITION, check_condition, &count);
	coro__slots_walk(CORO_OBJECT_SEMAPHORE, check_semaphore, &count);
	coro__slots_walk(CORO_OBJECT_BARRIER, check_barrier, &count);
	coro__slots_walk(CORO_OBJECT_QUEUE, check_queue, &count);
	coro__slots_walk(CORO_OBJECT_CHANNEL, check_channel, &count);
	return count;
}
