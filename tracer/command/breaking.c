/*
 * breaking.c - commands about breakpoints.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "command_private.h"

static void add_breakpoint(struct text *text, const struct session_breakpoint *breakpoint)
{
	text_add(text, "breakpoint %u  %s%s", breakpoint->id, breakpoint->once ? "once " : "",
			 breakpoint->kind ? trace_event_name(breakpoint->kind) : "any");
	if (breakpoint->name[0]) {
		text_add(text, " in ");
		text_add_filtered(text, breakpoint->name, strlen(breakpoint->name));
	}
	if (breakpoint->condition.text) {
		text_add(text, " ");
		text_add_filtered(text, breakpoint->condition.text, strlen(breakpoint->condition.text));
	}
}

/* ---- Conditions -------------------------------------------------------- */

/* `value EXPR` and `when EXPR`: both must hold; NULL: any event does. */
struct condition {
	struct filter *value, *when; /* owned */
};

static bool condition_holds(const void *context, struct session *session,
							const struct trace_event *event, uint64_t turn)
{
	const struct condition *condition = context;

	return (!condition->value || filter_matches(condition->value, session, event, turn)) &&
		   (!condition->when || filter_matches(condition->when, session, event, turn));
}

static void condition_free(void *context)
{
	struct condition *condition = context;

	if (!condition)
		return;
	filter_free(condition->value);
	filter_free(condition->when);
	free(condition);
}

/* ---- One line ---------------------------------------------------------- */

/* KIND [in NAME] [value EXPR] [when EXPR], as it is being read. */
struct request {
	struct command_context *context;
	char *line, *at;     /* the command's name, whose places count from there; where we are */
	const char *command; /* the name */
	unsigned kind;
	char *name;
	struct condition *condition; /* owned */
	char *text;                  /* where the condition begins; NULL: none */
};

static void skip_blanks(struct request *request)
{
	while (isspace((unsigned char)*request->at))
		request->at++;
}

/* The next word, cut off behind itself; one in quotes may have blanks. "" at the end. */
static char *take_word(struct request *request)
{
	char *word, quote = 0;

	skip_blanks(request);
	if (*request->at == '"' || *request->at == '\'')
		quote = *request->at++;
	word = request->at;
	while (*request->at && (quote ? *request->at != quote : !isspace((unsigned char)*request->at)))
		request->at++;
	if (*request->at)
		*request->at++ = 0;
	return word;
}

/* Whether `word` comes next, as a word of its own. */
static bool is_next(struct request *request, const char *word)
{
	size_t length = strlen(word);

	skip_blanks(request);
	return strncmp(request->at, word, length) == 0 &&
		   (!request->at[length] || isspace((unsigned char)request->at[length]));
}

/* The `when` that ends the expression of `value`, outside of quotes; or the end of the line. */
static char *find_when(char *at)
{
	char quote = 0;

	for (char *begin = at; *at; at++) {
		if (quote ? *at == quote : *at == '"' || *at == '\'')
			quote = quote ? 0 : *at;
		else if (!quote && strncmp(at, "when", 4) == 0 && at > begin &&
				 isspace((unsigned char)at[-1]) && (!at[4] || isspace((unsigned char)at[4])))
			return at;
	}
	return at;
}

/* Compiles an expression that stands in the line, `lead` before it, from `expression` on. */
static bool compile(struct request *request, const char *lead, char *expression, char *end,
					struct filter **ret)
{
	_cleanup_(text_cleanup) struct text why = {0}, whole = {0};
	char cut = *end;
	size_t place;
	int r;

	*end = 0;
	text_add(&whole, "%s%s", lead, expression);
	r = filter_parse(text_string(&whole), ret, &place, &why);
	*end = cut;
	if (r >= 0)
		return true;
	place = place > strlen(lead) ? place - strlen(lead) : 1;
	bad(request->context, "%s: at position %zu: %s", request->command,
		(size_t)(expression - request->line) + place, text_string(&why));
	return false;
}

/* `value > 3`, `value ~ "^a"`, or `value 3`, which is `value == 3`. */
static bool take_value(struct request *request)
{
	char *expression, *end;
	bool compares;

	request->at += strlen("value");
	skip_blanks(request);
	expression = request->at;
	compares = *expression && strchr("=!<>~", *expression);
	end = find_when(expression);
	request->at = end;
	return compile(request, compares ? "value " : "value == ", expression, end,
				   &request->condition->value);
}

static bool take_when(struct request *request)
{
	char *expression, *end;

	request->at += strlen("when");
	skip_blanks(request);
	expression = request->at;
	end = expression + strlen(expression);
	request->at = end;
	return compile(request, "", expression, end, &request->condition->when);
}

static bool take_kind(struct request *request)
{
	const char *word = take_word(request);

	if (!*word) {
		bad(request->context, "%s: at which kind of event? (yield, await, ...; any)",
			request->command);
		return false;
	}
	request->kind = trace_event_kind(word);
	if (request->kind || strcmp(word, "any") == 0)
		return true;
	bad(request->context, "%s: there is no kind of event '%.60s'", request->command, word);
	return false;
}

static bool take_all(struct request *request)
{
	bool has_value, has_when;

	if (!take_kind(request))
		return false;
	if (is_next(request, "in")) {
		char *in = take_word(request);

		request->name = take_word(request);
		if (!*request->name) {
			bad(request->context, "%s: '%s' is not understood: in NAME", request->command, in);
			return false;
		}
	}
	request->condition = calloc(1, sizeof(*request->condition));
	if (!request->condition)
		return false;
	has_value = is_next(request, "value");
	request->text = request->at;
	if (has_value && !take_value(request))
		return false;
	has_when = is_next(request, "when");
	if (has_when && !take_when(request))
		return false;
	if (!has_value && !has_when)
		request->text = NULL;
	skip_blanks(request);
	if (!*request->at)
		return true;
	bad(request->context, "%s: '%.60s' is not understood: KIND [in NAME] [value EXPR] [when EXPR]",
		request->command, take_word(request));
	return false;
}

static enum command_status set(struct command_context *context, int argc, char **argv, bool once)
{
	struct request request = {
		.context = context, .line = argv[0], .at = argv[1], .command = argv[0], .name = ""};
	struct session_condition condition = {0};
	int id;

	if (!take_all(&request)) {
		condition_free(request.condition);
		return COMMAND_BAD;
	}
	condition.free = condition_free;
	condition.context = request.condition;
	if (request.text) {
		condition.holds = condition_holds;
		condition.text = strdup(request.text);
	}
	id =
		session_break_when(context->session, (uint8_t)request.kind, request.name, once, &condition);
	if (id < 0)
		return bad(context, "%s: the name is too long", argv[0]);
	add_breakpoint(&context->answer, session_next_break(context->session, (unsigned)id - 1));
	return COMMAND_OK;
}

enum command_status run_break(struct command_context *context, int argc, char **argv)
{
	return set(context, argc, argv, false);
}

enum command_status run_tbreak(struct command_context *context, int argc, char **argv)
{
	return set(context, argc, argv, true);
}

enum command_status run_breakpoints(struct command_context *context, int argc, char **argv)
{
	const struct session_breakpoint *breakpoint = session_next_break(context->session, 0);
	struct text *answer = &context->answer;

	if (!breakpoint)
		text_add(answer, "there are no breakpoints");
	for (; breakpoint; breakpoint = session_next_break(context->session, breakpoint->id)) {
		text_add(answer, "%s", answer->length ? "\n" : "");
		add_breakpoint(answer, breakpoint);
		text_add(answer, "  %llu hit%s", (unsigned long long)breakpoint->hits,
				 breakpoint->hits == 1 ? "" : "s");
	}
	return COMMAND_OK;
}

enum command_status run_delete(struct command_context *context, int argc, char **argv)
{
	unsigned long id;
	char *end;

	if (argc != 2)
		return bad(context, "delete: which breakpoint?");
	id = strtoul(argv[1], &end, 10);
	if (!*argv[1] || *end || id > UINT32_MAX)
		return bad(context, "delete: '%.60s' is not a breakpoint's number", argv[1]);
	if (session_delete_break(context->session, (unsigned)id) < 0) {
		text_add(&context->answer, "there is no breakpoint %lu", id);
		return COMMAND_FAILED;
	}
	text_add(&context->answer, "breakpoint %lu is gone", id);
	return COMMAND_OK;
}
