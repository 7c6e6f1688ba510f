/*
 * tree.c - coroscope tree: who awaits whom, as a tree.
 */
#include "command_private.h"

static int main_tree(int argc, char **argv)
{
	return show_source(&subcommand_tree, argc, argv, awaits_tree, awaits_json);
}

const struct subcommand subcommand_tree = {
	"tree",
	"[--at N] [--all] [--json] FILE",
	"who awaits whom, as a tree",
	"  --at N         as they were after event N (the end)\n"
	"  --all          every object: futures, locks, queues, timers too\n"
	"  --json         as a JSON array\n"
	"  --help         this\n",
	main_tree,
};
