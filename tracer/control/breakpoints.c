/*
 * breakpoints.c - where `continue` and the logical steps stop.
 *
 * A breakpoint names a kind of event, a glob for the name of the object that it changes, and
 * perhaps a condition, which is a function of whoever set it. The program's gate stops by kind;
 * the rest is asked here, after the stop.
 */
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include "session_private.h"

static void condition_done(struct session_condition *condition)
{
	if (condition->free)
		condition->free(condition->context);
	free(condition->text);
}

void breakpoints_done(struct breakpoints *breakpoints)
{
	for (size_t i = 0; i < breakpoints->count; i++)
		condition_done(&breakpoints->list[i].condition);
	free(breakpoints->list);
	memset(breakpoints, 0, sizeof(*breakpoints));
}

static bool matches(const struct session_breakpoint *breakpoint, struct session *session,
					const struct trace_event *event, uint64_t turn)
{
	const struct session_condition *condition = &breakpoint->condition;
	const char *name;

	if (!breakpoint->enabled || (breakpoint->kind && breakpoint->kind != event->kind))
		return false;
	name = breakpoint->name[0] && event->name ? trace_string(session->trace, event->name) : NULL;
	if (breakpoint->name[0] && (!name || fnmatch(breakpoint->name, name, 0) != 0))
		return false;
	return !condition->holds || condition->holds(condition->context, session, event, turn);
}

struct session_breakpoint *breakpoints_match(struct session *session,
											 const struct trace_event *event, uint64_t turn)
{
	const struct breakpoints *breakpoints = &session->breakpoints;

	for (size_t i = 0; i < breakpoints->count; i++) {
		if (matches(&breakpoints->list[i], session, event, turn))
			return &breakpoints->list[i];
	}
	return NULL;
}

uint64_t breakpoints_kinds(const struct breakpoints *breakpoints)
{
	uint64_t kinds = 0;

	for (size_t i = 0; i < breakpoints->count; i++) {
		const struct session_breakpoint *breakpoint = &breakpoints->list[i];

		if (breakpoint->enabled)
			kinds |= breakpoint->kind ? UINT64_C(1) << (breakpoint->kind & 63) : ~UINT64_C(0);
	}
	return kinds;
}

int session_break(struct session *session, uint8_t kind, const char *name, bool once)
{
	return session_break_when(session, kind, name, once, &(struct session_condition){0});
}

static int add(struct session *session, uint8_t kind, const char *name, bool once,
			   const struct session_condition *condition)
{
	struct breakpoints *breakpoints = &session->breakpoints;
	struct session_breakpoint *breakpoint;

	if (kind >= CORO_EVENT_LIMIT || strlen(name ? name : "") >= sizeof(breakpoint->name))
		return -EINVAL;
	if (breakpoints->count == breakpoints->room) {
		size_t room = breakpoints->room ? breakpoints->room * 2 : 8;
		struct session_breakpoint *list = reallocarray(breakpoints->list, room, sizeof(*list));

		if (!list)
			return -ENOMEM;
		breakpoints->list = list;
		breakpoints->room = room;
	}
	breakpoint = &breakpoints->list[breakpoints->count++];
	memset(breakpoint, 0, sizeof(*breakpoint));
	breakpoint->id = ++breakpoints->last_id;
	breakpoint->kind = kind;
	breakpoint->enabled = true;
	breakpoint->once = once;
	breakpoint->condition = *condition;
	strcpy(breakpoint->name, name ? name : "");
	return (int)breakpoint->id;
}

int session_break_when(struct session *session, uint8_t kind, const char *name, bool once,
					   const struct session_condition *condition)
{
	int id = add(session, kind, name, once, condition);

	if (id < 0)
		condition_done(&(struct session_condition){
			.free = condition->free, .context = condition->context, .text = condition->text});
	return id;
}

int session_delete_break(struct session *session, unsigned id)
{
	struct breakpoints *breakpoints = &session->breakpoints;

	for (size_t i = 0; i < breakpoints->count; i++) {
		if (breakpoints->list[i].id != id)
			continue;
		condition_done(&breakpoints->list[i].condition);
		memmove(&breakpoints->list[i], &breakpoints->list[i + 1],
				(breakpoints->count - i - 1) * sizeof(breakpoints->list[0]));
		breakpoints->count--;
		return 0;
	}
	return -ENOENT;
}

const struct session_breakpoint *session_next_break(struct session *session, unsigned after)
{
	const struct breakpoints *breakpoints = &session->breakpoints;

	for (size_t i = 0; i < breakpoints->count; i++) {
		if (breakpoints->list[i].id > after)
			return &breakpoints->list[i];
	}
	return NULL;
}
