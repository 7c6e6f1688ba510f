/*
 * mistakes_test.c - what nobody can catch: mistakes that end the program with a sentence, reports
 * on standard error, and memory that is not there.
 *
 * Each runs in a process of its own, whose standard error and end are looked at.
 */
#include "aborts.h"

/* A sanitizer needs more addresses than there are to be left. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#define SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define SANITIZED 0
#endif

/* ---- Mistakes ---------------------------------------------------------- */

static coro_value nothing(coro_value unused)
{
	return CORO_NONE;
}

static void int_of_a_text(void)
{
	coro_as_int(coro_str("three"));
}

static void text_of_none(void)
{
	coro_as_str(CORO_NONE);
}

static void message_of_a_number(void)
{
	coro_message(coro_int(3));
}

static void next_of_nothing(void)
{
	coro_next(NULL);
}

static void freed_twice(void)
{
	struct coro_generator *body = coro_generator(nothing, CORO_NONE);

	coro_free(body);
	coro_free(body);
}

static void freed_object_used(void)
{
	struct coro_generator *body = coro_generator(nothing, CORO_NONE);
	coro_value value = coro_object(body);

	coro_free(body);
	coro_as_object(value);
}

static coro_value frees_itself(coro_value self)
{
	coro_free(*(struct coro_generator **)coro_as_ptr(self));
	return CORO_NONE;
}

static void task_of_a_generator(void)
{
	coro_as_task(coro_object(coro_generator(nothing, CORO_NONE)));
}

static void freed_while_running(void)
{
	struct coro_generator *body = NULL;

	body = coro_generator(frees_itself, coro_ptr(&body));
	coro_next(body);
}

static coro_value bad_inside(coro_value unused)
{
	return coro_bool(coro_as_bool(coro_int(1)));
}

static void mistake_inside(void)
{
	coro_next(coro_generator(bad_inside, CORO_NONE));
}

static coro_value receives(coro_value channel)
{
	return coro_channel_receive((struct coro_channel *)coro_as_ptr(channel), NULL);
}

/* `sends`: the receiver has been handed a value, and has not run yet. */
static coro_value frees_a_channel(coro_value sends)
{
	struct coro_channel *channel = coro_channel_new_named(0, "jobs");

	coro_spawn(receives, coro_ptr(channel), "receiver");
	CORO_TRY(coro_sleep(0));
	if (coro_as_bool(sends))
		CORO_TRY(coro_channel_send(channel, coro_int(1)));
	coro_channel_free(channel);
	return CORO_NONE;
}

static void channel_freed_under_a_receiver(void)
{
	coro_run(frees_a_channel, coro_bool(false));
}

static void channel_freed_before_a_value_arrived(void)
{
	coro_run(frees_a_channel, coro_bool(true));
}

static void channel_that_is_none(void)
{
	struct coro_queue *queue;
	struct coro_loop *loop = coro_loop_new(NULL);

	queue = coro_queue_new(1);
	coro_channel_length((struct coro_channel *)queue);
	coro_loop_free(loop);
}

static coro_value frees_its_greenlet(coro_value unused)
{
	coro_greenlet_free(coro_greenlet_current());
	return CORO_NONE;
}

static void greenlet_freed_while_running(void)
{
	coro_greenlet_switch(coro_greenlet(frees_its_greenlet, CORO_NONE), CORO_NONE);
}

static void greenlet_used_after_free(void)
{
	struct coro_greenlet *greenlet = coro_greenlet(nothing, CORO_NONE);

	coro_greenlet_free(greenlet);
	coro_greenlet_switch(greenlet, CORO_NONE);
}

static void main_greenlet_freed(void)
{
	coro_greenlet_free(coro_greenlet_current());
}

static void greenlet_resumed(void)
{
	coro_send((struct coro_generator *)coro_greenlet(nothing, CORO_NONE), CORO_NONE);
}

static void generator_switched_to(void)
{
	coro_greenlet_switch((struct coro_greenlet *)coro_generator(nothing, CORO_NONE), CORO_NONE);
}

static void tasklet_used_after_free(void)
{
	struct coro_tasklet *tasklet = coro_tasklet(nothing, CORO_NONE);

	coro_tasklet_run_all();
	coro_tasklet_free(tasklet);
	coro_tasklet_run(tasklet);
}

static void main_tasklet_freed(void)
{
	coro_tasklet_free(coro_tasklet_main());
}

static coro_value waits_at(coro_value channel)
{
	return coro_tasklet_channel_receive(coro_as_ptr(channel));
}

static void channel_freed_that_is_waited_for(void)
{
	struct coro_tasklet_channel *channel = coro_tasklet_channel_new("numbers");

	coro_tasklet(waits_at, coro_ptr(channel));
	coro_tasklet_run_all();
	coro_tasklet_channel_free(channel);
}

static void context_used_after_it_was_freed(void)
{
	struct coro_context *context = coro_context_new();

	coro_context_free(context);
	coro_context_length(context);
}

static void context_that_is_none(void)
{
	struct coro_generator *body = coro_generator(nothing, CORO_NONE);

	coro_context_free((struct coro_context *)body);
}

static void a_mistake_ends_the_program_and_is_named(void **state)
{
	static const struct {
		void (*what)(void);
		const char *words;
	} mistakes[] = {
		{int_of_a_text, "coroscope: 'three' is not an int"},
		{text_of_none, "coroscope: None is not a str"},
		{message_of_a_number, "exception"},
		{next_of_nothing, "coroscope: a generator is expected, not NULL"},
		{freed_twice, "freed"},
		{freed_object_used, "freed"},
		{task_of_a_generator, "a task is expected, not generator 'nothing' #"},
		{freed_while_running, "is freed while it is running"},
		{channel_freed_under_a_receiver, "channel 'jobs' #"},
		{channel_freed_before_a_value_arrived, "channel 'jobs' #"},
		{channel_that_is_none, "a channel is expected"},
		{context_used_after_it_was_freed, "context"},
		{context_that_is_none, "a context is expected"},
		{mistake_inside, "1 is not a bool"},
		{greenlet_freed_while_running, "is freed while it is running"},
		{greenlet_used_after_free, "freed"},
		{main_greenlet_freed, "is the main one, and cannot be freed"},
		{greenlet_resumed, "coroscope: a generator is expected, not greenlet 'nothing' #"},
		{generator_switched_to, "coroscope: a greenlet is expected, not generator 'nothing' #"},
		{tasklet_used_after_free, "freed"},
		{main_tasklet_freed, "coroscope: tasklet 'main' #"},
		{channel_freed_that_is_waited_for, "coroscope: channel 'numbers' #"},
	};

	for (size_t i = 0; i < sizeof(mistakes) / sizeof(*mistakes); i++) {
		int status = run(mistakes[i].what);

		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT ||
			!strstr(said, mistakes[i].words) || strncmp(said, "coroscope: ", 11) != 0)
			fail_msg("%s: status %d: %s", mistakes[i].words, status, said);
	}
}

/* ---- Reports ----------------------------------------------------------- */

static coro_value refuses_its_end(coro_value unused)
{
	coro_yield(coro_int(1));
	return coro_raise(CORO_ValueError, "on the way out");
}

static void free_one_that_raises(void)
{
	struct coro_generator *body = coro_generator(refuses_its_end, CORO_NONE);

	coro_next(body);
	coro_free(body);
}

static void uncaught(void)
{
	coro_value errors[] = {coro_error(CORO_KeyError, "first"), coro_error(CORO_OSError, "%s", "")};

	exit(coro_exit_status(coro_raise_group("two went wrong", errors, 2)));
}

static void without_a_handler_reports_go_to_standard_error(void **state)
{
	assert_int_equal(run(free_one_that_raises), 0);
	assert_non_null(strstr(said, "ValueError: on the way out\n"));
	assert_int_equal(WEXITSTATUS(run(uncaught)), 1);
	assert_non_null(strstr(said, "two went wrong"));
	assert_non_null(strstr(said, "\n  | KeyError: first\n  | OSError\n"));
}

static void system_exit_gives_the_status(void **state)
{
	assert_int_equal(coro_exit_status(CORO_NONE), 0);
	assert_int_equal(coro_exit_status(coro_raise(CORO_SystemExit, "%s", "")), 0);
	assert_int_equal(coro_exit_status(coro_raise(CORO_SystemExit, "a text is a failure")), 1);
	assert_int_equal(coro_exit_status(coro_raise_value(CORO_SystemExit, coro_int(7))), 7);
	assert_int_equal(coro_exit_status(coro_raise_value(CORO_SystemExit, coro_float(1.5))), 1);
	assert_string_equal(reports, "");
}

/* ---- Values ------------------------------------------------------------ */

static void check_text(coro_value value, const char *text)
{
	char buffer[256];

	assert_int_equal(coro_format(value, buffer, sizeof(buffer)), strlen(text));
	assert_string_equal(buffer, text);
}

static void the_odd_values_are_written_too(void **state)
{
	struct coro_generator *body = coro_generator(nothing, CORO_NONE);
	coro_value value = coro_object(body);
	int here = 0;
	char text[64];

	check_text(coro_str("a\tb\rc\nd\x01\x7f"), "'a\\tb\\rc\\nd\\x01\\x7f'");
	check_text(coro_bytes("\xff'\"", 3), "b'\\xff\\'\"'");
	check_text(coro_float(0.0 / 0.0), "nan");
	check_text(coro_float(1 / 0.0), "inf");
	check_text(coro_float(-1 / 0.0), "-inf");
	check_text(coro_raise_value(CORO_KeyError, coro_int(3)), "KeyError(3)");
	snprintf(text, sizeof(text), "<struct job at %p>", (void *)&here);
	check_text(coro_typed_ptr(&here, "struct job"), text);
	assert_string_equal(coro_type_name(value), "generator");
	assert_string_equal(coro_type_name(coro_typed_ptr(&here, "struct job")), "struct job");
	assert_string_equal(coro_type_name(coro_error(CORO_KeyError, "x")), "KeyError");
	assert_ptr_equal(coro_as_object(value), body);
	assert_true(coro_equal(value, coro_object(body)));
	assert_false(coro_equal(value, coro_ptr(body)));
	assert_true(coro_equal(coro_ptr(&here), coro_ptr(&here)));
	assert_true(coro_equal(CORO_NONE, coro_object(NULL)));
	coro_free(body);
}

static void text_shows_what_can_be_shown(void **state)
{
	check_text(coro_str("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"),
			   "'caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80'");
	/* A soft hyphen, a zero width space, a tag: they cannot be seen. */
	check_text(coro_str("\xc2\xad\xe2\x80\x8b\xf3\xa0\x80\x81"), "'\\xad\\u200b\\U000e0001'");
	/* What is no UTF-8, as Python shows what it could not decode. */
	check_text(coro_str("\xff|\xc3|\xe2\x82|\x80"), "'\\udcff|\\udcc3|\\udce2\\udc82|\\udc80'");
	check_text(coro_str("\xed\xa0\x80|\xc0\x80|\xf4\x90\x80\x80"),
			   "'\\udced\\udca0\\udc80|\\udcc0\\udc80|\\udcf4\\udc90\\udc80\\udc80'");
}

static coro_value __attribute__((format(printf, 1, 2))) complain(const char *format, ...)
{
	va_list arguments;
	coro_value raised;

	va_start(arguments, format);
	raised = coro_raise_va(CORO_ValueError, format, arguments);
	va_end(arguments);
	return raised;
}

static void exceptions_are_written_with_their_arguments(void **state)
{
	coro_value errors[] = {coro_error(CORO_KeyError, "x"), coro_error(CORO_ValueError, "y")};

	assert_raises(complain("bad port %d", 70000), CORO_ValueError, "bad port 70000");
	check_text(coro_raise_errno(2), "FileNotFoundError(2, 'No such file or directory')");
	check_text(coro_raise_group("two", errors, 2),
			   "ExceptionGroup('two', [KeyError('x'), ValueError('y')])");
	check_text(coro_raise_errno(-1), "OSError(-1, 'Unknown error -1')");
}

/* ---- Chance ------------------------------------------------------------ */

static void virtual_chance_repeats_itself_and_real_chance_does_not(void **state)
{
	struct coro_environment *environment[3] = {coro_environment_virtual(),
											   coro_environment_virtual(), coro_environment_real()};
	uint64_t bits[3][64], ones = 0, zeroes = 0;

	for (int i = 0; i < 3; i++) {
		assert_non_null(environment[i]);
		for (int j = 0; j < 64; j++)
			bits[i][j] = environment[i]->operations->random(environment[i]);
		environment[i]->operations->free(environment[i]);
	}
	assert_memory_equal(bits[0], bits[1], sizeof(bits[0]));
	assert_memory_not_equal(bits[0], bits[2], sizeof(bits[0]));
	for (int j = 0; j < 64; j++) {
		ones |= bits[0][j];
		zeroes |= ~bits[0][j];
	}
	assert_true(ones == UINT64_MAX && zeroes == UINT64_MAX);
}

/* ---- No memory --------------------------------------------------------- */

static coro_value waits(coro_value unused)
{
	return coro_yield(coro_int(1));
}

/* Takes stacks until there are no more: that is an answer, and what is there still works. */
static void run_out_of_stacks(void)
{
	enum { MOST = 100000 };
	static struct coro_generator *body[MOST];
	const struct rlimit little = {256 << 20, 256 << 20};
	int count = 0;

	setrlimit(RLIMIT_AS, &little);
	while (count < MOST && (body[count] = coro_generator(waits, CORO_NONE)))
		if (coro_raised(coro_next(body[count++])))
			break;
	fprintf(stderr, "%s ", count > 16 && count < MOST ? "ran out" : "did not run out");
	for (int i = 0; i < count; i++)
		coro_free(body[i]);
	body[0] = coro_generator(waits, CORO_NONE);
	fprintf(stderr, "%s",
			body[0] && coro_kind(coro_next(body[0])) == CORO_VALUE_INT ? "and again" : "dead");
	coro_free(body[0]);
}

static void without_memory_for_a_stack_there_is_no_generator(void **state)
{
	/* A limit on the address space stops the tools themselves; Valgrind preloads its own. */
	const char *preloaded = getenv("LD_PRELOAD");

	if (SANITIZED || (preloaded && strstr(preloaded, "vgpreload")))
		skip();
	assert_int_equal(run(run_out_of_stacks), 0);
	assert_string_equal(said, "ran out and again");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		sentence(a_mistake_ends_the_program_and_is_named),
		sentence(without_a_handler_reports_go_to_standard_error),
		sentence(system_exit_gives_the_status),
		sentence(the_odd_values_are_written_too),
		sentence(text_shows_what_can_be_shown),
		sentence(exceptions_are_written_with_their_arguments),
		sentence(virtual_chance_repeats_itself_and_real_chance_does_not),
		sentence(without_memory_for_a_stack_there_is_no_generator),
	};

	return cmocka_run_group_tests_name("mistakes", tests, NULL, NULL);
}
