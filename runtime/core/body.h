#ifndef CORO_BODY_H
#define CORO_BODY_H
/*
 * body.h - what generator.c, delegate.c, life.c and exception.c share, and nobody else.
 */
#include "core.h"

struct coro__stack_pool;
struct coro__tasklets;

enum { CORO__HELD = 8, CORO__DELIVERED = 4, CORO__CONTEXT_LIMIT = 16 };

/* The exceptions that a body (or the thread, outside of all bodies) keeps valid. Each pointer
 * here is a reference. There is room for it above the body's first frame (and in the thread's part
 * of the runtime), so that keeping one never fails:
 *
 *     lowest                                         stack_base
 *     | stack ...             frame | fence | struct coro__errors |
 */
struct coro__errors {
	struct coro_exception *handling; /* sys.exception(): the context of what is raised; or NULL */
	struct coro_exception *delivered[CORO__DELIVERED]; /* rings */
	struct coro_exception *made[CORO__HELD];
	uint8_t next_delivered, next_made; /* which is replaced next */
};

/* This thread's part of the runtime. */
struct coro__local {
	bool ready;
	bool plain;           /* no tools, and the first pool is of stack_size */
	unsigned tools;       /* CORO__TOOLS_* */
	bool own_fpu_control; /* coro_options */
	size_t stack_size;    /* coro_options, rounded up to pages */
	uint32_t shared;      /* how many delegators are not the only one of their delegate */
	struct coro_generator *first, *last; /* all bodies, in the order of creation */
	size_t bodies, main_bodies; /* on that list; and of coro__main_body_new() */
	struct coro__stack_pool *pool; /* of stack_size; the first of a list */
	struct coro__errors *errors;   /* what was delivered outside of all bodies; NULL: nothing yet */
	struct coro__errors own_errors; /* the room for it */
	struct coro__hooks hooks;      /* of async generators */
	struct coro_generator *ended;  /* its stack waits for coro__reap(); or NULL */
	/* It is freed, and who delegated to it last goes on, without its having ended: to be closed
	 * there; or NULL. */
	struct coro_generator *orphan;

	/* greenlet.c: the one that runs, and the thread's main one; NULL: none was asked for yet. */
	struct coro_generator *greenlet, *main_greenlet;
	struct coro__tasklets *tasklets; /* tasklet.c's; NULL: none yet */
	bool in_tasklet;                 /* another one than main runs */
	void *sp;        /* of the thread's own stack, while that is left by coro__transfer() */

	bool insists;                  /* coro__insist() */
	void *signal_stack;            /* overflow.c's; NULL: the thread had one */

	/* tools.c: the stack that the thread itself has. */
	const void *thread_stack_bottom;
	size_t thread_stack_size;
	bool left_thread_stack; /* it is the one that is being left */
	void *thread_fiber;
};
extern __thread struct coro__local coro__local __attribute__((tls_model("initial-exec")));

/* Tells the probe of all objects of this thread (runtime/loop/present.c). */
void coro__present_all(void);

/* The thread is about to make its first object: a debugger may look for it (runtime/loop/layout.c). */
void coro__layout_thread(void);

/* Makes this thread ready for bodies; does nothing when it is. */
void coro__local_init(void);

/* ---- Switching (generator.c) ------------------------------------------- */

/* How a body is entered. */
enum coro__entering { CORO__ENTER_NEXT, CORO__ENTER_SEND, CORO__ENTER_THROW };

/* Resumes the chain below `root`, with all that can be wrong: the whole of next, send and throw.
 * `value` is raised if and only if it is thrown. `raw`: see coro__resume(); `resumer_row` too. */
coro_value coro__drive(struct coro_generator *root, enum coro__entering entry, coro_value value,
					   uintptr_t site, bool raw, uint32_t resumer_row);

/* The switch of a resume: from who runs to `leaf`, on behalf of `root`. Gives what comes back. The
 * state is set; nothing is emitted. */
coro_value coro__enter(struct coro_generator *root, struct coro_generator *leaf, coro_value value);

/* The switch from `self` to somebody else on the same chain, or up to who resumed it. */
coro_value coro__cross(struct coro_generator *self, struct coro_generator *to, void *sp,
					   coro_value value, bool ends);

/* coro_close() of any kind of body. */
coro_value coro__close(struct coro_generator *body, uintptr_t site);

/* An async generator is given up: true when the finalizer hook took it. *ret_dropped: there was
 * one, and it did not. */
bool coro__finalize(struct coro_generator *body, bool *ret_dropped);

/* A coroutine that awaits a step of an async generator is that step: what is thrown into it before
 * it begins, it takes. False of all others. */
bool coro__step_takes(struct coro_generator *body, coro_value raised);

/* "generator already executing" and its like: raised in who runs. `text` follows the word for
 * what `body` is. */
coro_value coro__raise_about(const struct coro_generator *body,
							 const struct coro_exception_type *type, const char *text,
							 uintptr_t site);

/* Closes one body that delegates to nobody (any more): close()'s rules for a single body.
 * `error`: raised in it instead of GeneratorExit, or None. */
coro_value coro__close_one(struct coro_generator *body, coro_value error, uint32_t closer_row,
						   uintptr_t site);

/* ---- Chains (delegate.c) ----------------------------------------------- */

/* The body, on the chain down from `top`, that is executing: it runs, waits for what it resumed,
 * or for its delegate to close. NULL: none is. */
struct coro_generator *coro__executing(struct coro_generator *top);

/* Where a resume goes that reaches `top`, which delegates and is not executing itself: the
 * innermost, if that is suspended. Otherwise the one that delegates to what is not: it goes on
 * with `*value`, and does not delegate any more (`*ret_undelegates`). */
struct coro_generator *coro__target(struct coro_generator *root, struct coro_generator *top,
									coro_value *value, bool *ret_undelegates);

/* `outer` has delegated to `inner` up to now, and goes on with `value` in `next_state`. */
void coro__undelegate(struct coro_generator *root, struct coro_generator *outer,
					  unsigned next_state, coro_value value);

/* Who delegates to `body` on the chain down from `root`. */
struct coro_generator *coro__delegator(struct coro_generator *root, struct coro_generator *body);

/* `outer` delegates to `inner` from now on; no longer does. The chain belongs to `root`. */
void coro__link(struct coro_generator *root, struct coro_generator *outer,
				struct coro_generator *inner);
void coro__unlink(struct coro_generator *root, struct coro_generator *outer);

/* Closes everything below `root`, innermost first: then `root` delegates no more, and is
 * suspended. Returns None, or raised what its delegate raised. */
coro_value coro__close_delegates(struct coro_generator *root, uintptr_t site);

/* ---- Life (life.c) ----------------------------------------------------- */

/* The stack of a finished body goes back to its pool. It may be the one that runs. */
void coro__give_stack(struct coro_generator *body);
/* With tools, it goes back only when it has been left: now. */
void coro__reap(void);
size_t coro__pools_size(const struct coro_generator *body);

/* A body of this kind, not started. NULL when memory is out. */
struct coro_generator *coro__body_new(enum coro_object_kind kind, coro_function *function,
									  coro_value argument, const char *name, const char *site,
									  uintptr_t pc);

/* One of this kind for the thread itself, which runs: without a stack, on no list, and not counted
 * among what the program made. */
struct coro_generator *coro__main_body_new(enum coro_object_kind kind);
void coro__main_body_free(struct coro_generator *body);

/* Frees a body that is not suspended any more, or waits for its delegators to let go. */
void coro__dispose(struct coro_generator *body);

/* ---- Greenlets (greenlet.c) -------------------------------------------- */

/* It is switched to, and not resumed: a greenlet, or a tasklet. */
static inline bool coro__is_greenlet(const struct coro_generator *body)
{
	return body->object.kind == CORO_OBJECT_GREENLET || body->object.kind == CORO_OBJECT_TASKLET;
}

/* Leaves what runs for a body that was left so, or has not started; NULL: for the thread's own
 * stack. Gives what comes back. States, and who runs in the end, are the caller's to set. `ends`:
 * what is left is finished. */
coro_value coro__transfer(struct coro_generator *to, coro_value value, bool ends);

/* The thread ends: GreenletExit for those that are suspended; and at last, the main one goes. The
 * same of tasklets (tasklet.c). */
void coro__greenlets_end(void);
void coro__main_greenlet_free(void);
void coro__tasklets_end(void);
void coro__main_tasklet_free(void);

/* ---- Exceptions (exception.c) ------------------------------------------ */

/* A body is thrown into, at `site`: the exception gets the body's own handled exception for context,
 * arrives there. */
void coro__throw_into(struct coro_generator *body, coro_value raised, uintptr_t site);

/* Lets go of all that a body keeps. */
void coro__errors_let_go(struct coro__errors **errors);
static inline void coro__errors_free(struct coro__errors **errors)
{
	if (CORO__UNLIKELY(*errors != NULL))
		coro__errors_let_go(errors);
}

/* Puts aside what is delivered here, and back: around a call of the runtime's own that must not
 * end the validity of what the program holds. */
struct coro__errors coro__errors_save(void);
void coro__errors_restore(const struct coro__errors *saved);

/* Bytes above the first frame of a body, for its errors. */
enum { CORO__ERRORS_ROOM = (sizeof(struct coro__errors) + 63) & ~(size_t)63 };

/* How many exceptions there are, of all threads. */
size_t coro__exceptions_alive(void);

/* A StopIteration that leaves a body of this kind: "generator raised StopIteration". */
coro_value coro__stop_left(const char *kind, coro_value raised);

/* The same of one that was thrown in at a suspend, where in Python a generator of its own stands. */
coro_value coro__stop_suspended(coro_value raised);

/* PEP 479 and 525: what may not leave the body. */
bool coro__may_not_leave(const struct coro_generator *body, coro_value result);

/* A value that is returned to `body`, from the call at `site`, becomes a StopIteration there:
 * raised and delivered. */
coro_value coro__stop_deliver_to(struct coro_generator *body, coro_value result, uintptr_t site);

/* A StopIteration that leaves a body becomes a RuntimeError. */
coro_value coro__stop_leaked(struct coro_generator *body, coro_value raised);

/* RuntimeError and its like, whose message is a plain text. With a site, it is delivered to who
 * runs; without one it is only made there, and is to be delivered to somebody else. */
coro_value coro__raise_text(const struct coro_exception_type *type, const char *before,
							const char *after, uintptr_t site);

/* ---- Text (printable.c) ------------------------------------------------ */

/* repr() shows this character of Unicode as it is. */
bool coro__printable(uint32_t character);

#endif
