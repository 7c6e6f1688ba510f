/*
 * greenlet.c - greenlets: switching between stacks that have no order, and parents.
 *
 * A greenlet is a body as others are, with a control block and a stack, that nobody resumes: who
 * switches to it stays where it is. What runs in a greenlet is its own function, and whatever
 * bodies that resumes; the innermost of them is what a switch leaves, and enters again:
 *
 *      main greenlet              greenlet A                  greenlet B
 *      thread's stack             stack of A                  stack of B (runs)
 *         | next                     | next                      |
 *         v                          v                           v
 *      coroutine of a task        generator                   function of B
 *      ^ innermost                ^ innermost                 coro__active.current
 *
 *                 switch to A: B is left (its innermost is B itself), the generator goes on
 *
 * So there is one switch, coro__transfer(): from what runs to the innermost body of somebody
 * else, or to the thread's own stack. Tasklets use the same one.
 *
 * Where a switch really goes is settled before, by arrive(): past dead ones to their parents;
 * and an exception, or an argument too many, kills on its way what has not started. The main
 * greenlet is above all of them and always there, so that every way ends.
 *
 * A greenlet is a struct coro_generator, of which it uses what all bodies have; its own are in a
 * struct greenlet that `finalize_data` leads to and `forget` frees. It is always its own `root`;
 * its `leaf` is NULL, so that the fast path of a resume never takes it for a generator; and
 * its `function` never returns but switches away for good.
 */
#include <stdlib.h>
#include <coroscope/greenlet.h>
#include "../context/context.h"
#include "body.h"

struct greenlet {
	struct coro_generator *parent; /* NULL: it is the main one */
	/* Those whose parent it is, the newest first; and its place among those of its parent. */
	struct coro_generator *children, *previous_child, *next_child;
	/* While coro_greenlet_free() ends it: the greenlet that waits there, for its end; else NULL. */
	struct coro_generator *killer;
	bool abandoned; /* freed, and lives on */

	/* While suspended. */
	struct coro_generator
		*innermost; /* what runs in it: itself, or a body; NULL: main's function */
	uintptr_t site; /* where it switched away */

	coro_function *function; /* NULL: it is the thread's, and has no stack */
	coro_value brought;      /* by the switch that starts it */
};

static struct greenlet *part(const struct coro_generator *body)
{
	return body->finalize_data;
}

/* The body of a handle; another thread's is none, but a value. */
static struct coro_generator *check(const struct coro_greenlet *greenlet, uintptr_t site)
{
	struct coro_generator *body = coro__address(greenlet);

	if (CORO__LIKELY(body && coro__slot_of(body)->key >> CORO__KEY_KIND << CORO__KEY_KIND ==
								 coro__expected_key(greenlet, CORO_OBJECT_GREENLET, 0)))
		return body;
	return coro__check(greenlet, CORO_OBJECT_GREENLET, site);
}

static bool is_main(const struct coro_generator *body)
{
	return !part(body)->function;
}

/* ---- The switch --------------------------------------------------------- */

coro_value coro__transfer(struct coro_generator *to, coro_value value, bool ends)
{
	struct coro_generator *from = coro__active.current;
	void **save_sp = from ? &from->sp : &coro__local.sp;
	void *sp = to ? to->sp : coro__local.sp;

	coro__active.current = to;
	if (CORO__LIKELY(!coro__switches_are_told()))
		return coro__switch(save_sp, sp, value);
	value = coro__switch_told(from, save_sp, to, sp, value, ends);
	coro__reap();
	return value;
}

/* ---- Parents ------------------------------------------------------------ */

static void link_child(struct coro_generator *parent, struct coro_generator *child)
{
	struct greenlet *own = part(child), *above = part(parent);

	own->parent = parent;
	own->previous_child = NULL;
	own->next_child = above->children;
	if (above->children)
		part(above->children)->previous_child = child;
	above->children = child;
}

static void unlink_child(struct coro_generator *child)
{
	struct greenlet *own = part(child);

	if (own->previous_child)
		part(own->previous_child)->next_child = own->next_child;
	else
		part(own->parent)->children = own->next_child;
	if (own->next_child)
		part(own->next_child)->previous_child = own->previous_child;
}

static void adopt(struct coro_generator *child, struct coro_generator *parent, uintptr_t site)
{
	coro_probe_event(&child->object, CORO_EVENT_GREENLET_PARENT, child->object.state,
					 parent->object.row, site, NULL);
	unlink_child(child);
	link_child(parent, child);
}

/* Its end goes there. */
static struct coro_generator *above(const struct coro_generator *body)
{
	return part(body)->killer ? part(body)->killer : part(body)->parent;
}

/* ---- Arriving ----------------------------------------------------------- */

static bool is_exit(coro_value value)
{
	return coro_raised(value) && coro_is(value, CORO_GreenletExit);
}

/* What its end is: the state, and for GreenletExit the value that it becomes. */
static enum coro_state end_state(coro_value *result)
{
	if (!coro_raised(*result))
		return CORO_STATE_DONE;
	if (is_exit(*result)) {
		*result = coro_caught(*result);
		return CORO_STATE_DONE;
	}
	return coro_is(*result, CORO_CancelledError) ? CORO_STATE_CANCELLED : CORO_STATE_FAILED;
}

/* `value` is on its way to `body`: who really gets it. What has not started and cannot, ends
 * here. */
static struct coro_generator *arrive(struct coro_generator *body, coro_value *value, uint32_t peer,
									 uintptr_t site)
{
	for (;; body = above(body)) {
		coro_value thrown;
		enum coro_state state;

		if (coro__finished(body))
			continue;
		if (body->object.state != CORO_STATE_CREATED)
			return body;
		if (!coro_raised(*value) && !coro_is_none(*value) && !coro_is_none(body->argument))
			*value = coro__raise_at(site, CORO_TypeError,
									"greenlet %s takes no value: it has an argument already",
									body->object.name);
		if (!coro_raised(*value))
			return body;
		thrown = *value;
		state = end_state(value);
		coro__event_value(&body->object, CORO_EVENT_THROW, state, peer, site, thrown);
		coro__give_stack(body);
	}
}

/* `body` is who runs from now on, but for the switch. Gives where that goes. */
static struct coro_generator *enter(struct coro_generator *body, coro_value value, uint32_t peer,
									uintptr_t site)
{
	struct greenlet *own = part(body);

	body->object.resumes++;
	body->task = coro__current_task();
	if (coro_raised(value))
		coro__deliver_to(own->innermost, value, own->site);
	else if (coro_kind(value) == CORO_VALUE_EXCEPTION)
		coro__deliver_quietly(own->innermost, coro__raised_value(value));
	coro__event_value(&body->object,
					  coro_raised(value) ? CORO_EVENT_THROW : CORO_EVENT_GREENLET_ENTER,
					  CORO_STATE_RUNNING, peer, site, value);
	own->brought = value;
	coro__local.greenlet = body;
	return own->innermost;
}

static coro_value switch_to(struct coro_generator *body, coro_value value, uintptr_t site)
{
	struct coro_generator *self = coro__local.greenlet;
	struct greenlet *own = part(self);

	body = arrive(body, &value, self->object.row, site);
	if (body == self)
		return coro__deliver(value, site);
	coro_probe_event(&self->object, CORO_EVENT_GREENLET_LEAVE, CORO_STATE_SUSPENDED,
					 body->object.row, site, NULL);
	own->innermost = coro__active.current;
	own->site = site;
	return coro__transfer(enter(body, value, self->object.row, site), value, false);
}

/* ---- The greenlet itself ------------------------------------------------ */

static void __attribute__((noreturn)) finish(struct coro_generator *self, coro_value result)
{
	coro_value value = result;
	enum coro_state state = end_state(&value);
	struct coro_generator *body, *innermost;
	uint32_t row = self->object.row;

	coro__event_value(&self->object, coro_raised(value) ? CORO_EVENT_RAISE : CORO_EVENT_RETURN,
					  state, above(self)->object.row, 0, value);
	body = arrive(above(self), &value, row, 0);
	innermost = enter(body, value, row, 0);
	coro__errors_free(&self->errors);
	coro__give_stack(self);
	if (part(self)->abandoned)
		coro__dispose(self);
	coro__transfer(innermost, value, true);
	__builtin_unreachable();
}

/* What its stack begins with. */
static coro_value run(coro_value argument)
{
	struct coro_generator *self = coro__local.greenlet;
	const struct greenlet *own = part(self);

	finish(self, own->function(coro_is_none(argument) ? own->brought : argument));
}

/* ---- Life --------------------------------------------------------------- */

static void prepare(struct coro_generator *body, struct greenlet *own)
{
	*own = (struct greenlet){0};
	body->finalize_data = own;
	body->root = body;
	body->leaf = NULL;
}

/* The thread's; made when it is first asked for. NULL when memory is out. */
static struct coro_generator *main_greenlet(void)
{
	struct coro__local *local = &coro__local;
	struct coro_generator *body = local->main_greenlet;
	struct greenlet *own = body ? NULL : malloc(sizeof(*own));

	if (!own)
		return body;
	body = coro__main_body_new(CORO_OBJECT_GREENLET);
	if (!body) {
		free(own);
		return NULL;
	}
	prepare(body, own);
	local->main_greenlet = local->greenlet = body;
	return body;
}

/* Who runs; NULL: memory is out, or it is a tasklet. */
static struct coro_generator *current(void)
{
	if (CORO__UNLIKELY(coro__local.in_tasklet))
		return NULL;
	return CORO__LIKELY(coro__local.greenlet) ? coro__local.greenlet : main_greenlet();
}

/* Its block goes back to be used again. */
static void forget(struct coro_generator *body, void *data)
{
	struct greenlet *own = data;

	while (own->children) {
		struct coro_generator *child = own->children;

		adopt(child, own->parent, 0);
	}
	unlink_child(body);
	free(own);
}

struct coro_greenlet *coro_greenlet_named(coro_function *function, coro_value argument,
										  const char *name, const char *site)
{
	struct coro_generator *parent = current(), *body;
	struct greenlet *own = parent ? malloc(sizeof(*own)) : NULL;

	if (!own)
		return NULL;
	body = coro__body_new(CORO_OBJECT_GREENLET, run, argument, name, site, CORO__SITE);
	if (!body) {
		free(own);
		return NULL;
	}
	prepare(body, own);
	body->forget = forget;
	own->function = function;
	own->innermost = body;
	link_child(parent, body);
	coro_probe_event(&body->object, CORO_EVENT_GREENLET_PARENT, CORO_STATE_CREATED,
					 parent->object.row, CORO__SITE, NULL);
	return coro__handle(body);
}

/* GreenletExit in one that is suspended, from where nobody else can get it back. */
static void kill_suspended(struct coro_generator *body, uintptr_t site)
{
	struct greenlet *own = part(body);
	struct coro__errors saved = coro__errors_save();
	coro_value exit = coro__exception_new(CORO_GreenletExit, "the greenlet is freed"), outcome;

	own->killer = current();
	coro__deliver_quietly(own->innermost, exit);
	coro_drop(exit);
	outcome = switch_to(body, exit, site);
	own->killer = NULL;
	if (coro_raised(outcome))
		coro__report_about(coro_object(body), CORO_REPORT_UNRAISABLE, coro_caught(outcome),
						   "Exception ignored in: <greenlet object %s>", body->object.name);
	if (!coro__finished(body))
		coro__report_about(coro_object(body), CORO_REPORT_UNRAISABLE, CORO_NONE,
						   "GreenletExit did not kill <greenlet object %s>", body->object.name);
	coro__errors_restore(&saved);
}

static void free_at(struct coro_generator *body, uintptr_t site)
{
	if (is_main(body))
		coro__misused(&body->object, "is the main one, and cannot be freed", site);
	if (part(body)->killer || part(body)->abandoned)
		coro__misused(&body->object, "is freed twice", site);
	if (body->object.state == CORO_STATE_RUNNING)
		coro__misused(&body->object, "is freed while it is running", site);
	if (body->object.state == CORO_STATE_SUSPENDED) {
		if (coro__local.in_tasklet)
			coro__misused(&body->object, "is freed in a tasklet", site);
		kill_suspended(body, site);
		part(body)->abandoned = !coro__finished(body);
	}
	if (!part(body)->abandoned)
		coro__dispose(body);
}

void coro_greenlet_free(struct coro_greenlet *greenlet)
{
	if (greenlet)
		free_at(coro__check(greenlet, CORO_OBJECT_GREENLET, CORO__SITE), CORO__SITE);
}

void coro__greenlet_free_at_end(struct coro_greenlet **greenlet)
{
	if (*greenlet)
		free_at(coro__check(*greenlet, CORO_OBJECT_GREENLET, CORO__SITE), CORO__SITE);
	*greenlet = NULL;
}

void coro__greenlets_end(void)
{
	struct coro_generator *body = coro__local.first;
	uint64_t last = 0;

	while (body) {
		bool kills = body->object.kind == CORO_OBJECT_GREENLET &&
					 body->object.state == CORO_STATE_SUSPENDED && body->object.serial > last;

		if (kills) {
			last = body->object.serial;
			kill_suspended(body, 0);
		}
		/* What its cleanup freed may be any of the list. */
		body = kills ? coro__local.first : body->next;
	}
}

void coro__main_greenlet_free(void)
{
	struct coro_generator *body = coro__local.main_greenlet;

	if (!body)
		return;
	coro__local.main_greenlet = coro__local.greenlet = NULL;
	free(part(body));
	coro__main_body_free(body);
}

/* ---- Switching ---------------------------------------------------------- */

/* None, or raised: it cannot be switched to from here. */
static coro_value may_switch(const struct coro_generator *body, uintptr_t site)
{
	if (CORO__UNLIKELY(body->local != &coro__local))
		return coro__raise_text(CORO_GreenletError, "cannot switch to a different thread", "",
								site);
	if (CORO__UNLIKELY(coro__local.in_tasklet))
		return coro__raise_text(CORO_GreenletError, "cannot switch greenlets in a tasklet", "",
								site);
	return CORO_NONE;
}

coro_value(coro_greenlet_switch)(struct coro_greenlet *greenlet, coro_value value)
{
	struct coro_generator *body = check(greenlet, CORO__SITE);

	if (coro_raised(value))
		return value;
	CORO_TRY(may_switch(body, CORO__SITE));
	return switch_to(body, value, CORO__SITE);
}

coro_value(coro_greenlet_throw)(struct coro_greenlet *greenlet, coro_value exception)
{
	struct coro_generator *body = check(greenlet, CORO__SITE);

	CORO_TRY(may_switch(body, CORO__SITE));
	if (coro_is_none(exception)) {
		exception = coro__exception_new(CORO_GreenletExit, "%s", "");
		coro__deliver_quietly(coro__active.current, exception);
		coro_drop(exception);
	}
	if (coro_kind(exception) != CORO_VALUE_EXCEPTION)
		return coro__raise_text(CORO_TypeError, "exceptions must be classes, or instances, not ",
								coro_type_name(exception), CORO__SITE);
	exception = coro__raised_value(exception);
	if (coro__finished(body) && is_exit(exception))
		exception = coro_caught(exception);
	return switch_to(body, exception, CORO__SITE);
}

/* ---- Looking ------------------------------------------------------------ */

struct coro_greenlet *coro_greenlet_current(void)
{
	return coro__handle(current());
}

struct coro_greenlet *coro_greenlet_parent(const struct coro_greenlet *greenlet)
{
	return coro__handle(above(coro__check(greenlet, CORO_OBJECT_GREENLET, CORO__CALLER)));
}

coro_value(coro_greenlet_set_parent)(struct coro_greenlet *greenlet, struct coro_greenlet *parent)
{
	struct coro_generator *body = check(greenlet, CORO__SITE), *other = check(parent, CORO__SITE);

	if (is_main(body))
		return coro__raise_text(CORO_AttributeError, "cannot set the parent of a main greenlet", "",
								CORO__SITE);
	if (body->local != other->local || body->local != &coro__local)
		return coro__raise_text(CORO_ValueError, "parent cannot be on a different thread", "",
								CORO__SITE);
	for (const struct coro_generator *at = other; at; at = part(at)->parent)
		if (at == body)
			return coro__raise_text(CORO_ValueError, "cyclic parent chain", "", CORO__SITE);
	adopt(body, other, CORO__SITE);
	return CORO_NONE;
}

bool coro_greenlet_dead(const struct coro_greenlet *greenlet)
{
	CORO__CHECK(greenlet, CORO_OBJECT_GREENLET);
	return coro__finished((const struct coro_generator *)greenlet);
}

bool coro_greenlet_active(const struct coro_greenlet *greenlet)
{
	const struct coro_generator *body = coro__check(greenlet, CORO_OBJECT_GREENLET, CORO__CALLER);

	return body->object.state == CORO_STATE_RUNNING || body->object.state == CORO_STATE_SUSPENDED;
}
