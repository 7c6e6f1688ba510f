#ifndef TRACER_FILE_COLUMNS_H
#define TRACER_FILE_COLUMNS_H
/*
 * columns.h - the payload of an EVENTS chunk.
 */
#include "rows.h"

/* Appends events [from, to) of the rows as columns. 0 or -ENOMEM. */
int trace__columns_encode(const struct rows *rows, uint32_t from, uint32_t to, struct bytes *ret);
/* The reverse: a payload of `count` events, the first of which has number `first`. 0,
 * -EBADMSG when it is not valid, -ENOMEM. *ret comes empty, perhaps with room, which is
 * freed on failure. */
int trace__columns_decode(const uint8_t *payload, size_t length, uint64_t first, uint32_t count,
						  struct rows *ret);

#endif
