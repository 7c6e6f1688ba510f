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
#include "private.h"

struct coro__probe_page coro__probe_page __attribute__((aligned(4096)));
struct coro__probe_rows coro__probe_rows;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool reserved; /* it was tried; under the lock */

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
	if (coro__probe_alone())
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

static uint32_t new_row(struct coro__probe_rows *all)
{
	if (coro__unlikely(!reserved)) {
		reserved = true;
		all->rows = coro__reserve(CORO__PROBE_ROWS * sizeof(*all->rows));
	}
	if (coro__unlikely(++all->last_row == 0))
		all->last_row = 1;
	return all->last_row;
}

void coro__probe_row_take(struct coro_object *object)
{
	struct coro__probe_rows *all = &coro__probe_rows;
	bool locked = coro__probe_lock();
	uint32_t row = all->free_row;

	if (row)
		all->free_row = all->rows[row].next;
	else
		row = new_row(all);
	object->row = row;
	object->gen = all->rows && row < CORO__PROBE_ROWS ? all->rows[row].gen : 0;
	object->serial = ++all->last_serial;
	coro__probe_unlock(locked);
}

void coro__probe_row_give(struct coro_object *object)
{
	struct coro__probe_rows *all = &coro__probe_rows;
	uint32_t row = object->row;
	bool locked;

	if (!row)
		return;
	object->row = 0;
	if (row >= CORO__PROBE_ROWS || !all->rows)
		return;
	locked = coro__probe_lock();
	all->rows[row].gen++;
	all->rows[row].next = all->free_row;
	all->free_row = row;
	coro__probe_unlock(locked);
}
