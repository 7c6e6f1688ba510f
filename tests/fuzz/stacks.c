/*
 * stacks.c - a stack out of any bytes, of a program whose files are where they cannot be.
 *
 *     u64 words from the saved stack pointer on. The upper byte of one says what it is:
 *     1: an address in a file: byte 6 which one, the lower 21 bits where
 *     2: an address of the stack: the lower two bytes
 *     else: itself
 *
 * The files are this program and the C library, each mapped soundly; with a bias that is wrong;
 * with one that wraps addresses around; over all others; and two that are none. Whatever the stack
 * is, its frames go outward, their registers are those that a function preserves, and the walk
 * ends.
 */
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <coroscope/trace_abi.h>
#include <tracer/memory.h>
#include <tracer/module.h>
#include <tracer/unwind.h>
#include "fuzz.h"

enum { FILES = 2, MAPPINGS = 4 * FILES + 2, WORDS_MOST = 512, ROOM = 48 };

#define STACK UINT64_C(0x7f0000001000)

static struct symbols_module mappings[MAPPINGS];
static struct unwinder *unwinder;

/* Instead of that in tracer/symbols: these are all the files that there are. */
int symbols_module_at(struct symbols *symbols, uint64_t address, struct symbols_module *ret)
{
	for (size_t i = 0; i < MAPPINGS; i++)
		if (address >= mappings[i].start && address < mappings[i].end) {
			*ret = mappings[i];
			return 0;
		}
	return -1;
}

static int find_library(struct dl_phdr_info *info, size_t size, void *data)
{
	const char **ret = data;

	if (strstr(info->dlpi_name, "libc.so"))
		*ret = info->dlpi_name;
	return 0;
}

static void begin(void)
{
	const char *paths[FILES] = {"/proc/self/exe", "/proc/self/exe"};
	const uint64_t size = UINT64_C(1) << 24;

	dl_iterate_phdr(find_library, &paths[1]);
	for (size_t i = 0; i < FILES; i++) {
		uint64_t start = UINT64_C(0x10000000) * (i + 1);
		struct module *module;

		if (module_open(paths[i], paths[i], &module) < 0)
			abort();
		mappings[4 * i] = (struct symbols_module){
			.path = "sound", .start = start, .end = start + size, .bias = start};
		mappings[4 * i + 1] = (struct symbols_module){.path = "biased",
													  .start = start + size,
													  .end = start + 2 * size,
													  .bias = start + size + 12345};
		/* The file's first page of code is at the end of all addresses. */
		mappings[4 * i + 2] = (struct symbols_module){.path = "wrapped",
													  .start = -size,
													  .end = UINT64_MAX,
													  .bias = -UINT64_C(0x100000) * (i + 1)};
		mappings[4 * i + 3] = (struct symbols_module){
			.path = "large", .start = start + 2 * size, .end = UINT64_MAX, .bias = start};
		for (size_t j = 0; j < 4; j++)
			mappings[4 * i + j].module = module;
	}
	mappings[4 * FILES] = (struct symbols_module){
		.path = "none", .start = 4096, .end = 8192, .reason = "no such file"};
	mappings[4 * FILES + 1] = (struct symbols_module){.path = "empty", .start = 8192, .end = 8192};
	if (unwinder_new(NULL, &unwinder) < 0)
		abort();
}

static uint64_t meaning_of(uint64_t word)
{
	switch (word >> 56) {
	case 1:
		return mappings[(word >> 48 & 255) % MAPPINGS].start + (word & 0x1fffff);
	case 2:
		return STACK + (word & UINT16_MAX);
	default:
		return word;
	}
}

static void look_at(const struct unwind_frame *frames, size_t count, enum unwind_end end)
{
	const uint32_t told = 1u << 3 | 1u << 6 | 1u << 7 | 15u << 12 | 1u << 16;

	for (size_t i = 0; i < count; i++) {
		const struct unwind_registers *registers = &frames[i].registers;

		if (registers->known & ~told || registers->value[UNWIND_REGISTER_PC] != frames[i].pc)
			abort();
		if (i > 0 && registers->value[UNWIND_REGISTER_SP] <=
						 frames[i - 1].registers.value[UNWIND_REGISTER_SP])
			abort();
	}
	if (strchr(unwinder_end_text(unwinder, end), '\n') || !*unwinder_end_text(unwinder, end))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct memory_bytes bytes = {.address = STACK};
	struct unwind_registers registers;
	struct unwind_frame frames[ROOM];
	struct memory memory;
	enum unwind_end end;
	size_t count = size / 8 < WORDS_MOST ? size / 8 : WORDS_MOST;
	uint64_t *words = malloc(count * 8 + 1);
	int found;

	if (!unwinder)
		begin();
	for (size_t i = 0; i < count; i++) {
		memcpy(&words[i], data + i * 8, 8);
		words[i] = meaning_of(words[i]);
	}
	bytes.bytes = words;
	bytes.length = count * 8;
	memory = memory_of_bytes(&bytes);
	if (unwind_suspended(&memory, CORO_FRAME_X86_64_V1, STACK, &registers) == 0) {
		found = unwind(unwinder, &memory, &registers, frames, ROOM, &end);
		if (found < 1 || found > ROOM)
			abort();
		look_at(frames, (size_t)found, end);
	}
	free(words);
	return 0;
}
