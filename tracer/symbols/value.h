#ifndef TRACER_SYMBOLS_VALUE_H
#define TRACER_SYMBOLS_VALUE_H
/*
 * value.h - what a variable, or a part of it, holds.
 *
 * A content is where something is and as many of its bytes as could be had; it has no name, and is
 * made and forgotten while a value becomes text. What a view hands out is a content with a
 * name and its type in words.
 */
#include "expression.h"
#include "types.h"

struct content {
	struct type type;
	uint64_t size;             /* of the type; 0: not known */
	enum locals_reason reason; /* why the first of its bytes that are missing are */
	uint8_t operation;         /* UNSUPPORTED: which of DWARF's; 0: none */
	bool in_memory;
	uint64_t address;
	const uint8_t *bytes; /* of the arena; NULL: none could be had */
	const uint8_t *known; /* of each byte; NULL: all are */
	size_t count;         /* of `bytes`: the size, at most LOCALS_BYTES_MOST */
	unsigned bits;        /* of a bit-field, whose number is in `bytes`; 0: is none */
	bool flexible;        /* a member that is an array without a bound */
	bool points;          /* a pointer to a variable that has no address: */
	Dwarf_Die target;
	Dwarf_Sword offset; /* in it */
};

/* Of a variable or parameter. */
void content_of(const struct context *context, Dwarf_Die *variable, struct content *ret);
/* Of what is in memory. */
void content_at(const struct context *context, const struct type *type, uint64_t address,
                struct content *ret);
void content_missing(const struct type *type, enum locals_reason reason, struct content *ret);
/* Of a number that was computed. */
void content_number(const struct context *context, const struct type *type, uint64_t number,
                    struct content *ret);
/* All bytes of it are known. */
bool content_complete(const struct content *content);
/* Its first 8 bytes, or fewer, as a number: of a signed type with its sign. false: some are not
 * known. */
bool content_word(const struct content *content, uint64_t *ret);

/* Copies a string without its 0: at most `most` bytes, and as many as there are. Returns how many;
 * *ret_error: 0, or why there are no more. */
size_t string_at(const struct memory *memory, uint64_t address, char *buffer, size_t most,
                 int *ret_error);

enum locals_kind content_kind(const struct context *context, const struct content *content);

/* Children: members of a structure, elements of an array, what a pointer points to. */
uint64_t content_children(const struct context *context, const struct content *content);
/* Child `i`. Its name: that of a member; NULL: it is an element, or what is pointed to. false: there
 * is none. */
bool content_child(const struct context *context, const struct content *content, uint64_t i,
                   struct content *ret, const char **ret_name);
void content_member(const struct context *context, const struct content *content,
                    const struct member *member, struct content *ret);
void content_element(const struct context *context, const struct content *content, uint64_t i,
                     struct content *ret);
/* What a pointer points to. */
void content_target(const struct context *context, const struct content *content,
                    struct content *ret);
/* The member of that name, also of nameless structures in it. */
bool content_named(const struct context *context, const struct content *content, const char *name,
                   struct content *ret);

/* ---- Coroscope's own (objects.c) --------------------------------------- */

/* An object of the runtime, by the address or handle of it. */
struct object {
	uint64_t serial;
	unsigned kind;   /* enum coro_object_kind */
	char name[64];   /* "": has none, or it could not be read; not filtered */
	bool freed;      /* the handle is of one that was freed, and nothing above is valid */
};
/* false: the pointer is none, or its object cannot be read. */
bool object_at(const struct context *context, const struct type *pointer, uint64_t handle,
               struct object *ret);
/* Where a pointer leads, without what a handle has above its address. */
uint64_t object_address(const struct context *context, const struct type *pointer,
                        uint64_t handle);

/* A coro_value. */
struct dynamic {
	uint64_t tag, word; /* value.h of the runtime */
};
bool dynamic_is(const struct type *type);
/* false: not all of it is known, or it is not laid out as one. */
bool dynamic_read(const struct context *context, const struct content *content,
                  struct dynamic *ret);

/* The serial of the object that it names; 0: names none. */
uint64_t dynamic_serial(const struct dynamic *value);
/* The object that it is of, if that can be read and is still the same. */
bool dynamic_object(const struct context *context, const struct dynamic *value,
                    struct object *ret);
/* The type of exceptions. false: there is no DWARF of the runtime. */
bool dynamic_exception(const struct context *context, struct type *ret);

/* ---- Text (format.c) --------------------------------------------------- */

size_t format_content(const struct context *context, const struct content *content,
                      const struct locals_format *format, char *buffer, size_t room);
/* Why it is missing, in words; in `buffer` if need be. */
const char *format_reason(const struct content *content, char *buffer, size_t room);

/* ---- A view (view.c) --------------------------------------------------- */

struct value {
	struct locals_value public;
	struct content content;
};

struct locals_view {
	struct locals_stack stack; /* its own copy of the struct, not of what it refers to */
	struct context context;
	struct arena arena;
	unsigned effort;    /* left for what is being evaluated */
	unsigned granted;   /* what that was at first */
	unsigned allowance; /* left for all that is evaluated for one question */
	struct point *point; /* referred to; NULL: of no frame */
	unsigned level;
	struct locals_variable *variable; /* of the arena */
	size_t count, room;
};

/* A question is asked: it has a new allowance. */
void view_ask(struct locals_view *view);
/* The context in which something of a module is evaluated, with new effort. */
struct context view_context(struct locals_view *view, struct debug *debug);
/* A content as a value; NULL: memory is out. */
const struct value *view_value(struct locals_view *view, const char *name,
                               const struct content *content);

#endif
