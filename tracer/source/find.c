/*
 * find.c - segments of this user: where programs put them (runtime/probe/segment.c).
 *
 *     BASE/PID-STARTTIME/K/
 *
 * The BASE of a program is the first of a few that it could have. As its XDG_RUNTIME_DIR need not
 * be ours, the one that its environment tells is looked into as well.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <tracer/live.h>

#include "live_private.h"

#define BASES 5

struct bases {
	char path[BASES][PATH_MAX];
	unsigned count;
};

static void add(struct bases *bases, const char *parent, const char *name)
{
	char path[PATH_MAX];
	int length = snprintf(path, sizeof(path), "%s/%s", parent, name);

	if (length < 0 || (size_t)length >= sizeof(path) || bases->count == BASES || *parent != '/')
		return;
	for (unsigned i = 0; i < bases->count; i++)
		if (!strcmp(bases->path[i], path))
			return;
	strcpy(bases->path[bases->count++], path);
}

/* A variable of another process's environment, malloc'ed; NULL: it has none, or is not ours. */
static char *variable_of(uint32_t pid, const char *name)
{
	size_t room = 0, length = strlen(name);
	char path[64], *entry = NULL, *found = NULL;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%u/environ", pid);
	file = fopen(path, "re");
	while (file && !found && getdelim(&entry, &room, 0, file) >= 0)
		if (!strncmp(entry, name, length) && entry[length] == '=')
			found = strdup(entry + length + 1);
	free(entry);
	if (file)
		fclose(file);
	return found;
}

static void find_bases(struct bases *bases, uint32_t pid)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	char *theirs = pid ? variable_of(pid, "XDG_RUNTIME_DIR") : NULL;
	char mine[64];

	bases->count = 0;
	snprintf(mine, sizeof(mine), "coroscope-%lu", (unsigned long)geteuid());
	if (theirs)
		add(bases, theirs, "coroscope");
	if (runtime)
		add(bases, runtime, "coroscope");
	add(bases, "/dev/shm", mine);
	add(bases, "/tmp", mine);
	free(theirs);
}

/* "PID-STARTTIME" */
static bool is_process(const char *name, uint32_t *ret_pid, uint64_t *ret_starttime)
{
	char *end;
	unsigned long pid = strtoul(name, &end, 10);

	if (end == name || *end != '-' || !pid || pid > INT_MAX)
		return false;
	name = end + 1;
	*ret_starttime = strtoull(name, &end, 10);
	*ret_pid = (uint32_t)pid;
	return end != name && !*end;
}

static void each_in(const char *base, void (*see)(const char *, uint32_t, void *), void *context)
{
	DIR *processes = opendir(base);
	char path[PATH_MAX * 2];

	for (struct dirent *process; processes && (process = readdir(processes));) {
		uint64_t starttime;
		struct stat status;
		uint32_t pid;

		if (!is_process(process->d_name, &pid, &starttime))
			continue;
		for (unsigned k = 0; k < 100; k++) {
			snprintf(path, sizeof(path), "%s/%s/%u", base, process->d_name, k);
			if (lstat(path, &status) || !S_ISDIR(status.st_mode))
				break;
			see(path, pid, context);
		}
	}
	if (processes)
		closedir(processes);
}

void live_each(void (*see)(const char *path, uint32_t pid, void *context), void *context)
{
	struct bases bases;

	find_bases(&bases, 0);
	for (unsigned i = 0; i < bases.count; i++)
		each_in(bases.path[i], see, context);
}

struct search {
	uint32_t pid;
	const struct trace_emitter *emitter; /* NULL: whoever lives */
	char *path;
};

static void compare(const char *path, uint32_t pid, void *context)
{
	struct search *search = context;
	struct live *live;
	char *why = NULL;

	if (pid != search->pid || search->path)
		return;
	/* One that had the number before is not it. */
	if (live_open(path, &live, &why) < 0) {
		free(why);
		return;
	}
	if (search->emitter ? live_is_of(live, search->emitter) : live_is_alive(live))
		search->path = strdup(path);
	live_free(live);
}

int live_find(uint32_t pid, char **ret)
{
	struct search search = {.pid = pid};
	struct bases bases;

	find_bases(&bases, pid);
	for (unsigned i = 0; i < bases.count && !search.path; i++)
		each_in(bases.path[i], compare, &search);
	if (!search.path)
		return -ENOENT;
	*ret = search.path;
	return 0;
}

int live_find_left(uint32_t pid, const struct trace_emitter *emitter, char **ret)
{
	struct search search = {.pid = pid, .emitter = emitter};

	live_each(compare, &search);
	if (!search.path)
		return -ENOENT;
	*ret = search.path;
	return 0;
}

/* ---- At a glance ------------------------------------------------------- */

static bool is_held(struct live *live, unsigned first, unsigned count)
{
	struct flock lock = {
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = (off_t)(offsetof(struct coro_ctl, lease) + first * sizeof(struct coro_lease)),
		.l_len = (off_t)(sizeof(struct coro_lease) * count)};

	return !fcntl(live->control.fd, F_OFD_GETLK, &lock) && lock.l_type != F_UNLCK;
}

unsigned live_readers(struct live *live)
{
	unsigned readers = 0;

	for (unsigned i = 0; i < CORO_LEASES; i++)
		readers += is_held(live, i, 1);
	return readers;
}

void live_count(struct live *live, uint64_t *ret_coroutines, uint64_t *ret_events)
{
	struct live_table table;

	*ret_coroutines = *ret_events = 0;
	for (unsigned i = 0; i < live_rings(live); i++) {
		struct coro_ring_header header;

		if (live_ring_header(live, i, &header) < 0)
			continue;
		*ret_events += header.head;
		if ((uint32_t)header.baseline_seq > live->baseline)
			live->baseline = (uint32_t)header.baseline_seq;
	}
	if (live_table(live, &table) < 0)
		return;
	for (uint32_t i = 1; i < table.count; i++)
		*ret_coroutines +=
			live_table_has(&table, i) &&
			(table.rows[i].kind <= CORO_OBJECT_TASK || table.rows[i].kind == CORO_OBJECT_GREENLET ||
			 table.rows[i].kind == CORO_OBJECT_TASKLET);
	live_table_done(&table);
}

/* ---- The end ----------------------------------------------------------- */

static bool ended_by_itself(struct live *live)
{
	unsigned rings = live_rings(live);

	for (unsigned i = 0; i < rings; i++) {
		struct coro_ring_header header;

		if (live_ring_header(live, i, &header) >= 0 && header.state != CORO_RING_EXITED)
			return false;
	}
	return true;
}

void live_remove_left(struct live *live)
{
	live_release(live);
	if (!is_held(live, 0, CORO_LEASES) && ended_by_itself(live))
		live_remove(live);
}
