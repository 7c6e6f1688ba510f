#ifndef COROSCOPE_LOOP_H
#define COROSCOPE_LOOP_H
/*
 * loop.h - the event loop: what runs next, and when to sleep.
 *
 * A loop runs handles: a step of a task, a callback. They wait in the ready queue,
 * first in, first out. The loop works in turns, and a turn is (rule L2):
 *
 *     1. how long may I sleep?   not at all when something is ready,
 *                                else until the first timer, else for ever
 *     2. ask the selector        descriptors that became ready wake their tasks
 *     3. due timers              go to the end of the ready queue
 *     4. run                     exactly what is ready now; what that adds, waits
 *                                for the next turn
 *
 * Most programs need one line of this header:
 *
 *     int main(void) { return coro_run(amain, CORO_NONE); }
 *
 * Invariants
 * - A thread runs at most one loop at a time, and a loop stays on its thread.
 * - Loop time never goes back, and stands still while a debugger holds the program.
 * - A loop that can never run anything again says so: coro_loop_run_until_complete
 *   raises a RuntimeError that names who waits for what.
 * - Nothing here depends on addresses, on hash order or on chance, so with virtual
 *   time a program does the same each time that it runs.
 *
 * Ownership: a loop belongs to who made it. Its tasks end with it, and their handles are stale
 * then (handle.h). Callbacks belong to the loop; a struct coro_handle is a name of one.
 *
 * Times are seconds, as float, on the loop's own clock (coro_loop_time).
 *
 * Rules L1-L9. Manual: "Event Loop" of Python's asyncio.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include "coroutine.h"

#ifdef __cplusplus
extern "C" {
#endif

struct coro_context;
struct coro_loop;
struct coro_task;

/* ---- A whole program (rule L9) ------------------------------------------ */

/* Runs coroutine `fn(arg)` as the main task of a new loop until it is done, cancels
 * and awaits the tasks that are left, in creation order, closes the async generators that
 * are left, and frees the loop. So what such tasks were given must outlive `fn`: its own variables
 * are gone when they are cancelled.
 * Returns the exit status: 0, or 1 after an exception nobody handled, which is
 * printed to stderr with the calls that it came through. (asyncio.run, rules L8, L9) */
#define coro_run(fn, arg)                                                                          \
	__extension__({                                                                                \
		int coro__status = coro__run((fn), (arg), #fn, CORO_SITE_HERE);                            \
		__asm__ volatile(""); /* a call, even where its status is returned at once */              \
		coro__status;                                                                              \
	})
CORO_API int coro__run(coro_function *fn, coro_value arg, const char *name, const char *site);

/* ---- A loop of one's own (rules L2, L6) --------------------------------- */

struct coro_environment;

struct coro_loop_options {
	/* Time stands still while anything can run, and jumps to the next timer when
	 * nothing can. Also chosen by COROSCOPE_TIME=virtual in the environment. */
	bool virtual_time;
	/* Where time, chance and readiness come from; NULL: the system. Owned by the
	 * loop, once there is one. */
	struct coro_environment *environment;
};

/* A new loop; `options` may be NULL. NULL with errno when the system refuses (no
 * descriptors, no memory). The first loop of a thread, while there is one, is its
 * current loop. `options` is copied. (asyncio.new_event_loop) */
CORO_API struct coro_loop *coro_loop_new(const struct coro_loop_options *options);

/* Ends the loop: tasks that are not done are cancelled and run until they are, in
 * creation order; async generators that are left are closed; tasks that refuse are reported
 * and closed; then all tasks are freed, with the
 * handles and descriptors. The loop must not be running. NULL is allowed. (rule L9) */
CORO_API void coro_loop_free(struct coro_loop *loop);

/* The same without cancelling anything: tasks that are not done are reported (Task was destroyed but
 * it is pending!), and their coroutines closed: handles that these ask for then are none, and they cannot
 * sleep. What else there is of the program's (futures, locks,
 * groups) is freed after the loop then, if tasks may still hold it. (loop.close) */
CORO_API void coro_loop_close(struct coro_loop *loop);

/* The loop that runs on this thread, else the thread's first one, else NULL. Borrowed.
 * (asyncio.get_event_loop) */
CORO_API struct coro_loop *coro_loop_current(void);

/* Runs turns until `awaitable` (a coroutine, which becomes a task, a task or a future)
 * is done. Returns its result, or raised: its exception, or DeadlockError when the loop
 * can never run anything again: it names who waits for what, and for whom, and who waits for each
 * other. Some who wait for each other while others go on are no error, for somebody may cancel
 * them: as the last of them begins to wait for a task (shielded or not) or a lock, they are reported
 * (CORO_REPORT_CYCLE), unless one of them is in a timeout.
 * (loop.run_until_complete, rules L6, L8) */
CORO_API coro_value coro_loop_run_until_complete(struct coro_loop *loop, coro_value awaitable);

/* Cancels the tasks that are not done, in creation order, and runs until they are;
 * errors that they raise go to the report handler. Returns none, or raised when they
 * wait for each other for ever, or MemoryError. What asyncio.run does at its end. (rule L9) */
CORO_API coro_value coro_loop_cancel_all(struct coro_loop *loop);

/* ---- Handles (rules L1-L4) ---------------------------------------------- */

/* A callback that the loop will run once. The name may be copied, and kept as long as one
 * likes: it knows when the callback is over. */
struct coro_handle {
	void *memory;
	uint64_t serial;
};

/* Runs callback(arg) at the end of the ready queue. A raised result goes to the report
 * handler, and the loop goes on. When memory is out, or the loop is closed, nothing will run:
 * `memory` is NULL. (loop.call_soon, rules L1, L5) */
CORO_API struct coro_handle coro_loop_call_soon(struct coro_loop *loop, coro_function *callback,
												coro_value arg);
/* The same after `delay` seconds. (loop.call_later, rules L2, L3) */
CORO_API struct coro_handle coro_loop_call_later(struct coro_loop *loop, double delay,
												 coro_function *callback, coro_value arg);
/* The same when coro_loop_time() reaches `when`. Ties run in the order of the calls.
 * (loop.call_at, rules L2, L3) */
CORO_API struct coro_handle coro_loop_call_at(struct coro_loop *loop, double when,
											  coro_function *callback, coro_value arg);

/* The same in a context (context_variable.h); NULL, as above: in a copy of the current one. */
CORO_API struct coro_handle coro_loop_call_soon_in_context(struct coro_loop *loop,
														   coro_function *callback, coro_value arg,
														   struct coro_context *context);
CORO_API struct coro_handle coro_loop_call_later_in_context(struct coro_loop *loop, double delay,
															coro_function *callback, coro_value arg,
															struct coro_context *context);
CORO_API struct coro_handle coro_loop_call_at_in_context(struct coro_loop *loop, double when,
														 coro_function *callback, coro_value arg,
														 struct coro_context *context);

/* Takes it back. True; false when it ran or was cancelled already: then nothing happens. (rule L4) */
CORO_API bool coro_handle_cancel(struct coro_handle handle);

/* Seconds on the loop's clock, whose beginning is any. (loop.time) */
CORO_API double coro_loop_time(struct coro_loop *loop);

/* Lets virtual time pass: the computation that stands here took so long. Does nothing
 * to real time. Beyond Python: time that does not pass by itself. */
CORO_API void coro_loop_advance(struct coro_loop *loop, double seconds);

/* Turns begun so far, and handles in the ready queue. (rule L2) */
CORO_API uint64_t coro_loop_turns(const struct coro_loop *loop);
CORO_API size_t coro_loop_ready(const struct coro_loop *loop);

/* Called at the beginning of each turn with the number of handles in the ready queue; timers that
 * are due come to them only after that. NULL: nobody. `context` is borrowed. (rule L2) */
typedef void (*coro_turn_observer)(struct coro_loop *loop, size_t handles, void *context);
CORO_API void coro_loop_observe_turns(struct coro_loop *loop, coro_turn_observer observer,
									  void *context);

/* Handles that run for `seconds` of loop time or longer are reported (CORO_REPORT_SLOW); 0: none
 * are. Of asyncio's debug mode. (loop.slow_callback_duration, rule L7) */
CORO_API void coro_loop_set_slow(struct coro_loop *loop, double seconds);

/* Tasks begin within the call that spawns them, up to their first suspension, once the loop
 * runs. (asyncio.eager_task_factory, rule T7) */
CORO_API void coro_loop_set_eager(struct coro_loop *loop, bool eager);

/* ---- Waiting (rule T2) -------------------------------------------------- */

/* Suspends the calling task. 0 or less: for one turn. Otherwise until loop time has
 * gone on so far. Returns none, or raised (CancelledError; ValueError for NaN; RuntimeError when no
 * loop runs; MemoryError). (asyncio.sleep, rule T2) */
CORO_API coro_value coro_sleep(double seconds);

/* ---- Descriptors (rule L2) ---------------------------------------------- */

/* Suspends the calling task until descriptor `fd` can be read or written without
 * blocking (or has an error or an end to tell). One task may wait for each direction:
 * RuntimeError for a second. None, or raised: OSError when it cannot be watched, CancelledError,
 * MemoryError. Regular files are always ready. (loop.add_reader) */
CORO_API coro_value coro_wait_readable(int fd);
CORO_API coro_value coro_wait_writable(int fd);

/* The calls below take non-blocking descriptors, try the call first, and suspend only
 * when it would block. Each one raises OSError with the system's text, whose value
 * is errno; CancelledError; RuntimeError when it would wait and no loop runs. Buffers are borrowed
 * until the call returns. */

/* A connection's descriptor (int), non-blocking, close-on-exec: yours. (loop.sock_accept) */
CORO_API coro_value coro_accept(int listener);
/* Bytes received (int), at most `size`, 0 at the end of the stream. (loop.sock_recv_into) */
CORO_API coro_value coro_recv(int fd, void *buffer, size_t size);
/* None, when all `size` bytes are sent. A peer that is gone is an OSError, never SIGPIPE.
 * (loop.sock_sendall) */
CORO_API coro_value coro_send_all(int fd, const void *bytes, size_t size);
/* None, when the connection stands. (loop.sock_connect) */
CORO_API coro_value coro_connect(int fd, const struct sockaddr *address, socklen_t length);
/* Closes a descriptor that the loop may have watched. A task that still waits for it
 * gets an OSError (EBADF). Use this and not close(): the selector must forget it.
 * (loop.remove_reader) */
CORO_API void coro_close_descriptor(int fd);

/* ---- The environment (beyond Python: selector and clock in one) --------- */

/* Everything that a loop learns from outside comes through this one interface: time,
 * chance and readiness. Real and virtual time are two of its implementations. */

enum { CORO_READABLE = 1, CORO_WRITABLE = 2 };

struct coro_readiness {
	int fd;
	unsigned directions; /* CORO_READABLE | CORO_WRITABLE */
};

struct coro_environment_operations {
	/* Nanoseconds since any beginning; never goes back. */
	int64_t (*now)(struct coro_environment *environment);
	/* 64 random bits. */
	uint64_t (*random)(struct coro_environment *environment);
	/* The computation took so long; NULL: nothing to do. */
	void (*advance)(struct coro_environment *environment, int64_t nanoseconds);
	/* Report `fd` from now on, once per edge, both directions, beginning with what it
	 * is now. Called again for a watched one: report anew what it is. 0, or -errno;
	 * -EPERM: it is always ready. */
	int (*watch)(struct coro_environment *environment, int fd);
	void (*forget)(struct coro_environment *environment, int fd);
	/* Sleeps until a descriptor is ready, or for `timeout` nanoseconds (-1: for ever). Not called
	 * when there is work at hand and no task waits for a descriptor.
	 * `idle`: no task waits for a descriptor. Fills at most `limit` reports and returns
	 * how many, or -errno. */
	int (*wait)(struct coro_environment *environment, int64_t timeout, bool idle,
				struct coro_readiness *ret_reports, int limit);
	void (*free)(struct coro_environment *environment);
};

/* The beginning of each implementation's own structure. */
struct coro_environment {
	const struct coro_environment_operations *operations;
};

/* The system's time, chance and descriptors; or the same with virtual time. Yours until a loop
 * takes it. NULL with errno on failure. */
CORO_API struct coro_environment *coro_environment_real(void);
CORO_API struct coro_environment *coro_environment_virtual(void);

/* The step up of a task that lets the others run, but for the switch: as coro__step_up(). NULL:
 * it is not that simple. */
CORO__INLINE struct coro_generator *coro__step_aside(void)
{
	struct coro_generator *self = coro__active.current;

	if (CORO__UNLIKELY(!self || self->object.kind != CORO_OBJECT_COROUTINE ||
					   coro__somebody_looks()))
		return NULL;
	self->object.state = CORO_STATE_SUSPENDED;
	coro__active.current = self->root->resumer;
	return self;
}

/* Calls that stay calls, see CORO__CALLED. */
#define coro_sleep(seconds) CORO__SLEEP(seconds, CORO__NAME(time), CORO__NAME(self))
#define CORO__SLEEP(seconds, time, self)                                                           \
	__extension__({                                                                                \
		double time = (seconds);                                                                   \
		struct coro_generator *self = time <= 0 ? coro__step_aside() : NULL;                       \
		CORO__CALLED(self ? coro__switch(&self->sp, self->root->resumer_sp, CORO_NONE)             \
						  : (coro_sleep)(time));                                                   \
	})
#define coro_wait_readable(fd)            CORO__CALLED((coro_wait_readable)((fd)))
#define coro_wait_writable(fd)            CORO__CALLED((coro_wait_writable)((fd)))
#define coro_accept(listener)             CORO__CALLED((coro_accept)((listener)))
#define coro_recv(fd, buffer, size)       CORO__CALLED((coro_recv)((fd), (buffer), (size)))
#define coro_send_all(fd, bytes, size)    CORO__CALLED((coro_send_all)((fd), (bytes), (size)))
#define coro_connect(fd, address, length) CORO__CALLED((coro_connect)((fd), (address), (length)))

#ifdef __cplusplus
}
#endif
#endif
