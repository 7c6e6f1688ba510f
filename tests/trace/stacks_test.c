/*
 * stacks_test.c - the past equals the present, down to the bytes of each stack.
 *
 *     live, paused after event n     the stack of each body that does not run, from the process
 *     the trace, at n                the same stacks, as they were recorded
 *     the saved trace, at n          the same again
 *
 * Arguments: a program, which is run under virtual time; and, if there are some, how many words of
 * its stacks others have changed, at most, while the body did not run: counted each time that they
 * are looked at. These are in the process alone. No demo does that; a timeout that is a local
 * variable does.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>
#include <cmocka.h>
#include <tracer/stacks.h>

static char *demo;
static size_t allowed; /* words that others may have changed, each time they are looked at */
static char saved[] = "/tmp/stacks_XXXXXX";

struct seen {
	uint64_t n, serial, sp, sum;
	size_t length;
	int64_t result;
};
static struct seen *seen;
static size_t seen_count, seen_room;
static size_t compared, words, changed, runs, at_gate;

static uint64_t sum_of(const uint8_t *bytes, size_t length)
{
	uint64_t hash = 14695981039346656037u;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ bytes[i]) * 1099511628211u;
	return hash;
}

static struct seen look(struct session *session, uint64_t serial, struct trace_stack *stack)
{
	struct seen one = {.n = session_playhead(session), .serial = serial};

	*stack = (struct trace_stack){0};
	one.result = session_stack(session, serial, stack);
	if (one.result == 0) {
		assert_int_equal(stack->why, TRACE_STACK_HERE);
		assert_true(stack->after <= one.n);
		one.sp = stack->sp;
		one.length = stack->length;
		one.sum = sum_of(stack->bytes, stack->length);
	}
	return one;
}

static void note(const struct seen *one)
{
	if (seen_count == seen_room) {
		seen_room = seen_room ? seen_room * 2 : 1024;
		seen = realloc(seen, seen_room * sizeof(*seen));
	}
	seen[seen_count++] = *one;
}

/* Whether an address lies within the 64 KiB below the base of a body's stack. */
static bool is_on_stack_of(struct target *target, uint64_t object, uint64_t sp)
{
	uint64_t base = 0;
	struct iovec to = {.iov_base = &base, .iov_len = sizeof(base)};
	struct iovec from = {.iov_base = (void *)(uintptr_t)(object + CORO_OBJECT_STACK_BASE),
						 .iov_len = sizeof(base)};

	assert_int_equal(process_vm_readv((pid_t)target_pid(target), &to, 1, &from, 1, 0),
					 sizeof(base));
	return base > sp && base - sp < 65536;
}

/* The recorded stack against that of the process. */
static void compare(struct session *session, const struct world_object *object)
{
	static uint8_t bytes[1 << 20];
	struct target *target = session_target(session);
	struct trace_stack stack;
	struct seen one = look(session, object->serial, &stack);
	struct live_stack live;
	uint32_t row;
	int result;

	note(&one);
	assert_int_equal(session_row(session, object->serial, &row), 0);
	result = target_stack(target, row, object->serial, bytes, sizeof(bytes), &live);
	if (result == 0) {
		if (one.result != 0)
			fail_msg("event %lu, #%lu %s: at rest, but %d from the trace", (unsigned long)one.n,
					 (unsigned long)object->serial, trace_state_name(object->state),
					 (int)one.result);
		assert_int_equal(live.sp, stack.sp);
		assert_int_equal(live.length, stack.length);
		compared++;
		for (size_t i = 0; i < live.length; i += 8) {
			words++;
			changed += memcmp(bytes + i, stack.bytes + i, 8) != 0;
		}
	} else if (one.result == 0) {
		fail_msg("event %lu, #%lu %s: recorded, but %d from the process", (unsigned long)one.n,
				 (unsigned long)object->serial, trace_state_name(object->state), result);
	} else if (one.result == -EBUSY) {
		runs++;
	} else {
		assert_int_equal(one.result, -ENOENT);
	}
	trace_stack_done(&stack);
}

/* The body that runs stands at the gate, on its own stack. */
static void look_at_gate(struct session *session)
{
	const struct world_object *object = world_running(session_world(session));
	struct target *target = session_target(session);
	uint64_t sp, address;
	uint32_t row;

	if (target_gate_frame(target, 0, &sp) < 0)
		return; /* it sleeps in its selector */
	assert_int_equal(sp % 8, 0);
	if (!object || !trace_object_is_body(object->kind) || object->state != CORO_STATE_RUNNING)
		return;
	assert_int_equal(session_row(session, object->serial, &row), 0);
	assert_int_equal(target_object(target, row, &address), 0);
	if (is_on_stack_of(target, address, sp))
		at_gate++;
}

static void each_stack_while_paused_is_the_recorded_one(void **state)
{
	char *argv[] = {demo, NULL};
	struct target_options target_options = {.argv = argv,
											.paused = true,
											.virtual_time = true,
											.stacks = CORO_STACKS_RECORD,
											.stdio = TARGET_PTY};
	struct session *session;
	struct target *target;
	struct trace *trace;
	char *why;

	assert_int_equal(target_launch(&target_options, &target, &trace, &why), 0);
	assert_int_equal(session_live(target, trace, NULL, &session), 0);
	while (session_event(session, 1) == 0 && session_is_live(session)) {
		const struct world *world = session_world(session);
		const struct world_object *object;

		look_at_gate(session);
		for (uint64_t after = 0; (object = world_next(world, after)); after = object->serial)
			if (trace_object_is_body(object->kind) && !world_is_over(world, object->serial))
				compare(session, object);
	}
	printf("%zu stacks, %zu words, %zu changed while at rest; %zu ran, %zu at the gate\n", compared,
		   words, changed, runs, at_gate);
	assert_true(compared > 16);
	assert_true(at_gate > 4);
	assert_true(changed <= allowed);
	assert_int_equal(session_save(session, saved), 0);
	session_free(session, false);
}

static void the_saved_trace_has_the_same(void **state)
{
	struct session *session;
	struct trace *trace;
	char *why;

	assert_int_equal(trace_open(saved, &trace, &why), 0);
	assert_int_equal(session_replay(trace, NULL, &session), 0);
	for (size_t i = 0; i < seen_count; i++) {
		struct trace_stack stack;
		struct seen one;

		if (session_playhead(session) != seen[i].n)
			assert_int_equal(session_goto(session, seen[i].n), 0);
		one = look(session, seen[i].serial, &stack);
		assert_memory_equal(&one, &seen[i], sizeof(one));
		trace_stack_done(&stack);
	}
	session_free(session, false);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_stack_while_paused_is_the_recorded_one),
		cmocka_unit_test(the_saved_trace_has_the_same),
	};
	int fd = mkstemp(saved), failed;

	if (argc < 2 || fd < 0)
		return 2;
	close(fd);
	demo = argv[1];
	allowed = argc > 2 ? (size_t)atol(argv[2]) : 0;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(saved);
	free(seen);
	return failed;
}
