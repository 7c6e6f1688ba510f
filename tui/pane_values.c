/*
 * pane_values.c - what is known of the subject: state, last values, who made it, who waits.
 *
 * A list of facts; those that the event of now made have a `*`. Enter on a fact goes to the
 * event that it is from, or selects the object that it names.
 */
#include <stdlib.h>
#include <string.h>
#include <tracer/facts.h>
#include "ui.h"

struct fact {
	const char *key;
	struct text text;
	enum ui_role role;
	uint64_t event;  /* that it is from; 0: none */
	uint64_t object; /* that it names; 0: none */
};
enum { FACTS = 32 };
struct facts {
	struct fact fact[FACTS];
	size_t count;
};

static struct fact *add(struct facts *facts, const char *key)
{
	static struct fact spill;
	if (facts->count == FACTS) {
		text_done(&spill.text);
		memset(&spill, 0, sizeof(spill));
		return &spill;
	}
	struct fact *fact = &facts->fact[facts->count++];
	fact->key = key;
	fact->role = UI_ROLE_NORMAL;
	return fact;
}

static void facts_done(struct facts *facts)
{
	for (size_t i = 0; i < facts->count; i++)
		text_done(&facts->fact[i].text);
}

static void add_value_of(struct ui *ui, struct facts *facts, const char *key, uint64_t n,
						 enum ui_glyph glyph, enum ui_role role)
{
	struct trace_event event;
	if (!n || trace_event(session_trace(ui->session), n, &event) < 0)
		return;
	struct fact *fact = add(facts, key);
	fact->event = n;
	fact->role = role;
	if (glyph != UI_GLYPH_COUNT) {
		const char *name = trace_event_name(event.kind);
		text_add(&fact->text, "%s %s", ui_glyph(glyph), name ? name : "?");
		if (event.value.kind != CORO_VALUE_ABSENT)
			text_add(&fact->text, " ");
	}
	if (event.value.kind != CORO_VALUE_ABSENT)
		text_add_value(&fact->text, ui->session, &event.value, 200);
}

/* An object that event n linked to the subject. */
static void add_object(struct ui *ui, struct facts *facts, const char *key, uint64_t serial,
					   uint64_t n)
{
	if (!serial)
		return;
	struct fact *fact = add(facts, key);
	fact->object = serial;
	text_add_object_near(&fact->text, ui->session, serial, n);
}

static void add_number(struct facts *facts, const char *key, uint64_t number)
{
	char digits[32];
	text_add(&add(facts, key)->text, "%s", ui_number(number, digits));
}

static void add_site(struct ui *ui, struct facts *facts, const char *key, uint32_t site,
					 bool is_string)
{
	if (site)
		text_add(&add(facts, key)->text, "%s",
				 symbols_text(session_symbols(ui->session), site, is_string));
}

static void add_awaiters(struct ui *ui, struct facts *facts, const struct world_object *object)
{
	uint64_t awaiters[8];
	size_t count = world_awaiters(session_world(ui->session), object->serial, awaiters, 8);
	if (!count)
		return;
	struct fact *fact = add(facts, "awaited by");
	fact->object = awaiters[0];
	for (size_t i = 0; i < count && i < 8; i++) {
		if (i)
			text_add(&fact->text, ", ");
		text_add_object(&fact->text, ui->session, awaiters[i]);
	}
	if (count > 8)
		text_add(&fact->text, ", %zu more", count - 8);
}

/* The facts that all views show (facts.h); `context` is a struct facts. */
static void add_fact(void *context, const char *key, const char *words, uint64_t object)
{
	struct fact *fact = add(context, key);
	fact->object = object;
	text_add(&fact->text, "%s", words);
}

static void collect(struct ui *ui, struct facts *facts)
{
	const struct world *world = session_world(ui->session);
	const struct world_object *object = world_find(world, ui_subject(ui));
	facts->count = 0;
	if (!object)
		return;
	bool body = trace_object_is_body(object->kind);
	bool task = object->kind == CORO_OBJECT_TASK;
	unsigned state = world_state(world, object);

	struct fact *fact = add(facts, "is");
	text_add(&fact->text, "%s", trace_object_kind_name(object->kind));
	fact = add(facts, "state");
	fact->event = object->changed_at;
	fact->role = ui_role_of_state(state);
	text_add(&fact->text, "%s %s", ui_glyph(ui_glyph_of_state(state)),
			 world_state_name(world, object));
	if (object->state == CORO_STATE_DELEGATING)
		text_add(&fact->text, ", delegates");
	if (object->closing)
		text_add(&fact->text, ", closing");

	/* Of a body that delegates, what went to its delegate went through it. */
	const struct chain_level *level = &ui->levels.level[ui->levels.subject];
	bool passes = body && ui->levels.count && level->serial == object->serial;
	add_value_of(ui, facts, "went down", passes ? level->down_at : object->down_at, UI_GLYPH_DOWN,
				 UI_ROLE_FLOW_DOWN);
	add_value_of(ui, facts, body ? "came up" : "result", passes ? level->up_at : object->up_at,
				 UI_GLYPH_UP, UI_ROLE_FLOW_UP);
	add_value_of(ui, facts, "argument", object->argument_at, UI_GLYPH_COUNT, UI_ROLE_NORMAL);

	struct text wait = {0};
	text_add_wait(&wait, ui->session, object);
	if (wait.length) {
		fact = add(facts, "waits on");
		text_add(&fact->text, "%s", text_string(&wait));
		fact->object = world_waits_on(world, object);
	}
	text_done(&wait);
	add_awaiters(ui, facts, object);
	add_object(ui, facts, "drives", object->drives, object->created_at);
	if (object->state == CORO_STATE_DELEGATING)
		add_object(ui, facts, "delegates", object->delegate, object->changed_at);
	if (task)
		add_object(ui, facts, "woken by", object->woken_by, object->ready_at);
	facts_tell(ui->session, object, add_fact, facts);
	if (object->kind == CORO_OBJECT_LOOP) {
		add_number(facts, "turn", world_turn(world));
		add_number(facts, "ready", world_ready(world, NULL, 0));
	}
	if (body || task) {
		char digits[32];
		text_add(&add(facts, task ? "steps" : "resumes")->text, "%s%s",
				 ui_number(object->resumes, digits),
				 object->unknown & WORLD_UNKNOWN_RESUMES ? " +?" : "");
	}
	if (object->cancels)
		add_number(facts, "cancels", object->cancels);
	uint32_t site;
	bool is_string;
	if (body && ui_own_site(object, &site, &is_string))
		add_site(ui, facts, "at", site, is_string);
	if (object->kind == CORO_OBJECT_LOOP)
		; /* made by the runtime, at no line of the program */
	else if (object->creation_site)
		add_site(ui, facts, "created at", object->creation_site, true);
	else
		add_site(ui, facts, "created at", object->creation_pc, false);
	fact = add(facts, "created by");
	fact->object = object->parent;
	fact->event = object->created_at;
	if (object->parent)
		text_add_object_near(&fact->text, ui->session, object->parent, object->created_at);
	else
		text_add(&fact->text, object->unknown & WORLD_UNKNOWN_PARENT ? "?" : "main");
	if (task && !ui->pin) {
		fact = add(facts, "ran");
		text_add_duration(&fact->text, object->run_ns);
		if (object->unknown & WORLD_UNKNOWN_PAST)
			text_add(&fact->text, " +?");
	}
}

static void values_draw(struct ui *ui, const struct ui_rect *rect)
{
	struct facts facts = {0};
	collect(ui, &facts);
	struct ui_list *list = &ui->values;
	if (!list->held)
		list->cursor = list->top = 0;
	ui_list_settle(list, facts.count, rect->rows);
	uint64_t now = session_playhead(ui->session);
	for (int row = 0; row < rect->rows && list->top + (size_t)row < facts.count; row++) {
		size_t i = list->top + (size_t)row;
		const struct fact *fact = &facts.fact[i];
		bool new = fact->event && fact->event == now;
		ui_put(rect, row, 1, UI_ROLE_DIM, fact->key);
		enum ui_role role = fact->role;
		if (new)
			role = role == UI_ROLE_FLOW_DOWN ? UI_ROLE_NOW_DOWN
				   : role == UI_ROLE_FLOW_UP ? UI_ROLE_NOW_UP
				   : role == UI_ROLE_NORMAL  ? UI_ROLE_CHANGED
											 : role;
		int room = rect->columns - 12 - 2 * new;
		char shown[512];
		/* Of a place the line number matters, at its end. */
		size_t key = strlen(fact->key);
		bool place = key >= 2 && strcmp(fact->key + key - 2, "at") == 0;
		if (place)
			ui_shorten_place(text_string(&fact->text), room, shown, sizeof(shown));
		else
			ui_shorten(text_string(&fact->text), room, false, shown, sizeof(shown));
		int column = ui_put(rect, row, 12, role, shown);
		if (new)
			ui_put(rect, row, column, UI_ROLE_CHANGED, " *");
		if (i == list->cursor && ui->focus == UI_PANE_VALUES)
			ui_paint_row(rect, row, UI_ROLE_SELECT);
	}
	facts_done(&facts);
}

static void values_title(struct ui *ui, struct text *left, struct text *right)
{
	text_add(left, "Values");
	const struct world_object *object = world_find(session_world(ui->session), ui_subject(ui));
	if (object) {
		text_add(left, "  ");
		text_add_object(left, ui->session, object->serial);
		text_add(right, "* now");
	}
}

static bool values_act(struct ui *ui, enum ui_action action)
{
	struct facts facts = {0};
	collect(ui, &facts);
	bool acted = ui_list_act(&ui->values, action, facts.count);
	if (!acted && action == UI_ACTION_OPEN && ui->values.cursor < facts.count) {
		const struct fact *fact = &facts.fact[ui->values.cursor];
		const struct world_object *object = world_find(session_world(ui->session), fact->object);
		if (object)
			session_select(ui->session, fact->object);
		else if (fact->event)
			session_goto(ui->session, fact->event);
		else
			ui_say(ui, true, "there is nothing behind this line");
		ui->tasks.list.held = ui->events.held = false;
		acted = true;
	}
	facts_done(&facts);
	return acted;
}

static void values_click(struct ui *ui, int row)
{
	ui->values.cursor = ui->values.top + (size_t)row;
	ui->values.held = true;
}

const struct ui_pane_ops ui_pane_values = {
	.name = "Values",
	.title = values_title,
	.draw = values_draw,
	.act = values_act,
	.click = values_click,
};
