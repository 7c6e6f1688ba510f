/*
 * tui_test.c - the screen, cell by cell, and the ways out of it.
 *
 *     tui_test COROSCOPE DEMOS GOLDEN [TEST-PATTERN]
 *
 * Golden screens are whole frames as libvterm sees them; golden/README.md says why each is
 * right. With UPDATE=1 in the environment they are written anew. Clock and process id are
 * pinned by --pin, time by --virtual; addresses are masked here.
 */
#include <ctype.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "terminal_oracle.h"

static const char *coroscope, *demos, *golden, *odd_traces;
static char folder[] = "/tmp/coroscope-tui-XXXXXX";
static char state_home[128];

enum { ROWS = 36, COLUMNS = 120 };

/* ---- Running it -------------------------------------------------------- */

/* Starts `coroscope WORDS`; a word that begins with "demo:" names one of the demos. */
static void start_with(struct oracle *oracle, int rows, int columns, const char *const *environment,
					   bool job, const char *const *words)
{
	char *argv[16] = {(char *)coroscope};
	char paths[16][512];
	int count = 1;
	for (; *words && count < 15; words++, count++) {
		argv[count] = (char *)*words;
		if (strncmp(*words, "demo:", 5) == 0) {
			snprintf(paths[count], sizeof(paths[count]), "%s/%s", demos, *words + 5);
			argv[count] = paths[count];
		}
	}
	const char *together[16] = {state_home};
	for (int i = 1; environment && *environment && i < 15; i++)
		together[i] = *environment++;
	oracle_start(oracle, rows, columns, argv, together, job);
}

#define START(oracle, rows, columns, ...)                                                          \
	start_with(oracle, rows, columns, NULL, false, (const char *const[]){__VA_ARGS__, NULL})

static void see(struct oracle *oracle, const char *text)
{
	if (oracle_wait(oracle, text))
		return;
	char *screen = oracle_text(oracle);
	print_message("waited for \"%s\"; the screen is\n%s\n", text, screen);
	if (oracle->raw)
		print_message("the last bytes are\n%.400s\n",
					  oracle->raw + (oracle->raw_length > 400 ? oracle->raw_length - 400 : 0));
	free(screen);
	fail();
}

static void type_and_see(struct oracle *oracle, const char *keys, const char *text)
{
	oracle_type(oracle, keys);
	see(oracle, text);
}

/* At event n of `head`: what the status row says. */
static void at(struct oracle *oracle, unsigned n)
{
	char text[32];
	snprintf(text, sizeof(text), " %u/", n);
	see(oracle, text);
	/* It has passed, and the program is at its gate again. */
	assert_true(oracle_wait_gone(oracle, "RUNNING"));
}

/* `.` from event `from` to event `to`, one at a time: a step that is asked for while another is
 * under way takes its place. */
static void step(struct oracle *oracle, unsigned from, unsigned to)
{
	at(oracle, from);
	while (from < to) {
		oracle_type(oracle, ".");
		at(oracle, ++from);
	}
}

static void turns(struct oracle *oracle, unsigned last)
{
	for (unsigned turn = 1; turn <= last; turn++) {
		char text[32];
		snprintf(text, sizeof(text), "turn %u ", turn);
		type_and_see(oracle, ">", text);
		assert_true(oracle_wait_gone(oracle, "RUNNING"));
	}
}

static void quits_well(struct oracle *oracle, const char *keys)
{
	oracle_type(oracle, keys);
	int status = oracle_wait_end(oracle);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	oracle_stop(oracle);
}

/* ---- Comparing --------------------------------------------------------- */

/* Addresses differ from run to run: their digits become `-`. */
static void mask(char *text)
{
	for (char *at_ = text; (at_ = strstr(at_, "0x"));)
		for (at_ += 2; isxdigit((unsigned char)*at_); at_++)
			*at_ = '-';
}

static char *read_file(const char *path)
{
	FILE *in = fopen(path, "r");
	if (!in)
		return NULL;
	char *text = calloc(1, 1 << 22);
	size_t length = fread(text, 1, (1 << 22) - 1, in);
	text[length] = 0;
	fclose(in);
	return text;
}

/* Fails with the first line that differs. */
static void is_same(const char *text, const char *expected, const char *name)
{
	if (strcmp(text, expected) == 0)
		return;
	const char *a = text, *b = expected;
	unsigned line = 1;
	while (*a && *b && strncmp(a, b, strcspn(a, "\n") + 1) == 0) {
		size_t length = strcspn(a, "\n") + 1;
		a += length;
		b += length;
		line++;
	}
	print_message("%s differs in line %u:\n  is        %.*s\n  should be %.*s\n", name, line,
				  (int)strcspn(a, "\n"), a, (int)strcspn(b, "\n"), b);
	fail();
}

static void is_golden(const char *text, const char *name)
{
	char path[512];
	snprintf(path, sizeof(path), "%s/%s.screen", golden, name);
	if (getenv("UPDATE")) {
		FILE *out = fopen(path, "w");
		assert_non_null(out);
		fputs(text, out);
		fclose(out);
	}
	char *expected = read_file(path);
	assert_non_null(expected);
	is_same(text, expected, name);
	free(expected);
}

static void screen_is_golden(struct oracle *oracle, const char *name)
{
	char *text = oracle_text(oracle);
	mask(text);
	is_golden(text, name);
	free(text);
}

/* The panes that show the World: without the fixed rows, and the Events pane, which knows what
 * is to come. At 120 x 36. */
static char *panes(struct oracle *oracle)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);
	for (int row = 2; row < ROWS - 2; row++) {
		char *line = oracle_row(oracle, row);
		size_t end = strlen(line);
		if (row >= 20) {
			/* Up to column 71, where Events begins. */
			int column = 0;
			for (end = 0; line[end] && column < 71; end++)
				column += ((unsigned char)line[end + 1] & 0xc0) != 0x80;
		}
		fprintf(out, "%.*s\n", (int)end, line);
		free(line);
	}
	fclose(out);
	mask(text);
	return text;
}

/* ---- Golden screens ---------------------------------------------------- */

static void channel_step_by_step_is_what_its_twin_does(void **state)
{
	struct oracle oracle;
	START(&oracle, ROWS, COLUMNS, "run", "--pin", "demo:channel");
	at(&oracle, 0);
	char *all = NULL;
	size_t length;
	FILE *out = open_memstream(&all, &length);
	for (unsigned n = 0;; n++) {
		char *text = oracle_text(&oracle);
		mask(text);
		fprintf(out, "=== after %u\n%s", n, text);
		bool ended = strstr(text, "EXITED 0");
		free(text);
		if (ended)
			break;
		assert_true(n < 100);
		oracle_type(&oracle, ".");
		at(&oracle, n + 1);
	}
	fclose(out);
	is_golden(all, "channel");
	free(all);
	quits_well(&oracle, "q");
}

static void turns_of_producer_consumer_are_golden(void **state)
{
	struct oracle oracle;
	START(&oracle, ROWS, COLUMNS, "run", "--pin", "--virtual", "demo:producer_consumer");
	at(&oracle, 0);
	turns(&oracle, 4);
	screen_is_golden(&oracle, "producer_consumer-turn4");
	type_and_see(&oracle, "<", "turn 3 ");
	type_and_see(&oracle, "$", "turn 4 ");
	screen_is_golden(&oracle, "producer_consumer-turn4");
	step(&oracle, 60, 63);
	screen_is_golden(&oracle, "producer_consumer-step");
	type_and_see(&oracle, "?", "Keys that are valid now");
	screen_is_golden(&oracle, "help");
	quits_well(&oracle, "qQ");
}

/* The first row that has the text. */
static int row_of(struct oracle *oracle, const char *text)
{
	for (int row = 0; row < oracle->rows; row++) {
		char *line = oracle_row(oracle, row);
		bool has = line && strstr(line, text);
		free(line);
		if (has)
			return row;
	}
	fail();
	return -1;
}

static void locals_stand_where_values_do(void **state)
{
	struct oracle oracle;
	START(&oracle, ROWS, COLUMNS, "run", "--pin", "--virtual", "demo:producer_consumer");
	at(&oracle, 0);
	turns(&oracle, 4);
	see(&oracle, "─ Values ");
	type_and_see(&oracle, "]", "it is Values that is shown: L shows Locals");
	type_and_see(&oracle, ":select 2\r", "selected #2");
	type_and_see(&oracle, "L", "─ Locals  amain:");
	see(&oracle, "▸ shelf ");
	type_and_see(&oracle, "]", "this is the outermost frame");
	type_and_see(&oracle, "\t\t\td", "nothing is marked yet");
	/* In which row it is, the compiler decides. */
	int title = row_of(&oracle, "─ Locals  amain:"), shelf = row_of(&oracle, "▸ shelf ");
	oracle_type(&oracle, "g");
	for (int row = title + 1; row < shelf; row++)
		oracle_type(&oracle, "j");
	type_and_see(&oracle, "\r", "▾ shelf ");
	type_and_see(&oracle, "\r", "▸ shelf ");
	type_and_see(&oracle, "madz", "no event is marked with z");
	type_and_see(&oracle, "da", "nothing differs");
	see(&oracle, "since 60");
	type_and_see(&oracle, "d", "▸ shelf ");
	/* Whoever runs at the gate has variables too; what changes has a star. */
	type_and_see(&oracle, ":select 9\r", "─ Locals  baker:");
	/* A compiler need not keep it. */
	bool kept = !oracle_contains(&oracle, "bread <optimised");
	type_and_see(&oracle, ":goto 137\r", " 137/");
	if (kept)
		see(&oracle, "bread 13 * ");
	type_and_see(&oracle, "L", "─ Values ");
	quits_well(&oracle, "Q");
}

static void the_compact_form_is_golden(void **state)
{
	struct oracle oracle;
	START(&oracle, 24, 80, "run", "--pin", "--virtual", "demo:producer_consumer");
	at(&oracle, 0);
	turns(&oracle, 4);
	step(&oracle, 60, 63);
	screen_is_golden(&oracle, "compact-tasks");
	type_and_see(&oracle, "\t\t\t", "pane 4/5 Values");
	screen_is_golden(&oracle, "compact-values");
	type_and_see(&oracle, "\t", "pane 5/5 Events");
	screen_is_golden(&oracle, "compact-events");
	type_and_see(&oracle, "6", "[6 Log]");
	screen_is_golden(&oracle, "compact-log");
	quits_well(&oracle, "Q");
}

static void a_narrow_terminal_shows_one_pane(void **state)
{
	struct oracle oracle;
	START(&oracle, 15, 60, "run", "--pin", "demo:channel");
	step(&oracle, 0, 6);
	type_and_see(&oracle, "\t\t", "Chain");
	screen_is_golden(&oracle, "single-chain");
	quits_well(&oracle, "Q");
}

static void ascii_has_no_sign_beyond_ascii(void **state)
{
	struct oracle oracle;
	START(&oracle, ROWS, COLUMNS, "run", "--pin", "--ascii", "demo:channel");
	step(&oracle, 0, 10);
	char *text = oracle_text(&oracle);
	for (const char *byte = text; *byte; byte++)
		assert_true((unsigned char)*byte < 0x80);
	free(text);
	screen_is_golden(&oracle, "channel-ascii");
	quits_well(&oracle, "Q");
}

/* ---- The same moment is the same picture ------------------------------- */

static void back_to_the_start_and_forward_again_shows_the_same_panes(void **state)
{
	enum { EVENTS = 26 };
	struct oracle oracle;
	START(&oracle, ROWS, COLUMNS, "run", "--pin", "demo:channel");
	at(&oracle, 0);
	char *seen[EVENTS + 1];
	seen[0] = panes(&oracle);
	for (unsigned n = 1; n <= EVENTS; n++) {
		oracle_type(&oracle, ".");
		at(&oracle, n);
		seen[n] = panes(&oracle);
	}
	for (unsigned n = EVENTS; n-- > 0;) {
		oracle_type(&oracle, ",");
		at(&oracle, n);
		char *again = panes(&oracle);
		is_same(again, seen[n], "the way back");
		free(again);
	}
	for (unsigned n = 1; n <= EVENTS; n++) {
		oracle_type(&oracle, ".");
		at(&oracle, n);
		char *again = panes(&oracle);
		is_same(again, seen[n], "the way back");
		free(again);
	}
	for (unsigned n = 0; n <= EVENTS; n++)
		free(seen[n]);
	quits_well(&oracle, "Q");
}

/* What a live program showed after each of its first events, its recording at full speed shows. */
static void is_the_same_recorded(char *demo, unsigned events)
{
	char trace[160];
	snprintf(trace, sizeof(trace), "%s/recorded.coro", folder);
	char **seen = calloc(events + 1, sizeof(*seen));
	struct oracle oracle;

	START(&oracle, ROWS, COLUMNS, "run", "--pin", "--virtual", demo);
	at(&oracle, 0);
	seen[0] = panes(&oracle);
	for (unsigned n = 1; n <= events; n++) {
		oracle_type(&oracle, ".");
		at(&oracle, n);
		seen[n] = panes(&oracle);
	}
	oracle_type(&oracle, "c");
	see(&oracle, "EXITED 0");
	quits_well(&oracle, "q");

	START(&oracle, ROWS, COLUMNS, "record", "--virtual", "-o", trace, demo);
	int status = oracle_wait_end(&oracle);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	oracle_stop(&oracle);

	START(&oracle, ROWS, COLUMNS, "replay", "--pin", trace);
	see(&oracle, "RECORDING");
	type_and_see(&oracle, "0", " 0/");
	for (unsigned n = 1; n <= events; n++) {
		oracle_type(&oracle, ".");
		at(&oracle, n);
		char *again = panes(&oracle);
		is_same(again, seen[n], "the recording");
		free(again);
	}
	for (unsigned n = 0; n <= events; n++)
		free(seen[n]);
	free(seen);
	quits_well(&oracle, "q");
	unlink(trace);
}

/* The row of the Tasks pane with that text. */
static int row_with(struct oracle *oracle, const char *text)
{
	for (int row = 0; row < oracle->rows; row++) {
		char *line = oracle_row(oracle, row);
		bool has = strstr(line, text);
		free(line);
		if (has)
			return row;
	}
	fail_msg("no row has \"%s\"", text);
	return -1;
}

static void make_trace(const char *what, char path[512])
{
	char command[2048];
	snprintf(path, 512, "%s/%s.coro", folder, what);
	snprintf(command, sizeof(command), "'%s' %s '%s'", odd_traces, what, path);
	assert_int_equal(system(command), 0);
}

static void what_losses_made_unsure_is_shaded(void **state)
{
	struct oracle oracle;
	char trace[512];
	make_trace("lossy", trace);
	START(&oracle, ROWS, COLUMNS, "replay", "--pin", trace);
	see(&oracle, "lost 56!");
	type_and_see(&oracle, ":goto 14\r", " 14/");
	assert_false(oracle_contains(&oracle, "running?"));
	uint32_t sure = oracle_colours(&oracle, row_with(&oracle, "#101"), "loop");
	/* Of the body that yields then nothing is missing; of all others nobody knows. */
	type_and_see(&oracle, ".", "[LOST 30]");
	see(&oracle, "running?");
	assert_int_not_equal(oracle_colours(&oracle, row_with(&oracle, "#101"), "loop"), sure);
	assert_int_not_equal(oracle_colours(&oracle, row_with(&oracle, "#102"), "loop"), sure);
	/* All have told something since. */
	type_and_see(&oracle, ":goto 20\r", " 20/");
	assert_true(oracle_wait_gone(&oracle, "running?"));
	assert_int_equal(oracle_colours(&oracle, row_with(&oracle, "#101"), "loop"), sure);
	quits_well(&oracle, "q");
	unlink(trace);
}

static void nobody_is_known_is_not_nobody_lives(void **state)
{
	struct oracle oracle;
	char trace[512];
	make_trace("unknown", trace);
	START(&oracle, ROWS, COLUMNS, "replay", "--pin", trace);
	type_and_see(&oracle, ":goto 1\r", "nothing is known to live now");
	assert_false(oracle_contains(&oracle, "nothing lives now"));
	quits_well(&oracle, "q");
	unlink(trace);
}

static void a_recording_shows_the_panes_that_the_live_program_showed(void **state)
{
	is_the_same_recorded("demo:channel", 25);
	is_the_same_recorded("demo:averager", 23);
	is_the_same_recorded("demo:producer_consumer", 60);
}

/* ---- What the panes say ------------------------------------------------ */

static void a_body_that_runs_does_not_go_back_in_its_source(void **state)
{
	struct oracle oracle;
	START(&oracle, ROWS, COLUMNS, "run", "--pin", "--virtual", "demo:producer_consumer");
	at(&oracle, 0);
	type_and_see(&oracle, ":break queue_put\r", "break");
	type_and_see(&oracle, "c", "►     CORO_TRY(coro_queue_put(");
	assert_true(oracle_wait_gone(&oracle, "RUNNING"));
	assert_false(oracle_contains(&oracle, "last seen"));
	/* What its call causes: it is still there, or behind it. */
	type_and_see(&oracle, ".", "▸     CORO_TRY(coro_queue_put(");
	see(&oracle, ".c:40 last seen  baker()");
	see(&oracle, "future_set None by ann #10");
	quits_well(&oracle, "Q");
}

static void a_return_is_at_no_line(void **state)
{
	struct oracle oracle;
	START(&oracle, ROWS, COLUMNS, "run", "--pin", "demo:channel");
	step(&oracle, 0, 10);
	see(&oracle, "  internal() #2 ");
	assert_false(oracle_contains(&oracle, "last seen"));
	step(&oracle, 10, 12);
	see(&oracle, "return 'first'");
	type_and_see(&oracle, ":select 2\r", "selected #2 ");
	see(&oracle, " last seen  internal() #2");
	see(&oracle, "▸     ");
	quits_well(&oracle, "Q");
}

static void the_chain_goes_down_through_what_a_task_waits_for(void **state)
{
	struct oracle oracle;
	START(&oracle, ROWS, COLUMNS, "run", "--pin", "--virtual", "demo:producer_consumer");
	at(&oracle, 0);
	turns(&oracle, 4);
	type_and_see(&oracle, ":select 3\r", "└ future #13");
	see(&oracle, "├ ann #10 ");
	see(&oracle, "└ bob #12 ");
	see(&oracle, "  └ future #18");
	/* Of the shelf: what is in it, and who waits at it. */
	type_and_see(&oracle, ":select 4\r", "waiting    cook #6 (get)");
	see(&oracle, "waiting    chef #8 (get)");
	see(&oracle, "items      0 of 2");
	/* The cursor goes there, and opens it. */
	type_and_see(&oracle, ":select 6\r", "└ shelf #4");
	type_and_see(&oracle, "\t\t", "");
	type_and_see(&oracle, "G\r", "Values  shelf #4");
	quits_well(&oracle, "Q");
}

/* Programs beside the demos: in the folder of the tests. */
#define OBJECTS "demo:../tests/behave/objects"

static void groups_and_timeouts_are_told_in_tasks_values_and_chain(void **state)
{
	struct oracle oracle;
	START(&oracle, ROWS, COLUMNS, "run", "--pin", "--virtual", OBJECTS);
	at(&oracle, 0);
	type_and_see(&oracle, ":break group_abort\r", "breakpoint 1");
	type_and_see(&oracle, ":continue\r", "group_abort by");
	type_and_see(&oracle, ":select group\r", "tasks 2/3 done, aborting");
	see(&oracle, "tasks      2/3 done, ab");
	see(&oracle, "task       slow #");
	see(&oracle, "owner      parent #");
	see(&oracle, "└ slow #");
	type_and_see(&oracle, ":break timeout_expire\r", "breakpoint 2");
	type_and_see(&oracle, ":continue\r", "timeout_expire of");
	type_and_see(&oracle, ":select limited\r", "deadline never");
	oracle_type(&oracle, "q");
	quits_well(&oracle, "k");
}

static void one_that_has_gone_keeps_its_name(void **state)
{
	struct oracle oracle;
	START(&oracle, ROWS, COLUMNS, "run", "--pin", "--virtual", "demo:producer_consumer");
	at(&oracle, 0);
	turns(&oracle, 4);
	step(&oracle, 60, 64);
	see(&oracle, "future #16  destroy");
	type_and_see(&oracle, ":select 10\r", "woken by   future #16");
	quits_well(&oracle, "Q");
}

static void tasks_are_counted_once(void **state)
{
	struct oracle oracle;
	START(&oracle, ROWS, COLUMNS, "run", "--pin", "--virtual", "demo:producer_consumer");
	at(&oracle, 0);
	oracle_type(&oracle, ":event 2\r");
	see(&oracle, "Coroutines 1 by creator");
	see(&oracle, " 1◇");
	oracle_type(&oracle, ":event\r");
	see(&oracle, "Tasks 1 by creator");
	see(&oracle, " 1◇");
	turns(&oracle, 4);
	see(&oracle, "Tasks 5 by creator");
	see(&oracle, " 1● 4○");
	quits_well(&oracle, "Q");
}

static void a_narrow_header_drops_parts_whole(void **state)
{
	struct oracle oracle;
	START(&oracle, 10, 40, "run", "--pin", "--virtual", "demo:producer_consumer");
	at(&oracle, 0);
	turns(&oracle, 4);
	char *row = oracle_row(&oracle, 0);
	assert_string_equal(row, " PAUSED  turn 4  ev 60/60  t -");
	free(row);
	quits_well(&oracle, "Q");
}

static void pages_say_that_more_follows(void **state)
{
	struct oracle oracle;
	START(&oracle, 24, 80, "run", "--pin", "--virtual", "demo:producer_consumer");
	at(&oracle, 0);
	type_and_see(&oracle, "?", "Keys that are valid now  1-19 of ");
	see(&oracle, "j k scroll");
	type_and_see(&oracle, "j", "Keys that are valid now  2-20 of ");
	/* What the signs mean is at the end. */
	type_and_see(&oracle, "G", "Signs");
	see(&oracle, "◇ created");
	oracle_type(&oracle, "q");
	assert_true(oracle_wait_gone(&oracle, "Signs"));
	type_and_see(&oracle, ":event 12\r", " 12/12 ");
	assert_true(oracle_wait_gone(&oracle, "RUNNING"));
	type_and_see(&oracle, ":tree\r", " Answer ──");
	assert_false(oracle_contains(&oracle, "scroll"));
	/* The prompt is there too: an answer replaces the page, a move leaves it. */
	type_and_see(&oracle, ":help\r", "Answer  1-19 of ");
	type_and_see(&oracle, ":nonsense\r", "unknown command 'nonsense': see :help");
	see(&oracle, "Answer");
	type_and_see(&oracle, ":back 2\r", " 10/12 ");
	assert_true(oracle_wait_gone(&oracle, "Answer"));
	quits_well(&oracle, "Q");
}

static void an_answer_of_one_line_stays_in_the_last_row(void **state)
{
	struct oracle oracle;
	START(&oracle, 10, 40, "run", "--pin", "demo:channel");
	at(&oracle, 0);
	type_and_see(&oracle, ":event 6\r", " 6/6 ");
	type_and_see(&oracle, ":where\r", "…");
	assert_false(oracle_contains(&oracle, "Answer"));
	quits_well(&oracle, "Q");
}

static void what_is_not_found_in_tasks_may_be_in_events(void **state)
{
	struct oracle oracle;
	START(&oracle, ROWS, COLUMNS, "run", "--pin", "demo:channel");
	step(&oracle, 0, 6);
	type_and_see(&oracle, "/yield\r",
				 "no task is named 'yield': Tab to Events, where / searches events");
	quits_well(&oracle, "Q");
}

static void a_program_that_waits_is_said_to_wait(void **state)
{
	struct oracle oracle;
	START(&oracle, ROWS, COLUMNS, "run", "--pin", "demo:echo");
	at(&oracle, 0);
	type_and_see(&oracle, "c", "select for ever");
	oracle_type(&oracle, " ");
	assert_true(oracle_wait_gone(&oracle, "RUNNING"));
	type_and_see(&oracle, ".", "waits for the next event; Space stops");
	see(&oracle, "RUNNING");
	oracle_type(&oracle, " ");
	assert_true(oracle_wait_gone(&oracle, "RUNNING"));
	assert_false(oracle_contains(&oracle, "Space stops"));
	type_and_see(&oracle, "q", "[k]ill it");
	oracle_type(&oracle, "k");
	assert_int_equal(oracle_wait_end(&oracle), 0);
	assert_null(strstr(oracle.raw, "goes on by itself"));
	oracle_stop(&oracle);
}

static void who_lets_the_program_go_is_told_what_becomes_of_it(void **state)
{
	struct oracle oracle;
	START(&oracle, ROWS, COLUMNS, "run", "--pin", "demo:channel");
	at(&oracle, 0);
	type_and_see(&oracle, "q", "[l]et it go on");
	oracle_type(&oracle, "l");
	assert_int_equal(oracle_wait_end(&oracle), 0);
	const char *line = strstr(oracle.raw, "goes on by itself; its output is discarded from here");
	assert_non_null(line);
	assert_null(strstr(line, "\033[?1049h"));
	oracle_stop(&oracle);
	START(&oracle, ROWS, COLUMNS, "run", "--pin", "demo:channel");
	at(&oracle, 0);
	type_and_see(&oracle, "c", "EXITED 0");
	oracle_type(&oracle, "q");
	assert_int_equal(oracle_wait_end(&oracle), 0);
	assert_null(strstr(oracle.raw, "goes on by itself"));
	oracle_stop(&oracle);
}

static void the_help_of_run_and_replay_has_the_options_of_the_screen(void **state)
{
	static const char *const names[] = {"run", "replay", "ps"};
	static const char *const options[] = {"--color=", "--ascii", "--no-mouse", "--no-sync",
										  "--pin"};
	for (size_t i = 0; i < 3; i++) {
		struct oracle oracle;
		START(&oracle, ROWS, COLUMNS, names[i], "--help");
		assert_int_equal(oracle_wait_end(&oracle), 0);
		for (size_t k = 0; k < sizeof(options) / sizeof(options[0]); k++)
			assert_true((strstr(oracle.raw, options[k]) != NULL) == (i < 2));
		oracle_stop(&oracle);
	}
}

/* ---- Keys, prompts, mouse ---------------------------------------------- */

static void over_steps_over_a_yield_from(void **state)
{
	struct oracle oracle;
	START(&oracle, ROWS, COLUMNS, "run", "--pin", "demo:channel");
	step(&oracle, 0, 4);
	see(&oracle, "delegate");
	/* general has just begun its yield from: over comes back when the inner one is finished. */
	type_and_see(&oracle, "o", "undelegate");
	see(&oracle, "general #1");
	quits_well(&oracle, "Q");
}

static void a_line_that_is_printed_appears_only_after_its_event_was_allowed(void **state)
{
	struct oracle oracle;
	START(&oracle, ROWS, COLUMNS, "run", "--pin", "demo:channel");
	at(&oracle, 0);
	type_and_see(&oracle, "6", "the program has written nothing yet");
	step(&oracle, 0, 5);
	assert_false(oracle_contains(&oracle, "main: received 0"));
	type_and_see(&oracle, ".", "main: received 0");
	assert_true(oracle_contains(&oracle, " 6/6 "));
	assert_false(oracle_contains(&oracle, "first: got 100"));
	type_and_see(&oracle, ".", "first: got 100");
	quits_well(&oracle, "Q");
}

static void the_prompt_runs_commands_and_escape_leaves_it(void **state)
{
	struct oracle oracle;
	START(&oracle, ROWS, COLUMNS, "run", "--pin", "demo:channel");
	at(&oracle, 0);
	type_and_see(&oracle, ":", " :");
	type_and_see(&oracle, "event 6\r", " 6/6 ");
	type_and_see(&oracle, ":nonsense\r", "nonsense");
	type_and_see(&oracle, ":view log", ":view log");
	oracle_type(&oracle, "\033");
	assert_true(oracle_wait_gone(&oracle, ":view log"));
	assert_true(oracle_contains(&oracle, "[1 Debug]"));
	/* The history has what was run, not what was left. */
	type_and_see(&oracle, ":\020\020", ":event 6");
	type_and_see(&oracle, "\025view log\r", "[6 Log]");
	type_and_see(&oracle, "q", "[1 Debug]");
	/* Tab goes on with a command, and with a format of export. */
	type_and_see(&oracle, ":expo\tpe\t.", ":export perfetto .");
	type_and_see(&oracle, "\025export j\t", ":export json");
	oracle_type(&oracle, "\033");
	assert_true(oracle_wait_gone(&oracle, ":export"));
	type_and_see(&oracle, ":tree\r", "Esc or q closes");
	oracle_type(&oracle, "q");
	assert_true(oracle_wait_gone(&oracle, "Esc or q closes"));
	quits_well(&oracle, ":quit\r");
}

static void finding_moves_and_n_goes_on(void **state)
{
	struct oracle oracle;
	START(&oracle, ROWS, COLUMNS, "run", "--pin", "demo:channel");
	step(&oracle, 0, 10);
	type_and_see(&oracle, "0", " 0/10 ");
	type_and_see(&oracle, "\t/yield\r", " 6/10 ");
	type_and_see(&oracle, "n", " 8/10 ");
	type_and_see(&oracle, "n", " 10/10 ");
	type_and_see(&oracle, "n", "there is no further 'yield'");
	type_and_see(&oracle, "N", " 8/10 ");
	quits_well(&oracle, "Q");
}

static void marks_are_remembered(void **state)
{
	struct oracle oracle;
	START(&oracle, ROWS, COLUMNS, "run", "--pin", "demo:channel");
	step(&oracle, 0, 4);
	type_and_see(&oracle, "ma", "is marked a");
	step(&oracle, 4, 6);
	type_and_see(&oracle, "`a", " 4/6 ");
	type_and_see(&oracle, "`z", "no event is marked z");
	quits_well(&oracle, "Q");
}

static void a_key_that_cannot_act_says_why(void **state)
{
	struct oracle oracle;
	START(&oracle, ROWS, COLUMNS, "run", "--pin", "demo:channel");
	at(&oracle, 0);
	type_and_see(&oracle, ",", "this is the start, before the first event");
	type_and_see(&oracle, "n", "nothing was looked for yet");
	type_and_see(&oracle, "%", "% is not a key here");
	type_and_see(&oracle, "c", "EXITED 0");
	type_and_see(&oracle, "$.", "the program has ended");
	quits_well(&oracle, "q");
}

static void selecting_in_the_tree_holds_the_panes_on_it(void **state)
{
	struct oracle oracle;
	START(&oracle, ROWS, COLUMNS, "run", "--pin", "demo:channel");
	step(&oracle, 0, 6);
	type_and_see(&oracle, "k", "selected #1 ");
	see(&oracle, "Values  general #1");
	type_and_see(&oracle, ".", " 7/7 ");
	see(&oracle, "Values  general #1");
	type_and_see(&oracle, "F", "─ follows ─");
	see(&oracle, "Values  internal #2");
	quits_well(&oracle, "Q");
}

static void clicks_run_keys_and_select(void **state)
{
	struct oracle oracle;
	START(&oracle, ROWS, COLUMNS, "run", "--pin", "demo:channel");
	at(&oracle, 0);
	/* `>` of the transport is at column 18 of row 34, from 0; SGR mouse counts from 1. */
	char *row = oracle_row(&oracle, ROWS - 2);
	char click[64];
	int next = (int)(strstr(row, " >  >>") - row) + 1;
	free(row);
	snprintf(click, sizeof(click), "\033[<0;%d;%dM\033[<0;%d;%dm", next + 1, ROWS - 1, next + 1,
			 ROWS - 1);
	for (int i = 0; i < 3; i++) {
		oracle_type(&oracle, click);
		at(&oracle, (unsigned)i + 1);
	}
	/* The scrubber is dragged beyond its ends. */
	snprintf(click, sizeof(click), "\033[<0;60;%dM", ROWS - 1);
	type_and_see(&oracle, click, " 1/3 ");
	snprintf(click, sizeof(click), "\033[<32;2;%dM", ROWS - 5);
	type_and_see(&oracle, click, " 0/3 ");
	snprintf(click, sizeof(click), "\033[<32;118;%dM", ROWS - 1);
	type_and_see(&oracle, click, " 3/3 ");
	oracle_type(&oracle, "\033[<0;118;30m");
	type_and_see(&oracle, "\033[<0;14;2M\033[<0;14;2m", "[6 Log]");
	type_and_see(&oracle, "\033[<0;4;2M\033[<0;4;2m", "[1 Debug]");
	/* The first row of the tree. */
	type_and_see(&oracle, "\033[<0;10;5M\033[<0;10;5m", "selected #1 ");
	quits_well(&oracle, "Q");
}

/* ---- Quitting and being ended ------------------------------------------ */

static void quitting_asks_what_becomes_of_the_program(void **state)
{
	struct oracle oracle;
	START(&oracle, ROWS, COLUMNS, "run", "--pin", "demo:channel");
	at(&oracle, 0);
	type_and_see(&oracle, "q", "the program is paused:  [l]et it go on  [k]ill it");
	oracle_type(&oracle, "\033");
	assert_true(oracle_wait_gone(&oracle, "[k]ill it"));
	type_and_see(&oracle, ".", " 1/1 ");
	type_and_see(&oracle, "q", "[k]ill it");
	oracle_type(&oracle, "k");
	assert_int_equal(oracle_wait_end(&oracle), 0);
	assert_true(oracle_restored(&oracle));
	oracle_stop(&oracle);
}

static void a_program_that_is_killed_leaves_the_screen_and_all_events(void **state)
{
	struct oracle oracle;
	START(&oracle, ROWS, COLUMNS, "run", "demo:channel");
	step(&oracle, 0, 6);
	char *row = oracle_row(&oracle, 0);
	const char *pid = strstr(row, "pid ");
	assert_non_null(pid);
	assert_int_equal(kill((pid_t)atoi(pid + 4), SIGKILL), 0);
	free(row);
	see(&oracle, "KILLED by SIGKILL");
	see(&oracle, "the program was killed by SIGKILL");
	assert_true(oracle_contains(&oracle, " 6/6 "));
	type_and_see(&oracle, ",", " 5/6 ");
	type_and_see(&oracle, ".", " 6/6 ");
	quits_well(&oracle, "q");
}

static void every_signal_that_ends_it_gives_the_terminal_back(void **state)
{
	static const struct {
		int number;
		bool crash;
	} signals[] = {
		{SIGTERM, false}, {SIGINT, false}, {SIGHUP, false}, {SIGSEGV, true}, {SIGABRT, true}};
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		struct oracle oracle;
		START(&oracle, ROWS, COLUMNS, "run", "--pin", "demo:channel");
		at(&oracle, 0);
		assert_true(oracle.altscreen);
		assert_false(oracle_restored(&oracle));
		kill(oracle.pid, signals[i].number);
		int status = oracle_wait_end(&oracle);
		if (signals[i].crash) {
			assert_true(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
			assert_true(strstr(oracle.raw, "coroscope: crashed") != NULL);
		} else {
			assert_true(WIFEXITED(status));
		}
		assert_true(oracle_restored(&oracle));
		oracle_stop(&oracle);
	}
}

static void suspending_gives_the_terminal_back_and_going_on_draws_all(void **state)
{
	struct oracle oracle;
	start_with(&oracle, ROWS, COLUMNS, NULL, true,
			   (const char *const[]){"run", "--pin", "demo:channel", NULL});
	step(&oracle, 0, 3);
	oracle_type(&oracle, "\032");
	assert_true(oracle_wait_raw(&oracle, "[stopped]"));
	assert_false(oracle.altscreen);
	struct termios now;
	tcgetattr(oracle.master, &now);
	assert_true(now.c_lflag & ICANON);
	oracle_type(&oracle, "fg\n");
	type_and_see(&oracle, ".", " 4/4 ");
	assert_true(oracle.altscreen);
	see(&oracle, "Coroutines 2");
	oracle_type(&oracle, "Q");
	assert_int_equal(oracle_wait_end(&oracle), 0);
	oracle_stop(&oracle);
}

static void a_terminal_that_cannot_be_drawn_on_is_told_in_one_line(void **state)
{
	static const char *const names[] = {"TERM=dumb", "TERM=no-such-terminal", "TERM"};
	for (size_t i = 0; i < 3; i++) {
		struct oracle oracle;
		start_with(&oracle, ROWS, COLUMNS, (const char *const[]){names[i], NULL}, false,
				   (const char *const[]){"run", "demo:channel", NULL});
		int status = oracle_wait_end(&oracle);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 3);
		assert_true(strstr(oracle.raw, "coroscope: ") != NULL);
		assert_true(strstr(oracle.raw, "--batch") != NULL);
		assert_true(oracle_restored(&oracle));
		oracle_stop(&oracle);
	}
}

/* ---- Sizes ------------------------------------------------------------- */

static void a_tiny_terminal_gets_a_calm_line_and_goes_on(void **state)
{
	struct oracle oracle;
	START(&oracle, 5, 20, "run", "--pin", "demo:channel");
	see(&oracle, "40x10, have 20x5");
	oracle_resize(&oracle, ROWS, COLUMNS);
	step(&oracle, 0, 2);
	see(&oracle, "Coroutines 1");
	oracle_resize(&oracle, 5, 20);
	see(&oracle, "40x10, have 20x5");
	screen_is_golden(&oracle, "tiny");
	quits_well(&oracle, "Q");
}

static void a_storm_of_resizes_ends_in_the_right_screen(void **state)
{
	struct oracle oracle;
	START(&oracle, ROWS, COLUMNS, "run", "--pin", "demo:channel");
	step(&oracle, 0, 10);
	char *before = oracle_text(&oracle);
	unsigned seed = 7;
	for (int i = 0; i < 120; i++) {
		seed = seed * 1103515245 + 12345;
		int rows = 1 + (int)(seed >> 16) % 60;
		seed = seed * 1103515245 + 12345;
		int columns = 1 + (int)(seed >> 16) % 220;
		oracle_resize(&oracle, rows, columns);
		oracle_pump(&oracle, 5);
		oracle_type(&oracle, i % 3 ? "\t" : "j");
	}
	oracle_resize(&oracle, ROWS, COLUMNS);
	/* To Tasks, and following again; then every cell anew. */
	oracle_type(&oracle, "F\014");
	see(&oracle, "─ follows ─");
	unsigned frames = oracle.frames;
	oracle_type(&oracle, "\014");
	while (oracle.frames == frames && oracle.pid)
		oracle_pump(&oracle, 100);
	char *tail = oracle_text(&oracle);
	/* The focus may be elsewhere: rows without key hints are equal. */
	*strrchr(before, '/') = 0;
	char *cut = strrchr(tail, '/');
	assert_non_null(cut);
	for (int row = 2; row < ROWS - 1; row++) {
		char *line = oracle_row(&oracle, row);
		if (!strstr(before, line))
			print_message("row %d is %s\n", row, line);
		assert_non_null(strstr(before, line));
		free(line);
	}
	free(before);
	free(tail);
	quits_well(&oracle, "Q");
}

/* ---- Colours ----------------------------------------------------------- */

static void no_color_is_obeyed_and_states_stay_distinct(void **state)
{
	struct oracle oracle;
	start_with(&oracle, ROWS, COLUMNS, (const char *const[]){"NO_COLOR=1", NULL}, false,
			   (const char *const[]){"run", "--pin", "--virtual", "demo:producer_consumer", NULL});
	at(&oracle, 0);
	turns(&oracle, 4);
	assert_false(oracle_coloured(&oracle));
	/* ann is ready, cook waits: their rows differ in the sign of the state. */
	char *ready = NULL, *waiting = NULL;
	for (int row = 4; row < 20; row++) {
		char *line = oracle_row(&oracle, row);
		if (strstr(line, " ann "))
			ready = strdup(line);
		if (strstr(line, " cook "))
			waiting = strdup(line);
		free(line);
	}
	assert_non_null(ready);
	assert_non_null(waiting);
	assert_non_null(strstr(ready, "●"));
	assert_non_null(strstr(waiting, "○"));
	free(ready);
	free(waiting);
	quits_well(&oracle, "Q");

	START(&oracle, ROWS, COLUMNS, "run", "--pin", "demo:channel");
	at(&oracle, 0);
	assert_true(oracle_coloured(&oracle));
	quits_well(&oracle, "Q");

	START(&oracle, ROWS, COLUMNS, "--color=never", "run", "--pin", "demo:channel");
	at(&oracle, 0);
	assert_false(oracle_coloured(&oracle));
	quits_well(&oracle, "Q");
}

/* ---- Whatever is typed ------------------------------------------------- */

static void random_keys_never_crash_it(void **state)
{
	static const char *const keys[] = {
		".",
		",",
		">",
		"<",
		"s",
		"S",
		"o",
		"O",
		"u",
		"U",
		"a",
		"A",
		"c",
		"C",
		" ",
		"0",
		"$",
		"b",
		"m",
		"`",
		"/",
		"n",
		"N",
		":",
		"j",
		"k",
		"h",
		"l",
		"g",
		"G",
		"\004",
		"\025",
		"\t",
		"\033[Z",
		"\r",
		"\033",
		"+",
		"-",
		"*",
		"F",
		"M",
		"1",
		"6",
		"i",
		"~",
		"\014",
		"\032",
		"?",
		"q",
		"\003",
		"\033[A",
		"\033[B",
		"\033[C",
		"\033[D",
		"\033[5~",
		"\033[6~",
		"\033OP",
		"\177",
		"x",
		"7",
		"é",
		"\xff",
		"\033[<0;30;12M",
		"\033[<65;20;8M",
		"\033[<64;60;25M",
		"\033[<0;60;35M",
	};
	struct oracle oracle;
	unsigned seed = 2463534242u;
	const char *demo[] = {"demo:channel", "demo:producer_consumer", "demo:averager"};
	for (int run = 0; run < 3; run++) {
		START(&oracle, ROWS, COLUMNS, "run", "--pin", "--virtual", demo[run]);
		see(&oracle, "[1 Debug]");
		/* What is typed after a key has ended it would be the shell's. */
		for (int i = 0; i < 700 && oracle.pid && oracle.altscreen; i++) {
			seed ^= seed << 13;
			seed ^= seed >> 17;
			seed ^= seed << 5;
			if (seed % 23 == 0)
				oracle_resize(&oracle, 4 + (int)(seed >> 8) % 50, 10 + (int)(seed >> 16) % 170);
			oracle_type(&oracle, keys[(seed >> 4) % (sizeof(keys) / sizeof(keys[0]))]);
			oracle_pump(&oracle, 2);
		}
		/* Esc out of a prompt, q out of a page, Q out of all. */
		oracle_type(&oracle, "\033");
		oracle_pump(&oracle, 60);
		oracle_type(&oracle, "\033");
		oracle_pump(&oracle, 60);
		oracle_type(&oracle, "Q");
		int status = oracle_wait_end(&oracle);
		if (status != 0)
			print_message("its last words: %.600s\n",
						  oracle.raw + (oracle.raw_length > 600 ? oracle.raw_length - 600 : 0));
		assert_int_equal(status, 0);
		assert_true(oracle_restored(&oracle));
		oracle_stop(&oracle);
	}
}

/* ---- All --------------------------------------------------------------- */

static int make_folder(void **state)
{
	/* Sanitizers' words would be lost with the screen. */
	if (!mkdtemp(folder) || chdir(folder) < 0)
		return -1;
	snprintf(state_home, sizeof(state_home), "XDG_STATE_HOME=%s", folder);
	return 0;
}

static int remove_folder(void **state)
{
	char command[256];
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

int main(int argc, char **argv)
{
	if (argc < 5)
		return 2;
	/* The tests work in a folder of their own. */
	coroscope = realpath(argv[1], NULL);
	demos = realpath(argv[2], NULL);
	golden = realpath(argv[3], NULL);
	odd_traces = realpath(argv[4], NULL);
	if (!coroscope || !demos || !golden || !odd_traces)
		return 2;
	if (argc > 5)
		cmocka_set_test_filter(argv[5]);
	signal(SIGPIPE, SIG_IGN);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(channel_step_by_step_is_what_its_twin_does),
		cmocka_unit_test(turns_of_producer_consumer_are_golden),
		cmocka_unit_test(locals_stand_where_values_do),
		cmocka_unit_test(the_compact_form_is_golden),
		cmocka_unit_test(a_narrow_terminal_shows_one_pane),
		cmocka_unit_test(ascii_has_no_sign_beyond_ascii),
		cmocka_unit_test(back_to_the_start_and_forward_again_shows_the_same_panes),
		cmocka_unit_test(a_recording_shows_the_panes_that_the_live_program_showed),
		cmocka_unit_test(what_losses_made_unsure_is_shaded),
		cmocka_unit_test(nobody_is_known_is_not_nobody_lives),
		cmocka_unit_test(a_body_that_runs_does_not_go_back_in_its_source),
		cmocka_unit_test(a_return_is_at_no_line),
		cmocka_unit_test(the_chain_goes_down_through_what_a_task_waits_for),
		cmocka_unit_test(groups_and_timeouts_are_told_in_tasks_values_and_chain),
		cmocka_unit_test(one_that_has_gone_keeps_its_name),
		cmocka_unit_test(tasks_are_counted_once),
		cmocka_unit_test(a_narrow_header_drops_parts_whole),
		cmocka_unit_test(pages_say_that_more_follows),
		cmocka_unit_test(an_answer_of_one_line_stays_in_the_last_row),
		cmocka_unit_test(what_is_not_found_in_tasks_may_be_in_events),
		cmocka_unit_test(a_program_that_waits_is_said_to_wait),
		cmocka_unit_test(who_lets_the_program_go_is_told_what_becomes_of_it),
		cmocka_unit_test(the_help_of_run_and_replay_has_the_options_of_the_screen),
		cmocka_unit_test(over_steps_over_a_yield_from),
		cmocka_unit_test(a_line_that_is_printed_appears_only_after_its_event_was_allowed),
		cmocka_unit_test(the_prompt_runs_commands_and_escape_leaves_it),
		cmocka_unit_test(finding_moves_and_n_goes_on),
		cmocka_unit_test(marks_are_remembered),
		cmocka_unit_test(a_key_that_cannot_act_says_why),
		cmocka_unit_test(selecting_in_the_tree_holds_the_panes_on_it),
		cmocka_unit_test(clicks_run_keys_and_select),
		cmocka_unit_test(quitting_asks_what_becomes_of_the_program),
		cmocka_unit_test(a_program_that_is_killed_leaves_the_screen_and_all_events),
		cmocka_unit_test(every_signal_that_ends_it_gives_the_terminal_back),
		cmocka_unit_test(suspending_gives_the_terminal_back_and_going_on_draws_all),
		cmocka_unit_test(a_terminal_that_cannot_be_drawn_on_is_told_in_one_line),
		cmocka_unit_test(a_tiny_terminal_gets_a_calm_line_and_goes_on),
		cmocka_unit_test(a_storm_of_resizes_ends_in_the_right_screen),
		cmocka_unit_test(no_color_is_obeyed_and_states_stay_distinct),
		cmocka_unit_test(random_keys_never_crash_it),
	};
	return cmocka_run_group_tests_name("tui", tests, make_folder, remove_folder);
}
