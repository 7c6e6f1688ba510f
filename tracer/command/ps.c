/*
 * ps.c - coroscope ps: coroutines and tasks, one a line.
 */
#include "command_private.h"

static int main_ps(int argc, char **argv)
{
	return show_source(&subcommand_ps, argc, argv, objects_list, objects_json);
}

const struct subcommand subcommand_ps = {
	"ps",
	"[--at N] [--all] [--json] FILE",
	"coroutines and tasks, one a line",
	"  --at N         as they were after event N (the end)\n"
	"  --all          every object: futures, locks, queues, timers too\n"
	"  --json         as a JSON array\n"
	"  --help         this\n",
	main_ps,
};
