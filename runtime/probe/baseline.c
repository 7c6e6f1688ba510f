/*
 * baseline.c - who comes late: a thread fills the table with what it has.
 *
 * Nothing is kept in shared memory while nobody traces. A reader that attaches takes its lease,
 * raises ctl.baseline, says which kinds of event it wants, raises the gate's word, and writes a
 * byte to `wake`. Each thread finds that ctl.baseline is not what it was:
 *
 *     runs            at its next event, before it          (the gate's word is another one)
 *     at the gate     at once, it stays there               (it sleeps on that word)
 *     in a selector   at once, it sleeps on                 (the loop watches `wake`)
 *     computes, or is blocked somewhere else: not yet; until then the reader knows only that it
 *                     has not answered, by its number in ctl.thread
 *
 * and, at that moment, at which no object of it is in the middle of a change, it walks its objects
 * and writes the row of each. Only the emitter knows where they are: it gave
 * coro_probe_thread_begin() the walk. Then it publishes baseline_seq in its ring, and goes on.
 *
 *     thread                                      reader
 *     rows, all of them                           ...
 *     baseline_seq = ctl.baseline  (release)      sees it (acquire); heads: H0; copies the table;
 *     row, slot, row, slot ...                    heads: H1; events from H0 on, but those that the
 *                                                 row had already
 *
 * A row that was written by an earlier baseline, and whose object has gone while nobody traced, has
 * another `baseline`. What is written here again while somebody else traces says what was there
 * already: rows are always the objects', so that readers do not disturb each other. The sequence
 * lock has its highest bit changed, for the events that are counted are the same.
 */
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "private.h"

#define AGAIN 0x80000000u /* of a lock_seq: written by a baseline, not by an event */

/* ---- Threads ----------------------------------------------------------- */

void coro_probe_thread_begin(void (*walk)(void))
{
	struct coro__thread *thread = &coro__thread;
	struct coro_ctl *ctl = coro__segment.ctl;
	uint32_t tid = ctl ? (uint32_t)syscall(SYS_gettid) : 0;

	thread->walk = walk;
	if (ctl)
		coro__cut_heed();
	for (uint32_t i = 0; ctl && !thread->place && i < CORO_THREADS; i++) {
		uint32_t nobody = 0;

		if (!coro__load(&ctl->thread[i]) &&
			__atomic_compare_exchange_n(&ctl->thread[i], &nobody, tid, false, __ATOMIC_RELEASE,
										__ATOMIC_RELAXED))
			thread->place = i + 1;
	}
}

void coro_probe_thread_end(void)
{
	struct coro__thread *thread = &coro__thread;

	thread->walk = NULL;
	if (thread->place && coro__segment.ctl)
		coro__store_release(&coro__segment.ctl->thread[thread->place - 1], 0);
	thread->place = 0;
}

/* ---- Rows -------------------------------------------------------------- */

uint32_t coro_probe_generation(uint32_t row)
{
	const struct coro__probe_rows *all = &coro__probe_rows;

	return all->rows && row < CORO__PROBE_ROWS ? all->rows[row].gen : 0;
}

void coro_probe_present(const struct coro_object *object, const struct coro_probe_details *details)
{
	struct coro__thread *thread = &coro__thread;
	uint32_t name, creation_site, lock;
	struct coro_mirror_row *row;

	if (!coro__mirror_has(object->row) && !coro__mirror_grow(object->row))
		return;
	name = coro__string(object->name);
	creation_site = coro__string(object->creation_site);
	row = &coro__mirror[object->row];
	lock = (coro__load(&row->lock_seq) ^ AGAIN) | 1;
	coro__store(&row->lock_seq, lock);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	row->cseq = object->cseq;
	row->kind = object->kind;
	row->state = object->state;
	row->reason = object->reason;
	row->gen = object->gen;
	row->serial = object->serial;
	row->waits_on = details->waits_on;
	row->site = (uint32_t)details->site;
	row->parent = object->parent;
	row->creation_site = creation_site;
	row->name = name;
	row->baseline = thread->baseline;
	row->link = details->link;
	row->number = details->number;
	row->resumes = object->resumes;
	row->ring = thread->number;
	coro__store_release(&row->lock_seq, lock - 1);
	coro__stacks_present(object, details->rests);
}

void coro__baseline_make(struct coro__thread *thread)
{
	int saved = errno;

	thread->baseline = coro__load_acquire(&thread->ctl->baseline);
	if (thread->walk)
		thread->walk();
	coro__ring_publish(thread);
	coro__store_release(&thread->header->baseline_seq, thread->baseline);
	coro__lease_wake(true);
	errno = saved;
}

/* ---- Attention --------------------------------------------------------- */

int coro_probe_wake_fd(void)
{
	return coro__segment.wake_fd;
}

void coro_probe_attend(void)
{
	struct coro__thread *thread = &coro__thread;

	if (!coro_probe_mask() || thread->inside)
		return;
	thread->inside = 1;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (thread->header || coro__ring_make(thread))
		coro__baseline_look(thread);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	thread->inside = 0;
}
