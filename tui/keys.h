#ifndef TUI_KEYS_H
#define TUI_KEYS_H
/*
 * keys.h - the key table, and its readers.
 *
 * A key is a number: a character's code point, or UI_FUNCTION_KEY + a curses KEY_ code.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Contexts: exactly one is in force at a time. */
enum {
	UI_IN_TASKS = 1 << 0, /* Debug, by focused pane; in the order of enum ui_pane */
	UI_IN_SOURCE = 1 << 1,
	UI_IN_CHAIN = 1 << 2,
	UI_IN_VALUES = 1 << 3,
	UI_IN_LOCALS = 1 << 4,
	UI_IN_EVENTS = 1 << 5,
	UI_IN_LOG = 1 << 6,
	UI_IN_OVERLAY = 1 << 7,  /* help, or a long answer */
	UI_IN_PROMPT = 1 << 8,
	UI_IN_QUESTION = 1 << 9, /* what becomes of the program? */
	UI_CONTEXTS = 10,
	UI_IN_DEBUG = (1 << 6) - 1,
	UI_IN_VIEWS = UI_IN_DEBUG | UI_IN_LOG,
	UI_IN_EVERYTHING = (1 << 10) - 1,
};

#define UI_KEY_GROUPS(X)       \
	X(TIME, "Time")            \
	X(BREAK, "Stops and marks") \
	X(FIND, "Find and command") \
	X(MOVE, "Move")            \
	X(TREE, "Tasks")           \
	X(LOCALS, "Locals")        \
	X(VIEW, "Views and the rest") \
	X(PROMPT, "In the prompt") \
	X(QUIT, "Quitting")
enum ui_key_group {
#define X(NAME, title) UI_KEY_GROUP_##NAME,
	UI_KEY_GROUPS(X)
#undef X
	UI_KEY_GROUP_COUNT,
};

enum ui_action {
	UI_ACTION_NONE,
#define UI_KEY(ACTION, keys, contexts, GROUP, hint, command, sentence) UI_ACTION_##ACTION,
#include "keys.def"
#undef UI_KEY
	UI_ACTIONS,
};

struct ui_key {
	enum ui_action action;
	const char *keys;
	unsigned contexts;
	enum ui_key_group group;
	const char *hint;
	const char *command;
	const char *sentence;
};
extern const struct ui_key ui_keys[];
extern const unsigned ui_key_count;

enum { UI_FUNCTION_KEY = 0x200000 };

/* The key of a name ("Ctrl-D", "Space", "x"), `length` bytes long, or -1. */
int ui_key_code(const char *name, size_t length);
/* The i-th key of an entry, or -1 past the last. */
int ui_key_nth(const struct ui_key *entry, unsigned i);
/* The name that is shown for an entry: its first. */
size_t ui_key_shown(const struct ui_key *entry, char *ret, size_t room);
/* What a key does in a context (one UI_IN_ bit). */
enum ui_action ui_key_action(int key, unsigned context);
const struct ui_key *ui_key_of(enum ui_action action);
const char *ui_key_group_title(enum ui_key_group group);
/* The action that `:` calls by this line, or none. */
enum ui_action ui_key_command(const char *line);

/* docs/keys.md. */
void ui_keys_document(FILE *out);

#endif
