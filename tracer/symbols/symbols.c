/*
 * symbols.c - places of sites: what is known already, else the trace, else the ELF files.
 *
 *     site 0x00401213 ──► cache ──► trace_find_site ──► modules whose addresses have these low
 *                                                       32 bits in their code: one: its place;
 *                                                       more: that of the one which links the
 *                                                       probe, else ambiguous; none: the maps are
 *                                                       read again, for the program may have
 *                                                       loaded one
 *
 * Where the system puts modules is chance, so now and then the C library has the low bits of the
 * program. But it calls nothing that emits events: it does not link the probe.
 *
 * What a module told goes into the trace at once, so that a replay reads the same words.
 */
#include <tracer/symbols.h>
#include <tracer/module.h>
#include "maps.h"
#include "printable.h"
#include "source.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* More modules of a trace than this are not opened. */
enum { RECORDED_MOST = 4096 };

/* A file of the program, as it was mapped. */
struct mapped {
	char *path; /* owned */
	uint64_t start, end, bias;
	struct module *module; /* owned; NULL: could not be opened, or must not be */
	const char *reason;    /* why there is none; static */
	bool program;          /* the program itself, not a library */
	bool emits_known;      /* `emits` is valid */
	bool emits;            /* events may come from it: it is not known to do without the probe */
	bool listed;           /* its compile directories are known to `sources` */
};

/* A resolved site. Strings are owned by it, but `base`, which is the end of `file`. */
struct known {
	bool used;
	bool is_string;
	uint32_t site;
	int result; /* 0, or -ENOENT */
	char *function, *file;
	struct symbols_place place;
};

struct symbols {
	struct trace *trace; /* borrowed, outlives it */
	bool trust_files;
	uint32_t pid;          /* whose modules these are; 0: nobody's */
	uint64_t start_time;   /* of that process */
	struct mapped *mapped; /* owned */
	size_t mapped_count;
	struct sources *sources; /* owned */
	struct known *known;     /* owned; open addressing */
	size_t known_room;       /* a power of two; 0: none yet */
	size_t known_count;      /* at most three quarters of it */
	char text[512];          /* of symbols_text() */
};

static struct timespec program_time(const struct symbols *symbols)
{
	for (size_t i = 0; i < symbols->mapped_count; i++)
		if (symbols->mapped[i].program && symbols->mapped[i].module)
			return module_time(symbols->mapped[i].module);
	return (struct timespec){0};
}

/* ---- Life cycle -------------------------------------------------------- */

int symbols_new(struct trace *trace, bool trust_files, struct symbols **ret)
{
	struct symbols *symbols = calloc(1, sizeof *symbols);
	int result;

	if (!symbols)
		return -ENOMEM;
	symbols->trace = trace;
	symbols->trust_files = trust_files;
	result = sources_new(trace, trust_files, &symbols->sources);
	if (result < 0) {
		free(symbols);
		return result;
	}
	/* libdw would ask servers on the network for debug information: opening a trace
	 * must not. */
	if (getenv("DEBUGINFOD_URLS"))
		unsetenv("DEBUGINFOD_URLS");
	*ret = symbols;
	return 0;
}

static void forget_known(struct symbols *symbols)
{
	for (size_t i = 0; i < symbols->known_room; i++) {
		free(symbols->known[i].function);
		free(symbols->known[i].file);
	}
	free(symbols->known);
	symbols->known = NULL;
	symbols->known_room = symbols->known_count = 0;
}

void symbols_free(struct symbols *symbols)
{
	if (!symbols)
		return;
	forget_known(symbols);
	for (size_t i = 0; i < symbols->mapped_count; i++) {
		module_close(symbols->mapped[i].module);
		free(symbols->mapped[i].path);
	}
	free(symbols->mapped);
	sources_free(symbols->sources);
	free(symbols);
}

/* ---- Modules ----------------------------------------------------------- */

static bool is_mapped(const struct symbols *symbols, const struct maps_image *image)
{
	for (size_t i = 0; i < symbols->mapped_count; i++)
		if (symbols->mapped[i].start == image->start &&
			strcmp(symbols->mapped[i].path, image->path) == 0)
			return true;
	return false;
}

static bool is_in_trace(struct symbols *symbols, const struct mapped *mapped)
{
	struct trace_module module;

	for (size_t i = 0; trace_module(symbols->trace, i, &module) == 0; i++)
		if (module.start == mapped->start && strcmp(module.path, mapped->path) == 0)
			return true;
	return false;
}

/* Whether an image is the process's program. */
static bool is_program(uint32_t pid, const struct maps_image *image)
{
	char link[64], path[PATH_MAX];
	size_t length = strlen(image->path);
	ssize_t got;

	snprintf(link, sizeof link, "/proc/%" PRIu32 "/exe", pid);
	got = readlink(link, path, sizeof path - 1);
	if (got < 0)
		return false;
	path[got] = 0;
	return strncmp(path, image->path, length) == 0 &&
		   (path[length] == 0 || (image->deleted && strcmp(path + length, " (deleted)") == 0));
}

/* Why a file was not opened. */
static const char *reason_of(int error)
{
	switch (-error) {
	case 0:
		return NULL;
	case ENOENT:
	case ENOTDIR:
		return "no such file";
	case EACCES:
	case EPERM:
		return "may not be read";
	case ESTALE:
		return "changed since the recording";
	case EINVAL:
	case ELOOP:
		return "not a regular file";
	case ENOEXEC:
		return "not an ELF file";
	case ENOMEM:
		return "memory is out";
	default:
		return "cannot be opened";
	}
}

/* Opens the file of an image. The program itself is opened through /proc, which leads to
 * it even when its name is gone or is another file's by now. */
static void open_image(struct mapped *mapped, uint32_t pid, const struct maps_image *image)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%" PRIu32 "/exe", pid);
	if (mapped->program)
		mapped->reason = reason_of(module_open(image->path, path, &mapped->module));
	else if (image->deleted)
		mapped->reason = "deleted";
	else
		mapped->reason = reason_of(module_open(image->path, image->path, &mapped->module));
}

static int add_image(struct symbols *symbols, uint32_t pid, const struct maps_image *image)
{
	struct trace_module entry = {0};
	struct mapped *mapped;
	uint64_t address;

	mapped = reallocarray(symbols->mapped, symbols->mapped_count + 1, sizeof *mapped);
	if (!mapped)
		return -ENOMEM;
	symbols->mapped = mapped;
	mapped += symbols->mapped_count;
	*mapped = (struct mapped){
		.path = strdup(image->path),
		.start = image->start,
		.end = image->end,
		.bias = image->code - image->code_offset,
		.reason = "not opened",
	};
	if (!mapped->path)
		return -ENOMEM;
	mapped->program = is_program(pid, image);
	if (symbols->trust_files)
		open_image(mapped, pid, image);
	symbols->mapped_count++;
	if (mapped->module) {
		if (module_address_of(mapped->module, image->code_offset, &address))
			mapped->bias = image->code - address;
		entry.build_id_length =
			(uint8_t)module_build_id(mapped->module, entry.build_id, sizeof entry.build_id);
	}
	if (is_in_trace(symbols, mapped))
		return 0;
	entry.path = mapped->path;
	entry.start = mapped->start;
	entry.end = mapped->end;
	entry.bias = mapped->bias;
	/* A trace that cannot be written any more is told about elsewhere. */
	(void)trace_append_module(symbols->trace, &entry);
	return 1;
}

int symbols_add_modules(struct symbols *symbols, uint32_t pid)
{
	uint64_t start_time = maps_start_time(pid);
	struct maps maps;
	int result, added = 0;

	if (start_time == 0 || (symbols->pid == pid && symbols->start_time != start_time))
		return -ESRCH;
	result = maps_read(pid, &maps);
	if (result < 0)
		return result;
	symbols->pid = pid;
	symbols->start_time = start_time;
	for (size_t i = 0; i < maps.count && result >= 0; i++) {
		if (is_mapped(symbols, &maps.image[i]))
			continue;
		result = add_image(symbols, pid, &maps.image[i]);
		added += result > 0;
	}
	maps_done(&maps);
	return result < 0 ? result : added;
}

/* Appends a module of the trace. */
static int add_recorded(struct symbols *symbols, const struct trace_module *module)
{
	struct mapped *mapped =
		reallocarray(symbols->mapped, symbols->mapped_count + 1, sizeof *mapped);

	if (!mapped)
		return -ENOMEM;
	symbols->mapped = mapped;
	mapped += symbols->mapped_count;
	*mapped = (struct mapped){
		.path = strdup(module->path),
		.start = module->start,
		.end = module->end,
		.bias = module->bias,
	};
	if (!mapped->path)
		return -ENOMEM;
	symbols->mapped_count++;
	if (mapped->path[0] != '/')
		mapped->reason = "not a file";
	else if (module->build_id_length == 0)
		mapped->reason = "has no build-id";
	else
		mapped->reason = reason_of(module_open_built(mapped->path, module->build_id,
													 module->build_id_length, &mapped->module));
	return mapped->module ? 1 : 0;
}

static bool is_added(const struct symbols *symbols, const struct trace_module *module)
{
	for (size_t i = 0; i < symbols->mapped_count; i++)
		if (symbols->mapped[i].start == module->start &&
			strcmp(symbols->mapped[i].path, module->path) == 0)
			return true;
	return false;
}

int symbols_open_modules(struct symbols *symbols)
{
	struct trace_module module;
	int result = 0, opened = 0;

	for (size_t i = 0;
		 i < RECORDED_MOST && result >= 0 && trace_module(symbols->trace, i, &module) == 0; i++) {
		if (is_added(symbols, &module))
			continue;
		result = add_recorded(symbols, &module);
		opened += result > 0;
	}
	return result < 0 ? result : opened;
}

/* The address in a module whose low 32 bits are `site`. */
static bool address_in(const struct mapped *mapped, uint32_t site, uint64_t *ret)
{
	uint64_t address = (mapped->start & ~UINT64_C(0xffffffff)) | site;

	if (address < mapped->start)
		address += UINT64_C(1) << 32;
	if (address >= mapped->end)
		return false;
	if (mapped->module && !module_is_code(mapped->module, address - mapped->bias))
		return false;
	*ret = address;
	return true;
}

static bool emits(struct mapped *mapped)
{
	enum symbols_program kind;

	if (!mapped->emits_known)
		mapped->emits = symbols_program_kind(mapped->path, &kind) < 0 || kind != SYMBOLS_NO_PROBE;
	mapped->emits_known = true;
	return mapped->emits;
}

/* How many modules have the site in their code, of all or of those that emit; the last one in
 * *ret. */
static unsigned count_modules(struct symbols *symbols, uint32_t pc, bool emitting,
							  struct mapped **ret, uint64_t *ret_address)
{
	unsigned found = 0;

	for (size_t i = 0; i < symbols->mapped_count; i++) {
		uint64_t address;

		if (!address_in(&symbols->mapped[i], pc, &address) ||
			(emitting && !emits(&symbols->mapped[i])))
			continue;
		*ret = &symbols->mapped[i];
		*ret_address = address;
		found++;
	}
	return found;
}

/* How many modules could be meant by the site; if it is one, it is in *ret. */
static unsigned find_module(struct symbols *symbols, uint32_t pc, struct mapped **ret,
							uint64_t *ret_address)
{
	unsigned found = count_modules(symbols, pc, false, ret, ret_address);

	if (found > 1 && count_modules(symbols, pc, true, ret, ret_address) == 1)
		return 1;
	return found;
}

int symbols_module(struct symbols *symbols, size_t i, struct symbols_module *ret)
{
	const struct mapped *mapped = &symbols->mapped[i];

	if (i >= symbols->mapped_count)
		return -ENOENT;
	*ret = (struct symbols_module){
		.path = mapped->path,
		.start = mapped->start,
		.end = mapped->end,
		.bias = mapped->bias,
		.module = mapped->module,
		.reason = mapped->module ? NULL : mapped->reason,
	};
	return 0;
}

int symbols_module_at(struct symbols *symbols, uint64_t address, struct symbols_module *ret)
{
	for (size_t i = symbols->mapped_count; i-- > 0;)
		if (address >= symbols->mapped[i].start && address < symbols->mapped[i].end)
			return symbols_module(symbols, i, ret);
	return -ENOENT;
}

/* ---- Resolving --------------------------------------------------------- */

static const char *base_of(const char *file)
{
	const char *slash = file ? strrchr(file, '/') : NULL;

	return slash ? slash + 1 : file;
}

static int set_known(struct known *known, const char *function, size_t function_length,
					 const char *file, size_t file_length, uint32_t line)
{
	known->function = function ? strndup(function, function_length) : NULL;
	known->file = file ? strndup(file, file_length) : NULL;
	if ((function && !known->function) || (file && !known->file)) {
		free(known->function);
		free(known->file);
		known->function = known->file = NULL;
		return -ENOMEM;
	}
	known->place = (struct symbols_place){
		.function = known->function,
		.file = known->file,
		.base = base_of(known->file),
		.line = line,
	};
	return 0;
}

/* "FILE:LINE FUNCTION", or "FILE:LINE". A file's name may hold blanks and colons, a
 * function's name neither: so the last colon with a number that ends there counts. */
static int parse_string(const char *string, struct known *known)
{
	for (const char *colon = strrchr(string, ':'); colon && colon > string;
		 colon = memrchr(string, ':', (size_t)(colon - string))) {
		const char *digits = colon + 1;
		size_t count = strspn(digits, "0123456789");
		const char *rest = digits + count;

		if (count == 0 || count > 9 || (*rest != 0 && *rest != ' '))
			continue;
		rest += *rest == ' ';
		return set_known(known, *rest ? rest : NULL, strlen(rest), string, (size_t)(colon - string),
						 (uint32_t)strtoul(digits, NULL, 10));
	}
	return -ENOENT;
}

static int from_trace(struct symbols *symbols, uint32_t site, struct known *known)
{
	struct trace_site entry;

	if (trace_find_site(symbols->trace, site, &entry) < 0 || (!entry.function && !entry.file))
		return -ENOENT;
	return set_known(known, entry.function, entry.function ? strlen(entry.function) : 0, entry.file,
					 entry.file ? strlen(entry.file) : 0, entry.line);
}

static int from_module(struct symbols *symbols, uint32_t site, struct known *known)
{
	struct mapped *mapped;
	struct module_place place;
	uint64_t address;
	/* The call is before its return address. */
	unsigned found = find_module(symbols, site - 1, &mapped, &address);
	char *function = NULL;
	const char *file = NULL;
	int result;

	if (found == 0 && symbols->pid && symbols_add_modules(symbols, symbols->pid) > 0)
		found = find_module(symbols, site - 1, &mapped, &address);
	if (found > 1) {
		known->place = (struct symbols_place){.ambiguous = true};
		return 0;
	}
	if (found == 0 || !mapped->module)
		return -ENOENT;
	result = module_place(mapped->module, address - mapped->bias, &place);
	if (result < 0)
		return result;
	if (place.file) {
		file = sources_name(symbols->sources, place.file, place.directory,
							module_time(mapped->module));
		if (!file)
			return -ENOMEM;
	} else if (asprintf(&function, "%s+0x%" PRIx64, place.function, place.offset + 1) < 0) {
		return -ENOMEM;
	} else {
		place.function = function;
	}
	result = set_known(known, place.function, place.function ? strlen(place.function) : 0, file,
					   file ? strlen(file) : 0, place.line);
	free(function);
	if (result < 0)
		return result;
	(void)trace_append_site(symbols->trace, &(struct trace_site){
												.site = site,
												.function = known->function,
												.file = known->file,
												.line = known->place.line,
											});
	return 0;
}

static void add_directory(void *data, const char *directory)
{
	(void)sources_add_directory(data, directory);
}

/* Source names of string sites have no directory of their own: whatever directory a
 * compiler of the program ran in may be theirs. */
static void list_directories(struct symbols *symbols)
{
	for (size_t i = 0; i < symbols->mapped_count; i++) {
		struct mapped *mapped = &symbols->mapped[i];

		if (mapped->module && !mapped->listed)
			module_directories(mapped->module, add_directory, symbols->sources);
		mapped->listed = true;
	}
}

static int resolve(struct symbols *symbols, uint32_t site, bool is_string, struct known *known)
{
	int result;

	if (is_string) {
		const char *string = trace_string(symbols->trace, site);

		result = string ? parse_string(string, known) : -ENOENT;
		if (result == 0 && symbols->trust_files) {
			list_directories(symbols);
			(void)sources_name(symbols->sources, known->file, NULL, program_time(symbols));
		}
	} else {
		result = from_trace(symbols, site, known);
		if (result == -ENOENT && symbols->trust_files)
			result = from_module(symbols, site, known);
	}
	/* So that the trace has the text as it is now, not as it is when it is looked at. */
	if (result == 0 && known->file && symbols->trust_files)
		(void)sources_lines(symbols->sources, known->file);
	return result;
}

/* ---- The cache --------------------------------------------------------- */

static struct known *slot_of(struct known *table, size_t room, uint32_t site, bool is_string)
{
	size_t at = (site * UINT32_C(2654435761) ^ is_string) & (room - 1);

	while (table[at].used && (table[at].site != site || table[at].is_string != is_string))
		at = (at + 1) & (room - 1);
	return &table[at];
}

static bool grow(struct symbols *symbols)
{
	size_t room = symbols->known_room ? symbols->known_room * 2 : 64;
	struct known *table = calloc(room, sizeof *table);

	if (!table)
		return false;
	for (size_t i = 0; i < symbols->known_room; i++)
		if (symbols->known[i].used)
			*slot_of(table, room, symbols->known[i].site, symbols->known[i].is_string) =
				symbols->known[i];
	free(symbols->known);
	symbols->known = table;
	symbols->known_room = room;
	return true;
}

int symbols_place(struct symbols *symbols, uint32_t site, bool is_string, struct symbols_place *ret)
{
	struct known *known, fresh = {.used = true, .site = site, .is_string = is_string};

	*ret = (struct symbols_place){0};
	if (site == 0)
		return -ENOENT;
	if (symbols->known_room > 0) {
		known = slot_of(symbols->known, symbols->known_room, site, is_string);
		if (known->used) {
			*ret = known->place;
			return known->result;
		}
	}
	fresh.result = resolve(symbols, site, is_string, &fresh);
	if (fresh.result < 0 && fresh.result != -ENOENT)
		return fresh.result;
	/* A string, or a place of the trace, may come later than its event. */
	if (fresh.result == -ENOENT && !(symbols->trust_files && symbols->pid && !is_string))
		return -ENOENT;
	if (symbols->known_count + 1 > symbols->known_room / 4 * 3 && !grow(symbols)) {
		free(fresh.function);
		free(fresh.file);
		return -ENOMEM;
	}
	known = slot_of(symbols->known, symbols->known_room, site, is_string);
	*known = fresh;
	symbols->known_count++;
	*ret = known->place;
	return known->result;
}

/* ---- Words ------------------------------------------------------------- */

const char *symbols_text(struct symbols *symbols, uint32_t site, bool is_string)
{
	struct symbols_place place;
	char number[24];

	symbols->text[0] = 0;
	if (site == 0)
		return symbols->text;
	(void)symbols_place(symbols, site, is_string, &place);
	if (place.base && place.line > 0) {
		printable_put(symbols->text, sizeof symbols->text - sizeof number, place.base);
		snprintf(number, sizeof number, ":%" PRIu32, place.line);
		printable_put(symbols->text, sizeof symbols->text, number);
	} else if (place.function) {
		printable_put(symbols->text, sizeof symbols->text, place.function);
	} else if (place.base) {
		printable_put(symbols->text, sizeof symbols->text, place.base);
	} else if (!is_string) {
		snprintf(symbols->text, sizeof symbols->text, "0x%" PRIx32, site);
	}
	return symbols->text;
}

/* ---- Source ------------------------------------------------------------ */

int symbols_source_line(struct symbols *symbols, const char *file, uint32_t line, const char **ret,
						size_t *ret_length)
{
	return sources_line(symbols->sources, file, line, ret, ret_length);
}

int symbols_source_lines(struct symbols *symbols, const char *file)
{
	return sources_lines(symbols->sources, file);
}

const char *symbols_source_name(struct symbols *symbols, const struct module *module,
								const char *file, const char *directory)
{
	return sources_name(symbols->sources, file, directory, module_time(module));
}

bool symbols_source_changed(struct symbols *symbols, const char *file)
{
	return sources_changed(symbols->sources, file);
}
