/*
 * generator.c - next, send, throw and close; yield; and the end of a body.
 *
 * What happens at a resume, and who does it:
 *
 *     resumer                         coro__drive                    body
 *        | next, send, throw -------------->|
 *        |                                  | errors: executing, finished, not started
 *        |                                  | where it goes: the innermost delegate
 *        |                                  | event NEXT, SEND or THROW
 *        |                                  | switch ------------------->|
 *        |                                                               | runs
 *        |<------ switch ------ event YIELD ----- coro__suspend <---- yield
 *        |                                                               |
 *        |<------ switch ------ event RETURN, RAISE --- finish <---- return
 *
 * The plain case, a suspended body and nobody who looks, does not come here: it is compiled into
 * the program (coro__step_down and coro__step_up in generator.h).
 *
 * What finish() hands to the resumer is already what next() returns, a raised StopIteration for
 * instance, so that the fast path has nothing to look at when it comes back. Whoever wants the
 * outcome itself (a task, close) resumes the root as RAW.
 */
#include "../context/context.h"
#include "body.h"

const char *coro__kind_name(const struct coro_object *object)
{
	return object->kind == CORO_OBJECT_COROUTINE         ? "coroutine"
		   : object->kind == CORO_OBJECT_ASYNC_GENERATOR ? "async generator"
		   : object->kind == CORO_OBJECT_GREENLET        ? "greenlet"
		   : object->kind == CORO_OBJECT_TASKLET         ? "tasklet"
														 : "generator";
}

bool coro_finished(const struct coro_generator *body)
{
	CORO__CHECK_BODY(body);
	return coro__finished(body);
}

const char *coro_name(const struct coro_generator *body)
{
	CORO__CHECK_BODY(body);
	return body->object.name;
}

const char *coro_creation_site(const struct coro_generator *body)
{
	CORO__CHECK_BODY(body);
	return body->object.creation_site;
}

enum coro_state coro_state(const struct coro_generator *body)
{
	CORO__CHECK_BODY(body);
	if (body->object.state == CORO_STATE_DELEGATING && !(body->flags & CORO__BODY_STEPPING))
		return coro__executing((struct coro_generator *)(uintptr_t)body) == body
				   ? CORO_STATE_RUNNING
				   : CORO_STATE_SUSPENDED;
	if (body->flags & (CORO__BODY_BUSY | CORO__BODY_STEPPING) && !coro__finished(body))
		return CORO_STATE_RUNNING;
	return (enum coro_state)body->object.state;
}

struct coro_generator *coro_delegate(const struct coro_generator *body)
{
	CORO__CHECK_BODY(body);
	return coro__handle(body->delegate);
}

coro_value coro__raise_about(const struct coro_generator *body,
							 const struct coro_exception_type *type, const char *text,
							 uintptr_t site)
{
	return coro__raise_text(type, coro__kind_name(&body->object), text, site);
}

/* ---- Switching --------------------------------------------------------- */

coro_value coro__enter(struct coro_generator *root, struct coro_generator *leaf, coro_value value)
{
	struct coro_generator *from = coro__active.current;

	leaf->root = root;
	root->resumer = from;
	coro__active.current = leaf;
	if (CORO__LIKELY(!coro__switches_are_told()))
		return coro__switch(&root->resumer_sp, leaf->sp, value);
	value = coro__switch_told(from, &root->resumer_sp, leaf, leaf->sp, value, false);
	coro__reap();
	return value;
}

coro_value coro__cross(struct coro_generator *self, struct coro_generator *to, void *sp,
					   coro_value value, bool ends)
{
	coro__active.current = to;
	if (CORO__LIKELY(!coro__switches_are_told()))
		return coro__switch(&self->sp, sp, value);
	value = coro__switch_told(self, &self->sp, to, sp, value, ends);
	coro__reap();
	return value;
}

coro_value coro__leave_seen(struct coro__wait *wait, coro_value value)
{
	struct coro_generator *self = wait->self, *root = self->root;

	coro__event_value(&self->object, CORO_EVENT_YIELD, CORO_STATE_SUSPENDED,
					  coro__resumer_row(root), wait->site, value);
	coro__active.current = root->resumer;
	return value;
}

coro_value coro__wait_through(struct coro__wait *wait, coro_value value)
{
	while (wait->self) {
		struct coro_generator *self = wait->self;

		if (CORO__LIKELY(!coro__switches_are_told())) {
			value = coro__switch(&self->sp, wait->sp, value);
		} else {
			value =
				coro__switch_told(self, &self->sp, coro__active.current, wait->sp, value, false);
			coro__reap();
		}
		wait->self = NULL;
		value = wait->go_on(wait, value);
	}
	return value;
}

/* A state that an exception leaves its body in. */
static enum coro_state state_after(coro_value raised, bool closing)
{
	if (coro_is(raised, CORO_CancelledError))
		return CORO_STATE_CANCELLED;
	return closing && coro_is(raised, CORO_GeneratorExit) ? CORO_STATE_DONE : CORO_STATE_FAILED;
}

/* Emits how `body` is entered. */
static void tell_entry(struct coro_generator *body, enum coro__entering entry, coro_value value,
					   uint32_t peer, uintptr_t site)
{
	body->object.resumes++;
	if (entry == CORO__ENTER_NEXT)
		coro_probe_event(&body->object, CORO_EVENT_NEXT, CORO_STATE_RUNNING, peer, site, NULL);
	else
		coro__event_value(&body->object,
						  entry == CORO__ENTER_SEND ? CORO_EVENT_SEND : CORO_EVENT_THROW,
						  CORO_STATE_RUNNING, peer, site, value);
}

/* What a body does not take comes back: handled here, unless the resume was raw. */
static coro_value refuse(coro_value raised, uintptr_t told)
{
	if (told)
		return coro__deliver(raised, told);
	coro__deliver_quietly(coro__active.current, raised);
	return raised;
}

coro_value coro__drive(struct coro_generator *root, enum coro__entering entry, coro_value value,
					   uintptr_t site, bool raw, uint32_t resumer_row)
{
	struct coro_generator *leaf = root;
	bool undelegates = false;
	uint32_t peer = resumer_row ? resumer_row : coro__current_row();
	uintptr_t told = raw ? 0 : site; /* what is raised here for a raw resume is not handled here */
	const uint32_t usual_row = root->resumer_row, usual = root->flags & CORO__BODY_RAW;

	if (coro__executing(root) == root)
		return coro__raise_about(root, CORO_ValueError, " already executing", told);
	if (coro__finished(root)) {
		if (root->object.kind == CORO_OBJECT_COROUTINE)
			return coro__raise_text(CORO_RuntimeError, "cannot reuse already awaited coroutine", "",
									told);
		return refuse(entry == CORO__ENTER_THROW
						  ? value
						  : coro__raise_value_at(0, CORO_StopIteration, CORO_NONE),
					  told);
	}
	if (root->object.state == CORO_STATE_CREATED) {
		if (entry == CORO__ENTER_SEND)
			return coro__raise_text(CORO_TypeError, "can't send non-None value to a just-started ",
									coro__kind_name(&root->object), told);
		root->flags |= CORO__BODY_AWAITED;
		if (entry == CORO__ENTER_THROW && coro__step_takes(root, value)) {
			entry = CORO__ENTER_NEXT;
			value = CORO_NONE;
		}
		if (entry == CORO__ENTER_THROW) {
			coro__event_value(&root->object, CORO_EVENT_THROW, state_after(value, false), peer,
							  site, value);
			coro__give_stack(root);
			return refuse(value, told);
		}
	}
	if (root->object.state == CORO_STATE_DELEGATING) {
		if (entry == CORO__ENTER_THROW && coro_is(value, CORO_GeneratorExit)) {
			coro_value error = coro__close_delegates(root, site);

			if (coro_raised(error))
				value = error;
		} else {
			leaf = coro__target(root, root, &value, &undelegates);
		}
	}

	root->resumer_site = site;
	root->resumer_row = resumer_row;
	root->flags = (root->flags & ~(uint32_t)(CORO__BODY_RAW | CORO__BODY_RETURNED)) |
				  (raw ? CORO__BODY_RAW : 0);
	if (undelegates) {
		if (coro_raised(value))
			coro__throw_into(leaf, value, leaf->site);
		coro__undelegate(root, leaf, CORO_STATE_RUNNING, value);
	} else {
		tell_entry(leaf, entry, value, peer, site);
		if (coro_raised(value))
			coro__throw_into(leaf, value, 0);
		else
			coro__hand_over(leaf, value);
	}
	if (entry == CORO__ENTER_THROW)
		root->thrown = leaf;
	value = coro__enter(root, leaf, value);
	root->thrown = NULL;
	root->resumer_site = 0;
	root->resumer_row = usual_row;
	root->flags = (root->flags & ~(uint32_t)CORO__BODY_RAW) | usual;
	return value;
}

coro_value coro__resume(struct coro_generator *body, uint32_t resumer_row, coro_value value,
						uintptr_t site, enum coro__outcome *ret_outcome)
{
	enum coro__entering entry = coro_raised(value)    ? CORO__ENTER_THROW
								: coro_is_none(value) ? CORO__ENTER_NEXT
													  : CORO__ENTER_SEND;

	value = coro__drive(body, entry, value, site, true, resumer_row);
	*ret_outcome = coro_raised(value)                  ? CORO__FAILED
				   : body->flags & CORO__BODY_RETURNED ? CORO__RETURNED
													   : CORO__YIELDED;
	return value;
}

/* ---- From outside ------------------------------------------------------ */

/* An async generator is not driven so. */
static coro_value has_no(const struct coro_generator *body, const char *attribute, uintptr_t site)
{
	if (CORO__LIKELY(body->object.kind != CORO_OBJECT_ASYNC_GENERATOR))
		return CORO_NONE;
	return coro__raise_text(CORO_AttributeError, "'async_generator' object has no attribute ",
							attribute, site);
}

static coro_value next_slowly(struct coro_generator *body, uintptr_t site)
{
	if (body->object.kind != CORO_OBJECT_GENERATOR)
		return coro__raise_text(CORO_TypeError,
								body->object.kind == CORO_OBJECT_COROUTINE
									? "'coroutine' object is not an iterator"
									: "'async_generator' object is not an iterator",
								"", site);
	return coro__drive(body, CORO__ENTER_NEXT, CORO_NONE, site, false, 0);
}

coro_value coro__next_at(struct coro_generator *handle, uintptr_t site)
{
	struct coro_generator *body = coro__body_of(handle, CORO_OBJECT_GENERATOR);
	struct coro_generator *leaf = body ? coro__step_down(body, true) : NULL;
	coro_value value;

	if (CORO__UNLIKELY(!leaf))
		return next_slowly(coro__check_body(handle, site), site);
	body->resumer_site = site;
	value = coro__switch(&body->resumer_sp, leaf->sp, CORO_NONE);
	body->resumer_site = 0;
	return value;
}

coro_value(coro_next)(struct coro_generator *body)
{
	CORO__CHECK_BODY(body);
	return next_slowly(body, CORO__SITE);
}

coro_value(coro_send)(struct coro_generator *body, coro_value value)
{
	CORO__CHECK_BODY(body);
	if (coro_raised(value))
		return value;
	CORO_TRY(has_no(body, "'send'", CORO__SITE));
	return coro__drive(body, coro_is_none(value) ? CORO__ENTER_NEXT : CORO__ENTER_SEND, value,
					   CORO__SITE, false, 0);
}

coro_value(coro_throw)(struct coro_generator *body, coro_value exception)
{
	CORO__CHECK_BODY(body);
	CORO_TRY(has_no(body, "'throw'", CORO__SITE));
	if (coro_kind(exception) != CORO_VALUE_EXCEPTION)
		return coro__raise_text(
			CORO_TypeError,
			"exceptions must be classes or instances deriving from BaseException, not ",
			coro_type_name(exception), CORO__SITE);
	return coro__drive(body, CORO__ENTER_THROW, coro__raised_value(exception), CORO__SITE, false,
					   0);
}

coro_value coro__close_one(struct coro_generator *body, coro_value error, uint32_t closer_row,
						   uintptr_t site)
{
	coro_value value =
		coro_raised(error) ? error : coro__exception_new(CORO_GeneratorExit, "%s", "");
	const uint32_t usual_row = body->resumer_row, usual = body->flags & CORO__BODY_RAW;
	bool returned;

	body->object.resumes++;
	if (coro_raised(error))
		coro__event_value(&body->object, CORO_EVENT_THROW, CORO_STATE_RUNNING, closer_row, site,
						  error);
	else
		coro_probe_event(&body->object, CORO_EVENT_CLOSE, CORO_STATE_RUNNING, closer_row, site,
						 NULL);
	body->resumer_site = site;
	body->resumer_row = closer_row;
	body->flags |= CORO__BODY_RAW | CORO__BODY_CLOSING;
	body->flags &= ~(uint32_t)CORO__BODY_RETURNED;
	if (!coro_raised(error))
		coro__chain(value);
	coro__throw_into(body, value, 0);
	if (!coro_raised(error))
		coro_drop(value);

	body->thrown = body;
	value = coro__enter(body, body, value);
	body->thrown = NULL;
	returned = body->flags & CORO__BODY_RETURNED;
	body->resumer_site = 0;
	body->resumer_row = usual_row;
	body->flags = (body->flags & ~(uint32_t)(CORO__BODY_RAW | CORO__BODY_CLOSING)) | usual;

	if (coro_raised(value))
		return coro_is(value, CORO_GeneratorExit) ? CORO_NONE : value;
	if (returned && body->object.kind == CORO_OBJECT_ASYNC_GENERATOR)
		return coro__raise_value_at(0, CORO_StopAsyncIteration, CORO_NONE);
	if (returned)
		return value;
	return coro__raise_about(body, CORO_RuntimeError, " ignored GeneratorExit", 0);
}

coro_value coro__close_at(struct coro_generator *body, uintptr_t site)
{
	CORO_TRY(has_no(body, "'close'", site));
	return coro__close(body, site);
}

coro_value(coro_close)(struct coro_generator *body)
{
	CORO__CHECK_BODY(body);
	return coro__close_at(body, CORO__SITE);
}

coro_value coro__close(struct coro_generator *body, uintptr_t site)
{
	coro_value error = CORO_NONE;

	if (coro__executing(body) == body)
		return coro__raise_about(body, CORO_ValueError, " already executing", site);
	if (coro__finished(body))
		return CORO_NONE;
	if (body->object.state == CORO_STATE_CREATED) {
		body->flags |= CORO__BODY_AWAITED;
		coro_probe_event(&body->object, CORO_EVENT_CLOSE, CORO_STATE_DONE, coro__current_row(),
						 site, NULL);
		coro__give_stack(body);
		return CORO_NONE;
	}
	/* Who closes it drives it, as a step would: the task of its last step may be gone. */
	if (body->object.kind == CORO_OBJECT_ASYNC_GENERATOR)
		coro__set_task(body, coro__current_task());
	if (body->object.state == CORO_STATE_DELEGATING)
		error = coro__close_delegates(body, site);
	return coro__deliver(coro__close_one(body, error, coro__current_row(), site), site);
}

bool coro__iterate_end(coro_value *value)
{
	if (coro_is(*value, CORO_StopIteration))
		*value = coro_exception_value(*value);
	return false;
}

/* ---- From inside ------------------------------------------------------- */

coro_value coro__suspend(coro_value value, uintptr_t site)
{
	struct coro_generator *self = coro__active.current, *root = self->root;

	coro__event_value(&self->object, CORO_EVENT_YIELD, CORO_STATE_SUSPENDED,
					  coro__resumer_row(root), site, value);
	coro__hand_over(root->resumer, value);
	return coro__cross(self, root->resumer, root->resumer_sp, value, false);
}

coro_value(coro_yield)(coro_value value)
{
	const struct coro_generator *self = coro__active.current;

	if (coro_raised(value))
		return value;
	if (!self || coro__is_greenlet(self))
		return coro__raise_text(CORO_RuntimeError, "yield outside a generator", "", CORO__SITE);
	if (self->object.kind == CORO_OBJECT_ASYNC_GENERATOR)
		coro__active.current->flags |= CORO__BODY_GAVE;
	else if (self->object.kind != CORO_OBJECT_GENERATOR)
		return coro__raise_text(CORO_RuntimeError, "yield inside a coroutine", "", CORO__SITE);
	return coro__suspend(value, CORO__SITE);
}

coro_value(coro_suspend)(coro_value value)
{
	const struct coro_generator *self = coro__active.current;

	if (coro_raised(value))
		return value;
	if (!self || !coro__awaits(self))
		return coro__raise_text(CORO_RuntimeError, "await outside a coroutine", "", CORO__SITE);
	value = coro__suspend(value, CORO__SITE);
	/* In Python a generator of one yield stands here, and a StopIteration would leave it. */
	if (coro_raised(value) && coro_is(value, CORO_StopIteration))
		return coro__deliver(coro__stop_suspended(value), CORO__SITE);
	return value;
}

/* ---- The body itself --------------------------------------------------- */

/* Where the resumer called: it is on its stack, as the address that the switch goes on at. */
static uintptr_t resumer_site(const struct coro_generator *root)
{
	return root->resumer_site ? root->resumer_site : coro__saved_site(root->resumer_sp);
}

/* The outcome goes to who resumed the chain: as it is, or as a StopIteration. */
static inline coro_value hand_up(struct coro_generator *root, coro_value result)
{
	if (root->flags & CORO__BODY_RAW) {
		if (coro_raised(result))
			coro__deliver_quietly(root->resumer, result);
		else
			root->flags |= CORO__BODY_RETURNED;
	} else if (coro_raised(result)) {
		coro__deliver_to(root->resumer, result, resumer_site(root));
	} else {
		result = coro__stop_deliver_to(root->resumer, result, resumer_site(root));
	}
	return result;
}

/* The outcome goes to who delegates. In Python a throw goes down the chain call by call, and on the
 * way back up each of them is thrown into: there the error gets a context. */
static void hand_out(struct coro_generator *root, const struct coro_generator *body,
					 struct coro_generator *outer, coro_value result)
{
	if (CORO__LIKELY(root->thrown != body)) {
		coro__deliver_to(outer, result, outer->site);
		return;
	}
	root->thrown = outer;
	if (coro_raised(result))
		coro__throw_into(outer, result, outer->site);
}

static void __attribute__((noreturn)) finish(struct coro_generator *body, coro_value result)
{
	struct coro_generator *root = body->root, *outer = NULL, *receiver = root->resumer;
	void *sp = root->resumer_sp;
	uint32_t peer;

	if (CORO__UNLIKELY(coro_raised(result)) && coro__may_not_leave(body, result))
		result = coro__stop_leaked(body, result);
	if (body != root) {
		outer = receiver = coro__delegator(root, body);
		sp = outer->sp;
	}
	peer = outer ? outer->object.row : coro__resumer_row(root);
	if (coro_raised(result))
		coro__event_value(&body->object, CORO_EVENT_RAISE,
						  state_after(result, body->flags & CORO__BODY_CLOSING), peer, 0, result);
	else
		coro__event_value(&body->object, CORO_EVENT_RETURN, CORO_STATE_DONE, peer, 0, result);

	coro__hand_over(receiver, result);
	if (outer) {
		hand_out(root, body, outer, result);
		coro__undelegate(root, outer, CORO_STATE_RUNNING, result);
		outer->root = root;
	} else {
		result = hand_up(root, result);
	}
	coro__errors_free(&body->errors);
	coro__give_stack(body);
	coro__cross(body, receiver, sp, result, true);
	__builtin_unreachable();
}

void coro__body_main(struct coro_generator *body, coro_value first)
{
	(void)first;
	coro__tools_arrived();
	finish(body, body->function(body->argument));
}
