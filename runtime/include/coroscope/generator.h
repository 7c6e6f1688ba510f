#ifndef COROSCOPE_GENERATOR_H
#define COROSCOPE_GENERATOR_H
/*
 * generator.h - functions that stop in the middle: PEP 255, 342, 380 and 479.
 *
 *     static coro_value count_to(coro_value limit)
 *     {
 *         for (int64_t i = 1; i <= coro_as_int(limit); i++)
 *             CORO_TRY(coro_yield(coro_int(i)));
 *         return coro_str("done");
 *     }
 *
 *     CORO_AUTO struct coro_generator *numbers = coro_generator(count_to, coro_int(3));
 *     coro_value number;
 *     while (coro_iterate(numbers, &number))
 *         printf("%" PRId64 "\n", coro_as_int(number));
 *
 * A generator has a stack of its own. next, send, throw and close switch to it; yield
 * switches back, from any depth of calls. It is
 *
 *     created --next--> running --yield--> suspended --next, send, throw, close--> running
 *        |                 |
 *        +--throw, close   +--return, exception--> closed
 *
 * Invariants
 * - Creating one runs nothing.
 * - What comes up is a value: what was yielded, or something raised. The end is a raised
 *   StopIteration with the returned value.
 * - What goes down is a value too: it is what coro_yield() gives. Thrown in and closed,
 *   coro_yield() gives something raised, and a generator that does not deal with it returns
 *   it: that is what CORO_TRY does. Its cleanup is plain C.
 * - A generator that has delegated (coro_yield_from) is resumed at its innermost delegate, at
 *   the same cost whatever the depth.
 * - A generator stays on the thread that made it: another one that uses it ends the program.
 *
 * Texts of errors are CPython 3.13's.
 */
#include "exception.h"
#include "probe.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The body of a generator or coroutine. */
typedef coro_value coro_function(coro_value argument);

/* One suspended, running or finished activation of a body: a generator, or a coroutine,
 * which is the same with another kind and other words (coroutine.h).
 *
 * The fields are the library's own; they stand here because the step into a generator and
 * out of it is compiled into the program. A struct coro_generator * that the program holds is a
 * handle (handle.h), and no address. A debugger finds `object`, `sp` and `stack_base` at
 * pinned offsets from that.
 *
 * A chain of delegation, while its innermost body runs:
 *
 *      resumer     root       middle      leaf = coro__active.current
 *         |          | delegate  | delegate  |
 *         |<---------|<----------|<----------|   leaf->root = root, root->resumer_sp: where
 *         |                                  |   a yield goes
 *         +----------------root->leaf------->+   where a resume goes
 */
struct coro_generator {
	struct coro_object object;
	void *sp;         /* saved stack pointer, while it does not run */
	void *stack_base; /* the end of its stack, the highest address; NULL when it has none */

	/* Where a resume goes: itself, or its innermost delegate; NULL: to be looked up, because
	 * the chain was changed from elsewhere. */
	struct coro_generator *leaf;
	struct coro_generator *root; /* of what runs: the one of its chain that was resumed */

	/* Of a root, while its chain runs. */
	void *resumer_sp;
	struct coro_generator *resumer; /* who ran before; NULL: no coroutine */
	uintptr_t resumer_site;         /* where that one resumed it; 0: the saved frame tells */
	uint32_t resumer_row;           /* who resumes it, for events: of a task that drives it the row;
	                                   0: `resumer` */

	struct coro_generator *thrown;  /* while what was thrown into it goes on: the lowest body of its
	                                   chain then that is not finished; else NULL */

	uint32_t flags; /* CORO__BODY_* in runtime/core/core.h */
	uintptr_t site; /* while DELEGATING: where it did so */

	/* Delegation. */
	struct coro_generator *delegate;       /* while DELEGATING to a body; NULL: to none */
	struct coro_generator *delegators;     /* first of those that delegate to it */
	struct coro_generator *next_delegator; /* next of those that delegate where it does */

	coro_function *function;
	coro_value argument;
	struct coro__errors *errors;   /* exceptions made by or delivered to it, on its stack; NULL: none yet */
	void *stack;                   /* lowest address of its stack, above the guard; NULL: none */
	struct coro__stack_pool *pool; /* where the stack came from */
	struct coro_generator *previous, *next; /* on exactly one list: its thread's bodies */
	struct coro__local *local;              /* borrowed: that thread's part of the runtime */
	void *task;                             /* the library's task that drives it, or NULL */
	void *tool[2];                          /* what sanitizers and Valgrind know the stack by */
	/* Of an async generator: awaitables of it that are not freed, and who is asked when it is
	 * dropped before its end. */
	uint32_t steps;
	bool (*finalize)(struct coro_generator *generator, void *data);
	void (*forget)(struct coro_generator *generator, void *data); /* told that it is gone */
	void *finalize_data;
};
CORO__ASSERT(sizeof(void *) != 8 || __builtin_offsetof(struct coro_generator, sp) == 56,
			 "saved stack pointer");
CORO__ASSERT(sizeof(void *) != 8 || __builtin_offsetof(struct coro_generator, stack_base) == 64,
			 "stack base");

/* ---- Making and freeing (rules G1, G2, G18) ----------------------------- */

/* A generator that will run function(argument). Its name is the function's. Yours: free it
 * with coro_free() or CORO_AUTO. NULL when memory is out. */
#define coro_generator(function, argument)                                                         \
	coro_generator_named((function), (argument), #function, CORO_SITE_HERE)

/* The same with a name of its own. `name` and `site` are borrowed and must outlive it. */
CORO_API struct coro_generator *coro_generator_named(coro_function *function, coro_value argument,
													 const char *name, const char *site);

/* Frees it, and closes it before if it is suspended; what its cleanup raises goes to the report
 * handler. NULL is fine. One that is running cannot be freed: that ends the program.
 *
 * A handle that is used afterwards ends the program too, with a message that names what is known
 * of it and the place (handle.h). (rule G18) */
CORO_API void coro_free(struct coro_generator *generator);

/* Frees a generator at the end of the block that declares it:
 *     CORO_AUTO struct coro_generator *numbers = coro_generator(count_to, coro_int(3));
 * (rule G18) */
CORO_API void coro__free_at_end(struct coro_generator **generator);
#define CORO_AUTO __attribute__((cleanup(coro__free_at_end)))

/* The handle stays valid until coro_free(), even when the body is awaited or spawned meanwhile,
 * which otherwise consumes it. While another delegates to a body that is held, or a task
 * drives it, coro_free() only gives up the handle: the last to let go frees it. Once is enough.
 * Beyond Python: C counts no references. */
CORO_API void coro_hold(struct coro_generator *generator);

/* ---- From outside (PEP 342, rules G1-G13) ------------------------------- */

/* Each of these returns what the generator yields; raised: StopIteration with the returned
 * value (without memory for that: MemoryError), or the exception that left it. Of a generator that runs already: ValueError
 * "generator already executing", and it is not affected. Of one that is finished:
 * StopIteration without a value. */

/* next(generator): what it waits in gives None. Of a coroutine: TypeError. (PEP 255, rule G3) */
CORO_API coro_value coro_next(struct coro_generator *generator);

/* generator.send(value): what it waits in gives `value`. Before the first yield there is
 * nothing to give it to: TypeError "can't send non-None value to a just-started generator".
 * A raised `value` is not sent but returned, as in any other expression. (PEP 342, rules G3, G4) */
CORO_API coro_value coro_send(struct coro_generator *generator, coro_value value);

/* generator.throw(exception): what it waits in raises `exception` (raised or not). One that has
 * not started is finished without running. Of what is no exception: TypeError.
 * (PEP 342, rules G7-G9) */
CORO_API coro_value coro_throw(struct coro_generator *generator, coro_value exception);

/* generator.close(): what it waits in raises GeneratorExit. Returns what the generator returned
 * if it caught that, else None; raised: RuntimeError "generator ignored GeneratorExit" if it
 * yielded, or the exception that left it. Closing one that has not started or is finished does
 * nothing. (PEP 342, rules G10-G13) */
CORO_API coro_value coro_close(struct coro_generator *generator);

/* for value in iterable: true with the next value, false at the end; `*ret_value` is then the
 * returned value, or something raised: look at it. `iterable` is a struct coro_generator * or a struct
 * coro_iterator * (iterator.h).
 *     while (coro_iterate(numbers, &number))
 *         ...
 *     CORO_TRY(number);
 * (PEP 255, rule G3) */
#define coro_iterate(iterable, ret_value)                                                          \
	CORO__ITERATE(CORO__SOURCE(iterable), ret_value, CORO__NAME(source))

/* The same as a loop of its own, for functions that return a coro_value: what the iterable raises is
 * returned, as by CORO_TRY, so no error is lost. A returned value is. `iterable` is evaluated
 * once, and stays yours: not something made right there, which nobody would free. `break` leaves
 * it as it is: it may be iterated further, and nothing is closed.
 *     CORO_FOR (number, numbers)
 *         ...
 * (PEP 255, rule G3) */
#define CORO_FOR(value, iterable)                                                                  \
	CORO__FOR(value, CORO__SOURCE(iterable), CORO__NAME(source), CORO__NAME(once),                 \
			  CORO__NAME(more))

/* CREATED, RUNNING, SUSPENDED, or one of DONE, FAILED, CANCELLED. One that delegates is running
 * or suspended as its delegate is; an async generator is running while a step of it has begun
 * and not ended (ag_running). (inspect.getgeneratorstate, rule G1) */
CORO_API enum coro_state coro_state(const struct coro_generator *generator);

/* It will never run again. (rule G1) */
CORO_API bool coro_finished(const struct coro_generator *generator);

/* generator.gi_yieldfrom, coroutine.cr_await: whom it delegates to, or NULL. (PEP 380) */
CORO_API struct coro_generator *coro_delegate(const struct coro_generator *generator);

/* generator.__name__: borrowed, as it was given. */
CORO_API const char *coro_name(const struct coro_generator *generator);
/* "FILE:LINE" of the place that made it; NULL: not known. Borrowed. Beyond Python: for debuggers. */
CORO_API const char *coro_creation_site(const struct coro_generator *generator);

/* ---- From inside ------------------------------------------------------- */

/* yield value: gives `value` to whoever resumed, and waits. Returns what was sent, or raised what
 * was thrown. A raised `value` is not yielded but returned. Outside of a generator:
 * RuntimeError. (PEP 342, rules G3, G7) */
CORO_API coro_value coro_yield(coro_value value);

/* yield from inner: everything that is sent or thrown now goes straight to `inner`, until it
 * is finished; then its returned value, or raised what left it. `inner` is a struct
 * coro_generator *, a struct coro_iterator *, or an object value. It stays the caller's.
 * RuntimeError outside of a generator, TypeError of what cannot be iterated, ValueError of one
 * that runs. (PEP 380, rules Y1-Y6) */
CORO_API coro_value coro_yield_from(coro_value inner);

struct coro_iterator; /* iterator.h */

/* yield from iterator: None when it is at its end, or what its StopIteration holds; or raised: what
 * its `next` raised, what was thrown in, AttributeError when something was sent. It stays the
 * caller's. (PEP 380, rules Y1, Y2) */
CORO_API coro_value coro_yield_from_iterator(struct coro_iterator *iterator);

/* yield from [values...]: the same with `count` values, which are borrowed.
 * (PEP 380, rules Y1, Y2) */
CORO_API coro_value coro_yield_from_array(const coro_value *values, size_t count);

/* Who runs: the innermost generator or coroutine; NULL outside of all. Borrowed.
 * Beyond Python: a generator there does not know itself. */
CORO__INLINE struct coro_generator *coro_current(void);

/* ---- How much stack, and other choices (beyond Python: stacks of C) ----- */

struct coro_options {
	/* Bytes of stack of each body, without the guard; 0: 64 KiB. Rounded up to the size of a
	 * page. A stack that overflows ends the program, with a message that names it. */
	size_t stack_size;
	/* The control words of the floating point unit (rounding, exceptions) are then each
	 * body's own. Off, they are the thread's, as the C library's functions expect: saving them
	 * costs more than the switch itself. */
	bool own_fpu_control;
};

/* For all bodies that are made from now on, by this thread. `options` is copied. */
CORO_API void coro_set_options(const struct coro_options *options);

/* ---- Compiled into the program ----------------------------------------- */

/* Each thread's. The rest of it is the library's own. */
struct coro__active {
	struct coro_generator *current; /* innermost body that runs; NULL: none */
	uint32_t thread;                /* its number, from 1; 0: it has made nothing yet */
	/* Every switch goes through the library: a sanitizer or Valgrind wants to know of it, or
	 * control words must be saved. */
	uint32_t careful;
};
CORO_API extern __thread struct coro__active coro__active
	__attribute__((tls_model("initial-exec")));

CORO__INLINE struct coro_generator *coro_current(void)
{
	return (struct coro_generator *)coro__handle(coro__active.current);
}

/* Leaves the running stack, saving where it was in `*save_sp`, for the one saved as `sp`. There,
 * this function returns `value`. */
CORO_API coro_value coro__switch(void **save_sp, void *sp, coro_value value);

CORO__INLINE bool coro__somebody_looks(void)
{
#ifdef CORO_NO_PROBES
	return coro__active.careful;
#else
	return coro__active.careful || coro_probe_mask();
#endif
}

/* The body of a handle, if that is one of this kind; else NULL: the function in the library
 * says what is wrong. */
CORO__INLINE struct coro_generator *coro__body_of(const struct coro_generator *handle,
												  enum coro_object_kind kind)
{
	struct coro_generator *body = (struct coro_generator *)coro__address(handle);

	if (CORO__UNLIKELY(!body || coro__slot_of(body)->key !=
									coro__expected_key(handle, kind, coro__active.thread)))
		return NULL;
	return body;
}

/* The step down, but for the switch. NULL: it is not that simple, and the function in the library
 * must do it. `begins`: it may be the first step. */
CORO__INLINE struct coro_generator *coro__step_down(struct coro_generator *root, bool begins)
{
	struct coro_generator *leaf = root->leaf;

	if (CORO__UNLIKELY(!leaf ||
					   (leaf->object.state != CORO_STATE_SUSPENDED &&
						!(begins && leaf->object.state == CORO_STATE_CREATED)) ||
					   coro__somebody_looks()))
		return NULL;
	leaf->object.state = CORO_STATE_RUNNING;
	leaf->object.resumes++;
	leaf->root = root;
	root->resumer = coro__active.current;
	coro__active.current = leaf;
	return leaf;
}

/* The step up, likewise. */
CORO__INLINE struct coro_generator *coro__step_up(coro_value value)
{
	struct coro_generator *self = coro__active.current;

	if (CORO__UNLIKELY(!self || self->object.kind != CORO_OBJECT_GENERATOR ||
					   coro_kind(value) == CORO_VALUE_EXCEPTION || coro__somebody_looks()))
		return NULL;
	self->object.state = CORO_STATE_SUSPENDED;
	coro__active.current = self->root->resumer;
	return self;
}

/* A call that may wait, taken apart, so that its switch stands in the program too: `begin` does
 * what comes before it, `go_on` what comes after. Nothing then returns across a switch, which the
 * processor would predict wrongly: it predicts a return by the last call, and that was made on the
 * other stack. */
struct coro__wait {
	struct coro_generator *self; /* who waits; NULL: the call is over */
	void *sp;                    /* where the switch goes */
	/* Gets what came back, and gives the result of the call; or sets self and sp again. */
	coro_value (*go_on)(struct coro__wait *wait, coro_value sent);
	uintptr_t site;   /* of the call */
	void *object;     /* what it is about */
	void *awaited;    /* the future or coroutine that it waits for */
	coro_value value; /* what it brings */
};

/* begin(&wait, ...), and all that follows: what the call gives. */
#define CORO__WAIT(...) CORO__WAIT2(CORO__NAME(wait), CORO__NAME(given), __VA_ARGS__)
#define CORO__WAIT2(wait, given, begin, ...)                                                       \
	__extension__({                                                                                \
		struct coro__wait wait;                                                                    \
		wait.self = NULL;                                                                          \
		coro_value given = begin(&wait, __VA_ARGS__);                                              \
		CORO__WAIT_THROUGH(wait, given);                                                           \
		given;                                                                                     \
	})
/* What follows the begin, which gave `given`: that becomes what the call gives. */
#define CORO__WAIT_THROUGH(wait, given)                                                            \
	while ((wait).self) {                                                                          \
		given = coro__switch(&(wait).self->sp, (wait).sp, given);                                  \
		(wait).self = NULL;                                                                        \
		given = (wait).go_on(&(wait), given);                                                      \
	}

CORO_API bool coro__iterate_end(coro_value *value);

CORO__INLINE bool coro__iterated(coro_value outcome, coro_value *ret_value)
{
	*ret_value = outcome;
	return !coro_raised(outcome) || coro__iterate_end(ret_value);
}

/* Macros over the functions of the same names, which are there too. They are macros so that
 * the switch is the only call between the program's code on one stack and on the other, and so
 * that this call stands in the program's own line. */
#define coro_next(generator)                                                                       \
	CORO__NEXT(generator, CORO__NAME(handle), CORO__NAME(root), CORO__NAME(leaf))
#define CORO__NEXT(generator, handle, body, inner)                                                 \
	__extension__({                                                                                \
		struct coro_generator *handle = (generator);                                               \
		struct coro_generator *body = coro__body_of(handle, CORO_OBJECT_GENERATOR);                \
		struct coro_generator *inner = body ? coro__step_down(body, true) : NULL;                  \
		CORO__CALLED(inner ? coro__switch(&body->resumer_sp, inner->sp, CORO_NONE)                 \
						   : (coro_next)(handle));                                                 \
	})

#define coro_send(generator, value)                                                                \
	CORO__SEND(generator, value, CORO__NAME(handle), CORO__NAME(root), CORO__NAME(leaf),           \
			   CORO__NAME(sent))
#define CORO__SEND(generator, value, handle, body, inner, sent)                                    \
	__extension__({                                                                                \
		struct coro_generator *handle = (generator);                                               \
		coro_value sent = (value);                                                                 \
		struct coro_generator *body = coro__body_of(handle, CORO_OBJECT_GENERATOR);                \
		struct coro_generator *inner =                                                             \
			body && body->object.kind == CORO_OBJECT_GENERATOR &&                                  \
					coro_kind(sent) != CORO_VALUE_EXCEPTION                                        \
				? coro__step_down(body, false)                                                     \
				: NULL;                                                                            \
		CORO__CALLED(inner ? coro__switch(&body->resumer_sp, inner->sp, sent)                      \
						   : (coro_send)(handle, sent));                                           \
	})

#define coro_yield(value) CORO__YIELD(value, CORO__NAME(yielded), CORO__NAME(self))
#define CORO__YIELD(value, yielded, self)                                                          \
	__extension__({                                                                                \
		coro_value yielded = (value);                                                              \
		struct coro_generator *self = coro__step_up(yielded);                                      \
		CORO__CALLED(self ? coro__switch(&self->sp, self->root->resumer_sp, yielded)               \
						  : (coro_yield)(yielded));                                                \
	})

/* What can be iterated: one of the two, the other is NULL. */
struct coro__source {
	struct coro_iterator *iterator;
	struct coro_generator *generator;
};
CORO_API coro_value coro_iterator_next(struct coro_iterator *iterator);

CORO__INLINE struct coro__source coro__source(struct coro_iterator *iterator,
											  struct coro_generator *generator)
{
	struct coro__source source = {iterator, generator};
	return source;
}

#define CORO__NEXT_OF(source)                                                                      \
	((source).iterator ? CORO__CALLED((coro_iterator_next)((source).iterator))                     \
					   : coro_next((source).generator))
#define CORO__ITERATE(begin, ret_value, source)                                                    \
	__extension__({                                                                                \
		struct coro__source source = begin;                                                        \
		coro__iterated(CORO__NEXT_OF(source), (ret_value));                                        \
	})
#define CORO__FOR(value, begin, source, once, more)                                                \
	for (struct coro__source source = begin, *once = &source; once; once = NULL)                   \
		for (coro_value value; __extension__({                                                     \
				 bool more = coro__iterated(CORO__NEXT_OF(source), &value);                        \
				 if (!more)                                                                        \
					 (void)CORO_TRY(value);                                                        \
				 more;                                                                             \
			 });)

#define coro_throw(generator, exception) CORO__CALLED((coro_throw)((generator), (exception)))
#define coro_close(generator)            CORO__CALLED((coro_close)(generator))
#define coro_yield_from_array(...) CORO__CALLED((coro_yield_from_array)(__VA_ARGS__))

#ifdef __cplusplus
}
static inline struct coro__source coro__source_of(struct coro_iterator *iterator)
{
	return coro__source(iterator, NULL);
}
static inline struct coro__source coro__source_of(struct coro_generator *generator)
{
	return coro__source(NULL, generator);
}
#define CORO__SOURCE(x) coro__source_of(x)
static inline coro_value coro__yield_from_any(struct coro_iterator *iterator)
{
	return coro_yield_from_iterator(iterator);
}
static inline coro_value coro__yield_from_any(struct coro_generator *generator)
{
	return (coro_yield_from)(coro_object(generator));
}
static inline coro_value coro__yield_from_any(coro_value value)
{
	return (coro_yield_from)(value);
}
#define coro_yield_from(inner) CORO__CALLED(coro__yield_from_any(inner))
#else
/* clang-format off */
#define CORO__SOURCE(x)                                                                            \
	coro__source(_Generic((x), struct coro_iterator *: (x), struct coro_generator *: NULL),        \
				 _Generic((x), struct coro_generator *: (x), struct coro_iterator *: NULL))
#define coro_yield_from(inner)                                                      \
	CORO__CALLED(_Generic((inner), struct coro_iterator *: coro_yield_from_iterator, \
	                      coro_value: (coro_yield_from),                            \
	                      default: coro__yield_from_handle)(inner))
/* clang-format on */
CORO_API coro_value coro__yield_from_handle(const void *handle);
#endif
#endif
