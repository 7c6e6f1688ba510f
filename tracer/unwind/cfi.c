/* cfi.c - the call frame information of one ELF file; see cfi.h. */
#include "cfi.h"
#include "bytes.h"
#include "program.h"

#include <dwarf.h>
#include <errno.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>

/* What a CIE says, as far as it is needed to read its FDEs. */
struct cie {
	Dwarf_Off offset;
	Dwarf_CIE cie;
	uint8_t encoding; /* DW_EH_PE_*, of an FDE's addresses */
	bool sized;       /* its FDEs have augmentation data, with a length before it */
	bool signal_frame;
	bool good;    /* its program may be run */
	bool defined; /* and says where the frame is */
};

/* A row of the table. */
struct row {
	uint64_t start, end;
	Dwarf_Off offset; /* of the FDE */
};

/* .eh_frame or .debug_frame. */
struct section {
	Elf_Data *data; /* of the file; NULL: there is none */
	bool eh;
	uint64_t address; /* of its first byte: what is relative to its place is relative to this */
	uint64_t bias;    /* its addresses = the file's own + bias */
	struct cie *cie;  /* owned; sorted by offset */
	size_t cie_count;
	struct row *row; /* owned; sorted by start */
	size_t row_count;
};

struct cfi {
	struct module *module; /* borrowed, outlives it */
	struct section eh, debug;
	bool debug_asked;
};

/* More than these are not looked at. */
enum { CIES_MOST = 1 << 20, ROWS_MOST = 4 << 20 };

static const unsigned char ident[EI_NIDENT] = {
	ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT,
};

/* ---- Finding the sections ---------------------------------------------- */

/* The section of that name and its header; NULL: there is none, or it has no bytes. */
static Elf_Data *section_named(Elf *elf, const char *name, GElf_Shdr *ret_header)
{
	Elf_Scn *scn = NULL;
	size_t names;

	if (elf_getshdrstrndx(elf, &names) != 0)
		return NULL;
	while ((scn = elf_nextscn(elf, scn))) {
		const char *found;

		if (!gelf_getshdr(scn, ret_header) || ret_header->sh_type == SHT_NOBITS ||
			ret_header->sh_flags & SHF_COMPRESSED)
			continue;
		found = elf_strptr(elf, names, ret_header->sh_name);
		if (found && strcmp(found, name) == 0)
			return elf_rawdata(scn, NULL);
	}
	return NULL;
}

/* From an address to the end of the loaded segment that has it. */
static Elf_Data *segment_from(Elf *elf, uint64_t address)
{
	GElf_Phdr header;
	size_t count;

	if (elf_getphdrnum(elf, &count) != 0)
		return NULL;
	for (size_t i = 0; i < count; i++)
		if (gelf_getphdr(elf, (int)i, &header) && header.p_type == PT_LOAD &&
			address >= header.p_vaddr && address - header.p_vaddr < header.p_filesz) {
			uint64_t before = address - header.p_vaddr;

			return elf_getdata_rawchunk(elf, (int64_t)(header.p_offset + before),
										header.p_filesz - before, ELF_T_BYTE);
		}
	return NULL;
}

/* .eh_frame of a file that has no section headers: .eh_frame_hdr says where it is. */
static Elf_Data *eh_frame_of_header(Elf *elf, uint64_t *ret_address)
{
	GElf_Phdr header;
	size_t count;

	if (elf_getphdrnum(elf, &count) != 0)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		Elf_Data *data;
		const uint8_t *at;
		int32_t distance;

		if (!gelf_getphdr(elf, (int)i, &header) || header.p_type != PT_GNU_EH_FRAME)
			continue;
		data = segment_from(elf, header.p_vaddr);
		if (!data || data->d_size < 8)
			return NULL;
		at = data->d_buf;
		if (at[0] != 1 || at[1] != (DW_EH_PE_pcrel | DW_EH_PE_sdata4))
			return NULL;
		memcpy(&distance, at + 4, sizeof distance);
		*ret_address = header.p_vaddr + 4 + (uint64_t)(int64_t)(int32_t)le32toh((uint32_t)distance);
		return segment_from(elf, *ret_address);
	}
	return NULL;
}

/* ---- Reading entries --------------------------------------------------- */

/* A pointer of .eh_frame, in one of the encodings that do not need to know a running program. */
static uint64_t read_pointer(const struct section *section, struct bytes *bytes, uint8_t encoding)
{
	uint64_t place = section->address + (uint64_t)(bytes->at - (uint8_t *)section->data->d_buf);
	uint64_t value = 0;

	switch (encoding & 0x0f) {
	case DW_EH_PE_absptr:
	case DW_EH_PE_udata8:
	case DW_EH_PE_sdata8:
		value = bytes_fixed(bytes, 8);
		break;
	case DW_EH_PE_udata4:
		value = bytes_fixed(bytes, 4);
		break;
	case DW_EH_PE_sdata4:
		value = (uint64_t)(int64_t)(int32_t)bytes_fixed(bytes, 4);
		break;
	case DW_EH_PE_udata2:
		value = bytes_fixed(bytes, 2);
		break;
	case DW_EH_PE_sdata2:
		value = (uint64_t)(int64_t)(int16_t)bytes_fixed(bytes, 2);
		break;
	case DW_EH_PE_uleb128:
		value = bytes_uleb128(bytes);
		break;
	case DW_EH_PE_sleb128:
		value = (uint64_t)bytes_sleb128(bytes);
		break;
	default:
		bytes->bad = true;
	}
	switch (encoding & 0xf0) {
	case 0:
		return value;
	case DW_EH_PE_pcrel:
		return place + value;
	default:
		bytes->bad = true;
		return 0;
	}
}

/* What the letters of the augmentation say. false: they cannot be understood. */
static bool read_augmentation(const struct section *section, struct cie *cie)
{
	const char *letter = cie->cie.augmentation;
	struct bytes data = {
		.at = cie->cie.augmentation_data,
		.end = cie->cie.augmentation_data + cie->cie.augmentation_data_size,
	};

	cie->encoding = DW_EH_PE_absptr;
	if (*letter == 0)
		return true;
	if (*letter != 'z' || !data.at)
		return false;
	cie->sized = true;
	while (*++letter) {
		switch (*letter) {
		case 'L':
			(void)bytes_fixed(&data, 1);
			break;
		case 'R':
			cie->encoding = (uint8_t)bytes_fixed(&data, 1);
			break;
		case 'P': {
			uint8_t encoding = (uint8_t)bytes_fixed(&data, 1);

			/* Whoever handles exceptions does not matter, only how long it is. */
			(void)read_pointer(section, &data, encoding & 0x0f);
			break;
		}
		case 'S':
			cie->signal_frame = true;
			break;
		default:
			return false;
		}
	}
	return !data.bad;
}

static void read_cie(const struct section *section, struct cie *cie)
{
	const Dwarf_CIE *entry = &cie->cie;

	cie->good =
		entry->return_address_register == 16 && read_augmentation(section, cie) &&
		program_check(entry->initial_instructions,
					  (size_t)(entry->initial_instructions_end - entry->initial_instructions),
					  &cie->defined);
}

static int compare_cies(const void *a, const void *b)
{
	const struct cie *left = a, *right = b;

	return (left->offset > right->offset) - (left->offset < right->offset);
}

static const struct cie *find_cie(const struct section *section, Dwarf_Off offset)
{
	struct cie key = {.offset = offset};
	const struct cie *found =
		section->cie_count == 0
			? NULL
			: bsearch(&key, section->cie, section->cie_count, sizeof key, compare_cies);

	return found && found->good ? found : NULL;
}

/* The code that an FDE is about; *ret_rest: what follows. false: none, or it is bad. */
static bool read_fde(const struct section *section, const Dwarf_FDE *fde, const struct cie *cie,
					 struct row *row, struct bytes *ret_rest)
{
	struct bytes bytes = {.at = fde->start, .end = fde->end};
	uint64_t length;

	row->start = read_pointer(section, &bytes, cie->encoding) - section->bias;
	length = read_pointer(section, &bytes, cie->encoding & 0x0f);
	row->end = row->start + length;
	if (cie->sized)
		(void)bytes_skip(&bytes, bytes_uleb128(&bytes));
	*ret_rest = bytes;
	return !bytes.bad && row->start < row->end;
}

/* ---- The table --------------------------------------------------------- */

static int add_cie(struct section *section, size_t *room, Dwarf_Off offset, const Dwarf_CIE *cie)
{
	if (section->cie_count == *room) {
		size_t more = *room ? *room * 2 : 16;
		struct cie *grown = reallocarray(section->cie, more, sizeof *grown);

		if (!grown)
			return -ENOMEM;
		section->cie = grown;
		*room = more;
	}
	section->cie[section->cie_count] = (struct cie){.offset = offset, .cie = *cie};
	read_cie(section, &section->cie[section->cie_count++]);
	return 0;
}

static int add_row(struct section *section, size_t *room, const struct row *row)
{
	if (section->row_count == *room) {
		size_t more = *room ? *room * 2 : 256;
		struct row *grown = reallocarray(section->row, more, sizeof *grown);

		if (!grown)
			return -ENOMEM;
		section->row = grown;
		*room = more;
	}
	section->row[section->row_count++] = *row;
	return 0;
}

static int compare_rows(const void *a, const void *b)
{
	const struct row *left = a, *right = b;

	return (left->start > right->start) - (left->start < right->start);
}

/* Calls `each` with each entry, up to one that cannot be read. */
static int walk(struct section *section,
				int (*each)(struct section *section, size_t *room, Dwarf_Off offset,
							const Dwarf_CFI_Entry *entry))
{
	Dwarf_CFI_Entry entry;
	size_t room = 0;
	int result = 0;

	for (Dwarf_Off at = 0, next = 0; result == 0; at = next) {
		int got = dwarf_next_cfi(ident, section->data, section->eh, at, &next, &entry);

		/* The end; or an entry that cannot be read, and perhaps not even what follows it. */
		if (got > 0 || next <= at)
			break;
		if (got == 0)
			result = each(section, &room, at, &entry);
	}
	return result;
}

static int each_cie(struct section *section, size_t *room, Dwarf_Off offset,
					const Dwarf_CFI_Entry *entry)
{
	if (!dwarf_cfi_cie_p((Dwarf_CFI_Entry *)entry) || section->cie_count == CIES_MOST)
		return 0;
	return add_cie(section, room, offset, &entry->cie);
}

static int each_fde(struct section *section, size_t *room, Dwarf_Off offset,
					const Dwarf_CFI_Entry *entry)
{
	struct row row = {.offset = offset};
	const struct cie *cie;
	struct bytes rest;

	if (dwarf_cfi_cie_p((Dwarf_CFI_Entry *)entry) || section->row_count == ROWS_MOST)
		return 0;
	cie = find_cie(section, entry->fde.CIE_pointer);
	if (!cie || !read_fde(section, &entry->fde, cie, &row, &rest))
		return 0;
	return add_row(section, room, &row);
}

/* The entries of .eh_frame refer to CIEs before them, those of .debug_frame to any. */
static int make_table(struct section *section)
{
	int result;

	if (!section->data)
		return 0;
	result = walk(section, each_cie);
	if (result == 0)
		result = walk(section, each_fde);
	if (section->row_count > 0)
		qsort(section->row, section->row_count, sizeof *section->row, compare_rows);
	return result;
}

static const struct row *find_row(const struct section *section, uint64_t address)
{
	size_t low = 0, high = section->row_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (section->row[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || address >= section->row[low - 1].end)
		return NULL;
	return &section->row[low - 1];
}

/* ---- Life cycle, and finding ------------------------------------------- */

static int open_debug_frame(struct cfi *cfi)
{
	GElf_Shdr header;
	int64_t bias;
	Dwarf *dwarf = module_dwarf(cfi->module, &bias);
	/* libdw has uncompressed it there. */
	Elf *elf = dwarf ? dwarf_getelf(dwarf) : module_elf(cfi->module);

	cfi->debug_asked = true;
	cfi->debug.data = section_named(elf, ".debug_frame", &header);
	cfi->debug.bias = (uint64_t)bias;
	return make_table(&cfi->debug);
}

int cfi_new(struct module *module, struct cfi **ret)
{
	Elf *elf = module_elf(module);
	GElf_Shdr section;
	GElf_Ehdr header;
	struct cfi *cfi;
	int result;

	if (!gelf_getehdr(elf, &header) || header.e_machine != EM_X86_64 ||
		header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB)
		return -ENOTSUP;
	cfi = calloc(1, sizeof *cfi);
	if (!cfi)
		return -ENOMEM;
	cfi->module = module;
	cfi->eh.eh = true;
	cfi->eh.data = section_named(elf, ".eh_frame", &section);
	if (cfi->eh.data)
		cfi->eh.address = section.sh_addr;
	else
		cfi->eh.data = eh_frame_of_header(elf, &cfi->eh.address);
	result = make_table(&cfi->eh);
	if (result < 0) {
		cfi_free(cfi);
		return result;
	}
	*ret = cfi;
	return 0;
}

static void free_section(struct section *section)
{
	free(section->cie);
	free(section->row);
}

void cfi_free(struct cfi *cfi)
{
	if (!cfi)
		return;
	free_section(&cfi->eh);
	free_section(&cfi->debug);
	free(cfi);
}

int cfi_find(struct cfi *cfi, uint64_t address, struct cfi_entry *ret)
{
	const struct section *section = &cfi->eh;
	const struct row *found = find_row(section, address);
	const struct cie *cie;
	struct row row;
	Dwarf_CFI_Entry entry;
	struct bytes program;
	Dwarf_Off next;
	bool defined;
	int result;

	if (!found && !cfi->debug_asked) {
		result = open_debug_frame(cfi);
		if (result < 0)
			return result;
	}
	if (!found) {
		section = &cfi->debug;
		found = find_row(section, address);
	}
	if (!found)
		return -ENOENT;
	/* It was read before, when the table was made. */
	if (dwarf_next_cfi(ident, section->data, section->eh, found->offset, &next, &entry) != 0 ||
		!(cie = find_cie(section, entry.fde.CIE_pointer)) ||
		!read_fde(section, &entry.fde, cie, &row, &program))
		return -EBADMSG;
	defined = cie->defined;
	if (!program_check(program.at, (size_t)(program.end - program.at), &defined) || !defined)
		return -EBADMSG;
	*ret = (struct cfi_entry){
		.start = row.start,
		.end = row.end,
		.code_align = cie->cie.code_alignment_factor,
		.data_align = cie->cie.data_alignment_factor,
		.signal_frame = cie->signal_frame,
		.initial = cie->cie.initial_instructions,
		.initial_length =
			(size_t)(cie->cie.initial_instructions_end - cie->cie.initial_instructions),
		.program = program.at,
		.program_length = (size_t)(program.end - program.at),
	};
	return 0;
}
