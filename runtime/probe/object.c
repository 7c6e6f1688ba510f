/*
 * object.c - rows and serial numbers.
 *
 * A serial number is for people: it counts objects from 1 and is never used again. A row
 * is a place in the mirror table: small, and used again, so that a million short-lived
 * generators need a few rows. Both are given out whether or not anybody traces, so that
 * the same program gives the same numbers, and an object keeps its row when somebody
 * comes later.
 *
 *     rows:    0      1      2      3      4      ...  used
 *            nobody  taken  free ─► free   taken
 *                            ▲
 *                          free_row        (last freed, first reused: it is in the cache)
 *
 * The list of free rows is in private memory. Without room for it, rows are just counted
 * and not used again.
 */
#include <pthread.h>
#include <sys/mman.h>
#if defined(__has_include)
#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#define coro__alone() (__libc_single_threaded)
#endif
#endif
#ifndef coro__alone
#define coro__alone() false
#endif
#include "private.h"

struct coro__probe_page coro__probe_page __attribute__((aligned(4096)));

/* Rows that can be given back; those above are used once. */
#define ROW_LIMIT (1u << 24)

struct row {
	uint32_t next; /* free row after this one, 0: last; valid while it is free */
	uint32_t gen;  /* how often it was used before */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* All under the lock. */
static struct row *rows; /* NULL: not reserved yet, or no room */
static bool rows_tried;
static uint32_t free_row; /* 0: none */
static uint32_t last_row; /* the highest row given out */
static uint64_t last_serial;

void coro__probe_lock_always(void)
{
	pthread_mutex_lock(&lock);
}

void coro__probe_unlock_always(void)
{
	pthread_mutex_unlock(&lock);
}

bool coro__probe_lock(void)
{
	if (coro__alone())
		return false;
	pthread_mutex_lock(&lock);
	return true;
}

void coro__probe_unlock(bool locked)
{
	if (locked)
		pthread_mutex_unlock(&lock);
}

void *coro__reserve(size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
						MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static uint32_t new_row(void)
{
	if (coro__unlikely(!rows_tried)) {
		rows_tried = true;
		rows = coro__reserve(ROW_LIMIT * sizeof(*rows));
	}
	if (coro__unlikely(++last_row == 0))
		last_row = 1;
	return last_row;
}

void coro_probe_object_init(struct coro_object *object, int kind, const char *name,
							const char *site)
{
	bool locked = coro__probe_lock();
	uint32_t row = free_row;

	if (row)
		free_row = rows[row].next;
	else
		row = new_row();
	object->serial = ++last_serial;
	object->gen = rows && row < ROW_LIMIT ? rows[row].gen : 0;
	coro__probe_unlock(locked);

	object->magic = CORO_OBJECT_MAGIC;
	object->row = row;
	object->cseq = 0;
	object->kind = (uint8_t)kind;
	object->state = CORO_STATE_NONE;
	object->reason = CORO_REASON_NONE;
	object->flags = 0;
	object->waits_on = 0;
	object->parent = 0;
	object->name = name;
	object->creation_site = site;
	object->resumes = 0;
}

void coro_probe_object_done(struct coro_object *object)
{
	uint32_t row = object->row;

	object->magic = 0;
	if (!row)
		return;
	object->row = 0;
	if (row >= ROW_LIMIT || !rows)
		return;

	bool locked = coro__probe_lock();

	rows[row].gen++;
	rows[row].next = free_row;
	free_row = row;
	coro__probe_unlock(locked);
}
