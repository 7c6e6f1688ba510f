#ifndef TRACER_EVENT_H
#define TRACER_EVENT_H
/*
 * event.h - one event, decoded, wherever it came from.
 *
 * The recorder and the trace file both hand out events in this form; the model
 * takes them in this form. It is self-contained: nothing in it points anywhere,
 * so it may be copied and kept. Strings are ids of the trace that it belongs to.
 *
 * A slot of a ring names rows, which are reused. When an event is appended to a trace
 * it gets its number, and its rows become serials with names, once and for all: so any
 * event of a trace can be read by itself, without knowing what was before it.
 */
#include <stdbool.h>
#include <stdint.h>
#include <coroscope/trace_abi.h>

/* A value as the event showed it. */
struct trace_value {
	uint8_t kind; /* enum coro_value_kind; ABSENT: the event has none */
	uint8_t object_kind; /* OBJECT: its enum coro_object_kind; 0: not known */
	uint32_t type; /* string id: exception's or pointer's type, object's name; 0: none */
	union {
		int64_t integer;  /* BOOL, INT */
		double real;      /* FLOAT */
		uint64_t pointer; /* POINTER */
		uint64_t object;  /* OBJECT: serial; as decoded from a slot: the row */
	};
	uint64_t length; /* STRING, BYTES, EXCEPTION: full length */
	uint16_t stored; /* how many of those bytes are here; what is behind them is anything */
	char bytes[CORO_TRACE_STORED_MAX];
};

struct trace_event {
	uint64_t n;     /* number in the merged order, from 1 */
	int64_t t;      /* ns since the trace's start */
	uint64_t clock; /* ticks, as emitted */
	uint64_t index; /* of its slot in its ring */
	uint32_t ring;
	uint8_t kind;   /* enum coro_event_kind, or unknown */
	uint8_t flags;  /* CORO_SLOT_* */
	uint8_t prev, next; /* enum coro_state, of the row */
	uint32_t cseq;
	uint64_t co, peer;  /* serials of the object that changed and of the other one; 0: none.
	                       As decoded from a slot: rows */
	uint64_t lost;      /* slots lost directly before it, of any ring; as decoded 0 */
	uint32_t name, peer_name;           /* string ids of their names; 0: none */
	uint8_t object_kind, peer_kind;     /* enum coro_object_kind; 0: none, or not known */
	uint32_t site;      /* program counter's low bits, or string id (FILELINE); 0: none */
	uint32_t row;       /* with CORO_SLOT_BIND: the row that co is from then on; 0: not known */
	struct trace_value value;
	struct coro_trace_bind bind; /* valid if and only if flags has CORO_SLOT_BIND */
};

/* An object that was there before the trace knew of it, as the program's table has it (struct
 * coro_mirror_row): what the World begins with when a debugger attaches. */
struct trace_row {
	uint64_t serial;
	uint64_t waits_on, parent, link; /* serials; 0: none, or it is not known */
	uint32_t row;                    /* in the program; not in a file */
	uint32_t cseq;                   /* of its last event */
	uint32_t ring;                   /* of its thread */
	uint32_t name, creation_site;    /* string ids; 0: none */
	uint32_t site;                   /* of its last event, or where it is suspended; 0: not known */
	uint32_t number;                 /* as in struct coro_mirror_row; CORO_NUMBER_UNKNOWN */
	uint32_t resumes;
	uint8_t kind, state, reason;
	uint8_t unknown; /* TRACE_ROW_*: links of which only this is known, that they are not */
};
enum { TRACE_ROW_WAITS_ON = 1, TRACE_ROW_PARENT = 2, TRACE_ROW_LINK = 4 };

/* The name of a kind ("yield"), or NULL for an unknown one. */
const char *trace_event_name(unsigned kind);
/* The kind of a name, or 0. */
unsigned trace_event_kind(const char *name);
/* The sentence of trace_events.def for a kind, or NULL. */
const char *trace_event_sentence(unsigned kind);
const char *trace_object_kind_name(unsigned kind); /* never NULL: "unknown" */
bool trace_object_is_body(unsigned kind);          /* it has a stack of its own: generator, ... */
const char *trace_state_name(unsigned state);      /* never NULL */
const char *trace_reason_name(unsigned reason);    /* never NULL; what it waits for, one word */

/* Decodes one event from `count` slots of ring `ring` whose first has index
 * `index` and is checked against the lap of a ring of 2^log2 slots (log2 < 0: not
 * checked). n, t, names and kinds of the objects are left 0, co and peer are rows.
 * Returns the number of slots that it took (1 + payload), 0 when the first slot is
 * not committed yet, -EAGAIN when payload slots are cut off by `count`, or -EBADMSG
 * when the slots cannot be an event (skip one). *ret means something only if it took any. */
int trace_event_decode(const struct coro_trace_slot *slots, unsigned count, uint32_t ring,
                       uint64_t index, int log2, struct trace_event *ret);

/* A value that stands in a slot's 32 bits: its kind and content, nothing else of *ret. 0, or
 * -EBADMSG when it does not stand there. */
int trace_value_decode_small(uint32_t small, struct trace_value *ret);

#endif
