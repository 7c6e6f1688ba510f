#ifndef TESTS_FUZZ_CALL_FRAME_FILE_H
#define TESTS_FUZZ_CALL_FRAME_FILE_H
/*
 * call_frame_file.h - an ELF file that holds nothing but call frame information.
 *
 * It is loaded as a whole at 0, and says that it has 64 KiB of code there.
 */
#include <stddef.h>
#include <stdint.h>
#include <tracer/module.h>

enum call_frame_kind {
	CALL_FRAME_EH = 0,          /* .eh_frame */
	CALL_FRAME_DEBUG = 1,       /* .debug_frame */
	CALL_FRAME_NO_SECTIONS = 2, /* .eh_frame that .eh_frame_hdr alone leads to */
	CALL_FRAME_FOREIGN = 3,     /* .eh_frame, for another machine */
};

/* Where the section is: offset and address. And how much code there is. */
enum { CALL_FRAME_ADDRESS = 4096, CALL_FRAME_CODE = 65536 };

/* 0; -E2BIG; or as module_open(). One at a time: the next one is written over it. */
int call_frame_file(enum call_frame_kind kind, const uint8_t *section, size_t size,
                    struct module **ret);

#endif
