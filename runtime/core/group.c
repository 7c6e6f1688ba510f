/*
 * group.c - exception groups: making, splitting, merging (PEP 654).
 *
 *     group "all"  [ E1, group "sub" [ E2, E1 ], E2 ]
 *
 *     split by E1:  match  group "all" [ E1, group "sub" [ E1 ] ]
 *                   rest   group "all" [ group "sub" [ E2 ], E2 ]
 *
 * What is cut out of a group has its message, cause and context. That is how the end of `except*`
 * knows what one of its blocks raised again from what it raised anew: the latter has the part that
 * was being handled for a context.
 */
#include <stdio.h>
#include <stdlib.h>
#include "body.h"
#include "error.h"

/* ---- Making ------------------------------------------------------------ */

/* Held by the caller. Without memory: the immortal MemoryError. */
static struct coro_exception *group_new(const char *message, size_t message_length,
										struct coro_exception *const *children, size_t count)
{
	const struct coro_exception_type *type = CORO_ExceptionGroup;
	struct coro_exception *group;
	size_t room = 2 * message_length + 64;

	for (size_t i = 0; i < count; i++)
		if (!coro_is(coro__error_value(children[i]), CORO_Exception))
			type = CORO_BaseExceptionGroup;
	group = coro__error_allocate(type, room);
	if (group->immortal)
		return group;
	/* The message alone, then as str() has it. */
	memcpy(group->text, message, message_length);
	group->value = coro_string(group->text, message_length);
	group->message = group->text + message_length + 1;
	snprintf(group->message, room - message_length - 1, "%.*s (%zu sub-exception%s)",
			 (int)message_length, message, count, count == 1 ? "" : "s");
	group->group = calloc(count ? count : 1, sizeof(*group->group));
	if (!group->group) {
		coro__error_release(group);
		return coro__error_immortal(CORO_MemoryError);
	}
	for (size_t i = 0; i < count; i++)
		group->group[group->group_count++] = coro__error_hold(children[i]);
	return group;
}

coro_value(coro_raise_group)(const char *message, const coro_value *exceptions, size_t count)
{
	return coro__raise_group_at(CORO__SITE, message, exceptions, count);
}

coro_value coro__raise_group_at(uintptr_t site, const char *message, const coro_value *exceptions,
								size_t count)
{
	struct coro_exception **children, *group;

	if (!count)
		return coro__raise_at(site, CORO_ValueError,
							  "second argument (exceptions) must be a non-empty sequence");
	children = calloc(count, sizeof(*children));
	if (!children)
		return coro__raise_at(site, CORO_MemoryError, "out of memory");
	for (size_t i = 0; i < count; i++)
		children[i] = coro__error_of(exceptions[i]);
	group = group_new(message, strlen(message), children, count);
	free(children);
	return coro__error_raise(group, site);
}

/* ---- Cutting ----------------------------------------------------------- */

/* What is wanted: exceptions of some types, or some exceptions. */
struct wanted {
	const struct coro_exception_type *const *types;
	struct coro_exception *const *exceptions;
	size_t count;
};

static bool is_wanted(struct coro_exception *exception, const struct wanted *wanted)
{
	for (size_t i = 0; i < wanted->count; i++)
		if (wanted->types ? coro_is(coro__error_value(exception), wanted->types[i])
						  : exception == wanted->exceptions[i])
			return true;
	return false;
}

static bool is_no_memory(const struct coro_exception *exception)
{
	return exception == coro__error_immortal(CORO_MemoryError);
}

/* The part of `exception` for which is_wanted() says `sense`. Held by the caller; NULL: nothing;
 * the immortal MemoryError: memory was out, *ret_failed. */
static struct coro_exception *cut(struct coro_exception *exception, const struct wanted *wanted,
								  bool sense, bool *ret_failed)
{
	struct coro_exception **parts, *part = NULL;
	size_t count = 0;

	if (is_wanted(exception, wanted))
		return sense ? coro__error_hold(exception) : NULL;
	if (!exception->group)
		return sense ? NULL : coro__error_hold(exception);
	parts = calloc(exception->group_count ? exception->group_count : 1, sizeof(*parts));
	*ret_failed |= !parts;
	for (size_t i = 0; !*ret_failed && i < exception->group_count; i++) {
		part = cut(exception->group[i], wanted, sense, ret_failed);
		if (part)
			parts[count++] = part;
	}
	part = NULL;
	if (count && !*ret_failed) {
		part = group_new(exception->value.pointer, coro_length(exception->value), parts, count);
		if (is_no_memory(part)) {
			*ret_failed = true;
		} else {
			coro__error_replace(&part->cause, exception->cause);
			coro__error_set_context(part, exception->context, false);
			part->suppress_context = true; /* as setting a cause, or none, does */
		}
	}
	while (count)
		coro__error_release(parts[--count]);
	free(parts);
	return *ret_failed ? coro__error_immortal(CORO_MemoryError) : part;
}

static coro_value kept(struct coro_exception *exception)
{
	return exception ? coro__error_made(exception) : CORO_NONE;
}

void coro_group_split(coro_value value, const struct coro_exception_type *const *types,
					  size_t count, coro_value *ret_match, coro_value *ret_rest)
{
	struct coro_exception *exception = coro__error_of(value), *match;
	const struct wanted wanted = {.types = types, .count = count};
	struct coro_exception *rest;
	bool failed = false;

	match = cut(exception, &wanted, true, &failed);
	rest = failed ? NULL : cut(exception, &wanted, false, &failed);
	if (!failed && match && !match->group) {
		struct coro_exception *alone = match;

		match = group_new("", 0, &alone, 1);
		failed = is_no_memory(match);
		coro__error_release(alone);
	}
	if (failed) {
		coro__error_release(match);
		coro__error_release(rest);
		*ret_match = CORO_NONE;
		*ret_rest = coro__raise_at(0, CORO_MemoryError, "out of memory");
		return;
	}
	*ret_match = kept(match);
	*ret_rest = kept(rest);
}

/* ---- Merging ----------------------------------------------------------- */

static bool same_origin(const struct coro_exception *one, const struct coro_exception *other)
{
	return one->group && one->cause == other->cause && one->context == other->context;
}

static size_t count_leaves(const struct coro_exception *exception)
{
	size_t count = 0;

	if (!exception->group)
		return 1;
	for (size_t i = 0; i < exception->group_count; i++)
		count += count_leaves(exception->group[i]);
	return count;
}

static void add_leaves(struct coro_exception *exception, struct coro_exception **leaves,
					   size_t *count)
{
	if (!exception->group)
		leaves[(*count)++] = exception;
	for (size_t i = 0; i < exception->group_count; i++)
		add_leaves(exception->group[i], leaves, count);
}

/* What of `whole` is in the parts that were raised again, in its own shape and order. As cut(). */
static struct coro_exception *project(struct coro_exception *whole,
									  struct coro_exception *const *parts, size_t count)
{
	struct coro_exception **leaves, *result;
	struct wanted wanted = {0};
	size_t leaf_count = 0;
	bool failed = false;

	for (size_t i = 0; i < count; i++)
		leaf_count += count_leaves(parts[i]);
	if (!leaf_count)
		return NULL;
	leaves = calloc(leaf_count, sizeof(*leaves));
	if (!leaves)
		return coro__error_immortal(CORO_MemoryError);
	wanted.exceptions = leaves;
	for (size_t i = 0; i < count; i++)
		add_leaves(parts[i], leaves, &wanted.count);
	result = cut(whole, &wanted, true, &failed);
	free(leaves);
	return result;
}

coro_value coro_group_merge(coro_value exception, const coro_value *raised, size_t count,
							coro_value rest)
{
	struct coro_exception *whole = coro__error_of(exception), **again, **anew, *part, *result;
	size_t again_count = 0, anew_count = 0;

	/* The split failed. */
	if (coro_raised(rest))
		return rest;
	if (!whole->group) {
		if (count)
			return coro__raised_value(raised[0]);
		return coro_is_none(rest) ? rest : coro__raised_value(rest);
	}
	again = calloc(2 * (count + 2), sizeof(*again));
	if (!again)
		return coro__raise_at(CORO__SITE, CORO_MemoryError, "out of memory");
	anew = again + count + 2;
	for (size_t i = 0; i < count; i++) {
		part = coro__error_of(raised[i]);
		if (same_origin(part, whole))
			again[again_count++] = part;
		else
			anew[anew_count++] = part;
	}
	if (!coro_is_none(rest))
		again[again_count++] = coro__error_of(rest);
	part = project(whole, again, again_count);
	if (!anew_count || (part && is_no_memory(part))) {
		result = part;
	} else {
		if (part)
			anew[anew_count++] = part;
		result = anew_count > 1 ? group_new("", 0, anew, anew_count) : coro__error_hold(anew[0]);
		coro__error_release(part);
	}
	free(again);
	return result ? coro__raised_value(coro__error_made(result)) : CORO_NONE;
}
