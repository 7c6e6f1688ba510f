/* memory_test.c - memory of a process, of copied bytes, and of files; see tracer/memory.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tracer/memory.h>

enum { PAGE = 4096 };

/* This process, and three pages: the first two can be read. */
struct fixture {
	struct memory_process *process;
	const struct memory *memory;
	uint8_t *pages;
};

static int set_up(void **state)
{
	static struct fixture fixture;

	assert_int_equal(memory_process_new((uint32_t)getpid(), &fixture.process), 0);
	fixture.memory = memory_of_process(fixture.process);
	fixture.pages =
		mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(fixture.pages, MAP_FAILED);
	for (size_t i = 0; i < 2 * PAGE; i++)
		fixture.pages[i] = (uint8_t)(i * 7);
	assert_int_equal(munmap(fixture.pages + 2 * PAGE, PAGE), 0);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	munmap(fixture->pages, 2 * PAGE);
	memory_process_free(fixture->process);
	return 0;
}

static uint64_t at(const void *pointer)
{
	return (uintptr_t)pointer;
}

/* ---- A process --------------------------------------------------------- */

static void a_process_is_read_across_pages(void **state)
{
	struct fixture *fixture = *state;
	uint8_t buffer[2 * PAGE];

	assert_int_equal(memory_read(fixture->memory, at(fixture->pages), buffer, sizeof buffer), 0);
	assert_memory_equal(buffer, fixture->pages, sizeof buffer);
	assert_int_equal(memory_read(fixture->memory, at(fixture->pages) + PAGE - 3, buffer, 6), 0);
	assert_memory_equal(buffer, fixture->pages + PAGE - 3, 6);
	assert_int_equal(memory_read(fixture->memory, at(fixture->pages), buffer, 0), 0);
}

static void where_a_process_has_no_memory_nothing_is_read(void **state)
{
	struct fixture *fixture = *state;
	uint8_t buffer[16];

	assert_int_equal(memory_read(fixture->memory, 0, buffer, 8), -EFAULT);
	assert_int_equal(memory_read(fixture->memory, at(fixture->pages) + 2 * PAGE - 8, buffer, 16),
					 -EFAULT);
	assert_int_equal(memory_read(fixture->memory, UINT64_MAX - 3, buffer, 8), -EFAULT);
	assert_int_equal(memory_read(fixture->memory, UINT64_C(1) << 63, buffer, 8), -EFAULT);
}

static void pages_are_kept_until_they_are_dropped(void **state)
{
	struct fixture *fixture = *state;
	uint8_t byte;

	memory_process_drop(fixture->process);
	fixture->pages[10] = 1;
	assert_int_equal(memory_read(fixture->memory, at(fixture->pages + 10), &byte, 1), 0);
	fixture->pages[10] = 2;
	assert_int_equal(memory_read(fixture->memory, at(fixture->pages + 10), &byte, 1), 0);
	assert_int_equal(byte, 1);
	memory_process_drop(fixture->process);
	assert_int_equal(memory_read(fixture->memory, at(fixture->pages + 10), &byte, 1), 0);
	assert_int_equal(byte, 2);
}

static void more_memory_is_read_than_is_kept(void **state)
{
	struct fixture *fixture = *state;
	const size_t size = 20 << 20;
	uint8_t *large = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(large, MAP_FAILED);
	for (unsigned round = 0; round < 2; round++)
		for (size_t i = 0; i < size; i += PAGE) {
			uint8_t byte;

			large[i] = (uint8_t)(i / PAGE + round);
			assert_int_equal(memory_read(fixture->memory, at(large + i), &byte, 1), 0);
			/* The pages of the first round are not there any more: there were too many. */
			assert_int_equal(byte, large[i]);
		}
	munmap(large, size);
}

static void the_memory_of_a_process_that_ended_is_gone(void **state)
{
	struct memory_process *process;
	struct memory_piece piece = {.address = at(*state), .buffer = &piece.result, .length = 4};
	uint8_t byte;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0)
		_exit(0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(memory_process_new((uint32_t)child, &process), 0);
	assert_int_equal(memory_read(memory_of_process(process), at(&byte), &byte, 1), -ESRCH);
	memory_process_copy(process, &piece, 1);
	assert_int_equal(piece.result, -ESRCH);
	memory_process_free(process);
}

/* Of the tests' user as another one; or, where that is not root, of root's first process. */
static void the_memory_of_another_user_is_not_read(void **state)
{
	struct memory_process *process;
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		pid_t whose = geteuid() == 0 ? getppid() : 1;
		uint8_t byte;

		if (geteuid() == 0 && setresuid(65534, 65534, 65534) < 0)
			_exit(2);
		if (memory_process_new((uint32_t)whose, &process) < 0)
			_exit(3);
		_exit(memory_read(memory_of_process(process), at(&byte), &byte, 1) == -EPERM ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void many_pieces_are_copied_and_those_that_cannot_are_told(void **state)
{
	struct fixture *fixture = *state;
	enum { COUNT = 2 * IOV_MAX + 50, EACH = 3 };
	struct memory_piece *pieces = calloc(COUNT, sizeof *pieces);
	uint8_t *buffer = calloc(COUNT, EACH);

	assert_non_null(pieces);
	assert_non_null(buffer);
	for (size_t i = 0; i < COUNT; i++)
		pieces[i] = (struct memory_piece){
			/* Each seventh has one byte too many. */
			.address = at(fixture->pages) + (i % 7 == 3 ? 2 * PAGE - 2 : i),
			.buffer = buffer + i * EACH,
			.length = EACH,
			.result = 1,
		};
	memory_process_copy(fixture->process, pieces, COUNT);
	for (size_t i = 0; i < COUNT; i++) {
		assert_int_equal(pieces[i].result, i % 7 == 3 ? -EFAULT : 0);
		if (i % 7 != 3)
			assert_memory_equal(buffer + i * EACH, fixture->pages + i, EACH);
	}
	/* They are as they are now, whatever was read before. */
	fixture->pages[0] ^= 1;
	memory_process_copy(fixture->process, pieces, 1);
	assert_int_equal(buffer[0], fixture->pages[0]);
	memory_process_copy(fixture->process, pieces, 0);
	free(buffer);
	free(pieces);
}

/* ---- Bytes ------------------------------------------------------------- */

static void bytes_are_read_and_the_rest_is_behind_them(void **state)
{
	struct fixture *fixture = *state;
	static const uint8_t content[8] = {1, 2, 3, 4, 5, 6, 7, 8};
	struct memory_bytes bytes = {
		.address = at(fixture->pages) + 100,
		.bytes = content,
		.length = sizeof content,
		.rest = fixture->memory,
	};
	struct memory memory = memory_of_bytes(&bytes);
	uint8_t expected[64], buffer[64];

	memcpy(expected, fixture->pages + 80, sizeof expected);
	memcpy(expected + 20, content, sizeof content);
	/* Every piece of it: before, behind, inside, across one end and across both. */
	for (size_t from = 0; from < sizeof buffer; from++)
		for (size_t length = 0; length <= sizeof buffer - from; length++) {
			assert_int_equal(memory_read(&memory, at(fixture->pages) + 80 + from, buffer, length),
							 0);
			assert_memory_equal(buffer, expected + from, length);
		}
}

static void bytes_without_a_rest_are_all_that_is_known(void **state)
{
	static const uint8_t content[8] = {1, 2, 3, 4, 5, 6, 7, 8};
	struct memory_bytes bytes = {.address = 1000, .bytes = content, .length = sizeof content};
	struct memory memory = memory_of_bytes(&bytes);
	uint8_t buffer[16];

	assert_int_equal(memory_read(&memory, 1000, buffer, 8), 0);
	assert_memory_equal(buffer, content, 8);
	assert_int_equal(memory_read(&memory, 1007, buffer, 1), 0);
	assert_int_equal(memory_read(&memory, 1008, buffer, 0), 0);
	assert_int_equal(memory_read(&memory, 999, buffer, 2), -ENODATA);
	assert_int_equal(memory_read(&memory, 1007, buffer, 2), -ENODATA);
	assert_int_equal(memory_read(&memory, 1008, buffer, 1), -ENODATA);
	assert_int_equal(memory_read(&memory, UINT64_MAX, buffer, 2), -EFAULT);

	/* As a hostile trace has them: around the end of all addresses. */
	bytes.address = UINT64_MAX - 3;
	assert_int_equal(memory_read(&memory, UINT64_MAX - 1, buffer, 2), 0);
	assert_memory_equal(buffer, content + 2, 2);
	assert_int_equal(memory_read(&memory, 0, buffer, 2), -ENODATA);
}

/* ---- Files ------------------------------------------------------------- */

static const char constant[] = "what cannot change";
static char variable[] = "what can";

static void of_a_file_what_cannot_change_is_read(void **state)
{
	struct trace_meta meta = {
		.program = "test", .arguments = "", .pid = (uint32_t)getpid(), .clock_hz = 1000000000};
	char folder[] = "/tmp/coroscope-memory-XXXXXX", path[64], buffer[64];
	struct symbols *symbols;
	struct trace *trace;
	struct memory memory;

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/test.coro", folder);
	assert_int_equal(trace_create(path, &meta, &trace), 0);
	assert_int_equal(symbols_new(trace, true, &symbols), 0);
	assert_true(symbols_add_modules(symbols, meta.pid) > 0);
	memory = memory_of_files(symbols);

	assert_int_equal(memory_read(&memory, at(constant), buffer, sizeof constant), 0);
	assert_string_equal(buffer, constant);
	assert_int_equal(memory_read(&memory, at(variable), buffer, sizeof variable), -ENODATA);
	assert_int_equal(memory_read(&memory, at(buffer), buffer, 8), -ENODATA);
	assert_int_equal(memory_read(&memory, at((void *)(uintptr_t)set_up), buffer, 16), 0);
	assert_memory_equal(buffer, (void *)(uintptr_t)set_up, 16);
	assert_int_equal(memory_read(&memory, at(constant), buffer, SIZE_MAX), -ENODATA);

	symbols_free(symbols);
	trace_free(trace);
	unlink(path);
	rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_process_is_read_across_pages),
		cmocka_unit_test(where_a_process_has_no_memory_nothing_is_read),
		cmocka_unit_test(pages_are_kept_until_they_are_dropped),
		cmocka_unit_test(more_memory_is_read_than_is_kept),
		cmocka_unit_test(the_memory_of_a_process_that_ended_is_gone),
		cmocka_unit_test(the_memory_of_another_user_is_not_read),
		cmocka_unit_test(many_pieces_are_copied_and_those_that_cannot_are_told),
		cmocka_unit_test(bytes_are_read_and_the_rest_is_behind_them),
		cmocka_unit_test(bytes_without_a_rest_are_all_that_is_known),
		cmocka_unit_test(of_a_file_what_cannot_change_is_read),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
