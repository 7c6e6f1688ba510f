/*
 * tasklet_channel.c - where tasklets meet: a ring of those that wait, all on the same side.
 *
 *     balance  2    ring: E, F wait to send, each with its value in its own hand
 *              0    ring: nobody
 *             -2    ring: C, D wait to receive
 *
 * Sending and receiving are the same, with `side` 1 and -1: whoever comes finds the other side
 * waiting, when balance and side have different signs, or joins the ring.
 */
#include "tasklets.h"

struct coro_tasklet_channel {
	struct coro_object object;
	struct coro_generator *waiting; /* ring: balance of them, or -balance */
	long balance;
	int preference;
	bool closing;
};

/* ---- Life ---------------------------------------------------------------- */

struct coro_tasklet_channel *coro__tasklet_channel_new(const char *name, const char *site)
{
	struct coro_tasklet_channel *channel =
		coro__slot_take_clear(CORO__SLOT_TASKLET_CHANNEL, sizeof(*channel));

	if (!channel)
		return NULL;
	channel->preference = -1;
	coro_probe_object_init(&channel->object, CORO_OBJECT_CHANNEL, name, site);
	channel->object.parent = coro__current_row();
	coro_probe_event(&channel->object, CORO_EVENT_CREATE, CORO_STATE_OPEN, channel->object.parent,
					 CORO__SITE, NULL);
	return coro__handle(channel);
}

void coro_tasklet_channel_free(struct coro_tasklet_channel *channel)
{
	if (!channel)
		return;
	CORO__CHECK(channel, CORO__SLOT_TASKLET_CHANNEL);
	if (channel->waiting)
		coro__misused(&channel->object, "is freed while a tasklet waits for it", CORO__CALLER);
	coro_probe_event(&channel->object, CORO_EVENT_DESTROY, CORO_STATE_NONE, 0, 0, NULL);
	coro_probe_object_done(&channel->object);
	coro__slot_give(CORO__SLOT_TASKLET_CHANNEL, channel);
}

/* ---- Waiting ------------------------------------------------------------- */

static void item_in(struct coro_tasklet_channel *channel, uint32_t who, uintptr_t site,
					coro_value value)
{
	coro__event_value(&channel->object, CORO_EVENT_CHANNEL_SEND, channel->object.state, who, site,
					  value);
}

static void item_out(struct coro_tasklet_channel *channel, uint32_t who, uintptr_t site,
					 coro_value value)
{
	coro__event_value(&channel->object, CORO_EVENT_CHANNEL_RECV, channel->object.state, who, site,
					  value);
}

static void leave(struct coro_generator *body)
{
	struct coro_tasklet_channel *channel = coro__tasklet_part(body)->channel;

	coro__ring_remove(&channel->waiting, body);
	channel->balance -= channel->balance > 0 ? 1 : -1;
	coro__tasklet_part(body)->channel = NULL;
}

void coro__tasklet_leave_channel(struct coro_generator *body)
{
	struct coro__tasklet *own = coro__tasklet_part(body);

	if (own->channel->balance > 0)
		item_out(own->channel, 0, 0, own->value);
	leave(body);
	own->value = CORO_NONE;
}

bool coro__tasklet_is_sending(const struct coro_generator *body)
{
	return coro__tasklet_part(body)->channel->balance > 0;
}

/* ---- Meeting ------------------------------------------------------------- */

/* Somebody waits: gives what whoever came gets of it, and `*ret_peer`, who can run now. */
static coro_value meet(struct coro_tasklet_channel *channel, const struct coro_generator *self,
					   coro_value value, int side, uintptr_t site, struct coro_generator **ret_peer)
{
	struct coro_generator *peer = channel->waiting;
	coro_value got = CORO_NONE;

	leave(peer);
	if (side > 0) {
		item_in(channel, self->object.row, site, value);
		item_out(channel, peer->object.row, coro__tasklet_part(peer)->site, value);
		coro__tasklet_give(peer, value);
	} else {
		got = coro__tasklet_part(peer)->value;
		coro__tasklet_part(peer)->value = CORO_NONE;
		item_out(channel, self->object.row, site, got);
	}
	*ret_peer = peer;
	return got;
}

/* TC2: the peer is the last of the runnables, or runs at once. */
static coro_value proceed(struct coro__tasklets *tasklets, struct coro_tasklet_channel *channel,
						  struct coro_generator *peer, coro_value got, int side, uintptr_t site)
{
	struct coro_generator *self = tasklets->current;

	coro__tasklet_stops(tasklets, site);
	coro__tasklet_give(self, got);
	if (channel->preference != -side) {
		coro__tasklet_wakes(tasklets, peer, channel->object.row);
		coro__tasklet_part(self)->value = CORO_NONE;
		return got;
	}
	coro__tasklet_is_ready(tasklets, site);
	/* Directly behind the one that runs. */
	tasklets->runnables = coro__tasklet_part(self)->next;
	coro__tasklet_wakes(tasklets, peer, channel->object.row);
	return coro__tasklet_go(tasklets, peer);
}

static coro_value act(struct coro_tasklet_channel *channel, coro_value value, int side,
					  uintptr_t site)
{
	struct coro__tasklets *tasklets = coro__tasklets_need();
	struct coro_generator *self, *peer;
	coro_value got;

	if (!tasklets)
		return coro__deliver(coro__raise_at(site, CORO_MemoryError, "out of memory"), site);
	self = tasklets->current;
	if (side > 0 ? channel->balance < 0 : channel->balance > 0) {
		got = meet(channel, self, value, side, site, &peer);
		return proceed(tasklets, channel, peer, got, side, site);
	}
	if (channel->closing)
		return coro__raise_text(CORO_ValueError, "Send/receive operation on a closed channel", "",
								site);
	if (side > 0)
		item_in(channel, self->object.row, site, value);
	coro__tasklet_stops(tasklets, site);
	coro__tasklet_waits(tasklets, channel->object.row, site);
	coro__ring_append(&channel->waiting, self);
	coro__tasklet_part(self)->channel = channel;
	coro__tasklet_part(self)->value = side > 0 ? value : CORO_NONE;
	channel->balance += side;
	return coro__tasklet_block(tasklets);
}

coro_value(coro_tasklet_channel_send)(struct coro_tasklet_channel *channel, coro_value value)
{
	CORO__CHECK(channel, CORO__SLOT_TASKLET_CHANNEL);
	if (coro_raised(value))
		return value;
	return act(channel, value, 1, CORO__SITE);
}

coro_value(coro_tasklet_channel_send_exception)(struct coro_tasklet_channel *channel,
												coro_value exception)
{
	CORO__CHECK(channel, CORO__SLOT_TASKLET_CHANNEL);
	if (coro_kind(exception) != CORO_VALUE_EXCEPTION)
		return coro__raise_text(CORO_TypeError, "exceptions must be classes, or instances, not ",
								coro_type_name(exception), CORO__SITE);
	return act(channel, coro__raised_value(exception), 1, CORO__SITE);
}

coro_value(coro_tasklet_channel_receive)(struct coro_tasklet_channel *channel)
{
	CORO__CHECK(channel, CORO__SLOT_TASKLET_CHANNEL);
	return act(channel, CORO_NONE, -1, CORO__SITE);
}

coro_value(coro_tasklet_channel_next)(struct coro_tasklet_channel *channel)
{
	CORO__CHECK(channel, CORO__SLOT_TASKLET_CHANNEL);
	if (channel->closing && channel->balance <= 0)
		return coro__deliver(coro__raise_value_at(CORO__SITE, CORO_StopIteration, CORO_NONE),
							 CORO__SITE);
	return act(channel, CORO_NONE, -1, CORO__SITE);
}

/* ---- Looking, and choices ------------------------------------------------ */

long coro_tasklet_channel_balance(const struct coro_tasklet_channel *channel)
{
	CORO__CHECK(channel, CORO__SLOT_TASKLET_CHANNEL);
	return channel->balance;
}

struct coro_tasklet *coro_tasklet_channel_queue(const struct coro_tasklet_channel *channel)
{
	CORO__CHECK(channel, CORO__SLOT_TASKLET_CHANNEL);
	return coro__handle(channel->waiting);
}

int coro_tasklet_channel_preference(const struct coro_tasklet_channel *channel)
{
	CORO__CHECK(channel, CORO__SLOT_TASKLET_CHANNEL);
	return channel->preference;
}

void coro_tasklet_channel_set_preference(struct coro_tasklet_channel *channel, int preference)
{
	CORO__CHECK(channel, CORO__SLOT_TASKLET_CHANNEL);
	channel->preference = (preference > 0) - (preference < 0);
}

void coro_tasklet_channel_close(struct coro_tasklet_channel *channel)
{
	CORO__CHECK(channel, CORO__SLOT_TASKLET_CHANNEL);
	if (!channel->closing)
		coro_probe_event(&channel->object, CORO_EVENT_CHANNEL_CLOSE, CORO_STATE_CLOSED,
						 coro__current_row(), CORO__SITE, NULL);
	channel->closing = true;
}

void coro_tasklet_channel_open(struct coro_tasklet_channel *channel)
{
	CORO__CHECK(channel, CORO__SLOT_TASKLET_CHANNEL);
	if (channel->closing)
		coro_probe_event(&channel->object, CORO_EVENT_CHANNEL_OPEN, CORO_STATE_OPEN,
						 coro__current_row(), CORO__SITE, NULL);
	channel->closing = false;
}

bool coro_tasklet_channel_closing(const struct coro_tasklet_channel *channel)
{
	CORO__CHECK(channel, CORO__SLOT_TASKLET_CHANNEL);
	return channel->closing;
}

bool coro_tasklet_channel_closed(const struct coro_tasklet_channel *channel)
{
	CORO__CHECK(channel, CORO__SLOT_TASKLET_CHANNEL);
	return channel->closing && channel->balance == 0;
}
