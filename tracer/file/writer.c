/*
 * writer.c - a trace is made, grows, and ends.
 *
 *     append ----> open rows, pending tables, open output
 *                      |  64 Ki events, a full table, trace_flush()
 *                      v
 *     write_all(): STRINGS MODULES SITES SOURCE LOST | STACKS | EVENTS | STDIO
 *                      |
 *                      v
 *     write_chunk() --pwrite at the end--> the file
 *                   \--on error----------> the chunk stays in memory, trace->error is set
 *
 * Tables go before the events that may refer to them, so that a file which ends anywhere has all
 * the names of the events in it, and says all that was lost before one of them. When the file
 * fails, what was taken stays, and nothing more is taken: trace_save() can then put all of it
 * elsewhere.
 */
#include "columns.h"
#include "store.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOSSES_PENDING (64u << 10)
/* Fewer events are written at once: to wake a thread takes longer. */
#define BEHIND_LEAST 4096u

/* ---- Chunks ------------------------------------------------------------ */

int trace__write_out(struct trace *trace, uint64_t offset, const uint8_t *bytes, size_t size)
{
	int result = trace__write_at(trace->fd, offset, bytes, size);

	if (result < 0 && ftruncate(trace->fd, (off_t)offset) < 0)
		return result;
	return result == -ENOMEM ? -EIO : result;
}

void trace__chunk_begin(const struct trace *trace, struct chunk *chunk)
{
	const struct chunk *last =
		trace->index.count ? &trace->index.chunks[trace->index.count - 1] : NULL;

	chunk->offset = trace->end;
	chunk->seq = last ? last->seq + 1 : 0;
	chunk->previous = last ? (uint32_t)chunk_length(last) : 0;
}

int trace__chunk_keep(struct trace *trace, struct chunk *chunk, const uint8_t *bytes, size_t size,
					  int error)
{
	int result;

	if (error) {
		trace->error = error;
		chunk->memory = malloc(size);
		if (!chunk->memory)
			return -ENOMEM;
		memcpy(chunk->memory, bytes, size);
	}
	result = trace__index_add(&trace->index, chunk);
	if (result < 0) {
		free(chunk->memory);
		return result;
	}
	trace->end += size;
	if (!trace->error)
		trace->written = trace->end;
	return trace->error;
}

/* Adds a chunk with this payload; nothing is under way behind our back. -ENOMEM: it could not be
 * made. Otherwise it is part of the trace, in the file (0) or in memory (trace->error). */
static int write_chunk(struct trace *trace, struct chunk *chunk, const void *payload, size_t length)
{
	const uint8_t *bytes;
	size_t size;
	int error = trace->error;

	trace__chunk_begin(trace, chunk);
	if (trace__chunk_make(&trace->codec, chunk, payload, length, &bytes, &size) < 0)
		return -ENOMEM;
	if (!error)
		error = trace__write_out(trace, chunk->offset, bytes, size);
	return trace__chunk_keep(trace, chunk, bytes, size, error);
}

static int write_table(struct trace *trace, unsigned type)
{
	const struct pending *pending;
	struct chunk chunk = {.type = (uint16_t)type};
	int result = trace__behind_wait(trace);

	if (result < 0)
		return result;
	pending = trace__tables_pending(&trace->tables, type);
	if (!pending)
		return 0;
	if (pending->payload.failed)
		return -ENOMEM;
	chunk.first = trace__count(trace);
	chunk.count = pending->count;
	result = write_chunk(trace, &chunk, pending->payload.data, pending->payload.length);
	if (result != -ENOMEM)
		trace__tables_taken(&trace->tables, type);
	return result;
}

int trace__write_stacks(struct trace *trace)
{
	struct stack_block *open = &trace->stacks.open;
	struct chunk chunk = {.type = CHUNK_STACKS, .count = open->count, .clock = open->least};
	int result = trace__behind_wait(trace);

	if (result < 0)
		return result;
	chunk.first = trace__count(trace);
	result = write_chunk(trace, &chunk, open->payload.data, open->payload.length);
	if (result != -ENOMEM)
		trace__stacks_close(&trace->stacks, trace->index.count - 1);
	return result;
}

static int write_tables(struct trace *trace)
{
	static const uint8_t types[] = {CHUNK_STRINGS, CHUNK_MODULES, CHUNK_SITES, CHUNK_SOURCE,
									CHUNK_LOST};
	int result = 0;

	for (unsigned i = 0; i < sizeof(types) && result != -ENOMEM; i++) {
		int one = write_table(trace, types[i]);

		result = one < 0 ? one : result;
	}
	if (result != -ENOMEM && trace->stacks.open.count) {
		int one = trace__write_stacks(trace);

		result = one < 0 ? one : result;
	}
	return result;
}

/* What the open rows have and the file has not. */
static int write_events(struct trace *trace)
{
	struct rows *open = &trace->open;
	struct chunk chunk = {.type = CHUNK_EVENTS};
	int result = trace__behind_wait(trace);

	if (result < 0)
		return result;
	if (trace->open_written == open->count)
		return 0;
	chunk.first = open->first + trace->open_written;
	chunk.count = open->count - trace->open_written;
	chunk.clock = open->row[trace->open_written].clock;
	bytes_clear(&trace->payload);
	result = trace__columns_encode(open, trace->open_written, open->count, &trace->payload);
	if (result < 0)
		return result;
	result = write_chunk(trace, &chunk, trace->payload.data, trace->payload.length);
	if (result != -ENOMEM)
		trace->open_written = open->count;
	return result;
}

static int write_output(struct trace *trace)
{
	struct chunk chunk = {.type = CHUNK_STDIO};
	int result = trace__behind_wait(trace);

	if (result < 0 || trace->output.open.count == 0)
		return result;
	chunk.first = trace__count(trace);
	chunk.count = trace->output.open.count;
	bytes_clear(&trace->payload);
	result = trace__output_encode(&trace->output, &trace->payload);
	if (result < 0)
		return result;
	result = write_chunk(trace, &chunk, trace->payload.data, trace->payload.length);
	if (result != -ENOMEM)
		trace__output_close(&trace->output, trace->index.count - 1);
	return result;
}

/* Everything that is open becomes chunks. */
static int write_all(struct trace *trace)
{
	int results[] = {
		write_tables(trace),
		write_events(trace),
		write_output(trace),
	};

	for (unsigned i = 0; i < sizeof(results) / sizeof(*results); i++)
		if (results[i] < 0)
			return trace->error ? trace->error : results[i];
	return trace->error;
}

/* The open rows become a chunk, behind the caller's back, and stay in the cache. What was under way
 * is in the file then. Without a thread for it, they are written here, and are open still. */
static int hand_over(struct trace *trace)
{
	int result = write_tables(trace);

	if (trace->open_written == trace->open.count || result == -ENOMEM)
		return result;
	return trace__behind_hand_over(trace) < 0 ? write_events(trace) : result;
}

/* The open rows are full. */
static int close_rows(struct trace *trace)
{
	uint64_t next = trace->open.first + trace->open.count;
	int result = hand_over(trace);

	if (trace->open_written < trace->open.count || trace->open.count == 0)
		return result;
	trace__cache(trace, &trace->open);
	trace->open = trace__take_spare(trace);
	trace->open.first = next;
	trace->open_written = 0;
	return 0;
}

/* ---- Making one -------------------------------------------------------- */

/* The file that a recording goes to; *ret_made: it was not there before. */
static int open_output(const char *path, bool *ret_made)
{
	struct stat status;
	int fd, error = 0;

	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0666);
	*ret_made = fd >= 0;
	if (fd < 0 && errno == EEXIST) {
		if (stat(path, &status) < 0)
			return -errno;
		if (S_ISDIR(status.st_mode))
			return -EISDIR;
		if (!S_ISREG(status.st_mode))
			return -ENOTSUP;
		fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	}
	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0)
		error = -errno;
	else if (!S_ISREG(status.st_mode))
		error = -ENOTSUP;
	else if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		error = errno == EWOULDBLOCK ? -EBUSY : -errno;
	else if (ftruncate(fd, 0) < 0)
		error = -errno;
	if (error) {
		close(fd);
		return error;
	}
	return fd;
}

static int copy_meta(struct trace *trace, const struct trace_meta *meta)
{
	const char *program = meta->program ? meta->program : "";
	const char *arguments = meta->arguments ? meta->arguments : "";

	trace->meta = *meta;
	trace->meta.program = trace__tables_text(&trace->tables, program, strlen(program));
	trace->meta.arguments = trace__tables_text(&trace->tables, arguments, strlen(arguments));
	return trace->meta.program && trace->meta.arguments ? 0 : -ENOMEM;
}

static int write_meta(struct trace *trace)
{
	const struct trace_meta *meta = &trace->meta;
	struct chunk chunk = {.type = CHUNK_META, .count = 1};
	struct bytes *payload = &trace->payload;

	bytes_clear(payload);
	bytes_put_string(payload, meta->program);
	bytes_put_string(payload, meta->arguments);
	bytes_put_varint(payload, meta->pid);
	bytes_put_varint(payload, meta->arch);
	bytes_put_varint(payload, meta->clock_hz);
	bytes_put_varint(payload, meta->clock0);
	bytes_put_varint(payload, meta->real0);
	bytes_put_u8(payload, meta->virtual_time);
	return payload->failed ? -ENOMEM : write_chunk(trace, &chunk, payload->data, payload->length);
}

static int start(struct trace *trace, const char *path, const struct trace_meta *meta)
{
	uint8_t header[FILE_HEADER];
	bool made = false;
	int result = 0;

	if (path) {
		trace->path = strdup(path);
		result = trace->path ? 0 : -ENOMEM;
	}
	if (result == 0)
		result = copy_meta(trace, meta);
	if (result == 0)
		result = trace->fd = path ? open_output(path, &made) : trace__own_file();
	if (result < 0)
		return result;
	if (getrandom(trace->codec.uuid, UUID_BYTES, 0) != UUID_BYTES)
		return -EIO;
	trace__file_header_encode(trace->codec.uuid, &meta->emitter, header);
	result = trace__write_at(trace->fd, 0, header, FILE_HEADER);
	trace->end = trace->written = FILE_HEADER;
	if (result == 0)
		result = write_meta(trace);
	if (result < 0 && made)
		unlink(path);
	return result;
}

int trace_create(const char *path, const struct trace_meta *meta, struct trace **ret)
{
	struct trace *trace = trace__new();
	int result;

	if (!trace)
		return -ENOMEM;
	trace->open.first = 1;
	result = start(trace, path, meta);
	if (result < 0) {
		trace_free(trace);
		return result;
	}
	trace->recording = true;
	trace->tables.recording = true;
	*ret = trace;
	return 0;
}

/* ---- Appending --------------------------------------------------------- */

/* Takes the lock, if the trace can be appended to. */
static int enter(struct trace *trace)
{
	int result;

	pthread_mutex_lock(&trace->lock);
	result = trace->recording ? trace->error : -EROFS;
	if (result < 0)
		pthread_mutex_unlock(&trace->lock);
	return result;
}

static int leave(struct trace *trace, int result)
{
	pthread_mutex_unlock(&trace->lock);
	return result;
}

static bool is_full(const struct rows *rows)
{
	return rows->count == CHUNK_EVENTS_MAX ||
		   rows->cost > CHUNK_RAW_GOAL - 2 * CORO_TRACE_STORED_MAX;
}

static int add_event(struct trace *trace, struct trace_event *event)
{
	int result = trace__bindings_apply(&trace->bindings, event);

	return result < 0 || event->kind == CORO_EVENT_IDENTITY ? result
															: trace__rows_add(&trace->open, event);
}

static int add_plain(struct trace *trace, uint32_t ring, uint64_t index,
					 const struct coro_trace_slot *slot)
{
	struct bindings *bindings = &trace->bindings;
	uint32_t object = (slot->value & 15) == CORO_VALUE_OBJECT ? slot->value >> 4 : 0;
	int result = trace__rows_add_plain(&trace->open, slot, ring, index,
									   trace__bindings_find(bindings, ring, slot->row),
									   trace__bindings_find(bindings, ring, slot->peer),
									   trace__bindings_find(bindings, ring, object));

	if (CORO_SLOT_NEXT(slot->word) == CORO_STATE_NONE)
		trace__bindings_forget(bindings, ring, slot->row);
	return result;
}

/* Adds the event or the loss that the slots begin with. Returns how many slots that was; 0: it is
 * not whole; or -ENOMEM. */
static int add_slots(struct trace *trace, uint32_t ring, uint64_t index,
					 const struct coro_trace_slot *slots, unsigned count, uint64_t last)
{
	struct trace_event event;
	int taken = 1, result;

	if (CORO_SLOT_KIND(slots->word) == CORO_EVENT_STACK) {
		result = trace__add_stack(trace, ring, slots, last);
	} else if (trace__rows_is_plain(slots)) {
		result = add_plain(trace, ring, index, slots);
	} else {
		taken = trace_event_decode(slots, count, ring, index, -1, &event);
		if (taken == -EBADMSG) {
			struct loss loss = {.after = trace__count(trace), .ring = ring, .count = 1};

			result = trace__tables_add_loss(&trace->tables, &loss);
			taken = 1;
		} else {
			result = taken > 0 ? add_event(trace, &event) : 0;
		}
	}
	return result == -ENOMEM ? result : taken > 0 ? taken : 0;
}

int trace_append(struct trace *trace, uint32_t ring, uint64_t index,
				 const struct coro_trace_slot *slots, unsigned count)
{
	uint64_t *last = &trace->stacks.last[ring < CORO_RINGS ? ring : 0], before;
	unsigned taken = 0;
	int result = enter(trace);

	if (result < 0)
		return result;
	if (count > INT_MAX)
		count = INT_MAX;
	before = trace__count(trace);
	while (taken < count && !trace->error) {
		if (is_full(&trace->open)) /* there was no memory to close it */
			result = close_rows(trace);
		if (trace__count(trace) != before)
			*last = trace__count(trace);
		if (result == 0)
			result = add_slots(trace, ring, index + taken, slots + taken, count - taken, *last);
		if (result <= 0)
			break;
		taken += (unsigned)result;
		result = 0;
		if (is_full(&trace->open))
			close_rows(trace);
	}
	if (trace__count(trace) != before)
		*last = trace__count(trace);
	return leave(trace, result < 0 && taken == 0 ? result : (int)taken);
}

/* Writes a table's entries when `length` more bytes do not fit into the same chunk. */
static int make_room(struct trace *trace, unsigned type, size_t length)
{
	size_t pending = trace->tables.pending[type].payload.length;
	bool fits = length < CHUNK_RAW_GOAL && pending + length <= CHUNK_RAW_GOAL - 256;

	return pending == 0 || fits ? 0 : write_table(trace, type);
}

int trace_append_string(struct trace *trace, uint32_t id, const char *bytes, size_t length)
{
	int result = enter(trace);

	if (result < 0)
		return result;
	result = make_room(trace, CHUNK_STRINGS, length);
	if (result == 0)
		result = trace__tables_add_string(&trace->tables, id, bytes, length);
	return leave(trace, result);
}

int trace_append_module(struct trace *trace, const struct trace_module *module)
{
	int result = enter(trace);

	if (result < 0)
		return result;
	result = make_room(trace, CHUNK_MODULES, strlen(module->path));
	if (result == 0)
		result = trace__tables_add_module(&trace->tables, module);
	return leave(trace, result);
}

int trace_append_site(struct trace *trace, const struct trace_site *site)
{
	size_t length =
		(site->function ? strlen(site->function) : 0) + (site->file ? strlen(site->file) : 0);
	int result = enter(trace);

	if (result < 0)
		return result;
	result = make_room(trace, CHUNK_SITES, length);
	if (result == 0)
		result = trace__tables_add_site(&trace->tables, site);
	return leave(trace, result);
}

int trace_append_source(struct trace *trace, const char *file, const char *text, size_t length)
{
	int result = enter(trace);

	if (result < 0)
		return result;
	result = make_room(trace, CHUNK_SOURCE, strlen(file) + length);
	if (result == 0)
		result = trace__tables_add_source(&trace->tables, file, text, length);
	return leave(trace, result);
}

int trace_append_lost(struct trace *trace, uint32_t ring, uint64_t count)
{
	int result = enter(trace);
	struct loss loss;

	if (result < 0)
		return result;
	loss = (struct loss){.after = trace__count(trace), .ring = ring, .count = count};
	result = trace__tables_add_loss(&trace->tables, &loss);
	if (result == 0 && trace->tables.loss_count - trace->tables.losses_written >= LOSSES_PENDING)
		result = write_table(trace, CHUNK_LOST);
	return leave(trace, result);
}

int trace_append_damage(struct trace *trace, uint64_t count)
{
	int result = enter(trace);

	if (result < 0)
		return result;
	trace__tables_add_damage(&trace->tables, count);
	return leave(trace, 0);
}

static int append_output(struct trace *trace, const struct trace_output *output)
{
	const char *data = output->data;
	size_t length = output->length;
	int result = enter(trace);

	if (result < 0)
		return result;
	while (length > 0 && result == 0) {
		size_t part = length < OUTPUT_PIECE_MAX ? length : OUTPUT_PIECE_MAX;
		struct trace_output piece = *output;

		piece.after = trace__count(trace);
		piece.data = data;
		piece.length = part;
		if (!trace__output_fits(&trace->output, part))
			result = write_output(trace);
		if (result == 0)
			result = trace__output_add(&trace->output, &piece);
		data += part;
		length -= part;
	}
	return leave(trace, result);
}

int trace_append_output(struct trace *trace, int fd, int64_t t, const char *data, size_t length)
{
	return append_output(trace,
						 &(struct trace_output){.t = t, .fd = fd, .data = data, .length = length});
}

int trace_append_approximate_output(struct trace *trace, int fd, int64_t t, const char *data,
									size_t length)
{
	return append_output(
		trace, &(struct trace_output){
				   .t = t, .fd = fd, .approximate = true, .data = data, .length = length});
}

int trace_append_checkpoint(struct trace *trace, uint64_t n, const uint8_t *bytes, size_t length)
{
	int result = enter(trace);
	uint32_t parts;

	if (result < 0)
		return result;
	if (length == 0 || length > CHECKPOINT_MAX || n > trace__count(trace))
		return leave(trace, -EINVAL);
	result = trace__behind_wait(trace);
	parts = (uint32_t)((length + CHECKPOINT_PART - 1) / CHECKPOINT_PART);
	for (uint32_t i = 0; i < parts && result == 0; i++) {
		size_t from = (size_t)i * CHECKPOINT_PART;
		size_t part = length - from < CHECKPOINT_PART ? length - from : CHECKPOINT_PART;
		struct chunk chunk = {.type = CHUNK_CKPT, .first = n, .count = parts - i, .clock = parts};

		result = write_chunk(trace, &chunk, bytes + from, part);
	}
	return leave(trace, result);
}

/* One chunk of them. What names them comes after it, and what they name before it. */
static int add_rows(struct trace *trace, const struct trace_row *rows, size_t count)
{
	struct chunk chunk = {.type = CHUNK_ROWS,
						  .flags = CHUNK_MUST,
						  .first = trace__count(trace),
						  .count = (uint32_t)count};
	int result = 0;

	for (size_t i = 0; i < count && result == 0; i++)
		result = trace__bindings_bind(&trace->bindings, rows[i].ring, rows[i].row,
									  &(struct coro_trace_bind){.serial = rows[i].serial,
																.name = rows[i].name,
																.kind = rows[i].kind});
	if (result == 0)
		result = trace__presence_add(&trace->presence, chunk.first, rows, count);
	if (result < 0)
		return result;
	bytes_clear(&trace->payload);
	trace__presence_encode(rows, count, &trace->payload);
	return trace->payload.failed
			   ? -ENOMEM
			   : write_chunk(trace, &chunk, trace->payload.data, trace->payload.length);
}

int trace_append_rows(struct trace *trace, const struct trace_row *rows, size_t count)
{
	int result = enter(trace);

	if (result < 0)
		return result;
	result = write_all(trace);
	for (size_t done = 0; done < count && result == 0;) {
		size_t part = count - done < PRESENCE_ROWS_MAX ? count - done : PRESENCE_ROWS_MAX;

		result = add_rows(trace, rows + done, part);
		done += part;
	}
	return leave(trace, result);
}

int trace_flush(struct trace *trace)
{
	int result = enter(trace);

	return result < 0 ? result : leave(trace, write_all(trace));
}

int trace_flush_behind(struct trace *trace)
{
	int result = enter(trace);

	if (result == 0 && trace->open.count - trace->open_written < BEHIND_LEAST)
		result = write_all(trace);
	else if (result == 0)
		result = hand_over(trace);
	return result < 0 ? leave(trace, result) : leave(trace, trace->error);
}

bool trace_is_flushed(struct trace *trace)
{
	bool flushed;

	pthread_mutex_lock(&trace->lock);
	flushed = !trace->behind.cached && !trace->error;
	pthread_mutex_unlock(&trace->lock);
	return flushed;
}

/* ---- Ending ------------------------------------------------------------ */

/* Writes INDEX and END, unless nothing is new since they were written. */
static int write_end(struct trace *trace)
{
	struct chunk index = {.type = CHUNK_INDEX, .first = trace__count(trace)};
	struct chunk end = {.type = CHUNK_END, .first = trace__count(trace)};
	int result = 0;

	if (trace->sealed == trace->index.count)
		return 0;
	bytes_clear(&trace->payload);
	result = trace__index_encode(&trace->index, &trace->payload);
	if (result == 0 && trace->payload.length <= CHUNK_RAW_GOAL) {
		index.count = trace->index.count;
		end.clock = trace->end;
		result = write_chunk(trace, &index, trace->payload.data, trace->payload.length);
	}
	if (result == 0) {
		end.count = (uint32_t)trace->status;
		end.flags = trace->ended ? CHUNK_ENDED : 0;
		result = write_chunk(trace, &end, NULL, 0);
	}
	if (result == 0)
		trace->sealed = trace->index.count;
	return result;
}

int trace_finish(struct trace *trace, int status)
{
	int result;

	pthread_mutex_lock(&trace->lock);
	if (!trace->recording)
		return leave(trace, -EROFS);
	trace->status = status;
	trace->ended = true;
	result = write_all(trace);
	if (result == 0) {
		trace->sealed = 0; /* the end says something new, even if no chunk is */
		result = write_end(trace);
	}
	return leave(trace, result);
}

int trace_close(struct trace *trace)
{
	int result = enter(trace);

	if (result < 0)
		return result;
	result = write_all(trace);
	return leave(trace, result < 0 ? result : write_end(trace));
}

void trace__seal(struct trace *trace)
{
	if (trace->recording && trace->path && !trace->error && write_all(trace) == 0)
		write_end(trace);
}

/* ---- Copying ----------------------------------------------------------- */

/* Copies `length` bytes from the start of the trace's file. */
static int copy_file(const struct trace *trace, int to, uint64_t length)
{
	static const size_t step = 256 << 10;
	uint8_t *buffer = malloc(step);
	int result = buffer ? 0 : -ENOMEM;

	for (uint64_t at = 0; at < length && result == 0;) {
		size_t part = length - at < step ? (size_t)(length - at) : step;

		result = trace__read_at(trace->fd, at, buffer, part);
		if (result == 0)
			result = trace__write_at(to, at, buffer, part);
		at += part;
	}
	free(buffer);
	return result;
}

static int copy_all(const struct trace *trace, int to)
{
	int result = copy_file(trace, to, trace->written);

	for (uint32_t i = 0; i < trace->index.count && result == 0; i++) {
		const struct chunk *chunk = &trace->index.chunks[i];

		if (chunk->memory)
			result = trace__write_at(to, chunk->offset, chunk->memory, chunk_length(chunk));
	}
	return result;
}

/* Writes the copy beside its place and moves it there when it is whole. */
static int copy_to(const struct trace *trace, const char *path)
{
	const char *slash = strrchr(path, '/');
	int directory = slash ? (int)(slash - path + 1) : 0;
	mode_t mask = umask(0);
	char *temporary;
	int fd, result;

	umask(mask);
	if (asprintf(&temporary, "%.*s.%s.XXXXXX", directory, path, path + directory) < 0)
		return -ENOMEM;
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0) {
		result = -errno;
		free(temporary);
		return result;
	}
	result = copy_all(trace, fd);
	if (result == 0 && fchmod(fd, 0666 & ~mask) < 0)
		result = -errno;
	if (close(fd) < 0 && result == 0)
		result = -errno;
	if (result == 0 && rename(temporary, path) < 0)
		result = -errno;
	if (result < 0)
		unlink(temporary);
	free(temporary);
	return result;
}

static int save(struct trace *trace, const char *path)
{
	struct stat there, own;
	char *real;
	int result;

	if (stat(path, &there) < 0)
		return errno == ENOENT ? copy_to(trace, path) : -errno;
	if (S_ISDIR(there.st_mode))
		return -EISDIR;
	if (!S_ISREG(there.st_mode))
		return -ENOTSUP;
	if (fstat(trace->fd, &own) == 0 && own.st_dev == there.st_dev && own.st_ino == there.st_ino)
		return trace->error; /* it is there already */
	real = realpath(path, NULL);
	if (!real)
		return -errno;
	result = copy_to(trace, real);
	free(real);
	return result;
}

int trace_save(struct trace *trace, const char *path)
{
	int result = 0;

	pthread_mutex_lock(&trace->lock);
	if (trace->recording) {
		/* With a file that fails, this makes chunks in memory, which are copied. */
		result = write_all(trace);
		if (result == 0 && trace->ended)
			result = write_end(trace);
		if (result == trace->error)
			result = 0;
	}
	if (result == 0)
		result = save(trace, path);
	return leave(trace, result);
}
