/*
 * process.c - the memory of a process; see memory.h.
 *
 * Pages are kept in a table by their number, at most so many: then all are dropped, as the one who
 * reads could have asked for.
 */
#include <tracer/memory.h>

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

enum { PAGE = 4096, PAGES_MOST = 4096, TABLE = 2 * PAGES_MOST };

struct page {
	uint64_t number; /* address / PAGE */
	uint8_t bytes[PAGE];
};

struct memory_process {
	struct memory memory;
	pid_t pid;
	struct page *table[TABLE];                    /* owned; open addressing; NULL: free */
	size_t count;                                 /* at most PAGES_MOST */
	struct iovec local[IOV_MAX], remote[IOV_MAX]; /* of memory_process_copy() */
};

/* Reads what is there now. */
static int read_now(const struct memory_process *process, uint64_t address, void *buffer,
					size_t length)
{
	struct iovec local = {.iov_base = buffer, .iov_len = length};
	struct iovec remote = {.iov_base = (void *)(uintptr_t)address, .iov_len = length};
	ssize_t got = process_vm_readv(process->pid, &local, 1, &remote, 1, 0);

	if (got < 0)
		return -errno;
	return (size_t)got == length ? 0 : -EFAULT;
}

static struct page **slot_of(struct memory_process *process, uint64_t number)
{
	size_t at = (size_t)(number * UINT64_C(0x9e3779b97f4a7c15) >> 51) % TABLE;

	while (process->table[at] && process->table[at]->number != number)
		at = (at + 1) % TABLE;
	return &process->table[at];
}

/* The page, from the table or now. */
static int get_page(struct memory_process *process, uint64_t number, const struct page **ret)
{
	struct page **slot = slot_of(process, number), *page;
	int result;

	if (!*slot) {
		page = malloc(sizeof *page);
		if (!page)
			return -ENOMEM;
		page->number = number;
		result = read_now(process, number * PAGE, page->bytes, PAGE);
		if (result < 0) {
			free(page);
			return result;
		}
		if (process->count == PAGES_MOST) {
			memory_process_drop(process);
			slot = slot_of(process, number);
		}
		*slot = page;
		process->count++;
	}
	*ret = *slot;
	return 0;
}

static int read_process(void *data, uint64_t address, void *buffer, size_t length)
{
	struct memory_process *process = data;
	uint8_t *to = buffer;

	if (length > 0 && address + length - 1 < address)
		return -EFAULT;
	while (length > 0) {
		const struct page *page;
		size_t offset = address % PAGE;
		size_t part = PAGE - offset < length ? PAGE - offset : length;
		int result = get_page(process, address / PAGE, &page);

		if (result < 0)
			return result;
		memcpy(to, page->bytes + offset, part);
		to += part;
		address += part;
		length -= part;
	}
	return 0;
}

int memory_process_new(uint32_t pid, struct memory_process **ret)
{
	struct memory_process *process = calloc(1, sizeof *process);

	if (!process)
		return -ENOMEM;
	process->pid = (pid_t)pid;
	process->memory = (struct memory){.read = read_process, .data = process};
	*ret = process;
	return 0;
}

void memory_process_drop(struct memory_process *process)
{
	for (size_t i = 0; process->count > 0; i++) {
		process->count -= process->table[i] != NULL;
		free(process->table[i]);
		process->table[i] = NULL;
	}
}

void memory_process_free(struct memory_process *process)
{
	if (!process)
		return;
	memory_process_drop(process);
	free(process);
}

const struct memory *memory_of_process(struct memory_process *process)
{
	return &process->memory;
}

/* As many pieces as one call takes. How many of them are settled: at least one. */
static size_t copy_some(struct memory_process *process, struct memory_piece *pieces, size_t count)
{
	size_t done = 0;
	ssize_t got;

	if (count > IOV_MAX)
		count = IOV_MAX;
	for (size_t i = 0; i < count; i++) {
		process->local[i] =
			(struct iovec){.iov_base = pieces[i].buffer, .iov_len = pieces[i].length};
		process->remote[i] = (struct iovec){
			.iov_base = (void *)(uintptr_t)pieces[i].address,
			.iov_len = pieces[i].length,
		};
	}
	got = process_vm_readv(process->pid, process->local, count, process->remote, count, 0);
	while (got > 0 && done < count && (size_t)got >= pieces[done].length) {
		got -= (ssize_t)pieces[done].length;
		pieces[done++].result = 0;
	}
	/* The first that could not be read, or not whole, is asked for by itself to learn why. */
	if (done < count) {
		pieces[done].result =
			read_now(process, pieces[done].address, pieces[done].buffer, pieces[done].length);
		done++;
	}
	return done;
}

void memory_process_copy(struct memory_process *process, struct memory_piece *pieces, size_t count)
{
	while (count > 0) {
		size_t done = copy_some(process, pieces, count);

		pieces += done;
		count -= done;
	}
}
