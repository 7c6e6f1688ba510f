/*
 * trace_file.c - the reader of trace files, fed with anything.
 *
 * Input that has to guess checksums gets nowhere, so the harness frames it: the input is cut
 * into chunks, each
 *     u8 type; u8 count; u16 length; `length` bytes of payload
 * which get right headers, right CRCs and right sequence numbers. What is then behind the
 * framing has nothing but its own checks. Everything that opens is read: nothing may crash, hang
 * or leak.
 */
#include <sys/mman.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "chunk.h"
#include <tracer/trace.h>
#include "fuzz.h"

static void read_everything(struct trace *trace)
{
	uint64_t count = trace_count(trace), after, lost;
	size_t pieces = trace_output_count(trace), length;
	struct trace_event event;
	struct trace_output output;
	struct trace_module module;
	uint32_t ring;
	struct trace_stack stack;
	uint8_t *checkpoint;

	for (uint64_t serial = 0; serial < 4; serial++) {
		if (trace_find_stack(trace, serial, count, &stack) == 0)
			trace_stack_done(&stack);
		if (trace_find_stack_from(trace, serial, 0, count, &stack) == 0)
			trace_stack_done(&stack);
	}
	for (uint64_t n = 1; n <= count; n++)
		if (trace_event(trace, n, &event) == 0)
			trace_string(trace, event.name);
	for (size_t i = 0; i < pieces && i < 1000; i++)
		trace_output(trace, i, &output);
	for (size_t i = 0; trace_module(trace, i, &module) == 0; i++)
		continue;
	for (size_t i = 0; trace_loss(trace, i, &after, &ring, &lost) == 0; i++)
		continue;
	if (trace_checkpoint(trace, count, &checkpoint, &length))
		free(checkpoint);
}

/* The input as a file. */
static void frame(struct chunk_codec *codec, const uint8_t *data, size_t size, struct bytes *ret)
{
	struct cursor cursor = cursor_over(data, size);
	static uint8_t header[FILE_HEADER];
	struct chunk chunk = {0};
	uint64_t events = 0, seq = 0;
	uint32_t previous = 0;

	if (!header[0])
		trace__file_header_encode(codec->uuid, &(struct trace_emitter){0}, header);
	bytes_clear(ret);
	bytes_put(ret, header, sizeof(header));
	while (cursor.at < cursor.end) {
		const uint8_t *payload, *bytes;
		size_t left, length, framed;

		chunk = (struct chunk){.seq = seq++, .previous = previous};
		chunk.type = cursor_u8(&cursor) % CHUNK_TYPES;
		chunk.count = cursor_u8(&cursor);
		length = cursor_fixed(&cursor, 2);
		left = (size_t)(cursor.end - cursor.at);
		length = length < left ? length : left;
		payload = cursor_take(&cursor, length);
		if (!payload)
			break;
		chunk.first = events;
		chunk.clock = chunk.type == CHUNK_CKPT ? 1 : 0;
		if (chunk.type == CHUNK_EVENTS) {
			chunk.count += chunk.count == 0;
			chunk.first = events + 1;
			events += chunk.count;
		}
		if (chunk.type == CHUNK_END)
			chunk.clock = ret->length - previous;
		if (trace__chunk_make(codec, &chunk, payload, length, &bytes, &framed) < 0)
			break;
		bytes_put(ret, bytes, framed);
		previous = (uint32_t)framed;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	static struct chunk_codec codec;
	static struct bytes file;
	struct trace *trace;
	char path[32], *why;

	if (fd < 0)
		fd = memfd_create("trace", MFD_CLOEXEC);
	frame(&codec, data, size, &file);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (fd < 0 || ftruncate(fd, (off_t)file.length) < 0 ||
		trace__write_at(fd, 0, file.data, file.length) < 0)
		abort();
	if (trace_open(path, &trace, &why) == 0) {
		read_everything(trace);
		trace_free(trace);
	} else {
		free(why);
	}
	return 0;
}
