/*
 * debug.c - coro_check(), and the dump.
 *
 *     round 1   core  loop  task  sync     lists, states; what is met is counted
 *     round 2   core  loop  task           the counts against what the objects say
 *
 * The dump is written from what stands in the objects themselves, line by line, with nothing but
 * write(): so that it works within a signal handler, whatever that interrupted. The lists may be in
 * the middle of a change then: memory of objects is never anything else, so that a link leads to a
 * line too many or too few, and to nothing worse.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <coroscope/debug.h>
#include "../core/check.h"
#include "../task/tasks.h"

/* ---- The check ---------------------------------------------------------- */

static size_t check_all(void)
{
	bool counts = coro__count_begin();
	size_t count = coro__core_check();

	count += coro__loop_check();
	count += coro__task_check();
	count += coro__sync_check();
	if (counts && coro__counted_all()) {
		coro__core_check_counts();
		coro__loop_check_counts();
		coro__task_check_counts();
	}
	return count;
}

void coro_check(void)
{
	check_all();
}

void coro__loop_check_turn(struct coro_loop *loop)
{
	enum { CHEAP = 4096 };

	if (loop->turns >= loop->checked)
		loop->checked = loop->turns + 1 + check_all() / CHEAP;
}

/* ---- The dump ----------------------------------------------------------- */

enum { LINE = 512, MOST = 1 << 20 };

struct line {
	char bytes[LINE];
	size_t length;
};

static void add(struct line *line, const char *text)
{
	while (text && *text && line->length < LINE - 1)
		line->bytes[line->length++] = *text++;
}

static void add_number(struct line *line, uint64_t number)
{
	char digits[24];
	size_t at = sizeof(digits) - 1;

	digits[at] = 0;
	do
		digits[--at] = (char)('0' + number % 10);
	while (number /= 10);
	add(line, digits + at);
}

static const char *name_of(unsigned number, const char *const *names, size_t count)
{
	return number < count && names[number] ? names[number] : "?";
}

static void add_state(struct line *line, unsigned state)
{
	static const char *const names[] = {
#define CORO__X(number, NAME, name) [number] = #name,
		CORO_STATES(CORO__X)
#undef CORO__X
	};

	add(line, name_of(state, names, sizeof(names) / sizeof(*names)));
}

static void add_reason(struct line *line, unsigned reason)
{
	static const char *const names[] = {
#define CORO__X(number, NAME, name) [number] = #name,
		CORO_REASONS(CORO__X)
#undef CORO__X
	};

	add(line, name_of(reason, names, sizeof(names) / sizeof(*names)));
}

/* "task 'reader' #10" */
static void add_object(struct line *line, const struct coro_object *object)
{
	static const char *const names[] = {
#define CORO__X(number, NAME, name) [number] = #name,
		CORO_OBJECT_KINDS(CORO__X)
#undef CORO__X
	};

	add(line, name_of(object->kind, names, sizeof(names) / sizeof(*names)));
	if (object->name) {
		add(line, " '");
		add(line, object->name);
		add(line, "'");
	}
	add(line, " #");
	add_number(line, object->serial);
}

static void put(int fd, struct line *line, const struct coro_object *object)
{
	add(line, ", created at ");
	add(line, object->creation_site ? object->creation_site : "?");
	line->bytes[line->length++] = '\n';
	for (size_t done = 0; done < line->length;) {
		ssize_t written = write(fd, line->bytes + done, line->length - done);

		if (written < 0 && errno != EINTR)
			return;
		done += written > 0 ? (size_t)written : 0;
	}
}

static void dump_body(int fd, const struct coro_generator *body)
{
	struct line line = {.length = 0};

	add_object(&line, &body->object);
	add(&line, ": ");
	add_state(&line, body->object.state);
	if (body->delegate) {
		add(&line, " to ");
		add_object(&line, &body->delegate->object);
	}
	if (body->task) {
		add(&line, ", of ");
		add_object(&line, body->task);
	}
	put(fd, &line, &body->object);
}

static void dump_task(int fd, const struct coro_task *task)
{
	const struct coro_future *awaited = task->awaited;
	struct line line = {.length = 0};

	add_object(&line, &task->future.object);
	add(&line, ": ");
	add_state(&line, task->future.object.state);
	if (awaited) {
		add(&line, ", awaits ");
		if (awaited->object.reason && !coro__is_task(awaited))
			add_reason(&line, awaited->object.reason);
		else
			add_object(&line, &awaited->object);
		if (awaited->waited && !coro__done(awaited)) {
			add(&line, " of ");
			add_object(&line, awaited->waited);
		}
	}
	put(fd, &line, &task->future.object);
}

static void dump_tasks(int fd, const struct coro_loop *loop)
{
	const struct coro_task *task = loop->first_task;

	for (size_t i = 0; task && i < MOST; i++, task = task->next_task)
		dump_task(fd, task);
}

void coro_dump(int fd)
{
	const struct coro_generator *body = coro__first_body();
	int saved = errno;

	for (size_t i = 0; body && i < MOST; i++, body = body->next)
		dump_body(fd, body);
	if (coro__loops.running)
		dump_tasks(fd, coro__loops.running);
	if (coro__loops.first && coro__loops.first != coro__loops.running)
		dump_tasks(fd, coro__loops.first);
	errno = saved;
}

static void on_signal(int number)
{
	(void)number;
	coro_dump(STDERR_FILENO);
}

int coro_dump_on_signal(int number)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = on_signal;
	action.sa_flags = SA_RESTART | SA_ONSTACK;
	sigemptyset(&action.sa_mask);
	return sigaction(number, &action, NULL);
}
