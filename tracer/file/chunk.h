#ifndef TRACER_FILE_CHUNK_H
#define TRACER_FILE_CHUNK_H
/*
 * chunk.h - one chunk: its header, its payload, and the two frames that they are in the file.
 *
 * See format.h for the bytes and for what makes them valid.
 */
#include <stdbool.h>
#include <tracer/bytes.h>
#include <tracer/trace.h>
#include "format.h"

/* A chunk as its header says it is, and where it lies. */
struct chunk {
	uint64_t offset; /* of its header in the file */
	uint8_t *memory; /* owned; header and payload, of a chunk that could not be written: then it
	                    has an offset all the same; else NULL */
	uint64_t seq;
	uint64_t first;
	uint64_t clock;
	uint32_t count;
	uint32_t compressed, raw;
	uint32_t payload_crc;
	uint32_t previous;
	uint16_t type, flags;
	bool damaged; /* its payload was read and is not valid */
};

/* Bytes in the file. */
static inline uint64_t chunk_length(const struct chunk *chunk)
{
	return (uint64_t)CHUNK_HEADER + chunk->compressed;
}

/* What is needed to make and to read chunks of one file. */
struct chunk_codec {
	uint8_t uuid[UUID_BYTES];
	struct ZSTD_CCtx_s *compressor;   /* owned; made when first needed */
	struct ZSTD_DCtx_s *decompressor; /* likewise */
	struct bytes scratch;             /* compressed bytes */
};
void trace__codec_done(struct chunk_codec *codec);

/* ---- The file header --------------------------------------------------- */

void trace__file_header_encode(const uint8_t uuid[UUID_BYTES], const struct trace_emitter *emitter,
							   uint8_t ret[FILE_HEADER]);
/* The first `length` bytes of a file. 0, the uuid and whose events they are, or -EBADMSG
 * (-EPROTONOSUPPORT for another version) and a malloc'ed sentence. */
int trace__file_header_decode(const uint8_t *bytes, size_t length, uint8_t ret_uuid[UUID_BYTES],
							  struct trace_emitter *ret_emitter, char **ret_why);

/* ---- Chunks ------------------------------------------------------------ */

void trace__chunk_header_encode(const struct chunk_codec *codec, const struct chunk *chunk,
								uint8_t ret[CHUNK_HEADER]);
/* 0, or -EBADMSG when it is not a valid header; whether the payload is within the file is not
 * looked at. The offset is left 0. */
int trace__chunk_header_decode(const struct chunk_codec *codec, const uint8_t bytes[CHUNK_HEADER],
							   struct chunk *ret);
/* Makes header and payload, side by side, and fills in `compressed`, `raw` and `payload_crc`.
 * *ret is borrowed from the codec, until its next use. 0 or -ENOMEM. */
int trace__chunk_make(struct chunk_codec *codec, struct chunk *chunk, const void *payload,
					  size_t length, const uint8_t **ret, size_t *ret_length);
/* Reads a chunk's payload from the file or its memory: compares its header with what is known
 * of it, checks the CRC, decompresses. *ret is cleared first. 0, -EBADMSG, -ENOMEM, or -errno of
 * the read. */
int trace__chunk_read(struct chunk_codec *codec, int fd, const struct chunk *chunk,
					  struct bytes *ret);

/* The same behind what *ret has already. */
int trace__chunk_read_on(struct chunk_codec *codec, int fd, const struct chunk *chunk,
						 struct bytes *ret);

/* Reads exactly `length` bytes; -EBADMSG when the file ends before. */
int trace__read_at(int fd, uint64_t offset, void *ret, size_t length);
/* Writes all. 0 or -errno. */
int trace__write_at(int fd, uint64_t offset, const void *data, size_t length);

#endif
