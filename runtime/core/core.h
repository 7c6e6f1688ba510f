#ifndef CORO_CORE_H
#define CORO_CORE_H
/*
 * core.h - what the runtime's own parts know of values, exceptions and bodies, besides the
 * public headers.
 *
 * Invariants
 * - A raised value that a public function returns was delivered (coro__deliver) to the body
 *   that called it, so that it stays valid as exception.h says.
 * - Every change of a body's state goes through coro_probe_event(), or, when nobody looks,
 *   through the fast paths of generator.h, which do the same without an event.
 */
#include <coroscope/coroutine.h>
#include <coroscope/debug.h>
#include "slot.h"

/* ---- Events ------------------------------------------------------------ */

/* A value as events show it. Valid while the value's content is. */
struct coro_probe_value coro__probe_value(coro_value value);

/* One event with a value; when somebody looks, and else. */
void coro__emit_value(struct coro_object *object, unsigned kind, unsigned next_state, uint32_t peer,
					  uintptr_t site, coro_value value);

static inline void coro__event_value(struct coro_object *object, unsigned kind, unsigned next_state,
									 uint32_t peer, uintptr_t site, coro_value value)
{
	if (CORO__UNLIKELY(coro_probe_mask() != 0))
		coro__emit_value(object, kind, next_state, peer, site, value);
	object->state = (uint8_t)next_state;
}

/* Where the caller of this public function stands in the program. Only such functions ask, and
 * nothing in the runtime calls them: so the answer does not depend on what is inlined where. What
 * the runtime itself needs of them has a form that is given the place (tests/structure/sites.py). */
#define CORO__SITE ((uintptr_t)__builtin_return_address(0))

/* The row of who runs: the innermost body; 0: none. */
static inline uint32_t coro__current_row(void)
{
	return coro__active.current ? coro__active.current->object.row : 0;
}

/* ---- Exceptions -------------------------------------------------------- */

struct coro_exception;

/* coro_keep() and coro_drop(), for what is hardly ever an exception. */
static inline coro_value coro__keep(coro_value value)
{
	return CORO__UNLIKELY(coro_kind(value) == CORO_VALUE_EXCEPTION) ? coro_keep(value) : value;
}
static inline void coro__drop(coro_value value)
{
	if (CORO__UNLIKELY(coro_kind(value) == CORO_VALUE_EXCEPTION))
		coro_drop(value);
}

static inline coro_value coro__raised_value(coro_value exception)
{
	exception.tag |= CORO__RAISED;
	return exception;
}

/* A new exception, raised, with nobody's context: for whoever raises it in another place than
 * where it makes it (cancellation, a timeout). Held by the caller: coro_drop(). */
coro_value coro__exception_new(const struct coro_exception_type *type, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* coro_raise() and its like, from within the runtime: the place is `site`, that of the program's
 * call; 0: it is added when the exception is delivered, or not known. */
coro_value coro__raise_at(uintptr_t site, const struct coro_exception_type *type,
						  const char *format, ...) __attribute__((format(printf, 3, 4)));
coro_value coro__raise_value_at(uintptr_t site, const struct coro_exception_type *type,
								coro_value value);
coro_value coro__raise_errno_at(uintptr_t site, int number);
coro_value coro__raise_group_at(uintptr_t site, const char *message, const coro_value *exceptions,
								size_t count);

/* A raised value arrives in who runs now (a body, or the thread outside of all): it stays valid
 * there and counts as being handled. Returns it. Other values pass through. `site`: the call
 * that gives it back, 0: not known. */
coro_value coro__deliver(coro_value raised, uintptr_t site);

/* A CancelledError among the contexts of `exception` that was a timeout's own: a TimeoutError
 * comes between. */
void coro__timeout_context(coro_value exception);

/* What is handled here becomes the context of what is raised now: PyErr_SetObject's part. */
void coro__chain(coro_value raised);

/* A call of the library that in Python is a coroutine of its own, in which nothing is handled: what
 * is thrown in gets its context where it leaves the call. */
struct coro__inside {
	bool already;        /* in another one */
	coro_value handling; /* what is handled around it; or None */
};
struct coro__inside coro__inside_begin(void);
/* Its result. */
coro_value coro__inside_end(struct coro__inside inside, coro_value result);

/* The same for another body; NULL: outside of all. */
void coro__deliver_to(struct coro_generator *body, coro_value raised, uintptr_t site);

/* Arrives in `body` and stays valid there, without counting as handled. */
void coro__deliver_quietly(struct coro_generator *body, coro_value raised);

/* An exception that goes to `body` as a value, not raised: from now on that one keeps it valid, for
 * who had it may end. */
static inline coro_value coro__hand_over(struct coro_generator *body, coro_value value)
{
	if (CORO__UNLIKELY(coro_kind(value) == CORO_VALUE_EXCEPTION) && !coro_raised(value))
		coro__deliver_quietly(body, coro__raised_value(value));
	return value;
}

/* The same, about an object. */
void coro__report_about(coro_value object, enum coro_report_kind kind, coro_value exception,
						const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Hands a text and an exception (or None) to the report handler. */
void coro__report(enum coro_report_kind kind, coro_value exception, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* A mistake of the program that cannot be raised: says so on standard error, aborts. */
void coro__fatal(const char *format, ...) __attribute__((noreturn, cold, format(printf, 1, 2)));

/* The same, made by the call that returns to `site`; 0: not known. */
void coro__mistake(uintptr_t site, const char *format, ...)
	__attribute__((noreturn, cold, format(printf, 2, 3)));
/* "lock 'jobs' #7, created at server.c:12, " and how it is misused: "is freed twice". */
void coro__misused(const struct coro_object *object, const char *how, uintptr_t site)
	__attribute__((noreturn, cold));
void coro__wrong_kind_at(coro_value value, enum coro_value_kind wanted, uintptr_t site)
	__attribute__((noreturn, cold));

/* A return address as what addr2line takes, and with its function where the program tells that:
 * "server(+0x3a41), in worker"; "" where nothing is known. */
void coro__place(uintptr_t site, char *text, size_t size);

/* ---- Bodies ------------------------------------------------------------ */

enum {
	CORO__BODY_RAW = 1,       /* resumed by coro__resume(): the outcome goes up as it is */
	CORO__BODY_BUSY = 2,      /* waits for the closing of its delegate: it counts as running */
	CORO__BODY_CLOSING = 4,   /* GeneratorExit of a close() is in it */
	CORO__BODY_FREED = 8,     /* freed by its owner, kept for those who delegate to it */
	CORO__BODY_AWAITED = 16,  /* was started, awaited, thrown into, closed or spawned */
	CORO__BODY_CONSUMED = 32, /* freed by who awaits or drives it */
	CORO__BODY_RETURNED = 64, /* the last outcome of a raw resume was a return */
	CORO__BODY_HELD = 128,    /* its owner keeps the handle: coro_hold() */
	CORO__BODY_INSIDE = 8192, /* in a struct coro__inside */

	/* Of an async generator. */
	CORO__BODY_GAVE = 256,        /* the last outcome was an item, not something that it awaits */
	CORO__BODY_STEPPING = 512,    /* ag_running_async: a step of it has begun and not ended */
	CORO__BODY_ENDED = 1024,      /* ag_closed */
	CORO__BODY_HOOKED = 2048,     /* its first step was made: the hooks of that moment are its own */
	CORO__BODY_FINALIZING = 4096, /* a finalizer hook has it */
};

enum coro__outcome {
	CORO__YIELDED,  /* the value of coro__suspend() in the leaf */
	CORO__RETURNED, /* the returned value; the body is finished */
	CORO__FAILED,   /* something raised; the body is finished, or did not run at all */
};

/* Resumes a body for a task, or for whoever wants its outcome unchanged. A raised value is
 * thrown in, None is next, anything else is sent. `resumer_row` is what the events name as the
 * resumer; 0: who runs. Errors (already executing, ...) come as CORO__FAILED. What is raised is
 * delivered to who runs now. */
coro_value coro__resume(struct coro_generator *body, uint32_t resumer_row, coro_value value,
						uintptr_t site, enum coro__outcome *ret_outcome);

/* Yields `value` from the body that runs, of whatever kind, to whoever resumed its chain; gives
 * what is sent, or raised what is thrown. There must be such a body. */
coro_value coro__suspend(coro_value value, uintptr_t site);

/* coro_await(), from the place `site` in the program; and up to its switch. */
coro_value coro__await_at(coro_value awaitable, uintptr_t site);
coro_value coro__await_begin_at(struct coro__wait *wait, coro_value awaitable, uintptr_t site);

/* The rest of a call that has begun: what it gives. For where it does not stand in the program. */
coro_value coro__wait_through(struct coro__wait *wait, coro_value value);

/* What a begin that stands in the program gives. When switches are told to others, nothing is left
 * for the program to do. */
static inline coro_value coro__wait_begun(struct coro__wait *wait, coro_value value)
{
	if (CORO__UNLIKELY(coro__active.careful || coro_probe_stacks() != CORO_STACKS_NONE))
		return coro__wait_through(wait, value);
	return value;
}

/* Who gets what `root` gives up. */
static inline uint32_t coro__resumer_row(const struct coro_generator *root)
{
	if (root->resumer_row)
		return root->resumer_row;
	return root->resumer ? root->resumer->object.row : 0;
}

/* Where a body goes on that does not run: the address that its switch saved. In the program, unless
 * somebody looked when it suspended. */
static inline uintptr_t coro__saved_site(const void *sp)
{
#if defined(__x86_64__)
	enum { PC = 6 };
#elif defined(__aarch64__)
	enum { PC = 19 };
#endif
	return ((const uintptr_t *)sp)[PC];
}

/* The rest of coro__leave(), with its event. */
coro_value coro__leave_seen(struct coro__wait *wait, coro_value value);

/* The body that runs gives `value` to whoever resumed its chain, and waits: what wait->sp and
 * wait->self say is left to do. Gives `value`. */
static inline coro_value coro__leave(struct coro__wait *wait, coro_value value)
{
	struct coro_generator *self = coro__active.current, *root = self->root;

	wait->self = self;
	wait->sp = root->resumer_sp;
	if (CORO__UNLIKELY(coro_probe_mask() != 0))
		return coro__leave_seen(wait, value);
	self->object.state = CORO_STATE_SUSPENDED;
	coro__active.current = root->resumer;
	return value;
}

/* The innermost body: where a resume of `body` goes; itself when it does not delegate. */
struct coro_generator *coro__leaf(struct coro_generator *body);

/* A body of this kind may await. */
static inline bool coro__awaits(const struct coro_generator *body)
{
	return body->object.kind == CORO_OBJECT_COROUTINE ||
		   body->object.kind == CORO_OBJECT_ASYNC_GENERATOR;
}

static inline struct coro_generator *coro__current(void)
{
	return coro__active.current;
}

/* The task that drives the chain that runs, or one that resumed it: what coro__set_task() said of a
 * root. NULL: none does. */
static inline void *coro__current_task(void)
{
	for (const struct coro_generator *body = coro__active.current; body; body = body->root->resumer)
		if (CORO__LIKELY(body->root->task != NULL))
			return body->root->task;
	return NULL;
}
/* `task`, which begins with its object, drives the body from now on: its steps want the outcome
 * as it is. NULL: nobody does. */
static inline void coro__set_task(struct coro_generator *body, void *task)
{
	body->task = task;
	body->resumer_row = task ? ((const struct coro_object *)task)->row : 0;
	body->flags &= ~(uint32_t)CORO__BODY_RAW;
	if (task)
		body->flags |= CORO__BODY_RAW;
}

/* coro_finished() */
static inline bool coro__finished(const struct coro_generator *body)
{
	unsigned state = body->object.state;

	return state == CORO_STATE_DONE || state == CORO_STATE_FAILED || state == CORO_STATE_CANCELLED;
}

/* coro_coroutine_named(), made at `call`: the place in the program that asked for it. */
struct coro_generator *coro__coroutine_at(coro_function *function, coro_value argument,
										  const char *name, const char *site, uintptr_t call);

/* A coroutine is handed to a task: it counts as awaited, and is freed with
 * coro__release() when the task is finished. Returns None, or raised: TypeError "a coroutine was
 * expected, got <generator NAME #3>" of anything but a coroutine. */
coro_value coro__consume(struct coro_generator *body);

/* coro_free(), from the place `site` in the program. */
void coro__free_at(struct coro_generator *body, uintptr_t site);

/* Frees a consumed coroutine that is finished, or closes it first. The other: the same, quickly
 * when it is finished. */
void coro__release(struct coro_generator *body);
void coro__release_finished(struct coro_generator *body);

/* A body that ignores that it is closed is dropped as it is, and what stands on its stack is lost.
 * From now on it is closed again instead, until it ends: its loop is being closed, nobody will resume
 * it, and what it holds is the loop's. False: no longer. */
void coro__insist(bool insists);

/* Hooks for async generators: those of the loop that runs, put in place and back. */
struct coro__hooks {
	void (*first_iterated)(struct coro_generator *generator, void *data);
	bool (*finalize)(struct coro_generator *generator, void *data);
	void *data;
};
struct coro__hooks coro__hooks_swap(struct coro__hooks hooks);

/* coro_async_step_await(), from the place `site` in the program. */
struct coro_async_step;
coro_value coro__async_step_await_at(struct coro_async_step *step, uintptr_t site);
/* coro_async_step_free() without a report. */
void coro__async_step_discard(struct coro_async_step *step);
/* A step as a value; and the coroutine that awaits it, for a task. `consumed`: it has the step freed
 * when that is over. `kept`: where its owner has the step, set to NULL when it begins; or NULL. NULL
 * when memory is out. */
bool coro__is_async_step(coro_value value);
struct coro_generator *coro__async_step_coroutine(struct coro_async_step *step, bool consumed,
												  struct coro_async_step **kept, uintptr_t site);

/* coro_next(), coro_close(), coro_anext() and coro_aclose(), likewise. A handle is checked there. */
coro_value coro__next_at(struct coro_generator *handle, uintptr_t site);
coro_value coro__close_at(struct coro_generator *body, uintptr_t site);
coro_value coro__anext_at(struct coro_generator *handle, uintptr_t site);
coro_value coro__aclose_at(struct coro_generator *handle, uintptr_t site);

/* iterator->next(), and coro_iterator_next(), likewise (iterator.c). */
coro_value coro__iterator_next_at(struct coro_iterator *iterator, uintptr_t site);
/* The generator that an iterator goes over: coro_iter(). NULL: it is another one. */
struct coro_generator *coro__iterator_generator(const struct coro_iterator *iterator);

/* "coroutine", "generator", "async generator": what error texts call it. */
const char *coro__kind_name(const struct coro_object *object);

/* ---- Tasks and futures (runtime/task) ---------------------------------- */

/* await of a task or future: its result, or raised its exception. Called in a coroutine. `site` is
 * the place of the await. In three parts: begin, which sets wait->site and wait->awaited, the
 * switch, and end. The beginning for a task looks besides whether the two wait for each other. */
struct coro_future;
coro_value coro__future_await(struct coro_future *future, uintptr_t site);
coro_value coro__future_await_begin(struct coro__wait *wait, struct coro_future *future,
									uintptr_t site);
coro_value coro__task_await_begin(struct coro__wait *wait, struct coro_future *task,
								  uintptr_t site);
coro_value coro__future_await_end(struct coro__wait *wait, coro_value sent);

/* The first of this thread's bodies, in the order of creation; NULL: there is none. */
const struct coro_generator *coro__first_body(void);

/* ---- Contexts (context_variable.c) ------------------------------------- */

/* The context that a task, a callback or a thread runs in, in one word: 0: an empty one, that nobody
 * has changed yet; a snapshot, which becomes a context of its own when it is changed; or a struct
 * coro_context. The word holds a reference. */
typedef uintptr_t coro__context;

/* Something has a context that is not 0, on this thread, or had. */
extern __thread bool coro__contexts_used __attribute__((tls_model("initial-exec")));
/* The thread's own. */
extern __thread coro__context coro__thread_context __attribute__((tls_model("initial-exec")));

/* Where the context of who runs now stands: the task's, the callback's, or the thread's
 * (runtime/loop). */
coro__context *coro__context_place(void);

/* A copy of the current context, for what is spawned or will be called. */
coro__context coro__context_snapshot_made(void) __attribute__((cold));
static inline coro__context coro__context_snapshot(void)
{
	return CORO__UNLIKELY(coro__contexts_used) ? coro__context_snapshot_made() : 0;
}

/* That context itself. */
struct coro_context;
coro__context coro__context_of(struct coro_context *context);

/* A handle of the context of a place, which gets one of its own if it has none. NULL when memory is
 * out. */
struct coro_context *coro__context_handle(coro__context *place);

/* The place ends. */
void coro__context_drop_made(coro__context *place) __attribute__((cold));
static inline void coro__context_drop(coro__context *place)
{
	if (CORO__UNLIKELY(*place))
		coro__context_drop_made(place);
}

#endif
