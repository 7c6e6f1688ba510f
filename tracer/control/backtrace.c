/*
 * backtrace.c - from an object to the frames of all bodies of its chain.
 *
 *     chain          stack                           registers          frames
 *     world_chain ──► process (target_stack) ──┐
 *                     trace (session_stack) ───┼──► unwind_suspended ──► unwind ──► locals_frames
 *                     gate (target_gate_frame)─┘
 */
#include <tracer/backtrace.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tracer/stacks.h>
#include "session_private.h"

#define CHAIN_MOST  256
#define FRAMES_MOST 512         /* physical ones of one part */
#define STACK_MOST  (8u << 20)  /* bytes of a live stack */
#define STACK_FIRST (64u << 10) /* most are smaller */

/* What all backtraces of a session share. */
struct inspector {
	struct unwinder *unwinder;      /* owned */
	struct locals *locals;          /* owned */
	struct memory_process *process; /* owned; NULL: no program */
	struct memory files;
};

struct part {
	struct backtrace_part told;
	char missing[200];
	uint8_t *bytes; /* owned; its stack, or NULL */
	struct memory_bytes source;
	struct memory memory;       /* what its frames are read from */
	struct unwind_frame *frame; /* owned */
	struct locals_stack stack;
};

struct backtrace {
	struct session *session;
	struct inspector *inspector; /* the session's */
	struct part *part;           /* owned: does not move */
	size_t parts;
	struct backtrace_frame *frame; /* owned */
	size_t frames, room;
};

/* ---- What is shared ---------------------------------------------------- */

void inspector_free(struct inspector *inspector)
{
	if (!inspector)
		return;
	locals_free(inspector->locals);
	unwinder_free(inspector->unwinder);
	memory_process_free(inspector->process);
	free(inspector);
}

static int inspector_new(struct session *session, struct inspector **ret)
{
	struct inspector *inspector = calloc(1, sizeof(*inspector));
	int result = inspector ? 0 : -ENOMEM;

	if (result == 0)
		result = unwinder_new(session->symbols, &inspector->unwinder);
	if (result == 0)
		result = locals_new(session->symbols, &inspector->locals);
	if (result == 0 && session->target)
		result = memory_process_new(target_pid(session->target), &inspector->process);
	if (result < 0) {
		inspector_free(inspector);
		return result;
	}
	inspector->files = memory_of_files(session->symbols);
	if (!session->target)
		(void)symbols_open_modules(session->symbols);
	*ret = inspector;
	return 0;
}

/* A live program may have loaded a module since. */
static void look_for_modules(struct session *session)
{
	struct target *target = session_target(session);

	if (!target || symbols_add_modules(session->symbols, target_pid(target)) <= 0)
		return;
	unwinder_forget(session->inspector->unwinder);
	locals_forget(session->inspector->locals);
}

/* ---- Stacks ------------------------------------------------------------ */

static void say(struct part *part, const char *text)
{
	snprintf(part->missing, sizeof(part->missing), "%s", text);
	part->told.missing = part->missing;
}

/* Why a stack that was recorded is not there. */
static const char *why_text(enum trace_stack_why why)
{
	switch (why) {
	case TRACE_STACK_HERE:
		return "";
	case TRACE_STACK_LARGE:
		return "stack not recorded: larger than 64 KiB";
	case TRACE_STACK_BUDGET:
		return "stack not recorded: more stacks than the recording allowed for that time";
	case TRACE_STACK_FULL:
		return "stack not recorded: the recorder did not follow";
	case TRACE_STACK_LOST:
		return "stack lost: that part of the trace cannot be read";
	}
	return "";
}

/* The playhead is where the program is. */
static bool is_now(struct session *session)
{
	return session_target(session) && session->playhead == session_head(session) &&
		   target_state(session->target) != TARGET_EXITED;
}

static void set_bytes(struct part *part, uint64_t sp, uint8_t *bytes, size_t length,
					  const struct memory *rest)
{
	part->bytes = bytes;
	part->source =
		(struct memory_bytes){.address = sp, .bytes = bytes, .length = length, .rest = rest};
	part->memory = memory_of_bytes(&part->source);
}

/* The stack as the process has it. 0 and the saved stack pointer, or -errno. */
static int from_process(struct session *session, struct part *part, uint64_t *ret_sp)
{
	const struct memory *rest = memory_of_process(session->inspector->process);
	size_t room = STACK_FIRST;
	struct live_stack stack;
	uint32_t row;
	int result = session_row(session, part->told.serial, &row);

	while (result == 0) {
		uint8_t *bytes = malloc(room);

		if (!bytes)
			return -ENOMEM;
		result = target_stack(session->target, row, part->told.serial, bytes, room, &stack);
		if (result == 0) {
			set_bytes(part, stack.sp, bytes, stack.length, rest);
			part->told.live = true;
			*ret_sp = stack.sp;
			return 0;
		}
		free(bytes);
		if (result != -ENOBUFS || stack.length > STACK_MOST || stack.length <= room)
			return result;
		room = stack.length;
		result = 0;
	}
	return result;
}

/* Of the body that runs, while its thread waits at the gate. */
static int from_gate(struct session *session, struct part *part, uint64_t *ret_sp)
{
	const struct world_object *object = world_find(session->world, part->told.serial);
	struct trace_event event;
	int result = -ENOENT;

	if (object && trace_event(session->trace, object->changed_at, &event) == 0)
		result = target_gate_frame(session->target, event.ring, ret_sp);
	if (result < 0)
		return result;
	part->memory = *memory_of_process(session->inspector->process);
	part->told.live = part->told.runs = true;
	return 0;
}

/* As the trace has it: 0, or -errno after a word about why not. */
static int from_trace(struct session *session, struct part *part, uint64_t *ret_sp)
{
	const struct memory *rest = is_now(session) ? memory_of_process(session->inspector->process)
												: &session->inspector->files;
	struct trace_stack stack;
	int result = session_stack(session, part->told.serial, &stack);

	if (result == 0 && stack.why == TRACE_STACK_HERE) {
		set_bytes(part, stack.sp, stack.bytes, stack.length, rest);
		*ret_sp = stack.sp;
		return 0;
	}
	if (result == 0) {
		say(part, why_text(stack.why));
		trace_stack_done(&stack);
		return -ENODATA;
	}
	if (result == -EBUSY)
		say(part, "it runs here: the stack is recorded when it stops");
	else if (result == -ESRCH)
		say(part, "it is finished: it has no stack any more");
	else if (result == -ENOENT)
		say(part, "no stack of it was recorded: see record --stacks");
	else
		say(part, strerror(-result));
	return result;
}

static int find_stack(struct session *session, struct part *part, uint64_t *ret_sp)
{
	int result = -ESRCH;

	if (is_now(session)) {
		result = from_process(session, part, ret_sp);
		if (result == -EAGAIN)
			result = from_gate(session, part, ret_sp);
	}
	return result == 0 ? 0 : from_trace(session, part, ret_sp);
}

/* ---- Frames ------------------------------------------------------------ */

static uint32_t frame_version(struct session *session)
{
	switch (trace_meta(session->trace)->arch) {
	case CORO_ARCH_X86_64:
		return CORO_FRAME_X86_64_V1;
	case CORO_ARCH_AARCH64:
		return CORO_FRAME_AARCH64_V1;
	default:
		return CORO_FRAME_NONE;
	}
}

/* The logical frames of physical frame `physical`. */
static int add_frames(struct backtrace *backtrace, size_t number, size_t physical)
{
	struct part *part = &backtrace->part[number];
	struct locals_frame frame[LOCALS_LEVELS_MOST];
	int count = locals_frames(backtrace->inspector->locals, &part->stack, physical, frame,
							  LOCALS_LEVELS_MOST);

	if (count < 0)
		return count;
	if (backtrace->frames + (size_t)count > backtrace->room) {
		size_t room = 2 * backtrace->room + LOCALS_LEVELS_MOST;
		struct backtrace_frame *grown = reallocarray(backtrace->frame, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		backtrace->frame = grown;
		backtrace->room = room;
	}
	for (int i = 0; i < count; i++)
		backtrace->frame[backtrace->frames++] =
			(struct backtrace_frame){.frame = frame[i], .part = number};
	part->told.count += (size_t)count;
	return 0;
}

static int add_part(struct backtrace *backtrace, size_t number)
{
	struct session *session = backtrace->session;
	struct inspector *inspector = backtrace->inspector;
	struct part *part = &backtrace->part[number];
	struct unwind_registers registers;
	enum unwind_end end;
	uint64_t sp;
	int count;

	part->told.first = backtrace->frames;
	count = find_stack(session, part, &sp);
	if (count == -ENOMEM)
		return count;
	if (count == 0)
		count = unwind_suspended(&part->memory, frame_version(session), sp, &registers);
	if (count < 0) {
		if (!part->told.missing)
			say(part, count == -ENOTSUP ? "its stack has a layout that is not known here"
										: "its stack cannot be read");
		return 0;
	}
	part->frame = calloc(FRAMES_MOST, sizeof(*part->frame));
	if (!part->frame)
		return -ENOMEM;
	count = unwind(inspector->unwinder, &part->memory, &registers, part->frame, FRAMES_MOST, &end);
	if (count < 0)
		return count;
	if (end != UNWIND_COMPLETE)
		say(part, unwinder_end_text(inspector->unwinder, end));
	part->stack = (struct locals_stack){&part->memory, part->frame, (size_t)count};
	for (int i = 0; i < count; i++) {
		int result = add_frames(backtrace, number, (size_t)i);

		if (result == -ENOMEM)
			return result;
	}
	return 0;
}

/* ---- Life -------------------------------------------------------------- */

/* The bodies of the object's chain, the leaf first. */
static int find_parts(struct backtrace *backtrace, uint64_t serial)
{
	const struct world *world = backtrace->session->world;
	uint64_t chain[CHAIN_MOST];
	size_t count = world_chain(world, serial, chain, CHAIN_MOST);
	bool below = false; /* what stands in the chain outside of the object itself is not its stack */

	if (count > CHAIN_MOST)
		count = CHAIN_MOST;
	backtrace->part = calloc(count ? count : 1, sizeof(*backtrace->part));
	if (!backtrace->part)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		const struct world_object *object = world_find(world, chain[i]);

		below |= chain[i] == serial;
		if (below && object && trace_object_is_body(object->kind))
			backtrace->part[backtrace->parts++].told.serial = chain[i];
	}
	for (size_t i = 0; i < backtrace->parts / 2; i++) {
		uint64_t other = backtrace->part[i].told.serial;
		size_t last = backtrace->parts - 1 - i;

		backtrace->part[i].told.serial = backtrace->part[last].told.serial;
		backtrace->part[last].told.serial = other;
	}
	return backtrace->parts ? 0 : -ESRCH;
}

int backtrace_new(struct session *session, uint64_t serial, struct backtrace **ret)
{
	struct backtrace *backtrace = calloc(1, sizeof(*backtrace));
	int result = backtrace ? 0 : -ENOMEM;

	if (result == 0 && !session->inspector)
		result = inspector_new(session, &session->inspector);
	if (result == 0) {
		backtrace->session = session;
		backtrace->inspector = session->inspector;
		look_for_modules(session);
		if (backtrace->inspector->process)
			memory_process_drop(backtrace->inspector->process);
		result = find_parts(backtrace, serial);
	}
	for (size_t i = 0; result == 0 && i < backtrace->parts; i++)
		result = add_part(backtrace, i);
	if (result < 0) {
		backtrace_free(backtrace);
		return result;
	}
	*ret = backtrace;
	return 0;
}

void backtrace_free(struct backtrace *backtrace)
{
	if (!backtrace)
		return;
	for (size_t i = 0; i < backtrace->parts; i++) {
		free(backtrace->part[i].bytes);
		free(backtrace->part[i].frame);
	}
	free(backtrace->part);
	free(backtrace->frame);
	free(backtrace);
}

/* ---- Looking ----------------------------------------------------------- */

size_t backtrace_parts(const struct backtrace *backtrace)
{
	return backtrace->parts;
}

const struct backtrace_part *backtrace_part(const struct backtrace *backtrace, size_t i)
{
	return i < backtrace->parts ? &backtrace->part[i].told : NULL;
}

size_t backtrace_frames(const struct backtrace *backtrace)
{
	return backtrace->frames;
}

const struct backtrace_frame *backtrace_frame(const struct backtrace *backtrace, size_t i)
{
	return i < backtrace->frames ? &backtrace->frame[i] : NULL;
}

size_t backtrace_numbered(const struct backtrace *backtrace, uint64_t number)
{
	size_t i = 0;

	for (; i < backtrace->frames; i++)
		if (!backtrace->frame[i].frame.runtime && number-- == 0)
			break;
	return i;
}

uint64_t backtrace_numbers(const struct backtrace *backtrace)
{
	uint64_t count = 0;

	for (size_t i = 0; i < backtrace->frames; i++)
		count += !backtrace->frame[i].frame.runtime;
	return count;
}

uint64_t backtrace_number_of(const struct backtrace *backtrace, uint64_t serial)
{
	uint64_t number = 0;

	for (size_t i = 0; i < backtrace->frames; i++) {
		if (backtrace->frame[i].frame.runtime)
			continue;
		if (backtrace->part[backtrace->frame[i].part].told.serial == serial)
			return number;
		number++;
	}
	return 0;
}

int backtrace_view(const struct backtrace *backtrace, size_t i, struct locals_view **ret)
{
	const struct backtrace_frame *frame = backtrace_frame(backtrace, i);

	if (!frame)
		return -EINVAL;
	return locals_view_new(backtrace->inspector->locals, &backtrace->part[frame->part].stack,
						   frame->frame.physical, frame->frame.level, ret);
}
