#ifndef RUNTIME_CHECK_H
#define RUNTIME_CHECK_H
/*
 * runtime_check.h - what the tests of the runtime's core share: checks of outcomes, and the
 * teardown that sees whether anything was left.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "../../runtime/core/body.h"

#define assert_raises(value, type, text)                                                           \
	do {                                                                                           \
		coro_value raised_ = (value);                                                              \
		assert_true(coro_raised(raised_));                                                         \
		assert_string_equal(coro_exception_type(raised_)->name, type->name);                       \
		assert_string_equal(coro_message(raised_), text);                                          \
	} while (0)

#define assert_int_value(value, expected)                                                          \
	do {                                                                                           \
		coro_value value_ = (value);                                                               \
		assert_int_equal(coro_kind(value_), CORO_VALUE_INT);                                       \
		assert_int_equal(coro_as_int(value_), expected);                                           \
	} while (0)

#define assert_none(value) assert_true(coro_is_none(value))

/* A generator's end, with a returned int. */
#define assert_stops_with(value, expected)                                                         \
	do {                                                                                           \
		coro_value stop_ = (value);                                                                \
		assert_true(coro_raised(stop_));                                                           \
		assert_true(coro_is(stop_, CORO_StopIteration));                                           \
		assert_int_value(coro_exception_value(stop_), expected);                                   \
	} while (0)

/* The end without a value. */
#define assert_stops(value) assert_raises(value, CORO_StopIteration, "")

/* The body of a handle, for a test that looks inside. */
#define inside(generator) ((struct coro_generator *)coro__address(generator))

/* What the bodies of a test write down, to be compared at its end. */
static char diary[1024];

static inline void __attribute__((format(printf, 1, 2), unused)) note(const char *format, ...)
{
	size_t length = strlen(diary);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(diary + length, sizeof(diary) - length, format, arguments);
	va_end(arguments);
}

/* What the report handler got. */
static char reports[1024];

static void keep_report(enum coro_report_kind kind, const char *text, coro_value exception,
						void *data)
{
	size_t length = strlen(reports);

	snprintf(reports + length, sizeof(reports) - length, "%d %s;", (int)kind, text);
}

static int begin(void **state)
{
	diary[0] = reports[0] = 0;
	coro_set_report_handler(keep_report, NULL);
	return 0;
}

/* Nothing is left: no body, no stack, and no exception once the thread lets go of its last. */
static int nothing_left(void **state)
{
	struct coro_census census;

	coro__reap();
	coro__errors_free(&coro__local.errors);
	census = coro_census();
	assert_int_equal(census.bodies, 0);
	assert_int_equal(census.objects, 0);
	assert_int_equal(census.stacks_used, 0);
	assert_int_equal(census.exceptions, 0);
	assert_null(coro__active.current);
	assert_int_equal(coro__local.shared, 0);
	return 0;
}

#define sentence(name) cmocka_unit_test_setup_teardown(name, begin, nothing_left)

#endif
