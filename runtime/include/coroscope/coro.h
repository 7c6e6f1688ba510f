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
 * The names follow Python's and asyncio's. The two other headers of the folder are not for programs
 * that use the runtime: probe.h is for another runtime that wants to be watched, trace_abi.h for who
 * watches.
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
