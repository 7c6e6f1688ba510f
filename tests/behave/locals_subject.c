/*
 * locals_subject.c - a coroutine that is suspended with variables of every kind in its hands.
 *
 * It prints the saved stack pointer of the coroutine and the end of its stack, and waits until its
 * input ends. locals.py looks at it with the tracer and with gdb meanwhile.
 *
 * Whatever is declared before a call is used behind it, so that a compiler that optimises has a
 * reason to keep it, but not always a place where it can be found.
 */
#include <complex.h>
#include <inttypes.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <coroscope/coro.h>

#define NOINLINE __attribute__((noinline, noclone))
#define INLINE   static inline __attribute__((always_inline))

enum colour { RED, GREEN = 5, BLUE };
enum access { READ = 1, WRITE = 2, EXECUTE = 4, HIDDEN = 1u << 31 };

struct point {
	int x, y;
};

struct bits {
	unsigned a : 3;
	int b : 5;
	unsigned c : 20, d : 9;
	_Bool e : 1;
	uint64_t f : 40;
	enum colour g : 4;
};

union number {
	int integer;
	float real;
	unsigned char byte[8];
};

struct node {
	const char *name;
	struct node *next;
	struct point at;
	union {
		int inner;
		float other;
	};
	struct {
		short left, right;
	} pair;
	double weights[3];
	void (*action)(int);
};

struct flexible {
	size_t count;
	int item[];
};

struct empty {
};

typedef int row[4];
typedef struct point (*maker)(int, const char *);

struct announced; /* never defined */

int global_count = 17;
static struct node global_node = {.name = "global", .at = {3, 4}};
static int same_name = 100;
__thread int of_thread = 41;
const char *const constant_text = "constant text";
static volatile int sink;

/* A value that no compiler knows. */
NOINLINE static int opaque(int number)
{
	__asm__ volatile("" : "+r"(number));
	return number;
}

NOINLINE static void use(const void *pointer)
{
	__asm__ volatile("" : : "r"(pointer) : "memory");
}

static void action(int number)
{
	sink = number;
}

static struct point make(int x, const char *text)
{
	return (struct point){x, (int)strlen(text)};
}

/* ---- The innermost frames ---------------------------------------------- */

INLINE int inlined_twice(int once)
{
	int twice = once * 2;
	coro_value got = coro_yield(coro_int(twice));

	sink = twice;
	return twice + (coro_is_none(got) ? 1 : 0);
}

INLINE int inlined(int base, struct point *where)
{
	int local = base + 3;
	static int calls = 7;

	calls++;
	local += inlined_twice(local);
	use(where);
	return local + calls;
}

NOINLINE static int innermost(int number, struct node *node, const char *text)
{
	struct point inner = {opaque(1), opaque(2)};
	int sum = number;
	int *alias = &sum;

	use(&inner);
	{
		int same_name = opaque(5);
		{
			char same_name = (char)opaque('z');

			sum += inlined(opaque(10), &inner);
			sink = same_name;
		}
		sum += same_name;
	}
	int late = opaque(99);
	struct point late_point = {late, late};

	use(&late_point);
	use(alias);
	return sum + inner.x + node->at.x + (int)strlen(text);
}

/* ---- Numbers ----------------------------------------------------------- */

NOINLINE static int numbers(int depth, unsigned char small, double ratio)
{
	char letter = (char)opaque('q');
	signed char negative = (signed char)opaque(-5);
	short brief = (short)opaque(-300);
	unsigned short unsigned_brief = (unsigned short)opaque(65000);
	long wide = opaque(1234567) * 1000000L;
	unsigned long long widest = 0xfedcba9876543210ull + (unsigned)opaque(0);
	__int128 huge = (__int128)wide * wide * wide;
	_Bool yes = opaque(1) == 1, no = opaque(1) == 2;
	float single = (float)opaque(3) / 2;
	double precise = opaque(1) / 3.0;
	long double extended = (long double)opaque(2) / 7;
	double complex rotated = opaque(1) + opaque(2) * I;
	enum colour colour = (enum colour)opaque(GREEN);
	enum access access = (enum access)opaque(READ | EXECUTE);
	enum colour odd_colour = (enum colour)opaque(7);
	enum access odd_access = (enum access)(opaque(WRITE | 0x40) | (int)HIDDEN);
	uint8_t octet = (uint8_t)opaque(200);
	int64_t exact = -opaque(5000000) * (int64_t)1000000;
	const int fixed = 42;
	volatile int watched = opaque(77);
	_Atomic int counted = opaque(78);
	const volatile double noted = opaque(3) / 4.0;
	char *restrict only = &letter;
	wchar_t wide_letter = (wchar_t)opaque(0x3b1);
	float nan = (float)opaque(0) / 0.0f, infinite = -1.0f / (float)opaque(0);
	double large = opaque(3) * 1e300, small_one = opaque(1) * 5e-324;
	struct node node = {
		.name = "first",
		.next = &global_node,
		.at = {7, 8},
		.inner = 21,
		.pair = {-1, 2},
		.weights = {0.5, 1.5, -2},
		.action = action,
	};
	int result = innermost(opaque(depth), &node,
						   "a text\twith \"quotes\" and \033[2J"
						   " \316\261\342\202\254\360\237\230\200 \377\342\200\256\302\205");

	use(&noted), use(only), use(&nan), use(&infinite), use(&large), use(&small_one);
	sink = (int)wide_letter + (int)counted;
	use(&precise), use(&extended), use(&rotated), use(&huge);
	sink = letter + negative + brief + unsigned_brief + (int)wide + (int)widest + yes + no +
		   (int)single + (int)colour + (int)access + (int)odd_colour + (int)odd_access + octet +
		   (int)exact + fixed + watched + small + (int)ratio;
	return result;
}

/* ---- What is made of others -------------------------------------------- */

NOINLINE static int aggregates(int length, const char *label, struct point by_value)
{
	int vector[5] = {1, 2, 3, 4, opaque(5)};
	row rows[2] = {{1, 2, 3, 4}, {5, 6, 7, opaque(8)}};
	int grown[opaque(length)];
	double table[opaque(2)][opaque(3)];
	char text[16] = "array of char";
	unsigned char raw[4] = {0xde, 0xad, 0xbe, (unsigned char)opaque(0xef)};
	const char *names[3] = {"zero", "one", label};
	struct bits bits = {5, -3, 0xabcde, 300, 1, 0x123456789aull, BLUE};
	union number either = {.byte = {0}};
	struct point corners[3] = {{0, 1}, {2, 3}, {4, opaque(5)}};
	struct empty nothing = {};
	struct flexible *flexible = malloc(sizeof *flexible + 2 * sizeof(int));
	int *pointer = &vector[2];
	int **to_pointer = &pointer;
	const char *null_text = opaque(0) ? "not null" : NULL;
	const char *wild = (const char *)(uintptr_t)(unsigned)opaque(0x1000);
	void *untyped = vector;
	void (*callback)(int) = opaque(1) ? action : NULL;
	void (*handlers[2])(int) = {action, callback};
	maker builder = opaque(1) ? make : NULL;
	struct announced *unknown = (struct announced *)vector;
	alignas(64) int aligned = opaque(64);
	int result;

	for (int i = 0; i < length; i++)
		grown[i] = i * i;
	for (int i = 0; i < 6; i++)
		table[i / 3][i % 3] = i / 2.0;
	either.integer = opaque(0x40490fdb);
	flexible->count = 2;
	flexible->item[0] = 8;
	flexible->item[1] = 9;
	use(rows), use(text), use(raw), use(names), use(&bits), use(&either), use(corners);
	use(vector), use(grown), use(table), use(&nothing), use(to_pointer), use(flexible);
	use(&aligned), use(handlers);
	result = numbers(length, (unsigned char)opaque(250), opaque(5) / 2.0);
	use(rows), use(text), use(raw), use(names), use(&bits), use(&either), use(corners);
	use(vector), use(grown), use(table), use(&nothing), use(to_pointer), use(flexible);
	use(null_text), use(wild), use(untyped), use((void *)callback), use((void *)builder);
	use(handlers);
	use(unknown), use(&aligned);
	free(flexible);
	return result + by_value.x + by_value.y;
}

/* ---- Through the C library, and coroscope's own ------------------------- */

static coro_value sleeper(coro_value argument)
{
	return coro_yield(argument);
}

static int compare(const void *left, const void *right)
{
	static int once;
	const int *a = left, *b = right;
	int order = *a < *b ? -1 : *a > *b;

	if (once++ == 0)
		sink = aggregates(opaque(6), "label", (struct point){opaque(11), opaque(12)});
	return order;
}

NOINLINE static void values(struct coro_generator *self_made)
{
	coro_value none = CORO_NONE, truth = coro_bool(opaque(1)), integer = coro_int(opaque(-12));
	coro_value real = coro_float(opaque(5) / 2.0), string = coro_str("it's \"text\"");
	coro_value bytes = coro_bytes("\0\1ab", 4), object = coro_object(self_made);
	coro_value typed = coro_typed_ptr(&global_count, "struct job");
	coro_value error = coro_raise(CORO_ValueError, "bad %s", "port");
	struct coro_generator *freed = coro_generator(sleeper, CORO_NONE);
	struct coro_lock *lock = coro_lock_new("door");
	struct coro_queue *const queue = coro_queue_new_named(3, "jobs \033[2J");
	struct coro_lock *no_lock = NULL;
	int items[3] = {opaque(3), 1, 2};

	coro_free(freed);
	use(&none), use(&truth), use(&integer), use(&real), use(&string), use(&bytes);
	use(&object), use(&typed), use(&freed), use(&error);
	use(&lock), use(&queue), use(&no_lock);
	qsort(items, 3, sizeof *items, compare);
	use(&none), use(&truth), use(&integer), use(&real), use(&string), use(&bytes);
	use(&object), use(&typed), use(&freed), use(items), use(&error);
	use(&lock), use(&queue), use(&no_lock);
	coro_lock_free(lock);
	coro_queue_free(queue);
}

static coro_value body(coro_value argument)
{
#include "locals_fragment.inc"
	struct coro_generator *other = coro_generator_named(sleeper, argument, "other", CORO_SITE_HERE);

	coro_next(other);
	values(other);
	coro_free(other);
	use(&of_fragment);
	return CORO_NONE;
}

int main(void)
{
	struct coro_generator *generator =
		coro_generator_named(body, coro_int(1), "subject", CORO_SITE_HERE);
	struct coro_generator *real;

	coro_next(generator);
	real = coro__address(generator);
	printf("%" PRIuPTR " %" PRIuPTR "\n", (uintptr_t)real->sp, (uintptr_t)real->stack_base);
	fflush(stdout);
	while (getchar() != EOF)
		;
	coro_free(generator);
	return (int)sink & 0;
}
