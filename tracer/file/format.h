#ifndef TRACER_FILE_FORMAT_H
#define TRACER_FILE_FORMAT_H
/*
 * format.h - the trace file, byte by byte.
 *
 * What a trace is for: it is written while the program runs, by a recorder that may be
 * killed at any instant, and read later by somebody who trusts neither of them. So the
 * file is only ever appended to, and each piece of it can be judged by itself:
 *
 *     +-------------+--------+---------+--------+---------+- - -+-------+-----+
 *     | file header | header | payload | header | payload |     | INDEX | END |
 *     |   4096 B    |  64 B  |  zstd   |  64 B  |  zstd   |     |       |     |
 *     +-------------+--------+---------+--------+---------+- - -+-------+-----+
 *                    \______ chunk ___/ \____ chunk _____/
 *
 * The file header and the chunk headers are skippable frames of zstd and the payloads
 * are ordinary frames, so that the whole file is a valid .zst: `zstd -dc` gives the
 * payloads, one after another, with tools that everybody has.
 *
 * All numbers are little-endian. "varint" is a base-128 number, low group first, at most
 * 10 bytes; "zigzag" a signed number as varint, 0 -1 1 -2 as 0 1 2 3; "text" a varint
 * length and so many bytes, without a 0.
 *
 * File header (4096 bytes)
 *     0  u32  0x184D2A5B           magic of a skippable frame
 *     4  u32  4088                 its length
 *     8  8 B  "COROTRC1"
 *    16  u16  major                readers refuse another one
 *    18  u16  minor                only appends: readers read any
 *    20  u16  least minor that a reader must know
 *    22  u16  0
 *    24  u32  0x01020304           endianness
 *    28  u32  0                    flags
 *    32  16 B uuid                 random; seeds the CRC of the chunk headers
 *    48  u64  starttime            of the process, \ whose events these are: so they stand in
 *    56  16 B boot id              of its machine,  > its beacon (trace_abi.h). All zeros: not
 *    72  u64  clock0               of its runtime, /  known, or version 1.1
 *    80  zeros
 *  4092  u32  CRC-32C of bytes 0 .. 4091
 * It is valid if and only if the magic, the name and the CRC are right. Name and version stand in
 * the same place in every version.
 *
 * Chunk header (64 bytes)
 *     0  u32  0x184D2A5C           magic of a skippable frame
 *     4  u32  56                   its length
 *     8  u32  0x314B5343 "CSK1"
 *    12  u16  type                 enum chunk_type
 *    14  u16  flags                CHUNK_*
 *    16  u64  seq                  0, 1, 2 ... over all chunks
 *    24  u64  first                EVENTS: number of the first event; CKPT: the event that it is
 *                                  after; otherwise number of events before the chunk
 *    32  u32  count                entries in the payload; EVENTS: events; END: wait status
 *    36  u32  compressed length    of the payload, at most 8 MiB
 *    40  u32  raw length           of the payload, at most 16 MiB
 *    44  u32  payload CRC-32C      of the compressed bytes
 *    48  u64  clock                EVENTS: of its first event; CKPT: parts; STACKS: the least `after`
 *                                  in it; END: offset of the INDEX chunk, 0: there is none
 *    56  u32  previous             length of the chunk before it, header and all; 0: the first
 *    60  u32  CRC-32C of the uuid and bytes 0 .. 59
 * It is valid if and only if the magics, the length and the CRC are right, the lengths are
 * within their limits (both are 0, or none) and the payload ends within the file. The
 * uuid is in the CRC so that bytes which the program printed, and which lie in a payload
 * as they are, never pass for a header.
 *
 * A chunk follows its predecessor if and only if its seq is the next one and, for EVENTS, its
 * first event is the next one. After damage both may jump, never back: seq by one for each 64
 * damaged bytes, the event by 64 Ki for each chunk that is missing since the last EVENTS.
 *
 * Payloads (raw; `count` entries each)
 *   EVENTS    see columns.c
 *   STRINGS   { varint id, text }
 *   SITES     { varint site, varint line, u8 known (1: function, 2: file), text, text }
 *   MODULES   { text path, varint start, varint end, varint bias, u8 length, build id }
 *   SOURCE    { text file, text }
 *   STDIO     { varint after, zigzag t, zigzag fd (+ 256: its place is approximate), text }
 *   CKPT      bytes of a checkpoint, or of a part of it. The parts are neighbours with the same
 *             `first`, their `count` goes down to 1 and their `clock` is how many they are
 *   LOST      { varint after, varint ring, varint count }; with ring 2^32 - 1 `count` is no loss,
 *             but how many things in the program's segment could not be
 *   META      { text program, text arguments, varint pid, varint arch, varint clock_hz,
 *             varint clock0, varint real0, u8 virtual time }; once, the first chunk
 *   ROWS      { varint serial - that of the entry before, zigzag waits_on, parent, link (each minus
 *             serial; 0: serial itself never is), varint cseq, ring, name, creation site, site,
 *             number, resumes, u8 kind, state, reason, unknown }, serials ascending: objects that
 *             were there after event `first`. MUST
 *   STACKS    see stacks.c: stacks of bodies that did not run. `after` of each is from `clock` to
 *             `first`
 *   INDEX     { varint type, flags, count, compressed length, raw length, zigzag first and clock
 *             (both minus those of the entry before it), u32 payload CRC } of every chunk so far,
 *             in order: a cache of the headers
 *   END       no payload; flag ENDED: the program has ended, `count` is its status
 * A payload is valid if and only if its CRC is right, it decompresses to exactly the raw
 * length, it holds exactly `count` entries (but see CKPT), and nothing is left over.
 * CLOCK has its number, and nobody writes it.
 * A chunk of a type that the reader does not know is passed over, unless it has the flag MUST.
 *
 * Writing. A chunk is one write at the end of the file. EVENTS chunks close at 64 Ki
 * events; what an open one holds is written as a chunk of its own at each flush, after the
 * strings that it may name and the losses before its end. Nothing is ever rewritten. What is appended after an END
 * comes after it, and another INDEX and END follow.
 *
 * Reading. If the last 64 bytes are a valid END, and the INDEX that it points to ends where
 * the END begins and tiles the file, its entries stand for the headers; each header
 * is compared with its entry before its payload is used. Otherwise the headers are walked
 * from the start. At the first that is not valid, or does not follow, the next valid header is
 * searched for, byte by byte; the bytes passed over are counted. Payloads are read when
 * they are needed, those of the small tables at once.
 *
 * Crashes. Recorder killed: the file ends with a torn chunk or with none: everything up to
 * the last flush is there. Disk full: the torn chunk is cut off again. Machine lost power: a
 * header may stand where a payload never arrived: its CRC says so.
 */
#include <stdint.h>

enum {
	FORMAT_MAJOR = 1,
	FORMAT_MINOR = 3, /* 1: ROWS; 2: the emitter, and column ROW of EVENTS; 3: STACKS */
	FORMAT_ENDIAN = 0x01020304,
	FILE_MAGIC = 0x184D2A5B,
	FILE_HEADER = 4096,
	CHUNK_MAGIC = 0x184D2A5C,
	CHUNK_NAME = 0x314B5343,
	CHUNK_HEADER = 64,
	UUID_BYTES = 16,
};
#define FILE_NAME "COROTRC1"

/* Limits, checked before anything is allocated. */
enum {
	CHUNK_COMPRESSED_MAX = 8 << 20,
	CHUNK_RAW_MAX = 16 << 20,
	CHUNK_EVENTS_MAX = 1 << 16,
	/* What a writer puts into one payload at most, so that even what does not compress
	 * stays within CHUNK_COMPRESSED_MAX. */
	CHUNK_RAW_GOAL = CHUNK_COMPRESSED_MAX - (128 << 10),
	/* Raw bytes of tables and of output that a reader keeps of one file at most. */
	TABLES_RAW_MAX = 128 << 20,
	OUTPUT_RAW_MAX = 1 << 30,
	CHECKPOINT_MAX = 1 << 30,
	CHECKPOINT_PART = 4 << 20,
};

enum chunk_type {
	CHUNK_EVENTS = 1,
	CHUNK_STRINGS = 2,
	CHUNK_SITES = 3,
	CHUNK_MODULES = 4,
	CHUNK_SOURCE = 5,
	CHUNK_STDIO = 6,
	CHUNK_CKPT = 7,
	CHUNK_CLOCK = 8,
	CHUNK_LOST = 9,
	CHUNK_STACKS = 10,
	CHUNK_META = 11,
	CHUNK_INDEX = 12,
	CHUNK_END = 13,
	CHUNK_ROWS = 14,
	CHUNK_TYPES,
};

#define LOST_DAMAGE UINT32_MAX /* as the ring of an entry of LOST */

enum {
	CHUNK_MUST = 1,  /* a reader that does not know the type must refuse the file */
	CHUNK_ENDED = 2, /* END: the program has ended */
};

#endif
