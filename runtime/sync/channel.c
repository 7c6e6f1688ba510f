/*
 * channel.c - the channel: a ring of values between two lines of waiters.
 *
 *     senders ---> [ . . 7 6 5 . ] ---> receivers
 *     wait while full              wait while empty
 *
 * There are never waiters on both sides, but for those of one select. So whoever comes looks at the
 * other side first:
 *
 *     send      somebody waits to receive   it gets the value, past the ring, which is empty
 *               there is a free place       into the ring
 *     receive   the ring holds something    the first of it; and if somebody waits to send, its
 * value goes into the place that is free now somebody waits to send      (a ring of no places) its
 * value
 *
 * Whoever waited is ready to run then, and has what it came for: nobody can be faster. A value
 * passes through the channel even where it passes by the ring: each is two events, sent and
 * received. The place of both in the program is that of whoever runs; the other one stands where it
 * waits.
 */
#include <stdlib.h>
#include <string.h>
#include "channels.h"

/* ---- Life --------------------------------------------------------------- */

struct coro_channel *coro__channel_new(size_t capacity, const char *name, const char *site)
{
	struct coro_probe_value value = {.kind = CORO_VALUE_INT, .integer = (int64_t)capacity};
	struct coro_channel *channel;

	channel = coro__slot_take_clear(CORO_OBJECT_CHANNEL, sizeof(*channel));
	if (!channel)
		return NULL;
	if (capacity && !(channel->items = calloc(capacity, sizeof(channel->items[0])))) {
		coro__slot_give(CORO_OBJECT_CHANNEL, channel);
		return NULL;
	}
	channel->capacity = capacity;
	coro_probe_object_init(&channel->object, CORO_OBJECT_CHANNEL, name, site);
	channel->object.parent = coro__actor_row();
	coro_probe_event(&channel->object, CORO_EVENT_CREATE, CORO_STATE_OPEN, channel->object.parent,
					 CORO__SITE, &value);
	return coro__handle(channel);
}

static coro_value *item_at(struct coro_channel *channel, size_t index)
{
	size_t at = channel->first + index;

	return &channel->items[at < channel->capacity ? at : at - channel->capacity];
}

void coro_channel_free(struct coro_channel *channel)
{
	if (!channel)
		return;
	CORO__CHECK_UNLESS_NULL(channel, CORO_OBJECT_CHANNEL);
	if (channel->senders.first || channel->receiving)
		coro__misused(&channel->object, "is freed while a task waits for it", CORO__CALLER);
	for (size_t i = 0; i < channel->returned_count; i++)
		coro__drop(channel->returned[i]);
	for (size_t i = 0; i < channel->count; i++)
		coro__drop(*item_at(channel, i));
	coro_probe_event(&channel->object, CORO_EVENT_DESTROY, CORO_STATE_NONE, 0, 0, NULL);
	coro_probe_object_done(&channel->object);
	free(channel->returned);
	free(channel->items);
	coro__slot_give(CORO_OBJECT_CHANNEL, channel);
}

/* ---- What need not wait ------------------------------------------------- */

static inline coro_value send_now(struct coro_channel *channel, coro_value item, uintptr_t site)
{
	struct coro_case *receiver;

	if (CORO__UNLIKELY(channel->object.state == CORO_STATE_CLOSED))
		return coro__raise_at(site, CORO_RuntimeError, "send on closed channel");
	coro__channel_event(channel, CORO_EVENT_CHANNEL_SEND, coro__event_actor(), site, item);
	receiver = coro__line_first(&channel->receivers);
	if (receiver) {
		receiver = coro__case_served(receiver);
		coro__channel_event(channel, CORO_EVENT_CHANNEL_RECV, receiver->select->row, 0, item);
		coro__select_complete(receiver, coro__keep(item), true);
		return CORO_NONE;
	}
	*item_at(channel, channel->count++) = coro__keep(item);
	return CORO_NONE;
}

/* The value of the first who waits to send, which goes on. */
static coro_value take_from_sender(struct coro_channel *channel, struct coro_case *sender)
{
	coro_value item;

	sender = coro__case_served(sender);
	item = sender->value;
	coro__channel_event(channel, CORO_EVENT_CHANNEL_SEND, sender->select->row, 0, item);
	coro__select_complete(sender, item, true);
	return item;
}

static inline coro_value take_from_ring(struct coro_channel *channel)
{
	coro_value item = channel->items[channel->first];

	if (++channel->first == channel->capacity)
		channel->first = 0;
	channel->count--;
	return item;
}

static coro_value take_returned(struct coro_channel *channel)
{
	coro_value item = channel->returned[0];

	memmove(channel->returned, channel->returned + 1,
			--channel->returned_count * sizeof(channel->returned[0]));
	return item;
}

static inline coro_value receive_now(struct coro_channel *channel, bool *ret_ok, uintptr_t site)
{
	struct coro_case *sender;
	coro_value item;

	*ret_ok = true;
	if (CORO__UNLIKELY(channel->returned_count)) {
		coro__channel_event(channel, CORO_EVENT_CHANNEL_RECV, coro__event_actor(), site,
							channel->returned[0]);
		return coro__item_arrive(take_returned(channel));
	}
	sender = coro__line_first(&channel->senders);
	if (channel->count) {
		coro__channel_event(channel, CORO_EVENT_CHANNEL_RECV, coro__event_actor(), site,
							channel->items[channel->first]);
		item = take_from_ring(channel);
		if (sender)
			*item_at(channel, channel->count++) = take_from_sender(channel, sender);
	} else if (sender) {
		item = take_from_sender(channel, sender);
		coro__channel_event(channel, CORO_EVENT_CHANNEL_RECV, coro__event_actor(), site, item);
	} else {
		*ret_ok = false;
		return CORO_NONE;
	}
	return coro__item_arrive(item);
}

coro_value coro__case_run(struct coro_case *one, uintptr_t site)
{
	if (one->sends)
		return send_now(one->at, one->value, site);
	one->value = receive_now(one->at, &one->ok, site);
	return CORO_NONE;
}

/* ---- Sending ------------------------------------------------------------ */

static coro_value sent_woken(struct coro__wait *wait, coro_value sent)
{
	return coro__select_end((struct coro__select *)wait, sent);
}

static inline coro_value send_begin(struct coro__select *select, struct coro_channel *channel,
									coro_value value, uintptr_t site)
{
	CORO_TRY(value);
	CORO_TRY(coro__may_await());
	if (coro__channel_can_send(channel))
		return send_now(channel, value, site);
	select->one.at = channel;
	select->one.value = value;
	select->one.sends = true;
	return coro__select_wait_one(select, CORO_REASON_CHANNEL_SEND, site, sent_woken);
}

coro_value coro__channel_send_begin(struct coro__select *select, struct coro_channel *channel,
									coro_value value)
{
	CORO__CHECK_UNLESS_NULL(channel, CORO_OBJECT_CHANNEL);
	return coro__wait_begun(&select->wait, send_begin(select, channel, value, CORO__SITE));
}

coro_value(coro_channel_send)(struct coro_channel *channel, coro_value value)
{
	struct coro__select select = {.wait.self = NULL};

	CORO__CHECK_UNLESS_NULL(channel, CORO_OBJECT_CHANNEL);
	return coro__wait_through(&select.wait, send_begin(&select, channel, value, CORO__SITE));
}

/* ---- Receiving ---------------------------------------------------------- */

static coro_value received_woken(struct coro__wait *wait, coro_value sent)
{
	struct coro__select *select = (struct coro__select *)wait;

	CORO_TRY(coro__select_end(select, sent));
	*select->ok = select->one.ok;
	return select->one.value;
}

static inline coro_value receive_begin(struct coro__select *select, struct coro_channel *channel,
									   bool *ret_ok, uintptr_t site)
{
	bool ok;

	/* The one in the select is there as long as it is needed. */
	if (!ret_ok)
		ret_ok = &select->one.ok;
	*ret_ok = false;
	CORO_TRY(coro__may_await());
	if (coro__channel_can_receive(channel)) {
		coro_value item = receive_now(channel, &ok, site);

		*ret_ok = ok;
		return item;
	}
	select->one.at = channel;
	select->one.sends = false;
	select->ok = ret_ok;
	return coro__select_wait_one(select, CORO_REASON_CHANNEL_RECEIVE, site, received_woken);
}

coro_value coro__channel_receive_begin(struct coro__select *select, struct coro_channel *channel,
									   bool *ret_ok)
{
	CORO__CHECK_UNLESS_NULL(channel, CORO_OBJECT_CHANNEL);
	return coro__wait_begun(&select->wait, receive_begin(select, channel, ret_ok, CORO__SITE));
}

static inline coro_value receive(struct coro_channel *channel, bool *ret_ok, uintptr_t site)
{
	struct coro__select select = {.wait.self = NULL};

	return coro__wait_through(&select.wait, receive_begin(&select, channel, ret_ok, site));
}

coro_value(coro_channel_receive)(struct coro_channel *channel, bool *ret_ok)
{
	CORO__CHECK_UNLESS_NULL(channel, CORO_OBJECT_CHANNEL);
	return receive(channel, ret_ok, CORO__SITE);
}

bool(coro_channel_iterate)(struct coro_channel *channel, coro_value *ret_value)
{
	bool ok;

	CORO__CHECK_UNLESS_NULL(channel, CORO_OBJECT_CHANNEL);
	*ret_value = receive(channel, &ok, CORO__SITE);
	return ok;
}

/* ---- Without waiting ---------------------------------------------------- */

coro_value(coro_channel_send_nowait)(struct coro_channel *channel, coro_value value)
{
	CORO__CHECK_UNLESS_NULL(channel, CORO_OBJECT_CHANNEL);
	CORO_TRY(value);
	if (!coro__channel_can_send(channel))
		return coro_bool(false);
	CORO_TRY(send_now(channel, value, CORO__SITE));
	return coro_bool(true);
}

coro_value(coro_channel_receive_nowait)(struct coro_channel *channel, coro_value *ret_value,
										bool *ret_ok)
{
	bool ok;

	CORO__CHECK_UNLESS_NULL(channel, CORO_OBJECT_CHANNEL);
	if (!coro__channel_can_receive(channel))
		return coro_bool(false);
	*ret_value = receive_now(channel, ret_ok ? ret_ok : &ok, CORO__SITE);
	return coro_bool(true);
}

/* ---- Closing ------------------------------------------------------------ */

static void tell_all(struct coro__line *line)
{
	struct coro_case *one;

	while ((one = coro__line_first(line)))
		coro__select_complete(coro__case_served(one), CORO_NONE, false);
}

coro_value(coro_channel_close)(struct coro_channel *channel)
{
	CORO__CHECK_UNLESS_NULL(channel, CORO_OBJECT_CHANNEL);
	if (!channel)
		return coro__raise_at(CORO__SITE, CORO_RuntimeError, "close of nil channel");
	if (channel->object.state == CORO_STATE_CLOSED)
		return coro__raise_at(CORO__SITE, CORO_RuntimeError, "close of closed channel");
	coro_probe_event(&channel->object, CORO_EVENT_CHANNEL_CLOSE, CORO_STATE_CLOSED,
					 coro__event_actor(), CORO__SITE, NULL);
	tell_all(&channel->receivers);
	tell_all(&channel->senders);
	return CORO_NONE;
}

/* ---- Looking ------------------------------------------------------------ */

size_t coro_channel_length(const struct coro_channel *channel)
{
	CORO__CHECK_UNLESS_NULL(channel, CORO_OBJECT_CHANNEL);
	return channel ? channel->returned_count + channel->count : 0;
}

size_t coro_channel_capacity(const struct coro_channel *channel)
{
	CORO__CHECK_UNLESS_NULL(channel, CORO_OBJECT_CHANNEL);
	return channel ? channel->capacity : 0;
}

bool coro_channel_closed(const struct coro_channel *channel)
{
	CORO__CHECK_UNLESS_NULL(channel, CORO_OBJECT_CHANNEL);
	return channel && channel->object.state == CORO_STATE_CLOSED;
}

/* ---- Checking ----------------------------------------------------------- */

static void check_line(const struct coro_channel *channel, const struct coro__line *line,
					   bool sends)
{
	const struct coro_case *previous = NULL, *one = line->first;

	for (; one; previous = one, one = one->next) {
		CORO__HOLDS(one->previous == previous, &channel->object,
					"the line of who waits for a channel is linked both ways");
		CORO__HOLDS(one->waits && one->sends == sends && one->at == channel, &channel->object,
					"who stands in a line of a channel waits there, on that side");
	}
	CORO__HOLDS(line->last == previous, &channel->object, "a line ends with the last one");
}

void coro__channel_check(const struct coro_channel *channel)
{
	CORO__HOLDS(channel->count <= channel->capacity, &channel->object,
				"a channel holds no more than its capacity");
	CORO__HOLDS(channel->returned_count + channel->receiving <= channel->returned_room ||
					!channel->receiving,
				&channel->object, "there is room for what each receiver may give back");
	for (size_t i = 0; i < channel->count; i++)
		coro__check_value(*item_at((struct coro_channel *)(uintptr_t)channel, i));
	for (size_t i = 0; i < channel->returned_count; i++)
		coro__check_value(channel->returned[i]);
	check_line(channel, &channel->senders, true);
	check_line(channel, &channel->receivers, false);
}

/* ---- For debuggers ------------------------------------------------------ */

size_t coro__channel_capacity(const struct coro_channel *channel)
{
	return channel->capacity;
}
