/*
 * session.c - the life of a session, what it is made of, what is selected and marked in it.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "session_private.h"

/* ---- Life -------------------------------------------------------------- */

static int session_new(struct target *target, struct trace *trace,
					   const struct session_options *options, struct session **ret)
{
	struct session *session = calloc(1, sizeof(*session));
	int r = -ENOMEM;

	if (session) {
		session->trace = trace;
		session->target = target;
		session->patience_ms = options ? options->patience_ms : 0;
		session->by_event = options && options->by_event;
		session->seen_state = -1;
		checkpoints_init(&session->checkpoints, options ? options->checkpoint_every : 0);
		session->world = world_new();
		if (session->world)
			r = symbols_new(trace, target != NULL, &session->symbols);
		if (r >= 0)
			r = adopt_present(session->world, trace, 0);
	}
	if (r >= 0) {
		*ret = session;
		return 0;
	}
	if (session) {
		session_free(session, true);
		return r;
	}
	target_free(target);
	trace_free(trace);
	return r;
}

int session_replay(struct trace *trace, const struct session_options *options, struct session **ret)
{
	return session_new(NULL, trace, options, ret);
}

int session_live(struct target *target, struct trace *trace, const struct session_options *options,
				 struct session **ret)
{
	int r = session_new(target, trace, options, ret);

	if (r >= 0)
		symbols_add_modules((*ret)->symbols, target_pid(target));
	return r;
}

void session_free(struct session *session, bool kill)
{
	if (!session)
		return;
	if (session->target) {
		if (kill)
			target_kill(session->target);
		target_free(session->target);
	}
	checkpoints_done(&session->checkpoints);
	breakpoints_done(&session->breakpoints);
	free(session->marks);
	world_free(session->world);
	inspector_free(session->inspector);
	symbols_free(session->symbols);
	trace_free(session->trace);
	free(session);
}

struct trace *session_trace(struct session *session)
{
	return session->trace;
}

struct symbols *session_symbols(struct session *session)
{
	return session->symbols;
}

struct target *session_target(struct session *session)
{
	return session->ended ? NULL : session->target;
}

const struct world *session_world(struct session *session)
{
	return session->world;
}

struct world *session_copy_world(struct session *session)
{
	return world_copy(session->world);
}

uint64_t session_playhead(struct session *session)
{
	return session->playhead;
}

uint64_t session_head(struct session *session)
{
	return trace_count(session->trace);
}

bool session_is_live(struct session *session)
{
	return session->target && !session->ended;
}

bool session_is_moving(struct session *session)
{
	return session_is_live(session) && target_state(session->target) == TARGET_RUNNING;
}

const char *session_why(struct session *session)
{
	return session->why;
}

void session_say(struct session *session, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(session->why, sizeof(session->why), format, arguments);
	va_end(arguments);
}

/* ---- Selection --------------------------------------------------------- */

uint64_t session_selected(struct session *session)
{
	return session->selected;
}

int session_select(struct session *session, uint64_t serial)
{
	session->why[0] = 0;
	if (serial && !world_find(session->world, serial)) {
		session_say(session, "object #%llu does not exist at this event",
					(unsigned long long)serial);
		return -ENOENT;
	}
	session->selected = serial;
	return 0;
}

/* Bodies, tasks and loops step; one that was only made, or made ready, by another has not. */
static bool can_step(const struct world_object *object, const struct world_object *running)
{
	if (running && (object->state == CORO_STATE_CREATED || object->state == CORO_STATE_READY))
		return false;
	return trace_object_is_body(object->kind) || object->kind == CORO_OBJECT_TASK ||
		   object->kind == CORO_OBJECT_LOOP;
}

uint64_t session_subject(struct session *session)
{
	const struct world_object *changed = world_changed(session->world);
	const struct world_object *running = world_running(session->world);

	if (session->selected)
		return session->selected;
	if (changed && move_is_over(changed))
		return running ? running->serial : move_heir(session->world, changed->serial);
	if (changed && can_step(changed, running))
		return changed->serial;
	if (running)
		return running->serial;
	return changed ? changed->serial : 0;
}

/* ---- Marks ------------------------------------------------------------- */

static struct session_mark *find_mark(struct session *session, const char *name)
{
	for (size_t i = 0; i < session->mark_count; i++) {
		if (strcmp(session->marks[i].name, name) == 0)
			return &session->marks[i];
	}
	return NULL;
}

int session_mark(struct session *session, const char *name)
{
	struct session_mark *mark = find_mark(session, name);

	if (!*name || strlen(name) >= sizeof(mark->name))
		return -EINVAL;
	if (!mark) {
		struct session_mark *marks =
			reallocarray(session->marks, session->mark_count + 1, sizeof(*marks));

		if (!marks)
			return -ENOMEM;
		session->marks = marks;
		mark = &marks[session->mark_count++];
		strcpy(mark->name, name);
	}
	mark->n = session->playhead;
	return 0;
}

int session_goto_mark(struct session *session, const char *name)
{
	const struct session_mark *mark = find_mark(session, name);

	if (mark)
		return session_goto(session, mark->n);
	session_say(session, "no event is marked %.60s", name);
	return -ENOENT;
}

const struct session_mark *session_mark_at(struct session *session, size_t i)
{
	return i < session->mark_count ? &session->marks[i] : NULL;
}
