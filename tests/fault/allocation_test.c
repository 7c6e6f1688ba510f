/*
 * allocation_test.c - the n-th taking of memory fails, for n = 1, 2, 3 ... until none does.
 *
 *     allocation_test [PROGRAM [N [all]]]
 *
 * Each program is run with each n, once with that taking alone failing and once with all from there
 * on. With an N: that one alone.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "faults.h"
#include "programs.h"

enum { MOST = 100000 };

static void run(void *program)
{
	((const struct program *)program)->run();
}

/* How many runs it took; 0: something is wrong. */
static size_t try_all(const struct program *program, bool for_good)
{
	size_t runs = 0;

	for (size_t n = 1; n < MOST; n++, runs++) {
		enum faults_result result = faults_run(run, (void *)(uintptr_t)program, n, for_good);

		if (result == FAULTS_PASSED)
			return runs + 1;
		if (result == FAULTS_BROKEN) {
			fprintf(stderr, "%s: broken when taking %zu fails%s\n", program->name, n,
					for_good ? ", and all after it" : "");
			return 0;
		}
	}
	fprintf(stderr, "%s: it never passes\n", program->name);
	return 0;
}

int main(int argc, char **argv)
{
	const struct program *const shelves[] = {body_programs, task_programs, sync_programs};
	size_t broken = 0, runs = 0;

	for (size_t shelf = 0; shelf < sizeof(shelves) / sizeof(*shelves); shelf++)
		for (const struct program *program = shelves[shelf]; program->name; program++) {
			if (argc > 1 && strcmp(argv[1], program->name))
				continue;
			if (argc > 2)
				return faults_run(run, (void *)(uintptr_t)program, strtoul(argv[2], NULL, 10),
								  argc > 3) == FAULTS_BROKEN;
			for (int for_good = 0; for_good < 2; for_good++) {
				size_t some = try_all(program, for_good);

				broken += !some;
				runs += some;
			}
		}
	printf("%zu runs, %zu broken\n", runs, broken);
	return broken || !runs;
}
