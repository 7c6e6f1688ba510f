/* call_frame_file.c - an ELF file that holds nothing but call frame information. */
#include "call_frame_file.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SECTION_MOST = 1 << 17 };

static const char names[] = "\0.eh_frame\0.debug_frame\0.shstrtab";

/* One segment; and three sections: none, the one that is looked for, and names. */
static size_t make_file(uint8_t *file, enum call_frame_kind kind, const uint8_t *section,
						size_t size)
{
	Elf64_Ehdr header = {
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_DYN,
		.e_machine = kind == CALL_FRAME_FOREIGN ? EM_AARCH64 : EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof header,
		.e_shoff = kind == CALL_FRAME_NO_SECTIONS ? 0 : 1024,
		.e_ehsize = sizeof header,
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 2,
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = kind == CALL_FRAME_NO_SECTIONS ? 0 : 3,
		.e_shstrndx = kind == CALL_FRAME_NO_SECTIONS ? 0 : 2,
	};
	Elf64_Phdr segments[2] = {
		{.p_type = PT_LOAD,
		 .p_flags = PF_R | PF_X,
		 .p_filesz = CALL_FRAME_ADDRESS + size,
		 .p_memsz = CALL_FRAME_CODE,
		 .p_align = 4096},
		{.p_type = PT_GNU_EH_FRAME,
		 .p_flags = PF_R,
		 .p_offset = 2048,
		 .p_vaddr = 2048,
		 .p_filesz = 8},
	};
	Elf64_Shdr sections[3] = {
		{0},
		{.sh_name = kind == CALL_FRAME_DEBUG ? 11 : 1,
		 .sh_type = SHT_PROGBITS,
		 .sh_flags = kind == CALL_FRAME_DEBUG ? 0 : SHF_ALLOC,
		 .sh_addr = kind == CALL_FRAME_DEBUG ? 0 : CALL_FRAME_ADDRESS,
		 .sh_offset = CALL_FRAME_ADDRESS,
		 .sh_size = size,
		 .sh_addralign = 1},
		{.sh_name = 24,
		 .sh_type = SHT_STRTAB,
		 .sh_offset = 3072,
		 .sh_size = sizeof names,
		 .sh_addralign = 1},
	};
	const uint8_t eh_frame_hdr[8] = {
		1, 0x1b, 0xff, 0xff, (CALL_FRAME_ADDRESS - 2052) & 255, (CALL_FRAME_ADDRESS - 2052) >> 8};

	memset(file, 0, CALL_FRAME_ADDRESS);
	memcpy(file, &header, sizeof header);
	memcpy(file + sizeof header, segments, sizeof segments);
	memcpy(file + 1024, sections, sizeof sections);
	memcpy(file + 2048, eh_frame_hdr, sizeof eh_frame_hdr);
	memcpy(file + 3072, names, sizeof names);
	memcpy(file + CALL_FRAME_ADDRESS, section, size);
	return CALL_FRAME_ADDRESS + size;
}

int call_frame_file(enum call_frame_kind kind, const uint8_t *section, size_t size,
					struct module **ret)
{
	static uint8_t file[CALL_FRAME_ADDRESS + SECTION_MOST];
	static int memory = -1;
	char path[64];
	size_t length;

	if (size > SECTION_MOST)
		return -E2BIG;
	if (memory < 0 && (memory = memfd_create("call_frames", MFD_CLOEXEC)) < 0)
		return -errno;
	length = make_file(file, kind, section, size);
	if (ftruncate(memory, 0) < 0 || pwrite(memory, file, length, 0) != (ssize_t)length)
		return -errno;
	snprintf(path, sizeof path, "/proc/self/fd/%d", memory);
	return module_open("call_frames", path, ret);
}
