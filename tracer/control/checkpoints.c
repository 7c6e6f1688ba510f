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
 * A World that comes out of the trace shares nothing with those that are there: it is a new base,
 * and the copies that are made from there on share with it. So what memory is taken is told by the
 * number of bases and the objects in each. The oldest go, with all their copies.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "session_private.h"

#define SPACING_DEFAULT 4096
#define COPIES_MOST     256
#define OBJECTS_MOST    200000 /* in all bases; some 400 bytes each */

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

		if (checkpoint->n % checkpoints->spacing != 0) {
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

void checkpoints_keep(struct checkpoints *checkpoints, uint64_t n, struct world *world)
{
	size_t at;
	struct world *copy;

	at = upper_bound(checkpoints, n);
	if ((at > 0 && checkpoints->list[at - 1].n == n) || !make_room(checkpoints))
		return;
	copy = world_copy(world);
	if (!copy)
		return;
	memmove(&checkpoints->list[at + 1], &checkpoints->list[at],
			(checkpoints->count - at) * sizeof(checkpoints->list[0]));
	checkpoints->list[at] = (struct checkpoint){n, copy, checkpoints->base};
	checkpoints->count++;
	if (!checkpoints->fixed && checkpoints->count > COPIES_MOST)
		thin_out(checkpoints);
}

/* The playhead goes to a new base, with so many objects: drops the bases that are too many. */
static void begin_base(struct checkpoints *checkpoints, size_t objects)
{
	uint64_t most = OBJECTS_MOST / (objects + 1) + 1; /* bases, with the new one */
	size_t kept = 0;

	checkpoints->base = ++checkpoints->last_base;
	for (size_t i = 0; i < checkpoints->count; i++) {
		struct checkpoint *checkpoint = &checkpoints->list[i];

		if (checkpoints->last_base - checkpoint->base >= most)
			world_free(checkpoint->world);
		else
			checkpoints->list[kept++] = *checkpoint;
	}
	checkpoints->count = kept;
}

int checkpoints_world(struct checkpoints *checkpoints, struct trace *trace, uint64_t most,
					  uint64_t *ret_n, struct world **ret)
{
	size_t after = upper_bound(checkpoints, most);
	uint64_t n = after > 0 ? checkpoints->list[after - 1].n : 0;
	struct world *world = NULL;
	uint8_t *bytes = NULL;
	size_t length = 0;
	uint64_t in_trace = trace_checkpoint(trace, most, &bytes, &length);

	/* Bytes that no World wrote are as good as none: a checkpoint is only a cache. */
	if (in_trace > n && in_trace <= most && world_deserialise(bytes, length, &world) >= 0) {
		if (world_at(world) == in_trace)
			n = in_trace;
		else {
			world_free(world);
			world = NULL;
		}
	}
	if (in_trace)
		free(bytes);
	if (world) {
		begin_base(checkpoints, world_count(world));
	} else if (n) {
		world = world_copy(checkpoints->list[after - 1].world);
		checkpoints->base = checkpoints->list[after - 1].base;
	} else {
		world = world_new();
		checkpoints->base = ++checkpoints->last_base;
	}
	if (!world)
		return -ENOMEM;
	*ret_n = n;
	*ret = world;
	return 0;
}
