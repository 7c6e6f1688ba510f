/*
 * roster.c - see roster.h.
 */
#include "roster.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* What is made of a World. While a thread makes it all of this is the thread's. */
struct roster_job {
	struct world *world;        /* owned */
	struct ui_tree_folds folds; /* owned */
	uint64_t kept;
	struct ui_tree_node *nodes; /* owned */
	size_t count, room;
	struct ui_tree tree; /* owned; what comes out */
	size_t tasks, bodies;
	uint64_t of;
	int result; /* 0 or -errno */
	int fd;     /* borrowed */
	pthread_t thread;
};

/* ---- Nodes of objects --------------------------------------------------- */

static bool is_row(const struct world_object *object)
{
	switch (object->kind) {
	case CORO_OBJECT_FUTURE:
	case CORO_OBJECT_TIMER:
	case CORO_OBJECT_DESCRIPTOR:
	case 0:
		return false;
	default:
		return true;
	}
}

static bool is_finished(unsigned state)
{
	return state == CORO_STATE_DONE || state == CORO_STATE_FAILED ||
		   state == CORO_STATE_CANCELLED || state == CORO_STATE_CLOSED;
}

/* Who stands above it in the tree; 0: nobody. */
static uint64_t parent_of(const struct world *world, const struct world_object *object)
{
	/* Only a body has somebody above it. */
	uint64_t above = trace_object_is_body(object->kind) ? world_above(world, object) : 0;
	const struct world_object *driver = above ? world_find(world, above) : NULL;
	if (driver && driver->kind == CORO_OBJECT_TASK && driver->drives == object->serial)
		return above;
	/* A creator that is no row hands on to its own. */
	uint64_t parent = object->parent;
	for (int hops = 0; parent && hops < 16; hops++) {
		const struct world_object *creator = world_find(world, parent);
		if (!creator)
			return 0;
		if (is_row(creator))
			return parent;
		parent = creator->parent;
	}
	return 0;
}

static void add_node(void *context, const struct world_object *object)
{
	struct roster_job *job = context;
	if (!is_row(object) || job->count == job->room)
		return;
	job->tasks += object->kind == CORO_OBJECT_TASK;
	job->bodies += trace_object_is_body(object->kind);
	job->nodes[job->count++] = (struct ui_tree_node){
		.id = object->serial,
		.parent = parent_of(job->world, object),
		.finished = is_finished(object->state),
		.keep = object->serial == job->kept || object == world_changed(job->world),
	};
}

static void make(struct roster_job *job)
{
	job->room = world_count(job->world);
	job->nodes = job->room ? calloc(job->room, sizeof(*job->nodes)) : NULL;
	if (job->room && !job->nodes) {
		job->result = -ENOMEM;
		return;
	}
	world_visit(job->world, add_node, job);
	job->result = ui_tree_build(&job->tree, job->nodes, job->count, &job->folds);
}

/* ---- Jobs --------------------------------------------------------------- */

static void job_free(struct roster_job *job)
{
	world_free(job->world);
	ui_tree_folds_done(&job->folds);
	ui_tree_done(&job->tree);
	free(job->nodes);
	free(job);
}

static struct roster_job *job_new(struct session *session, uint64_t kept,
								  const struct ui_tree_folds *folds)
{
	struct roster_job *job = calloc(1, sizeof(*job));
	if (!job)
		return NULL;
	job->kept = kept;
	job->of = world_at(session_world(session)) + 1;
	job->world = session_copy_world(session);
	if (!job->world || ui_tree_folds_copy(&job->folds, folds) < 0) {
		job_free(job);
		return NULL;
	}
	return job;
}

/* The rows that a job has made are the roster's. */
static int adopt(struct roster *roster, struct roster_job *job)
{
	int result = job->result;
	if (result >= 0) {
		struct ui_tree before = roster->tree;
		roster->tree = job->tree;
		job->tree = before;
		roster->of = job->of;
		roster->kept = job->kept;
		roster->tasks = job->tasks;
		roster->bodies = job->bodies;
		roster->most = job->count ? job->nodes[job->count - 1].id : 0;
	}
	job_free(job);
	return result;
}

static void *make_beside(void *data)
{
	struct roster_job *job = data;
	uint64_t one = 1;
	int fd = job->fd;
	make(job);
	while (write(fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	return NULL;
}

static int begin(struct roster *roster, struct roster_job *job)
{
	sigset_t all, before;
	int error;
	if (roster->fd < 0)
		roster->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (roster->fd < 0) {
		job_free(job);
		return -errno;
	}
	job->fd = roster->fd;
	sigfillset(&all);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGSEGV);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&job->thread, NULL, make_beside, job);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error) {
		job_free(job);
		return -error;
	}
	roster->job = job;
	return 0;
}

void roster_init(struct roster *roster)
{
	memset(roster, 0, sizeof(*roster));
	roster->fd = -1;
}

void roster_done(struct roster *roster)
{
	if (roster->job) {
		pthread_join(roster->job->thread, NULL);
		job_free(roster->job);
	}
	if (roster->fd >= 0)
		close(roster->fd);
	ui_tree_done(&roster->tree);
	roster_init(roster);
}

int roster_want(struct roster *roster, struct session *session, uint64_t kept,
				const struct ui_tree_folds *folds)
{
	bool large = world_count(session_world(session)) > ROSTER_AT_ONCE;
	if (large && roster->job)
		return 0;
	struct roster_job *job = job_new(session, kept, folds);
	if (!job)
		return -ENOMEM;
	if (large)
		return begin(roster, job);
	make(job);
	return adopt(roster, job);
}

int roster_fd(const struct roster *roster)
{
	return roster->job ? roster->fd : -1;
}

bool roster_take(struct roster *roster)
{
	struct roster_job *job = roster->job;
	uint64_t count;
	if (!job || read(roster->fd, &count, sizeof(count)) != sizeof(count))
		return false;
	pthread_join(job->thread, NULL);
	roster->job = NULL;
	return adopt(roster, job) >= 0;
}

bool roster_is_late(const struct roster *roster)
{
	return roster->job;
}
