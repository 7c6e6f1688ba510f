/*
 * world.c - a World out of any bytes, and any events that it is told then.
 *
 *     u16 length; `length` bytes of a checkpoint, but for its last word, the hash, which is made
 * right; events: u8 kind, ring, state before, state after, object, peer, flags, kind of object
 *
 * What is taken for a World is one: it is written again as the same bytes, and all questions about
 * it have an answer.
 */
#include <stdlib.h>
#include <string.h>
#include <tracer/world.h>
#include "fuzz.h"

#define EVENT_BYTES 8

/* The hash of a checkpoint, as it is written: see checkpoint.c. */
static void put_hash(uint8_t *bytes, size_t length)
{
	uint64_t hash = 0, word;

	for (size_t at = 0; at + sizeof(word) < length; at += sizeof(word)) {
		memcpy(&word, bytes + at, sizeof(word));
		hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
		hash ^= hash >> 29;
	}
	memcpy(bytes + length - sizeof(hash), &hash, sizeof(hash));
}

static void ask(const struct world *world)
{
	uint64_t others[16];

	for (const struct world_object *object = world_next(world, 0); object;
		 object = world_next(world, object->serial)) {
		world_state(world, object);
		world_state_name(world, object);
		world_waits_on(world, object);
		world_awaiters(world, object->serial, others, 16);
		world_children(world, object->serial, others, 16);
		world_is_over(world, object->serial);
	}
	world_ready(world, others, 16);
	world_running(world);
	world_changed(world);
}

static void write_again(const struct world *world)
{
	struct world *again;
	uint8_t *bytes;
	size_t length;

	if (world_serialise(world, &bytes, &length) < 0)
		abort();
	if (world_deserialise(bytes, length, &again) < 0 || world_hash(again) != world_hash(world))
		abort();
	world_free(again);
	free(bytes);
}

static void tell(struct world *world, const uint8_t *bytes, uint64_t n)
{
	struct trace_event event = {
		.n = n,
		.t = (int64_t)n,
		.kind = bytes[0],
		.ring = bytes[1] & 3,
		.prev = bytes[2] & 15,
		.next = bytes[3] & 15,
		.co = bytes[4],
		.peer = bytes[5],
		.flags = bytes[6],
		.cseq = (uint32_t)n,
		.object_kind = bytes[7] & 31,
		.lost = bytes[7] > 250 ? bytes[6] : 0,
	};

	if (event.flags & CORO_SLOT_BIND) {
		event.bind.serial = event.co;
		event.bind.kind = event.object_kind;
	}
	if (bytes[7] & 32)
		event.value = (struct trace_value){.kind = CORO_VALUE_INT, .integer = (int8_t)bytes[2]};
	if (world_apply(world, &event) < 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world *world = NULL;
	size_t length;
	uint8_t *bytes;

	if (size < 2)
		return 0;
	length = (size_t)data[0] | (size_t)data[1] << 8;
	data += 2;
	size -= 2;
	length = (length < size ? length : size) & ~(size_t)7;
	if (length >= 8) {
		bytes = malloc(length);
		memcpy(bytes, data, length);
		put_hash(bytes, length);
		if (world_deserialise(bytes, length, &world) < 0)
			world = NULL;
		free(bytes);
	}
	if (!world && !(world = world_new()))
		return 0;
	ask(world);
	write_again(world);
	for (size_t at = length, n = world_at(world); at + EVENT_BYTES <= size; at += EVENT_BYTES)
		tell(world, data + at, ++n);
	ask(world);
	write_again(world);
	world_free(world);
	return 0;
}
