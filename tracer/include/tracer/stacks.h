#ifndef TRACER_STACKS_H
#define TRACER_STACKS_H
/*
 * stacks.h - the stack of a body, as it stood at the playhead.
 *
 * A body that does not run after event n has the stack that it left when control went from it. That
 * is recorded (trace_find_stack); the World says whether it runs, and since when it does not. Of a live
 * program the same can be copied from the process, and there also the registers of a thread that
 * waits at the gate: so the body that runs has a stack as well, while the program is paused at the
 * playhead.
 *
 * What is recorded is the stack as it was when control left: what others have written into it since,
 * through pointers to local variables, is in the process alone.
 */
#include "live.h"
#include "session.h"

/* The recorded stack of a body that does not run after the playhead's event. 0 and *ret: its bytes, or
 * why they are not there. -EBUSY: it runs then; -ESRCH: it is no body, or is not there (any more);
 * -ENOENT: nothing was recorded of it; -EBADMSG, -ENOMEM. */
int session_stack(struct session *session, uint64_t serial, struct trace_stack *ret);

/* Which row of the program's table an object has: 0, or -ENOENT when that is not known, as of a file. */
int session_row(struct session *session, uint64_t serial, uint32_t *ret);

/* As live_stack(), live_object() and live_gate_frame(), of the program of a session; -ESRCH: there is
 * none any more. The row is session_row()'s. */
int target_stack(struct target *target, uint32_t row, uint64_t serial, void *bytes, size_t room,
                 struct live_stack *ret);
int target_object(struct target *target, uint32_t row, uint64_t *ret);
int target_gate_frame(struct target *target, unsigned ring, uint64_t *ret_sp);

#endif
