/*
 * select.c - waiting for the first of several channels.
 *
 *     look at all cases    k of them can proceed: choose one, do it, and that is all
 *                          none, and there is a default: that
 *     else wait            a case on the line of each channel, and one future for all:
 *
 *         a.receivers   ... <-> case 0 --.
 *         b.senders     ... <-> case 1 ---+--> select --> future <-- the task
 *         b.receivers   ... <-> case 2 --'
 *
 *     somebody sends on a   case 0 is chosen: all three leave their lines, the value is put into
 *                           case 0, and the future is set to 0
 *     the task runs         it returns the 0
 *     or it is cancelled    before that: all three leave their lines; after that: what case 0
 *                           received goes back into channel a
 *
 * What goes back does so before anything else in the channel, but behind what others gave back
 * before: tasks run in the order in which they were made ready, so they give back in the order in
 * which it was sent.
 */
#include <stdio.h>
#include <stdlib.h>
#include "channels.h"

enum { FIRST_ROOM = 4 };

/* ---- The choice --------------------------------------------------------- */

/* What the generator splitmix64 makes of a state: each bit of it changes half of the result's. */
static uint64_t mix(uint64_t number)
{
	number += 0x9e3779b97f4a7c15;
	number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9;
	number = (number ^ number >> 27) * 0x94d049bb133111eb;
	return number ^ number >> 31;
}

/* Rule H6. */
static size_t choose(struct coro_loop *loop, size_t ready)
{
	uint64_t number = loop->choices++;

	return (number % ready + mix(number / ready) % ready) % ready;
}

static bool can_proceed(const struct coro_case *one)
{
	return one->sends ? coro__channel_can_send(one->at) : coro__channel_can_receive(one->at);
}

/* Does one of those that can proceed. Its index, CORO_SELECT_DEFAULT, or raised. */
static coro_value run_one(struct coro_case *cases, size_t count, uintptr_t site)
{
	size_t ready = 0, place;

	for (size_t i = 0; i < count; i++) {
		cases[i].at =
			cases[i].channel ? coro__check(cases[i].channel, CORO_OBJECT_CHANNEL, site) : NULL;
		if (cases[i].sends)
			CORO_TRY(cases[i].value);
	}
	for (size_t i = 0; i < count; i++)
		ready += can_proceed(&cases[i]);
	if (!ready)
		return coro_int(CORO_SELECT_DEFAULT);
	place = ready > 1 ? choose(coro__loop_need("coro_select", site), ready) : 0;
	for (size_t i = 0;; i++) {
		if (!can_proceed(&cases[i]) || place--)
			continue;
		CORO_TRY(coro__case_run(&cases[i], site));
		return coro_int((int64_t)i);
	}
}

/* ---- Waiting ------------------------------------------------------------ */

/* Room for what one more receiver may give back. */
static inline bool make_room(struct coro_channel *channel)
{
	size_t room = channel->returned_room ? channel->returned_room * 2 : FIRST_ROOM;
	coro_value *returned;

	if (channel->returned_count + channel->receiving < channel->returned_room)
		return true;
	returned = realloc(channel->returned, room * sizeof(returned[0]));
	if (!returned)
		return false;
	channel->returned = returned;
	channel->returned_room = room;
	return true;
}

/* Takes one case from its line, if it is there. */
static inline void leave(struct coro_case *one)
{
	if (one->waits)
		coro__line_remove(coro__case_line(one), one);
}

/* Its select ends without it. */
static void forget(struct coro_case *one)
{
	if (!one->at)
		return;
	leave(one);
	if (one->sends)
		coro__drop(one->value);
	else
		one->at->receiving--;
}

/* False: memory is out, and the case stands nowhere. */
static inline bool stand_in_line(struct coro__select *select, struct coro_case *one)
{
	one->select = select;
	one->waits = false;
	if (!one->at)
		return true;
	if (one->sends)
		coro__keep(one->value);
	else if (make_room(one->at))
		one->at->receiving++;
	else
		return false;
	coro__line_add(coro__case_line(one), one);
	return true;
}

/* The same of all. */
static bool stand_in_lines(struct coro__select *select)
{
	for (size_t i = 0; i < select->count; i++) {
		if (CORO__LIKELY(stand_in_line(select, &select->cases[i])))
			continue;
		while (i--)
			forget(&select->cases[i]);
		return false;
	}
	return true;
}

static bool stand_together(const struct coro_case *one, const struct coro_case *other)
{
	return one->at == other->at && one->sends == other->sends;
}

struct coro_case *coro__select_pick(struct coro_case *first)
{
	struct coro__select *select = first->select;
	struct coro_case *one = select->cases;
	size_t together = 0, place;

	for (size_t i = 0; i < select->count; i++)
		together += stand_together(&select->cases[i], first);
	if (together == 1)
		return first;
	for (place = choose(coro__select_future(select)->loop, together);; one++)
		if (stand_together(one, first) && !place--)
			return one;
}

static void __attribute__((noinline))
complete_select(struct coro__select *select, struct coro_case *chosen, coro_value value, bool ok)
{
	select->chosen = chosen;
	leave(chosen);
	for (size_t i = 0; i < select->count; i++)
		if (&select->cases[i] != chosen)
			forget(&select->cases[i]);
	if (!chosen->sends)
		chosen->value = value;
	else if (!ok)
		coro__drop(chosen->value);
	chosen->ok = ok;
	coro__future_complete(coro__select_future(select), coro_int(chosen - select->cases),
						  coro__event_actor(), 0);
}

void coro__select_complete(struct coro_case *chosen, coro_value value, bool ok)
{
	struct coro__select *select = chosen->select;

	if (CORO__UNLIKELY(select->cases != &select->one)) {
		complete_select(select, chosen, value, ok);
		return;
	}
	select->chosen = chosen;
	leave(chosen);
	if (!chosen->sends)
		chosen->value = value;
	else if (CORO__UNLIKELY(!ok))
		coro__drop(chosen->value);
	chosen->ok = ok;
	coro__future_complete(coro__select_future(select), CORO_NONE, coro__event_actor(), 0);
}

/* A receiver was cancelled after it was handed a value: rule H8. */
static void give_back(struct coro_channel *channel, coro_value item, uint32_t row)
{
	struct coro_case *receiver = coro__line_first(&channel->receivers);

	coro__channel_event(channel, CORO_EVENT_CHANNEL_SEND, row, 0, item);
	if (receiver) {
		receiver = coro__case_served(receiver);
		coro__channel_event(channel, CORO_EVENT_CHANNEL_RECV, receiver->select->row, 0, item);
		coro__select_complete(receiver, item, true);
	} else {
		channel->returned[channel->returned_count++] = item;
	}
}

coro_value coro__select_end(struct coro__select *select, coro_value sent)
{
	struct coro_case *chosen = select->chosen;
	coro_value result = coro__future_await_end(&select->wait, sent);

	if (CORO__UNLIKELY(!chosen)) {
		for (size_t i = 0; i < select->count; i++)
			forget(&select->cases[i]);
		return result;
	}
	if (CORO__LIKELY(!coro_raised(result)))
		result = CORO_NONE;
	if (chosen->sends)
		return chosen->ok || coro_raised(result)
				   ? result
				   : coro__raise_at(select->wait.site, CORO_RuntimeError, "send on closed channel");
	chosen->at->receiving--;
	if (CORO__UNLIKELY(coro_raised(result))) {
		if (chosen->ok)
			give_back(chosen->at, chosen->value, select->row);
		chosen->value = CORO_NONE;
		chosen->ok = false;
	} else {
		coro__item_arrive(chosen->value);
	}
	return result;
}

/* The first channel that there is; NULL: none. */
static struct coro_channel *first_channel(const struct coro_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (cases[i].at)
			return cases[i].at;
	return NULL;
}

/* Which channels it waits for: FUTURE_NEW says one alone. */
static void tell_cases(const struct coro__select *select, struct coro_future *future)
{
	for (size_t i = 0; i < select->count; i++) {
		const struct coro_case *one = &select->cases[i];

		if (one->at && one->sends)
			coro__event_value(&future->object, CORO_EVENT_CHANNEL_WAIT, CORO_STATE_PENDING,
							  one->at->object.row, 0, one->value);
		else if (one->at)
			coro_probe_event(&future->object, CORO_EVENT_CHANNEL_WAIT, CORO_STATE_PENDING,
							 one->at->object.row, 0, NULL);
	}
}

/* The future that it waits with is made, for `channel` (NULL: none). None, or raised. */
static inline coro_value wait_with(struct coro__select *select, struct coro_loop *loop,
								   struct coro_case *cases, size_t count,
								   const struct coro_channel *channel, enum coro_reason reason,
								   uintptr_t site,
								   coro_value (*go_on)(struct coro__wait *wait, coro_value sent))
{
	struct coro_future *future =
		coro__future_make(loop, reason, channel ? &channel->object : NULL, -1, NULL, site);

	if (CORO__UNLIKELY(!future))
		return coro__raise_at(site, CORO_MemoryError, "out of memory");
	select->wait.go_on = go_on;
	select->wait.awaited = future;
	select->cases = cases;
	select->count = count;
	select->chosen = NULL;
	select->row = coro__event_actor();
	return CORO_NONE;
}

static coro_value __attribute__((cold)) no_room(struct coro__select *select, uintptr_t site)
{
	coro__future_release(coro__select_future(select));
	return coro__raise_at(site, CORO_MemoryError, "out of memory");
}

coro_value coro__select_wait_one(struct coro__select *select, enum coro_reason reason,
								 uintptr_t site,
								 coro_value (*go_on)(struct coro__wait *wait, coro_value sent))
{
	struct coro_loop *loop = coro__loop_need("coro_channel", site);
	struct coro_channel *channel = select->one.at;

	if (CORO__LIKELY(channel != NULL))
		CORO_TRY(coro__bind(&channel->loop, &channel->object, loop, site));
	CORO_TRY(wait_with(select, loop, &select->one, 1, channel, reason, site, go_on));
	if (CORO__UNLIKELY(!stand_in_line(select, &select->one)))
		return no_room(select, site);
	return coro__future_wait(&select->wait, coro__select_future(select), site);
}

/* ---- Select ------------------------------------------------------------- */

static coro_value select_woken(struct coro__wait *wait, coro_value sent)
{
	struct coro__select *select = (struct coro__select *)wait;

	CORO_TRY(coro__select_end(select, sent));
	return coro_int(select->chosen - select->cases);
}

static coro_value select_begin(struct coro__select *select, struct coro_case *cases, size_t count,
							   uintptr_t site)
{
	struct coro_loop *loop;
	coro_value result;

	CORO_TRY(coro__may_await());
	result = run_one(cases, count, site);
	if (coro_raised(result) || coro_as_int(result) != CORO_SELECT_DEFAULT)
		return result;
	loop = coro__loop_need("coro_select", site);
	for (size_t i = 0; i < count; i++)
		if (cases[i].at)
			CORO_TRY(coro__bind(&cases[i].at->loop, &cases[i].at->object, loop, site));
	CORO_TRY(wait_with(select, loop, cases, count, first_channel(cases, count), CORO_REASON_SELECT,
					   site, select_woken));
	if (CORO__UNLIKELY(!stand_in_lines(select)))
		return no_room(select, site);
	if (CORO__UNLIKELY(coro_probe_mask()))
		tell_cases(select, coro__select_future(select));
	return coro__future_wait(&select->wait, coro__select_future(select), site);
}

coro_value coro__select_begin(struct coro__select *select, struct coro_case *cases, size_t count)
{
	return coro__wait_begun(&select->wait, select_begin(select, cases, count, CORO__SITE));
}

coro_value(coro_select)(struct coro_case *cases, size_t count)
{
	struct coro__select select = {.wait.self = NULL};

	return coro__wait_through(&select.wait, select_begin(&select, cases, count, CORO__SITE));
}

coro_value(coro_select_nowait)(struct coro_case *cases, size_t count)
{
	return run_one(cases, count, CORO__SITE);
}

/* ---- What it waits for, in words ---------------------------------------- */

/* "receive of 'jobs'" */
static size_t describe_case(bool sends, const struct coro_channel *channel, char *text, size_t size)
{
	const char *side = sends ? "send" : "receive";
	int length;

	if (!channel)
		length = snprintf(text, size, "%s of a nil channel", side);
	else if (channel->object.name)
		length = snprintf(text, size, "%s of '%.60s'", side, channel->object.name);
	else
		length = snprintf(text, size, "%s of channel #%llu", side,
						  (unsigned long long)channel->object.serial);
	return length < 0 ? 0 : (size_t)length < size ? (size_t)length : size - 1;
}

static const struct coro__select *select_in(const struct coro__line *line,
											const struct coro_future *future)
{
	for (const struct coro_case *one = line->first; one; one = one->next)
		if (coro__select_future(one->select) == future)
			return one->select;
	return NULL;
}

void coro__select_describe(const struct coro_future *future, char *text, size_t size)
{
	const struct coro_channel *channel = (const struct coro_channel *)future->waited;
	const struct coro__select *select;
	size_t length;

	if (future->object.reason != CORO_REASON_SELECT) {
		describe_case(future->object.reason == CORO_REASON_CHANNEL_SEND, channel, text, size);
		return;
	}
	if (!channel) {
		snprintf(text, size, "select of no channel");
		return;
	}
	select = select_in(&channel->receivers, future);
	if (!select)
		select = select_in(&channel->senders, future);
	length = (size_t)snprintf(text, size, "select");
	for (size_t i = 0; select && i < select->count && length + 3 < size; i++) {
		length += (size_t)snprintf(text + length, size - length, i ? ", " : " of ");
		length += describe_case(select->cases[i].sends, select->cases[i].at, text + length,
								size - length);
	}
}
