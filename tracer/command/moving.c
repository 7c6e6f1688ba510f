/*
 * moving.c - commands that move the playhead. Each answers with where it is then.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "command_private.h"

/* "event 4/52  internal #2  yield 0  channel.c:12", and why it is no farther. */
static void say_where(struct command_context *context)
{
	struct session *session = context->session;
	struct text *answer = &context->answer;
	uint64_t n = session_playhead(session);
	struct trace_event event;

	text_add(answer, "event %llu/", (unsigned long long)n);
	if (session_is_live(session))
		text_add(answer, "…");
	else
		text_add(answer, "%llu", (unsigned long long)session_head(session));
	if (n == 0)
		text_add(answer, "  before the first event");
	else if (trace_event(session_trace(session), n, &event) < 0)
		text_add(answer, "  cannot be read: this part of the trace is damaged");
	else {
		text_add(answer, "  ");
		text_add_event(answer, session, &event);
	}
}

static enum command_status answer_move(struct command_context *context, int r)
{
	const char *why = session_why(context->session);

	if (r < 0) {
		text_add(&context->answer, "%s", *why ? why : strerror(-r));
		return COMMAND_FAILED;
	}
	say_where(context);
	if (*why)
		text_add(&context->answer, "\n%s", why);
	return COMMAND_OK;
}

/* An optional count. */
static bool get_count(int argc, char **argv, int64_t *ret)
{
	char *end;

	*ret = 1;
	if (argc == 1)
		return true;
	errno = 0;
	*ret = strtoll(argv[1], &end, 10);
	return *argv[1] && !*end && !errno && *ret > INT64_MIN;
}

enum command_status run_event(struct command_context *context, int argc, char **argv)
{
	int64_t count;

	if (!get_count(argc, argv, &count))
		return bad(context, "event: '%.60s' is not a number of events", argv[1]);
	return answer_move(context, session_event(context->session, count));
}

enum command_status run_back(struct command_context *context, int argc, char **argv)
{
	int64_t count;

	if (!get_count(argc, argv, &count))
		return bad(context, "back: '%.60s' is not a number of events", argv[1]);
	return answer_move(context, session_event(context->session, -count));
}

enum command_status run_turn(struct command_context *context, int argc, char **argv)
{
	int64_t count;

	if (!get_count(argc, argv, &count))
		return bad(context, "turn: '%.60s' is not a number of turns", argv[1]);
	return answer_move(context, session_turn(context->session, count));
}

#define LOGICAL_STEP(function, move, direction)                                                    \
	enum command_status function(struct command_context *context, int argc, char **argv)           \
	{                                                                                              \
		return answer_move(context, move(context->session, direction));                            \
	}

LOGICAL_STEP(run_into, session_into, SESSION_FORWARD)
LOGICAL_STEP(run_over, session_over, SESSION_FORWARD)
LOGICAL_STEP(run_out, session_out, SESSION_FORWARD)
LOGICAL_STEP(run_done_step, session_done, SESSION_FORWARD)
LOGICAL_STEP(run_continue, session_continue, SESSION_FORWARD)
LOGICAL_STEP(run_reverse_into, session_into, SESSION_BACKWARD)
LOGICAL_STEP(run_reverse_over, session_over, SESSION_BACKWARD)
LOGICAL_STEP(run_reverse_out, session_out, SESSION_BACKWARD)
LOGICAL_STEP(run_reverse_done, session_done, SESSION_BACKWARD)
LOGICAL_STEP(run_reverse_continue, session_continue, SESSION_BACKWARD)

enum command_status run_goto(struct command_context *context, int argc, char **argv)
{
	struct session *session = context->session;
	unsigned long long n;
	char *end;

	if (argc != 2)
		return bad(context, "goto: which event?");
	if (strcmp(argv[1], "start") == 0)
		return answer_move(context, session_goto(session, 0));
	if (strcmp(argv[1], "end") == 0)
		return answer_move(context, session_goto(session, session_head(session)));
	if (*argv[1] == '\'' && argv[1][1])
		return answer_move(context, session_goto_mark(session, argv[1] + 1));
	errno = 0;
	n = strtoull(argv[1], &end, 10);
	if (*argv[1] < '0' || *argv[1] > '9' || *end || errno)
		return bad(context,
				   "goto: '%.60s' is not an event's number, start or end, nor a mark's 'NAME",
				   argv[1]);
	return answer_move(context, session_goto(session, n));
}

enum command_status run_mark(struct command_context *context, int argc, char **argv)
{
	if (argc != 2)
		return bad(context, "mark: under which name?");
	if (session_mark(context->session, argv[1]) < 0)
		return bad(context, "mark: '%.60s' is not a name for a mark: 1 to 31 bytes", argv[1]);
	text_add(&context->answer, "event %llu is marked ",
			 (unsigned long long)session_playhead(context->session));
	text_add_filtered(&context->answer, argv[1], strlen(argv[1]));
	return COMMAND_OK;
}

enum command_status run_find(struct command_context *context, int argc, char **argv)
{
	if (argc < 2)
		return bad(context, "find: which text?");
	return answer_move(context, session_find(context->session, argv[1], SESSION_FORWARD));
}

enum command_status run_reverse_find(struct command_context *context, int argc, char **argv)
{
	if (argc < 2)
		return bad(context, "reverse-find: which text?");
	return answer_move(context, session_find(context->session, argv[1], SESSION_BACKWARD));
}
