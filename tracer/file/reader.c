/*
 * reader.c - a file is opened.
 *
 *     file header -- not ours ----> a sentence
 *          |
 *     END at the very end? -- yes --> INDEX -- tiles the file ----> chunks
 *          | no                         | does not                    ^
 *          v                            v                             |
 *     walk the headers from the start ------------------------------- +
 *          |  not valid, or does not follow                           |
 *          +--> search the next one that is and does; count what was passed over
 *
 *     chunks --> META, tables: decoded now.  EVENTS, STDIO, CKPT: when asked for.
 *
 * A walk is exact where it matters most, at the end: payloads that lie in the last part of
 * the file are checked while walking, for that is where a power cut leaves headers without them.
 */
#include "store.h"
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* A payload that ends in so many last bytes of the file is checked at once ... */
#define TAIL (1u << 20)
/* ... as long as this many were not checked: a file made to be slow is not. */
#define TAIL_BUDGET (64u << 20)

__attribute__((format(printf, 3, 4))) static int refuse(int error, char **ret_why,
														const char *format, ...)
{
	va_list arguments;
	char *why = NULL;
	int length;

	va_start(arguments, format);
	length = vasprintf(&why, format, arguments);
	va_end(arguments);
	if (length < 0)
		return -ENOMEM;
	*ret_why = why;
	return error;
}

/* ---- The file and its header ------------------------------------------- */

static int open_file(const char *path, uint64_t *ret_size, char **ret_why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat status;
	int error = fd < 0 ? errno : 0;

	if (error == ENOENT)
		return refuse(-error, ret_why, "does not exist");
	if (error)
		return refuse(-error, ret_why, "cannot be opened: %s", strerror(error));
	if (fstat(fd, &status) < 0)
		error = refuse(-errno, ret_why, "cannot be read: %s", strerror(errno));
	else if (S_ISDIR(status.st_mode))
		error = refuse(-EISDIR, ret_why, "is a directory");
	else if (!S_ISREG(status.st_mode))
		error = refuse(-ENOTSUP, ret_why, "is not a regular file");
	if (error) {
		close(fd);
		return error;
	}
	*ret_size = (uint64_t)status.st_size;
	return fd;
}

static int read_file_header(struct trace *trace, uint64_t size, char **ret_why)
{
	uint8_t bytes[FILE_HEADER];
	size_t length = size < FILE_HEADER ? (size_t)size : FILE_HEADER;
	int result = trace__read_at(trace->fd, 0, bytes, length);

	if (result < 0)
		return refuse(result, ret_why, "cannot be read: %s",
					  result == -EBADMSG ? "it is being cut" : strerror(-result));
	return trace__file_header_decode(bytes, length, trace->codec.uuid, &trace->meta.emitter,
									 ret_why);
}

/* ---- Walking ----------------------------------------------------------- */

/* The chunk whose header lies at an offset, if it is valid and its payload is within the file. */
static int read_header(struct trace *trace, uint64_t offset, uint64_t size, struct chunk *ret)
{
	uint8_t bytes[CHUNK_HEADER];
	struct chunk chunk;
	int result;

	if (offset > size || size - offset < CHUNK_HEADER)
		return -EBADMSG;
	result = trace__read_at(trace->fd, offset, bytes, sizeof(bytes));
	if (result == 0)
		result = trace__chunk_header_decode(&trace->codec, bytes, &chunk);
	if (result < 0)
		return result;
	chunk.offset = offset;
	if (chunk.compressed > size - offset - CHUNK_HEADER)
		return -EBADMSG;
	*ret = chunk;
	return 0;
}

struct walk {
	uint64_t size; /* of the file */
	uint64_t at;   /* what is looked at */
	uint64_t good; /* where the last good chunk ended */
	uint64_t budget;
};

/* A chunk that may be taken into the index. */
static int read_next(struct trace *trace, struct walk *walk, struct chunk *ret)
{
	int result = read_header(trace, walk->at, walk->size, ret);

	if (result < 0)
		return result;
	if (!trace__index_follows(&trace->index, ret, walk->at - walk->good))
		return -EBADMSG;
	if (walk->size - (walk->at + chunk_length(ret)) < TAIL && chunk_length(ret) <= walk->budget) {
		walk->budget -= chunk_length(ret);
		result = trace__chunk_read(&trace->codec, trace->fd, ret, &trace->payload);
	}
	return result;
}

/* From `from` on, the next offset that the magic of a chunk stands at; `size`: none. */
static uint64_t search(struct trace *trace, uint64_t from, uint64_t size)
{
	static const uint8_t magic[4] = {CHUNK_MAGIC & 255, CHUNK_MAGIC >> 8 & 255,
									 CHUNK_MAGIC >> 16 & 255, CHUNK_MAGIC >> 24};
	uint8_t buffer[16 << 10];

	while (from < size && size - from >= CHUNK_HEADER) {
		size_t length = size - from < sizeof(buffer) ? (size_t)(size - from) : sizeof(buffer);
		const uint8_t *found;

		if (trace__read_at(trace->fd, from, buffer, length) < 0)
			return size;
		found = memmem(buffer, length, magic, sizeof(magic));
		if (found)
			return from + (uint64_t)(found - buffer);
		from += length - (sizeof(magic) - 1);
	}
	return size;
}

static int walk_headers(struct trace *trace, uint64_t size)
{
	struct walk walk = {
		.size = size, .at = FILE_HEADER, .good = FILE_HEADER, .budget = TAIL_BUDGET};

	while (walk.at < size) {
		struct chunk chunk;
		int result = read_next(trace, &walk, &chunk);

		if (result == -EBADMSG) {
			walk.at = search(trace, walk.at + 1, size);
			continue;
		}
		if (result == 0)
			result = trace__index_add(&trace->index, &chunk);
		if (result < 0)
			return result;
		trace->torn += walk.at - walk.good;
		walk.at = walk.good = walk.at + chunk_length(&chunk);
	}
	trace->torn += size - walk.good;
	trace->end = walk.good;
	return 0;
}

/* ---- The index that the file has ---------------------------------------- */

/* -EBADMSG when there is none to be used. */
static int read_index(struct trace *trace, uint64_t size)
{
	struct index index = {0};
	struct chunk end, chunk;
	int result = size - FILE_HEADER < 2 * CHUNK_HEADER
					 ? -EBADMSG
					 : read_header(trace, size - CHUNK_HEADER, size, &end);

	if (result == 0 && (end.type != CHUNK_END || end.compressed || !end.clock))
		result = -EBADMSG;
	if (result == 0)
		result = read_header(trace, end.clock, size, &chunk);
	if (result == 0 &&
		(chunk.type != CHUNK_INDEX || chunk.offset + chunk_length(&chunk) != end.offset))
		result = -EBADMSG;
	if (result == 0)
		result = trace__chunk_read(&trace->codec, trace->fd, &chunk, &trace->payload);
	if (result == 0)
		result = trace__index_decode(&trace->payload, chunk.count, chunk.offset, &index);
	if (result < 0)
		return result;
	if (!trace__index_follows(&index, &chunk, 0))
		result = -EBADMSG;
	if (result == 0)
		result = trace__index_add(&index, &chunk);
	if (result == 0 && !trace__index_follows(&index, &end, 0))
		result = -EBADMSG;
	if (result == 0)
		result = trace__index_add(&index, &end);
	if (result < 0) {
		trace__index_done(&index);
		return result;
	}
	trace->index = index;
	trace->end = size;
	return 0;
}

/* ---- What is needed at once --------------------------------------------- */

static int decode_meta(struct trace *trace)
{
	struct cursor cursor = cursor_over(trace->payload.data, trace->payload.length);
	struct trace_meta meta = {.emitter = trace->meta.emitter};
	size_t program_length, arguments_length;
	const char *program = cursor_text(&cursor, &program_length);
	const char *arguments = cursor_text(&cursor, &arguments_length);

	meta.pid = (uint32_t)cursor_varint(&cursor, UINT32_MAX);
	meta.arch = (uint32_t)cursor_varint(&cursor, UINT32_MAX);
	meta.clock_hz = cursor_varint(&cursor, UINT64_MAX);
	meta.clock0 = cursor_varint(&cursor, UINT64_MAX);
	meta.real0 = cursor_varint(&cursor, UINT64_MAX);
	meta.virtual_time = cursor_u8(&cursor) != 0;
	if (!cursor_is_consumed(&cursor))
		return -EBADMSG;
	meta.program = trace__tables_text(&trace->tables, program, program_length);
	meta.arguments = trace__tables_text(&trace->tables, arguments, arguments_length);
	if (!meta.program || !meta.arguments)
		return -ENOMEM;
	trace->meta = meta;
	return 0;
}

/* Decodes META and the tables; `budget` is what raw bytes may still come. */
static int read_table(struct trace *trace, const struct chunk *chunk, uint64_t *budget)
{
	int result;

	if (chunk->raw > *budget)
		return -EBADMSG;
	*budget -= chunk->raw;
	result = trace__chunk_read(&trace->codec, trace->fd, chunk, &trace->payload);
	if (result < 0)
		return result;
	if (chunk->type == CHUNK_META)
		return decode_meta(trace);
	return trace__tables_decode(&trace->tables, chunk->type, &trace->payload, chunk->count);
}

/* Its entries are kept decoded, which is larger than they are in the file. */
static int read_rows(struct trace *trace, struct chunk *chunk, uint64_t *budget)
{
	uint64_t kept = (uint64_t)chunk->count * sizeof(struct trace_row);
	int result = chunk->raw > *budget || kept > *budget ? -EBADMSG : 0;

	if (result == 0)
		result = trace__chunk_read(&trace->codec, trace->fd, chunk, &trace->payload);
	if (result == 0)
		result =
			trace__presence_decode(&trace->presence, chunk->first, &trace->payload, chunk->count);
	if (result == 0)
		*budget -= kept;
	if (result != -EBADMSG)
		return result;
	chunk->damaged = true;
	trace->torn += chunk_length(chunk);
	return 0;
}

static int read_tables(struct trace *trace, char **ret_why)
{
	uint64_t budget = TABLES_RAW_MAX;
	int result = 0;

	for (uint32_t i = 0; i < trace->index.count && result == 0; i++) {
		struct chunk *chunk = &trace->index.chunks[i];

		if (chunk->type == CHUNK_META || trace__tables_has(chunk->type)) {
			result = read_table(trace, chunk, &budget);
			if (result == -EBADMSG) {
				chunk->damaged = true;
				trace->torn += chunk_length(chunk);
				result = 0;
			}
		} else if (chunk->type == CHUNK_STDIO) {
			result = trace__output_found(&trace->output, i, chunk->count);
		} else if (chunk->type == CHUNK_END) {
			trace->ended = chunk->flags & CHUNK_ENDED;
			trace->status = trace->ended ? (int)chunk->count : 0;
		} else if (chunk->type == CHUNK_ROWS) {
			result = read_rows(trace, chunk, &budget);
		} else if (chunk->type >= CHUNK_TYPES && (chunk->flags & CHUNK_MUST)) {
			return refuse(-EPROTONOSUPPORT, ret_why,
						  "has parts of kind %u, which this program does not know", chunk->type);
		}
	}
	trace__tables_sort_losses(&trace->tables);
	return result;
}

/* ---- Opening ------------------------------------------------------------ */

static int read_all(struct trace *trace, const char *path, char **ret_why)
{
	uint64_t size = 0;
	int result = trace->fd = open_file(path, &size, ret_why);

	if (result < 0)
		return result;
	result = read_file_header(trace, size, ret_why);
	if (result < 0)
		return result;
	trace->written = size;
	trace->meta.program = trace->meta.arguments = "";
	trace->path = strdup(path);
	if (!trace->path)
		return -ENOMEM;
	result = read_index(trace, size);
	if (result == -EBADMSG)
		result = walk_headers(trace, size);
	return result < 0 ? result : read_tables(trace, ret_why);
}

int trace_open(const char *path, struct trace **ret, char **ret_why)
{
	struct trace *trace = trace__new();
	char *why = NULL;
	int result = trace ? read_all(trace, path, &why) : -ENOMEM;

	if (result == 0) {
		*ret = trace;
		return 0;
	}
	trace_free(trace);
	if (!why)
		why = strdup(result == -ENOMEM ? "does not fit into memory" : strerror(-result));
	*ret_why = why;
	return result;
}
