/*
 * event_test.c - events out of slots, and the names of things.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <tracer/event.h>
#include "../../tracer/model/schema.h"

#define ROOM 20

/* An event being put into slots, as a probe does it. */
struct slots {
	struct coro_trace_slot slot[ROOM];
	uint8_t payload[CORO_EXT_MAX * CORO_EXT_BYTES];
	size_t length;
	unsigned flags;
	uint32_t value;
};

static void add_payload(struct slots *slots, const void *bytes, size_t length)
{
	memcpy(slots->payload + slots->length, bytes, length);
	slots->length += length;
}

static void add_value(struct slots *slots, unsigned kind, uint64_t content, const char *bytes,
					  size_t stored)
{
	struct coro_trace_value header = {
		.kind = (uint8_t)kind, .stored = (uint16_t)stored, .type = 7, .content = content};

	slots->value = CORO_VALUE_IN_EXT;
	add_payload(slots, &header, sizeof(header));
	add_payload(slots, bytes, stored);
}

/* The lap of an index in a ring of 2^log2 slots: an event may go around the ring's end. */
static unsigned lap_of(uint64_t index, int log2)
{
	return (unsigned)((index >> log2) + 1) & 15;
}

/* Writes the slots for an index of a ring of 2^log2; returns how many they are. */
static unsigned commit(struct slots *slots, uint64_t index, int log2)
{
	unsigned ext = (unsigned)((slots->length + CORO_EXT_BYTES - 1) / CORO_EXT_BYTES);

	for (unsigned i = 1; i <= ext; i++) {
		slots->slot[i].word =
			CORO_SLOT_WORD(CORO_EVENT_EXT, 0, 0, 0, 0, lap_of(index + i, log2), 0);
		memcpy(&slots->slot[i].clock, slots->payload + (i - 1) * CORO_EXT_BYTES, CORO_EXT_BYTES);
	}
	slots->slot[0] = (struct coro_trace_slot){
		.clock = 99, .row = 3, .peer = 4, .site = 0x1234, .value = slots->value};
	slots->slot[0].word = CORO_SLOT_WORD(CORO_EVENT_YIELD, slots->flags, CORO_STATE_RUNNING,
										 CORO_STATE_SUSPENDED, ext, lap_of(index, log2), 17);
	return ext + 1;
}

static int decode(const struct slots *slots, struct trace_event *ret)
{
	return trace_event_decode(slots->slot, ROOM, 2, 40, 4, ret);
}

static void every_part_of_a_slot_is_decoded(void **state)
{
	struct slots slots = {.value = (uint32_t)-5 << 4 | CORO_VALUE_INT};
	struct trace_event event;

	commit(&slots, 40, 4);
	assert_int_equal(decode(&slots, &event), 1);
	assert_int_equal(event.kind, CORO_EVENT_YIELD);
	assert_int_equal(event.prev, CORO_STATE_RUNNING);
	assert_int_equal(event.next, CORO_STATE_SUSPENDED);
	assert_int_equal(event.cseq, 17);
	assert_int_equal(event.clock, 99);
	assert_int_equal(event.index, 40);
	assert_int_equal(event.ring, 2);
	assert_int_equal(event.co, 3);
	assert_int_equal(event.peer, 4);
	assert_int_equal(event.site, 0x1234);
	assert_int_equal(event.value.kind, CORO_VALUE_INT);
	assert_int_equal(event.value.integer, -5);
	assert_int_equal(event.n, 0);
}

static void small_values_are_decoded(void **state)
{
	struct trace_event event;
	struct slots slots = {.value = 1u << 4 | CORO_VALUE_BOOL};
	float real = -2.5f;

	commit(&slots, 40, 4);
	assert_int_equal(decode(&slots, &event), 1);
	assert_int_equal(event.value.kind, CORO_VALUE_BOOL);
	assert_int_equal(event.value.integer, 1);

	memcpy(&slots.value, &real, sizeof(real));
	assert_int_equal(slots.value & 15, 0);
	slots.value |= CORO_VALUE_FLOAT;
	commit(&slots, 40, 4);
	assert_int_equal(decode(&slots, &event), 1);
	assert_int_equal(event.value.kind, CORO_VALUE_FLOAT);
	assert_true(event.value.real == -2.5);

	slots.value = 77u << 4 | CORO_VALUE_OBJECT;
	commit(&slots, 40, 4);
	assert_int_equal(decode(&slots, &event), 1);
	assert_int_equal(event.value.kind, CORO_VALUE_OBJECT);
	assert_int_equal(event.value.object, 77);

	slots.value = CORO_VALUE_NONE;
	commit(&slots, 40, 4);
	assert_int_equal(decode(&slots, &event), 1);
	assert_int_equal(event.value.kind, CORO_VALUE_NONE);
}

static void a_string_in_the_payload_keeps_its_full_length(void **state)
{
	struct slots slots = {0};
	struct trace_event event;
	char bytes[CORO_TRACE_STORED_MAX];

	memset(bytes, 'x', sizeof(bytes));
	add_value(&slots, CORO_VALUE_STRING, 5000, bytes, sizeof(bytes));
	assert_int_equal(commit(&slots, 40, 4), 13);
	assert_int_equal(decode(&slots, &event), 13);
	assert_int_equal(event.value.kind, CORO_VALUE_STRING);
	assert_int_equal(event.value.length, 5000);
	assert_int_equal(event.value.stored, CORO_TRACE_STORED_MAX);
	assert_memory_equal(event.value.bytes, bytes, sizeof(bytes));
	assert_int_equal(event.value.type, 7);
}

static void large_numbers_are_in_the_payload(void **state)
{
	struct slots slots = {0};
	struct trace_event event;
	double real = 0.1;
	uint64_t bits;

	add_value(&slots, CORO_VALUE_INT, (uint64_t)INT64_MIN, "", 0);
	commit(&slots, 40, 4);
	assert_int_equal(decode(&slots, &event), 2);
	assert_true(event.value.integer == INT64_MIN);

	slots = (struct slots){0};
	memcpy(&bits, &real, sizeof(bits));
	add_value(&slots, CORO_VALUE_FLOAT, bits, "", 0);
	commit(&slots, 40, 4);
	assert_int_equal(decode(&slots, &event), 2);
	assert_true(event.value.real == 0.1);
}

static void a_bind_stands_before_the_value(void **state)
{
	struct slots slots = {.flags = CORO_SLOT_BIND};
	struct trace_event event;
	struct coro_trace_bind bind = {
		.serial = 12, .name = 3, .site = 4, .gen = 5, .kind = CORO_OBJECT_GENERATOR};

	add_payload(&slots, &bind, sizeof(bind));
	add_value(&slots, CORO_VALUE_STRING, 2, "hi", 2);
	commit(&slots, 40, 4);
	assert_int_equal(decode(&slots, &event), 3);
	assert_memory_equal(&event.bind, &bind, sizeof(bind));
	assert_int_equal(event.value.stored, 2);
	assert_memory_equal(event.value.bytes, "hi", 2);
}

static void a_slot_of_another_lap_is_not_committed(void **state)
{
	struct slots slots = {0};
	struct trace_event event;

	assert_int_equal(decode(&slots, &event), 0);
	commit(&slots, 40 - 16, 4);
	assert_int_equal(decode(&slots, &event), 0);
	assert_int_equal(trace_event_decode(slots.slot, ROOM, 0, 40, -1, &event), 1);
	assert_int_equal(trace_event_decode(slots.slot, 0, 0, 40, -1, &event), 0);
}

static void a_cut_payload_asks_for_more(void **state)
{
	struct slots slots = {0};
	struct trace_event event;
	unsigned taken;

	add_value(&slots, CORO_VALUE_STRING, 40, "0123456789012345678901234567890123456789", 40);
	taken = commit(&slots, 40, 4);
	for (unsigned count = 1; count < taken; count++)
		assert_int_equal(trace_event_decode(slots.slot, count, 0, 40, 4, &event), -EAGAIN);
	assert_int_equal(trace_event_decode(slots.slot, taken, 0, 40, 4, &event), taken);
}

static void impossible_slots_are_no_event(void **state)
{
	static const uint32_t impossible[] = {
		CORO_VALUE_STRING, CORO_VALUE_BYTES, CORO_VALUE_POINTER, CORO_VALUE_EXCEPTION, 10, 14};
	struct slots slots = {0}, bad;
	struct trace_event event;

	/* A value that does not fit a slot, or that the payload does not hold. */
	for (unsigned i = 0; i < sizeof(impossible) / sizeof(impossible[0]); i++) {
		bad = (struct slots){.value = impossible[i]};
		commit(&bad, 40, 4);
		assert_int_equal(decode(&bad, &event), -EBADMSG);
	}
	bad = (struct slots){.value = CORO_VALUE_IN_EXT};
	commit(&bad, 40, 4);
	assert_int_equal(decode(&bad, &event), -EBADMSG);
	bad = (struct slots){.flags = CORO_SLOT_BIND};
	commit(&bad, 40, 4);
	assert_int_equal(decode(&bad, &event), -EBADMSG);

	/* More bytes stored than there are, than fit, than the string has; an unknown kind. */
	add_value(&slots, CORO_VALUE_STRING, 3, "abc", 3);
	bad = slots;
	bad.payload[2] = 30;
	commit(&bad, 40, 4);
	assert_int_equal(decode(&bad, &event), -EBADMSG);
	bad.payload[3] = 2;
	commit(&bad, 40, 4);
	assert_int_equal(decode(&bad, &event), -EBADMSG);
	bad = slots;
	bad.payload[8] = 2;
	commit(&bad, 40, 4);
	assert_int_equal(decode(&bad, &event), -EBADMSG);
	bad = slots;
	bad.payload[0] = CORO_VALUE_LIMIT;
	commit(&bad, 40, 4);
	assert_int_equal(decode(&bad, &event), -EBADMSG);

	/* Payload slots that are none; a payload slot where an event should begin. */
	commit(&slots, 40, 4);
	bad = slots;
	bad.slot[1].word ^= 1;
	assert_int_equal(decode(&bad, &event), -EBADMSG);
	bad = slots;
	bad.slot[1].word ^= (uint64_t)1 << 28;
	assert_int_equal(decode(&bad, &event), -EBADMSG);
	bad = slots;
	bad.slot[0] = bad.slot[1];
	assert_int_equal(decode(&bad, &event), -EBADMSG);
}

static void random_slots_never_harm(void **state)
{
	uint64_t seed = 12345;
	struct slots slots;
	struct trace_event event;
	int result;

	for (unsigned i = 0; i < 20000; i++) {
		for (size_t k = 0; k < sizeof(slots.slot); k++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			((uint8_t *)slots.slot)[k] = (uint8_t)(seed >> 56);
		}
		if (i & 1)
			for (unsigned k = 1; k < ROOM; k++)
				slots.slot[k].word = CORO_EVENT_EXT;
		result = trace_event_decode(slots.slot, i % (ROOM + 1), 0, i, -1, &event);
		assert_true(result == -EAGAIN || result == -EBADMSG || (result >= 0 && result <= 16));
		if (result > 0)
			assert_true(event.value.stored <= CORO_TRACE_STORED_MAX);
	}
}

static void names_lead_to_kinds_and_back(void **state)
{
	unsigned known = 0;

	for (unsigned kind = 1; kind < CORO_EVENT_LIMIT; kind++) {
		/* A number may never have been given out. */
		if (!trace_event_name(kind))
			continue;
		known++;
		assert_true(strlen(trace_event_sentence(kind)) > 10);
		assert_int_equal(trace_event_kind(trace_event_name(kind)), kind);
	}
	assert_true(known > 50);
	assert_string_equal(trace_event_name(CORO_EVENT_YIELD), "yield");
	assert_null(trace_event_name(0));
	assert_null(trace_event_name(CORO_EVENT_LIMIT));
	assert_null(trace_event_sentence(200));
	assert_int_equal(trace_event_kind("no such kind"), 0);
	assert_string_equal(trace_object_kind_name(CORO_OBJECT_TASK), "task");
	assert_string_equal(trace_object_kind_name(200), "unknown");
	assert_string_equal(trace_state_name(CORO_STATE_DELEGATING), "delegating");
	assert_string_equal(trace_state_name(15), "unknown");
	assert_string_equal(trace_reason_name(CORO_REASON_QUEUE_GET), "get");
	assert_string_equal(trace_reason_name(99), "unknown");
}

static void every_word_of_the_schema_is_known(void **state)
{
#define CORO_EVENT(number, NAME, name, row, peer, value, before, after, sentence)                  \
	assert_true(schema_object_kinds(row) > 0);                                                     \
	assert_true(schema_states(before) > 0);                                                        \
	assert_true(strcmp(after, "same") == 0 || schema_states(after) > 0);
#include <coroscope/trace_events.def>
#undef CORO_EVENT
	assert_int_equal(schema_states("running, nonsense"), -1);
	assert_int_equal(schema_states("running, failed"),
					 1 << CORO_STATE_RUNNING | 1 << CORO_STATE_FAILED);
	assert_false(schema_object_kinds("any but task, future, timer") & 1 << CORO_OBJECT_FUTURE);
	assert_true(schema_object_kinds("any but task, future, timer") & 1 << CORO_OBJECT_QUEUE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_part_of_a_slot_is_decoded),
		cmocka_unit_test(small_values_are_decoded),
		cmocka_unit_test(a_string_in_the_payload_keeps_its_full_length),
		cmocka_unit_test(large_numbers_are_in_the_payload),
		cmocka_unit_test(a_bind_stands_before_the_value),
		cmocka_unit_test(a_slot_of_another_lap_is_not_committed),
		cmocka_unit_test(a_cut_payload_asks_for_more),
		cmocka_unit_test(impossible_slots_are_no_event),
		cmocka_unit_test(random_slots_never_harm),
		cmocka_unit_test(names_lead_to_kinds_and_back),
		cmocka_unit_test(every_word_of_the_schema_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
