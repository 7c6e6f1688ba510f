/*
 * filter.c - expressions about events.
 *
 *     expression  = and { "or" and }
 *     and         = not { "and" not }
 *     not         = "not" not | "(" expression ")" | field operator literal
 *     field       = kind name co peer value site turn thread t n
 *     operator    = == != < > <= >= ~
 *     literal     = a word or number, or "text in quotes"
 *
 * `~` searches an extended regular expression. A field that an event does not have is different
 * from everything, and is neither less nor greater. A value is compared as a number when both sides
 * are numbers, else as the text that the event list shows, a string also without its quotes. t is
 * in ns, or with a unit: 5us, 1.5ms, 2s.
 */
#include <ctype.h>
#include <errno.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include "command_private.h"

#define DEPTH_MOST 100 /* of parentheses and nots */

enum field { KIND, NAME, CO, PEER, VALUE, SITE, TURN, THREAD, T, N, FIELDS };
static const char *const field_name[FIELDS] = {"kind", "name", "co",     "peer", "value",
											   "site", "turn", "thread", "t",    "n"};

enum operation { OR, AND, NOT, EQUAL, UNEQUAL, LESS, GREATER, AT_MOST, AT_LEAST, LIKE };

struct filter {
	enum operation operation;
	struct filter *left, *right; /* owned; OR, AND; NOT: left */
	/* A comparison. */
	enum field field;
	char *literal;  /* owned */
	bool is_number; /* the literal is one, too: */
	double number;
	bool has_pattern;
	regex_t pattern; /* LIKE */
};

struct parser {
	const char *start, *at;
	unsigned depth;
	size_t mistake; /* from 1; 0: none */
	struct text *why;
};

void filter_free(struct filter *filter)
{
	if (!filter)
		return;
	filter_free(filter->left);
	filter_free(filter->right);
	if (filter->has_pattern)
		regfree(&filter->pattern);
	free(filter->literal);
	free(filter);
}

static struct filter *fail(struct parser *parser, const char *at, const char *why)
{
	if (!parser->mistake) {
		parser->mistake = (size_t)(at - parser->start) + 1;
		text_add(parser->why, "%s", why);
	}
	return NULL;
}

static void skip_blanks(struct parser *parser)
{
	while (isspace((unsigned char)*parser->at))
		parser->at++;
}

static bool is_word(char c)
{
	return c && !isspace((unsigned char)c) && !strchr("()<>=!~\"'", c);
}

/* Whether the next word is `word`; it is taken then. */
static bool take_word(struct parser *parser, const char *word)
{
	size_t length = strlen(word);

	skip_blanks(parser);
	if (strncmp(parser->at, word, length) != 0 || is_word(parser->at[length]))
		return false;
	parser->at += length;
	return true;
}

static bool take_field(struct parser *parser, enum field *ret)
{
	for (unsigned i = 0; i < FIELDS; i++) {
		if (take_word(parser, field_name[i])) {
			*ret = (enum field)i;
			return true;
		}
	}
	return false;
}

static bool take_operator(struct parser *parser, enum operation *ret)
{
	static const struct {
		const char *text;
		enum operation operation;
	} operators[] = {{"==", EQUAL}, {"!=", UNEQUAL}, {"<=", AT_MOST}, {">=", AT_LEAST},
					 {"<", LESS},   {">", GREATER},  {"~", LIKE}};

	skip_blanks(parser);
	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
		size_t length = strlen(operators[i].text);

		if (strncmp(parser->at, operators[i].text, length) == 0) {
			parser->at += length;
			*ret = operators[i].operation;
			return true;
		}
	}
	return false;
}

static char *take_literal(struct parser *parser)
{
	const char *begin;

	skip_blanks(parser);
	begin = parser->at;
	if (*begin == '"' || *begin == '\'') {
		const char *end = strchr(begin + 1, *begin);

		if (!end) {
			fail(parser, begin, "this quote is not closed");
			return NULL;
		}
		parser->at = end + 1;
		return strndup(begin + 1, (size_t)(end - begin - 1));
	}
	while (is_word(*parser->at))
		parser->at++;
	if (parser->at == begin) {
		fail(parser, begin, "a value is missing");
		return NULL;
	}
	return strndup(begin, (size_t)(parser->at - begin));
}

static bool to_number(const char *text, bool is_time, double *ret)
{
	static const struct {
		const char *unit;
		double ns;
	} units[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}};
	char *end;

	if (!isdigit((unsigned char)text[*text == '-' || *text == '+']))
		return false;
	*ret = strtod(text, &end);
	if (!*end)
		return true;
	for (unsigned i = 0; is_time && i < 4; i++) {
		if (strcmp(end, units[i].unit) == 0) {
			*ret *= units[i].ns;
			return true;
		}
	}
	return false;
}

static bool is_numeric(enum field field)
{
	return field == CO || field == PEER || field == TURN || field == THREAD || field == T ||
		   field == N;
}

/* The literal must make sense for the field and the operator. */
static bool check_comparison(struct parser *parser, struct filter *filter, const char *at)
{
	bool is_order = filter->operation >= LESS && filter->operation <= AT_LEAST;

	filter->is_number = to_number(filter->literal, filter->field == T, &filter->number);
	if (filter->operation == LIKE) {
		char sentence[128];
		int error = regcomp(&filter->pattern, filter->literal, REG_EXTENDED | REG_NOSUB);

		filter->has_pattern = error == 0;
		if (!error)
			return true;
		regerror(error, &filter->pattern, sentence, sizeof(sentence));
		fail(parser, at, sentence);
		return false;
	}
	if (is_numeric(filter->field) && !filter->is_number) {
		fail(parser, at, "this field is a number, and this is none");
		return false;
	}
	if (filter->field == KIND && !is_order && !trace_event_kind(filter->literal)) {
		fail(parser, at, "there is no such kind of event");
		return false;
	}
	if (is_order && !is_numeric(filter->field) && filter->field != VALUE) {
		fail(parser, at, "this field has no order: use == != ~");
		return false;
	}
	return true;
}

static struct filter *comparison(struct parser *parser)
{
	struct filter *filter = calloc(1, sizeof(*filter));
	const char *at = parser->at;

	if (!filter)
		return fail(parser, at, "out of memory");
	if (!take_field(parser, &filter->field)) {
		fail(parser, at, "a field is missing: kind name co peer value site turn thread t n");
	} else if (!take_operator(parser, &filter->operation)) {
		fail(parser, parser->at, "an operator is missing: == != < > <= >= ~");
	} else {
		skip_blanks(parser);
		at = parser->at;
		filter->literal = take_literal(parser);
		if (filter->literal && check_comparison(parser, filter, at))
			return filter;
	}
	filter_free(filter);
	return fail(parser, at, "out of memory");
}

static struct filter *parse_or(struct parser *parser);

/* Takes both, and gives nothing when one of them is missing: it was a mistake. */
static struct filter *join(struct parser *parser, enum operation operation, struct filter *left,
						   struct filter *right)
{
	bool whole = left && (right || operation == NOT);
	struct filter *filter = whole ? calloc(1, sizeof(*filter)) : NULL;

	if (!filter) {
		filter_free(left);
		filter_free(right);
		return fail(parser, parser->at, "out of memory");
	}
	filter->operation = operation;
	filter->left = left;
	filter->right = right;
	return filter;
}

static struct filter *parse_not(struct parser *parser)
{
	struct filter *inner;

	skip_blanks(parser);
	if (parser->depth > DEPTH_MOST)
		return fail(parser, parser->at, "this is too deep");
	if (take_word(parser, "not")) {
		parser->depth++;
		inner = parse_not(parser);
		parser->depth--;
		return join(parser, NOT, inner, NULL);
	}
	if (*parser->at != '(')
		return comparison(parser);
	parser->at++;
	parser->depth++;
	inner = parse_or(parser);
	parser->depth--;
	skip_blanks(parser);
	if (inner && *parser->at != ')') {
		filter_free(inner);
		return fail(parser, parser->at, "a ) is missing");
	}
	parser->at += inner != NULL;
	return inner;
}

static struct filter *parse_and(struct parser *parser)
{
	struct filter *left = parse_not(parser);

	while (left && take_word(parser, "and"))
		left = join(parser, AND, left, parse_not(parser));
	return left;
}

static struct filter *parse_or(struct parser *parser)
{
	struct filter *left = parse_and(parser);

	while (left && take_word(parser, "or"))
		left = join(parser, OR, left, parse_and(parser));
	return left;
}

int filter_parse(const char *expression, struct filter **ret, size_t *ret_position,
				 struct text *ret_why)
{
	struct parser parser = {.start = expression, .at = expression, .why = ret_why};
	struct filter *filter = parse_or(&parser);

	skip_blanks(&parser);
	if (filter && *parser.at) {
		filter_free(filter);
		filter = fail(&parser, parser.at, "'and' or 'or' is missing");
	}
	if (!filter) {
		*ret_position = parser.mistake;
		return -EINVAL;
	}
	*ret = filter;
	return 0;
}

/* ---- Asking ------------------------------------------------------------ */

static bool compare_numbers(enum operation operation, double left, double right)
{
	switch (operation) {
	case EQUAL:
		return left == right;
	case UNEQUAL:
		return left != right;
	case LESS:
		return left < right;
	case GREATER:
		return left > right;
	case AT_MOST:
		return left <= right;
	case AT_LEAST:
		return left >= right;
	default:
		return false;
	}
}

/* The number that a field of the event is. */
static bool number_of(enum field field, const struct trace_event *event, uint64_t turn, double *ret)
{
	switch (field) {
	case CO:
		*ret = (double)event->co;
		return event->co;
	case PEER:
		*ret = (double)event->peer;
		return event->peer;
	case TURN:
		*ret = (double)turn;
		return turn;
	case THREAD:
		*ret = (double)event->ring + 1;
		return true;
	case T:
		*ret = (double)event->t;
		return true;
	case N:
		*ret = (double)event->n;
		return true;
	case VALUE:
		*ret = event->value.kind == CORO_VALUE_FLOAT ? event->value.real
													 : (double)event->value.integer;
		return event->value.kind == CORO_VALUE_INT || event->value.kind == CORO_VALUE_BOOL ||
			   event->value.kind == CORO_VALUE_FLOAT;
	default:
		return false;
	}
}

/* The text that a field of the event reads as; "" when it has none. */
static void text_of(enum field field, struct session *session, const struct trace_event *event,
					uint64_t turn, struct text *ret)
{
	const char *text = NULL;
	double number;

	if (field == KIND)
		text = trace_event_name(event->kind);
	else if (field == NAME)
		text = event->name ? trace_string(session_trace(session), event->name) : NULL;
	else if (field == SITE && event->site)
		text =
			symbols_text(session_symbols(session), event->site, event->flags & CORO_SLOT_FILELINE);
	else if (field == VALUE && event->value.kind != CORO_VALUE_ABSENT)
		text_add_value(ret, session, &event->value, 0);
	else if (number_of(field, event, turn, &number))
		text_add(ret, "%.0f", number);
	if (text)
		text_add_filtered(ret, text, strlen(text));
}

static bool is_text(const struct filter *filter, const struct trace_event *event, const char *text)
{
	const struct trace_value *value = &event->value;

	if (strcmp(text, filter->literal) == 0)
		return true;
	return filter->field == VALUE &&
		   (value->kind == CORO_VALUE_STRING || value->kind == CORO_VALUE_BYTES) &&
		   value->length == value->stored && strlen(filter->literal) == value->stored &&
		   memcmp(filter->literal, value->bytes, value->stored) == 0;
}

static bool compare(const struct filter *filter, struct session *session,
					const struct trace_event *event, uint64_t turn)
{
	_cleanup_(text_cleanup) struct text text = {0};
	double number;

	if (filter->operation != LIKE && filter->is_number &&
		number_of(filter->field, event, turn, &number))
		return compare_numbers(filter->operation, number, filter->number);
	text_of(filter->field, session, event, turn, &text);
	if (!text.length)
		return filter->operation == UNEQUAL;
	if (filter->operation == LIKE)
		return regexec(&filter->pattern, text_string(&text), 0, NULL, 0) == 0;
	if (filter->operation == EQUAL)
		return is_text(filter, event, text_string(&text));
	if (filter->operation == UNEQUAL)
		return !is_text(filter, event, text_string(&text));
	return false;
}

bool filter_matches(const struct filter *filter, struct session *session,
					const struct trace_event *event, uint64_t turn)
{
	switch (filter->operation) {
	case OR:
		return filter_matches(filter->left, session, event, turn) ||
			   filter_matches(filter->right, session, event, turn);
	case AND:
		return filter_matches(filter->left, session, event, turn) &&
			   filter_matches(filter->right, session, event, turn);
	case NOT:
		return !filter_matches(filter->left, session, event, turn);
	default:
		return compare(filter, session, event, turn);
	}
}
