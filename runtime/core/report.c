/*
 * report.c - what cannot be raised because nobody is there to catch it, and exceptions as text.
 */
#include <stdio.h>
#include <stdlib.h>
#include "body.h"

/* One for the process, as sys.unraisablehook and warnings.showwarning are. */
static struct {
	coro_report_handler *handler;
	void *data;
} report;

void coro_set_report_handler(coro_report_handler *handler, void *data)
{
	report.handler = handler;
	report.data = data;
}

/* What the report that is being handled is about. */
static __thread coro_value about = {CORO_VALUE_NONE, {0}};

static void to_standard_error(const char *text)
{
	const struct coro_object *object = coro_kind(about) == CORO_VALUE_OBJECT ? about.pointer : NULL;

	/* What the program printed before belongs before. */
	fflush(stdout);
	fprintf(stderr, "%s\n", text);
	if (object && object->creation_site)
		fprintf(stderr, "  created at %s\n", object->creation_site);
}

coro_value coro_report_object(void)
{
	return about;
}

static void hand_over(enum coro_report_kind kind, coro_value exception, const char *format,
					  va_list arguments) __attribute__((format(printf, 3, 0)));

static void hand_over(enum coro_report_kind kind, coro_value exception, const char *format,
					  va_list arguments)
{
	char cut[512], *text = cut;
	bool has_exception = coro_kind(exception) == CORO_VALUE_EXCEPTION;
	size_t length, more;
	va_list again;

	va_copy(again, arguments);
	length = (size_t)vsnprintf(cut, sizeof(cut), format, again);
	va_end(again);
	more = has_exception ? coro_format_exception(exception, NULL, 0) : 0;
	if (length + more + 2 > sizeof(cut)) {
		text = malloc(length + more + 2);
		if (text)
			vsnprintf(text, length + 1, format, arguments);
	}
	if (has_exception && text) {
		if (length)
			text[length++] = '\n';
		coro_format_exception(exception, text + length, more + 1);
	} else if (has_exception && length + 2 < sizeof(cut)) {
		/* Without memory it is cut. */
		if (length)
			cut[length++] = '\n';
		coro_format_exception(exception, cut + length, sizeof(cut) - length);
	}
	if (report.handler)
		report.handler(kind, text ? text : cut, exception, report.data);
	else
		to_standard_error(text ? text : cut);
	if (text != cut)
		free(text);
}

void coro__report(enum coro_report_kind kind, coro_value exception, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	hand_over(kind, exception, format, arguments);
	va_end(arguments);
}

void coro__report_about(coro_value object, enum coro_report_kind kind, coro_value exception,
						const char *format, ...)
{
	coro_value before = about;
	va_list arguments;

	about = object;
	va_start(arguments, format);
	hand_over(kind, exception, format, arguments);
	va_end(arguments);
	about = before;
}

int coro_exit_status(coro_value result)
{
	if (!coro_raised(result))
		return EXIT_SUCCESS;
	if (coro_is(result, CORO_SystemExit)) {
		coro_value status = coro_exception_value(result);

		if (coro_is_none(status))
			return coro_message(result)[0] ? EXIT_FAILURE : EXIT_SUCCESS;
		return coro_kind(status) == CORO_VALUE_INT ? (int)coro_as_int(status) : EXIT_FAILURE;
	}
	coro__report(CORO_REPORT_UNCAUGHT, coro_caught(result), "%s", "");
	return EXIT_FAILURE;
}

/* ---- Exceptions as text ------------------------------------------------ */

struct text {
	char *at;
	size_t room, length;
};

static void put(struct text *text, const char *more)
{
	for (; *more; more++, text->length++)
		if (text->length + 1 < text->room)
			text->at[text->length] = *more;
}

static void put_one(struct text *text, coro_value exception)
{
	const char *message = coro_message(exception);

	put(text, coro_exception_type(exception)->name);
	if (*message) {
		put(text, ": ");
		put(text, message);
	}
	for (size_t i = 0; i < coro_group_count(exception); i++) {
		coro_value child = coro_group_at(exception, i);

		put(text, "\n  | ");
		put(text, coro_exception_type(child)->name);
		if (*coro_message(child)) {
			put(text, ": ");
			put(text, coro_message(child));
		}
	}
}

size_t coro_format_exception(coro_value exception, char *buffer, size_t size)
{
	enum { LIMIT = 16 };
	struct text text = {buffer, size, 0};
	coro_value chain[LIMIT];
	bool by_cause[LIMIT];
	size_t count = 0;

	/* Whatever came first stands first. */
	while (count < LIMIT) {
		coro_value cause = coro_cause(exception), context = coro_context(exception);

		chain[count] = exception;
		by_cause[count] = !coro_is_none(cause);
		count++;
		if (!coro_is_none(cause))
			exception = cause;
		else if (!coro_is_none(context) && !coro_suppresses_context(exception))
			exception = context;
		else
			break;
	}
	while (count--) {
		put_one(&text, chain[count]);
		if (!count)
			break;
		put(&text, by_cause[count - 1]
					   ? "\n\nThe above exception was the direct cause of the following "
						 "exception:\n\n"
					   : "\n\nDuring handling of the above exception, another exception "
						 "occurred:\n\n");
	}
	if (size)
		buffer[text.length < size ? text.length : size - 1] = 0;
	return text.length;
}
