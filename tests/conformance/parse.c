/*
 * parse.c - the text of a scenario as a tree of operations.
 *
 * A line is words; blanks separate them, "..." is one word. A block operation (try, loop, ...)
 * has clauses, each with its own first line, up to `end`:
 *
 *     try                      node "try"
 *       yield 1                  clause "try"                block: yield
 *     except E1 as e             clause "except" "E1" ...    block: log
 *       log e
 *     end
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "scenario.h"

struct scenario scenario = {.slow = 100, .fuel = 4000};

struct line {
	int number;
	char **words;
};

static struct line *lines;
static size_t line_count, at;
static const char *file;

void malformed(const struct node *node, const char *why)
{
	fprintf(stderr, "%s:%d: %s: %s\n", file, node ? node->line : 0, node ? node->word : "", why);
	exit(2);
}

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\f' || byte == '\v';
}

static char *cut(const char *from, const char *to)
{
	char *word = keep_memory((size_t)(to - from) + 1);

	memcpy(word, from, (size_t)(to - from));
	return word;
}

static char **split(const char *text)
{
	char **words = keep_memory((strlen(text) + 2) * sizeof(*words));
	size_t count = 0;

	for (;;) {
		const char *end;

		while (is_blank(*text))
			text++;
		if (!*text)
			return words;
		end = *text == '"' ? strchr(text + 1, '"') : NULL;
		if (end)
			end++;
		else
			for (end = text; *end && !is_blank(*end);)
				end++;
		words[count++] = cut(text, end);
		text = end;
	}
}

static bool one_of(const char *word, const char *words)
{
	size_t length = strlen(word);

	for (const char *found = words; (found = strstr(found, word)); found++)
		if ((found == words || found[-1] == ' ') && (found[length] == ' ' || !found[length]))
			return true;
	return false;
}

/* ---- Blocks ------------------------------------------------------------ */

static const struct operation *find_operation(const char *word)
{
	const struct operation *const tables[] = {control_operations, drive_operations, task_operations,
											  group_operations, sync_operations};

	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
		for (const struct operation *operation = tables[i]; operation->word; operation++)
			if (!strcmp(operation->word, word))
				return operation;
	return NULL;
}

static struct block read_block(const char *stops, char ***ret_stop);

static struct node *read_node(const struct line *line)
{
	struct node *node = keep_memory(sizeof(*node));
	const struct operation *operation;
	char **words = line->words;

	node->line = line->number;
	node->observed = words[0][0] == '!';
	node->word = words[0] + node->observed;
	node->args = words + 1;
	while (node->args[node->arg_count] && strcmp(node->args[node->arg_count], "->"))
		node->arg_count++;
	if (node->args[node->arg_count]) {
		node->target = node->args[node->arg_count + 1];
		node->args[node->arg_count] = NULL;
	}
	operation = find_operation(node->word);
	if (!operation)
		malformed(node, "unknown operation");
	node->run = operation->run;
	if (one_of(words[0], "try loop while if for afor with timeout taskgroup as_completed")) {
		const char *stops = !strcmp(words[0], "try")  ? "except exceptstar else finally end"
							: !strcmp(words[0], "if") ? "else end"
													  : "end";
		struct clause **place = &node->clauses;
		char **head = words, **stop;

		do {
			struct clause *clause = keep_memory(sizeof(*clause));

			clause->head = head;
			clause->block = read_block(stops, &stop);
			*place = clause;
			place = &clause->next;
			head = stop;
		} while (strcmp(stop[0], "end"));
	}
	return node;
}

/* The lines up to one that begins with one of `stops`, which is read too. */
static struct block read_block(const char *stops, char ***ret_stop)
{
	struct block block = {NULL};
	struct node **place = &block.first;

	while (at < line_count) {
		const struct line *line = &lines[at++];

		if (one_of(line->words[0], stops)) {
			*ret_stop = line->words;
			return block;
		}
		*place = read_node(line);
		place = &(*place)->next;
	}
	malformed(NULL, "missing end");
}

/* ---- Functions --------------------------------------------------------- */

static void read_function(char **words)
{
	static const char *const kinds[] = {"func", "gen", "coro", "agen", "main", "amain"};
	struct function *function = keep_memory(sizeof(*function)), **place;
	char **stop;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(words[0], kinds[i]))
			function->kind = (enum function_kind)i;
	if (function->kind >= MAIN) {
		function->name = "main";
		function->params = words + 1;
		scenario.main = function;
	} else {
		function->name = words[1];
		function->params = words + 2;
		for (place = &scenario.functions; *place;)
			place = &(*place)->next;
		*place = function;
	}
	function->body = read_block("end", &stop);
}

struct function *find_function(const char *name)
{
	struct function *found = NULL;

	for (struct function *function = scenario.functions; function; function = function->next)
		if (!strcmp(function->name, name))
			found = function;
	return found;
}

static void read_directive(char **words)
{
	const char *word = words[0], *value = words[1] ? words[1] : "";

	if (!strcmp(word, "debug"))
		scenario.debug = !strcmp(value, "on");
	else if (!strcmp(word, "eager"))
		scenario.eager = !strcmp(value, "on");
	else if (!strcmp(word, "trace"))
		scenario.trace_turns = !strcmp(value, "iter");
	else if (!strcmp(word, "slow"))
		scenario.slow = atoi(value);
	else if (!strcmp(word, "fuel"))
		scenario.fuel = atoi(value);
	else if (!one_of(word, "title rules needs py ties"))
		malformed(NULL, word);
}

static char *read_text(const char *path)
{
	FILE *stream = fopen(path, "r");
	size_t size = 0, room = 1 << 20;
	char *text;

	if (!stream) {
		perror(path);
		exit(2);
	}
	text = keep_memory(room);
	size = fread(text, 1, room - 1, stream);
	fclose(stream);
	text[size] = 0;
	return text;
}

void parse_file(const char *path)
{
	char *text = read_text(path), *rest;
	size_t count = 1;

	file = path;
	for (const char *byte = text; *byte; byte++)
		count += *byte == '\n';
	lines = keep_memory(count * sizeof(*lines));
	count = 0;
	while ((rest = strsep(&text, "\n"))) {
		char **words = split(rest);

		count++;
		if (words[0] && words[0][0] != '#')
			lines[line_count++] = (struct line){(int)count, words};
	}
	while (at < line_count) {
		char **words = lines[at++].words;

		if (one_of(words[0], "func gen coro agen main amain"))
			read_function(words);
		else
			read_directive(words);
	}
	if (!scenario.main)
		malformed(NULL, "no main");
}
