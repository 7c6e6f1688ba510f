/*
 * checkpoint.c - a World as bytes, and back.
 *
 * 64-bit little-endian words, nothing else:
 *
 *     word
 *     0        MAGIC, with the version of this layout
 *     1 .. 9   at, time, changed, turn, damage, missing, lost, lost_at,
 *              ring | late << 31 | rings << 32
 *     10       number of objects
 *     11       running[0 .. rings-1]
 *     ...      objects, in the order of serials
 *     last     hash of all words before it
 *
 *     object   mask      bit i: field i is not that of the object before, and follows; its kind is
 *                        in bits 32 to 39, and the object before is the last one of that kind
 *              fields    the table in fields_of(), less those of the object before; small ones
 *                        share a word. Thousands that wait for the same are then nearly nothing
 *              children  as many serials as the field says
 *
 * Bytes are a World's if and only if: the first word is MAGIC; the hash is right; serials
 * ascend from 1; rings are 1 .. CORO_RINGS, ring is one of them, and the last of them
 * is that one or has a serial; no difference in a mask is 0; and the words end with the
 * last object. Trees of links are not written: they are made again from the objects.
 *
 * The World's hash is the last word: it is made while the words are written, to memory or to
 * nowhere.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "state.h"

#define MAGIC 0x35304b4344524c57u /* the bytes "WLRDCK05" */

/* ---- An object as words ------------------------------------------------ */

enum {
	FIELD_SERIAL,
	FIELD_SMALL,
	FIELD_NAMES,
	FIELD_PLACES,
	FIELD_PARENT,
	FIELD_CREATED_AT,
	FIELD_CHANGED_AT,
	FIELD_CHANGED_T,
	FIELD_WAITS_ON,
	FIELD_DELEGATE,
	FIELD_RESUMER,
	FIELD_DRIVES,
	FIELD_OWNER,
	FIELD_LOCK,
	FIELD_WOKEN_BY,
	FIELD_ARGUMENT_AT,
	FIELD_DOWN_AT,
	FIELD_UP_AT,
	FIELD_READY_AT,
	FIELD_RESUMES,
	FIELD_RUN_NS,
	FIELD_LENGTH,
	FIELD_CAPACITY,
	FIELD_UNFINISHED,
	FIELD_NUMBER,
	FIELD_CHILDREN,
	FIELD_CANCELS,
	FIELD_STACK,
	FIELDS,
};
/* Whoever adds a field to an object writes it here, and raises the version in MAGIC. */
_Static_assert(sizeof(struct world_object) == 224, "fields of a checkpoint");

static void fields_of(const struct world_object *o, uint64_t ret[FIELDS])
{
	ret[FIELD_SERIAL] = o->serial;
	ret[FIELD_SMALL] = (uint64_t)o->kind | (uint64_t)o->state << 8 | (uint64_t)o->reason << 16 |
					   (uint64_t)o->closing << 24 | (uint64_t)o->site_is_string << 25 |
					   (uint64_t)o->set << 26 | (uint64_t)o->cseq << 32;
	ret[FIELD_NAMES] = (uint64_t)o->name | (uint64_t)o->creation_site << 32;
	ret[FIELD_PLACES] = (uint64_t)o->site | (uint64_t)o->creation_pc << 32;
	ret[FIELD_PARENT] = o->parent;
	ret[FIELD_CREATED_AT] = o->created_at;
	ret[FIELD_CHANGED_AT] = o->changed_at;
	ret[FIELD_CHANGED_T] = (uint64_t)o->changed_t;
	ret[FIELD_WAITS_ON] = o->waits_on;
	ret[FIELD_DELEGATE] = o->delegate;
	ret[FIELD_RESUMER] = o->resumer;
	ret[FIELD_DRIVES] = o->drives;
	ret[FIELD_OWNER] = o->owner;
	ret[FIELD_LOCK] = o->lock;
	ret[FIELD_WOKEN_BY] = o->woken_by;
	ret[FIELD_ARGUMENT_AT] = o->argument_at;
	ret[FIELD_DOWN_AT] = o->down_at;
	ret[FIELD_UP_AT] = o->up_at;
	ret[FIELD_READY_AT] = o->ready_at;
	ret[FIELD_RESUMES] = o->resumes;
	ret[FIELD_RUN_NS] = (uint64_t)o->run_ns;
	ret[FIELD_LENGTH] = o->length;
	ret[FIELD_CAPACITY] = o->capacity;
	ret[FIELD_UNFINISHED] = o->unfinished;
	ret[FIELD_NUMBER] = (uint64_t)o->number;
	ret[FIELD_CHILDREN] = o->children;
	ret[FIELD_CANCELS] = o->cancels;
	ret[FIELD_STACK] = (uint64_t)o->stack_kib | (uint64_t)o->unknown << 16;
}

static void object_of(const uint64_t f[FIELDS], struct world_object *ret)
{
	*ret = (struct world_object){
		.serial = f[FIELD_SERIAL],
		.kind = (uint8_t)f[FIELD_SMALL],
		.state = (uint8_t)(f[FIELD_SMALL] >> 8),
		.reason = (uint8_t)(f[FIELD_SMALL] >> 16),
		.closing = f[FIELD_SMALL] >> 24 & 1,
		.site_is_string = f[FIELD_SMALL] >> 25 & 1,
		.set = f[FIELD_SMALL] >> 26 & 1,
		.cseq = (uint32_t)(f[FIELD_SMALL] >> 32),
		.name = (uint32_t)f[FIELD_NAMES],
		.creation_site = (uint32_t)(f[FIELD_NAMES] >> 32),
		.site = (uint32_t)f[FIELD_PLACES],
		.creation_pc = (uint32_t)(f[FIELD_PLACES] >> 32),
		.parent = f[FIELD_PARENT],
		.created_at = f[FIELD_CREATED_AT],
		.changed_at = f[FIELD_CHANGED_AT],
		.changed_t = (int64_t)f[FIELD_CHANGED_T],
		.waits_on = f[FIELD_WAITS_ON],
		.delegate = f[FIELD_DELEGATE],
		.resumer = f[FIELD_RESUMER],
		.drives = f[FIELD_DRIVES],
		.owner = f[FIELD_OWNER],
		.lock = f[FIELD_LOCK],
		.woken_by = f[FIELD_WOKEN_BY],
		.argument_at = f[FIELD_ARGUMENT_AT],
		.down_at = f[FIELD_DOWN_AT],
		.up_at = f[FIELD_UP_AT],
		.ready_at = f[FIELD_READY_AT],
		.resumes = f[FIELD_RESUMES],
		.run_ns = (int64_t)f[FIELD_RUN_NS],
		.length = f[FIELD_LENGTH],
		.capacity = f[FIELD_CAPACITY],
		.unfinished = f[FIELD_UNFINISHED],
		.number = (int64_t)f[FIELD_NUMBER],
		.children = f[FIELD_CHILDREN],
		.cancels = f[FIELD_CANCELS],
		.stack_kib = (uint16_t)f[FIELD_STACK],
		.unknown = (uint16_t)(f[FIELD_STACK] >> 16),
	};
}

#define KINDS      64 /* more than there are; those above share */
#define KIND_SHIFT 32
_Static_assert(FIELDS <= KIND_SHIFT && CORO_OBJECT_LIMIT <= KINDS, "a mask has room for both");

/* ---- Writing ----------------------------------------------------------- */

struct writer {
	uint8_t *bytes; /* NULL: only the hash is wanted */
	size_t length;  /* so far, in bytes */
	uint64_t hash;
	uint64_t before[KINDS][FIELDS]; /* of the last object of each kind */
};

static uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
	return hash ^ hash >> 29;
}

static void write_word(struct writer *writer, uint64_t word)
{
	uint64_t little = htole64(word);

	if (writer->bytes)
		memcpy(writer->bytes + writer->length, &little, sizeof(little));
	writer->length += sizeof(little);
	writer->hash = mix(writer->hash, word);
}

static void write_object(struct writer *writer, const struct node *node)
{
	uint64_t fields[FIELDS], mask = (uint64_t)node->object.kind << KIND_SHIFT;
	uint64_t *before = writer->before[node->object.kind % KINDS];

	fields_of(&node->object, fields);
	for (unsigned i = 0; i < FIELDS; i++)
		mask |= (uint64_t)(fields[i] != before[i]) << i;
	write_word(writer, mask);
	for (unsigned i = 0; i < FIELDS; i++)
		if (mask >> i & 1)
			write_word(writer, fields[i] - before[i]);
	memcpy(before, fields, sizeof(fields));
	for (uint64_t i = 0; i < node->object.children; i++)
		write_word(writer, node->children->serials[i]);
}

/* Rings that never ran anything leave no trace at the end: equal Worlds are equal bytes. */
static uint32_t rings_used(const struct world *world)
{
	uint32_t rings = world->rings;

	while (rings > world->ring + 1 && !world->running[rings - 1])
		rings--;
	return rings;
}

static void write_world(struct writer *writer, const struct world *world)
{
	uint32_t rings = rings_used(world);
	const struct world_object *object;

	write_word(writer, MAGIC);
	write_word(writer, world->at);
	write_word(writer, (uint64_t)world->time);
	write_word(writer, world->changed);
	write_word(writer, world->turn);
	write_word(writer, world->damage);
	write_word(writer, world->missing);
	write_word(writer, world->lost);
	write_word(writer, world->lost_at);
	write_word(writer, world->ring | (uint64_t)world->late << 31 | (uint64_t)rings << 32);
	write_word(writer, world->objects.count);
	for (uint32_t ring = 0; ring < rings; ring++)
		write_word(writer, world->running[ring]);
	for (object = world_next(world, 0); object; object = world_next(world, object->serial))
		write_object(writer, state_find(world, object->serial));
}

uint64_t world_hash(const struct world *world)
{
	struct writer writer = {0};

	write_world(&writer, world);
	return writer.hash;
}

int world_serialise(const struct world *world, uint8_t **ret, size_t *ret_length)
{
	struct writer measure = {0}, writer = {0};

	write_world(&measure, world);
	writer.bytes = malloc(measure.length + sizeof(uint64_t));
	if (!writer.bytes)
		return -ENOMEM;
	write_world(&writer, world);
	write_word(&writer, writer.hash);
	*ret = writer.bytes;
	*ret_length = writer.length;
	return 0;
}

/* ---- Reading ----------------------------------------------------------- */

struct reader {
	const uint8_t *bytes;
	size_t words, next;             /* without the hash */
	uint64_t before[KINDS][FIELDS]; /* of the last object of each kind */
};

static uint64_t word_at(const uint8_t *bytes, size_t i)
{
	uint64_t little;

	memcpy(&little, bytes + i * sizeof(little), sizeof(little));
	return le64toh(little);
}

static bool read_word(struct reader *reader, uint64_t *ret)
{
	if (reader->next >= reader->words)
		return false;
	*ret = word_at(reader->bytes, reader->next++);
	return true;
}

static bool is_whole(const uint8_t *bytes, size_t words)
{
	uint64_t hash = 0;

	for (size_t i = 0; i + 1 < words; i++)
		hash = mix(hash, word_at(bytes, i));
	return word_at(bytes, 0) == MAGIC && hash == word_at(bytes, words - 1);
}

static int read_children(struct reader *reader, uint64_t count, struct children **ret)
{
	struct children *list;

	if (count > reader->words - reader->next)
		return -EBADMSG;
	list = malloc(sizeof(*list) + count * sizeof(list->serials[0]));
	if (!list)
		return -ENOMEM;
	list->references = 1;
	list->room = count;
	for (uint64_t i = 0; i < count; i++) {
		if (!read_word(reader, &list->serials[i]) || !list->serials[i]) {
			free(list);
			return -EBADMSG;
		}
	}
	*ret = list;
	return 0;
}

static int read_object(struct reader *reader, struct world *world, uint64_t *last)
{
	uint64_t mask, difference, *fields, again[FIELDS];
	struct children *children = NULL;
	struct world_object object;
	int result;

	if (!read_word(reader, &mask) || (mask & UINT32_MAX) >> FIELDS || mask >> (KIND_SHIFT + 8))
		return -EBADMSG;
	fields = reader->before[(mask >> KIND_SHIFT) % KINDS];
	for (unsigned i = 0; i < FIELDS; i++) {
		if (!(mask >> i & 1))
			continue;
		if (!read_word(reader, &difference) || !difference)
			return -EBADMSG;
		fields[i] += difference;
	}
	object_of(fields, &object);
	fields_of(&object, again);
	if (memcmp(fields, again, sizeof(again)) != 0 || object.serial <= *last || object.state > 15 ||
		object.kind != mask >> KIND_SHIFT)
		return -EBADMSG;
	*last = object.serial;

	if (object.children) {
		result = read_children(reader, object.children, &children);
		if (result < 0)
			return result;
	}
	result = state_reserve(world, object.serial, 0, 0, false);
	if (result < 0) {
		free(children);
		return result;
	}
	state_replace(world, &object, 0);
	state_set_children(world, object.serial, children);
	return 0;
}

static int read_world(struct reader *reader, struct world *world)
{
	uint64_t magic, time, rings, objects, last = 0, ring;
	int result;

	if (!read_word(reader, &magic) || !read_word(reader, &world->at) || !read_word(reader, &time) ||
		!read_word(reader, &world->changed) || !read_word(reader, &world->turn) ||
		!read_word(reader, &world->damage) || !read_word(reader, &world->missing) ||
		!read_word(reader, &world->lost) || !read_word(reader, &world->lost_at) ||
		!read_word(reader, &rings) || !read_word(reader, &objects))
		return -EBADMSG;
	world->time = (int64_t)time;
	ring = rings & INT32_MAX;
	world->late = rings >> 31 & 1;
	rings >>= 32;
	if (rings == 0 || rings > CORO_RINGS || ring >= rings)
		return -EBADMSG;
	result = state_reserve(world, 0, 0, (uint32_t)rings - 1, false);
	if (result < 0)
		return result;
	world->ring = (uint32_t)ring;
	for (ring = 0; ring < rings; ring++)
		if (!read_word(reader, &world->running[ring]))
			return -EBADMSG;
	if (rings_used(world) != rings)
		return -EBADMSG;
	for (uint64_t i = 0; i < objects; i++) {
		result = read_object(reader, world, &last);
		if (result < 0)
			return result;
	}
	return reader->next == reader->words ? 0 : -EBADMSG;
}

int world_deserialise(const uint8_t *bytes, size_t length, struct world **ret)
{
	struct reader reader = {.bytes = bytes, .words = length / sizeof(uint64_t)};
	struct world *world;
	int result;

	if (length % sizeof(uint64_t) || reader.words < 2 || !is_whole(bytes, reader.words))
		return -EBADMSG;
	reader.words--;
	world = world_new();
	if (!world)
		return -ENOMEM;
	result = read_world(&reader, world);
	if (result < 0) {
		world_free(world);
		return result;
	}
	*ret = world;
	return 0;
}
