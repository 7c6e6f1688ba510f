/*
 * trace.c - what a trace answers.
 *
 * An event is looked for where it most likely is: in the rows that gave the last one, in
 * the open rows, in the cache; else its chunk is found in the index, read, decoded and cached.
 *
 *     n --> last --> open --> cache --> index --> file --> cache
 */
#include "columns.h"
#include "store.h"
#include <errno.h>
#include <limits.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096u

struct trace *trace__new(void)
{
	struct trace *trace = calloc(1, sizeof(*trace));

	if (!trace)
		return NULL;
	trace->fd = -1;
	pthread_mutex_init(&trace->lock, NULL);
	return trace;
}

void trace_free(struct trace *trace)
{
	if (!trace)
		return;
	trace__seal(trace);
	trace__behind_done(trace);
	if (trace->fd >= 0)
		close(trace->fd);
	free(trace->path);
	trace__codec_done(&trace->codec);
	trace__index_done(&trace->index);
	trace__bindings_done(&trace->bindings);
	trace__rows_done(&trace->open);
	trace__rows_done(&trace->spare);
	for (unsigned i = 0; i < CACHE_SLOTS; i++)
		trace__rows_done(&trace->cache[i].rows);
	trace__tables_done(&trace->tables);
	trace__output_done(&trace->output);
	trace__presence_done(&trace->presence);
	trace__stacks_done(&trace->stacks);
	bytes_done(&trace->payload);
	free(trace->resumed);
	pthread_mutex_destroy(&trace->lock);
	free(trace);
}

static void enter(struct trace *trace)
{
	pthread_mutex_lock(&trace->lock);
}

static int leave(struct trace *trace, int result)
{
	pthread_mutex_unlock(&trace->lock);
	return result;
}

/* ---- The run ----------------------------------------------------------- */

const struct trace_meta *trace_meta(struct trace *trace)
{
	return &trace->meta;
}

bool trace_ended(struct trace *trace, int *ret_status)
{
	bool ended;

	enter(trace);
	ended = trace->ended;
	if (ended && ret_status)
		*ret_status = trace->status;
	leave(trace, 0);
	return ended;
}

const char *trace_path(struct trace *trace)
{
	return trace->path;
}

#define NS_PER_S 1000000000

static int64_t to_time(const struct trace *trace, uint64_t clock)
{
	uint64_t hz = trace->meta.clock_hz;
	__int128 ticks = (__int128)clock - trace->meta.clock0, ns;

	if (hz == 0)
		return 0;
	/* The same, without dividing 128 bits, for whatever a processor really counts. */
	if (clock >= trace->meta.clock0 && hz < UINT64_MAX / NS_PER_S) {
		uint64_t seconds = (uint64_t)ticks / hz, rest = (uint64_t)ticks % hz;

		if (seconds < INT64_MAX / NS_PER_S)
			return (int64_t)(seconds * NS_PER_S + rest * NS_PER_S / hz);
	}
	ns = ticks * NS_PER_S / hz;
	return ns > INT64_MAX ? INT64_MAX : ns < INT64_MIN ? INT64_MIN : (int64_t)ns;
}

int64_t trace_time(struct trace *trace, uint64_t clock)
{
	return to_time(trace, clock);
}

/* ---- Events ------------------------------------------------------------ */

uint64_t trace__count(const struct trace *trace)
{
	return trace->recording ? trace->open.first + trace->open.count - 1 : trace->index.last_event;
}

uint64_t trace_count(struct trace *trace)
{
	uint64_t count;

	enter(trace);
	count = trace__count(trace);
	leave(trace, 0);
	return count;
}

static bool has(const struct rows *rows, uint64_t n)
{
	return n >= rows->first && n - rows->first < rows->count;
}

/* Empties the slot that was not used for the longest time. At most one is pinned. */
static void forget_one(struct trace *trace)
{
	struct cached *oldest = NULL;

	for (unsigned i = 0; i < CACHE_SLOTS; i++) {
		struct cached *cached = &trace->cache[i];

		if (cached->rows.count && !cached->pinned && (!oldest || cached->used < oldest->used))
			oldest = cached;
	}
	trace->cached_rows -= oldest->rows.count;
	if (oldest->rows.room > trace->spare.room) {
		trace__rows_done(&trace->spare);
		trace->spare = oldest->rows;
		trace__rows_clear(&trace->spare);
		oldest->rows = (struct rows){0};
	} else {
		trace__rows_done(&oldest->rows);
	}
}

struct rows trace__take_spare(struct trace *trace)
{
	struct rows spare = trace->spare;

	trace->spare = (struct rows){0};
	return spare;
}

struct cached *trace__cache(struct trace *trace, struct rows *rows)
{
	struct cached *cached = NULL;

	trace->last = NULL;
	while (trace->cached_rows && trace->cached_rows + rows->count > CACHE_ROWS)
		forget_one(trace);
	while (!cached) {
		for (unsigned i = 0; i < CACHE_SLOTS && !cached; i++)
			if (!trace->cache[i].rows.count)
				cached = &trace->cache[i];
		if (!cached)
			forget_one(trace);
	}
	cached->rows = *rows;
	cached->used = ++trace->clock;
	trace->cached_rows += rows->count;
	*rows = (struct rows){0};
	return cached;
}

/* A chunk turned out to be damaged: counts its bytes, once. */
static int damaged(struct trace *trace, struct chunk *chunk, int result)
{
	if (result == -EBADMSG && !chunk->damaged) {
		chunk->damaged = true;
		trace->torn += chunk_length(chunk);
	}
	return result;
}

static int load(struct trace *trace, const struct event_range *range, struct rows **ret)
{
	struct chunk *chunk = &trace->index.chunks[range->chunk];
	struct rows rows = {0};
	int result;

	if (chunk->damaged)
		return -EBADMSG;
	result = trace__chunk_read(&trace->codec, trace->fd, chunk, &trace->payload);
	if (result == 0 && chunk->count > CHUNK_EVENTS_MAX / 2)
		rows = trace__take_spare(trace);
	if (result == 0)
		result = trace__columns_decode(trace->payload.data, trace->payload.length, chunk->first,
									   chunk->count, &rows);
	if (result == 0 && rows.row[0].clock != chunk->clock) {
		trace__rows_done(&rows);
		result = -EBADMSG;
	}
	if (result < 0)
		return damaged(trace, chunk, result);
	*ret = &trace__cache(trace, &rows)->rows;
	return 0;
}

/* The rows that event n is in. */
static int find(struct trace *trace, uint64_t n, struct rows **ret)
{
	const struct event_range *range;

	if (trace->last && has(trace->last, n)) {
		*ret = trace->last;
		return 0;
	}
	if (has(&trace->open, n)) {
		*ret = &trace->open;
		return 0;
	}
	for (unsigned i = 0; i < CACHE_SLOTS; i++) {
		if (has(&trace->cache[i].rows, n)) {
			trace->cache[i].used = ++trace->clock;
			*ret = &trace->cache[i].rows;
			return 0;
		}
	}
	if (n == 0 || n > trace__count(trace))
		return -ENOENT;
	range = trace__index_event(&trace->index, n);
	return range ? load(trace, range, ret) : -EBADMSG;
}

/* What was lost between event n - 1 and event n. */
static uint64_t lost_before(const struct trace *trace, uint64_t n)
{
	const struct loss *losses = trace->tables.losses;
	uint32_t low = 0, high = trace->tables.loss_count;
	uint64_t lost = 0;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (losses[middle].after < n - 1)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < trace->tables.loss_count && losses[low].after == n - 1; low++)
		lost += losses[low].count;
	return lost;
}

int trace_events(struct trace *trace, uint64_t n, struct trace_event *ret, unsigned most)
{
	struct rows *rows;
	unsigned count = 0;
	int result;

	enter(trace);
	result = find(trace, n, &rows);
	if (result == 0) {
		trace->last = rows;
		for (; count < most && has(rows, n + count); count++) {
			trace__rows_get(rows, (uint32_t)(n + count - rows->first), &ret[count]);
			ret[count].t = to_time(trace, ret[count].clock);
			ret[count].lost = lost_before(trace, n + count);
		}
	}
	return leave(trace, result < 0 ? result : (int)count);
}

int trace_event(struct trace *trace, uint64_t n, struct trace_event *ret)
{
	int result = trace_events(trace, n, ret, 1);

	return result < 0 ? result : 0;
}

/* ---- Tables ------------------------------------------------------------ */

const char *trace_string(struct trace *trace, uint32_t id)
{
	const char *string;

	enter(trace);
	string = trace__tables_string(&trace->tables, id);
	leave(trace, 0);
	return string;
}

int trace_module(struct trace *trace, size_t i, struct trace_module *ret)
{
	int result = -ENOENT;

	enter(trace);
	if (i < trace->tables.module_count) {
		*ret = trace->tables.modules[i];
		result = 0;
	}
	return leave(trace, result);
}

int trace_find_site(struct trace *trace, uint32_t site, struct trace_site *ret)
{
	const struct trace_site *found;

	enter(trace);
	found = trace__tables_site(&trace->tables, site);
	if (found)
		*ret = *found;
	return leave(trace, found ? 0 : -ENOENT);
}

int trace_find_source(struct trace *trace, const char *file, struct trace_source_text *ret)
{
	const struct trace_source_text *found;

	enter(trace);
	found = trace__tables_source(&trace->tables, file);
	if (found)
		*ret = *found;
	return leave(trace, found ? 0 : -ENOENT);
}

uint64_t trace_lost(struct trace *trace)
{
	uint64_t lost;

	enter(trace);
	lost = trace->tables.lost;
	leave(trace, 0);
	return lost;
}

uint64_t trace_damage(struct trace *trace)
{
	uint64_t damage;

	enter(trace);
	damage = trace->tables.damage;
	leave(trace, 0);
	return damage;
}

int trace_loss(struct trace *trace, size_t i, uint64_t *ret_after, uint32_t *ret_ring,
			   uint64_t *ret_count)
{
	int result = -ENOENT;

	enter(trace);
	if (i < trace->tables.loss_count) {
		const struct loss *loss = &trace->tables.losses[i];

		*ret_after = loss->after;
		*ret_ring = loss->ring;
		*ret_count = loss->count;
		result = 0;
	}
	return leave(trace, result);
}

int trace_rows(struct trace *trace, size_t i, uint64_t *ret_after, const struct trace_row **ret,
			   size_t *ret_count)
{
	int result = -ENOENT;

	enter(trace);
	if (i < trace->presence.count) {
		const struct present *table = &trace->presence.tables[i];

		*ret_after = table->after;
		*ret = table->rows;
		*ret_count = table->count;
		result = 0;
	}
	return leave(trace, result);
}

/* ---- Output ------------------------------------------------------------ */

size_t trace_output_count(struct trace *trace)
{
	size_t count;

	enter(trace);
	count = trace__output_count(&trace->output);
	leave(trace, 0);
	return count;
}

static int load_output(struct trace *trace, struct output_block *block)
{
	struct chunk *chunk = &trace->index.chunks[block->chunk];
	int result;

	if (chunk->damaged)
		return -EBADMSG;
	result = trace__chunk_read(&trace->codec, trace->fd, chunk, &trace->payload);
	if (result == 0)
		result = trace__output_load(&trace->output, block, &trace->payload);
	return damaged(trace, chunk, result);
}

int trace_output(struct trace *trace, size_t i, struct trace_output *ret)
{
	struct output_block *block;
	int result = 0;

	enter(trace);
	block = trace__output_block(&trace->output, i);
	if (!block)
		return leave(trace, -ENOENT);
	if (block == &trace->output.open)
		trace->output.shown = true;
	else if (!block->pieces)
		result = load_output(trace, block);
	if (result == 0)
		*ret = block->pieces[i - block->first];
	return leave(trace, result);
}

/* ---- Checkpoints ------------------------------------------------------- */

/* The parts of a checkpoint, one behind the other. */
static int read_checkpoint(struct trace *trace, const struct checkpoint_range *range,
						   struct bytes *ret)
{
	uint64_t length = 0;

	for (uint32_t i = 0; i < range->parts; i++)
		length += trace->index.chunks[range->chunk + i].raw;
	if (length > CHECKPOINT_MAX)
		return -EBADMSG;
	if (!bytes_reserve(ret, length))
		return -ENOMEM;
	/* One of a million objects is written once, and read once: pages of 4 KiB take longer than
	 * that. */
	if (length > CHECKPOINT_PART)
		madvise((void *)(((uintptr_t)ret->data + PAGE - 1) & -(uintptr_t)PAGE), length - PAGE,
				MADV_HUGEPAGE);
	for (uint32_t i = 0; i < range->parts; i++) {
		struct chunk *chunk = &trace->index.chunks[range->chunk + i];
		int result =
			chunk->damaged ? -EBADMSG : trace__chunk_read_on(&trace->codec, trace->fd, chunk, ret);

		if (result < 0)
			return damaged(trace, chunk, result);
	}
	return 0;
}

uint64_t trace_checkpoint(struct trace *trace, uint64_t n, uint8_t **ret, size_t *ret_length)
{
	uint32_t low = 0, high;
	uint64_t found = 0;

	enter(trace);
	high = trace->index.checkpoint_count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (trace->index.checkpoints[middle].n <= n)
			low = middle + 1;
		else
			high = middle;
	}
	/* One that cannot be read is as if it were not there: it is a cache. */
	while (low > 0 && !found) {
		const struct checkpoint_range *range = &trace->index.checkpoints[--low];
		struct bytes bytes = {0};

		if (range->n == 0 || range->n > trace__count(trace))
			continue;
		if (!ret)
			found = range->n;
		else if (read_checkpoint(trace, range, &bytes) == 0) {
			*ret = bytes.data;
			*ret_length = bytes.length;
			found = range->n;
		} else {
			bytes_done(&bytes);
		}
	}
	leave(trace, 0);
	return found;
}

/* ---- The file ---------------------------------------------------------- */

uint64_t trace_bytes(struct trace *trace)
{
	uint64_t bytes;

	enter(trace);
	bytes = trace->written;
	leave(trace, 0);
	return bytes;
}

uint64_t trace_torn(struct trace *trace)
{
	uint64_t torn;

	enter(trace);
	torn = trace->torn;
	leave(trace, 0);
	return torn;
}
