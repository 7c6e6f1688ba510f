/*
 * ui.c - the loop.
 *
 *     ┌─► poll(keys, signals, program) ──► signals ──► keys, all of them ──► session_poll
 *     │                                                                        │
 *     └── sleep out the 1/30 s ◄── draw, if anything changed ◄─────────────────┘
 *
 * Nothing is drawn twice for one change, and nothing is drawn when nothing changed. Keys are
 * taken before a frame is drawn: a key that is held down moves once per repeat, and the
 * screen follows as fast as it can.
 */
#include <curses.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include "ui.h"

enum { FRAME_MS = 33 };

void ui_say(struct ui *ui, bool bad, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(ui->message, sizeof(ui->message), format, arguments);
	va_end(arguments);
	ui->message_bad = bad;
	ui->message_waits = false;
	ui->dirty = true;
}

unsigned ui_context(const struct ui *ui)
{
	if (ui->prompt.kind == UI_PROMPT_QUIT)
		return UI_IN_QUESTION;
	if (ui->prompt.kind != UI_PROMPT_NONE)
		return UI_IN_PROMPT;
	if (ui->page)
		return UI_IN_OVERLAY;
	return ui->view == UI_VIEW_LOG ? UI_IN_LOG : 1u << ui->focus;
}

const struct ui_view_ops *ui_view_of(const struct ui *ui)
{
	return ui->page ? ui->page : ui->view == UI_VIEW_LOG ? &ui_log_view : &ui_debug_view;
}

void ui_region_add(struct ui *ui, int row, int column, int columns, enum ui_action action)
{
	if (ui->region_count < sizeof(ui->regions) / sizeof(ui->regions[0]))
		ui->regions[ui->region_count++] = (struct ui_region){row, column, columns, action};
}

bool ui_event_now(struct ui *ui, struct trace_event *ret)
{
	uint64_t n = session_playhead(ui->session);
	return n && trace_event(session_trace(ui->session), n, ret) == 0;
}

uint64_t ui_subject(struct ui *ui)
{
	uint64_t subject = session_subject(ui->session);
	const struct world_object *changed = world_changed(session_world(ui->session));
	if (!subject && changed && (ui_is_body(changed) || changed->kind == CORO_OBJECT_TASK))
		return changed->serial;
	return subject;
}

const char *ui_nobody(struct ui *ui)
{
	const struct world *world = session_world(ui->session);
	if (!session_playhead(ui->session))
		return "nothing yet: . makes the first event";
	return world_is_late(world) || world_lost(world) ? "nothing is known to live now"
													 : "nothing lives now";
}

bool ui_is_body(const struct world_object *object)
{
	return object && trace_object_is_body(object->kind);
}

void ui_add_object(struct ui *ui, struct text *text, const struct world_object *object)
{
	text_add_name(text, ui->session, object);
	text_add(text, "%s #%llu", ui_is_body(object) ? "()" : "", (unsigned long long)object->serial);
}

void ui_add_event(struct ui *ui, const struct trace_event *event, struct text *who,
				  struct text *what)
{
	struct text line = {0};
	text_add_event(&line, ui->session, event);
	const char *start = text_string(&line);
	const char *gap = strstr(start, "  ");
	size_t length = strlen(start), split = gap ? (size_t)(gap - start) : length;
	text_add(who, "%.*s", (int)split, start);
	if (gap) {
		/* The place is at the end; the Source pane shows it. */
		const char *site = symbols_text(session_symbols(ui->session), event->site,
										event->flags & CORO_SLOT_FILELINE);
		size_t tail = strlen(site);
		if (tail && length > split + 2 + tail && strcmp(start + length - tail, site) == 0)
			length -= tail + 2;
		text_add(what, "%.*s", (int)(length - split - 2), gap + 2);
	}
	text_done(&line);
}

/* A place in the program. Calls that our runtime makes for itself are at no line of it: they
 * are known by the names that are kept for its inside. */
static bool place_in_program(struct ui *ui, uint32_t site, bool is_string,
							 struct symbols_place *ret)
{
	return site && symbols_place(session_symbols(ui->session), site, is_string, ret) == 0 &&
		   ret->line && !(ret->function && strncmp(ret->function, "coro__", 6) == 0);
}

bool ui_own_site(const struct world_object *object, uint32_t *ret_site, bool *ret_is_string)
{
	*ret_site = object->site;
	*ret_is_string = object->site_is_string;
	return object->site;
}

/* Whether an object whose own place is `site` is there now. */
static enum ui_standing standing(struct ui *ui, const struct world_object *object)
{
	const struct world *world = session_world(ui->session);
	struct trace_event event;
	/* A loop runs in the call that made it. */
	if (object->kind == CORO_OBJECT_LOOP || object->state == CORO_STATE_DELEGATING ||
		world_state(world, object) == CORO_STATE_SUSPENDED)
		return UI_STANDS;
	if (!ui_event_now(ui, &event))
		return UI_SEEN;
	/* One that is resumed goes on from where it waited. */
	bool resumed = event.co == object->serial && event.kind >= CORO_EVENT_NEXT &&
				   event.kind <= CORO_EVENT_CLOSE;
	bool same = event.site == object->site &&
				object->site_is_string == ((event.flags & CORO_SLOT_FILELINE) != 0);
	return resumed || same ? UI_STANDS : UI_SEEN;
}

bool ui_place_now(struct ui *ui, struct symbols_place *ret, uint64_t *ret_whose,
				  enum ui_standing *ret_standing)
{
	const struct world *world = session_world(ui->session);
	struct trace_event event;
	*ret_standing = UI_STANDS;
	if (!session_selected(ui->session) && ui_event_now(ui, &event) &&
		place_in_program(ui, event.site, event.flags & CORO_SLOT_FILELINE, ret)) {
		*ret_whose = event.co;
		return true;
	}
	/* The subject's own site; a task has that of the innermost body that it drives. */
	const struct world_object *object = world_find(world, ui_subject(ui));
	if (object && object->kind == CORO_OBJECT_TASK && ui->levels.count)
		object = world_find(world, ui->levels.level[ui->levels.count - 1].serial);
	if (!object)
		return false;
	*ret_whose = object->serial;
	uint32_t site;
	bool is_string;
	if (ui_own_site(object, &site, &is_string) && place_in_program(ui, site, is_string, ret)) {
		*ret_standing = standing(ui, object);
		return true;
	}
	*ret_standing = UI_CREATED;
	return place_in_program(ui, object->creation_site, true, ret) ||
		   place_in_program(ui, object->creation_pc, false, ret);
}

/* ---- Lists ------------------------------------------------------------- */

bool ui_list_act(struct ui_list *list, enum ui_action action, size_t count)
{
	size_t page = list->height > 1 ? (size_t)list->height - 1 : 1;
	size_t half = page / 2 ? page / 2 : 1;
	size_t last = count ? count - 1 : 0;
	size_t at = list->cursor;
	switch (action) {
	case UI_ACTION_DOWN:
		at += 1;
		break;
	case UI_ACTION_UP:
		at -= at > 0;
		break;
	case UI_ACTION_TOP:
		at = 0;
		break;
	case UI_ACTION_BOTTOM:
		at = last;
		break;
	case UI_ACTION_HALF_DOWN:
		at += half;
		break;
	case UI_ACTION_HALF_UP:
		at -= at < half ? at : half;
		break;
	case UI_ACTION_PAGE_DOWN:
		at += page;
		break;
	case UI_ACTION_PAGE_UP:
		at -= at < page ? at : page;
		break;
	default:
		return false;
	}
	list->cursor = at > last ? last : at;
	list->held = true;
	return true;
}

void ui_list_settle(struct ui_list *list, size_t count, int height)
{
	list->height = height;
	if (list->cursor >= count)
		list->cursor = count ? count - 1 : 0;
	size_t rows = height > 0 ? (size_t)height : 1;
	if (list->cursor < list->top)
		list->top = list->cursor;
	if (list->cursor >= list->top + rows)
		list->top = list->cursor - rows + 1;
	if (list->top + rows > count)
		list->top = count > rows ? count - rows : 0;
}

/* ---- Frames ------------------------------------------------------------ */

static void draw_centred(const struct ui_rect *screen, int row, const char *text)
{
	int column = (screen->columns - ui_width(text)) / 2;
	ui_put(screen, row, column > 0 ? column : 0, UI_ROLE_NORMAL, text);
}

static void draw_too_small(struct ui *ui)
{
	struct ui_rect screen = {0, 0, ui->rows, ui->columns};
	char needs[40], have[40], both[80];
	snprintf(needs, sizeof(needs), "coroscope needs");
	snprintf(have, sizeof(have), "%dx%d, have %dx%d", UI_LEAST_COLUMNS, UI_LEAST_ROWS, ui->columns,
			 ui->rows);
	snprintf(both, sizeof(both), "%s %s", needs, have);
	if (ui_width(both) <= screen.columns || screen.rows < 2) {
		draw_centred(&screen, (screen.rows - 1) / 2, both);
		return;
	}
	draw_centred(&screen, (screen.rows - 2) / 2, needs);
	draw_centred(&screen, (screen.rows - 2) / 2 + 1, have);
}

/* The program's terminal is as large as ours, from its start on. */
static void follow_size(struct ui *ui, int rows, int columns)
{
	struct target *target = session_target(ui->session);
	if (target && rows > 0 && columns > 0 && rows <= UINT16_MAX && columns <= UINT16_MAX)
		target_resize(target, (unsigned short)rows, (unsigned short)columns);
}

static void draw(struct ui *ui)
{
	int rows = ui->rows, columns = ui->columns;
	ui_terminal_resize(&ui->rows, &ui->columns);
	if (rows != ui->rows || columns != ui->columns)
		follow_size(ui, ui->rows, ui->columns);
	if (ui->focus == UI_PANE_VALUES || ui->focus == UI_PANE_LOCALS)
		ui->locals_shown = ui->focus == UI_PANE_LOCALS;
	ui_layout(ui->view, ui->focus, ui->locals_shown, ui->maximised, ui->rows, ui->columns,
			  &ui->layout);
	ui->region_count = 0;
	erase();
	curs_set(0);
	if (ui->layout.form == UI_FORM_TOO_SMALL) {
		draw_too_small(ui);
	} else {
		chain_make(ui->session, ui_subject(ui), &ui->levels);
		waits_make(session_world(ui->session),
				   ui->levels.count ? ui->levels.level[0].serial : ui_subject(ui), &ui->waits);
		ui_lines_begin(ui->rows, ui->columns);
		(ui->view == UI_VIEW_LOG ? &ui_log_view : &ui_debug_view)->draw(ui);
		if (ui->page)
			ui->page->draw(ui);
		/* They say which keys the page or view has now. */
		ui_draw_bars(ui);
		ui_prompt_draw(ui);
	}
	ui_terminal_show(ui->repaint);
	ui->repaint = ui->dirty = false;
}

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- Input ------------------------------------------------------------- */

static void on_mouse(struct ui *ui, const struct ui_mouse *mouse)
{
	if (ui->prompt.kind != UI_PROMPT_NONE)
		return;
	if (mouse->button == TERMINAL_DRAG) {
		ui_seek(ui, ui_scrubber_near(ui, mouse->column));
		return;
	}
	for (size_t i = 0; mouse->button == TERMINAL_CLICK && i < ui->region_count; i++) {
		const struct ui_region *region = &ui->regions[i];
		if (mouse->row != region->row || mouse->column < region->column ||
			mouse->column >= region->column + region->columns)
			continue;
		int at = ui_scrubber_at(ui, mouse->row, mouse->column);
		if (region->action != UI_ACTION_NONE)
			ui_act(ui, region->action);
		else if (at >= 0)
			ui_seek(ui, at);
		ui->scrubs = region->action == UI_ACTION_NONE && at >= 0;
		return;
	}
	const struct ui_view_ops *view = ui_view_of(ui);
	if (view->mouse)
		view->mouse(ui, mouse);
}

static void on_key(struct ui *ui, int key, const struct ui_mouse *mouse)
{
	/* A button that was pressed on the scrubber drags it; elsewhere it only clicks. */
	if (key == TERMINAL_MOUSE && mouse->button == TERMINAL_DRAG) {
		if (!ui->scrubs)
			return;
	} else {
		ui->scrubs = false;
	}
	ui->message[0] = 0;
	ui->search.among = UI_SEARCH_NONE;
	ui->dirty = true;
	if (key == TERMINAL_MOUSE) {
		if (ui->layout.form != UI_FORM_TOO_SMALL)
			on_mouse(ui, mouse);
		return;
	}
	if (ui_prompt_takes_letter(ui->prompt.kind)) {
		ui_prompt_key(ui, key);
		return;
	}
	enum ui_action action = ui_key_action(key, ui_context(ui));
	if (action != UI_ACTION_NONE)
		ui_act(ui, action);
	else if (ui->prompt.kind != UI_PROMPT_NONE)
		ui_prompt_key(ui, key);
	else if (key >= 0x20 && key < 0x7f)
		ui_say(ui, true, "%c is not a key here; ? shows those that are", key);
}

static void on_signal(struct ui *ui, char letter)
{
	ui->dirty = true;
	if (letter == 't')
		ui->done = true;
	else if (letter == 'z')
		ui_terminal_suspend();
	if (letter != 't')
		ui->repaint = true;
}

/* Says once that the program has ended, and how. */
static void watch_program(struct ui *ui, bool *was_live)
{
	bool live = session_is_live(ui->session);
	if (*was_live && !live) {
		int status;
		bool killed = trace_ended(session_trace(ui->session), &status) && WIFSIGNALED(status);
		const char *name = killed ? sigabbrev_np(WTERMSIG(status)) : NULL;
		ui_say(ui, killed, "the program %s%s; everything up to its last event is here",
			   killed ? "was killed by SIG" : "has ended", killed ? (name ? name : "?") : "");
	}
	*was_live = live;
}

static void loop(struct ui *ui)
{
	int64_t drawn = now_ms() - FRAME_MS;
	bool was_live = session_is_live(ui->session), busy = false;
	while (!ui->done) {
		struct target *target = session_target(ui->session);
		struct pollfd fds[4] = {
			{.fd = ui_terminal_input(), .events = POLLIN},
			{.fd = ui_terminal_signals(), .events = POLLIN},
			{.fd = target ? target_fd(target) : -1, .events = POLLIN},
			{.fd = roster_fd(&ui->tasks.roster), .events = POLLIN},
		};
		int timeout = -1;
		if (ui->dirty) {
			int64_t left = drawn + FRAME_MS - now_ms();
			timeout = left > 0 ? (int)left : 0;
		} else if (session_is_moving(ui->session)) {
			timeout = FRAME_MS;
		}
		if (busy)
			timeout = 0;
		int ready = poll(fds, 4, timeout);
		if (ready < 0 && errno != EINTR)
			break;
		bool gone = ready > 0 && fds[0].revents & (POLLHUP | POLLERR | POLLNVAL);

		for (char letter; (letter = ui_terminal_signal());)
			on_signal(ui, letter);
		struct ui_mouse mouse;
		for (int key; !ui->done && (key = ui_terminal_key(&mouse)) >= 0;)
			on_key(ui, key, &mouse);
		if (gone)
			break; /* nobody looks any more; the program goes on */
		if (target && ready > 0 && fds[2].revents)
			target_attend(target);
		if (roster_take(&ui->tasks.roster))
			ui->dirty = true;
		busy = ui_search_on(ui);
		if (session_poll(ui->session))
			ui->dirty = true;
		watch_program(ui, &was_live);
		if (ui->message_waits && !session_is_moving(ui->session)) {
			ui->message[0] = 0;
			ui->message_waits = false;
			ui->dirty = true;
		}
		if (ui->dirty && !ui->done && now_ms() - drawn >= FRAME_MS) {
			draw(ui);
			drawn = now_ms();
		}
	}
}

int ui_main(struct session *session, const struct ui_options *options, bool *kill)
{
	struct ui *ui = calloc(1, sizeof(*ui));
	if (!ui) {
		fputs("coroscope: out of memory\n", stderr);
		return EXIT_COULD_NOT;
	}
	ui->session = session;
	roster_init(&ui->tasks.roster);
	ui->pin = options->pin;
	ui->began_live = session_is_live(session);
	ui->dirty = true;
	ui_glyphs_use(options->ascii ? UI_GLYPHS_ASCII : ui_glyphs_best());
	const char *why;
	int result = ui_terminal_open(&options->terminal, &why);
	if (result < 0) {
		fprintf(stderr, "coroscope: %s\n", why);
		free(ui);
		return EXIT_COULD_NOT;
	}
	command_init(&ui->command, session);
	loop(ui);
	ui_terminal_close();
	if (!ui->kill && session_is_live(session))
		printf("pid %u goes on by itself; its output is discarded from here\n",
			   trace_meta(session_trace(session))->pid);

	*kill = ui->kill;
	command_done(&ui->command);
	ui_tasks_done(ui);
	ui_locals_done(ui);
	ui_log_done(ui);
	ui_prompt_done(ui);
	text_done(&ui->page_text);
	free(ui);
	return EXIT_DONE;
}
