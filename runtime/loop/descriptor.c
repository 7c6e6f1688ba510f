/*
 * descriptor.c - waiting for descriptors, and the few socket calls a server needs.
 *
 *     coro_recv:   recv() --> bytes           most often: no suspension at all
 *                    |  ^
 *             EAGAIN |  |  IO_READY sets the future
 *                    v  |
 *                  future (readable) <-- table of descriptors <-- selector
 *
 * A descriptor is given to the selector once, at its first wait, for both directions and
 * for edges. No edge is lost: the call was tried after the last one was reported, and it
 * said EAGAIN, so whatever arrives after it makes a new edge. Waiting without such a call
 * before (coro_wait_readable) asks the selector to report anew.
 *
 * Descriptors that nobody waits for are reported too, and that is ignored: the next call
 * will find out.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../task/tasks.h"

static struct coro__descriptor *find(const struct coro_loop *loop, int fd)
{
	return fd >= 0 && fd < loop->descriptor_room ? loop->descriptors[fd] : NULL;
}

static struct coro__descriptor *find_or_make(struct coro_loop *loop, int fd)
{
	struct coro__descriptor *descriptor = find(loop, fd);

	if (descriptor)
		return descriptor;
	if (fd >= loop->descriptor_room) {
		int room = loop->descriptor_room ? loop->descriptor_room : 64;
		struct coro__descriptor **table;

		while (room <= fd)
			room *= 2;
		table = realloc(loop->descriptors, (size_t)room * sizeof(struct coro__descriptor *));
		if (!table)
			return NULL;
		memset(table + loop->descriptor_room, 0,
			   (size_t)(room - loop->descriptor_room) * sizeof(struct coro__descriptor *));
		loop->descriptors = table;
		loop->descriptor_room = room;
	}
	descriptor = calloc(1, sizeof(*descriptor));
	if (!descriptor)
		return NULL;
	descriptor->fd = fd;
	snprintf(descriptor->name, sizeof(descriptor->name), "fd %d", fd);
	coro_probe_object_init(&descriptor->object, CORO_OBJECT_DESCRIPTOR, descriptor->name, NULL);
	loop->descriptors[fd] = descriptor;
	return descriptor;
}

/* The selector and the table know it no more; the descriptor is closed, or is a new one. */
static void forget(struct coro_loop *loop, int fd)
{
	struct coro__descriptor *descriptor = find(loop, fd);

	if (!descriptor)
		return;
	loop->descriptors[fd] = NULL;
	for (int direction = 0; direction < 2; direction++) {
		struct coro_future *future = descriptor->waiters[direction];

		if (!future)
			continue;
		descriptor->waiters[direction] = NULL;
		loop->descriptor_waiters--;
		coro__future_complete(future, coro__raise_errno_at(0, EBADF), coro__actor_row(), 0);
	}
	if (descriptor->object.state != CORO_STATE_NONE)
		coro_probe_event(&descriptor->object, CORO_EVENT_DESTROY, CORO_STATE_NONE, 0, 0, NULL);
	coro_probe_object_done(&descriptor->object);
	free(descriptor);
}

void coro__descriptors_done(struct coro_loop *loop)
{
	for (int fd = 0; fd < loop->descriptor_room; fd++)
		forget(loop, fd);
	free(loop->descriptors);
	loop->descriptors = NULL;
	loop->descriptor_room = 0;
}

void coro__descriptor_ready(struct coro_loop *loop, int fd, unsigned directions)
{
	struct coro__descriptor *descriptor = find(loop, fd);
	struct coro_probe_value value = {.kind = CORO_VALUE_INT, .integer = directions};

	if (!descriptor)
		return;
	coro_probe_event(&descriptor->object, CORO_EVENT_IO_READY, CORO_STATE_OPEN, 0, 0, &value);
	for (int direction = 0; direction < 2; direction++) {
		struct coro_future *future = descriptor->waiters[direction];

		if (!future || !(directions & (direction ? CORO_WRITABLE : CORO_READABLE)))
			continue;
		descriptor->waiters[direction] = NULL;
		loop->descriptor_waiters--;
		if (!coro__done(future))
			coro__future_complete(future, CORO_NONE, descriptor->object.row, 0);
	}
}

static int watch(struct coro_loop *loop, struct coro__descriptor *descriptor, uintptr_t site)
{
	struct coro_probe_value value = {.kind = CORO_VALUE_INT, .integer = descriptor->fd};
	int error = loop->environment->operations->watch(loop->environment, descriptor->fd);

	if (error < 0)
		return error;
	if (!descriptor->watched)
		coro_probe_event(&descriptor->object, CORO_EVENT_IO_REGISTER, CORO_STATE_OPEN,
						 loop->object.row, site, &value);
	descriptor->watched = true;
	return 0;
}

/* `tried`: the call was made, and would have blocked. */
static coro_value wait_for(int fd, enum coro_reason reason, bool tried, uintptr_t site)
{
	struct coro_loop *loop = coro__loop_need("waiting for a descriptor", site);
	int direction = reason == CORO_REASON_WRITABLE;
	coro_value result = coro__may_await();
	struct coro__descriptor *descriptor;
	struct coro_future *future;

	if (coro_raised(result))
		return result;
	if (fd < 0)
		return coro__raise_errno_at(site, EBADF);
	descriptor = find_or_make(loop, fd);
	if (!descriptor)
		return coro__raise_at(site, CORO_MemoryError, "out of memory");
	if (descriptor->waiters[direction])
		return coro__raise_at(site, CORO_RuntimeError,
							  "another task waits for descriptor %d already", fd);
	if (!tried || !descriptor->watched) {
		int error = watch(loop, descriptor, site);

		if (error == -EPERM)
			return CORO_NONE;
		if (error < 0) {
			forget(loop, fd);
			return coro__raise_errno_at(site, -error);
		}
	}
	future = coro__future_make(loop, reason, &descriptor->object, fd, NULL, site);
	if (!future)
		return coro__raise_at(site, CORO_MemoryError, "out of memory");
	descriptor->waiters[direction] = future;
	loop->descriptor_waiters++;
	result = coro__future_await(future, site);
	descriptor = find(loop, fd);
	if (descriptor && descriptor->waiters[direction] == future) {
		descriptor->waiters[direction] = NULL;
		loop->descriptor_waiters--;
	}
	coro__future_release(future);
	return result;
}

coro_value(coro_wait_readable)(int fd)
{
	return wait_for(fd, CORO_REASON_READABLE, false, CORO__SITE);
}

coro_value(coro_wait_writable)(int fd)
{
	return wait_for(fd, CORO_REASON_WRITABLE, false, CORO__SITE);
}

/* ---- Sockets ------------------------------------------------------------ */

static bool would_block(int error)
{
	return error == EAGAIN || error == EWOULDBLOCK;
}

coro_value(coro_accept)(int listener)
{
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			/* Its number may be that of one that was closed behind the loop's back. */
			if (coro__loop_current())
				forget(coro__loop_current(), fd);
			return coro_int(fd);
		}
		if (would_block(errno))
			CORO_TRY(wait_for(listener, CORO_REASON_READABLE, true, CORO__SITE));
		else if (errno != EINTR && errno != ECONNABORTED)
			return coro__raise_errno_at(CORO__SITE, errno);
	}
}

coro_value(coro_recv)(int fd, void *buffer, size_t size)
{
	for (;;) {
		ssize_t got = recv(fd, buffer, size, 0);

		if (got >= 0)
			return coro_int(got);
		if (would_block(errno))
			CORO_TRY(wait_for(fd, CORO_REASON_READABLE, true, CORO__SITE));
		else if (errno != EINTR)
			return coro__raise_errno_at(CORO__SITE, errno);
	}
}

coro_value(coro_send_all)(int fd, const void *bytes, size_t size)
{
	const char *rest = bytes;

	while (size > 0) {
		ssize_t sent = send(fd, rest, size, MSG_NOSIGNAL);

		if (sent >= 0) {
			rest += sent;
			size -= (size_t)sent;
		} else if (would_block(errno)) {
			CORO_TRY(wait_for(fd, CORO_REASON_WRITABLE, true, CORO__SITE));
		} else if (errno != EINTR) {
			return coro__raise_errno_at(CORO__SITE, errno);
		}
	}
	return CORO_NONE;
}

coro_value(coro_connect)(int fd, const struct sockaddr *address, socklen_t length)
{
	socklen_t size = sizeof(int);
	int error = 0;

	if (coro__loop_current())
		forget(coro__loop_current(), fd);
	if (!connect(fd, address, length))
		return CORO_NONE;
	if (errno != EINPROGRESS && errno != EINTR)
		return coro__raise_errno_at(CORO__SITE, errno);
	CORO_TRY(wait_for(fd, CORO_REASON_WRITABLE, true, CORO__SITE));
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		error = errno;
	return error ? coro__raise_errno_at(CORO__SITE, error) : CORO_NONE;
}

void coro_close_descriptor(int fd)
{
	struct coro_loop *loop = coro__loop_current();

	if (fd < 0)
		return;
	if (loop && find(loop, fd)) {
		loop->environment->operations->forget(loop->environment, fd);
		forget(loop, fd);
	}
	close(fd);
}
