/*
 * symbols_test.c - sites of this very program become places.
 *
 * Arguments: a program that needs a library with the probe's note, and that library.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <coroscope/inlined.h>
#include <tracer/symbols.h>
#include "../../tracer/symbols/maps.h"

static const char *noted_program, *noted_library;
static uintptr_t seen; /* where symbols_here() was called from */

__attribute__((noinline)) void symbols_here(void)
{
	seen = (uintptr_t)__builtin_return_address(0);
	__asm__ volatile("" ::: "memory");
}

/* A folder of its own, a trace in it, and the symbols of this process. */
struct fixture {
	char folder[64], path[128];
	struct trace *trace;
	struct symbols *symbols;
};

static int set_up(void **state)
{
	static struct fixture fixture;
	struct trace_meta meta = {
		.program = "test", .arguments = "", .pid = (uint32_t)getpid(), .clock_hz = 1000000000};

	fixture = (struct fixture){.folder = "/tmp/coroscope-symbols-XXXXXX"};
	assert_non_null(mkdtemp(fixture.folder));
	snprintf(fixture.path, sizeof fixture.path, "%s/test.coro", fixture.folder);
	assert_int_equal(trace_create(fixture.path, &meta, &fixture.trace), 0);
	assert_int_equal(symbols_new(fixture.trace, true, &fixture.symbols), 0);
	assert_true(symbols_add_modules(fixture.symbols, (uint32_t)getpid()) > 0);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	symbols_free(fixture->symbols);
	trace_free(fixture->trace);
	unlink(fixture->path);
	return rmdir(fixture->folder);
}

/* Writes a file into the fixture's folder, and returns its path. */
static const char *write_file(struct fixture *fixture, const char *name, const char *text)
{
	static char path[128];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", fixture->folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	return path;
}

/* ---- Places ------------------------------------------------------------ */

static void a_return_address_is_the_line_of_its_call(void **state)
{
	struct fixture *fixture = *state;
	struct symbols_place place;
	char expected[64];
	uint32_t line;

	symbols_here(), line = __LINE__;
	assert_int_equal(symbols_place(fixture->symbols, (uint32_t)seen, false, &place), 0);
	assert_string_equal(place.function, __func__);
	assert_string_equal(place.base, "symbols_test.c");
	assert_int_equal(place.line, line);
	assert_false(place.ambiguous);
	snprintf(expected, sizeof expected, "symbols_test.c:%u", line);
	assert_string_equal(symbols_text(fixture->symbols, (uint32_t)seen, false), expected);
}

static void what_a_header_of_coroscope_inlines_is_the_callers_line(void **state)
{
	struct fixture *fixture = *state;
	struct symbols_place place;
	uint32_t line;

	inlined_operation(), line = __LINE__;
	assert_int_equal(symbols_place(fixture->symbols, (uint32_t)seen, false, &place), 0);
	assert_string_equal(place.base, "symbols_test.c");
	assert_string_equal(place.function, __func__);
	assert_int_equal(place.line, line);
}

static void a_place_goes_into_the_trace_and_is_found_there(void **state)
{
	struct fixture *fixture = *state;
	struct symbols *replayed;
	struct symbols_place live, place;
	const char *text, *again;
	size_t length, again_length;

	symbols_here();
	assert_int_equal(symbols_place(fixture->symbols, (uint32_t)seen, false, &live), 0);
	assert_int_equal(symbols_source_line(fixture->symbols, live.file, live.line, &text, &length),
					 0);
	/* As for a replay elsewhere: neither program nor sources may be opened. */
	assert_int_equal(symbols_new(fixture->trace, false, &replayed), 0);
	assert_int_equal(symbols_place(replayed, (uint32_t)seen, false, &place), 0);
	assert_string_equal(place.function, live.function);
	assert_string_equal(place.file, live.file);
	assert_int_equal(place.line, live.line);
	assert_int_equal(symbols_source_line(replayed, place.file, place.line, &again, &again_length),
					 0);
	assert_int_equal(again_length, length);
	assert_memory_equal(again, text, length);
	symbols_free(replayed);
}

static void a_site_that_is_nowhere_is_a_number(void **state)
{
	struct fixture *fixture = *state;
	struct symbols_place place;

	assert_int_equal(symbols_place(fixture->symbols, 1, false, &place), -ENOENT);
	assert_null(place.function);
	assert_null(place.file);
	assert_string_equal(symbols_text(fixture->symbols, 1, false), "0x1");
	assert_string_equal(symbols_text(fixture->symbols, 0, false), "");
}

static void a_string_site_is_taken_apart_at_its_last_number(void **state)
{
	static const struct {
		const char *string, *file, *function;
		uint32_t line;
	} cases[] = {
		{"demos/channel.c:12 internal", "demos/channel.c", "internal", 12},
		{"channel.c:7", "channel.c", NULL, 7},
		{"a file:3 b:44 f", "a file:3 b", "f", 44},
	};
	static const char *const wrong[] = {"",           "channel.c",   ":12",
										"channel.c:", "channel.c:x", "channel.c:99999999999"};
	struct fixture *fixture = *state;
	struct symbols_place place;
	uint32_t id = 1;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++, id++) {
		assert_int_equal(
			trace_append_string(fixture->trace, id, cases[i].string, strlen(cases[i].string)), 0);
		assert_int_equal(symbols_place(fixture->symbols, id, true, &place), 0);
		assert_string_equal(place.file, cases[i].file);
		assert_int_equal(place.line, cases[i].line);
		if (cases[i].function)
			assert_string_equal(place.function, cases[i].function);
		else
			assert_null(place.function);
	}
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++, id++) {
		assert_int_equal(trace_append_string(fixture->trace, id, wrong[i], strlen(wrong[i])), 0);
		assert_int_equal(symbols_place(fixture->symbols, id, true, &place), -ENOENT);
	}
	assert_int_equal(symbols_place(fixture->symbols, id + 1, true, &place), -ENOENT);
}

static void a_name_cannot_drive_a_terminal(void **state)
{
	struct fixture *fixture = *state;
	const char *hostile = "\033[2J\xe2\x80\xae\xc2\x9b\xff\xc3\xa9.c:1 f";

	assert_int_equal(trace_append_string(fixture->trace, 1, hostile, strlen(hostile)), 0);
	assert_string_equal(symbols_text(fixture->symbols, 1, true),
						"\\x1b[2J\\xe2\\x80\\xae\\xc2\\x9b\\xff\xc3\xa9.c:1");
}

/* ---- Sources ----------------------------------------------------------- */

static void lines_of_a_source_are_found_by_number(void **state)
{
	struct fixture *fixture = *state;
	const char *path = write_file(fixture, "three.c", "one\r\n\nthree"), *text;
	size_t length;

	assert_int_equal(symbols_source_lines(fixture->symbols, path), 3);
	assert_int_equal(symbols_source_line(fixture->symbols, path, 1, &text, &length), 0);
	assert_int_equal(length, 3);
	assert_memory_equal(text, "one", 3);
	assert_int_equal(symbols_source_line(fixture->symbols, path, 2, &text, &length), 0);
	assert_int_equal(length, 0);
	assert_int_equal(symbols_source_line(fixture->symbols, path, 3, &text, &length), 0);
	assert_int_equal(length, 5);
	assert_memory_equal(text, "three", 5);
	assert_int_equal(symbols_source_line(fixture->symbols, path, 0, &text, &length), -ENOENT);
	assert_int_equal(symbols_source_line(fixture->symbols, path, 4, &text, &length), -ENOENT);
	unlink(path);
}

static void only_a_regular_file_of_some_size_is_a_source(void **state)
{
	struct fixture *fixture = *state;
	char pipe_path[128], link_path[128], big_path[128];
	const char *path = write_file(fixture, "real.c", "text\n");

	snprintf(pipe_path, sizeof pipe_path, "%s/pipe.c", fixture->folder);
	snprintf(link_path, sizeof link_path, "%s/link.c", fixture->folder);
	snprintf(big_path, sizeof big_path, "%s/big.c", fixture->folder);
	assert_int_equal(mkfifo(pipe_path, 0600), 0);
	assert_int_equal(symlink(path, link_path), 0);
	close(open(big_path, O_WRONLY | O_CREAT, 0600));
	assert_int_equal(truncate(big_path, (16 << 20) + 1), 0);

	assert_int_equal(symbols_source_lines(fixture->symbols, path), 1);
	assert_int_equal(symbols_source_lines(fixture->symbols, pipe_path), -ENOENT);
	assert_int_equal(symbols_source_lines(fixture->symbols, link_path), -ENOENT);
	assert_int_equal(symbols_source_lines(fixture->symbols, big_path), -ENOENT);
	assert_int_equal(symbols_source_lines(fixture->symbols, fixture->folder), -ENOENT);
	assert_int_equal(symbols_source_lines(fixture->symbols, "/dev/zero"), -ENOENT);
	unlink(path);
	unlink(pipe_path);
	unlink(link_path);
	unlink(big_path);
}

static void a_source_that_is_newer_than_the_program_has_changed(void **state)
{
	struct fixture *fixture = *state;
	const char *path = write_file(fixture, "newer.c", "text\n");
	struct timespec old[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
	char string[160], older[128];
	struct symbols_place place;

	snprintf(string, sizeof string, "%s:1 f", path);
	assert_int_equal(trace_append_string(fixture->trace, 1, string, strlen(string)), 0);
	assert_int_equal(symbols_place(fixture->symbols, 1, true, &place), 0);
	assert_true(symbols_source_changed(fixture->symbols, path));
	unlink(path);

	snprintf(older, sizeof older, "%s", write_file(fixture, "older.c", "text\n"));
	assert_int_equal(utimensat(AT_FDCWD, older, old, 0), 0);
	snprintf(string, sizeof string, "%s:1 f", older);
	assert_int_equal(trace_append_string(fixture->trace, 2, string, strlen(string)), 0);
	assert_int_equal(symbols_place(fixture->symbols, 2, true, &place), 0);
	assert_false(symbols_source_changed(fixture->symbols, older));
	unlink(older);
}

/* ---- Modules and programs ---------------------------------------------- */

static void modules_are_added_once(void **state)
{
	struct fixture *fixture = *state;
	struct trace_module module;

	assert_int_equal(symbols_add_modules(fixture->symbols, (uint32_t)getpid()), 0);
	assert_int_equal(trace_module(fixture->trace, 0, &module), 0);
	assert_true(module.start < module.end);
	assert_int_equal(symbols_add_modules(fixture->symbols, UINT32_MAX), -ESRCH);
}

static void modules_of_a_trace_are_those_that_ran(void **state)
{
	struct fixture *fixture = *state;
	struct symbols_module live, module;
	struct symbols *later;
	uintptr_t here = (uintptr_t)symbols_here;

	assert_int_equal(symbols_new(fixture->trace, false, &later), 0);
	assert_int_equal(symbols_module_at(later, here, &module), -ENOENT);
	assert_true(symbols_open_modules(later) > 0);
	assert_int_equal(symbols_open_modules(later), 0); /* once */
	assert_int_equal(symbols_module_at(fixture->symbols, here, &live), 0);
	assert_int_equal(symbols_module_at(later, here, &module), 0);
	assert_string_equal(module.path, live.path);
	assert_int_equal(module.bias, live.bias);
	assert_non_null(module.module);
	assert_null(module.reason);
	symbols_free(later);
}

static void why_a_module_of_a_trace_is_not_read_is_told(void **state)
{
	struct fixture *fixture = *state;
	struct symbols_module found;
	struct trace_module own;
	struct symbols *later;
	char link_path[128], pipe_path[128], text_path[128];
	uint64_t start = UINT64_C(1) << 40;

	assert_int_equal(trace_module(fixture->trace, 0, &own), 0);
	assert_true(own.build_id_length > 0);
	snprintf(text_path, sizeof text_path, "%s", write_file(fixture, "text", "no ELF"));
	snprintf(link_path, sizeof link_path, "%s/link", fixture->folder);
	assert_int_equal(symlink(own.path, link_path), 0);
	snprintf(pipe_path, sizeof pipe_path, "%s/pipe", fixture->folder);
	assert_int_equal(mkfifo(pipe_path, 0600), 0);

	const struct {
		const char *path;
		unsigned lacks; /* bytes of the build-id */
		uint8_t differs;
		const char *reason;
	} cases[] = {
		{own.path, 0, 1, "changed since the recording"},
		{own.path, 1, 0, "changed since the recording"},
		{own.path, own.build_id_length, 0, "has no build-id"},
		{"/no/such/file", 0, 0, "no such file"},
		{text_path, 0, 0, "not an ELF file"},
		{link_path, 0, 0, "not a regular file"},
		{pipe_path, 0, 0, "not a regular file"},
		{fixture->folder, 0, 0, "not a regular file"},
		{"/proc/self/maps", 0, 0, "not an ELF file"},
		{"relative", 0, 0, "not a file"},
		{"", 0, 0, "not a file"},
	};
	enum { CASES = sizeof cases / sizeof *cases };

	for (size_t i = 0; i < CASES; i++) {
		struct trace_module module = own;

		module.path = cases[i].path;
		module.start = start + i * 4096;
		module.end = module.start + 4096;
		module.build_id_length -= cases[i].lacks;
		module.build_id[0] ^= cases[i].differs;
		assert_int_equal(trace_append_module(fixture->trace, &module), 0);
	}
	assert_int_equal(symbols_new(fixture->trace, false, &later), 0);
	assert_true(symbols_open_modules(later) > 0);
	for (size_t i = 0; i < CASES; i++) {
		assert_int_equal(symbols_module_at(later, start + i * 4096, &found), 0);
		assert_null(found.module);
		assert_string_equal(found.reason, cases[i].reason);
	}
	symbols_free(later);
	unlink(text_path);
	unlink(link_path);
	unlink(pipe_path);
}

static void a_library_that_was_deleted_is_not_read(void **state)
{
	struct fixture *fixture = *state;
	struct symbols_module module;
	char path[128];
	int file;
	void *page;

	snprintf(path, sizeof path, "%s", write_file(fixture, "gone.so", "not that it matters"));
	file = open(path, O_RDONLY | O_CLOEXEC);
	page = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0);
	assert_ptr_not_equal(page, MAP_FAILED);
	close(file);
	unlink(path);
	assert_int_equal(symbols_add_modules(fixture->symbols, (uint32_t)getpid()), 1);
	assert_int_equal(symbols_module_at(fixture->symbols, (uintptr_t)page, &module), 0);
	assert_null(module.module);
	assert_string_equal(module.reason, "deleted");
	munmap(page, 4096);
}

/* Maps a file as a whole, as code, so that what is at `offset` has the low bits of what this
 * program has in the page of `beside`. Behind it are pages of no file: it is an image of its own.
 */
static uintptr_t map_over(const char *path, size_t offset, uintptr_t beside, size_t *ret_size)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	void *at = MAP_FAILED;

	assert_true(file >= 0);
	assert_int_equal(fstat(file, &status), 0);
	*ret_size = (size_t)status.st_size + 8192;
	for (uintptr_t high = 1; at == MAP_FAILED && high < 1024; high++)
		at = mmap((void *)((beside & ~(uintptr_t)4095) - (offset & ~(size_t)4095) + (high << 32)),
				  *ret_size, PROT_NONE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
	assert_ptr_not_equal(at, MAP_FAILED);
	assert_ptr_equal(
		mmap(at, (size_t)status.st_size, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, file, 0),
		at);
	close(file);
	return (uintptr_t)at;
}

static void of_modules_with_equal_low_bits_the_one_that_links_the_probe_is_meant(void **state)
{
	struct fixture *fixture = *state;
	struct symbols_place place;
	void *library = dlopen(noted_library, RTLD_NOW | RTLD_LOCAL), *function;
	uintptr_t first, second;
	size_t size, offset;
	Dl_info known;

	assert_non_null(library);
	function = dlsym(library, "symbols_noted");
	assert_true(dladdr(function, &known) != 0);
	offset = (size_t)((uintptr_t)function - (uintptr_t)known.dli_fbase);
	first = map_over(noted_library, offset, (uintptr_t)symbols_here, &size);
	assert_true(symbols_add_modules(fixture->symbols, (uint32_t)getpid()) > 0);
	assert_int_equal(symbols_place(fixture->symbols, (uint32_t)(first + offset + 2), false, &place),
					 0);
	assert_false(place.ambiguous);
	assert_non_null(place.function);
	assert_memory_equal(place.function, "symbols_noted", strlen("symbols_noted"));

	/* Of two that link it, nobody knows. */
	second = map_over(noted_library, offset, (uintptr_t)symbols_here, &size);
	assert_true(symbols_add_modules(fixture->symbols, (uint32_t)getpid()) > 0);
	assert_int_equal(symbols_place(fixture->symbols, (uint32_t)(first + offset + 3), false, &place),
					 0);
	assert_true(place.ambiguous);
	munmap((void *)first, size);
	munmap((void *)second, size);
	dlclose(library);
}

static void maps_keep_the_files_with_code(void **state)
{
	struct maps maps;

	assert_int_equal(
		maps_parse("00400000-00401000 r--p 00000000 fe:01 12  /a b/c\n"
				   "00401000-00403000 r-xp 00001000 fe:01 12  /a b/c\n"
				   "00403000-00404000 rw-p 00003000 fe:01 12  /a b/c\n"
				   "00404000-00405000 rw-p 00000000 00:00 0 \n"
				   "01000000-01001000 rw-p 00000000 00:00 0   [heap]\n"
				   "7f0000000000-7f0000001000 r--p 00000000 fe:01 13  /usr/lib/locale\n"
				   "not a line\n"
				   "7f0000002000-7f0000001000 r-xp 00000000 fe:01 14  /backwards\n"
				   "7f0000004000-7f0000005000 r-xp 00002000 fe:01 15  /gone (deleted)\n"
				   "7f0000006000-7f0000007000 rwxs 00000000 00:01 16  /memfd:code (deleted)\n"
				   "7f0000008000-7f0000009000 r-xp 00000000 00:00 0   [vdso]\n"
				   "7f000000a000-7f000000b000 r-xp 00000",
				   &maps),
		0);
	assert_int_equal(maps.count, 2);
	assert_string_equal(maps.image[0].path, "/a b/c");
	assert_int_equal(maps.image[0].start, 0x400000);
	assert_int_equal(maps.image[0].end, 0x404000);
	assert_int_equal(maps.image[0].code, 0x401000);
	assert_int_equal(maps.image[0].code_offset, 0x1000);
	assert_false(maps.image[0].deleted);
	assert_string_equal(maps.image[1].path, "/gone");
	assert_true(maps.image[1].deleted);
	maps_done(&maps);
	assert_int_equal(maps_parse("", &maps), 0);
	assert_int_equal(maps.count, 0);
	maps_done(&maps);
}

static void a_file_that_is_mapped_beside_itself_is_one_image(void **state)
{
	struct maps maps;

	(void)state;
	assert_int_equal(maps_parse("7f0000000000-7f0000009000 r--p 00000000 fe:01 12  /a/b.so\n"
								"7f0000009000-7f000000a000 r--p 00000000 fe:01 12  /a/b.so\n"
								"7f000000a000-7f000000c000 r-xp 00001000 fe:01 12  /a/b.so\n"
								"7f000000c000-7f000000e000 rw-p 00003000 fe:01 12  /a/b.so\n"
								"7f000000e000-7f0000017000 rw-p 00000000 fe:01 12  /a/b.so\n"
								"7f0000020000-7f0000021000 r-xp 00000000 fe:01 13  /small\n"
								"7f0000021000-7f0000022000 rw-p 00000000 fe:01 13  /small\n",
								&maps),
					 0);
	assert_int_equal(maps.count, 2);
	assert_int_equal(maps.image[0].start, 0x7f0000009000);
	assert_int_equal(maps.image[0].end, 0x7f000000e000);
	assert_int_equal(maps.image[1].start, 0x7f0000020000);
	assert_int_equal(maps.image[1].end, 0x7f0000022000);
	maps_done(&maps);
}

static void the_kind_of_a_program_is_told_by_its_note(void **state)
{
	struct fixture *fixture = *state;
	enum symbols_program kind;
	const char *path;

	assert_int_equal(symbols_program_kind("/proc/self/exe", &kind), 0);
	assert_int_equal(kind, SYMBOLS_NO_PROBE);
	assert_int_equal(symbols_program_kind(noted_program, &kind), 0);
	assert_int_equal(kind, SYMBOLS_TRACEABLE);

	path = write_file(fixture, "script", "#!/bin/sh\n");
	assert_int_equal(symbols_program_kind(path, &kind), 0);
	assert_int_equal(kind, SYMBOLS_NOT_ELF);
	path = write_file(fixture, "script", "");
	assert_int_equal(symbols_program_kind(path, &kind), 0);
	assert_int_equal(kind, SYMBOLS_NOT_ELF);
	unlink(path);
	assert_int_equal(symbols_program_kind(path, &kind), -ENOENT);
	assert_int_equal(symbols_program_kind(fixture->folder, &kind), -EISDIR);
}

static void a_cut_off_program_is_read_without_harm(void **state)
{
	struct fixture *fixture = *state;
	enum symbols_program kind;
	char path[128], buffer[8192];
	int from = open(noted_program, O_RDONLY), to;
	ssize_t got = read(from, buffer, sizeof buffer);

	close(from);
	assert_true(got > 0);
	snprintf(path, sizeof path, "%s/cut", fixture->folder);
	for (ssize_t length = 0; length <= got; length += 61) {
		int result;

		to = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0700);
		assert_int_equal(write(to, buffer, (size_t)length), length);
		close(to);
		result = symbols_program_kind(path, &kind);
		assert_true(result == 0 || result == -ENOEXEC);
	}
	unlink(path);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_return_address_is_the_line_of_its_call, set_up,
										tear_down),
		cmocka_unit_test_setup_teardown(what_a_header_of_coroscope_inlines_is_the_callers_line,
										set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_place_goes_into_the_trace_and_is_found_there, set_up,
										tear_down),
		cmocka_unit_test_setup_teardown(a_site_that_is_nowhere_is_a_number, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_string_site_is_taken_apart_at_its_last_number, set_up,
										tear_down),
		cmocka_unit_test_setup_teardown(a_name_cannot_drive_a_terminal, set_up, tear_down),
		cmocka_unit_test_setup_teardown(lines_of_a_source_are_found_by_number, set_up, tear_down),
		cmocka_unit_test_setup_teardown(only_a_regular_file_of_some_size_is_a_source, set_up,
										tear_down),
		cmocka_unit_test_setup_teardown(a_source_that_is_newer_than_the_program_has_changed, set_up,
										tear_down),
		cmocka_unit_test_setup_teardown(modules_are_added_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(modules_of_a_trace_are_those_that_ran, set_up, tear_down),
		cmocka_unit_test_setup_teardown(why_a_module_of_a_trace_is_not_read_is_told, set_up,
										tear_down),
		cmocka_unit_test_setup_teardown(a_library_that_was_deleted_is_not_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			of_modules_with_equal_low_bits_the_one_that_links_the_probe_is_meant, set_up,
			tear_down),
		cmocka_unit_test(maps_keep_the_files_with_code),
		cmocka_unit_test(a_file_that_is_mapped_beside_itself_is_one_image),
		cmocka_unit_test_setup_teardown(the_kind_of_a_program_is_told_by_its_note, set_up,
										tear_down),
		cmocka_unit_test_setup_teardown(a_cut_off_program_is_read_without_harm, set_up, tear_down),
	};

	if (argc != 3)
		return 2;
	noted_program = argv[1];
	noted_library = argv[2];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
