/*
 * kill_subject.c - a program that emits the same events each time, until it is killed.
 *
 *     kill_subject ROUNDS
 *
 * Two threads, one after the other, each with a ring. What it emits uses all that an event can be:
 * without a payload, with one, with a bind, with new strings, more rows and more strings than the
 * first blocks of the table and the arena hold, links, rows that are used again.
 *
 * It is linked with the probe compiled for it, whose test points kill it: KILL_POINT=NAME:N, at the
 * N-th pass of the point NAME. Without that they are counted.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <coroscope/probe.h>
#include "kill_subject.h"

#define MANY  1100 /* objects at the same time: the table has 1024 rows at first */
#define NAMES 50

static struct kill_share *share;
static unsigned ring; /* that is written to now */
static long rounds;

/* ---- Test points ------------------------------------------------------- */

void coro__test_point(const char *name);

static struct kill_share *open_share(void)
{
	const char *path = getenv("KILL_SHARE");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *memory =
		fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(*share), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (memory == MAP_FAILED)
		abort();
	close(fd);
	return memory;
}

/* The first one is in the probe's constructor, before everything else here. */
void coro__test_point(const char *name)
{
	static char wanted[sizeof(share->point[0].name)];
	static long passes = -1; /* that are left; 0: it is not to be killed */

	if (!share)
		share = open_share();
	if (passes < 0) {
		const char *text = getenv("KILL_POINT");
		const char *colon = text ? strchr(text, ':') : NULL;

		passes = colon ? atol(colon + 1) : 0;
		if (colon)
			snprintf(wanted, sizeof(wanted), "%.*s", (int)(colon - text), text);
	}
	if (passes > 0 && !strcmp(name, wanted) && --passes == 0)
		kill(getpid(), SIGKILL);
	if (!*wanted)
		for (unsigned i = 0; i < KILL_POINTS; i++) {
			if (!share->point[i].name[0])
				snprintf(share->point[i].name, sizeof(share->point[i].name), "%s", name);
			if (strcmp(share->point[i].name, name))
				continue;
			share->point[i].passed++;
			break;
		}
}

/* ---- Events ------------------------------------------------------------ */

static void emit(struct coro_object *object, unsigned kind, unsigned next, uint32_t peer,
				 const struct coro_probe_value *value)
{
	uint32_t before = object->cseq;

	__atomic_store_n(&share->begun[ring], share->begun[ring] + 1, __ATOMIC_RELEASE);
	coro_probe_event(object, kind, next, peer, 0, value);
	if (object->cseq == before) /* nobody traced it */
		__atomic_store_n(&share->begun[ring], share->begun[ring] - 1, __ATOMIC_RELEASE);
	else
		__atomic_store_n(&share->done[ring], share->done[ring] + 1, __ATOMIC_RELEASE);
}

static struct coro_probe_value string(const char *text)
{
	return (struct coro_probe_value){
		.kind = CORO_VALUE_STRING, .pointer = text, .length = strlen(text)};
}

/* What the switch does. */
static void rest(struct coro_object *object)
{
	uint64_t stack[KILL_WORDS];

	for (int i = 0; i < KILL_WORDS; i++)
		stack[i] = object->cseq;
	if (coro_probe_stacks() != CORO_STACKS_NONE)
		coro_probe_rests(object, stack, sizeof(stack));
}

static void round_of(struct coro_object *first, struct coro_object *lock, long i)
{
	static char names[NAMES][24];
	struct coro_probe_value large = {.kind = CORO_VALUE_INT, .integer = INT64_MAX - i};
	struct coro_probe_value small = {.kind = CORO_VALUE_INT, .integer = i};
	struct coro_probe_value text = string("a value that takes more than one payload slot");
	struct coro_object second;
	char *name = names[i % NAMES];

	snprintf(name, sizeof(names[0]), "second %ld of %u", i % NAMES, ring);
	coro_probe_object_init(&second, CORO_OBJECT_GENERATOR, name, CORO_SITE_HERE);
	emit(&second, CORO_EVENT_CREATE, CORO_STATE_CREATED, first->row, NULL);
	emit(&second, CORO_EVENT_SEND, CORO_STATE_RUNNING, first->row, &large);
	emit(first, CORO_EVENT_NEXT, CORO_STATE_RUNNING, second.row, &small);
	emit(lock, CORO_EVENT_LOCK_ACQUIRE, CORO_STATE_LOCKED, first->row, NULL);
	emit(first, CORO_EVENT_YIELD, CORO_STATE_SUSPENDED, 0, i % 8 ? NULL : &text);
	rest(first);
	emit(lock, CORO_EVENT_LOCK_RELEASE, CORO_STATE_UNLOCKED, first->row, NULL);
	emit(&second, CORO_EVENT_DESTROY, CORO_STATE_NONE, 0, NULL);
	coro_probe_object_done(&second);
}

static void make_many(const struct coro_object *first)
{
	static struct coro_object objects[MANY];
	static char names[MANY][64];

	for (int i = 0; i < MANY; i++) {
		snprintf(names[i], sizeof(names[i]), "number %4d of those that are there together, on %u",
				 i, ring);
		coro_probe_object_init(&objects[i], CORO_OBJECT_QUEUE, names[i], CORO_SITE_HERE);
		emit(&objects[i], CORO_EVENT_CREATE, CORO_STATE_OPEN, first->row, NULL);
	}
	for (int i = 0; i < MANY; i++) {
		emit(&objects[i], CORO_EVENT_DESTROY, CORO_STATE_NONE, 0, NULL);
		coro_probe_object_done(&objects[i]);
	}
}

static void *emit_all(void *data)
{
	struct coro_object first, lock;

	coro_probe_object_init(&first, CORO_OBJECT_GENERATOR, "first", NULL);
	emit(&first, CORO_EVENT_CREATE, CORO_STATE_CREATED, 0, NULL);
	coro_probe_object_init(&lock, CORO_OBJECT_LOCK, "lock", NULL);
	emit(&lock, CORO_EVENT_CREATE, CORO_STATE_UNLOCKED, first.row, NULL);
	for (long i = 0; i < rounds; i++)
		round_of(&first, &lock, i);
	if (data)
		make_many(&first);
	emit(&lock, CORO_EVENT_DESTROY, CORO_STATE_NONE, 0, NULL);
	coro_probe_object_done(&lock);
	emit(&first, CORO_EVENT_DESTROY, CORO_STATE_NONE, 0, NULL);
	coro_probe_object_done(&first);
	return NULL;
}

int main(int argc, char **argv)
{
	rounds = argc > 1 ? atol(argv[1]) : 100;
	if (!share)
		share = open_share();
	share->pid = (uint32_t)getpid();
	for (ring = 1; ring < KILL_RINGS; ring++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, emit_all, ring == 1 ? &ring : NULL) ||
			pthread_join(thread, NULL))
			return 1;
	}
	share->finished = 1;
	return 0;
}
