/*
 * live.c - the reader's half of the segment: files, beacon, rings, strings.
 *
 * READER ALGORITHM of a ring, with `next` the index of the first slot not taken yet
 *
 *  1. Copy the header. head is believed if next <= head <= next + 2^k. A greater one is
 *     believed if the slot before it is committed, of a writer that does not wait for us, or
 *     the sixteen before it, of one that should have: what it wrote over is lost. Any other
 *     is damage, and is as if head were next: the slots' laps alone tell then. A writer that waits
 *     says its head again and again.
 *
 *         taken            committed            perhaps          not yet, or taken long ago
 *     ───────────────┬──────────────────────┬─────────────┬───────────────────────────────
 *                  next                    head       first slot with a wrong lap
 *
 *  2. Below head: copy, check the lap of each. All are committed, for head was stored after
 *     them; one that is not is damage, is passed over and counted as lost, if there are
 *     committed ones behind it: next never goes beyond what was seen committed, whatever head
 *     says, and a single slot is not believed either.
 *  3. From head on: copy, count the leading slots whose lap is right, and copy these a second
 *     time: the first copy may have taken a word after its commit but the bytes beside it
 *     before. The second one began after the commit.
 *  4. A writer that does not wait may write over what is being copied: then all is copied twice,
 *     and then the header. Slots are whole if their words are the same good ones in both,
 *     and head has not gone round since; those before the last one that is not are lost. A ring
 *     of policy OVERWRITE is gone on with at its next epoch, where rows are named anew;
 *     what is left there of an event whose beginning is lost is lost as well.
 *  5. A LOST says how much the program dropped before it; what it dropped since is in the
 *     header, and counts when the ring is empty.
 *  6. Hand out what is whole; an event whose payload is cut off by the buffer's end is left
 *     for the next time by whoever decodes it. A clock before the program's start or after now
 *     is damage: the last good one of the ring stands for it.
 *  7. next moves over what was taken. When that is in safety, the tail in ctl moves there
 *     too, by a release store; a writer that sleeps on the tail is woken.
 *
 * When the program has died, the same steps give everything up to the last commit.
 */
#include <tracer/live.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <tracer/crc32c.h>
#include "control_page.h"
#include "live_private.h"

#define CLOCK_BASE_NS 10000000u /* between two readings from which a rate is computed */
#define BEYOND_HEAD   128       /* slots that are looked at beyond a published head */
#define AHEAD_MOST    8         /* rounds that a writer may be ahead of us and be found again */
#define UNPUBLISHED   128       /* slots by which a writer may be ahead of its head */
#define LAPS          16        /* that a slot's word tells from each other */
#define HEAD_TRIES    4         /* a writer goes on between two looks */
#define NOWHERE       (UINT64_C(1) << 63) /* a tail that cannot be: its reader is not waited for */
#define SEEN          16                  /* neighbours that must be committed to be believed */
#define CLOCK_SLACK   (1u << 24) /* ticks by which the clocks of two processors may differ */

/* ---- Files ------------------------------------------------------------- */

int live_open_file(const struct live *live, const char *name, int flags, uint64_t least)
{
	struct stat status;
	int fd = openat(live->directory, name, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) || !S_ISREG(status.st_mode) || status.st_uid != live->owner ||
		status.st_nlink > 1 || status.st_size < 0 || (uint64_t)status.st_size < least) {
		close(fd);
		return -EBADMSG;
	}
	return fd;
}

/* All of it, or -EIO. */
int live_read_at(int fd, void *bytes, size_t length, uint64_t offset)
{
	size_t done = 0;

	while (done < length) {
		ssize_t result = pread(fd, (char *)bytes + done, length - done, (off_t)(offset + done));

		if (result < 0 && errno == EINTR)
			continue;
		if (result <= 0)
			return result < 0 ? -errno : -EIO;
		done += (size_t)result;
	}
	return 0;
}

/* ---- Opening ----------------------------------------------------------- */

static int refuse(int error, char **ret_why, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static int refuse(int error, char **ret_why, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(ret_why, format, arguments) < 0)
		*ret_why = NULL;
	va_end(arguments);
	return error;
}

static int check_directory(struct live *live, char **ret_why)
{
	struct stat status;

	if (fstat(live->directory, &status))
		return refuse(-errno, ret_why, "%s", strerror(errno));
	live->owner = status.st_uid;
	if (status.st_uid != geteuid() && geteuid() != 0)
		return refuse(-EPERM, ret_why, "belongs to another user");
	if (status.st_mode & 077)
		return refuse(-EPERM, ret_why, "can be entered by other users");
	return 0;
}

static int check_beacon(struct live *live, char **ret_why)
{
	struct coro_beacon *beacon = &live->beacon;
	int fd = live_open_file(live, "beacon", O_RDONLY, sizeof(*beacon));
	int result = fd < 0 ? fd : live_read_at(fd, beacon, sizeof(*beacon), 0);

	if (fd >= 0)
		close(fd);
	if (result < 0)
		return refuse(result, ret_why, "has no beacon that can be read");
	if (memcmp(beacon->magic, CORO_TRACE_MAGIC, sizeof(beacon->magic)))
		return refuse(-EBADMSG, ret_why, "is not a segment");
	if (beacon->endian != CORO_TRACE_ENDIAN)
		return refuse(-EBADMSG, ret_why, "is of a machine with another byte order");
	if (beacon->major != CORO_TRACE_MAJOR)
		return refuse(-EPROTONOSUPPORT, ret_why, "is of version %u.%u; this program reads %u.x",
					  beacon->major, beacon->minor, CORO_TRACE_MAJOR);
	if (beacon->header_length != sizeof(*beacon) ||
		beacon->crc != trace_crc32c(0, beacon, offsetof(struct coro_beacon, crc)))
		return refuse(-EBADMSG, ret_why, "has a damaged beacon");
	return 0;
}

int live_open(const char *path, struct live **ret, char **ret_why)
{
	struct live *live = calloc(1, sizeof(*live));
	int result;

	*ret_why = NULL;
	if (!live)
		return -ENOMEM;
	live->strings = live->objects = -1;
	live->control.fd = live->control.lease = live->control.rings_from = -1;
	live->string_offset = sizeof(struct coro_str_header);
	live->path = strdup(path);
	live->directory = open(path, O_DIRECTORY | O_NOFOLLOW | O_RDONLY | O_CLOEXEC);
	if (!live->path || live->directory < 0)
		result = refuse(live->path ? -errno : -ENOMEM, ret_why, "cannot be opened: %s",
						strerror(live->path ? errno : ENOMEM));
	else
		result = check_directory(live, ret_why);
	if (result >= 0)
		result = check_beacon(live, ret_why);
	if (result >= 0) {
		result = control_page_open(live);
		if (result < 0)
			refuse(result, ret_why, "has no control page that can be used");
	}
	if (result < 0) {
		live_free(live);
		return result;
	}
	*ret = live;
	return 0;
}

void live_free(struct live *live)
{
	if (!live)
		return;
	live_release(live);
	for (unsigned i = 0; i < live->ring_count; i++) {
		live_stacks_close(&live->ring[i]);
		if (live->ring[i].fd >= 0)
			close(live->ring[i].fd);
	}
	free(live->ring);
	control_page_close(live);
	if (live->objects >= 0)
		close(live->objects);
	if (live->strings >= 0)
		close(live->strings);
	if (live->directory >= 0)
		close(live->directory);
	free(live->string);
	free(live->again);
	free(live->path);
	free(live);
}

const struct coro_beacon *live_beacon(const struct live *live)
{
	return &live->beacon;
}

uint64_t live_damage(const struct live *live)
{
	return live->damage;
}

bool live_is_alive(const struct live *live)
{
	char path[64], text[1024];
	ssize_t length = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/stat", live->beacon.pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		length = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	if (length <= 0)
		return false;
	text[length] = 0;

	const char *at = strrchr(text, ')');

	if (!at || at[1] != ' ' || at[2] == 'Z')
		return false;
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	return at && strtoull(at + 1, NULL, 10) == live->beacon.starttime;
}

void live_remove(struct live *live)
{
	int copy = openat(live->directory, ".", O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	DIR *files = copy >= 0 ? fdopendir(copy) : NULL;
	char *slash;

	for (struct dirent *file; files && (file = readdir(files));)
		if (file->d_name[0] != '.')
			unlinkat(live->directory, file->d_name, 0);
	if (files)
		closedir(files);
	else if (copy >= 0)
		close(copy);
	rmdir(live->path);
	slash = strrchr(live->path, '/');
	if (slash && slash != live->path) {
		*slash = 0;
		rmdir(live->path);
		*slash = '/';
	}
}

/* ---- Rings ------------------------------------------------------------- */

/* The first place from `index` on at which a reader knows who is who. */
static uint64_t go_on_from(const struct live_ring *ring, uint64_t index)
{
	uint64_t epoch = (uint64_t)1 << (ring->log2_slots - CORO_RING_LOG2_EPOCHS);

	return ring->written_over ? (index + epoch - 1) & ~(epoch - 1) : index;
}

/* A ring's file, if its header is one of a ring of the file's size: -1, or its descriptor. */
static int open_ring_file(struct live *live, unsigned number, struct coro_ring_header *ret)
{
	struct stat status;
	char name[32];
	int fd;

	snprintf(name, sizeof(name), "ring.%u", number);
	fd = live_open_file(live, name, O_RDONLY, sizeof(*ret));
	if (fd < 0)
		return -1;
	if (live_read_at(fd, ret, sizeof(*ret), 0) == 0 && ret->magic == CORO_RING_MAGIC &&
		ret->ring == number && ret->log2_slots >= CORO_RING_LOG2_LEAST &&
		ret->log2_slots <= CORO_RING_LOG2_MOST && fstat(fd, &status) == 0 &&
		(uint64_t)status.st_size ==
			sizeof(*ret) + (sizeof(struct coro_trace_slot) << ret->log2_slots))
		return fd;
	close(fd);
	return -1;
}

static void nobody_reads(struct live *live, unsigned number)
{
	struct live_ring *ring = &live->ring[number];

	ring->next = ring->handed = ring->tail = NOWHERE;
	ring->told = true;
	control_page_set_tail(live, number, NOWHERE);
}

static void open_ring(struct live *live, unsigned number)
{
	struct live_ring *ring = &live->ring[number];
	struct coro_ring_header header;

	*ring = (struct live_ring){.fd = open_ring_file(live, number, &header), .stacks.fd = -1};
	if (ring->fd < 0) {
		/* Nobody is to be waited for. */
		live->damage++;
		nobody_reads(live, number);
		return;
	}
	ring->log2_slots = header.log2_slots;
	ring->clock = live->beacon.clock0;
	ring->written_over =
		header.policy == CORO_POLICY_OVERWRITE && header.log2_slots >= CORO_RING_LOG2_LEAST_OVER;
	if (live->control.rings_from >= 0 && number >= (unsigned)live->control.rings_from) {
		ring->waited_for = live->control.flags & CORO_LEASE_BLOCKING && !ring->written_over;
		return;
	}
	/* Who comes late begins with what is still there. */
	ring->dropped = header.dropped;
	ring->nested = header.dropped_nested;
	if (header.head > (uint64_t)1 << header.log2_slots) {
		ring->next = ring->handed = ring->tail =
			go_on_from(ring, header.head - ((uint64_t)1 << header.log2_slots));
		ring->inside = true;
	}
}

unsigned live_rings(struct live *live)
{
	uint32_t count = control_page_rings(live);

	if (count > CORO_RINGS) {
		live->damage++;
		count = CORO_RINGS;
	}
	if (count > live->ring_count) {
		struct live_ring *ring = reallocarray(live->ring, count, sizeof(*ring));

		if (!ring)
			return live->ring_count;
		live->ring = ring;
		while (live->ring_count < count)
			open_ring(live, live->ring_count++);
	}
	return live->ring_count;
}

int live_ring_header(struct live *live, unsigned number, struct coro_ring_header *ret)
{
	if (number >= live->ring_count || live->ring[number].fd < 0)
		return -EBADF;
	return live_read_at(live->ring[number].fd, ret, sizeof(*ret), 0);
}

static bool is_committed(const struct live_ring *ring, const struct coro_trace_slot *slot,
						 uint64_t index)
{
	return CORO_SLOT_KIND(slot->word) != 0 &&
		   CORO_SLOT_LAP(slot->word) == (((index >> ring->log2_slots) + 1) & 15);
}

/* Copies slots, around the ring's end if need be. */
static int copy_slots(const struct live_ring *ring, uint64_t index, struct coro_trace_slot *slots,
					  uint64_t count)
{
	uint64_t size = (uint64_t)1 << ring->log2_slots, place = index & (size - 1);
	uint64_t first = count < size - place ? count : size - place;
	int result = live_read_at(ring->fd, slots, first * sizeof(*slots),
							  sizeof(struct coro_ring_header) + place * sizeof(*slots));

	if (result < 0 || first == count)
		return result;
	return live_read_at(ring->fd, slots + first, (count - first) * sizeof(*slots),
						sizeof(struct coro_ring_header));
}

/* How many slots from `index` on are committed, whatever head says; at most `most`. */
static uint64_t look_beyond(const struct live_ring *ring, uint64_t index, uint64_t most)
{
	struct coro_trace_slot slots[BEYOND_HEAD];
	uint64_t count = 0;

	if (most > BEYOND_HEAD)
		most = BEYOND_HEAD;
	if (copy_slots(ring, index, slots, most) < 0)
		return 0;
	while (count < most && is_committed(ring, &slots[count], index + count)) {
		uint64_t whole = count + 1 + CORO_SLOT_EXT(slots[count].word);

		if (whole > most)
			break;
		count = whole;
	}
	return count;
}

/* What the header says of the slots from `next` on. */
struct promise {
	uint64_t committed; /* so many, by a head that is believed */
	bool broken;        /* the head cannot be: only the slots themselves tell */
	uint64_t lost;      /* a writer that did not wait wrote over so many, and next jumped */
};

uint64_t live_now(const struct live *live)
{
	struct live_clock now;

	live_clock_read(&now);
	return live->beacon.clock_hz == 1000000000u ? now.mono : now.ticks;
}

/* Whether that may be a count of slots or events: each took a tick at least. */
static bool is_count(const struct live *live, uint64_t count)
{
	return count <= live_now(live) - live->beacon.clock0;
}

/* Whether the `count` slots, at most SEEN, before a head are committed. */
static bool leads_to(const struct live_ring *ring, uint64_t head, unsigned count)
{
	struct coro_trace_slot slots[SEEN];

	if (copy_slots(ring, head - count, slots, count) < 0)
		return false;
	for (unsigned i = 0; i < count; i++)
		if (!is_committed(ring, &slots[i], head - count + i))
			return false;
	return true;
}

/* Whether a head may be more than a ring ahead of us: of a writer that should have waited only as
 * far as laps tell it from one of another time round. */
static bool may_be_ahead(const struct live *live, const struct live_ring *ring, uint64_t head)
{
	if (head <= ring->next)
		return false;
	return ring->waited_for ? (head - ring->next) >> ring->log2_slots < LAPS - 1
							: is_count(live, head - ring->next);
}

static struct promise believe_head(struct live *live, struct live_ring *ring, uint64_t head,
								   bool sure)
{
	uint64_t size = (uint64_t)1 << ring->log2_slots;
	struct promise promise = {0};

	if (head - ring->next <= size) {
		promise.committed = head - ring->next;
	} else if (ring->next - head <= size) {
		/* What was found beyond an older head has been taken. */
	} else if (may_be_ahead(live, ring, head) &&
			   leads_to(ring, head, ring->waited_for ? SEEN : 1)) {
		uint64_t first = go_on_from(ring, head - size);

		live->damage += ring->waited_for; /* its tail or its lease was written over */
		promise.lost = first - ring->next;
		promise.committed = head - first;
		ring->next = first;
		ring->inside = true;
	} else {
		promise.broken = true;
		if (sure && head != ring->bad_head)
			live->damage++;
		if (sure)
			ring->bad_head = head;
	}
	return promise;
}

/* The writer went round though it should have waited, as when its tail or its lease was written
 * over: so many slots ahead the same places are committed. 0: it did not. */
static uint64_t find_ahead(const struct live_ring *ring, const struct coro_trace_slot *slots,
						   uint64_t count)
{
	for (uint64_t rounds = 1; rounds <= AHEAD_MOST; rounds++) {
		uint64_t ahead = rounds << ring->log2_slots, same = 0;

		while (same < count && same < SEEN &&
			   is_committed(ring, &slots[same], ring->next + same + ahead))
			same++;
		if (same == SEEN)
			return ahead;
	}
	return 0;
}

/* The slot at `next` should be committed, and is not: how far it is from there to events that
 * are, within `most` slots; 0: there are none. What shows it is a row of them, or the last ones
 * before a head that is believed. `slots` has `room` for copies. */
static uint64_t find_committed(const struct live_ring *ring, struct coro_trace_slot *slots,
							   unsigned room, uint64_t most, bool believed)
{
	uint64_t ahead = 0, first = 0, seen = 0;

	for (uint64_t from = 0, count; from < most; from += count) {
		count = most - from < room ? most - from : room;
		if (copy_slots(ring, ring->next + from, slots, count) < 0)
			return 0;
		if (from == 0)
			ahead = find_ahead(ring, slots, count);
		for (uint64_t i = 0; i < count; i++) {
			if (!is_committed(ring, &slots[i], ring->next + from + i))
				seen = 0;
			else if (seen || CORO_SLOT_KIND(slots[i].word) != CORO_EVENT_EXT)
				seen++;
			if (seen && !first)
				first = from + i;
			if (seen == SEEN)
				return first;
		}
	}
	return seen && believed ? first : ahead;
}

/* Clocks that cannot be become the last one that could. */
static void check_clocks(struct live *live, struct live_ring *ring, struct coro_trace_slot *slots,
						 unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (CORO_SLOT_KIND(slots[i].word) == CORO_EVENT_EXT)
			continue;
		if (slots[i].clock > live->now)
			live->now = live_now(live) + CLOCK_SLACK;
		if (slots[i].clock >= live->beacon.clock0 && slots[i].clock <= live->now) {
			ring->clock = slots[i].clock;
			continue;
		}
		slots[i].clock = ring->clock;
		if (ring->next + i >= ring->checked)
			live->damage++;
	}
	if (ring->next + count > ring->checked)
		ring->checked = ring->next + count;
}

/* How many slots of `slots` can be taken, of `count` from `next` on. */
static unsigned count_whole(const struct live_ring *ring, const struct coro_trace_slot *slots,
							unsigned count)
{
	unsigned whole = 0;

	while (whole < count && is_committed(ring, &slots[whole], ring->next + whole))
		whole++;
	return whole;
}

/* Copies what is committed from `next` on, and says how much. */
static unsigned copy_committed(const struct live_ring *ring, struct coro_trace_slot *slots,
							   unsigned room, uint64_t committed)
{
	uint64_t size = (uint64_t)1 << ring->log2_slots, available = committed;

	if (available < room && available < size)
		available +=
			look_beyond(ring, ring->next + available,
						room - available < size - available ? room - available : size - available);
	if (available > room)
		available = room;
	if (!available || copy_slots(ring, ring->next, slots, available) < 0)
		return 0;
	return count_whole(ring, slots, (unsigned)available);
}

/* Of `count` slots that were copied from `next` on, while their writer may have gone on: how many
 * are left, at the front of `slots`, when those are gone that it has written over. `next`
 * moves over these, and *lost counts them.
 *
 * A slot was copied whole if its word is the same good one before and after: a writer makes it 0
 * before it touches the rest. (Sixteen rounds later it may be the same word again: but then
 * head has moved by more than the ring.) */
static unsigned keep_unmoved(struct live *live, unsigned number, struct coro_trace_slot *slots,
							 unsigned count, uint64_t *lost)
{
	struct live_ring *ring = &live->ring[number];
	uint64_t size = (uint64_t)1 << ring->log2_slots, moved, gone = 0, first;
	struct coro_ring_header header;

	if (count > live->again_room) {
		struct coro_trace_slot *again = reallocarray(live->again, count, sizeof(*again));

		if (!again)
			return 0;
		live->again = again;
		live->again_room = count;
	}
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (copy_slots(ring, ring->next, live->again, count) < 0 ||
		live_ring_header(live, number, &header) < 0)
		return 0;
	moved = header.head + UNPUBLISHED - ring->next; /* how far it is ahead of us, at most */
	for (unsigned i = 0; i < count && moved > size && i < moved - size; i++)
		if (!is_committed(ring, &slots[i], ring->next + i) || live->again[i].word != slots[i].word)
			gone = i + 1;
	if (header.head > ring->next + gone && header.head - ring->next - gone > size)
		gone = header.head - size - ring->next;
	if (!gone)
		return count_whole(ring, slots, count);
	first = go_on_from(ring, ring->next + gone) - ring->next;
	*lost += first;
	ring->next += first;
	ring->inside = true;
	if (first >= count)
		return 0;
	memmove(slots, slots + first, (count - first) * sizeof(*slots));
	return count_whole(ring, slots, count - (unsigned)first);
}

/* As copy_committed(), from a ring whose writer does not wait. */
static unsigned copy_kept(struct live *live, unsigned number, struct coro_trace_slot *slots,
						  unsigned room, struct promise *promise)
{
	struct live_ring *ring = &live->ring[number];
	uint64_t size = (uint64_t)1 << ring->log2_slots, count = promise->committed;

	if (count < room && count < size)
		count += look_beyond(ring, ring->next + count,
							 room - count < size - count ? room - count : size - count);
	if (count > room)
		count = room;
	if (!count || copy_slots(ring, ring->next, slots, count) < 0)
		return 0;
	return keep_unmoved(live, number, slots, (unsigned)count, &promise->lost);
}

/* Passes over what is no event's beginning: the rest of an event whose beginning is lost, and
 * LOST records, which count in *lost. What follows the next of these is left for the next time.
 * Returns how many slots are left at the front of `slots`. */
static unsigned pass_over_records(struct live *live, struct live_ring *ring,
								  struct coro_trace_slot *slots, unsigned count, uint64_t *lost)
{
	unsigned passed = 0, left;

	for (; passed < count; passed++) {
		unsigned kind = CORO_SLOT_KIND(slots[passed].word);
		struct coro_trace_lost record;

		if (kind == CORO_EVENT_EXT && ring->inside) {
			++*lost;
			continue;
		}
		ring->inside = false;
		if (kind != CORO_EVENT_LOST)
			break;
		memcpy(&record, &slots[passed], sizeof(record));
		if (is_count(live, record.dropped - ring->dropped)) {
			*lost += record.dropped - ring->dropped;
			ring->dropped = record.dropped;
		} else if (ring->next + passed >= ring->checked) {
			live->damage++;
		}
	}
	ring->next += passed;
	memmove(slots, slots + passed, (count - passed) * sizeof(*slots));
	for (left = 0; left < count - passed; left++)
		if (CORO_SLOT_KIND(slots[left].word) == CORO_EVENT_LOST)
			break;
	return left;
}

/* Everything that is in the ring was taken: what was dropped after it, and no LOST tells of yet. */
static uint64_t dropped_since(struct live *live, unsigned number,
							  const struct coro_ring_header *before)
{
	struct live_ring *ring = &live->ring[number];
	struct coro_ring_header header;
	uint64_t since = before->dropped - ring->dropped;

	if (!since || live_ring_header(live, number, &header) < 0 || header.head != ring->next ||
		header.dropped != before->dropped || !is_count(live, since))
		return 0;
	ring->dropped = header.dropped;
	return since;
}

static uint64_t nested_since(struct live *live, struct live_ring *ring,
							 const struct coro_ring_header *header)
{
	uint64_t since = header->dropped_nested - ring->nested;

	if (!since)
		return 0;
	ring->nested = header->dropped_nested;
	if (is_count(live, since))
		return since;
	live->damage++;
	return 0;
}

/* Somebody has cut the ring's file, which its program never does: nothing more of it will be read,
 * and so nobody is to wait for that. What it had and was not taken nobody can count. */
static void give_up_if_cut(struct live *live, unsigned number)
{
	struct live_ring *ring = &live->ring[number];
	uint64_t size =
		sizeof(struct coro_ring_header) + (sizeof(struct coro_trace_slot) << ring->log2_slots);
	struct stat status;

	if (!fstat(ring->fd, &status) && (uint64_t)status.st_size >= size)
		return;
	close(ring->fd);
	ring->fd = -1;
	live->damage++;
	nobody_reads(live, number);
}

int live_read(struct live *live, unsigned number, struct coro_trace_slot *slots, unsigned room,
			  uint64_t *ret_index, uint64_t *ret_lost)
{
	struct coro_ring_header header;
	struct promise promise;
	struct live_ring *ring;
	unsigned count;

	*ret_lost = 0;
	if (number >= live->ring_count || live->ring[number].fd < 0)
		return 0;
	ring = &live->ring[number];
	if (live_ring_header(live, number, &header) < 0) {
		give_up_if_cut(live, number);
		return 0;
	}
	for (unsigned tries = 0;; tries++) {
		uint64_t head = header.head;

		promise = believe_head(live, ring, head, tries == HEAD_TRIES);
		if (!promise.broken || tries == HEAD_TRIES || live_ring_header(live, number, &header) < 0)
			break;
		if (header.head == head)
			tries = HEAD_TRIES - 1; /* it does not move: that was not the reason */
	}
	if (ring->waited_for && !promise.lost)
		count = copy_committed(ring, slots, room, promise.committed);
	else
		count = copy_kept(live, number, slots, room, &promise);
	if (!count && !promise.lost && (promise.broken || promise.committed)) {
		uint64_t size = (uint64_t)1 << ring->log2_slots;
		uint64_t skipped = find_committed(
			ring, slots, room, promise.broken ? size : promise.committed, !promise.broken);

		/* A second look: the first may have come between two stores. */
		count = copy_committed(ring, slots, room, 0);
		if (!count && skipped) {
			live->damage++;
			promise.lost += skipped;
			ring->next += skipped;
			count = copy_committed(ring, slots, room, 0);
		} else if (!count && header.head != ring->bad_head) {
			live->damage++;
			ring->bad_head = header.head;
		}
	}
	count = pass_over_records(live, ring, slots, count, &promise.lost);
	promise.lost += nested_since(live, ring, &header);
	if (!count && !promise.lost)
		promise.lost = dropped_since(live, number, &header);
	*ret_index = ring->next;
	*ret_lost = promise.lost;
	check_clocks(live, ring, slots, count);
	if (!count && !promise.lost)
		give_up_if_cut(live, number);
	return (int)count;
}

void live_take(struct live *live, unsigned number, unsigned count)
{
	if (number >= live->ring_count)
		return;
	live->ring[number].next += count;
}

/* Where the fullest ring stands: what was taken and not told, to its size. */
static enum live_debt debt_of(uint64_t here, uint64_t size)
{
	return here > size / 2 ? LIVE_URGENT_DEBT : here >= size / 4 ? LIVE_GREAT_DEBT : LIVE_NO_DEBT;
}

enum live_debt live_debt(const struct live *live)
{
	enum live_debt debt = LIVE_NO_DEBT;

	for (unsigned i = 0; i < live->ring_count; i++) {
		const struct live_ring *ring = &live->ring[i];
		uint64_t stacks = ring->stacks.next - ring->stacks.handed;
		enum live_debt one = debt_of(ring->next - ring->handed, (uint64_t)1 << ring->log2_slots);
		enum live_debt other = ring->stacks.size ? debt_of(stacks, ring->stacks.size) : one;

		if (one == LIVE_NO_DEBT && ring->next != ring->tail)
			one = LIVE_SOME_DEBT;
		one = other > one ? other : one;
		if (one > debt)
			debt = one;
	}
	return debt;
}

static void tell_tail(struct live *live, unsigned i, uint64_t tail)
{
	struct live_ring *ring = &live->ring[i];

	if (ring->tail == tail)
		return;
	ring->tail = tail;
	ring->told = true;
	control_page_set_tail(live, i, tail);
}

void live_hand_over(struct live *live)
{
	for (unsigned i = 0; i < live->ring_count; i++) {
		live->ring[i].handed = live->ring[i].next;
		live->ring[i].stacks.handed = live->ring[i].stacks.next;
	}
}

void live_advance_handed(struct live *live)
{
	for (unsigned i = 0; i < live->ring_count; i++)
		tell_tail(live, i, live->ring[i].handed);
}

void live_advance(struct live *live)
{
	live_hand_over(live);
	live_advance_handed(live);
}

void live_tell_again(struct live *live)
{
	uint64_t damage;

	for (unsigned i = 0; i < live->ring_count; i++) {
		struct live_ring *ring = &live->ring[i];

		if (!ring->told || control_page_has_tail(live, i, ring->tail))
			continue;
		damage = live->damage + 1; /* once, whatever of it was written over */
		control_page_set_tail(live, i, ring->tail);
		live->damage = damage;
	}
}

/* ---- Clock ------------------------------------------------------------- */

static uint64_t monotonic(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The reading between two of CLOCK_MONOTONIC that lie closest together, of a few. */
void live_clock_read(struct live_clock *ret)
{
	uint64_t best = UINT64_MAX;

	*ret = (struct live_clock){0};
	for (int i = 0; i < 8; i++) {
		uint64_t before = monotonic(), ticks = 0, after;

#if defined(__x86_64__)
		ticks = __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
		__asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
#endif
		after = monotonic();
		if (after - before >= best)
			continue;
		best = after - before;
		ret->ticks = ticks;
		ret->mono = before + best / 2;
	}
}

uint64_t live_clock_hz(const struct live *live, const struct live_clock *early)
{
	struct live_clock late;
	uint64_t since;

	if (live->beacon.clock_hz)
		return live->beacon.clock_hz;
	since = monotonic() - early->mono;
	if (since < CLOCK_BASE_NS)
		nanosleep(&(struct timespec){.tv_nsec = (long)(CLOCK_BASE_NS - since)}, NULL);
	live_clock_read(&late);
	if (late.mono <= early->mono || late.ticks <= early->ticks)
		return 1000000000u;
	return (uint64_t)((double)(late.ticks - early->ticks) * 1e9 /
					  (double)(late.mono - early->mono));
}

/* ---- Strings ----------------------------------------------------------- */

int live_read_string(struct live *live, uint32_t *ret_id, const char **ret, size_t *ret_length)
{
	struct {
		uint32_t length, hash;
	} record;

	if (live->strings < 0) {
		live->strings = live_open_file(live, "str", O_RDONLY, sizeof(struct coro_str_header));
		if (live->strings < 0)
			return 0;
	}
	if (live->string_id >= live->string_count) {
		struct coro_str_header header;

		if (live_read_at(live->strings, &header, sizeof(header), 0) < 0 ||
			header.magic != CORO_STR_MAGIC || header.count <= live->string_id)
			return 0;
		live->string_count = header.count;
	}
	if (live_read_at(live->strings, &record, sizeof(record), live->string_offset) < 0 ||
		record.length > LIVE_STRING_MOST) {
		live->damage++;
		live->string_count = live->string_id; /* no record can be found after this one */
		return 0;
	}

	char *bytes = realloc(live->string, record.length + 1);

	if (!bytes)
		return 0;
	live->string = bytes;
	if (live_read_at(live->strings, bytes, record.length, live->string_offset + sizeof(record)) <
		0) {
		live->damage++;
		return 0;
	}
	bytes[record.length] = 0;
	live->string_offset += (sizeof(record) + record.length + 7) & ~(uint64_t)7;
	*ret_id = ++live->string_id;
	*ret = bytes;
	*ret_length = record.length;
	return 1;
}

/* ---- For table.c ------------------------------------------------------- */

int live_copy(const struct live_ring *ring, uint64_t index, struct coro_trace_slot *slots,
			  uint64_t count)
{
	return copy_slots(ring, index, slots, count);
}

uint64_t live_count_committed(const struct live_ring *ring, const struct coro_trace_slot *slots,
							  uint64_t index, uint64_t count)
{
	uint64_t committed = 0;

	while (committed < count && is_committed(ring, &slots[committed], index + committed))
		committed++;
	return committed;
}
