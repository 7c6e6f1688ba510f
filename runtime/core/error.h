#ifndef CORO_ERROR_H
#define CORO_ERROR_H
/*
 * error.h - an exception from within: for exception.c and group.c.
 */
#include "core.h"

enum { EXCEPTION_MAGIC = 0x45584350, SITES = 12 };

struct coro_exception {
	uint32_t magic;      /* EXCEPTION_MAGIC; 0 when freed */
	uint32_t references; /* 0 only while it is being freed */
	const struct coro_exception_type *type;
	char *message;    /* in `text`, or made of the value; NULL: not made yet */
	coro_value value; /* None: no value; of another exception a reference */
	/* References. */
	struct coro_exception *cause, *context;
	struct coro_exception **group; /* `group_count` of them, owned array */
	size_t group_count;
	struct coro_exception *next_dead; /* on the list of what release() still has to free */
	bool owns_message; /* it is to be freed */
	bool suppress_context;
	bool weak_context; /* `context` is not held: it holds this one, see set_context() */
	bool immortal; /* static: never freed */
	uint8_t site_count;
	uintptr_t site[SITES];
	char text[]; /* the message, when there is a formatted one */
};

struct coro_exception *coro__error_of(coro_value value);
/* Not raised; None of NULL. */
coro_value coro__error_value(const struct coro_exception *exception);

/* A reference more, and one less; NULL is fine. */
struct coro_exception *coro__error_hold(struct coro_exception *exception);
void coro__error_release(struct coro_exception *exception);
void coro__error_replace(struct coro_exception **place, struct coro_exception *exception);
void coro__error_set_context(struct coro_exception *exception, struct coro_exception *context,
							 bool weak);

/* A new one with room for `text` bytes of message, held by the caller. When memory is out,
 * coro__error_immortal(). */
struct coro_exception *coro__error_allocate(const struct coro_exception_type *type, size_t text);

/* What stands in for an exception of this type for which there is no memory: a MemoryError, or of
 * those that closing, cancelling and loops need, one without message and value. Nothing of it may be
 * changed. */
struct coro_exception *coro__error_immortal(const struct coro_exception_type *type);

/* The body that runs keeps it, instead of the caller. As a value; and raised, with its context. */
coro_value coro__error_made(struct coro_exception *exception);
coro_value coro__error_raise(struct coro_exception *exception, uintptr_t site);

#endif
