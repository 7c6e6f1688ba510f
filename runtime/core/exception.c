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

enum { EXCEPTION_MAGIC = 0x45584350, SITES = 12 };

struct coro_exception {
	uint32_t magic;      /* EXCEPTION_MAGIC; 0 when freed */
	uint32_t references; /* 0 only while it is being freed */
	const struct coro_exception_type *type;
	char *message;    /* owned, or points to `text`; NULL: to be made of the value */
	coro_value value; /* None: no value */
	/* References. */
	struct coro_exception *cause, *context;
	struct coro_exception **group; /* `group_count` of them, owned array */
	size_t group_count;
	struct coro_exception *next_dead; /* on the list of what release() still has to free */
	bool suppress_context;
	bool immortal; /* static: never freed */
	uint8_t site_count;
	uintptr_t site[SITES];
	char text[]; /* the message, when there is a formatted one */
};

const struct coro_exception_type CORO_BaseException[1] = {{"BaseException", NULL}};
#define TYPE(name, base) const struct coro_exception_type CORO_##name[1] = {{#name, CORO_##base}};
CORO_EXCEPTION_TYPES(TYPE)
#undef TYPE

static size_t alive;

/* What is raised when there is no room for what was to be raised. */
static struct coro_exception no_memory = {
	.magic = EXCEPTION_MAGIC,
	.references = 1,
	.type = CORO_MemoryError,
	.message = (char *)"out of memory",
	.value = {CORO_VALUE_NONE, {0}},
	.immortal = true,
};

size_t coro__exceptions_alive(void);
size_t coro__exceptions_alive(void)
{
	return __atomic_load_n(&alive, __ATOMIC_RELAXED);
}

/* ---- References -------------------------------------------------------- */

static struct coro_exception *hold(struct coro_exception *exception)
{
	if (exception)
		__atomic_fetch_add(&exception->references, 1, __ATOMIC_RELAXED);
	return exception;
}

static void drop_one(struct coro_exception *exception, struct coro_exception **dead)
{
	if (!exception || exception->immortal)
		return;
	if (__atomic_fetch_sub(&exception->references, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	exception->next_dead = *dead;
	*dead = exception;
}

/* Without recursion: a chain of causes may be longer than a body's stack is deep. */
static void release(struct coro_exception *exception)
{
	struct coro_exception *dead = NULL;

	drop_one(exception, &dead);
	while (dead) {
		exception = dead;
		dead = exception->next_dead;
		drop_one(exception->cause, &dead);
		drop_one(exception->context, &dead);
		for (size_t i = 0; i < exception->group_count; i++)
			drop_one(exception->group[i], &dead);
		free(exception->group);
		if (exception->message != exception->text)
			free(exception->message);
		exception->magic = 0;
		free(exception);
		__atomic_fetch_sub(&alive, 1, __ATOMIC_RELAXED);
	}
}

static void replace(struct coro_exception **place, struct coro_exception *exception)
{
	struct coro_exception *before = *place;

	*place = hold(exception);
	release(before);
}

static coro_value as_value(const struct coro_exception *exception)
{
	if (!exception)
		return CORO_NONE;
	return coro__value_pointer(CORO_VALUE_EXCEPTION, exception);
}

static struct coro_exception *of(coro_value value)
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
		hold(of(exception));
	return exception;
}

void coro_drop(coro_value exception)
{
	if (coro_kind(exception) == CORO_VALUE_EXCEPTION)
		release(of(exception));
}

/* ---- What a body keeps ------------------------------------------------- */

static struct coro__errors **errors_place(struct coro_generator *body)
{
	return body ? &body->errors : &coro__local.errors;
}

/* NULL when memory is out: then nothing is kept, and nothing is freed either. */
static struct coro__errors *errors_of(struct coro_generator *body)
{
	struct coro__errors **place = errors_place(body);

	if (!*place) {
		if (!body)
			coro__local_init();
		*place = calloc(1, sizeof(**place));
	}
	return *place;
}

void coro__errors_free(struct coro__errors **place)
{
	struct coro__errors *errors = *place;

	if (!errors)
		return;
	*place = NULL;
	release(errors->handling);
	for (size_t i = 0; i < CORO__DELIVERED; i++)
		release(errors->delivered[i]);
	for (size_t i = 0; i < CORO__HELD; i++)
		release(errors->made[i]);
	free(errors);
}

struct coro__errors *coro__errors_save(void)
{
	struct coro__errors **place = errors_place(coro__active.current), *errors = *place;

	*place = NULL;
	return errors;
}

void coro__errors_restore(struct coro__errors *saved)
{
	struct coro__errors **place = errors_place(coro__active.current);

	coro__errors_free(place);
	*place = saved;
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
	size_t last;

	if (!errors) {
		hold(exception);
		return NULL;
	}
	last = (errors->next_delivered + CORO__DELIVERED - 1u) % CORO__DELIVERED;
	if (errors->delivered[last] != exception) {
		replace(&errors->delivered[errors->next_delivered], exception);
		errors->next_delivered = (uint8_t)((errors->next_delivered + 1u) % CORO__DELIVERED);
	}
	return errors;
}

void coro__deliver_quietly(struct coro_generator *body, coro_value raised)
{
	if (coro_raised(raised))
		keep_delivered(body, of(raised));
}

void coro__deliver_to(struct coro_generator *body, coro_value raised, uintptr_t site)
{
	struct coro_exception *exception;
	struct coro__errors *errors;

	if (!coro_raised(raised))
		return;
	exception = of(raised);
	add_site(exception, site);
	errors = keep_delivered(body, exception);
	if (errors && !ends_a_loop(exception))
		replace(&errors->handling, exception);
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
		if (body != root) {
			body = coro__delegator(root, body);
			continue;
		}
		body = root->resumer;
		root = body ? body->root : NULL;
	}
	return coro__local.errors ? coro__local.errors->handling : NULL;
}

/* _PyErr_SetObject: sets the context, and opens a ring that this would close. */
static void set_context(struct coro_exception *exception, struct coro_exception *context)
{
	struct coro_exception *link = context;

	if (!context || context == exception || exception->immortal || exception->context == context)
		return;
	hold(context);
	for (size_t depth = 1; link->context; link = link->context, depth++)
		if (link->context == exception || depth == CORO__CONTEXT_LIMIT) {
			replace(&link->context, NULL);
			break;
		}
	replace(&exception->context, context);
	release(context);
}

void coro__throw_into(struct coro_generator *body, coro_value raised)
{
	if (body->errors && body->errors->handling)
		set_context(of(raised), body->errors->handling);
	coro__deliver_to(body, raised, 0);
}

void coro_handled(void)
{
	struct coro__errors *errors = *errors_place(coro__active.current);

	if (errors)
		replace(&errors->handling, NULL);
}

coro_value coro_handling(coro_value exception)
{
	struct coro__errors *errors = errors_of(coro__active.current);
	coro_value before;

	if (!errors)
		return CORO_NONE;
	before = as_value(errors->handling);
	if (errors->handling) {
		replace(&errors->made[errors->next_made], errors->handling);
		errors->next_made = (uint8_t)((errors->next_made + 1u) % CORO__HELD);
	}
	replace(&errors->handling, coro_is_none(exception) ? NULL : of(exception));
	return before;
}

coro_value coro_handled_exception(void)
{
	return as_value(topmost(coro__active.current));
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

static struct coro_exception *allocate(const struct coro_exception_type *type, size_t text)
{
	struct coro_exception *exception = calloc(1, sizeof(*exception) + text);

	if (!exception)
		return &no_memory;
	__atomic_fetch_add(&alive, 1, __ATOMIC_RELAXED);
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
	exception = allocate(type, (size_t)length + 1);
	if (!exception->immortal) {
		vsnprintf(exception->text, (size_t)length + 1, format, arguments);
		exception->message = exception->text;
	}
	return exception;
}

static struct coro_exception *value_new(const struct coro_exception_type *type, coro_value value)
{
	struct coro_exception *exception = allocate(type, 0);

	if (!exception->immortal)
		exception->value = value;
	return exception;
}

/* The body that runs keeps what it made, instead of its maker's reference. */
static coro_value made(struct coro_exception *exception)
{
	struct coro__errors *errors = errors_of(coro__active.current);

	if (errors) {
		replace(&errors->made[errors->next_made], exception);
		errors->next_made = (uint8_t)((errors->next_made + 1u) % CORO__HELD);
		release(exception);
	}
	return as_value(exception);
}

static coro_value raise_made(struct coro_exception *exception, uintptr_t site)
{
	add_site(exception, site);
	set_context(exception, topmost(coro__active.current));
	return coro__raised_value(made(exception));
}

coro_value coro_raise_va(const struct coro_exception_type *type, const char *format,
						 va_list arguments)
{
	return raise_made(format_new(type, format, arguments), CORO__SITE);
}

coro_value(coro_raise)(const struct coro_exception_type *type, const char *format, ...)
{
	struct coro_exception *exception;
	va_list arguments;

	va_start(arguments, format);
	exception = format_new(type, format, arguments);
	va_end(arguments);
	return raise_made(exception, CORO__SITE);
}

coro_value coro_raise_value(const struct coro_exception_type *type, coro_value value)
{
	return raise_made(value_new(type, value), CORO__SITE);
}

coro_value coro_error(const struct coro_exception_type *type, const char *format, ...)
{
	struct coro_exception *exception;
	va_list arguments;

	va_start(arguments, format);
	exception = format_new(type, format, arguments);
	va_end(arguments);
	return made(exception);
}

coro_value coro_error_value(const struct coro_exception_type *type, coro_value value)
{
	return made(value_new(type, value));
}

coro_value coro__exception_new(const struct coro_exception_type *type, const char *format, ...)
{
	struct coro_exception *exception;
	va_list arguments;

	va_start(arguments, format);
	exception = format_new(type, format, arguments);
	va_end(arguments);
	return coro__raised_value(as_value(exception));
}

coro_value coro__raise_text(const struct coro_exception_type *type, const char *before,
							const char *after, uintptr_t site)
{
	size_t length = strlen(before) + strlen(after);
	struct coro_exception *exception = allocate(type, length + 1);
	coro_value raised;

	if (!exception->immortal) {
		snprintf(exception->text, length + 1, "%s%s", before, after);
		exception->message = exception->text;
	}
	raised = raise_made(exception, site);
	return site ? coro__deliver(raised, 0) : raised;
}

coro_value coro_raise_again(coro_value exception)
{
	set_context(of(exception), topmost(coro__active.current));
	return coro__raised_value(exception);
}

coro_value coro_raise_from(coro_value raised, coro_value cause)
{
	struct coro_exception *exception = of(raised);

	if (exception->immortal)
		return raised;
	exception->suppress_context = true;
	replace(&exception->cause, coro_is_none(cause) ? NULL : of(cause));
	return coro__raised_value(raised);
}

coro_value coro_raise_errno(int number)
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
	exception = allocate(type, strlen(text) + 1);
	if (!exception->immortal) {
		memcpy(exception->text, text, strlen(text) + 1);
		exception->message = exception->text;
		exception->value = coro_int(number);
	}
	return raise_made(exception, CORO__SITE);
}

coro_value coro_raise_group(const char *message, const coro_value *exceptions, size_t count)
{
	const struct coro_exception_type *type = CORO_ExceptionGroup;
	struct coro_exception *group;
	char text[256];
	int length = snprintf(text, sizeof(text), "%s (%zu sub-exception%s)", message, count,
						  count == 1 ? "" : "s");

	for (size_t i = 0; i < count; i++)
		if (!coro_is(exceptions[i], CORO_Exception))
			type = CORO_BaseExceptionGroup;
	if (length < 0 || (size_t)length >= sizeof(text))
		length = (int)sizeof(text) - 1;
	group = allocate(type, (size_t)length + 1);
	if (!group->immortal) {
		memcpy(group->text, text, (size_t)length);
		group->message = group->text;
		group->group = calloc(count ? count : 1, sizeof(struct coro_exception *));
		for (size_t i = 0; group->group && i < count; i++)
			group->group[group->group_count++] = hold(of(exceptions[i]));
	}
	return raise_made(group, CORO__SITE);
}

/* ---- Looking ----------------------------------------------------------- */

bool coro_is(coro_value value, const struct coro_exception_type *type)
{
	const struct coro_exception_type *own;

	if (coro_kind(value) != CORO_VALUE_EXCEPTION)
		return false;
	for (own = of(value)->type; own; own = own->base)
		if (own == type)
			return true;
	/* Python's ExceptionGroup has two bases. */
	return type == CORO_Exception && coro_is(value, CORO_ExceptionGroup);
}

const struct coro_exception_type *coro_exception_type(coro_value exception)
{
	return of(exception)->type;
}

const char *coro_message(coro_value value)
{
	struct coro_exception *exception = of(value);
	size_t length;

	if (exception->message)
		return exception->message;
	if (coro_is_none(exception->value))
		return "";
	/* str(StopIteration('x')) is x; str(KeyError('x')) is 'x'. */
	if (coro_kind(exception->value) == CORO_VALUE_STRING && exception->type != CORO_KeyError) {
		length = coro_length(exception->value);
		exception->message = malloc(length + 1);
		if (exception->message) {
			memcpy(exception->message, exception->value.pointer, length);
			exception->message[length] = 0;
		}
	} else {
		length = coro_format(exception->value, NULL, 0);
		exception->message = malloc(length + 1);
		if (exception->message)
			coro_format(exception->value, exception->message, length + 1);
	}
	return exception->message ? exception->message : "";
}

coro_value coro_exception_value(coro_value exception)
{
	return of(exception)->value;
}

coro_value coro_cause(coro_value exception)
{
	return as_value(of(exception)->cause);
}

coro_value coro_context(coro_value exception)
{
	return as_value(of(exception)->context);
}

bool coro_suppresses_context(coro_value exception)
{
	return of(exception)->suppress_context;
}

size_t coro_traceback(coro_value value, uintptr_t *ret_sites, size_t room)
{
	const struct coro_exception *exception = of(value);

	for (size_t i = 0; i < exception->site_count && i < room; i++)
		ret_sites[i] = exception->site[i];
	return exception->site_count;
}

size_t coro_group_count(coro_value exception)
{
	return of(exception)->group_count;
}

coro_value coro_group_at(coro_value exception, size_t index)
{
	const struct coro_exception *group = of(exception);

	return index < group->group_count ? as_value(group->group[index]) : CORO_NONE;
}

/* ---- What leaves a body ------------------------------------------------ */

coro_value coro__stop_leaked(struct coro_generator *body, coro_value raised)
{
	struct coro_exception *stop = of(raised), *error;
	char text[64];

	snprintf(text, sizeof(text), "%s raised StopIteration", coro__kind_name(&body->object));
	error = allocate(CORO_RuntimeError, strlen(text) + 1);
	if (!error->immortal) {
		memcpy(error->text, text, strlen(text) + 1);
		error->message = error->text;
		error->suppress_context = true;
		replace(&error->cause, stop);
		replace(&error->context, stop);
	}
	return coro__raised_value(made(error));
}
