#ifndef COROSCOPE_VALUE_H
#define COROSCOPE_VALUE_H
/*
 * value.h - what is sent, yielded, returned and raised.
 *
 * A coro_value is 16 bytes: a tag and a word. It is passed and returned in two
 * registers, so it costs what two numbers cost. The tag says what the word is;
 * that is also what lets a debugger print every value that crosses a yield.
 *
 * A *raised* value is an exception on its way up. It travels by `return`: a
 * function that gets one either deals with it or returns it. CORO_TRY does the
 * latter in one word.
 *
 *     coro_value line = CORO_TRY(coro_await(reading));
 *
 * Invariants
 * - Numbers, bools and None are held by value. Strings, bytes and pointers are
 *   borrowed: whoever hands one over keeps it alive until the receiver is done.
 * - An object value names a generator, coroutine, task, future, ... and owns nothing.
 * - An exception belongs to the runtime; exception.h says how long it is valid.
 * - Looking at a value as something that it is not is a mistake in the program, and
 *   ends it with a message. Ask coro_kind() first where the kind is not known.
 *
 * Beyond Python: tagged values, as Lua has them.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "handle.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Laid out as
 *     tag   bits 0-3   enum coro_value_kind
 *           bit 4      raised (the kind is then EXCEPTION)
 *           bits 8-63  string, bytes: length; pointer: address of its type's name;
 *                      object: its serial number
 *     word  the content; of an object its address
 * Use the functions below. */
typedef struct coro_value {
	uint64_t tag;
	union {
		int64_t integer;     /* bool, int */
		double real;         /* float */
		const void *pointer; /* string, bytes, pointer, object, exception */
	};
} coro_value;

enum { CORO__RAISED = 1 << 4, CORO__TAG_SHIFT = 8 };

/* ---- Making values ----------------------------------------------------- */

CORO__INLINE coro_value coro__value_integer(uint64_t tag, int64_t integer)
{
	coro_value value;

	value.tag = tag;
	value.integer = integer;
	return value;
}

CORO__INLINE coro_value coro__value_pointer(uint64_t tag, const void *pointer)
{
	coro_value value;

	value.tag = tag;
	value.pointer = pointer;
	return value;
}

/* Python's None: also what a function returns that has nothing to say. */
#define CORO_NONE coro__value_integer(CORO_VALUE_NONE, 0)

/* True or False. */
CORO__INLINE coro_value coro_bool(bool boolean)
{
	return coro__value_integer(CORO_VALUE_BOOL, boolean);
}

/* An int of 64 bits: it does not grow as Python's does. */
CORO__INLINE coro_value coro_int(int64_t integer)
{
	return coro__value_integer(CORO_VALUE_INT, integer);
}

/* A float: Python's is a double too. */
CORO__INLINE coro_value coro_float(double real)
{
	coro_value value;

	value.tag = CORO_VALUE_FLOAT;
	value.real = real;
	return value;
}

/* Text, UTF-8 by convention, borrowed. `length` in bytes, below 2^56. */
CORO__INLINE coro_value coro_string(const char *text, size_t length)
{
	return coro__value_pointer(CORO_VALUE_STRING | (uint64_t)length << CORO__TAG_SHIFT, text);
}

/* The same, of a C string, which ends in a 0. */
CORO__INLINE coro_value coro_str(const char *text)
{
	return coro_string(text, strlen(text));
}

/* Bytes, borrowed. `length` is below 2^56. */
CORO__INLINE coro_value coro_bytes(const void *bytes, size_t length)
{
	return coro__value_pointer(CORO_VALUE_BYTES | (uint64_t)length << CORO__TAG_SHIFT, bytes);
}

/* Any pointer of the program's own. The type's name is for whoever reads the trace: a
 * string that lives as long as the program, or NULL. */
CORO__INLINE coro_value coro_typed_ptr(const void *pointer, const char *type)
{
	return coro__value_pointer(CORO_VALUE_POINTER | (uint64_t)(uintptr_t)type << CORO__TAG_SHIFT,
							   pointer);
}

/* The same without a type's name. */
CORO__INLINE coro_value coro_ptr(const void *pointer)
{
	return coro_typed_ptr(pointer, NULL);
}

/* A handle as a value: `handle` is a struct coro_generator *, coro_task *, coro_future *,
 * ... NULL gives None. */
CORO__INLINE coro_value coro_object(const void *handle)
{
	const struct coro_object *object = (const struct coro_object *)coro__address(handle);

	if (!object)
		return CORO_NONE;
	if (CORO__UNLIKELY((const void *)object != handle && coro__handle(object) != handle))
		coro__stale(handle);
	return coro__value_pointer(CORO_VALUE_OBJECT | object->serial << CORO__TAG_SHIFT, object);
}

/* ---- Looking at values ------------------------------------------------- */

/* What it is; a raised one is an EXCEPTION too. */
CORO__INLINE enum coro_value_kind coro_kind(coro_value value)
{
	return (enum coro_value_kind)(value.tag & 15);
}

/* It is an exception on its way up: to be dealt with, or returned. */
CORO__INLINE bool coro_raised(coro_value value)
{
	return CORO__UNLIKELY(value.tag & CORO__RAISED);
}

/* It is None. */
CORO__INLINE bool coro_is_none(coro_value value)
{
	return value.tag == CORO_VALUE_NONE;
}

/* The name of its type as Python says it: "NoneType", "bool", "int", "float", "str",
 * "bytes", "generator", "coroutine", "Task", ...; an exception's or pointer's own. Valid as
 * long as the program, or as the pointer's type name. */
CORO_API const char *coro_type_name(coro_value value);

/* Ends the program: the value is not of this kind. */
CORO_API void coro__wrong_kind(coro_value value, enum coro_value_kind wanted)
	__attribute__((noreturn, cold));

CORO__INLINE void coro__expect(coro_value value, enum coro_value_kind kind)
{
	if (CORO__UNLIKELY((value.tag & 15) != (uint64_t)kind))
		coro__wrong_kind(value, kind);
}

/* Of a bool. Ends the program for any other, as all of these do. */
CORO__INLINE bool coro_as_bool(coro_value value)
{
	coro__expect(value, CORO_VALUE_BOOL);
	return value.integer != 0;
}

/* Of an int; a bool counts as 0 or 1, as in Python. */
CORO__INLINE int64_t coro_as_int(coro_value value)
{
	if (coro_kind(value) != CORO_VALUE_BOOL)
		coro__expect(value, CORO_VALUE_INT);
	return value.integer;
}

/* Of a float, or of an int. */
CORO__INLINE double coro_as_float(coro_value value)
{
	if (coro_kind(value) == CORO_VALUE_INT || coro_kind(value) == CORO_VALUE_BOOL)
		return (double)value.integer;
	coro__expect(value, CORO_VALUE_FLOAT);
	return value.real;
}

/* The text of a string. It ends in a 0 only if whoever made it saw to that, which
 * coro_str() does. */
CORO__INLINE const char *coro_as_str(coro_value value)
{
	coro__expect(value, CORO_VALUE_STRING);
	return (const char *)value.pointer;
}

/* Of bytes; coro_length() says how many. */
CORO__INLINE const void *coro_as_bytes(coro_value value)
{
	coro__expect(value, CORO_VALUE_BYTES);
	return value.pointer;
}

/* How many bytes a string has, or bytes have. */
CORO__INLINE size_t coro_length(coro_value value)
{
	if (coro_kind(value) != CORO_VALUE_BYTES)
		coro__expect(value, CORO_VALUE_STRING);
	return (size_t)(value.tag >> CORO__TAG_SHIFT);
}

/* Of a pointer, whatever the name of its type. */
CORO__INLINE void *coro_as_ptr(coro_value value)
{
	coro__expect(value, CORO_VALUE_POINTER);
	return (void *)(uintptr_t)value.pointer;
}

/* The handle of an object. Ends the program when the object was freed meanwhile. */
CORO_API struct coro_object *coro_as_object(coro_value value);

/* What kind of object it is. Likewise. */
CORO_API enum coro_object_kind coro_object_kind(coro_value value);

/* Equal as Python's `==` has it for these kinds: 1 == 1.0 == True, text by content,
 * the rest by identity. */
CORO_API bool coro_equal(coro_value left, coro_value right);

/* bool(value): false for None, False, 0, 0.0 and empty strings and bytes, as Python has it. */
CORO_API bool coro_truth(coro_value value);

/* Writes the value as Python's repr() would: None, True, 3, 2.5, 'text', b'\x00',
 * <generator internal #3>, ValueError('bad port'). At most `size` bytes with the
 * 0 at the end; returns how long the whole text is, as snprintf does. */
CORO_API size_t coro_format(coro_value value, char *buffer, size_t size);

/* Names for a macro's own variables, so that a macro may stand in its own argument. */
#define CORO__NAME3(name, number) coro__##name##_##number
#define CORO__NAME2(name, number) CORO__NAME3(name, number)
#define CORO__NAME(name)          CORO__NAME2(name, __COUNTER__)

/* What `expression` gives, if it was not raised; else returns it from this function,
 * which must return a coro_value itself. In a block of with.h it is returned through the exit of
 * that. */
#define CORO_TRY(expression) CORO__TRY(expression, CORO__NAME(tried))
#define CORO__TRY(expression, tried)                                                               \
	__extension__({                                                                                \
		coro_value tried = (expression);                                                           \
		if (coro_raised(tried))                                                                    \
			return CORO__LEAVE(tried);                                                             \
		tried;                                                                                     \
	})

/* The block of with.h that it stands in: none. Within a block a variable of this name hides it. */
enum { coro__within = 0 };
struct coro__with;
CORO_API coro_value coro__with_leave(struct coro__with *block, coro_value result);
#define CORO__LEAVE(result)                                                                        \
	(coro__within ? coro__with_leave((struct coro__with *)(uintptr_t)coro__within, (result))       \
				  : (result))

/* A call that stays one even where its result is returned at once: what it calls finds the
 * program's line in its return address, and that is what a debugger shows. */
#define CORO__CALLED(call) CORO__CALLED2(call, CORO__NAME(given))
#define CORO__CALLED2(call, given)                                                                 \
	__extension__({                                                                                \
		coro_value given = call;                                                                   \
		__asm__ volatile("");                                                                      \
		given;                                                                                     \
	})

/* A handle, or a value, as a value: coro_await() and its like take both. NULL is what a constructor
 * gives that finds no memory: raised MemoryError. */
CORO_API coro_value coro__awaitable(const void *handle);
CORO__INLINE coro_value coro__value_same(coro_value value)
{
	return value;
}

#ifdef __cplusplus
}
static inline coro_value coro__value_of(coro_value value)
{
	return value;
}
static inline coro_value coro__value_of(const void *handle)
{
	return coro__awaitable(handle);
}
/* A function of a body instead of what is made of it: CORO_CALL(function, argument) awaits it. */
coro_value coro__value_of(coro_value (*function)(coro_value argument)) = delete;
#define CORO__VALUE(x) coro__value_of(x)
#else
/* Is nowhere: a function of a body instead of what is made of it is a mistake, told by the compiler. */
coro_value coro__function_awaited(coro_value (*function)(coro_value argument))
	__attribute__((
		error("a function is awaited; CORO_CALL(function, argument) calls and awaits it")));
/* clang-format off */
#define CORO__VALUE(x)                                                                             \
	_Generic((x), coro_value: coro__value_same,                                                    \
	              coro_value (*)(coro_value): coro__function_awaited,                              \
	              default: coro__awaitable)(x)
/* clang-format on */
#endif
#endif
