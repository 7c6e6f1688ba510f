/*
 * iterator_test.c - iterators and loops over them. What Python has too is compared with it in
 * tests/behave/iterators.c; here is the rest.
 */
#include <stdlib.h>
#include "journal.h"

/* ---- Memory that runs out ----------------------------------------------- */

static size_t allocations, fail_at; /* 0: never */

void *__real_realloc(void *memory, size_t size);
void *__wrap_realloc(void *memory, size_t size);

void *__wrap_realloc(void *memory, size_t size)
{
	return ++allocations == fail_at ? NULL : __real_realloc(memory, size);
}

/* ---- Helpers ------------------------------------------------------------ */

static int prepare(void **state)
{
	journal_length = 0;
	journal[0] = 0;
	fail_at = 0;
	return 0;
}

static int tidy(void **state)
{
	coro_handled();
	return 0;
}

#define sentence(name) cmocka_unit_test_setup_teardown(name, prepare, tidy)

static coro_value count_to(coro_value limit)
{
	for (int64_t i = 1; i <= coro_as_int(limit); i++)
		CORO_TRY(coro_yield(coro_int(i)));
	return coro_str("returned");
}

static coro_value two_and_an_error(coro_value unused)
{
	CORO_TRY(coro_yield(coro_int(1)));
	CORO_TRY(coro_yield(coro_int(2)));
	return coro_raise(CORO_OSError, "broken");
}

static coro_value twice(coro_value item)
{
	return coro_int(2 * coro_as_int(item));
}

/* An iterator of one's own. */
struct countdown {
	struct coro_iterator iterator;
	int64_t left;
};

static coro_value count_down(struct coro_iterator *iterator)
{
	struct countdown *countdown = (struct countdown *)iterator;

	if (!countdown->left)
		return coro_raise_value(CORO_StopIteration, coro_str("liftoff"));
	return coro_int(countdown->left--);
}

static void end_countdown(struct coro_iterator *iterator)
{
	note("closed at %d", (int)((struct countdown *)iterator)->left);
}

static struct countdown countdown(int64_t from)
{
	return (struct countdown){{.next = count_down, .close = end_countdown, .type = "countdown"},
							  from};
}

/* ---- Loops -------------------------------------------------------------- */

static coro_value loop_over(struct coro_generator *generator)
{
	CORO_FOR (item, generator)
		note_value("item", item);
	return coro_str("behind");
}

static void a_loop_over_a_generator_drops_its_value_and_goes_on(void **state)
{
	CORO_AUTO struct coro_generator *generator = coro_generator(count_to, coro_int(2));

	note_value("loop", loop_over(generator));
	assert_journal("item 1; item 2; loop 'behind'; ");
}

static void a_loop_returns_what_its_iterable_raises(void **state)
{
	CORO_AUTO struct coro_generator *generator = coro_generator(two_and_an_error, CORO_NONE);

	note_value("loop", loop_over(generator));
	assert_journal("item 1; item 2; loop raised OSError broken; ");
}

static coro_value begin(void *unused)
{
	note("enter");
	return CORO_NONE;
}

static coro_value end(void *unused, coro_value raised)
{
	note_value("exit", raised);
	return CORO_NONE;
}

static coro_value loop_in_block(struct coro_generator *generator)
{
	const struct coro_context_manager manager = {begin, end, NULL};

	CORO_WITH (manager) {
		CORO_FOR (item, generator)
			note_value("item", item);
		note("never");
	}
	return CORO_NONE;
}

static void an_error_of_a_loop_leaves_the_blocks_around_it(void **state)
{
	CORO_AUTO struct coro_generator *generator = coro_generator(two_and_an_error, CORO_NONE);

	note_value("loop", loop_in_block(generator));
	assert_journal("enter; item 1; item 2; exit raised OSError broken; loop raised OSError "
				   "broken; ");
}

static struct coro_iterator *evaluated(struct coro_iterator *iterator)
{
	note("evaluated");
	return iterator;
}

static coro_value nested_loops(void)
{
	struct coro_iterator outer = coro_range(0, 3, 1);

	CORO_FOR (i, evaluated(&outer)) {
		struct coro_iterator inner = coro_range(0, 3, 1);

		if (coro_as_int(i) == 1)
			continue;
		CORO_FOR (j, &inner) {
			if (coro_as_int(j) == 1)
				break;
			note("%d %d", (int)coro_as_int(i), (int)coro_as_int(j));
		}
	}
	return CORO_NONE;
}

static void the_iterable_is_evaluated_once_and_break_and_continue_are_the_loops_own(void **state)
{
	nested_loops();
	assert_journal("evaluated; 0 0; 2 0; ");
}

static void iterate_tells_the_value_at_the_end_of_an_iterator_too(void **state)
{
	struct countdown own = countdown(2);
	coro_value value;

	while (coro_iterate(&own.iterator, &value))
		note_value("item", value);
	note_value("end", value);
	assert_journal("item 2; item 1; end 'liftoff'; ");
}

/* ---- Laziness and what is left ------------------------------------------ */

static void making_an_iterator_asks_for_nothing(void **state)
{
	CORO_AUTO struct coro_generator *generator = coro_generator(count_to, coro_int(9));
	struct coro_iterator doubled = coro_map(twice, generator);
	struct coro_iterator some = coro_filter(NULL, &doubled);
	struct coro_iterator few = coro_take(&some, 2);

	assert_int_equal(coro_state(generator), CORO_STATE_CREATED);
	assert_int_equal(coro_as_int(coro_iterator_next(&few)), 2);
	assert_int_equal(coro_as_int(coro_iterator_next(&few)), 4);
	assert_true(coro_is(coro_iterator_next(&few), CORO_StopIteration));
	assert_int_equal(coro_as_int(coro_next(generator)), 3);
}

static coro_value delegates(coro_value iterator)
{
	coro_value result = coro_yield_from((struct coro_iterator *)coro_as_ptr(iterator));

	note_value("result", result);
	return result;
}

static void only_yield_from_closes_an_iterator_and_only_when_it_is_left(void **state)
{
	struct countdown own = countdown(3);
	struct coro_iterator few = coro_take(&own.iterator, 1);
	struct coro_generator *outer;
	coro_value value;

	coro_iterate(&few, &value);
	coro_iterate(&few, &value);
	assert_journal("");
	outer = coro_generator(delegates, coro_ptr(&own.iterator));
	coro_next(outer);
	coro_close(outer);
	coro_free(outer);
	assert_journal("closed at 1; result raised GeneratorExit; ");
	outer = coro_generator(delegates, coro_ptr(&own.iterator));
	coro_next(outer);
	coro_next(outer);
	coro_free(outer);
	assert_journal("result 'liftoff'; ");
}

static void yield_from_over_the_iterator_of_a_generator_delegates_to_that(void **state)
{
	CORO_AUTO struct coro_generator *inner = coro_generator(count_to, coro_int(3));
	struct coro_iterator iterator = coro_iter(inner);
	CORO_AUTO struct coro_generator *outer = coro_generator(delegates, coro_ptr(&iterator));

	coro_next(outer);
	assert_ptr_equal(coro_delegate(outer), inner);
	assert_int_equal(coro_as_int(coro_send(outer, coro_str("sent"))), 2);
	coro_next(outer);
	coro_next(outer);
	assert_journal("result 'returned'; ");
}

static void a_coroutine_is_no_iterator(void **state)
{
	struct coro_generator *wrong = coro_coroutine(count_to, coro_int(1));
	struct coro_iterator doubled = coro_map(twice, wrong);

	note_value("next", coro_iterator_next(&doubled));
	assert_journal("next raised TypeError 'coroutine' object is not an iterator; ");
	coro_close(wrong);
	coro_free(wrong);
}

static void a_range_without_a_step_says_so_when_it_is_asked(void **state)
{
	struct coro_iterator range = coro_range(0, 1, 0);

	note_value("next", coro_iterator_next(&range));
	assert_journal("next raised ValueError range() arg 3 must not be zero; ");
}

/* ---- Places ------------------------------------------------------------- */

static __attribute__((noinline)) coro_value ask_here(struct coro_iterator *iterator)
{
	return coro_iterator_next(iterator);
}

static void an_error_from_below_names_the_place_that_asked(void **state)
{
	CORO_AUTO struct coro_generator *generator = coro_generator(two_and_an_error, CORO_NONE);
	struct coro_iterator doubled = coro_map(twice, generator);
	struct coro_iterator few = coro_take(&doubled, 9);
	uintptr_t sites[4];
	coro_value error;
	size_t count;
	bool found = false;

	ask_here(&few);
	ask_here(&few);
	error = ask_here(&few);
	assert_true(coro_is(error, CORO_OSError));
	count = coro_traceback(error, sites, 4);
	assert_in_range(count, 2, 4);
	for (size_t i = 0; i < count; i++)
		found |= sites[i] - (uintptr_t)ask_here < 256;
	assert_true(found);
}

/* ---- Lists -------------------------------------------------------------- */

static void a_list_holds_all_items(void **state)
{
	struct coro_iterator numbers = coro_range(0, 1000, 1);
	struct coro_list list;

	assert_true(coro_is_none(coro_collect(&numbers, &list)));
	assert_int_equal(list.count, 1000);
	for (size_t i = 0; i < list.count; i++)
		assert_int_equal(coro_as_int(list.values[i]), i);
	coro_list_free(&list);
	assert_int_equal(list.count, 0);
	assert_true(coro_is_none(coro_collect(&numbers, &list)));
	assert_int_equal(list.count, 0);
	coro_list_free(&list);
}

static coro_value errors(coro_value unused)
{
	for (int i = 0; i < 20; i++)
		CORO_TRY(coro_yield(coro_error(CORO_ValueError, "%d", i)));
	return CORO_NONE;
}

static void exceptions_in_a_list_are_kept(void **state)
{
	struct coro_generator *generator = coro_generator(errors, CORO_NONE);
	struct coro_list list;

	assert_true(coro_is_none(coro_collect(generator, &list)));
	coro_free(generator);
	assert_int_equal(list.count, 20);
	assert_string_equal(coro_message(list.values[0]), "0");
	assert_string_equal(coro_message(list.values[19]), "19");
	coro_list_free(&list);
}

static void without_memory_a_list_is_empty_and_memory_error_is_raised(void **state)
{
	struct coro_iterator numbers;
	struct coro_list list;

	for (size_t nth = 1; nth <= 5; nth++) {
		numbers = coro_range(0, 50, 1);
		fail_at = allocations + nth;
		note_value("list", coro_collect(&numbers, &list));
		fail_at = 0;
		assert_int_equal(list.count, nth == 5 ? 50 : 0);
		coro_list_free(&list);
	}
	assert_journal("list raised MemoryError out of memory; list raised MemoryError out of memory; "
				   "list raised MemoryError out of memory; list raised MemoryError out of memory; "
				   "list None; ");
}

/* ---- Awaiting ----------------------------------------------------------- */

static coro_value count_slowly(coro_value limit)
{
	for (int64_t i = 1; i <= coro_as_int(limit); i++) {
		CORO_TRY(coro_sleep(1));
		CORO_TRY(coro_yield(coro_int(i)));
	}
	return CORO_NONE;
}

static coro_value twice_slowly(coro_value item)
{
	CORO_TRY(coro_sleep(1));
	return twice(item);
}

static coro_value tick(coro_value unused)
{
	for (int i = 0; i < 3; i++) {
		CORO_TRY(coro_sleep(1.25));
		note("tick");
	}
	return CORO_NONE;
}

static coro_value map_slowly(coro_value unused)
{
	struct coro_task *task = coro_spawn(tick, CORO_NONE, NULL);
	CORO_AUTO struct coro_generator *numbers = coro_async_generator(count_slowly, coro_int(2));
	struct coro_async_iterator doubled = coro_async_map(twice_slowly, numbers);

	CORO_ASYNC_FOR (number, &doubled)
		note_value("item", number);
	coro_task_free(task);
	return coro_str("behind");
}

static void others_run_while_an_item_is_awaited(void **state)
{
	note_value("main", run(map_slowly, CORO_NONE));
	assert_journal("tick; item 2; tick; tick; item 4; main 'behind'; ");
}

static coro_value collect_slowly(coro_value unused)
{
	CORO_AUTO struct coro_generator *numbers = coro_async_generator(count_slowly, coro_int(9));
	struct coro_list list;
	coro_value result = coro_async_collect(numbers, &list);

	note_value("collected", result);
	assert_int_equal(list.count, 0);
	return result;
}

static coro_value cancel_collecting(coro_value unused)
{
	struct coro_task *task = coro_spawn(collect_slowly, CORO_NONE, NULL);

	CORO_TRY(coro_sleep(2.5));
	coro_task_cancel(task, "enough");
	note_value("task", coro_await(task));
	coro_task_free(task);
	return CORO_NONE;
}

static void collecting_can_be_cancelled(void **state)
{
	run(cancel_collecting, CORO_NONE);
	assert_journal("collected raised CancelledError enough; task raised CancelledError enough; ");
}

static coro_value add_slowly(coro_value left, coro_value right)
{
	CORO_TRY(coro_sleep(1));
	return coro_int(coro_as_int(left) + coro_as_int(right));
}

static coro_value loop_slowly(struct coro_async_iterator *zip)
{
	CORO_ASYNC_FOR (item, zip)
		note_value("second", coro_tuple_at(item, 1));
	return CORO_NONE;
}

static coro_value zip_strictly(coro_value unused)
{
	CORO_AUTO struct coro_generator *two = coro_async_generator(count_slowly, coro_int(2));
	CORO_AUTO struct coro_generator *three = coro_async_generator(count_slowly, coro_int(3));
	struct coro_iterator numbers = coro_range(0, 3, 1);
	struct coro_async_iterator a = coro_async_iter(two), b = coro_async_iter(three);
	struct coro_async_iterator *both[] = {&a, &b};
	coro_value pair[2];
	struct coro_async_iterator zip = coro_async_zip_strict(both, 2, pair);
	struct coro_async_iterator from = coro_async_from(&numbers);

	note_value("sum", coro_async_reduce(add_slowly, &from, coro_int(1)));
	note_value("loop", loop_slowly(&zip));
	return coro_aclose(three);
}

static void a_strict_zip_of_what_awaits_raises_as_the_other_does(void **state)
{
	run(zip_strictly, CORO_NONE);
	assert_journal("sum 4; second 1; second 2; loop raised ValueError zip() argument 2 is longer "
				   "than argument 1; ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		sentence(a_loop_over_a_generator_drops_its_value_and_goes_on),
		sentence(a_loop_returns_what_its_iterable_raises),
		sentence(an_error_of_a_loop_leaves_the_blocks_around_it),
		sentence(the_iterable_is_evaluated_once_and_break_and_continue_are_the_loops_own),
		sentence(iterate_tells_the_value_at_the_end_of_an_iterator_too),
		sentence(making_an_iterator_asks_for_nothing),
		sentence(only_yield_from_closes_an_iterator_and_only_when_it_is_left),
		sentence(yield_from_over_the_iterator_of_a_generator_delegates_to_that),
		sentence(a_coroutine_is_no_iterator),
		sentence(a_range_without_a_step_says_so_when_it_is_asked),
		sentence(an_error_from_below_names_the_place_that_asked),
		sentence(a_list_holds_all_items),
		sentence(exceptions_in_a_list_are_kept),
		sentence(without_memory_a_list_is_empty_and_memory_error_is_raised),
		sentence(others_run_while_an_item_is_awaited),
		sentence(collecting_can_be_cancelled),
		sentence(a_strict_zip_of_what_awaits_raises_as_the_other_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
