#ifndef COROSCOPE_EXCEPTION_H
#define COROSCOPE_EXCEPTION_H
/*
 * exception.h - exceptions: Python's hierarchy, raised by returning.
 *
 *     if (port > 65535)
 *         return coro_raise(CORO_ValueError, "bad port %d", port);
 *     ...
 *     coro_value answer = coro_await(request);
 *     CORO_EXCEPT (answer, CORO_OSError)
 *         return coro_int(-1);           // dealt with
 *     if (coro_raised(answer))
 *         return answer;                 // somebody else's business
 *
 * An exception has a type with a base, a message, a value, a cause, a context, and the
 * call sites that it came through.
 *
 * How long one is valid
 * - Exceptions belong to the runtime; ordinary code counts nothing.
 * - One that was delivered to a coroutine (a call gave it back raised) is valid until
 *   the next one is delivered to that coroutine, or it finishes. What calls outside of
 *   any coroutine give back is valid until the next one there.
 * - The last eight that a coroutine made itself (coro_raise, coro_error) stay valid too.
 * - One that is yielded, sent, returned or awaited as a value, not raised, counts as delivered to
 *   who gets it.
 * - coro_keep() and coro_drop() are for holding one longer.
 *
 * Context (PEP 3134)
 * - The exception that was delivered last counts as being handled, and becomes the
 *   context of what is raised next, in this coroutine or in those that it resumes. A
 *   StopIteration does not: most often it is only the end of a loop.
 * - coro_handled() says that the handling is over, as the end of an `except` block does;
 *   CORO_EXCEPT is such a block. Who deals with an exception by a plain `if (coro_is(...))` calls it
 *   when that is done. Without it, all that goes wrong is the context of what is raised later.
 * - A body that ends handles nothing any more.
 *
 * Out of memory
 * - What cannot be done for want of memory raises MemoryError, or returns NULL where it makes
 *   something; each function says which. Then nothing else has happened: nothing is lost, nobody is
 *   left waiting, no lock is taken. Where a function consumes coroutines, it does so also then.
 * - Raising needs memory too. Without it a MemoryError is raised that always exists: in the place of
 *   any exception but those that closing, cancelling and the end of a loop need. GeneratorExit,
 *   GreenletExit, TaskletExit, CancelledError, StopIteration and StopAsyncIteration exist always
 *   too, without message or value and context.
 * - A report is cut, a long name of a task too, and a message of a cancellation left out.
 *
 * Manual: "Built-in Exceptions" of Python's library reference; PEP 3151 for those of the system.
 */
#include <stdarg.h>
#include "value.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Types ------------------------------------------------------------- */

struct coro_exception_type {
	const char *name;
	const struct coro_exception_type *base; /* NULL: of BaseException */
};

/* X(name, base): Python's built-in ones, and those of asyncio, greenlet and Stackless. */
#define CORO_EXCEPTION_TYPES(X)                                                                    \
	X(Exception, BaseException)                                                                    \
	X(GeneratorExit, BaseException)                                                                \
	X(GreenletExit, BaseException)                                                                 \
	X(KeyboardInterrupt, BaseException)                                                            \
	X(SystemExit, BaseException)                                                                   \
	X(TaskletExit, SystemExit)                                                                     \
	X(CancelledError, BaseException)                                                               \
	X(BaseExceptionGroup, BaseException)                                                           \
	X(ExceptionGroup, BaseExceptionGroup)                                                          \
	X(StopIteration, Exception)                                                                    \
	X(StopAsyncIteration, Exception)                                                               \
	X(ArithmeticError, Exception)                                                                  \
	X(OverflowError, ArithmeticError)                                                              \
	X(ZeroDivisionError, ArithmeticError)                                                          \
	X(AssertionError, Exception)                                                                   \
	X(AttributeError, Exception)                                                                   \
	X(EOFError, Exception)                                                                         \
	X(GreenletError, Exception)                                                                    \
	X(IncompleteReadError, EOFError)                                                               \
	X(LookupError, Exception)                                                                      \
	X(IndexError, LookupError)                                                                     \
	X(KeyError, LookupError)                                                                       \
	X(MemoryError, Exception)                                                                      \
	X(NameError, Exception)                                                                        \
	X(OSError, Exception)                                                                          \
	X(BlockingIOError, OSError)                                                                    \
	X(ChildProcessError, OSError)                                                                  \
	X(ConnectionError, OSError)                                                                    \
	X(BrokenPipeError, ConnectionError)                                                            \
	X(ConnectionAbortedError, ConnectionError)                                                     \
	X(ConnectionRefusedError, ConnectionError)                                                     \
	X(ConnectionResetError, ConnectionError)                                                       \
	X(FileExistsError, OSError)                                                                    \
	X(FileNotFoundError, OSError)                                                                  \
	X(InterruptedError, OSError)                                                                   \
	X(IsADirectoryError, OSError)                                                                  \
	X(NotADirectoryError, OSError)                                                                 \
	X(PermissionError, OSError)                                                                    \
	X(ProcessLookupError, OSError)                                                                 \
	X(TimeoutError, OSError)                                                                       \
	X(RuntimeError, Exception)                                                                     \
	X(NotImplementedError, RuntimeError)                                                           \
	X(RecursionError, RuntimeError)                                                                \
	X(BrokenBarrierError, RuntimeError)                                                            \
	X(DeadlockError, RuntimeError)                                                                 \
	X(TypeError, Exception)                                                                        \
	X(ValueError, Exception)                                                                       \
	X(UnicodeError, ValueError)                                                                    \
	X(InvalidStateError, Exception)                                                                \
	X(LimitOverrunError, Exception)                                                                \
	X(QueueEmpty, Exception)                                                                       \
	X(QueueFull, Exception)                                                                        \
	X(QueueShutDown, Exception)                                                                    \
	X(Warning, Exception)                                                                          \
	X(RuntimeWarning, Warning)

/* The types, each with the prefix CORO_. Arrays of one, so that the name alone is the pointer to
 * pass. */
CORO_API extern const struct coro_exception_type CORO_BaseException[1];
#define CORO__X(name, base) CORO_API extern const struct coro_exception_type CORO_##name[1];
CORO_EXCEPTION_TYPES(CORO__X)
#undef CORO__X

/* A type of the program's own, at file scope:
 * `CORO_EXCEPTION(BadPort, CORO_ValueError);`. Its base may be any other. */
#define CORO_EXCEPTION(name, base) static const struct coro_exception_type name[1] = {{#name, base}}

/* ---- Raising (PEP 3134, rule G16) --------------------------------------- */

/* An exception of `type` with a printf'ed message, on its way up. Returned by whoever
 * calls it: `return coro_raise(CORO_KeyError, "%s", key);`. The exception that is being
 * handled becomes its context. `type` is borrowed, the message copied. Without memory for it:
 * MemoryError. */
CORO_API coro_value coro_raise(const struct coro_exception_type *type, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
CORO_API coro_value coro_raise_va(const struct coro_exception_type *type, const char *format,
								  va_list arguments) __attribute__((format(printf, 2, 0)));

#define coro_raise(...) CORO__CALLED((coro_raise)(__VA_ARGS__))

/* The same with a value for a message: KeyError(3), StopIteration(value). An exception as a value is
 * kept. */
CORO_API coro_value coro_raise_value(const struct coro_exception_type *type, coro_value value);
#define coro_raise_value(...) CORO__CALLED((coro_raise_value)(__VA_ARGS__))

/* OSError of an errno, as the type that Python has for it (ConnectionResetError, ...),
 * with the message "[Errno 104] Connection reset by peer" and the number as its value.
 * (PEP 3151) */
CORO_API coro_value coro_raise_errno(int number);
#define coro_raise_errno(...) CORO__CALLED((coro_raise_errno)(__VA_ARGS__))

/* `raise exception from cause`: sets __cause__ of a new exception, and passes it on. A
 * cause of None is `from None`: hides the context. Anything else raises TypeError instead.
 * (PEP 3134, PEP 409) */
CORO_API coro_value coro_raise_from(coro_value raised, coro_value cause);

/* An exception that is not raised: `ValueError("text")`, to be thrown or stored. One that is to
 * outlive the next eight that are made here wants coro_keep(). */
CORO_API coro_value coro_error(const struct coro_exception_type *type, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
CORO_API coro_value coro_error_value(const struct coro_exception_type *type, coro_value value);

/* Raises one that exists, raised or not: `raise error`. */
CORO_API coro_value coro_raise_again(coro_value exception);

/* The exception of a raised value, to be kept, shown or handed on without raising it. */
CORO__INLINE coro_value coro_caught(coro_value raised)
{
	raised.tag &= ~(uint64_t)CORO__RAISED;
	return raised;
}

/* ExceptionGroup(message, exceptions): an ordinary one, or a BaseExceptionGroup when one of
 * them is no Exception. Raises ValueError when there are none. Its value is the message alone;
 * coro_message() tells the number of exceptions too, as str() does. They are kept as long as the
 * group. (PEP 654) */
CORO_API coro_value coro_raise_group(const char *message, const coro_value *exceptions,
									 size_t count);
#define coro_raise_group(...) CORO__CALLED((coro_raise_group)(__VA_ARGS__))

/* ---- Looking at exceptions (PEP 3134) ----------------------------------- */

/* `value` is an exception, raised or not, of `type` or of a type derived from it. False for
 * any other value. */
CORO_API bool coro_is(coro_value value, const struct coro_exception_type *type);

/* All of these want an exception, raised or not, and end the program without one. What
 * they return is valid as long as the exception. */

/* type(exception) */
CORO_API const struct coro_exception_type *coro_exception_type(coro_value exception);
/* str(exception): the message; of a value, what coro_format() makes of it; "" without one, or without
 * memory for that. */
CORO_API const char *coro_message(coro_value exception);
/* StopIteration's value, an errno, ...; None without. */
CORO_API coro_value coro_exception_value(coro_value exception);
/* __cause__ and __context__: an exception, not raised, or None. */
CORO_API coro_value coro_cause(coro_value exception);
CORO_API coro_value coro_context(coro_value exception);
/* __suppress_context__: it was raised `from` something, which hides its context. (PEP 409) */
CORO_API bool coro_suppresses_context(coro_value exception);
/* The call sites that it came through, innermost first: return addresses in the program's
 * code. Returns how many there are, and writes up to `room`. */
CORO_API size_t coro_traceback(coro_value exception, uintptr_t *ret_sites, size_t room);
/* How many exceptions a group has, 0 of any other; and the one at `index`, from 0, not raised.
 * (PEP 654) */
CORO_API size_t coro_group_count(coro_value exception);
CORO_API coro_value coro_group_at(coro_value exception, size_t index);

/* group.split(types): the part of it that is of one of `types`, and the rest; each None, or an
 * exception of the same shape: groups within keep their place. Of what is no group, the match is a
 * group without a message around it. Both results are valid as if made here. When memory is out the
 * match is None, and the rest a raised MemoryError, which coro_group_merge() passes on. (PEP 654) */
CORO_API void coro_group_split(coro_value exception, const struct coro_exception_type *const *types,
							   size_t count, coro_value *ret_match, coro_value *ret_rest);

/* The end of `except*`: `exception` was split, `raised` is what its blocks raised, `rest` what
 * none of them took, or None. What goes on from there: an exception, raised, or None.
 * (PEP 654, rule N5) */
CORO_API coro_value coro_group_merge(coro_value exception, const coro_value *raised, size_t count,
									 coro_value rest);

/* "ValueError: bad port 70000", preceded by what caused it, as Python's traceback has it. At most
 * `size` bytes with the 0 at the end; returns how long the whole text is, as snprintf does.
 * (traceback.format_exception) */
CORO_API size_t coro_format_exception(coro_value exception, char *buffer, size_t size);

/* ---- Handling (rule G17) ------------------------------------------------ */

/* The end of an `except` block: what was delivered is dealt with, and is no context any
 * more. It stays valid. */
CORO_API void coro_handled(void);

/* For those who need the whole of Python's rules (an interpreter): makes `exception` the
 * one being handled here, None: none, and returns what was before, to be put back at the
 * end of the block. */
CORO_API coro_value coro_handling(coro_value exception);

/* What is being handled here, or else in who resumed us; None: nothing. (sys.exception, rule G17) */
CORO_API coro_value coro_handled_exception(void);

/* A block that runs once if `value` is an exception of `type`, and says that it is handled:
 *     CORO_EXCEPT (answer, CORO_TimeoutError)
 *         retries++;
 * `break` and `continue` leave the block, and not a loop around it; `return` leaves the function, and with it the body or a call within it:
 * there the exception counts as handled still, until coro_handled().
 *
 * `try: except: else:` is the value, looked at once more. It still holds what it held, so the order
 * does not matter, and what was handled is not let through:
 *     CORO_EXCEPT (answer, CORO_TimeoutError)
 *         retries++;
 *     if (!coro_raised(answer))
 *         use(answer);                              // else
 *     else if (!coro_is(answer, CORO_TimeoutError))
 *         return answer;                            // not caught
 * There is no macro for it: the block is a loop, and C gives a loop no `else`. One that began by an
 * `if` would take the `else` of an `if` around it. */
#define CORO_EXCEPT(value, type) CORO__EXCEPT(value, type, CORO__NAME(block))
#define CORO__EXCEPT(value, type, block)                                                           \
	for (struct coro__block block = coro__except((value), (type)); block.inside;                   \
		 block = coro__except_end(block))
struct coro__block {
	bool inside;
	coro_value before; /* what was being handled outside of the block */
};
CORO_API struct coro__block coro__except(coro_value value, const struct coro_exception_type *type);
CORO_API struct coro__block coro__except_end(struct coro__block block);

/* ---- Holding on (beyond Python: C counts no references) ----------------- */

/* Keeps an exception valid until as many coro_drop(). Returns it; other values pass through. */
CORO_API coro_value coro_keep(coro_value exception);
CORO_API void coro_drop(coro_value exception);

/* ---- Reports (rules C4, G18, L5, L7, L9, T6) ---------------------------- */

/* What cannot be raised because nobody is there to catch it. */
enum coro_report_kind {
	CORO_REPORT_NEVER_AWAITED = 1, /* RuntimeWarning: coroutine 'NAME' was never awaited */
	CORO_REPORT_UNRAISABLE = 2,    /* an exception left a generator that was being freed */
	CORO_REPORT_UNRETRIEVED = 3,   /* Task exception was never retrieved, and of futures */
	CORO_REPORT_CALLBACK = 4,      /* an exception left a callback of a loop */
	CORO_REPORT_UNCAUGHT = 5,      /* an exception left main */
	CORO_REPORT_SHUTDOWN = 6,      /* an exception left what the end of a loop closed */
	CORO_REPORT_SLOW = 7,          /* a handle held its loop for too long; see coro_loop_set_slow() */
	CORO_REPORT_PENDING = 8,       /* Task was destroyed but it is pending! */
	CORO_REPORT_CYCLE = 9,         /* tasks wait for each other, while others go on; see loop.h */
};

/* Gets each of them. `text` is one line without its end, or for an exception the text of
 * coro_format_exception(); `exception` may be None. Both are borrowed for the call. */
typedef void coro_report_handler(enum coro_report_kind kind, const char *text, coro_value exception,
								 void *data);

/* Within the handler: what the report is about (a task, a generator, ...), or None. Of SLOW: how
 * many seconds it took (float). */
CORO_API coro_value coro_report_object(void);

/* Who gets the reports of all threads, with `data`, which is borrowed. NULL: the default, which
 * writes the text to standard error, a line, and one more with the place where what it is about was
 * created.
 * (sys.unraisablehook, loop.set_exception_handler) */
CORO_API void coro_set_report_handler(coro_report_handler *handler, void *data);

/* For the end of main: reports `result` if it was raised. Returns the exit status, 1 then
 * (of a SystemExit its value), else 0. (sys.exit, rule L8) */
CORO_API int coro_exit_status(coro_value result);

#ifdef __cplusplus
}
#endif
#endif
