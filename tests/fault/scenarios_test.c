/*
 * scenarios_test.c - the scenarios of tests/conformance, while the n-th taking of memory fails.
 *
 *     scenarios_test FOLDER STRIDE [SCENARIO [N [all]]]
 *
 * Each scenario of the folder whose turn it is (each STRIDE-th) is run with n = 1, 2, 3 ... until
 * nothing fails; with a stride above 1 only some n are tried. What the scenario prints is of no
 * interest: nobody may crash, hang, or leave anything. Their interpreter is that of
 * tests/conformance, whose own memory never fails.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "faults.h"

enum { MOST = 100000, SCENARIOS = 4096 };

int conform_main(int argc, char **argv);

static void run(void *path)
{
	char *arguments[] = {(char *)"conform", path, NULL};
	int nowhere = open("/dev/null", O_WRONLY);

	dup2(nowhere, STDOUT_FILENO);
	close(nowhere);
	conform_main(2, arguments);
}

/* The n that follows: not all of them, with a stride. */
static size_t next(size_t n, size_t stride)
{
	return stride == 1 ? n + 1 : n + n / 4 + 1;
}

/* How many runs it took; 0: something is wrong. */
static size_t try_all(const char *path, size_t stride, bool for_good)
{
	size_t runs = 0;

	for (size_t n = 1; n < MOST; n = next(n, stride), runs++) {
		enum faults_result result = faults_run(run, (void *)path, n, for_good);

		if (result == FAULTS_PASSED)
			return runs + 1;
		if (result == FAULTS_BROKEN) {
			fprintf(stderr, "%s: broken when taking %zu fails%s\n", path, n,
					for_good ? ", and all after it" : "");
			return 0;
		}
	}
	fprintf(stderr, "%s: it never passes\n", path);
	return 0;
}

static int is_scenario(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot && !strcmp(dot, ".scn");
}

int main(int argc, char **argv)
{
	size_t stride = argc > 2 ? strtoul(argv[2], NULL, 10) : 1, broken = 0, runs = 0;
	struct dirent **entries;
	char path[PATH_MAX];
	int count = argc > 1 ? scandir(argv[1], &entries, is_scenario, alphasort) : -1;

	if (count < 0 || !stride) {
		fprintf(stderr, "usage: scenarios_test FOLDER STRIDE [SCENARIO [N [all]]]\n");
		return 2;
	}
	for (int i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s/%s", argv[1], entries[i]->d_name);
		if (argc > 3 ? strcmp(argv[3], entries[i]->d_name) != 0 : (size_t)i % stride != 0)
			continue;
		if (argc > 4)
			return faults_run(run, path, strtoul(argv[4], NULL, 10), argc > 5) == FAULTS_BROKEN;
		for (int for_good = 0; for_good < 2; for_good++) {
			size_t some = try_all(path, stride, for_good);

			broken += !some;
			runs += some;
		}
	}
	for (int i = 0; i < count; i++)
		free(entries[i]);
	free(entries);
	printf("%zu runs, %zu broken\n", runs, broken);
	return broken || !runs;
}
