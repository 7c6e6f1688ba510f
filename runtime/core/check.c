/*
 * check.c - the core's part of coro_check(): bodies, chains, stacks, exceptions; and the counts.
 *
 *     table   [ key count | . | key count | key count | . ... ]     open addressing; a key is the
 *                                                                   thing's address and what is
 *                                                                   counted
 *     stamp: an entry of an earlier check is as good as empty, so nothing is cleared
 */
#include <sys/mman.h>
#include "../context/context.h"
#include "body.h"
#include "check.h"
#include "error.h"

/* ---- Counts ------------------------------------------------------------ */

enum { FIRST_BITS = 12, MOST_BITS = 24 };

struct count {
	uint64_t key;
	uint32_t stamp, count;
};

static __thread struct {
	struct count *table; /* mapped; NULL: none */
	unsigned bits;
	size_t used;
	uint32_t stamp;
	bool overflowed; /* there was not room for all: the next table is larger */
} counts;

void coro__count_done(void)
{
	if (counts.table)
		munmap(counts.table, sizeof(struct count) << counts.bits);
	counts.table = NULL;
}

bool coro__count_begin(void)
{
	coro__local_init(); /* whose end is coro__count_done() */
	if (counts.overflowed && counts.bits < MOST_BITS) {
		coro__count_done();
		counts.bits += 2;
	}
	if (!counts.bits)
		counts.bits = FIRST_BITS;
	counts.overflowed = false;
	if (!counts.table) {
		void *memory = mmap(NULL, sizeof(struct count) << counts.bits, PROT_READ | PROT_WRITE,
							MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		if (memory == MAP_FAILED)
			return false;
		counts.table = memory;
		counts.stamp = 0;
	}
	counts.stamp++;
	counts.used = 0;
	return true;
}

static struct count *find(uint64_t key)
{
	uint64_t at = key * UINT64_C(0x9e3779b97f4a7c15) >> (64 - counts.bits);

	for (;; at = (at + 1) & ((UINT64_C(1) << counts.bits) - 1)) {
		struct count *count = &counts.table[at];

		if (count->stamp != counts.stamp || count->key == key)
			return count;
	}
}

static uint64_t key_of(enum coro__counted what, uintptr_t thing)
{
	return (uint64_t)thing << 2 | what;
}

void coro__count(enum coro__counted what, uintptr_t thing)
{
	struct count *count = counts.table ? find(key_of(what, thing)) : NULL;

	if (!count || counts.overflowed)
		return;
	if (count->stamp == counts.stamp) {
		count->count++;
		return;
	}
	if (++counts.used > (size_t)1 << (counts.bits - 1)) {
		counts.overflowed = true;
		return;
	}
	*count = (struct count){key_of(what, thing), counts.stamp, 1};
}

uint32_t coro__counted(enum coro__counted what, uintptr_t thing)
{
	const struct count *count = find(key_of(what, thing));

	return count->stamp == counts.stamp ? count->count : 0;
}

bool coro__counted_all(void)
{
	return counts.table && !counts.overflowed;
}

/* ---- What is said ------------------------------------------------------ */

void coro__broken(const struct coro_object *object, const char *invariant)
{
	if (!object)
		coro__fatal("coro_check: %s", invariant);
	coro__fatal("coro_check: %s%s%s%s #%llu, created at %s: %s",
				object->kind == CORO_OBJECT_TASK ? "task" : coro_type_name(coro_object(object)),
				object->name ? " '" : "", object->name ? object->name : "", object->name ? "'" : "",
				(unsigned long long)object->serial,
				object->creation_site ? object->creation_site : "?", invariant);
}

void coro__check_object(const struct coro_object *object)
{
	const struct coro__probe_rows *rows = &coro__probe_rows;

	CORO__HOLDS(object->magic == CORO_OBJECT_MAGIC, NULL, "an object that is alive has its magic");
	CORO__HOLDS(object->row, object, "an object that is alive has a row");
	CORO__HOLDS(!rows->rows || object->row >= CORO__PROBE_ROWS ||
					object->gen == rows->rows[object->row].gen,
				object, "an object's row is as often used as it says");
	coro__count(CORO__ROWS, object->row);
}

/* ---- Exceptions -------------------------------------------------------- */

void coro__check_exception(const struct coro_exception *exception)
{
	enum { DEEP = 32 };
	static __thread int depth;

	if (!exception)
		return;
	CORO__HOLDS(exception->magic == EXCEPTION_MAGIC, NULL, "an exception that is kept is valid");
	CORO__HOLDS(exception->references, NULL, "an exception that is kept has references");
	coro__count(CORO__REFERENCES, (uintptr_t)exception);
	if (!coro__counted_all() || exception->immortal)
		return;
	CORO__HOLDS(exception->references >= coro__counted(CORO__REFERENCES, (uintptr_t)exception),
				NULL, "an exception has a reference for each who keeps it");
	/* What it keeps itself is counted once, and only so deep. */
	if (coro__counted(CORO__REFERENCES, (uintptr_t)exception) > 1 || depth == DEEP)
		return;
	depth++;
	coro__check_value(exception->value);
	if (exception->cause != exception)
		coro__check_exception(exception->cause);
	if (!exception->weak_context)
		coro__check_exception(exception->context);
	for (size_t i = 0; i < exception->group_count; i++)
		coro__check_exception(exception->group[i]);
	depth--;
}

void coro__check_value(coro_value value)
{
	if (coro_kind(value) == CORO_VALUE_EXCEPTION)
		coro__check_exception(value.pointer);
}

static void check_errors(const struct coro__errors *errors)
{
	if (!errors)
		return;
	coro__check_exception(errors->handling);
	for (size_t i = 0; i < CORO__DELIVERED; i++)
		coro__check_exception(errors->delivered[i]);
	for (size_t i = 0; i < CORO__HELD; i++)
		coro__check_exception(errors->made[i]);
	CORO__HOLDS(errors->next_delivered < CORO__DELIVERED && errors->next_made < CORO__HELD, NULL,
				"the ring of exceptions has a next place");
}

/* ---- Bodies ------------------------------------------------------------ */

static bool is_body(unsigned kind)
{
	return kind == CORO_OBJECT_GENERATOR || kind == CORO_OBJECT_COROUTINE ||
		   kind == CORO_OBJECT_ASYNC_GENERATOR;
}

/* Nobody resumes it: it is switched to, and has no chain. */
static bool is_switched_to(unsigned kind)
{
	return kind == CORO_OBJECT_GREENLET || kind == CORO_OBJECT_TASKLET;
}

/* Returns how many delegate to it. */
static size_t check_delegators(const struct coro_generator *body)
{
	size_t count = 0;

	for (const struct coro_generator *outer = body->delegators; outer;
		 outer = outer->next_delegator, count++) {
		CORO__HOLDS(count < body->local->bodies, &body->object, "the list of delegators ends");
		CORO__HOLDS(outer->delegate == body, &outer->object,
					"whoever is on the list of delegators delegates to it");
	}
	return count;
}

static bool is_delegator(const struct coro_generator *body)
{
	const struct coro_generator *outer = body->delegate->delegators;

	while (outer && outer != body)
		outer = outer->next_delegator;
	return outer;
}

static void check_delegation(const struct coro_generator *body)
{
	const struct coro_generator *inner = body;

	if (!body->delegate) {
		CORO__HOLDS(body->object.state != CORO_STATE_DELEGATING, &body->object,
					"a body that delegates has a delegate");
		CORO__HOLDS(coro__finished(body) || body->leaf == body, &body->object,
					"the leaf of a body that does not delegate is the body");
		return;
	}
	CORO__HOLDS(body->object.state == CORO_STATE_DELEGATING, &body->object,
				"a body that has a delegate delegates");
	CORO__HOLDS(is_delegator(body), &body->object,
				"a body stands among the delegators of its delegate");
	CORO__HOLDS(body->object.waits_on == body->delegate->object.row, &body->object,
				"a body that delegates waits for its delegate");
	for (size_t depth = 0; inner->delegate; inner = inner->delegate)
		CORO__HOLDS(depth++ <= body->local->bodies, &body->object, "a chain of delegation ends");
	CORO__HOLDS(
		!body->leaf || (body->leaf == inner && !body->delegators), &body->object,
		"the leaf that a body remembers is the end of its chain, and it is the chain's top");
}

static void check_stack(const struct coro_generator *body)
{
	const char *stack = body->stack, *base = body->stack_base, *sp = body->sp;

	if (coro__finished(body)) {
		CORO__HOLDS(!stack || body->local->ended == body, &body->object,
					"a finished body has no stack");
		return;
	}
	CORO__HOLDS(stack && base > stack && base <= stack + body->pool->size, &body->object,
				"a body that is not finished has a stack");
	CORO__HOLDS(body->object.state == CORO_STATE_RUNNING || (sp > stack && sp < base),
				&body->object, "the saved stack pointer of a body is in its stack");
	CORO__HOLDS(!body->errors || (const char *)body->errors == base - CORO__ERRORS_ROOM,
				&body->object, "the exceptions of a body are on its stack");
}

static void check_body(const struct coro_generator *body)
{
	coro__check_object(&body->object);
	CORO__HOLDS(is_body(body->object.kind) || is_switched_to(body->object.kind), &body->object,
				"a body is of a kind of body");
	CORO__HOLDS(body->local == &coro__local, &body->object, "a body belongs to its thread");
	CORO__HOLDS(body->object.state >= CORO_STATE_CREATED, &body->object, "a body has a state");
	check_stack(body);
	if (!is_switched_to(body->object.kind))
		check_delegation(body);
	check_errors(body->errors);
}

/* Who runs, and who waits for that: all that are RUNNING, and nobody else. */
static size_t count_running(void)
{
	const struct coro_generator *body = coro__active.current;
	size_t count = 0;

	while (body) {
		const struct coro_generator *root = body->root, *at = root;

		CORO__HOLDS(body->object.state == CORO_STATE_RUNNING, &body->object,
					"a body that runs is in that state");
		CORO__HOLDS(count++ <= coro__local.bodies, &body->object, "the chain of resumers ends");
		while (at != body && at->delegate)
			at = at->delegate;
		CORO__HOLDS(at == body, &body->object, "a body that runs is on the chain of its root");
		body = root->resumer;
	}
	return count;
}

static void check_stacks(size_t with_stack)
{
	size_t used = 0;

	for (const struct coro__stack_pool *pool = coro__local.pool; pool; pool = pool->next) {
		CORO__HOLDS(pool->cold <= pool->count && pool->count + pool->used <= pool->room, NULL,
					"a pool of stacks has no more than were ever cut");
		used += pool->used;
	}
	CORO__HOLDS(used == with_stack, NULL, "as many stacks are used as bodies have one");
}

static void count_body(void *body, void *count)
{
	(void)body;
	++*(size_t *)count;
}

size_t coro__core_check(void)
{
	const struct coro__local *local = &coro__local;
	const struct coro_generator *previous = NULL, *body;
	size_t count = 0, slots = 0, running = 0, with_stack = 0, shared = 0;

	for (body = local->first; body; previous = body, body = body->next, count++) {
		size_t delegators;

		CORO__HOLDS(body->previous == previous, &body->object,
					"the list of bodies is linked both ways");
		CORO__HOLDS(count < local->bodies, &body->object, "the list of bodies ends");
		check_body(body);
		running += body->object.state == CORO_STATE_RUNNING;
		with_stack += body->stack != NULL;
		delegators = check_delegators(body);
		shared += delegators ? delegators - 1 : 0;
	}
	CORO__HOLDS(local->last == previous, NULL, "the list of bodies ends with the last one");
	CORO__HOLDS(count == local->bodies, NULL, "the bodies are as many as are counted");
	coro__slots_walk(CORO__SLOT_BODY, count_body, &slots);
	CORO__HOLDS(count + local->main_bodies == slots, NULL,
				"each slot of a body that is taken is on the list of bodies");
	/* What runs in a greenlet or tasklet that was left, waits there. */
	CORO__HOLDS(local->main_bodies || running == count_running(), NULL,
				"no body is running but those that run, and who waits for them");
	CORO__HOLDS(shared == local->shared, NULL, "delegates that are shared are counted");
	check_stacks(with_stack);
	check_errors(local->errors);
	return count;
}

void coro__core_check_counts(void)
{
	for (const struct coro_generator *body = coro__local.first; body; body = body->next)
		CORO__HOLDS(coro__counted(CORO__ROWS, body->object.row) == 1, &body->object,
					"an object has a row of its own");
}
