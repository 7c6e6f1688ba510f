#ifndef CORO_SYNC_CHANNELS_H
#define CORO_SYNC_CHANNELS_H
/*
 * channels.h - the inside of channels: what channel.c and select.c share.
 *
 * Whoever waits does so with the cases of a select; a plain send or receive is a select of one case.
 * The cases stand on the stack of who waits, and each is on a line of its channel, first come, first
 * served:
 *
 *     channel a   senders    case <-> case        the one future of a select; whoever comes to one of
 *                              |                  its channels picks the case, takes all its cases
 *     channel b   receivers  case <-> case        from their lines, and completes the future
 *                              |
 *                            select --> future <-- task
 *
 * Invariants
 * - A case that waits is of a select that is not done, but for selects that were cancelled and have
 *   not run yet: those are passed over.
 * - Receivers wait only while the channel holds nothing and nobody waits to send; senders only while
 *   no place is free and nobody waits to receive; but one select may do both. On a closed channel
 *   nobody waits.
 * - There is room in `returned` for what each receiver may yet give back: nothing that would need
 *   memory then.
 */
#include <coroscope/channel.h>
#include "waiters.h"

struct coro__line {
	struct coro_case *first, *last;
};

struct coro_channel {
	struct coro_object object; /* OPEN, CLOSED */
	size_t capacity;
	size_t first, count; /* the ring: `count` items from `first` on */
	struct coro__line senders, receivers;

	/* What cancelled receivers gave back, in the order in which it was sent; before the ring. */
	coro_value *returned; /* owned; NULL: room is 0 */
	size_t returned_count, returned_room;
	size_t receiving; /* cases of receivers that wait, or were chosen and have not run yet */

	uint64_t loop; /* serial number of the loop whose tasks wait here; 0: none has yet */

	coro_value *items; /* owned: `capacity` of them; exceptions among them are kept */
};

/* What a select waits with; valid while it waits. */
static inline struct coro_future *coro__select_future(const struct coro__select *select)
{
	return select->wait.awaited;
}

/* A kept item arrives in who runs: from now on that one keeps it valid. */
static inline coro_value coro__item_arrive(coro_value item)
{
	if (CORO__UNLIKELY(coro_kind(item) == CORO_VALUE_EXCEPTION)) {
		coro__deliver_quietly(coro__current(), coro__raised_value(item));
		coro_drop(item);
	}
	return item;
}

static inline struct coro__line *coro__case_line(const struct coro_case *one)
{
	return one->sends ? &one->at->senders : &one->at->receivers;
}

static inline void coro__line_add(struct coro__line *line, struct coro_case *one)
{
	one->next = NULL;
	one->previous = line->last;
	if (line->last)
		line->last->next = one;
	else
		line->first = one;
	line->last = one;
	one->waits = true;
}

static inline void coro__line_remove(struct coro__line *line, struct coro_case *one)
{
	if (one->previous)
		one->previous->next = one->next;
	else
		line->first = one->next;
	if (one->next)
		one->next->previous = one->previous;
	else
		line->last = one->previous;
	one->waits = false;
}

/* Who waits longest and was not cancelled; NULL: nobody. */
static inline struct coro_case *coro__line_first(struct coro__line *line)
{
	while (CORO__UNLIKELY(line->first && coro__done(coro__select_future(line->first->select))))
		coro__line_remove(line, line->first);
	return line->first;
}

/* It would not wait. */
static inline bool coro__channel_can_send(struct coro_channel *channel)
{
	return channel &&
		   (channel->count < channel->capacity || channel->object.state == CORO_STATE_CLOSED ||
			coro__line_first(&channel->receivers));
}

static inline bool coro__channel_can_receive(struct coro_channel *channel)
{
	return channel && (channel->count || channel->returned_count ||
					   channel->object.state == CORO_STATE_CLOSED ||
					   coro__line_first(&channel->senders));
}

/* Does a case that need not wait. None, or raised. */
coro_value coro__case_run(struct coro_case *one, uintptr_t site);

/* Begins to wait until select->one is done, for what `reason` says; then go_on. Or raised. */
coro_value coro__select_wait_one(struct coro__select *select, enum coro_reason reason,
								 uintptr_t site,
								 coro_value (*go_on)(struct coro__wait *wait, coro_value sent));
/* For that: the select has ended. None, or raised: then nothing was received. */
coro_value coro__select_end(struct coro__select *select, coro_value sent);

/* The case that is done of a select whose turn it is in the line of `first`: one of its cases in that
 * line. (Rule H6) */
struct coro_case *coro__select_pick(struct coro_case *first);

static inline struct coro_case *coro__case_served(struct coro_case *first)
{
	return CORO__LIKELY(first->select->count == 1) ? first : coro__select_pick(first);
}

/* The case of a select that waits is done, by who runs now: with a sent value that is kept for the
 * receiver, or `ok` false because the channel is closed. */
void coro__select_complete(struct coro_case *chosen, coro_value value, bool ok);

/* One event of a channel; it stays in its state. `row`: who sends or receives. */
static inline void coro__channel_event(struct coro_channel *channel, unsigned kind, uint32_t row,
									   uintptr_t site, coro_value item)
{
	if (CORO__UNLIKELY(coro_probe_mask()))
		coro__event_value(&channel->object, kind, channel->object.state, row, site, item);
}

/* coro__actor_row(), where it is only for an event. */
static inline uint32_t coro__event_actor(void)
{
	return CORO__UNLIKELY(coro_probe_mask()) ? coro__actor_row() : 0;
}

#endif
