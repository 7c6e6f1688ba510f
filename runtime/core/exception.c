/*
 * exception.c - exceptions: types, who keeps one valid, context and cause.
 *
 * An exception is counted. Nobody who writes a program sees that: the references that count are
 * held by what a body keeps valid (struct coro__errors), by other exceptions (cause, context,
 * group), and by coro_keep().
 *
 *      body                          exception             exception
 *      delivered[0] ───────────────► ValueError  context ► KeyError
 *      delivered[1] ──► ...             ▲
 *      made[0] ─────────────────────────┘
 *      handling ──► ...
 *
 * Each of the rings replaces its oldest, so that what a body holds is bounded. So is a chain of
 * contexts: beyond CORO__CONTEXT_LIMIT the oldest is cut off, for a loop that catches an error
 * in each round and never says that it is handled would otherwise string all of them together.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "body.h"
#include "error.h"

const struct coro_exception_type CORO_BaseException[1] = {{"BaseException", NULL}};
#define TYPE(name, base) const struct coro_exception_type CORO_##name[1] = {{#name, CORO_##base}};
CORO_EXCEPTION_TYPES(TYPE)
#undef TYPE

static size_t alive;

/* What is raised when there is no room for what was to be raised: a MemoryError. But closing,
 * cancelling and the end of a loop must not fail: there is one of each of these too. */
#define IMMORTAL(name, exception_type, text)                                                       \
	static struct coro_exception name = {                                                          \
		.magic = EXCEPTION_MAGIC,                                                                  \
		.references = 1,                                                                           \
		.type = exception_type,                                                                    \
		.message = (char *)(text),                                                                 \
		.value = {CORO_VALUE_NONE, {0}},                                                           \
		.immortal = true,                                                                          \
	}
IMMORTAL(no_memory, CORO_MemoryError, "out of memory");
IMMORTAL(exit_without_memory, CORO_GeneratorExit, "");
IMMORTAL(cancelled_without_memory, CORO_CancelledError, "");
IMMORTAL(stop_without_memory, CORO_StopIteration, "");
IMMORTAL(async_stop_without_memory, CORO_StopAsyncIteration, "");
IMMORTAL(greenlet_exit_without_memory, CORO_GreenletExit, "");
IMMORTAL(tasklet_exit_without_memory, CORO_TaskletExit, "");

struct coro_exception *coro__error_immortal(const struct coro_exception_type *type)
{
	return type == CORO_GeneratorExit        ? &exit_without_memory
		   : type == CORO_CancelledError     ? &cancelled_without_memory
		   : type == CORO_StopIteration      ? &stop_without_memory
		   : type == CORO_StopAsyncIteration ? &async_stop_without_memory
		   : type == CORO_GreenletExit       ? &greenlet_exit_without_memory
		   : type == CORO_TaskletExit        ? &tasklet_exit_without_memory
											 : &no_memory;
}

size_t coro__exceptions_alive(void)
{
	return __atomic_load_n(&alive, __ATOMIC_RELAXED);
}

/* ---- References -------------------------------------------------------- */

/* A locked instruction costs more than all the rest, so it is for programs with threads. */
static void count_alive(int change)
{
	if (coro__probe_alone())
		alive += (size_t)change;
	else
		__atomic_fetch_add(&alive, (size_t)change, __ATOMIC_RELAXED);
}

struct coro_exception *coro__error_hold(struct coro_exception *exception)
{
	if (!exception)
		return NULL;
	if (coro__probe_alone())
		exception->references++;
	else
		__atomic_fetch_add(&exception->references, 1, __ATOMIC_RELAXED);
	return exception;
}

static bool is_last(struct coro_exception *exception)
{
	if (coro__probe_alone())
		return --exception->references == 0;
	return __atomic_fetch_sub(&exception->references, 1, __ATOMIC_ACQ_REL) == 1;
}

static void drop_one(struct coro_exception *exception, struct coro_exception **dead)
{
	if (!exception || exception->immortal)
		return;
	if (!is_last(exception))
		return;
	exception->next_dead = *dead;
	*dead = exception;
}

/* `exception` ends: who is in it, or its cause, and has it for a weak context, has none from now
 * on. */
static void forget_in(struct coro_exception *kept, const struct coro_exception *exception)
{
	if (!kept)
		return;
	if (kept->weak_context && kept->context == exception) {
		kept->context = NULL;
		kept->weak_context = false;
	}
	for (size_t i = 0; i < kept->group_count; i++)
		forget_in(kept->group[i], exception);
}

/* The context of an exception is another one from now on. */
void coro__error_set_context(struct coro_exception *exception, struct coro_exception *context,
							 bool weak)
{
	struct coro_exception *before = exception->weak_context ? NULL : exception->context;

	exception->context = weak ? context : coro__error_hold(context);
	exception->weak_context = weak;
	coro__error_release(before);
}

/* Without recursion: a chain of causes may be longer than a body's stack is deep. */
void coro__error_release(struct coro_exception *exception)
{
	struct coro_exception *dead = NULL;

	drop_one(exception, &dead);
	while (dead) {
		exception = dead;
		dead = exception->next_dead;
		if (CORO__UNLIKELY(coro_kind(exception->value) == CORO_VALUE_EXCEPTION))
			drop_one(coro__error_of(exception->value), &dead);
		if (exception->cause != exception) {
			forget_in(exception->cause, exception);
			drop_one(exception->cause, &dead);
		}
		if (!exception->weak_context)
			drop_one(exception->context, &dead);
		for (size_t i = 0; i < exception->group_count; i++) {
			forget_in(exception->group[i], exception);
			drop_one(exception->group[i], &dead);
		}
		free(exception->group);
		if (exception->owns_message)
			free(exception->message);
		exception->magic = 0;
		free(exception);
		count_alive(-1);
	}
}

void coro__error_replace(struct coro_exception **place, struct coro_exception *exception)
{
	struct coro_exception *before = *place;

	*place = coro__error_hold(exception);
	coro__error_release(before);
}

coro_value coro__error_value(const struct coro_exception *exception)
{
	if (!exception)
		return CORO_NONE;
	return coro__value_pointer(CORO_VALUE_EXCEPTION, exception);
}

struct coro_exception *coro__error_of(coro_value value)
{
	struct coro_exception *exception;

	coro__expect(value, CORO_VALUE_EXCEPTION);
	exception = (struct coro_exception *)(uintptr_t)value.pointer;
	if (exception->magic != EXCEPTION_MAGIC)
		coro__fatal("an exception is used that is not valid any more");
	return exception;
}

coro_value coro_keep(coro_value exception)
{
	if (coro_kind(exception) == CORO_VALUE_EXCEPTION)
		coro__error_hold(coro__error_of(exception));
	return exception;
}

void coro_drop(coro_value exception)
{
	if (coro_kind(exception) == CORO_VALUE_EXCEPTION)
		coro__error_release(coro__error_of(exception));
}

/* ---- What a body keeps ------------------------------------------------- */

static struct coro__errors **errors_place(struct coro_generator *body)
{
	return body && body->stack_base ? &body->errors : &coro__local.errors;
}

static struct coro__errors *errors_of(struct coro_generator *body)
{
	struct coro__errors **place = errors_place(body);

	if (!*place) {
		if (!body)
			coro__local_init();
		*place = place == &coro__local.errors
					 ? &coro__local.own_errors
					 : (struct coro__errors *)((char *)body->stack_base - CORO__ERRORS_ROOM);
		memset(*place, 0, sizeof(**place));
	}
	return *place;
}

void coro__errors_let_go(struct coro__errors **place)
{
	struct coro__errors *errors = *place;

	*place = NULL;
	coro__error_release(errors->handling);
	for (size_t i = 0; i < CORO__DELIVERED; i++)
		coro__error_release(errors->delivered[i]);
	for (size_t i = 0; i < CORO__HELD; i++)
		coro__error_release(errors->made[i]);
}

struct coro__errors coro__errors_save(void)
{
	struct coro__errors *errors = errors_of(coro__active.current), saved = *errors;

	memset(errors, 0, sizeof(*errors));
	/* What is being handled stays so. */
	errors->handling = coro__error_hold(saved.handling);
	return saved;
}

void coro__errors_restore(const struct coro__errors *saved)
{
	coro__errors_free(errors_place(coro__active.current));
	*errors_of(coro__active.current) = *saved;
}

static void add_site(struct coro_exception *exception, uintptr_t site)
{
	if (site && exception->site_count < SITES && !exception->immortal &&
		(!exception->site_count || exception->site[exception->site_count - 1] != site))
		exception->site[exception->site_count++] = site;
}

static bool ends_a_loop(const struct coro_exception *exception)
{
	return exception->type == CORO_StopIteration || exception->type == CORO_StopAsyncIteration;
}

static struct coro__errors *keep_delivered(struct coro_generator *body,
										   struct coro_exception *exception)
{
	struct coro__errors *errors = errors_of(body);
	size_t last = (errors->next_delivered + CORO__DELIVERED - 1u) % CORO__DELIVERED;
	if (errors->delivered[last] != exception) {
		coro__error_replace(&errors->delivered[errors->next_delivered], exception);
		errors->next_delivered = (uint8_t)((errors->next_delivered + 1u) % CORO__DELIVERED);
	}
	return errors;
}

void coro__deliver_quietly(struct coro_generator *body, coro_value raised)
{
	if (coro_raised(raised))
		keep_delivered(body, coro__error_of(raised));
}

void coro__deliver_to(struct coro_generator *body, coro_value raised, uintptr_t site)
{
	struct coro_exception *exception;
	struct coro__errors *errors;

	if (!coro_raised(raised))
		return;
	exception = coro__error_of(raised);
	add_site(exception, site);
	errors = keep_delivered(body, exception);
	if (!ends_a_loop(exception))
		coro__error_replace(&errors->handling, exception);
}

coro_value coro__deliver(coro_value raised, uintptr_t site)
{
	coro__deliver_to(coro__active.current, raised, site);
	return raised;
}

/* ---- Context ----------------------------------------------------------- */

/* _PyErr_GetTopmostException: here, or else in who waits for us. */
static struct coro_exception *topmost(struct coro_generator *body)
{
	struct coro_generator *root = body ? body->root : NULL;

	while (body) {
		if (body->errors && body->errors->handling)
			return body->errors->handling;
		if (coro__is_greenlet(body))
			return NULL;
		if (body != root) {
			body = coro__delegator(root, body);
			continue;
		}
		body = root->resumer;
		root = body ? body->root : NULL;
	}
	return coro__local.errors ? coro__local.errors->handling : NULL;
}

/* It is its cause, or in it as a group, also within another one. Neither ends before `holder`. */
static bool holds(const struct coro_exception *holder, const struct coro_exception *exception)
{
	if (holder->cause == exception)
		return true;
	for (size_t i = 0; i < holder->group_count; i++)
		if (holder->group[i] == exception ||
			(holder->group[i]->group_count && holds(holder->group[i], exception)))
			return true;
	return false;
}

/* It holds it, as far as can be told with `depth` looks into groups and causes on the way. */
static bool leads_to(const struct coro_exception *holder, const struct coro_exception *exception,
					 unsigned depth)
{
	for (; holder && depth; holder = holder->weak_context ? NULL : holder->context) {
		if (holder == exception || holds(holder, exception))
			return true;
		if (holder->cause && holder->cause != holder &&
			leads_to(holder->cause, exception, depth - 1))
			return true;
		for (size_t i = 0; i < holder->group_count; i++)
			if (leads_to(holder->group[i], exception, depth - 1))
				return true;
	}
	return false;
}

/* _PyErr_SetObject: sets the context, and opens a ring of contexts that this would close.
 *
 * CPython leaves it to its collector when the context holds the exception otherwise: a member of a
 * group that is raised again while the group is handled. Such a context is not held: it outlives
 * the exception, or tells it of its end. Where the way is longer (LOOKS) there is no context. */
static void set_context(struct coro_exception *exception, struct coro_exception *context)
{
	enum { LOOKS = 4 };
	struct coro_exception *link = context;

	if (!context || context == exception || exception->immortal || exception->context == context)
		return;
	coro__error_hold(context);
	for (size_t depth = 1; link->context; link = link->context, depth++)
		if (link->context == exception || depth == CORO__CONTEXT_LIMIT) {
			coro__error_set_context(link, NULL, false);
			break;
		}
	if (CORO__LIKELY(!leads_to(context, exception, LOOKS)))
		coro__error_set_context(exception, context, false);
	else if (holds(context, exception))
		coro__error_set_context(exception, context, true);
	coro__error_release(context);
}

void coro__chain(coro_value raised)
{
	set_context(coro__error_of(raised), topmost(coro__active.current));
}

void coro__throw_into(struct coro_generator *body, coro_value raised, uintptr_t site)
{
	if (body->errors && body->errors->handling && !(body->flags & CORO__BODY_INSIDE))
		set_context(coro__error_of(raised), body->errors->handling);
	coro__deliver_to(body, raised, site);
}

struct coro__inside coro__inside_begin(void)
{
	struct coro_generator *body = coro__active.current;
	struct coro__inside inside = {body->flags & CORO__BODY_INSIDE, CORO_NONE};

	if (body->errors && body->errors->handling)
		inside.handling = coro_keep(coro__error_value(body->errors->handling));
	body->flags |= CORO__BODY_INSIDE;
	return inside;
}

coro_value coro__inside_end(struct coro__inside inside, coro_value result)
{
	struct coro_generator *body = coro__active.current;

	if (!inside.already)
		body->flags &= ~(uint32_t)CORO__BODY_INSIDE;
	if (coro_is_none(inside.handling))
		return result;
	if (coro_raised(result) && body->root->thrown == body && !inside.already)
		set_context(coro__error_of(result), coro__error_of(inside.handling));
	coro_drop(inside.handling);
	return result;
}

static void insert_timeout(struct coro_exception *exception)
{
	for (; exception->context; exception = exception->context) {
		struct coro_exception *timeout;

		if (exception->immortal ||
			!coro_is(coro__error_value(exception->context), CORO_CancelledError))
			continue;
		timeout = coro__error_allocate(CORO_TimeoutError, 0);
		if (timeout->immortal)
			return;
		timeout->suppress_context = true;
		coro__error_replace(&timeout->cause, exception->context);
		coro__error_set_context(timeout, exception->context, false);
		coro__error_set_context(exception, timeout, false);
		coro__error_release(timeout);
		return;
	}
}

void coro__timeout_context(coro_value value)
{
	struct coro_exception *exception = coro__error_of(value);

	insert_timeout(exception);
	if (exception->type != CORO_ExceptionGroup)
		return;
	for (size_t i = 0; i < exception->group_count; i++)
		insert_timeout(exception->group[i]);
}

void coro_handled(void)
{
	struct coro__errors *errors = *errors_place(coro__active.current);

	if (errors)
		coro__error_replace(&errors->handling, NULL);
}

coro_value coro_handling(coro_value exception)
{
	struct coro__errors *errors = errors_of(coro__active.current);
	coro_value before = coro__error_value(errors->handling);

	if (errors->handling) {
		coro__error_replace(&errors->made[errors->next_made], errors->handling);
		errors->next_made = (uint8_t)((errors->next_made + 1u) % CORO__HELD);
	}
	coro__error_replace(&errors->handling,
						coro_is_none(exception) ? NULL : coro__error_of(exception));
	return before;
}

coro_value coro_handled_exception(void)
{
	return coro__error_value(topmost(coro__active.current));
}

struct coro__block coro__except(coro_value value, const struct coro_exception_type *type)
{
	struct coro__block block = {false, CORO_NONE};

	if (!coro_is(value, type))
		return block;
	block.inside = true;
	block.before = coro_handling(coro_caught(value));
	/* That it was delivered made it the one that is handled; before it there was none. */
	if (block.before.pointer == value.pointer)
		block.before = CORO_NONE;
	return block;
}

struct coro__block coro__except_end(struct coro__block block)
{
	coro_handling(block.before);
	block.inside = false;
	return block;
}

/* ---- Making ------------------------------------------------------------ */

struct coro_exception *coro__error_allocate(const struct coro_exception_type *type, size_t text)
{
	/* malloc() has the memory at hand that was freed last, calloc() searches for some. */
	struct coro_exception *exception = malloc(sizeof(*exception) + text);

	if (!exception)
		return coro__error_immortal(type);
	memset(exception, 0, offsetof(struct coro_exception, site));
	memset(exception->text, 0, text);
	count_alive(1);
	exception->magic = EXCEPTION_MAGIC;
	exception->references = 1;
	exception->type = type;
	exception->value = CORO_NONE;
	return exception;
}

static struct coro_exception *format_new(const struct coro_exception_type *type, const char *format,
										 va_list arguments) __attribute__((format(printf, 2, 0)));

static struct coro_exception *format_new(const struct coro_exception_type *type, const char *format,
										 va_list arguments)
{
	struct coro_exception *exception;
	va_list again;
	int length;

	va_copy(again, arguments);
	length = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (length < 0)
		length = 0;
	exception = coro__error_allocate(type, (size_t)length + 1);
	if (!exception->immortal) {
		vsnprintf(exception->text, (size_t)length + 1, format, arguments);
		exception->message = exception->text;
	}
	return exception;
}

/* The same of the arguments after `format`. */
#define FORMAT_NEW(type, format)                                                                   \
	__extension__({                                                                                \
		va_list arguments;                                                                         \
		va_start(arguments, format);                                                               \
		struct coro_exception *formatted = format_new(type, format, arguments);                    \
		va_end(arguments);                                                                         \
		formatted;                                                                                 \
	})

static struct coro_exception *value_new(const struct coro_exception_type *type, coro_value value)
{
	struct coro_exception *exception = coro__error_allocate(type, 0);

	if (!exception->immortal)
		exception->value = coro__keep(value);
	else if (ends_a_loop(exception) && !coro_is_none(value))
		return &no_memory; /* the result would be lost */
	return exception;
}

/* The body that runs keeps what it made, instead of its maker's reference. */
coro_value coro__error_made(struct coro_exception *exception)
{
	struct coro__errors *errors = errors_of(coro__active.current);

	coro__error_replace(&errors->made[errors->next_made], exception);
	errors->next_made = (uint8_t)((errors->next_made + 1u) % CORO__HELD);
	coro__error_release(exception);
	return coro__error_value(exception);
}

coro_value coro__error_raise(struct coro_exception *exception, uintptr_t site)
{
	add_site(exception, site);
	set_context(exception, topmost(coro__active.current));
	return coro__raised_value(coro__error_made(exception));
}

coro_value coro_raise_va(const struct coro_exception_type *type, const char *format,
						 va_list arguments)
{
	return coro__error_raise(format_new(type, format, arguments), CORO__SITE);
}

coro_value(coro_raise)(const struct coro_exception_type *type, const char *format, ...)
{
	return coro__error_raise(FORMAT_NEW(type, format), CORO__SITE);
}

coro_value(coro_raise_value)(const struct coro_exception_type *type, coro_value value)
{
	return coro__error_raise(value_new(type, value), CORO__SITE);
}

coro_value coro__raise_at(uintptr_t site, const struct coro_exception_type *type,
						  const char *format, ...)
{
	return coro__error_raise(FORMAT_NEW(type, format), site);
}

coro_value coro__raise_value_at(uintptr_t site, const struct coro_exception_type *type,
								coro_value value)
{
	return coro__error_raise(value_new(type, value), site);
}

coro_value coro_error(const struct coro_exception_type *type, const char *format, ...)
{
	return coro__error_made(FORMAT_NEW(type, format));
}

coro_value coro_error_value(const struct coro_exception_type *type, coro_value value)
{
	return coro__error_made(value_new(type, value));
}

coro_value coro__exception_new(const struct coro_exception_type *type, const char *format, ...)
{
	return coro__raised_value(coro__error_value(FORMAT_NEW(type, format)));
}

/* Nobody but one ring has it, and it is as value_new() made it: it may become another. */
static bool is_only_kept(const struct coro_exception *exception)
{
	return exception && exception->type == CORO_StopIteration && exception->references == 1 &&
		   !exception->message && !exception->context && !exception->suppress_context;
}

/* The end of most loops: where the receiver's ring would now let go of such an exception, that one
 * is used again. */
coro_value coro__stop_deliver_to(struct coro_generator *body, coro_value result, uintptr_t site)
{
	struct coro__errors *errors = errors_of(body);
	struct coro_exception *stop = errors ? errors->delivered[errors->next_delivered] : NULL;
	coro_value raised;

	if (CORO__LIKELY(is_only_kept(stop))) {
		coro__keep(result);
		coro__drop(stop->value);
		stop->value = result;
		stop->site_count = 0;
		set_context(stop, topmost(body));
		add_site(stop, site);
		errors->next_delivered = (uint8_t)((errors->next_delivered + 1u) % CORO__DELIVERED);
		return coro__raised_value(coro__error_value(stop));
	}
	stop = value_new(CORO_StopIteration, result);
	set_context(stop, topmost(body));
	raised = coro__raised_value(coro__error_value(stop));
	coro__deliver_to(body, raised, site);
	coro_drop(raised);
	return raised;
}

coro_value coro__raise_text(const struct coro_exception_type *type, const char *before,
							const char *after, uintptr_t site)
{
	size_t length = strlen(before) + strlen(after);
	struct coro_exception *exception = coro__error_allocate(type, length + 1);
	coro_value raised;

	if (!exception->immortal) {
		snprintf(exception->text, length + 1, "%s%s", before, after);
		exception->message = exception->text;
	}
	raised = coro__error_raise(exception, site);
	return site ? coro__deliver(raised, 0) : raised;
}

coro_value coro_raise_again(coro_value exception)
{
	coro__chain(exception);
	return coro__raised_value(exception);
}

/* A cause that has the exception itself for its context or cause is a ring, which CPython leaves to
 * its collector: the context is not held then, as in set_context(), nor is an exception by itself.
 */
static void set_cause(struct coro_exception *exception, struct coro_exception *cause)
{
	enum { LOOKS = 4 };
	struct coro_exception *before = exception->cause;

	forget_in(before, exception);
	if (cause && cause != exception) {
		if (cause->context == exception)
			coro__error_set_context(cause, exception, true);
		if (leads_to(cause, exception, LOOKS))
			cause = NULL;
	}
	exception->cause = cause == exception ? cause : coro__error_hold(cause);
	if (before != exception)
		coro__error_release(before);
}

coro_value coro_raise_from(coro_value raised, coro_value cause)
{
	struct coro_exception *exception = coro__error_of(raised);

	if (!coro_is_none(cause) && coro_kind(cause) != CORO_VALUE_EXCEPTION)
		return coro__raise_at(0, CORO_TypeError, "exception causes must derive from BaseException");
	if (exception->immortal)
		return raised;
	exception->suppress_context = true;
	set_cause(exception, coro_is_none(cause) ? NULL : coro__error_of(cause));
	return coro__raised_value(raised);
}

coro_value(coro_raise_errno)(int number)
{
	return coro__raise_errno_at(CORO__SITE, number);
}

coro_value coro__raise_errno_at(uintptr_t site, int number)
{
	static const struct {
		int number;
		const struct coro_exception_type *type;
	} types[] = {
		{EAGAIN, CORO_BlockingIOError},
		{EALREADY, CORO_BlockingIOError},
		{EINPROGRESS, CORO_BlockingIOError},
		{ECHILD, CORO_ChildProcessError},
		{EPIPE, CORO_BrokenPipeError},
		{ESHUTDOWN, CORO_BrokenPipeError},
		{ECONNABORTED, CORO_ConnectionAbortedError},
		{ECONNREFUSED, CORO_ConnectionRefusedError},
		{ECONNRESET, CORO_ConnectionResetError},
		{EEXIST, CORO_FileExistsError},
		{ENOENT, CORO_FileNotFoundError},
		{EINTR, CORO_InterruptedError},
		{EISDIR, CORO_IsADirectoryError},
		{ENOTDIR, CORO_NotADirectoryError},
		{EACCES, CORO_PermissionError},
		{EPERM, CORO_PermissionError},
		{ESRCH, CORO_ProcessLookupError},
		{ETIMEDOUT, CORO_TimeoutError},
	};
	const struct coro_exception_type *type = CORO_OSError;
	char buffer[128], text[192];
	struct coro_exception *exception;

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (types[i].number == number)
			type = types[i].type;
	snprintf(text, sizeof(text), "[Errno %d] %s", number,
			 strerror_r(number, buffer, sizeof(buffer)));
	exception = coro__error_allocate(type, strlen(text) + 1);
	if (!exception->immortal) {
		memcpy(exception->text, text, strlen(text) + 1);
		exception->message = exception->text;
		exception->value = coro_int(number);
	}
	return coro__error_raise(exception, site);
}

/* ---- Looking ----------------------------------------------------------- */

bool coro_is(coro_value value, const struct coro_exception_type *type)
{
	const struct coro_exception_type *own;

	if (coro_kind(value) != CORO_VALUE_EXCEPTION)
		return false;
	for (own = coro__error_of(value)->type; own; own = own->base)
		if (own == type)
			return true;
	/* Python's ExceptionGroup has two bases. */
	return type == CORO_Exception && coro_is(value, CORO_ExceptionGroup);
}

const struct coro_exception_type *coro_exception_type(coro_value exception)
{
	return coro__error_of(exception)->type;
}

const char *coro_message(coro_value value)
{
	struct coro_exception *exception = coro__error_of(value);
	size_t length;

	if (exception->message)
		return exception->message;
	if (coro_is_none(exception->value))
		return "";
	/* str(StopIteration('x')) is x; str(KeyError('x')) is 'x'. */
	if (coro_kind(exception->value) == CORO_VALUE_STRING && exception->type != CORO_KeyError) {
		length = coro_length(exception->value);
		exception->message = malloc(length + 1);
		exception->owns_message = true; /* if there is any: else it is tried again */
		if (exception->message) {
			memcpy(exception->message, exception->value.pointer, length);
			exception->message[length] = 0;
		}
	} else {
		length = coro_format(exception->value, NULL, 0);
		exception->message = malloc(length + 1);
		exception->owns_message = true;
		if (exception->message)
			coro_format(exception->value, exception->message, length + 1);
	}
	return exception->message ? exception->message : "";
}

coro_value coro_exception_value(coro_value exception)
{
	return coro__error_of(exception)->value;
}

coro_value coro_cause(coro_value exception)
{
	return coro__error_value(coro__error_of(exception)->cause);
}

coro_value coro_context(coro_value exception)
{
	return coro__error_value(coro__error_of(exception)->context);
}

bool coro_suppresses_context(coro_value exception)
{
	return coro__error_of(exception)->suppress_context;
}

size_t coro_traceback(coro_value value, uintptr_t *ret_sites, size_t room)
{
	const struct coro_exception *exception = coro__error_of(value);

	for (size_t i = 0; i < exception->site_count && i < room; i++)
		ret_sites[i] = exception->site[i];
	return exception->site_count;
}

size_t coro_group_count(coro_value exception)
{
	return coro__error_of(exception)->group_count;
}

coro_value coro_group_at(coro_value exception, size_t index)
{
	const struct coro_exception *group = coro__error_of(exception);

	return index < group->group_count ? coro__error_value(group->group[index]) : CORO_NONE;
}

/* ---- What leaves a body ------------------------------------------------ */

bool coro__may_not_leave(const struct coro_generator *body, coro_value result)
{
	return coro_is(result, CORO_StopIteration) ||
		   (body->object.kind == CORO_OBJECT_ASYNC_GENERATOR &&
			coro_is(result, CORO_StopAsyncIteration));
}

coro_value coro__stop_leaked(struct coro_generator *body, coro_value raised)
{
	return coro__stop_left(coro__kind_name(&body->object), raised);
}

coro_value coro__stop_suspended(coro_value raised)
{
	struct coro_generator *body = coro__active.current;
	struct coro_exception *stop = coro__error_of(raised);
	struct coro_exception *handling = body->errors ? body->errors->handling : NULL;

	/* It was thrown into that generator, where nothing is handled; its error then into the body. */
	if (handling && stop->context == handling)
		coro__error_set_context(stop, NULL, false);
	raised = coro__stop_left("generator", raised);
	set_context(coro__error_of(raised), handling);
	return raised;
}

coro_value coro__stop_left(const char *kind, coro_value raised)
{
	struct coro_exception *stop = coro__error_of(raised), *error;
	char text[64];

	snprintf(text, sizeof(text), "%s raised %s", kind,
			 coro_is(raised, CORO_StopIteration) ? "StopIteration" : "StopAsyncIteration");
	error = coro__error_allocate(CORO_RuntimeError, strlen(text) + 1);
	if (!error->immortal) {
		memcpy(error->text, text, strlen(text) + 1);
		error->message = error->text;
		error->suppress_context = true;
		coro__error_replace(&error->cause, stop);
		coro__error_set_context(error, stop, false);
	}
	return coro__raised_value(coro__error_made(error));
}
