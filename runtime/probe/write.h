#ifndef CORO_PROBE_WRITE_H
#define CORO_PROBE_WRITE_H
/*
 * write.h - what ring.c, which writes where there is room, hands to room.c, which writes elsewhere.
 */
#include "private.h"

#define CORO__PAYLOAD_MAX (CORO_EXT_MAX * CORO_EXT_BYTES)

/* What a slot says besides the objects themselves. */
struct coro__record {
	uint32_t what; /* the low half of its word, and CORO__EMIT_* */
	uint32_t peer, site, value;
	unsigned ext; /* payload slots */
};

/* Makes the payload, of CORO__PAYLOAD_MAX bytes: who the object is, if `bind`, and the value
 * if there is one; and what the record says of it. */
void coro__pack(struct coro__thread *thread, const struct coro_object *object,
                struct coro__record *record, const struct coro_probe_value *value, bool bind,
                uint8_t *payload);

#endif
