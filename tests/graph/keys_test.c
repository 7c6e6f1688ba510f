/*
 * keys_test.c - the key table holds together, and docs/keys.md is it.
 *
 *     keys_test docs/keys.md      with UPDATE=1 in the environment: writes it
 */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "keys.h"

static const char *document_path;

static void every_key_has_a_sentence_and_a_name_that_is_known(void **state)
{
	for (unsigned i = 0; i < ui_key_count; i++) {
		const struct ui_key *key = &ui_keys[i];
		assert_true(strlen(key->sentence) > 8);
		assert_true(key->contexts != 0);
		assert_true(*key->keys != 0);
		for (const char *name = key->keys; *name;) {
			size_t length = strcspn(name, " ");
			assert_true(ui_key_code(name, length) > 0);
			name += length + (name[length] == ' ');
		}
		assert_ptr_equal(ui_key_of(key->action), key);
	}
}

static void no_key_is_bound_twice_in_one_context(void **state)
{
	for (unsigned context = 0; context < UI_CONTEXTS; context++)
		for (unsigned a = 0; a < ui_key_count; a++)
			for (unsigned b = 0; b < ui_key_count; b++) {
				if (!(ui_keys[a].contexts & ui_keys[b].contexts & 1u << context))
					continue;
				int code, other;
				for (unsigned i = 0; (code = ui_key_nth(&ui_keys[a], i)) >= 0; i++)
					for (unsigned k = 0; (other = ui_key_nth(&ui_keys[b], k)) >= 0; k++)
						if (code == other && (a != b || i != k))
							fail_msg("%s and %s share a key", ui_keys[a].keys, ui_keys[b].keys);
			}
}

static void every_context_can_be_left(void **state)
{
	for (unsigned context = 0; context < UI_CONTEXTS; context++)
		assert_int_equal(ui_key_action(27, 1u << context), UI_ACTION_CANCEL);
	for (unsigned context = UI_IN_TASKS; context <= UI_IN_OVERLAY; context <<= 1) {
		assert_int_equal(ui_key_action('q', context), UI_ACTION_CLOSE);
		assert_int_equal(ui_key_action('Q', context), UI_ACTION_QUIT);
	}
}

static void a_key_with_a_hint_or_a_help_line_fits_its_column(void **state)
{
	for (unsigned i = 0; i < ui_key_count; i++) {
		if (ui_keys[i].contexts & UI_IN_VIEWS)
			assert_true(strlen(ui_keys[i].keys) <= 10);
		assert_true(strlen(ui_keys[i].command) <= 16);
		assert_true(strlen(ui_keys[i].hint) <= 14);
	}
}

static void shifted_letters_go_backwards(void **state)
{
	static const struct {
		enum ui_action forward, back;
	} pairs[] = {
		{UI_ACTION_INTO, UI_ACTION_INTO_BACK},         {UI_ACTION_OVER, UI_ACTION_OVER_BACK},
		{UI_ACTION_DONE, UI_ACTION_DONE_BACK},         {UI_ACTION_OUT, UI_ACTION_OUT_BACK},
		{UI_ACTION_CONTINUE, UI_ACTION_CONTINUE_BACK},
	};
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		int key = ui_key_nth(ui_key_of(pairs[i].forward), 0);
		assert_int_equal(ui_key_action(toupper(key), UI_IN_TASKS), pairs[i].back);
	}
}

static char *document(void)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);
	assert_non_null(out);
	ui_keys_document(out);
	fclose(out);
	return text;
}

static void docs_keys_is_made_from_the_table(void **state)
{
	char *text = document();
	if (getenv("UPDATE")) {
		FILE *out = fopen(document_path, "w");
		assert_non_null(out);
		fputs(text, out);
		fclose(out);
	}
	FILE *in = fopen(document_path, "r");
	assert_non_null(in);
	char *file = calloc(1, 1 << 20);
	size_t length = fread(file, 1, (1 << 20) - 1, in);
	fclose(in);
	assert_true(length > 0);
	assert_string_equal(file, text);
	free(file);
	free(text);
}

int main(int argc, char **argv)
{
	document_path = argc > 1 ? argv[1] : "docs/keys.md";
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_has_a_sentence_and_a_name_that_is_known),
		cmocka_unit_test(no_key_is_bound_twice_in_one_context),
		cmocka_unit_test(every_context_can_be_left),
		cmocka_unit_test(a_key_with_a_hint_or_a_help_line_fits_its_column),
		cmocka_unit_test(shifted_letters_go_backwards),
		cmocka_unit_test(docs_keys_is_made_from_the_table),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
