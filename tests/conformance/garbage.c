/*
 * garbage.c - what CPython frees by counting, what by its collector, and what never.
 *
 * The runtime frees what it is told to. CPython frees an object when nothing refers to it, and one
 * in a ring, or that a ring holds, when the collector comes: once, when the scenario is over. What
 * the bodies do that are closed then may make new rings, or objects that last; what those hold is
 * never closed, and never reported. So here is who refers to whom, as far as bodies are concerned:
 *
 *     body       -> its frame, until that ends
 *     frame      -> local variables, what it awaits, what it handles; when it has ended: the frame
 *                   that it came back to
 *     exception  -> context, cause, value, members; its traceback: the frames that it went through
 *     step       -> its async generator, what it sends or throws
 *     list       -> items
 *
 * A ring is mostly a frame that handles an exception that came through it. `as x` leaves the
 * exception without its traceback: the oracle does that.
 */
#include <string.h>
#include "scenario.h"

enum kind { FRAME, BODY, EXCEPTION, STEP, LIST, OTHER };

struct passed {
	const struct activation *frame;
	struct passed *next;
};

struct thing {
	enum kind kind;
	const struct activation *frame; /* FRAME: it */
	coro_value value;               /* all others: it, not raised */
	const struct call *call;        /* BODY: how it began */
	coro_value generator, argument; /* STEP */
	struct passed *passed;          /* EXCEPTION: its traceback */
	bool lasts;                     /* BODY: made when all others go */
	bool cleared;                   /* the collector has, or will: it refers to nothing */
	size_t count;                   /* of references */
	struct thing *next_freed;
	bool reached;
	struct thing *next_alike; /* in a bucket */
	struct thing *next;
};

enum { BUCKETS = 1024 };
static struct thing *buckets[BUCKETS], *things, **last_thing = &things;
static bool collecting;

/* ---- Things ------------------------------------------------------------ */

static struct thing **bucket_of(const void *address)
{
	return &buckets[((uintptr_t)address >> 4) % BUCKETS];
}

static struct thing *add(enum kind kind, const void *address)
{
	struct thing *thing = keep_memory(sizeof(*thing)), **bucket = bucket_of(address);

	thing->kind = kind;
	thing->value = thing->generator = thing->argument = CORO_NONE;
	thing->next_alike = *bucket;
	*bucket = thing;
	*last_thing = thing;
	last_thing = &thing->next;
	return thing;
}

static struct thing *thing_of_frame(const struct activation *frame)
{
	struct thing *thing = *bucket_of(frame);

	while (thing && thing->frame != frame)
		thing = thing->next_alike;
	if (!thing) {
		thing = add(FRAME, frame);
		thing->frame = frame;
	}
	return thing;
}

static enum kind kind_of(coro_value value)
{
	if (coro_kind(value) == CORO_VALUE_EXCEPTION)
		return EXCEPTION;
	return is_step(value) ? STEP : list_of(value) ? LIST : OTHER;
}

static struct thing *add_value(enum kind kind, coro_value value)
{
	struct thing *thing = add(kind, value.pointer);

	thing->value = keep_error(value);
	return thing;
}

/* NULL: it refers to nothing. */
static struct thing *thing_of(coro_value value)
{
	struct thing *thing;

	if (coro_kind(value) == CORO_VALUE_EXCEPTION)
		value = coro_caught(value);
	else if (coro_kind(value) != CORO_VALUE_OBJECT && coro_kind(value) != CORO_VALUE_POINTER)
		return NULL;
	thing = *bucket_of(value.pointer);
	while (thing && (thing->frame || !coro_equal(thing->value, value)))
		thing = thing->next_alike;
	return thing ? thing : add_value(kind_of(value), value);
}

/* ---- What happens to them ---------------------------------------------- */

void note_body(const struct coro_generator *body, const struct call *call)
{
	struct thing *thing = add_value(BODY, coro_object(body));

	thing->call = call;
}

void note_step(struct coro_async_step *step, coro_value generator, coro_value argument)
{
	struct thing *thing = add_value(STEP, coro_async_step_value(step));

	thing->generator = generator;
	thing->argument = argument;
}

void lasts_for_ever(const struct coro_generator *body)
{
	thing_of(coro_object(body))->lasts = true;
}

void passes(coro_value exception, const struct activation *frame)
{
	struct thing *thing = thing_of(exception);
	struct passed *passed = keep_memory(sizeof(*passed));

	*passed = (struct passed){frame, thing->passed};
	thing->passed = passed;
}

void loses_traceback(coro_value exception)
{
	thing_of(exception)->passed = NULL;
}

bool awaits(const struct activation *one, const struct activation *other)
{
	const struct thing *thing = NULL;

	for (const struct variable *variable = one->locals; variable; variable = variable->next)
		if (!strcmp(variable->name, "(awaited)"))
			thing = thing_of(variable->value);
	return thing && thing->kind == BODY && thing->call->activation == other;
}

/* ---- Who refers to whom ------------------------------------------------ */

typedef void visitor(struct thing *thing);

static void visit_value(coro_value value, visitor *visit)
{
	struct thing *thing = thing_of(value);

	if (thing)
		visit(thing);
}

static void visit_frame(const struct activation *frame, visitor *visit)
{
	for (const struct variable *variable = frame->locals; variable; variable = variable->next)
		visit_value(variable->value, visit);
	for (const struct handled *handled = frame->handled; handled; handled = handled->outer)
		visit_value(handled->exception, visit);
	if (frame->back)
		visit(thing_of_frame(frame->back));
}

static void visit_exception(const struct thing *thing, visitor *visit)
{
	visit_value(coro_context(thing->value), visit);
	visit_value(coro_cause(thing->value), visit);
	visit_value(coro_exception_value(thing->value), visit);
	if (coro_is(thing->value, CORO_BaseExceptionGroup))
		for (size_t i = 0; i < coro_group_count(thing->value); i++)
			visit_value(coro_group_at(thing->value, i), visit);
	for (const struct passed *passed = thing->passed; passed; passed = passed->next)
		visit(thing_of_frame(passed->frame));
}

static void visit_references(const struct thing *thing, visitor *visit)
{
	const struct list *list;

	if (thing->cleared)
		return;
	switch (thing->kind) {
	case FRAME:
		visit_frame(thing->frame, visit);
		break;
	case BODY:
		if (thing->call->activation && !thing->call->activation->ended)
			visit(thing_of_frame(thing->call->activation));
		break;
	case EXCEPTION:
		visit_exception(thing, visit);
		break;
	case STEP:
		visit_value(thing->generator, visit);
		visit_value(thing->argument, visit);
		break;
	case LIST:
		list = list_of(thing->value);
		for (size_t i = 0; i < list->count; i++)
			visit_value(list->items[i], visit);
		break;
	case OTHER:
		break;
	}
}

/* ---- What can be reached ----------------------------------------------- */

static void reach(struct thing *thing)
{
	if (thing->reached)
		return;
	thing->reached = true;
	visit_references(thing, reach);
}

static void forget_reached(void)
{
	for (struct thing *thing = things; thing; thing = thing->next)
		thing->reached = false;
}

bool is_in_a_ring(const struct activation *frame)
{
	forget_reached();
	visit_frame(frame, reach);
	return thing_of_frame(frame)->reached;
}

static void reach_what_lasts(void)
{
	forget_reached();
	for (struct thing *thing = things; thing; thing = thing->next)
		if (thing->lasts)
			reach(thing);
	for (const struct variable *variable = globals; variable; variable = variable->next)
		visit_value(variable->value, reach);
}

bool is_of_what_lasts(coro_value value)
{
	const struct thing *thing = thing_of(value);

	reach_what_lasts();
	return thing && thing->reached;
}

/* ---- Counting ---------------------------------------------------------- */

static struct thing *uncounted; /* freed: what they refer to is to be counted down */

static void count_up(struct thing *thing)
{
	thing->count++;
}

static void free_if_zero(struct thing *thing)
{
	if (thing->count)
		return;
	thing->next_freed = uncounted;
	uncounted = thing;
}

static void count_down(struct thing *thing)
{
	thing->count--;
	free_if_zero(thing);
}

bool is_left_to_the_collector(coro_value value)
{
	for (struct thing *thing = things; thing; thing = thing->next)
		thing->count = 0;
	/* What it finds comes to the end of the list. */
	for (struct thing *thing = things; thing; thing = thing->next)
		visit_references(thing, count_up);
	uncounted = NULL;
	for (struct thing *thing = things; thing; thing = thing->next)
		free_if_zero(thing);
	while (uncounted) {
		struct thing *freed = uncounted;

		uncounted = freed->next_freed;
		visit_references(freed, count_down);
	}
	return thing_of(value)->count;
}

/* ---- The collector ----------------------------------------------------- */

void collection_begins(void)
{
	collecting = true;
	reach_what_lasts();
	for (struct thing *thing = things; thing; thing = thing->next)
		thing->cleared = !thing->reached && thing->kind != BODY &&
						 !(thing->kind == FRAME && !thing->frame->ended);
}

bool is_never_freed(coro_value body)
{
	if (is_of_what_lasts(body))
		return true;
	return collecting && !coro_equal(body, coro_object(being_freed)) &&
		   is_left_to_the_collector(body);
}
