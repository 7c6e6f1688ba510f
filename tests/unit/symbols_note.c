/* symbols_note.c - a library with the note of one that links the probe. */
#include <coroscope/trace_abi.h>

struct symbols_note {
	uint32_t name_size, description_size, type;
	char name[(sizeof CORO_NOTE_NAME + 3) / 4 * 4];
};

__attribute__((section(".note.coroscope"), used,
			   aligned(4))) static const struct symbols_note note = {
	.name_size = sizeof CORO_NOTE_NAME,
	.type = CORO_NOTE_TYPE,
	.name = CORO_NOTE_NAME,
};

__attribute__((visibility("default"))) int symbols_noted(void);

int symbols_noted(void)
{
	return (int)note.type;
}
