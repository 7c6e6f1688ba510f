#ifndef CORO_LOOP_LAYOUT_H
#define CORO_LOOP_LAYOUT_H
/*
 * layout.h - where everything stands, for a debugger that has nothing but the program's memory:
 * gdb, with a program that it stopped, or with its core (runtime/gdb).
 *
 *     note -> coro__layout.chunks -> chunk -> chunk ...   all threads' objects (core/slot.h)
 *     thread pointer + coro__layout.thread_active         who runs on that thread
 *
 * It is a table of numbers in the order of CORO__LAYOUT: addresses, offsets and sizes that are not
 * pinned elsewhere (struct coro_object, and the switch's frame, are), so that one script serves
 * builds of every version. An ELF note leads to it: that needs neither debug information nor
 * symbols. New numbers are appended.
 *
 * Beyond Python: CPython 3.13 has _Py_DebugOffsets for the same reason.
 */
#include <coroscope/handle.h>

/* X(name, what it is) */
#define CORO__LAYOUT(X)                                                                            \
	X(frame_version, CORO_FRAME_HERE) /* CORO_FRAME_*: what stands at a saved stack pointer */     \
	X(chunks, (uintptr_t)&coro__chunks) /* address of the pointer to the newest chunk */           \
	/* From a thread's pointer (x86-64: fs_base, aarch64: tpidr_el0) to its coro__active and its   \
	 * coro__local; 0: no thread has made anything yet. */                                         \
	X(thread_active, 0)                                                                            \
	X(thread_local_part, 0)                                                                        \
	X(active_current, offsetof(struct coro__active, current))                                      \
	X(active_thread, offsetof(struct coro__active, thread))                                        \
	X(local_sp, offsetof(struct coro__local, sp))                                                  \
	X(chunk_next, offsetof(struct coro__chunk, next_all))                                          \
	X(chunk_kind, offsetof(struct coro__chunk, kind))                                              \
	X(chunk_stride, offsetof(struct coro__chunk, stride))                                          \
	X(chunk_first, CORO__CHUNK_FIRST) /* from a chunk to its first slot */                         \
	X(chunk_bytes, CORO__CHUNK_BYTES)                                                              \
	X(slot_bytes, sizeof(struct coro__slot)) /* from a slot to its object */                       \
	X(slot_body, CORO__SLOT_BODY)            /* kinds of slot */                                   \
	X(slot_kinds, CORO__SLOT_KINDS)                                                                \
	X(slot_objects, CORO_OBJECT_LIMIT) /* those below begin with an object */                      \
	X(slot_gather, CORO__SLOT_GATHER)  /* and so do these two */                                   \
	X(slot_tasklet_channel, CORO__SLOT_TASKLET_CHANNEL)                                            \
	X(body_bytes, sizeof(struct coro_generator))                                                   \
	X(body_sp, offsetof(struct coro_generator, sp))                                                \
	X(body_stack_base, offsetof(struct coro_generator, stack_base))                                \
	X(body_stack, offsetof(struct coro_generator, stack))                                          \
	X(body_root, offsetof(struct coro_generator, root))                                            \
	X(body_resumer_sp, offsetof(struct coro_generator, resumer_sp))                                \
	X(body_resumer, offsetof(struct coro_generator, resumer))                                      \
	X(body_delegate, offsetof(struct coro_generator, delegate))                                    \
	X(body_flags, offsetof(struct coro_generator, flags))                                          \
	X(flag_stepping, CORO__BODY_STEPPING) /* in those: an async generator in the middle of a step */ \
	X(body_function, offsetof(struct coro_generator, function))                                    \
	X(body_task, offsetof(struct coro_generator, task))                                            \
	X(future_waited, offsetof(struct coro_future, waited))                                         \
	X(task_bytes, sizeof(struct coro_task))                                                        \
	X(task_body, offsetof(struct coro_task, body))                                                 \
	X(task_awaited, offsetof(struct coro_task, awaited))

#define CORO__LAYOUT_MAGIC UINT64_C(0x54554f59414c4f43) /* "COLAYOUT" */

struct coro__layout {
	uint64_t magic; /* CORO__LAYOUT_MAGIC */
	uint64_t bytes; /* of this table: how many there are of */
#define CORO__X(name, what) uint64_t name;
	CORO__LAYOUT(CORO__X)
#undef CORO__X
};
extern struct coro__layout coro__layout;

/* The type of the ELF note, whose content is the distance from there to coro__layout, 8 bytes. */
#define CORO__LAYOUT_NOTE_TYPE 2

#endif
