/*
 * kill_run.c - see kill_run.h.
 */
#include "kill_run.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include <ftw.h>
#include <tracer/trace.h>

static char folder[] = "/tmp/coroscope-kill-XXXXXX";
static char memory[] = "/dev/shm/coroscope-kill-XXXXXX";
static bool made;

static void make_folders(void)
{
	if (made)
		return;
	made = true;
	assert_non_null(mkdtemp(folder));
	assert_non_null(mkdtemp(memory));
	setenv("XDG_RUNTIME_DIR", memory, 1);
}

const char *kill_path(const char *name)
{
	static char path[4][PATH_MAX];
	static unsigned next;

	make_folders();
	next = (next + 1) % 4;
	snprintf(path[next], sizeof(path[next]), "%s/%s", folder, name);
	return path[next];
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	return remove(path);
}

void kill_clean(void)
{
	if (!made)
		return;
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	nftw(memory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

struct kill_share *kill_share(void)
{
	static struct kill_share *share;
	const char *path = kill_path("share");

	if (!share) {
		int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

		assert_true(fd >= 0 && !ftruncate(fd, sizeof(*share)));
		share = mmap(NULL, sizeof(*share), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		assert_true(share != MAP_FAILED);
		close(fd);
		setenv("KILL_SHARE", path, 1);
	}
	memset(share, 0, sizeof(*share));
	return share;
}

pid_t kill_start(char *const arguments[], const char *point, int *ret_launch, char *segment,
				 size_t room)
{
	int launch[2];
	size_t length = 0;
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, launch), 0);
	fcntl(launch[0], F_SETFD, FD_CLOEXEC);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		char number[16];

		snprintf(number, sizeof(number), "%d", launch[1]);
		setenv("COROSCOPE_LAUNCH_FD", number, 1);
		if (point)
			setenv("KILL_POINT", point, 1);
		execv(arguments[0], arguments);
		_exit(127);
	}
	close(launch[1]);
	while (!length || segment[length - 1] != '\n') {
		ssize_t got = read(launch[0], segment + length, room - length);

		assert_true(got > 0);
		length += (size_t)got;
	}
	segment[length - 1] = 0;
	*ret_launch = launch[0];
	return pid;
}

/* ---- Events ------------------------------------------------------------ */

static uint64_t hash(const char *text)
{
	uint64_t value = 1469598103934665603u;

	for (; text && *text; text++)
		value = (value ^ (uint8_t)*text) * 1099511628211u;
	return value;
}

static uint64_t at_event[KILL_RINGS]; /* event of each ring, while a trace is read */

/* Whether a STACK, which is no event, stands behind the last event of that ring. */
static bool has_stack(struct trace *trace, uint32_t ring)
{
	struct trace_event event;
	struct trace_stack stack;

	if (trace_event(trace, at_event[ring], &event) < 0 || event.kind != CORO_EVENT_YIELD ||
		trace_find_stack_from(trace, event.co, at_event[ring], at_event[ring], &stack) < 0)
		return false;
	trace_stack_done(&stack);
	return true;
}

static void add(struct kill_events *events, struct trace *trace, struct trace_event *event)
{
	struct kill_event *last = events->count ? &events->event[events->count - 1] : NULL;
	struct kill_event *next;

	if (last)
		last->slots = event->index - last->event.index - has_stack(trace, event->ring);
	if (events->count == events->room) {
		events->room = events->room * 2 + 256;
		events->event = realloc(events->event, events->room * sizeof(*events->event));
		assert_non_null(events->event);
	}
	next = &events->event[events->count++];
	*next = (struct kill_event){
		.event = *event, .name = hash(trace_string(trace, event->name)), .slots = 1};
}

void kill_read(const char *path, struct kill_events ret[KILL_RINGS])
{
	struct trace *trace;
	char *why;
	int result = trace_open(path, &trace, &why);

	if (result < 0)
		fail_msg("%s %s", path, why);
	for (unsigned i = 0; i < KILL_RINGS; i++)
		ret[i].count = 0;
	for (uint64_t n = 1; n <= trace_count(trace); n++) {
		struct trace_event event = {0};

		assert_int_equal(trace_event(trace, n, &event), 0);
		assert_true(event.ring < KILL_RINGS);
		add(&ret[event.ring], trace, &event);
		at_event[event.ring] = n;
	}
	trace_free(trace);
}

void kill_events_done(struct kill_events events[KILL_RINGS])
{
	for (unsigned i = 0; i < KILL_RINGS; i++)
		free(events[i].event);
}

bool kill_event_equal(const struct kill_event *a, const struct kill_event *b)
{
	const struct trace_event *x = &a->event, *y = &b->event;

	return x->kind == y->kind && x->prev == y->prev && x->next == y->next && x->cseq == y->cseq &&
		   x->co == y->co && x->peer == y->peer && x->object_kind == y->object_kind &&
		   x->value.kind == y->value.kind && x->value.integer == y->value.integer &&
		   x->value.length == y->value.length && x->value.stored == y->value.stored &&
		   !memcmp(x->value.bytes, y->value.bytes, x->value.stored) && a->name == b->name;
}
