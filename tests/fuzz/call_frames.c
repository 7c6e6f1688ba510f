/*
 * call_frames.c - a file whose call frame information is any bytes.
 *
 *     u8 0: .eh_frame, 1: .debug_frame, 2: .eh_frame of a file without section headers, 3:
 * .eh_frame with any machine; u8, u8: where in its 64 KiB of code the walks begin, and their
 * distance; then the section
 *
 * Whatever it says, eight walks over a stack of addresses of its code and of the stack itself end.
 */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <tracer/memory.h>
#include <tracer/module.h>
#include <tracer/unwind.h>
#include "fuzz.h"

enum { WORDS = 128, ROOM = 16, WALKS = 8, CODE = 65536, HEADERS = 4096, SECTION_MOST = 1 << 16 };

#define BASE  UINT64_C(0x555555550000)
#define STACK UINT64_C(0x7f0000001000)

static struct symbols_module mapping = {
	.path = "any", .start = BASE, .end = BASE + CODE, .bias = BASE};

/* Instead of that in tracer/symbols. */
int symbols_module_at(struct symbols *symbols, uint64_t address, struct symbols_module *ret)
{
	if (address < mapping.start || address >= mapping.end)
		return -1;
	*ret = mapping;
	return 0;
}

static const char names[] = "\0.eh_frame\0.debug_frame\0.shstrtab";

/* One segment; and three sections: none, the one that is looked for, and names. */
static size_t make_file(uint8_t *file, unsigned kind, const uint8_t *section, size_t size)
{
	Elf64_Ehdr header = {
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_DYN,
		.e_machine = kind == 3 ? EM_AARCH64 : EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof header,
		.e_shoff = kind == 2 ? 0 : 1024,
		.e_ehsize = sizeof header,
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 2,
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = kind == 2 ? 0 : 3,
		.e_shstrndx = kind == 2 ? 0 : 2,
	};
	Elf64_Phdr segments[2] = {
		{.p_type = PT_LOAD,
		 .p_flags = PF_R | PF_X,
		 .p_filesz = HEADERS + size,
		 .p_memsz = CODE,
		 .p_align = 4096},
		{.p_type = PT_GNU_EH_FRAME,
		 .p_flags = PF_R,
		 .p_offset = 2048,
		 .p_vaddr = 2048,
		 .p_filesz = 8},
	};
	Elf64_Shdr sections[3] = {
		{0},
		{.sh_name = kind == 1 ? 11 : 1,
		 .sh_type = SHT_PROGBITS,
		 .sh_flags = kind == 1 ? 0 : SHF_ALLOC,
		 .sh_addr = kind == 1 ? 0 : HEADERS,
		 .sh_offset = HEADERS,
		 .sh_size = size,
		 .sh_addralign = 1},
		{.sh_name = 24,
		 .sh_type = SHT_STRTAB,
		 .sh_offset = 3072,
		 .sh_size = sizeof names,
		 .sh_addralign = 1},
	};
	const uint8_t eh_frame_hdr[8] = {
		1, 0x1b, 0xff, 0xff, (HEADERS - 2052) & 255, (HEADERS - 2052) >> 8};

	memset(file, 0, HEADERS);
	memcpy(file, &header, sizeof header);
	memcpy(file + sizeof header, segments, sizeof segments);
	memcpy(file + 1024, sections, sizeof sections);
	memcpy(file + 2048, eh_frame_hdr, sizeof eh_frame_hdr);
	memcpy(file + 3072, names, sizeof names);
	memcpy(file + HEADERS, section, size);
	return HEADERS + size;
}

static void walk(struct unwinder *unwinder, uint64_t pc)
{
	static uint64_t words[WORDS];
	struct memory_bytes bytes = {.address = STACK, .bytes = words, .length = sizeof words};
	struct memory memory = memory_of_bytes(&bytes);
	struct unwind_registers registers = {.known =
											 1u << 3 | 1u << 6 | 1u << 7 | 15u << 12 | 1u << 16};
	struct unwind_frame frames[ROOM];
	enum unwind_end end;

	for (size_t i = 0; i < WORDS; i++)
		words[i] = i % 2 ? BASE + i * 256 : STACK + i * 8 + 16;
	for (size_t i = 0; i < UNWIND_REGISTERS; i++)
		registers.value[i] = STACK + 64 + i * 8;
	registers.value[UNWIND_REGISTER_SP] = STACK + 8;
	registers.value[UNWIND_REGISTER_PC] = pc;
	if (unwind(unwinder, &memory, &registers, frames, ROOM, &end) < 1)
		abort();
	for (int i = 0; i < UNWIND_REGISTERS; i++)
		if (frames[0].registers.value[i] != registers.value[i])
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t file[HEADERS + SECTION_MOST];
	static struct unwinder *unwinder;
	static int memory = -1;
	char path[64];
	size_t length;

	if (size < 3 || size - 3 > SECTION_MOST)
		return 0;
	if (memory < 0 &&
		((memory = memfd_create("any", MFD_CLOEXEC)) < 0 || unwinder_new(NULL, &unwinder) < 0))
		abort();
	length = make_file(file, data[0] & 3, data + 3, size - 3);
	if (ftruncate(memory, 0) < 0 || pwrite(memory, file, length, 0) != (ssize_t)length)
		abort();
	snprintf(path, sizeof path, "/proc/self/fd/%d", memory);
	if (module_open("any", path, &mapping.module) < 0)
		return 0;
	for (unsigned i = 0; i < WALKS; i++)
		walk(unwinder, BASE + data[1] * 256u + i * data[2]);
	unwinder_forget(unwinder);
	module_close(mapping.module);
	return 0;
}
