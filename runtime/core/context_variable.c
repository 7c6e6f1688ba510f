/*
 * context_variable.c - context variables: places, contexts, and the values that they share.
 *
 * What runs has a place for its context: a word in the task, in the callback, in the thread.
 *
 *     place of a task   0          empty; nothing is allocated
 *                       values|1   a snapshot: shared with others, to be left alone
 *                       context    one that was changed here, or that somebody has a handle of
 *
 *     place ──► context ──► values [ variable, value | variable, value | ... ]
 *               context ──►   ▲
 *     place ──────────────────┘ |1
 *
 * Copying a context gives a snapshot: one more reference to its values. Values that have several
 * references are never changed: who changes them takes a copy first. A snapshot that is changed
 * becomes a context, for a token must be able to say where it was made; nobody else can tell.
 *
 * coro_context_run() puts its context in the place of who runs, and what was there before
 * below it, in the context, for as long as the function takes:
 *
 *     place ──► inner ──outer──► outer ──outer──► what the task has
 */
#include <stdio.h>
#include <stdlib.h>
#include <coroscope/context_variable.h>
#include "body.h"

enum { SNAPSHOT = 1, ROOM = 4 };

__thread bool coro__contexts_used __attribute__((tls_model("initial-exec")));
__thread coro__context coro__thread_context __attribute__((tls_model("initial-exec")));

struct binding {
	struct coro_context_variable *variable; /* a reference */
	coro_value value;                       /* kept */
};

struct values {
	uint32_t references;
	uint32_t count, room;
	struct binding at[]; /* in the order in which they were first set */
};

struct coro_context {
	uint32_t references;   /* handles, places */
	uint64_t serial;       /* never used again: for tokens and texts */
	struct values *values; /* a reference; NULL: none */
	/* While coro_context_run() is in it. */
	coro__context *holder; /* the place; NULL: it is in none, or that has ended */
	coro__context outer;   /* what is below it there; holds the reference */
};

/* ---- Values ------------------------------------------------------------ */

static void hold_variable(struct coro_context_variable *variable)
{
	if (variable->made)
		__atomic_fetch_add(&variable->references, 1, __ATOMIC_RELAXED);
}

static void release_variable(struct coro_context_variable *variable)
{
	if (!variable->made || __atomic_fetch_sub(&variable->references, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	coro_drop(variable->default_value);
	free(variable);
}

static void values_release(struct values *values)
{
	if (!values || --values->references)
		return;
	for (uint32_t i = 0; i < values->count; i++) {
		coro_drop(values->at[i].value);
		release_variable(values->at[i].variable);
	}
	free(values);
}

static struct binding *find(const struct values *values,
							const struct coro_context_variable *variable)
{
	for (uint32_t i = 0; values && i < values->count; i++)
		if (values->at[i].variable == variable)
			return (struct binding *)(uintptr_t)&values->at[i];
	return NULL;
}

/* Makes *place the only reference to its values, with room for one more. False when memory is
 * out: nothing has changed then. */
static bool values_own(struct values **place)
{
	struct values *values = *place, *copy;
	uint32_t count = values ? values->count : 0, room = ROOM;

	if (values && values->references == 1 && count < values->room)
		return true;
	while (room <= count)
		room *= 2;
	copy = malloc(sizeof(*copy) + room * sizeof(copy->at[0]));
	if (!copy)
		return false;
	copy->references = 1;
	copy->count = count;
	copy->room = room;
	for (uint32_t i = 0; i < count; i++) {
		copy->at[i] = values->at[i];
		coro_keep(copy->at[i].value);
		hold_variable(copy->at[i].variable);
	}
	values_release(values);
	*place = copy;
	return true;
}

static void values_set(struct values *values, struct coro_context_variable *variable,
					   coro_value value)
{
	struct binding *binding = find(values, variable);
	coro_value before = binding ? binding->value : CORO_NONE;

	if (!binding) {
		binding = &values->at[values->count++];
		binding->variable = variable;
		hold_variable(variable);
	}
	binding->value = coro_keep(value);
	coro_drop(before);
}

static void values_delete(struct values *values, struct coro_context_variable *variable)
{
	struct binding *binding = find(values, variable), gone;

	if (!binding)
		return;
	gone = *binding;
	for (; binding + 1 < values->at + values->count; binding++)
		binding[0] = binding[1];
	values->count--;
	coro_drop(gone.value);
	release_variable(gone.variable);
}

/* ---- Contexts and places ----------------------------------------------- */

static struct coro_context *context_in(coro__context word)
{
	return word & SNAPSHOT ? NULL : (struct coro_context *)word;
}

static struct values *values_in(coro__context word)
{
	if (word & SNAPSHOT)
		return (struct values *)(word - SNAPSHOT);
	return word ? context_in(word)->values : NULL;
}

/* One with these values, whose reference it takes. Has one reference. */
static struct coro_context *context_new(struct values *values)
{
	static uint64_t serials; /* of all threads: a token may end up in another */
	struct coro_context *context;

	coro__local_init();
	context = coro__slot_take(CORO__SLOT_CONTEXT, sizeof(*context));
	if (!context)
		return NULL;
	*context = (struct coro_context){1, __atomic_add_fetch(&serials, 1, __ATOMIC_RELAXED), values,
									 NULL, 0};
	coro__contexts_used = true;
	return context;
}

static struct values *values_share(struct values *values)
{
	if (!values || !values->count)
		return NULL;
	values->references++;
	return values;
}

static coro__context snapshot(struct values *values)
{
	values = values_share(values);
	return values ? (coro__context)values + SNAPSHOT : 0;
}

coro__context coro__context_snapshot_made(void)
{
	return snapshot(values_in(*coro__context_place()));
}

coro__context coro__context_of(struct coro_context *context)
{
	context->references++;
	return (coro__context)context;
}

static void context_release(struct coro_context *context)
{
	if (--context->references)
		return;
	values_release(context->values);
	coro__slot_give(CORO__SLOT_CONTEXT, context);
}

/* Gives back what a word holds. */
static void release(coro__context word)
{
	if (word & SNAPSHOT)
		values_release(values_in(word));
	else if (word)
		context_release(context_in(word));
}

void coro__context_drop_made(coro__context *place)
{
	coro__context word = *place;
	struct coro_context *context = context_in(word);

	*place = 0;
	while (context && context->holder == place) {
		coro__context outer = context->outer;

		context->holder = NULL;
		context->outer = 0;
		release(word);
		word = outer;
		context = context_in(word);
	}
	release(word);
}

/* The context in a place, which becomes one if it is not. NULL when memory is out. */
static struct coro_context *own_context(coro__context *place)
{
	struct coro_context *context = context_in(*place);

	if (context)
		return context;
	context = context_new(values_in(*place));
	if (context)
		*place = (coro__context)context;
	return context;
}

struct coro_context *coro__context_handle(coro__context *place)
{
	struct coro_context *context = own_context(place);

	if (context)
		context->references++;
	return coro__handle(context);
}

struct coro_context *coro_context_new(void)
{
	return coro__handle(context_new(NULL));
}

static struct coro_context *copy_of(struct values *values)
{
	struct coro_context *context;

	values = values_share(values);
	context = context_new(values);
	if (!context)
		values_release(values);
	return coro__handle(context);
}

struct coro_context *coro_copy_context(void)
{
	return copy_of(values_in(*coro__context_place()));
}

struct coro_context *coro_context_copy(const struct coro_context *context)
{
	CORO__CHECK(context, CORO__SLOT_CONTEXT);
	return copy_of(context->values);
}

struct coro_context *coro_context_current(void)
{
	return coro__context_handle(coro__context_place());
}

void coro_context_free(struct coro_context *context)
{
	CORO__CHECK_UNLESS_NULL(context, CORO__SLOT_CONTEXT);
	if (context)
		context_release(context);
}

/* ---- Looking into a context -------------------------------------------- */

coro_value coro_context_get(const struct coro_context *context,
							const struct coro_context_variable *variable, coro_value otherwise)
{
	const struct binding *binding;

	CORO__CHECK(context, CORO__SLOT_CONTEXT);
	binding = find(context->values, variable);
	return binding ? binding->value : otherwise;
}

bool coro_context_contains(const struct coro_context *context,
						   const struct coro_context_variable *variable)
{
	CORO__CHECK(context, CORO__SLOT_CONTEXT);
	return find(context->values, variable);
}

size_t coro_context_length(const struct coro_context *context)
{
	CORO__CHECK(context, CORO__SLOT_CONTEXT);
	return context->values ? context->values->count : 0;
}

bool coro_context_at(const struct coro_context *context, size_t index,
					 struct coro_context_variable **ret_variable, coro_value *ret_value)
{
	CORO__CHECK(context, CORO__SLOT_CONTEXT);
	if (!context->values || index >= context->values->count)
		return false;
	if (ret_variable)
		*ret_variable = context->values->at[index].variable;
	if (ret_value)
		*ret_value = context->values->at[index].value;
	return true;
}

/* ---- Running in one ---------------------------------------------------- */

static bool is_entered(const struct coro_context *context, coro__context current)
{
	const struct coro_context *at = context_in(current);

	if (context->holder)
		return true;
	while (at && at != context && at->holder)
		at = context_in(at->outer);
	return at == context;
}

/* Takes it out of its place: false when it was not the current one there. */
static bool leave(struct coro_context *context)
{
	coro__context *link = context->holder;
	bool current;

	if (!link)
		return true;
	current = context_in(*link) == context;
	while (context_in(*link) != context)
		link = &context_in(*link)->outer;
	*link = context->outer;
	context->holder = NULL;
	context->outer = 0;
	context_release(context);
	return current;
}

coro_value(coro_context_run)(struct coro_context *context, coro_function *function,
							 coro_value argument)
{
	coro__context *place = coro__context_place();
	coro_value result;

	CORO__CHECK(context, CORO__SLOT_CONTEXT);
	if (is_entered(context, *place))
		return coro__raise_at(
			CORO__SITE, CORO_RuntimeError,
			"cannot enter context: <_contextvars.Context object #%llu> is already entered",
			(unsigned long long)context->serial);
	context->references += 2; /* the place's, and ours */
	context->holder = place;
	context->outer = *place;
	*place = (coro__context)context;
	result = function(argument);
	if (!leave(context))
		result = coro__raise_at(
			CORO__SITE, CORO_RuntimeError,
			"cannot exit context: thread state references a different context object");
	context_release(context);
	return result;
}

/* ---- Variables --------------------------------------------------------- */

static struct coro_context_variable *variable_new(const char *name, bool has_default,
												  coro_value value)
{
	struct coro_context_variable *variable = malloc(sizeof(*variable));

	if (variable)
		*variable = (struct coro_context_variable){name, has_default, true, 1, coro_keep(value)};
	return variable;
}

struct coro_context_variable *coro_context_variable_new(const char *name)
{
	return variable_new(name, false, CORO_NONE);
}

struct coro_context_variable *coro_context_variable_new_default(const char *name, coro_value value)
{
	return variable_new(name, true, value);
}

void coro_context_variable_free(struct coro_context_variable *variable)
{
	if (variable)
		release_variable(variable);
}

/* repr(), without the address. */
static void describe(const struct coro_context_variable *variable, char *text, size_t size)
{
	char name[64], value[64];

	coro_format(coro_str(variable->name), name, sizeof(name));
	if (variable->has_default)
		coro_format(variable->default_value, value, sizeof(value));
	snprintf(text, size, "<ContextVar name=%s%s%s>", name, variable->has_default ? " default=" : "",
			 variable->has_default ? value : "");
}

static bool look_up(const struct coro_context_variable *variable, coro_value *ret_value)
{
	const struct binding *binding = find(values_in(*coro__context_place()), variable);

	if (binding)
		*ret_value = binding->value;
	return binding;
}

coro_value(coro_context_variable_get)(const struct coro_context_variable *variable)
{
	coro_value value = variable->default_value;
	char text[160];

	if (look_up(variable, &value) || variable->has_default)
		return value;
	describe(variable, text, sizeof(text));
	return coro__raise_at(CORO__SITE, CORO_LookupError, "%s", text);
}

coro_value coro_context_variable_get_or(const struct coro_context_variable *variable,
										coro_value otherwise)
{
	look_up(variable, &otherwise);
	return otherwise;
}

coro_value(coro_context_variable_set)(struct coro_context_variable *variable, coro_value value,
									  struct coro_context_token *ret_token)
{
	struct coro_context *context;
	const struct binding *before;

	if (coro_raised(value))
		return value;
	context = own_context(coro__context_place());
	if (!context || !values_own(&context->values))
		return coro__raise_at(CORO__SITE, CORO_MemoryError, "out of memory");
	before = find(context->values, variable);
	if (ret_token)
		*ret_token = (struct coro_context_token){variable, context->serial,
												 before ? before->value : CORO_NONE, before, false};
	values_set(context->values, variable, value);
	return CORO_NONE;
}

static coro_value refuse(const struct coro_context_token *token,
						 const struct coro_exception_type *type, const char *why, uintptr_t site)
{
	char text[160] = "<ContextVar>";

	if (token->variable)
		describe(token->variable, text, sizeof(text));
	return coro__raise_at(site, type, "<Token%s var=%s> %s", token->used ? " used" : "", text, why);
}

coro_value(coro_context_variable_reset)(struct coro_context_variable *variable,
										struct coro_context_token *token)
{
	struct coro_context *context = context_in(*coro__context_place());

	if (token->used)
		return refuse(token, CORO_RuntimeError, "has already been used once", CORO__SITE);
	if (token->variable != variable)
		return refuse(token, CORO_ValueError, "was created by a different ContextVar", CORO__SITE);
	if (!context || token->context != context->serial)
		return refuse(token, CORO_ValueError, "was created in a different Context", CORO__SITE);
	if (!values_own(&context->values))
		return coro__raise_at(CORO__SITE, CORO_MemoryError, "out of memory");
	token->used = true;
	if (token->was_set)
		values_set(context->values, variable, token->old_value);
	else
		values_delete(context->values, variable);
	return CORO_NONE;
}
