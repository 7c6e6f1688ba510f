/* behind.c - the thread that writes events; see behind.h. */
#include "behind.h"
#include "columns.h"
#include "store.h"
#include <errno.h>
#include <signal.h>

/* Columns, zstd and the write, of rows that nobody changes. `error`: the file cannot be written any
 * more. 0 and the bytes, or -ENOMEM; *ret_error is what became of the write. */
static int make(struct trace *trace, const struct rows *rows, int error, const uint8_t **ret,
				size_t *ret_size, int *ret_error)
{
	struct behind *behind = &trace->behind;

	bytes_clear(&behind->payload);
	if (trace__columns_encode(rows, behind->from, rows->count, &behind->payload) < 0 ||
		trace__chunk_make(&behind->codec, &behind->chunk, behind->payload.data,
						  behind->payload.length, ret, ret_size) < 0)
		return -ENOMEM;
	*ret_error = error ? error : trace__write_out(trace, behind->chunk.offset, *ret, *ret_size);
	return 0;
}

/* The rows become a chunk; the lock is not held while that takes time. 0 or -ENOMEM. */
static int work(struct trace *trace)
{
	struct behind *behind = &trace->behind;
	const struct rows *rows = &behind->cached->rows;
	int error = trace->error, result;
	const uint8_t *bytes = NULL;
	size_t size = 0;

	memcpy(behind->codec.uuid, trace->codec.uuid, UUID_BYTES);
	behind->chunk = (struct chunk){
		.type = CHUNK_EVENTS,
		.first = rows->first + behind->from,
		.count = rows->count - behind->from,
		.clock = rows->row[behind->from].clock,
	};
	trace__chunk_begin(trace, &behind->chunk);
	pthread_mutex_unlock(&trace->lock);
	result = make(trace, rows, error, &bytes, &size, &error);
	pthread_mutex_lock(&trace->lock);
	if (result == 0 && trace__chunk_keep(trace, &behind->chunk, bytes, size, error) == -ENOMEM)
		result = -ENOMEM;
	behind->tried = result < 0;
	if (result == 0) {
		behind->cached->pinned = false;
		behind->cached = NULL;
	}
	pthread_cond_broadcast(&behind->changed);
	return result;
}

static void *run(void *data)
{
	struct trace *trace = data;
	struct behind *behind = &trace->behind;

	pthread_mutex_lock(&trace->lock);
	while (!behind->stop) {
		if (behind->cached && !behind->tried)
			work(trace);
		else
			pthread_cond_wait(&behind->changed, &trace->lock);
	}
	pthread_mutex_unlock(&trace->lock);
	return NULL;
}

/* It takes no signals: they are for who records. */
static int begin(struct behind *behind, struct trace *trace)
{
	sigset_t all, before;
	int error;

	pthread_cond_init(&behind->changed, NULL);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&behind->thread, NULL, run, trace);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	behind->runs = error == 0;
	if (error)
		pthread_cond_destroy(&behind->changed);
	return -error;
}

int trace__behind_hand_over(struct trace *trace)
{
	struct behind *behind = &trace->behind;
	uint64_t next = trace->open.first + trace->open.count;
	int result = behind->runs ? 0 : begin(behind, trace);

	if (result < 0)
		return result;
	behind->cached = trace__cache(trace, &trace->open);
	behind->cached->pinned = true;
	behind->tried = false;
	behind->from = trace->open_written;
	trace->open = trace__take_spare(trace);
	trace->open.first = next;
	trace->open_written = 0;
	pthread_cond_broadcast(&behind->changed);
	return 0;
}

int trace__behind_wait(struct trace *trace)
{
	struct behind *behind = &trace->behind;

	while (behind->cached) {
		if (behind->tried)
			return work(trace);
		pthread_cond_wait(&behind->changed, &trace->lock);
	}
	return 0;
}

void trace__behind_done(struct trace *trace)
{
	struct behind *behind = &trace->behind;

	if (behind->runs) {
		pthread_mutex_lock(&trace->lock);
		behind->stop = true;
		pthread_cond_broadcast(&behind->changed);
		pthread_mutex_unlock(&trace->lock);
		pthread_join(behind->thread, NULL);
		pthread_cond_destroy(&behind->changed);
	}
	trace__codec_done(&behind->codec);
	bytes_done(&behind->payload);
	behind->runs = false;
}
