#ifndef TRACER_LIVE_PRIVATE_H
#define TRACER_LIVE_PRIVATE_H
/*
 * live_private.h - what live.c and control_page.c share.
 */
#include <sys/types.h>
#include <tracer/live.h>

#define LIVE_STRING_MOST 65536u /* bytes of a string that is believed */

/* What is copied of a stack ring. */
struct live_stacks {
	int fd;            /* owned; -1: not opened */
	uint64_t size;     /* valid if fd is */
	uint8_t *bytes;    /* owned: positions [from, to) */
	uint64_t from, to; /* equal: nothing */
	size_t room;
	uint64_t claimed;            /* what the header said after the copy */
	uint64_t next, handed, tail; /* positions, as of the slots */
};

struct live_ring {
	int fd; /* owned; -1: cannot be read */
	uint32_t log2_slots;
	uint64_t next; /* index of the first slot that was not taken */
	uint64_t handed; /* what is on its way to safety, or there */
	uint64_t tail;   /* what the program was told of it */
	bool told;       /* it was: this tail is in ctl, unless somebody wrote over it */
	bool waited_for;   /* it was made when we had the lease: its writer cannot go round */
	bool written_over; /* its policy is OVERWRITE: who loses his place goes on with an epoch */
	bool inside;       /* the slots at `next` may be the rest of an event that is lost */
	uint64_t dropped;  /* what it has told so far of slots that it dropped, ... */
	uint64_t nested;   /* ... and of events of signal handlers */
	uint64_t bad_head; /* the last one that could not be: it is damage once */
	uint64_t clock;    /* the last one that could be */
	struct live_stacks stacks;
	uint64_t checked;  /* index up to which bad clocks are counted */
};

/* The mapped page, and the lease in it. */
struct control_page {
	int fd;               /* owned; holds the lease's lock; -1: none */
	struct coro_ctl *ctl; /* mapped; only touched under the guard */
	bool broken;          /* an access failed: its file is not whole any more */
	int lease;            /* which one is ours; -1: none */
	uint32_t flags;       /* of the lease: CORO_LEASE_* */
	int rings_from;       /* rings from this one on were made when we had a lease; -1: none */
};

struct live {
	char *path;    /* owned */
	int directory; /* owned */
	uid_t owner;   /* of the directory, and of all files in it */
	struct coro_beacon beacon;
	struct control_page control;
	struct live_ring *ring; /* owned */
	unsigned ring_count;
	int objects;            /* owned: obj; -1: not there yet */
	int strings;            /* owned; -1: not there yet */
	uint32_t string_id;     /* the last one that was handed out */
	uint32_t string_count;  /* how many there are, as seen last */
	uint64_t string_offset; /* of the record after it */
	char *string;           /* owned; bytes of the last one */
	struct coro_trace_slot *again; /* owned: second copies; room for `again_room` */
	unsigned again_room;
	uint32_t baseline; /* what was asked for; 0: nothing */
	uint64_t now; /* ticks: no good clock is greater, as far as was looked */
	uint64_t damage;
};

/* Copies `count` slots from `index` on; and how many of them, from there, are committed. */
int live_copy(const struct live_ring *ring, uint64_t index, struct coro_trace_slot *slots,
			  uint64_t count);
uint64_t live_count_committed(const struct live_ring *ring, const struct coro_trace_slot *slots,
							  uint64_t index, uint64_t count);
void live_stacks_close(struct live_ring *ring);
/* All of it, or -EIO. */
int live_read_at(int fd, void *bytes, size_t length, uint64_t offset);
/* A regular file of the segment of at least so many bytes: descriptor, or -errno. */
int live_open_file(const struct live *live, const char *name, int flags, uint64_t least);

#endif
