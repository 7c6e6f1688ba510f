#ifndef COROSCOPE_CORO_H
#define COROSCOPE_CORO_H
/*
 * coro.h - all of coroscope's runtime. In the order to read it:
 *
 *     handle.h     what names objects, and how a wrong name is found out
 *     value.h      what is passed around
 *     exception.h  raising, catching, Python's hierarchy of exceptions
 *     generator.h  generators: next, send, throw, close, yield, yield from
 *     iterator.h   range, map, filter, chain, take, zip, list
 *     coroutine.h  coroutines and await
 *     async_generator.h   generators that await
 *     async_iterator.h    the same of what awaits
 *     greenlet.h   bodies that switch to each other
 *     context_variable.h  variables that each task has for itself
 *     future.h     a result that is not there yet
 *     task.h       coroutines that a loop drives, gather, cancellation
 *     wait.h       wait, as_completed, shield, wait_for, timeouts
 *     task_group.h tasks that do not outlive a section
 *     sync.h       locks, events, conditions, semaphores, barriers
 *     with.h       with and async with: sections whose end is always reached
 *     queue.h      queues
 *     channel.h    Go's channels, and select
 *     loop.h       the loop: turns, timers, descriptors
 *     tasklet.h    tasklets and their channels: scheduled without a loop
 *     debug.h      what there is, and whether it is whole
 *
 * A whole program: two tasks, what they give, and what one of them raises
 *
 *     #include <stdio.h>
 *     #include <coroscope/coro.h>
 *
 *     static coro_value square(coro_value number)
 *     {
 *         CORO_TRY(coro_sleep(0.01));
 *         if (coro_as_int(number) > 3)
 *             return coro_raise(CORO_ValueError, "too large");
 *         return coro_int(coro_as_int(number) * coro_as_int(number));
 *     }
 *
 *     static coro_value amain(coro_value unused)
 *     {
 *         struct coro_task *small = coro_spawn(square, coro_int(3), "small");
 *         struct coro_task *large = coro_spawn(square, coro_int(4), "large");
 *         coro_value result = CORO_TRY(coro_await(small));
 *
 *         printf("small: %d\n", (int)coro_as_int(result));
 *         result = coro_await(large);
 *         if (coro_is(result, CORO_ValueError))
 *             printf("large: %s\n", coro_message(result));
 *         coro_task_free(small);
 *         coro_task_free(large);
 *         return CORO_NONE;
 *     }
 *
 *     int main(void)
 *     {
 *         return coro_run(amain, CORO_NONE);
 *     }
 *
 * Which calls wait
 *
 * Python writes `await` before all that may wait. In C most of these calls wait by themselves, and
 * give the result: coro_sleep(1), not coro_await(coro_sleep(1)). What is made to be awaited is a
 * handle, struct coro_... *, or a value that holds one, and coro_await() takes both.
 *
 *     wait by themselves
 *         coro_await, CORO_CALL, coro_suspend                                  coroutine.h
 *         coro_anext, coro_asend, coro_athrow, coro_aclose, coro_async_step_await,
 *         CORO_ASYNC_FOR, coro_async_iterate                                   async_generator.h
 *         coro_async_iterator_next, coro_async_collect, coro_async_reduce      async_iterator.h
 *         coro_gather                                                          task.h
 *         coro_wait, coro_wait_for, coro_shield                                wait.h
 *         coro_task_group_exit                                                 task_group.h
 *         coro_lock_acquire, coro_event_wait, coro_condition_wait,
 *         coro_condition_wait_for, coro_semaphore_acquire, coro_barrier_wait   sync.h
 *         CORO_ASYNC_WITH, coro_async_with: at both ends                       with.h
 *         coro_queue_put, coro_queue_get, coro_queue_join                      queue.h
 *         coro_channel_send, coro_channel_receive, coro_channel_iterate,
 *         coro_select                                                          channel.h
 *         coro_sleep, coro_wait_readable, coro_wait_writable, coro_accept,
 *         coro_recv, coro_send_all, coro_connect                               loop.h
 *
 *     give what is to be awaited, and do not wait
 *         coro_coroutine                       a coroutine; nothing of it has run
 *         coro_spawn and its like              a task; it runs from the loop's next turn on
 *         coro_task_group_spawn and its like   a value that holds a task
 *         coro_future_new                      a future
 *         coro_gather_future, coro_shield_future       futures
 *         coro_as_completed_next               a coroutine
 *
 * A function is not awaited, but what is made of it: CORO_CALL(fetch, address) is `await
 * fetch(address)`. Names that end in _nowait, and all others, do not wait. Outside of a coroutine
 * that a loop drives, a call that would have to wait raises RuntimeError. Generators, greenlets and
 * tasklets hand over by calls of their own (coro_yield, coro_greenlet_switch, coro_tasklet_schedule),
 * which are no awaiting.
 *
 * The names follow Python's and asyncio's; docs/from-asyncio.md has them side by side. The two other
 * headers of the folder are not for programs that use the runtime: probe.h is for another runtime
 * that wants to be watched, trace_abi.h for who watches.
 */
#include "handle.h"
#include "value.h"
#include "exception.h"
#include "generator.h"
#include "iterator.h"
#include "coroutine.h"
#include "async_generator.h"
#include "async_iterator.h"
#include "greenlet.h"
#include "context_variable.h"
#include "future.h"
#include "task.h"
#include "wait.h"
#include "task_group.h"
#include "sync.h"
#include "with.h"
#include "queue.h"
#include "channel.h"
#include "loop.h"
#include "tasklet.h"
#include "debug.h"

#endif
