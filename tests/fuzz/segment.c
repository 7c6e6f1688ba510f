/*
 * segment.c - a program's segment, with anything in it.
 *
 *     { u8 file; u16 place; u8 length; `length` bytes }
 *
 * The segment is one that a program could have made: two rings with some events, strings, a table.
 * Each piece of the input is written over a place of one of its files, or cuts it there (`file`
 * with the bit 128). The beacon's CRC is made right again. Then all of it is read, as the recorder
 * and who attaches do. What takes time and is not asked here is had once: the files, which are
 * written through mappings, the trace's file, zstd's contexts.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <tracer/crc32c.h>
#include <tracer/live.h>
#include <tracer/trace.h>
#include <tracer/world.h>
#include "../../tracer/control/baseline.h"
#include "fuzz.h"

#define LOG2             6
#define SLOTS            (1u << LOG2)
#define ROWS             64
#define BATCH            64u
#define RINGS_LOOKED_FOR 16
#define ROUNDS           64 /* looks at a ring: it has no more than that */

enum { BEACON, CTL, TAB, STR, RING_0, RING_1, FILES };

struct ring_file {
	struct coro_ring_header header;
	struct coro_trace_slot slot[SLOTS];
};
struct string_file {
	struct coro_str_header header;
	uint8_t records[256];
};

static struct {
	struct coro_beacon beacon;
	struct coro_ctl ctl;
	struct coro_mirror_row tab[ROWS];
	struct string_file str;
	struct ring_file ring[2];
} good;

static struct file {
	const char *name;
	const void *good;
	size_t size;
	int fd;
	uint8_t *bytes; /* mapped: written without a call */
	bool changed;   /* it is not `good` */
	size_t length;  /* where it was cut; `size`: it is whole */
} files[FILES] = {
	{.name = "beacon", .good = &good.beacon, .size = sizeof(good.beacon)},
	{.name = "ctl", .good = &good.ctl, .size = sizeof(good.ctl)},
	{.name = "tab", .good = good.tab, .size = sizeof(good.tab)},
	{.name = "str", .good = &good.str, .size = sizeof(good.str)},
	{.name = "ring.0", .good = &good.ring[0], .size = sizeof(good.ring[0])},
	{.name = "ring.1", .good = &good.ring[1], .size = sizeof(good.ring[1])},
};
static char folder[64];

/* ---- What a program could have made ------------------------------------ */

static void make_beacon(void)
{
	struct coro_beacon *beacon = &good.beacon;

	memcpy(beacon->magic, CORO_TRACE_MAGIC, sizeof(beacon->magic));
	beacon->major = CORO_TRACE_MAJOR;
	beacon->header_length = beacon->total_length = sizeof(*beacon);
	beacon->endian = CORO_TRACE_ENDIAN;
	beacon->arch = CORO_ARCH_X86_64;
	beacon->pid = (uint32_t)getpid();
	beacon->clock_hz = 1000000000;
	beacon->clock0 = 1;
	memcpy(&good.ctl.magic, CORO_TRACE_MAGIC, sizeof(good.ctl.magic));
	good.ctl.abi = CORO_TRACE_MAJOR;
	good.ctl.size = sizeof(good.ctl);
	good.ctl.rings = 2;
	good.ctl.baseline = 1;
	good.ctl.kind_mask = ~(uint64_t)1;
	good.ctl.thread[0] = 1;
}

static void make_strings(void)
{
	static const char *const strings[] = {"main", "worker", "jobs", "p.c:7 main"};
	size_t at = 0;

	good.str.header.magic = CORO_STR_MAGIC;
	for (unsigned i = 0; i < 4; i++) {
		uint32_t length = (uint32_t)strlen(strings[i]);

		memcpy(good.str.records + at, &length, sizeof(length));
		memcpy(good.str.records + at + 8, strings[i], length);
		at += (8 + length + 7) & ~(size_t)7;
	}
	good.str.header.count = 4;
	good.str.header.bytes = at;
}

static void put(struct ring_file *ring, unsigned kind, unsigned flags, unsigned prev, unsigned next,
				uint32_t row, uint32_t peer, uint32_t cseq)
{
	uint64_t index = ring->header.head++;
	unsigned ext = flags & CORO_SLOT_BIND ? 1 : 0;
	struct coro_trace_slot *slot = &ring->slot[index % SLOTS];

	*slot = (struct coro_trace_slot){
		.word = CORO_SLOT_WORD(kind, flags, prev, next, ext, 1, cseq),
		.clock = 10 + index,
		.row = row,
		.peer = peer,
		.site = 0x1000 + kind,
		.value = CORO_VALUE_INT | 7 << 4,
	};
	if (!ext)
		return;

	struct coro_trace_bind bind = {
		.serial = row, .name = 1 + row % 3, .site = 4, .kind = CORO_OBJECT_GENERATOR};

	slot = &ring->slot[ring->header.head++ % SLOTS];
	slot->word = CORO_SLOT_WORD(CORO_EVENT_EXT, 0, 0, 0, 0, 1, 0);
	memcpy((uint8_t *)slot + sizeof(slot->word), &bind, sizeof(bind));
}

static void make_ring(unsigned number)
{
	struct ring_file *ring = &good.ring[number];
	uint32_t first = 1 + number * 20;

	ring->header = (struct coro_ring_header){
		.magic = CORO_RING_MAGIC,
		.ring = number,
		.log2_slots = LOG2,
		.tid = number + 1,
		.name = 1,
		.baseline_seq = 1,
		.state = CORO_RING_LIVE,
	};
	for (uint32_t row = first; row < first + 6; row++) {
		put(ring, CORO_EVENT_CREATE, CORO_SLOT_BIND, CORO_STATE_NONE, CORO_STATE_CREATED, row, 0,
			1);
		put(ring, CORO_EVENT_NEXT, 0, CORO_STATE_CREATED, CORO_STATE_RUNNING, row, 0, 2);
		put(ring, CORO_EVENT_YIELD, 0, CORO_STATE_RUNNING, CORO_STATE_SUSPENDED, row, 0, 3);
		good.tab[row] = (struct coro_mirror_row){
			.lock_seq = 6,
			.cseq = 3,
			.kind = CORO_OBJECT_GENERATOR,
			.state = CORO_STATE_SUSPENDED,
			.serial = row,
			.name = 1,
			.baseline = 1,
			.number = 64,
			.resumes = 1,
			.ring = number,
		};
	}
	good.tab[0].resumes = ROWS;
}

static void make_file(struct file *file)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, file->name);
	file->fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (file->fd < 0 || ftruncate(file->fd, (off_t)file->size) < 0)
		abort();
	file->bytes = mmap(NULL, file->size, PROT_READ | PROT_WRITE, MAP_SHARED, file->fd, 0);
	if (file->bytes == MAP_FAILED)
		abort();
	memcpy(file->bytes, file->good, file->size);
	file->length = file->size;
}

static void begin(void)
{
	snprintf(folder, sizeof(folder), "/dev/shm/coroscope-fuzz-%d", getpid());
	if (mkdir(folder, 0700) < 0)
		abort();
	make_beacon();
	make_strings();
	make_ring(0);
	make_ring(1);
	for (int i = 0; i < FILES; i++)
		make_file(&files[i]);
}

static void end(void)
{
	char path[128];

	for (int i = 0; i < FILES; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, files[i].name);
		unlink(path);
	}
	rmdir(folder);
}

/* ---- What is written over it ------------------------------------------- */

/* As many of the bytes as lie within what is left of the file. */
static void overwrite(struct file *file, size_t place, const void *bytes, size_t length)
{
	size_t room = place < file->length ? file->length - place : 0;

	memcpy(file->bytes + place, bytes, length < room ? length : room);
	file->changed = true;
}

static void cut(struct file *file, size_t length)
{
	if (ftruncate(file->fd, (off_t)length) < 0)
		abort();
	file->length = length;
	file->changed = true;
}

static void mend(struct file *file)
{
	if (file->length != file->size)
		cut(file, file->size);
	if (file->changed)
		memcpy(file->bytes, file->good, file->size);
	file->changed = false;
}

/* Takes a piece of input, and says how much of the input it was. */
static size_t bend(const uint8_t *data, size_t size)
{
	struct file *file = &files[(data[0] & 127) % FILES];
	size_t place = ((size_t)data[1] | (size_t)data[2] << 8) % file->size, length = data[3];

	if (data[0] & 128) {
		cut(file, place);
		return 4;
	}
	length = length < size - 4 ? length : size - 4;
	overwrite(file, place, data + 4, length);
	return 4 + length;
}

static void make_crc_right(void)
{
	struct file *file = &files[BEACON];
	struct coro_beacon beacon;
	uint32_t crc;

	if (file->length != file->size)
		return;
	memcpy(&beacon, file->bytes, sizeof(beacon));
	crc = trace_crc32c(0, &beacon, offsetof(struct coro_beacon, crc));
	overwrite(file, offsetof(struct coro_beacon, crc), &crc, sizeof(crc));
}

/* Rings that are not there are looked for all the same, up to CORO_RINGS: that is seldom done. */
static void keep_rings_few(void)
{
	struct file *file = &files[CTL];
	uint32_t *rings = &((struct coro_ctl *)(void *)file->bytes)->rings;

	if (file->length == file->size && *rings > RINGS_LOOKED_FOR && *rings != UINT32_MAX)
		*rings %= RINGS_LOOKED_FOR;
}

/* ---- All of it is read ------------------------------------------------- */

/* Nobody is waited for: who is in the middle of something here stays there. */
int __wrap_nanosleep(const struct timespec *time, struct timespec *left);
int __wrap_nanosleep(const struct timespec *time, struct timespec *left)
{
	return 0;
}

/* One file is enough: it is written from its beginning each time, and nobody looks beyond. */
int __wrap_trace__own_file(void);
int __wrap_trace__own_file(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = memfd_create("trace", MFD_CLOEXEC);
	return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

struct reader {
	struct live *live;
	struct trace *trace;
};

static void take_strings(void *context)
{
	struct reader *reader = context;
	const char *bytes;
	uint32_t id;
	size_t length;

	while (live_read_string(reader->live, &id, &bytes, &length) > 0)
		trace_append_string(reader->trace, id, bytes, length);
}

static void read_ring(struct reader *reader, struct baseline *baseline, unsigned ring)
{
	struct coro_trace_slot slots[BATCH];
	uint64_t index, lost;

	for (unsigned round = 0; round < ROUNDS; round++) {
		int count = live_read(reader->live, ring, slots, BATCH, &index, &lost), taken;
		bool old = false;

		if (lost)
			trace_append_lost(reader->trace, ring, lost);
		if (count <= 0 && !lost)
			break;
		if (count > 0 && baseline)
			count = (int)baseline_run(baseline, ring, index, slots, (unsigned)count, &old);
		if (old || count <= 0) {
			live_take(reader->live, ring, old ? (unsigned)count : 0);
			continue;
		}
		take_strings(reader);
		taken = trace_append(reader->trace, ring, index, slots, (unsigned)count);
		if (taken < 0)
			abort();
		live_take(reader->live, ring, taken ? (unsigned)taken : 1);
	}
	live_advance(reader->live);
}

static void show(struct trace *trace)
{
	struct world *world = world_new();
	const struct trace_row *rows;
	struct trace_event event;
	uint64_t after;
	size_t count;

	for (size_t i = 0; trace_rows(trace, i, &after, &rows, &count) == 0; i++)
		world_adopt(world, rows, count);
	for (uint64_t n = 1; n <= trace_count(trace); n++) {
		if (trace_event(trace, n, &event) < 0)
			abort();
		world_apply(world, &event);
	}
	world_hash(world);
	world_free(world);
}

static void read_all(bool late)
{
	static const struct trace_meta meta = {.program = "p", .clock_hz = 1000000000};
	struct baseline *baseline = late ? baseline_new() : NULL;
	struct reader reader = {0};
	unsigned rings, silent;
	char *why = NULL;

	if (live_open(folder, &reader.live, &why) < 0) {
		free(why);
		baseline_free(baseline);
		return;
	}
	if (trace_create(NULL, &meta, &reader.trace) < 0)
		abort();
	live_threads(reader.live, NULL, 0, &silent);
	rings = live_rings(reader.live);
	if (baseline)
		baseline_take(baseline, reader.live, reader.trace,
					  &(struct baseline_help){.take_strings = take_strings, .context = &reader});
	for (unsigned ring = 0; ring < rings && ring < 8; ring++)
		if (!baseline || baseline_has(baseline, ring))
			read_ring(&reader, baseline, ring);
	take_strings(&reader);
	live_rest(reader.live);
	show(reader.trace);
	trace_free(reader.trace);
	baseline_free(baseline);
	live_free(reader.live);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!folder[0]) {
		begin();
		atexit(end);
	}
	if (size < 1)
		return 0;
	for (size_t at = 1; at + 4 <= size;)
		at += bend(data + at, size - at);
	make_crc_right();
	keep_rings_few();
	files[CTL].changed = true; /* by the reader's lease */
	read_all(data[0] & 1);
	for (int i = 0; i < FILES; i++)
		mend(&files[i]);
	return 0;
}
