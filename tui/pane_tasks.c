/*
 * pane_tasks.c - the tree of tasks, coroutines and generators, and what they wait on.
 *
 *     ID   NAME               ST  WAITS ON
 *     #3   ▾ main             ○   gather 1/2
 *    ►#5   ├─ producer        ►
 *     #7   └─ consumer        ○   get jobs
 *
 * A task stands under who spawned it, a coroutine under the task that drives it, a
 * generator under who created it. Futures, timers and descriptors are not rows: they are
 * what the rows wait on. Moving the cursor selects; until then the cursor is on whom the
 * last event was about.
 *
 * The rows are made again when the event, the subject or a fold has changed, for all
 * objects (roster.h); text is made for those that are seen.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tracer/facts.h>
#include "ui.h"

#define SEARCH_SLICE 5000 /* rows that are looked at between two keys */

static bool is_finished(unsigned state)
{
	return state == CORO_STATE_DONE || state == CORO_STATE_FAILED ||
		   state == CORO_STATE_CANCELLED || state == CORO_STATE_CLOSED;
}

/* Events that make, move, finish or take away a row. All others leave the tree as it is. */
static bool changes_tree(unsigned kind)
{
	switch (kind) {
	case CORO_EVENT_CREATE:
	case CORO_EVENT_DESTROY:
	case CORO_EVENT_SPAWN:
	case CORO_EVENT_THROW:
	case CORO_EVENT_CLOSE:
	case CORO_EVENT_RETURN:
	case CORO_EVENT_RAISE:
	case CORO_EVENT_DONE:
		return true;
	default:
		return false;
	}
}

/* Whether the tree after event `from` is that after event `to`: both and all between them
 * leave it. (The first, because what an event changed is kept in sight after it.) Only
 * asked for near ones. */
static bool same_tree(struct ui *ui, uint64_t from, uint64_t to)
{
	uint64_t first = from < to ? from : to, last = from < to ? to : from;
	if (last - first > 64)
		return false;
	for (uint64_t n = first ? first : 1; n <= last; n++) {
		struct trace_event event;
		if (trace_event(session_trace(ui->session), n, &event) < 0 || changes_tree(event.kind))
			return false;
	}
	return true;
}

static void make_rows(struct ui *ui)
{
	struct roster *roster = &ui->tasks.roster;
	const struct world *world = session_world(ui->session);
	const struct world_object *chosen = world_find(world, ui_subject(ui));
	/* One that lives is in sight anyway. */
	uint64_t subject = chosen && is_finished(chosen->state) ? chosen->serial : 0;
	if (roster->of && roster->kept == subject &&
		(roster->of == world_at(world) + 1 || same_tree(ui, roster->of - 1, world_at(world)))) {
		roster->of = world_at(world) + 1;
		return;
	}
	if (roster_want(roster, ui->session, subject, &ui->tasks.folds) < 0)
		ui_say(ui, true, "out of memory");
}

static void folds_changed(struct ui *ui)
{
	ui->tasks.roster.of = 0;
	make_rows(ui);
}

/* ---- Drawing ----------------------------------------------------------- */

/* The first fact alone, and not whose it is: "places 1". */
static void add_first_fact(void *context, const char *key, const char *words, uint64_t object)
{
	struct text *text = context;
	if (!text->length && strcmp(key, "owner") != 0)
		text_add(text, "%s %s", key, words);
}

void ui_add_wait(struct ui *ui, struct text *text, const struct world_object *object)
{
	if (object->kind == CORO_OBJECT_QUEUE || object->kind == CORO_OBJECT_CHANNEL) {
		text_add(text, "%llu", (unsigned long long)object->length);
		if (object->capacity)
			text_add(text, " of %llu", (unsigned long long)object->capacity);
		text_add(text, object->length == 1 && !object->capacity ? " item" : " items");
		return;
	}
	if (object->kind == CORO_OBJECT_LOCK && object->owner) {
		text_add(text, "owner: ");
		text_add_object_near(text, ui->session, object->owner, object->changed_at);
		return;
	}
	if (object->kind == CORO_OBJECT_EVENT || object->kind == CORO_OBJECT_SEMAPHORE ||
		object->kind == CORO_OBJECT_BARRIER || object->kind == CORO_OBJECT_GROUP ||
		object->kind == CORO_OBJECT_TIMEOUT)
		facts_tell(ui->session, object, add_first_fact, text);
	else
		text_add_wait(text, ui->session, object);
	if (!text->length)
		text_add(text, "%s", world_state_name(session_world(ui->session), object));
}

static void draw_row(struct ui *ui, const struct ui_rect *rect, int row,
					 const struct ui_tree_row *tree_row, int name_columns, int id_columns)
{
	const struct world *world = session_world(ui->session);
	char guides[128];
	ui_tree_guides(tree_row, guides, sizeof(guides));
	int column = 1 + id_columns + 1;
	int name_at = column;
	if (tree_row->finished) {
		column = ui_put(rect, row, column, UI_ROLE_FRAME, guides);
		ui_putf(rect, row, column, UI_ROLE_DIM, "%llu finished",
				(unsigned long long)tree_row->finished);
		return;
	}
	const struct world_object *object = world_find(world, tree_row->id);
	if (!object)
		return;
	unsigned state = world_state(world, object);
	bool unsure = world_is_unsure(world, object);
	enum ui_role role = unsure ? UI_ROLE_DIM : ui_role_of_state(state);
	ui_putf(rect, row, 1, UI_ROLE_DIM, "#%llu", (unsigned long long)object->serial);

	struct text text = {0};
	struct ui_rect name = *rect;
	if (name.columns > name_at + name_columns)
		name.columns = name_at + name_columns;
	column = ui_put(&name, row, column, UI_ROLE_FRAME, guides);
	text_add_name(&text, ui->session, object);
	if (ui_is_body(object))
		text_add(&text, "()");
	if (tree_row->hidden)
		text_add(&text, " +%llu", (unsigned long long)tree_row->hidden);
	ui_put_field(&name, row, column, name.columns - column,
				 is_finished(state) || unsure ? UI_ROLE_DIM : UI_ROLE_NORMAL, text_string(&text));
	column = name_at + name_columns + 1;
	ui_put_glyph(rect, row, column, role, ui_glyph_of_state(state));
	column += 4;

	text_clear(&text);
	ui_add_wait(ui, &text, object);
	ui_put_field(rect, row, column, rect->columns - column,
				 is_finished(state) || state == CORO_STATE_OPEN ? UI_ROLE_DIM : role,
				 text_string(&text));
	text_done(&text);
}

static void tasks_draw(struct ui *ui, const struct ui_rect *rect)
{
	make_rows(ui);
	struct ui_list *list = &ui->tasks.list;
	const struct ui_tree *tree = &ui->tasks.roster.tree;
	uint64_t subject = ui_subject(ui);
	struct ui_rect body = *rect;
	int id_columns = 4;
	if (tree->count) {
		uint64_t most = world_count(session_world(ui->session));
		if (ui->tasks.roster.most > most)
			most = ui->tasks.roster.most;
		for (id_columns = 3; most >= 100; most /= 10)
			id_columns++;
		if (id_columns < 4)
			id_columns = 4;
	}
	int name_columns = (rect->columns - id_columns - 8) * 11 / 20;
	if (rect->rows > 4) {
		ui_put(rect, 0, 1, UI_ROLE_HEADING, "ID");
		ui_put(rect, 0, id_columns + 2, UI_ROLE_HEADING, "NAME");
		ui_put(rect, 0, id_columns + 2 + name_columns + 1, UI_ROLE_HEADING, "ST");
		ui_put(rect, 0, id_columns + 2 + name_columns + 5, UI_ROLE_HEADING, "WAITS ON");
		body.row++;
		body.rows--;
	}
	long at = ui_tree_find(tree, subject);
	if (!list->held && at >= 0)
		list->cursor = (size_t)at;
	ui_list_settle(list, tree->count, body.rows);
	for (int row = 0; row < body.rows && list->top + (size_t)row < tree->count; row++) {
		size_t i = list->top + (size_t)row;
		const struct ui_tree_row *tree_row = &tree->rows[i];
		draw_row(ui, &body, row, tree_row, name_columns, id_columns);
		if (ui->sought[0] && ui->focus == UI_PANE_TASKS)
			ui_paint_match(&body, row, ui->sought);
		if (!tree_row->finished && tree_row->id == subject)
			ui_put_glyph(&body, row, 0, UI_ROLE_STRONG, UI_GLYPH_CURSOR);
		if (i == list->cursor && ui->focus == UI_PANE_TASKS)
			ui_paint_row(&body, row, UI_ROLE_SELECT);
	}
	if (!tree->count)
		ui_put(&body, body.rows > 1 ? 1 : 0, 1, UI_ROLE_DIM,
			   roster_is_late(&ui->tasks.roster) ? "making the list ..." : ui_nobody(ui));
}

static void tasks_title(struct ui *ui, struct text *left, struct text *right)
{
	/* A program without a loop has none: then it is its generators that are told. */
	if (ui->tasks.roster.tasks || !ui->tasks.roster.bodies)
		text_add(left, "Tasks %zu", ui->tasks.roster.tasks);
	else
		text_add(left, "Coroutines %zu", ui->tasks.roster.bodies);
	text_add(left, " by creator");
	uint64_t selected = session_selected(ui->session);
	if (!selected) {
		text_add(right, "follows");
		return;
	}
	text_add(right, "selected #%llu", (unsigned long long)selected);
}

/* ---- Acting ------------------------------------------------------------ */

static void select_cursor(struct ui *ui)
{
	const struct ui_tree *tree = &ui->tasks.roster.tree;
	struct ui_list *list = &ui->tasks.list;
	if (list->cursor >= tree->count)
		return;
	const struct ui_tree_row *row = &tree->rows[list->cursor];
	if (!row->finished)
		session_select(ui->session, row->id);
}

static void to_parent(struct ui *ui)
{
	const struct ui_tree *tree = &ui->tasks.roster.tree;
	size_t at = ui->tasks.list.cursor;
	unsigned depth = tree->rows[at].depth;
	while (at > 0 && tree->rows[at].depth >= depth && depth)
		at--;
	ui->tasks.list.cursor = at;
	ui->tasks.list.held = true;
	select_cursor(ui);
}

static bool is_tree_action(enum ui_action action)
{
	return action == UI_ACTION_LEFT || action == UI_ACTION_RIGHT || action == UI_ACTION_FOLD ||
		   action == UI_ACTION_UNFOLD || action == UI_ACTION_UNFOLD_ALL || action == UI_ACTION_OPEN;
}

static bool tasks_act(struct ui *ui, enum ui_action action)
{
	struct ui_list none = {0};
	if (!is_tree_action(action) && !ui_list_act(&none, action, 1))
		return false;
	make_rows(ui);
	struct ui_list *list = &ui->tasks.list;
	const struct ui_tree *tree = &ui->tasks.roster.tree;
	if (list->cursor >= tree->count)
		list->cursor = tree->count ? tree->count - 1 : 0;
	const struct ui_tree_row *row = tree->count ? &tree->rows[list->cursor] : NULL;
	if (ui_list_act(list, action, tree->count)) {
		select_cursor(ui);
		return true;
	}
	if (action == UI_ACTION_UNFOLD_ALL) {
		bool opened = ui->tasks.folds.all_opened;
		ui_tree_folds_done(&ui->tasks.folds);
		ui->tasks.folds.all_opened = !opened;
		folds_changed(ui);
		return true;
	}
	if (!row)
		return false;
	switch (action) {
	case UI_ACTION_LEFT:
		if (row->children && !row->hidden)
			ui_tree_fold(&ui->tasks.folds, row);
		else
			to_parent(ui);
		folds_changed(ui);
		return true;
	case UI_ACTION_RIGHT:
		if (row->hidden || row->finished)
			ui_tree_unfold(&ui->tasks.folds, row);
		else if (row->children)
			tasks_act(ui, UI_ACTION_DOWN);
		folds_changed(ui);
		return true;
	case UI_ACTION_FOLD:
		ui_tree_fold(&ui->tasks.folds, row);
		folds_changed(ui);
		return true;
	case UI_ACTION_UNFOLD:
		ui_tree_unfold(&ui->tasks.folds, row);
		folds_changed(ui);
		return true;
	case UI_ACTION_OPEN:
		if (row->finished || row->hidden) {
			ui_tree_unfold(&ui->tasks.folds, row);
			folds_changed(ui);
		} else {
			select_cursor(ui);
			ui->focus = UI_PANE_CHAIN;
		}
		return true;
	default:
		return false;
	}
}

static void tasks_click(struct ui *ui, int row)
{
	int heading = ui->layout.pane[UI_PANE_TASKS].inside.rows > 4;
	struct ui_list *list = &ui->tasks.list;
	size_t at = list->top + (size_t)(row - heading);
	if (row < heading || at >= ui->tasks.roster.tree.count)
		return;
	list->cursor = at;
	list->held = true;
	if (ui->tasks.roster.tree.rows[at].finished)
		tasks_act(ui, UI_ACTION_OPEN);
	else
		select_cursor(ui);
}

int ui_tasks_search_on(struct ui *ui)
{
	const struct world *world = session_world(ui->session);
	const struct ui_tree *tree = &ui->tasks.roster.tree;
	size_t *at = &ui->search.at;
	struct text name = {0};
	bool found = false;
	if (*at >= tree->count)
		*at = 0;
	for (size_t i = 0; i < SEARCH_SLICE && ui->search.left && tree->count && !found; i++) {
		ui->search.left--;
		*at = ui->search.direction == SESSION_FORWARD ? (*at + 1) % tree->count
													  : (*at + tree->count - 1) % tree->count;
		const struct world_object *object =
			tree->rows[*at].finished ? NULL : world_find(world, tree->rows[*at].id);
		if (!object)
			continue;
		text_clear(&name);
		text_add_object(&name, ui->session, object->serial);
		found = ui_contains(text_string(&name), ui->sought);
	}
	text_done(&name);
	if (!found)
		return ui->search.left && tree->count ? -EINPROGRESS : -ENOENT;
	ui->tasks.list.cursor = *at;
	ui->tasks.list.held = true;
	select_cursor(ui);
	return 0;
}

static int tasks_find(struct ui *ui, const char *text, enum session_direction direction)
{
	make_rows(ui);
	ui->search.among = UI_SEARCH_TASKS;
	ui->search.direction = direction;
	ui->search.at = ui->tasks.list.cursor;
	ui->search.left = ui->tasks.roster.tree.count;
	return ui_tasks_search_on(ui);
}

void ui_tasks_done(struct ui *ui)
{
	roster_done(&ui->tasks.roster);
	ui_tree_folds_done(&ui->tasks.folds);
}

const struct ui_pane_ops ui_pane_tasks = {
	.name = "Tasks",
	.title = tasks_title,
	.draw = tasks_draw,
	.act = tasks_act,
	.click = tasks_click,
	.find = tasks_find,
};
