/*
 * place.c - where the trace of a session lies that nobody named a file for.
 *
 *     $XDG_STATE_HOME/coroscope     if not: $HOME/.local/state/coroscope
 *     $TMPDIR                       when that cannot be had
 *     /tmp                          when that cannot be had either
 *
 * The file has no name from the start (O_TMPFILE), or loses it at once: whatever becomes of
 * the session, nothing of it is left.
 */
#include "store.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int unnamed_in(const char *directory)
{
	char path[PATH_MAX];
	int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
		return fd >= 0 ? fd : -errno;
	if (snprintf(path, sizeof(path), "%s/.coroscope-XXXXXX", directory) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	unlink(path);
	return fd;
}

/* Makes a directory and those above it. */
static int make_directories(char *path)
{
	for (char *slash = path + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = 0;
		if (mkdir(path, 0700) < 0 && errno != EEXIST && errno != EROFS && errno != EACCES)
			return -errno;
		*slash = '/';
	}
	return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

static int in_state_home(void)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	char path[PATH_MAX];
	int length, result;

	if (state && state[0] == '/')
		length = snprintf(path, sizeof(path), "%s/coroscope", state);
	else if (home && home[0] == '/')
		length = snprintf(path, sizeof(path), "%s/.local/state/coroscope", home);
	else
		return -ENOENT;
	if (length >= (int)sizeof(path))
		return -ENAMETOOLONG;
	result = make_directories(path);
	return result < 0 ? result : unnamed_in(path);
}

int trace__own_file(void)
{
	const char *temporary = getenv("TMPDIR");
	int fd = in_state_home();

	if (fd < 0 && temporary && temporary[0] == '/')
		fd = unnamed_in(temporary);
	return fd < 0 ? unnamed_in("/tmp") : fd;
}
