/*
 * program.c - whether a program links the probe, told before it is started.
 *
 * The probe has an ELF note. A program that links it statically has the note in a PT_NOTE
 * segment of its own; otherwise one of the libraries that it needs has, which are looked
 * for where the dynamic loader looks: RPATH, LD_LIBRARY_PATH, RUNPATH, and the system's
 * directories. Libraries that are not found are passed over, and that is said.
 */
#include <tracer/symbols.h>

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* More libraries than this are not looked at. */
#define LIBRARIES_MOST 512

#if defined __x86_64__
#define MULTIARCH "x86_64-linux-gnu"
#elif defined __aarch64__
#define MULTIARCH "aarch64-linux-gnu"
#endif

static const char *const system_directories[] = {
	"/usr/local/lib",
#ifdef MULTIARCH
	"/usr/local/lib/" MULTIARCH,
	"/lib/" MULTIARCH,
	"/usr/lib/" MULTIARCH,
#endif
	"/lib64",
	"/usr/lib64",
	"/lib",
	"/usr/lib",
};

/* The files still to look at, and those looked at already. */
struct queue {
	char *path[LIBRARIES_MOST]; /* owned */
	unsigned count;
	unsigned next;   /* those before it have been looked at */
	bool incomplete; /* a library was not found */
};

static void queue_add(struct queue *queue, const char *path)
{
	char real[PATH_MAX];

	if (queue->count == LIBRARIES_MOST || !realpath(path, real))
		return;
	for (unsigned i = 0; i < queue->count; i++)
		if (strcmp(queue->path[i], real) == 0)
			return;
	queue->path[queue->count] = strdup(real);
	if (queue->path[queue->count])
		queue->count++;
}

/* ---- The note ---------------------------------------------------------- */

static bool has_note(Elf *elf)
{
	size_t count;

	if (elf_getphdrnum(elf, &count) != 0)
		return false;
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr header;
		Elf_Data *data;
		GElf_Nhdr note;
		size_t at = 0, next, name, description;

		if (!gelf_getphdr(elf, (int)i, &header) || header.p_type != PT_NOTE)
			continue;
		data = elf_getdata_rawchunk(elf, (int64_t)header.p_offset, header.p_filesz,
									header.p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
		if (!data)
			continue;
		for (; (next = gelf_getnote(data, at, &note, &name, &description)) > 0; at = next)
			if (note.n_type == CORO_NOTE_TYPE && note.n_namesz == sizeof CORO_NOTE_NAME &&
				memcmp((char *)data->d_buf + name, CORO_NOTE_NAME, sizeof CORO_NOTE_NAME) == 0)
				return true;
	}
	return false;
}

/* ---- The libraries ----------------------------------------------------- */

/* What the dynamic section says, as far as it matters here. */
struct dynamic {
	Elf_Data *strings; /* of the ELF file; NULL: none */
	const char *rpath, *runpath;
};

static const char *string_at(const struct dynamic *dynamic, GElf_Xword at)
{
	if (!dynamic->strings || at >= dynamic->strings->d_size ||
		!memchr((char *)dynamic->strings->d_buf + at, 0, dynamic->strings->d_size - at))
		return NULL;
	return (char *)dynamic->strings->d_buf + at;
}

/* Bytes of the file at an address, through the loaded segments. */
static Elf_Data *data_at(Elf *elf, GElf_Addr address, GElf_Xword size)
{
	size_t count;
	GElf_Phdr header;

	if (elf_getphdrnum(elf, &count) != 0)
		return NULL;
	for (size_t i = 0; i < count; i++)
		if (gelf_getphdr(elf, (int)i, &header) && header.p_type == PT_LOAD &&
			address >= header.p_vaddr && address - header.p_vaddr < header.p_filesz &&
			size <= header.p_filesz - (address - header.p_vaddr))
			return elf_getdata_rawchunk(
				elf, (int64_t)(header.p_offset + (address - header.p_vaddr)), size, ELF_T_BYTE);
	return NULL;
}

static Elf_Data *dynamic_section(Elf *elf)
{
	size_t count;
	GElf_Phdr header;

	if (elf_getphdrnum(elf, &count) != 0)
		return NULL;
	for (size_t i = 0; i < count; i++)
		if (gelf_getphdr(elf, (int)i, &header) && header.p_type == PT_DYNAMIC)
			return elf_getdata_rawchunk(elf, (int64_t)header.p_offset, header.p_filesz, ELF_T_DYN);
	return NULL;
}

/* Looks for a library in a list of directories ("a:b:$ORIGIN/c"). */
static bool look_in(struct queue *queue, const char *list, const char *origin, const char *library)
{
	while (list && *list) {
		size_t length = strcspn(list, ":");
		const char *rest = list;
		char path[PATH_MAX];
		size_t variable = strncmp(list, "$ORIGIN", 7) == 0     ? 7
						  : strncmp(list, "${ORIGIN}", 9) == 0 ? 9
															   : 0;
		int needed;

		if (variable > length)
			variable = 0;
		rest += variable;
		needed = snprintf(path, sizeof path, "%s%.*s/%s", variable ? origin : "",
						  (int)(length - variable), rest, library);
		if (needed > 0 && (size_t)needed < sizeof path && access(path, R_OK) == 0) {
			queue_add(queue, path);
			return true;
		}
		list += length;
		list += *list == ':';
	}
	return false;
}

static void add_library(struct queue *queue, const struct dynamic *dynamic, const char *origin,
						const char *library)
{
	if (strchr(library, '/')) {
		queue_add(queue, library);
		return;
	}
	if (!dynamic->runpath && look_in(queue, dynamic->rpath, origin, library))
		return;
	if (look_in(queue, getenv("LD_LIBRARY_PATH"), origin, library) ||
		look_in(queue, dynamic->runpath, origin, library))
		return;
	for (size_t i = 0; i < sizeof system_directories / sizeof *system_directories; i++)
		if (look_in(queue, system_directories[i], origin, library))
			return;
	queue->incomplete = true;
}

static void add_libraries(struct queue *queue, Elf *elf, const char *path)
{
	Elf_Data *section = dynamic_section(elf);
	struct dynamic dynamic = {0};
	GElf_Addr strings = 0;
	GElf_Xword strings_size = 0;
	char origin[PATH_MAX];
	const char *slash = strrchr(path, '/');
	GElf_Dyn entry;

	if (!section)
		return;
	snprintf(origin, sizeof origin, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
	for (int i = 0; gelf_getdyn(section, i, &entry) && entry.d_tag != DT_NULL; i++) {
		if (entry.d_tag == DT_STRTAB)
			strings = entry.d_un.d_ptr;
		else if (entry.d_tag == DT_STRSZ)
			strings_size = entry.d_un.d_val;
	}
	if (strings && strings_size)
		dynamic.strings = data_at(elf, strings, strings_size);
	for (int i = 0; gelf_getdyn(section, i, &entry) && entry.d_tag != DT_NULL; i++) {
		if (entry.d_tag == DT_RPATH)
			dynamic.rpath = string_at(&dynamic, entry.d_un.d_val);
		else if (entry.d_tag == DT_RUNPATH)
			dynamic.runpath = string_at(&dynamic, entry.d_un.d_val);
	}
	for (int i = 0; gelf_getdyn(section, i, &entry) && entry.d_tag != DT_NULL; i++) {
		const char *library =
			entry.d_tag == DT_NEEDED ? string_at(&dynamic, entry.d_un.d_val) : NULL;

		if (library)
			add_library(queue, &dynamic, origin, library);
	}
}

/* ---- One file ---------------------------------------------------------- */

/* Its note, and the libraries that it needs. -errno, or -ENOEXEC: not ELF. */
static int look_at(struct queue *queue, const char *path, bool *ret_probe)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat status;
	int result = 0;
	Elf *elf;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)) {
		close(fd);
		return S_ISDIR(status.st_mode) ? -EISDIR : -EACCES;
	}
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!elf || elf_kind(elf) != ELF_K_ELF) {
		result = -ENOEXEC;
	} else {
		*ret_probe = has_note(elf);
		if (!*ret_probe)
			add_libraries(queue, elf, path);
	}
	elf_end(elf);
	close(fd);
	return result;
}

int symbols_program_kind(const char *path, enum symbols_program *ret)
{
	struct queue queue = {.count = 0};
	enum symbols_program kind = SYMBOLS_NO_PROBE;
	char real[PATH_MAX];
	bool probe = false;
	int result;

	if (!realpath(path, real))
		return -errno;
	result = look_at(&queue, real, &probe);
	if (result == -ENOEXEC) {
		*ret = SYMBOLS_NOT_ELF;
		return 0;
	}
	if (result < 0)
		return result;
	for (queue.next = 0; !probe && queue.next < queue.count; queue.next++)
		(void)look_at(&queue, queue.path[queue.next], &probe);
	if (probe)
		kind = SYMBOLS_TRACEABLE;
	else if (queue.incomplete)
		kind = SYMBOLS_INCOMPLETE;
	for (unsigned i = 0; i < queue.count; i++)
		free(queue.path[i]);
	*ret = kind;
	return 0;
}
