/*
 * call_frames.c - a file whose call frame information is any bytes.
 *
 *     u8 0: .eh_frame, 1: .debug_frame, 2: .eh_frame of a file without section headers, 3:
 * .eh_frame with any machine; u8, u8: where in its 64 KiB of code the walks begin, and their
 * distance; then the section
 *
 * Whatever it says, eight walks over a stack of addresses of its code and of the stack itself end.
 */
#include <stdlib.h>
#include <string.h>
#include <tracer/memory.h>
#include <tracer/module.h>
#include <tracer/unwind.h>
#include "call_frame_file.h"
#include "fuzz.h"

enum { WORDS = 128, ROOM = 16, WALKS = 8 };

#define BASE  UINT64_C(0x555555550000)
#define STACK UINT64_C(0x7f0000001000)

static struct symbols_module mapping = {
	.path = "any", .start = BASE, .end = BASE + CALL_FRAME_CODE, .bias = BASE};

/* Instead of that in tracer/symbols. */
int symbols_module_at(struct symbols *symbols, uint64_t address, struct symbols_module *ret)
{
	if (address < mapping.start || address >= mapping.end)
		return -1;
	*ret = mapping;
	return 0;
}

static void walk(struct unwinder *unwinder, uint64_t pc)
{
	static uint64_t words[WORDS];
	struct memory_bytes bytes = {.address = STACK, .bytes = words, .length = sizeof words};
	struct memory memory = memory_of_bytes(&bytes);
	struct unwind_registers registers = {.known =
											 1u << 3 | 1u << 6 | 1u << 7 | 15u << 12 | 1u << 16};
	struct unwind_frame frames[ROOM];
	enum unwind_end end;

	for (size_t i = 0; i < WORDS; i++)
		words[i] = i % 2 ? BASE + i * 256 : STACK + i * 8 + 16;
	for (size_t i = 0; i < UNWIND_REGISTERS; i++)
		registers.value[i] = STACK + 64 + i * 8;
	registers.value[UNWIND_REGISTER_SP] = STACK + 8;
	registers.value[UNWIND_REGISTER_PC] = pc;
	if (unwind(unwinder, &memory, &registers, frames, ROOM, &end) < 1)
		abort();
	for (int i = 0; i < UNWIND_REGISTERS; i++)
		if (frames[0].registers.value[i] != registers.value[i])
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct unwinder *unwinder;

	if (size < 3)
		return 0;
	if (!unwinder && unwinder_new(NULL, &unwinder) < 0)
		abort();
	if (call_frame_file(data[0] & 3, data + 3, size - 3, &mapping.module) < 0)
		return 0;
	for (unsigned i = 0; i < WALKS; i++)
		walk(unwinder, BASE + data[1] * 256u + i * data[2]);
	unwinder_forget(unwinder);
	module_close(mapping.module);
	return 0;
}
