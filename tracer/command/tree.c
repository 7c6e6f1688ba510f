/*
 * tree.c - coroscope tree: who awaits whom, as a tree.
 */
#include "command_private.h"

static int main_tree(int argc, char **argv)
{
	return show_source(&subcommand_tree, argc, argv, awaits_tree, awaits_json);
}

const struct subcommand subcommand_tree = {
	"tree", SHOW_USAGE, "who awaits whom, as a tree", SHOW_HELP, main_tree,
};
