#ifndef COROSCOPE_CHANNEL_H
#define COROSCOPE_CHANNEL_H
/*
 * channel.h - Go's channels: handing values from task to task, and waiting for several at once.
 *
 * A channel with a capacity holds so many values, first in, first out. One without (capacity 0)
 * holds none: whoever sends waits until somebody receives, and the two meet.
 *
 *     sender --send--> [ 3 | 2 | 1 ] --receive--> receiver        capacity 3
 *     sender --send--------------------receive--> receiver        capacity 0
 *
 * The sender says when there will be no more, by closing the channel; receivers find out when they
 * have got everything that was sent:
 *
 *     CORO_CHANNEL_FOR (job, jobs)
 *         CORO_TRY(work(job));
 *
 * A select waits for the first of several communications that can proceed:
 *
 *     struct coro_case cases[] = {coro_case_receive(jobs), coro_case_send(results, result)};
 *
 *     switch (coro_as_int(CORO_TRY(coro_select(cases, 2)))) {
 *     case 0: ... cases[0].value, and cases[0].ok: false when `jobs` is closed
 *     case 1: ... the result was sent
 *     }
 *
 * Invariants
 * - H1 [Channel types] Values are received in the order in which they were sent. A buffered channel
 *   is sent on without waiting while it is not full, and received from while it is not empty. On an
 *   unbuffered one a communication succeeds when both sides are ready. NULL is the nil channel: it
 *   is never ready, so who sends or receives on it waits for ever.
 * - H2 [Send statements] Sending on a closed channel raises RuntimeError "send on closed channel";
 *   so it does in who waits to send when the channel is closed.
 * - H3 [Receive operator] A closed channel gives what was sent before, and then, at once and for
 *   ever, None with ok false.
 * - H4 [Close] Closing wakes all who wait. RuntimeError "close of closed channel", "close of nil
 *   channel".
 * - H5 [Select statements] Of the cases that can proceed one is chosen and done, and no other; if
 *   there is none, the default (coro_select_nowait), else it waits for the first. A case on a closed
 *   channel can proceed: a receive as H3 has it, a send raises if it is chosen. A case on NULL never
 *   can. A select that has no other case waits for ever. A channel may be in several cases, on both
 *   sides; a select never communicates with itself.
 * - H6 [Select statements] The choice is fair, and the same in each run. The choices of a loop are
 *   counted from 0, those among one case excepted. Choice number n among k cases, in the order in
 *   which they stand, takes number
 *
 *       (n mod k + mix(n div k)) mod k        mix: what splitmix64 makes of a state
 *
 *   so that k choices in a row, from a multiple of k on, take each of k cases once; and as each such
 *   round begins somewhere else, programs whose selects alternate in some pattern do not take the
 *   same one each time. A select that waits does so, for one that comes to a channel, with all its
 *   cases on that side of it; when it is its turn a choice is made among these.
 * - H7 Who waits is served in the order in which they came, one side for each one of the other that
 *   comes: the value is handed over right then, and nobody who comes later can have it, although the
 *   waiter only runs in the next turn.
 * - H8 A waiter that is cancelled has not communicated; unless its partner had come before the
 *   request, while it had not run yet (rule K6). Then it raises CancelledError all the same, and no
 *   value is lost: one that was sent stays sent; one that was received goes to the receiver that
 *   waits longest, or back to the front of the channel, before what came after it. (So a channel may
 *   hold more than its capacity for a while.)
 * - H9 [Length and capacity] The length is the number of values that it holds. Of NULL both are 0.
 *
 * A deadlock is what the loop makes of waits that cannot end: DeadlockError, naming channel and side.
 *
 * Values are borrowed as everywhere: what a pointer or string points to must live until it was
 * received. Exceptions are kept meanwhile. All tasks of a channel are of one loop; not for threads.
 *
 * In brackets stands the section of the Go Programming Language Specification, go.dev/ref/spec.
 *
 * Rules H1-H9. Beyond Python: Go's channels.
 */
#include <stdbool.h>
#include <stddef.h>
#include "coroutine.h"

#ifdef __cplusplus
extern "C" {
#endif

struct coro_channel;
struct coro__select;

/* ---- Life --------------------------------------------------------------- */

/* An open channel, empty, for `capacity` values; 0: unbuffered. Yours: free it with
 * coro_channel_free(). NULL when memory is out. (H1) */
#define coro_channel_new(capacity) coro__channel_new((capacity), NULL, CORO_SITE_HERE)
/* The same with a name, which is for the debugger, borrowed, and may be NULL. */
#define coro_channel_new_named(capacity, name) coro__channel_new((capacity), (name), CORO_SITE_HERE)
CORO_API struct coro_channel *coro__channel_new(size_t capacity, const char *name,
												const char *site);

/* Frees it. Nobody may wait for it, nor have been handed a value and not have run yet. It need not be closed;
 * values in it are dropped. NULL is allowed. */
CORO_API void coro_channel_free(struct coro_channel *channel);

/* From now on nothing can be sent. None, or raised (H4). Does not wait. */
CORO_API coro_value coro_channel_close(struct coro_channel *channel);

/* ---- Sending and receiving ---------------------------------------------- */

/* Sends, waiting for a receiver or a free place. None, or raised: RuntimeError (H2), CancelledError
 * (H8). A raised `value` is not sent but returned. */
CORO_API coro_value coro_channel_send(struct coro_channel *channel, coro_value value);

/* Receives, waiting for a value. *ret_ok, unless ret_ok is NULL: true when it was sent; false: None,
 * as the channel is closed and empty (H3). Or raised (CancelledError), ok false. */
CORO_API coro_value coro_channel_receive(struct coro_channel *channel, bool *ret_ok);

/* The same without waiting: a select with one case and a default. True when it was done, False when
 * it would have to wait; or raised, as above. Also for who cannot await. */
CORO_API coro_value coro_channel_send_nowait(struct coro_channel *channel, coro_value value);
/* *ret_value: what came, and *ret_ok (or NULL) as above; untouched when it would have to wait. */
CORO_API coro_value coro_channel_receive_nowait(struct coro_channel *channel,
												coro_value *ret_value, bool *ret_ok);

/* Go's `for value := range channel`: true with the next value; false when the channel is closed and
 * empty: `*ret_value` is then None; or something raised. [For statements with range clause] */
CORO_API bool coro_channel_iterate(struct coro_channel *channel, coro_value *ret_value);

/* The same as a loop of its own, for functions that return a coro_value: what is raised
 * (CancelledError) is returned, as by CORO_TRY, so no error is lost. [For statements with range
 * clause] */
#define CORO_CHANNEL_FOR(value, channel)                                                           \
	CORO__CHANNEL_FOR(value, channel, CORO__NAME(source), CORO__NAME(once), CORO__NAME(more))
#define CORO__CHANNEL_FOR(value, channel, source, once, more)                                      \
	for (struct coro_channel *source = (channel), **once = &source; once; once = NULL)             \
		for (coro_value value; __extension__({                                                     \
				 bool more = coro_channel_iterate(source, &value);                                 \
				 if (!more)                                                                        \
					 (void)CORO_TRY(value);                                                        \
				 more;                                                                             \
			 });)

/* ---- Looking ------------------------------------------------------------ */

/* How many values it holds, and how many it is for; 0 of NULL. (H9) */
CORO_API size_t coro_channel_length(const struct coro_channel *channel);
CORO_API size_t coro_channel_capacity(const struct coro_channel *channel);
/* coro_channel_close() was called; it may still hold values. */
CORO_API bool coro_channel_closed(const struct coro_channel *channel);

/* ---- Select ------------------------------------------------------------- */

/* One case. It must stay where it is until the select returns; then it can be used again. */
struct coro_case {
	struct coro_channel *channel; /* borrowed; NULL: never ready */
	coro_value value;             /* to send; of a chosen receive: what came */
	bool sends;                   /* else it receives */
	bool ok;                      /* of a chosen receive: `value` was sent; false: closed */

	/* The select's own. While it waits: on exactly one of the channel's two lines. */
	struct coro_channel *at; /* the channel's address */
	bool waits;
	struct coro_case *next, *previous;
	struct coro__select *select;
};

/* The case that receives from `channel`; and the one that sends `value` to it. NULL: never. (H5) */
CORO__INLINE struct coro_case coro_case_receive(struct coro_channel *channel)
{
	struct coro_case result = {channel, CORO_NONE, false, false, NULL, false, NULL, NULL, NULL};

	return result;
}
CORO__INLINE struct coro_case coro_case_send(struct coro_channel *channel, coro_value value)
{
	struct coro_case result = {channel, value, true, false, NULL, false, NULL, NULL, NULL};

	return result;
}

/* Does one of the cases, the first that can proceed (H5, H6). Its index (int); or raised:
 * RuntimeError when it chose to send on a closed channel, CancelledError (H8). A raised value in a
 * case is returned, and nothing done. */
CORO_API coro_value coro_select(struct coro_case *cases, size_t count);

/* The same with a default: CORO_SELECT_DEFAULT when none can proceed. Also for who cannot await. */
enum { CORO_SELECT_DEFAULT = -1 };
CORO_API coro_value coro_select_nowait(struct coro_case *cases, size_t count);

/* A call that may wait, and what it waits with. It stands with who waits. */
struct coro__select {
	struct coro__wait wait;
	struct coro_case *cases; /* what they send is kept while they wait */
	size_t count;
	struct coro_case *chosen; /* NULL: none yet */
	uint32_t row;             /* who waits, for events */
	bool *ok;                 /* of a plain receive: where to tell whether the value was sent */
	struct coro_case one;     /* of a plain send or receive: all the cases that it has */
};

CORO_API coro_value coro__channel_send_begin(struct coro__select *select,
											 struct coro_channel *channel, coro_value value);
CORO_API coro_value coro__channel_receive_begin(struct coro__select *select,
												struct coro_channel *channel, bool *ret_ok);
CORO_API coro_value coro__select_begin(struct coro__select *select, struct coro_case *cases,
									   size_t count);

/* See CORO__WAIT. */
#define CORO__SELECT(...) CORO__SELECT2(CORO__NAME(select), CORO__NAME(given), __VA_ARGS__)
#define CORO__SELECT2(select, given, begin, ...)                                                   \
	__extension__({                                                                                \
		struct coro__select select;                                                                \
		select.wait.self = NULL;                                                                   \
		coro_value given = begin(&select, __VA_ARGS__);                                            \
		CORO__WAIT_THROUGH(select.wait, given);                                                    \
		given;                                                                                     \
	})
#define coro_channel_send(channel, value) CORO__SELECT(coro__channel_send_begin, (channel), (value))
#define coro_channel_receive(channel, ret_ok)                                                      \
	CORO__SELECT(coro__channel_receive_begin, (channel), (ret_ok))
#define coro_select(...) CORO__SELECT(coro__select_begin, __VA_ARGS__)
#define coro_channel_iterate(channel, ret_value)                                                   \
	CORO__CHANNEL_ITERATE(CORO__NAME(ok), channel, ret_value)
#define CORO__CHANNEL_ITERATE(ok, channel, ret_value)                                              \
	__extension__({                                                                                \
		bool ok;                                                                                   \
		*(ret_value) = CORO__SELECT(coro__channel_receive_begin, (channel), &ok);                  \
		ok;                                                                                        \
	})

/* Calls that stay calls, see CORO__CALLED. */
#define coro_channel_close(channel) CORO__CALLED((coro_channel_close)((channel)))
#define coro_channel_send_nowait(channel, value)                                                   \
	CORO__CALLED((coro_channel_send_nowait)((channel), (value)))
#define coro_channel_receive_nowait(channel, ret_value, ret_ok)                                    \
	CORO__CALLED((coro_channel_receive_nowait)((channel), (ret_value), (ret_ok)))
#define coro_select_nowait(...) CORO__CALLED((coro_select_nowait)(__VA_ARGS__))

#ifdef __cplusplus
}
#endif
#endif
