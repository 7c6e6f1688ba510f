/* memory.c - memory that is no process's: bytes, and what files say; see memory.h. */
#include <tracer/memory.h>
#include <tracer/module.h>

#include <errno.h>
#include <gelf.h>
#include <string.h>

/* ---- Bytes ------------------------------------------------------------- */

static int read_rest(const struct memory_bytes *bytes, uint64_t address, uint8_t *buffer,
					 size_t length)
{
	if (length == 0)
		return 0;
	return bytes->rest ? memory_read(bytes->rest, address, buffer, length) : -ENODATA;
}

/* Three parts, each of which may be empty: before the bytes, of them, and behind them. */
static int read_bytes(void *data, uint64_t address, void *buffer, size_t length)
{
	const struct memory_bytes *bytes = data;
	uint8_t *to = buffer;
	size_t before = 0, inside = 0;
	int result;

	if (length > 0 && address + length - 1 < address)
		return -EFAULT;
	if (address < bytes->address)
		before = bytes->address - address < length ? (size_t)(bytes->address - address) : length;
	if (before < length && address + before - bytes->address < bytes->length) {
		size_t left = bytes->length - (size_t)(address + before - bytes->address);

		inside = left < length - before ? left : length - before;
	}
	result = read_rest(bytes, address, to, before);
	if (result < 0)
		return result;
	if (inside > 0)
		memcpy(to + before, (const uint8_t *)bytes->bytes + (address + before - bytes->address),
			   inside);
	return read_rest(bytes, address + before + inside, to + before + inside,
					 length - before - inside);
}

struct memory memory_of_bytes(struct memory_bytes *bytes)
{
	return (struct memory){.read = read_bytes, .data = bytes};
}

/* ---- Files ------------------------------------------------------------- */

static int read_file(struct module *module, uint64_t address, void *buffer, size_t length)
{
	Elf *elf = module_elf(module);
	size_t size, count;
	/* Mapped, not read, where that is possible. */
	const char *file = elf_rawfile(elf, &size);
	GElf_Phdr header;

	if (!file || elf_getphdrnum(elf, &count) != 0)
		return -ENODATA;
	for (size_t i = 0; i < count; i++) {
		uint64_t before;

		if (!gelf_getphdr(elf, (int)i, &header) || header.p_type != PT_LOAD ||
			header.p_flags & PF_W || address < header.p_vaddr)
			continue;
		before = address - header.p_vaddr;
		if (before >= header.p_filesz || length > header.p_filesz - before ||
			header.p_offset > size || header.p_filesz > size - header.p_offset)
			continue;
		memcpy(buffer, file + header.p_offset + before, length);
		return 0;
	}
	return -ENODATA;
}

static int read_files(void *data, uint64_t address, void *buffer, size_t length)
{
	struct symbols *symbols = data;
	struct symbols_module module;

	if (symbols_module_at(symbols, address, &module) < 0 || !module.module)
		return -ENODATA;
	return read_file(module.module, address - module.bias, buffer, length);
}

struct memory memory_of_files(struct symbols *symbols)
{
	return (struct memory){.read = read_files, .data = symbols};
}
