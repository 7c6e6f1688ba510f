/*
 * prune.c - coroscope prune: removes what killed programs have left in shared memory.
 *
 * Only what nobody uses: the program is dead, and no reader has a lease.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tracer/live.h>
#include "command_private.h"

struct pruning {
	char **pids; /* only of these, up to a NULL */
	unsigned removed;
};

static bool is_wanted(const struct pruning *pruning, uint32_t pid)
{
	if (!*pruning->pids)
		return true;
	for (char **wanted = pruning->pids; *wanted; wanted++)
		if (strtoul(*wanted, NULL, 10) == pid)
			return true;
	return false;
}

static void prune(const char *path, uint32_t pid, void *context)
{
	_cleanup_(text_cleanup) struct text text = {0};
	struct pruning *pruning = context;
	struct live *live;
	char *why = NULL;

	if (!is_wanted(pruning, pid))
		return;
	if (live_open(path, &live, &why) < 0) {
		free(why);
		return;
	}
	if (!live_is_alive(live) && !live_readers(live)) {
		live_remove(live);
		pruning->removed++;
		text_add(&text, "removed what process %u has left: ", pid);
		text_add_filtered(&text, path, strlen(path));
		puts(text_string(&text));
	}
	live_free(live);
}

static int main_prune(int argc, char **argv)
{
	static const struct option options[] = {
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	struct pruning pruning = {0};
	uint64_t pid;
	int option, status;

	while ((option = next_option(&subcommand_prune, argc, argv, ":h", options, &status)) != -1)
		if (option == -2)
			return status;
	for (int i = optind; i < argc; i++)
		if (!parse_number("prune", "the process", argv[i], &pid))
			return EXIT_USAGE;
	pruning.pids = argv + optind;
	live_each(prune, &pruning);
	if (!pruning.removed)
		puts("nothing was left");
	return EXIT_DONE;
}

const struct subcommand subcommand_prune = {
	"prune",
	"[PID...]",
	"remove what killed programs have left",
	"  PID            only of these processes\n"
	"  --help         this\n"
	"\nA program that is killed leaves its segment in shared memory, for coroscope recover. "
	"Segments\n"
	"of programs that run, or that somebody reads, stay.\n",
	main_prune,
};
