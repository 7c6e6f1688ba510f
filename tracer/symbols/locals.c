/* locals.c - life cycle and logical frames; see locals.h. */
#include "point.h"

#include <errno.h>
#include <stdlib.h>

int locals_new(struct symbols *symbols, struct locals **ret)
{
	struct locals *locals = calloc(1, sizeof *locals);

	if (!locals)
		return -ENOMEM;
	locals->symbols = symbols;
	*ret = locals;
	return 0;
}

void locals_forget(struct locals *locals)
{
	points_forget(locals);
}

void locals_free(struct locals *locals)
{
	if (!locals)
		return;
	points_forget(locals);
	free(locals);
}

const char *locals_reason_text(enum locals_reason reason)
{
	static const char *const text[] = {
#define LOCALS__X(NAME, text) text,
		LOCALS_REASONS(LOCALS__X)
#undef LOCALS__X
	};

	return text[reason];
}

const char *locals_kind_text(enum locals_kind kind)
{
	static const char *const text[] = {
#define LOCALS__X(NAME, text) text,
		LOCALS_KINDS(LOCALS__X)
#undef LOCALS__X
	};

	return text[kind];
}

int locals_frames(struct locals *locals, const struct locals_stack *stack, size_t physical,
				  struct locals_frame *ret, size_t room)
{
	const struct unwind_frame *at = stack->frame + physical;
	struct point *point;
	size_t count;

	if (physical >= stack->count || room == 0)
		return -EINVAL;
	points_trim(locals);
	point = point_at(locals, at->look);
	if (!point)
		return -ENOMEM;
	count = point->frame_count < room ? point->frame_count : room;
	for (size_t i = 0; i < count; i++) {
		ret[i] = point->frame[i].frame;
		ret[i].physical = physical;
		ret[i].offset += at->pc - at->look;
	}
	return (int)count;
}
