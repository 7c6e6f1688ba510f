/*
 * delegate.c - yield from and await: chains of bodies.
 *
 * A delegating body waits until its delegate is finished. Meanwhile whatever is sent to it goes
 * straight to the innermost body of its chain, and what that yields goes straight up to whoever
 * resumed the chain: two switches for a resume, however long the chain.
 *
 *                   delegate        delegate
 *       outer ────────────► middle ────────────► inner
 *         │ ◄──────────────── │ ◄──────────────── │     delegators (a list: several bodies may
 *         │                                       │     delegate to the same one)
 *         └─────────────── leaf ─────────────────►┘
 *
 * `leaf` is a cache, of bodies that nobody delegates to: of all others it is themselves while they
 * do not delegate, else NULL, and looked up by walking down. A chain changes at its lower end, when
 * the innermost delegates or finishes. If the chain was resumed at its top, only the top's cache
 * is to be changed. If it was resumed in the middle, or forks upwards, all that stand above forget
 * theirs. So a resume finds its leaf in one load, and a change costs the same at any depth unless
 * bodies are shared.
 *
 * close() is the one that walks: it closes the innermost first, then raises GeneratorExit in
 * each body above, as PEP 380 has it. Those above are BUSY meanwhile.
 */
#include <coroscope/async_generator.h>
#include <coroscope/iterator.h>
#include "body.h"

/* ---- Links ------------------------------------------------------------- */

static struct coro_generator *innermost(struct coro_generator *body)
{
	while (body->delegate)
		body = body->delegate;
	return body;
}

static void set_leaf(struct coro_generator *root, struct coro_generator *leaf)
{
	root->leaf = root == leaf || !root->delegators ? leaf : NULL;
}

struct coro_generator *coro__leaf(struct coro_generator *body)
{
	struct coro_generator *leaf = body->leaf;

	if (leaf && !leaf->delegate)
		return leaf;
	leaf = innermost(body);
	set_leaf(body, leaf);
	return leaf;
}

/* The first of a list of delegators that is not `body`. */
static struct coro_generator *first_but(struct coro_generator *list,
										const struct coro_generator *body)
{
	return list == body ? list->next_delegator : list;
}

/* All that delegate to `body`, directly or not, forget their leaf. They are a tree: down to the
 * first of the delegators, sideways to the next, up along `delegate`. Or they are a ring, for the
 * moment, when `body` has begun to delegate to one of them: then it ends there. */
static void forget_above(struct coro_generator *body)
{
	struct coro_generator *at = body, *next;

	for (;;) {
		next = first_but(at->delegators, body);
		while (!next) {
			if (at == body)
				return;
			next = first_but(at->next_delegator, body);
			if (!next) {
				at = at->delegate;
				if (at == body)
					return;
			}
		}
		at = next;
		at->leaf = NULL;
	}
}

/* The lower end of root's chain is `leaf` now; `changed` is the body whose delegation changed. */
static void chain_changed(struct coro_generator *root, struct coro_generator *changed,
						  struct coro_generator *leaf)
{
	if (CORO__UNLIKELY(root->delegators || root->local->shared))
		forget_above(changed);
	set_leaf(root, leaf);
}

void coro__link(struct coro_generator *root, struct coro_generator *outer,
				struct coro_generator *inner)
{
	struct coro_generator *leaf = innermost(inner);

	outer->delegate = inner;
	outer->next_delegator = inner->delegators;
	if (inner->delegators)
		inner->local->shared++;
	inner->delegators = outer;
	outer->object.waits_on = inner->object.row;
	outer->leaf = NULL;
	if (inner->delegate)
		inner->leaf = NULL;
	chain_changed(root, outer, leaf);
}

void coro__unlink(struct coro_generator *root, struct coro_generator *outer)
{
	struct coro_generator *inner = outer->delegate, **place = &inner->delegators;

	while (*place != outer)
		place = &(*place)->next_delegator;
	*place = outer->next_delegator;
	if (inner->delegators)
		inner->local->shared--;
	outer->next_delegator = NULL;
	outer->delegate = NULL;
	outer->object.waits_on = 0;
	outer->leaf = outer;
	chain_changed(root, outer, outer);
	if (CORO__LIKELY(!(inner->flags & CORO__BODY_FREED)) || inner->delegators)
		return;
	if (coro__finished(inner))
		coro__dispose(inner);
	else
		inner->local->orphan = inner;
}

struct coro_generator *coro__delegator(struct coro_generator *root, struct coro_generator *body)
{
	if (CORO__LIKELY(body->delegators && !body->delegators->next_delegator))
		return body->delegators;
	while (root->delegate != body)
		root = root->delegate;
	return root;
}

void coro__undelegate(struct coro_generator *root, struct coro_generator *outer,
					  unsigned next_state, coro_value value)
{
	struct coro_generator *inner = outer->delegate;

	coro__event_value(&outer->object, CORO_EVENT_UNDELEGATE, next_state, inner->object.row,
					  outer->site, value);
	coro__unlink(root, outer);
}

/* ---- Who is executing -------------------------------------------------- */

struct coro_generator *coro__executing(struct coro_generator *top)
{
	struct coro_generator *leaf = top, *root;
	size_t below_top = 0, below_root = 0;

	for (;; leaf = leaf->delegate, below_top++) {
		if (leaf->flags & CORO__BODY_BUSY)
			return leaf;
		if (leaf->object.state == CORO_STATE_RUNNING)
			break;
		if (!leaf->delegate)
			return NULL;
	}
	/* It runs, and with it all from the root of its chain downwards. That chain and ours meet,
	 * at the latest in what runs, and go on together: where they meet is what we look for. */
	for (root = leaf->root; root != leaf; root = root->delegate)
		below_root++;
	root = leaf->root;
	for (; below_top > below_root; below_top--)
		top = top->delegate;
	for (; below_root > below_top; below_root--)
		root = root->delegate;
	while (top != root) {
		top = top->delegate;
		root = root->delegate;
	}
	return top;
}

struct coro_generator *coro__target(struct coro_generator *root, struct coro_generator *top,
									coro_value *value, bool *ret_undelegates)
{
	struct coro_generator *obstacle = coro__executing(top), *leaf;

	*ret_undelegates = false;
	if (!obstacle) {
		leaf = coro__leaf(top);
		if (leaf->object.state == CORO_STATE_SUSPENDED || leaf == top)
			return leaf;
		/* Somebody else drove it to its end. */
		obstacle = leaf;
		if (leaf->object.kind == CORO_OBJECT_COROUTINE)
			*value = coro__raise_text(CORO_RuntimeError, "cannot reuse already awaited coroutine",
									  "", 0);
		else if (!coro_raised(*value))
			*value = CORO_NONE;
		else if (coro_is(*value, CORO_StopIteration))
			*value = coro_exception_value(*value);
	} else {
		*value = coro__raise_about(obstacle, CORO_ValueError, " already executing", 0);
	}
	*ret_undelegates = true;
	return coro__delegator(root, obstacle);
}

/* ---- Delegating -------------------------------------------------------- */

/* `inner` delegates, in the end, to the body that runs, which is about to delegate to it. They must
 * not become a ring: the one whose delegate executes already, gets the error of that now, and
 * delegates to nobody any more. Gives it; NULL: it is not so. */
static struct coro_generator *open_ring(struct coro_generator *inner, coro_value *ret_error)
{
	struct coro_generator *obstacle, *outer = inner;

	if (CORO__LIKELY(!inner->delegate) || innermost(inner) != coro__active.current)
		return NULL;
	obstacle = coro__executing(inner);
	while (outer->delegate != obstacle)
		outer = outer->delegate;
	*ret_error = coro__raise_about(obstacle, CORO_ValueError, " already executing", 0);
	coro__deliver_to(outer, *ret_error, outer->site);
	coro__undelegate(inner, outer, CORO_STATE_SUSPENDED, *ret_error);
	return outer;
}

/* Delegates from the body that runs: up to the switch to `inner`, whose result comes back when it
 * is finished. */
static coro_value delegate(struct coro__wait *wait, struct coro_generator *inner, uintptr_t site)
{
	struct coro_generator *self = coro__active.current, *root = self->root, *target = inner;
	coro_value value = CORO_NONE;
	struct coro_generator *ring = open_ring(inner, &value);
	bool undelegates = false;

	inner->flags |= CORO__BODY_AWAITED;
	self->site = site;
	coro_probe_event(&self->object, CORO_EVENT_DELEGATE, CORO_STATE_DELEGATING, inner->object.row,
					 site, NULL);
	if (coro__finished(inner)) {
		coro__event_value(&self->object, CORO_EVENT_UNDELEGATE, CORO_STATE_RUNNING,
						  inner->object.row, site, CORO_NONE);
		return CORO_NONE;
	}
	coro__link(root, self, inner);
	if (CORO__UNLIKELY(ring != NULL))
		target = ring;
	else if (inner->object.state == CORO_STATE_DELEGATING)
		target = coro__target(root, inner, &value, &undelegates);
	target->root = root;
	if (undelegates) {
		if (coro_raised(value))
			coro__deliver_to(target, value, target->site);
		coro__undelegate(root, target, CORO_STATE_RUNNING, value);
	} else {
		target->object.resumes++;
		if (CORO__UNLIKELY(ring != NULL))
			coro__event_value(&target->object, CORO_EVENT_THROW, CORO_STATE_RUNNING,
							  self->object.row, site, value);
		else
			coro_probe_event(&target->object, CORO_EVENT_NEXT, CORO_STATE_RUNNING, self->object.row,
							 site, NULL);
	}
	wait->self = self;
	wait->sp = target->sp;
	coro__active.current = target;
	return value;
}

/* The delegate is finished. */
static coro_value yielded_from(struct coro__wait *wait, coro_value result)
{
	struct coro_generator *orphan = coro__local.orphan;

	if (CORO__UNLIKELY(orphan != NULL)) {
		coro__local.orphan = NULL;
		orphan->flags &= ~(uint32_t)CORO__BODY_FREED;
		coro__free_at(orphan, wait->site);
	}
	return result;
}

static coro_value yield_from(coro_value value, uintptr_t site)
{
	const struct coro_generator *self = coro__active.current;
	struct coro__wait wait = {.go_on = yielded_from};
	struct coro_generator *inner;
	struct coro_object *object;

	if (coro_raised(value))
		return value;
	if (!self || coro__is_greenlet(self))
		return coro__raise_text(CORO_RuntimeError, "yield from outside a generator", "", site);
	if (self->object.kind != CORO_OBJECT_GENERATOR)
		return coro__raise_text(CORO_RuntimeError, "yield from inside a coroutine", "", site);
	object = coro_kind(value) == CORO_VALUE_OBJECT ? coro__object_here(value, site) : NULL;
	if (object && object->kind == CORO_OBJECT_COROUTINE)
		return coro__raise_text(
			CORO_TypeError, "cannot 'yield from' a coroutine object in a non-coroutine generator",
			"", site);
	if (!object || object->kind != CORO_OBJECT_GENERATOR)
		return coro__deliver(coro__raise_at(site, CORO_TypeError, "'%s' object is not iterable",
											coro_type_name(value)),
							 site);
	inner = (struct coro_generator *)object;
	if (coro__executing(inner) == inner)
		return coro__raise_about(inner, CORO_ValueError, " already executing", site);
	return coro__wait_through(&wait, delegate(&wait, inner, site));
}

coro_value(coro_yield_from)(coro_value inner)
{
	return yield_from(inner, CORO__SITE);
}

coro_value coro__yield_from_handle(const void *handle)
{
	return yield_from(handle ? coro_object(coro__check(handle, 0, CORO__SITE))
							 : coro__awaitable(NULL),
					  CORO__SITE);
}

static coro_value yield_from_iterator(struct coro_iterator *iterator, uintptr_t site)
{
	if (coro__iterator_generator(iterator))
		return yield_from(coro_object(coro__iterator_generator(iterator)), site);
	if (!coro__active.current || coro__active.current->object.kind != CORO_OBJECT_GENERATOR)
		return coro__raise_text(CORO_RuntimeError, "yield from outside a generator", "", site);
	for (;;) {
		coro_value value = coro__iterator_next_at(iterator, site), sent;

		if (coro_raised(value))
			return coro_is(value, CORO_StopIteration) ? coro_exception_value(value) : value;
		sent = coro__suspend(value, site);
		if (!coro_is_none(sent)) {
			if (iterator->close)
				iterator->close(iterator);
			/* A StopIteration ends the delegation, wherever it comes from. */
			if (coro_raised(sent))
				return coro_is(sent, CORO_StopIteration) ? coro_exception_value(sent) : sent;
			return coro__deliver(coro__raise_at(site, CORO_AttributeError,
												"'%s' object has no attribute 'send'",
												iterator->type ? iterator->type : "iterator"),
								 site);
		}
	}
}

coro_value coro_yield_from_iterator(struct coro_iterator *iterator)
{
	return yield_from_iterator(iterator, CORO__SITE);
}

coro_value(coro_yield_from_array)(const coro_value *values, size_t count)
{
	struct coro_iterator array = coro_iter_array(values, count);

	return yield_from_iterator(&array, CORO__SITE);
}

/* ---- Awaiting ---------------------------------------------------------- */

coro_value coro__consume(struct coro_generator *body)
{
	char text[128];

	if (body->object.kind != CORO_OBJECT_COROUTINE) {
		coro_format(coro_object(body), text, sizeof(text));
		return coro__raise_at(0, CORO_TypeError, "a coroutine was expected, got %s", text);
	}
	body->flags |= CORO__BODY_AWAITED | CORO__BODY_CONSUMED;
	return CORO_NONE;
}

static coro_value awaited_coroutine(struct coro__wait *wait, coro_value result)
{
	coro__release_finished(wait->awaited);
	return result;
}

static coro_value await_coroutine(struct coro__wait *wait, struct coro_generator *inner,
								  uintptr_t site)
{

	if (coro__executing(inner) == inner)
		return coro__raise_about(inner, CORO_ValueError, " already executing", site);
	if (coro__finished(inner))
		return coro__raise_text(CORO_RuntimeError, "cannot reuse already awaited coroutine", "",
								site);
	/* What is suspended, is so in an await. */
	if (inner->object.state != CORO_STATE_CREATED)
		return coro__raise_text(CORO_RuntimeError, "coroutine is being awaited already", "", site);
	inner->flags |= CORO__BODY_CONSUMED;
	wait->go_on = awaited_coroutine;
	wait->awaited = inner;
	return delegate(wait, inner, site);
}

coro_value coro__awaitable(const void *handle)
{
	return handle ? coro_object(handle) : coro__raise_at(0, CORO_MemoryError, "out of memory");
}

coro_value coro__await_begin_at(struct coro__wait *wait, coro_value awaitable, uintptr_t site)
{
	const struct coro_generator *self = coro__active.current;
	struct coro_object *object;

	if (coro_raised(awaitable))
		return awaitable;
	if (!self || !coro__awaits(self))
		return coro__raise_text(CORO_RuntimeError, "await outside a coroutine", "", site);
	object = coro_kind(awaitable) == CORO_VALUE_OBJECT ? coro__object_here(awaitable, site) : NULL;
	if (object && object->kind == CORO_OBJECT_COROUTINE)
		return await_coroutine(wait, (struct coro_generator *)object, site);
	if (object && (object->kind == CORO_OBJECT_TASK || object->kind == CORO_OBJECT_FUTURE)) {
		wait->go_on = coro__future_await_end;
		return object->kind == CORO_OBJECT_TASK
				   ? coro__task_await_begin(wait, (struct coro_future *)object, site)
				   : coro__future_await_begin(wait, (struct coro_future *)object, site);
	}
	if (coro__is_async_step(awaitable))
		return coro__async_step_await_at(coro_as_ptr(awaitable), site);
	return coro__deliver(coro__raise_at(site, CORO_TypeError,
										"object %s can't be used in 'await' expression",
										coro_type_name(awaitable)),
						 site);
}

coro_value coro__await_at(coro_value awaitable, uintptr_t site)
{
	struct coro__wait wait = {.self = NULL};

	return coro__wait_through(&wait, coro__await_begin_at(&wait, awaitable, site));
}

coro_value(coro_await)(coro_value awaitable)
{
	return coro__await_at(awaitable, CORO__SITE);
}

coro_value coro__await_begin(struct coro__wait *wait, coro_value awaitable)
{
	return coro__wait_begun(wait, coro__await_begin_at(wait, awaitable, CORO__SITE));
}

/* ---- Closing a chain --------------------------------------------------- */

coro_value coro__close_delegates(struct coro_generator *root, uintptr_t site)
{
	struct coro_generator *obstacle = coro__executing(root), *body = root, *outer;
	coro_value result = CORO_NONE;

	while (body != obstacle && body->delegate) {
		body->flags |= CORO__BODY_BUSY;
		body = body->delegate;
	}
	outer = coro__delegator(root, body);
	if (body == obstacle)
		result = coro__raise_about(body, CORO_ValueError, " already executing", 0);
	else if (body->object.state == CORO_STATE_SUSPENDED)
		result = coro__close_one(body, CORO_NONE, outer->object.row, site);
	for (;;) {
		outer->flags &= ~(uint32_t)CORO__BODY_BUSY;
		coro__undelegate(outer, outer, CORO_STATE_SUSPENDED,
						 coro_raised(result) ? result : CORO_NONE);
		if (outer == root)
			return coro_raised(result) ? result : CORO_NONE;
		body = outer;
		outer = coro__delegator(root, body);
		result = coro__close_one(body, result, outer->object.row, site);
	}
}
