#ifndef CONFORM_SCENARIO_H
#define CONFORM_SCENARIO_H
/*
 * scenario.h - the interpreter of the scenario language: what its parts share.
 *
 *     parse.c    text -> functions, blocks, operations
 *     value.c    variables, atoms, expressions; values and exceptions as the log prints them
 *     journal.c  the log, labels, reports of the runtime
 *     control.c  blocks: if, loop, try ...; calling a function
 *     drive.c    operations on generators, coroutines, async generators
 *     tasks.c    operations of the loop: tasks, futures, callbacks, combinators
 *     sync.c     operations on locks, events, queues ...
 *     garbage.c  what CPython frees by counting, what by its collector, and what never
 *     main.c     running a scenario from beginning to end
 *     remains.c  what is left after it: nothing
 *
 * Each function of a scenario becomes one body of the runtime, which runs run_call(); a yield at
 * any depth of blocks is a yield of that body. Everything is said with the public headers.
 *
 * Memory lasts as long as the scenario (keep_memory), and so does every exception (keep_error):
 * a log has at most a few thousand lines.
 */
#include <coroscope/coro.h>

/* ---- The program ------------------------------------------------------- */

enum function_kind { FUNC, GEN, CORO, AGEN, MAIN, AMAIN };

struct node;

struct block {
	struct node *first;
};

struct clause {
	char **head; /* its first line's words, NULL at the end */
	struct block block;
	struct clause *next;
};

struct activation;

/* How the execution of a node ended. What is returned or raised is in the activation. */
enum flow { GO_ON, BREAK, CONTINUE, RETURN, RAISE };

struct node {
	int line;
	const char *word;       /* the operation, without "!" */
	bool observed;          /* it had one */
	char **args;            /* words up to "->", NULL at the end */
	int arg_count;          /* their number */
	const char *target;     /* after "->"; NULL: none */
	struct clause *clauses; /* of a block */
	enum flow (*run)(struct activation *activation, const struct node *node);
	struct node *next;
};

struct function {
	enum function_kind kind;
	const char *name;
	char **params;
	struct block body;
	struct function *next;
};

struct scenario {
	struct function *functions, *main;
	bool debug, eager, trace_turns;
	int slow, fuel;
};

extern struct scenario scenario;

/* Reads the file; ends the program with a message when it is wrong. */
void parse_file(const char *path);
struct function *find_function(const char *name);
void malformed(const struct node *node, const char *why) __attribute__((noreturn));

/* ---- Execution --------------------------------------------------------- */

struct variable {
	const char *name;
	coro_value value;
	struct variable *next;
};

/* Exceptions that except and finally blocks are about, the innermost first. */
struct handled {
	coro_value exception;
	coro_value before; /* what it was then; of the caller, perhaps */
	const struct handled *outer;
};

/* A frame, to Python. What it awaits is in its variable "(awaited)". */
struct activation {
	const char *label;
	const struct function *function;
	struct variable *locals;
	coro_value outcome;  /* of RETURN, RAISE */
	coro_value handling; /* innermost exception that an except or finally block is about */
	const struct handled *handled;
	bool ended;
	const struct activation *driver;    /* that resumed it last */
	const struct activation *back;      /* when it has ended: that goes on */
	struct activation *previous, *next; /* all that have not ended */
};
extern struct activation *activations;
/* Got control last. */
extern const struct activation *running;

struct call {
	const struct function *function;
	const char *label;
	coro_value args[8];
	const struct activation *activation; /* once it has begun */
};

struct operation {
	const char *word;
	enum flow (*run)(struct activation *activation, const struct node *node);
};
extern const struct operation control_operations[], drive_operations[], task_operations[],
	group_operations[], sync_operations[];

/* A call of a function with the atoms `args` for arguments. */
struct call *new_call(struct activation *activation, const struct function *function,
					  const char *label, char **args);
/* The body of every function: argument is the struct call. */
coro_value run_call(coro_value call);
/* The same for a function that is called within an activation. */
coro_value run_plain(struct call *call, coro_value handling);
enum flow run_block(struct activation *activation, const struct block *block);

/* Whatever the runtime gave back: puts back what is being handled here, keeps an exception. */
coro_value returned(struct activation *activation, coro_value value);
enum flow raise_in(struct activation *activation, coro_value raised);

/* The end of an operation: logs "DESCRIPTION => outcome", stores, swallows or raises. */
enum flow finished(struct activation *activation, const struct node *node, const char *description,
				   coro_value result);
/* The same for next, send and throw: "yield V", "stop V" or "raise E". */
enum flow driven(struct activation *activation, const struct node *node, const char *description,
				 coro_value result);
/* "WORD V V", of the operation and its first `count` arguments as they are now. */
const char *describe(struct activation *activation, const struct node *node, int count);
/* The line of an awaiting operation that begins: "DESCRIPTION ..." */
void begins(struct activation *activation, const char *description);

/* ---- Values ------------------------------------------------------------ */

struct list {
	size_t count;
	coro_value *items;
};
/* Its list; NULL: it is none. */
const struct list *list_of(coro_value value);
/* Of a string: ended by a zero. */
const char *text_of(coro_value string);
/* Python's `<`: a bool, or raised TypeError. */
coro_value less(coro_value left, coro_value right);

extern const char list_type[], handle_type[], timer_handle_type[], timeout_type[];

extern struct variable *globals;
coro_value get(struct activation *activation, const char *name);
void set(struct activation *activation, const char *name, coro_value value);
/* The same for a name that may be NULL. */
void store(struct activation *activation, const char *name, coro_value value);
/* All are None from now on. */
void forget_globals(void);
/* A variable of somebody holds it, or a list there. */
bool is_held(coro_value value);
coro_value atom(struct activation *activation, const char *word);
coro_value new_list(size_t count);
/* The results of a gather as a list of the scenario's; other values as they are. */
coro_value as_list(coro_value value);
/* Raised MemoryError: the runtime gave NULL. */
coro_value out_of_memory(void);
/* Its value, or raised. */
coro_value expression(struct activation *activation, char **words);
bool is_true(coro_value value);
/* EXCNAME [EXPR], or a variable: an exception, not raised; or raised TypeError. */
coro_value exception_of(struct activation *activation, char **words);
const struct coro_exception_type *exception_type_named(const char *name);

/* As the log prints them. The text lasts. */
const char *show(coro_value value);
const char *show_error(coro_value exception);
const char *show_chain(coro_value exception);
const char *format(const char *pattern, ...) __attribute__((format(printf, 1, 2)));

bool is_object(coro_value value, unsigned kind);
/* What __anext__() and its like give: a step of an async generator. */
bool is_step(coro_value value);
/* A coroutine, future, task, or a step of an async generator. */
bool can_be_awaited(coro_value value);
bool is_type(coro_value value, const char *type);
/* The handle, if `value` is of this kind; else NULL and raised AttributeError in *ret_error:
 * "'int' object has no attribute 'send'". A task counts as a future. */
void *handle_of(coro_value value, unsigned kind, const char *attribute, coro_value *ret_error);

/* ---- The log ----------------------------------------------------------- */

void say(const char *who, const char *text);
/* Of the end of an object: said at once in a `del`, else sorted at the end. */
void say_late(const char *who, const char *text);
/* label("x") is x, then x#2, x#3 ... */
const char *label(const char *name);
void set_label(const void *object, const char *text);
const char *label_of(const void *object);
void journal_begin(void);
/* The sorted rest, and the end. */
void journal_end(void);
void forget_late(void);
/* From now on nothing is said. */
extern bool journal_closed;
/* Reports are said at once. */
extern bool journal_immediate;
/* The one of all bodies that is being freed at the end; NULL: none is. */
extern struct coro_generator *being_freed;
/* A body ignored that it was closed for good: what its calls held is left. What such a report says. */
extern bool somebody_ignored;
bool ignored(const char *report);
/* A round of a loop; ends the scenario after very many. */
void count_round(void);

void *keep_memory(size_t size);
char *keep_text(const char *text);
coro_value keep_error(coro_value exception);

/* ---- What CPython frees, and when --------------------------------------- */

/* A body was made, a step. */
void note_body(const struct coro_generator *body, const struct call *call);
void note_step(struct coro_async_step *step, coro_value generator, coro_value argument);
/* The body was made while all others go: it stays. */
void lasts_for_ever(const struct coro_generator *body);
/* What `one` awaits is the body of `other`. */
bool awaits(const struct activation *one, const struct activation *other);
/* A raised exception comes to this frame, which its traceback holds from now on. */
void passes(coro_value exception, const struct activation *frame);
void loses_traceback(coro_value exception);

/* What the frame refers to leads back to it. */
bool is_in_a_ring(const struct activation *frame);
/* Counting does not free it, when no variable holds it any more: a ring does. */
bool is_left_to_the_collector(coro_value value);
/* Something that lasts refers to it. */
bool is_of_what_lasts(coro_value value);
/* The collector frees what is left, but for what lasts. Only once: new rings stay. */
void collection_begins(void);
/* The body is never freed, though the one that held it may be. */
bool is_never_freed(coro_value body);

/* ---- The run ----------------------------------------------------------- */

extern struct coro_loop *the_loop; /* NULL under `main` */
extern bool loop_closed;           /* the run is over */
/* The loop lets go of its ready queue. */
void close_loose_tasks(void);
/* The current task goes to the end of the ready queue; or has come back. */
void gives_way(bool now);
/* The handle of a task is given up. */
void forget_loose(const void *task);

/* A task is being spawned. CPython names an eager one only after its first step: until then it is
 * Task-N, the N-th of all. */
struct naming {
	const char *name;
	int number;
	const struct naming *outer;
};
void naming_begin(struct naming *naming, const char *name);
void naming_end(const struct naming *naming, bool spawned);
/* Its number; 0: it has its name. */
int number_of(const char *name);
void count_task(void);
/* Those of them that are coroutines, or steps, become tasks. */
void count_tasks(const coro_value *values, size_t count);

int milliseconds(void);

/* Objects of `new` live until `del` or the end. */
void own_body(struct coro_generator *body);
void disown_body(struct coro_generator *body);
void free_task(void *task);
void free_body(void *body);
void free_step(void *step);
/* After the tasks: some may wait for it to the last. */
void free_late_body(void *body);
void free_unheld_steps(void);
/* A task has it. */
void keep_step(struct coro_async_step *step);
void own_handle(void *handle, void (*free_handle)(void *));
void disown_handle(const void *handle);

/* From here on, to the end of the program, everything is to be given back. */
void remains_begin(void);
/* The scenario came to its end: what is left now is told, and the exit status is 3. */
void remains_end(void);
/* Leaves something, to see that it is told: "coroutine", "exception", "object", "byte", "descriptor". */
void remains_leave(const char *what);

#endif
