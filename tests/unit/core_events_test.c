/*
 * core_events_test.c - the events that generators and coroutines emit, seen where they are handed
 * to the probe.
 *
 * With an argument: stacks are wanted as well, which changes nothing of that.
 */
#include <coroscope/coro.h>
#include "core.h"
#include "runtime_check.h"

/* The linker puts this in the place of the probe's: see --wrap in meson.build. */
void __wrap_coro__probe_emit(struct coro_object *object, uint32_t what, uint32_t peer,
							 uint32_t site, const struct coro_probe_value *value);

void __wrap_coro_probe_rests(struct coro_object *object, const void *sp, size_t length);

static uint64_t everything[8] = {~(uint64_t)0}; /* of a control file, from its mask on */
static unsigned rested;                         /* bodies, so far: each time one did */
static uint32_t first_row;
static uint32_t last_site;
static const char *names[1024]; /* of who has a row */
static bool by_name;            /* peers are told so; else by their rows */

static const char *const kinds[] = {
#define CORO_EVENT(number, NAME, name, row, peer, value, before, after, sentence_) [number] = #name,
#include <coroscope/trace_events.def>
#undef CORO_EVENT
};
static const char *const states[] = {
#define NAME(number, NAME_, name) [number] = #name,
	CORO_STATES(NAME)
#undef NAME
};

/* "NAME kind peer=value>state ", rows, if they are told, counted from the first of the test. */
void __wrap_coro__probe_emit(struct coro_object *object, uint32_t what, uint32_t peer,
							 uint32_t site, const struct coro_probe_value *value)
{
	unsigned kind = CORO_SLOT_KIND(what), next_state = CORO_SLOT_NEXT(what);

	names[object->row] = object->name;
	note("%s %s", object->name, kinds[kind]);
	if (peer && by_name)
		note(" %s", names[peer]);
	else if (peer)
		note(" %d", (int)peer - (int)first_row);
	if (value && (value->kind == CORO_VALUE_INT || value->kind == CORO_VALUE_BOOL))
		note("=%d", (int)value->integer);
	else if (value && value->kind == CORO_VALUE_EXCEPTION)
		note("=%s", value->type);
	else if (value)
		note("=-");
	note(">%s; ", states[next_state]);
	last_site = site;
}

/* A body is left: what the switch saved, and above it the stack up to its base. */
void __wrap_coro_probe_rests(struct coro_object *object, const void *sp, size_t length)
{
	const struct coro_generator *body = (const struct coro_generator *)object;
	uintptr_t site = coro__saved_site(sp);

	rested++;
	assert_ptr_equal(body->sp, sp);
	assert_ptr_equal((const char *)sp + length, body->stack_base);
	assert_true((uintptr_t)sp % 8 == 0 && length % 8 == 0 && length < 65536);
	assert_true(site > 4096 && site != (uintptr_t)body->stack_base);
}

static int watch(void **state)
{
	struct coro_object probe;

	begin(state);
	/* The row that the next object gets. */
	coro_probe_object_init(&probe, CORO_OBJECT_GENERATOR, "probe", NULL);
	first_row = probe.row;
	coro_probe_object_done(&probe);
	coro__probe_page.offset = (const char *)everything - (const char *)coro__probe_nobody;
	return 0;
}

static int unwatch(void **state)
{
	coro__probe_page.offset = 0;
	by_name = false;
	return nothing_left(state);
}

static void expect(const char *events)
{
	assert_string_equal(diary, events);
	diary[0] = 0;
}

static coro_value inner(coro_value limit)
{
	for (int64_t i = 0; i < coro_as_int(limit); i++)
		CORO_TRY(coro_yield(coro_int(i)));
	return coro_int(50);
}

static coro_value outer(coro_value generator)
{
	return CORO_TRY(coro_yield_from(generator));
}

static coro_value handles(coro_value unused)
{
	coro_value got = coro_yield(coro_int(1));

	return coro_raised(got) ? coro_int(2) : got;
}

static coro_value waits(coro_value value)
{
	return coro__suspend(value, CORO__SITE);
}

static coro_value awaits(coro_value value)
{
	return coro_await(coro_coroutine(waits, value));
}

static void a_generator_tells_its_life(void **state)
{
	struct coro_generator *g = coro_generator(inner, coro_int(1));

	expect("inner create=1>created; ");
	coro_next(g);
	expect("inner next>running; inner yield=0>suspended; ");
	coro_send(g, coro_int(9));
	expect("inner send=9>running; inner return=50>done; ");
	coro_free(g);
	expect("inner destroy>none; ");
}

static void sites_are_in_the_programs_own_code(void **state)
{
	struct coro_generator *g = coro_generator(inner, coro_int(1));

	coro_next(g);
	assert_in_range(last_site - (uint32_t)(uintptr_t)inner, 1, 4095);
	coro_free(g);
	diary[0] = 0;
}

static void throw_and_close_tell_how_they_end(void **state)
{
	struct coro_generator *g = coro_generator(inner, coro_int(2));

	coro_next(g);
	diary[0] = 0;
	coro_close(g);
	expect("inner close>running; inner raise=GeneratorExit>done; ");
	coro_free(g);

	g = coro_generator(inner, coro_int(2));
	coro_next(g);
	diary[0] = 0;
	coro_throw(g, coro_error(CORO_KeyError, "k"));
	expect("inner throw=KeyError>running; inner raise=KeyError>failed; ");
	coro_free(g);

	g = coro_generator(handles, CORO_NONE);
	coro_next(g);
	diary[0] = 0;
	coro_throw(g, coro_error(CORO_CancelledError, "%s", ""));
	expect("handles throw=CancelledError>running; handles return=2>done; ");
	coro_free(g);

	g = coro_generator(inner, coro_int(2));
	diary[0] = 0;
	coro_throw(g, coro_error(CORO_CancelledError, "%s", ""));
	expect("inner throw=CancelledError>cancelled; ");
	coro_free(g);

	g = coro_generator(inner, coro_int(2));
	diary[0] = 0;
	coro_close(g);
	expect("inner close>done; ");
	coro_free(g);
}

/* A refused resume is no event. */
static void what_is_refused_tells_nothing(void **state)
{
	struct coro_generator *g = coro_generator(inner, coro_int(2));

	diary[0] = 0;
	coro_send(g, coro_int(1));
	expect("");
	coro_free(g);
}

static void a_resume_through_a_delegation_is_told_of_the_innermost(void **state)
{
	struct coro_generator *g = coro_generator(inner, coro_int(2));
	struct coro_generator *o = coro_generator(outer, coro_object(g));

	diary[0] = 0;
	coro_next(o);
	expect("outer next>running; outer delegate 0>delegating; inner next 1>running; "
		   "inner yield=0>suspended; ");
	coro_send(o, coro_int(4));
	expect("inner send=4>running; inner yield=1>suspended; ");
	coro_next(o);
	expect("inner next>running; inner return 1=50>done; outer undelegate 0=50>running; "
		   "outer return=50>done; ");
	coro_free(o);
	coro_free(g);
}

static void closing_a_delegation_is_told_from_the_innermost_outwards(void **state)
{
	struct coro_generator *g = coro_generator(inner, coro_int(2));
	struct coro_generator *o = coro_generator(outer, coro_object(g));

	coro_next(o);
	diary[0] = 0;
	coro_close(o);
	expect("inner close 1>running; inner raise 1=GeneratorExit>done; "
		   "outer undelegate 0=->suspended; outer close>running; outer raise=GeneratorExit>done; ");
	coro_free(o);
	coro_free(g);
}

static void a_delegate_that_others_finished_is_told_at_the_next_resume(void **state)
{
	struct coro_generator *g = coro_generator(inner, coro_int(2));
	struct coro_generator *o = coro_generator(outer, coro_object(g));

	coro_next(o);
	coro_close(g);
	diary[0] = 0;
	coro_next(o);
	expect("outer undelegate 0=->running; outer return=->done; ");
	coro_free(o);
	coro_free(g);
}

static void a_task_is_named_as_who_resumes(void **state)
{
	struct coro_generator *c = coro_coroutine(awaits, coro_int(3));
	enum coro__outcome outcome;
	uint32_t task = first_row + 100;

	diary[0] = 0;
	coro__resume(inside(c), task, CORO_NONE, 0, &outcome);
	expect("awaits next 100>running; waits create 0=3>created; awaits delegate 1>delegating; "
		   "waits next 0>running; waits yield 100=3>suspended; ");
	coro__resume(inside(c), task, coro_int(4), 0, &outcome);
	expect("waits send 100=4>running; waits return 0=4>done; awaits undelegate 1=4>running; "
		   "waits destroy>none; awaits return 100=4>done; ");
	coro_free(c);
}

static struct coro_greenlet *main_greenlet;

static coro_value gives_to_main(coro_value value)
{
	return coro_greenlet_switch(main_greenlet, value);
}

static coro_value steps_a_generator(coro_value unused)
{
	CORO_AUTO struct coro_generator *g = coro_generator(gives_to_main, coro_int(1));

	coro_next(g);
	return coro_int(7);
}

static void a_switch_is_two_events_and_an_end_one_more(void **state)
{
	struct coro_greenlet *a, *b;

	by_name = true;
	main_greenlet = coro_greenlet_current();
	expect("main create>running; ");
	a = coro_greenlet_named(steps_a_generator, CORO_NONE, "a", NULL);
	b = coro_greenlet_named(gives_to_main, CORO_NONE, "b", NULL);
	expect("a create=->created; a greenlet_parent main>created; "
		   "b create=->created; b greenlet_parent main>created; ");
	coro_greenlet_switch(a, CORO_NONE);
	expect("main greenlet_leave a>suspended; a greenlet_enter main=->running; "
		   "gives_to_main create a=1>created; gives_to_main next a>running; "
		   "a greenlet_leave main>suspended; main greenlet_enter a=1>running; ");
	assert_none(coro_greenlet_set_parent(b, a));
	expect("b greenlet_parent a>created; ");
	coro_greenlet_throw(b, coro_error(CORO_KeyError, "k"));
	/* It is over before it began, and a gets the exception, in its generator. */
	expect("b throw main=KeyError>failed; main greenlet_leave a>suspended; "
		   "a throw main=KeyError>running; gives_to_main raise a=KeyError>failed; "
		   "gives_to_main destroy>none; a return main=7>done; main greenlet_enter a=7>running; ");
	coro_greenlet_free(a);
	expect("b greenlet_parent main>failed; a destroy>none; ");
	coro_greenlet_free(b);
	expect("b destroy>none; ");
}

static struct coro_tasklet_channel *channel;

static coro_value receives(coro_value unused)
{
	return coro_tasklet_channel_receive(channel);
}

static void tasklets_tell_how_they_are_scheduled(void **state)
{
	struct coro_tasklet *t;

	by_name = true;
	channel = coro_tasklet_channel_new("channel");
	t = coro_tasklet(receives, CORO_NONE);
	expect("channel create>open; main create>running; "
		   "receives create=->created; receives ready main>ready; ");
	coro_tasklet_run_all();
	expect("main await>suspended; receives step main>running; receives await channel>suspended; "
		   "main wake receives>ready; main step receives>running; ");
	coro_tasklet_channel_send(channel, coro_int(3));
	expect("channel channel_send main=3>open; channel channel_recv receives=3>open; main ready "
		   "main>ready; "
		   "receives wake channel>ready; receives step main>running; receives done=3>done; "
		   "main step receives>running; ");
	coro_tasklet_free(t);
	coro_tasklet_channel_close(channel);
	coro_tasklet_channel_open(channel);
	t = coro_tasklet(receives, CORO_NONE);
	coro_tasklet_remove(t);
	coro_tasklet_free(t);
	expect("receives destroy>none; channel channel_close>closed; channel channel_open>open; "
		   "receives create=->created; receives ready main>ready; receives await>suspended; "
		   "main ready main>ready; receives wake main>ready; receives step main>running; "
		   "receives done=->done; main step receives>running; receives destroy>none; ");
	coro_tasklet_channel_free(channel);
	expect("channel destroy>none; ");
}

int main(int argc, char **argv)
{
	/* What the control file has there. */
	uint32_t *stacks = (uint32_t *)everything +
					   (offsetof(struct coro_ctl, stacks) - offsetof(struct coro_ctl, kind_mask)) /
						   sizeof(uint32_t);
#define seen(name) cmocka_unit_test_setup_teardown(name, watch, unwatch)
	const struct CMUnitTest tests[] = {
		seen(a_generator_tells_its_life),
		seen(sites_are_in_the_programs_own_code),
		seen(throw_and_close_tell_how_they_end),
		seen(what_is_refused_tells_nothing),
		seen(a_resume_through_a_delegation_is_told_of_the_innermost),
		seen(closing_a_delegation_is_told_from_the_innermost_outwards),
		seen(a_delegate_that_others_finished_is_told_at_the_next_resume),
		seen(a_task_is_named_as_who_resumes),
		seen(a_switch_is_two_events_and_an_end_one_more),
		seen(tasklets_tell_how_they_are_scheduled),
	};

	int failed;

	*stacks = argc > 1 ? CORO_STACKS_RECORD : CORO_STACKS_NONE;
	failed = cmocka_run_group_tests_name("core_events", tests, NULL, NULL);
	return failed + (!rested == (argc > 1));
}
