#ifndef TUI_UI_H
#define TUI_UI_H
/*
 * ui.h - what the files of the screen share: the state of the UI, and what a view is.
 *
 * A frame is a function of struct ui and the session: views draw the World at the playhead
 * and keep only what the World does not know (cursors, folds, what was found). So a picture
 * depends on the event and the selection, not on how one got there.
 *
 *     ui.c        the loop: poll, keys, session, at most 30 frames a second
 *     actions.c   what each key does, and why it cannot
 *     bars.c      the four fixed rows
 *     prompt.c    `:` and `/` and questions
 *     pages.c     help, and answers that are longer than a line
 *     debug.c     the Debug view; its panes are in pane_*.c
 *     log.c       the Log view
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tracer/command.h>
#include <tracer/symbols.h>
#include "chain.h"
#include "draw.h"
#include "keys.h"
#include "layout.h"
#include "roster.h"
#include "terminal.h"
#include "tree.h"
#include "waits.h"

struct ui;

/* ---- Views ------------------------------------------------------------- */

/* What a view, a page and a pane do. Rectangles are where to draw; all state is in struct ui. */
struct ui_view_ops {
	const char *name;
	void (*draw)(struct ui *ui);
	/* Does an action of its own; false: it has none of that name. */
	bool (*act)(struct ui *ui, enum ui_action action);
	/* A click, or a turn of the wheel, in its part of the screen. */
	void (*mouse)(struct ui *ui, const struct ui_mouse *mouse);
	/* Goes to the next place with the text. 0, -ENOENT, or -EINPROGRESS: it will say so later. */
	int (*find)(struct ui *ui, const char *text, enum session_direction direction);
};
extern const struct ui_view_ops ui_debug_view, ui_log_view;
extern const struct ui_view_ops ui_help_page, ui_answer_page;

struct ui_pane_ops {
	const char *name;
	/* The words in its upper edge: title, and facts at the right. */
	void (*title)(struct ui *ui, struct text *left, struct text *right);
	void (*draw)(struct ui *ui, const struct ui_rect *rect);
	bool (*act)(struct ui *ui, enum ui_action action);
	/* A click on a row of it. */
	void (*click)(struct ui *ui, int row);
	int (*find)(struct ui *ui, const char *text, enum session_direction direction);
};
extern const struct ui_pane_ops ui_pane_tasks, ui_pane_source, ui_pane_chain, ui_pane_values,
	ui_pane_locals, ui_pane_events;
extern const struct ui_pane_ops *const ui_panes[]; /* by enum ui_pane */

/* ---- A list with a cursor ---------------------------------------------- */

struct ui_list {
	size_t cursor;
	size_t top;  /* the first row that is seen */
	int height;  /* rows seen, as it was drawn last */
	bool held;   /* the user has moved the cursor: it does not follow any more */
};
/* Moves the cursor as the action says; false: it is no motion. */
bool ui_list_act(struct ui_list *list, enum ui_action action, size_t count);
/* Before drawing: keeps the cursor inside and in sight. */
void ui_list_settle(struct ui_list *list, size_t count, int height);

/* ---- State ------------------------------------------------------------- */

enum ui_prompt_kind {
	UI_PROMPT_NONE,
	UI_PROMPT_COMMAND, /* : */
	UI_PROMPT_FIND,    /* / */
	UI_PROMPT_INPUT,   /* a line for the program */
	UI_PROMPT_QUIT,    /* a question; answered by one key */
	UI_PROMPT_MARK,    /* waits for the letter of a mark */
	UI_PROMPT_GO_MARK,
	UI_PROMPT_DIFF_MARK,
};
/* A prompt that the next key ends, whatever it is. */
static inline bool ui_prompt_takes_letter(enum ui_prompt_kind kind)
{
	return kind == UI_PROMPT_MARK || kind == UI_PROMPT_GO_MARK || kind == UI_PROMPT_DIFF_MARK;
}

struct ui_prompt {
	enum ui_prompt_kind kind;
	char line[512];
	size_t length, cursor; /* bytes */
	char *history[64];     /* owned; of `:`, the oldest first */
	size_t history_count, history_at;
	char edited[512]; /* the line that was being typed when history was entered */
};

/* A place of the screen that takes clicks; made anew with each frame. */
struct ui_region {
	int row, column, columns;
	enum ui_action action; /* NONE: the scrubber */
};

struct ui {
	struct session *session;        /* borrowed */
	struct command_context command; /* of the `:` prompt; remembers marks and the last answer */
	bool pin;                       /* fixed words for pid and time */
	bool began_live;                /* a program was there when it began; else a recording */
	bool done, kill;                /* the loop ends; and the program is to be killed */
	bool dirty;                     /* something has changed since the last frame */
	bool repaint;                   /* the next frame draws every cell */

	int rows, columns;
	struct ui_layout layout;
	enum ui_view view;
	enum ui_pane focus;
	bool maximised;
	bool scrubs; /* the mouse drags the scrubber */
	const struct ui_view_ops *page; /* over the view; NULL: none */
	struct ui_list page_list;
	bool page_goes_on;     /* it has more lines than are seen */
	struct text page_text; /* of the answer page: lines */
	struct ui_prompt prompt;
	char message[256]; /* in the last row until the next key; "": none */
	bool message_bad;
	bool message_waits; /* it says that an event is waited for: gone when it has come */
	char sought[256]; /* the last text that was looked for; "": none */
	/* What is looked for among a million rows or events is looked for in slices, between keys. */
	struct {
		enum { UI_SEARCH_NONE, UI_SEARCH_TASKS, UI_SEARCH_EVENTS } among; /* NONE: nothing is */
		enum session_direction direction;
		size_t at, left; /* rows */
		uint64_t n;      /* event */
	} search;


	struct ui_region regions[96];
	size_t region_count;

	/* Debug. */
	struct {
		struct ui_list list;
		struct roster roster;
		struct ui_tree_folds folds;
	} tasks;
	/* Tasks by the sign of their state, after an event. */
	struct {
		uint64_t of; /* event + 1; 0: not counted yet */
		unsigned count[UI_GLYPH_COUNT];
	} states;
	struct ui_list source, chain, values, events;
	bool locals_shown; /* in the place of Values */
	struct ui_locals {
		struct ui_list list;
		struct ui_locals_rows {
			struct ui_local *row; /* owned: pane_locals.c */
			size_t count, room;
		} rows, base;          /* and what they are compared with */
		bool has_base;
		bool stale;            /* the rows are to be made anew */
		uint64_t of;           /* event that they are of, + 1; 0: none */
		uint64_t subject;      /* whose they are */
		uint64_t frame;        /* the wanted frame: 0 is the innermost */
		uint64_t shown_frame;  /* that they are of */
		uint64_t frames;       /* how many there are */
		uint64_t diff;         /* only what differs from this event; 0: all */
		bool optimised;
		struct text where;     /* of the frame: "worker:12" */
		struct text missing;   /* why there are no rows */
		char **open;           /* owned: paths of what is expanded */
		size_t open_count;
	} locals;
	struct chain levels; /* the chain through the subject, made once a frame */
	struct waits waits;  /* and what its outermost, or a subject without a chain, waits for */

	/* Log: where lines begin. */
	struct {
		struct ui_list list;
		struct ui_log_line {
			size_t piece;   /* of trace_output */
			size_t offset;  /* in it */
			uint64_t after; /* event */
		} *lines;           /* owned */
		size_t count, room;
		size_t pieces;  /* that have been cut into lines */
		bool open;      /* the last line has no newline yet */
		int sideways;   /* columns scrolled to the right */
	} log;
};

/* ---- ui.c -------------------------------------------------------------- */

void ui_say(struct ui *ui, bool bad, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* UI_IN_*: the context that is in force. */
unsigned ui_context(const struct ui *ui);
const struct ui_view_ops *ui_view_of(const struct ui *ui);
void ui_region_add(struct ui *ui, int row, int column, int columns, enum ui_action action);

/* Whom the panes are about, as steps are: session_subject(); or whoever has finished just now,
 * when nobody goes on. */
uint64_t ui_subject(struct ui *ui);
/* Why there is nobody to show. After losses, or of a program that was attached to, it is only that
 * nobody is known. */
const char *ui_nobody(struct ui *ui);
bool ui_is_body(const struct world_object *object); /* generator, coroutine, ...; false of NULL */
/* "internal() #4" for a body, "main #3" for anything else. */
void ui_add_object(struct ui *ui, struct text *text, const struct world_object *object);
/* Why it does not run; of a thing that cannot run, what is in it. */
void ui_add_wait(struct ui *ui, struct text *text, const struct world_object *object);
/* text_add_event() in two: "internal #4" and "yield 1". */
void ui_add_event(struct ui *ui, const struct trace_event *event, struct text *who,
                  struct text *what);
/* The event at the playhead. False: there is none. */
bool ui_event_now(struct ui *ui, struct trace_event *ret);
/* Where it was seen itself. False: it has not been seen at a line of its own yet. */
bool ui_own_site(const struct world_object *object, uint32_t *ret_site, bool *ret_is_string);
/* How sure it is that somebody stands at a place. */
enum ui_standing {
	UI_STANDS,  /* it is there: the event of now is of that line, or it waits in it */
	UI_SEEN,    /* it was there last, and is somewhere behind it by now */
	UI_CREATED, /* it has not run yet: it was created there */
};
/* The place to show for the subject: its last site, or that of the event of now; and whose
 * it is. False: none is known. */
bool ui_place_now(struct ui *ui, struct symbols_place *ret, uint64_t *ret_whose,
                  enum ui_standing *ret_standing);

/* ---- actions.c --------------------------------------------------------- */

/* Why an action cannot act now: a sentence, or NULL: it can. */
const char *ui_action_why(struct ui *ui, enum ui_action action);
void ui_act(struct ui *ui, enum ui_action action);
/* Runs a line of the `:` prompt. */
void ui_run(struct ui *ui, const char *line);
/* Seeks where the scrubber was clicked, in thousandths. */
void ui_seek(struct ui *ui, int thousandths);
/* Marks the event of now with a letter; goes to the one that is marked. */
void ui_mark(struct ui *ui, int letter);
void ui_go_mark(struct ui *ui, int letter);
/* Locals shows what differs from it. */
void ui_diff_mark(struct ui *ui, int letter);
void ui_find(struct ui *ui, enum session_direction direction);
/* Goes on with a search that is not over. Whether it is not over yet. */
bool ui_search_on(struct ui *ui);

/* ---- bars.c ------------------------------------------------------------ */

void ui_draw_bars(struct ui *ui);
/* The thousandths of the scrubber at a column, or -1. */
int ui_scrubber_at(struct ui *ui, int row, int column);
/* For a column anywhere: that of the scrubber's end where it is beyond. */
int ui_scrubber_near(struct ui *ui, int column);
/* "5" with its thousands apart: "48,211". Static per call in `ret`. */
const char *ui_number(uint64_t number, char ret[32]);

/* ---- prompt.c ---------------------------------------------------------- */

void ui_prompt_open(struct ui *ui, enum ui_prompt_kind kind, const char *line);
/* Takes a key while the prompt is open. */
void ui_prompt_key(struct ui *ui, int key);
void ui_prompt_act(struct ui *ui, enum ui_action action);
void ui_prompt_draw(struct ui *ui);
void ui_prompt_done(struct ui *ui);

/* ---- pages.c ----------------------------------------------------------- */

/* Shows the answer to a command: a line in the last row, or a page. */
void ui_show_answer(struct ui *ui, bool bad, const char *text);

/* ---- debug.c, log.c ---------------------------------------------------- */

/* Draws the frame and the title of a place. */
void ui_draw_title(const struct ui_place *place, bool focused, const char *left, const char *right);
void ui_log_done(struct ui *ui);
void ui_tasks_done(struct ui *ui);
/* Looks at the next rows. 0: found; -EINPROGRESS: there are more; -ENOENT. */
int ui_tasks_search_on(struct ui *ui);
int ui_events_search_on(struct ui *ui); /* likewise */

/* ---- pane_locals.c ----------------------------------------------------- */

void ui_locals_done(struct ui *ui);
/* One frame outward (1) or inward (-1). */
void ui_locals_frame(struct ui *ui, int step);
/* Shows only what differs from how it was after event n; 0: all. */
void ui_locals_diff(struct ui *ui, uint64_t n);

/* The whole: runs the UI on a session. */
struct ui_options {
	struct ui_terminal_options terminal;
	bool ascii;
	bool pin;
};
int ui_main(struct session *session, const struct ui_options *options, bool *kill);

#endif
