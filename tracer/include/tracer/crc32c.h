#ifndef TRACER_CRC32C_H
#define TRACER_CRC32C_H
/*
 * crc32c.h - the Castagnoli checksum, as iSCSI, ext4 and SSE 4.2 compute it: of segments and of
 * trace files.
 */
#include <stddef.h>
#include <stdint.h>

/* Of `length` bytes after those whose checksum is `crc`; begin with 0. */
uint32_t trace_crc32c(uint32_t crc, const void *data, size_t length);

#endif
