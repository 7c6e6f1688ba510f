/*
 * draw_test.c - widths, cuts, glyphs and colours, without a terminal.
 */
#include <curses.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <wchar.h>
#include <cmocka.h>
#include "draw.h"

static const char *shortened(const char *text, int columns, bool middle)
{
	static char buffer[256];
	ui_shorten(text, columns, middle, buffer, sizeof(buffer));
	return buffer;
}

static void widths_are_cells_and_not_bytes(void **state)
{
	assert_int_equal(ui_width("abc"), 3);
	assert_int_equal(ui_width("é►"), 2);
	assert_int_equal(ui_width("日本"), 4);
	assert_int_equal(ui_width("e\xcc\x81"), 1); /* a combining accent */
	assert_int_equal(ui_width(""), 0);
}

static void text_is_cut_with_a_sign_at_the_end_or_in_the_middle(void **state)
{
	assert_string_equal(shortened("abcdef", 6, false), "abcdef");
	assert_string_equal(shortened("abcdef", 5, false), "abcd…");
	assert_string_equal(shortened("producer_consumer.c:41", 13, true), "produc…r.c:41");
	assert_string_equal(shortened("abcdef", 1, false), "…");
	assert_string_equal(shortened("abcdef", 0, false), "");
	/* A wide character that does not fit whole is left out. */
	assert_string_equal(shortened("日本語", 4, false), "日…");
}

static const char *place(const char *text, int columns)
{
	static char buffer[256];
	ui_shorten_place(text, columns, buffer, sizeof(buffer));
	return buffer;
}

static void a_place_keeps_its_line_longest(void **state)
{
	assert_string_equal(place("src/deep/echo.c:41", 18), "src/deep/echo.c:41");
	assert_string_equal(place("src/deep/echo.c:41", 17), "echo.c:41");
	assert_string_equal(place("src/producer_consumer.c:41", 17), "producer_cons…:41");
	assert_string_equal(place("producer_consumer.c:41", 5), "p…:41");
	assert_string_equal(place("producer_consumer.c:41", 4), "p…41");
	assert_string_equal(place("main", 3), "m…n");
	assert_string_equal(place("", 3), "");
}

static void bad_utf8_is_one_cell_a_byte(void **state)
{
	assert_int_equal(ui_width("\xff\xfe"
							  "a"),
					 3);
	assert_int_equal(ui_width("\xe2\x94"), 2); /* cut off */
	unsigned code;
	assert_int_equal(ui_decode("\xc0\x80", &code), 1);
	assert_int_equal(code, 0xfffd);
}

static void every_glyph_is_one_cell_wide_in_every_set(void **state)
{
	for (unsigned set = 0; set < UI_GLYPH_SETS; set++) {
		ui_glyphs_use((enum ui_glyph_set)set);
		for (unsigned role = 0; role < UI_GLYPH_COUNT; role++) {
			const char *glyph = ui_glyph((enum ui_glyph)role);
			assert_int_equal(ui_width(glyph), 1);
			if (set == UI_GLYPHS_ASCII) {
				assert_int_equal(strlen(glyph), 1);
				assert_in_range(glyph[0], 0x21, 0x7e);
			}
		}
	}
	ui_glyphs_use(UI_GLYPHS_UTF8);
}

static void states_of_tasks_differ_in_their_glyph_in_every_set(void **state)
{
	static const enum ui_glyph states[] = {
		UI_GLYPH_CREATED, UI_GLYPH_RUNNING, UI_GLYPH_READY,     UI_GLYPH_SUSPENDED,
		UI_GLYPH_DONE,    UI_GLYPH_FAILED,  UI_GLYPH_CANCELLED,
	};
	for (unsigned set = 0; set < UI_GLYPH_SETS; set++) {
		ui_glyphs_use((enum ui_glyph_set)set);
		for (size_t a = 0; a < sizeof(states) / sizeof(states[0]); a++)
			for (size_t b = 0; b < a; b++)
				assert_string_not_equal(ui_glyph(states[a]), ui_glyph(states[b]));
	}
	ui_glyphs_use(UI_GLYPHS_UTF8);
}

static void the_option_goes_before_no_color_before_term_before_terminfo(void **state)
{
	assert_int_equal(ui_colours_choose(UI_COLOURS_256, "1", "dumb", NULL, 0), UI_COLOURS_256);
	assert_int_equal(ui_colours_choose(UI_COLOURS_AUTO, "1", "xterm", "truecolor", 256),
					 UI_COLOURS_NONE);
	assert_int_equal(ui_colours_choose(UI_COLOURS_AUTO, "", "xterm", NULL, 256), UI_COLOURS_256);
	assert_int_equal(ui_colours_choose(UI_COLOURS_AUTO, NULL, "dumb", "truecolor", 256),
					 UI_COLOURS_NONE);
	assert_int_equal(ui_colours_choose(UI_COLOURS_AUTO, NULL, "xterm", "24bit", 8), UI_COLOURS_256);
	assert_int_equal(ui_colours_choose(UI_COLOURS_AUTO, NULL, "xterm", NULL, 8), UI_COLOURS_8);
	assert_int_equal(ui_colours_choose(UI_COLOURS_AUTO, NULL, "vt100", NULL, -1), UI_COLOURS_NONE);
	enum ui_colours colours;
	assert_true(ui_colours_parse("never", &colours));
	assert_int_equal(colours, UI_COLOURS_NONE);
	assert_false(ui_colours_parse("pink", &colours));
}

static void finding_takes_no_regard_of_case(void **state)
{
	assert_true(ui_contains("internal #4 Yield", "yIELD"));
	assert_false(ui_contains("internal", "external"));
}

int main(void)
{
	if (!setlocale(LC_ALL, "C.UTF-8"))
		return 77;
	ui_glyphs_use(UI_GLYPHS_UTF8);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(widths_are_cells_and_not_bytes),
		cmocka_unit_test(text_is_cut_with_a_sign_at_the_end_or_in_the_middle),
		cmocka_unit_test(a_place_keeps_its_line_longest),
		cmocka_unit_test(bad_utf8_is_one_cell_a_byte),
		cmocka_unit_test(every_glyph_is_one_cell_wide_in_every_set),
		cmocka_unit_test(states_of_tasks_differ_in_their_glyph_in_every_set),
		cmocka_unit_test(the_option_goes_before_no_color_before_term_before_terminfo),
		cmocka_unit_test(finding_takes_no_regard_of_case),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
