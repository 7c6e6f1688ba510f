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
 *
 * What changed since an earlier World, which is what most checkpoints are:
 *
 *     word
 *     0        CHANGES, with the version of this layout
 *     1 .. 10  as above
 *     11       since: `at` of the earlier World
 *     12, 13   number of objects that have gone; that are new or have changed
 *     14       running[0 .. rings-1]
 *     ...      serials of those that have gone, ascending
 *     ...      the others as above; of their children only those that came since
 *     last     hash of all words before it
 *
 * They are a World's if and only if, besides: those that have gone were there; the other World's
 * `at` is `since`, and less than `at`; and there are as many objects then as it says.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "state.h"

#define MAGIC   0x35304b4344524c57u /* the bytes "WLRDCK05" */
#define CHANGES 0x35304843444c5257u /* the bytes "WRLDCH05" */
#define HEADER  11                  /* words of both */

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
	uint8_t *bytes; /* owned while it is written; NULL: none yet, or only the hash is wanted */
	size_t length;  /* so far, in bytes */
	size_t room;
	bool keeps;  /* not only the hash is wanted */
	bool failed; /* memory is out */
	uint64_t hash;
	uint64_t before[KINDS][FIELDS]; /* of the last object of each kind */
};

static uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
	return hash ^ hash >> 29;
}

static bool grow(struct writer *writer)
{
	size_t room = writer->room ? writer->room + writer->room / 2 : 4096;
	uint8_t *bytes = writer->failed ? NULL : realloc(writer->bytes, room);

	writer->failed |= !bytes;
	if (!bytes)
		return false;
	writer->bytes = bytes;
	writer->room = room;
	return true;
}

static void write_word(struct writer *writer, uint64_t word)
{
	uint64_t little = htole64(word);

	writer->hash = mix(writer->hash, word);
	if (!writer->keeps)
		return;
	if (writer->room - writer->length < sizeof(little) && !grow(writer))
		return;
	memcpy(writer->bytes + writer->length, &little, sizeof(little));
	writer->length += sizeof(little);
}

/* The children from `child` up to `end`, which is behind this block's last: earlier blocks first.
 */
static void write_children(struct writer *writer, const struct children *block, uint64_t child,
						   uint64_t end)
{
	const struct children *first = block;

	/* Those are few, as a rule, or in few blocks: each looks for the one before. */
	while (child < end) {
		uint64_t until = end;

		for (first = block; first->before > child; first = first->previous)
			until = first->before;
		for (; child < until; child++)
			write_word(writer, first->serials[child - first->before]);
	}
}

/* With its children from that one on. */
static void write_object(struct writer *writer, const struct node *node, uint64_t child)
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
	write_children(writer, node->children, child, node->object.children);
}

/* Rings that never ran anything leave no trace at the end: equal Worlds are equal bytes. */
static uint32_t rings_used(const struct world *world)
{
	uint32_t rings = world->rings;

	while (rings > world->ring + 1 && !world->running[rings - 1])
		rings--;
	return rings;
}

static void write_header(struct writer *writer, const struct world *world, uint64_t magic)
{
	write_word(writer, magic);
	write_word(writer, world->at);
	write_word(writer, (uint64_t)world->time);
	write_word(writer, world->changed);
	write_word(writer, world->turn);
	write_word(writer, world->damage);
	write_word(writer, world->missing);
	write_word(writer, world->lost);
	write_word(writer, world->lost_at);
	write_word(writer,
			   world->ring | (uint64_t)world->late << 31 | (uint64_t)rings_used(world) << 32);
	write_word(writer, world->objects.count);
}

static void write_running(struct writer *writer, const struct world *world)
{
	uint32_t rings = rings_used(world);

	for (uint32_t ring = 0; ring < rings; ring++)
		write_word(writer, world->running[ring]);
}

static void write_differing(void *context, void *of_world, void *of_none)
{
	(void)of_none;
	write_object(context, of_world, 0);
}

static void write_world(struct writer *writer, const struct world *world)
{
	const struct tree none = {0};

	write_header(writer, world, MAGIC);
	write_running(writer, world);
	tree_differ(&world->objects, &none, write_differing, writer);
}

uint64_t world_hash(const struct world *world)
{
	struct writer writer = {0};

	write_world(&writer, world);
	return writer.hash;
}

/* The end of what was written, and it is the caller's. */
static int finish(struct writer *writer, uint8_t **ret, size_t *ret_length)
{
	write_word(writer, writer->hash);
	if (writer->failed) {
		free(writer->bytes);
		return -ENOMEM;
	}
	*ret = writer->bytes;
	*ret_length = writer->length;
	return 0;
}

int world_serialise(const struct world *world, uint8_t **ret, size_t *ret_length)
{
	struct writer writer = {.keeps = true};

	write_world(&writer, world);
	return finish(&writer, ret, ret_length);
}

/* ---- Writing changes --------------------------------------------------- */

struct changes {
	struct writer *writer; /* NULL: they are counted */
	uint64_t gone, changed;
	bool tells_gone; /* else those that are new or have changed */
};

static void write_change(void *context, void *of_world, void *of_earlier)
{
	const struct node *node = of_world, *earlier = of_earlier;
	struct changes *changes = context;

	if (node)
		changes->changed++;
	else
		changes->gone++;
	if (!changes->writer || changes->tells_gone != !node)
		return;
	if (node)
		write_object(changes->writer, node, earlier ? earlier->object.children : 0);
	else
		write_word(changes->writer, earlier->object.serial);
}

int world_serialise_since(const struct world *world, const struct world *since, uint8_t **ret,
						  size_t *ret_length)
{
	struct writer writer = {.keeps = true};
	struct changes count = {0}, changes = {.writer = &writer, .tells_gone = true};

	tree_differ(&world->objects, &since->objects, write_change, &count);
	write_header(&writer, world, CHANGES);
	write_word(&writer, since->at);
	write_word(&writer, count.gone);
	write_word(&writer, count.changed);
	write_running(&writer, world);
	tree_differ(&world->objects, &since->objects, write_change, &changes);
	changes.tells_gone = false;
	tree_differ(&world->objects, &since->objects, write_change, &changes);
	return finish(&writer, ret, ret_length);
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

static bool is_whole(const uint8_t *bytes, size_t words, uint64_t magic)
{
	uint64_t hash = 0;

	for (size_t i = 0; i + 1 < words; i++)
		hash = mix(hash, word_at(bytes, i));
	return word_at(bytes, 0) == magic && hash == word_at(bytes, words - 1);
}

static int read_fields(struct reader *reader, uint64_t *last, struct world_object *ret)
{
	uint64_t mask, difference, *fields, again[FIELDS];

	if (!read_word(reader, &mask) || (mask & UINT32_MAX) >> FIELDS || mask >> (KIND_SHIFT + 8))
		return -EBADMSG;
	fields = reader->before[(mask >> KIND_SHIFT) % KINDS];
	for (uint64_t left = mask & UINT32_MAX; left; left &= left - 1) {
		if (!read_word(reader, &difference) || !difference)
			return -EBADMSG;
		fields[__builtin_ctzll(left)] += difference;
	}
	object_of(fields, ret);
	fields_of(ret, again);
	if (memcmp(fields, again, sizeof(again)) != 0 || ret->serial <= *last || ret->state > 15 ||
		ret->kind != mask >> KIND_SHIFT)
		return -EBADMSG;
	*last = ret->serial;
	return 0;
}

static int read_object(struct reader *reader, struct state_loader *loader, uint64_t *last)
{
	struct world_object object;
	struct node *node;
	uint64_t child;
	int result = read_fields(reader, last, &object);

	if (result == 0 && object.children > reader->words - reader->next)
		result = -EBADMSG;
	if (result == 0)
		result = state_load_object(loader, &object, &node);
	for (uint64_t i = 0; result == 0 && i < object.children; i++)
		result = !read_word(reader, &child) || !child ? -EBADMSG : state_load_child(node, child);
	return result;
}

/* The header behind its first word. */
static int read_header(struct reader *reader, struct world *world, uint64_t *ret_rings,
					   uint64_t *ret_objects)
{
	uint64_t magic, time = 0, rings = 0;
	int result;

	if (reader->words < HEADER)
		return -EBADMSG;
	read_word(reader, &magic);
	read_word(reader, &world->at);
	read_word(reader, &time);
	read_word(reader, &world->changed);
	read_word(reader, &world->turn);
	read_word(reader, &world->damage);
	read_word(reader, &world->missing);
	read_word(reader, &world->lost);
	read_word(reader, &world->lost_at);
	read_word(reader, &rings);
	read_word(reader, ret_objects);
	world->time = (int64_t)time;
	world->late = rings >> 31 & 1;
	*ret_rings = rings >> 32;
	if (*ret_rings == 0 || *ret_rings > CORO_RINGS || (rings & INT32_MAX) >= *ret_rings)
		return -EBADMSG;
	result = state_reserve(world, 0, 0, (uint32_t)*ret_rings - 1, false);
	if (result < 0)
		return result;
	world->ring = (uint32_t)(rings & INT32_MAX);
	return 0;
}

static int read_running(struct reader *reader, struct world *world, uint64_t rings)
{
	memset(world->running, 0, world->rings * sizeof(world->running[0]));
	for (uint64_t ring = 0; ring < rings; ring++)
		if (!read_word(reader, &world->running[ring]))
			return -EBADMSG;
	return rings_used(world) == rings ? 0 : -EBADMSG;
}

static int read_world(struct reader *reader, struct world *world)
{
	uint64_t rings, objects, last = 0;
	struct state_loader *loader = state_load(world);
	int result = loader ? read_header(reader, world, &rings, &objects) : -ENOMEM;

	if (result == 0)
		result = read_running(reader, world, rings);
	for (uint64_t i = 0; result == 0 && i < objects; i++)
		result = read_object(reader, loader, &last);
	if (result == 0)
		result = state_loaded(loader);
	state_loader_free(loader);
	return result == 0 && reader->next != reader->words ? -EBADMSG : result;
}

int world_deserialise(const uint8_t *bytes, size_t length, struct world **ret)
{
	struct reader reader = {.bytes = bytes, .words = length / sizeof(uint64_t)};
	struct world *world;
	int result;

	if (length % sizeof(uint64_t) || reader.words < 2 || !is_whole(bytes, reader.words, MAGIC))
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

/* ---- Reading changes --------------------------------------------------- */

uint64_t world_bytes_since(const uint8_t *bytes, size_t length)
{
	return length / sizeof(uint64_t) > HEADER && word_at(bytes, 0) == CHANGES
			   ? word_at(bytes, HEADER)
			   : 0;
}

static int read_gone(struct reader *reader, struct world *world, uint64_t *last)
{
	uint64_t serial;
	int result;

	if (!read_word(reader, &serial) || serial <= *last || !state_find(world, serial))
		return -EBADMSG;
	*last = serial;
	result = state_reserve(world, serial, 0, 0, false);
	if (result == 0)
		state_remove(world, serial);
	return result;
}

static int read_changed(struct reader *reader, struct world *world, uint64_t *last)
{
	struct world_object object;
	const struct node *node;
	uint64_t child, had, has;
	int result = read_fields(reader, last, &object);

	if (result < 0)
		return result;
	node = state_find(world, object.serial);
	had = node ? node->object.children : 0;
	has = object.children;
	if (has < had || has - had > reader->words - reader->next)
		return -EBADMSG;
	object.children = had;
	result = state_reserve(world, object.serial, 0, 0, false);
	if (result == 0)
		state_replace(world, &object, 0);
	for (uint64_t i = had; result == 0 && i < has; i++)
		result = !read_word(reader, &child) || !child
					 ? -EBADMSG
					 : state_add_child(world, object.serial, child);
	return result;
}

static int read_changes(struct reader *reader, struct world *world)
{
	uint64_t was_at = world->at, rings, objects, since, gone, changed, last = 0;
	int result = read_header(reader, world, &rings, &objects);

	if (result < 0)
		return result;
	if (!read_word(reader, &since) || since != was_at || world->at <= since ||
		!read_word(reader, &gone) || !read_word(reader, &changed))
		return -EBADMSG;
	result = read_running(reader, world, rings);
	for (uint64_t i = 0; result == 0 && i < gone; i++)
		result = read_gone(reader, world, &last);
	last = 0;
	for (uint64_t i = 0; result == 0 && i < changed; i++)
		result = read_changed(reader, world, &last);
	if (result < 0)
		return result;
	return reader->next == reader->words && world->objects.count == objects ? 0 : -EBADMSG;
}

int world_deserialise_since(const uint8_t *bytes, size_t length, struct world *since,
							struct world **ret)
{
	struct reader reader = {.bytes = bytes, .words = length / sizeof(uint64_t)};
	struct world *world;
	int result;

	if (length % sizeof(uint64_t) || reader.words < 2 || !is_whole(bytes, reader.words, CHANGES))
		return -EBADMSG;
	reader.words--;
	world = world_copy(since);
	if (!world)
		return -ENOMEM;
	result = read_changes(&reader, world);
	if (result < 0) {
		world_free(world);
		return result;
	}
	*ret = world;
	return 0;
}
