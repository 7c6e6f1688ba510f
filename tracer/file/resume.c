/*
 * resume.c - a recording that did not come to its end is gone on with.
 *
 *     META STRINGS EVENTS STDIO EVENTS to|rn        what a recorder left that was killed
 *     META STRINGS EVENTS STDIO EVENTS|             the end that is not whole is cut off
 *     META STRINGS EVENTS STDIO EVENTS|LOST EVENTS INDEX END
 *
 * The file says of each ring which slot was the last to become an event in it; who goes on takes
 * the slots after that one, so that none is there twice. Its events name objects by serial, and
 * slots by row: the binds of all events in it, one after the other, tell who is who.
 */
#include "store.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define BATCH 64 /* events that are read at once */

/* ---- Who is who -------------------------------------------------------- */

/* The events of a file, one after the other. */
struct scan {
	struct trace *trace;
	struct map row_of; /* from a serial to the row that the object has, or had */
};

static int note_event(struct scan *scan, const struct trace_event *event)
{
	struct bindings *bindings = &scan->trace->bindings;
	int result = 0;

	if (event->ring < CORO_RINGS) {
		scan->trace->resumed[event->ring] = (struct resumed){event->index, event->n};
		scan->trace->stacks.last[event->ring] = event->n;
	}
	if (event->flags & CORO_SLOT_BIND && event->row) {
		result = trace__bindings_bind(bindings, event->ring, event->row, &event->bind);
		if (result == 0)
			result = trace__map_set(&scan->row_of, event->bind.serial, event->row);
	}
	if (event->next == CORO_STATE_NONE) {
		uint32_t row = trace__map_find(&scan->row_of, event->co);

		if (row != MAP_NONE)
			trace__bindings_forget(bindings, event->ring, row);
	}
	return result;
}

static int note_events(struct trace *trace)
{
	struct trace_event events[BATCH];
	struct scan scan = {.trace = trace};
	uint64_t count = trace_count(trace);
	int result = 0;

	for (uint64_t n = 1; result == 0 && n <= count;) {
		int read = trace_events(trace, n, events, BATCH);

		for (int i = 0; result == 0 && i < read; i++)
			result = note_event(&scan, &events[i]);
		n += read > 0 ? (unsigned)read : 1;
	}
	trace__map_done(&scan.row_of);
	return result;
}

/* ---- The file ---------------------------------------------------------- */

/* Opens it to be written, before it is read: so nobody else writes. */
static int lock_file(const char *path, char **ret_why)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), error = 0;

	if (fd < 0)
		error = errno;
	else if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		error = errno == EWOULDBLOCK ? EBUSY : errno;
	if (!error)
		return fd;
	if (fd >= 0)
		close(fd);
	if (error == EBUSY)
		*ret_why = strdup("is being recorded into");
	else if (error == ENOENT)
		*ret_why = strdup("is not there: No such file or directory");
	else if (asprintf(ret_why, "cannot be written: %s", strerror(error)) < 0)
		*ret_why = NULL;
	return -error;
}

/* The file is what was read, and the trace goes on at its end. */
static int begin(struct trace *trace, int fd)
{
	struct stat read, written;
	uint64_t tail;

	if (fstat(trace->fd, &read) < 0 || fstat(fd, &written) < 0)
		return -errno;
	if (read.st_dev != written.st_dev || read.st_ino != written.st_ino)
		return -EBUSY;
	tail = (uint64_t)written.st_size - trace->end;
	if (tail > 0 && ftruncate(fd, (off_t)trace->end) < 0)
		return -errno;
	close(trace->fd);
	trace->fd = fd;
	trace->torn -= tail;
	trace->written = trace->end;
	trace->open.first = trace->index.last_event + 1;
	trace->tables.losses_written = trace->tables.loss_count;
	trace->tables.damage_written = trace->tables.damage;
	trace->tables.recording = true;
	trace->recording = true;
	return 0;
}

int trace_resume(const char *path, struct trace **ret, char **ret_why)
{
	struct trace *trace;
	int fd, result;

	*ret_why = NULL;
	fd = lock_file(path, ret_why);
	if (fd < 0)
		return fd;
	result = trace_open(path, &trace, ret_why);
	if (result < 0) {
		close(fd);
		return result;
	}
	trace->resumed = calloc(CORO_RINGS, sizeof(*trace->resumed));
	result = trace->resumed ? note_events(trace) : -ENOMEM;
	if (result == 0)
		result = begin(trace, fd);
	if (result < 0) {
		close(fd);
		trace_free(trace);
		return result;
	}
	*ret = trace;
	return 0;
}

int trace_resumed_at(struct trace *trace, uint32_t ring, uint64_t *ret_index, uint64_t *ret_n)
{
	if (!trace->resumed || ring >= CORO_RINGS || !trace->resumed[ring].n)
		return -ENOENT;
	*ret_index = trace->resumed[ring].index;
	*ret_n = trace->resumed[ring].n;
	return 0;
}

int trace_bind(struct trace *trace, uint32_t ring, uint64_t index,
			   const struct coro_trace_slot *slots, unsigned count)
{
	int result = 0;

	pthread_mutex_lock(&trace->lock);
	for (unsigned at = 0; at < count && result == 0;) {
		struct trace_event event;
		int taken = trace_event_decode(slots + at, count - at, ring, index + at, -1, &event);

		if (taken > 0)
			result = trace__bindings_apply(&trace->bindings, &event);
		at += taken > 0 ? (unsigned)taken : 1;
	}
	pthread_mutex_unlock(&trace->lock);
	return result;
}
