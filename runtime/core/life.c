/*
 * life.c - how bodies begin and end: control blocks, stacks, threads.
 *
 * A control block is not on its body's stack: a finished body needs no stack but still answers
 * (next of a finished generator: StopIteration). It stands in a slot (slot.h).
 */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
#include <coroscope/async_generator.h>
#include "../context/context.h"
#include "body.h"
#include "check.h"

__thread struct coro__active coro__active __attribute__((tls_model("initial-exec")));
__thread struct coro__local coro__local __attribute__((tls_model("initial-exec")));

static void close_for_good(struct coro_generator *body, uintptr_t site);

/* ---- Threads ----------------------------------------------------------- */

static uint32_t threads; /* that have ever made something */
static pthread_key_t thread_end;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* What the thread's end leaves suspended is closed, in the order of creation. */
static void end_thread(void *data)
{
	struct coro__local *local = &coro__local;
	struct coro_generator *body;
	struct coro__stack_pool *pool, *next_pool;

	if (!local->ready || coro__active.current)
		return;
	coro__tasklets_end();
	coro__greenlets_end();
	for (body = local->first; body;) {
		uint64_t serial = body->object.serial;

		if (!coro__is_greenlet(body) && !coro__finished(body))
			close_for_good(body, 0);
		/* Its cleanup frees what it owns: others of the list, if not itself. */
		body = body->object.magic == CORO_OBJECT_MAGIC && body->object.serial == serial
				   ? body->next
				   : local->first;
	}
	for (body = local->first; body; body = body->next)
		body->delegators = body->delegate = NULL;
	while (local->first)
		coro__dispose(local->first);
	coro__main_tasklet_free();
	coro__main_greenlet_free();
	coro__context_drop(&coro__thread_context);
	coro__errors_free(&local->errors);
	coro__count_done();
	coro__overflow_unwatch();
	for (pool = local->pool; pool; pool = next_pool) {
		next_pool = pool->next;
		coro__stack_pool_done(pool);
		free(pool);
	}
	local->pool = NULL;
	coro_probe_thread_end();
	coro__pools_leave();
	coro__active.thread = 0;
	local->ready = local->plain = false;
}

static void make_key(void)
{
	(void)pthread_key_create(&thread_end, end_thread);
}

/* The main thread ends with the process: what is suspended then is the system's to clear, as is
 * its memory. Only what nobody can reach any more is given back, for the leak checkers' sake. */
__attribute__((destructor)) static void end_process(void)
{
	struct coro__local *local = &coro__local;

	if (local->ready && !coro__active.current && !local->first)
		end_thread(NULL);
	coro__pools_free_left();
}

void coro__local_init(void)
{
	struct coro__local *local = &coro__local;

	if (CORO__LIKELY(local->ready))
		return;
	pthread_once(&once, make_key);
	pthread_setspecific(thread_end, local);
	local->ready = true;
	do
		coro__active.thread = __atomic_add_fetch(&threads, 1, __ATOMIC_RELAXED);
	while (!coro__active.thread);
	coro__layout_thread();
	local->tools = coro__tools_present();
	if (local->tools & CORO__TOOLS_SWITCHES)
		coro__active.careful = 1;
	coro_probe_thread_begin(coro__present_all);
	if (!local->stack_size)
		local->stack_size = CORO__STACK_DEFAULT;
	coro__overflow_watch();
}

void coro_set_options(const struct coro_options *options)
{
	struct coro__local *local = &coro__local;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t size = options->stack_size ? options->stack_size : CORO__STACK_DEFAULT;

	coro__local_init();
	/* Below that not even a printf fits. */
	if (size < 4 * page)
		size = 4 * page;
	local->stack_size = (size + page - 1) & ~(page - 1);
	local->plain = false; /* until create_slowly() has found the pool of that size */
	local->own_fpu_control = options->own_fpu_control;
	coro__active.careful = (local->tools & CORO__TOOLS_SWITCHES) || options->own_fpu_control;
}

static struct coro__stack_pool *pool_of(struct coro__local *local)
{
	struct coro__stack_pool **place = &local->pool, *pool;

	if (CORO__LIKELY(*place && (*place)->size == local->stack_size))
		return *place;
	while (*place && (*place)->size != local->stack_size)
		place = &(*place)->next;
	pool = *place;
	if (pool)
		*place = pool->next;
	else
		pool = calloc(1, sizeof(*pool));
	if (!pool)
		return NULL;
	pool->size = local->stack_size;
	pool->next = local->pool;
	local->pool = pool;
	local->plain = !local->tools;
	return pool;
}

size_t coro__pools_size(const struct coro_generator *body)
{
	return body->pool->size;
}

/* ---- Creation ---------------------------------------------------------- */

static inline void link_last(struct coro__local *local, struct coro_generator *body)
{
	body->next = NULL;
	body->previous = local->last;
	if (local->last)
		local->last->next = body;
	else
		local->first = body;
	local->last = body;
	local->bodies++;
}

static inline void unlink_body(struct coro__local *local, struct coro_generator *body)
{
	if (body->previous)
		body->previous->next = body->next;
	else
		local->first = body->next;
	if (body->next)
		body->next->previous = body->previous;
	else
		local->last = body->previous;
	local->bodies--;
}

/* What a new one is besides its stack's place and its identity. What a freed body leaves in its
 * slot needs no setting: nobody delegates to it and it to nobody, no errors, steps and hooks. */
static inline void begin(struct coro__local *local, struct coro_generator *body, char *base,
						 coro_function *function, coro_value argument)
{
	body->stack_base = base;
	body->pool = local->pool;
	body->sp = coro__stack_prepare(base - CORO__ERRORS_ROOM, body);
	body->leaf = body;
	body->flags = 0;
	body->function = function;
	body->argument = argument;
	body->local = local;
	coro__set_task(body, NULL);
	link_last(local, body);
}

static struct coro_generator *__attribute__((noinline))
create_slowly(enum coro_object_kind kind, coro_function *function, coro_value argument,
			  const char *name, const char *site, uintptr_t pc)
{
	struct coro__local *local = &coro__local;
	struct coro__stack_pool *pool;
	struct coro_generator *body;
	char *base;

	coro__local_init();
	coro__reap();
	pool = pool_of(local);
	body = pool ? coro__slot_take_as(CORO__SLOT_BODY, kind, sizeof(*body)) : NULL;
	if (!body)
		return NULL;
	body->stack = coro__stack_take(pool, &base);
	if (!body->stack) {
		coro__slot_give(CORO__SLOT_BODY, body);
		return NULL;
	}
	begin(local, body, base, function, argument);
	if (local->tools)
		coro__tools_adopt(body);
	coro_probe_object_init(&body->object, kind, name, site);
	body->object.parent = coro__current_row();
	if (coro_probe_mask())
		coro_probe_stack(&body->object, pool->size);
	coro__event_value(&body->object, CORO_EVENT_CREATE, CORO_STATE_CREATED, body->object.parent, pc,
					  argument);
	if (coro_probe_stacks() != CORO_STACKS_NONE)
		coro__rests(body, body->sp);
	return body;
}

/* When all that it takes is at hand, and nobody looks, there is no call in this function. */
static inline struct coro_generator *create(enum coro_object_kind kind, coro_function *function,
											coro_value argument, const char *name, const char *site,
											uintptr_t pc)
{
	struct coro__local *local = &coro__local;
	struct coro_generator *body;
	char *base;

	if (CORO__UNLIKELY(!local->plain || !coro__slot_at_hand(CORO__SLOT_BODY) ||
					   !coro__stack_at_hand(local->pool) || !coro__probe_row_at_hand() ||
					   coro_probe_mask()))
		return create_slowly(kind, function, argument, name, site, pc);
	body = coro__slot_take_free(CORO__SLOT_BODY, kind);
	body->stack = coro__stack_take_warm(local->pool, &base);
	begin(local, body, base, function, argument);
	coro__probe_object_init_at_hand(&body->object, kind, name, site);
	body->object.parent = coro__current_row();
	body->object.state = CORO_STATE_CREATED;
	return body;
}

struct coro_generator *(coro_generator_named)(coro_function *function, coro_value argument,
											  const char *name, const char *site)
{
	return coro__handle(create(CORO_OBJECT_GENERATOR, function, argument, name, site, CORO__SITE));
}

struct coro_generator *coro_async_generator_named(coro_function *function, coro_value argument,
												  const char *name, const char *site)
{
	return coro__handle(
		create(CORO_OBJECT_ASYNC_GENERATOR, function, argument, name, site, CORO__SITE));
}

struct coro_generator *(coro_coroutine_named)(coro_function *function, coro_value argument,
											  const char *name, const char *site)
{
	return coro__handle(create(CORO_OBJECT_COROUTINE, function, argument, name, site, CORO__SITE));
}

struct coro_generator *coro__body_new(enum coro_object_kind kind, coro_function *function,
									  coro_value argument, const char *name, const char *site,
									  uintptr_t pc)
{
	return create(kind, function, argument, name, site, pc);
}

struct coro_generator *coro__main_body_new(enum coro_object_kind kind)
{
	struct coro_generator *body;

	coro__local_init();
	body = coro__slot_take_as(CORO__SLOT_BODY, kind, sizeof(*body));
	if (!body)
		return NULL;
	coro__local.main_bodies++;
	body->leaf = NULL;
	body->local = &coro__local;
	coro__set_task(body, NULL);
	coro_probe_object_init(&body->object, kind, "main", NULL);
	coro_probe_event(&body->object, CORO_EVENT_CREATE, CORO_STATE_RUNNING, 0, 0, NULL);
	return body;
}

void coro__main_body_free(struct coro_generator *body)
{
	coro_probe_event(&body->object, CORO_EVENT_DESTROY, CORO_STATE_NONE, 0, 0, NULL);
	coro_probe_object_done(&body->object);
	coro__local.main_bodies--;
	coro__slot_give(CORO__SLOT_BODY, body);
}

struct coro_generator *coro__coroutine_at(coro_function *function, coro_value argument,
										  const char *name, const char *site, uintptr_t call)
{
	return create(CORO_OBJECT_COROUTINE, function, argument, name, site, call);
}

/* ---- The end ----------------------------------------------------------- */

void coro__reap(void)
{
	struct coro_generator *body = coro__local.ended;

	if (!body)
		return;
	coro__local.ended = NULL;
	coro__tools_release(body);
	coro__stack_give(body->pool, body->stack);
	body->stack = NULL;
	body->stack_base = NULL;
}

void coro__give_stack(struct coro_generator *body)
{
	if (!body->stack)
		return;
	/* One that has ended ran until then. */
	if (coro__active.current != body && coro_probe_stacks() != CORO_STACKS_NONE)
		coro_probe_runs(&body->object);
	if (CORO__UNLIKELY(body->local->tools)) {
		if (body->local->ended != body)
			coro__reap();
		body->local->ended = body;
		if (coro__active.current != body)
			coro__reap();
		return;
	}
	coro__stack_give(body->pool, body->stack);
	body->stack = NULL;
	body->stack_base = NULL;
	body->sp = NULL;
}

static void __attribute__((noinline)) dispose_slowly(struct coro_generator *body)
{
	if (body->delegators) {
		body->flags |= CORO__BODY_FREED;
		return;
	}
	if (body->forget) {
		body->forget(body, body->finalize_data);
		body->forget = NULL;
	}
	body->finalize = NULL;
	coro__errors_free(&body->errors);
	coro__give_stack(body);
	coro_probe_event(&body->object, CORO_EVENT_DESTROY, CORO_STATE_NONE, 0, 0, NULL);
	coro_probe_object_done(&body->object);
	unlink_body(body->local, body);
	coro__slot_give(CORO__SLOT_BODY, body);
}

void coro__dispose(struct coro_generator *body)
{
	if (CORO__UNLIKELY(body->delegators || body->finalize || body->forget || body->errors ||
					   body->stack || !coro__probe_row_returns(&body->object) ||
					   coro_probe_mask())) {
		dispose_slowly(body);
		return;
	}
	coro__probe_object_done_at_hand(&body->object);
	body->object.state = CORO_STATE_NONE;
	unlink_body(body->local, body);
	coro__slot_give(CORO__SLOT_BODY, body);
}

/* G18: closes a suspended body; nobody is there to catch what comes out. */
static void close_for_good(struct coro_generator *body, uintptr_t site)
{
	struct coro__errors saved = coro__errors_save();
	coro_value outcome = coro__close(body, site);

	if (coro_raised(outcome))
		coro__report_about(coro_object(body), CORO_REPORT_UNRAISABLE, coro_caught(outcome),
						   "Exception ignored in: <%s object %s>", coro__kind_name(&body->object),
						   body->object.name);
	coro__errors_restore(&saved);
}

void coro__insist(bool insists)
{
	coro__local.insists = insists;
}

/* It ignored that it was closed, which was reported. */
static void close_again(struct coro_generator *body, uintptr_t site)
{
	enum { PATIENCE = 100 };
	struct coro__errors saved = coro__errors_save();

	for (int i = 0; i < PATIENCE && !coro_finished(body); i++)
		coro__close(body, site);
	coro__errors_restore(&saved);
}

void coro_hold(struct coro_generator *body)
{
	CORO__CHECK_BODY(body);
	body->flags |= CORO__BODY_HELD;
}

/* The owner gives up the handle: true when somebody else still has the body. */
static bool somebody_has(struct coro_generator *body)
{
	bool held = body->flags & CORO__BODY_HELD;

	body->flags &= ~(uint32_t)CORO__BODY_HELD;
	if (held && body->flags & CORO__BODY_CONSUMED)
		return true;
	if (!body->steps && !(held && (body->delegators || coro__executing(body) == body)))
		return false;
	body->flags |= CORO__BODY_FREED;
	return true;
}

/* It goes without an end, having ignored that it was closed, or because a hook did not close it:
 * what it delegates to has nobody else now. */
static void abandon_delegate(struct coro_generator *body, uintptr_t site)
{
	struct coro_generator *inner = body->delegate;
	bool freed = inner->flags & CORO__BODY_FREED && !coro__finished(inner);

	coro__unlink(body, body);
	if (inner->delegators)
		return;
	if (freed) {
		inner->flags &= ~(uint32_t)CORO__BODY_FREED;
		coro__free_at(inner, site);
	} else if (inner->flags & CORO__BODY_CONSUMED) {
		coro__release(inner);
	}
}

void coro__free_at(struct coro_generator *body, uintptr_t site)
{
	bool dropped = false;

	if (body->flags & CORO__BODY_FREED)
		coro__misused(&body->object, "is freed twice", site);
	if (somebody_has(body))
		return;
	if (coro__executing(body) == body)
		coro__misused(&body->object, "is freed while it is running", site);
	if (body->object.state == CORO_STATE_CREATED &&
		body->object.kind != CORO_OBJECT_ASYNC_GENERATOR) {
		if (body->object.kind == CORO_OBJECT_COROUTINE && !(body->flags & CORO__BODY_AWAITED))
			coro__report_about(coro_object(body), CORO_REPORT_NEVER_AWAITED, CORO_NONE,
							   "RuntimeWarning: coroutine '%s' was never awaited",
							   body->object.name);
	} else if (coro__finalize(body, &dropped)) {
		return;
	} else if (body->object.state != CORO_STATE_CREATED && !coro__finished(body) && !dropped) {
		close_for_good(body, site);
		if (CORO__UNLIKELY(body->local->insists))
			close_again(body, site);
	}
	if (body->object.state == CORO_STATE_DELEGATING)
		abandon_delegate(body, site);
	coro__dispose(body);
}

void coro_free(struct coro_generator *body)
{
	if (body)
		coro__free_at(coro__check_body(body, CORO__SITE), CORO__SITE);
}

void coro__free_at_end(struct coro_generator **generator)
{
	if (*generator)
		coro__free_at(coro__check_body(*generator, CORO__SITE), CORO__SITE);
	*generator = NULL;
}

void coro__release(struct coro_generator *body)
{
	body->flags &= ~(uint32_t)CORO__BODY_CONSUMED;
	if (!(body->flags & CORO__BODY_HELD))
		coro__free_at(body, 0);
}

void coro__release_finished(struct coro_generator *body)
{
	body->flags &= ~(uint32_t)CORO__BODY_CONSUMED;
	if (CORO__LIKELY(!(body->flags & (CORO__BODY_HELD | CORO__BODY_FREED)) && !body->steps &&
					 coro__finished(body)))
		coro__dispose(body);
	else if (!(body->flags & CORO__BODY_HELD))
		coro__free_at(body, 0);
}

const struct coro_generator *coro__first_body(void)
{
	return coro__local.first;
}

struct coro_census coro_census(void)
{
	const struct coro__local *local = &coro__local;
	struct coro_census census = {.bodies = local->bodies,
								 .exceptions = coro__exceptions_alive(),
								 .objects = coro__slots_taken() - local->main_bodies};

	for (const struct coro__stack_pool *pool = local->pool; pool; pool = pool->next) {
		census.stacks_used += pool->used;
		census.stacks_pooled += pool->count;
		census.stacks_unguarded += pool->unguarded;
	}
	return census;
}
