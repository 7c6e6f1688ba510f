/*
 * iterators.c - who is asked for what, when, and what is left. iterators.py is the same in Python,
 * and both print the same lines.
 */
#include <inttypes.h>
#include <stdio.h>
#include <coroscope/coro.h>

/* ---- Sources ------------------------------------------------------------ */

static bool tell_closing;

struct order {
	const char *label;
	int count;
	const struct coro_exception_type *raises;
	struct coro_generator *generator;
};

static struct order orders[128];
static size_t order_count;

static coro_value give(coro_value argument)
{
	const struct order *order = coro_as_ptr(argument);

	for (int number = 1; number <= order->count; number++) {
		coro_value sent;

		printf("  %s gives %d\n", order->label, number);
		sent = coro_yield(coro_int(number));
		if (coro_is(sent, CORO_GeneratorExit) && tell_closing)
			printf("  %s is closed\n", order->label);
		CORO_TRY(sent);
	}
	printf("  %s ends\n", order->label);
	if (order->raises)
		return coro_raise_value(order->raises, coro_str(order->label));
	return CORO_NONE;
}

static coro_value give_slowly(coro_value argument)
{
	const struct order *order = coro_as_ptr(argument);

	for (int number = 1; number <= order->count; number++) {
		CORO_TRY(coro_sleep(0.001));
		printf("  %s gives %d\n", order->label, number);
		CORO_TRY(coro_yield(coro_int(number)));
	}
	printf("  %s ends\n", order->label);
	if (order->raises)
		return coro_raise_value(order->raises, coro_str(order->label));
	return CORO_NONE;
}

static struct order *take_order(const char *label, int count,
								const struct coro_exception_type *raises)
{
	struct order *order = &orders[order_count++];

	*order = (struct order){label, count, raises, NULL};
	return order;
}

/* Gives 1 ... count and tells of each request; raises after that, if it is told to. */
static struct coro_generator *source(const char *label, int count,
									 const struct coro_exception_type *raises)
{
	struct order *order = take_order(label, count, raises);

	return order->generator = coro_generator(give, coro_ptr(order));
}

static struct coro_generator *asource(const char *label, int count,
									  const struct coro_exception_type *raises)
{
	struct order *order = take_order(label, count, raises);

	return order->generator = coro_async_generator(give_slowly, coro_ptr(order));
}

static void free_sources(void)
{
	while (order_count)
		coro_free(orders[--order_count].generator);
}

/* An iterator that goes on behind its errors: it raises at each third request. */
struct counter {
	struct coro_iterator iterator;
	const char *label;
	int requests;
};

static coro_value count(struct coro_iterator *iterator)
{
	struct counter *counter = (struct counter *)iterator;

	counter->requests++;
	if (counter->requests == 8) {
		printf("  %s ends\n", counter->label);
		return coro_raise(CORO_StopIteration, "%s", "");
	}
	if (counter->requests % 3 == 0)
		return coro_raise_value(CORO_OSError, coro_str(counter->label));
	printf("  %s gives %d\n", counter->label, counter->requests);
	return coro_int(counter->requests);
}

static struct counter counter(const char *label)
{
	return (struct counter){{.next = count, .type = "Counter"}, label, 0};
}

/* ---- What is printed ---------------------------------------------------- */

static size_t tuple_size;

static void print_item(const char *before, coro_value item, const char *after)
{
	char text[128];

	printf("%s", before);
	if (coro_kind(item) == CORO_VALUE_POINTER) {
		for (size_t i = 0; i < tuple_size; i++)
			print_item(i ? ", " : "(", coro_tuple_at(item, i), "");
		printf(")%s", after);
		return;
	}
	coro_format(coro_caught(item), text, sizeof(text));
	printf("%s%s", text, after);
}

static void drain_iterator(const char *what, struct coro_iterator *iterator, int requests)
{
	printf("%s:\n", what);
	while (requests--) {
		print_item("  -> ", coro_iterator_next(iterator), "\n");
		coro_handled();
	}
}

#define drain(what, iterator, requests)                                                            \
	do {                                                                                           \
		struct coro_iterator drained = (iterator);                                                 \
		drain_iterator(what, &drained, requests);                                                  \
	} while (0)

/* ---- Functions ---------------------------------------------------------- */

static coro_value twice(coro_value item)
{
	printf("  double %" PRId64 "\n", coro_as_int(item));
	return coro_int(2 * coro_as_int(item));
}

static coro_value refuse_two(coro_value item)
{
	if (coro_as_int(item) == 2)
		return coro_raise_value(CORO_KeyError, coro_str("two"));
	return item;
}

static coro_value stop_at_two(coro_value item)
{
	if (coro_as_int(item) == 2)
		return coro_raise_value(CORO_StopIteration, coro_str("stop"));
	return item;
}

static coro_value is_odd(coro_value item)
{
	return coro_int(coro_as_int(item) % 2);
}

static coro_value append_digit(coro_value left, coro_value right)
{
	return coro_int(coro_as_int(left) * 10 + coro_as_int(right));
}

static coro_value add_but_two(coro_value left, coro_value right)
{
	coro_value item = CORO_TRY(refuse_two(right));

	return coro_int(coro_as_int(left) + coro_as_int(item));
}

static void print_list(coro_value outcome, struct coro_list *list)
{
	if (coro_raised(outcome)) {
		print_item("list: ", outcome, "\n");
		coro_handled();
		return;
	}
	printf("list: [");
	for (size_t i = 0; i < list->count; i++)
		print_item(i ? ", " : "", list->values[i], "");
	printf("]\n");
	coro_list_free(list);
}

/* ---- Iterators ---------------------------------------------------------- */

static void plain(void)
{
	const coro_value two[] = {coro_str("a"), coro_int(1)};
	const coro_value truths[] = {
		coro_int(0),        coro_int(1),      CORO_NONE,       coro_str(""),
		coro_str("x"),      coro_float(0),    coro_float(2.5), coro_bytes("", 0),
		coro_bytes("y", 1), coro_bool(false), coro_bool(true),
	};
	struct coro_iterator array = coro_iter_array(truths, sizeof(truths) / sizeof(*truths));
	struct coro_generator *left;
	struct counter c;

	drain("array", coro_iter_array(two, 2), 4);
	drain("range", coro_range(1, 8, 3), 5);
	drain("range down", coro_range(3, -3, -2), 5);
	drain("range of nothing", coro_range(3, 3, 1), 1);
	drain("range at the top", coro_range(INT64_MAX - 2, INT64_MAX, 2), 3);
	drain("range over all", coro_range(INT64_MIN, INT64_MAX, INT64_MAX), 4);
	drain("map", coro_map(twice, source("a", 2, NULL)), 4);
	drain("map of what raises", coro_map(twice, source("a", 1, CORO_OSError)), 3);
	c = counter("c");
	drain("map of what goes on", coro_map(twice, &c.iterator), 9);
	drain("map that raises", coro_map(refuse_two, source("a", 3, NULL)), 5);
	drain("map that stops", coro_map(stop_at_two, source("a", 3, NULL)), 5);
	drain("filter", coro_filter(is_odd, source("a", 5, NULL)), 5);
	drain("filter of truth", coro_filter(NULL, &array), 6);
	drain("filter that raises", coro_filter(refuse_two, source("a", 3, NULL)), 4);
	drain("take", coro_take(source("a", 5, NULL), 2), 4);
	drain("take nothing", coro_take(source("a", 5, NULL), 0), 2);
	drain("take more", coro_take(source("a", 1, NULL), 3), 3);
	c = counter("c");
	drain("take of what goes on", coro_take(&c.iterator, 5), 5);
	left = source("a", 4, NULL);
	drain("take two", coro_take(left, 2), 3);
	drain("what is left", coro_iter(left), 3);
	tuple_size = 2;
	drain("enumerate", coro_enumerate(source("a", 2, NULL), 5), 4);
	c = counter("c");
	drain("enumerate of what goes on", coro_enumerate(&c.iterator, 0), 5);
}

static void several(void)
{
	struct coro_iterator a = coro_iter(source("a", 2, NULL)), b = coro_iter(source("b", 0, NULL)),
						 third = coro_iter(source("c", 1, NULL));
	struct coro_iterator *all[] = {&a, &b, &third};
	struct coro_generator *long_one, *short_one;
	struct counter c = counter("c");
	coro_value tuple[3];

	drain("chain", coro_chain(all, 3), 5);
	drain("chain of nothing", coro_chain(NULL, 0), 2);
	a = coro_iter(source("a", 1, CORO_OSError));
	b = coro_iter(source("b", 1, NULL));
	drain("chain of what raises", coro_chain(all, 2), 4);
	all[0] = &c.iterator;
	b = coro_iter(source("b", 1, NULL));
	drain("chain of what goes on", coro_chain(all, 2), 10);
	all[0] = &a;
	a = coro_iter(long_one = source("long", 4, NULL));
	b = coro_iter(source("short", 1, NULL));
	drain("zip", coro_zip(all, 2, tuple), 4);
	drain("left of the longer", coro_iter(long_one), 2);
	a = coro_iter(short_one = source("short", 1, NULL));
	b = coro_iter(long_one = source("long", 4, NULL));
	drain("zip, the shorter first", coro_zip(all, 2, tuple), 3);
	drain("left of the longer", coro_iter(long_one), 1);
	drain("zip of nothing", coro_zip(NULL, 0, NULL), 2);
	a = coro_iter(source("a", 9, NULL));
	c = counter("c");
	all[1] = &c.iterator;
	drain("zip of what goes on", coro_zip(all, 2, tuple), 6);
	all[1] = &b;
}

static void strict(void)
{
	static const struct {
		const char *title;
		size_t count;
		int sizes[3];
	} cases[] = {
		{"strict zip (2, 2)", 2, {2, 2, 0}},    {"strict zip (2, 1)", 2, {2, 1, 0}},
		{"strict zip (1, 2)", 2, {1, 2, 0}},    {"strict zip (2, 2, 1)", 3, {2, 2, 1}},
		{"strict zip (2, 2, 3)", 3, {2, 2, 3}}, {"strict zip (1, 2, 1)", 3, {1, 2, 1}},
		{"strict zip (1, 1, 1)", 3, {1, 1, 1}},
	};
	static const char *const names[] = {"s0", "s1", "s2"};
	struct coro_iterator iterators[3], *all[] = {&iterators[0], &iterators[1], &iterators[2]};
	coro_value tuple[3];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		tuple_size = cases[i].count;
		for (size_t number = 0; number < tuple_size; number++)
			iterators[number] = coro_iter(source(names[number], cases[i].sizes[number], NULL));
		drain(cases[i].title, coro_zip_strict(all, tuple_size, tuple), 3);
	}
	tuple_size = 2;
	iterators[0] = coro_iter(source("a", 1, NULL));
	iterators[1] = coro_iter(source("b", 1, CORO_OSError));
	drain("strict zip of what raises", coro_zip_strict(all, 2, tuple), 3);
	iterators[0] = coro_iter(source("a", 1, CORO_OSError));
	iterators[1] = coro_iter(source("b", 1, NULL));
	drain("strict zip of what raises first", coro_zip_strict(all, 2, tuple), 3);
}

static void together(void)
{
	struct coro_iterator a = coro_iter(source("a", 3, NULL)), b = coro_range(4, 9, 1);
	struct coro_iterator *both[] = {&a, &b};
	struct coro_iterator chain = coro_chain(both, 2);
	struct coro_iterator odd = coro_filter(is_odd, &chain);
	struct coro_iterator doubled = coro_map(twice, &odd);
	struct coro_iterator numbered = coro_enumerate(&doubled, 1);
	struct coro_list list;
	coro_value result;

	drain("all of them", coro_take(&numbered, 4), 5);
	a = coro_map(twice, source("a", 3, NULL));
	result = coro_collect(&a, &list);
	print_list(result, &list);
	result = coro_collect(source("a", 2, CORO_OSError), &list);
	print_list(result, &list);
	result = coro_reduce(append_digit, source("a", 3, NULL), coro_int(7));
	print_item("reduce: ", result, "\n");
	result = coro_reduce(add_but_two, source("a", 3, NULL), coro_int(0));
	print_item("reduce: ", result, "\n");
	coro_handled();
}

/* ---- Loops and yield from ----------------------------------------------- */

static coro_value until(struct coro_generator *generator, int last)
{
	CORO_FOR (number, generator) {
		print_item("  loop ", number, "\n");
		if (coro_as_int(number) == last)
			break;
	}
	return CORO_NONE;
}

static void loops(void)
{
	struct coro_generator *left = source("a", 4, NULL);
	coro_value result;

	printf("loops:\n");
	until(left, 2);
	printf("  between\n");
	until(left, 9);
	result = until(source("b", 1, CORO_ValueError), 9);
	print_item("  ", result, "\n");
	coro_handled();
}

static coro_value delegates(coro_value iterator)
{
	coro_value result = coro_yield_from((struct coro_iterator *)coro_as_ptr(iterator));

	if (!coro_raised(result)) {
		print_item("  result ", result, "\n");
		return CORO_NONE;
	}
	print_item("  delegate left by ", result, "\n");
	return result;
}

static struct coro_iterator made, below;
static struct coro_iterator *const below_all[] = {&below};
static coro_value tuple_of_one[1];
static const coro_value one_two[] = {{CORO_VALUE_INT, {1}}, {CORO_VALUE_INT, {2}}};

static void make_generator(void)
{
	made = coro_iter(source("a", 2, NULL));
}

static void make_array(void)
{
	made = coro_iter_array(one_two, 2);
}

static void make_range(void)
{
	made = coro_range(1, 3, 1);
}

static void make_map(void)
{
	made = coro_map(twice, &below);
}

static void make_filter(void)
{
	made = coro_filter(NULL, &below);
}

static void make_take(void)
{
	made = coro_take(&below, 2);
}

static void make_chain(void)
{
	made = coro_chain(below_all, 1);
}

static void make_enumerate(void)
{
	made = coro_enumerate(&below, 0);
}

static void make_zip(void)
{
	made = coro_zip(below_all, 1, tuple_of_one);
}

static struct coro_generator *delegator(void (*make)(void))
{
	below = coro_iter_array(one_two, 2);
	make();
	return coro_generator(delegates, coro_ptr(&made));
}

static void ways(const char *what, void (*make)(void))
{
	struct coro_generator *outer = delegator(make);
	coro_value result;

	printf("yield from %s:\n", what);
	drain("to its end", coro_iter(outer), 4);
	coro_free(outer);
	outer = delegator(make);
	coro_next(outer);
	result = coro_send(outer, coro_str("sent"));
	if (coro_raised(result))
		printf("  send: %s: %s\n", coro_exception_type(result)->name, coro_message(result));
	else
		print_item("  send: ", result, "\n");
	coro_handled();
	coro_close(outer);
	coro_free(outer);
	outer = delegator(make);
	coro_next(outer);
	result = coro_throw(outer, coro_error_value(CORO_KeyError, coro_str("thrown")));
	print_item("  throw: ", result, "\n");
	coro_handled();
	drain_iterator("after throw", &made, 1);
	coro_free(outer);
	outer = delegator(make);
	coro_next(outer);
	result = coro_close(outer);
	print_item("  close: ", result, "\n");
	drain_iterator("after close", &made, 1);
	coro_free(outer);
}

static void delegation(void)
{
	tell_closing = true;
	tuple_size = 2;
	ways("generator", make_generator);
	ways("array", make_array);
	ways("range", make_range);
	ways("map", make_map);
	ways("filter", make_filter);
	ways("take", make_take);
	ways("chain", make_chain);
	ways("enumerate", make_enumerate);
	tuple_size = 1;
	ways("zip", make_zip);
	tell_closing = false;
}

/* ---- Awaiting ----------------------------------------------------------- */

static void adrain_iterator(const char *what, struct coro_async_iterator *iterator, int requests)
{
	printf("%s:\n", what);
	while (requests--) {
		print_item("  -> ", coro_async_iterator_next(iterator), "\n");
		coro_handled();
	}
}

#define adrain(what, iterator, requests)                                                           \
	do {                                                                                           \
		struct coro_async_iterator drained = (iterator);                                           \
		adrain_iterator(what, &drained, requests);                                                 \
	} while (0)

static coro_value slow_twice(coro_value item)
{
	CORO_TRY(coro_sleep(0.001));
	return twice(item);
}

static coro_value slow_is_odd(coro_value item)
{
	CORO_TRY(coro_sleep(0.001));
	return is_odd(item);
}

static coro_value aloop(struct coro_async_iterator *iterator)
{
	CORO_ASYNC_FOR (item, iterator)
		print_item("  loop ", item, "\n");
	return CORO_NONE;
}

static coro_value amain(coro_value unused)
{
	struct coro_generator *left, *long_one;
	struct coro_async_iterator a, b, c, *all[] = {&a, &b, &c};
	struct coro_iterator doubled;
	struct coro_list list;
	coro_value tuple[2], result;

	tuple_size = 2;
	adrain("async map", coro_async_map(slow_twice, asource("a", 2, NULL)), 4);
	adrain("async map of what raises", coro_async_map(slow_twice, asource("a", 1, CORO_OSError)),
		   3);
	adrain("async filter", coro_async_filter(slow_is_odd, asource("a", 3, NULL)), 3);
	left = asource("a", 4, NULL);
	adrain("async take", coro_async_take(left, 2), 3);
	adrain("what is left", coro_async_iter(left), 3);
	a = coro_async_iter(asource("a", 1, NULL));
	b = coro_async_iter(asource("b", 0, NULL));
	c = coro_async_iter(asource("c", 1, NULL));
	adrain("async chain", coro_async_chain(all, 3), 4);
	adrain("async enumerate", coro_async_enumerate(asource("a", 2, NULL), 1), 3);
	a = coro_async_iter(long_one = asource("long", 4, NULL));
	b = coro_async_iter(asource("short", 1, NULL));
	adrain("async zip", coro_async_zip(all, 2, tuple), 3);
	adrain("left of the longer", coro_async_iter(long_one), 1);
	doubled = coro_map(twice, source("a", 1, NULL));
	adrain("async from", coro_async_from(&doubled), 2);
	printf("async for:\n");
	a = coro_async_map(slow_twice, asource("a", 9, NULL));
	b = coro_async_take(&a, 2);
	CORO_TRY(aloop(&b));
	a = coro_async_map(slow_twice, asource("a", 1, CORO_ValueError));
	result = aloop(&a);
	print_item("  ", result, "\n");
	coro_handled();
	a = coro_async_map(slow_twice, asource("a", 3, NULL));
	result = coro_async_collect(&a, &list);
	print_list(result, &list);
	result = coro_async_collect(asource("a", 1, CORO_OSError), &list);
	print_list(result, &list);
	free_sources();
	return CORO_NONE;
}

int main(void)
{
	printf("-- iterators\n");
	plain();
	several();
	strict();
	together();
	free_sources();
	printf("-- loops\n");
	loops();
	delegation();
	free_sources();
	printf("-- async\n");
	return coro_run(amain, CORO_NONE);
}
