#ifndef TRACER_SYMBOLS_MAPS_H
#define TRACER_SYMBOLS_MAPS_H
/*
 * maps.h - which files a process has mapped as code, from /proc/PID/maps.
 *
 * The lines of one file that stand together make one image:
 *
 *     55e0c2a00000-55e0c2a01000 r--p 00000000 fe:01 1234   /home/me/channel   \
 *     55e0c2a01000-55e0c2a03000 r-xp 00001000 fe:01 1234   /home/me/channel    > one image
 *     55e0c2a03000-55e0c2a04000 rw-p 00003000 fe:01 1234   /home/me/channel   /
 *
 * Images without an executable line (data files, locales), without a file ([vdso], [heap]),
 * and those below /memfd: or /dev/ are left out.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct maps_image {
	char *path;            /* owned; without " (deleted)" */
	bool deleted;          /* no file has that name any more */
	uint64_t start, end;   /* first address, and the one after the last */
	uint64_t code;         /* address of its first executable line */
	uint64_t code_offset;  /* which offset of the file that is */
};

struct maps {
	struct maps_image *image; /* owned */
	size_t count;
};

/* Takes the text of a maps file. Lines that are not as they should be are passed over.
 * 0 or -ENOMEM. */
int maps_parse(const char *text, struct maps *ret);
/* Reads those of a process. 0 or -errno. */
int maps_read(uint32_t pid, struct maps *ret);
void maps_done(struct maps *maps);

/* Field 22 of /proc/PID/stat: tells a process from a later one with the same number.
 * 0: there is none. */
uint64_t maps_start_time(uint32_t pid);

#endif
