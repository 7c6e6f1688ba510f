#ifndef TRACER_LOCALS_H
#define TRACER_LOCALS_H
/*
 * locals.h - logical frames, their variables, and the values of these.
 *
 * A physical frame (unwind.h) is a call that has not returned. The compiler may have inlined
 * others into it: each of them, and the function itself, is a logical frame, with variables of its
 * own. Both are told from DWARF; values come from the frame's registers and from memory
 * (memory.h), so a live program and a recorded moment are read by the same code.
 *
 *     struct locals              what is cached of the modules of a program
 *       locals_frames()          a physical frame as logical frames
 *       struct locals_view       one logical frame: its variables
 *         locals_variables()
 *         locals_evaluate()      "worker->name[2]"
 *         locals_child()         members, elements, what a pointer points to
 *         locals_text()          "{x = 1, y = 2}"
 *         locals_bytes()         the bytes themselves, and which of them are known
 *
 * Nothing is guessed: a value, or any part of it, that cannot be had has a reason instead, which
 * is true. Text is filtered of what could drive a terminal.
 *
 * DWARF, registers and memory are hostile: every loop, size and depth has a bound, and what
 * contradicts itself is told as LOCALS_UNSUPPORTED.
 *
 * Threads: one at a time, and the one that uses the `struct symbols`.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "memory.h"
#include "symbols.h"
#include "unwind.h"

struct locals;

/* For the modules of `symbols`, which must outlive it. 0, or -ENOMEM. */
int locals_new(struct symbols *symbols, struct locals **ret);
void locals_free(struct locals *locals);
/* Modules were added, or belong to another process now: what is cached is forgotten. No view may
 * be left. */
void locals_forget(struct locals *locals);

/* A stack as the unwinder told it. All of it is borrowed, and must outlive the views of it. */
struct locals_stack {
	const struct memory *memory;
	const struct unwind_frame *frame; /* innermost first */
	size_t count;
};

/* ---- Logical frames ---------------------------------------------------- */

struct locals_frame {
	size_t physical; /* index in the stack */
	unsigned level;  /* of the logical frames there: 0 is the innermost */

	const char *function; /* NULL: not known. Owned by `symbols`, as all strings here; not filtered */
	uint64_t offset;      /* of the place in the function; valid when `file` is NULL */
	const char *file;     /* a name for symbols_source_line(); NULL: no line is known */
	uint32_t line;        /* where it stands: at the call that it waits for; 0: not known */
	uint32_t column;      /* from 1; 0: not known */
	const char *module;   /* path of its ELF file; NULL: none has that address */

	bool inlined;   /* into the next logical frame */
	bool optimised; /* by the compiler: its variables may be gone, or not be up to date */
	bool runtime;   /* of coroscope's own runtime: hidden unless asked for */
	bool described; /* by DWARF: its variables are known */
	const char *why; /* not described: why, a line of text; else NULL */
};

enum { LOCALS_LEVELS_MOST = 64 }; /* logical frames of one physical frame */

/* The logical frames of frame `physical` of the stack, innermost first. Returns how many, at least
 * 1, at most `room` (the outermost are left out); -EINVAL: there is no such frame. */
int locals_frames(struct locals *locals, const struct locals_stack *stack, size_t physical,
                  struct locals_frame *ret, size_t room);

/* ---- Values ------------------------------------------------------------ */

/* Why a value, or a part of it, is missing. */
#define LOCALS_REASONS(X)                                                                          \
	/* Nothing is missing. */                                                                      \
	X(COMPLETE, "")                                                                                \
	/* The compiler kept it nowhere at this place. */                                              \
	X(OPTIMISED_OUT, "optimised out")                                                              \
	/* It was in a register that the called function may use, and did not save. */                 \
	X(NOT_SAVED, "register not saved")                                                             \
	/* It is in memory that the trace does not have. */                                            \
	X(NOT_RECORDED, "memory not recorded")                                                         \
	/* It is in memory that cannot be read: the program has none there, or is not to be read. */   \
	X(UNREADABLE, "memory unreadable")                                                             \
	/* Each thread has its own: which address that is only the thread's library knows. */          \
	X(THREAD_LOCAL, "thread-local")                                                                \
	/* It is beside the frame, whose address the unwinder could not tell. */                       \
	X(NO_FRAME, "frame address not known")                                                         \
	/* The debug information uses something that is not known here, or contradicts itself. */      \
	X(UNSUPPORTED, "debug information not understood")
enum locals_reason {
#define LOCALS__X(NAME, text) LOCALS_##NAME,
	LOCALS_REASONS(LOCALS__X)
#undef LOCALS__X
};
const char *locals_reason_text(enum locals_reason reason);

/* What a value is, for whoever writes JSON or chooses colours. */
#define LOCALS_KINDS(X)                                                                            \
	X(INTEGER, "integer")                                                                          \
	X(CHARACTER, "character")                                                                      \
	X(BOOLEAN, "boolean")                                                                          \
	X(FLOAT, "float")                                                                              \
	X(ENUMERATION, "enumeration")                                                                  \
	/* A char pointer, or an array of char. */                                                     \
	X(STRING, "string")                                                                            \
	/* To data. */                                                                                 \
	X(POINTER, "pointer")                                                                          \
	/* A function, or a pointer to one. */                                                         \
	X(FUNCTION, "function")                                                                        \
	X(STRUCTURE, "structure")                                                                      \
	X(UNION, "union")                                                                              \
	X(ARRAY, "array")                                                                              \
	/* A coro_value: its text is what it holds. */                                                 \
	X(DYNAMIC, "value")                                                                            \
	/* A handle of coroscope: `serial` is whose. */                                                \
	X(OBJECT, "object")                                                                            \
	/* void, complex numbers of other sizes, ... */                                                \
	X(OTHER, "other")
enum locals_kind {
#define LOCALS__X(NAME, text) LOCALS_##NAME,
	LOCALS_KINDS(LOCALS__X)
#undef LOCALS__X
};
const char *locals_kind_text(enum locals_kind kind);

/* Owned by the view, as are its strings. */
struct locals_value {
	const char *name; /* "count", "[3]", "*next"; of an expression its text; "": a nameless member */
	const char *type; /* as C writes it: "struct point *", "int [4][3]"; "void" */
	enum locals_kind kind;
	enum locals_reason reason; /* why it, or the first part of it that is missing, is missing */
	const char *why;           /* the same in words, in more detail where there is some; "" */
	uint64_t size;             /* of its type, in bytes; 0: not known, or void */
	bool in_memory;            /* `address` is where it is */
	uint64_t address;
	uint64_t children; /* how many locals_child() gives: members, elements; of a pointer to a structure
	                      the members of that, of another one 1; 0: none */
	uint64_t serial;   /* of an OBJECT, or a DYNAMIC that holds one: which; 0: none */
};

struct locals_variable {
	const struct locals_value *value;
	uint32_t line;  /* where it is declared; 0: not known */
	unsigned block; /* nesting of its block: 0 is the function's own */
	bool parameter;
	bool shadowed;  /* by one of an inner block, with the same name */
	bool is_static; /* not of this call: there is one for all */
	bool early;     /* not yet initialised: its declaration, or the end of its initialiser, is still to
	                   come (known where the build is not optimised). Its value is whatever was there
	                   before. */
	bool runtime;   /* made by a macro of coroscope's headers: hidden unless asked for */
};

/* ---- A logical frame --------------------------------------------------- */

struct locals_view;

/* Of the logical frame `level` of frame `physical` (locals_frame). `physical` LOCALS_NOWHERE: of
 * none; then only what is global can be evaluated. 0; -EINVAL: there is no such frame; -ENOMEM. */
int locals_view_new(struct locals *locals, const struct locals_stack *stack, size_t physical,
                    unsigned level, struct locals_view **ret);
#define LOCALS_NOWHERE SIZE_MAX
/* With all values that it gave. */
void locals_view_free(struct locals_view *view);

/* Its parameters and variables, those of the innermost block first, each block in the order of
 * the source; how many in *ret_count. Owned by the view. */
const struct locals_variable *locals_variables(struct locals_view *view, size_t *ret_count);

/* Child `i` of a value of this view: member, element, or what it points to. 0; -ENOENT: it has
 * no such child; -ENOMEM: out of memory, or of what a view may hold (LOCALS_VIEW_MOST). */
int locals_child(struct locals_view *view, const struct locals_value *value, uint64_t i,
                 const struct locals_value **ret);
enum { LOCALS_VIEW_MOST = 64 << 20 }; /* bytes */

/* What is wrong with an expression. */
struct locals_mistake {
	size_t at;      /* byte of the expression where it is, from 0; may be its length */
	char text[160]; /* "no variable is called 'cuont'"; without newline, filtered */
};

/* Evaluates a part of C's expressions: names (of variables of this frame, then of its
 * file, then of the program), `.` `->` `[n]` `*` `&` `( )`, numbers and characters. 0; -EINVAL:
 * *ret_mistake says why not; -ENOMEM. A value that is found, but missing, is no mistake. */
int locals_evaluate(struct locals_view *view, const char *expression,
                    const struct locals_value **ret, struct locals_mistake *ret_mistake);

/* ---- A value's content ------------------------------------------------- */

/* How much of a value becomes text. */
struct locals_format {
	unsigned depth;      /* of structures and arrays in each other; what is deeper is "{...}" */
	unsigned elements;   /* of an array, and members of a structure; "..." for more */
	unsigned characters; /* of a string; "..." behind its quote for more */
};
#define LOCALS_FORMAT_LINE ((struct locals_format){.depth = 3, .elements = 16, .characters = 64})

/* Writes the value as text, one line: `3`, `'a'`, `RED | BLUE`, `"text"`, `0x7ffd12a0`,
 * `{x = 1, y = <optimised out>}`, `[1, 2, 3, ...]`, `task #7 worker`, `<register not saved>`. At most
 * `room` bytes with the 0 at the end; what does not fit ends in "...". Returns its length. */
size_t locals_text(struct locals_view *view, const struct locals_value *value,
                   const struct locals_format *format, char *buffer, size_t room);

/* The bytes of a value, as they are in memory (of a bit-field: those of the number). Byte i means
 * something if and only if (*ret_known)[i] is not 0; *ret_known is NULL when all of them do.
 * Returns how many there are: the size of the value, at most LOCALS_BYTES_MOST; 0 when none of them is
 * known. Owned by the view. */
size_t locals_bytes(struct locals_view *view, const struct locals_value *value,
                    const uint8_t **ret_bytes, const uint8_t **ret_known);
enum { LOCALS_BYTES_MOST = 1 << 16 };

#endif
