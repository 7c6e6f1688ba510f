/*
 * actions.c - what each key does, and why it cannot.
 *
 * An action goes first to what is on top (the page, or the view and its focused pane); what
 * is not taken there is done here. Keys and the `:` prompt end in the same calls.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "ui.h"

static bool program_lives(struct ui *ui)
{
	return session_is_live(ui->session);
}

/* ---- Why not ----------------------------------------------------------- */

static const char *why_not_forward(struct ui *ui)
{
	if (session_playhead(ui->session) < session_head(ui->session))
		return NULL;
	if (program_lives(ui))
		return NULL;
	return ui->began_live ? "the program has ended" : "this is the end of the recording";
}

static const char *why_not_back(struct ui *ui)
{
	return session_playhead(ui->session) ? NULL : "this is the start, before the first event";
}

static const char *why_not_step(struct ui *ui)
{
	return session_subject(ui->session) ? NULL : "there is no coroutine that could step";
}

const char *ui_action_why(struct ui *ui, enum ui_action action)
{
	const char *why = NULL;
	switch (action) {
	case UI_ACTION_PLAY:
		return session_is_moving(ui->session) ? NULL : why_not_forward(ui);
	case UI_ACTION_NEXT:
	case UI_ACTION_TURN:
	case UI_ACTION_CONTINUE:
		return why_not_forward(ui);
	case UI_ACTION_END:
		return session_playhead(ui->session) < session_head(ui->session)
				   ? NULL
				   : "this is the last event that is known";
	case UI_ACTION_BACK:
	case UI_ACTION_TURN_BACK:
	case UI_ACTION_CONTINUE_BACK:
	case UI_ACTION_START:
		return why_not_back(ui);
	case UI_ACTION_INTO:
	case UI_ACTION_OVER:
	case UI_ACTION_OUT:
	case UI_ACTION_DONE:
		why = why_not_forward(ui);
		return why ? why : why_not_step(ui);
	case UI_ACTION_INTO_BACK:
	case UI_ACTION_OVER_BACK:
	case UI_ACTION_OUT_BACK:
	case UI_ACTION_DONE_BACK:
		why = why_not_back(ui);
		return why ? why : why_not_step(ui);
	case UI_ACTION_FIND_NEXT:
	case UI_ACTION_FIND_PREVIOUS:
		return ui->sought[0] ? NULL : "nothing was looked for yet: / finds";
	case UI_ACTION_FRAME_OUT:
	case UI_ACTION_FRAME_IN:
		return ui->locals_shown ? NULL : "it is Values that is shown: L shows Locals";
	case UI_ACTION_DIFF:
		if (ui->locals.diff)
			return NULL;
		/* fallthrough */
	case UI_ACTION_GO_MARK:
		return session_mark_at(ui->session, 0) ? NULL
											   : "nothing is marked yet: m and a letter marks";
	case UI_ACTION_FOLLOW:
		return session_selected(ui->session) ? NULL : "it follows already";
	case UI_ACTION_INPUT:
		return program_lives(ui) ? NULL : "there is no program that could read it";
	default:
		return NULL;
	}
}

/* ---- Moves ------------------------------------------------------------- */

static void moved(struct ui *ui, int result)
{
	if (result == -EINPROGRESS) {
		ui_say(ui, false, "waits for the next event; Space stops");
		ui->message_waits = true;
	} else if (result < 0) {
		const char *why = session_why(ui->session);
		ui_say(ui, true, "%s", why && *why ? why : "that cannot be done now");
	}
	ui->events.held = ui->log.list.held = false;
	ui->tasks.list.held = ui->source.held = ui->chain.held = ui->values.held = false;
	ui->locals.list.held = false;
}

static void play(struct ui *ui)
{
	if (session_is_moving(ui->session))
		session_pause(ui->session);
	else
		moved(ui, session_play(ui->session));
}

static bool move(struct ui *ui, enum ui_action action)
{
	struct session *session = ui->session;
	switch (action) {
	case UI_ACTION_PLAY:
		play(ui);
		return true;
	case UI_ACTION_NEXT:
		moved(ui, session_event(session, 1));
		return true;
	case UI_ACTION_BACK:
		moved(ui, session_event(session, -1));
		return true;
	case UI_ACTION_TURN:
		moved(ui, session_turn(session, 1));
		return true;
	case UI_ACTION_TURN_BACK:
		moved(ui, session_turn(session, -1));
		return true;
	case UI_ACTION_INTO:
		moved(ui, session_into(session, SESSION_FORWARD));
		return true;
	case UI_ACTION_INTO_BACK:
		moved(ui, session_into(session, SESSION_BACKWARD));
		return true;
	case UI_ACTION_OVER:
		moved(ui, session_over(session, SESSION_FORWARD));
		return true;
	case UI_ACTION_OVER_BACK:
		moved(ui, session_over(session, SESSION_BACKWARD));
		return true;
	case UI_ACTION_OUT:
		moved(ui, session_out(session, SESSION_FORWARD));
		return true;
	case UI_ACTION_OUT_BACK:
		moved(ui, session_out(session, SESSION_BACKWARD));
		return true;
	case UI_ACTION_DONE:
		moved(ui, session_done(session, SESSION_FORWARD));
		return true;
	case UI_ACTION_DONE_BACK:
		moved(ui, session_done(session, SESSION_BACKWARD));
		return true;
	case UI_ACTION_CONTINUE:
		/* A live program may run for ever: the screen must not wait for it. */
		moved(ui, program_lives(ui) ? session_play(session)
									: session_continue(session, SESSION_FORWARD));
		return true;
	case UI_ACTION_CONTINUE_BACK:
		moved(ui, session_continue(session, SESSION_BACKWARD));
		return true;
	case UI_ACTION_START:
		moved(ui, session_goto(session, 0));
		return true;
	case UI_ACTION_END:
		moved(ui, session_goto(session, session_head(session)));
		return true;
	default:
		return false;
	}
}

void ui_mark(struct ui *ui, int letter)
{
	char digits[32];
	if (letter <= ' ' || letter > '~')
		return;
	if (session_mark(ui->session, (char[]){(char)letter, 0}) < 0)
		return;
	ui_say(ui, false, "event %s is marked %c", ui_number(session_playhead(ui->session), digits),
		   letter);
}

void ui_go_mark(struct ui *ui, int letter)
{
	if (letter > ' ' && letter <= '~')
		moved(ui, session_goto_mark(ui->session, (char[]){(char)letter, 0}));
}

void ui_diff_mark(struct ui *ui, int letter)
{
	const struct session_mark *mark;
	for (size_t i = 0; (mark = session_mark_at(ui->session, i)); i++)
		if (mark->name[0] == letter && !mark->name[1]) {
			ui_locals_diff(ui, mark->n);
			return;
		}
	if (letter > ' ' && letter <= '~')
		ui_say(ui, true, "no event is marked with %c", letter);
}

void ui_seek(struct ui *ui, int thousandths)
{
	uint64_t head = session_head(ui->session);
	moved(ui, session_goto(ui->session, (head * (uint64_t)thousandths + 500) / 1000));
}

/* ---- Finding ----------------------------------------------------------- */

static void not_found(struct ui *ui, enum session_direction direction)
{
	if (ui_view_of(ui) == &ui_debug_view && ui->focus == UI_PANE_TASKS)
		ui_say(ui, true, "no task is named '%s': Tab to Events, where / searches events",
			   ui->sought);
	else
		ui_say(ui, true, "there is no %s '%s'",
			   direction == SESSION_FORWARD ? "further" : "earlier", ui->sought);
}

void ui_find(struct ui *ui, enum session_direction direction)
{
	const struct ui_view_ops *view = ui_view_of(ui);
	if (!ui->sought[0])
		return;
	int found = view->find ? view->find(ui, ui->sought, direction) : 0;
	if (found == -EINPROGRESS) {
		ui_say(ui, false, "looks for '%s' ...", ui->sought);
		return;
	}
	ui->search.among = UI_SEARCH_NONE;
	if (found < 0)
		not_found(ui, direction);
}

bool ui_search_on(struct ui *ui)
{
	if (ui->search.among == UI_SEARCH_NONE)
		return false;
	int found =
		ui->search.among == UI_SEARCH_TASKS ? ui_tasks_search_on(ui) : ui_events_search_on(ui);
	if (found == -EINPROGRESS)
		return true;
	ui->search.among = UI_SEARCH_NONE;
	ui->message[0] = 0;
	ui->dirty = true;
	if (found < 0)
		not_found(ui, ui->search.direction);
	return false;
}

/* ---- Breakpoints and marks --------------------------------------------- */

static void open_break(struct ui *ui)
{
	char line[256] = "break ";
	struct trace_event event;
	if (ui_event_now(ui, &event) && trace_event_name(event.kind)) {
		struct text name = {0};
		const char *raw = event.name ? trace_string(session_trace(ui->session), event.name) : NULL;
		if (raw)
			text_add_filtered(&name, raw, strlen(raw));
		snprintf(line, sizeof(line), "break %s%s%s", trace_event_name(event.kind),
				 name.length ? " in " : "", text_string(&name));
		text_done(&name);
	}
	ui_prompt_open(ui, UI_PROMPT_COMMAND, line);
}

/* ---- Quitting ---------------------------------------------------------- */

static void quit(struct ui *ui, bool kill)
{
	ui->kill = kill;
	ui->done = true;
}

static void close_outermost(struct ui *ui)
{
	if (program_lives(ui))
		ui_prompt_open(ui, UI_PROMPT_QUIT, "");
	else
		quit(ui, false);
}

static void close_top(struct ui *ui)
{
	if (ui->page)
		ui->page = NULL;
	else if (ui->view != UI_VIEW_DEBUG)
		ui->view = UI_VIEW_DEBUG;
	else
		close_outermost(ui);
}

/* ---- All of them ------------------------------------------------------- */

static void other(struct ui *ui, enum ui_action action)
{
	switch (action) {
	case UI_ACTION_BREAK:
		open_break(ui);
		break;
	case UI_ACTION_MARK:
		ui_prompt_open(ui, UI_PROMPT_MARK, "");
		break;
	case UI_ACTION_GO_MARK:
		ui_prompt_open(ui, UI_PROMPT_GO_MARK, "");
		break;
	case UI_ACTION_FIND:
		ui_prompt_open(ui, UI_PROMPT_FIND, "");
		break;
	case UI_ACTION_FIND_NEXT:
		ui_find(ui, SESSION_FORWARD);
		break;
	case UI_ACTION_FIND_PREVIOUS:
		ui_find(ui, SESSION_BACKWARD);
		break;
	case UI_ACTION_COMMAND:
		ui_prompt_open(ui, UI_PROMPT_COMMAND, "");
		break;
	case UI_ACTION_CANCEL:
		if (ui->page)
			ui->page = NULL;
		else if (ui->maximised)
			ui->maximised = false;
		break;
	case UI_ACTION_LOCALS:
		ui->locals_shown = !ui->locals_shown;
		if (ui->focus == UI_PANE_VALUES || ui->focus == UI_PANE_LOCALS)
			ui->focus = ui->locals_shown ? UI_PANE_LOCALS : UI_PANE_VALUES;
		break;
	case UI_ACTION_FRAME_OUT:
		ui_locals_frame(ui, 1);
		break;
	case UI_ACTION_FRAME_IN:
		ui_locals_frame(ui, -1);
		break;
	case UI_ACTION_DIFF:
		if (ui->locals.diff)
			ui_locals_diff(ui, 0);
		else
			ui_prompt_open(ui, UI_PROMPT_DIFF_MARK, "");
		break;
	case UI_ACTION_FOLLOW:
		session_select(ui->session, 0);
		moved(ui, 0);
		break;
	case UI_ACTION_MAXIMISE:
		ui->maximised = !ui->maximised;
		break;
	case UI_ACTION_VIEW_DEBUG:
		ui->view = UI_VIEW_DEBUG;
		break;
	case UI_ACTION_VIEW_LOG:
		ui->view = UI_VIEW_LOG;
		break;
	case UI_ACTION_INPUT:
		ui_prompt_open(ui, UI_PROMPT_INPUT, "");
		break;
	case UI_ACTION_GLYPHS:
		ui_glyphs_use((ui_glyphs_used() + 1) % UI_GLYPH_SETS);
		if (ui_glyphs_best() == UI_GLYPHS_ASCII)
			ui_glyphs_use(UI_GLYPHS_ASCII);
		ui_say(ui, false, "signs: %s", ui_glyph_set_name(ui_glyphs_used()));
		break;
	case UI_ACTION_REPAINT:
		ui->repaint = true;
		break;
	case UI_ACTION_SUSPEND:
		ui_terminal_suspend();
		ui->repaint = true;
		break;
	case UI_ACTION_HELP:
		ui->page = &ui_help_page;
		ui->page_list = (struct ui_list){0};
		break;
	case UI_ACTION_CLOSE_HELP:
		ui->page = NULL;
		break;
	case UI_ACTION_CLOSE:
		close_top(ui);
		break;
	case UI_ACTION_QUIT:
		quit(ui, false);
		break;
	case UI_ACTION_INTERRUPT:
		if (session_is_moving(ui->session))
			session_pause(ui->session);
		else
			close_outermost(ui);
		break;
	case UI_ACTION_LET_GO:
		quit(ui, false);
		break;
	case UI_ACTION_KILL:
		quit(ui, true);
		break;
	default:
		break;
	}
}

void ui_act(struct ui *ui, enum ui_action action)
{
	ui->dirty = true;
	if (ui->prompt.kind != UI_PROMPT_NONE && action != UI_ACTION_SUSPEND &&
		action != UI_ACTION_LET_GO && action != UI_ACTION_KILL) {
		ui_prompt_act(ui, action);
		return;
	}
	const char *why = ui_action_why(ui, action);
	if (why) {
		ui_say(ui, true, "%s", why);
		return;
	}
	const struct ui_view_ops *view = ui_view_of(ui);
	if (view->act && view->act(ui, action))
		return;
	if (!move(ui, action))
		other(ui, action);
}

/* ---- The prompt's lines ------------------------------------------------ */

static bool is_language(const char *line)
{
	size_t length = strcspn(line, " \t");
	for (unsigned i = 0; i < command_count; i++) {
		const struct command *command = &command_table[i];
		if (strlen(command->name) == length && strncmp(command->name, line, length) == 0)
			return true;
		if (command->alias && strlen(command->alias) == length &&
			strncmp(command->alias, line, length) == 0)
			return true;
	}
	return false;
}

void ui_run(struct ui *ui, const char *line)
{
	while (isspace((unsigned char)*line))
		line++;
	if (!*line)
		return;
	enum ui_action action = ui_key_command(line);
	if (action == UI_ACTION_CONTINUE || action == UI_ACTION_PLAY ||
		(action != UI_ACTION_NONE && !is_language(line))) {
		ui_act(ui, action);
		return;
	}
	uint64_t before = session_playhead(ui->session);
	enum command_status status = command_run(&ui->command, line);
	moved(ui, 0);
	/* A page of before is about another moment. */
	if (session_playhead(ui->session) != before)
		ui->page = NULL;
	if (status == COMMAND_QUIT)
		quit(ui, ui->command.kill);
	else if (status == COMMAND_BAD && !is_language(line))
		ui_say(ui, true, "%s: see :help", text_string(&ui->command.answer));
	else
		ui_show_answer(ui, status != COMMAND_OK, text_string(&ui->command.answer));
}
