/*
 * every_n_test.c - the World at event n is the same, however it was reached.
 *
 *     live, event by event ... to the end      hash[0], hash[1] ... hash[count]
 *     live, back to the start                  the same at each n
 *     the recording: forward, backward,
 *     by seeking, through bytes and back       the same at each n
 *
 * With checkpoints every 8 events, so that each way crosses many of them.
 * Argument: a demo. It is run under virtual time.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <tracer/session.h>

static const struct session_options options = {.checkpoint_every = 8, .patience_ms = 0};
static char *demo;
static uint64_t *hash; /* of the World at n, as it was live */
static uint64_t count;
static char saved[] = "/tmp/every_n_XXXXXX";

static uint64_t here(struct session *session)
{
	return world_hash(session_world(session));
}

static struct session *open_saved(void)
{
	struct session *session;
	struct trace *trace;
	char *why;

	assert_int_equal(trace_open(saved, &trace, &why), 0);
	assert_int_equal(session_replay(trace, &options, &session), 0);
	assert_int_equal(session_head(session), count);
	return session;
}

static void live_forward_and_back_to_the_first_event(void **state)
{
	char *argv[] = {demo, NULL};
	struct target_options target_options = {
		.argv = argv, .paused = true, .virtual_time = true, .stdio = TARGET_PTY};
	struct session *session;
	struct target *target;
	struct trace *trace;
	char *why;
	size_t room = 1;

	assert_int_equal(target_launch(&target_options, &target, &trace, &why), 0);
	assert_int_equal(session_live(target, trace, &options, &session), 0);
	hash = malloc(sizeof(*hash));
	hash[0] = here(session);
	while (session_event(session, 1) == 0) {
		assert_int_equal(session_playhead(session), count + 1);
		assert_int_equal(session_head(session), count + 1);
		count++;
		if (count >= room) {
			room *= 2;
			hash = realloc(hash, room * sizeof(*hash));
		}
		hash[count] = here(session);
	}
	assert_true(count > 16);
	assert_false(session_is_live(session));
	assert_int_equal(world_damage(session_world(session)), 0);
	assert_int_equal(world_missing(session_world(session)), 0);
	for (uint64_t n = count; n > 0; n--) {
		assert_int_equal(here(session), hash[n]);
		assert_int_equal(session_event(session, -1), 0);
	}
	assert_int_equal(here(session), hash[0]);
	assert_int_equal(session_save(session, saved), 0);
	session_free(session, false);
}

static void the_recording_forward_and_backward(void **state)
{
	struct session *session = open_saved();

	for (uint64_t n = 0; n < count; n++) {
		assert_int_equal(here(session), hash[n]);
		assert_int_equal(session_event(session, 1), 0);
	}
	for (uint64_t n = count; n > 0; n--) {
		assert_int_equal(here(session), hash[n]);
		assert_int_equal(session_event(session, -1), 0);
	}
	assert_int_equal(here(session), hash[0]);
	session_free(session, false);
}

static void the_recording_by_seeking(void **state)
{
	struct session *session = open_saved();
	uint64_t n = 0;

	/* A walk that comes to every n, by jumps of all lengths in both directions. */
	for (uint64_t i = 0; i <= count; i++) {
		uint64_t other = (i & 1) ? count - i / 2 : i / 2;

		assert_int_equal(session_goto(session, other), 0);
		assert_int_equal(here(session), hash[other]);
		n = (n + count / 3 + 1) % (count + 1);
		assert_int_equal(session_goto(session, n), 0);
		assert_int_equal(here(session), hash[n]);
	}
	session_free(session, false);
}

static void a_fresh_session_by_one_seek(void **state)
{
	for (uint64_t n = 0; n <= count; n += 5) {
		struct session *session = open_saved();

		assert_int_equal(session_goto(session, n), 0);
		assert_int_equal(here(session), hash[n]);
		session_free(session, false);
	}
}

static void a_world_through_bytes_and_on(void **state)
{
	struct session *session = open_saved();

	for (uint64_t n = 0; n < count; n += 8) {
		struct trace_event event;
		struct world *world;
		uint8_t *bytes;
		size_t length;

		assert_int_equal(session_goto(session, n), 0);
		assert_int_equal(world_serialise(session_world(session), &bytes, &length), 0);
		assert_int_equal(world_deserialise(bytes, length, &world), 0);
		free(bytes);
		assert_int_equal(world_hash(world), hash[n]);
		for (uint64_t i = n + 1; i <= count && i <= n + 8; i++) {
			assert_int_equal(trace_event(session_trace(session), i, &event), 0);
			assert_int_equal(world_apply(world, &event), 0);
			assert_int_equal(world_hash(world), hash[i]);
		}
		world_free(world);
	}
	session_free(session, false);
}

static int remove_saved(void **state)
{
	free(hash);
	return unlink(saved);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(live_forward_and_back_to_the_first_event),
		cmocka_unit_test(the_recording_forward_and_backward),
		cmocka_unit_test(the_recording_by_seeking),
		cmocka_unit_test(a_fresh_session_by_one_seek),
		cmocka_unit_test(a_world_through_bytes_and_on),
	};
	int fd = mkstemp(saved);

	if (argc != 2 || fd < 0)
		return 2;
	close(fd);
	demo = argv[1];
	return cmocka_run_group_tests(tests, NULL, remove_saved);
}
