/* module.c - one ELF file through libdwfl; see module.h. */
#include <tracer/module.h>
#include "lines.h"
#include "units.h"

#include <elfutils/libdwfl.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A Dwfl of its own for each file: its addresses are then the file's own, plus `bias`,
 * and nothing depends on where the program has it, or on whether it still runs. */
struct module {
	Dwfl *dwfl;               /* owned */
	Dwfl_Module *dwfl_module; /* of dwfl */
	Elf *elf;                 /* of dwfl */
	GElf_Addr bias;           /* dwfl's address = bias + the file's */
	struct lines *lines;      /* owned; NULL: not asked for yet, or there are none */
	GElf_Addr lines_bias;     /* dwfl's address = lines_bias + DWARF's */
	bool lines_asked;
	struct timespec time;
};

static int no_elf(Dwfl_Module *module, void **data, const char *name, Dwarf_Addr base,
				  char **file_name, Elf **elf)
{
	return -1; /* it is given when the module is reported */
}

static const Dwfl_Callbacks callbacks = {
	.find_elf = no_elf,
	.find_debuginfo = dwfl_standard_find_debuginfo,
};

static int open_file(const char *path, const char *open_path, int flags, struct module **ret)
{
	struct module *module;
	struct stat status;
	int fd = open(open_path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | flags);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)) {
		close(fd);
		return -EINVAL;
	}
	/* So are the files of /proc, which are best not read. */
	if (status.st_size == 0) {
		close(fd);
		return -ENOEXEC;
	}
	module = calloc(1, sizeof *module);
	if (module)
		module->dwfl = dwfl_begin(&callbacks);
	if (!module || !module->dwfl) {
		close(fd);
		free(module);
		return -ENOMEM;
	}
	module->time = status.st_mtim;
	dwfl_report_begin(module->dwfl);
	/* Takes the descriptor, if it succeeds. */
	module->dwfl_module = dwfl_report_elf(module->dwfl, path, path, fd, 0, false);
	dwfl_report_end(module->dwfl, NULL, NULL);
	if (module->dwfl_module)
		module->elf = dwfl_module_getelf(module->dwfl_module, &module->bias);
	else
		close(fd);
	if (!module->elf) {
		module_close(module);
		return -ENOEXEC;
	}
	*ret = module;
	return 0;
}

int module_open(const char *path, const char *open_path, struct module **ret)
{
	return open_file(path, open_path, 0, ret);
}

int module_open_built(const char *path, const uint8_t *build_id, size_t length, struct module **ret)
{
	struct module *module = NULL;
	int result = open_file(path, path, O_NOFOLLOW, &module);
	const unsigned char *found;
	GElf_Addr address;

	if (result < 0)
		return result;
	result = dwfl_module_build_id(module->dwfl_module, &found, &address);
	if (result <= 0 || (size_t)result != length || memcmp(found, build_id, length) != 0) {
		module_close(module);
		return -ESTALE;
	}
	*ret = module;
	return 0;
}

void module_close(struct module *module)
{
	if (!module)
		return;
	lines_free(module->lines);
	dwfl_end(module->dwfl);
	free(module);
}

struct timespec module_time(const struct module *module)
{
	return module->time;
}

size_t module_build_id(struct module *module, uint8_t *ret, size_t room)
{
	const unsigned char *bits;
	GElf_Addr address;
	int length = dwfl_module_build_id(module->dwfl_module, &bits, &address);

	if (length <= 0)
		return 0;
	if ((size_t)length > room)
		length = (int)room;
	memcpy(ret, bits, (size_t)length);
	return (size_t)length;
}

/* The i-th loaded segment; false past the end. Others have p_type changed to PT_NULL. */
static bool segment(struct module *module, size_t i, GElf_Phdr *ret)
{
	size_t count;

	if (elf_getphdrnum(module->elf, &count) != 0 || i >= count ||
		!gelf_getphdr(module->elf, (int)i, ret))
		return false;
	if (ret->p_type != PT_LOAD)
		ret->p_type = PT_NULL;
	return true;
}

bool module_address_of(struct module *module, uint64_t offset, uint64_t *ret)
{
	GElf_Phdr header;

	for (size_t i = 0; segment(module, i, &header); i++) {
		/* A mapping begins with the page of its segment. */
		uint64_t before = header.p_vaddr & 4095;

		if (header.p_type == PT_LOAD && header.p_flags & PF_X &&
			offset + before >= header.p_offset && offset < header.p_offset + header.p_filesz) {
			*ret = header.p_vaddr + (offset - header.p_offset);
			return true;
		}
	}
	return false;
}

bool module_is_code(struct module *module, uint64_t address)
{
	GElf_Phdr header;

	for (size_t i = 0; segment(module, i, &header); i++)
		if (header.p_type == PT_LOAD && header.p_flags & PF_X && address >= header.p_vaddr &&
			address - header.p_vaddr < header.p_memsz)
			return true;
	return false;
}

Elf *module_elf(struct module *module)
{
	return module->elf;
}

Dwarf *module_dwarf(struct module *module, int64_t *ret_bias)
{
	GElf_Addr bias;
	Dwarf *dwarf = dwfl_module_getdwarf(module->dwfl_module, &bias);

	*ret_bias = dwarf ? (int64_t)(module->bias - bias) : 0;
	return dwarf;
}

static struct lines *get_lines(struct module *module)
{
	Dwarf *dwarf;

	if (module->lines_asked)
		return module->lines;
	module->lines_asked = true;
	dwarf = dwfl_module_getdwarf(module->dwfl_module, &module->lines_bias);
	if (dwarf && lines_new(dwarf, &module->lines) < 0)
		module->lines = NULL;
	return module->lines;
}

bool module_unit(struct module *module, uint64_t address, Dwarf_Die *ret_unit, Dwarf_Die *ret_tree)
{
	struct lines *lines = get_lines(module);
	struct unit unit;

	if (!lines ||
		!units_find(lines_units(lines), address + module->bias - module->lines_bias, &unit))
		return false;
	*ret_unit = unit.die;
	*ret_tree = unit.tree;
	return true;
}

void module_directories(struct module *module, void (*each)(void *data, const char *directory),
						void *data)
{
	struct lines *lines = get_lines(module);

	if (lines)
		lines_directories(lines, each, data);
}

int module_place(struct module *module, uint64_t address, struct module_place *ret)
{
	struct module_place place = {0};
	struct lines_place found;
	struct lines *lines = get_lines(module);
	GElf_Off offset;
	GElf_Sym symbol;

	if (lines && lines_find(lines, address + module->bias - module->lines_bias, &found) == 0) {
		place.function = found.function;
		place.file = found.file;
		place.directory = found.directory;
		place.line = found.line;
	}
	if (!place.function || !place.file) {
		const char *name = dwfl_module_addrinfo(module->dwfl_module, address + module->bias,
												&offset, &symbol, NULL, NULL, NULL);

		if (name && !place.function)
			place.function = name;
		if (name)
			place.offset = offset;
	}
	if (!place.function && !place.file)
		return -ENOENT;
	*ret = place;
	return 0;
}
