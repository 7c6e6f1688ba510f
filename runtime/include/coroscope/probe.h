#ifndef COROSCOPE_PROBE_H
#define COROSCOPE_PROBE_H
/*
 * probe.h - emit events, from our runtime or from another one.
 *
 * The probe is a library of its own over the C library. It owns the segment
 * (trace_abi.h), gives rows and serial numbers to objects, writes events into
 * the calling thread's ring and stops at the gate. Whoever emits keeps a struct
 * coro_object at the beginning of each traced object, and tells of each change:
 *
 *     struct coro_object g;
 *     coro_probe_object_init(&g, CORO_OBJECT_GENERATOR, "internal", CORO_SITE_HERE);
 *     coro_probe_event(&g, CORO_EVENT_CREATE, CORO_STATE_CREATED, parent, pc, NULL);
 *     ...
 *     coro_probe_event(&g, CORO_EVENT_DESTROY, CORO_STATE_NONE, 0, 0, NULL);
 *     coro_probe_object_done(&g);
 *
 * Invariants
 * - Nobody traces: an event costs two loads and a predicted branch, and sets the
 *   object's state.
 * - An event changes one object, the first argument.
 * - The gate is passed before the change: while the program is paused, neither the
 *   object nor the ring has seen the event.
 * - The scheduler never reads from shared memory: state and cseq are the object's own.
 * - After fork the child is untraced, and unharmed.
 *
 * Threads: every function may be called from any thread; an object belongs to one
 * thread at a time.
 *
 * Beyond Python: events over shared memory, as LTTng and uftrace have them.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#ifdef __has_include
#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#endif
#endif
#include "trace_abi.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define CORO__STRING2(x) #x
#define CORO__STRING(x) CORO__STRING2(x)
/* Static text "FILE:LINE" of the place it stands in. */
#define CORO_SITE_HERE __FILE__ ":" CORO__STRING(__LINE__)

/* A value as an event shows it. What it points to is only read during the call. */
struct coro_probe_value {
	uint8_t kind;      /* enum coro_value_kind */
	const char *type;  /* exception's or pointer's type name, or NULL */
	union {
		int64_t integer;     /* BOOL, INT */
		double real;         /* FLOAT */
		const void *pointer; /* POINTER; STRING and BYTES: the bytes; EXCEPTION: the message */
		uint32_t row;        /* OBJECT */
	};
	uint64_t length; /* STRING, BYTES, EXCEPTION: bytes */
};

/* Where the hot path looks: `mask` points at the kind mask of the control file, or
 * at a zero when there is none (COROSCOPE=off, no room, after fork).
 * Laid out in its own page, which the kernel wipes in a child: the offset is then 0
 * and leads to coro__probe_nobody. */
struct coro__probe_page {
	intptr_t offset; /* from coro__probe_nobody to the control file's kind mask */
	char rest[4096 - sizeof(intptr_t)];
};
extern struct coro__probe_page coro__probe_page;
extern const uint64_t coro__probe_nobody[8]; /* as much as is looked at of the control file from there on */

/* The kinds that somebody wants to see; 0: nobody traces. With CORO_NO_PROBES, nobody ever
 * does, and the compiler drops the events: only to measure what they cost. */
static inline uint64_t coro_probe_mask(void)
{
#ifdef CORO_NO_PROBES
	return 0;
#else
	const char *nobody = (const char *)coro__probe_nobody;

	/* The sum leaves the object on purpose: the compiler shall not conclude from it. */
	__asm__("" : "+r"(nobody));
	return __atomic_load_n((const uint64_t *)(nobody + coro__probe_page.offset), __ATOMIC_RELAXED);
#endif
}

/* What is wanted of stacks: enum coro_stacks. */
static inline uint32_t coro_probe_stacks(void)
{
#ifdef CORO_NO_PROBES
	return CORO_STACKS_NONE;
#else
	enum { BEHIND = __builtin_offsetof(struct coro_ctl, stacks) -
	                __builtin_offsetof(struct coro_ctl, kind_mask) };
	const char *nobody = (const char *)coro__probe_nobody;

	__asm__("" : "+r"(nobody));
	return __atomic_load_n((const uint32_t *)(nobody + coro__probe_page.offset + BEHIND),
	                       __ATOMIC_RELAXED);
#endif
}

/* Rows and serial numbers: see runtime/probe/object.c. All of it is under the probe's lock while
 * the process has more than one thread. */
struct coro__probe_row {
	uint32_t next; /* free row after this one, 0: last; valid while it is free */
	uint32_t gen;  /* how often it was used before */
};
struct coro__probe_rows {
	struct coro__probe_row *rows; /* NULL: not reserved yet, or no room */
	uint32_t free_row;            /* 0: none */
	uint32_t last_row; /* the highest row given out */
	uint64_t last_serial;
};
extern struct coro__probe_rows coro__probe_rows;
#define CORO__PROBE_ROWS (1u << 24) /* that can be given back; those above are used once */
void coro__probe_row_take(struct coro_object *object);
void coro__probe_row_give(struct coro_object *object);

/* The process has one thread, as far as the C library knows: no lock is needed. */
static inline bool coro__probe_alone(void)
{
#ifdef _SYS_SINGLE_THREADED_H
	return __libc_single_threaded;
#else
	return false;
#endif
}

/* Giving a row, or taking it back, is then a matter of a few instructions. */
static inline bool coro__probe_row_at_hand(void)
{
	return __builtin_expect(coro__probe_alone() && coro__probe_rows.free_row, 1);
}

/* All of it but row and serial number. */
static inline void coro__probe_object_clear(struct coro_object *object, int kind, const char *name,
                                            const char *site)
{
	object->magic = CORO_OBJECT_MAGIC;
	object->cseq = 0;
	object->kind = (uint8_t)kind;
	object->state = CORO_STATE_NONE;
	object->reason = CORO_REASON_NONE;
	object->flags = 0;
	object->waits_on = 0;
	object->parent = 0;
	object->name = name;
	object->creation_site = site;
	object->resumes = 0;
}

/* coro_probe_object_init() where a row is at hand. */
static inline void coro__probe_object_init_at_hand(struct coro_object *object, int kind,
                                                   const char *name, const char *site)
{
	struct coro__probe_rows *all = &coro__probe_rows;
	const struct coro__probe_row *row = &all->rows[all->free_row];

	object->row = all->free_row;
	object->gen = row->gen;
	all->free_row = row->next;
	object->serial = ++all->last_serial;
	coro__probe_object_clear(object, kind, name, site);
}

/* Gives the object a row, a serial number and its first state, NONE. Emits nothing.
 * `name` and `site` are borrowed, and must outlive the object. `kind` is an enum
 * coro_object_kind. `parent` is 0. */
static inline void coro_probe_object_init(struct coro_object *object, int kind, const char *name,
                                          const char *site)
{
	if (coro__probe_row_at_hand()) {
		coro__probe_object_init_at_hand(object, kind, name, site);
	} else {
		coro__probe_row_take(object);
		coro__probe_object_clear(object, kind, name, site);
	}
}

/* The object's row can be given back in a few instructions. */
static inline bool coro__probe_row_returns(const struct coro_object *object)
{
	return __builtin_expect(coro__probe_alone() && coro__probe_rows.rows &&
	                            object->row - 1 < CORO__PROBE_ROWS - 1, 1);
}

/* coro_probe_object_done() where it does. */
static inline void coro__probe_object_done_at_hand(struct coro_object *object)
{
	struct coro__probe_rows *all = &coro__probe_rows;
	struct coro__probe_row *row = &all->rows[object->row];

	row->gen++;
	row->next = all->free_row;
	all->free_row = object->row;
	object->magic = 0;
	object->row = 0;
}

/* Gives the row back. The object must have had its last event (state NONE), or none. */
static inline void coro_probe_object_done(struct coro_object *object)
{
	if (coro__probe_row_returns(object)) {
		coro__probe_object_done_at_hand(object);
	} else {
		object->magic = 0;
		coro__probe_row_give(object);
	}
}

/* What of an event is known where it is emitted: the low half of the slot's word (kind, flags and
 * next state), and in the bits of `ext` and `lap`, which are not known there, how to go about it. */
#define CORO__EMIT_READS_CLOCK 0x01000000u /* else it inherits the last reading */
#define CORO__EMIT_WAITS       0x02000000u /* peer is what the object waits for */
#define CORO__EMIT_SLOWLY      0x04000000u /* it says who the object is, or changes its link; or there is no such kind */
#define CORO__EMIT_WORD        0x00ffffffu

#define CORO__KIND(NAME)      ((uint64_t)1 << CORO_EVENT_##NAME)
#define CORO__KINDS_OF_SWITCH                                                                   \
    (CORO__KIND(NEXT) | CORO__KIND(SEND) | CORO__KIND(THROW) | CORO__KIND(CLOSE) |              \
     CORO__KIND(STEP) | CORO__KIND(TURN_BEGIN) | CORO__KIND(SELECT) | CORO__KIND(TURN_END))
#define CORO__KINDS_OF_BIND                                                                     \
    (CORO__KIND(CREATE) | CORO__KIND(SPAWN) | CORO__KIND(FUTURE_NEW) | CORO__KIND(TIMER_SET) |  \
     CORO__KIND(IO_REGISTER))
#define CORO__KINDS_OF_WAIT (CORO__KIND(AWAIT) | CORO__KIND(DELEGATE) | CORO__KIND(TIMER_SET))
#define CORO__KINDS_OF_LINK                                                                     \
    (CORO__KIND(LOCK_ACQUIRE) | CORO__KIND(LOCK_RELEASE) | CORO__KIND(GROUP_ENTER))

static inline uint32_t coro__probe_what(unsigned kind, unsigned next_state)
{
	uint32_t what = (kind & 255) | (next_state & 15) << 20;

	if (kind >= CORO_EVENT_LIMIT)
		return what | CORO__EMIT_SLOWLY;
	what |= CORO__KINDS_OF_SWITCH >> kind & 1 ? CORO__EMIT_READS_CLOCK
	                                          : (uint32_t)CORO_SLOT_INHERIT << 8;
	if (CORO__KINDS_OF_WAIT >> kind & 1)
		what |= CORO__EMIT_WAITS;
	if (CORO__KINDS_OF_BIND >> kind & 1)
		what |= CORO__EMIT_SLOWLY | (uint32_t)CORO_SLOT_BIND << 8;
	if (CORO__KINDS_OF_LINK >> kind & 1)
		what |= CORO__EMIT_SLOWLY;
	return what;
}

/* The slow half of coro_probe_event: somebody traces. `what` is coro__probe_what()'s. */
void coro__probe_emit(struct coro_object *object, uint32_t what, uint32_t peer, uint32_t site,
                      const struct coro_probe_value *value);

/* The object changed: `kind` happened to it, and its state is `next_state` now.
 * `peer` is the row that the event names besides, or 0; `site` a program counter, or
 * 0; `value` NULL where there is none. CREATE, SPAWN, FUTURE_NEW, TIMER_SET and
 * IO_REGISTER carry the object's identity by themselves.
 * May wait at the gate, or for a blocking reader, when there is one and it lives. */
static inline void coro_probe_event(struct coro_object *object, unsigned kind, unsigned next_state,
                                    uint32_t peer, uintptr_t site,
                                    const struct coro_probe_value *value)
{
	if (__builtin_expect(coro_probe_mask() != 0, 0))
		coro__probe_emit(object, coro__probe_what(kind, next_state), peer, (uint32_t)site, value);
	object->state = next_state & 15;
}

/* Before the CREATE of a body with a stack of its own: how large that is, for the bind that the
 * CREATE carries. */
void coro_probe_stack(const struct coro_object *object, size_t bytes);

/* The body does not run from now on, until coro_probe_runs(): its stack is [sp, sp + length), where the
 * switch has saved its registers. Called by the switch, and when a body is made. If that is wanted,
 * obj says so and the bytes are recorded. May wait for a blocking reader, as an event may. */
void coro_probe_rests(struct coro_object *object, const void *sp, size_t length);
/* It will run, or its stack is given up. */
void coro_probe_runs(const struct coro_object *object);

/* The thread is about to sleep outside the program's control (a selector): publishes
 * what was emitted and marks the ring as parked. `_resume` ends it. Cheap when
 * nobody traces. */
void coro_probe_park(void);
void coro_probe_resume(void);

/* Nanoseconds that the calling thread has waited at the gate so far: what a loop takes
 * off its clock. */
uint64_t coro_probe_paused_ns(void);

/* A descriptor that becomes readable when an attaching debugger wants the attention of all
 * threads; to be watched by each loop, edge-triggered (EPOLLET): what is in it is the debugger's
 * to read, so that no thread takes it away from another. Then the loop calls coro_probe_attend(), and
 * sleeps on. -1: none. */
int coro_probe_wake_fd(void);
void coro_probe_attend(void);

/* What only the emitter knows of an object that is there. */
struct coro_probe_details {
	uint32_t waits_on; /* row */
	uint32_t link;     /* row, and */
	uint32_t number;   /* number: as in struct coro_mirror_row */
	uintptr_t site;    /* where it is suspended, a program counter; 0: not known */
	bool rests;        /* a body that does not run, and whose saved stack pointer is right */
};

/* The calling thread has objects: when a debugger attaches, at a moment at which the thread would
 * emit or attends, `walk` calls coro_probe_present() for each of them that has had its first event.
 * It may not allocate, emit, or change anything. NULL: they are not told. The thread does not block
 * SIGBUS then, so that a cut file of the segment does not kill the program.
 * The other one: the thread will have none any more. */
void coro_probe_thread_begin(void (*walk)(void));
void coro_probe_thread_end(void);
void coro_probe_present(const struct coro_object *object, const struct coro_probe_details *details);
/* For a link: how often the row of that object was used before. */
uint32_t coro_probe_generation(uint32_t row);

/* The directory of this process's segment, or NULL. Valid until exit. */
const char *coro_probe_segment(void);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
