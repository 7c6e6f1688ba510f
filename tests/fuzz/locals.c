/*
 * locals.c - any debug information, any registers and memory, and any expression that is printed.
 *
 * The input:
 *     u8 length, the text of an expression
 *     u8 length of .debug_abbrev; 0: that and .debug_info are made here, and have one function with
 * a variable of each type, whose location is all that is left of the input u8 registers that are
 * known, by threes the rest: .debug_info, behind the abbreviations Memory begins at MEMORY and is
 * the whole input; beyond that it is missing, for one reason or the other.
 */
#include <dwarf.h>
#include <elf.h>
#include <errno.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "fuzz.h"
#include "../../tracer/symbols/point.h"
#include "../../tracer/symbols/scopes.h"
#include "../../tracer/symbols/units.h"

enum { MEMORY = 0x1000, LOW = 0x400, HIGH = 0x800, LOOK = 0x500, IMAGE_MOST = 1 << 17 };

struct bytes {
	const uint8_t *data;
	size_t size;
};

/* ---- Memory ------------------------------------------------------------ */

static int read_memory(void *data, uint64_t address, void *buffer, size_t length)
{
	const struct bytes *bytes = data;

	if (address >= MEMORY && address - MEMORY <= bytes->size &&
		length <= bytes->size - (address - MEMORY)) {
		memcpy(buffer, bytes->data + (address - MEMORY), length);
		return 0;
	}
	return address & 1 ? -EFAULT : -ENODATA;
}

/* ---- An ELF file in memory --------------------------------------------- */

struct image {
	size_t length;
	_Alignas(16) uint8_t data[IMAGE_MOST];
};

static size_t put(struct image *image, const void *data, size_t size)
{
	size_t at = image->length;

	if (size > IMAGE_MOST - at)
		size = IMAGE_MOST - at;
	memcpy(image->data + at, data, size);
	image->length = at + size;
	return at;
}

static void put_section(struct image *image, Elf64_Shdr *header, uint32_t name, const void *data,
						size_t size)
{
	*header = (Elf64_Shdr){.sh_name = name, .sh_type = SHT_PROGBITS, .sh_addralign = 1};
	header->sh_offset = put(image, data, size);
	header->sh_size = image->length - header->sh_offset;
}

static void compose(struct image *image, struct bytes abbreviations, struct bytes info)
{
	static const char names[] = "\0.debug_abbrev\0.debug_info\0.debug_str\0.debug_loc\0.shstrtab";
	Elf64_Shdr section[6] = {{0}};
	Elf64_Ehdr header = {
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_ehsize = sizeof header,
		.e_shentsize = sizeof *section,
		.e_shnum = 6,
		.e_shstrndx = 5,
	};

	image->length = 0;
	put(image, &header, sizeof header);
	put_section(image, &section[1], 1, abbreviations.data, abbreviations.size);
	put_section(image, &section[2], 15, info.data, info.size);
	put_section(image, &section[3], 27, info.data, info.size);
	put_section(image, &section[4], 38, info.data, info.size);
	put_section(image, &section[5], 49, names, sizeof names);
	section[5].sh_type = SHT_STRTAB;
	image->length = (image->length + 15) / 16 * 16;
	header.e_shoff = put(image, section, sizeof section);
	memcpy(image->data, &header, sizeof header);
}

/* ---- Debug information around a location ------------------------------- */

/* clang-format off */
static const uint8_t made_abbreviations[] = {
	1, DW_TAG_compile_unit, 1, DW_AT_low_pc, DW_FORM_addr, DW_AT_high_pc, DW_FORM_data4, 0, 0,
	2, DW_TAG_subprogram, 1, DW_AT_name, DW_FORM_string, DW_AT_low_pc, DW_FORM_addr,
	DW_AT_high_pc, DW_FORM_data4, DW_AT_frame_base, DW_FORM_exprloc, 0, 0,
	3, DW_TAG_variable, 0, DW_AT_name, DW_FORM_string, DW_AT_type, DW_FORM_ref4, DW_AT_location,
	DW_FORM_exprloc, 0, 0,
	4, DW_TAG_base_type, 0, DW_AT_byte_size, DW_FORM_data1, DW_AT_encoding, DW_FORM_data1, 0, 0,
	5, DW_TAG_pointer_type, 0, DW_AT_type, DW_FORM_ref4, 0, 0,
	6, DW_TAG_structure_type, 1, DW_AT_name, DW_FORM_string, DW_AT_byte_size, DW_FORM_data1, 0, 0,
	7, DW_TAG_member, 0, DW_AT_name, DW_FORM_string, DW_AT_type, DW_FORM_ref4,
	DW_AT_data_member_location, DW_FORM_data1, 0, 0,
	8, DW_TAG_array_type, 1, DW_AT_type, DW_FORM_ref4, 0, 0,
	9, DW_TAG_subrange_type, 0, DW_AT_upper_bound, DW_FORM_exprloc, 0, 0,
	0,
};
/* clang-format on */

static void put_number(struct image *image, uint64_t number, size_t size)
{
	put(image, &number, size);
}

static void put_expression(struct image *image, struct bytes expression)
{
	size_t length = expression.size;

	do
		put_number(image, (length & 0x7f) | (length > 0x7f ? 0x80 : 0), 1);
	while ((length >>= 7) > 0);
	put(image, expression.data, expression.size);
}

static void put_string(struct image *image, const char *text)
{
	put(image, text, strlen(text) + 1);
}

static struct bytes make_info(struct image *image, struct bytes location)
{
	static const uint8_t breg6[] = {DW_OP_breg0 + 6, 0};
	static const struct {
		uint8_t size, encoding;
	} base[] = {{4, DW_ATE_signed}, {8, DW_ATE_unsigned}, {1, DW_ATE_boolean},
				{4, DW_ATE_float},  {8, DW_ATE_float},    {16, DW_ATE_signed}};
	uint32_t type[16], types = 0, length;

	image->length = 0;
	put_number(image, 0, 4);
	put_number(image, 4, 2);
	put_number(image, 0, 4);
	put_number(image, 8, 1);
	put_number(image, 1, 1);
	put_number(image, LOW, 8);
	put_number(image, HIGH - LOW, 4);
	for (size_t i = 0; i < sizeof base / sizeof *base; i++) {
		type[types++] = (uint32_t)image->length;
		put_number(image, 4, 1);
		put_number(image, base[i].size, 1);
		put_number(image, base[i].encoding, 1);
	}
	type[types++] = (uint32_t)image->length;
	put_number(image, 5, 1);
	put_number(image, type[0], 4);
	type[types++] = (uint32_t)image->length;
	put_number(image, 6, 1);
	put_string(image, "coro_value");
	put_number(image, 16, 1);
	for (unsigned i = 0; i < 2; i++) {
		put_number(image, 7, 1);
		put_string(image, i ? "integer" : "tag");
		put_number(image, type[1], 4);
		put_number(image, i * 8, 1);
	}
	put_number(image, 0, 1);
	type[types++] = (uint32_t)image->length;
	put_number(image, 8, 1);
	put_number(image, type[0], 4);
	put_number(image, 9, 1);
	put_expression(image, location);
	put_number(image, 0, 1);
	type[types++] = (uint32_t)image->length;
	put_number(image, 5, 1);
	put_number(image, type[7], 4);
	put_number(image, 2, 1);
	put_string(image, "function");
	put_number(image, LOW, 8);
	put_number(image, HIGH - LOW, 4);
	put_expression(image, (struct bytes){breg6, sizeof breg6});
	for (unsigned i = 0; i < types; i++) {
		char name[] = {(char)('a' + i), 0};

		put_number(image, 3, 1);
		put_string(image, name);
		put_number(image, type[i], 4);
		put_expression(image, location);
	}
	put_number(image, 0, 2);
	length = (uint32_t)image->length - 4;
	memcpy(image->data, &length, sizeof length);
	return (struct bytes){image->data, image->length};
}

/* ---- The target -------------------------------------------------------- */

static struct locals *get_locals(void)
{
	static struct locals *locals;
	static struct symbols *symbols;
	struct trace_meta meta = {.program = "fuzz", .arguments = "", .clock_hz = 1000000000};
	char path[] = "/tmp/coroscope-fuzz-XXXXXX";
	struct trace *trace;
	int file;

	if (locals)
		return locals;
	file = mkstemp(path);
	if (file < 0 || close(file) < 0 || unlink(path) < 0 || trace_create(path, &meta, &trace) < 0)
		abort();
	unlink(path);
	if (symbols_new(trace, false, &symbols) < 0 || locals_new(symbols, &locals) < 0)
		abort();
	return locals;
}

/* What a walk to the function finds, as one frame. */
static struct point *find_point(struct locals *locals, Dwarf *dwarf)
{
	struct point *point = point_at(locals, LOOK);
	struct units *units = NULL;
	struct scopes scopes;
	struct unit unit;

	if (units_new(dwarf, &units) < 0 || !units_find(units, LOOK, &unit)) {
		units_free(units);
		return NULL;
	}
	units_free(units);
	scopes_find(&unit.tree, LOOK, &scopes);
	if (scopes.count == 0)
		return NULL;
	for (unsigned i = 0; i < scopes.count; i++)
		(void)scope_declared(&scopes.die[i]);
	point->scope = malloc(scopes.count * sizeof *point->scope);
	memcpy(point->scope, scopes.die, scopes.count * sizeof *point->scope);
	point->scope_count = point->frame[0].scope_end = scopes.count;
	point->unit = unit.die;
	point->tree = unit.tree;
	point->address = LOOK;
	point->debug = locals->debugs;
	return point;
}

/* Everything that a view tells, down to some depth. */
static void look_at(struct locals_view *view, const struct locals_value *value, unsigned depth)
{
	static const struct locals_format format = {.depth = 4, .elements = 8, .characters = 32};
	const uint8_t *bytes, *known;
	char text[512];
	size_t count = locals_bytes(view, value, &bytes, &known);

	if (count > LOCALS_BYTES_MOST ||
		locals_text(view, value, &format, text, sizeof text) >= sizeof text)
		abort();
	for (uint64_t i = 0; depth > 0 && i < value->children && i < 4; i++) {
		const struct locals_value *child;

		if (locals_child(view, value, i, &child) == 0)
			look_at(view, child, depth - 1);
	}
}

static void look(struct locals *locals, const struct locals_stack *stack, const char *expression)
{
	const struct locals_variable *variable;
	const struct locals_value *value;
	struct locals_mistake mistake;
	struct locals_view *view;
	size_t count;

	if (locals_view_new(locals, stack, 0, 0, &view) < 0)
		return;
	variable = locals_variables(view, &count);
	for (size_t i = 0; i < count && i < 32; i++)
		look_at(view, variable[i].value, 2);
	if (locals_evaluate(view, expression, &value, &mistake) == 0)
		look_at(view, value, 2);
	else if (mistake.at > strlen(expression))
		abort();
	locals_view_free(view);
}

static struct bytes take(struct bytes *input, size_t most)
{
	struct bytes taken = {input->data, 0};
	size_t length;

	if (input->size == 0)
		return taken;
	length = input->data[0] < most ? input->data[0] : most;
	if (length > input->size - 1)
		length = input->size - 1;
	taken = (struct bytes){input->data + 1, length};
	input->data += 1 + length;
	input->size -= 1 + length;
	return taken;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct image image, made;
	struct locals *locals = get_locals();
	struct bytes all = {data, size}, input = all, text, abbreviations;
	struct memory memory = {.read = read_memory, .data = &all};
	struct unwind_frame frame[2] = {{.pc = LOOK + 1, .look = LOOK, .cfa = MEMORY + 16}};
	struct locals_stack stack = {.memory = &memory, .frame = frame, .count = 2};
	char expression[256] = "";
	Dwarf *dwarf;
	Elf *elf;

	if (size > 4096)
		return 0;
	text = take(&input, 255);
	memcpy(expression, text.data, text.size);
	abbreviations = take(&input, 255);
	for (unsigned i = 0; i < UNWIND_REGISTERS; i++)
		frame[0].registers.value[i] = MEMORY + i * 8;
	if (input.size > 0) {
		frame[0].registers.known = (uint32_t)input.data[0] << 3 | 0x41;
		input.data++;
		input.size--;
	}
	/* Whoever called it was called from the same place. */
	frame[1] = frame[0];

	if (abbreviations.size == 0) {
		if (input.size > 1024)
			input.size = 1024;
		abbreviations = (struct bytes){made_abbreviations, sizeof made_abbreviations};
		input = make_info(&made, input);
	}
	compose(&image, abbreviations, input);
	elf_version(EV_CURRENT);
	elf = elf_memory((char *)image.data, image.length);
	dwarf = elf ? dwarf_begin_elf(elf, DWARF_C_READ, NULL) : NULL;
	if (dwarf) {
		locals->debugs = calloc(1, sizeof *locals->debugs);
		locals->debugs->dwarf = dwarf;
		if (find_point(locals, dwarf))
			look(locals, &stack, expression);
		locals_forget(locals);
	}
	dwarf_end(dwarf);
	elf_end(elf);
	return 0;
}
