/*
 * format_test.c - values as repr() shows them, and which of them are equal.
 */
#include <errno.h>
#include <coroscope/coro.h>
#include "runtime_check.h"

static void assert_shown(coro_value value, const char *expected)
{
	char text[256], cut[8];
	size_t length = coro_format(value, text, sizeof(text));

	assert_string_equal(text, expected);
	assert_int_equal(length, strlen(expected));
	assert_int_equal(coro_format(value, cut, sizeof(cut)), length);
	assert_memory_equal(cut, expected, length < 7 ? length : 7);
	assert_int_equal(cut[length < 7 ? length : 7], 0);
	assert_int_equal(coro_format(value, NULL, 0), length);
}

static void strings_escape_what_is_not_printable(void **state)
{
	assert_shown(coro_str("plain"), "'plain'");
	assert_shown(coro_str("it's"), "\"it's\"");
	assert_shown(coro_str("tab\tline\n\x1b\x7f"), "'tab\\tline\\n\\x1b\\x7f'");
	assert_shown(coro_str("h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xa2"),
				 "'h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xa2'");
	/* C1, no-break space, soft hyphen; line separator, right-to-left mark; a tag. */
	assert_shown(coro_str("\xc2\x85\xc2\xa0\xc2\xad"), "'\\x85\\xa0\\xad'");
	assert_shown(coro_str("\xe2\x80\xa8\xe2\x80\x8f"), "'\\u2028\\u200f'");
	assert_shown(coro_str("\xf3\xa0\x80\x81"), "'\\U000e0001'");
	assert_shown(coro_str("\xef\xbf\xbf\xf4\x8f\xbf\xbf"), "'\\uffff\\U0010ffff'");
}

static void bytes_that_are_no_characters_are_escaped_one_by_one(void **state)
{
	assert_shown(coro_str("\x80\xff"), "'\\udc80\\udcff'");
	assert_shown(coro_str("\xc3"), "'\\udcc3'");
	assert_shown(coro_str("\xe2\x82"), "'\\udce2\\udc82'");
	assert_shown(coro_str("\xc0\xaf"), "'\\udcc0\\udcaf'");
	assert_shown(coro_str("\xed\xa0\x80"), "'\\udced\\udca0\\udc80'");
	assert_shown(coro_str("\xf4\x90\x80\x80"), "'\\udcf4\\udc90\\udc80\\udc80'");
	assert_shown(coro_bytes("\x80z", 2), "b'\\x80z'");
}

static coro_value ends(coro_value unused)
{
	return coro_str("end");
}

static void exceptions_show_their_arguments(void **state)
{
	CORO_AUTO struct coro_generator *generator = coro_generator(ends, CORO_NONE);
	coro_value children[2];

	assert_shown(coro_next(generator), "StopIteration('end')");
	assert_shown(coro_error(CORO_ValueError, "it's"), "ValueError(\"it's\")");
	assert_shown(coro_error_value(CORO_ValueError, coro_str("it's")), "ValueError(\"it's\")");
	assert_shown(coro_error_value(CORO_KeyError, coro_int(3)), "KeyError(3)");
	assert_shown(coro_error_value(CORO_StopIteration, CORO_NONE), "StopIteration()");
	assert_shown(coro_caught(coro_raise_errno(ENOENT)),
				 "FileNotFoundError(2, 'No such file or directory')");
	children[0] = coro_error(CORO_KeyError, "k");
	children[1] = coro_caught(coro_raise_group("in\nner", children, 1));
	assert_shown(coro_caught(coro_raise_group("many", children, 2)),
				 "ExceptionGroup('many', [KeyError('k'), ExceptionGroup('in\\nner', "
				 "[KeyError('k')])])");
	coro_handled();
}

static void the_message_of_a_group_may_be_long(void **state)
{
	coro_value child = coro_error(CORO_KeyError, "k"), group;
	char message[400];

	memset(message, 'm', sizeof(message) - 1);
	message[sizeof(message) - 1] = 0;
	group = coro_raise_group(message, &child, 1);
	assert_memory_equal(coro_message(group), message, sizeof(message) - 1);
	assert_string_equal(coro_message(group) + sizeof(message) - 1, " (1 sub-exception)");
	coro_handled();
}

static void an_integer_equals_the_float_that_is_exactly_it(void **state)
{
	const int64_t big = (int64_t)1 << 53;

	assert_true(coro_equal(coro_int(big), coro_float(0x1p53)));
	assert_false(coro_equal(coro_int(big + 1), coro_float(0x1p53)));
	assert_false(coro_equal(coro_float(0x1p53), coro_int(big + 1)));
	assert_false(coro_equal(coro_int(INT64_MAX), coro_float(0x1p63)));
	assert_true(coro_equal(coro_int(INT64_MIN), coro_float(-0x1p63)));
	assert_true(coro_equal(coro_bool(true), coro_float(1.0)));
	assert_true(coro_equal(coro_bool(false), coro_int(0)));
	assert_false(coro_equal(coro_int(1), coro_float(1.5)));
	assert_false(coro_equal(coro_float(0.0 / 0.0), coro_int(0)));
	assert_false(coro_equal(coro_float(1.0 / 0.0), coro_int(INT64_MAX)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		sentence(strings_escape_what_is_not_printable),
		sentence(bytes_that_are_no_characters_are_escaped_one_by_one),
		sentence(exceptions_show_their_arguments),
		sentence(the_message_of_a_group_may_be_long),
		sentence(an_integer_equals_the_float_that_is_exactly_it),
	};

	return cmocka_run_group_tests_name("format", tests, NULL, NULL);
}
