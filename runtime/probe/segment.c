/*
 * segment.c - the directory that the program shares with whoever watches it.
 *
 *     BASE/                          0700, this user's
 *       PID-STARTTIME/               one process
 *         0/ 1/ ...                  one emitter of it (a runtime; another one in a plugin)
 *           beacon ctl wake          always
 *           tab obj str ring.N       once somebody traces
 *           stk.N                    once somebody wants stacks
 *
 * BASE is the first of these that can be had: $XDG_RUNTIME_DIR/coroscope and
 * /dev/shm/coroscope-UID when they are in memory (on a disk, writeback would protect the
 * pages again and again), then the same two and /tmp/coroscope-UID on whatever they are.
 *
 * Sign of life: the program has a read lock on the header of `ctl`, as an open file
 * description lock. The kernel drops it when the process dies or executes something else.
 * A directory without the lock, and without a process of that number and start time, is
 * dead. It is kept for whoever wants to recover it; beyond STALE_CAP the oldest go.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>
#include "private.h"

#define STALE_CAP  8
#define STALE_MOST 256 /* dead directories that one start-up looks at */
#define BLOCK_STEP ((size_t)64 << 10)

struct coro__segment coro__segment = {.ctl_fd = -1, .wake_fd = -1};

static uint32_t crc32c(const uint8_t *bytes, size_t length)
{
	uint32_t crc = 0xffffffffu;

	for (size_t i = 0; i < length; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
	}
	return ~crc;
}

/* FNV-1a over the numbers, names and columns of trace_events.def. */
static uint64_t schema_hash(void)
{
	static const char text[] =
#define CORO_EVENT(number, NAME, name, row, peer, value, before, after, sentence)                  \
#number " " #name " " row "/" peer "/" value "/" before "/" after "\n"
#include <coroscope/trace_events.def>
#undef CORO_EVENT
		;
	uint64_t hash = 14695981039346656037u;

	for (size_t i = 0; i < sizeof(text) - 1; i++)
		hash = (hash ^ (uint8_t)text[i]) * 1099511628211u;
	return hash;
}

/* ---- Processes --------------------------------------------------------- */

/* Field 22 of /proc/PID/stat; 0: no such process, or no /proc. */
static uint64_t starttime_of(long pid)
{
	char path[64], text[1024];
	ssize_t length = -1;

	snprintf(path, sizeof(path), "/proc/%ld/stat", pid);

	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		length = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	if (length <= 0)
		return 0;
	text[length] = 0;

	/* Field 2 is the name in parentheses, and may hold anything. */
	const char *at = strrchr(text, ')');

	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	return at ? strtoull(at + 1, NULL, 10) : 0;
}

static void read_boot_id(uint8_t id[16])
{
	char text[64] = "";
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	unsigned nibbles = 0;

	if (fd < 0)
		return;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = 0;
	close(fd);
	for (const char *c = text; *c && nibbles < 32; c++) {
		int digit = *c >= '0' && *c <= '9' ? *c - '0' : *c >= 'a' && *c <= 'f' ? *c - 'a' + 10 : -1;

		if (digit < 0)
			continue;
		id[nibbles / 2] = (uint8_t)(id[nibbles / 2] << 4 | digit);
		nibbles++;
	}
}

/* ---- Files ------------------------------------------------------------- */

static bool take_blocks(int fd, size_t offset, size_t bytes)
{
	size_t done = 0;

	while (done < bytes) {
		size_t step = bytes - done < BLOCK_STEP ? bytes - done : BLOCK_STEP;
		int error = posix_fallocate(fd, (off_t)(offset + done), (off_t)step);

		if (error && error != EINTR)
			return false;
		if (!error)
			done += step;
	}
	return true;
}

static int open_file(const char *name, int flags)
{
	int directory = open(coro__segment.path, O_DIRECTORY | O_NOFOLLOW | O_RDONLY | O_CLOEXEC);
	int fd = directory < 0 ? -1 : openat(directory, name, flags | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (directory >= 0)
		close(directory);
	return fd;
}

/* A file beyond the process's limit is not only an error but a signal. */
static bool is_within_limit(size_t bytes)
{
	struct rlimit limit;

	return !getrlimit(RLIMIT_FSIZE, &limit) &&
		   (limit.rlim_cur == RLIM_INFINITY || bytes <= limit.rlim_cur);
}

void *coro__segment_file(const char *name, size_t bytes, size_t reserve)
{
	void *memory = MAP_FAILED;
	int fd = is_within_limit(bytes) ? open_file(name, O_CREAT | O_EXCL | O_RDWR) : -1;

	if (fd < 0)
		return NULL;
	if (!ftruncate(fd, (off_t)bytes) && take_blocks(fd, 0, reserve))
		memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (memory != MAP_FAILED) {
		coro__cut_begin(memory, bytes);
		return memory;
	}

	char path[PATH_MAX + 32];

	snprintf(path, sizeof(path), "%s/%s", coro__segment.path, name);
	unlink(path);
	return NULL;
}

bool coro__segment_grow(const char *name, size_t offset, size_t bytes)
{
	int saved = errno;
	int fd = open_file(name, O_RDWR);
	bool grown = fd >= 0 && is_within_limit(offset + bytes) && take_blocks(fd, offset, bytes);

	if (fd >= 0)
		close(fd);
	errno = saved;
	return grown;
}

/* A ring that is written over is read at the end; any other by whom it waits for. */
static bool is_left_by(const struct coro_ring_header *header, unsigned lease)
{
	uint32_t flags = coro__segment.died[lease];

	if (!(flags & CORO_LEASE_BLOCKING) &&
		!(flags & CORO_LEASE_CONTROLLER && header->policy == CORO_POLICY_OVERWRITE))
		return false;
	return header->head > coro__load(&coro__segment.ctl->tail[lease][header->ring]);
}

bool coro__segment_is_unread(void)
{
	bool unread = false;

	for (uint32_t ring = 0; ring < coro__segment.rings && !unread; ring++) {
		struct coro_ring_header header;
		char name[32];
		int fd;

		snprintf(name, sizeof(name), "ring.%u", ring);
		fd = open_file(name, O_RDONLY);
		if (fd < 0)
			continue;
		if (pread(fd, &header, sizeof(header), 0) == sizeof(header) && header.ring == ring)
			for (unsigned lease = 0; lease < CORO_LEASES; lease++)
				unread |= is_left_by(&header, lease);
		close(fd);
	}
	return unread;
}

bool coro__segment_owns(int fd, uint64_t file)
{
	struct stat status;

	return fd >= 0 && !fstat(fd, &status) && status.st_ino == file && status.st_uid == geteuid();
}

int coro__segment_ctl(void)
{
	if (!coro__segment_owns(coro__segment.ctl_fd, coro__segment.ctl_file))
		coro__segment.ctl_fd = open_file("ctl", O_RDWR);
	return coro__segment.ctl_fd;
}

/* A directory that is ours alone. */
static bool is_private_directory(const char *path)
{
	struct stat status;
	int fd = open(path, O_DIRECTORY | O_NOFOLLOW | O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;

	bool good = !fstat(fd, &status) && S_ISDIR(status.st_mode) && status.st_uid == geteuid() &&
				!(status.st_mode & 077);

	close(fd);
	return good;
}

static bool is_in_memory(const char *path)
{
	struct statfs status;

	return !statfs(path, &status) &&
		   (status.f_type == TMPFS_MAGIC || status.f_type == (long)RAMFS_MAGIC);
}

static bool make_base(char *path, size_t room, const char *parent, const char *name, bool in_memory)
{
	int length = snprintf(path, room, "%s/%s", parent, name);

	if (length < 0 || (size_t)length >= room || parent[0] != '/' ||
		(in_memory && !is_in_memory(parent)))
		return false;
	if (mkdir(path, 0700) && errno != EEXIST)
		return false;
	return is_private_directory(path);
}

static bool find_base(char *path, size_t room)
{
	const char *runtime = secure_getenv("XDG_RUNTIME_DIR");
	char mine[64];

	snprintf(mine, sizeof(mine), "coroscope-%lu", (unsigned long)geteuid());
	for (int on_disk = 0; on_disk <= 1; on_disk++) {
		if (runtime && make_base(path, room, runtime, "coroscope", !on_disk))
			return true;
		if (make_base(path, room, "/dev/shm", mine, !on_disk))
			return true;
	}
	return make_base(path, room, "/tmp", mine, false);
}

/* ---- Dead ones --------------------------------------------------------- */

/* Whether some process has the sign of life on this emitter's ctl, or a lease in it. */
static bool is_locked(int directory)
{
	int fd = openat(directory, "ctl", O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct flock lock = {.l_type = F_WRLCK,
						 .l_whence = SEEK_SET,
						 .l_start = 0,
						 .l_len = offsetof(struct coro_ctl, zero2)};

	if (fd < 0)
		return false;

	bool locked = !fcntl(fd, F_OFD_GETLK, &lock) && lock.l_type != F_UNLCK;

	close(fd);
	return locked;
}

static int open_directory(int parent, const char *name)
{
	return openat(parent, name, O_DIRECTORY | O_NOFOLLOW | O_RDONLY | O_CLOEXEC);
}

/* Removes the emitters in a process's directory that are not locked, and it when it is
 * empty then. */
static void remove_dead(int base, const char *name)
{
	int process = open_directory(base, name);
	DIR *emitters = process >= 0 ? fdopendir(process) : NULL;

	for (struct dirent *emitter; emitters && (emitter = readdir(emitters));) {
		int directory = emitter->d_name[0] == '.' ? -1 : open_directory(process, emitter->d_name);

		if (directory < 0)
			continue;
		if (is_locked(directory)) {
			close(directory);
			continue;
		}

		DIR *files = fdopendir(directory);

		for (struct dirent *file; files && (file = readdir(files));)
			if (file->d_name[0] != '.')
				unlinkat(directory, file->d_name, 0);
		if (files)
			closedir(files);
		else
			close(directory);
		unlinkat(process, emitter->d_name, AT_REMOVEDIR);
	}
	if (emitters)
		closedir(emitters);
	else if (process >= 0)
		close(process);
	unlinkat(base, name, AT_REMOVEDIR);
}

struct stale {
	char name[64];
	struct timespec changed;
};

static int older_first(const void *a, const void *b)
{
	const struct stale *x = a, *y = b;

	if (x->changed.tv_sec != y->changed.tv_sec)
		return x->changed.tv_sec < y->changed.tv_sec ? -1 : 1;
	return x->changed.tv_nsec < y->changed.tv_nsec ? -1 : x->changed.tv_nsec > y->changed.tv_nsec;
}

/* "PID-STARTTIME" of no living process. */
static bool is_stale(const char *name, int base, struct stale *ret)
{
	char *end;
	long pid = strtol(name, &end, 10);
	struct stat status;

	if (end == name || *end != '-' || pid <= 0 || strlen(name) >= sizeof(ret->name))
		return false;

	uint64_t starttime = strtoull(end + 1, &end, 10);

	if (*end || starttime_of(pid) == starttime ||
		fstatat(base, name, &status, AT_SYMLINK_NOFOLLOW) || !S_ISDIR(status.st_mode))
		return false;
	strcpy(ret->name, name);
	ret->changed = status.st_mtim;
	return true;
}

void coro__segment_prune(const char *base)
{
	int fd = open(base, O_DIRECTORY | O_NOFOLLOW | O_RDONLY | O_CLOEXEC);
	DIR *processes = fd >= 0 ? fdopendir(fd) : NULL;
	struct stale *stale = coro__reserve(STALE_MOST * sizeof(*stale));
	size_t count = 0;

	for (struct dirent *process; stale && processes && (process = readdir(processes));)
		if (count < STALE_MOST && is_stale(process->d_name, fd, &stale[count]))
			count++;
	if (count > STALE_CAP) {
		qsort(stale, count, sizeof(*stale), older_first);
		for (size_t i = 0; i < count - STALE_CAP; i++)
			remove_dead(fd, stale[i].name);
	}
	if (stale)
		munmap(stale, STALE_MOST * sizeof(*stale));
	if (processes)
		closedir(processes);
	else if (fd >= 0)
		close(fd);
}

/* ---- Making it --------------------------------------------------------- */

static void describe(struct coro_beacon *beacon, uint64_t starttime)
{
	static const struct coro_section sections[] = {
		{CORO_SECTION_CTL, 0, CORO_SECTION_CTL, sizeof(struct coro_ctl), 0,
		 sizeof(struct coro_ctl)},
		{CORO_SECTION_WAKE, 0, CORO_SECTION_WAKE, 1, 0, 0},
		{CORO_SECTION_TAB, 0, CORO_SECTION_TAB, sizeof(struct coro_mirror_row), 0,
		 ((uint64_t)1 << 22) * sizeof(struct coro_mirror_row)},
		{CORO_SECTION_STR, 0, CORO_SECTION_STR, 8, sizeof(struct coro_str_header),
		 (uint64_t)64 << 20},
		{CORO_SECTION_RING, 0, 0, sizeof(struct coro_trace_slot), sizeof(struct coro_ring_header),
		 0},
		{CORO_SECTION_STACK, 0, 0, 1, sizeof(struct coro_stack_ring_header),
		 (uint64_t)1 << CORO_STACK_RING_LOG2_DEFAULT},
		{CORO_SECTION_OBJECTS, 0, CORO_SECTION_OBJECTS, sizeof(struct coro_object_place), 0,
		 ((uint64_t)1 << 22) * sizeof(struct coro_object_place)},
	};
	struct timespec real;

	memcpy(beacon->magic, CORO_TRACE_MAGIC, sizeof(beacon->magic));
	beacon->major = CORO_TRACE_MAJOR;
	beacon->minor = CORO_TRACE_MINOR;
	beacon->header_length = sizeof(*beacon);
	beacon->total_length = sizeof(*beacon);
	beacon->endian = CORO_TRACE_ENDIAN;
#if defined(__x86_64__)
	beacon->arch = CORO_ARCH_X86_64;
	beacon->frame_version = CORO_FRAME_X86_64_V1;
#elif defined(__aarch64__)
	beacon->arch = CORO_ARCH_AARCH64;
	beacon->frame_version = CORO_FRAME_AARCH64_V1;
#endif
	beacon->pid = (uint32_t)coro__segment.pid;
	beacon->language = CORO_LANGUAGE_C;
	beacon->starttime = starttime;
	read_boot_id(beacon->boot_id);
	memcpy(beacon->section, sections, sizeof(sections));
	beacon->section[4].len = sizeof(struct coro_trace_slot) << coro__segment.ring_log2;
	beacon->schema_hash = schema_hash();
	beacon->control_block_size = sizeof(struct coro_object);
	beacon->clock_hz = coro__clock_hz();
	clock_gettime(CLOCK_REALTIME, &real);
	beacon->real0 = (uint64_t)real.tv_sec * 1000000000u + (uint64_t)real.tv_nsec;
	beacon->mono0 = coro__monotonic();
	beacon->clock0 = coro__clock_read();
	beacon->crc = crc32c((const uint8_t *)beacon, offsetof(struct coro_beacon, crc));
}

static bool make_beacon(uint64_t starttime)
{
	struct coro_beacon *beacon = coro__segment_file("beacon", sizeof(*beacon), sizeof(*beacon));

	if (!beacon)
		return false;
	describe(beacon, starttime);
	coro__cut_end(beacon);
	munmap(beacon, sizeof(*beacon));
	return true;
}

static bool make_ctl(void)
{
	struct coro_ctl *ctl = coro__segment_file("ctl", sizeof(*ctl), sizeof(*ctl));
	struct stat status;
	struct flock life = {.l_type = F_RDLCK,
						 .l_whence = SEEK_SET,
						 .l_start = 0,
						 .l_len = offsetof(struct coro_ctl, kind_mask)};

	if (!ctl)
		return false;
	coro__segment.ctl_fd = open_file("ctl", O_RDWR);
	if (coro__segment.ctl_fd < 0 || fstat(coro__segment.ctl_fd, &status))
		return false;
	coro__segment.ctl_file = status.st_ino;
	fcntl(coro__segment.ctl_fd, F_OFD_SETLK, &life);
	ctl->abi = CORO_TRACE_MAJOR;
	ctl->size = sizeof(*ctl);
	memcpy(&ctl->magic, CORO_TRACE_MAGIC, sizeof(ctl->magic));
	coro__segment.ctl = ctl;
	return true;
}

static void make_wake(void)
{
	char path[PATH_MAX + 8];
	struct stat status;

	snprintf(path, sizeof(path), "%s/wake", coro__segment.path);
	if (mkfifo(path, 0600))
		return;
	coro__segment.wake_fd = open_file("wake", O_RDWR | O_NONBLOCK);
	if (coro__segment.wake_fd >= 0 && !fstat(coro__segment.wake_fd, &status))
		coro__segment.wake_file = status.st_ino;
}

/* The process's directory, without what a program before an exec left in it, and the
 * first number in it that is free. */
static bool make_directory(const char *base, uint64_t starttime)
{
	char process[64];
	int base_fd = open(base, O_DIRECTORY | O_NOFOLLOW | O_RDONLY | O_CLOEXEC);

	if (base_fd < 0)
		return false;
	snprintf(process, sizeof(process), "%d-%llu", coro__segment.pid, (unsigned long long)starttime);
	remove_dead(base_fd, process);

	bool made = !mkdirat(base_fd, process, 0700) || errno == EEXIST;

	close(base_fd);
	for (unsigned k = 0; made && k < 100; k++) {
		int length =
			snprintf(coro__segment.path, sizeof(coro__segment.path), "%s/%s/%u", base, process, k);

		if (length < 0 || (size_t)length >= sizeof(coro__segment.path))
			break;
		if (!mkdir(coro__segment.path, 0700))
			return true;
		if (errno != EEXIST)
			break;
	}
	coro__segment.path[0] = 0;
	return false;
}

bool coro__segment_make(void)
{
	char base[PATH_MAX];
	uint64_t starttime = starttime_of(getpid());
	const char *log2 = secure_getenv("COROSCOPE_RING_LOG2");
	unsigned long log2_slots = log2 ? strtoul(log2, NULL, 10) : 0;

	coro__segment.pid = getpid();
	coro__segment.ring_log2 =
		log2_slots >= CORO_RING_LOG2_LEAST && log2_slots <= CORO_RING_LOG2_MOST
			? (uint32_t)log2_slots
			: CORO_RING_LOG2_DEFAULT;
	if (!find_base(base, sizeof(base)))
		return false;
	coro__segment_prune(base);
	if (!make_directory(base, starttime))
		return false;
	if (!make_ctl() || !make_beacon(starttime)) {
		coro__segment_remove();
		return false;
	}
	make_wake();
	return true;
}

void coro__segment_remove(void)
{
	static const char *const files[] = {"beacon", "ctl", "wake", "tab", "str", "obj"};
	char *path = coro__segment.path, *slash;
	char ring[32];
	int directory = path[0] ? open_directory(AT_FDCWD, path) : -1;

	if (directory < 0)
		return;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		unlinkat(directory, files[i], 0);
	for (uint32_t i = 0; i < coro__segment.rings; i++) {
		snprintf(ring, sizeof(ring), "ring.%u", i);
		unlinkat(directory, ring, 0);
		snprintf(ring, sizeof(ring), "stk.%u", i);
		unlinkat(directory, ring, 0);
	}
	close(directory);
	rmdir(path);
	slash = strrchr(path, '/');
	*slash = 0;
	rmdir(path);
	path[0] = 0;
}
