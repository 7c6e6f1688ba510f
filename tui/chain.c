/*
 * chain.c - the chain through an object, and which events passed which link.
 *
 * Link i is the one above level i. An event on level x whose other side is level p < x
 * passed the links p + 1 .. x; one whose other side is not in the chain came from outside,
 * and passed 0 .. x. The last such event of each direction is what a link shows.
 *
 *      outside ──┐ link 0
 *      level 0   │        event on level 2 from outside: links 0 1 2
 *                │ link 1
 *      level 1   │        event on level 2 from level 1: link 2
 *                │ link 2
 *      level 2 ◄─┘
 *
 * What passed a link may have been on its way to a delegate that is finished by now. So
 * the events are read backwards from now, with the chain as it was at each: an UNDELEGATE
 * puts the delegate back below its level, a DELEGATE takes it away. The DELEGATE to a level of
 * the chain is where the link above that level began: what is older passed another. This
 * goes on until every link has both or has begun, over a bounded number of events; what is
 * older is taken from what the World keeps of each object.
 */
#include <string.h>
#include "chain.h"

static bool is_body(const struct world_object *object)
{
	return object && trace_object_is_body(object->kind);
}

static long level_of(const struct chain *chain, uint64_t serial)
{
	for (size_t i = 0; i < chain->count; i++)
		if (serial && chain->level[i].serial == serial)
			return (long)i;
	return -1;
}

/* Puts the chain that ends in `resumer` above what there is. False: it does not fit. */
static bool put_above(struct chain *chain, const struct world *world, uint64_t resumer)
{
	uint64_t above[CHAIN_LEVELS];
	size_t count = world_chain(world, resumer, above, CHAIN_LEVELS);
	if (count > CHAIN_LEVELS)
		count = CHAIN_LEVELS;
	while (count && above[count - 1] != resumer)
		count--;
	if (!count || count + chain->count > CHAIN_LEVELS)
		return false;
	for (size_t i = 0; i < count; i++)
		if (level_of(chain, above[i]) >= 0)
			return false;
	memmove(chain->level + count, chain->level, chain->count * sizeof(chain->level[0]));
	memset(chain->level, 0, count * sizeof(chain->level[0]));
	for (size_t i = 0; i < count; i++)
		chain->level[i].serial = above[i];
	chain->level[count].called = true;
	chain->count += count;
	return true;
}

static bool goes_down(unsigned kind)
{
	return kind == CORO_EVENT_NEXT || kind == CORO_EVENT_SEND || kind == CORO_EVENT_THROW ||
		   kind == CORO_EVENT_CLOSE;
}

static bool comes_up(unsigned kind)
{
	return kind == CORO_EVENT_YIELD || kind == CORO_EVENT_RETURN || kind == CORO_EVENT_RAISE ||
		   kind == CORO_EVENT_DONE;
}

/* Notes event n between levels `other` (-1: outside) and `level` on the links that it passed. */
static void pass(struct chain *chain, long other, long level, uint64_t n, bool down)
{
	if (level >= (long)chain->count)
		level = (long)chain->count - 1;
	for (long i = other + 1; i <= level; i++) {
		uint64_t *at = down ? &chain->level[i].down_at : &chain->level[i].up_at;
		if (n > *at)
			*at = n;
	}
}

/* ---- Backwards through the events -------------------------------------- */

/* Who stood at which level, at the event that is being read. */
struct standing {
	uint64_t serial;
	long level;
};
enum { STANDING = 2 * CHAIN_LEVELS, EVENTS_BACK = 512 };

struct scan {
	struct standing who[STANDING];
	size_t count;
	size_t links; /* the first ones; those below had not begun yet */
};

static long scan_level(const struct scan *scan, uint64_t serial)
{
	for (size_t i = 0; i < scan->count && serial; i++)
		if (scan->who[i].serial == serial)
			return scan->who[i].level;
	return -1;
}

static void scan_add(struct scan *scan, uint64_t serial, long level)
{
	if (serial && scan->count < STANDING && scan_level(scan, serial) < 0)
		scan->who[scan->count++] = (struct standing){serial, level};
}

static void scan_remove(struct scan *scan, uint64_t serial)
{
	for (size_t i = 0; i < scan->count; i++)
		if (scan->who[i].serial == serial) {
			scan->who[i] = scan->who[--scan->count];
			return;
		}
}

static bool complete(const struct chain *chain, const struct scan *scan)
{
	for (size_t i = 0; i < scan->links; i++)
		if (!chain->level[i].down_at || !chain->level[i].up_at)
			return false;
	return true;
}

/* Reads backwards. Returns 0 when everything was found, else the event where it stopped. */
static uint64_t read_back(struct chain *chain, struct trace *trace, uint64_t now)
{
	struct scan scan = {.links = chain->count};
	for (size_t i = 0; i < chain->count; i++)
		scan_add(&scan, chain->level[i].serial, (long)i);
	uint64_t n = now;
	for (; n > 0 && now - n < EVENTS_BACK && !complete(chain, &scan); n--) {
		struct trace_event event;
		if (trace_event(trace, n, &event) < 0)
			break;
		long level = scan_level(&scan, event.co);
		if (level < 0)
			continue;
		long other = scan_level(&scan, event.peer);
		if (other >= level)
			other = -1;
		if (event.kind == CORO_EVENT_UNDELEGATE)
			scan_add(&scan, event.peer, level + 1);
		else if (event.kind == CORO_EVENT_DELEGATE) {
			if (level_of(chain, event.peer) == level + 1 && (size_t)level + 1 < scan.links)
				scan.links = (size_t)level + 1;
			scan_remove(&scan, event.peer);
		} else if (goes_down(event.kind) || comes_up(event.kind))
			pass(chain, other, level < (long)scan.links ? level : (long)scan.links - 1, n,
				 goes_down(event.kind));
	}
	return complete(chain, &scan) ? 0 : n;
}

/* What the World knows of an object, for what is older than was read. */
static void take_kept(struct chain *chain, struct trace *trace, size_t level, uint64_t n, bool down)
{
	struct trace_event event;
	if (!n || trace_event(trace, n, &event) < 0 ||
		!(down ? goes_down(event.kind) : comes_up(event.kind)))
		return;
	long other = level_of(chain, event.peer);
	pass(chain, other >= (long)level ? -1 : other, (long)level, n, down);
}

void chain_make(struct session *session, uint64_t subject, struct chain *ret)
{
	const struct world *world = session_world(session);
	struct trace *trace = session_trace(session);
	memset(ret, 0, sizeof(*ret));
	if (!subject || !world_find(world, subject))
		return;
	uint64_t serials[CHAIN_LEVELS];
	size_t count = world_chain(world, subject, serials, CHAIN_LEVELS);
	ret->cut = count > CHAIN_LEVELS;
	ret->count = ret->cut ? CHAIN_LEVELS : count;
	for (size_t i = 0; i < ret->count; i++)
		ret->level[i].serial = serials[i];

	for (;;) {
		const struct world_object *top = world_find(world, ret->level[0].serial);
		if (!is_body(top) || !top->resumer ||
			(top->state != CORO_STATE_RUNNING && top->state != CORO_STATE_DELEGATING))
			break;
		const struct world_object *resumer = world_find(world, top->resumer);
		if (!is_body(resumer) || !put_above(ret, world, resumer->serial))
			break;
	}
	long at = level_of(ret, subject);
	ret->subject = at < 0 ? 0 : (size_t)at;

	uint64_t read = read_back(ret, trace, world_at(world));
	for (size_t i = 0; read && i < ret->count; i++) {
		const struct world_object *object = world_find(world, ret->level[i].serial);
		if (!object)
			continue;
		take_kept(ret, trace, i, object->down_at, true);
		take_kept(ret, trace, i, object->up_at, false);
	}
	struct trace_event event;
	const struct world_object *top = ret->count ? world_find(world, ret->level[0].serial) : NULL;
	if (ret->count && ret->level[0].down_at &&
		trace_event(trace, ret->level[0].down_at, &event) == 0) {
		ret->outer = true;
		ret->resumer = event.peer;
	} else if (top && top->kind == CORO_OBJECT_TASK && top->resumes) {
		ret->outer = true;
	}
}
