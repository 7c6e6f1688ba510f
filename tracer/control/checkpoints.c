/*
 * checkpoints.c - Worlds in memory, for going back and for seeking.
 *
 * A World only goes forward. To see an earlier one, a copy that is earlier still is
 * taken and brought forward:
 *
 *     event   0        4096       8192      12288
 *             +---------+----------+----------+------>
 *             empty     copy       copy       copy
 *                                  |--------->|
 *                                     apply   playhead
 *
 * Going back one event costs at most `spacing` applications, about a millisecond. Worlds
 * share what is equal in them, so a copy costs what changes until the next one. The
 * number of copies is bounded; the trace's own checkpoints are used too where they are nearer.
 *
 * The trace's own are whole Worlds, or what changed since the one before, so that a trace of a
 * million objects that wait has them as often as any other:
 *
 *     whole <── changes <── changes <── changes        whole <── changes ...
 *
 * To have the last of them the others are loaded first, and some are kept on the way. A whole
 * World shares nothing with those that are there: it is a new base, and what is made of it shares
 * with it. So what memory is taken is told by the number of bases and the objects in each. The
 * oldest go, with all their copies.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "session_private.h"

#define SPACING_DEFAULT 4096
#define COPIES_MOST     256
#define OBJECTS_MOST    200000 /* in all bases; some 400 bytes each */
#define LINKS_MOST      16     /* from one that is kept to the next, on the way that was loaded */

void checkpoints_init(struct checkpoints *checkpoints, uint64_t spacing)
{
	memset(checkpoints, 0, sizeof(*checkpoints));
	checkpoints->fixed = spacing != 0;
	checkpoints->spacing = spacing ? spacing : SPACING_DEFAULT;
}

void checkpoints_done(struct checkpoints *checkpoints)
{
	for (size_t i = 0; i < checkpoints->count; i++)
		world_free(checkpoints->list[i].world);
	free(checkpoints->list);
	memset(checkpoints, 0, sizeof(*checkpoints));
}

/* The index of the first one with n > `most`. */
static size_t upper_bound(const struct checkpoints *checkpoints, uint64_t most)
{
	size_t low = 0, high = checkpoints->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (checkpoints->list[middle].n <= most)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void thin_out(struct checkpoints *checkpoints)
{
	size_t kept = 0;

	checkpoints->spacing *= 2;
	for (size_t i = 0; i < checkpoints->count; i++) {
		struct checkpoint *checkpoint = &checkpoints->list[i];

		if (checkpoint->n % checkpoints->spacing != 0 && !checkpoint->from_trace) {
			world_free(checkpoint->world);
			continue;
		}
		checkpoints->list[kept++] = *checkpoint;
	}
	checkpoints->count = kept;
}

static bool make_room(struct checkpoints *checkpoints)
{
	size_t room = checkpoints->room ? checkpoints->room * 2 : 16;
	struct checkpoint *list;

	if (checkpoints->count < checkpoints->room)
		return true;
	list = reallocarray(checkpoints->list, room, sizeof(*list));
	if (!list)
		return false;
	checkpoints->list = list;
	checkpoints->room = room;
	return true;
}

void checkpoints_offer(struct checkpoints *checkpoints, uint64_t n, struct world *world)
{
	if (n > 0 && n % checkpoints->spacing == 0)
		checkpoints_keep(checkpoints, n, world);
}

static void keep(struct checkpoints *checkpoints, uint64_t n, struct world *world, bool from_trace)
{
	struct world *copy = make_room(checkpoints) ? world_copy(world) : NULL;
	size_t at = upper_bound(checkpoints, n);

	if (!copy)
		return;
	memmove(&checkpoints->list[at + 1], &checkpoints->list[at],
			(checkpoints->count - at) * sizeof(checkpoints->list[0]));
	checkpoints->list[at] = (struct checkpoint){n, copy, checkpoints->base, from_trace};
	checkpoints->count++;
	checkpoints->loaded += from_trace;
	if (!checkpoints->fixed && checkpoints->count - checkpoints->loaded > COPIES_MOST)
		thin_out(checkpoints);
}

void checkpoints_keep(struct checkpoints *checkpoints, uint64_t n, struct world *world)
{
	size_t at = upper_bound(checkpoints, n);

	if (at == 0 || checkpoints->list[at - 1].n != n)
		keep(checkpoints, n, world, false);
}

/* The playhead goes to a new base, with so many objects: drops the bases that are too many. */
static void begin_base(struct checkpoints *checkpoints, size_t objects)
{
	uint64_t most = OBJECTS_MOST / (objects + 1) + 1; /* bases, with the new one */
	size_t kept = 0;

	checkpoints->base = ++checkpoints->last_base;
	for (size_t i = 0; i < checkpoints->count; i++) {
		struct checkpoint *checkpoint = &checkpoints->list[i];

		if (checkpoints->last_base - checkpoint->base >= most) {
			checkpoints->loaded -= checkpoint->from_trace;
			world_free(checkpoint->world);
		} else {
			checkpoints->list[kept++] = *checkpoint;
		}
	}
	checkpoints->count = kept;
}

/* ---- Of the trace ------------------------------------------------------ */

/* Changes that were read, and wait for the World that they are changes of; the last one first. */
struct links {
	struct link {
		uint64_t n;
		uint8_t *bytes; /* owned */
		size_t length;
	} * list; /* owned */
	size_t count, room;
};

static void links_done(struct links *links)
{
	for (size_t i = 0; i < links->count; i++)
		free(links->list[i].bytes);
	free(links->list);
}

static bool links_add(struct links *links, struct link link)
{
	if (links->count == links->room) {
		size_t room = links->room ? links->room * 2 : 16;
		struct link *list = reallocarray(links->list, room, sizeof(*list));

		if (!list)
			return false;
		links->list = list;
		links->room = room;
	}
	links->list[links->count++] = link;
	return true;
}

/* The World of the trace's checkpoint at n, as it is kept here; NULL: it is not. */
static struct world *kept_from_trace(struct checkpoints *checkpoints, uint64_t n)
{
	for (size_t i = upper_bound(checkpoints, n); i > 0 && checkpoints->list[i - 1].n == n; i--)
		if (checkpoints->list[i - 1].from_trace) {
			checkpoints->base = checkpoints->list[i - 1].base;
			return world_copy(checkpoints->list[i - 1].world);
		}
	return NULL;
}

/* A whole World out of the trace. */
static struct world *load_whole(struct checkpoints *checkpoints, uint64_t n, const uint8_t *bytes,
								size_t length)
{
	struct world *world;

	/* Bytes that no World wrote are as good as none: a checkpoint is only a cache. */
	if (world_deserialise(bytes, length, &world) < 0)
		return NULL;
	if (world_at(world) != n) {
		world_free(world);
		return NULL;
	}
	begin_base(checkpoints, world_count(world));
	keep(checkpoints, n, world, true);
	return world;
}

/* What the links lead back to: a World that is kept, or a whole one; *n is where it is, or was
 * looked for. NULL: it cannot be had. */
static struct world *find_start(struct checkpoints *checkpoints, struct trace *trace,
								struct links *links, uint64_t *n)
{
	for (;;) {
		struct world *world = kept_from_trace(checkpoints, *n);
		struct link link = {.n = *n};
		uint64_t since;

		if (world)
			return world;
		if (trace_checkpoint(trace, *n, &link.bytes, &link.length) != *n) {
			free(link.bytes);
			return NULL;
		}
		since = world_bytes_since(link.bytes, link.length);
		if (since == 0)
			world = load_whole(checkpoints, *n, link.bytes, link.length);
		if (since == 0 || since >= *n || !links_add(links, link)) {
			free(link.bytes);
			return world;
		}
		*n = since;
	}
}

/* The World of the trace's checkpoint at *n. NULL: it cannot be had, and *n is where it breaks off.
 */
static struct world *load(struct checkpoints *checkpoints, struct trace *trace, uint64_t *n)
{
	_cleanup_(links_done) struct links links = {0};
	struct world *world = find_start(checkpoints, trace, &links, n);

	for (size_t i = links.count; world && i-- > 0;) {
		const struct link *link = &links.list[i];
		struct world *next;

		if (world_deserialise_since(link->bytes, link->length, world, &next) < 0)
			next = NULL;
		world_free(world);
		world = next;
		*n = link->n;
		if (world && world_at(world) != link->n) {
			world_free(world);
			world = NULL;
		}
		if (world && i > 0 && i % LINKS_MOST == 0)
			keep(checkpoints, *n, world, true);
	}
	return world;
}

int checkpoints_world(struct checkpoints *checkpoints, struct trace *trace, uint64_t most,
					  uint64_t *ret_n, struct world **ret)
{
	size_t after = upper_bound(checkpoints, most);
	uint64_t n = after > 0 ? checkpoints->list[after - 1].n : 0;
	uint64_t in_trace = trace_checkpoint(trace, most, NULL, NULL);
	struct world *world = NULL;

	while (in_trace > n && in_trace <= most && !world) {
		uint64_t at = in_trace;

		world = load(checkpoints, trace, &at);
		if (!world)
			in_trace = trace_checkpoint(trace, at - 1, NULL, NULL);
	}
	after = upper_bound(checkpoints, most);
	if (world) {
		n = in_trace;
	} else if (after > 0) {
		n = checkpoints->list[after - 1].n;
		world = world_copy(checkpoints->list[after - 1].world);
		checkpoints->base = checkpoints->list[after - 1].base;
	} else {
		n = 0;
		world = world_new();
		checkpoints->base = ++checkpoints->last_base;
	}
	if (!world)
		return -ENOMEM;
	*ret_n = n;
	*ret = world;
	return 0;
}
