/* clang-format off */
/*
 * columns.c - events as columns.
 *
 * One column holds one member of all the events of a chunk: neighbours in a column are alike,
 * so that differences are small numbers, small numbers are single bytes, and zstd sees long
 * repeats of them.
 *
 *     rows      t=100 gen yield    t=104 main send    t=108 gen yield
 *     columns   OBJECTS  gen main
 *               KIND     yield send yield
 *               CLOCK    +100 +4 +4
 *               CO       +1 +1 -1 ...
 *
 * A payload is a sequence of columns, each
 *     u16 id; u16 0; u32 length; bytes
 * with ids ascending. It is valid if and only if every column up to 18 is there, each is
 * read to its last byte, and all references are to entries that exist. Columns with
 * other ids are passed over: a later minor version may add some.
 *
 *   id  column    for each ...                it holds
 *    1  OBJECTS   object that is referred to  zigzag serial, zigzag name (both minus the entry's
 *                                             before), u8 kind. Entries count from 1; 0 is nobody.
 *                                             A name or kind that changed makes another entry
 *    2  RINGS     run of one ring             varint events, varint ring, varint index of the first
 *    3  INDEX     event, not first of a run   zigzag index minus the one before
 *    4  KIND      event                       u8
 *    5  FLAGS     event                       u8
 *    6  STATES    event                       u8: prev | next << 4
 *    7  CLOCK     event                       zigzag ticks minus the one before; the first from 0
 *    8  CO        event                       zigzag entry minus the one before; the first from 0
 *    9  CSEQ      event                       zigzag cseq - 1 - the last one of the same entry in this
 *                                             chunk (0 when there is none), modulo 2^32
 *   10  PEER      event                       0: nobody; else 1 + zigzag entry minus that of CO
 *   11  SITE      event                       0: none; i: the i-th site of the chunk; one more than
 *                                             there are: a new one
 *   12  NEWSITE   new site                    zigzag site minus the new one before, modulo 2^32
 *   13  VALUE     event                       u8 kind of value
 *   14  CONTENT   value that has one          BOOL, INT: zigzag; FLOAT: 8 bytes; POINTER: zigzag
 *                                             minus the pointer before; OBJECT: varint entry
 *   15  TYPE      POINTER, STRING, BYTES,     varint string id
 *                 EXCEPTION
 *   16  LENGTH    STRING, BYTES, EXCEPTION    varint full length, varint stored
 *   17  BYTES     STRING, BYTES, EXCEPTION    the stored bytes
 *   18  BIND      event with flag BIND        zigzag serial minus that of CO, varint name, site, gen,
 *                                             u8 kind, u8 reason, u16 stack_kib
 *   19  ROW       event with flag BIND        varint row that the object has in the program: what a
 *                                             trace needs to be gone on with. Since version 1.2;
 *                                             without it rows are not known
 */
/* clang-format on */
#include "columns.h"
#include "format.h"
#include "map.h"
#include <errno.h>

enum column {
	OBJECTS = 1,
	RINGS,
	INDEX,
	KIND,
	FLAGS,
	STATES,
	CLOCK,
	CO,
	CSEQ,
	PEER,
	SITE,
	NEWSITE,
	VALUE,
	CONTENT,
	TYPE,
	LENGTH,
	BYTES,
	BIND,
	ROW,
	COLUMN_LIMIT,
	COLUMNS_NEEDED = BIND, /* all up to it; later ones are empty in older traces */
};

/* Who is referred to: entry i of the dictionary is entry[i], entry[0] is nobody. */
struct entry {
	uint64_t serial;
	uint32_t name;
	uint32_t cseq; /* the last one seen in this chunk */
	uint8_t kind;
};
/* Three at most for each event. */
#define ENTRIES_MAX (3u * CHUNK_EVENTS_MAX)

static uint64_t difference32(uint32_t a, uint32_t b)
{
	return (uint64_t)(int64_t)(int32_t)(a - b);
}

/* ---- Encoding ---------------------------------------------------------- */

#define CACHED 1024 /* a power of two */

/* Columns that every event has an entry in are given all their room at the start, and filled
 * through `at`. The others grow. */
struct encoder {
	struct bytes column[COLUMN_LIMIT];
	uint8_t *at[COLUMN_LIMIT]; /* NULL: a column that grows */
	uint32_t cached[CACHED];   /* entries by the low bits of their serials: a guess, 0: none */
	struct {
		uint32_t site, number; /* the same of sites */
	} cached_site[CACHED];
	struct entry *entry; /* owned */
	uint32_t entries, entry_room;
	struct map by_serial; /* to its latest entry */
	struct map by_site;   /* to its number in the chunk, from 1 */
	uint32_t last_site;   /* the last new one */
	bool failed;
};

static void encoder_done(struct encoder *encoder)
{
	for (unsigned i = 0; i < COLUMN_LIMIT; i++)
		bytes_done(&encoder->column[i]);
	free(encoder->entry);
	trace__map_done(&encoder->by_serial);
	trace__map_done(&encoder->by_site);
}

static bool is_entry(const struct encoder *encoder, uint32_t i, uint64_t serial, uint32_t name,
					 uint8_t kind)
{
	const struct entry *entry = &encoder->entry[i];

	return entry->serial == serial && entry->name == name && entry->kind == kind;
}

/* The entry of an object, which is made if there is none. */
static uint32_t refer(struct encoder *encoder, uint64_t serial, uint32_t name, uint8_t kind)
{
	const struct entry *last;
	struct entry *entry;
	uint32_t i;

	if (serial == 0)
		return 0;
	i = encoder->cached[serial % CACHED];
	if (is_entry(encoder, i, serial, name, kind))
		return i;
	i = trace__map_find(&encoder->by_serial, serial);
	if (i != MAP_NONE && is_entry(encoder, i, serial, name, kind))
		return encoder->cached[serial % CACHED] = i;
	if (encoder->entries == encoder->entry_room) {
		uint32_t room = encoder->entry_room * 2;

		entry = realloc(encoder->entry, room * sizeof(*entry));
		if (!entry) {
			encoder->failed = true;
			return 0;
		}
		encoder->entry = entry;
		encoder->entry_room = room;
	}
	i = encoder->entries++;
	entry = &encoder->entry[i];
	last = &encoder->entry[i - 1];
	*entry = (struct entry){
		.serial = serial,
		.name = name,
		.kind = kind,
	};
	bytes_put_zigzag(&encoder->column[OBJECTS], serial - last->serial);
	bytes_put_zigzag(&encoder->column[OBJECTS], difference32(name, last->name));
	bytes_put_u8(&encoder->column[OBJECTS], entry->kind);
	if (trace__map_set(&encoder->by_serial, serial, i) < 0)
		encoder->failed = true;
	return encoder->cached[serial % CACHED] = i;
}

/* The number of a site in this chunk, from 1; 0: none. */
static uint32_t refer_site(struct encoder *encoder, uint32_t site)
{
	uint32_t number;

	if (encoder->cached_site[site % CACHED].site == site)
		return encoder->cached_site[site % CACHED].number; /* 0 of site 0, too */
	number = trace__map_find(&encoder->by_site, site);
	if (number == MAP_NONE) {
		number = (uint32_t)encoder->by_site.count + 1;
		if (trace__map_set(&encoder->by_site, site, number) < 0)
			encoder->failed = true;
		bytes_put_zigzag(&encoder->column[NEWSITE], difference32(site, encoder->last_site));
		encoder->last_site = site;
	}
	encoder->cached_site[site % CACHED].site = site;
	encoder->cached_site[site % CACHED].number = number;
	return number;
}

/* `count` events from this one on are of one ring. */
static void encode_run(struct encoder *encoder, const struct row *first, uint64_t count)
{
	bytes_put_varint(&encoder->column[RINGS], count);
	bytes_put_varint(&encoder->column[RINGS], first->ring);
	bytes_put_varint(&encoder->column[RINGS], first->index);
}

static void encode_bind(struct bytes *columns, const struct row *row, const uint8_t *extra)
{
	struct bytes *column = &columns[BIND];
	struct coro_trace_bind bind;
	struct bound bound;

	memcpy(&bound, extra, sizeof(bound));
	bind = bound.bind;
	bytes_put_varint(&columns[ROW], bound.row);
	bytes_put_zigzag(column, bind.serial - row->co);
	bytes_put_varint(column, bind.name);
	bytes_put_varint(column, bind.site);
	bytes_put_varint(column, bind.gen);
	bytes_put_u8(column, bind.kind);
	bytes_put_u8(column, bind.reason);
	bytes_put_fixed(column, bind.stack_kib, 2);
}

/* The value and the bind of one event; `pointer` is the last pointer before it. */
static void encode_value(struct encoder *encoder, const struct row *row, const uint8_t *extra,
						 uint64_t *pointer)
{
	struct bytes *column = encoder->column;

	if (row->flags & CORO_SLOT_BIND) {
		encode_bind(column, row, extra);
		extra += sizeof(struct bound);
	}
	switch (trace__content(row->value_kind)) {
	case CONTENT_NONE:
		break;
	case CONTENT_SIGNED:
		bytes_put_zigzag(&column[CONTENT], row->content);
		break;
	case CONTENT_REAL:
		bytes_put_fixed(&column[CONTENT], row->content, 8);
		break;
	case CONTENT_POINTER:
		bytes_put_zigzag(&column[CONTENT], row->content - *pointer);
		*pointer = row->content;
		break;
	case CONTENT_OBJECT:
		bytes_put_varint(&column[CONTENT],
						 refer(encoder, row->content, row->type, row->value_object_kind));
		break;
	case CONTENT_LENGTH:
		bytes_put_varint(&column[LENGTH], row->content);
		bytes_put_varint(&column[LENGTH], row->stored);
		bytes_put(&column[BYTES], extra, row->stored);
		break;
	}
	if (trace__content_has_type(row->value_kind))
		bytes_put_varint(&column[TYPE], row->type);
}

/* The columns that every event has an entry in, and how long that may be. */
static const uint8_t of_every_event[COLUMN_LIMIT] = {
	[INDEX] = VARINT_MOST, [KIND] = 1,         [FLAGS] = 1,          [STATES] = 1,
	[CLOCK] = VARINT_MOST, [CO] = VARINT_MOST, [CSEQ] = VARINT_MOST, [PEER] = VARINT_MOST,
	[SITE] = VARINT_MOST,  [VALUE] = 1,
};

static bool encoder_begin(struct encoder *encoder, uint32_t count)
{
	encoder->entry = calloc(encoder->entry_room, sizeof(*encoder->entry));
	if (!encoder->entry)
		return false;
	for (unsigned id = 1; id < COLUMN_LIMIT; id++) {
		struct bytes *column = &encoder->column[id];

		if (!of_every_event[id])
			continue;
		if (!bytes_reserve(column, (size_t)count * of_every_event[id]))
			return false;
		encoder->at[id] = column->data;
	}
	return true;
}

static void encoder_end(struct encoder *encoder, struct bytes *ret)
{
	for (unsigned id = 1; id < COLUMN_LIMIT; id++) {
		struct bytes *column = &encoder->column[id];

		if (encoder->at[id])
			column->length = (size_t)(encoder->at[id] - column->data);
		bytes_put_fixed(ret, id, 2);
		bytes_put_fixed(ret, 0, 2);
		bytes_put_fixed(ret, column->length, 4);
		bytes_put(ret, column->data, column->length);
		encoder->failed |= column->failed;
	}
	encoder->failed |= ret->failed;
}

static const uint8_t *extra_of(const struct rows *rows, const struct row *row)
{
	return rows->extra.data ? rows->extra.data + row->extra : NULL;
}

static void encode_events(struct encoder *encoder, const struct rows *rows, const struct row *row,
						  uint32_t count)
{
	/* In registers: the compiler cannot know that nothing else changes encoder->at. */
	uint8_t *clocks = encoder->at[CLOCK], *objects = encoder->at[CO], *cseqs = encoder->at[CSEQ];
	uint8_t *peers = encoder->at[PEER], *sites = encoder->at[SITE];
	uint8_t *kinds = encoder->at[KIND], *flags = encoder->at[FLAGS];
	uint8_t *states = encoder->at[STATES], *values = encoder->at[VALUE];
	uint8_t *indexes = encoder->at[INDEX];
	const struct row *run = row; /* the first of its ring */
	uint64_t clock = 0, pointer = 0;
	uint32_t co = 0, i;

	for (i = 0; i < count && !encoder->failed; i++, row++) {
		uint32_t last = co, peer;

		__builtin_prefetch(row + 16);
		if (row->ring != run->ring) {
			encode_run(encoder, run, (uint64_t)(row - run));
			run = row;
		} else if (row > run) {
			indexes = put_varint(indexes, zigzag(row->index - row[-1].index));
		}
		kinds[i] = row->kind;
		flags[i] = row->flags;
		states[i] = row->states;
		values[i] = row->value_kind;
		clocks = put_varint(clocks, zigzag(row->clock - clock));
		clock = row->clock;
		co = refer(encoder, row->co, row->name, row->object_kind);
		objects = put_varint(objects, zigzag((uint64_t)co - last));
		cseqs = put_varint(cseqs, zigzag(difference32(row->cseq - 1, encoder->entry[co].cseq)));
		encoder->entry[co].cseq = row->cseq;
		peer = refer(encoder, row->peer, row->peer_name, row->peer_kind);
		peers = put_varint(peers, peer ? 1 + zigzag((uint64_t)peer - co) : 0);
		sites = put_varint(sites, refer_site(encoder, row->site));
		if (row->value_kind > CORO_VALUE_NONE || row->flags & CORO_SLOT_BIND)
			encode_value(encoder, row, extra_of(rows, row), &pointer);
	}
	encode_run(encoder, run, (uint64_t)(row - run));
	encoder->at[INDEX] = indexes;
	encoder->at[CLOCK] = clocks;
	encoder->at[CO] = objects;
	encoder->at[CSEQ] = cseqs;
	encoder->at[PEER] = peers;
	encoder->at[SITE] = sites;
	encoder->at[KIND] += i;
	encoder->at[FLAGS] += i;
	encoder->at[STATES] += i;
	encoder->at[VALUE] += i;
}

int trace__columns_encode(const struct rows *rows, uint32_t from, uint32_t to, struct bytes *ret)
{
	const struct row *row = rows->row + from;
	struct encoder encoder = {.entries = 1, .entry_room = 64};

	if (encoder_begin(&encoder, to - from)) {
		encode_events(&encoder, rows, row, to - from);
		encoder_end(&encoder, ret);
	} else {
		encoder.failed = true;
	}
	encoder_done(&encoder);
	return encoder.failed ? -ENOMEM : 0;
}

/* ---- Decoding ---------------------------------------------------------- */

struct decoder {
	struct cursor column[COLUMN_LIMIT];
	struct entry *entry; /* owned */
	uint32_t entries;
	uint32_t *site; /* owned; from 1 */
	uint32_t sites;
	bool has_rows; /* there is a column ROW */
};

static void decoder_done(struct decoder *decoder)
{
	free(decoder->entry);
	free(decoder->site);
}

/* Finds the columns. */
static int split(const uint8_t *payload, size_t length, struct decoder *decoder)
{
	struct cursor cursor = cursor_over(payload, length);
	uint64_t last = 0;
	unsigned found = 0;

	while (cursor.at < cursor.end) {
		uint64_t id = cursor_fixed(&cursor, 2), zero = cursor_fixed(&cursor, 2);
		uint64_t size = cursor_fixed(&cursor, 4);
		const uint8_t *bytes = cursor_take(&cursor, size);

		if (!bytes || zero || id <= last)
			return -EBADMSG;
		last = id;
		if (id < COLUMN_LIMIT) {
			decoder->column[id] = cursor_over(bytes, size);
			found += id <= COLUMNS_NEEDED;
			decoder->has_rows |= id == ROW;
		}
	}
	return found == COLUMNS_NEEDED ? 0 : -EBADMSG;
}

static int decode_objects(struct decoder *decoder)
{
	struct cursor *cursor = &decoder->column[OBJECTS];
	size_t most = (size_t)(cursor->end - cursor->at) / 3; /* an entry has three bytes at least */
	struct entry *entry;

	if (most > ENTRIES_MAX)
		most = ENTRIES_MAX;
	entry = decoder->entry = calloc(most + 1, sizeof(*entry));
	if (!entry)
		return -ENOMEM;
	decoder->entries = 1;
	while (cursor->at < cursor->end) {
		uint64_t serial, name;

		if (decoder->entries > most)
			return -EBADMSG;
		serial = entry->serial + cursor_zigzag(cursor);
		name = entry->name + cursor_zigzag(cursor);
		entry++;
		entry->serial = serial;
		entry->name = (uint32_t)name;
		entry->kind = cursor_u8(cursor);
		if (cursor->bad || serial == 0)
			return -EBADMSG;
		decoder->entries++;
	}
	return 0;
}

static int decode_sites(struct decoder *decoder, uint32_t count)
{
	struct cursor *cursor = &decoder->column[NEWSITE];
	size_t most = (size_t)(cursor->end - cursor->at);
	uint32_t site = 0;

	if (most > count)
		most = count;
	decoder->site = calloc(most + 1, sizeof(*decoder->site));
	if (!decoder->site)
		return -ENOMEM;
	while (cursor->at < cursor->end) {
		if (decoder->sites == most)
			return -EBADMSG;
		site += (uint32_t)cursor_zigzag(cursor);
		if (cursor->bad)
			return -EBADMSG;
		decoder->site[++decoder->sites] = site;
	}
	return 0;
}

static int decode_rings(struct decoder *decoder, struct row *row, uint32_t count)
{
	struct cursor *runs = &decoder->column[RINGS], *indexes = &decoder->column[INDEX];

	for (uint32_t i = 0; i < count;) {
		uint64_t run = cursor_varint(runs, count - i);
		uint64_t ring = cursor_varint(runs, UINT32_MAX);
		uint64_t index = cursor_varint(runs, UINT64_MAX);

		if (runs->bad || run == 0)
			return -EBADMSG;
		for (uint64_t k = 0; k < run; k++, i++) {
			if (k > 0)
				index += cursor_zigzag(indexes);
			row[i].ring = (uint32_t)ring;
			row[i].index = index;
		}
	}
	return 0;
}

/* An entry's number that may be any number in a damaged file. */
static const struct entry *entry_at(const struct decoder *decoder, uint64_t i)
{
	return i < decoder->entries ? &decoder->entry[i] : NULL;
}

/* The columns that every event has. */
static int decode_fixed(struct decoder *decoder, struct row *row, uint32_t count)
{
	struct cursor *column = decoder->column;
	uint64_t clock = 0, co = 0;
	uint32_t sites = 0;

	for (uint32_t i = 0; i < count; i++, row++) {
		const struct entry *entry, *other;
		uint64_t peer, site;

		row->kind = cursor_u8(&column[KIND]);
		row->flags = cursor_u8(&column[FLAGS]);
		row->states = cursor_u8(&column[STATES]);
		row->clock = clock += cursor_zigzag(&column[CLOCK]);
		co += cursor_zigzag(&column[CO]);
		peer = cursor_varint(&column[PEER], UINT64_MAX);
		entry = entry_at(decoder, co);
		other = entry_at(decoder, peer ? co + unzigzag(peer - 1) : 0);
		if (!entry || !other)
			return -EBADMSG;
		row->co = entry->serial;
		row->name = entry->name;
		row->object_kind = entry->kind;
		row->peer = other->serial;
		row->peer_name = other->name;
		row->peer_kind = other->kind;
		row->cseq = entry->cseq + 1 + (uint32_t)cursor_zigzag(&column[CSEQ]);
		decoder->entry[co].cseq = row->cseq;
		site = cursor_varint(&column[SITE], decoder->sites);
		if (site > sites + 1)
			return -EBADMSG;
		if (site > sites)
			sites++;
		row->site = decoder->site[site];
	}
	return sites == decoder->sites ? 0 : -EBADMSG;
}

static void decode_bind(struct decoder *decoder, uint64_t co, struct bytes *extra)
{
	struct cursor *column = &decoder->column[BIND];
	struct coro_trace_bind bind;
	uint32_t row = 0;

	memset(&bind, 0, sizeof(bind));
	bind.serial = co + cursor_zigzag(column);
	bind.name = (uint32_t)cursor_varint(column, UINT32_MAX);
	bind.site = (uint32_t)cursor_varint(column, UINT32_MAX);
	bind.gen = (uint32_t)cursor_varint(column, UINT32_MAX);
	bind.kind = cursor_u8(column);
	bind.reason = cursor_u8(column);
	bind.stack_kib = (uint16_t)cursor_fixed(column, 2);
	if (decoder->has_rows)
		row = (uint32_t)cursor_varint(&decoder->column[ROW], UINT32_MAX);
	bytes_put(extra, &(struct bound){bind, row}, sizeof(struct bound));
}

static int decode_values(struct decoder *decoder, struct rows *rows, uint32_t count)
{
	struct cursor *column = decoder->column;
	struct row *row = rows->row;
	uint64_t pointer = 0;

	for (uint32_t i = 0; i < count; i++, row++) {
		const struct entry *entry;
		const uint8_t *bytes;

		row->value_kind = cursor_u8(&column[VALUE]);
		row->extra = (uint32_t)rows->extra.length;
		if (row->flags & CORO_SLOT_BIND)
			decode_bind(decoder, row->co, &rows->extra);
		if (trace__content_has_type(row->value_kind))
			row->type = (uint32_t)cursor_varint(&column[TYPE], UINT32_MAX);
		switch (trace__content(row->value_kind)) {
		case CONTENT_NONE:
			break;
		case CONTENT_SIGNED:
			row->content = cursor_zigzag(&column[CONTENT]);
			break;
		case CONTENT_REAL:
			row->content = cursor_fixed(&column[CONTENT], 8);
			break;
		case CONTENT_POINTER:
			row->content = pointer += cursor_zigzag(&column[CONTENT]);
			break;
		case CONTENT_OBJECT:
			entry = entry_at(decoder, cursor_varint(&column[CONTENT], UINT32_MAX));
			if (!entry)
				return -EBADMSG;
			row->content = entry->serial;
			row->type = entry->name;
			row->value_object_kind = entry->kind;
			break;
		case CONTENT_LENGTH:
			row->content = cursor_varint(&column[LENGTH], UINT64_MAX);
			row->stored = (uint16_t)cursor_varint(&column[LENGTH], CORO_TRACE_STORED_MAX);
			bytes = cursor_take(&column[BYTES], row->stored);
			if (!bytes || row->stored > row->content)
				return -EBADMSG;
			bytes_put(&rows->extra, bytes, row->stored);
			break;
		}
	}
	return rows->extra.failed ? -ENOMEM : 0;
}

int trace__columns_decode(const uint8_t *payload, size_t length, uint64_t first, uint32_t count,
						  struct rows *ret)
{
	struct decoder decoder = {0};
	int result = count && count <= CHUNK_EVENTS_MAX ? split(payload, length, &decoder) : -EBADMSG;

	/* Every event has a byte in this column: so the file is as large as what is allocated. */
	if (result == 0 && decoder.column[KIND].end - decoder.column[KIND].at != (ptrdiff_t)count)
		result = -EBADMSG;
	if (result == 0)
		result = trace__rows_reserve(ret, count);
	if (result == 0) {
		memset(ret->row, 0, count * sizeof(*ret->row));
		result = decode_objects(&decoder);
	}
	if (result == 0)
		result = decode_sites(&decoder, count);
	if (result == 0)
		result = decode_rings(&decoder, ret->row, count);
	if (result == 0)
		result = decode_fixed(&decoder, ret->row, count);
	if (result == 0)
		result = decode_values(&decoder, ret, count);
	for (unsigned id = 1; result == 0 && id < COLUMN_LIMIT; id++)
		if (!cursor_is_consumed(&decoder.column[id]))
			result = -EBADMSG;
	decoder_done(&decoder);
	if (result < 0) {
		trace__rows_done(ret);
		return result;
	}
	ret->first = first;
	ret->count = count;
	return 0;
}
