/*
 * breakpoints.c - where `continue` and the logical steps stop.
 *
 * A breakpoint names a kind of event and a glob for the name of the object that it
 * changes. The program's gate stops by kind; the name is compared here, after the stop.
 */
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include "session_private.h"

void breakpoints_done(struct breakpoints *breakpoints)
{
	free(breakpoints->list);
	memset(breakpoints, 0, sizeof(*breakpoints));
}

static bool matches(const struct session_breakpoint *breakpoint, struct trace *trace,
					const struct trace_event *event)
{
	const char *name;

	if (!breakpoint->enabled || (breakpoint->kind && breakpoint->kind != event->kind))
		return false;
	if (!breakpoint->name[0])
		return true;
	name = event->name ? trace_string(trace, event->name) : NULL;
	return name && fnmatch(breakpoint->name, name, 0) == 0;
}

struct session_breakpoint *breakpoints_match(struct breakpoints *breakpoints, struct trace *trace,
											 const struct trace_event *event)
{
	for (size_t i = 0; i < breakpoints->count; i++) {
		if (matches(&breakpoints->list[i], trace, event))
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
	strcpy(breakpoint->name, name ? name : "");
	return (int)breakpoint->id;
}

int session_delete_break(struct session *session, unsigned id)
{
	struct breakpoints *breakpoints = &session->breakpoints;

	for (size_t i = 0; i < breakpoints->count; i++) {
		if (breakpoints->list[i].id != id)
			continue;
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
