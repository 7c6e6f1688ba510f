/*
 * body_programs.c - programs without a loop: bodies, exceptions, iterators.
 */
#include "programs.h"

/* ---- Generators -------------------------------------------------------- */

static coro_value count_to(coro_value limit)
{
	for (int64_t i = 1; i <= coro_as_int(limit); i++)
		CORO_TRY(coro_yield(coro_int(i)));
	return coro_str("done");
}

static coro_value nested(coro_value depth)
{
	CORO_AUTO struct coro_generator *inner =
		coro_as_int(depth) ? coro_generator(nested, coro_int(coro_as_int(depth) - 1))
						   : coro_generator(count_to, coro_int(3));
	static const coro_value some[] = {{CORO_VALUE_INT, {7}}, {CORO_VALUE_INT, {8}}};

	CORO_TRY(coro_yield_from_array(some, 2));
	return coro_yield_from(inner);
}

static coro_value catcher(coro_value unused)
{
	for (int64_t caught = 0;;) {
		coro_value value = coro_yield(coro_int(caught));

		if (coro_raised(value) && !coro_is(value, CORO_ValueError))
			return value;
		CORO_EXCEPT(value, CORO_ValueError)
		caught++;
	}
}

static void generators(void)
{
	struct coro_generator *generator = coro_generator(count_to, coro_int(3));
	coro_value value = CORO_NONE;
	int64_t last = 0;

	if (generator) {
		while (coro_iterate(generator, &value))
			last = coro_as_int(value);
		check_outcome(value);
		check(last == 3);
		check(no_memory(value) || coro_equal(value, coro_str("done")));
		check_outcome(coro_close(generator));
	}
	coro_free(generator);

	generator = coro_generator(nested, coro_int(3));
	if (generator) {
		while (coro_iterate(generator, &value))
			last = coro_as_int(value);
		check_outcome(value);
	}
	coro_free(generator);

	generator = coro_generator(catcher, CORO_NONE);
	if (generator) {
		check_outcome(coro_next(generator));
		for (int i = 0; i < 3 && !coro_finished(generator); i++) {
			value = coro_throw(generator, coro_error(CORO_ValueError, "number %d", i));
			check_outcome(value);
		}
		check_outcome(coro_close(generator));
		check(coro_finished(generator));
	}
	coro_free(generator);

	/* Closed by being freed. */
	generator = coro_generator(nested, coro_int(2));
	if (generator)
		for (int i = 0; i < 7 && !coro_finished(generator); i++)
			check_outcome(coro_next(generator));
	coro_free(generator);
}

/* ---- Exceptions -------------------------------------------------------- */

static coro_value leaks_stop(coro_value unused)
{
	return coro_raise_value(CORO_StopIteration, coro_int(3));
}

static void groups_of_exceptions(void)
{
	const struct coro_exception_type *const types[] = {CORO_ValueError};
	coro_value children[3], group, match, rest;

	children[0] = coro_error(CORO_ValueError, "one");
	children[1] = coro_error(CORO_KeyError, "two");
	children[2] = coro_caught(coro_raise_group("inner", children, 2));
	group = coro_raise_group("outer", children, 3);
	check(coro_raised(group));
	coro_group_split(group, types, 1, &match, &rest);
	if (!no_memory(group) && !no_memory(rest) && coro_is(children[0], CORO_ValueError) &&
		coro_is(children[1], CORO_KeyError) && coro_group_count(children[2])) {
		check(coro_group_count(match) == 2);
		check(coro_group_count(rest) == 2);
	}
	if (coro_raised(rest))
		check(no_memory(rest) && coro_is_none(match));
	group = coro_group_merge(group, NULL, 0, rest);
	check(coro_raised(group));
}

static void exceptions(void)
{
	struct coro_generator *generator;
	coro_value error, cause;
	char text[512];

	coro_set_report_handler(ignore_report, NULL);
	cause = coro_keep(coro_raise(CORO_KeyError, "%d %s", 3, "long enough to need some room"));
	error = coro_keep(coro_raise_from(coro_raise_value(CORO_ValueError, coro_str("text")), cause));
	check(coro_raised(error) && coro_message(error));
	coro_format_exception(error, text, sizeof(text));
	coro_format(error, text, sizeof(text));
	coro_raise_value(CORO_LookupError, coro_float(2.5));
	check(coro_message(coro_raise_errno(2)));
	coro_drop(error);
	coro_drop(cause);
	groups_of_exceptions();

	generator = coro_generator(leaks_stop, CORO_NONE);
	if (generator) {
		error = coro_next(generator);
		check(coro_is(error, CORO_RuntimeError) || no_memory(error));
		check(coro_exit_status(error) == 1);
	}
	coro_free(generator);
}

/* ---- Iterators --------------------------------------------------------- */

static coro_value add(coro_value left, coro_value right)
{
	return coro_int(coro_as_int(left) + coro_as_int(right));
}

static coro_value odd_ones(coro_value number)
{
	return coro_as_int(number) % 2 ? number : coro_error(CORO_ValueError, "even");
}

static void iterators(void)
{
	struct coro_generator *counter = coro_generator(count_to, coro_int(40));
	struct coro_iterator numbers = coro_range(0, 100, 1), mapped, few;
	struct coro_list list;
	coro_value result;

	mapped = coro_map(odd_ones, &numbers);
	few = coro_take(&mapped, 40);
	result = coro_collect(&few, &list);
	check_outcome(result);
	check(list.count == (coro_raised(result) ? 0 : 40));
	for (size_t i = 0; i < list.count; i++)
		check(i % 2 ? coro_as_int(list.values[i]) == (int64_t)i
					: coro_is(list.values[i], CORO_Exception));
	coro_list_free(&list);
	if (counter) {
		result = coro_reduce(add, counter, coro_int(0));
		check_outcome(result);
		check(coro_raised(result) || coro_as_int(result) == 40 * 41 / 2);
	}
	coro_free(counter);
	coro_handled();
}

/* ---- Context variables ------------------------------------------------- */

static CORO_CONTEXT_VARIABLE_DEFAULT(depth, INT, 7);

/* A set that fails changes nothing. */
static coro_value set_both(coro_value variable)
{
	struct coro_context_variable *made = (struct coro_context_variable *)coro_as_ptr(variable);
	int64_t before = coro_as_int(coro_context_variable_get(depth));
	struct coro_context_token token;
	coro_value result = coro_context_variable_set(depth, coro_int(before + 1), &token);

	check_outcome(result);
	check(coro_as_int(coro_context_variable_get(depth)) == before + !coro_raised(result));
	if (!coro_raised(result))
		check_outcome(coro_context_variable_reset(depth, &token));
	check(coro_as_int(coro_context_variable_get(depth)) == before);
	coro_context_free(coro_context_current());
	if (!made)
		return CORO_NONE;
	result = coro_context_variable_set(made, coro_error(CORO_ValueError, "kept"), NULL);
	check_outcome(result);
	if (!coro_raised(result))
		check(coro_is(coro_context_variable_get(made), CORO_BaseException));
	return CORO_NONE;
}

static void contexts(void)
{
	struct coro_context_variable *made = coro_context_variable_new("made");
	struct coro_context *empty = coro_context_new(), *copy = coro_copy_context();
	struct coro_context *again = copy ? coro_context_copy(copy) : NULL;

	if (empty)
		check_outcome(coro_context_run(empty, set_both, coro_ptr(made)));
	if (again) {
		check_outcome(coro_context_run(again, set_both, coro_ptr(made)));
		coro_context_free(coro_context_copy(again));
		check_outcome(coro_context_run(again, set_both, coro_ptr(made)));
	}
	coro_context_free(again);
	coro_context_free(copy);
	coro_context_free(empty);
	coro_context_variable_free(made);
	coro_handled();
}

/* ---- Greenlets --------------------------------------------------------- */

static coro_value switches_back(coro_value count)
{
	struct coro_greenlet *self = coro_greenlet_current();
	struct coro_greenlet *parent = self ? coro_greenlet_parent(self) : NULL;

	for (int64_t i = 0; parent && i < coro_as_int(count); i++)
		CORO_TRY(coro_greenlet_switch(parent, coro_int(i)));
	return coro_error(CORO_ValueError, "its end");
}

static coro_value throws(coro_value unused)
{
	return coro_raise(CORO_KeyError, "thrown");
}

/* One that is made without memory is none, and the others do not notice. */
static void greenlets(void)
{
	struct coro_greenlet *greenlets_[4];
	coro_value result;

	coro_set_report_handler(ignore_report, NULL);
	for (int i = 0; i < 4; i++)
		greenlets_[i] = coro_greenlet(switches_back, coro_int(2));
	for (int turn = 0; turn < 2; turn++)
		for (int i = 0; i < 3; i++)
			if (greenlets_[i])
				check_outcome(coro_greenlet_switch(greenlets_[i], CORO_NONE));
	if (greenlets_[0]) {
		result = coro_greenlet_throw(greenlets_[0], coro_error(CORO_KeyError, "in"));
		check(coro_raised(result));
		check(coro_is(result, CORO_KeyError) || no_memory(result));
		check(coro_greenlet_dead(greenlets_[0]) || no_memory(result));
	}
	if (greenlets_[1])
		check_outcome(coro_greenlet_throw(greenlets_[1], CORO_NONE));
	for (int i = 0; i < 4; i++)
		coro_greenlet_free(greenlets_[i]);
	greenlets_[0] = coro_greenlet(throws, CORO_NONE);
	if (greenlets_[0]) {
		result = coro_greenlet_switch(greenlets_[0], CORO_NONE);
		check(coro_is(result, CORO_KeyError) || no_memory(result));
	}
	coro_greenlet_free(greenlets_[0]);
	coro_set_report_handler(NULL, NULL);
	coro_handled();
}

/* ---- Tasklets ---------------------------------------------------------- */

static coro_value receives(coro_value channel)
{
	coro_value item = CORO_NONE;

	while (coro_tasklet_channel_iterate((struct coro_tasklet_channel *)coro_as_ptr(channel), &item))
		check(coro_as_int(item) >= 0);
	return coro_raised(item) && coro_is(item, CORO_ValueError) ? CORO_NONE : item;
}

static coro_value schedules(coro_value count)
{
	for (int64_t i = 0; i < coro_as_int(count); i++)
		CORO_TRY(coro_tasklet_schedule());
	return CORO_NONE;
}

static void tasklets(void)
{
	struct coro_tasklet_channel *channel = coro_tasklet_channel_new("numbers");
	struct coro_tasklet *receiver, *killed;

	coro_set_report_handler(ignore_report, NULL);
	receiver = channel ? coro_tasklet(receives, coro_ptr(channel)) : NULL;
	killed = coro_tasklet(schedules, coro_int(100));
	coro_tasklet_free(coro_tasklet(schedules, coro_int(3)));
	check_outcome(coro_tasklet_schedule());
	for (int i = 0; receiver && i < 3 && coro_tasklet_alive(receiver); i++)
		if (coro_tasklet_channel_balance(channel) < 0)
			check_outcome(coro_tasklet_channel_send(channel, coro_int(i)));
	if (receiver && coro_tasklet_blocked(receiver))
		check_outcome(
			coro_tasklet_channel_send_exception(channel, coro_error(CORO_StopIteration, "%s", "")));
	if (killed)
		check_outcome(coro_tasklet_kill(killed));
	check_outcome(coro_tasklet_run_all());
	check(!receiver || !coro_tasklet_alive(receiver));
	check(!killed || !coro_tasklet_alive(killed));
	check(coro_tasklet_run_count() <= 1);
	coro_tasklet_free(receiver);
	coro_tasklet_free(killed);
	coro_tasklet_channel_free(channel);
	coro_set_report_handler(NULL, NULL);
	coro_handled();
}

/* ---- Stacks ------------------------------------------------------------ */

static void many_bodies(void)
{
	struct coro_options options = {.stack_size = 32768};
	struct coro_generator *generators_[50];

	coro_set_options(&options);
	for (int i = 0; i < 50; i++) {
		generators_[i] = coro_generator(count_to, coro_int(2));
		if (generators_[i])
			check_outcome(coro_next(generators_[i]));
		if (i == 25) {
			options.stack_size = 0;
			coro_set_options(&options);
		}
	}
	for (int i = 0; i < 50; i++)
		coro_free(generators_[i]);
}

const struct program body_programs[] = {
	{"generators", generators},      {"exceptions", exceptions},
	{"many bodies", many_bodies},    {"iterators", iterators},
	{"context variables", contexts}, {"greenlets", greenlets},
	{"tasklets", tasklets},          {NULL, NULL},
};
