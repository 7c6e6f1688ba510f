/*
 * walk.c - walking over a trace, and cutting output into lines.
 *
 *     n        0          1          2          3          4
 *     told     output 0   event 1    event 2    -          event 4, but unreadable 3 first
 *              lost 0     output 1   output 2   output 3   ...
 *                         lost 1     lost 2     lost 3
 */
#include <errno.h>
#include <string.h>
#include <tracer/bytes.h>
#include <tracer/walk.h>

#define ASK_EVERY 4096 /* events */

struct walker {
	struct trace *trace;
	const struct walk *walk;
	size_t output, loss; /* pieces that are behind us */
	struct bytes line;   /* of the line that is not over, as the program wrote it */
	struct text text;    /* the same as UTF-8, when it is told */
};

/* ---- Output ------------------------------------------------------------ */

static void tell_line(struct walker *walker, struct walk_line *line)
{
	if (!walker->line.length)
		return;
	text_clear(&walker->text);
	text_add_utf8(&walker->text, (const char *)walker->line.data, walker->line.length);
	line->text = text_string(&walker->text);
	line->length = walker->text.length;
	walker->walk->output(walker->walk->context, line);
	bytes_clear(&walker->line);
}

static void take_piece(struct walker *walker, struct walk_line *line,
					   const struct trace_output *piece)
{
	const char *data = piece->data;
	size_t length = piece->length;

	if (walker->line.length && piece->fd != line->fd)
		tell_line(walker, line);
	line->approximate = piece->approximate || (line->approximate && walker->line.length);
	line->fd = piece->fd;
	line->t = piece->t;
	while (length) {
		size_t room = WALK_LINE_MAX - walker->line.length;
		size_t part = length < room ? length : room;
		const char *newline = memchr(data, '\n', part);

		if (newline)
			part = (size_t)(newline - data) + 1;
		bytes_put(&walker->line, data, part);
		if (newline || walker->line.length >= WALK_LINE_MAX || walker->line.failed)
			tell_line(walker, line);
		data += part;
		length -= part;
	}
}

/* The pieces that came after event n and before the next one. */
static void tell_output(struct walker *walker, uint64_t n, bool shown)
{
	struct walk_line line = {.after = n};
	struct trace_output piece;
	int r;

	while ((r = trace_output(walker->trace, walker->output, &piece)) != -ENOENT) {
		if (r >= 0 && piece.after > n)
			break;
		walker->output++;
		if (r < 0 && shown && walker->walk->output_unreadable)
			walker->walk->output_unreadable(walker->walk->context);
		if (r >= 0 && shown && piece.length && walker->walk->output)
			take_piece(walker, &line, &piece);
	}
	if (walker->walk->output)
		tell_line(walker, &line);
}

/* ---- The walk ---------------------------------------------------------- */

static void tell_losses(struct walker *walker, uint64_t n, bool shown)
{
	uint64_t after, count;
	uint32_t ring;

	while (trace_loss(walker->trace, walker->loss, &after, &ring, &count) >= 0 && after <= n) {
		walker->loss++;
		if (shown && walker->walk->lost)
			walker->walk->lost(walker->walk->context, after, ring, count);
	}
}

/* `count` events up to event n. */
static void tell_unreadable(struct walker *walker, uint64_t n, uint64_t count)
{
	if (count && walker->walk->unreadable)
		walker->walk->unreadable(walker->walk->context, n - count + 1, count);
}

void trace_walk(struct trace *trace, uint64_t from, uint64_t to, const struct walk *walk)
{
	struct walker walker = {.trace = trace, .walk = walk};
	uint64_t count = trace_count(trace), turn = 0, unreadable = 0;
	uint64_t last = to < count ? to : count;
	struct trace_event event;

	for (uint64_t n = 0; n <= last; n++) {
		bool shown = n >= from || (n == 0 && from <= 1);
		int r;

		if (n % ASK_EVERY == 0 && walk->go_on && !walk->go_on(walk->context, n))
			break;
		r = n ? trace_event(trace, n, &event) : 0;
		if (r < 0) {
			unreadable += shown;
		} else if (n) {
			tell_unreadable(&walker, n - 1, unreadable);
			unreadable = 0;
			turn += event.kind == CORO_EVENT_TURN_BEGIN;
			if (shown && walk->event)
				walk->event(walk->context, &event, turn);
		}
		tell_output(&walker, n, shown);
		tell_losses(&walker, n, shown);
	}
	tell_unreadable(&walker, last, unreadable);
	bytes_done(&walker.line);
	text_done(&walker.text);
}
