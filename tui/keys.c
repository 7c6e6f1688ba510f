/*
 * keys.c - names of keys to numbers, and back to a document.
 */
#include <curses.h>
#include <string.h>
#include "keys.h"
#include "draw.h"

const struct ui_key ui_keys[] = {
#define UI_KEY(ACTION, keys, contexts, GROUP, hint, command, sentence)                             \
	{UI_ACTION_##ACTION, keys, contexts, UI_KEY_GROUP_##GROUP, hint, command, sentence},
#include "keys.def"
#undef UI_KEY
};
const unsigned ui_key_count = sizeof(ui_keys) / sizeof(ui_keys[0]);

static const struct {
	const char *name;
	int code;
} named[] = {
	{"Space", ' '},
	{"Tab", '\t'},
	{"S-Tab", UI_FUNCTION_KEY + KEY_BTAB},
	{"Enter", '\r'},
	{"Esc", 27},
	{"Backspace", UI_FUNCTION_KEY + KEY_BACKSPACE},
	{"Delete", UI_FUNCTION_KEY + KEY_DC},
	{"Up", UI_FUNCTION_KEY + KEY_UP},
	{"Down", UI_FUNCTION_KEY + KEY_DOWN},
	{"Left", UI_FUNCTION_KEY + KEY_LEFT},
	{"Right", UI_FUNCTION_KEY + KEY_RIGHT},
	{"Home", UI_FUNCTION_KEY + KEY_HOME},
	{"End", UI_FUNCTION_KEY + KEY_END},
	{"PgUp", UI_FUNCTION_KEY + KEY_PPAGE},
	{"PgDn", UI_FUNCTION_KEY + KEY_NPAGE},
	{"F1", UI_FUNCTION_KEY + KEY_F(1)},
	{"F5", UI_FUNCTION_KEY + KEY_F(5)},
	{"F9", UI_FUNCTION_KEY + KEY_F(9)},
	{"F10", UI_FUNCTION_KEY + KEY_F(10)},
};

int ui_key_code(const char *name, size_t length)
{
	if (length == 1)
		return (unsigned char)*name;
	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++)
		if (strlen(named[i].name) == length && memcmp(named[i].name, name, length) == 0)
			return named[i].code;
	if (length == 6 && memcmp(name, "Ctrl-", 5) == 0)
		return name[5] & 0x1f;
	return -1;
}

int ui_key_nth(const struct ui_key *entry, unsigned i)
{
	const char *name = entry->keys;
	for (;;) {
		size_t length = strcspn(name, " ");
		if (i-- == 0)
			return ui_key_code(name, length);
		if (!name[length])
			return -1;
		name += length + 1;
	}
}

size_t ui_key_shown(const struct ui_key *entry, char *ret, size_t room)
{
	size_t length = strcspn(entry->keys, " ");
	if (length >= room)
		length = room - 1;
	memcpy(ret, entry->keys, length);
	ret[length] = 0;
	return length;
}

enum ui_action ui_key_action(int key, unsigned context)
{
	for (unsigned i = 0; i < ui_key_count; i++) {
		if (!(ui_keys[i].contexts & context))
			continue;
		int code;
		for (unsigned k = 0; (code = ui_key_nth(&ui_keys[i], k)) >= 0; k++)
			if (code == key)
				return ui_keys[i].action;
	}
	return UI_ACTION_NONE;
}

const struct ui_key *ui_key_of(enum ui_action action)
{
	return &ui_keys[action - 1];
}

const char *ui_key_group_title(enum ui_key_group group)
{
	static const char *const titles[] = {
#define X(NAME, title) title,
		UI_KEY_GROUPS(X)
#undef X
	};
	return titles[group];
}

enum ui_action ui_key_command(const char *line)
{
	for (unsigned i = 0; i < ui_key_count; i++)
		if (*line && strcmp(line, ui_keys[i].command) == 0)
			return ui_keys[i].action;
	return UI_ACTION_NONE;
}

/* ---- The document ------------------------------------------------------ */

static void document_keys(FILE *out, const char *keys)
{
	while (*keys) {
		size_t length = strcspn(keys, " ");
		/* A backquote inside a code span needs two around it. */
		if (length == 1 && *keys == '`')
			fputs("`` ` ``", out);
		else
			fprintf(out, "`%.*s`", (int)length, keys);
		keys += length;
		if (*keys) {
			keys++;
			fputc(' ', out);
		}
	}
}

static const char *document_where(unsigned contexts)
{
	if (contexts == UI_IN_EVERYTHING)
		return "everywhere";
	if (contexts == (UI_IN_VIEWS | UI_IN_OVERLAY))
		return "all views and pages";
	if (contexts == UI_IN_VIEWS)
		return "all views";
	if (contexts == UI_IN_DEBUG)
		return "Debug";
	if (contexts == UI_IN_TASKS)
		return "Tasks";
	if (contexts == UI_IN_LOG)
		return "Log";
	if (contexts == UI_IN_OVERLAY)
		return "pages";
	if (contexts == UI_IN_PROMPT)
		return "the prompt";
	return "the question";
}

void ui_keys_document(FILE *out)
{
	fputs(
		"# Keys\n\n"
		"This file is made from the key table, `tui/keys.def`; a test keeps it so.\n\n"
		"`?` shows the keys that are valid at the moment. A key that cannot act says why. What a\n"
		"key does can be asked for by name too, after `:`. The last row of the screen, the names "
		"of\n"
		"the views, the transport row and all panes take mouse clicks; the scrubber can be "
		"dragged, the wheel\n"
		"scrolls.\n",
		out);
	for (unsigned group = 0; group < UI_KEY_GROUP_COUNT; group++) {
		fprintf(out, "\n## %s\n\n| Keys | `:` | Where | What |\n|---|---|---|---|\n",
				ui_key_group_title(group));
		for (unsigned i = 0; i < ui_key_count; i++) {
			const struct ui_key *key = &ui_keys[i];
			if (key->group != group)
				continue;
			fputs("| ", out);
			document_keys(out, key->keys);
			if (*key->command)
				fprintf(out, " | `%s`", key->command);
			else
				fputs(" | ", out);
			fprintf(out, " | %s | %s |\n", document_where(key->contexts), key->sentence);
		}
	}
	fputs(
		"\n## Options of the screen\n\n"
		"They stand before or after the subcommand, before the program.\n\n"
		"| Option | What |\n|---|---|\n"
		"| `--color=never`, `auto`, `8`, `16`, `256`, `true` | how many colours; before `NO_COLOR` "
		"and `TERM` |\n"
		"| `--ascii` | no signs beyond ASCII; `~` changes them later |\n"
		"| `--no-mouse` | the mouse stays the terminal's |\n"
		"| `--no-sync` | no synchronized output |\n"
		"| `--pin` | shows the process id and the clock as fixed words, so that two pictures of "
		"one "
		"event are equal |\n",
		out);
}
