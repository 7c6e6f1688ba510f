#ifndef COROSCOPE_CORO_H
#define COROSCOPE_CORO_H
/*
 * coro.h - all of coroscope's runtime. In the order to read it:
 *
 *     handle.h     what names objects, and how a wrong name is found out
 *     value.h      what is passed around
 *     exception.h  raising, catching, Python's hierarchy of exceptions
 *     generator.h  generators: next, send, throw, close, yield, yield from
 *     coroutine.h  coroutines and await
 *     async_generator.h   generators that await
 *     future.h     a result that is not there yet
 *     task.h       coroutines that a loop drives, gather, cancellation
 *     wait.h       wait, as_completed, shield, wait_for, timeouts
 *     task_group.h tasks that do not outlive a section
 *     sync.h       locks, events, conditions, semaphores, barriers
 *     queue.h      queues
 *     channel.h    Go's channels, and select
 *     loop.h       the loop: turns, timers, descriptors
 *     debug.h      what there is, and whether it is whole
 *
 * The names follow Python's and asyncio's.
 */
#include "handle.h"
#include "value.h"
#include "exception.h"
#include "generator.h"
#include "coroutine.h"
#include "async_generator.h"
#include "future.h"
#include "task.h"
#include "wait.h"
#include "task_group.h"
#include "sync.h"
#include "queue.h"
#include "channel.h"
#include "loop.h"
#include "debug.h"

#endif
