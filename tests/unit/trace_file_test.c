/* trace_file_test.c - what goes into a trace comes out of its file. */
#include "trace_support.h"
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

static void check_all(struct trace *trace, struct program *program)
{
	struct trace_event event;

	assert_int_equal(trace_count(trace), program->count);
	for (uint64_t n = 1; n <= program->count; n++)
		assert_event(trace, program, n);
	for (uint64_t n = program->count; n >= 1; n -= 1 + n / 1000)
		assert_event(trace, program, n);
	for (unsigned i = 0; i < 2000; i++)
		assert_event(trace, program, 1 + program_random(program, program->count));
	assert_int_equal(trace_event(trace, 0, &event), -ENOENT);
	assert_int_equal(trace_event(trace, program->count + 1, &event), -ENOENT);
}

static void events_of_several_chunks_come_back_bit_by_bit(void **state)
{
	struct program program = program_make(150000, 1);
	const char *path = support_path("long.coro");
	struct trace *trace = support_create(path);
	int status;

	program_append(&program, trace, 0, 70001);
	assert_int_equal(trace_flush(trace), 0);
	program_append(&program, trace, 70001, 70002);
	assert_int_equal(trace_flush(trace), 0);
	program_append(&program, trace, 70002, 150000);
	check_all(trace, &program);
	assert_int_equal(trace_finish(trace, 256), 0);
	check_all(trace, &program);
	trace_free(trace);

	trace = support_open(path);
	check_all(trace, &program);
	assert_int_equal(trace_torn(trace), 0);
	assert_int_equal(trace_lost(trace), 0);
	assert_true(trace_ended(trace, &status));
	assert_int_equal(status, 256);
	trace_free(trace);
	program_done(&program);
}

static void a_trace_flushed_after_every_event_is_the_same(void **state)
{
	struct program program = program_make(700, 2);
	const char *path = support_path("steps.coro");
	struct trace *trace = support_create(path);

	for (unsigned i = 0; i < program.count; i++) {
		program_append(&program, trace, i, i + 1);
		assert_int_equal(trace_flush(trace), 0);
	}
	check_all(trace, &program);
	trace_free(trace);
	trace = support_open(path);
	check_all(trace, &program);
	assert_false(trace_ended(trace, NULL));
	assert_int_equal(trace_torn(trace), 0);
	trace_free(trace);
	program_done(&program);
}

static void a_trace_flushed_behind_is_the_same(void **state)
{
	struct program program = program_make(150000, 12);
	const char *path = support_path("behind.coro");
	struct trace *trace = support_create(path);
	const unsigned steps[] = {5000, 100, 40000, 70000, 34900};
	unsigned done = 0;

	for (unsigned i = 0; i < sizeof steps / sizeof *steps; i++) {
		trace_append_string(trace, i + 1, "name", 4);
		program_append(&program, trace, done, done + steps[i]);
		done += steps[i];
		assert_int_equal(trace_flush_behind(trace), 0);
		/* What is under way is read, and written by whoever comes first. */
		assert_event(trace, &program, done);
		assert_event(trace, &program, done - steps[i] / 2);
		if (i % 2)
			trace_append_output(trace, 1, i, "x", 1);
	}
	assert_int_equal(trace_flush(trace), 0);
	assert_true(trace_is_flushed(trace));
	check_all(trace, &program);
	assert_int_equal(trace_save(trace, support_path("saved.coro")), 0);
	trace_free(trace);
	for (int i = 0; i < 2; i++) {
		trace = support_open(i ? support_path("saved.coro") : path);
		check_all(trace, &program);
		assert_int_equal(trace_torn(trace), 0);
		assert_int_equal(trace_output_count(trace), 2);
		trace_free(trace);
	}
	program_done(&program);
}

static void a_disk_that_gets_full_behind_is_said_and_what_was_taken_stays(void **state)
{
	struct program program = program_make(60000, 13);
	struct trace *trace = support_create(support_path("behind_full.coro")), *copy;
	struct rlimit before, limit;
	unsigned done = 0;
	int result = 0;

	getrlimit(RLIMIT_FSIZE, &before);
	limit = before;
	limit.rlim_cur = 16 << 10;
	setrlimit(RLIMIT_FSIZE, &limit);
	for (; result == 0 && done < program.count; done += 10000) {
		program_append(&program, trace, done, done + 10000);
		assert_int_equal(trace_flush_behind(trace), 0);
		result = trace_flush(trace); /* what became of it */
	}
	assert_false(trace_is_flushed(trace));
	assert_int_equal(trace_flush(trace), -EFBIG);
	setrlimit(RLIMIT_FSIZE, &before);
	assert_true(result == -EFBIG);
	assert_true(trace_count(trace) >= 10000);
	for (uint64_t n = 1; n <= trace_count(trace); n++)
		assert_event(trace, &program, n);
	assert_int_equal(trace_save(trace, support_path("behind_rescued.coro")), 0);
	copy = support_open(support_path("behind_rescued.coro"));
	assert_int_equal(trace_count(copy), trace_count(trace));
	for (uint64_t n = 1; n <= trace_count(copy); n++)
		assert_event(copy, &program, n);
	trace_free(copy);
	trace_free(trace);
	program_done(&program);
}

static void long_strings_close_a_chunk_before_it_is_too_large(void **state)
{
	struct program program = {.random = 77};
	const char *path = support_path("strings.coro");
	struct trace *trace = support_create(path);

	for (unsigned i = 0; i < 40000; i++) {
		struct coro_trace_slot slots[1 + CORO_EXT_MAX] = {0};
		struct coro_trace_value header = {
			.kind = CORO_VALUE_STRING, .stored = CORO_TRACE_STORED_MAX, .content = 1u << 30};
		uint8_t payload[sizeof(header) + CORO_TRACE_STORED_MAX];
		unsigned ext;

		memcpy(payload, &header, sizeof(header));
		for (unsigned k = sizeof(header); k < sizeof(payload); k++)
			payload[k] = (uint8_t)program_random(&program, 256);
		ext = support_payload(slots, payload, sizeof(payload));
		slots[0].word = CORO_SLOT_WORD(CORO_EVENT_YIELD, 0, 2, 4, ext, 0, i);
		slots[0].clock = support_meta()->clock0 + i;
		slots[0].value = CORO_VALUE_IN_EXT;
		program_emit(&program, 0, slots, 1 + ext);
	}
	program_append(&program, trace, 0, program.count);
	assert_int_equal(trace_finish(trace, 0), 0);
	trace_free(trace);
	trace = support_open(path);
	check_all(trace, &program);
	trace_free(trace);
	program_done(&program);
}

static void an_event_whose_payload_is_cut_off_is_left_for_the_next_call(void **state)
{
	struct program program = program_make(300, 3);
	struct trace *trace = support_create(NULL);

	for (unsigned i = 0; i < program.count; i++) {
		unsigned end = i + 1 < program.count ? program.positions[i + 1] : program.slot_count;
		unsigned slots = end - program.positions[i];
		const struct coro_trace_slot *at = program.slots + program.positions[i];

		for (unsigned part = 0; part < slots; part++)
			assert_int_equal(trace_append(trace, program.rings[i], program.indexes[i], at, part),
							 0);
		assert_int_equal(trace_append(trace, program.rings[i], program.indexes[i], at, slots),
						 (int)slots);
	}
	check_all(trace, &program);
	trace_free(trace);
	program_done(&program);
}

static void slots_that_are_no_event_are_skipped_and_counted_as_lost(void **state)
{
	struct coro_trace_slot slots[4] = {0};
	struct trace *trace = support_create(NULL);
	uint64_t after, count;
	uint32_t ring;

	slots[0].word = CORO_SLOT_WORD(CORO_EVENT_NOTE, 0, 0, 0, 0, 0, 1);
	slots[1].word = CORO_SLOT_WORD(CORO_EVENT_EXT, 0, 0, 0, 0, 0, 0);
	slots[2].word = CORO_SLOT_WORD(CORO_EVENT_EXT, 0, 0, 0, 0, 0, 0);
	slots[3].word = CORO_SLOT_WORD(CORO_EVENT_NOTE, 0, 0, 0, 0, 0, 2);
	assert_int_equal(trace_append(trace, 9, 100, slots, 4), 4);
	assert_int_equal(trace_count(trace), 2);
	assert_int_equal(trace_lost(trace), 2);
	assert_int_equal(trace_loss(trace, 0, &after, &ring, &count), 0);
	assert_int_equal(after, 1);
	assert_int_equal(ring, 9);
	assert_int_equal(count, 2);
	assert_int_equal(trace_loss(trace, 1, &after, &ring, &count), -ENOENT);
	trace_free(trace);
}

static void rows_that_no_program_has_are_nobody(void **state)
{
	static const uint32_t rows[] = {0, 1u << 24, UINT32_MAX, (1u << 24) - 1};
	struct trace *trace = support_create(NULL);

	for (unsigned i = 0; i < 4; i++) {
		struct coro_trace_slot slots[2] = {0};
		struct coro_trace_bind bind = {.serial = UINT64_MAX - i, .name = 3, .kind = 200};
		struct trace_event event;

		support_payload(slots, (uint8_t *)&bind, sizeof(bind));
		slots[0].word = CORO_SLOT_WORD(CORO_EVENT_CREATE, CORO_SLOT_BIND, 0, 1, 1, 0, 1);
		slots[0].row = slots[0].peer = rows[i];
		assert_int_equal(trace_append(trace, 0, 2 * i, slots, 2), 2);
		assert_int_equal(trace_event(trace, i + 1, &event), 0);
		assert_int_equal(event.co, i == 3 ? bind.serial : 0);
		assert_int_equal(event.peer, event.co);
		assert_int_equal(event.name, i == 3 ? 3 : 0);
		assert_int_equal(event.bind.serial, bind.serial);
	}
	trace_free(trace);
}

/* ---- Tables, output, checkpoints ---------------------------------------- */

static void append_tables(struct trace *trace)
{
	static const uint8_t id[20] = {1, 2, 3, 0, 255};
	struct trace_module module = {.path = "/bin/x", .start = 0x1000, .end = UINT64_MAX, .bias = 7};
	struct trace_site known = {0x400010, "internal", "channel.c", 12},
					  unknown = {0x400020, NULL, NULL, 0};

	memcpy(module.build_id, id, sizeof(id));
	module.build_id_length = sizeof(id);
	assert_int_equal(trace_append_string(trace, 1, "internal", 8), 0);
	assert_int_equal(trace_append_string(trace, UINT32_MAX, "", 0), 0);
	assert_int_equal(trace_append_string(trace, 7, "\x1b[31mred", 8), 0);
	assert_int_equal(trace_append_string(trace, 1, "other", 5), 0);
	assert_int_equal(trace_append_module(trace, &module), 0);
	module.path = "/lib/y";
	module.build_id_length = 0;
	assert_int_equal(trace_append_module(trace, &module), 0);
	assert_int_equal(trace_append_site(trace, &unknown), 0);
	assert_int_equal(trace_append_site(trace, &known), 0);
	assert_int_equal(trace_append_source(trace, "channel.c", "int main\n", 9), 0);
	assert_int_equal(trace_append_source(trace, "empty.c", "", 0), 0);
	assert_int_equal(trace_append_lost(trace, 2, 1000000007), 0);
}

static void check_tables(struct trace *trace)
{
	struct trace_module module;
	struct trace_site site;
	struct trace_source_text source;
	uint64_t after, count;
	uint32_t ring;

	assert_string_equal(trace_meta(trace)->program, "./channel");
	assert_string_equal(trace_meta(trace)->arguments, "left right");
	assert_int_equal(trace_meta(trace)->pid, 4711);
	assert_int_equal(trace_meta(trace)->arch, CORO_ARCH_X86_64);
	assert_int_equal(trace_meta(trace)->real0, 1700000000000000000);
	assert_true(trace_meta(trace)->virtual_time);
	assert_int_equal(trace_time(trace, 1000000 + 2500000000), 1000000000);
	assert_int_equal(trace_time(trace, 1000000 - 5), -2);
	assert_string_equal(trace_string(trace, 1), "internal");
	assert_string_equal(trace_string(trace, UINT32_MAX), "");
	assert_string_equal(trace_string(trace, 7), "\x1b[31mred");
	assert_null(trace_string(trace, 2));
	assert_int_equal(trace_module(trace, 0, &module), 0);
	assert_string_equal(module.path, "/bin/x");
	assert_int_equal(module.end, UINT64_MAX);
	assert_int_equal(module.build_id_length, 20);
	assert_int_equal(module.build_id[4], 255);
	assert_int_equal(trace_module(trace, 1, &module), 0);
	assert_int_equal(module.build_id_length, 0);
	assert_int_equal(trace_module(trace, 2, &module), -ENOENT);
	assert_int_equal(trace_find_site(trace, 0x400010, &site), 0);
	assert_string_equal(site.function, "internal");
	assert_string_equal(site.file, "channel.c");
	assert_int_equal(site.line, 12);
	assert_int_equal(trace_find_site(trace, 0x400020, &site), 0);
	assert_null(site.function);
	assert_null(site.file);
	assert_int_equal(trace_find_site(trace, 0x400030, &site), -ENOENT);
	assert_int_equal(trace_find_source(trace, "channel.c", &source), 0);
	assert_string_equal(source.text, "int main\n");
	assert_int_equal(source.length, 9);
	assert_int_equal(trace_find_source(trace, "empty.c", &source), 0);
	assert_int_equal(source.length, 0);
	assert_int_equal(trace_find_source(trace, "none.c", &source), -ENOENT);
	assert_int_equal(trace_lost(trace), 1000000007);
	assert_int_equal(trace_loss(trace, 0, &after, &ring, &count), 0);
	assert_int_equal(ring, 2);
}

static void tables_come_back(void **state)
{
	const char *path = support_path("tables.coro");
	struct trace *trace = support_create(path);

	append_tables(trace);
	check_tables(trace);
	trace_free(trace);
	trace = support_open(path);
	check_tables(trace);
	trace_free(trace);
}

static void output_comes_back_in_order_and_pointers_to_it_stay(void **state)
{
	const char *path = support_path("output.coro"), *first;
	struct trace *trace = support_create(path);
	struct program program = program_make(300, 5);
	struct trace_output output;
	char text[32];
	size_t length = 3 << 20, seen = 0;
	char *large = malloc(length);

	for (unsigned i = 0; i < 300; i++) {
		program_append(&program, trace, i, i + 1);
		snprintf(text, sizeof(text), "line %u\n", i);
		assert_int_equal(trace_append_output(trace, 1, (int64_t)i - 5, text, strlen(text)), 0);
		if (i == 0) {
			assert_int_equal(trace_output(trace, 0, &output), 0);
			first = output.data;
		}
		if (i % 7 == 0)
			assert_int_equal(trace_flush(trace), 0);
	}
	assert_memory_equal(first, "line 0\n", 7);
	for (size_t i = 0; i < length; i++)
		large[i] = (char)program_random(&program, 256);
	assert_int_equal(trace_append_output(trace, 2, 99, large, length), 0);
	for (int pass = 0; pass < 2; pass++) {
		for (unsigned i = 0; i < 300; i++) {
			snprintf(text, sizeof(text), "line %u\n", i);
			assert_int_equal(trace_output(trace, i, &output), 0);
			assert_int_equal(output.after, i + 1);
			assert_int_equal(output.t, (int64_t)i - 5);
			assert_int_equal(output.fd, 1);
			assert_int_equal(output.length, strlen(text));
			assert_memory_equal(output.data, text, output.length);
		}
		seen = 0;
		for (size_t i = 300; i < trace_output_count(trace); i++) {
			assert_int_equal(trace_output(trace, i, &output), 0);
			assert_int_equal(output.fd, 2);
			assert_true(output.length <= length - seen);
			assert_memory_equal(output.data, large + seen, output.length);
			seen += output.length;
		}
		assert_int_equal(seen, length);
		assert_int_equal(trace_output(trace, trace_output_count(trace), &output), -ENOENT);
		trace_free(trace);
		trace = pass == 0 ? support_open(path) : NULL;
	}
	free(large);
	program_done(&program);
}

static void checkpoints_are_found_at_or_before_an_event(void **state)
{
	const char *path = support_path("checkpoints.coro");
	struct trace *trace = support_create(path);
	struct program program = program_make(100, 6);
	size_t length = 9 << 20, got_length;
	uint8_t *bytes = malloc(length), *got;

	for (size_t i = 0; i < length; i++)
		bytes[i] = (uint8_t)program_random(&program, 256);
	program_append(&program, trace, 0, 100);
	assert_int_equal(trace_finish(trace, 0), 0);
	assert_int_equal(trace_append_checkpoint(trace, 101, bytes, 10), -EINVAL);
	assert_int_equal(trace_append_checkpoint(trace, 50, bytes, 0), -EINVAL);
	assert_int_equal(trace_append_checkpoint(trace, 80, bytes + 1, 1000), 0);
	assert_int_equal(trace_append_checkpoint(trace, 40, bytes, length), 0);
	for (int pass = 0; pass < 2; pass++) {
		assert_int_equal(trace_checkpoint(trace, 39, &got, &got_length), 0);
		assert_int_equal(trace_checkpoint(trace, 79, &got, &got_length), 40);
		assert_int_equal(got_length, length);
		assert_memory_equal(got, bytes, length);
		free(got);
		assert_int_equal(trace_checkpoint(trace, 100, &got, &got_length), 80);
		assert_int_equal(got_length, 1000);
		assert_memory_equal(got, bytes + 1, 1000);
		free(got);
		assert_true(trace_ended(trace, NULL));
		assert_int_equal(trace_torn(trace), 0);
		check_all(trace, &program);
		trace_free(trace);
		trace = pass == 0 ? support_open(path) : NULL;
	}
	free(bytes);
	program_done(&program);
}

/* ---- The life of a file ------------------------------------------------- */

static void a_killed_recorder_leaves_all_that_was_flushed(void **state)
{
	struct program program = program_make(5000, 7);
	const char *path = support_path("killed.coro");
	struct trace *trace;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		trace = support_create(path);
		program_append(&program, trace, 0, 3000);
		trace_append_string(trace, 1, "internal", 8);
		trace_flush(trace);
		program_append(&program, trace, 3000, 5000);
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	trace = support_open(path);
	assert_int_equal(trace_count(trace), 3000);
	assert_int_equal(trace_torn(trace), 0);
	assert_false(trace_ended(trace, NULL));
	assert_string_equal(trace_string(trace, 1), "internal");
	for (uint64_t n = 1; n <= 3000; n++)
		assert_event(trace, &program, n);
	trace_free(trace);
	program_done(&program);
}

static void a_saved_trace_is_a_whole_copy(void **state)
{
	struct program program = program_make(2000, 8);
	const char *path = support_path("saved.coro");
	struct trace *trace = support_create(NULL), *copy;
	DIR *directory;
	unsigned entries = 0;
	int status;

	append_tables(trace);
	program_append(&program, trace, 0, 1000);
	assert_int_equal(trace_append_output(trace, 1, 5, "hello", 5), 0);
	support_write(path, "something else", 14);
	assert_int_equal(trace_save(trace, path), 0);
	copy = support_open(path);
	assert_int_equal(trace_count(copy), 1000);
	assert_int_equal(trace_output_count(copy), 1);
	check_tables(copy);
	assert_int_equal(trace_save(copy, path), 0);
	assert_int_equal(trace_save(copy, support_path("again.coro")), 0);
	trace_free(copy);

	program_append(&program, trace, 1000, 2000);
	assert_int_equal(trace_finish(trace, 9), 0);
	assert_int_equal(trace_save(trace, path), 0);
	copy = support_open(path);
	check_all(copy, &program);
	assert_true(trace_ended(copy, &status));
	assert_int_equal(status, 9);
	trace_free(copy);

	assert_int_equal(trace_save(trace, support_directory()), -EISDIR);
	assert_int_equal(trace_save(trace, "/dev/null"), -ENOTSUP);
	assert_int_equal(trace_save(trace, support_path("no/such/directory")), -ENOENT);
	trace_free(trace);

	directory = opendir(support_directory());
	for (struct dirent *entry; (entry = readdir(directory));)
		entries += entry->d_name[0] == '.' && entry->d_name[1] != 0 && entry->d_name[1] != '.';
	closedir(directory);
	assert_int_equal(entries, 0);
	program_done(&program);
}

static void the_own_file_of_a_session_has_no_name(void **state)
{
	struct trace *trace;
	struct dirent *entry;
	DIR *directory;
	unsigned entries = 0;

	setenv("XDG_STATE_HOME", support_path("state/home"), 1);
	trace = support_create(NULL);
	assert_null(trace_path(trace));
	assert_true(trace_bytes(trace) > 4096);
	directory = opendir(support_path("state/home/coroscope"));
	assert_non_null(directory);
	while ((entry = readdir(directory)))
		entries++;
	assert_int_equal(entries, 2);
	closedir(directory);
	trace_free(trace);

	support_write(support_path("file"), "x", 1);
	setenv("XDG_STATE_HOME", support_path("file"), 1);
	trace = support_create(NULL);
	trace_free(trace);
	unsetenv("XDG_STATE_HOME");
}

static void a_file_that_cannot_be_written_is_refused_with_its_reason(void **state)
{
	struct trace *trace = NULL, *other;

	assert_int_equal(trace_create(support_path("no/such"), support_meta(), &trace), -ENOENT);
	assert_int_equal(trace_create(support_directory(), support_meta(), &trace), -EISDIR);
	assert_int_equal(trace_create("/dev/full", support_meta(), &trace), -ENOTSUP);
	assert_int_equal(mkfifo(support_path("fifo"), 0600), 0);
	assert_int_equal(trace_create(support_path("fifo"), support_meta(), &trace), -ENOTSUP);
	support_write(support_path("plain"), "x", 1);
	assert_int_equal(trace_create(support_path("plain/x"), support_meta(), &trace), -ENOTDIR);
	other = support_create(support_path("busy.coro"));
	assert_int_equal(trace_create(support_path("busy.coro"), support_meta(), &trace), -EBUSY);
	trace_free(other);
	assert_null(trace);
}

static void a_full_disk_is_said_and_what_was_taken_stays(void **state)
{
	struct program program = program_make(20000, 9);
	const char *path = support_path("full.coro");
	struct trace *trace = support_create(path), *copy;
	struct rlimit before, limit;
	uint64_t count;
	unsigned done = 0;
	int result = 0;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	limit = before;
	limit.rlim_cur = 64 << 10;
	setrlimit(RLIMIT_FSIZE, &limit);
	assert_int_equal(trace_append_output(trace, 1, 0, "hello", 5), 0);
	for (; result == 0 && done < program.count; done += 100) {
		program_append(&program, trace, done, done + 100);
		trace_append_string(trace, done + 1, "name", 4);
		result = trace_flush(trace);
	}
	setrlimit(RLIMIT_FSIZE, &before);
	signal(SIGXFSZ, SIG_DFL);
	assert_int_equal(result, -EFBIG);
	assert_int_equal(trace_flush(trace), -EFBIG);
	assert_int_equal(trace_append(trace, 0, 0, program.slots, 1), -EFBIG);
	assert_int_equal(trace_append_string(trace, 999999, "x", 1), -EFBIG);
	assert_int_equal(trace_append_output(trace, 1, 0, "x", 1), -EFBIG);
	count = trace_count(trace);
	assert_int_equal(count, done);
	for (uint64_t n = 1; n <= count; n++)
		assert_event(trace, &program, n);

	assert_int_equal(trace_save(trace, support_path("rescued.coro")), 0);
	copy = support_open(support_path("rescued.coro"));
	assert_int_equal(trace_count(copy), count);
	assert_int_equal(trace_torn(copy), 0);
	assert_int_equal(trace_output_count(copy), 1);
	assert_string_equal(trace_string(copy, done - 99), "name");
	for (uint64_t n = 1; n <= count; n++)
		assert_event(copy, &program, n);
	trace_free(copy);
	trace_free(trace);

	copy = support_open(path);
	assert_int_equal(trace_torn(copy), 0);
	assert_true(trace_count(copy) >= count - 100 && trace_count(copy) <= count);
	trace_free(copy);
	program_done(&program);
}

struct sharing {
	struct trace *trace;
	struct program *program;
};

static void *append_slowly(void *argument)
{
	struct sharing *sharing = argument;

	for (unsigned i = 0; i < sharing->program->count; i += 100) {
		program_append(sharing->program, sharing->trace, i, i + 100);
		trace_append_output(sharing->trace, 1, i, "x", 1);
		if (i % 1000 == 0 && i < 20000)
			trace_flush(sharing->trace);
		else if (i % 5000 == 0)
			trace_flush_behind(sharing->trace);
	}
	trace_finish(sharing->trace, 0);
	return NULL;
}

static void one_thread_reads_while_another_appends(void **state)
{
	struct program program = program_make(90000, 10);
	struct sharing sharing = {support_create(NULL), &program};
	uint64_t count = 0;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, append_slowly, &sharing), 0);
	while (count < program.count) {
		struct trace_output output;

		count = trace_count(sharing.trace);
		if (count > 0) {
			assert_event(sharing.trace, &program, count);
			assert_event(sharing.trace, &program, 1 + count / 2);
		}
		if (trace_output(sharing.trace, trace_output_count(sharing.trace) / 2, &output) == 0)
			assert_int_equal(*output.data, 'x');
	}
	pthread_join(thread, NULL);
	check_all(sharing.trace, &program);
	trace_free(sharing.trace);
	program_done(&program);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_of_several_chunks_come_back_bit_by_bit),
		cmocka_unit_test(a_trace_flushed_after_every_event_is_the_same),
		cmocka_unit_test(a_trace_flushed_behind_is_the_same),
		cmocka_unit_test(a_disk_that_gets_full_behind_is_said_and_what_was_taken_stays),
		cmocka_unit_test(long_strings_close_a_chunk_before_it_is_too_large),
		cmocka_unit_test(an_event_whose_payload_is_cut_off_is_left_for_the_next_call),
		cmocka_unit_test(slots_that_are_no_event_are_skipped_and_counted_as_lost),
		cmocka_unit_test(rows_that_no_program_has_are_nobody),
		cmocka_unit_test(tables_come_back),
		cmocka_unit_test(output_comes_back_in_order_and_pointers_to_it_stay),
		cmocka_unit_test(checkpoints_are_found_at_or_before_an_event),
		cmocka_unit_test(a_killed_recorder_leaves_all_that_was_flushed),
		cmocka_unit_test(a_saved_trace_is_a_whole_copy),
		cmocka_unit_test(the_own_file_of_a_session_has_no_name),
		cmocka_unit_test(a_file_that_cannot_be_written_is_refused_with_its_reason),
		cmocka_unit_test(a_full_disk_is_said_and_what_was_taken_stays),
		cmocka_unit_test(one_thread_reads_while_another_appends),
	};

	return cmocka_run_group_tests_name("trace_file", tests, NULL, support_clean);
}
