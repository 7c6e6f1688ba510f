#ifndef UNIT_JOURNAL_H
#define UNIT_JOURNAL_H
/*
 * journal.h - what a scenario did, as text, and the loop that it ran on.
 *
 *     note("a %d", 1);
 *     ...
 *     assert_journal("a 1; b 2; ");
 *
 * run() runs a coroutine as the main task of a loop with virtual time, and checks that
 * nothing is left afterwards. What was reported meanwhile is in the journal, as
 * "report KIND TYPE; ".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <coroscope/coro.h>
#include "core/core.h"

static char journal[8192];
static size_t journal_length;

__attribute__((format(printf, 1, 2), unused)) static void note(const char *format, ...)
{
	va_list arguments;
	int written;

	va_start(arguments, format);
	written =
		vsnprintf(journal + journal_length, sizeof(journal) - journal_length, format, arguments);
	va_end(arguments);
	assert_true(written >= 0 && journal_length + (size_t)written + 2 < sizeof(journal));
	journal_length += (size_t)written;
	memcpy(journal + journal_length, "; ", 3);
	journal_length += 2;
}

/* "note: value", or "note: raised Type message". */
__attribute__((unused)) static void note_value(const char *what, coro_value value)
{
	char text[128];

	if (coro_raised(value)) {
		note("%s raised %s%s%s", what, coro_exception_type(value)->name,
			 *coro_message(value) ? " " : "", coro_message(value));
		return;
	}
	coro_format(value, text, sizeof(text));
	note("%s %s", what, text);
}

/* Compares, and begins anew. */
#define assert_journal(expected)                                                                   \
	do {                                                                                           \
		assert_string_equal(journal, expected);                                                    \
		journal_length = 0;                                                                        \
		journal[0] = 0;                                                                            \
	} while (0)

static void journal_report(enum coro_report_kind kind, const char *text, coro_value exception,
						   void *unused)
{
	if (coro_kind(exception) == CORO_VALUE_EXCEPTION)
		note("report %d %s", (int)kind, coro_exception_type(exception)->name);
	else
		note("report %d %s", (int)kind, text);
}

__attribute__((unused)) static struct coro_loop *journal_loop(void)
{
	static const struct coro_loop_options options = {.virtual_time = true};
	struct coro_loop *loop = coro_loop_new(&options);

	assert_non_null(loop);
	coro_set_report_handler(journal_report, NULL);
	journal_length = 0;
	journal[0] = 0;
	return loop;
}

__attribute__((unused)) static void journal_end(struct coro_loop *loop)
{
	coro_loop_free(loop);
	coro_set_report_handler(NULL, NULL);
	assert_null(coro_loop_current());
	assert_int_equal(coro_census().bodies, 0);
	assert_int_equal(coro_census().objects, 0);
	assert_int_equal(coro_census().stacks_used, 0);
}

__attribute__((unused)) static coro_value run(coro_function *function, coro_value argument)
{
	struct coro_loop *loop = journal_loop();
	struct coro_task *main_task = coro_spawn(function, argument, "main");
	coro_value result = coro_loop_run_until_complete(loop, coro_object(main_task));

	coro_task_free(main_task);
	coro_keep(result);
	journal_end(loop);
	coro_drop(result);
	return result;
}

#endif
