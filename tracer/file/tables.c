/*
 * tables.c - entries added, encoded, decoded and found.
 *
 *     add_string() --> strings[], string_by_id
 *                 \--> pending[CHUNK_STRINGS].payload --> a chunk --> decode() --> add_string()
 */
#include "tables.h"
#include <errno.h>

/* Texts lie one behind the other in blocks; a long one has a block of its own. */
struct block {
	struct block *next;
	size_t length, room;
	char text[];
};
#define BLOCK_ROOM (16u << 10)

/* The entry's numbers take less than this. */
#define TEXT_MAX (CHUNK_RAW_GOAL - 256)

void trace__tables_done(struct tables *tables)
{
	while (tables->blocks) {
		struct block *next = tables->blocks->next;

		free(tables->blocks);
		tables->blocks = next;
	}
	free(tables->strings);
	free(tables->sites);
	free(tables->modules);
	free(tables->sources);
	free(tables->losses);
	trace__map_done(&tables->string_by_id);
	trace__map_done(&tables->site_by_pc);
	for (unsigned type = 0; type < CHUNK_END; type++)
		bytes_done(&tables->pending[type].payload);
	*tables = (struct tables){0};
}

const char *trace__tables_text(struct tables *tables, const char *text, size_t length)
{
	struct block *block = tables->blocks;
	char *copy;

	if (!block || length + 1 > block->room - block->length) {
		size_t room = length + 1 > BLOCK_ROOM / 4 ? length + 1 : BLOCK_ROOM;

		block = malloc(sizeof(*block) + room);
		if (!block)
			return NULL;
		block->length = 0;
		block->room = room;
		/* A block that is full at once goes behind the one that has room left. */
		if (room == BLOCK_ROOM || !tables->blocks) {
			block->next = tables->blocks;
			tables->blocks = block;
		} else {
			block->next = tables->blocks->next;
			tables->blocks->next = block;
		}
	}
	copy = block->text + block->length;
	if (length)
		memcpy(copy, text, length);
	copy[length] = 0;
	block->length += length + 1;
	return copy;
}

/* Room for one more entry in an array. */
static int grow(void *array, uint32_t count, uint32_t *room, size_t size)
{
	uint32_t larger = *room ? *room * 2 : 16;
	void *grown;

	if (count < *room)
		return 0;
	if (larger <= count)
		return -ENOMEM;
	grown = realloc(*(void **)array, larger * size);
	if (!grown)
		return -ENOMEM;
	*(void **)array = grown;
	*room = larger;
	return 0;
}

/* ---- Adding ------------------------------------------------------------ */

int trace__tables_add_string(struct tables *tables, uint32_t id, const char *text, size_t length)
{
	struct pending *pending = &tables->pending[CHUNK_STRINGS];
	const char *copy;

	if (length > TEXT_MAX)
		return -EFBIG;
	if (trace__map_find(&tables->string_by_id, id) != MAP_NONE)
		return 0;
	copy = trace__tables_text(tables, text, length);
	if (!copy || grow(&tables->strings, tables->string_count, &tables->string_room,
					  sizeof(*tables->strings)) < 0)
		return -ENOMEM;
	if (trace__map_set(&tables->string_by_id, id, tables->string_count) < 0)
		return -ENOMEM;
	tables->strings[tables->string_count++] = copy;
	if (tables->recording) {
		bytes_put_varint(&pending->payload, id);
		bytes_put_text(&pending->payload, text, length);
		pending->count++;
	}
	return 0;
}

enum { SITE_FUNCTION = 1, SITE_FILE = 2 };

int trace__tables_add_site(struct tables *tables, const struct trace_site *site)
{
	struct pending *pending = &tables->pending[CHUNK_SITES];
	struct trace_site copy = *site;
	uint32_t place = trace__map_find(&tables->site_by_pc, site->site);

	if ((site->function ? strlen(site->function) : 0) + (site->file ? strlen(site->file) : 0) >
		TEXT_MAX)
		return -EFBIG;
	if (site->function) {
		copy.function = trace__tables_text(tables, site->function, strlen(site->function));
		if (!copy.function)
			return -ENOMEM;
	}
	if (site->file) {
		copy.file = trace__tables_text(tables, site->file, strlen(site->file));
		if (!copy.file)
			return -ENOMEM;
	}
	if (place == MAP_NONE) {
		if (grow(&tables->sites, tables->site_count, &tables->site_room, sizeof(copy)) < 0)
			return -ENOMEM;
		if (trace__map_set(&tables->site_by_pc, site->site, tables->site_count) < 0)
			return -ENOMEM;
		place = tables->site_count++;
	}
	tables->sites[place] = copy;
	if (tables->recording) {
		bytes_put_varint(&pending->payload, site->site);
		bytes_put_varint(&pending->payload, site->line);
		bytes_put_u8(&pending->payload,
					 (site->function ? SITE_FUNCTION : 0) | (site->file ? SITE_FILE : 0));
		bytes_put_string(&pending->payload, site->function);
		bytes_put_string(&pending->payload, site->file);
		pending->count++;
	}
	return 0;
}

int trace__tables_add_module(struct tables *tables, const struct trace_module *module)
{
	struct pending *pending = &tables->pending[CHUNK_MODULES];
	struct trace_module copy = *module;

	if (strlen(module->path) > TEXT_MAX)
		return -EFBIG;
	if (copy.build_id_length > sizeof(copy.build_id))
		copy.build_id_length = sizeof(copy.build_id);
	copy.path = trace__tables_text(tables, module->path, strlen(module->path));
	if (!copy.path ||
		grow(&tables->modules, tables->module_count, &tables->module_room, sizeof(copy)) < 0)
		return -ENOMEM;
	tables->modules[tables->module_count++] = copy;
	if (tables->recording) {
		bytes_put_string(&pending->payload, module->path);
		bytes_put_varint(&pending->payload, module->start);
		bytes_put_varint(&pending->payload, module->end);
		bytes_put_varint(&pending->payload, module->bias);
		bytes_put_u8(&pending->payload, copy.build_id_length);
		bytes_put(&pending->payload, module->build_id, copy.build_id_length);
		pending->count++;
	}
	return 0;
}

int trace__tables_add_source(struct tables *tables, const char *file, const char *text,
							 size_t length)
{
	struct pending *pending = &tables->pending[CHUNK_SOURCE];
	struct trace_source_text copy = {.length = length};

	if (length > TEXT_MAX || strlen(file) > TEXT_MAX - length)
		return -EFBIG;
	if (trace__tables_source(tables, file))
		return 0;
	copy.file = trace__tables_text(tables, file, strlen(file));
	copy.text = trace__tables_text(tables, text, length);
	if (!copy.file || !copy.text ||
		grow(&tables->sources, tables->source_count, &tables->source_room, sizeof(copy)) < 0)
		return -ENOMEM;
	tables->sources[tables->source_count++] = copy;
	if (tables->recording) {
		bytes_put_string(&pending->payload, file);
		bytes_put_text(&pending->payload, text, length);
		pending->count++;
	}
	return 0;
}

int trace__tables_add_loss(struct tables *tables, const struct loss *loss)
{
	struct loss *last = tables->loss_count > tables->losses_written
							? &tables->losses[tables->loss_count - 1]
							: NULL;

	if (loss->count == 0)
		return 0;
	if (tables->recording && last && last->after == loss->after && last->ring == loss->ring) {
		last->count += loss->count;
	} else {
		if (grow(&tables->losses, tables->loss_count, &tables->loss_room, sizeof(*loss)) < 0)
			return -ENOMEM;
		tables->losses[tables->loss_count++] = *loss;
	}
	tables->lost += loss->count;
	return 0;
}

static int by_event(const void *a, const void *b)
{
	const struct loss *x = a, *y = b;

	return x->after != y->after ? (x->after < y->after ? -1 : 1)
								: (x->ring > y->ring) - (x->ring < y->ring);
}

void trace__tables_sort_losses(struct tables *tables)
{
	for (uint32_t i = 1; i < tables->loss_count; i++) {
		if (tables->losses[i].after >= tables->losses[i - 1].after)
			continue;
		qsort(tables->losses, tables->loss_count, sizeof(*tables->losses), by_event);
		return;
	}
}

void trace__tables_add_damage(struct tables *tables, uint64_t count)
{
	if (count > UINT64_MAX - tables->damage)
		count = UINT64_MAX - tables->damage;
	tables->damage += count;
}

/* ---- Finding ----------------------------------------------------------- */

const char *trace__tables_string(const struct tables *tables, uint32_t id)
{
	uint32_t place = trace__map_find(&tables->string_by_id, id);

	return place == MAP_NONE ? NULL : tables->strings[place];
}

const struct trace_site *trace__tables_site(const struct tables *tables, uint32_t site)
{
	uint32_t place = trace__map_find(&tables->site_by_pc, site);

	return place == MAP_NONE ? NULL : &tables->sites[place];
}

const struct trace_source_text *trace__tables_source(const struct tables *tables, const char *file)
{
	for (uint32_t i = 0; i < tables->source_count; i++)
		if (strcmp(tables->sources[i].file, file) == 0)
			return &tables->sources[i];
	return NULL;
}

/* ---- Chunks ------------------------------------------------------------ */

bool trace__tables_has(unsigned type)
{
	return type == CHUNK_STRINGS || type == CHUNK_SITES || type == CHUNK_MODULES ||
		   type == CHUNK_SOURCE || type == CHUNK_LOST;
}

const struct pending *trace__tables_pending(struct tables *tables, unsigned type)
{
	struct pending *pending = &tables->pending[type];

	if (type == CHUNK_LOST) {
		bytes_clear(&pending->payload);
		pending->count = tables->loss_count - tables->losses_written;
		for (uint32_t i = tables->losses_written; i < tables->loss_count; i++) {
			bytes_put_varint(&pending->payload, tables->losses[i].after);
			bytes_put_varint(&pending->payload, tables->losses[i].ring);
			bytes_put_varint(&pending->payload, tables->losses[i].count);
		}
		if (tables->damage > tables->damage_written) {
			bytes_put_varint(&pending->payload, 0);
			bytes_put_varint(&pending->payload, LOST_DAMAGE);
			bytes_put_varint(&pending->payload, tables->damage - tables->damage_written);
			pending->count++;
		}
	}
	return pending->count ? pending : NULL;
}

void trace__tables_taken(struct tables *tables, unsigned type)
{
	if (type == CHUNK_LOST) {
		tables->losses_written = tables->loss_count;
		tables->damage_written = tables->damage;
	}
	bytes_clear(&tables->pending[type].payload);
	tables->pending[type].count = 0;
}

/* A text of an entry as a string of the tables' own; NULL when the entry is bad. */
static const char *take_string(struct tables *tables, struct cursor *cursor)
{
	size_t length;
	const char *text = cursor_text(cursor, &length);

	return text ? trace__tables_text(tables, text, length) : NULL;
}

static int decode_string(struct tables *tables, struct cursor *cursor)
{
	uint64_t id = cursor_varint(cursor, UINT32_MAX);
	size_t length;
	const char *text = cursor_text(cursor, &length);

	return text ? trace__tables_add_string(tables, (uint32_t)id, text, length) : -EBADMSG;
}

static int decode_site(struct tables *tables, struct cursor *cursor)
{
	struct trace_site site;
	uint8_t known;

	site.site = (uint32_t)cursor_varint(cursor, UINT32_MAX);
	site.line = (uint32_t)cursor_varint(cursor, UINT32_MAX);
	known = cursor_u8(cursor);
	site.function = take_string(tables, cursor);
	site.file = take_string(tables, cursor);
	if (!site.function || !site.file)
		return -EBADMSG;
	if (!(known & SITE_FUNCTION))
		site.function = NULL;
	if (!(known & SITE_FILE))
		site.file = NULL;
	return trace__tables_add_site(tables, &site);
}

static int decode_module(struct tables *tables, struct cursor *cursor)
{
	struct trace_module module = {.path = take_string(tables, cursor)};
	const uint8_t *build_id;

	module.start = cursor_varint(cursor, UINT64_MAX);
	module.end = cursor_varint(cursor, UINT64_MAX);
	module.bias = cursor_varint(cursor, UINT64_MAX);
	module.build_id_length = cursor_u8(cursor);
	build_id = cursor_take(cursor, module.build_id_length);
	if (!module.path || !build_id || module.build_id_length > sizeof(module.build_id))
		return -EBADMSG;
	memcpy(module.build_id, build_id, module.build_id_length);
	return trace__tables_add_module(tables, &module);
}

static int decode_source(struct tables *tables, struct cursor *cursor)
{
	const char *file = take_string(tables, cursor);
	size_t length;
	const char *text = cursor_text(cursor, &length);

	return file && text ? trace__tables_add_source(tables, file, text, length) : -EBADMSG;
}

static int decode_loss(struct tables *tables, struct cursor *cursor)
{
	struct loss loss;

	loss.after = cursor_varint(cursor, UINT64_MAX);
	loss.ring = (uint32_t)cursor_varint(cursor, UINT32_MAX);
	loss.count = cursor_varint(cursor, UINT64_MAX);
	if (cursor->bad)
		return -EBADMSG;
	if (loss.ring != LOST_DAMAGE)
		return trace__tables_add_loss(tables, &loss);
	trace__tables_add_damage(tables, loss.count);
	return 0;
}

int trace__tables_decode(struct tables *tables, unsigned type, const struct bytes *payload,
						 uint32_t count)
{
	struct cursor cursor = cursor_over(payload->data, payload->length);
	int result = 0;

	for (uint32_t i = 0; i < count && result == 0; i++) {
		switch (type) {
		case CHUNK_STRINGS:
			result = decode_string(tables, &cursor);
			break;
		case CHUNK_SITES:
			result = decode_site(tables, &cursor);
			break;
		case CHUNK_MODULES:
			result = decode_module(tables, &cursor);
			break;
		case CHUNK_SOURCE:
			result = decode_source(tables, &cursor);
			break;
		case CHUNK_LOST:
			result = decode_loss(tables, &cursor);
			break;
		default:
			result = -EBADMSG;
		}
	}
	if (result == 0 && !cursor_is_consumed(&cursor))
		result = -EBADMSG;
	return result == -EFBIG ? -EBADMSG : result;
}
