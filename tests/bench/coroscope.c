/*
 * coroscope.c - our own operations.
 *
 * Traced events: this program is its own reader. It sets the kind mask in its control page,
 * and takes no lease, so nobody is waited for: the ring has room always, and what is
 * measured is the cost of an event in it.
 */
#include "subject.h"

#include <coroscope/coro.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define LEVELS 100 /* of delegation */

static void fail(const char *what)
{
	fprintf(stderr, "bench: %s\n", what);
	exit(3);
}

/* ---- Generators -------------------------------------------------------- */

static coro_value forever(coro_value unused)
{
	for (int64_t i = 0;; i++)
		CORO_TRY(coro_yield(coro_int(i)));
}

static coro_value delegating(coro_value levels)
{
	int64_t below = coro_as_int(levels) - 1;
	CORO_AUTO struct coro_generator *inner = below > 0 ? coro_generator(delegating, coro_int(below))
													   : coro_generator(forever, CORO_NONE);

	return coro_yield_from(inner);
}

static void resume_each(struct coro_generator *generator, uint64_t count)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < count; i++)
		sum += (uint64_t)coro_as_int(coro_next(generator));
	keep(sum);
}

static void resume_yield(uint64_t count)
{
	static struct coro_generator *generator;

	if (!generator)
		generator = coro_generator(forever, CORO_NONE);
	resume_each(generator, count);
}

static void resume_yield_deep(uint64_t count)
{
	static struct coro_generator *generator;

	if (!generator)
		generator = coro_generator(delegating, coro_int(LEVELS));
	resume_each(generator, count);
}

static coro_value at_once(coro_value argument)
{
	return argument;
}

static void create_destroy(uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		struct coro_generator *generator = coro_generator(at_once, CORO_NONE);

		if (!coro_raised(coro_next(generator)))
			fail("a generator that only returns has yielded");
		coro_free(generator);
	}
}

/* ---- Tasks ------------------------------------------------------------- */

/* Runs function(argument) as the main task of a loop of its own. */
static void in_loop(coro_function *function, const void *argument)
{
	struct coro_loop *loop = coro_loop_new(NULL);

	if (!loop)
		fail("no loop could be made");
	if (coro_raised(coro_loop_run_until_complete(
			loop, coro_object(coro_coroutine(function, coro_ptr(argument))))))
		fail("a task has failed that should not");
	coro_loop_free(loop);
}

struct switches {
	unsigned tasks;
	uint64_t each;
};

static coro_value switching(coro_value times)
{
	for (int64_t i = coro_as_int(times); i > 0; i--)
		CORO_TRY(coro_sleep(0));
	return CORO_NONE;
}

static coro_value spawn_all(coro_value argument)
{
	const struct switches *switches = coro_as_ptr(argument);
	struct coro_task *tasks[100];

	for (unsigned i = 0; i < switches->tasks; i++)
		tasks[i] = coro_spawn(switching, coro_int((int64_t)switches->each), NULL);
	for (unsigned i = 0; i < switches->tasks; i++) {
		CORO_TRY(coro_await(tasks[i]));
		coro_task_free(tasks[i]);
	}
	return CORO_NONE;
}

static void task_switch(unsigned tasks, uint64_t count)
{
	in_loop(spawn_all, &(struct switches){.tasks = tasks, .each = count / tasks + 1});
}

static void task_switch_2(uint64_t count)
{
	task_switch(2, count);
}

static void task_switch_100(uint64_t count)
{
	task_switch(100, count);
}

static coro_value spawn_and_join(coro_value argument)
{
	for (uint64_t left = *(const uint64_t *)coro_as_ptr(argument); left; left--) {
		struct coro_task *task = coro_spawn(at_once, CORO_NONE, NULL);

		CORO_TRY(coro_await(task));
		coro_task_free(task);
	}
	return CORO_NONE;
}

static void spawn_join(uint64_t count)
{
	in_loop(spawn_and_join, &count);
}

struct messages {
	size_t capacity;
	uint64_t count;
	struct coro_queue *queue;
};

static coro_value put_all(coro_value argument)
{
	const struct messages *messages = coro_as_ptr(argument);

	for (uint64_t i = 0; i < messages->count; i++)
		CORO_TRY(coro_queue_put(messages->queue, coro_int((int64_t)i)));
	return CORO_NONE;
}

static coro_value get_all(coro_value argument)
{
	struct messages *messages = coro_as_ptr(argument);
	struct coro_task *producer;
	uint64_t sum = 0;

	messages->queue = coro_queue_new(messages->capacity);
	producer = coro_spawn(put_all, argument, NULL);
	for (uint64_t i = 0; i < messages->count; i++)
		sum += (uint64_t)coro_as_int(CORO_TRY(coro_queue_get(messages->queue)));
	keep(sum);
	CORO_TRY(coro_await(producer));
	coro_task_free(producer);
	coro_queue_free(messages->queue);
	return CORO_NONE;
}

static void queue_1(uint64_t count)
{
	in_loop(get_all, &(struct messages){.capacity = 1, .count = count});
}

static void queue_128(uint64_t count)
{
	in_loop(get_all, &(struct messages){.capacity = 128, .count = count});
}

static struct coro_channel *channel;

static coro_value send_all(coro_value argument)
{
	const struct messages *messages = coro_as_ptr(argument);

	for (uint64_t i = 0; i < messages->count; i++)
		CORO_TRY(coro_channel_send(channel, coro_int((int64_t)i)));
	return coro_channel_close(channel);
}

static coro_value receive_all(coro_value argument)
{
	struct messages *messages = coro_as_ptr(argument);
	struct coro_task *sender;
	uint64_t sum = 0;

	channel = coro_channel_new(messages->capacity);
	sender = coro_spawn(send_all, argument, NULL);
	CORO_CHANNEL_FOR(number, channel)
	sum += (uint64_t)coro_as_int(number);
	keep(sum);
	CORO_TRY(coro_await(sender));
	coro_task_free(sender);
	coro_channel_free(channel);
	return CORO_NONE;
}

static void channel_0(uint64_t count)
{
	in_loop(receive_all, &(struct messages){.count = count});
}

static void channel_128(uint64_t count)
{
	in_loop(receive_all, &(struct messages){.capacity = 128, .count = count});
}

/* ---- Events ------------------------------------------------------------ */

/* Events between two looks of the reader: half a ring. */
#define PIECE ((uint64_t)1 << (CORO_RING_LOG2_DEFAULT - 1))
/* Stacks between two looks: a quarter of their ring. */
#define STACKS ((1u << (CORO_STACK_RING_LOG2_DEFAULT - 2)) / 512)

static struct coro_ctl *control(void)
{
	static struct coro_ctl *ctl;
	const char *segment = coro_probe_segment();
	char path[PATH_MAX];
	int fd;

	if (ctl)
		return ctl;
	if (!segment)
		return NULL;
	snprintf(path, sizeof path, "%s/ctl", segment);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	ctl = mmap(NULL, sizeof *ctl, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (ctl == MAP_FAILED)
		ctl = NULL;
	return ctl;
}

/* What is told when a task goes on, awaits a future, and that gets its result: four events, of
 * which the step reads the clock. */
static void emit_switches(uint64_t count)
{
	static struct coro_object task, future;
	struct coro_probe_value value = {.kind = CORO_VALUE_INT};

	if (task.magic != CORO_OBJECT_MAGIC) {
		coro_probe_object_init(&task, CORO_OBJECT_TASK, "measured", CORO_SITE_HERE);
		coro_probe_object_init(&future, CORO_OBJECT_FUTURE, "awaited", CORO_SITE_HERE);
	}
	for (uint64_t i = 0; i < count; i += 4) {
		uintptr_t site = (uintptr_t)&task;

		value.integer = (int64_t)(i & 0xffff);
		coro_probe_event(&task, CORO_EVENT_STEP, CORO_STATE_RUNNING, 0, 0, NULL);
		coro_probe_event(&task, CORO_EVENT_AWAIT, CORO_STATE_SUSPENDED, future.row, site, NULL);
		coro_probe_event(&future, CORO_EVENT_FUTURE_SET, CORO_STATE_DONE, task.row, site, &value);
		coro_probe_event(&task, CORO_EVENT_WAKE, CORO_STATE_READY, future.row, site, NULL);
		keep(task.state);
	}
}

/* Resumes alone, which all read the clock; every other one sends a number. */
static void emit_resumes(uint64_t count)
{
	static struct coro_object object;
	struct coro_probe_value value = {.kind = CORO_VALUE_INT};
	uintptr_t site = (uintptr_t)&object;

	if (object.magic != CORO_OBJECT_MAGIC)
		coro_probe_object_init(&object, CORO_OBJECT_GENERATOR, "measured", CORO_SITE_HERE);
	for (uint64_t i = 0; i < count; i += 2) {
		value.integer = (int64_t)(i & 0xffff);
		coro_probe_event(&object, CORO_EVENT_NEXT, CORO_STATE_RUNNING, 0, site, NULL);
		coro_probe_event(&object, CORO_EVENT_SEND, CORO_STATE_RUNNING, 0, site, &value);
		keep(object.state);
	}
}

/* A reader that has read all there is, whenever it is asked: the ring always has room. It has the
 * first lease, and its lock, from a file of its own. */
static void read_all(struct coro_ctl *ctl)
{
	static struct coro_ring_header *ring;
	struct flock lock = {.l_type = F_WRLCK,
						 .l_whence = SEEK_SET,
						 .l_start = offsetof(struct coro_ctl, lease),
						 .l_len = sizeof(struct coro_lease)};
	char path[PATH_MAX];

	if (!ring) {
		snprintf(path, sizeof path, "%s/ctl", coro_probe_segment());
		if (fcntl(open(path, O_RDWR | O_CLOEXEC), F_OFD_SETLK, &lock) < 0)
			fail("the lease cannot be taken");
		__atomic_store_n(&ctl->lease[0].pid, (uint32_t)getpid(), __ATOMIC_RELEASE);
		__atomic_store_n(&ctl->lease[0].flags, CORO_LEASE_BLOCKING, __ATOMIC_RELEASE);
		emit_switches(128); /* makes the ring */
		snprintf(path, sizeof path, "%s/ring.0", coro_probe_segment());
		ring = mmap(NULL, sizeof *ring, PROT_READ, MAP_SHARED, open(path, O_RDONLY | O_CLOEXEC), 0);
		if (ring == MAP_FAILED)
			fail("the ring cannot be read");
	}
	__atomic_store_n(&ctl->tail[0][0], __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE),
					 __ATOMIC_RELEASE);
}

/* A stack of 504 bytes each time, of which some are others than before. */
#define STACK_WORDS 63
static void keep_stacks(uint64_t count)
{
	static struct coro_object object;
	static uint64_t stack[STACK_WORDS];

	if (object.magic != CORO_OBJECT_MAGIC)
		coro_probe_object_init(&object, CORO_OBJECT_GENERATOR, "measured", CORO_SITE_HERE);
	for (uint64_t i = 0; i < count; i++) {
		stack[i % STACK_WORDS] = i;
		coro_probe_rests(&object, stack, sizeof stack);
	}
}

static void trace(operation *emit, uint64_t count, uint64_t piece)
{
	struct coro_ctl *ctl = control();

	if (!ctl)
		fail("no segment: is COROSCOPE=off, or /dev/shm full?");
	__atomic_store_n(&ctl->kind_mask, UINT64_MAX, __ATOMIC_RELEASE);
	for (uint64_t part; count; count -= part) {
		part = count < piece ? count : piece;
		read_all(ctl);
		emit(part);
	}
	__atomic_store_n(&ctl->kind_mask, 0, __ATOMIC_RELEASE);
}

static void event_untraced(uint64_t count)
{
	emit_switches(count);
}

static void event_switch_clock(uint64_t count)
{
	trace(emit_switches, count, PIECE);
}

static void event_full_clock(uint64_t count)
{
	trace(emit_resumes, count, PIECE);
}

static void stack_copy_500(uint64_t count)
{
	struct coro_ctl *ctl = control();

	__atomic_store_n(&ctl->stacks, CORO_STACKS_RECORD, __ATOMIC_RELEASE);
	trace(keep_stacks, count, STACKS);
	__atomic_store_n(&ctl->stacks, CORO_STACKS_NONE, __ATOMIC_RELEASE);
}

static inline uint64_t read_clock(void)
{
#if defined __x86_64__
	return __builtin_ia32_rdtsc();
#elif defined __aarch64__
	uint64_t ticks;

	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
	return ticks;
#endif
}

static void read_clocks(uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		keep(read_clock());
}

static void quarter_clock(uint64_t count)
{
	read_clocks(count / 4);
}

const struct subject subject_coroscope = {
	.name = "coroscope",
	.resume_yield = resume_yield,
	.resume_yield_deep = resume_yield_deep,
	.create_destroy = create_destroy,
	.task_switch_2 = task_switch_2,
	.task_switch_100 = task_switch_100,
	.spawn_join = spawn_join,
	.queue_1 = queue_1,
	.queue_128 = queue_128,
	.channel_0 = channel_0,
	.channel_128 = channel_128,
	.event_untraced = event_untraced,
	.event_switch_clock = event_switch_clock,
	.event_full_clock = event_full_clock,
	.stack_copy_500 = stack_copy_500,
	.clock = read_clocks,
	.quarter_clock = quarter_clock,
};
