/*
 * environment.c - time, chance and readiness: the system's, and virtual time.
 *
 *                    now                          wait(timeout)
 *     real      CLOCK_MONOTONIC, less what     sleeps in epoll
 *               was spent at the gate
 *     virtual   a number                       looks at epoll without sleeping; when it
 *                                              has nothing, the number grows by timeout
 *
 * Descriptors are the same in both: they stand in an epoll set, added once, edge-
 * triggered, for both directions. So there is no system call for an operation but
 * the operation itself. Virtual time with a descriptor and no timer sleeps really,
 * for there is nothing to jump to.
 *
 * The set also holds the probe's wake descriptor: a debugger that attaches while the
 * loop sleeps writes a byte to it. The loop then tells the probe what there is, and sleeps on.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>
#include <coroscope/probe.h>
#include <coroscope/loop.h>

enum { NANO = 1000000000, MILLI = 1000000, BATCH = 64 };

struct epoll_environment {
	struct coro_environment base;
	int epoll;
	int wake;        /* the probe's; -1: none */
	bool attended;   /* the last look at the set found that, and perhaps nothing else */
	int64_t time;    /* virtual: the number */
	uint64_t chance; /* virtual: state of the sequence */
};

static struct epoll_environment *of(struct coro_environment *environment)
{
	return (struct epoll_environment *)environment;
}

static int64_t clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * NANO + now.tv_nsec;
}

static int64_t real_now(struct coro_environment *environment)
{
	return clock_now() - (int64_t)coro_probe_paused_ns();
}

static int64_t virtual_now(struct coro_environment *environment)
{
	return of(environment)->time;
}

static uint64_t real_random(struct coro_environment *environment)
{
	uint64_t bits = 0;

	while (getrandom(&bits, sizeof(bits), 0) < 0 && errno == EINTR)
		;
	return bits;
}

/* A fixed sequence (splitmix64). */
static uint64_t virtual_random(struct coro_environment *environment)
{
	uint64_t bits = of(environment)->chance += 0x9e3779b97f4a7c15u;

	bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9u;
	bits = (bits ^ bits >> 27) * 0x94d049bb133111ebu;
	return bits ^ bits >> 31;
}

static void virtual_advance(struct coro_environment *environment, int64_t nanoseconds)
{
	if (nanoseconds > 0)
		of(environment)->time += nanoseconds;
}

static int epoll_watch(struct coro_environment *environment, int fd)
{
	struct epoll_event event = {EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, {.fd = fd}};
	int epoll = of(environment)->epoll;

	if (!epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
		return 0;
	if (errno == EEXIST && !epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event))
		return 0;
	return -errno;
}

static void epoll_forget(struct coro_environment *environment, int fd)
{
	struct epoll_event unused = {0};

	epoll_ctl(of(environment)->epoll, EPOLL_CTL_DEL, fd, &unused);
}

static int collect(struct epoll_environment *environment, int milliseconds,
				   struct coro_readiness *ret_reports, int limit)
{
	struct epoll_event events[BATCH];
	int count = epoll_wait(environment->epoll, events, limit < BATCH ? limit : BATCH, milliseconds);
	int reports = 0;

	environment->attended = false;
	if (count < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < count; i++) {
		uint32_t what = events[i].events;
		unsigned directions = 0;

		if (events[i].data.fd == environment->wake) {
			coro_probe_attend();
			if (milliseconds)
				coro_probe_park(); /* it may have a ring only now */
			environment->attended = true;
			continue;
		}
		if (what & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLPRI))
			directions |= CORO_READABLE;
		if (what & (EPOLLOUT | EPOLLHUP | EPOLLERR))
			directions |= CORO_WRITABLE;
		ret_reports[reports++] = (struct coro_readiness){events[i].data.fd, directions};
	}
	return reports;
}

/* epoll counts in milliseconds: the whole ones are slept there, what remains in
 * ppoll, so that a timer is neither early nor late. */
static int sleep_for(struct epoll_environment *environment, int64_t timeout,
					 struct coro_readiness *ret_reports, int limit)
{
	int64_t end = clock_now() + timeout;
	int count = 0;

	for (int64_t left = timeout; !count && left > 0; left = end - clock_now()) {
		int64_t most = 1000LL * MILLI * 3600;

		if (left >= MILLI) {
			count = collect(environment, (int)((left < most ? left : most) / MILLI), ret_reports,
							limit);
			if (left >= most || count < 0)
				break;
		} else {
			struct pollfd set = {environment->epoll, POLLIN, 0};
			struct timespec rest = {0, (long)left};

			if (ppoll(&set, 1, &rest, NULL) <= 0)
				continue;
			count = collect(environment, 0, ret_reports, limit);
			if (count || !environment->attended)
				return count;
		}
	}
	return count;
}

static int real_wait(struct coro_environment *environment, int64_t timeout, bool idle,
					 struct coro_readiness *ret_reports, int limit)
{
	struct epoll_environment *self = of(environment);
	int count;

	/* With work at hand and nobody waiting for a descriptor there is nothing to learn. */
	if (timeout == 0 && idle)
		return 0;
	if (timeout == 0)
		return collect(self, 0, ret_reports, limit);
	coro_probe_park();
	do {
		count = timeout < 0 ? collect(self, -1, ret_reports, limit)
							: sleep_for(self, timeout, ret_reports, limit);
	} while (timeout < 0 && count == 0 && self->attended);
	coro_probe_resume();
	return count;
}

static int virtual_wait(struct coro_environment *environment, int64_t timeout, bool idle,
						struct coro_readiness *ret_reports, int limit)
{
	int count;

	if (timeout < 0)
		return real_wait(environment, timeout, idle, ret_reports, limit);
	count = real_wait(environment, 0, idle, ret_reports, limit);
	if (count == 0)
		virtual_advance(environment, timeout);
	return count;
}

static void epoll_free(struct coro_environment *environment)
{
	close(of(environment)->epoll);
	free(environment);
}

static const struct coro_environment_operations real_operations = {
	.now = real_now,
	.random = real_random,
	.watch = epoll_watch,
	.forget = epoll_forget,
	.wait = real_wait,
	.free = epoll_free,
};

static const struct coro_environment_operations virtual_operations = {
	.now = virtual_now,
	.random = virtual_random,
	.advance = virtual_advance,
	.watch = epoll_watch,
	.forget = epoll_forget,
	.wait = virtual_wait,
	.free = epoll_free,
};

static struct coro_environment *make(const struct coro_environment_operations *operations)
{
	struct epoll_environment *environment = calloc(1, sizeof(*environment));

	if (!environment)
		return NULL;
	environment->base.operations = operations;
	environment->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (environment->epoll < 0) {
		free(environment);
		return NULL;
	}
	environment->wake = coro_probe_wake_fd();
	if (environment->wake >= 0) {
		struct epoll_event event = {EPOLLIN | EPOLLET, {.fd = environment->wake}};

		if (epoll_ctl(environment->epoll, EPOLL_CTL_ADD, environment->wake, &event) < 0)
			environment->wake = -1;
	}
	return &environment->base;
}

struct coro_environment *coro_environment_real(void)
{
	return make(&real_operations);
}

struct coro_environment *coro_environment_virtual(void)
{
	return make(&virtual_operations);
}
