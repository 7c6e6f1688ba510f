#ifndef TRACER_FILE_OUTPUT_H
#define TRACER_FILE_OUTPUT_H
/*
 * output.h - what the program wrote, in blocks.
 *
 * A block is the pieces of one STDIO chunk. The last block of a recording is open: its pieces
 * are in memory, and become a chunk when there are enough of them or at a flush. The
 * others are loaded when one of their pieces is asked for, and then stay.
 */
#include <tracer/trace.h>
#include <tracer/bytes.h>

struct output_block {
	size_t first;    /* number of its first piece */
	uint32_t count;
	uint32_t chunk;  /* its place in the index; not valid in the open block */
	struct trace_output *pieces; /* owned; NULL: not loaded */
	struct bytes data;           /* what they point into */
};

struct output {
	struct output_block *blocks; /* owned; closed ones, in order; never empty */
	uint32_t block_count, block_room;
	struct output_block open;
	uint32_t piece_room; /* of open.pieces */
	bool shown;          /* somebody has pointers into open.data: it must not move */
	uint64_t loaded;     /* raw bytes of the blocks that were loaded */
};

void trace__output_done(struct output *output);
size_t trace__output_count(const struct output *output);

/* Whether the open block can take a piece of `length` bytes; if not, it is to be closed. */
bool trace__output_fits(const struct output *output, size_t length);
/* Adds a piece, of at most OUTPUT_PIECE_MAX bytes, that fits. 0 or -ENOMEM. */
#define OUTPUT_PIECE_MAX (64u << 10)
/* In a file, what is added to the descriptor of a piece whose place is approximate. */
#define OUTPUT_APPROXIMATE 256
int trace__output_add(struct output *output, const struct trace_output *piece);
/* The open block as a payload. 0 or -ENOMEM. */
int trace__output_encode(const struct output *output, struct bytes *ret);
/* The open block has become this chunk: room for it was made with its first piece. */
void trace__output_close(struct output *output, uint32_t chunk);

/* A chunk of `count` pieces was found in a file. 0 or -ENOMEM. */
int trace__output_found(struct output *output, uint32_t chunk, uint32_t count);
/* The block of the i-th piece; NULL: there is none. */
struct output_block *trace__output_block(struct output *output, size_t i);
/* Loads a closed block from its chunk's payload, which it takes. 0, -EBADMSG or -ENOMEM. */
int trace__output_load(struct output *output, struct output_block *block, struct bytes *payload);

#endif
