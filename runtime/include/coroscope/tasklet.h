#ifndef COROSCOPE_TASKLET_H
#define COROSCOPE_TASKLET_H
/*
 * tasklet.h - tasklets and their channels: Stackless Python's.
 *
 *     static coro_value prints(coro_value channel)
 *     {
 *         coro_value item;
 *
 *         while (coro_tasklet_channel_iterate(coro_as_ptr(channel), &item))
 *             printf("%" PRId64 "\n", coro_as_int(item));
 *         return item;
 *     }
 *     ...
 *     struct coro_tasklet_channel *numbers = coro_tasklet_channel_new("numbers");
 *
 *     coro_tasklet_free(coro_tasklet(prints, coro_ptr(numbers)));
 *     CORO_TRY(coro_tasklet_run_all());                                 // it waits
 *     CORO_TRY(coro_tasklet_channel_send(numbers, coro_int(1)));        // it runs, and prints
 *
 * A tasklet is a function with a stack of its own that is scheduled: those that can go on
 * are in a ring, and whoever blocks, schedules or ends hands over to the next. No
 * loop is needed, and nothing interrupts a tasklet. A thread has a main tasklet, which
 * is all that it does outside of the others.
 *
 *     runnables, the one that runs first:    main -> A -> B -> (main)
 *     channel, balance -2:                   C, D wait to receive
 *     channel, balance 1:                    E waits to send its value
 *     paused:                                F was removed, and is not inserted again
 *
 *     created --> ready <--> running --> done, failed
 *                   ^           |
 *                   +-- suspended: at a channel, or paused
 *
 * Rules of scheduling (Stackless' documentation: "Tasklets" and "The scheduler")
 * - TL1 A new tasklet is the last of the runnables. Making it runs nothing.
 * - TL2 schedule: the next one runs; who did it stays where it is in the ring, which makes
 *   it the last. schedule_remove: it leaves the ring, paused.
 * - TL3 run of a tasklet: that one runs at once, and who did it is the next after it, if it was not
 *   in the ring before. A paused one comes back so, or by insert, as the last.
 * - TL4 run_all: who does it leaves the ring, and comes back when nobody else can run.
 * - TL5 kill raises TaskletExit, and raise_exception what it is given, where the tasklet waits, and
 *   runs it at once: it leaves its channel for that. One that has not started is over.
 * - TL6 The end: the next one runs. TaskletExit ends a tasklet silently. Any other exception
 *   that leaves one is raised in whoever waits in run_all, the last that began, else in the main
 *   tasklet: at once, wherever that waits.
 * - TL7 When the last that can run would block, who waits in run_all goes on. Nobody does:
 *   RuntimeError "Deadlock: the last runnable tasklet cannot be blocked." is raised in that last
 *   one. When the last one ends instead, and the main tasklet is blocked, it is raised there:
 *   "the main tasklet is receiving without a sender available.", or sending without a receiver.
 *
 * Rules of channels (Stackless' documentation: "Channels")
 * - TC1 A channel holds no values. Its balance is how many tasklets wait: above 0 to send, below 0
 *   to receive, first come, first served.
 * - TC2 Who finds somebody waiting does not block: the value is handed over. Preference says who
 *   runs then. -1, from the beginning: the receiver; a sender that wakes one is left for it at
 *   once, and is the last of the runnables; a receiver that wakes a sender goes on. 1: the
 *   sender, the other way round. 0: whoever wakes the other goes on. Who was woken and does
 *   not run is the last of the runnables.
 * - TC3 Who finds nobody blocks, until somebody comes: TL7 says when that cannot be.
 * - TC4 A closed channel lets nobody block any more (who waits already goes on waiting): ValueError
 *   "Send/receive operation on a closed channel". It is `closing` from close to open, and `closed` when besides nobody waits.
 *
 * Together with the rest
 * - TL8 The main tasklet is the thread: all its greenlets, generators, and the loop with its
 *   tasks. A task that blocks at a tasklet's channel, or schedules, blocks its whole loop until
 *   the main tasklet runs again; what it waits for must come from another tasklet, not from a task.
 *   A loop may run in any one tasklet; while that is not the one that runs, its tasks do not.
 * - TL9 A tasklet's function is outside of all bodies: coro_yield() and coro_await() there are
 *   RuntimeError. It may resume generators; one that blocks in the middle of a step counts as
 *   executing, as in a greenlet (GL9).
 * - TL10 Tasklets and channels stay with their thread (handle.h). A channel of tasks is channel.h's.
 *
 * Beyond Python: Stackless Python 3.8, whose rules these are, down to the texts of errors.
 *
 * Handles. The one that made it owns it; coro_tasklet_free() gives it up. What is left at the end
 * of its thread is killed.
 */
#include "generator.h"

#ifdef __cplusplus
extern "C" {
#endif

struct coro_tasklet;
struct coro_tasklet_channel;

/* ---- Making and freeing ------------------------------------------------ */

/* tasklet(function)(argument): made, and the last of the runnables. NULL when memory is out. */
#define coro_tasklet(function, argument)                                                           \
	coro_tasklet_named((function), (argument), #function, CORO_SITE_HERE)

/* The same with a name of its own. `name` and `site` are borrowed and must outlive it. */
CORO_API struct coro_tasklet *coro_tasklet_named(coro_function *function, coro_value argument,
												 const char *name, const char *site);

/* Gives up the handle. One that can run, or waits at a channel, goes on, and is gone when it ends;
 * one that is paused is killed, for nobody else could run it. What it raises then goes
 * to the report handler. NULL is fine; the main tasklet cannot be freed. */
CORO_API void coro_tasklet_free(struct coro_tasklet *tasklet);

/* ---- Scheduling --------------------------------------------------------- */

/* All of these give None when it is their tasklet's turn again, or raise: what is thrown into it
 * meanwhile, what another one failed with (TL6), or a deadlock (TL7). */

/* stackless.run(): the others run until none can. (TL4) */
CORO_API coro_value coro_tasklet_run_all(void);
#define coro_tasklet_run_all() CORO__CALLED((coro_tasklet_run_all)())

/* stackless.schedule(): the next one runs. (TL2) */
CORO_API coro_value coro_tasklet_schedule(void);
#define coro_tasklet_schedule() CORO__CALLED((coro_tasklet_schedule)())

/* stackless.schedule_remove(): the same, and it is paused. */
CORO_API coro_value coro_tasklet_schedule_remove(void);
#define coro_tasklet_schedule_remove() CORO__CALLED((coro_tasklet_schedule_remove)())

/* tasklet.run(): it runs at once (TL3). RuntimeError "You cannot run a blocked tasklet", or "You
 * cannot run an unbound(dead) tasklet". */
CORO_API coro_value coro_tasklet_run(struct coro_tasklet *tasklet);
#define coro_tasklet_run(tasklet) CORO__CALLED((coro_tasklet_run)(tasklet))

/* tasklet.kill(): raises TaskletExit in it, and runs it at once (TL5). Of one that is over:
 * nothing. Of the one that runs: returns TaskletExit raised. */
CORO_API coro_value coro_tasklet_kill(struct coro_tasklet *tasklet);
#define coro_tasklet_kill(tasklet) CORO__CALLED((coro_tasklet_kill)(tasklet))

/* tasklet.raise_exception(): the same with any exception, raised or not. Of one that is
 * over: RuntimeError "You cannot throw to a dead tasklet", unless it is TaskletExit. */
CORO_API coro_value coro_tasklet_raise_exception(struct coro_tasklet *tasklet,
												 coro_value exception);
#define coro_tasklet_raise_exception(tasklet, exception)                                           \
	CORO__CALLED((coro_tasklet_raise_exception)((tasklet), (exception)))

/* tasklet.insert(): the last of the runnables, if it is not among them. Runs nothing. Errors as
 * run; None otherwise. */
CORO_API coro_value coro_tasklet_insert(struct coro_tasklet *tasklet);
#define coro_tasklet_insert(tasklet) CORO__CALLED((coro_tasklet_insert)(tasklet))

/* tasklet.remove(): pauses it. RuntimeError "You cannot remove a blocked tasklet.", or "The current
 * tasklet cannot be removed." */
CORO_API coro_value coro_tasklet_remove(struct coro_tasklet *tasklet);
#define coro_tasklet_remove(tasklet) CORO__CALLED((coro_tasklet_remove)(tasklet))

/* ---- Looking ------------------------------------------------------------ */

/* stackless.getcurrent(), getmain(). NULL when memory is out. */
CORO_API struct coro_tasklet *coro_tasklet_current(void);
CORO_API struct coro_tasklet *coro_tasklet_main(void);

/* stackless.getruncount(): how many can run, the one that runs among them. */
CORO_API size_t coro_tasklet_run_count(void);

/* tasklet.alive: it is not over. .blocked: it waits at a channel. .scheduled: it is among the
 * runnables, or blocked. .paused: alive and neither. */
CORO_API bool coro_tasklet_alive(const struct coro_tasklet *tasklet);
CORO_API bool coro_tasklet_blocked(const struct coro_tasklet *tasklet);
CORO_API bool coro_tasklet_scheduled(const struct coro_tasklet *tasklet);
CORO_API bool coro_tasklet_paused(const struct coro_tasklet *tasklet);

/* ---- Channels ----------------------------------------------------------- */

/* stackless.channel(). `name` is for the debugger, borrowed, and may be NULL. NULL when memory is
 * out. */
#define coro_tasklet_channel_new(name) coro__tasklet_channel_new((name), CORO_SITE_HERE)
CORO_API struct coro_tasklet_channel *coro__tasklet_channel_new(const char *name, const char *site);

/* Nobody may wait at it. NULL is fine. */
CORO_API void coro_tasklet_channel_free(struct coro_tasklet_channel *channel);

/* channel.send(value): None, or raised: what scheduling raises, or ValueError (TC4). A raised
 * `value` is not sent but returned, as in any other expression. */
CORO_API coro_value coro_tasklet_channel_send(struct coro_tasklet_channel *channel,
											  coro_value value);
#define coro_tasklet_channel_send(channel, value)                                                  \
	CORO__CALLED((coro_tasklet_channel_send)((channel), (value)))

/* channel.send_exception(): the receiver gets the exception (raised or not) raised. */
CORO_API coro_value coro_tasklet_channel_send_exception(struct coro_tasklet_channel *channel,
														coro_value exception);
#define coro_tasklet_channel_send_exception(channel, exception)                                    \
	CORO__CALLED((coro_tasklet_channel_send_exception)((channel), (exception)))

/* channel.receive(): what is sent, or raised as by send. */
CORO_API coro_value coro_tasklet_channel_receive(struct coro_tasklet_channel *channel);
#define coro_tasklet_channel_receive(channel) CORO__CALLED((coro_tasklet_channel_receive)(channel))

/* next(channel): the same; StopIteration when it is closing and nobody waits to send. */
CORO_API coro_value coro_tasklet_channel_next(struct coro_tasklet_channel *channel);
#define coro_tasklet_channel_next(channel) CORO__CALLED((coro_tasklet_channel_next)(channel))

/* for value in channel: true with the next value; false at the end, which a StopIteration that is
 * sent is too: `*ret_value` is then its value, or something else that was raised. */
#define coro_tasklet_channel_iterate(channel, ret_value)                                           \
	coro__iterated(coro_tasklet_channel_next(channel), (ret_value))

/* channel.balance (TC1), and .queue: the tasklet that waits first, or NULL. */
CORO_API long coro_tasklet_channel_balance(const struct coro_tasklet_channel *channel);
CORO_API struct coro_tasklet *
coro_tasklet_channel_queue(const struct coro_tasklet_channel *channel);

/* channel.preference (TC2): -1 the receiver, 1 the sender, 0 neither; beyond is as 1 and -1. */
CORO_API int coro_tasklet_channel_preference(const struct coro_tasklet_channel *channel);
CORO_API void coro_tasklet_channel_set_preference(struct coro_tasklet_channel *channel,
												  int preference);

/* channel.close(), open(), closing, closed (TC4). */
CORO_API void coro_tasklet_channel_close(struct coro_tasklet_channel *channel);
CORO_API void coro_tasklet_channel_open(struct coro_tasklet_channel *channel);
CORO_API bool coro_tasklet_channel_closing(const struct coro_tasklet_channel *channel);
CORO_API bool coro_tasklet_channel_closed(const struct coro_tasklet_channel *channel);

#ifdef __cplusplus
}
#endif
#endif
