/*
 * point.c - from an address to its scopes and logical frames, and the cache of these.
 *
 * The line of the innermost frame is that of the line table; the line of each other one is where
 * the frame inside of it was called, which stands in the DIE of that.
 */
#include "point.h"
#include "names.h"
#include "scopes.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>
#include <tracer/module.h>

/* ---- Modules ----------------------------------------------------------- */

struct debug *debug_of(struct locals *locals, const struct symbols_module *mapped)
{
	struct debug *debug;
	Dwarf *dwarf;
	int64_t bias;

	if (!mapped->module)
		return NULL;
	for (debug = locals->debugs; debug; debug = debug->next)
		if (debug->module == mapped->module)
			return debug;
	dwarf = module_dwarf(mapped->module, &bias);
	debug = dwarf ? calloc(1, sizeof *debug) : NULL;
	if (!debug)
		return NULL;
	*debug = (struct debug){
		.next = locals->debugs,
		.module = mapped->module,
		.dwarf = dwarf,
		.load = mapped->bias - (uint64_t)bias,
	};
	locals->debugs = debug;
	return debug;
}

static bool is_runtime_module(const char *path)
{
	const char *base = path ? strrchr(path, '/') : NULL;
	static const char library[] = "libcoroscope.so";

	return base && strncmp(base + 1, library, strlen(library)) == 0;
}

struct debug *debug_of_runtime(struct locals *locals)
{
	struct symbols_module mapped;

	for (size_t i = 0; symbols_module(locals->symbols, i, &mapped) == 0; i++)
		if (is_runtime_module(mapped.path))
			return debug_of(locals, &mapped);
	return NULL;
}

/* ---- What a frame is --------------------------------------------------- */

static const char *string_attribute(Dwarf_Die *die, unsigned name)
{
	Dwarf_Attribute attribute;

	return dwarf_attr_integrate(die, name, &attribute) ? dwarf_formstring(&attribute) : NULL;
}

/* gcc tells its options: the last one of -O counts. clang does not, but says of each function
 * whose calls are all described, which it does when it optimises. */
static bool is_optimised(Dwarf_Die *tree, Dwarf_Die *function)
{
	const char *producer = string_attribute(tree, DW_AT_producer), *last = NULL;

	if (dwarf_hasattr(function, DW_AT_call_all_calls) ||
		dwarf_hasattr(function, DW_AT_GNU_all_call_sites))
		return true;
	for (const char *at = producer; at && (at = strstr(at, " -O")); at += 3)
		last = at + 3;
	return last && *last != '0';
}

/* "../runtime/core/generator.c" */
static bool is_runtime_unit(const char *name)
{
	static const char *const folder[] = {"context", "core", "loop", "probe", "sync", "task"};
	const char *base = name ? strrchr(name, '/') : NULL;

	for (size_t i = 0; base && i < sizeof folder / sizeof *folder; i++) {
		char end[32] = "runtime/";
		size_t length;

		strcat(end, folder[i]);
		length = strlen(end);
		if ((size_t)(base - name) >= length && memcmp(base - length, end, length) == 0 &&
			((size_t)(base - name) == length || base[-(ptrdiff_t)length - 1] == '/'))
			return true;
	}
	return false;
}

/* Names with two underscores are the runtime's own. Its other functions are known by the unit
 * that they are of, or by the header; where nothing is known of that, by their prefix. */
static bool is_runtime(const struct locals_frame *frame, const char *declared, Dwarf_Die *tree)
{
	if (frame->function && strncmp(frame->function, "coro__", 6) == 0)
		return true;
	if (is_runtime_module(frame->module) || is_own_header(declared))
		return true;
	if (tree)
		return is_runtime_unit(string_attribute(tree, DW_AT_name));
	return frame->function && strncmp(frame->function, "coro_", 5) == 0;
}

/* ---- Scopes and frames ------------------------------------------------- */

static void name_file(struct locals *locals, const struct point *point, const char *file,
					  struct locals_frame *frame)
{
	Dwarf_Attribute attribute;
	Dwarf_Die unit = point->unit;
	const char *directory = NULL;

	if (dwarf_attr(&unit, DW_AT_comp_dir, &attribute))
		directory = dwarf_formstring(&attribute);
	if (file)
		frame->file = symbols_source_name(locals->symbols, point->debug->module, file, directory);
}

/* Where the innermost frame stands; returns the file as DWARF has it. */
static const char *find_line(struct point *point, struct locals_frame *frame)
{
	Dwarf_Line *line = dwarf_getsrc_die(&point->unit, point->address);
	const char *file = line ? dwarf_linesrc(line, NULL, NULL) : NULL;
	int number;

	if (!file)
		return NULL;
	if (dwarf_lineno(line, &number) == 0 && number > 0)
		frame->line = (uint32_t)number;
	if (dwarf_linecol(line, &number) == 0 && number > 0)
		frame->column = (uint32_t)number;
	return file;
}

static void describe(struct locals *locals, struct point *point, const char *path)
{
	struct scope_call call = {0};
	const char *file = NULL;
	Dwarf_Addr entry;

	for (unsigned level = 0; level < point->frame_count; level++) {
		struct point_frame *at = &point->frame[level];
		Dwarf_Die *function = &point->scope[at->scope];
		struct locals_frame *frame = &at->frame;

		frame->level = level;
		frame->module = path;
		frame->described = true;
		frame->offset = dwarf_entrypc(&point->scope[0], &entry) == 0 ? point->address - entry : 0;
		frame->function = dwarf_diename(function);
		if (level == 0) {
			file = find_line(point, frame);
		} else {
			file = call.file;
			frame->line = call.line;
			frame->column = call.column;
		}
		name_file(locals, point, file, frame);
		frame->inlined = dwarf_tag(function) == DW_TAG_inlined_subroutine;
		frame->optimised = is_optimised(&point->tree, &point->scope[0]);
		frame->runtime = is_runtime(frame, scope_declared(function), &point->tree);
		if (frame->inlined && !scope_call(&point->tree, function, &call))
			call = (struct scope_call){0};
	}
}

/* Cuts the scopes into frames. A function in a function (a GNU extension) is a frame of its own, of
 * which only the innermost is called here. */
static bool cut(struct point *point, const struct scopes *scopes)
{
	unsigned first = 0, end, count = 0;

	for (unsigned i = 0; i < scopes->count; i++)
		if (dwarf_tag((Dwarf_Die *)&scopes->die[i]) == DW_TAG_subprogram)
			first = i;
	point->scope_count = scopes->count - first;
	point->scope = calloc(point->scope_count, sizeof *point->scope);
	point->frame = calloc(point->scope_count, sizeof *point->frame);
	if (!point->scope || !point->frame)
		return false;
	memcpy(point->scope, scopes->die + first, point->scope_count * sizeof *point->scope);
	end = point->scope_count;
	for (unsigned i = point->scope_count; i-- > 0;) {
		if (!scope_is_function(&point->scope[i]))
			continue;
		point->frame[count].scope = i;
		point->frame[count].scope_end = end;
		end = i;
		count++;
	}
	point->frame_count = count;
	return true;
}

/* Its unit is in a .dwo file, which was not found. */
static bool is_split(const struct point *point)
{
	uint8_t type;

	return point->unit.addr && point->unit.addr == point->tree.addr &&
		   dwarf_cu_info(point->unit.cu, NULL, &type, NULL, NULL, NULL, NULL, NULL) == 0 &&
		   type == DW_UT_skeleton;
}

/* Without scopes: what the symbol table knows. */
static bool describe_by_symbol(struct locals *locals, struct point *point,
							   const struct symbols_module *mapped)
{
	struct locals_frame *frame;
	struct module_place place;

	point->frame = calloc(1, sizeof *point->frame);
	if (!point->frame)
		return false;
	point->frame_count = 1;
	frame = &point->frame[0].frame;
	frame->module = mapped->path;
	frame->why = !mapped->path     ? "no module has this address"
				 : is_split(point) ? "its .dwo file is missing"
				 : mapped->module  ? "no debug information"
								   : mapped->reason;
	if (mapped->module && module_place(mapped->module, point->look - mapped->bias, &place) == 0) {
		frame->function = place.function;
		frame->offset = place.offset;
		frame->line = place.line;
		if (place.file)
			frame->file =
				symbols_source_name(locals->symbols, mapped->module, place.file, place.directory);
	}
	frame->runtime = is_runtime(frame, NULL, NULL);
	return true;
}

static bool fill(struct locals *locals, struct point *point)
{
	struct symbols_module mapped = {0};
	struct scopes scopes;

	if (symbols_module_at(locals->symbols, point->look, &mapped) < 0)
		return describe_by_symbol(locals, point, &mapped);
	point->debug = debug_of(locals, &mapped);
	if (!point->debug ||
		!module_unit(mapped.module, point->look - mapped.bias, &point->unit, &point->tree)) {
		point->debug = NULL;
		return describe_by_symbol(locals, point, &mapped);
	}
	point->address = point->look - point->debug->load;
	scopes_find(&point->tree, point->address, &scopes);
	if (scopes.count == 0 || !scope_is_function(&scopes.die[0])) {
		point->debug = NULL;
		return describe_by_symbol(locals, point, &mapped);
	}
	if (!cut(point, &scopes))
		return false;
	describe(locals, point, mapped.path);
	return true;
}

/* ---- The cache --------------------------------------------------------- */

static void free_point(struct point *point)
{
	free(point->scope);
	free(point->frame);
	free(point);
}

static size_t bucket_of(uint64_t look)
{
	return look * UINT64_C(0x9e3779b97f4a7c15) >> 54;
}
_Static_assert(POINT_BUCKETS == 1 << 10, "bucket_of");

struct point *point_at(struct locals *locals, uint64_t look)
{
	struct point **bucket = &locals->point[bucket_of(look)], *point;

	for (point = *bucket; point; point = point->next)
		if (point->look == look)
			return point;
	point = calloc(1, sizeof *point);
	if (!point)
		return NULL;
	point->look = look;
	if (!fill(locals, point)) {
		free_point(point);
		return NULL;
	}
	point->next = *bucket;
	*bucket = point;
	locals->points++;
	return point;
}

static void free_points(struct locals *locals, bool referred)
{
	for (size_t i = 0; i < POINT_BUCKETS; i++) {
		struct point **link = &locals->point[i];

		while (*link) {
			struct point *point = *link;

			if (!referred && point->references > 0) {
				link = &point->next;
				continue;
			}
			*link = point->next;
			free_point(point);
			locals->points--;
		}
	}
}

void points_trim(struct locals *locals)
{
	if (locals->points > POINTS_MOST)
		free_points(locals, false);
}

void points_forget(struct locals *locals)
{
	free_points(locals, true);
	while (locals->debugs) {
		struct debug *next = locals->debugs->next;

		names_free(locals->debugs->names);
		free(locals->debugs);
		locals->debugs = next;
	}
}
