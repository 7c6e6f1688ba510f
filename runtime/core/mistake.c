/*
 * mistake.c - mistakes of the program that cannot be raised: what is said, and the end.
 *
 *     coroscope: lock 'jobs' #7, created at server.c:12, is used after it was freed
 *       called at server(+0x3a41), in worker
 *       in coroutine worker #9, created at server.c:40
 *
 * What is known of a stale handle depends on what became of its memory since:
 *
 *     handle's generation      slot's generation
 *             g                    g + 1, free       it was freed; what it was is still there
 *             g                    more, free        it was freed, and others after it
 *             g                    more, in use      ... and this is what is there now
 */
#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "body.h"

enum { DESCRIPTION = 256, PLACE = 192 };

/* ---- The end ----------------------------------------------------------- */

void coro__place(uintptr_t site, char *text, size_t size)
{
	/* The site is where the call returns to: the call itself stands before. */
	uintptr_t call = site - 1;
	Dl_info info = {0};
	const char *file;

	*text = 0;
	if (!site || !dladdr((void *)call, &info) || !info.dli_fname)
		return;
	file = strrchr(info.dli_fname, '/');
	snprintf(text, size, "%.60s(+0x%zx)%s%.60s", file ? file + 1 : info.dli_fname,
			 (size_t)(call - (uintptr_t)info.dli_fbase), info.dli_sname ? ", in " : "",
			 info.dli_sname ? info.dli_sname : "");
}

static const char *or_unknown(const char *text)
{
	return text ? text : "?";
}

static void __attribute__((noreturn, format(printf, 2, 0)))
end(uintptr_t site, const char *format, va_list arguments)
{
	const struct coro_generator *body = coro__active.current;
	char place[PLACE];

	fflush(stdout);
	fputs("coroscope: ", stderr);
	vfprintf(stderr, format, arguments);
	coro__place(site, place, sizeof(place));
	if (*place)
		fprintf(stderr, "\n  called at %s", place);
	if (body)
		fprintf(stderr, "\n  in %s %s #%llu, created at %s", coro__kind_name(&body->object),
				or_unknown(body->object.name), (unsigned long long)body->object.serial,
				or_unknown(body->object.creation_site));
	fputc('\n', stderr);
	abort();
}

void coro__fatal(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	end(0, format, arguments);
}

void coro__mistake(uintptr_t site, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	end(site, format, arguments);
}

/* ---- Words ------------------------------------------------------------- */

static const char *const kinds[CORO__SLOT_KINDS] = {
	[0] = "object",
#define CORO__X(number, NAME, name) [number] = #name,
	CORO_OBJECT_KINDS(CORO__X)
#undef CORO__X
		[CORO__SLOT_STEP] = "step of an async generator",
	[CORO__SLOT_COMPLETION] = "coro_as_completed",
	[CORO__SLOT_CONTEXT] = "context",
	[CORO__SLOT_CALLBACK] = "callback",
	[CORO__SLOT_GATHER] = "future",
	[CORO__SLOT_TASKLET_CHANNEL] = "channel of tasklets",
};

static const char *kind_name(unsigned kind)
{
	if (kind == CORO_OBJECT_ASYNC_GENERATOR)
		return "async generator";
	if (kind == CORO_OBJECT_GROUP)
		return "task group";
	return kind < CORO__SLOT_KINDS && kinds[kind] ? kinds[kind] : "object";
}

static bool is_object(unsigned kind)
{
	return kind < CORO_OBJECT_LIMIT || kind == CORO__SLOT_GATHER ||
		   kind == CORO__SLOT_TASKLET_CHANNEL;
}

/* "lock 'jobs' #7, created at server.c:12", of an object that is there, or was until now. */
static const char *describe(unsigned kind, const struct coro_object *object, char *text)
{
	int length = snprintf(text, DESCRIPTION, "%s", kind_name(kind));

	if (!is_object(kind))
		return text;
	if (object->name)
		length += snprintf(text + length, DESCRIPTION - (size_t)length, " '%.60s'", object->name);
	length += snprintf(text + length, DESCRIPTION - (size_t)length, " #%llu",
					   (unsigned long long)object->serial);
	if (object->creation_site)
		snprintf(text + length, DESCRIPTION - (size_t)length, ", created at %.100s",
				 object->creation_site);
	return text;
}

static const char *article(unsigned kind)
{
	return strchr("aeo", *kind_name(kind)) ? "an" : "a";
}

/* ---- Handles ----------------------------------------------------------- */

static unsigned kind_of(uint64_t key)
{
	return (uint16_t)(key >> CORO__KEY_KIND);
}

static bool accepts(unsigned kind, unsigned found)
{
	if (!found)
		return false;
	return found == kind || (kind == CORO_OBJECT_FUTURE && found == CORO_OBJECT_TASK) ||
		   (kind == CORO__SLOT_BODY &&
			(found == CORO_OBJECT_COROUTINE || found == CORO_OBJECT_ASYNC_GENERATOR)) ||
		   (!kind && is_object(found));
}

static void __attribute__((noreturn)) fail(const void *handle, unsigned kind, uintptr_t site)
{
	const struct coro_object *object = coro__address(handle);
	const struct coro__slot *slot = coro__slot_of(object);
	uint64_t generation = (uintptr_t)handle >> CORO__KEY_GENERATION, next;
	char text[DESCRIPTION];
	unsigned found, was = 0;

	if (!object)
		coro__mistake(site, "%s %s is expected, not NULL", article(kind), kind_name(kind));
	if (!coro__is_slot(slot, &was))
		coro__mistake(site, "%s %s is expected, and %p is no handle", article(kind),
					  kind_name(kind), handle);
	found = kind_of(slot->key);
	next = coro__next_key(generation << CORO__KEY_GENERATION);
	if (!generation || generation == slot->key >> CORO__KEY_GENERATION) {
		if (!accepts(kind, found))
			coro__mistake(site, "%s %s is expected, not %s", article(kind), kind_name(kind),
						  describe(found, object, text));
		coro__mistake(site, "%s, is used by another thread than its own",
					  describe(found, object, text));
	}
	if (next >> CORO__KEY_GENERATION == slot->key >> CORO__KEY_GENERATION &&
		(!found || slot->next == slot))
		coro__mistake(site, "%s, is used after it was freed",
					  describe(is_object(was) ? object->kind : was, object, text));
	if (found)
		coro__mistake(site, "%s %s is used after it was freed: in its place is now %s",
					  article(kind), kind_name(kind), describe(found, object, text));
	coro__mistake(site, "%s %s is used after it was freed, and others since", article(kind),
				  kind_name(kind));
}

void *coro__check_slowly(const void *handle, unsigned kind, uintptr_t site)
{
	void *object = coro__address(handle);
	uint64_t key;

	if (object) {
		key = coro__slot_of(object)->key;
		if ((uint32_t)key == coro__active.thread && accepts(kind, kind_of(key)) &&
			(object == handle || (key ^ (uintptr_t)handle) >> CORO__KEY_GENERATION == 0))
			return object;
	}
	fail(handle, kind, site);
}

void coro__stale(const void *handle)
{
	fail(handle, 0, CORO__CALLER);
}

struct coro_object *coro__object_of(coro_value value, uintptr_t site)
{
	struct coro_object *object = (struct coro_object *)(uintptr_t)value.pointer;
	uint64_t serial = value.tag >> CORO__TAG_SHIFT;
	char text[DESCRIPTION];

	if (CORO__UNLIKELY(coro_kind(value) != CORO_VALUE_OBJECT))
		coro__wrong_kind_at(value, CORO_VALUE_OBJECT, site);
	if (CORO__LIKELY(coro__is_alive(value)))
		return object;
	if (object->serial == serial)
		coro__mistake(site, "%s, is used after it was freed", describe(object->kind, object, text));
	if (object->magic == CORO_OBJECT_MAGIC)
		coro__mistake(site, "object #%llu is used after it was freed: in its place is now %s",
					  (unsigned long long)serial, describe(object->kind, object, text));
	coro__mistake(site, "object #%llu is used after it was freed, and others since",
				  (unsigned long long)serial);
}

struct coro_object *coro__object_here(coro_value value, uintptr_t site)
{
	struct coro_object *object = coro__object_of(value, site);
	char text[DESCRIPTION];

	if (CORO__UNLIKELY((uint32_t)coro__slot_of(object)->key != coro__active.thread))
		coro__mistake(site, "%s, is used by another thread than its own",
					  describe(object->kind, object, text));
	return object;
}

void coro__misused(const struct coro_object *object, const char *how, uintptr_t site)
{
	char text[DESCRIPTION];

	coro__mistake(site, "%s, %s", describe(object->kind, object, text), how);
}
