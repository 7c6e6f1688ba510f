/*
 * main.c - one scenario from beginning to end.
 *
 *     main      called as a plain function
 *     amain     a task of a loop with virtual time; then the loop's end, as asyncio.run has it
 *     at last   all objects that are left are freed, without a line of theirs in the log, and
 *               what that reports stands sorted at the end
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "scenario.h"

struct coro_loop *the_loop;
struct coro_generator *being_freed;

int milliseconds(void)
{
	return journal_closed ? 0 : (int)lround(coro_loop_time(the_loop) * 1000);
}

/* ---- What the scenario owns -------------------------------------------- */

struct owned {
	void *handle;
	void (*free_handle)(void *);
	bool held; /* by a task, for ever */
	struct owned *next;
};
void free_task(void *task)
{
	forget_loose(task);
	coro_task_free(task);
}

void free_body(void *body)
{
	coro_free(body);
}

void free_late_body(void *body)
{
	coro_free(body);
}

void free_step(void *step)
{
	coro_async_step_free(step);
}

static struct owned *owned, **owned_end = &owned;

void own_handle(void *handle, void (*free_handle)(void *))
{
	struct owned *entry = keep_memory(sizeof(*entry));

	*entry = (struct owned){handle, free_handle, false, NULL};
	*owned_end = entry;
	owned_end = &entry->next;
}

void disown_handle(const void *handle)
{
	for (struct owned *entry = owned; entry; entry = entry->next) {
		if (entry->handle != handle)
			continue;
		entry->handle = NULL;
		entry->free_handle((void *)(uintptr_t)handle);
		return;
	}
}

/* Steps that no variable holds: CPython has freed them already, which shows when their generator
 * goes. */
void free_unheld_steps(void)
{
	for (struct owned *entry = owned; entry; entry = entry->next) {
		struct coro_async_step *step = entry->handle;

		if (!step || entry->held || entry->free_handle != free_step ||
			is_held(coro_async_step_value(step)))
			continue;
		entry->handle = NULL;
		coro_async_step_free(step);
	}
}

void keep_step(struct coro_async_step *step)
{
	for (struct owned *entry = owned; entry; entry = entry->next)
		if (entry->handle == step)
			entry->held = true;
}

void own_body(struct coro_generator *body)
{
	coro_hold(body);
	own_handle(body, free_body);
	if (journal_closed)
		lasts_for_ever(body);
}

void disown_body(struct coro_generator *body)
{
	disown_handle(body);
}

/* When counting is through. */
static bool is_left(coro_value body)
{
	return is_of_what_lasts(body) || is_left_to_the_collector(body);
}

/* Those that are freed with `free_handle`, up to `last`, but for bodies that stay. What is made
 * meanwhile comes behind it: CPython ends without having freed that. */
static void free_owned(void (*free_handle)(void *), const struct owned *last,
					   bool (*stays)(coro_value body))
{
	for (struct owned *entry = owned; entry; entry = entry->next) {
		void *handle = entry->handle;
		bool wanted = handle && (!free_handle || entry->free_handle == free_handle);

		/* A task that never ended may await it: its variable keeps it. */
		if (wanted && last && the_loop && free_handle == free_body &&
			is_object(coro_object(handle), CORO_OBJECT_COROUTINE))
			wanted = !is_held(coro_object(handle));
		if (wanted && stays)
			wanted = !stays(coro_object(handle));
		if (wanted) {
			being_freed = entry->free_handle == free_body ? handle : NULL;
			entry->handle = NULL;
			entry->free_handle(handle);
			being_freed = NULL;
		}
		if (entry == last)
			return;
	}
}

static const struct owned *last_owned(void)
{
	const struct owned *entry = owned;

	while (entry && entry->next)
		entry = entry->next;
	return entry;
}

/* Handles that ended with the loop. */
static void forget_owned(void (*free_handle)(void *))
{
	for (struct owned *entry = owned; entry; entry = entry->next)
		if (entry->free_handle == free_handle)
			entry->handle = NULL;
}

/* ---- Under the loop ---------------------------------------------------- */

/* "a,b": the tasks that are not done, but for those without a name of their own. */
static const char *pending_names(void)
{
	struct coro_task *tasks[256];
	size_t count = coro_all_tasks(the_loop, tasks, 256);
	const char *text = "";

	for (size_t i = 0; i < count && i < 256; i++) {
		const char *name = coro_task_name(tasks[i]);

		if (strncmp(name, "Task-", 5) && strncmp(name, "anon-", 5))
			text = format("%s%s%s", text, *text ? "," : "", name);
	}
	return text;
}

static int turns;

static void observe_turn(struct coro_loop *loop, size_t handles, void *context)
{
	say("loop", format("iter %d ready=%d", ++turns, (int)handles));
}

/* Runs until the task is done. False on a deadlock, which it tells. */
static bool drive(struct coro_task *task, coro_value *ret_result)
{
	*ret_result = keep_error(coro_loop_run_until_complete(the_loop, coro_object(task)));
	coro_handled();
	if (!coro_raised(*ret_result) || coro_exception_type(*ret_result) != CORO_DeadlockError)
		return true;
	if (scenario.trace_turns && turns >= 0)
		say("loop", format("iter %d ready=0", ++turns));
	say("loop", format("deadlock pending=%s", pending_names()));
	return false;
}

struct leftovers {
	size_t count;
	struct coro_task *tasks[256];
	coro_value values[256];
};

static coro_value reap(coro_value argument)
{
	const struct leftovers *left = coro_as_ptr(argument);

	CORO_TRY(coro_gather(left->values, left->count, true, NULL));
	return CORO_NONE;
}

/* False: some survive: they wait for ever, or no memory is left to end them. */
static bool cancel_leftovers(void)
{
	struct leftovers left;
	struct coro_future *holder;
	struct coro_task *reaper;
	coro_value result;
	bool ended;

	left.count = coro_all_tasks(the_loop, left.tasks, 256);
	if (!left.count)
		return true;
	say("loop", format("shutdown cancel=%s", pending_names()));
	for (size_t i = 0; i < left.count; i++)
		left.values[i] = coro_object(left.tasks[i]);
	/* Those that nobody has a handle of would go as soon as they are done. */
	holder = coro_gather_future(left.values, left.count, true);
	if (!holder)
		return false;
	for (size_t i = 0; i < left.count; i++)
		coro_task_cancel(left.tasks[i], NULL);
	count_task();
	reaper = coro_spawn(reap, coro_ptr(&left), "anon-reap");
	if (!reaper) {
		coro_future_free(holder);
		return false;
	}
	while ((ended = drive(reaper, &result)) && coro_raised(result)) {
		say("loop", format("shutdown-raise %s", show_error(result)));
		if (coro_task_done(reaper))
			break;
	}
	if (!ended) {
		say("loop", format("stuck %s", pending_names()));
		coro_task_free(reaper);
		coro_future_free(holder);
		return false;
	}
	for (size_t i = 0; i < left.count; i++) {
		coro_value error;

		if (!coro_task_done(left.tasks[i]) || coro_task_cancelled(left.tasks[i]))
			continue;
		error = coro_task_exception(left.tasks[i]);
		if (!coro_is_none(error))
			say("loop", format("exception-handler unhandled exception during asyncio.run() "
							   "shutdown %s %s",
							   show(coro_object(left.tasks[i])), show_error(error)));
	}
	coro_task_free(reaper);
	coro_future_free(holder);
	return true;
}

static coro_value close_async_generators(coro_value unused)
{
	return coro_shutdown_async_generators();
}

static void close_generators(void)
{
	struct coro_task *closer = coro_spawn(close_async_generators, CORO_NONE, "anon-agens");
	coro_value result;

	if (!closer)
		return;
	if (drive(closer, &result) && coro_raised(result))
		say("loop", format("shutdown-raise %s", show_error(result)));
	coro_task_free(closer);
}

/* False: some tasks survive, and the log ends here. */
static bool run_loop(struct call *call)
{
	struct coro_loop_options options = {.virtual_time = true};
	struct coro_task *task;
	coro_value result;
	bool ended;

	the_loop = coro_loop_new(&options);
	if (!the_loop)
		return true;
	if (scenario.debug)
		coro_loop_set_slow(the_loop, scenario.slow / 1000.0);
	coro_loop_set_eager(the_loop, scenario.eager);
	if (scenario.trace_turns)
		coro_loop_observe_turns(the_loop, observe_turn, NULL);
	task =
		coro_spawn_coroutine(coro_coroutine_named(run_call, coro_ptr(call), "main", NULL), "main");
	if (!task)
		return true;
	own_handle(task, free_task);
	ended = drive(task, &result);
	coro_loop_observe_turns(the_loop, NULL, NULL);
	turns = -1;
	if (ended && coro_raised(result))
		say("loop", format("main-raise %s", show_error(result)));
	else if (ended)
		say("loop", format("main-done %s", show(result)));
	if (!cancel_leftovers())
		return false;
	close_generators();
	close_loose_tasks();
	return true;
}

static void ignore_report(enum coro_report_kind kind, const char *text, coro_value exception,
						  void *data)
{
	somebody_ignored |= ignored(text);
}

int main(int argc, char **argv)
{
	const struct owned *last;
	struct call *call;
	coro_value result;
	bool ended = true;

	if (argc != 2 && (argc != 4 || strcmp(argv[1], "--leave"))) {
		fprintf(stderr, "usage: conform [--leave WHAT] FILE\n");
		return 2;
	}
	remains_begin();
	parse_file(argv[argc - 1]);
	journal_begin();
	call = keep_memory(sizeof(*call));
	call->function = scenario.main;
	call->label = "main";
	if (scenario.main->kind == AMAIN) {
		ended = run_loop(call);
	} else {
		result = run_plain(call, CORO_NONE);
		if (coro_raised(result))
			say("main", format("uncaught %s", show_error(keep_error(result))));
	}
	journal_closed = true;
	coro_set_async_generator_hooks(NULL, NULL, NULL);
	forget_globals();
	last = last_owned();
	if (ended) /* else somebody may await one still */
		free_owned(free_step, last, NULL);
	free_owned(free_body, last, is_left);
	collection_begins();
	free_owned(free_body, last, is_of_what_lasts);
	if (the_loop) {
		coro_loop_close(the_loop);
		forget_owned(free_task);
	}
	coro_set_report_handler(ignore_report, NULL);
	free_owned(free_step, NULL, NULL);
	free_owned(free_body, NULL, NULL);
	free_owned(free_late_body, NULL, NULL);
	journal_begin();
	free_owned(NULL, NULL, NULL);
	coro_handled();
	if (!ended)
		forget_late();
	journal_end();
	if (argc == 4)
		remains_leave(argv[2]);
	remains_end();
	return 0;
}
