/* registers.c - with which registers a suspended body goes on; see unwind.h. */
#include <tracer/unwind.h>

#include <coroscope/trace_abi.h>
#include <endian.h>
#include <errno.h>

/* What coro__switch leaves at the saved stack pointer; runtime/context/context.h has it. */
static const uint8_t saved_x86_64_v1[] = {15, 14, 13, 12, 3, 6, UNWIND_REGISTER_PC};

enum { SAVED = sizeof saved_x86_64_v1 };

int unwind_suspended(const struct memory *memory, uint32_t frame_version, uint64_t sp,
					 struct unwind_registers *ret)
{
	struct unwind_registers registers = {0};
	uint64_t saved[SAVED];
	int result;

	if (frame_version != CORO_FRAME_X86_64_V1)
		return -ENOTSUP;
	result = memory_read(memory, sp, saved, sizeof saved);
	if (result < 0)
		return result;
	for (size_t i = 0; i < SAVED; i++) {
		registers.value[saved_x86_64_v1[i]] = le64toh(saved[i]);
		registers.known |= UINT32_C(1) << saved_x86_64_v1[i];
	}
	registers.value[UNWIND_REGISTER_SP] = sp + sizeof saved;
	registers.known |= UINT32_C(1) << UNWIND_REGISTER_SP;
	*ret = registers;
	return 0;
}

const char *unwind_end_text(enum unwind_end end)
{
	switch (end) {
	case UNWIND_COMPLETE:
		return "complete";
	case UNWIND_NO_MODULE:
		return "its caller is in no file that is known";
	case UNWIND_NO_FILE:
		return "the file of its caller cannot be read";
	case UNWIND_NO_RULES:
		return "there is no call frame information for its caller";
	case UNWIND_UNREADABLE:
		return "the stack cannot be read any further";
	case UNWIND_BROKEN:
		return "the stack is broken here";
	case UNWIND_TOO_DEEP:
		return "there are more";
	}
	return "";
}
