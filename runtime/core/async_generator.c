/*
 * async_generator.c - steps of async generators, and what becomes of those that are dropped.
 *
 * A step drives its generator as a root of its own: what the generator awaits, comes up through the
 * step to whoever drives that, and on to the task; an item that it yields ends the step.
 *
 *     consumer -- await --> step -- next, send, throw --> generator
 *        ^                   |  GAVE: an item <-------------- yield
 *        |<-- suspends with -+  else: a future <------------- await
 *
 *     INIT ---- the first send or throw ----> BEGUN ---- item, end, error ----> OVER
 *
 * The rules are those of CPython's genobject.c, whose order of checks decides what is raised when
 * several things are wrong. An async generator's own flags: STEPPING (ag_running_async) while a
 * step has begun and not ended, ENDED (ag_closed) once it was closed or has run out.
 */
#include <coroscope/async_iterator.h>
#include "body.h"

enum step_kind { ASEND, ATHROW, ACLOSE };
enum step_state { INIT, BEGUN, OVER };

struct coro_async_step {
	struct coro_generator *generator; /* kept by its count of steps */
	enum step_kind kind;
	enum step_state state;
	unsigned awaited; /* calls that await it right now */
	coro_value value; /* ASEND: what is sent; ATHROW: the exception, kept */

	/* Of one that a task drives. */
	coro_value thrown;             /* into it before it began: raised, kept; else None */
	bool consumed;                 /* it is freed when it is over */
	struct coro_async_step **kept; /* where its owner has it until it begins; or NULL */
};

const char coro_asend_type[] = "async_generator_asend",
		   coro_athrow_type[] = "async_generator_athrow";

/* What came of driving a step. */
enum step_outcome {
	SUSPENDS, /* the value goes to whoever drives the consumer */
	ENDS,     /* the value is the result of the await */
	RAISES,
};

struct outcome {
	enum step_outcome kind;
	coro_value value;
};

/* ---- Driving the generator --------------------------------------------- */

static struct outcome raises(coro_value raised)
{
	return (struct outcome){RAISES, raised};
}

static struct outcome raises_text(const struct coro_exception_type *type, const char *before,
								  const char *text)
{
	return raises(coro__raise_text(type, before, text, 0));
}

static struct outcome drive(struct coro_generator *body, coro_value value, uintptr_t site)
{
	enum coro__entering entry = coro_raised(value)    ? CORO__ENTER_THROW
								: coro_is_none(value) ? CORO__ENTER_NEXT
													  : CORO__ENTER_SEND;

	if (coro__finished(body))
		return raises(coro_raised(value)
						  ? value
						  : coro__raise_value_at(0, CORO_StopAsyncIteration, CORO_NONE));
	body->flags &= ~(uint32_t)CORO__BODY_GAVE;
	body->task = coro__current_task();
	value = coro__drive(body, entry, value, site, true, 0);
	if (coro_raised(value))
		return raises(value);
	if (body->flags & CORO__BODY_RETURNED)
		return raises(coro__raise_value_at(0, CORO_StopAsyncIteration, CORO_NONE));
	return (struct outcome){body->flags & CORO__BODY_GAVE ? ENDS : SUSPENDS, value};
}

static bool ends_it(coro_value raised)
{
	return coro_is(raised, CORO_StopAsyncIteration) || coro_is(raised, CORO_GeneratorExit);
}

/* async_gen_unwrap_value */
static struct outcome unwrap(struct coro_generator *body, struct outcome outcome)
{
	if (outcome.kind == RAISES && ends_it(outcome.value))
		body->flags |= CORO__BODY_ENDED;
	if (outcome.kind != SUSPENDS)
		body->flags &= ~(uint32_t)CORO__BODY_STEPPING;
	return outcome;
}

/* ---- Steps ------------------------------------------------------------- */

static struct outcome used_already(const struct coro_async_step *step)
{
	return raises_text(CORO_RuntimeError, "cannot reuse already awaited ",
					   step->kind == ASEND ? "__anext__()/asend()" : "aclose()/athrow()");
}

static struct outcome busy(struct coro_async_step *step)
{
	step->state = OVER;
	return raises_text(CORO_RuntimeError,
					   step->kind == ASEND    ? "anext()"
					   : step->kind == ATHROW ? "athrow()"
											  : "aclose()",
					   ": asynchronous generator is already running");
}

static struct outcome over_unless_suspended(struct coro_async_step *step, struct outcome outcome)
{
	if (outcome.kind != SUSPENDS)
		step->state = OVER;
	return outcome;
}

static struct outcome asend_send(struct coro_async_step *step, coro_value value, uintptr_t site)
{
	struct coro_generator *body = step->generator;

	if (step->state == INIT) {
		if (body->flags & CORO__BODY_STEPPING)
			return busy(step);
		if (coro_is_none(value))
			value = step->value;
		step->state = BEGUN;
	}
	body->flags |= CORO__BODY_STEPPING;
	return over_unless_suspended(step, unwrap(body, drive(body, value, site)));
}

/* aclose(): an item is an error; the end, or GeneratorExit, is what was wanted. */
static struct outcome closed(struct coro_async_step *step, struct outcome outcome)
{
	struct coro_generator *body = step->generator;

	if (outcome.kind == SUSPENDS)
		return outcome;
	body->flags &= ~(uint32_t)CORO__BODY_STEPPING;
	step->state = OVER;
	if (outcome.kind == ENDS)
		return raises_text(CORO_RuntimeError, "async generator ignored GeneratorExit", "");
	if (ends_it(outcome.value))
		return (struct outcome){ENDS, CORO_NONE};
	return outcome;
}

static struct outcome athrow_begin(struct coro_async_step *step, coro_value value, uintptr_t site)
{
	struct coro_generator *body = step->generator;
	struct outcome outcome;
	coro_value exit;

	if (body->flags & CORO__BODY_STEPPING)
		return busy(step);
	if (body->flags & CORO__BODY_ENDED) {
		step->state = OVER;
		return raises(coro__raise_value_at(0, CORO_StopAsyncIteration, CORO_NONE));
	}
	if (!coro_is_none(value))
		return raises_text(CORO_RuntimeError,
						   "can't send non-None value to a just-started coroutine", "");
	step->state = BEGUN;
	body->flags |= CORO__BODY_STEPPING;
	if (step->kind == ATHROW) {
		outcome = unwrap(body, drive(body, coro__raised_value(step->value), site));
		return over_unless_suspended(step, outcome);
	}
	body->flags |= CORO__BODY_ENDED;
	exit = coro__exception_new(CORO_GeneratorExit, "%s", "");
	outcome = closed(step, drive(body, exit, site));
	coro_drop(exit);
	return outcome;
}

static struct outcome athrow_send(struct coro_async_step *step, coro_value value, uintptr_t site)
{
	struct coro_generator *body = step->generator;

	if (coro__finished(body)) {
		step->state = OVER;
		return (struct outcome){ENDS, CORO_NONE};
	}
	if (step->state == INIT)
		return athrow_begin(step, value, site);
	if (step->kind == ATHROW)
		return unwrap(body, drive(body, value, site));
	return closed(step, drive(body, value, site));
}

static struct outcome step_send(struct coro_async_step *step, coro_value value, uintptr_t site)
{
	if (step->state == OVER)
		return used_already(step);
	return step->kind == ASEND ? asend_send(step, value, site) : athrow_send(step, value, site);
}

static struct outcome step_throw(struct coro_async_step *step, coro_value raised, uintptr_t site)
{
	struct coro_generator *body = step->generator;
	struct outcome outcome;

	if (step->state == OVER)
		return used_already(step);
	if (step->state == INIT) {
		if (body->flags & CORO__BODY_STEPPING)
			return busy(step);
		step->state = BEGUN;
		body->flags |= CORO__BODY_STEPPING;
	}
	outcome = drive(body, raised, site);
	if (step->kind != ACLOSE)
		return over_unless_suspended(step, unwrap(body, outcome));
	if (outcome.kind == ENDS)
		return closed(step, outcome);
	if (outcome.kind == RAISES) {
		body->flags &= ~(uint32_t)CORO__BODY_STEPPING;
		step->state = OVER;
		if (ends_it(outcome.value))
			outcome = (struct outcome){ENDS, CORO_NONE};
	}
	return outcome;
}

/* None, or raised. */
static coro_value step_close(struct coro_async_step *step, uintptr_t site)
{
	struct outcome outcome;
	coro_value exit;

	if (step->state == OVER)
		return CORO_NONE;
	exit = coro__exception_new(CORO_GeneratorExit, "%s", "");
	outcome = step_throw(step, exit, site);
	coro__deliver_quietly(coro__current(), exit);
	coro_drop(exit);
	if (outcome.kind == SUSPENDS)
		return coro__raise_text(CORO_RuntimeError, "coroutine ignored GeneratorExit", "", site);
	if (outcome.kind == ENDS || ends_it(outcome.value) ||
		coro_is(outcome.value, CORO_StopIteration))
		return CORO_NONE;
	return outcome.value;
}

/* ---- By hand ----------------------------------------------------------- */

static coro_value handed(struct outcome outcome, uintptr_t site)
{
	if (outcome.kind == SUSPENDS)
		return outcome.value;
	if (outcome.kind == ENDS)
		return coro__deliver(coro__raise_value_at(0, CORO_StopIteration, outcome.value), site);
	return coro__deliver(outcome.value, site);
}

coro_value(coro_async_step_send)(struct coro_async_step *step, coro_value value)
{
	CORO__CHECK(step, CORO__SLOT_STEP);
	if (coro_raised(value))
		return value;
	return handed(step_send(step, value, CORO__SITE), CORO__SITE);
}

coro_value(coro_async_step_throw)(struct coro_async_step *step, coro_value exception)
{
	CORO__CHECK(step, CORO__SLOT_STEP);
	return handed(step_throw(step, coro__raised_value(exception), CORO__SITE), CORO__SITE);
}

coro_value(coro_async_step_close)(struct coro_async_step *step)
{
	CORO__CHECK(step, CORO__SLOT_STEP);
	return coro__deliver(step_close(step, CORO__SITE), CORO__SITE);
}

/* ---- Awaited ----------------------------------------------------------- */

/* PEP 380, with the step for what is delegated to. */
static coro_value await_step(struct coro_async_step *step, uintptr_t site)
{
	const struct coro_generator *self = coro__current();
	struct outcome outcome;
	coro_value sent, error;

	if (!self || !coro__awaits(self))
		return coro__raise_text(CORO_RuntimeError, "await outside a coroutine", "", site);
	if (CORO__LIKELY(coro_is_none(step->thrown)))
		outcome = step_send(step, CORO_NONE, site);
	else
		outcome = step_throw(step, step->thrown, site);
	while (outcome.kind == SUSPENDS) {
		step->awaited++;
		sent = coro__suspend(outcome.value, site);
		step->awaited--;
		if (!coro_raised(sent)) {
			outcome = step_send(step, sent, site);
		} else if (coro_is(sent, CORO_GeneratorExit)) {
			coro_keep(sent);
			error = step_close(step, site);
			error = coro__deliver(coro_raised(error) ? error : sent, site);
			coro_drop(sent);
			return error;
		} else {
			outcome = step_throw(step, sent, site);
		}
	}
	if (outcome.kind == ENDS)
		return outcome.value;
	/* What a generator that had not begun was given to raise: to an await it is the result. */
	if (coro_is(outcome.value, CORO_StopIteration))
		return coro_exception_value(outcome.value);
	return coro__deliver(outcome.value, site);
}

coro_value coro__async_step_await_at(struct coro_async_step *step, uintptr_t site)
{
	return await_step(coro__check(step, CORO__SLOT_STEP, site), site);
}

coro_value(coro_async_step_await)(struct coro_async_step *step)
{
	CORO__CHECK(step, CORO__SLOT_STEP);
	return await_step(step, CORO__SITE);
}

bool coro__is_async_step(coro_value value)
{
	const char *type = coro_kind(value) == CORO_VALUE_POINTER ? coro_type_name(value) : NULL;

	return type == coro_asend_type || type == coro_athrow_type;
}

static coro_value await_value(coro_value value)
{
	struct coro_async_step *step = coro__check(coro_as_ptr(value), CORO__SLOT_STEP, 0);
	coro_value result;

	if (step->kept)
		*step->kept = NULL;
	result = await_step(step, 0);
	coro_drop(step->thrown);
	step->thrown = CORO_NONE;
	if (step->consumed)
		coro_async_step_free(step);
	return result;
}

struct coro_generator *coro__async_step_coroutine(struct coro_async_step *step, bool consumed,
												  struct coro_async_step **kept, uintptr_t site)
{
	coro_value value = coro_async_step_value(step);
	struct coro_async_step *here = coro__address(step);

	here->consumed = consumed;
	here->kept = kept;
	return coro__coroutine_at(await_value, value, coro_type_name(value), NULL, site);
}

bool coro__step_takes(struct coro_generator *body, coro_value raised)
{
	if (body->function != await_value)
		return false;
	((struct coro_async_step *)coro__address(coro_as_ptr(body->argument)))->thrown =
		coro_keep(raised);
	return true;
}

/* ---- Hooks ------------------------------------------------------------- */

struct coro__hooks coro__hooks_swap(struct coro__hooks hooks)
{
	struct coro__hooks before = coro__local.hooks;

	coro__local.hooks = hooks;
	return before;
}

void coro_set_async_generator_hooks(coro_first_iteration_hook *first_iterated,
									coro_finalizer_hook *finalize, void *data)
{
	coro__local.hooks = (struct coro__hooks){first_iterated, finalize, data};
}

/* False: the hook has no memory, and takes the mark back: it will be asked again. */
static bool first_step(struct coro_generator *body)
{
	const struct coro__hooks *hooks = &coro__local.hooks;

	if (body->flags & CORO__BODY_HOOKED)
		return true;
	body->flags |= CORO__BODY_HOOKED;
	body->finalize = hooks->finalize;
	body->finalize_data = hooks->data;
	if (hooks->first_iterated)
		hooks->first_iterated(coro__handle(body), hooks->data);
	return body->flags & CORO__BODY_HOOKED;
}

bool coro__finalize(struct coro_generator *body, bool *ret_dropped)
{
	if (body->object.kind != CORO_OBJECT_ASYNC_GENERATOR || coro__finished(body) || !body->finalize)
		return false;
	/* Once is enough: it did not end when the hook closed it. */
	*ret_dropped = body->flags & CORO__BODY_FINALIZING;
	if (body->flags & (CORO__BODY_ENDED | CORO__BODY_FINALIZING))
		return false;
	body->flags |= CORO__BODY_FINALIZING;
	if (body->finalize(coro__handle(body), body->finalize_data))
		return true;
	*ret_dropped = true;
	return false;
}

/* ---- Life of a step ---------------------------------------------------- */

/* False: memory is out. */
static bool prepare(struct coro_async_step *step, struct coro_generator *handle,
					enum step_kind kind, coro_value value, uintptr_t site)
{
	struct coro_generator *body = coro__check(handle, CORO_OBJECT_ASYNC_GENERATOR, site);

	if (!first_step(body))
		return false;
	body->steps++;
	*step = (struct coro_async_step){.generator = body,
									 .kind = kind,
									 .state = INIT,
									 .value = coro_keep(value),
									 .thrown = CORO_NONE};
	return true;
}

static void let_go(struct coro_async_step *step)
{
	struct coro_generator *body = step->generator;

	coro_drop(step->value);
	if (--body->steps || !(body->flags & CORO__BODY_FREED))
		return;
	body->flags &= ~(uint32_t)CORO__BODY_FREED;
	coro__free_at(body, 0);
}

static struct coro_async_step *step_new(struct coro_generator *body, enum step_kind kind,
										coro_value value, uintptr_t site)
{
	struct coro_async_step *step = coro__slot_take(CORO__SLOT_STEP, sizeof(*step));

	if (!step || prepare(step, body, kind, value, site))
		return step;
	coro__slot_give(CORO__SLOT_STEP, step);
	return NULL;
}

struct coro_async_step *coro_asend_step(struct coro_generator *body, coro_value value)
{
	return coro__handle(step_new(body, ASEND, value, CORO__CALLER));
}

struct coro_async_step *coro_athrow_step(struct coro_generator *body, coro_value exception)
{
	return coro__handle(step_new(body, ATHROW, exception, CORO__CALLER));
}

struct coro_async_step *coro_aclose_step(struct coro_generator *body)
{
	return coro__handle(step_new(body, ACLOSE, CORO_NONE, CORO__CALLER));
}

void coro__async_step_discard(struct coro_async_step *step)
{
	step = coro__address(step);
	if (!step)
		return;
	let_go(step);
	coro__slot_give(CORO__SLOT_STEP, step);
}

void coro_async_step_free(struct coro_async_step *step)
{
	static const char *const methods[] = {"asend", "athrow", "aclose"};

	if (!step)
		return;
	CORO__CHECK(step, CORO__SLOT_STEP);
	if (step->awaited)
		coro__misused(&step->generator->object, "has a step that is freed while it is awaited",
					  CORO__CALLER);
	if (step->state == INIT)
		coro__report_about(coro_object(step->generator), CORO_REPORT_NEVER_AWAITED, CORO_NONE,
						   "RuntimeWarning: coroutine method '%s' of '%s' was never awaited",
						   methods[step->kind], step->generator->object.name);
	coro__async_step_discard(step);
}

coro_value coro_async_step_value(struct coro_async_step *step)
{
	const struct coro_async_step *here = coro__check(step, CORO__SLOT_STEP, CORO__CALLER);

	return coro_typed_ptr(step, here->kind == ASEND ? coro_asend_type : coro_athrow_type);
}

/* ---- The short forms --------------------------------------------------- */

static coro_value await_new(struct coro_generator *body, enum step_kind kind, coro_value value,
							uintptr_t site)
{
	struct coro_async_step step;
	coro_value result;

	if (kind == ASEND && coro_raised(value))
		return value;
	if (!prepare(&step, body, kind, value, site))
		return coro__raise_at(site, CORO_MemoryError, "out of memory");
	result = await_step(&step, site);
	let_go(&step);
	return result;
}

coro_value coro__anext_at(struct coro_generator *body, uintptr_t site)
{
	return await_new(body, ASEND, CORO_NONE, site);
}

coro_value coro__aclose_at(struct coro_generator *body, uintptr_t site)
{
	return await_new(body, ACLOSE, CORO_NONE, site);
}

coro_value(coro_anext)(struct coro_generator *body)
{
	return await_new(body, ASEND, CORO_NONE, CORO__SITE);
}

coro_value(coro_asend)(struct coro_generator *body, coro_value value)
{
	return await_new(body, ASEND, value, CORO__SITE);
}

coro_value(coro_athrow)(struct coro_generator *body, coro_value exception)
{
	return await_new(body, ATHROW, exception, CORO__SITE);
}

coro_value(coro_aclose)(struct coro_generator *body)
{
	return await_new(body, ACLOSE, CORO_NONE, CORO__SITE);
}

bool coro__async_iterate(struct coro__async_source source, coro_value *ret_item)
{
	if (source.iterator)
		*ret_item = coro__iterator_next_at(&source.iterator->iterator, CORO__SITE);
	else
		*ret_item = await_new(source.generator, ASEND, CORO_NONE, CORO__SITE);
	if (coro_raised(*ret_item) && coro_is(*ret_item, CORO_StopAsyncIteration))
		*ret_item = CORO_NONE;
	else if (!coro_raised(*ret_item))
		return true;
	return false;
}
