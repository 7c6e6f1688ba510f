/*
 * facts.c - what an object is like at the playhead, in words; facts.h lists it.
 *
 * Everything is asked of the World. A task that waits awaits a future that was made for it, so who
 * waits for a lock, a queue ... are the tasks behind the futures that stand in its line:
 *
 *     ann #10 ──waits on──► future #24 (put) ──for──► shelf #4
 */
#include <inttypes.h>
#include <stdlib.h>
#include <tracer/facts.h>
#include "text_private.h"

enum { NAMED = 12 }; /* of a list; the others are counted */

/* Whom the facts are told, and about whom. */
struct teller {
	struct session *session;
	const struct world *world;
	const struct world_object *object;
	facts_function *tell;
	void *context;
	struct text words;
};

static void say(struct teller *teller, const char *key, uint64_t object)
{
	teller->tell(teller->context, key, text_string(&teller->words), object);
	text_clear(&teller->words);
}

static void tell_object(struct teller *teller, const char *key, uint64_t serial)
{
	if (!serial)
		return;
	text_add_object_near(&teller->words, teller->session, serial, teller->object->changed_at);
	say(teller, key, serial);
}

static void tell_duration(struct teller *teller, const char *key, int64_t ns)
{
	text_add_duration(&teller->words, ns);
	say(teller, key, 0);
}

static void tell_rest(struct teller *teller, const char *key, size_t count)
{
	if (count <= NAMED)
		return;
	if (count > COUNTED_MOST)
		text_add(&teller->words, "more than %d more", COUNTED_MOST - NAMED);
	else
		text_add(&teller->words, "%zu more", count - NAMED);
	say(teller, key, 0);
}

/* "right #8 (lock)"; one that was told and has not run yet is "(lock, woken)". */
static void tell_waiters(struct teller *teller)
{
	uint64_t futures[NAMED];
	size_t count =
		world_waiters_most(teller->world, teller->object->serial, futures, NAMED, COUNTED_MOST + 1);

	for (size_t i = 0; i < count && i < NAMED; i++) {
		const struct world_object *future = world_find(teller->world, futures[i]);
		uint64_t who = world_waiter(teller->world, futures[i]);

		if (!future)
			continue;
		text_add_object(&teller->words, teller->session, who ? who : futures[i]);
		if (future->reason != CORO_REASON_NONE)
			text_add(&teller->words, " (%s%s)", trace_reason_name(future->reason),
					 future->state == CORO_STATE_PENDING     ? ""
					 : future->state == CORO_STATE_CANCELLED ? ", cancelled"
															 : ", woken");
		say(teller, "waiting", who ? who : futures[i]);
	}
	tell_rest(teller, "waiting", count);
}

static void tell_children(struct teller *teller, const char *key, const char *each)
{
	size_t count = world_children(teller->world, teller->object->serial, NULL, 0), over = 0;
	uint64_t *children = count ? malloc(count * sizeof(*children)) : NULL;
	size_t named = 0;

	if (count > COUNTED_MOST) {
		text_add(&teller->words, "%zu", count);
		say(teller, key, 0);
		free(children);
		return;
	}
	if (count && !children)
		return;
	world_children(teller->world, teller->object->serial, children, count);
	for (size_t i = 0; i < count; i++)
		over += world_is_over(teller->world, children[i]);
	text_add(&teller->words, "%zu/%zu%s done", over, count,
			 teller->object->unknown & WORLD_UNKNOWN_CHILDREN ? "+?" : "");
	if (teller->object->kind == CORO_OBJECT_GROUP && teller->object->state == CORO_STATE_CLOSED)
		text_add(&teller->words, ", aborting");
	say(teller, key, 0);
	for (size_t i = 0; i < count && named < NAMED; i++) {
		if (world_is_over(teller->world, children[i]))
			continue;
		tell_object(teller, each, children[i]);
		named++;
	}
	tell_rest(teller, each, count - over);
	free(children);
}

/* A number, or "?" where the debugger came too late to know. */
static void add_count(struct teller *teller, uint64_t count, unsigned flag)
{
	if (teller->object->unknown & flag)
		text_add(&teller->words, "?");
	else
		text_add(&teller->words, "%" PRIu64, count);
}

static void tell_items(struct teller *teller)
{
	add_count(teller, teller->object->length, WORLD_UNKNOWN_LENGTH);
	if (teller->object->capacity)
		text_add(&teller->words, " of %" PRIu64, teller->object->capacity);
	say(teller, "items", 0);
	if (teller->object->unfinished) {
		text_add(&teller->words, "%" PRIu64, teller->object->unfinished);
		say(teller, "unfinished", 0);
	}
	if (teller->object->children)
		tell_children(teller, "children", "child");
}

static void tell_parties(struct teller *teller)
{
	static const char *const phases[] = {
		[WORLD_DRAINING] = "draining", [WORLD_RESETTING] = "resetting", [WORLD_BROKEN] = "broken"};
	int64_t phase = teller->object->number;

	add_count(teller, teller->object->length, WORLD_UNKNOWN_LENGTH);
	text_add(&teller->words, " of ");
	add_count(teller, teller->object->capacity, WORLD_UNKNOWN_CAPACITY);
	say(teller, "parties", 0);
	if (phase < WORLD_DRAINING || phase > WORLD_BROKEN)
		return;
	text_add(&teller->words, "%s", phases[phase]);
	say(teller, "phase", 0);
}

static void tell_deadline(struct teller *teller, const struct world_object *timeout)
{
	if (timeout->unknown & WORLD_UNKNOWN_NUMBER)
		text_add(&teller->words, "?");
	else if (timeout->number == INT64_MAX)
		text_add(&teller->words, "never");
	else
		text_add_duration(&teller->words, timeout->number);
	if (timeout->state == CORO_STATE_CLOSED)
		text_add(&teller->words, ", expired");
	say(teller, "deadline", timeout == teller->object ? 0 : timeout->serial);
}

static void tell_owner(struct teller *teller)
{
	tell_object(teller, "owner", teller->object->owner);
	if (!(teller->object->unknown & WORLD_UNKNOWN_OWNER))
		return;
	text_add(&teller->words, "?");
	say(teller, "owner", 0);
}

static void tell_own(struct teller *teller)
{
	const struct world_object *object = teller->object, *timeout;

	switch (object->kind) {
	case CORO_OBJECT_TASK:
		timeout = world_find(teller->world, world_timeout(teller->world, object->serial));
		if (timeout)
			tell_deadline(teller, timeout);
		break;
	case CORO_OBJECT_LOCK:
		tell_owner(teller);
		break;
	case CORO_OBJECT_QUEUE:
	case CORO_OBJECT_CHANNEL:
		tell_items(teller);
		break;
	case CORO_OBJECT_EVENT:
		text_add(&teller->words, "%s",
				 object->unknown & WORLD_UNKNOWN_SET ? "?"
				 : object->set                       ? "set"
													 : "clear");
		say(teller, "flag", 0);
		break;
	case CORO_OBJECT_SEMAPHORE:
		add_count(teller, object->length, WORLD_UNKNOWN_LENGTH);
		say(teller, "places", 0);
		break;
	case CORO_OBJECT_CONDITION:
		tell_object(teller, "lock", object->lock);
		break;
	case CORO_OBJECT_BARRIER:
		tell_parties(teller);
		break;
	case CORO_OBJECT_GROUP:
		tell_owner(teller);
		tell_children(teller, "tasks", "task");
		break;
	case CORO_OBJECT_TIMEOUT:
		tell_deadline(teller, object);
		tell_object(teller, "owner", object->waits_on);
		break;
	case CORO_OBJECT_TIMER:
		if (!(object->unknown & WORLD_UNKNOWN_NUMBER))
			tell_duration(teller, "due", object->number);
		break;
	}
}

void facts_tell(struct session *session, const struct world_object *object, facts_function *tell,
				void *context)
{
	struct teller teller = {.session = session,
							.world = session_world(session),
							.object = object,
							.tell = tell,
							.context = context};

	tell_own(&teller);
	switch (object->kind) {
	case CORO_OBJECT_LOCK:
	case CORO_OBJECT_QUEUE:
	case CORO_OBJECT_CHANNEL:
	case CORO_OBJECT_EVENT:
	case CORO_OBJECT_SEMAPHORE:
	case CORO_OBJECT_CONDITION:
	case CORO_OBJECT_BARRIER:
	case CORO_OBJECT_DESCRIPTOR:
		tell_waiters(&teller);
		break;
	}
	text_done(&teller.words);
}

/* A line of facts, and where in the text it begins. */
struct line {
	struct text *text;
	size_t before;
};

static void add_to_line(void *context, const char *key, const char *words, uint64_t object)
{
	struct line *line = context;

	text_add(line->text, "%s%s %s", line->text->length > line->before ? ", " : "", key, words);
}

void text_add_facts(struct text *text, struct session *session, const struct world_object *object)
{
	struct line line = {text, text->length};

	facts_tell(session, object, add_to_line, &line);
}
